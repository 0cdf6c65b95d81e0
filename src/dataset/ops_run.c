#include "dataset/dataset__ops.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

// An episode's rows, twice: as they are stored, and as numbers for statistics.
#define SLOT_ARENA_BYTES ((size_t)8 << 30)

/* ---- what is picked ---- */

static enum et_status add_pick(struct et__run *run, size_t i_pick, struct et_err *err)
{
    const struct et_pick *pick = &run->picks[i_pick];
    const struct et_dataset_info *info = et_dataset_info(pick->dataset);
    const size_t n = pick->episodes ? pick->n_episodes : (size_t)info->n_episodes;
    for (size_t i = 0; i < n; i++) {
        const int64_t place = pick->episodes ? pick->episodes[i] : (int64_t)i;
        if (place < 0 || place >= info->n_episodes)
            return et_fail(err, ET_EARG, place, "%.200s has no episode in place %lld of %lld",
                           info->path, (long long)place, (long long)info->n_episodes);
        run->items[run->n_items++] = (struct et__item){i_pick, i, place};
    }
    return ET_OK;
}

enum et_status et__items_make(struct et__run *run, struct et_arena *arena, struct et_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < run->n_picks; i++)
        n += run->picks[i].episodes ? run->picks[i].n_episodes
                                    : (size_t)et_dataset_info(run->picks[i].dataset)->n_episodes;
    run->items = et_arena_array(arena, n, sizeof *run->items);
    run->bytes_per_row = et_arena_array(arena, run->n_picks, sizeof *run->bytes_per_row);
    if (!run->items || !run->bytes_per_row)
        return et_arena_fail(arena, "the episodes that are picked", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < run->n_picks; i++) {
        const struct et_dataset *dataset = run->picks[i].dataset;
        const int64_t n_rows = et_dataset_info(dataset)->n_rows;
        int64_t n_bytes = 0;
        st = et_dataset_bytes(dataset, false, &n_bytes, err);
        run->bytes_per_row[i] = n_rows > 0 ? (double)n_bytes / (double)n_rows : 0;
        if (st == ET_OK)
            st = add_pick(run, i, err);
    }
    return st;
}

const char *et__source_id(const struct et_dataset *dataset, int64_t index, struct et_arena *arena)
{
    if (et_dataset_info(dataset)->layout == ET_LAYOUT_EPISODES)
        return et_arena_printf(arena, "%s/%03lld", dataset->places[index].recording_id,
                               (long long)dataset->places[index].index);
    return et_arena_printf(arena, "%s/%lld", et_path_base(et_dataset_info(dataset)->path),
                           (long long)index);
}

void et__note(struct et__remarks *remarks, enum et_severity severity, const char *where,
              const char *fmt, ...)
{
    char text[ET_ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const char *copy = et__copy_text(remarks->arena, et_str(where));
    et__remark(remarks, ET__CHECK_METADATA, severity, copy ? copy : "", "%s", text);
}

/* How many bytes an episode is read from: its share of the data files, and its videos. */
int64_t et__episode_bytes(const struct et__run *run, const struct et__item *item,
                          const struct et_new_episode *episode)
{
    double n_bytes = run->bytes_per_row[item->i_pick] * (double)episode->n_rows;
    const struct et_dataset *dataset = run->picks[item->i_pick].dataset;
    const bool is_shared = et_dataset_info(dataset)->layout == ET_LAYOUT_V30;
    for (size_t i = 0; i < episode->n_videos; i++) {
        struct et_file *file = NULL;
        struct et_video_info info;
        int64_t n = 0;
        if (!episode->videos[i].path ||
            et_file_open(&file, episode->videos[i].path, ET_FILE_READ, NULL) != ET_OK)
            continue;
        if (et_file_size(file, &n, NULL) != ET_OK)
            n = 0;
        et_file_close(file);
        const bool is_part =
            is_shared && et__probe_once(dataset, episode->videos[i].path, &info, NULL) == ET_OK;
        n_bytes += is_part && info.n_frames > 0
                       ? (double)n * (double)episode->n_rows / (double)info.n_frames
                       : (double)n;
    }
    return llround(n_bytes);
}

int64_t et__place_of_task(const char **tasks, size_t *n, const char *text)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(tasks[i], text) == 0)
            return (int64_t)i;
    tasks[*n] = text;
    return (int64_t)(*n)++;
}

/* ---- the run ---- */

static enum et_status make_slot(struct et__run *run, size_t i, bool is_careful, struct et_err *err)
{
    struct et__slot *slot = &run->slots[i % run->n_slots];
    // The arena keeps its blocks from episode to episode.
    struct et_arena *arena = slot->arena;
    const struct et_arena_mark start = slot->start;
    enum et_status st = ET_OK;
    if (arena)
        et_arena_rewind(arena, start);
    else
        st = et_arena_open(&arena, SLOT_ARENA_BYTES, err);
    *slot = (struct et__slot){.arena = arena, .is_careful = is_careful};
    if (st == ET_OK)
        slot->start = et_arena_mark(arena);
    if (st == ET_OK)
        st = run->make(run->ctx, i, et__writer_spec(run->writer), slot, err);
    if (st != ET_OK || slot->outcome != ET__ADD)
        return st;
    st = et__prepare(et__writer_spec(run->writer), &slot->episode, slot->arena, &slot->prepared,
                     &slot->trouble);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", slot->trouble.text);
    if (st != ET_OK)
        slot->outcome = ET__LEAVE_OUT;
    return ET_OK;
}

static enum et_status make(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct et__run *run = ctx;
    const struct et__slot *slot = &run->slots[i % run->n_slots];
    (void)worker;
    const enum et_status st = make_slot(run, i, false, err);
    const bool should_try = slot->outcome == ET__LEAVE_OUT && slot->could_be_careful;
    return st == ET_OK && should_try ? make_slot(run, i, true, err) : st;
}

// An episode that cannot be taken over is listed, and said.
static enum et_status leave_out(struct et__run *run, const struct et__slot *slot,
                                struct et_err *err)
{
    const char *where = slot->episode.source_id ? slot->episode.source_id : "an episode";
    // That something is absent was to be expected where the caller asked for what has it.
    const enum et_severity severity =
        slot->trouble.status == ET_ENOTFOUND ? ET_SEVERITY_WARN : ET_SEVERITY_ERROR;
    et__note(&run->remarks, severity, where, "left out: %s", slot->trouble.text);
    const struct et_grade grade = {
        .verdict = ET_VERDICT_REJECT, .grading = "readable", .reason = slot->trouble.text};
    const struct et_rejected_episode rejected = {.source_id = slot->episode.source_id,
                                                 .grade = &grade};
    return et_dataset_reject(run->writer, &rejected, err);
}

static bool is_of_episode(const struct et__slot *slot, enum et_status st)
{
    // A damaged picture may claim any size.
    return st == ET_EARG || st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ENOTFOUND ||
           (st == ET_ELIMIT && slot->could_be_careful);
}

static enum et_status add(struct et__run *run, size_t i, struct et_err *err)
{
    struct et__slot *slot = &run->slots[i % run->n_slots];
    struct et_err bad = {0};
    enum et_status st =
        et__add_prepared(run->writer, &slot->episode, &slot->prepared, slot->arena, &bad);
    if (st != ET_OK && is_of_episode(slot, st) && slot->could_be_careful) {
        st = make_slot(run, i, true, err);
        if (st != ET_OK)
            return st;
        if (slot->outcome != ET__ADD)
            return leave_out(run, slot, err);
        st = et__add_prepared(run->writer, &slot->episode, &slot->prepared, slot->arena, &bad);
    }
    if (st == ET_OK) {
        run->n_other_times += slot->has_other_times;
        run->n_other_tasks += slot->has_other_tasks;
        if (slot->substitutes)
            et__note(&run->remarks, ET_SEVERITY_WARN, slot->episode.source_id, "%s",
                     slot->substitutes);
        return ET_OK;
    }
    if (is_of_episode(slot, st)) {
        slot->trouble = bad;
        return leave_out(run, slot, err);
    }
    if (err)
        *err = bad;
    return st;
}

static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    struct et__run *run = ctx;
    struct et__slot *slot = &run->slots[i % run->n_slots];
    enum et_status st = ET_OK;

    if (slot->outcome == ET__REJECT)
        st = et_dataset_reject(run->writer, &slot->rejected, err);
    else if (slot->outcome == ET__LEAVE_OUT)
        st = leave_out(run, slot, err);
    else
        st = add(run, i, err);
    run->n_bytes_in += slot->n_bytes_in;
    run->n_done++;
    if (st == ET_OK && run->progress &&
        !run->progress(run->progress_ctx, run->n_done, (int64_t)run->n_items, run->n_bytes_in))
        st = et_fail(err, ET_ECANCELLED, -1, "cancelled after %lld of %zu episodes",
                     (long long)run->n_done, run->n_items);
    return st;
}

static enum et_status run_items(struct et__run *run, struct et_arena *arena, struct et_err *err)
{
    run->n_slots = run->pool ? 2 * (size_t)et_pool_threads(run->pool) : 1;
    run->slots = et_arena_array(arena, run->n_slots, sizeof *run->slots);
    if (!run->slots)
        return et_arena_fail(arena, "the episodes in work", err);
    const struct et_pool_job job = {
        .n_tasks = run->n_items, .window = run->n_slots, .work = make, .take = take, .ctx = run};
    const enum et_status st = et_pool_run(run->pool, &job, err);
    for (size_t i = 0; i < run->n_slots; i++)
        et_arena_close(run->slots[i].arena);
    return st;
}

static void remark_counts(struct et__run *run, const struct et_dataset_totals *totals)
{
    if (totals->n_pixels_beyond > 0)
        et__note(&run->remarks, ET_SEVERITY_WARN, "depth",
                 "%lld pixels were beyond 65.535 m and are 0 now, as if nothing had been measured",
                 (long long)totals->n_pixels_beyond);
    if (run->n_other_times > 0)
        et__note(&run->remarks, ET_SEVERITY_WARN, "timestamp",
                 "the times of %lld episodes were not float32 of frame_index / fps and are made "
                 "anew",
                 (long long)run->n_other_times);
    if (run->n_other_tasks > 0)
        et__note(&run->remarks, ET_SEVERITY_WARN, "task_index",
                 "%lld episodes have rows whose task number names no task; they have the "
                 "episode's first task now",
                 (long long)run->n_other_tasks);
}

enum et_status et__run_all(struct et__run *run, struct et_ops_result *result, struct et_err *err)
{
    enum et_status st = et_dataset_create(&run->writer, run->path, run->spec, err);
    if (st != ET_OK)
        return st;
    if (run->begun)
        st = run->begun(run->ctx, run->path, err);
    if (st == ET_OK)
        st = run_items(run, run->remarks.arena, err);
    result->totals = et_dataset_writer_totals(run->writer);
    if (st == ET_OK)
        st = et_dataset_finish(run->writer, run->provenance, &result->totals, err);
    else
        et_dataset_writer_close(run->writer);
    run->writer = NULL;
    remark_counts(run, &result->totals);
    result->n_episodes_in = (int64_t)run->n_items;
    result->n_bytes_in = run->n_bytes_in;
    result->remarks = run->remarks.items;
    result->n_remarks = run->remarks.n;
    return st;
}

/* The journal of a dataset that is being written, and datasets that are read by it. */
#include "dataset/dataset__internal.h"
#include "dataset/dataset__journal.h"

#include "etude/hash.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define SEAL_HEAD "{\"xxh3\":\""
#define SEAL_DIGITS 16
// {"xxh3":"0123456789abcdef",
#define SEAL_BYTES (sizeof SEAL_HEAD - 1 + SEAL_DIGITS + 2)

void et__journal_seal(struct et_buf *buf, struct et_str object)
{
    assert(object.n >= 3 && object.p[0] == '{' && !memchr(object.p, '\n', object.n));
    const struct et_str rest = {object.p + 1, object.n - 1};
    et_buf_printf(buf, SEAL_HEAD "%016llx\",", (unsigned long long)et_hash64(rest.p, rest.n));
    et_buf_putstr(buf, rest);
    et_buf_putc(buf, '\n');
}

// True when a line, without its line feed, is as et__journal_seal made it.
static bool holds(struct et_str line)
{
    char head[SEAL_BYTES + 1];

    if (line.n <= SEAL_BYTES)
        return false;
    const uint64_t hash = et_hash64(line.p + SEAL_BYTES, line.n - SEAL_BYTES);
    (void)snprintf(head, sizeof head, SEAL_HEAD "%016llx\",", (unsigned long long)hash);
    return memcmp(line.p, head, SEAL_BYTES) == 0;
}

struct et__journal {
    struct et__lines lines;
    bool is_cut;
    bool is_open; // the spec was given
};

enum et_status et__journal_open(struct et__journal **journal, const char *root, struct et_err *err)
{
    struct et_arena *arena = NULL;

    *journal = NULL;
    enum et_status st = et_arena_open(&arena, (size_t)64 << 10, err);
    if (st != ET_OK)
        return st;
    const char *path = et_path_join(arena, root, ET__JOURNAL_PATH);
    struct et__journal *opened = calloc(1, sizeof *opened);
    if (!path || !opened)
        st = et_fail(err, ET_ENOMEM, -1, "no memory for a journal");
    if (st == ET_OK)
        st = et__lines_open(&opened->lines, path, ET__JOURNAL_LINE_BYTES_MAX, err);
    et_arena_close(arena);
    if (st == ET_OK)
        *journal = opened;
    else
        et__journal_close(opened);
    return st;
}

void et__journal_close(struct et__journal *journal)
{
    if (!journal)
        return;
    et__lines_close(&journal->lines);
    free(journal);
}

bool et__journal_is_cut(const struct et__journal *journal)
{
    return journal->is_cut;
}

static bool parse_kind(const char *text, enum et__journal_kind *kind)
{
    static const char *const KINDS[] = {"spec", "episode", "rejected"};

    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(text, KINDS[i]) == 0) {
            *kind = (enum et__journal_kind)i;
            return true;
        }
    }
    return false;
}

static bool take_tasks(struct et__journal_line *line, struct et_arena *arena)
{
    const struct et_value *list = et_value_get(line->value, "tasks");
    const size_t n = et_value_count(list);

    const char **tasks = et_arena_array(arena, n, sizeof *tasks);
    for (size_t i = 0; tasks && i < n; i++) {
        tasks[i] = et_value_text(et_value_at(list, i), NULL);
        if (!tasks[i])
            return false;
    }
    line->tasks = tasks;
    line->n_tasks = n;
    return tasks != NULL;
}

static bool take_videos(struct et__journal_line *line, struct et_arena *arena)
{
    const struct et_value *map = et_value_get(line->value, "videos");
    const size_t n = et_value_count(map);

    struct et__journal_video *videos = et_arena_array(arena, n, sizeof *videos);
    if (!videos || (n && map->kind != ET_VALUE_MAP))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct et_value *value = et_value_at(map, i);
        videos[i] = (struct et__journal_video){
            .key = map->as.many.keys[i].p,
            .chunk = et_value_int(et_value_get(value, "chunk"), -1),
            .file = et_value_int(et_value_get(value, "file"), -1),
            .from_s = et_value_real(et_value_get(value, "from_s"), -1),
            .to_s = et_value_real(et_value_get(value, "to_s"), -1),
            .n_frames = et_value_int(et_value_get(value, "n_frames"), -1),
        };
        if (videos[i].chunk < 0 || videos[i].file < 0 || !(videos[i].from_s >= 0) ||
            !(videos[i].to_s >= videos[i].from_s) || videos[i].n_frames < 0)
            return false;
    }
    line->videos = videos;
    line->n_videos = n;
    return true;
}

// The members of an episode's line; false when one is missing or of another type.
static bool take_episode(struct et__journal_line *line, struct et_arena *arena)
{
    const struct et_value *data = et_value_get(line->value, "data");

    line->index = et_value_int(et_value_get(line->value, "index"), -1);
    line->n_rows = et_value_int(et_value_get(line->value, "n_rows"), -1);
    line->from_index = et_value_int(et_value_get(line->value, "from_index"), -1);
    line->data_chunk = et_value_int(et_value_get(data, "chunk"), -1);
    line->data_file = et_value_int(et_value_get(data, "file"), -1);
    line->data_group = et_value_int(et_value_get(data, "group"), -1);
    line->data_first_row = et_value_int(et_value_get(data, "first_row"), -1);
    return line->index >= 0 && line->n_rows >= 0 && line->from_index >= 0 &&
           line->from_index <= INT64_MAX / 2 && line->n_rows <= INT64_MAX / 4 &&
           line->data_chunk >= 0 && line->data_file >= 0 && line->data_group >= 0 &&
           line->data_first_row >= 0 && take_videos(line, arena);
}

/* Cuts the stats off the end of a line and closes it again; *stats is what stood there. A line that
 * does not end with them is left as it is. */
static struct et_str cut_stats(struct et__journal *journal, struct et_str line,
                               struct et_str *stats)
{
    static const char KEY[] = ",\"stats\":\"", END[] = "\"}";
    const size_t n_key = sizeof KEY - 1, n_end = sizeof END - 1;

    *stats = (struct et_str){0};
    if (!et_str_ends(line, END))
        return line;
    size_t first = line.n - n_end;
    while (first > 0 && line.p[first - 1] != '"')
        first--;
    if (first < n_key || memcmp(line.p + first - n_key, KEY, n_key) != 0)
        return line;
    *stats = (struct et_str){line.p + first, line.n - n_end - first};
    const size_t n = first - n_key;
    struct et_buf *buf = &journal->lines.buf;
    buf->p[(size_t)(line.p - buf->p) + n] = '}';
    return (struct et_str){line.p, n + 1};
}

static enum et_status parse_line(struct et__journal *journal, const struct et__line *text,
                                 struct et_arena *arena, struct et__journal_line *line,
                                 struct et_err *err)
{
    const long long number = journal->lines.line;

    *line = (struct et__journal_line){.at = text->at, .end = text->end};
    const struct et_str rest = cut_stats(journal, text->text, &line->stats);
    enum et_status st = et_json_parse(rest, NULL, arena, &line->value, err);
    if (st != ET_OK) {
        (void)et_err_context(err, "%s:%lld", ET__JOURNAL_PATH, number);
        return st;
    }
    if (!parse_kind(et_value_text(et_value_get(line->value, "line"), ""), &line->kind))
        return et_fail(err, ET_ECORRUPT, number, "%s:%lld: a line of no kind that we know",
                       ET__JOURNAL_PATH, number);
    const int64_t version = et_value_int(et_value_get(line->value, "version"), -1);
    if ((line->kind == ET__JOURNAL_SPEC) == journal->is_open ||
        (!journal->is_open && version != ET__JOURNAL_VERSION))
        return et_fail(err, ET_ECORRUPT, number, "%s:%lld: not a journal that begins as ours",
                       ET__JOURNAL_PATH, number);
    journal->is_open = true;
    const bool is_good = (line->kind == ET__JOURNAL_REJECTED || take_tasks(line, arena)) &&
                         (line->kind != ET__JOURNAL_EPISODE || take_episode(line, arena));
    if (!is_good)
        return et_fail(err, ET_ECORRUPT, number, "%s:%lld: the line lacks what it must have",
                       ET__JOURNAL_PATH, number);
    return ET_OK;
}

enum et_status et__journal_next(struct et__journal *journal, struct et_arena *arena,
                                struct et__journal_line *line, struct et_err *err)
{
    struct et__line text;

    if (journal->is_cut)
        return ET_END;
    const enum et_status st = et__lines_next(&journal->lines, &text, err);
    if (st == ET_END && !journal->is_open)
        return et_fail(err, ET_ECORRUPT, 1, "%s is empty", ET__JOURNAL_PATH);
    if (st != ET_OK)
        return st;
    if (!text.is_whole || !holds(text.text)) {
        journal->is_cut = true;
        return journal->is_open ? ET_END
                                : et_fail(err, ET_ECORRUPT, 1, "%s: the first line does not hold",
                                          ET__JOURNAL_PATH);
    }
    return parse_line(journal, &text, arena, line, err);
}

/* ---- a dataset that is read by its journal ---- */

struct reading {
    struct et_dataset *ds;
    struct et__journal *journal;
    struct et_arena *scratch;
    struct et__video_slot *slots;
    size_t cap_episodes, cap_slots, cap_tasks;
};

static enum et_status number_tasks(struct reading *reading, const struct et__journal_line *line,
                                   const char **texts, struct et_err *err)
{
    struct et_dataset *ds = reading->ds;

    for (size_t i = 0; i < line->n_tasks; i++) {
        size_t k = 0;
        while (k < ds->info.n_tasks && strcmp(ds->info.tasks[k], line->tasks[i]) != 0)
            k++;
        if (k == ds->info.n_tasks) {
            const char *copy = et__copy_text(ds->arena, et_str(line->tasks[i]));
            if (!copy)
                return et_arena_fail(ds->arena, "the tasks", err);
            const enum et_status st =
                et__task_set(ds, &reading->cap_tasks, (int64_t)k, copy, ET__JOURNAL_PATH, err);
            if (st != ET_OK)
                return st;
        }
        if (texts && k < ds->info.n_tasks)
            texts[i] = ds->info.tasks[k];
    }
    return ET_OK;
}

static enum et_status take_spec(struct reading *reading, const struct et__journal_line *line,
                                struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    const struct et_str layout = et_str(et_value_text(et_value_get(line->value, "layout"), ""));
    const struct et_value *features = et_value_get(line->value, "features");
    const struct et_value *modality = et_value_get(line->value, "modality");

    ds->info.layout = et_str_is(layout, "v2.1") ? ET_LAYOUT_V21 : ET_LAYOUT_V30;
    ds->info.fps = et_value_real(et_value_get(line->value, "fps"), 0);
    ds->chunks_size = et_value_int(et_value_get(line->value, "chunk_files"), 1000);
    if (!(ds->info.fps > 0) || ds->chunks_size < 1 || !features || features->kind != ET_VALUE_MAP)
        return et_fail(err, ET_ECORRUPT, 1, "%s: the spec has no rate or no features",
                       ET__JOURNAL_PATH);
    ds->info.robot_type = et_value_text(et_value_get(line->value, "robot_type"), NULL);
    ds->info.info = line->value;
    ds->data_template = et__data_template(ds->info.layout);
    ds->video_template = et__video_template(ds->info.layout);
    ds->info.claims.n_episodes = ds->info.claims.n_rows = ds->info.claims.n_tasks = -1;
    ds->info.claims.n_videos = ds->info.claims.split_last = -1;
    if (et_value_text(modality, NULL) &&
        et_json_parse(modality->as.string, NULL, ds->arena, &ds->info.modality, NULL) != ET_OK)
        ds->info.modality = NULL;
    const enum et_status st = et__features_read(ds, features, err);
    return st == ET_OK ? number_tasks(reading, line, NULL, err) : st;
}

static enum et_status put_slots(struct reading *reading, const struct et__journal_line *line,
                                struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    const size_t first = (size_t)ds->info.n_episodes * ds->n_videos;

    for (size_t v = 0; v < ds->n_videos; v++) {
        const char *key = ds->features[ds->i_videos[v]].name;
        struct et__video_slot *slots =
            et__grow(ds->arena, reading->slots, first + v, &reading->cap_slots, sizeof *slots);
        if (!slots)
            return et_arena_fail(ds->arena, "the videos' places", err);
        reading->slots = slots;
        slots[first + v] = (struct et__video_slot){-1, -1, 0, 0};
        for (size_t i = 0; i < line->n_videos; i++) {
            const struct et__journal_video *video = &line->videos[i];
            if (strcmp(video->key, key) == 0)
                slots[first + v] =
                    (struct et__video_slot){video->chunk, video->file, video->from_s, video->to_s};
        }
    }
    return ET_OK;
}

static enum et_status take_committed(struct reading *reading, const struct et__journal_line *line,
                                     struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    const size_t n = (size_t)ds->info.n_episodes;

    if (line->index != ds->info.n_episodes)
        return et_fail(err, ET_ECORRUPT, line->at, "%s: episode %lld follows episode %lld",
                       ET__JOURNAL_PATH, (long long)line->index, (long long)n - 1);
    struct et__episode *episodes =
        et__grow(ds->arena, ds->episodes, n, &reading->cap_episodes, sizeof *episodes);
    const char **tasks = et_arena_array(ds->arena, line->n_tasks, sizeof *tasks);
    if (!episodes || !tasks)
        return et_arena_fail(ds->arena, "the episodes", err);
    ds->episodes = episodes;
    enum et_status st = number_tasks(reading, line, tasks, err);
    if (st == ET_OK)
        st = put_slots(reading, line, err);
    episodes[n] = (struct et__episode){.index = line->index,
                                       .n_rows = line->n_rows,
                                       .data_chunk = line->data_chunk,
                                       .data_file = line->data_file,
                                       .first_row = line->data_first_row,
                                       .from_index = line->from_index,
                                       .to_index = line->from_index + line->n_rows,
                                       .tasks = tasks,
                                       .n_tasks = line->n_tasks,
                                       .stats_at = -1};
    ds->info.n_episodes += st == ET_OK;
    return st;
}

static enum et_status read_all(struct reading *reading, struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    struct et__journal_line line = {0};

    // The spec's features stay as long as the dataset; the episodes' lines do not.
    enum et_status st = et__journal_next(reading->journal, ds->arena, &line, err);
    if (st == ET_OK)
        st = take_spec(reading, &line, err);
    while (st == ET_OK) {
        const struct et_arena_mark mark = et_arena_mark(reading->scratch);
        st = et__journal_next(reading->journal, reading->scratch, &line, err);
        if (st == ET_OK && line.kind == ET__JOURNAL_EPISODE)
            st = take_committed(reading, &line, err);
        et_arena_rewind(reading->scratch, mark);
    }
    return st == ET_END ? ET_OK : st;
}

enum et_status et__meta_journal_read(struct et_dataset *ds, struct et_err *err)
{
    struct reading reading = {.ds = ds};

    ds->info.is_unfinished = true;
    enum et_status st = et__journal_open(&reading.journal, ds->info.path, err);
    if (st == ET_OK)
        st = et_arena_open(&reading.scratch, ET__META_ARENA_BYTES_MAX, err);
    if (st == ET_OK)
        st = read_all(&reading, err);
    if (st == ET_OK) {
        ds->slots = reading.slots;
        et__remark(&ds->remarks, ET__CHECK_UNFINISHED, ET_SEVERITY_ERROR, ET__JOURNAL_PATH,
                   "the writer was killed after episode %lld; other readers need a repair%s",
                   (long long)ds->info.n_episodes - 1,
                   et__journal_is_cut(reading.journal) ? " (the journal's last line is cut)" : "");
    }
    et_arena_close(reading.scratch);
    et__journal_close(reading.journal);
    if (st != ET_OK)
        (void)et_err_context(err, "%s", ds->info.path);
    return st;
}

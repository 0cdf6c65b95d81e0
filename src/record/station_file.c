/* A station's runs and their files; on the thread that writes. */
#include "record/record__recorder.h"

#include "etude/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define RUN_MORE_MAX 48
#define RUN_PAIRS_MAX (RUN_MORE_MAX + 16)
#define RUN_BYTES_MAX ((size_t)256 << 20) // with its attachments
#define RETRY_NS ET_NS_PER_S

/* ---- files ---- */

static void make_folder(const struct et_station *s, char folder[ET_RECORDING_PATH_MAX])
{
    char day[ET_TIME_TEXT_BYTES];
    const struct et_recorder *r = s->recorder;
    et_time_text(et__recorder_real(r), day); // 2026-11-20T…
    if (r->options.by_day)
        (void)snprintf(folder, ET_RECORDING_PATH_MAX, "%s/%.4s/%.2s/%.2s", r->folder, day, day + 5,
                       day + 8);
    else
        (void)snprintf(folder, ET_RECORDING_PATH_MAX, "%s", r->folder);
}

static enum et_status write_run(struct et_station *s, struct et_err *err)
{
    const struct et_run *run = &s->run;
    struct et_mcap_pair pairs[RUN_PAIRS_MAX];
    char part[16];
    size_t n = 0;
    (void)snprintf(part, sizeof part, "%u", s->status.i_part);
    const struct {
        const char *key, *value;
    } said[] = {{"id", s->id},
                {"run", run->run},
                {"part", part},
                {"station", s->name},
                {"robot", run->robot},
                {"serial", run->serial},
                {"trainer", run->trainer},
                {"programme", run->programme},
                {"scenario", run->scenario},
                {"skill", run->skill},
                {"instruction", run->instruction},
                {"objects", run->objects},
                {"program", "etude " ET_VERSION}};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (said[i].value)
            pairs[n++] = (struct et_mcap_pair){et_str(said[i].key), et_str(said[i].value)};
    for (size_t i = 0; i < run->n_more; i++)
        pairs[n++] = run->more[i];
    return et_mcap_write_metadata(
        et__file_mcap(s->file),
        &(struct et_mcap_metadata){.name = ET_STR("etude.run"), .pairs = pairs, .n_pairs = n}, err);
}

static enum et_status write_clock(struct et_station *s, struct et_err *err)
{
    char to_real[32], monotonic[32], real[32];
    const int64_t t_ns = et_clock_monotonic_ns();
    s->real_minus_mono_ns = et__recorder_real(s->recorder) - t_ns;
    (void)snprintf(to_real, sizeof to_real, "%" PRId64, s->recorder->to_real_ns);
    (void)snprintf(monotonic, sizeof monotonic, "%" PRId64, t_ns);
    (void)snprintf(real, sizeof real, "%" PRId64, t_ns + s->real_minus_mono_ns);
    const struct et_mcap_pair pairs[] = {
        {ET_STR("log_minus_monotonic_ns"), et_str(to_real)},
        {ET_STR("monotonic_ns"), et_str(monotonic)},
        {ET_STR("real_ns"), et_str(real)},
    };
    return et_mcap_write_metadata(
        et__file_mcap(s->file),
        &(struct et_mcap_metadata){
            .name = ET_STR("etude.clock"), .pairs = pairs, .n_pairs = sizeof pairs / sizeof *pairs},
        err);
}

static enum et_status write_head(struct et_station *s, struct et_err *err)
{
    enum et_status st = write_run(s, err);
    if (st == ET_OK)
        st = write_clock(s, err);
    for (size_t i = 0; i < s->run.n_attachments && st == ET_OK; i++)
        st = et_mcap_write_attachment(et__file_mcap(s->file), &s->run.attachments[i], err);
    if (st == ET_OK)
        st = et__station_learn(s, err);
    if (st == ET_OK)
        st = et__station_repeat(s, err);
    if (st == ET_OK)
        st = et__station_write_owed(s, err);
    if (st == ET_OK)
        st = et__station_tell_links(s, err);
    s->n_open_bytes = 0;
    return st == ET_OK ? et__file_flush(s->file, err) : st;
}

void et__station_cover(struct et_station *s)
{
    const size_t n = atomic_load(&s->n_lanes);
    for (size_t k = 0; k < n; k++)
        et__owed_cover(&s->lanes[k]->owed);
    s->n_covered_heard = s->n_heard;
    s->n_covered_bytes = et__file_bytes(s->file);
    s->t_covered_ns = s->t_drained_ns;
}

void et__station_settle(struct et_station *s)
{
    const size_t n = atomic_load(&s->n_lanes);
    if (!s->file || et__file_check(s->file, NULL) != ET_OK)
        return;
    for (size_t k = 0; k < n; k++)
        et__owed_settle(&s->lanes[k]->owed);
    s->n_safe_heard = s->n_covered_heard;
    s->n_safe_bytes = s->n_covered_bytes;
    s->t_safe_ns = s->t_covered_ns;
}

enum et_status et__station_commit(struct et_station *s, struct et_err *err)
{
    et__station_cover(s);
    et__deck_commit(s->writer->deck);
    et__deck_wait(s->writer->deck);
    et__station_settle(s);
    return et__file_check(s->file, err);
}

enum et_status et__station_begin_file(struct et_station *s, struct et_err *err)
{
    char folder[ET_RECORDING_PATH_MAX];
    if (atomic_load(&s->recorder->is_full)) {
        struct et_err full = {0};
        et__recorder_full(s->recorder, err ? err : &full);
        return ET_EIO;
    }
    et_id_new(et__recorder_real(s->recorder), s->id);
    make_folder(s, folder);
    const struct et__file_options how = {.folder = folder,
                                         .id = s->id,
                                         .compression = s->recorder->options.compression,
                                         .level = s->recorder->options.level};
    enum et_status st = et__file_open(&s->file, s->writer->deck, &how, err);
    if (st != ET_OK)
        return st;
    if (!et__file_is_locked(s->file) && !atomic_exchange(&s->recorder->is_told_of_locks, true))
        et_logf(s->recorder->options.log, ET_LOG_WARN,
                "%s: its file system has no locks: no other program sees that it is being recorded "
                "to; let none record or recover there meanwhile",
                folder);
    if (!s->run.run)
        s->run.run = et_arena_copy(s->arena, s->id, sizeof s->id);
    s->t_file_ns = et_clock_monotonic_ns();
    s->n_bytes_told = s->n_covered_bytes = s->n_safe_bytes = 0;
    (void)pthread_mutex_lock(&s->lock);
    s->status.i_part++;
    s->status.trouble = (struct et_err){0};
    s->status.state = ET_STATION_RECORDING;
    (void)pthread_mutex_unlock(&s->lock);
    st = write_head(s, err);
    if (st == ET_OK) // its name and its head are safe before anybody relies on it
        st = et__station_commit(s, err);
    et__station_publish(s);
    return st;
}

static void tell_safe(struct et_station *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->status.t_safe_ns = s->t_safe_ns;
    if (s->status.t_kept_ns < s->t_safe_ns)
        s->status.t_kept_ns = s->t_safe_ns;
    if (s->t_settled_ns < s->t_safe_ns)
        s->t_settled_ns = s->t_safe_ns;
    (void)pthread_mutex_unlock(&s->lock);
}

void et__station_pass(struct et_station *s, int64_t until_ns)
{
    (void)pthread_mutex_lock(&s->lock);
    if (s->t_settled_ns < until_ns)
        s->t_settled_ns = until_ns;
    (void)pthread_mutex_unlock(&s->lock);
}

// How far agents' samples are in the file.
static size_t list_links(const struct et_station *s,
                         struct et_recorded_link links[ET_RECORDING_LINKS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < s->links->n; i++)
        if (s->links->of[i].n_told)
            links[n++] =
                (struct et_recorded_link){s->links->of[i].link.session, s->links->of[i].n_told};
    return n;
}

enum et_status et__station_end_file(struct et_station *s, const char *outcome, struct et_err *err)
{
    const struct et_mcap_pair pair = {ET_STR("outcome"), et_str(outcome)};
    struct et_recorded_link links[ET_RECORDING_LINKS_MAX];
    enum et_status st = et__station_tell_left_out(s, err);
    if (st == ET_OK)
        st = et__station_tell_links(s, err);
    const struct et__file_facts facts = {.run = s->run.run,
                                         .i_part = s->status.i_part,
                                         .n_messages = s->n_file_messages,
                                         .links = links,
                                         .n_links = list_links(s, links)};
    if (st == ET_OK && outcome)
        st = et_mcap_write_metadata(
            et__file_mcap(s->file),
            &(struct et_mcap_metadata){.name = ET_STR("etude.run"), .pairs = &pair, .n_pairs = 1},
            err);
    // Who waits for it is told that it is safe even where the file cannot be finished and renamed.
    if (st == ET_OK && s->can_wait)
        st = et__file_flush(s->file, err);
    if (st == ET_OK && s->can_wait)
        st = et__station_commit(s, err);
    if (st != ET_OK)
        return st;
    et__station_publish(s);
    const uint64_t n_at_risk = s->n_heard - s->n_safe_heard;
    struct et__file *file = s->file;
    et__station_forget(s);
    st = et__file_finish(file, &facts, err);
    if (st == ET_OK)
        s->t_safe_ns = s->t_covered_ns = s->t_drained_ns;
    else
        s->n_at_risk += n_at_risk;
    tell_safe(s);
    return st;
}

// What the next file has again must not be in this one, too.
static void leave_file(struct et_station *s)
{
    struct et__file *file = s->file;
    const size_t n = atomic_load(&s->n_lanes);
    struct et_err err = {0};
    et__station_forget(s);
    for (size_t k = 0; k < n; k++)
        s->lanes[k]->owed.n_covered = 0;
    s->t_covered_ns = s->t_safe_ns;
    if (!file || !s->can_wait)
        et__file_leave(file);
    else if (et__file_cut(file, s->n_safe_bytes, &err) != ET_OK)
        et_logf(s->recorder->options.log, ET_LOG_WARN, "%s: %s: samples may be there twice",
                s->name, err.text);
}

void et__station_fail(struct et_station *s, const struct et_err *trouble)
{
    const uint64_t n_at_risk = s->file ? s->n_heard - s->n_safe_heard : 0;
    et__station_publish(s);
    s->n_at_risk += n_at_risk;
    leave_file(s);
    et__recorder_failed(s->recorder);
    s->t_try_ns = et_clock_monotonic_ns() + RETRY_NS;
    if (strcmp(s->status.trouble.text, trouble->text) != 0) // each second again, it may be the same
        et_logf(s->recorder->options.log, ET_LOG_WARN, "%s: %s", s->name, trouble->text);
    (void)pthread_mutex_lock(&s->lock);
    s->status.state = ET_STATION_STOPPED;
    s->status.trouble = *trouble;
    s->status.n_missed += n_at_risk;
    (void)pthread_mutex_unlock(&s->lock);
}

void et__station_keep(struct et_station *s, int64_t t_kept_ns)
{
    if (!et__file_outlives(s->file))
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->status.t_kept_ns = t_kept_ns;
    (void)pthread_mutex_unlock(&s->lock);
}

void et__station_publish(struct et_station *s)
{
    if (!s->file)
        return;
    const int64_t n_bytes = et__file_bytes(s->file);
    atomic_fetch_add(&s->recorder->n_bytes, n_bytes - s->n_bytes_told);
    s->n_bytes_told = n_bytes;
    (void)pthread_mutex_lock(&s->lock);
    (void)snprintf(s->status.path, sizeof s->status.path, "%s", et__file_path(s->file));
    s->status.n_bytes = n_bytes;
    s->status.n_safe_bytes = et__file_safe(s->file);
    s->status.n_messages = s->n_messages;
    (void)pthread_mutex_unlock(&s->lock);
    tell_safe(s);
}

/* ---- runs ---- */

static const char *keep(struct et_arena *arena, const char *text, bool *is_kept)
{
    const char *kept = text ? et_arena_copy(arena, text, strlen(text) + 1) : NULL;
    *is_kept = *is_kept && (!text || kept);
    return kept;
}

static struct et_str keep_str(struct et_arena *arena, struct et_str text, bool *is_kept)
{
    const char *kept = text.n ? et_arena_copy(arena, text.p, text.n) : "";
    *is_kept = *is_kept && kept;
    return (struct et_str){kept, text.n};
}

static bool keep_lists(struct et_arena *arena, const struct et_run *run, struct et_run *kept)
{
    bool is_kept = true;
    struct et_mcap_pair *more = et_arena_array(arena, run->n_more, sizeof *more);
    struct et_mcap_attachment *attachments =
        et_arena_array(arena, run->n_attachments, sizeof *attachments);
    if (!more || !attachments)
        return false;
    for (size_t i = 0; i < run->n_more; i++)
        more[i] = (struct et_mcap_pair){keep_str(arena, run->more[i].key, &is_kept),
                                        keep_str(arena, run->more[i].value, &is_kept)};
    for (size_t i = 0; i < run->n_attachments; i++) {
        attachments[i] = run->attachments[i];
        attachments[i].name = keep_str(arena, run->attachments[i].name, &is_kept);
        attachments[i].media_type = keep_str(arena, run->attachments[i].media_type, &is_kept);
        attachments[i].data = keep_str(arena, run->attachments[i].data, &is_kept);
    }
    kept->more = more;
    kept->n_more = run->n_more;
    kept->attachments = attachments;
    kept->n_attachments = run->n_attachments;
    return is_kept;
}

static enum et_status keep_run(struct et_station *s, const struct et_run *run, struct et_err *err)
{
    if (run->n_more > RUN_MORE_MAX)
        return et_fail(err, ET_EARG, -1, "a run with more than %d own words", RUN_MORE_MAX);
    enum et_status st = et_arena_open(&s->arena, RUN_BYTES_MAX, err);
    if (st != ET_OK)
        return st;
    bool is_kept = true;
    s->run = (struct et_run){.run = keep(s->arena, run->run, &is_kept),
                             .robot = keep(s->arena, run->robot, &is_kept),
                             .serial = keep(s->arena, run->serial, &is_kept),
                             .trainer = keep(s->arena, run->trainer, &is_kept),
                             .programme = keep(s->arena, run->programme, &is_kept),
                             .scenario = keep(s->arena, run->scenario, &is_kept),
                             .skill = keep(s->arena, run->skill, &is_kept),
                             .instruction = keep(s->arena, run->instruction, &is_kept),
                             .objects = keep(s->arena, run->objects, &is_kept)};
    return is_kept && keep_lists(s->arena, run, &s->run)
               ? ET_OK
               : et_arena_fail(s->arena, "what a run says of itself", err);
}

enum et_status et__station_start(struct et_station *s, const struct et_run *run, struct et_err *err)
{
    enum et_status st = keep_run(s, run, err);
    const size_t n = atomic_load(&s->n_lanes);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < et_feed_n_streams(s->lanes[k]->feed); i++) {
            const struct et_feed_counts counts = et_feed_counts(s->lanes[k]->feed, i);
            struct et__stream *stream = &s->lanes[k]->streams[i];
            stream->n_dropped_told = counts.n_dropped;
            stream->n_too_large_told = counts.n_too_large;
            stream->n_lost_told = counts.n_lost;
            stream->n_missed = stream->n_left_out = 0;
        }
    s->n_messages = s->n_at_risk = 0;
    (void)pthread_mutex_lock(&s->lock);
    s->status = (struct et_station_status){.t_begin_ns = et_clock_monotonic_ns(),
                                           .t_safe_ns = s->t_safe_ns};
    (void)pthread_mutex_unlock(&s->lock);
    s->is_running = true;
    if (st == ET_OK)
        st = et__station_begin_file(s, err);
    if (st == ET_OK)
        st = et__station_tell_short(s, err);
    if (st != ET_OK) {
        leave_file(s);
        et__station_stop(s);
    }
    return st;
}

void et__station_stop(struct et_station *s)
{
    const size_t n = atomic_load(&s->n_lanes);
    uint64_t n_untold = s->n_at_risk; // there was no file that could tell it
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < et_feed_n_streams(s->lanes[k]->feed); i++)
            n_untold += s->lanes[k]->streams[i].n_missed + s->lanes[k]->streams[i].n_left_out;
    et__station_count_dropped(s, n_untold, 0, n_untold);
    s->n_at_risk = 0;
    s->is_running = false;
    et_arena_close(s->arena);
    s->arena = NULL;
    (void)pthread_mutex_lock(&s->lock);
    s->status.state = ET_STATION_IDLE;
    (void)pthread_mutex_unlock(&s->lock);
}

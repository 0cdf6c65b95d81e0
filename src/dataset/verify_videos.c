/* Verify: the videos of each camera, against info.json, the episodes' rows and the times at which
 * LeRobot looks for frames. A file's index tells nearly all; decoding is done only when asked for.
 */
#include "dataset/dataset__verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define RATE_TOLERANCE 1e-3 // of the rate: 29.97 is not 30

/* One file of one camera. */
struct task {
    size_t i_video;
    const struct et__file_group *group;
    const size_t *order;
    struct et__notes notes;
    struct et_video_info info;
    bool is_absent;
};

struct job {
    struct et__verify *v;
    struct task *tasks;
    size_t n_tasks;
};

struct checking {
    const struct et_dataset *ds;
    struct task *task;
    const struct et_feature *feature;
    const char *place; // the file, below the dataset's folder
};

static enum et_status note(struct checking *c, enum et__check check, enum et_severity severity,
                           struct et_err *err, const char *fmt, ...) ET_PRINTF(5, 6);
static enum et_status note(struct checking *c, enum et__check check, enum et_severity severity,
                           struct et_err *err, const char *fmt, ...)
{
    const struct et__note item = {
        .check = check, .severity = severity, .found = {.stream = c->feature->name}};
    char text[768];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return et__notes_add(&c->task->notes, &item, err, "%s: %s", c->place, text);
}

/* ---- the file against info.json ---- */

static enum et_status check_rate(struct checking *c, struct et_err *err)
{
    const struct et_video_info *info = &c->task->info;
    const double fps = c->ds->info.fps;

    if (info->fps_num <= 0 || info->fps_den <= 0)
        return ET_OK;
    const double rate = (double)info->fps_num / (double)info->fps_den;
    if (fabs(rate - fps) <= RATE_TOLERANCE * fps)
        return ET_OK;
    return note(c, ET__CHECK_VIDEO_FORMAT, ET_SEVERITY_ERROR, err,
                "%g frames a second in a dataset of %g", rate, fps);
}

static enum et_status check_size(struct checking *c, struct et_err *err)
{
    const struct et_video_info *info = &c->task->info;
    int64_t height, width, channels;

    if (!et__picture_size(c->feature, &height, &width, &channels) ||
        (info->width_px == width && info->height_px == height))
        return ET_OK;
    return note(c, ET__CHECK_VIDEO_FORMAT, ET_SEVERITY_ERROR, err,
                "pictures of %d × %d, and %" PRId64 " × %" PRId64 " are declared", info->width_px,
                info->height_px, width, height);
}

static enum et_status check_text(struct checking *c, const char *key, const char *found,
                                 struct et_err *err)
{
    const char *declared = et_value_text(et_value_get(et__video_declared(c->feature), key), NULL);

    if (!declared || strcmp(declared, found) == 0)
        return ET_OK;
    return note(c, ET__CHECK_VIDEO_FORMAT, ET_SEVERITY_WARN, err, "%s is %s, and %.40s is declared",
                key, found, declared);
}

static enum et_status check_format(struct checking *c, struct et_err *err)
{
    enum et_status st = check_rate(c, err);

    if (st == ET_OK)
        st = check_size(c, err);
    if (st == ET_OK)
        st = check_text(c, "video.codec", c->task->info.codec, err);
    if (st == ET_OK)
        st = check_text(c, "video.pix_fmt", c->task->info.pixel_format, err);
    return st;
}

/* ---- frames against rows ---- */

static enum et_status check_count(struct checking *c, const struct et__episode *episode,
                                  int64_t n_frames, struct et_err *err)
{
    const struct et__note item = {
        .check = ET__CHECK_VIDEO_FRAMES,
        .severity = n_frames < episode->n_rows ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN,
        .found = {c->feature->name, (double)n_frames, (double)episode->n_rows, "frames"}};

    if (n_frames == episode->n_rows)
        return ET_OK;
    return et__notes_add(&c->task->notes, &item, err,
                         "%s: %" PRId64 " frames for the %" PRId64 " rows of episode %" PRId64,
                         c->place, n_frames, episode->n_rows, episode->index);
}

/* Rows whose frame LeRobot would refuse: it compares times as float32, and beyond 1,024 s one unit
 * in the last place is more than its tolerance. */
static int64_t count_refused(const struct et_dataset *ds, double from_s, int64_t n_rows)
{
    const double fps = ds->info.fps;
    const double first = round(from_s * fps);
    int64_t n = 0;

    for (int64_t k = 0; k < n_rows; k++) {
        const float stamp_s = (float)((double)k / fps);
        const float asked_s = (float)(from_s + (double)stamp_s);
        const float there_s = (float)((first + (double)k) / fps);
        n += fabs((double)asked_s - (double)there_s) > ET__TOLERANCE_S;
    }
    return n;
}

static enum et_status check_float32(struct checking *c, const struct et__episode *episode,
                                    double from_s, struct et_err *err)
{
    // An episode that the metadata makes endless is wrong elsewhere.
    const int64_t n_rows = episode->n_rows < 10000000 ? episode->n_rows : 10000000;

    if (from_s + (double)n_rows / c->ds->info.fps <= 1024)
        return ET_OK;
    const int64_t n = count_refused(c->ds, from_s, n_rows);
    if (n == 0)
        return ET_OK;
    const struct et__note item = {.check = ET__CHECK_VIDEO_GRID,
                                  .severity = ET_SEVERITY_ERROR,
                                  .found = {c->feature->name, (double)n, 0, "frames"}};
    return et__notes_add(&c->task->notes, &item, err,
                         "%s: %" PRId64 " frames of episode %" PRId64
                         " lie so late in the file that float32 cannot find them within %g s",
                         c->place, n, episode->index, ET__TOLERANCE_S);
}

// The time range of an episode in a v3.0 file, by itself.
static enum et_status check_range(struct checking *c, size_t i_episode, bool *is_usable,
                                  struct et_err *err)
{
    const struct et_dataset *ds = c->ds;
    const struct et__episode *episode = &ds->episodes[i_episode];
    const struct et__video_slot *slot = &ds->slots[i_episode * ds->n_videos + c->task->i_video];
    const double fps = ds->info.fps;
    const double end_s = (double)c->task->info.n_frames / fps;

    *is_usable = slot->from_s >= 0 && slot->to_s >= slot->from_s && slot->to_s < 1e9;
    if (!*is_usable)
        return note(c, ET__CHECK_VIDEO_RANGE, ET_SEVERITY_ERROR, err,
                    "episode %" PRId64 " has no time range from_timestamp to to_timestamp",
                    episode->index);
    const double off_s = fabs(slot->from_s - round(slot->from_s * fps) / fps);
    if (off_s > ET__TOLERANCE_S)
        return note(c, ET__CHECK_VIDEO_RANGE, ET_SEVERITY_ERROR, err,
                    "episode %" PRId64
                    " begins at %.6f s, %.2g s from the nearest frame: each of its frames is "
                    "looked for where none is",
                    episode->index, slot->from_s, off_s);
    if (slot->to_s > end_s + 0.5 / fps)
        return note(c, ET__CHECK_VIDEO_RANGE, ET_SEVERITY_ERROR, err,
                    "episode %" PRId64 " ends at %.4f s, and the file at %.4f s", episode->index,
                    slot->to_s, end_s);
    return ET_OK;
}

/* Two episodes that follow each other in one file. `last_s` is the end of the one before. */
static enum et_status check_join(struct checking *c, size_t i_episode, double last_s,
                                 struct et_err *err)
{
    const struct et_dataset *ds = c->ds;
    const double from_s = ds->slots[i_episode * ds->n_videos + c->task->i_video].from_s;
    const double half_s = 0.5 / ds->info.fps;

    if (from_s < last_s - half_s)
        return note(c, ET__CHECK_VIDEO_RANGE, ET_SEVERITY_ERROR, err,
                    "episode %" PRId64
                    " begins at %.4f s, before the one in front of it ends (%.4f s): they share "
                    "frames",
                    ds->episodes[i_episode].index, from_s, last_s);
    if (from_s > last_s + half_s)
        return note(c, ET__CHECK_VIDEO_RANGE, ET_SEVERITY_WARN, err,
                    "%" PRId64 " frames before episode %" PRId64 " (%.4f s to %.4f s) are of no "
                    "episode",
                    (int64_t)round((from_s - last_s) * ds->info.fps), ds->episodes[i_episode].index,
                    last_s, from_s);
    return ET_OK;
}

static enum et_status check_shared_file(struct checking *c, struct et_err *err)
{
    const struct et_dataset *ds = c->ds;
    const struct et__file_group *group = c->task->group;
    const double fps = ds->info.fps;
    double last_s = 0;
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < group->n; i++) {
        const size_t i_episode = c->task->order[group->first + i];
        const struct et__video_slot *slot = &ds->slots[i_episode * ds->n_videos + c->task->i_video];
        bool is_usable;
        st = check_range(c, i_episode, &is_usable, err);
        if (st != ET_OK || !is_usable)
            continue;
        const int64_t n_frames = (int64_t)(round(slot->to_s * fps) - round(slot->from_s * fps));
        st = check_count(c, &ds->episodes[i_episode], n_frames, err);
        if (st == ET_OK)
            st = check_join(c, i_episode, last_s, err);
        if (st == ET_OK)
            st = check_float32(c, &ds->episodes[i_episode], slot->from_s, err);
        if (slot->to_s > last_s)
            last_s = slot->to_s;
    }
    const int64_t n_rest = c->task->info.n_frames - (int64_t)round(last_s * fps);
    if (st == ET_OK && n_rest > 0 && !ds->info.is_unfinished)
        st = note(c, ET__CHECK_VIDEO_RANGE, ET_SEVERITY_WARN, err,
                  "the last %" PRId64 " frames are of no episode", n_rest);
    return st;
}

static enum et_status check_own_file(struct checking *c, struct et_err *err)
{
    const struct et__episode *episode = &c->ds->episodes[c->task->order[c->task->group->first]];

    enum et_status st = check_count(c, episode, c->task->info.n_frames, err);
    return st == ET_OK ? check_float32(c, episode, 0, err) : st;
}

static enum et_status check_grid(struct checking *c, struct et_err *err)
{
    const struct et__note item = {
        .check = ET__CHECK_VIDEO_GRID,
        .severity = ET_SEVERITY_ERROR,
        .found = {c->feature->name, c->task->info.frame_error_s, ET__TOLERANCE_S, "s"}};

    if (!(c->task->info.frame_error_s > ET__TOLERANCE_S))
        return ET_OK;
    return et__notes_add(&c->task->notes, &item, err,
                         "%s: a frame is %.2g s from its place at k / fps, and loaders allow %g s",
                         c->place, c->task->info.frame_error_s, ET__TOLERANCE_S);
}

/* ---- decoding ---- */

static enum et_status decode(struct checking *c, struct et_err *err)
{
    const int64_t n_frames = c->task->info.n_frames;
    struct et_video_reader *reader = NULL;
    struct et_frame frame;
    struct et_err bad = {0}, first = {0};
    int64_t n_decoded = 0;

    enum et_status st = et_video_open(&reader, c->task->group->path, 1, &bad);
    // A stream that cannot be decoded in one place is tried again behind it, a bounded number of
    // times.
    for (int64_t i = 0; i <= 2 * n_frames && (st == ET_OK || st == ET_ECORRUPT) && reader; i++) {
        st = et_video_next(reader, &frame, &bad);
        n_decoded += st == ET_OK;
        if (st == ET_ECORRUPT && first.text[0] == '\0')
            first = bad;
    }
    et_video_close(reader);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    if (st != ET_END && first.text[0] == '\0')
        first = bad;
    if (n_decoded == n_frames)
        return ET_OK;
    const struct et__note item = {
        .check = ET__CHECK_VIDEO_DECODE,
        .severity = ET_SEVERITY_ERROR,
        .found = {c->feature->name, (double)n_decoded, (double)n_frames, "frames"}};
    return et__notes_add(&c->task->notes, &item, err,
                         "%s: %" PRId64 " of %" PRId64 " frames decode%s%s", c->place, n_decoded,
                         n_frames, first.text[0] ? ": " : "", first.text);
}

/* ---- one file ---- */

static enum et_status check_file(struct checking *c, bool should_decode, struct et_err *err)
{
    const struct et__file_group *group = c->task->group;
    struct et_err bad = {0};

    enum et_status st = et_video_probe(group->path, &c->task->info, &bad);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    c->task->is_absent = st == ET_ENOTFOUND;
    if (c->task->is_absent) // told for the camera as a whole
        return ET_OK;
    if (st != ET_OK)
        return note(c, ET__CHECK_VIDEO_READ, ET_SEVERITY_ERROR, err, "%s", bad.text);
    if (c->task->info.is_fragmented && !c->ds->info.is_unfinished) {
        st = note(c, ET__CHECK_UNFINISHED, ET_SEVERITY_WARN, err,
                  "the file is fragmented: its writer did not finish it");
        if (st != ET_OK)
            return st;
    }
    st = check_format(c, err);
    if (st == ET_OK)
        st = check_grid(c, err);
    if (st == ET_OK)
        st = c->ds->info.layout == ET_LAYOUT_V30 ? check_shared_file(c, err)
                                                 : check_own_file(c, err);
    if (st == ET_OK && should_decode)
        st = decode(c, err);
    return st;
}

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct job *job = ctx;
    struct task *task = &job->tasks[i];
    const struct et_dataset *ds = job->v->ds;

    (void)worker;
    struct checking c = {.ds = ds,
                         .task = task,
                         .feature = &ds->features[ds->i_videos[task->i_video]],
                         .place = et__below(ds, task->group->path)};
    const enum et_status st = et_arena_open(&task->notes.arena, ET__SCRATCH_BYTES, err);
    return st == ET_OK ? check_file(&c, job->v->options->should_decode, err) : st;
}

static void drop(void *ctx, size_t i)
{
    struct job *job = ctx;

    et_arena_close(job->tasks[i].notes.arena);
    job->tasks[i].notes = (struct et__notes){0};
}

static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    struct job *job = ctx;

    const enum et_status st = et__notes_take(job->v, &job->tasks[i].notes, err);
    drop(ctx, i);
    return st == ET_OK ? et__verify_step(job->v, 0, err) : st;
}

/* ---- all files ---- */

// The files of one camera that are not there, in one finding.
static enum et_status tell_absent(const struct job *job, size_t i_video, struct et_err *err)
{
    struct et__verify *v = job->v;
    const struct task *example = NULL;
    size_t n_files = 0, n_absent = 0, n_episodes = 0;

    for (size_t i = 0; i < job->n_tasks; i++) {
        const struct task *task = &job->tasks[i];
        if (task->i_video != i_video)
            continue;
        n_files++;
        n_absent += task->is_absent;
        n_episodes += task->is_absent ? task->group->n : 0;
        if (task->is_absent && !example)
            example = task;
    }
    if (!example)
        return ET_OK;
    const struct et__found found = {v->ds->features[v->ds->i_videos[i_video]].name,
                                    (double)n_absent, 0, "files"};
    if (n_absent == n_files)
        return et__find(v, ET__CHECK_VIDEO_ABSENT, ET_SEVERITY_ERROR, &found, err,
                        "%s is declared, and no file of it is there (%zu are named)", found.stream,
                        n_files);
    return et__find(v, ET__CHECK_VIDEO_ABSENT, ET_SEVERITY_ERROR, &found, err,
                    "%zu of %zu files of %s are absent, of %zu episodes; the first is %s", n_absent,
                    n_files, found.stream, n_episodes, et__below(v->ds, example->group->path));
}

// Episodes of a camera whose place the metadata does not name.
static enum et_status check_places(struct et__verify *v, size_t i_video, size_t n_placed,
                                   struct et_err *err)
{
    const struct et__found found = {.stream = v->ds->features[v->ds->i_videos[i_video]].name};
    const size_t n = (size_t)v->ds->info.n_episodes - n_placed;

    if (n == 0)
        return ET_OK;
    return et__find(v, ET__CHECK_VIDEO_RANGE, ET_SEVERITY_ERROR, &found, err,
                    "%zu episodes name no file of %s", n, found.stream);
}

static enum et_status add_camera(struct job *job, size_t i_video, size_t *cap, struct et_err *err)
{
    struct et__verify *v = job->v;
    struct et__groups groups;
    size_t n_placed = 0;

    enum et_status st = et__group_videos(v->ds, i_video, v->scratch, &groups, err);
    for (size_t g = 0; st == ET_OK && g < groups.n; g++) {
        if (!groups.items[g].path) // a feature's name that is no part of a path
            continue;
        struct task *tasks = et__grow(v->scratch, job->tasks, job->n_tasks, cap, sizeof *tasks);
        if (!tasks)
            return et_arena_fail(v->scratch, "the video files", err);
        job->tasks = tasks;
        tasks[job->n_tasks++] =
            (struct task){.i_video = i_video, .group = &groups.items[g], .order = groups.order};
        n_placed += groups.items[g].n;
    }
    return st == ET_OK ? check_places(v, i_video, n_placed, err) : st;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum et_status check_orphans(struct job *job, struct et_err *err)
{
    struct et__verify *v = job->v;
    const char *const *paths;
    size_t n_paths;

    const char *folder = et_path_join(v->scratch, v->ds->info.path, "videos");
    const char **used = et_arena_array(v->scratch, job->n_tasks, sizeof *used);
    if (!folder || !used)
        return et_arena_fail(v->scratch, "the video files", err);
    for (size_t i = 0; i < job->n_tasks; i++)
        used[i] = job->tasks[i].group->path;
    if (job->n_tasks)
        qsort(used, job->n_tasks, sizeof *used, compare_paths);
    enum et_status st = et__files_below(folder, 3, ".mp4", v->scratch, &paths, &n_paths, err);
    for (size_t i = 0; st == ET_OK && i < n_paths; i++) {
        const bool is_used = job->n_tasks && bsearch(&paths[i], used, job->n_tasks, sizeof *used,
                                                     compare_paths) != NULL;
        if (!is_used)
            st =
                et__find(v, ET__CHECK_ORPHAN_FILE, ET_SEVERITY_WARN, NULL, err,
                         "%s is of no episode that the metadata lists", et__below(v->ds, paths[i]));
    }
    return st;
}

enum et_status et__verify_videos(struct et__verify *v, struct et_err *err)
{
    struct job job = {.v = v};
    size_t cap = 0;
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < v->ds->n_videos; i++)
        st = add_camera(&job, i, &cap, err);
    if (st == ET_OK)
        st = check_orphans(&job, err);
    if (st != ET_OK)
        return st;
    v->n_total += (int64_t)job.n_tasks;
    const struct et_pool_job run = {
        .n_tasks = job.n_tasks, .work = work, .take = take, .drop = drop, .ctx = &job};
    st = et_pool_run(v->options->pool, &run, err);
    for (size_t i = 0; i < job.n_tasks; i++)
        drop(&job, i);
    for (size_t i = 0; st == ET_OK && i < v->ds->n_videos; i++)
        st = tell_absent(&job, i, err);
    return st;
}

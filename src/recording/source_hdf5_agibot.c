/* AgiBot World: the numbers of one episode in proprio_stats.h5, its videos and labels in folders
 * beside it:
 *
 *     proprio_stats/<task>/<episode>/proprio_stats.h5
 *     observations/<task>/<episode>/videos/<camera>_color.mp4
 *     task_info/task_<task>.json
 *
 * Rows have time stamps. What the robot was told is sometimes shorter than what it did (then an
 * index says at which rows it was told), and sometimes longer (then nothing tells which). */
#include "recording/recording__hdf5.h"

#include "etude/json.h"
#include "etude/video.h"

#include <stdio.h>
#include <stdlib.h>

#define RATE_HZ 30

struct agibot {
    struct et__hdf5_source *s;
    struct et__part *part;
    int64_t n; // rows of the time stamps, before those that go back were left out
    const char *root, *task, *episode; // NULL: the file lies elsewhere
};

/* ---- time ---- */

// Rows whose stamp goes back lose it: nothing tells which of two clocks was right.
static enum et_status order_stamps(struct agibot *a, struct et_err *err)
{
    int64_t *stamps = a->s->stamps, n_back = 0, last = 0;
    for (int64_t i = 0; i < a->n; i++) {
        if (stamps[i] < last) {
            stamps[i] = ET__HDF5_NO_TIME;
            n_back++;
        } else {
            last = stamps[i];
        }
    }
    return n_back == 0
               ? ET_OK
               : et__rows_remark(&a->s->rows, true, "timestamp",
                                 "stamps that go back: their rows are left out", n_back, err);
}

static enum et_status take_stamps(struct agibot *a, struct et_err *err)
{
    struct et__hdf5_source *s = a->s;
    struct et_hdf5_object object;
    enum et_status st = et_hdf5_stat(s->file, "timestamp", &object, err);
    if (st != ET_OK)
        return st;
    a->n = s->n_stamps = object.n_rows;
    if (object.n_row_values != 1)
        return et_fail(err, ET_ECORRUPT, -1, "timestamp: more than one stamp a row");
    s->stamps = malloc((size_t)a->n * sizeof *s->stamps + 1);
    if (!s->stamps)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording's time stamps");
    st = et_hdf5_read_int64(s->file, "timestamp", 0, a->n, s->stamps, err);
    return st == ET_OK ? order_stamps(a, err) : st;
}

static void count_messages(struct agibot *a)
{
    for (size_t i = 0; i < a->part->n_rows; i++) {
        struct et__lane_of_rows *lane = a->part->rows[i].lane;
        lane->n_messages = 0;
        for (int64_t k = 0; k < a->part->rows[i].n_rows; k++)
            lane->n_messages += et__hdf5_time(a->s, a->part, lane, k) != ET__HDF5_NO_TIME;
    }
}

/* ---- which rows ---- */

static bool takes(const char *topic, const struct et_hdf5_object *object, void *ctx)
{
    (void)object, (void)ctx;
    const char *slash = strrchr(topic, '/');
    return strcmp(topic, "timestamp") != 0 && strcmp(slash ? slash + 1 : topic, "index") != 0;
}

// "action/end/position" → "action/end/index", or the joints' where that is missing. NULL: neither.
static const char *index_of(struct agibot *a, const char *topic, int64_t n_rows)
{
    struct et_arena *arena = a->s->rows.base.arena;
    const char *last = strrchr(topic, '/');
    const char *paths[] = {
        et_arena_printf(arena, "%.*s/index", last ? (int)(last - topic) : 0, topic),
        "action/joint/index"};
    for (size_t i = 0; i < 2; i++) {
        struct et_hdf5_object object;
        if (paths[i] && et_hdf5_stat(a->s->file, paths[i], &object, NULL) == ET_OK &&
            object.kind == ET_HDF5_NUMBERS && object.n_row_values == 1 && object.n_rows == n_rows)
            return paths[i];
    }
    return NULL;
}

static enum et_status drop(struct agibot *a, struct et__part_rows *rows, const char *why,
                           struct et_err *err)
{
    const char *topic = rows->lane->topic;
    const int64_t n = rows->n_rows;
    rows->lane->n_messages = 0;
    rows->n_rows = 0;
    return et__rows_remark(&a->s->rows, true, topic, why, n, err);
}

// Where each row of a shorter dataset belongs.
static enum et_status scatter(struct agibot *a, struct et__part_rows *rows, struct et_err *err)
{
    struct et_arena *arena = a->s->rows.base.arena;
    const char *path = index_of(a, rows->lane->topic, rows->n_rows);
    int64_t *frames = et_arena_array(arena, (size_t)rows->n_rows, sizeof *frames);
    int64_t last = -1;
    if (!frames)
        return et_arena_fail(arena, "a recording's index", err);
    if (!path)
        return drop(a, rows, "shorter than the time stamps, and no index: left out", err);
    const enum et_status st = et_hdf5_read_int64(a->s->file, path, 0, rows->n_rows, frames, err);
    if (st == ET_ENOMEM)
        return st;
    if (st != ET_OK)
        return drop(a, rows, "an index that cannot be read: left out", err);
    for (int64_t i = 0; i < rows->n_rows; i++) {
        if (frames[i] <= last || frames[i] >= a->n)
            return drop(a, rows, "an index that does not rise, or beyond the end: left out", err);
        last = frames[i];
    }
    rows->lane->frames = frames;
    return et__rows_remark(&a->s->rows, false, rows->lane->topic,
                           "rows missing, put where the index says", a->n - rows->n_rows, err);
}

static enum et_status fit_rows(struct agibot *a, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < a->part->n_rows; i++) {
        struct et__part_rows *rows = &a->part->rows[i];
        const bool is_action = strncmp(rows->lane->topic, "action/", 7) == 0;
        if (rows->n_rows > a->n)
            st = drop(a, rows, "longer than the time stamps: left out", err);
        else if (rows->n_rows < a->n && is_action)
            st = scatter(a, rows, err);
        else if (rows->n_rows < a->n)
            st = et__rows_remark(&a->s->rows, true, rows->lane->topic, "rows missing at the end",
                                 a->n - rows->n_rows, err);
    }
    return st;
}

/* ---- what lies beside the file ---- */

// …/proprio_stats/<task>/<episode>/proprio_stats.h5
static enum et_status find_folders(struct agibot *a, const char *path, struct et_err *err)
{
    struct et_arena *arena = a->s->rows.base.arena;
    const char *episode = et_path_dir(arena, path);
    const char *task = episode ? et_path_dir(arena, episode) : NULL;
    const char *stats = task ? et_path_dir(arena, task) : NULL;
    a->root = stats ? et_path_dir(arena, stats) : NULL;
    if (!a->root)
        return et_arena_fail(arena, "a recording's folders", err);
    a->task = et_path_base(task);
    a->episode = et_path_base(episode);
    if (strcmp(et_path_base(stats), "proprio_stats") != 0)
        a->root = NULL;
    return ET_OK;
}

static enum et_status take_video(struct agibot *a, const char *folder, const char *name,
                                 struct et_err *err)
{
    struct et__hdf5_source *s = a->s;
    struct et_arena *arena = s->rows.base.arena;
    struct et_video_info info;
    const char *path = et_path_join(arena, folder, name);
    const char *topic = et_arena_printf(arena, "videos/%.*s", (int)(strlen(name) - 4), name);
    if (!path || !topic)
        return et_arena_fail(arena, "a recording's videos", err);
    const enum et_status st = et_video_probe(path, &info, err);
    if (st == ET_ENOMEM)
        return st;
    if (st != ET_OK || info.n_frames == 0)
        return et__rows_remark(&s->rows, true, path, "a video that cannot be read: left out", 1,
                               err);
    const int64_t n = info.n_frames < a->n ? info.n_frames : a->n;
    const struct et__lane_of_rows lane = {.topic = topic,
                                          .kind = ET__LANE_FRAMES,
                                          .video = path,
                                          .width_px = info.width_px,
                                          .height_px = info.height_px};
    if (info.n_frames != a->n) {
        char text[128];
        snprintf(text, sizeof text, "%lld frames, where %lld rows have a time stamp",
                 (long long)info.n_frames, (long long)a->n);
        const enum et_status told =
            et__rows_remark(&s->rows, info.n_frames < a->n, path, text, 1, err);
        if (told != ET_OK)
            return told;
    }
    return et__hdf5_add_lane(s, a->part, &lane, n, NULL, err);
}

static enum et_status take_videos(struct agibot *a, struct et_err *err)
{
    struct et__hdf5_source *s = a->s;
    struct et_arena *arena = s->rows.base.arena;
    const char *const *names;
    size_t n, n_videos = 0;
    const char *folder = a->root ? et_arena_printf(arena, "%s/observations/%s/%s/videos", a->root,
                                                   a->task, a->episode)
                                 : "";
    if (!folder)
        return et_arena_fail(arena, "a recording's videos", err);
    enum et_status st = et_dir_list(folder, arena, &names, &n, err);
    if (st == ET_ENOMEM || st == ET_ELIMIT)
        return st;
    n = st == ET_OK ? n : 0;
    st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < n; i++)
        if (strlen(names[i]) > 4 && et_str_ends(et_str(names[i]), ".mp4")) {
            st = take_video(a, folder, names[i], err);
            n_videos++;
        }
    if (st == ET_OK && n_videos == 0)
        st = et__rows_remark(&s->rows, true, folder, "no videos", 1, err);
    return st;
}

/* ---- labels ---- */

// Of the row, or of the one before it that has a stamp.
static int64_t stamp_at(const struct agibot *a, int64_t i)
{
    while (i > 0 && a->s->stamps[i] == ET__HDF5_NO_TIME)
        i--;
    return a->s->stamps[i] == ET__HDF5_NO_TIME ? 0 : a->s->stamps[i];
}

static enum et_status take_label(struct agibot *a, const struct et_value *label, struct et_err *err)
{
    struct et__hdf5_source *s = a->s;
    const int64_t first = et_value_int(et_value_get(label, "start_frame"), -1);
    int64_t last = et_value_int(et_value_get(label, "end_frame"), -1);
    const char *name = et_value_text(et_value_get(label, "action_text"), "");
    if (first < 0 || last < first || first >= a->n)
        return et__rows_remark(&s->rows, false, "task_info", "labels that name no rows", 1, err);
    last = last < a->n ? last : a->n - 1;
    const struct et_span span = {
        .name = name, .t_first_ns = stamp_at(a, first), .t_last_ns = stamp_at(a, last)};
    return et__rows_span(&s->rows, &span, err);
}

static enum et_status take_episode(struct agibot *a, const struct et_value *episode,
                                   struct et_err *err)
{
    struct et__hdf5_source *s = a->s;
    const struct et_value *labels =
        et_value_get(et_value_get(episode, "label_info"), "action_config");
    const char *scene = et_value_text(et_value_get(episode, "init_scene_text"), NULL);
    enum et_status st = ET_OK;
    s->rows.base.info.task = et_value_text(et_value_get(episode, "task_name"), NULL);
    if (scene)
        st = et__rows_pair(&s->rows, "init_scene_text", scene, err);
    for (size_t i = 0; st == ET_OK && i < et_value_count(labels); i++)
        st = take_label(a, et_value_at(labels, i), err);
    return st;
}

static enum et_status take_task_info(struct agibot *a, struct et_err *err)
{
    struct et_arena *arena = a->s->rows.base.arena;
    const struct et_value *all = NULL;
    int64_t id = -1;
    if (!a->root || !et_str_to_int64(et_str(a->episode), &id))
        return ET_OK;
    const char *path = et_arena_printf(arena, "%s/task_info/task_%s.json", a->root, a->task);
    if (!path)
        return et_arena_fail(arena, "a recording's labels", err);
    const enum et_status st = et_json_read(path, ET__HDF5_JSON_BYTES_MAX, NULL, arena, &all, err);
    if (st != ET_OK)
        return et__rows_remark(
            &a->s->rows, false, path,
            st == ET_ENOTFOUND ? "no labels of this task" : "labels that cannot be read", 1, err);
    for (size_t i = 0; i < et_value_count(all); i++) {
        const struct et_value *episode = et_value_at(all, i);
        if (et_value_int(et_value_get(episode, "episode_id"), -1) == id)
            return take_episode(a, episode, err);
    }
    return et__rows_remark(&a->s->rows, false, path, "no labels of this episode", 1, err);
}

enum et_status et__hdf5_open_agibot(struct et__hdf5_source *s, const char *path, struct et_err *err)
{
    struct agibot a = {.s = s};
    s->rows.base.info.format = "HDF5 (AgiBot World)";
    s->rate_hz = RATE_HZ;
    enum et_status st = find_folders(&a, path, err);
    if (st == ET_OK)
        st = take_stamps(&a, err);
    if (st == ET_OK)
        st = et__hdf5_add_part(s, "", &a.part, err);
    if (st == ET_OK)
        st = et__hdf5_walk(s, a.part, &(struct et__walk){.group = "", .takes = takes}, err);
    if (st == ET_OK)
        st = fit_rows(&a, err);
    if (st == ET_OK)
        st = take_videos(&a, err);
    if (st == ET_OK)
        st = take_task_info(&a, err);
    if (st != ET_OK)
        return st;
    count_messages(&a);
    return et__hdf5_finish(s, err);
}

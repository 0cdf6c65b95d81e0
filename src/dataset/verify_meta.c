/* Verify: info.json, tasks and episodes against themselves and against each other. */
#include "dataset/dataset__verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* ---- tasks ---- */

static enum et_status check_task(struct et__verify *v, size_t i, struct et_err *err)
{
    const struct et_dataset_info *info = &v->ds->info;
    const char *text = info->tasks[i];

    if (!text)
        return et__find(v, ET__CHECK_TASKS, ET_SEVERITY_ERROR, NULL, err,
                        "there is no task %zu, and there is a task %zu", i, info->n_tasks - 1);
    if (et_str_trim(et_str(text)).n == 0)
        return et__find(v, ET__CHECK_TASKS, ET_SEVERITY_WARN, NULL, err, "task %zu has no text", i);
    for (size_t k = 0; k < i && k < 1000; k++) {
        if (info->tasks[k] && strcmp(info->tasks[k], text) == 0)
            return et__find(v, ET__CHECK_TASKS, ET_SEVERITY_WARN, NULL, err,
                            "tasks %zu and %zu have one text", k, i);
    }
    return ET_OK;
}

/* ---- episodes ---- */

static enum et_status check_number(struct et__verify *v, size_t i, struct et_err *err)
{
    const struct et__episode *episode = &v->ds->episodes[i];

    if (episode->index == (int64_t)i)
        return ET_OK;
    return et__find(v, ET__CHECK_EPISODE_ORDER, ET_SEVERITY_ERROR, NULL, err,
                    "episode %" PRId64 " is in place %zu: LeRobot addresses episodes by place, so "
                    "its rows and videos are taken for those of another",
                    episode->index, i);
}

static enum et_status check_length(struct et__verify *v, size_t i, struct et_err *err)
{
    const struct et__episode *episode = &v->ds->episodes[i];

    if (episode->n_rows > 0)
        return ET_OK;
    return et__find(v, ET__CHECK_LENGTH, ET_SEVERITY_WARN, NULL, err,
                    "episode %" PRId64 " has no rows", episode->index);
}

static enum et_status check_range(struct et__verify *v, size_t i, struct et_err *err)
{
    const struct et__episode *episode = &v->ds->episodes[i];
    const int64_t want = i > 0 ? episode[-1].to_index : 0;

    if (v->ds->info.layout != ET_LAYOUT_V30)
        return ET_OK;
    if (episode->from_index != want)
        return et__find(v, ET__CHECK_GLOBAL_RANGE, ET_SEVERITY_ERROR, NULL, err,
                        "episode %" PRId64 " begins at row %" PRId64
                        " (dataset_from_index), and the one before it ends at %" PRId64,
                        episode->index, episode->from_index, want);
    if (episode->to_index - episode->from_index != episode->n_rows)
        return et__find(v, ET__CHECK_GLOBAL_RANGE, ET_SEVERITY_ERROR, NULL, err,
                        "episode %" PRId64 " is %" PRId64
                        " rows long, and dataset_from_index to dataset_to_index are %" PRId64,
                        episode->index, episode->n_rows, episode->to_index - episode->from_index);
    return ET_OK;
}

/* ---- numbers of files ---- */

struct number {
    int64_t chunk, file;
};

// The file after `at`, as LeRobot rolls over.
static struct number next_number(const struct et_dataset *ds, struct number at)
{
    if (at.file == ds->chunks_size - 1)
        return (struct number){at.chunk + 1, 0};
    return (struct number){at.chunk, at.file + 1};
}

static int compare_numbers(struct number a, struct number b)
{
    if (a.chunk != b.chunk)
        return a.chunk < b.chunk ? -1 : 1;
    return (a.file > b.file) - (a.file < b.file);
}

/* Loaders take data files in the order of their paths, and episodes' rows in that order: going back
 * puts rows elsewhere, and a number of four digits sorts before one of three. */
static enum et_status check_step(struct et__verify *v, const char *stream, int64_t index,
                                 const struct number *last, struct number here, struct et_err *err)
{
    const struct et__found found = {.stream = stream};
    const bool is_data = stream == NULL;

    if (is_data && (here.chunk > 999 || here.file > 999))
        return et__find(v, ET__CHECK_NUMBERING, ET_SEVERITY_ERROR, &found, err,
                        "episode %" PRId64 " is in chunk %" PRId64 ", file %" PRId64
                        ": numbers beyond 999 sort before smaller ones",
                        index, here.chunk, here.file);
    if (here.file >= v->ds->chunks_size)
        return et__find(v, ET__CHECK_NUMBERING, ET_SEVERITY_WARN, &found, err,
                        "episode %" PRId64 " is in file %" PRId64 " of a chunk of %" PRId64, index,
                        here.file, v->ds->chunks_size);
    const struct number first = {0, 0};
    if (!last)
        return compare_numbers(here, first) == 0
                   ? ET_OK
                   : et__find(v, ET__CHECK_NUMBERING, ET_SEVERITY_WARN, &found, err,
                              "the first episode is in chunk %" PRId64 ", file %" PRId64
                              ", not in the first file",
                              here.chunk, here.file);
    if (compare_numbers(here, *last) < 0)
        return et__find(v, ET__CHECK_NUMBERING, is_data ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN,
                        &found, err,
                        "episode %" PRId64 " is in chunk %" PRId64 ", file %" PRId64
                        ", before the file of the episode before it",
                        index, here.chunk, here.file);
    if (compare_numbers(here, *last) > 0 && compare_numbers(here, next_number(v->ds, *last)) != 0)
        return et__find(v, ET__CHECK_NUMBERING, ET_SEVERITY_WARN, &found, err,
                        "episode %" PRId64 " is in chunk %" PRId64 ", file %" PRId64
                        ": a number between it and the one before is left out",
                        index, here.chunk, here.file);
    return ET_OK;
}

static enum et_status check_data_numbers(struct et__verify *v, struct et_err *err)
{
    const struct et_dataset *ds = v->ds;
    struct number last = {0, 0};
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < (size_t)ds->info.n_episodes; i++) {
        const struct number here = {ds->episodes[i].data_chunk, ds->episodes[i].data_file};
        st = check_step(v, NULL, ds->episodes[i].index, i ? &last : NULL, here, err);
        last = here;
    }
    return st;
}

static enum et_status check_video_numbers(struct et__verify *v, size_t i_video, struct et_err *err)
{
    const struct et_dataset *ds = v->ds;
    const char *name = ds->features[ds->i_videos[i_video]].name;
    struct number last = {0, 0};
    bool has_last = false;
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < (size_t)ds->info.n_episodes; i++) {
        const struct et__video_slot *slot = &ds->slots[i * ds->n_videos + i_video];
        const struct number here = {slot->chunk, slot->file};
        if (here.chunk < 0 || here.file < 0)
            continue;
        st = check_step(v, name, ds->episodes[i].index, has_last ? &last : NULL, here, err);
        last = here;
        has_last = true;
    }
    return st;
}

/* ---- features ---- */

// What info.json should say of a video, so that loaders and converters need not open it.
static enum et_status check_video_feature(struct et__verify *v, const struct et_feature *feature,
                                          struct et_err *err)
{
    const struct et__found found = {.stream = feature->name};
    const struct et_value *info = et__video_declared(feature);
    int64_t height, width, channels;

    if (!et__picture_size(feature, &height, &width, &channels))
        return et__find(v, ET__CHECK_FEATURES, ET_SEVERITY_ERROR, &found, err,
                        "the shape of %s is not that of a picture", feature->name);
    if (!info)
        return et__find(v, ET__CHECK_FEATURES, ET_SEVERITY_WARN, &found, err,
                        "%s has no info: neither rate nor codec of its files is declared",
                        feature->name);
    const struct et_value *names = et_value_get(feature->declared, "names");
    if (!names || names->kind == ET_VALUE_NULL)
        return et__find(v, ET__CHECK_NAMES, ET_SEVERITY_WARN, &found, err,
                        "the axes of %s have no names: whether it is height × width × channels or "
                        "channels first must be guessed",
                        feature->name);
    const double fps = et_value_real(et_value_get(info, "video.fps"), (double)NAN);
    if (isfinite(fps) && fabs(fps - v->ds->info.fps) > 1e-6 * fps)
        return et__find(v, ET__CHECK_VIDEO_FORMAT, ET_SEVERITY_WARN, &found, err,
                        "%s declares %g frames a second in a dataset of %g", feature->name, fps,
                        v->ds->info.fps);
    return ET_OK;
}

static enum et_status check_features(struct et__verify *v, struct et_err *err)
{
    const struct et_dataset *ds = v->ds;
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < ds->n_videos; i++)
        st = check_video_feature(v, &ds->features[ds->i_videos[i]], err);
    return st;
}

enum et_status et__verify_meta(struct et__verify *v, struct et_err *err)
{
    const struct et_dataset *ds = v->ds;

    enum et_status st = check_features(v, err);
    for (size_t i = 0; st == ET_OK && i < ds->info.n_tasks; i++)
        st = check_task(v, i, err);
    for (size_t i = 0; st == ET_OK && i < (size_t)ds->info.n_episodes; i++) {
        st = check_number(v, i, err);
        if (st == ET_OK)
            st = check_length(v, i, err);
        if (st == ET_OK)
            st = check_range(v, i, err);
    }
    if (ds->info.layout != ET_LAYOUT_V30)
        return st;
    if (st == ET_OK)
        st = check_data_numbers(v, err);
    for (size_t i = 0; st == ET_OK && i < ds->n_videos; i++)
        st = check_video_numbers(v, i, err);
    return st;
}

/* ---- totals and splits ---- */

static enum et_status check_total(struct et__verify *v, const char *key, int64_t claimed,
                                  int64_t found, enum et_severity severity, struct et_err *err)
{
    const struct et__found numbers = {
        .value = (double)found, .threshold = (double)claimed, .unit = "count"};

    if (claimed < 0 || claimed == found)
        return ET_OK;
    return et__find(v, ET__CHECK_TOTALS, severity, &numbers, err,
                    "%s is %" PRId64 ", and the dataset has %" PRId64, key, claimed, found);
}

// v2 counts its videos and its folders too.
static enum et_status check_v2_totals(struct et__verify *v, struct et_err *err)
{
    const struct et_dataset *ds = v->ds;
    const int64_t n = ds->info.n_episodes;
    const int64_t n_videos = n * (int64_t)ds->n_videos;
    const int64_t claimed = ds->info.claims.n_videos;
    const int64_t chunks = et_value_int(et_value_get(ds->info.info, "total_chunks"), -1);
    const struct et__found numbers = {
        .value = (double)n_videos, .threshold = (double)claimed, .unit = "count"};
    enum et_status st = ET_OK;

    if (claimed >= 0 && claimed != n_videos)
        st = et__find(v, ET__CHECK_TOTALS, ET_SEVERITY_WARN, &numbers, err,
                      "total_videos is %" PRId64 ": %" PRId64
                      " episodes of %zu videos make %" PRId64 ", and %" PRId64 " files are there",
                      claimed, n, ds->n_videos, n_videos, ds->info.claims.n_videos_found);
    if (st == ET_OK)
        st = check_total(v, "total_chunks", chunks, (n + ds->chunks_size - 1) / ds->chunks_size,
                         ET_SEVERITY_WARN, err);
    return st;
}

enum et_status et__verify_totals(struct et__verify *v, struct et_err *err)
{
    const struct et_set_claims *claims = &v->ds->info.claims;
    const int64_t n_rows = v->has_all_rows ? v->n_rows_found : v->ds->info.n_rows;

    if (v->ds->info.is_unfinished)
        return ET_OK;
    enum et_status st = check_total(v, "total_episodes", claims->n_episodes,
                                    claims->n_episodes_found, ET_SEVERITY_ERROR, err);
    if (st == ET_OK)
        st = check_total(v, "total_frames", claims->n_rows, n_rows, ET_SEVERITY_ERROR, err);
    if (st == ET_OK)
        st = check_total(v, "total_tasks", claims->n_tasks, claims->n_tasks_found,
                         claims->n_tasks == 0 ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN, err);
    if (st == ET_OK && v->ds->info.layout != ET_LAYOUT_V30)
        st = check_v2_totals(v, err);
    if (st == ET_OK && claims->split_last > claims->n_episodes_found)
        st = et__find(v, ET__CHECK_SPLITS, ET_SEVERITY_WARN, NULL, err,
                      "the splits (%s) go to episode %" PRId64 ", and there are %" PRId64,
                      claims->splits, claims->split_last, claims->n_episodes_found);
    return st;
}

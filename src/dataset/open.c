/* Opening a dataset: which layout, which files, and what it all claims. */
#include "dataset/dataset__internal.h"
#include "dataset/dataset__journal.h"

#include <assert.h>
#include <stdlib.h>

#define SCRATCH_BYTES ((size_t)256 << 20)

// The path without slashes at its end, so that its last part is the dataset's name.
static const char *own_path(struct et_arena *arena, const char *path)
{
    struct et_str text = et_str(path);

    while (text.n > 1 && text.p[text.n - 1] == '/')
        text.n--;
    return et__copy_text(arena, text);
}

// A file of metadata that may be absent, as a tree; NULL, with a remark, when it cannot be read.
static enum et_status read_optional(struct et_dataset *ds, const char *name, enum et__check check,
                                    const struct et_value **value, struct et_err *err)
{
    const struct et_json_options options = {.allow_nan = true};
    struct et_err bad = {0};

    const char *path = et_path_join(ds->arena, ds->info.path, name);
    if (!path)
        return et_arena_fail(ds->arena, "the metadata", err);
    const enum et_status st =
        et_json_read(path, ET__META_FILE_BYTES_MAX, &options, ds->arena, value, &bad);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    if (st != ET_OK)
        *value = NULL;
    if (st != ET_OK && st != ET_ENOTFOUND)
        et__remark(&ds->remarks, check, ET_SEVERITY_ERROR, name, "%s", bad.text);
    return ET_OK;
}

static enum et_status has_file(const struct et_dataset *ds, const char *name, bool *is_there,
                               struct et_err *err)
{
    const char *path = et_path_join(ds->arena, ds->info.path, name);
    return path ? et__is_file(path, is_there, err) : et_arena_fail(ds->arena, "the metadata", err);
}

static enum et_status read_finished(struct et_dataset *ds, bool has_journal, struct et_err *err)
{
    enum et_status st = et__info_read(ds, err);
    if (st != ET_OK)
        return st;
    if (has_journal)
        et__remark(&ds->remarks, ET__CHECK_UNFINISHED, ET_SEVERITY_WARN, ET__JOURNAL_PATH,
                   "the writer was killed after it wrote all metadata; only the journal is left");
    st = ds->info.layout == ET_LAYOUT_V30 ? et__meta_v3_read(ds, err) : et__meta_v2_read(ds, err);
    if (st == ET_OK)
        st = read_optional(ds, "meta/stats.json", ET__CHECK_METADATA, &ds->info.stats, err);
    if (st == ET_OK)
        st = read_optional(ds, "meta/modality.json", ET__CHECK_MODALITY, &ds->info.modality, err);
    return st;
}

static enum et_status count_videos(const struct et_dataset *ds, int64_t *n, struct et_err *err)
{
    struct et_arena *scratch = NULL;
    const char *const *paths;
    size_t n_paths = 0;

    enum et_status st = et_arena_open(&scratch, SCRATCH_BYTES, err);
    if (st != ET_OK)
        return st;
    const char *folder = et_path_join(scratch, ds->info.path, "videos");
    st = folder ? et__files_below(folder, 2, ".mp4", scratch, &paths, &n_paths, err)
                : et_arena_fail(scratch, "a path", err);
    et_arena_close(scratch);
    *n = (int64_t)n_paths;
    return st;
}

static const char *format_text(enum et_layout layout)
{
    switch (layout) {
    case ET_LAYOUT_V20:
        return "LeRobot v2.0";
    case ET_LAYOUT_V21:
        return "LeRobot v2.1";
    case ET_LAYOUT_V30:
        return "LeRobot v3.0";
    case ET_LAYOUT_EPISODES:
        return "episodes";
    }
    return "";
}

static enum et_status list_tasks(struct et_dataset *ds, struct et_err *err)
{
    struct et_set_claims *claims = &ds->info.claims;

    const char **tasks = et_arena_array(ds->arena, ds->info.n_tasks, sizeof *tasks);
    if (!tasks)
        return et_arena_fail(ds->arena, "the tasks", err);
    for (size_t i = 0; i < ds->info.n_tasks; i++) {
        if (ds->info.tasks[i])
            tasks[claims->n_tasks_listed++] = ds->info.tasks[i];
    }
    claims->tasks = tasks;
    return ET_OK;
}

// What the dataset claims, beside what was found.
static enum et_status fill_claims(struct et_dataset *ds, struct et_err *err)
{
    struct et_set_claims *claims = &ds->info.claims;

    claims->path = ds->info.path;
    claims->format = format_text(ds->info.layout);
    claims->robot_type = ds->info.robot_type;
    claims->rate_hz = ds->info.fps;
    claims->n_episodes_found = ds->info.n_episodes;
    for (int64_t i = 0; i < ds->info.n_episodes; i++)
        claims->n_rows_found += ds->episodes[i].n_rows;
    ds->info.n_rows = claims->n_rows_found;
    enum et_status st = list_tasks(ds, err);
    if (st == ET_OK)
        st = count_videos(ds, &claims->n_videos_found, err);
    return st;
}

static void hand_out_remarks(struct et_dataset *ds)
{
    struct et__remarks *list = &ds->remarks;

    if (list->n_dropped) {
        const size_t n_dropped = list->n_dropped;
        if (list->n == ET__REMARKS_MAX) // the last one makes place for the count
            list->n--;
        et__remark(list, ET__CHECK_METADATA, ET_SEVERITY_WARN, "meta",
                   "%zu more remarks were not kept", n_dropped + 1);
    }
    ds->info.claims.remarks = list->items;
    ds->info.claims.n_remarks = list->n;
}

static enum et_status open_folder(struct et_dataset *ds, const char *path, struct et_err *err)
{
    enum et_path_kind kind;
    bool has_info = false, has_journal = false;

    enum et_status st = et_path_kind(path, &kind, err);
    if (st != ET_OK)
        return st;
    if (kind != ET_PATH_DIR)
        return et_fail(err, ET_ENOTFOUND, -1, "%s: %s", path,
                       kind == ET_PATH_NONE ? "no such folder"
                                            : "not a folder, and a dataset is one; of a recording, "
                                              "etude curate makes episodes");
    ds->info.path = own_path(ds->arena, path);
    if (!ds->info.path)
        return et_arena_fail(ds->arena, "the metadata", err);
    st = has_file(ds, ET__INFO_PATH, &has_info, err);
    if (st == ET_OK)
        st = has_file(ds, ET__JOURNAL_PATH, &has_journal, err);
    if (st != ET_OK)
        return st;
    if (!has_info && !has_journal)
        return et_fail(err, ET_ENOTFOUND, -1,
                       "%s: there is no %s in it: not a LeRobot dataset (etude dataset build makes "
                       "one of episodes)",
                       path, ET__INFO_PATH);
    st = has_info ? read_finished(ds, has_journal, err) : et__meta_journal_read(ds, err);
    if (st == ET_OK && ds->info.modality)
        et__modality_check(ds);
    if (st == ET_OK)
        st = fill_claims(ds, err);
    if (st == ET_OK)
        hand_out_remarks(ds);
    return st;
}

enum et_status et_dataset_open(struct et_dataset **dataset, const char *path, struct et_err *err)
{
    assert(dataset && path);
    *dataset = NULL;
    struct et_dataset *ds = calloc(1, sizeof *ds);
    if (!ds)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a dataset");
    enum et_status st = et_arena_open(&ds->arena, ET__META_ARENA_BYTES_MAX, err);
    if (st == ET_OK)
        st = et__cache_open(&ds->cache, err);
    ds->remarks.arena = ds->arena;
    if (st == ET_OK)
        st = open_folder(ds, path, err);
    if (st == ET_OK)
        *dataset = ds;
    else
        et_dataset_close(ds);
    return st;
}

void et_dataset_close(struct et_dataset *dataset)
{
    if (!dataset)
        return;
    et__cache_close(dataset->cache);
    et_arena_close(dataset->arena);
    free(dataset);
}

const struct et_dataset_info *et_dataset_info(const struct et_dataset *dataset)
{
    return &dataset->info;
}

int et_dataset_find(const struct et_dataset *dataset, const char *feature)
{
    for (size_t i = 0; i < dataset->info.n_features; i++) {
        if (strcmp(dataset->features[i].name, feature) == 0)
            return (int)i;
    }
    return -1;
}

const struct et_binding *et_dataset_binding(const struct et_dataset *dataset)
{
    return dataset->is_bound ? &dataset->binding : NULL;
}

// The profile that a dataset of canonical features carries; NULL when it has none.
static const char *own_profile(const struct et_dataset *ds)
{
    const char *path = et_path_join(ds->arena, ds->info.path, ET__OWN_PROFILE);
    enum et_path_kind kind = ET_PATH_NONE;
    return path && et_path_kind(path, &kind, NULL) == ET_OK && kind == ET_PATH_FILE ? path : NULL;
}

enum et_status et_dataset_use_profile(struct et_dataset *dataset, const char *wanted,
                                      struct et_err *err)
{
    struct et_dataset *ds = dataset;
    const struct et_profile *profile = NULL;

    if (ds->info.layout == ET_LAYOUT_EPISODES)
        return et__folders_check_profile(ds, wanted, err);
    if (!wanted)
        wanted = own_profile(ds);
    enum et_status st = et_profile_find(wanted, ds->info.robot_type, ds->arena, &profile, err);
    if (st != ET_OK)
        return st;
    struct et_feature_view *views = et_arena_array(ds->arena, ds->info.n_features, sizeof *views);
    if (!views)
        return et_arena_fail(ds->arena, "the features", err);
    for (size_t i = 0; i < ds->info.n_features; i++) {
        const struct et_feature *feature = &ds->features[i];
        views[i] = (struct et_feature_view){
            .path = feature->name,
            .is_video = feature->dtype == ET_DTYPE_VIDEO || feature->dtype == ET_DTYPE_IMAGE,
            .n_values = feature->n_values,
            .names = feature->names,
        };
    }
    st = et_profile_bind(profile, views, ds->info.n_features, ds->arena, &ds->binding, err);
    ds->is_bound = st == ET_OK;
    return st;
}

/* ---- one episode's metadata ---- */

const struct et_value *et__episode_stats(const struct et_dataset *ds,
                                         const struct et__episode *episode, struct et_arena *arena)
{
    const struct et_json_options options = {.allow_nan = true};
    const struct et_value *line = NULL;
    struct et_file *file = NULL;

    if (episode->stats_at < 0 || !ds->stats_path)
        return NULL;
    char *text = et_arena_alloc(arena, episode->stats_bytes);
    if (text && et_file_open(&file, ds->stats_path, ET_FILE_READ, NULL) == ET_OK &&
        et_file_read_exact(file, episode->stats_at, text, episode->stats_bytes, NULL) == ET_OK) {
        const struct et_str json = {text, episode->stats_bytes};
        if (et_json_parse(json, &options, arena, &line, NULL) != ET_OK)
            line = NULL;
    }
    et_file_close(file);
    return et_value_get(line, "stats");
}

static enum et_status place_videos(const struct et_dataset *ds, size_t i, struct et_arena *arena,
                                   struct et_episode_meta *meta, struct et_err *err)
{
    struct et_video_place *videos = et_arena_array(arena, ds->n_videos, sizeof *videos);
    if (!videos)
        return et_arena_fail(arena, "the episode's videos", err);
    for (size_t v = 0; v < ds->n_videos; v++) {
        const struct et__video_slot *slot = &ds->slots[i * ds->n_videos + v];
        struct et_video_place *place = &videos[v];
        *place = (struct et_video_place){
            .i_feature = ds->i_videos[v], .from_s = slot->from_s, .to_s = slot->to_s};
        // In v2 a file is one episode: it ends when the episode does.
        if (ds->info.layout != ET_LAYOUT_V30)
            place->to_s = (double)meta->n_rows / ds->info.fps;
        if (!et__video_path(ds, i, v, arena, &place->path))
            return et_arena_fail(arena, "the episode's videos", err);
        if (place->path && et__is_file(place->path, &place->is_present, NULL) != ET_OK)
            place->is_present = false;
    }
    meta->videos = videos;
    meta->n_videos = ds->n_videos;
    return ET_OK;
}

enum et_status et_dataset_episode_meta(const struct et_dataset *dataset, int64_t i,
                                       struct et_arena *arena, struct et_episode_meta *meta,
                                       struct et_err *err)
{
    const struct et_dataset *ds = dataset;

    *meta = (struct et_episode_meta){0};
    if (i < 0 || i >= ds->info.n_episodes)
        return et_fail(err, ET_EARG, i, "%s: there is no episode in place %lld of %lld",
                       ds->info.path, (long long)i, (long long)ds->info.n_episodes);
    if (ds->info.layout == ET_LAYOUT_EPISODES)
        return et__folder_meta(ds, (size_t)i, arena, meta, err);
    const struct et__episode *episode = &ds->episodes[i];
    meta->index = episode->index;
    meta->n_rows = episode->n_rows;
    meta->tasks = episode->tasks;
    meta->n_tasks = episode->n_tasks;
    meta->first_row = episode->first_row;
    meta->from_index = episode->from_index;
    meta->data_path = et__data_path(ds, episode, arena);
    if (!meta->data_path)
        return et_arena_fail(arena, "a path", err);
    if (et__is_file(meta->data_path, &meta->has_data, NULL) != ET_OK)
        meta->has_data = false;
    return place_videos(ds, (size_t)i, arena, meta, err);
}

/* ---- bytes ---- */

enum et_status et__add_file_bytes(const char *path, int64_t *n_bytes, struct et_err *err)
{
    struct et_file *file = NULL;
    int64_t n = 0;

    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(file, &n, err);
    *n_bytes += n;
    et_file_close(file);
    return st;
}

enum et_status et_dataset_bytes(const struct et_dataset *dataset, bool with_videos,
                                int64_t *n_bytes, struct et_err *err)
{
    static const char *const FOLDERS[] = {"data", "meta", "videos"};
    struct et_arena *scratch = NULL;

    *n_bytes = 0;
    if (dataset->info.layout == ET_LAYOUT_EPISODES)
        return et__folders_bytes(dataset, n_bytes, err);
    enum et_status st = et_arena_open(&scratch, SCRATCH_BYTES, err);
    for (size_t i = 0; st == ET_OK && i < (with_videos ? 3 : 2); i++) {
        const char *const *paths = NULL;
        size_t n_paths = 0;
        const char *folder = et_path_join(scratch, dataset->info.path, FOLDERS[i]);
        st = folder ? et__files_below(folder, 4, NULL, scratch, &paths, &n_paths, err)
                    : et_arena_fail(scratch, "a path", err);
        for (size_t k = 0; st == ET_OK && k < n_paths; k++)
            st = et__add_file_bytes(paths[k], n_bytes, err);
    }
    et_arena_close(scratch);
    return st;
}

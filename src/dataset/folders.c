/* Folders of episodes, as curation writes them, read as one dataset. */
#include "dataset/dataset__internal.h"

#include <assert.h>
#include <stdlib.h>

#define SCRATCH_BYTES ((size_t)256 << 20)
#define JSON_BYTES_MAX ((size_t)1 << 20)

/* The set that is being put together. */
struct gathering {
    struct et_dataset *ds;
    struct et_arena *scratch; // of one episode.json
    struct et_bound_stream *streams;
    size_t n_streams, cap_streams;
    const char **tasks;
    size_t n_tasks, cap_tasks;
    const char **segments;
    size_t n_segments, cap_segments;
    struct et_err *err;
};

static enum et_status full(const struct gathering *g)
{
    return et_arena_fail(g->ds->arena, "a set of episodes", g->err);
}

static const char *copy_text(const struct gathering *g, const char *text)
{
    return et_arena_copy(g->ds->arena, text, strlen(text));
}

static const double *copy_numbers(const struct gathering *g, const double *from, size_t n)
{
    return from ? et_arena_copy(g->ds->arena, from, n * sizeof *from) : NULL;
}

/* The stream's description out of the episode's arena into the set's. */
static enum et_status keep_stream(const struct gathering *g, const struct et_stream *from,
                                  struct et_stream *to)
{
    const size_t n = from->n_values;
    *to = *from;
    to->name = copy_text(g, from->name);
    to->unit = copy_text(g, from->unit);
    to->lower = copy_numbers(g, from->lower, n);
    to->upper = copy_numbers(g, from->upper, n);
    to->speed = copy_numbers(g, from->speed, n);
    const char **names = from->names ? et_arena_array(g->ds->arena, n, sizeof *names) : NULL;
    for (size_t i = 0; names && i < n; i++)
        if (!(names[i] = copy_text(g, from->names[i])))
            return full(g);
    to->names = names;
    const bool is_short = (from->names && !names) || (from->lower && !to->lower) ||
                          (from->upper && !to->upper) || (from->speed && !to->speed);
    return !to->name || !to->unit || is_short ? full(g) : ET_OK;
}

static enum et_status add_stream(struct gathering *g, const struct et_stream *stream,
                                 bool is_picture)
{
    struct et_arena *arena = g->ds->arena;
    const size_t n = stream->n_values;
    for (size_t i = 0; i < g->n_streams; i++)
        if (strcmp(g->streams[i].stream.name, stream->name) == 0)
            return g->streams[i].stream.n_values == n
                       ? ET_OK
                       : et_fail(g->err, ET_ECORRUPT, -1,
                                 "%.60s has %zu values in one episode and %zu in another",
                                 stream->name, g->streams[i].stream.n_values, n);
    struct et_bound_stream *streams =
        et__grow(arena, g->streams, g->n_streams, &g->cap_streams, sizeof *streams);
    if (!streams)
        return full(g);
    g->streams = streams;
    struct et_bound_stream *to = &streams[g->n_streams];
    size_t *columns = et_arena_array(arena, n, sizeof *columns);
    double *scale = et_arena_array(arena, n, sizeof *scale);
    double *offset = et_arena_array(arena, n, sizeof *offset);
    *to = (struct et_bound_stream){.i_feature = g->n_streams};
    if (!columns || !scale || !offset)
        return full(g);
    for (size_t i = 0; i < n; i++) {
        columns[i] = i;
        scale[i] = 1;
    }
    to->columns = is_picture ? NULL : columns;
    to->scale = scale;
    to->offset = offset;
    const enum et_status st = keep_stream(g, stream, &to->stream);
    g->n_streams += st == ET_OK;
    return st;
}

/* A text that is not there yet, behind the others. */
static enum et_status add_text(const struct gathering *g, const char ***texts, size_t *n,
                               size_t *cap, const char *text)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp((*texts)[i], text) == 0)
            return ET_OK;
    const char **grown = et__grow(g->ds->arena, (void *)*texts, *n, cap, sizeof *grown);
    const char *copy = copy_text(g, text);
    if (!grown || !copy)
        return full(g);
    *texts = grown;
    grown[(*n)++] = copy;
    return ET_OK;
}

/* The profile that a recording was curated by lies beside its episodes. NULL: it does not, and is
 * looked for where profiles are; or the arena is full. */
static const char *own_profile(const char *folder, const char *id, struct et_arena *arena)
{
    enum et_path_kind kind = ET_PATH_NONE;
    const char *dir = et_path_dir(arena, folder);
    const char *name = et_arena_printf(arena, "%s.yaml", id);
    const char *path = dir && name ? et_path_join(arena, dir, name) : NULL;
    if (!path || strchr(id, '/') || et_path_kind(path, &kind, NULL) != ET_OK)
        return NULL;
    return kind == ET_PATH_FILE ? path : NULL;
}

/* The profile of the first episode is the set's. */
static enum et_status check_profile(struct gathering *g, const struct et_episode_facts *facts,
                                    const char *folder)
{
    struct et_dataset *ds = g->ds;
    const char *id = facts->profile ? facts->profile : "generic";
    if (!ds->binding.profile) {
        const char *own = own_profile(folder, id, ds->arena);
        if (own)
            return et_profile_load(own, ds->arena, &ds->binding.profile, g->err);
        const char *copy = copy_text(g, id);
        return copy ? et_profile_find(copy, NULL, ds->arena, &ds->binding.profile, g->err)
                    : full(g);
    }
    if (strcmp(ds->binding.profile->id, id) == 0)
        return ET_OK;
    return et_fail(
        g->err, ET_EUNSUPPORTED, -1,
        "%.120s was curated by profile %.40s, %.120s by %.40s: they are not one set, take "
        "each recording's folder by itself",
        ds->places[0].folder, ds->binding.profile->id, folder, id);
}

static enum et_status add_episode(struct gathering *g, size_t i)
{
    struct et_dataset *ds = g->ds;
    struct et_episode episode;
    struct et_episode_facts facts;
    enum et_status st =
        et_episode_read_facts(ds->places[i].folder, g->scratch, &episode, &facts, g->err);
    if (st == ET_OK)
        st = check_profile(g, &facts, ds->places[i].folder);
    for (size_t k = 0; k < episode.n_tracks && st == ET_OK; k++)
        st = add_stream(g, &episode.tracks[k].stream, false);
    for (size_t k = 0; k < episode.n_videos && st == ET_OK; k++)
        st = add_stream(g, &episode.videos[k].stream, true);
    for (size_t k = 0; k < episode.n_tasks && st == ET_OK; k++)
        st = add_text(g, &g->tasks, &g->n_tasks, &g->cap_tasks, episode.tasks[k]);
    for (size_t k = 0; k < episode.n_segments && st == ET_OK; k++)
        st = add_text(g, &g->segments, &g->n_segments, &g->cap_segments, episode.segments[k].name);
    if (st != ET_OK)
        return st;
    // Rows there are none; how many there would be says how large an episode is.
    const int64_t first_ns = et_value_int(et_value_get(facts.json, "first_ns"), 0);
    const int64_t last_ns = et_value_int(et_value_get(facts.json, "last_ns"), 0);
    const double duration_s =
        last_ns > first_ns ? (double)((uint64_t)last_ns - (uint64_t)first_ns) * 1e-9 : 0;
    ds->episodes[i] = (struct et__episode){
        .index = (int64_t)i,
        .n_rows = duration_s > 0 && duration_s < 1e9 ? (int64_t)(duration_s * 30) + 1 : 1,
        .stats_at = -1};
    ds->info.n_rows += ds->episodes[i].n_rows;
    return ET_OK;
}

/* Streams in canonical order, each a feature of the set. */
static enum et_status name_features(struct gathering *g)
{
    struct et_dataset *ds = g->ds;
    static_assert(offsetof(struct et_bound_stream, stream) == 0, "et_stream_compare needs it");
    if (g->n_streams > 1)
        qsort(g->streams, g->n_streams, sizeof *g->streams, et_stream_compare);
    ds->features = et_arena_array(ds->arena, g->n_streams, sizeof *ds->features);
    if (!ds->features)
        return full(g);
    for (size_t i = 0; i < g->n_streams; i++) {
        struct et_bound_stream *bound = &g->streams[i];
        int64_t *shape = et_arena_alloc(ds->arena, sizeof *shape);
        if (!shape)
            return full(g);
        *shape = (int64_t)bound->stream.n_values;
        bound->i_feature = i;
        ds->features[i] =
            (struct et_feature){.name = bound->stream.name,
                                .dtype = bound->columns ? ET_DTYPE_FLOAT32 : ET_DTYPE_VIDEO,
                                .shape = shape,
                                .n_dims = 1,
                                .n_values = bound->stream.n_values,
                                .names = bound->stream.names};
    }
    ds->info.features = ds->features;
    ds->info.n_features = g->n_streams;
    ds->binding.streams = g->streams;
    ds->binding.n_streams = g->n_streams;
    ds->is_bound = true;
    ds->info.tasks = g->tasks;
    ds->info.n_tasks = g->n_tasks;
    ds->info.segments = g->segments;
    ds->info.n_segments = g->n_segments;
    return ET_OK;
}

static enum et_status keep_places(struct gathering *g, const char *path,
                                  const struct et_episode_place *places, size_t n)
{
    struct et_dataset *ds = g->ds;
    struct et_episode_place *to = et_arena_array(ds->arena, n, sizeof *to);
    ds->episodes = et_arena_array(ds->arena, n, sizeof *ds->episodes);
    ds->info.path = copy_text(g, path);
    if (!to || !ds->episodes || !ds->info.path)
        return full(g);
    for (size_t i = 0; i < n; i++) {
        to[i] = (struct et_episode_place){.folder = copy_text(g, places[i].folder),
                                          .recording_id = copy_text(g, places[i].recording_id),
                                          .index = places[i].index};
        if (!to[i].folder || !to[i].recording_id)
            return full(g);
    }
    ds->places = to;
    ds->info.layout = ET_LAYOUT_EPISODES;
    ds->info.n_episodes = (int64_t)n;
    return ET_OK;
}

static void claim(struct et_dataset *ds)
{
    struct et_set_claims *claims = &ds->info.claims;
    *claims = (struct et_set_claims){.path = ds->info.path,
                                     .format = "episodes",
                                     .n_episodes = -1,
                                     .n_rows = -1,
                                     .n_tasks = -1,
                                     .n_videos = -1,
                                     .n_episodes_found = ds->info.n_episodes,
                                     .n_rows_found = ds->info.n_rows,
                                     .n_tasks_found = (int64_t)ds->info.n_tasks,
                                     .split_last = -1,
                                     .tasks = ds->info.tasks,
                                     .n_tasks_listed = ds->info.n_tasks};
}

static enum et_status gather(struct gathering *g, const char *path,
                             const struct et_episode_place *places, size_t n)
{
    enum et_status st = keep_places(g, path, places, n);
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        const struct et_arena_mark mark = et_arena_mark(g->scratch);
        st = add_episode(g, i);
        et_arena_rewind(g->scratch, mark);
    }
    if (st == ET_OK)
        st = name_features(g);
    if (st == ET_OK)
        claim(g->ds);
    return st;
}

enum et_status et_dataset_open_episodes(struct et_dataset **dataset, const char *path,
                                        const struct et_episode_place *places, size_t n_places,
                                        struct et_err *err)
{
    assert(dataset && path && places && n_places > 0);
    *dataset = NULL;
    struct et_dataset *ds = calloc(1, sizeof *ds);
    if (!ds)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a dataset");
    struct gathering g = {.ds = ds, .err = err};
    enum et_status st = et_arena_open(&ds->arena, ET__META_ARENA_BYTES_MAX, err);
    ds->remarks.arena = ds->arena;
    if (st == ET_OK)
        st = et__cache_open(&ds->cache, err);
    if (st == ET_OK)
        st = et_arena_open(&g.scratch, SCRATCH_BYTES, err);
    if (st == ET_OK)
        st = gather(&g, path, places, n_places);
    et_arena_close(g.scratch);
    if (st == ET_OK) {
        ds->info.robot_type = ds->binding.profile->id;
        *dataset = ds;
    } else
        et_dataset_close(ds);
    return st;
}

/* ---- reading ---- */

enum et_status et__folders_check_profile(const struct et_dataset *ds, const char *wanted,
                                         struct et_err *err)
{
    const char *id = ds->binding.profile->id;
    struct et_arena *arena = NULL;
    const struct et_profile *other = NULL;
    if (!wanted || strcmp(wanted, id) == 0 || strcmp(wanted, ds->binding.profile->path) == 0)
        return ET_OK;
    enum et_status st = et_arena_open(&arena, SCRATCH_BYTES, err);
    if (st == ET_OK)
        st = et_profile_find(wanted, NULL, arena, &other, err);
    const bool is_same =
        other && memcmp(other->digest, ds->binding.profile->digest, sizeof other->digest) == 0;
    et_arena_close(arena);
    if (st != ET_OK || is_same)
        return st;
    return et_fail(err, ET_EARG, -1,
                   "%.120s was curated by profile %.40s: another takes curating again",
                   ds->info.path, id);
}

enum et_status et__folder_meta(const struct et_dataset *ds, size_t i, struct et_arena *arena,
                               struct et_episode_meta *meta, struct et_err *err)
{
    struct et_episode episode;
    struct et_episode_facts facts;
    enum et_status st = et_episode_read_facts(ds->places[i].folder, arena, &episode, &facts, err);
    if (st != ET_OK)
        return st;
    *meta = (struct et_episode_meta){.index = (int64_t)i,
                                     .n_rows = ds->episodes[i].n_rows,
                                     .tasks = episode.tasks,
                                     .n_tasks = episode.n_tasks,
                                     .data_path = ds->places[i].folder,
                                     .has_data = true};
    struct et_video_place *videos = et_arena_array(arena, episode.n_videos, sizeof *videos);
    if (!videos)
        return et_arena_fail(arena, "the episode's videos", err);
    for (size_t k = 0; k < episode.n_videos; k++) {
        const struct et_video_ref *ref = &episode.videos[k];
        const int i_feature = et_dataset_find(ds, ref->stream.name);
        enum et_path_kind kind = ET_PATH_NONE;
        if (i_feature < 0)
            continue;
        if (!ref->path || et_path_kind(ref->path, &kind, NULL) != ET_OK)
            kind = ET_PATH_NONE;
        videos[meta->n_videos++] = (struct et_video_place){
            .i_feature = (size_t)i_feature,
            .path = ref->path,
            .is_present = ref->is_present && kind != ET_PATH_NONE && ref->n_frames > 0,
            .width_px = ref->width_px,
            .height_px = ref->height_px};
    }
    meta->videos = videos;
    return ET_OK;
}

enum et_status et__folder_episode(const struct et_dataset *ds, size_t i, struct et_arena *arena,
                                  struct et_episode *episode, struct et_err *err)
{
    struct et_episode_facts facts;
    const enum et_status st = et_episode_read(ds->places[i].folder, arena, episode, &facts, err);
    if (st != ET_OK)
        return st;
    episode->index = (int64_t)i;
    struct et_video_ref *videos = (struct et_video_ref *)(uintptr_t)episode->videos; // just made
    const char *own =
        facts.profile ? own_profile(ds->places[i].folder, facts.profile, arena) : NULL;
    for (size_t k = 0; k < episode->n_videos; k++) {
        enum et_path_kind kind = ET_PATH_NONE;
        videos[k].profile = own ? own : ds->binding.profile->path;
        videos[k].device = facts.device;
        if (!videos[k].path || et_path_kind(videos[k].path, &kind, NULL) != ET_OK ||
            kind == ET_PATH_NONE) {
            videos[k].is_present = false;
            videos[k].trouble = "the recording is not where it was";
        }
    }
    return ET_OK;
}

enum et_status et_dataset_stored(const struct et_dataset *dataset, int64_t i,
                                 struct et_arena *arena, struct et_episode_facts *facts,
                                 struct et_err *err)
{
    struct et_episode episode;
    *facts = (struct et_episode_facts){0};
    if (dataset->info.layout != ET_LAYOUT_EPISODES)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%.150s holds no curated episodes",
                       dataset->info.path);
    if (i < 0 || i >= dataset->info.n_episodes)
        return et_fail(err, ET_EARG, i, "%s: there is no episode in place %lld of %lld",
                       dataset->info.path, (long long)i, (long long)dataset->info.n_episodes);
    return et_episode_read_facts(dataset->places[i].folder, arena, &episode, facts, err);
}

enum et_status et__folders_bytes(const struct et_dataset *ds, int64_t *n_bytes, struct et_err *err)
{
    struct et_arena *scratch = NULL;
    enum et_status st = et_arena_open(&scratch, SCRATCH_BYTES, err);
    for (int64_t i = 0; i < ds->info.n_episodes && st == ET_OK; i++) {
        const struct et_arena_mark mark = et_arena_mark(scratch);
        const char *const *paths = NULL;
        size_t n = 0;
        st = et__files_below(ds->places[i].folder, 2, NULL, scratch, &paths, &n, err);
        for (size_t k = 0; k < n && st == ET_OK; k++)
            st = et__add_file_bytes(paths[k], n_bytes, err);
        et_arena_rewind(scratch, mark);
    }
    et_arena_close(scratch);
    return st;
}

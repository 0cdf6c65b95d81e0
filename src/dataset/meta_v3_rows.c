/* Episodes of a v3.0 dataset whose list of them is lost: the rows say which they are of. */
#include "dataset/dataset__internal.h"

#define WHERE "meta/episodes"

struct making {
    struct et_dataset *ds;
    struct et_arena *scratch;
    size_t cap;
    int64_t from_index;
};

// The numbers in ".../chunk-012/file-345.parquet".
static bool file_numbers(struct et_str path, int64_t *chunk, int64_t *file)
{
    struct et_str part, folder = {NULL, 0}, name = {NULL, 0};

    while (et_str_cut(&path, '/', &part)) {
        folder = name;
        name = part;
    }
    if (!et_str_starts(folder, "chunk-") || !et_str_starts(name, "file-") ||
        !et_str_ends(name, ".parquet"))
        return false;
    const struct et_str chunk_digits = {folder.p + 6, folder.n - 6};
    const struct et_str file_digits = {name.p + 5, name.n - 5 - 8};
    return et_str_to_int64(chunk_digits, chunk) && et_str_to_int64(file_digits, file) &&
           *chunk >= 0 && *file >= 0;
}

static enum et_status add_episode(struct making *making, struct et__episode *episode,
                                  int64_t i_task, struct et_err *err)
{
    struct et_dataset *ds = making->ds;
    const size_t n = (size_t)ds->info.n_episodes;

    struct et__episode *episodes =
        et__grow(ds->arena, ds->episodes, n, &making->cap, sizeof *episodes);
    if (!episodes)
        return et_arena_fail(ds->arena, "the episodes", err);
    ds->episodes = episodes;
    episode->stats_at = -1;
    episode->from_index = making->from_index;
    episode->to_index = making->from_index + episode->n_rows;
    if (i_task >= 0 && (uint64_t)i_task < ds->info.n_tasks && ds->info.tasks[i_task]) {
        episode->tasks = &ds->info.tasks[i_task];
        episode->n_tasks = 1;
    }
    episodes[n] = *episode;
    ds->info.n_episodes++;
    making->from_index = episode->to_index;
    return ET_OK;
}

// One episode a run of rows that say the same episode_index.
static enum et_status add_runs(struct making *making, const int64_t *indices, const int64_t *tasks,
                               int64_t n, struct et__episode place, struct et_err *err)
{
    enum et_status st = ET_OK;

    for (int64_t first = 0; st == ET_OK && first < n;) {
        int64_t last = first + 1;
        while (last < n && indices[last] == indices[first])
            last++;
        struct et__episode episode = place;
        episode.index = indices[first];
        episode.first_row = first;
        episode.n_rows = last - first;
        if (episode.index >= 0 && making->ds->info.n_episodes < ET__EPISODES_MAX)
            st = add_episode(making, &episode, tasks[first], err);
        first = last;
    }
    return st;
}

static enum et_status add_file(struct making *making, const char *path, struct et_err *err)
{
    struct et_parquet_reader *reader = NULL;
    struct et__episode place = {0};
    enum et_status st = ET_OK;

    if (!file_numbers(et_str(path), &place.data_chunk, &place.data_file) ||
        et_parquet_open(&reader, path, NULL, NULL) != ET_OK)
        return ET_OK; // verify says what is wrong with the file
    const int64_t n = et_parquet_n_rows(reader);
    const struct et_arena_mark mark = et_arena_mark(making->scratch);
    int64_t *indices = et_arena_array(making->scratch, (size_t)n, sizeof *indices);
    int64_t *tasks = et_arena_array(making->scratch, (size_t)n, sizeof *tasks);
    if (indices && tasks && et__read_ints(reader, "episode_index", 0, n, indices, NULL) == ET_OK) {
        if (et__read_ints(reader, "task_index", 0, n, tasks, NULL) != ET_OK)
            memset(tasks, 0xff, (size_t)n * sizeof *tasks); // −1: not known
        st = add_runs(making, indices, tasks, n, place, err);
    }
    et_arena_rewind(making->scratch, mark);
    et_parquet_close(reader);
    return st;
}

enum et_status et__episodes_by_rows(struct et_dataset *ds, struct et_arena *scratch,
                                    struct et_err *err)
{
    struct making making = {.ds = ds, .scratch = scratch};
    const char *const *paths;
    size_t n_paths;

    // Files elsewhere than where the layout has them could not be found again.
    if (strcmp(ds->data_template, et__data_template(ET_LAYOUT_V30)) != 0)
        return ET_OK;
    const char *folder = et_path_join(scratch, ds->info.path, "data");
    if (!folder)
        return et_arena_fail(scratch, "the episodes", err);
    enum et_status st = et__files_below(folder, 1, ".parquet", scratch, &paths, &n_paths, err);
    for (size_t i = 0; st == ET_OK && i < n_paths; i++)
        st = add_file(&making, paths[i], err);
    if (st == ET_OK && ds->info.n_episodes)
        et__remark(&ds->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR, WHERE,
                   "%lld episodes were made of what the rows say; their videos and tasks are "
                   "known as far as the rows say them",
                   (long long)ds->info.n_episodes);
    return st;
}

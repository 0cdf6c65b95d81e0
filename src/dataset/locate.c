/* Where an episode's rows are. The metadata says so; the rows say it too, and they are believed
 * more, because a row that is read into the wrong episode is worse than one that is missing. */
#include "dataset/dataset__internal.h"

// The longest run of rows that say they are the episode's.
static void longest_run(const int64_t *indices, int64_t n, int64_t index, int64_t *first,
                        int64_t *n_rows)
{
    *first = *n_rows = 0;
    for (int64_t i = 0; i < n;) {
        int64_t end = i;
        while (end < n && indices[end] == index)
            end++;
        if (end - i > *n_rows) {
            *first = i;
            *n_rows = end - i;
        }
        i = end > i ? end : i + 1;
    }
}

/* Do rows first … first + n − 1 say that they are the episode's? ET_ENOTFOUND, ET_EUNSUPPORTED: the
 * file has no such column of numbers. */
static enum et_status check_rows(struct et_parquet_reader *reader, int64_t index, int64_t first,
                                 int64_t n, struct et_arena *arena, bool *is_own,
                                 struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);

    int64_t *indices = et_arena_array(arena, (size_t)n, sizeof *indices);
    if (!indices)
        return et_arena_fail(arena, "a column", err);
    const enum et_status st = et__read_ints(reader, "episode_index", first, n, indices, err);
    *is_own = st == ET_OK;
    for (int64_t i = 0; i < n && *is_own; i++)
        *is_own = indices[i] == index;
    et_arena_rewind(arena, mark);
    return st;
}

static enum et_status search_file(const struct et__episode *episode, struct et_arena *arena,
                                  struct et__place *place, struct et_err *err)
{
    const int64_t n = et_parquet_n_rows(place->reader);
    const struct et_arena_mark mark = et_arena_mark(arena);

    int64_t *indices = et_arena_array(arena, (size_t)n, sizeof *indices);
    if (!indices)
        return et_arena_fail(arena, "a column", err);
    const enum et_status st = et__read_ints(place->reader, "episode_index", 0, n, indices, err);
    if (st == ET_OK) {
        longest_run(indices, n, episode->index, &place->first, &place->n_rows);
        place->trouble = place->n_rows
                             ? "the metadata names other rows than those that say they are the "
                               "episode's; the latter were read"
                             : "no row of the data file says that it is the episode's";
    }
    et_arena_rewind(arena, mark);
    return st;
}

// The rows in the file that the metadata names.
static enum et_status search_named(const struct et__episode *episode, struct et_arena *arena,
                                   struct et__place *place, struct et_err *err)
{
    const int64_t n = et_parquet_n_rows(place->reader);
    const bool fits = episode->first_row <= n && episode->n_rows <= n - episode->first_row;
    struct et_err bad = {0};
    bool is_own = false;

    place->first = episode->first_row < n ? episode->first_row : n;
    place->n_rows = episode->n_rows < n - place->first ? episode->n_rows : n - place->first;
    enum et_status st = ET_OK;
    if (fits)
        st = check_rows(place->reader, episode->index, place->first, place->n_rows, arena, &is_own,
                        &bad);
    if (st == ET_OK && !is_own)
        st = search_file(episode, arena, place, &bad);
    if (st == ET_ENOTFOUND || st == ET_EUNSUPPORTED) // no such column: the metadata counts
        return ET_OK;
    return st == ET_OK ? ET_OK : et_fail(err, st, bad.at, "%s: %s", place->path, bad.text);
}

/* The rows at the episode's global place, if they are its own: there LeRobot reads them, whatever
 * file the metadata names (merged sets are seen that name files that do not exist). */
static enum et_status search_global(const struct et_dataset *ds, const struct et__episode *episode,
                                    struct et_arena *arena, struct et__place *place,
                                    struct et_err *err)
{
    struct et_parquet_reader *reader = NULL;
    const char *path;
    int64_t first_row = 0;
    bool is_own = false;

    enum et_status st = et__file_of_row(ds, episode->from_index, &path, &first_row, err);
    if (st == ET_OK)
        st = et_parquet_open(&reader, path, NULL, err);
    if (st != ET_OK)
        return st;
    const int64_t first = episode->from_index - first_row;
    if (episode->n_rows > 0 && episode->n_rows <= et_parquet_n_rows(reader) - first)
        st = check_rows(reader, episode->index, first, episode->n_rows, arena, &is_own, err);
    if (st != ET_OK || !is_own) {
        et_parquet_close(reader);
        return st == ET_OK ? et_fail(err, ET_ENOTFOUND, episode->from_index,
                                     "%s: the rows at the episode's place are of others", path)
                           : st;
    }
    et__reader_give(ds, place->reader);
    *place = (struct et__place){
        .reader = reader,
        .path = path,
        .first = first,
        .n_rows = episode->n_rows,
        .trouble = "the metadata names another data file; this one holds the episode's rows"};
    return ET_OK;
}

enum et_status et__rows_open(const struct et_dataset *ds, const struct et__episode *episode,
                             struct et_arena *arena, struct et__place *place, struct et_err *err)
{
    const bool is_v3 = ds->info.layout == ET_LAYOUT_V30;
    struct et_err bad = {0};

    *place = (struct et__place){.path = et__data_path(ds, episode, arena)};
    if (!place->path)
        return et_arena_fail(arena, "a path", err);
    enum et_status st = et__reader_take(ds, episode, &place->reader, &bad);
    if (st == ET_OK && !is_v3) { // the file is the episode, whatever its rows say
        place->n_rows = et_parquet_n_rows(place->reader);
        return ET_OK;
    }
    if (st == ET_OK)
        st = search_named(episode, arena, place, &bad);
    const bool is_lost = st == ET_ENOTFOUND || (st == ET_OK && place->n_rows == 0);
    if (is_v3 && is_lost && episode->n_rows > 0 && !ds->info.is_unfinished) {
        const enum et_status found = search_global(ds, episode, arena, place, NULL);
        if (found == ET_OK || found == ET_ENOMEM || found == ET_ELIMIT)
            st = found;
        if (found == ET_ENOMEM || found == ET_ELIMIT)
            (void)et_fail(&bad, found, -1, "no memory to look for an episode's rows");
    }
    return st == ET_OK ? ET_OK : et_fail(err, st, bad.at, "%s", bad.text);
}

void et__rows_close(const struct et_dataset *ds, struct et__place *place)
{
    et__reader_give(ds, place->reader);
    place->reader = NULL;
}

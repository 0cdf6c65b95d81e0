/* Statistics of pictures that a v3.0 dataset has stored for an episode: they are taken over,
 * because making them again means decoding. */
#include "dataset/dataset__ops.h"

#include <stdio.h>

#define N_STATS (5 + ET__N_QUANTILES)
#define CHANNELS_MAX 4

static const char *stat_name(size_t i)
{
    static const char *const FIRST[] = {"min", "max", "mean", "std", "count"};
    return i < 5 ? FIRST[i] : ET__LEVEL_NAMES[i - 5];
}

// The file that holds the row of an episode, opened, and which row of it that is.
static enum et_status open_row(const struct et_dataset *dataset, int64_t place,
                               struct et_arena *arena, struct et_parquet_reader **reader,
                               int64_t *row)
{
    const char *const *paths = NULL;
    size_t n_paths = 0;
    const char *folder = et_path_join(arena, et_dataset_info(dataset)->path, "meta/episodes");
    if (!folder)
        return ET_ENOMEM;
    enum et_status st = et__files_below(folder, 1, ".parquet", arena, &paths, &n_paths, NULL);
    *row = place;
    for (size_t i = 0; st == ET_OK && i < n_paths; i++) {
        st = et_parquet_open(reader, paths[i], NULL, NULL);
        if (st != ET_OK || *row < et_parquet_n_rows(*reader))
            return st;
        *row -= et_parquet_n_rows(*reader);
        et_parquet_close(*reader);
        *reader = NULL;
    }
    return ET_ENOTFOUND;
}

static bool read_reals(struct et_parquet_reader *reader, size_t leaf, int64_t row, size_t n,
                       double *to)
{
    const enum et_parquet_type type = et_parquet_leaf(reader, leaf)->type;
    struct et_parquet_cursor *cursor = NULL;
    int64_t ints[CHANNELS_MAX];
    bool is_read = false;

    if (et_parquet_cursor_open(&cursor, reader, leaf, NULL) != ET_OK)
        return false;
    if (type == ET_PARQUET_DOUBLE) {
        is_read = et_parquet_cursor_rows(cursor, row, 1, n, to, NULL) == ET_OK;
    } else if (type == ET_PARQUET_INT64) {
        is_read = et_parquet_cursor_rows(cursor, row, 1, n, ints, NULL) == ET_OK;
        for (size_t i = 0; is_read && i < n; i++)
            to[i] = (double)ints[i];
    }
    et_parquet_cursor_close(cursor);
    return is_read;
}

// A list of numbers as a tree; false when the file has no such statistic, or the arena is full.
static bool read_stat(struct et_parquet_reader *reader, const char *column, int64_t row,
                      bool is_count, struct et_arena *arena, struct et_value *value)
{
    const int leaf = et_parquet_find(reader, column);
    double numbers[CHANNELS_MAX];
    if (leaf < 0)
        return false;
    size_t n = is_count ? 1 : 3;
    bool is_read = read_reals(reader, (size_t)leaf, row, n, numbers);
    if (!is_read && !is_count) { // one channel
        n = 1;
        is_read = read_reals(reader, (size_t)leaf, row, n, numbers);
    }
    struct et_value *items = is_read ? et_arena_array(arena, n, sizeof *items) : NULL;
    if (!items)
        return false;
    for (size_t i = 0; i < n; i++)
        items[i] = (struct et_value){.kind = ET_VALUE_REAL, .as.real = numbers[i]};
    *value = (struct et_value){.kind = ET_VALUE_LIST};
    value->as.many.items = items;
    value->as.many.n_items = n;
    return true;
}

static const struct et_value *read_stats(struct et_parquet_reader *reader, const char *feature,
                                         int64_t row, struct et_arena *arena)
{
    struct et_value *map = et_arena_alloc(arena, sizeof *map);
    struct et_value *items = et_arena_array(arena, N_STATS, sizeof *items);
    struct et_str *keys = et_arena_array(arena, N_STATS, sizeof *keys);
    size_t n = 0;
    if (!map || !items || !keys)
        return NULL;
    for (size_t i = 0; i < N_STATS; i++) {
        const char *column = et_arena_printf(arena, "stats/%s/%s", feature, stat_name(i));
        if (!column || !read_stat(reader, column, row, i == 4, arena, &items[n]))
            continue;
        keys[n++] = et_str(stat_name(i));
    }
    *map = (struct et_value){.kind = ET_VALUE_MAP};
    map->as.many.items = items;
    map->as.many.keys = keys;
    map->as.many.n_items = n;
    return map;
}

const struct et_value *et__stored_picture_stats(const struct et_dataset *dataset, int64_t place,
                                                const char *feature, struct et_arena *arena)
{
    struct et_parquet_reader *reader = NULL;
    const struct et_value *stats = NULL;
    int64_t row = 0;

    const struct et_dataset_info *info = et_dataset_info(dataset);
    if (info->is_unfinished || info->layout == ET_LAYOUT_EPISODES)
        return NULL;
    if (info->layout != ET_LAYOUT_V30)
        return et_value_get(et__episode_stats(dataset, &dataset->episodes[place], arena), feature);
    if (open_row(dataset, place, arena, &reader, &row) == ET_OK)
        stats = read_stats(reader, feature, row, arena);
    et_parquet_close(reader);
    return stats;
}

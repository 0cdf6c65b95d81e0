/* Statistics of an episode's numbers, and statistics from and to JSON. */
#include "dataset/dataset__write.h"

#include "etude/base64.h"

#include <assert.h>
#include <math.h>

const double ET__LEVELS[ET__N_QUANTILES] = {0.01, 0.10, 0.50, 0.90, 0.99};
const char *const ET__LEVEL_NAMES[ET__N_QUANTILES] = {"q01", "q10", "q50", "q90", "q99"};

/* ---- series ---- */

/* Copies every n_stats-th number that is finite; returns how many. An infinite number is no
 * measurement either. The types are apart so that each loop is a plain one. */
#define COPY_RUN(type, to_type)                               \
    do {                                                      \
        const type *from = (const type *)values + run.i_stat; \
        for (size_t i = 0; i < run.n_each; i++) {             \
            const to_type x = (to_type)from[i * run.n_stats]; \
            to[n] = x;                                        \
            n += isfinite(x) != 0;                            \
        }                                                     \
    } while (0)

size_t et__run_doubles(enum et_parquet_type type, const void *values, struct et__stride run,
                       double *to)
{
    size_t n = 0;
    switch (type) {
    case ET_PARQUET_BOOL:
        COPY_RUN(uint8_t, double);
        break;
    case ET_PARQUET_INT32:
        COPY_RUN(int32_t, double);
        break;
    case ET_PARQUET_INT64:
        COPY_RUN(int64_t, double);
        break;
    case ET_PARQUET_DOUBLE:
        COPY_RUN(double, double);
        break;
    case ET_PARQUET_FLOAT:
    case ET_PARQUET_INT96:
    case ET_PARQUET_BYTES:
    case ET_PARQUET_FIXED:
        assert(false && "not these numbers");
        break;
    }
    return n;
}

size_t et__run_floats(const float *values, struct et__stride run, float *to)
{
    size_t n = 0;
    COPY_RUN(float, float);
    return n;
}
#undef COPY_RUN

enum et_status et__series_make(const struct et__field *field, enum et_parquet_type type,
                               const void *values, int64_t n_rows, struct et_arena *arena,
                               struct et__series *series, struct et_err *err)
{
    assert(field->n_stats > 0 && field->n_values % field->n_stats == 0);
    const size_t n = field->n_stats, n_each = (size_t)n_rows * (field->n_values / n);
    // One more place in each run: copying writes before it knows whether the number counts.
    const size_t n_cells = n * n_each + 1;
    *series = (struct et__series){.n_stats = n, .n_each = n_each};
    series->n_numbers = et_arena_array(arena, n, sizeof *series->n_numbers);
    if (type == ET_PARQUET_FLOAT)
        series->floats = et_arena_array(arena, n_cells, sizeof(float));
    else
        series->doubles = et_arena_array(arena, n_cells, sizeof(double));
    if (!series->n_numbers || (!series->floats && !series->doubles))
        return et_arena_fail(arena, "an episode's statistics", err);
    for (size_t s = 0; s < n; s++) {
        const struct et__stride run = {s, n, n_each};
        series->n_numbers[s] =
            series->floats ? et__run_floats(values, run, series->floats + s * n_each)
                           : et__run_doubles(type, values, run, series->doubles + s * n_each);
    }
    return ET_OK;
}

/* ---- statistics ---- */

static enum et_status make_arrays(struct et_arena *arena, size_t n, struct et__stats *stats,
                                  struct et_err *err)
{
    double *all = et_arena_array(arena, n * (4 + ET__N_QUANTILES), sizeof *all);
    if (!all)
        return et_arena_fail(arena, "an episode's statistics", err);
    *stats = (struct et__stats){.n = n,
                                .min = all,
                                .max = all + n,
                                .mean = all + 2 * n,
                                .std = all + 3 * n,
                                .quantiles = all + 4 * n};
    return ET_OK;
}

/* Mean and spread of n ≥ 1 numbers in two passes, in the order in which they stand; and whether
 * they ascend. */
#define MOMENTS(values)                                                         \
    do {                                                                        \
        double sum = 0, squares = 0;                                            \
        is_sorted = true;                                                       \
        for (size_t i = 0; i < n; i++) {                                        \
            sum += (double)values[i];                                           \
            is_sorted = is_sorted && (i == 0 || !(values[i] < values[i - 1]));  \
        }                                                                       \
        const double mean = sum / (double)n;                                    \
        for (size_t i = 0; i < n; i++)                                          \
            squares += ((double)values[i] - mean) * ((double)values[i] - mean); \
        stats->mean[s] = mean;                                                  \
        stats->std[s] = sqrt(squares / (double)n);                              \
    } while (0)

// Quantile of type 7 from the two neighbours of its rank.
#define QUANTILES(values)                                                                         \
    do {                                                                                          \
        stats->min[s] = (double)values[0];                                                        \
        stats->max[s] = (double)values[n - 1];                                                    \
        for (size_t q = 0; q < ET__N_QUANTILES; q++) {                                            \
            const double rank = (double)(n - 1) * ET__LEVELS[q];                                  \
            const size_t low = (size_t)rank, high = low + 1 < n ? low + 1 : low;                  \
            const double pair[2] = {(double)values[low], (double)values[high]};                   \
            stats->quantiles[q * stats->n + s] = et_quantile_sorted(pair, 2, rank - (double)low); \
        }                                                                                         \
    } while (0)

static void float_stats(float *values, size_t n, size_t s, uint32_t *scratch,
                        struct et__stats *stats)
{
    bool is_sorted;
    MOMENTS(values);
    if (!is_sorted)
        et_sort_floats(values, n, scratch);
    QUANTILES(values);
}

static void double_stats(double *values, size_t n, size_t s, struct et__stats *stats)
{
    bool is_sorted;
    MOMENTS(values);
    if (!is_sorted)
        et_sort_doubles(values, n);
    QUANTILES(values);
}
#undef MOMENTS
#undef QUANTILES

enum et_status et__series_stats(struct et__series *series, int64_t n_rows, struct et_arena *arena,
                                struct et__stats *stats, struct et_err *err)
{
    const enum et_status st = make_arrays(arena, series->n_stats, stats, err);
    if (st != ET_OK)
        return st;
    const struct et_arena_mark mark = et_arena_mark(arena);
    uint32_t *scratch = et_arena_array(arena, 2 * series->n_each + 1, sizeof *scratch);
    if (!scratch)
        return et_arena_fail(arena, "an episode's statistics", err);
    for (size_t s = 0; s < series->n_stats; s++) {
        const size_t at = s * series->n_each, n = series->n_numbers[s];
        if (n == 0)
            continue; // all 0
        if (series->floats)
            float_stats(series->floats + at, n, s, scratch, stats);
        else
            double_stats(series->doubles + at, n, s, stats);
    }
    et_arena_rewind(arena, mark);
    stats->count = n_rows;
    return ET_OK;
}

/* ---- from JSON ---- */

/* The numbers of [a, b, …] or [[[a]], [[b]], …]. */
static bool read_numbers(const struct et_value *list, size_t n, double *to)
{
    if (et_value_count(list) != n || !list || list->kind != ET_VALUE_LIST)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct et_value *item = et_value_at(list, i);
        for (int depth = 0; depth < 2 && item && item->kind == ET_VALUE_LIST; depth++)
            item = et_value_count(item) == 1 ? et_value_at(item, 0) : NULL;
        if (!et_value_is_number(item))
            return false;
        to[i] = et_value_real(item, 0);
    }
    return true;
}

bool et__stats_from_value(const struct et_value *value, size_t n, struct et_arena *arena,
                          struct et__stats *stats)
{
    *stats = (struct et__stats){0};
    struct et__stats made;
    if (!value || n == 0 || make_arrays(arena, n, &made, NULL) != ET_OK)
        return false;
    if (!read_numbers(et_value_get(value, "min"), n, made.min) ||
        !read_numbers(et_value_get(value, "max"), n, made.max) ||
        !read_numbers(et_value_get(value, "mean"), n, made.mean) ||
        !read_numbers(et_value_get(value, "std"), n, made.std))
        return false;
    made.count = et_value_int(et_value_at(et_value_get(value, "count"), 0), -1);
    if (made.count < 0)
        return false;
    for (size_t q = 0; q < ET__N_QUANTILES && made.quantiles; q++)
        if (!read_numbers(et_value_get(value, ET__LEVEL_NAMES[q]), n, made.quantiles + q * n))
            made.quantiles = NULL;
    *stats = made;
    return true;
}

/* ---- the journal's form ---- */

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they lie");

struct record {
    uint32_t i_field;
    uint32_t has_quantiles;
    int64_t count;
};

void et__stats_pack(struct et_buf *bytes, size_t i_field, const struct et__stats *stats)
{
    const struct record record = {(uint32_t)i_field, stats->quantiles != NULL, stats->count};
    const size_t n_bytes = stats->n * sizeof(double);

    et_buf_put(bytes, &record, sizeof record);
    et_buf_put(bytes, stats->min, n_bytes);
    et_buf_put(bytes, stats->max, n_bytes);
    et_buf_put(bytes, stats->mean, n_bytes);
    et_buf_put(bytes, stats->std, n_bytes);
    if (stats->quantiles)
        et_buf_put(bytes, stats->quantiles, ET__N_QUANTILES * n_bytes);
}

// One record; false when it is none of ours. Takes it off *rest.
static bool unpack_one(struct et_str *rest, const struct et__spec *spec, struct et__stats *stats)
{
    struct record record;

    if (rest->n < sizeof record)
        return false;
    memcpy(&record, rest->p, sizeof record);
    if (record.i_field >= spec->n_fields || record.has_quantiles > 1 || record.count < 0)
        return false;
    const size_t n = spec->fields[record.i_field].n_stats;
    const size_t n_values = n * (record.has_quantiles ? 4 + ET__N_QUANTILES : 4);
    if (n == 0 || (rest->n - sizeof record) / sizeof(double) < n_values)
        return false;
    // Records are whole doubles, and the arena aligns the first: the numbers are used where they
    // lie.
    double *all = (double *)(void *)(uintptr_t)(rest->p + sizeof record);
    stats[record.i_field] =
        (struct et__stats){.n = n,
                           .min = all,
                           .max = all + n,
                           .mean = all + 2 * n,
                           .std = all + 3 * n,
                           .quantiles = record.has_quantiles ? all + 4 * n : NULL,
                           .count = record.count};
    const size_t used = sizeof record + n_values * sizeof(double);
    *rest = (struct et_str){rest->p + used, rest->n - used};
    return true;
}

enum et_status et__stats_unpack(struct et_str base64, const struct et__spec *spec,
                                struct et_arena *arena, struct et__stats **stats,
                                struct et_err *err)
{
    struct et_str rest = {0};

    char *bytes = et_arena_alloc(arena, ET_BASE64_BYTES(base64.n) + 1);
    *stats = et_arena_array(arena, spec->n_fields, sizeof **stats);
    if (!bytes || !*stats)
        return et_arena_fail(arena, "an episode's statistics", err);
    bool is_good = et_base64_get(base64, bytes, &rest.n);
    rest.p = bytes;
    while (is_good && rest.n > 0)
        is_good = unpack_one(&rest, spec, *stats);
    return is_good ? ET_OK
                   : et_fail(err, ET_ECORRUPT, -1, "the statistics are not those of its features");
}

/* ---- to JSON ---- */

static void put_numbers(struct et_json_writer *w, const char *key, const double *values, size_t n,
                        bool is_picture)
{
    et_json_key(w, key);
    et_json_open_list(w);
    for (size_t i = 0; i < n; i++) {
        if (is_picture) {
            et_json_open_list(w);
            et_json_open_list(w);
        }
        et_json_real(w, values[i]);
        if (is_picture) {
            et_json_close_list(w);
            et_json_close_list(w);
        }
    }
    et_json_close_list(w);
}

void et__stats_put(struct et_json_writer *w, const struct et__field *field,
                   const struct et__stats *stats, bool with_quantiles)
{
    const bool is_picture = field->is_video || field->is_image;
    et_json_open_map(w);
    put_numbers(w, "min", stats->min, stats->n, is_picture);
    put_numbers(w, "max", stats->max, stats->n, is_picture);
    put_numbers(w, "mean", stats->mean, stats->n, is_picture);
    put_numbers(w, "std", stats->std, stats->n, is_picture);
    et_json_key(w, "count");
    et_json_open_list(w);
    et_json_int(w, stats->count);
    et_json_close_list(w);
    for (size_t q = 0; with_quantiles && stats->quantiles && q < ET__N_QUANTILES; q++)
        put_numbers(w, ET__LEVEL_NAMES[q], stats->quantiles + q * stats->n, stats->n, is_picture);
    et_json_close_map(w);
}

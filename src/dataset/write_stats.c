#include "dataset/dataset__write.h"

#include <assert.h>
#include <math.h>

const double ET__LEVELS[ET__N_QUANTILES] = {0.01, 0.10, 0.50, 0.90, 0.99};
const char *const ET__LEVEL_NAMES[ET__N_QUANTILES] = {"q01", "q10", "q50", "q90", "q99"};

/* ---- series ---- */

// One run of every n_stats-th number. The types are apart so that each loop is a plain one.
#define COPY_RUN(type)                                    \
    do {                                                  \
        const type *from = (const type *)values + i_stat; \
        for (size_t i = 0; i < n; i++)                    \
            to[i] = (double)from[i * step];               \
    } while (0)

static void copy_numbers(enum et_parquet_type type, const void *values, size_t i_stat, size_t step,
                         size_t n, double *to)
{
    switch (type) {
    case ET_PARQUET_BOOL:
        COPY_RUN(uint8_t);
        return;
    case ET_PARQUET_INT32:
        COPY_RUN(int32_t);
        return;
    case ET_PARQUET_INT64:
        COPY_RUN(int64_t);
        return;
    case ET_PARQUET_FLOAT:
        COPY_RUN(float);
        return;
    case ET_PARQUET_DOUBLE:
        COPY_RUN(double);
        return;
    case ET_PARQUET_INT96:
    case ET_PARQUET_BYTES:
    case ET_PARQUET_FIXED:
        assert(false && "not numbers");
        return;
    }
}
#undef COPY_RUN

/* An infinite number is no measurement either; NaN is what everything after this leaves out. */
void et__run_copy(enum et_parquet_type type, const void *values, struct et__stride run, double *to)
{
    copy_numbers(type, values, run.i_stat, run.n_stats, run.n_each, to);
    if (type != ET_PARQUET_FLOAT && type != ET_PARQUET_DOUBLE)
        return;
    for (size_t i = 0; i < run.n_each; i++)
        if (!isfinite(to[i]))
            to[i] = (double)NAN;
}

enum et_status et__series_make(const struct et__field *field, enum et_parquet_type type,
                               const void *values, int64_t n_rows, struct et_arena *arena,
                               struct et__series *series, struct et_err *err)
{
    assert(field->n_stats > 0 && field->n_values % field->n_stats == 0);
    series->n_stats = field->n_stats;
    series->n_each = (size_t)n_rows * (field->n_values / field->n_stats);
    series->values = et_arena_array(arena, series->n_each * series->n_stats, sizeof(double));
    if (!series->values)
        return et_arena_fail(arena, "an episode's statistics", err);
    for (size_t s = 0; s < series->n_stats; s++) {
        const struct et__stride run = {s, series->n_stats, series->n_each};
        et__run_copy(type, values, run, series->values + s * series->n_each);
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

// Moves NaN to the end; returns how many numbers stand before it.
static size_t numbers_first(double *values, size_t n)
{
    size_t n_numbers = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = values[i];
        if (isnan(x))
            continue;
        values[i] = values[n_numbers];
        values[n_numbers++] = x;
    }
    return n_numbers;
}

static bool is_ascending(const double *values, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (values[i] < values[i - 1])
            return false;
    return true;
}

// Mean and spread of n ≥ 1 numbers in two passes, in the order in which they stand.
static void mean_and_std(const double *values, size_t n, double *mean, double *std)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - *mean) * (values[i] - *mean);
    *std = sqrt(squares / (double)n);
}

static void run_stats(double *run, size_t n_each, size_t s, struct et__stats *stats)
{
    const size_t n = numbers_first(run, n_each);
    if (n == 0)
        return; // all 0
    mean_and_std(run, n, &stats->mean[s], &stats->std[s]);
    if (!is_ascending(run, n))
        et_sort_doubles(run, n);
    stats->min[s] = run[0];
    stats->max[s] = run[n - 1];
    for (size_t q = 0; q < ET__N_QUANTILES; q++)
        stats->quantiles[q * stats->n + s] = et_quantile_sorted(run, n, ET__LEVELS[q]);
}

enum et_status et__series_stats(struct et__series *series, int64_t n_rows, struct et_arena *arena,
                                struct et__stats *stats, struct et_err *err)
{
    const enum et_status st = make_arrays(arena, series->n_stats, stats, err);
    if (st != ET_OK)
        return st;
    for (size_t s = 0; s < series->n_stats; s++)
        run_stats(series->values + s * series->n_each, series->n_each, s, stats);
    stats->count = n_rows;
    return ET_OK;
}

/* ---- from and to JSON ---- */

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

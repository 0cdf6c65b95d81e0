/* Exact statistics over all episodes. Episodes are read on the pool's threads and taken in order,
 * so that the numbers do not depend on the threads; quantiles that do not fit into their budget ask
 * for another pass over the data. */
#include "dataset/dataset__stats.h"

#include "etude/dataset_ops.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define EPISODE_BYTES_MAX ((size_t)256 << 20)
#define PASSES_MAX 8 // et_quantiles says four suffice

/* Where all values do not fit into the budget, as many columns are narrowed at a time as fit with
 * what each may take beside its share: 1 MiB an interval, and two intervals a quantile. */
#define COUNTING_BYTES ((size_t)2 * ET__N_QUANTILES << 20)
#define COLUMN_BYTES ((size_t)16 << 20)

const char *const et__stat_names[ET__N_STATS] = {"min", "max", "mean", "std", "q01",
                                                 "q10", "q50", "q90",  "q99"};
static const double LEVELS[ET__N_QUANTILES] = {0.01, 0.10, 0.50, 0.90, 0.99};

bool et__is_numeric(const struct et_feature *feature)
{
    return feature->dtype <= ET_DTYPE_BOOL && feature->n_values > 0;
}

/* ---- one episode's numbers ---- */

static enum et_status read_feature(const struct et__place *place, size_t leaf, size_t width,
                                   struct et_arena *arena, double *values, struct et_err *err)
{
    const size_t n = (size_t)place->n_rows * width;
    struct et_parquet_cursor *cursor = NULL;

    const enum et_parquet_type type = et_parquet_leaf(place->reader, leaf)->type;
    void *stored = et_arena_array(arena, n, 8);
    if (!stored)
        return et_arena_fail(arena, "an episode's numbers", err);
    enum et_status st = et_parquet_cursor_open(&cursor, place->reader, leaf, err);
    if (st == ET_OK)
        st = et_parquet_cursor_rows(cursor, place->first, place->n_rows, width, stored, err);
    for (size_t i = 0; st == ET_OK && i < n; i++)
        values[i] = et__number_at(type, stored, i);
    et_parquet_cursor_close(cursor);
    return st;
}

static enum et_status read_features(const struct et_dataset *ds, const bool *wanted,
                                    const struct et__place *place, struct et_arena *arena,
                                    struct et__numbers *numbers, struct et_err *err)
{
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < ds->info.n_features; i++) {
        const struct et_feature *feature = &ds->features[i];
        const int leaf = et_parquet_find(place->reader, feature->name);
        if (!et__is_numeric(feature) || (wanted && !wanted[i]) || leaf < 0 ||
            !et__is_number(et_parquet_leaf(place->reader, (size_t)leaf)->type))
            continue;
        double *values =
            et_arena_array(arena, (size_t)place->n_rows * feature->n_values, sizeof *values);
        if (!values)
            return et_arena_fail(arena, "an episode's numbers", err);
        const struct et_arena_mark mark = et_arena_mark(arena);
        st = read_feature(place, (size_t)leaf, feature->n_values, arena, values, err);
        et_arena_rewind(arena, mark);
        numbers->values[i] = values;
    }
    return st;
}

enum et_status et__numbers_read(const struct et_dataset *ds, int64_t i, const bool *wanted,
                                struct et_arena *arena, struct et__numbers *numbers,
                                struct et_err *err)
{
    struct et__place place;

    *numbers = (struct et__numbers){0};
    numbers->values = et_arena_array(arena, ds->info.n_features, sizeof *numbers->values);
    if (!numbers->values)
        return et_arena_fail(arena, "an episode's numbers", err);
    enum et_status st = et__rows_open(ds, &ds->episodes[i], arena, &place, err);
    if (st == ET_OK) {
        numbers->n_rows = place.n_rows;
        st = read_features(ds, wanted, &place, arena, numbers, err);
        if (st != ET_OK)
            (void)et_err_context(err, "%s: episode %lld", place.path,
                                 (long long)ds->episodes[i].index);
    }
    et__rows_close(ds, &place);
    return st;
}

/* ---- all episodes ---- */

// One number of a row.
struct column {
    size_t i_feature, i_value;
    struct et_quantiles *quantiles; // NULL before and after its turn
    struct et_moments moments;
    double results[ET__N_STATS];
    double joined[ET__N_QUANTILES];
    int64_t count;
    bool is_ready; // its quantiles are known
};

// What a worker made of one episode.
struct result {
    struct et_arena *arena;
    struct et__numbers numbers;
    struct et_moments *moments; // of the columns that are looked at; first pass only
    double *quantiles;          // of each of them ET__N_QUANTILES; first pass only
};

struct job {
    const struct et_dataset *ds;
    struct column *columns;
    size_t n_columns;
    size_t first, last;     // columns first … last − 1 are looked at
    bool *wanted;           // features that have one of them
    struct result *results; // `window` of them; episode i uses i % window
    size_t window;
    bool is_first_pass;
};

// The first of a column's values in an episode; NULL when the episode has none.
static const double *column_values(const struct column *column, const struct result *result)
{
    const double *values = result->numbers.values[column->i_feature];
    return values ? values + column->i_value : NULL;
}

// Moments and quantiles of an episode, column by column.
static enum et_status measure(const struct job *job, struct result *result, struct et_err *err)
{
    const size_t n_rows = (size_t)result->numbers.n_rows;
    result->quantiles = et_arena_array(result->arena, (job->last - job->first) * ET__N_QUANTILES,
                                       sizeof *result->quantiles);
    double *sorted = et_arena_array(result->arena, n_rows, sizeof *sorted);
    if (!result->quantiles || !sorted)
        return et_arena_fail(result->arena, "an episode's statistics", err);
    for (size_t c = job->first; c < job->last; c++) {
        const struct column *column = &job->columns[c];
        const size_t stride = job->ds->features[column->i_feature].n_values;
        const double *values = column_values(column, result);
        double *quantiles = result->quantiles + (c - job->first) * ET__N_QUANTILES;
        size_t n = 0; // numbers; NaN is none
        for (size_t k = 0; values && k < n_rows; k++) {
            et_moments_add(&result->moments[c - job->first], values[k * stride]);
            sorted[n] = values[k * stride];
            n += !isnan(sorted[n]);
        }
        et_sort_doubles(sorted, n);
        for (size_t q = 0; q < ET__N_QUANTILES; q++)
            quantiles[q] = n ? et_quantile_sorted(sorted, n, LEVELS[q]) : (double)NAN;
    }
    return ET_OK;
}

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct job *job = ctx;
    struct result *result = &job->results[i % job->window];

    (void)worker;
    *result = (struct result){0};
    enum et_status st = et_arena_open(&result->arena, EPISODE_BYTES_MAX, err);
    if (st == ET_OK)
        st = et__numbers_read(job->ds, (int64_t)i, job->wanted, result->arena, &result->numbers,
                              err);
    if (st == ET_ENOTFOUND) // an absent file has no rows to count
        return ET_OK;
    if (st != ET_OK || !job->is_first_pass)
        return st;
    result->moments =
        et_arena_array(result->arena, job->last - job->first, sizeof *result->moments);
    if (!result->moments)
        return et_arena_fail(result->arena, "an episode's statistics", err);
    return measure(job, result, err);
}

static void drop(void *ctx, size_t i)
{
    struct job *job = ctx;
    struct result *result = &job->results[i % job->window];

    et_arena_close(result->arena);
    *result = (struct result){0};
}

static void join(struct column *column, const double *quantiles)
{
    for (size_t q = 0; q < ET__N_QUANTILES; q++)
        column->joined[q] = LEVELS[q] <= 0.5 ? fmin(column->joined[q], quantiles[q])
                                             : fmax(column->joined[q], quantiles[q]);
}

static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    struct job *job = ctx;
    const struct result *result = &job->results[i % job->window];
    enum et_status st = ET_OK;

    for (size_t c = job->first; st == ET_OK && c < job->last; c++) {
        struct column *column = &job->columns[c];
        const size_t stride = job->ds->features[column->i_feature].n_values;
        const double *values = column_values(column, result);
        if (!values || column->is_ready)
            continue;
        if (job->is_first_pass) {
            et_moments_merge(&column->moments, &result->moments[c - job->first]);
            column->count += result->numbers.n_rows;
            join(column, result->quantiles + (c - job->first) * ET__N_QUANTILES);
        }
        st = et_quantiles_add(column->quantiles, values, (size_t)result->numbers.n_rows, stride,
                              err);
    }
    drop(ctx, i);
    return st;
}

static void finish_column(struct column *column)
{
    const struct et_moments *m = &column->moments;
    const double moments[ET__N_MOMENTS] = {m->min, m->max, m->mean, et_moments_std(m)};

    for (size_t s = 0; s < ET__N_STATS; s++)
        column->results[s] = s < ET__N_MOMENTS
                                 ? (m->n ? moments[s] : (double)NAN)
                                 : et_quantiles_get(column->quantiles, s - ET__N_MOMENTS);
    column->is_ready = true;
}

// Ends a pass; *is_done when no column needs another.
static enum et_status end_pass(struct job *job, bool *is_done, struct et_err *err)
{
    *is_done = true;
    for (size_t c = job->first; c < job->last; c++) {
        struct column *column = &job->columns[c];
        if (column->is_ready)
            continue;
        const enum et_status st = et_quantiles_end_pass(column->quantiles, err);
        if (st == ET_OK)
            finish_column(column);
        else if (st != ET_AGAIN)
            return st;
        *is_done = *is_done && column->is_ready;
    }
    job->is_first_pass = false;
    return ET_OK;
}

static enum et_status run_passes(struct job *job, struct et_pool *pool, struct et_err *err)
{
    const struct et_pool_job run = {.n_tasks = (size_t)job->ds->info.n_episodes,
                                    .window = job->window,
                                    .work = work,
                                    .take = take,
                                    .drop = drop,
                                    .ctx = job};
    bool is_done = false;
    enum et_status st = ET_OK;

    job->is_first_pass = true;
    for (int pass = 0; st == ET_OK && !is_done && pass < PASSES_MAX; pass++) {
        st = et_pool_run(pool, &run, err);
        // The pool drops what was worked and not taken; what failed in work is left here.
        for (size_t i = 0; i < job->window; i++)
            drop(job, i);
        if (st == ET_OK)
            st = end_pass(job, &is_done, err);
    }
    assert(st != ET_OK || is_done);
    return st;
}

// The columns first … last − 1, each with its share of the budget.
static enum et_status run_group(struct job *job, struct et_pool *pool, size_t share,
                                struct et_err *err)
{
    enum et_status st = ET_OK;

    memset(job->wanted, 0, job->ds->info.n_features * sizeof *job->wanted);
    for (size_t c = job->first; st == ET_OK && c < job->last; c++) {
        job->wanted[job->columns[c].i_feature] = true;
        st = et_quantiles_open(&job->columns[c].quantiles, LEVELS, ET__N_QUANTILES, share, err);
    }
    if (st == ET_OK)
        st = run_passes(job, pool, err);
    for (size_t c = job->first; c < job->last; c++) {
        et_quantiles_close(job->columns[c].quantiles);
        job->columns[c].quantiles = NULL;
    }
    return st;
}

static enum et_status run_all(struct job *job, struct et_pool *pool, size_t budget_bytes,
                              struct et_err *err)
{
    const double n_bytes = (double)job->ds->info.n_rows * (double)job->n_columns * sizeof(double);
    size_t n_group = job->n_columns, share = n_group ? budget_bytes / n_group : 0;
    enum et_status st = ET_OK;

    if (n_bytes > (double)budget_bytes) {
        n_group = budget_bytes / COLUMN_BYTES ? budget_bytes / COLUMN_BYTES : 1;
        share = COLUMN_BYTES - COUNTING_BYTES;
    }
    for (size_t first = 0; st == ET_OK && first < job->n_columns; first += n_group) {
        job->first = first;
        job->last = job->n_columns - first < n_group ? job->n_columns : first + n_group;
        st = run_group(job, pool, share, err);
    }
    return st;
}

static enum et_status list_columns(struct job *job, struct et_arena *arena, struct et_err *err)
{
    const struct et_dataset *ds = job->ds;
    size_t n = 0;

    for (size_t i = 0; i < ds->info.n_features; i++)
        n += et__is_numeric(&ds->features[i]) ? ds->features[i].n_values : 0;
    if (n > ET__STATS_VALUES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%s: %zu numbers a row are more than %zu", ds->info.path,
                       n, ET__STATS_VALUES_MAX);
    job->columns = et_arena_array(arena, n, sizeof *job->columns);
    job->wanted = et_arena_array(arena, ds->info.n_features, sizeof *job->wanted);
    if (!job->columns || !job->wanted)
        return et_arena_fail(arena, "the statistics", err);
    for (size_t i = 0; i < ds->info.n_features; i++) {
        const size_t width = et__is_numeric(&ds->features[i]) ? ds->features[i].n_values : 0;
        for (size_t k = 0; k < width; k++) {
            struct column *column = &job->columns[job->n_columns++];
            *column = (struct column){.i_feature = i, .i_value = k};
            for (size_t q = 0; q < ET__N_QUANTILES; q++)
                column->joined[q] = (double)NAN; // nothing joined yet
        }
    }
    return ET_OK;
}

// The columns of one feature, which begin with `columns`, as its statistics.
static enum et_status fill(const struct job *job, const struct column *columns,
                           struct et_arena *arena, struct et_feature_stats *out, struct et_err *err)
{
    const struct et_feature *feature = &job->ds->features[columns->i_feature];
    const size_t n = feature->n_values;

    double *all = et_arena_array(arena, (ET__N_STATS + ET__N_QUANTILES) * n, sizeof *all);
    if (!all)
        return et_arena_fail(arena, "the statistics", err);
    double *joined = all + ET__N_STATS * n;
    for (size_t s = 0; s < ET__N_STATS; s++) {
        for (size_t k = 0; k < n; k++)
            all[s * n + k] = columns[k].results[s];
    }
    *out = (struct et_feature_stats){.feature = feature->name,
                                     .n_values = n,
                                     .count = columns->count,
                                     .min = all,
                                     .max = all + n,
                                     .mean = all + 2 * n,
                                     .std = all + 3 * n,
                                     .q01 = all + 4 * n,
                                     .q10 = all + 5 * n,
                                     .q50 = all + 6 * n,
                                     .q90 = all + 7 * n,
                                     .q99 = all + 8 * n};
    for (size_t q = 0; q < ET__N_QUANTILES; q++) {
        for (size_t k = 0; k < n; k++)
            joined[q * n + k] = columns[k].joined[q];
        out->joined[q] = joined + q * n;
    }
    for (size_t s = 0; s < ET__N_STATS; s++) {
        size_t n_stored;
        const double *stored = et__stat_values(job->ds->info.stats, feature->name,
                                               et__stat_names[s], arena, &n_stored);
        out->stored[s] = n_stored == n ? stored : NULL;
    }
    return ET_OK;
}

static enum et_status fill_all(const struct job *job, struct et_arena *arena,
                               const struct et_feature_stats **stats, size_t *n_stats,
                               struct et_err *err)
{
    enum et_status st = ET_OK;
    size_t n = 0;

    struct et_feature_stats *out = et_arena_array(arena, job->ds->info.n_features, sizeof *out);
    if (!out)
        return et_arena_fail(arena, "the statistics", err);
    for (size_t c = 0; st == ET_OK && c < job->n_columns; c++) {
        if (job->columns[c].i_value == 0)
            st = fill(job, &job->columns[c], arena, &out[n++], err);
    }
    *stats = st == ET_OK ? out : NULL;
    *n_stats = st == ET_OK ? n : 0;
    return st;
}

enum et_status et_dataset_stats(const struct et_dataset *dataset, struct et_pool *pool,
                                size_t quantile_budget_bytes, struct et_arena *arena,
                                const struct et_feature_stats **stats, size_t *n_stats,
                                struct et_err *err)
{
    struct job job = {.ds = dataset};

    *stats = NULL;
    *n_stats = 0;
    job.window = pool ? 2 * (size_t)et_pool_threads(pool) : 1;
    job.results = calloc(job.window, sizeof *job.results);
    if (!job.results)
        return et_fail(err, ET_ENOMEM, -1, "no memory for statistics");
    enum et_status st = list_columns(&job, arena, err);
    if (st == ET_OK)
        st = run_all(&job, pool, quantile_budget_bytes, err);
    if (st == ET_OK)
        st = fill_all(&job, arena, stats, n_stats, err);
    free(job.results);
    return st;
}

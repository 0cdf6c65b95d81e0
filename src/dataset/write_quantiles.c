/* Exact quantiles of every number over all episodes. What fits the budget is gathered while
 * episodes are added; the rest is read again from the written files, part by part and pass by pass.
 */
#include "dataset/dataset__write.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

// Beyond the budget a number takes 1 MiB while all are gathered, and up to 10 MiB while its
// quantiles are narrowed down (etude/stats.h). These bound the memory to the budget and some 180
// MiB at worst.
#define PART_MAX ((size_t)96)
#define GROUP_MAX ((size_t)8)
#define BLOCK_BYTES ((size_t)2 << 20)
#define PASSES_MAX 16

struct et__quantiles {
    const struct et__spec *spec;
    struct et_arena *arena;
    size_t *first;  // of each field, its first number; n_fields + 1
    double *values; // ET__N_QUANTILES × n_numbers
    size_t n_numbers;
    struct et_quantiles *open[PART_MAX]; // of the part that is being gathered; NULL: it is ready
    size_t part_first, n_part;
    size_t active_first, n_active; // numbers that take values now
};

static bool has_numbers(const struct et__field *field)
{
    return field->n_values > 0;
}

static void close_part(struct et__quantiles *q)
{
    for (size_t i = 0; i < q->n_part; i++) {
        et_quantiles_close(q->open[i]);
        q->open[i] = NULL;
    }
    q->n_part = 0;
}

static enum et_status open_part(struct et__quantiles *q, size_t first, struct et_err *err)
{
    close_part(q);
    const size_t left = q->n_numbers - first;
    const size_t n = left < PART_MAX ? left : PART_MAX;
    q->part_first = q->active_first = first;
    q->n_active = n;
    for (; q->n_part < n; q->n_part++) {
        const enum et_status st =
            et_quantiles_open(&q->open[q->n_part], ET__LEVELS, ET__N_QUANTILES,
                              q->spec->quantile_budget_bytes / n, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static enum et_status lay_out(struct et__quantiles *q, struct et_err *err)
{
    const struct et__spec *spec = q->spec;
    q->first = et_arena_array(q->arena, spec->n_fields + 1, sizeof *q->first);
    if (!q->first)
        return et_arena_fail(q->arena, "the quantiles", err);
    for (size_t i = 0; i < spec->n_fields; i++)
        q->first[i + 1] =
            q->first[i] + (has_numbers(&spec->fields[i]) ? spec->fields[i].n_stats : 0);
    q->n_numbers = q->first[spec->n_fields];

    q->values = et_arena_array(q->arena, q->n_numbers * ET__N_QUANTILES, sizeof *q->values);
    if (!q->values)
        return et_arena_fail(q->arena, "the quantiles", err);
    return ET_OK;
}

enum et_status et__quantiles_open(struct et__quantiles **quantiles, const struct et__spec *spec,
                                  struct et_err *err)
{
    *quantiles = NULL;
    struct et__quantiles *q = calloc(1, sizeof *q);
    if (!q)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the quantiles");
    q->spec = spec;
    enum et_status st = et_arena_open(&q->arena, ET__WRITER_ARENA_BYTES, err);
    if (st == ET_OK)
        st = lay_out(q, err);
    if (st == ET_OK && q->n_numbers > 0)
        st = open_part(q, 0, err);
    if (st != ET_OK) {
        et__quantiles_close(q);
        return st;
    }
    *quantiles = q;
    return ET_OK;
}

void et__quantiles_close(struct et__quantiles *q)
{
    if (!q)
        return;
    close_part(q);
    et_arena_close(q->arena);
    free(q);
}

// The number's quantiles when it takes values now, else NULL.
static struct et_quantiles *active(const struct et__quantiles *q, size_t number)
{
    const bool is_active = number >= q->active_first && number < q->active_first + q->n_active;
    return is_active ? q->open[number - q->part_first] : NULL;
}

enum et_status et__quantiles_add(struct et__quantiles *q, size_t i_field,
                                 const struct et__series *series, struct et_err *err)
{
    for (size_t s = 0; s < series->n_stats; s++) {
        struct et_quantiles *one = active(q, q->first[i_field] + s);
        if (!one)
            continue;
        const enum et_status st =
            et_quantiles_add(one, series->values + s * series->n_each, series->n_each, 1, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* ---- passes over the files ---- */

static bool is_wanted(const struct et__quantiles *q, size_t i_field)
{
    for (size_t number = q->first[i_field]; number < q->first[i_field + 1]; number++)
        if (active(q, number))
            return true;
    return false;
}

static enum et_status add_block(struct et__quantiles *q, size_t i_field, enum et_parquet_type type,
                                const void *values, int64_t n_rows, struct et_err *err)
{
    const struct et__field *field = &q->spec->fields[i_field];
    struct et__stride run = {.n_stats = field->n_stats};
    run.n_each = (size_t)n_rows * (field->n_values / field->n_stats);
    const struct et_arena_mark mark = et_arena_mark(q->arena);
    double *numbers = et_arena_array(q->arena, run.n_each, sizeof *numbers);
    enum et_status st = numbers ? ET_OK : et_arena_fail(q->arena, "rows of a data file", err);

    for (; st == ET_OK && run.i_stat < run.n_stats; run.i_stat++) {
        struct et_quantiles *one = active(q, q->first[i_field] + run.i_stat);
        if (!one)
            continue;
        et__run_copy(type, values, run, numbers);
        st = et_quantiles_add(one, numbers, run.n_each, 1, err);
    }
    et_arena_rewind(q->arena, mark);
    return st;
}

static enum et_status add_column(struct et__quantiles *q, struct et_parquet_reader *reader,
                                 size_t i_field, struct et_err *err)
{
    const struct et__field *field = &q->spec->fields[i_field];
    const int64_t n_rows = et_parquet_n_rows(reader);
    const int leaf = et_parquet_find(reader, field->name);
    if (leaf < 0)
        return et_fail(err, ET_ECORRUPT, -1, "a data file has no column %.100s", field->name);

    const size_t row_bytes = field->n_values * sizeof(double);
    const int64_t n_block = row_bytes >= BLOCK_BYTES ? 1 : (int64_t)(BLOCK_BYTES / row_bytes);
    struct et_parquet_cursor *cursor = NULL;
    const struct et_arena_mark mark = et_arena_mark(q->arena);
    void *block = et_arena_array(q->arena, (size_t)n_block, row_bytes);
    enum et_status st = block ? et_parquet_cursor_open(&cursor, reader, (size_t)leaf, err)
                              : et_arena_fail(q->arena, "rows of a data file", err);
    for (int64_t row = 0; st == ET_OK && row < n_rows; row += n_block) {
        const int64_t n = n_rows - row < n_block ? n_rows - row : n_block;
        st = et_parquet_cursor_rows(cursor, row, n, field->n_values, block, err);
        if (st == ET_OK)
            st = add_block(q, i_field, et_parquet_leaf(reader, (size_t)leaf)->type, block, n, err);
    }
    et_parquet_cursor_close(cursor);
    et_arena_rewind(q->arena, mark);
    return st;
}

static enum et_status add_file(struct et__quantiles *q, const char *path, struct et_err *err)
{
    struct et_parquet_reader *reader = NULL;
    enum et_status st = et_parquet_open(&reader, path, NULL, err);
    for (size_t i = 0; st == ET_OK && i < q->spec->n_fields; i++)
        if (is_wanted(q, i))
            st = add_column(q, reader, i, err);
    et_parquet_close(reader);
    return st;
}

static enum et_status pass_files(struct et__quantiles *q, const char *root, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(q->arena);
    const char *folder = et_path_join(q->arena, root, "data");
    const char *const *paths = NULL;
    size_t n_paths = 0;
    enum et_status st =
        folder ? et__files_below(folder, 1, ".parquet", q->arena, &paths, &n_paths, err)
               : et_arena_fail(q->arena, "the data files", err);
    for (size_t i = 0; st == ET_OK && i < n_paths; i++)
        st = add_file(q, paths[i], err);
    et_arena_rewind(q->arena, mark);
    return st;
}

static void take(struct et__quantiles *q, size_t number)
{
    struct et_quantiles **one = &q->open[number - q->part_first];
    for (size_t k = 0; k < ET__N_QUANTILES; k++) {
        const double x = et_quantiles_get(*one, k);
        q->values[k * q->n_numbers + number] = isnan(x) ? 0.0 : x;
    }
    et_quantiles_close(*one);
    *one = NULL;
}

// Ends a pass over the active numbers. *is_ready: no other pass is needed.
static enum et_status end_pass(struct et__quantiles *q, bool *is_ready, struct et_err *err)
{
    *is_ready = true;
    for (size_t number = q->active_first; number < q->active_first + q->n_active; number++) {
        if (!active(q, number))
            continue;
        const enum et_status st = et_quantiles_end_pass(active(q, number), err);
        if (st == ET_AGAIN)
            *is_ready = false;
        else if (st == ET_OK)
            take(q, number);
        else
            return st;
    }
    return ET_OK;
}

// Narrows a group of the part's numbers down, all of which were gathered once.
static enum et_status finish_group(struct et__quantiles *q, const char *root, struct et_err *err)
{
    bool is_ready = false;
    enum et_status st = end_pass(q, &is_ready, err);
    for (int pass = 0; st == ET_OK && !is_ready; pass++) {
        if (pass == PASSES_MAX)
            return et_fail(err, ET_ELIMIT, -1, "quantiles are not ready after %d passes", pass);
        st = pass_files(q, root, err);
        if (st == ET_OK)
            st = end_pass(q, &is_ready, err);
    }
    return st;
}

enum et_status et__quantiles_finish(struct et__quantiles *q, const char *root, bool has_pass,
                                    struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t first = 0; st == ET_OK && first < q->n_numbers; first += PART_MAX) {
        if (first > 0)
            st = open_part(q, first, err);
        if (st == ET_OK && (first > 0 || !has_pass))
            st = pass_files(q, root, err);
        const size_t last = first + q->n_part;
        for (size_t at = first; st == ET_OK && at < last; at += GROUP_MAX) {
            q->active_first = at;
            q->n_active = last - at < GROUP_MAX ? last - at : GROUP_MAX;
            st = finish_group(q, root, err);
        }
    }
    return st;
}

const double *et__quantiles_get(const struct et__quantiles *q, size_t i_field, size_t i_level)
{
    assert(i_level < ET__N_QUANTILES);
    return has_numbers(&q->spec->fields[i_field])
               ? q->values + i_level * q->n_numbers + q->first[i_field]
               : NULL;
}

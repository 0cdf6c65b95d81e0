/* Exact quantiles of every number over all episodes. Values are gathered while episodes are added.
 * Of float32 numbers that do not fit the budget, the files are read once more; other numbers are
 * few and small (indices, flags), and go through et_quantiles, which may read oftener. */
#include "dataset/dataset__quantiles.h"
#include "dataset/dataset__write.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Beyond the budget, a float32 number takes 256 KiB while it is gathered, and a group of them as
 * much as GROUP_BYTES in the second showing; another number 1 MiB, and up to 10 in a later one.
 * Numbers beyond PART_MAX are read from the files in parts, each with its own showings. */
#define PART_MAX ((size_t)256)
#define GROUP_BYTES ((size_t)64 << 20)
#define WIDE_BYTES ((size_t)10 << 20)
#define WIDE_PART_MAX ((size_t)64)
#define BLOCK_BYTES ((size_t)2 << 20)
#define PASSES_MAX 16

struct number {
    bool is_float;
    bool is_open; // gathering, or waiting for its second showing
    struct et__quantiles32 narrow;
    struct et_quantiles *wide;
};

struct et__quantiles {
    const struct et__spec *spec;
    struct et_arena *arena;
    size_t *first;  // of each field, its first number; n_fields + 1
    double *values; // ET__N_QUANTILES × n_numbers
    size_t n_numbers;
    struct number *numbers;
    size_t part_first, part_last; // numbers that are gathered
    size_t show_first, show_last; // numbers that take values now
    bool is_second;               // and whether it is a showing after the first
};

static bool has_numbers(const struct et__field *field)
{
    return field->n_values > 0;
}

// What a feature of a type that we do not know holds may be floats too; it takes the longer way.
static bool is_float(const struct et__field *field)
{
    return field->dtype == ET_DTYPE_FLOAT32;
}

static void close_number(struct number *number)
{
    et__quantiles32_close(&number->narrow);
    et_quantiles_close(number->wide);
    number->wide = NULL;
    number->is_open = false;
}

static enum et_status open_number(struct number *number, size_t budget_bytes, struct et_err *err)
{
    number->is_open = true;
    if (!number->is_float)
        return et_quantiles_open(&number->wide, ET__LEVELS, ET__N_QUANTILES, budget_bytes, err);
    et__quantiles32_open(&number->narrow, budget_bytes);
    return ET_OK;
}

// The next part: as many numbers as the limits allow.
static enum et_status open_part(struct et__quantiles *q, size_t first, struct et_err *err)
{
    size_t last = first, n_wide = 0;
    while (last < q->n_numbers && last - first < PART_MAX && n_wide < WIDE_PART_MAX)
        n_wide += !q->numbers[last++].is_float;
    q->part_first = q->show_first = first;
    q->part_last = q->show_last = last;
    q->is_second = false;
    enum et_status st = ET_OK;
    for (size_t i = first; st == ET_OK && i < last; i++)
        st = open_number(&q->numbers[i], q->spec->quantile_budget_bytes / (last - first), err);
    return st;
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
    q->numbers = et_arena_array(q->arena, q->n_numbers, sizeof *q->numbers);
    if (!q->values || !q->numbers)
        return et_arena_fail(q->arena, "the quantiles", err);
    for (size_t i = 0; i < spec->n_fields; i++)
        for (size_t k = q->first[i]; k < q->first[i + 1]; k++)
            q->numbers[k].is_float = is_float(&spec->fields[i]);
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
    for (size_t i = 0; q->numbers && i < q->n_numbers; i++)
        close_number(&q->numbers[i]);
    et_arena_close(q->arena);
    free(q);
}

/* ---- showing ---- */

static bool is_shown(const struct et__quantiles *q, size_t number)
{
    return number >= q->show_first && number < q->show_last && q->numbers[number].is_open;
}

static enum et_status show_floats(struct et__quantiles *q, struct number *number,
                                  const float *values, size_t n, struct et_err *err)
{
    if (!q->is_second)
        return et__quantiles32_add(&number->narrow, values, n, err);
    et__quantiles32_show(&number->narrow, values, n);
    return ET_OK;
}

static enum et_status show_widened(struct number *number, const float *values, size_t n,
                                   struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        const double x = (double)values[i];
        st = et_quantiles_add(number->wide, &x, 1, 1, err);
    }
    return st;
}

enum et_status et__quantiles_add(struct et__quantiles *q, size_t i_field,
                                 const struct et__series *series, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t s = 0; st == ET_OK && s < series->n_stats; s++) {
        const size_t at = s * series->n_each, n = series->n_numbers[s];
        struct number *number = &q->numbers[q->first[i_field] + s];
        if (!is_shown(q, q->first[i_field] + s))
            continue;
        assert(series->floats || !number->is_float); // the table has seen to it
        if (number->is_float)
            st = show_floats(q, number, series->floats + at, n, err);
        else if (series->floats)
            st = show_widened(number, series->floats + at, n, err);
        else
            st = et_quantiles_add(number->wide, series->doubles + at, n, 1, err);
    }
    return st;
}

/* ---- passes over the files ---- */

static bool is_wanted(const struct et__quantiles *q, size_t i_field)
{
    for (size_t number = q->first[i_field]; number < q->first[i_field + 1]; number++)
        if (is_shown(q, number))
            return true;
    return false;
}

static enum et_status show_run(struct et__quantiles *q, size_t i_number, enum et_parquet_type type,
                               const void *values, struct et__stride run, struct et_err *err)
{
    struct number *number = &q->numbers[i_number];
    const struct et_arena_mark mark = et_arena_mark(q->arena);
    void *to = et_arena_array(q->arena, run.n_each + 1, sizeof(double));
    enum et_status st = ET_OK;
    if (!to)
        st = et_arena_fail(q->arena, "rows of a data file", err);
    else if (number->is_float)
        st = show_floats(q, number, to, et__run_floats(values, run, to), err);
    else if (type == ET_PARQUET_FLOAT)
        st = show_widened(number, to, et__run_floats(values, run, to), err);
    else
        st = et_quantiles_add(number->wide, to, et__run_doubles(type, values, run, to), 1, err);
    et_arena_rewind(q->arena, mark);
    return st;
}

static enum et_status show_block(struct et__quantiles *q, size_t i_field, enum et_parquet_type type,
                                 const void *values, int64_t n_rows, struct et_err *err)
{
    const struct et__field *field = &q->spec->fields[i_field];
    enum et_status st = ET_OK;
    for (size_t s = 0; st == ET_OK && s < field->n_stats; s++) {
        const struct et__stride run = {s, field->n_stats,
                                       (size_t)n_rows * (field->n_values / field->n_stats)};
        if (is_shown(q, q->first[i_field] + s))
            st = show_run(q, q->first[i_field] + s, type, values, run, err);
    }
    return st;
}

static enum et_status show_column(struct et__quantiles *q, struct et_parquet_reader *reader,
                                  size_t i_field, struct et_err *err)
{
    const struct et__field *field = &q->spec->fields[i_field];
    const int64_t n_rows = et_parquet_n_rows(reader);
    const int leaf = et_parquet_find(reader, field->name);
    if (leaf < 0)
        return et_fail(err, ET_ECORRUPT, -1, "a data file has no column %.100s", field->name);
    const enum et_parquet_type type = et_parquet_leaf(reader, (size_t)leaf)->type;
    if ((is_float(field) && type != ET_PARQUET_FLOAT) || !et__is_number(type))
        return et_fail(err, ET_ECORRUPT, -1, "the column %.100s is not of its declared type",
                       field->name);

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
            st = show_block(q, i_field, type, block, n, err);
    }
    et_parquet_cursor_close(cursor);
    et_arena_rewind(q->arena, mark);
    return st;
}

static enum et_status show_file(struct et__quantiles *q, const char *path, struct et_err *err)
{
    struct et_parquet_reader *reader = NULL;
    enum et_status st = et_parquet_open(&reader, path, NULL, err);
    for (size_t i = 0; st == ET_OK && i < q->spec->n_fields; i++)
        if (is_wanted(q, i))
            st = show_column(q, reader, i, err);
    et_parquet_close(reader);
    return st;
}

static enum et_status show_files(struct et__quantiles *q, const char *root, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(q->arena);
    const char *folder = et_path_join(q->arena, root, "data");
    const char *const *paths = NULL;
    size_t n_paths = 0;
    enum et_status st =
        folder ? et__files_below(folder, 1, ".parquet", q->arena, &paths, &n_paths, err)
               : et_arena_fail(q->arena, "the data files", err);
    for (size_t i = 0; st == ET_OK && i < n_paths; i++)
        st = show_file(q, paths[i], err);
    et_arena_rewind(q->arena, mark);
    return st;
}

/* ---- ending a showing ---- */

static void take_narrow(struct et__quantiles *q, size_t i_number)
{
    struct number *number = &q->numbers[i_number];
    et__quantiles32_get(&number->narrow, ET__LEVELS, ET__N_QUANTILES, q->values + i_number,
                        q->n_numbers);
    close_number(number);
}

static void take_wide(struct et__quantiles *q, size_t i_number)
{
    struct number *number = &q->numbers[i_number];
    for (size_t k = 0; k < ET__N_QUANTILES; k++) {
        const double x = et_quantiles_get(number->wide, k);
        q->values[k * q->n_numbers + i_number] = isnan(x) ? 0.0 : x;
    }
    close_number(number);
}

// After the first showing: takes what is ready, and lets go of what the second one does not need.
static enum et_status end_first(struct et__quantiles *q, struct et_err *err)
{
    for (size_t i = q->part_first; i < q->part_last; i++) {
        struct number *number = &q->numbers[i];
        if (!number->is_float)
            continue;
        const enum et_status st =
            et__quantiles32_plan(&number->narrow, ET__LEVELS, ET__N_QUANTILES, err);
        if (st != ET_OK)
            return st;
        if (number->narrow.is_ready || number->narrow.n == 0)
            take_narrow(q, i);
    }
    return ET_OK;
}

// Ends a showing of the group; *is_ready: none of it needs another.
static enum et_status end_group(struct et__quantiles *q, bool *is_ready, struct et_err *err)
{
    *is_ready = true;
    for (size_t i = q->show_first; i < q->show_last; i++) {
        struct number *number = &q->numbers[i];
        if (!number->is_open)
            continue;
        const enum et_status st = number->is_float ? et__quantiles32_end(&number->narrow, err)
                                                   : et_quantiles_end_pass(number->wide, err);
        if (st == ET_AGAIN)
            *is_ready = false;
        else if (st != ET_OK)
            return st;
        else if (number->is_float)
            take_narrow(q, i);
        else
            take_wide(q, i);
    }
    return ET_OK;
}

/* The next group: numbers whose second showing fits the memory. Those of the other kind end their
 * first showing here, because that is when they take what the next one needs. */
static enum et_status begin_group(struct et__quantiles *q, size_t first, bool *needs_showing,
                                  struct et_err *err)
{
    size_t n_bytes = 0, last = first;
    *needs_showing = false;
    while (last < q->part_last) {
        struct number *number = &q->numbers[last];
        const size_t more = !number->is_open    ? 0
                            : !number->is_float ? WIDE_BYTES
                                                : et__quantiles32_bytes(&number->narrow);
        if (last > first && n_bytes + more > GROUP_BYTES)
            break;
        n_bytes += more;
        last++;
        enum et_status st = ET_OK;
        if (number->is_open && number->is_float)
            st = et__quantiles32_begin(&number->narrow, err);
        else if (number->is_open)
            st = et_quantiles_end_pass(number->wide, err);
        if (st == ET_OK && number->is_open && !number->is_float)
            take_wide(q, last - 1);
        if (st != ET_OK && st != ET_AGAIN)
            return st;
        *needs_showing = *needs_showing || number->is_open;
    }
    q->show_first = first;
    q->show_last = last;
    return ET_OK;
}

static enum et_status finish_part(struct et__quantiles *q, const char *root, struct et_err *err)
{
    enum et_status st = end_first(q, err);
    q->is_second = true;
    for (size_t first = q->part_first; st == ET_OK && first < q->part_last; first = q->show_last) {
        bool needs_showing = false;
        st = begin_group(q, first, &needs_showing, err);
        for (int pass = 0; st == ET_OK && needs_showing && pass < PASSES_MAX; pass++) {
            bool is_ready = false;
            st = show_files(q, root, err);
            if (st == ET_OK)
                st = end_group(q, &is_ready, err);
            needs_showing = !is_ready;
        }
        if (st == ET_OK && needs_showing)
            st = et_fail(err, ET_ELIMIT, -1, "quantiles are not ready after %d passes", PASSES_MAX);
    }
    return st;
}

enum et_status et__quantiles_finish(struct et__quantiles *q, const char *root, bool has_pass,
                                    struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t first = 0; st == ET_OK && first < q->n_numbers; first = q->part_last) {
        if (first > 0)
            st = open_part(q, first, err);
        if (st == ET_OK && (first > 0 || !has_pass))
            st = show_files(q, root, err);
        if (st == ET_OK)
            st = finish_part(q, root, err);
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

/* Columns of a Parquet file as plain arrays: numbers of any type, texts, lists of texts. */
#include "dataset/dataset__internal.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#define BATCH_ROWS 65536

bool et__is_number(enum et_parquet_type type)
{
    return type == ET_PARQUET_BOOL || type == ET_PARQUET_INT32 || type == ET_PARQUET_INT64 ||
           type == ET_PARQUET_FLOAT || type == ET_PARQUET_DOUBLE;
}

double et__number_at(enum et_parquet_type type, const void *values, size_t i)
{
    switch (type) {
    case ET_PARQUET_BOOL:
        return ((const uint8_t *)values)[i];
    case ET_PARQUET_INT32:
        return ((const int32_t *)values)[i];
    case ET_PARQUET_INT64:
        return (double)((const int64_t *)values)[i];
    case ET_PARQUET_FLOAT:
        return (double)((const float *)values)[i];
    case ET_PARQUET_DOUBLE:
        return ((const double *)values)[i];
    case ET_PARQUET_INT96:
    case ET_PARQUET_BYTES:
    case ET_PARQUET_FIXED:
        break;
    }
    return (double)NAN;
}

static int64_t integer_at(enum et_parquet_type type, const void *values, size_t i)
{
    if (type == ET_PARQUET_INT64)
        return ((const int64_t *)values)[i];
    const double value = et__number_at(type, values, i);
    const bool is_whole = value >= -9007199254740992.0 && value <= 9007199254740992.0;
    return is_whole && value == floor(value) ? (int64_t)value : ET__INT_NULL;
}

// Where the numbers of a column go: whole numbers or reals, never both.
struct target {
    int64_t *ints;
    double *reals;
};

static void put_value(struct target to, int64_t row, const struct et_parquet_leaf *leaf,
                      const struct et_parquet_batch *batch, size_t i_value, bool is_null)
{
    if (to.ints)
        to.ints[row] = is_null ? ET__INT_NULL : integer_at(leaf->type, batch->values, i_value);
    else
        to.reals[row] = is_null ? (double)NAN : et__number_at(leaf->type, batch->values, i_value);
}

// One batch of one number a row. False when a row has another number of values.
static bool put_batch(struct target to, int64_t row, const struct et_parquet_leaf *leaf,
                      const struct et_parquet_batch *batch)
{
    size_t i_value = 0;

    if (batch->n_levels != batch->n_rows)
        return false;
    for (int64_t i = 0; i < batch->n_rows; i++) {
        const bool is_null = batch->def && batch->def[i] < leaf->max_def;
        if (batch->rep && batch->rep[i] != 0)
            return false;
        put_value(to, row + i, leaf, batch, i_value, is_null);
        i_value += !is_null;
    }
    return true;
}

static enum et_status read_numbers(struct et_parquet_reader *reader, const char *column,
                                   int64_t first, int64_t n, struct target to, struct et_err *err)
{
    struct et_parquet_cursor *cursor = NULL;

    const int i_leaf = et_parquet_find(reader, column);
    if (i_leaf < 0)
        return et_fail(err, ET_ENOTFOUND, -1, "there is no column %s", column);
    const struct et_parquet_leaf *leaf = et_parquet_leaf(reader, (size_t)i_leaf);
    if (!et__is_number(leaf->type))
        return et_fail(err, ET_EUNSUPPORTED, -1, "column %s does not hold numbers", column);
    enum et_status st = et_parquet_cursor_open(&cursor, reader, (size_t)i_leaf, err);
    if (st == ET_OK)
        st = et_parquet_cursor_seek(cursor, first, err);
    for (int64_t row = 0; st == ET_OK && row < n;) {
        struct et_parquet_batch batch;
        const int64_t n_rows_max = n - row < BATCH_ROWS ? n - row : BATCH_ROWS;
        st = et_parquet_cursor_next(cursor, n_rows_max, &batch, err);
        if (st == ET_END)
            st = et_fail(err, ET_ECORRUPT, first + row, "column %s ends at row %" PRId64, column,
                         first + row);
        if (st == ET_OK && !put_batch(to, row, leaf, &batch))
            st = et_fail(err, ET_EUNSUPPORTED, first + row,
                         "column %s does not hold one number a row", column);
        if (st == ET_OK)
            row += batch.n_rows;
    }
    et_parquet_cursor_close(cursor);
    return st;
}

enum et_status et__read_ints(struct et_parquet_reader *reader, const char *column, int64_t first,
                             int64_t n, int64_t *to, struct et_err *err)
{
    return read_numbers(reader, column, first, n, (struct target){.ints = to}, err);
}

enum et_status et__read_reals(struct et_parquet_reader *reader, const char *column, int64_t first,
                              int64_t n, double *to, struct et_err *err)
{
    return read_numbers(reader, column, first, n, (struct target){.reals = to}, err);
}

// The same texts as the row before? Then they share one array: most episodes have the same task.
static bool is_same(const struct et__text_rows *rows, int64_t row, const struct et_str *texts,
                    size_t n)
{
    if (row == 0 || rows->n_texts[row - 1] != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!et_str_is(texts[i], rows->texts[row - 1][i]))
            return false;
    }
    return true;
}

static bool put_texts(struct et__text_rows *rows, int64_t row, const struct et_str *texts, size_t n,
                      struct et_arena *arena)
{
    rows->n_texts[row] = n;
    if (is_same(rows, row, texts, n)) {
        rows->texts[row] = rows->texts[row - 1];
        return true;
    }
    const char **copies = et_arena_array(arena, n, sizeof *copies);
    for (size_t i = 0; copies && i < n; i++) {
        copies[i] = et__copy_text(arena, texts[i]);
        if (!copies[i])
            return false;
    }
    rows->texts[row] = copies;
    return copies != NULL;
}

// One batch of lists of texts: rows begin where the repetition level is 0.
static bool put_text_batch(struct et__text_rows *rows, int64_t row,
                           const struct et_parquet_leaf *leaf, const struct et_parquet_batch *batch,
                           struct et_arena *arena)
{
    const struct et_str *values = batch->values;
    size_t i_value = 0;

    for (int64_t i = 0; i < batch->n_levels; row++) {
        size_t n = 0;
        do {
            n += !batch->def || batch->def[i] == leaf->max_def;
            i++;
        } while (i < batch->n_levels && batch->rep && batch->rep[i] != 0);
        if (!put_texts(rows, row, n ? &values[i_value] : NULL, n, arena))
            return false;
        i_value += n;
    }
    return true;
}

enum et_status et__read_texts(struct et_parquet_reader *reader, const char *column, int64_t first,
                              int64_t n, struct et_arena *arena, struct et__text_rows *rows,
                              struct et_err *err)
{
    struct et_parquet_cursor *cursor = NULL;

    const int i_leaf = et_parquet_find(reader, column);
    if (i_leaf < 0)
        return et_fail(err, ET_ENOTFOUND, -1, "there is no column %s", column);
    const struct et_parquet_leaf *leaf = et_parquet_leaf(reader, (size_t)i_leaf);
    if (leaf->type != ET_PARQUET_BYTES)
        return et_fail(err, ET_EUNSUPPORTED, -1, "column %s does not hold texts", column);
    rows->texts = et_arena_array(arena, (size_t)n, sizeof *rows->texts);
    rows->n_texts = et_arena_array(arena, (size_t)n, sizeof *rows->n_texts);
    if (!rows->texts || !rows->n_texts)
        return et_arena_fail(arena, "a column of texts", err);
    enum et_status st = et_parquet_cursor_open(&cursor, reader, (size_t)i_leaf, err);
    if (st == ET_OK)
        st = et_parquet_cursor_seek(cursor, first, err);
    for (int64_t row = 0; st == ET_OK && row < n;) {
        struct et_parquet_batch batch;
        const int64_t n_rows_max = n - row < BATCH_ROWS ? n - row : BATCH_ROWS;
        st = et_parquet_cursor_next(cursor, n_rows_max, &batch, err);
        if (st == ET_END)
            st = et_fail(err, ET_ECORRUPT, first + row, "column %s ends at row %" PRId64, column,
                         first + row);
        if (st == ET_OK && !put_text_batch(rows, row, leaf, &batch, arena))
            st = et_arena_fail(arena, "a column of texts", err);
        if (st == ET_OK)
            row += batch.n_rows;
    }
    et_parquet_cursor_close(cursor);
    return st;
}

// The values of one batch, nulls as NaN, and where its rows begin. False when the levels make other
// rows.
static bool put_list_batch(const struct et_parquet_leaf *leaf, const struct et_parquet_batch *batch,
                           double *values, size_t *starts, size_t *n_values)
{
    size_t i_value = 0, n = 0;
    int64_t row = -1;

    for (int64_t i = 0; i < batch->n_levels; i++) {
        if (!batch->rep || batch->rep[i] == 0)
            starts[++row] = n;
        const bool is_value = !batch->def || batch->def[i] == leaf->max_def;
        // One level below a value is a null in the innermost list; further up, a list without any.
        if (is_value || batch->def[i] == leaf->max_def - 1)
            values[n++] =
                is_value ? et__number_at(leaf->type, batch->values, i_value) : (double)NAN;
        i_value += is_value;
    }
    *n_values = n;
    return row + 1 == batch->n_rows;
}

// The rows of a batch in the arena.
static enum et_status keep_lists(const struct et_parquet_leaf *leaf,
                                 const struct et_parquet_batch *batch, struct et_arena *arena,
                                 struct et__list_rows *rows, struct et_err *err)
{
    double *values = et_arena_array(arena, (size_t)batch->n_levels, sizeof *values);
    size_t *starts = et_arena_array(arena, (size_t)batch->n_rows + 1, sizeof *starts);
    if (!values || !starts)
        return et_arena_fail(arena, "a column of lists", err);
    if (!put_list_batch(leaf, batch, values, starts, &starts[batch->n_rows]))
        return et_fail(err, ET_ECORRUPT, -1, "column %s has levels that make no rows",
                       leaf->column);
    *rows = (struct et__list_rows){values, starts};
    return ET_OK;
}

enum et_status et__read_lists(struct et_parquet_reader *reader, const char *column, int64_t first,
                              int64_t n, struct et_arena *arena, struct et__list_rows *rows,
                              struct et_err *err)
{
    struct et_parquet_cursor *cursor = NULL;
    struct et_parquet_batch batch = {0};

    *rows = (struct et__list_rows){0};
    const int i_leaf = et_parquet_find(reader, column);
    if (i_leaf < 0)
        return et_fail(err, ET_ENOTFOUND, -1, "there is no column %s", column);
    const struct et_parquet_leaf *leaf = et_parquet_leaf(reader, (size_t)i_leaf);
    if (!et__is_number(leaf->type))
        return et_fail(err, ET_EUNSUPPORTED, -1, "column %s does not hold numbers", column);
    enum et_status st = et_parquet_cursor_open(&cursor, reader, (size_t)i_leaf, err);
    if (st == ET_OK)
        st = et_parquet_cursor_seek(cursor, first, err);
    if (st == ET_OK)
        st = et_parquet_cursor_next(cursor, n, &batch, err);
    if (st == ET_END || (st == ET_OK && batch.n_rows != n))
        st = et_fail(err, ET_ECORRUPT, first, "column %s ends before row %" PRId64, column,
                     first + n);
    if (st == ET_OK)
        st = keep_lists(leaf, &batch, arena, rows, err);
    et_parquet_cursor_close(cursor);
    return st;
}

const double *et__list_row(const struct et__list_rows *rows, int64_t k, size_t *n)
{
    *n = rows->starts ? rows->starts[k + 1] - rows->starts[k] : 0;
    return *n ? rows->values + rows->starts[k] : NULL;
}

#include "format/parquet/parquet__cursor.h"

#include <assert.h>
#include <stdlib.h>

enum et_status et_parquet_cursor_open(struct et_parquet_cursor **cursor,
                                      struct et_parquet_reader *reader, size_t leaf,
                                      struct et_err *err)
{
    assert(cursor && reader);
    *cursor = NULL;
    if (leaf >= reader->meta.n_leaves)
        return et_fail(err, ET_EARG, (int64_t)leaf, "there is no column %zu", leaf);
    struct et_parquet_cursor *c = calloc(1, sizeof *c);
    if (!c)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a cursor");
    const size_t limit = reader->options.batch_bytes_max;
    c->reader = reader;
    c->leaf = &reader->meta.leaves[leaf];
    c->i_leaf = leaf;
    c->batch_rep = c->batch_def = c->batch_values = et_buf(limit);
    c->dictionary_values = et_buf(8 * reader->options.page_bytes_max);
    c->keep.limit = limit;
    c->values.last = et_buf(limit);
    c->values.keep = &c->keep;
    c->values.dictionary = &c->dictionary;
    const enum et_status st = et__pages_open(&c->pages, reader, err);
    if (st != ET_OK) {
        et_parquet_cursor_close(c);
        return st;
    }
    *cursor = c;
    return ET_OK;
}

void et_parquet_cursor_close(struct et_parquet_cursor *cursor)
{
    if (!cursor)
        return;
    et__pages_close(&cursor->pages);
    et__keep_clear(&cursor->keep);
    free(cursor->dictionary_block);
    et_buf_free(&cursor->dictionary_values);
    et_buf_free(&cursor->values.last);
    et_buf_free(&cursor->batch_rep);
    et_buf_free(&cursor->batch_def);
    et_buf_free(&cursor->batch_values);
    free(cursor);
}

// What the last batch pointed into is given back.
static void drop_batch(struct et_parquet_cursor *c)
{
    et_buf_clear(&c->batch_rep);
    et_buf_clear(&c->batch_def);
    et_buf_clear(&c->batch_values);
    et__keep_clear(&c->keep);
    c->has_views = false;
}

/* A failure in the data says which file; the place is the page's. */
static enum et_status broken(struct et_parquet_cursor *c, enum et_status st, struct et_err *err)
{
    c->is_broken = true;
    c->is_open = false;
    if (st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ELIMIT)
        (void)et_err_context(err, "%.200s, column %.100s", et_file_path(c->reader->file),
                             c->leaf->path);
    return st;
}

enum et_status et_parquet_cursor_seek(struct et_parquet_cursor *cursor, int64_t row,
                                      struct et_err *err)
{
    struct et_parquet_cursor *c = cursor;
    const struct et__parquet_meta *meta = &c->reader->meta;
    if (row < 0 || row > meta->n_rows)
        return et_fail(err, ET_EARG, row, "there is no row %lld among %lld", (long long)row,
                       (long long)meta->n_rows);
    drop_batch(c);

    const size_t i_group = et__reader_group_of(c->reader, row);
    const int64_t in_group = i_group < meta->n_groups ? row - meta->groups[i_group].first_row : 0;
    enum et_status st = ET_OK;
    const bool is_ahead = c->is_open && c->i_group == i_group && c->row <= row;
    if (!is_ahead) {
        c->is_open = false;
        // The first row of a row group needs nothing to be read, nor does the end.
        if (in_group > 0)
            st = et__chunk_open(c, i_group, err);
    }
    if (st == ET_OK && c->is_open && in_group > c->rows_begun)
        st = et__chunk_skip(c, in_group, err);
    if (st != ET_OK)
        return broken(c, st, err);
    c->row = row;
    c->is_broken = false;
    return ET_OK;
}

/* Makes sure that a level of the open chunk is in the window. ET_END: there is none, and the chunk
 * was closed. */
static enum et_status fill_or_close(struct et_parquet_cursor *c, struct et_err *err)
{
    const enum et_status st = et__window_fill(c, err);
    if (st != ET_END)
        return st;
    if (c->rows_begun != c->reader->meta.groups[c->i_group].n_rows)
        return et__chunk_fail(c, "it has fewer rows than its row group", err);
    c->is_open = false;
    return ET_END;
}

/* The same over chunks: opens the one that has the next row, n_rows_done after the batch's first.
 * ET_END: there is no further row. */
static enum et_status open_next(struct et_parquet_cursor *c, int64_t n_rows_done,
                                struct et_err *err)
{
    for (;;) {
        enum et_status st = ET_OK;
        if (!c->is_open) {
            const size_t i_group = et__reader_group_of(c->reader, c->row + n_rows_done);
            if (i_group >= c->reader->meta.n_groups)
                return ET_END;
            st = et__chunk_open(c, i_group, err);
        }
        if (st == ET_OK)
            st = fill_or_close(c, err);
        if (st != ET_END)
            return st;
    }
}

/* Takes n levels of the window, of which n_begun begin a row. */
static enum et_status take_levels(struct et_parquet_cursor *c, size_t n, int64_t n_begun,
                                  struct et_err *err)
{
    c->i_window += n;
    c->rows_begun += n_begun;
    if (c->rows_begun > c->reader->meta.groups[c->i_group].n_rows)
        return et__chunk_fail(c, "it has more rows than its row group", err);
    return ET_OK;
}

/* Appends n levels of the window and their values to the batch. */
static enum et_status add_to_batch(struct et_parquet_cursor *c, size_t n, size_t *n_values,
                                   struct et_err *err)
{
    const size_t size = et__parquet_value_bytes(c->leaf->type);
    const size_t n_now = et__window_values(c, n);
    if (c->leaf->max_rep > 0)
        et_buf_put(&c->batch_rep, c->rep_window + c->i_window, n);
    if (c->leaf->max_def > 0)
        et_buf_put(&c->batch_def, c->def_window + c->i_window, n);
    void *to = et_buf_reserve(&c->batch_values, n_now * size);
    enum et_status st = et_buf_check(&c->batch_values, "a batch", err);
    if (st == ET_OK)
        st = et_buf_check(&c->batch_rep, "a batch", err);
    if (st == ET_OK)
        st = et_buf_check(&c->batch_def, "a batch", err);
    if (st == ET_OK && n_now > 0)
        st = et__values_read(c, to, n_now, err);
    if (st == ET_OK)
        c->batch_values.n += n_now * size;
    *n_values += n_now;
    return st;
}

enum et_status et_parquet_cursor_next(struct et_parquet_cursor *cursor, int64_t n_rows_max,
                                      struct et_parquet_batch *batch, struct et_err *err)
{
    struct et_parquet_cursor *c = cursor;
    const bool is_flat = c->leaf->max_rep == 0;
    int64_t n_rows = 0, n_levels = 0;
    size_t n_values = 0;

    *batch = (struct et_parquet_batch){0};
    if (n_rows_max <= 0 || c->is_broken)
        return et_fail(err, ET_EARG, n_rows_max,
                       c->is_broken ? "a cursor that failed must be moved first"
                                    : "a batch has one row at least");
    drop_batch(c);
    // When all rows have begun, the last one may go on within its chunk.
    while (n_rows < n_rows_max || (!is_flat && c->is_open)) {
        int64_t n_begun;
        enum et_status st = n_rows < n_rows_max ? open_next(c, n_rows, err) : fill_or_close(c, err);
        if (st == ET_END)
            break;
        if (st != ET_OK)
            return broken(c, st, err);
        const size_t n = et__window_rows(c, n_rows_max - n_rows, &n_begun);
        if (n == 0)
            break;
        st = add_to_batch(c, n, &n_values, err);
        if (st == ET_OK)
            st = take_levels(c, n, n_begun, err);
        if (st != ET_OK)
            return broken(c, st, err);
        n_rows += n_begun;
        n_levels += (int64_t)n;
    }
    if (n_rows == 0)
        return ET_END;
    c->row += n_rows;
    *batch = (struct et_parquet_batch){
        .n_rows = n_rows,
        .n_levels = n_levels,
        .n_values = (int64_t)n_values,
        .def = c->leaf->max_def > 0 ? (const uint8_t *)c->batch_def.p : NULL,
        .rep = is_flat ? NULL : (const uint8_t *)c->batch_rep.p,
        .values = c->batch_values.p,
    };
    return ET_OK;
}

/* ---- rectangles ---- */

/* The next n levels of the window must be all values, and a row must begin at every level that is a
 * multiple of width, counted from `done`. Returns how many are as they should be. */
static size_t count_regular(const struct et_parquet_cursor *c, uint64_t done, size_t n,
                            size_t width)
{
    const uint8_t *rep = c->rep_window + c->i_window, *def = c->def_window + c->i_window;
    if (et__window_values(c, n) != n) {
        size_t i = 0;
        while (def[i] == c->leaf->max_def)
            i++;
        n = i;
    }
    if (c->leaf->max_rep == 0)
        return width == 1 ? n : 0;
    for (size_t i = 0; i < n;) {
        const size_t in_row = (size_t)((done + i) % width);
        if ((rep[i] == 0) != (in_row == 0))
            return i;
        // The rest of the row, as far as it is in the window, goes on with it.
        const size_t rest = in_row == 0 ? width - 1 : width - in_row - 1;
        const size_t n_rest = rest < n - i - 1 ? rest : n - i - 1;
        const uint8_t *next = n_rest > 0 ? memchr(rep + i + 1, 0, n_rest) : NULL;
        if (next)
            return (size_t)(next - rep);
        i += 1 + n_rest;
    }
    return n;
}

/* The value `done` of the rectangle is not as it should be: a row is too short, or the one before
 * it too long. */
static enum et_status fail_row(struct et_parquet_cursor *c, int64_t first_row, uint64_t done,
                               size_t width, struct et_err *err)
{
    const bool goes_on =
        c->leaf->max_rep > 0 && c->i_window < c->n_window && c->rep_window[c->i_window] != 0;
    const int64_t row = first_row + (int64_t)(done / width) - (done % width == 0 && goes_on);
    const enum et_status st = et_fail(
        err, ET_ECORRUPT, row, "row %lld does not hold exactly %zu values", (long long)row, width);
    return broken(c, st, err);
}

// After the last value, a row that goes on is longer than the others.
static enum et_status check_end(struct et_parquet_cursor *c, int64_t first_row, uint64_t n_all,
                                size_t width, struct et_err *err)
{
    if (c->leaf->max_rep == 0 || !c->is_open)
        return ET_OK;
    const enum et_status st = et__window_fill(c, err);
    if (st == ET_END)
        return ET_OK;
    if (st != ET_OK)
        return broken(c, st, err);
    return c->rep_window[c->i_window] == 0 ? ET_OK : fail_row(c, first_row, n_all, width, err);
}

static enum et_status check_rows_call(const struct et_parquet_cursor *c, int64_t first_row,
                                      int64_t n_rows, size_t width, struct et_err *err)
{
    const int64_t n_all = c->reader->meta.n_rows;
    if (et__parquet_is_view(c->leaf->type))
        return et_fail(err, ET_EARG, -1, "column %s holds no numbers", c->leaf->path);
    if (first_row < 0 || n_rows < 0 || first_row > n_all || n_rows > n_all - first_row)
        return et_fail(err, ET_EARG, first_row, "there are no rows %lld to %lld among %lld",
                       (long long)first_row, (long long)first_row + n_rows - 1, (long long)n_all);
    if (width == 0 || (n_rows > 0 && width > SIZE_MAX / 8 / (size_t)n_rows))
        return et_fail(err, ET_EARG, -1, "rows of %zu values are not read", width);
    return ET_OK;
}

enum et_status et_parquet_cursor_rows(struct et_parquet_cursor *cursor, int64_t first_row,
                                      int64_t n_rows, size_t width, void *to, struct et_err *err)
{
    struct et_parquet_cursor *c = cursor;
    enum et_status st = check_rows_call(c, first_row, n_rows, width, err);
    if (st != ET_OK || n_rows == 0)
        return st;
    if (c->row != first_row || c->is_broken)
        st = et_parquet_cursor_seek(c, first_row, err);
    if (st != ET_OK)
        return st;
    drop_batch(c);

    const size_t size = et__parquet_value_bytes(c->leaf->type);
    const uint64_t n_all = (uint64_t)n_rows * width;
    for (uint64_t done = 0; done < n_all;) {
        st = open_next(c, (int64_t)(done / width), err);
        if (st == ET_END)
            st = et__chunk_fail(c, "it has fewer rows than the file", err);
        if (st != ET_OK)
            return broken(c, st, err);
        const size_t n_window = c->n_window - c->i_window;
        const size_t n = n_all - done < n_window ? (size_t)(n_all - done) : n_window;
        const size_t n_good = count_regular(c, done, n, width);
        if (n_good < n) {
            c->i_window += n_good;
            return fail_row(c, first_row, done + n_good, width, err);
        }
        st = et__values_read(c, (uint8_t *)to + done * size, n, err);
        const uint64_t n_begun = (done + n + width - 1) / width - (done + width - 1) / width;
        if (st == ET_OK)
            st = take_levels(c, n, (int64_t)n_begun, err);
        if (st != ET_OK)
            return broken(c, st, err);
        done += n;
    }
    st = check_end(c, first_row, n_all, width, err);
    if (st == ET_OK)
        c->row = first_row + n_rows;
    return st;
}

/* Pictures in the rows, one at a time. */
#include "dataset/dataset__internal.h"

#include "etude/pictures.h"

#include <assert.h>
#include <stdlib.h>

#define PICTURE_BYTES_MAX ((size_t)256 << 20)

struct et_pictures {
    struct et_parquet_reader *reader;
    struct et_parquet_cursor *bytes, *path; // path NULL: the column has none
    struct et_arena *arena;                 // the range's texts, then one decoded picture
    struct et_arena_mark start;
    struct et_pictures_range range;
    int64_t next; // row that the cursors stand before
};

enum et_status et_dataset_pictures(const struct et_dataset *dataset, int64_t i, const char *feature,
                                   struct et_arena *arena, struct et_pictures_range *range,
                                   struct et_err *err)
{
    struct et__place place;
    assert(dataset && feature && arena && range);
    *range = (struct et_pictures_range){0};
    const int i_feature = et_dataset_find(dataset, feature);
    if (i < 0 || i >= dataset->info.n_episodes)
        return et_fail(err, ET_EARG, i, "%s: there is no episode in place %lld of %lld",
                       dataset->info.path, (long long)i, (long long)dataset->info.n_episodes);
    if (i_feature < 0 || dataset->features[i_feature].dtype != ET_DTYPE_IMAGE)
        return et_fail(err, ET_EARG, -1, "%.150s has no pictures %.80s in its rows",
                       dataset->info.path, feature);
    const enum et_status st = et__rows_open(dataset, &dataset->episodes[i], arena, &place, err);
    if (st != ET_OK)
        return st;
    *range = (struct et_pictures_range){.path = place.path,
                                        .column = dataset->features[i_feature].name,
                                        .first_row = place.first,
                                        .n_rows = place.n_rows};
    et__rows_close(dataset, &place);
    return ET_OK;
}

/* ---- opening ---- */

static enum et_status open_leaves(struct et_pictures *p, struct et_err *err)
{
    const size_t n = et_parquet_n_leaves(p->reader);
    const struct et_parquet_node *nodes = et_parquet_nodes(p->reader);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        const struct et_parquet_leaf *leaf = et_parquet_leaf(p->reader, i);
        if (strcmp(leaf->column, p->range.column) != 0 || leaf->type != ET_PARQUET_BYTES ||
            leaf->max_rep > 0)
            continue;
        if (!p->bytes && strcmp(nodes[leaf->node].name, "bytes") == 0)
            st = et_parquet_cursor_open(&p->bytes, p->reader, i, err);
        else if (!p->path && strcmp(nodes[leaf->node].name, "path") == 0)
            st = et_parquet_cursor_open(&p->path, p->reader, i, err);
    }
    if (st == ET_OK && !p->bytes)
        return et_fail(err, ET_ECORRUPT, -1, "%.200s has no column %.80s of pictures",
                       p->range.path, p->range.column);
    return st;
}

static enum et_status open_file(struct et_pictures *p, const struct et_pictures_range *range,
                                struct et_err *err)
{
    enum et_status st = et_arena_open(&p->arena, PICTURE_BYTES_MAX, err);
    if (st != ET_OK)
        return st;
    p->range = *range;
    p->range.path = et__copy_text(p->arena, et_str(range->path));
    p->range.column = et__copy_text(p->arena, et_str(range->column));
    p->start = et_arena_mark(p->arena);
    p->next = -1;
    if (!p->range.path || !p->range.column)
        return et_arena_fail(p->arena, "a camera's name", err);
    const struct et_parquet_options options = {.batch_bytes_max = PICTURE_BYTES_MAX};
    st = et_parquet_open(&p->reader, range->path, &options, err);
    if (st != ET_OK)
        return st;
    const int64_t n = et_parquet_n_rows(p->reader);
    if (range->n_rows == -1 && range->first_row >= 0 && range->first_row <= n)
        p->range.n_rows = n - range->first_row;
    range = &p->range;
    if (range->first_row < 0 || range->n_rows < 0 || range->first_row > n ||
        range->n_rows > n - range->first_row)
        return et_fail(err, ET_ECORRUPT, n, "%.200s has %lld rows, and %lld from row %lld are read",
                       range->path, (long long)n, (long long)range->n_rows,
                       (long long)range->first_row);
    return open_leaves(p, err);
}

enum et_status et_pictures_open(struct et_pictures **pictures,
                                const struct et_pictures_range *range, struct et_err *err)
{
    assert(pictures && range && range->path && range->column);
    struct et_pictures *p = calloc(1, sizeof *p);
    *pictures = NULL;
    if (!p)
        return et_fail(err, ET_ENOMEM, -1, "no memory for pictures");
    const enum et_status st = open_file(p, range, err);
    if (st != ET_OK)
        et_pictures_close(p);
    else
        *pictures = p;
    return st;
}

void et_pictures_close(struct et_pictures *pictures)
{
    if (!pictures)
        return;
    et_parquet_cursor_close(pictures->bytes);
    et_parquet_cursor_close(pictures->path);
    et_parquet_close(pictures->reader);
    et_arena_close(pictures->arena);
    free(pictures);
}

int64_t et_pictures_n_rows(const struct et_pictures *pictures)
{
    return pictures->range.n_rows;
}

/* ---- reading ---- */

static enum et_status read_text(struct et_parquet_cursor *cursor, int64_t row, bool should_seek,
                                struct et_str *text, uint8_t *level, struct et_err *err)
{
    struct et_parquet_batch batch;
    enum et_status st = should_seek ? et_parquet_cursor_seek(cursor, row, err) : ET_OK;
    if (st == ET_OK)
        st = et_parquet_cursor_next(cursor, 1, &batch, err);
    if (st == ET_END)
        return et_fail(err, ET_ECORRUPT, row, "there is no row %lld", (long long)row);
    if (st != ET_OK)
        return st;
    if (batch.n_values == 1)
        *text = *(const struct et_str *)batch.values;
    *level = batch.n_values == 1 ? 2 : batch.def && batch.def[0] > 0 ? 1 : 0;
    return ET_OK;
}

enum et_status et_pictures_get(struct et_pictures *pictures, int64_t k,
                               struct et_stored_picture *picture, struct et_err *err)
{
    struct et_pictures *p = pictures;
    assert(p && picture);
    *picture = (struct et_stored_picture){.path_level = 1};
    if (k < 0 || k >= p->range.n_rows)
        return et_fail(err, ET_EARG, k, "there is no picture %lld of %lld", (long long)k,
                       (long long)p->range.n_rows);
    const int64_t row = p->range.first_row + k;
    const bool should_seek = p->next != row;
    p->next = -1; // where a cursor stands after a failure is not known
    enum et_status st =
        read_text(p->bytes, row, should_seek, &picture->bytes, &picture->bytes_level, err);
    if (st == ET_OK && p->path)
        st = read_text(p->path, row, should_seek, &picture->path, &picture->path_level, err);
    if (st == ET_OK)
        p->next = row + 1;
    return st;
}

enum et_status et_pictures_image(struct et_pictures *pictures, int64_t k, struct et_image *image,
                                 struct et_err *err)
{
    struct et_pictures *p = pictures;
    struct et_stored_picture stored;
    *image = (struct et_image){0};
    enum et_status st = et_pictures_get(p, k, &stored, err);
    if (st != ET_OK)
        return st;
    et_arena_rewind(p->arena, p->start);
    st = et_image_decode(stored.bytes, p->arena, image, err);
    if (st != ET_OK)
        (void)et_err_context(err, "%.200s, %.80s, row %lld", p->range.path, p->range.column,
                             (long long)(p->range.first_row + k));
    return st;
}

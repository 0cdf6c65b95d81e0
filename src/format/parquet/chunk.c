#include "format/parquet/parquet__hybrid.h"
#include "format/parquet/parquet__writer.h"

#include <assert.h>

#define PAGE_BYTES ((size_t)1 << 20)

// More levels than this begin a new page, however little they take.
#define PAGE_LEVELS ((int64_t)1 << 20)

// Room before a packed page for its header.
#define HEAD_BYTES_MAX 64

/* A part of a leaf that becomes a page: whole rows. */
struct part {
    int64_t i_level, n_levels;
    int64_t i_value, n_values;
    int64_t n_rows;
};

struct chunk {
    const struct et__leaf_values *v;
    const struct et_parquet_leaf *leaf;
    int index_bits; // of dictionary indices; 0: PLAIN
    struct et__extremes extremes;
    int64_t dictionary_at, data_at; // 0: none
    int64_t n_unpacked, n_packed;
};

/* ---- pages ---- */

/* Packs writer->page and writes it behind its header. */
static enum et_status write_page(struct et_parquet_writer *w, struct chunk *c,
                                 struct et__page *page, struct et_err *err)
{
    enum et_status st = et_buf_check(&w->page, "a page", err);
    if (st != ET_OK)
        return st;
    et_buf_clear(&w->packed);
    et_buf_clear(&w->head);
    if (et_buf_reserve(&w->packed, HEAD_BYTES_MAX))
        w->packed.n = HEAD_BYTES_MAX;
    st = et__codec_compress(w->codec, (int32_t)w->options.codec, w->options.level,
                            et_buf_str(&w->page), &w->packed, err);
    if (st != ET_OK)
        return st;
    const size_t n_packed = w->packed.n - HEAD_BYTES_MAX;
    if (n_packed > INT32_MAX)
        return et_fail(err, ET_ELIMIT, -1, "a page of %zu bytes is too long", n_packed);
    page->n_unpacked = (int32_t)w->page.n;
    page->n_packed = (int32_t)n_packed;
    page->crc = et__codec_crc(w->packed.p + HEAD_BYTES_MAX, n_packed);
    et__page_write(&w->head, page);
    st = et_buf_check(&w->head, "a page's header", err);
    if (st != ET_OK)
        return st;
    assert(w->head.n <= HEAD_BYTES_MAX);

    char *start = w->packed.p + HEAD_BYTES_MAX - w->head.n;
    memcpy(start, w->head.p, w->head.n);
    c->n_unpacked += (int64_t)(w->head.n + w->page.n);
    c->n_packed += (int64_t)(w->head.n + n_packed);
    return et__writer_put(w, start, w->head.n + n_packed, err);
}

// Runs levels into the page, with their length before them. `put` is one of the three below.
static size_t begin_levels(struct et_buf *page)
{
    static const uint8_t ROOM[4] = {0};
    et_buf_put(page, ROOM, sizeof ROOM);
    return page->n;
}

static void end_levels(struct et_buf *page, size_t start)
{
    if (page->status != ET_OK)
        return;
    const uint32_t n = (uint32_t)(page->n - start);
    memcpy(page->p + start - sizeof n, &n, sizeof n);
}

static void put_levels(struct et_buf *page, const struct chunk *c, const struct part *part)
{
    const struct et__leaf_values *v = c->v;
    const int rep_bits = et__bit_width((uint32_t)c->leaf->max_rep);
    const int def_bits = et__bit_width((uint32_t)c->leaf->max_def);
    if (c->leaf->max_rep > 0) {
        const size_t start = begin_levels(page);
        if (v->width > 0)
            et__hybrid_write_rows(page, (uint64_t)part->n_rows, v->width);
        else
            et__hybrid_write8(page, v->rep + part->i_level, (size_t)part->n_levels, rep_bits);
        end_levels(page, start);
    }
    if (c->leaf->max_def > 0) {
        const size_t start = begin_levels(page);
        if (v->width > 0)
            et__hybrid_write_run(page, (uint32_t)c->leaf->max_def, (uint64_t)part->n_levels,
                                 def_bits);
        else
            et__hybrid_write8(page, v->def + part->i_level, (size_t)part->n_levels, def_bits);
        end_levels(page, start);
    }
}

static enum et_status write_part(struct et_parquet_writer *w, struct chunk *c,
                                 const struct part *part, struct et_err *err)
{
    const size_t size = et__parquet_value_bytes(c->leaf->type);
    const size_t n_values = (size_t)part->n_values;
    const uint8_t *values = NULL; // of a part of nulls there are none
    if (n_values > 0)
        values = (const uint8_t *)c->v->values + (size_t)part->i_value * size;

    et_buf_clear(&w->page);
    put_levels(&w->page, c, part);
    if (c->index_bits > 0) {
        const uint32_t *indices = (const uint32_t *)(const void *)w->dictionary.indices.p;
        et_buf_putc(&w->page, (char)c->index_bits);
        et__hybrid_write32(&w->page, indices + part->i_value, n_values, c->index_bits);
    } else {
        et__plain_write(&w->page, c->leaf->type, values, n_values);
        et__extremes_add(&c->extremes, c->leaf->type, values, n_values);
    }
    if (c->data_at == 0)
        c->data_at = et__writer_end(w);
    struct et__page page = {
        .type = ET__PAGE_DATA,
        .n_values = (int32_t)part->n_levels,
        .encoding = c->index_bits > 0 ? ET__PARQUET_RLE_DICTIONARY : ET__PARQUET_PLAIN,
    };
    return write_page(w, c, &page, err);
}

/* ---- parts ---- */

// PLAIN bytes of a value, or of its index.
static size_t cost_of(const struct chunk *c, int64_t i_value)
{
    if (c->index_bits > 0)
        return 4; // at most; an index is mostly shorter, and its page then too
    if (c->leaf->type == ET_PARQUET_BYTES)
        return 4 + ((const struct et_str *)c->v->values)[i_value].n;
    return et__parquet_value_bytes(c->leaf->type);
}

static size_t page_bytes(const struct et_parquet_writer *w)
{
    const size_t want = w->options.page_bytes > 0 ? w->options.page_bytes : PAGE_BYTES;
    return want < ET__PARQUET_PAGE_BYTES_MAX / 2 ? want : ET__PARQUET_PAGE_BYTES_MAX / 2;
}

/* Adds rows to the part as long as a page should be; a row is never split. False: a single row is
 * longer than any page may be. */
static bool next_part_of_levels(const struct chunk *c, size_t want_bytes, struct part *part)
{
    const struct et__leaf_values *v = c->v;
    const size_t level_bytes = (c->leaf->max_rep > 0) + (size_t)(c->leaf->max_def > 0);
    int64_t i = part->i_level, i_value = part->i_value;
    size_t n_bytes = 0;
    while (i < v->n_levels) {
        int64_t end = i, end_value = i_value;
        size_t row_bytes = 0;
        do {
            if (!v->def || v->def[end] == c->leaf->max_def)
                row_bytes += cost_of(c, end_value++);
            row_bytes += level_bytes;
            end++;
        } while (end < v->n_levels && v->rep && v->rep[end] != 0);

        if (row_bytes > ET__PARQUET_PAGE_BYTES_MAX / 2 || end - part->i_level > INT32_MAX)
            return false;
        const bool is_full = n_bytes + row_bytes > want_bytes || end - part->i_level > PAGE_LEVELS;
        if (is_full && part->n_rows > 0)
            break;
        n_bytes += row_bytes;
        part->n_rows++;
        i = end;
        i_value = end_value;
    }
    part->n_levels = i - part->i_level;
    part->n_values = i_value - part->i_value;
    return true;
}

static bool next_part_of_rows(const struct chunk *c, size_t want_bytes, int64_t i_row,
                              struct part *part)
{
    const struct et__leaf_values *v = c->v;
    const int64_t width = (int64_t)v->width;
    int64_t n = 0;
    if (c->leaf->type == ET_PARQUET_BYTES && c->index_bits == 0) {
        size_t n_bytes = 0, row_bytes = 0;
        for (; i_row + n < v->n_rows && n * width < PAGE_LEVELS; n++, n_bytes += row_bytes) {
            row_bytes = 0;
            for (int64_t k = 0; k < width; k++)
                row_bytes += cost_of(c, (i_row + n) * width + k);
            if (row_bytes > ET__PARQUET_PAGE_BYTES_MAX / 2)
                return false;
            if (n > 0 && n_bytes + row_bytes > want_bytes)
                break;
        }
    } else {
        const size_t row_bytes = v->width * cost_of(c, 0);
        if (v->width > ET__PARQUET_PAGE_BYTES_MAX / 2 / 8)
            return false;
        n = (int64_t)(want_bytes / row_bytes);
        n = n > PAGE_LEVELS / width ? PAGE_LEVELS / width : n;
        n = n > v->n_rows - i_row ? v->n_rows - i_row : n;
    }
    n = n > 0 ? n : 1;
    part->n_rows = n;
    part->n_levels = part->n_values = n * width;
    return true;
}

static enum et_status write_parts(struct et_parquet_writer *w, struct chunk *c, struct et_err *err)
{
    const struct et__leaf_values *v = c->v;
    const size_t want_bytes = page_bytes(w);
    struct part part = {0};
    for (int64_t i_row = 0; i_row < v->n_rows; i_row += part.n_rows) {
        part = (struct part){.i_level = part.i_level + part.n_levels,
                             .i_value = part.i_value + part.n_values};
        const bool fits = v->width > 0 ? next_part_of_rows(c, want_bytes, i_row, &part)
                                       : next_part_of_levels(c, want_bytes, &part);
        if (!fits)
            return et_fail(err, ET_ELIMIT, i_row, "column %s: row %lld does not fit a page",
                           c->leaf->path, (long long)i_row);
        assert(part.n_rows > 0);
        const enum et_status st = write_part(w, c, &part, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* ---- the chunk ---- */

static enum et_status write_dictionary(struct et_parquet_writer *w, struct chunk *c,
                                       struct et_err *err)
{
    const enum et_parquet_type type = c->leaf->type;
    bool is_worth = false;
    if (!w->options.use_dictionary || type == ET_PARQUET_BOOL)
        return ET_OK;
    enum et_status st = et__dictionary_try(&w->dictionary, type, c->v->values,
                                           (size_t)c->v->n_values, &is_worth, err);
    if (st != ET_OK || !is_worth)
        return st;
    c->index_bits = et__dictionary_bits(w->dictionary.n);
    c->dictionary_at = et__writer_end(w);
    et__extremes_add_dictionary(&c->extremes, type, &w->dictionary);
    et_buf_clear(&w->page);
    et_buf_putstr(&w->page, et_buf_str(&w->dictionary.page));
    struct et__page page = {
        .type = ET__PAGE_DICTIONARY,
        .n_values = (int32_t)w->dictionary.n,
        .encoding = ET__PARQUET_PLAIN,
    };
    return write_page(w, c, &page, err);
}

static void put_path(struct et__thrift_out *out, const struct et__parquet_meta *meta, int node)
{
    int path[ET_PARQUET_DEPTH_MAX + 1], n = 0;
    for (int i = node; i >= 0; i = meta->nodes[i].parent)
        path[n++] = i;
    et__thrift_put_list(out, 3, ET__THRIFT_BINARY, (size_t)n);
    while (n-- > 0) {
        const char *name = meta->nodes[path[n]].name;
        et__thrift_put_binary_element(out, name, strlen(name));
    }
}

static void put_statistics(struct et__thrift_out *out, const struct chunk *c)
{
    const struct et__extremes *e = &c->extremes;
    et__thrift_put_struct(out, 12);
    et__thrift_put_int(out, 3, ET__THRIFT_I64, c->v->n_levels - c->v->n_values);
    if (e->exist) {
        et__thrift_put_binary(out, 5, e->max, e->n_max);
        et__thrift_put_binary(out, 6, e->min, e->n_min);
    }
    et__thrift_put_end(out);
}

// The ColumnChunk, an element of the row group's list.
static void put_chunk(struct et_parquet_writer *w, const struct chunk *c)
{
    struct et__thrift_out *out = &w->out;
    const int encodings[] = {ET__PARQUET_PLAIN, ET__PARQUET_RLE, ET__PARQUET_RLE_DICTIONARY};
    const size_t n_encodings = c->index_bits > 0 ? 3 : 2;

    et__thrift_put_struct(out, 0);
    et__thrift_put_int(out, 2, ET__THRIFT_I64, 0);
    et__thrift_put_struct(out, 3);
    et__thrift_put_int(out, 1, ET__THRIFT_I32, c->leaf->type);
    et__thrift_put_list(out, 2, ET__THRIFT_I32, n_encodings);
    for (size_t i = 0; i < n_encodings; i++)
        et__thrift_put_int_element(out, encodings[i]);
    put_path(out, &w->meta, c->leaf->node);
    et__thrift_put_int(out, 4, ET__THRIFT_I32, w->options.codec);
    et__thrift_put_int(out, 5, ET__THRIFT_I64, c->v->n_levels);
    et__thrift_put_int(out, 6, ET__THRIFT_I64, c->n_unpacked);
    et__thrift_put_int(out, 7, ET__THRIFT_I64, c->n_packed);
    et__thrift_put_int(out, 9, ET__THRIFT_I64, c->data_at);
    if (c->index_bits > 0)
        et__thrift_put_int(out, 11, ET__THRIFT_I64, c->dictionary_at);
    put_statistics(out, c);
    et__thrift_put_end(out);
    et__thrift_put_end(out);
}

enum et_status et__chunk_write(struct et_parquet_writer *writer, const struct et__leaf_values *v,
                               struct et_err *err)
{
    struct et_parquet_writer *w = writer;
    struct chunk chunk = {.v = v, .leaf = &w->meta.leaves[v->leaf]};
    enum et_status st = write_dictionary(w, &chunk, err);
    if (st == ET_OK)
        st = write_parts(w, &chunk, err);
    if (st != ET_OK)
        return st;
    if (chunk.data_at == 0) // no rows, no page: a place that is one nevertheless
        chunk.data_at = et__writer_end(w);
    et__extremes_end(&chunk.extremes, chunk.leaf->type);
    put_chunk(w, &chunk);
    w->unpacked_bytes += chunk.n_unpacked;
    w->packed_bytes += chunk.n_packed;
    return et_buf_check(&w->group, "a row group's description", err);
}

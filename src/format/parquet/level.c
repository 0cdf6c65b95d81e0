#include "format/parquet/parquet__cursor.h"

#include <assert.h>
#include <stdlib.h>

// Values that are passed over at a time, so that texts put together meanwhile are released.
#define SKIP_PIECE 65536

enum et_status et__chunk_fail(const struct et_parquet_cursor *c, const char *what,
                              struct et_err *err)
{
    const int64_t at = c->reader->meta.groups[c->i_group].chunks[c->i_leaf].start;
    return et_fail(err, ET_ECORRUPT, at, "column %s of row group %zu is damaged: %s", c->leaf->path,
                   c->i_group, what);
}

static enum et_status fail_page(const struct et__page *page, const char *what, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, page->at, "the page at byte %lld is damaged: %s",
                   (long long)page->at, what);
}

/* A batch that points into the unpacked page keeps it. */
static enum et_status let_page_go(struct et_parquet_cursor *c, struct et_err *err)
{
    struct et__block *block = c->pages.block;
    if (!c->has_views || !block)
        return ET_OK;
    c->pages.block = NULL;
    return et__keep_add(&c->keep, block, err);
}

static enum et_status let_dictionary_go(struct et_parquet_cursor *c, struct et_err *err)
{
    struct et__block *block = c->dictionary_block;
    c->dictionary = (struct et__dictionary){0};
    c->dictionary_block = NULL;
    if (block && c->has_views)
        return et__keep_add(&c->keep, block, err);
    free(block);
    return ET_OK;
}

enum et_status et__chunk_open(struct et_parquet_cursor *c, size_t i_group, struct et_err *err)
{
    const struct et__parquet_chunk *chunk = &c->reader->meta.groups[i_group].chunks[c->i_leaf];
    c->is_open = true;
    c->i_group = i_group;
    c->rows_begun = 0;
    c->levels_left = (uint64_t)chunk->n_levels;
    c->page_levels = 0;
    c->n_skip = 0;
    c->i_window = c->n_window = 0;
    const enum et_status st = let_dictionary_go(c, err);
    if (st != ET_OK)
        return st;
    if (chunk->is_foreign)
        return et_fail(err, ET_EUNSUPPORTED, -1,
                       "column %s of row group %zu is encrypted or in another file", c->leaf->path,
                       i_group);
    et__pages_begin(&c->pages, chunk);
    return ET_OK;
}

/* ---- pages ---- */

static enum et_status load_dictionary(struct et_parquet_cursor *c, const struct et__page *page,
                                      struct et_err *err)
{
    const struct et_parquet_leaf *leaf = c->leaf;
    const bool is_view = et__parquet_is_view(leaf->type);
    struct et__page_body body;

    if (c->dictionary.exists)
        return fail_page(page, "it is a second dictionary", err);
    if (page->encoding != ET__PARQUET_PLAIN && page->encoding != ET__PARQUET_PLAIN_DICTIONARY)
        return et_fail(err, ET_EUNSUPPORTED, page->at,
                       "the dictionary at byte %lld has encoding %d, which is not read",
                       (long long)page->at, (int)page->encoding);
    enum et_status st = let_page_go(c, err);
    if (st == ET_OK)
        st = et__pages_body(&c->pages, page, is_view, &body, err);
    if (st != ET_OK)
        return st;

    // A value takes a bit at least, so that the page bounds what is allocated.
    const size_t n = (size_t)page->n_values, size = et__parquet_value_bytes(leaf->type);
    if (n / 8 > body.values.n)
        return fail_page(page, "it has fewer bytes than values", err);
    et_buf_clear(&c->dictionary_values);
    void *values = et_buf_reserve(&c->dictionary_values, n * size);
    if (!values)
        return et_buf_check(&c->dictionary_values, "a dictionary", err);
    const uint8_t *p = (const uint8_t *)body.values.p;
    if (!et__plain_read(leaf->type, leaf->type_bytes, p, p + body.values.n, values, n, 0))
        return fail_page(page, "it ends before its last value", err);
    c->dictionary = (struct et__dictionary){.values = values, .n = (uint32_t)n, .exists = true};
    if (is_view) {
        c->dictionary_block = c->pages.block;
        c->pages.block = NULL;
    }
    return ET_OK;
}

/* The header of the chunk's next data page; a dictionary before it is loaded. */
static enum et_status next_data_page(struct et_parquet_cursor *c, struct et__page *page,
                                     struct et_err *err)
{
    for (;;) {
        enum et_status st = et__pages_next(&c->pages, page, err);
        if (st == ET_OK && page->type == ET__PAGE_DICTIONARY)
            st = load_dictionary(c, page, err);
        if (st != ET_OK)
            return st;
        if (page->type == ET__PAGE_DICTIONARY || page->type == ET__PAGE_INDEX)
            continue;
        if ((uint64_t)page->n_values > c->levels_left)
            return fail_page(page, "it has more values than its column has left", err);
        return ET_OK;
    }
}

/* Levels of version 1 stand in the body, with their length before them. */
static bool cut_levels(struct et_str *body, struct et_str *levels)
{
    if (body->n < 4)
        return false;
    const uint32_t n = et__load32((const uint8_t *)body->p);
    if (n > body->n - 4)
        return false;
    *levels = (struct et_str){body->p + 4, n};
    *body = (struct et_str){body->p + 4 + n, body->n - 4 - n};
    return true;
}

static struct et__hybrid begin_levels(struct et_str bytes, int max)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    return et__hybrid(p, p ? p + bytes.n : p, et__bit_width((uint32_t)max));
}

static enum et_status load_page(struct et_parquet_cursor *c, const struct et__page *page,
                                struct et_err *err)
{
    const struct et_parquet_leaf *leaf = c->leaf;
    struct et__page_body body;

    enum et_status st = let_page_go(c, err);
    if (st == ET_OK)
        st = et__pages_body(&c->pages, page, et__parquet_is_view(leaf->type), &body, err);
    if (st != ET_OK)
        return st;
    if (page->type == ET__PAGE_DATA) {
        if ((leaf->max_rep > 0 && page->rep_encoding != ET__PARQUET_RLE) ||
            (leaf->max_def > 0 && page->def_encoding != ET__PARQUET_RLE))
            return et_fail(err, ET_EUNSUPPORTED, page->at,
                           "the page at byte %lld has levels of encoding BIT_PACKED or unknown, "
                           "which are not read",
                           (long long)page->at);
        if ((leaf->max_rep > 0 && !cut_levels(&body.values, &body.rep)) ||
            (leaf->max_def > 0 && !cut_levels(&body.values, &body.def)))
            return fail_page(page, "its levels are longer than the page", err);
    }
    c->rep = begin_levels(body.rep, leaf->max_rep);
    c->def = begin_levels(body.def, leaf->max_def);
    c->page_levels = (uint64_t)page->n_values;
    c->levels_left -= c->page_levels;
    c->n_skip = 0;
    const uint8_t *p = (const uint8_t *)body.values.p;
    return et__decoder_begin(&c->values, leaf, page->encoding, p, p ? p + body.values.n : p,
                             page->at, err);
}

/* ---- the window ---- */

static bool are_all(const uint8_t *levels, size_t n, uint8_t level)
{
    return n == 0 || (levels[0] == level && memcmp(levels, levels + 1, n - 1) == 0);
}

// False when the bytes end or a level is higher than there is.
static bool read_levels(struct et__hybrid *in, uint8_t *to, size_t n, int max)
{
    if (!et__hybrid_read8(in, to, n))
        return false;
    if (max == (1 << in->bit_width) - 1 || are_all(to, n, (uint8_t)max))
        return true;
    uint8_t highest = 0;
    for (size_t i = 0; i < n; i++)
        highest = to[i] > highest ? to[i] : highest;
    return highest <= max;
}

enum et_status et__window_fill(struct et_parquet_cursor *c, struct et_err *err)
{
    if (c->i_window < c->n_window)
        return ET_OK;
    while (c->page_levels == 0) {
        struct et__page page;
        if (c->levels_left == 0)
            return ET_END;
        enum et_status st = next_data_page(c, &page, err);
        if (st == ET_OK)
            st = load_page(c, &page, err);
        if (st != ET_OK)
            return st;
    }
    const size_t n = c->page_levels < ET__WINDOW ? (size_t)c->page_levels : ET__WINDOW;
    c->page_levels -= n;
    c->i_window = 0;
    c->n_window = n;
    if ((c->leaf->max_rep > 0 && !read_levels(&c->rep, c->rep_window, n, c->leaf->max_rep)) ||
        (c->leaf->max_def > 0 && !read_levels(&c->def, c->def_window, n, c->leaf->max_def)))
        return et_fail(err, ET_ECORRUPT, c->values.at,
                       "the page at byte %lld is damaged: its levels end too soon or are too high",
                       (long long)c->values.at);
    if (c->leaf->max_rep > 0 && c->rows_begun == 0 && c->rep_window[0] != 0)
        return et__chunk_fail(c, "its first value continues a row", err);
    return ET_OK;
}

size_t et__window_rows(const struct et_parquet_cursor *c, int64_t n_rows, int64_t *n_begun)
{
    const size_t n = c->n_window - c->i_window;
    if (c->leaf->max_rep == 0) {
        const size_t now = (uint64_t)n_rows < n ? (size_t)n_rows : n;
        *n_begun = (int64_t)now;
        return now;
    }
    const uint8_t *rep = c->rep_window + c->i_window;
    *n_begun = 0;
    for (size_t i = 0; i < n; i++) {
        // Most levels continue a row: look for the next that begins one.
        const uint8_t *next = memchr(rep + i, 0, n - i);
        if (!next)
            break;
        i = (size_t)(next - rep);
        if (*n_begun == n_rows)
            return i;
        ++*n_begun;
    }
    return n;
}

size_t et__window_values(const struct et_parquet_cursor *c, size_t n)
{
    const uint8_t *def = c->def_window + c->i_window;
    const uint8_t max = (uint8_t)c->leaf->max_def;
    if (max == 0 || are_all(def, n, max))
        return n;
    size_t n_values = 0;
    for (size_t i = 0; i < n; i++)
        n_values += def[i] == max;
    return n_values;
}

enum et_status et__values_read(struct et_parquet_cursor *c, void *to, size_t n, struct et_err *err)
{
    // What a seek passed over; it is only ever before a batch's first value.
    while (c->n_skip > 0) {
        const uint64_t now = c->n_skip < SKIP_PIECE ? c->n_skip : SKIP_PIECE;
        const enum et_status st = et__decoder_skip(&c->values, now, err);
        if (st != ET_OK)
            return st;
        assert(!c->has_views);
        et__keep_clear(&c->keep);
        c->n_skip -= now;
    }
    c->has_views = et__parquet_is_view(c->leaf->type);
    return et__decoder_read(&c->values, to, n, err);
}

/* ---- moving forward ---- */

/* Passes over pages whose header alone says that they end at or before the target. */
static enum et_status skip_pages(struct et_parquet_cursor *c, int64_t target, struct et_err *err)
{
    while (c->i_window == c->n_window && c->page_levels == 0 && c->levels_left > 0) {
        struct et__page page;
        enum et_status st = next_data_page(c, &page, err);
        if (st != ET_OK)
            return st;
        const bool is_flat = c->leaf->max_rep == 0;
        const bool has_rows = is_flat || page.type == ET__PAGE_DATA_V2;
        const int64_t n_rows = is_flat ? page.n_values : page.n_rows;
        if (!has_rows || n_rows > target - c->rows_begun)
            return load_page(c, &page, err);
        c->rows_begun += n_rows;
        c->levels_left -= (uint64_t)page.n_values;
        if (is_flat && c->rows_begun == target)
            break;
    }
    return ET_OK;
}

enum et_status et__chunk_skip(struct et_parquet_cursor *c, int64_t target, struct et_err *err)
{
    assert(c->is_open && c->rows_begun <= target);
    const bool is_flat = c->leaf->max_rep == 0;
    while (!is_flat || c->rows_begun < target) {
        enum et_status st = skip_pages(c, target, err);
        if (st != ET_OK)
            return st;
        if (is_flat && c->rows_begun == target)
            break;
        st = et__window_fill(c, err);
        if (st == ET_END)
            break;
        if (st != ET_OK)
            return st;
        int64_t n_begun;
        const size_t n = et__window_rows(c, target - c->rows_begun, &n_begun);
        c->n_skip += et__window_values(c, n);
        c->rows_begun += n_begun;
        c->i_window += n;
        if (c->i_window < c->n_window)
            break; // the next level begins the row
    }
    if (c->rows_begun != target)
        return et__chunk_fail(c, "it has fewer rows than its row group", err);
    return ET_OK;
}

#include "format/parquet/parquet__hybrid.h"
#include "format/parquet/parquet__reader.h"

#include <assert.h>
#include <stdlib.h>

// A chunk up to this size is read at once; of a longer one, a page and the next header.
#define CHUNK_AT_ONCE_BYTES ((int64_t)1 << 20)

// Headers are some 30 bytes; those with long statistics are read with a second look.
#define HEAD_BYTES ((size_t)4096)
#define HEAD_BYTES_MAX ((size_t)1 << 20)

enum et_status et__pages_open(struct et__pages *pages, struct et_parquet_reader *reader,
                              struct et_err *err)
{
    *pages = (struct et__pages){.reader = reader};
    const size_t page_max = reader->options.page_bytes_max;
    const size_t extra = HEAD_BYTES_MAX + (size_t)CHUNK_AT_ONCE_BYTES + ET__PARQUET_PAD_BYTES;
    // A packed page may be a little longer than an unpacked one.
    pages->ahead = et_buf(page_max > SIZE_MAX / 4 ? SIZE_MAX / 2 : 2 * page_max + extra);
    return et__codec_open(&pages->codec, err);
}

void et__pages_close(struct et__pages *pages)
{
    et__codec_close(pages->codec);
    et_buf_free(&pages->ahead);
    free(pages->block);
    pages->block = NULL;
    pages->codec = NULL;
}

void et__pages_begin(struct et__pages *pages, const struct et__parquet_chunk *chunk)
{
    pages->codec_kind = chunk->codec;
    pages->at = chunk->start;
    pages->chunk_end = chunk->start + chunk->n_bytes;
}

/* Makes sure that the n bytes at offset, or what the file has of them, lie in `ahead`; *p points
 * at them and *n_there says how many there are. */
static enum et_status look(struct et__pages *pages, int64_t offset, size_t n, const uint8_t **p,
                           size_t *n_there, struct et_err *err)
{
    const int64_t end = pages->reader->data_end;
    const size_t n_file = offset < end ? (size_t)(end - offset) : 0;
    if (n > n_file)
        n = n_file;
    const int64_t ahead_end = pages->ahead_at + (int64_t)pages->ahead.n;
    if (offset < pages->ahead_at || offset + (int64_t)n > ahead_end) {
        // A short chunk at once, of a longer one what is wanted and the next header.
        const int64_t chunk_left = pages->chunk_end - offset;
        size_t now = n + HEAD_BYTES;
        if (chunk_left > 0 && (chunk_left <= CHUNK_AT_ONCE_BYTES || now > (size_t)chunk_left))
            now = n > (size_t)chunk_left ? n : (size_t)chunk_left;
        if (now > n_file)
            now = n_file;
        et_buf_clear(&pages->ahead);
        uint8_t *to = et_buf_reserve(&pages->ahead, now + ET__PARQUET_PAD_BYTES);
        if (!to)
            return et_buf_check(&pages->ahead, "a page", err);
        const enum et_status st = et__reader_read(pages->reader, offset, to, now, err);
        if (st != ET_OK)
            return st;
        memset(to + now, 0, ET__PARQUET_PAD_BYTES);
        pages->ahead.n = now;
        pages->ahead_at = offset;
    }
    const size_t skip = (size_t)(offset - pages->ahead_at);
    *p = (const uint8_t *)pages->ahead.p + skip;
    *n_there = pages->ahead.n - skip;
    return ET_OK;
}

static enum et_status fail(const struct et__page *page, const char *what, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, page->at, "the page at byte %lld is damaged: %s",
                   (long long)page->at, what);
}

/* Everything that a header claims is held against what can be, before memory is taken for it. */
static enum et_status check_head(const struct et__pages *pages, const struct et__page *page,
                                 struct et_err *err)
{
    const size_t page_max = pages->reader->options.page_bytes_max;
    if (page->type < ET__PAGE_DATA || page->type > ET__PAGE_DATA_V2)
        return et_fail(err, ET_EUNSUPPORTED, page->at,
                       "the page at byte %lld has type %d, which is not read", (long long)page->at,
                       (int)page->type);
    if (page->n_packed < 0 || page->n_unpacked < 0)
        return fail(page, "its size is negative or missing", err);
    if (page->n_packed > pages->reader->data_end - page->body_at)
        return fail(page, "it reaches behind the end of the file's data", err);
    if (page->type == ET__PAGE_INDEX)
        return ET_OK;
    if (page->n_values < 0)
        return fail(page, "its number of values is negative or missing", err);
    if ((size_t)page->n_unpacked > page_max || (size_t)page->n_packed > 2 * page_max)
        return et_fail(
            err, ET_ELIMIT, page->at,
            "the page at byte %lld has %d bytes, more than the limit of %zu", (long long)page->at,
            (int)(page->n_unpacked > page->n_packed ? page->n_unpacked : page->n_packed), page_max);
    if (page->type != ET__PAGE_DATA_V2) {
        if (!et__codec_can_give(pages->codec_kind, (size_t)page->n_packed,
                                (size_t)page->n_unpacked))
            return fail(page, "its bytes cannot be that many when they are unpacked", err);
        return ET_OK;
    }
    const int64_t n_levels = (int64_t)page->n_rep_bytes + page->n_def_bytes;
    if (page->n_rep_bytes < 0 || page->n_def_bytes < 0 || n_levels > page->n_packed ||
        n_levels > page->n_unpacked)
        return fail(page, "its levels are longer than the page", err);
    if (page->n_rows < 0 || page->n_rows > page->n_values)
        return fail(page, "it has more rows than values", err);
    if (page->is_packed &&
        !et__codec_can_give(pages->codec_kind, (size_t)(page->n_packed - n_levels),
                            (size_t)(page->n_unpacked - n_levels)))
        return fail(page, "its bytes cannot be that many when they are unpacked", err);
    return ET_OK;
}

enum et_status et__pages_next(struct et__pages *pages, struct et__page *page, struct et_err *err)
{
    size_t n_head = 0, n_there = 0;
    for (size_t n = HEAD_BYTES;; n *= 16) {
        const uint8_t *p = NULL;
        enum et_status st = look(pages, pages->at, n, &p, &n_there, err);
        if (st != ET_OK)
            return st;
        bool is_short = false;
        page->at = pages->at;
        if (et__page_read(page, p, n_there, &n_head, &is_short, err))
            break;
        // It may be a long header, or a damaged one that seems to be.
        if (!is_short || n_there < n || n >= HEAD_BYTES_MAX)
            return ET_ECORRUPT;
    }
    const enum et_status st = check_head(pages, page, err);
    if (st == ET_OK)
        pages->at = page->body_at + page->n_packed;
    return st;
}

/* Room for n bytes in pages->block; what was there is lost. */
static uint8_t *make_room(struct et__pages *pages, size_t n)
{
    if (!pages->block || pages->block->n_bytes < n) {
        free(pages->block);
        pages->block = et__block_new(n + n / 8); // pages differ a little in size
    }
    return pages->block ? pages->block->bytes : NULL;
}

/* The values of a body, unpacked or copied when need be. */
static enum et_status unpack(struct et__pages *pages, const struct et__page *page,
                             struct et_str packed, size_t n_unpacked, bool must_own,
                             struct et_str *values, struct et_err *err)
{
    const bool is_packed =
        pages->codec_kind != ET_PARQUET_NONE && (page->type != ET__PAGE_DATA_V2 || page->is_packed);
    if (!is_packed && packed.n != n_unpacked)
        return fail(page, "it is not packed, and its two sizes differ", err);
    if (!is_packed && !must_own) {
        *values = packed;
        return ET_OK;
    }
    uint8_t *to = make_room(pages, n_unpacked);
    if (!to)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a page");
    *values = (struct et_str){(const char *)to, n_unpacked};
    if (is_packed && n_unpacked > 0)
        return et__codec_decompress(pages->codec, pages->codec_kind, packed, to, n_unpacked,
                                    page->at, err);
    if (n_unpacked > 0 && packed.p)
        memcpy(to, packed.p, n_unpacked);
    return ET_OK;
}

enum et_status et__pages_body(struct et__pages *pages, const struct et__page *page, bool must_own,
                              struct et__page_body *body, struct et_err *err)
{
    const uint8_t *p = NULL;
    size_t n_there = 0;
    const size_t n_packed = (size_t)page->n_packed, n_unpacked = (size_t)page->n_unpacked;

    *body = (struct et__page_body){0};
    enum et_status st = look(pages, page->body_at, n_packed, &p, &n_there, err);
    if (st != ET_OK)
        return st;
    assert(p && n_there >= n_packed); // check_head held the size against the file's end
    if (pages->reader->options.check_crc && page->has_crc &&
        et__codec_crc(p, n_packed) != page->crc)
        return fail(page, "its checksum is wrong", err);

    size_t n_levels = 0;
    if (page->type == ET__PAGE_DATA_V2) {
        const size_t n_rep = (size_t)page->n_rep_bytes, n_def = (size_t)page->n_def_bytes;
        body->rep = (struct et_str){(const char *)p, n_rep};
        body->def = (struct et_str){(const char *)p + n_rep, n_def};
        n_levels = n_rep + n_def;
    }
    const struct et_str packed = {(const char *)p + n_levels, n_packed - n_levels};
    return unpack(pages, page, packed, n_unpacked - n_levels, must_own, &body->values, err);
}

#include "etude/mcap_scan.h"

#include "etude/file.h"
#include "format/mcap/mcap__record.h"

#include <stdlib.h>

#define READ_BYTES ((size_t)1 << 18)
#define ARENA_BYTES ((size_t)16 << 20) // lists of one record

/* Bytes of the file from `at` on, read ahead. */
struct window {
    char *p;
    size_t cap, n;
    int64_t at;
};

struct et_mcap_scan {
    struct et_file *file;
    int64_t n_bytes; // of the file
    int64_t pos;     // of the next record outside of chunks
    struct window window;
    struct et_arena *arena;
    struct et_arena_mark mark;

    struct et__mcap_codec *codec;
    char *chunk_buf;
    size_t chunk_cap;
    struct et_str inside; // records of the open chunk that were not given yet
    int64_t chunk_at;     // −1: no chunk is open
    bool is_chunk_due;    // the chunk's head was given, its records are not opened yet
    int64_t n_bad;        // of a record in the chunk that is wrong in itself alone; 0: none
    bool has_given;       // of the open chunk
    struct et__mcap_chunk chunk;

    uint32_t crc;     // over every byte so far, or since the data ended
    bool is_crc_good; // no byte was left out
    int64_t crc_at;   // where that CRC begins
    bool is_data_over, is_over;
    bool is_header_due;  // nothing was read yet
    bool is_header_lost; // the first record is another one, and is still to be given
    int last_op;         // outside of chunks
};

/* ---- bytes ---- */

// n bytes at `at`, which the file has; valid until the next call. NULL: *st says why.
static const char *look(struct et_mcap_scan *s, int64_t at, size_t n, enum et_status *st,
                        struct et_err *err)
{
    struct window *w = &s->window;
    *st = ET_OK;
    if (at >= w->at && (uint64_t)(at - w->at) + n <= w->n)
        return w->p + (at - w->at);
    const int64_t left = s->n_bytes - at;
    size_t want = n > READ_BYTES ? n : READ_BYTES;
    want = (int64_t)want > left ? (size_t)left : want;
    w->n = 0;
    if (want > w->cap) {
        free(w->p);
        w->cap = 0;
        w->p = malloc(want);
        if (!w->p) {
            *st = et_fail(err, ET_ENOMEM, at, "no memory for %zu bytes of a record", want);
            return NULL;
        }
        w->cap = want;
    }
    *st = et_file_read_exact(s->file, at, w->p, want, err);
    if (*st != ET_OK)
        return NULL;
    w->at = at;
    w->n = want;
    return w->p;
}

/* ---- opening ---- */

static enum et_status check_magic(struct et_mcap_scan *s, struct et_err *err)
{
    enum et_status st;
    if (s->n_bytes < ET__MCAP_MAGIC_BYTES)
        return et_fail(err, ET_ECORRUPT, 0, "%s: %lld bytes are no MCAP file",
                       et_file_path(s->file), (long long)s->n_bytes);
    const char *p = look(s, 0, ET__MCAP_MAGIC_BYTES, &st, err);
    if (!p)
        return st;
    if (memcmp(p, ET__MCAP_MAGIC, ET__MCAP_MAGIC_BYTES) == 0)
        return ET_OK;
    if (memcmp(p, ET__MCAP_MAGIC, 5) == 0 && memcmp(p + 6, &ET__MCAP_MAGIC[6], 2) == 0)
        return et_fail(err, ET_EUNSUPPORTED, 5, "%s: MCAP version '%c', and we read '0'",
                       et_file_path(s->file), p[5]);
    return et_fail(err, ET_ECORRUPT, 0, "%s: not an MCAP file (no magic at its beginning)",
                   et_file_path(s->file));
}

enum et_status et_mcap_scan_open(struct et_mcap_scan **scan, const char *path, struct et_err *err)
{
    *scan = NULL;
    struct et_mcap_scan *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for reading %.200s", path);
    s->chunk_at = -1;
    s->is_crc_good = s->is_header_due = true;
    enum et_status st = et_file_open(&s->file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(s->file, &s->n_bytes, err);
    if (st == ET_OK)
        st = et_arena_open(&s->arena, ARENA_BYTES, err);
    if (st == ET_OK) {
        s->mark = et_arena_mark(s->arena);
        st = check_magic(s, err);
    }
    if (st != ET_OK) {
        et_mcap_scan_close(s);
        return st;
    }
    s->pos = ET__MCAP_MAGIC_BYTES;
    s->crc = et__mcap_crc(0, ET__MCAP_MAGIC, ET__MCAP_MAGIC_BYTES);
    *scan = s;
    return ET_OK;
}

void et_mcap_scan_close(struct et_mcap_scan *s)
{
    if (!s)
        return;
    et_file_close(s->file);
    et_arena_close(s->arena);
    et__mcap_codec_close(s->codec);
    free(s->window.p);
    free(s->chunk_buf);
    free(s);
}

/* ---- records in a chunk ---- */

static enum et_status next_inside(struct et_mcap_scan *s, struct et_mcap_record *r,
                                  struct et_err *err)
{
    const uint64_t n_left = s->inside.n;
    const uint64_t n = n_left >= ET__MCAP_HEAD_BYTES ? et__u64(s->inside.p + 1) : UINT64_MAX;
    if (n_left < ET__MCAP_HEAD_BYTES || n > n_left - ET__MCAP_HEAD_BYTES) {
        if (s->chunk.is_cut)
            return ET_AGAIN; // the last one is not whole: what is cut is told of the chunk
        return et_fail(err, ET_ECORRUPT, s->chunk_at,
                       "Chunk at %lld: a record of %llu bytes where %llu are left",
                       (long long)s->chunk_at, (unsigned long long)n, (unsigned long long)n_left);
    }
    r->op = (unsigned char)s->inside.p[0];
    r->at = s->chunk_at;
    r->is_in_chunk = true;
    r->content = (struct et_str){s->inside.p + ET__MCAP_HEAD_BYTES, (size_t)n};
    s->inside.p += ET__MCAP_HEAD_BYTES + n;
    s->inside.n -= ET__MCAP_HEAD_BYTES + (size_t)n;
    if (r->op <= ET_MCAP_DATA_END && !et__mcap_is_of_chunk(r->op)) {
        s->n_bad = ET__MCAP_HEAD_BYTES + (int64_t)n;
        return et_fail(err, ET_ECORRUPT, s->chunk_at,
                       "Chunk at %lld: a record of opcode %d, which no chunk can hold",
                       (long long)s->chunk_at, r->op);
    }
    const enum et_status st = et__mcap_parse(r, s->arena, err);
    s->n_bad = st == ET_ECORRUPT ? ET__MCAP_HEAD_BYTES + (int64_t)n : 0;
    s->has_given = s->has_given || st == ET_OK;
    return st;
}

/* ---- records of the file ---- */

// The end of the data, and of the file: their CRCs.
static enum et_status check_crc(struct et_mcap_scan *s, const struct et_mcap_record *r,
                                struct et_err *err)
{
    if (r->op == ET_MCAP_DATA_END) {
        if (r->as.data_end.crc && s->is_crc_good && r->as.data_end.crc != s->crc)
            return et_fail(err, ET_ECORRUPT, r->at, "DataEnd at %lld: the data's CRC does not hold",
                           (long long)r->at);
        s->is_data_over = true;
    }
    if (r->op == ET_MCAP_FOOTER && s->is_data_over) {
        const int64_t first = (int64_t)r->as.footer.summary_at;
        const char *p = r->content.p - ET__MCAP_HEAD_BYTES;
        const uint32_t crc = et__mcap_crc(s->crc, p, ET__MCAP_HEAD_BYTES + 16);
        if (first != 0 && first != s->crc_at)
            return et_fail(err, ET_ECORRUPT, r->at, "Footer at %lld: no summary begins at %lld",
                           (long long)r->at, (long long)first);
        if (r->as.footer.crc && s->is_crc_good && crc != r->as.footer.crc)
            return et_fail(err, ET_ECORRUPT, r->at,
                           "Footer at %lld: the summary's CRC does not hold", (long long)r->at);
    }
    return ET_OK;
}

// Takes a record's bytes into the running CRC.
static void count_crc(struct et_mcap_scan *s, const struct et_mcap_record *r)
{
    s->crc = et__mcap_crc(s->crc, r->content.p - ET__MCAP_HEAD_BYTES,
                          ET__MCAP_HEAD_BYTES + r->content.n);
    if (r->op == ET_MCAP_DATA_END) {
        s->crc = 0;
        s->crc_at = s->pos;
        s->is_crc_good = true;
    }
}

static enum et_status at_end(struct et_mcap_scan *s, struct et_err *err)
{
    enum et_status st;
    const int64_t left = s->n_bytes - s->pos;
    if (left < ET__MCAP_MAGIC_BYTES)
        return et_fail(err, ET_ECORRUPT, s->pos, "the file ends at %lld without its closing magic",
                       (long long)s->n_bytes);
    const char *p = look(s, s->pos, ET__MCAP_MAGIC_BYTES, &st, err);
    if (!p)
        return st;
    if (memcmp(p, ET__MCAP_MAGIC, ET__MCAP_MAGIC_BYTES) != 0)
        return et_fail(err, ET_ECORRUPT, s->pos, "no closing magic at %lld", (long long)s->pos);
    s->is_over = true;
    if (!s->is_data_over || s->last_op != ET_MCAP_FOOTER)
        return et_fail(err, ET_ECORRUPT, s->pos, "no %s before the closing magic at %lld",
                       s->is_data_over ? "Footer" : "DataEnd", (long long)s->pos);
    s->pos += ET__MCAP_MAGIC_BYTES;
    if (left > ET__MCAP_MAGIC_BYTES)
        return et_fail(err, ET_ECORRUPT, s->pos, "%lld bytes follow the closing magic",
                       (long long)(left - ET__MCAP_MAGIC_BYTES));
    return ET_END;
}

/* The head of the record at pos: its length within the file, or ET_ECORRUPT. For a chunk that the
 * file ends within, *n_here is what is there. */
static enum et_status read_head(struct et_mcap_scan *s, int *op, uint64_t *n, uint64_t *n_here,
                                struct et_err *err)
{
    enum et_status st;
    const uint64_t left = (uint64_t)(s->n_bytes - s->pos);
    if (left < ET__MCAP_HEAD_BYTES)
        return et_fail(err, ET_ECORRUPT, s->pos,
                       "the file ends at %lld, within the head of a record", (long long)s->n_bytes);
    const char *p = look(s, s->pos, ET__MCAP_HEAD_BYTES, &st, err);
    if (!p)
        return st;
    *op = (unsigned char)p[0];
    *n = et__u64(p + 1);
    *n_here = *n;
    if (*op == 0)
        return et_fail(err, ET_ECORRUPT, s->pos, "no record at %lld: opcode 0", (long long)s->pos);
    if (*n > left - ET__MCAP_HEAD_BYTES) {
        *n_here = left - ET__MCAP_HEAD_BYTES;
        if (*op != ET_MCAP_CHUNK_OP)
            return et_fail(err, ET_ECORRUPT, s->pos,
                           "%s at %lld: %llu bytes, and the file ends after %llu",
                           et_mcap_op_name(*op), (long long)s->pos, (unsigned long long)*n,
                           (unsigned long long)*n_here);
    }
    if (*n_here > ET_MCAP_CHUNK_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, s->pos, "%s at %lld: %llu bytes are more than %zu",
                       et_mcap_op_name(*op), (long long)s->pos, (unsigned long long)*n,
                       ET_MCAP_CHUNK_BYTES_MAX);
    return ET_OK;
}

static enum et_status next_outside(struct et_mcap_scan *s, struct et_mcap_record *r,
                                   struct et_err *err)
{
    uint64_t n = 0, n_here = 0;
    enum et_status st = read_head(s, &r->op, &n, &n_here, err);
    if (st != ET_OK)
        return st;
    const char *p = look(s, s->pos, ET__MCAP_HEAD_BYTES + (size_t)n_here, &st, err);
    if (!p)
        return st;
    r->at = s->pos;
    r->is_in_chunk = false;
    r->content = (struct et_str){p + ET__MCAP_HEAD_BYTES, (size_t)n_here};
    if (s->is_data_over && (r->op == ET_MCAP_MESSAGE || r->op == ET_MCAP_CHUNK_OP ||
                            r->op == ET_MCAP_ATTACHMENT || r->op == ET_MCAP_METADATA))
        return et_fail(err, ET_ECORRUPT, r->at, "%s at %lld: behind the end of the data",
                       et_mcap_op_name(r->op), (long long)r->at);
    st = et__mcap_parse(r, s->arena, err);
    if (st == ET_OK && r->op == ET_MCAP_CHUNK_OP)
        st = et__mcap_chunk_read(r->content, n, r->at, &s->chunk, err);
    if (st == ET_OK && r->op == ET_MCAP_ATTACHMENT && !et__mcap_attachment_holds(r->content))
        st = et_fail(err, ET_ECORRUPT, r->at, "Attachment at %lld: its CRC does not hold",
                     (long long)r->at);
    if (st == ET_OK)
        st = check_crc(s, r, err);
    if (st != ET_OK)
        return st;
    if (r->op == ET_MCAP_CHUNK_OP) {
        s->chunk_at = r->at;
        s->is_chunk_due = true;
        s->has_given = false;
    }
    s->pos += ET__MCAP_HEAD_BYTES + (int64_t)n_here;
    s->last_op = r->op;
    count_crc(s, r);
    return ET_OK;
}

static void close_chunk(struct et_mcap_scan *s)
{
    s->chunk_at = -1;
    s->is_chunk_due = false;
    s->inside.n = 0;
}

enum et_status et_mcap_scan_next(struct et_mcap_scan *s, struct et_mcap_record *record,
                                 struct et_err *err)
{
    et_arena_rewind(s->arena, s->mark);
    *record = (struct et_mcap_record){0};
    if (s->is_over)
        return ET_END;
    if (s->is_chunk_due) {
        // The stored bytes are still in the window: nothing was read since the head was given.
        const enum et_status st = et__mcap_chunk_open(
            &s->codec, &s->chunk, s->chunk_at, &s->chunk_buf, &s->chunk_cap, &s->inside, err);
        s->is_chunk_due = false;
        if (st != ET_OK) {
            s->inside.n = 0; // what does not hold is not given
            return st;
        }
    }
    if (s->inside.n > 0) {
        const enum et_status st = next_inside(s, record, err);
        if (st != ET_AGAIN)
            return st;
    }
    if (s->chunk_at >= 0 && s->chunk.is_cut)
        return et_fail(err, ET_ECORRUPT, s->chunk_at, "Chunk at %lld: the file ends within it",
                       (long long)s->chunk_at);
    close_chunk(s);
    // The closing magic is what follows the footer; nothing else looks like it.
    enum et_status st;
    const int64_t left = s->n_bytes - s->pos;
    if (left == ET__MCAP_MAGIC_BYTES || left < ET__MCAP_HEAD_BYTES)
        return at_end(s, err);
    const char *p = look(s, s->pos, ET__MCAP_HEAD_BYTES, &st, err);
    if (!p)
        return st;
    if (s->is_data_over && memcmp(p, ET__MCAP_MAGIC, ET__MCAP_MAGIC_BYTES) == 0)
        return at_end(s, err);
    if (s->is_header_due && p[0] != ET_MCAP_HEADER) {
        s->is_header_due = false;
        s->is_header_lost = true;
        return et_fail(err, ET_ECORRUPT, s->pos, "no Header at %lld", (long long)s->pos);
    }
    s->is_header_due = s->is_header_lost = false;
    return next_outside(s, record, err);
}

/* ---- behind damage ---- */

/* A place where a record of the spec begins whose length leads to another one, or to the end. The
 * heads are read apart, so that the window stays where the search is. */
static bool begins(struct et_mcap_scan *s, int64_t at)
{
    char p[ET__MCAP_HEAD_BYTES];
    for (int hop = 0; hop < 3; hop++) {
        const int64_t left = s->n_bytes - at;
        if (left == ET__MCAP_MAGIC_BYTES || left == 0)
            return hop > 0;
        if (left < ET__MCAP_HEAD_BYTES ||
            et_file_read_exact(s->file, at, p, sizeof p, NULL) != ET_OK)
            return false;
        const int op = (unsigned char)p[0];
        const uint64_t n = et__u64(p + 1);
        // Unknown opcodes may follow, but damage does not end with one.
        if (op == 0 || (op > ET_MCAP_DATA_END && (hop == 0 || op < 0x80)) ||
            n > (uint64_t)(left - ET__MCAP_HEAD_BYTES))
            return false;
        at += ET__MCAP_HEAD_BYTES + (int64_t)n;
    }
    return true;
}

// Something in the open chunk, or all of it, is lost; its record was gone over already.
static enum et_status leave_chunk(struct et_mcap_scan *s, int64_t *n_skipped)
{
    if (s->n_bad > 0) { // one record of it, and the next begins behind it
        *n_skipped = s->n_bad;
        s->n_bad = 0;
        return ET_OK;
    }
    *n_skipped = s->has_given ? (int64_t)s->inside.n : s->pos - s->chunk_at;
    s->is_over = s->chunk.is_cut;
    close_chunk(s);
    return s->is_over ? ET_END : ET_OK;
}

// True when the record at pos is wrong in its content only; it is gone over then.
static bool leave_record(struct et_mcap_scan *s, int64_t *n_skipped)
{
    int op = 0;
    uint64_t n = 0, n_here = 0;
    const enum et_status st = read_head(s, &op, &n, &n_here, NULL);
    if ((st != ET_OK && st != ET_ELIMIT) || op > ET_MCAP_DATA_END || n != n_here ||
        !begins(s, s->pos))
        return false;
    *n_skipped = ET__MCAP_HEAD_BYTES + (int64_t)n;
    s->pos += *n_skipped;
    s->last_op = op;
    if (op == ET_MCAP_DATA_END) { // the summary's CRC begins anew
        s->is_data_over = s->is_crc_good = true;
        s->crc = 0;
        s->crc_at = s->pos;
    }
    return true;
}

enum et_status et_mcap_scan_resync(struct et_mcap_scan *s, int64_t *n_skipped, struct et_err *err)
{
    *n_skipped = 0;
    if (s->is_over)
        return ET_END;
    if (s->is_header_lost)
        return ET_OK;
    s->is_crc_good = false;
    if (s->chunk_at >= 0)
        return leave_chunk(s, n_skipped);
    if (leave_record(s, n_skipped))
        return ET_OK;
    const int64_t first = s->pos;
    for (int64_t at = first + 1; s->n_bytes - at >= ET__MCAP_HEAD_BYTES; at++) {
        enum et_status st;
        const char *p = look(s, at, ET__MCAP_HEAD_BYTES, &st, err);
        if (!p)
            return st;
        // Most bytes are told from a record here, without a look at where its length leads.
        const unsigned op = (unsigned char)p[0];
        if (op - 1 >= ET_MCAP_DATA_END ||
            et__u64(p + 1) > (uint64_t)(s->n_bytes - at - ET__MCAP_HEAD_BYTES) || !begins(s, at))
            continue;
        s->pos = at;
        *n_skipped = at - first;
        return ET_OK;
    }
    *n_skipped = s->n_bytes - first;
    s->pos = s->n_bytes;
    s->is_over = true;
    return ET_END;
}

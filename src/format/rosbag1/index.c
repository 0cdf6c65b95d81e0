/* What is in a bag: by its index, or by a walk through the whole file. */
#include "format/rosbag1/rosbag1__reader.h"

#include <stdio.h>
#include <stdlib.h>

static struct et__bag_block *block_add(struct et_rosbag1_reader *r, int64_t at, bool is_raw)
{
    struct et__bag_block *grown =
        et__bag_grow(r->arena, r->blocks, r->n_blocks, &r->cap_blocks, sizeof *r->blocks);
    if (!grown)
        return NULL;
    r->blocks = grown;
    struct et__bag_block *b = &r->blocks[r->n_blocks++];
    *b = (struct et__bag_block){
        .at = at, .limit = at, .start_ns = INT64_MAX, .end_ns = INT64_MIN, .is_raw = is_raw};
    return b;
}

static enum et_status chunk_info(struct et_rosbag1_reader *r, const struct et__bag_record *record,
                                 const char *data, struct et_err *err)
{
    const struct et__bag_header *h = &record->header;
    if (h->chunk_pos > INT64_MAX || (uint64_t)h->count * 8 != record->n_data)
        return ET_AGAIN;
    struct et__bag_block *b = block_add(r, (int64_t)h->chunk_pos, false);
    if (!b)
        return et_arena_fail(r->arena, "the list of chunks", err);
    int64_t n = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        const size_t k = et__bag_connection_find(r, et__bag_u32(data + 8 * (size_t)i));
        const uint32_t count = et__bag_u32(data + 8 * (size_t)i + 4);
        if (k == SIZE_MAX)
            return ET_AGAIN;
        r->connections[k].n_messages += count;
        n += count;
    }
    r->info.n_messages += n;
    b->is_known = true;
    if (n > 0) {
        b->start_ns = h->start_ns;
        b->end_ns = h->end_ns;
    }
    return n > 0 && b->start_ns > b->end_ns ? ET_AGAIN : ET_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct et__bag_block *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

// Chunks one behind the other, all before the index.
static enum et_status order_blocks(struct et_rosbag1_reader *r)
{
    if (r->n_blocks)
        qsort(r->blocks, r->n_blocks, sizeof *r->blocks, by_place);
    for (size_t i = 0; i < r->n_blocks; i++) {
        struct et__bag_block *b = &r->blocks[i];
        b->limit = i + 1 < r->n_blocks ? r->blocks[i + 1].at : (int64_t)r->head.index_pos;
        if (b->at < ET__BAG_MAGIC_BYTES || b->limit <= b->at)
            return ET_AGAIN;
    }
    return ET_OK;
}

static enum et_status walk_index(struct et_rosbag1_reader *r, struct et_str index,
                                 struct et_err *err)
{
    struct et__bag_record record;
    enum et_status st = ET_OK;
    for (size_t at = 0; st == ET_OK && at < index.n; at += record.n_head + record.n_data) {
        if (!et__bag_record_read(index.p + at, index.n - at, &record) ||
            record.n_data > index.n - at - record.n_head)
            return ET_AGAIN;
        const char *data = index.p + at + record.n_head;
        if (record.header.op == ET__BAG_CONNECTION)
            st = et__bag_connection_add(r, &record.header, (struct et_str){data, record.n_data},
                                        (int64_t)r->head.index_pos + (int64_t)at, err);
        else if (record.header.op == ET__BAG_CHUNK_INFO)
            st = chunk_info(r, &record, data, err);
        else
            st = ET_AGAIN;
    }
    if (st == ET_OK &&
        (r->n_connections != r->head.n_connections || r->n_blocks != r->head.n_chunks))
        st = ET_AGAIN;
    return st == ET_OK ? order_blocks(r) : st;
}

/* A chunk stands at every place that the index names, and ends before the next. */
static enum et_status check_chunks(struct et_rosbag1_reader *r, struct et_err *err)
{
    struct et__bag_record record;
    char p[512];
    size_t n;
    for (size_t i = 0; i < r->n_blocks; i++) {
        const struct et__bag_block *b = &r->blocks[i];
        const enum et_status st = et_file_read_at(r->file, b->at, p, sizeof p, &n, err);
        if (st != ET_OK)
            return st;
        if (!et__bag_record_read(p, n, &record) || record.header.op != ET__BAG_CHUNK ||
            b->at + (int64_t)record.n_head + record.n_data > b->limit)
            return ET_AGAIN;
    }
    return ET_OK;
}

static void forget_counts(struct et_rosbag1_reader *r)
{
    for (size_t i = 0; i < r->n_connections; i++)
        r->connections[i].n_messages = 0;
    r->info.n_messages = 0;
}

enum et_status et__bag_read_index(struct et_rosbag1_reader *r, struct et_err *err)
{
    const int64_t pos = r->head.index_pos > INT64_MAX ? INT64_MAX : (int64_t)r->head.index_pos;
    const int64_t n = r->info.n_bytes - pos;
    if (pos < ET__BAG_MAGIC_BYTES || n < 0)
        return ET_AGAIN; // never closed, or cut
    if ((uint64_t)n > r->memory_bytes)
        return et_fail(err, ET_ELIMIT, pos, "an index of %lld bytes is more than the memory of %zu",
                       (long long)n, r->memory_bytes);
    char *bytes = malloc((size_t)n + 1);
    if (!bytes)
        return et_fail(err, ET_ENOMEM, -1, "no memory for an index of %lld bytes", (long long)n);
    enum et_status st = et_file_read_exact(r->file, pos, bytes, (size_t)n, err);
    if (st == ET_OK)
        st = walk_index(r, (struct et_str){bytes, (size_t)n}, err);
    free(bytes);
    if (st == ET_OK)
        st = check_chunks(r, err);
    if (st == ET_AGAIN) {
        forget_counts(r);
        r->n_blocks = 0;
        et__bag_remark(r, ET_ROSBAG1_INDEX, pos, 0, "the index does not hold; not used");
    }
    return st;
}

/* ---- without an index ---- */

/* A part of the file in memory, for headers. */
struct window {
    struct et_rosbag1_reader *r;
    char *p;
    int64_t at;
    size_t n;
};
#define WINDOW_BYTES ((size_t)1 << 16)

// The bytes from `at` on: at least ET__BAG_FOUND_BYTES unless the file ends.
static enum et_status look(struct window *w, int64_t at, const char **p, size_t *n,
                           struct et_err *err)
{
    const int64_t end = w->at + (int64_t)w->n;
    if (at < w->at || at + (int64_t)ET__BAG_FOUND_BYTES > end) {
        const enum et_status st = et_file_read_at(w->r->file, at, w->p, WINDOW_BYTES, &w->n, err);
        w->at = at;
        if (st != ET_OK)
            return st;
    }
    *p = w->p + (at - w->at);
    *n = w->n - (size_t)(at - w->at);
    return ET_OK;
}

static enum et_status record_at(struct window *w, int64_t at, struct et__bag_record *record,
                                bool *is_record, struct et_err *err)
{
    const char *p;
    size_t n;
    const enum et_status st = look(w, at, &p, &n, err);
    *is_record = st == ET_OK &&
                 et__bag_record_read(p, n < ET__BAG_FOUND_BYTES ? n : ET__BAG_FOUND_BYTES, record);
    return st;
}

// A kind that stands in chunks; connections also stand in the index.
static bool holds_messages(const struct et__bag_header *h)
{
    return h->op == ET__BAG_MESSAGE || h->op == ET__BAG_CONNECTION;
}

/* The next record from `at` on. Behind a packed chunk only what never stands in one (is_outer). */
static enum et_status resync(struct window *w, int64_t at, bool is_outer, int64_t *found,
                             struct et_err *err)
{
    struct et__bag_record record = {0};
    bool is_record = false;
    enum et_status st = ET_OK;
    for (; at < w->r->info.n_bytes && st == ET_OK; at++) {
        st = record_at(w, at, &record, &is_record, err);
        if (!is_record || (is_outer && holds_messages(&record.header)))
            continue;
        // A length that leaves the file is no find, but for the chunk that was being written.
        if (record.header.op == ET__BAG_CHUNK ||
            at + (int64_t)record.n_head + record.n_data <= w->r->info.n_bytes)
            break;
    }
    *found = at;
    return st;
}

static void remark(struct et_rosbag1_reader *r, enum et_rosbag1_fault fault, int64_t at,
                   int64_t n_bytes, const char *what)
{
    char text[160];
    (void)snprintf(text, sizeof text, "%s at %lld", what, (long long)at);
    et__bag_remark(r, fault, at, n_bytes, text);
}

static enum et_status add_raw(struct et_rosbag1_reader *r, int64_t at, int64_t end,
                              struct et_err *err)
{
    struct et__bag_block *b = r->n_blocks ? &r->blocks[r->n_blocks - 1] : NULL;
    if (!b || !b->is_raw || b->limit != at || end - b->at > (int64_t)ET__BAG_RAW_BYTES)
        b = block_add(r, at, true);
    if (!b)
        return et_arena_fail(r->arena, "the list of chunks", err);
    b->limit = end;
    return ET_OK;
}

/* The chunk whose record is at `at`; *next is where to go on. */
static enum et_status add_chunk(struct window *w, int64_t at, const struct et__bag_record *record,
                                int64_t *next, struct et_err *err)
{
    struct et_rosbag1_reader *r = w->r;
    struct et__bag_record behind;
    bool is_record = false;
    const int64_t data = at + (int64_t)record->n_head, end = data + record->n_data;
    const bool is_plain = et_str_is(record->header.compression, "none");
    const bool is_open = record->n_data == 0 && record->header.size == 0;
    const bool is_cut = end > r->info.n_bytes;
    r->info.n_chunks++;
    *next = data;
    if (is_cut && is_plain)
        remark(r, ET_ROSBAG1_CUT, at, 0, "the file ends within the chunk");
    if (is_plain && (is_open || is_cut))
        return ET_OK; // its records are walked where they lie
    if (is_plain && record->n_data != record->header.size) {
        remark(r, ET_ROSBAG1_DAMAGE, at, 0, "a plain chunk of two sizes");
        return ET_OK;
    }
    enum et_status st = ET_OK;
    if (!is_cut && end < r->info.n_bytes)
        st = record_at(w, end, &behind, &is_record, err);
    if (st != ET_OK)
        return st;
    if (is_open && (is_record || data == r->info.n_bytes))
        return ET_OK; // nothing was written into it
    const bool is_doubtful = !is_record && !is_open && end != r->info.n_bytes;
    if (is_doubtful && is_plain)
        return ET_OK; // its length may lie: its records are walked where they lie
    struct et__bag_block *b = block_add(r, at, false);
    if (!b)
        return et_arena_fail(r->arena, "the list of chunks", err);
    b->limit = is_cut || is_open ? r->info.n_bytes : end;
    int64_t found = r->info.n_bytes;
    if (is_doubtful)
        st = resync(w, data, true, &found, err);
    if (found < r->info.n_bytes)
        b->limit = found; // its length lies, and there is more
    else if (is_cut)
        remark(r, ET_ROSBAG1_CUT, at, 0, "the file ends within the chunk");
    *next = b->limit;
    return st;
}

/* Bytes that are no record. Behind records outside of chunks they belong to these: whoever walks
 * them finds whether the length of the last of them was wrong. */
static enum et_status pass_damage(struct window *w, int64_t at, int64_t *next, struct et_err *err)
{
    struct et_rosbag1_reader *r = w->r;
    const enum et_status st = resync(w, at + 1, false, next, err);
    if (st != ET_OK)
        return st;
    struct et__bag_block *b = r->n_blocks ? &r->blocks[r->n_blocks - 1] : NULL;
    const bool is_behind =
        b && b->is_raw && b->limit == at && *next - b->at <= 2 * (int64_t)ET__BAG_RAW_BYTES;
    if (is_behind)
        b->limit = *next;
    if (*next == r->info.n_bytes)
        remark(r, ET_ROSBAG1_CUT, at, *next - at, "the file ends within what begins");
    else if (!is_behind)
        remark(r, ET_ROSBAG1_DAMAGE, at, *next - at, "bytes that are no record");
    return ET_OK;
}

/* A record that holds no messages is passed, unless nothing stands where it says that it ends. */
static enum et_status pass_other(struct window *w, int64_t at, int64_t data, int64_t *next,
                                 struct et_err *err)
{
    struct et__bag_record behind;
    bool is_record = true;
    if (*next >= w->r->info.n_bytes)
        return ET_OK;
    enum et_status st = record_at(w, *next, &behind, &is_record, err);
    if (st != ET_OK || is_record)
        return st;
    remark(w->r, ET_ROSBAG1_DAMAGE, at, 0, "no record behind the record");
    return resync(w, data, false, next, err);
}

static enum et_status walk_file(struct window *w, struct et_err *err)
{
    struct et_rosbag1_reader *r = w->r;
    struct et__bag_record record;
    enum et_status st = ET_OK;
    for (int64_t at = ET__BAG_MAGIC_BYTES, next; st == ET_OK && at < r->info.n_bytes; at = next) {
        bool is_record;
        st = record_at(w, at, &record, &is_record, err);
        if (st != ET_OK)
            return st;
        const int64_t data = is_record ? at + (int64_t)record.n_head : at;
        next = is_record ? data + record.n_data : at;
        if (is_record && record.header.op == ET__BAG_CHUNK)
            st = add_chunk(w, at, &record, &next, err);
        else if (!is_record || next > r->info.n_bytes)
            st = pass_damage(w, at, &next, err);
        else if (holds_messages(&record.header))
            st = add_raw(r, at, next, err);
        else
            st = pass_other(w, at, data, &next, err);
    }
    return st;
}

static enum et_status load_some(struct et_rosbag1_reader *r, bool is_index, struct et_err *err)
{
    enum et_status st = ET_OK;
    struct et__bag_open open = {0};
    for (size_t i = 0; i < r->n_blocks && st == ET_OK; i++) {
        const struct et__bag_block *b = &r->blocks[i];
        const bool is_behind = r->info.is_finished && (uint64_t)b->at >= r->head.index_pos;
        if ((b->is_raw && is_behind) == is_index)
            st = et__bag_block_load(r, i, false, r->memory_bytes, &open, err);
    }
    et__bag_open_free(&open);
    return st;
}

// What stands where the index should be is first: it holds what there is to say of connections.
static enum et_status load_all(struct et_rosbag1_reader *r, struct et_err *err)
{
    const enum et_status st = load_some(r, true, err);
    return st == ET_OK ? load_some(r, false, err) : st;
}

/* Messages whose connection is found only behind them (the record before them is damaged) are there
 * at a second look. */
static enum et_status load_blocks(struct et_rosbag1_reader *r, struct et_err *err)
{
    struct et_rosbag1_remark before[ET_ROSBAG1_N_FAULTS];
    memcpy(before, r->remarks, sizeof before);
    const enum et_status st = load_all(r, err);
    if (st != ET_OK || r->remarks[ET_ROSBAG1_ORPHAN].n == 0)
        return st;
    memcpy(r->remarks, before, sizeof before);
    et__bag_list_remarks(r);
    forget_counts(r);
    for (size_t i = 0; i < r->n_blocks; i++)
        r->blocks[i].is_told = false;
    return load_all(r, err);
}

enum et_status et__bag_read_all(struct et_rosbag1_reader *r, struct et_err *err)
{
    struct window w = {.r = r, .p = malloc(WINDOW_BYTES)};
    if (!w.p)
        return et_fail(err, ET_ENOMEM, -1, "no memory to look through a bag");
    enum et_status st = walk_file(&w, err);
    free(w.p);
    return st == ET_OK ? load_blocks(r, err) : st;
}

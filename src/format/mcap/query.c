/* Messages in the order of their times. The blocks of a file overlap a little, or not at all: as
 * many are open as overlap where the reader is, each with its messages sorted, and a heap gives the
 * one whose next message is first. */
#include "format/mcap/mcap__reader.h"

#include <stdlib.h>
#include <string.h>

/* ---- the query ---- */

static int compare_blocks(const struct et__block *a, const struct et__block *b, bool by_place)
{
    if (!by_place && a->start_ns != b->start_ns)
        return a->start_ns < b->start_ns ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

// Merge sort of the blocks' numbers: they are nearly sorted, and few.
static void sort_order(const struct et__block *blocks, size_t *order, size_t n, size_t *scratch,
                       bool by_place)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t first = 0; first < n; first += 2 * width) {
            const size_t middle = first + width < n ? first + width : n;
            const size_t end = middle + width < n ? middle + width : n;
            size_t i = first, k = middle;
            for (size_t to = first; to < end; to++) {
                const bool is_left =
                    i < middle && (k >= end || compare_blocks(&blocks[order[i]], &blocks[order[k]],
                                                              by_place) <= 0);
                scratch[to] = is_left ? order[i++] : order[k++];
            }
        }
        memcpy(order, scratch, n * sizeof *order);
    }
}

static bool is_asked_for(const struct et_mcap_reader *r, const struct et__block *block)
{
    if (block->end_ns < r->from_ns || block->start_ns >= r->to_ns)
        return false;
    for (size_t i = 0; !r->wants_all && i < block->n_channels; i++)
        if (r->asked[block->channels[i]] == ET__ASKED)
            return true;
    return r->wants_all || !block->channels;
}

static void close_all(struct et_mcap_reader *r)
{
    r->has_given = false;
    r->n_open = 0;
    r->open_bytes = 0;
}

enum et_status et_mcap_query(struct et_mcap_reader *r, const struct et_mcap_query *query,
                             struct et_err *err)
{
    const struct et_mcap_query everything = {0}, *q = query ? query : &everything;
    r->is_running = false;
    close_all(r);
    r->wants_all = q->channels == NULL;
    memset(r->asked, ET__NO_CHANNEL, sizeof r->asked);
    for (size_t i = 0; i < r->ids.n_channels; i++)
        r->asked[r->ids.channels[i].id] = r->wants_all ? ET__ASKED : ET__NOT_ASKED;
    for (size_t i = 0; q->channels && i < q->n_channels; i++) {
        if (!et_mcap_channel(r, q->channels[i]))
            return et_fail(err, ET_EARG, q->channels[i], "%s: there is no channel %u",
                           et_file_path(r->file), q->channels[i]);
        r->asked[q->channels[i]] = ET__ASKED;
    }
    r->from_ns = q->from_ns;
    r->to_ns = q->to_ns > 0 ? q->to_ns : INT64_MAX;
    r->in_file_order = q->in_file_order;
    size_t *order = et__mcap_regrow(r->order, 0, (2 * r->n_blocks + 1) * sizeof *order);
    if (!order)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the order of %zu chunks", r->n_blocks);
    r->order = order;
    r->n_order = r->next_order = 0;
    for (size_t i = 0; i < r->n_blocks; i++)
        if (is_asked_for(r, &r->blocks[i]))
            order[r->n_order++] = i;
    sort_order(r->blocks, order, r->n_order, order + r->n_blocks, r->in_file_order);
    r->last_ns = INT64_MIN;
    r->is_running = true;
    return ET_OK;
}

/* ---- the messages of a block ---- */

// What is wrong in a block is told once, however often it is read.
static void tell(struct et_mcap_reader *r, const struct et__block *block, enum et_mcap_fault fault,
                 int64_t n_bytes, const char *text)
{
    if (!block->is_told)
        et__mcap_remark(r, fault, block->at, n_bytes, text);
}

static bool make_room(struct et__open_block *open)
{
    if (open->n_entries < open->cap_entries)
        return true;
    const size_t cap = open->cap_entries ? 2 * open->cap_entries : open->records.n / 64 + 64;
    struct et__entry *grown =
        et__mcap_regrow(open->entries, open->n_entries * sizeof *grown, cap * sizeof *grown);
    if (!grown)
        return false;
    open->entries = grown;
    open->cap_entries = cap;
    return true;
}

// A record at p, of n bytes behind its head: whether it is a message that can be given.
static bool is_message(struct et_mcap_reader *r, const struct et__block *block, const char *p,
                       uint64_t n)
{
    const int op = (unsigned char)p[0];
    if (op != ET_MCAP_MESSAGE) {
        if (!block->is_raw && op <= ET_MCAP_DATA_END && !et__mcap_is_of_chunk(op))
            tell(r, block, ET_MCAP_CHUNK, 0, "a record in a chunk that none can hold");
        return false;
    }
    if (n < ET__MCAP_MESSAGE_BYTES ||
        (et__u64(p + ET__MCAP_HEAD_BYTES + 6) | et__u64(p + ET__MCAP_HEAD_BYTES + 14)) >> 63) {
        tell(r, block, ET_MCAP_DAMAGE, 0, "a message that is too short, or a time out of range");
        return false;
    }
    const uint8_t asked = r->asked[et__u16(p + ET__MCAP_HEAD_BYTES)];
    if (asked == ET__NO_CHANNEL)
        tell(r, block, ET_MCAP_ORPHAN, 0, "a message of a channel that is not there");
    return asked == ET__ASKED;
}

/* Makes an entry for every message that is asked for. ET_ENOMEM. */
static enum et_status list_messages(struct et_mcap_reader *r, const struct et__block *block,
                                    struct et__open_block *open, struct et_err *err)
{
    const char *const p = open->records.p;
    const size_t n = open->records.n;
    int64_t last = INT64_MIN;
    size_t at = 0;
    open->is_sorted = true;
    while (n - at >= ET__MCAP_HEAD_BYTES) {
        const uint64_t length = et__u64(p + at + 1);
        if (length > n - at - ET__MCAP_HEAD_BYTES)
            break;
        const size_t here = at;
        at += ET__MCAP_HEAD_BYTES + (size_t)length;
        if (!is_message(r, block, p + here, length))
            continue;
        const int64_t t_ns = (int64_t)et__u64(p + here + ET__MCAP_HEAD_BYTES + 6);
        if (t_ns < r->from_ns || t_ns >= r->to_ns)
            continue;
        if (!make_room(open))
            return et_fail(err, ET_ENOMEM, block->at, "no memory for the messages of a chunk");
        open->is_sorted = open->is_sorted && t_ns >= last;
        last = t_ns;
        open->entries[open->n_entries++] = (struct et__entry){t_ns, (uint32_t)here};
    }
    if (at < n)
        tell(r, block, ET_MCAP_CHUNK, (int64_t)(n - at), "a chunk that ends within a record");
    return ET_OK;
}

/* Puts entries that are a little late where they belong; false, with all of them there still and
 * equal ones in their order, when that takes too long. */
static bool insert_late(struct et__entry *entries, size_t n)
{
    size_t n_left = 16 * n;
    for (size_t i = 1; i < n; i++) {
        const struct et__entry late = entries[i];
        size_t k = i;
        for (; k > 0 && entries[k - 1].t_ns > late.t_ns; k--)
            entries[k] = entries[k - 1];
        entries[k] = late;
        if (i - k > n_left)
            return false;
        n_left -= i - k;
    }
    return true;
}

/* Stable, and quick where runs are in order already (natural merge sort, Knuth 5.2.4 N). */
static bool sort_entries(struct et__open_block *open)
{
    const size_t n = open->n_entries;
    if (insert_late(open->entries, n))
        return true;
    struct et__entry *from = open->entries;
    struct et__entry *to = et__mcap_regrow(open->scratch, 0, open->cap_entries * sizeof *to);
    if (!to)
        return false;
    open->scratch = to;
    for (bool is_sorted = false; !is_sorted;) {
        is_sorted = true;
        for (size_t first = 0; first < n;) {
            size_t middle = first + 1, end;
            while (middle < n && from[middle].t_ns >= from[middle - 1].t_ns)
                middle++;
            for (end = middle < n ? middle + 1 : n;
                 end < n && from[end].t_ns >= from[end - 1].t_ns;)
                end++;
            is_sorted = is_sorted && first == 0 && end == n;
            size_t i = first, k = middle;
            for (size_t at = first; at < end; at++) {
                const bool is_left = i < middle && (k >= end || from[i].t_ns <= from[k].t_ns);
                to[at] = is_left ? from[i++] : from[k++];
            }
            first = end;
        }
        struct et__entry *const other = from;
        from = to;
        to = other;
    }
    open->entries = from;
    open->scratch = to;
    return true;
}

/* The bytes of a block, and its records among them. */
static enum et_status load(struct et_mcap_reader *r, const struct et__block *block,
                           struct et__open_block *open, struct et_err *err)
{
    if ((size_t)block->n_bytes > open->file_cap) {
        char *grown = et__mcap_regrow(open->file_bytes, 0, (size_t)block->n_bytes);
        if (!grown)
            return et_fail(err, ET_ENOMEM, block->at, "no memory for a chunk of %lld bytes",
                           (long long)block->n_bytes);
        open->file_bytes = grown;
        open->file_cap = (size_t)block->n_bytes;
    }
    const size_t n = (size_t)block->n_bytes;
    const enum et_status st = et_file_read_exact(r->file, block->at, open->file_bytes, n, err);
    if (st != ET_OK)
        return st;
    if (block->is_raw) {
        open->records = (struct et_str){open->file_bytes, n};
        return ET_OK;
    }
    struct et__mcap_chunk chunk;
    const uint64_t length = n >= ET__MCAP_HEAD_BYTES ? et__u64(open->file_bytes + 1) : 0;
    if (n < ET__MCAP_HEAD_BYTES || open->file_bytes[0] != ET_MCAP_CHUNK_OP)
        return et_fail(err, ET_ECORRUPT, block->at, "no Chunk at %lld, where the index has one",
                       (long long)block->at);
    const size_t here = n - ET__MCAP_HEAD_BYTES;
    const struct et_str content = {open->file_bytes + ET__MCAP_HEAD_BYTES,
                                   length < here ? (size_t)length : here};
    const enum et_status read = et__mcap_chunk_read(content, length, block->at, &chunk, err);
    return read == ET_OK ? et__mcap_chunk_open(&r->codec, &chunk, block->at, &open->chunk_bytes,
                                               &open->chunk_cap, &open->records, err)
                         : read;
}

/* Opens the next block of the order; its messages join the heap. A block that does not hold is gone
 * over with a remark. */
static enum et_status open_next(struct et_mcap_reader *r, struct et_err *err)
{
    const size_t i_block = r->order[r->next_order++];
    struct et__block *block = &r->blocks[i_block];
    if (r->n_open == r->cap_open) {
        const size_t cap = 2 * r->cap_open + 4;
        struct et__open_block *grown =
            et__mcap_regrow(r->open, r->cap_open * sizeof *grown, cap * sizeof *grown);
        if (!grown)
            return et_fail(err, ET_ENOMEM, -1, "no memory for %zu open chunks", cap);
        memset(grown + r->cap_open, 0, (cap - r->cap_open) * sizeof *grown);
        r->open = grown;
        r->cap_open = cap;
    }
    struct et__open_block *open = &r->open[r->n_open];
    open->i_block = i_block;
    open->n_entries = open->next = 0;
    struct et_err bad = {0};
    enum et_status st = load(r, block, open, &bad);
    if (st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ELIMIT) {
        tell(r, block, strstr(bad.text, "CRC") ? ET_MCAP_CRC : ET_MCAP_CHUNK, block->n_bytes,
             bad.text);
        block->is_told = true;
        return ET_OK;
    }
    if (st != ET_OK)
        return et_fail(err, st, bad.at, "%s: %s", et_file_path(r->file), bad.text);
    st = list_messages(r, block, open, err);
    if (st != ET_OK)
        return st;
    if (!open->is_sorted && !r->in_file_order && !sort_entries(open))
        return et_fail(err, ET_ENOMEM, block->at, "no memory for the messages of a chunk");
    if (!r->in_file_order && open->n_entries > 0 && open->entries[0].t_ns < r->last_ns)
        tell(r, block, ET_MCAP_INDEX, 0, "a chunk holds messages from before its index says");
    block->is_told = true;
    if (open->n_entries == 0)
        return ET_OK;
    r->open_bytes += open->records.n + open->n_entries * sizeof *open->entries;
    if (r->n_open > 0 && r->open_bytes > r->memory_bytes)
        return et_fail(err, ET_ELIMIT, block->at,
                       "%s: %zu chunks overlap in time, more than %zu MB of memory hold",
                       et_file_path(r->file), r->n_open + 1, r->memory_bytes >> 20);
    r->n_open++;
    return ET_OK;
}

/* ---- the heap ---- */

static bool is_before(const struct et_mcap_reader *r, const struct et__open_block *a,
                      const struct et__open_block *b)
{
    const int64_t ta = a->entries[a->next].t_ns, tb = b->entries[b->next].t_ns;
    return ta != tb ? ta < tb : r->blocks[a->i_block].at < r->blocks[b->i_block].at;
}

static void swap(struct et__open_block *a, struct et__open_block *b)
{
    const struct et__open_block other = *a;
    *a = *b;
    *b = other;
}

static void sift_up(struct et_mcap_reader *r)
{
    for (size_t i = r->n_open - 1; i > 0 && is_before(r, &r->open[i], &r->open[(i - 1) / 2]);
         i = (i - 1) / 2)
        swap(&r->open[i], &r->open[(i - 1) / 2]);
}

static void sift_down(struct et_mcap_reader *r)
{
    for (size_t i = 0, child; (child = 2 * i + 1) < r->n_open; i = child) {
        if (child + 1 < r->n_open && is_before(r, &r->open[child + 1], &r->open[child]))
            child++;
        if (!is_before(r, &r->open[child], &r->open[i]))
            return;
        swap(&r->open[i], &r->open[child]);
    }
}

// The first open block has given its last message: its memory goes to the spare ones.
static void close_first(struct et_mcap_reader *r)
{
    const struct et__open_block *first = &r->open[0];
    r->open_bytes -= first->records.n + first->n_entries * sizeof *first->entries;
    r->n_open--;
    swap(&r->open[0], &r->open[r->n_open]);
    sift_down(r);
}

// Opens what begins before the next message.
static enum et_status fill(struct et_mcap_reader *r, struct et_err *err)
{
    while (r->next_order < r->n_order) {
        const struct et__block *next = &r->blocks[r->order[r->next_order]];
        if (r->n_open > 0 &&
            (r->in_file_order || next->start_ns > r->open[0].entries[r->open[0].next].t_ns))
            return ET_OK;
        const size_t n_open = r->n_open;
        const enum et_status st = open_next(r, err);
        if (st != ET_OK)
            return st;
        if (r->n_open > n_open)
            sift_up(r);
    }
    return ET_OK;
}

enum et_status et_mcap_next(struct et_mcap_reader *r, struct et_mcap_message *message,
                            struct et_err *err)
{
    if (!r->is_running)
        return ET_END;
    if (r->has_given && ++r->open[0].next == r->open[0].n_entries)
        close_first(r);
    else if (r->has_given && r->n_open > 1)
        sift_down(r);
    r->has_given = false;
    const enum et_status st = fill(r, err);
    if (st != ET_OK || r->n_open == 0) {
        r->is_running = false;
        close_all(r);
        return st == ET_OK ? ET_END : st;
    }
    const struct et__open_block *first = &r->open[0];
    const struct et__entry *entry = &first->entries[first->next];
    const char *p = first->records.p + entry->offset;
    const uint64_t n = et__u64(p + 1);
    p += ET__MCAP_HEAD_BYTES;
    r->last_ns = entry->t_ns;
    r->has_given = true;
    *message = (struct et_mcap_message){
        .channel_id = et__u16(p),
        .sequence = et__u32(p + 2),
        .log_time_ns = entry->t_ns,
        .publish_time_ns = (int64_t)et__u64(p + 14),
        .data = {p + ET__MCAP_MESSAGE_BYTES, (size_t)n - ET__MCAP_MESSAGE_BYTES},
        .at = r->blocks[first->i_block].at};
    return ET_OK;
}

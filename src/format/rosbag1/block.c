/* A block of a bag: read, decompressed, its records walked. */
#include "format/rosbag1/rosbag1__reader.h"

#include <stdio.h>
#include <stdlib.h>

void et__bag_open_free(struct et__bag_open *open)
{
    free(open->stored);
    free(open->unpacked);
    free(open->entries);
    *open = (struct et__bag_open){0};
}

static bool make_room(char **buf, size_t *cap, size_t n)
{
    if (n <= *cap)
        return true;
    char *grown = malloc(n);
    if (!grown)
        return false;
    free(*buf);
    *buf = grown;
    *cap = n;
    return true;
}

/* What a walk through records needs; `room` bounds the list of messages. */
struct walk {
    struct et_rosbag1_reader *r;
    struct et__bag_block *block;
    struct et__bag_open *open;
    struct et_str records;
    bool is_raw, is_cut; // records of all kinds may stand here; the last may be cut
    size_t room;
    int64_t start_ns, end_ns;
    int64_t n_orphans, n_bad_bytes;
};

static enum et_status entries_grow(struct walk *w, struct et_err *err)
{
    struct et__bag_open *open = w->open;
    // Most chunks hold messages of about one size: guess, then double.
    const size_t cap = open->cap_entries ? open->cap_entries * 2 : 1024;
    const size_t n_bytes = cap * sizeof *open->entries;
    if (n_bytes / 2 + open->stored_cap + open->unpacked_cap > w->room)
        return et_fail(err, ET_ELIMIT, w->block->at,
                       "a chunk's messages need more than the memory of %zu bytes",
                       w->r->memory_bytes);
    struct et__bag_entry *grown = malloc(n_bytes);
    if (!grown)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a chunk's messages");
    if (open->n_entries)
        memcpy(grown, open->entries, open->n_entries * sizeof *grown);
    free(open->entries);
    open->entries = grown;
    open->cap_entries = cap;
    return ET_OK;
}

static enum et_status add_message(struct walk *w, const struct et__bag_record *record, size_t data,
                                  struct et_err *err)
{
    struct et_rosbag1_reader *r = w->r;
    const int64_t t_ns = record->header.time_ns;
    const size_t i = et__bag_connection_find(r, record->header.connection);
    if (i == SIZE_MAX) {
        w->n_orphans++;
        return ET_OK;
    }
    w->start_ns = t_ns < w->start_ns ? t_ns : w->start_ns;
    w->end_ns = t_ns > w->end_ns ? t_ns : w->end_ns;
    if (!r->is_running) { // the scan of a file without an index counts
        r->connections[i].n_messages++;
        r->info.n_messages++;
        return ET_OK;
    }
    if (t_ns < r->from_ns || t_ns >= r->to_ns || (r->asked && (i >= r->n_asked || !r->asked[i])))
        return ET_OK;
    if (w->open->n_entries == w->open->cap_entries) {
        const enum et_status st = entries_grow(w, err);
        if (st != ET_OK)
            return st;
    }
    w->open->entries[w->open->n_entries++] =
        (struct et__bag_entry){t_ns, (uint32_t)i, (uint32_t)data, record->n_data, 0};
    return ET_OK;
}

/* A record of which all bytes are there, and that is followed by another or by the end. */
static bool is_whole(const struct walk *w, size_t at, const struct et__bag_record *record)
{
    const size_t n_left = w->records.n - at - record->n_head;
    if (record->n_data > n_left)
        return false;
    const size_t next = at + record->n_head + record->n_data;
    const size_t n_next = w->records.n - next;
    if (n_next == 0)
        return true;
    if (n_next < 4)
        return w->is_cut;
    // The next header's length and its first field's: cheap, and a wrong length seldom fits both.
    const size_t n_header = et__bag_u32(w->records.p + next);
    if (n_next < 8 || n_header > n_next - 4)
        return w->is_cut && n_header <= ET__BAG_HEADER_BYTES_MAX;
    const size_t n_field = et__bag_u32(w->records.p + next + 4);
    return n_header >= 4 && n_field <= n_header - 4;
}

static size_t next_record(const struct walk *w, size_t at)
{
    struct et__bag_record record;
    for (; at + 8 <= w->records.n; at++) {
        const size_t n = w->records.n - at;
        if (et__bag_record_read(w->records.p + at,
                                n < ET__BAG_FOUND_BYTES ? n : ET__BAG_FOUND_BYTES, &record) &&
            is_whole(w, at, &record))
            return at;
    }
    return w->records.n;
}

/* How many bytes of the record are passed; what is in it is taken. */
static enum et_status take(struct walk *w, size_t at, const struct et__bag_record *record,
                           size_t *n_passed, struct et_err *err)
{
    const size_t data = at + record->n_head;
    *n_passed = record->n_head + record->n_data;
    if (record->header.op == ET__BAG_MESSAGE)
        return add_message(w, record, data, err);
    if (record->header.op == ET__BAG_CONNECTION)
        return et__bag_connection_add(w->r, &record->header,
                                      (struct et_str){w->records.p + data, record->n_data},
                                      w->block->at, err);
    return ET_OK;
}

static enum et_status walk_records(struct walk *w, struct et_err *err)
{
    struct et__bag_record record = {0};
    enum et_status st = ET_OK;
    for (size_t at = 0, n; st == ET_OK && at < w->records.n; at += n) {
        const bool is_record = et__bag_record_read(w->records.p + at, w->records.n - at, &record);
        const bool steps_in = is_record && w->is_raw && record.header.op == ET__BAG_CHUNK &&
                              et_str_is(record.header.compression, "none");
        n = record.n_head;
        if (steps_in)
            continue;
        if (is_record && is_whole(w, at, &record)) {
            st = take(w, at, &record, &n, err);
            continue;
        }
        n = next_record(w, at + 1) - at;
        if (at + n < w->records.n || !w->is_cut)
            w->n_bad_bytes += (int64_t)n;
    }
    return st;
}

static int by_time(const void *a, const void *b)
{
    const struct et__bag_entry *x = a, *y = b;
    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void sort_entries(struct et__bag_open *open)
{
    size_t i = 1;
    while (i < open->n_entries && open->entries[i - 1].t_ns <= open->entries[i].t_ns)
        i++;
    if (i < open->n_entries)
        qsort(open->entries, open->n_entries, sizeof *open->entries, by_time);
}

// Told once a block, whether the index or the query finds it.
static void tell(const struct walk *w, enum et_rosbag1_fault fault, int64_t n_bytes,
                 const char *text)
{
    if (!w->block->is_told)
        et__bag_remark(w->r, fault, w->block->at, n_bytes, text);
}

static enum et_status parse(struct walk *w, bool must_sort, struct et_err *err)
{
    char text[160];
    w->start_ns = INT64_MAX;
    w->end_ns = INT64_MIN;
    w->open->records = w->records;
    w->open->n_entries = w->open->next = 0;
    const enum et_status st = walk_records(w, err);
    if (st != ET_OK)
        return st;
    if (w->n_bad_bytes) {
        (void)snprintf(text, sizeof text, "%lld bytes that are no record, in the block at %lld",
                       (long long)w->n_bad_bytes, (long long)w->block->at);
        tell(w, ET_ROSBAG1_DAMAGE, w->n_bad_bytes, text);
    }
    if (w->n_orphans) {
        (void)snprintf(text, sizeof text,
                       "%lld messages of connections that are not there, in the block at %lld",
                       (long long)w->n_orphans, (long long)w->block->at);
        tell(w, ET_ROSBAG1_ORPHAN, 0, text);
    }
    struct et__bag_block *b = w->block;
    if (w->start_ns <= w->end_ns) {
        if (b->is_known && (w->start_ns < b->start_ns || w->end_ns > b->end_ns))
            tell(w, ET_ROSBAG1_INDEX, 0, "a chunk's times are not what the index says");
        b->start_ns = !b->is_known || w->start_ns < b->start_ns ? w->start_ns : b->start_ns;
        b->end_ns = !b->is_known || w->end_ns > b->end_ns ? w->end_ns : b->end_ns;
        b->is_known = true;
    }
    b->is_told = true;
    if (must_sort)
        sort_entries(w->open);
    return ET_OK;
}

static enum et_status read_stored(struct walk *w, int64_t at, int64_t n, struct et_err *err)
{
    if ((uint64_t)n > w->room)
        return et_fail(err, ET_ELIMIT, at, "%lld bytes at %lld are more than the memory of %zu",
                       (long long)n, (long long)at, w->r->memory_bytes);
    if (!make_room(&w->open->stored, &w->open->stored_cap, (size_t)n + 1))
        return et_fail(err, ET_ENOMEM, -1, "no memory for a chunk of %lld bytes", (long long)n);
    w->records = (struct et_str){w->open->stored, (size_t)n};
    return et_file_read_exact(w->r->file, at, w->open->stored, (size_t)n, err);
}

static enum et_status load_raw(struct walk *w, bool must_sort, struct et_err *err)
{
    const struct et__bag_block *b = w->block;
    const enum et_status st = read_stored(w, b->at, b->limit - b->at, err);
    w->is_raw = true;
    w->is_cut = b->limit >= w->r->info.n_bytes;
    return st == ET_OK ? parse(w, must_sort, err) : st;
}

static enum et_status unpack(struct walk *w, const struct et__bag_header *h, bool *is_good,
                             struct et_err *err)
{
    // The chunk that was being written does not say its size; what comes out is bounded instead.
    const size_t room = h->size ? h->size : ET__BAG_RAW_BYTES * 2;
    enum et__unpacked how;
    size_t n = 0;
    if (room > ET_ROSBAG1_CHUNK_BYTES_MAX || room > w->room)
        return et_fail(err, ET_ELIMIT, w->block->at, "a chunk of %zu bytes is more than %zu", room,
                       w->room < ET_ROSBAG1_CHUNK_BYTES_MAX ? w->room : ET_ROSBAG1_CHUNK_BYTES_MAX);
    if (!make_room(&w->open->unpacked, &w->open->unpacked_cap, room))
        return et_fail(err, ET_ENOMEM, -1, "no memory for a chunk of %zu bytes", room);
    enum et_status st = et__bag_unpack(&w->r->codec, h->compression, w->records, w->open->unpacked,
                                       room, &n, &how, err);
    if (st == ET_EUNSUPPORTED)
        how = ET__UNPACKED_WRONG;
    else if (st != ET_OK)
        return st;
    const bool is_of_size = how == ET__UNPACKED_WHOLE && (h->size == 0 || n == h->size);
    *is_good = is_of_size || (w->is_cut && how == ET__UNPACKED_CUT) ||
               (w->is_cut && h->size == 0 && n > 0);
    w->records = (struct et_str){w->open->unpacked, n};
    return ET_OK;
}

static enum et_status load_packed(struct walk *w, const struct et__bag_record *record,
                                  bool must_sort, struct et_err *err)
{
    bool is_good = false;
    char text[160];
    const struct et_str name = record->header.compression;
    const enum et_status st = unpack(w, &record->header, &is_good, err);
    if (st != ET_OK)
        return st;
    if (is_good)
        return parse(w, must_sort, err);
    (void)snprintf(text, sizeof text,
                   "the chunk at %lld does not decompress to what it says (\"%.*s\")",
                   (long long)w->block->at, (int)(name.n < 20 ? name.n : 20), name.p);
    tell(w, ET_ROSBAG1_CHUNK, (int64_t)record->n_data, text);
    w->block->is_told = true;
    w->open->n_entries = w->open->next = 0;
    return ET_OK;
}

enum et_status et__bag_block_load(struct et_rosbag1_reader *r, size_t i_block, bool must_sort,
                                  size_t room, struct et__bag_open *open, struct et_err *err)
{
    struct et__bag_block *b = &r->blocks[i_block];
    struct walk w = {.r = r, .block = b, .open = open, .room = room};
    struct et__bag_record record;
    char head[4096];
    size_t got = 0;
    open->i_block = i_block;
    open->n_entries = open->next = 0;
    if (b->is_raw)
        return load_raw(&w, must_sort, err);
    enum et_status st = et_file_read_at(r->file, b->at, head, sizeof head, &got, err);
    if (st != ET_OK)
        return st;
    if (!et__bag_record_read(head, got, &record) || record.header.op != ET__BAG_CHUNK) {
        tell(&w, ET_ROSBAG1_DAMAGE, 0, "no chunk where the index says there is one");
        return load_raw(&w, must_sort, err);
    }
    const int64_t data = b->at + (int64_t)record.n_head;
    const bool is_open = record.n_data == 0 && record.header.size == 0;
    int64_t n = is_open ? b->limit - data : (int64_t)record.n_data;
    w.is_cut = is_open || data + n > r->info.n_bytes;
    n = data + n > r->info.n_bytes ? r->info.n_bytes - data : n;
    const bool is_plain = et_str_is(record.header.compression, "none");
    if (is_plain && (w.is_cut || record.n_data != record.header.size))
        return load_raw(&w, must_sort, err);
    st = read_stored(&w, data, n, err);
    if (st != ET_OK)
        return st;
    return is_plain ? parse(&w, must_sort, err) : load_packed(&w, &record, must_sort, err);
}

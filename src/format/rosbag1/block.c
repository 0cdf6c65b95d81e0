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

// What is spare is not counted: it is not written to.
static bool make_room(char **buf, size_t *cap, size_t n, size_t n_spare)
{
    if (n <= *cap)
        return true;
    char *grown = malloc(n + n_spare);
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
    struct et__bag_codec **codec;
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

/* Whether a record may begin with these n bytes: cheap, and a wrong length seldom leads to bytes
 * that pass. The last record of a file that was cut may end anywhere. */
static bool may_begin(const char *p, size_t n, bool is_cut)
{
    if (n < 8)
        return n == 0 || (is_cut && (n < 4 || et__bag_u32(p) <= ET__BAG_HEADER_BYTES_MAX));
    const size_t n_header = et__bag_u32(p), n_field = et__bag_u32(p + 4);
    const bool is_there = n_header <= n - 4 || (is_cut && n_header <= ET__BAG_HEADER_BYTES_MAX);
    return is_there && n_header >= 8 && n_field >= 4 && n_field <= n_header - 4 &&
           (n == 8 || (p[8] >= 'a' && p[8] <= 'z'));
}

/* A record of which all bytes are there, and that is followed by another or by the end. */
static bool is_whole(const struct walk *w, size_t at, const struct et__bag_record *record,
                     bool is_cut)
{
    const size_t n_left = w->records.n - at - record->n_head;
    if (record->n_data > n_left)
        return false;
    return may_begin(w->records.p + at + record->n_head + record->n_data, n_left - record->n_data,
                     is_cut);
}

static size_t next_record(const struct walk *w, size_t at, bool is_cut)
{
    struct et__bag_record record;
    for (; at + 8 <= w->records.n; at++) {
        const size_t n = w->records.n - at;
        if (et__bag_record_read(w->records.p + at,
                                n < ET__BAG_FOUND_BYTES ? n : ET__BAG_FOUND_BYTES, &record) &&
            is_whole(w, at, &record, is_cut))
            return at;
    }
    return w->records.n;
}

// The last before a cut: a wrong length leads there too, but then there are others within.
static bool is_last(const struct walk *w, size_t at, const struct et__bag_record *record)
{
    return w->is_cut && is_whole(w, at, record, true) &&
           next_record(w, at + 1, false) >= at + record->n_head + record->n_data;
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
        const char *p = w->records.p + at;
        const bool is_record = et__bag_message_read(p, w->records.n - at, &record) ||
                               et__bag_record_read(p, w->records.n - at, &record);
        const bool steps_in = is_record && w->is_raw && record.header.op == ET__BAG_CHUNK &&
                              et_str_is(record.header.compression, "none");
        n = record.n_head;
        if (steps_in)
            continue;
        if (is_record && (is_whole(w, at, &record, false) || is_last(w, at, &record))) {
            st = take(w, at, &record, &n, err);
            continue;
        }
        n = next_record(w, at + 1, w->is_cut) - at;
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

/* Messages are in order or a little late: the late ones are put where they belong. Where that
 * moves too many, the rest is sorted. */
static void sort_entries(struct et__bag_open *open)
{
    struct et__bag_entry *e = open->entries;
    size_t n_moves = 0;
    for (size_t i = 1; i < open->n_entries; i++) {
        if (e[i - 1].t_ns <= e[i].t_ns)
            continue;
        const struct et__bag_entry late = e[i];
        size_t k = i;
        for (; k > 0 && e[k - 1].t_ns > late.t_ns; k--)
            e[k] = e[k - 1];
        e[k] = late;
        n_moves += i - k;
        if (n_moves > 16 * open->n_entries) {
            qsort(e, open->n_entries, sizeof *e, by_time);
            return;
        }
    }
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
    if (!make_room(&w->open->stored, &w->open->stored_cap, (size_t)n + 1, 0))
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

/* A size that can never be held is believed only when as much does come out: a wrong byte in it
 * must not end the query. */
static enum et_status room_of(const struct walk *w, size_t size, size_t *room, struct et_err *err)
{
    const size_t used = w->open->stored_cap, left = w->room > used ? w->room - used : 0;
    const size_t most = left < ET_ROSBAG1_CHUNK_BYTES_MAX ? left : ET_ROSBAG1_CHUNK_BYTES_MAX;
    const bool can_be = size <= w->r->memory_bytes && size <= ET_ROSBAG1_CHUNK_BYTES_MAX;
    *room = can_be || size < most ? size : most;
    if (*room > most || *room == 0)
        return et_fail(err, ET_ELIMIT, w->block->at, "a chunk of %zu bytes is more than %zu", size,
                       most);
    return ET_OK;
}

// Much less came out than was said: the memory is for others.
static void shrink(struct et__bag_open *open, size_t n)
{
    char *small = malloc(n + 1 + ET__BAG_SPARE_BYTES);
    if (!small)
        return;
    memcpy(small, open->unpacked, n);
    free(open->unpacked);
    open->unpacked = small;
    open->unpacked_cap = n + 1;
}

/* How a packed chunk came out. */
struct unpacked {
    enum et__unpacked how;
    bool is_of_size;
};

static enum et_status unpack(struct walk *w, const struct et__bag_header *h, struct unpacked *u,
                             struct et_err *err)
{
    size_t room, n = 0;
    // The chunk that was being written does not say its size; what comes out is bounded instead.
    const size_t likely = ((size_t)1 << 20) + 256 * w->records.n, most = 2 * ET__BAG_RAW_BYTES;
    enum et_status st = room_of(w, h->size ? h->size : likely < most ? likely : most, &room, err);
    if (st != ET_OK)
        return st;
    if (!make_room(&w->open->unpacked, &w->open->unpacked_cap, room, ET__BAG_SPARE_BYTES))
        return et_fail(err, ET_ENOMEM, -1, "no memory for a chunk of %zu bytes", room);
    st = et__bag_unpack(w->codec, h->compression, w->records, w->open->unpacked, room, &n, &u->how,
                        err);
    if (st == ET_EUNSUPPORTED)
        u->how = ET__UNPACKED_WRONG;
    else if (st != ET_OK)
        return st;
    if (u->how != ET__UNPACKED_WHOLE && n >= room && room < h->size)
        return et_fail(err, ET_ELIMIT, w->block->at, "a chunk of %zu bytes is more than %zu",
                       (size_t)h->size, room);
    if (n < room / 2)
        shrink(w->open, n);
    if (h->size == 0 && n >= room)
        u->how = ET__UNPACKED_CUT;
    u->is_of_size = h->size == 0 || n == h->size;
    w->records = (struct et_str){w->open->unpacked, n};
    return ET_OK;
}

static enum et_status load_packed(struct walk *w, const struct et__bag_record *record,
                                  bool must_sort, struct et_err *err)
{
    struct unpacked u = {0};
    char text[160];
    const struct et_str name = record->header.compression;
    const enum et_status st = unpack(w, &record->header, &u, err);
    if (st != ET_OK)
        return st;
    const bool is_whole = u.how == ET__UNPACKED_WHOLE;
    const bool is_good = is_whole || (u.how == ET__UNPACKED_CUT && w->is_cut);
    if (!is_good || (is_whole && !u.is_of_size)) {
        (void)snprintf(text, sizeof text,
                       "the chunk at %lld does not decompress to what it says (\"%.*s\")",
                       (long long)w->block->at, (int)(name.n < 20 ? name.n : 20), name.p);
        tell(w, ET_ROSBAG1_CHUNK, is_good ? 0 : (int64_t)record->n_data, text);
    }
    if (is_good) // of another size: the stream's own end and checksum count
        return parse(w, must_sort, err);
    w->block->is_told = true;
    w->open->n_entries = w->open->next = 0;
    return ET_OK;
}

/* Where a block's bytes lie. */
struct place {
    char head[4096];
    struct et__bag_record record; // views of head
    int64_t data, n;              // as far as they are there
    bool is_chunk, is_plain;
};

static enum et_status find_chunk(struct walk *w, struct place *p, struct et_err *err)
{
    const struct et__bag_block *b = w->block;
    size_t got = 0;
    const enum et_status st =
        et_file_read_at(w->r->file, b->at, p->head, sizeof p->head, &got, err);
    if (st != ET_OK)
        return st;
    p->is_chunk =
        et__bag_record_read(p->head, got, &p->record) && p->record.header.op == ET__BAG_CHUNK;
    if (!p->is_chunk)
        return ET_OK;
    p->data = b->at + (int64_t)p->record.n_head;
    const bool is_open = p->record.n_data == 0 && p->record.header.size == 0;
    p->n = is_open ? b->limit - p->data : (int64_t)p->record.n_data;
    w->is_cut = is_open || p->data + p->n > w->r->info.n_bytes;
    const int64_t limit = b->limit > p->data ? b->limit : w->r->info.n_bytes;
    p->n = p->data + p->n > limit ? limit - p->data : p->n;
    p->is_plain = et_str_is(p->record.header.compression, "none");
    return ET_OK;
}

enum et_status et__bag_block_load(struct et_rosbag1_reader *r, size_t i_block, bool must_sort,
                                  size_t room, struct et__bag_open *open, struct et_err *err)
{
    struct et__bag_block *b = &r->blocks[i_block];
    struct walk w = {.r = r, .block = b, .open = open, .room = room, .codec = &r->codec};
    struct place p;
    open->i_block = i_block;
    open->n_entries = open->next = 0;
    if (b->is_raw)
        return load_raw(&w, must_sort, err);
    enum et_status st = find_chunk(&w, &p, err);
    if (st != ET_OK)
        return st;
    if (!p.is_chunk) {
        tell(&w, ET_ROSBAG1_DAMAGE, 0, "no chunk where the index says there is one");
        return load_raw(&w, must_sort, err);
    }
    if (p.is_plain && (w.is_cut || p.record.n_data != p.record.header.size))
        return load_raw(&w, must_sort, err);
    st = read_stored(&w, p.data, p.n, err);
    if (st != ET_OK)
        return st;
    return p.is_plain ? parse(&w, must_sort, err) : load_packed(&w, &p.record, must_sort, err);
}

bool et__bag_block_fetch(struct et_rosbag1_reader *r, size_t i_block, size_t room,
                         struct et__bag_codec **codec, struct et__bag_open *open)
{
    struct et__bag_block *b = &r->blocks[i_block];
    struct walk w = {.r = r, .block = b, .open = open, .room = room, .codec = codec};
    struct place p;
    if (b->is_raw || find_chunk(&w, &p, NULL) != ET_OK || !p.is_chunk)
        return false;
    const uint32_t n = p.record.n_data, size = p.record.header.size;
    if (w.is_cut || p.n != (int64_t)n || size == 0 || (p.is_plain && n != size) ||
        (uint64_t)n + 1 + (p.is_plain ? 0 : size) > room)
        return false;
    struct unpacked u = {ET__UNPACKED_WHOLE, true};
    if (read_stored(&w, p.data, p.n, NULL) != ET_OK ||
        (!p.is_plain && unpack(&w, &p.record.header, &u, NULL) != ET_OK))
        return false;
    open->records = w.records;
    return u.how == ET__UNPACKED_WHOLE && u.is_of_size;
}

enum et_status et__bag_block_parse(struct et_rosbag1_reader *r, size_t i_block, bool must_sort,
                                   size_t room, struct et__bag_open *open, struct et_err *err)
{
    struct walk w = {.r = r, .block = &r->blocks[i_block], .open = open, .room = room};
    w.records = open->records;
    open->i_block = i_block;
    return parse(&w, must_sort, err);
}

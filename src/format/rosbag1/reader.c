/* A bag as messages in the order of time. */
#include "format/rosbag1/rosbag1__reader.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMORY_DEFAULT ((size_t)256 << 20)
#define ARENA_BYTES ((size_t)1 << 30) // of the connections and the list of chunks
#define N_SLOTS ((size_t)1 << 17)     // twice the connections
#define NS_MAX ((int64_t)INT64_MAX)

const char *et_rosbag1_fault_name(enum et_rosbag1_fault fault)
{
    static const char *const NAMES[] = {"cut", "damage", "chunk", "index", "twice", "orphan"};
    return (unsigned)fault < ET_ROSBAG1_N_FAULTS ? NAMES[fault] : "unknown";
}

void et__bag_list_remarks(struct et_rosbag1_reader *r)
{
    r->info.n_remarks = 0;
    for (int i = 0; i < ET_ROSBAG1_N_FAULTS; i++)
        if (r->remarks[i].n)
            r->listed[r->info.n_remarks++] = r->remarks[i];
    r->info.remarks = r->listed;
}

void et__bag_remark(struct et_rosbag1_reader *r, enum et_rosbag1_fault fault, int64_t at,
                    int64_t n_bytes, const char *text)
{
    struct et_rosbag1_remark *m = &r->remarks[fault];
    if (m->n == 0 || (m->n_bytes == 0 && n_bytes > 0)) {
        m->fault = fault;
        m->at = at;
        (void)snprintf(m->text, sizeof m->text, "%s", text);
    }
    m->n++;
    m->n_bytes += n_bytes;
    et__bag_list_remarks(r);
}

void *et__bag_grow(struct et_arena *arena, void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    const size_t more = *cap ? *cap * 2 : 16;
    void *grown = et_arena_array(arena, more, size);
    if (!grown)
        return NULL;
    if (n)
        memcpy(grown, items, n * size);
    *cap = more;
    return grown;
}

/* ---- connections ---- */

static size_t slot_of(uint32_t id)
{
    return (size_t)((id * UINT32_C(2654435761)) >> 15);
}

size_t et__bag_connection_find(const struct et_rosbag1_reader *r, uint32_t id)
{
    for (size_t s = slot_of(id); r->slots[s]; s = (s + 1) % N_SLOTS)
        if (r->connections[r->slots[s] - 1].id == id)
            return r->slots[s] - 1;
    return SIZE_MAX;
}

// The second header of a connection; a field that does not fit ends it.
static bool read_texts(struct et_str data, struct et_rosbag1_connection *c)
{
    while (data.n >= 4) {
        const size_t n = et__bag_u32(data.p);
        if (n > data.n - 4)
            return false;
        const struct et_str one = {data.p + 4, n};
        const char *is = memchr(one.p, '=', n);
        if (!is)
            return false;
        const struct et_str name = {one.p, (size_t)(is - one.p)};
        const struct et_str value = {is + 1, n - name.n - 1};
        if (et_str_is(name, "type"))
            c->type = value;
        else if (et_str_is(name, "md5sum"))
            c->md5 = value;
        else if (et_str_is(name, "message_definition"))
            c->definition = value;
        else if (et_str_is(name, "callerid"))
            c->caller = value;
        else if (et_str_is(name, "latching"))
            c->is_latching = et_str_is(value, "1");
        data.p += 4 + n;
        data.n -= 4 + n;
    }
    return data.n == 0;
}

static bool is_same(const struct et_rosbag1_connection *a, const struct et_rosbag1_connection *b)
{
    return et_str_eq(a->topic, b->topic) && et_str_eq(a->type, b->type) &&
           et_str_eq(a->md5, b->md5) && et_str_eq(a->definition, b->definition);
}

static enum et_status keep(struct et_rosbag1_reader *r, struct et_rosbag1_connection c,
                           struct et_err *err)
{
    struct et_rosbag1_connection *grown = et__bag_grow(r->arena, r->connections, r->n_connections,
                                                       &r->cap_connections, sizeof *r->connections);
    if (!grown)
        return et_arena_fail(r->arena, "the connections", err);
    r->connections = grown;
    struct et_str *const texts[] = {&c.topic, &c.type, &c.md5, &c.definition, &c.caller};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        texts[i]->p = et_arena_copy(r->arena, texts[i]->n ? texts[i]->p : "", texts[i]->n);
        if (!texts[i]->p)
            return et_arena_fail(r->arena, "the connections", err);
    }
    size_t s = slot_of(c.id);
    while (r->slots[s])
        s = (s + 1) % N_SLOTS;
    r->connections[r->n_connections++] = c;
    r->slots[s] = (uint32_t)r->n_connections;
    r->info.connections = r->connections;
    r->info.n_connections = r->n_connections;
    return ET_OK;
}

enum et_status et__bag_connection_add(struct et_rosbag1_reader *r,
                                      const struct et__bag_header *header, struct et_str data,
                                      int64_t at, struct et_err *err)
{
    struct et_rosbag1_connection c = {.id = header->connection, .topic = header->topic};
    char text[160];
    if (data.n > ET__BAG_TEXT_BYTES_MAX || !read_texts(data, &c)) {
        (void)snprintf(text, sizeof text, "connection %u at %lld has fields that do not fit it",
                       (unsigned)c.id, (long long)at);
        et__bag_remark(r, ET_ROSBAG1_DAMAGE, at, 0, text);
        if (data.n > ET__BAG_TEXT_BYTES_MAX)
            return ET_OK;
    }
    const size_t i = et__bag_connection_find(r, c.id);
    if (i != SIZE_MAX && !is_same(&r->connections[i], &c)) {
        (void)snprintf(text, sizeof text, "connection %u at %lld is there with other content",
                       (unsigned)c.id, (long long)at);
        et__bag_remark(r, ET_ROSBAG1_TWICE, at, 0, text);
    }
    if (i != SIZE_MAX)
        return ET_OK;
    if (r->n_connections == ET_ROSBAG1_CONNECTIONS_MAX)
        return et_fail(err, ET_ELIMIT, at, "more than %d connections", ET_ROSBAG1_CONNECTIONS_MAX);
    return keep(r, c, err);
}

/* ---- opening ---- */

static enum et_status check_magic(const char *p, size_t n, struct et_err *err)
{
    if (n >= ET__BAG_MAGIC_BYTES && memcmp(p, ET__BAG_MAGIC, ET__BAG_MAGIC_BYTES) == 0)
        return ET_OK;
    if (n < 9 || memcmp(p, "#ROSBAG V", 9) != 0)
        return et_fail(err, ET_ECORRUPT, 0, "no ROS bag: it does not begin with \"#ROSBAG V2.0\"");
    size_t end = 9;
    while (end < n && end < 20 && ((p[end] >= '0' && p[end] <= '9') || p[end] == '.'))
        end++;
    return et_fail(err, ET_EUNSUPPORTED, 0, "ROS bag of version %.*s; only 2.0 is read",
                   (int)(end - 9), p + 9);
}

static enum et_status read_head(struct et_rosbag1_reader *r, struct et_err *err)
{
    char p[8192];
    size_t n = 0;
    struct et__bag_record record;
    enum et_status st = et_file_size(r->file, &r->info.n_bytes, err);
    if (st == ET_OK)
        st = et_file_read_at(r->file, 0, p, sizeof p, &n, err);
    if (st == ET_OK)
        st = check_magic(p, n, err);
    if (st != ET_OK)
        return st;
    if (!et__bag_record_read(p + ET__BAG_MAGIC_BYTES, n - ET__BAG_MAGIC_BYTES, &record) ||
        record.header.op != ET__BAG_FILE) {
        et__bag_remark(r, ET_ROSBAG1_DAMAGE, ET__BAG_MAGIC_BYTES, 0, "the bag has no header");
        return ET_OK;
    }
    r->head = record.header;
    const struct et_str by = record.header.encryptor;
    if (by.n && !et_str_is(by, "rosbag/NoEncryptor"))
        return et_fail(err, ET_EUNSUPPORTED, ET__BAG_MAGIC_BYTES,
                       "the bag is encrypted by \"%.*s\"", (int)(by.n < 60 ? by.n : 60), by.p);
    r->info.is_finished = r->head.index_pos != 0 && r->head.index_pos <= (uint64_t)r->info.n_bytes;
    if (r->head.index_pos == 0)
        et__bag_remark(r, ET_ROSBAG1_CUT, ET__BAG_MAGIC_BYTES, 0, "the bag was never closed");
    else if (!r->info.is_finished)
        et__bag_remark(r, ET_ROSBAG1_CUT, r->info.n_bytes, 0, "the file ends before its index");
    return ET_OK;
}

static const char *compression_of(struct et_str name)
{
    return et_str_is(name, "lz4") ? "lz4" : et_str_is(name, "bz2") ? "bz2" : "none";
}

static enum et_status finish_info(struct et_rosbag1_reader *r, struct et_err *err)
{
    bool has_any = false;
    for (size_t i = 0; i < r->n_blocks; i++) {
        const struct et__bag_block *b = &r->blocks[i];
        if (b->start_ns > b->end_ns)
            continue;
        r->info.start_ns =
            !has_any || b->start_ns < r->info.start_ns ? b->start_ns : r->info.start_ns;
        r->info.end_ns = !has_any || b->end_ns > r->info.end_ns ? b->end_ns : r->info.end_ns;
        has_any = true;
    }
    for (size_t i = 0; i < r->n_blocks && !r->info.compression; i++) {
        char p[4096];
        size_t n = 0;
        struct et__bag_record record;
        const enum et_status st = et_file_read_at(r->file, r->blocks[i].at, p, sizeof p, &n, err);
        if (st != ET_OK)
            return st;
        if (et__bag_record_read(p, n, &record) && record.header.op == ET__BAG_CHUNK)
            r->info.compression = compression_of(record.header.compression);
        else if (r->blocks[i].is_raw)
            r->info.compression = "none";
    }
    return ET_OK;
}

static enum et_status read_content(struct et_rosbag1_reader *r, bool must_scan, struct et_err *err)
{
    enum et_status st = must_scan ? ET_AGAIN : et__bag_read_index(r, err);
    r->info.has_index = st == ET_OK;
    r->info.n_chunks = (int64_t)r->n_blocks;
    if (st == ET_AGAIN)
        st = et__bag_read_all(r, err);
    if (st == ET_OK)
        st = finish_info(r, err);
    return st == ET_OK ? et_rosbag1_query(r, NULL, err) : st;
}

enum et_status et_rosbag1_open(struct et_rosbag1_reader **reader, const char *path,
                               const struct et_rosbag1_open_options *options, struct et_err *err)
{
    const struct et_rosbag1_open_options o =
        options ? *options : (struct et_rosbag1_open_options){0};
    *reader = NULL;
    struct et_rosbag1_reader *r = calloc(1, sizeof *r);
    if (!r || !(r->slots = calloc(N_SLOTS, sizeof *r->slots))) {
        free(r);
        return et_fail(err, ET_ENOMEM, -1, "%s: no memory for a reader", path);
    }
    r->pool = o.pool;
    r->memory_bytes = o.memory_bytes ? o.memory_bytes : MEMORY_DEFAULT;
    enum et_status st = et_file_open(&r->file, path, ET_FILE_READ, err); // names the path
    if (st != ET_OK) {
        et_rosbag1_close(r);
        return st;
    }
    st = et_arena_open(&r->arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = read_head(r, err);
    if (st == ET_OK)
        st = read_content(r, o.must_scan, err);
    if (st != ET_OK) {
        (void)et_err_context(err, "%s", path);
        et_rosbag1_close(r);
        return st;
    }
    *reader = r;
    return ET_OK;
}

void et_rosbag1_close(struct et_rosbag1_reader *r)
{
    if (!r)
        return;
    et__bag_ahead_close(r);
    for (size_t i = 0; i < r->cap_open; i++)
        et__bag_open_free(&r->open[i]);
    free(r->open);
    free(r->order);
    free(r->asked);
    free(r->slots);
    et__bag_codec_close(r->codec);
    et_arena_close(r->arena);
    et_file_close(r->file);
    free(r);
}

const struct et_rosbag1_info *et_rosbag1_info(const struct et_rosbag1_reader *reader)
{
    return &reader->info;
}

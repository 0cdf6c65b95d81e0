#include "rosbag1_made.h"

#include <bzlib.h>
#include <lz4frame.h>
#include <stdlib.h>

static void put32(struct et_buf *b, uint32_t x)
{
    et_buf_put(b, &x, 4);
}

static void put_field(struct et_buf *b, const char *name, const void *value, size_t n)
{
    put32(b, (uint32_t)(strlen(name) + 1 + n));
    et_buf_puts(b, name);
    et_buf_putc(b, '=');
    et_buf_put(b, value, n);
}

struct field {
    const char *name;
    const void *value;
    size_t n;
};

static void put_record(struct et_buf *b, int op, const struct field *fields, int n, bool op_last,
                       struct et_str data)
{
    struct et_buf header = et_buf(1 << 16);
    const char c = (char)op;
    if (!op_last)
        put_field(&header, "op", &c, 1);
    for (int i = 0; i < n; i++)
        put_field(&header, fields[i].name, fields[i].value, fields[i].n);
    if (op_last)
        put_field(&header, "op", &c, 1);
    put32(b, (uint32_t)header.n);
    et_buf_put(b, header.p, header.n);
    put32(b, (uint32_t)data.n);
    et_buf_putstr(b, data);
    et_buf_free(&header);
}

static void put_connection(struct et_buf *b, uint32_t id, bool op_last)
{
    struct et_buf texts = et_buf(1 << 16);
    const char *topic = id == 7 ? "/even" : "/odd";
    put_field(&texts, "topic", topic, strlen(topic));
    put_field(&texts, "type", "std_msgs/UInt64", 15);
    put_field(&texts, "md5sum", "1b2a79973e8bf53d7b53acb71299cb57", 32);
    put_field(&texts, "message_definition", "uint64 data # a=b\n", 18);
    put_field(&texts, "latching", "1", 1);
    const struct field fields[] = {{"topic", topic, strlen(topic)}, {"conn", &id, 4}};
    put_record(b, 7, fields, 2, op_last, (struct et_str){texts.p, texts.n});
    et_buf_free(&texts);
}

static void time_of(const struct made_bag *how, int chunk, int i, uint32_t time[2], uint32_t *k)
{
    const int n_all = how->n_chunks * how->n_messages;
    const int place = how->has_overlap ? i * how->n_chunks + chunk : chunk * how->n_messages + i;
    *k = (uint32_t)(how->is_backward ? n_all - 1 - place : place);
    time[0] = 100 + *k / 1000;
    time[1] = *k % 1000 * 1000000;
}

static void put_messages(struct et_buf *b, const struct made_bag *how, int chunk,
                         struct et_buf index[2])
{
    put_connection(b, 7, how->op_last);
    put_connection(b, 9, how->op_last);
    for (int i = 0; i < how->n_messages; i++) {
        uint32_t time[2], k;
        time_of(how, chunk, i, time, &k);
        const uint32_t id = k % 2 ? 9 : 7, data[2] = {k, k};
        et_buf_put(&index[k % 2], time, 8);
        put32(&index[k % 2], (uint32_t)b->n);
        const struct field fields[] = {{"conn", &id, 4}, {"time", time, 8}};
        put_record(b, 2, fields, 2, how->op_last, (struct et_str){(const char *)data, 8});
    }
}

static void pack(struct et_buf *records, const char *compression)
{
    const size_t room = records->n * 2 + 4096;
    char *to = malloc(room);
    size_t n = 0;
    if (strcmp(compression, "lz4") == 0) {
        const LZ4F_preferences_t how = {
            .frameInfo = {.blockMode = LZ4F_blockIndependent,
                          .contentChecksumFlag = LZ4F_contentChecksumEnabled}};
        n = LZ4F_compressFrame(to, room, records->p, records->n, &how);
    } else if (strcmp(compression, "bz2") == 0) {
        unsigned n_out = (unsigned)room;
        n = BZ2_bzBuffToBuffCompress(to, &n_out, records->p, (unsigned)records->n, 1, 0, 0) == 0
                ? n_out
                : 0;
    }
    if (n) {
        et_buf_clear(records);
        et_buf_put(records, to, n);
    }
    free(to);
}

static void put_index_data(struct et_buf *b, const struct made_bag *how,
                           const struct et_buf index[2])
{
    for (int i = 0; i < 2; i++) {
        const uint32_t version = 1, id = i ? 9 : 7, n = (uint32_t)(index[i].n / 12);
        const struct field fields[] = {{"ver", &version, 4}, {"conn", &id, 4}, {"count", &n, 4}};
        put_record(b, 4, fields, 3, how->op_last, (struct et_str){index[i].p, index[i].n});
    }
}

static void put_chunk(struct et_buf *b, const struct made_bag *how, int chunk)
{
    const char *compression = how->compression ? how->compression : "none";
    const bool is_last_open = how->is_open && chunk == how->n_chunks - 1;
    struct et_buf records = et_buf(1 << 26), index[2] = {et_buf(1 << 26), et_buf(1 << 26)};
    put_messages(&records, how, chunk, index);
    const uint32_t size = is_last_open ? 0 : (uint32_t)records.n;
    pack(&records, compression);
    const struct field fields[] = {{"compression", compression, strlen(compression)},
                                   {"size", &size, 4}};
    const struct et_str data = {records.p, records.n};
    put_record(b, 5, fields, 2, how->op_last, is_last_open ? (struct et_str){0} : data);
    if (is_last_open)
        et_buf_putstr(b, data);
    else
        put_index_data(b, how, index);
    et_buf_free(&records);
    et_buf_free(&index[0]);
    et_buf_free(&index[1]);
}

static void put_chunk_info(struct et_buf *b, const struct made_bag *how, int chunk, uint64_t at)
{
    uint32_t first[2] = {UINT32_MAX, 0}, last[2] = {0, 0}, counts[4] = {7, 0, 9, 0};
    for (int i = 0; i < how->n_messages; i++) {
        uint32_t time[2], k;
        time_of(how, chunk, i, time, &k);
        counts[k % 2 ? 3 : 1]++;
        if (time[0] < first[0] || (time[0] == first[0] && time[1] < first[1]))
            memcpy(first, time, 8);
        if (time[0] > last[0] || (time[0] == last[0] && time[1] >= last[1]))
            memcpy(last, time, 8);
    }
    const uint32_t version = 1, n = 2;
    const struct field fields[] = {{"ver", &version, 4},
                                   {"chunk_pos", &at, 8},
                                   {"start_time", first, 8},
                                   {"end_time", last, 8},
                                   {"count", &n, 4}};
    put_record(b, 6, fields, 5, how->op_last, (struct et_str){(const char *)counts, 16});
}

static void put_file_header(struct et_buf *b, const struct made_bag *how, uint64_t index_pos)
{
    char spaces[256];
    memset(spaces, ' ', sizeof spaces);
    const uint32_t n_chunks = how->is_open ? 0 : (uint32_t)how->n_chunks;
    const uint32_t n_connections = how->is_open ? 0 : 2;
    const char *encryptor = how->encryptor ? how->encryptor : "";
    const struct field fields[] = {{"index_pos", &index_pos, 8},
                                   {"conn_count", &n_connections, 4},
                                   {"chunk_count", &n_chunks, 4},
                                   {"encryptor", encryptor, strlen(encryptor)}};
    et_buf_puts(b, "#ROSBAG V2.0\n");
    put_record(b, 3, fields, how->encryptor ? 4 : 3, how->op_last,
               (struct et_str){spaces, sizeof spaces});
}

struct et_buf make_bag(const struct made_bag *how)
{
    struct et_buf head = et_buf(1 << 16), b = et_buf(1 << 28);
    uint64_t at[64] = {0};
    put_file_header(&b, how, 0);
    for (int i = 0; i < how->n_chunks; i++) {
        at[i] = b.n;
        put_chunk(&b, how, i);
    }
    if (how->is_open)
        return b;
    put_file_header(&head, how, b.n);
    memcpy(b.p, head.p, head.n);
    et_buf_free(&head);
    put_connection(&b, 7, how->op_last);
    put_connection(&b, 9, how->op_last);
    for (int i = 0; i < how->n_chunks; i++)
        put_chunk_info(&b, how, i, at[i]);
    return b;
}

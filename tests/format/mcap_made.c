#include "mcap_made.h"

#include "support.h"

#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#define BUF_BYTES ((size_t)1 << 30)
#define MAGIC "\x89MCAP0\r\n"

/* ---- bytes ---- */

uint32_t made_crc(const void *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= ((const unsigned char *)p)[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

void made_int(struct et_buf *to, uint64_t x, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++, x >>= 8)
        et_buf_putc(to, (char)x);
}

void made_text(struct et_buf *to, const char *text)
{
    made_int(to, strlen(text), 4);
    et_buf_puts(to, text);
}

size_t made_record(struct et_buf *to, int op)
{
    const size_t place = to->n;
    made_int(to, (uint64_t)op, 1);
    made_int(to, 0, 8);
    return place;
}

void made_end(struct et_buf *to, size_t place)
{
    const uint64_t n = to->n - place - 9;
    for (size_t i = 0; i < 8; i++)
        to->p[place + 1 + i] = (char)(n >> (8 * i));
}

void made_schema(struct et_buf *to, unsigned id, const char *name)
{
    const size_t place = made_record(to, ET_MCAP_SCHEMA);
    made_int(to, id, 2);
    made_text(to, name);
    made_text(to, "ros2msg");
    made_text(to, "int32 x");
    made_end(to, place);
}

void made_channel(struct et_buf *to, unsigned id, unsigned schema_id, const char *topic)
{
    const size_t place = made_record(to, ET_MCAP_CHANNEL);
    made_int(to, id, 2);
    made_int(to, schema_id, 2);
    made_text(to, topic);
    made_text(to, "cdr");
    made_int(to, 10, 4);
    made_text(to, "k");
    made_text(to, "v");
    made_end(to, place);
}

void made_message(struct et_buf *to, unsigned channel, unsigned sequence, int64_t log_ns,
                  const char *text)
{
    const size_t place = made_record(to, ET_MCAP_MESSAGE);
    made_int(to, channel, 2);
    made_int(to, sequence, 4);
    made_int(to, (uint64_t)log_ns, 8);
    made_int(to, log_ns ? (uint64_t)log_ns - 1 : 0, 8);
    et_buf_puts(to, text);
    made_end(to, place);
}

/* ---- files ---- */

struct made made(void)
{
    struct made m = {.file = et_buf(BUF_BYTES),
                     .records = et_buf(BUF_BYTES),
                     .ids = et_buf(BUF_BYTES),
                     .indexes = et_buf(BUF_BYTES),
                     .compression = ""};
    et_buf_puts(&m.file, MAGIC);
    const size_t place = made_record(&m.file, ET_MCAP_HEADER);
    made_text(&m.file, "ros2");
    made_text(&m.file, "by hand");
    made_end(&m.file, place);
    return m;
}

void made_free(struct made *m)
{
    et_buf_free(&m->file);
    et_buf_free(&m->records);
    et_buf_free(&m->ids);
    et_buf_free(&m->indexes);
}

void made_ids(struct made *m, size_t n_channels)
{
    const size_t begin = m->records.n;
    made_schema(&m->records, 1, "pkg/msg/Int");
    for (unsigned i = 1; i <= n_channels; i++) {
        const char topic[] = {'/', (char)('0' + i), 0};
        made_channel(&m->records, i, 1, topic);
    }
    et_buf_put(&m->ids, m->records.p + begin, m->records.n - begin);
}

void made_add(struct made *m, unsigned channel, unsigned sequence, int64_t log_ns, const char *text)
{
    made_message(&m->records, channel, sequence, log_ns, text);
    m->start_ns = m->n_in_chunk == 0 || log_ns < m->start_ns ? log_ns : m->start_ns;
    m->end_ns = m->n_in_chunk == 0 || log_ns > m->end_ns ? log_ns : m->end_ns;
    m->n_in_chunk++;
    m->n_messages++;
}

static struct et_str packed(const struct made *m, char *room, size_t cap)
{
    const struct et_str plain = et_buf_str(&m->records);
    size_t n;
    if (strcmp(m->compression, "zstd") == 0)
        n = ZSTD_compress(room, cap, plain.p, plain.n, 1);
    else if (strcmp(m->compression, "lz4") == 0)
        n = LZ4F_compressFrame(room, cap, plain.p, plain.n, NULL);
    else
        return plain;
    return (struct et_str){room, n};
}

static void put_index(struct made *m, size_t at, const struct et_str *stored)
{
    const size_t place = made_record(&m->indexes, ET_MCAP_CHUNK_INDEX);
    made_int(&m->indexes, (uint64_t)(m->start_ns + m->start_plus), 8);
    made_int(&m->indexes, (uint64_t)(m->end_ns + m->end_plus), 8);
    made_int(&m->indexes, at + (uint64_t)m->at_plus, 8);
    made_int(&m->indexes, m->file.n - at + (uint64_t)m->length_plus, 8);
    made_int(&m->indexes, m->index_of_only ? 10 : 0, 4);
    if (m->index_of_only) {
        made_int(&m->indexes, *m->index_of_only, 2);
        made_int(&m->indexes, m->file.n, 8);
    }
    made_int(&m->indexes, 0, 8);
    made_text(&m->indexes, m->compression);
    made_int(&m->indexes, stored->n, 8);
    made_int(&m->indexes, m->records.n, 8);
    made_end(&m->indexes, place);
}

void made_chunk(struct made *m)
{
    const size_t cap = 2 * m->records.n + 1024, at = m->file.n;
    char *room = malloc(cap);
    if (!room)
        abort();
    const struct et_str stored = packed(m, room, cap);
    const size_t place = made_record(&m->file, ET_MCAP_CHUNK_OP);
    made_int(&m->file, (uint64_t)m->start_ns, 8);
    made_int(&m->file, (uint64_t)m->end_ns, 8);
    made_int(&m->file, m->records.n + (uint64_t)m->size_plus, 8);
    made_int(&m->file, m->without_crc ? 0 : made_crc(m->records.p, m->records.n) ^ m->crc_xor, 4);
    made_text(&m->file, m->compression);
    made_int(&m->file, stored.n + (uint64_t)m->stored_plus, 8);
    et_buf_putstr(&m->file, stored);
    made_end(&m->file, place);
    if (!m->without_chunk_index)
        put_index(m, at, &stored);
    m->n_chunks++;
    m->n_in_chunk = 0;
    m->start_ns = m->end_ns = 0;
    m->crc_xor = 0;
    m->size_plus = m->stored_plus = m->start_plus = m->end_plus = m->at_plus = m->length_plus = 0;
    m->without_crc = m->without_chunk_index = false;
    m->index_of_only = NULL;
    et_buf_clear(&m->records);
    free(room);
}

static void put_statistics(struct made *m)
{
    const size_t place = made_record(&m->file, ET_MCAP_STATISTICS);
    made_int(&m->file, m->n_messages + (uint64_t)m->messages_plus, 8);
    made_int(&m->file, 1, 2);
    made_int(&m->file, 1, 4);
    made_int(&m->file, 0, 4);
    made_int(&m->file, 0, 4);
    made_int(&m->file, m->n_chunks + (uint64_t)m->chunks_plus, 4);
    made_int(&m->file, 0, 8);
    made_int(&m->file, 0, 8);
    made_int(&m->file, 0, 4);
    made_end(&m->file, place);
}

void made_finish(struct made *m)
{
    if (m->records.n)
        made_chunk(m);
    if (!m->without_data_end) {
        const uint32_t crc = made_crc(m->file.p, m->file.n) ^ m->data_crc_xor;
        const size_t place = made_record(&m->file, ET_MCAP_DATA_END);
        made_int(&m->file, crc, 4);
        made_end(&m->file, place);
    }
    const size_t at = m->file.n;
    if (!m->without_summary) {
        et_buf_putstr(&m->file, et_buf_str(&m->ids));
        if (!m->without_statistics)
            put_statistics(m);
        et_buf_putstr(&m->file, et_buf_str(&m->indexes));
    }
    if (!m->without_footer) {
        const size_t place = made_record(&m->file, ET_MCAP_FOOTER);
        made_int(&m->file, m->without_summary ? 0 : at + (uint64_t)m->summary_plus, 8);
        made_int(&m->file, 0, 8);
        m->file.p[place + 1] = 20;
        const uint32_t crc = made_crc(m->file.p + at, m->file.n - at) ^ m->summary_crc_xor;
        made_int(&m->file, m->without_summary_crc ? 0 : crc, 4);
    }
    if (!m->without_magic)
        et_buf_puts(&m->file, MAGIC);
}

const char *made_file(struct made *m, const char *name)
{
    const char *path = temp_path(name);
    if (m->file.status != ET_OK)
        abort();
    write_file(path, m->file.p, m->file.n);
    return path;
}

/* ---- samples ---- */

void sample_make(struct sample *s, size_t n, size_t n_channels, size_t n_bytes_max)
{
    struct rng rng = {n * 1000 + n_channels};
    *s = (struct sample){.n = n,
                         .n_channels = n_channels,
                         .log_ns = calloc(n + 1, sizeof *s->log_ns),
                         .publish_ns = calloc(n + 1, sizeof *s->publish_ns),
                         .n_bytes = calloc(n + 1, sizeof *s->n_bytes),
                         .channels = calloc(n + 1, sizeof *s->channels),
                         .data = calloc(n_bytes_max + 1, 1)};
    if (!s->log_ns || !s->publish_ns || !s->n_bytes || !s->channels || !s->data)
        abort();
    for (size_t i = 0; i < n; i++) {
        const uint64_t x = rng_next(&rng);
        const int64_t now_ns = INT64_C(1700000000000000000) + 1000000 * (int64_t)(i - i % 7 / 5);
        const int64_t late_ns = x % 10 == 0 ? (int64_t)(x / 10 % 5000000) : 0;
        s->log_ns[i] = now_ns - late_ns;
        s->publish_ns[i] = s->log_ns[i] - (int64_t)(x >> 40);
        s->n_bytes[i] = (uint32_t)((x >> 20) % (n_bytes_max + 1));
        s->channels[i] = (uint16_t)(1 + (x >> 8) % n_channels);
    }
}

void sample_free(struct sample *s)
{
    free(s->log_ns);
    free(s->publish_ns);
    free(s->n_bytes);
    free(s->channels);
    free(s->data);
}

struct et_mcap_message sample_message(struct sample *s, size_t i)
{
    struct rng rng = {i};
    for (size_t k = 0; k < s->n_bytes[i]; k++)
        s->data[k] = (char)(k % 3 == 0 ? rng_next(&rng) % 17 : k);
    return (struct et_mcap_message){.channel_id = s->channels[i],
                                    .sequence = (uint32_t)i,
                                    .log_time_ns = s->log_ns[i],
                                    .publish_time_ns = s->publish_ns[i],
                                    .data = {s->data, s->n_bytes[i]}};
}

bool sample_is(struct sample *s, const struct et_mcap_message *message)
{
    const size_t i = message->sequence;
    if (i >= s->n)
        return false;
    const struct et_mcap_message want = sample_message(s, i);
    return message->channel_id == want.channel_id && message->log_time_ns == want.log_time_ns &&
           message->publish_time_ns == want.publish_time_ns && et_str_eq(message->data, want.data);
}

static enum et_status put_ids(const struct sample *s, struct et_mcap_writer *writer,
                              struct et_err *err)
{
    const struct et_mcap_pair pairs[] = {{ET_STR("qos"), ET_STR("1")}, {ET_STR(""), ET_STR("é")}};
    const struct et_mcap_schema schema = {
        .id = 1, .name = ET_STR("pkg/msg/X"), .encoding = ET_STR("ros2msg"), .data = ET_STR("x")};
    enum et_status st = et_mcap_add_schema(writer, &schema, err);
    for (unsigned i = 1; st == ET_OK && i <= s->n_channels; i++) {
        char topic[16];
        (void)snprintf(topic, sizeof topic, "/%u", i);
        const struct et_mcap_channel channel = {.id = (uint16_t)i,
                                                .schema_id = (uint16_t)(i % 2),
                                                .topic = et_str(topic),
                                                .encoding = ET_STR("cdr"),
                                                .metadata = pairs,
                                                .n_metadata = i % 3};
        st = et_mcap_add_channel(writer, &channel, err);
    }
    return st;
}

enum et_status sample_put(struct sample *s, struct et_mcap_writer *writer, size_t flush_each,
                          struct et_err *err)
{
    const struct et_mcap_pair pair = {ET_STR("key"), ET_STR("value")};
    const struct et_mcap_metadata metadata = {ET_STR("m"), &pair, 1};
    const struct et_mcap_attachment attachment = {5, 4, ET_STR("a"), ET_STR("text/plain"),
                                                  ET_STR("nine byte")};
    enum et_status st = put_ids(s, writer, err);
    for (size_t i = 0; st == ET_OK && i < s->n; i++) {
        const struct et_mcap_message message = sample_message(s, i);
        if (i == s->n / 2)
            st = et_mcap_write_attachment(writer, &attachment, err);
        if (st == ET_OK)
            st = et_mcap_write(writer, &message, err);
        if (st == ET_OK && flush_each && (i + 1) % flush_each == 0)
            st = s->fill_to ? et_mcap_fill(writer, s->fill_to, err) : et_mcap_flush(writer, err);
    }
    return st == ET_OK ? et_mcap_write_metadata(writer, &metadata, err) : st;
}

enum et_status sample_write(struct sample *s, const char *path,
                            const struct et_mcap_write_options *options, struct et_err *err)
{
    struct et_mcap_writer *writer;
    (void)remove(path);
    enum et_status st = et_mcap_create(&writer, path, options, err);
    if (st != ET_OK)
        return st;
    st = sample_put(s, writer, s->fill_to ? 25 : 0, err);
    if (st == ET_OK)
        return et_mcap_finish(writer, err);
    et_mcap_writer_close(writer);
    return st;
}

static const struct sample *sorted;

static int by_time(const void *a, const void *b)
{
    const size_t i = *(const size_t *)a, k = *(const size_t *)b;
    const int64_t x = sorted->log_ns[i], y = sorted->log_ns[k];
    return x != y ? (x > y) - (x < y) : (i > k) - (i < k);
}

size_t sample_order(const struct sample *s, const struct et_mcap_query *query, size_t *order)
{
    const struct et_mcap_query everything = {0}, *q = query ? query : &everything;
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        bool is_wanted = q->channels == NULL;
        for (size_t k = 0; q->channels && k < q->n_channels; k++)
            is_wanted = is_wanted || q->channels[k] == s->channels[i];
        if (is_wanted && s->log_ns[i] >= q->from_ns && (q->to_ns == 0 || s->log_ns[i] < q->to_ns))
            order[n++] = i;
    }
    sorted = s;
    if (!q->in_file_order && n)
        qsort(order, n, sizeof *order, by_time);
    return n;
}

bool sample_gives(struct sample *s, struct et_mcap_reader *reader,
                  const struct et_mcap_query *query)
{
    struct et_err err = {0};
    size_t *order = calloc(s->n + 1, sizeof *order);
    if (!order)
        abort();
    const size_t n = sample_order(s, query, order);
    size_t i = 0;
    enum et_status st = et_mcap_query(reader, query, &err);
    bool is_same = st == ET_OK;
    struct et_mcap_message message;
    while (is_same && (st = et_mcap_next(reader, &message, &err)) == ET_OK) {
        is_same = i < n && message.sequence == order[i] && sample_is(s, &message);
        if (!is_same)
            printf("# message %zu of %zu is number %u, wanted %zu\n", i, n, message.sequence,
                   i < n ? order[i] : 0);
        i++;
    }
    if (is_same && (i != n || st != ET_END))
        printf("# %zu messages of %zu, then %s %s\n", i, n, et_status_name(st), err.text);
    free(order);
    return is_same && i == n && st == ET_END;
}

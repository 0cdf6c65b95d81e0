#include "mcap_sample.h"

#include "support.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t mix(uint64_t x)
{
    struct rng rng = {x};
    return rng_next(&rng);
}

struct et_mcap_message sample_message(const struct sample *s, size_t k)
{
    static char data[1 << 20];
    const uint64_t bits = mix(k + 1);
    const size_t n = 16 + (s->data_bytes > 16 ? bits % (s->data_bytes - 15) : 0);
    const uint64_t number = k;
    memcpy(data, &number, 8);
    memcpy(data + 8, &bits, 8);
    for (size_t i = 16; i < n; i++)
        data[i] = (char)(i * k / 7);
    const bool is_late = (double)(bits >> 40 & 1023) < s->late * 1024;
    const int64_t t_ns = 1000000000 + (int64_t)k * 1000000 - (is_late ? 5000000 : 0);
    return (struct et_mcap_message){.channel_id = (uint16_t)(1 + 3 * (bits % SAMPLE_CHANNELS)),
                                    .sequence = (uint32_t)k,
                                    .log_time_ns = t_ns,
                                    .publish_time_ns = t_ns - 7,
                                    .data = {data, n}};
}

size_t sample_number(const struct sample *s, const struct et_mcap_message *message)
{
    uint64_t k;
    if (message->data.n < 16)
        return SIZE_MAX;
    memcpy(&k, message->data.p, 8);
    if (k >= s->n_messages)
        return SIZE_MAX;
    const struct et_mcap_message wanted = sample_message(s, (size_t)k);
    const bool is_same =
        et_str_eq(wanted.data, message->data) && wanted.channel_id == message->channel_id &&
        wanted.sequence == message->sequence && wanted.log_time_ns == message->log_time_ns &&
        wanted.publish_time_ns == message->publish_time_ns;
    return is_same ? (size_t)k : SIZE_MAX;
}

static enum et_status write_all(struct et_mcap_writer *w, const struct sample *s,
                                struct et_err *err)
{
    static const struct et_mcap_pair PAIRS[] = {{{"a", 1}, {"b", 1}}, {{"key", 3}, {"", 0}}};
    const struct et_mcap_schema schema = {7, ET_STR("pkg/Type"), ET_STR("ros2msg"),
                                          ET_STR("float64 x\n")};
    enum et_status st = et_mcap_add_schema(w, &schema, err);
    for (uint16_t i = 0; st == ET_OK && i < SAMPLE_CHANNELS; i++) {
        char topic[16];
        const int n = snprintf(topic, sizeof topic, "/topic/%u", i);
        const struct et_mcap_channel channel = {
            (uint16_t)(1 + 3 * i), i % 2 ? 7 : 0, {topic, (size_t)n}, ET_STR("cdr"), PAIRS, i % 3};
        st = et_mcap_add_channel(w, &channel, err);
    }
    const struct et_mcap_metadata metadata = {ET_STR("run"), PAIRS, 2};
    const struct et_mcap_attachment attachment = {5, 6, ET_STR("robot.urdf"), ET_STR("text/xml"),
                                                  ET_STR("<robot/>")};
    if (st == ET_OK)
        st = et_mcap_write_metadata(w, &metadata, err);
    for (size_t k = 0; st == ET_OK && k < s->n_messages; k++) {
        const struct et_mcap_message message = sample_message(s, k);
        st = et_mcap_write(w, &message, err);
        if (st == ET_OK && k == s->n_messages / 2)
            st = et_mcap_write_attachment(w, &attachment, err);
    }
    return st;
}

bool sample_write(const char *path, const struct sample *s)
{
    struct et_err err = {0};
    struct et_mcap_writer *w = NULL;
    (void)remove(path);
    enum et_status st = et_mcap_create(&w, path, &s->options, &err);
    if (st == ET_OK)
        st = write_all(w, s, &err);
    if (st == ET_OK && s->without_finish) {
        st = et_mcap_flush(w, &err);
        et_mcap_writer_close(w);
    } else if (st == ET_OK) {
        st = et_mcap_finish(w, &err);
    } else {
        et_mcap_writer_close(w);
    }
    if (st != ET_OK)
        printf("# %s: %s\n", path, err.text);
    return st == ET_OK;
}

/* Reads by one query. Each message once; by time unless in file order. */
static bool read_query(struct et_mcap_reader *reader, const struct sample *s,
                       const struct et_mcap_query *query, int64_t *n, struct et_err *err)
{
    struct et_mcap_message message;
    bool *seen = calloc(s->n_messages + 1, sizeof *seen);
    int64_t last = INT64_MIN;
    bool is_good = true;
    *n = 0;
    enum et_status st = et_mcap_query(reader, query, err);
    while (is_good && st == ET_OK && (st = et_mcap_next(reader, &message, err)) == ET_OK) {
        const size_t k = sample_number(s, &message);
        bool is_wanted = !query || !query->channels;
        for (size_t i = 0; !is_wanted && i < query->n_channels; i++)
            is_wanted = query->channels[i] == message.channel_id;
        is_good = k != SIZE_MAX && !seen[k] && is_wanted &&
                  (!query || message.log_time_ns >= query->from_ns) &&
                  (!query || query->to_ns == 0 || message.log_time_ns < query->to_ns) &&
                  ((query && query->in_file_order) || message.log_time_ns >= last);
        if (k != SIZE_MAX)
            seen[k] = true;
        last = message.log_time_ns;
        (*n)++;
    }
    free(seen);
    return is_good && st != ET_OK;
}

bool sample_check(const char *path, const struct sample *s, int64_t *n, struct et_err *err)
{
    static const uint16_t TWO[] = {4, 10};
    const struct et_mcap_query in_order = {.in_file_order = true},
                               two = {.channels = TWO, .n_channels = 2},
                               range = {.from_ns = 1000000000 + 3000000,
                                        .to_ns = 1000000000 + 9000000};
    struct et_mcap_reader *reader = NULL;
    int64_t n_other = 0, n_file = 0;
    *n = -1;
    if (et_mcap_open(&reader, path, NULL, err) != ET_OK)
        return reader == NULL && err->text[0];
    bool is_good = read_query(reader, s, NULL, n, err) &&
                   read_query(reader, s, &in_order, &n_file, err) && n_file == *n &&
                   read_query(reader, s, &range, &n_other, err) && n_other <= *n;
    if (et_mcap_channel(reader, 4) && et_mcap_channel(reader, 10))
        is_good = is_good && read_query(reader, s, &two, &n_other, err) && n_other <= *n;
    et_mcap_close(reader);
    return is_good;
}

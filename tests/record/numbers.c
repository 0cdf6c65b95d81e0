#include "numbers.h"

#include "etude/arena.h"
#include "etude/mcap.h"
#include "tap.h"

#include <stdio.h>

const struct et_feed_stream NUMBERS = {.topic = "/numbers",
                                       .type = "std_msgs/msg/UInt64",
                                       .schema = {"uint64 data", 11},
                                       .schema_encoding = "ros2msg",
                                       .message_encoding = "cdr",
                                       .device = "counter",
                                       .rate_hz = 1000};

bool put_number(struct et_feed *feed, uint16_t stream, uint64_t k)
{
    struct {
        unsigned char head[4];
        unsigned char value[8];
    } message = {{0, 1, 0, 0}, {0}};
    memcpy(message.value, &k, 8);
    return et_feed_put(feed, &(struct et_feed_sample){.t_device_ns = (int64_t)k + 1,
                                                      .stream = stream,
                                                      .n_bytes = sizeof message,
                                                      .bytes = &message});
}

static void see_event(struct seen *seen, struct et_str data)
{
    // The strings of an Event, as CDR: the header's frame, kind, source, text, value.
    char text[5][256] = {{0}};
    size_t at = 4 + 8;
    for (int i = 0; i < 5; i++) {
        uint32_t n;
        at = 4 + (at - 4 + 3) / 4 * 4;
        memcpy(&n, data.p + at, 4);
        (void)snprintf(text[i], sizeof text[i], "%.*s", (int)n, data.p + at + 4);
        at += 4 + n;
    }
    char *to = strcmp(text[1], "dropped") == 0        ? seen->dropped
               : strcmp(text[1], "lost") == 0         ? seen->lost
               : strcmp(text[1], "clock.step") == 0   ? seen->step
               : strcmp(text[1], "before.short") == 0 ? seen->shortened
                                                      : NULL;
    if (to)
        (void)snprintf(to, sizeof seen->dropped, "%s", text[3]);
}

static void see_message(struct seen *seen, const struct et_mcap_message *m, struct et_str topic)
{
    uint64_t k;
    if (et_str_is(topic, "/events"))
        see_event(seen, m->data);
    if (!et_str_is(topic, "/numbers"))
        return;
    memcpy(&k, m->data.p + 4, 8);
    if (seen->n == 0) {
        seen->first = k;
        seen->t_first_ns = m->log_time_ns;
    } else
        seen->is_in_order = seen->is_in_order && k == seen->last + 1;
    seen->is_in_order = seen->is_in_order && m->publish_time_ns == (int64_t)k + 1;
    seen->n_in_order += seen->is_in_order;
    seen->last = k;
    seen->t_last_ns = m->log_time_ns;
    seen->n++;
}

static void see_metadata(struct seen *seen, struct et_mcap_reader *reader, struct et_arena *arena)
{
    for (size_t i = 0; i < (size_t)et_mcap_info(reader)->n_metadata; i++) {
        struct et_mcap_metadata metadata;
        if (et_mcap_metadata(reader, i, arena, &metadata, NULL) != ET_OK)
            continue;
        for (size_t k = 0; k < metadata.n_pairs; k++) {
            const struct et_mcap_pair *pair = &metadata.pairs[k];
            char *to = et_str_is(pair->key, "outcome")     ? seen->outcome
                       : et_str_is(pair->key, "run")       ? seen->run
                       : et_str_is(pair->key, "part")      ? seen->part
                       : et_str_is(pair->key, "station")   ? seen->station
                       : et_str_is(pair->key, "cut_bytes") ? seen->recovered
                                                           : NULL;
            if (to)
                (void)snprintf(to, 64, "%.*s", ET_STR_ARG(pair->value));
        }
    }
}

struct seen see(const char *path, bool must_scan)
{
    struct seen seen = {.is_in_order = true};
    struct et_arena *arena;
    struct et_mcap_reader *reader;
    struct et_mcap_message m;
    struct et_err err = {0};
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 28, &err));
    const struct et_mcap_open_options how = {.must_scan = must_scan};
    if (et_mcap_open(&reader, path, &how, &err) != ET_OK) {
        et_arena_close(arena);
        return (struct seen){0};
    }
    seen.n_attachments = (size_t)et_mcap_info(reader)->n_attachments;
    see_metadata(&seen, reader, arena);
    CHECK_OK(et_mcap_query(reader, NULL, &err));
    while (et_mcap_next(reader, &m, &err) == ET_OK)
        see_message(&seen, &m, et_mcap_channel(reader, m.channel_id)->topic);
    seen.is_finished = et_mcap_info(reader)->is_finished;
    seen.n_numbers_channels = 0;
    for (size_t i = 0; i < et_mcap_info(reader)->n_channels; i++)
        seen.n_numbers_channels += et_str_is(et_mcap_info(reader)->channels[i].topic, "/numbers");
    et_mcap_close(reader);
    et_arena_close(arena);
    return seen;
}

/* What a feed holds of a topic, as values that stay. */
#ifndef TESTS_RECORD_FEED_SEEN_H
#define TESTS_RECORD_FEED_SEEN_H

#include "source_help.h"

#include "etude/base64.h"

// −1: there is no such stream.
static inline int feed_find(const struct et_feed *feed, const char *topic)
{
    for (size_t i = 0; i < et_feed_n_streams(feed); i++)
        if (strcmp(et_feed_stream(feed, i)->topic, topic) == 0)
            return (int)i;
    return -1;
}

/* The next sample of a topic, its bytes in the arena; what comes before it is passed over. */
static inline struct et_feed_sample feed_take(struct et_feed *feed, const char *topic,
                                              struct et_arena *arena)
{
    struct et_feed_sample sample;
    const int stream = feed_find(feed, topic);
    while (et_feed_next(feed, &sample)) {
        void *bytes = et_arena_alloc(arena, sample.n_bytes + 1);
        memcpy(bytes, sample.bytes, sample.n_bytes);
        sample.bytes = bytes;
        et_feed_done(feed);
        if (sample.stream == stream)
            return sample;
    }
    CHECK(false);
    return (struct et_feed_sample){.bytes = ""};
}

static inline const struct et_value *
feed_value(const struct et_feed *feed, const struct et_feed_sample *sample, struct et_arena *arena)
{
    return message_value(arena, et_feed_stream(feed, sample->stream)->type,
                         (struct et_str){sample->bytes, sample->n_bytes});
}

// The bytes of its field `data`.
static inline struct et_str value_data(const struct et_value *value, struct et_arena *arena)
{
    struct et_str data = {0};
    const struct et_value *text = at(value, "data");
    if (!CHECK(text != NULL))
        return data;
    char *bytes = et_arena_alloc(arena, text->as.string.n + 1);
    CHECK(et_base64_get(text->as.string, bytes, &data.n));
    data.p = bytes;
    return data;
}

#endif

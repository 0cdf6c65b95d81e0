/* What tests of live sources share: a source on a feed with a clock of the test's own, and samples
 * taken out of it as documents. */
#ifndef TESTS_RECORD_SOURCE_HELP_H
#define TESTS_RECORD_SOURCE_HELP_H

#include "etude/message.h"
#include "etude/source.h"
#include "etude/yaml.h"

#include "tap.h"

#include <stdlib.h>

static struct et_err err;

/* A CDR message of a type of share/msg as a document, which says of bytes that are left over. */
static inline const struct et_value *message_value(struct et_arena *arena, const char *type,
                                                   struct et_str bytes)
{
    struct et_message_def message = {.encoding = ET_MESSAGE_CDR};
    struct et_buf json = et_buf((size_t)64 << 20);
    struct et_json_writer w = {.buf = &json};
    const struct et_value *value = NULL;
    size_t n_left = 0;
    CHECK_OK(et_msgdef_load(et_str(type), ET_MSGDEF_ROS2, arena, &message.def, &err));
    CHECK_OK(et_message_left_over(&message, bytes, &n_left, &err));
    CHECK_EQ(n_left, 0);
    CHECK_OK(et_message_to_json(&message, bytes, &w, &err));
    CHECK_OK(et_json_parse(et_buf_str(&json), NULL, arena, &value, &err));
    et_buf_free(&json);
    return value;
}

/* What stands at a path of keys and places: "axis.3", "header.stamp.sec". */
static inline const struct et_value *at(const struct et_value *value, const char *path)
{
    struct et_str rest = et_str(path), part;
    while (et_str_cut(&rest, '.', &part)) {
        int64_t i;
        char key[64] = "";
        memcpy(key, part.p, part.n < sizeof key ? part.n : sizeof key - 1);
        value =
            et_str_to_int64(part, &i) ? et_value_at(value, (size_t)i) : et_value_get(value, key);
    }
    return value;
}

static inline double number_at(const struct et_value *value, const char *path)
{
    return et_value_real(at(value, path), (double)NAN);
}

static inline const char *text_at(const struct et_value *value, const char *path)
{
    return et_value_text(at(value, path), "(none)");
}

/* ---- a source under test ---- */

struct live {
    struct et_feed *feed;
    struct et_source *source;
    struct et_arena *arena;
    int64_t t_ns;                 // the test's clock, which the source goes by
    int64_t t_next_ns;            // of the last poll
    enum et_status st;            // of opening, then of the last poll
    struct et_feed_sample sample; // that was taken last
    const struct et_value *value; // the same
};

static inline int64_t live_now(void *ctx)
{
    return ((const struct live *)ctx)->t_ns;
}

/* Opens a source by its settings in YAML; live->st says how it went. */
static inline struct live *live_open_as(const char *device, const char *kind, const char *settings,
                                        bool only_look)
{
    struct live *live = calloc(1, sizeof *live);
    const struct et_value *value = NULL;
    live->t_ns = 1000 * INT64_C(1000000000);
    CHECK_OK(et_arena_open(&live->arena, (size_t)256 << 20, &err));
    CHECK_OK(et_feed_open(&live->feed, &(struct et_feed_options){.n_bytes = 1 << 22}, &err));
    CHECK_OK(et_yaml_parse(et_str(settings), "station.yaml", live->arena, &value, &err));
    const struct et_source_kind *found = et_source_kind(kind);
    if (!CHECK(found != NULL))
        exit(99);
    live->st = et_source_open(&live->source, found,
                              &(struct et_source_options){.device = device,
                                                          .settings = value,
                                                          .path = "station.yaml",
                                                          .now_ns = live_now,
                                                          .ctx = live,
                                                          .only_look = only_look},
                              live->feed, &err);
    return live;
}

static inline struct live *live_open(const char *kind, const char *settings, bool only_look)
{
    return live_open_as("dev", kind, settings, only_look);
}

static inline void live_close(struct live *live)
{
    et_source_close(live->source);
    et_feed_close(live->feed);
    et_arena_close(live->arena);
    free(live);
}

static inline void live_poll(struct live *live)
{
    live->st = et_source_poll(live->source, &live->t_next_ns, &err);
}

/* Goes on to a time, polling whenever the source asks for it. */
static inline void live_run_to(struct live *live, int64_t t_ns)
{
    do {
        live_poll(live);
        if (live->t_next_ns <= live->t_ns || live->t_next_ns > t_ns)
            break;
        live->t_ns = live->t_next_ns;
    } while (live->st == ET_OK);
    live->t_ns = t_ns;
}

/* The next sample, of any stream, as a document; NULL: there is none. Of streams that are not CDR
 * it is NULL too, and live->sample tells. */
static inline const struct et_value *live_next(struct live *live)
{
    live->value = NULL;
    live->sample = (struct et_feed_sample){0};
    if (!et_feed_next(live->feed, &live->sample))
        return NULL;
    const struct et_feed_stream *stream = et_feed_stream(live->feed, live->sample.stream);
    live->value = message_value(live->arena, stream->type,
                                (struct et_str){live->sample.bytes, live->sample.n_bytes});
    et_feed_done(live->feed);
    return live->value;
}

/* The next event, or sample of the stream: what comes before is passed over. */
static inline const struct et_value *live_next_of(struct live *live, size_t stream)
{
    while (live_next(live))
        if (live->sample.stream == stream)
            return live->value;
    return NULL;
}

static inline void live_skip_all(struct live *live)
{
    struct et_feed_sample sample;
    while (et_feed_next(live->feed, &sample))
        et_feed_done(live->feed);
}

#endif

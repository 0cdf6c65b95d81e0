/* A recording of any format, sent again as it came: topics, definitions, bytes and the devices' own
 * stamps as they are; arrival is now. */
#include "record/record__recorder.h"
#include "record/record__sources.h"

#include "etude/clock.h"
#include "etude/recording.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH 4096 // messages a poll, so that others have their turn
#define TEXT_BYTES 300
#define DEVICE_BYTES 600
#define RATE_FROM 20 // messages: of fewer a mean says little
#define RATE_HZ_MIN 1

// clang-format off
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema SPEED = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.001, .max = 1000};
static const struct et_schema FROM_S = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0, .max = 1e7};
static const struct et_schema YES = {.type = ET_SCHEMA_BOOL};
static const struct et_schema_field FIELDS[] = {
    {"path",   &TEXT,   true},
    {"speed",  &SPEED,  false},
    {"from_s", &FROM_S, false},
    {"loop",   &YES,    false},
    {"marks",  &YES,    false},
    {NULL,     NULL,    false},
};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};
// clang-format on

struct replay {
    struct et_source_options options;
    struct et_feed *feed;
    struct et_recording *recording;
    uint16_t *streams; // by channel
    size_t n_streams;
    double speed;
    bool is_looped, is_over, has_next, has_marks;
    int64_t from_ns;
    int64_t t_begin_ns, t_first_ns; // now, and of the recording's, when it began
    struct et_recorded_message next;
};

// What a topic had on average, now; 0: it is not known, or came at times.
static double rate_of(const struct replay *r, const struct et_recording_info *info,
                      const struct et_channel *channel)
{
    const double s = (double)(info->end_ns - info->start_ns) / 1e9;
    const double hz = s > 0 ? (double)(channel->n_messages - 1) / s : 0;
    return channel->n_messages >= RATE_FROM && hz >= RATE_HZ_MIN ? hz * r->speed : 0;
}

static enum et_status announce(struct replay *r, struct et_err *err)
{
    const struct et_recording_info *info = et_recording_info(r->recording);
    enum et_status st = ET_OK;
    r->streams = calloc(info->n_channels + 1, sizeof *r->streams);
    r->n_streams = info->n_channels;
    if (!r->streams)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a replay");
    for (size_t i = 0; i < info->n_channels && st == ET_OK; i++) {
        const struct et_channel *c = &info->channels[i];
        char type[TEXT_BYTES], schema[TEXT_BYTES], message[TEXT_BYTES], device[DEVICE_BYTES];
        (void)snprintf(type, sizeof type, "%.*s", ET_STR_ARG(c->schema.name));
        (void)snprintf(schema, sizeof schema, "%.*s", ET_STR_ARG(c->schema.encoding));
        (void)snprintf(message, sizeof message, "%.*s", ET_STR_ARG(c->schema.message_encoding));
        // Devices stay apart, also those of two recordings that are played at once.
        (void)snprintf(device, sizeof device, "%.250s%s%.300s", r->options.device,
                       c->device ? "." : "", c->device ? c->device : "");
        const struct et_feed_stream stream = {.topic = c->topic,
                                              .type = type[0] ? type : "unknown",
                                              .schema = c->schema.data,
                                              .schema_encoding = schema,
                                              .message_encoding = message,
                                              .qos = c->qos,
                                              .device = device,
                                              .rate_hz = rate_of(r, info, c)};
        st = et_feed_add(r->feed, &stream, &r->streams[i], err);
    }
    return st;
}

static void begin(struct replay *r, int64_t t_ns)
{
    r->t_begin_ns = t_ns;
    r->has_next = false;
    r->t_first_ns = -1;
}

static enum et_status open_replay(void **self, const struct et_source_options *options,
                                  struct et_feed *feed, struct et_err *err)
{
    const char *path = et_value_text(et_value_get(options->settings, "path"), NULL);
    if (!path)
        return et_fail(err, ET_ECORRUPT, -1, "%s: which recording? (path)", options->device);
    struct replay *r = calloc(1, sizeof *r);
    if (!r)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a replay");
    *self = r;
    r->options = *options;
    r->feed = feed;
    r->speed = et_value_real(et_value_get(options->settings, "speed"), 1);
    r->is_looped = et_value_bool(et_value_get(options->settings, "loop"), false);
    r->has_marks = et_value_bool(et_value_get(options->settings, "marks"), true);
    enum et_status st = et_recording_open(&r->recording, path, NULL, err);
    if (st == ET_OK)
        st = announce(r, err);
    if (st == ET_OK) {
        const double from_s = et_value_real(et_value_get(options->settings, "from_s"), 0);
        r->from_ns = et_recording_info(r->recording)->start_ns + (int64_t)(from_s * 1e9);
        st = et_recording_messages(r->recording, r->from_ns, err);
    }
    begin(r, options->now_ns(options->ctx));
    r->is_over = options->only_look;
    if (st != ET_OK) {
        et__source_replay.close(r);
        *self = NULL;
    }
    return st;
}

// When the next message is due; ET_END: there is none.
static enum et_status look_ahead(struct replay *r, int64_t *t_due_ns, struct et_err *err)
{
    if (!r->has_next) {
        const enum et_status st = et_recording_next_message(r->recording, &r->next, err);
        if (st != ET_OK)
            return st;
        r->has_next = true;
        if (r->t_first_ns < 0)
            r->t_first_ns = r->next.t_arrival_ns;
    }
    const double since_ns = (double)(r->next.t_arrival_ns - r->t_first_ns);
    *t_due_ns = r->t_begin_ns + (int64_t)(since_ns / r->speed);
    return ET_OK;
}

static bool is_event(const struct replay *r)
{
    const struct et_channel *c = &et_recording_info(r->recording)->channels[r->next.i_channel];
    return et_str_is(c->schema.name, "etude_msgs/msg/Event") &&
           et_str_is(c->schema.message_encoding, "cdr");
}

/* What began and ended attempts then does so now: the events that every recording has of them,
 * however they were marked. Not the emergency stop, and its release: nobody wants either now. */
static void mark_again(struct replay *r)
{
    static const struct {
        const char *kind, *mark;
    } MARKS[] = {{"episode.begin", "start"},
                 {"success", "success"},
                 {"failure", "failure"},
                 {"discard", "discard"},
                 {"episode.end", "stop"}};
    struct et__event event;
    if (!is_event(r) || !et__event_parse(r->next.bytes, &event))
        return;
    for (size_t i = 0; i < sizeof MARKS / sizeof *MARKS; i++)
        if (et_str_is(event.kind, MARKS[i].kind))
            (void)et_feed_event(r->feed, "mark", r->options.device, MARKS[i].mark, NULL);
}

static void send(struct replay *r)
{
    r->has_next = false;
    // Topics that come up only while some formats are read are not announced.
    if (r->next.i_channel < r->n_streams)
        (void)et_feed_put(r->feed, &(struct et_feed_sample){.t_device_ns = r->next.t_publish_ns,
                                                            .stream = r->streams[r->next.i_channel],
                                                            .n_bytes = (uint32_t)r->next.bytes.n,
                                                            .bytes = r->next.bytes.p});
    if (r->has_marks && r->next.i_channel < r->n_streams)
        mark_again(r);
}

static enum et_status poll_replay(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct replay *r = self;
    const int64_t t_now_ns = r->options.now_ns(r->options.ctx);
    int64_t t_due_ns = 0;
    enum et_status st = r->is_over ? ET_END : ET_OK;
    for (int i = 0; st == ET_OK && i < BATCH; i++) {
        st = look_ahead(r, &t_due_ns, err);
        if (st == ET_OK && t_due_ns > t_now_ns) {
            *t_next_ns = t_due_ns;
            return ET_OK;
        }
        if (st == ET_OK)
            send(r);
    }
    *t_next_ns = t_now_ns;
    if (st == ET_END && r->is_looped && !r->is_over && r->t_first_ns >= 0) {
        begin(r, t_now_ns);
        return et_recording_messages(r->recording, r->from_ns, err);
    }
    r->is_over = st != ET_OK;
    return st;
}

static int fd_replay(void *self)
{
    (void)self;
    return -1;
}

static enum et_source_state state_replay(void *self)
{
    const struct replay *r = self;
    return r->is_over ? ET_SOURCE_OVER : ET_SOURCE_LIVE;
}

static void close_replay(void *self)
{
    struct replay *r = self;
    et_recording_close(r->recording);
    free(r->streams);
    free(r);
}

const struct et_source_kind et__source_replay = {.name = "replay",
                                                 .text = "a recording of any format, sent again",
                                                 .settings = &SETTINGS,
                                                 .marks_itself = true,
                                                 .open = open_replay,
                                                 .fd = fd_replay,
                                                 .poll = poll_replay,
                                                 .state = state_replay,
                                                 .close = close_replay};

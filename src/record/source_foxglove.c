/* The streams of another server that speaks Foxglove's WebSocket protocol: a robot's bridge, a
 * simulator, another Étude. Topics, definitions and bytes are taken as they come; the device's
 * stamp is the server's log time.
 *
 * Nothing that the server does ends it: what is wrong is told by an event and passed over, and a
 * connection that goes is opened again, after 0.5 s, then 1 s … 16 s. */
#include "record/record__foxglove.h"
#include "record/record__pictures.h"
#include "record/record__sources.h"

#include "etude/clock.h"
#include "etude/websocket.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS 1024 // of subscriptions; a feed has no more streams
#define ARENA_BYTES ((size_t)128 << 20)
#define SCHEMAS_BYTES_MAX ((size_t)64 << 20) // of all that is announced
#define SEND_BYTES ((size_t)1 << 20)
#define TOLD_MAX 20 // events about what is wrong, a connection
#define RETRY_NS (ET_NS_PER_S / 2)
#define RETRY_NS_MAX (16 * ET_NS_PER_S)
#define STEADY_NS (10 * ET_NS_PER_S) // a connection that lasted is tried again at once
#define PING_NS (5 * ET_NS_PER_S)

// clang-format off
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema TOPICS = {.type = ET_SCHEMA_LIST, .items = &TEXT};
static const struct et_schema PICTURES = {.type = ET_SCHEMA_STRING, .choices = ET__PICTURES_HOW};
static const struct et_schema QP = {.type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 51};
static const struct et_schema_field FIELDS[] = {
    {"url",      &TEXT,     true},
    {"topics",   &TOPICS,   false},
    {"token",    &TEXT,     false},
    {"ca",       &TEXT,     false},
    {"pin",      &TEXT,     false},
    {"pictures", &PICTURES, false},
    {"qp",       &QP,       false},
    {NULL,       NULL,      false},
};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};
// clang-format on

// A subscription. Its number is the slot's and, of how often the slot was used, SLOTS a time: what
// is still on its way for a channel that went is not taken for its successor's.
struct slot {
    uint32_t id, channel;
    bool is_on;
    bool is_camera;  // its messages are pictures to be coded
    uint16_t stream; // of all others
    size_t camera;
};

struct foxglove {
    struct et_source_options options;
    struct et_feed *feed;
    struct et_loop *loop;
    struct et_timer retry;
    struct et_tls *tls;
    struct et_websocket *ws; // NULL: there is none
    struct et_arena *arena;
    struct et_buf out;
    struct et__pictures *pictures; // that are coded
    struct et_watch coded;
    struct slot slots[SLOTS];
    size_t n_schema_bytes;
    int64_t retry_ns, t_open_ns;
    unsigned n_told;
    bool is_open, was_lost;
};

static const char *setting(const struct foxglove *f, const char *key)
{
    return et_value_text(et_value_get(f->options.settings, key), NULL);
}

static void event(struct foxglove *f, const char *kind, const char *text)
{
    (void)et_feed_event(f->feed, kind, f->options.device, text, NULL);
}

// What is wrong with what the server says. It may be wrong without end.
static void complain(struct foxglove *f, const char *fmt, ...) ET_PRINTF(2, 3);
static void complain(struct foxglove *f, const char *fmt, ...)
{
    char text[300];
    va_list args;
    if (f->n_told++ >= TOLD_MAX)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    event(f, "source.trouble", text);
}

/* ---- channels ---- */

static bool is_wanted(const struct foxglove *f, const char *topic)
{
    const struct et_value *patterns = et_value_get(f->options.settings, "topics");
    for (size_t i = 0; i < et_value_count(patterns); i++)
        if (fnmatch(et_value_text(et_value_at(patterns, i), ""), topic, 0) == 0)
            return true;
    return !patterns;
}

static struct slot *find_channel(struct foxglove *f, uint32_t channel)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (f->slots[i].is_on && f->slots[i].channel == channel)
            return &f->slots[i];
    return NULL;
}

static struct slot *free_slot(struct foxglove *f)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (!f->slots[i].is_on)
            return &f->slots[i];
    return NULL;
}

static bool send_text(struct foxglove *f)
{
    return f->out.status == ET_OK &&
           et_websocket_send(f->ws, ET_WEBSOCKET_TEXT, f->out.p, f->out.n, false) == ET_OK;
}

static void drop_slot(struct foxglove *f, struct slot *slot)
{
    slot->is_on = false;
    et_buf_clear(&f->out);
    et__foxglove_put_unsubscribe(&f->out, &slot->id, 1);
    (void)send_text(f);
}

// Of pictures, streams are announced when it is known what they are.
static bool have_camera(struct foxglove *f, const struct et_feed_stream *about, struct slot *to)
{
    const struct et__pictures_camera camera = {.raw = *about};
    struct et_err err = {0};
    if (!f->pictures || !et__picture_is_raw(about))
        return false;
    to->is_camera = et__pictures_add(f->pictures, &camera, &to->camera, &err) == ET_OK;
    if (!to->is_camera)
        complain(f, "pictures of %.100s are stored as they come: %s", about->topic, err.text);
    return to->is_camera;
}

/* Where messages of a channel go, into *to. */
static enum et_status announce(struct foxglove *f, const struct et__foxglove_channel *channel,
                               struct slot *to, struct et_err *err)
{
    const size_t n_before = et_feed_n_streams(f->feed);
    const struct et_feed_stream about = {.topic = channel->topic,
                                         .type = channel->type[0] ? channel->type : "unknown",
                                         .schema = channel->schema,
                                         .schema_encoding = channel->schema_encoding,
                                         .message_encoding = channel->encoding,
                                         .device = f->options.device};
    if (channel->is_wrong)
        return et_fail(err, ET_ECORRUPT, -1, "its definition is no base64");
    if (f->n_schema_bytes + channel->schema.n > SCHEMAS_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "the server's definitions are too long together");
    if (have_camera(f, &about, to))
        return ET_OK;
    const enum et_status st = et_feed_add(f->feed, &about, &to->stream, err);
    if (et_feed_n_streams(f->feed) > n_before)
        f->n_schema_bytes += channel->schema.n;
    return st;
}

static bool is_same_way(const struct slot *a, const struct slot *b)
{
    return a->is_camera == b->is_camera &&
           (a->is_camera ? a->camera == b->camera : a->stream == b->stream);
}

static void take_channel(struct foxglove *f, const struct et__foxglove_channel *channel)
{
    struct et_err err = {0};
    struct slot *slot = find_channel(f, channel->id), to = {.is_on = true};
    if (!is_wanted(f, channel->topic)) {
        if (slot) // the number was another's
            drop_slot(f, slot);
        return;
    }
    if (announce(f, channel, &to, &err) != ET_OK) {
        complain(f, "%.100s is not taken: %s", channel->topic, err.text);
        return;
    }
    if (slot && is_same_way(slot, &to))
        return; // it is only said again
    if (slot)
        drop_slot(f, slot);
    slot = f->options.only_look ? NULL : free_slot(f);
    if (!slot)
        return;
    // The first use of slot 0 has the number SLOTS: 0 is everybody's favourite mistake.
    to.id = slot->id ? slot->id + SLOTS : (uint32_t)(slot - f->slots) + SLOTS;
    to.channel = channel->id;
    *slot = to;
    const struct et__foxglove_subscription wanted = {slot->id, channel->id};
    et_buf_clear(&f->out);
    et__foxglove_put_subscribe(&f->out, &wanted, 1);
    if (!send_text(f))
        complain(f, "%.100s: the server does not take what it is asked", channel->topic);
}

/* ---- what the server says ---- */

static void on_text(struct foxglove *f, struct et_str json)
{
    const struct et_arena_mark mark = et_arena_mark(f->arena);
    struct et__foxglove_text text;
    struct et_err err = {0};
    if (et__foxglove_read_text(json, f->arena, &text, &err) != ET_OK)
        complain(f, "%s", err.text);
    else if (text.op == ET__FOXGLOVE_ADVERTISE)
        for (size_t i = 0; i < text.n && i < SLOTS; i++) // more would keep other sources waiting
            take_channel(f, &text.channels[i]);
    else if (text.op == ET__FOXGLOVE_UNADVERTISE)
        for (size_t i = 0; i < text.n; i++) {
            struct slot *slot = find_channel(f, text.ids[i]);
            if (slot)
                slot->is_on = false;
        }
    else if (text.op == ET__FOXGLOVE_STATUS && text.level > ET__FOXGLOVE_INFO)
        complain(f, "the server says: %.200s", text.text);
    et_arena_rewind(f->arena, mark);
}

static void on_data(struct foxglove *f, struct et_str frame)
{
    struct et__foxglove_data data;
    struct et_err err = {0};
    const enum et_status st = et__foxglove_read_data(frame, &data, &err);
    if (st == ET_ECORRUPT)
        complain(f, "%s", err.text);
    if (st != ET_OK || data.is_time)
        return;
    const struct slot *slot = &f->slots[data.subscription % SLOTS];
    if (!slot->is_on || slot->id != data.subscription)
        return; // of a channel that went
    const int64_t t_arrival_ns = f->options.now_ns(f->options.ctx);
    if (slot->is_camera)
        et__pictures_put(f->pictures, slot->camera, data.bytes, t_arrival_ns, data.t_ns);
    else
        (void)et_feed_put(f->feed, &(struct et_feed_sample){.t_arrival_ns = t_arrival_ns,
                                                            .t_device_ns = data.t_ns,
                                                            .stream = slot->stream,
                                                            .n_bytes = (uint32_t)data.bytes.n,
                                                            .bytes = data.bytes.p});
}

static void on_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    (void)ws;
    if (kind == ET_WEBSOCKET_TEXT)
        on_text(ctx, (struct et_str){p, n});
    else
        on_data(ctx, (struct et_str){p, n});
}

/* ---- the connection ---- */

static void wait_to_retry(struct foxglove *f)
{
    et_timer_set(f->loop, &f->retry, et_loop_now_ns(f->loop) + f->retry_ns);
    f->retry_ns = f->retry_ns * 2 < RETRY_NS_MAX ? f->retry_ns * 2 : RETRY_NS_MAX;
}

// A device that is not there is told once, not at each attempt.
static void lose(struct foxglove *f, const char *why)
{
    char text[300];
    (void)snprintf(text, sizeof text, "%.150s: %.140s", setting(f, "url"), why);
    if (f->is_open || !f->was_lost)
        event(f, "device.lost", text);
    if (f->is_open && et_loop_now_ns(f->loop) - f->t_open_ns >= STEADY_NS)
        f->retry_ns = RETRY_NS;
    f->ws = NULL;
    f->is_open = false;
    f->was_lost = true;
    for (size_t i = 0; i < SLOTS; i++)
        f->slots[i].is_on = false;
    wait_to_retry(f);
}

static void on_open(void *ctx, struct et_websocket *ws, const char *protocol)
{
    struct foxglove *f = ctx;
    if (!protocol[0]) {
        et_websocket_end(ws, ET_WEBSOCKET_PROTOCOL, "no Foxglove server");
        return;
    }
    f->is_open = true;
    f->n_told = 0;
    f->t_open_ns = et_loop_now_ns(f->loop);
    event(f, "device.found", setting(f, "url"));
}

static void on_close(void *ctx, struct et_websocket *ws, int code, const char *why)
{
    (void)ws;
    (void)code;
    lose(ctx, why[0] ? why : "the server ended it");
}

static enum et_status dial(struct foxglove *f, struct et_err *err)
{
    static const struct et_websocket_handlers HANDLERS = {
        .on_open = on_open, .on_message = on_message, .on_close = on_close};
    const struct et_websocket_to to = {
        .url = setting(f, "url"), .token = setting(f, "token"), .tls = f->tls};
    const struct et_websocket_options options = {.handlers = &HANDLERS,
                                                 .ctx = f,
                                                 .protocols = ET__FOXGLOVE_PROTOCOLS,
                                                 .send_bytes_max = SEND_BYTES,
                                                 .ping_ns = PING_NS};
    return et_websocket_open(&f->ws, f->loop, &to, &options, err);
}

static void on_retry(void *ctx)
{
    struct et_err err = {0};
    if (dial(ctx, &err) != ET_OK)
        lose(ctx, err.text);
}

/* ---- the source ---- */

static void close_foxglove(void *self)
{
    struct foxglove *f = self;
    et_websocket_close(f->ws);
    if (f->loop) {
        et_timer_end(&f->retry);
        et_watch_end(&f->coded);
    }
    et__pictures_close(f->pictures);
    et_loop_close(f->loop);
    et_tls_close(f->tls);
    et_arena_close(f->arena);
    et_buf_free(&f->out);
    free(f);
}

static int64_t now_ns(void *ctx)
{
    const struct foxglove *f = ctx;
    return f->options.now_ns(f->options.ctx);
}

static void on_coded(void *ctx, unsigned events)
{
    struct foxglove *f = ctx;
    (void)events;
    (void)!et__pictures_take(f->pictures, NULL); // of devices only something can fail
}

static enum et_status open_pictures(struct foxglove *f, struct et_err *err)
{
    const struct et__pictures_options how = {
        .feed = f->feed,
        .device = f->options.device,
        .qp = (int)et_value_int(et_value_get(f->options.settings, "qp"), 0)};
    const char *pictures = setting(f, "pictures");
    if (f->options.only_look || (pictures && strcmp(pictures, ET__PICTURES_HOW[0]) != 0))
        return ET_OK;
    const enum et_status st = et__pictures_open(&f->pictures, &how, err);
    if (st != ET_OK)
        return st;
    f->coded =
        (struct et_watch){.fd = et__pictures_fd(f->pictures), .on_ready = on_coded, .ctx = f};
    return et_watch_begin(f->loop, &f->coded, ET_LOOP_READ, err);
}

static enum et_status open_all(struct foxglove *f, struct et_err *err)
{
    const struct et_loop_options how = {.now_ns = now_ns, .now_ctx = f};
    const struct et_tls_client_options trust = {.ca_path = setting(f, "ca"),
                                                .pin = setting(f, "pin")};
    if (!setting(f, "url"))
        return et_fail(err, ET_ECORRUPT, -1, "%s: which server? (url: ws://HOST:8765)",
                       f->options.device);
    enum et_status st = et_arena_open(&f->arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_loop_open(&f->loop, &how, err);
    if (st == ET_OK)
        st = open_pictures(f, err);
    if (st == ET_OK && et_str_starts(et_str(setting(f, "url")), "wss://"))
        st = et_tls_open_client(&f->tls, &trust, err);
    if (st != ET_OK)
        return st == ET_EARG ? et_fail(err, ET_ECORRUPT, -1, "pin: no fingerprint of 64 digits")
                             : st;
    struct et_err why = {0};
    st = dial(f, &why);
    if (st == ET_ENOTFOUND || st == ET_EIO) { // it may be there later
        lose(f, why.text);
        return ET_OK;
    }
    return st == ET_OK ? ET_OK : et_fail(err, st == ET_EARG ? ET_ECORRUPT : st, -1, "%s", why.text);
}

static enum et_status open_foxglove(void **self, const struct et_source_options *options,
                                    struct et_feed *feed, struct et_err *err)
{
    *self = NULL;
    struct foxglove *f = calloc(1, sizeof *f);
    if (!f)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a Foxglove source");
    f->options = *options;
    f->feed = feed;
    f->out = et_buf(SEND_BYTES);
    f->retry_ns = RETRY_NS;
    f->retry = (struct et_timer){.on_time = on_retry, .ctx = f};
    const enum et_status st = open_all(f, err);
    if (st != ET_OK)
        close_foxglove(f);
    else
        *self = f;
    return st;
}

static int fd_foxglove(void *self)
{
    const struct foxglove *f = self;
    return et_loop_fd(f->loop);
}

static enum et_status poll_foxglove(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct foxglove *f = self;
    const enum et_status st = et_loop_run_once(f->loop, 0, err);
    const int64_t wait_ns = et_loop_wait_ns(f->loop);
    if (wait_ns >= 0)
        *t_next_ns = et_loop_now_ns(f->loop) + wait_ns;
    return st;
}

static enum et_source_state state_foxglove(void *self)
{
    const struct foxglove *f = self;
    return f->is_open ? ET_SOURCE_LIVE : ET_SOURCE_WAITING;
}

const struct et_source_kind et__source_foxglove = {
    .name = "foxglove",
    .text = "another server's streams: a ROS bridge, a simulator, an Étude",
    .settings = &SETTINGS,
    .open = open_foxglove,
    .fd = fd_foxglove,
    .poll = poll_foxglove,
    .state = state_foxglove,
    .close = close_foxglove};

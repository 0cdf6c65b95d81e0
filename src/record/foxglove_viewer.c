/* Viewers: what they ask for, and what they are told. */
#include "record/record__foxglove_server.h"

#include "etude/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define VIEWER_BYTES ((size_t)16 << 20)
#define MESSAGE_BYTES ((size_t)1 << 20) // of what a viewer asks for
#define ADVERTISE_BYTES ((size_t)256 << 10)
#define ADVERTISE_MAX 64
#define TELL_NS (2 * ET_NS_PER_S) // between words about losses

void et__viewer_free(struct et__viewer *viewer)
{
    struct et_foxglove *s = viewer->server;
    const size_t n = atomic_load(&s->n_viewers);
    for (size_t i = 0; i < atomic_load(&s->n_channels); i++)
        if (viewer->subscriptions[i].is_on)
            et__channel_watch(s, i, false);
    for (size_t i = 0; i < n; i++)
        if (s->viewers[i] == viewer)
            s->viewers[i] = s->viewers[n - 1];
    atomic_store(&s->n_viewers, n - 1);
    free(viewer);
}

static size_t quota(const struct et_foxglove *s)
{
    return s->options.viewer_bytes ? s->options.viewer_bytes : VIEWER_BYTES;
}

// false: the viewer's queue is full, and this text is lost to it; what it asks later is answered.
static bool send_text(struct et__viewer *viewer)
{
    const struct et_buf *out = &viewer->server->out;
    return out->status == ET_OK && viewer->ws &&
           et_websocket_send(viewer->ws, ET_WEBSOCKET_TEXT, out->p, out->n, false) == ET_OK;
}

static bool tell(struct et__viewer *viewer, enum et__foxglove_level level, const char *fmt, ...)
    ET_PRINTF(3, 4);
static bool tell(struct et__viewer *viewer, enum et__foxglove_level level, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    et_buf_clear(&viewer->server->out);
    et__foxglove_put_status(&viewer->server->out, level, text);
    return send_text(viewer);
}

/* ---- what it asks for ---- */

static bool has_id(const struct et__viewer *viewer, uint32_t id)
{
    for (size_t i = 0; i < viewer->n_advertised; i++)
        if (viewer->subscriptions[i].is_on && viewer->subscriptions[i].id == id)
            return true;
    return false;
}

static void subscribe(struct et__viewer *viewer, const struct et__foxglove_subscription *wanted)
{
    const size_t i = (size_t)wanted->channel - 1;
    if (wanted->channel == 0 || i >= viewer->n_advertised)
        (void)tell(viewer, ET__FOXGLOVE_ERROR, "there is no channel %u", wanted->channel);
    else if (viewer->subscriptions[i].is_on)
        (void)tell(viewer, ET__FOXGLOVE_WARNING, "channel %u is subscribed to already",
                   wanted->channel);
    else if (has_id(viewer, wanted->id))
        (void)tell(viewer, ET__FOXGLOVE_ERROR, "subscription %u is another channel's", wanted->id);
    else {
        viewer->subscriptions[i].id = wanted->id;
        viewer->subscriptions[i].is_on = true;
        et__channel_watch(viewer->server, i, true);
        et__channel_send_kept(viewer, i);
    }
}

static void unsubscribe(struct et__viewer *viewer, uint32_t id)
{
    for (size_t i = 0; i < viewer->n_advertised; i++)
        if (viewer->subscriptions[i].is_on && viewer->subscriptions[i].id == id) {
            viewer->subscriptions[i].is_on = false;
            et__channel_watch(viewer->server, i, false);
            return;
        }
    (void)tell(viewer, ET__FOXGLOVE_WARNING, "there is no subscription %u", id);
}

static void obey(struct et__viewer *viewer, const struct et__foxglove_text *text)
{
    switch (text->op) {
    case ET__FOXGLOVE_SUBSCRIBE:
        for (size_t i = 0; i < text->n; i++)
            subscribe(viewer, &text->subscriptions[i]);
        break;
    case ET__FOXGLOVE_UNSUBSCRIBE:
        for (size_t i = 0; i < text->n; i++)
            unsubscribe(viewer, text->ids[i]);
        break;
    case ET__FOXGLOVE_SERVER_INFO:
    case ET__FOXGLOVE_ADVERTISE:
    case ET__FOXGLOVE_UNADVERTISE:
    case ET__FOXGLOVE_STATUS:
    case ET__FOXGLOVE_OTHER:
        (void)tell(viewer, ET__FOXGLOVE_ERROR, "this server can only be watched: no %.60s",
                   text->op_name);
    }
}

static void on_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    struct et__viewer *viewer = ctx;
    struct et_arena *arena = viewer->server->arena;
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et__foxglove_text text;
    struct et_err err = {0};
    (void)ws;
    if (kind == ET_WEBSOCKET_BINARY)
        (void)tell(viewer, ET__FOXGLOVE_ERROR, "this server can only be watched");
    else if (et__foxglove_read_text((struct et_str){p, n}, arena, &text, &err) == ET_OK)
        obey(viewer, &text);
    else
        (void)tell(viewer, ET__FOXGLOVE_ERROR, "%s", err.text);
    et_arena_rewind(arena, mark);
}

static void on_close(void *ctx, struct et_websocket *ws, int code, const char *why)
{
    struct et__viewer *viewer = ctx;
    (void)ws;
    (void)code;
    (void)why;
    viewer->ws = NULL; // the server's next turn frees it: it may be in the middle of one
}

/* ---- what it is told ---- */

// The channels behind those that it knows, as many as make a frame. Returns how many.
static size_t put_channels(struct et__viewer *viewer, size_t n_channels)
{
    struct et_foxglove *s = viewer->server;
    struct et__foxglove_channel channels[ADVERTISE_MAX];
    size_t n = 0, n_bytes = 0;
    for (size_t i = viewer->n_advertised; i < n_channels && n < ADVERTISE_MAX; i++) {
        const struct et_feed_stream *stream = s->channels[i]->stream;
        if (n > 0 && n_bytes + stream->schema.n > ADVERTISE_BYTES)
            break;
        n_bytes += stream->schema.n;
        channels[n++] = (struct et__foxglove_channel){
            .id = (uint32_t)(i + 1),
            .topic = s->channels[i]->topic,
            .encoding = stream->message_encoding ? stream->message_encoding : "",
            .type = stream->type,
            .schema_encoding = stream->schema_encoding ? stream->schema_encoding : "",
            .schema = stream->schema};
    }
    et_buf_clear(&s->out);
    et__foxglove_put_advertise(&s->out, channels, n);
    return n;
}

static void advertise(struct et__viewer *viewer)
{
    const size_t n_channels = atomic_load(&viewer->server->n_channels);
    while (viewer->n_advertised < n_channels) {
        const size_t n = put_channels(viewer, n_channels);
        const struct et_buf *out = &viewer->server->out;
        if (out->status == ET_ELIMIT || out->n > quota(viewer->server)) {
            if (!tell(viewer, ET__FOXGLOVE_ERROR,
                      "%zu channels are left out: their definitions are too long", n))
                return;
        } else if (!send_text(viewer))
            return; // the next turn tries again
        viewer->n_advertised += n;
    }
}

static void tell_losses(struct et__viewer *viewer)
{
    const int64_t t_now_ns = et_loop_now_ns(viewer->server->loop);
    const int64_t n = et_websocket_counts(viewer->ws).n_dropped + viewer->n_unsent;
    (void)atomic_fetch_add(&viewer->server->n_dropped, (uint64_t)(n - viewer->n_dropped));
    viewer->n_dropped = n;
    if (n > viewer->n_told && t_now_ns - viewer->t_told_ns >= TELL_NS &&
        tell(viewer, ET__FOXGLOVE_WARNING,
             "this connection is too slow: %lld messages were left out",
             (long long)(n - viewer->n_told))) {
        viewer->n_told = n;
        viewer->t_told_ns = t_now_ns;
    }
}

void et__viewer_inform(struct et__viewer *viewer)
{
    if (viewer->ws)
        advertise(viewer);
    if (viewer->ws)
        tell_losses(viewer);
}

/* ---- its beginning ---- */

static struct et__viewer *add_viewer(struct et_foxglove *s)
{
    const size_t n = atomic_load(&s->n_viewers);
    struct et__viewer *viewer = n < ET_FOXGLOVE_VIEWERS_MAX ? calloc(1, sizeof *viewer) : NULL;
    if (!viewer)
        return NULL;
    viewer->server = s;
    viewer->t_told_ns = INT64_MIN / 2;
    s->viewers[n] = viewer;
    atomic_store(&s->n_viewers, n + 1);
    return viewer;
}

void et__viewer_accept(void *server, struct et_http_exchange *x)
{
    static const struct et_websocket_handlers HANDLERS = {.on_message = on_message,
                                                          .on_close = on_close};
    struct et_foxglove *s = server;
    struct et__viewer *viewer = add_viewer(s);
    if (!viewer) {
        et_http_reply_text(x, 503, "too many watch already");
        return;
    }
    const struct et_websocket_options options = {.handlers = &HANDLERS,
                                                 .ctx = viewer,
                                                 .protocols = ET__FOXGLOVE_PROTOCOLS,
                                                 .must_have_protocol = true,
                                                 .message_bytes_max = MESSAGE_BYTES,
                                                 .send_bytes_max = quota(s)};
    if (et_websocket_accept(&viewer->ws, x, &options, NULL) != ET_OK) {
        et__viewer_free(viewer);
        return;
    }
    et_buf_clear(&s->out);
    et__foxglove_put_info(&s->out, s->options.name ? s->options.name : "etude", s->session);
    (void)send_text(viewer);
    et__viewer_inform(viewer);
    et_timer_set(s->loop, &s->timer, et_loop_now_ns(s->loop));
}

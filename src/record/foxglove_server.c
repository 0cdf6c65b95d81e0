/* The server: opening and ending, and a turn every few milliseconds. */
#include "record/record__foxglove_server.h"

#include "etude/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TURN_NS (ET_NS_PER_S / 100) // from one look at the feeds to the next
#define IDLE_NS (ET_NS_PER_S / 5)   // while nobody watches
#define ARENA_BYTES ((size_t)16 << 20)
#define OUT_BYTES ((size_t)64 << 20) // a definition of 4 MiB, each of whose bytes is escaped
#define END_NS (2 * ET_NS_PER_S)

// Pages that come from elsewhere and are viewers: those of the web, those of a Lichtblick that this
// machine serves itself, and the programs, whose pages are files.
static const char *const ORIGINS[] = {"https://app.foxglove.dev",
                                      "https://lichtblick-suite.github.io", "http://localhost:8080",
                                      "http://127.0.0.1:8080", "file://"};
#define N_ORIGINS (sizeof ORIGINS / sizeof *ORIGINS)

/* ---- a turn ---- */

// No more than lay there at its beginning, so that a flood does not keep the loop.
static void drain(struct et_foxglove *s, struct et__tap *tap)
{
    const void *bytes;
    const size_t n_ring = et__ring_bytes(tap->ring);
    size_t n_taken = 0;
    for (const struct et__ring_sample *head;
         n_taken < n_ring && (head = et__ring_peek(tap->ring, &bytes)) != NULL;) {
        if (head->stream >= tap->n_known)
            return; // announced since: the next turn knows it
        n_taken += sizeof *head + head->n_bytes;
        const uint16_t channel = tap->channels[head->stream];
        if (channel != ET__NO_CHANNEL)
            et__channel_send(s, channel, head->t_arrival_ns + s->real_ns, bytes, head->n_bytes);
        et__ring_pop(tap->ring);
    }
}

static void turn(struct et_foxglove *s)
{
    et__channels_find(s);
    for (size_t i = 0; i < atomic_load(&s->n_taps); i++)
        drain(s, s->taps[i]);
    for (size_t i = atomic_load(&s->n_viewers); i-- > 0;)
        if (s->viewers[i]->ws)
            et__viewer_inform(s->viewers[i]);
    for (size_t i = atomic_load(&s->n_viewers); i-- > 0;)
        if (!s->viewers[i]->ws)
            et__viewer_free(s->viewers[i]);
}

static void on_time(void *ctx)
{
    struct et_foxglove *s = ctx;
    turn(s);
    et_timer_set(s->loop, &s->timer,
                 et_loop_now_ns(s->loop) + (atomic_load(&s->n_viewers) ? TURN_NS : IDLE_NS));
}

/* ---- opening ---- */

static void *work(void *ctx)
{
    struct et_foxglove *s = ctx;
    while (!atomic_load(&s->must_stop) && et_loop_run_once(s->loop, -1, NULL) == ET_OK)
        ;
    return NULL;
}

static enum et_status listen_at(struct et_foxglove *s, struct et_err *err)
{
    const struct et_http_route route = {
        .path = "/", .methods = "GET", .handle = et__viewer_accept, .ctx = s};
    const struct et_foxglove_options *o = &s->options;
    size_t n = 0;
    for (; n < N_ORIGINS; n++)
        s->origins[n] = ORIGINS[n];
    for (size_t i = 0; o->origins && o->origins[i]; i++) {
        if (n + 1 == sizeof s->origins / sizeof *s->origins)
            return et_fail(err, ET_EARG, -1, "too many origins of pages that may watch");
        s->origins[n++] = o->origins[i];
    }
    s->route = route;
    const struct et_http_options how = {
        .listen = {.address = o->address ? o->address : ET_FOXGLOVE_ADDRESS,
                   .is_public = o->is_public,
                   .tls = o->tls},
        .routes = &s->route,
        .n_routes = 1,
        .token = o->token,
        .must_have_token = o->must_have_token,
        .origins = s->origins};
    return et_http_open(&s->http, s->loop, &how, err);
}

static enum et_status start(struct et_foxglove *s, struct et_err *err)
{
    enum et_status st = et_arena_open(&s->arena, ARENA_BYTES, err);
    if (st == ET_OK && !s->loop)
        st = et_loop_open(&s->loop, NULL, err);
    if (st == ET_OK)
        st = listen_at(s, err);
    if (st == ET_OK)
        et_timer_set(s->loop, &s->timer, et_loop_now_ns(s->loop) + IDLE_NS);
    if (st != ET_OK || s->options.loop)
        return st;
    const int sys = pthread_create(&s->thread, NULL, work, s);
    s->has_thread = sys == 0;
    return sys == 0 ? ET_OK : et_fail_sys(err, sys, "cannot start a thread for viewers");
}

enum et_status et_foxglove_open(struct et_foxglove **server,
                                const struct et_foxglove_options *options, struct et_err *err)
{
    *server = NULL;
    struct et_foxglove *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a server of streams");
    if (options)
        s->options = *options;
    s->loop = s->options.loop;
    s->out = et_buf(OUT_BYTES);
    s->real_ns = et_clock_real_ns() - et_clock_monotonic_ns();
    s->timer = (struct et_timer){.on_time = on_time, .ctx = s};
    (void)snprintf(s->session, sizeof s->session, "%lld", (long long)et_clock_real_ns());
    const enum et_status st = start(s, err);
    if (st == ET_OK)
        *server = s;
    else
        et_foxglove_close(s);
    return st;
}

enum et_status et_foxglove_serve(struct et_foxglove *s, struct et_feed *feed, struct et_err *err)
{
    const size_t n = atomic_load(&s->n_taps);
    if (n == ET_FOXGLOVE_FEEDS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d feeds are served", ET_FOXGLOVE_FEEDS_MAX);
    const enum et_status st = et__tap_open(&s->taps[n], feed, s->options.feed_bytes, err);
    if (st == ET_OK)
        atomic_store(&s->n_taps, n + 1);
    return st;
}

/* ---- its end ---- */

// Says good-bye to the viewers behind what waits for them, and lets them answer.
static void send_rest(struct et_foxglove *s)
{
    const int64_t t_end_ns = et_loop_now_ns(s->loop) + END_NS;
    turn(s);
    for (size_t i = 0; i < atomic_load(&s->n_viewers); i++)
        if (s->viewers[i]->ws)
            et_websocket_end(s->viewers[i]->ws, ET_WEBSOCKET_GOING_AWAY, "the server ends");
    while (atomic_load(&s->n_viewers) > 0 && et_loop_now_ns(s->loop) < t_end_ns) {
        if (et_loop_run_once(s->loop, TURN_NS, NULL) != ET_OK)
            return;
        for (size_t i = atomic_load(&s->n_viewers); i-- > 0;)
            if (!s->viewers[i]->ws)
                et__viewer_free(s->viewers[i]);
    }
}

void et_foxglove_close(struct et_foxglove *s)
{
    if (!s)
        return;
    atomic_store(&s->must_stop, true);
    if (s->has_thread) {
        et_loop_wake(s->loop);
        (void)pthread_join(s->thread, NULL);
        send_rest(s);
    }
    et_timer_end(&s->timer);
    while (atomic_load(&s->n_viewers) > 0) {
        et_websocket_close(s->viewers[0]->ws);
        et__viewer_free(s->viewers[0]);
    }
    et_http_close(s->http);
    if (!s->options.loop)
        et_loop_close(s->loop);
    for (size_t i = 0; i < atomic_load(&s->n_taps); i++)
        et__tap_close(s->taps[i]);
    for (size_t i = 0; i < atomic_load(&s->n_channels); i++) {
        et_buf_free(&s->channels[i]->kept);
        free(s->channels[i]);
    }
    et_arena_close(s->arena);
    et_buf_free(&s->out);
    free(s);
}

const char *et_foxglove_address(const struct et_foxglove *s)
{
    return et_http_address(s->http);
}

struct et_foxglove_counts et_foxglove_counts(struct et_foxglove *s)
{
    struct et_foxglove_counts counts = {.n_viewers = atomic_load(&s->n_viewers),
                                        .n_subscriptions = atomic_load(&s->n_subscriptions),
                                        .n_channels = atomic_load(&s->n_channels),
                                        .n_sent = atomic_load(&s->n_sent),
                                        .n_dropped = atomic_load(&s->n_dropped)};
    for (size_t i = 0; i < atomic_load(&s->n_taps); i++) {
        counts.n_dropped += atomic_load(&s->taps[i]->n_dropped);
        counts.n_waiting_bytes += et__ring_used(s->taps[i]->ring);
    }
    return counts;
}

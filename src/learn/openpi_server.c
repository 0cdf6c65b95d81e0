/* The server: each client has its WebSocket; a request is read where it lies, answered, and
 * forgotten. */
#include "etude/clock.h"
#include "etude/openpi.h"
#include "etude/websocket.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_BYTES ((size_t)32 << 20)
#define ARENA_BYTES ((size_t)1 << 20) // beside what a request may have
#define CLIENTS_MAX 16
#define IDLE_NS (600 * ET_NS_PER_S)
#define TIMINGS 2

struct client {
    struct et_openpi_server *server;
    struct client *next, **place;
    struct et_websocket *ws;
    void *kept;       // open_client's
    int64_t total_ns; // of its last request; 0: there was none
    char peer[ET_ADDRESS_BYTES];
};

struct et_openpi_server {
    struct et_openpi_server_options options;
    struct et_http_route routes[2];
    struct et_http_server *http;
    struct client *clients;
    struct et_arena *arena; // of the request that is answered
    struct et_buf metadata, out;
    bool is_ending;
    struct et_openpi_counts counts;
};

/* ---- clients ---- */

static void tell(const struct client *c, const char *why)
{
    const struct et_openpi_server_options *o = &c->server->options;
    if (o->on_client)
        o->on_client(o->ctx, c->peer, why);
}

static void forget(struct client *c)
{
    const struct et_openpi_server_options *o = &c->server->options;
    if (o->open_client)
        o->close_client(o->ctx, c->kept);
    free(c);
}

static void remove_client(struct client *c)
{
    *c->place = c->next;
    if (c->next)
        c->next->place = c->place;
    c->server->counts.n_clients--;
    forget(c);
}

static void on_close(void *ctx, struct et_websocket *ws, int code, const char *why)
{
    struct client *c = ctx;
    char text[200];
    (void)ws;
    (void)snprintf(text, sizeof text, "%s (%d)", why[0] ? why : "it has ended", code);
    tell(c, text);
    remove_client(c);
}

// As openpi: the reason as a text, then the end. The client may be gone when this returns.
static void give_up(struct client *c, char *why)
{
    c->server->counts.n_failed++;
    if (!et_str_is_utf8(et_str(why))) // a name that was cut, or a policy's own words
        for (char *p = why; *p; p++)
            *p = *p & 0x80 ? '?' : *p;
    if (et_websocket_send(c->ws, ET_WEBSOCKET_TEXT, why, strlen(why), false) < 0)
        et_websocket_end(c->ws, ET_WEBSOCKET_INTERNAL, "no room for the reason");
    else
        et_websocket_end(c->ws, ET_WEBSOCKET_INTERNAL, "the request failed");
}

/* ---- requests ---- */

static double ms(int64_t ns)
{
    return (double)ns / 1e6;
}

// The reply with how long things took: arrays and maps with some more.
static enum et_status put_reply(struct client *c, struct et_openpi_message reply, int64_t infer_ns,
                                struct et_err *err)
{
    struct et_openpi_server *s = c->server;
    static const char *const NAMES[TIMINGS] = {"server_timing/infer_ms",
                                               "server_timing/prev_total_ms"};
    const double values[TIMINGS] = {ms(infer_ns), ms(c->total_ns)};
    struct et_tensor *arrays = et_arena_array(s->arena, reply.n_arrays + TIMINGS, sizeof *arrays);
    const char **maps = et_arena_array(s->arena, reply.n_maps + 1, sizeof *maps);
    if (!arrays || !maps)
        return et_arena_fail(s->arena, "an answer", err);
    if (reply.n_arrays)
        memcpy(arrays, reply.arrays, reply.n_arrays * sizeof *arrays);
    for (size_t i = 0; i < reply.n_maps; i++)
        maps[i] = reply.maps[i];
    maps[reply.n_maps++] = "server_timing";
    for (size_t i = 0; i < (c->total_ns ? TIMINGS : 1); i++)
        arrays[reply.n_arrays++] = (struct et_tensor){
            .name = NAMES[i], .type = ET_TENSOR_F64, .n_values = 1, .bytes = &values[i]};
    reply.arrays = arrays;
    reply.maps = maps;
    et_buf_clear(&s->out);
    return et_openpi_write(&reply, &s->out, err);
}

static enum et_status answer(struct client *c, struct et_str bytes, struct et_err *err)
{
    struct et_openpi_server *s = c->server;
    struct et_openpi_message request, reply = {0};
    enum et_status st = et_openpi_read(bytes, s->arena, &request, err);
    if (st != ET_OK)
        return err ? et_err_context(err, "the request") : st;
    const int64_t t_ns = et_clock_monotonic_ns();
    void *ctx = s->options.open_client ? c->kept : s->options.ctx;
    st = s->options.infer(ctx, &request, s->arena, &reply, err);
    if (st != ET_OK)
        return st;
    const int64_t infer_ns = et_clock_monotonic_ns() - t_ns;
    s->counts.infer_ns = infer_ns;
    s->counts.infer_ns_max = infer_ns > s->counts.infer_ns_max ? infer_ns : s->counts.infer_ns_max;
    st = put_reply(c, reply, infer_ns, err);
    if (st != ET_OK)
        return err ? et_err_context(err, "the answer") : st;
    // Who asks and asks and takes nothing away has as much room as one answer may need.
    st = et_websocket_send(c->ws, ET_WEBSOCKET_BINARY, s->out.p, s->out.n, false);
    return st == ET_OK ? ET_OK : et_fail(err, st, -1, "the answers are not taken");
}

static void on_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    struct client *c = ctx;
    struct et_openpi_server *s = c->server;
    struct et_err err = {0};
    const int64_t t_ns = et_clock_monotonic_ns();
    const struct et_arena_mark mark = et_arena_mark(s->arena);
    (void)ws;
    if (kind == ET_WEBSOCKET_TEXT) {
        (void)et_fail(&err, ET_EARG, -1, "a request is a binary message, not a text");
        give_up(c, err.text);
        return;
    }
    const enum et_status st = answer(c, (struct et_str){p, n}, &err);
    et_arena_rewind(s->arena, mark);
    if (st == ET_OK) {
        s->counts.n_requests++;
        c->total_ns = et_clock_monotonic_ns() - t_ns;
    } else {
        if (!err.text[0])
            (void)et_fail(&err, st, -1, "the policy failed: %s", et_status_text(st));
        give_up(c, err.text);
    }
}

/* ---- coming in ---- */

static const struct et_websocket_handlers HANDLERS = {.on_message = on_message,
                                                      .on_close = on_close};

static void accept_it(void *ctx, struct et_http_exchange *x)
{
    struct et_openpi_server *s = ctx;
    const struct et_openpi_server_options *o = &s->options;
    if (s->counts.n_clients >= o->clients_max || s->is_ending) {
        s->counts.n_refused++;
        et_http_reply_text(x, 503, "%s", s->is_ending ? "the server ends" : "too many clients");
        return;
    }
    struct et_err err = {0};
    struct client *c = calloc(1, sizeof *c);
    if (!c || (o->open_client && o->open_client(o->ctx, &c->kept, &err) != ET_OK)) {
        et_http_reply_text(x, 503, "%s", err.text[0] ? err.text : "no memory for a client");
        free(c);
        return;
    }
    c->server = s;
    const struct et_websocket_options how = {.handlers = &HANDLERS,
                                             .ctx = c,
                                             .message_bytes_max = o->message_bytes_max,
                                             .send_bytes_max = o->message_bytes_max,
                                             .ping_ns = o->idle_ns};
    if (et_websocket_accept(&c->ws, x, &how, NULL) != ET_OK) {
        forget(c);
        return;
    }
    c->next = s->clients;
    c->place = &s->clients;
    if (c->next)
        c->next->place = &c->next;
    s->clients = c;
    s->counts.n_clients++;
    (void)snprintf(c->peer, sizeof c->peer, "%s", et_websocket_peer(c->ws));
    tell(c, NULL);
    if (et_websocket_send(c->ws, ET_WEBSOCKET_BINARY, s->metadata.p, s->metadata.n, false) < 0)
        et_websocket_end(c->ws, ET_WEBSOCKET_INTERNAL, "no memory for the metadata");
}

static void say_healthy(void *ctx, struct et_http_exchange *x)
{
    (void)ctx;
    et_http_reply(x, 200, "text/plain; charset=utf-8", "OK\n", 3);
}

/* ---- opening and ending ---- */

static enum et_status serve(struct et_openpi_server *s, struct et_loop *loop, struct et_err *err)
{
    static const struct et_openpi_message NOTHING = {0};
    struct et_openpi_server_options *o = &s->options;
    s->metadata = s->out = et_buf(o->message_bytes_max);
    enum et_status st = et_openpi_write(o->metadata ? o->metadata : &NOTHING, &s->metadata, err);
    o->metadata = NULL;
    if (st != ET_OK)
        return err ? et_err_context(err, "the metadata") : st;
    st = et_arena_open(&s->arena, o->message_bytes_max + ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    s->routes[0] = (struct et_http_route){
        .path = "/healthz", .methods = "GET", .handle = say_healthy, .ctx = s, .is_for_all = true};
    s->routes[1] =
        (struct et_http_route){.path = "/", .methods = "GET", .handle = accept_it, .ctx = s};
    const struct et_http_options how = {
        .listen = {.address = o->address ? o->address : ET_OPENPI_ADDRESS,
                   .is_public = o->is_public,
                   .tls = o->tls},
        .routes = s->routes,
        .n_routes = 2,
        .token = o->api_key,
        .token_scheme = "Api-Key",
        .must_have_token = o->api_key != NULL,
        .hosts = o->hosts};
    return et_http_open(&s->http, loop, &how, err);
}

enum et_status et_openpi_server_open(struct et_openpi_server **server, struct et_loop *loop,
                                     const struct et_openpi_server_options *options,
                                     struct et_err *err)
{
    *server = NULL;
    if (!options->infer)
        return et_fail(err, ET_EARG, -1, "a server of policies needs one to ask");
    struct et_openpi_server *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a server of policies");
    struct et_openpi_server_options *o = &s->options;
    *o = *options;
    o->message_bytes_max = o->message_bytes_max ? o->message_bytes_max : MESSAGE_BYTES;
    o->clients_max = o->clients_max ? o->clients_max : CLIENTS_MAX;
    o->idle_ns = o->idle_ns ? o->idle_ns : IDLE_NS;
    const enum et_status st = serve(s, loop, err);
    if (st == ET_OK)
        *server = s;
    else
        et_openpi_server_close(s);
    return st;
}

void et_openpi_server_end(struct et_openpi_server *s)
{
    s->is_ending = true;
    for (struct client *c = s->clients, *next; c; c = next) {
        next = c->next; // its own end may come at once
        et_websocket_end(c->ws, ET_WEBSOCKET_GOING_AWAY, "the server ends");
    }
}

void et_openpi_server_close(struct et_openpi_server *s)
{
    if (!s)
        return;
    while (s->clients) {
        et_websocket_close(s->clients->ws);
        remove_client(s->clients);
    }
    et_http_close(s->http);
    et_arena_close(s->arena);
    et_buf_free(&s->metadata);
    et_buf_free(&s->out);
    free(s);
}

const char *et_openpi_server_address(const struct et_openpi_server *s)
{
    return et_http_address(s->http);
}

struct et_openpi_counts et_openpi_server_counts(const struct et_openpi_server *s)
{
    return s->counts;
}

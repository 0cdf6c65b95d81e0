/* The client: a loop of its own that turns while it waits. */
#include "etude/clock.h"
#include "etude/openpi.h"
#include "etude/websocket.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_BYTES ((size_t)32 << 20)
#define ARENA_BYTES ((size_t)1 << 20)
#define WORDS_BYTES ((size_t)64 << 10)
#define OPEN_NS (10 * ET_NS_PER_S)
#define END_NS (ET_NS_PER_S / 2) // for the server's part in the end

struct et_openpi_client {
    struct et_openpi_client_options options;
    struct et_loop *loop;
    struct et_websocket *ws; // NULL: it has ended
    bool is_waiting;         // for metadata, or an answer
    bool has_answer;         // in `in`
    struct et_buf in, out, kept, words;
    struct et_arena *arena, *kept_arena; // of an answer; of what stays, the metadata
    struct et_openpi_message metadata;
    struct et_err failure; // why it has ended
};

// What it ends with; the first reason counts.
static void fail(struct et_openpi_client *c, const struct et_err *why)
{
    if (c->failure.status == ET_OK)
        c->failure = *why;
    et_websocket_close(c->ws);
    c->ws = NULL;
    c->is_waiting = c->has_answer = false;
}

static enum et_status give(const struct et_openpi_client *c, struct et_err *err)
{
    if (err)
        *err = c->failure;
    return c->failure.status;
}

/* ---- what comes ---- */

// The last line that has something in it: of a traceback what went wrong.
static struct et_str last_line(struct et_str text)
{
    text = et_str_trim(text);
    const char *line = text.n ? memrchr(text.p, '\n', text.n) : NULL;
    if (!line)
        return text;
    return et_str_trim((struct et_str){line + 1, text.n - (size_t)(line + 1 - text.p)});
}

static void on_words(struct et_openpi_client *c, struct et_str words)
{
    struct et_err why = {0};
    et_buf_clear(&c->words);
    et_buf_put(&c->words, words.p, words.n < WORDS_BYTES - 1 ? words.n : WORDS_BYTES - 1);
    et_buf_putc(&c->words, 0);
    const struct et_str line = last_line(words);
    (void)et_fail(&why, ET_EIO, -1, "the server failed: %.*s", line.n < 300 ? (int)line.n : 300,
                  line.n ? line.p : "");
    fail(c, &why);
}

static void on_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    struct et_openpi_client *c = ctx;
    struct et_err why = {0};
    (void)ws;
    if (kind == ET_WEBSOCKET_TEXT) {
        on_words(c, (struct et_str){p, n});
        return;
    }
    enum et_status st = c->is_waiting ? ET_OK
                                      : et_fail(&why, ET_ECORRUPT, -1,
                                                "the server sent a message that nobody asked for");
    et_buf_clear(&c->in);
    et_buf_put(&c->in, p, n);
    if (st == ET_OK)
        st = et_buf_check(&c->in, "the server's message", &why);
    c->is_waiting = false;
    c->has_answer = st == ET_OK;
    if (st != ET_OK)
        fail(c, &why);
}

static void on_close(void *ctx, struct et_websocket *ws, int code, const char *text)
{
    struct et_openpi_client *c = ctx;
    struct et_err why = {0};
    (void)ws;
    c->ws = NULL;
    const enum et_status st = code == ET_WEBSOCKET_TOO_BIG ? ET_ELIMIT
                              : code == ET_WEBSOCKET_PROTOCOL || code == ET_WEBSOCKET_NOT_UTF8
                                  ? ET_ECORRUPT
                                  : ET_EIO;
    (void)et_fail(&why, st, -1, "the connection to the policy has ended: %s",
                  text[0] ? text : "no reason was given");
    // An answer that came before the end is still good.
    if (c->failure.status == ET_OK)
        c->failure = why;
    c->is_waiting = false;
}

static const struct et_websocket_handlers HANDLERS = {.on_message = on_message,
                                                      .on_close = on_close};

// Turns until something has come, it is over, or the time is. false: the time is.
static bool wait_until(struct et_openpi_client *c, int64_t until_ns)
{
    for (;;) {
        struct et_err why = {0};
        const int64_t left_ns = until_ns - et_clock_monotonic_ns();
        if (et_loop_run_once(c->loop, left_ns > 0 ? left_ns : 0, &why) != ET_OK)
            fail(c, &why);
        if (!c->is_waiting)
            return true;
        if (et_clock_monotonic_ns() >= until_ns)
            return false;
    }
}

static int64_t later(int64_t by_ns)
{
    const int64_t now_ns = et_clock_monotonic_ns();
    return by_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + (by_ns > 0 ? by_ns : 0);
}

/* ---- asking ---- */

enum et_status et_openpi_send(struct et_openpi_client *c, const struct et_openpi_message *request,
                              struct et_err *err)
{
    if (!c->ws)
        return et_fail(err, ET_ECANCELLED, -1, "%s", c->failure.text);
    if (c->is_waiting || c->has_answer)
        return et_fail(err, ET_EARG, -1, "the last question's answer was not taken yet");
    et_buf_clear(&c->out);
    enum et_status st = et_openpi_write(request, &c->out, err);
    if (st != ET_OK)
        return st;
    st = et_websocket_send(c->ws, ET_WEBSOCKET_BINARY, c->out.p, c->out.n, false);
    if (st == ET_ECANCELLED)
        return et_fail(err, st, -1, "the connection to the policy is ending");
    if (st != ET_OK)
        return et_fail(err, st, -1, "the request cannot be sent: %s", et_status_text(st));
    c->is_waiting = true;
    return ET_OK;
}

// The message that has come, read. What is none ends the connection.
static enum et_status take(struct et_openpi_client *c, struct et_str bytes, struct et_arena *arena,
                           struct et_openpi_message *message, struct et_err *err)
{
    struct et_err why = {0};
    c->has_answer = false;
    if (et_openpi_read(bytes, arena, message, &why) == ET_OK)
        return ET_OK;
    *message = (struct et_openpi_message){0};
    (void)et_err_context(&why, "what the server sent");
    c->failure = (struct et_err){0};
    fail(c, &why);
    return give(c, err);
}

enum et_status et_openpi_receive(struct et_openpi_client *c, int64_t timeout_ns,
                                 struct et_openpi_message *reply, struct et_err *err)
{
    *reply = (struct et_openpi_message){0};
    if (!c->ws && !c->has_answer && c->failure.status == ET_OK)
        return et_fail(err, ET_EARG, -1, "nothing was asked");
    if (c->ws && !c->is_waiting && !c->has_answer)
        return et_fail(err, ET_EARG, -1, "nothing was asked");
    if (!c->has_answer && c->is_waiting && !wait_until(c, later(timeout_ns)))
        return ET_AGAIN;
    if (!c->has_answer)
        return give(c, err);
    et_arena_rewind(c->arena, (struct et_arena_mark){0});
    return take(c, et_buf_str(&c->in), c->arena, reply, err);
}

enum et_status et_openpi_ask(struct et_openpi_client *c, const struct et_openpi_message *request,
                             int64_t timeout_ns, struct et_openpi_message *reply,
                             struct et_err *err)
{
    *reply = (struct et_openpi_message){0};
    enum et_status st = et_openpi_send(c, request, err);
    if (st != ET_OK)
        return st;
    st = et_openpi_receive(c, timeout_ns, reply, err);
    if (st != ET_AGAIN)
        return st;
    // Its answer could come yet, and be taken for the next one's.
    struct et_err why = {0};
    (void)et_fail(&why, ET_ECANCELLED, -1, "the policy did not answer within %.3f s",
                  (double)timeout_ns / 1e9);
    fail(c, &why);
    return give(c, err);
}

enum et_status et_openpi_client_poll(struct et_openpi_client *c, struct et_err *err)
{
    struct et_err why = {0};
    if (c->ws && et_loop_run_once(c->loop, 0, &why) != ET_OK)
        fail(c, &why);
    return c->ws ? ET_OK : give(c, err);
}

/* ---- opening and ending ---- */

static enum et_status begin(struct et_openpi_client *c, struct et_err *err)
{
    const struct et_openpi_client_options *o = &c->options;
    const struct et_websocket_to to = {.url = o->url,
                                       .address = o->address,
                                       .token = o->api_key,
                                       .token_scheme = "Api-Key",
                                       .tls = o->tls};
    // No pings: a server of Python's answers none while its policy thinks. A question's time is
    // what ends it.
    const struct et_websocket_options how = {.handlers = &HANDLERS,
                                             .ctx = c,
                                             .message_bytes_max = o->message_bytes_max,
                                             .send_bytes_max = o->message_bytes_max,
                                             .ping_ns = -1};
    enum et_status st = et_arena_open(&c->arena, o->message_bytes_max + ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_arena_open(&c->kept_arena, o->message_bytes_max + ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_loop_open(&c->loop, NULL, err);
    if (st == ET_OK)
        st = et_websocket_open(&c->ws, c->loop, &to, &how, err);
    if (st != ET_OK)
        return st;
    c->is_waiting = true;
    if (!wait_until(c, later(o->open_ns)))
        return et_fail(err, ET_ECANCELLED, -1, "no policy has answered within %.3f s",
                       (double)o->open_ns / 1e9);
    if (!c->has_answer)
        return give(c, err);
    c->kept = c->in;
    c->in = et_buf(o->message_bytes_max);
    return take(c, et_buf_str(&c->kept), c->kept_arena, &c->metadata, err);
}

enum et_status et_openpi_client_open(struct et_openpi_client **client,
                                     const struct et_openpi_client_options *options,
                                     struct et_err *err)
{
    *client = NULL;
    struct et_openpi_client *c = calloc(1, sizeof *c);
    if (!c)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a policy's client");
    struct et_openpi_client_options *o = &c->options;
    *o = *options;
    o->message_bytes_max = o->message_bytes_max ? o->message_bytes_max : MESSAGE_BYTES;
    o->open_ns = o->open_ns > 0 ? o->open_ns : OPEN_NS;
    c->in = c->out = et_buf(o->message_bytes_max);
    c->words = et_buf(WORDS_BYTES);
    const enum et_status st = begin(c, err);
    if (st == ET_OK) {
        *client = c;
        return ET_OK;
    }
    et_websocket_close(c->ws);
    c->ws = NULL;
    et_openpi_client_close(c);
    if (err)
        (void)et_err_context(err, "%.100s", options->url);
    return st;
}

void et_openpi_client_close(struct et_openpi_client *c)
{
    if (!c)
        return;
    if (c->ws) {
        et_websocket_end(c->ws, ET_WEBSOCKET_NORMAL, "");
        const int64_t until_ns = later(END_NS);
        while (c->ws && et_clock_monotonic_ns() < until_ns &&
               et_loop_run_once(c->loop, until_ns - et_clock_monotonic_ns(), NULL) == ET_OK)
            ;
        et_websocket_close(c->ws);
    }
    et_loop_close(c->loop);
    et_arena_close(c->arena);
    et_arena_close(c->kept_arena);
    et_buf_free(&c->in);
    et_buf_free(&c->out);
    et_buf_free(&c->kept);
    et_buf_free(&c->words);
    free(c);
}

const struct et_openpi_message *et_openpi_client_metadata(const struct et_openpi_client *c)
{
    return &c->metadata;
}

const char *et_openpi_client_words(const struct et_openpi_client *c)
{
    return c->words.status == ET_OK && c->words.n ? c->words.p : "";
}

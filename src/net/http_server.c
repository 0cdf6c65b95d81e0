#include "net/net__http_server.h"

#include "net/net__conn.h"

#include "etude/clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define NS_PER_S INT64_C(1000000000)
#define HEAD_BYTES ((size_t)16 << 10)
#define LINE_BYTES ((size_t)8 << 10)
#define BODY_BYTES ((size_t)1 << 20)
#define OUT_BYTES ((size_t)8 << 20)
#define ANSWER_HEAD_BYTES ((size_t)16 << 10)
#define ADDED_BYTES ((size_t)8 << 10)
#define IN_BYTES ((size_t)64 << 10)
#define WINDOW_BYTES ((int64_t)64 << 10) // that may wait before a stream has to
#define FIRST_NS (5 * NS_PER_S)          // until somebody asks who has not asked before
#define DRAIN_BYTES ((size_t)1 << 20)

struct et_http_server {
    struct et_loop *loop;
    struct et_listener *listener;
    struct et_http_options options;
    struct et_http_exchange *exchanges;
    struct et_buf buf;
    int64_t date_s;
    char date[ET__HTTP_DATE_BYTES];
};

const struct et_http_options *et__http_options(const struct et_http_server *server)
{
    return &server->options;
}

struct et_buf *et__http_buf(struct et_http_server *server)
{
    et_buf_clear(&server->buf);
    return &server->buf;
}

// --- the end of an exchange's connection

static void free_it(void *ctx)
{
    struct et_http_exchange *x = ctx;
    et_buf_free(&x->path);
    et_buf_free(&x->head_text);
    et_buf_free(&x->body);
    et_buf_free(&x->headers);
    free(x);
}

static void leave(struct et_http_exchange *x)
{
    struct et_loop *loop = x->server->loop;
    const bool must_tell = x->is_kept && x->later.on_gone &&
                           (x->phase == ET__HTTP_ANSWER || x->phase == ET__HTTP_STREAM);
    x->phase = ET__HTTP_GONE;
    x->conn = NULL;
    et_timer_end(&x->limit);
    *(x->before ? &x->before->next : &x->server->exchanges) = x->next;
    if (x->next)
        x->next->before = x->before;
    if (must_tell)
        x->later.on_gone(x->later.ctx);
    et__loop_later(loop, &x->gone);
}

void et__http_end_conn(struct et_http_exchange *x)
{
    if (x->phase == ET__HTTP_GONE)
        return;
    et_conn_close(x->conn);
    leave(x);
}

static void on_close(void *ctx, struct et_conn *conn, const struct et_err *why)
{
    (void)conn;
    (void)why;
    leave(ctx);
}

struct et_conn *et__http_take(struct et_http_exchange *x)
{
    struct et_conn *conn = x->conn;
    x->is_kept = false;
    leave(x);
    return conn;
}

bool et__http_is_fresh(const struct et_http_exchange *x)
{
    return x->is_in_handler && !x->is_answered && x->phase == ET__HTTP_ANSWER &&
           et_str_is(x->head.request.method, "GET");
}

// --- answers

static const char *date_of(struct et_http_server *server)
{
    const int64_t now_s = et_clock_real_ns() / NS_PER_S;
    if (now_s != server->date_s || !server->date[0])
        et__http_date(now_s, server->date);
    server->date_s = now_s;
    return server->date;
}

static bool has_body(int code)
{
    return code >= 200 && code != 204 && code != 304;
}

static void put_head(struct et_http_exchange *x, struct et_buf *buf, int code, const char *type,
                     int64_t n_bytes)
{
    et_buf_printf(buf, "HTTP/1.1 %d %s\r\nDate: %s\r\n", code, et__http_reason(code),
                  date_of(x->server));
    if (type)
        et_buf_printf(buf, "Content-Type: %s\r\n", type);
    if (n_bytes >= 0 && has_body(code))
        et_buf_printf(buf, "Content-Length: %lld\r\n", (long long)n_bytes);
    if (x->is_chunked)
        et_buf_puts(buf, "Transfer-Encoding: chunked\r\n");
    et_buf_puts(buf, "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
    if (x->server->options.is_isolated)
        et_buf_puts(buf, "Cross-Origin-Opener-Policy: same-origin\r\n"
                         "Cross-Origin-Embedder-Policy: require-corp\r\n"
                         "Cross-Origin-Resource-Policy: same-origin\r\n");
    if (!x->head.keeps_alive)
        et_buf_puts(buf, "Connection: close\r\n");
    else if (x->head.minor == 0)
        et_buf_puts(buf, "Connection: keep-alive\r\n");
    et_buf_putstr(buf, et_buf_str(&x->headers));
    et_buf_puts(buf, "\r\n");
}

bool et__http_answer(struct et_http_exchange *x, int code, const char *type, int64_t n_bytes)
{
    struct et_buf *buf = et__http_buf(x->server);
    assert(!x->is_answered);
    x->is_answered = true;
    put_head(x, buf, code, type, n_bytes);
    if (buf->status == ET_OK && et_conn_send(x->conn, buf->p, buf->n) == ET_OK)
        return true;
    et__http_end_conn(x);
    return false;
}

// Whoever has not asked for what it may have does not sit here for long.
static void wait_for_head(struct et_http_exchange *x)
{
    x->has_begun = false;
    if (!x->is_greeted)
        et_timer_set(x->server->loop, &x->limit, et_loop_now_ns(x->server->loop) + FIRST_NS);
}

static void next_request(struct et_http_exchange *x)
{
    x->phase = ET__HTTP_HEAD;
    wait_for_head(x);
    x->is_kept = x->is_answered = x->is_chunked = false;
    x->later = (struct et_http_later){0};
    et_buf_clear(&x->headers);
    et_buf_free(&x->head_text);
    et_buf_free(&x->body);
    et_conn_pause(x->conn, false);
}

void et__http_answered(struct et_http_exchange *x, bool is_all_queued)
{
    if (!x->head.keeps_alive) {
        x->phase = ET__HTTP_DRAIN;
        et_conn_finish(x->conn);
        et_conn_pause(x->conn, false);
    } else if (is_all_queued && et_conn_unsent(x->conn) <= WINDOW_BYTES) {
        next_request(x);
    } else {
        x->phase = ET__HTTP_SENDING;
        et_conn_pause(x->conn, true);
    }
}

static void on_sent(void *ctx, struct et_conn *conn)
{
    struct et_http_exchange *x = ctx;
    (void)conn;
    if (x->phase == ET__HTTP_SENDING)
        next_request(x);
    else if (x->phase == ET__HTTP_STREAM && x->later.on_room)
        x->later.on_room(x->later.ctx, x);
}

void et_http_reply(struct et_http_exchange *x, int code, const char *type, const void *p, size_t n)
{
    assert(x->phase == ET__HTTP_ANSWER);
    if (n > x->server->options.out_bytes_max - ANSWER_HEAD_BYTES) {
        et_http_reply_text(x, 500, "the answer is longer than this server sends");
        return;
    }
    if (!et__http_answer(x, code, type, (int64_t)n))
        return;
    if (n > 0 && !x->is_head && has_body(code) && et_conn_send(x->conn, p, n) != ET_OK)
        et__http_end_conn(x);
    else
        et__http_answered(x, true);
}

void et_http_reply_text(struct et_http_exchange *x, int code, const char *fmt, ...)
{
    struct et_buf text = et_buf(ANSWER_HEAD_BYTES);
    va_list args;
    va_start(args, fmt);
    et_buf_vprintf(&text, fmt, args);
    va_end(args);
    et_buf_putc(&text, '\n');
    const bool is_whole = text.status == ET_OK;
    et_http_reply(x, code, "text/plain; charset=utf-8", is_whole ? text.p : "",
                  is_whole ? text.n : 0);
    et_buf_free(&text);
}

enum et_status et_http_add(struct et_http_exchange *x, const char *name, const char *value)
{
    if (!et__http_is_token(et_str(name)))
        return ET_EARG;
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return ET_EARG;
    const size_t n = x->headers.n;
    et_buf_printf(&x->headers, "%s: %s\r\n", name, value);
    const enum et_status st = x->headers.status;
    if (st != ET_OK) { // nothing of it was added
        x->headers.status = ET_OK;
        x->headers.n = n;
    }
    return st;
}

void et_http_begin(struct et_http_exchange *x, int code, const char *type)
{
    assert(x->phase == ET__HTTP_ANSWER);
    x->is_chunked = x->head.minor >= 1;
    if (!x->is_chunked)
        x->head.keeps_alive = false;
    if (et__http_answer(x, code, type, -1))
        x->phase = ET__HTTP_STREAM;
}

enum et_status et_http_send(struct et_http_exchange *x, const void *p, size_t n)
{
    if (x->phase != ET__HTTP_STREAM)
        return ET_ECANCELLED;
    if (x->is_head || n == 0)
        return ET_OK;
    const int64_t unsent = et_conn_unsent(x->conn);
    if (unsent > 0 && unsent + (int64_t)n > WINDOW_BYTES)
        return ET_AGAIN;
    char size[24] = "";
    if (x->is_chunked)
        (void)snprintf(size, sizeof size, "%zx\r\n", n);
    const struct et_str parts[] = {et_str(size), {p, n}, et_str(x->is_chunked ? "\r\n" : "")};
    return et__conn_send_parts(x->conn, parts, sizeof parts / sizeof *parts);
}

void et_http_end(struct et_http_exchange *x)
{
    if (x->phase != ET__HTTP_STREAM)
        return;
    if (x->is_chunked && !x->is_head && et_conn_send(x->conn, "0\r\n\r\n", 5) != ET_OK)
        et__http_end_conn(x);
    else
        et__http_answered(x, true);
}

// An answer to what was never a whole request; nothing behind it can be understood.
static void refuse(struct et_http_exchange *x, int code, const char *why)
{
    x->head.keeps_alive = x->is_head = x->is_answered = false;
    x->phase = ET__HTTP_ANSWER;
    et_timer_end(&x->limit);
    et_http_reply_text(x, code, "%s", why);
}

// --- requests

static void request_done(struct et_http_exchange *x)
{
    et_timer_end(&x->limit);
    x->phase = ET__HTTP_ANSWER;
    x->head.request.body = et_buf_str(&x->body);
    x->is_in_handler = true;
    et__http_dispatch(x);
    x->is_in_handler = false;
    if (x->phase == ET__HTTP_ANSWER && !x->is_kept && !x->is_answered)
        et_http_reply_text(x, 500, "no answer was given");
    if (x->phase == ET__HTTP_ANSWER || x->phase == ET__HTTP_STREAM)
        et_conn_pause(x->conn, true);
}

static bool begin_body(struct et_http_exchange *x, size_t n_head, const char *p)
{
    static const char CONTINUE[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const struct et_http_options *o = &x->server->options;
    const struct et__http_limits limits = {LINE_BYTES, ET_HTTP_HEADERS_MAX};
    int code;
    if (x->head.n_body > (int64_t)o->body_bytes_max) {
        refuse(x, 413, "the body is longer than this server takes");
        return false;
    }
    // The head moves to where it stays while the body comes, and is read once more from there.
    et_buf_put(&x->head_text, p, n_head);
    if (x->head_text.status != ET_OK ||
        et__http_read_request(et_buf_str(&x->head_text), &limits, x->path.p, n_head, &x->head,
                              &code, NULL) != ET_OK) {
        refuse(x, 503, "no memory for the request");
        return false;
    }
    x->phase = ET__HTTP_BODY;
    x->chunks = (struct et__http_chunks){0};
    x->body_left = x->head.n_body;
    et_timer_set(x->server->loop, &x->limit, et_loop_now_ns(x->server->loop) + o->body_ns);
    if (!x->head.expects_continue || et_conn_send(x->conn, CONTINUE, sizeof CONTINUE - 1) == ET_OK)
        return true;
    et__http_end_conn(x);
    return false;
}

// Reads a head, if it is whole. Returns how many bytes of it are used up.
static size_t read_head(struct et_http_exchange *x, const char *p, size_t n)
{
    const struct et_http_options *o = &x->server->options;
    const struct et__http_limits limits = {LINE_BYTES, ET_HTTP_HEADERS_MAX};
    struct et_err why = {0};
    size_t n_head = 0;
    int code = ET__HTTP_BAD;
    enum et_status st = et__http_find_end(p, n < o->head_bytes_max ? n : o->head_bytes_max,
                                          &x->n_seen, &n_head, &why);
    if (st == ET_AGAIN) {
        if (n >= o->head_bytes_max) {
            const bool is_line = !memchr(p, '\n', o->head_bytes_max);
            refuse(x, is_line ? ET__HTTP_URI_TOO_LONG : ET__HTTP_HEAD_TOO_LONG,
                   "the head is longer than this server takes");
            return n;
        }
        if (!x->has_begun)
            et_timer_set(x->server->loop, &x->limit, et_loop_now_ns(x->server->loop) + o->head_ns);
        x->has_begun = true;
        return 0;
    }
    x->n_seen = 0;
    et_buf_clear(&x->path);
    if (st == ET_OK && !et_buf_reserve(&x->path, n_head))
        st = et_fail(&why, ET_ENOMEM, -1, "no memory for a path");
    if (st == ET_OK)
        st = et__http_read_request((struct et_str){p, n_head}, &limits, x->path.p, n_head, &x->head,
                                   &code, &why);
    x->is_head = st == ET_OK && et_str_is(x->head.request.method, "HEAD");
    if (st != ET_OK) {
        refuse(x, st == ET_ENOMEM ? 503 : code, why.text);
        return n;
    }
    if (x->head.is_chunked || x->head.n_body > 0)
        return begin_body(x, n_head, p) ? n_head : n;
    request_done(x);
    return n_head;
}

static size_t read_body(struct et_http_exchange *x, const char *p, size_t n)
{
    struct et_err why = {0};
    size_t n_used = n;
    enum et_status st = ET_AGAIN;
    struct et_str data = {NULL, 0};
    if (x->head.is_chunked) {
        st = et__http_chunk(&x->chunks, p, n, &n_used, &data, &why);
    } else {
        n_used = x->body_left < (int64_t)n ? (size_t)x->body_left : n;
        data = (struct et_str){p, n_used};
        x->body_left -= (int64_t)n_used;
        if (x->body_left == 0)
            st = ET_END;
    }
    if (data.n)
        et_buf_put(&x->body, data.p, data.n);
    if (st < 0)
        refuse(x, ET__HTTP_BAD, why.text);
    else if (x->body.status == ET_ELIMIT)
        refuse(x, 413, "the body is longer than this server takes");
    else if (x->body.status != ET_OK)
        refuse(x, 503, "no memory for the body");
    else if (st == ET_END)
        request_done(x);
    return n_used;
}

static size_t on_read(void *ctx, struct et_conn *conn, char *p, size_t n)
{
    struct et_http_exchange *x = ctx;
    size_t used = 0;
    while (used < n) {
        size_t step = 0;
        if (x->phase == ET__HTTP_HEAD)
            step = read_head(x, p + used, n - used);
        else if (x->phase == ET__HTTP_BODY)
            step = read_body(x, p + used, n - used);
        else if (x->phase == ET__HTTP_DRAIN)
            step = n - used;
        used += step;
        if (x->phase == ET__HTTP_GONE)
            return used;
        if (x->phase == ET__HTTP_DRAIN && (x->n_drained += step) > DRAIN_BYTES) {
            et__http_end_conn(x);
            return used;
        }
        if (step == 0)
            break;
    }
    (void)conn;
    return used;
}

// The other side sends no more, but may wait for the answer to what it has sent.
static void on_end(void *ctx, struct et_conn *conn)
{
    struct et_http_exchange *x = ctx;
    (void)conn;
    if (x->phase == ET__HTTP_HEAD || x->phase == ET__HTTP_BODY)
        et_conn_finish(x->conn);
}

static void on_limit(void *ctx)
{
    struct et_http_exchange *x = ctx;
    if (x->phase == ET__HTTP_HEAD && !x->has_begun)
        et__http_end_conn(x); // a browser that kept a connection at hand takes another one
    else
        refuse(x, 408, "the request took too long to come");
}

static const struct et_conn_handlers HANDLERS = {
    .on_read = on_read, .on_end = on_end, .on_sent = on_sent, .on_close = on_close};

static void on_accept(void *ctx, struct et_conn *conn)
{
    struct et_http_server *server = ctx;
    struct et_http_exchange *x = calloc(1, sizeof *x);
    if (!x)
        return; // without handlers it is closed
    x->server = server;
    x->conn = conn;
    x->limit = (struct et_timer){.on_time = on_limit, .ctx = x};
    x->gone = (struct et__task){.run = free_it, .ctx = x};
    x->path = x->head_text = et_buf(server->options.head_bytes_max);
    x->body = et_buf(server->options.body_bytes_max);
    x->headers = et_buf(ADDED_BYTES);
    x->next = server->exchanges;
    if (x->next)
        x->next->before = x;
    server->exchanges = x;
    et_conn_set_handlers(conn, &HANDLERS, x);
    wait_for_head(x);
}

// --- the server

static void fill(struct et_http_options *o)
{
    o->head_bytes_max = o->head_bytes_max ? o->head_bytes_max : HEAD_BYTES;
    o->body_bytes_max = o->body_bytes_max ? o->body_bytes_max : BODY_BYTES;
    o->out_bytes_max = o->out_bytes_max ? o->out_bytes_max : OUT_BYTES;
    o->out_bytes_max += 2 * ANSWER_HEAD_BYTES; // its heads go on top
    o->head_ns = o->head_ns ? o->head_ns : 10 * NS_PER_S;
    o->body_ns = o->body_ns ? o->body_ns : 60 * NS_PER_S;
    o->idle_ns = o->idle_ns ? o->idle_ns : 75 * NS_PER_S;
    o->listen.conn = (struct et_conn_limits){
        .in_bytes_max = o->head_bytes_max < IN_BYTES ? IN_BYTES : o->head_bytes_max + 1,
        .out_bytes_max = o->out_bytes_max,
        .open_ns = FIRST_NS,
        .idle_ns = o->idle_ns};
    o->listen.has_greeting = true;
    o->listen.on_accept = on_accept;
}

enum et_status et_http_open(struct et_http_server **server, struct et_loop *loop,
                            const struct et_http_options *options, struct et_err *err)
{
    *server = NULL;
    enum et_status st = et__http_check_options(options, err);
    if (st != ET_OK)
        return st;
    struct et_http_server *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a server");
    s->loop = loop;
    s->options = *options;
    s->buf = et_buf(2 * ANSWER_HEAD_BYTES);
    fill(&s->options);
    s->options.listen.ctx = s;
    st = et_listener_open(&s->listener, loop, &s->options.listen, err);
    if (st != ET_OK)
        et_http_close(s);
    else
        *server = s;
    return st;
}

void et_http_close(struct et_http_server *server)
{
    if (!server)
        return;
    et_listener_close(server->listener);
    while (server->exchanges)
        et__http_end_conn(server->exchanges);
    et_buf_free(&server->buf);
    free(server);
}

const char *et_http_address(const struct et_http_server *server)
{
    return et_listener_address(server->listener);
}

struct et_listener_counts et_http_counts(const struct et_http_server *server)
{
    return et_listener_counts(server->listener);
}

const struct et_http_request *et_http_request(const struct et_http_exchange *x)
{
    return x->is_in_handler ? &x->head.request : NULL;
}

struct et_conn *et_http_conn(const struct et_http_exchange *x)
{
    return x->conn;
}

void et_http_keep(struct et_http_exchange *x, const struct et_http_later *later)
{
    x->is_kept = true;
    if (later)
        x->later = *later;
}

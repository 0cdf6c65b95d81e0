#include "etude/http_client.h"

#include "net/net__http.h"
#include "net/net__loop.h"

#include <assert.h>
#include <stdlib.h>

#define HEAD_BYTES ((size_t)32 << 10)
#define BODY_BYTES ((size_t)1 << 20)
#define LIMIT_NS (30 * INT64_C(1000000000))
#define IN_BYTES ((size_t)64 << 10)

struct et_fetch {
    struct et_loop *loop;
    struct et_conn *conn;
    struct et_timer limit;
    struct et__task gone;
    struct et_buf request, head_text, body;
    struct et__http_head head;
    struct et__http_chunks chunks;
    int64_t body_left; // −1: until the other side closes
    size_t n_seen;
    bool has_head, is_head_asked, is_done;
    void (*on_done)(void *ctx, const struct et_http_response *response, const struct et_err *err);
    void *ctx;
};

static void free_it(void *ctx)
{
    struct et_fetch *f = ctx;
    et_buf_free(&f->request);
    et_buf_free(&f->head_text);
    et_buf_free(&f->body);
    free(f);
}

static void take_down(struct et_fetch *f)
{
    f->is_done = true;
    et_timer_end(&f->limit);
    et_conn_close(f->conn);
    f->conn = NULL;
    et__loop_later(f->loop, &f->gone);
}

void et_fetch_close(struct et_fetch *f)
{
    if (f && !f->is_done)
        take_down(f);
}

static void fail(struct et_fetch *f, const struct et_err *why)
{
    if (f->is_done)
        return;
    take_down(f);
    f->on_done(f->ctx, NULL, why);
}

static void fail_with(struct et_fetch *f, enum et_status st, const char *text)
{
    struct et_err why = {0};
    (void)et_fail(&why, st, -1, "%s", text);
    fail(f, &why);
}

static void succeed(struct et_fetch *f)
{
    struct et_http_response response = {
        .code = f->head.code, .n_headers = f->head.request.n_headers, .body = et_buf_str(&f->body)};
    memcpy(response.headers, f->head.request.headers, sizeof response.headers);
    take_down(f);
    f->on_done(f->ctx, &response, NULL);
}

static size_t read_head(struct et_fetch *f, const char *p, size_t n)
{
    struct et_err why = {0};
    size_t n_head;
    enum et_status st = et__http_find_end(p, n, &f->n_seen, &n_head, &why);
    if (st == ET_AGAIN)
        return 0;
    f->n_seen = 0;
    if (st == ET_OK) {
        et_buf_clear(&f->head_text);
        et_buf_put(&f->head_text, p, n_head);
        st = et_buf_check(&f->head_text, "the answer's head", &why);
    }
    if (st == ET_OK)
        st = et__http_read_response(et_buf_str(&f->head_text), &f->head, &why);
    if (st != ET_OK) {
        fail(f, &why);
        return n;
    }
    if (f->head.code < 200) // the answer is still to come
        return n_head;
    f->has_head = true;
    const bool has_none = f->is_head_asked || f->head.code == 204 || f->head.code == 304;
    f->body_left = has_none ? 0 : f->head.n_body;
    if (has_none)
        f->head.is_chunked = false;
    if (!f->head.is_chunked && f->body_left == 0)
        succeed(f);
    return n_head;
}

static size_t read_body(struct et_fetch *f, const char *p, size_t n)
{
    struct et_err why = {0};
    struct et_str data = {p, n};
    size_t n_used = n;
    enum et_status st = ET_AGAIN;
    if (f->head.is_chunked) {
        data.n = 0;
        st = et__http_chunk(&f->chunks, p, n, &n_used, &data, &why);
    } else if (f->body_left >= 0) {
        data.n = n_used = f->body_left < (int64_t)n ? (size_t)f->body_left : n;
        f->body_left -= (int64_t)n_used;
        st = f->body_left == 0 ? ET_END : ET_AGAIN;
    }
    et_buf_put(&f->body, data.p, data.n);
    if (st >= 0 && f->body.status != ET_OK)
        st = et_buf_check(&f->body, "the answer", &why);
    if (st < 0)
        fail(f, &why);
    else if (st == ET_END)
        succeed(f);
    return n_used;
}

static size_t on_read(void *ctx, struct et_conn *conn, char *p, size_t n)
{
    struct et_fetch *f = ctx;
    size_t used = 0;
    (void)conn;
    while (used < n && !f->is_done) {
        const size_t step =
            f->has_head ? read_body(f, p + used, n - used) : read_head(f, p + used, n - used);
        if (step == 0)
            break;
        used += step;
    }
    return f->is_done ? n : used;
}

static void on_end(void *ctx, struct et_conn *conn)
{
    struct et_fetch *f = ctx;
    (void)conn;
    if (f->has_head && !f->head.is_chunked && f->body_left < 0)
        succeed(f);
    else
        fail_with(f, ET_EIO, "the other side closed before the answer was whole");
}

static void on_open(void *ctx, struct et_conn *conn)
{
    struct et_fetch *f = ctx;
    if (et_conn_send(conn, f->request.p, f->request.n) != ET_OK)
        fail_with(f, ET_ENOMEM, "no memory to send the request");
    et_buf_free(&f->request);
}

static void on_close(void *ctx, struct et_conn *conn, const struct et_err *why)
{
    struct et_fetch *f = ctx;
    (void)conn;
    f->conn = NULL;
    fail(f, why);
}

static void on_limit(void *ctx)
{
    fail_with(ctx, ET_ECANCELLED, "the answer took too long");
}

static enum et_status put_request(struct et_buf *buf, const struct et_fetch_options *o,
                                  const struct et__url *url, const char *method, struct et_err *err)
{
    if (!et__http_is_token(et_str(method)) || (o->type && strpbrk(o->type, "\r\n")) ||
        (o->token && strpbrk(o->token, "\r\n")))
        return et_fail(err, ET_EARG, -1, "a method, type or token that cannot be sent");
    et_buf_printf(buf, "%s %.*s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n", method,
                  ET_STR_ARG(url->target), ET_STR_ARG(url->authority));
    if (o->token)
        et_buf_printf(buf, "Authorization: Bearer %s\r\n", o->token);
    if (o->type)
        et_buf_printf(buf, "Content-Type: %s\r\n", o->type);
    if (o->n_body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0)
        et_buf_printf(buf, "Content-Length: %zu\r\n", o->n_body);
    et_buf_puts(buf, "\r\n");
    et_buf_put(buf, o->body, o->n_body);
    return et_buf_check(buf, "the request", err);
}

static const struct et_conn_handlers HANDLERS = {
    .on_open = on_open, .on_read = on_read, .on_end = on_end, .on_close = on_close};

enum et_status et_fetch_open(struct et_fetch **fetch, struct et_loop *loop,
                             const struct et_fetch_options *o, struct et_err *err)
{
    struct et__url url;
    *fetch = NULL;
    assert(o->on_done);
    enum et_status st = et__url_read(o->url, &url, err);
    if (st != ET_OK)
        return st;
    if (url.is_websocket || (url.is_tls && !o->tls))
        return et_fail(err, ET_EARG, -1, "%.100s needs %s", o->url,
                       url.is_websocket ? "a WebSocket" : "TLS");
    struct et_fetch *f = calloc(1, sizeof *f);
    if (!f)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a request");
    f->loop = loop;
    f->on_done = o->on_done;
    f->ctx = o->ctx;
    f->limit = (struct et_timer){.on_time = on_limit, .ctx = f};
    f->gone = (struct et__task){.run = free_it, .ctx = f};
    f->request = et_buf(HEAD_BYTES + o->n_body);
    f->head_text = et_buf(HEAD_BYTES);
    f->body = et_buf(o->body_bytes_max ? o->body_bytes_max : BODY_BYTES);
    const char *method = o->method ? o->method : "GET";
    f->is_head_asked = strcmp(method, "HEAD") == 0;
    st = put_request(&f->request, o, &url, method, err);
    const struct et_conn_limits limits = {
        .in_bytes_max = IN_BYTES, .out_bytes_max = f->request.n, .idle_ns = -1};
    if (st == ET_OK)
        st =
            et_conn_open(&f->conn, loop,
                         &(struct et_conn_options){.address = o->address ? o->address : url.address,
                                                   .host = url.host,
                                                   .tls = url.is_tls ? o->tls : NULL,
                                                   .limits = &limits,
                                                   .handlers = &HANDLERS,
                                                   .ctx = f},
                         err);
    if (st != ET_OK) {
        free_it(f);
        return st;
    }
    et_timer_set(loop, &f->limit, et_loop_now_ns(loop) + (o->limit_ns ? o->limit_ns : LIMIT_NS));
    *fetch = f;
    return ET_OK;
}

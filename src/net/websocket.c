#include "net/net__websocket.h"

#include "etude/base64.h"
#include "net/net__conn.h"
#include "net/net__http_server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define MESSAGE_BYTES ((size_t)16 << 20)
#define SEND_BYTES ((size_t)4 << 20)
#define PING_NS (20 * INT64_C(1000000000))
#define CLOSE_NS (5 * INT64_C(1000000000))
#define HANDSHAKE_NS (10 * INT64_C(1000000000))
#define WINDOW_BYTES ((int64_t)64 << 10) // goes ahead to the connection; the rest can be dropped
#define CONTROL_ROOM_BYTES ((size_t)16 << 10)
#define CONTROL_WAIT_BYTES ((int64_t)8 << 10) // of answers to pings that nobody reads
#define HANDSHAKE_BYTES ((size_t)16 << 10)
#define DRAIN_BYTES ((size_t)1 << 20)
#define PROTOCOL_BYTES 128
#define REASON_BYTES 124
#define POOL_BYTES 256
#define KEY_BYTES 16

enum state { OPENING, OPEN, ENDING, DRAINING, DEAD };

// A message that waits behind the window, as a frame.
struct waiting {
    struct waiting *next;
    bool is_droppable;
    size_t n_frame;
    char frame[];
};

struct et_websocket {
    struct et_loop *loop;
    struct et_conn *conn;
    struct et_timer timer;
    struct et__task gone;
    struct et_websocket_options options;
    enum state state;
    bool is_client, is_paused, wants_room, is_ping_out;
    struct et__ws_reader reader;
    struct waiting *first, **last;
    size_t n_waiting_bytes, n_drained, n_seen;
    int64_t moved_ns, ping_ns;
    struct et_websocket_counts counts;
    int code; // what it ends with
    char why[REASON_BYTES], protocol[PROTOCOL_BYTES];

    struct et_buf out;                    // a client's frame, to be masked; its request at first
    char accept[ET__WS_ACCEPT_CHARS + 1]; // that the server must answer with
    unsigned char pool[POOL_BYTES];       // chance for masks
    size_t pool_at;
};

// --- its end

static void free_it(void *ctx)
{
    struct et_websocket *ws = ctx;
    while (ws->first) {
        struct waiting *next = ws->first->next;
        free(ws->first);
        ws->first = next;
    }
    et_buf_free(&ws->reader.buf);
    et_buf_free(&ws->out);
    free(ws);
}

static void take_down(struct et_websocket *ws)
{
    ws->state = DEAD;
    et_timer_end(&ws->timer);
    et_conn_close(ws->conn);
    ws->conn = NULL;
    et__loop_later(ws->loop, &ws->gone);
}

void et_websocket_close(struct et_websocket *ws)
{
    if (ws && ws->state != DEAD)
        take_down(ws);
}

static void set_why(struct et_websocket *ws, int code, const char *why)
{
    if (ws->code == 0) {
        ws->code = code;
        (void)snprintf(ws->why, sizeof ws->why, "%.*s", REASON_BYTES - 1, why ? why : "");
    }
}

static void over(struct et_websocket *ws, int code, const char *why)
{
    if (ws->state == DEAD)
        return;
    set_why(ws, code, why);
    take_down(ws);
    if (ws->options.handlers->on_close)
        ws->options.handlers->on_close(ws->options.ctx, ws, ws->code, ws->why);
}

// --- frames that go out

// Chance from the system, fetched for many frames at once.
static bool next_mask(struct et_websocket *ws, unsigned char mask[4])
{
    if (ws->pool_at == 0 || ws->pool_at == POOL_BYTES) {
        if (getrandom(ws->pool, POOL_BYTES, 0) != POOL_BYTES)
            return false;
        ws->pool_at = 0;
    }
    memcpy(mask, ws->pool + ws->pool_at, 4);
    ws->pool_at += 4;
    return true;
}

// The frame, whole, to `to`, which has room for its head and n bytes. Returns its length; 0: no
// chance was to be had.
static size_t put_frame(struct et_websocket *ws, char *to, int opcode, const void *p, size_t n)
{
    unsigned char mask[4], head[ET__WS_HEAD_BYTES_MAX];
    if (ws->is_client && !next_mask(ws, mask))
        return 0;
    const size_t n_head = et__ws_put_head(head, opcode, n, ws->is_client ? mask : NULL);
    memcpy(to, head, n_head);
    if (n)
        memcpy(to + n_head, p, n);
    if (ws->is_client)
        et__ws_mask(to + n_head, n, mask);
    return n_head + n;
}

static enum et_status send_now(struct et_websocket *ws, int opcode, const void *p, size_t n)
{
    if (ws->is_client) {
        et_buf_clear(&ws->out);
        char *to = et_buf_reserve(&ws->out, n + ET__WS_HEAD_BYTES_MAX);
        const size_t n_frame = to ? put_frame(ws, to, opcode, p, n) : 0;
        const enum et_status st = n_frame ? et_conn_send(ws->conn, to, n_frame) : ET_ENOMEM;
        if (ws->out.cap > HANDSHAKE_BYTES)
            et_buf_free(&ws->out);
        return st;
    }
    unsigned char head[ET__WS_HEAD_BYTES_MAX];
    const size_t n_head = et__ws_put_head(head, opcode, n, NULL);
    const struct et_str parts[] = {{(const char *)head, n_head}, {p, n}};
    return et__conn_send_parts(ws->conn, parts, 2);
}

static size_t unsent(const struct et_websocket *ws)
{
    return (ws->state == DEAD ? 0 : (size_t)et_conn_unsent(ws->conn)) + ws->n_waiting_bytes;
}

static void remove_waiting(struct et_websocket *ws, struct waiting **place)
{
    struct waiting *w = *place;
    *place = w->next;
    if (!w->next)
        ws->last = place;
    ws->n_waiting_bytes -= w->n_frame;
    free(w);
}

// Makes room by dropping the oldest that may be; none where that would not be enough.
static bool make_room(struct et_websocket *ws, size_t n)
{
    size_t n_droppable = 0;
    for (const struct waiting *w = ws->first; w; w = w->next)
        n_droppable += w->is_droppable ? w->n_frame : 0;
    if (unsent(ws) - n_droppable + n > ws->options.send_bytes_max)
        return false;
    struct waiting **place = &ws->first;
    while (unsent(ws) + n > ws->options.send_bytes_max) {
        if ((*place)->is_droppable) {
            remove_waiting(ws, place);
            ws->counts.n_dropped++;
        } else {
            place = &(*place)->next;
        }
    }
    return true;
}

static enum et_status put_waiting(struct et_websocket *ws, int opcode, const void *p, size_t n,
                                  bool is_droppable)
{
    struct waiting *w = malloc(sizeof *w + n + ET__WS_HEAD_BYTES_MAX);
    if (!w)
        return ET_ENOMEM;
    w->next = NULL;
    w->is_droppable = is_droppable;
    w->n_frame = put_frame(ws, w->frame, opcode, p, n);
    if (w->n_frame == 0) {
        free(w);
        return ET_EIO;
    }
    *ws->last = w;
    ws->last = &w->next;
    ws->n_waiting_bytes += w->n_frame;
    return ET_OK;
}

static bool must_wait(const struct et_websocket *ws)
{
    return ws->first || et_conn_unsent(ws->conn) >= WINDOW_BYTES;
}

enum et_status et_websocket_send(struct et_websocket *ws, enum et_websocket_kind kind,
                                 const void *p, size_t n, bool is_droppable)
{
    if (ws->state != OPEN)
        return ET_ECANCELLED;
    if (n > ws->options.send_bytes_max)
        return ET_ELIMIT;
    // One that is as long as the quota goes when nothing else waits.
    if (unsent(ws) > 0 && unsent(ws) + n > ws->options.send_bytes_max && !make_room(ws, n)) {
        ws->counts.n_dropped += is_droppable;
        ws->wants_room |= !is_droppable;
        return is_droppable ? ET_OK : ET_AGAIN;
    }
    const enum et_status st = must_wait(ws) ? put_waiting(ws, (int)kind, p, n, is_droppable)
                                            : send_now(ws, (int)kind, p, n);
    if (st == ET_OK) {
        ws->counts.n_out++;
        ws->counts.n_out_bytes += (int64_t)n;
    }
    return st;
}

// Control frames go in front of what waits, but a flood of pings is not answered without end.
static enum et_status send_control(struct et_websocket *ws, int opcode, const void *p, size_t n)
{
    if (et_conn_unsent(ws->conn) >
        WINDOW_BYTES + (int64_t)ws->options.send_bytes_max + CONTROL_WAIT_BYTES)
        return ET_AGAIN;
    return send_now(ws, opcode, p, n);
}

enum et_status et_websocket_ping(struct et_websocket *ws)
{
    if (ws->state != OPEN)
        return ET_ECANCELLED;
    const int64_t now_ns = et_loop_now_ns(ws->loop);
    const enum et_status st = send_control(ws, ET__WS_PING, &now_ns, sizeof now_ns);
    if (st == ET_OK) {
        ws->ping_ns = now_ns;
        ws->is_ping_out = true;
    }
    return st;
}

static void feed(struct et_websocket *ws)
{
    while (ws->first && et_conn_unsent(ws->conn) < WINDOW_BYTES) {
        if (et_conn_send(ws->conn, ws->first->frame, ws->first->n_frame) != ET_OK)
            return;
        remove_waiting(ws, &ws->first);
    }
}

// The last frame of this side, behind all that waits.
static void send_close(struct et_websocket *ws, int code, const char *why)
{
    char text[ET__WS_CONTROL_BYTES_MAX];
    size_t n = 0;
    if (code != ET_WEBSOCKET_NO_CODE) {
        text[0] = (char)(code >> 8);
        text[1] = (char)code;
        n = 2 + (size_t)snprintf(text + 2, sizeof text - 2, "%.122s", why);
    }
    const enum et_status st = ws->first ? put_waiting(ws, ET__WS_CLOSE, text, n, false)
                                        : send_now(ws, ET__WS_CLOSE, text, n);
    if (st != ET_OK)
        over(ws, ET_WEBSOCKET_CUT, "no memory for its end");
}

void et_websocket_end(struct et_websocket *ws, int code, const char *why)
{
    if (ws->state == OPENING) {
        over(ws, code, why);
        return;
    }
    if (ws->state != OPEN)
        return;
    set_why(ws, code, why);
    ws->state = ENDING;
    et_timer_set(ws->loop, &ws->timer, et_loop_now_ns(ws->loop) + ws->options.close_ns);
    if (ws->is_paused)
        et_conn_pause(ws->conn, false); // the other side's part is waited for
    ws->is_paused = false;
    send_close(ws, code, ws->why);
}

// Nothing more is understood from here on.
static void drain(struct et_websocket *ws)
{
    if (ws->state == DEAD)
        return;
    ws->state = DRAINING;
    if (!ws->first)
        et_conn_finish(ws->conn);
    et_timer_set(ws->loop, &ws->timer, et_loop_now_ns(ws->loop) + ws->options.close_ns);
}

static void fail(struct et_websocket *ws, int code, const char *why)
{
    const bool has_sent = ws->state == ENDING;
    if (!has_sent)
        set_why(ws, code, why);
    ws->state = ENDING;
    if (!has_sent)
        send_close(ws, code, ws->why);
    drain(ws);
}

// --- frames that come in

static void on_close_frame(struct et_websocket *ws, const struct et__ws_event *event)
{
    const bool has_sent = ws->state == ENDING;
    char why[REASON_BYTES];
    const size_t n = event->n < sizeof why - 1 ? event->n : sizeof why - 1;
    memcpy(why, event->p, n);
    why[n] = 0;
    set_why(ws, event->code, why);
    ws->state = ENDING;
    if (!has_sent)
        send_close(ws, event->code, "");
    drain(ws);
}

static void on_pong_frame(struct et_websocket *ws, const struct et__ws_event *event)
{
    int64_t sent_ns;
    if (!ws->is_ping_out || event->n != sizeof sent_ns)
        return;
    memcpy(&sent_ns, event->p, sizeof sent_ns);
    if (sent_ns != ws->ping_ns)
        return;
    ws->is_ping_out = false;
    if (ws->options.handlers->on_pong)
        ws->options.handlers->on_pong(ws->options.ctx, ws, et_loop_now_ns(ws->loop) - sent_ns);
}

static void on_event(struct et_websocket *ws, const struct et__ws_event *event)
{
    switch (event->kind) {
    case ET__WS_CLOSE:
        on_close_frame(ws, event);
        break;
    case ET__WS_PING:
        if (ws->state == OPEN && send_control(ws, ET__WS_PONG, event->p, event->n) < 0)
            over(ws, ET_WEBSOCKET_CUT, "no memory to answer a ping");
        break;
    case ET__WS_PONG:
        on_pong_frame(ws, event);
        break;
    default:
        if (ws->state != OPEN) // it asked for the end; what was under way is not wanted
            break;
        ws->counts.n_in++;
        ws->counts.n_in_bytes += (int64_t)event->n;
        ws->options.handlers->on_message(ws->options.ctx, ws, (enum et_websocket_kind)event->kind,
                                         event->p, event->n);
    }
}

static size_t read_frames(struct et_websocket *ws, char *p, size_t n)
{
    size_t used = 0;
    while ((ws->state == OPEN || ws->state == ENDING) && !ws->is_paused) {
        struct et__ws_event event;
        struct et_err why = {0};
        size_t step;
        int code;
        const enum et_status st =
            et__ws_next(&ws->reader, p + used, n - used, &step, &event, &code, &why);
        used += step;
        if (st == ET_AGAIN)
            return used;
        if (st == ET_OK)
            on_event(ws, &event);
        else
            fail(ws, code, why.text);
    }
    if (ws->state == DRAINING) {
        ws->n_drained += n - used;
        if (ws->n_drained > DRAIN_BYTES)
            over(ws, ET_WEBSOCKET_CUT, "");
        return n;
    }
    return used;
}

// --- a client's beginning

// The word of `words` (separated by blanks) that is also in the list "a, b"; the first of ours.
static bool choose(const char *words, struct et_str list, char chosen[PROTOCOL_BYTES])
{
    struct et_str ours = et_str(words), word, part;
    while (et_str_cut(&ours, ' ', &word))
        for (struct et_str rest = list; et_str_cut(&rest, ',', &part);)
            if (word.n && word.n < PROTOCOL_BYTES && et_str_eq(et_str_trim(part), word)) {
                (void)snprintf(chosen, PROTOCOL_BYTES, "%.*s", ET_STR_ARG(word));
                return true;
            }
    return false;
}

static const char *check_answer(struct et_websocket *ws, const struct et__http_head *head)
{
    struct et_str value;
    if (head->code != 101)
        return "the server does not make a WebSocket of it";
    if (!head->wants_upgrade || et__http_find(head, "Upgrade", &value) != 1 ||
        !et__http_is(value, "websocket"))
        return "the server upgrades to something else";
    if (et__http_find(head, "Sec-WebSocket-Accept", &value) != 1 || !et_str_is(value, ws->accept))
        return "the server's answer is another request's";
    if (et__http_find(head, "Sec-WebSocket-Extensions", &value))
        return "the server uses an extension that was not asked for";
    const size_t n = et__http_find(head, "Sec-WebSocket-Protocol", &value);
    if (n > 1 || (n == 1 && !choose(ws->options.protocols, value, ws->protocol)))
        return "the server chose a protocol that was not asked for";
    return NULL;
}

static size_t read_answer(struct et_websocket *ws, const char *p, size_t n)
{
    struct et__http_head head;
    struct et_err why = {0};
    size_t n_head;
    char text[REASON_BYTES];
    enum et_status st =
        et__http_find_end(p, n < HANDSHAKE_BYTES ? n : HANDSHAKE_BYTES, &ws->n_seen, &n_head, &why);
    if (st == ET_AGAIN && n < HANDSHAKE_BYTES)
        return 0;
    if (st == ET_OK)
        st = et__http_read_response((struct et_str){p, n_head}, &head, &why);
    if (st != ET_OK) {
        over(ws, ET_WEBSOCKET_CUT, st == ET_AGAIN ? "the answer is too long" : why.text);
        return n;
    }
    const char *wrong = check_answer(ws, &head);
    if (wrong) {
        (void)snprintf(text, sizeof text, "%s (%d)", wrong, head.code);
        over(ws, ET_WEBSOCKET_CUT, text);
        return n;
    }
    ws->state = OPEN;
    et_timer_end(&ws->timer);
    if (ws->options.ping_ns > 0)
        et_timer_set(ws->loop, &ws->timer, et_loop_now_ns(ws->loop) + ws->options.ping_ns);
    if (ws->options.handlers->on_open)
        ws->options.handlers->on_open(ws->options.ctx, ws, ws->protocol);
    return n_head;
}

// --- what the connection calls

static size_t on_read(void *ctx, struct et_conn *conn, char *p, size_t n)
{
    struct et_websocket *ws = ctx;
    size_t used = 0;
    (void)conn;
    ws->moved_ns = et_loop_now_ns(ws->loop);
    if (ws->state == OPENING)
        used = read_answer(ws, p, n);
    if (ws->state != OPENING && ws->state != DEAD && used < n)
        used += read_frames(ws, p + used, n - used);
    return used;
}

static void on_end(void *ctx, struct et_conn *conn)
{
    struct et_websocket *ws = ctx;
    (void)conn;
    over(ws, ET_WEBSOCKET_CUT, "the other side closed the connection");
}

static void on_sent(void *ctx, struct et_conn *conn)
{
    struct et_websocket *ws = ctx;
    (void)conn;
    if (ws->state == DEAD)
        return;
    feed(ws);
    if (ws->state == DRAINING && !ws->first)
        et_conn_finish(ws->conn);
    if (ws->state == OPEN && ws->wants_room && unsent(ws) <= ws->options.send_bytes_max / 2) {
        ws->wants_room = false;
        if (ws->options.handlers->on_room)
            ws->options.handlers->on_room(ws->options.ctx, ws);
    }
}

static void on_open(void *ctx, struct et_conn *conn)
{
    struct et_websocket *ws = ctx;
    if (et_conn_send(conn, ws->out.p, ws->out.n) != ET_OK)
        over(ws, ET_WEBSOCKET_CUT, "no memory to begin");
}

static void on_close(void *ctx, struct et_conn *conn, const struct et_err *why)
{
    struct et_websocket *ws = ctx;
    (void)conn;
    over(ws, ET_WEBSOCKET_CUT, why->text);
}

static const struct et_conn_handlers HANDLERS = {.on_open = on_open,
                                                 .on_read = on_read,
                                                 .on_end = on_end,
                                                 .on_sent = on_sent,
                                                 .on_close = on_close};

static void on_time(void *ctx)
{
    struct et_websocket *ws = ctx;
    const int64_t now_ns = et_loop_now_ns(ws->loop), ping_ns = ws->options.ping_ns;
    if (ws->state != OPEN) {
        over(ws, ET_WEBSOCKET_CUT,
             ws->state == OPENING ? "the server took too long to answer" : "no answer to its end");
        return;
    }
    const int64_t silent_ns = ws->is_paused ? 0 : now_ns - ws->moved_ns;
    if (silent_ns >= 2 * ping_ns) {
        over(ws, ET_WEBSOCKET_CUT, "no sign of life");
        return;
    }
    if (silent_ns >= ping_ns && et_websocket_ping(ws) < 0) {
        over(ws, ET_WEBSOCKET_CUT, "no memory for a ping");
        return;
    }
    et_timer_set(ws->loop, &ws->timer,
                 silent_ns >= ping_ns ? now_ns + ping_ns : now_ns - silent_ns + ping_ns);
}

// --- opening

static struct et_websocket *make(struct et_loop *loop, const struct et_websocket_options *options)
{
    struct et_websocket *ws = calloc(1, sizeof *ws);
    assert(options->handlers && options->handlers->on_message);
    if (!ws)
        return NULL;
    struct et_websocket_options *o = &ws->options;
    *o = *options;
    o->protocols = o->protocols ? o->protocols : "";
    o->message_bytes_max = o->message_bytes_max ? o->message_bytes_max : MESSAGE_BYTES;
    o->send_bytes_max = o->send_bytes_max ? o->send_bytes_max : SEND_BYTES;
    o->ping_ns = o->ping_ns ? o->ping_ns : PING_NS;
    o->close_ns = o->close_ns > 0 ? o->close_ns : CLOSE_NS;
    ws->loop = loop;
    ws->last = &ws->first;
    ws->timer = (struct et_timer){.on_time = on_time, .ctx = ws};
    ws->gone = (struct et__task){.run = free_it, .ctx = ws};
    ws->reader.buf = et_buf(o->message_bytes_max);
    ws->out = et_buf(o->send_bytes_max + HANDSHAKE_BYTES);
    ws->moved_ns = et_loop_now_ns(loop);
    return ws;
}

static struct et_conn_limits limits_of(const struct et_websocket *ws)
{
    const size_t message = ws->options.message_bytes_max + ET__WS_HEAD_BYTES_MAX + 1;
    return (struct et_conn_limits){
        .in_bytes_max = message < HANDSHAKE_BYTES ? HANDSHAKE_BYTES : message,
        .out_bytes_max = ws->options.send_bytes_max + (size_t)WINDOW_BYTES + CONTROL_ROOM_BYTES +
                         HANDSHAKE_BYTES,
        .idle_ns = -1}; // pings see to that
}

// 0, or the code to answer with.
static int check_request(struct et_http_exchange *x, const struct et_websocket_options *options,
                         char accept[ET__WS_ACCEPT_CHARS + 1], char protocol[PROTOCOL_BYTES])
{
    const struct et__http_head *head = &x->head;
    struct et_str value;
    if (!et__http_is_fresh(x) || head->minor < 1 || !head->wants_upgrade ||
        et__http_find(head, "Upgrade", &value) != 1 || !et__http_has_token(value, "websocket"))
        return 400;
    if (et__http_find(head, "Sec-WebSocket-Version", &value) != 1 || !et_str_is(value, "13"))
        return 426;
    if (et__http_find(head, "Sec-WebSocket-Key", &value) != 1 || !et__ws_accept_of(value, accept))
        return 400;
    bool is_chosen = false;
    for (size_t i = 0; i < head->request.n_headers && options->protocols && !is_chosen; i++)
        if (et__http_is(head->request.headers[i].name, "Sec-WebSocket-Protocol"))
            is_chosen = choose(options->protocols, head->request.headers[i].value, protocol);
    return is_chosen || !options->must_have_protocol ? 0 : 422;
}

static enum et_status refuse(struct et_http_exchange *x, int code, struct et_err *err)
{
    if (code == 426 && (et_http_add(x, "Sec-WebSocket-Version", "13") != ET_OK ||
                        et_http_add(x, "Upgrade", "websocket") != ET_OK))
        code = 503;
    const char *why = code == 426   ? "version 13 of WebSocket is spoken here"
                      : code == 422 ? "none of the protocols offered is spoken here"
                      : code == 503 ? "no memory for a WebSocket"
                                    : "this is for WebSockets";
    et_http_reply_text(x, code == 422 ? 400 : code, "%s", why);
    return et_fail(err,
                   code == 503   ? ET_ENOMEM
                   : code == 400 ? ET_ECORRUPT
                                 : ET_EUNSUPPORTED,
                   -1, "%s", why);
}

static enum et_status answer(struct et_http_exchange *x, const char *accept, const char *protocol)
{
    struct et_buf *buf = et__http_buf(x->server);
    et_buf_printf(buf,
                  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
                  accept);
    if (protocol[0])
        et_buf_printf(buf, "Sec-WebSocket-Protocol: %s\r\n", protocol);
    et_buf_putstr(buf, et_buf_str(&x->headers));
    et_buf_puts(buf, "\r\n");
    return buf->status == ET_OK ? et_conn_send(x->conn, buf->p, buf->n) : buf->status;
}

enum et_status et_websocket_accept(struct et_websocket **ws, struct et_http_exchange *x,
                                   const struct et_websocket_options *options, struct et_err *err)
{
    char accept[ET__WS_ACCEPT_CHARS + 1], protocol[PROTOCOL_BYTES] = "";
    *ws = NULL;
    const int code = check_request(x, options, accept, protocol);
    if (code != 0)
        return refuse(x, code, err);
    struct et_loop *loop = et_conn_loop(x->conn);
    struct et_websocket *w = make(loop, options);
    if (!w)
        return refuse(x, 503, err);
    memcpy(w->protocol, protocol, sizeof w->protocol);
    w->reader.is_server = true;
    w->state = OPEN;
    if (answer(x, accept, protocol) != ET_OK) {
        free_it(w);
        et__http_end_conn(x);
        return et_fail(err, ET_ECANCELLED, -1, "the connection has ended");
    }
    w->conn = et__http_take(x);
    const struct et_conn_limits limits = limits_of(w);
    et_conn_set_limits(w->conn, &limits);
    et_conn_set_handlers(w->conn, &HANDLERS, w);
    if (w->options.ping_ns > 0)
        et_timer_set(loop, &w->timer, et_loop_now_ns(loop) + w->options.ping_ns);
    *ws = w;
    return ET_OK;
}

static enum et_status put_request(struct et_websocket *ws, const struct et_websocket_to *to,
                                  const struct et__url *url, struct et_err *err)
{
    unsigned char bytes[KEY_BYTES];
    struct et_buf key = et_buf(ET__WS_KEY_CHARS);
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return et_fail(err, ET_EIO, -1, "the system gives no chance");
    et_base64_put(&key, bytes, sizeof bytes);
    const bool is_made = key.status == ET_OK && et__ws_accept_of(et_buf_str(&key), ws->accept);
    et_buf_printf(&ws->out,
                  "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
                  ET_STR_ARG(url->target), ET_STR_ARG(url->authority), et_buf_text(&key));
    et_buf_free(&key);
    if (!is_made)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a WebSocket's key");
    struct et_str words = et_str(ws->options.protocols), word;
    const char *separator = "Sec-WebSocket-Protocol: ";
    while (et_str_cut(&words, ' ', &word)) {
        et_buf_printf(&ws->out, "%s%.*s", separator, ET_STR_ARG(word));
        separator = ", ";
    }
    if (separator[0] == ',')
        et_buf_puts(&ws->out, "\r\n");
    if (to->token)
        et_buf_printf(&ws->out, "Authorization: %s %s\r\n",
                      to->token_scheme ? to->token_scheme : "Bearer", to->token);
    et_buf_puts(&ws->out, "\r\n");
    return et_buf_check(&ws->out, "a WebSocket's request", err);
}

static enum et_status begin(struct et_websocket *ws, const struct et_websocket_to *to,
                            struct et_err *err)
{
    struct et__url url;
    enum et_status st = et__url_read(to->url, &url, err);
    if (st != ET_OK)
        return st;
    if (!url.is_websocket || (url.is_tls && !to->tls))
        return et_fail(err, ET_EARG, -1, "%.100s %s", to->url,
                       url.is_websocket ? "needs TLS" : "is no WebSocket's URL");
    const char *address = to->address ? to->address : url.address;
    bool is_here;
    st = et_address_is_here(address, &is_here, err);
    if (st != ET_OK)
        return st;
    if (to->token && strpbrk(to->token, "\r\n"))
        return et_fail(err, ET_EARG, -1, "a token that cannot be sent");
    if (to->token && !url.is_tls && !is_here)
        return et_fail(err, ET_EARG, -1,
                       "%.100s: a token goes to other machines by TLS alone (wss://), anybody on "
                       "the way could read it",
                       to->url);
    st = put_request(ws, to, &url, err);
    if (st != ET_OK)
        return st;
    const struct et_conn_limits limits = limits_of(ws);
    const struct et_conn_options options = {.address = address,
                                            .host = url.host,
                                            .tls = url.is_tls ? to->tls : NULL,
                                            .limits = &limits,
                                            .handlers = &HANDLERS,
                                            .ctx = ws};
    return et_conn_open(&ws->conn, ws->loop, &options, err);
}

enum et_status et_websocket_open(struct et_websocket **ws, struct et_loop *loop,
                                 const struct et_websocket_to *to,
                                 const struct et_websocket_options *options, struct et_err *err)
{
    *ws = NULL;
    struct et_websocket *w = make(loop, options);
    if (!w)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a WebSocket");
    w->is_client = true;
    const enum et_status st = begin(w, to, err);
    if (st != ET_OK) {
        free_it(w);
        return st;
    }
    et_timer_set(loop, &w->timer, et_loop_now_ns(loop) + HANDSHAKE_NS);
    *ws = w;
    return ET_OK;
}

// --- what it is

void et_websocket_pause(struct et_websocket *ws, bool is_paused)
{
    if (ws->state != OPEN || ws->is_paused == is_paused)
        return;
    ws->is_paused = is_paused;
    ws->moved_ns = et_loop_now_ns(ws->loop);
    et_conn_pause(ws->conn, is_paused);
}

const char *et_websocket_protocol(const struct et_websocket *ws)
{
    return ws->protocol;
}

const char *et_websocket_peer(const struct et_websocket *ws)
{
    return ws->conn ? et_conn_peer(ws->conn) : "";
}

struct et_websocket_counts et_websocket_counts(const struct et_websocket *ws)
{
    struct et_websocket_counts counts = ws->counts;
    counts.n_unsent_bytes = unsent(ws);
    return counts;
}

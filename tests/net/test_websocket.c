// Messages come whole and in order both ways, and no peer makes the other wait or grow.
#include "net_peer.h"
#include "support.h"
#include "tap.h"

#include "etude/websocket.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef-secret"
#define UPGRADE                                                                              \
    "GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static struct et_err err;
static struct peer_text text;

/* One end: what came, and how it ended. */
struct end {
    struct et_websocket *ws;
    struct et_buf got;
    bool is_open, is_over, echoes;
    int n_messages, n_rooms, code;
    enum et_websocket_kind kind;
    int64_t round_trip_ns;
    char why[200], protocol[100];
};

static void on_open(void *ctx, struct et_websocket *ws, const char *protocol)
{
    struct end *e = ctx;
    e->ws = ws;
    e->is_open = true;
    (void)snprintf(e->protocol, sizeof e->protocol, "%s", protocol);
}

static void on_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    struct end *e = ctx;
    e->n_messages++;
    e->kind = kind;
    et_buf_put(&e->got, p, n);
    if (e->echoes)
        CHECK_EQ(et_websocket_send(ws, kind, p, n, false), ET_OK);
}

static void on_pong(void *ctx, struct et_websocket *ws, int64_t round_trip_ns)
{
    (void)ws;
    ((struct end *)ctx)->round_trip_ns = round_trip_ns;
}

static void on_room(void *ctx, struct et_websocket *ws)
{
    (void)ws;
    ((struct end *)ctx)->n_rooms++;
}

static void on_close(void *ctx, struct et_websocket *ws, int code, const char *why)
{
    struct end *e = ctx;
    CHECK(!e->is_over && (!e->ws || e->ws == ws));
    e->is_over = true;
    e->code = code;
    (void)snprintf(e->why, sizeof e->why, "%s", why);
}

static const struct et_websocket_handlers HANDLERS = {.on_open = on_open,
                                                      .on_message = on_message,
                                                      .on_pong = on_pong,
                                                      .on_room = on_room,
                                                      .on_close = on_close};

static struct et_loop *loop;
static struct et_http_server *http;
static struct end server, client;
static struct et_websocket_options options;
static enum et_status accepted;
static char url[200];

static void accept_it(void *ctx, struct et_http_exchange *x)
{
    (void)ctx;
    options.ctx = &server;
    accepted = et_websocket_accept(&server.ws, x, &options, &err);
    server.is_open = accepted == ET_OK;
}

static void begin(struct et_tls *tls, const char *token)
{
    static const struct et_http_route ROUTES[] = {
        {.path = "/live", .methods = "GET", .handle = accept_it}};
    const struct et_http_options o = {.listen = {.address = "127.0.0.1:0", .tls = tls},
                                      .routes = ROUTES,
                                      .n_routes = 1,
                                      .token = token,
                                      .must_have_token = token != NULL};
    server = client = (struct end){.got = et_buf(1 << 25)};
    options = (struct et_websocket_options){.handlers = &HANDLERS};
    loop = make_loop();
    CHECK_OK(et_http_open(&http, loop, &o, &err));
    (void)snprintf(url, sizeof url, "%s://%s/live", tls ? "wss" : "ws", et_http_address(http));
}

static bool is_settled(void *ctx)
{
    (void)ctx;
    return client.is_open || client.is_over;
}

static void dial(struct et_tls *tls, const char *token)
{
    const struct et_websocket_to to = {.url = url, .tls = tls, .token = token};
    options.ctx = &client;
    CHECK_OK(et_websocket_open(&client.ws, loop, &to, &options, &err));
    CHECK(run_until(loop, is_settled, NULL));
}

static void end(void)
{
    if (server.is_open && !server.is_over)
        et_websocket_close(server.ws);
    if (client.ws && !client.is_over)
        et_websocket_close(client.ws);
    et_http_close(http);
    et_loop_close(loop);
    et_buf_free(&server.got);
    et_buf_free(&client.got);
}

// A plain socket that has upgraded; further headers come in front of the empty line.
static int upgrade(const char *headers)
{
    const int fd = peer_open(et_http_address(http));
    peer_puts(fd, UPGRADE);
    peer_puts(fd, headers);
    peer_puts(fd, "\r\n");
    peer_get(loop, fd, "\r\n\r\n", &text);
    return fd;
}

static bool both_over(void *ctx)
{
    (void)ctx;
    return client.is_over && server.is_over;
}

#define N_BYTES 300000

static bool client_has_all(void *ctx)
{
    (void)ctx;
    return client.got.n >= N_BYTES + 9;
}

static void messages_come_back_plain_and_by_tls(void)
{
    static char bytes[N_BYTES];
    struct et_tls *tls, *trust;
    struct rng rng = {8};
    const struct et_tls_client_options pinned = {.pin = tls_pin()};
    CHECK_OK(et_tls_open_server(&tls, tls_cert(), tls_key(), &err));
    CHECK_OK(et_tls_open_client(&trust, &pinned, &err));
    for (size_t i = 0; i < N_BYTES; i++)
        bytes[i] = (char)rng_next(&rng);
    for (int is_tls = 0; is_tls < 2; is_tls++) {
        begin(is_tls ? tls : NULL, TOKEN);
        server.echoes = true;
        dial(trust, TOKEN);
        CHECK_EQ(et_websocket_send(client.ws, ET_WEBSOCKET_TEXT, "grüße", 7, false), ET_OK);
        CHECK_EQ(et_websocket_send(client.ws, ET_WEBSOCKET_BINARY, bytes, N_BYTES, false), ET_OK);
        CHECK_EQ(et_websocket_send(client.ws, ET_WEBSOCKET_TEXT, NULL, 0, false), ET_OK);
        CHECK_EQ(et_websocket_send(client.ws, ET_WEBSOCKET_TEXT, "é", 2, true), ET_OK);
        CHECK(run_until(loop, client_has_all, NULL));
        CHECK(client.got.n == N_BYTES + 9 && client.n_messages == 4 &&
              client.kind == ET_WEBSOCKET_TEXT);
        CHECK(memcmp(client.got.p, "grüße", 7) == 0 &&
              memcmp(client.got.p + 7, bytes, N_BYTES) == 0);
        const struct et_websocket_counts counts = et_websocket_counts(server.ws);
        CHECK(counts.n_in == 4 && counts.n_out == 4 && counts.n_in_bytes == N_BYTES + 9 &&
              counts.n_out_bytes == N_BYTES + 9 && counts.n_unsent_bytes == 0);
        et_websocket_end(client.ws, 4001, "enough");
        et_websocket_end(client.ws, 4002, "again");
        CHECK_EQ(et_websocket_send(client.ws, ET_WEBSOCKET_TEXT, "x", 1, false), ET_ECANCELLED);
        CHECK(run_until(loop, both_over, NULL));
        CHECK(client.code == 4001 && server.code == 4001);
        CHECK_STR(server.why, "enough");
        end();
    }
    et_tls_close(tls);
    et_tls_close(trust);
}

static void the_server_ends_it_too(void)
{
    begin(NULL, NULL);
    dial(NULL, NULL);
    et_websocket_end(server.ws, ET_WEBSOCKET_GOING_AWAY, "closing");
    CHECK(run_until(loop, both_over, NULL));
    CHECK(client.code == ET_WEBSOCKET_GOING_AWAY && server.code == ET_WEBSOCKET_GOING_AWAY);
    CHECK_STR(client.why, "closing");
    end();
}

static void a_raw_client_is_understood_a_byte_at_a_time(void)
{
    // RFC 6455, 5.7: "Hello" masked; in two pieces with a ping between them; the end.
    static const char FRAMES[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
                                 "\x01\x82\0\0\0\0Sc\x89\x81\0\0\0\0p\x80\x83\0\0\0\0hau"
                                 "\x88\x82\0\0\0\0\x03\xe8";
    for (int is_slow = 0; is_slow < 2; is_slow++) {
        begin(NULL, NULL);
        server.echoes = true;
        const int fd = upgrade("");
        CHECK_HAS(text.p, "HTTP/1.1 101 Switching Protocols\r\n");
        CHECK_HAS(text.p, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
        for (size_t i = 0; i < sizeof FRAMES - 1; i += is_slow ? 1 : sizeof FRAMES - 1) {
            peer_put(fd, FRAMES + i, is_slow ? 1 : sizeof FRAMES - 1);
            CHECK_OK(et_loop_run_once(loop, S / 1000, &err));
        }
        peer_get(loop, fd, "", &text);
        static const char WANT[] = "\x81\x05Hello\x8a\x01p\x81\x05Schau\x88\x02\x03\xe8";
        CHECK(text.n == sizeof WANT - 1 && memcmp(text.p, WANT, text.n) == 0);
        CHECK(text.is_closed);
        (void)close(fd);
        run_some(loop);
        CHECK(server.is_over && server.code == ET_WEBSOCKET_NORMAL);
        end();
    }
}

static void frames_behind_the_request_are_not_lost(void)
{
    begin(NULL, NULL);
    server.echoes = true;
    const int fd = peer_open(et_http_address(http));
    static const char ALL[] = UPGRADE "\r\n\x81\x82\0\0\0\0hi";
    peer_put(fd, ALL, sizeof ALL - 1);
    peer_get(loop, fd, "\x81\x02hi", &text);
    CHECK(text.n > 4 && memcmp(text.p + text.n - 4, "\x81\x02hi", 4) == 0);
    (void)close(fd);
    end();
}

static void wrong_frames_end_it_with_their_code(void)
{
    static const struct {
        struct et_str frame;
        int code;
    } WRONG[] = {
        {{"\x81\x02hi", 4}, 1002},       {{"\x81\x81\0\0\0\0\xff", 7}, 1007},
        {{"\xc1\x80\0\0\0\0", 6}, 1002}, {{"\x82\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0", 14}, 1009},
        {{"\x80\x80\0\0\0\0", 6}, 1002},
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        begin(NULL, NULL);
        const int fd = upgrade("");
        peer_put(fd, WRONG[i].frame.p, WRONG[i].frame.n);
        peer_put(fd, "\x81\x81\0\0\0\0x", 7); // not looked at
        peer_get(loop, fd, "", &text);
        CHECK(text.n > 4 && text.p[0] == '\x88' && text.is_closed);
        CHECK_EQ((unsigned char)text.p[2] << 8 | (unsigned char)text.p[3], WRONG[i].code);
        (void)close(fd);
        run_some(loop);
        CHECK(server.is_over && server.code == WRONG[i].code && server.n_messages == 0);
        CHECK(server.why[0] != 0);
        end();
    }
}

static int code_of(const char *request)
{
    const int fd = peer_open(et_http_address(http));
    peer_puts(fd, request);
    CHECK(shutdown(fd, SHUT_WR) == 0);
    peer_get(loop, fd, "", &text);
    (void)close(fd);
    return text.n > 12 ? (int)strtol(text.p + 9, NULL, 10) : 0;
}

static void what_is_no_upgrade_is_refused(void)
{
#define LIVE "GET /live HTTP/1.1\r\nHost: localhost\r\n"
    begin(NULL, NULL);
    CHECK_EQ(code_of(LIVE "\r\n"), 400);
    CHECK_EQ(accepted, ET_ECORRUPT);
    CHECK_EQ(code_of(LIVE "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), 400);
    CHECK_EQ(code_of(LIVE "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Version: 8\r\n\r\n"),
             426);
    CHECK_EQ(accepted, ET_EUNSUPPORTED);
    CHECK_HAS(text.p, "Sec-WebSocket-Version: 13\r\n");
    CHECK_EQ(code_of(LIVE "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n"),
             400);
    CHECK_EQ(code_of("X" UPGRADE "\r\n"), 501);
    CHECK_EQ(code_of(UPGRADE "Origin: http://evil.example\r\n\r\n"), 403);
    CHECK(!server.is_open);
    options.protocols = "etude.1 etude.2";
    options.must_have_protocol = true;
    CHECK_EQ(code_of(UPGRADE "Sec-WebSocket-Protocol: other\r\n\r\n"), 400);
    CHECK_EQ(accepted, ET_EUNSUPPORTED);
    const int fd = upgrade("Origin: http://localhost\r\nSec-WebSocket-Protocol: x, etude.2\r\n");
    CHECK_HAS(text.p, "Sec-WebSocket-Protocol: etude.2\r\n");
    CHECK_STR(et_websocket_protocol(server.ws), "etude.2");
    CHECK_HAS(et_websocket_peer(server.ws), "127.0.0.1:");
    (void)close(fd);
    end();
}

static void a_token_lets_a_page_in_by_its_address(void)
{
    begin(NULL, TOKEN);
    CHECK_EQ(code_of(UPGRADE "\r\n"), 401);
    const int fd = peer_open(et_http_address(http));
    peer_puts(fd, "GET /live?token=" TOKEN);
    peer_puts(fd, &(UPGRADE "\r\n")[strlen("GET /live")]);
    peer_get(loop, fd, "\r\n\r\n", &text);
    CHECK_HAS(text.p, "HTTP/1.1 101");
    (void)close(fd);
    end();
}

static void the_client_is_told_why_not(void)
{
    begin(NULL, TOKEN);
    dial(NULL, NULL);
    CHECK(client.is_over && client.code == ET_WEBSOCKET_CUT);
    CHECK_HAS(client.why, "401");
    end();
    begin(NULL, NULL);
    options.protocols = "a b";
    dial(NULL, NULL);
    CHECK(client.is_open);
    CHECK_STR(client.protocol, "a");
    const struct et_websocket_to wrong[] = {{.url = "http://localhost/"},
                                            {.url = "wss://localhost/"},
                                            {.url = "x"},
                                            {.url = url, .token = "a\r\nb"},
                                            {.url = url, .address = "x"},
                                            {.url = "ws://192.0.2.1/", .token = "a"},
                                            {.url = "ws://robot.example:1/", .token = "a"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct et_websocket *ws;
        CHECK_EQ(et_websocket_open(&ws, loop, &wrong[i], &options, &err), ET_EARG);
        CHECK(ws == NULL);
    }
    et_websocket_close(NULL);
    end();
}

// What a server may answer to an upgrade, and that none of it opens a client.
static const char *said;

static size_t on_read_say(void *ctx, struct et_conn *conn, char *p, size_t n)
{
    (void)ctx;
    (void)p;
    CHECK_EQ(et_conn_send(conn, said, strlen(said)), ET_OK);
    et_conn_finish(conn);
    return n;
}

static void on_accept_say(void *ctx, struct et_conn *conn)
{
    static const struct et_conn_handlers SAYS = {.on_read = on_read_say};
    et_conn_set_handlers(conn, &SAYS, ctx);
}

static void answers_that_are_none_do_not_open_it(void)
{
#define ANSWER "HTTP/1.1 101 x\r\nConnection: upgrade\r\n"
    static const char *const SAID[] = {
        "",
        "HTTP/1.1 200 OK\r\n\r\n",
        "hello\r\n\r\n",
        ANSWER "Upgrade: h2c\r\n\r\n",
        ANSWER "Upgrade: websocket\r\n\r\n",
        ANSWER "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    };
    struct et_listener *listener;
    begin(NULL, NULL);
    const struct et_listen_options listen = {.address = "127.0.0.1:0", .on_accept = on_accept_say};
    CHECK_OK(et_listener_open(&listener, loop, &listen, &err));
    (void)snprintf(url, sizeof url, "ws://%s/", et_listener_address(listener));
    for (size_t i = 0; i < sizeof SAID / sizeof *SAID; i++) {
        said = SAID[i];
        client = (struct end){0};
        dial(NULL, NULL);
        CHECK(client.is_over && !client.is_open && client.code == ET_WEBSOCKET_CUT);
    }
    run_some(loop);
    et_listener_close(listener);
    end();
}

static void a_server_that_does_not_answer_is_given_up(void)
{
    struct et_listener *listener;
    begin(NULL, NULL);
    said = "HTTP/1.1 101 x\r\n";
    const struct et_listen_options listen = {.address = "127.0.0.1:0", .on_accept = on_accept_say};
    CHECK_OK(et_listener_open(&listener, loop, &listen, &err));
    (void)snprintf(url, sizeof url, "ws://%s/", et_listener_address(listener));
    options.ctx = &client;
    const struct et_websocket_to to = {.url = url};
    CHECK_OK(et_websocket_open(&client.ws, loop, &to, &options, &err));
    pass(loop, 11 * S);
    CHECK(client.is_over && client.code == ET_WEBSOCKET_CUT);
    et_listener_close(listener);
    end();
}

static void pings_measure_and_find_the_dead(void)
{
    begin(NULL, NULL);
    dial(NULL, NULL);
    CHECK_EQ(et_websocket_ping(client.ws), ET_OK);
    client.round_trip_ns = -1;
    run_some(loop);
    CHECK_EQ(client.round_trip_ns, 0); // the clock stands still
    pass(loop, 21 * S);
    pass(loop, 21 * S);
    pass(loop, 21 * S);
    CHECK(!client.is_over && !server.is_over);
    end();
    begin(NULL, NULL);
    const int fd = upgrade("");
    pass(loop, 21 * S);
    CHECK(recv(fd, text.p, sizeof text.p, 0) == 10 && memcmp(text.p, "\x89\x08", 2) == 0);
    CHECK(!server.is_over);
    pass(loop, 20 * S);
    CHECK(server.is_over && server.code == ET_WEBSOCKET_CUT);
    CHECK_HAS(server.why, "sign of life");
    (void)close(fd);
    end();
}

static void who_does_not_answer_the_end_is_cut(void)
{
    begin(NULL, NULL);
    const int fd = upgrade("");
    et_websocket_end(server.ws, ET_WEBSOCKET_NORMAL, "bye");
    run_some(loop);
    peer_put(fd, "\x81\x81\0\0\0\0x", 7); // it may still have been talking
    pass(loop, 4 * S);
    CHECK(!server.is_over && server.n_messages == 0);
    pass(loop, 2 * S);
    CHECK(server.is_over && server.code == ET_WEBSOCKET_NORMAL);
    (void)close(fd);
    end();
}

static void a_connection_that_breaks_is_told(void)
{
    begin(NULL, NULL);
    const int fd = upgrade("");
    (void)close(fd);
    run_some(loop);
    CHECK(server.is_over && server.code == ET_WEBSOCKET_CUT);
    end();
}

#define PICTURE 50000

// Fills the way to a peer that does not read. Returns how many messages were taken.
static int fill(bool is_droppable, enum et_status *st)
{
    static char picture[PICTURE];
    int n = 0;
    *st = ET_OK;
    for (; n < 2000 && *st == ET_OK; n++) {
        memset(picture, n & 0xff, sizeof picture);
        *st = et_websocket_send(server.ws, ET_WEBSOCKET_BINARY, picture, sizeof picture,
                                is_droppable);
        run_some(loop);
        CHECK(et_websocket_counts(server.ws).n_unsent_bytes <= 500000 + 100);
        if (et_websocket_counts(server.ws).n_dropped > 20)
            break;
    }
    return n;
}

static void a_slow_viewer_loses_the_oldest_pictures(void)
{
    enum et_status st;
    begin(NULL, NULL);
    options.send_bytes_max = 500000;
    const int fd = upgrade("");
    CHECK_EQ(et_websocket_send(server.ws, ET_WEBSOCKET_TEXT, "first", 5, false), ET_OK);
    const int n = fill(true, &st);
    CHECK_EQ(st, ET_OK);
    const struct et_websocket_counts counts = et_websocket_counts(server.ws);
    CHECK(counts.n_dropped > 20);
    // What may not be dropped makes its room, and comes though it was sent last.
    CHECK_EQ(et_websocket_send(server.ws, ET_WEBSOCKET_TEXT, "last", 4, false), ET_OK);
    size_t n_got = 0;
    static char got[64 << 20];
    for (int i = 0; i < 3000 && (n_got < 6 || memcmp(got + n_got - 4, "last", 4) != 0); i++) {
        const ssize_t more = recv(fd, got + n_got, sizeof got - n_got, 0);
        n_got += more > 0 ? (size_t)more : 0;
        CHECK_OK(et_loop_run_once(loop, S / 1000, &err));
    }
    // All of it is whole frames, and the newest picture is among them.
    size_t at = 0;
    int n_frames = 0, newest = -1;
    while (at < n_got) {
        const size_t length = (unsigned char)got[at + 1];
        if (length == 127)
            newest = (unsigned char)got[at + 10];
        at += length == 127 ? 10 + PICTURE : length == 126 ? 4 + PICTURE : 2 + length;
        if (length == 126)
            newest = (unsigned char)got[at - 1];
        n_frames++;
    }
    CHECK_EQ(at, n_got);
    CHECK_EQ(newest, (n)&0xff);
    CHECK_EQ(n_frames, n + 1 + 2 - et_websocket_counts(server.ws).n_dropped);
    (void)close(fd);
    end();
}

static void what_may_not_be_dropped_waits_for_room(void)
{
    enum et_status st;
    static char bytes[500001];
    begin(NULL, NULL);
    options.send_bytes_max = 500000;
    const int fd = upgrade("");
    CHECK_EQ(et_websocket_send(server.ws, ET_WEBSOCKET_BINARY, bytes, sizeof bytes, false),
             ET_ELIMIT);
    (void)fill(false, &st);
    CHECK_EQ(st, ET_AGAIN);
    CHECK_EQ(server.n_rooms, 0);
    CHECK_EQ(et_websocket_send(server.ws, ET_WEBSOCKET_BINARY, bytes, PICTURE, true), ET_OK);
    CHECK_EQ(et_websocket_counts(server.ws).n_dropped, 1);
    for (int i = 0; i < 3000 && server.n_rooms == 0; i++) {
        (void)!recv(fd, text.p, sizeof text.p, 0);
        CHECK_OK(et_loop_run_once(loop, S / 1000, &err));
    }
    CHECK_EQ(server.n_rooms, 1);
    CHECK_EQ(et_websocket_send(server.ws, ET_WEBSOCKET_BINARY, bytes, PICTURE, false), ET_OK);
    (void)close(fd);
    end();
}

static void a_flood_of_pings_is_bounded(void)
{
    begin(NULL, NULL);
    options.send_bytes_max = 10000;
    const int fd = upgrade("");
    static const char PING[] = "\x89\x84\0\0\0\0ping";
    for (int i = 0; i < 300000; i++) {
        (void)!send(fd, PING, sizeof PING - 1, MSG_NOSIGNAL);
        if (i % 1000 == 0 && !server.is_over) {
            CHECK_OK(et_loop_run_once(loop, 0, &err));
            CHECK(server.is_over || et_websocket_counts(server.ws).n_unsent_bytes < 200000);
        }
    }
    (void)close(fd);
    end();
}

static void a_pause_holds_messages_back(void)
{
    begin(NULL, NULL);
    dial(NULL, NULL);
    et_websocket_pause(server.ws, true);
    CHECK_EQ(et_websocket_send(client.ws, ET_WEBSOCKET_TEXT, "a", 1, false), ET_OK);
    CHECK_EQ(et_websocket_send(client.ws, ET_WEBSOCKET_TEXT, "b", 1, false), ET_OK);
    run_some(loop);
    CHECK_EQ(server.n_messages, 0);
    et_websocket_pause(server.ws, false);
    run_some(loop);
    CHECK_EQ(server.n_messages, 2);
    end();
}

int main(void)
{
    RUN(messages_come_back_plain_and_by_tls);
    RUN(the_server_ends_it_too);
    RUN(a_raw_client_is_understood_a_byte_at_a_time);
    RUN(frames_behind_the_request_are_not_lost);
    RUN(wrong_frames_end_it_with_their_code);
    RUN(what_is_no_upgrade_is_refused);
    RUN(a_token_lets_a_page_in_by_its_address);
    RUN(the_client_is_told_why_not);
    RUN(answers_that_are_none_do_not_open_it);
    RUN(a_server_that_does_not_answer_is_given_up);
    RUN(pings_measure_and_find_the_dead);
    RUN(who_does_not_answer_the_end_is_cut);
    RUN(a_connection_that_breaks_is_told);
    RUN(a_slow_viewer_loses_the_oldest_pictures);
    RUN(what_may_not_be_dropped_waits_for_room);
    RUN(a_flood_of_pings_is_bounded);
    RUN(a_pause_holds_messages_back);
    return tap_end();
}

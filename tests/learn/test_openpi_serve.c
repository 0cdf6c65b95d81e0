/* A policy's server and its client: what is asked is answered, and neither waits, grows or falls
 * for what a hostile other end sends. */
#include "etude/clock.h"
#include "etude/loop.h"
#include "etude/openpi.h"
#include "etude/websocket.h"
#include "net/net__websocket.h"
#include "support.h"
#include "tap.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEY "0123456789abcdef-key"
#define SECOND INT64_C(1000000000)
#define LONG (20 * SECOND)
#define UPGRADE                                                                          \
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static struct et_err err;

/* ---- a server on a thread, whose policy gives the state back, twice as large ---- */

static struct {
    struct et_loop *loop;
    struct et_openpi_server *server;
    pthread_t thread;
    atomic_bool must_stop;
    atomic_int n_came, n_gone, n_failed; // the last as of the policy's last question
    char url[200];
    int port;
} hall;

static const int64_t SHAPE_2[] = {2}, SHAPE_PICTURE[] = {224, 224, 3};

static enum et_status infer(void *ctx, const struct et_openpi_message *request,
                            struct et_arena *arena, struct et_openpi_message *reply,
                            struct et_err *why)
{
    const struct et_tensor *state = et_openpi_find(request, "state");
    const char *prompt = et_openpi_text(request, "prompt");
    (void)ctx;
    atomic_store(&hall.n_failed, (int)et_openpi_server_counts(hall.server).n_failed);
    if (prompt && strcmp(prompt, "be silent") == 0)
        return ET_EIO;
    if (!state || state->n_values != 2)
        return et_fail(why, ET_EARG, -1, "no state of two values: %.200s", prompt ? prompt : "");
    float *values = et_arena_array(arena, 2, sizeof *values);
    struct et_tensor *actions = et_arena_alloc(arena, sizeof *actions);
    if (!values || !actions || et_tensor_floats(state, values, why) != ET_OK)
        return ET_ENOMEM;
    values[0] *= 2;
    values[1] *= 2;
    *actions = (struct et_tensor){"actions", ET_TENSOR_F32, SHAPE_2, 1, 2, values};
    if (prompt && strcmp(prompt, "much") == 0) // more than the bytes that a message may have
        *actions = (struct et_tensor){"actions", ET_TENSOR_U8, SHAPE_PICTURE,
                                      3,         150528,       et_arena_alloc(arena, 150528)};
    reply->arrays = actions;
    reply->n_arrays = 1;
    return ET_OK;
}

static void on_client(void *ctx, const char *peer, const char *why)
{
    (void)ctx;
    CHECK(strncmp(peer, "127.0.0.1:", 10) == 0);
    atomic_fetch_add(why ? &hall.n_gone : &hall.n_came, 1);
}

static void *work(void *ctx)
{
    (void)ctx;
    while (!atomic_load(&hall.must_stop))
        if (et_loop_run_once(hall.loop, -1, NULL) != ET_OK)
            break;
    return NULL;
}

static void begin(struct et_openpi_server_options options)
{
    static const struct et_openpi_text MODEL = {"model", "twice"};
    static const struct et_openpi_message METADATA = {.texts = &MODEL, .n_texts = 1};
    options.address = "127.0.0.1:0";
    options.metadata = &METADATA;
    options.infer = infer;
    options.on_client = on_client;
    atomic_store(&hall.must_stop, false);
    atomic_store(&hall.n_came, 0);
    atomic_store(&hall.n_gone, 0);
    atomic_store(&hall.n_failed, 0);
    CHECK_OK(et_loop_open(&hall.loop, NULL, &err));
    CHECK_OK(et_openpi_server_open(&hall.server, hall.loop, &options, &err));
    const char *address = et_openpi_server_address(hall.server);
    (void)snprintf(hall.url, sizeof hall.url, "ws://%s/", address);
    hall.port = (int)strtol(strrchr(address, ':') + 1, NULL, 10);
    CHECK_EQ(pthread_create(&hall.thread, NULL, work, NULL), 0);
}

// The server hears of a client's end on its own thread.
static void await_gone(int n)
{
    const int64_t until_ns = et_clock_monotonic_ns() + LONG;
    while (atomic_load(&hall.n_gone) < n && et_clock_monotonic_ns() < until_ns)
        (void)sched_yield();
}

static struct et_openpi_counts end(void)
{
    atomic_store(&hall.must_stop, true);
    et_loop_wake(hall.loop);
    (void)pthread_join(hall.thread, NULL);
    const struct et_openpi_counts counts = et_openpi_server_counts(hall.server);
    et_openpi_server_close(hall.server);
    et_loop_close(hall.loop);
    return counts;
}

static enum et_status dial(struct et_openpi_client **client, const char *key)
{
    const struct et_openpi_client_options options = {
        .url = hall.url, .api_key = key, .open_ns = LONG};
    return et_openpi_client_open(client, &options, &err);
}

static unsigned char picture[150528];
static double state[2] = {1.5, -2};
static struct et_openpi_text prompt = {"prompt", "go"};
static const char *const MAPS[] = {"images"};
static const struct et_tensor ARRAYS[] = {
    {"state", ET_TENSOR_F64, SHAPE_2, 1, 2, state},
    {"images/left", ET_TENSOR_U8, SHAPE_PICTURE, 3, 150528, picture},
    {"images/right", ET_TENSOR_U8, SHAPE_PICTURE, 3, 150528, picture}};
static const struct et_openpi_message REQUEST = {
    .arrays = ARRAYS, .n_arrays = 3, .texts = &prompt, .n_texts = 1, .maps = MAPS, .n_maps = 1};

static void check_actions(const struct et_openpi_message *reply)
{
    const struct et_tensor *actions = et_openpi_find(reply, "actions");
    float values[2] = {0};
    CHECK(actions && actions->type == ET_TENSOR_F32 && actions->n_values == 2);
    if (actions)
        memcpy(values, actions->bytes, sizeof values);
    CHECK(values[0] == 3 && values[1] == -4);
    CHECK(et_openpi_number(reply, "server_timing/infer_ms", -1) >= 0);
}

/* ---- both ends ours ---- */

static void answers_several_clients_what_they_ask(void)
{
    struct et_openpi_client *a, *b;
    struct et_openpi_message reply;
    begin((struct et_openpi_server_options){0});
    CHECK_OK(dial(&a, NULL));
    CHECK_OK(dial(&b, NULL));
    CHECK_STR(et_openpi_text(et_openpi_client_metadata(a), "model"), "twice");
    for (int i = 0; i < 20; i++) {
        CHECK_OK(et_openpi_ask(i % 2 ? a : b, &REQUEST, LONG, &reply, &err));
        check_actions(&reply);
        CHECK((et_openpi_number(&reply, "server_timing/prev_total_ms", -1) >= 0) == (i > 1));
    }
    CHECK_STR(et_openpi_text(et_openpi_client_metadata(b), "model"), "twice");
    CHECK_OK(et_openpi_client_poll(a, &err));
    // In two steps.
    CHECK_EQ(et_openpi_receive(a, 0, &reply, &err), ET_EARG);
    CHECK_OK(et_openpi_send(a, &REQUEST, &err));
    CHECK_EQ(et_openpi_send(a, &REQUEST, &err), ET_EARG);
    enum et_status st;
    while ((st = et_openpi_receive(a, 1000000, &reply, &err)) == ET_AGAIN)
        ;
    CHECK_EQ(st, ET_OK);
    check_actions(&reply);
    et_openpi_client_close(a);
    et_openpi_client_close(b);
    await_gone(2);
    const struct et_openpi_counts counts = end();
    CHECK_EQ(counts.n_requests, 21);
    CHECK_EQ(counts.n_failed, 0);
    CHECK_EQ(counts.n_clients, 0);
    CHECK(counts.infer_ns_max >= counts.infer_ns && counts.infer_ns >= 0);
    CHECK(atomic_load(&hall.n_came) == 2 && atomic_load(&hall.n_gone) == 2);
}

static void fails_with_the_policys_words_and_ends(void)
{
    static const struct {
        const char *prompt, *words;
    } CASES[] = {{"x\xc3\xa4x", "no state of two values: x\xc3\xa4x"},
                 {"be silent", "input/output failure"},
                 {"much", "the answer"}};
    begin((struct et_openpi_server_options){.message_bytes_max = 100000});
    for (size_t i = 0; i < 3; i++) {
        const struct et_openpi_text text = {"prompt", CASES[i].prompt};
        const struct et_openpi_message m = {
            .texts = &text, .n_texts = 1, .arrays = ARRAYS, .n_arrays = i == 2};
        struct et_openpi_message reply;
        struct et_openpi_client *c;
        CHECK_OK(dial(&c, NULL));
        CHECK_EQ(et_openpi_ask(c, &m, LONG, &reply, &err), ET_EIO);
        CHECK_HAS(err.text, "the server failed: ");
        CHECK_HAS(err.text, CASES[i].words);
        CHECK_HAS(et_openpi_client_words(c), CASES[i].words);
        CHECK_EQ(et_openpi_ask(c, &m, LONG, &reply, &err), ET_ECANCELLED);
        CHECK_EQ(et_openpi_client_poll(c, &err), ET_EIO);
        et_openpi_client_close(c);
    }
    // A request beyond the server's limit.
    struct et_openpi_client *c;
    struct et_openpi_message reply;
    CHECK_OK(dial(&c, NULL));
    CHECK_EQ(et_openpi_ask(c, &REQUEST, LONG, &reply, &err), ET_ELIMIT);
    et_openpi_client_close(c);
    CHECK_EQ(end().n_failed, 3);
}

static void asks_for_the_key_and_bounds_clients(void)
{
    struct et_openpi_client *a, *b;
    begin((struct et_openpi_server_options){.api_key = KEY, .clients_max = 1});
    CHECK_EQ(dial(&a, NULL), ET_EIO);
    CHECK_HAS(err.text, "401");
    CHECK_EQ(dial(&a, "0123456789abcdef-kez"), ET_EIO);
    CHECK_EQ(dial(&a, KEY "x"), ET_EIO);
    CHECK_OK(dial(&a, KEY));
    CHECK_EQ(dial(&b, KEY), ET_EIO);
    CHECK_HAS(err.text, "503");
    et_openpi_client_close(a);
    CHECK_EQ(end().n_refused, 1);
    const struct et_openpi_client_options away = {.url = "ws://192.0.2.1:8000", .api_key = KEY};
    CHECK_EQ(et_openpi_client_open(&a, &away, &err), ET_EARG); // anybody could read the key
}

static void refuses_options_that_cannot_be(void)
{
    struct et_loop *loop;
    struct et_openpi_server *s;
    struct et_openpi_server_options o = {.address = "127.0.0.1:0"};
    static const struct et_openpi_text TWICE[] = {{"a", "b"}, {"a", "c"}};
    static const struct et_openpi_message BAD = {.texts = TWICE, .n_texts = 2};
    CHECK_OK(et_loop_open(&loop, NULL, &err));
    CHECK_EQ(et_openpi_server_open(&s, loop, &o, &err), ET_EARG);
    o.infer = infer;
    o.api_key = "short";
    CHECK_EQ(et_openpi_server_open(&s, loop, &o, &err), ET_EARG);
    o.api_key = NULL;
    o.address = "0.0.0.0:0"; // without TLS and a key
    CHECK_EQ(et_openpi_server_open(&s, loop, &o, &err), ET_EARG);
    o.address = "127.0.0.1:0";
    o.metadata = &BAD;
    CHECK_EQ(et_openpi_server_open(&s, loop, &o, &err), ET_EARG);
    CHECK_HAS(err.text, "the metadata");
    CHECK(!s);
    et_loop_close(loop);
}

/* ---- hostile clients ---- */

static int plug(void)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)hall.port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {.tv_sec = 20};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    CHECK(connect(fd, (const struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

// All that the server says until it closes; at most 10,000 bytes.
static size_t hear(int fd, char text[10001])
{
    size_t n = 0;
    for (ssize_t got = 1; got > 0 && n < 10000; n += (size_t)(got > 0 ? got : 0))
        got = recv(fd, text + n, 10000 - n, 0);
    text[n] = 0;
    return n;
}

static const char *find(const char *text, size_t n, const char *words)
{
    return memmem(text, n, words, strlen(words));
}

// Sends that and nothing more, and says what the server says to it.
static void attack(const char *p, size_t n, const char *words)
{
    static char text[10001];
    const int fd = plug();
    CHECK(send(fd, p, n, MSG_NOSIGNAL) == (ssize_t)n);
    CHECK(shutdown(fd, SHUT_WR) == 0);
    const size_t got = hear(fd, text);
    if (!CHECK(find(text, got, words)))
        printf("#   no \"%s\" in %zu bytes\n", words, got);
    (void)close(fd);
}
#define ATTACK(literal, words) attack(literal, sizeof(literal) - 1, words)
#define MASK "\0\0\0\0"

static void survives_clients_that_send_anything(void)
{
    struct et_openpi_client *c;
    struct et_openpi_message reply;
    begin((struct et_openpi_server_options){.message_bytes_max = 1 << 20});
    CHECK_OK(dial(&c, NULL));
    ATTACK("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\nOK\n");
    ATTACK("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", " 400 ");
    ATTACK("nonsense\r\n\r\n", " 400 ");
    ATTACK(UPGRADE "Origin: http://elsewhere.example\r\n\r\n", " 403 ");
    ATTACK(UPGRADE "\r\n\x82\x84" MASK "\xc1\xc1\xc1\xc1", "the request: the byte 0xc1 at 0");
    ATTACK(UPGRADE "\r\n\x81\x82" MASK "hi", "a request is a binary message");
    ATTACK(UPGRADE "\r\n\x82\x81" MASK "\x80", "no state of two values");
    ATTACK(UPGRADE "\r\n\x82\x80" MASK, "the request");
    ATTACK(UPGRADE "\r\n\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" MASK, "\x03\xf1"); // 1009
    ATTACK(UPGRADE "\r\n\x82\xff\0\0\0\0\0\x20\0\0" MASK, "\x03\xf1");
    ATTACK(UPGRADE "\r\n\x82\x05hello", "\x03\xea");     // 1002: not masked
    ATTACK(UPGRADE "\r\n\x82\x85" MASK "\x85", "twice"); // cut: only the metadata comes
    ATTACK(UPGRADE "\r\n\x82\x86" MASK "\xdf\xff\xff\xff\xff\x01", "a map of 4294967295");
    CHECK_OK(et_openpi_ask(c, &(struct et_openpi_message){.arrays = ARRAYS, .n_arrays = 1}, LONG,
                           &reply, &err));
    check_actions(&reply); // nobody else noticed
    et_openpi_client_close(c);
    end();
}

static void gives_its_health_without_the_key(void)
{
    begin((struct et_openpi_server_options){.api_key = KEY});
    ATTACK("GET /healthz HTTP/1.1\r\nHost: anything\r\n\r\n", "\r\n\r\nOK\n");
    ATTACK("POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", " 401 ");
    ATTACK("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "WWW-Authenticate: Api-Key\r\n");
    ATTACK(UPGRADE "Authorization: Bearer " KEY "\r\n\r\n", " 401 ");
    ATTACK(UPGRADE "Authorization: Api-Key\r\n\r\n", " 401 ");
    ATTACK(UPGRADE "Authorization: Api-Key " KEY "\r\n\r\n", " 101 ");
    end();
}

// Answers of 150 kB, none of which is taken away: the system holds some, the server one.
static void bounds_what_waits_for_who_reads_nothing(void)
{
    static const struct et_openpi_text MUCH = {"prompt", "much"};
    const struct et_openpi_message m = {
        .arrays = ARRAYS, .n_arrays = 1, .texts = &MUCH, .n_texts = 1};
    struct et_buf request = et_buf(1000), frames = et_buf(1 << 20);
    struct et_openpi_client *c;
    CHECK_OK(et_openpi_write(&m, &request, &err));
    CHECK(request.n < 126);
    for (int i = 0; i < 1000; i++) {
        const unsigned char head[6] = {0x82, (unsigned char)(0x80 | request.n)};
        et_buf_put(&frames, head, sizeof head);
        et_buf_put(&frames, request.p, request.n);
    }
    begin((struct et_openpi_server_options){.message_bytes_max = 200000});
    CHECK_OK(dial(&c, NULL));
    const int fd = plug();
    CHECK(send(fd, UPGRADE "\r\n", strlen(UPGRADE "\r\n"), MSG_NOSIGNAL) > 0);
    size_t at = 0;
    for (ssize_t got = 1; got > 0 && at < frames.n; at += (size_t)(got > 0 ? got : 0))
        got = send(fd, frames.p + at, frames.n - at, MSG_NOSIGNAL);
    const struct et_openpi_message other = {.arrays = ARRAYS, .n_arrays = 1};
    struct et_openpi_message reply;
    for (int i = 0; i < 100000 && atomic_load(&hall.n_failed) == 0; i++)
        CHECK_OK(et_openpi_ask(c, &other, LONG, &reply, &err)); // who is not made to wait
    (void)close(fd);
    et_openpi_client_close(c);
    await_gone(2);
    const struct et_openpi_counts counts = end();
    CHECK(counts.n_failed == 1);
    et_buf_free(&request);
    et_buf_free(&frames);
}

static void says_good_bye(void)
{
    struct et_openpi_client *c;
    struct et_openpi_message reply;
    begin((struct et_openpi_server_options){0});
    CHECK_OK(dial(&c, NULL));
    atomic_store(&hall.must_stop, true);
    et_loop_wake(hall.loop);
    (void)pthread_join(hall.thread, NULL);
    et_openpi_server_end(hall.server);
    for (int i = 0; i < 1000 && et_openpi_server_counts(hall.server).n_clients; i++) {
        (void)!et_loop_run_once(hall.loop, 1000000, &err);
        (void)!et_openpi_client_poll(c, &err);
    }
    CHECK_EQ(et_openpi_server_counts(hall.server).n_clients, 0);
    CHECK_EQ(et_openpi_ask(c, &REQUEST, LONG, &reply, &err), ET_ECANCELLED);
    CHECK_HAS(err.text, "the server ends");
    et_openpi_client_close(c);
    et_openpi_server_close(hall.server);
    et_loop_close(hall.loop);
}

/* ---- hostile servers ---- */

struct script {
    int listener;
    const char *first, *then; // frames: at once, and behind a question; NULL: the end
    size_t n_first, n_then;
    bool is_raw, waits; // no WebSocket; says nothing more and stays
};

static void *play(void *ctx)
{
    const struct script *s = ctx;
    char text[8192], accept[ET__WS_ACCEPT_CHARS + 1], head[300];
    size_t n = 0;
    const int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    while (n < sizeof text - 1 && !memmem(text, n, "\r\n\r\n", 4)) {
        const ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    text[n] = 0;
    const char *key = strstr(text, "Sec-WebSocket-Key: ");
    if (!s->is_raw && key && et__ws_accept_of((struct et_str){key + 19, 24}, accept)) {
        const int k = snprintf(head, sizeof head,
                               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                               accept);
        (void)!send(fd, head, (size_t)k, MSG_NOSIGNAL);
    }
    if (s->first)
        (void)!send(fd, s->first, s->n_first, MSG_NOSIGNAL);
    if (s->then && recv(fd, text, 1, 0) == 1)
        (void)!send(fd, s->then, s->n_then, MSG_NOSIGNAL);
    while (s->waits && recv(fd, text, sizeof text, 0) > 0)
        ;
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, text, sizeof text, 0) > 0) // so that nothing is reset
        ;
    (void)close(fd);
    return NULL;
}

// How opening ends against such a server, or, where that goes well, asking.
static enum et_status face(struct script s, int64_t patience_ns)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n_at = sizeof at;
    pthread_t thread;
    struct et_openpi_client *c;
    struct et_openpi_message reply;
    char url[100];
    s.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(s.listener, (const struct sockaddr *)&at, sizeof at) == 0);
    CHECK(listen(s.listener, 1) == 0);
    CHECK(getsockname(s.listener, (struct sockaddr *)&at, &n_at) == 0);
    CHECK_EQ(pthread_create(&thread, NULL, play, &s), 0);
    (void)snprintf(url, sizeof url, "ws://127.0.0.1:%d", ntohs(at.sin_port));
    const struct et_openpi_client_options options = {
        .url = url, .open_ns = patience_ns, .message_bytes_max = 1 << 20};
    err = (struct et_err){0};
    enum et_status st = et_openpi_client_open(&c, &options, &err);
    if (st == ET_OK)
        st = et_openpi_ask(c, &REQUEST, patience_ns, &reply, &err);
    CHECK(st == ET_OK || err.text[0]);
    et_openpi_client_close(c);
    (void)pthread_join(thread, NULL);
    (void)close(s.listener);
    return st;
}
#define FRAMES(literal) .first = literal, .n_first = sizeof(literal) - 1
#define THEN(literal) .then = literal, .n_then = sizeof(literal) - 1

static void survives_servers_that_send_anything(void)
{
    CHECK_EQ(face((struct script){.is_raw = true, FRAMES("220 mail.example\r\n\r\n")}, LONG),
             ET_EIO);
    CHECK_EQ(face((struct script){.is_raw = true, FRAMES("HTTP/1.1 404 No\r\n\r\n")}, LONG),
             ET_EIO);
    CHECK_HAS(err.text, "404");
    CHECK_EQ(face((struct script){.is_raw = true}, LONG), ET_EIO);
    CHECK_EQ(face((struct script){.waits = true}, SECOND / 20), ET_ECANCELLED);
    CHECK_HAS(err.text, "no policy has answered");
    CHECK_EQ(face((struct script){FRAMES("\x82\x03\xc1\xc1\xc1")}, LONG), ET_ECORRUPT);
    CHECK_HAS(err.text, "what the server sent: ");
    CHECK_EQ(face((struct script){FRAMES("\x81\x05hello")}, LONG), ET_EIO);
    CHECK_HAS(err.text, "the server failed: hello");
    CHECK_EQ(face((struct script){FRAMES("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff")}, LONG),
             ET_ELIMIT);
    CHECK_EQ(face((struct script){FRAMES("\xf2\x01\x80")}, LONG), ET_ECORRUPT);
    CHECK_EQ(face((struct script){FRAMES("\x82\x10\x80")}, LONG), ET_EIO);
    CHECK_EQ(face((struct script){FRAMES("\x82\x01\x80\x82\x01\x80")}, LONG), ET_ECORRUPT);
    CHECK_EQ(face((struct script){FRAMES("\x82\x01\x80"), THEN("\x82\x01\xc1")}, LONG),
             ET_ECORRUPT);
    CHECK_EQ(face((struct script){FRAMES("\x82\x01\x80"),
                                  THEN("\x81\x1dTraceback\n  line\nKeyError: x\n\n\n")},
                  LONG),
             ET_EIO);
    CHECK_HAS(err.text, "the server failed: KeyError: x");
    CHECK_EQ(face((struct script){FRAMES("\x82\x01\x80"), THEN("\x88\x02\x03\xf3")}, LONG), ET_EIO);
    CHECK_EQ(face((struct script){FRAMES("\x82\x01\x80"), .waits = true}, SECOND / 20),
             ET_ECANCELLED);
    CHECK_HAS(err.text, "did not answer within 0.050 s");
    // An answer with the end right behind it is one.
    CHECK_EQ(
        face((struct script){FRAMES("\x82\x01\x80"), THEN("\x82\x01\x80\x88\x02\x03\xe8")}, LONG),
        ET_OK);
}

static void says_that_nobody_is_there(void)
{
    struct et_openpi_client *c;
    begin((struct et_openpi_server_options){0});
    end();
    CHECK_EQ(dial(&c, NULL), ET_EIO);
    CHECK_HAS(err.text, hall.url);
    CHECK(!c);
    const struct et_openpi_client_options none = {.url = "nothing"}, tls = {.url = "wss://x:1"};
    CHECK_EQ(et_openpi_client_open(&c, &none, &err), ET_EARG);
    CHECK_EQ(et_openpi_client_open(&c, &tls, &err), ET_EARG);
    et_openpi_client_close(NULL);
    et_openpi_server_close(NULL);
}

static void speaks_over_tls(void)
{
    static const char *const NAMES[] = {"localhost", "127.0.0.1"};
    char cert[400], key[400], pin[ET_TLS_FINGERPRINT_BYTES];
    struct et_tls *theirs, *ours;
    struct et_openpi_client *c;
    struct et_openpi_message reply;
    const char *folder = temp_path("tls");
    (void)snprintf(cert, sizeof cert, "%s/" ET_TLS_CERT, folder);
    (void)snprintf(key, sizeof key, "%s/" ET_TLS_KEY, folder);
    CHECK_OK(et_tls_make(folder, NAMES, 2, &err));
    CHECK_OK(et_tls_open_server(&theirs, cert, key, &err));
    CHECK_OK(et_tls_fingerprint(cert, pin, &err));
    CHECK_OK(et_tls_open_client(&ours, &(struct et_tls_client_options){.pin = pin}, &err));
    begin((struct et_openpi_server_options){.tls = theirs, .api_key = KEY});
    char url[300];
    (void)snprintf(url, sizeof url, "wss://127.0.0.1:%d", hall.port);
    const struct et_openpi_client_options o = {
        .url = url, .tls = ours, .api_key = KEY, .open_ns = LONG};
    CHECK_OK(et_openpi_client_open(&c, &o, &err));
    CHECK_OK(et_openpi_ask(c, &REQUEST, LONG, &reply, &err));
    check_actions(&reply);
    et_openpi_client_close(c);
    end();
    et_tls_close(theirs);
    et_tls_close(ours);
}

int main(void)
{
    RUN(answers_several_clients_what_they_ask);
    RUN(fails_with_the_policys_words_and_ends);
    RUN(asks_for_the_key_and_bounds_clients);
    RUN(refuses_options_that_cannot_be);
    RUN(survives_clients_that_send_anything);
    RUN(gives_its_health_without_the_key);
    RUN(bounds_what_waits_for_who_reads_nothing);
    RUN(says_good_bye);
    RUN(survives_servers_that_send_anything);
    RUN(says_that_nobody_is_there);
    RUN(speaks_over_tls);
    return tap_end();
}

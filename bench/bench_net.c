/* WebSocket messages: 100 connections that each send 500 messages a second of 300 bytes, as a hall
 * of robots does, plain and over TLS. What counts is the processor time of the server a message:
 * taken in alone, and sent back. The clients run in a thread of their own, beside it.
 *
 * Yardstick: a copy of the bytes of a message through a socket pair, which no server can do
 * without (one write, one read). */
#include "bench.h"

#include "etude/file.h"
#include "etude/websocket.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_CLIENTS 100
#define RATE_HZ 500
#define MESSAGE_BYTES 300
#define SECONDS 2
#define TICK_NS (ET_NS_PER_S / RATE_HZ)

static struct et_err err;

static void check(enum et_status st)
{
    if (st == ET_OK)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

// --- the server

struct hall {
    struct et_loop *loop;
    struct et_http_server *http;
    struct et_websocket *robots[N_CLIENTS];
    size_t n_robots;
    int64_t n_messages;
    bool echoes;
};

static void on_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    struct hall *hall = ctx;
    hall->n_messages++;
    if (hall->echoes)
        (void)!et_websocket_send(ws, kind, p, n, true);
}

static const struct et_websocket_handlers TAKES = {.on_message = on_message};

static void live(void *ctx, struct et_http_exchange *x)
{
    struct hall *hall = ctx;
    const struct et_websocket_options options = {.handlers = &TAKES, .ctx = hall};
    check(et_websocket_accept(&hall->robots[hall->n_robots++], x, &options, &err));
}

// --- the robots, in a thread with a loop of their own

struct robots {
    const char *address;
    struct et_tls *tls;
    struct et_loop *loop;
    struct et_websocket *ws[N_CLIENTS];
    struct et_timer tick;
    int64_t next_ns, until_ns;
    int n_open, i_next;
    atomic_bool is_done;
};

static void on_open(void *ctx, struct et_websocket *ws, const char *protocol)
{
    (void)ws;
    (void)protocol;
    ((struct robots *)ctx)->n_open++;
}

static void ignore(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                   size_t n)
{
    (void)ctx;
    (void)ws;
    (void)kind;
    (void)p;
    (void)n;
}

static void on_close(void *ctx, struct et_websocket *ws, int code, const char *why)
{
    (void)ctx;
    (void)ws;
    fprintf(stderr, "a connection ended: %d %s\n", code, why);
    exit(1);
}

static const struct et_websocket_handlers SENDS = {
    .on_open = on_open, .on_message = ignore, .on_close = on_close};

// They are spread over the tick, so that on a quiet machine each message is a read of its own.
static void send_one(struct robots *r)
{
    static const char MESSAGE[MESSAGE_BYTES];
    (void)!et_websocket_send(r->ws[r->i_next], ET_WEBSOCKET_BINARY, MESSAGE, sizeof MESSAGE, true);
    r->i_next = (r->i_next + 1) % N_CLIENTS;
}

static void *send_all(void *ctx)
{
    struct robots *r = ctx;
    char url[200];
    struct et_err why;
    if (et_loop_open(&r->loop, NULL, &why) != ET_OK)
        return NULL;
    (void)snprintf(url, sizeof url, "ws%s://%s/", r->tls ? "s" : "", r->address);
    const struct et_websocket_to to = {.url = url, .tls = r->tls};
    const struct et_websocket_options options = {.handlers = &SENDS, .ctx = r};
    for (int i = 0; i < N_CLIENTS; i++)
        if (et_websocket_open(&r->ws[i], r->loop, &to, &options, &why) != ET_OK)
            exit(1);
    while (r->n_open < N_CLIENTS)
        (void)!et_loop_run_once(r->loop, -1, &why);
    const int64_t begin_ns = et_clock_monotonic_ns();
    for (int64_t i = 0; i < (int64_t)N_CLIENTS * RATE_HZ * SECONDS; i++) {
        send_one(r);
        (void)!et_loop_run_once(r->loop, 0, &why);
        et_clock_wait_until(begin_ns + (i + 1) * TICK_NS / N_CLIENTS);
    }
    (void)!et_loop_run_once(r->loop, ET_NS_PER_S / 20, &why);
    atomic_store(&r->is_done, true);
    return NULL;
}

static void stop(struct robots *r)
{
    for (int i = 0; i < N_CLIENTS; i++)
        et_websocket_close(r->ws[i]);
    et_loop_close(r->loop);
}

static double memory_mb(void)
{
    long pages[2] = {0, 0};
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &pages[0], &pages[1]) != 2)
        pages[1] = 0;
    if (f)
        (void)fclose(f);
    return (double)pages[1] * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

// Microseconds of the server a message.
static double measure(struct et_tls *tls, struct et_tls *trust, bool echoes, double *mb)
{
    struct hall hall = {.echoes = echoes};
    const struct et_http_route route = {
        .path = "/", .methods = "GET", .handle = live, .ctx = &hall};
    const struct et_http_options options = {
        .listen = {.address = "127.0.0.1:0", .tls = tls, .per_peer_max = N_CLIENTS},
        .routes = &route,
        .n_routes = 1};
    pthread_t thread;
    const double before_mb = memory_mb();
    check(et_loop_open(&hall.loop, NULL, &err));
    check(et_http_open(&hall.http, hall.loop, &options, &err));
    struct robots robots = {.address = et_http_address(hall.http), .tls = tls ? trust : NULL};
    if (pthread_create(&thread, NULL, send_all, &robots) != 0)
        exit(1);
    while (hall.n_messages < N_CLIENTS) // all are open, and warm
        check(et_loop_run_once(hall.loop, -1, &err));
    *mb = memory_mb() - before_mb;
    const int64_t begin_ns = et_clock_thread_cpu_ns(), n_begin = hall.n_messages;
    while (!atomic_load(&robots.is_done))
        check(et_loop_run_once(hall.loop, ET_NS_PER_S / 100, &err));
    const double us = (double)(et_clock_thread_cpu_ns() - begin_ns) / 1e3;
    const double n = (double)(hall.n_messages - n_begin);
    (void)pthread_join(thread, NULL);
    stop(&robots);
    for (size_t i = 0; i < hall.n_robots; i++)
        et_websocket_close(hall.robots[i]);
    et_http_close(hall.http);
    et_loop_close(hall.loop);
    return us / n;
}

static double copy_us(void)
{
    int fds[2];
    char bytes[MESSAGE_BYTES] = {0};
    enum { N = 100000 };
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        exit(1);
    const int64_t begin_ns = et_clock_thread_cpu_ns();
    for (int i = 0; i < N; i++)
        if (write(fds[0], bytes, sizeof bytes) != sizeof bytes ||
            read(fds[1], bytes, sizeof bytes) != sizeof bytes)
            exit(1);
    const int64_t took_ns = et_clock_thread_cpu_ns() - begin_ns;
    (void)close(fds[0]);
    (void)close(fds[1]);
    return (double)took_ns / 1e3 / N;
}

int main(int argc, char **argv)
{
    static const char *const NAMES[] = {"127.0.0.1"};
    static const struct {
        const char *measure;
        bool is_tls, echoes;
    } ROWS[] = {{"a message taken in, plain", false, false},
                {"a message taken in, TLS", true, false},
                {"a message sent back, plain", false, true},
                {"a message sent back, TLS", true, true}};
    char folder[200], cert[256], key[256];
    char pin[ET_TLS_FINGERPRINT_BYTES];
    struct et_tls *tls, *trust;
    bench_folder(folder, sizeof folder);
    (void)snprintf(cert, sizeof cert, "%s/" ET_TLS_CERT, folder);
    (void)snprintf(key, sizeof key, "%s/" ET_TLS_KEY, folder);
    check(et_tls_make(folder, NAMES, 1, &err));
    check(et_tls_fingerprint(cert, pin, &err));
    const struct et_tls_client_options pinned = {.pin = pin};
    check(et_tls_open_server(&tls, cert, key, &err));
    check(et_tls_open_client(&trust, &pinned, &err));
    struct bench b = bench_open(argc > 1 ? argv[1] : NULL);
    double us[BENCH_RUNS], copies[BENCH_RUNS], mb = 0;
    for (size_t row = 0; row < sizeof ROWS / sizeof *ROWS; row++) {
        for (int i = 0; i < BENCH_RUNS; i++) {
            copies[i] = copy_us();
            double more_mb;
            us[i] = measure(ROWS[row].is_tls ? tls : NULL, trust, ROWS[row].echoes, &more_mb);
            mb += more_mb; // what one run has taken the next ones use again
        }
        bench_row(&b, ROWS[row].measure, bench_median(us, BENCH_RUNS), "us",
                  "through a socket pair", bench_median(copies, BENCH_RUNS), NULL);
    }
    bench_row(&b, "memory of 100 connections and their peers", mb, "MB", NULL, 0, NULL);
    bench_close(&b);
    et_tls_close(tls);
    et_tls_close(trust);
    check(et_path_remove(folder, &err));
    return 0;
}

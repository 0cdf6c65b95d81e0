// Each call into the system fails once: what is under way is told of, and nothing is left behind.
#include "fault.h"
#include "net_peer.h"
#include "support.h"
#include "tap.h"

#include "etude/file.h"
#include "etude/http_client.h"
#include "etude/websocket.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS_MAX 2000
#define ROUND_NS (S / 10) // so that every time limit passes within them
#define FILE_BYTES 200000

static struct et_err err;

struct side {
    struct et_websocket *ws;
    bool is_open, is_over, has_message;
};

static const char *folder; // of files
static struct side server, client;
static bool is_fetched;
static int code;
static size_t n_body;

static void on_open(void *ctx, struct et_websocket *ws, const char *protocol)
{
    struct side *side = ctx;
    (void)protocol;
    side->is_open = true;
    if (et_websocket_send(ws, ET_WEBSOCKET_TEXT, "hello", 5, false) != ET_OK)
        et_websocket_end(ws, ET_WEBSOCKET_INTERNAL, "");
}

static void on_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    struct side *side = ctx;
    side->has_message = true;
    if (side == &client || et_websocket_send(ws, kind, p, n, true) != ET_OK)
        et_websocket_end(ws, ET_WEBSOCKET_NORMAL, "");
}

static void on_close(void *ctx, struct et_websocket *ws, int why_code, const char *why)
{
    struct side *side = ctx;
    (void)ws;
    (void)why_code;
    (void)why;
    side->is_over = true;
}

static const struct et_websocket_handlers HANDLERS = {
    .on_open = on_open, .on_message = on_message, .on_close = on_close};

static void live(void *ctx, struct et_http_exchange *x)
{
    const struct et_websocket_options options = {.handlers = &HANDLERS, .ctx = &server};
    (void)ctx;
    server.is_open = et_websocket_accept(&server.ws, x, &options, NULL) == ET_OK;
}

static void on_done(void *ctx, const struct et_http_response *response, const struct et_err *why)
{
    (void)ctx;
    CHECK(response || why->text[0]);
    is_fetched = true;
    code = response ? response->code : 0;
    n_body = response ? response->body.n : 0;
}

static bool is_all_over(void)
{
    return is_fetched && client.is_over && (!server.is_open || server.is_over);
}

static void go_round(struct et_loop *loop)
{
    for (int i = 0; i < ROUNDS_MAX && !is_all_over(); i++) {
        (void)!et_loop_run_once(loop, 0, NULL);
        clock_ns += ROUND_NS;
    }
    CHECK(is_all_over());
}

static bool begin(struct et_loop *loop, struct et_http_server *http, struct et_tls *tls)
{
    char url[200];
    const char *s = tls ? "s" : "", *at = et_http_address(http);
    struct et_fetch *fetch;
    const struct et_websocket_options options = {.handlers = &HANDLERS, .ctx = &client};
    (void)snprintf(url, sizeof url, "ws%s://%s/live", s, at);
    const struct et_websocket_to to = {.url = url, .tls = tls};
    client.is_over = et_websocket_open(&client.ws, loop, &to, &options, &err) != ET_OK;
    (void)snprintf(url, sizeof url, "http%s://%s/file", s, at);
    const struct et_fetch_options get = {.url = url, .tls = tls, .on_done = on_done};
    is_fetched = et_fetch_open(&fetch, loop, &get, &err) != ET_OK;
    return !client.is_over && !is_fetched;
}

// A server, a WebSocket and a request, from their beginning to their end.
static bool runs(struct et_tls *tls, struct et_tls *trust)
{
    static struct et_http_route routes[2];
    struct et_loop *loop;
    struct et_http_server *http;
    bool is_good = false;
    server = client = (struct side){0};
    is_fetched = false;
    code = 0;
    routes[0] = (struct et_http_route){.path = "/live", .methods = "GET", .handle = live};
    routes[1] = (struct et_http_route){.path = "/", .folder = folder};
    const struct et_http_options options = {
        .listen = {.address = "127.0.0.1:0", .tls = tls}, .routes = routes, .n_routes = 2};
    if (et_loop_open(&loop, &TEST_CLOCK, &err) != ET_OK)
        return false;
    if (et_http_open(&http, loop, &options, &err) == ET_OK) {
        is_good = begin(loop, http, trust);
        go_round(loop);
        is_good = is_good && client.has_message && server.has_message && code == 200 &&
                  n_body == FILE_BYTES;
        et_http_close(http);
    }
    et_loop_close(loop);
    return is_good;
}

static int n_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        n++;
    if (dir)
        (void)closedir(dir);
    return n;
}

static void whatever_fails(struct et_tls *tls, struct et_tls *trust)
{
    const int n_open = n_descriptors();
    FOR_EACH_FAULT(at)
    {
        fault_arm(at);
        const bool is_good = runs(tls, trust);
        fault_disarm();
        CHECK(is_good || fault_seen);
        if (!CHECK(n_descriptors() == n_open))
            break;
    }
    CHECK(fault_count > 30);
}

static void make_file(void)
{
    static char bytes[FILE_BYTES];
    folder = temp_path("www");
    CHECK_OK(et_dir_make(folder, &err));
    write_file(temp_path("www/file"), bytes, sizeof bytes);
}

static void whatever_fails_is_told_and_cleaned_up(void)
{
    make_file();
    whatever_fails(NULL, NULL);
}

static void whatever_fails_is_told_over_tls_too(void)
{
    struct et_tls *tls, *trust;
    const struct et_tls_client_options pinned = {.pin = tls_pin()};
    CHECK_OK(et_tls_open_server(&tls, tls_cert(), tls_key(), &err));
    CHECK_OK(et_tls_open_client(&trust, &pinned, &err));
    whatever_fails(tls, trust);
    et_tls_close(tls);
    et_tls_close(trust);
}

static void a_certificate_is_whole_or_not_there(void)
{
    static const char *const NAMES[] = {"localhost"};
    char text[ET_TLS_FINGERPRINT_BYTES];
    const char *made = temp_path("made"), *cert = temp_path("made/" ET_TLS_CERT),
               *key = temp_path("made/" ET_TLS_KEY);
    FOR_EACH_FAULT(at)
    {
        CHECK_OK(et_path_remove(made, &err));
        fault_arm(at);
        const enum et_status st = et_tls_make(made, NAMES, 1, &err);
        fault_disarm();
        CHECK(st == ET_OK || (fault_seen && (st == ET_EIO || st == ET_ENOMEM)));
        CHECK_EQ(file_exists(cert), st == ET_OK);
        struct et_tls *tls;
        if (st == ET_OK) {
            CHECK_OK(et_tls_fingerprint(cert, text, &err));
            CHECK_OK(et_tls_open_server(&tls, cert, key, &err));
            et_tls_close(tls);
        }
    }
    FOR_EACH_FAULT(at)
    {
        struct et_tls *tls;
        fault_arm(at);
        const enum et_status st = et_tls_open_server(&tls, cert, key, &err);
        fault_disarm();
        CHECK_EQ(st, fault_seen ? ET_ENOMEM : ET_OK);
        et_tls_close(tls);
    }
}

int main(void)
{
    RUN(whatever_fails_is_told_and_cleaned_up);
    RUN(whatever_fails_is_told_over_tls_too);
    RUN(a_certificate_is_whole_or_not_there);
    return tap_end();
}

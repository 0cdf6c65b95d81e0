/* The other end for net.mjs:
 *
 *     net_peer_program serve FOLDER TLS   files of the folder at /, POST /echo, WebSockets that
 * echo at /live, plain and over TLS (a certificate is made in the folder TLS); prints both
 * addresses, ends with its input net_peer_program call URL           sends a text and bytes to a
 * WebSocket that echoes, prints "same 4001" when both came back and the end was agreed on
 */
#include "etude/str.h"
#include "etude/websocket.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BODY_BYTES ((size_t)8 << 20)
#define N_BYTES 1000000

static struct et_err err;
static struct et_loop *loop;
static bool is_over;

static void check(enum et_status st)
{
    if (st == ET_OK)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static void send_back(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                      size_t n)
{
    (void)ctx;
    (void)!et_websocket_send(ws, kind, p, n, false);
}

static void live(void *ctx, struct et_http_exchange *x)
{
    static const struct et_websocket_handlers ECHOES = {.on_message = send_back};
    const struct et_websocket_options options = {.handlers = &ECHOES, .protocols = "echo"};
    struct et_websocket *ws;
    (void)ctx;
    (void)!et_websocket_accept(&ws, x, &options, &err);
}

static void echo(void *ctx, struct et_http_exchange *x)
{
    const struct et_str body = et_http_request(x)->body;
    (void)ctx;
    et_http_reply(x, 200, "application/octet-stream", body.p, body.n);
}

static void on_input(void *ctx, unsigned events)
{
    char c;
    (void)ctx;
    (void)events;
    is_over = read(STDIN_FILENO, &c, 1) <= 0;
}

static int serve(const char *folder, const char *tls_folder)
{
    static const char *const NAMES[] = {"localhost", "127.0.0.1"};
    const struct et_http_route routes[] = {{.path = "/live", .methods = "GET", .handle = live},
                                           {.path = "/echo", .methods = "POST", .handle = echo},
                                           {.path = "/", .folder = folder}};
    struct et_http_options options = {.listen = {.address = "127.0.0.1:0"},
                                      .routes = routes,
                                      .n_routes = 3,
                                      .body_bytes_max = BODY_BYTES};
    struct et_http_server *plain, *secret;
    struct et_watch input = {.fd = STDIN_FILENO, .on_ready = on_input};
    char cert[4096], key[4096];
    (void)snprintf(cert, sizeof cert, "%s/" ET_TLS_CERT, tls_folder);
    (void)snprintf(key, sizeof key, "%s/" ET_TLS_KEY, tls_folder);
    struct et_tls *tls;
    check(et_tls_make(tls_folder, NAMES, 2, &err));
    check(et_tls_open_server(&tls, cert, key, &err));
    check(et_http_open(&plain, loop, &options, &err));
    options.listen.tls = tls;
    check(et_http_open(&secret, loop, &options, &err));
    check(et_watch_begin(loop, &input, ET_LOOP_READ, &err));
    printf("%s %s\n", et_http_address(plain), et_http_address(secret));
    (void)fflush(stdout);
    while (!is_over)
        check(et_loop_run_once(loop, -1, &err));
    exit(0);
}

static char bytes[N_BYTES];
static int n_same;

static void on_open(void *ctx, struct et_websocket *ws, const char *protocol)
{
    (void)ctx;
    (void)protocol;
    for (size_t i = 0; i < N_BYTES; i++)
        bytes[i] = (char)(i * 31 >> 3);
    (void)!et_websocket_send(ws, ET_WEBSOCKET_TEXT, "grüße", 7, false);
    (void)!et_websocket_send(ws, ET_WEBSOCKET_BINARY, bytes, N_BYTES, false);
}

static void on_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    (void)ctx;
    const struct et_str got = {p, n};
    n_same += kind == ET_WEBSOCKET_TEXT ? et_str_is(got, "grüße")
                                        : et_str_eq(got, (struct et_str){bytes, N_BYTES});
    if (kind == ET_WEBSOCKET_BINARY)
        et_websocket_end(ws, 4001, "done");
}

static void on_close(void *ctx, struct et_websocket *ws, int code, const char *why)
{
    (void)ctx;
    (void)ws;
    is_over = true;
    printf("%s %d %s\n", n_same == 2 ? "same" : "differs", code, why);
}

static int call(const char *url)
{
    static const struct et_websocket_handlers CALLS = {
        .on_open = on_open, .on_message = on_message, .on_close = on_close};
    const struct et_websocket_options options = {.handlers = &CALLS};
    const struct et_websocket_to to = {.url = url};
    struct et_websocket *ws;
    check(et_websocket_open(&ws, loop, &to, &options, &err));
    while (!is_over)
        check(et_loop_run_once(loop, -1, &err));
    et_loop_close(loop);
    return 0;
}

int main(int argc, char **argv)
{
    check(et_loop_open(&loop, NULL, &err));
    if (argc == 4 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "call") == 0)
        return call(argv[2]);
    return 2;
}

// A server answers what is asked properly, in order, and keeps out who has no business there.
#include "net_peer.h"
#include "support.h"
#include "tap.h"

#include "etude/http.h"
#include "etude/http_client.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef-secret"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct et_err err;
static struct peer_text text;

// --- a server with something of each

static struct et_http_exchange *kept;
static int n_gone, n_posts;

static void say_hello(void *ctx, struct et_http_exchange *x)
{
    (void)ctx;
    et_http_reply(x, 200, "text/plain", "hello", 5);
}

static void echo_body(void *ctx, struct et_http_exchange *x)
{
    const struct et_http_request *r = et_http_request(x);
    (void)ctx;
    n_posts++;
    CHECK_EQ(et_http_add(x, "X-Path", "x\ny"), ET_EARG);
    CHECK_EQ(et_http_add(x, "X Path", "x"), ET_EARG);
    CHECK_EQ(et_http_add(x, "X-Was", "here"), ET_OK);
    et_http_reply(x, 201, "application/octet-stream", r->body.p, r->body.n);
}

static void on_gone(void *ctx)
{
    (*(int *)ctx)++;
    kept = NULL;
}

static void keep(void *ctx, struct et_http_exchange *x)
{
    (void)ctx;
    const struct et_http_later later = {.on_gone = on_gone, .ctx = &n_gone};
    kept = x;
    et_http_keep(x, &later);
}

static void forget(void *ctx, struct et_http_exchange *x)
{
    (void)ctx;
    (void)x;
}

// Counts to 2,000 in lines, as fast as the other side takes them.
static int n_lines;

static void send_lines(void *ctx, struct et_http_exchange *x)
{
    char line[100];
    (void)ctx;
    for (; n_lines < 2000; n_lines++) {
        const int n = snprintf(line, sizeof line, "line %04d %080d\n", n_lines, 0);
        const enum et_status st = et_http_send(x, line, (size_t)n);
        if (st == ET_AGAIN)
            return;
        CHECK_EQ(st, ET_OK);
    }
    et_http_end(x);
}

static void stream(void *ctx, struct et_http_exchange *x)
{
    const struct et_http_later later = {.on_gone = on_gone, .on_room = send_lines, .ctx = &n_gone};
    n_lines = 0;
    et_http_keep(x, &later);
    et_http_begin(x, 200, "text/event-stream");
    send_lines(ctx, x);
}

static void too_much(void *ctx, struct et_http_exchange *x)
{
    const size_t n = (size_t)9 << 20;
    char *p = calloc(1, n);
    (void)ctx;
    et_http_reply(x, 200, NULL, p, n);
    free(p);
}

static const char *folder(void)
{
    static bool is_made;
    char bytes[5000];
    if (!is_made) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)('a' + i % 26);
        CHECK(mkdir(temp_path("www"), 0777) == 0 && mkdir(temp_path("www/sub"), 0777) == 0);
        write_file(temp_path("www/index.html"), "<p>home", 7);
        write_file(temp_path("www/sub/index.html"), "<p>sub", 6);
        write_file(temp_path("www/data.bin"), bytes, sizeof bytes);
        write_file(temp_path("www/empty.txt"), "", 0);
        write_file(temp_path("www/.hidden"), "x", 1);
        write_file(temp_path("secret"), "secret", 6);
        CHECK(symlink("../secret", temp_path("www/link")) == 0);
        CHECK(symlink("..", temp_path("www/up")) == 0);
        CHECK(mkfifo(temp_path("www/pipe"), 0666) == 0);
    }
    is_made = true;
    return temp_path("www");
}

static struct et_loop *loop;
static struct et_http_server *server;
static struct et_http_route routes[9];

static struct et_http_options usual(void)
{
    const struct et_http_route all[] = {
        {.path = "/hello", .methods = "GET", .handle = say_hello},
        {.path = "/echo/", .methods = "POST PUT", .handle = echo_body},
        {.path = "/kept", .methods = "GET", .handle = keep},
        {.path = "/forget", .methods = "GET", .handle = forget},
        {.path = "/lines", .methods = "GET", .handle = stream},
        {.path = "/much", .methods = "GET", .handle = too_much},
        {.path = "/www/", .folder = folder()},
        {.path = "/", .methods = "GET", .handle = say_hello},
        {.path = "/", .methods = "DELETE", .handle = echo_body},
    };
    memcpy(routes, all, sizeof routes);
    return (struct et_http_options){.listen = {.address = "127.0.0.1:0"},
                                    .routes = routes,
                                    .n_routes = sizeof routes / sizeof *routes};
}

static void begin(const struct et_http_options *options)
{
    loop = make_loop();
    n_gone = n_posts = 0;
    CHECK_OK(et_http_open(&server, loop, options, &err));
}

static void end(void)
{
    et_http_close(server);
    et_loop_close(loop);
}

static int dial(void)
{
    return peer_open(et_http_address(server));
}

// One request on a connection of its own; the answer lies in `text`.
static void ask(const char *request)
{
    const int fd = dial();
    peer_puts(fd, request);
    CHECK(shutdown(fd, SHUT_WR) == 0);
    peer_get(loop, fd, "", &text);
    (void)close(fd);
}

static int code_of(const char *request)
{
    ask(request);
    return strncmp(text.p, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text.p + 9, NULL, 10) : 0;
}

static const char *body_of(const char *answer)
{
    const char *end_of_head = strstr(answer, "\r\n\r\n");
    return end_of_head ? end_of_head + 4 : "";
}

// --- tests

static void requests_are_answered_in_order(void)
{
    const struct et_http_options options = usual();
    begin(&options);
    const int fd = dial();
    peer_puts(fd, GET("/hello") "POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
                                "\r\nabc" GET("/lines") GET("/kept"));
    run_some(loop);
    if (CHECK(kept != NULL))
        et_http_reply(kept, 200, NULL, "later", 5);
    peer_get(loop, fd, "later", &text);
    const char *first = strstr(text.p, "hello"), *second = strstr(text.p, "abc"),
               *third = strstr(text.p, "line 1999"), *fourth = strstr(text.p, "later");
    CHECK(first && second && third && fourth);
    CHECK(first < second && second < third && third < fourth);
    CHECK_HAS(text.p, "X-Was: here\r\n");
    CHECK_HAS(text.p, "Date: ");
    CHECK_HAS(text.p, "X-Content-Type-Options: nosniff\r\n");
    CHECK(!peer_is_closed(loop, fd));
    (void)close(fd);
    end();
    CHECK_EQ(n_gone, 0);
}

static void a_byte_at_a_time_gives_the_same(void)
{
    static const char REQUESTS[] =
        "POST /echo/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX: y\r\n\r\n"
        "PUT /echo/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
        "\r\nbody"
        "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static struct peer_text whole;
    const struct et_http_options options = usual();
    begin(&options);
    int fd = dial();
    peer_puts(fd, REQUESTS);
    peer_get(loop, fd, "", &whole);
    CHECK(whole.is_closed);
    CHECK_HAS(whole.p, "\r\n\r\nhello worldHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201");
    (void)close(fd);
    fd = dial();
    for (size_t i = 0; i < sizeof REQUESTS - 1; i++) {
        peer_put(fd, REQUESTS + i, 1);
        CHECK_OK(et_loop_run_once(loop, S / 1000, &err));
    }
    peer_get(loop, fd, "", &text);
    // But for the second that they are of.
    CHECK_EQ(text.n, whole.n);
    CHECK(text.n > 5 && memcmp(text.p + text.n - 5, "hello", 5) == 0);
    (void)close(fd);
    end();
}

static void wrong_requests_are_told_why_and_closed(void)
{
    struct et_http_options options = usual();
    options.head_bytes_max = 1000;
    options.body_bytes_max = 100;
    begin(&options);
    static char big[3000];
    CHECK_EQ(code_of("GET / HTTP/1.1\r\n\r\n"), 400);
    CHECK(text.is_closed);
    CHECK_HAS(text.p, "Connection: close\r\n");
    CHECK_EQ(code_of(GET("/none/../x")), 400);
    CHECK_EQ(code_of("BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 501);
    CHECK_EQ(code_of("POST /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
    CHECK_HAS(text.p, "Allow: GET, HEAD\r\n");
    CHECK_EQ(code_of("PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
    CHECK_HAS(text.p, "Allow: GET, HEAD, DELETE\r\n");
    CHECK_EQ(code_of(GET("/hello/x")), 200); // of "/"
    CHECK_EQ(code_of("POST /echo/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101\r\n\r\n"),
             413);
    CHECK_EQ(code_of("POST /echo/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "32\r\n01234567890123456789012345678901234567890123456789\r\n"
                     "33\r\n012345678901234567890123456789012345678901234567890\r\n0\r\n\r\n"),
             413);
    CHECK_EQ(code_of("POST /echo/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "x\r\n"),
             400);
    memset(big, 'a', sizeof big - 1);
    memcpy(big, "GET /", 5);
    CHECK_EQ(code_of(big), 414);
    memcpy(big, "GET / HTTP/1.1\r\nX:", 18);
    CHECK_EQ(code_of(big), 431);
    CHECK_EQ(n_posts, 0);
    CHECK_EQ(code_of(GET("/forget")), 500);
    CHECK_EQ(code_of(GET("/much")), 500);
    CHECK_EQ(code_of("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404);
    CHECK_EQ(code_of("GET / HTTP/1.1\r\nHost: local"), 0); // closed half way
    end();
}

static void what_follows_a_wrong_request_is_not_read(void)
{
    const struct et_http_options options = usual();
    begin(&options);
    ask("POST /echo/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
        "Transfer-Encoding: chunked\r\n\r\nabc" GET("/hello"));
    CHECK_HAS(text.p, "HTTP/1.1 400");
    CHECK(!strstr(text.p, "HTTP/1.1 200"));
    end();
}

static void head_has_no_body(void)
{
    const struct et_http_options options = usual();
    begin(&options);
    static const char *const PATHS[] = {"/hello", "/lines", "/www/data.bin", "/www/none"};
    for (size_t i = 0; i < 4; i++) {
        char request[100];
        (void)snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                       PATHS[i]);
        CHECK_EQ(code_of(request), i == 3 ? 404 : 200);
        CHECK_STR(body_of(text.p), "");
    }
    ask("HEAD /www/data.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK_HAS(text.p, "Content-Length: 5000\r\n");
    end();
}

static void old_clients_are_answered_and_closed(void)
{
    const struct et_http_options options = usual();
    begin(&options);
    CHECK_EQ(code_of("GET /hello HTTP/1.0\r\n\r\n" GET("/hello")), 200);
    CHECK_STR(body_of(text.p), "hello");
    const int fd = dial();
    peer_puts(fd, "GET /lines HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    peer_get(loop, fd, "", &text);
    CHECK(text.is_closed && !strstr(text.p, "chunked"));
    CHECK_EQ(strlen(body_of(text.p)), 2000 * 91);
    (void)close(fd);
    end();
}

static void a_slow_head_and_a_slow_body_time_out(void)
{
    const struct et_http_options options = usual();
    begin(&options);
    const int slow = dial(), body = dial(), idle = dial();
    peer_puts(slow, "GET /hel");
    peer_puts(body, "POST /echo/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n");
    run_some(loop);
    for (int i = 0; i < 9; i++) { // a byte now and then does not help
        pass(loop, S);
        peer_put(slow, "x", 1);
        peer_put(body, "x", 1);
        run_some(loop);
    }
    CHECK_EQ(et_http_counts(server).n_open, 2); // who asked nothing left after 5 s
    CHECK(peer_is_closed(loop, idle));
    pass(loop, 2 * S);
    peer_get(loop, slow, "", &text);
    CHECK_HAS(text.p, "HTTP/1.1 408");
    pass(loop, 50 * S);
    peer_get(loop, body, "", &text);
    CHECK_HAS(text.p, "HTTP/1.1 408");
    CHECK_EQ(et_http_counts(server).n_open, 1); // the first had its time to close
    (void)close(slow);
    (void)close(body);
    pass(loop, 20 * S);
    CHECK_EQ(et_http_counts(server).n_open, 0);
    (void)close(idle);
    end();
}

static void who_never_reads_his_answers_is_ended(void)
{
    const struct et_http_options options = usual();
    begin(&options);
    const int fd = dial();
    static const char REQUEST[] = GET("/lines");
    size_t n_asked = 0;
    for (int i = 0; i < 3000; i++) { // far more than the sockets hold
        if (send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) == sizeof REQUEST - 1)
            n_asked++;
        CHECK_OK(et_loop_run_once(loop, 0, &err));
    }
    CHECK(n_asked > 100);
    run_some(loop);
    pass(loop, 80 * S);
    CHECK_EQ(et_http_counts(server).n_open, 0);
    (void)close(fd);
    end();
    CHECK_EQ(n_gone, 1);
}

static void a_kept_request_is_told_when_its_asker_leaves(void)
{
    const struct et_http_options options = usual();
    begin(&options);
    int fd = dial();
    peer_puts(fd, GET("/kept"));
    run_some(loop);
    CHECK(kept != NULL);
    const struct linger now = {.l_onoff = 1};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    (void)close(fd);
    run_some(loop);
    CHECK_EQ(n_gone, 1);
    fd = dial();
    peer_puts(fd, GET("/kept"));
    run_some(loop);
    end(); // and when the server closes
    CHECK_EQ(n_gone, 2);
    (void)close(fd);
}

static void files_are_sent_with_their_types(void)
{
    const struct et_http_options options = usual();
    begin(&options);
    CHECK_EQ(code_of(GET("/www/")), 200);
    CHECK_STR(body_of(text.p), "<p>home");
    CHECK_HAS(text.p, "Content-Type: text/html; charset=utf-8\r\n");
    CHECK_EQ(code_of(GET("/www/sub/")), 200);
    CHECK_STR(body_of(text.p), "<p>sub");
    CHECK_EQ(code_of(GET("/www/sub?x=1")), 301);
    CHECK_HAS(text.p, "Location: /www/sub/?x=1\r\n");
    CHECK_EQ(code_of(GET("/www/data.bin")), 200);
    CHECK_EQ(strlen(body_of(text.p)), 5000);
    CHECK_EQ(code_of(GET("/www/empty.txt")), 200);
    CHECK_STR(body_of(text.p), "");
    // Several on one connection, files among them.
    const int fd = dial();
    peer_puts(fd, GET("/www/data.bin") GET("/www/empty.txt") GET("/www/") GET("/hello"));
    peer_get(loop, fd, "hello", &text);
    CHECK(strstr(text.p, "<p>home") && text.n > 5000);
    (void)close(fd);
    end();
}

static void nothing_outside_a_folder_is_reached(void)
{
    const struct et_http_options options = usual();
    begin(&options);
    static const char *const PATHS[] = {
        "/www/link", "/www/up/secret", "/www/.hidden",     "/www/pipe",         "/www/none",
        "/www//x",   "/www/sub//",     "/www/index.html/", "/www/index.html/x", "/www/sub/none"};
    static const char *const BAD[] = {"/www/../secret",   "/www/%2e%2e/secret",
                                      "/www/sub/..%2f..", "/www/%00",
                                      "/www/..\\x",       "//www/../../etc/passwd"};
    char request[200];
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                       PATHS[i]);
        if (!CHECK(code_of(request) == 404))
            printf("#   %s\n", PATHS[i]);
        CHECK(!strstr(text.p, "secret"));
    }
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                       BAD[i]);
        CHECK_EQ(code_of(request), 400);
    }
    end();
}

// The value of a header in `text`, in front of which `name` stands.
static void header_of(const char *name, char value[100])
{
    const char *p = strstr(text.p, name);
    value[0] = 0;
    if (CHECK(p != NULL))
        (void)snprintf(value, 100, "%.*s", (int)strcspn(p + strlen(name), "\r"), p + strlen(name));
}

static int code_with(const char *header, const char *value)
{
    char request[300];
    (void)snprintf(request, sizeof request,
                   "GET /www/data.bin HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n\r\n", header, value);
    return code_of(request);
}

static void a_file_that_is_known_is_not_sent_again(void)
{
    char tag[100], date[100], list[150];
    const struct et_http_options options = usual();
    begin(&options);
    CHECK_EQ(code_of(GET("/www/data.bin")), 200);
    header_of("ETag: ", tag);
    header_of("Last-Modified: ", date);
    CHECK_EQ(code_with("If-None-Match: ", tag), 304);
    CHECK_STR(body_of(text.p), "");
    CHECK(!strstr(text.p, "Content-Length"));
    (void)snprintf(list, sizeof list, "\"x\", W/%s", tag);
    CHECK_EQ(code_with("If-None-Match: ", list), 304);
    CHECK_EQ(code_with("If-None-Match: ", "\"x\""), 200);
    CHECK_EQ(code_with("If-None-Match: ", "*"), 304);
    CHECK_EQ(code_with("If-Modified-Since: ", date), 304);
    CHECK_EQ(code_with("If-Modified-Since: ", "Sun, 06 Nov 1994 08:49:37 GMT"), 200);
    CHECK_EQ(code_with("If-Modified-Since: ", "yesterday"), 200);
    end();
}

static void parts_of_files_are_sent(void)
{
    char tag[100], list[150];
    const struct et_http_options options = usual();
    begin(&options);
    CHECK_EQ(code_with("Range: ", "bytes=26-51"), 206);
    CHECK_STR(body_of(text.p), "abcdefghijklmnopqrstuvwxyz");
    CHECK_HAS(text.p, "Content-Range: bytes 26-51/5000\r\n");
    CHECK_HAS(text.p, "Content-Length: 26\r\n");
    header_of("ETag: ", tag);
    CHECK_EQ(code_with("Range: ", "bytes=-8"), 206);
    CHECK_STR(body_of(text.p), "abcdefgh");
    CHECK_EQ(code_with("Range: ", "bytes=5000-"), 416);
    CHECK_HAS(text.p, "Content-Range: bytes */5000\r\n");
    CHECK_EQ(code_with("Range: ", "bytes=0-1,5-6"), 200);
    CHECK_EQ(strlen(body_of(text.p)), 5000);
    (void)snprintf(list, sizeof list, "bytes=0-1\r\nIf-Range: %s", tag);
    CHECK_EQ(code_with("Range: ", list), 206);
    CHECK_EQ(code_with("Range: ", "bytes=0-1\r\nIf-Range: \"x\""), 200);
    end();
}

static void who_has_no_token_is_kept_out(void)
{
    struct et_http_options options = usual();
    options.token = TOKEN;
    options.must_have_token = true;
    begin(&options);
    char request[400], name[100];
    const char *port = strrchr(et_http_address(server), ':') + 1;
    CHECK_EQ(code_of(GET("/hello")), 401);
    CHECK_HAS(text.p, "WWW-Authenticate: Bearer\r\n");
    CHECK_EQ(code_of("GET /hello HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " TOKEN "\r\n\r\n"),
             200);
    CHECK_EQ(code_of("GET /hello HTTP/1.1\r\nHost: x\r\nAuthorization: bearer  " TOKEN "\r\n\r\n"),
             200);
    CHECK_EQ(code_of("GET /hello HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " TOKEN "x\r\n\r\n"),
             401);
    CHECK_EQ(code_of("GET /hello HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " TOKEN "\r\n\r\n"),
             401);
    CHECK_EQ(code_of(GET("/hello?token=wrong")), 401);
    CHECK_EQ(code_of(GET("/hello?a=1&token=" TOKEN "&b=2")), 303);
    CHECK_HAS(text.p, "Location: /hello?a=1&b=2\r\n");
    CHECK_HAS(text.p, "=" TOKEN "; Path=/; HttpOnly; SameSite=Strict\r\n");
    header_of("Set-Cookie: ", name);
    CHECK_EQ(code_of("POST /echo/?token=" TOKEN " HTTP/1.1\r\nHost: x\r\n\r\n"), 201);
    (void)snprintf(request, sizeof request,
                   "GET /hello HTTP/1.1\r\nHost: x\r\nCookie: a=b; etude_%s=" TOKEN "\r\n\r\n",
                   port);
    CHECK_EQ(code_of(request), 200);
    CHECK_EQ(code_of("GET /hello HTTP/1.1\r\nHost: x\r\nCookie: etude=" TOKEN "\r\n\r\n"), 401);
    end();
}

static void a_token_may_come_by_another_word_and_a_route_need_none(void)
{
    static const struct et_http_route ROUTES[] = {
        {.path = "/", .methods = "GET", .handle = say_hello},
        {.path = "/healthz", .methods = "GET", .handle = say_hello, .is_for_all = true}};
    struct et_http_options options = usual();
    options.routes = ROUTES;
    options.n_routes = 2;
    options.token = TOKEN;
    options.token_scheme = "Api-Key";
    options.must_have_token = true;
    begin(&options);
    CHECK_EQ(code_of(GET("/healthz")), 200);
    CHECK_EQ(code_of("POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), 401);
    CHECK_EQ(code_of(GET("/healthz/more")), 401);
    CHECK_HAS(text.p, "WWW-Authenticate: Api-Key\r\n");
    CHECK_EQ(code_of("GET /a HTTP/1.1\r\nHost: x\r\nAuthorization: api-key " TOKEN "\r\n\r\n"),
             200);
    CHECK_EQ(code_of("GET /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " TOKEN "\r\n\r\n"), 401);
    CHECK_EQ(code_of("GET /a HTTP/1.1\r\nHost: x\r\nAuthorization: Api-Key\r\n\r\n"), 401);
    end();
}

static void pages_of_others_are_kept_out(void)
{
    static const char *const HOSTS[] = {"nas.local", NULL}, *const ORIGINS[] = {
                                                                "https://ok.example", NULL};
    struct et_http_options options = usual();
    options.hosts = HOSTS;
    options.origins = ORIGINS;
    begin(&options);
    CHECK_EQ(code_of("GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421);
    CHECK_EQ(code_of("GET /hello HTTP/1.1\r\nHost: localhost.evil.example:80\r\n\r\n"), 421);
    CHECK_EQ(code_of("GET /hello HTTP/1.1\r\nHost: nas.local:8080\r\n\r\n"), 200);
    CHECK_EQ(code_of("GET /hello HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"), 200);
    CHECK_EQ(code_of("GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), 200);
#define POST "POST /echo/ HTTP/1.1\r\nHost: localhost:1\r\nOrigin: "
    CHECK_EQ(code_of(POST "http://localhost:1\r\n\r\n"), 201);
    CHECK_EQ(code_of(POST "https://ok.example\r\n\r\n"), 201);
    CHECK_EQ(code_of(POST "https://localhost:1\r\n\r\n"), 403);
    CHECK_EQ(code_of(POST "http://localhost:2\r\n\r\n"), 403);
    CHECK_EQ(code_of(POST "http://evil.example\r\n\r\n"), 403);
    CHECK_EQ(code_of(POST "null\r\n\r\n"), 403);
    CHECK_EQ(n_posts, 2);
    end();
}

static void a_public_server_needs_token_and_tls(void)
{
    struct et_tls *tls;
    struct et_http_options options = usual();
    CHECK_OK(et_tls_open_server(&tls, tls_cert(), tls_key(), &err));
    loop = make_loop();
    options.listen = (struct et_listen_options){.address = "0.0.0.0:0", .is_public = true};
    CHECK_EQ(et_http_open(&server, loop, &options, &err), ET_EARG);
    CHECK_HAS(err.text, "token");
    options.token = TOKEN;
    CHECK_EQ(et_http_open(&server, loop, &options, &err), ET_EARG);
    CHECK_HAS(err.text, "TLS");
    options.listen.tls = tls;
    options.token = "short";
    CHECK_EQ(et_http_open(&server, loop, &options, &err), ET_EARG);
    options.token = "with a blank in it, which is none";
    CHECK_EQ(et_http_open(&server, loop, &options, &err), ET_EARG);
    options.token = TOKEN;
    CHECK_OK(et_http_open(&server, loop, &options, &err));
    et_http_close(server);
    et_http_close(NULL);
    // Routes that are none.
    options = usual();
    static const struct et_http_route BAD[] = {{.path = "x", .methods = "GET", .handle = say_hello},
                                               {.path = "/x"},
                                               {.path = "/x", .handle = say_hello},
                                               {.path = "/x", .folder = "/nowhere/at/all"}};
    options.n_routes = 1;
    for (size_t i = 0; i < 4; i++) {
        options.routes = &BAD[i];
        CHECK_EQ(et_http_open(&server, loop, &options, &err), i < 3 ? ET_EARG : ET_ENOTFOUND);
    }
    et_loop_close(loop);
    et_tls_close(tls);
}

static void pages_may_be_isolated(void)
{
    struct et_http_options options = usual();
    options.is_isolated = true;
    begin(&options);
    ask(GET("/www/"));
    CHECK_HAS(text.p, "Cross-Origin-Opener-Policy: same-origin\r\n");
    CHECK_HAS(text.p, "Cross-Origin-Embedder-Policy: require-corp\r\n");
    end();
}

// --- the client

struct answer {
    bool is_done;
    int code;
    enum et_status status;
    struct et_buf body;
};

static void on_done(void *ctx, const struct et_http_response *response, const struct et_err *why)
{
    struct answer *a = ctx;
    a->is_done = true;
    a->code = response ? response->code : 0;
    a->status = response ? ET_OK : why->status;
    if (response)
        et_buf_putstr(&a->body, response->body);
}

static bool is_done(void *ctx)
{
    return ((struct answer *)ctx)->is_done;
}

static struct answer fetch(struct et_fetch_options options)
{
    struct et_fetch *f;
    struct answer a = {.body = et_buf(1 << 22)};
    options.on_done = on_done;
    options.ctx = &a;
    CHECK_OK(et_fetch_open(&f, loop, &options, &err));
    CHECK(run_until(loop, is_done, &a));
    return a;
}

static void the_client_gets_what_the_server_says(void)
{
    struct et_tls *tls, *trust;
    const struct et_tls_client_options pinned = {.pin = tls_pin()};
    CHECK_OK(et_tls_open_server(&tls, tls_cert(), tls_key(), &err));
    CHECK_OK(et_tls_open_client(&trust, &pinned, &err));
    for (int is_tls = 0; is_tls < 2; is_tls++) {
        struct et_http_options options = usual();
        options.token = TOKEN;
        options.must_have_token = true;
        options.listen.tls = is_tls ? tls : NULL;
        begin(&options);
        char url[200];
        const char *at = et_http_address(server), *scheme = is_tls ? "https" : "http";
        (void)snprintf(url, sizeof url, "%s://%s/lines", scheme, at);
        struct et_fetch_options ask_for = {.url = url, .token = TOKEN, .tls = trust};
        struct answer a = fetch(ask_for);
        CHECK(a.code == 200 && a.body.n == 2000 * 91);
        et_buf_free(&a.body);
        ask_for.body_bytes_max = 1000;
        a = fetch(ask_for);
        CHECK_EQ(a.status, ET_ELIMIT);
        ask_for.method = "HEAD";
        a = fetch(ask_for);
        CHECK(a.code == 200 && a.body.n == 0);
        (void)snprintf(url, sizeof url, "%s://%s/echo/", scheme, at);
        ask_for = (struct et_fetch_options){.url = url,
                                            .method = "POST",
                                            .type = "text/plain",
                                            .body = "hello",
                                            .n_body = 5,
                                            .token = TOKEN,
                                            .tls = trust};
        a = fetch(ask_for);
        CHECK(a.code == 201 && et_str_is(et_buf_str(&a.body), "hello"));
        et_buf_free(&a.body);
        ask_for.token = NULL;
        a = fetch(ask_for);
        CHECK_EQ(a.code, 401);
        et_buf_free(&a.body);
        (void)snprintf(url, sizeof url, "%s://%s/www/data.bin", scheme, at);
        a = fetch((struct et_fetch_options){.url = url, .token = TOKEN, .tls = trust});
        CHECK(a.code == 200 && a.body.n == 5000);
        et_buf_free(&a.body);
        end();
    }
    et_tls_close(tls);
    et_tls_close(trust);
}

static void the_client_gives_up_in_time(void)
{
    struct et_fetch *f;
    struct answer a = {0};
    const struct et_http_options options = usual();
    begin(&options);
    char url[200];
    (void)snprintf(url, sizeof url, "http://%s/kept", et_http_address(server));
    struct et_fetch_options ask_for = {.url = url, .on_done = on_done, .ctx = &a};
    CHECK_OK(et_fetch_open(&f, loop, &ask_for, &err));
    run_some(loop);
    pass(loop, 31 * S);
    CHECK(a.is_done);
    CHECK_EQ(a.status, ET_ECANCELLED);
    a.is_done = false;
    CHECK_OK(et_fetch_open(&f, loop, &ask_for, &err));
    run_some(loop);
    et_fetch_close(f);
    et_fetch_close(NULL);
    pass(loop, 31 * S);
    CHECK(!a.is_done);
    ask_for.url = "https://localhost/";
    CHECK_EQ(et_fetch_open(&f, loop, &ask_for, &err), ET_EARG);
    ask_for.url = "ws://localhost/";
    CHECK_EQ(et_fetch_open(&f, loop, &ask_for, &err), ET_EARG);
    ask_for.url = url;
    ask_for.method = "G ET";
    CHECK_EQ(et_fetch_open(&f, loop, &ask_for, &err), ET_EARG);
    end();
}

// What a server may say, and what the client makes of it.
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

static void answers_of_all_kinds_are_understood(void)
{
    static const struct {
        const char *said, *body;
        enum et_status st;
    } SAID[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhixx", "hi", ET_OK},
        {"HTTP/1.1 200 OK\r\n\r\nuntil it closes", "until it closes", ET_OK},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 x\r\n\r\n", "", ET_OK},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n0\r\n\r\n", "h", ET_OK},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n", "", ET_EIO},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", "", ET_ECORRUPT},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", "", ET_EIO},
        {"HTTP/1.1 200 OK\r\n", "", ET_EIO},
        {"SSH-2.0-OpenSSH\r\n\r\n", "", ET_ECORRUPT},
        {"", "", ET_EIO},
    };
    struct et_listener *listener;
    char url[200];
    loop = make_loop();
    const struct et_listen_options options = {.address = "127.0.0.1:0", .on_accept = on_accept_say};
    CHECK_OK(et_listener_open(&listener, loop, &options, &err));
    (void)snprintf(url, sizeof url, "http://%s", et_listener_address(listener));
    for (size_t i = 0; i < sizeof SAID / sizeof *SAID; i++) {
        said = SAID[i].said;
        struct answer a = fetch((struct et_fetch_options){.url = url});
        if (!CHECK(a.status == SAID[i].st && et_str_is(et_buf_str(&a.body), SAID[i].body)))
            printf("#   case %zu: %s\n", i, et_status_name(a.status));
        et_buf_free(&a.body);
    }
    run_some(loop);
    et_listener_close(listener);
    et_loop_close(loop);
}

int main(void)
{
    RUN(requests_are_answered_in_order);
    RUN(a_byte_at_a_time_gives_the_same);
    RUN(wrong_requests_are_told_why_and_closed);
    RUN(what_follows_a_wrong_request_is_not_read);
    RUN(head_has_no_body);
    RUN(old_clients_are_answered_and_closed);
    RUN(a_slow_head_and_a_slow_body_time_out);
    RUN(who_never_reads_his_answers_is_ended);
    RUN(a_kept_request_is_told_when_its_asker_leaves);
    RUN(files_are_sent_with_their_types);
    RUN(nothing_outside_a_folder_is_reached);
    RUN(a_file_that_is_known_is_not_sent_again);
    RUN(parts_of_files_are_sent);
    RUN(who_has_no_token_is_kept_out);
    RUN(a_token_may_come_by_another_word_and_a_route_need_none);
    RUN(pages_of_others_are_kept_out);
    RUN(a_public_server_needs_token_and_tls);
    RUN(pages_may_be_isolated);
    RUN(the_client_gets_what_the_server_says);
    RUN(the_client_gives_up_in_time);
    RUN(answers_of_all_kinds_are_understood);
    return tap_end();
}

// Connections carry bytes both ways over TCP, Unix sockets and TLS, and end within their limits.
#include "net_peer.h"
#include "support.h"
#include "tap.h"

#include "etude/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct et_err err;

/* One end. What it reads it keeps, and echoes if it is told to. */
struct end {
    struct et_conn *conn;
    struct et_buf got;
    bool is_open, is_over, has_ended, echoes, keeps_all, finishes_at_end;
    int n_sent;
    enum et_status status;
    char why[200];
};

static void on_open(void *ctx, struct et_conn *conn)
{
    struct end *e = ctx;
    e->is_open = true;
    e->conn = conn;
}

static size_t on_read(void *ctx, struct et_conn *conn, char *p, size_t n)
{
    struct end *e = ctx;
    if (e->keeps_all)
        return 0;
    et_buf_put(&e->got, p, n);
    if (e->echoes)
        CHECK_EQ(et_conn_send(conn, p, n), ET_OK);
    return n;
}

static void on_end(void *ctx, struct et_conn *conn)
{
    struct end *e = ctx;
    e->has_ended = true;
    if (e->finishes_at_end)
        et_conn_finish(conn);
}

static void on_sent(void *ctx, struct et_conn *conn)
{
    (void)conn;
    ((struct end *)ctx)->n_sent++;
}

static void on_close(void *ctx, struct et_conn *conn, const struct et_err *why)
{
    struct end *e = ctx;
    CHECK(conn == e->conn && !e->is_over);
    e->is_over = true;
    e->status = why->status;
    (void)snprintf(e->why, sizeof e->why, "%.199s", why->text);
}

static const struct et_conn_handlers HANDLERS = {.on_open = on_open,
                                                 .on_read = on_read,
                                                 .on_end = on_end,
                                                 .on_sent = on_sent,
                                                 .on_close = on_close};

/* A listener whose accepted connection is `server`; and a client of it. */
struct pair {
    struct et_loop *loop;
    struct et_listener *listener;
    struct end server, client;
    struct et_conn *accepted[8]; // the first of them
    size_t n_accepted;
};

static void on_accept(void *ctx, struct et_conn *conn)
{
    struct pair *p = ctx;
    if (p->n_accepted < 8)
        p->accepted[p->n_accepted] = conn;
    p->n_accepted++;
    on_open(&p->server, conn);
    et_conn_set_handlers(conn, &HANDLERS, &p->server);
}

static struct et_listen_options options_of(struct pair *p, const char *address)
{
    return (struct et_listen_options){.address = address, .on_accept = on_accept, .ctx = p};
}

static void pair_listen(struct pair *p, const struct et_listen_options *options)
{
    *p = (struct pair){.loop = make_loop()};
    p->server.got = p->client.got = et_buf(1 << 24);
    CHECK_OK(et_listener_open(&p->listener, p->loop, options, &err));
}

static void pair_connect(struct pair *p, struct et_tls *tls, const struct et_conn_limits *limits)
{
    const struct et_conn_options options = {.address = et_listener_address(p->listener),
                                            .tls = tls,
                                            .limits = limits,
                                            .handlers = &HANDLERS,
                                            .ctx = &p->client};
    CHECK_OK(et_conn_open(&p->client.conn, p->loop, &options, &err));
}

static bool is_connected(void *ctx)
{
    const struct pair *p = ctx;
    return (p->client.is_open && p->server.is_open) || p->client.is_over;
}

static void pair_open(struct pair *p, const char *address, struct et_tls *server,
                      struct et_tls *client)
{
    struct et_listen_options options = options_of(p, address);
    options.tls = server;
    pair_listen(p, &options);
    pair_connect(p, client, NULL);
    CHECK(run_until(p->loop, is_connected, p));
}

static void pair_close(struct pair *p)
{
    if (!p->server.is_over)
        et_conn_close(p->server.conn);
    if (!p->client.is_over)
        et_conn_close(p->client.conn);
    et_listener_close(p->listener);
    et_loop_close(p->loop);
    et_buf_free(&p->server.got);
    et_buf_free(&p->client.got);
}

static bool both_over(void *ctx)
{
    const struct pair *p = ctx;
    return p->client.is_over && p->server.is_over;
}

static bool server_over(void *ctx)
{
    return ((struct pair *)ctx)->server.is_over;
}

#define N_BYTES 700000

static bool client_has_all(void *ctx)
{
    return ((struct pair *)ctx)->client.got.n >= N_BYTES;
}

static void echo(const char *address, struct et_tls *server, struct et_tls *client)
{
    static char bytes[N_BYTES];
    struct rng rng = {4};
    struct pair p;
    pair_open(&p, address, server, client);
    for (size_t i = 0; i < N_BYTES; i++)
        bytes[i] = (char)rng_next(&rng);
    p.server.echoes = true;
    CHECK_EQ(et_conn_send(p.client.conn, bytes, 1), ET_OK);
    CHECK_EQ(et_conn_send(p.client.conn, bytes + 1, N_BYTES - 1), ET_OK);
    CHECK(run_until(p.loop, client_has_all, &p));
    CHECK(p.client.got.n == N_BYTES && memcmp(p.client.got.p, bytes, N_BYTES) == 0);
    CHECK(et_conn_unsent(p.client.conn) == 0 && p.client.n_sent > 0);
    CHECK(et_conn_is_loopback(p.server.conn));
    CHECK_EQ(et_conn_is_tls(p.server.conn), server != NULL);
    // Both sides finish, one after the other.
    p.server.finishes_at_end = true;
    et_conn_finish(p.client.conn);
    CHECK_EQ(et_conn_send(p.client.conn, "x", 1), ET_ECANCELLED);
    CHECK(run_until(p.loop, both_over, &p));
    CHECK(p.server.has_ended);
    CHECK_EQ(p.client.status, ET_END);
    CHECK_EQ(p.server.status, ET_END);
    CHECK_EQ(et_listener_counts(p.listener).n_open, 0);
    pair_close(&p);
}

static void tls_pair(struct et_tls **server, struct et_tls **client)
{
    const struct et_tls_client_options options = {.pin = tls_pin()};
    CHECK_OK(et_tls_open_server(server, tls_cert(), tls_key(), &err));
    CHECK_OK(et_tls_open_client(client, &options, &err));
}

static void bytes_come_back_over_everything(void)
{
    struct et_tls *server, *client;
    char address[200];
    (void)snprintf(address, sizeof address, "unix:%s", temp_path("echo.sock"));
    tls_pair(&server, &client);
    echo("127.0.0.1:0", NULL, NULL);
    echo("localhost:0", NULL, NULL);
    echo("[::1]:0", NULL, NULL);
    echo(address, NULL, NULL);
    echo("127.0.0.1:0", server, client);
    echo(address, server, client);
    CHECK(!file_exists(address + 5));
    et_tls_close(server);
    et_tls_close(client);
}

static void a_listener_is_reached_from_this_machine_alone(void)
{
    struct pair p = {.loop = make_loop()};
    struct et_tls *server;
    static const char *const PUBLIC[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:0"};
    CHECK_OK(et_tls_open_server(&server, tls_cert(), tls_key(), &err));
    for (size_t i = 0; i < 3; i++) {
        struct et_listen_options options = options_of(&p, PUBLIC[i]);
        CHECK_EQ(et_listener_open(&p.listener, p.loop, &options, &err), ET_EARG);
        CHECK_HAS(err.text, PUBLIC[i]);
        options.is_public = true;
        CHECK_EQ(et_listener_open(&p.listener, p.loop, &options, &err), ET_EARG);
        CHECK_HAS(err.text, "TLS");
        options.tls = server;
        const enum et_status st = et_listener_open(&p.listener, p.loop, &options, &err);
        CHECK_EQ(st, i < 2 ? ET_OK : ET_EIO); // the last is nobody's address
        et_listener_close(p.listener);
    }
    et_tls_close(server);
    et_loop_close(p.loop);
}

static void what_is_no_address_is_refused(void)
{
    static const char *const BAD[] = {
        "",      "1234",       "127.0.0.1", "127.0.0.1:x",  "::1:80", "127.0.0.1:65536", "[::1]",
        "unix:", "127.0.0.1:", "a b:80",    "127.0.0.1:-1", "[]:80",  "example.org:80"};
    struct pair p = {.loop = make_loop()};
    char path[200];
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        const struct et_listen_options options = options_of(&p, BAD[i]);
        CHECK_EQ(et_listener_open(&p.listener, p.loop, &options, &err), ET_EARG);
        CHECK(p.listener == NULL);
    }
    (void)snprintf(path, sizeof path, "unix:%0120d", 1);
    const struct et_listen_options options = options_of(&p, path);
    CHECK_EQ(et_listener_open(&p.listener, p.loop, &options, &err), ET_EARG);
    const struct et_conn_options to = {.address = "nowhere", .handlers = &HANDLERS};
    CHECK_EQ(et_conn_open(&p.client.conn, p.loop, &to, &err), ET_EARG);
    CHECK(p.client.conn == NULL);
    et_conn_close(NULL);
    et_listener_close(NULL);
    et_loop_close(p.loop);
}

static void an_address_that_is_taken_says_so(void)
{
    struct pair p;
    struct et_listener *other;
    char path[200];
    (void)snprintf(path, sizeof path, "unix:%s", temp_path("taken.sock"));
    for (int is_unix = 0; is_unix < 2; is_unix++) {
        const struct et_listen_options first = options_of(&p, is_unix ? path : "127.0.0.1:0");
        pair_listen(&p, &first);
        const struct et_listen_options second = options_of(&p, et_listener_address(p.listener));
        CHECK_EQ(et_listener_open(&other, p.loop, &second, &err), ET_EEXISTS);
        CHECK_EQ(err.status, ET_EEXISTS);
        pair_close(&p);
    }
    // One that was left behind is taken over, a plain file is not.
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct {
        unsigned short family;
        char path[108];
    } sa = {.family = AF_UNIX};
    (void)snprintf(sa.path, sizeof sa.path, "%.107s", path + 5);
    CHECK(bind(fd, (const struct sockaddr *)&sa, sizeof sa) == 0);
    (void)close(fd);
    const struct et_listen_options options = options_of(&p, path);
    pair_listen(&p, &options);
    pair_close(&p);
    write_file(path + 5, "x", 1);
    p = (struct pair){.loop = make_loop()};
    CHECK_EQ(et_listener_open(&p.listener, p.loop, &options, &err), ET_EEXISTS);
    CHECK(file_exists(path + 5));
    et_loop_close(p.loop);
}

static bool client_over(void *ctx)
{
    return ((struct pair *)ctx)->client.is_over;
}

static void nobody_there_is_told(void)
{
    struct pair p;
    char address[ET_ADDRESS_BYTES];
    const struct et_listen_options options = options_of(&p, "127.0.0.1:0");
    pair_listen(&p, &options);
    (void)snprintf(address, sizeof address, "%s", et_listener_address(p.listener));
    et_listener_close(p.listener);
    p.listener = NULL;
    const struct et_conn_options to = {.address = address, .handlers = &HANDLERS, .ctx = &p.client};
    p.server.is_over = true;
    CHECK_OK(et_conn_open(&p.client.conn, p.loop, &to, &err));
    CHECK(run_until(p.loop, client_over, &p));
    CHECK_EQ(p.client.status, ET_EIO);
    CHECK_HAS(p.client.why, address);
    CHECK(!p.client.is_open);
    pair_close(&p);
}

static void only_so_many_are_taken(void)
{
    struct pair p;
    int fds[5];
    for (int is_per_peer = 0; is_per_peer < 2; is_per_peer++) {
        struct et_listen_options options = options_of(&p, "127.0.0.1:0");
        *(is_per_peer ? &options.per_peer_max : &options.connections_max) = 3;
        pair_listen(&p, &options);
        p.client.is_over = true;
        for (int i = 0; i < 5; i++)
            fds[i] = peer_open(et_listener_address(p.listener));
        run_some(p.loop);
        const struct et_listener_counts counts = et_listener_counts(p.listener);
        CHECK_EQ(counts.n_open, 3);
        CHECK_EQ(counts.n_taken, 3);
        CHECK_EQ(counts.n_refused, 2);
        CHECK(peer_is_closed(p.loop, fds[4]) && !peer_is_closed(p.loop, fds[2]));
        for (int i = 0; i < 5; i++)
            (void)close(fds[i]);
        for (int i = 0; i < 3; i++) // the handlers know of the last alone
            et_conn_close(p.accepted[i]);
        et_listener_close(p.listener);
        et_loop_close(p.loop);
    }
}

// 127.0.0.1 is one host; so five who say nothing meet both limits.
static void who_has_not_greeted_makes_room(void)
{
    struct pair p;
    int fds[5];
    for (int is_per_peer = 0; is_per_peer < 2; is_per_peer++) {
        struct et_listen_options options = options_of(&p, "127.0.0.1:0");
        *(is_per_peer ? &options.per_peer_max : &options.connections_max) = 3;
        options.has_greeting = true;
        pair_listen(&p, &options);
        p.client.is_over = true;
        fds[0] = peer_open(et_listener_address(p.listener));
        run_some(p.loop);
        et_conn_greeted(p.accepted[0]);
        for (int i = 1; i < 5; i++) {
            et_conn_set_handlers(p.accepted[i - 1], NULL, NULL); // the rig knows of one
            fds[i] = peer_open(et_listener_address(p.listener));
            run_some(p.loop);
        }
        CHECK_EQ(et_listener_counts(p.listener).n_open, 3);
        CHECK_EQ(et_listener_counts(p.listener).n_refused, 0);
        CHECK(peer_is_closed(p.loop, fds[1]) && peer_is_closed(p.loop, fds[2]));
        CHECK(!peer_is_closed(p.loop, fds[0]) && !peer_is_closed(p.loop, fds[3]) &&
              !peer_is_closed(p.loop, fds[4]));
        et_conn_greeted(p.accepted[3]);
        et_conn_greeted(p.accepted[4]);
        const int late = peer_open(et_listener_address(p.listener));
        run_some(p.loop);
        CHECK_EQ(et_listener_counts(p.listener).n_refused, 1);
        (void)close(late);
        for (int i = 0; i < 5; i++)
            (void)close(fds[i]);
        et_conn_close(p.accepted[0]);
        et_conn_close(p.accepted[3]);
        et_conn_close(p.accepted[4]);
        et_listener_close(p.listener);
        et_loop_close(p.loop);
    }
}

static void a_peer_that_is_silent_is_ended(void)
{
    struct pair p;
    struct et_listen_options options = options_of(&p, "127.0.0.1:0");
    options.conn.idle_ns = 5 * S;
    pair_listen(&p, &options);
    p.client.is_over = true;
    const int fd = peer_open(et_listener_address(p.listener));
    run_some(p.loop);
    pass(p.loop, 4 * S);
    peer_puts(fd, "x");
    run_some(p.loop);
    pass(p.loop, 4 * S);
    CHECK(!p.server.is_over);
    pass(p.loop, 2 * S);
    CHECK(p.server.is_over);
    CHECK_EQ(p.server.status, ET_ECANCELLED);
    (void)close(fd);
    pair_close(&p);
}

static void a_handshake_that_stalls_is_ended(void)
{
    struct pair p;
    struct et_tls *server, *client;
    tls_pair(&server, &client);
    struct et_listen_options options = options_of(&p, "127.0.0.1:0");
    options.tls = server;
    pair_listen(&p, &options);
    p.client.is_over = p.server.is_over = true;
    const int stalls = peer_open(et_listener_address(p.listener));
    const int talks = peer_open(et_listener_address(p.listener));
    peer_put(stalls, "\x16\x03\x01", 3);
    peer_puts(talks, "GET / HTTP/1.1\r\n\r\n"); // plain, at a port of TLS
    run_some(p.loop);
    CHECK_EQ(et_listener_counts(p.listener).n_open, 1);
    pass(p.loop, 9 * S);
    CHECK_EQ(et_listener_counts(p.listener).n_open, 1);
    pass(p.loop, 2 * S);
    const struct et_listener_counts counts = et_listener_counts(p.listener);
    CHECK(counts.n_open == 0 && counts.n_taken == 2 && counts.n_failed == 2);
    CHECK_EQ(p.n_accepted, 0);
    (void)close(stalls);
    (void)close(talks);
    pair_close(&p);
    et_tls_close(server);
    et_tls_close(client);
}

static void what_is_left_lying_has_its_limit(void)
{
    struct pair p;
    static char bytes[5000];
    struct et_listen_options options = options_of(&p, "127.0.0.1:0");
    options.conn.in_bytes_max = 4000;
    pair_listen(&p, &options);
    p.client.is_over = true;
    p.server.keeps_all = true;
    const int fd = peer_open(et_listener_address(p.listener));
    peer_put(fd, bytes, 3999);
    run_some(p.loop);
    CHECK(p.server.is_open && !p.server.is_over);
    peer_put(fd, bytes, 1);
    run_some(p.loop);
    CHECK(p.server.is_over);
    CHECK_EQ(p.server.status, ET_ELIMIT);
    (void)close(fd);
    pair_close(&p);
}

static void who_does_not_read_fills_only_the_quota(void)
{
    static char bytes[100000];
    struct pair p;
    struct et_listen_options options = options_of(&p, "127.0.0.1:0");
    options.conn.out_bytes_max = 300000;
    pair_listen(&p, &options);
    p.client.is_over = true;
    const int fd = peer_open(et_listener_address(p.listener));
    run_some(p.loop);
    enum et_status st = ET_OK;
    size_t n_sent = 0;
    for (int i = 0; i < 1000 && st == ET_OK; i++) {
        st = et_conn_send(p.server.conn, bytes, sizeof bytes);
        n_sent += st == ET_OK ? sizeof bytes : 0;
        run_some(p.loop);
        CHECK(et_conn_unsent(p.server.conn) <= 300000);
    }
    CHECK_EQ(st, ET_AGAIN);
    CHECK_EQ(et_conn_send(p.server.conn, bytes, 300001), ET_ELIMIT);
    CHECK_EQ(p.server.n_sent > 0, n_sent > 300000);
    // It reads after all: everything comes.
    const int n_before = p.server.n_sent;
    size_t n_got = 0;
    for (int i = 0; i < 100000 && n_got < n_sent; i++) {
        static char got[1 << 16];
        const ssize_t n = recv(fd, got, sizeof got, 0);
        n_got += n > 0 ? (size_t)n : 0;
        if (n < 0)
            CHECK_OK(et_loop_run_once(p.loop, S / 1000, &err));
    }
    CHECK_EQ(n_got, n_sent);
    CHECK_EQ(p.server.n_sent, n_before + 1);
    (void)close(fd);
    pair_close(&p);
}

static void a_pause_lets_the_other_side_wait(void)
{
    struct pair p;
    const struct et_listen_options options = options_of(&p, "127.0.0.1:0");
    pair_listen(&p, &options);
    p.client.is_over = true;
    const int fd = peer_open(et_listener_address(p.listener));
    run_some(p.loop);
    et_conn_pause(p.server.conn, true);
    peer_puts(fd, "hello");
    run_some(p.loop);
    CHECK_EQ(p.server.got.n, 0);
    et_conn_pause(p.server.conn, false);
    run_some(p.loop);
    CHECK(et_str_is(et_buf_str(&p.server.got), "hello"));
    // One that goes away while it is not read from is noticed all the same.
    et_conn_pause(p.server.conn, true);
    const struct linger now = {.l_onoff = 1};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    (void)close(fd);
    run_some(p.loop);
    CHECK(p.server.is_over);
    pair_close(&p);
}

static void a_file_goes_behind_what_was_sent(void)
{
    static char bytes[300000];
    struct et_tls *tls[2];
    struct rng rng = {9};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)rng_next(&rng);
    write_file(temp_path("file"), bytes, sizeof bytes);
    tls_pair(&tls[0], &tls[1]);
    for (int is_tls = 0; is_tls < 2; is_tls++) {
        struct pair p;
        pair_open(&p, "127.0.0.1:0", is_tls ? tls[0] : NULL, is_tls ? tls[1] : NULL);
        const int fd = open(temp_path("file"), O_RDONLY);
        CHECK_EQ(et_conn_send(p.server.conn, "head", 4), ET_OK);
        CHECK_EQ(et_conn_send_file(p.server.conn, fd, 10, sizeof bytes - 10), ET_OK);
        CHECK_EQ(et_conn_send(p.server.conn, "x", 1), ET_AGAIN);
        CHECK_EQ(et_conn_send_file(p.server.conn, dup(fd), 0, 1), ET_AGAIN);
        CHECK_EQ(et_conn_unsent(p.server.conn), sizeof bytes - 6);
        for (int i = 0; i < 2000 && p.client.got.n < sizeof bytes - 6; i++)
            run_some(p.loop);
        CHECK(p.client.got.n == sizeof bytes - 6 && memcmp(p.client.got.p, "head", 4) == 0 &&
              memcmp(p.client.got.p + 4, bytes + 10, sizeof bytes - 10) == 0);
        // A file that is shorter than was promised ends the connection.
        CHECK_EQ(et_conn_send_file(p.server.conn, open(temp_path("file"), O_RDONLY), 0,
                                   sizeof bytes + 1),
                 ET_OK);
        CHECK(run_until(p.loop, server_over, &p));
        CHECK_EQ(p.server.status, ET_EIO);
        CHECK_HAS(p.server.why, "shorter");
        pair_close(&p);
    }
    et_tls_close(tls[0]);
    et_tls_close(tls[1]);
}

static void who_leaves_before_a_file_harms_nobody_else(void)
{
    struct pair p;
    char address[200];
    (void)snprintf(address, sizeof address, "unix:%s", temp_path("leaves.sock"));
    const struct et_listen_options options = options_of(&p, address);
    pair_listen(&p, &options);
    p.client.is_over = true;
    const int fd = peer_open(address);
    run_some(p.loop);
    (void)close(fd);
    CHECK_EQ(et_conn_send_file(p.server.conn, open(source_path("STYLE.md"), O_RDONLY), 0, 1000),
             ET_OK);
    CHECK(run_until(p.loop, server_over, &p)); // by the default of SIGPIPE the program would end
    CHECK_EQ(p.server.status, ET_EIO);
    pair_close(&p);
}

static void out_of_descriptors_does_not_spin(void)
{
    struct pair p;
    struct rlimit limit;
    const struct et_listen_options options = options_of(&p, "127.0.0.1:0");
    pair_listen(&p, &options);
    p.client.is_over = true;
    const int fd = peer_open(et_listener_address(p.listener));
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const struct rlimit none = {.rlim_cur = (rlim_t)fd + 1, .rlim_max = limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    for (int i = 0; i < 20; i++)
        CHECK_OK(et_loop_run_once(p.loop, 0, &err));
    CHECK_EQ(et_listener_counts(p.listener).n_failed, 1);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    pass(p.loop, S / 5);
    CHECK_EQ(et_listener_counts(p.listener).n_taken, 1);
    CHECK(p.server.is_open);
    (void)close(fd);
    pair_close(&p);
}

static void refuse_all(void *ctx, struct et_conn *conn)
{
    (void)ctx;
    (void)conn;
}

static void what_nobody_takes_is_closed(void)
{
    struct pair p;
    struct et_listen_options options = options_of(&p, "127.0.0.1:0");
    options.on_accept = refuse_all;
    pair_listen(&p, &options);
    p.client.is_over = p.server.is_over = true;
    const int fd = peer_open(et_listener_address(p.listener));
    CHECK(peer_is_closed(p.loop, fd));
    CHECK_EQ(et_listener_counts(p.listener).n_open, 0);
    (void)close(fd);
    pair_close(&p);
}

static void connections_outlive_their_listener(void)
{
    struct pair p;
    pair_open(&p, "127.0.0.1:0", NULL, NULL);
    et_listener_close(p.listener);
    p.listener = NULL;
    CHECK_EQ(et_conn_send(p.client.conn, "hello", 5), ET_OK);
    run_some(p.loop);
    CHECK(et_str_is(et_buf_str(&p.server.got), "hello"));
    pair_close(&p);
}

int main(void)
{
    RUN(bytes_come_back_over_everything);
    RUN(a_listener_is_reached_from_this_machine_alone);
    RUN(what_is_no_address_is_refused);
    RUN(an_address_that_is_taken_says_so);
    RUN(nobody_there_is_told);
    RUN(only_so_many_are_taken);
    RUN(who_has_not_greeted_makes_room);
    RUN(a_peer_that_is_silent_is_ended);
    RUN(a_handshake_that_stalls_is_ended);
    RUN(what_is_left_lying_has_its_limit);
    RUN(who_does_not_read_fills_only_the_quota);
    RUN(a_pause_lets_the_other_side_wait);
    RUN(a_file_goes_behind_what_was_sent);
    RUN(who_leaves_before_a_file_harms_nobody_else);
    RUN(out_of_descriptors_does_not_spin);
    RUN(what_nobody_takes_is_closed);
    RUN(connections_outlive_their_listener);
    return tap_end();
}

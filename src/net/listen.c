#include "net/net__conn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define AT_ONCE_MAX 16 // accepted in one turn, so that the others have theirs
#define CONNECTIONS_MAX 256
#define PER_PEER_MAX 64
// Out of descriptors or memory: accepting again at once would spin, for what waits stays ready.
#define REST_NS (100 * INT64_C(1000000))

struct et_listener {
    struct et_listen_options options;
    struct et_loop *loop;
    struct et_watch watch;
    struct et_timer rest;
    struct et_conn *conns;
    struct et_listener_counts counts;
    char address[ET_ADDRESS_BYTES];
    char unix_path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; // removed at the end
};

struct et_conn **et__listener_list(struct et_listener *listener)
{
    return &listener->conns;
}

/* Whether there is room for one more of a peer. Where there is none, who has not said who it is
 * makes some, the oldest first: those of the peer where they alone are too many, else any. */
static bool has_room(struct et_listener *listener, const struct et__address *peer)
{
    size_t n = 0;
    struct et_conn *oldest = NULL, *oldest_of_peer = NULL; // the list begins with the newest
    for (struct et_conn *c = listener->conns; c; c = et__conn_next(c)) {
        const bool is_peers = et__address_is_same_host(et__conn_address(c), peer);
        n += is_peers;
        if (et__conn_is_greeted(c))
            continue;
        oldest = c;
        oldest_of_peer = is_peers ? c : oldest_of_peer;
    }
    const bool is_of_peer = n >= listener->options.per_peer_max;
    if (!is_of_peer && listener->counts.n_open < listener->options.connections_max)
        return true;
    struct et_conn *goes = is_of_peer ? oldest_of_peer : oldest;
    if (!goes || !listener->options.has_greeting)
        return false;
    et__conn_make_room(goes);
    return true;
}

static void take(struct et_listener *listener, int fd, const struct et__address *peer)
{
    struct et_conn *conn;
    if (!has_room(listener, peer)) {
        listener->counts.n_refused++;
        (void)close(fd);
        return;
    }
    listener->counts.n_open++;
    listener->counts.n_taken++;
    if (et__conn_accept(listener->loop, listener, fd, peer, &listener->options, &conn, NULL) !=
        ET_OK) {
        listener->counts.n_open--;
        listener->counts.n_failed++;
    }
}

static void on_rested(void *ctx)
{
    struct et_listener *listener = ctx;
    if (et_watch_change(&listener->watch, ET_LOOP_READ, NULL) != ET_OK)
        et_timer_set(listener->loop, &listener->rest, et_loop_now_ns(listener->loop) + REST_NS);
}

static void on_ready(void *ctx, unsigned events)
{
    struct et_listener *listener = ctx;
    (void)events;
    for (int i = 0; i < AT_ONCE_MAX; i++) {
        struct et__address peer = {.n = sizeof peer.sa};
        const int fd = accept4(listener->watch.fd, (struct sockaddr *)&peer.sa, &peer.n,
                               SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            take(listener, fd, &peer);
            continue;
        }
        if (errno == EAGAIN)
            return;
        listener->counts.n_failed++;
        if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO)
            continue; // that one connection is gone
        // Asking for nothing cannot fail for want of memory; if it does, the next turn asks again.
        (void)!et_watch_change(&listener->watch, 0, NULL);
        et_timer_set(listener->loop, &listener->rest, et_loop_now_ns(listener->loop) + REST_NS);
        return;
    }
}

void et__listener_opened(struct et_listener *listener, struct et_conn *conn)
{
    listener->options.on_accept(listener->options.ctx, conn);
}

void et__listener_ended(struct et_listener *listener, bool was_open)
{
    listener->counts.n_open--;
    listener->counts.n_failed += !was_open;
}

// A socket's file stays behind when its process is killed. Nobody listens when nobody answers.
static void remove_stale(const struct et__address *address)
{
    const struct sockaddr_un *sa = (const void *)&address->sa;
    struct stat info;
    if (lstat(sa->sun_path, &info) != 0 || !S_ISSOCK(info.st_mode))
        return;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)sa, address->n) != 0 && errno == ECONNREFUSED)
        (void)unlink(sa->sun_path);
    (void)close(fd);
}

static enum et_status bind_to(struct et_listener *listener, const struct et__address *address,
                              struct et_err *err)
{
    static const int ON = 1;
    const int family = address->sa.ss_family;
    const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return et_fail_sys(err, errno, "no socket to listen on");
    listener->watch.fd = fd;
    if (family == AF_UNIX)
        remove_stale(address);
    else
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &ON, sizeof ON);
    if (family == AF_INET6) // "::" is IPv6 alone, whatever the system's setting says
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &ON, sizeof ON);
    if (bind(fd, (const struct sockaddr *)&address->sa, address->n) != 0) {
        const int sys = errno;
        return sys == EADDRINUSE
                   ? et_fail(err, ET_EEXISTS, -1,
                             "another program listens here already: choose another port")
                   : et_fail_sys(err, sys, "cannot listen");
    }
    if (family == AF_UNIX)
        memcpy(listener->unix_path,
               ((const struct sockaddr_un *)(const void *)&address->sa)->sun_path,
               sizeof listener->unix_path);
    struct et__address bound = {.n = sizeof bound.sa};
    if (listen(fd, BACKLOG) != 0 || getsockname(fd, (struct sockaddr *)&bound.sa, &bound.n) != 0)
        return et_fail_sys(err, errno, "cannot listen");
    et__address_text(&bound, listener->address);
    return ET_OK;
}

static enum et_status begin(struct et_listener *listener, const struct et_listen_options *options,
                            struct et_err *err)
{
    struct et__address address = {0};
    size_t n;
    const enum et_status st =
        et__address_read(options->address, ET__ADDRESS_LISTEN, &address, 1, &n, NULL, err);
    if (st != ET_OK)
        return st;
    if (!et__address_is_loopback(&address) && !options->is_public)
        return et_fail(err, ET_EARG, -1,
                       "other machines would reach it: that needs a certificate and a token");
    if (!et__address_is_loopback(&address) && !options->tls)
        return et_fail(err, ET_EARG, -1, "what other machines reach needs TLS");
    const enum et_status bound = bind_to(listener, &address, err);
    return bound == ET_OK ? et_watch_begin(listener->loop, &listener->watch, ET_LOOP_READ, err)
                          : bound;
}

enum et_status et_listener_open(struct et_listener **listener, struct et_loop *loop,
                                const struct et_listen_options *options, struct et_err *err)
{
    *listener = NULL;
    assert(options->on_accept);
    struct et_listener *l = calloc(1, sizeof *l);
    if (!l)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a listener");
    l->loop = loop;
    l->options = *options;
    if (!l->options.connections_max)
        l->options.connections_max = CONNECTIONS_MAX;
    if (!l->options.per_peer_max)
        l->options.per_peer_max = PER_PEER_MAX;
    l->watch = (struct et_watch){.fd = -1, .on_ready = on_ready, .ctx = l};
    l->rest = (struct et_timer){.on_time = on_rested, .ctx = l};
    const enum et_status st = begin(l, options, err);
    if (st != ET_OK) {
        (void)et_err_context(err, "%.120s", options->address);
        et_listener_close(l);
        return st;
    }
    *listener = l;
    return ET_OK;
}

void et_listener_close(struct et_listener *listener)
{
    if (!listener)
        return;
    while (listener->conns) {
        struct et_conn *conn = listener->conns;
        const bool is_open = et__conn_is_open(conn);
        et__conn_leave(conn);
        if (!is_open)
            et_conn_close(conn);
    }
    et_timer_end(&listener->rest);
    et_watch_end(&listener->watch);
    if (listener->watch.fd >= 0)
        (void)close(listener->watch.fd);
    if (listener->unix_path[0])
        (void)unlink(listener->unix_path);
    free(listener);
}

const char *et_listener_address(const struct et_listener *listener)
{
    return listener->address;
}

struct et_listener_counts et_listener_counts(const struct et_listener *listener)
{
    return listener->counts;
}

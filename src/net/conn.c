#include "net/net__conn.h"
#include "net/net__lookup.h"
#include "net/net__loop.h"
#include "net/net__tls.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define IN_BYTES ((size_t)64 << 10)
#define OUT_BYTES ((size_t)1 << 20)
#define OPEN_NS (10 * INT64_C(1000000000))
#define IDLE_NS (120 * INT64_C(1000000000))
#define LINGER_NS (5 * INT64_C(1000000000)) // for the other side's end, after ours
#define FILE_PIECE_BYTES ((int64_t)1 << 20) // of a file in one turn
#define KEPT_BYTES ((size_t)16 << 10)       // a buffer of this size is kept when it is empty

enum state { LOOKING_UP, CONNECTING, HANDSHAKE, OPEN, DEAD };

// What is needed until it is open.
struct opening {
    struct et__address addresses[ET__ADDRESSES_MAX];
    size_t n_addresses, i_next;
    char host[ET__HOST_BYTES];
    struct et_tls *tls;
};

struct et_conn {
    struct et_loop *loop;
    struct et_watch watch;
    struct et_timer limit;
    struct et__task flush, again, gone;
    const struct et_conn_handlers *handlers;
    void *ctx;
    struct et_conn_limits limits;
    struct et__tls_session *tls;
    struct opening *opening;
    struct et__lookup *lookup; // NULL: there is none

    struct et_buf in, out; // what lies, what waits; each from its `at` on
    size_t in_at, out_at;
    int file_fd;
    int64_t file_at, file_left;

    int64_t begun_ns, moved_ns;
    enum state state;
    unsigned watched;
    bool is_greeted; // it may stay where room is short
    bool is_paused, is_finished, is_end_sent, is_end_seen, is_end_told, has_sent, write_waits;
    struct et_err failure; // of a send, told after the call that made it

    struct et_listener *listener;
    struct et_conn *next, *before;
    struct et__address address;
    char peer[ET_ADDRESS_BYTES];
};

static const struct et_conn_handlers NO_HANDLERS = {0};

// --- its end

static void free_it(void *ctx)
{
    struct et_conn *c = ctx;
    et_buf_free(&c->in);
    et_buf_free(&c->out);
    free(c->opening);
    free(c);
}

void et__conn_leave(struct et_conn *c)
{
    struct et_listener *listener = c->listener;
    if (!listener)
        return;
    *(c->before ? &c->before->next : et__listener_list(listener)) = c->next;
    if (c->next)
        c->next->before = c->before;
    c->listener = NULL;
}

static void take_down(struct et_conn *c)
{
    struct et_listener *listener = c->listener;
    const bool was_open = c->state == OPEN;
    c->state = DEAD;
    et_watch_end(&c->watch);
    et_timer_end(&c->limit);
    et__task_end(&c->flush);
    et__task_end(&c->again);
    et__lookup_close(c->lookup);
    c->lookup = NULL;
    et__tls_free(c->tls);
    c->tls = NULL;
    if (c->watch.fd >= 0)
        (void)close(c->watch.fd);
    if (c->file_fd >= 0)
        (void)close(c->file_fd);
    c->file_fd = -1;
    et__conn_leave(c);
    if (listener)
        et__listener_ended(listener, was_open);
    // A call higher up may still look at it; nobody does when the loop has come round.
    et__loop_later(c->loop, &c->gone);
}

void et_conn_close(struct et_conn *c)
{
    if (c && c->state != DEAD)
        take_down(c);
}

// It ends by itself, for the reason in *why.
static void end(struct et_conn *c, const struct et_err *why)
{
    if (c->state == DEAD)
        return;
    take_down(c);
    if (c->handlers->on_close)
        c->handlers->on_close(c->ctx, c, why);
}

static void end_with(struct et_conn *c, enum et_status st, const char *text)
{
    struct et_err why = {0};
    (void)et_fail(&why, st, -1, "%s", text);
    (void)et_err_context(&why, "%.127s", c->peer);
    end(c, &why);
}

static void end_failed(struct et_conn *c, struct et_err *why)
{
    (void)et_err_context(why, "%.127s", c->peer);
    end(c, why);
}

// --- time limits: one timer, which looks when it comes whether it came too early

static int64_t deadline(const struct et_conn *c)
{
    int64_t limit_ns = c->state == OPEN ? c->limits.idle_ns : c->limits.open_ns;
    if (c->is_end_sent && (limit_ns < 0 || limit_ns > LINGER_NS))
        limit_ns = LINGER_NS;
    if (limit_ns < 0)
        return -1;
    return (c->state == OPEN ? c->moved_ns : c->begun_ns) + limit_ns;
}

static void set_limit(struct et_conn *c)
{
    const int64_t at_ns = deadline(c);
    if (at_ns >= 0)
        et_timer_set(c->loop, &c->limit, at_ns);
    else
        et_timer_end(&c->limit);
}

static void on_limit(void *ctx)
{
    struct et_conn *c = ctx;
    const int64_t at_ns = deadline(c);
    if (at_ns < 0 || at_ns > et_loop_now_ns(c->loop))
        set_limit(c);
    else if (c->state == OPEN)
        end_with(c, ET_ECANCELLED, "nothing moved for too long");
    else
        end_with(c, ET_ECANCELLED, "the connection took too long to open");
}

// --- what it waits for

static bool has_unsent(const struct et_conn *c)
{
    return c->out.n > c->out_at || c->file_left > 0;
}

static void update_watch(struct et_conn *c)
{
    struct et_err why = {0};
    unsigned events = 0;
    if (c->state == DEAD || c->state == LOOKING_UP)
        return;
    if (c->state == CONNECTING)
        events = ET_LOOP_WRITE;
    else if (c->state == HANDSHAKE)
        events = et__tls_wants_write(c->tls) ? ET_LOOP_WRITE : ET_LOOP_READ;
    else
        events = (c->is_paused || c->is_end_seen ? 0 : ET_LOOP_READ) |
                 (has_unsent(c) && !c->write_waits ? ET_LOOP_WRITE : 0);
    if (events == c->watched)
        return;
    c->watched = events;
    if (et_watch_change(&c->watch, events, &why) == ET_OK)
        return;
    if (c->state != OPEN) {
        end_failed(c, &why);
        return;
    }
    c->failure = why; // a call of its user may be under way, so it is told after that
    et__loop_later(c->loop, &c->flush);
}

// --- writing

static enum et_status write_piece(struct et_conn *c, const char *p, size_t n, size_t *put,
                                  struct et_err *err)
{
    if (c->tls) {
        const enum et_status st = et__tls_write(c->tls, p, n, put, err);
        c->write_waits = st == ET_AGAIN && !et__tls_wants_write(c->tls);
        return st;
    }
    const ssize_t got = send(c->watch.fd, p, n, MSG_NOSIGNAL);
    *put = got < 0 ? 0 : (size_t)got;
    if (got >= 0)
        return ET_OK;
    return errno == EAGAIN || errno == EINTR ? ET_AGAIN
                                             : et_fail_sys(err, errno, "the connection was cut");
}

// Writes from the buffer until it is empty (ET_OK) or the system takes no more (ET_AGAIN).
static enum et_status write_out(struct et_conn *c, struct et_err *err)
{
    while (c->out.n > c->out_at) {
        size_t put = 0;
        const enum et_status st =
            write_piece(c, c->out.p + c->out_at, c->out.n - c->out_at, &put, err);
        if (st != ET_OK)
            return st;
        c->moved_ns = et_loop_now_ns(c->loop);
        c->out_at += put;
    }
    c->out_at = 0;
    et_buf_clear(&c->out);
    if (c->out.cap > KEPT_BYTES)
        et_buf_free(&c->out);
    return ET_OK;
}

/* sendfile raises SIGPIPE where the other side is gone, and has no flag against it as send has. So
 * the signal is held back for this thread and taken away again, unless it waited before. */
static ssize_t send_piece(int to, int from, off_t *at, size_t n)
{
    static const struct timespec NO_TIME = {0};
    sigset_t pipe, old, waiting;
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)sigpending(&waiting);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &old);
    const ssize_t got = sendfile(to, from, at, n);
    const int sys = errno;
    if (got < 0 && sys == EPIPE && sigismember(&waiting, SIGPIPE) != 1)
        while (sigtimedwait(&pipe, NULL, &NO_TIME) < 0 && errno == EINTR)
            continue;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = sys;
    return got;
}

static enum et_status file_piece(struct et_conn *c, struct et_err *err)
{
    ssize_t got;
    const int64_t n = c->file_left < FILE_PIECE_BYTES ? c->file_left : FILE_PIECE_BYTES;
    if (c->tls) {
        const size_t room = c->out.limit < ET__SCRATCH_BYTES ? c->out.limit : ET__SCRATCH_BYTES;
        char *scratch = et__loop_scratch(c->loop);
        got = pread(c->file_fd, scratch, (size_t)n < room ? (size_t)n : room, c->file_at);
        if (got > 0)
            et_buf_put(&c->out, scratch, (size_t)got);
        if (c->out.status != ET_OK)
            return et_buf_check(&c->out, "a piece of a file", err);
    } else {
        off_t at = c->file_at;
        got = send_piece(c->watch.fd, c->file_fd, &at, (size_t)n);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return ET_AGAIN;
        if (got > 0)
            c->moved_ns = et_loop_now_ns(c->loop);
    }
    if (got < 0)
        return et_fail_sys(err, errno, "a file cannot be sent");
    if (got == 0)
        return et_fail(err, ET_EIO, -1, "a file became shorter while it was sent");
    c->file_at += got;
    c->file_left -= got;
    if (c->file_left == 0) {
        (void)close(c->file_fd);
        c->file_fd = -1;
    }
    return ET_OK;
}

// All that waits, but of a file no more than a piece, so that other connections have their turn.
static enum et_status write_all(struct et_conn *c, struct et_err *err)
{
    enum et_status st = write_out(c, err);
    if (st == ET_OK && c->file_left > 0) {
        st = file_piece(c, err);
        if (st == ET_OK)
            st = write_out(c, err);
    }
    return st;
}

static void send_end(struct et_conn *c)
{
    c->is_end_sent = true;
    if (c->tls)
        et__tls_end(c->tls);
    (void)shutdown(c->watch.fd, SHUT_WR);
    set_limit(c);
    if (c->is_end_seen)
        end_with(c, ET_END, "both sides have finished");
}

static void flush(void *ctx)
{
    struct et_conn *c = ctx;
    struct et_err why = c->failure;
    if (c->state != OPEN)
        return;
    const enum et_status st = why.status != ET_OK ? why.status : write_all(c, &why);
    if (st < 0) {
        end_failed(c, &why);
        return;
    }
    if (!has_unsent(c) && c->has_sent) {
        c->has_sent = false;
        if (c->handlers->on_sent)
            c->handlers->on_sent(c->ctx, c);
    }
    if (c->state == OPEN && !has_unsent(c) && c->is_finished && !c->is_end_sent)
        send_end(c);
    update_watch(c);
}

enum et_status et__conn_send_parts(struct et_conn *c, const struct et_str *parts, size_t n_parts)
{
    size_t n = 0;
    for (size_t i = 0; i < n_parts; i++)
        n += parts[i].n;
    if (c->state != OPEN || c->is_finished || c->failure.status != ET_OK)
        return ET_ECANCELLED;
    if (n > c->limits.out_bytes_max)
        return ET_ELIMIT;
    if (c->file_left > 0)
        return ET_AGAIN;
    if (c->out.n - c->out_at > c->limits.out_bytes_max - n && write_out(c, &c->failure) < 0) {
        et__loop_later(c->loop, &c->flush);
        return ET_ECANCELLED;
    }
    if (c->out.n - c->out_at > c->limits.out_bytes_max - n)
        return ET_AGAIN;
    if (c->out_at > 0 && c->out.n > c->out.limit - n) { // what has gone makes room
        c->out.n -= c->out_at;
        memmove(c->out.p, c->out.p + c->out_at, c->out.n);
        c->out_at = 0;
    }
    if (!et_buf_reserve(&c->out, n)) {
        c->out.status = ET_OK; // nothing of it was taken
        return ET_ENOMEM;
    }
    for (size_t i = 0; i < n_parts; i++)
        et_buf_put(&c->out, parts[i].p, parts[i].n);
    c->has_sent = true;
    et__loop_later(c->loop, &c->flush);
    return ET_OK;
}

enum et_status et_conn_send(struct et_conn *c, const void *p, size_t n)
{
    return et__conn_send_parts(c, &(struct et_str){p, n}, 1);
}

enum et_status et_conn_send_file(struct et_conn *c, int fd, int64_t offset, int64_t n)
{
    const bool is_over = c->state != OPEN || c->is_finished;
    if (is_over || c->file_left > 0 || n <= 0) {
        (void)close(fd);
        return is_over ? ET_ECANCELLED : n <= 0 ? ET_OK : ET_AGAIN;
    }
    c->file_fd = fd;
    c->file_at = offset;
    c->file_left = n;
    c->has_sent = true;
    et__loop_later(c->loop, &c->flush);
    return ET_OK;
}

int64_t et_conn_unsent(const struct et_conn *c)
{
    return (int64_t)(c->out.n - c->out_at) + c->file_left;
}

void et_conn_finish(struct et_conn *c)
{
    if (c->state != OPEN || c->is_finished)
        return;
    c->is_finished = true;
    et__loop_later(c->loop, &c->flush);
}

// --- reading

static enum et_status read_piece(struct et_conn *c, char *p, size_t cap, size_t *n,
                                 struct et_err *err)
{
    enum et_status st = ET_OK;
    *n = 0;
    if (!c->tls) {
        const ssize_t got = recv(c->watch.fd, p, cap, 0);
        if (got > 0)
            *n = (size_t)got;
        if (got >= 0)
            return got == 0 ? ET_END : ET_OK;
        return errno == EAGAIN || errno == EINTR
                   ? ET_AGAIN
                   : et_fail_sys(err, errno, "the connection was cut");
    }
    // What TLS holds the socket does not tell of.
    do {
        size_t got;
        st = et__tls_read(c->tls, p + *n, cap - *n, &got, err);
        *n += got;
    } while (st == ET_OK && *n < cap && et__tls_has_more(c->tls));
    return st;
}

// Gives n bytes at p to the reader, which lie in the buffer or in the loop's scratch.
static void deliver(struct et_conn *c, char *p, size_t n, bool is_kept)
{
    const size_t used = c->handlers->on_read ? c->handlers->on_read(c->ctx, c, p, n) : n;
    if (c->state != OPEN)
        return;
    assert(used <= n);
    if (is_kept) {
        c->in_at += used;
        if (c->in_at == c->in.n) {
            c->in_at = 0;
            et_buf_clear(&c->in);
            if (c->in.cap > KEPT_BYTES)
                et_buf_free(&c->in);
        }
    } else if (used < n) {
        et_buf_put(&c->in, p + used, n - used);
    }
    if (c->in.status != ET_OK)
        end_with(c, c->in.status, "no memory for what was read");
    else if (!c->is_paused && c->in.n - c->in_at >= c->limits.in_bytes_max)
        end_with(c, ET_ELIMIT, "more lies unread than is allowed");
}

static void tell_end(struct et_conn *c)
{
    if (c->is_end_told || c->is_paused)
        return;
    c->is_end_told = true;
    if (c->is_end_sent || !c->handlers->on_end)
        end_with(c, ET_END, "the other side has closed");
    else
        c->handlers->on_end(c->ctx, c);
}

static void read_some(struct et_conn *c)
{
    struct et_err why = {0};
    const size_t lies = c->in.n - c->in_at;
    if (c->is_paused || c->is_end_seen || lies >= c->limits.in_bytes_max)
        return;
    size_t n, cap = c->limits.in_bytes_max - lies;
    cap = cap < ET__SCRATCH_BYTES ? cap : ET__SCRATCH_BYTES;
    char *p = et__loop_scratch(c->loop);
    if (lies > 0) {
        if (c->in_at >= lies || c->in.n + cap > c->in.limit) {
            memmove(c->in.p, c->in.p + c->in_at, lies);
            c->in.n = lies;
            c->in_at = 0;
        }
        p = et_buf_reserve(&c->in, cap);
        if (!p) {
            end_with(c, ET_ENOMEM, "no memory to read into");
            return;
        }
    }
    const enum et_status st = read_piece(c, p, cap, &n, &why);
    if (n > 0) {
        c->moved_ns = et_loop_now_ns(c->loop);
        if (lies > 0)
            c->in.n += n;
        deliver(c, lies > 0 ? c->in.p + c->in_at : p, lies + n, lies > 0);
    }
    if (c->state != OPEN)
        return;
    if (st < 0) {
        end_failed(c, &why);
    } else if (st == ET_END) {
        c->is_end_seen = true;
        tell_end(c);
    } else if (c->tls && st == ET_OK && et__tls_has_more(c->tls)) {
        et__loop_later(c->loop, &c->again);
    }
}

// What lies comes again, and what TLS holds.
static void read_again(void *ctx)
{
    struct et_conn *c = ctx;
    if (c->state != OPEN || c->is_paused)
        return;
    if (c->in.n > c->in_at)
        deliver(c, c->in.p + c->in_at, c->in.n - c->in_at, true);
    if (c->state == OPEN && !c->is_paused && c->is_end_seen)
        tell_end(c);
    else if (c->state == OPEN && c->tls && et__tls_has_more(c->tls))
        read_some(c);
    update_watch(c);
}

void et_conn_pause(struct et_conn *c, bool is_paused)
{
    if (c->state == DEAD || c->is_paused == is_paused)
        return;
    c->is_paused = is_paused;
    if (!is_paused)
        et__loop_later(c->loop, &c->again);
    else if (c->state == OPEN)
        update_watch(c);
}

// --- opening

static void opened(struct et_conn *c)
{
    c->state = OPEN;
    c->moved_ns = et_loop_now_ns(c->loop);
    free(c->opening);
    c->opening = NULL;
    set_limit(c);
    if (c->listener) {
        et__listener_opened(c->listener, c);
        if (c->state == OPEN && c->handlers == &NO_HANDLERS)
            et_conn_close(c);
    } else if (c->handlers->on_open) {
        c->handlers->on_open(c->ctx, c);
    }
    update_watch(c);
    // With the handshake's last bytes the first ones of what follows may have come.
    if (c->state == OPEN && c->tls && et__tls_has_more(c->tls))
        et__loop_later(c->loop, &c->again);
}

static void shake_hands(struct et_conn *c)
{
    struct et_err why = {0};
    const enum et_status st = et__tls_handshake(c->tls, &why);
    if (st == ET_OK)
        opened(c);
    else if (st == ET_AGAIN)
        update_watch(c);
    else
        end_failed(c, &why);
}

static void set_no_delay(int fd, int family)
{
    static const int ON = 1;
    if (family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &ON, sizeof ON);
}

// Begins with the next address that does not refuse at once. ET_EIO: there is none.
static enum et_status begin_connect(struct et_conn *c, struct et_err *err)
{
    struct opening *o = c->opening;
    c->state = CONNECTING;
    enum et_status st = et_fail(err, ET_EIO, -1, "no address to connect to");
    while (o->i_next < o->n_addresses) {
        c->address = o->addresses[o->i_next++];
        const int family = c->address.sa.ss_family;
        et__address_text(&c->address, c->peer);
        c->watch.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (c->watch.fd < 0) {
            st = et_fail_sys(err, errno, "no socket to connect with");
            continue;
        }
        set_no_delay(c->watch.fd, family);
        if (connect(c->watch.fd, (const struct sockaddr *)&c->address.sa, c->address.n) == 0 ||
            errno == EINPROGRESS)
            st = et_watch_begin(c->loop, &c->watch, ET_LOOP_WRITE, err);
        else
            st = et_fail_sys(err, errno, "cannot connect");
        if (st == ET_OK) {
            c->watched = ET_LOOP_WRITE;
            return ET_OK;
        }
        (void)close(c->watch.fd);
        c->watch.fd = -1;
    }
    return st;
}

static void connected(struct et_conn *c)
{
    struct et_err why = {0};
    int sys = 0;
    socklen_t n = sizeof sys;
    if (getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &sys, &n) != 0)
        sys = errno;
    if (sys != 0) {
        (void)et_fail_sys(&why, sys, "cannot connect");
        et_watch_end(&c->watch);
        (void)close(c->watch.fd);
        c->watch.fd = -1;
        // The last address's reason is the one that is told.
        if (c->opening->i_next == c->opening->n_addresses || begin_connect(c, &why) != ET_OK)
            end_failed(c, &why);
        return;
    }
    if (!c->opening->tls) {
        opened(c);
        return;
    }
    c->state = HANDSHAKE;
    if (et__tls_begin(&c->tls, c->opening->tls, c->watch.fd, false, c->opening->host, &why) !=
        ET_OK)
        end_failed(c, &why);
    else
        shake_hands(c);
}

static void on_ready(void *ctx, unsigned events)
{
    struct et_conn *c = ctx;
    if (c->state == CONNECTING) {
        connected(c);
        return;
    }
    if (c->state == HANDSHAKE) {
        shake_hands(c);
        return;
    }
    // Who is not read from would never see that the other side is gone, and be told for ever.
    if ((events & ET_LOOP_FAILED) && (c->is_paused || c->is_end_seen)) {
        end_with(c, ET_END, "the other side is gone");
        return;
    }
    if (events & (ET_LOOP_READ | ET_LOOP_FAILED))
        read_some(c);
    if (c->state == OPEN && (has_unsent(c) || c->has_sent) &&
        ((events & ET_LOOP_WRITE) || c->write_waits))
        flush(c);
    update_watch(c);
}

// The name's addresses are there, or it has none.
static void on_looked_up(void *ctx)
{
    struct et_conn *c = ctx;
    struct opening *o = c->opening;
    struct et_err why = {0};
    enum et_status st =
        et__lookup_take(c->lookup, o->addresses, ET__ADDRESSES_MAX, &o->n_addresses, &why);
    et__lookup_close(c->lookup);
    c->lookup = NULL;
    if (st == ET_OK)
        st = begin_connect(c, &why);
    if (st != ET_OK)
        end_failed(c, &why);
}

static enum et_status begin_opening(struct et_conn *c, const char *address, struct et_err *err)
{
    struct opening *o = c->opening;
    enum et_status st = et__address_read(address, ET__ADDRESS_NUMBERS, o->addresses,
                                         ET__ADDRESSES_MAX, &o->n_addresses, o->host, err);
    if (st == ET_EARG)
        return st;
    if (st == ET_AGAIN) {
        (void)snprintf(c->peer, sizeof c->peer, "%.127s", address);
        st = et__lookup_open(&c->lookup, c->loop, address, on_looked_up, c, err);
    } else {
        st = begin_connect(c, err);
    }
    if (st != ET_OK)
        (void)et_err_context(err, "%.120s", address);
    return st;
}

static void fill_limits(struct et_conn *c, const struct et_conn_limits *limits)
{
    if (limits)
        c->limits = *limits;
    if (!c->limits.in_bytes_max)
        c->limits.in_bytes_max = IN_BYTES;
    if (!c->limits.out_bytes_max)
        c->limits.out_bytes_max = OUT_BYTES;
    if (!c->limits.open_ns)
        c->limits.open_ns = OPEN_NS;
    if (!c->limits.idle_ns)
        c->limits.idle_ns = IDLE_NS;
    // What lies in front of `at` has gone already, and does not count.
    c->in.limit = 2 * c->limits.in_bytes_max;
    c->out.limit = 2 * c->limits.out_bytes_max;
}

static struct et_conn *make(struct et_loop *loop, const struct et_conn_limits *limits)
{
    struct et_conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->loop = loop;
    c->watch = (struct et_watch){.fd = -1, .on_ready = on_ready, .ctx = c};
    c->limit = (struct et_timer){.on_time = on_limit, .ctx = c};
    c->flush = (struct et__task){.run = flush, .ctx = c};
    c->again = (struct et__task){.run = read_again, .ctx = c};
    c->gone = (struct et__task){.run = free_it, .ctx = c};
    c->handlers = &NO_HANDLERS;
    c->file_fd = -1;
    c->begun_ns = c->moved_ns = et_loop_now_ns(loop);
    fill_limits(c, limits);
    return c;
}

enum et_status et_conn_open(struct et_conn **conn, struct et_loop *loop,
                            const struct et_conn_options *options, struct et_err *err)
{
    *conn = NULL;
    struct et_conn *c = make(loop, options->limits);
    struct opening *o = c ? calloc(1, sizeof *o) : NULL;
    if (!o) {
        free(c);
        return et_fail(err, ET_ENOMEM, -1, "no memory for a connection");
    }
    c->opening = o;
    c->handlers = options->handlers;
    c->ctx = options->ctx;
    o->tls = options->tls;
    const enum et_status st = begin_opening(c, options->address, err);
    if (options->host)
        (void)snprintf(o->host, sizeof o->host, "%s", options->host);
    if (st != ET_OK) {
        free_it(c);
        return st;
    }
    set_limit(c);
    *conn = c;
    return ET_OK;
}

enum et_status et__conn_accept(struct et_loop *loop, struct et_listener *listener, int fd,
                               const struct et__address *peer,
                               const struct et_listen_options *options, struct et_conn **conn,
                               struct et_err *err)
{
    struct et_conn *c = make(loop, &options->conn);
    *conn = c;
    if (!c) {
        (void)close(fd);
        return et_fail(err, ET_ENOMEM, -1, "no memory for a connection");
    }
    c->watch.fd = fd;
    c->address = *peer;
    et__address_text(peer, c->peer);
    set_no_delay(fd, peer->sa.ss_family);
    enum et_status st = et_watch_begin(loop, &c->watch, ET_LOOP_READ, err);
    if (st == ET_OK && options->tls)
        st = et__tls_begin(&c->tls, options->tls, fd, true, NULL, err);
    if (st != ET_OK) {
        *conn = NULL;
        take_down(c);
        return st;
    }
    c->watched = ET_LOOP_READ;
    c->listener = listener;
    struct et_conn **list = et__listener_list(listener);
    c->next = *list;
    if (c->next)
        c->next->before = c;
    *list = c;
    if (c->tls) {
        c->state = HANDSHAKE;
        set_limit(c);
    } else {
        opened(c);
    }
    return ET_OK;
}

// --- what it is

void et_conn_set_handlers(struct et_conn *c, const struct et_conn_handlers *handlers, void *ctx)
{
    c->handlers = handlers ? handlers : &NO_HANDLERS;
    c->ctx = ctx;
    if (c->state == OPEN)
        et__loop_later(c->loop, &c->again);
}

void et_conn_set_limits(struct et_conn *c, const struct et_conn_limits *limits)
{
    fill_limits(c, limits);
    if (c->state != DEAD)
        set_limit(c);
}

struct et_loop *et_conn_loop(const struct et_conn *c)
{
    return c->loop;
}

const char *et_conn_peer(const struct et_conn *c)
{
    return c->peer;
}

bool et_conn_is_loopback(const struct et_conn *c)
{
    return c->state != LOOKING_UP && et__address_is_loopback(&c->address);
}

bool et_conn_is_tls(const struct et_conn *c)
{
    return c->tls != NULL;
}

const struct et__address *et__conn_address(const struct et_conn *c)
{
    return &c->address;
}

struct et_conn *et__conn_next(const struct et_conn *c)
{
    return c->next;
}

void et_conn_greeted(struct et_conn *c)
{
    c->is_greeted = true;
}

bool et__conn_is_greeted(const struct et_conn *c)
{
    return c->is_greeted;
}

void et__conn_make_room(struct et_conn *c)
{
    end_with(c, ET_ELIMIT, "it had not said who it is, and made room for another one");
}

bool et__conn_is_open(const struct et_conn *c)
{
    return c->state == OPEN;
}

// Names are looked up beside the loop: whoever is slow to answer keeps nobody else waiting.
#include "fault.h"
#include "net_peer.h"
#include "support.h"
#include "tap.h"

#include "etude/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;
static pthread_t main_thread;

/* ---- a server of names that does not answer ---- */

static atomic_bool is_silent;
static atomic_int n_asked, n_answered;

static void ask(const char *call, int fd, const void *p, size_t n, int64_t at)
{
    (void)fd;
    (void)p;
    (void)n;
    (void)at;
    if (strcmp(call, "getaddrinfo") != 0 || pthread_equal(pthread_self(), main_thread))
        return;
    atomic_fetch_add(&n_asked, 1);
    while (atomic_load(&is_silent))
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    atomic_fetch_add(&n_answered, 1);
}

static bool comes_to(atomic_int *count, int n)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * ET_NS_PER_S;
    while (atomic_load(count) < n && et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    return atomic_load(count) >= n;
}

static void begin(bool should_be_silent)
{
    atomic_store(&n_asked, 0);
    atomic_store(&n_answered, 0);
    atomic_store(&is_silent, should_be_silent);
    fault_watch = ask;
}

/* ---- connections ---- */

struct end {
    struct et_conn *conn;
    bool is_open, is_over;
    struct et_err why;
};

static void on_open(void *ctx, struct et_conn *conn)
{
    struct end *e = ctx;
    CHECK(conn == e->conn);
    e->is_open = true;
}

static void on_close(void *ctx, struct et_conn *conn, const struct et_err *why)
{
    struct end *e = ctx;
    (void)conn;
    e->is_over = true;
    e->why = *why;
}

static const struct et_conn_handlers HANDLERS = {.on_open = on_open, .on_close = on_close};

static void on_accept(void *ctx, struct et_conn *conn)
{
    static const struct et_conn_handlers NONE = {0};
    (void)ctx;
    et_conn_set_handlers(conn, &NONE, NULL);
}

static struct et_listener *listens(struct et_loop *loop, char name[ET_ADDRESS_BYTES])
{
    const struct et_listen_options options = {.address = "127.0.0.1:0", .on_accept = on_accept};
    struct et_listener *listener;
    CHECK_OK(et_listener_open(&listener, loop, &options, &err));
    (void)snprintf(name, ET_ADDRESS_BYTES, "localhost%s",
                   strrchr(et_listener_address(listener), ':'));
    return listener;
}

static enum et_status connects(struct end *e, struct et_loop *loop, const char *address)
{
    const struct et_conn_options to = {.address = address, .handlers = &HANDLERS, .ctx = e};
    *e = (struct end){0};
    return et_conn_open(&e->conn, loop, &to, &err);
}

static bool is_open(void *ctx)
{
    const struct end *e = ctx;
    return e->is_open || e->is_over;
}

static bool is_over(void *ctx)
{
    const struct end *e = ctx;
    return e->is_over;
}

static void a_slow_look_up_keeps_nobody_waiting(void)
{
    struct et_loop *loop = make_loop();
    char name[ET_ADDRESS_BYTES];
    struct et_listener *listener = listens(loop, name);
    struct end slow, other;
    begin(true);
    CHECK_OK(connects(&slow, loop, name));
    CHECK(comes_to(&n_asked, 1));
    // Meanwhile another goes on, by numbers: nobody is asked for it.
    CHECK_OK(connects(&other, loop, et_listener_address(listener)));
    CHECK(run_until(loop, is_open, &other));
    CHECK(other.is_open && !slow.is_open && !slow.is_over);
    CHECK_EQ(atomic_load(&n_asked), 1);
    CHECK_STR(et_conn_peer(slow.conn), name);
    CHECK(!et_conn_is_loopback(slow.conn)); // nobody knows yet
    et_conn_pause(slow.conn, true);
    et_conn_pause(slow.conn, false);
    CHECK_EQ(et_conn_send(slow.conn, "x", 1), ET_ECANCELLED);
    atomic_store(&is_silent, false);
    CHECK(run_until(loop, is_open, &slow));
    CHECK(slow.is_open);
    CHECK_STR(et_conn_peer(slow.conn), et_listener_address(listener));
    CHECK(et_conn_is_loopback(slow.conn));
    et_conn_close(slow.conn);
    et_conn_close(other.conn);
    run_some(loop); // the other ends hear of it
    et_listener_close(listener);
    et_loop_close(loop);
}

static void who_no_longer_wants_to_know_leaves(void)
{
    struct et_loop *loop = make_loop();
    struct end end;
    begin(true);
    CHECK_OK(connects(&end, loop, "localhost:1"));
    CHECK(comes_to(&n_asked, 1));
    et_conn_close(end.conn);
    et_loop_close(loop); // the answer finds nobody
    CHECK(!end.is_over);
    atomic_store(&is_silent, false);
    CHECK(comes_to(&n_answered, 1));
}

static void a_look_up_has_the_time_of_an_opening(void)
{
    struct et_loop *loop = make_loop();
    struct end end;
    begin(true);
    CHECK_OK(connects(&end, loop, "localhost:1"));
    CHECK(comes_to(&n_asked, 1));
    pass(loop, 9 * S);
    CHECK(!end.is_over);
    pass(loop, 2 * S);
    CHECK(end.is_over);
    CHECK_EQ(end.why.status, ET_ECANCELLED);
    CHECK_HAS(end.why.text, "localhost:1: the connection took too long to open");
    et_loop_close(loop);
    atomic_store(&is_silent, false);
    CHECK(comes_to(&n_answered, 1));
}

static void a_name_that_is_not_known_is_told(void)
{
    struct et_loop *loop = make_loop();
    struct end end;
    begin(false);
    fault_only = "getaddrinfo";
    fault_arm(2); // the first one sees that it is no number
    CHECK_OK(connects(&end, loop, "robot-7.local:7447"));
    CHECK(run_until(loop, is_over, &end));
    fault_disarm();
    fault_only = NULL;
    CHECK_EQ(end.why.status, ET_ENOTFOUND);
    CHECK_HAS(end.why.text, "robot-7.local:7447: the name is not known: ");
    et_loop_close(loop);
}

static void what_the_system_refuses_is_told(void)
{
    char name[ET_ADDRESS_BYTES];
    struct et_loop *loop = make_loop();
    struct et_listener *listener = listens(loop, name);
    begin(false);
    struct end refused;
    fault_only = "epoll_ctl";
    fault_arm(1);
    CHECK_EQ(connects(&refused, loop, name), ET_EIO);
    fault_disarm();
    fault_only = "calloc eventfd pthread_create socket connect";
    FOR_EACH_FAULT(at)
    {
        struct end end;
        fault_arm(at);
        const enum et_status st = connects(&end, loop, name);
        CHECK(st == ET_OK || st == ET_EIO || st == ET_ENOMEM);
        if (st == ET_OK)
            CHECK(run_until(loop, is_open, &end));
        fault_disarm();
        CHECK(fault_seen || (st == ET_OK && end.is_open));
        if (st == ET_OK && !end.is_over)
            et_conn_close(end.conn);
        run_some(loop);
    }
    fault_only = NULL;
    et_listener_close(listener);
    et_loop_close(loop);
}

int main(void)
{
    main_thread = pthread_self();
    RUN(a_slow_look_up_keeps_nobody_waiting);
    RUN(who_no_longer_wants_to_know_leaves);
    RUN(a_look_up_has_the_time_of_an_opening);
    RUN(a_name_that_is_not_known_is_told);
    RUN(what_the_system_refuses_is_told);
    return tap_end();
}

// Descriptors, times and wakes come when they are ready, once each, and end when they are ended.
#include "net_peer.h"
#include "support.h"
#include "tap.h"

#include "etude/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#define N_TIMERS 500

static struct et_err err;

struct counted {
    struct et_loop *loop;
    struct et_timer timer;
    struct et_watch watch;
    int64_t at_ns;
    int n;
    struct counted *other;
};

static int64_t last_ns;
static int n_early, n_unordered;

static void on_time(void *ctx)
{
    struct counted *c = ctx;
    c->n++;
    n_early += et_loop_now_ns(c->loop) < c->at_ns;
    n_unordered += c->at_ns < last_ns;
    last_ns = c->at_ns;
}

static void timers_come_in_order_and_never_early(void)
{
    static struct counted t[N_TIMERS];
    struct rng rng = {3};
    struct et_loop *loop = make_loop();
    n_early = n_unordered = 0;
    last_ns = 0;
    for (int i = 0; i < N_TIMERS; i++) {
        t[i] = (struct counted){.loop = loop, .timer = {.on_time = on_time, .ctx = &t[i]}};
        for (int again = 0; again < 2; again++) { // set, then moved
            t[i].at_ns = clock_ns + 1 + (int64_t)(rng_next(&rng) % 1000);
            et_timer_set(loop, &t[i].timer, t[i].at_ns);
        }
    }
    for (int i = 0; i < N_TIMERS; i += 3)
        et_timer_end(&t[i].timer);
    for (int i = 0; i < 1001; i++) {
        clock_ns++;
        last_ns = 0;
        CHECK_OK(et_loop_run_once(loop, 0, &err));
    }
    for (int i = 0; i < N_TIMERS; i++)
        if (!CHECK(t[i].n == (i % 3 != 0)))
            break;
    CHECK_EQ(n_early, 0);
    CHECK_EQ(n_unordered, 0);
    CHECK_EQ(et_loop_wait_ns(loop), -1);
    et_loop_close(loop);
}

static void set_again(void *ctx)
{
    struct counted *c = ctx;
    c->n++;
    et_timer_set(c->loop, &c->timer, et_loop_now_ns(c->loop));
}

static void a_timer_that_sets_itself_to_now_does_not_hold_the_loop(void)
{
    struct et_loop *loop = make_loop();
    struct counted c = {.loop = loop, .timer = {.on_time = set_again, .ctx = &c}};
    et_timer_set(loop, &c.timer, clock_ns);
    CHECK_EQ(et_loop_wait_ns(loop), 0);
    for (int i = 1; i <= 5; i++) {
        CHECK_OK(et_loop_run_once(loop, -1, &err));
        CHECK_EQ(c.n, i);
        clock_ns++;
    }
    et_timer_end(&c.timer);
    et_timer_end(&c.timer);
    CHECK_OK(et_loop_run_once(loop, 0, &err));
    CHECK_EQ(c.n, 5);
    et_loop_close(loop);
}

static void end_the_other(void *ctx, unsigned events)
{
    struct counted *c = ctx;
    c->n += (events & ET_LOOP_READ) != 0;
    et_watch_end(&c->other->watch);
    et_watch_end(&c->other->watch);
}

static void a_watch_that_another_ended_is_not_called(void)
{
    int pipes[2][2];
    struct counted c[2];
    struct et_loop *loop = make_loop();
    for (int i = 0; i < 2; i++) {
        CHECK(pipe(pipes[i]) == 0);
        CHECK(write(pipes[i][1], "x", 1) == 1);
        c[i] =
            (struct counted){.watch = {.fd = pipes[i][0], .on_ready = end_the_other, .ctx = &c[i]},
                             .other = &c[1 - i]};
        CHECK_OK(et_watch_begin(loop, &c[i].watch, ET_LOOP_READ, &err));
    }
    CHECK_OK(et_loop_run_once(loop, 0, &err));
    CHECK_EQ(c[0].n + c[1].n, 1);
    struct counted *left = c[0].n ? &c[0] : &c[1];
    CHECK_OK(et_loop_run_once(loop, 0, &err)); // it is still ready
    CHECK_EQ(left->n, 2);
    CHECK_OK(et_watch_change(&left->watch, 0, &err));
    CHECK_OK(et_loop_run_once(loop, 0, &err));
    CHECK_EQ(left->n, 2);
    et_watch_end(&left->watch);
    for (int i = 0; i < 4; i++)
        (void)close(pipes[i / 2][i % 2]);
    et_loop_close(loop);
}

static void what_cannot_be_watched_is_refused(void)
{
    struct et_loop *loop = make_loop();
    const int fd = open(source_path("STYLE.md"), O_RDONLY | O_CLOEXEC);
    struct et_watch watch = {.fd = fd, .on_ready = end_the_other};
    CHECK_EQ(et_watch_begin(loop, &watch, ET_LOOP_READ, &err), ET_EIO);
    watch.fd = -1;
    CHECK_EQ(et_watch_begin(loop, &watch, ET_LOOP_READ, &err), ET_EIO);
    et_watch_end(&watch);
    (void)close(fd);
    et_loop_close(loop);
    et_loop_close(NULL);
}

static void count_wake(void *ctx)
{
    (*(int *)ctx)++;
}

#define N_WAKES 20000

static void *wake(void *ctx)
{
    for (int i = 0; i < N_WAKES; i++)
        et_loop_wake(ctx);
    return NULL;
}

static void another_thread_wakes_a_wait_without_end(void)
{
    struct et_loop *loop;
    pthread_t thread;
    int n = 0;
    const struct et_loop_options options = {.on_wake = count_wake, .wake_ctx = &n};
    CHECK_OK(et_loop_open(&loop, &options, &err));
    if (!CHECK(pthread_create(&thread, NULL, wake, loop) == 0))
        return;
    while (n == 0)
        CHECK_OK(et_loop_run_once(loop, -1, &err));
    (void)pthread_join(thread, NULL);
    CHECK_OK(et_loop_run_once(loop, 0, &err));
    n = 0;
    et_loop_wake(loop);
    et_loop_wake(loop);
    CHECK_OK(et_loop_run_once(loop, 10 * S, &err));
    CHECK_EQ(n, 1);
    et_loop_close(loop);
}

// A wake may come at any moment of the one before it, and the loop has to hear of the next.
static void no_wake_is_lost_between_others(void)
{
    struct et_loop *loop;
    pthread_t thread;
    int n = 0;
    const struct et_loop_options options = {.on_wake = count_wake, .wake_ctx = &n};
    CHECK_OK(et_loop_open(&loop, &options, &err));
    for (int round = 0; round < 50; round++) {
        if (!CHECK(pthread_create(&thread, NULL, wake, loop) == 0))
            break;
        for (int i = 0; i < N_WAKES / 10; i++)
            CHECK_OK(et_loop_run_once(loop, 0, &err));
        (void)pthread_join(thread, NULL);
        CHECK_OK(et_loop_run_once(loop, 0, &err));
        n = 0;
        et_loop_wake(loop);
        CHECK_OK(et_loop_run_once(loop, 0, &err));
        if (!CHECK(n == 1))
            break;
    }
    et_loop_close(loop);
}

static void an_outer_poll_sees_what_is_ready(void)
{
    struct et_loop *loop = make_loop();
    struct pollfd outer = {.fd = et_loop_fd(loop), .events = POLLIN};
    struct counted c = {.loop = loop, .timer = {.on_time = on_time, .ctx = &c}};
    CHECK_EQ(poll(&outer, 1, 0), 0);
    et_loop_wake(loop);
    CHECK_EQ(poll(&outer, 1, 0), 1);
    CHECK_OK(et_loop_run_once(loop, 0, &err));
    CHECK_EQ(poll(&outer, 1, 0), 0);
    et_timer_set(loop, &c.timer, clock_ns + 7);
    CHECK_EQ(et_loop_wait_ns(loop), 7);
    clock_ns += 9;
    CHECK_EQ(et_loop_wait_ns(loop), 0);
    et_timer_end(&c.timer);
    et_loop_close(loop);
}

int main(void)
{
    RUN(timers_come_in_order_and_never_early);
    RUN(a_timer_that_sets_itself_to_now_does_not_hold_the_loop);
    RUN(a_watch_that_another_ended_is_not_called);
    RUN(what_cannot_be_watched_is_refused);
    RUN(another_thread_wakes_a_wait_without_end);
    RUN(no_wake_is_lost_between_others);
    RUN(an_outer_poll_sees_what_is_ready);
    return tap_end();
}

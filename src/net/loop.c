#include "net/net__loop.h"

#include "etude/clock.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define NS_PER_MS 1000000

struct et_loop {
    struct et_loop_options options;
    int epoll_fd, wake_fd;
    atomic_bool is_woken;
    bool is_running, is_in_timers;
    int64_t now_ns;            // while it runs
    struct et_watch wake;      // of wake_fd
    struct et_timer *earliest; // the heap's root
    struct et__task tasks;     // head of a ring
    struct epoll_event events[EVENTS_MAX];
    int i_event, n_events; // those of this wait
    char scratch[ET__SCRATCH_BYTES];
};

static int64_t clock_of(const struct et_loop *loop)
{
    const struct et_loop_options *o = &loop->options;
    return o->now_ns ? o->now_ns(o->now_ctx) : et_clock_monotonic_ns();
}

static void on_wake(void *ctx, unsigned events)
{
    struct et_loop *loop = ctx;
    uint64_t n;
    (void)events;
    // The count goes first: taken after the mark, it would take that of a wake in between, too,
    // whose mark then stays for good, and no later wake writes. A wake that comes between the two
    // as they stand finds the mark, and is told now. The exchange sees what it left for us.
    const bool is_read = read(loop->wake_fd, &n, sizeof n) == sizeof n;
    (void)atomic_exchange(&loop->is_woken, false);
    if (is_read && loop->options.on_wake)
        loop->options.on_wake(loop->options.wake_ctx);
}

void et_loop_wake(struct et_loop *loop)
{
    static const uint64_t ONE = 1;
    const int sys = errno;
    if (!atomic_exchange(&loop->is_woken, true))
        (void)!write(loop->wake_fd, &ONE, sizeof ONE); // full means that it is woken
    errno = sys;
}

enum et_status et_loop_open(struct et_loop **loop, const struct et_loop_options *options,
                            struct et_err *err)
{
    *loop = NULL;
    struct et_loop *l = calloc(1, sizeof *l);
    if (!l)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a loop");
    if (options)
        l->options = *options;
    l->tasks.next = l->tasks.before = &l->tasks;
    l->wake_fd = -1;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd >= 0)
        l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum et_status st = ET_OK;
    if (l->wake_fd < 0)
        st = et_fail_sys(err, errno, "no descriptor for a loop");
    if (st == ET_OK) {
        l->wake = (struct et_watch){.fd = l->wake_fd, .on_ready = on_wake, .ctx = l};
        st = et_watch_begin(l, &l->wake, ET_LOOP_READ, err);
    }
    if (st != ET_OK)
        et_loop_close(l);
    else
        *loop = l;
    return st;
}

static void run_tasks(struct et_loop *loop)
{
    if (loop->tasks.next == &loop->tasks)
        return;
    // Those that wait now; what they put off is for the next time. So no task can hold the loop.
    struct et__task now = loop->tasks;
    now.next->before = now.before->next = &now;
    loop->tasks.next = loop->tasks.before = &loop->tasks;
    while (now.next != &now) {
        struct et__task *task = now.next;
        et__task_end(task);
        task->run(task->ctx);
    }
}

void et_loop_close(struct et_loop *loop)
{
    if (!loop)
        return;
    assert(!loop->is_running);
    while (loop->tasks.next != &loop->tasks)
        run_tasks(loop);
    et_watch_end(&loop->wake);
    if (loop->wake_fd >= 0)
        (void)close(loop->wake_fd);
    if (loop->epoll_fd >= 0)
        (void)close(loop->epoll_fd);
    free(loop);
}

void et__loop_later(struct et_loop *loop, struct et__task *task)
{
    if (task->next)
        return;
    task->next = &loop->tasks;
    task->before = loop->tasks.before;
    task->before->next = loop->tasks.before = task;
}

void et__task_end(struct et__task *task)
{
    if (!task->next)
        return;
    task->next->before = task->before;
    task->before->next = task->next;
    task->next = task->before = NULL;
}

char *et__loop_scratch(struct et_loop *loop)
{
    return loop->scratch;
}

int64_t et_loop_now_ns(const struct et_loop *loop)
{
    return loop->is_running ? loop->now_ns : clock_of(loop);
}

int et_loop_fd(const struct et_loop *loop)
{
    return loop->epoll_fd;
}

int64_t et_loop_wait_ns(const struct et_loop *loop)
{
    if (loop->tasks.next != &loop->tasks)
        return 0;
    if (!loop->earliest)
        return -1;
    const int64_t now_ns = clock_of(loop);
    return loop->earliest->at_ns > now_ns ? loop->earliest->at_ns - now_ns : 0;
}

// Pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986): `before` is the sibling on the left, or
// the parent of a first child.
static struct et_timer *meld(struct et_timer *a, struct et_timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->at_ns < a->at_ns) {
        struct et_timer *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (b->next)
        b->next->before = b;
    b->before = a;
    a->child = b;
    a->next = a->before = NULL;
    return a;
}

// Melds siblings two by two, then the pairs from the last to the first.
static struct et_timer *meld_all(struct et_timer *first)
{
    struct et_timer *pairs = NULL, *root = NULL;
    while (first) {
        struct et_timer *a = first, *b = a->next;
        first = b ? b->next : NULL;
        a->next = a->before = NULL;
        if (b)
            b->next = b->before = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct et_timer *rest = pairs->next;
        pairs->next = NULL;
        root = meld(root, pairs);
        pairs = rest;
    }
    return root;
}

void et_timer_end(struct et_timer *timer)
{
    struct et_loop *loop = timer->loop;
    if (!loop)
        return;
    struct et_timer *children = meld_all(timer->child);
    if (loop->earliest == timer) {
        loop->earliest = children;
    } else {
        if (timer->before->child == timer)
            timer->before->child = timer->next;
        else
            timer->before->next = timer->next;
        if (timer->next)
            timer->next->before = timer->before;
        loop->earliest = meld(loop->earliest, children);
    }
    timer->loop = NULL;
    timer->child = timer->next = timer->before = NULL;
}

void et_timer_set(struct et_loop *loop, struct et_timer *timer, int64_t at_ns)
{
    et_timer_end(timer);
    timer->loop = loop;
    // A timer that sets itself to now has its turn in the next wait, so that it cannot hold the
    // loop.
    timer->at_ns = loop->is_in_timers && at_ns <= loop->now_ns ? loop->now_ns + 1 : at_ns;
    loop->earliest = meld(loop->earliest, timer);
}

static uint32_t epoll_events(unsigned events)
{
    return (events & ET_LOOP_READ ? (uint32_t)EPOLLIN | EPOLLRDHUP : 0) |
           (events & ET_LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

enum et_status et_watch_begin(struct et_loop *loop, struct et_watch *watch, unsigned events,
                              struct et_err *err)
{
    struct epoll_event event = {.events = epoll_events(events), .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) != 0)
        return et_fail_sys(err, errno, "descriptor %d cannot be watched", watch->fd);
    watch->loop = loop;
    return ET_OK;
}

enum et_status et_watch_change(struct et_watch *watch, unsigned events, struct et_err *err)
{
    assert(watch->loop);
    struct epoll_event event = {.events = epoll_events(events), .data.ptr = watch};
    if (epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) != 0)
        return et_fail_sys(err, errno, "descriptor %d cannot be watched", watch->fd);
    return ET_OK;
}

void et_watch_end(struct et_watch *watch)
{
    struct et_loop *loop = watch->loop;
    if (!loop)
        return;
    watch->loop = NULL;
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    // What was told about it in this wait and was not passed on yet is forgotten.
    for (int i = loop->i_event; i < loop->n_events; i++)
        if (loop->events[i].data.ptr == watch)
            loop->events[i].data.ptr = NULL;
}

static void run_watches(struct et_loop *loop, int n_events)
{
    loop->n_events = n_events;
    for (loop->i_event = 0; loop->i_event < loop->n_events;) {
        const struct epoll_event *event = &loop->events[loop->i_event++];
        struct et_watch *watch = event->data.ptr;
        if (!watch)
            continue;
        const uint32_t e = event->events;
        watch->on_ready(watch->ctx, (e & (EPOLLIN | EPOLLRDHUP) ? ET_LOOP_READ : 0) |
                                        (e & EPOLLOUT ? ET_LOOP_WRITE : 0) |
                                        (e & (EPOLLERR | EPOLLHUP) ? ET_LOOP_FAILED : 0));
    }
    loop->i_event = loop->n_events = 0;
}

static void run_timers(struct et_loop *loop)
{
    loop->is_in_timers = true;
    while (loop->earliest && loop->earliest->at_ns <= loop->now_ns) {
        struct et_timer *timer = loop->earliest;
        et_timer_end(timer);
        timer->on_time(timer->ctx);
    }
    loop->is_in_timers = false;
}

static int wait_ms(const struct et_loop *loop, int64_t timeout_ns)
{
    const int64_t timers_ns = et_loop_wait_ns(loop);
    if (timers_ns >= 0 && (timeout_ns < 0 || timers_ns < timeout_ns))
        timeout_ns = timers_ns;
    if (timeout_ns < 0)
        return -1;
    const int64_t ms = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS > 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

enum et_status et_loop_run_once(struct et_loop *loop, int64_t timeout_ns, struct et_err *err)
{
    assert(!loop->is_running);
    loop->now_ns = clock_of(loop);
    loop->is_running = true;
    run_tasks(loop); // of calls that came from outside
    const int n = epoll_wait(loop->epoll_fd, loop->events, EVENTS_MAX, wait_ms(loop, timeout_ns));
    enum et_status st = ET_OK;
    if (n < 0 && errno != EINTR)
        st = et_fail_sys(err, errno, "the loop cannot wait");
    loop->now_ns = clock_of(loop);
    run_watches(loop, n < 0 ? 0 : n);
    run_timers(loop);
    run_tasks(loop);
    loop->is_running = false;
    return st;
}

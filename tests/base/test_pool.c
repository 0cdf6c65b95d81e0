#include "etude/pool.h"
#include "support.h"
#include "tap.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define N_MAX 2000
#define NEVER SIZE_MAX

static struct et_err err;

struct run {
    unsigned n_threads;
    size_t n_tasks, window;
    size_t fails_at, also_fails_at; // in `work`
    size_t refused_at;              // in `take`
    atomic_int worked[N_MAX];
    atomic_size_t n_open; // worked, and neither taken nor dropped
    atomic_size_t n_open_max;
    atomic_int n_running;
    size_t n_taken, n_dropped;
    int64_t results[N_MAX];
    bool is_wrong;
};

// Uneven work, so that tasks end in another order than they began.
static int64_t spin(size_t i)
{
    struct rng rng = {i};
    uint64_t sum = 0;
    for (size_t k = 0; k < (i * 37 % 11) * 200; k++)
        sum += rng_next(&rng);
    if (i % 5 == 0)
        (void)sched_yield();
    return (int64_t)(sum ^ i);
}

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *task_err)
{
    struct run *run = ctx;
    atomic_fetch_add(&run->n_running, 1);
    if (i >= run->n_tasks || worker >= run->n_threads)
        run->is_wrong = true;
    atomic_fetch_add(&run->worked[i], 1);
    run->results[i] = spin(i);
    enum et_status st = ET_OK;
    if (i == run->fails_at || i == run->also_fails_at) {
        st = et_fail(task_err, ET_ECORRUPT, (int64_t)i, "task %zu failed", i);
    } else {
        const size_t n = atomic_fetch_add(&run->n_open, 1) + 1;
        size_t max = atomic_load(&run->n_open_max);
        while (n > max && !atomic_compare_exchange_weak(&run->n_open_max, &max, n))
            ;
    }
    atomic_fetch_sub(&run->n_running, 1);
    return st;
}

static enum et_status take(void *ctx, size_t i, struct et_err *task_err)
{
    struct run *run = ctx;
    if (i != run->n_taken || run->results[i] != spin(i))
        run->is_wrong = true;
    run->n_taken++;
    atomic_fetch_sub(&run->n_open, 1);
    if (i == run->refused_at)
        return et_fail(task_err, ET_EIO, (int64_t)i, "result %zu is refused", i);
    return ET_OK;
}

static void drop(void *ctx, size_t i)
{
    struct run *run = ctx;
    if (i < run->n_taken || atomic_load(&run->worked[i]) != 1)
        run->is_wrong = true;
    run->n_dropped++;
    atomic_fetch_sub(&run->n_open, 1);
}

static enum et_status run_with(struct et_pool *pool, struct run *run)
{
    run->n_threads = pool ? et_pool_threads(pool) : 1;
    const struct et_pool_job job = {
        .n_tasks = run->n_tasks,
        .window = run->window,
        .work = work,
        .take = take,
        .drop = drop,
        .ctx = run,
    };
    memset(&err, 0, sizeof err);
    const enum et_status st = et_pool_run(pool, &job, &err);
    CHECK(!run->is_wrong);
    CHECK_EQ(run->n_running, 0); // every task that began has ended
    CHECK_EQ(run->n_open, 0);    // every result was taken or dropped
    for (size_t i = 0; i < run->n_tasks; i++)
        CHECK(run->worked[i] <= 1);
    return st;
}

static struct run *new_run(size_t n_tasks)
{
    struct run *run = calloc(1, sizeof *run);
    run->n_tasks = n_tasks;
    run->fails_at = run->also_fails_at = run->refused_at = NEVER;
    return run;
}

static struct et_pool *open_pool(unsigned n_threads)
{
    struct et_pool *pool = NULL;
    CHECK_OK(et_pool_open(&pool, n_threads, &err));
    return pool;
}

static void takes_results_in_order(void)
{
    static const size_t TASKS[] = {0, 1, 2, 7, 500};
    static const size_t WINDOWS[] = {0, 1, 2, 5, 1000};
    for (unsigned n_threads = 0; n_threads <= 5; n_threads++) {
        struct et_pool *pool = n_threads ? open_pool(n_threads) : NULL;
        for (size_t i = 0; i < 25; i++) {
            struct run *run = new_run(TASKS[i / 5]);
            run->window = WINDOWS[i % 5];
            CHECK_OK(run_with(pool, run));
            CHECK_EQ(run->n_taken, run->n_tasks);
            CHECK_EQ(run->n_dropped, 0);
            const size_t limit = run->window ? run->window : 2 * (size_t)run->n_threads;
            CHECK(run->n_open_max <= limit);
            free(run);
        }
        et_pool_close(pool);
    }
}

static void returns_the_failure_of_the_lowest_task(void)
{
    for (unsigned n_threads = 0; n_threads <= 4; n_threads += 2) {
        struct et_pool *pool = n_threads ? open_pool(n_threads) : NULL;
        for (size_t at = 0; at < 60; at += 7) {
            struct run *run = new_run(60);
            run->fails_at = at;
            run->also_fails_at = at + 1;
            run->window = 1 + at % 9;
            CHECK_EQ(run_with(pool, run), ET_ECORRUPT);
            CHECK_EQ(err.at, at);
            CHECK_EQ(err.status, ET_ECORRUPT);
            CHECK_EQ(run->n_taken, at); // all results before it, none after
            for (size_t i = at + run->window; i < 60; i++)
                CHECK_EQ(run->worked[i], 0);
            free(run);
        }
        et_pool_close(pool);
    }
}

static void ends_when_a_result_is_refused(void)
{
    for (unsigned n_threads = 0; n_threads <= 4; n_threads += 2) {
        struct et_pool *pool = n_threads ? open_pool(n_threads) : NULL;
        struct run *run = new_run(300);
        run->refused_at = 20;
        run->fails_at = 21;
        CHECK_EQ(run_with(pool, run), ET_EIO);
        CHECK_EQ(err.at, 20);
        CHECK_EQ(run->n_taken, 21);
        free(run);
        et_pool_close(pool);
    }
}

static enum et_status count(void *ctx, size_t i, unsigned worker, struct et_err *task_err)
{
    (void)i;
    (void)worker;
    (void)task_err;
    atomic_fetch_add((atomic_int *)ctx, 1);
    return ET_OK;
}

static enum et_status end_early(void *ctx, size_t i, unsigned worker, struct et_err *task_err)
{
    (void)ctx;
    (void)worker;
    (void)task_err;
    return i == 3 ? ET_END : ET_OK;
}

static void needs_neither_take_nor_drop(void)
{
    struct et_pool *pool = open_pool(3);
    atomic_int n = 0;
    const struct et_pool_job job = {.n_tasks = 1000, .work = count, .ctx = &n};
    CHECK_EQ(et_pool_run(pool, &job, NULL), ET_OK);
    CHECK_EQ(et_pool_run(NULL, &job, NULL), ET_OK);
    CHECK_EQ(n, 2000);
    const struct et_pool_job early = {.n_tasks = 1000, .work = end_early};
    CHECK_EQ(et_pool_run(pool, &early, NULL), ET_END);
    CHECK_EQ(et_pool_run(NULL, &early, NULL), ET_END);
    et_pool_close(pool);
}

struct early {
    atomic_bool has_failed;
    atomic_int n_later;
};

// Task 1 fails while task 0 still runs, and goes on for long.
static enum et_status fail_second(void *ctx, size_t i, unsigned worker, struct et_err *task_err)
{
    struct early *early = ctx;
    (void)worker;
    (void)task_err;
    if (i == 1) {
        atomic_store(&early->has_failed, true);
        return ET_EIO;
    }
    if (i > 1)
        atomic_fetch_add(&early->n_later, 1);
    for (int k = 0; i == 0 && (k < 2000 || !atomic_load(&early->has_failed)); k++)
        (void)sched_yield();
    return ET_OK;
}

static void starts_nothing_after_a_failure(void)
{
    struct et_pool *pool = open_pool(2);
    struct early early = {false, 0};
    const struct et_pool_job job = {
        .n_tasks = 1000, .window = 1000, .work = fail_second, .ctx = &early};
    CHECK_EQ(et_pool_run(pool, &job, NULL), ET_EIO);
    CHECK_EQ(early.n_later, 0);
    et_pool_close(pool);
}

static enum et_status wait_for_it(void *ctx, size_t i, unsigned worker, struct et_err *task_err)
{
    atomic_int *may_end = ctx;
    (void)i;
    (void)worker;
    (void)task_err;
    while (!atomic_load(may_end))
        (void)sched_yield();
    return ET_OK;
}

// Between beginning and ending the caller goes on: here only it can end what was begun.
static void works_while_the_caller_does(void)
{
    for (unsigned n_threads = 0; n_threads <= 3; n_threads++) {
        struct et_pool *pool = n_threads ? open_pool(n_threads) : NULL;
        for (int round = 0; round < 20; round++) {
            atomic_int may_end = 0;
            const struct et_pool_job job = {.n_tasks = 7, .work = wait_for_it, .ctx = &may_end};
            CHECK_OK(et_pool_begin(pool, &job, &err));
            atomic_store(&may_end, 1);
            CHECK_OK(et_pool_end(pool, &job, &err));
        }
        et_pool_close(pool);
    }
}

// Some results one by one, the rest dropped by the end.
static void gives_results_one_by_one(void)
{
    for (unsigned n_threads = 0; n_threads <= 4; n_threads++) {
        struct et_pool *pool = n_threads ? open_pool(n_threads) : NULL;
        for (size_t n = 0; n <= 60; n += 5) {
            struct run *run = new_run(60);
            run->n_threads = pool ? et_pool_threads(pool) : 1;
            run->fails_at = n == 40 ? 33 : NEVER;
            const struct et_pool_job job = {
                .n_tasks = 60, .window = 7, .work = work, .take = take, .drop = drop, .ctx = run};
            CHECK_OK(et_pool_begin(pool, &job, &err));
            for (size_t i = 0; i < n && i <= run->fails_at; i++)
                CHECK_EQ(et_pool_take(pool, &job, i, &err),
                         i == run->fails_at ? ET_ECORRUPT : ET_OK);
            et_pool_stop(pool, &job);
            CHECK(!run->is_wrong);
            CHECK_EQ(run->n_taken, n < run->fails_at ? n : run->fails_at);
            CHECK(run->n_running == 0 && run->n_open == 0 && run->n_dropped <= 7);
            CHECK(run->n_open_max <= 8); // one that is being taken
            free(run);
        }
        et_pool_close(pool);
    }
}

// What task i works on lies at i % window, and is filled again as soon as feeding allows it.
struct fed {
    size_t window, fails_at, refused_at, n_taken;
    size_t ring[16];
    atomic_bool is_wrong;
};

static enum et_status work_fed(void *ctx, size_t i, unsigned worker, struct et_err *task_err)
{
    struct fed *fed = ctx;
    (void)worker;
    (void)spin(i);
    if (fed->ring[i % fed->window] != i)
        fed->is_wrong = true;
    return i == fed->fails_at ? et_fail(task_err, ET_ECORRUPT, (int64_t)i, "task %zu failed", i)
                              : ET_OK;
}

static enum et_status take_fed(void *ctx, size_t i, struct et_err *task_err)
{
    struct fed *fed = ctx;
    if (fed->ring[i % fed->window] != i || i != fed->n_taken)
        fed->is_wrong = true;
    fed->n_taken++;
    return i == fed->refused_at ? et_fail(task_err, ET_EIO, (int64_t)i, "result %zu is refused", i)
                                : ET_OK;
}

static enum et_status feed(struct et_pool *pool, struct fed *fed, size_t n_tasks)
{
    const struct et_pool_job job = {
        .window = fed->window, .work = work_fed, .take = take_fed, .ctx = fed, .is_fed = true};
    memset(&err, 0, sizeof err);
    CHECK_OK(et_pool_begin(pool, &job, &err));
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < n_tasks; i++) {
        fed->ring[i % fed->window] = i;
        st = et_pool_feed(pool, &job, i, &err);
    }
    const enum et_status ended = et_pool_end(pool, &job, st == ET_OK ? &err : NULL);
    CHECK(!fed->is_wrong);
    return st == ET_OK ? ended : st;
}

static void works_what_it_is_fed(void)
{
    for (unsigned n_threads = 0; n_threads <= 5; n_threads++) {
        struct et_pool *pool = n_threads ? open_pool(n_threads) : NULL;
        for (size_t window = 1; window <= 16; window += 3) {
            struct fed fed = {.window = window, .fails_at = NEVER, .refused_at = NEVER};
            CHECK_OK(feed(pool, &fed, 300));
            CHECK_EQ(fed.n_taken, 300);
            fed = (struct fed){.window = window, .fails_at = NEVER, .refused_at = NEVER};
            CHECK_OK(feed(pool, &fed, 0));
            for (size_t at = 0; at < 100; at += 33) {
                fed = (struct fed){.window = window, .fails_at = at, .refused_at = NEVER};
                CHECK_EQ(feed(pool, &fed, 100), ET_ECORRUPT);
                CHECK(err.at == (int64_t)at && fed.n_taken == at);
                fed = (struct fed){.window = window, .fails_at = at + 1, .refused_at = at};
                CHECK_EQ(feed(pool, &fed, 100), ET_EIO);
                CHECK(err.at == (int64_t)at && fed.n_taken == at + 1);
            }
        }
        et_pool_close(pool);
    }
}

static void counts_its_threads(void)
{
    struct et_pool *pool = open_pool(0);
    CHECK(et_pool_threads(pool) >= 1);
    et_pool_close(pool);
    pool = open_pool(1);
    CHECK_EQ(et_pool_threads(pool), 1);
    et_pool_close(pool);
    pool = NULL;
    CHECK_EQ(et_pool_open(&pool, 100000, &err), ET_EARG);
    CHECK(pool == NULL);
    et_pool_close(NULL);
}

static void runs_again_and_again(void)
{
    struct et_pool *pool = open_pool(4);
    for (int round = 0; round < 300; round++) {
        struct run *run = new_run(20);
        if (round % 3 == 1)
            run->fails_at = (size_t)round % 20;
        if (round % 3 == 2)
            run->refused_at = (size_t)round % 20;
        CHECK_EQ(run_with(pool, run) == ET_OK, round % 3 == 0);
        free(run);
    }
    et_pool_close(pool);
}

int main(void)
{
    RUN(takes_results_in_order);
    RUN(returns_the_failure_of_the_lowest_task);
    RUN(ends_when_a_result_is_refused);
    RUN(needs_neither_take_nor_drop);
    RUN(starts_nothing_after_a_failure);
    RUN(works_while_the_caller_does);
    RUN(gives_results_one_by_one);
    RUN(works_what_it_is_fed);
    RUN(counts_its_threads);
    RUN(runs_again_and_again);
    return tap_end();
}

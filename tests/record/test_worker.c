/* What one thread gives another works on, in order; who finds no slot is told at once; and what
 * fails, fails for its own job, or before there is a worker. */
#include "record/record__worker.h"

#include "fault.h"
#include "support.h"
#include "tap.h"

#include <poll.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdint.h>

static struct et_err err;

struct job {
    int number, product;
    pthread_t thread;
};

/* What the worker sees. Its thread waits at the gate before each job, while it is shut. */
struct bench {
    pthread_mutex_t lock;
    pthread_cond_t has_changed;
    bool is_shut;       // the gate
    int n_begun;        // jobs that came to the gate
    int n_open, n_shut; // calls
    bool must_fail;     // opening
    int is_bad;         // the job that fails
    pthread_t thread;   // that opened
};

static struct bench bench_of(void)
{
    struct bench b = {.is_bad = -1};
    (void)pthread_mutex_init(&b.lock, NULL);
    (void)pthread_cond_init(&b.has_changed, NULL);
    return b;
}

static enum et_status open_bench(void *ctx, struct et_err *e)
{
    struct bench *b = ctx;
    b->n_open++;
    b->thread = pthread_self();
    return b->must_fail ? et_fail(e, ET_ENOTFOUND, -1, "no OpenGL here") : ET_OK;
}

static void shut_bench(void *ctx)
{
    struct bench *b = ctx;
    CHECK(pthread_equal(b->thread, pthread_self()));
    b->n_shut++;
}

static enum et_status work(void *ctx, void *slot, struct et_err *e)
{
    struct bench *b = ctx;
    struct job *job = slot;
    (void)pthread_mutex_lock(&b->lock);
    b->n_begun++;
    (void)pthread_cond_signal(&b->has_changed);
    while (b->is_shut)
        (void)pthread_cond_wait(&b->has_changed, &b->lock);
    (void)pthread_mutex_unlock(&b->lock);
    job->thread = pthread_self();
    job->product = 3 * job->number;
    return job->number == b->is_bad ? et_fail(e, ET_EIO, job->number, "job %d", job->number)
                                    : ET_OK;
}

static void set_gate(struct bench *b, bool is_shut)
{
    (void)pthread_mutex_lock(&b->lock);
    b->is_shut = is_shut;
    (void)pthread_cond_signal(&b->has_changed);
    (void)pthread_mutex_unlock(&b->lock);
}

static void wait_until_begun(struct bench *b, int n)
{
    (void)pthread_mutex_lock(&b->lock);
    while (b->n_begun < n)
        (void)pthread_cond_wait(&b->has_changed, &b->lock);
    (void)pthread_mutex_unlock(&b->lock);
}

static struct et__worker *open_with(struct bench *b, size_t n_slots)
{
    struct et__worker *worker;
    const struct et__worker_options how = {.n_slots = n_slots,
                                           .slot_bytes = sizeof(struct job),
                                           .open = open_bench,
                                           .work = work,
                                           .shut = shut_bench,
                                           .ctx = b};
    CHECK_OK(et__worker_open(&worker, &how, &err));
    return worker;
}

static void give(struct et__worker *worker, int number)
{
    struct job *job = et__worker_slot(worker);
    if (!CHECK(job))
        return;
    job->number = number;
    job->product = -1;
    et__worker_give(worker);
}

static bool is_readable(const struct et__worker *worker, int wait_ms)
{
    struct pollfd fd = {.fd = et__worker_fd(worker), .events = POLLIN};
    return poll(&fd, 1, wait_ms) == 1;
}

// The next job, waited for.
static enum et_status take(struct et__worker *worker, struct job **job)
{
    void *slot;
    enum et_status st;
    while ((st = et__worker_take(worker, &slot, &err)) == ET_AGAIN)
        CHECK(is_readable(worker, 10000));
    *job = slot;
    return st;
}

static void jobs_come_back_in_the_order_they_were_given(void)
{
    enum { N = 2000 };
    struct bench b = bench_of();
    struct et__worker *worker = open_with(&b, 5);
    int n_given = 0, n_taken = 0;
    bool is_right = true;
    while (n_taken < N) {
        struct job *job;
        while (n_given < N && et__worker_slot(worker))
            give(worker, n_given++);
        CHECK_EQ(et__worker_n_given(worker), n_given - n_taken);
        CHECK_OK(take(worker, &job));
        is_right = is_right && job->number == n_taken && job->product == 3 * n_taken &&
                   pthread_equal(job->thread, b.thread);
        et__worker_done(worker);
        n_taken++;
    }
    CHECK(is_right);
    CHECK(!pthread_equal(b.thread, pthread_self()));
    et__worker_close(worker);
    CHECK_EQ(b.n_open, 1);
    CHECK_EQ(b.n_shut, 1);
}

static void slots_are_zeroed_and_aligned(void)
{
    struct et__worker *worker;
    struct bench b = bench_of();
    const struct et__worker_options how = {
        .n_slots = 3, .slot_bytes = sizeof(struct job) + 1, .work = work, .ctx = &b};
    CHECK_OK(et__worker_open(&worker, &how, &err)); // nothing to open, nothing to shut
    for (int i = 0; i < 3; i++) {
        const unsigned char *slot = et__worker_slot(worker);
        bool is_zero = true;
        CHECK_EQ((uintptr_t)slot % alignof(max_align_t), 0);
        for (size_t k = 0; k < how.slot_bytes; k++)
            is_zero = is_zero && slot[k] == 0;
        CHECK(is_zero);
        give(worker, i);
    }
    et__worker_close(worker);
}

static void who_finds_no_slot_free_does_not_wait(void)
{
    struct bench b = bench_of();
    struct et__worker *worker = open_with(&b, 2);
    struct job *job;
    void *slot;
    set_gate(&b, true);
    give(worker, 0);
    wait_until_begun(&b, 1);
    give(worker, 1);
    CHECK(!et__worker_slot(worker));
    CHECK_EQ(et__worker_take(worker, &slot, &err), ET_AGAIN);
    CHECK(!slot);
    set_gate(&b, false);
    CHECK_OK(take(worker, &job));
    CHECK_EQ(job->number, 0);
    CHECK(!et__worker_slot(worker)); // it is looked at
    et__worker_done(worker);
    CHECK(et__worker_slot(worker) == job);
    et__worker_close(worker);
}

static void a_failure_is_of_its_job_alone(void)
{
    struct bench b = bench_of();
    struct job *job;
    b.is_bad = 1;
    struct et__worker *worker = open_with(&b, 3);
    for (int i = 0; i < 3; i++)
        give(worker, i);
    CHECK_OK(take(worker, &job));
    et__worker_done(worker);
    CHECK_EQ(take(worker, &job), ET_EIO);
    CHECK_EQ(job->number, 1);
    CHECK_EQ(err.at, 1);
    CHECK_STR(err.text, "job 1");
    et__worker_done(worker);
    CHECK_OK(take(worker, &job));
    CHECK_EQ(job->product, 6);
    et__worker_done(worker);
    et__worker_close(worker);
}

static void what_cannot_be_opened_is_no_worker(void)
{
    struct bench b = bench_of();
    struct et__worker *worker;
    const struct et__worker_options how = {.n_slots = 1,
                                           .slot_bytes = sizeof(struct job),
                                           .open = open_bench,
                                           .work = work,
                                           .shut = shut_bench,
                                           .ctx = &b};
    b.must_fail = true;
    CHECK_EQ(et__worker_open(&worker, &how, &err), ET_ENOTFOUND);
    CHECK_STR(err.text, "no OpenGL here");
    CHECK(!worker);
    CHECK_EQ(b.n_open, 1);
    CHECK_EQ(b.n_shut, 1);
    CHECK_EQ(et__worker_open(&worker, &how, NULL), ET_ENOTFOUND);
    et__worker_close(NULL);
}

static void closing_waits_for_one_job_and_leaves_the_others(void)
{
    struct bench b = bench_of();
    for (int round = 0; round < 50; round++) {
        struct et__worker *worker = open_with(&b, 8);
        b.n_begun = 0;
        set_gate(&b, true);
        for (int i = 0; i < 8; i++)
            give(worker, i);
        wait_until_begun(&b, 1);
        CHECK_EQ(et__worker_n_given(worker), 8);
        set_gate(&b, false);
        et__worker_close(worker);
        CHECK(b.n_begun >= 1 && b.n_begun <= 8);
        CHECK_EQ(b.n_shut, round + 1);
    }
}

static void it_is_readable_while_a_job_is_done(void)
{
    struct bench b = bench_of();
    struct et__worker *worker = open_with(&b, 4);
    struct job *job;
    CHECK(!is_readable(worker, 0));
    set_gate(&b, true);
    give(worker, 0);
    wait_until_begun(&b, 1);
    CHECK(!is_readable(worker, 0));
    give(worker, 1);
    give(worker, 2);
    set_gate(&b, false);
    wait_until_begun(&b, 3); // so two are done
    CHECK(is_readable(worker, 0));
    CHECK_OK(take(worker, &job));
    et__worker_done(worker);
    CHECK(is_readable(worker, 0));
    CHECK_OK(take(worker, &job));
    et__worker_done(worker);
    CHECK_OK(take(worker, &job));
    CHECK(!is_readable(worker, 0)); // before it is done with, too
    et__worker_done(worker);
    CHECK(!is_readable(worker, 0));
    CHECK_EQ(et__worker_n_given(worker), 0);
    et__worker_close(worker);
}

static void no_failure_of_the_system_leaves_anything(void)
{
    struct bench b = bench_of();
    FOR_EACH_FAULT(at)
    {
        struct et__worker *worker;
        const struct et__worker_options how = {.n_slots = 2,
                                               .slot_bytes = sizeof(struct job),
                                               .open = open_bench,
                                               .work = work,
                                               .shut = shut_bench,
                                               .ctx = &b};
        fault_arm(at);
        const enum et_status st = et__worker_open(&worker, &how, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_ENOMEM || st == ET_EIO : st == ET_OK);
        CHECK((st == ET_OK) == (worker != NULL));
        CHECK(st == ET_OK || err.text[0]);
        et__worker_close(worker);
    }
    CHECK_EQ(b.n_open, 1);
    CHECK_EQ(b.n_shut, 1);
}

int main(void)
{
    RUN(jobs_come_back_in_the_order_they_were_given);
    RUN(slots_are_zeroed_and_aligned);
    RUN(who_finds_no_slot_free_does_not_wait);
    RUN(a_failure_is_of_its_job_alone);
    RUN(what_cannot_be_opened_is_no_worker);
    RUN(closing_waits_for_one_job_and_leaves_the_others);
    RUN(it_is_readable_while_a_job_is_done);
    RUN(no_failure_of_the_system_leaves_anything);
    return tap_end();
}

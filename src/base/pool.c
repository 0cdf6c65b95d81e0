#include "etude/pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#define THREADS_MAX 1024

/* Tasks start in the order of their numbers, so when one has failed all lower ones have started:
 * nothing more needs to start, and the lowest failure is found by taking results in order. */

enum slot_state { SLOT_FREE, SLOT_RUNNING, SLOT_DONE };

struct slot {
    enum slot_state state;
    enum et_status status;
    struct et_err err;
};

struct worker {
    struct et_pool *pool;
    pthread_t thread;
    unsigned number;
};

struct et_pool {
    pthread_mutex_t lock;
    pthread_cond_t may_start;  // a task may start, or the pool closes
    pthread_cond_t has_result; // a task has ended
    bool is_closing;

    // The run; all of it under the lock. Tasks from i_next to n_limit − 1 may start.
    const struct et_pool_job *job; // NULL between runs
    struct slot *slots;            // window of them; task i uses slot i % window
    size_t window;
    size_t i_next;
    size_t i_taken; // the first whose result was not asked for
    size_t n_limit;
    size_t n_running;
    bool is_ending; // a task failed or a result was refused: start no more

    // Of a job that is fed.
    bool is_taking;         // a worker takes results
    enum et_status trouble; // the first failure among them, in order
    struct et_err trouble_err;

    unsigned n_threads;
    struct worker workers[];
};

static unsigned count_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    const int n = CPU_COUNT(&set);
    return n < 1 ? 1 : (unsigned)n;
}

/* Waits for task i and takes its result. Called and left with the lock held. */
static enum et_status take_result(struct et_pool *pool, size_t i, struct et_err *err)
{
    const struct et_pool_job *job = pool->job;
    struct slot *slot = &pool->slots[i % pool->window];
    while (slot->state != SLOT_DONE)
        (void)pthread_cond_wait(&pool->has_result, &pool->lock);
    slot->state = SLOT_FREE;
    if (slot->status != ET_OK) {
        if (err)
            *err = slot->err;
        return slot->status;
    }
    if (!job->take)
        return ET_OK;
    (void)pthread_mutex_unlock(&pool->lock);
    const enum et_status st = job->take(job->ctx, i, err);
    (void)pthread_mutex_lock(&pool->lock);
    return st;
}

static bool may_take(const struct et_pool *pool)
{
    return !pool->is_taking && pool->trouble == ET_OK && pool->i_taken < pool->i_next &&
           pool->slots[pool->i_taken % pool->window].state == SLOT_DONE;
}

/* Takes the next result of a fed job. Called and left with the lock held. */
static void take_fed(struct et_pool *pool)
{
    pool->is_taking = true;
    pool->trouble = take_result(pool, pool->i_taken, &pool->trouble_err);
    pool->is_ending = pool->is_ending || pool->trouble != ET_OK;
    pool->i_taken++;
    pool->is_taking = false;
    (void)pthread_cond_signal(&pool->has_result);
}

static void run_task(struct et_pool *pool, unsigned number)
{
    const struct et_pool_job *job = pool->job;
    const size_t i = pool->i_next++;
    struct slot *slot = &pool->slots[i % pool->window];

    assert(slot->state == SLOT_FREE);
    slot->state = SLOT_RUNNING;
    pool->n_running++;
    (void)pthread_mutex_unlock(&pool->lock);

    struct et_err err = {0};
    const enum et_status st = job->work(job->ctx, i, number, &err);

    (void)pthread_mutex_lock(&pool->lock);
    slot->status = st;
    if (st != ET_OK) {
        slot->err = err;
        pool->is_ending = true;
    }
    slot->state = SLOT_DONE;
    // The caller takes what it must, and goes on feeding.
    while (job->is_fed && number > 0 && may_take(pool))
        take_fed(pool);
    pool->n_running--;
    (void)pthread_cond_signal(&pool->has_result);
}

static bool may_start(const struct et_pool *pool)
{
    return pool->job && !pool->is_ending && pool->i_next < pool->n_limit;
}

static void *work(void *arg)
{
    const struct worker *worker = arg;
    struct et_pool *pool = worker->pool;

    (void)pthread_mutex_lock(&pool->lock);
    while (!pool->is_closing) {
        const bool is_callers = pool->job && pool->job->is_fed && worker->number == 0;
        if (may_start(pool) && !is_callers)
            run_task(pool, worker->number);
        else
            (void)pthread_cond_wait(&pool->may_start, &pool->lock);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

// Ends the first n workers and releases the pool.
static void close_workers(struct et_pool *pool, unsigned n)
{
    (void)pthread_mutex_lock(&pool->lock);
    assert(!pool->job);
    pool->is_closing = true;
    (void)pthread_cond_broadcast(&pool->may_start);
    (void)pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < n; i++)
        (void)pthread_join(pool->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&pool->has_result);
    (void)pthread_cond_destroy(&pool->may_start);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

enum et_status et_pool_open(struct et_pool **pool, unsigned n_threads, struct et_err *err)
{
    assert(pool);
    *pool = NULL;
    if (n_threads > THREADS_MAX)
        return et_fail(err, ET_EARG, -1, "%u threads are more than %d", n_threads, THREADS_MAX);
    const unsigned n = n_threads > 0 ? n_threads : count_processors();

    struct et_pool *made = calloc(1, sizeof *made + n * sizeof *made->workers);
    if (!made)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a pool of %u threads", n);
    made->n_threads = n;
    // With default attributes these cannot fail on Linux.
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->may_start, NULL);
    (void)pthread_cond_init(&made->has_result, NULL);

    // One thread is the caller's own.
    for (unsigned i = 0; n > 1 && i < n; i++) {
        struct worker *worker = &made->workers[i];
        worker->pool = made;
        worker->number = i;
        const int sys = pthread_create(&worker->thread, NULL, work, worker);
        if (sys != 0) {
            close_workers(made, i);
            return et_fail_sys(err, sys, "cannot start thread %u of %u", i + 1, n);
        }
    }
    *pool = made;
    return ET_OK;
}

void et_pool_close(struct et_pool *pool)
{
    if (pool)
        close_workers(pool, pool->n_threads > 1 ? pool->n_threads : 0);
}

unsigned et_pool_threads(const struct et_pool *pool)
{
    return pool->n_threads;
}

static enum et_status run_one(const struct et_pool_job *job, size_t i, struct et_err *err)
{
    const enum et_status st = job->work(job->ctx, i, 0, err);
    return st == ET_OK && job->take ? job->take(job->ctx, i, err) : st;
}

// All tasks; those of a fed job were worked as they came.
static enum et_status run_here(const struct et_pool_job *job, struct et_err *err)
{
    for (size_t i = 0; !job->is_fed && i < job->n_tasks; i++) {
        const enum et_status st = run_one(job, i, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* Takes the next result, and lets one more task start in its place. Called and left with the lock
 * held. */
static enum et_status take_next(struct et_pool *pool, struct et_err *err)
{
    const enum et_status st = take_result(pool, pool->i_taken++, err);
    if (st == ET_OK && pool->n_limit < pool->job->n_tasks) {
        pool->n_limit++;
        (void)pthread_cond_signal(&pool->may_start);
    }
    return st;
}

/* Works, as worker 0, until at most n fed tasks are not taken. Called and left with the lock held.
 */
static enum et_status wait_for_fed(struct et_pool *pool, size_t n, struct et_err *err)
{
    while (pool->trouble == ET_OK && pool->n_limit - pool->i_taken > n) {
        if (may_take(pool))
            take_fed(pool);
        else if (may_start(pool))
            run_task(pool, 0);
        else
            (void)pthread_cond_wait(&pool->has_result, &pool->lock);
    }
    if (pool->trouble != ET_OK && err)
        *err = pool->trouble_err;
    return pool->trouble;
}

/* Waits for what still runs, drops what was worked in vain, and ends the run. Called and left with
 * the lock held. */
static void end_run(struct et_pool *pool)
{
    const struct et_pool_job *job = pool->job;
    pool->is_ending = true;
    while (pool->n_running > 0)
        (void)pthread_cond_wait(&pool->has_result, &pool->lock);
    for (size_t i = pool->i_taken; i < pool->i_next; i++) {
        const struct slot *slot = &pool->slots[i % pool->window];
        assert(slot->state == SLOT_DONE);
        if (slot->status == ET_OK && job->drop)
            job->drop(job->ctx, i);
    }
    free(pool->slots);
    pool->job = NULL;
    pool->slots = NULL;
}

enum et_status et_pool_begin(struct et_pool *pool, const struct et_pool_job *job,
                             struct et_err *err)
{
    assert(job && job->work);
    if (!pool || pool->n_threads == 1)
        return ET_OK; // all of it happens when it ends

    size_t window = job->window > 0 ? job->window : 2 * (size_t)pool->n_threads;
    const size_t n_tasks = job->is_fed ? 0 : job->n_tasks;
    if (!job->is_fed && window > n_tasks)
        window = n_tasks > 0 ? n_tasks : 1;
    struct slot *slots = calloc(window, sizeof *slots);
    if (!slots)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %zu waiting results", window);

    (void)pthread_mutex_lock(&pool->lock);
    assert(!pool->job); // a run inside a run would wait for itself
    pool->job = job;
    pool->slots = slots;
    pool->window = window;
    pool->i_next = pool->i_taken = pool->n_running = 0;
    pool->n_limit = window < n_tasks ? window : n_tasks;
    pool->is_ending = false;
    pool->trouble = ET_OK;
    pool->trouble_err = (struct et_err){0};
    (void)pthread_cond_broadcast(&pool->may_start);
    (void)pthread_mutex_unlock(&pool->lock);
    return ET_OK;
}

enum et_status et_pool_end(struct et_pool *pool, const struct et_pool_job *job, struct et_err *err)
{
    if (!pool || pool->n_threads == 1)
        return run_here(job, err);
    (void)pthread_mutex_lock(&pool->lock);
    assert(pool->job == job);
    enum et_status st = job->is_fed ? wait_for_fed(pool, 0, err) : ET_OK;
    while (!job->is_fed && st == ET_OK && pool->i_taken < job->n_tasks)
        st = take_next(pool, err);
    end_run(pool);
    (void)pthread_mutex_unlock(&pool->lock);
    return st;
}

enum et_status et_pool_take(struct et_pool *pool, const struct et_pool_job *job, size_t i,
                            struct et_err *err)
{
    if (!pool || pool->n_threads == 1)
        return run_one(job, i, err);
    (void)pthread_mutex_lock(&pool->lock);
    assert(pool->job == job && !job->is_fed && i == pool->i_taken && i < job->n_tasks);
    const enum et_status st = take_next(pool, err);
    (void)pthread_mutex_unlock(&pool->lock);
    return st;
}

enum et_status et_pool_feed(struct et_pool *pool, const struct et_pool_job *job, size_t i,
                            struct et_err *err)
{
    if (!pool || pool->n_threads == 1)
        return run_one(job, i, err);
    (void)pthread_mutex_lock(&pool->lock);
    assert(pool->job == job && job->is_fed && i == pool->n_limit);
    pool->n_limit++;
    (void)pthread_cond_broadcast(&pool->may_start); // to the first alone it may be of no use
    const enum et_status st = wait_for_fed(pool, pool->window - 1, err);
    (void)pthread_mutex_unlock(&pool->lock);
    return st;
}

void et_pool_stop(struct et_pool *pool, const struct et_pool_job *job)
{
    if (!pool || pool->n_threads == 1)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    assert(pool->job == job);
    end_run(pool);
    (void)pthread_mutex_unlock(&pool->lock);
}

enum et_status et_pool_run(struct et_pool *pool, const struct et_pool_job *job, struct et_err *err)
{
    const enum et_status st = et_pool_begin(pool, job, err);
    return st == ET_OK ? et_pool_end(pool, job, err) : st;
}

#include "record/record__worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Job i lies in slot i % n_slots. Jobs go through four places in order, so four counts say where
 * each is: n_free <= n_taken <= n_worked <= n_given, and no more than n_slots between the ends. */
struct result {
    enum et_status status;
    struct et_err err;
};

struct et__worker {
    struct et__worker_options options;
    size_t step_bytes; // from slot to slot
    unsigned char *slots;
    struct result *results;

    // Of the thread that gives and takes.
    uint64_t n_taken, n_free; // n_free: taken, and done with

    pthread_mutex_t lock;
    pthread_cond_t has_changed; // what the two threads wait for, each from the other
    pthread_t thread;
    int fd;

    // Under the lock.
    uint64_t n_given, n_worked;
    bool is_open, is_closing;
    struct result opened;
};

static void *slot_of(const struct et__worker *w, uint64_t i)
{
    return w->slots + (size_t)(i % w->options.n_slots) * w->step_bytes;
}

/* ---- the worker's thread ---- */

static bool open_all(struct et__worker *w)
{
    struct result opened = {ET_OK, {0}};
    if (w->options.open)
        opened.status = w->options.open(w->options.ctx, &opened.err);
    (void)pthread_mutex_lock(&w->lock);
    w->opened = opened;
    w->is_open = true;
    (void)pthread_cond_signal(&w->has_changed);
    (void)pthread_mutex_unlock(&w->lock);
    return opened.status == ET_OK;
}

// Works on a job. Called and left with the lock held.
static void work_one(struct et__worker *w)
{
    const uint64_t i = w->n_worked, one = 1;
    struct result *result = &w->results[i % w->options.n_slots];
    (void)pthread_mutex_unlock(&w->lock);
    *result = (struct result){ET_OK, {0}};
    result->status = w->options.work(w->options.ctx, slot_of(w, i), &result->err);
    (void)pthread_mutex_lock(&w->lock);
    w->n_worked++;
    const ssize_t n = write(w->fd, &one, sizeof one);
    (void)n; // full: it is readable
}

static void *run(void *context)
{
    struct et__worker *w = context;
    const bool is_good = open_all(w);
    (void)pthread_mutex_lock(&w->lock);
    while (is_good && !w->is_closing) {
        if (w->n_worked < w->n_given)
            work_one(w);
        else
            (void)pthread_cond_wait(&w->has_changed, &w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (w->options.shut)
        w->options.shut(w->options.ctx);
    return NULL;
}

/* ---- opening and closing ---- */

static void release(struct et__worker *w)
{
    if (w->fd >= 0)
        (void)close(w->fd);
    (void)pthread_cond_destroy(&w->has_changed);
    (void)pthread_mutex_destroy(&w->lock);
    free(w->slots);
    free(w->results);
    free(w);
}

static enum et_status start(struct et__worker *w, struct et_err *err)
{
    const size_t align = alignof(max_align_t);
    w->step_bytes = (w->options.slot_bytes + align - 1) / align * align;
    w->slots = calloc(w->options.n_slots, w->step_bytes);
    w->results = calloc(w->options.n_slots, sizeof *w->results);
    if (!w->slots || !w->results)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a worker");
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->fd < 0)
        return et_fail_sys(err, errno, "cannot wait for a worker");
    const int sys = pthread_create(&w->thread, NULL, run, w);
    return sys == 0 ? ET_OK : et_fail_sys(err, sys, "cannot start a worker's thread");
}

enum et_status et__worker_open(struct et__worker **worker, const struct et__worker_options *options,
                               struct et_err *err)
{
    *worker = NULL;
    assert(options->n_slots >= 1 && options->n_slots <= ET__WORKER_SLOTS_MAX);
    assert(options->slot_bytes >= 1 && options->work);
    struct et__worker *w = calloc(1, sizeof *w);
    if (!w)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a worker");
    w->options = *options;
    w->fd = -1;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->has_changed, NULL);
    const enum et_status st = start(w, err);
    if (st != ET_OK) {
        release(w);
        return st;
    }
    (void)pthread_mutex_lock(&w->lock);
    while (!w->is_open)
        (void)pthread_cond_wait(&w->has_changed, &w->lock);
    const struct result opened = w->opened;
    (void)pthread_mutex_unlock(&w->lock);
    if (opened.status == ET_OK) {
        *worker = w;
        return ET_OK;
    }
    (void)pthread_join(w->thread, NULL);
    release(w);
    if (err)
        *err = opened.err;
    return opened.status;
}

void et__worker_close(struct et__worker *w)
{
    if (!w)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->is_closing = true;
    (void)pthread_cond_signal(&w->has_changed);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    release(w);
}

/* ---- jobs ---- */

void *et__worker_slot(struct et__worker *w)
{
    // Only this thread gives, so n_given is read without the lock.
    return w->n_given - w->n_free < w->options.n_slots ? slot_of(w, w->n_given) : NULL;
}

void et__worker_give(struct et__worker *w)
{
    assert(w->n_given - w->n_free < w->options.n_slots);
    (void)pthread_mutex_lock(&w->lock);
    w->n_given++;
    (void)pthread_cond_signal(&w->has_changed);
    (void)pthread_mutex_unlock(&w->lock);
}

static void drain(int fd)
{
    uint64_t n;
    const ssize_t n_read = read(fd, &n, sizeof n);
    (void)n_read; // empty: nothing was told
}

enum et_status et__worker_take(struct et__worker *w, void **slot, struct et_err *err)
{
    assert(w->n_taken == w->n_free); // the last one was done with
    *slot = NULL;
    (void)pthread_mutex_lock(&w->lock);
    const uint64_t n_there = w->n_worked - w->n_taken;
    if (n_there <= 1) // under the lock: what the worker tells from here on stays told
        drain(w->fd);
    (void)pthread_mutex_unlock(&w->lock);
    if (n_there == 0)
        return ET_AGAIN;
    const struct result *result = &w->results[w->n_taken % w->options.n_slots];
    *slot = slot_of(w, w->n_taken);
    w->n_taken++;
    if (err && result->status != ET_OK)
        *err = result->err;
    return result->status;
}

void et__worker_done(struct et__worker *w)
{
    assert(w->n_taken == w->n_free + 1);
    w->n_free++;
}

size_t et__worker_n_given(const struct et__worker *w)
{
    return (size_t)(w->n_given - w->n_taken);
}

int et__worker_fd(const struct et__worker *w)
{
    return w->fd;
}

/* Thread pool: work in parallel, results in order.
 *
 * Same inputs give the same bytes out, whatever the threads did: tasks run on the workers in any
 * order, and the calling thread takes their results in the order of their numbers. At most `window`
 * results wait at a time, so memory stays bounded however uneven the tasks are.
 *
 * Threads: a pool belongs to one thread; `work` runs on the pool's threads (and on the caller's
 * when the pool has one), `take` on the calling thread only, but for a job that is fed. Memory: a
 * pool allocates when it is opened, and one slot table a run. */
#ifndef ETUDE_POOL_H
#define ETUDE_POOL_H

#include "etude/status.h"

#include <stdbool.h>
#include <stddef.h>

struct et_pool;

/* n_threads 0 takes the number of processors this process may use. ET_EARG: more than 1024 threads.
 * ET_ENOMEM, ET_EIO (the system starts no thread): nothing was opened. */
ET_MUST_USE ET_API enum et_status et_pool_open(struct et_pool **pool, unsigned n_threads,
                                               struct et_err *err);
ET_API void et_pool_close(struct et_pool *pool); // NULL is allowed
ET_API unsigned et_pool_threads(const struct et_pool *pool);

struct et_pool_job {
    size_t n_tasks;
    size_t window; // results that may wait, at least 1; 0 means twice the threads
    /* Runs task i on worker `worker` (0 … threads − 1). Anything but ET_OK ends the run. */
    enum et_status (*work)(void *ctx, size_t i, unsigned worker, struct et_err *err);
    /* Takes the result of task i; called for 0, 1, 2 … in order. May be NULL. */
    enum et_status (*take)(void *ctx, size_t i, struct et_err *err);
    /* Releases what task i holds when it was worked with ET_OK but never taken (a run that ended
     * early). Called on the calling thread. May be NULL. */
    void (*drop)(void *ctx, size_t i);
    void *ctx;
    bool is_fed; // its tasks come one by one: et_pool_feed
};

/* Runs the job. pool NULL runs every task on the calling thread. Returns the failure of the lowest
 * task that failed (so a failure is the same on every run), after every started task has ended;
 * results before it were taken, none after it. ET_ENOMEM: no memory for the slots, nothing ran. */
ET_MUST_USE ET_API enum et_status et_pool_run(struct et_pool *pool, const struct et_pool_job *job,
                                              struct et_err *err);

/* The same in two steps: between them the calling thread does something else while up to `window`
 * tasks are worked. The job and what it works on stay as they are until et_pool_end, which takes
 * the results and returns as et_pool_run does. ET_ENOMEM from et_pool_begin: nothing was begun, and
 * nothing is to be ended. Without other threads all of it happens in et_pool_end. */
ET_MUST_USE ET_API enum et_status et_pool_begin(struct et_pool *pool, const struct et_pool_job *job,
                                                struct et_err *err);
ET_MUST_USE ET_API enum et_status et_pool_end(struct et_pool *pool, const struct et_pool_job *job,
                                              struct et_err *err);

/* Between et_pool_begin and its end the results can also be taken one by one, so that the calling
 * thread uses each while the next `window` are worked. et_pool_take takes the result of task i (0,
 * 1, 2 … in order, each once) as soon as it is there, and returns as `work` or `take` did; after a
 * failure there is only the end. et_pool_stop ends the run there: what was worked and not taken is
 * dropped. Without other threads et_pool_take does the work of the task, too. */
ET_MUST_USE ET_API enum et_status et_pool_take(struct et_pool *pool, const struct et_pool_job *job,
                                               size_t i, struct et_err *err);
ET_API void et_pool_stop(struct et_pool *pool, const struct et_pool_job *job);

/* A job that is fed: between et_pool_begin and et_pool_end the calling thread makes the tasks ready
 * one by one (`n_tasks` is not looked at). et_pool_feed lets task i (0, 1, 2 …) start, and returns
 * when fewer than `window` are fed and not taken: then what task i + 1 − window held may be filled
 * again. While it cannot return, the calling thread works as worker 0, whose thread rests; results
 * are taken in order and one at a time, on whichever thread comes to it.
 *
 * Returns the failure of the lowest task that failed; after one there is only et_pool_end, which
 * has nothing to add. Without other threads it works the task and takes its result. */
ET_MUST_USE ET_API enum et_status et_pool_feed(struct et_pool *pool, const struct et_pool_job *job,
                                               size_t i, struct et_err *err);

#endif

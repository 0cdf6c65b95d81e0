/* A worker: a thread for what takes longer than a source may keep the others waiting: pictures are
 * drawn and coded there, so that the thread which polls goes on.
 *
 * Jobs lie in slots, as many as were there from the beginning: nothing is allocated later. Who
 * finds no slot free passes its picture over and counts it (et_feed_lost). Jobs are done one by
 * one, and taken back, in the order they were given.
 *
 *     thread that polls                          worker
 *     slot = et__worker_slot(w)  ... fill it
 *     et__worker_give(w)                  ->     work(ctx, slot)
 *     et__worker_take(w, &slot)           <-
 *     ... put what it holds into the feed
 *     et__worker_done(w)
 *
 * Threads: slot, give, take, done, fd and close belong to one thread; options.work, open and shut
 *          run on the worker's own.
 * Memory:  a handle: n_slots × slot_bytes, aligned as malloc does, zeroed at the beginning; what a
 *          slot points to is its owner's. */
#ifndef ETUDE_RECORD__WORKER_H
#define ETUDE_RECORD__WORKER_H

#include "etude/status.h"

#include <stddef.h>

#define ET__WORKER_SLOTS_MAX 64

struct et__worker;

struct et__worker_options {
    size_t n_slots, slot_bytes;                         // 1 to ET__WORKER_SLOTS_MAX
    enum et_status (*open)(void *ctx, struct et_err *); // before the first job; NULL
    enum et_status (*work)(void *ctx, void *slot, struct et_err *);
    void (*shut)(void *ctx); // after the last, also where open failed; NULL
    void *ctx;
};

/* Starts the thread; returns when `open` has, with its result. ET_ENOMEM, ET_EIO (no thread, no
 * descriptor). */
enum et_status et__worker_open(struct et__worker **worker, const struct et__worker_options *options,
                               struct et_err *err);
/* Waits for the job under way, leaves those behind it, and ends the thread. NULL is allowed. */
void et__worker_close(struct et__worker *worker);

void *et__worker_slot(struct et__worker *worker); // the next one that is free; NULL: none is
void et__worker_give(struct et__worker *worker);  // that slot

/* The oldest job that is done and not taken back. ET_AGAIN: there is none. Else what `work` said
 * of it; the slot is valid in any case, until et__worker_done. */
enum et_status et__worker_take(struct et__worker *worker, void **slot, struct et_err *err);
void et__worker_done(struct et__worker *worker); // the slot taken is free again

size_t et__worker_n_given(const struct et__worker *worker); // that were not taken back yet
/* Readable while a job is done that nobody took back (an eventfd; et__worker_take empties it). */
int et__worker_fd(const struct et__worker *worker);

#endif

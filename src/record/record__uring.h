/* io_uring: writes to many files and their syncs at once. The one place that knows liburing; built
 * without it, there is none.
 *
 * Threads: a ring belongs to one thread. */
#ifndef ETUDE_RECORD_URING_H
#define ETUDE_RECORD_URING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct et__uring;

struct et__uring_write {
    int fd;
    const void *p;
    size_t n;
    int64_t at;
};

/* NULL: the system has none, or lets nobody use it. */
struct et__uring *et__uring_open(void);
void et__uring_close(struct et__uring *uring); // NULL is allowed

/* Writes n parts and then syncs sync_fd, one after the other; whatever fails, what comes behind it
 * is cancelled. done is called for call 0 … n − 1 and n (the sync), as soon as each is over, by one
 * of the calls below: with what it wrote, or a negative errno. */
void et__uring_submit(struct et__uring *uring, const struct et__uring_write *writes, size_t n,
                      int sync_fd, void (*done)(void *ctx, unsigned i, size_t wanted, int result),
                      void *ctx);
void et__uring_flush(struct et__uring *uring); // lets all begin

/* Until all is over. false: the ring has failed, and is good for closing only, after which nothing
 * is under way; calls for which `done` was not called may have happened or not. */
bool et__uring_wait(struct et__uring *uring);
/* The same without waiting: false while something is under way. */
bool et__uring_poll(struct et__uring *uring);

#endif

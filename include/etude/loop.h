/* Loop: one thread that waits for many descriptors and times at once (epoll).
 *
 * Everything of the network stands on it. It is our own because what a centre needs of one is
 * small: hundreds of connections, a few timers, and a way in from other threads; and because a
 * loop that can be given its clock lets every time limit above it be tested without waiting.
 *
 * Units:   times are nanoseconds on the loop's clock (the monotonic one unless another is given).
 * Threads: a loop and all that is opened on it belong to one thread at a time; et_loop_wake alone
 *          may be called from any. Nothing here starts a thread.
 * Memory:  watches and timers are structs of the caller, which stay where they are while they are
 *          in use; the loop itself is one allocation that does not grow. */
#ifndef ETUDE_LOOP_H
#define ETUDE_LOOP_H

#include "etude/status.h"

#include <stdbool.h>
#include <stddef.h>

struct et_loop;

/* Zero means the default. */
struct et_loop_options {
    int64_t (*now_ns)(void *ctx); // the clock, which never steps back; NULL: monotonic
    void *now_ctx;
    void (*on_wake)(void *ctx); // called on the loop's thread after et_loop_wake; NULL: nothing is
    void *wake_ctx;
};

/* Opens a loop; options may be NULL. ET_ENOMEM; ET_EIO: the system has no descriptors left. */
ET_MUST_USE ET_API enum et_status
et_loop_open(struct et_loop **loop, const struct et_loop_options *options, struct et_err *err);

/* Closes it; NULL is allowed. What was opened on it is closed before. Not from its callbacks. */
ET_API void et_loop_close(struct et_loop *loop);

/* Waits until something is ready, a timer is due, the loop is woken or timeout_ns have passed
 * (< 0: as long as it takes; 0: not at all), and makes the calls that follow from it. The wait is
 * by whole milliseconds. ET_OK: also when nothing was ready. ET_EIO: the system's wait failed. Not
 * from the loop's own callbacks. */
ET_MUST_USE ET_API enum et_status et_loop_run_once(struct et_loop *loop, int64_t timeout_ns,
                                                   struct et_err *err);

/* The time on its clock: as of the last wait's end inside callbacks, else now. */
ET_API int64_t et_loop_now_ns(const struct et_loop *loop);

/* Makes a wait that is under way, or the next one, end; then on_wake is called. Several wakes may
 * be one. From any thread, and from signal handlers. */
ET_API void et_loop_wake(struct et_loop *loop);

/* For a poll around this loop: a descriptor that is readable when et_loop_run_once has something
 * to do, and how long such a poll may wait at most for the loop's timers (< 0: for ever). */
ET_API int et_loop_fd(const struct et_loop *loop);
ET_API int64_t et_loop_wait_ns(const struct et_loop *loop);

enum {
    ET_LOOP_READ = 1,   // there is something to read, or the other end has closed
    ET_LOOP_WRITE = 2,  // there is room to write
    ET_LOOP_FAILED = 4, // an error or a hang-up; told whether asked for or not
};

/* A descriptor that is watched. The caller fills the first three, zeroes the rest. It may be
 * changed and ended from any callback, its own too. */
struct et_watch {
    int fd;
    void (*on_ready)(void *ctx, unsigned events); // ET_LOOP_…; again and again while it is so
    void *ctx;
    struct et_loop *loop; // of the loop's own use
};

/* Begins to watch for `events`, which may be 0. ET_EIO: the system refused (a plain file cannot be
 * watched; the limit of watches is reached). */
ET_MUST_USE ET_API enum et_status et_watch_begin(struct et_loop *loop, struct et_watch *watch,
                                                 unsigned events, struct et_err *err);

/* Watches for other events. ET_EIO as above; what was watched for before stays. */
ET_MUST_USE ET_API enum et_status et_watch_change(struct et_watch *watch, unsigned events,
                                                  struct et_err *err);

/* Ends it, before the descriptor is closed. No call comes after it. One that was not begun is
 * fine. */
ET_API void et_watch_end(struct et_watch *watch);

/* A time that is waited for. The caller fills the first two, zeroes the rest. */
struct et_timer {
    void (*on_time)(void *ctx);
    void *ctx;
    int64_t at_ns; // from here on of the loop's own use
    struct et_loop *loop;
    struct et_timer *child, *next, *before; // places in a pairing heap
};

/* Sets the timer, or moves one that is set: on_time is called once when the clock has reached
 * at_ns, and may set it again. Where a time is put off often, let it come, look, and set it again:
 * that costs less than moving it each time. */
ET_API void et_timer_set(struct et_loop *loop, struct et_timer *timer, int64_t at_ns);

/* Ends it; one that is not set is fine. */
ET_API void et_timer_end(struct et_timer *timer);

#endif

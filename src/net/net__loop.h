/* What the loop does for this room alone: tasks, which run after the calls that are under way. */
#ifndef ETUDE_NET_LOOP_H
#define ETUDE_NET_LOOP_H

#include "etude/loop.h"

#define ET__SCRATCH_BYTES ((size_t)64 << 10)

/* Runs once, when all descriptors and timers that are ready have had their calls: writing in one
 * piece what several calls have sent, and giving memory back that a call higher up still uses. */
struct et__task {
    void (*run)(void *ctx);
    void *ctx;
    struct et__task *next, *before; // NULL when it does not wait
};

void et__loop_later(struct et_loop *loop, struct et__task *task); // waits already: nothing changes
void et__task_end(struct et__task *task);

/* ET__SCRATCH_BYTES that all connections read into, so that one costs no buffer while it waits. */
char *et__loop_scratch(struct et_loop *loop);

#endif

// Built without liburing: plain calls do it all.
#include "record/record__uring.h"

struct et__uring *et__uring_open(void)
{
    return NULL;
}

void et__uring_close(struct et__uring *u)
{
    (void)u;
}

void et__uring_submit(struct et__uring *u, const struct et__uring_write *writes, size_t n,
                      int sync_fd, void (*done)(void *ctx, unsigned i, size_t wanted, int result),
                      void *ctx)
{
    (void)u, (void)writes, (void)n, (void)sync_fd, (void)done, (void)ctx;
}

void et__uring_flush(struct et__uring *u)
{
    (void)u;
}

bool et__uring_wait(struct et__uring *u)
{
    (void)u;
    return true;
}

bool et__uring_poll(struct et__uring *u)
{
    (void)u;
    return true;
}

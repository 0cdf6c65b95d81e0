#include "record/record__uring.h"

#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdlib.h>

#define ENTRIES 1024

/* A call under way. */
struct call {
    void (*done)(void *ctx, unsigned i, size_t wanted, int result);
    void *ctx;
    unsigned i;
    size_t wanted;
    struct call *next_free;
};

struct et__uring {
    struct io_uring ring;
    struct call calls[ENTRIES], *free;
    size_t n_free, n_under_way;
    bool is_broken;
};

struct et__uring *et__uring_open(void)
{
    struct et__uring *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    if (io_uring_queue_init(ENTRIES, &u->ring, 0) != 0) {
        free(u);
        return NULL;
    }
    for (size_t i = 0; i < ENTRIES; i++) {
        u->calls[i].next_free = u->free;
        u->free = &u->calls[i];
    }
    u->n_free = ENTRIES;
    return u;
}

void et__uring_close(struct et__uring *u)
{
    if (!u)
        return;
    io_uring_queue_exit(&u->ring);
    free(u);
}

static void finish(struct et__uring *u, struct io_uring_cqe *cqe)
{
    struct call *call = io_uring_cqe_get_data(cqe);
    call->done(call->ctx, call->i, call->wanted, cqe->res);
    call->next_free = u->free;
    u->free = call;
    u->n_free++;
    u->n_under_way--;
    io_uring_cqe_seen(&u->ring, cqe);
}

// Waits for one call at least; false when the ring itself has failed.
static bool take_some(struct et__uring *u)
{
    struct io_uring_cqe *cqe;
    int result;
    while ((result = io_uring_wait_cqe(&u->ring, &cqe)) == -EINTR)
        ;
    if (result != 0)
        return false;
    do
        finish(u, cqe);
    while (io_uring_peek_cqe(&u->ring, &cqe) == 0);
    return true;
}

void et__uring_flush(struct et__uring *u)
{
    while (!u->is_broken && io_uring_sq_ready(&u->ring) > 0) {
        const int result = io_uring_submit(&u->ring);
        if (result >= 0)
            u->n_under_way += (size_t)result;
        else if (result == -EAGAIN || result == -EBUSY) // no memory, or too much is over
            u->is_broken = u->n_under_way == 0 || !take_some(u);
        else
            u->is_broken = result != -EINTR;
    }
}

void et__uring_submit(struct et__uring *u, const struct et__uring_write *writes, size_t n,
                      int sync_fd, void (*done)(void *ctx, unsigned i, size_t wanted, int result),
                      void *ctx)
{
    // A chain has to go to the system as a whole.
    if (io_uring_sq_space_left(&u->ring) <= n || u->n_free <= n) {
        et__uring_flush(u);
        while (!u->is_broken && u->n_free <= n)
            u->is_broken = !take_some(u);
    }
    for (unsigned i = 0; i <= n && !u->is_broken; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
        struct call *call = u->free;
        u->free = call->next_free;
        u->n_free--;
        *call = (struct call){.done = done, .ctx = ctx, .i = i};
        if (i < n) {
            call->wanted = writes[i].n;
            io_uring_prep_write(sqe, writes[i].fd, writes[i].p, (unsigned)writes[i].n,
                                (uint64_t)writes[i].at);
            sqe->flags |= IOSQE_IO_LINK;
        } else
            io_uring_prep_fsync(sqe, sync_fd, IORING_FSYNC_DATASYNC);
        io_uring_sqe_set_data(sqe, call);
    }
}

bool et__uring_wait(struct et__uring *u)
{
    et__uring_flush(u);
    while (!u->is_broken && u->n_under_way > 0)
        u->is_broken = !take_some(u);
    return !u->is_broken;
}

bool et__uring_poll(struct et__uring *u)
{
    struct io_uring_cqe *cqe;
    et__uring_flush(u);
    while (!u->is_broken && io_uring_peek_cqe(&u->ring, &cqe) == 0)
        finish(u, cqe);
    return u->is_broken || u->n_under_way == 0;
}

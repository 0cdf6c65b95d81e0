#include "net/net__lookup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TEXT_BYTES (ET__HOST_BYTES + 16)

struct et__lookup {
    atomic_int n_owners; // the loop's side and the thread; the last one frees it
    char text[TEXT_BYTES];
    int done_fd;
    atomic_bool is_done; // what follows is the thread's until then
    struct et__address addresses[ET__ADDRESSES_MAX];
    size_t n;
    struct et_err err;
    struct et_watch watch; // of the loop's side, as all that follows
    void (*on_done)(void *ctx);
    void *ctx;
};

static void leave(struct et__lookup *l)
{
    if (atomic_fetch_sub(&l->n_owners, 1) > 1)
        return;
    if (l->done_fd >= 0)
        (void)close(l->done_fd);
    free(l);
}

static void *look_up(void *arg)
{
    static const uint64_t ONE = 1;
    struct et__lookup *l = arg;
    const enum et_status st = et__address_read(l->text, ET__ADDRESS_NAMES, l->addresses,
                                               ET__ADDRESSES_MAX, &l->n, NULL, &l->err);
    l->err.status = st;
    atomic_store(&l->is_done, true);
    (void)!write(l->done_fd, &ONE, sizeof ONE); // it has room for one
    leave(l);
    return NULL;
}

static void on_ready(void *ctx, unsigned events)
{
    struct et__lookup *l = ctx;
    (void)events;
    et_watch_end(&l->watch);
    if (atomic_load(&l->is_done))
        l->on_done(l->ctx);
}

// Signals are for threads that look at what their handlers leave.
static int start(struct et__lookup *l)
{
    pthread_t thread;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int sys = pthread_create(&thread, NULL, look_up, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (sys == 0)
        (void)pthread_detach(thread);
    return sys;
}

enum et_status et__lookup_open(struct et__lookup **lookup, struct et_loop *loop,
                               const char *address, void (*on_done)(void *ctx), void *ctx,
                               struct et_err *err)
{
    *lookup = NULL;
    if (strlen(address) >= TEXT_BYTES)
        return et_fail(err, ET_EARG, -1, "an address of %zu bytes", strlen(address));
    struct et__lookup *l = calloc(1, sizeof *l);
    if (!l)
        return et_fail(err, ET_ENOMEM, -1, "no memory to look a name up");
    (void)snprintf(l->text, sizeof l->text, "%s", address);
    l->on_done = on_done;
    l->ctx = ctx;
    atomic_store(&l->n_owners, 1);
    enum et_status st = ET_OK;
    l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->done_fd < 0)
        st = et_fail_sys(err, errno, "no descriptor to look a name up");
    l->watch = (struct et_watch){.fd = l->done_fd, .on_ready = on_ready, .ctx = l};
    if (st == ET_OK)
        st = et_watch_begin(loop, &l->watch, ET_LOOP_READ, err);
    if (st == ET_OK) {
        atomic_store(&l->n_owners, 2);
        const int sys = start(l);
        if (sys != 0) {
            atomic_store(&l->n_owners, 1);
            st = et_fail_sys(err, sys, "no thread to look a name up");
        }
    }
    if (st != ET_OK)
        et__lookup_close(l);
    else
        *lookup = l;
    return st;
}

enum et_status et__lookup_take(const struct et__lookup *l, struct et__address *addresses,
                               size_t cap, size_t *n, struct et_err *err)
{
    *n = l->n < cap ? l->n : cap;
    memcpy(addresses, l->addresses, *n * sizeof *addresses);
    if (l->err.status != ET_OK && err)
        *err = l->err;
    return l->err.status;
}

void et__lookup_close(struct et__lookup *l)
{
    if (!l)
        return;
    et_watch_end(&l->watch);
    leave(l);
}

/* Recordings begin and end on a thread of their own, so that who waits for the disk is not the one
 * who draws and reads keys. */
#include "cli_live.h"

#include "etude/clock.h"

#define TURN_NS (ET_NS_PER_S / 40) // from one look at marks to the next

static bool step(struct cli_live_step *s)
{
    struct et_err err = {0};
    atomic_store(&s->t_begin_ns, et_clock_monotonic_ns());
    const enum et_status st = et_live_step(s->live, &err);
    atomic_store(&s->t_begin_ns, 0);
    return st == ET_OK;
}

static void *work(void *arg)
{
    struct cli_live_step *s = arg;
    while (!atomic_load(&s->must_stop) && step(s))
        et_clock_wait_until(et_clock_monotonic_ns() + TURN_NS);
    (void)step(s); // what the last samples marked
    s->st = et_live_stop(s->live, &s->err);
    atomic_store(&s->is_done, true);
    return NULL;
}

enum et_status cli_live_step_open(struct cli_live_step *s, struct et_live *live, struct et_err *err)
{
    *s = (struct cli_live_step){.live = live};
    const int sys = pthread_create(&s->thread, NULL, work, s);
    return sys == 0 ? ET_OK
                    : et_fail(err, ET_EIO, -1, "cannot start a thread for recordings: %s",
                              strerror(sys));
}

int64_t cli_live_step_since_ns(struct cli_live_step *s)
{
    return atomic_load(&s->t_begin_ns);
}

enum et_status cli_live_step_close(struct cli_live_step *s, struct et_err *err)
{
    (void)pthread_join(s->thread, NULL);
    if (s->st != ET_OK)
        *err = s->err;
    return s->st;
}

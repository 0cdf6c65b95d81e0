#include "frozen.h"

#include "etude/clock.h"
#include "fault.h"

#include <string.h>

atomic_bool is_frozen, is_waited_for;

static void freeze(const char *call, int fd, const void *p, size_t n, int64_t at)
{
    (void)fd;
    (void)p;
    (void)n;
    (void)at;
    if (strcmp(call, "fdatasync") != 0)
        return;
    while (atomic_load(&is_frozen)) {
        atomic_store(&is_waited_for, true);
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    }
}

void frozen_open(void)
{
    atomic_store(&is_frozen, false);
    atomic_store(&is_waited_for, false);
    fault_watch = freeze;
}

void frozen_close(void)
{
    fault_watch = NULL;
}

bool comes(atomic_bool *what)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * ET_NS_PER_S;
    while (!atomic_load(what) && et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    return atomic_load(what);
}

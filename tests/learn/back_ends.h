/* The back ends that are held against the reference: a processor's; a GPU's kernels as loops, one
 * piece at a time and by teams; a GPU's, where there is one. */
#ifndef TESTS_LEARN_BACK_ENDS_H
#define TESTS_LEARN_BACK_ENDS_H

#include "tap.h"

#include "learn/learn__kernels.h"

struct back_end {
    const char *name;
    const struct et__kernels *kernels;
    void *device;
};

/* One after the other; a GPU's says that it was skipped where there is none. */
void back_ends_each(void (*judge)(const struct back_end *end));

/* The test's memory for a device; nothing where the back end has none. */
void back_end_share(const struct back_end *end, void *p, size_t bytes);
void back_end_unshare(const struct back_end *end, void *p);
/* Waits, and checks that nothing failed. NULL: nothing to wait for. */
void back_end_finish(const struct back_end *end);

#define RUN_BY(end, test)                                                  \
    do {                                                                   \
        char name_[160];                                                   \
        (void)snprintf(name_, sizeof name_, #test ", by %s", (end)->name); \
        test();                                                            \
        tap_result(name_);                                                 \
    } while (0)

#endif

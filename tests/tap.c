#include "tap.h"

#define TOLD_MAX 20 // failed checks of a test that are printed

int tap_is_bad;
static int n_tests, n_failed;
static const char *skip_reason;

void tap_fail(const char *file, int line, const char *text)
{
    tap_is_bad++;
    if (tap_is_bad <= TOLD_MAX)
        printf("# %s:%d: failed: %s\n", file, line, text);
}

void tap_skip(const char *reason)
{
    skip_reason = reason;
}

void tap_result(const char *name)
{
    n_tests++;
    if (tap_is_bad)
        n_failed++;
    printf("%s %d - %s", tap_is_bad ? "not ok" : "ok", n_tests, name);
    if (skip_reason && !tap_is_bad)
        printf(" # SKIP %s", skip_reason);
    printf("\n");
    fflush(stdout);
    tap_is_bad = 0;
    skip_reason = NULL;
}

int tap_end(void)
{
    printf("1..%d\n", n_tests);
    return n_failed != 0;
}

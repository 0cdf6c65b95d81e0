#include "etude/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec t = {0};
    const int result = clock_gettime(clock, &t);
    assert(result == 0); // these clocks exist on every Linux
    (void)result;
    return (int64_t)t.tv_sec * ET_NS_PER_S + t.tv_nsec;
}

int64_t et_clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t et_clock_real_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t et_clock_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t et_clock_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void et_clock_wait_until(int64_t t_ns)
{
    if (t_ns <= et_clock_monotonic_ns())
        return;
    const struct timespec until = {t_ns / ET_NS_PER_S, t_ns % ET_NS_PER_S};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

void et_time_text(int64_t t_real_ns, char text[ET_TIME_TEXT_BYTES])
{
    // Before 1970 the fraction still counts forwards.
    int64_t seconds = t_real_ns / ET_NS_PER_S, rest_ns = t_real_ns % ET_NS_PER_S;
    if (rest_ns < 0) {
        rest_ns += ET_NS_PER_S;
        seconds--;
    }
    const time_t t = (time_t)seconds;
    struct tm parts = {0};
    const struct tm *made = gmtime_r(&t, &parts); // years 1677 to 2262: cannot fail
    assert(made);
    (void)made;

    const size_t n = strftime(text, ET_TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
    assert(n > 0);
    if (rest_ns != 0)
        (void)snprintf(text + n, ET_TIME_TEXT_BYTES - n, ".%09dZ", (int)rest_ns);
    else
        (void)snprintf(text + n, ET_TIME_TEXT_BYTES - n, "Z");
}

// Half up; durations are never so long that the sum overflows.
static int64_t rounded(int64_t duration_ns, int64_t unit_ns)
{
    return duration_ns / unit_ns + (duration_ns % unit_ns >= unit_ns / 2);
}

void et_duration_text(int64_t duration_ns, char text[ET_TIME_TEXT_BYTES])
{
    if (duration_ns < 0)
        duration_ns = 0;
    const int64_t ms = rounded(duration_ns, ET_NS_PER_S / 1000);
    const int64_t tenths = rounded(duration_ns, ET_NS_PER_S / 10);
    const int64_t seconds = rounded(duration_ns, ET_NS_PER_S);
    const int64_t minutes = rounded(duration_ns, 60 * ET_NS_PER_S);

    if (ms < 1000)
        (void)snprintf(text, ET_TIME_TEXT_BYTES, "%d ms", (int)ms);
    else if (tenths < 600)
        (void)snprintf(text, ET_TIME_TEXT_BYTES, "%d.%d s", (int)(tenths / 10), (int)(tenths % 10));
    else if (seconds < 3600)
        (void)snprintf(text, ET_TIME_TEXT_BYTES, "%d min %02d s", (int)(seconds / 60),
                       (int)(seconds % 60));
    else
        (void)snprintf(text, ET_TIME_TEXT_BYTES, "%lld h %02d min", (long long)(minutes / 60),
                       (int)(minutes % 60));
}

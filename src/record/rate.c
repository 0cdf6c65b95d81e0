#include "record/record__rate.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_S 3
#define WINDOW_S_MAX 30 // what comes more seldom than SAMPLES_MIN in it has no rate
#define SAMPLES_MIN 8
#define FIT 0.3      // by which a window's intervals and its count may differ
#define STEADY 0.6   // share of intervals that are near the median
#define WHOLE 0.05   // a count that differs by less has all samples, and is more exact
#define AGREE 0.1    // by which windows may differ
#define PLAIN_MIN 30 // samples of a window where only counts tell: people may agree by chance
#define PLAIN_N 3    // such windows, beside the first
#define PLAIN 0.03

static int compare(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static bool is_near(double a, double b, double by)
{
    return fabs(a - b) <= by * b;
}

// 0: the intervals do not say.
static double rate_of(const float *intervals_s, uint32_t n, double count_hz)
{
    float sorted[ET__RATE_INTERVALS];
    n = n < ET__RATE_INTERVALS ? n : ET__RATE_INTERVALS;
    if (n + 1 < SAMPLES_MIN)
        return 0;
    memcpy(sorted, intervals_s, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    const double median_s = (double)sorted[n / 2];
    double sum_s = 0;
    unsigned n_near = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_near((double)sorted[i], median_s, 0.5))
            continue;
        sum_s += (double)sorted[i];
        n_near++;
    }
    const double hz = sum_s > 0 ? n_near / sum_s : 0;
    if (n_near < STEADY * n || !is_near(hz, count_hz, FIT))
        return 0;
    return is_near(hz, count_hz, WHOLE) ? count_hz : hz;
}

static void begin(struct et__rate *r)
{
    r->t_begin_ns = r->t_last_ns;
    r->n_device = r->n_arrival = 0;
}

static void end_window(struct et__rate *r, double span_s)
{
    const double count_hz = r->n_arrival / span_s;
    double hz = rate_of(r->device_s, r->n_device, count_hz);
    if (hz == 0)
        hz = rate_of(r->arrival_s, r->n_arrival, count_hz);
    const bool is_plain = hz == 0;
    if (is_plain)
        hz = r->n_arrival < PLAIN_MIN ? 0 : count_hz;
    r->n_agree = hz > 0 && is_near(hz, r->before_hz, is_plain ? PLAIN : AGREE) ? r->n_agree + 1 : 0;
    r->before_hz = hz;
    if (r->n_agree >= (is_plain ? PLAIN_N : 1) && hz > r->learned_hz * (1 + AGREE))
        r->learned_hz = hz;
    begin(r);
}

double et__rate_put(struct et__rate *r, int64_t t_arrival_ns, int64_t t_device_ns)
{
    const bool is_first = r->t_last_ns == 0 || t_arrival_ns < r->t_last_ns;
    const int64_t arrival_ns = t_arrival_ns - r->t_last_ns;
    // The device's own clock may be set, and is anybody's word.
    int64_t device_ns;
    const bool has_device = r->t_device_ns != 0 && t_device_ns != 0 &&
                            !__builtin_sub_overflow(t_device_ns, r->t_device_ns, &device_ns) &&
                            device_ns > 0;
    r->t_last_ns = t_arrival_ns;
    r->t_device_ns = t_device_ns;
    if (is_first) {
        begin(r);
        return r->learned_hz;
    }
    r->arrival_s[r->n_arrival++ % ET__RATE_INTERVALS] = (float)((double)arrival_ns / 1e9);
    if (has_device)
        r->device_s[r->n_device++ % ET__RATE_INTERVALS] = (float)((double)device_ns / 1e9);
    const double span_s = (double)(t_arrival_ns - r->t_begin_ns) / 1e9;
    if (span_s >= WINDOW_S && r->n_arrival >= SAMPLES_MIN)
        end_window(r, span_s);
    else if (span_s >= WINDOW_S_MAX) {
        r->n_agree = 0;
        r->before_hz = 0;
        begin(r);
    }
    return r->learned_hz;
}

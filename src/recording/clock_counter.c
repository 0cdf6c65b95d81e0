#include "recording/clock__fit.h"

#include "etude/stats.h"

#include <math.h>

/* Half of the line that smooths a stamp: long enough for a tick's error to vanish, short enough for
 * a period that wanders. */
#define SMOOTH_NS 2e9
#define SMOOTH_MIN 32
#define SMOOTH_MAX 4096
#define GAPS_TRIED 256
#define GAP_SAMPLES 8 // on each side of a gap, whose arrivals are compared

int64_t et__clock_tick(const int64_t *t_device_ns, size_t n)
{
    uint64_t tick = 0;
    for (size_t i = 1; i < n && tick != 1; i++) {
        const int64_t a = t_device_ns[i], b = t_device_ns[i - 1];
        uint64_t step = a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
        while (step) { // Euclid
            const uint64_t rest = tick % step;
            tick = step;
            step = rest;
        }
    }
    return tick && tick <= INT64_MAX ? (int64_t)tick : 1;
}

/* The usual step, as a mean of those near the median: exact for a period between two ticks. */
static double usual_step(const double *x, size_t n, double *steps)
{
    for (size_t i = 1; i < n; i++)
        steps[i - 1] = x[i] - x[i - 1];
    const double median = et_median_of(steps, n - 1);
    double sum = 0;
    size_t n_near = 0;
    for (size_t i = 1; i < n; i++) {
        const double step = x[i] - x[i - 1];
        if (step <= 1.5 * median && step >= 0) { // disorder is a step back between two double ones
            sum += step;
            n_near++;
        }
    }
    // With several samples a tick, most steps are 0.
    return median > 0 && n_near ? sum / (double)n_near : (x[n - 1] - x[0]) / (double)(n - 1);
}

/* How much later the samples from i on arrived than those before it, by their counts if none is
 * missing: of a few on each side the least delayed one. */
static double arrival_gap(const struct et__counting *c, const double *count, size_t i, size_t n)
{
    double before = (double)INFINITY, after = (double)INFINITY;
    for (size_t k = i > GAP_SAMPLES ? i - GAP_SAMPLES : 0; k < i; k++)
        before = fmin(before, c->arrival[k] - count[k] * c->period);
    for (size_t k = i; k < n && k < i + GAP_SAMPLES; k++)
        after = fmin(after, c->arrival[k] - (count[i - 1] + (double)(k - i + 1)) * c->period);
    return after - before;
}

/* True when arrivals are even enough to tell a period: over a slow link they are not. `count` is
 * overwritten. */
static bool can_arrivals_tell(const struct et__counting *c, double *count, size_t n)
{
    double gaps[GAPS_TRIED];
    size_t n_gaps = 0;
    if (!c->arrival)
        return false;
    for (size_t i = 0; i < n; i++)
        count[i] = (double)i;
    for (size_t k = 1; k < GAPS_TRIED; k++) {
        const size_t i = (size_t)((double)n * (double)k / GAPS_TRIED);
        if (i > 0)
            gaps[n_gaps++] = fabs(arrival_gap(c, count, i, n));
    }
    return n_gaps > 0 && et_median_of(gaps, n_gaps) < c->period / 4;
}

/* Counts by stamps: a loop that follows the samples' phase tells one step from two as long as a
 * gap is longer than what the tick hides. What a tick of nearly a period hides, arrivals tell. */
static void count_by_stamps(const double *x, size_t n, const struct et__counting *c, double *count)
{
    const double period = c->period, half = period / 2;
    // Samples that never share a tick stand still against it: it hides nothing. (A device that
    // samples at every second tick of its clock shows ticks of twice their length.)
    size_t n_same = 0;
    for (size_t i = 1; i < n; i++)
        n_same += x[i] <= x[i - 1];
    const double slack = c->tick > half && n_same > n / 1000 ? c->tick : half;
    const bool has_arrivals = c->tick > half && can_arrivals_tell(c, count, n);
    double phase = x[0];
    count[0] = 0;
    for (size_t i = 1; i < n; i++) {
        const double rest = x[i] - phase - period;
        bool is_gap = rest > slack;
        if (has_arrivals && rest > half && rest <= c->tick + half)
            is_gap = arrival_gap(c, count, i, n) > half;
        const double more = is_gap ? round(rest / period) : 0;
        count[i] = count[i - 1] + 1 + more;
        phase += (1 + more) * period;
        phase += 0.05 * (x[i] - phase);
    }
}

static void count_by_sequence(const uint32_t *sequence, size_t n, double *count)
{
    count[0] = 0;
    for (size_t i = 1; i < n; i++) {
        const uint32_t step = sequence[i] - sequence[i - 1];
        count[i] = count[i - 1] + (step ? (double)step : 1);
    }
}

/* Sums over a window that slides, relative to its middle so that nothing cancels. */
struct line {
    double n, k, x, kk, kx;
};

static void line_add(struct line *line, double k, double x, double sign)
{
    line->n += sign;
    line->k += sign * k;
    line->x += sign * x;
    line->kk += sign * k * k;
    line->kx += sign * k * x;
}

static double line_at(const struct line *line, double k)
{
    const double spread = line->n * line->kk - line->k * line->k;
    if (!(spread > 0))
        return line->n > 0 ? line->x / line->n : 0;
    const double slope = (line->n * line->kx - line->k * line->x) / spread;
    return (line->x - slope * line->k) / line->n + slope * k;
}

/* The stamps as a line over the counts around each. Residuals against the count's own line are
 * small numbers, so the sums keep their digits. */
static void smooth(double *x, const double *count, size_t n, double period, double *rest)
{
    const double reach = fmin(fmax(SMOOTH_NS / period, SMOOTH_MIN), SMOOTH_MAX);
    struct line line = {0};
    size_t first = 0, last = 0;
    for (size_t i = 0; i < n; i++)
        rest[i] = x[i] - x[0] - count[i] * period;
    const double origin = x[0];
    for (size_t i = 0; i < n; i++) {
        for (; last < n && count[last] <= count[i] + reach; last++)
            line_add(&line, count[last], rest[last], 1);
        for (; count[first] < count[i] - reach; first++)
            line_add(&line, count[first], rest[first], -1);
        x[i] = origin + count[i] * period + line_at(&line, count[i]);
    }
}

// The slope of the stamps over the count, from the ends' halves: gaps do not matter any more.
static double period_over(const double *x, const double *count, size_t n)
{
    struct line line = {0};
    const double middle = count[n - 1] / 2, origin = x[0] + (x[n - 1] - x[0]) / 2;
    for (size_t i = 0; i < n; i++)
        line_add(&line, count[i] - middle, x[i] - origin, 1);
    const double spread = line.n * line.kk - line.k * line.k;
    return spread > 0 ? (line.n * line.kx - line.k * line.x) / spread : 0;
}

enum et_status et__clock_count(double *x, size_t n, struct et__counting *counting,
                               struct et_arena *arena, bool *is_periodic, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    double *numbers = et_arena_array(arena, 3 * n, sizeof *numbers);
    if (!numbers)
        return et_arena_fail(arena, "a clock's count", err);
    double *count = numbers, *scratch = numbers + n, *smoothed = numbers + 2 * n;

    *is_periodic = false;
    counting->period = usual_step(x, n, scratch);
    if (counting->period > 0) {
        // A second round counts with the period that the first has found.
        for (int pass = 0; pass < 2 && counting->period > 0; pass++) {
            if (counting->sequence)
                count_by_sequence(counting->sequence, n, count);
            else
                count_by_stamps(x, n, counting, count);
            counting->period = period_over(x, count, n);
        }
    }
    if (counting->period > 0) {
        memcpy(smoothed, x, n * sizeof *x);
        smooth(smoothed, count, n, counting->period, scratch);
        // Ticks hide at most one tick; half a tick more is the line's own error.
        size_t n_off = 0;
        for (size_t i = 0; i < n; i++)
            n_off += fabs(smoothed[i] - x[i]) > 1.5 * counting->tick;
        *is_periodic = n_off * 50 <= n;
        counting->n_missing = (int64_t)count[n - 1] - (int64_t)(n - 1);
    }
    // The count itself is even to the device's oscillator; the smoothed stamps still swing with the
    // beat of tick and period, which may take a minute.
    for (size_t i = 0; *is_periodic && i < n; i++)
        x[i] = count[i] * counting->period;
    et_arena_rewind(arena, mark);
    return ET_OK;
}

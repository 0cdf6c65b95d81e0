#include "recording/clock__fit.h"

#include "etude/stats.h"

#include <math.h>

/* A sender without stamps that sends every P: sample i comes at i·P + delay, and the least delay of
 * a link comes again and again. So the least of arrival − i·P over two seconds hardly changes;
 * where it rises by P and never falls back, a sample is missing. */

#define SAMPLES_MIN 200
#define SPAN_MIN_NS 10e9
#define BLOCK_NS 2e9   // stretches for counting: long enough for a delay that is nearly the least
#define CHECK_NS 0.5e9 // and for judging: a sender that swings does not come back so often
#define BLOCK_SAMPLES_MIN 16
#define BLOCKS_MIN 5
#define SHORTEST ((size_t)8)
// A rise of the least by so much of a period, for good, is a sample that is not there.
#define LOSS_SHARE 0.7
#define LEAST_SHARE 0.1 // the least of two stretches differs by less
// Of blocks, the share that may have been late as a whole.
#define LATE_SHARE 0.2
// A sequence that misses more than it has counts something else.
#define SEQUENCE_SHARE 2

static size_t samples_of(double stretch_ns, double period)
{
    return (size_t)fmin(fmax(BLOCK_SAMPLES_MIN, stretch_ns / period), 1e15);
}

/* Stretches of equal length; the last one takes the rest. */
struct blocks {
    size_t length, n;
    double *least; // n: of arrival − i × period
    double *after; // n: the least of this block and all behind it
};

static size_t block_end(const struct blocks *b, size_t k, size_t n)
{
    return k + 1 == b->n ? n : (k + 1) * b->length;
}

static void find_least(const double *y, size_t n, double period, struct blocks *b)
{
    for (size_t k = 0; k < b->n; k++) {
        b->least[k] = (double)INFINITY;
        for (size_t i = k * b->length; i < block_end(b, k, n); i++)
            b->least[k] = fmin(b->least[k], y[i] - (double)i * period);
    }
    for (size_t k = b->n; k-- > 0;)
        b->after[k] = k + 1 < b->n ? fmin(b->least[k], b->after[k + 1]) : b->least[k];
}

/* How the least moves from block k to the next, but for whole periods: those are losses. */
static double creep(const struct blocks *b, size_t k, double period)
{
    const double rise = b->least[k + 1] - b->least[k];
    return rise - period * round(rise / period);
}

/* The mean period, made better by the creep of blocks that double from `first` on. *rest is how
 * much the longest still creep. */
static double refine_period(const double *y, size_t n, size_t first, size_t longest,
                            struct blocks *b, double *scratch, double *rest)
{
    double period = (y[n - 1] - y[0]) / (double)(n - 1);
    for (b->length = first;; b->length *= 2) {
        b->length = b->length < longest ? b->length : longest;
        b->n = n / b->length;
        find_least(y, n, period, b);
        for (size_t k = 0; k + 1 < b->n; k++)
            scratch[k] = creep(b, k, period);
        period += et_median_of(scratch, b->n - 1) / (double)b->length;
        if (b->length == longest || !(period > 0))
            break;
    }
    for (size_t k = 0; k + 1 < b->n && period > 0; k++)
        scratch[k] = fabs(creep(b, k, period));
    *rest = period > 0 ? et_median_of(scratch, b->n - 1) : (double)INFINITY;
    return period;
}

/* The period; 0: none. Losses make the mean too long by their share, and creep does not see them,
 * but only while a block creeps by less than half a period: short blocks do. Where delays are
 * longer than the period, only long ones are even enough. So several lengths are tried. */
static double find_period(const double *y, size_t n, struct blocks *b, double *scratch)
{
    const size_t longest = b->length;
    double period = 0, least_rest = (double)INFINITY;
    for (size_t first = SHORTEST;; first *= 4) {
        double rest = 0;
        first = first < longest ? first : longest;
        const double refined = refine_period(y, n, first, longest, b, scratch, &rest);
        if (rest < least_rest) {
            least_rest = rest;
            period = refined;
        }
        if (first == longest)
            break;
    }
    b->length = longest;
    b->n = n / longest;
    if (!(period > 0))
        return 0;
    // At last over half of all: the way that the least has crept, losses left out.
    find_least(y, n, period, b);
    double *way = b->after;
    way[0] = 0;
    for (size_t k = 0; k + 1 < b->n; k++)
        way[k + 1] = way[k] + creep(b, k, period);
    const size_t apart = b->n / 2;
    for (size_t k = 0; k + apart < b->n; k++)
        scratch[k] = (way[k + apart] - way[k]) / (double)(apart * b->length);
    return period + et_median_of(scratch, b->n - apart);
}

/* Within a block the samples lost so far are told the same way: by the least of what comes behind,
 * in whole periods above the block's own. Rounded down: a loss that is seen late looks like delay,
 * one that is seen too early would be less than the least. */
static void count_by_delay(const double *y, size_t n, double period, const struct blocks *b,
                           double *count)
{
    double lost = 0;
    for (size_t k = 0; k < b->n; k++) {
        // Behind the last block nothing tells its losses from delays.
        const double rise = k + 1 < b->n ? b->after[k + 1] - b->after[k] : 0;
        const double most = rise > LOSS_SHARE * period ? round(rise / period) : 0;
        double behind = most > 0 ? b->after[k + 1] : b->after[k];
        for (size_t i = block_end(b, k, n); i-- > k * b->length;) {
            behind = fmin(behind, y[i] - (double)i * period);
            const double above = floor((behind - b->after[k]) / period + LEAST_SHARE);
            count[i] = (double)i + lost + fmax(0, fmin(above, most));
        }
        lost += most;
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

/* The median slope of the earliest sample of each block over the count. */
static double period_over(const double *y, const double *count, size_t n, double period,
                          const struct blocks *b, double *scratch)
{
    double *earliest = b->least, *counts = b->after; // both have served
    const size_t apart = b->n / 2;
    size_t n_slopes = 0;
    for (size_t k = 0; k < b->n; k++) {
        size_t best = k * b->length;
        for (size_t i = best; i < block_end(b, k, n); i++)
            if (y[i] - count[i] * period < y[best] - count[best] * period)
                best = i;
        earliest[k] = y[best] - count[best] * period;
        counts[k] = count[best];
    }
    for (size_t k = 0; k + apart < b->n; k++)
        scratch[n_slopes++] = (earliest[k + apart] - earliest[k]) / (counts[k + apart] - counts[k]);
    return period + et_median_of(scratch, n_slopes);
}

/* Fills x with counts, `even` with the period; is_likely stays false when there is none. */
static void count_samples(const double *y, size_t n, const uint32_t *sequence, struct blocks *b,
                          double *scratch, double *x, struct et__evenness *even)
{
    const double period = find_period(y, n, b, scratch);
    if (!(period > 0))
        return;
    find_least(y, n, period, b);
    if (sequence)
        count_by_sequence(sequence, n, x);
    else
        count_by_delay(y, n, period, b, x);
    even->n_missing = x[n - 1] - (double)(n - 1);
    even->period = period_over(y, x, n, period, b, scratch);
    even->is_likely = even->period > 0 && even->n_missing <= SEQUENCE_SHARE * (double)n;
}

enum et_status et__clock_even(const double *y, size_t n, const uint32_t *sequence,
                              struct et_arena *arena, double *x, struct et__evenness *even,
                              struct et_err *err)
{
    *even = (struct et__evenness){0};
    if (n < SAMPLES_MIN || !(y[n - 1] - y[0] >= SPAN_MIN_NS))
        return ET_OK;
    const double period = (y[n - 1] - y[0]) / (double)(n - 1);
    struct blocks b = {.length = samples_of(BLOCK_NS, period)};
    b.n = n / b.length;
    if (b.n < BLOCKS_MIN)
        return ET_OK;
    const struct et_arena_mark mark = et_arena_mark(arena);
    const size_t n_most = n / SHORTEST;
    b.least = et_arena_array(arena, 3 * n_most, sizeof *b.least);
    if (!b.least)
        return et_arena_fail(arena, "a clock's count", err);
    b.after = b.least + n_most;
    count_samples(y, n, sequence, &b, b.least + 2 * n_most, x, even);
    for (size_t i = 0; i < n && even->is_likely; i++)
        x[i] *= even->period;
    et_arena_rewind(arena, mark);
    return ET_OK;
}

/* An even sender's delays fall to the least everywhere, and its arrivals swing by more than what is
 * left then. Where they do not, it is the sender that swings, and arrival is nearer to the truth.
 */
enum et_status et__clock_is_even(const double *y, const double *delay, size_t n, double period,
                                 struct et_arena *arena, bool *is_even, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    const size_t length = samples_of(CHECK_NS, period), n_blocks = n / length;
    double *steps = et_arena_array(arena, n + n_blocks + 1, sizeof *steps);
    if (!steps)
        return et_arena_fail(arena, "a clock's steps", err);
    double *least = steps + n;
    for (size_t i = 1; i < n; i++)
        steps[i - 1] = fabs(y[i] - y[i - 1] - period);
    for (size_t k = 0; k < n_blocks; k++) {
        least[k] = (double)INFINITY;
        for (size_t i = k * length; i < (k + 1) * length; i++)
            least[k] = fmin(least[k], delay[i]);
    }
    *is_even = n_blocks >= BLOCKS_MIN &&
               et_quantile_of(least, n_blocks, 1 - LATE_SHARE) <= et_median_of(steps, n - 1);
    et_arena_rewind(arena, mark);
    return ET_OK;
}

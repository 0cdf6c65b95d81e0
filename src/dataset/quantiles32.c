/* Exact quantiles of float32 numbers. As long as all of them fit the budget, they are kept and
 * sorted. Otherwise: a float's bits, mapped so that they sort as the values do,
 * are two digits of 16 bits. The first showing counts the upper digit; from these counts it is
 * known in which few bins the wanted ranks lie, and the second showing takes the lower digits of
 * these bins alone. Two showings always suffice. (etude/stats.h has the same for doubles, which
 * takes up to four and five times the memory.) */
#include "dataset/dataset__quantiles.h"

#include "etude/stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N_BINS ((size_t)1 << 16)
#define LOWS_MAX (2 * N_BINS) // beyond this many, counts take less room than lower digits

static uint32_t key_of(float x)
{
    uint32_t bits;
    const float plain = x + 0.0f; // both zeros are one value
    memcpy(&bits, &plain, sizeof bits);
    return bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
}

static double value_of(uint32_t key)
{
    float x;
    const uint32_t bits = key >> 31 ? key & ~(UINT32_C(1) << 31) : ~key;
    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

void et__quantiles32_open(struct et__quantiles32 *q, size_t budget_bytes)
{
    *q = (struct et__quantiles32){.kept = et_buf(budget_bytes)};
}

static void free_targets(struct et__quantiles32 *q)
{
    for (size_t i = 0; i < q->n_targets; i++) {
        free(q->targets[i].lows);
        free(q->targets[i].counts);
        q->targets[i].lows = NULL;
        q->targets[i].counts = NULL;
    }
}

void et__quantiles32_close(struct et__quantiles32 *q)
{
    et_buf_free(&q->kept);
    free(q->bins);
    free_targets(q);
    q->bins = NULL;
    q->n_targets = 0;
}

/* ---- the first showing ---- */

static void count(struct et__quantiles32 *q, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        q->bins[key_of(values[i]) >> 16]++;
}

static enum et_status begin_counting(struct et__quantiles32 *q, struct et_err *err)
{
    q->bins = calloc(N_BINS, sizeof *q->bins);
    if (!q->bins)
        return et_fail(err, ET_ENOMEM, -1, "no memory for quantiles");
    // What was kept lies in a buffer that malloc aligned.
    count(q, (const float *)(const void *)q->kept.p, q->kept.n / sizeof(float));
    et_buf_free(&q->kept);
    return ET_OK;
}

enum et_status et__quantiles32_add(struct et__quantiles32 *q, const float *values, size_t n,
                                   struct et_err *err)
{
    if (n > UINT32_MAX - q->n)
        return et_fail(err, ET_ELIMIT, -1, "quantiles of more than 4 billion values");
    q->n += n;
    if (!q->bins && q->kept.n + n * sizeof *values > q->kept.limit) {
        const enum et_status st = begin_counting(q, err);
        if (st != ET_OK)
            return st;
    }
    if (q->bins) {
        count(q, values, n);
        return ET_OK;
    }
    et_buf_put(&q->kept, values, n * sizeof *values);
    return et_buf_check(&q->kept, "quantiles", err);
}

/* ---- from bins to targets ---- */

static void add_target(struct et__quantiles32 *q, uint64_t rank)
{
    uint64_t n_below = 0;
    size_t bin = 0;
    if (q->n_targets > 0) { // ranks come in ascending order
        bin = q->targets[q->n_targets - 1].bin;
        n_below = q->targets[q->n_targets - 1].n_below;
    }
    while (n_below + q->bins[bin] <= rank) {
        n_below += q->bins[bin++];
        assert(bin < N_BINS);
    }
    if (q->n_targets > 0 && q->targets[q->n_targets - 1].bin == bin)
        return;
    assert(q->n_targets < ET__TARGETS_MAX);
    q->targets[q->n_targets++] =
        (struct et__target){.bin = (uint32_t)bin, .n_below = n_below, .n = q->bins[bin]};
}

static uint64_t rank_of(const struct et__quantiles32 *q, double level, double *part)
{
    const double rank = (double)(q->n - 1) * level;
    *part = rank - floor(rank);
    return (uint64_t)rank;
}

// Values that were kept: sorted where they lie, and that is all.
static enum et_status sort_kept(struct et__quantiles32 *q, struct et_err *err)
{
    uint32_t *scratch = malloc(2 * (size_t)q->n * sizeof *scratch);
    if (!scratch)
        return et_fail(err, ET_ENOMEM, -1, "no memory for quantiles");
    et_sort_floats((float *)(void *)q->kept.p, (size_t)q->n, scratch);
    free(scratch);
    q->is_ready = true;
    return ET_OK;
}

enum et_status et__quantiles32_plan(struct et__quantiles32 *q, const double *levels,
                                    size_t n_levels, struct et_err *err)
{
    assert(2 * n_levels <= ET__TARGETS_MAX);
    if (q->n == 0)
        return ET_OK;
    if (!q->bins)
        return sort_kept(q, err);
    for (size_t i = 0; i < n_levels; i++) {
        double part;
        const uint64_t rank = rank_of(q, levels[i], &part);
        add_target(q, rank);
        if (rank + 1 < q->n)
            add_target(q, rank + 1);
    }
    free(q->bins);
    q->bins = NULL;
    return ET_OK;
}

/* ---- the second showing ---- */

size_t et__quantiles32_bytes(const struct et__quantiles32 *q)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < q->n_targets; i++)
        n_bytes += q->targets[i].n <= LOWS_MAX ? q->targets[i].n * sizeof(uint16_t)
                                               : N_BINS * sizeof(uint32_t);
    return n_bytes;
}

enum et_status et__quantiles32_begin(struct et__quantiles32 *q, struct et_err *err)
{
    for (size_t i = 0; i < q->n_targets; i++) {
        struct et__target *target = &q->targets[i];
        if (target->n <= LOWS_MAX)
            target->lows = malloc(target->n * sizeof *target->lows);
        else
            target->counts = calloc(N_BINS, sizeof *target->counts);
        if (!target->lows && !target->counts)
            return et_fail(err, ET_ENOMEM, -1, "no memory for quantiles");
    }
    return ET_OK;
}

void et__quantiles32_show(struct et__quantiles32 *q, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t key = key_of(values[i]), bin = key >> 16;
        struct et__target *target = q->targets, *end = target + q->n_targets;
        while (target < end && target->bin != bin)
            target++;
        if (target == end)
            continue;
        const uint64_t k = target->n_seen++;
        if (target->counts)
            target->counts[key & (N_BINS - 1)]++;
        else if (k < target->n) // more are told from the count, at the end
            target->lows[k] = (uint16_t)key;
    }
}

static int compare_lows(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

enum et_status et__quantiles32_end(struct et__quantiles32 *q, struct et_err *err)
{
    for (size_t i = 0; i < q->n_targets; i++) {
        const struct et__target *target = &q->targets[i];
        if (target->n_seen != target->n)
            return et_fail(err, ET_EARG, -1,
                           "a second showing of the values showed others than the first");
    }
    q->is_ready = true;
    return ET_OK;
}

// The value of a rank, from what was kept or the target that holds it.
static double value_at(const struct et__quantiles32 *q, uint64_t rank)
{
    const struct et__target *target = q->targets;
    if (q->n_targets == 0)
        return (double)(((const float *)(const void *)q->kept.p)[rank] +
                        0.0f); // both zeros are one
    while (rank - target->n_below >= target->n)
        target++;
    uint64_t k = rank - target->n_below;
    uint32_t low = 0;
    if (target->counts) {
        while (target->counts[low] <= k)
            k -= target->counts[low++];
    } else {
        low = target->lows[k];
    }
    return value_of(target->bin << 16 | low);
}

void et__quantiles32_get(struct et__quantiles32 *q, const double *levels, size_t n_levels,
                         double *to, size_t stride)
{
    assert(q->is_ready || q->n == 0);
    for (size_t i = 0; i < q->n_targets; i++)
        if (q->targets[i].lows)
            qsort(q->targets[i].lows, (size_t)q->targets[i].n, sizeof(uint16_t), compare_lows);
    for (size_t i = 0; i < n_levels; i++) {
        double part = 0, pair[2] = {0, 0};
        const uint64_t rank = q->n > 0 ? rank_of(q, levels[i], &part) : 0;
        if (q->n > 0) {
            pair[0] = value_at(q, rank);
            pair[1] = rank + 1 < q->n ? value_at(q, rank + 1) : pair[0];
        }
        to[i * stride] = et_quantile_sorted(pair, 2, part);
    }
    free_targets(q);
    et_buf_free(&q->kept);
}

#include "base/base__sort.h"
#include "etude/stats.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Exact quantiles by narrowing. A double's bits, mapped so that they sort as the values do, are
 * four digits of 16 bits. While the values do not fit into the budget, a pass counts one digit
 * inside each interval that holds a wanted rank; the next pass looks only into the bins where the
 * ranks fell. A bin that holds one distinct value is done at once (a gripper that is open or
 * closed, a joint that never moves), and values are kept again as soon as those of an interval fit.
 */

#define DIGIT_BITS 16
#define N_DIGITS 4
#define N_BINS ((size_t)1 << DIGIT_BITS)

struct bin {
    uint64_t key; // of the first value in it
    uint64_t n : 63;
    uint64_t is_mixed : 1; // it holds values of more than one key
};
static_assert(sizeof(struct bin) == 16, "a count of one interval takes 1 MiB, as the header says");

/* The values whose keys begin with `prefix`. */
struct interval {
    uint64_t prefix;
    uint64_t n_below; // values with smaller keys
    uint64_t n;       // values in it, known from the pass before
    uint64_t n_seen;  // in this pass
    double *kept;     // n places in the budget, or NULL: then bins count
    struct bin *bins;
};

// A place in the order of all values that a wanted quantile stands at or beside.
struct rank {
    uint64_t rank;
    bool is_known;
    double value;
};

enum phase {
    PHASE_KEEPING,   // all values so far fit into the budget
    PHASE_NARROWING, // intervals count or keep
    PHASE_READY,
    PHASE_FAILED,
};

struct et_quantiles {
    enum phase phase;
    unsigned n_digits; // that the intervals' prefixes have
    size_t n_levels;
    double *levels;
    struct rank *ranks; // 2 a level: at it, and the next one
    double *values;
    size_t n_values;
    size_t cap; // allocated values
    size_t budget;
    struct interval *intervals; // sorted by prefix; room for 2 a level
    size_t n_intervals;

    // What a pass showed; the later ones must show the same.
    uint64_t n, sum;
    uint64_t n_first, sum_first;
    bool is_first_pass;
};

static uint64_t key_of(double x)
{
    uint64_t bits;
    const double plain = x + 0.0; // both zeros are one value
    memcpy(&bits, &plain, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double value_of(uint64_t key)
{
    double x;
    const uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// A sum of these over a pass does not depend on the order (the mixer is splitmix64's).
static uint64_t mixed(uint64_t key)
{
    key = (key ^ (key >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    key = (key ^ (key >> 27)) * UINT64_C(0x94d049bb133111eb);
    return key ^ (key >> 31);
}

static bool are_levels(const double *levels, size_t n)
{
    if (n < 1 || n > ET_QUANTILES_LEVELS_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(levels[i] >= 0.0 && levels[i] <= 1.0))
            return false;
    return true;
}

enum et_status et_quantiles_open(struct et_quantiles **q, const double *levels, size_t n_levels,
                                 size_t budget_bytes, struct et_err *err)
{
    assert(q);
    *q = NULL;
    if (!are_levels(levels, n_levels))
        return et_fail(err, ET_EARG, -1, "quantiles are 1 to %d levels between 0 and 1",
                       ET_QUANTILES_LEVELS_MAX);

    struct et_quantiles *made = calloc(1, sizeof *made);
    if (!made)
        goto fail;
    made->levels = calloc(n_levels, sizeof *made->levels);
    made->ranks = calloc(2 * n_levels, sizeof *made->ranks);
    made->intervals = calloc(2 * n_levels, sizeof *made->intervals);
    if (!made->levels || !made->ranks || !made->intervals)
        goto fail;
    memcpy(made->levels, levels, n_levels * sizeof *levels);
    made->n_levels = n_levels;
    made->budget = budget_bytes / sizeof(double);
    made->is_first_pass = true;
    *q = made;
    return ET_OK;
fail:
    et_quantiles_close(made);
    return et_fail(err, ET_ENOMEM, -1, "no memory for %zu quantiles", n_levels);
}

static void free_values(struct et_quantiles *q)
{
    free(q->values);
    q->values = NULL;
    q->n_values = q->cap = 0;
}

static void free_intervals(struct et_quantiles *q)
{
    for (size_t i = 0; i < q->n_intervals; i++)
        free(q->intervals[i].bins);
    q->n_intervals = 0;
}

void et_quantiles_close(struct et_quantiles *q)
{
    if (!q)
        return;
    free_values(q);
    if (q->intervals)
        free_intervals(q);
    free(q->intervals);
    free(q->ranks);
    free(q->levels);
    free(q);
}

// Finds the interval that a key belongs to; NULL when no wanted rank is near it.
static struct interval *find(const struct et_quantiles *q, uint64_t prefix)
{
    size_t low = 0, high = q->n_intervals;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (q->intervals[middle].prefix < prefix)
            low = middle + 1;
        else
            high = middle;
    }
    return low < q->n_intervals && q->intervals[low].prefix == prefix ? &q->intervals[low] : NULL;
}

static void show(struct et_quantiles *q, double x)
{
    const uint64_t key = key_of(x);
    const unsigned n_bits = DIGIT_BITS * q->n_digits;
    q->n++;
    q->sum += mixed(key);

    struct interval *interval = find(q, n_bits == 0 ? 0 : key >> (64 - n_bits));
    if (!interval)
        return;
    const uint64_t i = interval->n_seen++;
    if (interval->kept) {
        if (i < interval->n) // more of them are told from the count, at the end of the pass
            interval->kept[i] = x;
        return;
    }
    struct bin *bin = &interval->bins[key >> (64 - DIGIT_BITS - n_bits) & (N_BINS - 1)];
    if (bin->n == 0)
        bin->key = key;
    else if (bin->key != key)
        bin->is_mixed = true;
    bin->n++;
}

// From keeping all values to counting them: one interval holds everything.
static bool begin_counting(struct et_quantiles *q)
{
    struct bin *bins = calloc(N_BINS, sizeof *bins);
    if (!bins)
        return false;
    q->intervals[0] = (struct interval){.bins = bins};
    q->n_intervals = 1;
    q->phase = PHASE_NARROWING;
    q->n = 0;
    for (size_t i = 0; i < q->n_values; i++)
        show(q, q->values[i]);
    free_values(q);
    return true;
}

// False when there is no memory.
static bool keep(struct et_quantiles *q, double x)
{
    if (q->n_values == q->budget) {
        if (!begin_counting(q))
            return false;
        show(q, x);
        return true;
    }
    if (q->n_values == q->cap) {
        size_t cap = q->cap < 64 ? 64 : 2 * q->cap;
        if (cap > q->budget)
            cap = q->budget;
        double *values = realloc(q->values, cap * sizeof *values);
        if (!values)
            return false;
        q->values = values;
        q->cap = cap;
    }
    q->values[q->n_values++] = x;
    q->n++;
    return true;
}

enum et_status et_quantiles_add(struct et_quantiles *q, const double *values, size_t n,
                                size_t stride, struct et_err *err)
{
    assert(stride > 0);
    if (q->phase == PHASE_READY || q->phase == PHASE_FAILED)
        return et_fail(err, ET_EARG, -1, "values were added to quantiles that are closed to them");
    for (size_t i = 0; i < n; i++) {
        const double x = values[i * stride];
        if (isnan(x))
            continue;
        if (q->phase == PHASE_NARROWING) {
            show(q, x);
        } else if (!keep(q, x)) {
            q->phase = PHASE_FAILED;
            return et_fail(err, ET_ENOMEM, -1, "no memory for the values of quantiles");
        }
    }
    return ET_OK;
}

/* The ranks that type 7 asks for, once the number of values is known. */
static void set_ranks(struct et_quantiles *q)
{
    for (size_t i = 0; i < q->n_levels && q->n > 0; i++) {
        const uint64_t low = (uint64_t)((double)(q->n - 1) * q->levels[i]);
        q->ranks[2 * i].rank = low;
        q->ranks[2 * i + 1].rank = low + 1 < q->n ? low + 1 : low;
    }
}

static void set_rank(struct rank *rank, double value)
{
    rank->value = value;
    rank->is_known = true;
}

// The intervals of the next pass, while they are being found; sorted by prefix.
struct plan {
    struct interval *items;
    size_t n;
};

static void plan_interval(struct plan *plan, const struct interval *interval)
{
    size_t i = plan->n;
    while (i > 0 && plan->items[i - 1].prefix > interval->prefix)
        i--;
    if (i > 0 && plan->items[i - 1].prefix == interval->prefix)
        return;
    memmove(&plan->items[i + 1], &plan->items[i], (plan->n - i) * sizeof *plan->items);
    plan->items[i] = *interval;
    plan->n++;
}

/* Finds a rank inside the interval that holds it: its value, or the narrower interval. */
static void narrow(const struct interval *in, struct rank *rank, struct plan *plan)
{
    if (in->kept) {
        set_rank(rank, in->kept[rank->rank - in->n_below]);
        return;
    }
    uint64_t n_below = in->n_below;
    size_t i = 0;
    while (n_below + in->bins[i].n <= rank->rank) {
        n_below += in->bins[i++].n;
        assert(i < N_BINS); // the interval's count has been checked
    }
    const struct bin *bin = &in->bins[i];
    if (!bin->is_mixed) {
        set_rank(rank, value_of(bin->key));
        return;
    }
    const struct interval next = {
        .prefix = in->prefix << DIGIT_BITS | i, .n_below = n_below, .n = bin->n};
    plan_interval(plan, &next);
}

static void narrow_all(struct et_quantiles *q, struct plan *plan)
{
    for (size_t k = 0; k < q->n_intervals; k++)
        if (q->intervals[k].kept)
            et_sort_doubles(q->intervals[k].kept, q->intervals[k].n);
    for (size_t i = 0; i < 2 * q->n_levels; i++) {
        struct rank *rank = &q->ranks[i];
        for (size_t k = 0; k < q->n_intervals && !rank->is_known; k++) {
            const struct interval *in = &q->intervals[k];
            if (rank->rank >= in->n_below && rank->rank - in->n_below < in->n)
                narrow(in, rank, plan);
        }
    }
}

/* Gives the budget to the smallest intervals first, so that the most of them are done in the next
 * pass, and bins to the others. False when there is no memory. */
static bool begin_pass(struct et_quantiles *q, const struct plan *plan)
{
    memcpy(q->intervals, plan->items, plan->n * sizeof *plan->items);
    q->n_intervals = plan->n;
    q->n_digits++;
    assert(q->n_digits < N_DIGITS); // a bin of the last digit holds one key

    bool is_kept[2 * ET_QUANTILES_LEVELS_MAX] = {false};
    uint64_t n_kept = 0;
    for (size_t round = 0; round < plan->n; round++) {
        size_t best = plan->n;
        for (size_t k = 0; k < plan->n; k++)
            if (!is_kept[k] && (best == plan->n || plan->items[k].n < plan->items[best].n))
                best = k;
        if (plan->items[best].n > q->budget - n_kept)
            break;
        is_kept[best] = true;
        n_kept += plan->items[best].n;
    }
    if (n_kept > 0) {
        q->values = malloc(n_kept * sizeof *q->values);
        if (!q->values)
            return false;
    }
    double *place = q->values;
    for (size_t k = 0; k < plan->n; k++) {
        struct interval *in = &q->intervals[k];
        if (is_kept[k]) {
            in->kept = place;
            place += in->n;
        } else {
            in->bins = calloc(N_BINS, sizeof *in->bins);
            if (!in->bins)
                return false;
        }
    }
    return true;
}

static bool is_same_as_first(const struct et_quantiles *q)
{
    if (q->is_first_pass)
        return true;
    for (size_t k = 0; k < q->n_intervals; k++)
        if (q->intervals[k].n_seen != q->intervals[k].n)
            return false;
    return q->n == q->n_first && q->sum == q->sum_first;
}

// All values were kept: the ranks are places in their order.
static void take_kept(struct et_quantiles *q)
{
    et_sort_doubles(q->values, q->n_values);
    for (size_t i = 0; i < 2 * q->n_levels && q->n > 0; i++)
        set_rank(&q->ranks[i], q->values[q->ranks[i].rank] + 0.0);
    free_values(q);
    q->phase = PHASE_READY;
}

enum et_status et_quantiles_end_pass(struct et_quantiles *q, struct et_err *err)
{
    if (q->phase == PHASE_READY)
        return ET_OK;
    if (q->phase == PHASE_FAILED || !is_same_as_first(q)) {
        q->phase = PHASE_FAILED;
        return et_fail(err, ET_EARG, -1, "a pass over the values showed others than the first one");
    }
    if (q->is_first_pass) {
        q->n_first = q->n;
        q->sum_first = q->sum;
        set_ranks(q);
    }
    if (q->phase == PHASE_KEEPING) {
        take_kept(q);
        return ET_OK;
    }
    if (q->is_first_pass)
        q->intervals[0].n = q->n;

    struct interval items[2 * ET_QUANTILES_LEVELS_MAX];
    struct plan plan = {items, 0};
    narrow_all(q, &plan);
    free_intervals(q);
    free_values(q);
    if (plan.n == 0) {
        q->phase = PHASE_READY;
        return ET_OK;
    }
    if (!begin_pass(q, &plan)) {
        q->phase = PHASE_FAILED;
        return et_fail(err, ET_ENOMEM, -1, "no memory for the values of quantiles");
    }
    q->is_first_pass = false;
    q->n = q->sum = 0;
    return ET_AGAIN;
}

double et_quantiles_get(const struct et_quantiles *q, size_t i)
{
    assert(q->phase == PHASE_READY && i < q->n_levels);
    if (q->n_first == 0)
        return (double)NAN;
    const double rank = (double)(q->n_first - 1) * q->levels[i];
    return et__quantile_between(q->ranks[2 * i].value, q->ranks[2 * i + 1].value,
                                rank - trunc(rank));
}

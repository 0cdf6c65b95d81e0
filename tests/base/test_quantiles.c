/* Exact quantiles against the slow way: sort everything, then look. */
#include "etude/stats.h"
#include "support.h"
#include "tap.h"

#include <float.h>
#include <malloc.h>
#include <stdlib.h>

#define N_LEVELS 9

static const double LEVELS[N_LEVELS] = {0.0, 0.01, 0.1, 0.25, 0.5, 0.9, 0.99, 0.5, 1.0};
static struct et_err err;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// The reference: the definition of type 7, on a copy sorted by the C library, without NaN.
static void slow_quantiles(const double *values, size_t n, double *out)
{
    double *v = malloc((n + 1) * sizeof *v);
    size_t n_numbers = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            v[n_numbers++] = values[i];
    qsort(v, n_numbers, sizeof *v, by_value);
    for (size_t k = 0; k < N_LEVELS; k++)
        out[k] = n_numbers ? et_quantile_sorted(v, n_numbers, LEVELS[k]) : (double)NAN;
    free(v);
}

/* Shows the values in chunks, another order each pass; returns the number of passes. */
static int fast_quantiles(const double *values, size_t n, size_t budget, double *out)
{
    struct et_quantiles *q = NULL;
    enum et_status st;
    int n_passes = 0;
    CHECK_OK(et_quantiles_open(&q, LEVELS, N_LEVELS, budget, &err));
    do {
        const size_t half = n_passes % 2 ? n / 2 : n / 3;
        CHECK_OK(et_quantiles_add(q, values + half, n - half, 1, &err));
        CHECK_OK(et_quantiles_add(q, values, half, 1, &err));
        st = et_quantiles_end_pass(q, &err);
        n_passes++;
    } while (st == ET_AGAIN);
    CHECK_OK(st);
    CHECK_OK(et_quantiles_end_pass(q, &err)); // it stays ready
    for (size_t k = 0; k < N_LEVELS && st == ET_OK; k++)
        out[k] = et_quantiles_get(q, k);
    et_quantiles_close(q);
    return n_passes;
}

enum shape {
    GAUSSIAN,
    UNIFORM,
    FLOATS,    // float32 values, as robots record them
    FEW,       // four distinct values
    CONSTANT,  //
    GRIPPER,   // mostly 0, sometimes 1
    ANY_BITS,  // every kind of double: NaN, infinities, subnormals
    SPECIALS,  // ±0, ±inf, NaN, subnormals, extremes
    CLOSE,     // neighbouring doubles: they differ in their last digit only
    DEGREES,   // a sine, rounded to 1/1000
    SUBNORMAL, //
    N_SHAPES
};

static double value_of(enum shape shape, size_t i, struct rng *rng)
{
    static const double SPECIAL[] = {0.0,      -0.0,    1.0,   -1.0,
                                     5e-324,   -5e-324, 1e308, -1e308,
                                     2.3e-308, 1e-310,  0.5,   1.7976931348623157e308};
    const uint64_t r = rng_next(rng);
    switch (shape) {
    case GAUSSIAN:
        return rng_gaussian(rng);
    case UNIFORM:
        return rng_uniform(rng) * 2.0 - 1.0;
    case FLOATS:
        return (double)(float)rng_gaussian(rng);
    case FEW:
        return (double)(r % 4) - 1.5;
    case CONSTANT:
        return -0.1;
    case GRIPPER:
        return r % 50 == 0 ? 1.0 : 0.0;
    case ANY_BITS:
        return from_bits(r);
    case SPECIALS:
        if (r % 14 == 12)
            return r & 64 ? (double)INFINITY : -(double)INFINITY;
        return r % 14 == 13 ? (double)NAN : SPECIAL[r % 14];
    case CLOSE:
        return from_bits(UINT64_C(0x3ff0000000000000) + r % 40000);
    case DEGREES:
        return floor(sin((double)i * 0.001) * 1e3) / 1e3;
    case SUBNORMAL:
        return from_bits((r & UINT64_C(0x8000000000000000)) | (r % 1000));
    case N_SHAPES:
        break;
    }
    return 0.0;
}

static bool is_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static int by_float(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x == y ? (signbit(y) != 0) - (signbit(x) != 0) : (x > y) - (x < y);
}

// Floats by their bits, against the C library: signs, zeros, infinities, digits that are all alike.
static void sorts_floats_as_qsort_does(void)
{
    static float values[3000], wanted[3000];
    static uint32_t scratch[6000];
    uint64_t state = 7;
    for (size_t n = 0; n <= 3000; n = n < 40 ? n + 1 : n * 2 + 7) {
        for (size_t kind = 0; kind < 4; kind++) {
            for (size_t i = 0; i < n; i++) {
                state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
                const int32_t bits = (int32_t)(state >> 32);
                const float special[] = {0.0f, -0.0f, INFINITY, -INFINITY, FLT_MIN, -FLT_MAX};
                values[i] = kind == 0   ? (float)bits
                            : kind == 1 ? (float)(bits % 100) / 64
                            : kind == 2 ? special[(uint32_t)bits % 6]
                                        : 1.0f + (float)(bits & 255) / 8388608;
            }
            memcpy(wanted, values, sizeof wanted);
            qsort(wanted, n, sizeof *wanted, by_float);
            et_sort_floats(values, n, scratch);
            CHECK(memcmp(values, wanted, n * sizeof *values) == 0);
        }
    }
}

static void agrees_with_sorting(void)
{
    static const size_t SIZES[] = {0, 1, 2, 3, 10, 1000, 30000};
    static const size_t BUDGETS[] = {0, 8, 100, 8000, 100000, 1 << 20};
    struct rng rng = {11};
    double *values = calloc(30000, sizeof *values);
    for (size_t s = 0; s < (size_t)N_SHAPES * 7; s++) {
        const size_t n = SIZES[s % 7];
        double want[N_LEVELS];
        for (size_t i = 0; i < n; i++)
            values[i] = value_of((enum shape)(s / 7), i, &rng);
        slow_quantiles(values, n, want);
        for (size_t b = 0; b < 6; b++) {
            double got[N_LEVELS] = {0};
            const int n_passes = fast_quantiles(values, n, BUDGETS[b], got);
            CHECK(n_passes <= 4);
            CHECK(n_passes == 1 || n * 8 > BUDGETS[b]);
            for (size_t k = 0; k < N_LEVELS; k++)
                if (!CHECK(is_same(got[k], want[k])))
                    printf("#   shape %zu, n %zu, budget %zu, level %g: %.17g, wanted %.17g\n",
                           s / 7, n, BUDGETS[b], LEVELS[k], got[k], want[k]);
        }
    }
    free(values);
}

static void a_million_values_under_a_tiny_budget(void)
{
    enum { N = 1000000 };
    struct rng rng = {12};
    double *values = calloc(N, sizeof *values), want[N_LEVELS], got[N_LEVELS];
    for (int shape = 0; shape < N_SHAPES; shape++) {
        for (size_t i = 0; i < N; i++)
            values[i] = value_of((enum shape)shape, i, &rng);
        slow_quantiles(values, N, want);
        const int n_passes = fast_quantiles(values, N, 1000, got);
        CHECK(n_passes <= 4);
        for (size_t k = 0; k < N_LEVELS; k++)
            CHECK(is_same(got[k], want[k]));
    }
    free(values);
}

// What is distinct in few values needs no second look, and a fair budget needs one.
static void real_data_need_two_passes_at_most(void)
{
    enum { N = 300000 };
    struct rng rng = {13};
    double *values = calloc(N, sizeof *values), got[N_LEVELS];
    for (int shape = 0; shape < N_SHAPES; shape++) {
        if (shape == ANY_BITS || shape == CLOSE || shape == SUBNORMAL)
            continue;
        for (size_t i = 0; i < N; i++)
            values[i] = value_of((enum shape)shape, i, &rng);
        const int n_passes = fast_quantiles(values, N, 1 << 20, got);
        CHECK(n_passes <= (shape == CONSTANT || shape == GRIPPER || shape == FEW ? 1 : 2));
    }
    free(values);
}

/* The most memory that an accumulator holds while it is shown n values of a shape. */
static size_t peak_bytes(enum shape shape, size_t n, size_t n_levels, size_t budget)
{
    struct et_quantiles *q = NULL;
    enum et_status st;
    size_t most = 0;
    const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    CHECK_OK(et_quantiles_open(&q, LEVELS + 4, n_levels, budget, &err));
    do {
        struct rng rng = {14};
        for (size_t i = 0; i < n; i++) {
            const double x = value_of(shape, i, &rng);
            CHECK_OK(et_quantiles_add(q, &x, 1, 1, &err));
            if (i % 1000 == 0 || i + 1 == n) {
                const size_t now = mallinfo2().uordblks + mallinfo2().hblkhd - before;
                most = now > most ? now : most;
            }
        }
        st = et_quantiles_end_pass(q, &err);
    } while (st == ET_AGAIN);
    CHECK_OK(st);
    et_quantiles_close(q);
    return most;
}

static void memory_stays_within_the_budget(void)
{
    static const size_t BUDGETS[] = {1000, 1 << 20, 3 << 20, 64 << 20};
    for (size_t b = 0; b < 4; b++) {
        CHECK(peak_bytes(GAUSSIAN, 400000, 5, BUDGETS[b]) <= BUDGETS[b] + ((size_t)2 << 20) * 5);
        // All in one interval, which must not be kept.
        CHECK(peak_bytes(CLOSE, 1000000, 1, BUDGETS[b]) <= BUDGETS[b] + ((size_t)2 << 20));
    }
}

static void gives_zero_without_a_sign(void)
{
    static const double LEVEL = 0.5;
    static const size_t BUDGETS[] = {0, 1000};
    for (size_t b = 0; b < 2; b++) {
        for (int order = 0; order < 2; order++) {
            const double values[] = {order ? 0.0 : -0.0, order ? -0.0 : 0.0, -0.0};
            struct et_quantiles *q = NULL;
            CHECK_OK(et_quantiles_open(&q, &LEVEL, 1, BUDGETS[b], &err));
            CHECK_OK(et_quantiles_add(q, values, 3, 1, &err));
            CHECK_OK(et_quantiles_end_pass(q, &err)); // both zeros are one value: one pass
            CHECK(et_quantiles_get(q, 0) == 0.0 && !signbit(et_quantiles_get(q, 0)));
            et_quantiles_close(q);
        }
    }
}

static void takes_every_stride_th_value(void)
{
    static const double LEVEL = 0.5;
    const double values[] = {1, 100, 2, 100, 3, 100};
    struct et_quantiles *q = NULL;
    CHECK_OK(et_quantiles_open(&q, &LEVEL, 1, 1000, &err));
    CHECK_OK(et_quantiles_add(q, values, 3, 2, &err));
    CHECK_OK(et_quantiles_end_pass(q, &err));
    CHECK(et_quantiles_get(q, 0) == 2.0);
    CHECK_EQ(et_quantiles_add(q, values, 1, 1, &err), ET_EARG);
    et_quantiles_close(q);
    et_quantiles_close(NULL);
}

static void refuses_levels_that_are_none(void)
{
    struct et_quantiles *q = NULL;
    double many[ET_QUANTILES_LEVELS_MAX + 1] = {0.5};
    const double bad[] = {-0.1, 1.1, (double)NAN};
    for (size_t i = 0; i < 3; i++)
        CHECK_EQ(et_quantiles_open(&q, &bad[i], 1, 1000, &err), ET_EARG);
    CHECK_EQ(et_quantiles_open(&q, many, 0, 1000, &err), ET_EARG);
    CHECK_EQ(et_quantiles_open(&q, many, ET_QUANTILES_LEVELS_MAX + 1, 1000, &err), ET_EARG);
    CHECK(q == NULL);
    CHECK_OK(et_quantiles_open(&q, many, ET_QUANTILES_LEVELS_MAX, 0, &err));
    et_quantiles_close(q);
}

// Adds 0, 1, 2 … n − 1, of which the value at `wrong` is another one.
static enum et_status show(struct et_quantiles *q, size_t n, size_t wrong, double instead)
{
    for (size_t i = 0; i < n; i++) {
        const double x = i == wrong ? instead : (double)i;
        const enum et_status st = et_quantiles_add(q, &x, 1, 1, &err);
        if (st != ET_OK)
            return st;
    }
    return et_quantiles_end_pass(q, &err);
}

static void notices_other_values_in_a_later_pass(void)
{
    static const size_t BUDGETS[] = {0, 400, 4000};
    for (size_t b = 0; b < 3; b++) {
        for (int kind = 0; kind < 4; kind++) {
            struct et_quantiles *q = NULL;
            CHECK_OK(et_quantiles_open(&q, LEVELS, N_LEVELS, BUDGETS[b], &err));
            CHECK_EQ(show(q, 1000, 5000, 0.0), ET_AGAIN);
            enum et_status st = ET_OK;
            if (kind == 0)
                st = show(q, 999, 5000, 0.0); // one is missing
            else if (kind == 1)
                st = show(q, 1001, 5000, 0.0); // one is new
            else if (kind == 2)
                st = show(q, 1000, 500, 501.0); // one has changed
            else
                st = show(q, 1000, 7, 1e300);
            CHECK_EQ(st, ET_EARG);
            CHECK_HAS(err.text, "showed others than the first");
            CHECK_EQ(et_quantiles_end_pass(q, &err), ET_EARG);
            CHECK_EQ(et_quantiles_add(q, LEVELS, 1, 1, &err), ET_EARG);
            et_quantiles_close(q);
        }
    }
}

int main(void)
{
    RUN(sorts_floats_as_qsort_does);
    RUN(agrees_with_sorting);
    RUN(a_million_values_under_a_tiny_budget);
    RUN(real_data_need_two_passes_at_most);
    RUN(memory_stays_within_the_budget);
    RUN(gives_zero_without_a_sign);
    RUN(takes_every_stride_th_value);
    RUN(refuses_levels_that_are_none);
    RUN(notices_other_values_in_a_later_pass);
    return tap_end();
}

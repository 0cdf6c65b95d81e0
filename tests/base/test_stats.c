#include "etude/stats.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void moments_of_known_values(void)
{
    struct et_moments m = {0};
    CHECK(et_moments_std(&m) == 0.0);
    static const double VALUES[] = {2, 4, 4, 4, 5, 5, 7, 9};
    for (size_t i = 0; i < 8; i++)
        et_moments_add(&m, VALUES[i]);
    et_moments_add(&m, (double)NAN);
    CHECK_EQ(m.n, 8);
    CHECK_EQ(m.n_nan, 1);
    CHECK_NEAR(m.mean, 5.0, 1e-15);
    CHECK_NEAR(et_moments_std(&m), 2.0, 1e-15);
    CHECK(m.min == 2.0 && m.max == 9.0);
}

// The naive sum of squares loses every digit here.
static void moments_survive_a_large_offset(void)
{
    struct et_moments m = {0};
    for (int i = 0; i < 1000; i++)
        et_moments_add(&m, 1e9 + i % 2);
    CHECK_NEAR(m.mean, 1e9 + 0.5, 1e-6);
    CHECK_NEAR(et_moments_std(&m), 0.5, 1e-9);
}

static void merging_is_as_good_as_adding(void)
{
    struct rng rng = {3};
    for (int round = 0; round < 200; round++) {
        struct et_moments parts[4] = {{0}}, whole = {0}, merged = {0};
        const size_t n = rng_next(&rng) % 200;
        for (size_t i = 0; i < n; i++) {
            const uint64_t k = rng_next(&rng) % 8;
            const double x = k == 7 ? (double)NAN : 1000.0 + rng_gaussian(&rng) * (double)(k + 1);
            et_moments_add(&parts[k % 3], x); // the last part stays empty
            et_moments_add(&whole, x);
        }
        for (int k = 3; k >= 0; k--)
            et_moments_merge(&merged, &parts[k]);
        CHECK_EQ(merged.n, whole.n);
        CHECK_EQ(merged.n_nan, whole.n_nan);
        CHECK_NEAR(merged.mean, whole.mean, 1e-10);
        CHECK_NEAR(et_moments_std(&merged), et_moments_std(&whole), 1e-9);
        CHECK(merged.min == whole.min && merged.max == whole.max);
    }
}

static void quantiles_of_sorted_values(void)
{
    static const double V[] = {1, 2, 4, 8};
    CHECK(et_quantile_sorted(V, 4, 0.0) == 1.0);
    CHECK(et_quantile_sorted(V, 4, 0.25) == 1.75);
    CHECK(et_quantile_sorted(V, 4, 0.5) == 3.0);
    CHECK_NEAR(et_quantile_sorted(V, 4, 0.9), 6.8, 1e-14);
    CHECK(et_quantile_sorted(V, 4, 1.0) == 8.0);
    CHECK(et_quantile_sorted(V, 1, 0.3) == 1.0);
}

static void quantiles_beside_infinity(void)
{
    const double inf = (double)INFINITY;
    const double low[] = {-inf, 0.0}, high[] = {0.0, inf}, both[] = {-inf, inf};
    const double same[] = {inf, inf}, far[] = {-1.5e308, 1.5e308};
    CHECK(et_quantile_sorted(low, 2, 0.25) == -inf);
    CHECK(et_quantile_sorted(low, 2, 1.0) == 0.0);
    CHECK(et_quantile_sorted(high, 2, 0.25) == inf);
    CHECK(et_quantile_sorted(high, 2, 0.0) == 0.0);
    CHECK(isnan(et_quantile_sorted(both, 2, 0.5)));
    CHECK(et_quantile_sorted(same, 2, 0.5) == inf);
    CHECK(et_quantile_sorted(far, 2, 0.5) == 0.0);
}

// Values that drive a quicksort by the median of three into its worst case (Musser 1997).
static void fill_killer(double *v, size_t n)
{
    const size_t half = n / 2;
    for (size_t i = 0; i < half; i++) {
        v[i] = (double)(i % 2 == 0 ? i + 1 : half + i + (half % 2 == 0 ? 0 : 1));
        v[half + i] = (double)(2 * (i + 1));
    }
    for (size_t i = 2 * half; i < n; i++)
        v[i] = 0.0;
}

static void fill(double *v, size_t n, int shape, struct rng *rng)
{
    for (size_t i = 0; i < n; i++) {
        switch (shape) {
        case 0:
            v[i] = rng_gaussian(rng);
            break;
        case 1:
            v[i] = (double)i;
            break;
        case 2:
            v[i] = (double)(n - i);
            break;
        case 3:
            v[i] = (double)(rng_next(rng) % 4);
            break;
        case 4:
            v[i] = 5.0;
            break;
        case 5:
            v[i] = i % 17 == 0   ? (double)INFINITY
                   : i % 13 == 0 ? -(double)INFINITY
                                 : (double)(i % 7);
            break;
        default:
            v[i] = (double)(i < n / 2 ? i : n - i); // an organ pipe
        }
    }
    if (shape == 7)
        fill_killer(v, n);
}

#define N_SHAPES 8

static void sorts_as_the_c_library_does(void)
{
    struct rng rng = {5};
    static double a[5000], b[5000];
    for (int shape = 0; shape < N_SHAPES; shape++) {
        for (size_t n = 0; n <= 5000; n = n < 60 ? n + 1 : n * 3 / 2) {
            fill(a, n, shape, &rng);
            memcpy(b, a, sizeof a);
            et_sort_doubles(a, n);
            qsort(b, n, sizeof *b, by_value);
            CHECK(memcmp(a, b, n * sizeof *a) == 0);
        }
    }
}

static void sorts_nan_last(void)
{
    double v[] = {(double)NAN, 3, (double)NAN, -1, (double)INFINITY, 2};
    et_sort_doubles(v, 6);
    CHECK(v[0] == -1 && v[1] == 2 && v[2] == 3 && v[3] == (double)INFINITY);
    CHECK(isnan(v[4]) && isnan(v[5]));
    et_sort_doubles(NULL, 0);
}

static void selects_what_sorting_finds(void)
{
    static const double LEVELS[] = {0.0, 0.01, 0.1, 0.5, 0.77, 0.9, 0.99, 1.0};
    struct rng rng = {6};
    static double a[3000], b[3000];
    for (int shape = 0; shape < N_SHAPES; shape++) {
        for (size_t n = 1; n <= 3000; n = n * 7 / 5 + 1) {
            for (size_t k = 0; k < 8; k++) {
                fill(a, n, shape, &rng);
                memcpy(b, a, sizeof a);
                et_sort_doubles(b, n);
                const double want = et_quantile_sorted(b, n, LEVELS[k]);
                const double got = et_quantile_of(a, n, LEVELS[k]);
                CHECK(got == want || (isnan(got) && isnan(want)));
                et_sort_doubles(a, n);
                CHECK(memcmp(a, b, n * sizeof *a) == 0); // reordered, nothing lost
            }
        }
    }
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};
    CHECK(et_median_of(odd, 3) == 2.0);
    CHECK(et_median_of(even, 4) == 2.5);
}

static void is_not_slow_on_what_was_made_to_be_slow(void)
{
    enum { N = 400000 };
    double *v = calloc(N, sizeof *v);
    fill_killer(v, N);
    (void)et_median_of(v, N);
    fill_killer(v, N);
    et_sort_doubles(v, N); // quadratic would be minutes
    for (size_t i = 1; i < N; i++)
        if (v[i - 1] > v[i])
            CHECK(false);
    free(v);
}

int main(void)
{
    RUN(moments_of_known_values);
    RUN(moments_survive_a_large_offset);
    RUN(merging_is_as_good_as_adding);
    RUN(quantiles_of_sorted_values);
    RUN(quantiles_beside_infinity);
    RUN(sorts_as_the_c_library_does);
    RUN(sorts_nan_last);
    RUN(selects_what_sorting_finds);
    RUN(is_not_slow_on_what_was_made_to_be_slow);
    return tap_end();
}

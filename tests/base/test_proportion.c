/* Intervals of shares, and the distributions beneath them, against what they are defined by. */
#include "etude/proportion.h"

#include "tap.h"

#include <math.h>

/* Newcombe 1998, Stat. Med. 17, 857, table I, methods 3 and 5. */
static void intervals_are_those_of_the_literature(void)
{
    static const struct {
        uint64_t n_hits, n;
        struct et_interval wilson, exact;
    } CASES[] = {{81, 263, {0.2553, 0.3662}, {0.2527, 0.3676}},
                 {15, 148, {0.0624, 0.1605}, {0.0578, 0.1617}},
                 {0, 20, {0.0000, 0.1611}, {0.0000, 0.1684}},
                 {1, 29, {0.0061, 0.1718}, {0.0009, 0.1776}}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const uint64_t hits = CASES[i].n_hits, n = CASES[i].n;
        const struct et_interval wilson = et_interval_wilson(hits, n, 0.95);
        const struct et_interval exact = et_interval_exact(hits, n, 0.95);
        CHECK_NEAR(wilson.low, CASES[i].wilson.low, 5e-5);
        CHECK_NEAR(wilson.high, CASES[i].wilson.high, 5e-5);
        CHECK_NEAR(exact.low, CASES[i].exact.low, 5e-5);
        CHECK_NEAR(exact.high, CASES[i].exact.high, 5e-5);
    }
}

static double chance_of(uint64_t k, uint64_t n, double p)
{
    double log_ways = 0;
    for (uint64_t i = 1; i <= k; i++)
        log_ways += log((double)(n - k + i) / (double)i);
    return exp(log_ways) * pow(p, (double)k) * pow(1 - p, (double)(n - k));
}

// How often the interval holds p, by all outcomes of n trials.
static double coverage(struct et_interval (*interval)(uint64_t, uint64_t, double), uint64_t n,
                       double p, double confidence)
{
    double sum = 0;
    for (uint64_t k = 0; k <= n; k++) {
        const struct et_interval i = interval(k, n, confidence);
        sum += i.low <= p && p <= i.high ? chance_of(k, n, p) : 0;
    }
    return sum;
}

static void they_hold_the_truth_as_often_as_they_say(void)
{
    double wilson = 0, jeffreys = 0, exact_least = 1;
    int n_cases = 0;
    for (uint64_t n = 5; n <= 60; n += 5)
        for (double p = 0.0125; p < 1; p += 0.025, n_cases++) {
            wilson += coverage(et_interval_wilson, n, p, 0.9);
            jeffreys += coverage(et_interval_jeffreys, n, p, 0.9);
            exact_least = fmin(exact_least, coverage(et_interval_exact, n, p, 0.9));
        }
    printf("# of 0.9: Wilson's %.4f, Jeffreys' %.4f, the exact one at least %.4f\n",
           wilson / n_cases, jeffreys / n_cases, exact_least);
    CHECK_NEAR(wilson / n_cases, 0.9, 0.01);
    CHECK_NEAR(jeffreys / n_cases, 0.9, 0.01);
    CHECK(exact_least >= 0.9 - 1e-9);
}

static void ends_and_mirrors(void)
{
    struct et_interval (*const KINDS[])(uint64_t, uint64_t, double) = {
        et_interval_wilson, et_interval_exact, et_interval_jeffreys};
    for (size_t i = 0; i < 3; i++)
        for (uint64_t n = 1; n < 3000000000; n *= 7)
            for (uint64_t k = 0; k <= n; k += 1 + n / 3) {
                const struct et_interval a = KINDS[i](k, n, 0.99), b = KINDS[i](n - k, n, 0.99);
                const double share = (double)k / (double)n;
                CHECK_NEAR(a.low, 1 - b.high, 1e-9);
                CHECK_NEAR(a.high, 1 - b.low, 1e-9);
                CHECK(a.low >= 0 && a.low <= share && share <= a.high && a.high <= 1);
                CHECK((k > 0 || a.low == 0) && (k < n || a.high == 1));
                CHECK(a.low < a.high);
            }
}

/* Sums of few terms, powers, and halves of symmetric ones. */
static void beta_is_what_it_is_defined_by(void)
{
    for (uint64_t n = 1; n <= 200; n += 13)
        for (uint64_t k = 0; k < n; k++)
            for (double p = 0.01; p < 1; p += 0.098) {
                double sum = 0;
                for (uint64_t i = 0; i <= k; i++)
                    sum += chance_of(i, n, p);
                CHECK_NEAR(et_binomial_cdf(k, n, p), sum, 1e-11);
            }
    for (double x = 0; x <= 1; x += 0.125)
        for (double a = 0.25; a < 300; a *= 3) {
            CHECK_NEAR(et_beta_cdf(a, 1, x), pow(x, a), 1e-13);
            CHECK_NEAR(et_beta_cdf(1, a, x), 1 - pow(1 - x, a), 1e-13);
            CHECK_NEAR(et_beta_cdf(a, a, 0.5), 0.5, 1e-12);
            CHECK_NEAR(et_beta_cdf(a, 2 * a, x) + et_beta_cdf(2 * a, a, 1 - x), 1, 1e-12);
        }
    CHECK_NEAR(et_beta_cdf(0.5, 0.5, 0.1), 2 / M_PI * asin(sqrt(0.1)), 1e-14);
    CHECK_EQ((long)(1e6 * et_beta_cdf(3, 4, -1)), 0);
    CHECK_EQ((long)(1e6 * et_beta_cdf(3, 4, 2)), 1000000);
}

static void quantiles_lead_back(void)
{
    for (double a = 0.5; a < 5000; a *= 7)
        for (double b = 0.5; b < 5000; b *= 7)
            for (double p = 0.001; p < 1; p += 0.0999)
                CHECK_NEAR(et_beta_cdf(a, b, et_beta_quantile(a, b, p)), p, 1e-9);
}

static void tails_that_no_double_holds_have_logarithms(void)
{
    CHECK_NEAR(et_log_beta_above(1, 5000, 0.9), 5000 * log(0.1), 1e-6);
    CHECK_NEAR(et_log_beta_above(1, 50, 0.01), 50 * log(0.99), 1e-13);
    CHECK_NEAR(et_log_beta_above(30, 4, 0.6), log(1 - et_beta_cdf(30, 4, 0.6)), 1e-12);
    CHECK_NEAR(et_log_beta_above(3, 4, 0), 0, 0);
    CHECK(isinf(et_log_beta_above(3, 4, 1)));
}

static void normal_quantiles_lead_back(void)
{
    CHECK_NEAR(et_normal_quantile(0.975), 1.959963984540054, 1e-14);
    CHECK_NEAR(et_normal_quantile(1e-10), -6.361340902404056, 1e-13);
    for (double p = 1e-12; p < 0.5; p = p * 1.7 + 1e-12) {
        const double x = et_normal_quantile(p);
        CHECK_NEAR(0.5 * erfc(-x / M_SQRT2) / p, 1, 1e-13 * (1 + x * x));
        CHECK_NEAR(et_normal_quantile(1 - p), -x, 1e-4);
    }
}

int main(void)
{
    RUN(intervals_are_those_of_the_literature);
    RUN(they_hold_the_truth_as_often_as_they_say);
    RUN(ends_and_mirrors);
    RUN(beta_is_what_it_is_defined_by);
    RUN(quantiles_lead_back);
    RUN(tails_that_no_double_holds_have_logarithms);
    RUN(normal_quantiles_lead_back);
    return tap_end();
}

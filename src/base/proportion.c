#include "etude/proportion.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

#define TINY 1e-300 // in place of 0 in a denominator (Lentz)
#define CLOSE 1e-15 // of a fraction's factors to 1: it has converged
#define STEPS_MAX 100000
#define HALVINGS 200 // more than a double has

/* ---- the normal distribution ---- */

static double ratio(const double *above, const double *below, int n, double x)
{
    double a = 0, b = 0;
    for (int i = n - 1; i >= 0; i--) {
        a = a * x + above[i];
        b = b * x + below[i];
    }
    return a / b;
}

double et_normal_quantile(double p)
{
    static const double MIDDLE[2][8] = {
        {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
         1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
         3.3430575583588128105e+4, 2.5090809287301226727e+3},
        {1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
         2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
         5.2264952788528545610e+3}};
    static const double OUTER[2][8] = {
        {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
         3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
         2.27238449892691845833e-2, 7.74545014278341407640e-4},
        {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
         1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
         1.05075007164441684324e-9}};
    static const double FAR[2][8] = {
        {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
         2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
         2.71155556874348757815e-5, 2.01033439929228813265e-7},
        {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
         7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
         2.04426310338993978564e-15}};
    assert(p > 0 && p < 1);
    const double q = p - 0.5;
    if (fabs(q) <= 0.425)
        return q * ratio(MIDDLE[0], MIDDLE[1], 8, 0.180625 - q * q);
    const double r = sqrt(-log(q < 0 ? p : 1 - p));
    const double x =
        r <= 5 ? ratio(OUTER[0], OUTER[1], 8, r - 1.6) : ratio(FAR[0], FAR[1], 8, r - 5);
    return q < 0 ? -x : x;
}

/* ---- the beta distribution ---- */

double et_log_beta(double a, double b)
{
    return lgamma(a) + lgamma(b) - lgamma(a + b);
}

static double not_zero(double x)
{
    return fabs(x) < TINY ? TINY : x;
}

/* The continued fraction of DLMF 8.17.22, by Lentz's method. */
static double fraction(double a, double b, double x)
{
    double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), f = d;
    for (int m = 1; m < STEPS_MAX; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / not_zero(1 + even * d);
        c = not_zero(1 + even / c);
        f *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / not_zero(1 + odd * d);
        c = not_zero(1 + odd / c);
        f *= d * c;
        if (fabs(d * c - 1) < CLOSE)
            break;
    }
    return f;
}

/* The logarithm of the smaller tail, which is the one below x where x is below the mean. */
static double log_tail(double a, double b, double x, bool *is_below)
{
    const double front = a * log(x) + b * log1p(-x) - et_log_beta(a, b);
    *is_below = x < (a + 1) / (a + b + 2);
    return *is_below ? front + log(fraction(a, b, x) / a) : front + log(fraction(b, a, 1 - x) / b);
}

double et_beta_cdf(double a, double b, double x)
{
    bool is_below;
    assert(a > 0 && b > 0);
    if (!(x > 0))
        return 0;
    if (x >= 1)
        return 1;
    const double tail = exp(log_tail(a, b, x, &is_below));
    return is_below ? fmin(tail, 1) : fmax(1 - tail, 0);
}

double et_log_beta_above(double a, double b, double x)
{
    bool is_below;
    assert(a > 0 && b > 0);
    if (!(x > 0))
        return 0;
    if (x >= 1)
        return -(double)INFINITY;
    const double tail = log_tail(a, b, x, &is_below);
    return !is_below ? fmin(tail, 0) : log1p(-fmin(exp(tail), 1));
}

double et_beta_quantile(double a, double b, double p)
{
    assert(p >= 0 && p <= 1);
    double low = 0, high = 1;
    for (int i = 0; i < HALVINGS && high - low > DBL_EPSILON * high; i++) {
        const double middle = (low + high) / 2;
        *(et_beta_cdf(a, b, middle) < p ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

double et_binomial_cdf(uint64_t k, uint64_t n, double p)
{
    assert(p >= 0 && p <= 1);
    return k >= n ? 1 : et_beta_cdf((double)(n - k), (double)k + 1, 1 - p);
}

/* ---- intervals ---- */

struct et_interval et_interval_wilson(uint64_t n_hits, uint64_t n, double confidence)
{
    assert(n > 0 && n_hits <= n && confidence > 0 && confidence < 1);
    const double z = et_normal_quantile((1 + confidence) / 2);
    const double trials = (double)n, share = (double)n_hits / trials;
    const double middle = share + z * z / (2 * trials);
    const double half = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials));
    return (struct et_interval){
        .low = n_hits == 0 ? 0 : (middle - half) / (1 + z * z / trials),
        .high = n_hits == n ? 1 : (middle + half) / (1 + z * z / trials),
    };
}

/* Quantiles of two beta distributions that share their number of trials. */
static struct et_interval tails(uint64_t n_hits, uint64_t n, double confidence, double more)
{
    assert(n > 0 && n_hits <= n && confidence > 0 && confidence < 1);
    const double tail = (1 - confidence) / 2, hits = (double)n_hits,
                 failures = (double)(n - n_hits);
    return (struct et_interval){
        .low = n_hits == 0 ? 0 : et_beta_quantile(hits + 0.5 - more, failures + 0.5 + more, tail),
        .high =
            n_hits == n ? 1 : et_beta_quantile(hits + 0.5 + more, failures + 0.5 - more, 1 - tail),
    };
}

struct et_interval et_interval_exact(uint64_t n_hits, uint64_t n, double confidence)
{
    return tails(n_hits, n, confidence, 0.5);
}

struct et_interval et_interval_jeffreys(uint64_t n_hits, uint64_t n, double confidence)
{
    return tails(n_hits, n, confidence, 0);
}

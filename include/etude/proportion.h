/* Proportion: of n independent trials some succeed; where the true share of successes lies.
 *
 * All are two-sided with equal tails. For one side alone at level c, take that side of the interval
 * whose confidence is 2 c − 1.
 *
 * Threads: any. Memory: none. */
#ifndef ETUDE_PROPORTION_H
#define ETUDE_PROPORTION_H

#include "etude/status.h"

#include <stdint.h>

struct et_interval {
    double low, high;
};

/* After n_hits of n ≥ 1 trials, n_hits ≤ n < 2³²; 0 < confidence < 1.
 *
 * Wilson's covers about as often as it says, also of few trials or where nothing failed (E. B.
 * Wilson, J. Am. Stat. Assoc. 22, 1927, 209; Brown, Cai, DasGupta, Statistical Science 16, 2001,
 * 101). The exact one never covers less often, and so is wider (Clopper and Pearson, Biometrika 26,
 * 1934, 404). Jeffreys' is that of a person who knew nothing before: quantiles of
 * Beta(hits + ½, failures + ½), from 0 where nothing succeeded and to 1 where nothing failed
 * (Brown, Cai, DasGupta, 4.1.2). */
ET_API struct et_interval et_interval_wilson(uint64_t n_hits, uint64_t n, double confidence);
ET_API struct et_interval et_interval_exact(uint64_t n_hits, uint64_t n, double confidence);
ET_API struct et_interval et_interval_jeffreys(uint64_t n_hits, uint64_t n, double confidence);

/* The chance that at most k of n trials succeed, each with chance p; 0 ≤ p ≤ 1. */
ET_API double et_binomial_cdf(uint64_t k, uint64_t n, double p);

/* Beta(a, b), a and b > 0: logarithm of the complete function; the share of it below x, which is
 * the regularised incomplete function I_x(a, b) (DLMF 8.17), to 1e-12 for a + b < 1e5; the x that
 * has the share p below it. et_log_beta_above is the logarithm of the share above x, which may be
 * too small for the share itself. */
ET_API double et_log_beta(double a, double b);
ET_API double et_beta_cdf(double a, double b, double x);
ET_API double et_beta_quantile(double a, double b, double p);
ET_API double et_log_beta_above(double a, double b, double x);

/* The normal distribution's x that has the share p below it, 0 < p < 1 (Wichura, Applied Statistics
 * 37, 1988, algorithm AS 241, to 1e-15). */
ET_API double et_normal_quantile(double p);

#endif

/* Exam rule: after which trial an exam is passed, or failed.
 *
 * Trials are independent, each with a seed of its own that was drawn from what the exam is about,
 * so that a policy succeeds in all of them with one share p. A rule's promise, kept whenever
 * somebody looks, stops or goes on: who succeeds in a share of p0 or less passes with a chance of
 * at most alpha. It is chosen before the exam; of two that are both tried, each gets half of alpha.
 *
 * Threads: a rule does not change once it is open; any thread may ask it.
 * Memory:  a rule of n trials at most takes some bytes a trial. */
#ifndef ETUDE_EXAM_RULE_H
#define ETUDE_EXAM_RULE_H

#include "etude/proportion.h"

#include <stddef.h>

enum et_exam_rule_kind {
    /* Least trials on the average over policies that are worse and better than p0, among all that
     * end after trials_max, by backward induction over trials and failures (as Snyder et al. have
     * it for comparisons, "Is Your Imitation Learning Policy Better than Mine?", 2025, 2503.10966;
     * one sample and a programme of our own). */
    ET_EXAM_OPTIMAL,
    /* Evidence: a bet against "p0 or less" that is paid by each success. It passes once that has
     * grown 1 / alpha times (Ville's inequality), and fails once a bet against "p0 or more" has
     * grown 1 / beta times. It may be lengthened afterwards. */
    ET_EXAM_EVIDENCE,
    /* Wald's sequential probability ratio of p1 against p0 (Ann. Math. Stat. 16, 1945, 117). */
    ET_EXAM_RATIO,
};

struct et_exam_rule_options {
    enum et_exam_rule_kind kind;
    double p0, alpha; // 0 … 1, both ends excluded
    double p1;        // of the ratio: p0 < p1 < 1; of others not looked at
    double beta;      // chance at most to fail p1 (ratio), or anyone of p0 or more (evidence)
    int trials_max;   // 1 … ET_EXAM_TRIALS_MAX; who has not passed then has failed
};
#define ET_EXAM_TRIALS_MAX 100000
#define ET_EXAM_OPTIMAL_TRIALS_MAX 5000

/* The optimal rule of 600 trials, for p0 = 0.95 and alpha = 0.01; p1 0.99, beta 0.1. */
ET_API struct et_exam_rule_options et_exam_rule_options(void);

struct et_exam_rule;

/* ET_EARG: an option out of its range, the text names it. At once, where opening may take seconds.
 */
ET_MUST_USE ET_API enum et_status et_exam_rule_check(const struct et_exam_rule_options *options,
                                                     struct et_err *err);

/* As et_exam_rule_check; ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_exam_rule_open(struct et_exam_rule **rule,
                                                    const struct et_exam_rule_options *options,
                                                    struct et_err *err);
ET_API void et_exam_rule_close(struct et_exam_rule *rule); // NULL is allowed

enum et_exam_verdict {
    ET_EXAM_GOES_ON, // another trial
    ET_EXAM_PASSED,
    ET_EXAM_FAILED,
};

/* After n_hits + n_failures trials; behind an end, or trials_max, it is that which stands there. */
ET_API enum et_exam_verdict et_exam_rule_verdict(const struct et_exam_rule *rule, uint64_t n_hits,
                                                 uint64_t n_failures);

/* What comes of it for a policy that succeeds in a share p, from n_hits and n_failures on: exactly,
 * by all that can happen. ET_ENOMEM. */
struct et_exam_outlook {
    double pass;        // chance
    double trials_left; // mean
};
ET_MUST_USE ET_API enum et_status et_exam_rule_outlook(const struct et_exam_rule *rule, double p,
                                                       uint64_t n_hits, uint64_t n_failures,
                                                       struct et_exam_outlook *outlook,
                                                       struct et_err *err);

/* The least number of trials after which it is passed with n_failures; 0: with so many never. */
ET_API int et_exam_rule_passes_at(const struct et_exam_rule *rule, int n_failures);
/* The least number of failures that fail it after n_trials; 0: none does. */
ET_API int et_exam_rule_fails_from(const struct et_exam_rule *rule, int n_trials);

/* ---- evidence ---- */

/* Logarithms of how much a bet has grown: against "the share is p or less", spread evenly over
 * p … 1; against "p or more", over 0 … p. Each is at most 1 on the average as long as what it bets
 * against is true, at any time of stopping (Ramdas et al., Statistical Science 38, 2023, 576, 4).
 */
ET_API double et_evidence_above(uint64_t n_hits, uint64_t n_failures, double p);
ET_API double et_evidence_below(uint64_t n_hits, uint64_t n_failures, double p);

/* The shares that no bet of either kind has grown 1 / alpha times against: holds the true one at
 * all times together with a chance of at least 1 − 2 alpha, each end with 1 − alpha. */
ET_API struct et_interval et_evidence_interval(uint64_t n_hits, uint64_t n_failures, double alpha);

#endif

/* Comparison: which of several policies is better, each tried on the same seeds.
 *
 * Trials of two policies on one seed are a pair. Where both succeed, or neither, the pair says
 * nothing; of the others each is the first's or the second's with a chance of one half if neither
 * is better. A bet on that (etude/exam_rule.h) may be looked at, stopped and gone on with at any
 * time. Of several policies all pairs are tested together.
 *
 * Threads: any. Memory: none. */
#ifndef ETUDE_EXAM_COMPARE_H
#define ETUDE_EXAM_COMPARE_H

#include "etude/exam_rule.h"

#include <stdbool.h>

struct et_pairs {
    uint64_t n_both, n_first, n_second, n_neither; // successes: of both, of one alone
};

/* How much a bet against "the first is no better than the second" has grown, as a logarithm: spread
 * evenly over shares of ½ … 1 of the pairs that differ. */
ET_API double et_pairs_evidence(const struct et_pairs *pairs);
/* The same of the second. */
ET_API struct et_pairs et_pairs_swapped(const struct et_pairs *pairs);

/* What may be said at any time, wrong with a chance of at most alpha: PASSED: the first is better;
 * FAILED: the second is. Each side has half of alpha. */
ET_API enum et_exam_verdict et_pairs_verdict(const struct et_pairs *pairs, double alpha);

/* Mean number of pairs until it is said that the first is better, where their successes are
 * independent with shares p_first > p_second, or trials_max have gone by; and the chance that it is
 * said. One-sided at alpha, exactly, by all that can happen. ET_EARG, ET_ENOMEM. */
struct et_pairs_outlook {
    double says, trials;
};
#define ET_PAIRS_TRIALS_MAX 20000
ET_MUST_USE ET_API enum et_status et_pairs_outlook(double p_first, double p_second, double alpha,
                                                   int trials_max, struct et_pairs_outlook *outlook,
                                                   struct et_err *err);

/* Of n hypotheses with p-values, those that are refused so that even one wrong refusal among them
 * has a chance of at most alpha, however they hang together (Holm, Scand. J. Stat. 6, 1979, 65).
 * What a bet has grown, 1 / e, is a p-value at any time. n ≤ ET_HOLM_MAX. */
#define ET_HOLM_MAX 4096
ET_API void et_holm(const double *p, size_t n, double alpha, bool *is_refused);

/* Letters of n ≤ ET_LETTERS_MAX policies: two share one exactly if they were not told apart
 * (Piepho, J. Comput. Graph. Stat. 13, 2004, 456: insert and absorb). `differs` is n × n,
 * symmetric; the first policy has "a". ET_ELIMIT: it needs more letters than there are. */
#define ET_LETTERS_MAX 26
ET_MUST_USE ET_API enum et_status et_compare_letters(const bool *differs, size_t n,
                                                     char (*texts)[ET_LETTERS_MAX + 1],
                                                     struct et_err *err);

#endif

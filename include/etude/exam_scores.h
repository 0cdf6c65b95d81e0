/* Scores: what can be said, at any time, of the mean of something between 0 and 1.
 *
 * A rubric, a share of a task, a time against another: where success alone says too little. Scores
 * come one by one; each bet of the next is made from those before it, so that what is said may be
 * looked at after every score (Waudby-Smith and Ramdas, "Estimating means of bounded random
 * variables by betting", J. R. Stat. Soc. B 86, 2024, 1: hedged capital, 4.2, predictable plug-in).
 *
 * Threads: none is shared.
 * Memory:  a bet is a plain struct; an interval is a handle of some kilobytes. */
#ifndef ETUDE_EXAM_SCORES_H
#define ETUDE_EXAM_SCORES_H

#include "etude/proportion.h"

/* Two bets: against "the mean is `mean` or less", and "… or more". */
struct et_bet {
    double mean, alpha;          // 0 < mean < 1; what it is to be sure by, 0 < alpha < 1
    double log_above, log_below; // how much each has grown, as logarithms
    uint64_t n;
    double sum, sum_squares; // of scores; of what they were off by
};
ET_API struct et_bet et_bet(double mean, double alpha);

/* The next score, 0 … 1. Of independent ones, or any whose mean hangs on those before by no more
 * than it is said to, a bet that says no more than the truth grows by 1 / alpha at any time with a
 * chance of at most alpha. */
ET_API void et_bet_add(struct et_bet *bet, double score);

/* Where the mean lies: at all times together with a chance of at least 1 − alpha. */
struct et_score_interval;
ET_MUST_USE ET_API enum et_status et_score_interval_open(struct et_score_interval **interval,
                                                         double alpha, struct et_err *err);
ET_API void et_score_interval_close(struct et_score_interval *interval); // NULL is allowed
ET_API void et_score_interval_add(struct et_score_interval *interval, double score);
ET_API struct et_interval et_score_interval_now(const struct et_score_interval *interval);

#endif

/* Times of an exam: how fast, not only how often.
 *
 * Units:   seconds.
 * Threads: any. Memory: the caller's. */
#ifndef ETUDE_EXAM_TIMES_H
#define ETUDE_EXAM_TIMES_H

#include "etude/proportion.h"

#include <stdbool.h>
#include <stddef.h>

struct et_timed {
    double seconds; // until it was done, or given up
    bool is_success;
    bool is_cut; // stopped by something that says nothing of the policy: a person, a power cut
};

/* Success-weighted completion time: the mean of success × reference / max(time, reference), which
 * is 1 where all succeed in no more than the reference's time (as Anderson et al. weigh paths, "On
 * Evaluation of Embodied Navigation Agents", 2018, 1807.06757). What was cut does not count. NAN of
 * none. */
ET_API double et_timed_weighted(const struct et_timed *trials, size_t n, double reference_s);
/* One trial's share of it: a score of 0 … 1. */
ET_API double et_timed_score(const struct et_timed *trial, double reference_s);

/* Successes in an hour, all trials and what lies between them (reset_s each) counted; NAN where no
 * time went by. */
ET_API double et_timed_per_hour(const struct et_timed *trials, size_t n, double reset_s);

/* The chance to have succeeded within a time, by Kaplan and Meier (J. Am. Stat. Assoc. 53, 1958,
 * 457): a step wherever somebody succeeded. Who failed goes on failing to the end, and counts as
 * long as anyone does; what was cut counts until then. */
struct et_timed_step {
    double seconds, chance;
    struct et_interval interval; // on the scale of log(−log), Greenwood's variance (Kalbfleisch and
                                 // Prentice, 1980, 1.3)
};
/* Writes at most n steps; returns how many. */
ET_API size_t et_timed_curve(const struct et_timed *trials, size_t n, double confidence,
                             struct et_timed_step *steps);

#endif

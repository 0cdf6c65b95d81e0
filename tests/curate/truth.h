/* The truth of the inspectors: what is injected into clean episodes, and what must be found. */
#ifndef TESTS_CURATE_TRUTH_H
#define TESTS_CURATE_TRUTH_H

#include "etude/inspect.h"

#include "clean.h"

/* A set that is inspected as a whole. */
#define TRUTH_SET_EPISODES 200
struct truth_set {
    struct et_set_claims claims;
    struct et_episode_digest digests[TRUTH_SET_EPISODES];
    size_t n_digests;
    const char *tasks[4];
};

struct truth_case {
    const char *kind;     // the inspector that is tried
    const char *injected; // in words; one %g takes the amount
    double amount;
    void (*corrupt)(struct clean *clean, double amount); // one of the two
    void (*corrupt_set)(struct truth_set *set, double amount);
    bool is_found; // false: below the threshold, nothing of this kind at all
    enum et_severity severity;
    double value, tolerance; // of the finding; NaN: it has none
    double at_s;             // where it must begin, NaN: no place in time
};

extern const struct truth_case TRUTH_CASES[];
extern const size_t TRUTH_N_CASES;

#endif

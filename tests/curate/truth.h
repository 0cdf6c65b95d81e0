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

/* Faults of time in recordings, see truth_clocks.c. */
void truth_tick(struct clean *clean, double tick_ms);
void truth_no_stamps(struct clean *clean, double unused);
void truth_reset(struct clean *clean, double by_s);
void truth_drift(struct clean *clean, double ppm);
void truth_bend(struct clean *clean, double ppm);
void truth_stall(struct clean *clean, double duration_s);
void truth_jitter(struct clean *clean, double periods);
void truth_rate(struct clean *clean, double rate_hz);
void truth_rate_change(struct clean *clean, double share);
void truth_turns(struct clean *clean, double share);
void truth_drop_coarse(struct clean *clean, double n);
void truth_burst(struct clean *clean, double duration_s);
void truth_silence(struct clean *clean, double duration_s);
void truth_late_camera(struct clean *clean, double from_s);
void truth_old_pictures(struct clean *clean, double latency_s);
void truth_offset(struct clean *clean, double offset_s);

/* What bodies do, see truth_grips.c. */
void truth_miss(struct clean *clean, double felt_s);
void truth_slip(struct clean *clean, double weight_n);
void truth_drop(struct clean *clean, double width_mm);
void truth_release(struct clean *clean, double speed_rad_s);
void truth_hit(struct clean *clean, double force_n);

extern const struct truth_case TRUTH_CASES[];
extern const size_t TRUTH_N_CASES;

#endif

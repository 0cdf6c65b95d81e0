/* Clock model: from a device's own stamps to the centre's clock, by what arrived when.
 *
 * A message carries the device's stamp d and is noted on arrival at h. Delay is never negative, so
 * the true relation of both clocks is the lower envelope of h − d over d: a line within a minute,
 * bending slowly as the oscillators drift. It is taken as the lower convex hull in a window around
 * each moment (Zhang, Liu, Xia, INFOCOM 2002; Moon, Skelly, Towsley, INFOCOM 1999: of all lines
 * below the points, the one with the least sum of distances is the hull's edge at their mean).
 * Averages, regressions and Kalman filters keep the mean delay as a bias; the hull does not. What
 * no one-way method can know stays in it: the least delay of the path, a constant.
 *
 * A device that starts again, or whose clock is set, begins a new run. Stamps that are coarse
 * against their period (a tick of 1 ms at 500 Hz) are no clock: samples are counted by them, and
 * the count is the clock. (The phase of the tick is one more constant that nobody can know.)
 * Where there are no stamps, a sender that is even shows in its arrivals: their delays fall to the
 * least again and again, all along. Then too the count is the clock; else there is only arrival.
 *
 * Units:   nanoseconds; both clocks count from where they like.
 * Threads: no state.
 * Memory:  results and work space in the caller's arena, about 80 bytes a sample. */
#ifndef ETUDE_CLOCK_MODEL_H
#define ETUDE_CLOCK_MODEL_H

#include "etude/arena.h"
#include "etude/json.h"

// clang-format off
#define ET_CLOCK_SOURCE_MAP(X)                                                       \
    X(ARRIVAL, "arrival", "no stamps of the device: the time of arrival, delay and all") \
    X(DEVICE,  "device",  "the device's stamps, moved to the centre's clock")        \
    X(COUNTER, "counter", "coarse stamps: the count of samples times their period, moved") \
    X(EVEN,    "even",    "no stamps, but sent evenly: the count times the period, moved")
// clang-format on

enum et_clock_source {
#define X(name, text, meaning) ET_CLOCK_##name,
    ET_CLOCK_SOURCE_MAP(X)
#undef X
        ET_N_CLOCK_SOURCES
};

/* corrected = d + offset, linear between knots, the first and last lines prolonged; d is the stamp,
 * or for COUNTER the counted time from the run's first stamp on, for EVEN from 0. */
struct et_clock_knot {
    int64_t t_device_ns;
    int64_t offset_ns;
};

/* A stretch without a reset. */
struct et_clock_run {
    size_t i_first, n; // samples
    enum et_clock_source source;
    const struct et_clock_knot *knots; // none where the source is ARRIVAL
    size_t n_knots;
    double skew_ppm;      // how much faster the centre's clock runs, over the whole run
    double bend_ppm;      // largest change of that rate within the run
    int64_t step_ns;      // how far the device's clock jumped before this run; 0 for the first
    double period_ns;     // of the samples, by the device; 0 unknown
    int64_t n_missing;    // samples that the count says are not there (COUNTER, EVEN)
    int64_t delay_p50_ns; // arrival minus corrected, beyond the least delay
    int64_t delay_p99_ns;
};

struct et_clock_model {
    const struct et_clock_run *runs;
    size_t n_runs;
    int64_t tick_ns; // what all stamps are multiples of, from the first on; 1 when nothing coarser
    int64_t n_disordered; // stamps before the one of the message before
};

struct et_clock_pairs {
    const int64_t *t_device_ns;  // 0 for a message without one; NULL: none has
    const int64_t *t_arrival_ns; // never falls
    const uint32_t *sequence;    // counts samples, may wrap; NULL: unknown
    size_t n;
};

/* Zeroed: the defaults. */
struct et_clock_options {
    int64_t window_ns; // of the hull; 0: 60 s, long enough to outlast a congestion
    int64_t knot_ns;   // from knot to knot; 0: 1 s
    int64_t step_ns;   // a jump forward that begins a new run; 0: 5 ms
    int64_t coarse_ns; // ticks from here on are coarse; 0: 100 µs
};

/* Fits the model, and puts the corrected time of every sample to t_ns[n] (in the samples' order; it
 * falls only where stamps fall). A run of fewer than 8 samples or less than 1 s gets one offset. A
 * stream of which fewer than half the messages have a stamp counts as having none. options may be
 * NULL. ET_EARG: arrivals fall (err->at is the sample). ET_ELIMIT, ET_ENOMEM: the arena is full. */
ET_MUST_USE ET_API enum et_status et_clock_fit(const struct et_clock_pairs *pairs,
                                               const struct et_clock_options *options,
                                               struct et_arena *arena, struct et_clock_model *model,
                                               int64_t *t_ns, struct et_err *err);

/* Unfolds a counter of n_bits (8 to 32) that wraps, in place of values that were read as it. Falls
 * of less than half its range are taken for disorder. */
ET_API void et_clock_unwrap(const uint32_t *counter, size_t n, int n_bits, int64_t *unwrapped);

/* "arrival", "device", "counter", "even". */
ET_API const char *et_clock_source_text(enum et_clock_source source);

/* {"tick_ns": …, "runs": [{"source": …, "first": …, "n": …, "skew_ppm": …, "knots": [[t, offset],
 * …] …}]}; knots are thinned to those that change the line by more than 1 µs. */
ET_API void et_clock_model_json(struct et_json_writer *w, const struct et_clock_model *model);

#endif

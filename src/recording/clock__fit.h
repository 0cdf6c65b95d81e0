/* The two steps of a clock model: the envelope of delays, and time from a count of samples. */
#ifndef RECORDING_CLOCK__FIT_H
#define RECORDING_CLOCK__FIT_H

#include "etude/clock_model.h"

/* Stamps x (ascending, relative to the run's first, in ns) and delays y = arrival − stamp relative
 * to the first. Doubles hold both to a fraction of a nanosecond for 50 days. */
struct et__clock_points {
    const double *x, *y;
    size_t n;
};

/* The envelope's height over x at_first, at_first + at_step …, n_at of them, by the lower hull of
 * the points in a window around each, moved inward at the ends. */
struct et__envelope {
    double window, at_first, at_step;
    size_t n_at;
};
ET_MUST_USE enum et_status et__envelope_fit(const struct et__clock_points *points,
                                            const struct et__envelope *envelope,
                                            struct et_arena *arena, double *heights,
                                            struct et_err *err);

/* The greatest number that divides every difference of consecutive stamps, at least 1; 1 when all
 * are equal. */
int64_t et__clock_tick(const int64_t *t_device_ns, size_t n);

/* Coarse stamps of a periodic device: the samples are counted (by `sequence` where there is one),
 * and each stamp x is replaced by count × period, x[0] by 0. *is_periodic false, x untouched: the
 * stamps do not follow a count within a tick and a half, wherever one looks. */
struct et__counting {
    const uint32_t *sequence; // of the run's samples; NULL
    const double *arrival;    // of the run's samples
    double tick;
    double period;     // out
    int64_t n_missing; // out: samples that the count says are not there
};
ET_MUST_USE enum et_status et__clock_count(double *x, size_t n, struct et__counting *counting,
                                           struct et_arena *arena, bool *is_periodic,
                                           struct et_err *err);

/* Samples without stamps: x (n) gets count × period, as of a sender that is even, from arrivals y
 * (ns, from the first, ascending) or from `sequence` where there is one. is_likely false: too few
 * samples to tell, x is of no use. Whether the sender is even is told by et__clock_is_even, from
 * the delays that a fit to x leaves. */
struct et__evenness {
    bool is_likely;
    double period, n_missing;
};
ET_MUST_USE enum et_status et__clock_even(const double *y, size_t n, const uint32_t *sequence,
                                          struct et_arena *arena, double *x,
                                          struct et__evenness *even, struct et_err *err);
ET_MUST_USE enum et_status et__clock_is_even(const double *y, const double *delay, size_t n,
                                             double period, struct et_arena *arena, bool *is_even,
                                             struct et_err *err);

#endif

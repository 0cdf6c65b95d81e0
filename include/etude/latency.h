/* Latency: how long a robot takes to follow its command, from the two signals alone.
 *
 * Command and measured position are stored on one row as if they were simultaneous; they are not.
 * The lag between them is found where the normalised cross-correlation of the velocities peaks,
 * then refined by least squares on the positions (lag, and a gain and an offset for every value).
 * Where the motion is too slow to say anything the estimate is refused, with the reason. The lag
 * holds everything between command and measurement (filter, transport, motor); it is measured as a
 * whole because without stamps its parts cannot be told apart.
 *
 * Units:   seconds; the lag is positive when the state follows the command.
 * Threads: any.
 * Memory:  scratch comes from the arena and is given back before the call returns. */
#ifndef ETUDE_LATENCY_H
#define ETUDE_LATENCY_H

#include "etude/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct et_latency_options {
    double lag_max_s;      // 0: 0.5
    double lag_min_s;      // most negative lag that is looked at; 0: 0 (a state cannot precede)
    double speed_min;      // RMS speed of the command a value needs to take part; 0: 0.02 a second
    double confidence_min; // below it the estimate is refused; 0: 0.5
};

struct et_latency {
    bool is_known;        // false: refused, see why
    double lag_s;         // NaN when refused
    double sigma_s;       // standard error from the curvature of the fit
    double peak;          // correlation of the velocities at the peak, −1 … 1
    double confidence;    // 0 … 1: peak height against the next best peak and the fit's residual
    size_t n_values_used; // values that moved enough
    const char *why;      // when refused: a static sentence; "" otherwise
};

/* Two signals on one even time line, n_samples × n_values each, row-major: value i of the command
 * is the target of value i of the state. Samples that are not finite are left out. */
struct et_latency_signals {
    const double *command;
    const double *state;
    size_t n_samples;
    size_t n_values;
    double rate_hz;
};

/* ET_OK: *latency is filled, also when refused. ET_EARG: rate_hz ≤ 0. ET_ELIMIT: arena. options may
 * be NULL. */
ET_MUST_USE ET_API enum et_status et_latency_estimate(const struct et_latency_signals *signals,
                                                      const struct et_latency_options *options,
                                                      struct et_arena *arena,
                                                      struct et_latency *latency,
                                                      struct et_err *err);

#endif

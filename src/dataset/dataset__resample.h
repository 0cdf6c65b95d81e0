/* Tracks on another time line. Nothing is extrapolated: every time asked for lies between the first
 * and the last sample. */
#ifndef DATASET_DATASET__RESAMPLE_H
#define DATASET_DATASET__RESAMPLE_H

#include "etude/episode.h"

/* How a quantity goes from sample to sample. */
enum et__between {
    ET__LINEAR, // measured numbers
    ET__POSE,   // x y z linear, the quaternion x y z w along the shorter arc
    ET__IMU,    // angular velocity and acceleration linear, the quaternion along the shorter arc
    ET__HOLD,   // commands: in force until the next one
};

enum et__between et__between_of(const struct et_stream *stream);

/* Values at n ascending times, n × stream.n_values. age_ns (n, may be NULL): from the newest sample
 * that is not later to the time asked for. */
void et__resample(const struct et_track *track, const int64_t *t_ns, size_t n, double *values,
                  int64_t *age_ns);

/* The last of n ≥ 1 ascending times that is not after t; 0 when all are. */
size_t et__newest(const int64_t *t_ns, size_t n, int64_t t);

/* The one of n ≥ 1 ascending times nearest to t; the earlier of two that are as near. */
size_t et__nearest(const int64_t *t_ns, size_t n, int64_t t);

#endif

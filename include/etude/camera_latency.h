/* Camera latency: how much earlier a picture was taken than its stamp says, from what it shows.
 *
 * A camera's stamp is of its arrival, or of some moment after the exposure; what was seen is
 * older. When the robot moves, its pictures change with it: the mean difference of a frame to the
 * one before is, nearly, a sum of the ways that the joints went between the two exposures, each
 * with a weight that is not negative (how much of the picture that joint moves) and an offset (the
 * noise of the sensor). Where joints move the same part of a picture (a camera on a wrist) their
 * ways add up or cancel by their signs, and the square of the difference is a sum of products of
 * ways; both models are tried, and the one that foretells more counts. For every lag the weights
 * are fitted by least squares; the lag with the least residual, refined by a parabola, is the
 * latency. Where it is known which way the picture went, the same is done with the signed ways of
 * the joints, and the surer estimate counts. Frames that do not change (frozen, copied) and
 * pictures of a scene that moves by itself lower the confidence; where it is low the estimate is
 * refused, with the reason.
 *
 * Units:   seconds; positive when the pictures are older than their stamps.
 * Threads: any.
 * Memory:  scratch comes from the arena and is given back before the call returns. */
#ifndef ETUDE_CAMERA_LATENCY_H
#define ETUDE_CAMERA_LATENCY_H

#include "etude/episode.h"
#include "etude/latency.h"

/* What a camera saw: for each of n frames when it is stamped (corrected) and how much it differs
 * from the frame before (mean |difference| of luma, 0 … 255; NaN for the first and undecodable). */
struct et_camera_motion {
    const int64_t *t_ns;
    const double *change;
    size_t n;
    // n × n_flows, row-major: which way the picture went since the frame before, with its sign, in
    // any unit (mean way right, down, of a part ...); NaN unknown. 0: not measured.
    const double *flows;
    size_t n_flows;
};
#define ET_CAMERA_FLOWS_MAX 8

/* Zeroed: the defaults. */
struct et_camera_latency_options {
    double lag_min_s; // 0: −0.1 s (the pictures are younger than their stamps: impossible but
                      // for a joint's own delay)
    double lag_max_s; // 0: 0.5 s
    double confidence_min; // 0: 0.3
};

/* Measured positions (not commands) of the episode's arms, waist, head and body are the joints; the
 * 24 that go the longest ways take part. A lag costs frames × joints², and some 150 are tried.
 * *latency as of et_latency_estimate: lag_s, sigma_s (from the curvature of the residual), peak
 * (correlation of the fit with the change at the best lag), confidence (correlation with what
 * weights fitted to other stretches of the recording foretell, times how far the best lag stands
 * out), why. With flows, an estimate with a sigma_s above 4 ms is refused. ET_ELIMIT: the arena.
 * options may be NULL. */
ET_MUST_USE ET_API enum et_status
et_camera_latency_estimate(const struct et_camera_motion *motion, const struct et_track *tracks,
                           size_t n_tracks, const struct et_camera_latency_options *options,
                           struct et_arena *arena, struct et_latency *latency, struct et_err *err);

#endif

/* What the ways of estimating a camera's latency share: which joints and frames take part, and
 * where the joints were. */
#ifndef CURATE__CAMERA_LATENCY_H
#define CURATE__CAMERA_LATENCY_H

#include "etude/camera_latency.h"

// The joints that go the longest ways say most; the cost of a lag is frames × joints².
#define ET__LAG_JOINTS_MAX 24
// Lags beside the range that are looked at, to tell a best one inside it from one beyond.
#define ET__LAG_BORDER 2

/* One value of a track that moves. Joints of a track stand together. */
struct et__lag_joint {
    const struct et_track *track;
    size_t i;
    double speed;
};

/* A picture that differs from the one before in the list. */
struct et__lag_frame {
    size_t i; // of the motion
    int64_t t_ns;
    int64_t t_even_ns; // as its neighbours say
    double change;
    double scale; // change around it
    bool is_used;
};

struct et__lag_problem {
    struct et__lag_joint joints[ET__LAG_JOINTS_MAX];
    size_t n_joints;
    bool is_squared;        // the model: squares of change by products of ways, else change by ways
    size_t n_chief, n_rest; // that have products with each other, that have a square
    size_t order[ET__LAG_JOINTS_MAX]; // joints, those first that the pictures follow most
    struct et__lag_frame *frames;
    size_t n_frames, n_used;
    int64_t lag_min_ns, lag_max_ns;
    double speed_min; // a joint moves when its mean speed is above this
    double period_s;  // of the frames
};

/* Fills joints and frames. False: the arena is full. */
bool et__lag_pose(struct et__lag_problem *p, const struct et_camera_motion *motion,
                  const struct et_track *tracks, size_t n_tracks, struct et_arena *arena);

/* True when there are frames and seconds enough. */
bool et__lag_is_enough(const struct et__lag_problem *p);

/* Fills t_even_ns of all frames. */
void et__lag_make_even(struct et__lag_problem *p);

/* Takes even times for the stamps, or the stamps back. */
void et__lag_swap_times(struct et__lag_problem *p);

/* Joints at a time: the mean over half a frame around it. `from` is where the call before, for an
 * earlier time, was; zeroed at first. */
void et__lag_read(const struct et__lag_problem *p, int64_t t_ns, size_t from[ET__LAG_JOINTS_MAX],
                  double *q);

/* By which way the pictures went (motion->flows), each with its sign: refused where that cannot be
 * told. False: the arena is full. */
bool et__lag_by_flow(const struct et__lag_problem *blank, const struct et_camera_motion *motion,
                     const struct et_track *tracks, size_t n_tracks,
                     const struct et_camera_latency_options *options, struct et_arena *arena,
                     struct et_latency *latency);

#endif

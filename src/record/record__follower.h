/* Follower: a robot of the virtual centre that goes where an operator's hands go.
 *
 * Joins what an operator's devices bring (record__operator_input.h), the laws of teleoperation
 * (etude/teleop.h) and the robot's arms (etude/world_arm.h).
 *
 * Threads: the world's. Memory: a handle. */
#ifndef ETUDE_RECORD_FOLLOWER_H
#define ETUDE_RECORD_FOLLOWER_H

#include "etude/teleop.h"
#include "etude/world.h"
#include "record/record__operator_input.h"

struct et__follower;

/* Of a world that was reset, which must outlive it. ET_ENOMEM; ET_ELIMIT: more joints than can be
 * led. */
ET_MUST_USE enum et_status et__follower_open(struct et__follower **follower,
                                             const struct et_world *world,
                                             const struct et_teleop_options *options,
                                             struct et_err *err);
void et__follower_close(struct et__follower *follower); // NULL is allowed

/* Who leads it from now on; copied. Without it, any headset. */
void et__follower_lead(struct et__follower *follower, const struct et__operator_how *how);

void et__follower_begin(struct et__follower *follower, const double *joints);
/* A sample of any feed. true: it was the operator's, and joints (the world's n_joints) are where
 * they shall be now. */
bool et__follower_hear(struct et__follower *follower, const struct et_feed_stream *stream,
                       const struct et_feed_sample *sample, double *joints);
/* The same by time alone, before each step of the world; takes in what the wrists feel. */
void et__follower_step(struct et__follower *follower, const struct et_world_state *state,
                       double *joints);
void et__follower_stop(struct et__follower *follower, bool is_stopped);
struct et_teleop_status et__follower_status(const struct et__follower *follower);
bool et__follower_is_following(const struct et__follower *follower);

#endif

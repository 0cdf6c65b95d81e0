/* Follower: a robot, virtual or real, that goes where an operator's hands go.
 *
 * Joins what an operator's devices bring (record__operator_input.h), the laws of teleoperation
 * (etude/teleop.h) and the robot's arms (etude/world_arm.h).
 *
 * Threads: of whoever opened it. Memory: a handle. */
#ifndef ETUDE_RECORD_FOLLOWER_H
#define ETUDE_RECORD_FOLLOWER_H

#include "etude/teleop.h"
#include "etude/world_arm.h"
#include "etude/yaml.h"
#include "record/record__operator_input.h"

struct et__follower;

struct et__follower_robot {
    const char *name; // for messages
    struct et_world_arms *arms;
    size_t n_joints;
    const double *lower, *upper; // n_joints
    const double *speed_max;     // the same, NAN where it is not known; NULL: of none
    bool has_clearance;          // its arms are kept from touching it and each other
};

/* The arms are the follower's from now on, also when it fails; all else is copied. ET_ENOMEM;
 * ET_ELIMIT: more joints than can be led. */
ET_MUST_USE enum et_status et__follower_open(struct et__follower **follower,
                                             const struct et__follower_robot *robot,
                                             const struct et_teleop_options *options,
                                             struct et_err *err);
/* Of the robot of a world that was reset, which must outlive it. Its arms are kept from touching
 * only where options.clearance_m is given: shapes of virtual robots overlap where its trainers go.
 */
ET_MUST_USE enum et_status et__follower_open_world(struct et__follower **follower,
                                                   const struct et_world *world,
                                                   const struct et_teleop_options *options,
                                                   struct et_err *err);
void et__follower_close(struct et__follower *follower); // NULL is allowed

/* Who leads it from now on; copied. Without it, any headset. */
void et__follower_lead(struct et__follower *follower, const struct et__operator_how *how);

void et__follower_begin(struct et__follower *follower, const double *joints);
/* Where joints stand that nobody leads (et_world_arms_others). */
void et__follower_others(struct et__follower *follower, const double *others);
/* A sample of any feed. true: it was the operator's, and joints (n_joints) are where they shall be
 * now. */
bool et__follower_hear(struct et__follower *follower, const struct et_feed_stream *stream,
                       const struct et_feed_sample *sample, double *joints);
/* The same by time alone, before each step; takes in what the wrists of a world's robot feel (NULL:
 * of another robot, whose wrists tell nothing). */
void et__follower_step(struct et__follower *follower, const struct et_world_state *state,
                       double *joints);
void et__follower_stop(struct et__follower *follower, bool is_stopped);
struct et_teleop_status et__follower_status(const struct et__follower *follower);
bool et__follower_is_following(const struct et__follower *follower);

/* ---- the settings `teleop` of a source that follows (follower_settings.c) ---- */

extern const struct et_schema et__follower_settings;
struct et_teleop_options et__follower_options(const struct et_value *settings); // NULL: as usual

#endif

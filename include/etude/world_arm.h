/* World arm: where a robot's hands are for its joints, and the joints that bring one to a pose.
 *
 * Kinematics alone, on a copy of the model: what a teleoperator or a policy of hand poses needs
 * beside a world that goes on. Poses are of the point between the fingers, in the frame of the
 * robot's base (x forward, y left, z up, m).
 *
 * Threads: arms belong to one thread, which need not be the world's once they are open; the world
 *          must outlive them.
 * Memory:  a handle: MuJoCo's data of the model. */
#ifndef ETUDE_WORLD_ARM_H
#define ETUDE_WORLD_ARM_H

#include "etude/pose.h"
#include "etude/world.h"

struct et_world_arms;

enum et_side { ET_LEFT, ET_RIGHT };

/* Of a world that was reset. ET_ENOMEM; ET_EUNSUPPORTED: built without MuJoCo. */
ET_MUST_USE ET_API enum et_status
et_world_arms_open(struct et_world_arms **arms, const struct et_world *world, struct et_err *err);
ET_API void et_world_arms_close(struct et_world_arms *arms); // NULL is allowed

/* Which of the world's joints are an arm's, and its hand's. */
struct et_world_arm {
    size_t first_joint, n_joints;
    size_t i_hand;           // opening, m
    double open_m, closed_m; // of the hand
};
ET_API struct et_world_arm et_world_arm(const struct et_world_arms *arms, enum et_side side);

/* Where a hand is when all joints stand at `joints` (the world's n_joints). */
ET_API struct et_pose et_world_arm_pose(struct et_world_arms *arms, const double *joints,
                                        enum et_side side);

/* Moves one arm's values in `joints` towards the goal by n_steps of damped least squares (Nakamura
 * and Hanafusa 1986), within its limits; a step takes on at most 5 cm. Returns how far it still is,
 * m and rad. */
struct et_world_arm_rest {
    double m, rad;
};
ET_API struct et_world_arm_rest et_world_arm_solve(struct et_world_arms *arms, double *joints,
                                                   enum et_side side, const struct et_pose *goal,
                                                   int n_steps);

#endif

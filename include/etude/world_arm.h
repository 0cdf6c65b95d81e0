/* World arm: where a robot's hands are for its joints, and the joints that bring one to a pose.
 *
 * Kinematics alone, on a copy of a model: what a teleoperator or a policy of hand poses needs
 * beside a world that goes on, or beside a robot that is no model at all. Poses are of the point
 * between the fingers, in the frame of the robot's base (x forward, y left, z up, m).
 *
 * Threads: arms belong to one thread, which need not be the world's once they are open; the world
 *          must outlive them.
 * Memory:  a handle: MuJoCo's data of the model, twice. */
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

/* Of a robot of the virtual centre that stands in no world: an id, a path, or the id of the profile
 * that reads its recordings. Errors as et_world_open. */
ET_MUST_USE ET_API enum et_status et_world_arms_open_robot(struct et_world_arms **arms,
                                                           const char *robot, struct et_err *err);

/* The joints of all arrays, in canonical order; the arms'. */
ET_API const struct et_world_joint *et_world_arms_joints(const struct et_world_arms *arms,
                                                         size_t *n_joints);

/* The id of the robot; of a model's file NULL. */
ET_API const char *et_world_arms_robot(const struct et_world_arms *arms);

/* ---- of a robot that is no world's ---- */

/* A joint of the model is found by either name, as it is or with "_joint" behind. */
struct et_world_arms_joint {
    const char *name, *maker; // maker may be NULL
    double lower, upper;
};

struct et_world_arms_hand {
    size_t first_joint, n_joints; // of the arm, in `joints`; 0: there is no such arm
    size_t i_hand;                // in `joints`; SIZE_MAX: the hand has no opening
    double open, closed;          // of that joint
    const char *body;             // that carries the point; NULL: the arm's last
    struct et_vec3 point;         // on that body, m: where a hand grips
};

/* What the arms of a model are. The joints of `joints` are those of all arrays; `others` move, too,
 * and nobody asks them to (legs, a waist that balances); those that the model lacks are passed
 * over. */
struct et_world_arms_model {
    const char *path; // MJCF, whose shapes count for the clearance, or URDF, without shapes
    const struct et_world_arms_joint *joints, *others;
    size_t n_joints, n_others;
    struct et_world_arms_hand hands[2]; // left, right
    const char *base;                   // body; NULL: the one that carries the arms
};

/* Of a model's file. ET_ENOTFOUND: no such file, or it lacks one of `joints` or a body; the text
 * names it. ET_ECORRUPT: no model; the text has the path. ET_ELIMIT: an arm of more than 8 joints.
 * ET_EARG: no arm at all. ET_ENOMEM; ET_EUNSUPPORTED: built without MuJoCo. */
ET_MUST_USE ET_API enum et_status et_world_arms_open_model(struct et_world_arms **arms,
                                                           const struct et_world_arms_model *model,
                                                           struct et_err *err);

/* Where the others stand from now on: n_others, NAN: as before. */
ET_API void et_world_arms_others(struct et_world_arms *arms, const double *others);

/* ---- arms ---- */

/* Which of the joints are an arm's, and its hand's. */
struct et_world_arm {
    size_t first_joint, n_joints;
    size_t i_hand;           // opening, m; SIZE_MAX: none
    double open_m, closed_m; // of the hand
};
ET_API struct et_world_arm et_world_arm(const struct et_world_arms *arms, enum et_side side);

/* Where a hand is when all joints stand at `joints` (n_joints); of an arm that there is not, the
 * base. */
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

/* The least distance between an arm, its hand with it, and the other arm or the rest of the robot
 * when all joints stand at `joints`, m; below 0 they are in each other. More than
 * ET_WORLD_ARM_CLEARANCE_MAX_M is told as that much: what is far costs nothing. Left out are bodies
 * that are less than three apart, and those whose shapes touch with all joints at 0, or where a
 * world's robot is home: they are built so. INFINITY: the model has no shapes. */
#define ET_WORLD_ARM_CLEARANCE_MAX_M 0.12
ET_API double et_world_arm_clearance(struct et_world_arms *arms, const double *joints);

#endif

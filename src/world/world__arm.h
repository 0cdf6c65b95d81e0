/* The inside of a robot's arms: what arm.c, arm_model.c and clearance.c share. */
#ifndef WORLD__ARM_H
#define WORLD__ARM_H

#include "etude/world_arm.h"
#include "robot/robot_model.h"
#include "world/world__trainer.h"

/* A copy of the model in which the arms' shapes, and only theirs, meet the others. */
struct et__clearance {
    mjModel *model;
    mjData *data;
    unsigned char *is_left_out; // nbody × nbody
    signed char *sides; // nbody: 0 left, 1 right, 2 the rest of the robot, −1 none of these
    bool has_shapes;
};

struct et_world_arms {
    struct et__reach reach;
    struct et__clearance clearance;
    // Of a model's file, which has no world: as much of one as kinematics needs.
    struct et_arena *arena; // NULL: the world is the caller's
    struct et__robot_model file;
    struct et_world own;
    struct et__robot robot;
    int *others; // their places in qpos
    size_t n_others;
};

/* Scratch and Jacobian for the world that the reach is of. */
ET_MUST_USE enum et_status et__arms_make(struct et_world_arms *arms, struct et_err *err);

/* From where the scratch stands. */
ET_MUST_USE enum et_status et__clearance_open(struct et_world_arms *arms, struct et_err *err);
void et__clearance_close(struct et__clearance *clearance);

#endif

#include "record/record__follower.h"

#include "etude/clock.h"
#include "etude/world_arm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SOLVER_STEPS 6

struct et__follower {
    struct et_world_arms *arms;
    struct et_teleop *teleop;
    struct et__operator_input lead;
    double lower[ET_TELEOP_JOINTS_MAX], upper[ET_TELEOP_JOINTS_MAX];
    double speed_max[ET_TELEOP_JOINTS_MAX];
};

/* ---- the robot ---- */

static struct et_pose pose(void *ctx, const double *joints, size_t i_hand)
{
    struct et__follower *f = ctx;
    return et_world_arm_pose(f->arms, joints, (enum et_side)i_hand);
}

static double solve(void *ctx, double *joints, size_t i_hand, const struct et_pose *goal)
{
    struct et__follower *f = ctx;
    return et_world_arm_solve(f->arms, joints, (enum et_side)i_hand, goal, SOLVER_STEPS).m;
}

static double clearance(void *ctx, const double *joints)
{
    struct et__follower *f = ctx;
    return et_world_arm_clearance(f->arms, joints);
}

static struct et_teleop_robot describe(struct et__follower *f,
                                       const struct et__follower_robot *about)
{
    struct et_teleop_robot robot = {.n_joints = about->n_joints,
                                    .lower = f->lower,
                                    .upper = f->upper,
                                    .speed_max = about->speed_max ? f->speed_max : NULL,
                                    .pose = pose,
                                    .solve = solve,
                                    .clearance = about->has_clearance ? clearance : NULL,
                                    .ctx = f};
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        const struct et_world_arm arm = et_world_arm(f->arms, (enum et_side)i);
        robot.arms[i] = (struct et_teleop_arm){arm.first_joint, arm.n_joints, arm.i_hand,
                                               arm.open_m, arm.closed_m};
    }
    return robot;
}

enum et_status et__follower_open(struct et__follower **follower,
                                 const struct et__follower_robot *robot,
                                 const struct et_teleop_options *options, struct et_err *err)
{
    *follower = NULL;
    struct et__follower *f = calloc(1, sizeof *f);
    enum et_status st =
        f ? ET_OK : et_fail(err, ET_ENOMEM, -1, "no memory for a robot that follows");
    if (st == ET_OK && robot->n_joints > ET_TELEOP_JOINTS_MAX)
        st = et_fail(err, ET_ELIMIT, -1, "%s has %zu joints: more than %d cannot be led",
                     robot->name, robot->n_joints, ET_TELEOP_JOINTS_MAX);
    if (st != ET_OK) {
        et_world_arms_close(robot->arms);
        free(f);
        return st;
    }
    const size_t n_bytes = robot->n_joints * sizeof *robot->lower;
    f->arms = robot->arms;
    memcpy(f->lower, robot->lower, n_bytes);
    memcpy(f->upper, robot->upper, n_bytes);
    if (robot->speed_max)
        memcpy(f->speed_max, robot->speed_max, n_bytes);
    const struct et_teleop_robot about = describe(f, robot);
    st = et_teleop_open(&f->teleop, &about, options, err);
    if (st != ET_OK)
        et__follower_close(f);
    else
        *follower = f;
    return st;
}

enum et_status et__follower_open_world(struct et__follower **follower, const struct et_world *world,
                                       const struct et_teleop_options *options, struct et_err *err)
{
    double lower[ET_TELEOP_JOINTS_MAX], upper[ET_TELEOP_JOINTS_MAX];
    struct et__follower_robot robot = {.name = et_world_robot(world),
                                       .lower = lower,
                                       .upper = upper,
                                       .has_clearance = options && options->clearance_m > 0};
    *follower = NULL;
    const struct et_world_joint *joints = et_world_joints(world, &robot.n_joints);
    for (size_t i = 0; i < robot.n_joints && i < ET_TELEOP_JOINTS_MAX; i++) {
        lower[i] = joints[i].lower;
        upper[i] = joints[i].upper;
    }
    const enum et_status st = et_world_arms_open(&robot.arms, world, err);
    return st == ET_OK ? et__follower_open(follower, &robot, options, err) : st;
}

void et__follower_close(struct et__follower *f)
{
    if (!f)
        return;
    et_teleop_close(f->teleop);
    et_world_arms_close(f->arms);
    free(f);
}

void et__follower_begin(struct et__follower *f, const double *joints)
{
    et_teleop_begin(f->teleop, joints);
}

void et__follower_others(struct et__follower *f, const double *others)
{
    et_world_arms_others(f->arms, others);
}

/* ---- the operator ---- */

void et__follower_lead(struct et__follower *f, const struct et__operator_how *how)
{
    f->lead = (struct et__operator_input){.how = *how};
}

bool et__follower_hear(struct et__follower *f, const struct et_feed_stream *stream,
                       const struct et_feed_sample *sample, double *joints)
{
    struct et_teleop_input input;
    if (!et__operator_hear(&f->lead, stream, sample, &input))
        return false;
    et_teleop_input(f->teleop, &input);
    et_teleop_step(f->teleop, et_clock_monotonic_ns(), joints);
    return true;
}

void et__follower_step(struct et__follower *f, const struct et_world_state *state, double *joints)
{
    double force_n[ET_TELEOP_HANDS];
    for (size_t i = 0; state && i < ET_TELEOP_HANDS; i++) {
        const double *w = state->wrench + (ET_WORLD_TICKS - 1) * ET_WORLD_WRENCH_VALUES +
                          i * (ET_WORLD_WRENCH_VALUES / ET_TELEOP_HANDS);
        force_n[i] = sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]);
    }
    if (state)
        et_teleop_force(f->teleop, force_n);
    et_teleop_step(f->teleop, et_clock_monotonic_ns(), joints);
}

void et__follower_stop(struct et__follower *f, bool is_stopped)
{
    if (is_stopped)
        et_teleop_stop(f->teleop);
    else
        et_teleop_reset(f->teleop);
}

struct et_teleop_status et__follower_status(const struct et__follower *f)
{
    return et_teleop_status(f->teleop);
}

bool et__follower_is_following(const struct et__follower *f)
{
    return et_teleop_is_following(f->teleop);
}

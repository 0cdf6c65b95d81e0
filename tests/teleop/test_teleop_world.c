// The virtual robot's hands follow a person's, and the loop is fast.
#include "etude/clock.h"
#include "etude/teleop.h"
#include "etude/world_arm.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

static struct et_err err;

struct robot {
    struct et_world *world;
    struct et_world_arms *arms;
    double *lower, *upper, *joints;
    struct et_teleop_robot about;
};

static struct et_pose pose(void *ctx, const double *joints, size_t i_hand)
{
    struct robot *r = ctx;
    return et_world_arm_pose(r->arms, joints, (enum et_side)i_hand);
}

static double solve(void *ctx, double *joints, size_t i_hand, const struct et_pose *goal)
{
    struct robot *r = ctx;
    return et_world_arm_solve(r->arms, joints, (enum et_side)i_hand, goal, 4).m;
}

static void open_robot(struct robot *r, const char *id)
{
    size_t n;
    CHECK_OK(et_world_open(&r->world,
                           &(struct et_world_options){.skill = "press_button", .robot = id}, &err));
    CHECK_OK(et_world_reset(r->world, 1, ET_TIER_CONTROLLED, &err));
    CHECK_OK(et_world_arms_open(&r->arms, r->world, &err));
    const struct et_world_joint *joints = et_world_joints(r->world, &n);
    r->lower = calloc(n, sizeof(double));
    r->upper = calloc(n, sizeof(double));
    r->joints = calloc(n, sizeof(double));
    for (size_t i = 0; i < n; i++) {
        r->lower[i] = joints[i].lower;
        r->upper[i] = joints[i].upper;
        r->joints[i] = joints[i].home;
    }
    r->about = (struct et_teleop_robot){.n_joints = n,
                                        .lower = r->lower,
                                        .upper = r->upper,
                                        .pose = pose,
                                        .solve = solve,
                                        .ctx = r};
    for (size_t i = 0; i < 2; i++) {
        const struct et_world_arm arm = et_world_arm(r->arms, (enum et_side)i);
        r->about.arms[i] = (struct et_teleop_arm){arm.first_joint, arm.n_joints, arm.i_hand,
                                                  arm.open_m, arm.closed_m};
    }
}

static void close_robot(struct robot *r)
{
    et_world_arms_close(r->arms);
    et_world_close(r->world);
    free(r->lower);
    free(r->upper);
    free(r->joints);
}

static void solving_brings_a_hand_to_its_goal(void)
{
    static const char *const ROBOTS[] = {"etude-one", "etude-two", "h1-2"};
    for (size_t k = 0; k < 3; k++) {
        struct robot r = {0};
        open_robot(&r, ROBOTS[k]);
        for (int side = 0; side < 2; side++) {
            struct et_pose goal = et_world_arm_pose(r.arms, r.joints, (enum et_side)side);
            CHECK(fabs(goal.position.z) < 3 && goal.position.x > -1);
            goal.position.x += 0.05;
            goal.position.z += 0.04;
            const struct et_world_arm_rest rest =
                et_world_arm_solve(r.arms, r.joints, (enum et_side)side, &goal, 60);
            CHECK(rest.m < 0.002 && rest.rad < 0.02);
            const struct et_pose there = et_world_arm_pose(r.arms, r.joints, (enum et_side)side);
            CHECK_NEAR(there.position.x, goal.position.x, 0.002);
            CHECK_NEAR(there.position.z, goal.position.z, 0.002);
        }
        close_robot(&r);
    }
    et_world_arms_close(NULL);
}

static void the_virtual_robot_follows_a_hand(void)
{
    struct robot r = {0};
    struct et_teleop *teleop;
    open_robot(&r, "etude-one");
    CHECK_OK(et_teleop_open(&teleop, &r.about, NULL, &err));
    et_teleop_begin(teleop, r.joints);
    const struct et_pose from = et_world_arm_pose(r.arms, r.joints, ET_RIGHT);
    struct et_teleop_input input = {0};
    input.hands[1] =
        (struct et_teleop_hand){.is_tracked = true, .pose = {{0.4, -0.2, 1.1}, {0, 0, 0, 1}}};
    int64_t t_ns = et_clock_monotonic_ns(), spent_ns = 0;
    for (int i = 0; i < 300; i++) {
        t_ns += 10000000;
        input.t_arrival_ns = t_ns;
        input.hands[1].is_clutched = i > 0;
        if (i > 1 && i < 101)
            input.hands[1].pose.position.x += 0.001;
        const int64_t cpu_ns = et_clock_thread_cpu_ns();
        et_teleop_input(teleop, &input);
        et_teleop_step(teleop, t_ns, r.joints);
        spent_ns += et_clock_thread_cpu_ns() - cpu_ns;
        CHECK_OK(et_world_step(r.world, r.joints, &err));
    }
    const struct et_pose to = et_world_arm_pose(r.arms, r.joints, ET_RIGHT);
    CHECK_NEAR(to.position.x - from.position.x, 0.1, 0.005);
    CHECK_NEAR(to.position.y - from.position.y, 0, 0.005);
    CHECK_NEAR(et_quat_angle_rad(from.rotation, to.rotation), 0, 0.05);
    // And the body with it: what the sensors say.
    const struct et_world_state *state = et_world_observe(r.world);
    const struct et_pose body = et_world_arm_pose(
        r.arms, state->position + (ET_WORLD_TICKS - 1) * state->n_joints, ET_RIGHT);
    CHECK_NEAR(body.position.x, to.position.x, 0.02);
    printf("# %.0f us of CPU a step\n", (double)spent_ns / 300 / 1e3);
    et_teleop_close(teleop);
    close_robot(&r);
}

int main(void)
{
    RUN(solving_brings_a_hand_to_its_goal);
    RUN(the_virtual_robot_follows_a_hand);
    return tap_end();
}

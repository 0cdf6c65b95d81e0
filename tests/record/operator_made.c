#include "operator_made.h"

#include "etude/trainer.h"
#include "etude/world_arm.h"
#include "tap.h"

#include <stdlib.h>

static const struct et_pose LEFT = {{0.35, 0.2, 1.2}, {0, 0, 0, 1}};
static const struct et_pose RIGHT = {{0.35, -0.2, 1.2}, {0, 0, 0, 1}};

// The person's hand moves as the robot's did, from where it began.
static struct et_pose moved(const struct et_pose *hand, const struct et_pose *from,
                            const struct et_pose *to)
{
    const struct et_quat turned = et_quat_mul(to->rotation, et_quat_conj(from->rotation));
    return (struct et_pose){et_vec3_add(hand->position, et_vec3_sub(to->position, from->position)),
                            et_quat_normal(et_quat_mul(turned, hand->rotation))};
}

static double grip_of(const struct et_world_arm *arm, const double *joints)
{
    return (arm->open_m - joints[arm->i_hand]) / (arm->open_m - arm->closed_m);
}

size_t operator_made(const char *skill, uint64_t seed, struct made_step *steps)
{
    struct et_world *world;
    struct et_trainer *trainer;
    struct et_world_arms *arms;
    struct et_pose from[2];
    struct et_err err = {0};
    size_t n = 0, n_joints;
    const struct et_pose hands[2] = {LEFT, RIGHT};
    CHECK_OK(et_world_open(&world, &(struct et_world_options){.skill = skill}, &err));
    CHECK_OK(et_world_reset(world, seed, ET_TIER_CONTROLLED, &err));
    CHECK_OK(et_world_arms_open(&arms, world, &err));
    CHECK_OK(et_trainer_open(&trainer, world, NULL, &err));
    CHECK_OK(et_trainer_begin(trainer, seed, &err));
    (void)et_world_joints(world, &n_joints);
    double *action = calloc(n_joints, sizeof *action);
    const struct et_world_state *state = et_world_observe(world);
    for (int side = 0; side < 2; side++)
        from[side] = et_world_arm_pose(arms, state->command + (ET_WORLD_TICKS - 1) * n_joints,
                                       (enum et_side)side);
    while (n < MADE_STEPS_MAX && et_trainer_act(trainer, action, &err) == ET_OK) {
        for (int side = 0; side < 2; side++) {
            const struct et_world_arm arm = et_world_arm(arms, (enum et_side)side);
            const struct et_pose to = et_world_arm_pose(arms, action, (enum et_side)side);
            steps[n].hands[side] = moved(&hands[side], &from[side], &to);
            steps[n].grip[side] = grip_of(&arm, action);
        }
        n++;
        CHECK_OK(et_world_step(world, action, &err));
    }
    const bool is_done = et_world_success(world, NULL);
    free(action);
    et_trainer_close(trainer);
    et_world_arms_close(arms);
    et_world_close(world);
    return is_done ? n : 0;
}

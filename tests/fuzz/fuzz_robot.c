// A robot.yaml that anybody may have written. What was read is within its limits and whole.
#include "world/world__robot.h"

#include <math.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void insist(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_joints(const struct et__robot *robot)
{
    unsigned char seen[ET__JOINTS_MAX] = {0};
    insist(robot->n_joints > 0 && robot->n_joints <= ET__JOINTS_MAX);
    for (size_t i = 0; i < robot->n_joints; i++) {
        const struct et__robot_joint *j = &robot->joints[i];
        insist(j->name[0] && j->maker[0] && j->joint[0] && j->actuator[0]);
        insist(isfinite(j->home) && isfinite(1 / j->maker_scale));
        insist(i == 0 || robot->joints[i - 1].part <= j->part);
        insist(j->maker_index < robot->n_joints && !seen[j->maker_index]++);
    }
}

static void check_hand(const struct et__robot *robot, const struct et__robot_hand *hand)
{
    insist(hand->tcp && hand->body && hand->fingers[0] && hand->fingers[1]);
    insist(hand->n_joints > 0 && hand->n_joints <= ET__ARM_JOINTS_MAX);
    insist(hand->first_joint + hand->n_joints <= robot->n_joints);
    insist(hand->i_hand < robot->n_joints);
    insist(hand->open_m > 0 && hand->close_m <= 0 && isfinite(1 / hand->actuator_scale));
    insist(!hand->pressure[0] || (hand->pressure[7] && hand->field_m2 > 0));
}

static void check_robot(const struct et__robot *robot)
{
    insist(robot->text && robot->profile && robot->base && robot->trunk);
    check_joints(robot);
    check_hand(robot, &robot->hands[0]);
    check_hand(robot, &robot->hands[1]);
    for (size_t i = 0; i < robot->n_postures; i++)
        insist(robot->postures[i].i_joint < robot->n_joints &&
               isfinite(1 / robot->postures[i].scale));
    for (size_t i = 0; i < robot->n_cameras; i++)
        insist(robot->cameras[i].place[0] && robot->cameras[i].camera[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et_arena *arena = NULL;
    struct et__robot robot = {0};
    struct et_err err = {0};
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return 0;
    const struct et_str text = {(const char *)data, n};
    if (et__robot_parse("robot.yaml", text, arena, &robot, &err) == ET_OK)
        check_robot(&robot);
    else
        insist(err.text[0] != 0);
    et_arena_close(arena);
    return 0;
}

#include "etude/world_arm.h"

#include "world/world__trainer.h"

#include <stdlib.h>

struct et_world_arms {
    struct et__reach reach;
    double *joints; // that the copy stands at
};

enum et_status et_world_arms_open(struct et_world_arms **arms, const struct et_world *world,
                                  struct et_err *err)
{
    *arms = NULL;
    struct et_world_arms *a = calloc(1, sizeof *a);
    if (!a)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a robot's arms");
    a->reach.world = world;
    a->reach.scratch = mj_makeData(world->model);
    a->reach.jacobian = calloc(6 * (size_t)world->model->nv + 1, sizeof(double));
    if (!a->reach.scratch || !a->reach.jacobian) {
        et_world_arms_close(a);
        return et_fail(err, ET_ENOMEM, -1, "no memory for a robot's arms");
    }
    mju_copy(a->reach.scratch->qpos, world->data->qpos, world->model->nq);
    *arms = a;
    return ET_OK;
}

void et_world_arms_close(struct et_world_arms *arms)
{
    if (!arms)
        return;
    mj_deleteData(arms->reach.scratch);
    free(arms->reach.jacobian);
    free(arms);
}

struct et_world_arm et_world_arm(const struct et_world_arms *arms, enum et_side side)
{
    const struct et_world *w = arms->reach.world;
    const struct et__robot_hand *hand = &w->robot->hands[side];
    return (struct et_world_arm){.first_joint = hand->first_joint,
                                 .n_joints = w->hands[side].n_joints,
                                 .i_hand = hand->i_hand,
                                 .open_m = hand->open_m,
                                 .closed_m = hand->close_m};
}

// All joints but the fingers', which carry nothing.
static void place(struct et_world_arms *arms, const double *joints)
{
    const struct et_world *w = arms->reach.world;
    for (size_t i = 0; i < w->robot->n_joints; i++)
        if (i != w->robot->hands[ET_LEFT].i_hand && i != w->robot->hands[ET_RIGHT].i_hand)
            arms->reach.scratch->qpos[w->joint_ids[i].qpos] = joints[i];
    et__reach_forward(&arms->reach);
}

static struct et_pose base_pose(const struct et_world_arms *arms)
{
    return et__body_pose(arms->reach.scratch, arms->reach.world->base);
}

struct et_pose et_world_arm_pose(struct et_world_arms *arms, const double *joints,
                                 enum et_side side)
{
    place(arms, joints);
    return et_pose_mul(et_pose_inverse(base_pose(arms)),
                       et__reach_tcp(&arms->reach, (enum et__side)side));
}

struct et_world_arm_rest et_world_arm_solve(struct et_world_arms *arms, double *joints,
                                            enum et_side side, const struct et_pose *goal,
                                            int n_steps)
{
    place(arms, joints);
    const struct et_pose in_room = et_pose_mul(base_pose(arms), *goal);
    double *q = joints + arms->reach.world->robot->hands[side].first_joint;
    et__reach_solve(&arms->reach, (enum et__side)side, q, &in_room, n_steps, q, 0);
    return (struct et_world_arm_rest){arms->reach.residual_m, arms->reach.residual_rad};
}

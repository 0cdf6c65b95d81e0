#include "world/world__arm.h"

#include <stdlib.h>

enum et_status et__arms_make(struct et_world_arms *a, struct et_err *err)
{
    const mjModel *m = a->reach.world->model;
    a->reach.scratch = mj_makeData(m);
    a->reach.jacobian = calloc(6 * (size_t)m->nv + 1, sizeof(double));
    return a->reach.scratch && a->reach.jacobian
               ? ET_OK
               : et_fail(err, ET_ENOMEM, -1, "no memory for a robot's arms");
}

enum et_status et_world_arms_open(struct et_world_arms **arms, const struct et_world *world,
                                  struct et_err *err)
{
    *arms = NULL;
    struct et_world_arms *a = calloc(1, sizeof *a);
    if (!a)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a robot's arms");
    a->reach.world = world;
    enum et_status st = et__arms_make(a, err);
    if (st == ET_OK) {
        mju_copy(a->reach.scratch->qpos, world->data->qpos, world->model->nq);
        st = et__clearance_open(a, err);
    }
    if (st != ET_OK)
        et_world_arms_close(a);
    else
        *arms = a;
    return st;
}

void et_world_arms_close(struct et_world_arms *arms)
{
    if (!arms)
        return;
    et__clearance_close(&arms->clearance);
    mj_deleteData(arms->reach.scratch);
    free(arms->reach.jacobian);
    mj_deleteModel(arms->file.model);
    et_arena_close(arms->arena);
    free(arms);
}

const struct et_world_joint *et_world_arms_joints(const struct et_world_arms *arms,
                                                  size_t *n_joints)
{
    *n_joints = arms->reach.world->robot->n_joints;
    return arms->reach.world->joints;
}

const char *et_world_arms_robot(const struct et_world_arms *arms)
{
    return arms->reach.world->robot->id;
}

static size_t n_arm_joints(const struct et_world_arms *arms, enum et_side side)
{
    return arms->reach.world->hands[side].n_joints;
}

struct et_world_arm et_world_arm(const struct et_world_arms *arms, enum et_side side)
{
    const struct et_world *w = arms->reach.world;
    const struct et__robot_hand *hand = &w->robot->hands[side];
    return (struct et_world_arm){.first_joint = hand->first_joint,
                                 .n_joints = n_arm_joints(arms, side),
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
    if (n_arm_joints(arms, side) == 0)
        return (struct et_pose){{0, 0, 0}, {0, 0, 0, 1}};
    place(arms, joints);
    return et_pose_mul(et_pose_inverse(base_pose(arms)),
                       et__reach_tcp(&arms->reach, (enum et__side)side));
}

struct et_world_arm_rest et_world_arm_solve(struct et_world_arms *arms, double *joints,
                                            enum et_side side, const struct et_pose *goal,
                                            int n_steps)
{
    if (n_arm_joints(arms, side) == 0)
        return (struct et_world_arm_rest){0, 0};
    place(arms, joints);
    const struct et_pose in_room = et_pose_mul(base_pose(arms), *goal);
    double *q = joints + arms->reach.world->robot->hands[side].first_joint;
    et__reach_solve(&arms->reach, (enum et__side)side, q, &in_room, n_steps, q, 0);
    return (struct et_world_arm_rest){arms->reach.residual_m, arms->reach.residual_rad};
}

void et_world_arms_others(struct et_world_arms *arms, const double *others)
{
    for (size_t i = 0; i < arms->n_others; i++)
        if (arms->others[i] >= 0 && !mju_isBad(others[i]))
            arms->reach.scratch->qpos[arms->others[i]] = others[i];
}

/* Arms of a model's file: as much of a world as kinematics needs, made from names. */
#include "world/world__arm.h"

#include "etude/share.h"
#include "robot/mujoco_guard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)256 << 20)
#define NAME_BYTES 300

struct opening {
    struct et_world_arms *arms;
    const struct et_world_arms_model *about;
    struct et_err *err;
};

/* ---- names ---- */

static int find_either(const struct et__robot_model *file, const char *name)
{
    char longer[NAME_BYTES];
    if (!name)
        return -1;
    const int joint = et__robot_model_joint(file, name);
    if (joint >= 0)
        return joint;
    (void)snprintf(longer, sizeof longer, "%s_joint", name);
    return et__robot_model_joint(file, longer);
}

static enum et_status find_joint(const struct opening *o, const struct et_world_arms_joint *about,
                                 int *id)
{
    const mjModel *m = o->arms->file.model;
    *id = find_either(&o->arms->file, about->name);
    if (*id < 0)
        *id = find_either(&o->arms->file, about->maker);
    if (*id < 0)
        return et_fail(o->err, ET_ENOTFOUND, -1, "%.150s: no joint \"%.60s\"%s%.60s",
                       o->about->path, about->name, about->maker ? ", nor " : "",
                       about->maker ? about->maker : "");
    const int type = m->jnt_type[*id];
    if (type == mjJNT_HINGE || type == mjJNT_SLIDE)
        return ET_OK;
    *id = -1;
    return et_fail(o->err, ET_ENOTFOUND, -1,
                   "%.150s: joint \"%.60s\" is neither a hinge nor a slide", o->about->path,
                   about->name);
}

static enum et_status find_body(const struct opening *o, const char *name, int *body)
{
    *body = et__robot_model_body(&o->arms->file, name);
    return *body >= 0 ? ET_OK
                      : et_fail(o->err, ET_ENOTFOUND, -1, "%.150s: no body \"%.60s\"",
                                o->about->path, name);
}

/* ---- joints ---- */

static enum et_status take_joints(const struct opening *o)
{
    struct et_world *w = &o->arms->own;
    const size_t n = o->about->n_joints;
    w->joints = et_arena_array(o->arms->arena, n + 1, sizeof *w->joints);
    w->joint_ids = et_arena_array(o->arms->arena, n + 1, sizeof *w->joint_ids);
    o->arms->others =
        et_arena_array(o->arms->arena, o->about->n_others + 1, sizeof *o->arms->others);
    if (!w->joints || !w->joint_ids || !o->arms->others)
        return et_arena_fail(o->arms->arena, "a robot's joints", o->err);
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        const struct et_world_arms_joint *about = &o->about->joints[i];
        int id;
        st = find_joint(o, about, &id);
        if (st != ET_OK)
            break;
        w->joints[i] = (struct et_world_joint){
            .name = about->name, .lower = about->lower, .upper = about->upper};
        w->joint_ids[i] = (struct et__joint_ids){.joint = id,
                                                 .qpos = w->model->jnt_qposadr[id],
                                                 .dof = w->model->jnt_dofadr[id],
                                                 .actuator = -1,
                                                 .scale = 1};
    }
    for (size_t i = 0; i < o->about->n_others && st == ET_OK; i++) {
        int id = -1;
        (void)find_joint(&(struct opening){.arms = o->arms, .about = o->about},
                         &o->about->others[i], &id);
        o->arms->others[o->arms->n_others++] = id < 0 ? -1 : w->model->jnt_qposadr[id];
    }
    return st;
}

/* ---- arms ---- */

static enum et_status take_hand(const struct opening *o, enum et_side side)
{
    struct et_world *w = &o->arms->own;
    const struct et_world_arms_hand *about = &o->about->hands[side];
    struct et__hand_ids *ids = &w->hands[side];
    o->arms->robot.hands[side] = (struct et__robot_hand){.first_joint = about->first_joint,
                                                         .n_joints = about->n_joints,
                                                         .i_hand = about->i_hand,
                                                         .open_m = about->open,
                                                         .close_m = about->closed};
    *ids = (struct et__hand_ids){.tcp = -1, .n_joints = about->n_joints};
    if (about->n_joints == 0)
        return ET_OK;
    if (about->n_joints > ET__ARM_JOINTS_MAX)
        return et_fail(o->err, ET_ELIMIT, -1, "%.150s: an arm of %zu joints, %d at most",
                       o->about->path, about->n_joints, ET__ARM_JOINTS_MAX);
    for (size_t i = 0; i < about->n_joints; i++) {
        ids->qpos[i] = w->joint_ids[about->first_joint + i].qpos;
        ids->dof[i] = w->joint_ids[about->first_joint + i].dof;
    }
    ids->palm = w->model->dof_bodyid[ids->dof[about->n_joints - 1]];
    ids->point = about->point;
    return about->body ? find_body(o, about->body, &ids->palm) : ET_OK;
}

// What an arm hangs on.
static int carrier(const struct et_world *w, enum et_side side)
{
    return w->model->body_parentid[w->model->dof_bodyid[w->hands[side].dof[0]]];
}

static enum et_status take_base(const struct opening *o)
{
    struct et_world *w = &o->arms->own;
    const bool has_left = w->hands[ET_LEFT].n_joints > 0;
    const bool has_right = w->hands[ET_RIGHT].n_joints > 0;
    if (!has_left && !has_right)
        return et_fail(o->err, ET_EARG, -1, "%.150s: there is no arm to lead", o->about->path);
    if (o->about->base)
        return find_body(o, o->about->base, &w->base);
    w->base = carrier(w, has_left ? ET_LEFT : ET_RIGHT);
    const int other = has_right ? carrier(w, ET_RIGHT) : w->base;
    while (w->base > 0 && !et__hangs_on(w->model, other, w->base))
        w->base = w->model->body_parentid[w->base];
    return ET_OK;
}

struct start {
    struct et_world_arms *arms;
    struct et_err *err;
    enum et_status st;
};

static void make(void *ctx)
{
    struct start *s = ctx;
    s->st = et__arms_make(s->arms, s->err);
}

static enum et_status open_all(const struct opening *o)
{
    struct et_world_arms *a = o->arms;
    enum et_status st = et_arena_open(&a->arena, ARENA_BYTES, o->err);
    if (st == ET_OK)
        st = et__robot_model_load(o->about->path, a->arena, &a->file, o->err);
    if (st != ET_OK)
        return st;
    a->own.model = a->file.model;
    a->own.robot = &a->robot;
    a->robot.n_joints = o->about->n_joints;
    a->reach.world = &a->own;
    st = take_joints(o);
    if (st == ET_OK)
        st = take_hand(o, ET_LEFT);
    if (st == ET_OK)
        st = take_hand(o, ET_RIGHT);
    if (st == ET_OK)
        st = take_base(o);
    struct start start = {.arms = a, .err = o->err, .st = ET_OK};
    if (st == ET_OK)
        st = et__mujoco_guard(make, &start, o->err);
    if (st == ET_OK)
        st = start.st;
    return st == ET_OK ? et__clearance_open(a, o->err) : st;
}

enum et_status et_world_arms_open_model(struct et_world_arms **arms,
                                        const struct et_world_arms_model *model, struct et_err *err)
{
    *arms = NULL;
    struct et_world_arms *a = calloc(1, sizeof *a);
    if (!a)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a robot's arms");
    const struct opening o = {.arms = a, .about = model, .err = err};
    const enum et_status st = open_all(&o);
    if (st != ET_OK)
        et_world_arms_close(a);
    else
        *arms = a;
    return st;
}

/* ---- a robot of the virtual centre, without a world ---- */

static enum et_status open_robot(struct et_world_arms *a, const char *id, struct et_err *err)
{
    const struct et__robot *robot = NULL;
    enum et_status st = et_arena_open(&a->arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et__robot_load(id, a->arena, &robot, err);
    if (st != ET_OK)
        return st;
    a->own.arena = a->arena;
    a->own.robot = robot;
    a->reach.world = &a->own;
    st = et__load_robot_model(&a->own, err);
    a->file.model = a->own.model;
    if (st == ET_OK)
        st = et__bind_robot(&a->own, err);
    struct start start = {.arms = a, .err = err, .st = ET_OK};
    if (st == ET_OK)
        st = et__mujoco_guard(make, &start, err);
    if (st == ET_OK)
        st = start.st;
    for (size_t i = 0; st == ET_OK && i < robot->n_joints; i++)
        a->reach.scratch->qpos[a->own.joint_ids[i].qpos] =
            a->own.joint_ids[i].scale * robot->joints[i].home;
    return st == ET_OK ? et__clearance_open(a, err) : st;
}

enum et_status et_world_arms_open_robot(struct et_world_arms **arms, const char *robot,
                                        struct et_err *err)
{
    *arms = NULL;
    struct et_world_arms *a = calloc(1, sizeof *a);
    if (!a)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a robot's arms");
    const enum et_status st = open_robot(a, robot, err);
    if (st != ET_OK)
        et_world_arms_close(a);
    else
        *arms = a;
    return st;
}

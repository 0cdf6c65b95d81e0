/* How far arms are from what they must not meet, on a model of its own.
 *
 * MuJoCo of this version has no call for a distance. But shapes with a margin become contacts
 * before they touch, which tell how far they are; so the arms get one, and of all pairs only those
 * that matter are let through to the costly part. */
#include "world/world__arm.h"

#include "robot/mujoco_guard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONTACTS_MAX 1024
#define APART_MIN 3 // bodies that are nearer in the tree are neighbours

enum { LEFT, RIGHT, REST };

/* ---- who is who ---- */

static signed char side_of(const struct et_world *w, int body)
{
    for (signed char side = LEFT; side <= RIGHT; side++)
        if (w->hands[side].n_joints > 0 &&
            et__hangs_on(w->model, body, w->model->dof_bodyid[w->hands[side].dof[0]]))
            return side;
    return REST;
}

// Of a world only the robot; of a model's file all there is, with what it stands on.
static bool is_robots(const struct et_world_arms *arms, int body)
{
    const struct et_world *w = arms->reach.world;
    return arms->arena || w->model->body_rootid[body] == w->model->body_rootid[w->base];
}

// How many joints lie between two bodies; those that are fixed to each other are one.
static int apart(const mjModel *m, int a, int b)
{
    int n = 0;
    a = m->body_weldid[a];
    b = m->body_weldid[b];
    while (a != b) {
        int *const deeper = a > b ? &a : &b; // a child's number is above its parent's
        *deeper = m->body_weldid[m->body_parentid[*deeper]];
        n++;
    }
    return n;
}

// Who meets whom: arms each other and the rest, the rest nobody else.
static void let_meet(struct et_world_arms *arms)
{
    static const int TYPE[] = {1, 2, 4}, AFFINITY[] = {2 | 4, 4, 0};
    struct et__clearance *c = &arms->clearance;
    mjModel *m = c->model;
    for (int i = 0; i < m->ngeom; i++) {
        const signed char side = c->sides[m->geom_bodyid[i]];
        const bool is_solid = side >= 0 && (m->geom_contype[i] || m->geom_conaffinity[i]);
        m->geom_contype[i] = is_solid ? TYPE[side] : 0;
        m->geom_conaffinity[i] = is_solid ? AFFINITY[side] : 0;
        m->geom_margin[i] = is_solid && side < REST ? ET_WORLD_ARM_CLEARANCE_MAX_M : 0;
        m->geom_gap[i] = 0;
        c->has_shapes = c->has_shapes || (is_solid && side < REST);
    }
    m->opt.disableflags &= ~(mjDSBL_CONSTRAINT | mjDSBL_CONTACT | mjDSBL_FILTERPARENT);
    m->opt.enableflags &= ~mjENBL_OVERRIDE;
    m->opt.collision = mjCOL_DYNAMIC;
    m->nconmax = CONTACTS_MAX;
}

/* ---- looking ---- */

static double nearest(const struct et__clearance *c)
{
    const size_t n = (size_t)c->model->nbody;
    double least = ET_WORLD_ARM_CLEARANCE_MAX_M;
    for (int i = 0; i < c->data->ncon; i++) {
        const mjContact *contact = &c->data->contact[i];
        const size_t a = (size_t)c->model->geom_bodyid[contact->geom1];
        const size_t b = (size_t)c->model->geom_bodyid[contact->geom2];
        if (!c->is_left_out[a * n + b] && contact->dist < least)
            least = contact->dist;
    }
    return least;
}

static void look(void *ctx)
{
    struct et__clearance *c = ctx;
    mj_kinematics(c->model, c->data);
    mj_collision(c->model, c->data);
}

// What is built together, or touches as it stands now.
static enum et_status leave_out(struct et__clearance *c, struct et_err *err)
{
    const size_t n = (size_t)c->model->nbody;
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
            c->is_left_out[a * n + b] = apart(c->model, (int)a, (int)b) < APART_MIN;
    const enum et_status st = et__mujoco_guard(look, c, err);
    for (int i = 0; st == ET_OK && i < c->data->ncon; i++) {
        const mjContact *contact = &c->data->contact[i];
        const size_t a = (size_t)c->model->geom_bodyid[contact->geom1];
        const size_t b = (size_t)c->model->geom_bodyid[contact->geom2];
        if (contact->dist <= 0)
            c->is_left_out[a * n + b] = c->is_left_out[b * n + a] = 1;
    }
    return st;
}

static void copy_model(void *ctx)
{
    struct et_world_arms *arms = ctx;
    arms->clearance.model = mj_copyModel(NULL, arms->reach.world->model);
}

static void make_data(void *ctx)
{
    struct et__clearance *c = ctx;
    c->data = mj_makeData(c->model);
}

enum et_status et__clearance_open(struct et_world_arms *arms, struct et_err *err)
{
    struct et__clearance *c = &arms->clearance;
    const mjModel *m = arms->reach.world->model;
    const size_t n = (size_t)m->nbody;
    c->sides = calloc(n + 1, sizeof *c->sides);
    c->is_left_out = calloc(n * n + 1, sizeof *c->is_left_out);
    enum et_status st = et__mujoco_guard(copy_model, arms, err);
    if (st == ET_OK && (!c->sides || !c->is_left_out || !c->model))
        st = et_fail(err, ET_ENOMEM, -1, "no memory for a robot's shapes");
    if (st != ET_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        c->sides[i] =
            (signed char)(is_robots(arms, (int)i) ? side_of(arms->reach.world, (int)i) : -1);
    let_meet(arms);
    st = et__mujoco_guard(make_data, c, err);
    if (st == ET_OK && !c->data)
        st = et_fail(err, ET_ENOMEM, -1, "no memory for a robot's shapes");
    if (st != ET_OK)
        return st;
    mju_copy(c->data->qpos, arms->reach.scratch->qpos, m->nq);
    return leave_out(c, err);
}

void et__clearance_close(struct et__clearance *c)
{
    mj_deleteData(c->data);
    mj_deleteModel(c->model);
    free(c->is_left_out);
    free(c->sides);
    *c = (struct et__clearance){0};
}

double et_world_arm_clearance(struct et_world_arms *arms, const double *joints)
{
    struct et__clearance *c = &arms->clearance;
    const struct et_world *w = arms->reach.world;
    if (!c->has_shapes)
        return (double)INFINITY;
    // Where the others stand is in the copy for kinematics.
    mju_copy(c->data->qpos, arms->reach.scratch->qpos, w->model->nq);
    for (size_t i = 0; i < w->robot->n_joints; i++)
        if (i != w->robot->hands[ET_LEFT].i_hand && i != w->robot->hands[ET_RIGHT].i_hand)
            c->data->qpos[w->joint_ids[i].qpos] = joints[i];
    // An error of MuJoCo's is no reason to go on.
    return et__mujoco_guard(look, c, NULL) == ET_OK ? nearest(c) : -1;
}

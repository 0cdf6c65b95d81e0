#include "etude/dynamics.h"

#include "etude/file.h"
#include "robot/mujoco_guard.h"
#include "robot/robot__urdf.h"

#include <assert.h>
#include <locale.h>
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define CLEAN_BYTES ((size_t)16 << 20)

struct et_dynamics {
    struct et_arena *arena;
    struct et__urdf urdf;
    mjModel *model;
    mjData *data;
    size_t n_joints;
    size_t *i_urdf;   // n_joints: joints of the URDF
    int *dof;         // n_joints: their places in MuJoCo's arrays of positions and of speeds alike
    double *armature; // n_joints
    double *mass;     // n_joints: of the group of links that hang on it without moving in itself
    double *body_mass, *body_inertia; // n_bodies, n_bodies × 3: MuJoCo's, as loaded
    size_t *body_joint;               // n_bodies: the joint that carries it; NONE
    int *link_body;                   // n_links: the body that a link is fixed to, 0: the world
    struct et_pose *link_pose;        // n_links: where on it
};

static size_t find_joint(const struct et__urdf *urdf, const char *name)
{
    size_t i = 0;
    while (i < urdf->n_joints && strcmp(urdf->joints[i].name, name) != 0)
        i++;
    return i < urdf->n_joints ? i : ET__URDF_NONE;
}

// Every joint that can move, in the file's order.
static void choose_all(struct et_dynamics *d, bool *moves)
{
    for (size_t i = 0; i < d->urdf.n_joints && d->n_joints <= ET_DYNAMICS_JOINTS_MAX; i++) {
        moves[i] = d->urdf.joints[i].kind != ET__URDF_FIXED;
        if (moves[i] && d->n_joints < ET_DYNAMICS_JOINTS_MAX)
            d->i_urdf[d->n_joints] = i;
        d->n_joints += moves[i];
    }
}

static enum et_status choose(struct et_dynamics *d, const struct et_dynamics_options *options,
                             bool *moves, struct et_err *err)
{
    if (!options || !options->joints) {
        choose_all(d, moves);
    } else {
        d->n_joints = options->n_joints;
        for (size_t i = 0; i < d->n_joints && i < ET_DYNAMICS_JOINTS_MAX; i++) {
            const char *name = options->joints[i];
            const size_t at = find_joint(&d->urdf, name);
            if (at == ET__URDF_NONE)
                return et_fail(err, ET_ENOTFOUND, -1, "no joint \"%.100s\" in it", name);
            if (d->urdf.joints[at].kind == ET__URDF_FIXED)
                return et_fail(err, ET_ENOTFOUND, d->urdf.joints[at].line,
                               "line %lld: joint \"%.100s\" does not move",
                               (long long)d->urdf.joints[at].line, name);
            if (moves[at])
                return et_fail(err, ET_EARG, -1, "joint \"%.100s\" is asked for twice", name);
            moves[at] = true;
            d->i_urdf[i] = at;
        }
    }
    if (d->n_joints > ET_DYNAMICS_JOINTS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%zu joints move, %d at most", d->n_joints,
                       ET_DYNAMICS_JOINTS_MAX);
    for (size_t i = 0; options && options->armature && i < d->n_joints; i++) {
        d->armature[i] = options->armature[i];
        if (!(d->armature[i] >= 0) || !isfinite(d->armature[i]))
            return et_fail(err, ET_EARG, -1, "armature %zu is not a number of at least 0", i);
    }
    return ET_OK;
}

static struct et_pose pose_of(const struct et__urdf_origin *o)
{
    return (struct et_pose){{o->xyz[0], o->xyz[1], o->xyz[2]},
                            et_quat_from_rpy(o->rpy[0], o->rpy[1], o->rpy[2])};
}

/* Links that weigh on no joint are not in MuJoCo's model, and a link that is fixed is as good as
 * its carrier: each is found from the body behind the last joint that moves. */
static void place_link(struct et_dynamics *d, const bool *moves, size_t i_link)
{
    struct et_pose pose = {{0, 0, 0}, {0, 0, 0, 1}};
    size_t up = i_link;
    while (d->urdf.links[up].i_joint != ET__URDF_NONE && !moves[d->urdf.links[up].i_joint]) {
        const struct et__urdf_joint *joint = &d->urdf.joints[d->urdf.links[up].i_joint];
        pose = et_pose_mul(pose_of(&joint->origin), pose);
        up = joint->i_parent;
    }
    char name[32];
    (void)snprintf(name, sizeof name, "b%zu", up);
    const int body = mj_name2id(d->model, mjOBJ_BODY, name);
    d->link_body[i_link] = d->urdf.links[up].i_joint == ET__URDF_NONE || body < 0 ? 0 : body;
    d->link_pose[i_link] = pose;
}

// MuJoCo's bodies come parents first, so one way through finds what carries each.
static enum et_status bind_bodies(struct et_dynamics *d, struct et_err *err)
{
    const mjModel *m = d->model;
    const size_t n = (size_t)m->nbody;
    d->body_mass = et_arena_array(d->arena, 4 * n, sizeof *d->body_mass);
    d->body_joint = et_arena_array(d->arena, n, sizeof *d->body_joint);
    if (!d->body_mass || !d->body_joint)
        return et_arena_fail(d->arena, "a robot's bodies", err);
    d->body_inertia = d->body_mass + n;
    memcpy(d->body_mass, m->body_mass, n * sizeof *d->body_mass);
    memcpy(d->body_inertia, m->body_inertia, 3 * n * sizeof *d->body_inertia);
    d->body_joint[0] = ET__URDF_NONE;
    for (size_t body = 1; body < n; body++) {
        d->body_joint[body] = d->body_joint[m->body_parentid[body]];
        for (size_t i = 0; i < d->n_joints; i++)
            if (m->dof_bodyid[d->dof[i]] == (int)body)
                d->body_joint[body] = i;
        if (d->body_joint[body] != ET__URDF_NONE)
            d->mass[d->body_joint[body]] += d->body_mass[body];
    }
    return ET_OK;
}

// Finds our joints in MuJoCo's model, which orders them by the tree.
static enum et_status bind(struct et_dynamics *d, const bool *moves, struct et_err *err)
{
    const mjModel *m = d->model;
    if ((size_t)m->njnt != d->n_joints || m->nq != m->nv || (size_t)m->nv != d->n_joints)
        return et_fail(err, ET_ECORRUPT, -1, "MuJoCo made %d joints of %zu", m->njnt, d->n_joints);
    for (size_t i = 0; i < d->n_joints; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "j%zu", d->i_urdf[i]);
        const int joint = mj_name2id(m, mjOBJ_JOINT, name);
        if (joint < 0)
            return et_fail(err, ET_ECORRUPT, -1, "MuJoCo lost joint \"%.100s\"",
                           d->urdf.joints[d->i_urdf[i]].name);
        d->dof[i] = m->jnt_dofadr[joint];
    }
    for (size_t i = 0; i < d->urdf.n_links; i++)
        place_link(d, moves, i);
    return bind_bodies(d, err);
}

static void make_data(void *context)
{
    struct et_dynamics *d = context;
    d->data = mj_makeData(d->model);
}

/* Numbers go into the text and come out again with a point, whatever the user's language. */
static enum et_status load_model(struct et_dynamics *d, const bool *moves, struct et_err *err)
{
    const locale_t point = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (point == (locale_t)0)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a locale");
    const locale_t before = uselocale(point);
    struct et_buf clean = et_buf(CLEAN_BYTES);
    et__urdf_write(&d->urdf, moves, &clean);
    enum et_status st = et_buf_check(&clean, "a robot's clean text", err);
    const struct et__mujoco_file file = {"robot.xml", et_buf_str(&clean)};
    if (st == ET_OK)
        st = et__mujoco_load(&file, 1, &d->model, err);
    et_buf_free(&clean);
    (void)uselocale(before);
    freelocale(point);
    return st;
}

static enum et_status load(struct et_dynamics *d, const bool *moves, struct et_err *err)
{
    enum et_status st = load_model(d, moves, err);
    if (st == ET_OK)
        st = et__mujoco_guard(make_data, d, err);
    if (st == ET_OK && !d->data)
        st = et_fail(err, ET_ENOMEM, -1, "no memory for MuJoCo's data");
    return st == ET_OK ? bind(d, moves, err) : st;
}

static enum et_status open_text(struct et_dynamics *d, struct et_str text,
                                const struct et_dynamics_options *options, struct et_err *err)
{
    enum et_status st = et__urdf_parse(text, d->arena, &d->urdf, err);
    if (st != ET_OK)
        return st;
    bool *moves = et_arena_array(d->arena, d->urdf.n_joints, sizeof *moves);
    d->i_urdf = et_arena_array(d->arena, ET_DYNAMICS_JOINTS_MAX, sizeof *d->i_urdf);
    d->dof = et_arena_array(d->arena, ET_DYNAMICS_JOINTS_MAX, sizeof *d->dof);
    d->armature = et_arena_array(d->arena, 2 * ET_DYNAMICS_JOINTS_MAX, sizeof *d->armature);
    d->link_body = et_arena_array(d->arena, d->urdf.n_links, sizeof *d->link_body);
    d->link_pose = et_arena_array(d->arena, d->urdf.n_links, sizeof *d->link_pose);
    if (!moves || !d->i_urdf || !d->dof || !d->armature || !d->link_body || !d->link_pose)
        return et_arena_fail(d->arena, "a robot's joints", err);
    d->mass = d->armature + ET_DYNAMICS_JOINTS_MAX;
    st = choose(d, options, moves, err);
    return st == ET_OK ? load(d, moves, err) : st;
}

enum et_status et_dynamics_open(struct et_dynamics **dynamics, const char *path,
                                const struct et_dynamics_options *options, struct et_err *err)
{
    assert(dynamics && path);
    *dynamics = NULL;
    struct et_dynamics *d = calloc(1, sizeof *d);
    if (!d)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a robot");
    struct et_str text;
    enum et_status st = et_arena_open(&d->arena, ARENA_BYTES, err);
    if (st != ET_OK) {
        free(d);
        return st;
    }
    st = et_file_read(path, ET_URDF_BYTES_MAX, d->arena, &text, err);
    if (st == ET_OK) {
        st = open_text(d, text, options, err);
        if (st != ET_OK)
            (void)et_err_context(err, "%s", path);
    }
    if (st != ET_OK) {
        et_dynamics_close(d);
        return st;
    }
    *dynamics = d;
    return ET_OK;
}

void et_dynamics_close(struct et_dynamics *dynamics)
{
    if (!dynamics)
        return;
    if (dynamics->data)
        mj_deleteData(dynamics->data);
    if (dynamics->model)
        mj_deleteModel(dynamics->model);
    et_arena_close(dynamics->arena);
    free(dynamics);
}

size_t et_dynamics_n_joints(const struct et_dynamics *dynamics)
{
    return dynamics->n_joints;
}

const char *et_dynamics_joint(const struct et_dynamics *dynamics, size_t i)
{
    assert(i < dynamics->n_joints);
    return dynamics->urdf.joints[dynamics->i_urdf[i]].name;
}

double et_dynamics_mass(const struct et_dynamics *dynamics, size_t i)
{
    assert(i < dynamics->n_joints);
    return dynamics->mass[i];
}

enum et_status et_dynamics_scale(struct et_dynamics *dynamics, const double *scale,
                                 struct et_err *err)
{
    const struct et_dynamics *d = dynamics;
    for (size_t i = 0; scale && i < d->n_joints; i++)
        if (!(scale[i] >= 0) || !isfinite(scale[i]))
            return et_fail(err, ET_EARG, -1, "scale %zu of a mass is not a number of at least 0",
                           i);
    for (size_t body = 1; body < (size_t)d->model->nbody; body++) {
        const size_t i = d->body_joint[body];
        const double s = scale && i != ET__URDF_NONE ? scale[i] : 1;
        d->model->body_mass[body] = s * d->body_mass[body];
        for (size_t k = 3 * body; k < 3 * body + 3; k++)
            d->model->body_inertia[k] = s * d->body_inertia[k];
    }
    return ET_OK;
}

void et_dynamics_set_gravity(struct et_dynamics *dynamics, struct et_vec3 gravity)
{
    double *g = dynamics->model->opt.gravity;
    g[0] = gravity.x;
    g[1] = gravity.y;
    g[2] = gravity.z;
}

static void run_inverse(void *context)
{
    const struct et_dynamics *d = context;
    mj_kinematics(d->model, d->data);
    mj_comPos(d->model, d->data);
    mj_comVel(d->model, d->data);
    mj_rne(d->model, d->data, 1, d->data->qfrc_inverse);
}

enum et_status et_dynamics_inverse(struct et_dynamics *dynamics, const double *q, const double *v,
                                   const double *a, double *torque, struct et_err *err)
{
    const struct et_dynamics *d = dynamics;
    for (size_t i = 0; i < d->n_joints; i++) {
        d->data->qpos[d->dof[i]] = q[i];
        d->data->qvel[d->dof[i]] = v[i];
        d->data->qacc[d->dof[i]] = a[i];
    }
    const enum et_status st = et__mujoco_guard(run_inverse, dynamics, err);
    if (st != ET_OK)
        return st;
    for (size_t i = 0; i < d->n_joints; i++)
        torque[i] = d->data->qfrc_inverse[d->dof[i]] + d->armature[i] * a[i];
    return ET_OK;
}

bool et_dynamics_find_link(const struct et_dynamics *dynamics, const char *name, size_t *i_link)
{
    for (size_t i = 0; i < dynamics->urdf.n_links; i++) {
        if (strcmp(dynamics->urdf.links[i].name, name) == 0) {
            *i_link = i;
            return true;
        }
    }
    return false;
}

static void run_kinematics(void *context)
{
    const struct et_dynamics *d = context;
    mj_kinematics(d->model, d->data);
}

enum et_status et_dynamics_place(struct et_dynamics *dynamics, const double *q, struct et_err *err)
{
    for (size_t i = 0; i < dynamics->n_joints; i++)
        dynamics->data->qpos[dynamics->dof[i]] = q[i];
    return et__mujoco_guard(run_kinematics, dynamics, err);
}

struct et_pose et_dynamics_pose(const struct et_dynamics *dynamics, size_t i_link)
{
    assert(i_link < dynamics->urdf.n_links);
    const size_t body = (size_t)dynamics->link_body[i_link];
    const double *xyz = dynamics->data->xpos + 3 * body, *wxyz = dynamics->data->xquat + 4 * body;
    const struct et_pose at = {{xyz[0], xyz[1], xyz[2]}, {wxyz[1], wxyz[2], wxyz[3], wxyz[0]}};
    return et_pose_mul(at, dynamics->link_pose[i_link]);
}

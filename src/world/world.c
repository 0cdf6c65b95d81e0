#include "world/world__world.h"

#include "etude/file.h"
#include "robot/mujoco_guard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES ((size_t)64 << 20)
#define SETTLE_STEPS 30 // after a reset
#define WIPE_RADIUS_M 0.04
#define SPEED_SHARE 0.4 // of the newest in the smoothed speed
#define PLAY_RAD 0.0035 // of joints with backlash: 0.2 degrees
#define LAG_S 0.02      // of actuators that lag
#define ROBOT "etude-one"

/* ---- opening ---- */

static void make_data(void *context)
{
    struct et_world *w = context;
    w->model = mj_copyModel(NULL, w->pristine);
    w->data = w->model ? mj_makeData(w->model) : NULL;
}

static double *rows(const struct et_world *w, size_t n_values)
{
    return et_arena_array(w->arena, ET_WORLD_TICKS * n_values, sizeof(double));
}

static bool make_rows(const struct et_world *w, struct et__rows *r)
{
    const size_t n = w->robot->n_joints;
    *r = (struct et__rows){rows(w, n),
                           rows(w, n),
                           rows(w, n),
                           rows(w, n),
                           rows(w, ET_WORLD_WRENCH_VALUES),
                           rows(w, ET_WORLD_TOUCH_VALUES),
                           rows(w, ET_WORLD_PRESSURE_VALUES),
                           rows(w, ET_WORLD_IMU_VALUES)};
    return r->position && r->velocity && r->effort && r->command && r->wrench && r->touch &&
           r->pressure && r->imu;
}

static enum et_status make_state(struct et_world *w, struct et_err *err)
{
    const size_t n = w->robot->n_joints;
    w->action = et_arena_array(w->arena, n, sizeof *w->action);
    w->speed = et_arena_array(w->arena, n, sizeof *w->speed);
    w->lagged = et_arena_array(w->arena, n, sizeof *w->lagged);
    w->astray = et_arena_array(w->arena, n, sizeof *w->astray);
    w->joint_max = et_arena_array(w->arena, (size_t)w->model->njnt, sizeof *w->joint_max);
    w->wiped = et_arena_array(w->arena, (size_t)w->model->nsite, sizeof *w->wiped);
    w->own = et_arena_array(w->arena, (size_t)w->model->ngeom, sizeof *w->own);
    const bool has_rows = make_rows(w, &w->rows) && make_rows(w, &w->late);
    if (!has_rows || !w->action || !w->speed || !w->lagged || !w->astray || !w->joint_max ||
        !w->wiped || !w->own)
        return et_arena_fail(w->arena, "a world's state", err);
    return ET_OK;
}

// Actuators of the scene, such as belts: <numeric name="ctrl_belt" data="0.05"/>.
static void drive_scene(struct et_world *w)
{
    const mjModel *m = w->model;
    for (int i = 0; i < m->nnumeric; i++) {
        const char *name = mj_id2name(m, mjOBJ_NUMERIC, i);
        if (!name || strncmp(name, "ctrl_", 5) != 0)
            continue;
        const int actuator = mj_name2id(m, mjOBJ_ACTUATOR, name + 5);
        if (actuator >= 0)
            w->data->ctrl[actuator] = m->numeric_data[m->numeric_adr[i]];
    }
}

static void remove_friction(struct et_world *w)
{
    for (size_t i = 0; i < w->robot->n_joints; i++)
        w->pristine->dof_frictionloss[w->joint_ids[i].dof] = 0;
}

enum et_status et_world_open(struct et_world **world, const struct et_world_options *options,
                             struct et_err *err)
{
    *world = NULL;
    if (!(options->disturbance_rad >= 0 &&
          options->disturbance_rad <= ET_WORLD_DISTURBANCE_MAX_RAD))
        return et_fail(err, ET_EARG, -1, "a disturbance of %g rad is not between 0 and %g",
                       options->disturbance_rad, ET_WORLD_DISTURBANCE_MAX_RAD);
    struct et_world *w = calloc(1, sizeof *w);
    if (!w)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a world");
    w->options = *options;
    enum et_status st = et_arena_open(&w->arena, MEMORY_BYTES, err);
    if (st == ET_OK)
        st = et_skill_load(options->skill, w->arena, &w->skill, err);
    if (st == ET_OK)
        st = et__robot_load(options->robot ? options->robot : ROBOT, w->arena, &w->robot, err);
    if (st == ET_OK)
        st = et__load_model(w, err);
    if (st == ET_OK)
        st = et__mujoco_guard(make_data, w, err);
    if (st == ET_OK && !w->data)
        st = et_fail(err, ET_ENOMEM, -1, "no memory for a world's physics");
    if (st == ET_OK)
        st = et__bind_world(w, err);
    if (st == ET_OK)
        st = et__bind_task(w, err);
    if (st == ET_OK)
        st = make_state(w, err);
    if (st == ET_OK && options->without_friction)
        remove_friction(w);
    if (st == ET_OK)
        st = et_world_reset(w, 0, ET_TIER_CONTROLLED, err);
    if (st == ET_OK)
        *world = w;
    else
        et_world_close(w);
    return st;
}

void et_world_close(struct et_world *w)
{
    if (!w)
        return;
    mj_deleteData(w->data);
    mj_deleteModel(w->model);
    mj_deleteModel(w->pristine);
    et_arena_close(w->arena);
    free(w);
}

struct et_world_options et_world_options(const struct et_world *w)
{
    struct et_world_options options = w->options;
    options.skill = w->skill->id; // those that it was opened with were the caller's
    options.robot = w->robot->id;
    return options;
}

const struct et_skill *et_world_skill(const struct et_world *w)
{
    return w->skill;
}

const char *et_world_robot(const struct et_world *w)
{
    return w->robot->id;
}

const struct et_world_joint *et_world_joints(const struct et_world *w, size_t *n_joints)
{
    *n_joints = w->robot->n_joints;
    return w->joints;
}

/* ---- stepping ---- */

static void take_action(struct et_world *w, const double *action)
{
    const double step_s = 1e-9 * (double)ET_WORLD_STEP_NS;
    for (size_t i = 0; i < w->robot->n_joints; i++) {
        const struct et_world_joint *joint = &w->joints[i];
        double x =
            isnan(action[i]) ? w->action[i] : mju_clip(action[i], joint->lower, joint->upper);
        double way = x - w->action[i];
        w->action[i] = x;
        x += w->astray[i];
        if (w->options.has_backlash && joint->part != ET_PART_LEFT_HAND &&
            joint->part != ET_PART_RIGHT_HAND)
            x = mju_clip(w->lagged[i], x - PLAY_RAD / 2, x + PLAY_RAD / 2);
        const double share = w->options.has_lag ? 1 - exp(-step_s / LAG_S) : 1;
        const double before = w->lagged[i];
        w->lagged[i] += share * (x - w->lagged[i]);
        if (w->options.has_backlash || w->options.has_lag) // of what the drive is told
            way = w->lagged[i] - before;
        w->speed[i] += SPEED_SHARE * (way / step_s - w->speed[i]);
    }
}

// MuJoCo 2.2.2 carries no bodies' weight by itself: the drives are told what holds the robot up.
static void hold_weight(struct et_world *w)
{
    for (size_t i = 0; i < w->robot->n_joints; i++) {
        const int dof = w->joint_ids[i].dof;
        w->data->qfrc_applied[dof] = w->data->qfrc_bias[dof];
    }
}

static void add_contact(struct et_world *w)
{
    const struct et_world_contact now = et__probe_robot(w);
    w->contact = (struct et_world_contact){.hand_n = fmax(w->contact.hand_n, now.hand_n),
                                           .body_n = fmax(w->contact.body_n, now.body_n)};
}

static void run_ticks(void *context)
{
    struct et_world *w = context;
    for (size_t i = 0; i < w->robot->n_joints; i++) {
        const struct et__joint_ids *ids = &w->joint_ids[i];
        w->data->ctrl[ids->actuator] =
            ids->scale * (w->lagged[i] + ids->feed_forward * w->speed[i]);
    }
    w->hit = (struct et__contact){.body = -1};
    w->contact = (struct et_world_contact){0};
    for (size_t i = 0; i < ET_WORLD_TICKS; i++) {
        hold_weight(w);
        mj_step(w->model, w->data);
        w->n_ticks++;
        if (w->watched >= 0) {
            const struct et__contact now = et__probe_contact(w, w->watched);
            w->hit = now.force_n > w->hit.force_n ? now : w->hit;
        }
        if (w->options.measures_contact)
            add_contact(w);
        et__sense(w, i);
    }
}

static bool is_broken(const struct et_world *w)
{
    const mjWarningStat *warning = w->data->warning;
    return warning[mjWARN_BADQPOS].number > 0 || warning[mjWARN_BADQVEL].number > 0 ||
           warning[mjWARN_BADQACC].number > 0;
}

// The tool wipes what lies under it, where it touches something that is not the robot.
static void wipe(struct et_world *w)
{
    const mjModel *m = w->model;
    if (w->wipe_tool < 0)
        return;
    const int tool = m->site_bodyid[w->wipe_tool], root = m->body_rootid[w->base];
    bool is_on = false;
    for (int i = 0; !is_on && i < w->data->ncon; i++) {
        const mjContact *c = &w->data->contact[i];
        const int a = m->geom_bodyid[c->geom1], b = m->geom_bodyid[c->geom2];
        is_on =
            (a == tool && m->body_rootid[b] != root) || (b == tool && m->body_rootid[a] != root);
    }
    for (int i = 0; is_on && i < m->nsite; i++) {
        double away[3];
        mju_sub3(away, w->data->site_xpos + 3 * i, w->data->site_xpos + 3 * w->wipe_tool);
        if (i == w->wipe_tool || fabs(away[2]) > WIPE_RADIUS_M ||
            hypot(away[0], away[1]) > WIPE_RADIUS_M)
            continue;
        w->wiped[i] = 1;
    }
}

static void note(struct et_world *w)
{
    for (int i = 0; i < w->model->njnt; i++)
        if (w->model->jnt_type[i] >= mjJNT_SLIDE)
            w->joint_max[i] = mju_max(w->joint_max[i], w->data->qpos[w->model->jnt_qposadr[i]]);
    wipe(w);
}

static enum et_status step(struct et_world *w, const double *action, struct et_err *err)
{
    const struct et__rows last = w->rows;
    w->rows = w->late;
    w->late = last;
    take_action(w, action);
    enum et_status st = et__mujoco_guard(run_ticks, w, err);
    if (st == ET_OK && is_broken(w))
        st = et_fail(err, ET_ECORRUPT, -1, "the physics of %.60s came to no number at %.2f s",
                     w->skill->id, 1e-9 * (double)w->state.t_ns);
    if (st == ET_OK)
        note(w);
    return st;
}

enum et_status et_world_step(struct et_world *w, const double *action, struct et_err *err)
{
    et__disturb(w);
    et__astray_step(w);
    return step(w, action, err);
}

struct drawing {
    struct et_world *w;
    enum et_status st;
    struct et_err *err;
};

static void draw(void *context)
{
    struct drawing *d = context;
    d->st = et__draw(d->w, d->err);
}

static void forget_presses(struct et_world *w)
{
    for (int i = 0; i < w->model->njnt; i++)
        w->joint_max[i] = w->data->qpos[w->model->jnt_qposadr[i]];
}

enum et_status et_world_reset(struct et_world *w, uint64_t seed, enum et_tier tier,
                              struct et_err *err)
{
    et__random_seed(&w->random, seed);
    et__random_seed(&w->sensor_random, seed ^ 0x5eed);
    et__random_seed(&w->litter_random, seed ^ 0x117e5);
    w->tier = tier;
    w->watched = -1;
    w->is_slippery[ET__LEFT] = w->is_slippery[ET__RIGHT] = false; // a fresh model
    struct drawing drawing = {.w = w, .err = err};
    enum et_status st = et__mujoco_guard(draw, &drawing, err);
    st = st == ET_OK ? drawing.st : st;
    et__disturb_begin(w);
    et__astray_begin(w, seed);
    drive_scene(w);
    for (size_t i = 0; st == ET_OK && i < SETTLE_STEPS; i++)
        st = step(w, w->action, err);
    w->n_ticks = 0;
    w->data->time = 0;
    w->contact = (struct et_world_contact){0};
    forget_presses(w);
    memset(w->wiped, 0, (size_t)w->model->nsite);
    for (size_t k = 0; k < 2; k++) { // now, and late
        const struct et__rows last = w->rows;
        for (size_t i = 0; i < ET_WORLD_TICKS; i++)
            et__sense(w, i);
        w->rows = w->late;
        w->late = last;
    }
    return st;
}

/* ---- looking ---- */

int64_t et_world_time_ns(const struct et_world *w)
{
    return w->n_ticks * ET_WORLD_TICK_NS;
}

const struct et_world_state *et_world_observe(const struct et_world *w)
{
    return &w->state;
}

bool et_world_success(const struct et_world *w, const char **missing)
{
    const struct et__condition *success = &w->skill->script->success;
    if (missing)
        *missing = NULL;
    for (size_t i = 0; i < success->n_terms; i++) {
        if (et__term_holds(w, &success->terms[i], &w->success[i]))
            continue;
        if (missing)
            *missing = success->terms[i].text;
        return false;
    }
    return true;
}

void et_world_hands(const struct et_world *w, struct et_pose hands[2])
{
    for (int side = 0; side < 2; side++)
        hands[side] = et__site_pose(w->data, w->hands[side].tcp);
}

struct et_world_contact et_world_contact(const struct et_world *w)
{
    return w->contact;
}

size_t et_world_n_objects(const struct et_world *w)
{
    return w->skill->n_objects;
}

struct et_world_object et_world_object(const struct et_world *w, size_t i)
{
    const double *p = w->data->xpos + 3 * w->objects[i], *q = w->data->xquat + 4 * w->objects[i];
    return (struct et_world_object){w->skill->objects[i],
                                    {{p[0], p[1], p[2]}, {q[1], q[2], q[3], q[0]}}};
}

#include "world/world__trainer.h"

#include "robot/mujoco_guard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP_S 0.01
#define DWELL_S 0.05  // after the hands have arrived
#define TIMEOUT_S 1.0 // for a condition to come
#define REST_S 0.5    // after the last phase, for things to come to rest
#define FALLEN_M 0.4  // an object that is so far below where it stood is lost
#define MEMORY_BYTES ((size_t)16 << 20)

// Who is nobody in particular.
static const struct et_trainer_style PLAIN = {.patience = 2};

/* ---- opening ---- */

static enum et_status bind_action(struct et_trainer *t, const struct et__action *a,
                                  struct et__action_ids *ids, struct et_err *err)
{
    static const int TARGETS[] = {
        [ET__GRIP] = mjOBJ_UNKNOWN,    [ET__POSTURE] = mjOBJ_UNKNOWN, [ET__MOVE] = mjOBJ_SITE,
        [ET__FOLLOW] = mjOBJ_JOINT,    [ET__CARRY] = mjOBJ_BODY,      [ET__HOLD] = mjOBJ_UNKNOWN,
        [ET__RETREAT] = mjOBJ_UNKNOWN, [ET__TUCK] = mjOBJ_UNKNOWN,    [ET__PRESS] = mjOBJ_SITE,
    };
    *ids = (struct et__action_ids){-1, -1, -1};
    enum et_status st = ET_OK;
    if (TARGETS[a->verb] != mjOBJ_UNKNOWN && a->target.text)
        st = et__bind(t->world, TARGETS[a->verb], &a->target, &ids->target, err);
    if (st == ET_OK && a->holding.text)
        st = et__bind(t->world, mjOBJ_SITE, &a->holding, &ids->holding, err);
    const struct et__robot *robot = t->world->robot;
    for (size_t i = 0; a->verb == ET__POSTURE && i < robot->n_postures; i++)
        if (strcmp(robot->postures[i].name, a->posture.text) == 0)
            ids->posture = (int)i;
    return st;
}

static enum et_status bind_phase(struct et_trainer *t, size_t i, struct et_err *err)
{
    const struct et__phase *phase = &t->world->skill->script->phases[i];
    struct et__phase_ids *ids = &t->phases[i];
    ids->actions = et_arena_array(t->arena, phase->n_actions, sizeof *ids->actions);
    if (!ids->actions)
        return et_arena_fail(t->arena, "a skill's phases", err);
    enum et_status st = et__bind_condition(t->world, &phase->until, t->arena, &ids->until, err);
    for (size_t k = 0; st == ET_OK && k < phase->n_actions; k++)
        st = bind_action(t, &phase->actions[k], &ids->actions[k], err);
    return st;
}

static void make_scratch(void *context)
{
    struct et_trainer *t = context;
    t->reach.scratch = mj_makeData(t->world->model);
}

static enum et_status make(struct et_trainer *t, struct et_err *err)
{
    struct et_world *w = t->world;
    const struct et_skill *skill = w->skill;
    t->phases = et_arena_array(t->arena, skill->n_phases, sizeof *t->phases);
    t->action = et_arena_array(t->arena, w->robot->n_joints, sizeof *t->action);
    t->object_z = et_arena_array(t->arena, skill->n_objects, sizeof *t->object_z);
    t->reach.jacobian = et_arena_array(t->arena, 6 * (size_t)w->model->nv, sizeof(double));
    if (!t->phases || !t->action || !t->object_z || !t->reach.jacobian)
        return et_arena_fail(t->arena, "a trainer", err);
    enum et_status st = et__mujoco_guard(make_scratch, t, err);
    if (st == ET_OK && !t->reach.scratch)
        st = et_fail(err, ET_ENOMEM, -1, "no memory for a trainer");
    et__pace_open(t);
    for (size_t i = 0; st == ET_OK && i < skill->n_phases; i++)
        st = bind_phase(t, i, err);
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < w->robot->hands[side].n_joints; i++)
            t->home[side][i] = w->joints[w->robot->hands[side].first_joint + i].home;
    return st;
}

enum et_status et_trainer_open(struct et_trainer **trainer, struct et_world *world,
                               const struct et_trainer_style *style, struct et_err *err)
{
    *trainer = NULL;
    struct et_trainer *t = calloc(1, sizeof *t);
    if (!t)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a trainer");
    t->world = world;
    t->reach.world = world;
    t->style = style ? *style : PLAIN;
    enum et_status st = et_arena_open(&t->arena, MEMORY_BYTES, err);
    if (st == ET_OK)
        st = make(t, err);
    if (st == ET_OK)
        *trainer = t;
    else
        et_trainer_close(t);
    return st;
}

void et_trainer_close(struct et_trainer *t)
{
    if (!t)
        return;
    mj_deleteData(t->reach.scratch);
    et_arena_close(t->arena);
    free(t);
}

/* ---- what is asked for ---- */

static void fill_action(struct et_trainer *t)
{
    const struct et__robot *robot = t->world->robot;
    for (size_t i = 0; i < robot->n_postures; i++)
        t->action[robot->postures[i].i_joint] = t->posture[i];
    for (size_t side = 0; side < 2; side++) {
        const struct et__robot_hand *hand = &robot->hands[side];
        mju_copy(t->action + hand->first_joint, t->arms[side].q, (int)hand->n_joints);
        t->action[hand->i_hand] = t->arms[side].grip;
    }
}

void et__trainer_place(struct et_trainer *t, bool at_wanted_posture)
{
    const struct et__robot *robot = t->world->robot;
    fill_action(t);
    for (size_t i = 0; at_wanted_posture && t->posture_t_s >= 0 && i < robot->n_postures; i++)
        t->action[robot->postures[i].i_joint] = t->posture_to[i];
    et__reach_place(&t->reach, t->action);
    fill_action(t);
}

/* ---- acting ---- */

static bool move_posture(struct et_trainer *t)
{
    if (t->posture_t_s < 0)
        return false;
    t->posture_t_s += STEP_S;
    const double u = et__minimum_jerk(t->posture_t_s / t->posture_duration_s);
    for (size_t i = 0; i < t->world->robot->n_postures; i++)
        t->posture[i] = t->posture_from[i] + u * (t->posture_to[i] - t->posture_from[i]);
    if (t->posture_t_s < t->posture_duration_s)
        return true;
    memcpy(t->posture_from, t->posture_to, sizeof t->posture_from);
    t->posture_t_s = -1;
    return false;
}

static bool move_grip(struct et__arm *arm)
{
    arm->grip_t_s += STEP_S;
    const double u = et__minimum_jerk(arm->grip_t_s / arm->grip_duration_s);
    arm->grip = arm->grip_from + u * (arm->grip_to - arm->grip_from);
    return arm->grip_t_s < arm->grip_duration_s;
}

static bool has_lost_something(const struct et_trainer *t)
{
    for (size_t i = 0; i < t->world->skill->n_objects; i++)
        if (t->world->data->xpos[3 * t->world->objects[i] + 2] < t->object_z[i] - FALLEN_M)
            return true;
    return false;
}

static void next_phase(struct et_trainer *t, bool has_missed)
{
    const struct et_skill *skill = t->world->skill;
    const struct et__phase *phase = &skill->script->phases[t->state.i_phase];
    et__mishap_phase_over(t, has_missed);
    if (has_missed && phase->i_else >= 0 && t->state.n_retries < t->style.patience) {
        t->state.n_retries++;
        t->state.i_phase = (size_t)phase->i_else;
        et__phase_begin(t);
        return;
    }
    t->state.has_given_up = t->state.has_given_up || has_missed;
    if (t->state.i_phase + 1 == skill->n_phases) {
        t->is_done = true;
        t->rest_s = REST_S;
        return;
    }
    t->state.i_phase++;
    et__phase_begin(t);
}

// All have arrived: does what the phase waits for hold?
static void wait(struct et_trainer *t)
{
    const struct et__phase *phase = &t->world->skill->script->phases[t->state.i_phase];
    const bool has_until = phase->until.n_terms > 0;
    const double timeout_s = phase->timeout_s > 0 ? phase->timeout_s : TIMEOUT_S;
    t->dwell_s += STEP_S;
    if (!has_until && t->dwell_s >= DWELL_S + t->hold_s)
        next_phase(t, false);
    else if (has_until && t->dwell_s >= t->hold_s &&
             et__condition_holds(t->world, &phase->until, t->phases[t->state.i_phase].until))
        next_phase(t, false);
    else if (has_until && t->dwell_s > timeout_s + t->hold_s)
        next_phase(t, true);
}

static void act(void *context)
{
    struct et_trainer *t = context;
    struct et__pace before;
    et__mishap_step(t);
    if (t->is_done) {
        t->rest_s -= STEP_S;
        return;
    }
    if (t->pause_s > 0) {
        t->pause_s -= STEP_S;
        return;
    }
    t->phase_s += STEP_S;
    et__pace_note(t, &before);
    bool is_busy = move_posture(t);
    et__trainer_place(t, false);
    for (int side = ET__LEFT; side <= ET__RIGHT; side++) {
        is_busy = move_grip(&t->arms[side]) || is_busy;
        is_busy = et__arm_move(t, (enum et__side)side) || is_busy;
    }
    is_busy = et__pace_keep(t, &before) || is_busy;
    if (has_lost_something(t)) {
        t->state.has_given_up = t->is_done = true;
        t->rest_s = REST_S;
    } else if (!is_busy) {
        wait(t);
    }
    fill_action(t);
}

enum et_status et_trainer_act(struct et_trainer *t, double *action, struct et_err *err)
{
    const enum et_status st = et__mujoco_guard(act, t, err);
    memcpy(action, t->action, t->world->robot->n_joints * sizeof *action);
    if (st != ET_OK)
        return st;
    return (t->is_done && t->rest_s <= 0) || t->world->data->time > t->world->skill->limit_s
               ? ET_END
               : ET_OK;
}

static void begin(void *context)
{
    struct et_trainer *t = context;
    et__phase_begin(t);
}

enum et_status et_trainer_begin(struct et_trainer *t, uint64_t seed, struct et_err *err)
{
    const struct et_world *w = t->world;
    et__random_seed(&t->random, seed ^ 0x7ea1);
    memset(t->arms, 0, sizeof t->arms);
    t->state = (struct et_trainer_state){0};
    t->is_done = false;
    t->posture_t_s = -1;
    for (size_t i = 0; i < w->robot->n_joints; i++)
        t->action[i] = w->joints[i].home;
    for (size_t i = 0; i < w->robot->n_postures; i++)
        t->posture[i] = t->posture_from[i] = t->posture_to[i] =
            w->joints[w->robot->postures[i].i_joint].home;
    for (size_t side = 0; side < 2; side++) {
        struct et__arm *arm = &t->arms[side];
        mju_copy(arm->q, t->home[side], ET__ARM_JOINTS_MAX);
        arm->grip = arm->grip_from = arm->grip_to = w->joints[w->robot->hands[side].i_hand].home;
        arm->grip_duration_s = STEP_S;
        arm->grip_t_s = 1;
    }
    for (size_t i = 0; i < w->skill->n_objects; i++)
        t->object_z[i] = w->data->xpos[3 * w->objects[i] + 2];
    et__mishap_begin(t, seed);
    return et__mujoco_guard(begin, t, err);
}

struct et_trainer_state et_trainer_state(const struct et_trainer *t)
{
    return t->state;
}

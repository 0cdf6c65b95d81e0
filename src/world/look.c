/* A person looks where a hand will go: a way that would lead it into furniture goes over it. */
#include "world/world__trainer.h"

#include <math.h>

#define LOOKS 24       // along a way
#define MARGIN_M 0.015 // that a moving arm strays
#define NEAR_M 0.05    // to where it comes from and goes to, an arm may touch what is there
#define ENOUGH_M 0.002 // nobody minds less
#define STEPS 6        // of reaching, from look to look
#define ASTRAY_M 0.03  // that reaching may leave a way

/* ---- what would be met ---- */

static bool is_arms(const struct et_world *w, enum et__side side, int geom)
{
    return et__is_of(w, geom, et__arm_body(w, side));
}

// What cannot move; doors and flaps are there to be pushed.
static bool is_furniture(const struct et_world *w, int geom)
{
    return w->model->body_weldid[w->model->geom_bodyid[geom]] == 0 &&
           w->model->body_rootid[w->model->geom_bodyid[geom]] != w->model->body_rootid[w->base];
}

// At least so much about the arm; with 0 the model is as it was.
static void set_margin(const struct et_world *w, enum et__side side, double margin)
{
    for (int i = 0; i < w->model->ngeom; i++)
        if (is_arms(w, side, i))
            w->model->geom_margin[i] = fmax(w->pristine->geom_margin[i], margin);
}

/* How deep the arm is in something, where the copy stands, m: nearer than the margin counts. */
static double find_depth(struct et_trainer *t, enum et__side side)
{
    const struct et_world *w = t->world;
    mjData *scratch = t->reach.scratch;
    double depth = 0;
    mj_collision(w->model, scratch);
    for (int i = 0; i < scratch->ncon; i++) {
        const mjContact *c = &scratch->contact[i];
        const bool is_between = (is_arms(w, side, c->geom1) && is_furniture(w, c->geom2)) ||
                                (is_arms(w, side, c->geom2) && is_furniture(w, c->geom1));
        if (is_between)
            depth = fmax(depth, MARGIN_M - c->dist);
    }
    return depth;
}

/* ---- along a way ---- */

// The copy, with the trunk so far on its own way.
static void place_at(struct et_trainer *t, double u)
{
    double now[ET__POSTURES_MAX];
    mju_copy(now, t->posture, ET__POSTURES_MAX);
    for (size_t i = 0; t->posture_t_s >= 0 && i < t->world->robot->n_postures; i++)
        t->posture[i] = t->posture_from[i] + u * (t->posture_to[i] - t->posture_from[i]);
    et__trainer_place(t, false);
    mju_copy(t->posture, now, ET__POSTURES_MAX);
}

static bool is_near(const struct et__reach *r, enum et__side side, const struct et_pose *pose)
{
    return et_vec3_norm(et_vec3_sub(et__reach_tcp(r, side).position, pose->position)) < NEAR_M;
}

/* Goes the way in the copy: how deep in something. False: the hand cannot keep to it. */
static bool try_way(struct et_trainer *t, enum et__side side, double *depth)
{
    struct et__arm *arm = &t->arms[side];
    double q[ET__ARM_JOINTS_MAX], planned[ET__ARM_JOINTS_MAX], ends[2] = {0, 0}, most = 0;
    mju_copy(q, arm->q, ET__ARM_JOINTS_MAX);
    for (int i = 0; i <= LOOKS; i++) {
        const double u = et__minimum_jerk((double)i / LOOKS);
        et__arm_planned(t, side, u, planned);
        place_at(t, u);
        if (arm->goes_by_joints) {
            et__reach_solve(&t->reach, side, planned, NULL, 0, planned, 0);
        } else {
            const struct et_pose at = et__arm_pose(arm, u);
            et__reach_solve(&t->reach, side, q, &at, STEPS, planned, 0.08);
            if (t->reach.residual_m > ASTRAY_M)
                return false;
        }
        if (i % LOOKS == 0)
            ends[i / LOOKS] = find_depth(t, side);
        else if (!is_near(&t->reach, side, &arm->from) && !is_near(&t->reach, side, &arm->to))
            most = fmax(most, find_depth(t, side));
    }
    *depth = fmin(ends[0], ends[1]) > 0 ? 0 : most; // along something: it is wiped, or pulled
    return true;
}

/* ---- another way ---- */

// By joints, and the hand so much higher midway.
static bool bend_joints(struct et_trainer *t, enum et__side side, double rise_m)
{
    struct et__arm *arm = &t->arms[side];
    double middle[ET__ARM_JOINTS_MAX] = {0}, q[ET__ARM_JOINTS_MAX];
    arm->goes_by_joints = true;
    mju_zero(arm->q_bow, ET__ARM_JOINTS_MAX);
    et__arm_planned(t, side, 0.5, middle);
    place_at(t, 0.5);
    mju_copy(q, middle, ET__ARM_JOINTS_MAX);
    et__reach_solve(&t->reach, side, q, NULL, 0, q, 0);
    struct et_pose at = et__reach_tcp(&t->reach, side);
    at.position.z += rise_m;
    et__reach_solve(&t->reach, side, q, &at, 40, middle, 0.02);
    mju_sub(arm->q_bow, q, middle, ET__ARM_JOINTS_MAX);
    return t->reach.residual_m < ASTRAY_M;
}

struct way {
    double depth, rise, q_bow[ET__ARM_JOINTS_MAX];
    bool by_joints;
};

static void take(struct et__arm *arm, const struct way *way)
{
    arm->bow[2] = way->rise;
    arm->goes_by_joints = way->by_joints;
    mju_copy(arm->q_bow, way->q_bow, ET__ARM_JOINTS_MAX);
}

void et__way_clear(struct et_trainer *t, enum et__side side)
{
    static const double RISES_M[] = {0, .06, .12, .18, .24, .30};
    struct et__arm *arm = &t->arms[side];
    const double bow = arm->bow[2];
    struct way best = {.rise = bow, .by_joints = arm->goes_by_joints};
    set_margin(t->world, side, MARGIN_M);
    if (!try_way(t, side, &best.depth))
        best.depth = 0; // it is gone as far as it can be
    for (size_t by_joints = arm->goes_by_joints; by_joints < 2; by_joints++) {
        for (size_t i = 0; i < sizeof RISES_M / sizeof *RISES_M && best.depth > ENOUGH_M; i++) {
            struct way way = {.rise = bow + RISES_M[i], .by_joints = by_joints};
            take(arm, &way);
            if (by_joints && !bend_joints(t, side, RISES_M[i]))
                continue;
            mju_copy(way.q_bow, arm->q_bow, ET__ARM_JOINTS_MAX);
            if (try_way(t, side, &way.depth) && way.depth < best.depth)
                best = way;
        }
    }
    set_margin(t->world, side, 0);
    take(arm, &best);
    et__trainer_place(t, false);
}

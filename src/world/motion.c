/* Where an arm's way is at its time. */
#include "world/world__trainer.h"

#include <math.h>

#define STEP_S 0.01
#define DRIFT_S 0.3
#define TREMOR_HZ 9.0
#define CORRECTION_S 0.35
#define SETTLE_S 1.5 // that a hand is given to come to its goal
#define NEAR_ENOUGH_M 0.01
#define REACHABLE_M 0.01

double et__minimum_jerk(double s)
{
    return s <= 0 ? 0 : s >= 1 ? 1 : s * s * s * (10 - 15 * s + 6 * s * s);
}

static struct et_vec3 between(struct et_vec3 a, struct et_vec3 b, double u)
{
    return et_vec3_add(a, et_vec3_scale(et_vec3_sub(b, a), u));
}

static void add(struct et_vec3 *p, const double v[3], double s)
{
    *p = et_vec3_add(*p, (struct et_vec3){s * v[0], s * v[1], s * v[2]});
}

static double bow_at(double u)
{
    return 16 * u * u * (1 - u) * (1 - u);
}

// A way in the room: straight, with a bow, and past the goal if it is to be corrected.
struct et_pose et__arm_pose(const struct et__arm *arm, double u)
{
    struct et_pose at = {between(arm->from.position, arm->to.position, u),
                         et_quat_slerp(arm->from.rotation, arm->to.rotation, u)};
    add(&at.position, arm->bow, bow_at(u));
    const double late = (arm->t_s - arm->duration_s) / CORRECTION_S;
    add(&at.position, arm->miss, u * (1 - et__minimum_jerk(late)));
    add(&at.position, arm->astray, 1);
    return at;
}

void et__arm_planned(const struct et_trainer *t, enum et__side side, double u, double *planned)
{
    const struct et__arm *arm = &t->arms[side];
    for (size_t i = 0; i < t->world->hands[side].n_joints; i++)
        planned[i] = arm->q_from[i] + u * (arm->q_to[i] - arm->q_from[i]) +
                     (arm->goes_by_joints ? bow_at(u) * arm->q_bow[i] : 0);
}

// Where the hand will be when the joint it holds is at its place: the door takes the hand along.
static struct et_pose with_joint(struct et_trainer *t, const struct et__arm *arm, double u)
{
    const mjModel *m = t->world->model;
    struct et__reach *r = &t->reach;
    r->scratch->qpos[m->jnt_qposadr[arm->joint]] =
        arm->joint_from + u * (arm->joint_to - arm->joint_from);
    et__reach_forward(r);
    struct et_pose at =
        et_pose_mul(et__body_pose(r->scratch, m->jnt_bodyid[arm->joint]), arm->relative);
    at.rotation = et_quat_slerp(arm->from.rotation, at.rotation, arm->turn);
    return at;
}

static struct et_pose with_body(const struct et__arm *arm, double u)
{
    const struct et_pose object = {
        between(arm->object_from.position, arm->object_to.position, u),
        et_quat_slerp(arm->object_from.rotation, arm->object_to.rotation, u)};
    return et_pose_mul(object, arm->relative);
}

/* Ornstein and Uhlenbeck 1930: a slow wandering of 0.3 s; and the tremor of a held hand. Hands that
 * hold something together or move a door wander less. */
static void wander(struct et_trainer *t, struct et__arm *arm, struct et_pose *at)
{
    const double share = arm->mode == ET__WITH_BODY ? 0.3 : arm->mode == ET__WITH_JOINT ? 0.5 : 1;
    const double kick = t->style.drift_m * sqrt(2 * STEP_S / DRIFT_S);
    double v[3];
    for (size_t i = 0; i < 3; i++) {
        arm->drift[i] += -arm->drift[i] * STEP_S / DRIFT_S + kick * et__random_normal(&t->random);
        v[i] = arm->drift[i] +
               t->style.tremor_m * sin(2 * mjPI * TREMOR_HZ * t->world->data->time + (double)i);
    }
    add(&at->position, v, share);
}

// Pulls the elbow to where the goal's solution has it, late in the way.
static void pull_elbow(struct et_trainer *t, enum et__side side, const double *planned)
{
    struct et__arm *arm = &t->arms[side];
    const double late = arm->t_s / arm->duration_s;
    const double u = late < 0.6 ? 0 : et__minimum_jerk((late - 0.6) / 0.4);
    const double share = 0.3 * u * u + (late >= 1 ? 0.7 : 0);
    for (size_t i = 0; i < t->world->hands[side].n_joints; i++)
        arm->q[i] +=
            mju_clip(share * (planned[i] - arm->q[i]), -t->step_max[side][i], t->step_max[side][i]);
}

static bool has_pushed(const struct et_trainer *t, enum et__side side)
{
    const struct et__arm *arm = &t->arms[side];
    const double *now =
        t->world->rows.wrench + (ET_WORLD_TICKS - 1) * ET_WORLD_WRENCH_VALUES + 6 * (size_t)side;
    return arm->push_n > 0 && mju_dist3(now, arm->force) > arm->push_n;
}

static void stop_here(struct et_trainer *t, enum et__side side)
{
    struct et__arm *arm = &t->arms[side];
    arm->from = arm->to = et__reach_tcp(&t->reach, side);
    arm->t_s = arm->duration_s;
    arm->push_n = 0;
}

// Time passes, but for a hesitation, and where a hand has left its way.
static void go_on(struct et__arm *arm)
{
    if (arm->is_astray)
        return;
    if (arm->stop_s > 0 && arm->t_s >= arm->stop_at_s)
        arm->stop_s -= STEP_S;
    else
        arm->t_s += STEP_S;
}

/* A way by joints is left where it stands: the hand goes beside it by reaching. */
static void go_astray(struct et_trainer *t, enum et__side side, double *planned)
{
    struct et__arm *arm = &t->arms[side];
    et__reach_solve(&t->reach, side, planned, NULL, 0, planned, 0); // puts the arm there
    struct et_pose at = et__reach_tcp(&t->reach, side);
    add(&at.position, arm->astray, 1);
    et__reach_solve(&t->reach, side, arm->q, &at, 2, planned, 0.08);
}

bool et__arm_move(struct et_trainer *t, enum et__side side)
{
    struct et__arm *arm = &t->arms[side];
    const size_t n = t->world->hands[side].n_joints;
    if (arm->mode == ET__STAY)
        return false;
    if (has_pushed(t, side))
        stop_here(t, side);
    go_on(arm);
    const double u = et__minimum_jerk(arm->t_s / arm->duration_s);
    bool is_busy = arm->t_s < arm->duration_s;
    double planned[ET__ARM_JOINTS_MAX];
    et__arm_planned(t, side, u, planned);
    if (arm->is_astray && arm->goes_by_joints) {
        go_astray(t, side, planned);
        return true;
    }
    if (arm->mode == ET__TO_JOINTS || arm->goes_by_joints) {
        mju_copy(arm->q, planned, (int)n);
        if (!is_busy && arm->mode != ET__TO_JOINTS)
            arm->goes_by_joints = false; // the rest by reaching
        return is_busy;
    }
    struct et_pose at = arm->mode == ET__WITH_JOINT  ? with_joint(t, arm, u)
                        : arm->mode == ET__WITH_BODY ? with_body(arm, u)
                                                     : et__arm_pose(arm, u);
    if (arm->mode != ET__TO_POSE)
        arm->to = at;
    wander(t, arm, &at);
    if (arm->residual_m < REACHABLE_M)
        pull_elbow(t, side, planned);
    et__reach_solve(&t->reach, side, arm->q, &at, 2, planned, 0.08);
    const double late_s = arm->t_s - arm->duration_s;
    const bool has_miss = mju_norm3(arm->miss) > 0;
    is_busy = is_busy || (has_miss && late_s < CORRECTION_S);
    return is_busy || (late_s < SETTLE_S && arm->residual_m < REACHABLE_M &&
                       t->reach.residual_m > NEAR_ENOUGH_M);
}

#include "world/world__trainer.h"

#include <math.h>

#define DAMPING 4e-4
#define ROTATION_WEIGHT 0.25 // m/rad: a turn of 4 rad counts as a metre
#define STEP_M_MAX 0.05      // of the error that one step takes on
#define STEP_RAD_MAX 0.2
#define STEP_JOINT_MAX 0.04   // rad
#define LIMIT_MARGIN_RAD 0.02 // that joints keep from their limits
#define EASY_MARGIN_RAD 0.15  // nearer to a limit costs
#define TRIES 16
#define GOOD_M 0.002

/* ---- poses ---- */

// MuJoCo's quaternions are w x y z.
static struct et_pose pose_of(const double p[3], const double q[4])
{
    return (struct et_pose){{p[0], p[1], p[2]}, {q[1], q[2], q[3], q[0]}};
}

struct et_pose et__site_pose(const mjData *d, int site)
{
    double q[4];
    mju_mat2Quat(q, d->site_xmat + 9 * site);
    return pose_of(d->site_xpos + 3 * site, q);
}

struct et_pose et__body_pose(const mjData *d, int body)
{
    return pose_of(d->xpos + 3 * body, d->xquat + 4 * body);
}

struct et_pose et__reach_tcp(const struct et__reach *r, enum et__side side)
{
    const struct et__hand_ids *hand = &r->world->hands[side];
    if (hand->tcp >= 0)
        return et__site_pose(r->scratch, hand->tcp);
    return et_pose_mul(et__body_pose(r->scratch, hand->palm),
                       (struct et_pose){hand->point, {0, 0, 0, 1}});
}

void et__reach_forward(struct et__reach *r)
{
    mj_kinematics(r->world->model, r->scratch);
}

void et__reach_place(struct et__reach *r, const double *action)
{
    const struct et_world *w = r->world;
    mju_copy(r->scratch->qpos, w->data->qpos, w->model->nq);
    for (size_t i = 0; i < w->robot->n_joints; i++)
        if (i != w->robot->hands[ET__LEFT].i_hand && i != w->robot->hands[ET__RIGHT].i_hand)
            r->scratch->qpos[w->joint_ids[i].qpos] = action[i];
    et__reach_forward(r);
}

/* ---- one step ---- */

static void shorten(double v[3], double most)
{
    const double n = mju_norm3(v);
    if (n > most)
        mju_scl3(v, v, most / n);
}

// What is left to the goal: m and, as a rotation vector, rad.
static void find_error(struct et__reach *r, enum et__side side, const struct et_pose *goal,
                       double error[6])
{
    const struct et_pose at = et__reach_tcp(r, side);
    const struct et_vec3 away = et_vec3_sub(goal->position, at.position);
    struct et_quat turn = et_quat_mul(goal->rotation, et_quat_conj(at.rotation));
    if (turn.w < 0)
        turn = (struct et_quat){-turn.x, -turn.y, -turn.z, -turn.w};
    const double q[4] = {turn.w, turn.x, turn.y, turn.z};
    error[0] = away.x;
    error[1] = away.y;
    error[2] = away.z;
    mju_quat2Vel(error + 3, q, 1);
    r->residual_m = mju_norm3(error);
    r->residual_rad = mju_norm3(error + 3);
    shorten(error, STEP_M_MAX);
    shorten(error + 3, STEP_RAD_MAX);
}

static double limit_low(const struct et_world *w, enum et__side side, size_t i)
{
    return w->joints[w->robot->hands[side].first_joint + i].lower + LIMIT_MARGIN_RAD;
}

static double limit_high(const struct et_world *w, enum et__side side, size_t i)
{
    return w->joints[w->robot->hands[side].first_joint + i].upper - LIMIT_MARGIN_RAD;
}

struct step {
    double a[6][ET__ARM_JOINTS_MAX]; // weighted Jacobian
    double g[36];                    // a aᵀ + damping
};

static void weigh(struct et__reach *r, enum et__side side, struct step *s)
{
    const struct et__hand_ids *hand = &r->world->hands[side];
    const size_t nv = (size_t)r->world->model->nv;
    const struct et_vec3 at = et__reach_tcp(r, side).position;
    const double point[3] = {at.x, at.y, at.z};
    const int body = hand->tcp >= 0 ? r->world->model->site_bodyid[hand->tcp] : hand->palm;
    mj_jac(r->world->model, r->scratch, r->jacobian, r->jacobian + 3 * nv, point, body);
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < hand->n_joints; k++)
            s->a[i][k] = (i < 3 ? 1 : ROTATION_WEIGHT) * r->jacobian[i * nv + (size_t)hand->dof[k]];
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++) {
            s->g[i * 6 + j] = i == j ? DAMPING : 0;
            for (size_t k = 0; k < hand->n_joints; k++)
                s->g[i * 6 + j] += s->a[i][k] * s->a[j][k];
        }
    }
}

static void step(struct et__reach *r, enum et__side side, double *q, const struct et_pose *goal,
                 const double *pull, double gain)
{
    const struct et__hand_ids *hand = &r->world->hands[side];
    struct step s;
    double error[6], z[ET__ARM_JOINTS_MAX], x[6];
    find_error(r, side, goal, error);
    mj_comPos(r->world->model, r->scratch);
    weigh(r, side, &s);
    (void)mju_cholFactor(s.g, 6, 1e-12);
    for (size_t k = 0; k < hand->n_joints; k++)
        z[k] = gain * (pull[k] - q[k]);
    for (size_t i = 0; i < 6; i++) {
        x[i] = (i < 3 ? 1 : ROTATION_WEIGHT) * error[i];
        for (size_t k = 0; k < hand->n_joints; k++)
            x[i] -= s.a[i][k] * z[k];
    }
    mju_cholSolve(x, s.g, x, 6);
    for (size_t k = 0; k < hand->n_joints; k++) {
        double dq = z[k];
        for (size_t i = 0; i < 6; i++)
            dq += s.a[i][k] * x[i];
        q[k] += mju_clip(dq, -STEP_JOINT_MAX, STEP_JOINT_MAX);
        q[k] = mju_clip(q[k], limit_low(r->world, side, k), limit_high(r->world, side, k));
        r->scratch->qpos[hand->qpos[k]] = q[k];
    }
}

static void put_arm(struct et__reach *r, enum et__side side, const double *q)
{
    const struct et__hand_ids *hand = &r->world->hands[side];
    for (size_t k = 0; k < hand->n_joints; k++)
        r->scratch->qpos[hand->qpos[k]] = q[k];
    et__reach_forward(r);
}

void et__reach_solve(struct et__reach *r, enum et__side side, double *q, const struct et_pose *goal,
                     int n_steps, const double *pull, double gain)
{
    put_arm(r, side, q);
    for (int i = 0; i < n_steps; i++) {
        step(r, side, q, goal, pull, gain);
        et__reach_forward(r);
    }
}

/* ---- a goal ---- */

// Random elbows: first around home, then anywhere.
static void guess(const struct et_world *w, enum et__side side, const double *home, int i_try,
                  struct et__random *random, double *q)
{
    for (size_t k = 0; k < w->hands[side].n_joints; k++) {
        const double low = limit_low(w, side, k), high = limit_high(w, side, k);
        const double middle = i_try < TRIES / 2 ? home[k] : (low + high) / 2;
        q[k] = mju_clip(middle + 0.25 * (high - low) * et__random_normal(random), low, high);
    }
}

static double cost_of(const struct et__reach *r, enum et__side side, const double *q,
                      const double *from, double *tight)
{
    const struct et_world *w = r->world;
    const double residual = r->residual_m + 0.1 * r->residual_rad;
    double far = 0;
    *tight = 0;
    for (size_t k = 0; k < w->hands[side].n_joints; k++) {
        const double room =
            mju_min(q[k] - limit_low(w, side, k), limit_high(w, side, k) - q[k]) + LIMIT_MARGIN_RAD;
        *tight += room < EASY_MARGIN_RAD ? EASY_MARGIN_RAD - room : 0;
        far += fabs(q[k] - from[k]);
    }
    return (residual < GOOD_M ? 0 : 20 * residual) + 0.05 * *tight + 0.02 * far;
}

void et__reach_goal(struct et__reach *r, enum et__side side, const double *q, const double *home,
                    const struct et_pose *goal, struct et__random *random, double *best,
                    double *residual_m)
{
    const int n = (int)r->world->hands[side].n_joints;
    double least = mjMAXVAL;
    for (int i = 0; i < TRIES; i++) {
        double x[ET__ARM_JOINTS_MAX], tight;
        mju_copy(x, q, n);
        if (i > 0)
            guess(r->world, side, home, i, random, x);
        et__reach_solve(r, side, x, goal, 80, home, 0.01);
        et__reach_solve(r, side, x, goal, 15, x, 0);
        const double residual = r->residual_m + 0.1 * r->residual_rad;
        const double cost = cost_of(r, side, x, q, &tight);
        if (cost < least) {
            least = cost;
            *residual_m = residual;
            mju_copy(best, x, n);
        }
        if (i == 0 && residual < GOOD_M && tight < 0.4)
            break;
    }
    put_arm(r, side, q);
}

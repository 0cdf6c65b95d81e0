/* What a phase's actions ask for becomes ways of the arms. */
#include "world/world__trainer.h"

#include <math.h>

#define SPEED_M_S 0.45  // of a hand, where the file says nothing
#define TURN_RAD_S 1.8  // of a hand
#define JOINT_RAD_S 1.5 // of an arm that goes by joints
#define PRESS_M_S 0.06
#define PRESS_BEYOND_M 0.03 // that pressing goes on behind the site
#define PEAK 1.9            // peak speed of minimum jerk over its mean (1.875)
#define GRIP_S 0.25
#define WAIST_RAD_S 0.5
#define LIFT_M_S 0.12
#define WAY_STEPS 60
#define OUT_OF_REACH_M 0.008

/* ---- where to ---- */

// The turn about the vertical that a pose has.
static struct et_quat yaw_of(struct et_quat q)
{
    struct et_vec3 x = et_quat_rotate(q, (struct et_vec3){1, 0, 0});
    double yaw = atan2(x.y, x.x);
    if (hypot(x.x, x.y) < 0.3) { // x stands upright: by y
        x = et_quat_rotate(q, (struct et_vec3){0, 1, 0});
        yaw = atan2(-x.x, x.y);
    }
    return et_quat_from_axis_angle((struct et_vec3){0, 0, 1}, yaw);
}

static struct et_vec3 vec(const double v[3])
{
    return (struct et_vec3){v[0], v[1], v[2]};
}

static struct et_quat from_axes(struct et_vec3 closing, struct et_vec3 approach)
{
    struct et_vec3 x = et_vec3_cross(closing, approach);
    x = et_vec3_scale(x, 1 / fmax(et_vec3_norm(x), 1e-9));
    const struct et_vec3 y = et_vec3_cross(approach, x);
    const double matrix[9] = {x.x, y.x, approach.x, x.y, y.y, approach.y, x.z, y.z, approach.z};
    double q[4];
    mju_mat2Quat(q, matrix);
    return (struct et_quat){q[1], q[2], q[3], q[0]};
}

// A gripper is the same turned by 180°: the way round that is nearer.
static struct et_quat find_rotation(const struct et__action *a, struct et_quat frame,
                                    struct et_quat now)
{
    struct et_vec3 z = vec(a->approach), y = vec(a->closing);
    if (a->is_relative) {
        z = et_quat_rotate(frame, z);
        y = et_quat_rotate(frame, y);
    }
    const struct et_quat yaw = et_quat_from_axis_angle((struct et_vec3){0, 0, 1}, a->yaw_rad);
    y = et_quat_rotate(yaw, y);
    z = et_quat_rotate(yaw, z);
    z = et_quat_rotate(et_quat_from_axis_angle(y, a->pitch_rad), z);
    const struct et_quat one = from_axes(y, z), other = from_axes(et_vec3_scale(y, -1), z);
    return et_quat_angle_rad(one, now) <= et_quat_angle_rad(other, now) ? one : other;
}

static struct et_pose find_goal(struct et_trainer *t, const struct et__arm *arm,
                                const struct et__action *a, const struct et__action_ids *ids,
                                enum et__side side)
{
    const mjData *d = t->world->data;
    const struct et_pose at = ids->target >= 0 ? et__site_pose(d, ids->target) : arm->from;
    const struct et_quat frame = yaw_of(at.rotation);
    struct et_pose goal = {at.position, arm->from.rotation};
    if (a->has_direction)
        goal.rotation = find_rotation(a, frame, arm->from.rotation);
    const struct et_vec3 off = a->is_relative ? et_quat_rotate(frame, vec(a->off)) : vec(a->off);
    goal.position = et_vec3_add(goal.position, off);
    if (ids->holding >= 0) { // what is held shall come there, not the hand
        const struct et_pose hand = et__site_pose(d, t->world->hands[side].tcp);
        const struct et_pose held =
            et_pose_mul(et_pose_inverse(hand), et__site_pose(d, ids->holding));
        goal.position = et_vec3_sub(goal.position, et_quat_rotate(goal.rotation, held.position));
    }
    if (a->verb == ET__PRESS)
        goal.position = et_vec3_add(
            goal.position, et_quat_rotate(goal.rotation, (struct et_vec3){0, 0, PRESS_BEYOND_M}));
    if (a->verb == ET__RETREAT)
        goal.position = et_vec3_add(
            goal.position, et_quat_rotate(goal.rotation, (struct et_vec3){0, 0, -a->value}));
    const double aim = t->style.aim_m;
    goal.position =
        et_vec3_add(goal.position, (struct et_vec3){aim * et__random_normal(&t->random),
                                                    aim * et__random_normal(&t->random),
                                                    aim * et__random_normal(&t->random)});
    return goal;
}

/* ---- how ---- */

static double speed_of(const struct et_trainer *t, const struct et__action *a, double otherwise)
{
    return (a->speed > 0 ? a->speed : otherwise) * (t->style.speed > 0 ? t->style.speed : 1);
}

static double spread(struct et_trainer *t)
{
    const double s = t->style.speed_spread;
    return 1 + et__random_even(&t->random, -0.75 * s, 1.25 * s);
}

// From the posture that is wanted; ways begin at the one that is.
static void reach(struct et_trainer *t, enum et__side side, const struct et_pose *goal)
{
    struct et__arm *arm = &t->arms[side];
    arm->goal = *goal;
    arm->has_goal = true;
    mju_copy(arm->q_from, arm->q, ET__ARM_JOINTS_MAX);
    et__trainer_place(t, true);
    et__reach_goal(&t->reach, side, arm->q, t->home[side], goal, &t->random, arm->q_to,
                   &arm->residual_m);
    et__trainer_place(t, false);
}

// Whether the straight way can be followed, drawn to the wanted joints, or with the elbow as it is:
// tried in the copy, without physics. These joints then are where it ends.
static bool can_follow(struct et_trainer *t, enum et__side side, bool is_drawn)
{
    struct et__arm *arm = &t->arms[side];
    const size_t n = t->world->hands[side].n_joints;
    double q[ET__ARM_JOINTS_MAX] = {0}, planned[ET__ARM_JOINTS_MAX];
    mju_copy(q, arm->q, (int)n);
    for (int i = 1; i <= WAY_STEPS; i++) {
        const double u = et__minimum_jerk(i / (WAY_STEPS - 10.0));
        struct et_pose at = arm->to;
        at.position =
            et_vec3_add(arm->from.position,
                        et_vec3_scale(et_vec3_sub(arm->to.position, arm->from.position), u));
        at.rotation = et_quat_slerp(arm->from.rotation, arm->to.rotation, u);
        for (size_t k = 0; k < n; k++) {
            planned[k] = is_drawn ? arm->q_from[k] + u * (arm->q_to[k] - arm->q_from[k]) : q[k];
            if (is_drawn && i > WAY_STEPS - 10)
                q[k] += mju_clip(planned[k] - q[k], -0.03, 0.03);
        }
        et__reach_solve(&t->reach, side, q, &at, 4, planned, 0.08);
    }
    if (t->reach.residual_m >= 0.02 || t->reach.residual_rad >= 0.15)
        return false;
    if (!is_drawn)
        mju_copy(arm->q_to, q, (int)n);
    return true;
}

static double furthest_joint(const struct et_trainer *t, enum et__side side)
{
    const struct et__arm *arm = &t->arms[side];
    double most = 0;
    for (size_t k = 0; k < t->world->hands[side].n_joints; k++)
        most = fmax(most, fabs(arm->q_to[k] - arm->q_from[k]));
    return most;
}

static void stray(struct et_trainer *t, struct et__arm *arm, double length, double via)
{
    const bool is_free = via > 0 || length > 0.15;
    arm->bow[2] = via;
    for (size_t i = 0; i < 3; i++)
        arm->bow[i] +=
            t->style.curve * length * et__random_normal(&t->random) * (is_free ? 1 : 0.3);
    if (is_free && et__random_even(&t->random, 0, 1) < t->style.hesitation) {
        arm->stop_s = et__random_even(&t->random, 0.3, 0.9);
        arm->stop_at_s = arm->duration_s * et__random_even(&t->random, 0.3, 0.8);
    }
    if (is_free && et__random_even(&t->random, 0, 1) < t->style.correction)
        for (size_t i = 0; i < 2; i++) // to the side, not into the table
            arm->miss[i] = 0.015 * et__random_normal(&t->random);
}

static void begin_pose(struct et_trainer *t, enum et__side side, const struct et__action *a,
                       const struct et__action_ids *ids)
{
    struct et__arm *arm = &t->arms[side];
    arm->mode = ET__TO_POSE;
    arm->to = find_goal(t, arm, a, ids, side);
    et__mishap_aim(t, side, ids->target, &arm->to);
    reach(t, side, &arm->to);
    arm->goes_by_joints = arm->residual_m < 0.01 && a->verb == ET__MOVE &&
                          !can_follow(t, side, true) && !can_follow(t, side, false);
    et__trainer_place(t, false);
    const double length = et_vec3_norm(et_vec3_sub(arm->to.position, arm->from.position));
    const double angle = et_quat_angle_rad(arm->to.rotation, arm->from.rotation);
    const double speed = speed_of(t, a, a->verb == ET__PRESS ? PRESS_M_S : SPEED_M_S);
    double s = fmax(0.35, fmax(PEAK * length / speed, PEAK * angle / TURN_RAD_S));
    arm->is_free = a->verb == ET__MOVE;
    if (arm->goes_by_joints)
        s = fmax(s, PEAK * furthest_joint(t, side) / JOINT_RAD_S);
    arm->duration_s = s * spread(t);
    if (a->verb == ET__PRESS) {
        arm->push_n = a->value;
        mju_copy3(arm->force, t->world->rows.wrench +
                                  (ET_WORLD_TICKS - 1) * ET_WORLD_WRENCH_VALUES + 6 * (size_t)side);
    } else {
        stray(t, arm, length, a->via);
    }
}

static void begin_joint(struct et_trainer *t, enum et__side side, const struct et__action *a,
                        const struct et__action_ids *ids)
{
    const mjModel *m = t->world->model;
    struct et__arm *arm = &t->arms[side];
    mjData *scratch = t->reach.scratch;
    double *q = &scratch->qpos[m->jnt_qposadr[ids->target]];
    const int body = m->jnt_bodyid[ids->target];
    arm->mode = ET__WITH_JOINT;
    arm->joint = ids->target;
    arm->joint_from = *q;
    arm->joint_to = a->value;
    arm->turn = a->turn;
    arm->relative = et_pose_mul(et_pose_inverse(et__body_pose(scratch, body)), arm->from);
    const struct et_vec3 anchor = {scratch->xanchor[3 * ids->target],
                                   scratch->xanchor[3 * ids->target + 1],
                                   scratch->xanchor[3 * ids->target + 2]};
    const double radius = m->jnt_type[ids->target] == mjJNT_HINGE
                              ? et_vec3_norm(et_vec3_sub(arm->from.position, anchor))
                              : 1;
    *q = arm->joint_to;
    et__reach_forward(&t->reach);
    struct et_pose goal = et_pose_mul(et__body_pose(scratch, body), arm->relative);
    goal.rotation = et_quat_slerp(arm->from.rotation, goal.rotation, arm->turn);
    *q = arm->joint_from;
    reach(t, side, &goal);
    arm->duration_s = fmax(0.4, PEAK * fabs(arm->joint_to - arm->joint_from) * fmax(radius, 0.15) /
                                    (0.6 * speed_of(t, a, SPEED_M_S))) *
                      spread(t);
}

static void begin_body(struct et_trainer *t, enum et__side side, const struct et__action *a,
                       const struct et__action_ids *ids)
{
    struct et__arm *arm = &t->arms[side];
    const mjData *d = t->world->data;
    arm->mode = ET__WITH_BODY;
    arm->object_from = arm->object_to = et__body_pose(d, ids->target);
    if (ids->holding >= 0) // `to SITE`
        arm->object_to.position = et_vec3_add(et__site_pose(d, ids->holding).position, vec(a->off));
    arm->object_to.position = et_vec3_add(arm->object_to.position, vec(a->by));
    arm->object_to.rotation = et_quat_mul(
        et_quat_from_axis_angle((struct et_vec3){0, 0, 1}, a->yaw_rad), arm->object_from.rotation);
    arm->relative = et_pose_mul(et_pose_inverse(arm->object_from), arm->from);
    const double length =
        et_vec3_norm(et_vec3_sub(arm->object_to.position, arm->object_from.position));
    arm->duration_s =
        fmax(0.5, fmax(PEAK * length / speed_of(t, a, SPEED_M_S), 2 * fabs(a->yaw_rad)));
    const struct et_pose goal = et_pose_mul(arm->object_to, arm->relative);
    reach(t, side, &goal);
}

static void begin_tuck(struct et_trainer *t, enum et__side side, const struct et__action *a)
{
    struct et__arm *arm = &t->arms[side];
    arm->mode = ET__TO_JOINTS;
    mju_copy(arm->q_from, arm->q, ET__ARM_JOINTS_MAX);
    mju_copy(arm->q_to, t->home[side], ET__ARM_JOINTS_MAX);
    arm->duration_s = fmax(0.5, PEAK * furthest_joint(t, side) / (JOINT_RAD_S * speed_of(t, a, 1)));
}

void et__grip_begin(struct et_trainer *t, enum et__side side, const struct et__action *a)
{
    const struct et__robot_hand *hand = &t->world->robot->hands[side];
    struct et__arm *arm = &t->arms[side];
    arm->grip_from = arm->grip;
    arm->grip_to = isnan(a->value) ? hand->open_m
                   : a->value < 0  ? hand->close_m
                                   : fmin(a->value, hand->open_m);
    arm->grip_t_s = 0;
    arm->grip_duration_s = GRIP_S * spread(t);
}

static void begin_posture(struct et_trainer *t, const struct et__action *a, int i)
{
    if (i < 0)
        return;
    const double speed =
        t->world->joints[t->world->robot->postures[i].i_joint].part == ET_PART_WAIST &&
                a->posture.text[0] == 'l'
            ? LIFT_M_S
            : WAIST_RAD_S;
    t->posture_from[i] = t->posture[i];
    t->posture_to[i] = a->value * t->world->robot->postures[i].scale;
    const double s = fmax(0.4, PEAK * fabs(t->posture_to[i] - t->posture[i]) / speed);
    if (t->posture_t_s < 0 || s > t->posture_duration_s)
        t->posture_duration_s = s;
    t->posture_t_s = 0;
}

static void begin_arm(struct et_trainer *t, enum et__side side, const struct et__action *a,
                      const struct et__action_ids *ids)
{
    struct et__arm *arm = &t->arms[side];
    if (a->verb == ET__GRIP) {
        et__grip_begin(t, side, a);
        return;
    }
    arm->from = et__reach_tcp(&t->reach, side);
    arm->t_s = arm->stop_s = arm->push_n = 0;
    arm->goes_by_joints = arm->is_astray = arm->is_free = false;
    mju_zero3(arm->astray);
    mju_zero3(arm->bow);
    mju_zero(arm->q_bow, ET__ARM_JOINTS_MAX);
    mju_zero3(arm->miss);
    if (a->verb == ET__FOLLOW)
        begin_joint(t, side, a, ids);
    else if (a->verb == ET__CARRY)
        begin_body(t, side, a, ids);
    else if (a->verb == ET__TUCK)
        begin_tuck(t, side, a);
    else
        begin_pose(t, side, a, ids);
}

/* ---- the waist ---- */

static int find_posture(const struct et_trainer *t, const char *name)
{
    const struct et__robot *robot = t->world->robot;
    for (size_t i = 0; i < robot->n_postures; i++)
        if (et_str_eq(et_str(robot->postures[i].name), et_str(name)))
            return (int)i;
    return -1;
}

static double clip_posture(const struct et_trainer *t, int i, double x)
{
    const struct et_world_joint *joint = &t->world->joints[t->world->robot->postures[i].i_joint];
    return mju_clip(x, fmax(joint->lower, -1.2), fmin(joint->upper, 1.2));
}

// The worse residual of the hands with goals, at the posture that is wanted.
static double try_posture(struct et_trainer *t)
{
    double worst = 0;
    for (int side = ET__LEFT; side <= ET__RIGHT; side++) {
        struct et__arm *arm = &t->arms[side];
        if (!arm->has_goal)
            continue;
        const struct et_pose goal = arm->goal;
        reach(t, (enum et__side)side, &goal);
        worst = fmax(worst, arm->residual_m);
    }
    return worst;
}

/* When a hand cannot reach its goal, the trunk turns or leans such that every moving hand can. */
static void help_with_waist(struct et_trainer *t)
{
    static const double YAWS[] = {0, .25, -.25, .5, -.5, .75, -.75}, PITCHES[] = {0, .2, .4};
    const int yaw = find_posture(t, "waist_yaw"), pitch = find_posture(t, "waist_pitch");
    if (yaw < 0)
        return;
    const double yaw_now = t->posture[yaw], pitch_now = pitch < 0 ? 0 : t->posture[pitch];
    double best_yaw = yaw_now, best_pitch = pitch_now, least = mjMAXVAL;
    t->posture_t_s = 0;
    for (size_t p = 0; p < (pitch < 0 ? 1 : 3); p++) {
        for (size_t y = 0; y < 7 && least > 0.01; y++) {
            t->posture_to[yaw] = clip_posture(t, yaw, yaw_now + YAWS[y]);
            if (pitch >= 0)
                t->posture_to[pitch] = mju_clip(pitch_now + PITCHES[p], 0, 0.6);
            const double worst = try_posture(t);
            if (worst < least) {
                least = worst;
                best_yaw = t->posture_to[yaw];
                best_pitch = pitch < 0 ? 0 : t->posture_to[pitch];
            }
        }
    }
    t->posture_from[yaw] = yaw_now;
    t->posture_to[yaw] = best_yaw;
    double most = fabs(best_yaw - yaw_now);
    if (pitch >= 0) {
        t->posture_from[pitch] = pitch_now;
        t->posture_to[pitch] = best_pitch;
        most = fmax(most, fabs(best_pitch - pitch_now));
    }
    t->posture_duration_s = fmax(0.5, PEAK * most / WAIST_RAD_S);
    (void)try_posture(t);
    for (size_t i = 0; i < 2; i++) {
        struct et__arm *arm = &t->arms[i];
        if (!arm->has_goal)
            continue;
        arm->duration_s = fmax(arm->duration_s, t->posture_duration_s);
        arm->goes_by_joints = false;
    }
}

/* ---- a phase ---- */

static void clear_ways(struct et_trainer *t)
{
    for (int side = ET__LEFT; side <= ET__RIGHT; side++) {
        struct et__arm *arm = &t->arms[side];
        const bool was_by_joints = arm->goes_by_joints;
        if (!arm->has_goal || !arm->is_free)
            continue;
        et__way_clear(t, (enum et__side)side);
        if (arm->goes_by_joints && !was_by_joints)
            arm->duration_s =
                fmax(arm->duration_s, PEAK * furthest_joint(t, (enum et__side)side) / JOINT_RAD_S);
    }
}

static void begin_action(struct et_trainer *t, const struct et__action *a,
                         const struct et__action_ids *ids)
{
    if (a->verb == ET__HOLD) {
        t->hold_s = a->value;
        return;
    }
    for (int side = ET__LEFT; side <= ET__RIGHT; side++)
        if (a->verb == ET__CARRY || a->side == ET__BOTH || (int)a->side == side)
            begin_arm(t, (enum et__side)side, a, ids);
}

void et__phase_begin(struct et_trainer *t)
{
    const struct et__phase *phase = &t->world->skill->script->phases[t->state.i_phase];
    const struct et__phase_ids *ids = &t->phases[t->state.i_phase];
    bool has_posture = false, is_out_of_reach = false;
    t->phase_s = t->dwell_s = t->hold_s = 0;
    t->pause_s = t->style.pause_s > 0
                     ? et__random_even(&t->random, 0.1 * t->style.pause_s, t->style.pause_s)
                     : 0;
    // Postures first: hands reach from where the trunk will be.
    for (size_t i = 0; i < phase->n_actions; i++) {
        if (phase->actions[i].verb != ET__POSTURE)
            continue;
        has_posture = true;
        begin_posture(t, &phase->actions[i], ids->actions[i].posture);
    }
    et__trainer_place(t, false);
    for (size_t i = 0; i < phase->n_actions; i++)
        if (phase->actions[i].verb != ET__POSTURE)
            begin_action(t, &phase->actions[i], &ids->actions[i]);
    for (size_t i = 0; i < 2; i++)
        is_out_of_reach =
            is_out_of_reach || (t->arms[i].has_goal && t->arms[i].residual_m > OUT_OF_REACH_M);
    if (is_out_of_reach && !has_posture && phase->has_waist)
        help_with_waist(t);
    t->state.residual_m = 0;
    clear_ways(t);
    for (size_t i = 0; i < 2; i++) {
        if (t->arms[i].has_goal)
            t->state.residual_m = fmax(t->state.residual_m, t->arms[i].residual_m);
        t->arms[i].has_goal = false;
    }
}

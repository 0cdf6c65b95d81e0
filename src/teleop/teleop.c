#include "etude/teleop.h"

#include "etude/clock.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SMOOTHING_S 0.03
#define SPEED_SHARE 0.5
#define SPEED_RAD_S 1.0
#define HAND_M_S 1.0
#define HAND_RAD_S 3.0
#define FORCE_N 40.0
#define JUMP_M 0.3
#define JUMP_RAD 0.5
#define CLEARANCE_M 0.01
#define LEAD_M 0.1    // BY_SPEED: what is asked for is never farther ahead of the robot's hand
#define LEAD_RAD 0.3  // so that it stops, and turns back, when the person does
#define PART_RAD 0.01 // a step is looked at in parts, so that it goes through nothing
#define PARTS_MAX 8
#define HALVES 8 // the last part before a contact is tried down to this share of it
#define TRIES_MAX 16
#define CLOSE_NS \
    (ET_NS_PER_S / 5) // for so long it is told: an arm that slides along comes and goes
#define WATCHDOG_NS (150 * (ET_NS_PER_S / 1000))
#define DT_S_MAX 0.05
#define LATENCIES 1024

/* One arm. While it follows, its goal is where the robot's hand was when the clutch was pressed,
 * moved as the person's hand has moved since. */
struct arm {
    bool is_following;
    bool must_let_go;                // before it follows again
    struct et_teleop_hand hand_from; // of the person, when the clutch was pressed
    struct et_pose robot_from, goal; // BY_SPEED moves robot_from
    double joints_from[ET_TELEOP_ARM_JOINTS_MAX], joints_goal[ET_TELEOP_ARM_JOINTS_MAX];
    double heading_rad; // of the person, when the clutch was pressed
    double force_n, force_from_n;
    struct et_teleop_hand hand_last;
    bool has_last;
    double rest_m;
    bool is_kept; // from a contact
    int64_t t_kept_ns;
};

struct et_teleop {
    struct et_teleop_robot robot;
    struct et_teleop_options options;
    struct arm arms[ET_TELEOP_HANDS];
    double joints[ET_TELEOP_JOINTS_MAX]; // asked for
    double given[ET_TELEOP_JOINTS_MAX];  // the same, as the last step gave them
    double clearance_m;                  // of `joints`, while has_clearance
    bool has_clearance;
    struct et_teleop_input input;
    bool has_input, is_new; // new: no step has used it
    bool is_held;           // by the watchdog
    atomic_bool is_stopped, wants_reset;
    int64_t t_last_ns;  // of the last step; 0: none
    int64_t t_noted_ns; // arrival of the input whose latency was noted last
    struct et_teleop_status status;
    int64_t latencies_ns[LATENCIES];
    size_t n_latencies;
};

/* ---- opening ---- */

static double otherwise(double value, double usual)
{
    return value == 0 ? usual : value;
}

static void fill_in(struct et_teleop_options *o)
{
    o->scale = otherwise(o->scale, 1);
    o->smoothing_s = otherwise(o->smoothing_s, SMOOTHING_S);
    o->speed_share = otherwise(o->speed_share, SPEED_SHARE);
    o->speed_rad_s = otherwise(o->speed_rad_s, SPEED_RAD_S);
    o->hand_m_s_max = otherwise(o->hand_m_s_max, HAND_M_S);
    o->hand_rad_s_max = otherwise(o->hand_rad_s_max, HAND_RAD_S);
    o->force_n_max = otherwise(o->force_n_max, FORCE_N);
    o->jump_m = otherwise(o->jump_m, JUMP_M);
    o->jump_rad = otherwise(o->jump_rad, JUMP_RAD);
    o->clearance_m = otherwise(o->clearance_m, CLEARANCE_M);
    o->watchdog_ns = o->watchdog_ns ? o->watchdog_ns : WATCHDOG_NS;
}

static bool is_positive(double value)
{
    return isfinite(value) && value > 0;
}

static enum et_status check_options(const struct et_teleop_options *o, struct et_err *err)
{
    const struct {
        const char *name;
        double value;
    } all[] = {{"scale", o->scale},
               {"speed_share", o->speed_share},
               {"speed_rad_s", o->speed_rad_s},
               {"hand_m_s_max", o->hand_m_s_max},
               {"hand_rad_s_max", o->hand_rad_s_max},
               {"force_n_max", o->force_n_max},
               {"jump_m", o->jump_m},
               {"jump_rad", o->jump_rad},
               {"clearance_m", o->clearance_m},
               {"watchdog_ns", (double)o->watchdog_ns}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!is_positive(all[i].value))
            return et_fail(err, ET_EARG, -1, "teleoperation: %s is to be above 0", all[i].name);
    return o->speed_share <= 1
               ? ET_OK
               : et_fail(err, ET_EARG, -1, "teleoperation: speed_share is at most 1");
}

static enum et_status check_robot(const struct et_teleop_robot *r, struct et_err *err)
{
    if (r->n_joints == 0 || r->n_joints > ET_TELEOP_JOINTS_MAX)
        return et_fail(err, ET_EARG, -1, "a robot of %zu joints", r->n_joints);
    for (size_t i = 0; i < r->n_joints; i++)
        if (!(isfinite(r->lower[i]) && isfinite(r->upper[i]) && r->lower[i] <= r->upper[i]))
            return et_fail(err, ET_EARG, -1, "joint %zu has no limits", i);
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        const struct et_teleop_arm *a = &r->arms[i];
        if (a->first_joint > r->n_joints || a->n_joints > r->n_joints - a->first_joint ||
            (a->i_hand != SIZE_MAX && a->i_hand >= r->n_joints))
            return et_fail(err, ET_EARG, -1, "arm %zu has joints that the robot has not", i);
    }
    return ET_OK;
}

enum et_status et_teleop_open(struct et_teleop **teleop, const struct et_teleop_robot *robot,
                              const struct et_teleop_options *options, struct et_err *err)
{
    *teleop = NULL;
    struct et_teleop_options filled = options ? *options : (struct et_teleop_options){0};
    fill_in(&filled);
    enum et_status st = check_options(&filled, err);
    if (st == ET_OK)
        st = check_robot(robot, err);
    if (st != ET_OK)
        return st;
    struct et_teleop *t = calloc(1, sizeof *t);
    if (!t)
        return et_fail(err, ET_ENOMEM, -1, "no memory for teleoperation");
    t->robot = *robot;
    t->options = filled;
    *teleop = t;
    return ET_OK;
}

void et_teleop_close(struct et_teleop *t)
{
    free(t);
}

static double clip(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

void et_teleop_begin(struct et_teleop *t, const double *joints)
{
    for (size_t i = 0; i < t->robot.n_joints; i++) {
        const double middle = 0.5 * (t->robot.lower[i] + t->robot.upper[i]);
        t->joints[i] =
            isfinite(joints[i]) ? clip(joints[i], t->robot.lower[i], t->robot.upper[i]) : middle;
    }
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        t->arms[i] = (struct arm){.must_let_go = true, .force_n = (double)NAN};
    memcpy(t->given, t->joints, sizeof t->given);
    t->has_input = t->is_new = t->is_held = t->has_clearance = false;
    t->t_last_ns = t->t_noted_ns = 0;
}

/* ---- what comes in ---- */

static bool is_finite_pose(const struct et_pose *p)
{
    const struct et_quat q = p->rotation;
    const double n = q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w;
    return isfinite(p->position.x) && isfinite(p->position.y) && isfinite(p->position.z) &&
           isfinite(n) && n > 0.25 && n < 4;
}

static bool is_finite(struct et_vec3 v)
{
    return isfinite(v.x) && isfinite(v.y) && isfinite(v.z);
}

static bool is_good_hand(const struct et_teleop_hand *hand)
{
    if (!isfinite(hand->grip))
        return false;
    bool is_good = true;
    switch (hand->mode) {
    case ET_TELEOP_BY_JOINTS:
        for (size_t k = 0; k < ET_TELEOP_ARM_JOINTS_MAX; k++)
            is_good = is_good && isfinite(hand->joints[k]);
        break;
    case ET_TELEOP_BY_SPEED:
        is_good = is_finite(hand->speed_m_s) && is_finite(hand->turn_rad_s);
        break;
    case ET_TELEOP_BY_POSE:
    default:
        is_good = is_finite_pose(&hand->pose);
    }
    return is_good || !hand->is_tracked;
}

void et_teleop_input(struct et_teleop *t, const struct et_teleop_input *input)
{
    bool is_good = isfinite(input->heading_rad) &&
                   (!t->has_input || input->t_arrival_ns >= t->input.t_arrival_ns);
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        is_good = is_good && is_good_hand(&input->hands[i]);
    t->status.n_inputs++;
    if (!is_good) {
        t->status.n_passed_over++;
        return;
    }
    t->input = *input;
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        t->input.hands[i].pose.rotation = et_quat_normal(input->hands[i].pose.rotation);
    t->has_input = t->is_new = true;
}

void et_teleop_force(struct et_teleop *t, const double force_n[ET_TELEOP_HANDS])
{
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        t->arms[i].force_n = force_n[i];
}

void et_teleop_stop(struct et_teleop *t)
{
    atomic_store(&t->is_stopped, true);
    atomic_store(&t->wants_reset, false); // what was asked before the stop is not for it
}

void et_teleop_reset(struct et_teleop *t)
{
    if (atomic_load(&t->is_stopped))
        atomic_store(&t->wants_reset, true);
}

/* ---- following ---- */

// Of an arm's joints, how many can be led one by one.
static size_t n_led(const struct et_teleop *t, size_t i)
{
    const size_t n = t->robot.arms[i].n_joints;
    return n < ET_TELEOP_ARM_JOINTS_MAX ? n : ET_TELEOP_ARM_JOINTS_MAX;
}

static void engage(struct et_teleop *t, size_t i)
{
    struct arm *arm = &t->arms[i];
    const double *joints = t->joints + t->robot.arms[i].first_joint;
    arm->is_following = true;
    arm->hand_from = arm->hand_last = t->input.hands[i];
    arm->heading_rad = t->input.heading_rad;
    arm->robot_from = arm->goal = t->robot.pose(t->robot.ctx, t->joints, i);
    memcpy(arm->joints_from, joints, n_led(t, i) * sizeof *joints);
    memcpy(arm->joints_goal, joints, n_led(t, i) * sizeof *joints);
    arm->force_from_n = isfinite(arm->force_n) ? arm->force_n : 0;
    arm->has_last = true;
}

static void let_go(struct arm *arm, bool must_let_go)
{
    arm->is_following = false;
    arm->must_let_go = arm->must_let_go || must_let_go;
}

// What the person's hand has done since the clutch was pressed, as the robot's shall do it.
static struct et_pose wanted(const struct et_teleop *t, size_t i)
{
    const struct arm *arm = &t->arms[i];
    const struct et_pose now = t->input.hands[i].pose;
    const struct et_quat turn_back =
        et_quat_from_axis_angle((struct et_vec3){0, 0, 1}, -arm->heading_rad);
    const struct et_vec3 moved =
        et_quat_rotate(turn_back, et_vec3_sub(now.position, arm->hand_from.pose.position));
    const struct et_quat turned =
        et_quat_mul(now.rotation, et_quat_conj(arm->hand_from.pose.rotation));
    const struct et_quat turned_here =
        et_quat_mul(et_quat_mul(turn_back, turned), et_quat_conj(turn_back));
    return (struct et_pose){
        et_vec3_add(arm->robot_from.position, et_vec3_scale(moved, t->options.scale)),
        et_quat_normal(et_quat_mul(turned_here, arm->robot_from.rotation))};
}

// The goal goes towards what is wanted: smoothed, and no faster than a hand may.
static void move_goal(struct et_teleop *t, struct arm *arm, const struct et_pose *to, double dt_s)
{
    const struct et_teleop_options *o = &t->options;
    double share = o->smoothing_s > 0 ? 1 - exp(-dt_s / o->smoothing_s) : 1;
    const struct et_vec3 way = et_vec3_sub(to->position, arm->goal.position);
    const double far_m = et_vec3_norm(way) * share;
    const double far_rad = et_quat_angle_rad(arm->goal.rotation, to->rotation) * share;
    if (far_m > o->hand_m_s_max * dt_s)
        share *= o->hand_m_s_max * dt_s / far_m;
    double turn = share;
    if (far_rad > o->hand_rad_s_max * dt_s)
        turn = fmin(turn, share * o->hand_rad_s_max * dt_s / far_rad);
    arm->goal.position = et_vec3_add(arm->goal.position, et_vec3_scale(way, share));
    arm->goal.rotation = et_quat_slerp(arm->goal.rotation, to->rotation, turn);
}

static double speed_of(const struct et_teleop *t, size_t joint)
{
    const double known = t->robot.speed_max ? t->robot.speed_max[joint] : (double)NAN;
    return isfinite(known) && known > 0 ? known * t->options.speed_share : t->options.speed_rad_s;
}

// A joint on its way to where it shall be, within its limits and no faster than it may.
static double on_its_way(const struct et_teleop *t, size_t joint, double to, double dt_s)
{
    const double most = speed_of(t, joint) * dt_s, from = t->joints[joint];
    if (!isfinite(to))
        return from;
    return clip(from + clip(to - from, -most, most), t->robot.lower[joint], t->robot.upper[joint]);
}

// What is asked for goes on as the person says, but never far ahead of the robot's hand.
static struct et_pose go_on(struct et_teleop *t, size_t i, double dt_s)
{
    struct et_pose *asked = &t->arms[i].robot_from;
    const struct et_teleop_hand *hand = &t->input.hands[i];
    const struct et_pose at = t->robot.pose(t->robot.ctx, t->joints, i);
    const double step_s = dt_s * t->options.scale, rad_s = et_vec3_norm(hand->turn_rad_s);
    asked->position = et_vec3_add(asked->position, et_vec3_scale(hand->speed_m_s, step_s));
    if (rad_s > 0) {
        const struct et_vec3 axis = et_vec3_scale(hand->turn_rad_s, 1 / rad_s);
        const struct et_quat turn = et_quat_from_axis_angle(axis, rad_s * step_s);
        asked->rotation = et_quat_normal(et_quat_mul(turn, asked->rotation));
    }
    const struct et_vec3 ahead = et_vec3_sub(asked->position, at.position);
    const double ahead_m = et_vec3_norm(ahead);
    const double ahead_rad = et_quat_angle_rad(at.rotation, asked->rotation);
    if (ahead_m > LEAD_M)
        asked->position = et_vec3_add(at.position, et_vec3_scale(ahead, LEAD_M / ahead_m));
    if (ahead_rad > LEAD_RAD)
        asked->rotation = et_quat_slerp(at.rotation, asked->rotation, LEAD_RAD / ahead_rad);
    return *asked;
}

// next: the joints that bring the hand towards its goal.
static void follow_pose(struct et_teleop *t, size_t i, double dt_s, double *next)
{
    struct arm *arm = &t->arms[i];
    const struct et_teleop_arm *about = &t->robot.arms[i];
    const bool is_by_speed = t->input.hands[i].mode == ET_TELEOP_BY_SPEED;
    const struct et_pose to = is_by_speed ? go_on(t, i, dt_s) : wanted(t, i);
    move_goal(t, arm, &to, dt_s);
    arm->rest_m = t->robot.solve(t->robot.ctx, next, i, &arm->goal);
    for (size_t k = 0; k < about->n_joints; k++)
        next[about->first_joint + k] =
            on_its_way(t, about->first_joint + k, next[about->first_joint + k], dt_s);
}

// The hand is no faster than a hand may, whatever its joints may.
static void slow_hand(struct et_teleop *t, size_t i, double dt_s, double *next)
{
    const struct et_teleop_options *o = &t->options;
    const struct et_teleop_arm *about = &t->robot.arms[i];
    const struct et_pose at = t->robot.pose(t->robot.ctx, t->joints, i);
    for (int n_tries = 0; n_tries < 4; n_tries++) { // a hand's way is almost straight
        const struct et_pose to = t->robot.pose(t->robot.ctx, next, i);
        const double m = et_vec3_norm(et_vec3_sub(to.position, at.position));
        const double rad = et_quat_angle_rad(to.rotation, at.rotation);
        const double over = fmax(m / (o->hand_m_s_max * dt_s), rad / (o->hand_rad_s_max * dt_s));
        if (!(over > 1))
            return;
        for (size_t k = about->first_joint; k < about->first_joint + about->n_joints; k++)
            next[k] = t->joints[k] + (next[k] - t->joints[k]) / (1.01 * over);
    }
}

static void follow_joints(struct et_teleop *t, size_t i, double dt_s, double *next)
{
    struct arm *arm = &t->arms[i];
    const struct et_teleop_options *o = &t->options;
    const size_t first = t->robot.arms[i].first_joint;
    const double share = o->smoothing_s > 0 ? 1 - exp(-dt_s / o->smoothing_s) : 1;
    const double *from = arm->hand_from.joints, *now = t->input.hands[i].joints;
    for (size_t k = 0; k < n_led(t, i); k++) {
        const double to = arm->joints_from[k] + o->scale * (now[k] - from[k]);
        arm->joints_goal[k] += share * (to - arm->joints_goal[k]);
        next[first + k] = clip(to, t->robot.lower[first + k], t->robot.upper[first + k]);
    }
    const struct et_pose goal = t->robot.pose(t->robot.ctx, next, i);
    for (size_t k = 0; k < n_led(t, i); k++)
        next[first + k] = on_its_way(t, first + k, arm->joints_goal[k], dt_s);
    slow_hand(t, i, dt_s, next);
    const struct et_pose at = t->robot.pose(t->robot.ctx, next, i);
    arm->rest_m = et_vec3_norm(et_vec3_sub(goal.position, at.position));
}

/* ---- keeping apart ---- */

static double clearance(struct et_teleop *t, const double *joints)
{
    return t->robot.clearance(t->robot.ctx, joints);
}

// What is near may go away, and what is deep may come out; what is not known may not.
static bool may_be(const struct et_teleop *t, double m)
{
    return m >= t->options.clearance_m || m >= t->clearance_m;
}

/* Brings n joints from `first` on to where they are in `next`, as far as nothing is touched. False:
 * they were kept back. What other arms do in this step stays as it is: so the arm that would come
 * nearer is the one that stays. */
static bool go(struct et_teleop *t, size_t first, size_t n, const double *next)
{
    double from[ET_TELEOP_JOINTS_MAX], to[ET_TELEOP_JOINTS_MAX];
    const size_t n_bytes = t->robot.n_joints * sizeof *from;
    double most_rad = 0;
    for (size_t k = first; k < first + n; k++)
        most_rad = fmax(most_rad, fabs(next[k] - t->joints[k]));
    if (most_rad == 0)
        return true;
    if (!t->robot.clearance) {
        memcpy(t->joints + first, next + first, n * sizeof *next);
        return true;
    }
    if (!t->has_clearance)
        t->clearance_m = clearance(t, t->joints);
    t->has_clearance = true;
    memcpy(from, t->joints, n_bytes);
    memcpy(to, t->joints, n_bytes);
    const double whole = 1 / clip(ceil(most_rad / PART_RAD), 1, PARTS_MAX);
    double part = whole, done = 0;
    for (int n_tries = 0; n_tries < TRIES_MAX && done < 1 && part * HALVES >= whole; n_tries++) {
        const double share = done + part > 1 - 1e-9 ? 1 : done + part;
        for (size_t k = first; k < first + n; k++)
            to[k] = share < 1 ? from[k] + share * (next[k] - from[k]) : next[k];
        const double m = clearance(t, to);
        if (may_be(t, m)) {
            memcpy(t->joints, to, n_bytes);
            t->clearance_m = m;
            done = share;
        } else {
            part /= 2;
        }
    }
    return done >= 1;
}

static bool is_near(const struct et_teleop *t, const struct arm *arm)
{
    return arm->is_kept && t->t_last_ns - arm->t_kept_ns < CLOSE_NS;
}

static void follow(struct et_teleop *t, size_t i, double dt_s)
{
    struct arm *arm = &t->arms[i];
    const struct et_teleop_arm *about = &t->robot.arms[i];
    const struct et_teleop_hand *hand = &t->input.hands[i];
    double next[ET_TELEOP_JOINTS_MAX];
    memcpy(next, t->joints, t->robot.n_joints * sizeof *next);
    if (hand->mode == ET_TELEOP_BY_JOINTS)
        follow_joints(t, i, dt_s, next);
    else
        follow_pose(t, i, dt_s, next);
    bool is_free = go(t, about->first_joint, about->n_joints, next);
    if (about->i_hand != SIZE_MAX && !hand->has_no_grip) {
        const double to = about->open + clip(hand->grip, 0, 1) * (about->closed - about->open);
        next[about->i_hand] = on_its_way(t, about->i_hand, to, dt_s);
        is_free = go(t, about->i_hand, 1, next) && is_free;
    }
    if (is_free)
        return;
    t->status.n_close += !is_near(t, arm);
    arm->is_kept = true;
    arm->t_kept_ns = t->t_last_ns;
}

/* ---- what holds it ---- */

static bool are_clutches_free(const struct et_teleop *t)
{
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        if (!t->has_input || t->input.hands[i].is_clutched)
            return false;
    return true;
}

static bool meets_force(const struct et_teleop *t, const struct arm *arm)
{
    return isfinite(arm->force_n) && arm->force_n - arm->force_from_n > t->options.force_n_max;
}

// A hand that is elsewhere all at once was never there: tracking has changed its mind.
static bool has_jumped(struct et_teleop *t, size_t i)
{
    struct arm *arm = &t->arms[i];
    const struct et_teleop_hand *now = &t->input.hands[i], *last = &arm->hand_last;
    bool is_far = false;
    if (now->mode == ET_TELEOP_BY_POSE)
        is_far =
            et_vec3_norm(et_vec3_sub(now->pose.position, last->pose.position)) > t->options.jump_m;
    for (size_t k = 0; k < n_led(t, i) && now->mode == ET_TELEOP_BY_JOINTS; k++)
        is_far = is_far || fabs(now->joints[k] - last->joints[k]) > t->options.jump_rad;
    is_far = (is_far && arm->has_last) || now->mode != last->mode;
    arm->hand_last = *now;
    arm->has_last = true;
    return is_far;
}

// False: nothing may move.
static bool may_move(struct et_teleop *t, int64_t t_now_ns)
{
    const struct et_teleop_input *input = &t->input;
    const bool is_clutch_older = input->t_clutch_ns && input->t_clutch_ns < input->t_arrival_ns;
    const int64_t t_heard_ns = is_clutch_older ? input->t_clutch_ns : input->t_arrival_ns;
    const bool is_late = t->has_input && t_now_ns - t_heard_ns > t->options.watchdog_ns;
    bool was_following = false;
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        was_following = was_following || t->arms[i].is_following;
    if (is_late && was_following) {
        t->is_held = true;
        t->status.n_watchdog++;
    }
    const bool is_free = !is_late && are_clutches_free(t);
    t->is_held = t->is_held && !is_free;
    if (is_free && atomic_load(&t->wants_reset)) {
        atomic_store(&t->wants_reset, false);
        atomic_store(&t->is_stopped, false);
    }
    return !is_late && !t->is_held && !atomic_load(&t->is_stopped);
}

static void look_at_hand(struct et_teleop *t, size_t i)
{
    struct arm *arm = &t->arms[i];
    const struct et_teleop_hand *hand = &t->input.hands[i];
    if (t->has_input && !hand->is_clutched)
        arm->must_let_go = false;
    if (!t->has_input || !hand->is_clutched || !hand->is_tracked) {
        // Who loses tracking with the clutch held begins anew where the hand is found again.
        let_go(arm, false);
        arm->has_last = false;
        return;
    }
    if (t->is_new && arm->is_following && has_jumped(t, i)) {
        t->status.n_jumps++;
        let_go(arm, true);
    }
    if (arm->is_following && meets_force(t, arm)) {
        t->status.n_force++;
        let_go(arm, true);
    }
    if (!arm->is_following && !arm->must_let_go)
        engage(t, i);
}

static void note_latency(struct et_teleop *t)
{
    if (t->input.t_arrival_ns == t->t_noted_ns)
        return; // only its clutch was new
    t->t_noted_ns = t->input.t_arrival_ns;
    const int64_t t_ns = et_clock_monotonic_ns();
    t->latencies_ns[t->n_latencies++ % LATENCIES] = t_ns - t->input.t_arrival_ns;
}

static enum et_teleop_state state_of(const struct et_teleop *t)
{
    bool is_following = false, has_force = false, is_close = false;
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        is_following = is_following || t->arms[i].is_following;
        is_close = is_close || (t->arms[i].is_following && is_near(t, &t->arms[i]));
        has_force = has_force || (t->arms[i].must_let_go && t->has_input &&
                                  t->input.hands[i].is_clutched && meets_force(t, &t->arms[i]));
    }
    return atomic_load(&t->is_stopped) ? ET_TELEOP_STOPPED
           : t->is_held                ? ET_TELEOP_HELD
           : has_force                 ? ET_TELEOP_FORCE
           : is_close                  ? ET_TELEOP_CLOSE
           : is_following              ? ET_TELEOP_MOVING
                                       : ET_TELEOP_IDLE;
}

void et_teleop_step(struct et_teleop *t, int64_t t_now_ns, double *joints)
{
    const double passed_s = t->t_last_ns ? (double)(t_now_ns - t->t_last_ns) / 1e9 : 0;
    const double dt_s = clip(passed_s, 0, DT_S_MAX);
    const size_t n_bytes = t->robot.n_joints * sizeof *joints;
    t->t_last_ns = t_now_ns;
    const bool may = may_move(t, t_now_ns);
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        if (may)
            look_at_hand(t, i);
        else
            let_go(&t->arms[i], true);
        if (t->arms[i].is_following)
            follow(t, i, dt_s);
    }
    // A stop that came meanwhile counts from this step on.
    if (atomic_load(&t->is_stopped)) {
        memcpy(t->joints, t->given, n_bytes);
        t->has_clearance = false;
    }
    memcpy(t->given, t->joints, n_bytes);
    memcpy(joints, t->joints, n_bytes);
    if (t->is_new)
        note_latency(t);
    t->is_new = false;
    t->status.state = state_of(t);
}

/* ---- how it goes ---- */

const char *et_teleop_state_text(enum et_teleop_state state)
{
    static const char *const TEXTS[] = {
#define X(name, text, meaning) text,
        ET_TELEOP_STATE_MAP(X)
#undef X
    };
    return TEXTS[state];
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct et_teleop_status et_teleop_status(const struct et_teleop *t)
{
    struct et_teleop_status status = t->status;
    int64_t sorted[LATENCIES];
    const size_t n = t->n_latencies < LATENCIES ? t->n_latencies : LATENCIES;
    memcpy(sorted, t->latencies_ns, n * sizeof *sorted);
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        status.is_following[i] = t->arms[i].is_following;
        status.rest_m[i] = t->arms[i].rest_m;
    }
    if (n > 0) {
        qsort(sorted, n, sizeof *sorted, compare);
        status.latency_p50_ns = sorted[n / 2];
        status.latency_p99_ns = sorted[(n - 1) * 99 / 100];
        status.latency_max_ns = sorted[n - 1];
    }
    return status;
}

bool et_teleop_is_following(const struct et_teleop *t)
{
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        if (t->arms[i].is_following)
            return true;
    return false;
}

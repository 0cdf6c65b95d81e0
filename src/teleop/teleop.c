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
#define WATCHDOG_NS (150 * (ET_NS_PER_S / 1000))
#define DT_S_MAX 0.05
#define LATENCIES 1024

/* One arm. While it follows, its goal is where the robot's hand was when the clutch was pressed,
 * moved as the person's hand has moved since. */
struct arm {
    bool is_following;
    bool must_let_go; // before it follows again
    struct et_pose hand_from, robot_from, goal;
    double heading_rad; // of the person, when the clutch was pressed
    double force_n, force_from_n;
    struct et_vec3 hand_last;
    bool has_last;
    double rest_m;
};

struct et_teleop {
    struct et_teleop_robot robot;
    struct et_teleop_options options;
    struct arm arms[ET_TELEOP_HANDS];
    double joints[ET_TELEOP_JOINTS_MAX]; // asked for
    double given[ET_TELEOP_JOINTS_MAX];  // the same, as the last step gave them
    struct et_teleop_input input;
    bool has_input, is_new; // new: no step has used it
    bool is_held;           // by the watchdog
    atomic_bool is_stopped, wants_reset;
    int64_t t_last_ns; // of the last step; 0: none
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
    t->has_input = t->is_new = t->is_held = false;
    t->t_last_ns = 0;
}

/* ---- what comes in ---- */

static bool is_finite_pose(const struct et_pose *p)
{
    const struct et_quat q = p->rotation;
    const double n = q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w;
    return isfinite(p->position.x) && isfinite(p->position.y) && isfinite(p->position.z) &&
           isfinite(n) && n > 0.25 && n < 4;
}

void et_teleop_input(struct et_teleop *t, const struct et_teleop_input *input)
{
    bool is_good = isfinite(input->heading_rad) &&
                   (!t->has_input || input->t_arrival_ns >= t->input.t_arrival_ns);
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        const struct et_teleop_hand *hand = &input->hands[i];
        is_good =
            is_good && isfinite(hand->grip) && (!hand->is_tracked || is_finite_pose(&hand->pose));
    }
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

static void engage(struct et_teleop *t, size_t i)
{
    struct arm *arm = &t->arms[i];
    arm->is_following = true;
    arm->hand_from = t->input.hands[i].pose;
    arm->heading_rad = t->input.heading_rad;
    arm->robot_from = arm->goal = t->robot.pose(t->robot.ctx, t->joints, i);
    arm->force_from_n = isfinite(arm->force_n) ? arm->force_n : 0;
    arm->hand_last = arm->hand_from.position;
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
        et_quat_rotate(turn_back, et_vec3_sub(now.position, arm->hand_from.position));
    const struct et_quat turned = et_quat_mul(now.rotation, et_quat_conj(arm->hand_from.rotation));
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

// Joints go where they shall, at most so fast.
static void move_joint(struct et_teleop *t, size_t joint, double to, double dt_s)
{
    const double most = speed_of(t, joint) * dt_s, from = t->joints[joint];
    if (!isfinite(to))
        return;
    t->joints[joint] =
        clip(from + clip(to - from, -most, most), t->robot.lower[joint], t->robot.upper[joint]);
}

static void follow(struct et_teleop *t, size_t i, double dt_s)
{
    struct arm *arm = &t->arms[i];
    const struct et_teleop_arm *about = &t->robot.arms[i];
    double joints[ET_TELEOP_JOINTS_MAX];
    const struct et_pose to = wanted(t, i);
    move_goal(t, arm, &to, dt_s);
    memcpy(joints, t->joints, t->robot.n_joints * sizeof *joints);
    arm->rest_m = t->robot.solve(t->robot.ctx, joints, i, &arm->goal);
    for (size_t k = 0; k < about->n_joints; k++)
        move_joint(t, about->first_joint + k, joints[about->first_joint + k], dt_s);
    if (about->i_hand != SIZE_MAX) {
        const double grip = clip(t->input.hands[i].grip, 0, 1);
        move_joint(t, about->i_hand, about->open + grip * (about->closed - about->open), dt_s);
    }
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
    const struct et_vec3 now = t->input.hands[i].pose.position;
    const bool is_far =
        arm->has_last && et_vec3_norm(et_vec3_sub(now, arm->hand_last)) > t->options.jump_m;
    arm->hand_last = now;
    arm->has_last = true;
    return is_far;
}

// False: nothing may move.
static bool may_move(struct et_teleop *t, int64_t t_now_ns)
{
    const bool is_late = t->has_input && t_now_ns - t->input.t_arrival_ns > t->options.watchdog_ns;
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
    const int64_t t_ns = et_clock_monotonic_ns();
    t->latencies_ns[t->n_latencies++ % LATENCIES] = t_ns - t->input.t_arrival_ns;
}

static enum et_teleop_state state_of(const struct et_teleop *t)
{
    bool is_following = false, has_force = false;
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        is_following = is_following || t->arms[i].is_following;
        has_force = has_force || (t->arms[i].must_let_go && t->has_input &&
                                  t->input.hands[i].is_clutched && meets_force(t, &t->arms[i]));
    }
    return atomic_load(&t->is_stopped) ? ET_TELEOP_STOPPED
           : t->is_held                ? ET_TELEOP_HELD
           : has_force                 ? ET_TELEOP_FORCE
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
    if (atomic_load(&t->is_stopped))
        memcpy(t->joints, t->given, n_bytes);
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

// An arm follows a hand while its clutch is held; whatever comes in, what goes out is within
// limits, and nothing overrides a stop.
#include "etude/clock.h"
#include "etude/teleop.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <string.h>

static struct et_err err;

/* A robot whose hands are where their joints say: x, y, z, and an opening, twice. */
#define N_JOINTS 8
static const double LOWER[N_JOINTS] = {-1, -1, 0, 0, -1, -1, 0, 0};
static const double UPPER[N_JOINTS] = {1, 1, 2, 0.1, 1, 1, 2, 0.1};
static const double SPEED[N_JOINTS] = {2, 2, 2, (double)NAN, 2, 2, 2, (double)NAN};
static const double START[N_JOINTS] = {0.3, 0.2, 1, 0.1, 0.3, -0.2, 1, 0.1};
static const double IDENTITY_W = 1;

static struct et_pose pose_at(double x, double y, double z)
{
    return (struct et_pose){{x, y, z}, {0, 0, 0, IDENTITY_W}};
}

static struct et_pose robot_pose(void *ctx, const double *joints, size_t i_hand)
{
    (void)ctx;
    return pose_at(joints[4 * i_hand], joints[4 * i_hand + 1], joints[4 * i_hand + 2]);
}

static struct et_pose last_goal[2];

static double robot_solve(void *ctx, double *joints, size_t i_hand, const struct et_pose *goal)
{
    (void)ctx;
    last_goal[i_hand] = *goal;
    joints[4 * i_hand] = goal->position.x;
    joints[4 * i_hand + 1] = goal->position.y;
    joints[4 * i_hand + 2] = goal->position.z;
    return 0;
}

static const struct et_teleop_robot ROBOT = {.n_joints = N_JOINTS,
                                             .lower = LOWER,
                                             .upper = UPPER,
                                             .speed_max = SPEED,
                                             .arms = {{0, 3, 3, 0.1, 0.0}, {4, 3, 7, 0.1, 0.0}},
                                             .pose = robot_pose,
                                             .solve = robot_solve};

/* ---- driving it ---- */

#define STEP_NS 10000000

struct rig {
    struct et_teleop *teleop;
    int64_t t_ns;
    double joints[N_JOINTS];
    struct et_teleop_input input;
};

static struct rig open_rig(const struct et_teleop_options *options)
{
    struct rig rig = {.t_ns = et_clock_monotonic_ns()};
    CHECK_OK(et_teleop_open(&rig.teleop, &ROBOT, options, &err));
    et_teleop_begin(rig.teleop, START);
    for (size_t i = 0; i < 2; i++)
        rig.input.hands[i] =
            (struct et_teleop_hand){.is_tracked = true, .pose = pose_at(0.5, 0, 1.2)};
    return rig;
}

// A step 10 ms later, with or without a word from the operator.
static void step(struct rig *rig, bool is_heard)
{
    rig->t_ns += STEP_NS;
    if (is_heard) {
        rig->input.t_arrival_ns = rig->t_ns;
        et_teleop_input(rig->teleop, &rig->input);
    }
    et_teleop_step(rig->teleop, rig->t_ns, rig->joints);
}

static void steps(struct rig *rig, int n)
{
    for (int i = 0; i < n; i++)
        step(rig, true);
}

static void move_hand(struct rig *rig, size_t i, double x, double y, double z, int n)
{
    struct et_vec3 *p = &rig->input.hands[i].pose.position;
    for (int k = 0; k < n; k++) {
        p->x += x / n;
        p->y += y / n;
        p->z += z / n;
        step(rig, true);
    }
}

static bool is_at(const struct rig *rig, size_t i, double x, double y, double z)
{
    return fabs(rig->joints[4 * i] - x) < 2e-3 && fabs(rig->joints[4 * i + 1] - y) < 2e-3 &&
           fabs(rig->joints[4 * i + 2] - z) < 2e-3;
}

static enum et_teleop_state state(const struct rig *rig)
{
    return et_teleop_status(rig->teleop).state;
}

/* ---- following ---- */

static void follows_only_while_its_clutch_is_held(void)
{
    struct rig rig = open_rig(NULL);
    move_hand(&rig, 0, 0.2, 0, 0, 50);
    CHECK(is_at(&rig, 0, 0.3, 0.2, 1));
    CHECK_EQ(state(&rig), ET_TELEOP_IDLE);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 1); // from here on, wherever the hand is
    move_hand(&rig, 0, 0.1, -0.05, 0.2, 100);
    steps(&rig, 50);
    CHECK(is_at(&rig, 0, 0.4, 0.15, 1.2));
    CHECK(is_at(&rig, 1, 0.3, -0.2, 1)); // the other arm has a clutch of its own
    CHECK_EQ(state(&rig), ET_TELEOP_MOVING);
    rig.input.hands[0].is_clutched = false;
    move_hand(&rig, 0, 0.3, 0.3, 0.3, 50);
    CHECK(is_at(&rig, 0, 0.4, 0.15, 1.2));
    rig.input.hands[0].is_clutched = true; // and goes on from there: the person has more room
    steps(&rig, 1);
    move_hand(&rig, 0, 0, 0.1, 0, 100);
    steps(&rig, 50);
    CHECK(is_at(&rig, 0, 0.4, 0.25, 1.2));
    et_teleop_close(rig.teleop);
    et_teleop_close(NULL);
}

static void scales_and_turns_with_the_person(void)
{
    struct rig rig = open_rig(&(struct et_teleop_options){.scale = 0.5});
    steps(&rig, 1);
    rig.input.heading_rad = 1.5707963267948966; // the person looks along y
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 1);
    move_hand(&rig, 0, 0, 0.2, 0, 100); // forward, for the person
    steps(&rig, 80);
    CHECK(is_at(&rig, 0, 0.4, 0.2, 1));
    // A turn about the person's forward axis is one about the robot's.
    rig.input.hands[0].pose.rotation = et_quat_from_axis_angle((struct et_vec3){0, 1, 0}, 0.4);
    steps(&rig, 100);
    const struct et_quat want = et_quat_from_axis_angle((struct et_vec3){1, 0, 0}, 0.4);
    CHECK_NEAR(et_quat_angle_rad(last_goal[0].rotation, want), 0, 1e-3);
    et_teleop_close(rig.teleop);
}

static void hands_open_and_close(void)
{
    struct rig rig = open_rig(NULL);
    steps(&rig, 1);
    rig.input.hands[1].is_clutched = true;
    rig.input.hands[1].grip = 1;
    steps(&rig, 100);
    CHECK_NEAR(rig.joints[7], 0.0, 1e-6);
    CHECK_NEAR(rig.joints[3], 0.1, 1e-6);
    rig.input.hands[1].grip = 7; // no more than closed
    steps(&rig, 10);
    CHECK_NEAR(rig.joints[7], 0.0, 1e-6);
    et_teleop_close(rig.teleop);
}

/* ---- limits ---- */

static void nothing_goes_beyond_limits_or_faster_than_it_may(void)
{
    struct rng rng = {3};
    struct rig rig = open_rig(NULL);
    double before[N_JOINTS];
    double fastest = 0;
    memcpy(before, START, sizeof before);
    for (int i = 0; i < 20000; i++) {
        for (size_t k = 0; k < 2; k++) {
            struct et_teleop_hand *hand = &rig.input.hands[k];
            hand->is_clutched = rng_next(&rng) % 50 != 0;
            hand->is_tracked = rng_next(&rng) % 50 != 0;
            hand->grip = rng_gaussian(&rng);
            hand->pose.position.x += 0.05 * rng_gaussian(&rng);
            hand->pose.position.y += 0.05 * rng_gaussian(&rng);
            hand->pose.position.z += 0.05 * rng_gaussian(&rng);
            if (rng_next(&rng) % 100 == 0)
                hand->pose.position.x = (double)NAN;
            if (!isfinite(hand->pose.position.x) && rng_next(&rng) % 3 == 0)
                hand->pose.position.x = 0;
        }
        step(&rig, rng_next(&rng) % 4 != 0);
        for (size_t k = 0; k < N_JOINTS; k++) {
            CHECK(rig.joints[k] >= LOWER[k] && rig.joints[k] <= UPPER[k]);
            fastest = fmax(fastest, fabs(rig.joints[k] - before[k]));
        }
        memcpy(before, rig.joints, sizeof before);
    }
    CHECK(fastest > 0.001);
    CHECK(fastest <= 0.5 * 2 * 0.01 + 1e-12); // half of 2 m/s
    CHECK(et_teleop_status(rig.teleop).n_passed_over > 0);
    et_teleop_close(rig.teleop);
}

static void a_late_step_is_no_leap(void)
{
    struct rig rig = open_rig(NULL);
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 1);
    rig.t_ns += 2000000000; // the program was held up for two seconds
    rig.input.hands[0].pose.position.x += 0.2;
    const double before = rig.joints[0];
    step(&rig, true);
    CHECK(fabs(rig.joints[0] - before) <= 0.05 + 1e-12);
    et_teleop_close(rig.teleop);
}

/* ---- what holds it ---- */

static void all_stays_when_the_operator_falls_silent(void)
{
    struct rig rig = open_rig(NULL);
    double held[N_JOINTS];
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 1);
    move_hand(&rig, 0, 0.1, 0, 0, 20);
    for (int i = 0; i < 15; i++) // 150 ms
        step(&rig, false);
    CHECK_EQ(state(&rig), ET_TELEOP_MOVING);
    step(&rig, false);
    CHECK_EQ(state(&rig), ET_TELEOP_HELD);
    CHECK_EQ(et_teleop_status(rig.teleop).n_watchdog, 1);
    memcpy(held, rig.joints, sizeof held);
    move_hand(&rig, 0, 0.2, 0, 0, 20); // speaks again, the clutch still held
    CHECK(memcmp(held, rig.joints, sizeof held) == 0);
    rig.input.hands[0].is_clutched = false;
    steps(&rig, 1);
    CHECK_EQ(state(&rig), ET_TELEOP_IDLE);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 1);
    move_hand(&rig, 0, 0.1, 0, 0, 50);
    CHECK(rig.joints[0] > held[0] + 0.05);
    et_teleop_close(rig.teleop);
}

static void who_comes_late_with_the_clutch_held_moves_nothing(void)
{
    struct rig rig = open_rig(NULL);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 20); // from the first word on, though nobody has let go of it
    CHECK_EQ(state(&rig), ET_TELEOP_IDLE);
    CHECK(is_at(&rig, 0, 0.3, 0.2, 1));
    et_teleop_close(rig.teleop);
}

static void a_force_holds_its_arm_until_its_clutch_is_let_go(void)
{
    struct rig rig = open_rig(NULL);
    rig.input.hands[0].is_clutched = rig.input.hands[1].is_clutched = false;
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = rig.input.hands[1].is_clutched = true;
    et_teleop_force(rig.teleop, (double[]){10, 10}); // what the hand weighs
    steps(&rig, 1);
    et_teleop_force(rig.teleop, (double[]){45, 10});
    steps(&rig, 1);
    CHECK_EQ(state(&rig), ET_TELEOP_MOVING);
    et_teleop_force(rig.teleop, (double[]){51, 10});
    steps(&rig, 1);
    CHECK_EQ(state(&rig), ET_TELEOP_FORCE);
    const double held = rig.joints[0], other = rig.joints[4];
    move_hand(&rig, 0, 0.2, 0, 0, 30);
    move_hand(&rig, 1, 0.2, 0, 0, 30);
    CHECK_EQ(rig.joints[0], held);
    CHECK(rig.joints[4] > other + 0.05);
    rig.input.hands[0].is_clutched = false;
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 1); // anew, from that force on: it can be backed out of
    move_hand(&rig, 0, -0.1, 0, 0, 30);
    CHECK(rig.joints[0] < held - 0.05);
    CHECK_EQ(et_teleop_status(rig.teleop).n_force, 1);
    et_teleop_close(rig.teleop);
}

static void a_hand_that_jumps_was_lost(void)
{
    struct rig rig = open_rig(NULL);
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 5);
    const double before = rig.joints[0];
    rig.input.hands[0].pose.position.x += 0.5;
    steps(&rig, 20);
    CHECK_EQ(rig.joints[0], before);
    CHECK_EQ(et_teleop_status(rig.teleop).n_jumps, 1);
    // Tracking that goes and comes back elsewhere begins anew there.
    rig.input.hands[0].is_clutched = false;
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 5);
    rig.input.hands[0].is_tracked = false;
    steps(&rig, 5);
    rig.input.hands[0].pose.position.x -= 0.5;
    rig.input.hands[0].is_tracked = true;
    steps(&rig, 20);
    CHECK_NEAR(rig.joints[0], before, 1e-9);
    et_teleop_close(rig.teleop);
}

static void nothing_overrides_a_stop(void)
{
    struct rng rng = {9};
    struct rig rig = open_rig(NULL);
    double held[N_JOINTS];
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 1);
    move_hand(&rig, 0, 0.1, 0, 0, 10);
    et_teleop_reset(rig.teleop); // before the stop: not for it
    et_teleop_stop(rig.teleop);
    memcpy(held, rig.joints, sizeof held);
    for (int i = 0; i < 2000; i++) {
        rig.input.hands[i % 2].is_clutched = rng_next(&rng) % 2;
        rig.input.hands[i % 2].pose.position.y += 0.05 * rng_gaussian(&rng);
        step(&rig, rng_next(&rng) % 3 != 0);
        CHECK_EQ(state(&rig), ET_TELEOP_STOPPED);
    }
    CHECK(memcmp(held, rig.joints, sizeof held) == 0);
    rig.input.hands[0].is_clutched = rig.input.hands[1].is_clutched = true;
    et_teleop_reset(rig.teleop);
    steps(&rig, 10);
    CHECK_EQ(state(&rig), ET_TELEOP_STOPPED); // a clutch is held
    rig.input.hands[0].is_clutched = false;
    steps(&rig, 10);
    CHECK_EQ(state(&rig), ET_TELEOP_STOPPED);
    rig.input.hands[1].is_clutched = false;
    steps(&rig, 1);
    CHECK_EQ(state(&rig), ET_TELEOP_IDLE);
    CHECK(memcmp(held, rig.joints, sizeof held) == 0);
    et_teleop_close(rig.teleop);
}

/* ---- other ways to lead ---- */

static void set_mode(struct rig *rig, enum et_teleop_mode mode)
{
    for (size_t i = 0; i < 2; i++)
        rig->input.hands[i].mode = mode;
}

static void an_arm_is_led_joint_by_joint(void)
{
    struct rig rig = open_rig(NULL);
    set_mode(&rig, ET_TELEOP_BY_JOINTS);
    double *from = rig.input.hands[0].joints;
    from[0] = 2.5; // wherever the person's joints are: only changes count
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 1);
    for (int i = 0; i < 50; i++) {
        from[0] += 0.004;
        from[2] -= 0.006;
        step(&rig, true);
    }
    steps(&rig, 50);
    CHECK(is_at(&rig, 0, 0.5, 0.2, 0.7));
    CHECK(is_at(&rig, 1, 0.3, -0.2, 1));
    CHECK(et_teleop_status(rig.teleop).rest_m[0] < 1e-3);
    // Let go, moved back, pressed again: it goes on from where it is.
    rig.input.hands[0].is_clutched = false;
    from[0] = -1;
    steps(&rig, 5);
    CHECK(is_at(&rig, 0, 0.5, 0.2, 0.7));
    rig.input.hands[0].is_clutched = true;
    for (int i = 0; i < 600; i++) { // to a limit, and no farther
        from[0] += 0.004;
        step(&rig, true);
    }
    CHECK_NEAR(rig.joints[0], UPPER[0], 1e-9);
    CHECK(et_teleop_status(rig.teleop).rest_m[0] < 1e-3);
    from[1] += 0.6; // a servo that reads anything at all
    steps(&rig, 20);
    CHECK_NEAR(rig.joints[1], 0.2, 1e-9);
    CHECK_EQ(et_teleop_status(rig.teleop).n_jumps, 1);
    const uint64_t n_passed_over = et_teleop_status(rig.teleop).n_passed_over;
    from[1] = (double)NAN;
    steps(&rig, 1);
    CHECK_EQ(et_teleop_status(rig.teleop).n_passed_over, n_passed_over + 1);
    et_teleop_close(rig.teleop);
}

static void joints_are_no_faster_than_a_hand_may_be(void)
{
    struct rig rig = open_rig(&(struct et_teleop_options){
        .hand_m_s_max = 0.1, .smoothing_s = -1, .speed_share = 1, .jump_rad = 10});
    set_mode(&rig, ET_TELEOP_BY_JOINTS);
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 1);
    for (size_t k = 0; k < 3; k++)
        rig.input.hands[0].joints[k] = -0.5;
    for (int i = 0; i < 20; i++) {
        const struct et_pose before = robot_pose(NULL, rig.joints, 0);
        step(&rig, true);
        const struct et_pose after = robot_pose(NULL, rig.joints, 0);
        const double m = et_vec3_norm(et_vec3_sub(after.position, before.position));
        CHECK(m <= 0.1 * 0.01 + 1e-9 && m > 0.0009);
    }
    et_teleop_close(rig.teleop);
}

static void a_hand_goes_on_as_fast_as_a_stick_says(void)
{
    struct rig rig = open_rig(NULL);
    set_mode(&rig, ET_TELEOP_BY_SPEED);
    rig.input.hands[0].speed_m_s = (struct et_vec3){0.2, 0, -0.1};
    steps(&rig, 50);
    CHECK(is_at(&rig, 0, 0.3, 0.2, 1)); // not without its clutch
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 101);
    rig.input.hands[0].speed_m_s = (struct et_vec3){0, 0, 0};
    steps(&rig, 50);
    CHECK_NEAR(rig.joints[0], 0.5, 0.004); // 0.2 m/s for a second
    CHECK_NEAR(rig.joints[2], 0.9, 0.004);
    // At a limit nothing adds up: it comes back as soon as the stick does.
    rig.input.hands[0].speed_m_s = (struct et_vec3){0.5, 0, 0};
    steps(&rig, 400);
    CHECK_NEAR(rig.joints[0], UPPER[0], 1e-9);
    rig.input.hands[0].speed_m_s = (struct et_vec3){-0.5, 0, 0};
    steps(&rig, 60); // 0.3 m back, less at most 0.1 that was asked for in vain
    CHECK(rig.joints[0] < UPPER[0] - 0.15);
    rig.input.hands[0].turn_rad_s = (struct et_vec3){0, 0, 0.5};
    steps(&rig, 20);
    CHECK(et_quat_angle_rad(last_goal[0].rotation, (struct et_quat){0, 0, 0, 1}) > 0.05);
    CHECK(last_goal[0].rotation.z > 0);
    // Silence stops it, as it does any operator.
    for (int i = 0; i < 16; i++)
        step(&rig, false);
    CHECK_EQ(state(&rig), ET_TELEOP_HELD);
    const double held = rig.joints[0];
    steps(&rig, 10);
    CHECK_EQ(rig.joints[0], held);
    et_teleop_close(rig.teleop);
}

static void a_hand_whose_grip_nobody_says_stays_as_it_is(void)
{
    struct rig rig = open_rig(NULL);
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    rig.input.hands[0].grip = 0.5;
    steps(&rig, 50);
    CHECK_NEAR(rig.joints[3], 0.05, 1e-9);
    rig.input.hands[0].grip = 0;
    rig.input.hands[0].has_no_grip = true;
    steps(&rig, 50);
    CHECK_NEAR(rig.joints[3], 0.05, 1e-9);
    et_teleop_close(rig.teleop);
}

// The suit goes on, the pedal's wire is cut.
static void a_clutch_that_falls_silent_holds_all(void)
{
    struct rig rig = open_rig(NULL);
    rig.input.t_clutch_ns = rig.t_ns + STEP_NS;
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    for (int i = 0; i < 15; i++)
        move_hand(&rig, 0, 0.01, 0, 0, 1);
    CHECK_EQ(state(&rig), ET_TELEOP_MOVING);
    CHECK(et_teleop_is_following(rig.teleop));
    move_hand(&rig, 0, 0.01, 0, 0, 1);
    CHECK_EQ(state(&rig), ET_TELEOP_HELD);
    CHECK(!et_teleop_is_following(rig.teleop));
    const double held = rig.joints[0];
    rig.input.t_clutch_ns = rig.t_ns; // is heard again, and held: it was not let go
    steps(&rig, 10);
    CHECK_EQ(state(&rig), ET_TELEOP_HELD);
    rig.input.t_clutch_ns = rig.t_ns;
    rig.input.hands[0].is_clutched = false;
    steps(&rig, 1);
    CHECK_EQ(state(&rig), ET_TELEOP_IDLE);
    CHECK_EQ(rig.joints[0], held);
    et_teleop_close(rig.teleop);
}

/* ---- keeping apart ---- */

/* Hands of 5 cm around, and a trunk that is a wall at x = 0. */
#define HAND_M 0.1 // between two hands that touch
static double wall_x = -2;
static bool is_unknown;

static double robot_clearance(void *ctx, const double *joints)
{
    const struct et_pose left = robot_pose(ctx, joints, 0), right = robot_pose(ctx, joints, 1);
    const double apart = et_vec3_norm(et_vec3_sub(left.position, right.position)) - HAND_M;
    const double off = fmin(joints[0], joints[4]) - wall_x;
    return is_unknown ? (double)NAN : fmin(apart, off);
}

static struct rig open_close_rig(double clearance_m)
{
    struct et_teleop_robot robot = ROBOT;
    struct rig rig = {.t_ns = et_clock_monotonic_ns()};
    robot.clearance = robot_clearance;
    CHECK_OK(et_teleop_open(&rig.teleop, &robot,
                            &(struct et_teleop_options){.clearance_m = clearance_m}, &err));
    et_teleop_begin(rig.teleop, START);
    for (size_t i = 0; i < 2; i++)
        rig.input.hands[i] =
            (struct et_teleop_hand){.is_tracked = true, .pose = pose_at(0.5, 0, 1.2)};
    wall_x = -2;
    is_unknown = false;
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = rig.input.hands[1].is_clutched = true;
    steps(&rig, 1);
    return rig;
}

static void the_arm_that_would_touch_the_other_stays(void)
{
    struct rig rig = open_close_rig(0);
    double nearest = 1;
    // The left hand goes through where the right one is; that goes forward meanwhile.
    for (int i = 0; i < 150; i++) {
        rig.input.hands[0].pose.position.y -= 0.004;
        rig.input.hands[1].pose.position.z += 0.0005;
        step(&rig, true);
        nearest = fmin(nearest, robot_clearance(NULL, rig.joints));
    }
    CHECK(nearest >= 0.01 && nearest < 0.012); // it comes as near as it may
    CHECK_EQ(state(&rig), ET_TELEOP_CLOSE);
    CHECK_EQ(et_teleop_status(rig.teleop).n_close, 1);
    CHECK(rig.joints[6] > 1.06); // the other arm went on
    CHECK(et_teleop_status(rig.teleop).is_following[0]);
    // Back again: without letting go, as soon as the person does.
    move_hand(&rig, 0, 0, 0.6, 0, 150);
    steps(&rig, 50);
    CHECK_NEAR(rig.joints[1], 0.2, 0.005);
    CHECK_EQ(state(&rig), ET_TELEOP_MOVING);
    et_teleop_close(rig.teleop);
}

static void an_arm_slides_on_when_the_other_makes_way(void)
{
    struct rig rig = open_close_rig(0.02);
    move_hand(&rig, 0, 0, -0.4, 0, 100);
    steps(&rig, 50);
    CHECK(rig.joints[1] > -0.2 + HAND_M + 0.02 - 1e-9);
    move_hand(&rig, 1, 0, -0.3, 0, 100);
    steps(&rig, 80);
    CHECK_NEAR(rig.joints[1], -0.2, 0.005);
    CHECK_NEAR(rig.joints[5], -0.5, 0.005);
    et_teleop_close(rig.teleop);
}

static void what_is_too_near_may_only_go_away(void)
{
    struct rig rig = open_close_rig(0);
    wall_x = 0.32; // something came: both hands are 2 cm deep in it
    et_teleop_begin(rig.teleop, START);
    rig.input.hands[0].is_clutched = rig.input.hands[1].is_clutched = false;
    steps(&rig, 1);
    rig.input.hands[0].is_clutched = true;
    steps(&rig, 1);
    move_hand(&rig, 0, -0.1, 0, 0, 50);
    CHECK_EQ(rig.joints[0], START[0]);
    CHECK_EQ(state(&rig), ET_TELEOP_CLOSE);
    move_hand(&rig, 0, 0.1, 0, 0, 50);
    move_hand(&rig, 0, 0.3, 0, 0, 80);
    steps(&rig, 50);
    CHECK_NEAR(rig.joints[0], 0.6, 0.005);
    CHECK_EQ(state(&rig), ET_TELEOP_MOVING);
    et_teleop_close(rig.teleop);
}

static void a_clearance_that_is_not_known_holds(void)
{
    struct rig rig = open_close_rig(0);
    move_hand(&rig, 0, 0.1, 0, 0, 20);
    const double before = rig.joints[0];
    is_unknown = true;
    move_hand(&rig, 0, 0.1, 0, 0, 20);
    CHECK_EQ(rig.joints[0], before);
    is_unknown = false;
    steps(&rig, 50);
    CHECK(rig.joints[0] > before + 0.05);
    et_teleop_close(rig.teleop);
}

static void no_step_touches_whatever_comes_in(void)
{
    struct rng rng = {11};
    struct rig rig = open_close_rig(0.015);
    wall_x = 0.1;
    for (int i = 0; i < 30000; i++) {
        for (size_t k = 0; k < 2; k++) {
            struct et_teleop_hand *hand = &rig.input.hands[k];
            hand->is_clutched = rng_next(&rng) % 200 != 0;
            struct et_vec3 *p = &hand->pose.position;
            p->x += 0.03 * rng_gaussian(&rng) + 0.02 * (0.5 - p->x);
            p->y += 0.03 * rng_gaussian(&rng) - 0.02 * p->y;
            p->z += 0.03 * rng_gaussian(&rng) + 0.02 * (1.2 - p->z);
        }
        rig.t_ns += (int64_t)(rng_next(&rng) % 8) * STEP_NS; // late steps are long ones
        step(&rig, true);
        if (!CHECK(robot_clearance(NULL, rig.joints) >= 0.015))
            break;
    }
    CHECK(et_teleop_status(rig.teleop).n_close > 100);
    et_teleop_close(rig.teleop);
}

/* ---- the rest ---- */

static void older_words_are_passed_over(void)
{
    struct rig rig = open_rig(NULL);
    steps(&rig, 2);
    struct et_teleop_input old = rig.input;
    old.t_arrival_ns -= 1;
    et_teleop_input(rig.teleop, &old);
    CHECK_EQ(et_teleop_status(rig.teleop).n_passed_over, 1);
    CHECK_EQ(et_teleop_status(rig.teleop).n_inputs, 3);
    CHECK(et_teleop_status(rig.teleop).latency_max_ns != 0);
    et_teleop_close(rig.teleop);
}

static void refuses_robots_and_options_that_cannot_be(void)
{
    struct et_teleop *teleop;
    struct et_teleop_robot robot = ROBOT;
    static const double bad[N_JOINTS] = {(double)NAN};
    robot.lower = bad;
    CHECK_EQ(et_teleop_open(&teleop, &robot, NULL, &err), ET_EARG);
    robot = ROBOT;
    robot.arms[1].n_joints = 5;
    CHECK_EQ(et_teleop_open(&teleop, &robot, NULL, &err), ET_EARG);
    robot.n_joints = ET_TELEOP_JOINTS_MAX + 1;
    CHECK_EQ(et_teleop_open(&teleop, &robot, NULL, &err), ET_EARG);
    CHECK_EQ(et_teleop_open(&teleop, &ROBOT, &(struct et_teleop_options){.scale = -1}, &err),
             ET_EARG);
    CHECK_EQ(et_teleop_open(&teleop, &ROBOT, &(struct et_teleop_options){.speed_share = 2}, &err),
             ET_EARG);
    CHECK(!teleop);
    for (int i = 0; i < ET_N_TELEOP_STATES; i++)
        CHECK(et_teleop_state_text((enum et_teleop_state)i)[0] != 0);
}

int main(void)
{
    RUN(follows_only_while_its_clutch_is_held);
    RUN(scales_and_turns_with_the_person);
    RUN(hands_open_and_close);
    RUN(nothing_goes_beyond_limits_or_faster_than_it_may);
    RUN(a_late_step_is_no_leap);
    RUN(all_stays_when_the_operator_falls_silent);
    RUN(who_comes_late_with_the_clutch_held_moves_nothing);
    RUN(a_force_holds_its_arm_until_its_clutch_is_let_go);
    RUN(a_hand_that_jumps_was_lost);
    RUN(nothing_overrides_a_stop);
    RUN(an_arm_is_led_joint_by_joint);
    RUN(joints_are_no_faster_than_a_hand_may_be);
    RUN(a_hand_goes_on_as_fast_as_a_stick_says);
    RUN(a_hand_whose_grip_nobody_says_stays_as_it_is);
    RUN(a_clutch_that_falls_silent_holds_all);
    RUN(the_arm_that_would_touch_the_other_stays);
    RUN(an_arm_slides_on_when_the_other_makes_way);
    RUN(what_is_too_near_may_only_go_away);
    RUN(a_clearance_that_is_not_known_holds);
    RUN(no_step_touches_whatever_comes_in);
    RUN(older_words_are_passed_over);
    RUN(refuses_robots_and_options_that_cannot_be);
    return tap_end();
}

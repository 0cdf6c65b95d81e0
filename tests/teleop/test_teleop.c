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
    RUN(older_words_are_passed_over);
    RUN(refuses_robots_and_options_that_cannot_be);
    return tap_end();
}

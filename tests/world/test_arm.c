// Arms of a model's file, and how near they come to what they must not meet.
#include "etude/world_arm.h"

#include "support.h"
#include "tap.h"

#include "etude/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;

/* Two arms of two hinges about z beside a pillar, 0.4 m long each, in one plane: the elbow 0.2 m
 * from the shoulder, the hand 0.2 m from the elbow, balls of 2 cm at the ends. */
static const char PLANE[] =
    "<mujoco><compiler angle=\"radian\"/><worldbody>"
    "<body name=\"trunk\" pos=\"0 0 1\"><joint name=\"turn_joint\" axis=\"0 0 1\"/>"
    "<geom type=\"cylinder\" size=\".05 .3\"/>"
    "<body name=\"l0\" pos=\"0 .2 0\"><joint name=\"l_a_joint\" axis=\"0 0 1\"/>"
    "<geom size=\".02\"/><body name=\"l1\" pos=\".1 0 0\"><joint name=\"l_b\" axis=\"0 0 1\"/>"
    "<geom size=\".02\" pos=\".1 0 0\"/><body name=\"l2\" pos=\".1 0 0\">"
    "<joint name=\"l_c\" axis=\"0 0 1\"/><geom size=\".02\" pos=\".2 0 0\"/></body></body></body>"
    "<body name=\"r0\" pos=\"0 -.2 0\"><joint name=\"r_a\" axis=\"0 0 1\"/>"
    "<geom size=\".02\"/><body name=\"r1\" pos=\".1 0 0\"><joint name=\"r_b\" axis=\"0 0 1\"/>"
    "<geom size=\".02\" pos=\".1 0 0\"/><body name=\"r2\" pos=\".1 0 0\">"
    "<joint name=\"r_c\" axis=\"0 0 1\"/><geom size=\".02\" pos=\".2 0 0\"/></body></body></body>"
    "</body></worldbody></mujoco>";

static const struct et_world_arms_joint JOINTS[] = {{"l_a", NULL, -3, 3}, {"nothing", "l_b", -3, 3},
                                                    {"l_c", NULL, -3, 3}, {"r_a", NULL, -3, 3},
                                                    {"r_b", NULL, -3, 3}, {"r_c", NULL, -3, 3}};
static const struct et_world_arms_joint OTHERS[] = {{"turn", NULL, -3, 3}, {"tail", NULL, -1, 1}};

static struct et_world_arms_model plane(void)
{
    struct et_world_arms_model m = {.path = temp_path("plane.xml"),
                                    .joints = JOINTS,
                                    .n_joints = 6,
                                    .others = OTHERS,
                                    .n_others = 2};
    for (size_t i = 0; i < 2; i++)
        m.hands[i] = (struct et_world_arms_hand){
            .first_joint = 3 * i, .n_joints = 3, .i_hand = SIZE_MAX, .point = {0.2, 0, 0}};
    write_file(temp_path("plane.xml"), PLANE, sizeof PLANE - 1);
    return m;
}

static void hands_are_where_the_model_has_them(void)
{
    struct et_world_arms *arms = NULL;
    const struct et_world_arms_model model = plane();
    const double straight[6] = {0}, bent[6] = {M_PI / 2, 0, 0, 0, 0, 0};
    CHECK_OK(et_world_arms_open_model(&arms, &model, &err));
    if (!arms)
        return;
    const struct et_vec3 at = et_world_arm_pose(arms, straight, ET_LEFT).position;
    CHECK_NEAR(at.x, 0.4, 1e-9);
    CHECK_NEAR(at.y, 0.2, 1e-9);
    CHECK_NEAR(at.z, 0, 1e-9);
    CHECK_NEAR(et_world_arm_pose(arms, bent, ET_LEFT).position.y, 0.6, 1e-9);
    // The trunk turns, and the frame with it: who leads the hands is not asked to.
    et_world_arms_others(arms, (const double[]){1, 0});
    CHECK_NEAR(et_world_arm_pose(arms, straight, ET_LEFT).position.x, 0.4, 1e-9);
    et_world_arms_others(arms, (const double[]){(double)NAN, 0});
    // The joints that bring the hand somewhere.
    double q[6] = {0.5, -0.6, 0.4, 0, 0, 0};
    const double to[6] = {0.2, -0.3, 0.5, 0, 0, 0};
    const struct et_pose goal = et_world_arm_pose(arms, to, ET_LEFT);
    for (int i = 0; i < 40; i++)
        (void)et_world_arm_solve(arms, q, ET_LEFT, &goal, 6);
    CHECK(et_vec3_norm(et_vec3_sub(et_world_arm_pose(arms, q, ET_LEFT).position, goal.position)) <
          1e-3);
    et_world_arms_close(arms);
}

static void the_clearance_is_the_distance(void)
{
    struct et_world_arms *arms = NULL;
    struct et_world_arms_model model = plane();
    CHECK_OK(et_world_arms_open_model(&arms, &model, &err));
    if (!arms)
        return;
    const double straight[6] = {0};
    CHECK_NEAR(et_world_arm_clearance(arms, straight), ET_WORLD_ARM_CLEARANCE_MAX_M, 1e-9);
    // Both arms turn inwards: their hands meet in the middle, symmetric about it.
    double last = ET_WORLD_ARM_CLEARANCE_MAX_M;
    for (double turn = 0; turn < 0.8; turn += 0.01) {
        const double q[6] = {0, -turn, 0, 0, turn, 0};
        const struct et_vec3 l = et_world_arm_pose(arms, q, ET_LEFT).position;
        const double between = 2 * l.y - 0.04;
        const double clearance = et_world_arm_clearance(arms, q);
        if (between < -0.03) // then they begin to leave each other
            break;
        if (between < ET_WORLD_ARM_CLEARANCE_MAX_M)
            CHECK_NEAR(clearance, between, 1e-6);
        CHECK(clearance <= last + 1e-9);
        last = clearance;
    }
    CHECK(last < 0);
    // A hand that comes back past the pillar comes near it, and nearer to the other shoulder.
    const double back[6] = {-1.2, 0, -1, 0, 0, 0};
    const struct et_vec3 at = et_world_arm_pose(arms, back, ET_LEFT).position;
    CHECK_NEAR(et_world_arm_clearance(arms, back), hypot(at.x, at.y + 0.2) - 0.04, 1e-6);
    et_world_arms_close(arms);
    // One arm alone.
    model.hands[ET_RIGHT].n_joints = 0;
    CHECK_OK(et_world_arms_open_model(&arms, &model, &err));
    CHECK_NEAR(et_world_arm_pose(arms, straight, ET_RIGHT).rotation.w, 1, 0);
    et_world_arms_close(arms);
}

static void a_worlds_robot_is_clear_at_home_and_not_in_itself(void)
{
    struct et_world *world = NULL;
    struct et_world_arms *arms = NULL;
    double q[64];
    CHECK_OK(et_world_open(&world, &(struct et_world_options){.skill = "press_button"}, &err));
    CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
    CHECK_OK(et_world_arms_open(&arms, world, &err));
    if (!arms)
        return;
    const struct et_world_state *state = et_world_observe(world);
    memcpy(q, state->command + (ET_WORLD_TICKS - 1) * state->n_joints, state->n_joints * sizeof *q);
    CHECK(et_world_arm_clearance(arms, q) > 0.01);
    // Both hands at one place, between where they are.
    struct et_pose goals[2] = {et_world_arm_pose(arms, q, ET_LEFT),
                               et_world_arm_pose(arms, q, ET_RIGHT)};
    const struct et_vec3 sum = et_vec3_add(goals[0].position, goals[1].position);
    for (int i = 0; i < 400; i++) {
        goals[i % 2].position = et_vec3_scale(sum, 0.5);
        (void)et_world_arm_solve(arms, q, (enum et_side)(i % 2), &goals[i % 2], 6);
    }
    CHECK(et_world_arm_clearance(arms, q) < 0);
    const int64_t t_ns = et_clock_thread_cpu_ns();
    for (int i = 0; i < 1000; i++)
        (void)et_world_arm_clearance(arms, q);
    printf("# clearance of a world's robot: %.1f us\n",
           (double)(et_clock_thread_cpu_ns() - t_ns) / 1e6);
    et_world_arms_close(arms);
    et_world_close(world);
}

static void a_urdf_has_arms_and_no_shapes(void)
{
    static const char *const NAMES[] = {
        "left_shoulder_pitch", "left_shoulder_roll", "left_shoulder_yaw", "left_elbow",
        "left_wrist_roll",     "left_wrist_pitch",   "left_wrist_yaw"};
    const char *path = data_path("urdf/g1_29dof_rev_1_0.urdf");
    struct et_world_arms_joint joints[7];
    struct et_world_arms *arms = NULL;
    if (!path) {
        tap_skip("no data");
        return;
    }
    for (size_t i = 0; i < 7; i++)
        joints[i] = (struct et_world_arms_joint){.name = NAMES[i], .lower = -2, .upper = 2};
    struct et_world_arms_model m = {.path = path, .joints = joints, .n_joints = 7};
    m.hands[0] = (struct et_world_arms_hand){.n_joints = 7, .i_hand = SIZE_MAX};
    CHECK_OK(et_world_arms_open_model(&arms, &m, &err));
    if (!arms)
        return;
    // From the torso, with all joints at 0: the forearm points ahead, at about the hips' height.
    const struct et_vec3 at = et_world_arm_pose(arms, (const double[7]){0}, ET_LEFT).position;
    printf("# left wrist from the torso: %.3f %.3f %.3f\n", at.x, at.y, at.z);
    CHECK(at.x > 0.1 && at.x < 0.3 && at.y > 0.1 && at.y < 0.2 && fabs(at.z) < 0.2);
    CHECK(isinf(et_world_arm_clearance(arms, (const double[7]){0})));
    et_world_arms_close(arms);
    m.hands[0].body = "left_wrist_yaw_link";
    m.base = "pelvis";
    CHECK_OK(et_world_arms_open_model(&arms, &m, &err));
    et_world_arms_close(arms);
}

static void what_is_no_robot_is_refused(void)
{
    static const struct {
        const char *text, *words;
        enum et_status st;
    } WRONG[] = {{"", "is empty", ET_ECORRUPT},
                 {"<mujoco><worldbody/>", "MuJoCo", ET_ECORRUPT},
                 {"no XML", "MuJoCo", ET_ECORRUPT},
                 {"<!-- <robot> -->", "MuJoCo", ET_ECORRUPT},
                 {"<!", "MuJoCo", ET_ECORRUPT},
                 {"<?xml version=\"1.0\"?><!-- a --><robot name=\"a\"/>", "", ET_ECORRUPT},
                 {"<mujoco><worldbody/></mujoco>", "no joint \"l_a\"", ET_ENOTFOUND}};
    struct et_world_arms *arms = NULL;
    struct et_world_arms_model m = plane();
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        write_file(temp_path("plane.xml"), WRONG[i].text, strlen(WRONG[i].text));
        CHECK_EQ(et_world_arms_open_model(&arms, &m, &err), WRONG[i].st);
        CHECK_HAS(err.text, "plane.xml");
        CHECK_HAS(err.text, WRONG[i].words);
        CHECK(arms == NULL);
    }
    m = plane();
    m.base = "nowhere";
    CHECK_EQ(et_world_arms_open_model(&arms, &m, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "no body \"nowhere\"");
    m = plane();
    m.hands[0].n_joints = m.hands[1].n_joints = 0;
    CHECK_EQ(et_world_arms_open_model(&arms, &m, &err), ET_EARG);
    m.path = temp_path("nothing.xml");
    CHECK_EQ(et_world_arms_open_model(&arms, &m, &err), ET_ENOTFOUND);
    et_world_arms_close(NULL);
}

static void a_robot_alone_has_the_hands_that_it_has_in_a_world(void)
{
    static const char *const ROBOTS[] = {"etude-one", "etude-two", "h1-2"};
    struct rng rng = {11};
    for (size_t k = 0; k < 3; k++) {
        struct et_world *world = NULL;
        struct et_world_arms *within = NULL, *alone = NULL;
        const struct et_world_options options = {.skill = "press_button", .robot = ROBOTS[k]};
        double a[64], b[64];
        size_t n, n_alone;
        CHECK_OK(et_world_open(&world, &options, &err));
        CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
        CHECK_OK(et_world_arms_open(&within, world, &err));
        CHECK_OK(et_world_arms_open_robot(&alone, ROBOTS[k], &err));
        if (!within || !alone)
            return;
        const struct et_world_joint *joints = et_world_joints(world, &n);
        const struct et_world_joint *own = et_world_arms_joints(alone, &n_alone);
        CHECK_EQ(n_alone, n);
        for (size_t i = 0; i < n; i++) {
            CHECK_STR(own[i].name, joints[i].name);
            CHECK(own[i].lower == joints[i].lower && own[i].upper == joints[i].upper);
        }
        for (int turn = 0; turn < 50; turn++) {
            for (size_t i = 0; i < n; i++)
                a[i] = joints[i].lower +
                       (0.1 + 0.8 * rng_uniform(&rng)) * (joints[i].upper - joints[i].lower);
            for (int side = ET_LEFT; side <= ET_RIGHT; side++) {
                const struct et_pose p = et_world_arm_pose(within, a, (enum et_side)side);
                const struct et_pose q = et_world_arm_pose(alone, a, (enum et_side)side);
                CHECK(et_vec3_norm(et_vec3_sub(p.position, q.position)) < 1e-9);
                CHECK(et_quat_angle_rad(p.rotation, q.rotation) < 1e-6);
                struct et_pose goal = p;
                goal.position.z += 0.03;
                memcpy(b, a, n * sizeof *b);
                (void)et_world_arm_solve(within, a, (enum et_side)side, &goal, 3);
                (void)et_world_arm_solve(alone, b, (enum et_side)side, &goal, 3);
                for (size_t i = 0; i < n; i++)
                    CHECK_NEAR(b[i], a[i], 1e-6);
            }
        }
        CHECK(et_world_arm_clearance(alone, a) <= ET_WORLD_ARM_CLEARANCE_MAX_M);
        et_world_arms_close(within);
        et_world_arms_close(alone);
        et_world_close(world);
    }
    struct et_world_arms *none = NULL;
    CHECK_OK(et_world_arms_open_robot(&none, "etude-h1-2", &err)); // by its profile
    et_world_arms_close(none);
    CHECK(et_world_arms_open_robot(&none, "nobody", &err) == ET_ENOTFOUND && !none);
    CHECK_HAS(err.text, "nobody");
}

int main(void)
{
    RUN(hands_are_where_the_model_has_them);
    RUN(the_clearance_is_the_distance);
    RUN(a_worlds_robot_is_clear_at_home_and_not_in_itself);
    RUN(a_urdf_has_arms_and_no_shapes);
    RUN(what_is_no_robot_is_refused);
    RUN(a_robot_alone_has_the_hands_that_it_has_in_a_world);
    return tap_end();
}

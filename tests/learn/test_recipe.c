/* What a network is shown of a moment, and what its numbers mean: plain as LeRobot has it, and with
 * hands, by numbers that were worked out here in another way. */
#include "learn/learn__recipe.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define N_MAX 400
#define JOINTS_MAX 64

static struct et_arena *arena;
static struct et_err err;
static const char *const JOINTS[] = {"a", "b", "c"};
static const struct et__body NOBODY;

static struct et__recipe make(struct et__recipe recipe)
{
    CHECK_OK(et__recipe_make(&recipe, arena, &err));
    return recipe;
}

/* ---- without a robot ---- */

static void with_everything_off_numbers_stay_as_they_are(void)
{
    static const char *const SCENE[] = {"cup.x", "cup.y", "cup.z", "cup.zx", "cup.zy", "cup.zz"};
    const struct et__recipe r =
        make((struct et__recipe){.joints = JOINTS, .n_joints = 3, .scene = SCENE, .n_scene = 6});
    const float joints[] = {1, 2, 3}, command[] = {4, 5, 6}, scene[] = {7, 8, 9, 10, 11, 12};
    float seen[9], goal[3];
    double done[3];
    size_t phase = 0;
    CHECK_EQ(r.n_own, 3);
    CHECK_EQ(r.n_around, 6);
    CHECK_EQ(r.n_in, 9);
    CHECK_EQ(r.n_out, 3);
    et__recipe_see(&r, &NOBODY,
                   &(struct et__moment){.joints = joints, .command = command, .scene = scene},
                   seen);
    CHECK(memcmp(seen, joints, sizeof joints) == 0 && memcmp(seen + 3, scene, sizeof scene) == 0);
    et__recipe_goal(&r, &NOBODY, command, 0, goal);
    CHECK(memcmp(goal, command, sizeof command) == 0);
    et__recipe_do(&r, &NOBODY, goal, done, &phase);
    CHECK(done[0] == 4 && done[1] == 5 && done[2] == 6);
    CHECK(phase == SIZE_MAX);
    const struct et__recipe least = make((struct et__recipe){.joints = JOINTS, .n_joints = 3});
    CHECK(least.n_in == 3 && least.n_around == 0);
}

static void things_are_found_by_their_names(void)
{
    static const char *const SCENE[] = {
        "cup.x",         "cup.y",  "cup.z",  "cup.zx", "cup.zy", "cup.zz", // upright
        "door.position",                                                   // one number
        "box.x",         "box.y",  "box.z",  "box.zx", "box.zy", "box.zz", "box.xx",
        "box.xy",        "box.xz", "ball.x", "ball.y", "ball.z", // not all of a pose: numbers
        "a.x",           "ab.y",                                 // nor of one thing
        "nothing",
    };
    static const struct et__recipe_thing WANTED[] = {
        {0, true, false},   {6, false, false},  {7, true, true},
        {16, false, false}, {17, false, false}, {18, false, false},
        {19, false, false}, {20, false, false}, {21, false, false}};
    const size_t n = sizeof SCENE / sizeof *SCENE, n_wanted = sizeof WANTED / sizeof *WANTED;
    struct et__recipe r =
        make((struct et__recipe){.joints = JOINTS, .n_joints = 3, .scene = SCENE, .n_scene = n});
    CHECK_EQ(r.n_things, n_wanted);
    for (size_t i = 0; i < n_wanted && i < r.n_things; i++) {
        CHECK_EQ(r.things[i].at, WANTED[i].at);
        CHECK(r.things[i].is_pose == WANTED[i].is_pose);
        CHECK(r.things[i].is_turned == WANTED[i].is_turned);
    }
    CHECK_EQ(r.n_around, n);
    r.knows_hands = true; // poses thrice: from the base, and from each hand
    CHECK_OK(et__recipe_make(&r, arena, &err));
    CHECK_EQ(r.n_around, 3 * 6 + 1 + 3 * 9 + 6);
    CHECK_EQ(r.n_own, 3 + 18);
    CHECK_EQ(r.n_out, 3 + 18);
}

static void the_robots_own_part_has_its_order(void)
{
    static const char *const PHASES[] = {"reach", "press", "home"}, *const TASKS[] = {"x", "y"};
    struct et__recipe plan = {.joints = JOINTS,
                              .n_joints = 3,
                              .touches = {{"t", 2}, {"u", 1}},
                              .n_touches = 2,
                              .phases = PHASES,
                              .n_phases = 3,
                              .tasks = TASKS,
                              .n_tasks = 2,
                              .sees_command = true,
                              .n_history = 2,
                              .knows_phase = true};
    const struct et__recipe r = make(plan);
    const float joints[] = {1, 2, 3}, command[] = {1.5F, 2, 2}, touch[] = {0.2F, 0.05F, 7};
    const float past[] = {0.5F, 2, 3, 0, 2.5F, 3};
    struct et__moment now = {.joints = joints,
                             .command = command,
                             .past = past,
                             .touch = touch,
                             .phase = 1,
                             .task = 1,
                             .phase_s = 0.75};
    const float wanted[] = {1, 2, 3, 0.5F, 0,     -1, 0.5F, 0, 0, 1, -0.5F,
                            0, 1, 0, 1,    0.75F, 0,  1,    0, 0, 1};
    float seen[N_MAX], goal[N_MAX];
    double done[3];
    size_t phase;
    CHECK_EQ(r.n_in, sizeof wanted / sizeof *wanted);
    et__recipe_see(&r, &NOBODY, &now, seen);
    CHECK(memcmp(seen, wanted, sizeof wanted) == 0);
    now.phase_s = 100; // longer is the same
    et__recipe_see(&r, &NOBODY, &now, seen);
    CHECK(seen[r.time_at] == (float)ET__TIME_MAX_S);
    et__recipe_goal(&r, &NOBODY, command, 2, goal);
    CHECK_EQ(r.n_out, 6);
    CHECK(goal[3] == 0 && goal[4] == 0 && goal[5] == 1);
    goal[4] = 1.25F; // the likeliest phase is the one that it is in
    et__recipe_do(&r, &NOBODY, goal, done, &phase);
    CHECK_EQ(phase, 1);
    // Choices are 0 or 1 for the network, too; all others are measured in what sensors can tell.
    for (size_t i = 0; i < r.n_in; i++)
        CHECK((et__recipe_floor_in(&r, i) == 0) == (i >= r.phase_at));
    for (size_t i = 0; i < r.n_out; i++)
        CHECK((et__recipe_floor_out(&r, &NOBODY, 1, i) == 0) == (i >= 3));
    plan.n_tasks = 1; // one task need not be told
    CHECK_EQ(make(plan).n_in, r.n_in - 2);
}

/* ---- with a robot ---- */

static const char *names[JOINTS_MAX];
static double home[JOINTS_MAX];
static struct et__recipe_robot whose;

static struct et_world_arms *open_arms(const char *robot, struct et__recipe *r)
{
    struct et_world_arms *arms = NULL;
    const enum et_status st = et_world_arms_open_robot(&arms, robot, &err);
    if (st == ET_EUNSUPPORTED)
        tap_skip("no MuJoCo");
    else if (st != ET_OK)
        CHECK_OK(st);
    if (!arms)
        return NULL;
    size_t n;
    const struct et_world_joint *joints = et_world_arms_joints(arms, &n);
    for (size_t i = 0; i < n; i++) {
        names[i] = joints[i].name;
        home[i] = joints[i].home;
    }
    whose = (struct et__recipe_robot){.id = robot};
    *r = (struct et__recipe){
        .robots = &whose, .n_robots = 1, .joints = names, .n_joints = n, .knows_hands = true};
    return arms;
}

// Valid until the next call.
static struct et__body *body_of(const struct et__recipe *r)
{
    static struct et__body body;
    et__body_close(&body);
    CHECK_OK(et__body_open(&body, r, 0, &err));
    if (!body.arms)
        exit(1);
    return &body;
}

static void check_3(const float *got, struct et_vec3 wanted, double tolerance)
{
    CHECK_NEAR((double)got[0], wanted.x, tolerance);
    CHECK_NEAR((double)got[1], wanted.y, tolerance);
    CHECK_NEAR((double)got[2], wanted.z, tolerance);
}

// What a hand sees of a point: where it is less where the hand is, turned back.
static struct et_vec3 seen_from(struct et_pose hand, struct et_vec3 point)
{
    return et_pose_apply(et_pose_inverse(hand), point);
}

static void hands_and_things_are_where_they_are(void)
{
    static const char *const SCENE[] = {"door.position", "box.x",  "box.y",  "box.z",  "box.zx",
                                        "box.zy",        "box.zz", "box.xx", "box.xy", "box.xz"};
    struct et__recipe plan;
    struct et_world_arms *arms = open_arms("etude-one", &plan);
    if (!arms)
        return;
    plan.scene = SCENE;
    plan.n_scene = 10;
    const struct et__recipe r = make(plan);
    // A box 10 cm before the left hand's palm, that stands as the hand does.
    const struct et_pose hands[] = {et_world_arm_pose(arms, home, ET_LEFT),
                                    et_world_arm_pose(arms, home, ET_RIGHT)};
    const struct et_vec3 x = {1, 0, 0}, z = {0, 0, 1}, away = {0.1, 0, 0};
    const struct et_vec3 at = et_pose_apply(hands[0], away);
    const struct et_vec3 up = et_quat_rotate(hands[0].rotation, z);
    const struct et_vec3 way = et_quat_rotate(hands[0].rotation, x);
    const float scene[] = {0.5F,        (float)at.x, (float)at.y,  (float)at.z,  (float)up.x,
                           (float)up.y, (float)up.z, (float)way.x, (float)way.y, (float)way.z};
    float seen[N_MAX], joints[JOINTS_MAX];
    for (size_t i = 0; i < r.n_joints; i++)
        joints[i] = (float)home[i];
    et__recipe_see(&r, body_of(&r),
                   &(struct et__moment){.joints = joints, .command = joints, .scene = scene}, seen);
    for (size_t side = 0; side < 2; side++) {
        const float *own = seen + r.n_joints + 9 * side;
        check_3(own, hands[side].position, 1e-5);
        check_3(own + 3, et_quat_rotate(hands[side].rotation, x), 1e-5);
        check_3(own + 6, et_quat_rotate(hands[side].rotation, z), 1e-5);
    }
    const float *around = seen + r.n_own;
    CHECK_EQ(r.n_around, 1 + 27);
    CHECK(around[0] == 0.5F && memcmp(around + 1, scene + 1, 9 * sizeof *scene) == 0);
    check_3(around + 10, away, 1e-5); // by hand: before the palm, and not turned
    check_3(around + 13, z, 1e-5);
    check_3(around + 16, x, 1e-5);
    const struct et_quat back = et_quat_conj(hands[1].rotation);
    check_3(around + 19, seen_from(hands[1], at), 1e-5);
    check_3(around + 22, et_quat_rotate(back, up), 1e-5);
    check_3(around + 25, et_quat_rotate(back, way), 1e-5);
    et_world_arms_close(arms);
}

static bool is_of_an_arm(const struct et_world_arms *arms, size_t i)
{
    for (int side = ET_LEFT; side <= ET_RIGHT; side++) {
        const struct et_world_arm arm = et_world_arm(arms, (enum et_side)side);
        if (i >= arm.first_joint && i < arm.first_joint + arm.n_joints)
            return true;
    }
    return false;
}

static double rest_m(struct et_world_arms *arms, const double *a, const double *b)
{
    double most = 0;
    for (int side = ET_LEFT; side <= ET_RIGHT; side++)
        most = fmax(most, et_vec3_norm(et_vec3_sub(
                              et_world_arm_pose(arms, a, (enum et_side)side).position,
                              et_world_arm_pose(arms, b, (enum et_side)side).position)));
    return most;
}

static void what_was_asked_for_comes_back(void)
{
    static const char *const ROBOTS[] = {"etude-one", "etude-two", "h1-2"};
    struct rng rng = {7};
    for (size_t k = 0; k < 3; k++) {
        struct et__recipe plan;
        struct et_world_arms *arms = open_arms(ROBOTS[k], &plan);
        if (!arms)
            return;
        const struct et__recipe r = make(plan);
        float command[JOINTS_MAX], goal[N_MAX];
        double wanted[JOINTS_MAX], done[JOINTS_MAX];
        size_t phase;
        for (int turn = 0; turn < 20; turn++) {
            for (size_t i = 0; i < r.n_joints; i++) {
                const double away = is_of_an_arm(arms, i) ? 0.3 * (rng_uniform(&rng) - 0.5) : 0;
                command[i] = (float)(home[i] + away);
                wanted[i] = (double)command[i];
            }
            et__recipe_goal(&r, body_of(&r), command, 0, goal);
            et__recipe_do(&r, body_of(&r), goal, done, &phase);
            for (size_t i = 0; i < r.n_joints; i++)
                CHECK_NEAR(done[i], wanted[i], 1e-3);
            // Joints that are a little off are brought to where the hands shall be.
            for (size_t i = 0; i < r.n_joints; i++)
                goal[i] += is_of_an_arm(arms, i) ? 0.02F * (float)(rng_uniform(&rng) - 0.5) : 0;
            for (size_t i = 0; i < r.n_joints; i++)
                done[i] = (double)goal[i];
            const double before_m = rest_m(arms, done, wanted);
            et__recipe_do(&r, body_of(&r), goal, done, &phase);
            CHECK(rest_m(arms, done, wanted) < 0.25 * before_m + 2e-4);
        }
        et_world_arms_close(arms);
    }
}

static void axes_need_not_be_at_right_angles(void)
{
    struct et__recipe plan;
    struct et_world_arms *arms = open_arms("etude-one", &plan);
    if (!arms)
        return;
    const struct et__recipe r = make(plan);
    float command[JOINTS_MAX], straight[N_MAX], skewed[N_MAX];
    double a[JOINTS_MAX], b[JOINTS_MAX];
    size_t phase;
    for (size_t i = 0; i < r.n_joints; i++)
        command[i] = (float)home[i];
    et__recipe_goal(&r, body_of(&r), command, 0, straight);
    straight[r.n_joints] += 0.02F; // so that there is something to do
    memcpy(skewed, straight, r.n_out * sizeof *skewed);
    for (size_t side = 0; side < 2; side++) { // z keeps its direction, x gives way
        float *x = skewed + r.n_joints + 9 * side + 3, *z = x + 3;
        for (size_t i = 0; i < 3; i++)
            x[i] = 0.7F * x[i] + 0.4F * z[i];
        for (size_t i = 0; i < 3; i++)
            z[i] *= 3;
    }
    et__recipe_do(&r, body_of(&r), straight, a, &phase);
    et__recipe_do(&r, body_of(&r), skewed, b, &phase);
    for (size_t i = 0; i < r.n_joints; i++)
        CHECK_NEAR(a[i], b[i], 1e-4);
    // Nor need they be anything: the joints that come of it are numbers.
    memset(skewed + r.n_joints, 0, 18 * sizeof *skewed);
    et__recipe_do(&r, body_of(&r), skewed, b, &phase);
    for (size_t i = 0; i < r.n_joints; i++)
        CHECK(isfinite(b[i]));
    et_world_arms_close(arms);
}

static void hands_need_a_robot_that_has_these_joints(void)
{
    struct et__recipe r;
    struct et_world_arms *arms = open_arms("etude-one", &r);
    struct et__body body;
    if (!arms)
        return;
    CHECK_OK(et__body_open(&body, &r, 0, &err));
    const struct et_world_arm left = et_world_arm(arms, ET_LEFT);
    CHECK_NEAR(et__recipe_floor_out(&r, &body, 1, left.i_hand), 0.004, 0);
    CHECK_NEAR(et__recipe_floor_out(&r, &body, 1, left.first_joint), 0.02, 0);
    CHECK(body.arms != NULL);
    et__body_close(&body);
    names[0] = "tail";
    CHECK(et__body_open(&body, &r, 0, &err) == ET_EARG && !body.arms);
    CHECK_HAS(err.text, "its joints are not those of etude-one");
    names[0] = NULL;
    CHECK(et__body_open(&body, &r, 0, &err) == ET_EARG);
    r.n_joints--;
    CHECK(et__body_open(&body, &r, 0, &err) == ET_EARG);
    whose.id = "nobody";
    CHECK(et__body_open(&body, &r, 0, &err) == ET_ENOTFOUND);
    whose.id = NULL;
    CHECK(et__body_open(&body, &r, 0, &err) == ET_EARG);
    CHECK_HAS(err.text, "needs a robot");
    r.knows_hands = false;
    CHECK_OK(et__body_open(&body, &r, 0, &err));
    CHECK(!body.arms);
    et_world_arms_close(arms);
}

/* ---- several robots ---- */

static void who_lacks_a_joint_neither_sees_nor_moves_it(void)
{
    static const size_t FIRST[] = {0, 2}, SECOND[] = {0, 1};
    const struct et__recipe_robot robots[] = {{"a", FIRST, 2}, {"b", SECOND, 2}};
    const struct et__recipe r = make((struct et__recipe){
        .robots = robots, .n_robots = 2, .joints = JOINTS, .n_joints = 3, .sees_command = true});
    const float joints[] = {1, 2, 3}, command[] = {1.5F, 2.5F, 3.5F};
    const struct et__moment now = {.joints = joints, .command = command};
    CHECK_EQ(r.n_own, 3 + 3 + 2);
    for (size_t k = 0; k < 2; k++) {
        const struct et__body body = {.i_robot = k};
        const size_t lacks = k ? 2 : 1;
        float seen[8], goal[3];
        double done[3];
        size_t phase;
        et__recipe_see(&r, &body, &now, seen);
        et__recipe_goal(&r, &body, command, 0, goal);
        for (size_t i = 0; i < 3; i++) {
            CHECK(i == lacks
                      ? isnan(seen[i]) && isnan(seen[3 + i]) && isnan(goal[i])
                      : seen[i] == joints[i] && seen[3 + i] == 0.5F && goal[i] == command[i]);
        }
        CHECK(seen[6] == (k ? 0 : 1) && seen[7] == (k ? 1 : 0)); // which of them it is
        CHECK(et__recipe_floor_in(&r, 6) == 0 && et__recipe_floor_in(&r, 5) > 0);
        et__recipe_do(&r, &body, command, done, &phase);
        for (size_t i = 0; i < 3; i++)
            CHECK(done[i] == (i == lacks ? 0 : (double)command[i]));
    }
}

// Of h1-2's joints and two more that it lacks, it sees and does what it does alone.
static void hands_are_those_of_the_robots_own_joints(void)
{
    struct et__recipe alone;
    struct et_world_arms *arms = open_arms("h1-2", &alone);
    if (!arms)
        return;
    static const char *more[JOINTS_MAX];
    size_t places[JOINTS_MAX], n = 0;
    float command[JOINTS_MAX], wide[JOINTS_MAX], goal[N_MAX], wide_goal[N_MAX];
    double done[JOINTS_MAX], wide_done[JOINTS_MAX];
    for (size_t i = 0; i < alone.n_joints + 2; i++) {
        const bool is_other = i == 1 || i == 9;
        // Two change places: an order is not the robot's own.
        const size_t own = n == 4 ? 5 : n == 5 ? 4 : n;
        more[i] = is_other ? "other" : names[own];
        wide[i] = is_other ? NAN : (float)home[own] + 0.1F;
        if (!is_other) {
            command[own] = wide[i];
            places[n++] = i;
        }
    }
    const struct et__recipe_robot robot = {"h1-2", places, n};
    const struct et__recipe r = make(alone), w = make((struct et__recipe){.robots = &robot,
                                                                          .n_robots = 1,
                                                                          .joints = more,
                                                                          .n_joints = n + 2,
                                                                          .knows_hands = true});
    struct et__body other;
    CHECK_OK(et__body_open(&other, &w, 0, &err));
    size_t phase;
    et__recipe_goal(&r, body_of(&r), command, 0, goal);
    et__recipe_goal(&w, &other, wide, 0, wide_goal);
    CHECK(memcmp(goal + n, wide_goal + n + 2, 18 * sizeof *goal) == 0);
    goal[n] += 0.03F;
    wide_goal[n + 2] += 0.03F;
    et__recipe_do(&r, body_of(&r), goal, done, &phase);
    et__recipe_do(&w, &other, wide_goal, wide_done, &phase);
    for (size_t i = 0; i < n; i++)
        CHECK(done[i] == wide_done[places[i == 4 ? 5 : i == 5 ? 4 : i]]);
    CHECK(wide_done[1] == 0 && wide_done[9] == 0);
    const size_t i_hand = et_world_arm(arms, ET_LEFT).i_hand;
    CHECK_NEAR(et__recipe_floor_out(&w, &other, 1, places[i_hand]), 0.004, 0);
    et__body_close(&other);
    et_world_arms_close(arms);
}

/* ---- changes ---- */

static void changes_are_from_where_joints_and_hands_are(void)
{
    struct et__recipe plan;
    struct et_world_arms *arms = open_arms("etude-one", &plan);
    if (!arms)
        return;
    const struct et__recipe r = make(plan);
    const struct et__body *body = body_of(&r);
    struct rng rng = {11};
    float joints[JOINTS_MAX], command[JOINTS_MAX], here[N_MAX], goal[N_MAX], change[N_MAX];
    double now[JOINTS_MAX], then[JOINTS_MAX];
    for (size_t i = 0; i < r.n_joints; i++) {
        joints[i] = (float)(home[i] + 0.2 * (rng_uniform(&rng) - 0.5));
        command[i] = (float)(home[i] + 0.2 * (rng_uniform(&rng) - 0.5));
        now[i] = (double)joints[i];
        then[i] = (double)command[i];
    }
    et__recipe_goal(&r, body, joints, 0, here);
    et__recipe_goal(&r, body, command, 0, goal);
    memcpy(change, goal, sizeof change);
    et__recipe_change(&r, here, change);
    for (size_t i = 0; i < r.n_joints; i++)
        CHECK(change[i] == command[i] - joints[i]);
    for (int side = ET_LEFT; side <= ET_RIGHT; side++) { // by quaternions
        const struct et_pose a = et_world_arm_pose(arms, now, (enum et_side)side);
        const struct et_pose b = et_world_arm_pose(arms, then, (enum et_side)side);
        const struct et_pose c = et_pose_mul(et_pose_inverse(a), b);
        const float *hand = change + r.n_joints + 9 * (size_t)side;
        check_3(hand, c.position, 1e-5);
        check_3(hand + 3, et_quat_rotate(c.rotation, (struct et_vec3){1, 0, 0}), 1e-5);
        check_3(hand + 6, et_quat_rotate(c.rotation, (struct et_vec3){0, 0, 1}), 1e-5);
    }
    et__recipe_unchange(&r, here, change);
    for (size_t i = 0; i < r.n_out; i++)
        CHECK_NEAR((double)change[i], (double)goal[i], 1e-5);
    et_world_arms_close(arms);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)16 << 20, &err));
    RUN(with_everything_off_numbers_stay_as_they_are);
    RUN(things_are_found_by_their_names);
    RUN(the_robots_own_part_has_its_order);
    RUN(hands_and_things_are_where_they_are);
    RUN(what_was_asked_for_comes_back);
    RUN(axes_need_not_be_at_right_angles);
    RUN(hands_need_a_robot_that_has_these_joints);
    RUN(who_lacks_a_joint_neither_sees_nor_moves_it);
    RUN(hands_are_those_of_the_robots_own_joints);
    RUN(changes_are_from_where_joints_and_hands_are);
    et_arena_close(arena);
    return tap_end();
}

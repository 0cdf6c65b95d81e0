/* A policy in a world: it fits or is told why not, does the same each time, and is over when the
 * skill is done or its time is. */
#include "etude/rollout.h"

#include "../learn/lesson_set.h"
#include "support.h"
#include "tap.h"
#include "world/world__world.h"

#include <math.h>
#include <stdlib.h>

#define JOINTS_MAX 64
#define SKILL "press_button"

static struct et_err err;
static struct et_world *world;
static const char *names[JOINTS_MAX];
static double home[JOINTS_MAX];
static size_t n_joints;

static void open_world(void)
{
    CHECK_OK(et_world_open(&world, &(struct et_world_options){.skill = SKILL}, &err));
    if (!world)
        exit(1);
    const struct et_world_joint *joints = et_world_joints(world, &n_joints);
    for (size_t i = 0; i < n_joints; i++) {
        names[i] = joints[i].name;
        home[i] = joints[i].home;
    }
}

/* A policy of a few steps of training, on movements around home. */
static struct et_policy *make_policy(const char *name, struct lesson_set set, const char *kind,
                                     double rate_hz)
{
    struct et_policy *policy = NULL;
    set.joints = names;
    set.home = home;
    set.n_joints = set.n_joints ? set.n_joints : n_joints;
    struct et_dataset *dataset = lesson_open("set", &set);
    struct et_train_settings s = lesson_settings(kind);
    s.steps = 3;
    s.rate_hz = rate_hz;
    CHECK_OK(et_policy_open(&policy, lesson_train(name, dataset, &s), NULL, &err));
    et_dataset_close(dataset);
    if (!policy)
        exit(1);
    return policy;
}

static void refuse(const char *name, struct lesson_set set, double rate_hz, const char *words)
{
    struct et_policy *policy = make_policy(name, set, "mlp", rate_hz);
    struct et_rollout *rollout = NULL;
    CHECK_EQ(et_rollout_open(&rollout, world, policy, &err), ET_EARG);
    CHECK(!rollout);
    CHECK_HAS(err.text, words);
    et_policy_close(policy);
}

static void what_does_not_fit_is_named(void)
{
    const char *const first = names[0];
    refuse("fewer", (struct lesson_set){.n_joints = 3}, 25, "the policy moves 3 joints, etude-one");
    names[0] = "tail";
    refuse("tail", (struct lesson_set){0}, 25, "joint 0 of the policy is tail, of etude-one");
    names[0] = first;
    refuse("rate", (struct lesson_set){.fps = 120}, 120, "120 actions a second are more than");
    refuse("scene", (struct lesson_set){.has_scene = true}, 25,
           "trained for another skill than " SKILL);
}

/* Where the joints are at every tenth step. */
static void attempt(struct et_rollout *rollout, uint64_t seed, size_t n, double *positions)
{
    CHECK_OK(et_rollout_begin(rollout, seed, ET_TIER_CONTROLLED, seed, &err));
    CHECK(!et_rollout_state(rollout).is_over);
    for (size_t k = 0; k < n; k++) {
        CHECK_OK(et_rollout_step(rollout, &err));
        const struct et_world_state *s = et_world_observe(world);
        if (k % 10 == 9)
            memcpy(positions + k / 10 * n_joints, s->position, n_joints * sizeof *positions);
    }
    CHECK_NEAR(et_rollout_state(rollout).seconds, 0.01 * (double)n, 1e-9);
}

static void does_the_same_for_the_same_seed(void)
{
    static const char *const KINDS[] = {"mlp", "act", "flow"};
    for (size_t i = 0; i < 3; i++) {
        double a[20 * JOINTS_MAX], b[20 * JOINTS_MAX];
        struct et_rollout *rollout = NULL;
        struct et_policy *policy = make_policy(
            "same", (struct lesson_set){.has_touch = true, .has_segment = true}, KINDS[i], 25);
        CHECK_OK(et_rollout_open(&rollout, world, policy, &err));
        if (!rollout)
            return;
        attempt(rollout, 5, 200, a);
        CHECK(et_rollout_state(rollout).i_phase < 2);
        attempt(rollout, 6, 200, b); // nothing of it leaks into the next
        attempt(rollout, 5, 200, b);
        CHECK(memcmp(a, b, 20 * n_joints * sizeof *a) == 0);
        et_rollout_close(rollout);
        et_policy_close(policy);
    }
}

static void is_asked_for_in_straight_lines(void)
{
    struct et_policy *policy = make_policy("lines", (struct lesson_set){0}, "mlp", 25);
    struct et_rollout *rollout = NULL;
    CHECK_OK(et_rollout_open(&rollout, world, policy, &err));
    if (!rollout)
        return;
    double line[9][JOINTS_MAX]; // two periods of four steps
    CHECK_OK(et_rollout_begin(rollout, 1, ET_TIER_CONTROLLED, 1, &err));
    for (size_t k = 0; k < 9; k++) {
        if (k)
            CHECK_OK(et_rollout_step(rollout, &err));
        memcpy(line[k], et_world_observe(world)->command + (ET_WORLD_TICKS - 1) * n_joints,
               n_joints * sizeof *line[k]);
    }
    for (size_t k = 1; k < 8; k++)
        for (size_t i = 0; i < n_joints; i++)
            if (k != 4) // there a new action begins
                CHECK_NEAR(line[k][i], 0.5 * (line[k - 1][i] + line[k + 1][i]), 1e-9);
    CHECK_EQ(et_rollout_state(rollout).i_phase, SIZE_MAX);
    et_rollout_close(rollout);
    et_policy_close(policy);
}

/* Thirty actions a second: each is due between two steps of the world, or on one. */
static void any_rate_is_played(void)
{
    static const struct {
        int at, from, to;
        double share;
    } LINES[] = {{1, 0, 4, 0.3}, {2, 0, 4, 0.6},  {3, 0, 4, 0.9}, {5, 4, 7, 0.5},
                 {6, 4, 7, 0.8}, {8, 7, 10, 0.4}, {9, 7, 10, 0.7}};
    struct et_policy *policy = make_policy("thirty", (struct lesson_set){.fps = 30}, "mlp", 30);
    struct et_rollout *rollout = NULL;
    double line[11][JOINTS_MAX], most = 0;
    CHECK_OK(et_rollout_open(&rollout, world, policy, &err));
    if (!rollout)
        return;
    CHECK_OK(et_rollout_begin(rollout, 1, ET_TIER_CONTROLLED, 1, &err));
    for (size_t k = 0; k < 11; k++) {
        if (k)
            CHECK_OK(et_rollout_step(rollout, &err));
        memcpy(line[k], et_world_observe(world)->command + (ET_WORLD_TICKS - 1) * n_joints,
               n_joints * sizeof *line[k]);
    }
    for (size_t k = 0; k < sizeof LINES / sizeof *LINES; k++)
        for (size_t i = 0; i < n_joints; i++) {
            const double *from = line[LINES[k].from], *to = line[LINES[k].to];
            most = fmax(most, fabs(to[i] - from[i]));
            CHECK_NEAR(line[LINES[k].at][i], from[i] + LINES[k].share * (to[i] - from[i]), 1e-9);
        }
    CHECK(most > 1e-4);
    et_rollout_close(rollout);
    et_policy_close(policy);
}

static void is_over_at_the_skills_limit(void)
{
    struct et_policy *policy = make_policy("limit", (struct lesson_set){0}, "mlp", 10);
    struct et_rollout *rollout = NULL;
    enum et_status st = ET_OK;
    CHECK_OK(et_rollout_open(&rollout, world, policy, &err));
    if (!rollout)
        return;
    CHECK_OK(et_rollout_begin(rollout, 1, ET_TIER_CONTROLLED, 1, &err));
    int n = 0;
    for (; st == ET_OK && n < 10000; n++)
        st = et_rollout_step(rollout, &err);
    CHECK_EQ(st, ET_END);
    CHECK_EQ(n, 1500);
    struct et_rollout_state state = et_rollout_state(rollout);
    CHECK(state.is_over && !state.is_success);
    CHECK_NEAR(state.seconds, et_world_skill(world)->limit_s, 1e-9);
    CHECK_HAS(state.missing, "pressed button");
    CHECK_EQ(et_rollout_step(rollout, &err), ET_END); // and stays so
    et_rollout_close(rollout);
    et_policy_close(policy);
}

static void is_done_once_success_has_held_for_half_a_second(void)
{
    struct et_policy *policy = make_policy("done", (struct lesson_set){0}, "mlp", 25);
    struct et_rollout *rollout = NULL;
    enum et_status st = ET_OK;
    const int button = mj_name2id(world->model, mjOBJ_JOINT, "button");
    CHECK_OK(et_rollout_open(&rollout, world, policy, &err));
    if (!rollout || !CHECK(button >= 0))
        return;
    CHECK_OK(et_rollout_begin(rollout, 1, ET_TIER_CONTROLLED, 1, &err));
    for (int k = 0; k < 30; k++)
        CHECK_OK(et_rollout_step(rollout, &err));
    world->joint_max[button] = 0.02; // somebody else pressed it
    for (int k = 0; k < 20; k++)
        CHECK_OK(et_rollout_step(rollout, &err));
    CHECK(et_rollout_state(rollout).missing == NULL && !et_rollout_state(rollout).is_success);
    world->joint_max[button] = 0; // a break: it counts from the beginning
    CHECK_OK(et_rollout_step(rollout, &err));
    world->joint_max[button] = 0.02;
    int n = 0;
    for (; st == ET_OK && n < 1000; n++)
        st = et_rollout_step(rollout, &err);
    CHECK_EQ(st, ET_END);
    CHECK_EQ(n, 50);
    const struct et_rollout_state state = et_rollout_state(rollout);
    CHECK(state.is_over && state.is_success && !state.missing);
    CHECK_NEAR(state.seconds, 1.01, 1e-9);
    et_rollout_close(rollout);
    et_rollout_close(NULL);
    et_policy_close(policy);
}

int main(void)
{
    open_world();
    RUN(what_does_not_fit_is_named);
    RUN(does_the_same_for_the_same_seed);
    RUN(is_asked_for_in_straight_lines);
    RUN(any_rate_is_played);
    RUN(is_over_at_the_skills_limit);
    RUN(is_done_once_success_has_held_for_half_a_second);
    et_world_close(world);
    return tap_end();
}

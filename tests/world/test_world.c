/* The virtual centre by a small skill of the tests' own, on the first robot. */
#include "etude/trainer.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define N_MAX 64

static struct et_err err;

static struct et_world *open_world(void)
{
    const struct et_world_options options = {.skill = "take_block"};
    struct et_world *world = NULL;
    CHECK_OK(et_world_open(&world, &options, &err));
    return world;
}

// Some motion that depends on the seed only.
static void act(double *action, const struct et_world_joint *joints, size_t n, uint64_t seed,
                size_t i_step)
{
    for (size_t i = 0; i < n; i++)
        action[i] = joints[i].home +
                    0.1 * sin(0.05 * (double)i_step * (double)(i + 1) + (double)(seed % 7));
}

static uint64_t mix(uint64_t h, const double *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &p[i], sizeof bits);
        h = (h ^ bits) * 0x100000001b3u;
    }
    return h;
}

static uint64_t hash_state(const struct et_world *world)
{
    const struct et_world_state *s = et_world_observe(world);
    uint64_t h = mix(0xcbf29ce484222325u, s->position, ET_WORLD_TICKS * s->n_joints);
    h = mix(h, s->velocity, ET_WORLD_TICKS * s->n_joints);
    h = mix(h, s->effort, ET_WORLD_TICKS * s->n_joints);
    h = mix(h, s->wrench, ET_WORLD_TICKS * ET_WORLD_WRENCH_VALUES);
    return mix(h, s->imu, ET_WORLD_TICKS * ET_WORLD_IMU_VALUES);
}

static uint64_t run_steps(struct et_world *world, uint64_t seed, size_t first, size_t n_steps)
{
    double action[N_MAX];
    size_t n;
    const struct et_world_joint *joints = et_world_joints(world, &n);
    uint64_t h = 0;
    for (size_t i = first; i < first + n_steps; i++) {
        act(action, joints, n, seed, i);
        CHECK_OK(et_world_step(world, action, &err));
        h = h * 31 + hash_state(world);
    }
    return h;
}

static uint64_t run_episode(struct et_world *world, uint64_t seed, enum et_tier tier)
{
    CHECK_OK(et_world_reset(world, seed, tier, &err));
    return run_steps(world, seed, 0, 40);
}

static void same_seed_gives_the_same_bytes(void)
{
    struct et_world *world = open_world(), *other = open_world();
    for (int tier = 0; world && tier < ET_N_TIERS; tier++) {
        const uint64_t first = run_episode(world, 42, (enum et_tier)tier);
        CHECK(run_episode(world, 7, (enum et_tier)tier) != first);
        CHECK(run_episode(world, 42, (enum et_tier)tier) == first); // nothing leaks
        CHECK(run_episode(other, 42, (enum et_tier)tier) == first);
    }
    et_world_close(world);
    et_world_close(other);
}

static void tiers_differ(void)
{
    struct et_world *world = open_world();
    uint64_t seen[ET_N_TIERS];
    for (int i = 0; world && i < ET_N_TIERS; i++) {
        seen[i] = run_episode(world, 3, (enum et_tier)i);
        for (int k = 0; k < i; k++)
            CHECK(seen[k] != seen[i] || k + 1 < i);
    }
    et_world_close(world);
}

static void a_snapshot_goes_on_bit_by_bit(void)
{
    struct et_world *world = open_world(), *other = open_world();
    if (!world || !other)
        return;
    void *snapshot = malloc(et_world_snapshot_bytes(world));
    CHECK_OK(et_world_reset(world, 5, ET_TIER_DISTURBED, &err));
    CHECK_OK(et_world_reset(other, 5, ET_TIER_DISTURBED, &err));
    (void)run_steps(world, 5, 0, 31);
    (void)run_steps(other, 5, 0, 4);
    et_world_save(world, snapshot);
    const uint64_t first = run_steps(world, 5, 31, 50);
    et_world_restore(world, snapshot);
    CHECK(run_steps(world, 5, 31, 50) == first);
    CHECK_EQ(et_world_snapshot_bytes(other), et_world_snapshot_bytes(world));
    et_world_restore(other, snapshot); // in the same episode of a world that is the same
    CHECK(run_steps(other, 5, 31, 50) == first);
    free(snapshot);
    et_world_close(world);
    et_world_close(other);
}

static void actions_are_clipped_and_nan_keeps_the_last(void)
{
    struct et_world *world = open_world();
    if (!world)
        return;
    double action[N_MAX];
    size_t n;
    const struct et_world_joint *joints = et_world_joints(world, &n);
    for (size_t i = 0; i < n; i++)
        action[i] = 1e9;
    CHECK_OK(et_world_step(world, action, &err));
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(et_world_observe(world)->command[i], joints[i].upper);
    for (size_t i = 0; i < n; i++)
        action[i] = (double)NAN;
    CHECK_OK(et_world_step(world, action, &err));
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(et_world_observe(world)->command[i], joints[i].upper);
    et_world_close(world);
}

struct thread {
    pthread_t id;
    uint64_t hash;
};

static void *run_thread(void *arg)
{
    struct thread *thread = arg;
    struct et_world *world = NULL;
    const struct et_world_options options = {.skill = "take_block"};
    if (et_world_open(&world, &options, NULL) == ET_OK &&
        et_world_reset(world, 9, ET_TIER_VARIED, NULL) == ET_OK) {
        double action[N_MAX];
        size_t n;
        const struct et_world_joint *joints = et_world_joints(world, &n);
        for (size_t i = 0; i < 40; i++) {
            act(action, joints, n, 9, i);
            if (et_world_step(world, action, NULL) == ET_OK)
                thread->hash = thread->hash * 31 + hash_state(world);
        }
    }
    et_world_close(world);
    return NULL;
}

static void worlds_in_threads_do_as_one_alone(void)
{
    struct et_world *world = open_world();
    const uint64_t alone = world ? run_episode(world, 9, ET_TIER_VARIED) : 0;
    struct thread threads[3] = {{0}};
    for (size_t i = 0; i < 3; i++)
        CHECK_EQ(pthread_create(&threads[i].id, NULL, run_thread, &threads[i]), 0);
    for (size_t i = 0; i < 3; i++) {
        CHECK_EQ(pthread_join(threads[i].id, NULL), 0);
        CHECK(threads[i].hash == alone);
    }
    et_world_close(world);
}

// Whether the trainer succeeds; *n_steps of them.
static bool teach(struct et_world *world, struct et_trainer *trainer, uint64_t seed,
                  enum et_tier tier)
{
    double action[N_MAX];
    CHECK_OK(et_world_reset(world, seed, tier, &err));
    CHECK_OK(et_trainer_begin(trainer, seed, &err));
    enum et_status st;
    while ((st = et_trainer_act(trainer, action, &err)) == ET_OK)
        CHECK_OK(et_world_step(world, action, &err));
    CHECK_EQ(st, ET_END);
    return et_world_success(world, NULL);
}

static void the_trainer_lifts_the_block(void)
{
    struct et_world *world = open_world();
    struct et_trainer *trainer = NULL;
    if (!world)
        return;
    CHECK_OK(et_trainer_open(&trainer, world, NULL, &err));
    if (!trainer)
        return;
    int n_good = 0;
    for (uint64_t seed = 1; seed <= 20; seed++)
        n_good += teach(world, trainer, seed, ET_TIER_CONTROLLED);
    printf("# %d of 20\n", n_good);
    CHECK(n_good >= 19);
    const char *missing = NULL;
    CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
    CHECK(!et_world_success(world, &missing));
    CHECK_STR(missing, "held block right");
    et_trainer_close(trainer);
    et_world_close(world);
}

// A tray that stands low makes wrists turn quickly; their motors can do 15 N m / 5 N m s = 3 rad/s.
static void no_joint_is_asked_to_go_faster_than_its_motor_can(void)
{
    struct et_world *world = NULL;
    struct et_trainer *trainer = NULL;
    const struct et_world_options options = {.skill = "carry_tray"};
    double now[64], last[64], most = 0;
    size_t n_joints = 0;
    CHECK_OK(et_world_open(&world, &options, &err));
    if (!world)
        return;
    const struct et_world_joint *joints = et_world_joints(world, &n_joints);
    CHECK(n_joints <= 64);
    CHECK_OK(et_world_reset(world, 2, ET_TIER_CONTROLLED, &err));
    CHECK_OK(et_trainer_open(&trainer, world, NULL, &err));
    CHECK_OK(et_trainer_begin(trainer, 2, &err));
    for (int step = 0; step < 150; step++) {
        CHECK_OK(et_trainer_act(trainer, now, &err));
        CHECK_OK(et_world_step(world, now, &err));
        for (size_t i = 0; step > 0 && i < n_joints; i++)
            if (joints[i].part == ET_PART_LEFT_ARM || joints[i].part == ET_PART_RIGHT_ARM)
                most = fmax(most, fabs(now[i] - last[i]));
        memcpy(last, now, sizeof last);
    }
    CHECK(most > 0.01); // rad in 10 ms
    CHECK(most < 0.025);
    et_trainer_close(trainer);
    et_world_close(world);
}

/* How far the right wrist gets in 10 ms towards 0.01 rad. */
static double first_step(struct et_world_options options)
{
    struct et_world *world = NULL;
    double action[N_MAX], moved = (double)NAN;
    size_t n, wrist = 0;
    options.skill = "take_block";
    if (!CHECK(et_world_open(&world, &options, &err) == ET_OK))
        return moved;
    const struct et_world_joint *joints = et_world_joints(world, &n);
    CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
    const double *position = et_world_observe(world)->position + (ET_WORLD_TICKS - 1) * n;
    for (size_t i = 0; i < n; i++) {
        action[i] = joints[i].home;
        wrist = strcmp(joints[i].name, "right_wrist_pitch") == 0 ? i : wrist;
    }
    const double before = position[wrist];
    action[wrist] += 0.01;
    CHECK_OK(et_world_step(world, action, &err));
    moved = et_world_observe(world)->position[(ET_WORLD_TICKS - 1) * n + wrist] - before;
    const struct et_world_options opened = et_world_options(world);
    CHECK(opened.has_lag == options.has_lag && opened.has_backlash == options.has_backlash &&
          opened.without_friction == options.without_friction);
    CHECK_STR(opened.robot, "etude-one");
    et_world_close(world);
    return moved;
}

static void joints_have_friction_and_on_demand_play_and_lag(void)
{
    const double plain = first_step((struct et_world_options){0});
    CHECK(plain > 0.001);
    CHECK(first_step((struct et_world_options){.has_lag = true}) < 0.95 * plain);
    CHECK(first_step((struct et_world_options){.has_backlash = true}) < plain - 1e-5);
    CHECK(first_step((struct et_world_options){.without_friction = true}) > plain + 1e-6);
}

static void says_what_is_not_there(void)
{
    struct et_world *world = NULL;
    const struct et_world_options options = {.skill = "no_such_skill"};
    CHECK_EQ(et_world_open(&world, &options, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "take_block");
    const struct et_world_options robot = {.skill = "take_block", .robot = "nobody"};
    CHECK_EQ(et_world_open(&world, &robot, &err), ET_ENOTFOUND);
    CHECK(world == NULL);
}

int main(void)
{
    use_test_skills();
    RUN(same_seed_gives_the_same_bytes);
    RUN(tiers_differ);
    RUN(a_snapshot_goes_on_bit_by_bit);
    RUN(actions_are_clipped_and_nan_keeps_the_last);
    RUN(worlds_in_threads_do_as_one_alone);
    RUN(the_trainer_lifts_the_block);
    RUN(no_joint_is_asked_to_go_faster_than_its_motor_can);
    RUN(joints_have_friction_and_on_demand_play_and_lag);
    RUN(says_what_is_not_there);
    return tap_end();
}

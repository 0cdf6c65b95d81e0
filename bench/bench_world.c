/* How fast worlds step. A policy's rollout (state only: an action in, sensors out) against the bare
 * mj_step of the same model from the same state; and two worlds in two threads against one, beside
 * what two bare ones reach on this machine. Wanted: 0.9 and 1.8. */
#include "bench.h"

#include "world/world__world.h"

#include <pthread.h>

#define STEPS 3000 // of 10 ms
static const char *const SKILLS[] = {"press_button", "take_bottle", "stack_blocks"};

static void stop(const char *what, const struct et_err *err)
{
    fprintf(stderr, "bench_world: %s: %s\n", what, err->text);
    exit(3);
}

static struct et_world *open_world(const char *skill)
{
    struct et_err err = {0};
    struct et_world *world;
    if (et_world_open(&world, &(struct et_world_options){.skill = skill}, &err) != ET_OK)
        stop(skill, &err);
    return world;
}

// The robot holds still: the same contacts for both.
static void roll_out(struct et_world *world)
{
    struct et_err err = {0};
    double action[ET__JOINTS_MAX];
    size_t n;
    const struct et_world_joint *joints = et_world_joints(world, &n);
    for (size_t i = 0; i < n; i++)
        action[i] = joints[i].home;
    if (et_world_reset(world, 1, ET_TIER_CONTROLLED, &err) != ET_OK)
        stop("reset", &err);
    for (size_t i = 0; i < STEPS; i++)
        if (et_world_step(world, action, &err) != ET_OK)
            stop("step", &err);
}

static double bare(struct et_world *world)
{
    struct et_err err = {0};
    if (et_world_reset(world, 1, ET_TIER_CONTROLLED, &err) != ET_OK)
        stop("reset", &err);
    const int64_t t_ns = et_clock_cpu_ns();
    for (size_t i = 0; i < (size_t)STEPS * ET_WORLD_TICKS; i++)
        mj_step(world->model, world->data);
    return STEPS * ET_WORLD_TICKS / (1e-9 * (double)(et_clock_cpu_ns() - t_ns));
}

static double gym(struct et_world *world)
{
    const int64_t t_ns = et_clock_cpu_ns();
    roll_out(world);
    return STEPS * ET_WORLD_TICKS / (1e-9 * (double)(et_clock_cpu_ns() - t_ns));
}

static void *run_gym(void *world)
{
    roll_out(world);
    return NULL;
}

static void *run_bare(void *world)
{
    (void)bare(world);
    return NULL;
}

// Ticks a second by the clock, of n worlds at once.
static double together(struct et_world *const *worlds, size_t n, void *(*run)(void *))
{
    pthread_t threads[2];
    const int64_t t_ns = et_clock_monotonic_ns();
    for (size_t i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, run, worlds[i]) != 0)
            exit(3);
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(threads[i], NULL);
    return (double)(n * STEPS * ET_WORLD_TICKS) / (1e-9 * (double)(et_clock_monotonic_ns() - t_ns));
}

static void measure(struct bench *bench, const char *skill)
{
    struct et_world *worlds[2] = {open_world(skill), open_world(skill)};
    double gyms[BENCH_RUNS], bares[BENCH_RUNS];
    double ones[BENCH_RUNS], twos[BENCH_RUNS], bare_ones[BENCH_RUNS], bare_twos[BENCH_RUNS];
    for (size_t i = 0; i < BENCH_RUNS; i++) {
        bares[i] = bare(worlds[0]);
        gyms[i] = gym(worlds[0]);
        ones[i] = together(worlds, 1, run_gym);
        twos[i] = together(worlds, 2, run_gym);
        bare_ones[i] = together(worlds, 1, run_bare);
        bare_twos[i] = together(worlds, 2, run_bare);
    }
    char name[96];
    (void)snprintf(name, sizeof name, "%s: rollout, one core", skill);
    bench_row(bench, name, bench_median(gyms, BENCH_RUNS), "ticks/s", "mj_step alone",
              bench_median(bares, BENCH_RUNS), ">= 0.9");
    (void)snprintf(name, sizeof name, "%s: two worlds, two cores", skill);
    bench_row(bench, name, bench_median(twos, BENCH_RUNS), "ticks/s", "one",
              bench_median(ones, BENCH_RUNS), ">= 1.8");
    (void)snprintf(name, sizeof name, "%s: two mj_step alone, two cores", skill);
    bench_row(bench, name, bench_median(bare_twos, BENCH_RUNS), "ticks/s", "one",
              bench_median(bare_ones, BENCH_RUNS), NULL);
    et_world_close(worlds[0]);
    et_world_close(worlds[1]);
}

int main(int argc, char **argv)
{
    struct bench bench = bench_open(argc > 1 && argv[1][0] ? argv[1] : NULL);
    for (size_t i = 0; i < sizeof SKILLS / sizeof *SKILLS; i++)
        measure(&bench, SKILLS[i]);
    bench_close(&bench);
    return 0;
}

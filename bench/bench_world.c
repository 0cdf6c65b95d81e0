/* How fast worlds step. A policy's rollout (state only: an action in, sensors out) against the bare
 * mj_step of the same model from the same state; and two worlds in two threads against one, beside
 * what two bare ones reach on this machine. Each ratio is the median of those of ROUNDS rounds:
 * what is compared ran one right after the other. Wanted: 0.9 and 1.8. */
#include "bench.h"

#include "world/world__world.h"

#include <pthread.h>

#define ROUNDS 9
#define SECONDS_EACH 0.7
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

struct roll {
    struct et_world *world;
    bool is_bare;
    double cpu_rate, n_ticks; // out: ticks a second of a core, ticks
};

// Steps for SECONDS_EACH by the clock. The robot holds still: the same contacts for bare and gym.
static void *roll_out(void *arg)
{
    struct roll *roll = arg;
    struct et_world *world = roll->world;
    struct et_err err = {0};
    double action[ET__JOINTS_MAX];
    size_t n;
    const struct et_world_joint *joints = et_world_joints(world, &n);
    for (size_t i = 0; i < n; i++)
        action[i] = joints[i].home;
    const int64_t t_ns = et_clock_monotonic_ns(), cpu_ns = et_clock_thread_cpu_ns();
    double n_steps = 0;
    for (; 1e-9 * (double)(et_clock_monotonic_ns() - t_ns) < SECONDS_EACH; n_steps++)
        if (roll->is_bare)
            for (size_t i = 0; i < ET_WORLD_TICKS; i++)
                mj_step(world->model, world->data);
        else if (et_world_step(world, action, &err) != ET_OK)
            stop("step", &err);
    roll->n_ticks = n_steps * ET_WORLD_TICKS;
    roll->cpu_rate = roll->n_ticks / (1e-9 * (double)(et_clock_thread_cpu_ns() - cpu_ns));
    return NULL;
}

struct rates {
    double cpu, wall; // ticks a second: of the first one's core; of all by the clock
};

static struct rates together(struct et_world *const *worlds, size_t n, bool is_bare)
{
    struct et_err err = {0};
    struct roll rolls[2];
    pthread_t threads[2];
    for (size_t i = 0; i < n; i++) {
        rolls[i] = (struct roll){.world = worlds[i], .is_bare = is_bare};
        if (et_world_reset(worlds[i], 1, ET_TIER_CONTROLLED, &err) != ET_OK)
            stop("reset", &err);
    }
    const int64_t t_ns = et_clock_monotonic_ns();
    for (size_t i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, roll_out, &rolls[i]) != 0)
            exit(3);
    double n_ticks = 0;
    for (size_t i = 0; i < n; i++) {
        (void)pthread_join(threads[i], NULL);
        n_ticks += rolls[i].n_ticks;
    }
    return (struct rates){.cpu = rolls[0].cpu_rate,
                          .wall = n_ticks / (1e-9 * (double)(et_clock_monotonic_ns() - t_ns))};
}

// Medians of both and of their ratio, taken one beside the other.
static void row(struct bench *bench, const char *skill, const char *what, double *values,
                const char *yardstick, double *yards, const char *wanted)
{
    char name[96];
    double ratios[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++)
        ratios[i] = values[i] / yards[i];
    (void)snprintf(name, sizeof name, "%s: %s", skill, what);
    bench_row_of(bench, name, bench_median(values, ROUNDS), "ticks/s", yardstick,
                 bench_median(yards, ROUNDS), bench_median(ratios, ROUNDS), wanted);
}

static void measure(struct bench *bench, const char *skill)
{
    struct et_world *worlds[2] = {open_world(skill), open_world(skill)};
    double gyms[ROUNDS], bares[ROUNDS];
    double ones[ROUNDS], twos[ROUNDS], bare_ones[ROUNDS], bare_twos[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        const struct rates bare = together(worlds, 1, true), gym = together(worlds, 1, false);
        bares[i] = bare.cpu;
        gyms[i] = gym.cpu;
        ones[i] = gym.wall;
        twos[i] = together(worlds, 2, false).wall;
        bare_ones[i] = bare.wall;
        bare_twos[i] = together(worlds, 2, true).wall;
    }
    row(bench, skill, "rollout, one core", gyms, "mj_step alone", bares, ">= 0.9");
    row(bench, skill, "two worlds, two cores", twos, "one", ones, ">= 1.8");
    row(bench, skill, "two mj_step alone, two cores", bare_twos, "one", bare_ones, NULL);
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

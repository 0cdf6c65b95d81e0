/* A world with a scripted trainer in it, and one episode of them. */
#include "cli_world.h"

#include "etude/clock.h"

#include <math.h>
#include <stdlib.h>

#define SEED_MAX 9007199254740991.0 // what a number of JSON holds exactly
#define EPISODES_MAX 1e6

int cli_world_options(const struct cli_args *args, int64_t n, struct et_arena *arena,
                      struct cli_world_options *options)
{
    struct et_err err = {0};
    double seed, count;
    const char *tier = cli_get(args, "tier"), *trainer = cli_get(args, "trainer");
    *options = (struct cli_world_options){.world.robot = cli_get(args, "robot")};
    if (!cli_number(args, "seed", 0, SEED_MAX, 1, &seed) ||
        !cli_number(args, "count", 1, EPISODES_MAX, (double)n, &count))
        return CLI_USAGE;
    if (seed != floor(seed) || count != floor(count)) {
        cli_problem(args, "--seed and --count take whole numbers");
        return CLI_USAGE;
    }
    options->seed = (uint64_t)seed;
    options->n = (int64_t)count;
    if (tier && !et_tier_find(tier, &options->tier)) { // the table has the choices
        cli_problem(args, "there is no tier \"%s\"", tier);
        return CLI_USAGE;
    }
    if (et_trainer_style_load(trainer ? trainer : CLI_WORLD_TRAINER, arena, &options->style,
                              &err) != ET_OK)
        return cli_fail(args, &err);
    return CLI_DONE;
}

enum et_status cli_world_open(struct cli_world_stage *stage, const struct et_world_options *options,
                              const struct et_trainer_style *style, struct et_err *err)
{
    *stage = (struct cli_world_stage){0};
    enum et_status st = et_world_open(&stage->world, options, err);
    if (st == ET_OK) {
        (void)et_world_joints(stage->world, &stage->n_joints);
        stage->action = calloc(stage->n_joints + 1, sizeof *stage->action);
        if (!stage->action)
            st = et_fail(err, ET_ENOMEM, -1, "no memory for the actions");
    }
    if (st == ET_OK)
        st = et_trainer_open(&stage->trainer, stage->world, style, err);
    if (st != ET_OK)
        cli_world_close(stage);
    return st;
}

void cli_world_close(struct cli_world_stage *stage)
{
    et_trainer_close(stage->trainer);
    et_world_close(stage->world);
    free(stage->action);
    *stage = (struct cli_world_stage){0};
}

static enum et_status look(const struct cli_world_watch *watch, struct et_err *err)
{
    return watch ? watch->after_step(watch->ctx, err) : ET_OK;
}

/* *is_lost: the physics came to no number. What the watcher fails with is no such thing. */
static enum et_status play(struct cli_world_stage *stage, const struct cli_world_watch *watch,
                           bool *is_lost, struct et_err *err)
{
    enum et_status st = look(watch, err), end = ET_OK;
    while (st == ET_OK && end == ET_OK) {
        end = et_trainer_act(stage->trainer, stage->action, err);
        if (end == ET_OK)
            end = et_world_step(stage->world, stage->action, err);
        if (end == ET_OK)
            st = look(watch, err);
    }
    *is_lost = end == ET_ECORRUPT;
    return st != ET_OK ? st : end == ET_END || *is_lost ? ET_OK : end;
}

enum et_status cli_world_play(struct cli_world_stage *stage, uint64_t seed, enum et_tier tier,
                              const struct cli_world_watch *watch, struct cli_world_result *result,
                              struct et_err *err)
{
    struct et_err why = {0};
    const int64_t begin_ns = et_clock_thread_cpu_ns();
    *result = (struct cli_world_result){0};
    enum et_status st = et_world_reset(stage->world, seed, tier, &why);
    if (st == ET_OK)
        st = et_trainer_begin(stage->trainer, seed, &why);
    if (st == ET_OK)
        st = play(stage, watch, &result->is_lost, &why);
    else if (st == ET_ECORRUPT) {
        result->is_lost = true;
        st = ET_OK;
    }
    result->cpu_ns = et_clock_thread_cpu_ns() - begin_ns;
    if (st != ET_OK) {
        if (err)
            *err = why;
        return st;
    }
    if (result->is_lost) {
        (void)snprintf(result->problem, sizeof result->problem, "%s", why.text);
        return ET_OK;
    }
    result->seconds = (double)et_world_observe(stage->world)->t_ns * 1e-9;
    result->is_success = et_world_success(stage->world, &result->missing);
    return ET_OK;
}

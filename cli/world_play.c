/* A world with a scripted trainer in it, and one episode of them. */
#include "cli_world.h"

#include "etude/clock.h"

#include <stdlib.h>

#define SEED_MAX 9007199254740991 // what a number of JSON holds exactly
#define EPISODES_MAX 1000000
#define SIDE_MIN 16

int cli_world_size(const struct cli_args *args, int *width_px, int *height_px)
{
    const char *text = cli_get(args, "size");
    struct et_str rest = et_str(text ? text : ""), width;
    int64_t w, h;
    if (!text)
        return CLI_DONE;
    if (!et_str_cut(&rest, 'x', &width) || !et_str_to_int64(width, &w) ||
        !et_str_to_int64(rest, &h) || w < SIDE_MIN || h < SIDE_MIN ||
        w > ET_WORLD_CAMERA_SIDE_MAX || h > ET_WORLD_CAMERA_SIDE_MAX || w % 2 || h % 2) {
        cli_problem(args, "--size takes two even numbers from %d to %d, as 640x480, not \"%s\"",
                    SIDE_MIN, ET_WORLD_CAMERA_SIDE_MAX, text);
        return CLI_USAGE;
    }
    *width_px = (int)w;
    *height_px = (int)h;
    return CLI_DONE;
}

static int take_joints(const struct cli_args *args, struct et_world_options *options)
{
    const char *text = cli_get(args, "joints");
    struct et_str rest = et_str(text ? text : ""), word;
    while (et_str_cut(&rest, ',', &word)) {
        word = et_str_trim(word);
        if (et_str_is(word, "backlash"))
            options->has_backlash = true;
        else if (et_str_is(word, "lag"))
            options->has_lag = true;
        else if (et_str_is(word, "frictionless"))
            options->without_friction = true;
        else {
            cli_problem(args, "--joints takes backlash, lag and frictionless, not \"%.*s\"",
                        (int)word.n, word.p);
            return CLI_USAGE;
        }
    }
    return CLI_DONE;
}

int cli_world_options(const struct cli_args *args, int64_t n, struct et_arena *arena,
                      struct cli_world_options *options)
{
    struct et_err err = {0};
    int64_t seed;
    const bool has_trainer = cli_takes(args, "trainer");
    const char *tier = cli_get(args, "tier");
    const char *trainer = has_trainer ? cli_get(args, "trainer") : NULL;
    *options = (struct cli_world_options){.world.robot = cli_get(args, "robot")};
    options->n = 1;
    if (!cli_whole(args, "seed", 0, SEED_MAX, 1, &seed) ||
        (n && !cli_whole(args, "count", 1, EPISODES_MAX, n, &options->n)))
        return CLI_USAGE;
    options->seed = (uint64_t)seed;
    if (tier && !et_tier_find(tier, &options->tier)) { // the table has the choices
        cli_problem(args, "there is no tier \"%s\"", tier);
        return CLI_USAGE;
    }
    options->world.has_litter = options->tier >= ET_TIER_CLUTTERED;
    if (take_joints(args, &options->world) != CLI_DONE)
        return CLI_USAGE;
    if (cli_takes(args, "disturb") && !cli_number(args, "disturb", 0, ET_WORLD_DISTURBANCE_MAX_RAD,
                                                  0, &options->world.disturbance_rad))
        return CLI_USAGE;
    if (has_trainer && et_trainer_style_load(trainer ? trainer : CLI_WORLD_TRAINER, arena,
                                             &options->style, &err) != ET_OK)
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

/* An episode under way: what the world came to, and what the watcher says. */
struct play {
    struct cli_world_stage *stage;
    const struct cli_world_watch *watch;
    enum et_status world, watcher;
};

static bool goes_on(const struct play *play)
{
    return play->world == ET_OK && play->watcher == ET_OK;
}

static void look(struct play *play, struct et_err *err)
{
    if (goes_on(play) && cli_is_interrupted())
        play->watcher = et_fail(err, ET_ECANCELLED, -1, "interrupted");
    if (goes_on(play) && play->watch->after_step)
        play->watcher = play->watch->after_step(play->watch->ctx, err);
}

static void step(struct play *play, struct et_err *err)
{
    play->world = et_world_step(play->stage->world, play->stage->action, err);
    look(play, err);
}

static void play_steps(struct play *play, struct et_err *err)
{
    if (play->watch->begin)
        play->watcher = play->watch->begin(play->watch->ctx, err);
    look(play, err);
    while (goes_on(play)) {
        const int64_t n_idle = play->watch->idle ? play->watch->idle(play->watch->ctx) : 0;
        for (int64_t i = 0; i < n_idle && goes_on(play); i++)
            step(play, err);
        if (!goes_on(play))
            return;
        play->world = et_trainer_act(play->stage->trainer, play->stage->action, err);
        if (play->world == ET_OK)
            step(play, err);
    }
}

enum et_status cli_world_play(struct cli_world_stage *stage, uint64_t seed, enum et_tier tier,
                              const struct cli_world_watch *watch, struct cli_world_result *result,
                              struct et_err *err)
{
    static const struct cli_world_watch NOBODY = {0};
    struct play play = {.stage = stage, .watch = watch ? watch : &NOBODY};
    struct et_err why = {0};
    const int64_t begin_ns = et_clock_thread_cpu_ns();
    *result = (struct cli_world_result){0};
    play.world = et_world_reset(stage->world, seed, tier, &why);
    if (play.world == ET_OK)
        play.world = et_trainer_begin(stage->trainer, seed, &why);
    if (play.world == ET_OK)
        play_steps(&play, &why);
    result->is_lost = play.world == ET_ECORRUPT;
    const enum et_status st = play.watcher != ET_OK && play.watcher != ET_END ? play.watcher
                              : play.world == ET_END || result->is_lost       ? ET_OK
                                                                              : play.world;
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
    result->seconds = (double)et_world_time_ns(stage->world) * 1e-9;
    result->is_success = et_world_success(stage->world, &result->missing);
    return ET_OK;
}

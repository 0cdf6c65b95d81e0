/* A film of a policy at work. */
#include "cli_policy.h"
#include "film.h"

#include "etude/file.h"

int cli_policy_film_options(const struct cli_policy_options *options, struct et_arena *arena,
                            struct cli_policy_film *film)
{
    const struct cli_args *args = options->args;
    struct cli_output output;
    int64_t seed;
    *film =
        (struct cli_policy_film){.path = cli_get(args, "mp4"), .width_px = 640, .height_px = 480};
    if (!film->path && (cli_has(args, "film-seed") || cli_has(args, "size"))) {
        cli_problem(args, "--film-seed and --size are of a film: --mp4 FILE");
        return CLI_USAGE;
    }
    if (!cli_whole(args, "film-seed", 0, (int64_t)1 << 53, (int64_t)options->world.seed, &seed))
        return CLI_USAGE;
    film->seed = (uint64_t)seed;
    if (!film->path)
        return CLI_DONE;
    int code = cli_world_size(args, &film->width_px, &film->height_px);
    if (code == CLI_DONE)
        code = cli_check_place(args, film->path, ".mp4", arena);
    return code == CLI_DONE ? cli_output_open(args, film->path, arena, &output) : code;
}

/* Whoever knows no phase shows the skill. */
static const char *text_of(const struct et_stage *stage, const char *skill)
{
    const struct et_policy_info *info = et_policy_info(stage->policy);
    const size_t i = et_rollout_state(stage->rollout).i_phase;
    return i < info->n_phases ? info->phases[i] : skill;
}

static enum et_status play(struct et_stage *stage, struct cli_film *film,
                           const struct cli_policy_options *o, const char *skill, uint64_t seed,
                           struct et_err *err)
{
    enum et_status st = et_rollout_begin(stage->rollout, seed, o->world.tier, seed, err);
    while (st == ET_OK) {
        if (cli_is_interrupted())
            return et_fail(err, ET_ECANCELLED, -1, "interrupted");
        st = et_rollout_step(stage->rollout, err);
        if (st == ET_OK || st == ET_END) {
            const enum et_status shown = cli_film_show(film, text_of(stage, skill), err);
            st = shown == ET_OK ? st : shown;
        }
    }
    // That it came to nothing is worth a film, too.
    return st == ET_END || st == ET_ECORRUPT ? ET_OK : st;
}

int cli_policy_film(const struct cli_policy_options *o, const char *skill, struct et_arena *arena,
                    struct cli_policy_film *film)
{
    struct et_err err = {0};
    struct et_stage stage = {0};
    struct cli_film drawn = {0};
    const char *part = et_arena_printf(arena, "%s" ET_FILE_PART_SUFFIX, film->path);
    if (!part)
        return cli_fail(o->args, &(struct et_err){.status = ET_ENOMEM});
    enum et_status st = et_path_remove(part, &err); // of a run that was killed
    if (st == ET_OK)
        st = cli_policy_open(&stage, o, skill, &err);
    if (st == ET_OK)
        st = cli_film_open(&drawn, stage.world, part, (size_t)film->width_px,
                           (size_t)film->height_px, arena, &err);
    if (st == ET_OK)
        st = play(&stage, &drawn, o, skill, film->seed, &err);
    if (st == ET_OK)
        film->is_success = et_rollout_state(stage.rollout).is_success;
    if (st == ET_OK)
        st = cli_film_finish(&drawn, &err);
    if (st == ET_OK)
        st = et_file_rename(part, film->path, &err);
    cli_film_close(&drawn);
    et_stage_close(&stage);
    if (st == ET_OK)
        return CLI_DONE;
    const enum et_status gone = et_path_remove(part, NULL);
    (void)gone; // what failed first is told
    cli_name_as_asked(&err, part);
    if (st == ET_ECANCELLED && cli_is_interrupted()) {
        cli_problem(o->args, "interrupted: %s is not written", film->path);
        return CLI_INTERRUPTED;
    }
    return cli_fail(o->args, &err);
}

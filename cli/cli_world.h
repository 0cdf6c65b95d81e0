/* What the commands of the virtual centre share. */
#ifndef CLI_CLI_WORLD_H
#define CLI_CLI_WORLD_H

#include "cli.h"

#include "etude/trainer.h"
#include "etude/world_record.h"

#define CLI_WORLD_ARENA_BYTES ((size_t)1 << 28)
#define CLI_WORLD_TRAINER "careful" // who shows a skill when nobody is named

/* The options that several commands take. */
struct cli_world_options {
    struct et_world_options world; // without a skill
    enum et_tier tier;
    uint64_t seed;
    int64_t n; // episodes
    const struct et_trainer_style *style;
};

/* --robot, --tier, --seed, and, where the command has them, --trainer and --disturb; --count unless
 * its default n is 0. Prints what is wrong.
 */
int cli_world_options(const struct cli_args *args, int64_t n, struct et_arena *arena,
                      struct cli_world_options *options);

/* --size, as 640x480: even sides of 16 to ET_WORLD_CAMERA_SIDE_MAX; *width_px and *height_px stay
 * as they are where it is absent. Prints what is wrong. */
int cli_world_size(const struct cli_args *args, int *width_px, int *height_px);

/* A world with somebody in it. */
struct cli_world_stage {
    struct et_world *world;
    struct et_trainer *trainer;
    double *action; // n_joints; owned
    size_t n_joints;
};
ET_MUST_USE enum et_status cli_world_open(struct cli_world_stage *stage,
                                          const struct et_world_options *options,
                                          const struct et_trainer_style *style, struct et_err *err);
void cli_world_close(struct cli_world_stage *stage);

struct cli_world_result {
    bool is_lost; // no place was found, or the physics came to no number; `problem` says which
    bool is_success;
    const char *missing; // the first term that does not hold; of the world's skill
    double seconds;      // simulated
    int64_t cpu_ns;      // of the calling thread
    char problem[ET_ERR_TEXT_BYTES];
};

/* What looks on while an episode is played; any may be NULL. */
struct cli_world_watch {
    enum et_status (*begin)(void *ctx, struct et_err *err); // after the reset
    /* After the reset and after every step. ET_END: the episode is over; another failure ends it,
     * too, and is handed on. */
    enum et_status (*after_step)(void *ctx, struct et_err *err);
    int64_t (*idle)(void *ctx); // steps to stand still from now on
    void *ctx;
};

/* Plays one episode to its end; that it is lost is a result, too. ET_ECANCELLED: interrupted. */
ET_MUST_USE enum et_status cli_world_play(struct cli_world_stage *stage, uint64_t seed,
                                          enum et_tier tier, const struct cli_world_watch *watch,
                                          struct cli_world_result *result, struct et_err *err);

#endif

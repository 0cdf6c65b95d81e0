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

/* --robot, --tier, --seed, -n, --trainer. Prints what is wrong. */
int cli_world_options(const struct cli_args *args, int64_t n, struct et_arena *arena,
                      struct cli_world_options *options);

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
    bool is_lost; // the physics came to no number; `problem` says so
    bool is_success;
    const char *missing; // the first term that does not hold; of the world's skill
    double seconds;      // simulated
    int64_t cpu_ns;      // of the calling thread
    char problem[ET_ERR_TEXT_BYTES];
};

/* Plays one episode to its end; what of it is lost is a result, too. after_step (NULL: nothing) is
 * called after the reset and after every step; anything but ET_OK ends the episode with it. */
struct cli_world_watch {
    enum et_status (*after_step)(void *ctx, struct et_err *err);
    void *ctx;
};
ET_MUST_USE enum et_status cli_world_play(struct cli_world_stage *stage, uint64_t seed,
                                          enum et_tier tier, const struct cli_world_watch *watch,
                                          struct cli_world_result *result, struct et_err *err);

#endif

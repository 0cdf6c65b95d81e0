/* What the commands share that copy or build datasets. */
#ifndef CLI_CLI_COPY_H
#define CLI_CLI_COPY_H

#include "cli.h"

#define CLI_PICKS_MAX 256

/* Inputs, options and the pool of one copying command. A zeroed struct may be closed. */
struct cli_copy {
    const struct cli_args *args;
    struct et_arena *arena;
    struct et_pool *pool;
    struct et_dataset *datasets[CLI_PICKS_MAX];
    struct et_pick picks[CLI_PICKS_MAX];
    size_t n_picks;
    struct et_copy_options options;
    struct cli_progress progress;
};
int cli_copy_open(const struct cli_args *args, struct cli_copy *copy);
int cli_copy_input(struct cli_copy *copy, const char *path);

/* Copies to output_path (see cli_output) and prints the result. */
int cli_copy_run(struct cli_copy *copy, const char *schema, const char *output_path);
void cli_copy_close(struct cli_copy *copy);

enum et_video_mode cli_video_mode(const struct cli_args *args);
struct et_video_options cli_video_options(const struct cli_args *args);
void cli_json_result(struct et_json_writer *w, const struct et_ops_result *r, int64_t elapsed_ns);
void cli_print_result(const char *output, const struct et_ops_result *r, int64_t elapsed_ns);
int cli_finish_result(const struct cli_args *args, const char *schema, const char *output,
                      const struct et_ops_result *result, int64_t elapsed_ns);

#endif

/* What puts a policy into the virtual centre: how it is opened, and a stage with a world for it. */
#ifndef CLI_CLI_POLICY_H
#define CLI_CLI_POLICY_H

#include "cli_live.h"
#include "cli_world.h"

#include "etude/stage.h"

/* The options that say how a policy is opened, of a folder or behind a URL. */
struct cli_policy_options {
    const struct cli_args *args;
    const char *path; // of the policy, or its URL
    struct cli_world_options world;
    struct et_policy_options policy;
    struct et_policy_remote remote;
    char token[ET_LINK_TOKEN_BYTES_MAX + 1];
};
/* --ensemble, --every, --keys, --rate; --timeout, --token-file. Prints what is wrong. It must not
 * move: pointers within are kept. */
int cli_policy_how(const struct cli_args *args, const char *policy,
                   struct cli_policy_options *options);
/* The last two of these alone, for who has the others from elsewhere. */
int cli_policy_reach(const struct cli_args *args, const char *policy,
                     struct cli_policy_options *options);
/* All of it, of the command's first word, then as cli_world_options. */
int cli_policy_options(const struct cli_args *args, int64_t n, struct et_arena *arena,
                       struct cli_policy_options *options);

/* How a stage is opened, as the options say; --tls-pin, --tls-ca. */
struct et_stage_options cli_policy_stage(const struct cli_policy_options *options);
/* A stage: to be asked (skill NULL: without a world), and to be played on. */
ET_MUST_USE enum et_status cli_policy_ask(struct et_stage *stage,
                                          const struct cli_policy_options *options,
                                          const char *skill, struct et_err *err);
ET_MUST_USE enum et_status cli_policy_open(struct et_stage *stage,
                                           const struct cli_policy_options *options,
                                           const char *skill, struct et_err *err);

/* Films an episode, as etude world view does, with the policy's phase; replaces nothing. Returns an
 * exit code after saying what is wrong. */
struct cli_policy_film {
    const char *path; // NULL: none is asked for
    uint64_t seed;
    int width_px, height_px;
    bool is_success;
};
/* --mp4, --film-seed, --size. */
int cli_policy_film_options(const struct cli_policy_options *options, struct et_arena *arena,
                            struct cli_policy_film *film);
int cli_policy_film(const struct cli_policy_options *options, const char *skill,
                    struct et_arena *arena, struct cli_policy_film *film);

#endif

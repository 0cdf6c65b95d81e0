/* What puts a policy into the virtual centre: how it is opened, and a stage with a world for it. */
#ifndef CLI_CLI_POLICY_H
#define CLI_CLI_POLICY_H

#include "cli_live.h"
#include "cli_world.h"

#include "etude/rollout.h"

/* The options that say how a policy is opened, of a folder or behind a URL. */
struct cli_policy_options {
    const struct cli_args *args; // words[0] is the policy
    struct cli_world_options world;
    struct et_policy_options policy;
    struct et_policy_remote remote;
    char token[ET_LINK_TOKEN_BYTES_MAX + 1];
};
/* --ensemble, --every, --keys, --rate, --timeout, --token-file, then as cli_world_options. Prints
 * what is wrong. It must not move: pointers within are kept. */
int cli_policy_options(const struct cli_args *args, int64_t n, struct et_arena *arena,
                       struct cli_policy_options *options);

/* A world, a policy, and both together; of one thread. */
struct cli_policy_stage {
    struct et_world *world; // NULL: no skill was named
    struct et_tls *tls;     // of a policy behind wss://
    struct et_policy *policy;
    struct et_rollout *rollout;
};
bool cli_policy_is_remote(const struct cli_args *args); // ws:// or wss://
/* A policy to be asked what it is. skill NULL: without a world, whose joints it has where its
 * server does not say which. */
ET_MUST_USE enum et_status cli_policy_ask(struct cli_policy_stage *stage,
                                          const struct cli_policy_options *options,
                                          const char *skill, struct et_err *err);
/* And one to be let into the skill's world. */
ET_MUST_USE enum et_status cli_policy_open(struct cli_policy_stage *stage,
                                           const struct cli_policy_options *options,
                                           const char *skill, struct et_err *err);
void cli_policy_close(struct cli_policy_stage *stage);

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

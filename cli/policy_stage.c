/* A policy in the virtual centre: opened as the options say. */
#include "cli_policy.h"

#include <stdlib.h>

bool cli_policy_is_remote(const struct cli_args *args)
{
    return strncmp(args->words[0], "ws://", 5) == 0 || strncmp(args->words[0], "wss://", 6) == 0;
}

/* Options that would do nothing are refused. */
static int check_remote(const struct cli_args *args)
{
    static const char *const OF_URLS[] = {"keys",       "rate",    "timeout",
                                          "token-file", "tls-pin", "tls-ca"};
    if (cli_policy_is_remote(args) && cli_has(args, "ensemble")) {
        cli_problem(args, "--ensemble is the server's to say: etude policy serve --ensemble");
        return CLI_USAGE;
    }
    for (size_t i = 0; !cli_policy_is_remote(args) && i < sizeof OF_URLS / sizeof *OF_URLS; i++)
        if (cli_has(args, OF_URLS[i])) {
            cli_problem(args, "--%s is of a policy behind a URL: ws://HOST:PORT", OF_URLS[i]);
            return CLI_USAGE;
        }
    return CLI_DONE;
}

int cli_policy_options(const struct cli_args *args, int64_t n, struct et_arena *arena,
                       struct cli_policy_options *o)
{
    int64_t n_open_loop;
    double timeout_s;
    o->args = args;
    o->policy.has_ensemble = cli_has(args, "ensemble");
    if (check_remote(args) != CLI_DONE ||
        !cli_number(args, "ensemble", -1, 10, 0, &o->policy.ensemble) ||
        !cli_whole(args, "every", 1, 1000, 0, &n_open_loop) ||
        !cli_number(args, "rate", 0.1, 1000, 25, &o->remote.rate_hz) ||
        !cli_number(args, "timeout", 0.01, 3600, 60, &timeout_s))
        return CLI_USAGE;
    if (!cli_token(args, o->token))
        return CLI_FAILED;
    o->policy.n_open_loop = (size_t)n_open_loop;
    o->remote.answer_ns = (int64_t)(timeout_s * 1e9);
    o->remote.keys = cli_get(args, "keys");
    o->remote.api_key = o->token[0] ? o->token : NULL;
    return cli_world_options(args, n, arena, &o->world);
}

static enum et_status open_tls(const struct cli_args *args, struct et_tls **tls, struct et_err *err)
{
    const struct et_tls_client_options trust = {.pin = cli_get(args, "tls-pin"),
                                                .ca_path = cli_get(args, "tls-ca")};
    return strncmp(args->words[0], "wss://", 6) == 0 ? et_tls_open_client(tls, &trust, err) : ET_OK;
}

/* What the server of a policy behind a URL may not say of it is the world's. */
static enum et_status open_policy(struct cli_policy_stage *stage,
                                  const struct cli_policy_options *o, struct et_err *err)
{
    struct et_policy_remote remote = o->remote;
    struct et_policy_options options = o->policy;
    size_t n = 0;
    const struct et_world_joint *joints = stage->world ? et_world_joints(stage->world, &n) : NULL;
    const char **names = calloc(n + 1, sizeof *names);
    if (!names)
        return et_fail(err, ET_ENOMEM, -1, "no memory for names of joints");
    for (size_t i = 0; i < n; i++)
        names[i] = joints[i].name;
    remote.joints = names;
    remote.n_joints = n;
    remote.prompt = stage->world ? et_world_skill(stage->world)->instruction_en : NULL;
    remote.tls = stage->tls;
    options.remote = &remote;
    options.robot = stage->world ? et_world_robot(stage->world) : o->world.world.robot;
    const enum et_status st = et_policy_open(&stage->policy, o->args->words[0], &options, err);
    free(names);
    return st;
}

enum et_status cli_policy_ask(struct cli_policy_stage *stage, const struct cli_policy_options *o,
                              const char *skill, struct et_err *err)
{
    struct et_world_options world = o->world.world;
    enum et_status st = open_tls(o->args, &stage->tls, err);
    world.skill = skill;
    if (st == ET_OK && skill)
        st = et_world_open(&stage->world, &world, err);
    if (st == ET_OK)
        st = open_policy(stage, o, err);
    if (st != ET_OK)
        cli_policy_close(stage);
    return st;
}

enum et_status cli_policy_open(struct cli_policy_stage *stage, const struct cli_policy_options *o,
                               const char *skill, struct et_err *err)
{
    enum et_status st = cli_policy_ask(stage, o, skill, err);
    if (st == ET_OK)
        st = et_rollout_open(&stage->rollout, stage->world, stage->policy, err);
    if (st != ET_OK)
        cli_policy_close(stage);
    return st;
}

void cli_policy_close(struct cli_policy_stage *stage)
{
    et_rollout_close(stage->rollout);
    et_policy_close(stage->policy);
    et_tls_close(stage->tls);
    et_world_close(stage->world);
    *stage = (struct cli_policy_stage){0};
}

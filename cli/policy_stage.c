/* A policy in the virtual centre: opened as the options say. */
#include "cli_policy.h"

/* Options that would do nothing are refused. */
static int check_remote(const struct cli_args *args, bool is_remote)
{
    static const char *const OF_URLS[] = {"keys",       "rate",    "timeout",
                                          "token-file", "tls-pin", "tls-ca"};
    if (is_remote && cli_has(args, "ensemble")) {
        cli_problem(args, "--ensemble is the server's to say: etude policy serve --ensemble");
        return CLI_USAGE;
    }
    for (size_t i = 0; !is_remote && i < sizeof OF_URLS / sizeof *OF_URLS; i++)
        if (cli_has(args, OF_URLS[i])) {
            cli_problem(args, "--%s is of a policy behind a URL: ws://HOST:PORT", OF_URLS[i]);
            return CLI_USAGE;
        }
    return CLI_DONE;
}

int cli_policy_reach(const struct cli_args *args, const char *policy, struct cli_policy_options *o)
{
    double timeout_s;
    o->args = args;
    o->path = policy;
    if (!cli_number(args, "timeout", 0.01, 3600, 60, &timeout_s))
        return CLI_USAGE;
    if (!cli_token(args, o->token))
        return CLI_FAILED;
    o->remote.answer_ns = (int64_t)(timeout_s * 1e9);
    o->remote.api_key = o->token[0] ? o->token : NULL;
    return CLI_DONE;
}

int cli_policy_how(const struct cli_args *args, const char *policy, struct cli_policy_options *o)
{
    int64_t n_open_loop;
    o->policy.has_ensemble = cli_has(args, "ensemble");
    if (check_remote(args, et_stage_is_remote(policy)) != CLI_DONE ||
        !cli_number(args, "ensemble", -1, 10, 0, &o->policy.ensemble) ||
        !cli_whole(args, "every", 1, 1000, 0, &n_open_loop) ||
        !cli_number(args, "rate", 0.1, 1000, 25, &o->remote.rate_hz))
        return CLI_USAGE;
    o->policy.n_open_loop = (size_t)n_open_loop;
    o->remote.keys = cli_get(args, "keys");
    return cli_policy_reach(args, policy, o);
}

int cli_policy_options(const struct cli_args *args, int64_t n, struct et_arena *arena,
                       struct cli_policy_options *o)
{
    const int code = cli_policy_how(args, args->words[0], o);
    return code == CLI_DONE ? cli_world_options(args, n, arena, &o->world) : code;
}

struct et_stage_options cli_policy_stage(const struct cli_policy_options *o)
{
    struct et_stage_options stage = {
        .policy = o->path,
        .how = o->policy,
        .trust = {.pin = cli_get(o->args, "tls-pin"), .ca_path = cli_get(o->args, "tls-ca")},
        .world = o->world.world};
    stage.how.remote = &o->remote;
    return stage;
}

enum et_status cli_policy_ask(struct et_stage *stage, const struct cli_policy_options *o,
                              const char *skill, struct et_err *err)
{
    const struct et_stage_options options = cli_policy_stage(o);
    return et_stage_ask(stage, &options, skill, err);
}

enum et_status cli_policy_open(struct et_stage *stage, const struct cli_policy_options *o,
                               const char *skill, struct et_err *err)
{
    const struct et_stage_options options = cli_policy_stage(o);
    return et_stage_open(stage, &options, skill, err);
}

/* etude policy serve: a policy behind openpi's protocol. */
#include "cli_live.h"

#include "etude/clock.h"
#include "etude/loop.h"
#include "etude/policy_serve.h"

#include <inttypes.h>
#include <unistd.h>

#define SHOW_NS (ET_NS_PER_S / 2) // on a terminal
#define LINE_NS (5 * ET_NS_PER_S) // elsewhere
#define LOOK_NS (ET_NS_PER_S / 10)
#define LAST_NS ET_NS_PER_S // for clients' good-byes

struct serve {
    const struct cli_args *args;
    struct et_policy *policy;
    struct et_loop *loop;
    struct et_tls *tls;
    struct et_policy_server *server;
    char token[ET_LINK_TOKEN_BYTES_MAX + 1];
    struct et_policy_server_options options;
    double seconds;
    bool is_terminal;
    int64_t t_begin_ns, t_shown_ns, n_shown; // requests when it was shown last
};

static int take_options(struct serve *s, struct et_policy_options *policy)
{
    const struct cli_args *args = s->args;
    int64_t n_steps, n_clients;
    if (!cli_whole(args, "steps", 1, 1000, 0, &n_steps) ||
        !cli_whole(args, "clients", 1, 256, 16, &n_clients) ||
        !cli_number(args, "seconds", 0, 1e9, 0, &s->seconds))
        return CLI_USAGE;
    if (cli_has(args, "ensemble") && cli_has(args, "steps")) {
        cli_problem(args, "--ensemble answers with one step, blended of chunks; --steps with part "
                          "of a chunk: take one");
        return CLI_USAGE;
    }
    if (!cli_token(args, s->token))
        return CLI_FAILED;
    policy->robot = cli_get(args, "robot");
    policy->has_ensemble = cli_has(args, "ensemble") && cli_get(args, "ensemble")[0];
    if (policy->has_ensemble && !cli_number(args, "ensemble", -1, 10, 0, &policy->ensemble))
        return CLI_USAGE;
    s->options.n_steps = (size_t)n_steps;
    s->options.is_blended = cli_has(args, "ensemble");
    s->options.net.clients_max = (size_t)n_clients;
    s->options.net.address = cli_has(args, "listen") ? cli_get(args, "listen") : ET_OPENPI_ADDRESS;
    s->options.net.api_key = s->token[0] ? s->token : NULL;
    return CLI_DONE;
}

/* ---- what is seen of it ---- */

static void show(struct serve *s)
{
    const int64_t t_ns = et_clock_monotonic_ns(), since_ns = t_ns - s->t_shown_ns;
    if (s->args->is_quiet || since_ns < (s->is_terminal ? SHOW_NS : LINE_NS))
        return;
    const struct et_openpi_counts c = et_policy_server_counts(s->server);
    if (!s->is_terminal && c.n_requests == s->n_shown)
        return; // nothing new: no line
    (void)fprintf(
        stderr, "%s%zu client%s, %.1f requests/s, %.2f ms (longest %.2f), %" PRId64 " failed%s",
        s->is_terminal ? "\r\033[K" : "", c.n_clients, cli_s(c.n_clients),
        (double)(c.n_requests - s->n_shown) * 1e9 / (double)since_ns, (double)c.infer_ns * 1e-6,
        (double)c.infer_ns_max * 1e-6, c.n_failed, s->is_terminal ? "" : "\n");
    (void)fflush(stderr);
    s->t_shown_ns = t_ns;
    s->n_shown = c.n_requests;
}

static void on_client(void *ctx, const char *peer, const char *why)
{
    const struct serve *s = ctx;
    if (s->args->is_quiet || !s->args->n_verbose)
        return;
    (void)fprintf(stderr, "%s%s %s%s\n", s->is_terminal ? "\r\033[K" : "", peer,
                  why ? "has gone: " : "has come", why ? why : "");
}

static void say_begin(const struct serve *s)
{
    const struct et_policy_info *info = et_policy_info(s->policy);
    if (s->args->is_quiet)
        return;
    (void)fprintf(stderr, "serving %s (%s) at %s://%s, %g actions a second, %zu an answer\n",
                  s->args->words[0], info->kind, s->tls ? "wss" : "ws",
                  et_policy_server_address(s->server), info->rate_hz,
                  s->options.is_blended ? 1
                  : s->options.n_steps  ? s->options.n_steps
                                        : info->n_steps);
    (void)fflush(stderr);
}

static int print_result(const struct serve *s)
{
    const struct et_openpi_counts c = et_policy_server_counts(s->server);
    struct cli_json json;
    if (s->is_terminal && !s->args->is_quiet)
        (void)fprintf(stderr, "\r\033[K");
    if (!s->args->is_json) {
        (void)printf("%s: %" PRId64 " requests answered, %" PRId64 " failed, %" PRId64
                     " clients refused; longest %.2f ms\n",
                     s->args->words[0], c.n_requests, c.n_failed, c.n_refused,
                     (double)c.infer_ns_max * 1e-6);
        return CLI_DONE;
    }
    cli_json_open(&json, "policy-serve");
    et_json_put_text(&json.w, "policy", s->args->words[0]);
    et_json_put_text(&json.w, "address", et_policy_server_address(s->server));
    et_json_put_int(&json.w, "requests", c.n_requests);
    et_json_put_int(&json.w, "failed", c.n_failed);
    et_json_put_int(&json.w, "refused", c.n_refused);
    et_json_put_real(&json.w, "longest_ms", (double)c.infer_ns_max * 1e-6);
    et_json_put_real(&json.w, "seconds", (double)(et_clock_monotonic_ns() - s->t_begin_ns) / 1e9);
    return cli_json_print(&json, s->args);
}

/* ---- at work ---- */

static enum et_status work(struct serve *s, struct et_err *err)
{
    enum et_status st = ET_OK;
    const int64_t t_end_ns =
        s->seconds > 0 ? s->t_begin_ns + (int64_t)(s->seconds * 1e9) : INT64_MAX;
    while (st == ET_OK && !cli_is_interrupted() && et_clock_monotonic_ns() < t_end_ns) {
        st = et_loop_run_once(s->loop, LOOK_NS, err);
        show(s);
    }
    et_policy_server_end(s->server);
    const int64_t t_last_ns = et_clock_monotonic_ns() + LAST_NS;
    while (st == ET_OK && et_policy_server_counts(s->server).n_clients > 0 &&
           et_clock_monotonic_ns() < t_last_ns)
        st = et_loop_run_once(s->loop, LOOK_NS, err);
    return st;
}

static int fail_open(const struct serve *s, const struct et_err *err)
{
    const int code = cli_fail(s->args, err);
    if (err->status == ET_EARG && !(s->tls && s->token[0]) && cli_has(s->args, "listen"))
        cli_problem(s->args, "from other machines it is asked by TLS and with a token: --tls "
                             "FOLDER and --token-file FILE");
    return code;
}

static int run(struct serve *s)
{
    struct et_err err = {0};
    struct et_policy_options policy = {0};
    const int code = take_options(s, &policy);
    if (code != CLI_DONE)
        return code;
    enum et_status st = et_policy_open(&s->policy, s->args->words[0], &policy, &err);
    if (st == ET_OK && cli_has(s->args, "tls"))
        st = cli_tls_open(cli_get(s->args, "tls"), &s->tls, &err);
    if (st == ET_OK)
        st = et_loop_open(&s->loop, NULL, &err);
    if (st != ET_OK)
        return cli_fail(s->args, &err);
    s->options.net.tls = s->tls;
    s->options.net.is_public = s->tls && s->token[0];
    s->options.net.on_client = on_client;
    s->options.net.ctx = s;
    cli_catch();
    if (et_policy_server_open(&s->server, s->loop, s->policy, &s->options, &err) != ET_OK)
        return fail_open(s, &err);
    say_begin(s);
    s->t_begin_ns = s->t_shown_ns = et_clock_monotonic_ns();
    st = work(s, &err);
    const int printed = print_result(s);
    return st == ET_OK ? printed : cli_fail(s->args, &err);
}

int cmd_policy_serve(const struct cli_args *args)
{
    struct serve s = {.args = args, .is_terminal = isatty(STDERR_FILENO) == 1};
    const int code = run(&s);
    et_policy_server_close(s.server);
    et_loop_close(s.loop);
    et_tls_close(s.tls);
    et_policy_close(s.policy);
    return code;
}

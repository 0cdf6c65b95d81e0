/* etude exam list|design: which exams there are, and what a promise costs. */
#include "cli.h"

#include "etude/exam.h"

#include <math.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define FIXED_MAX 20000 // trials of an exam of fixed size that are looked at

static const char *const KINDS[] = {"optimal", "evidence", "ratio"};
static const double SHARES[] = {0.85, 0.90, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.999};
#define N_SHARES (sizeof SHARES / sizeof *SHARES)

// ---- exam list ----

int cmd_exam_list(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    const struct et_share_file *files = NULL;
    struct cli_table table;
    struct cli_json json;
    size_t n = 0;
    enum et_status st = et_arena_open(&arena, ARENA_BYTES, &err);
    if (st == ET_OK)
        st = et_exam_list(arena, &files, &n, &err);
    if (st != ET_OK) {
        et_arena_close(arena);
        return cli_fail(args, &err);
    }
    int code = CLI_DONE;
    cli_table_open(&table, arena, "exam|title|rule|>trials|skills");
    if (args->is_json) {
        cli_json_open(&json, "exam-list");
        et_json_key(&json.w, "exams");
        et_json_open_list(&json.w);
    }
    for (size_t i = 0; i < n; i++) {
        const struct et_exam *exam = NULL;
        if (et_exam_load(files[i].path, arena, &exam, &err) != ET_OK) {
            code = cli_fail(args, &err);
            continue;
        }
        if (args->is_json) {
            et_json_open_map(&json.w);
            et_json_put_text(&json.w, "id", exam->id);
            et_json_put_text(&json.w, "title", exam->title);
            et_json_put_text(&json.w, "path", exam->path);
            et_json_close_map(&json.w);
            continue;
        }
        cli_cell(&table, "%s", exam->id);
        cli_cell(&table, "%s", exam->title);
        cli_cell(&table, "%s", KINDS[exam->rule.kind]);
        cli_cell(&table, "%d", exam->rule.trials_max);
        if (exam->n_skills)
            cli_cell(&table, "%zu", exam->n_skills);
        else
            cli_cell(&table, "%s", "as named");
    }
    if (args->is_json) {
        et_json_close_list(&json.w);
        const int printed = cli_json_print(&json, args);
        code = code == CLI_DONE ? printed : code;
    } else {
        cli_table_print(&table);
    }
    et_arena_close(arena);
    return code;
}

// ---- exam design ----

/* The least trials of an exam of fixed size that passes a share as often; 0: too many. */
static int fixed_size(const struct et_exam_rule_options *rule, double share, double pass)
{
    int n = 1;
    for (int failures = 0; n < FIXED_MAX; failures++) {
        while (n < FIXED_MAX &&
               et_binomial_cdf((uint64_t)failures, (uint64_t)n, 1 - rule->p0) > rule->alpha)
            n++;
        if (et_binomial_cdf((uint64_t)failures, (uint64_t)n, 1 - share) >= pass)
            return n < FIXED_MAX ? n : 0;
    }
    return 0;
}

static int take_rule(const struct cli_args *args, struct et_arena *arena,
                     struct et_exam_rule_options *rule)
{
    struct et_err err = {0};
    const struct et_exam *exam = NULL;
    const char *kind = cli_get(args, "rule");
    int64_t trials;
    *rule = et_exam_rule_options();
    if (args->n_words && et_exam_load(args->words[0], arena, &exam, &err) != ET_OK)
        return cli_fail(args, &err);
    if (exam)
        *rule = exam->rule;
    for (size_t i = 0; kind && i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(kind, KINDS[i]) == 0)
            rule->kind = (enum et_exam_rule_kind)i;
    if (!cli_number(args, "share", 1e-6, 1 - 1e-6, rule->p0, &rule->p0) ||
        !cli_number(args, "error", 1e-6, 1 - 1e-6, rule->alpha, &rule->alpha) ||
        !cli_whole(args, "trials", 1, ET_EXAM_TRIALS_MAX, rule->trials_max, &trials))
        return CLI_USAGE;
    rule->trials_max = (int)trials;
    return CLI_DONE;
}

static void print_points(const struct et_exam_rule *rule, int trials_max)
{
    struct et_buf line = et_buf((size_t)1 << 16);
    int at = 1;
    for (int f = 0; at; f++) {
        at = et_exam_rule_passes_at(rule, f);
        if (at)
            et_buf_printf(&line, "%s%d with %d", f ? ", " : "", at, f);
    }
    printf("\npassed after so many trials with so many failures\n");
    cli_print_wrapped(stdout, et_buf_text(&line), 2);
    et_buf_clear(&line);
    for (int n = 1, last = 0; n <= trials_max; n++) {
        const int from = et_exam_rule_fails_from(rule, n);
        if (from && from != last)
            et_buf_printf(&line, "%s%d from %d", last ? ", " : "", from, n);
        last = from ? from : last;
    }
    printf("\nfailed by so many failures, from so many trials on\n");
    cli_print_wrapped(stdout, et_buf_text(&line), 2);
    et_buf_free(&line);
}

static int print_design(const struct cli_args *args, const struct et_exam_rule_options *options,
                        const struct et_exam_rule *rule, struct et_arena *arena)
{
    struct et_err err = {0};
    struct cli_table table;
    struct cli_json json;
    if (args->is_json) {
        cli_json_open(&json, "exam-design");
        et_json_put_text(&json.w, "rule", KINDS[options->kind]);
        et_json_put_real(&json.w, "share", options->p0);
        et_json_put_real(&json.w, "error", options->alpha);
        et_json_put_int(&json.w, "trials", options->trials_max);
        et_json_key(&json.w, "policies");
        et_json_open_list(&json.w);
    } else {
        printf("%g %% at %g %% error, %d trials at most, rule: %s\n\n", 100 * options->p0,
               100 * options->alpha, options->trials_max, KINDS[options->kind]);
        cli_table_open(&table, arena, ">succeeds in|>passes|>trials|>fixed size as sure");
    }
    for (size_t i = 0; i < N_SHARES; i++) {
        struct et_exam_outlook outlook;
        if (et_exam_rule_outlook(rule, SHARES[i], 0, 0, &outlook, &err) != ET_OK)
            return cli_fail(args, &err);
        const int fixed =
            SHARES[i] > options->p0 ? fixed_size(options, SHARES[i], outlook.pass) : 0;
        if (args->is_json) {
            et_json_open_map(&json.w);
            et_json_put_real(&json.w, "share", SHARES[i]);
            et_json_put_real(&json.w, "passes", outlook.pass);
            et_json_put_real(&json.w, "trials", outlook.trials_left);
            et_json_put_int(&json.w, "fixed", fixed);
            et_json_close_map(&json.w);
            continue;
        }
        cli_cell(&table, "%.1f %%", 100 * SHARES[i]);
        cli_cell(&table, "%.2f %%", 100 * outlook.pass);
        cli_cell(&table, "%.0f", outlook.trials_left);
        cli_cell(&table, fixed ? "%d" : "–", fixed);
    }
    if (args->is_json) {
        et_json_close_list(&json.w);
        return cli_json_print(&json, args);
    }
    cli_table_print(&table);
    print_points(rule, options->trials_max);
    return CLI_DONE;
}

int cmd_exam_design(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct et_exam_rule_options options;
    struct et_exam_rule *rule = NULL;
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = take_rule(args, arena, &options);
    if (code == CLI_DONE && et_exam_rule_open(&rule, &options, &err) != ET_OK) {
        cli_problem(args, "%s", err.text);
        code = err.status == ET_EARG ? CLI_USAGE : CLI_FAILED;
    }
    if (code == CLI_DONE)
        code = print_design(args, &options, rule, arena);
    et_exam_rule_close(rule);
    et_arena_close(arena);
    return code;
}

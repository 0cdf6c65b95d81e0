/* etude inspect PATH: what is wrong, and the grades. */
#include "cli.h"

#include "etude/file.h"

// All findings in one list, with the episode each belongs to (−1: the set).
struct flat {
    const struct et_finding **findings;
    int64_t *episodes;
    size_t n;
};

static bool flatten(struct cli_survey *survey, struct flat *flat)
{
    size_t n = 0;
    for (size_t i = 0; i < survey->n_episodes; i++)
        n += survey->episodes[i].judged.n_findings;
    flat->findings = et_arena_array(survey->arena, n + 1, sizeof *flat->findings);
    flat->episodes = et_arena_array(survey->arena, n + 1, sizeof *flat->episodes);
    flat->n = 0;
    if (!flat->findings || !flat->episodes)
        return false;
    for (size_t i = 0; i < survey->n_episodes; i++) {
        const struct et_judged *judged = &survey->episodes[i].judged;
        for (size_t k = 0; k < judged->n_findings; k++) {
            flat->findings[flat->n] = &judged->findings[k];
            flat->episodes[flat->n++] = survey->episodes[i].index;
        }
    }
    return true;
}

static int worst_severity(const struct cli_survey *survey)
{
    int worst = et_findings_count(survey->set_findings.items, survey->set_findings.n).worst;
    for (size_t i = 0; i < survey->n_episodes; i++) {
        const struct et_judged *judged = &survey->episodes[i].judged;
        const int w = et_findings_count(judged->findings, judged->n_findings).worst;
        if (w > worst)
            worst = w;
    }
    return worst;
}

static void print_set(struct cli_survey *survey)
{
    if (!survey->set_findings.n)
        return;
    printf("\nthe set as a whole:\n");
    for (size_t i = 0; i < survey->set_findings.n; i++) {
        const struct et_finding *f = &survey->set_findings.items[i];
        printf("  %-5s  %-10s  %s\n", et_severity_text(f->severity), f->kind, f->text);
    }
}

static void print_not_kept(struct cli_survey *survey, bool is_verbose)
{
    size_t n_shown = 0;
    for (size_t i = 0; i < survey->n_episodes; i++) {
        const struct cli_episode_result *e = &survey->episodes[i];
        if (e->judged.grade.verdict != ET_VERDICT_REJECT &&
            !(is_verbose && e->judged.grade.verdict == ET_VERDICT_WARN))
            continue;
        if (n_shown == 0)
            printf("\n%s:\n", is_verbose ? "rejected and warned" : "rejected");
        if (++n_shown <= 20 || is_verbose)
            printf("  episode %-5lld %-6s  %s\n", (long long)e->index,
                   et_verdict_text(e->judged.grade.verdict), e->judged.grade.reason);
    }
    if (n_shown > 20 && !is_verbose)
        printf("  ... and %zu more (-v lists all)\n", n_shown - 20);
}

static void print_every(const struct flat *flat)
{
    printf("\nevery finding:\n");
    for (size_t i = 0; i < flat->n; i++) {
        const struct et_finding *f = flat->findings[i];
        printf("  episode %lld  %-5s  %s  %s", (long long)flat->episodes[i],
               et_severity_text(f->severity), f->kind, f->stream ? f->stream : "-");
        if (f->t_first_ns != ET_FINDING_WHOLE)
            printf("  %.3f-%.3f s", (double)f->t_first_ns / 1e9, (double)f->t_last_ns / 1e9);
        printf("  %s\n", f->text);
    }
}

static void print_summary(struct cli_survey *survey)
{
    char a[CLI_TEXT_BYTES], b[CLI_TEXT_BYTES], c[CLI_TEXT_BYTES];
    const struct cli_latency_range lag = cli_survey_latency(survey);
    const double s = (double)survey->elapsed_ns / 1e9;
    printf("\ngrades: %zu keep, %zu warn, %zu reject (grading %s)\n",
           survey->n_verdicts[ET_VERDICT_KEEP], survey->n_verdicts[ET_VERDICT_WARN],
           survey->n_verdicts[ET_VERDICT_REJECT], survey->grading->name);
    if (lag.n_known)
        printf(
            "command-to-state latency: %.1f to %.1f ms, median %.1f ms, in %zu of %zu episodes\n",
            lag.min_s * 1e3, lag.max_s * 1e3, lag.median_s * 1e3, lag.n_known, survey->n_episodes);
    else
        printf("command-to-state latency: not known\n");
    if (survey->n_rows == 0) // episodes of recordings have tracks, no rows
        return;
    printf("%s rows, %s frames in %.2f s: %s/s\n", cli_count_text(survey->n_rows, a),
           cli_count_text(survey->n_frames_seen, b), s,
           cli_bytes_text((double)survey->n_bytes / (s > 0 ? s : 1), c));
}

static void json_episode(struct et_json_writer *w, const struct cli_episode_result *e)
{
    et_json_open_map(w);
    et_json_put_int(w, "index", e->index);
    et_json_put_int(w, "rows", e->n_rows);
    et_json_put_real(w, "duration_s", e->duration_s);
    et_json_put_real(w, "latency_s", e->latency.lag_s);
    et_json_put_real(w, "latency_sigma_s", e->latency.sigma_s);
    et_json_put_real(w, "idle_fraction", e->idle_fraction);
    et_json_key(w, "grade");
    et_grade_json(w, &e->judged.grade);
    et_json_key(w, "findings");
    et_json_open_list(w);
    for (size_t i = 0; i < e->judged.n_findings; i++)
        et_finding_json(w, &e->judged.findings[i]);
    et_json_close_list(w);
    et_json_close_map(w);
}

static int print_json(const struct cli_args *args, struct cli_survey *survey)
{
    const struct et_dataset_info *info = et_dataset_info(survey->dataset);
    const struct cli_latency_range lag = cli_survey_latency(survey);
    struct cli_json json;
    cli_json_open(&json, "inspect");
    struct et_json_writer *w = &json.w;
    et_json_put_text(w, "path", info->path);
    et_json_put_text(w, "profile", et_dataset_binding(survey->dataset)->profile->id);
    et_json_put_text(w, "grading", survey->grading->name);
    et_json_put_int(w, "episodes_in", (int64_t)survey->n_episodes);
    et_json_put_int(w, "kept", (int64_t)survey->n_verdicts[ET_VERDICT_KEEP]);
    et_json_put_int(w, "warned", (int64_t)survey->n_verdicts[ET_VERDICT_WARN]);
    et_json_put_int(w, "rejected", (int64_t)survey->n_verdicts[ET_VERDICT_REJECT]);
    et_json_put_int(w, "rows", survey->n_rows);
    et_json_put_int(w, "frames", survey->n_frames_seen);
    et_json_key(w, "latency");
    et_json_open_map(w);
    et_json_put_int(w, "known", (int64_t)lag.n_known);
    et_json_put_real(w, "min_s", lag.min_s);
    et_json_put_real(w, "median_s", lag.median_s);
    et_json_put_real(w, "max_s", lag.max_s);
    et_json_close_map(w);
    et_json_put_real(w, "seconds", (double)survey->elapsed_ns / 1e9);
    et_json_put_int(w, "bytes", survey->n_bytes);
    et_json_key(w, "findings");
    et_json_open_list(w);
    for (size_t i = 0; i < survey->set_findings.n; i++)
        et_finding_json(w, &survey->set_findings.items[i]);
    et_json_close_list(w);
    et_json_key(w, "episodes");
    et_json_open_list(w);
    for (size_t i = 0; i < survey->n_episodes; i++)
        json_episode(w, &survey->episodes[i]);
    et_json_close_list(w);
    return cli_json_print(&json, args);
}

static int print_text(const struct cli_args *args, struct cli_survey *survey)
{
    const struct et_dataset_info *info = et_dataset_info(survey->dataset);
    struct flat flat;
    if (!flatten(survey, &flat)) {
        cli_problem(args, "out of memory for the findings");
        return CLI_FAILED;
    }
    printf("%s: %s, %s, %zu episode%s, profile %s\n\n", info->path, et_layout_text(info->layout),
           info->robot_type ? info->robot_type : "robot not named", survey->n_episodes,
           cli_s(survey->n_episodes), et_dataset_binding(survey->dataset)->profile->id);
    if (flat.n)
        cli_print_findings(flat.findings, flat.episodes, flat.n, false, survey->arena);
    else
        printf("nothing was found\n");
    print_set(survey);
    print_not_kept(survey, args->n_verbose > 0);
    if (args->n_verbose > 0)
        print_every(&flat);
    print_summary(survey);
    return CLI_DONE;
}

static int write_report(const struct cli_args *args, struct cli_survey *survey,
                        struct et_inspect_report *report)
{
    struct et_err err = {0};
    const char *path = cli_get(args, "html");
    const enum et_status st = et_inspect_report_write(
        report, &et_dataset_info(survey->dataset)->claims, survey->set_findings.items,
        survey->set_findings.n, path, cli_has(args, "force"), &err);
    if (st == ET_EEXISTS) {
        cli_problem(args, "%s exists already; name another report, or replace it with --force",
                    path);
        return CLI_FAILED;
    }
    if (st != ET_OK)
        return cli_fail(args, &err);
    if (!args->is_json)
        printf("report: %s\n", path);
    return CLI_DONE;
}

static int finish(const struct cli_args *args, struct cli_survey *survey,
                  struct et_inspect_report *report)
{
    int code = args->is_json ? print_json(args, survey) : print_text(args, survey);
    if (code == CLI_DONE && report)
        code = write_report(args, survey, report);
    enum et_severity limit;
    const char *fail_on = cli_get(args, "fail-on");
    if (code == CLI_DONE && fail_on && et_severity_parse(fail_on, &limit) &&
        worst_severity(survey) >= (int)limit)
        code = CLI_NO;
    return code;
}

// Refuses a report that is in the way before the work, not after it.
static int check_report(const struct cli_args *args)
{
    const char *path = cli_get(args, "html");
    struct et_err err = {0};
    enum et_path_kind kind;
    if (!path || cli_has(args, "force"))
        return CLI_DONE;
    if (et_path_kind(path, &kind, &err) != ET_OK)
        return cli_fail(args, &err);
    if (kind == ET_PATH_NONE)
        return CLI_DONE;
    cli_problem(args, "%s exists already; name another report, or replace it with --force", path);
    return CLI_FAILED;
}

int cmd_inspect(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_inspect_report *report = NULL;
    struct cli_survey survey = {0};
    struct cli_survey_options options = {
        .profile = cli_get(args, "profile"),
        .grading = cli_get(args, "grading"),
        .skip_videos = cli_has(args, "no-video"),
    };
    struct et_arena *arena = NULL;
    struct et_dataset *dataset = NULL;
    int code = check_report(args);
    if (code != CLI_DONE)
        return code;
    if (et_arena_open(&arena, (size_t)1 << 28, &err) != ET_OK ||
        cli_set_open(args->words[0], NULL, 0, arena, &dataset, &err) != ET_OK) {
        et_arena_close(arena);
        return cli_fail(args, &err);
    }
    int64_t *episodes;
    code = cli_episodes(args, cli_get(args, "episodes"), et_dataset_info(dataset)->n_episodes,
                        arena, &episodes, &options.n_episodes);
    options.episodes = episodes;
    et_dataset_close(dataset);
    options.report_options.skip_thumbnails = options.skip_videos;
    if (code == CLI_DONE && cli_has(args, "html") &&
        et_inspect_report_open(&report, args->words[0], &options.report_options, &err) != ET_OK)
        code = cli_fail(args, &err);
    options.report = report;
    if (code == CLI_DONE)
        code = cli_survey_run(args, args->words[0], &options, &survey);
    if (code == CLI_DONE)
        code = finish(args, &survey, report);
    cli_survey_close(&survey);
    et_inspect_report_close(report);
    et_arena_close(arena);
    return code;
}

/* etude dataset verify and etude dataset stats: is it whole, and are its numbers true. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>

#define VERIFY_ARENA_BYTES ((size_t)2 << 30)

static int repair(const struct cli_args *args, const char *path)
{
    struct et_err err = {0};
    int64_t n_episodes = 0;
    if (et_dataset_repair(path, &n_episodes, &err) != ET_OK)
        return cli_fail(args, &err);
    if (!args->is_json)
        printf("%s: whole, %lld episode%s\n", path, (long long)n_episodes,
               cli_s((uint64_t)n_episodes));
    return CLI_DONE;
}

static int print_verified(const struct cli_args *args, const struct et_findings *findings,
                          struct et_arena *arena, bool is_good)
{
    if (args->is_json) {
        struct cli_json json;
        cli_json_open(&json, "verify");
        et_json_put_text(&json.w, "path", args->words[0]);
        et_json_put_bool(&json.w, "is_good", is_good);
        et_json_key(&json.w, "findings");
        et_json_open_list(&json.w);
        for (size_t i = 0; i < findings->n; i++)
            et_finding_json(&json.w, &findings->items[i]);
        et_json_close_list(&json.w);
        et_json_put_int(&json.w, "not_listed", (int64_t)findings->n_dropped);
        return cli_json_print(&json, args);
    }
    if (!findings->n) {
        printf("%s: nothing is wrong\n", args->words[0]);
        return CLI_DONE;
    }
    if (args->n_verbose) {
        for (size_t i = 0; i < findings->n; i++)
            printf("%-5s  %-22s  %s\n", et_severity_text(findings->items[i].severity),
                   findings->items[i].kind, findings->items[i].text);
    } else {
        const struct et_finding **list = et_arena_array(arena, findings->n, sizeof *list);
        int64_t *none = et_arena_array(arena, findings->n, sizeof *none);
        for (size_t i = 0; list && none && i < findings->n; i++)
            list[i] = &findings->items[i];
        if (list && none)
            cli_print_findings(list, none, findings->n, true, arena);
    }
    const struct et_findings_count count = et_findings_count(findings->items, findings->n);
    const size_t n_errors = count.n[ET_SEVERITY_ERROR], n_warnings = count.n[ET_SEVERITY_WARN],
                 n_notes = count.n[ET_SEVERITY_INFO];
    printf("\n%s: %zu error%s, %zu warning%s, %zu note%s%s\n", args->words[0], n_errors,
           cli_s(n_errors), n_warnings, cli_s(n_warnings), n_notes, cli_s(n_notes),
           args->n_verbose ? "" : " (-v lists each)");
    return CLI_DONE;
}

int cmd_dataset_verify(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct et_pool *pool = NULL;
    struct cli_progress progress;
    double n_threads;
    int code = CLI_DONE;
    if (!cli_number(args, "threads", 1, 256, 0, &n_threads))
        return CLI_USAGE;
    if (cli_has(args, "repair"))
        code = repair(args, args->words[0]);
    if (code != CLI_DONE)
        return code;
    if (et_arena_open(&arena, VERIFY_ARENA_BYTES, &err) != ET_OK ||
        et_pool_open(&pool, (unsigned)n_threads, &err) != ET_OK) {
        code = cli_fail(args, &err);
        goto out;
    }
    struct et_findings findings = {.arena = arena};
    const struct et_verify_options options = {
        .should_decode = cli_has(args, "decode"),
        .should_check_stats = cli_has(args, "stats"),
        .pool = pool,
        .progress = cli_progress_show,
        .progress_ctx = &progress,
    };
    cli_progress_open(&progress, args, "verify", "episodes", 0);
    const enum et_status st = et_dataset_verify(args->words[0], &options, &findings, &err);
    cli_progress_close(&progress);
    if (st != ET_OK) {
        code = cli_fail(args, &err);
        goto out;
    }
    enum et_severity limit = ET_SEVERITY_ERROR;
    if (cli_has(args, "fail-on"))
        (void)et_severity_parse(cli_get(args, "fail-on"), &limit);
    const bool is_good = et_findings_count(findings.items, findings.n).worst < (int)limit;
    code = print_verified(args, &findings, arena, is_good);
    if (code == CLI_DONE && !is_good)
        code = CLI_NO;
out:
    et_pool_close(pool);
    et_arena_close(arena);
    return code;
}

static const char *const STATS[] = {"min", "max", "mean", "std", "q01", "q10", "q50", "q90", "q99"};
#define FIRST_QUANTILE 4 // in STATS

static const double *exact_of(const struct et_feature_stats *s, size_t k)
{
    const double *const all[] = {s->min, s->max, s->mean, s->std, s->q01,
                                 s->q10, s->q50, s->q90,  s->q99};
    return all[k];
}

static void json_numbers(struct et_json_writer *w, const char *key, const double *values, size_t n)
{
    et_json_key(w, key);
    if (!values) {
        et_json_null(w);
        return;
    }
    et_json_open_list(w);
    for (size_t i = 0; i < n; i++)
        et_json_real(w, values[i]);
    et_json_close_list(w);
}

static void json_stats(struct et_json_writer *w, const struct et_feature_stats *s,
                       const struct et_feature *feature)
{
    et_json_open_map(w);
    et_json_put_text(w, "feature", s->feature);
    et_json_key(w, "names");
    et_json_open_list(w);
    for (size_t i = 0; feature->names && i < feature->n_values; i++)
        et_json_text(w, feature->names[i]);
    et_json_close_list(w);
    et_json_put_int(w, "count", s->count);
    et_json_key(w, "exact");
    et_json_open_map(w);
    for (size_t k = 0; k < 9; k++)
        json_numbers(w, STATS[k], exact_of(s, k), s->n_values);
    et_json_close_map(w);
    et_json_key(w, "stored");
    et_json_open_map(w);
    for (size_t k = 0; k < 9; k++)
        json_numbers(w, STATS[k], s->stored[k], s->n_values);
    et_json_close_map(w);
    et_json_key(w, "joined");
    et_json_open_map(w);
    for (size_t k = FIRST_QUANTILE; k < 9; k++)
        json_numbers(w, STATS[k], s->joined[k - FIRST_QUANTILE], s->n_values);
    et_json_close_map(w);
    et_json_close_map(w);
}

// What a value is called: by its name, else by its number.
#define VALUE_BYTES 64
static const char *value_text(const struct et_feature *feature, size_t i, char text[VALUE_BYTES])
{
    if (feature->names)
        (void)snprintf(text, VALUE_BYTES, "%s", feature->names[i]);
    else
        (void)snprintf(text, VALUE_BYTES, "value %zu", i);
    return text;
}

// The largest difference between values and exact ones, and where it is.
static double worst_difference(const struct et_feature_stats *s, size_t k, const double *values,
                               size_t *at)
{
    double worst = 0;
    *at = 0;
    for (size_t i = 0; i < s->n_values; i++) {
        const double d = fabs(values[i] - exact_of(s, k)[i]);
        if (d > worst) {
            worst = d;
            *at = i;
        }
    }
    return worst;
}

// What a join of the episodes' own quantiles would have made of them, where it is worst.
static void print_joined(const struct et_feature_stats *s, const struct et_feature *feature)
{
    char name[VALUE_BYTES];
    size_t worst_k = FIRST_QUANTILE, worst_at = 0, at;
    double worst = 0;
    for (size_t k = FIRST_QUANTILE; k < 9; k++) {
        const double d = worst_difference(s, k, s->joined[k - FIRST_QUANTILE], &at);
        if (d > worst) {
            worst = d;
            worst_k = k;
            worst_at = at;
        }
    }
    if (worst > 0)
        printf("  as LeRobot joins those of the episodes, %s would be off by %.3g\n"
               "    (%s: joined %.6g, exact %.6g)\n",
               STATS[worst_k], worst, value_text(feature, worst_at, name),
               s->joined[worst_k - FIRST_QUANTILE][worst_at], exact_of(s, worst_k)[worst_at]);
}

static void print_stats(const struct et_feature_stats *s, const struct et_feature *feature,
                        struct et_arena *arena)
{
    struct cli_table table;
    char name[VALUE_BYTES];
    printf("\n%s, %lld rows\n\n", s->feature, (long long)s->count);
    cli_table_open(&table, arena, "value|>min|>q01|>q50|>q99|>max|>mean|>std");
    for (size_t i = 0; i < s->n_values; i++) {
        if (feature->names)
            cli_cell(&table, "%s", feature->names[i]);
        else
            cli_cell(&table, "%zu", i);
        const double row[] = {s->min[i], s->q01[i],  s->q50[i], s->q99[i],
                              s->max[i], s->mean[i], s->std[i]};
        for (size_t k = 0; k < 7; k++)
            cli_cell(&table, "%.4g", row[k]);
    }
    cli_table_print(&table);
    for (size_t k = 0; k < 9; k++) {
        size_t at;
        if (!s->stored[k])
            continue;
        const double worst = worst_difference(s, k, s->stored[k], &at);
        printf("  stored %-4s differs by at most %.3g", STATS[k], worst);
        if (worst > 0)
            printf(" (%s: stored %.6g, exact %.6g)", value_text(feature, at, name),
                   s->stored[k][at], exact_of(s, k)[at]);
        (void)putchar('\n');
    }
    print_joined(s, feature);
}

int cmd_dataset_stats(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct et_pool *pool = NULL;
    struct et_dataset *dataset = NULL;
    const struct et_feature_stats *stats;
    size_t n_stats;
    double n_threads;
    int code = CLI_DONE;
    if (!cli_number(args, "threads", 1, 256, 0, &n_threads))
        return CLI_USAGE;
    if (et_arena_open(&arena, VERIFY_ARENA_BYTES, &err) != ET_OK ||
        et_pool_open(&pool, (unsigned)n_threads, &err) != ET_OK ||
        et_dataset_open(&dataset, args->words[0], &err) != ET_OK ||
        et_dataset_stats(dataset, pool, 0, arena, &stats, &n_stats, &err) != ET_OK) {
        code = cli_fail(args, &err);
        goto out;
    }
    const char *only = cli_get(args, "feature");
    if (only && et_dataset_find(dataset, only) < 0) {
        cli_problem(args, "there is no feature \"%s\"; see: etude info %s", only, args->words[0]);
        code = CLI_FAILED;
        goto out;
    }
    struct cli_json json;
    if (args->is_json) {
        cli_json_open(&json, "stats");
        et_json_put_text(&json.w, "path", args->words[0]);
        et_json_key(&json.w, "features");
        et_json_open_list(&json.w);
    }
    for (size_t i = 0; i < n_stats; i++) {
        const int at = et_dataset_find(dataset, stats[i].feature);
        if (at < 0 || (only && strcmp(only, stats[i].feature) != 0))
            continue;
        const struct et_feature *feature = &et_dataset_info(dataset)->features[at];
        if (args->is_json)
            json_stats(&json.w, &stats[i], feature);
        else
            print_stats(&stats[i], feature, arena);
    }
    if (args->is_json) {
        et_json_close_list(&json.w);
        code = cli_json_print(&json, args);
    }
out:
    et_dataset_close(dataset);
    et_pool_close(pool);
    et_arena_close(arena);
    return code;
}

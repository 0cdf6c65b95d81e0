/* etude dataset build, merge and split. */
#include "cli_copy.h"

#include "etude/clock.h"
#include "etude/file.h"

#include <math.h>
#include <stdlib.h>

static enum et_parts_mode parts_mode(const struct cli_args *args)
{
    const char *parts = cli_get(args, "parts");
    return parts && strcmp(parts, "union") == 0 ? ET_PARTS_UNION : ET_PARTS_COMMON;
}

struct build {
    struct et_arena *arena; // of lists of episodes
    struct cli_survey surveys[CLI_PICKS_MAX];
    struct et_pick picks[CLI_PICKS_MAX];
    const struct et_judged *judged[CLI_PICKS_MAX];
    size_t n;
    int64_t elapsed_ns; // of inspection
};

// Which episodes of an input the user wants; *places NULL: all.
static int choose_episodes(const struct cli_args *args, const char *path,
                           const struct cli_survey_options *options, struct et_arena *arena,
                           int64_t **places, size_t *n_places)
{
    struct et_err err = {0};
    struct et_dataset *dataset = NULL;
    if (options->places)
        return cli_episodes(args, cli_get(args, "episodes"), (int64_t)options->n_places, arena,
                            places, n_places);
    if (et_dataset_open(&dataset, path, &err) != ET_OK)
        return cli_fail(args, &err);
    const int code = cli_episodes(args, cli_get(args, "episodes"),
                                  et_dataset_info(dataset)->n_episodes, arena, places, n_places);
    et_dataset_close(dataset);
    return code;
}

// Inspects and grades one input; what the grades leave out is decided here, in plain data.
static int survey_input(const struct cli_args *args, struct build *build, const char *path,
                        const struct et_episode_place *curated, size_t n_curated)
{
    struct et_err err = {0};
    struct cli_survey *survey = &build->surveys[build->n];
    struct cli_survey_options options = {
        .profile = cli_get(args, "profile"),
        .grading = cli_get(args, "grading"),
        .skip_videos = cli_video_mode(args) == ET_VIDEO_DROP,
        .places = curated,
        .n_places = n_curated,
    };
    struct et_arena *arena;
    if (et_arena_open(&arena, (size_t)1 << 28, &err) != ET_OK)
        return cli_fail(args, &err);
    int64_t *places = NULL;
    int code = choose_episodes(args, path, &options, arena, &places, &options.n_episodes);
    options.episodes = places;
    if (code == CLI_DONE) {
        build->n++; // from here on it is closed with the build, whatever comes
        code = cli_survey_run(args, path, &options, survey);
    }
    if (code == CLI_DONE) {
        const size_t n = survey->n_episodes;
        struct et_judged *judged = et_arena_array(survey->arena, n + 1, sizeof *judged);
        int64_t *episodes = et_arena_array(survey->arena, n + 1, sizeof *episodes);
        if (!judged || !episodes) {
            cli_problem(args, "out of memory");
            code = CLI_FAILED;
        }
        for (size_t i = 0; judged && episodes && i < n; i++) {
            judged[i] = survey->episodes[i].judged;
            episodes[i] = places ? places[i] : (int64_t)i;
            if (cli_has(args, "keep-all") && judged[i].grade.verdict == ET_VERDICT_REJECT)
                judged[i].grade.verdict = ET_VERDICT_WARN;
        }
        build->judged[build->n - 1] = judged;
        build->picks[build->n - 1] = (struct et_pick){survey->dataset, episodes, n};
        build->elapsed_ns += survey->elapsed_ns;
    }
    et_arena_close(arena);
    return code;
}

/* The profile an episode was curated by, in the build's arena; NULL: it cannot be read. */
static const char *profile_of(struct build *build, const char *folder, struct et_err *err)
{
    struct et_arena *scratch = NULL;
    struct et_episode episode;
    struct et_episode_facts facts = {0};
    const char *id = NULL;
    if (et_arena_open(&scratch, (size_t)1 << 28, err) == ET_OK &&
        et_episode_read_facts(folder, scratch, &episode, &facts, err) == ET_OK) {
        id = facts.profile ? facts.profile : "generic";
        id = et_arena_copy(build->arena, id, strlen(id));
        if (!id)
            (void)et_arena_fail(build->arena, "a list of episodes", err);
    }
    et_arena_close(scratch);
    return id;
}

/* Episodes of different profiles are different sets: one pick each, in the order of their first
 * episodes. */
static int survey_curated(const struct cli_args *args, struct build *build, const char *path,
                          const struct et_episode_place *places, size_t n)
{
    struct et_err err = {0};
    const char **ids = et_arena_array(build->arena, n, sizeof *ids);
    struct et_episode_place *group = et_arena_array(build->arena, n, sizeof *group);
    int code = ids && group ? CLI_DONE : CLI_FAILED;
    for (size_t i = 0; i < n && code == CLI_DONE; i++) {
        ids[i] = profile_of(build, places[i].folder, &err);
        code = ids[i] ? CLI_DONE : cli_fail(args, &err);
    }
    for (size_t i = 0; i < n && code == CLI_DONE; i++) {
        size_t n_group = 0;
        for (size_t k = i; ids[i] && k < n; k++)
            if (ids[k] && strcmp(ids[k], ids[i]) == 0)
                group[n_group++] = places[k];
        if (n_group == 0)
            continue;
        const char *id = ids[i];
        for (size_t k = i; k < n; k++)
            if (ids[k] && strcmp(ids[k], id) == 0)
                ids[k] = NULL; // taken
        if (build->n == CLI_PICKS_MAX) {
            cli_problem(args, "more than %d inputs", CLI_PICKS_MAX);
            return CLI_USAGE;
        }
        code = survey_input(args, build, path, group, n_group);
    }
    if (!ids || !group)
        cli_problem(args, "out of memory");
    return code;
}

/* A dataset, or folders of curated episodes. */
static int survey_word(const struct cli_args *args, struct build *build, const char *path)
{
    const struct et_episode_place *places = NULL;
    struct et_dataset *dataset = NULL;
    struct et_err err = {0}, other = {0};
    size_t n = 0;
    const enum et_status st = et_dataset_open(&dataset, path, &err);
    et_dataset_close(dataset);
    if (st == ET_ENOTFOUND && et_episode_list(path, build->arena, &places, &n, &other) == ET_OK)
        return survey_curated(args, build, path, places, n);
    return st == ET_OK ? survey_input(args, build, path, NULL, 0) : cli_fail(args, &err);
}

static enum et_depth_mode depth_mode(const struct cli_args *args)
{
    const char *mode = cli_get(args, "depth");
    if (!mode)
        return ET_DEPTH_AUTO;
    return strcmp(mode, "png") == 0 ? ET_DEPTH_PNG : ET_DEPTH_DROP;
}

static int build_options(const struct cli_args *args, struct et_build_options *options)
{
    double fps, shift;
    if (!cli_number(args, "fps", 1, 1000, 0, &fps) ||
        !cli_number(args, "action-shift", -10, 10, 0, &shift))
        return CLI_USAGE;
    *options = (struct et_build_options){
        .fps = (int)fps,
        .videos = cli_video_mode(args),
        .depth = depth_mode(args),
        .parts = parts_mode(args),
        .with_velocity = cli_has(args, "velocity"),
        .with_effort = cli_has(args, "effort"),
        .with_other = cli_has(args, "other"),
        .is_privileged = cli_has(args, "privileged"),
        .action_shift_s = shift,
        .video = cli_video_options(args),
        .progress = cli_progress_show,
    };
    return CLI_DONE;
}

static void print_reasons(const struct build *build)
{
    size_t n = 0;
    for (size_t i = 0; i < build->n; i++)
        for (size_t k = 0; k < build->picks[i].n_episodes; k++) {
            const struct et_judged *j = &build->judged[i][k];
            if (j->grade.verdict != ET_VERDICT_REJECT || ++n > 20)
                continue;
            printf("  rejected  %s episode %lld: %s\n",
                   et_dataset_info(build->picks[i].dataset)->path,
                   (long long)build->surveys[i].episodes[k].index, j->grade.reason);
        }
    if (n > 20)
        printf("  ... and %zu more, in meta/etude/rejected.jsonl\n", n - 20);
}

/* What rejects an episode, by kinds: a kind once an episode. */
struct reason {
    const char *kind;
    size_t n_episodes;
    const struct et_finding *example;
};
#define REASONS_MAX 64

static void add_reasons(const struct et_judged *judged, struct reason *reasons, size_t *n)
{
    for (size_t i = 0; i < judged->grade.n_findings; i++) {
        const struct et_finding *f = &judged->findings[judged->grade.i_findings[i]];
        bool is_counted = false;
        for (size_t k = 0; k < i && !is_counted; k++)
            is_counted = strcmp(judged->findings[judged->grade.i_findings[k]].kind, f->kind) == 0;
        size_t at = 0;
        while (at < *n && strcmp(reasons[at].kind, f->kind) != 0)
            at++;
        if (is_counted || at == REASONS_MAX)
            continue;
        if (at == *n)
            reasons[(*n)++] = (struct reason){.kind = f->kind, .example = f};
        reasons[at].n_episodes++;
    }
}

static int by_episodes(const void *a, const void *b)
{
    const struct reason *x = a, *y = b;
    if (x->n_episodes != y->n_episodes)
        return x->n_episodes > y->n_episodes ? -1 : 1;
    return strcmp(x->kind, y->kind);
}

/* The most frequent first; returns how many, up to REASONS_MAX. */
static size_t list_reasons(const struct build *build, struct reason *reasons)
{
    size_t n = 0;
    for (size_t i = 0; i < build->n; i++)
        for (size_t k = 0; k < build->picks[i].n_episodes; k++)
            if (build->judged[i][k].grade.verdict == ET_VERDICT_REJECT)
                add_reasons(&build->judged[i][k], reasons, &n);
    qsort(reasons, n, sizeof *reasons, by_episodes);
    return n;
}

static void json_reasons(struct et_json_writer *w, const struct build *build)
{
    struct reason reasons[REASONS_MAX];
    const size_t n = list_reasons(build, reasons);
    et_json_key(w, "reasons");
    et_json_open_list(w);
    for (size_t i = 0; i < n; i++) {
        et_json_open_map(w);
        et_json_put_text(w, "kind", reasons[i].kind);
        et_json_put_int(w, "episodes", (int64_t)reasons[i].n_episodes);
        et_json_put_text(w, "example", reasons[i].example->text);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static int print_build(const struct cli_args *args, struct build *build, const char *output,
                       const struct et_ops_result *result, int64_t elapsed_ns)
{
    double lags[3] = {(double)NAN, (double)NAN, (double)NAN};
    size_t n_warned = 0, n_known = 0;
    for (size_t i = 0; i < build->n; i++) {
        const struct cli_latency_range lag = cli_survey_latency(&build->surveys[i]);
        n_warned += build->surveys[i].n_verdicts[ET_VERDICT_WARN];
        n_known += lag.n_known;
        lags[0] = fmin(lags[0], lag.min_s);        // fmin and fmax pass over NaN
        lags[1] = i == 0 ? lag.median_s : lags[1]; // of the first input
        lags[2] = fmax(lags[2], lag.max_s);
    }
    if (!args->is_json) {
        print_reasons(build);
        if (n_known)
            printf("  latency   command to state %.1f to %.1f ms\n", lags[0] * 1e3, lags[2] * 1e3);
        cli_print_result(output, result, elapsed_ns);
        return CLI_DONE;
    }
    struct cli_json json;
    cli_json_open(&json, "build");
    et_json_put_text(&json.w, "output", output);
    cli_json_result(&json.w, result, elapsed_ns);
    et_json_put_int(&json.w, "warned", (int64_t)n_warned);
    et_json_put_real(&json.w, "latency_min_s", lags[0]);
    et_json_put_real(&json.w, "latency_median_s", lags[1]);
    et_json_put_real(&json.w, "latency_max_s", lags[2]);
    et_json_put_real(&json.w, "inspect_seconds", (double)build->elapsed_ns / 1e9);
    json_reasons(&json.w, build);
    return cli_json_print(&json, args);
}

static size_t count_episodes(const struct build *build, size_t *n_kept)
{
    size_t n = 0;
    *n_kept = 0;
    for (size_t i = 0; i < build->n; i++)
        for (size_t k = 0; k < build->picks[i].n_episodes; k++, n++)
            *n_kept += build->judged[i][k].grade.verdict != ET_VERDICT_REJECT;
    return n;
}

#define REASONS_SHOWN 8

/* Nothing is left to build of: that is no dataset. */
static int refuse(const struct cli_args *args, struct build *build, size_t n)
{
    struct reason reasons[REASONS_MAX];
    const size_t n_reasons = list_reasons(build, reasons);
    struct cli_table table;
    if (n == 0)
        cli_problem(args, "there are no episodes: no dataset is written");
    else
        cli_problem(args, "%s: no dataset is written",
                    n == 1 ? "the only episode is rejected" : "every episode is rejected");
    if (args->is_json) {
        const struct et_ops_result result = {.n_episodes_in = (int64_t)n,
                                             .totals.n_rejected = (int64_t)n};
        const int code = print_build(args, build, NULL, &result, 0);
        return code == CLI_DONE ? CLI_NO : code;
    }
    if (n == 0)
        return CLI_NO;
    printf("%zu of %zu episode%s rejected:\n\n", n, n, n == 1 ? " is" : "s are");
    cli_table_open(&table, build->arena, ">episodes|reason|such as");
    for (size_t i = 0; i < n_reasons && i < REASONS_SHOWN; i++) {
        cli_cell(&table, "%zu", reasons[i].n_episodes);
        cli_cell(&table, "%s", reasons[i].kind);
        cli_cell(&table, "%s", reasons[i].example->text ? reasons[i].example->text : "");
    }
    cli_table_print(&table);
    if (n_reasons > REASONS_SHOWN)
        printf("... and %zu more reasons (--json lists all)\n", n_reasons - REASONS_SHOWN);
    const char *text =
        et_arena_printf(build->arena,
                        "etude inspect %s -v says more of each; --grading FILE grades by other "
                        "rules, --keep-all takes what is rejected, too.",
                        args->words[0]);
    (void)putchar('\n');
    cli_print_wrapped(stdout, text ? text : "", 0);
    return CLI_NO;
}

/* Each of the episodes was left out while it was made. */
static int take_back(const struct cli_args *args, struct build *build,
                     const struct cli_output *output, const struct et_ops_result *result,
                     int64_t elapsed_ns)
{
    struct et_err err = {0};
    if (et_path_remove(output->work, &err) != ET_OK)
        return cli_fail(args, &err);
    cli_problem(args, "none of the episodes could be taken: no dataset is written");
    const int code =
        print_build(args, build, args->is_json ? NULL : output->path, result, elapsed_ns);
    return code == CLI_DONE ? CLI_NO : code;
}

static int run_build(const struct cli_args *args, struct build *build)
{
    struct et_err err = {0};
    struct et_build_options options;
    struct et_ops_result result = {0};
    struct cli_output output;
    struct cli_progress progress;
    struct et_arena *arena = build->surveys[0].arena;
    size_t n_kept;
    const size_t n_episodes = count_episodes(build, &n_kept);
    int code = build_options(args, &options);
    if (code == CLI_DONE && n_kept == 0)
        return refuse(args, build, n_episodes);
    if (code == CLI_DONE)
        code = cli_output_open(args, cli_get(args, "output"), arena, &output);
    if (code != CLI_DONE)
        return code;
    const int64_t t_start_ns = et_clock_monotonic_ns();
    options.judged = build->judged;
    options.pool = build->surveys[0].pool;
    options.progress_ctx = &progress;
    cli_progress_open(&progress, args, "build", "episodes", 0);
    const enum et_status st =
        et_dataset_build(build->picks, build->n, output.work, &options, arena, &result, &err);
    cli_progress_close(&progress);
    if (st != ET_OK)
        return cli_fail(args, &err);
    if (result.totals.n_episodes == 0)
        return take_back(args, build, &output, &result, et_clock_monotonic_ns() - t_start_ns);
    code = cli_output_finish(args, arena, &output);
    const int64_t elapsed_ns = et_clock_monotonic_ns() - t_start_ns;
    return code != CLI_DONE ? code : print_build(args, build, output.path, &result, elapsed_ns);
}

int cmd_dataset_build(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena;
    struct cli_output output;
    if (args->n_words > CLI_PICKS_MAX) {
        cli_problem(args, "more than %d inputs", CLI_PICKS_MAX);
        return CLI_USAGE;
    }
    // An output that is in the way is refused before the work, not after it.
    if (et_arena_open(&arena, (size_t)1 << 20, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = cli_output_open(args, cli_get(args, "output"), arena, &output);
    et_arena_close(arena);
    struct build *build = calloc(1, sizeof *build);
    if (!build) {
        cli_problem(args, "out of memory");
        return CLI_FAILED;
    }
    if (code == CLI_DONE && et_arena_open(&build->arena, (size_t)1 << 30, &err) != ET_OK)
        code = cli_fail(args, &err);
    for (size_t i = 0; code == CLI_DONE && i < args->n_words; i++)
        code = survey_word(args, build, args->words[i]);
    if (code == CLI_DONE)
        code = run_build(args, build);
    for (size_t i = 0; i < build->n; i++)
        cli_survey_close(&build->surveys[i]);
    et_arena_close(build->arena);
    free(build);
    return code;
}

// Different robots: through their profiles, without grading.
static int merge_by_profile(struct cli_copy *copy)
{
    const struct cli_args *args = copy->args;
    struct et_err err = {0};
    struct et_ops_result result = {0};
    struct cli_output output;
    double fps;
    if (!cli_number(args, "fps", 1, 1000, 0, &fps))
        return CLI_USAGE;
    struct et_build_options options = {
        .fps = (int)fps,
        .videos = cli_video_mode(args),
        .parts = parts_mode(args),
        .with_velocity = true,
        .with_effort = true,
        .with_other = true,
        .video = cli_video_options(args),
        .pool = copy->pool,
        .progress = cli_progress_show,
        .progress_ctx = &copy->progress,
    };
    for (size_t i = 0; i < copy->n_picks; i++)
        if (et_dataset_use_profile(copy->datasets[i], cli_get(args, "profile"), &err) != ET_OK)
            return cli_fail(args, &err);
    int code = cli_output_open(args, cli_get(args, "output"), copy->arena, &output);
    if (code != CLI_DONE)
        return code;
    const int64_t t_start_ns = et_clock_monotonic_ns();
    cli_progress_open(&copy->progress, args, "merge", "episodes", 0);
    const enum et_status st = et_dataset_build(copy->picks, copy->n_picks, output.work, &options,
                                               copy->arena, &result, &err);
    cli_progress_close(&copy->progress);
    if (st != ET_OK)
        return cli_fail(args, &err);
    code = cli_output_finish(args, copy->arena, &output);
    return code != CLI_DONE ? code
                            : cli_finish_result(args, "merge", output.path, &result,
                                                et_clock_monotonic_ns() - t_start_ns);
}

static bool is_same_feature(const struct et_feature *a, const struct et_feature *b)
{
    if (strcmp(a->name, b->name) != 0 || a->dtype != b->dtype || a->n_values != b->n_values ||
        !a->names != !b->names)
        return false;
    for (size_t i = 0; a->names && i < a->n_values; i++)
        if (strcmp(a->names[i], b->names[i]) != 0)
            return false;
    return true;
}

static bool have_same_features(const struct cli_copy *copy)
{
    const struct et_dataset_info *first = et_dataset_info(copy->datasets[0]);
    for (size_t i = 1; i < copy->n_picks; i++) {
        const struct et_dataset_info *info = et_dataset_info(copy->datasets[i]);
        if (info->n_features != first->n_features)
            return false;
        for (size_t k = 0; k < info->n_features; k++) {
            const int at = et_dataset_find(copy->datasets[0], info->features[k].name);
            if (at < 0 || !is_same_feature(&first->features[at], &info->features[k]))
                return false;
        }
    }
    return true;
}

int cmd_dataset_merge(const struct cli_args *args)
{
    struct cli_copy *copy = calloc(1, sizeof *copy);
    if (!copy) {
        cli_problem(args, "out of memory");
        return CLI_FAILED;
    }
    int code = cli_copy_open(args, copy);
    for (size_t i = 0; code == CLI_DONE && i < args->n_words; i++)
        code = cli_copy_input(copy, args->words[i]);
    if (code == CLI_DONE && have_same_features(copy) && !cli_has(args, "parts") &&
        !cli_has(args, "fps")) {
        for (size_t i = 0; i < copy->n_picks; i++)
            copy->picks[i].n_episodes = (size_t)et_dataset_info(copy->datasets[i])->n_episodes;
        copy->options.video = cli_video_options(args);
        code = cli_copy_run(copy, "merge", cli_get(args, "output"));
    } else if (code == CLI_DONE) {
        for (size_t i = 0; i < copy->n_picks; i++)
            copy->picks[i].n_episodes = (size_t)et_dataset_info(copy->datasets[i])->n_episodes;
        code = merge_by_profile(copy);
    }
    cli_copy_close(copy);
    free(copy);
    return code;
}

#define SPLITS_MAX 16

struct split {
    double shares[SPLITS_MAX];
    const char *names[SPLITS_MAX];
    size_t n;
};

static int split_shares(const struct cli_args *args, struct split *split)
{
    const char *text = cli_get(args, "shares");
    struct et_str rest = et_str(text ? text : "80,20"), part;
    double sum = 0;
    split->n = 0;
    while (et_str_cut(&rest, ',', &part)) {
        double share;
        if (split->n == SPLITS_MAX || !et_str_to_double(et_str_trim(part), &share) ||
            !(share > 0 && share < 1e9)) {
            cli_problem(args, "--shares takes 2 to %d positive numbers, e.g. 80,20", SPLITS_MAX);
            return CLI_USAGE;
        }
        sum += share;
        split->shares[split->n++] = share;
    }
    if (split->n < 2) {
        cli_problem(args, "--shares takes 2 to %d positive numbers, e.g. 80,20", SPLITS_MAX);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < split->n; i++)
        split->shares[i] /= sum;
    return CLI_DONE;
}

static int split_names(const struct cli_args *args, struct et_arena *arena, struct split *split)
{
    const char *text = cli_get(args, "names");
    struct et_str rest = et_str(text ? text : "train,test"), part;
    for (size_t i = 0; i < split->n; i++) {
        if (!text && split->n > 2)
            split->names[i] = et_arena_printf(arena, "part%zu", i + 1);
        else if (et_str_cut(&rest, ',', &part) && et_name_is_own(part) && part.p[0] != '.')
            split->names[i] = et_arena_copy(arena, part.p, part.n);
        else {
            cli_problem(args, "--names takes %zu names of small letters, digits, '_', '.' and '-'",
                        split->n);
            return CLI_USAGE;
        }
        if (!split->names[i]) {
            cli_problem(args, "out of memory");
            return CLI_FAILED;
        }
    }
    return CLI_DONE;
}

// Fisher and Yates' shuffle over splitmix64: the same seed gives the same parts everywhere.
static void shuffle(int64_t *list, size_t n, uint64_t state)
{
    for (size_t i = n; i > 1; i--) {
        state += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = state;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        const size_t k = (size_t)((z ^ (z >> 31)) % i);
        const int64_t swap = list[i - 1];
        list[i - 1] = list[k];
        list[k] = swap;
    }
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int write_parts(struct cli_copy *copy, const struct split *split, const char *dir)
{
    const struct cli_args *args = copy->args;
    struct et_err err = {0};
    double seed = 0;
    const size_t n = (size_t)et_dataset_info(copy->datasets[0])->n_episodes;
    int64_t *list = et_arena_array(copy->arena, n + 1, sizeof *list);
    if (!list || !cli_number(args, "seed", 0, 9e15, 0, &seed))
        return list ? CLI_USAGE : CLI_FAILED;
    for (size_t i = 0; i < n; i++)
        list[i] = (int64_t)i;
    if (cli_has(args, "seed"))
        shuffle(list, n, (uint64_t)seed);
    if (et_dir_make(dir, &err) != ET_OK)
        return cli_fail(args, &err);
    double until = 0;
    size_t first = 0;
    for (size_t i = 0; i < split->n; i++) {
        until += split->shares[i];
        const size_t last = i + 1 == split->n ? n : (size_t)(until * (double)n + 0.5);
        if (last <= first) {
            cli_problem(args, "%zu episodes are too few: part %s would be empty", n,
                        split->names[i]);
            return CLI_FAILED;
        }
        qsort(list + first, last - first, sizeof *list, by_number);
        copy->picks[0].episodes = list + first;
        copy->picks[0].n_episodes = last - first;
        const char *path = et_path_join(copy->arena, dir, split->names[i]);
        const int code = path ? cli_copy_run(copy, "split", path) : CLI_FAILED;
        if (code != CLI_DONE)
            return code;
        first = last;
    }
    return CLI_DONE;
}

int cmd_dataset_split(const struct cli_args *args)
{
    struct cli_copy copy;
    struct split split;
    const char *dir = cli_get(args, "output");
    if (!dir) {
        cli_problem(args, "say where the parts go: -o PATH");
        return CLI_USAGE;
    }
    int code = cli_copy_open(args, &copy);
    if (code == CLI_DONE)
        code = split_shares(args, &split);
    if (code == CLI_DONE)
        code = split_names(args, copy.arena, &split);
    if (code == CLI_DONE)
        code = cli_copy_input(&copy, args->words[0]);
    if (code == CLI_DONE)
        code = write_parts(&copy, &split, dir);
    cli_copy_close(&copy);
    return code;
}

/* Survey: inspects and grades a whole dataset, episodes in parallel, results in order. */
#include "cli.h"

#include "etude/clock.h"
#include "etude/stats.h"

#include <math.h>
#include <stdlib.h>

#define SURVEY_ARENA_BYTES ((size_t)2 << 30)
#define EPISODE_ARENA_BYTES ((size_t)1 << 30)

// What one task carries from the worker that inspects to the thread that collects.
struct slot {
    struct et_arena *arena; // owned; gone when taken
    struct et_episode episode;
    struct et_inspection inspection;
    struct et_grade grade;
    struct et_str part; // of the report
};

struct run {
    const struct cli_args *args;
    const struct cli_survey_options *options;
    struct cli_survey *survey;
    struct slot *slots; // one a task
    struct et_episode_digest *digests;
    struct cli_progress progress;
};

static int64_t place_of(const struct run *run, size_t i)
{
    return run->options->episodes ? run->options->episodes[i] : (int64_t)i;
}

/* Curated episodes were inspected when they were made: with what only the recording has. A grading
 * that the user names judges their findings anew. */
static enum et_status take_stored(struct run *run, size_t i, struct slot *slot, struct et_err *err)
{
    struct et_episode_facts facts;
    struct et_inspection *to = &slot->inspection;
    enum et_status st =
        et_dataset_stored(run->survey->dataset, place_of(run, i), slot->arena, &facts, err);
    if (st != ET_OK)
        return st;
    *to = (struct et_inspection){
        .findings = {.arena = slot->arena,
                     .items = (struct et_finding *)(uintptr_t)facts.findings, // of the arena
                     .n = facts.n_findings,
                     .cap = facts.n_findings},
        .latency = {.is_known = facts.latency.is_known,
                    .lag_s = facts.latency.lag_s,
                    .sigma_s = facts.latency.sigma_s,
                    .confidence = facts.latency.confidence,
                    .why = ""}};
    et_episode_digest(&slot->episode, &to->digest);
    slot->grade = facts.grade;
    if (run->options->grading)
        st = et_grading_apply(run->survey->grading, to->findings.items, to->findings.n, slot->arena,
                              &slot->grade, err);
    return st;
}

static enum et_status inspect_slot(struct run *run, struct slot *slot, struct et_err *err)
{
    struct et_inspect_settings settings = run->survey->grading->settings;
    settings.skip_videos = settings.skip_videos || run->options->skip_videos;
    const enum et_status st =
        et_inspect_episode(&slot->episode, &settings, slot->arena, &slot->inspection, err);
    if (st != ET_OK)
        return st;
    return et_grading_apply(run->survey->grading, slot->inspection.findings.items,
                            slot->inspection.findings.n, slot->arena, &slot->grade, err);
}

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct run *run = ctx;
    struct slot *slot = &run->slots[i];
    const struct cli_survey_options *options = run->options;
    (void)worker;

    enum et_status st = et_arena_open(&slot->arena, EPISODE_ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_dataset_episode(run->survey->dataset, place_of(run, i), slot->arena, &slot->episode,
                                err);
    if (st != ET_OK)
        return st;
    const struct et_dataset_info *info = et_dataset_info(run->survey->dataset);
    st = info->layout == ET_LAYOUT_EPISODES ? take_stored(run, i, slot, err)
                                            : inspect_slot(run, slot, err);
    if (st == ET_OK && options->report)
        st = et_inspect_report_render(&options->report_options, &slot->episode, &slot->inspection,
                                      &slot->grade, slot->arena, &slot->part, err);
    return st;
}

static void drop(void *ctx, size_t i)
{
    struct run *run = ctx;
    et_arena_close(run->slots[i].arena);
    run->slots[i].arena = NULL;
}

static const char *keep_text(struct et_arena *arena, const char *text, bool *is_short)
{
    if (!text)
        return NULL;
    const char *copy = et_arena_copy(arena, text, strlen(text));
    if (!copy)
        *is_short = true;
    return copy;
}

// The findings outlive the episode's arena: a copy goes to the survey's.
static enum et_status keep_findings(struct et_arena *arena, const struct slot *slot,
                                    struct et_judged *judged, struct et_err *err)
{
    const size_t n = slot->inspection.findings.n;
    struct et_finding *copy = et_arena_array(arena, n + 1, sizeof *copy);
    size_t *indices = et_arena_array(arena, slot->grade.n_findings + 1, sizeof *indices);
    if (!copy || !indices)
        return et_arena_fail(arena, "the findings", err);
    bool is_short = false;
    for (size_t i = 0; i < n; i++) {
        copy[i] = slot->inspection.findings.items[i];
        copy[i].kind = keep_text(arena, copy[i].kind, &is_short);
        copy[i].stream = keep_text(arena, copy[i].stream, &is_short);
        copy[i].unit = keep_text(arena, copy[i].unit, &is_short);
        copy[i].text = keep_text(arena, copy[i].text, &is_short);
    }
    for (size_t i = 0; i < slot->grade.n_findings; i++)
        indices[i] = slot->grade.i_findings[i];
    *judged = (struct et_judged){.grade = slot->grade, .findings = copy, .n_findings = n};
    judged->grade.i_findings = indices;
    judged->grade.grading = keep_text(arena, slot->grade.grading, &is_short);
    judged->grade.reason = keep_text(arena, slot->grade.reason, &is_short);

    struct et_buf buf = et_buf((size_t)1 << 24);
    struct et_json_writer w = {.buf = &buf};
    et_json_open_map(&w);
    et_json_put_bool(&w, "is_known", slot->inspection.latency.is_known);
    et_json_put_real(&w, "lag_s", slot->inspection.latency.lag_s);
    et_json_put_real(&w, "sigma_s", slot->inspection.latency.sigma_s);
    et_json_put_real(&w, "confidence", slot->inspection.latency.confidence);
    et_json_close_map(&w);
    const char *json = et_arena_copy(arena, et_buf_text(&buf), buf.n);
    judged->latency_json = et_str(json);
    et_buf_free(&buf);
    return is_short || !json ? et_arena_fail(arena, "the findings", err) : ET_OK;
}

static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    struct run *run = ctx;
    struct cli_survey *survey = run->survey;
    struct slot *slot = &run->slots[i];
    struct cli_episode_result *result = &survey->episodes[i];

    *result = (struct cli_episode_result){
        .index = slot->episode.index,
        .n_rows = slot->episode.n_rows,
        .duration_s = slot->inspection.digest.duration_s,
        .latency = slot->inspection.latency,
        .idle_fraction = slot->inspection.idle_fraction,
        .n_frames_seen = slot->inspection.n_frames_seen,
    };
    run->digests[i] = slot->inspection.digest;
    survey->n_rows += slot->episode.n_rows;
    survey->n_frames_seen += slot->inspection.n_frames_seen;
    survey->n_verdicts[slot->grade.verdict]++;
    enum et_status st = keep_findings(survey->arena, slot, &result->judged, err);
    if (st == ET_OK && run->options->report)
        st = et_inspect_report_add(run->options->report, &slot->episode, &slot->inspection,
                                   &slot->grade, slot->part, err);
    drop(run, i);
    (void)cli_progress_show(&run->progress, (int64_t)i + 1, (int64_t)survey->n_episodes, 0);
    return st;
}

enum et_status cli_set_open(const char *path, const struct et_episode_place *places,
                            size_t n_places, struct et_arena *arena, struct et_dataset **dataset,
                            struct et_err *err)
{
    struct et_err other = {0};
    if (!places) {
        const enum et_status st = et_dataset_open(dataset, path, err);
        struct cli_recordings found = {.arena = arena};
        if (st != ET_ENOTFOUND)
            return st;
        if (et_episode_list(path, arena, &places, &n_places, &other) != ET_OK) {
            if (cli_recordings_find(NULL, path, &found, &other) != ET_OK || found.n == 0)
                return st;
            return et_fail(err, ET_ENOTFOUND, -1,
                           "%.150s: %zu recording%s and no dataset: name one of them, or let etude "
                           "curate make episodes of them",
                           path, found.n, cli_s(found.n));
        }
    }
    return et_dataset_open_episodes(dataset, path, places, n_places, err);
}

static int open_inputs(const struct cli_args *args, const char *path,
                       const struct cli_survey_options *options, struct cli_survey *survey)
{
    struct et_err err = {0};
    double n_threads = 0;
    if (!cli_number(args, "threads", 1, 256, 0, &n_threads))
        return CLI_USAGE;
    if (et_arena_open(&survey->arena, SURVEY_ARENA_BYTES, &err) != ET_OK ||
        et_pool_open(&survey->pool, (unsigned)n_threads, &err) != ET_OK ||
        cli_set_open(path, options->places, options->n_places, survey->arena, &survey->dataset,
                     &err) != ET_OK ||
        et_dataset_use_profile(survey->dataset, options->profile, &err) != ET_OK ||
        et_grading_load(options->grading, survey->arena, &survey->grading, &err) != ET_OK)
        return cli_fail(args, &err);
    return CLI_DONE;
}

int cli_survey_run(const struct cli_args *args, const char *path,
                   const struct cli_survey_options *options, struct cli_survey *survey)
{
    struct et_err err = {0};
    *survey = (struct cli_survey){0};
    const int64_t t_start_ns = et_clock_monotonic_ns();
    int code = open_inputs(args, path, options, survey);
    if (code != CLI_DONE)
        return code;
    const struct et_dataset_info *info = et_dataset_info(survey->dataset);
    const size_t n = options->episodes ? options->n_episodes : (size_t)info->n_episodes;
    struct run run = {.args = args, .options = options, .survey = survey};
    run.slots = et_arena_array(survey->arena, n + 1, sizeof *run.slots);
    run.digests = et_arena_array(survey->arena, n + 1, sizeof *run.digests);
    survey->episodes = et_arena_array(survey->arena, n + 1, sizeof *survey->episodes);
    if (!run.slots || !run.digests || !survey->episodes) {
        cli_problem(args, "out of memory for %zu episodes", n);
        return CLI_FAILED;
    }
    survey->n_episodes = n;
    cli_progress_open(&run.progress, args, "inspect", "episodes", (int64_t)n);
    const struct et_pool_job job = {
        .n_tasks = n, .work = work, .take = take, .drop = drop, .ctx = &run};
    enum et_status st = et_pool_run(survey->pool, &job, &err);
    cli_progress_close(&run.progress);
    survey->set_findings = (struct et_findings){.arena = survey->arena};
    if (st == ET_OK && !options->episodes)
        st = et_inspect_set(&info->claims, run.digests, n, &survey->grading->settings,
                            &survey->set_findings, &err);
    if (st == ET_OK)
        st = et_dataset_bytes(survey->dataset, !options->skip_videos, &survey->n_bytes, &err);
    survey->elapsed_ns = et_clock_monotonic_ns() - t_start_ns;
    return st == ET_OK ? CLI_DONE : cli_fail(args, &err);
}

void cli_survey_close(struct cli_survey *survey)
{
    et_dataset_close(survey->dataset);
    et_pool_close(survey->pool);
    et_arena_close(survey->arena);
    *survey = (struct cli_survey){0};
}

struct cli_latency_range cli_survey_latency(struct cli_survey *survey)
{
    struct cli_latency_range range = {
        .min_s = (double)NAN, .median_s = (double)NAN, .max_s = (double)NAN};
    double *lags = et_arena_array(survey->arena, survey->n_episodes + 1, sizeof *lags);
    for (size_t i = 0; lags && i < survey->n_episodes; i++)
        if (survey->episodes[i].latency.is_known)
            lags[range.n_known++] = survey->episodes[i].latency.lag_s;
    if (range.n_known) {
        et_sort_doubles(lags, range.n_known);
        range.min_s = lags[0];
        range.median_s = et_quantile_sorted(lags, range.n_known, 0.5);
        range.max_s = lags[range.n_known - 1];
    }
    return range;
}

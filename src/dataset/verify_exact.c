/* Verify: stored statistics against exact ones. The set's (v2.0, v3.0) against et_dataset_stats,
 * each episode's (v2.1) against its own rows. */
#include "dataset/dataset__verify_stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define BUDGET_BYTES ((size_t)64 << 20)
#define MOMENT_TOLERANCE 1e-3   // of the value's range
#define QUANTILE_TOLERANCE 1e-2 // of the value's range

// The worst of a feature's statistics: how far a stored one is from the exact one.
struct worst {
    double part; // of the value's range
    size_t stat, value;
    double stored, exact;
};

/* Differences count as parts of the value's range; what float32 rounds away counts as nothing. */
static void compare(struct worst *worst, size_t stat, size_t value, double stored, double exact,
                    double range)
{
    const double off = fabs(stored - exact);
    const double rounding = 1e-5 * (fabs(exact) + range) + 1e-9;

    if (off <= rounding)
        return;
    const double part = range > 0 ? off / range : (double)INFINITY;
    if (part > worst->part || !isfinite(off))
        *worst =
            (struct worst){isfinite(off) ? part : (double)INFINITY, stat, value, stored, exact};
}

/* ---- the set ---- */

static enum et_status check_group(struct et__verify *v, const struct et_feature_stats *stats,
                                  size_t first, size_t last, struct et_err *err)
{
    const double *const exact[ET__N_STATS] = {stats->min, stats->max, stats->mean,
                                              stats->std, stats->q01, stats->q10,
                                              stats->q50, stats->q90, stats->q99};
    const bool is_quantiles = first >= ET__N_MOMENTS;
    const double tolerance = is_quantiles ? QUANTILE_TOLERANCE : MOMENT_TOLERANCE;
    struct worst worst = {0};

    for (size_t s = first; s < last; s++) {
        for (size_t k = 0; stats->stored[s] && k < stats->n_values; k++)
            compare(&worst, s, k, stats->stored[s][k], exact[s][k], stats->max[k] - stats->min[k]);
    }
    if (!(worst.part > tolerance))
        return ET_OK;
    const struct et__found found = {stats->feature, worst.part, tolerance, "fraction"};
    return et__find(v, ET__CHECK_STATS_EXACT, is_quantiles ? ET_SEVERITY_WARN : ET_SEVERITY_ERROR,
                    &found, err,
                    "meta/stats.json: %s of value %zu of %s is %.6g, and %.6g by its rows: off by "
                    "%.2g of the value's range",
                    et__stat_names[worst.stat], worst.value, stats->feature, worst.stored,
                    worst.exact, worst.part);
}

static enum et_status check_set(struct et__verify *v, struct et_err *err)
{
    const struct et_feature_stats *stats;
    struct et_arena *arena = NULL;
    struct et_err bad = {0};
    size_t n_stats;

    enum et_status st = et_arena_open(&arena, ET__SCRATCH_BYTES, err);
    if (st != ET_OK)
        return st;
    st = et_dataset_stats(v->ds, v->options->pool, BUDGET_BYTES, arena, &stats, &n_stats, &bad);
    if (st == ET_ENOMEM)
        st = et_fail(err, st, -1, "%s", bad.text);
    else if (st != ET_OK) {
        n_stats = 0;
        st = et__find(v, ET__CHECK_STATS_EXACT, ET_SEVERITY_WARN, NULL, err,
                      "statistics cannot be computed: %s", bad.text);
    }
    for (size_t i = 0; st == ET_OK && i < n_stats; i++) {
        if (stats[i].count == 0)
            continue;
        st = check_group(v, &stats[i], 0, ET__N_MOMENTS, err);
        if (st == ET_OK)
            st = check_group(v, &stats[i], ET__N_MOMENTS, ET__N_STATS, err);
    }
    et_arena_close(arena);
    return st;
}

/* ---- each episode ---- */

struct job {
    struct et__verify *v;
    struct et__notes *notes; // one an episode
};

static enum et_status compare_feature(const struct et__numbers *numbers, size_t i_feature,
                                      const struct et__stat_set *set, struct et__notes *notes,
                                      struct et_err *err)
{
    const size_t n_values = set->feature->n_values;
    const double *values = numbers->values[i_feature];
    struct worst worst = {0};

    for (size_t k = 0; values && k < n_values; k++) {
        struct et_moments m = {0};
        for (int64_t row = 0; row < numbers->n_rows; row++)
            et_moments_add(&m, values[(size_t)row * n_values + k]);
        const double exact[ET__N_MOMENTS] = {m.min, m.max, m.mean, et_moments_std(&m)};
        for (size_t s = 0; m.n > 0 && s < ET__N_MOMENTS; s++) {
            if (set->values[s] && set->n[s] == n_values)
                compare(&worst, s, k, set->values[s][k], exact[s], m.max - m.min);
        }
    }
    if (!(worst.part > MOMENT_TOLERANCE))
        return ET_OK;
    const struct et__note item = {
        .check = ET__CHECK_STATS_EXACT,
        .severity = ET_SEVERITY_ERROR,
        .found = {set->feature->name, worst.part, MOMENT_TOLERANCE, "fraction"}};
    return et__notes_add(notes, &item, err,
                         "meta/episodes_stats.jsonl, episode %" PRId64
                         ": %s of value %zu of %s is %.6g, and %.6g by its rows",
                         set->episode, et__stat_names[worst.stat], worst.value, set->feature->name,
                         worst.stored, worst.exact);
}

static enum et_status check_episode(const struct et_dataset *ds, size_t i, struct et_arena *arena,
                                    struct et__notes *notes, struct et_err *err)
{
    const struct et__episode *episode = &ds->episodes[i];
    struct et__numbers numbers;
    struct et_err bad = {0};

    const struct et_value *stats = et__episode_stats(ds, episode, arena);
    if (!stats) // told already
        return ET_OK;
    enum et_status st = et__numbers_read(ds, (int64_t)i, NULL, arena, &numbers, &bad);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    if (st != ET_OK) // a file that is absent or damaged: told already
        return ET_OK;
    for (size_t f = 0; st == ET_OK && f < ds->info.n_features; f++) {
        if (!et__is_numeric(&ds->features[f]))
            continue;
        struct et__stat_set set = {.feature = &ds->features[f], .episode = episode->index};
        et__stat_set_read(&set, stats, arena);
        st = compare_feature(&numbers, f, &set, notes, err);
    }
    return st;
}

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct job *job = ctx;
    struct et__notes *notes = &job->notes[i];
    struct et_arena *arena = NULL;

    (void)worker;
    enum et_status st = et_arena_open(&notes->arena, ET__SCRATCH_BYTES, err);
    if (st == ET_OK)
        st = et_arena_open(&arena, ET__SCRATCH_BYTES, err);
    if (st == ET_OK)
        st = check_episode(job->v->ds, i, arena, notes, err);
    et_arena_close(arena);
    return st;
}

static void drop(void *ctx, size_t i)
{
    struct job *job = ctx;

    et_arena_close(job->notes[i].arena);
    job->notes[i] = (struct et__notes){0};
}

static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    struct job *job = ctx;

    const enum et_status st = et__notes_take(job->v, &job->notes[i], err);
    drop(ctx, i);
    return st == ET_OK ? et__verify_step(job->v, 0, err) : st;
}

static enum et_status check_episodes(struct et__verify *v, struct et_err *err)
{
    const size_t n = (size_t)v->ds->info.n_episodes;
    struct job job = {.v = v};

    job.notes = et_arena_array(v->scratch, n, sizeof *job.notes);
    if (!job.notes)
        return et_arena_fail(v->scratch, "findings", err);
    v->n_total += (int64_t)n;
    const struct et_pool_job run = {
        .n_tasks = n, .work = work, .take = take, .drop = drop, .ctx = &job};
    const enum et_status st = et_pool_run(v->options->pool, &run, err);
    for (size_t i = 0; i < n; i++)
        drop(&job, i);
    return st;
}

enum et_status et__verify_exact(struct et__verify *v, struct et_err *err)
{
    const bool is_v21 = v->ds->info.layout == ET_LAYOUT_V21;
    enum et_status st = ET_OK;

    if (v->ds->info.stats)
        st = check_set(v, err);
    if (st == ET_OK && is_v21 && !v->ds->info.is_unfinished)
        st = check_episodes(v, err);
    return st;
}

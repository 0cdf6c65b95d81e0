/* Verify: all data files, those that the metadata names and those that are there, in the order in
 * which LeRobot joins them. Files are scanned on the pool's threads and judged in order. */
#include "dataset/dataset__verify.h"

#include <inttypes.h>
#include <stdlib.h>

struct job {
    struct et__verify *v;
    struct et__file_scan *scans;
    size_t n_scans;
    bool is_whole; // every file so far could be read: row numbers can be held against each other
};

/* ---- which files there are ---- */

static enum et_status absent(struct et__verify *v, const struct et__file_group *group,
                             const size_t *order, struct et_err *err)
{
    int64_t n_rows = 0;

    for (size_t i = 0; i < group->n; i++)
        n_rows += v->ds->episodes[order[group->first + i]].n_rows;
    const struct et__found found = {.value = (double)n_rows, .threshold = 0, .unit = "rows"};
    v->has_all_rows = false;
    return et__find(v, ET__CHECK_DATA_ABSENT, ET_SEVERITY_ERROR, &found, err,
                    "%s is absent: %" PRId64 " rows of %zu %s, the first of them episode %" PRId64,
                    et__below(v->ds, group->path), n_rows, group->n,
                    group->n == 1 ? "episode" : "episodes",
                    v->ds->episodes[order[group->first]].index);
}

/* Joins the files that the metadata names with those that are there; both are sorted by path. */
static enum et_status list_scans(struct job *job, const char *const *paths, size_t n_paths,
                                 struct et_err *err)
{
    struct et__verify *v = job->v;
    struct et__groups groups;

    enum et_status st = et__group_data(v->ds, v->scratch, &groups, err);
    if (st != ET_OK)
        return st;
    job->scans = et_arena_array(v->scratch, n_paths, sizeof *job->scans);
    if (!job->scans)
        return et_arena_fail(v->scratch, "the data files", err);
    size_t g = 0;
    for (size_t i = 0; st == ET_OK && i < n_paths; i++) {
        for (; st == ET_OK && g < groups.n && strcmp(groups.items[g].path, paths[i]) < 0; g++)
            st = absent(v, &groups.items[g], groups.order, err);
        const bool is_used = g < groups.n && strcmp(groups.items[g].path, paths[i]) == 0;
        job->scans[job->n_scans++] = (struct et__file_scan){
            .path = paths[i], .group = is_used ? &groups.items[g] : NULL, .order = groups.order};
        g += is_used;
    }
    for (; st == ET_OK && g < groups.n; g++)
        st = absent(v, &groups.items[g], groups.order, err);
    return st;
}

static enum et_status find_journals(struct et__verify *v, const char *folder, struct et_err *err)
{
    const char *const *paths;
    size_t n_paths;

    enum et_status st = et__files_below(folder, 1, ".journal", v->scratch, &paths, &n_paths, err);
    for (size_t i = 0; st == ET_OK && !v->ds->info.is_unfinished && i < n_paths; i++)
        st = et__find(v, ET__CHECK_UNFINISHED, ET_SEVERITY_WARN, NULL, err,
                      "%s is what a writer that was killed leaves behind",
                      et__below(v->ds, paths[i]));
    return st;
}

/* ---- scanning ---- */

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct job *job = ctx;
    struct et__file_scan *scan = &job->scans[i];

    (void)worker;
    const enum et_status st = et_arena_open(&scan->notes.arena, ET__SCRATCH_BYTES, err);
    return st == ET_OK ? et__scan_file(job->v->ds, scan, err) : st;
}

static void drop(void *ctx, size_t i)
{
    struct job *job = ctx;

    et_arena_close(job->scans[i].notes.arena);
    job->scans[i].notes = (struct et__notes){0};
}

// LeRobot's row number is the row's place among all files: `index` must say the same.
static enum et_status check_first(struct job *job, const struct et__file_scan *scan,
                                  struct et_err *err)
{
    struct et__verify *v = job->v;

    if (!job->is_whole || !scan->is_readable || scan->first_index == ET__INT_NULL ||
        scan->first_index == v->n_rows_found)
        return ET_OK;
    const struct et__found found = {.stream = "index",
                                    .value = (double)scan->first_index,
                                    .threshold = (double)v->n_rows_found,
                                    .unit = "rows"};
    return et__find(v, ET__CHECK_INDEX, ET_SEVERITY_ERROR, &found, err,
                    "%s begins with index %" PRId64 ", and the files before it hold %" PRId64
                    " rows",
                    et__below(v->ds, scan->path), scan->first_index, v->n_rows_found);
}

static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    struct job *job = ctx;
    struct et__file_scan *scan = &job->scans[i];
    struct et__verify *v = job->v;
    enum et_status st = ET_OK;

    if (!scan->group && !v->ds->info.is_unfinished)
        st = et__find(v, ET__CHECK_ORPHAN_FILE, ET_SEVERITY_ERROR, NULL, err,
                      "%s holds no episode that the metadata lists, and loaders read its rows",
                      et__below(v->ds, scan->path));
    if (st == ET_OK)
        st = et__notes_take(v, &scan->notes, err);
    if (st == ET_OK)
        st = check_first(job, scan, err);
    v->n_rows_found += scan->n_rows;
    job->is_whole = job->is_whole && scan->is_readable;
    v->has_all_rows = v->has_all_rows && scan->is_readable;
    drop(ctx, i);
    return st == ET_OK ? et__verify_step(v, 0, err) : st;
}

enum et_status et__verify_rows(struct et__verify *v, struct et_err *err)
{
    struct job job = {.v = v};
    const char *const *paths;
    size_t n_paths;

    v->has_all_rows = true;
    const char *folder = et_path_join(v->scratch, v->ds->info.path, "data");
    if (!folder)
        return et_arena_fail(v->scratch, "the data files", err);
    enum et_status st = et__files_below(folder, 1, ".parquet", v->scratch, &paths, &n_paths, err);
    if (st == ET_OK)
        st = list_scans(&job, paths, n_paths, err);
    if (st == ET_OK)
        st = find_journals(v, folder, err);
    if (st != ET_OK)
        return st;
    job.is_whole = v->has_all_rows; // what follows an absent file is not where it would be
    v->n_total += (int64_t)job.n_scans;
    const struct et_pool_job run = {
        .n_tasks = job.n_scans, .work = work, .take = take, .drop = drop, .ctx = &job};
    st = et_pool_run(v->options->pool, &run, err);
    for (size_t i = 0; i < job.n_scans; i++)
        drop(&job, i);
    return st;
}

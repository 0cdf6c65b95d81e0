/* Verify: statistics, those of the set (meta/stats.json) and those of each episode: whether they
 * are there, are numbers in the right shape and order, and count the rows that there are. */
#include "dataset/dataset__verify_stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define BATCH_EPISODES 256

/* ---- one feature's statistics ---- */

bool et__stats_are_due(const struct et_feature *feature)
{
    return et__is_numeric(feature) || feature->dtype == ET_DTYPE_VIDEO ||
           feature->dtype == ET_DTYPE_IMAGE;
}

// Numbers a statistic of the feature has: its values, or the channels of a picture.
static size_t expected(const struct et_feature *feature)
{
    int64_t height, width, channels;

    if (et__is_numeric(feature))
        return feature->n_values;
    return et__picture_size(feature, &height, &width, &channels) && channels >= 0 ? (size_t)channels
                                                                                  : 0;
}

// How far two statistics of one value may stand the wrong way round: rounding to float32 does that.
static double slack(double min, double max)
{
    const double largest = fabs(min) > fabs(max) ? fabs(min) : fabs(max);
    return 1e-4 * fabs(max - min) + 1e-5 * largest + 1e-9;
}

static enum et_status complain(struct et__verify *v, enum et__check check,
                               enum et_severity severity, const struct et__stat_set *set,
                               struct et_err *err, const char *fmt, ...) ET_PRINTF(6, 7);
static enum et_status complain(struct et__verify *v, enum et__check check,
                               enum et_severity severity, const struct et__stat_set *set,
                               struct et_err *err, const char *fmt, ...)
{
    const struct et__found found = {.stream = set->feature->name};
    struct et_err text = {0};
    va_list args;
    char buf[512];

    va_start(args, fmt);
    (void)vsnprintf(buf, sizeof buf, fmt, args);
    va_end(args);
    (void)et_fail(&text, ET_ECORRUPT, -1, "%s", buf);
    if (set->episode < 0)
        return et__find(v, check, severity, &found, err, "%s: %s %s", set->where,
                        set->feature->name, text.text);
    return et__find(v, check, severity, &found, err, "%s, episode %" PRId64 ": %s %s", set->where,
                    set->episode, set->feature->name, text.text);
}

// Every statistic has as many numbers as the feature has values, and all are finite.
static enum et_status check_numbers(struct et__verify *v, const struct et__stat_set *set,
                                    bool *is_good, struct et_err *err)
{
    const size_t n = expected(set->feature);

    *is_good = false;
    for (size_t s = 0; s < ET__N_STATS; s++) {
        if (!set->values[s]) {
            if (s >= ET__N_MOMENTS) // v2 has no quantiles
                continue;
            return complain(v, ET__CHECK_STATS_VALUE, ET_SEVERITY_ERROR, set, err,
                            "has no numbers as %s", et__stat_names[s]);
        }
        if (set->n[s] != n)
            return complain(v, ET__CHECK_STATS_VALUE, ET_SEVERITY_ERROR, set, err,
                            "has %zu values, and %zu numbers as %s", n, set->n[s],
                            et__stat_names[s]);
        for (size_t k = 0; k < n; k++) {
            if (!isfinite(set->values[s][k]))
                return complain(v, ET__CHECK_STATS_VALUE, ET_SEVERITY_ERROR, set, err,
                                "has a %s of value %zu that is no number", et__stat_names[s], k);
        }
    }
    *is_good = true;
    return ET_OK;
}

// min ≤ q01 ≤ … ≤ q99 ≤ max, the mean between min and max, and no negative spread.
static enum et_status check_value(struct et__verify *v, const struct et__stat_set *set, size_t k,
                                  struct et_err *err)
{
    static const size_t ASCENDING[] = {0, 4, 5, 6, 7, 8, 1}; // places in et__stat_names
    const double min = set->values[0][k], max = set->values[1][k], mean = set->values[2][k];
    const double near = slack(min, max);

    if (min > max)
        return complain(v, ET__CHECK_STATS_ORDER, ET_SEVERITY_ERROR, set, err,
                        "has min %g above max %g (value %zu)", min, max, k);
    if (set->values[3][k] < 0)
        return complain(v, ET__CHECK_STATS_ORDER, ET_SEVERITY_ERROR, set, err,
                        "has a negative std, %g (value %zu)", set->values[3][k], k);
    if (mean < min - near || mean > max + near)
        return complain(v, ET__CHECK_STATS_ORDER, ET_SEVERITY_ERROR, set, err,
                        "has a mean, %g, outside of %g to %g (value %zu)", mean, min, max, k);
    size_t last = 0;
    for (size_t i = 1; i < sizeof ASCENDING / sizeof *ASCENDING; i++) {
        const size_t s = ASCENDING[i];
        if (!set->values[s])
            continue;
        if (set->values[s][k] < set->values[last][k] - near)
            return complain(v, ET__CHECK_STATS_ORDER, ET_SEVERITY_ERROR, set, err,
                            "has %s %g below %s %g (value %zu)", et__stat_names[s],
                            set->values[s][k], et__stat_names[last], set->values[last][k], k);
        last = s;
    }
    return ET_OK;
}

static enum et_status check_count(struct et__verify *v, const struct et__stat_set *set,
                                  struct et_err *err)
{
    // Pictures are sampled: their count is that of the sample.
    if (!et__is_numeric(set->feature) || !set->count || set->n_rows < 0)
        return ET_OK;
    if (set->n_count == 1 && set->count[0] == (double)set->n_rows)
        return ET_OK;
    return complain(v, ET__CHECK_STATS_COUNT, ET_SEVERITY_WARN, set, err,
                    "counts %g rows, and there are %" PRId64,
                    set->n_count ? set->count[0] : (double)NAN, set->n_rows);
}

enum et_status et__check_stat_set(struct et__verify *v, const struct et__stat_set *set,
                                  struct et_err *err)
{
    bool is_good;

    enum et_status st = check_numbers(v, set, &is_good, err);
    for (size_t k = 0; st == ET_OK && is_good && k < set->n[0]; k++)
        st = check_value(v, set, k, err);
    return st == ET_OK ? check_count(v, set, err) : st;
}

void et__stat_set_read(struct et__stat_set *set, const struct et_value *stats,
                       struct et_arena *arena)
{
    const char *name = set->feature->name;

    for (size_t s = 0; s < ET__N_STATS; s++)
        set->values[s] = et__stat_values(stats, name, et__stat_names[s], arena, &set->n[s]);
    set->count = et__stat_values(stats, name, "count", arena, &set->n_count);
}

/* ---- trees of statistics ---- */

static bool is_default(const char *name)
{
    static const char *const NAMES[] = {"timestamp", "frame_index", "episode_index", "index",
                                        "task_index"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcmp(NAMES[i], name) == 0)
            return true;
    }
    return false;
}

// Policies that normalise by quantiles cannot be trained without them; v2 never had any.
static enum et_status check_quantiles(struct et__verify *v, const struct et__stat_set *set,
                                      struct et_err *err)
{
    const bool is_due = v->ds->info.layout == ET_LAYOUT_V30 && et__is_numeric(set->feature) &&
                        !is_default(set->feature->name);

    if (!is_due || (set->values[ET__N_MOMENTS] && set->values[ET__N_STATS - 1]))
        return ET_OK;
    return complain(v, ET__CHECK_STATS_ABSENT, ET_SEVERITY_WARN, set, err,
                    "has no quantiles, and some policies normalise by them");
}

// All features in one tree; `where`, `episode` and `n_rows` of the sets are those of `like`.
static enum et_status check_tree(struct et__verify *v, const struct et_value *stats,
                                 const struct et__stat_set *like, struct et_err *err)
{
    const struct et_dataset *ds = v->ds;
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < ds->info.n_features; i++) {
        struct et__stat_set set = *like;
        set.feature = &ds->features[i];
        if (!et__stats_are_due(set.feature))
            continue;
        if (!et_value_get(stats, set.feature->name)) {
            st = complain(v, ET__CHECK_STATS_ABSENT,
                          is_default(set.feature->name) ? ET_SEVERITY_INFO : ET_SEVERITY_WARN, &set,
                          err, "has no statistics");
            continue;
        }
        const struct et_arena_mark mark = et_arena_mark(v->scratch);
        et__stat_set_read(&set, stats, v->scratch);
        // What is found is copied; the numbers are not needed any more. Tallies may have grown
        // here.
        const size_t cap_tallies = v->cap_tallies;
        st = et__check_stat_set(v, &set, err);
        if (st == ET_OK)
            st = check_quantiles(v, &set, err);
        if (v->cap_tallies == cap_tallies)
            et_arena_rewind(v->scratch, mark);
    }
    return st;
}

static enum et_status check_set_stats(struct et__verify *v, struct et_err *err)
{
    const struct et_dataset *ds = v->ds;
    const bool is_due = ds->info.layout != ET_LAYOUT_V21 && ds->info.n_episodes > 0;
    const struct et__stat_set like = {
        .where = "meta/stats.json",
        .episode = -1,
        .n_rows = v->has_all_rows && ds->info.n_episodes > 0 ? v->n_rows_found : -1};

    if (ds->info.stats)
        return check_tree(v, ds->info.stats, &like, err);
    if (!is_due || ds->info.is_unfinished)
        return ET_OK;
    return et__find(v, ET__CHECK_STATS_ABSENT, ET_SEVERITY_ERROR, NULL, err,
                    "meta/stats.json is absent or cannot be read, and training normalises by it");
}

/* ---- each episode's statistics, v2.1 ---- */

static enum et_status check_line(struct et__verify *v, const struct et__episode *episode,
                                 struct et_err *err)
{
    struct et_arena *arena = NULL;
    const struct et__stat_set like = {
        .where = "meta/episodes_stats.jsonl", .episode = episode->index, .n_rows = episode->n_rows};

    if (episode->stats_at < 0)
        return v->ds->info.layout == ET_LAYOUT_V21
                   ? et__find(v, ET__CHECK_STATS_ABSENT, ET_SEVERITY_ERROR, NULL, err,
                              "episode %" PRId64 " has no statistics", episode->index)
                   : ET_OK;
    enum et_status st = et_arena_open(&arena, ET__SCRATCH_BYTES, err);
    if (st != ET_OK)
        return st;
    const struct et_value *stats = et__episode_stats(v->ds, episode, arena);
    st = stats
             ? check_tree(v, stats, &like, err)
             : et__find(v, ET__CHECK_METADATA, ET_SEVERITY_ERROR, NULL, err,
                        "meta/episodes_stats.jsonl: the line of episode %" PRId64 " cannot be read",
                        episode->index);
    et_arena_close(arena);
    return st;
}

static enum et_status check_lines(struct et__verify *v, struct et_err *err)
{
    const struct et_dataset *ds = v->ds;
    bool has_any = false;
    enum et_status st = ET_OK;

    for (size_t i = 0; i < (size_t)ds->info.n_episodes && !has_any; i++)
        has_any = ds->episodes[i].stats_at >= 0;
    // A file that is absent as a whole was a remark already.
    for (size_t i = 0; st == ET_OK && has_any && i < (size_t)ds->info.n_episodes; i++)
        st = check_line(v, &ds->episodes[i], err);
    return st;
}

/* ---- each episode's statistics, v3.0: columns of meta/episodes ---- */

struct columns {
    struct et__verify *v;
    struct et_parquet_reader *reader;
    struct et_arena *arena;
    const char *where;
    int64_t first, n; // rows of the file
    int64_t place;    // of the first of them among all episodes
};

static enum et_status check_episode_columns(struct columns *c, const struct et_feature *feature,
                                            struct et_err *err)
{
    struct et__list_rows lists[ET__N_STATS + 1] = {0};
    struct et_err bad = {0};
    enum et_status st = ET_OK;

    for (size_t s = 0; st == ET_OK && s <= ET__N_STATS; s++) {
        const char *name = et_arena_printf(c->arena, "stats/%s/%s", feature->name,
                                           s < ET__N_STATS ? et__stat_names[s] : "count");
        if (!name)
            return et_arena_fail(c->arena, "statistics", err);
        const enum et_status read =
            et__read_lists(c->reader, name, c->first, c->n, c->arena, &lists[s], &bad);
        if (read == ET_ENOMEM || read == ET_ELIMIT)
            st = et_fail(err, read, -1, "%s", bad.text);
        if (s < ET__N_MOMENTS && read != ET_OK) {
            const struct et__found found = {.stream = feature->name};
            return c->first > 0 ? ET_OK
                                : et__find(c->v, ET__CHECK_STATS_ABSENT, ET_SEVERITY_WARN, &found,
                                           err, "%s: %s", c->where, bad.text);
        }
    }
    for (int64_t k = 0; st == ET_OK && k < c->n; k++) {
        const struct et__episode *episode = &c->v->ds->episodes[c->place + k];
        struct et__stat_set set = {.feature = feature,
                                   .where = c->where,
                                   .episode = episode->index,
                                   .n_rows = episode->n_rows};
        for (size_t s = 0; s < ET__N_STATS; s++)
            set.values[s] = et__list_row(&lists[s], k, &set.n[s]);
        set.count = et__list_row(&lists[ET__N_STATS], k, &set.n_count);
        st = et__check_stat_set(c->v, &set, err);
    }
    return st;
}

static enum et_status check_columns(struct columns *c, struct et_err *err)
{
    const struct et_dataset *ds = c->v->ds;
    const int64_t n_rows = et_parquet_n_rows(c->reader);
    enum et_status st = ET_OK;

    for (c->first = 0; st == ET_OK && c->first < n_rows; c->first += c->n) {
        c->n = n_rows - c->first < BATCH_EPISODES ? n_rows - c->first : BATCH_EPISODES;
        for (size_t i = 0; st == ET_OK && i < ds->info.n_features; i++) {
            if (!et__stats_are_due(&ds->features[i]))
                continue;
            const struct et_arena_mark mark = et_arena_mark(c->arena);
            st = check_episode_columns(c, &ds->features[i], err);
            et_arena_rewind(c->arena, mark);
        }
        c->place += c->n;
    }
    return st;
}

static enum et_status check_episode_files(struct columns *c, struct et_err *err)
{
    const struct et_dataset *ds = c->v->ds;
    const char *const *paths;
    size_t n_paths;

    const char *folder = et_path_join(c->arena, ds->info.path, "meta/episodes");
    if (!folder)
        return et_arena_fail(c->arena, "statistics", err);
    enum et_status st = et__files_below(folder, 1, ".parquet", c->arena, &paths, &n_paths, err);
    for (size_t i = 0; st == ET_OK && i < n_paths; i++) {
        c->where = et__below(ds, paths[i]);
        // A file that cannot be opened gave no episodes, and was a remark.
        if (et_parquet_open(&c->reader, paths[i], NULL, NULL) != ET_OK)
            continue;
        // Beyond the episodes that opening took there is nothing to hold rows against.
        if (et_parquet_n_rows(c->reader) <= ds->info.n_episodes - c->place)
            st = check_columns(c, err);
        et_parquet_close(c->reader);
        c->reader = NULL;
    }
    return st;
}

enum et_status et__verify_stats(struct et__verify *v, struct et_err *err)
{
    const struct et_dataset *ds = v->ds;
    struct columns c = {.v = v};

    enum et_status st = check_set_stats(v, err);
    if (st == ET_OK && ds->info.layout != ET_LAYOUT_V30 && !ds->info.is_unfinished)
        st = check_lines(v, err);
    if (st == ET_OK && ds->info.layout == ET_LAYOUT_V30 && !ds->info.is_unfinished) {
        st = et_arena_open(&c.arena, ET__SCRATCH_BYTES, err);
        if (st == ET_OK)
            st = check_episode_files(&c, err);
        et_arena_close(c.arena);
    }
    if (st == ET_OK && v->options->should_check_stats)
        st = et__verify_exact(v, err);
    return st;
}

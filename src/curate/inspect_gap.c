#include "curate/curate__inspect.h"

#include <math.h>

enum { PERIODS, SHARE_ERROR };

static const struct et_inspect_param PARAMS[] = {
    [PERIODS] = {"periods", 1.5, "1",
                 "a step between stamps longer than this many periods is a gap"},
    [SHARE_ERROR] = {"share_error", 0.02, "fraction",
                     "with a larger share of samples missing the finding is an error"},
    {0},
};

/* The stream's own stamps where it has them; what was corrected may have smoothed a gap away. */
static const int64_t *stamps_of(const struct et_track *track)
{
    return track->t_device_ns ? track->t_device_ns : track->t_ns;
}

/* Typical step between stamps, by a sort of a copy; 0 when the arena is full. */
static double median_step_s(const struct et_track *track, struct et_arena *arena)
{
    const int64_t *t_ns = stamps_of(track);
    const struct et_arena_mark mark = et_arena_mark(arena);
    double *steps = et_arena_array(arena, track->n_samples, sizeof *steps), median = 0;
    size_t n = 0;
    for (size_t k = 1; steps && k < track->n_samples; k++)
        if (t_ns[k] > t_ns[k - 1])
            steps[n++] = et__span_s(t_ns[k - 1], t_ns[k]);
    if (n > 0)
        median = et_median_of(steps, n);
    et_arena_rewind(arena, mark);
    return median;
}

// True when every track has the stamps of the first: the rows of one table.
static bool is_one_table(const struct et_episode *episode)
{
    for (size_t i = 0; i < episode->n_tracks; i++)
        if (episode->tracks[i].t_ns != episode->tracks[0].t_ns || episode->tracks[i].t_device_ns)
            return false;
    return true;
}

static enum et_status report(struct et__look *look, const struct et_track *track,
                             const struct et__runs *runs, double period_s, double n_missing,
                             struct et_err *err)
{
    const bool is_all = is_one_table(look->episode);
    const double share = n_missing / (n_missing + (double)track->n_samples);
    const enum et_severity severity =
        share > look->params[SHARE_ERROR] ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN;
    struct et_finding finding = {0};
    enum et_status st = ET_OK;

    for (size_t i = 0; i < runs->n && st == ET_OK; i++) {
        const struct et__run *run = &runs->items[i];
        finding = et__finding_at(look, track, run, severity);
        finding.t_first_ns = track->t_ns[run->first - 1];
        finding.threshold = look->params[PERIODS] * period_s;
        finding.unit = "s";
        finding.stream = is_all ? NULL : track->stream.name;
        st = et_findings_add(look->findings, &finding, err,
                             "%s: %.3g s without a sample, about %.0f missing; %.2g %% are missing "
                             "in all",
                             is_all ? "all streams" : track->stream.name, run->worst,
                             round(run->worst / period_s) - 1, 100 * share);
    }
    return st == ET_OK ? et__report_rest(look, track, runs, &finding, "gaps", err) : st;
}

static enum et_status inspect_track(struct et__look *look, const struct et_track *track,
                                    struct et_err *err)
{
    const int64_t *t_ns = stamps_of(track);
    const double nominal_hz =
        track->stream.rate_hz > 0 ? track->stream.rate_hz : look->episode->rate_hz;
    const double period_s = nominal_hz > 0 ? 1 / nominal_hz : median_step_s(track, look->arena);
    struct et__runs runs = {0};
    double n_missing = 0;

    if (!(period_s > 0))
        return ET_OK;
    for (size_t k = 1; k < track->n_samples; k++) {
        const double step_s = t_ns[k] > t_ns[k - 1] ? et__span_s(t_ns[k - 1], t_ns[k]) : 0;
        if (step_s <= look->params[PERIODS] * period_s)
            continue;
        et__runs_add(&runs, k, 0, step_s);
        n_missing += round(step_s / period_s) - 1;
    }
    return runs.n > 0 ? report(look, track, &runs, period_s, n_missing, err) : ET_OK;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    if (episode->time_kind != ET_TIME_MEASURED)
        return ET_OK;
    for (size_t i = 0; i < episode->n_tracks && st == ET_OK; i++) {
        // Tracks of one table share its stamps: one of them speaks for all.
        const struct et_track *track = &episode->tracks[i];
        if (i == 0 || track->t_ns != episode->tracks[i - 1].t_ns || track->t_device_ns)
            st = inspect_track(look, track, err);
    }
    return st;
}

const struct et__inspector et__inspect_gap = {
    .about = {"gap", "samples that are missing, by the stream's own stamps", ET_INSPECT_EPISODE,
              PARAMS},
    .episode = inspect,
};

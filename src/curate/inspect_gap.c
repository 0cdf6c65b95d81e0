#include "curate/curate__inspect.h"

#include <math.h>

enum { PERIODS, SHARE_ERROR, WARN_S, SHARE_WARN };

static const struct et_inspect_param PARAMS[] = {
    [PERIODS] = {"periods", 1.5, "1",
                 "a step between stamps longer than this many periods is a gap"},
    [SHARE_ERROR] = {"share_error", 0.02, "fraction",
                     "with a larger share of samples missing the finding is an error"},
    [WARN_S] = {"warn_s", 0.02, "s", "a gap that is shorter is only told: no body moves far in it"},
    [SHARE_WARN] = {"share_warn", 0.005, "fraction",
                    "unless a larger share of samples is missing in all"},
    {0},
};

/* The stream's own stamps where it has them; what was corrected may have smoothed a gap away. */
static const int64_t *stamps_of(const struct et_track *track)
{
    return track->t_device_ns ? track->t_device_ns : track->t_ns;
}

// True when every track has the stamps of the first: the rows of one table.
static bool is_one_table(const struct et_episode *episode)
{
    if (episode->n_tracks == 0 || episode->tracks[0].clock)
        return false;
    for (size_t i = 0; i < episode->n_tracks; i++)
        if (episode->tracks[i].t_ns != episode->tracks[0].t_ns || episode->tracks[i].t_device_ns)
            return false;
    return true;
}

static enum et_severity severity_of(const double *params, double share, double gap_s)
{
    if (share > params[SHARE_ERROR])
        return ET_SEVERITY_ERROR;
    return share > params[SHARE_WARN] || gap_s >= params[WARN_S] ? ET_SEVERITY_WARN
                                                                 : ET_SEVERITY_INFO;
}

static enum et_status report(struct et__look *look, const struct et_track *track,
                             const struct et__runs *runs, double period_s, double n_missing,
                             struct et_err *err)
{
    const bool is_all = is_one_table(look->episode);
    const double share = n_missing / (n_missing + (double)track->n_samples);
    struct et_finding finding = {0};
    enum et_status st = ET_OK;

    for (size_t i = 0; i < runs->n && st == ET_OK; i++) {
        const struct et__run *run = &runs->items[i];
        finding = et__finding_at(look, track, run, severity_of(look->params, share, run->worst));
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
    finding.severity = severity_of(look->params, share, runs->rest.worst);
    return st == ET_OK ? et__report_rest(look, track, runs, &finding, "gaps", err) : st;
}

static enum et_status inspect_track(struct et__look *look, const struct et_track *track,
                                    struct et_err *err)
{
    const int64_t *t_ns = stamps_of(track);
    const double nominal_hz =
        track->stream.rate_hz > 0 ? track->stream.rate_hz : look->episode->rate_hz;
    const struct et_track stamps = {.n_samples = track->n_samples, .t_ns = t_ns};
    const double period_s =
        nominal_hz > 0 ? 1 / nominal_hz : et__median_step_s(&stamps, look->arena);
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

/* A stream with a clock: its corrected times, which hold what its stamps hold (coarse stamps are no
 * times, counted ones are), its own period, and what was late is not missing. */
static enum et_status inspect_line(struct et__look *look, const struct et_track *line,
                                   struct et_err *err)
{
    const double period_s = et__median_step_s(line, look->arena);
    struct et__runs runs = {0};
    double n_missing = 0;

    for (size_t k = 1; k < line->n_samples && period_s > 0; k++) {
        const double step_s =
            line->t_ns[k] > line->t_ns[k - 1] ? et__span_s(line->t_ns[k - 1], line->t_ns[k]) : 0;
        if (step_s <= look->params[PERIODS] * period_s)
            continue;
        const double missing = et__missing_before(line, k, period_s);
        if (missing < 1)
            continue;
        et__runs_add(&runs, k, 0, step_s);
        n_missing += missing;
    }
    return runs.n > 0 ? report(look, line, &runs, period_s, n_missing, err) : ET_OK;
}

static enum et_status inspect_lines(struct et__look *look, struct et_err *err)
{
    size_t n = 0;
    const struct et_track *lines = et__timelines(look, &n);
    enum et_status st = lines ? ET_OK : et_arena_fail(look->arena, "the time lines", err);
    for (size_t i = 0; i < n && st == ET_OK; i++)
        st = inspect_line(look, &lines[i], err);
    return st;
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
        if (track->clock)
            continue;
        if (i == 0 || track->t_ns != episode->tracks[i - 1].t_ns || track->t_device_ns)
            st = inspect_track(look, track, err);
    }
    return st == ET_OK ? inspect_lines(look, err) : st;
}

const struct et__inspector et__inspect_gap = {
    .about = {"gap", "samples that are missing, by the stream's own stamps", ET_INSPECT_EPISODE,
              PARAMS},
    .episode = inspect,
};

#include "curate/curate__inspect.h"

#include <math.h>

enum { MARGIN_RAD, MARGIN_FRACTION, GROSS_RAD };

static const struct et_inspect_param PARAMS[] = {
    [MARGIN_RAD] = {"margin_rad", 0.035, "rad", "how far beyond its limit a joint may read"},
    [MARGIN_FRACTION] = {"margin_fraction", 0.02, "fraction",
                         "the same for hands that are 0 to 1 and for other units"},
    [GROSS_RAD] = {"gross_rad", 0.5, "rad",
                   "beyond its limit by this much the numbers cannot be what they claim: an error"},
    {0},
};

static bool is_rad(const struct et_stream *stream)
{
    return stream->unit && strcmp(stream->unit, "rad") == 0;
}

// By how much x lies outside; 0 inside. Unknown limits (NULL or NaN) are never passed.
static double beyond(const struct et_stream *stream, size_t i, double x)
{
    const double under = stream->lower ? stream->lower[i] - x : 0;
    const double over = stream->upper ? x - stream->upper[i] : 0;
    return fmax(fmax(under, over), 0);
}

static enum et_status report(struct et__look *look, const struct et_track *track, size_t i,
                             const struct et__runs *runs, double margin, struct et_err *err)
{
    const struct et_stream *stream = &track->stream;
    struct et_finding finding = {0};
    char name[ET__NAME_BYTES];
    enum et_status st = ET_OK;

    for (size_t r = 0; r < runs->n && st == ET_OK; r++) {
        const struct et__run *run = &runs->items[r];
        const double x = track->values[run->worst_row * stream->n_values + i];
        const bool is_over = stream->upper && x > stream->upper[i];
        const bool is_gross = is_rad(stream) && run->worst > look->params[GROSS_RAD];
        finding = et__finding_at(look, track, run, is_gross ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN);
        finding.threshold = margin;
        st = et_findings_add(
            look->findings, &finding, err,
            "%s %s %.4g %s, %.3g %s its %s limit of %.4g, in %zu sample%s",
            et__value_name(stream, i, name), stream->is_command ? "is commanded to" : "reads", x,
            et__unit(stream), run->worst, is_over ? "over" : "under", is_over ? "upper" : "lower",
            is_over ? stream->upper[i] : stream->lower[i], run->n_rows, et__plural(run->n_rows));
    }
    return st == ET_OK
               ? et__report_rest(look, track, runs, &finding, et__value_name(stream, i, name), err)
               : st;
}

static enum et_status inspect_track(struct et__look *look, const struct et_track *track,
                                    struct et_err *err)
{
    const struct et_stream *stream = &track->stream;
    const double margin = look->params[is_rad(stream) ? MARGIN_RAD : MARGIN_FRACTION];
    const size_t gap = et__samples(look->episode, track, 0.2);
    enum et_status st = ET_OK;

    for (size_t i = 0; i < stream->n_values && st == ET_OK; i++) {
        struct et__runs runs = {0};
        for (size_t k = 0; k < track->n_samples; k++) {
            const double off = beyond(stream, i, track->values[k * stream->n_values + i]);
            if (off > margin)
                et__runs_add(&runs, k, gap, off);
        }
        if (runs.n > 0)
            st = report(look, track, i, &runs, margin, err);
    }
    return st;
}

/* A hand's command is often a drive's target beyond the joints' stops, on purpose: that is said
 * once for the stream, and is no fault. */
static enum et_status inspect_hand_command(struct et__look *look, const struct et_track *track,
                                           struct et_err *err)
{
    const struct et_stream *stream = &track->stream;
    double worst = 0;
    size_t n_over = 0;
    for (size_t i = 0; i < stream->n_values; i++) {
        double most = 0;
        for (size_t k = 0; k < track->n_samples; k++)
            most = fmax(most, beyond(stream, i, track->values[k * stream->n_values + i]));
        n_over += most > look->params[MARGIN_FRACTION];
        worst = fmax(worst, most);
    }
    if (n_over == 0)
        return ET_OK;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_INFO, stream->name);
    finding.value = worst;
    finding.threshold = look->params[MARGIN_FRACTION];
    finding.unit = et__unit(stream);
    return et_findings_add(look->findings, &finding, err,
                           "the commands of %zu of %zu fingers go up to %.3g %s beyond the joints' "
                           "stops: they are targets of a drive, not positions",
                           n_over, stream->n_values, worst, et__unit(stream));
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < episode->n_tracks && st == ET_OK; i++) {
        const struct et_stream *stream = &episode->tracks[i].stream;
        if (stream->quantity != ET_QUANTITY_POSITION || (!stream->lower && !stream->upper))
            continue;
        st = stream->is_command && et__is_hand(stream)
                 ? inspect_hand_command(look, &episode->tracks[i], err)
                 : inspect_track(look, &episode->tracks[i], err);
    }
    return st;
}

const struct et__inspector et__inspect_limits = {
    .about = {"limits", "joints that read, or are commanded, beyond their limits",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

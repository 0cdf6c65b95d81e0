#include "curate/curate__inspect.h"

#include <math.h>

enum { AT_LIMIT_RAD, AT_LIMIT_S, EFFORT_SHARE, EFFORT_S };

static const struct et_inspect_param PARAMS[] = {
    [AT_LIMIT_RAD] = {"at_limit_rad", 0.005, "rad", "a command this close to its limit is at it"},
    [AT_LIMIT_S] = {"at_limit_s", 0.3, "s", "longer than this it is saturated"},
    [EFFORT_SHARE] = {"effort_share", 0.95, "fraction",
                      "an effort above this share of its limit is at it"},
    [EFFORT_S] = {"effort_s", 0.2, "s", "longer than this it is saturated"},
    {0},
};

/* What counts as being at a limit, and for how long. */
struct rule {
    bool is_effort;
    double near; // rad of a command, share of an effort
    double min_s;
};

/* How hard value i is at its limit: for a command by how much it is over the line, for an effort
 * its share of the limit; negative when it is not. */
static double at_limit(const struct et_stream *stream, size_t i, double x, const struct rule *rule)
{
    if (rule->is_effort) {
        const double limit = stream->upper ? fabs(stream->upper[i]) : (double)NAN;
        const double share = fabs(x) / limit;
        return limit > 0 && share >= rule->near ? share : -1;
    }
    const double over = stream->upper ? x - stream->upper[i] + rule->near : -1;
    const double under = stream->lower ? stream->lower[i] + rule->near - x : -1;
    return fmax(fmax(over, under), -1);
}

static enum et_status report(struct et__look *look, const struct et_track *track, size_t i,
                             const struct et__runs *runs, const struct rule *rule,
                             struct et_err *err)
{
    const struct et_stream *stream = &track->stream;
    struct et_finding finding = {0};
    char name[ET__NAME_BYTES];
    enum et_status st = ET_OK;

    for (size_t r = 0; r < runs->n && st == ET_OK; r++) {
        const struct et__run *run = &runs->items[r];
        finding = et__finding_at(look, track, run, ET_SEVERITY_WARN);
        finding.value = et__span_s(finding.t_first_ns, finding.t_last_ns);
        finding.threshold = rule->min_s;
        finding.unit = "s";
        const double x = track->values[run->worst_row * stream->n_values + i];
        st = et_findings_add(look->findings, &finding, err, "%s %s (%.4g %s) for %.2f s",
                             et__value_name(stream, i, name),
                             rule->is_effort ? "pushes as hard as its motor can"
                                             : "is commanded to its limit",
                             x, et__unit(stream), finding.value);
    }
    return st == ET_OK
               ? et__report_rest(look, track, runs, &finding, et__value_name(stream, i, name), err)
               : st;
}

static enum et_status inspect_value(struct et__look *look, const struct et_track *track, size_t i,
                                    const struct rule *rule, struct et_err *err)
{
    const size_t width = track->stream.n_values;
    struct et__runs runs = {0};
    size_t k = 0;

    while (k < track->n_samples) {
        const size_t first = k;
        double most = -1;
        for (; k < track->n_samples; k++) {
            const double at = at_limit(&track->stream, i, track->values[k * width + i], rule);
            if (at < 0)
                break;
            most = fmax(most, at);
        }
        if (k == first)
            k++;
        else if (et__span_s(track->t_ns[first], track->t_ns[k - 1]) > rule->min_s)
            et__runs_add_stretch(&runs, first, k - 1, most);
    }
    return runs.n > 0 ? report(look, track, i, &runs, rule, err) : ET_OK;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    for (size_t t = 0; t < episode->n_tracks; t++) {
        const struct et_track *track = &episode->tracks[t];
        const struct et_stream *stream = &track->stream;
        const bool is_effort = stream->quantity == ET_QUANTITY_EFFORT && !stream->is_command;
        // A hand that is fully open or closed is commanded to its limit, and rightly so.
        const bool is_command =
            stream->quantity == ET_QUANTITY_POSITION && stream->is_command && !et__is_hand(stream);
        if ((!is_effort && !is_command) || (!stream->lower && !stream->upper))
            continue;
        const struct rule rule = {
            .is_effort = is_effort,
            .near = look->params[is_effort ? EFFORT_SHARE : AT_LIMIT_RAD],
            .min_s = look->params[is_effort ? EFFORT_S : AT_LIMIT_S],
        };
        for (size_t i = 0; i < stream->n_values && st == ET_OK; i++)
            st = inspect_value(look, track, i, &rule, err);
    }
    return st;
}

const struct et__inspector et__inspect_saturation = {
    .about = {"saturation", "commands held at a joint's limit, motors at their largest effort",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

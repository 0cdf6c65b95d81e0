#include "curate/curate__inspect.h"

#include <math.h>

enum { DEPTH_MIN, BACK_SHARE, LONGEST_S };

static const struct et_inspect_param PARAMS[] = {
    [DEPTH_MIN] = {"depth_min", 0.05, "1",
                   "how far a reading must fall to 0 in one sample, in the unit"},
    [BACK_SHARE] = {"back_share", 0.5, "fraction",
                    "and it must come back in one sample to within this share of where it was"},
    [LONGEST_S] = {"longest_s", 2, "s", "a longer stay at 0 is taken for a position"},
    {0},
};

static double value_at(const struct et_track *track, size_t k, size_t i)
{
    return track->values[k * track->stream.n_values + i];
}

/* True when the zeros first … last lie between two readings that are near each other and far from
 * 0: a joint that moved there and back would have been seen on its way. *depth is how far it fell.
 */
static bool is_dropout(const struct et__look *look, const struct et_track *track, size_t i,
                       size_t first, size_t last, double *depth)
{
    if (first == 0 || last + 1 >= track->n_samples)
        return false;
    const double before = value_at(track, first - 1, i), after = value_at(track, last + 1, i);
    *depth = fmin(fabs(before), fabs(after));
    return *depth > look->params[DEPTH_MIN] &&
           fabs(after - before) < look->params[BACK_SHARE] * *depth &&
           et__span_s(track->t_ns[first], track->t_ns[last]) <= look->params[LONGEST_S];
}

/* One finding a value: a sensor that drops out does it again and again. */
static enum et_status inspect_value(struct et__look *look, const struct et_track *track, size_t i,
                                    struct et_err *err)
{
    struct et__runs runs = {0};
    size_t n_places = 0, n_samples = 0, last_row = 0;
    double worst = 0, depth = 0;

    for (size_t first = 0, last = 0; first < track->n_samples; first = last + 1) {
        last = first;
        if (value_at(track, first, i) != 0)
            continue;
        while (last + 1 < track->n_samples && value_at(track, last + 1, i) == 0)
            last++;
        if (!is_dropout(look, track, i, first, last, &depth))
            continue;
        et__runs_add_stretch(&runs, first, last, depth);
        n_places++;
        n_samples += last - first + 1;
        last_row = last;
        worst = fmax(worst, depth);
    }
    if (n_places == 0)
        return ET_OK;
    char name[ET__NAME_BYTES];
    struct et_finding finding = et__finding_at(look, track, &runs.items[0], ET_SEVERITY_WARN);
    finding.t_last_ns = track->t_ns[last_row];
    finding.value = worst;
    finding.threshold = look->params[DEPTH_MIN];
    return et_findings_add(
        look->findings, &finding, err,
        "%s falls to exactly 0 and back %zu time%s (%zu samples in all), from up "
        "to %.3g %s in one sample: its sensor drops out",
        et__value_name(&track->stream, i, name), n_places, et__plural(n_places), n_samples, worst,
        et__unit(&track->stream));
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    for (size_t t = 0; t < episode->n_tracks; t++) {
        const struct et_track *track = &episode->tracks[t];
        const bool is_position = track->stream.quantity == ET_QUANTITY_POSITION;
        for (size_t i = 0; i < track->stream.n_values && is_position && st == ET_OK; i++)
            st = inspect_value(look, track, i, err);
    }
    return st;
}

const struct et__inspector et__inspect_dropout = {
    .about = {"dropout", "a position that reads 0 for a moment and then what it read before",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

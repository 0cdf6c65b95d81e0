#include "curate/curate__grip.h"

#include <math.h>

enum { STILL_SHARE = ET__N_CLOSED_PARAMS };

static const struct et_inspect_param PARAMS[] = {
    ET__CLOSED_PARAMS,
    [STILL_SHARE] = {"still_share", 0.02, "fraction",
                     "a hand that moves by less than this share of its range in 0.1 s has closed"},
    {0},
};

#define STILL_S 0.1

/* True when the hand followed, and stood, before it was told to open again. */
static bool has_closed(const struct et__look *look, const struct et__grip *grip,
                       const struct et__closed *closed)
{
    const size_t still = et__grip_cells(grip, STILL_S);
    const double *x = grip->opening;
    if (!(x[closed->first] - x[closed->end] > look->params[ET__CLOSED_SHARE] / 2) ||
        closed->end < closed->first + still)
        return false;
    return fabs(x[closed->end] - x[closed->end - still]) < look->params[STILL_SHARE];
}

static enum et_status inspect_close(struct et__look *look, const struct et__grip *grip,
                                    const struct et__closed *closed, struct et_err *err)
{
    const double level = look->params[ET__CLOSED_TOUCH_N];
    struct et__held held;
    double most = 0;
    if (!closed->is_opened || !has_closed(look, grip, closed) ||
        et__grip_held(grip, closed->first, closed->end, level, look->params[ET__CLOSED_HOLD_S],
                      &held))
        return ET_OK;
    for (size_t c = closed->first; c < closed->end; c++) {
        if (!isfinite(grip->load[c])) // nobody knows what was in it
            return ET_OK;
        most = fmax(most, grip->load[c]);
    }
    struct et_finding finding =
        et__grip_finding(look, grip, closed->first, closed->end, ET_SEVERITY_WARN);
    finding.value = most;
    finding.threshold = level;
    finding.unit = et__unit(&grip->touch->stream);
    return et_findings_add(look->findings, &finding, err,
                           "the %s hand closes on nothing and opens again after %.1f s: no two of "
                           "its fingers feel anything for %.2f s",
                           grip->side, et__span_s(finding.t_first_ns, finding.t_last_ns),
                           look->params[ET__CLOSED_HOLD_S]);
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_closed(look, look->params[ET__CLOSED_SHARE], inspect_close, err);
}

const struct et__inspector et__inspect_missed_grasp = {
    .about = {"missed_grasp", "a hand that closes, holds nothing and opens again",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

#include "curate/curate__grip.h"

#include <math.h>

enum { LOST_S = ET__N_CLOSED_PARAMS, SHRINK_SHARE };

static const struct et_inspect_param PARAMS[] = {
    ET__CLOSED_PARAMS,
    [LOST_S] = {"lost_s", 0.1, "s",
                "nothing felt for so long, while told to be closed: it is lost"},
    [SHRINK_SHARE] = {"shrink_share", 0.02, "fraction",
                      "and by more than this share of its range the hand closes further"},
    {0},
};

#define BEFORE_S 0.25 // the opening around the thing is the mean over this time
#define AFTER_S 0.4   // and has changed after this

/* Where the load that was there is gone for lost_s; false: it stays, or comes back. */
static bool find_loss(const struct et__look *look, const struct et__grip *grip, size_t from,
                      size_t end, size_t *lost)
{
    const size_t least = et__grip_cells(grip, look->params[LOST_S]);
    for (size_t c = from; c < end;) {
        const size_t since = c;
        while (c < end && grip->load[c] < look->params[ET__CLOSED_TOUCH_N])
            c++;
        if (c - since >= least) {
            *lost = since;
            return true;
        }
        c += c == since;
    }
    return false;
}

static enum et_status report(struct et__look *look, const struct et__grip *grip, size_t lost,
                             size_t last, double shrinks, struct et_err *err)
{
    struct et_finding finding = et__grip_finding(look, grip, lost, last, ET_SEVERITY_WARN);
    finding.value = shrinks;
    finding.threshold = look->params[SHRINK_SHARE];
    finding.unit = "fraction";
    return et_findings_add(look->findings, &finding, err,
                           "the %s hand loses what it holds: told to be closed, its fingers feel "
                           "nothing any more and close by another %.0f %% of their range",
                           grip->side, 100 * shrinks);
}

/* The first time that what is held gets lost while a hand is told to be closed. */
static enum et_status inspect_close(struct et__look *look, const struct et__grip *grip,
                                    const struct et__closed *closed, struct et_err *err)
{
    const size_t before = et__grip_cells(grip, BEFORE_S), after = et__grip_cells(grip, AFTER_S);
    struct et__held held;
    size_t from = closed->first, lost;
    while (et__grip_held(grip, from, closed->end, look->params[ET__CLOSED_TOUCH_N],
                         look->params[ET__CLOSED_HOLD_S], &held) &&
           find_loss(look, grip, held.end, closed->end, &lost)) {
        const size_t last = lost + after < closed->end ? lost + after : closed->end - 1;
        const size_t since = lost > held.first + before ? lost - before : held.first;
        const double shrinks = et__grip_mean(grip->opening, since, lost) - grip->opening[last];
        if (shrinks > look->params[SHRINK_SHARE])
            return report(look, grip, lost, last, shrinks, err);
        from = lost;
    }
    return ET_OK;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_closed(look, look->params[ET__CLOSED_SHARE], inspect_close, err);
}

const struct et__inspector et__inspect_drop = {
    .about = {"drop", "something held that is lost while the hand is told to be closed",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

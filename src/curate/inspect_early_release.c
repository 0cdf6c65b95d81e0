#include "curate/curate__grip.h"

#include <math.h>

enum { CLOSE_SHARE, TOUCH_N, HOLD_S, SPEED, WARN_SPEED };

static const struct et_inspect_param PARAMS[] = {
    [CLOSE_SHARE] = {"close_share", ET__CLOSE_SHARE, "fraction",
                     "a hand that is told to open by more than this share of its range lets go"},
    [TOUCH_N] = {"touch_n", ET__CUT_TOUCH_ON_N, "N",
                 "what two fingers must feel of a thing that is held"},
    [HOLD_S] = {"hold_s", ET__HOLD_S, "s", "what is felt for less time was not held"},
    [SPEED] = {"speed", 0.09, "rad/s",
               "an arm has not arrived whose fastest joint, or the waist's, is never slower around "
               "the command to open"},
    [WARN_SPEED] = {"warn_speed", 0.12, "rad/s", "a warning from here on"},
    {0},
};

#define BEFORE_S 0.15 // around: from here on
#define AFTER_S 0.05  // to here. Later the hand itself shakes the arm

/* The least speed around the command to open: whoever sets something down stands still once. */
static double least_speed(const struct et__grip *grip, size_t at)
{
    const size_t before = et__grip_cells(grip, BEFORE_S), after = et__grip_cells(grip, AFTER_S);
    double least = (double)INFINITY;
    for (size_t c = at > before ? at - before : 0; c < at + after && c < grip->grid.n; c++)
        least = fmin(least, grip->speed[c]);
    return isfinite(least) ? least : 0;
}

static enum et_status inspect_close(struct et__look *look, const struct et__grip *grip,
                                    const struct et__closed *closed, struct et_err *err)
{
    const size_t hold = et__grip_cells(grip, look->params[HOLD_S]) + 1;
    struct et__held held;
    if (!closed->is_opened || closed->end < closed->first + hold ||
        !et__grip_held(grip, closed->end - hold, closed->end, look->params[TOUCH_N],
                       look->params[HOLD_S], &held))
        return ET_OK;
    const double speed = least_speed(grip, closed->end);
    if (!(speed > look->params[SPEED]))
        return ET_OK;
    const size_t last = closed->end + et__grip_cells(grip, AFTER_S);
    struct et_finding finding =
        et__grip_finding(look, grip, closed->end, last,
                         speed > look->params[WARN_SPEED] ? ET_SEVERITY_WARN : ET_SEVERITY_INFO);
    finding.value = speed;
    finding.threshold = look->params[SPEED];
    finding.unit = "rad/s";
    return et_findings_add(look->findings, &finding, err,
                           "the %s hand lets go of what it holds while its arm moves, at %.2f "
                           "rad/s at least",
                           grip->side, speed);
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_closed(look, look->params[CLOSE_SHARE], inspect_close, err);
}

const struct et__inspector et__inspect_early_release = {
    .about = {"early_release", "a hand that lets go of what it holds while its arm still moves",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

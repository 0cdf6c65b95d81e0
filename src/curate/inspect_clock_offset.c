#include "curate/curate__inspect.h"

#include <math.h>

enum { OFFSET_S, DAY_S };

static const struct et_inspect_param PARAMS[] = {
    [OFFSET_S] = {"offset_s", 0.05, "s",
                  "a device's clock that is further from the recorder's is set wrong"},
    [DAY_S] = {"day_s", 86400, "s",
               "one that is still further off shows no time of day, but counts from its start"},
    {0},
};

/* Clocks are related by arrivals, so that a constant between them is corrected, whatever it is; it
 * says that nobody sets this device's clock. The least delay of its messages is in it. */
static enum et_status inspect_line(struct et__look *look, const struct et_track *line,
                                   struct et_err *err)
{
    const struct et_clock_run *run = et__run_of(line, 0);
    if ((run->source != ET_CLOCK_DEVICE && run->source != ET_CLOCK_COUNTER) || run->n_knots == 0)
        return ET_OK;
    const double offset_s = et__s(run->knots[0].offset_ns);
    if (!(fabs(offset_s) > look->params[OFFSET_S]) || fabs(offset_s) > look->params[DAY_S])
        return ET_OK;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_INFO, line->stream.name);
    finding.value = offset_s;
    finding.threshold = look->params[OFFSET_S];
    finding.unit = "s";
    return et_findings_add(look->findings, &finding, err,
                           "%s: the device's clock is %.4g s %s the recorder's; its times are "
                           "corrected",
                           line->stream.name, fabs(offset_s), offset_s > 0 ? "behind" : "ahead of");
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_timeline(look, inspect_line, err);
}

const struct et__inspector et__inspect_clock_offset = {
    .about = {"clock_offset", "a device's clock that shows another time of day than the recorder's",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

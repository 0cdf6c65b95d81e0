#include "curate/curate__inspect.h"

#include <math.h>

// The names are those of et_latency_options; the runner fills them before the pairs are measured.
enum { WARN_S };

static const struct et_inspect_param PARAMS[] = {
    [WARN_S] = {"warn_s", 0.25, "s", "an arm that answers later than this is slow"},
    {"lag_max_s", 0.5, "s", "the longest lag that is looked for"},
    {"speed_min", 0.02, "1", "a value moves when its RMS speed is above this, a second"},
    {"confidence_min", 0.5, "fraction", "below it the estimate is refused"},
    {0},
};

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_latency *latency = &look->inspection->latency;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_INFO, NULL);
    finding.unit = "s";
    finding.threshold = look->params[WARN_S];
    if (!latency->is_known)
        return et_findings_add(look->findings, &finding, err,
                               "how late the robot follows its command cannot be told: %s",
                               latency->why);
    finding.value = latency->lag_s;
    if (latency->lag_s > look->params[WARN_S])
        finding.severity = ET_SEVERITY_WARN;
    const double rows = latency->lag_s * look->episode->rate_hz;
    if (look->episode->rate_hz > 0)
        return et_findings_add(look->findings, &finding, err,
                               "the robot follows its command %.0f ms later (± %.0f ms), %.1f rows "
                               "at %g Hz",
                               1e3 * latency->lag_s, fmax(1, ceil(1e3 * latency->sigma_s)), rows,
                               look->episode->rate_hz);
    return et_findings_add(look->findings, &finding, err,
                           "the robot follows its command %.0f ms later (± %.0f ms)",
                           1e3 * latency->lag_s, fmax(1, ceil(1e3 * latency->sigma_s)));
}

const struct et__inspector et__inspect_latency = {
    .about = {"latency", "how late the robot follows its command", ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

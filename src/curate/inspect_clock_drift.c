#include "curate/curate__inspect.h"

#include <math.h>

enum { SKEW_PPM, BEND_PPM, RUN_S };

static const struct et_inspect_param PARAMS[] = {
    [SKEW_PPM] = {"skew_ppm", 200, "ppm",
                  "a device's clock whose rate is off by more than this is no good oscillator"},
    [BEND_PPM] = {"bend_ppm", 1000, "ppm", "as is one whose rate changes by more than this"},
    [RUN_S] = {"run_s", 5, "s", "it takes this long to tell"},
    {0},
};

static enum et_status report(struct et__look *look, const struct et_track *line, double ppm,
                             bool is_bend, struct et_err *err)
{
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, line->stream.name);
    finding.value = ppm;
    finding.threshold = look->params[is_bend ? BEND_PPM : SKEW_PPM];
    finding.unit = "ppm";
    if (is_bend)
        return et_findings_add(look->findings, &finding, err,
                               "%s: the rate of the device's clock changes by up to %.0f ppm; its "
                               "times follow it",
                               line->stream.name, ppm);
    // The model's skew is the centre's rate by the device; a device that is slow has it above 0.
    return et_findings_add(look->findings, &finding, err,
                           "%s: the device's clock is %.0f ppm too %s (%.2f s an hour); its times "
                           "are corrected",
                           line->stream.name, fabs(ppm), ppm > 0 ? "slow" : "fast",
                           fabs(ppm) * 3600e-6);
}

static enum et_status inspect_line(struct et__look *look, const struct et_track *line,
                                   struct et_err *err)
{
    const size_t n = line->n_samples;
    const struct et_clock_run *last = et__run_of(line, n - 1);
    double skew = 0, bend = 0;
    for (const struct et_clock_run *run = et__run_of(line, 0); run <= last; run++) {
        if (run->source == ET_CLOCK_ARRIVAL || run->n_knots < 2 ||
            et__span_s(run->knots[0].t_device_ns, run->knots[run->n_knots - 1].t_device_ns) <
                look->params[RUN_S])
            continue;
        skew = fabs(run->skew_ppm) > fabs(skew) ? run->skew_ppm : skew;
        bend = fmax(bend, run->bend_ppm);
    }
    enum et_status st = ET_OK;
    if (fabs(skew) > look->params[SKEW_PPM])
        st = report(look, line, skew, false, err);
    if (bend > look->params[BEND_PPM] && st == ET_OK)
        st = report(look, line, bend, true, err);
    return st;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_timeline(look, inspect_line, err);
}

const struct et__inspector et__inspect_clock_drift = {
    .about = {"clock_drift", "a device's clock that runs at another rate, or at a changing one",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

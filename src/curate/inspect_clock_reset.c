#include "curate/curate__inspect.h"

#include <math.h>

enum { STEP_S };

static const struct et_inspect_param PARAMS[] = {
    [STEP_S] = {"step_s", 0.005, "s", "a device's clock that jumps by more than this was reset"},
    {0},
};

static enum et_status report(struct et__look *look, const struct et_track *line,
                             const struct et__runs *runs, struct et_err *err)
{
    struct et_finding finding = {0};
    enum et_status st = ET_OK;
    for (size_t i = 0; i < runs->n && st == ET_OK; i++) {
        const size_t k = runs->items[i].first;
        const double step_s = et__s(et__run_of(line, k)->step_ns);
        finding = et__finding_at(look, line, &runs->items[i], ET_SEVERITY_WARN);
        finding.threshold = look->params[STEP_S];
        finding.unit = "s";
        st = et_findings_add(look->findings, &finding, err,
                             "%s: the device's clock jumps %s by %.6g s; its times before and "
                             "after were fitted apart",
                             line->stream.name, step_s < 0 ? "back" : "ahead", fabs(step_s));
    }
    return st == ET_OK ? et__report_rest(look, line, runs, &finding, "resets", err) : st;
}

static enum et_status inspect_line(struct et__look *look, const struct et_track *line,
                                   struct et_err *err)
{
    const struct et_clock_model *clock = line->clock;
    struct et__runs runs = {0};
    for (size_t r = 1; r < clock->n_runs; r++) {
        const struct et_clock_run *run = &clock->runs[r];
        const double step_s = fabs(et__s(run->step_ns));
        if (run->i_first > line->i_clock_first &&
            run->i_first - line->i_clock_first < line->n_samples && step_s > look->params[STEP_S])
            et__runs_add(&runs, run->i_first - line->i_clock_first, 0, step_s);
    }
    return runs.n > 0 ? report(look, line, &runs, err) : ET_OK;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_timeline(look, inspect_line, err);
}

const struct et__inspector et__inspect_clock_reset = {
    .about = {"clock_reset", "a device's clock that started again or was set", ET_INSPECT_EPISODE,
              PARAMS},
    .episode = inspect,
};

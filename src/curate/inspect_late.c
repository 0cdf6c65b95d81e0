#include "curate/curate__inspect.h"

#include <math.h>

enum { LATE_S, SHARE };

static const struct et_inspect_param PARAMS[] = {
    [LATE_S] = {"late_s", 0.05, "s",
                "a sample that arrives later than is typical by more than this is late"},
    [SHARE] = {"share", 0.1, "fraction", "a larger share of late samples is worth a warning"},
    {0},
};

/* How much later than is typical for its run a sample arrived. */
static double lateness_s(const struct et_track *line, size_t k)
{
    const int64_t typical_ns = line->t_ns[k] + et__run_of(line, k)->delay_p50_ns;
    const int64_t arrival_ns = line->t_arrival_ns[k];
    return arrival_ns > typical_ns ? et__span_s(typical_ns, arrival_ns) : 0;
}

static enum et_status report(struct et__look *look, const struct et_track *line,
                             const struct et__run *run, struct et_err *err)
{
    const double share = (double)run->n_rows / (double)line->n_samples;
    struct et_finding finding = et__finding_at(
        look, line, run, share > look->params[SHARE] ? ET_SEVERITY_WARN : ET_SEVERITY_INFO);
    finding.threshold = look->params[LATE_S];
    finding.unit = "s";
    return et_findings_add(look->findings, &finding, err,
                           "%s: %zu sample%s (%.2g %%) arrived later than is typical, by up to "
                           "%.0f ms; their times are the device's",
                           line->stream.name, run->n_rows, et__plural(run->n_rows), 100 * share,
                           1e3 * run->worst);
}

static enum et_status inspect_line(struct et__look *look, const struct et_track *line,
                                   struct et_err *err)
{
    struct et__runs runs = {0};
    if (!line->t_arrival_ns)
        return ET_OK;
    for (size_t k = 0; k < line->n_samples; k++) {
        const bool is_known = et__run_of(line, k)->source != ET_CLOCK_ARRIVAL;
        const double late_s = is_known ? lateness_s(line, k) : 0;
        if (late_s > look->params[LATE_S])
            et__runs_add(&runs, k, line->n_samples, late_s); // all of them are one finding
    }
    return runs.n > 0 ? report(look, line, &runs.items[0], err) : ET_OK;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_timeline(look, inspect_line, err);
}

const struct et__inspector et__inspect_late = {
    .about = {"late", "samples that arrived much later than is typical for their stream",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

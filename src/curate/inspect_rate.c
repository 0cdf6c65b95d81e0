#include "curate/curate__inspect.h"

#include <math.h>

enum { NOMINAL_SHARE, CHANGE_SHARE, BLOCK_S };

static const struct et_inspect_param PARAMS[] = {
    [NOMINAL_SHARE] = {"nominal_share", 0.05, "fraction",
                       "how far a stream's rate may stray from what its profile says"},
    [CHANGE_SHARE] = {"change_share", 0.2, "fraction",
                      "how far a stretch's rate may stray from the stream's own"},
    [BLOCK_S] = {"block_s", 1, "s", "stretches are this long"},
    {0},
};

// Fewer samples say nothing of a rate.
#define BLOCK_SAMPLES_MIN 8

/* A stretch's rate by its middle step, which missing samples do not touch; by its length where
 * times are those of arrival, because packets come in bursts. */
static double block_rate(const struct et_track *line, size_t first, size_t n,
                         struct et_arena *arena)
{
    const struct et_track block = {.n_samples = n, .t_ns = line->t_ns + first};
    const double span_s = et__span_s(block.t_ns[0], block.t_ns[n - 1]);
    if (et__run_of(line, first)->source == ET_CLOCK_ARRIVAL)
        return span_s > 0 ? (double)(n - 1) / span_s : 0;
    const double step_s = et__median_step_s(&block, arena);
    return step_s > 0 ? 1 / step_s : 0;
}

static enum et_status report_nominal(struct et__look *look, const struct et_track *line,
                                     double rate_hz, struct et_err *err)
{
    const double nominal_hz = line->stream.rate_hz;
    if (!(nominal_hz > 0) || fabs(rate_hz - nominal_hz) <= look->params[NOMINAL_SHARE] * nominal_hz)
        return ET_OK;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, line->stream.name);
    finding.value = rate_hz;
    finding.threshold = nominal_hz;
    finding.unit = "Hz";
    return et_findings_add(look->findings, &finding, err,
                           "%s runs at %.4g Hz, its profile says %.4g Hz", line->stream.name,
                           rate_hz, nominal_hz);
}

static enum et_status report_changes(struct et__look *look, const struct et_track *line,
                                     const struct et__runs *runs, double rate_hz,
                                     struct et_err *err)
{
    struct et_finding finding = {0};
    enum et_status st = ET_OK;
    for (size_t i = 0; i < runs->n && st == ET_OK; i++) {
        const struct et__run *run = &runs->items[i];
        const double there_hz =
            block_rate(line, run->first, run->last - run->first + 1, look->arena);
        finding = et__finding_at(look, line, run, ET_SEVERITY_WARN);
        finding.value = there_hz;
        finding.threshold = rate_hz;
        finding.unit = "Hz";
        st = et_findings_add(look->findings, &finding, err,
                             "%s runs at %.4g Hz here, else at %.4g Hz", line->stream.name,
                             there_hz, rate_hz);
    }
    return st == ET_OK ? et__report_rest(look, line, runs, &finding, "changes of rate", err) : st;
}

static enum et_status inspect_line(struct et__look *look, const struct et_track *line,
                                   struct et_err *err)
{
    const double rate_hz = block_rate(line, 0, line->n_samples, look->arena);
    const double wanted = fmax(BLOCK_SAMPLES_MIN, round(look->params[BLOCK_S] * rate_hz));
    struct et__runs runs = {0};
    if (!(rate_hz > 0) || (double)line->n_samples < 2 * wanted)
        return ET_OK;
    const size_t n = (size_t)wanted;
    for (size_t k = 0; k + n <= line->n_samples; k += n) {
        const double off = fabs(block_rate(line, k, n, look->arena) - rate_hz) / rate_hz;
        if (off > look->params[CHANGE_SHARE])
            et__runs_add_stretch(&runs, k, k + n - 1, off);
    }
    const enum et_status st = report_nominal(look, line, rate_hz, err);
    return st == ET_OK && runs.n > 0 ? report_changes(look, line, &runs, rate_hz, err) : st;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_timeline(look, inspect_line, err);
}

const struct et__inspector et__inspect_rate = {
    .about = {"rate", "a stream whose rate is not what its profile says, or changes",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

#include "curate/curate__inspect.h"

#include "etude/stats.h"

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

// Steps below and above these shares of the middle one are no steps, but bunches and holes.
#define STEP_SHARE_MIN 0.5
#define STEP_SHARE_MAX 1.75
#define ALIKE_SHARE 0.1 // rates of stretches that are no further apart are one
#define TURNS_SHARE 0.1 // a mean that is further from the middle step is of steps that take turns

/* The middle step, which missing samples do not touch. Where steps take turns (200 a second on
 * steps of 2 ms are 4 and 6 ms apart) it is one or the other: then the mean, without holes. */
static double step_of(const struct et_track *block, struct et_arena *arena)
{
    const double middle_s = et__median_step_s(block, arena);
    double sum_s = 0;
    size_t n = 0;
    for (size_t i = 1; i < block->n_samples; i++) {
        const double step_s = et__span_s(block->t_ns[i - 1], block->t_ns[i]);
        if (step_s >= STEP_SHARE_MIN * middle_s && step_s <= STEP_SHARE_MAX * middle_s) {
            sum_s += step_s;
            n++;
        }
    }
    const double mean_s = n > 0 ? sum_s / (double)n : middle_s;
    return fabs(mean_s - middle_s) > TURNS_SHARE * middle_s ? mean_s : middle_s;
}

static double span_rate(const struct et_track *line, size_t first, size_t n)
{
    const double span_s = et__span_s(line->t_ns[first], line->t_ns[first + n - 1]);
    return span_s > 0 ? (double)(n - 1) / span_s : 0;
}

/* A stretch's rate by its steps; by its length where times are those of arrival, because packets
 * come in bursts. */
static double block_rate(const struct et_track *line, size_t first, size_t n,
                         struct et_arena *arena)
{
    const struct et_track block = {.n_samples = n, .t_ns = line->t_ns + first};
    if (et__run_of(line, first)->source == ET_CLOCK_ARRIVAL)
        return span_rate(line, first, n);
    const double step_s = step_of(&block, arena);
    return step_s > 0 ? 1 / step_s : 0;
}

/* The rate that most stretches run at, of two the faster; by their lengths alone, or by steps. The
 * middle of all would be that of the stretch in which a rate changes. 0: there is no memory. */
static double usual_rate(const struct et_track *line, size_t n, bool is_by_length,
                         struct et_arena *arena)
{
    const size_t n_blocks = line->n_samples / n;
    double *rates = et_arena_array(arena, n_blocks, sizeof *rates);
    for (size_t i = 0; rates && i < n_blocks; i++)
        rates[i] = is_by_length ? span_rate(line, i * n, n) : block_rate(line, i * n, n, arena);
    if (!rates)
        return 0;
    et_sort_doubles(rates, n_blocks);
    size_t best = 0, n_best = 0;
    for (size_t i = 0, last = 0; i < n_blocks; i++) {
        while (last < n_blocks && rates[last] <= rates[i] * (1 + ALIKE_SHARE))
            last++;
        if (last - i >= n_best) {
            best = i;
            n_best = last - i;
        }
    }
    return rates[best + n_best / 2];
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
    const double step_s = et__median_step_s(line, look->arena);
    const double about_hz = et__run_of(line, 0)->source == ET_CLOCK_ARRIVAL
                                ? span_rate(line, 0, line->n_samples)
                            : step_s > 0 ? 1 / step_s
                                         : 0;
    const double wanted = fmax(BLOCK_SAMPLES_MIN, round(look->params[BLOCK_S] * about_hz));
    struct et__runs runs = {0};
    if (!(about_hz > 0) || (double)line->n_samples < 2 * wanted)
        return ET_OK;
    const size_t n = (size_t)wanted;
    const double rate_hz = usual_rate(line, n, false, look->arena);
    const double span_hz = usual_rate(line, n, true, look->arena);
    if (!(rate_hz > 0) || !(span_hz > 0))
        return ET_OK;
    for (size_t k = 0; k + n <= line->n_samples; k += n) {
        // Samples that are missing change the length, steps that take turns the middle step: a
        // change of the rate changes both.
        const double by_steps = fabs(block_rate(line, k, n, look->arena) - rate_hz) / rate_hz;
        const double by_length = fabs(span_rate(line, k, n) - span_hz) / span_hz;
        const double off = fmin(by_steps, by_length);
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

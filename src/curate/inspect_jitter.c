#include "curate/curate__inspect.h"

#include <math.h>

enum { SHARE };

static const struct et_inspect_param PARAMS[] = {
    [SHARE] = {"share", 0.4, "fraction",
               "steps between corrected times stray by more than this share of the period, one in "
               "a hundred"},
    {0},
};

// So many steps make a hundredth of them.
#define STEPS_MIN 100

/* 99th percentile of how far steps stray from whole periods; NaN when there are too few steps or no
 * room. What is missing makes whole periods and is no jitter. */
static double stray_p99(const struct et_track *line, double period_s, struct et_arena *arena)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    double *strays = et_arena_array(arena, line->n_samples, sizeof *strays);
    double p99 = (double)NAN;
    for (size_t k = 1; strays && k < line->n_samples; k++) {
        const double step_s =
            line->t_ns[k] > line->t_ns[k - 1] ? et__span_s(line->t_ns[k - 1], line->t_ns[k]) : 0;
        strays[k - 1] = fabs(step_s - period_s * fmax(1, round(step_s / period_s)));
    }
    if (strays && line->n_samples > STEPS_MIN)
        p99 = et_quantile_of(strays, line->n_samples - 1, 0.99);
    et_arena_rewind(arena, mark);
    return p99;
}

static enum et_status inspect_line(struct et__look *look, const struct et_track *line,
                                   struct et_err *err)
{
    const double period_s = et__median_step_s(line, look->arena);
    const double p99_s = period_s > 0 ? stray_p99(line, period_s, look->arena) : 0;
    if (!(p99_s > look->params[SHARE] * period_s))
        return ET_OK;
    // Times of arrival stray as the way does: nobody can tell what the device did.
    const bool is_bare = et__run_of(line, 0)->source == ET_CLOCK_ARRIVAL;
    struct et_finding finding =
        et__finding(look->kind, is_bare ? ET_SEVERITY_INFO : ET_SEVERITY_WARN, line->stream.name);
    finding.value = p99_s;
    finding.threshold = look->params[SHARE] * period_s;
    finding.unit = "s";
    return et_findings_add(look->findings, &finding, err,
                           "%s: one step in a hundred strays by %.3g ms or more from its period of "
                           "%.4g ms",
                           line->stream.name, 1e3 * p99_s, 1e3 * period_s);
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    return et__each_timeline(look, inspect_line, err);
}

const struct et__inspector et__inspect_jitter = {
    .about = {"jitter", "a stream whose samples come unevenly", ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

#include "curate/curate__inspect.h"

#include <math.h>

enum { SHARE, WARN_SHARE, END_S, SPEED_MIN };

static const struct et_inspect_param PARAMS[] = {
    [SHARE] = {"share", 0.1, "fraction",
               "an episode that ends faster than this share of its peak speed was cut"},
    [WARN_SHARE] = {"warn_share", 0.5, "fraction",
                    "above this share it ends in the middle of a movement: a warning"},
    [END_S] = {"end_s", 0.2, "s", "the end is this long"},
    [SPEED_MIN] = {"speed_min", 0.05, "rad/s", "slower than this is standing, whatever the peak"},
    {0},
};

/* The speed that is passed by 1 % of the samples: a peak that one bad sample does not make. */
static double peak_speed(const double *speed, size_t n, struct et_arena *arena)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    double *copy = et_arena_copy(arena, speed, n * sizeof *speed);
    const double peak = copy ? et_quantile_of(copy, n, 0.99) : 0;
    et_arena_rewind(arena, mark);
    return peak;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_track *clock = look->clock;
    enum et_status st = ET_OK;
    if (look->episode->was_cut) {
        const struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
        st = et_findings_add(
            look->findings, &finding, err,
            "the source ends within the episode, or says that it did not end by itself");
    }
    if (st != ET_OK || !clock)
        return st;

    const size_t n = clock->n_samples;
    const size_t n_end = et__samples(look->episode, clock, look->params[END_S]);
    if (n < 4 * n_end)
        return ET_OK;
    double sum = 0;
    for (size_t k = n - n_end; k < n; k++)
        sum += look->speed_rad_s[k];
    const double end = sum / (double)n_end, peak = peak_speed(look->speed_rad_s, n, look->arena);
    const double allowed = fmax(look->params[SHARE] * peak, look->params[SPEED_MIN]);
    if (!(end > allowed))
        return ET_OK;

    const enum et_severity severity =
        end > look->params[WARN_SHARE] * peak ? ET_SEVERITY_WARN : ET_SEVERITY_INFO;
    struct et_finding finding = et__finding(look->kind, severity, NULL);
    finding.t_first_ns = clock->t_ns[n - n_end];
    finding.t_last_ns = clock->t_ns[n - 1];
    finding.value = end;
    finding.threshold = allowed;
    finding.unit = "rad/s";
    return et_findings_add(look->findings, &finding, err,
                           "the episode ends while a joint still moves at %.2g rad/s, %.0f %% of "
                           "its peak of %.2g",
                           end, 100 * end / peak, peak);
}

const struct et__inspector et__inspect_truncation = {
    .about = {"truncation", "an episode that ends in the middle of a movement", ET_INSPECT_EPISODE,
              PARAMS},
    .episode = inspect,
};

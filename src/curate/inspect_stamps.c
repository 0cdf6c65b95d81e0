#include "curate/curate__inspect.h"

#include <math.h>

static const struct et_inspect_param PARAMS[] = {{0}};

/* Stamps that do not rise: how often they stand still and how often they fall. */
struct order {
    size_t n_same, n_falls;
    size_t first, last; // samples
    double worst_s;     // the deepest fall
};

static void see_step(struct order *order, size_t k, double step_s)
{
    if (step_s > 0 || isnan(step_s))
        return;
    if (order->n_same + order->n_falls == 0)
        order->first = k;
    order->last = k;
    if (step_s < 0)
        order->n_falls++;
    else
        order->n_same++;
    order->worst_s = fmax(order->worst_s, -step_s);
}

static struct order order_of_stamps(const double *stamps_s, size_t n)
{
    struct order order = {0};
    for (size_t k = 1; k < n; k++)
        see_step(&order, k, stamps_s[k] - stamps_s[k - 1]);
    return order;
}

static struct order order_of_clock(const int64_t *t_ns, size_t n)
{
    struct order order = {0};
    for (size_t k = 1; k < n; k++)
        see_step(&order, k,
                 t_ns[k] >= t_ns[k - 1] ? et__span_s(t_ns[k - 1], t_ns[k])
                                        : -et__span_s(t_ns[k], t_ns[k - 1]));
    return order;
}

/* Stamps that a clock model was made of: where it began a new run the clock was reset, which is
 * another finding; what has no stamp, or a coarse one that repeats, is none here. */
static struct order order_of_line(const struct et_track *line)
{
    const int64_t *t_ns = line->t_device_ns;
    struct order order = {0};
    size_t last = 0;
    for (size_t k = 1; k < line->n_samples; k++) {
        const struct et_clock_run *run = et__run_of(line, k);
        if (t_ns[k] == 0)
            continue;
        const bool is_new = run->i_first == line->i_clock_first + k || t_ns[last] == 0;
        const double step_s = t_ns[k] >= t_ns[last] ? et__span_s(t_ns[last], t_ns[k])
                                                    : -et__span_s(t_ns[k], t_ns[last]);
        if (!is_new && !(step_s == 0 && run->source == ET_CLOCK_COUNTER))
            see_step(&order, k, step_s);
        last = k;
    }
    return order;
}

static enum et_status report_order(struct et__look *look, const struct order *order,
                                   const struct et_track *track, const char *what,
                                   struct et_err *err)
{
    if (order->n_same + order->n_falls == 0)
        return ET_OK;
    const enum et_severity severity = order->n_falls > 0 ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN;
    struct et_finding finding =
        et__finding(look->kind, severity, track ? track->stream.name : NULL);
    finding.t_first_ns =
        track ? track->t_ns[order->first] : et__row_ns(look->episode, order->first);
    finding.t_last_ns = track ? track->t_ns[order->last] : et__row_ns(look->episode, order->last);
    finding.value = order->worst_s;
    finding.threshold = 0;
    finding.unit = "s";
    if (order->n_falls == 0)
        return et_findings_add(look->findings, &finding, err, "%s repeat %zu time%s", what,
                               order->n_same, et__plural(order->n_same));
    return et_findings_add(look->findings, &finding, err,
                           "%s run backwards %zu time%s, by up to %.6g s, and repeat %zu time%s",
                           what, order->n_falls, et__plural(order->n_falls), order->worst_s,
                           order->n_same, et__plural(order->n_same));
}

static enum et_status check_lines(struct et__look *look, struct et_err *err)
{
    size_t n = 0;
    const struct et_track *lines = et__timelines(look, &n);
    enum et_status st = lines ? ET_OK : et_arena_fail(look->arena, "the time lines", err);
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        if (!lines[i].t_device_ns)
            continue;
        const struct order order = order_of_line(&lines[i]);
        st = report_order(look, &order, &lines[i], "the device's stamps", err);
    }
    return st;
}

static enum et_status check_order(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    if (episode->raw_stamps_s) {
        const struct order order = order_of_stamps(episode->raw_stamps_s, (size_t)episode->n_rows);
        st = report_order(look, &order, NULL, "the stamps", err);
    }
    for (size_t i = 0; i < episode->n_tracks && st == ET_OK; i++) {
        const struct et_track *track = &episode->tracks[i];
        if (!track->t_device_ns || track->clock)
            continue;
        const struct order order = order_of_clock(track->t_device_ns, track->n_samples);
        st = report_order(look, &order, track, "the device's stamps", err);
    }
    return st == ET_OK ? check_lines(look, err) : st;
}

static enum et_status check_kind(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_INFO, NULL);
    switch (episode->time_kind) {
    case ET_TIME_MEASURED:
        return ET_OK;
    case ET_TIME_SYNTHETIC:
        return et_findings_add(look->findings, &finding, err,
                               "the time is synthetic: every stamp is exactly row / %g Hz, so that "
                               "gaps and jitter of the recording cannot be seen in it",
                               episode->rate_hz);
    case ET_TIME_MISSING:
        finding.severity = ET_SEVERITY_WARN;
        return et_findings_add(look->findings, &finding, err,
                               "there are no stamps: time was made from the row number at %g Hz",
                               episode->rate_hz);
    }
    return ET_OK;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const enum et_status st = check_kind(look, err);
    return st == ET_OK ? check_order(look, err) : st;
}

const struct et__inspector et__inspect_stamps = {
    .about = {"stamps", "stamps that are synthetic, missing, repeated or run backwards",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

#include "curate/curate__inspect.h"

#include <math.h>

enum { ERROR_RAD, ERROR_OTHER };

static const struct et_inspect_param PARAMS[] = {
    [ERROR_RAD] =
        {"error_rad", 0.25, "rad",
         "95th percentile of the distance between a command and the reading one latency later"},
    [ERROR_OTHER] = {"error_other", 0.05, "1", "the same in other units"},
    {0},
};

/* The state's value i at a time, on the line between its samples; *k walks on. */
static double state_at(const struct et_track *state, size_t i, int64_t t_ns, size_t *k)
{
    const size_t width = state->stream.n_values;
    while (*k + 2 < state->n_samples && state->t_ns[*k + 1] <= t_ns)
        (*k)++;
    const double a = state->values[*k * width + i], b = state->values[(*k + 1) * width + i];
    const double span_s = et__span_s(state->t_ns[*k], state->t_ns[*k + 1]);
    if (t_ns <= state->t_ns[*k] || !(span_s > 0))
        return a;
    return a + fmin(1, et__span_s(state->t_ns[*k], t_ns) / span_s) * (b - a);
}

/* The errors of value i, in time order; returns how many there are. */
static size_t errors_of(const struct et__pair *pair, size_t i, double *errors)
{
    const struct et_track *command = pair->command, *state = pair->state;
    const int64_t lag_ns = (int64_t)llround(pair->lag_s * 1e9);
    const int64_t last_ns = state->t_ns[state->n_samples - 1];
    size_t n = 0, k = 0;
    for (size_t c = 0; c < command->n_samples; c++) {
        const int64_t t_ns = command->t_ns[c];
        if (t_ns < state->t_ns[0] || t_ns > last_ns - lag_ns)
            continue;
        const double error = fabs(command->values[c * command->stream.n_values + i] -
                                  state_at(state, i, t_ns + lag_ns, &k));
        if (isfinite(error))
            errors[n++] = error;
    }
    return n;
}

static enum et_status inspect_pair(struct et__look *look, const struct et__pair *pair,
                                   struct et_err *err)
{
    const struct et_stream *stream = &pair->state->stream;
    const bool is_rad = stream->unit && strcmp(stream->unit, "rad") == 0;
    const double error_max = look->params[is_rad ? ERROR_RAD : ERROR_OTHER];
    const struct et_arena_mark mark = et_arena_mark(look->arena);
    double *errors = et_arena_array(look->arena, pair->command->n_samples, sizeof *errors);
    double worst = 0;
    size_t i_worst = 0, n_over = 0;

    if (!errors)
        return et_arena_fail(look->arena, "the tracking errors", err);
    for (size_t i = 0; i < stream->n_values; i++) {
        const size_t n = errors_of(pair, i, errors);
        const double p95 = n > 0 ? et_quantile_of(errors, n, 0.95) : 0;
        n_over += p95 > error_max;
        if (p95 > worst) {
            worst = p95;
            i_worst = i;
        }
    }
    et_arena_rewind(look->arena, mark);
    if (n_over == 0)
        return ET_OK;

    char name[ET__NAME_BYTES];
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, stream->name);
    finding.value = worst;
    finding.threshold = error_max;
    finding.unit = et__unit(stream);
    return et_findings_add(
        look->findings, &finding, err,
        "%s stays %.3g %s or more from its command for 5 %% of the time, %.0f ms "
        "of latency taken out; %zu of %zu values are over the threshold",
        et__value_name(stream, i_worst, name), worst, et__unit(stream), 1e3 * pair->lag_s, n_over,
        stream->n_values);
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t p = 0; p < look->n_pairs && st == ET_OK; p++) {
        const struct et__pair *pair = &look->pairs[p];
        // What a hand holds keeps it from its command: that is its work.
        if (pair->state->stream.quantity == ET_QUANTITY_POSITION &&
            !et__is_hand(&pair->state->stream) && pair->state->n_samples > 1)
            st = inspect_pair(look, pair, err);
    }
    return st;
}

const struct et__inspector et__inspect_tracking = {
    .about = {"tracking", "joints that stay far from their command", ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

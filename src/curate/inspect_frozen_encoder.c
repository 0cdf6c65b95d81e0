#include "curate/curate__inspect.h"

#include <math.h>

enum { FROZEN_S, MOVE_RAD, MOVE_HAND, MOVE_OTHER };

static const struct et_inspect_param PARAMS[] = {
    [FROZEN_S] = {"frozen_s", 0.5, "s", "the exact same reading for longer than this is suspect"},
    [MOVE_RAD] = {"move_rad", 0.0175, "rad", "when the command moves by more than this meanwhile"},
    [MOVE_HAND] = {"move_hand", 0.1, "1",
                   "for hands: when the command passes the reading by this much on both sides"},
    [MOVE_OTHER] = {"move_other", 0.02, "1", "as move_rad, for other units"},
    {0},
};

/* One value of a pair. */
struct reading {
    const struct et__pair *pair;
    size_t i;
    double move_min;
    bool is_hand;
};

static double state_at(const struct reading *r, size_t k)
{
    return r->pair->state->values[k * r->pair->state->stream.n_values + r->i];
}

/* How far the command moves from first_ns to last_ns. *k walks on over the command's samples. */
static double command_move(const struct reading *r, int64_t first_ns, int64_t last_ns,
                           double reading, size_t *k)
{
    const struct et_track *command = r->pair->command;
    double min = (double)INFINITY, max = -(double)INFINITY;
    while (*k < command->n_samples && command->t_ns[*k] < first_ns)
        (*k)++;
    for (; *k < command->n_samples && command->t_ns[*k] <= last_ns; (*k)++) {
        const double x = command->values[*k * command->stream.n_values + r->i];
        min = fmin(min, x);
        max = fmax(max, x);
    }
    if (!(max >= min))
        return 0;
    // A hand that holds something stands still while its command closes on: only a command that
    // passes the reading on both sides should have moved it.
    return r->is_hand ? fmin(reading - min, max - reading) : max - min;
}

static enum et_status report(struct et__look *look, const struct reading *r,
                             const struct et__runs *runs, struct et_err *err)
{
    const struct et_stream *stream = &r->pair->state->stream;
    struct et_finding finding = {0};
    char name[ET__NAME_BYTES];
    enum et_status st = ET_OK;

    for (size_t j = 0; j < runs->n && st == ET_OK; j++) {
        const struct et__run *run = &runs->items[j];
        finding = et__finding_at(look, r->pair->state, run, ET_SEVERITY_WARN);
        finding.threshold = r->move_min;
        const double duration_s = et__span_s(finding.t_first_ns, finding.t_last_ns);
        st = et_findings_add(look->findings, &finding, err,
                             "%s reads exactly %.6g for %.2f s while its command moves by %.3g %s",
                             et__value_name(stream, r->i, name), state_at(r, run->first),
                             duration_s, run->worst, et__unit(stream));
    }
    return st == ET_OK ? et__report_rest(look, r->pair->state, runs, &finding,
                                         et__value_name(stream, r->i, name), err)
                       : st;
}

static enum et_status inspect_value(struct et__look *look, const struct reading *r,
                                    struct et_err *err)
{
    const struct et_track *state = r->pair->state;
    const int64_t lag_ns = (int64_t)llround(r->pair->lag_s * 1e9);
    const double frozen_s = look->params[FROZEN_S];
    struct et__runs runs = {0};
    size_t k_command = 0;

    for (size_t first = 0, last = 0; first < state->n_samples; first = last + 1) {
        const double reading = state_at(r, first);
        for (last = first; last + 1 < state->n_samples && state_at(r, last + 1) == reading;)
            last++;
        if (et__span_s(state->t_ns[first], state->t_ns[last]) <= frozen_s)
            continue;
        // What was commanded in the last `lag` cannot show in the reading yet.
        const double move =
            command_move(r, state->t_ns[first], state->t_ns[last] - lag_ns, reading, &k_command);
        if (move <= r->move_min)
            continue;
        et__runs_add_stretch(&runs, first, last, move);
    }
    return runs.n > 0 ? report(look, r, &runs, err) : ET_OK;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t p = 0; p < look->n_pairs; p++) {
        const struct et__pair *pair = &look->pairs[p];
        const struct et_stream *stream = &pair->state->stream;
        if (stream->quantity != ET_QUANTITY_POSITION)
            continue;
        const bool is_rad = stream->unit && strcmp(stream->unit, "rad") == 0;
        struct reading r = {.pair = pair, .is_hand = et__is_hand(stream)};
        r.move_min = look->params[r.is_hand ? MOVE_HAND : is_rad ? MOVE_RAD : MOVE_OTHER];
        for (r.i = 0; r.i < stream->n_values && st == ET_OK; r.i++)
            st = inspect_value(look, &r, err);
    }
    return st;
}

const struct et__inspector et__inspect_frozen_encoder = {
    .about = {"frozen_encoder",
              "a reading that stands still to the last bit while its command moves",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

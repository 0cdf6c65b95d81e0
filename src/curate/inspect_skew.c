#include "curate/curate__inspect.h"

#include <math.h>

enum { PERIODS, SHARE_ERROR, OFFSET_S };

static const struct et_inspect_param PARAMS[] = {
    [PERIODS] =
        {"periods", 0.6, "1",
         "a frame without a measured position this close to it, in periods of the slower of "
         "both, has none"},
    [SHARE_ERROR] = {"share_error", 0.1, "fraction",
                     "with a larger share of such frames the finding is an error"},
    [OFFSET_S] = {"offset_s", 0.5, "s",
                  "a stream that begins later or ends earlier than the others by more than this"},
    {0},
};

/* The measured positions that cameras are held against: the quickest of them. */
static const struct et_track *state_of(const struct et_track *lines, size_t n)
{
    const struct et_track *best = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct et_stream *stream = &lines[i].stream;
        if (stream->is_command || !et_quantity_is_of_joints(stream->quantity))
            continue;
        if (!best || lines[i].n_samples > best->n_samples)
            best = &lines[i];
    }
    return best;
}

/* Frames between the state's first and last sample that are further than limit_s from any. */
static struct et__runs far_frames(const struct et_track *camera, const struct et_track *state,
                                  double limit_s)
{
    struct et__runs runs = {0};
    size_t at = 0; // of the state, the last one not after the frame
    for (size_t k = 0; k < camera->n_samples; k++) {
        const int64_t t_ns = camera->t_ns[k];
        if (t_ns < state->t_ns[0] || t_ns > state->t_ns[state->n_samples - 1])
            continue;
        while (at + 1 < state->n_samples && state->t_ns[at + 1] <= t_ns)
            at++;
        double off_s = et__span_s(state->t_ns[at], t_ns);
        if (at + 1 < state->n_samples)
            off_s = fmin(off_s, et__span_s(t_ns, state->t_ns[at + 1]));
        if (off_s > limit_s)
            et__runs_add(&runs, k, 1, off_s);
    }
    return runs;
}

static size_t n_rows_of(const struct et__runs *runs)
{
    size_t n = runs->rest.n_rows;
    for (size_t i = 0; i < runs->n; i++)
        n += runs->items[i].n_rows;
    return n;
}

static enum et_status inspect_camera(struct et__look *look, const struct et_track *camera,
                                     const struct et_track *state, struct et_err *err)
{
    const double slower_s =
        fmax(et__median_step_s(camera, look->arena), et__median_step_s(state, look->arena));
    const double limit_s = look->params[PERIODS] * slower_s;
    const struct et__runs runs = far_frames(camera, state, limit_s);
    const double share = (double)n_rows_of(&runs) / (double)camera->n_samples;
    const enum et_severity severity =
        share > look->params[SHARE_ERROR] ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN;
    struct et_finding finding = {0};
    enum et_status st = ET_OK;
    for (size_t i = 0; i < runs.n && st == ET_OK; i++) {
        const struct et__run *run = &runs.items[i];
        finding = et__finding_at(look, camera, run, severity);
        finding.threshold = limit_s;
        finding.unit = "s";
        st = et_findings_add(look->findings, &finding, err,
                             "%s: %zu frame%s with no sample of %s within %.3g ms; the farthest is "
                             "%.3g ms away",
                             camera->stream.name, run->n_rows, et__plural(run->n_rows),
                             state->stream.name, 1e3 * limit_s, 1e3 * run->worst);
    }
    return st == ET_OK ? et__report_rest(look, camera, &runs, &finding, "stretches", err) : st;
}

static enum et_status report_offset(struct et__look *look, const struct et_track *line, bool is_end,
                                    double off_s, struct et_err *err)
{
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, line->stream.name);
    finding.t_first_ns = finding.t_last_ns = line->t_ns[is_end ? line->n_samples - 1 : 0];
    finding.value = off_s;
    finding.threshold = look->params[OFFSET_S];
    finding.unit = "s";
    return et_findings_add(look->findings, &finding, err, "%s %s %.3g s %s the others",
                           line->stream.name, is_end ? "ends" : "begins", off_s,
                           is_end ? "before" : "after");
}

/* Streams that are not there from the first to the last moment of all. A slow one has a period more
 * of time. */
static enum et_status inspect_ends(struct et__look *look, const struct et_track *lines, size_t n,
                                   struct et_err *err)
{
    int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n; i++) {
        const int64_t end_ns = lines[i].t_ns[lines[i].n_samples - 1];
        first_ns = lines[i].t_ns[0] < first_ns ? lines[i].t_ns[0] : first_ns;
        last_ns = end_ns > last_ns ? end_ns : last_ns;
    }
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        const double limit_s = look->params[OFFSET_S] + et__median_step_s(&lines[i], look->arena);
        const double head_s = et__span_s(first_ns, lines[i].t_ns[0]);
        const double tail_s = et__span_s(lines[i].t_ns[lines[i].n_samples - 1], last_ns);
        if (head_s > limit_s)
            st = report_offset(look, &lines[i], false, head_s, err);
        if (tail_s > limit_s && st == ET_OK)
            st = report_offset(look, &lines[i], true, tail_s, err);
    }
    return st;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    size_t n = 0;
    const struct et_track *lines = et__timelines(look, &n);
    const struct et_track *state = lines ? state_of(lines, n) : NULL;
    enum et_status st = lines ? ET_OK : et_arena_fail(look->arena, "the time lines", err);
    for (size_t i = 0; i < n && st == ET_OK && state; i++) {
        const enum et_quantity quantity = lines[i].stream.quantity;
        if (quantity == ET_QUANTITY_IMAGE || quantity == ET_QUANTITY_DEPTH)
            st = inspect_camera(look, &lines[i], state, err);
    }
    return st == ET_OK ? inspect_ends(look, lines, n, err) : st;
}

const struct et__inspector et__inspect_skew = {
    .about = {"skew",
              "frames without a measured position beside them, streams that begin or end "
              "apart",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

#include "curate/curate__inspect.h"

#include <math.h>

enum { SPEED_FACTOR, STEP_MIN, STEP_MIN_HAND, LOCAL_FACTOR };

static const struct et_inspect_param PARAMS[] = {
    [SPEED_FACTOR] = {"speed_factor", 3, "1",
                      "a step beyond this many times what the speed limit allows is a jump"},
    [STEP_MIN] = {"step_min", 0.1, "1",
                  "the smallest step that can be a jump below the speed limit, in the unit"},
    [STEP_MIN_HAND] = {"step_min_hand", 0.35, "1",
                       "the same for hands, which are quick and often read seldom"},
    [LOCAL_FACTOR] = {"local_factor", 6, "1",
                      "and it must be this many times any step of the 0.2 s around it"},
    {0},
};

// Steps this close to a step belong to the same spike (up and down again).
#define OWN_STEPS 1
#define AROUND_S 0.2

/* One value of a track and what a step of it may be. */
struct joint {
    const struct et_track *track;
    size_t i;
    size_t around;   // samples on each side that are compared with
    double step_max; // by the speed limit; (double)INFINITY when it is not known
    double step_min;
    double local_factor;
};

static double step_at(const struct joint *joint, size_t k)
{
    const size_t width = joint->track->stream.n_values;
    const double *p = &joint->track->values[k * width + joint->i];
    return fabs(p[0] - *(p - width));
}

/* The largest step near step k that is not part of its own spike. */
static double largest_around(const struct joint *joint, size_t k)
{
    const size_t n = joint->track->n_samples;
    const size_t first = k > joint->around ? k - joint->around : 1;
    const size_t last = k + joint->around < n ? k + joint->around : n - 1;
    double most = 0;
    for (size_t j = first; j <= last; j++)
        if (j + OWN_STEPS < k || j > k + OWN_STEPS)
            most = fmax(most, step_at(joint, j));
    return most;
}

static bool is_jump(const struct joint *joint, size_t k, double step)
{
    const size_t n = joint->track->n_samples;
    if (step > joint->step_max)
        return true;
    // At the ends nothing tells the first step of a movement from a jump.
    if (k <= OWN_STEPS + 1 || k + OWN_STEPS + 1 >= n)
        return false;
    return step > joint->step_min && step > joint->local_factor * largest_around(joint, k);
}

static enum et_status report(struct et__look *look, const struct joint *joint,
                             const struct et__runs *runs, double rate_hz, struct et_err *err)
{
    const struct et_stream *stream = &joint->track->stream;
    struct et_finding finding = {0};
    char name[ET__NAME_BYTES];
    enum et_status st = ET_OK;

    for (size_t r = 0; r < runs->n && st == ET_OK; r++) {
        const struct et__run *run = &runs->items[r];
        finding = et__finding_at(look, joint->track, run, ET_SEVERITY_WARN);
        const bool is_too_fast = run->worst > joint->step_max;
        finding.threshold = is_too_fast ? joint->step_max : joint->step_min;
        st = et_findings_add(look->findings, &finding, err,
                             "%s jumps by %.3g %s from one sample to the next (%.3g a second); "
                             "%s %.3g",
                             et__value_name(stream, joint->i, name), run->worst, et__unit(stream),
                             run->worst * rate_hz,
                             is_too_fast ? "its speed limit allows" : "its steps around are below",
                             is_too_fast ? joint->step_max / look->params[SPEED_FACTOR]
                                         : run->worst / joint->local_factor);
    }
    return st == ET_OK ? et__report_rest(look, joint->track, runs, &finding,
                                         et__value_name(stream, joint->i, name), err)
                       : st;
}

static enum et_status inspect_track(struct et__look *look, const struct et_track *track,
                                    struct et_err *err)
{
    const struct et_stream *stream = &track->stream;
    const double rate_hz = et__rate_hz(look->episode, track);
    const size_t n = track->n_samples;
    enum et_status st = ET_OK;

    for (size_t i = 0; i < stream->n_values && rate_hz > 0 && st == ET_OK; i++) {
        const double speed = stream->speed ? stream->speed[i] : (double)NAN;
        const struct joint joint = {
            .track = track,
            .i = i,
            .around = et__samples(look->episode, track, AROUND_S),
            .step_max =
                isnan(speed) ? (double)INFINITY : look->params[SPEED_FACTOR] * speed / rate_hz,
            .step_min = look->params[et__is_hand(stream) ? STEP_MIN_HAND : STEP_MIN],
            .local_factor = look->params[LOCAL_FACTOR],
        };
        struct et__runs runs = {0};
        for (size_t k = 1; k < n; k++) {
            const double step = step_at(&joint, k);
            // A step over a gap may be as much longer as the gap is.
            if (step > fmin(joint.step_max, joint.step_min) && is_jump(&joint, k, step) &&
                et__span_s(track->t_ns[k - 1], track->t_ns[k]) * rate_hz < 1.5)
                et__runs_add(&runs, k, joint.around, step);
        }
        if (runs.n > 0)
            st = report(look, &joint, &runs, rate_hz, err);
    }
    return st;
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < episode->n_tracks && st == ET_OK; i++) {
        const struct et_stream *stream = &episode->tracks[i].stream;
        // Commands to hands are steps by nature: open, close.
        const bool is_free = stream->is_command && et__is_hand(stream);
        if (stream->quantity == ET_QUANTITY_POSITION && !is_free)
            st = inspect_track(look, &episode->tracks[i], err);
    }
    return st;
}

const struct et__inspector et__inspect_jump = {
    .about = {"jump", "a joint that is elsewhere one sample later", ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

#include "curate/curate__inspect.h"

#include <math.h>

enum { SPEED, IDLE_S, SHARE };

static const struct et_inspect_param PARAMS[] = {
    [SPEED] = {"speed", 0.03, "1", "below this many units a second a command stands still"},
    [IDLE_S] = {"idle_s", 1, "s", "no command moves for longer than this: the operator is idle"},
    [SHARE] = {"share", 0.4, "fraction", "a larger share of the episode idle is worth a warning"},
    {0},
};

// Movement is taken over this time, so that the rule means the same at every rate.
#define SPAN_S 0.1

static bool is_driving(const struct et_stream *stream)
{
    return stream->is_command &&
           (stream->quantity == ET_QUANTITY_POSITION || stream->quantity == ET_QUANTITY_POSE);
}

/* The first sample at or after a time. */
static size_t first_from(const struct et_track *track, int64_t t_ns)
{
    size_t low = 0, high = track->n_samples;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (track->t_ns[mid] < t_ns)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Marks the samples of the clock around which the command moves. Tracks of one table share rows,
 * others only time. */
static void mark_moves(const struct et_track *track, size_t span, double step_min,
                       const struct et_track *clock, bool *moves)
{
    const size_t width = track->stream.n_values;
    for (size_t k = 0; k + span < track->n_samples; k++) {
        const double *a = &track->values[k * width], *b = a + span * width;
        bool is_moving = false;
        for (size_t i = 0; i < width; i++)
            is_moving |= fabs(b[i] - a[i]) >= step_min;
        if (!is_moving)
            continue;
        if (track->t_ns == clock->t_ns) {
            memset(&moves[k], true, span);
            continue;
        }
        const size_t first = first_from(clock, track->t_ns[k]);
        const size_t last = first_from(clock, track->t_ns[k + span]);
        memset(&moves[first], true, last - first);
    }
}

/* The first command track, and which of its samples see any command move. NULL when there is none,
 * or when the arena is full (*st says which). */
static const struct et_track *find_moves(struct et__look *look, bool **moves, enum et_status *st,
                                         struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    const struct et_track *clock = NULL;

    for (size_t t = 0; t < episode->n_tracks; t++) {
        const struct et_track *track = &episode->tracks[t];
        if (!is_driving(&track->stream) || track->n_samples == 0)
            continue;
        if (!clock) {
            *moves = et_arena_array(look->arena, track->n_samples, sizeof **moves);
            if (!*moves) {
                *st = et_arena_fail(look->arena, "the command's moves", err);
                return NULL;
            }
            clock = track;
        }
        const size_t span = et__samples(episode, track, SPAN_S);
        const double rate_hz = et__rate_hz(episode, track);
        const double span_s = rate_hz > 0 ? (double)span / rate_hz : SPAN_S;
        mark_moves(track, span, look->params[SPEED] * span_s, clock, *moves);
    }
    return clock;
}

static enum et_status report(struct et__look *look, const struct et_track *clock,
                             const struct et__runs *runs, double share, struct et_err *err)
{
    const bool is_much = share > look->params[SHARE];
    struct et_finding finding = {0};
    enum et_status st = ET_OK;

    for (size_t r = 0; r < runs->n && st == ET_OK; r++) {
        finding = et__finding_at(look, clock, &runs->items[r], ET_SEVERITY_INFO);
        finding.stream = NULL;
        finding.threshold = look->params[IDLE_S];
        finding.unit = "s";
        st = et_findings_add(look->findings, &finding, err, "no command moves for %.1f s",
                             finding.value);
    }
    if (st == ET_OK)
        st = et__report_rest(look, clock, runs, &finding, "idle", err);
    if (st != ET_OK || !is_much)
        return st;
    finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
    finding.value = share;
    finding.threshold = look->params[SHARE];
    finding.unit = "fraction";
    return et_findings_add(look->findings, &finding, err,
                           "the operator is idle for %.0f %% of the episode", 100 * share);
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(look->arena);
    enum et_status st = ET_OK;
    bool *moves = NULL;
    const struct et_track *clock = find_moves(look, &moves, &st, err);
    if (!clock)
        return st;

    struct et__runs runs = {0};
    size_t n_still = 0;
    for (size_t k = 0; k < clock->n_samples;) {
        const size_t first = k;
        while (k < clock->n_samples && !moves[k])
            k++;
        n_still += k - first;
        if (k == first) {
            k++;
            continue;
        }
        const double still_s = et__span_s(clock->t_ns[first], clock->t_ns[k - 1]);
        if (still_s > look->params[IDLE_S])
            et__runs_add_stretch(&runs, first, k - 1, still_s);
    }
    const double share = (double)n_still / (double)clock->n_samples;
    look->inspection->idle_fraction = share;
    et_arena_rewind(look->arena, mark);
    return report(look, clock, &runs, share, err);
}

const struct et__inspector et__inspect_idle = {
    .about = {"idle", "stretches in which no command moves", ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

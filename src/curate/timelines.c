#include "curate/curate__inspect.h"

#include <math.h>

// Samples behind a long step that are counted to see whether it was made good.
#define CATCH_UP 20
#define CATCH_UP_MAX 2000

static bool is_sampled(const struct et_stream *stream)
{
    return stream->quantity != ET_QUANTITY_EVENT && stream->quantity != ET_QUANTITY_TEXT &&
           stream->quantity != ET_QUANTITY_AUDIO;
}

/* True when both are of the same messages: one message fills many tracks. */
static bool is_same(const struct et_track *a, const struct et_track *b)
{
    const size_t n = a->n_samples;
    if (n != b->n_samples)
        return false;
    if (a->t_ns == b->t_ns)
        return true;
    return a->t_ns[0] == b->t_ns[0] && a->t_ns[n / 2] == b->t_ns[n / 2] &&
           a->t_ns[n - 1] == b->t_ns[n - 1];
}

static void add(struct et_track *lines, size_t *n, const struct et_track *line)
{
    if (!line->clock || !line->t_ns || line->n_samples < 2 || !is_sampled(&line->stream))
        return;
    for (size_t i = 0; i < *n; i++)
        if (is_same(&lines[i], line))
            return;
    lines[(*n)++] = *line;
}

const struct et_track *et__timelines(const struct et__look *look, size_t *n)
{
    const struct et_episode *episode = look->episode;
    struct et_track *lines =
        et_arena_array(look->arena, episode->n_tracks + episode->n_videos + 1, sizeof *lines);
    *n = 0;
    for (size_t i = 0; lines && i < episode->n_tracks; i++)
        add(lines, n, &episode->tracks[i]);
    for (size_t i = 0; lines && i < episode->n_videos; i++) {
        const struct et_video_ref *video = &episode->videos[i];
        const struct et_track line = {
            .stream = video->stream,
            .n_samples = video->n_frames > 0 ? (size_t)video->n_frames : 0,
            .t_ns = video->t_ns,
            .t_device_ns = video->t_device_ns,
            .t_arrival_ns = video->t_arrival_ns,
            .clock = video->clock,
            .i_clock_first = video->i_clock_first,
        };
        add(lines, n, &line);
    }
    return lines;
}

const struct et_clock_run *et__run_of(const struct et_track *line, size_t sample)
{
    static const struct et_clock_run none = {.source = ET_CLOCK_ARRIVAL};
    const struct et_clock_model *clock = line->clock;
    const size_t at = line->i_clock_first + sample;
    size_t first = 0, last = clock ? clock->n_runs : 0;
    while (last > first + 1) {
        const size_t middle = first + (last - first) / 2;
        if (clock->runs[middle].i_first <= at)
            first = middle;
        else
            last = middle;
    }
    return last > 0 ? &clock->runs[first] : &none;
}

enum et_status et__each_timeline(struct et__look *look,
                                 enum et_status (*inspect)(struct et__look *look,
                                                           const struct et_track *line,
                                                           struct et_err *err),
                                 struct et_err *err)
{
    size_t n = 0;
    const struct et_track *lines = et__timelines(look, &n);
    enum et_status st = lines ? ET_OK : et_arena_fail(look->arena, "the time lines", err);
    for (size_t i = 0; i < n && st == ET_OK; i++)
        st = inspect(look, &lines[i], err);
    return st;
}

/* Median of the spans of `stride` steps, a step; spans of 0 do not count. */
static double median_step_s(const struct et_track *line, size_t stride, struct et_arena *arena)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    double *steps = et_arena_array(arena, line->n_samples, sizeof *steps), median = 0;
    size_t n = 0;
    for (size_t k = stride; steps && k < line->n_samples; k++)
        if (line->t_ns[k] > line->t_ns[k - stride])
            steps[n++] = et__span_s(line->t_ns[k - stride], line->t_ns[k]) / (double)stride;
    if (n > 0)
        median = et_median_of(steps, n);
    et_arena_rewind(arena, mark);
    return median;
}

double et__median_step_s(const struct et_track *line, struct et_arena *arena)
{
    // Times of arrival come in bursts: their middle step is shorter than their period.
    const bool has_bursts = line->clock && line->n_samples > 3 * CATCH_UP &&
                            et__run_of(line, 0)->source == ET_CLOCK_ARRIVAL;
    return median_step_s(line, has_bursts ? CATCH_UP : 1, arena);
}

double et__missing_before(const struct et_track *line, size_t k, double period_s)
{
    const size_t left = line->n_samples - 1 - k;
    const double step = et__span_s(line->t_ns[k - 1], line->t_ns[k]) / period_s;
    const size_t most = step < CATCH_UP_MAX ? (size_t)step + CATCH_UP : CATCH_UP_MAX;
    double missing = round(step) - 1;
    for (size_t i = 1; i <= most && i <= left && missing >= 1; i++) {
        const double all = et__span_s(line->t_ns[k - 1], line->t_ns[k + i]) / period_s;
        missing = fmin(missing, round(all) - 1 - (double)i);
    }
    return fmax(0, missing);
}

#include "curate/curate__inspect.h"

#include "etude/clock.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

// A speed is taken over this time to both sides, so that an encoder's steps are not a speed.
#define SPEED_HALF_S 0.05
// Stamps may stray this far, in periods, from an even line and still count as even.
#define EVEN_PERIODS 0.1
#define GRID_SAMPLES_MAX ((size_t)10000000)
#define GRID_RATE_MAX_HZ 1000.0
#define RANGE_MIN 1e-3

double et__s(int64_t t_ns)
{
    return (double)t_ns / (double)ET_NS_PER_S;
}

double et__span_s(int64_t first_ns, int64_t last_ns)
{
    return (double)((uint64_t)last_ns - (uint64_t)first_ns) / (double)ET_NS_PER_S;
}

double et__rate_hz(const struct et_episode *episode, const struct et_track *track)
{
    if (track->stream.rate_hz > 0)
        return track->stream.rate_hz;
    if (episode->rate_hz > 0)
        return episode->rate_hz;
    const size_t n = track->n_samples;
    const double duration_s = n > 1 ? et__span_s(track->t_ns[0], track->t_ns[n - 1]) : 0;
    return duration_s > 0 ? (double)(n - 1) / duration_s : 0;
}

size_t et__samples(const struct et_episode *episode, const struct et_track *track,
                   double duration_s)
{
    const double n = round(duration_s * et__rate_hz(episode, track));
    return !(n >= 1) ? 1 : n > 1e9 ? (size_t)1000000000 : (size_t)n;
}

int64_t et__row_ns(const struct et_episode *episode, size_t row)
{
    for (size_t i = 0; i < episode->n_tracks; i++) {
        const struct et_track *track = &episode->tracks[i];
        if (track->n_samples == (size_t)episode->n_rows && row < track->n_samples)
            return track->t_ns[row];
    }
    return episode->rate_hz > 0 ? (int64_t)llround((double)row / episode->rate_hz * 1e9) : 0;
}

const char *et__value_name(const struct et_stream *stream, size_t i, char text[ET__NAME_BYTES])
{
    if (stream->names && stream->names[i])
        return stream->names[i];
    (void)snprintf(text, ET__NAME_BYTES, "value %zu", i);
    return text;
}

bool et__is_hand(const struct et_stream *stream)
{
    return stream->part == ET_PART_LEFT_HAND || stream->part == ET_PART_RIGHT_HAND;
}

const char *et__unit(const struct et_stream *stream)
{
    return stream->unit && strcmp(stream->unit, "1") != 0 ? stream->unit : "";
}

/* ---- how fast the robot moves ---- */

static bool moves_in_rad(const struct et_stream *stream)
{
    return !stream->is_command && stream->quantity == ET_QUANTITY_POSITION &&
           !et__is_hand(stream) && stream->unit && strcmp(stream->unit, "rad") == 0;
}

/* Raises speed[k] to the fastest value of the track there. */
static void add_speed(const struct et_track *track, double rate_hz, size_t half, double *speed)
{
    const size_t n = track->n_samples, width = track->stream.n_values;
    for (size_t k = 0; k < n; k++) {
        const size_t first = k > half ? k - half : 0;
        const size_t last = k + half < n ? k + half : n - 1;
        if (first == last)
            continue;
        const double *a = &track->values[first * width], *b = &track->values[last * width];
        double most = 0;
        for (size_t i = 0; i < width; i++)
            most = fmax(most, fabs(b[i] - a[i])); // fmax ignores NaN
        speed[k] = fmax(speed[k], most * rate_hz / (double)(last - first));
    }
}

static enum et_status measure_speed(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    double *speed = NULL;

    for (size_t i = 0; i < episode->n_tracks; i++) {
        const struct et_track *track = &episode->tracks[i];
        if (!moves_in_rad(&track->stream) || track->n_samples == 0)
            continue;
        if (!look->clock) {
            look->clock = track;
            speed = et_arena_array(look->arena, track->n_samples, sizeof *speed);
            if (!speed)
                return et_arena_fail(look->arena, "the robot's speed", err);
        }
        if (track->n_samples != look->clock->n_samples)
            continue; // of another clock; the first one stands for the robot
        const double rate_hz = et__rate_hz(episode, track);
        add_speed(track, rate_hz, et__samples(episode, track, SPEED_HALF_S), speed);
    }
    look->speed_rad_s = speed;
    return ET_OK;
}

/* ---- latency ---- */

/* Where the samples of a group of pairs stand: an even grid. */
struct grid {
    double rate_hz;
    int64_t first_ns;
    size_t n;
    bool is_as_stored; // the tracks' own rows, no interpolation
};

static bool is_even(const struct et_track *track, double rate_hz)
{
    if (!(rate_hz > 0) || track->n_samples == 0)
        return false;
    for (size_t k = 0; k < track->n_samples; k++) {
        const double periods = et__span_s(track->t_ns[0], track->t_ns[k]) * rate_hz;
        if (fabs(periods - (double)k) > EVEN_PERIODS)
            return false;
    }
    return true;
}

/* The grid on which all tracks of the chosen pairs can be read; n 0 when there is none. */
static struct grid grid_of(const struct et_episode *episode, const struct et__pair *pairs,
                           size_t n_pairs)
{
    struct grid grid = {.is_as_stored = true};
    int64_t last_ns = INT64_MAX;

    for (size_t i = 0; i < 2 * n_pairs; i++) {
        const struct et_track *track = i % 2 ? pairs[i / 2].state : pairs[i / 2].command;
        if (track->n_samples < 2)
            return (struct grid){0};
        const double rate_hz = et__rate_hz(episode, track);
        if (i == 0) {
            grid.first_ns = track->t_ns[0];
            grid.n = track->n_samples;
            grid.is_as_stored = is_even(track, rate_hz);
            grid.rate_hz = rate_hz;
        }
        const bool is_same = track->n_samples == grid.n && track->t_ns[0] == grid.first_ns &&
                             rate_hz == grid.rate_hz &&
                             track->t_ns[grid.n - 1] == pairs[0].command->t_ns[grid.n - 1];
        grid.is_as_stored = grid.is_as_stored && is_same;
        grid.rate_hz = fmax(grid.rate_hz, rate_hz);
        if (track->t_ns[0] > grid.first_ns)
            grid.first_ns = track->t_ns[0];
        if (track->t_ns[track->n_samples - 1] < last_ns)
            last_ns = track->t_ns[track->n_samples - 1];
    }
    if (grid.is_as_stored)
        return grid;
    grid.rate_hz = fmin(grid.rate_hz, GRID_RATE_MAX_HZ);
    const double n =
        last_ns > grid.first_ns ? et__span_s(grid.first_ns, last_ns) * grid.rate_hz : 0;
    grid.n = n >= 1 && n < (double)GRID_SAMPLES_MAX ? (size_t)n + 1 : 0;
    return grid;
}

/* Reads a track onto the grid, into columns `at` … of rows that are `width` wide. */
static void put_on_grid(const struct et_track *track, const struct grid *grid, double *rows,
                        size_t width, size_t at)
{
    const size_t n_values = track->stream.n_values;
    size_t k = 0; // the sample at or before the grid's time
    for (size_t row = 0; row < grid->n; row++) {
        double *to = &rows[row * width + at];
        if (grid->is_as_stored) {
            memcpy(to, &track->values[row * n_values], n_values * sizeof *to);
            continue;
        }
        const int64_t t_ns = grid->first_ns + (int64_t)llround((double)row * 1e9 / grid->rate_hz);
        while (k + 2 < track->n_samples && track->t_ns[k + 1] <= t_ns)
            k++;
        const double span_s = et__span_s(track->t_ns[k], track->t_ns[k + 1]);
        const double since_s = t_ns > track->t_ns[k] ? et__span_s(track->t_ns[k], t_ns) : 0;
        const double part = span_s > 0 ? fmin(1, since_s / span_s) : 0;
        const double *a = &track->values[k * n_values], *b = a + n_values;
        for (size_t i = 0; i < n_values; i++)
            to[i] = a[i] + part * (b[i] - a[i]);
    }
}

/* A gripper that goes 4 cm is as quick as one that goes from 0 to 1: values whose whole range is
 * below 1 are put to that range, which leaves their time as it is. */
static void scale_to_range(const struct et_stream *stream, const struct grid *grid, double *rows,
                           size_t width, size_t at)
{
    for (size_t i = 0; stream->lower && stream->upper && i < stream->n_values; i++) {
        const double range = stream->upper[i] - stream->lower[i];
        if (!(range > RANGE_MIN) || range >= 1)
            continue;
        for (size_t row = 0; row < grid->n; row++)
            rows[row * width + at + i] /= range;
    }
}

/* The latency of several pairs together. */
static enum et_status latency_of(struct et__look *look, const struct et__pair *pairs,
                                 size_t n_pairs, const struct et_latency_options *options,
                                 struct et_latency *latency, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(look->arena);
    const struct grid grid = grid_of(look->episode, pairs, n_pairs);
    size_t width = 0;
    enum et_status st;

    *latency = (struct et_latency){
        .lag_s = (double)NAN, .sigma_s = (double)NAN, .why = "there is no command"};
    for (size_t i = 0; i < n_pairs; i++)
        width += pairs[i].command->stream.n_values;
    if (n_pairs == 0 || width == 0)
        return ET_OK;
    if (grid.n == 0) {
        latency->why = "command and state do not overlap in time";
        return ET_OK;
    }
    double *command = et_arena_array(look->arena, grid.n, width * sizeof *command);
    double *state = et_arena_array(look->arena, grid.n, width * sizeof *state);
    if (command && state) {
        for (size_t i = 0, at = 0; i < n_pairs; at += pairs[i++].command->stream.n_values) {
            put_on_grid(pairs[i].command, &grid, command, width, at);
            put_on_grid(pairs[i].state, &grid, state, width, at);
            scale_to_range(&pairs[i].state->stream, &grid, command, width, at);
            scale_to_range(&pairs[i].state->stream, &grid, state, width, at);
        }
        const struct et_latency_signals signals = {command, state, grid.n, width, grid.rate_hz};
        st = et_latency_estimate(&signals, options, look->arena, latency, err);
    } else {
        st = et_arena_fail(look->arena, "the latency's rows", err);
    }
    et_arena_rewind(look->arena, mark);
    return st;
}

// Which pairs speak for the robot as a whole: its arms, else its body, else whatever there is.
static int rank_of(const struct et_stream *stream)
{
    if (stream->quantity != ET_QUANTITY_POSITION)
        return 0;
    if (stream->part == ET_PART_LEFT_ARM || stream->part == ET_PART_RIGHT_ARM)
        return 3;
    return stream->part == ET_PART_BODY ? 2 : 1;
}

static enum et_status measure_whole(struct et__look *look, const struct et_latency_options *options,
                                    struct et_err *err)
{
    int best = 0;
    for (size_t i = 0; i < look->n_pairs; i++) {
        const int rank = rank_of(&look->pairs[i].command->stream);
        best = rank > best ? rank : best;
    }
    struct et__pair *chosen = et_arena_array(look->arena, look->n_pairs, sizeof *chosen);
    size_t n = 0;
    if (!chosen)
        return et_arena_fail(look->arena, "the latency's tracks", err);
    for (size_t i = 0; i < look->n_pairs; i++)
        if (best > 0 && rank_of(&look->pairs[i].command->stream) == best)
            chosen[n++] = look->pairs[i];
    return latency_of(look, chosen, n, options, &look->inspection->latency, err);
}

/* Measures the whole and every pair, and gives each pair the best lag that is known for it. */
static enum et_status measure_latency(struct et__look *look, struct et__pair *pairs,
                                      const struct et_latency_options *options, struct et_err *err)
{
    struct et_inspection *inspection = look->inspection;
    struct et_stream_latency *items = et_arena_array(look->arena, look->n_pairs, sizeof *items);
    if (!items)
        return et_arena_fail(look->arena, "the latencies", err);
    enum et_status st = measure_whole(look, options, err);
    for (size_t i = 0; i < look->n_pairs && st == ET_OK; i++) {
        items[i].command = pairs[i].command->stream.name;
        items[i].state = pairs[i].state->stream.name;
        st = latency_of(look, &pairs[i], 1, options, &items[i].latency, err);
        if (items[i].latency.is_known)
            pairs[i].lag_s = items[i].latency.lag_s;
        else if (inspection->latency.is_known)
            pairs[i].lag_s = inspection->latency.lag_s;
    }
    inspection->latencies = items;
    inspection->n_latencies = look->n_pairs;
    return st;
}

enum et_status et__look_open(struct et__look *look, bool should_measure,
                             const struct et_latency_options *options, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    struct et__pair *pairs = et_arena_array(look->arena, episode->n_tracks, sizeof *pairs);
    if (!pairs)
        return et_arena_fail(look->arena, "the pairs of tracks", err);
    for (size_t i = 0; i < episode->n_tracks; i++) {
        const struct et_track *state = et_episode_answer(episode, &episode->tracks[i]);
        if (state)
            pairs[look->n_pairs++] =
                (struct et__pair){.command = &episode->tracks[i], .state = state};
    }
    look->pairs = pairs;
    look->inspection->latency = (struct et_latency){
        .lag_s = (double)NAN, .sigma_s = (double)NAN, .why = "it was not measured"};

    const enum et_status st = measure_speed(look, err);
    return st == ET_OK && should_measure ? measure_latency(look, pairs, options, err) : st;
}

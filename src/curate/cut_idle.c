/* Movement: how fast anything moves, where nothing does, and what that parts. */
#include "curate/curate__cut.h"

#include <math.h>

// Speed is the difference of the means of two windows side by side. An encoder's noise of 1 mrad
// then stays below a sixth of 0.02 rad/s: a window of n samples over w seconds leaves
// 1e-3 × sqrt(2 / n) / w rad/s.
#define WINDOW_30_HZ_S 0.2
#define WINDOW_MIN_S 0.08
#define WINDOW_SAMPLES 2.5

// Where a gripper's limits are not known.
#define SPAN_OF_METRES 0.1

bool et__cut_is_hand(const struct et_stream *stream)
{
    return stream->part == ET_PART_LEFT_HAND || stream->part == ET_PART_RIGHT_HAND ||
           stream->part == ET_PART_LEFT_FINGERS || stream->part == ET_PART_RIGHT_FINGERS;
}

double et__cut_value_span(const struct et_stream *stream, size_t i)
{
    const double span =
        stream->lower && stream->upper ? stream->upper[i] - stream->lower[i] : (double)NAN;
    if (isfinite(span) && span > 0)
        return span;
    return stream->unit && strcmp(stream->unit, "m") == 0 ? SPAN_OF_METRES : 1;
}

/* Values of a sample that say how something moves: all joints, of a pose its place alone. */
static size_t n_moving(const struct et_track *track)
{
    const size_t n = track->stream.n_values;
    return track->stream.quantity == ET_QUANTITY_POSE && n > 3 ? 3 : n;
}

static bool is_rate(const struct et_stream *stream)
{
    return stream->quantity == ET_QUANTITY_VELOCITY || stream->quantity == ET_QUANTITY_TWIST;
}

static bool is_place(const struct et_stream *stream)
{
    return stream->quantity == ET_QUANTITY_POSITION ||
           (stream->quantity == ET_QUANTITY_POSE && stream->part != ET_PART_SCENE);
}

static bool has_place(const struct et_track *tracks, size_t n, const struct et_stream *stream)
{
    for (size_t t = 0; t < n; t++)
        if (tracks[t].n_samples > 1 && tracks[t].stream.part == stream->part &&
            tracks[t].stream.is_command == stream->is_command && is_place(&tracks[t].stream))
            return true;
    return false;
}

/* Measured places; velocities where a part has no place; commands where nothing is measured. */
static bool tells_movement(const struct et_track *tracks, size_t n, size_t t, bool commands)
{
    const struct et_stream *stream = &tracks[t].stream;
    if (stream->is_command != commands || tracks[t].n_samples < 2 || n_moving(&tracks[t]) == 0)
        return false;
    return is_place(stream) || (is_rate(stream) && !has_place(tracks, n, stream));
}

/* Sums up to each cell of one value of a track. */
struct sums {
    double *sum;     // n_cells + 1
    uint32_t *count; // n_cells + 1
    const uint32_t *cell_of;
    size_t first, end; // samples
};

static void add_up(const struct et_track *track, size_t i, size_t n_cells, struct sums *sums)
{
    const size_t width = track->stream.n_values;
    double origin = 0;
    bool has_origin = false;
    memset(sums->sum, 0, (n_cells + 1) * sizeof *sums->sum);
    memset(sums->count, 0, (n_cells + 1) * sizeof *sums->count);
    for (size_t k = sums->first; k < sums->end; k++) {
        const double x = track->values[k * width + i];
        if (!isfinite(x))
            continue;
        if (!has_origin)
            origin = x;
        has_origin = true;
        sums->sum[sums->cell_of[k - sums->first] + 1] += x - origin;
        sums->count[sums->cell_of[k - sums->first] + 1]++;
    }
    // A velocity counts from 0, a place from anywhere.
    for (size_t c = 1; c <= n_cells; c++) {
        if (is_rate(&track->stream))
            sums->sum[c] += origin * sums->count[c];
        sums->sum[c] += sums->sum[c - 1];
        sums->count[c] += sums->count[c - 1];
    }
}

static double mean(const struct sums *sums, size_t first, size_t end)
{
    const uint32_t n = sums->count[end] - sums->count[first];
    return n > 0 ? (sums->sum[end] - sums->sum[first]) / n : (double)NAN;
}

/* Raises `speed` to that of one value; `half` cells are a window. The ends of the grid, where there
 * is no whole window, move as the first and last cell that has one. */
static void raise_speed(const struct sums *sums, size_t n_cells, size_t half, double scale,
                        bool rates, double *speed)
{
    for (size_t c = half; c + half <= n_cells; c++) {
        const double now = rates ? fabs(mean(sums, c - half, c + half))
                                 : fabs(mean(sums, c, c + half) - mean(sums, c - half, c));
        const size_t first = c == half ? 0 : c, end = c + half == n_cells ? n_cells : c + 1;
        for (size_t k = first; k < end; k++)
            if (now * scale > speed[k])
                speed[k] = now * scale;
    }
}

static double window_s(const struct et_track *track, size_t first, size_t end)
{
    const double span_s = et__cut_s(track->t_ns[first], track->t_ns[end - 1]);
    if (!(span_s > 0))
        return WINDOW_30_HZ_S;
    const double rate_hz = (double)(end - first - 1) / span_s;
    const double s = fmax(WINDOW_MIN_S, WINDOW_30_HZ_S * cbrt(30 / rate_hz));
    return fmax(s, WINDOW_SAMPLES / rate_hz);
}

static enum et_status speed_of_track(const struct et_track *track, const struct et__cut_grid *grid,
                                     struct et__cut_speed_options *options,
                                     struct et_arena *scratch, double *speed, struct et_err *err)
{
    const bool is_hand = et__cut_is_hand(&track->stream), rates = is_rate(&track->stream);
    struct sums sums = {0};
    et__cut_samples(track, grid->t_first_ns, grid->t_last_ns, &sums.first, &sums.end);
    if (sums.end - sums.first < 2)
        return ET_OK;

    const struct et_arena_mark mark = et_arena_mark(scratch);
    uint32_t *cell_of = et_arena_array(scratch, sums.end - sums.first, sizeof *cell_of);
    sums.sum = et_arena_array(scratch, grid->n + 1, sizeof *sums.sum);
    sums.count = et_arena_array(scratch, grid->n + 1, sizeof *sums.count);
    if (!cell_of || !sums.sum || !sums.count)
        return et_arena_fail(scratch, "the movement of a track", err);
    for (size_t k = sums.first; k < sums.end; k++)
        cell_of[k - sums.first] = (uint32_t)et__cut_cell(grid, track->t_ns[k]);
    sums.cell_of = cell_of;

    const double step_s = (double)grid->step_ns * 1e-9;
    const double wide = window_s(track, sums.first, sums.end) / step_s;
    const size_t half = wide < 1 ? 1 : wide < (double)grid->n ? (size_t)lround(wide) : grid->n;
    for (size_t i = 0; i < n_moving(track); i++) {
        double scale = rates ? 1 : 1 / ((double)half * step_s);
        if (is_hand)
            scale /= ET__CUT_HAND_FACTOR * et__cut_value_span(&track->stream, i);
        add_up(track, i, grid->n, &sums);
        raise_speed(&sums, grid->n, half, scale, rates, speed);
    }
    options->is_known = true;
    options->blur_s = fmax(options->blur_s, (double)half * step_s);
    et_arena_rewind(scratch, mark);
    return ET_OK;
}

enum et_status et__cut_speed(const struct et_track *tracks, size_t n_tracks,
                             const struct et__cut_grid *grid, struct et__cut_speed_options *options,
                             struct et_arena *scratch, double **speed, struct et_err *err)
{
    enum et_status st = ET_OK;
    *speed = et_arena_array(scratch, grid->n + 1, sizeof **speed);
    if (!*speed)
        return et_arena_fail(scratch, "the recording's movement", err);
    for (int commands = 0; commands < 2 && !options->is_known; commands++)
        for (size_t t = 0; t < n_tracks && st == ET_OK; t++) {
            if (!options->with_hands && et__cut_is_hand(&tracks[t].stream))
                continue;
            if (tells_movement(tracks, n_tracks, t, commands != 0))
                st = speed_of_track(&tracks[t], grid, options, scratch, *speed, err);
        }
    return st;
}

/* ---- where nothing moves ---- */

static size_t find_runs(const double *speed, size_t n, double idle_speed, struct et__cut_run *runs)
{
    size_t n_runs = 0;
    for (size_t c = 0; c < n;) {
        const size_t first = c;
        while (c < n && speed[c] >= idle_speed)
            c++;
        if (c == first)
            c++;
        else if (runs)
            runs[n_runs++] = (struct et__cut_run){first, c};
        else
            n_runs++;
    }
    return n_runs;
}

enum et_status et__cut_moves(const struct et_cut_input *input, double idle_speed,
                             struct et_arena *scratch, struct et__cut_moves *moves,
                             struct et_err *err)
{
    struct et__cut_speed_options options = {.with_hands = true};
    double *speed = NULL;
    *moves = (struct et__cut_moves){.grid = et__cut_grid(input->t_first_ns, input->t_last_ns)};
    const size_t n = moves->grid.n;
    enum et_status st =
        et__cut_speed(input->tracks, input->n_tracks, &moves->grid, &options, scratch, &speed, err);
    if (st != ET_OK)
        return st;
    moves->n_runs = find_runs(speed, n, idle_speed, NULL);
    struct et__cut_run *runs = et_arena_array(scratch, moves->n_runs, sizeof *runs);
    if (!runs)
        return et_arena_fail(scratch, "the recording's movement", err);
    (void)find_runs(speed, n, idle_speed, runs);
    moves->runs = runs;
    moves->is_known = options.is_known;
    moves->blur_s = options.blur_s;
    return ET_OK;
}

/* The first run that ends after a cell. */
static size_t run_after(const struct et__cut_moves *moves, size_t cell)
{
    size_t low = 0, high = moves->n_runs;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (moves->runs[middle].end <= cell)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void et__cut_trim(const struct et__cut_moves *moves, double keep_s, struct et_cut_episode *episode)
{
    const size_t first_cell = et__cut_cell(&moves->grid, episode->t_begin_ns);
    const size_t last_cell = et__cut_cell(&moves->grid, episode->t_end_ns);
    const size_t first = run_after(moves, first_cell);
    if (first == moves->n_runs || moves->runs[first].first > last_cell)
        return;
    size_t last = run_after(moves, last_cell);
    if (last == moves->n_runs || moves->runs[last].first > last_cell)
        last--;
    const int64_t from_ns =
        et__cut_add_s(et__cut_cell_ns(&moves->grid, moves->runs[first].first), -keep_s);
    const int64_t to_ns =
        et__cut_add_s(et__cut_cell_ns(&moves->grid, moves->runs[last].end), keep_s);
    if (from_ns > episode->t_first_ns)
        episode->t_first_ns = from_ns;
    if (to_ns < episode->t_last_ns)
        episode->t_last_ns = to_ns;
}

bool et__cut_moves_at_end(const struct et__cut_moves *moves)
{
    if (moves->n_runs == 0)
        return false;
    const int64_t t_ns = et__cut_cell_ns(&moves->grid, moves->runs[moves->n_runs - 1].end);
    return et__cut_s(t_ns, moves->grid.t_last_ns) <= 2 * moves->blur_s;
}

/* The middle between two runs. */
static int64_t between(const struct et__cut_moves *moves, size_t run)
{
    return et__cut_cell_ns(&moves->grid, (moves->runs[run].end + moves->runs[run + 1].first) / 2);
}

enum et_status et__cut_by_idle(struct et__cutting *cutting, const struct et__cut_moves *moves,
                               struct et_err *err)
{
    // Windows see movement that is up to one of them away, on both sides of a gap.
    const double gap_s = fmax(cutting->options.idle_gap_s - fmin(moves->blur_s, WINDOW_30_HZ_S), 0);
    const double gap = gap_s * 1e9 / (double)moves->grid.step_ns;
    size_t n = moves->n_runs > 0;
    for (size_t r = 0; r + 1 < moves->n_runs; r++)
        n += (double)(moves->runs[r + 1].first - moves->runs[r].end) >= gap;

    enum et_status st = et__cut_room(cutting, n, err);
    int64_t t_begin_ns = cutting->input->t_first_ns;
    for (size_t r = 0; r < moves->n_runs && st == ET_OK; r++) {
        const bool is_last = r + 1 == moves->n_runs;
        if (!is_last && (double)(moves->runs[r + 1].first - moves->runs[r].end) < gap)
            continue;
        const int64_t t_end_ns = is_last ? cutting->input->t_last_ns : between(moves, r);
        st = et__cut_add(cutting, t_begin_ns, t_end_ns, "", is_last && et__cut_moves_at_end(moves),
                         err);
        t_begin_ns = t_end_ns;
    }
    return st;
}

/* Hands of an episode on one grid of time. */
#include "curate/curate__grip.h"

#include <math.h>

#define KNOWN_S 0.25                // a reading counts so long, where no other comes
#define CELLS_MAX ((size_t)1 << 19) // an attempt of more than an hour and a half is none
#define SPEED_HALF_S 0.05           // to both sides
#define CHANGE 0.01                 // of a command, in this time: less is where it stands
#define TURN_S 0.05

/* ---- tracks onto the grid ---- */

/* What one sample says. */
struct reading {
    double (*value)(const struct reading *reading, const double *row);
    const struct et__cut_hand *hand; // of an opening
    const struct et_stream *stream;
    size_t i; // of a force
};

static double opening_of(const struct reading *reading, const double *row)
{
    const struct et__cut_hand *hand = reading->hand;
    const struct et_stream *stream = &hand->track->stream;
    double sum = 0;
    for (size_t i = 0; i < stream->n_values; i++)
        if (hand->weight[i] != 0)
            sum += hand->weight[i] * row[i] / et__cut_value_span(stream, i);
    return hand->open * sum;
}

static double load_of(const struct reading *reading, const double *row)
{
    const size_t n = reading->stream->n_values;
    double most = row[0], second = row[0];
    for (size_t i = 1; i < n; i++) {
        second = i == 1 ? fmin(most, row[i]) : fmax(second, fmin(most, row[i]));
        most = fmax(most, row[i]);
    }
    return second;
}

static double force_of(const struct reading *reading, const double *row)
{
    return row[reading->i];
}

/* The mean of the samples in each cell; where there are none, of the cell before, for a while. */
static double *on_grid(const struct et_track *track, const struct et__cut_grid *grid,
                       const struct reading *reading, size_t stride, double *to)
{
    size_t k = 0, since = 0;
    double last = (double)NAN;
    const size_t keep = (size_t)(KNOWN_S * 1e9 / (double)grid->step_ns);
    for (size_t c = 0; c < grid->n; c++) {
        const int64_t end_ns = et__cut_cell_ns(grid, c + 1);
        const bool is_last = c + 1 == grid->n;
        double sum = 0, n = 0;
        for (; k < track->n_samples && (is_last || track->t_ns[k] < end_ns); k++) {
            const double x = reading->value(reading, &track->values[k * track->stream.n_values]);
            sum += isfinite(x) ? x : 0;
            n += isfinite(x);
        }
        since = n > 0 ? 0 : since + 1;
        last = n > 0 ? sum / n : since > keep ? (double)NAN : last;
        to[c * stride] = last;
    }
    return to;
}

static double *cells(struct et__look *look, const struct et__cut_grid *grid, size_t each)
{
    return et_arena_array(look->arena, grid->n, each * sizeof(double));
}

/* ---- speed ---- */

static double fastest(const struct et_track *track, size_t first, size_t last)
{
    const size_t width = track->stream.n_values;
    const double s = et__span_s(track->t_ns[first], track->t_ns[last]);
    const double *a = &track->values[first * width], *b = &track->values[last * width];
    double most = 0;
    for (size_t i = 0; i < width; i++)
        most = fmax(most, fabs(b[i] - a[i])); // fmax ignores NaN
    return s > 0 ? most / s : 0;
}

static void add_speed(const struct et_track *track, const struct et__cut_grid *grid, double *speed)
{
    const int64_t half_ns = (int64_t)(SPEED_HALF_S * 1e9);
    size_t first = 0, last = 0;
    for (size_t c = 0; c < grid->n; c++) {
        const int64_t t_ns = et__cut_cell_ns(grid, c);
        while (first + 1 < track->n_samples && t_ns - track->t_ns[first] > half_ns)
            first++;
        while (last + 1 < track->n_samples && track->t_ns[last] - t_ns < half_ns)
            last++;
        if (last > first)
            speed[c] = fmax(speed[c], fastest(track, first, last));
    }
}

static bool is_arm_of(const struct et_stream *stream, unsigned side)
{
    const enum et_part arm = side == ET__CUT_HOLDS_LEFT ? ET_PART_LEFT_ARM : ET_PART_RIGHT_ARM;
    return !stream->is_command && stream->quantity == ET_QUANTITY_POSITION &&
           (stream->part == arm || stream->part == ET_PART_WAIST);
}

/* ---- a hand ---- */

static const struct et_track *find(const struct et_episode *episode, unsigned side,
                                   enum et_quantity quantity, size_t n_values_min)
{
    for (size_t i = 0; i < episode->n_tracks; i++) {
        const struct et_track *track = &episode->tracks[i];
        if (!track->stream.is_command && track->stream.quantity == quantity &&
            track->stream.n_values >= n_values_min && track->n_samples > 1 &&
            et__cut_hands_of(track->stream.part) == side)
            return track;
    }
    return NULL;
}

static const struct et_track *find_command(const struct et__look *look,
                                           const struct et_track *state)
{
    for (size_t i = 0; i < look->n_pairs; i++)
        if (state && look->pairs[i].state == state && look->pairs[i].command->n_samples > 1)
            return look->pairs[i].command;
    return NULL;
}

/* What the wrist bears when the hand holds nothing: the middle of it while nothing is felt. */
static enum et_status weigh_empty(struct et__look *look, struct et__grip *grip, struct et_err *err)
{
    double *forces = cells(look, &grip->grid, 1);
    size_t n = 0;
    if (!forces)
        return et_arena_fail(look->arena, "what a wrist bears", err);
    for (size_t c = 0; c < grip->grid.n; c++)
        if (grip->load[c] == 0 && isfinite(et__grip_force(grip, c)))
            forces[n++] = et__grip_force(grip, c);
    grip->empty_n = n > 0 ? et_median_of(forces, n) : (double)NAN;
    return ET_OK;
}

static enum et_status fill(struct et__look *look, const struct et__cut_hand *hand, unsigned side,
                           const struct et_track *command, struct et__grip *grip,
                           struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    const struct et__cut_grid *grid = &grip->grid;
    const struct et_track *wrench = grip->wrench = find(episode, side, ET_QUANTITY_WRENCH, 3);
    double *values = cells(look, grid, 4);
    double *force = wrench ? cells(look, grid, 3) : NULL;
    if (!values || (wrench && !force))
        return et_arena_fail(look->arena, "what a hand holds", err);
    const struct reading opening = {.value = opening_of, .hand = hand};
    const struct reading load = {.value = load_of, .stream = &grip->touch->stream};
    grip->opening = on_grid(grip->hand, grid, &opening, 1, values);
    grip->command = on_grid(command, grid, &opening, 1, values + grid->n);
    grip->load = on_grid(grip->touch, grid, &load, 1, values + 2 * grid->n);
    grip->speed = values + 3 * grid->n;
    for (size_t i = 0; i < episode->n_tracks; i++)
        if (is_arm_of(&episode->tracks[i].stream, side))
            add_speed(&episode->tracks[i], grid, values + 3 * grid->n);
    for (size_t i = 0; force && i < 3; i++)
        (void)on_grid(wrench, grid, &(struct reading){.value = force_of, .i = i}, 3, force + i);
    grip->force = force;
    return wrench ? weigh_empty(look, grip, err) : ET_OK;
}

static enum et_status find_grips(struct et__look *look, struct et__grip *grips, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    const int64_t first_ns = et_episode_first_ns(episode), last_ns = et_episode_last_ns(episode);
    const struct et__cut_grid grid = et__cut_grid(first_ns, last_ns);
    struct et__cut_hand hands[ET__CUT_N_HANDS];
    if (grid.n < 2 || grid.n > CELLS_MAX)
        return ET_OK;
    enum et_status st =
        et__cut_hands_open(episode->tracks, episode->n_tracks, look->arena, hands, err);
    for (unsigned h = 0; h < ET__CUT_N_HANDS && st == ET_OK; h++) {
        const struct et_track *touch = find(episode, h + 1, ET_QUANTITY_TOUCH, 1);
        const struct et_track *command = find_command(look, hands[h].track);
        if (!touch || !command)
            continue;
        hands[h].votes = et__cut_hand_vote(&hands[h], first_ns, last_ns);
        et__cut_hand_decide(&hands[h]);
        struct et__grip *grip = &grips[look->n_grips++];
        *grip = (struct et__grip){.side = h == 0 ? "left" : "right",
                                  .hand = hands[h].track,
                                  .touch = touch,
                                  .grid = grid};
        st = fill(look, &hands[h], h + 1, command, grip, err);
    }
    return st;
}

enum et_status et__grips(struct et__look *look, struct et_err *err)
{
    if (look->grips)
        return ET_OK;
    struct et__grip *grips = et_arena_array(look->arena, ET__CUT_N_HANDS, sizeof *grips);
    if (!grips)
        return et_arena_fail(look->arena, "what hands hold", err);
    look->grips = grips;
    return find_grips(look, grips, err);
}

/* ---- what it is told ---- */

/* From where a command passed a level back to where it had stood, or gone the other way. */
static size_t walk_back(const struct et__grip *grip, size_t c, size_t from, double way)
{
    const double *x = grip->command;
    const size_t span = et__grip_cells(grip, TURN_S);
    while (c >= from + span && way * (x[c] - x[c - span]) > CHANGE)
        c--;
    return c;
}

bool et__grip_next(const struct et__grip *grip, double share, size_t from,
                   struct et__closed *closed)
{
    const double *x = grip->command;
    const size_t n = grip->grid.n;
    double most = -(double)INFINITY, least = (double)INFINITY;
    size_t c = from;
    for (; c < n && !(x[c] < most - share); c++)
        most = fmax(most, x[c]); // fmax and fmin ignore NaN
    if (c == n)
        return false;
    *closed = (struct et__closed){.first = walk_back(grip, c, from, -1), .end = n};
    for (; c < n && !(x[c] > least + share); c++)
        least = fmin(least, x[c]);
    closed->is_opened = c < n;
    if (closed->is_opened)
        closed->end = walk_back(grip, c, closed->first + 1, 1);
    return true;
}

enum et_status
et__each_closed(struct et__look *look, double share,
                enum et_status (*inspect)(struct et__look *look, const struct et__grip *grip,
                                          const struct et__closed *closed, struct et_err *err),
                struct et_err *err)
{
    enum et_status st = et__grips(look, err);
    for (size_t i = 0; i < look->n_grips && st == ET_OK; i++) {
        struct et__closed closed = {0};
        while (st == ET_OK && et__grip_next(&look->grips[i], share, closed.end, &closed))
            st = inspect(look, &look->grips[i], &closed, err);
    }
    return st;
}

/* ---- what it holds ---- */

bool et__grip_held(const struct et__grip *grip, size_t first, size_t end, double level,
                   double hold_s, struct et__held *held)
{
    const size_t least = et__grip_cells(grip, hold_s);
    for (size_t c = first; c < end;) {
        const size_t since = c;
        while (c < end && grip->load[c] >= level)
            c++;
        if (c - since >= least) {
            *held = (struct et__held){since, c};
            return true;
        }
        c += c == since;
    }
    return false;
}

size_t et__grip_cells(const struct et__grip *grip, double s)
{
    const double n = round(s * 1e9 / (double)grip->grid.step_ns);
    return n < 1 ? 1 : n < 1e9 ? (size_t)n : (size_t)1000000000;
}

double et__grip_force(const struct et__grip *grip, size_t cell)
{
    const double *f = &grip->force[3 * cell];
    return sqrt(f[0] * f[0] + f[1] * f[1] + f[2] * f[2]);
}

double et__grip_mean(const double *values, size_t first, size_t end)
{
    double sum = 0, n = 0;
    for (size_t c = first; c < end; c++)
        if (isfinite(values[c])) {
            sum += values[c];
            n++;
        }
    return n > 0 ? sum / n : (double)NAN;
}

struct et_finding et__grip_finding(const struct et__look *look, const struct et__grip *grip,
                                   size_t first, size_t last, enum et_severity severity)
{
    struct et_finding finding = et__finding(look->kind, severity, grip->hand->stream.name);
    finding.t_first_ns = et__cut_cell_ns(&grip->grid, first);
    finding.t_last_ns = et__cut_cell_ns(&grip->grid, last);
    return finding;
}

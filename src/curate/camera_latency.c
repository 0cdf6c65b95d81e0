#include "curate/curate__camera_latency.h"

#include "etude/clock.h"
#include "etude/stats.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define LAG_MIN_S (-0.1)
#define LAG_MAX_S 0.5
#define CONFIDENCE_MIN 0.3
#define LAG_LIMIT_S 60.0

#define CHIEF_MAX 5
// Frames that change little are not taken for more exact than they are.
#define SCALE_SHARE 0.3
#define N_WEIGHTS (ET__LAG_JOINTS_MAX + 1) // and the offset
// A joint moves when its mean speed, over steps of this long, is above this.
#define SPEED_MIN 0.02
#define SPEED_STEP_S 0.1
// Frames that a fit needs beyond two for each of its weights, and seconds of them.
#define FRAMES_MIN 45
#define DURATION_MIN_S 4.0
// A mean difference below this is none: what differs is the coding.
#define CHANGE_MIN 0.05
// A frame whose change is below this share of both its neighbours' is the one before once more.
#define COPY_SHARE 0.1
// Between samples of joints further apart than this (and than three periods) nothing is known.
#define HOLE_S 0.1
#define HOLE_PERIODS 3.0
// Neighbours to each side that say when a frame was, and how far from its stamp, of a period.
#define EVEN_HALF 8
#define EVEN_SHARE 0.3
// Readings of a joint that are taken for one.
#define N_TAPS 5
// Steps from lag to lag: half a frame's period, within these.
#define STEP_MIN_S 0.004
#define STEP_MAX_S 0.025
#define LAGS_MAX 4096
#define REFINEMENTS 3
// Frames further off than this many deviations take no part in the second fit.
#define OUTLIER 5.0
#define MAD_TO_SIGMA 1.4826
// Of the solver: joints that add less than this to others, gains that are none, and a guard against
// going in circles.
#define PIVOT_MIN 1e-9
#define GAIN_MIN 1e-12
#define STEPS_MAX (3 * N_WEIGHTS)
// Residuals of neighbouring frames are alike; scores are summed over blocks of this length.
#define BLOCK_S 0.5
// What is foretold: stretches of this long, dealt out to so many parts.
#define STRETCH_S 2.5
#define FOLDS 4
// No estimate is surer than this.
#define SIGMA_MIN_S 1e-4
// With flows, one that is less sure is none: an eighth of a frame's period at 30 Hz.
#define SIGMA_MAX_S 4e-3

/* Normal equations of change ≈ offset + Σ weight × way, over the frames that are used. */
struct fit {
    double gram[N_WEIGHTS][N_WEIGHTS];
    double right[N_WEIGHTS];
    double weights[N_WEIGHTS];
    size_t n_weights, n;
    bool has_signs; // weights may be negative
    double yy, y;
    double residual; // sum of squares
};

static double span_s(int64_t first_ns, int64_t last_ns)
{
    return (double)(last_ns - first_ns) / (double)ET_NS_PER_S;
}

static int64_t to_ns(double s)
{
    return (int64_t)llround(s * (double)ET_NS_PER_S);
}

/* Times that can be shifted and subtracted; all stamps of real clocks can. */
static bool is_sane(int64_t t_ns)
{
    return t_ns > -(INT64_C(1) << 62) && t_ns < INT64_C(1) << 62;
}

static struct et_latency refused(const char *why, size_t n_joints)
{
    return (struct et_latency){.lag_s = (double)NAN,
                               .sigma_s = (double)NAN,
                               .peak = (double)NAN,
                               .n_values_used = n_joints,
                               .why = why};
}

/* ---- joints ---- */

static bool has_joints(const struct et_track *track)
{
    const struct et_stream *stream = &track->stream;
    if (stream->is_command || stream->quantity != ET_QUANTITY_POSITION || track->n_samples < 2 ||
        !is_sane(track->t_ns[0]) || !is_sane(track->t_ns[track->n_samples - 1]))
        return false;
    return stream->part == ET_PART_HEAD || stream->part == ET_PART_WAIST ||
           stream->part == ET_PART_LEFT_ARM || stream->part == ET_PART_RIGHT_ARM ||
           stream->part == ET_PART_BODY;
}

/* Way of a value a second, over steps so long that an encoder's noise is none. */
static double speed_of(const struct et_track *track, size_t i)
{
    const size_t width = track->stream.n_values, n = track->n_samples;
    const double duration_s = span_s(track->t_ns[0], track->t_ns[n - 1]);
    const size_t step = (size_t)fmax(1, round(SPEED_STEP_S * (double)(n - 1) / duration_s));
    double way = 0;
    if (!(duration_s > 0))
        return 0;
    for (size_t k = step; k < n; k += step) {
        const double gone =
            fabs(track->values[k * width + i] - track->values[(k - step) * width + i]);
        way += isfinite(gone) ? gone : 0;
    }
    return way / duration_s;
}

/* Puts a joint in the place of the slowest one where there is no room; keeps tracks together. */
static void take_joint(struct et__lag_problem *p, const struct et__lag_joint *joint)
{
    size_t slowest = 0;
    if (p->n_joints == ET__LAG_JOINTS_MAX) {
        for (size_t j = 1; j < p->n_joints; j++)
            if (p->joints[j].speed < p->joints[slowest].speed)
                slowest = j;
        if (p->joints[slowest].speed >= joint->speed)
            return;
        for (size_t j = slowest; j + 1 < p->n_joints; j++)
            p->joints[j] = p->joints[j + 1];
        p->n_joints--;
    }
    p->joints[p->n_joints++] = *joint;
}

static void take_joints(struct et__lag_problem *p, const struct et_track *tracks, size_t n_tracks)
{
    for (size_t t = 0; t < n_tracks; t++)
        for (size_t i = 0; has_joints(&tracks[t]) && i < tracks[t].stream.n_values; i++) {
            const struct et__lag_joint joint = {&tracks[t], i, speed_of(&tracks[t], i)};
            if (joint.speed >= p->speed_min)
                take_joint(p, &joint);
        }
}

/* Where each track is read: the sample at or before, which only goes forward. */
struct place {
    size_t k;
    double part; // of the way to the next sample
};

static struct place place_at(const struct et_track *track, int64_t t_ns, size_t k)
{
    while (k + 2 < track->n_samples && track->t_ns[k + 1] <= t_ns)
        k++;
    const double step = (double)(track->t_ns[k + 1] - track->t_ns[k]);
    const double part = step > 0 ? (double)(t_ns - track->t_ns[k]) / step : 0;
    return (struct place){k, fmax(0, fmin(1, part))};
}

/* Joints at a time: the mean over half a frame around it, as an exposure takes it, so that the
 * noise of encoders is not taken for ways. */
void et__lag_read(const struct et__lag_problem *p, int64_t t_ns, size_t from[ET__LAG_JOINTS_MAX],
                  double *q)
{
    const int64_t step_ns = to_ns(p->period_s / (2 * (N_TAPS - 1)));
    const int64_t first_ns = t_ns - (N_TAPS - 1) / 2 * step_ns;
    struct place at[N_TAPS] = {0};
    for (size_t j = 0; j < p->n_joints; j++) {
        const struct et__lag_joint *joint = &p->joints[j];
        const size_t width = joint->track->stream.n_values;
        if (j == 0 || joint->track != p->joints[j - 1].track)
            for (int i = 0; i < N_TAPS; i++)
                at[i] =
                    place_at(joint->track, first_ns + i * step_ns, i == 0 ? from[j] : at[i - 1].k);
        from[j] = at[0].k;
        q[j] = 0;
        for (int i = 0; i < N_TAPS; i++) {
            const double *x = &joint->track->values[at[i].k * width + joint->i];
            q[j] += (x[0] + at[i].part * (x[width] - x[0])) / N_TAPS;
        }
    }
}

/* ---- frames ---- */

/* The first frame at or after a time. */
static size_t frame_at(const struct et__lag_problem *p, int64_t t_ns)
{
    size_t first = 0, last = p->n_frames;
    while (first < last) {
        const size_t middle = first + (last - first) / 2;
        if (p->frames[middle].t_ns < t_ns)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

/* Frames that could meet what lies between two times of the joints do not count. */
static void leave_out(struct et__lag_problem *p, int64_t first_ns, int64_t last_ns)
{
    const size_t first = frame_at(p, first_ns + p->lag_min_ns);
    for (size_t k = first; k < p->n_frames; k++) {
        p->frames[k].is_used = false;
        if (p->frames[k].t_ns > last_ns + p->lag_max_ns)
            break; // this one's way begins before it
    }
}

static void leave_out_holes(struct et__lag_problem *p, size_t j)
{
    const struct et_track *track = p->joints[j].track;
    const size_t n = track->n_samples, width = track->stream.n_values;
    const double period_s = span_s(track->t_ns[0], track->t_ns[n - 1]) / (double)(n - 1);
    const double hole_s = fmax(HOLE_S, HOLE_PERIODS * period_s);
    for (size_t k = 1; k < n; k++) {
        const double sum = track->values[(k - 1) * width + p->joints[j].i] +
                           track->values[k * width + p->joints[j].i];
        if (!isfinite(sum) || span_s(track->t_ns[k - 1], track->t_ns[k]) > hole_s)
            leave_out(p, track->t_ns[k - 1], track->t_ns[k]);
    }
}

/* A frame is used when at every lag the joints are known at it and at the one before. */
static void use_frames(struct et__lag_problem *p)
{
    int64_t first_ns = INT64_MIN, last_ns = INT64_MAX;
    for (size_t j = 0; j < p->n_joints; j++) {
        const struct et_track *track = p->joints[j].track;
        const int64_t end_ns = track->t_ns[track->n_samples - 1];
        first_ns = track->t_ns[0] > first_ns ? track->t_ns[0] : first_ns;
        last_ns = end_ns < last_ns ? end_ns : last_ns;
    }
    for (size_t k = 0; k < p->n_frames; k++)
        p->frames[k].is_used = k > 0 && isfinite(p->frames[k].change) &&
                               p->frames[k - 1].t_ns - p->lag_max_ns >= first_ns &&
                               p->frames[k].t_ns - p->lag_min_ns <= last_ns;
    for (size_t j = 0; j < p->n_joints; j++)
        leave_out_holes(p, j);
    p->n_used = 0;
    for (size_t k = 0; k < p->n_frames; k++)
        p->n_used += p->frames[k].is_used;
}

/* True for a picture that was sent or stored twice: what comes after it differs from the first. */
static bool is_copy(const struct et_camera_motion *motion, size_t k)
{
    const double *change = motion->change;
    return k > 1 && k + 1 < motion->n && change[k] < COPY_SHARE * change[k - 1] &&
           change[k] < COPY_SHARE * change[k + 1];
}

static bool take_frames(struct et__lag_problem *p, const struct et_camera_motion *motion,
                        struct et_arena *arena)
{
    p->frames = et_arena_array(arena, motion->n, sizeof *p->frames);
    if (!p->frames)
        return false;
    for (size_t k = 0; k < motion->n; k++)
        if (!is_copy(motion, k) && is_sane(motion->t_ns[k]) &&
            (p->n_frames == 0 || motion->t_ns[k] >= p->frames[p->n_frames - 1].t_ns))
            p->frames[p->n_frames++] = (struct et__lag_frame){.i = k,
                                                              .t_ns = motion->t_ns[k],
                                                              .t_even_ns = motion->t_ns[k],
                                                              .change = motion->change[k]};
    return true;
}

/* How far a frame is from an even row of them through the frame `middle`, in whole periods. */
static double off_even_s(const struct et__lag_problem *p, size_t middle, size_t k)
{
    const double since_s = k < middle ? -span_s(p->frames[k].t_ns, p->frames[middle].t_ns)
                                      : span_s(p->frames[middle].t_ns, p->frames[k].t_ns);
    return since_s - p->period_s * round(since_s / p->period_s);
}

/* Exposures are even, mostly, and stamps are not: the mean of a frame's neighbours, each moved by
 * whole periods, says when it was. What is far from that is left as it is. */
void et__lag_make_even(struct et__lag_problem *p)
{
    for (size_t k = 0; k < p->n_frames; k++) {
        const size_t half = k < EVEN_HALF ? k : EVEN_HALF;
        const size_t reach = p->n_frames - 1 - k < half ? p->n_frames - 1 - k : half;
        double sum = 0;
        for (size_t i = k - reach; i <= k + reach; i++)
            sum += off_even_s(p, k, i);
        const double off_s = sum / (double)(2 * reach + 1);
        p->frames[k].t_even_ns = p->frames[k].t_ns;
        if (fabs(off_s) < EVEN_SHARE * p->period_s)
            p->frames[k].t_even_ns += to_ns(off_s);
    }
}

void et__lag_swap_times(struct et__lag_problem *p)
{
    for (size_t k = 0; k < p->n_frames; k++) {
        const int64_t t_ns = p->frames[k].t_ns;
        p->frames[k].t_ns = p->frames[k].t_even_ns;
        p->frames[k].t_even_ns = t_ns;
    }
}

static size_t n_changing(const struct et__lag_problem *p)
{
    size_t n = 0;
    for (size_t k = 0; k < p->n_frames; k++)
        n += p->frames[k].is_used && p->frames[k].change > CHANGE_MIN;
    return n;
}

/* ---- fit ---- */

static void add_row(struct fit *fit, const double *x, double y)
{
    for (size_t i = 0; i < fit->n_weights; i++) {
        for (size_t j = 0; j <= i; j++)
            fit->gram[i][j] += x[i] * x[j];
        fit->right[i] += x[i] * y;
    }
    fit->yy += y * y;
    fit->y += y;
    fit->n++;
}

/* Rows fill the lower half of the equations; this fills the other one. */
static void mirror(struct fit *fit)
{
    for (size_t i = 0; i < fit->n_weights; i++)
        for (size_t j = i + 1; j < fit->n_weights; j++)
            fit->gram[i][j] = fit->gram[j][i];
}

/* Sum of squares that weights leave of what a fit's equations are made of. */
static double left_by(const struct fit *fit, const double *weights)
{
    double xy = 0, xx = 0;
    for (size_t i = 0; i < fit->n_weights; i++) {
        xy += weights[i] * fit->right[i];
        for (size_t j = 0; j < fit->n_weights; j++)
            xx += weights[i] * weights[j] * fit->gram[i][j];
    }
    return fmax(0, fit->yy - 2 * xy + xx);
}

/* Least squares of the free weights alone, by Cholesky's method. Columns that the others hold
 * already (joints that always move together) come out as 0. */
static void solve_free(const struct fit *fit, const bool *is_free, double *weights)
{
    double l[N_WEIGHTS][N_WEIGHTS], y[N_WEIGHTS];
    size_t at[N_WEIGHTS], n = 0;
    for (size_t i = 0; i < fit->n_weights; i++) {
        weights[i] = 0;
        if (!is_free[i])
            continue;
        double pivot = fit->gram[i][i], right = fit->right[i];
        for (size_t c = 0; c < n; c++) {
            double x = fit->gram[i][at[c]];
            for (size_t d = 0; d < c; d++)
                x -= l[n][d] * l[c][d];
            l[n][c] = x / l[c][c];
            pivot -= l[n][c] * l[n][c];
            right -= l[n][c] * y[c];
        }
        if (!(pivot > PIVOT_MIN * fit->gram[i][i]))
            continue;
        l[n][n] = sqrt(pivot);
        y[n] = right / l[n][n];
        at[n++] = i;
    }
    while (n-- > 0) {
        weights[at[n]] = y[n] / l[n][n];
        for (size_t c = 0; c < n; c++)
            y[c] -= l[n][c] * weights[at[n]];
    }
}

/* The weight that is 0 and would lower the residual most if it were not; n_weights: none would. */
static size_t to_free(const struct fit *fit, const bool *is_free)
{
    size_t best = fit->n_weights;
    double most = GAIN_MIN * fit->yy;
    for (size_t i = 0; i < fit->n_weights; i++) {
        double pull = fit->right[i];
        if (is_free[i] || !(fit->gram[i][i] > 0))
            continue;
        for (size_t j = 0; j < fit->n_weights; j++)
            pull -= fit->gram[i][j] * fit->weights[j];
        if (pull > 0 && pull * pull / fit->gram[i][i] > most) {
            most = pull * pull / fit->gram[i][i];
            best = i;
        }
    }
    return best;
}

/* Goes towards `to` as far as no weight becomes negative, and binds the one that stops it. True
 * when nothing did. */
static bool go_towards(struct fit *fit, const double *to, bool *is_free)
{
    size_t stop = fit->n_weights;
    double part = 1;
    for (size_t i = 0; i < fit->n_weights; i++) {
        if (!is_free[i] || to[i] >= 0)
            continue;
        const double up_to = fit->weights[i] / (fit->weights[i] - to[i]);
        if (up_to < part || stop == fit->n_weights) {
            part = up_to;
            stop = i;
        }
    }
    for (size_t i = 0; i < fit->n_weights; i++)
        fit->weights[i] = fmax(0, fit->weights[i] + part * (to[i] - fit->weights[i]));
    if (stop == fit->n_weights)
        return true;
    fit->weights[stop] = 0;
    is_free[stop] = false;
    return false;
}

/* Weights that are not negative, by an active set (Lawson and Hanson 1974, Solving Least Squares
 * Problems, ch. 23). */
static void solve(struct fit *fit)
{
    bool is_free[N_WEIGHTS] = {false};
    double to[N_WEIGHTS];
    memset(fit->weights, 0, sizeof fit->weights);
    if (fit->has_signs) {
        memset(is_free, true, sizeof is_free);
        solve_free(fit, is_free, fit->weights);
    }
    for (int step = 0; step < STEPS_MAX && !fit->has_signs; step++) {
        const size_t i = to_free(fit, is_free);
        if (i == fit->n_weights)
            break;
        is_free[i] = true;
        do
            solve_free(fit, is_free, to);
        while (!go_towards(fit, to, is_free));
    }
    fit->residual = left_by(fit, fit->weights);
}

/* Joints that move a picture together go ways that add up or cancel, by their signs: the square of
 * what it moves is a sum of products of ways. That takes many more weights, so only the chief
 * joints have products with each other, and not all of the rest a square. */
static size_t n_weights_of(const struct et__lag_problem *p)
{
    return p->is_squared ? 1 + p->n_chief * (p->n_chief + 1) / 2 + p->n_rest : p->n_joints + 1;
}

/* One equation: ways of the joints from the frame before to this one, and what they explain.
 * Squares are brought back to the size of changes, so that all frames weigh alike. */
static void put_row(const struct et__lag_problem *p, const struct et__lag_frame *frame,
                    const double *before, const double *now, double *x, double *y)
{
    size_t at = 0;
    *y = frame->change;
    x[at++] = 1;
    if (!p->is_squared) {
        for (size_t j = 0; j < p->n_joints; j++)
            x[at++] = fabs(now[j] - before[j]);
        return;
    }
    *y *= frame->change / frame->scale;
    x[0] /= frame->scale;
    for (size_t i = 0; i < p->n_chief + p->n_rest; i++) {
        const double way = (now[p->order[i]] - before[p->order[i]]) / frame->scale;
        for (size_t j = i < p->n_chief ? 0 : i; j <= i; j++)
            x[at++] = way * (now[p->order[j]] - before[p->order[j]]);
    }
}

/* A walk over the frames at one lag: rows x of those that are used. */
struct walk {
    const struct et__lag_problem *p;
    int64_t lag_ns;
    size_t k; // the frame of x
    size_t from[ET__LAG_JOINTS_MAX];
    double q[2][ET__LAG_JOINTS_MAX];
    double x[N_WEIGHTS], y;
};

static struct walk walk_at(const struct et__lag_problem *p, double lag_s)
{
    struct walk walk = {.p = p, .lag_ns = to_ns(lag_s)};
    et__lag_read(p, p->frames[0].t_ns - walk.lag_ns, walk.from, walk.q[0]);
    return walk;
}

static bool walk_next(struct walk *walk)
{
    const struct et__lag_problem *p = walk->p;
    while (++walk->k < p->n_frames) {
        const struct et__lag_frame *frame = &p->frames[walk->k];
        double *now = walk->q[walk->k % 2];
        et__lag_read(p, frame->t_ns - walk->lag_ns, walk->from, now);
        if (!frame->is_used)
            continue;
        put_row(p, frame, walk->q[(walk->k - 1) % 2], now, walk->x, &walk->y);
        return true;
    }
    return false;
}

/* Fits at a lag. Returns the sum of squared residuals. */
static double fit_at(const struct et__lag_problem *p, double lag_s, struct fit *fit)
{
    struct fit made = {.n_weights = n_weights_of(p), .has_signs = p->is_squared};
    for (struct walk walk = walk_at(p, lag_s); walk_next(&walk);)
        add_row(&made, walk.x, walk.y);
    mirror(&made);
    solve(&made);
    *fit = made;
    return made.residual;
}

static double predicted(const struct fit *fit, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < fit->n_weights; i++)
        sum += fit->weights[i] * x[i];
    return sum;
}

/* Takes frames far off the fit out (frozen ones, a hand before the lens); false: the arena. */
static bool drop_outliers(struct et__lag_problem *p, double lag_s, const struct fit *fit,
                          struct et_arena *arena)
{
    double *off = et_arena_array(arena, p->n_used, sizeof *off);
    double *sorted = et_arena_array(arena, p->n_used, sizeof *sorted);
    size_t n = 0;
    if (!off || !sorted)
        return false;
    for (struct walk walk = walk_at(p, lag_s); walk_next(&walk); n++)
        off[n] = sorted[n] = fabs(walk.y - predicted(fit, walk.x));
    const double limit = OUTLIER * MAD_TO_SIGMA * et_median_of(sorted, n);
    for (size_t k = 0, i = 0; k < p->n_frames; k++) {
        if (!p->frames[k].is_used)
            continue;
        p->frames[k].is_used = off[i] <= limit;
        p->n_used -= off[i++] > limit;
    }
    return true;
}

/* ---- search ---- */

/* Residuals of the lags first_s + i × step_s. */
struct search {
    double first_s, step_s;
    size_t n, best;
    double *residuals;
};

static double lag_at(const struct search *search, size_t i)
{
    return search->first_s + (double)i * search->step_s;
}

static bool search_lags(const struct et__lag_problem *p, const struct et_camera_latency_options *o,
                        struct et_arena *arena, struct search *search)
{
    struct fit fit;
    search->step_s = fmax(STEP_MIN_S, fmin(STEP_MAX_S, p->period_s / 2));
    search->step_s = fmax(search->step_s, (o->lag_max_s - o->lag_min_s) / (LAGS_MAX - 10));
    search->first_s = o->lag_min_s - ET__LAG_BORDER * search->step_s;
    search->n =
        (size_t)ceil((o->lag_max_s - o->lag_min_s) / search->step_s) + 2 * ET__LAG_BORDER + 1;
    search->residuals = et_arena_array(arena, search->n, sizeof *search->residuals);
    if (!search->residuals)
        return false;
    search->best = 0;
    for (size_t i = 0; i < search->n; i++) {
        search->residuals[i] = fit_at(p, lag_at(search, i), &fit);
        if (search->residuals[i] < search->residuals[search->best])
            search->best = i;
    }
    return true;
}

/* The lowest point of the parabola through residuals at lag − step, lag, lag + step. */
struct parabola {
    double lag_s;
    double bend; // second derivative
};

static struct parabola parabola_at(const struct et__lag_problem *p, double lag_s, double step_s)
{
    struct fit fit;
    const double before = fit_at(p, lag_s - step_s, &fit), after = fit_at(p, lag_s + step_s, &fit);
    const double at = fit_at(p, lag_s, &fit);
    const double bend = (before - 2 * at + after) / (step_s * step_s);
    const double off_s = bend > 0 ? (before - after) / (2 * step_s * bend) : 0;
    return (struct parabola){lag_s + fmax(-step_s, fmin(step_s, off_s)), bend};
}

/* How much more the scores (slope × residual) of blocks vary than those of single frames would
 * (the sandwich of Liang and Zeger 1986, Biometrika 73(1), 13). */
static double inflation_at(const struct et__lag_problem *p, double lag_s, double step_s,
                           const struct fit *fit)
{
    struct walk before = walk_at(p, lag_s - step_s), after = walk_at(p, lag_s + step_s);
    double block = 0, blocks = 0, singles = 0;
    int64_t from_ns = p->frames[0].t_ns;
    for (struct walk walk = walk_at(p, lag_s); walk_next(&walk);) {
        if (!walk_next(&before) || !walk_next(&after))
            break;
        const struct et__lag_frame *frame = &p->frames[walk.k];
        const double slope = predicted(fit, after.x) - predicted(fit, before.x);
        const double score = slope * (walk.y - predicted(fit, walk.x));
        if (span_s(from_ns, frame->t_ns) > BLOCK_S) {
            blocks += block * block;
            block = 0;
            from_ns = frame->t_ns;
        }
        block += score;
        singles += score * score;
    }
    blocks += block * block;
    return singles > 0 ? fmax(1, blocks / singles) : 1;
}

/* ---- judgement ---- */

/* Takes the equations of one fit out of another's. */
static struct fit without(const struct fit *all, const struct fit *part)
{
    struct fit rest = *all;
    for (size_t i = 0; i < all->n_weights; i++) {
        for (size_t j = 0; j < all->n_weights; j++)
            rest.gram[i][j] -= part->gram[i][j];
        rest.right[i] -= part->right[i];
    }
    rest.yy -= part->yy;
    return rest;
}

/* Share of the change that is foretold of each stretch by weights fitted to the others. So many
 * weights always fit something; what they foretell is no chance. */
static double foretold_at(const struct et__lag_problem *p, double lag_s, const struct fit *fit)
{
    const double total = fit->yy - fit->y * fit->y / (double)fit->n;
    struct fit parts[FOLDS] = {0};
    double left = 0;
    for (size_t i = 0; i < FOLDS; i++)
        parts[i].n_weights = fit->n_weights; // signs are of the others that are solved
    for (struct walk walk = walk_at(p, lag_s); walk_next(&walk);) {
        const struct et__lag_frame *frame = &p->frames[walk.k];
        const double since_s = span_s(p->frames[0].t_ns, frame->t_ns);
        add_row(&parts[(size_t)(since_s / STRETCH_S) % FOLDS], walk.x, walk.y);
    }
    for (size_t i = 0; i < FOLDS; i++) {
        mirror(&parts[i]);
        struct fit others = without(fit, &parts[i]);
        solve(&others);
        left += left_by(&parts[i], others.weights);
    }
    return total > 0 ? fmax(0, 1 - left / total) : 0;
}

/* Correlation of what is foretold × how much better the best lag is than lags in general. */
static double confidence_of(const struct et__lag_problem *p, double lag_s,
                            const struct search *search, const struct fit *fit)
{
    const double general = et_median_of(search->residuals, search->n);
    const double distinct = general > 0 ? 1 - fit->residual / general : 0;
    return sqrt(foretold_at(p, lag_s, fit)) * sqrt(fmax(0, distinct));
}

/* True when even times explain the pictures better than their stamps do. */
static bool has_even_frames(struct et__lag_problem *p, double lag_s)
{
    struct fit fit;
    et__lag_make_even(p);
    const double as_stamped = fit_at(p, lag_s, &fit);
    et__lag_swap_times(p);
    const double as_even = fit_at(p, lag_s, &fit);
    et__lag_swap_times(p);
    return as_even < as_stamped;
}

/* What the fit at the best lag says. */
static struct et_latency result_of(const struct et__lag_problem *p, const struct parabola *at,
                                   const struct search *search,
                                   const struct et_camera_latency_options *o)
{
    struct fit fit;
    const double residual = fit_at(p, at->lag_s, &fit);
    const double total = fit.yy - fit.y * fit.y / (double)fit.n;
    const double variance = 2 * residual / (double)(fit.n - fit.n_weights - 1) / at->bend;
    const double inflation = inflation_at(p, at->lag_s, search->step_s, &fit);
    struct et_latency latency = {
        .is_known = true,
        .lag_s = at->lag_s,
        .sigma_s = hypot(sqrt(variance * inflation), SIGMA_MIN_S),
        .peak = total > 0 ? sqrt(fmax(0, 1 - residual / total)) : 0,
        .confidence = confidence_of(p, at->lag_s, search, &fit),
        .n_values_used = p->n_joints,
        .why = "",
    };
    if (latency.confidence >= o->confidence_min && at->bend > 0)
        return latency;
    latency.is_known = false;
    latency.lag_s = latency.sigma_s = (double)NAN;
    latency.why = "the pictures do not change as the joints move";
    return latency;
}

/* The best lag of a search, refined. */
static struct et_latency refine(const struct et__lag_problem *p, const struct search *search,
                                const struct et_camera_latency_options *o)
{
    if (search->best < ET__LAG_BORDER - 1 || search->best + ET__LAG_BORDER >= search->n)
        return refused("the best lag lies beyond the range that was searched", p->n_joints);
    struct parabola at = {lag_at(search, search->best), 0};
    for (int i = 0; i < REFINEMENTS; i++)
        at = parabola_at(p, at.lag_s, search->step_s);
    return result_of(p, &at, search, o);
}

static void swap_joints(struct et__lag_problem *p, size_t i, size_t j)
{
    const size_t joint = p->order[i];
    p->order[i] = p->order[j];
    p->order[j] = joint;
}

/* Goes over to squares: takes as the next chief, again and again, the joint that explains most
 * beside those before it. */
static void choose_chiefs(struct et__lag_problem *p, double lag_s)
{
    const size_t n_chief = p->n_joints < CHIEF_MAX ? p->n_joints : CHIEF_MAX;
    struct fit fit;
    p->is_squared = true;
    for (size_t j = 0; j < p->n_joints; j++)
        p->order[j] = j;
    for (size_t at = 0; at < n_chief; at++) {
        double least = (double)INFINITY;
        size_t best = at;
        p->n_chief = at + 1;
        for (size_t j = at; j < p->n_joints; j++) {
            swap_joints(p, at, j);
            const double residual = fit_at(p, lag_s, &fit);
            swap_joints(p, at, j);
            best = residual < least ? j : best;
            least = fmin(least, residual);
        }
        swap_joints(p, at, best);
    }
    p->n_rest = p->n_joints - n_chief;
    if (n_weights_of(p) > N_WEIGHTS)
        p->n_rest -= n_weights_of(p) - N_WEIGHTS;
}

/* What change is around each frame, and never less than a share of the usual. */
static void put_scales(struct et__lag_problem *p)
{
    double sum = 0;
    size_t n = 0;
    for (size_t k = 0; k < p->n_frames; k++)
        if (isfinite(p->frames[k].change)) {
            sum += p->frames[k].change;
            n++;
        }
    for (size_t k = 0; k < p->n_frames; k++) {
        double around = 0;
        size_t n_around = 0;
        for (size_t i = k > 2 ? k - 2 : 0; i <= k + 2 && i < p->n_frames; i++)
            if (isfinite(p->frames[i].change)) {
                around += p->frames[i].change;
                n_around++;
            }
        p->frames[k].scale = SCALE_SHARE * sum / (double)(n + 1) + 1e-9;
        if (n_around > 0)
            p->frames[k].scale += around / (double)n_around;
    }
}

/* Searches, again without outliers, then refines, by both models: what foretells more counts.
 * False: the arena is full. */
static bool judge(struct et__lag_problem *p, const struct et_camera_latency_options *o,
                  struct et_arena *arena, struct et_latency *latency)
{
    struct search search = {0};
    struct fit fit;
    put_scales(p);
    if (!search_lags(p, o, arena, &search))
        return false;
    const double rough_s = lag_at(&search, search.best);
    if (has_even_frames(p, rough_s))
        et__lag_swap_times(p);
    (void)fit_at(p, rough_s, &fit);
    if (!drop_outliers(p, rough_s, &fit, arena) || !search_lags(p, o, arena, &search))
        return false;
    *latency = refine(p, &search, o);
    choose_chiefs(p, lag_at(&search, search.best));
    if (!search_lags(p, o, arena, &search))
        return false;
    const struct et_latency squared = refine(p, &search, o);
    if (squared.confidence > latency->confidence)
        *latency = squared;
    return true;
}

/* The options with their defaults in place. */
static struct et_camera_latency_options
with_defaults(const struct et_camera_latency_options *options)
{
    struct et_camera_latency_options o = options ? *options : (struct et_camera_latency_options){0};
    if (!(o.lag_max_s > 0))
        o.lag_max_s = LAG_MAX_S;
    if (o.lag_min_s == 0 || !(o.lag_min_s < o.lag_max_s))
        o.lag_min_s = LAG_MIN_S;
    if (!(o.confidence_min > 0))
        o.confidence_min = CONFIDENCE_MIN;
    o.lag_min_s = fmax(o.lag_min_s, -LAG_LIMIT_S);
    o.lag_max_s = fmin(o.lag_max_s, LAG_LIMIT_S);
    return o;
}

/* The middle step between frames; 0 when there are too few. */
static bool measure_period(struct et__lag_problem *p, struct et_arena *arena)
{
    double *steps = et_arena_array(arena, p->n_frames, sizeof *steps);
    if (!steps)
        return false;
    for (size_t k = 1; k < p->n_frames; k++)
        steps[k - 1] = span_s(p->frames[k - 1].t_ns, p->frames[k].t_ns);
    p->period_s = p->n_frames > 1 ? et_median_of(steps, p->n_frames - 1) : 0;
    return true;
}

bool et__lag_pose(struct et__lag_problem *p, const struct et_camera_motion *motion,
                  const struct et_track *tracks, size_t n_tracks, struct et_arena *arena)
{
    take_joints(p, tracks, n_tracks);
    if (motion->n > 0 && !(take_frames(p, motion, arena) && measure_period(p, arena)))
        return false;
    if (p->n_joints > 0 && p->n_frames > 0)
        use_frames(p);
    return true;
}

bool et__lag_is_enough(const struct et__lag_problem *p)
{
    return p->n_used >= FRAMES_MIN + 2 * p->n_joints &&
           (double)p->n_used * p->period_s >= DURATION_MIN_S;
}

/* By how much the pictures changed. False: the arena is full. */
static bool judge_change(struct et__lag_problem *p, const struct et_camera_motion *motion,
                         const struct et_track *tracks, size_t n_tracks,
                         const struct et_camera_latency_options *o, struct et_arena *arena,
                         struct et_latency *latency)
{
    if (!et__lag_pose(p, motion, tracks, n_tracks, arena))
        return false;
    if (p->n_joints == 0)
        *latency = refused("the motion is too slow", 0);
    else if (!et__lag_is_enough(p))
        *latency = refused("there are too few pictures while the joints are known", p->n_joints);
    else if (n_changing(p) < FRAMES_MIN)
        *latency = refused("the pictures do not change", p->n_joints);
    else
        return judge(p, o, arena, latency);
    return true;
}

enum et_status et_camera_latency_estimate(const struct et_camera_motion *motion,
                                          const struct et_track *tracks, size_t n_tracks,
                                          const struct et_camera_latency_options *options,
                                          struct et_arena *arena, struct et_latency *latency,
                                          struct et_err *err)
{
    assert(motion && arena && latency && (tracks || n_tracks == 0));
    assert(motion->n == 0 || (motion->t_ns && motion->change));
    assert(motion->n_flows <= ET_CAMERA_FLOWS_MAX && (motion->n_flows == 0 || motion->flows));
    const struct et_camera_latency_options o = with_defaults(options);
    const struct et_arena_mark mark = et_arena_mark(arena);
    const struct et__lag_problem blank = {
        .lag_min_ns = to_ns(o.lag_min_s - ET__LAG_BORDER * STEP_MAX_S),
        .lag_max_ns = to_ns(o.lag_max_s + ET__LAG_BORDER * STEP_MAX_S),
        .speed_min = SPEED_MIN};
    struct et__lag_problem p = blank;
    struct et_latency by_flow;
    bool has_room = judge_change(&p, motion, tracks, n_tracks, &o, arena, latency);

    if (has_room && motion->n_flows > 0) {
        et_arena_rewind(arena, mark);
        has_room = et__lag_by_flow(&blank, motion, tracks, n_tracks, &o, arena, &by_flow);
        if (has_room && by_flow.is_known &&
            (!latency->is_known || by_flow.sigma_s < latency->sigma_s))
            *latency = by_flow;
    }
    if (!has_room)
        *latency = refused("", 0);
    else if (motion->n_flows > 0 && latency->is_known && !(latency->sigma_s <= SIGMA_MAX_S))
        *latency = refused("it cannot be told to 4 ms: the joints move too slowly, or too little",
                           latency->n_values_used);
    et_arena_rewind(arena, mark);
    return has_room ? ET_OK : et_arena_fail(arena, "the camera latency's scratch", err);
}

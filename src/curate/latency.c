#include "etude/latency.h"

#include <assert.h>
#include <math.h>

#define LAG_MAX_S 0.5
#define SPEED_MIN 0.02
#define CONFIDENCE_MIN 0.5

// The search runs at no more than this rate; the refinement uses every sample.
#define SEARCH_RATE_HZ 100.0
// Samples that a search needs beyond its lags, so that a peak means something.
#define SAMPLES_MIN 20
// Lags beside the range that are looked at, to tell a peak inside it from one beyond.
#define BORDER 2
#define SPAN_S 0.1
// A second peak is one when the valley before it is this deep, of the first one's height.
#define VALLEY 0.05
#define REFINE_STEPS_MAX 12
#define REFINE_DONE_S 1e-7
// The refined lag may stand this far from the peak: a robot that filters its command follows slow
// movement later than quick movement, and the fit weighs the slow.
#define REACH_S 0.1
// What interpolation between samples costs, in samples: no estimate is surer than this.
#define SIGMA_MIN_SAMPLES 1e-3
// Residuals of neighbouring samples hang together; scores are summed over blocks of this length.
#define BLOCK_S 0.5

/* One value's command and state, contiguous. */
struct pair {
    const double *command;
    const double *state;
    double weight;
};

struct problem {
    struct pair *pairs;
    size_t n_pairs;
    size_t n_samples;
    double rate_hz;
};

static struct et_latency refused(const char *why)
{
    return (struct et_latency){
        .lag_s = (double)NAN, .sigma_s = (double)NAN, .peak = (double)NAN, .why = why};
}

/* RMS of the steps of x, a second. Steps that are not finite do not count. */
static double rms_speed(const double *x, size_t n, double rate_hz)
{
    double sum = 0;
    size_t n_steps = 0;
    for (size_t i = 1; i < n; i++) {
        const double step = x[i] - x[i - 1];
        if (!isfinite(step))
            continue;
        sum += step * step;
        n_steps++;
    }
    return n_steps > 0 ? rate_hz * sqrt(sum / (double)n_steps) : 0;
}

static double *column_of(const double *rows, size_t n_samples, size_t n_values, size_t i,
                         struct et_arena *arena)
{
    double *column = et_arena_array(arena, n_samples, sizeof *column);
    for (size_t k = 0; column && k < n_samples; k++)
        column[k] = rows[k * n_values + i];
    return column;
}

/* Takes the values whose command and state both move; false when the arena is full. */
static bool take_pairs(const struct et_latency_signals *signals, double speed_min,
                       struct et_arena *arena, struct problem *problem)
{
    const size_t n = signals->n_samples, n_values = signals->n_values;
    problem->pairs = et_arena_array(arena, n_values, sizeof *problem->pairs);
    if (!problem->pairs)
        return false;
    for (size_t i = 0; i < n_values; i++) {
        const struct et_arena_mark mark = et_arena_mark(arena);
        const double *c = column_of(signals->command, n, n_values, i, arena);
        const double *s = column_of(signals->state, n, n_values, i, arena);
        if (!c || !s)
            return false;
        const double speed = rms_speed(c, n, problem->rate_hz);
        if (speed < speed_min || rms_speed(s, n, problem->rate_hz) < 0.1 * speed) {
            et_arena_rewind(arena, mark);
            continue;
        }
        problem->pairs[problem->n_pairs++] = (struct pair){c, s, speed};
    }
    return true;
}

/* The correlation of velocities over lags first … first + n_lags − 1 (in steps). Steps are `factor`
 * samples; a velocity is taken over `span` steps, so that neither noise nor a state that is renewed
 * slower than it is stored hides the movement. */
struct search {
    size_t factor, span;
    size_t n_moves;
    double step_s;
    ptrdiff_t first;
    size_t n_lags;
    double *rho;
};

/* Movement of x over `span` steps, from step to step; a step is the mean of `factor` samples. What
 * is not finite counts as standing still. */
static double *movement(const double *x, const struct search *search, struct et_arena *arena)
{
    const size_t n_means = search->n_moves + search->span;
    double *means = et_arena_array(arena, n_means, sizeof *means);
    if (!means)
        return NULL;
    for (size_t k = 0; k < n_means; k++) {
        double sum = 0;
        for (size_t j = 0; j < search->factor; j++)
            sum += x[k * search->factor + j];
        means[k] = sum / (double)search->factor;
    }
    for (size_t k = 0; k < search->n_moves; k++) {
        const double move = means[k + search->span] - means[k];
        means[k] = isfinite(move) ? move : 0;
    }
    return means;
}

/* Correlation coefficient of a[k − lag] with b[k] where both are there. */
static double correlation_at(const double *a, const double *b, size_t n, ptrdiff_t lag)
{
    const size_t skip = (size_t)(lag < 0 ? -lag : lag);
    const double *x = lag < 0 ? a + skip : a;
    const double *y = lag < 0 ? b : b + skip;
    double xy = 0, xx = 0, yy = 0;
    for (size_t k = 0; k < n - skip; k++) {
        xy += x[k] * y[k];
        xx += x[k] * x[k];
        yy += y[k] * y[k];
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* Plans the search; false when the samples are too few for it. */
static bool search_plan(const struct problem *problem, const struct et_latency_options *o,
                        struct search *search)
{
    search->factor = (size_t)fmax(1, floor(problem->rate_hz / SEARCH_RATE_HZ));
    search->step_s = (double)search->factor / problem->rate_hz;
    const double first = floor(o->lag_min_s / search->step_s) - BORDER;
    const double last = ceil(o->lag_max_s / search->step_s) + BORDER;
    const double span = fmax(1, round(SPAN_S / search->step_s));
    const double n_steps = floor((double)problem->n_samples / (double)search->factor);
    if (!(n_steps >= span + fmax(last, -first) + SAMPLES_MIN) || !(last > first))
        return false;
    search->span = (size_t)span;
    search->n_moves = (size_t)(n_steps - span);
    search->first = (ptrdiff_t)first;
    search->n_lags = (size_t)(last - first) + 1;
    return true;
}

/* Fills search->rho, values weighted by how fast they move. */
static bool search_lags(const struct problem *problem, struct et_arena *arena,
                        struct search *search)
{
    double total = 0;
    search->rho = et_arena_array(arena, search->n_lags, sizeof *search->rho);
    if (!search->rho)
        return false;
    for (size_t i = 0; i < problem->n_pairs; i++) {
        const struct et_arena_mark mark = et_arena_mark(arena);
        const struct pair *pair = &problem->pairs[i];
        const double *a = movement(pair->command, search, arena);
        const double *b = movement(pair->state, search, arena);
        if (!a || !b)
            return false;
        for (size_t l = 0; l < search->n_lags; l++)
            search->rho[l] +=
                pair->weight * correlation_at(a, b, search->n_moves, search->first + (ptrdiff_t)l);
        total += pair->weight;
        et_arena_rewind(arena, mark);
    }
    for (size_t l = 0; l < search->n_lags; l++)
        search->rho[l] /= total;
    return true;
}

static size_t highest(const struct search *search)
{
    size_t best = 0;
    for (size_t l = 1; l < search->n_lags; l++)
        if (search->rho[l] > search->rho[best])
            best = l;
    return best;
}

/* The highest other peak: one with a valley of some depth between it and l. 0 when there is none.
 */
static double next_peak(const struct search *search, size_t l)
{
    const double depth = VALLEY * search->rho[l];
    double next = 0, valley = search->rho[l];
    for (size_t i = l; i-- > 0;) {
        valley = fmin(valley, search->rho[i]);
        if (search->rho[i] - valley > depth)
            next = fmax(next, search->rho[i]);
    }
    valley = search->rho[l];
    for (size_t i = l + 1; i < search->n_lags; i++) {
        valley = fmin(valley, search->rho[i]);
        if (search->rho[i] - valley > depth)
            next = fmax(next, search->rho[i]);
    }
    return next;
}

/* Top of the parabola through the three points around l, in steps from l (−½ … ½). */
static double parabola_top(const struct search *search, size_t l)
{
    const double before = search->rho[l - 1], at = search->rho[l], after = search->rho[l + 1];
    const double bend = before - 2 * at + after;
    return bend < 0 ? 0.5 * (before - after) / bend : 0;
}

/* Sums over the samples of one value at one lag: x is the command at t − lag, dx its slope there
 * (a sample), s the state. */
struct sums {
    double n, x, s, d, xx, xs, xd, ds, dd, ss;
};

/* Cubic interpolation (Catmull-Rom) at a fraction f behind the second of four points, and its
 * slope. The fraction is the same for every sample of a lag, so the weights are made once. */
struct weights {
    double at[4], slope[4];
};

static struct weights weights_at(double f)
{
    const double f2 = f * f, f3 = f2 * f;
    return (struct weights){
        .at = {0.5 * (-f3 + 2 * f2 - f), 0.5 * (3 * f3 - 5 * f2 + 2), 0.5 * (-3 * f3 + 4 * f2 + f),
               0.5 * (f3 - f2)},
        .slope = {0.5 * (-3 * f2 + 4 * f - 1), 0.5 * (9 * f2 - 10 * f), 0.5 * (-9 * f2 + 8 * f + 1),
                  0.5 * (3 * f2 - 2 * f)},
    };
}

/* Where the samples of a lag stand: samples first ≤ k < last of the state have all four points of
 * the command around the time they answer to. */
struct shift {
    struct weights w;
    ptrdiff_t base; // the first of the four command samples is k + base
    size_t first, last;
};

static struct shift shift_by(double lag_samples, size_t n)
{
    const double place = -lag_samples; // command sample that state sample 0 meets
    const double whole = floor(place);
    struct shift shift = {.w = weights_at(place - whole), .base = (ptrdiff_t)whole - 1};
    const ptrdiff_t first = shift.base < 0 ? -shift.base : 0;
    const ptrdiff_t last = (ptrdiff_t)n - (shift.base + 3 > 0 ? shift.base + 3 : 0);
    shift.first = (size_t)first;
    shift.last = last > first ? (size_t)last : (size_t)first;
    return shift;
}

static void interpolate(const double *p, const struct weights *w, double *x, double *d)
{
    *x = w->at[0] * p[0] + w->at[1] * p[1] + w->at[2] * p[2] + w->at[3] * p[3];
    *d = w->slope[0] * p[0] + w->slope[1] * p[1] + w->slope[2] * p[2] + w->slope[3] * p[3];
}

static struct sums sum_pair(const struct pair *pair, const struct shift *shift)
{
    struct sums m = {0};
    // Around the first values, so that large offsets cost no digits.
    const double x0 = pair->command[shift->first], s0 = pair->state[shift->first];
    for (size_t k = shift->first; k < shift->last; k++) {
        double x, d;
        interpolate(pair->command + ((ptrdiff_t)k + shift->base), &shift->w, &x, &d);
        const double s = pair->state[k] - s0;
        x -= x0;
        if (!isfinite(x + s))
            continue;
        m.n += 1;
        m.x += x;
        m.s += s;
        m.d += d;
        m.xx += x * x;
        m.xs += x * s;
        m.xd += x * d;
        m.ds += d * s;
        m.dd += d * d;
        m.ss += s * s;
    }
    return m;
}

/* What one value says about the lag: the line s ≈ gain x + offset is solved first, and what is left
 * is held against the slope with the line taken out of it (variable projection; Golub and Pereyra
 * 1973, SIAM J. Numer. Anal. 10(2), 413). */
struct vote {
    double gain;
    double pull;      // Σ slope × residual
    double stiffness; // Σ slope²
    double residual;  // mean squared residual
    double spread;    // mean squared deviation of the state
};

static bool vote_of(const struct sums *m, struct vote *vote)
{
    if (m->n < SAMPLES_MIN)
        return false;
    const double cxx = m->xx - m->x * m->x / m->n, cxs = m->xs - m->x * m->s / m->n;
    const double css = m->ss - m->s * m->s / m->n, cxd = m->xd - m->x * m->d / m->n;
    const double cds = m->ds - m->d * m->s / m->n, cdd = m->dd - m->d * m->d / m->n;
    if (!(cxx > 0) || !(css > 0))
        return false;
    const double gain = cxs / cxx;
    // A sample later means that the command is taken a sample earlier: the slope is −gain × d.
    *vote = (struct vote){
        .gain = gain,
        .pull = -gain * (cds - cxd * cxs / cxx),
        .stiffness = gain * gain * (cdd - cxd * cxd / cxx),
        .residual = fmax(css - cxs * cxs / cxx, 1e-9 * css) / m->n,
        .spread = css / m->n,
    };
    return vote->stiffness > 0;
}

/* One Gauss-Newton step of the lag over all values, each weighted by the inverse of its residual.
 * *fit is the weighted share of the states' movement that is explained. */
static bool refine_step(const struct problem *problem, double lag, double *step, double *fit)
{
    const struct shift shift = shift_by(lag, problem->n_samples);
    double pull = 0, stiffness = 0, explained = 0, total = 0;
    for (size_t i = 0; i < problem->n_pairs; i++) {
        const struct sums sums = sum_pair(&problem->pairs[i], &shift);
        struct vote vote;
        if (!vote_of(&sums, &vote) || vote.gain <= 0)
            continue;
        pull += vote.pull / vote.residual;
        stiffness += vote.stiffness / vote.residual;
        explained += problem->pairs[i].weight * (1 - vote.residual / vote.spread);
        total += problem->pairs[i].weight;
    }
    if (!(stiffness > 0))
        return false;
    *step = pull / stiffness;
    *fit = explained / total;
    return true;
}

/* Refines a lag (in samples) by at most one search step to either side. */
static double refine(const struct problem *problem, double start, double reach, double *fit)
{
    const double done = REFINE_DONE_S * problem->rate_hz;
    double lag = start;
    for (int i = 0; i < REFINE_STEPS_MAX; i++) {
        double step;
        if (!refine_step(problem, lag, &step, fit))
            return start;
        lag += fmax(-0.5, fmin(0.5, step));
        if (fabs(lag - start) > reach)
            return start;
        if (fabs(step) < done)
            break;
    }
    return lag;
}

/* Adds one value's part to the variance of the lag: scores (slope × residual) are summed over
 * blocks before they are squared, because residuals of neighbours are alike (the sandwich of Liang
 * and Zeger 1986, Biometrika 73(1), 13). */
static void add_variance(const struct pair *pair, const struct shift *shift, size_t block,
                         double *meat, double *bread)
{
    const struct sums m = sum_pair(pair, shift);
    struct vote vote;
    if (!vote_of(&m, &vote) || vote.gain <= 0)
        return;
    const double cxx = m.xx - m.x * m.x / m.n;
    const double slope = (m.xd - m.x * m.d / m.n) / cxx;
    const double x0 = pair->command[shift->first], s0 = pair->state[shift->first];
    double score = 0;
    *bread += vote.stiffness / vote.residual;
    for (size_t k = shift->first; k < shift->last; k++) {
        double x, d;
        interpolate(pair->command + ((ptrdiff_t)k + shift->base), &shift->w, &x, &d);
        const double dx = x - x0 - m.x / m.n;
        const double r = pair->state[k] - s0 - m.s / m.n - vote.gain * dx;
        if (isfinite(r))
            score -= vote.gain * (d - m.d / m.n - slope * dx) * r;
        if ((k - shift->first + 1) % block == 0 || k + 1 == shift->last) {
            *meat += (score / vote.residual) * (score / vote.residual);
            score = 0;
        }
    }
}

static double sigma_at(const struct problem *problem, double lag)
{
    const struct shift shift = shift_by(lag, problem->n_samples);
    const size_t block = (size_t)fmax(1, round(BLOCK_S * problem->rate_hz));
    double meat = 0, bread = 0;
    for (size_t i = 0; i < problem->n_pairs; i++)
        add_variance(&problem->pairs[i], &shift, block, &meat, &bread);
    return bread > 0 ? hypot(sqrt(meat) / bread, SIGMA_MIN_SAMPLES) / problem->rate_hz
                     : (double)NAN;
}

/* The options with their defaults in place. */
static struct et_latency_options with_defaults(const struct et_latency_options *options)
{
    struct et_latency_options o = options ? *options : (struct et_latency_options){0};
    if (o.lag_max_s <= 0)
        o.lag_max_s = LAG_MAX_S;
    if (o.speed_min <= 0)
        o.speed_min = SPEED_MIN;
    if (o.confidence_min <= 0)
        o.confidence_min = CONFIDENCE_MIN;
    return o;
}

static struct et_latency judge(const struct problem *problem, const struct search *search,
                               const struct et_latency_options *o)
{
    const size_t l = highest(search);
    if (l < BORDER - 1)
        return refused("the state moves before the command");
    if (l + BORDER >= search->n_lags)
        return refused("the best lag lies beyond the range that was searched");

    double fit = 0;
    const double step_samples = search->step_s * problem->rate_hz;
    const double top = (double)search->first + (double)l + parabola_top(search, l);
    const double lag = refine(problem, top * step_samples,
                              fmax(2.5 * step_samples, REACH_S * problem->rate_hz), &fit);
    struct et_latency latency = {
        .is_known = true,
        .lag_s = fmax(lag / problem->rate_hz, o->lag_min_s),
        .sigma_s = sigma_at(problem, lag),
        .peak = search->rho[l],
        .n_values_used = problem->n_pairs,
        .why = "",
    };
    const double distinct = 1 - fmax(0, next_peak(search, l)) / fmax(latency.peak, 1e-9);
    latency.confidence =
        fmax(0, fmin(1, latency.peak)) * sqrt(fmax(0, distinct)) * fmax(0, fmin(1, fit));
    if (latency.confidence >= o->confidence_min)
        return latency;
    latency.is_known = false;
    latency.lag_s = (double)NAN;
    latency.why = "the state follows the command too loosely to tell";
    return latency;
}

enum et_status et_latency_estimate(const struct et_latency_signals *signals,
                                   const struct et_latency_options *options, struct et_arena *arena,
                                   struct et_latency *latency, struct et_err *err)
{
    assert(signals && latency && arena);
    assert(signals->n_samples * signals->n_values == 0 || (signals->command && signals->state));
    const double rate_hz = signals->rate_hz;
    if (!(rate_hz > 0) || !isfinite(rate_hz))
        return et_fail(err, ET_EARG, -1, "latency needs a rate, got %g Hz", rate_hz);

    const struct et_latency_options o = with_defaults(options);
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct problem problem = {.n_samples = signals->n_samples, .rate_hz = rate_hz};
    struct search search = {0};
    enum et_status st = ET_OK;

    if (!search_plan(&problem, &o, &search))
        *latency = refused("the episode is too short");
    else if (!take_pairs(signals, o.speed_min, arena, &problem) ||
             (problem.n_pairs > 0 && !search_lags(&problem, arena, &search)))
        st = et_arena_fail(arena, "the latency's scratch", err);
    else if (problem.n_pairs == 0)
        *latency = refused("the motion is too slow");
    else
        *latency = judge(&problem, &search, &o);
    et_arena_rewind(arena, mark);
    return st;
}

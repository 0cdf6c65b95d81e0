#include "curate/curate__camera_latency.h"

#include "etude/clock.h"
#include "etude/stats.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

// Slow joints count too: what a picture follows and is not told of looks like another lag. Encoders
// that stand still go less than this by their noise.
#define SPEED_MIN 0.004
#define FLOWS_MAX ET_CAMERA_FLOWS_MAX
// An offset, the joints' ways, and each way again times the chief component of the posture.
#define WEIGHTS_MAX (1 + 2 * ET__LAG_JOINTS_MAX)
// Posture takes part when there are so many frames for each weight.
#define FRAMES_A_WEIGHT 12
// So much of a way's own square holds the posture's part of its weight to 0.
#define RIDGE 1e-3
#define RIDGE_WAYS 1e-6
#define PIVOT_MIN 1e-12
// Ways are summed over frames with the weights 1 2 3 4 5 4 3 2 1, every second time.
#define SPAN 9
#define STRIDE 2
#define STEP_MIN_S 0.004
#define STEP_MAX_S 0.025
#define LAGS_MAX 4096
#define REFINEMENTS 3
#define OUTLIER 25.0 // times the middle square of a frame
#define OUTLIER_PASSES 2
// A measure of which the best lag explains less than this says nothing.
#define EXPLAINED_MIN 0.3
// Residuals are made white again with what they are at the lag that came out.
#define WHITENINGS 2
#define REFLECTED_MAX 0.98
#define BLOCK_S 1.0
#define STRETCH_S 2.5
#define FOLDS 4
#define POWER_STEPS 100
// No estimate is surer than the clocks of joints are.
#define SIGMA_MIN_S 2e-4

/* The problem of which way the pictures went. */
struct flow_problem {
    struct et__lag_problem p;
    const struct et_camera_motion *motion;
    size_t n_flows;
    bool has_posture;
    double middle[ET__LAG_JOINTS_MAX], chief[ET__LAG_JOINTS_MAX]; // of postures
    bool is_on[FLOWS_MAX];
    double filter[SPAN]; // what equations are summed with, the oldest first
    size_t n_taps;       // of it, the newest
    size_t stride;
    bool needs_all; // of the frames that are summed
};

/* One equation a flow: way of the picture ≈ weights × ways of the joints. */
struct equation {
    double x[WEIGHTS_MAX];
    double y[FLOWS_MAX];
};

/* Normal equations, which all flows share the left side of. */
struct normal {
    size_t n_weights, n_flows, n;
    double gram[WEIGHTS_MAX][WEIGHTS_MAX];
    double right[FLOWS_MAX][WEIGHTS_MAX];
    double yy[FLOWS_MAX];
};

struct solved {
    double root[WEIGHTS_MAX][WEIGHTS_MAX]; // of the gram with its ridge (Cholesky); lower half
    double weights[FLOWS_MAX][WEIGHTS_MAX];
    double residual[FLOWS_MAX]; // sum of squares
};

/* What a fit takes; large, so it comes from the arena. */
struct work {
    struct normal normal, part, rest, folds[FOLDS];
    struct solved solved, other;
};

static double span_s(int64_t first_ns, int64_t last_ns)
{
    return (double)(last_ns - first_ns) / (double)ET_NS_PER_S;
}

static struct et_latency refused(const char *why, size_t n_joints)
{
    return (struct et_latency){.lag_s = (double)NAN,
                               .sigma_s = (double)NAN,
                               .peak = (double)NAN,
                               .n_values_used = n_joints,
                               .why = why};
}

static size_t n_weights_of(const struct flow_problem *f)
{
    return 1 + (f->has_posture ? 2 : 1) * f->p.n_joints;
}

/* ---- equations at a lag ---- */

/* A walk over the frames at one lag. A moving sum of equations is an equation, too; the noise of
 * encoders, of stamps and of where a tile is seen is in single frames, motion is slower. */
struct walk {
    const struct flow_problem *f;
    int64_t lag_ns;
    size_t k; // the frame that came in last
    size_t from[ET__LAG_JOINTS_MAX];
    double q[2][ET__LAG_JOINTS_MAX];
    struct equation ring[SPAN];
    bool is_used[SPAN];
    struct equation sum;
    size_t middle; // the frame that the sum is around
};

static void open_walk(struct walk *walk, const struct flow_problem *f, double lag_s)
{
    walk->f = f;
    walk->lag_ns = (int64_t)llround(lag_s * (double)ET_NS_PER_S);
    walk->k = 0;
    memset(walk->from, 0, sizeof walk->from);
    memset(walk->is_used, 0, sizeof walk->is_used);
    et__lag_read(&f->p, f->p.frames[0].t_ns - walk->lag_ns, walk->from, walk->q[0]);
}

static void put_equation(const struct flow_problem *f, size_t k, const double *before,
                         const double *now, struct equation *equation)
{
    const size_t n = f->p.n_joints;
    double posture = 0;
    equation->x[0] = 1;
    for (size_t j = 0; j < n; j++) {
        equation->x[1 + j] = now[j] - before[j];
        posture += f->chief[j] * ((now[j] + before[j]) / 2 - f->middle[j]);
    }
    for (size_t j = 0; j < n && f->has_posture; j++)
        equation->x[1 + n + j] = posture * equation->x[1 + j];
    for (size_t i = 0; i < f->n_flows; i++)
        equation->y[i] = f->motion->flows[f->p.frames[k].i * f->n_flows + i];
}

/* The weighted sum of what the ring holds; false when too little of it counts. */
static bool sum_ring(struct walk *walk, size_t k)
{
    const struct flow_problem *f = walk->f;
    const size_t n_weights = n_weights_of(f), n_flows = f->n_flows;
    bool is_any = false;
    memset(&walk->sum, 0, sizeof walk->sum);
    for (size_t i = SPAN - f->n_taps; i < SPAN; i++) {
        const size_t at = (k + 1 + i) % SPAN; // the oldest first
        const double weight = f->filter[i];
        if (!walk->is_used[at] && f->needs_all)
            return false;
        if (!walk->is_used[at])
            continue;
        is_any = true;
        for (size_t j = 0; j < n_weights; j++)
            walk->sum.x[j] += weight * walk->ring[at].x[j];
        for (size_t j = 0; j < n_flows; j++)
            walk->sum.y[j] += weight * walk->ring[at].y[j];
    }
    return is_any;
}

static bool walk_next(struct walk *walk)
{
    const struct et__lag_problem *p = &walk->f->p;
    while (++walk->k < p->n_frames + SPAN / 2) {
        const size_t k = walk->k, at = k % SPAN;
        walk->is_used[at] = k < p->n_frames && p->frames[k].is_used;
        if (k < p->n_frames)
            et__lag_read(p, p->frames[k].t_ns - walk->lag_ns, walk->from, walk->q[k % 2]);
        if (walk->is_used[at])
            put_equation(walk->f, k, walk->q[(k - 1) % 2], walk->q[k % 2], &walk->ring[at]);
        walk->middle = k < SPAN / 2 ? 0 : k - SPAN / 2;
        if (k % walk->f->stride == 0 && sum_ring(walk, k))
            return true;
    }
    return false;
}

/* ---- fit ---- */

static void clear(struct normal *normal, const struct flow_problem *f)
{
    memset(normal, 0, sizeof *normal);
    normal->n_weights = n_weights_of(f);
    normal->n_flows = f->n_flows;
}

static void add(struct normal *normal, const struct equation *equation)
{
    const double *x = equation->x;
    for (size_t i = 0; i < normal->n_weights; i++)
        for (size_t j = 0; j <= i; j++)
            normal->gram[i][j] += x[i] * x[j];
    for (size_t k = 0; k < normal->n_flows; k++) {
        const double y = equation->y[k];
        for (size_t i = 0; i < normal->n_weights; i++)
            normal->right[k][i] += x[i] * y;
        normal->yy[k] += y * y;
    }
    normal->n++;
}

/* Cholesky's root. What the columns before hold already takes no part. */
static void take_root(const struct normal *normal, size_t n_joints, struct solved *solved)
{
    for (size_t i = 0; i < normal->n_weights; i++) {
        double *row = solved->root[i];
        for (size_t c = 0; c <= i; c++) {
            double sum = normal->gram[i][c];
            if (c == i && i > 0)
                sum += i > n_joints ? RIDGE * normal->gram[i - n_joints][i - n_joints]
                                    : RIDGE_WAYS * normal->gram[i][i];
            for (size_t d = 0; d < c; d++)
                sum -= row[d] * solved->root[c][d];
            if (c < i)
                row[c] = sum / solved->root[c][c];
            else
                row[i] = sum > PIVOT_MIN * normal->gram[i][i] ? sqrt(sum) : (double)INFINITY;
        }
    }
}

/* x of root × rootᵀ × x = right. */
static void solve(const struct solved *solved, size_t n, const double *right, double *x)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = right[i];
        for (size_t d = 0; d < i; d++)
            x[i] -= solved->root[i][d] * x[d];
        x[i] /= solved->root[i][i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t d = i + 1; d < n; d++)
            x[i] -= solved->root[d][i] * x[d];
        x[i] /= solved->root[i][i];
    }
}

/* Sum of squares that weights leave of what the equations of flow k are made of. */
static double left_by(const struct normal *normal, size_t k, const double *weights)
{
    double left = normal->yy[k];
    for (size_t i = 0; i < normal->n_weights; i++) {
        left += weights[i] * (weights[i] * normal->gram[i][i] - 2 * normal->right[k][i]);
        for (size_t j = 0; j < i; j++)
            left += 2 * weights[i] * weights[j] * normal->gram[i][j];
    }
    return fmax(0, left);
}

static void solve_all(const struct normal *normal, size_t n_joints, struct solved *solved)
{
    take_root(normal, n_joints, solved);
    for (size_t k = 0; k < normal->n_flows; k++) {
        solve(solved, normal->n_weights, normal->right[k], solved->weights[k]);
        solved->residual[k] = left_by(normal, k, solved->weights[k]);
    }
}

static void fit_at(const struct flow_problem *f, double lag_s, struct work *work)
{
    struct walk walk;
    clear(&work->normal, f);
    for (open_walk(&walk, f, lag_s); walk_next(&walk);)
        add(&work->normal, &walk.sum);
    solve_all(&work->normal, f->p.n_joints, &work->solved);
}

static double variance_of(const struct work *work, size_t k)
{
    return work->solved.residual[k] / (double)(work->normal.n + 1);
}

/* Of independent measures of unknown variance, each profiled out: −log likelihood. */
static double cost_at(const struct flow_problem *f, double lag_s, struct work *work)
{
    double cost = 0;
    fit_at(f, lag_s, work);
    for (size_t k = 0; k < f->n_flows; k++)
        if (f->is_on[k])
            cost += (double)work->normal.n / 2 * log(variance_of(work, k) + 1e-30);
    return cost;
}

static double predicted(const double *weights, const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += weights[i] * x[i];
    return sum;
}

/* ---- search ---- */

struct search {
    double first_s, step_s;
    size_t n, best;
    double *costs;
};

static bool search_lags(const struct flow_problem *f, const struct et_camera_latency_options *o,
                        struct et_arena *arena, struct work *work, struct search *search)
{
    search->step_s = fmax(STEP_MIN_S, fmin(STEP_MAX_S, f->p.period_s / 2));
    search->step_s = fmax(search->step_s, (o->lag_max_s - o->lag_min_s) / (LAGS_MAX - 10));
    search->first_s = o->lag_min_s - ET__LAG_BORDER * search->step_s;
    search->n =
        (size_t)ceil((o->lag_max_s - o->lag_min_s) / search->step_s) + 2 * ET__LAG_BORDER + 1;
    search->costs = et_arena_array(arena, search->n, sizeof *search->costs);
    if (!search->costs)
        return false;
    search->best = 0;
    for (size_t i = 0; i < search->n; i++) {
        search->costs[i] = cost_at(f, search->first_s + (double)i * search->step_s, work);
        if (search->costs[i] < search->costs[search->best])
            search->best = i;
    }
    return true;
}

/* Goes to the lag beside which, half a period to either side, as much is left: the noise of
 * readings is alike there, however it depends on where between samples they are. In units of the
 * deviation of what is left at the lag. */
static double balance(const struct flow_problem *f, double lag_s, struct work *work, double *bend)
{
    const double step_s = f->p.period_s / 2;
    double variances[FLOWS_MAX];
    for (int i = 0; i < REFINEMENTS; i++) {
        double costs[3];
        fit_at(f, lag_s, work);
        for (size_t k = 0; k < f->n_flows; k++)
            variances[k] = variance_of(work, k) + 1e-30;
        for (int side = 0; side < 3; side++) {
            costs[side] = 0;
            fit_at(f, lag_s + (side - 1) * step_s, work);
            for (size_t k = 0; k < f->n_flows; k++)
                if (f->is_on[k])
                    costs[side] += work->solved.residual[k] / variances[k] / 2;
        }
        *bend = (costs[0] - 2 * costs[1] + costs[2]) / (step_s * step_s);
        if (!(*bend > 0))
            break;
        lag_s += fmax(-step_s, fmin(step_s, (costs[0] - costs[2]) / (2 * step_s * *bend)));
    }
    return lag_s;
}

/* Takes frames far off the fit out: frozen ones, a hand before the lens. False: the arena. */
static bool drop_outliers(struct flow_problem *f, double lag_s, struct et_arena *arena,
                          struct work *work)
{
    struct et__lag_problem *p = &f->p;
    double *off = et_arena_array(arena, p->n_frames, sizeof *off);
    double *sorted = et_arena_array(arena, p->n_frames, sizeof *sorted);
    struct walk walk;
    size_t n = 0;
    if (!off || !sorted)
        return false;
    fit_at(f, lag_s, work);
    for (open_walk(&walk, f, lag_s); walk_next(&walk);) {
        double sum = 0;
        for (size_t k = 0; k < f->n_flows; k++) {
            const double error = walk.sum.y[k] - predicted(work->solved.weights[k], walk.sum.x,
                                                           work->normal.n_weights);
            sum += error * error / (variance_of(work, k) + 1e-30);
        }
        off[walk.middle] = sum;
        sorted[n++] = sum;
    }
    const double limit = OUTLIER * et_median_of(sorted, n);
    for (size_t k = 0; k < p->n_frames; k++)
        if (off[k] > limit)
            for (size_t i = k < 1 ? 0 : k - 1; i <= k + 1 && i < p->n_frames; i++) {
                p->n_used -= p->frames[i].is_used;
                p->frames[i].is_used = false;
            }
    return true;
}

/* ---- posture ---- */

/* The direction in which postures differ most (the first principal component, by the power method),
 * scaled to a deviation of 1: a camera sees joints through a Jacobian that depends on posture. */
static void find_posture(struct flow_problem *f, double lag_s, struct work *work)
{
    const struct et__lag_problem *p = &f->p;
    const size_t n = p->n_joints;
    double(*spread)[WEIGHTS_MAX] = work->part.gram, q[ET__LAG_JOINTS_MAX], size = 0;
    for (int pass = 0; pass < 2; pass++) { // the middle first
        size_t from[ET__LAG_JOINTS_MAX] = {0};
        memset(work->part.gram, 0, sizeof work->part.gram);
        for (size_t k = 0; k < p->n_frames; k++) {
            et__lag_read(p, p->frames[k].t_ns - (int64_t)llround(lag_s * ET_NS_PER_S), from, q);
            for (size_t i = 0; i < n && pass == 0 && p->frames[k].is_used; i++)
                f->middle[i] += q[i] / (double)p->n_used;
            for (size_t i = 0; i < n && pass == 1 && p->frames[k].is_used; i++)
                for (size_t j = 0; j < n; j++)
                    spread[i][j] +=
                        (q[i] - f->middle[i]) * (q[j] - f->middle[j]) / (double)p->n_used;
        }
    }
    for (size_t i = 0; i < n; i++)
        f->chief[i] = 1 + 0.1 * (double)i;
    for (int step = 0; step < POWER_STEPS; step++) {
        double next[ET__LAG_JOINTS_MAX] = {0}, squares = 0;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++)
                next[i] += spread[i][j] * f->chief[j];
            squares += next[i] * next[i];
        }
        size = sqrt(squares);
        for (size_t i = 0; i < n; i++)
            f->chief[i] = size > 0 ? next[i] / size : 0;
    }
    for (size_t i = 0; i < n; i++)
        f->chief[i] /= size > 0 ? sqrt(size) : 1;
    f->has_posture = size > 0;
}

/* ---- whitening ---- */

/* Equations as the search takes them. */
static void sum_up(struct flow_problem *f)
{
    for (size_t i = 0; i < SPAN; i++)
        f->filter[i] = (double)(i < SPAN / 2 ? i + 1 : SPAN - i);
    f->n_taps = SPAN;
    f->stride = STRIDE;
    f->needs_all = false;
}

/* Each frame's equation alone. */
static void take_singly(struct flow_problem *f)
{
    f->filter[SPAN - 1] = 1;
    f->n_taps = f->stride = 1;
    f->needs_all = true;
}

/* How alike the residuals of frames are that are so many apart: over all measures that count, each
 * in units of its own deviation. */
static void correlate(const struct flow_problem *f, double lag_s, struct work *work,
                      double alike[SPAN])
{
    double last[SPAN][FLOWS_MAX]; // residuals, by frame
    size_t at[SPAN], n[SPAN] = {0};
    struct walk walk;
    fit_at(f, lag_s, work);
    for (size_t i = 0; i < SPAN; i++) {
        alike[i] = 0;
        at[i] = SIZE_MAX;
    }
    for (open_walk(&walk, f, lag_s); walk_next(&walk);) {
        double *now = last[walk.k % SPAN];
        at[walk.k % SPAN] = walk.k;
        for (size_t k = 0; k < f->n_flows; k++) {
            const double error = walk.sum.y[k] - predicted(work->solved.weights[k], walk.sum.x,
                                                           work->normal.n_weights);
            now[k] = f->is_on[k] ? error / sqrt(variance_of(work, k) + 1e-30) : 0;
        }
        for (size_t i = 0; i < SPAN && i <= walk.k; i++) {
            const size_t from = (walk.k - i) % SPAN;
            if (at[from] != walk.k - i)
                continue;
            n[i]++;
            for (size_t k = 0; k < f->n_flows; k++)
                alike[i] += now[k] * last[from][k];
        }
    }
    for (size_t i = 0; i < SPAN; i++)
        alike[i] /= (double)(n[i] + 1);
}

/* The filter that leaves residuals white: an encoder's noise stands in the differences of its
 * readings with either sign, what joints do not explain lasts for many frames, and both are worth
 * less than they seem. By the method of Levinson and Durbin. */
static void whiten(struct flow_problem *f, double lag_s, struct work *work)
{
    double alike[SPAN], ahead[SPAN] = {1}, left;
    take_singly(f);
    correlate(f, lag_s, work, alike);
    left = alike[0];
    for (size_t n = 1; n < SPAN && left > 0; n++) {
        double before[SPAN], sum = 0;
        memcpy(before, ahead, sizeof before);
        for (size_t i = 0; i < n; i++)
            sum += before[i] * alike[n - i];
        const double reflected = fmax(-REFLECTED_MAX, fmin(REFLECTED_MAX, -sum / left));
        for (size_t i = 1; i <= n; i++)
            ahead[i] = before[i] + reflected * before[n - i];
        left *= 1 - reflected * reflected;
    }
    for (size_t i = 0; i < SPAN; i++)
        f->filter[SPAN - 1 - i] = ahead[i];
    f->n_taps = SPAN;
}

/* ---- judgement ---- */

/* Variance of the lag, by the scores of blocks (the sandwich of Liang and Zeger 1986, Biometrika
 * 73(1), 13): of each flow its slope by lag, of which what other weights could make is taken out,
 * times its residual. */
static double score_spread(const struct flow_problem *f, double lag_s, struct work *work)
{
    const size_t n_weights = n_weights_of(f);
    struct walk at, before, after;
    double block = 0, blocks = 0;
    const double step_s = f->p.period_s / 2;
    int64_t from_ns = f->p.frames[0].t_ns;
    fit_at(f, lag_s, work);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 0)
            clear(&work->part, f);
        open_walk(&at, f, lag_s);
        open_walk(&before, f, lag_s - step_s);
        open_walk(&after, f, lag_s + step_s);
        while (walk_next(&at) && walk_next(&before) && walk_next(&after)) {
            struct equation slope = at.sum;
            double score = 0;
            for (size_t k = 0; k < f->n_flows; k++) {
                const double *weights = work->solved.weights[k];
                slope.y[k] = (predicted(weights, after.sum.x, n_weights) -
                              predicted(weights, before.sum.x, n_weights)) /
                             (2 * step_s);
                if (pass == 1 && f->is_on[k])
                    score += (slope.y[k] - predicted(work->other.weights[k], at.sum.x, n_weights)) *
                             (at.sum.y[k] - predicted(weights, at.sum.x, n_weights)) /
                             (variance_of(work, k) + 1e-30);
            }
            if (pass == 0)
                add(&work->part, &slope);
            const int64_t t_ns = f->p.frames[at.middle].t_ns;
            if (span_s(from_ns, t_ns) > BLOCK_S) {
                blocks += block * block;
                block = 0;
                from_ns = t_ns;
            }
            block += score;
        }
        if (pass == 0) {
            solve_all(&work->part, f->p.n_joints, &work->other);
            blocks = block = 0;
            from_ns = f->p.frames[0].t_ns;
        }
    }
    return blocks + block * block;
}

/* Takes the equations of one part out. */
static void take_out(const struct normal *all, const struct normal *part, struct normal *rest)
{
    *rest = *all;
    for (size_t i = 0; i < all->n_weights; i++)
        for (size_t j = 0; j <= i; j++)
            rest->gram[i][j] -= part->gram[i][j];
    for (size_t k = 0; k < all->n_flows; k++) {
        for (size_t i = 0; i < all->n_weights; i++)
            rest->right[k][i] -= part->right[k][i];
        rest->yy[k] -= part->yy[k];
    }
}

/* Share of each flow that weights fitted to other stretches foretell. */
static void foretell(const struct flow_problem *f, double lag_s, struct work *work,
                     double shares[FLOWS_MAX])
{
    struct walk walk;
    double left[FLOWS_MAX] = {0};
    fit_at(f, lag_s, work);
    for (int i = 0; i < FOLDS; i++)
        clear(&work->folds[i], f);
    for (open_walk(&walk, f, lag_s); walk_next(&walk);) {
        const double since_s = span_s(f->p.frames[0].t_ns, f->p.frames[walk.middle].t_ns);
        add(&work->folds[(size_t)(since_s / STRETCH_S) % FOLDS], &walk.sum);
    }
    for (int i = 0; i < FOLDS; i++) {
        take_out(&work->normal, &work->folds[i], &work->rest);
        solve_all(&work->rest, f->p.n_joints, &work->other);
        for (size_t k = 0; k < f->n_flows; k++)
            left[k] += left_by(&work->folds[i], k, work->other.weights[k]);
    }
    for (size_t k = 0; k < f->n_flows; k++)
        shares[k] = work->normal.yy[k] > 0 ? fmax(0, 1 - left[k] / work->normal.yy[k]) : 0;
}

/* Measures of which the best lag explains little are left out; false: all of them. */
static bool choose_flows(struct flow_problem *f, double lag_s, struct work *work)
{
    bool is_any = false;
    fit_at(f, lag_s, work);
    for (size_t k = 0; k < f->n_flows; k++) {
        f->is_on[k] = work->solved.residual[k] < (1 - EXPLAINED_MIN) * work->normal.yy[k];
        is_any = is_any || f->is_on[k];
    }
    return is_any;
}

/* A frame needs all of its flows. False: there are none, or too few. */
static bool use_flows(struct flow_problem *f)
{
    struct et__lag_problem *p = &f->p;
    if (p->n_joints == 0 || p->n_frames == 0)
        return false;
    for (size_t k = 0; k < p->n_frames; k++) {
        const double *flows = &f->motion->flows[p->frames[k].i * f->n_flows];
        for (size_t i = 0; i < f->n_flows && p->frames[k].is_used; i++)
            p->frames[k].is_used = isfinite(flows[i]);
    }
    p->n_used = 0;
    for (size_t k = 0; k < p->n_frames; k++)
        p->n_used += p->frames[k].is_used;
    return et__lag_is_enough(p);
}

/* How much better the best lag is than lags in general: a share of the variance, of a measure. */
static double distinct_of(const struct flow_problem *f, const struct search *search, size_t n)
{
    size_t n_on = 0;
    const double least = search->costs[search->best];
    const double general = et_median_of(search->costs, search->n);
    for (size_t k = 0; k < f->n_flows; k++)
        n_on += f->is_on[k];
    return 1 - exp(-2 * (general - least) / (double)(n * n_on + 1));
}

/* Takes even times where they explain the pictures better than their stamps do. */
static void take_even_times(struct flow_problem *f, double lag_s, struct work *work)
{
    take_singly(f);
    et__lag_make_even(&f->p);
    const double as_stamped = cost_at(f, lag_s, work);
    et__lag_swap_times(&f->p);
    if (!(cost_at(f, lag_s, work) < as_stamped))
        et__lag_swap_times(&f->p);
    sum_up(f);
}

static const char NOT_AS_JOINTS[] = "the pictures do not move as the joints do";

/* The search again without outliers, then posture, then the lag itself. False: the arena. */
static bool judge(struct flow_problem *f, const struct et_camera_latency_options *o,
                  struct et_arena *arena, struct work *work, struct et_latency *latency)
{
    struct search search = {0};
    double shares[FLOWS_MAX], bend = 0, share = 0;
    if (!search_lags(f, o, arena, work, &search))
        return false;
    const double rough_s = search.first_s + (double)search.best * search.step_s;
    for (int i = 0; i < OUTLIER_PASSES; i++)
        if (!drop_outliers(f, rough_s, arena, work))
            return false;
    if (!et__lag_is_enough(&f->p) || !choose_flows(f, rough_s, work)) {
        *latency = refused(NOT_AS_JOINTS, f->p.n_joints);
        return true;
    }
    take_even_times(f, rough_s, work);
    if (!search_lags(f, o, arena, work, &search))
        return false;
    if (search.best < ET__LAG_BORDER - 1 || search.best + ET__LAG_BORDER >= search.n) {
        *latency = refused("the best lag lies beyond the range that was searched", f->p.n_joints);
        return true;
    }
    double lag_s = search.first_s + (double)search.best * search.step_s;
    const double distinct = distinct_of(f, &search, work->normal.n);
    if (f->p.n_used >= FRAMES_A_WEIGHT * (1 + 2 * f->p.n_joints))
        find_posture(f, lag_s, work);
    // Sums and differences of frames err in their own ways: where they differ, both may.
    lag_s = balance(f, lag_s, work, &bend);
    const double smooth_s = lag_s;
    for (int i = 0; i < WHITENINGS; i++) {
        whiten(f, lag_s, work);
        lag_s = balance(f, lag_s, work, &bend);
    }
    foretell(f, lag_s, work, shares);
    for (size_t k = 0; k < f->n_flows; k++)
        share = f->is_on[k] ? fmax(share, shares[k]) : share;
    *latency = (struct et_latency){
        .is_known = true,
        .lag_s = lag_s,
        .peak = sqrt(share),
        .confidence = sqrt(share) * sqrt(fmax(0, distinct)),
        .n_values_used = f->p.n_joints,
        .why = "",
    };
    if (latency->confidence < o->confidence_min || !(bend > 0))
        *latency = refused(NOT_AS_JOINTS, f->p.n_joints);
    else
        latency->sigma_s = hypot(sqrt(score_spread(f, lag_s, work)) / bend,
                                 hypot((lag_s - smooth_s) / 2, SIGMA_MIN_S));
    return true;
}

bool et__lag_by_flow(const struct et__lag_problem *blank, const struct et_camera_motion *motion,
                     const struct et_track *tracks, size_t n_tracks,
                     const struct et_camera_latency_options *options, struct et_arena *arena,
                     struct et_latency *latency)
{
    struct flow_problem f = {.p = *blank, .motion = motion, .n_flows = motion->n_flows};
    struct work *work = et_arena_array(arena, 1, sizeof *work);
    *latency = refused("", 0);
    f.p.speed_min = SPEED_MIN;
    sum_up(&f);
    for (size_t k = 0; k < FLOWS_MAX; k++)
        f.is_on[k] = true;
    if (!work || !et__lag_pose(&f.p, motion, tracks, n_tracks, arena))
        return false;
    return !use_flows(&f) || judge(&f, options, arena, work, latency);
}

#include "curate/curate__residual.h"

#include "etude/stats.h"

#include <math.h>

/* Unknowns: the mass of what each joint carries, then what is each joint's own. */

#define SAMPLES_MAX 3000                 // of the recording, evenly: more tell the same again
#define COLUMNS_BYTES ((size_t)24 << 20) // of the torques of each body alone
#define ROUNDS 6
#define TRIM_SIGMAS 4.0
/* Errors of a model last as long as a movement: so many samples count as one. */
#define SAMPLES_ALIKE 20.0
#define MASS_SIGMA 0.15 // what a URDF's masses are taken to be good to

struct fit {
    size_t n_joints, n_unknowns;
    size_t n;   // samples that are used
    size_t *at; // n, of the motion
    const struct et__motion *motion;
    double *columns;               // n × n_joints (of the torque) × n_joints (bodies)
    struct et__friction *friction; // n × n_joints
    double *sigma;                 // n_joints
    double *x;                     // n_unknowns
    double *matrix, *right;        // normal equations, lower triangle
    double *row;                   // n_joints + ET__N_OWN
    double *scratch;               // n
    bool *is_held;                 // n_unknowns: at 0, where it would be negative
    bool *is_used;                 // n
};

void et__friction_step(struct et__friction *friction, double way, double v)
{
    static const double length[ET__N_BRISTLES] = {0.0005, 0.003, 0.02};
    const double creep_speed = 0.02, end = way < 0 ? -1 : 1;
    for (size_t i = 0; i < ET__N_BRISTLES; i++)
        friction->shape[i] = end + (friction->shape[i] - end) * exp(-fabs(way) / length[i]);
    friction->shape[ET__N_BRISTLES] = tanh(v / creep_speed);
}

static enum et_status allocate(struct fit *f, struct et_arena *arena, struct et_err *err)
{
    const size_t j = f->n_joints, u = f->n_unknowns, n = f->n;
    f->columns = et_arena_array(arena, n, j * j * sizeof *f->columns);
    f->friction = et_arena_array(arena, n, j * sizeof *f->friction);
    f->sigma = et_arena_array(arena, j, sizeof *f->sigma);
    f->x = et_arena_array(arena, u, sizeof *f->x);
    f->matrix = et_arena_array(arena, u * u, sizeof *f->matrix);
    f->right = et_arena_array(arena, u, sizeof *f->right);
    f->row = et_arena_array(arena, j + ET__N_OWN, sizeof *f->row);
    f->scratch = et_arena_array(arena, n, sizeof *f->scratch);
    f->is_held = et_arena_array(arena, u, sizeof *f->is_held);
    f->is_used = et_arena_array(arena, n, sizeof *f->is_used);
    if (!f->columns || !f->friction || !f->sigma || !f->x || !f->matrix || !f->right || !f->row ||
        !f->scratch || !f->is_held || !f->is_used)
        return et_arena_fail(arena, "the fit of a robot's friction", err);
    return ET_OK;
}

// How far the joints go between two samples, all together.
static double way_to(const struct et__motion *m, size_t from, size_t to)
{
    double sum = 0;
    for (size_t j = 0; j < m->n_joints; j++)
        sum += fabs(m->q[to * m->n_joints + j] - m->q[from * m->n_joints + j]);
    return sum;
}

static size_t next_known(const struct et__motion *m, size_t i)
{
    while (i < m->n && !m->is_known[i])
        i++;
    return i;
}

/* Samples evenly over time and over the way gone, half and half: an arm that rests most of the time
 * must not teach only how it rests. */
static enum et_status choose_samples(struct fit *f, struct et_arena *arena, struct et_err *err)
{
    const struct et__motion *m = f->motion;
    size_t n_known = 0;
    double way = 1e-9;
    for (size_t i = next_known(m, 0), before = i; i < m->n; i = next_known(m, i + 1)) {
        way += way_to(m, before, i);
        before = i;
        n_known++;
    }
    size_t n_most = COLUMNS_BYTES / (f->n_joints * f->n_joints * sizeof(double));
    n_most = n_most < SAMPLES_MAX ? n_most : SAMPLES_MAX;
    n_most = n_known < n_most ? n_known : n_most;
    f->at = et_arena_array(arena, n_most, sizeof *f->at);
    if (!f->at)
        return et_arena_fail(arena, "the fit of a robot's friction", err);
    double done = 0;
    for (size_t i = next_known(m, 0), before = i; i < m->n && f->n < n_most;
         i = next_known(m, i + 1)) {
        done += 0.5 / (double)n_known + 0.5 * way_to(m, before, i) / way;
        before = i;
        if (done * (double)n_most >= (double)f->n + 0.5)
            f->at[f->n++] = i;
    }
    return ET_OK;
}

// The torque of each body alone, at every sample.
static enum et_status fill_columns(struct fit *f, struct et_dynamics *dynamics, struct et_err *err)
{
    const size_t n_joints = f->n_joints;
    double scale[ET_RESIDUAL_JOINTS_MAX] = {0}, torque[ET_RESIDUAL_JOINTS_MAX];
    enum et_status st = ET_OK;
    for (size_t body = 0; body < n_joints && st == ET_OK; body++) {
        scale[body] = 1;
        st = et_dynamics_scale(dynamics, scale, err);
        scale[body] = 0;
        for (size_t k = 0; k < f->n && st == ET_OK; k++) {
            const size_t at = f->at[k] * n_joints;
            st = et_dynamics_inverse(dynamics, f->motion->q + at, f->motion->v + at,
                                     f->motion->a + at, torque, err);
            for (size_t j = 0; j < n_joints; j++)
                f->columns[(k * n_joints + j) * n_joints + body] = torque[j];
        }
    }
    return st;
}

// Friction remembers, so every sample is walked through.
static void fill_friction(struct fit *f, size_t j)
{
    struct et__friction now = {{0}};
    const double *before = NULL;
    for (size_t i = 0, k = 0; i < f->motion->n && k < f->n; i++) {
        if (!f->motion->is_known[i])
            continue;
        const double *q = f->motion->q + i * f->n_joints + j;
        et__friction_step(&now, before ? *q - *before : 0, f->motion->v[i * f->n_joints + j]);
        before = q;
        if (f->at[k] == i)
            f->friction[k++ * f->n_joints + j] = now;
    }
}

// The row of sample k and joint j: n_joints masses, then the joint's own.
static double fill_row(const struct fit *f, size_t k, size_t j)
{
    const size_t n_joints = f->n_joints, at = f->at[k] * n_joints + j;
    memcpy(f->row, f->columns + (k * n_joints + j) * n_joints, n_joints * sizeof *f->row);
    double *own = f->row + n_joints;
    own[ET__OWN_VISCOUS] = f->motion->v[at];
    own[ET__OWN_OFFSET] = 1;
    own[ET__OWN_INERTIA] = f->motion->a[at];
    for (size_t i = 0; i < ET__N_RUBS; i++)
        own[ET__OWN_RUB + i] = f->friction[k * n_joints + j].shape[i];
    return f->motion->effort[at];
}

static size_t unknown_of(const struct fit *f, size_t j, size_t i_row)
{
    return i_row < f->n_joints ? i_row : f->n_joints + j * ET__N_OWN + (i_row - f->n_joints);
}

static double model_of(const struct fit *f, size_t j)
{
    double sum = 0;
    for (size_t i = 0; i < f->n_joints + ET__N_OWN; i++)
        sum += f->row[i] * f->x[unknown_of(f, j, i)];
    return sum;
}

/* How far from its usual value an unknown may well be. Wide for all but the masses: they only keep
 * a joint that does not move from taking any value. */
static double prior_sigma(const struct fit *f, size_t i)
{
    static const double own[ET__OWN_RUB] = {10, 100, 0.1};
    const size_t i_own = (i - f->n_joints) % ET__N_OWN; // of no use for a mass
    if (i < f->n_joints)
        return MASS_SIGMA;
    return i_own < ET__OWN_RUB ? own[i_own] : 10;
}

static void add_row(struct fit *f, size_t j, double torque)
{
    const double weight = 1 / (f->sigma[j] * f->sigma[j] * SAMPLES_ALIKE);
    for (size_t a = 0; a < f->n_joints + ET__N_OWN; a++) {
        const size_t ua = unknown_of(f, j, a);
        const double wa = weight * f->row[a];
        if (wa == 0)
            continue;
        f->right[ua] += wa * torque;
        for (size_t b = 0; b <= a; b++)
            f->matrix[ua * f->n_unknowns + unknown_of(f, j, b)] += wa * f->row[b];
    }
}

static void build(struct fit *f)
{
    const size_t u = f->n_unknowns;
    memset(f->matrix, 0, u * u * sizeof *f->matrix);
    memset(f->right, 0, u * sizeof *f->right);
    for (size_t k = 0; k < f->n; k++)
        for (size_t j = 0; f->is_used[k] && j < f->n_joints; j++)
            add_row(f, j, fill_row(f, k, j));
    for (size_t i = 0; i < u; i++) {
        const double weight = 1 / (prior_sigma(f, i) * prior_sigma(f, i));
        f->matrix[i * u + i] += weight;
        f->right[i] += i < f->n_joints ? weight : 0;
    }
    for (size_t i = 0; i < u; i++) {
        if (!f->is_held[i])
            continue;
        for (size_t k = 0; k < u; k++)
            f->matrix[i * u + k] = f->matrix[k * u + i] = 0;
        f->matrix[i * u + i] = 1;
        f->right[i] = 0;
    }
}

/* Cholesky in place (Golub and Van Loan, 4.2.5), then both triangles. The priors make the matrix
 * positive definite; false only where numbers overflowed. */
static bool solve(struct fit *f)
{
    const size_t u = f->n_unknowns;
    double *m = f->matrix;
    for (size_t i = 0; i < u; i++) {
        for (size_t k = 0; k <= i; k++) {
            double sum = m[i * u + k];
            for (size_t c = 0; c < k; c++)
                sum -= m[i * u + c] * m[k * u + c];
            if (i == k && !(sum > 0 && isfinite(sum)))
                return false;
            m[i * u + k] = i == k ? sqrt(sum) : sum / m[k * u + k];
        }
    }
    for (size_t i = 0; i < u; i++) {
        double sum = f->right[i];
        for (size_t c = 0; c < i; c++)
            sum -= m[i * u + c] * f->right[c];
        f->right[i] = sum / m[i * u + i];
    }
    for (size_t i = u; i-- > 0;) {
        double sum = f->right[i];
        for (size_t c = i + 1; c < u; c++)
            sum -= m[c * u + i] * f->right[c];
        f->right[i] = sum / m[i * u + i];
    }
    memcpy(f->x, f->right, u * sizeof *f->x);
    return true;
}

// Friction, inertia and mass are not negative: what would be is held at 0. True when any is new.
static bool hold_negative(struct fit *f)
{
    bool is_new = false;
    for (size_t i = 0; i < f->n_unknowns; i++) {
        const bool may_be = i >= f->n_joints && (i - f->n_joints) % ET__N_OWN == ET__OWN_OFFSET;
        if (may_be || f->is_held[i] || f->x[i] >= 0)
            continue;
        f->is_held[i] = is_new = true;
    }
    return is_new;
}

// Residuals of one joint at the used samples into scratch; how many.
static size_t residuals_of(const struct fit *f, size_t j)
{
    size_t n = 0;
    for (size_t k = 0; k < f->n; k++) {
        if (!f->is_used[k])
            continue;
        const double torque = fill_row(f, k, j);
        f->scratch[n++] = fabs(torque - model_of(f, j));
    }
    return n;
}

static void spread(struct fit *f)
{
    for (size_t j = 0; j < f->n_joints; j++) {
        const size_t n = residuals_of(f, j);
        const double sigma = n ? 1.4826 * et_median_of(f->scratch, n) : 1;
        f->sigma[j] = fmax(sigma, 1e-3);
    }
}

// A sample that one joint does not fit is left out with all its joints: a touch is felt by many.
static void trim(struct fit *f)
{
    for (size_t k = 0; k < f->n; k++) {
        f->is_used[k] = true;
        for (size_t j = 0; j < f->n_joints && f->is_used[k]; j++) {
            const double torque = fill_row(f, k, j);
            f->is_used[k] = fabs(torque - model_of(f, j)) <= TRIM_SIGMAS * f->sigma[j];
        }
    }
}

static void start(struct fit *f)
{
    for (size_t k = 0; k < f->n; k++)
        f->is_used[k] = true;
    for (size_t i = 0; i < f->n_joints; i++)
        f->x[i] = 1;
    // The offset alone, by the median, so that the first spread is not one of offsets.
    for (size_t j = 0; j < f->n_joints; j++) {
        for (size_t k = 0; k < f->n; k++)
            f->scratch[k] = fill_row(f, k, j) - model_of(f, j);
        f->x[f->n_joints + j * ET__N_OWN + ET__OWN_OFFSET] = et_median_of(f->scratch, f->n);
    }
}

// What the fitted masses ask of all joints together, against what the URDF's ask.
static double common_scale(const struct fit *f)
{
    double both = 0, plain = 0;
    for (size_t i = 0; i < f->n * f->n_joints; i++) {
        const double *column = f->columns + i * f->n_joints;
        double as_read = 0, as_fitted = 0;
        for (size_t body = 0; body < f->n_joints; body++) {
            as_read += column[body];
            as_fitted += column[body] * f->x[body];
        }
        both += as_read * as_fitted;
        plain += as_read * as_read;
    }
    return plain > 0 ? both / plain : 1;
}

static bool iterate(struct fit *f)
{
    start(f);
    for (size_t round = 0; round < ROUNDS; round++) {
        spread(f);
        if (round > 0)
            trim(f);
        memset(f->is_held, 0, f->n_unknowns * sizeof *f->is_held);
        do {
            build(f);
            if (!solve(f))
                return false;
        } while (hold_negative(f));
    }
    return true;
}

enum et_status et__residual_fit(struct et_dynamics *dynamics, const struct et__motion *motion,
                                struct et_arena *arena, struct et__joint_fit *joints,
                                double *mass_scale, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct fit f = {.n_joints = motion->n_joints, .motion = motion};
    f.n_unknowns = f.n_joints * (1 + ET__N_OWN);
    enum et_status st = choose_samples(&f, arena, err);
    if (st == ET_OK)
        st = allocate(&f, arena, err);
    if (st == ET_OK)
        st = fill_columns(&f, dynamics, err);
    for (size_t j = 0; j < f.n_joints && st == ET_OK; j++)
        fill_friction(&f, j);
    if (st == ET_OK && !iterate(&f))
        st = et_fail(err, ET_ECORRUPT, -1, "the torques are too large to be fitted");
    for (size_t j = 0; j < f.n_joints && st == ET_OK; j++) {
        memcpy(joints[j].own, f.x + f.n_joints + j * ET__N_OWN, sizeof joints[j].own);
        joints[j].mass_scale = f.x[j];
    }
    if (st == ET_OK)
        *mass_scale = common_scale(&f);
    et_arena_rewind(arena, mark);
    return st;
}

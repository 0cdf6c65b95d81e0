#include "curate/curate__residual.h"

#include <math.h>

/* Least squares of a parabola over the window around one sample, at its own times: the weights that
 * give value, slope and curvature are the same for every joint (Savitzky and Golay 1964, Analytical
 * Chemistry 36(8), 1627, here for uneven times). */
struct parabola {
    double inverse[3][3]; // of the moments' matrix
};

#define PARABOLA_SAMPLES_MIN 4 // below it, nothing is averaged

// u: time from the sample in windows, −1 … 1, of samples first … last.
static bool fit_parabola(const int64_t *t_ns, size_t first, size_t last, int64_t at_ns,
                         double window_s, struct parabola *fit)
{
    double s[5] = {0};
    for (size_t k = first; k <= last; k++) {
        const double u = (double)(t_ns[k] - at_ns) * 1e-9 / window_s;
        double power = 1;
        for (size_t i = 0; i < 5; i++, power *= u)
            s[i] += power;
    }
    // The inverse by cofactors; symmetric.
    const double a = s[0], b = s[1], c = s[2], d = s[3], e = s[4];
    const double m00 = c * e - d * d, m01 = c * d - b * e, m02 = b * d - c * c;
    const double m11 = a * e - c * c, m12 = b * c - a * d, m22 = a * c - b * b;
    const double det = a * m00 + b * m01 + c * m02;
    if (!(det > 1e-4 * a * a * a)) // evenly spread samples give 0.03 and more
        return false;
    const double inverse[3][3] = {{m00 / det, m01 / det, m02 / det},
                                  {m01 / det, m11 / det, m12 / det},
                                  {m02 / det, m12 / det, m22 / det}};
    memcpy(fit->inverse, inverse, sizeof inverse);
    return true;
}

struct window {
    size_t first, last; // inclusive
};

// Whether samples stand on both sides, near the ends of the window, and without a gap.
static bool is_covered(const int64_t *t_ns, struct window w, size_t i, double window_s)
{
    const double before = (double)(t_ns[i] - t_ns[w.first]) * 1e-9;
    const double after = (double)(t_ns[w.last] - t_ns[i]) * 1e-9;
    if (w.last - w.first + 1 < PARABOLA_SAMPLES_MIN || before < window_s / 2 ||
        after < window_s / 2)
        return false;
    for (size_t k = w.first; k < w.last; k++)
        if ((double)(t_ns[k + 1] - t_ns[k]) * 1e-9 > window_s)
            return false;
    return true;
}

/* A slope over a window is the true slope seen through a kernel: that of a line 1 − u², that of a
 * parabola's curvature (1 − u²)², with the ends half a sample outside (summation by parts). Torques
 * are seen through the same one, or what moves fast would leave a residual. */
static double kernel(double u, size_t n, bool is_twice)
{
    const double end = (double)n / (double)(n - 1);
    const double once = fmax(0, end * end - u * u);
    return is_twice ? once * once : once;
}

static void take_sample(const struct et_residual_input *in, const struct parabola *fit,
                        struct window w, size_t i, double window_s, struct et__motion *motion)
{
    const size_t n_joints = motion->n_joints, n = w.last - w.first + 1;
    double *q = motion->q + i * n_joints, *v = motion->v + i * n_joints;
    double *a = motion->a + i * n_joints, *effort = motion->effort + i * n_joints;
    double sum = 0;
    for (size_t k = w.first; k <= w.last; k++)
        sum += kernel((double)(in->t_ns[k] - in->t_ns[i]) * 1e-9 / window_s, n, !in->velocity);
    for (size_t k = w.first; k <= w.last; k++) {
        const double u = (double)(in->t_ns[k] - in->t_ns[i]) * 1e-9 / window_s;
        const double mean = kernel(u, n, !in->velocity) / sum;
        const double(*m)[3] = fit->inverse;
        const double slope = (m[1][0] + u * (m[1][1] + u * m[1][2])) / window_s;
        const double bend = 2 * (m[2][0] + u * (m[2][1] + u * m[2][2])) / (window_s * window_s);
        const double *position = in->position + k * n_joints;
        const double *torque = in->effort + k * n_joints;
        const double *speed = in->velocity ? in->velocity + k * n_joints : position;
        const double to_v = in->velocity ? mean : slope, to_a = in->velocity ? slope : bend;
        for (size_t j = 0; j < n_joints; j++) {
            q[j] += mean * position[j];
            v[j] += to_v * speed[j];
            a[j] += to_a * speed[j];
            effort[j] += mean * torque[j];
        }
    }
    bool is_finite = true;
    for (size_t j = 0; j < n_joints; j++)
        is_finite &= isfinite(q[j]) && isfinite(v[j]) && isfinite(a[j]) && isfinite(effort[j]);
    motion->is_known[i] = is_finite;
}

enum et_status et__motion_take(const struct et_residual_input *input, size_t n_joints,
                               double window_s, struct et_arena *arena, struct et__motion *motion,
                               struct et_err *err)
{
    const size_t n = input->n_samples, n_values = n * n_joints;
    *motion = (struct et__motion){.n = n, .n_joints = n_joints};
    motion->q = et_arena_array(arena, n_values, sizeof *motion->q);
    motion->v = et_arena_array(arena, n_values, sizeof *motion->v);
    motion->a = et_arena_array(arena, n_values, sizeof *motion->a);
    motion->effort = et_arena_array(arena, n_values, sizeof *motion->effort);
    motion->is_known = et_arena_array(arena, n, sizeof *motion->is_known);
    if (!motion->q || !motion->v || !motion->a || !motion->effort || !motion->is_known)
        return et_arena_fail(arena, "a recording's motion", err);

    const int64_t window_ns = (int64_t)(window_s * 1e9 * 1.0001); // samples on the edge are in it
    struct window w = {0, 0};
    for (size_t i = 0; i < n; i++) {
        const int64_t at = input->t_ns[i];
        while (input->t_ns[w.first] < at - window_ns)
            w.first++;
        while (w.last + 1 < n && input->t_ns[w.last + 1] <= at + window_ns)
            w.last++;
        struct parabola fit;
        if (is_covered(input->t_ns, w, i, window_s) &&
            fit_parabola(input->t_ns, w.first, w.last, at, window_s, &fit))
            take_sample(input, &fit, w, i, window_s, motion);
    }
    return ET_OK;
}

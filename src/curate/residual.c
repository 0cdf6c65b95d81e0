#include "etude/residual.h"

#include "curate/curate__residual.h"
#include "etude/stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define DURATION_MIN_S 5.0
#define RANGE_MIN_RAD 0.05 // a recording in which no joint goes so far tells nothing of a model

struct et_residual_model {
    struct et_dynamics *dynamics;
    size_t n_joints;
};

enum et_status et_residual_open(struct et_residual_model **model, const char *urdf_path,
                                const char *const *joints, size_t n_joints, struct et_err *err)
{
    assert(model && urdf_path);
    *model = NULL;
    if (n_joints == 0 || !joints)
        return et_fail(err, ET_EARG, -1, "no joints are named");
    if (n_joints > ET_RESIDUAL_JOINTS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%zu joints, %d at most", n_joints,
                       ET_RESIDUAL_JOINTS_MAX);
    struct et_residual_model *m = calloc(1, sizeof *m);
    if (!m)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a model");
    const struct et_dynamics_options options = {.joints = joints, .n_joints = n_joints};
    const enum et_status st = et_dynamics_open(&m->dynamics, urdf_path, &options, err);
    if (st != ET_OK) {
        free(m);
        return st;
    }
    m->n_joints = n_joints;
    *model = m;
    return ET_OK;
}

void et_residual_close(struct et_residual_model *model)
{
    if (!model)
        return;
    et_dynamics_close(model->dynamics);
    free(model);
}

static struct et_residual_options with_defaults(const struct et_residual_options *options)
{
    struct et_residual_options o = {0};
    if (options)
        o = *options;
    o.window_s = o.window_s > 0 ? o.window_s : 0.02;
    o.threshold = o.threshold > 0 ? o.threshold : 1.1;
    o.effort_min = o.effort_min > 0 ? o.effort_min : 0.3;
    o.rate_min_hz = o.rate_min_hz > 0 ? o.rate_min_hz : 100;
    o.debounce_s = o.debounce_s > 0 ? o.debounce_s : 0.1;
    o.offset_s = o.offset_s > 0 ? o.offset_s : 1;
    return o;
}

// The rate by the median step, so that a gap does not count.
static enum et_status find_rate(const struct et_residual_input *input, struct et_arena *arena,
                                double *rate_hz, struct et_err *err)
{
    *rate_hz = 0;
    if (input->n_samples < 2)
        return ET_OK;
    const struct et_arena_mark mark = et_arena_mark(arena);
    double *steps = et_arena_array(arena, input->n_samples - 1, sizeof *steps);
    if (!steps)
        return et_arena_fail(arena, "a recording's steps", err);
    for (size_t i = 0; i + 1 < input->n_samples; i++) {
        if (input->t_ns[i + 1] < input->t_ns[i])
            return et_fail(err, ET_EARG, (int64_t)i + 1, "the times fall at sample %zu", i + 1);
        steps[i] = (double)(input->t_ns[i + 1] - input->t_ns[i]) * 1e-9;
    }
    const double step = et_median_of(steps, input->n_samples - 1);
    *rate_hz = step > 0 ? 1 / step : 0;
    et_arena_rewind(arena, mark);
    return ET_OK;
}

static const char *why_refused(const struct et_residual_input *input, double rate_hz,
                               double rate_min_hz)
{
    if (input->n_samples < 2)
        return "there are no samples";
    if (rate_hz < 0.98 * rate_min_hz)
        return "the rate of torque is too low";
    const double duration_s = (double)(input->t_ns[input->n_samples - 1] - input->t_ns[0]) * 1e-9;
    return duration_s < DURATION_MIN_S ? "it is too short to fit a model" : NULL;
}

static const char *why_still(const struct et__motion *motion)
{
    size_t n_known = 0;
    double range = 0;
    for (size_t j = 0; j < motion->n_joints; j++) {
        double least = (double)INFINITY, most = -(double)INFINITY;
        n_known = 0;
        for (size_t i = 0; i < motion->n; i++) {
            if (!motion->is_known[i])
                continue;
            n_known++;
            least = fmin(least, motion->q[i * motion->n_joints + j]);
            most = fmax(most, motion->q[i * motion->n_joints + j]);
        }
        range = fmax(range, most - least);
    }
    if (n_known < 100 * motion->n_joints)
        return "too few samples stand close enough to one another";
    return range < RANGE_MIN_RAD ? "nothing moves enough to fit a model" : NULL;
}

static double own_torque(const struct et__joint_fit *fit, const struct et__friction *friction,
                         double v, double a)
{
    double sum =
        fit->own[ET__OWN_VISCOUS] * v + fit->own[ET__OWN_INERTIA] * a + fit->own[ET__OWN_OFFSET];
    for (size_t i = 0; i < ET__N_RUBS; i++)
        sum += fit->own[ET__OWN_RUB + i] * friction->shape[i];
    return sum;
}

// Measured less modelled, the slow offset still in it; NaN where motion is not known.
static enum et_status subtract(struct et_dynamics *dynamics, const struct et__motion *motion,
                               const struct et__joint_fit *fit, double *values, struct et_err *err)
{
    const size_t n_joints = motion->n_joints;
    double scale[ET_RESIDUAL_JOINTS_MAX], torque[ET_RESIDUAL_JOINTS_MAX];
    struct et__friction friction[ET_RESIDUAL_JOINTS_MAX] = {{{0}}};
    const double *before = NULL;
    for (size_t j = 0; j < n_joints; j++)
        scale[j] = fit[j].mass_scale;
    enum et_status st = et_dynamics_scale(dynamics, scale, err);
    for (size_t i = 0; i < motion->n && st == ET_OK; i++) {
        const size_t at = i * n_joints;
        const double *q = motion->q + at, *v = motion->v + at, *a = motion->a + at;
        for (size_t j = 0; j < n_joints && !motion->is_known[i]; j++)
            values[at + j] = (double)NAN;
        if (!motion->is_known[i])
            continue;
        st = et_dynamics_inverse(dynamics, q, v, a, torque, err);
        for (size_t j = 0; j < n_joints; j++) {
            et__friction_step(&friction[j], before ? q[j] - before[j] : 0, v[j]);
            values[at + j] =
                motion->effort[at + j] - torque[j] - own_torque(&fit[j], &friction[j], v[j], a[j]);
        }
        before = q;
    }
    return st;
}

static void tell_fit(const struct et__joint_fit *fit, size_t n_joints,
                     struct et_residual_joint *joints)
{
    for (size_t j = 0; j < n_joints; j++) {
        joints[j] = (struct et_residual_joint){
            .viscous = fit[j].own[ET__OWN_VISCOUS],
            .offset = fit[j].own[ET__OWN_OFFSET],
            .inertia = fit[j].own[ET__OWN_INERTIA],
            .mass_scale = fit[j].mass_scale,
        };
        for (size_t i = 0; i < ET__N_RUBS; i++)
            joints[j].coulomb += fit[j].own[ET__OWN_RUB + i];
    }
}

static enum et_status run(struct et_residual_model *model, const struct et_residual_input *input,
                          const struct et_residual_options *o, struct et_arena *arena,
                          double *values, struct et_residual_joint *joints,
                          struct et_residual *residual, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et__motion motion;
    enum et_status st = et__motion_take(input, model->n_joints, o->window_s, arena, &motion, err);
    if (st == ET_OK)
        residual->why = why_still(&motion);
    if (st != ET_OK || residual->why)
        return st;
    const double g = input->has_gravity_compensation ? 0 : -9.81;
    et_dynamics_set_gravity(model->dynamics, (struct et_vec3){0, 0, g});
    struct et__joint_fit fit[ET_RESIDUAL_JOINTS_MAX];
    st = et__residual_fit(model->dynamics, &motion, arena, fit, &residual->mass_scale, err);
    if (st == ET_OK)
        st = subtract(model->dynamics, &motion, fit, values, err);
    if (st == ET_OK)
        tell_fit(fit, model->n_joints, joints);
    et_arena_rewind(arena, mark);
    return st;
}

enum et_status et_residual_estimate(struct et_residual_model *model,
                                    const struct et_residual_input *input,
                                    const struct et_residual_options *options,
                                    struct et_arena *arena, struct et_residual *residual,
                                    struct et_err *err)
{
    const struct et_residual_options o = with_defaults(options);
    const size_t n_joints = model->n_joints, n = input->n_samples;
    *residual = (struct et_residual){0};
    enum et_status st = find_rate(input, arena, &residual->rate_hz, err);
    if (st == ET_OK)
        residual->why = why_refused(input, residual->rate_hz, o.rate_min_hz);
    if (st != ET_OK || residual->why)
        return st;
    struct et_residual_joint *joints = et_arena_array(arena, n_joints, sizeof *joints);
    double *values = n <= SIZE_MAX / (n_joints * sizeof *values)
                         ? et_arena_array(arena, n * n_joints, sizeof *values)
                         : NULL;
    if (!joints || !values)
        return et_arena_fail(arena, "a residual", err);
    st = run(model, input, &o, arena, values, joints, residual, err);
    if (st != ET_OK || residual->why)
        return st;
    const struct et__contact_rules rules = {o.threshold, o.effort_min, o.debounce_s, o.offset_s};
    const struct et__torques torques = {input->t_ns, values, n, n_joints};
    st = et__residual_contacts(&rules, &torques, joints, arena, &residual->contacts,
                               &residual->n_contacts, err);
    residual->joints = joints;
    residual->values = values;
    residual->is_known = st == ET_OK;
    return st;
}

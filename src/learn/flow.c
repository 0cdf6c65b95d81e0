/* Flow matching with a transformer under conditions, forward and back. */
#include "learn/learn__flow.h"

#include <math.h>
#include <stdio.h>

static const et__real EPSILON = ET__REAL(1e-6); // of normalisation without weights, as DiT
static const double TURN = 6.283185307179586;
static const double PERIOD_MIN = 4e-3, PERIOD_MAX = 4;

/* ---- parameters ---- */

// Zeros: at first a layer adds nothing (adaLN-zero).
static struct et__linear add_zeros(struct et__params *params, int n_in, int n_out, const char *name)
{
    struct et__linear l = {.n_in = n_in, .n_out = n_out};
    l.weight = et__param_add(params, ET__PARAM_ZERO, n_out, n_in, "%s.weight", name);
    l.bias = et__param_add(params, ET__PARAM_ZERO, 0, n_out, "%s.bias", name);
    return l;
}

void et__flow_add(struct et__flow *f, struct et__params *params,
                  const struct et__flow_config *config)
{
    *f = (struct et__flow){.config = *config};
    const int width = config->width;
    char name[ET__PARAM_NAME_MAX];
    f->in = et__linear_add(params, config->n_action, width, "model.input_proj");
    f->positions =
        et__param_add(params, ET__PARAM_WEIGHT, config->n_steps, width, "model.pos_embed.weight");
    f->time1 = et__linear_add(params, config->n_time, width, "model.time_mlp.0");
    f->time2 = et__linear_add(params, width, width, "model.time_mlp.2");
    f->condition = et__linear_add(params, config->n_condition, width, "model.cond_proj");
    for (int i = 0; i < config->n_layers; i++) {
        struct et__flow_layer *l = &f->layers[i];
        (void)snprintf(name, sizeof name, "model.blocks.%d.attn", i);
        l->heads = et__heads_add(params, width, config->n_heads, name);
        (void)snprintf(name, sizeof name, "model.blocks.%d.ada", i);
        l->modulation = add_zeros(params, width, 6 * width, name);
        (void)snprintf(name, sizeof name, "model.blocks.%d.mlp.0", i);
        l->between.kind = ET__GELU;
        l->between.first = et__linear_add(params, width, config->n_between, name);
        (void)snprintf(name, sizeof name, "model.blocks.%d.mlp.2", i);
        l->between.second = et__linear_add(params, config->n_between, width, name);
    }
    f->last_modulation = add_zeros(params, width, 2 * width, "model.final.ada");
    f->out = add_zeros(params, width, config->n_action, "model.final.out");
}

/* ---- times ---- */

double et__flow_period(int i, int n)
{
    const int half = n / 2;
    const double share = half > 1 ? (double)i / (half - 1) : 0;
    return PERIOD_MIN * pow(PERIOD_MAX / PERIOD_MIN, share);
}

void et__flow_time(et__real *to, double time, int n)
{
    const int half = n / 2;
    for (int i = 0; i < half; i++) {
        const double angle = TURN * time / et__flow_period(i, n);
        to[i] = (et__real)sin(angle);
        to[half + i] = (et__real)cos(angle);
    }
}

double et__flow_draw_time(double uniform)
{
    return 0.999 * pow(uniform, 1 / 1.5) + 0.001;
}

/* ---- normalised, scaled and shifted ---- */

// Where of a condition's row: shift, scale, gate of attention; the same of what is between.
enum { SHIFT, SCALE, GATE, PARTS };

struct part_seen {
    const et__real *x;
    et__real *mean, *scale;
    struct et__modulate modulate;
};

// `at`: the first of shift and scale in the condition's row.
static et__real *normed(const struct et__flow *f, struct et__engine *e, const et__real *x,
                        const et__real *at, size_t stride, struct part_seen *seen, size_t n_batch)
{
    const size_t width = (size_t)f->config.width, n = n_batch * (size_t)f->config.n_steps;
    et__real *normal = et__take(e, n * width), *y = et__take(e, n * width);
    seen->x = x;
    seen->mean = et__take(e, n);
    seen->scale = et__take(e, n);
    e->kernels->norm(e->device, &(struct et__norm){.y = normal,
                                                   .mean = seen->mean,
                                                   .scale = seen->scale,
                                                   .x = x,
                                                   .n_rows = n,
                                                   .width = width,
                                                   .epsilon = EPSILON});
    seen->modulate = (struct et__modulate){.y = y,
                                           .x = normal,
                                           .shift = at,
                                           .scale = at + width,
                                           .n_batch = n_batch,
                                           .n_steps = (size_t)f->config.n_steps,
                                           .width = width,
                                           .stride = stride};
    e->kernels->modulate(e->device, &seen->modulate);
    return y;
}

// dx is added to; d_at as `at`.
static void normed_back(struct et__engine *e, et__real *dx, et__real *d_at, const et__real *dy,
                        const struct part_seen *seen)
{
    const size_t mark = e->used, width = seen->modulate.width;
    const size_t n = seen->modulate.n_batch * seen->modulate.n_steps;
    et__real *d_normal = et__take(e, n * width), *d = et__take(e, n * width);
    e->kernels->modulate_back(e->device, &(struct et__modulate_back){.dx = d_normal,
                                                                     .dshift = d_at,
                                                                     .dscale = d_at + width,
                                                                     .dy = dy,
                                                                     .forward = &seen->modulate});
    e->kernels->norm_back(e->device, &(struct et__norm_back){.dx = d,
                                                             .dy = d_normal,
                                                             .x = seen->x,
                                                             .mean = seen->mean,
                                                             .scale = seen->scale,
                                                             .n_rows = n,
                                                             .width = width});
    et__add(e, dx, d, n * width);
    e->used = mark;
}

/* ---- a layer ---- */

struct layer_seen {
    const et__real *modulation;
    struct part_seen part1, part2;
    struct et__heads_seen heads;
    struct et__feedforward_seen between;
    struct et__gate gate1, gate2;
};

static et__real *gated(struct et__engine *e, const struct part_seen *part, const et__real *x,
                       const et__real *what, const et__real *gate, struct et__gate *seen)
{
    const struct et__modulate *m = &part->modulate;
    *seen = (struct et__gate){.y = et__take(e, m->n_batch * m->n_steps * m->width),
                              .x = x,
                              .part = what,
                              .gate = gate,
                              .n_batch = m->n_batch,
                              .n_steps = m->n_steps,
                              .width = m->width,
                              .stride = m->stride};
    e->kernels->gate(e->device, seen);
    return seen->y;
}

static const et__real *layer(const struct et__flow *f, struct et__engine *e,
                             const struct et__flow_layer *l, const et__real *x,
                             const et__real *condition, struct layer_seen *seen, size_t n)
{
    const size_t width = (size_t)f->config.width, stride = 6 * width;
    const et__real *m = et__linear(e, &l->modulation, condition, n);
    const et__real *y = normed(f, e, x, m + SHIFT * width, stride, &seen->part1, n);
    const et__real *what = et__heads(e, &l->heads,
                                     &(struct et__heads_input){.queries = y,
                                                               .keys = y,
                                                               .values = y,
                                                               .n_batch = (int)n,
                                                               .n_queries = f->config.n_steps,
                                                               .n_keys = f->config.n_steps},
                                     &seen->heads);
    seen->modulation = m;
    x = gated(e, &seen->part1, x, what, m + GATE * width, &seen->gate1);
    m += PARTS * width;
    y = normed(f, e, x, m + SHIFT * width, stride, &seen->part2, n);
    what = et__feedforward(e, &l->between, y, n * (size_t)f->config.n_steps, &seen->between);
    return gated(e, &seen->part2, x, what, m + GATE * width, &seen->gate2);
}

// d: what the layer's result changes by, and then what its input does. d_condition is added to.
static void layer_back(const struct et__flow *f, struct et__engine *e,
                       const struct et__flow_layer *l, et__real *d, et__real *d_condition,
                       const et__real *condition, const struct layer_seen *seen)
{
    const size_t mark = e->used, width = (size_t)f->config.width;
    const size_t n = seen->gate1.n_batch, n_values = n * (size_t)f->config.n_steps * width;
    et__real *dm = et__take_zeros(e, n * 6 * width), *d_what = et__take(e, n_values);
    et__real *dy = et__take_zeros(e, n_values), *const dm2 = dm + PARTS * width;
    e->kernels->gate_back(e->device, &(struct et__gate_back){.dpart = d_what,
                                                             .dgate = dm2 + GATE * width,
                                                             .dy = d,
                                                             .forward = &seen->gate2});
    et__feedforward_back(e, &l->between, dy, d_what, &seen->between);
    normed_back(e, d, dm2 + SHIFT * width, dy, &seen->part2);
    e->kernels->gate_back(e->device, &(struct et__gate_back){.dpart = d_what,
                                                             .dgate = dm + GATE * width,
                                                             .dy = d,
                                                             .forward = &seen->gate1});
    et__heads_back(e, &l->heads,
                   &(struct et__heads_back){.d_queries = dy, .d_keys = dy, .d_values = dy}, d_what,
                   &seen->heads);
    normed_back(e, d, dm + SHIFT * width, dy, &seen->part1);
    et__linear_back(e, &l->modulation,
                    &(struct et__linear_back){
                        .dy = dm, .x = condition, .dx = d_condition, .n = n, .is_added = true});
    e->used = mark;
}

/* ---- the condition ---- */

struct condition_seen {
    const et__real *time_before, *time_after; // the activation
    et__real *sum, *condition;
};

static void see_condition(const struct et__flow *f, struct et__engine *e,
                          const struct et__flow_batch *b, struct condition_seen *seen)
{
    const size_t n = b->n * (size_t)f->config.width;
    et__real *after = et__take(e, n);
    seen->time_before = et__linear(e, &f->time1, b->times, b->n);
    e->kernels->activate(e->device, ET__SILU, after, seen->time_before, n);
    seen->time_after = after;
    seen->sum = et__linear(e, &f->time2, after, b->n);
    et__add(e, seen->sum, et__linear(e, &f->condition, b->condition, b->n), n);
    seen->condition = et__take(e, n);
    e->kernels->activate(e->device, ET__SILU, seen->condition, seen->sum, n);
}

static void see_condition_back(const struct et__flow *f, struct et__engine *e,
                               const struct et__flow_batch *b, const et__real *d_condition,
                               const struct condition_seen *seen)
{
    const size_t n = b->n * (size_t)f->config.width;
    et__real *d_sum = et__take(e, n), *d_after = et__take(e, n), *d_before = et__take(e, n);
    e->kernels->activate_back(e->device, ET__SILU, d_sum, d_condition, seen->sum, n);
    et__linear_back(
        e, &f->condition,
        &(struct et__linear_back){.dy = d_sum, .x = b->condition, .dx = b->d_condition, .n = b->n});
    et__linear_back(
        e, &f->time2,
        &(struct et__linear_back){.dy = d_sum, .x = seen->time_after, .dx = d_after, .n = b->n});
    e->kernels->activate_back(e->device, ET__SILU, d_before, d_after, seen->time_before, n);
    et__linear_back(e, &f->time1,
                    &(struct et__linear_back){.dy = d_before, .x = b->times, .n = b->n});
}

/* ---- all of it ---- */

struct seen {
    struct condition_seen condition;
    struct layer_seen layers[ET__FLOW_LAYERS_MAX];
    struct part_seen last;
    const et__real *last_y;
};

static void back(const struct et__flow *f, struct et__engine *e, const struct et__flow_batch *b,
                 const et__real *d_out, const struct seen *seen)
{
    const size_t width = (size_t)f->config.width, n_steps = (size_t)f->config.n_steps;
    const size_t n = b->n * n_steps;
    et__real *d_condition = et__take_zeros(e, b->n * width);
    et__real *d = et__take_zeros(e, n * width), *dy = et__take(e, n * width);
    et__real *dm = et__take_zeros(e, b->n * 2 * width);
    et__linear_back(e, &f->out,
                    &(struct et__linear_back){.dy = d_out, .x = seen->last_y, .dx = dy, .n = n});
    normed_back(e, d, dm, dy, &seen->last);
    et__linear_back(e, &f->last_modulation,
                    &(struct et__linear_back){.dy = dm,
                                              .x = seen->condition.condition,
                                              .dx = d_condition,
                                              .n = b->n,
                                              .is_added = true});
    for (int i = f->config.n_layers - 1; i >= 0; i--)
        layer_back(f, e, &f->layers[i], d, d_condition, seen->condition.condition,
                   &seen->layers[i]);
    et__add_steps_back(e, e->grads + f->positions, d, b->n, n_steps * width);
    et__linear_back(e, &f->in, &(struct et__linear_back){.dy = d, .x = b->x, .n = n});
    see_condition_back(f, e, b, d_condition, &seen->condition);
}

struct et__flow_result et__flow_step(const struct et__flow *f, struct et__engine *e,
                                     const struct et__flow_batch *b)
{
    const size_t width = (size_t)f->config.width, n_steps = (size_t)f->config.n_steps;
    const size_t n = b->n * n_steps, n_out = n * (size_t)f->config.n_action;
    struct seen seen;
    e->used = 0;
    see_condition(f, e, b, &seen.condition);
    const et__real *condition = seen.condition.condition;
    const et__real *x = et__add_steps(e, et__linear(e, &f->in, b->x, n), e->params + f->positions,
                                      b->n, n_steps * width);
    for (int i = 0; i < f->config.n_layers; i++)
        x = layer(f, e, &f->layers[i], x, condition, &seen.layers[i], b->n);
    const et__real *m = et__linear(e, &f->last_modulation, condition, b->n);
    seen.last_y = normed(f, e, x, m, 2 * width, &seen.last, b->n);
    et__real *out = et__linear(e, &f->out, seen.last_y, n);
    struct et__flow_result result = {.change = out};
    if (!b->change)
        return result;
    et__real *d_out = et__take(e, n_out);
    result.loss =
        e->kernels->loss(e->device, &(struct et__loss){.dout = d_out,
                                                       .out = out,
                                                       .target = b->change,
                                                       .weights = b->weights,
                                                       .mask = b->mask,
                                                       .n_rows = n,
                                                       .width = (size_t)f->config.n_action,
                                                       .n_squared = (size_t)f->config.n_action});
    if (e->grads)
        back(f, e, b, d_out, &seen);
    return result;
}

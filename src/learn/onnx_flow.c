/* Flow matching as a graph of ONNX: the network once, or all of Euler's steps. */
#include "learn/learn__onnx_graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS_MAX 1000
#define ROUGH 4096 // parts of a unit of time that products with frequencies are exact for
#define FREQUENCY_PARTS 16

static const float EPSILON = 1e-6F; // as flow.c
static const double TURN = 6.283185307179586;

static const char *apply(struct et__graph *g, const char *op, const char *a, const char *b)
{
    return et__graph_apply(g, op, a, b);
}

/* ---- time ---- */

/* The embedding of times, batch × 1, within the graph: et__flow_time, whose angles reach 1,600,
 * where a float has four digits behind the point. So turns are counted, of which whole ones do not
 * matter. Time and frequency are each a rough part of 12 bits, whose product a float holds exactly,
 * and a small rest:
 *
 *     t f = t_rough f_rough + t_rough f_rest + t_rest f
 *
 * Doubles would be shorter, but TensorRT makes floats of them. */
static const char *embedded(struct et__graph *g, const char *time, int n)
{
    const int half = n / 2;
    float *f = calloc(3 * (size_t)half, sizeof *f);
    if (!f) {
        g->is_out_of_memory = true;
        return time;
    }
    float *const rough = f + half, *const rest = rough + half;
    for (int i = 0; i < half; i++) {
        const double frequency = 1 / et__flow_period(i, n);
        const double cut = round(frequency * FREQUENCY_PARTS) / FREQUENCY_PARTS;
        f[i] = (float)frequency;
        rough[i] = (float)cut;
        rest[i] = (float)(frequency - cut);
    }
    const char *t = apply(g, "Mul", time, et__graph_float(g, "etude.time.parts", ROUGH));
    t = apply(g, "Mul", apply(g, "Floor", t, NULL),
              et__graph_float(g, "etude.time.part", 1.0 / ROUGH));
    const char *whole = apply(g, "Mul", t, et__graph_floats(g, "etude.time.rough", rough, half));
    const char *turns = apply(g, "Sub", whole, apply(g, "Floor", whole, NULL));
    const char *more = apply(g, "Mul", t, et__graph_floats(g, "etude.time.rest", rest, half));
    turns = apply(g, "Add", turns, more);
    more =
        apply(g, "Mul", apply(g, "Sub", time, t), et__graph_floats(g, "etude.time.all", f, half));
    turns = apply(g, "Add", turns, more);
    free(f);
    const char *angle = apply(g, "Mul", turns, et__graph_float(g, "etude.time.turn", TURN));
    const char *parts[] = {apply(g, "Sin", angle, NULL), apply(g, "Cos", angle, NULL)};
    return et__graph_along(g, "Concat", parts, 2, 1);
}

// That of a time that is known: 1 × n.
static const char *known(struct et__graph *g, double time, int n, int i_step)
{
    char name[40];
    float *values = calloc((size_t)n, sizeof *values);
    if (!values) {
        g->is_out_of_memory = true;
        return "";
    }
    (void)snprintf(name, sizeof name, "etude.time.%d", i_step);
    et__flow_time(values, time, n);
    const char *made = et_onnx_floats(g->onnx, name, (int64_t[]){1, n}, 2, values);
    free(values);
    return made;
}

/* ---- layers ---- */

// Where of a layer's modulation, as flow.c.
enum { SHIFT, SCALE, GATE, PARTS };

// ONNX's normalisation has a weight; DiT's has none.
static const char *ones(struct et__graph *g, int n)
{
    const char *made = et_onnx_find(g->onnx, "etude.ones");
    float *values = made ? NULL : calloc((size_t)n, sizeof *values);
    if (made)
        return made;
    if (!values) {
        g->is_out_of_memory = true;
        return "";
    }
    for (int i = 0; i < n; i++)
        values[i] = 1;
    made = et__graph_floats(g, "etude.ones", values, n);
    free(values);
    return made;
}

// What a condition (batch × width) asks of a layer: n values of batch × 1 × width.
static void modulation(struct et__graph *g, const struct et__linear *l, const char *condition,
                       const char **parts, size_t n)
{
    const char *all = et__graph_unsqueeze(g, et__graph_linear(g, l, condition), 1);
    et__graph_split(g, all, 2, parts, n);
}

static const char *normed(struct et__graph *g, int width, const char *x, const char *const *parts)
{
    const struct et__graph_norm norm = {.weight = ones(g, width), .epsilon = EPSILON};
    const char *scale = apply(g, "Add", parts[SCALE], et__graph_float(g, "etude.one", 1));
    const char *y = apply(g, "Mul", et__graph_normalise(g, &norm, x), scale);
    return apply(g, "Add", y, parts[SHIFT]);
}

static const char *layer(struct et__graph *g, const struct et__flow *f,
                         const struct et__flow_layer *l, const char *x, const char *condition)
{
    const int n = f->config.n_steps, width = f->config.width;
    const char *parts[2 * PARTS] = {NULL};
    modulation(g, &l->modulation, condition, parts, 2 * PARTS);
    const char *y = normed(g, width, x, parts);
    y = et__graph_heads(g, &l->heads, &(struct et__graph_asked){y, y, y, n, n});
    x = apply(g, "Add", x, apply(g, "Mul", y, parts[GATE]));
    y = et__graph_feedforward(g, &l->between, normed(g, width, x, parts + PARTS));
    return apply(g, "Add", x, apply(g, "Mul", y, parts[PARTS + GATE]));
}

// How x changes; `time` is embedded, `seen` what the condition's layer made.
static const char *change(struct et__graph *g, const struct et__flow *f, const char *x,
                          const char *time, const char *seen)
{
    const char *parts[2] = {NULL};
    time = et__graph_activate(g, ET__SILU, et__graph_linear(g, &f->time1, time));
    const char *sum = apply(g, "Add", et__graph_linear(g, &f->time2, time), seen);
    const char *condition = et__graph_activate(g, ET__SILU, sum);
    x = et__graph_linear(g, &f->in, x);
    x = apply(g, "Add", x, et__graph_param(g, f->positions));
    for (int i = 0; i < f->config.n_layers; i++)
        x = layer(g, f, &f->layers[i], x, condition);
    modulation(g, &f->last_modulation, condition, parts, 2);
    return et__graph_linear(g, &f->out, normed(g, f->config.width, x, parts));
}

/* ---- all of it ---- */

static int steps_of(const struct et__onnx_flow_inputs *inputs)
{
    return inputs->n_steps ? inputs->n_steps : ET__FLOW_EULER_STEPS;
}

static enum et_status begin(struct et__graph *g, const struct et__flow *f,
                            const struct et__onnx_flow_inputs *inputs,
                            const struct et__onnx_file *file, struct et_err *err)
{
    const int n_steps = steps_of(inputs);
    char text[16];
    if (n_steps < 1 || n_steps > STEPS_MAX)
        return et_fail(err, ET_EARG, -1, "%d of Euler's steps, not 1 to %d", n_steps, STEPS_MAX);
    enum et_status st =
        et__graph_check(inputs->condition, inputs->n_condition,
                        f->config.n_condition - et__graph_rows(&inputs->sight), err);
    if (st == ET_OK)
        st = et__graph_check_sight(&inputs->sight, err);
    if (st == ET_OK)
        st = et__graph_open(g, file, "flow", f->config.n_action, err);
    if (st != ET_OK)
        return st;
    (void)snprintf(text, sizeof text, "%d", n_steps);
    et_onnx_note(g->onnx, "etude.euler_steps", text);
    return ET_OK;
}

enum et_status et__onnx_flow(const struct et__flow *f, const struct et__onnx_flow_inputs *inputs,
                             const struct et__onnx_file *file, struct et_err *err)
{
    const struct et__flow_config *c = &f->config;
    const int64_t sizes[] = {ET_ONNX_BATCH, c->n_steps, c->n_action};
    const char *name = "change";
    struct et__graph g;
    const enum et_status st = begin(&g, f, inputs, file, err);
    if (st != ET_OK)
        return st;
    const char *x = et_onnx_input(g.onnx, "x", sizes, 3);
    const char *time = et_onnx_input(g.onnx, "time", sizes, 1);
    const char *seen = et__graph_linear(
        &g, &f->condition,
        et__graph_seen(&g, inputs->condition, inputs->n_condition, &inputs->sight));
    time = et__graph_unsqueeze(&g, time, 1);
    const char *y = change(&g, f, x, embedded(&g, time, c->n_time), seen);
    (void)et_onnx_node(
        g.onnx,
        &(struct et_onnx_node){.op = "Identity", .inputs = {y}, .outputs = &name, .n_outputs = 1});
    et_onnx_output(g.onnx, "change", sizes, 3);
    y = apply(&g, "Mul", y, et__graph_unsqueeze(&g, time, 2));
    et__graph_actions(&g, apply(&g, "Sub", x, y), c->n_steps, c->n_action);
    return et__graph_write(&g, err);
}

enum et_status et__onnx_flow_steps(const struct et__flow *f,
                                   const struct et__onnx_flow_inputs *inputs,
                                   const struct et__onnx_file *file, struct et_err *err)
{
    const struct et__flow_config *c = &f->config;
    const int64_t sizes[] = {ET_ONNX_BATCH, c->n_steps, c->n_action};
    const int n_steps = steps_of(inputs);
    struct et__graph g;
    const enum et_status st = begin(&g, f, inputs, file, err);
    if (st != ET_OK)
        return st;
    const char *x = et_onnx_input(g.onnx, "noise", sizes, 3);
    const char *seen = et__graph_linear(
        &g, &f->condition,
        et__graph_seen(&g, inputs->condition, inputs->n_condition, &inputs->sight));
    const char *step = et__graph_float(&g, "etude.step", 1.0 / n_steps);
    for (int i = 0; i < n_steps; i++) {
        const char *time = known(&g, (double)(n_steps - i) / n_steps, c->n_time, i);
        const char *y = change(&g, f, x, time, seen);
        x = apply(&g, "Sub", x, apply(&g, "Mul", y, step));
    }
    et__graph_actions(&g, x, c->n_steps, c->n_action);
    return et__graph_write(&g, err);
}

/* Layers as nodes of ONNX. */
#include "learn/learn__onnx_graph.h"

#include "etude/str.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX (ET_NAME_BYTES_MAX + 40) // a longer one is told by et_onnx

static const float LAYER_EPSILON = 1e-5F; // as layers.c
static const double GELU_SLOPE = 0.7978845608028654, GELU_CUBIC = 0.044715;

/* ---- opening, checking, writing ---- */

static enum et_status check_finite(const char *what, const char *name, const float *values,
                                   size_t n, struct et_err *err)
{
    for (size_t i = 0; values && i < n; i++)
        if (!isfinite(values[i]))
            return et_fail(err, ET_ECORRUPT, -1, "value %zu of %.100s%.200s is no number", i, what,
                           name);
    return ET_OK;
}

// Names that begin as those of parameters and constants do are the network's.
static enum et_status check_name(const char *name, struct et_err *err)
{
    const struct et_str is = et_str(name);
    if (et_str_starts(is, "model.") || et_str_starts(is, "etude."))
        return et_fail(err, ET_EARG, -1, "nothing of the caller's may be called %.200s", name);
    return ET_OK;
}

enum et_status et__graph_open(struct et__graph *g, const struct et__onnx_file *file,
                              const char *network, int n_action, struct et_err *err)
{
    const struct et__params *params = file->params;
    *g = (struct et__graph){.file = file};
    enum et_status st = check_name(file->actions, err);
    if (st == ET_OK)
        st = check_finite("the actions' ", "mean", file->mean, (size_t)n_action, err);
    if (st == ET_OK)
        st = check_finite("the actions' ", "deviation", file->deviation, (size_t)n_action, err);
    for (size_t i = 0; st == ET_OK && i < params->n_items; i++)
        st = check_finite("", params->items[i].name, file->values + params->items[i].at,
                          params->items[i].n, err);
    if (st == ET_OK)
        st = et_onnx_open(&g->onnx, &(struct et_onnx_options){.name = network}, err);
    if (st != ET_OK)
        return st;
    et_onnx_note(g->onnx, "etude.network", network);
    for (size_t i = 0; i < file->n_notes; i++)
        et_onnx_note(g->onnx, file->notes[i].key, file->notes[i].text);
    return ET_OK;
}

enum et_status et__graph_write(struct et__graph *g, struct et_err *err)
{
    const enum et_status st = g->is_out_of_memory
                                  ? et_fail(err, ET_ENOMEM, -1, "no memory for a normaliser")
                                  : et_onnx_write(g->onnx, g->file->path, err);
    et_onnx_close(g->onnx);
    g->onnx = NULL;
    return st;
}

enum et_status et__graph_check(const struct et__onnx_numbers *inputs, size_t n_inputs, int n,
                               struct et_err *err)
{
    int64_t n_all = 0;
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < n_inputs; i++) {
        const struct et__onnx_numbers *in = &inputs[i];
        n_all += in->n;
        st = in->n > 0 ? check_name(in->name, err)
                       : et_fail(err, ET_EARG, -1, "the input %.200s has no numbers", in->name);
        if (st == ET_OK)
            st = check_finite("the mean of ", in->name, in->mean, (size_t)in->n, err);
        if (st == ET_OK)
            st = check_finite("the scale of ", in->name, in->scale, (size_t)in->n, err);
        if (st == ET_OK)
            st = check_finite("the clip of ", in->name, in->clip, (size_t)in->n, err);
    }
    if (st == ET_OK && n_inputs > ET_ONNX_INPUTS_MAX)
        st = et_fail(err, ET_ELIMIT, -1, "%zu inputs, more than %d", n_inputs, ET_ONNX_INPUTS_MAX);
    if (st == ET_OK && n_all != n)
        st = et_fail(err, ET_EARG, -1, "inputs of %" PRId64 " numbers, where the network sees %d",
                     n_all, n);
    return st;
}

/* ---- constants ---- */

struct name {
    char text[NAME_MAX];
};

static struct name name_of(const char *of, const char *what)
{
    struct name name;
    (void)snprintf(name.text, sizeof name.text, "%s.%s", of, what);
    return name;
}

const char *et__graph_floats(struct et__graph *g, const char *name, const float *values, int n)
{
    const char *made = et_onnx_find(g->onnx, name);
    const int64_t size = n;
    return made ? made : et_onnx_floats(g->onnx, name, &size, 1, values);
}

const char *et__graph_float(struct et__graph *g, const char *name, double value)
{
    const float rounded = (float)value;
    return et__graph_floats(g, name, &rounded, 1);
}

// Called by what they are: "etude.integers_0_16_8".
const char *et__graph_integers(struct et__graph *g, const int64_t *values, size_t n)
{
    struct name name = {"etude.integers"};
    size_t at = strlen(name.text);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(name.text + at, sizeof name.text - at, "_%" PRId64, values[i]);
    assert(at < sizeof name.text);
    const char *made = et_onnx_find(g->onnx, name.text);
    return made ? made : et_onnx_integers(g->onnx, name.text, values, n);
}

static const struct et__param *param_at(const struct et__params *params, size_t at)
{
    for (size_t i = 0; i < params->n_items; i++)
        if (at - params->items[i].at < params->items[i].n)
            return &params->items[i];
    assert(false && "a layer of another network");
    return NULL;
}

const char *et__graph_param(struct et__graph *g, size_t at)
{
    const struct et__param *p = param_at(g->file->params, at);
    const char *made = et_onnx_find(g->onnx, p->name);
    return made ? made
                : et_onnx_floats(g->onnx, p->name, p->shape, p->n_dims, g->file->values + p->at);
}

/* ---- nodes ---- */

const char *et__graph_apply(struct et__graph *g, const char *op, const char *a, const char *b)
{
    return et_onnx_apply(g->onnx, op, a, b);
}

static struct et_onnx_attribute along(int axis)
{
    return (struct et_onnx_attribute){"axis", ET_ONNX_INTEGER, .integer = axis};
}

const char *et__graph_along(struct et__graph *g, const char *op, const char *const *inputs,
                            size_t n_inputs, int axis)
{
    struct et_onnx_node node = {.op = op, .attributes = {along(axis)}};
    assert(n_inputs <= ET_ONNX_INPUTS_MAX);
    for (size_t i = 0; i < n_inputs; i++)
        node.inputs[i] = inputs[i];
    return et_onnx_node(g->onnx, &node);
}

const char *et__graph_reshape(struct et__graph *g, const char *x, const int64_t *sizes, size_t n)
{
    return et__graph_apply(g, "Reshape", x, et__graph_integers(g, sizes, n));
}

const char *et__graph_unsqueeze(struct et__graph *g, const char *x, int axis)
{
    return et__graph_apply(g, "Unsqueeze", x, et__graph_integers(g, &(int64_t){axis}, 1));
}

void et__graph_split(struct et__graph *g, const char *x, int axis, const char **parts, size_t n)
{
    (void)et_onnx_node(g->onnx, &(struct et_onnx_node){.op = "Split",
                                                       .inputs = {x},
                                                       .attributes = {along(axis)},
                                                       .outputs = parts,
                                                       .n_outputs = n});
}

static const char *turned(struct et__graph *g, const char *x, const int64_t *order, size_t n,
                          const char *name)
{
    return et_onnx_node(
        g->onnx, &(struct et_onnx_node){
                     .op = "Transpose",
                     .inputs = {x},
                     .attributes = {{"perm", ET_ONNX_INTEGERS, .integers = order, .n_integers = n}},
                     .outputs = &name,
                     .n_outputs = 1});
}

/* ---- in and out ---- */

// A normaliser: "<input>.mean". NULL values: nothing is done.
static const char *with(struct et__graph *g, const char *op, const char *x, struct name name,
                        const float *values, int n)
{
    const int64_t size = n;
    return values ? et__graph_apply(g, op, x, et_onnx_floats(g->onnx, name.text, &size, 1, values))
                  : x;
}

static const char *clipped(struct et__graph *g, const char *x, const struct et__onnx_numbers *in)
{
    float *least = calloc(2 * (size_t)in->n, sizeof *least);
    if (!least) {
        g->is_out_of_memory = true;
        return x;
    }
    float *most = least + in->n;
    for (int i = 0; i < in->n; i++) {
        most[i] = in->clip[i] != 0 ? in->clip[i] : (float)INFINITY;
        least[i] = -most[i];
    }
    x = with(g, "Min", x, name_of(in->name, "most"), most, in->n);
    x = with(g, "Max", x, name_of(in->name, "least"), least, in->n);
    free(least);
    return x;
}

const char *et__graph_input(struct et__graph *g, const struct et__onnx_numbers *in, int n_rows)
{
    const int64_t sizes[] = {ET_ONNX_BATCH, n_rows > 0 ? n_rows : in->n, in->n};
    const char *x = et_onnx_input(g->onnx, in->name, sizes, n_rows > 0 ? 3 : 2);
    x = with(g, "Sub", x, name_of(in->name, "mean"), in->mean, in->n);
    x = with(g, "Mul", x, name_of(in->name, "scale"), in->scale, in->n);
    return in->clip ? clipped(g, x, in) : x;
}

const char *et__graph_inputs(struct et__graph *g, const struct et__onnx_numbers *inputs,
                             size_t n_inputs)
{
    const char *parts[ET_ONNX_INPUTS_MAX];
    assert(n_inputs > 0 && n_inputs <= ET_ONNX_INPUTS_MAX);
    for (size_t i = 0; i < n_inputs; i++)
        parts[i] = et__graph_input(g, &inputs[i], 0);
    return n_inputs > 1 ? et__graph_along(g, "Concat", parts, n_inputs, 1) : parts[0];
}

void et__graph_actions(struct et__graph *g, const char *y, int n_steps, int n_action)
{
    const struct et__onnx_file *f = g->file;
    const char *name = f->actions;
    y = with(g, "Mul", y, name_of(name, "deviation"), f->deviation, n_action);
    y = with(g, "Add", y, name_of(name, "mean"), f->mean, n_action);
    (void)et_onnx_node(
        g->onnx,
        &(struct et_onnx_node){.op = "Identity", .inputs = {y}, .outputs = &name, .n_outputs = 1});
    et_onnx_output(g->onnx, f->actions, (int64_t[]){ET_ONNX_BATCH, n_steps, n_action}, 3);
}

/* ---- y = x Wᵀ + b ---- */

// Rows of a parameter that begin at a place: all of them, or (queries, keys and values lie in one
// parameter) a part of several as large.
static const char *rows_at(struct et__graph *g, size_t at, size_t n)
{
    const struct et__param *p = param_at(g->file->params, at);
    const char *all = et__graph_param(g, p->at);
    const size_t n_parts = p->n / n, i_part = (at - p->at) / n;
    struct name names[3];
    const char *parts[3];
    if (n_parts == 1)
        return all;
    assert(n_parts == 3 && n_parts * n == p->n && i_part * n == at - p->at);
    for (size_t i = 0; i < n_parts; i++) {
        names[i] = name_of(p->name, (const char *const[]){"query", "key", "value"}[i]);
        parts[i] = names[i].text;
    }
    if (!et_onnx_find(g->onnx, parts[0]))
        et__graph_split(g, all, 0, parts, n_parts);
    return et_onnx_find(g->onnx, names[i_part].text);
}

static const char *weight_of(struct et__graph *g, const struct et__linear *l)
{
    const struct et__param *p = param_at(g->file->params, l->weight);
    const char *x = rows_at(g, l->weight, (size_t)l->n_in * (size_t)l->n_out);
    if (!x)
        return "";
    const struct name name = name_of(x, "turned");
    const char *made = et_onnx_find(g->onnx, name.text);
    if (made)
        return made;
    if (p->n_dims > 2) // a convolution of 1 × 1
        x = et__graph_reshape(g, x, (int64_t[]){l->n_out, l->n_in}, 2);
    return turned(g, x, (int64_t[]){1, 0}, 2, name.text);
}

const char *et__graph_linear(struct et__graph *g, const struct et__linear *l, const char *x)
{
    const char *y = et__graph_apply(g, "MatMul", x, weight_of(g, l));
    const char *bias = rows_at(g, l->bias, (size_t)l->n_out);
    return et__graph_apply(g, "Add", y, bias ? bias : "");
}

/* ---- activations and normalisation ---- */

// x · sigmoid(2 √(2 / π) (x + 0.044715 x³)), which is GELU by tanh.
static const char *gelu(struct et__graph *g, const char *x)
{
    const char *t = et__graph_apply(g, "Mul", x, x);
    t = et__graph_apply(g, "Mul", t,
                        et__graph_float(g, "etude.gelu.cubic", 2 * GELU_SLOPE * GELU_CUBIC));
    t = et__graph_apply(g, "Add", t, et__graph_float(g, "etude.gelu.slope", 2 * GELU_SLOPE));
    t = et__graph_apply(g, "Sigmoid", et__graph_apply(g, "Mul", t, x), NULL);
    return et__graph_apply(g, "Mul", x, t);
}

const char *et__graph_activate(struct et__graph *g, enum et__activation kind, const char *x)
{
    switch (kind) {
    case ET__RELU:
        return et__graph_apply(g, "Relu", x, NULL);
    case ET__GELU:
        return gelu(g, x);
    case ET__SILU:
        return et__graph_apply(g, "Mul", x, et__graph_apply(g, "Sigmoid", x, NULL));
    }
    return x;
}

const char *et__graph_normalise(struct et__graph *g, const struct et__graph_norm *norm,
                                const char *x)
{
    return et_onnx_node(g->onnx, &(struct et_onnx_node){.op = "LayerNormalization",
                                                        .inputs = {x, norm->weight, norm->bias},
                                                        .attributes = {along(-1),
                                                                       {"epsilon", ET_ONNX_FLOAT,
                                                                        .number = norm->epsilon}}});
}

const char *et__graph_layer_norm(struct et__graph *g, const struct et__layer_norm *l, const char *x)
{
    return et__graph_normalise(g,
                               &(struct et__graph_norm){.weight = et__graph_param(g, l->weight),
                                                        .bias = et__graph_param(g, l->bias),
                                                        .epsilon = LAYER_EPSILON},
                               x);
}

/* ---- attention ---- */

// batch × n × width → batch × heads × n × (width / heads), in another order for keys.
static const char *by_head(struct et__graph *g, const struct et__heads *l, const char *x, int n,
                           const int64_t order[4])
{
    const int64_t sizes[] = {0, n, l->n_heads, l->width / l->n_heads};
    return turned(g, et__graph_reshape(g, x, sizes, 4), order, 4, NULL);
}

const char *et__graph_heads(struct et__graph *g, const struct et__heads *l,
                            const struct et__graph_asked *asked)
{
    static const int64_t ROWS[] = {0, 2, 1, 3}, COLUMNS[] = {0, 2, 3, 1};
    const char *q = et__graph_linear(g, &l->query, asked->queries);
    const char *k = et__graph_linear(g, &l->key, asked->keys);
    const char *v = et__graph_linear(g, &l->value, asked->values);
    q = by_head(g, l, q, asked->n_queries, ROWS);
    k = by_head(g, l, k, asked->n_keys, COLUMNS);
    v = by_head(g, l, v, asked->n_keys, ROWS);
    const char *scale =
        et__graph_float(g, "etude.attention.scale", 1 / sqrt((double)(l->width / l->n_heads)));
    const char *p = et__graph_apply(g, "Mul", et__graph_apply(g, "MatMul", q, k), scale);
    p = et__graph_along(g, "Softmax", &p, 1, -1);
    const char *o = turned(g, et__graph_apply(g, "MatMul", p, v), ROWS, 4, NULL);
    o = et__graph_reshape(g, o, (int64_t[]){0, asked->n_queries, l->width}, 3);
    return et__graph_linear(g, &l->out, o);
}

const char *et__graph_feedforward(struct et__graph *g, const struct et__feedforward *l,
                                  const char *x)
{
    x = et__graph_activate(g, l->kind, et__graph_linear(g, &l->first, x));
    return et__graph_linear(g, &l->second, x);
}

/* Layers over the kernels. */
#include "learn/learn__layers.h"

#include "etude/random.h"

#define TURNED_ROWS ((size_t)8) // of fewer, turned weights are no faster

/* ---- linear ---- */

struct et__linear et__linear_add(struct et__params *params, int n_in, int n_out, const char *name)
{
    struct et__linear l = {.n_in = n_in, .n_out = n_out};
    l.weight = et__param_add(params, ET__PARAM_WEIGHT, n_out, n_in, "%s.weight", name);
    l.bias = et__param_add(params, ET__PARAM_ZERO, 0, n_out, "%s.bias", name);
    return l;
}

static void turn(const et__real *from, et__real *to, size_t n_rows, size_t n_columns)
{
    for (size_t i = 0; i < n_rows; i++)
        for (size_t k = 0; k < n_columns; k++)
            to[k * n_rows + i] = from[i * n_columns + k];
}

void et__linear_to(struct et__engine *e, const struct et__linear *l, et__real *y, const et__real *x,
                   size_t n)
{
    const size_t width = (size_t)l->n_out;
    const bool is_turned = e->turned && n >= TURNED_ROWS;
    if (is_turned && e->is_turning)
        turn(e->params + l->weight, e->turned + l->weight, width, (size_t)l->n_in);
    e->kernels->copy_rows(
        e->device,
        &(struct et__rows){
            .to = y, .from = e->params + l->bias, .n_rows = n, .width = width, .to_stride = width});
    e->kernels->gemm(e->device,
                     &(struct et__gemm){.c = y,
                                        .a = x,
                                        .b = (is_turned ? e->turned : e->params) + l->weight,
                                        .m = (int)n,
                                        .n = l->n_out,
                                        .k = l->n_in,
                                        .c_stride = l->n_out,
                                        .a_stride = l->n_in,
                                        .b_stride = is_turned ? l->n_out : l->n_in,
                                        .is_b_turned = !is_turned,
                                        .alpha = 1,
                                        .beta = 1});
}

et__real *et__linear(struct et__engine *e, const struct et__linear *l, const et__real *x, size_t n)
{
    et__real *y = et__take(e, n * (size_t)l->n_out);
    et__linear_to(e, l, y, x, n);
    return y;
}

void et__linear_back(struct et__engine *e, const struct et__linear *l,
                     const struct et__linear_back *back)
{
    const size_t width = (size_t)l->n_out;
    e->kernels->gemm(e->device, &(struct et__gemm){.c = e->grads + l->weight,
                                                   .a = back->dy,
                                                   .b = back->x,
                                                   .m = l->n_out,
                                                   .n = l->n_in,
                                                   .k = (int)back->n,
                                                   .c_stride = l->n_in,
                                                   .a_stride = l->n_out,
                                                   .b_stride = l->n_in,
                                                   .is_a_turned = true,
                                                   .alpha = 1,
                                                   .beta = 1});
    e->kernels->add_rows(e->device, &(struct et__rows){.to = e->grads + l->bias,
                                                       .from = back->dy,
                                                       .n_rows = back->n,
                                                       .width = width,
                                                       .from_stride = width});
    if (back->dx)
        e->kernels->gemm(e->device, &(struct et__gemm){.c = back->dx,
                                                       .a = back->dy,
                                                       .b = e->params + l->weight,
                                                       .m = (int)back->n,
                                                       .n = l->n_in,
                                                       .k = l->n_out,
                                                       .c_stride = l->n_in,
                                                       .a_stride = l->n_out,
                                                       .b_stride = l->n_in,
                                                       .alpha = 1,
                                                       .beta = back->is_added ? 1 : 0});
}

/* ---- layer normalisation ---- */

static const et__real EPSILON = ET__REAL(1e-5); // PyTorch's

struct et__layer_norm et__layer_norm_add(struct et__params *params, int width, const char *name)
{
    struct et__layer_norm l = {.width = width};
    l.weight = et__param_add(params, ET__PARAM_ONE, 0, width, "%s.weight", name);
    l.bias = et__param_add(params, ET__PARAM_ZERO, 0, width, "%s.bias", name);
    return l;
}

et__real *et__layer_norm(struct et__engine *e, const struct et__layer_norm *l, const et__real *x,
                         size_t n, struct et__layer_norm_seen *seen)
{
    et__real *y = et__take(e, n * (size_t)l->width);
    *seen = (struct et__layer_norm_seen){
        .x = x, .mean = et__take(e, n), .scale = et__take(e, n), .n = n};
    e->kernels->norm(e->device, &(struct et__norm){.y = y,
                                                   .mean = seen->mean,
                                                   .scale = seen->scale,
                                                   .x = x,
                                                   .weight = e->params + l->weight,
                                                   .bias = e->params + l->bias,
                                                   .n_rows = n,
                                                   .width = (size_t)l->width,
                                                   .epsilon = EPSILON});
    return y;
}

void et__layer_norm_back(struct et__engine *e, const struct et__layer_norm *l, et__real *dx,
                         const et__real *dy, const struct et__layer_norm_seen *seen)
{
    e->kernels->norm_back(e->device, &(struct et__norm_back){.dx = dx,
                                                             .dweight = e->grads + l->weight,
                                                             .dbias = e->grads + l->bias,
                                                             .dy = dy,
                                                             .x = seen->x,
                                                             .weight = e->params + l->weight,
                                                             .mean = seen->mean,
                                                             .scale = seen->scale,
                                                             .n_rows = seen->n,
                                                             .width = (size_t)l->width});
}

/* ---- what is left out ---- */

// Of n numbers, as many of each sample.
static struct et__chance next_chance(struct et__engine *e, size_t n)
{
    struct et__chance c = {.share = e->drops.share};
    if (c.share == 0)
        return c;
    c.key = et_random_key(e->drops.key, e->drops.n++);
    c.first = e->drops.first * (n / e->drops.n_samples);
    return c;
}

void et__drop(struct et__engine *e, et__real *x, size_t n, struct et__chance *chance)
{
    *chance = next_chance(e, n);
    et__drop_back(e, x, n, chance);
}

void et__drop_back(struct et__engine *e, et__real *dx, size_t n, const struct et__chance *chance)
{
    if (chance->share > 0)
        e->kernels->drop(e->device,
                         &(struct et__drop){.to = dx, .from = dx, .n = n, .chance = *chance});
}

/* ---- attention ---- */

struct et__heads et__heads_add(struct et__params *params, int width, int n_heads, const char *name)
{
    struct et__linear l = {.n_in = width, .n_out = width};
    struct et__heads heads = {.width = width, .n_heads = n_heads};
    l.weight = et__param_add(params, ET__PARAM_WEIGHT, 3 * width, width, "%s.in_proj_weight", name);
    l.bias = et__param_add(params, ET__PARAM_ZERO, 0, 3 * width, "%s.in_proj_bias", name);
    struct et__linear *const parts[] = {&heads.query, &heads.key, &heads.value};
    for (size_t i = 0; i < 3; i++) {
        *parts[i] = l;
        l.weight += (size_t)width * (size_t)width;
        l.bias += (size_t)width;
    }
    heads.out = (struct et__linear){.n_in = width, .n_out = width};
    heads.out.weight =
        et__param_add(params, ET__PARAM_WEIGHT, width, width, "%s.out_proj.weight", name);
    heads.out.bias = et__param_add(params, ET__PARAM_ZERO, 0, width, "%s.out_proj.bias", name);
    return heads;
}

et__real *et__heads(struct et__engine *e, const struct et__heads *l,
                    const struct et__heads_input *input, struct et__heads_seen *seen)
{
    const size_t n_queries = (size_t)input->n_batch * (size_t)input->n_queries;
    const size_t n_keys = (size_t)input->n_batch * (size_t)input->n_keys;
    const size_t n_weights = n_queries * (size_t)l->n_heads * (size_t)input->n_keys;
    const struct et__chance chance = next_chance(e, n_weights);
    seen->input = *input;
    seen->attention =
        (struct et__attention){.o = et__take(e, n_queries * (size_t)l->width),
                               .weights = et__take(e, n_weights),
                               .kept = chance.share > 0 ? et__take(e, n_weights) : NULL,
                               .q = et__linear(e, &l->query, input->queries, n_queries),
                               .k = et__linear(e, &l->key, input->keys, n_keys),
                               .v = et__linear(e, &l->value, input->values, n_keys),
                               .hidden = input->hidden,
                               .n_batch = input->n_batch,
                               .n_queries = input->n_queries,
                               .n_keys = input->n_keys,
                               .width = l->width,
                               .n_heads = l->n_heads,
                               .chance = chance};
    e->kernels->attend(e->device, &seen->attention);
    return et__linear(e, &l->out, seen->attention.o, n_queries);
}

void et__heads_back(struct et__engine *e, const struct et__heads *l,
                    const struct et__heads_back *back, const et__real *dy,
                    const struct et__heads_seen *seen)
{
    const size_t mark = e->used;
    const struct et__attention *a = &seen->attention;
    const size_t n_queries = (size_t)a->n_batch * (size_t)a->n_queries;
    const size_t n_keys = (size_t)a->n_batch * (size_t)a->n_keys, width = (size_t)l->width;
    et__real *d_o = et__take(e, n_queries * width);
    et__linear_back(e, &l->out,
                    &(struct et__linear_back){.dy = dy, .x = a->o, .dx = d_o, .n = n_queries});
    const struct et__attention_back d = {.dq = et__take(e, n_queries * width),
                                         .dk = et__take(e, n_keys * width),
                                         .dv = et__take(e, n_keys * width),
                                         .scratch =
                                             et__take(e, (size_t)a->n_queries * (size_t)a->n_keys),
                                         .d_o = d_o,
                                         .forward = a};
    e->kernels->attend_back(e->device, &d);
    const struct et__heads_input *in = &seen->input;
    et__linear_back(
        e, &l->query,
        &(struct et__linear_back){d.dq, in->queries, back->d_queries, n_queries, false});
    et__linear_back(e, &l->key,
                    &(struct et__linear_back){d.dk, in->keys, back->d_keys, n_keys, true});
    et__linear_back(e, &l->value,
                    &(struct et__linear_back){d.dv, in->values, back->d_values, n_keys, true});
    e->used = mark;
}

/* ---- feed-forward ---- */

et__real *et__feedforward(struct et__engine *e, const struct et__feedforward *l, const et__real *x,
                          size_t n, struct et__feedforward_seen *seen)
{
    const size_t n_between = n * (size_t)l->first.n_out;
    *seen = (struct et__feedforward_seen){.x = x, .n = n};
    seen->before = et__linear(e, &l->first, x, n);
    seen->after = et__take(e, n_between);
    e->kernels->activate(e->device, l->kind, seen->after, seen->before, n_between);
    et__drop(e, seen->after, n_between, &seen->chance);
    return et__linear(e, &l->second, seen->after, n);
}

void et__feedforward_back(struct et__engine *e, const struct et__feedforward *l, et__real *dx,
                          const et__real *dy, const struct et__feedforward_seen *seen)
{
    const size_t mark = e->used, n_between = seen->n * (size_t)l->first.n_out;
    et__real *d = et__take(e, n_between); // of what lies between
    et__linear_back(e, &l->second,
                    &(struct et__linear_back){.dy = dy, .x = seen->after, .dx = d, .n = seen->n});
    et__drop_back(e, d, n_between, &seen->chance);
    e->kernels->activate_back(e->device, l->kind, d, d, seen->before, n_between);
    et__linear_back(e, &l->first,
                    &(struct et__linear_back){d, seen->x, dx, seen->n, .is_added = true});
    e->used = mark;
}

/* ---- rows ---- */

void et__add(struct et__engine *e, et__real *to, const et__real *from, size_t n)
{
    e->kernels->add_rows(
        e->device,
        &(struct et__rows){.to = to, .from = from, .n_rows = 1, .width = n, .to_stride = n});
}

et__real *et__sum(struct et__engine *e, const et__real *a, const et__real *b, size_t n)
{
    et__real *sum = et__take(e, n);
    e->kernels->copy_rows(e->device,
                          &(struct et__rows){.to = sum, .from = a, .n_rows = 1, .width = n});
    et__add(e, sum, b, n);
    return sum;
}

et__real *et__add_steps(struct et__engine *e, const et__real *x, const et__real *p, size_t n_batch,
                        size_t step_values)
{
    et__real *y = et__take(e, n_batch * step_values);
    e->kernels->copy_rows(
        e->device,
        &(struct et__rows){.to = y, .from = x, .n_rows = 1, .width = n_batch * step_values});
    e->kernels->add_rows(
        e->device,
        &(struct et__rows){
            .to = y, .from = p, .n_rows = n_batch, .width = step_values, .to_stride = step_values});
    return y;
}

void et__add_steps_back(struct et__engine *e, et__real *dp, const et__real *dy, size_t n_batch,
                        size_t step_values)
{
    e->kernels->add_rows(e->device, &(struct et__rows){.to = dp,
                                                       .from = dy,
                                                       .n_rows = n_batch,
                                                       .width = step_values,
                                                       .from_stride = step_values});
}

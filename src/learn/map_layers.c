/* Layers over maps, over their kernels. */
#include "learn/learn__map_layers.h"

#include <assert.h>

static const et__real EPSILON = ET__REAL(1e-5); // PyTorch's and torchvision's

struct et__conv et__conv_add(struct et__params *params, const struct et__conv *what,
                             const char *prefix, const char *conv, const char *norm)
{
    struct et__conv l = *what;
    const bool is_frozen = l.kind == ET__CONV_FROZEN;
    const enum et__param_kind one = is_frozen ? ET__PARAM_FROZEN_ONE : ET__PARAM_ONE;
    const enum et__param_kind zero = is_frozen ? ET__PARAM_FROZEN_ZERO : ET__PARAM_ZERO;
    assert(l.padding < l.side);
    l.weight = et__param_add_window(params, l.n_out, l.n_in, l.side, "%s.%s.weight", prefix, conv);
    if (l.kind == ET__CONV_BIAS) {
        l.norm_bias = et__param_add(params, zero, 0, l.n_out, "%s.%s.bias", prefix, conv);
        return l;
    }
    l.norm_weight = et__param_add(params, one, 0, l.n_out, "%s.%s.weight", prefix, norm);
    l.norm_bias = et__param_add(params, zero, 0, l.n_out, "%s.%s.bias", prefix, norm);
    if (is_frozen) {
        l.mean = et__param_add(params, zero, 0, l.n_out, "%s.%s.running_mean", prefix, norm);
        l.variance = et__param_add(params, one, 0, l.n_out, "%s.%s.running_var", prefix, norm);
    }
    return l;
}

static void freeze(struct et__engine *e, const struct et__conv *l, struct et__convolution *c)
{
    const size_t n = (size_t)l->n_out;
    const struct et__frozen_norm norm = {.scale = et__take(e, n),
                                         .shift = et__take(e, n),
                                         .weight = e->params + l->norm_weight,
                                         .bias = e->params + l->norm_bias,
                                         .mean = e->params + l->mean,
                                         .variance = e->params + l->variance,
                                         .n_channels = n,
                                         .epsilon = EPSILON};
    e->kernels->pictures->frozen_norm(e->device, &norm);
    c->scale = norm.scale;
    c->shift = norm.shift;
}

static et__real *norm(struct et__engine *e, const struct et__conv *l, const struct et__map *x,
                      struct et__group_norm *seen)
{
    const size_t n_groups = (size_t)x->n * (size_t)l->n_groups;
    *seen = (struct et__group_norm){.y = et__take(e, et__map_numbers(x)),
                                    .mean = et__take(e, n_groups),
                                    .scale = et__take(e, n_groups),
                                    .x = x->x,
                                    .weight = e->params + l->norm_weight,
                                    .bias = e->params + l->norm_bias,
                                    .n = (size_t)x->n,
                                    .n_places = (size_t)x->height * (size_t)x->width,
                                    .n_channels = (size_t)l->n_out,
                                    .n_groups = (size_t)l->n_groups,
                                    .epsilon = EPSILON,
                                    .has_relu = l->has_relu};
    const size_t mark = e->used;
    seen->scratch = et__take(e, 2 * (size_t)l->n_out);
    e->kernels->pictures->group_norm(e->device, seen);
    e->used = mark;
    return seen->y;
}

struct et__map et__conv(struct et__engine *e, const struct et__conv *l, const struct et__map *x,
                        const et__real *more, struct et__conv_seen *seen)
{
    const struct et__window window = {x->n, x->height, x->width, l->side, l->stride, l->padding};
    struct et__map y = {.n = x->n,
                        .height = et__window_high(&window),
                        .width = et__window_wide(&window),
                        .n_channels = l->n_out};
    const bool has_groups = l->kind == ET__CONV_GROUPS;
    struct et__convolution *c = &seen->convolution;
    assert(x->n_channels == l->n_in && !(has_groups && more));
    *c = (struct et__convolution){.x = x->x,
                                  .weight = e->params + l->weight,
                                  .more = more,
                                  .window = window,
                                  .n_in = l->n_in,
                                  .n_out = l->n_out,
                                  .has_relu = l->has_relu && !has_groups};
    if (l->kind == ET__CONV_BIAS)
        c->shift = e->params + l->norm_bias;
    if (l->kind == ET__CONV_FROZEN)
        freeze(e, l, c);
    y.x = c->y = et__take(e, et__map_numbers(&y));
    const size_t mark = e->used;
    c->scratch = et__take(e, et__convolution_scratch(c));
    e->kernels->pictures->convolve(e->device, c);
    e->used = mark;
    if (has_groups)
        y.x = norm(e, l, &y, &seen->norm);
    seen->y = y;
    return y;
}

void et__conv_back(struct et__engine *e, const struct et__conv *l, const struct et__conv_back *back,
                   const struct et__conv_seen *seen)
{
    const size_t mark = e->used, n = et__map_numbers(&seen->y);
    const struct et__picture_kernels *k = e->kernels->pictures;
    const et__real *dy = back->dy;
    if (l->kind == ET__CONV_GROUPS) {
        et__real *d = et__take(e, n);
        k->group_norm_back(
            e->device, &(struct et__group_norm_back){.dx = d,
                                                     .dweight = e->grads + l->norm_weight,
                                                     .dbias = e->grads + l->norm_bias,
                                                     .scratch = et__take(e, 3 * (size_t)l->n_out),
                                                     .dy = dy,
                                                     .forward = &seen->norm});
        dy = d;
    } else if (l->has_relu) { // y is positive where what it came from is
        et__real *d = back->d_more ? back->d_more : et__take(e, n);
        e->kernels->activate_back(e->device, ET__RELU, d, dy, seen->y.x, n);
        dy = d;
    }
    k->convolve_back(e->device,
                     &(struct et__convolution_back){
                         .dx = back->dx,
                         .is_added = back->is_added,
                         .dweight = e->grads + l->weight,
                         .dshift = l->kind == ET__CONV_BIAS ? e->grads + l->norm_bias : NULL,
                         .scratch = et__take(e, et__convolution_scratch(&seen->convolution)),
                         .dy = dy,
                         .forward = &seen->convolution});
    e->used = mark;
}

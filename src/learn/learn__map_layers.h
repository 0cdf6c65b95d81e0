/* Layers over maps: a convolution with the norm that follows it, there and back, as learn__layers.h
 * has it for rows. Names of parameters are PyTorch's. */
#ifndef LEARN__MAP_LAYERS_H
#define LEARN__MAP_LAYERS_H

#include "learn/learn__engine.h"

/* n pictures × height × width × n_channels, in the engine's space. */
struct et__map {
    const et__real *x;
    int n, height, width, n_channels;
};

static inline size_t et__map_places(const struct et__map *m)
{
    return (size_t)m->n * (size_t)m->height * (size_t)m->width;
}
static inline size_t et__map_numbers(const struct et__map *m)
{
    return et__map_places(m) * (size_t)m->n_channels;
}

enum et__conv_kind {
    ET__CONV_BIAS,   // of each channel, learned
    ET__CONV_GROUPS, // group norm, n_groups of its channels
    ET__CONV_FROZEN, // batch norm that stays as it is (torchvision's FrozenBatchNorm2d)
};

/* What it is, by its maker; where its parameters lie, by et__conv_add. */
struct et__conv {
    enum et__conv_kind kind;
    int n_in, n_out, side, stride, padding, n_groups;
    bool has_relu;
    size_t weight, norm_weight, norm_bias, mean, variance;
};

struct et__conv_seen {
    struct et__convolution convolution;
    struct et__group_norm norm;
    struct et__map y;
};

/* Names: PREFIX.CONV.weight, PREFIX.NORM.weight and so on; a bias is its convolution's. */
struct et__conv et__conv_add(struct et__params *params, const struct et__conv *what,
                             const char *prefix, const char *conv, const char *norm);

/* y = norm(weight ∗ x) + more, and ReLU. more NULL: 0; with group norm there is none. */
struct et__map et__conv(struct et__engine *e, const struct et__conv *l, const struct et__map *x,
                        const et__real *more, struct et__conv_seen *seen);

/* dx NULL: the input is not learned from; is_added: it is added to. d_more: what `more` changes by,
 * written, where there is one (it has ReLU); else NULL. */
struct et__conv_back {
    const et__real *dy;
    et__real *dx, *d_more;
    bool is_added;
};
void et__conv_back(struct et__engine *e, const struct et__conv *l, const struct et__conv_back *back,
                   const struct et__conv_seen *seen);

#endif

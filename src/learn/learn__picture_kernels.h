/* Kernels over maps: what pictures become on their way through an encoder.
 *
 * A map is n pictures × height × width × channels, channels last. So a place is a row, as
 * everywhere else: what an encoder ends with are the rows that a transformer takes, a convolution
 * is a matrix product over rows that were gathered, and what is of each channel (scales, sums,
 * greatest values) runs along vectors. Weights lie as PyTorch has them (out × in × height × width),
 * since files do, and are turned for each call: they are few beside what they are multiplied with.
 */
#ifndef LEARN__PICTURE_KERNELS_H
#define LEARN__PICTURE_KERNELS_H

#include "learn/learn__real.h"

#include <stdbool.h>
#include <stddef.h>

/* Pictures as they come (n × channels × places) into a map. */
struct et__planes {
    et__real *y;
    const et__real *x;
    size_t n, n_channels, n_places;
    size_t y_stride; // from one picture's first place to the next one's, in numbers
};

/* A square window that moves over a map, beyond its edges by `padding` places of 0 (for the
 * greatest value: of nothing), fewer than its side has. */
struct et__window {
    int n, height, width; // the map that it moves over
    int side, stride, padding;
};

/* y = scale · (weight ∗ x) + shift + more, then ReLU where it is asked for. */
struct et__convolution {
    et__real *y;            // n × et__window_high × et__window_wide × n_out
    et__real *scratch;      // et__convolution_scratch; of no use afterwards
    const et__real *x;      // n × height × width × n_in
    const et__real *weight; // n_out × n_in × side × side
    const et__real *scale;  // n_out; NULL: 1
    const et__real *shift;  // n_out; NULL: 0
    const et__real *more;   // as y; NULL: 0
    struct et__window window;
    int n_in, n_out;
    bool has_relu;
};
/* dy is what the sum before ReLU changes by. The scale does not learn; dmore is dy. */
struct et__convolution_back {
    et__real *dx;      // NULL: nothing learns from it
    bool is_added;     // dx is added to, not written
    et__real *dweight; // added to
    et__real *dshift;  // added to; NULL: it does not learn
    et__real *scratch; // et__convolution_scratch
    const et__real *dy;
    const struct et__convolution *forward;
};

/* Of each channel, the greatest in the window. Back, the first of the greatest gets it all. */
struct et__max_pool {
    et__real *y;
    const et__real *x;
    struct et__window window;
    int n_channels;
};
struct et__max_pool_back {
    et__real *dx; // written
    const et__real *dy;
    const struct et__max_pool *forward;
};

/* Each picture's groups of neighbouring channels have mean 0 and variance 1, before weight and bias
 * of each channel (Wu and He: "Group Normalization", 2018); then ReLU where it is asked for. */
struct et__group_norm {
    et__real *y, *mean, *scale; // mean, scale: n × n_groups; scale: 1 / √(variance + epsilon)
    et__real *scratch;          // 2 n_channels
    const et__real *x, *weight, *bias;
    size_t n, n_places, n_channels, n_groups;
    et__real epsilon;
    bool has_relu;
};
struct et__group_norm_back {
    et__real *dx;              // written
    et__real *dweight, *dbias; // added to
    et__real *scratch;         // 3 n_channels
    const et__real *dy;        // after ReLU
    const struct et__group_norm *forward;
};

/* Batch norm with statistics that were found before and stay: (x − mean) / √(variance + epsilon) ·
 * weight + bias, as a scale and a shift of each channel. */
struct et__frozen_norm {
    et__real *scale, *shift;
    const et__real *weight, *bias, *mean, *variance;
    size_t n_channels;
    et__real epsilon;
};

/* Where each channel's map looks: softmax over its places, and the place to expect, −1 … 1 from
 * left to right and from top to bottom (Finn et al.: "Deep Spatial Autoencoders for Visuomotor
 * Learning", 2016). */
struct et__keypoints {
    et__real *y;       // n × n_channels × (x, y)
    et__real *weights; // as x: the softmax
    const et__real *x; // n × height × width × n_channels
    int n, height, width, n_channels;
};
struct et__keypoints_back {
    et__real *dx; // written
    const et__real *dy;
    const struct et__keypoints *forward;
};

struct et__picture_kernels {
    void (*lay_planes)(void *device, const struct et__planes *p);
    void (*convolve)(void *device, const struct et__convolution *c);
    void (*convolve_back)(void *device, const struct et__convolution_back *c);
    void (*max_pool)(void *device, const struct et__max_pool *p);
    void (*max_pool_back)(void *device, const struct et__max_pool_back *p);
    void (*group_norm)(void *device, const struct et__group_norm *n);
    void (*group_norm_back)(void *device, const struct et__group_norm_back *n);
    void (*frozen_norm)(void *device, const struct et__frozen_norm *n);
    void (*keypoints)(void *device, const struct et__keypoints *k);
    void (*keypoints_back)(void *device, const struct et__keypoints_back *k);
};

/* Places of a window: as many as fit, one below the other and side by side. */
static inline int et__window_high(const struct et__window *w)
{
    return (w->height + 2 * w->padding - w->side) / w->stride + 1;
}
static inline int et__window_wide(const struct et__window *w)
{
    return (w->width + 2 * w->padding - w->side) / w->stride + 1;
}
static inline size_t et__window_places(const struct et__window *w)
{
    return (size_t)w->n * (size_t)et__window_high(w) * (size_t)et__window_wide(w);
}

/* Numbers of scratch that a convolution takes, there and back: its weights turned and what they
 * change by, and rows gathered, as many as stay in a core's cache. */
size_t et__convolution_scratch(const struct et__convolution *c);

/* Parts of a processor's convolutions, whoever multiplies: what comes behind the product, of n rows
 * of y from `first` on; and what its shift learns. */
void et__convolution_finish(const struct et__convolution *c, size_t first, size_t n);
void et__convolution_learn_shift(const struct et__convolution_back *back);

extern const struct et__picture_kernels et__picture_kernels_reference;
extern const struct et__picture_kernels et__picture_kernels_cpu;
extern const struct et__picture_kernels et__picture_kernels_none;

#endif

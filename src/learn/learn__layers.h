/* Layers: what networks are put together of, each with its way forward and its way back.
 *
 * A layer is where its parameters lie. Its forward function takes rows and returns rows, from the
 * engine's space; what the way back needs beside them it leaves in a struct of the caller's. The
 * backward function adds to the gradients of its parameters, and gives what its input changes by.
 * Names of parameters are PyTorch's, so that checkpoints mean the same there and here.
 *
 * Shapes: x of n × n_in, row-major; sequences are n_batch × n_steps rows of `width`. */
#ifndef LEARN__LAYERS_H
#define LEARN__LAYERS_H

#include "learn/learn__engine.h"

/* ---- y = x Wᵀ + b ---- */

struct et__linear {
    size_t weight, bias; // n_out × n_in; n_out
    int n_in, n_out;
};

struct et__linear et__linear_add(struct et__params *params, int n_in, int n_out, const char *name);
et__real *et__linear(struct et__engine *e, const struct et__linear *l, const et__real *x, size_t n);
void et__linear_to(struct et__engine *e, const struct et__linear *l, et__real *y, const et__real *x,
                   size_t n);

/* dx NULL: the input is not learned from. is_added: dx is added to, not written. */
struct et__linear_back {
    const et__real *dy, *x;
    et__real *dx;
    size_t n;
    bool is_added;
};
void et__linear_back(struct et__engine *e, const struct et__linear *l,
                     const struct et__linear_back *back);

/* ---- layer normalisation ---- */

struct et__layer_norm {
    size_t weight, bias;
    int width;
};
struct et__layer_norm_seen {
    const et__real *x;
    et__real *mean, *scale;
    size_t n;
};

struct et__layer_norm et__layer_norm_add(struct et__params *params, int width, const char *name);
et__real *et__layer_norm(struct et__engine *e, const struct et__layer_norm *l, const et__real *x,
                         size_t n, struct et__layer_norm_seen *seen);
void et__layer_norm_back(struct et__engine *e, const struct et__layer_norm *l, et__real *dx,
                         const et__real *dy, const struct et__layer_norm_seen *seen);

/* ---- what is left out while something is learned ---- */

/* Some of the n numbers of x, which are as many of each sample, become 0. `chance` is kept for the
 * way back, which does the same with what x changes by. */
void et__drop(struct et__engine *e, et__real *x, size_t n, struct et__chance *chance);
void et__drop_back(struct et__engine *e, et__real *dx, size_t n, const struct et__chance *chance);

/* ---- multi-head attention (torch.nn.MultiheadAttention, batch first) ---- */

struct et__heads {
    struct et__linear query, key, value, out; // the first three lie in one parameter
    int width, n_heads;
};
/* What is asked, of what, for what. Two that are the same rows are the same pointer. */
struct et__heads_input {
    const et__real *queries, *keys, *values; // before they are projected
    const uint8_t *hidden;                   // n_batch × n_keys; NULL: none
    int n_batch, n_queries, n_keys;
};
struct et__heads_seen {
    struct et__heads_input input;
    struct et__attention attention;
};

struct et__heads et__heads_add(struct et__params *params, int width, int n_heads, const char *name);
et__real *et__heads(struct et__engine *e, const struct et__heads *l,
                    const struct et__heads_input *input, struct et__heads_seen *seen);
/* Where what changes of the input goes: d_queries is written, then the others are added to; they
 * may be the same. dy is read first: it may be one of those that are added to. */
struct et__heads_back {
    et__real *d_queries, *d_keys, *d_values;
};
void et__heads_back(struct et__engine *e, const struct et__heads *l,
                    const struct et__heads_back *back, const et__real *dy,
                    const struct et__heads_seen *seen);

/* ---- two linear layers with an activation between ---- */

struct et__feedforward {
    struct et__linear first, second;
    enum et__activation kind;
};
struct et__feedforward_seen {
    const et__real *x;
    et__real *before, *after; // the activation
    size_t n;
    struct et__chance chance;
};

et__real *et__feedforward(struct et__engine *e, const struct et__feedforward *l, const et__real *x,
                          size_t n, struct et__feedforward_seen *seen);
/* dx is added to; dy may be dx. */
void et__feedforward_back(struct et__engine *e, const struct et__feedforward *l, et__real *dx,
                          const et__real *dy, const struct et__feedforward_seen *seen);

/* ---- rows ---- */

et__real *et__sum(struct et__engine *e, const et__real *a, const et__real *b, size_t n);
void et__add(struct et__engine *e, et__real *to, const et__real *from, size_t n);
/* x + p with p of n_steps rows, the same for each of the batch; and its way back. */
et__real *et__add_steps(struct et__engine *e, const et__real *x, const et__real *p, size_t n_batch,
                        size_t step_values);
void et__add_steps_back(struct et__engine *e, et__real *dp, const et__real *dy, size_t n_batch,
                        size_t step_values);

#endif

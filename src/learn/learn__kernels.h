/* Kernels: all that touches a network's numbers, one table a back end.
 *
 * Models and layers are straight-line C over pointers that they never follow: what happens to the
 * numbers happens here, so that a device of its own memory (CUDA) is another table, and a table
 * that does nothing says how much memory a model takes. Each back end is held against
 * et__kernels_reference, which is written to be read, by one test.
 *
 * Matrices are row-major; a stride is the distance of two rows, in numbers. Nothing overlaps.
 * Results depend on the arguments alone: sums are taken in an order
 * that is fixed, whatever the processor's vectors are.
 *
 * A device with a memory of its own (`memory`) works on numbers that lie there, and only there, but
 * for what of the program's it was given a share in. It may still be at work when a kernel returns,
 * unless that returns a number; what fails there is told by `finish`.
 *
 * Threads: kernels have no state of their own; a device belongs to one thread. Memory: none. */
#ifndef LEARN__KERNELS_H
#define LEARN__KERNELS_H

#include "learn/learn__picture_kernels.h"
#include "learn/learn__real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* c ← alpha · a b + beta · c, with a of m × k (turned: it lies as k × m), b of k × n. beta 0: what
 * c held is not read. */
struct et__gemm {
    et__real *c;
    const et__real *a, *b;
    int m, n, k;
    int c_stride, a_stride, b_stride;
    bool is_a_turned, is_b_turned;
    et__real alpha, beta;
};

/* Rows of one matrix into another. A stride of 0 is the same row again: read, it is spread over
 * all; added to, it gets the sum of all. */
struct et__rows {
    et__real *to;
    const et__real *from;
    size_t n_rows, width;
    size_t to_stride, from_stride;
};

/* y = (x − mean) / √(variance + epsilon) · weight + bias, over each row (Ba, Kiros, Hinton: "Layer
 * Normalization", 2016). weight and bias NULL: 1 and 0. */
struct et__norm {
    et__real *y, *mean, *scale; // scale: 1 / √(variance + epsilon), of each row
    const et__real *x, *weight, *bias;
    size_t n_rows, width;
    et__real epsilon;
};
struct et__norm_back {
    et__real *dx;              // written
    et__real *dweight, *dbias; // added to; NULL as weight is
    const et__real *dy, *x, *weight, *mean, *scale;
    size_t n_rows, width;
};

enum et__activation {
    ET__RELU,
    ET__GELU, // by tanh (Hendrycks and Gimpel 2016)
    ET__SILU,
};

/* Numbers of which each is left out with a chance, and the others are made larger, so that what
 * they are on average stays (Srivastava et al.: "Dropout", 2014; as PyTorch has it). Whether the
 * i-th goes hangs on `key` and `first` + i alone, so that whoever does the way back, or another
 * part of a batch, draws the same. */
#define ET__CHANCE_ONE 65536u
struct et__chance {
    uint64_t key, first;
    unsigned share; // of ET__CHANCE_ONE, less than it; 0: all stay
};
struct et__drop {
    et__real *to;
    const et__real *from; // `to` itself is allowed
    size_t n;
    struct et__chance chance;
};

/* o = softmax(q kᵀ / √(width / n_heads), by head) v (Vaswani et al. 2017, 3.2). Rows of q and o are
 * n_batch × n_queries, of k and v n_batch × n_keys, of `width` each; a head is a run of columns.
 * Keys with a 1 in `hidden` (n_batch × n_keys; NULL: none) get no weight. `kept`, where it is not
 * NULL, gets the weights after chance has left out some, and o is made with those. */
struct et__attention {
    et__real *o, *weights, *kept; // the last two: n_batch × n_heads × n_queries × n_keys
    const et__real *q, *k, *v;
    const uint8_t *hidden;
    int n_batch, n_queries, n_keys, width, n_heads;
    struct et__chance chance;
};
struct et__attention_back {
    et__real *dq, *dk, *dv; // written
    et__real *scratch;      // n_queries × n_keys
    const et__real *d_o;
    const struct et__attention *forward;
};

/* What a condition does to a sequence (Peebles and Xie: "Scalable Diffusion Models with
 * Transformers", 2023, adaLN): y = x · (1 + scale) + shift, or y = x + gate · part. The condition's
 * rows are n_batch, `stride` apart; x, y and part are n_batch × n_steps × width. */
struct et__modulate {
    et__real *y;
    const et__real *x, *scale, *shift;
    size_t n_batch, n_steps, width, stride;
};
struct et__modulate_back {
    et__real *dx;              // written
    et__real *dscale, *dshift; // added to, rows `stride` apart
    const et__real *dy;
    const struct et__modulate *forward;
};
struct et__gate {
    et__real *y;
    const et__real *x, *part, *gate;
    size_t n_batch, n_steps, width, stride;
};
struct et__gate_back { // dx is dy
    et__real *dpart;   // written
    et__real *dgate;   // added to, rows `stride` apart
    const et__real *dy;
    const struct et__gate *forward;
};

/* A sum over rows of weight · |out − target|, of a row's last n_squared numbers of its square, and
 * what it changes by: dout is written. */
struct et__loss {
    et__real *dout;
    const et__real *out, *target;
    const et__real *weights; // of rows; 0: the row is not looked at
    const et__real *mask;    // n_rows × width: 0 of numbers that are not, else 1; NULL: all are
    size_t n_rows, width, n_squared;
};

/* A latent is drawn, z = mean + noise · e^(log variance / 2), and its sum of Kullback-Leibler
 * divergences from a normal one is returned (Kingma and Welling 2014, appendix B). */
struct et__latent {
    et__real *z;
    const et__real *params; // n_rows × 2 n_latent: means, then logarithms of variances
    const et__real *noise;  // n_rows × n_latent
    size_t n_rows, n_latent;
};
struct et__latent_back {
    et__real *d_params; // written
    const et__real *dz;
    const struct et__latent *forward;
    et__real kl_weight; // of each divergence in the loss
};

/* AdamW (Loshchilov and Hutter 2019, algorithm 2), on `step` 1, 2 …. `decay` is of each number: 1
 * where weights decay, 0 where not. */
struct et__adamw {
    et__real *values, *first, *second; // moments
    const et__real *grads, *decay;
    size_t n;
    int64_t step;
    double rate, beta1, beta2, epsilon, weight_decay;
    double grad_scale; // what gradients are multiplied by before anything else
};

/* The memory of a device that has its own. `device` is the kernels'. */
struct et__device_memory {
    void *(*take)(void *device, size_t bytes); // as it happens to be; NULL: there is none left
    void (*give_back)(void *device, void *p);  // NULL is allowed
    /* Both ways; done when they return. */
    void (*send)(void *device, void *to, const void *from, size_t bytes);
    void (*fetch)(void *device, void *to, const void *from, size_t bytes);
    /* From here on the device reads and writes this part of the program's memory, too, by the same
     * addresses and at the speed of the way between. False: it cannot. */
    bool (*share)(void *device, void *p, size_t bytes);
    void (*unshare)(void *device, void *p);
    /* Waits until all is done. False: something failed, now or before; `why` says what. */
    bool (*finish)(void *device, char *why, size_t n_why);
};

struct et__kernels {
    const char *name;
    const struct et__device_memory *memory; // NULL: the program's, and nothing is waited for
    void (*gemm)(void *device, const struct et__gemm *g);
    void (*clear)(void *device, et__real *to, size_t n);
    void (*copy_rows)(void *device, const struct et__rows *r);
    void (*add_rows)(void *device, const struct et__rows *r);
    void (*norm)(void *device, const struct et__norm *n);
    void (*norm_back)(void *device, const struct et__norm_back *n);
    void (*activate)(void *device, enum et__activation kind, et__real *y, const et__real *x,
                     size_t n);
    // dx = dy · the slope at x; dy may be dx
    void (*activate_back)(void *device, enum et__activation kind, et__real *dx, const et__real *dy,
                          const et__real *x, size_t n);
    void (*drop)(void *device, const struct et__drop *d);
    void (*attend)(void *device, const struct et__attention *a);
    void (*attend_back)(void *device, const struct et__attention_back *a);
    void (*modulate)(void *device, const struct et__modulate *m);
    void (*modulate_back)(void *device, const struct et__modulate_back *m);
    void (*gate)(void *device, const struct et__gate *g);
    void (*gate_back)(void *device, const struct et__gate_back *g);
    double (*loss)(void *device, const struct et__loss *l);
    double (*draw_latent)(void *device, const struct et__latent *l);
    void (*draw_latent_back)(void *device, const struct et__latent_back *l);
    double (*sum_squares)(void *device, const et__real *x, size_t n);
    void (*adamw)(void *device, const struct et__adamw *a);
    void (*blend)(void *device, et__real *to, const et__real *from, double share, size_t n); // EMA
    const struct et__picture_kernels *pictures;
};

// Of so few numbers that a processor's way is the reference's.
double et__draw_latent(void *device, const struct et__latent *l);
void et__draw_latent_back(void *device, const struct et__latent_back *back);

extern const struct et__kernels et__kernels_reference; // to be read
extern const struct et__kernels et__kernels_cpu;       // OpenBLAS
extern const struct et__kernels et__kernels_none;      // does nothing: for measuring memory

#endif

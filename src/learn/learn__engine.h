/* Engine: what a network's layers work with: parameters by name, and memory for one step.
 *
 * Parameters lie in one flat buffer, each at a place that was given out once, by name; gradients,
 * moments and averages are buffers of the same layout. So an optimiser is one loop, a checkpoint is
 * a list of names, and what workers found is added up without knowing what it is.
 *
 * What a step computes lies in a space that only grows until the step ends: a forward pass keeps
 * what its backward pass needs, in local structs that point into it. How large that is, a run with
 * kernels that do nothing finds out before (et__engine_measure).
 *
 * Threads: an engine belongs to one thread; parameters are shared while nobody changes them.
 * Memory:  all of it when it is opened; a step allocates nothing. */
#ifndef LEARN__ENGINE_H
#define LEARN__ENGINE_H

#include "etude/arena.h"
#include "learn/learn__kernels.h"

/* ---- parameters ---- */

#define ET__PARAM_DIMS_MAX 4
#define ET__PARAM_NAME_MAX 112

/* How the values of a parameter begin. */
enum et__param_kind {
    ET__PARAM_WEIGHT,    // uniform within ±√(6 / (inputs + outputs)) (Glorot and Bengio 2010)
    ET__PARAM_EMBEDDING, // normal
    ET__PARAM_ONE,
    ET__PARAM_ZERO,
    // What came with a checkpoint and stays: in files as all others, but nothing learns it. Its
    // gradient is never added to, and it does not decay; so an optimiser leaves its bits alone.
    ET__PARAM_FROZEN_ONE,
    ET__PARAM_FROZEN_ZERO,
};

struct et__param {
    char name[ET__PARAM_NAME_MAX];
    int64_t shape[ET__PARAM_DIMS_MAX];
    size_t n_dims;
    size_t at, n; // in the flat buffer
    enum et__param_kind kind;
};

struct et__params {
    struct et__param *items;
    size_t n_items, cap;
    size_t n_values; // of the flat buffer; places between two parameters stay 0
    bool is_full;    // an item found no room: et__params_check
};

/* Room for `cap` parameters, in the arena. ET_ENOMEM. */
ET_MUST_USE enum et_status et__params_open(struct et__params *params, struct et_arena *arena,
                                           size_t cap, struct et_err *err);
/* Gives out a place for a matrix of n_rows × n_cols (n_rows 0: a vector of n_cols), named by the
 * format. The failure is kept for et__params_check. */
size_t et__param_add(struct et__params *params, enum et__param_kind kind, int n_rows, int n_cols,
                     const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same for a convolution's weights, n_out × n_in × side × side. */
size_t et__param_add_window(struct et__params *params, int n_out, int n_in, int side,
                            const char *format, ...) __attribute__((format(printf, 5, 6)));
static inline bool et__param_is_frozen(const struct et__param *param)
{
    return param->kind == ET__PARAM_FROZEN_ONE || param->kind == ET__PARAM_FROZEN_ZERO;
}
/* ET_ELIMIT: there was no room, or a name was too long. */
ET_MUST_USE enum et_status et__params_check(const struct et__params *params, struct et_err *err);
const struct et__param *et__param_find(const struct et__params *params, const char *name);
/* First values of all, from the seed and each parameter's name: a layer more changes no other. */
void et__params_begin(const struct et__params *params, et__real *values, uint64_t seed);
/* 1 for the values that weights decay at (matrices), 0 for biases, scales, gaps and what is frozen.
 */
void et__params_decay(const struct et__params *params, et__real *decay);

/* ---- one worker ---- */

struct et__engine {
    const struct et__kernels *kernels;
    void *device;
    const et__real *params;
    et__real *grads; // added to; NULL: forward only
    et__real *base;  // of the step's space
    size_t cap, used, most;
    /* Weights of linear layers once more, each n_in × n_out where params has it n_out × n_in: a
     * product of few rows spends a third of its time on turning them (NULL: they are turned each
     * time). A pass with is_turning fills it with those that the pass needs. */
    et__real *turned;
    bool is_turning;
    /* What the layers of this step leave out (et__drop): nothing where drops.share is 0. */
    struct {
        uint64_t key;            // of the step
        size_t first, n_samples; // that the step is of; first: in the whole batch
        unsigned share;          // of ET__CHANCE_ONE
        unsigned n;              // drops that have been
    } drops;
};

/* n numbers of the step's space, as they happen to be; at a multiple of 64 bytes. */
et__real *et__take(struct et__engine *engine, size_t n);
et__real *et__take_zeros(struct et__engine *engine, size_t n);
/* An engine of the space that is left, for a model whose step begins at the beginning of its space;
 * and its engine told of what that took. What it took is free again. */
struct et__engine et__engine_rest(const struct et__engine *engine);
void et__engine_took(struct et__engine *engine, const struct et__engine *rest);
/* What a model's step takes: a run of it between these two, with kernels that do nothing. */
struct et__engine et__engine_measure(bool has_grads);
size_t et__engine_measured(const struct et__engine *engine); // numbers

#endif

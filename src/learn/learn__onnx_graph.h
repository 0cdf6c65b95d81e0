/* Graph: layers (learn__layers.h, learn__transformer.h) as nodes of ONNX.
 *
 * Values are names; what is the same for all who ask (a parameter, a constant, weights turned) is
 * made once, where it is asked for first. Failures are et_onnx's, kept until the file is written.
 */
#ifndef LEARN__ONNX_GRAPH_H
#define LEARN__ONNX_GRAPH_H

#include "learn/learn__onnx.h"

struct et__graph {
    struct et_onnx *onnx;
    const struct et__onnx_file *file;
    bool is_out_of_memory;
};

/* ET_ECORRUPT: a parameter is no number. ET_EARG: the actions have a name of the network.
 * ET_ENOMEM.
 */
ET_MUST_USE enum et_status et__graph_open(struct et__graph *g, const struct et__onnx_file *file,
                                          const char *network, int n_action, struct et_err *err);
/* Writes what was put together, and closes it. */
ET_MUST_USE enum et_status et__graph_write(struct et__graph *g, struct et_err *err);

/* ET_EARG: they are not `n` in all, or have names of the network; ET_ECORRUPT: a normaliser is no
 * number. */
ET_MUST_USE enum et_status et__graph_check(const struct et__onnx_numbers *inputs, size_t n_inputs,
                                           int n, struct et_err *err);

/* The same of cameras. */
ET_MUST_USE enum et_status et__graph_check_sight(const struct et__onnx_sight *sight,
                                                 struct et_err *err);

/* ---- in and out ---- */

/* An input of batch × n, or (n_rows > 0) batch × n_rows × n; normalised. */
const char *et__graph_input(struct et__graph *g, const struct et__onnx_numbers *in, int n_rows);
/* Several, normalised, beside each other. */
const char *et__graph_inputs(struct et__graph *g, const struct et__onnx_numbers *inputs,
                             size_t n_inputs);
/* The same, and behind them what is seen. */
const char *et__graph_seen(struct et__graph *g, const struct et__onnx_numbers *inputs,
                           size_t n_inputs, const struct et__onnx_sight *sight);
/* The file's actions: y of batch × n_steps × n_action in the units of the data. */
void et__graph_actions(struct et__graph *g, const char *y, int n_steps, int n_action);

/* ---- constants ---- */

/* Those of a name are one; names begin with "etude.", which nobody else's do. */
const char *et__graph_floats(struct et__graph *g, const char *name, const float *values, int n);
const char *et__graph_float(struct et__graph *g, const char *name, double value);
const char *et__graph_integers(struct et__graph *g, const int64_t *values, size_t n);
const char *et__graph_param(struct et__graph *g, size_t at); // of the place

/* ---- nodes ---- */

const char *et__graph_apply(struct et__graph *g, const char *op, const char *a, const char *b);
const char *et__graph_along(struct et__graph *g, const char *op, const char *const *inputs,
                            size_t n_inputs, int axis);
const char *et__graph_reshape(struct et__graph *g, const char *x, const int64_t *sizes, size_t n);
const char *et__graph_unsqueeze(struct et__graph *g, const char *x, int axis);
/* n equal parts along an axis. */
void et__graph_split(struct et__graph *g, const char *x, int axis, const char **parts, size_t n);

/* ---- layers ---- */

const char *et__graph_linear(struct et__graph *g, const struct et__linear *l, const char *x);
const char *et__graph_activate(struct et__graph *g, enum et__activation kind, const char *x);
struct et__graph_norm {
    const char *weight, *bias; // bias NULL: 0
    float epsilon;
};
const char *et__graph_normalise(struct et__graph *g, const struct et__graph_norm *norm,
                                const char *x);
const char *et__graph_layer_norm(struct et__graph *g, const struct et__layer_norm *l,
                                 const char *x);
struct et__graph_asked {
    const char *queries, *keys, *values;
    int n_queries, n_keys;
};
const char *et__graph_heads(struct et__graph *g, const struct et__heads *l,
                            const struct et__graph_asked *asked);
/* What an eye makes of its cameras: batch × n_rows × n_numbers, or (n_rows 0) batch × n_numbers. */
const char *et__graph_eye(struct et__graph *g, const struct et__onnx_sight *sight, int n_rows,
                          int n_numbers);
int et__graph_rows(const struct et__onnx_sight *sight); // numbers of a sample; 0: nothing is seen
const char *et__graph_feedforward(struct et__graph *g, const struct et__feedforward *l,
                                  const char *x);

#endif

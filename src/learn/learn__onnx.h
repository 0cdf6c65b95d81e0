/* ONNX of what was learned: a network, its parameters and its normalisers as one file that other
 * runtimes execute, and that needs no statistics beside it.
 *
 * Numbers come in and actions go out in the units of the data: how they become the network's is
 * part of the graph. The first size of all that comes in and goes out is the batch's. Parameters
 * are initialisers of their own names and shapes, as they are in safetensors; those that only
 * training needs are left out. What a file says of itself: `etude.network`, what each function
 * below names, and the caller's notes. doc/format-onnx.md.
 *
 * Statuses of all: ET_EARG: inputs are not of the sizes the network has; names stand twice, or
 * begin with "model." or "etude.", as parameters and constants do. ET_ECORRUPT: a parameter or a
 * normaliser is no number; a name is none. ET_ELIMIT: more than protobuf or et_onnx holds.
 * ET_ENOMEM, ET_EIO: as et_file_replace. */
#ifndef LEARN__ONNX_H
#define LEARN__ONNX_H

#include "etude/onnx.h"
#include "learn/learn__act.h"
#include "learn/learn__eye.h"
#include "learn/learn__flow.h"
#include "learn/learn__mlp.h"

/* Numbers that come in: x → max(min((x − mean) · scale, clip), −clip). */
struct et__onnx_numbers {
    const char *name;
    int n;
    const float *mean, *scale, *clip; // n of each; NULL: none. A clip of 0: none for that number
};

/* What a camera sees, batch × 3 × height × width within 0 … 1: x → (x − mean) / deviation. */
struct et__onnx_camera {
    const char *name;
    const float *mean, *deviation; // 3: red, green, blue
};
/* An eye with its cameras, as many as it has, which come in. Where it is NULL, or has no eye,
 * nothing is seen. */
struct et__onnx_sight {
    const struct et__eye *eye;
    const struct et__onnx_camera *cameras;
};

/* What goes out, and where to. */
struct et__onnx_file {
    const char *path;
    const struct et__params *params;
    const float *values; // of the parameters
    const struct et_onnx_note *notes;
    size_t n_notes;
    const char *actions;           // the output's name
    const float *mean, *deviation; // y · deviation + mean; n_action of each; NULL: none
};

/* In: numbers, and what is seen, which beside each other are the network's n_in. Out: batch ×
 * n_steps × n_action. */
ET_MUST_USE enum et_status et__onnx_mlp(const struct et__mlp *mlp,
                                        const struct et__onnx_numbers *inputs, size_t n_inputs,
                                        const struct et__onnx_sight *sight,
                                        const struct et__onnx_file *file, struct et_err *err);

/* What the network has none of is not looked at. Without sight its rows come in: `tokens.n` is
 * n_channels, and the input batch × n_tokens × n_channels. */
struct et__onnx_act_inputs {
    struct et__onnx_numbers state, environment, tokens;
    struct et__onnx_sight sight;
};
/* With the latent at 0. The network's constants were made. Out: batch × n_steps × n_action. */
ET_MUST_USE enum et_status et__onnx_act(const struct et__act *act,
                                        const struct et__onnx_act_inputs *inputs,
                                        const struct et__onnx_file *file, struct et_err *err);

struct et__onnx_flow_inputs {
    const struct et__onnx_numbers *condition; // beside each other, with what is seen, n_condition
    size_t n_condition;
    struct et__onnx_sight sight;
    int n_steps; // Euler's, from noise to actions; 0: ET__FLOW_EULER_STEPS
};
/* The network once: `x` (batch × n_steps × n_action, normalised) at `time` (batch; 1 is noise) →
 * `change` (as x), and the actions that x would end as if it went on so to time 0: of Euler's last
 * step what comes out. Says `etude.euler_steps`. */
ET_MUST_USE enum et_status et__onnx_flow(const struct et__flow *flow,
                                         const struct et__onnx_flow_inputs *inputs,
                                         const struct et__onnx_file *file, struct et_err *err);
/* All of Euler's steps: `noise` (batch × n_steps × n_action, normal numbers) → actions. */
ET_MUST_USE enum et_status et__onnx_flow_steps(const struct et__flow *flow,
                                               const struct et__onnx_flow_inputs *inputs,
                                               const struct et__onnx_file *file,
                                               struct et_err *err);

#endif

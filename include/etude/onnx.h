/* ONNX: a network as a file that other runtimes execute (ONNX Runtime, TensorRT, OpenVINO).
 *
 * A model is put together step by step: inputs, initialisers (weights and constants), nodes in the
 * order they are computed, outputs. Each call returns the name of the value that it makes, so that
 * a graph reads as the formula it is. The first failure is kept, and told by et_onnx_write: in
 * between nobody has to look. What a node asks for has to be there before it, so a graph that was
 * written has no loops, no gaps and no name twice. What operators mean, and whether shapes fit, is
 * not checked here.
 *
 * Source: github.com/onnx/onnx, onnx.proto and docs/IR.md; ir_version 8, operators of opset 17. The
 * file is protobuf, written by hand; same calls, same bytes. doc/format-onnx.md.
 *
 * Threads: a model belongs to one thread.
 * Memory:  a handle holds the whole file, once, and grows up to its limit. */
#ifndef ETUDE_ONNX_H
#define ETUDE_ONNX_H

#include "etude/status.h"

#include <stddef.h>

#define ET_ONNX_IR_VERSION 8
#define ET_ONNX_OPSET 17
#define ET_ONNX_BYTES_MAX ((size_t)INT32_MAX) // of a protobuf message; larger ones need other files
#define ET_ONNX_VALUES_MAX 65536              // inputs, initialisers and what nodes make
#define ET_ONNX_NOTES_MAX 256
#define ET_ONNX_DIMS_MAX 8
#define ET_ONNX_INPUTS_MAX 16 // of a node
#define ET_ONNX_OUTPUTS_MAX 16
#define ET_ONNX_ATTRIBUTES_MAX 8

/* A size that is told when the graph is run; all of them are one: "batch". */
#define ET_ONNX_BATCH ((int64_t)-1)

struct et_onnx_options {
    const char *name;    // of the graph
    size_t limit_bytes;  // 0: ET_ONNX_BYTES_MAX
    size_t limit_values; // 0: ET_ONNX_VALUES_MAX
};

struct et_onnx;

/* An empty graph. ET_ENOMEM. ET_ECORRUPT: the graph's name is none (et_name_check). */
ET_MUST_USE ET_API enum et_status
et_onnx_open(struct et_onnx **model, const struct et_onnx_options *options, struct et_err *err);
ET_API void et_onnx_close(struct et_onnx *model); // NULL is allowed

/* ---- values ----
 *
 * What is given is copied. Names that are returned are valid until the model is closed; after a
 * failure they are "". */

/* Floats that come in, of n_dims sizes, each a number or ET_ONNX_BATCH. */
ET_API const char *et_onnx_input(struct et_onnx *model, const char *name, const int64_t *sizes,
                                 size_t n_dims);
/* Floats that go out: `name` is a value that was made. */
ET_API void et_onnx_output(struct et_onnx *model, const char *name, const int64_t *sizes,
                           size_t n_dims);
/* Constants: as many as the sizes say (none: one), row-major; n whole numbers in a row. */
ET_API const char *et_onnx_floats(struct et_onnx *model, const char *name, const int64_t *sizes,
                                  size_t n_dims, const float *values);
ET_API const char *et_onnx_integers(struct et_onnx *model, const char *name, const int64_t *values,
                                    size_t n);
/* The value of that name: its name, as it was returned; NULL: there is none. */
ET_API const char *et_onnx_find(const struct et_onnx *model, const char *name);

/* ---- nodes ---- */

enum et_onnx_kind { ET_ONNX_INTEGER, ET_ONNX_FLOAT, ET_ONNX_TEXT, ET_ONNX_INTEGERS };

struct et_onnx_attribute {
    const char *name; // NULL: there are no more
    enum et_onnx_kind kind;
    int64_t integer;
    float number;
    const char *text;
    const int64_t *integers;
    size_t n_integers;
};

struct et_onnx_node {
    const char *op;                         // "MatMul"
    const char *inputs[ET_ONNX_INPUTS_MAX]; // until NULL; "": an optional one is left out
    struct et_onnx_attribute attributes[ET_ONNX_ATTRIBUTES_MAX];
    // Names to make. NULL ones are made up, "MatMul_12", and put here. No outputs: one is made up.
    const char **outputs;
    size_t n_outputs;
};

/* Adds a node. Returns its first output's name. */
ET_API const char *et_onnx_node(struct et_onnx *model, const struct et_onnx_node *node);
/* The same for what most nodes are: one or two values in, one out, nothing said. */
ET_API const char *et_onnx_apply(struct et_onnx *model, const char *op, const char *a,
                                 const char *b);

/* ---- the file ---- */

/* A word that the file says of itself. */
struct et_onnx_note {
    const char *key, *text;
};
ET_API void et_onnx_note(struct et_onnx *model, const char *key, const char *text);

/* The first failure, or ET_OK. ET_EARG: a name that stands twice, or that nothing made; a size
 * that is negative; an outputless or empty graph. ET_ECORRUPT: a name is none (et_name_check), a
 * text no UTF-8. ET_ELIMIT: a limit above. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_onnx_check(const struct et_onnx *model, struct et_err *err);
/* Replaces the file at path, or creates it, as et_file_replace does. Statuses as et_onnx_check,
 * which is asked first, and ET_EIO. The model is as it was and may be written again. */
ET_MUST_USE ET_API enum et_status et_onnx_write(struct et_onnx *model, const char *path,
                                                struct et_err *err);

#endif

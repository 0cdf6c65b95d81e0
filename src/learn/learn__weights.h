/* Weights: what was learned, as files: safetensors, a tensor a parameter, by its name.
 *
 * A file may hold several buffers of one layout (parameters; moments and averages beside them),
 * told apart by what stands before the names. It is read strictly: each parameter has to be there,
 * with its shape, and be finite. What else a file has is its own: LeRobot keeps constants there. */
#ifndef LEARN__WEIGHTS_H
#define LEARN__WEIGHTS_H

#include "etude/safetensors.h"
#include "learn/learn__engine.h"

struct et__weights {
    const char *prefix; // "": none
    float *values;      // params->n_values
};

/* Replaces the file, as et_file_replace does. ET_ENOMEM, ET_EIO, ET_ELIMIT: as
 * et_safetensors_write. */
ET_MUST_USE enum et_status et__weights_write(const char *path, const struct et__params *params,
                                             const struct et__weights *weights, size_t n_weights,
                                             struct et_err *err);
/* Fills the values; between parameters they become 0. ET_ENOTFOUND: no such file. ET_ECORRUPT: the
 * file is none (as et_safetensors_open), lacks a parameter, has it in another shape, or with a
 * value that is no number; the text names file and parameter, and values are as they were. ET_EIO,
 * ET_ENOMEM, ET_EUNSUPPORTED. */
ET_MUST_USE enum et_status et__weights_read(const char *path, const struct et__params *params,
                                            const struct et__weights *weights, size_t n_weights,
                                            struct et_err *err);

#endif

/* Policy exchange: what was learned elsewhere becomes a policy, and a policy what others execute.
 *
 * LeRobot's ACT, as its checkpoints are, becomes a folder of ours with the plainest recipe: state,
 * environment and pictures as they come, joints as they go. A policy's network becomes an ONNX file
 * with its normalisers within. doc/policy-exchange.md.
 *
 * Threads: any. Memory: a policy's parameters, three times, while it works. */
#ifndef ETUDE_POLICY_EXCHANGE_H
#define ETUDE_POLICY_EXCHANGE_H

#include "etude/status.h"

#include <stddef.h>

/* Writes a policy (its folder, or its training's: the last checkpoint) as an ONNX file, which is
 * replaced. Errors as et_policy_open, et_file_replace. */
ET_MUST_USE ET_API enum et_status et_policy_export(const char *policy, const char *onnx,
                                                   struct et_err *err);

/* What a LeRobot checkpoint does not say of itself. */
struct et_policy_import_options {
    const char *const *joints; // n_joints, of state and action, in their order
    size_t n_joints;
    const char *const *scene; // n_scene names of the environment's numbers; NULL: by number
    size_t n_scene;
    double rate_hz;      // actions a second
    const char *dataset; // what it was trained on; NULL: nobody says
    const char *task;    // what it was taught to do; NULL: nobody says
};

/* Makes a policy's folder at `to`, which must not be there, of a checkpoint of LeRobot's at `from`
 * (pretrained_model, or what it lies in). On failure nothing is left at `to`. ET_ENOTFOUND: a file
 * is missing. ET_EARG: joints, or the environment's names, are not as many as it has; no rate.
 * ET_EUNSUPPORTED: it is no ACT, or has a setting or step that we do not do; named. ET_ECORRUPT: a
 * file is damaged, or two do not agree. ET_EIO, ET_ENOMEM, ET_ELIMIT. */
ET_MUST_USE ET_API enum et_status et_policy_import(const char *from, const char *to,
                                                   const struct et_policy_import_options *options,
                                                   struct et_err *err);

#endif

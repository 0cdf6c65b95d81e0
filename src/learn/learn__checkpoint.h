/* Checkpoint: a policy as a folder in LeRobot's layout, and what is needed to go on training.
 *
 *     pretrained_model/   config.json                  what LeRobot reads of it
 *                         model.safetensors            parameters to act with
 *                         policy_preprocessor.json, policy_postprocessor.json, and their
 *                         safetensors                  means and deviations
 *                         etude.json                   what is seen and given: the recipe
 *     training_state/     training_step.json           step, settings, hash of the data
 *                         optimizer_state.safetensors  values, averages, moments
 *
 * doc/policy.md has it field by field. */
#ifndef LEARN__CHECKPOINT_H
#define LEARN__CHECKPOINT_H

#include "learn/learn__lessons.h"
#include "learn/learn__trainer.h"

/* What a policy's folder holds. Texts and numbers lie in an arena. */
struct et__saved {
    struct et__recipe recipe;
    struct et__normal normal[ET__RECIPE_ROBOTS_MAX]; // of each robot
    struct et_train_settings settings;
    const char *dataset;
    const char *const *tasks;
    size_t n_tasks;
    int64_t step; // −1: nobody says
};

/* Writes pretrained_model's files into a folder that is there. `values` are the parameters. */
ET_MUST_USE enum et_status et__policy_write(const char *folder, const struct et__saved *saved,
                                            const struct et__net *net, const et__real *values,
                                            struct et_err *err);

/* Reads etude.json and the normalisation, and makes the recipe. */
ET_MUST_USE enum et_status et__policy_read(const char *folder, struct et_arena *arena,
                                           struct et__saved *saved, struct et_err *err);
/* The parameters, into net->params.n_values. */
ET_MUST_USE enum et_status et__policy_read_values(const char *folder, const struct et__net *net,
                                                  et__real *values, struct et_err *err);

/* The folder that holds a policy's files: the path itself, or the last checkpoint's of a training.
 * ET_ENOTFOUND. */
ET_MUST_USE enum et_status et__policy_find(const char *path, struct et_arena *arena,
                                           const char **folder, struct et_err *err);

/* A checkpoint: both folders, under a name of its own until they are whole. */
struct et__checkpoint {
    const struct et__saved *saved;
    const struct et__net *net;
    struct et__trainer *trainer;
    uint64_t data_hash;
};
ET_MUST_USE enum et_status et__checkpoint_write(const char *folder, const struct et__checkpoint *c,
                                                struct et_arena *arena, struct et_err *err);
/* Fills the trainer's state. Errors as et_train_resume. */
ET_MUST_USE enum et_status et__checkpoint_read(const char *folder, const struct et__checkpoint *c,
                                               struct et_arena *arena, struct et_err *err);

/* Of settings (train_settings.c): out of a map and into one. */
ET_MUST_USE enum et_status et__train_settings_take(const struct et_value *map, const char *path,
                                                   struct et_train_settings *settings,
                                                   struct et_err *err);
void et__train_settings_put(struct et_json_writer *w, const struct et_train_settings *settings);
/* Whether a training with `then` may go on with `now`: alike, or more steps. If not, the first that
 * differs, in words. */
#define ET__DIFFERENCE_BYTES 120
bool et__train_settings_fit(const struct et_train_settings *then,
                            const struct et_train_settings *now, char words[ET__DIFFERENCE_BYTES]);

#endif

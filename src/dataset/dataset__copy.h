/* The plan of a copy: which features and episodes go over, and how. */
#ifndef DATASET_DATASET__COPY_H
#define DATASET_DATASET__COPY_H

#include "dataset/dataset__ops.h"

struct et__etude_index;

/* A feature of the output and where it comes from. */
struct et__copied {
    struct et_feature feature;
    bool is_task_number; // annotation.*: numbers of tasks
};

struct et__copy {
    struct et__run run;
    const struct et_copy_options *options;
    struct et_arena *arena;
    struct et__copied *features;
    size_t n_features;
    const char **tasks;
    size_t n_tasks;
    int64_t **task_numbers; // of each pick: the new number of each old one; −1: it has no text
    bool *is_renumbered;    // of each pick
    struct et__etude_index **lines; // of each pick: what Étude has said of its episodes
    struct et_dataset_spec spec;
};

/* Every pick has the same features and rate: ET_EARG names the first difference. */
ET_MUST_USE enum et_status et__copy_check_same(const struct et_pick *picks, size_t n_picks,
                                               struct et_err *err);

/* Chooses features, tasks and episodes. */
ET_MUST_USE enum et_status et__copy_plan(struct et__copy *copy, struct et_err *err);

/* Where the lines of a dataset's meta/etude/episodes.jsonl are. The index lives in the arena; close
 * releases its file. */
ET_MUST_USE enum et_status et__etude_index_open(struct et__etude_index **index,
                                                const struct et_dataset *dataset,
                                                struct et_arena *arena, struct et_err *err);
void et__etude_index_close(struct et__etude_index *index); // NULL is allowed

/* The line of an episode; NULL when there is none. Any thread. */
const struct et_value *et__etude_index_get(const struct et__etude_index *index, int64_t episode,
                                           struct et_arena *arena);

/* Copies meta/etude/canonical.yaml, where all picks have the same. For et__run.begun. */
ET_MUST_USE enum et_status et__copy_profile(void *ctx, const char *path, struct et_err *err);

#endif

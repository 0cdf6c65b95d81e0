/* The plan of a copy: which features and episodes go over, and how. */
#ifndef DATASET_DATASET__COPY_H
#define DATASET_DATASET__COPY_H

#include "dataset/dataset__ops.h"

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
    struct et_dataset_spec spec;
};

/* Every pick has the same features and rate: ET_EARG names the first difference. */
ET_MUST_USE enum et_status et__copy_check_same(const struct et_pick *picks, size_t n_picks,
                                               struct et_err *err);

/* Chooses features, tasks and episodes. */
ET_MUST_USE enum et_status et__copy_plan(struct et__copy *copy, struct et_err *err);

#endif

/* Verify: what its two files on statistics share. */
#ifndef DATASET_DATASET__VERIFY_STATS_H
#define DATASET_DATASET__VERIFY_STATS_H

#include "dataset/dataset__stats.h"
#include "dataset/dataset__verify.h"

/* Statistics of one feature, as they are stored. */
struct et__stat_set {
    const struct et_feature *feature;
    const char *where;                 // the file
    int64_t episode;                   // episode_index; −1: of the whole set
    int64_t n_rows;                    // that `count` should say; −1: unknown
    const double *values[ET__N_STATS]; // in the order of et__stat_names; NULL: absent or no numbers
    size_t n[ET__N_STATS];
    const double *count;
    size_t n_count;
};

/* True for features that have statistics: numbers and pictures. */
bool et__stats_are_due(const struct et_feature *feature);

/* Fills values and count of set->feature from a tree. */
void et__stat_set_read(struct et__stat_set *set, const struct et_value *stats,
                       struct et_arena *arena);

ET_MUST_USE enum et_status et__check_stat_set(struct et__verify *v, const struct et__stat_set *set,
                                              struct et_err *err);

/* Recomputes statistics and holds the stored ones against them. */
ET_MUST_USE enum et_status et__verify_exact(struct et__verify *v, struct et_err *err);

#endif

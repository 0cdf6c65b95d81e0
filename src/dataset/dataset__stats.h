/* What statistics and verify share: the numbers of an episode's features, read in parallel and
 * taken in order. */
#ifndef DATASET_DATASET__STATS_H
#define DATASET_DATASET__STATS_H

#include "dataset/dataset__internal.h"

#include "etude/pool.h"
#include "etude/stats.h"

#define ET__STATS_VALUES_MAX ((size_t)1 << 16) // accumulators: values of all features together

/* True for a feature whose rows are numbers: those that normalisation knows. */
bool et__is_numeric(const struct et_feature *feature);

/* The numbers of one episode: values[i_feature] is n_rows × the feature's n_values, NULL where the
 * feature is not numeric or the data has no such column. */
struct et__numbers {
    int64_t n_rows;
    const double **values;
};

/* Reads them into the arena: the features that are `wanted` (by number; NULL: all). ET_ENOTFOUND:
 * the data file is absent. ET_ECORRUPT: it cannot be read, or a feature's rows do not have the
 * declared number of values. */
ET_MUST_USE enum et_status et__numbers_read(const struct et_dataset *ds, int64_t i,
                                            const bool *wanted, struct et_arena *arena,
                                            struct et__numbers *numbers, struct et_err *err);

/* The nine statistics of et_feature_stats in its order, by LeRobot's names; the quantiles come
 * last. */
#define ET__N_STATS 9
#define ET__N_MOMENTS 4
#define ET__N_QUANTILES 5
extern const char *const et__stat_names[ET__N_STATS];

#endif

/* Statistics: running moments, exact quantiles in bounded memory, and small helpers.
 *
 * Threads: an accumulator belongs to one thread.
 * Memory:  moments are plain structs; quantiles allocate up to their stated budget. */
#ifndef ETUDE_STATS_H
#define ETUDE_STATS_H

#include "etude/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Running count, mean, spread and extremes (Welford 1962, Technometrics 4(3), 419). A zeroed struct
 * is empty. NaN values are counted apart and change nothing else. */
struct et_moments {
    int64_t n;
    int64_t n_nan;
    double mean;
    double m2; // sum of squared deviations from the mean
    double min, max;
};

ET_API void et_moments_add(struct et_moments *m, double x);

/* As if every value that `other` saw had been added (Chan, Golub, LeVeque 1979, eq. 2.1). */
ET_API void et_moments_merge(struct et_moments *m, const struct et_moments *other);
ET_API double et_moments_std(const struct et_moments *m); // population; 0 when n < 1

/* Quantiles of every value ever added, exact: the result is numpy's "linear" definition (Hyndman
 * and Fan 1996, type 7) on the whole data, not on a sketch.
 *
 * Values are kept as long as they fit into budget_bytes. Beyond that only counts per interval are
 * kept, and the values must be shown again: after a pass, et_quantiles_end_pass says whether
 * another is needed; if so, add the same values again in any order. Real data need two passes at
 * most; four always suffice. NaN values are ignored, both zeros count as +0.
 *
 * Memory never exceeds budget_bytes plus 2 MiB a level (1 MiB for each interval of a pass whose
 * values do not fit), and is far below that where the budget holds the values. */
#define ET_QUANTILES_LEVELS_MAX 64
struct et_quantiles;

/* Opens an accumulator for 1 to ET_QUANTILES_LEVELS_MAX levels in [0, 1]; they are copied. ET_EARG:
 * other levels. ET_ENOMEM: nothing was opened. */
ET_MUST_USE ET_API enum et_status et_quantiles_open(struct et_quantiles **q, const double *levels,
                                                    size_t n_levels, size_t budget_bytes,
                                                    struct et_err *err);
ET_API void et_quantiles_close(struct et_quantiles *q); // NULL is allowed

/* Adds values[0], values[stride], values[2 stride] …, n of them; stride ≥ 1. ET_ENOMEM: only
 * closing it makes sense now. ET_EARG: it was ready, or had failed. */
ET_MUST_USE ET_API enum et_status et_quantiles_add(struct et_quantiles *q, const double *values,
                                                   size_t n, size_t stride, struct et_err *err);

/* ET_OK: the quantiles are ready. ET_AGAIN: add all values once more, then call again.
 * ET_EARG: the pass showed other values than the first one did. ET_ENOMEM: no memory for another
 * pass. After either, only closing it makes sense. */
ET_MUST_USE ET_API enum et_status et_quantiles_end_pass(struct et_quantiles *q, struct et_err *err);

/* After ET_OK: the quantile at levels[i]; NaN when no value was added. */
ET_API double et_quantiles_get(const struct et_quantiles *q, size_t i);

/* Quantile `level` in [0, 1] (type 7) of n values in ascending order, n ≥ 1. */
ET_API double et_quantile_sorted(const double *sorted, size_t n, double level);

/* Quantile and median of n ≥ 1 finite values in any order; they are reordered. */
ET_API double et_quantile_of(double *values, size_t n, double level);
ET_API double et_median_of(double *values, size_t n);

/* Sorts ascending, NaN last. */
ET_API void et_sort_doubles(double *values, size_t n);

/* Sorts n < 2^32 floats ascending, −0 before 0, in linear time; `scratch` has room for 2 n. NaN
 * goes to the ends, by its sign. */
ET_API void et_sort_floats(float *values, size_t n, uint32_t *scratch);

#endif

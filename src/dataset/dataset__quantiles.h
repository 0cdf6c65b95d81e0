/* Exact quantiles of float32 numbers in two showings of the values; see quantiles32.c.
 *
 *     open, add …, plan                        ready when all values fitted the budget, else:
 *     begin, show … (the same values), end     ready
 *     get
 */
#ifndef DATASET_DATASET__QUANTILES_H
#define DATASET_DATASET__QUANTILES_H

#include "etude/str.h"

#define ET__TARGETS_MAX 16

/* Values whose upper digit is `bin`; a wanted rank is among them. */
struct et__target {
    uint32_t bin;
    uint64_t n_below; // values in lower bins
    uint64_t n;       // values in this one
    uint64_t n_seen;
    uint16_t *lows;   // their lower digits, or
    uint32_t *counts; // counts of them
};

struct et__quantiles32 {
    struct et_buf kept; // all values, while they fit
    uint32_t *bins;     // counts by upper digit, once they do not
    uint64_t n;
    struct et__target targets[ET__TARGETS_MAX]; // in ascending order
    size_t n_targets;
    bool is_ready;
};

void et__quantiles32_open(struct et__quantiles32 *q, size_t budget_bytes);
void et__quantiles32_close(struct et__quantiles32 *q);

/* Finite values only. */
ET_MUST_USE enum et_status et__quantiles32_add(struct et__quantiles32 *q, const float *values,
                                               size_t n, struct et_err *err);
ET_MUST_USE enum et_status et__quantiles32_plan(struct et__quantiles32 *q, const double *levels,
                                                size_t n_levels, struct et_err *err);

/* Memory that the second showing will take. */
size_t et__quantiles32_bytes(const struct et__quantiles32 *q);
ET_MUST_USE enum et_status et__quantiles32_begin(struct et__quantiles32 *q, struct et_err *err);
void et__quantiles32_show(struct et__quantiles32 *q, const float *values, size_t n);

/* ET_EARG: other values were shown than added. */
ET_MUST_USE enum et_status et__quantiles32_end(struct et__quantiles32 *q, struct et_err *err);

/* The quantiles to to[0], to[stride] …; 0 where no value was added. Once only. */
void et__quantiles32_get(struct et__quantiles32 *q, const double *levels, size_t n_levels,
                         double *to, size_t stride);

#endif

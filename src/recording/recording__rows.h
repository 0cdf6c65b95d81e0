/* What sources of rows (HDF5, JSON) share: lists that grow in the recording's arena while it is
 * opened and read. Not for sources of messages, whose readers keep such lists themselves. */
#ifndef RECORDING_RECORDING__ROWS_H
#define RECORDING_RECORDING__ROWS_H

#include "recording/recording__source.h"

#define ET__ROWS_REMARKS_MAX 256
#define ET__ROWS_SPANS_MAX 1000000
#define ET__ROWS_PAIRS_MAX 1024
#define ET__ROWS_VALUES_MAX 4096 // of a row of numbers
#define ET__ROWS_CHANNELS_MAX 4096

struct et__rows {
    struct et__source base; // first
    struct et_recording_remark *remarks;
    struct et_span *spans;
    struct et_pair *pairs;
    size_t cap_remarks, cap_spans, cap_pairs;
};

/* Adds a remark, or counts one that is there already. Beyond ET__ROWS_REMARKS_MAX they are counted
 * in the last one. */
ET_MUST_USE enum et_status et__rows_remark(struct et__rows *rows, bool is_loss, const char *where,
                                           const char *text, int64_t n, struct et_err *err);
/* What is left out beyond the limits is remarked. */
ET_MUST_USE enum et_status et__rows_span(struct et__rows *rows, const struct et_span *span,
                                         struct et_err *err);
ET_MUST_USE enum et_status et__rows_pair(struct et__rows *rows, const char *key, const char *value,
                                         struct et_err *err);

/* Spans by their beginning, longer ones first. */
void et__rows_sort_spans(struct et__rows *rows);

/* Row i at that rate, from 0. */
int64_t et__rows_time(int64_t i, double rate_hz);

#endif

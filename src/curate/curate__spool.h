/* Spool: a recording's samples, stream by stream, in one temporary file, so that a recording of any
 * length is read once and in bounded memory, and then looked at by stream and by time. */
#ifndef CURATE_CURATE__SPOOL_H
#define CURATE_CURATE__SPOOL_H

#include "etude/recording.h"

struct et__spool;

/* What is kept of a sample beside its values. */
struct et__spool_time {
    int64_t t_arrival_ns;
    int64_t t_device_ns;
    uint32_t sequence;
    uint32_t has_sequence;
};

/* `width[i]`: values of stream i (0 for pictures and words). The file is made in `folder` and has
 * no name any more when this returns. */
ET_MUST_USE enum et_status et__spool_open(struct et__spool **spool, const char *folder,
                                          const size_t *width, size_t n_streams,
                                          struct et_err *err);
void et__spool_close(struct et__spool *spool); // NULL is allowed

/* Appends a sample of a stream; values as wide as the stream. */
ET_MUST_USE enum et_status et__spool_add(struct et__spool *spool, size_t i_stream,
                                         const struct et__spool_time *time, const double *values,
                                         struct et_err *err);

/* Writes what is still in memory; from now on it is read. */
ET_MUST_USE enum et_status et__spool_seal(struct et__spool *spool, struct et_err *err);

size_t et__spool_n(const struct et__spool *spool, size_t i_stream);
int64_t et__spool_bytes(const struct et__spool *spool);

/* Samples first … first + n − 1 of a stream: n times, or n × width values. */
ET_MUST_USE enum et_status et__spool_times(struct et__spool *spool, size_t i_stream, size_t first,
                                           size_t n, struct et__spool_time *times,
                                           struct et_err *err);
ET_MUST_USE enum et_status et__spool_values(struct et__spool *spool, size_t i_stream, size_t first,
                                            size_t n, double *values, struct et_err *err);

/* The same for every `step`-th sample from the first on: n of them. */
ET_MUST_USE enum et_status et__spool_every(struct et__spool *spool, size_t i_stream, size_t step,
                                           size_t n, double *values, struct et_err *err);

#endif

/* Comm: several processes that train one policy together (mpirun -n N etude train …).
 *
 * Each works on a part of every batch, and what they found is added up, so that all take the same
 * step. Whatever one of them decides alone (a failure, an interruption) it has to tell the others
 * before the next sum, or they would wait for ever: et_comm_any.
 *
 * Threads: one thread's. Memory: a handle. */
#ifndef ETUDE_COMM_H
#define ETUDE_COMM_H

#include "etude/status.h"

#include <stdbool.h>
#include <stddef.h>

struct et_comm;

/* Whether this process was started as one of several. */
ET_API bool et_comm_is_wanted(void);

/* Meets the others; once a process. ET_EUNSUPPORTED: built without MPI. ET_EIO: they do not answer.
 */
ET_MUST_USE ET_API enum et_status et_comm_open(struct et_comm **comm, struct et_err *err);
/* Says good-bye; all have to. NULL is allowed. */
ET_API void et_comm_close(struct et_comm *comm);

/* 0 … n − 1, and n. Of NULL: 0 of 1. */
ET_API int et_comm_rank(const struct et_comm *comm);
ET_API int et_comm_size(const struct et_comm *comm);

/* Every number becomes the sum of all processes'. ET_EIO. NULL: nothing to do. */
ET_MUST_USE ET_API enum et_status et_comm_sum(struct et_comm *comm, float *values, size_t n,
                                              struct et_err *err);
ET_MUST_USE ET_API enum et_status et_comm_sum_real(struct et_comm *comm, double *values, size_t n,
                                                   struct et_err *err);
/* Whether it is so for any of them. */
ET_API bool et_comm_any(struct et_comm *comm, bool is_so);

#endif

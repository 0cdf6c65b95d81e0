/* Train log: how a training went, as a table for programs and a page for people.
 *
 * <folder>/metrics.csv grows while the training goes on; <folder>/index.html is written in the end,
 * and whenever it is asked for. One that goes on from a checkpoint keeps what was before it, and
 * nothing of what came behind.
 *
 * Threads: a log belongs to one thread. Memory: a handle with all points. */
#ifndef ETUDE_TRAIN_LOG_H
#define ETUDE_TRAIN_LOG_H

#include "etude/train.h"

struct et_train_point {
    int64_t step;
    double loss, validation; // validation NaN: nobody looked
    double rate, grad_norm;
    double seconds; // of training
};

struct et_train_log;

/* Opens or makes metrics.csv; points behind `step` are forgotten. ET_ECORRUPT: a line that is none
 * of ours (number in err). ET_EIO, ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_train_log_open(struct et_train_log **log, const char *folder,
                                                    int64_t step, struct et_err *err);
ET_API void et_train_log_close(struct et_train_log *log); // NULL is allowed

/* One more; its seconds count from when the log was opened. ET_EIO: the table could not be written.
 */
ET_MUST_USE ET_API enum et_status
et_train_log_add(struct et_train_log *log, const struct et_train_point *point, struct et_err *err);

/* Writes index.html: curves, settings, what was learned from. */
ET_MUST_USE ET_API enum et_status et_train_log_write(const struct et_train_log *log,
                                                     const struct et_train_facts *facts,
                                                     struct et_err *err);

/* The last point; the last look at the validation (NaN: none); 0 of a log without points. */
ET_API struct et_train_point et_train_log_last(const struct et_train_log *log);

#endif

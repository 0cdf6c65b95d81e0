/* The inside of a running exam. */
#ifndef EXAM__RUN_H
#define EXAM__RUN_H

#include "etude/pool.h"
#include "exam/exam__ledger.h"
#include "exam/exam__tally.h"
#include "exam/exam__trial.h"

#define ET__DIGEST_CHARS (2 * ET_BLAKE2B_BYTES + 1)

/* What the numbers of a skill's scenes are called. */
struct et__scene_names {
    const char *const *names;
    size_t n;
};

struct et_exam_run {
    struct et_arena *arena;
    const struct et_exam *exam;
    struct et__scene_names *scenes; // of each skill, once the policy was asked
    struct et__tally tally;
    struct et_stage_options stage;
    struct et_policy_remote remote; // what stage points to, of one that was taken up again
    struct et_stage asked; // whose policy's numbers all others share
    struct et_secret_key secret;
    struct et__ledger ledger;
    int lock;
    size_t i_part; // that is being tried
    bool is_over;  // the ledger says so
    bool has_head; // the ledger, as it is read again
    bool (*is_cancelled)(void);

    struct et_pool *pool;
    struct et__player *players; // one a thread
    struct et_pool_job job;
    bool is_playing;               // between et_pool_begin and its end
    uint64_t first;                // trial of the job's first task
    size_t n_taken;                // of the job
    struct et_exam_trial *waiting; // of the job's window
    struct et_exam_trial last;
};

/* Gives what `buf` holds to the ledger as a line, and frees it. */
ET_MUST_USE enum et_status et__run_put(struct et_exam_run *run, const char *key, struct et_buf *buf,
                                       struct et_err *err);

/* Threads to play with, once the policy was asked. */
ET_MUST_USE enum et_status et__run_open_workers(struct et_exam_run *run, unsigned n_threads,
                                                struct et_err *err);
void et__run_close_workers(struct et_exam_run *run);

#endif

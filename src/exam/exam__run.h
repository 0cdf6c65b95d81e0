/* The inside of a running exam. */
#ifndef EXAM__RUN_H
#define EXAM__RUN_H

#include "etude/exam_scores.h"
#include "etude/pool.h"
#include "exam/exam__ledger.h"
#include "exam/exam__trial.h"

#define ET__DIGEST_CHARS (2 * ET_BLAKE2B_BYTES + 1)

/* How a skill's trials stand. */
struct et__part {
    uint64_t n_hits, n_failures, n_void, n_codes[ET_EXAM_N_CODES];
    double seconds;                    // of all that came off
    char detail[ET_EXAM_DETAIL_BYTES]; // of the last failure
    double human_s;
    bool has_passed; // the rule; the times may be open still
    enum et_exam_verdict verdict;
    struct et_bet times;
};

struct et_exam_run {
    struct et_arena *arena;
    const struct et_exam *exam;
    struct et_exam_rule *rule;
    struct et_stage_options stage;
    struct et_stage asked; // whose policy's numbers all others share
    struct et_secret_key secret;
    struct et__ledger ledger;
    int lock;
    struct et__part *parts;
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

/* Counts a trial, and says whether its skill is decided. */
void et__run_count(struct et_exam_run *run, const struct et_exam_trial *trial);

/* "pass", or "fail". */
const char *et__verdict_word(enum et_exam_verdict verdict);

/* Gives what `buf` holds to the ledger as a line, and frees it. */
ET_MUST_USE enum et_status et__run_put(struct et_exam_run *run, const char *key, struct et_buf *buf,
                                       struct et_err *err);

/* Threads to play with, once the policy was asked. */
ET_MUST_USE enum et_status et__run_open_workers(struct et_exam_run *run, unsigned n_threads,
                                                struct et_err *err);
void et__run_close_workers(struct et_exam_run *run);

#endif

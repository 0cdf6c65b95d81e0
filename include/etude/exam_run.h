/* Running an exam: trials in the virtual centre, in order, into a ledger that survives a crash.
 *
 * An exam is a folder: ledger.jsonl, a line for each trial, each bound to the line before by a
 * hash, on the disk before the next counts; and secret.key, of which seeds are drawn, and which
 * only its owner may read until the exam is over. Trials are played side by side and counted in
 * their order: any number of threads gives the same ledger. A skill's trials end as soon as the
 * exam's rule says so. doc/exam.md has the ledger's lines.
 *
 * A policy that fails (no numbers, wrong shapes, a server that is silent or gone) fails the trial,
 * with a code, and the exam goes on.
 *
 * Units:   SI.
 * Threads: a run belongs to one thread and starts as many as it is told.
 * Memory:  a world and a policy a thread; a trial some hundred bytes. */
#ifndef ETUDE_EXAM_RUN_H
#define ETUDE_EXAM_RUN_H

#include "etude/exam.h"
#include "etude/stage.h"

// clang-format off
#define ET_EXAM_CODES(X)                                                                    \
    X(ET_EXAM_DONE,      "done",      "it came off")                                        \
    X(ET_EXAM_LIMIT,     "limit",     "not done when its time was up")                      \
    X(ET_EXAM_FORCE,     "force",     "a hand pressed harder than it may")                  \
    X(ET_EXAM_COLLISION, "collision", "the robot ran into something")                       \
    X(ET_EXAM_SPEED,     "speed",     "a hand was faster than it may be")                   \
    X(ET_EXAM_POLICY,    "policy",    "the policy gave no numbers, or not those it should") \
    X(ET_EXAM_SERVER,    "server",    "there was no connection to the policy")              \
    X(ET_EXAM_PHYSICS,   "physics",   "the physics came to no number")                      \
    X(ET_EXAM_VOID,      "void",      "nothing could be tried; it does not count")
// clang-format on
enum et_exam_code {
#define X(name, word, text) name,
    ET_EXAM_CODES(X)
#undef X
};
#define ET_EXAM_N_CODES (ET_EXAM_VOID + 1)
ET_API const char *et_exam_code_word(enum et_exam_code code);
ET_API const char *et_exam_code_text(enum et_exam_code code);

#define ET_EXAM_VOIDS_MAX 100 // of a skill; one more, and the exam cannot go on

#define ET_EXAM_DETAIL_BYTES 160
#define ET_EXAM_PHASE_BYTES 64
#define ET_EXAM_SCENE_MAX 300

struct et_exam_trial {
    size_t i_skill;
    uint64_t i; // of the skill's trials
    struct et_exam_draw draw;
    enum et_exam_code code;
    char detail[ET_EXAM_DETAIL_BYTES]; // what did not hold in the end, or why it failed; "" done
    char phase[ET_EXAM_PHASE_BYTES];   // that the policy believed to be in; "": it knows none
    double seconds;                    // simulated
    double hand_n, body_n, speed_m_s;  // at the most
    double way_m;                      // of the hand that moved more,
    double smoothness;                 // and its SPARC; NAN: it did not move
    struct et_digest movement;         // of where the joints were at every step, bit by bit
    double scene[ET_EXAM_SCENE_MAX];   // et_world_task when it began
    size_t n_scene;
};

struct et_exam_run;

struct et_exam_run_options {
    struct et_exam exam;           // with skills; copied
    struct et_stage_options stage; // its robot NULL: the policy's own; how.like is not looked at
    const uint8_t *key;            // ET_KEY_BYTES; with the same, the same policy has the same
                                   // trials of the same exam. NULL: by chance
    uint64_t attempt;              // another one has others
    unsigned n_threads;            // 0: as many as there are; where pictures are seen one
    bool (*is_cancelled)(void);    // asked between steps; NULL: never
};

/* Begins an exam in a new folder. ET_EEXISTS: there is one already. ET_EARG: no skill, or one that
 * the policy does not fit. Others: as et_stage_open; nothing was begun. */
ET_MUST_USE ET_API enum et_status et_exam_run_open(struct et_exam_run **run, const char *folder,
                                                   const struct et_exam_run_options *options,
                                                   struct et_err *err);

/* Goes on with one: exam, policy, how it acts and key are the ledger's; of options.stage what is
 * not in it (how a server is reached: its key, its trust, for how long is waited), threads and
 * is_cancelled count. ET_ECORRUPT: the ledger was edited, and
 * where; ET_EARG: the policy, or a skill, is not what it was. */
ET_MUST_USE ET_API enum et_status et_exam_run_resume(struct et_exam_run **run, const char *folder,
                                                     const struct et_exam_run_options *options,
                                                     struct et_err *err);

/* The run may be taken up again, unless it was over. NULL is allowed. */
ET_API void et_exam_run_close(struct et_exam_run *run);

/* The next trial, which is on the disk then; the run's, until the next call. ET_END: the exam is
 * over. ET_ECANCELLED: as asked. ET_EIO: the ledger cannot be written. */
ET_MUST_USE ET_API enum et_status
et_exam_run_next(struct et_exam_run *run, const struct et_exam_trial **trial, struct et_err *err);

/* How it stands. */
struct et_exam_standing {
    const char *skill;
    double human_s; // what a person needs
    uint64_t n_hits, n_failures, n_void, n_codes[ET_EXAM_N_CODES];
    double seconds;     // mean of those that came off; NAN: none did
    const char *detail; // of the last failure, the run's; "": there is none
    enum et_exam_verdict verdict;
    double evidence;           // how much a bet against "the share or less" has grown, a logarithm
    struct et_interval shares; // that no bet has won against, at the exam's error
    struct et_exam_outlook outlook; // at the share (hits + 1) / (trials + 2)
    double time_evidence;           // the same of the mean score of times, where one is demanded
};
ET_API const struct et_exam *et_exam_run_exam(const struct et_exam_run *run);
ET_API const char *et_exam_run_robot(const struct et_exam_run *run);
ET_API struct et_digest et_exam_run_commitment(const struct et_exam_run *run);
ET_API struct et_exam_standing et_exam_run_standing(const struct et_exam_run *run, size_t i_skill);
/* PASSED: each skill has; FAILED: it is over, and one has not. */
ET_API enum et_exam_verdict et_exam_run_verdict(const struct et_exam_run *run);

#endif

/* Trials counted by an exam's rule, one skill after the other: while it runs, and when a ledger or
 * a diploma is read again. */
#ifndef EXAM__TALLY_H
#define EXAM__TALLY_H

#include "etude/exam_run.h"
#include "etude/exam_scores.h"

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

struct et__tally {
    const struct et_exam *exam;
    struct et_exam_rule *rule;
    struct et__part *parts;
    size_t i_part; // that is due; all skills: it is over
};

/* What a person needs is the exam's to say, else the skills' files. ET_ENOTFOUND, ET_ECORRUPT: of
 * these. */
ET_MUST_USE enum et_status et__tally_open(struct et__tally *tally, const struct et_exam *exam,
                                          struct et_arena *arena, struct et_err *err);
void et__tally_close(struct et__tally *tally); // a zeroed one is fine

/* Whether a trial that was read is the next, with the seed and tier that the secret draws; what is
 * drawn beside them it gets from there. ET_ECORRUPT. */
ET_MUST_USE enum et_status et__tally_check(const struct et__tally *tally,
                                           const uint8_t secret[ET_KEY_BYTES],
                                           struct et_exam_trial *trial, struct et_err *err);
void et__tally_count(struct et__tally *tally, const struct et_exam_trial *trial);
uint64_t et__tally_next(const struct et__tally *tally); // number of the due skill's next trial

enum et_exam_verdict et__tally_verdict(const struct et__tally *tally);
struct et_exam_standing et__tally_standing(const struct et__tally *tally, size_t i_skill);

/* "pass", or "fail". */
const char *et__verdict_word(enum et_exam_verdict verdict);

#endif

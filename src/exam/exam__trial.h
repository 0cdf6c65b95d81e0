/* One trial: a rollout with what an exam measures, and ends early. */
#ifndef EXAM__TRIAL_H
#define EXAM__TRIAL_H

#include "etude/exam_run.h"

/* What a worker plays on; zeroed: nothing is open. */
struct et__player {
    struct et_stage stage;
    size_t i_skill; // of the world that is open
    double *speeds; // of both hands, two rows of n_most
    size_t n_most;
    void (*watch)(void *ctx, struct et_world *world); // before each step; NULL: nobody looks
    void *ctx;
};
void et__player_close(struct et__player *player);

/* Puts the skill's world and the policy there, unless they are. */
ET_MUST_USE enum et_status et__player_open(struct et__player *player, const struct et_exam *exam,
                                           const struct et_stage_options *options, size_t i_skill,
                                           struct et_err *err);

/* Plays trial->draw; fills the rest. ET_ECANCELLED, ET_ENOMEM, ET_EIO (no pictures): it was not
 * played. All that a policy does wrong is a code. */
ET_MUST_USE enum et_status et__trial_play(struct et__player *player, const struct et_exam *exam,
                                          bool (*is_cancelled)(void), struct et_exam_trial *trial,
                                          struct et_err *err);

#endif

/* The inside of a report card: which parts of a scene are hard. */
#ifndef EXAM__CARD_H
#define EXAM__CARD_H

#include "etude/exam_card.h"

/* Looks at all cells of a skill's trials, `trials` of `i_skill`, and keeps the least likely ones in
 * the part, whose names are set. ET_ELIMIT: the arena. */
ET_MUST_USE enum et_status et__card_cells(const struct et_exam_trial *trials, size_t n,
                                          size_t i_skill, struct et_exam_card_part *part,
                                          struct et_arena *arena, struct et_err *err);

/* Of n_all things n_marked are marked; n are drawn of them: the chance that k of these, or more,
 * are marked (the hypergeometric distribution's tail, Fisher's exact test of one side). */
double et__tail_of_draws(uint64_t k, uint64_t n, uint64_t n_marked, uint64_t n_all);

#endif

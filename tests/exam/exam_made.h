/* What tests of exams need: a skill that comes off by chance alone, a policy that does nothing of
 * use, and exams of both. */
#ifndef TESTS_EXAM_EXAM_MADE_H
#define TESTS_EXAM_EXAM_MADE_H

#include "etude/exam_run.h"

#include <stddef.h>
#include <stdint.h>

/* The skill `id`: a drawer is open already, or not; done are those trials in which it is drawn
 * beyond .05 m, of least … most m. In the temporary folder, which made_share makes known. */
void made_skill_of_chance(const char *id, double least, double most);
void made_share(void);

/* Of a few steps of training, on movements around home; its path. Needs the skill "open_half". */
const char *made_policy(const char *name);

/* The exam "quick" of these skills, without safety limits; two threads, a key of its own. */
struct et_exam_run_options made_exam(const char *policy, const char *const *skills, size_t n,
                                     struct et_arena *arena);

/* Runs it to its end in a folder of the temporary folder; the folder. */
const char *made_exam_folder(const char *name, const struct et_exam_run_options *options);

#endif

/* Exam: what a policy has to show, and how sure one wants to be, as one file of data.
 *
 * share/exams/<id>.yaml names skills, how hard the trials are (tiers, by weight), the rule that
 * ends it, how fast trials are to be done, and what must not happen. Which skills and how much is
 * left to chance is decided before it begins: all of it goes into a hash that the diploma names.
 * doc/exam.md is the guide.
 *
 * Units:   seconds, newtons, metres.
 * Threads: an exam that was loaded is read-only and may be shared.
 * Memory:  it lives in the caller's arena. */
#ifndef ETUDE_EXAM_H
#define ETUDE_EXAM_H

#include "etude/exam_rule.h"
#include "etude/hash.h"
#include "etude/json.h"
#include "etude/key.h"
#include "etude/share.h"
#include "etude/skill.h"

#define ET_EXAM_SKILLS_MAX 64

/* What ends a trial at once, as failed. INFINITY: nothing does. */
struct et_exam_safety {
    double hand_n;    // force of all that a hand touches
    double body_n;    // of all that the rest of the robot touches
    double speed_m_s; // of a hand
};

struct et_exam {
    const char *path, *id, *title;
    const char *text; // what it is for; NULL: nobody says
    const char *const *skills;
    size_t n_skills;            // 0: whoever runs it names them
    const double *human_s;      // what a person needs, of each; NULL: the skills' files say it
    double weights[ET_N_TIERS]; // how often each tier is drawn, against the others
    struct et_exam_rule_options rule;
    double limit;  // of a trial, times what a person needs; 0: the skill's own limit
    double target; // the same: who is slower scores less (et_timed_score)
    double score;  // that the mean of these is to be shown to exceed, too; 0: nothing is demanded
    struct et_exam_safety safety;
};

/* Reads an exam: an id, or a path (with a '/', or that ends in ".yaml"). ET_ENOTFOUND: `wanted` is
 * nowhere; the text lists the ids there are. ET_ECORRUPT: "path:line:column: …", the first mistake.
 * Skills are looked for when it is run. */
ET_MUST_USE ET_API enum et_status et_exam_load(const char *wanted, struct et_arena *arena,
                                               const struct et_exam **exam, struct et_err *err);
ET_MUST_USE ET_API enum et_status et_exam_list(struct et_arena *arena,
                                               const struct et_share_file **exams, size_t *n_exams,
                                               struct et_err *err);

/* What an exam is, as one map: its settings, with what was left out filled in, the robot, and each
 * of its skills with the digests of its files and of all that its world is made of. And back;
 * ET_ECORRUPT names what does not fit, the skills are those that the map names (their files are not
 * looked for). */
ET_MUST_USE ET_API enum et_status et_exam_put(struct et_json_writer *w, const struct et_exam *exam,
                                              const char *robot, struct et_err *err);
ET_MUST_USE ET_API enum et_status et_exam_take(const struct et_value *map, struct et_arena *arena,
                                               const struct et_exam **exam, struct et_err *err);

/* ---- seeds ---- */

/* Of an exam's secret: the seed and the tier of a skill's i-th trial, and the number that the
 * policy may draw its own chance from, which tells nothing of the seed; independent of all others.
 * Seeds have 53 bits, so that any reader of JSON keeps them. */
#define ET_EXAM_SEED_BITS 53
struct et_exam_draw {
    uint64_t seed;
    enum et_tier tier;
    uint64_t chance;
};
ET_API struct et_exam_draw et_exam_draw(const struct et_exam *exam,
                                        const uint8_t secret[ET_KEY_BYTES], const char *skill,
                                        uint64_t i);

/* What may be shown before the exam: who sees it later can tell that the secret was this one. */
ET_API struct et_digest et_exam_commitment(const uint8_t secret[ET_KEY_BYTES]);

#endif

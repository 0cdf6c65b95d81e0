/* What the files of the skill loader share: a mistake's message with its place, and a text of one
 * line that is read word by word.
 *
 * A skill's file is YAML whose texts are small sentences ("move right cup_grasp dir +x y"). YAML
 * knows where such a text begins; a person wants to know which word of it is wrong. So a text is
 * read beside the file's own bytes, also when it is quoted or goes over several lines. */
#ifndef WORLD__SKILL_READER_H
#define WORLD__SKILL_READER_H

#include "etude/yaml.h"
#include "world/world__skill.h"

#define ET__RADIANS_PER_DEGREE 0.017453292519943295

#define ET__PHASES_MAX 64
#define ET__ACTIONS_MAX 32 // of a phase
#define ET__TERMS_MAX 16   // of a condition
#define ET__DRAWS_MAX 64
#define ET__BODIES_MAX 64 // of a list of names

/* A skill that is being read. */
struct et__skill_reader {
    const char *path;
    struct et_str text;  // of the file
    const size_t *lines; // where each begins in it
    size_t n_lines;
    struct et_arena *arena;
    struct et_skill *skill;
    struct et_skill_script *script;
    struct et_err *err;
};

/* All that et_skill_load does with the bytes of skill.yaml: id, folder, path and digest are left to
 * it. After a failure *skill is NULL, and what was taken stays in the arena. */
ET_MUST_USE enum et_status et__skill_parse(const char *path, struct et_str text,
                                           struct et_arena *arena, struct et_skill **skill,
                                           struct et_err *err);

/* Fails with ET_ECORRUPT and "path:line:column: …". */
enum et_status et__skill_memory(const struct et__skill_reader *r);

/* Checks a value against a schema; the message begins with the path. */
ET_MUST_USE enum et_status et__skill_schema(const struct et__skill_reader *r,
                                            const struct et_value *value,
                                            const struct et_schema *schema);

/* ---- a text of one line ---- */

struct et__line {
    const struct et__skill_reader *r;
    struct et_str rest;    // of the text
    struct et_str source;  // the file from there on; empty where the two do not agree
    struct et_place place; // of both
};

struct et__word {
    struct et_str text; // empty: the line has ended
    struct et_place place;
};

/* `what` the text shall be: "an action". ET_ECORRUPT: it is no text. */
ET_MUST_USE enum et_status et__line_open(struct et__line *line, const struct et__skill_reader *r,
                                         const struct et_value *value, const char *what);
struct et__word et__line_next(struct et__line *line);
struct et__word et__line_peek(const struct et__line *line);

/* The text between two words, the second left out, without blanks at its ends; in the arena. NULL:
 * no memory. */
const char *et__line_between(const struct et__line *line, struct et__word first,
                             struct et__word behind);

/* Fails: `what` is expected, and not this word. words: those that it could be, NULL: any. */
enum et_status et__line_bad(const struct et__line *line, struct et__word word, const char *what,
                            const char *const *words);

/* Takes one of `words`, ended by NULL. */
ET_MUST_USE enum et_status et__line_choice(struct et__line *line, const char *what,
                                           const char *const *words, size_t *i);

struct et__range {
    const char *what; // "a speed in m/s"
    double least, most;
};
extern const struct et__range et__metres, et__degrees, et__position; // of a joint
ET_MUST_USE enum et_status et__line_number(struct et__line *line, const struct et__range *range,
                                           double *value);

/* Takes the name of something in the scene: a letter, then a-z 0-9 _ . -, and none of `words`
 * (NULL: none), which would be a name left out. */
ET_MUST_USE enum et_status et__line_name(struct et__line *line, const char *what,
                                         const char *const *words, struct et__name *name);
bool et__is_scene_name(struct et_str name);

/* ET_ECORRUPT: words are left. */
ET_MUST_USE enum et_status et__line_end(struct et__line *line);

/* ---- the parts of the file ---- */

/* Appends what a line stands for (a posture is an action a joint) to n_actions of ET__ACTIONS_MAX.
 */
ET_MUST_USE enum et_status et__read_action(const struct et__skill_reader *r,
                                           const struct et_value *value, struct et__action *actions,
                                           size_t *n_actions);

ET_MUST_USE enum et_status et__read_condition(const struct et__skill_reader *r,
                                              const struct et_value *value,
                                              struct et__condition *condition);

/* "random": lists of lines by tier; NULL: none. Into the script. */
ET_MUST_USE enum et_status et__read_draws(const struct et__skill_reader *r,
                                          const struct et_value *tiers);

/* "phases", a list of maps. Into skill and script. */
ET_MUST_USE enum et_status et__read_phases(const struct et__skill_reader *r,
                                           const struct et_value *list);

#endif

/* What names say about a robot: for the draft of a profile. */
#ifndef ROBOT_ROBOT__GUESS_H
#define ROBOT_ROBOT__GUESS_H

#include "etude/arena.h"
#include "etude/stream.h"

#define ET__GUESS_NAME_BYTES 96

/* A maker's name in our alphabet: "kLeftShoulderPitch" and "l_shoulder_pitch_joint" both become
 * "left_shoulder_pitch". A name that is too long is cut, one without letters becomes "value". */
void et__guess_name(const char *maker, char name[ET__GUESS_NAME_BYTES]);

/* What a name in our alphabet says. */
struct et__guess {
    enum et_part part;
    bool is_right;    // of legs, which are one part
    const char *word; // what it rests on: "shoulder"
};

/* False when the name says nothing, or is an arm, a hand or a leg of no side. */
bool et__guess_part(const char *name, struct et__guess *guess);

/* The place of a camera from the last part of its feature's path: "cam_high" gives "head". `word`
 * is what it rests on, NULL when the name was taken as it is. */
void et__guess_camera(const char *path, char place[ET__GUESS_NAME_BYTES], const char **word);

/* The unit that a range of a joint's values fits best: "rad", "deg", "percent" … */
const char *et__guess_unit(enum et_part part, enum et_quantity quantity, double min, double max);

/* What was guessed of one value of a dataset's feature or a message's field. */
struct et__value_guess {
    enum et_part part; // ET_PART_BODY when nothing says which
    bool is_right;     // of legs
    const char *name;  // canonical; of no use where the feature is not what a part is made from
    const char *word;  // what the part rests on; NULL: nothing
    const char *slice; // of a dataset: the slice it rests on; NULL: the value's own name
    bool is_by_topic;  // of a recording: it stands in the topic, not in the value's own name
};

/* Values that belong to a part, in the part's order: of legs the left one first. False: the arena
 * is full. */
struct et__guess_members {
    size_t *indices;
    size_t n;
};
bool et__guess_members(const struct et__value_guess *values, size_t n, enum et_part part,
                       struct et_arena *arena, struct et__guess_members *members);

/* The range of all of them, by each value's (NULL: not known); false when none is known. */
bool et__guess_members_range(const struct et__guess_members *members, const double *lows,
                             const double *highs, double *min, double *max);

/* ---- text of a draft ---- */

/* A scalar of YAML, quoted where it must be. The text was checked by et_name_check. */
void et__guess_scalar(struct et_buf *yaml, const char *text);

/* A profile's first lines; robot_type NULL: the data does not say. */
void et__guess_head(struct et_buf *yaml, const char *robot_type);

/* " # values from -1.2 to 2.1 fit it" */
void et__guess_range(struct et_buf *yaml, bool is_known, double min, double max);

#endif

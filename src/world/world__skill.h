/* A skill's script, as it stands in the file: words with the names of a scene that nobody has
 * looked at yet. */
#ifndef WORLD__SKILL_H
#define WORLD__SKILL_H

#include "etude/skill.h"
#include "etude/value.h"

enum et__side { ET__LEFT, ET__RIGHT, ET__BOTH };

/* A name in the scene, and where the file has it. */
struct et__name {
    const char *text; // NULL: not given
    struct et_place place;
};

/* ---- conditions: "on bottle tray & not touching cup left_hand" ---- */

/* Name, and what its words are, in order: b body, s site, j joint, a side (left or right), t the
 * beginning of names, n number, c "<" or ">" and a number. predicate.c evaluates. */
// clang-format off
#define ET__PREDICATE_MAP(X)                                                           \
    X(ON,       "on",       "bb")  /* touches, and is above */                         \
    X(TOUCHING, "touching", "bb")                                                      \
    X(IN,       "in",       "bs")  /* its centre of mass is in a site's box */         \
    X(JOINT,    "joint",    "jc")                                                      \
    X(HEIGHT,   "height",   "bc")  /* m over the floor */                              \
    X(UPRIGHT,  "upright",  "bn")  /* degrees it may lean */                           \
    X(FREE,     "free",     "b")   /* the robot does not touch it */                   \
    X(STILL,    "still",    "b")                                                       \
    X(HELD,     "held",     "ba")  /* by both fingers of a hand */                     \
    X(NEAR,     "near",     "ssn") /* m between two sites */                           \
    X(COUNT,    "count",    "tsn") /* at least n bodies whose names begin so in a site */ \
    X(PRESSED,  "pressed",  "jn")  /* was beyond n at some time */                     \
    X(WIPED,    "wiped",    "tn")  /* at least n sites whose names begin so */
// clang-format on

enum et__predicate_kind {
#define X(id, name, words) ET__##id,
    ET__PREDICATE_MAP(X)
#undef X
        ET__N_PREDICATES,
};

struct et__predicate {
    const char *name, *words;
    enum et__predicate_kind kind;
};

#define ET__TERM_NAMES_MAX 2

struct et__term {
    const struct et__predicate *predicate;
    bool is_negated;
    enum et__side side;
    bool is_less; // of c
    double value; // of n or c
    struct et__name names[ET__TERM_NAMES_MAX];
    const char *text; // the term as it stands in the file
    struct et_place place;
};

struct et__condition { // all of them
    const struct et__term *terms;
    size_t n_terms;
};

/* NULL: there is none of that name. The names, ended by NULL. */
const struct et__predicate *et__predicate_find(struct et_str name);
const char *const *et__predicate_names(void);

/* ---- actions: "move right bottle.grasp off 0 0 .1 dir +x y speed .2" ---- */

enum et__verb {
    ET__GRIP,    // SIDE WIDTH|open|close
    ET__POSTURE, // JOINT VALUE [JOINT VALUE]...
    ET__MOVE,    // SIDE SITE|here [off X Y Z] [rel] [dir APPROACH CLOSING] [yaw D] [pitch D]
                 // [holding SITE] [via H] [speed V]
    ET__FOLLOW,  // SIDE JOINT VALUE [turn F] [speed V]
    ET__CARRY,   // BODY [to SITE] [off X Y Z] [by X Y Z] [yaw D] [speed V]: with both hands
    ET__HOLD,    // SECONDS
    ET__RETREAT, // SIDE DISTANCE [speed V]: back along the hand's own axis
    ET__TUCK,    // SIDE: home, out of the way
    ET__PRESS,   // SIDE SITE N [dir APPROACH CLOSING]: on until so many newtons push back
    ET__N_VERBS,
};

struct et__action {
    enum et__verb verb;
    enum et__side side;
    struct et__name target;  // site, joint or body; text NULL: "here"
    struct et__name holding; // what shall come to the target, instead of the hand; of a carry: the
                             // site that the body comes to
    struct et__name posture; // joint
    double off[3];           // m, from the target in the room's axes, or its own (yaw only) if rel
    double by[3];
    bool is_relative;
    bool has_direction;
    double approach[3], closing[3]; // unit vectors: where the fingers point, and along which they
                                    // close
    double yaw_rad, pitch_rad;      // turns of that
    double speed;                   // m/s; 0: not given
    double via;                     // m, the bow of the way, up
    double value;                   // width in m (NaN: open, −1: close), joint, seconds, N, m
    double turn;                    // how much of the joint's turn the hand makes, 0 … 1
    struct et_place place;
};

struct et__phase {
    const char *name;
    const struct et__action *actions;
    size_t n_actions;
    struct et__condition until; // none: when all have arrived
    double timeout_s;           // to wait for it
    int32_t i_else;             // phase to go back to when it does not come; −1: go on
    bool has_waist; // the waist helps hands that cannot reach (where no posture is asked)
};

/* ---- what chance decides ---- */

enum et__draw_kind {
    ET__DRAW_BODY, // x y z (m), roll pitch yaw (rad), added
    ET__DRAW_JOINT,
    ET__DRAW_MASS,     // factor
    ET__DRAW_FRICTION, // factor
    ET__DRAW_SIZE,     // factor; the mass stays
    ET__N_DRAWS,
};

struct et__draw {
    enum et__draw_kind kind;
    enum et_tier tier; // from which on; a later one for the same thing takes its place
    struct et__name name;
    double least[6], most[6];
};

struct et_skill_script {
    struct et_place scenario_place; // in the file
    const struct et__phase *phases; // as many as the skill has
    struct et__condition success;
    const struct et__draw *draws;
    size_t n_draws;
    const struct et__name *objects; // of the skill, as many, with their places in the file
    const struct et__name *clutter; // bodies that stand in the scene from tier cluttered on
    size_t n_clutter;
};

#endif

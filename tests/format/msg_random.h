/* Definitions and messages made up at random, with the JSON that they must give: written here a
 * second time, by recursion, from what the formats say. */
#ifndef TESTS_MSG_RANDOM_H
#define TESTS_MSG_RANDOM_H

#include "etude/message.h"
#include "support.h"

enum msg_layout {
    MSG_ROS1,
    MSG_XCDR1,
    MSG_XCDR1_BIG,
    MSG_XCDR2,
    MSG_XCDR2_BIG,
    MSG_DELIMITED,
    MSG_DELIMITED_BIG,
    MSG_N_LAYOUTS
};

/* Appends the text of a definition of up to n_types_max types, the root being pkg/T0. */
void random_definition(struct rng *rng, enum msg_layout layout, size_t n_types_max,
                       struct et_buf *text);

/* Appends a message of the definition, header and all; its JSON goes to `json`. */
void random_message(struct rng *rng, const struct et_msgdef *def, enum msg_layout layout,
                    struct et_buf *bytes, struct et_buf *json);

struct et_message_def message_of(const struct et_msgdef *def, enum msg_layout layout);

/* Runs a program of all paths (n of them) and of each alone, and the slow reference; the first
 * difference is written to `why`, "" when there is none. Where the reference fails, the program,
 * which must fit, has to fail as well. */
void compare_with_reference(const struct et_message_def *message,
                            const struct et_message_want *wants, size_t n_wants,
                            struct et_str bytes, char why[512]);

/* The paths of a definition, some with indexes in place of "[]"; in the arena. */
struct et_message_want *wants_of(struct rng *rng, const struct et_message_def *message,
                                 struct et_arena *arena, size_t *n_wants);

#endif

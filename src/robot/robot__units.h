/* Units that makers' data comes in, and what leads from each to SI. */
#ifndef ROBOT_ROBOT__UNITS_H
#define ROBOT_ROBOT__UNITS_H

#include "etude/str.h"

/* A value in SI is value × scale: none of the units needs an offset. */
struct et__unit {
    const char *text; // as a profile has it: "deg"
    const char *si;   // what it becomes: "rad"
    double scale;
};

/* The unit of that name; NULL when there is none. */
const struct et__unit *et__unit_find(const char *text);

/* Appends the names of all units that become `si` ("rad, deg, turn"); nothing when there is none.
 */
void et__unit_list(const char *si, struct et_buf *list);

#endif

/* A disk that does not answer: of programs whose calls are wrapped (fault.h). */
#ifndef TESTS_FROZEN_H
#define TESTS_FROZEN_H

#include <stdatomic.h>
#include <stdbool.h>

extern atomic_bool is_frozen;     // no sync ends
extern atomic_bool is_waited_for; // since frozen_open: one waited

void frozen_open(void); // from now on is_frozen counts
void frozen_close(void);
bool comes(atomic_bool *what); // false: not within a minute

#endif

/* An episode with a bit of everything, for tests of its file. */
#ifndef TESTS_EPISODE_MADE_H
#define TESTS_EPISODE_MADE_H

#include "etude/episode_file.h"

#define MADE_T0 INT64_C(1700000000000000000)

/* Static; the same at every call. */
const struct et_episode *made_episode(void);
const struct et_episode_facts *made_facts(void);

#endif

/* A world and its trainer, as the tests of what trainers do need them. */
#ifndef ETUDE_TEST_STAGE_H
#define ETUDE_TEST_STAGE_H

#include "etude/trainer.h"

struct stage {
    struct et_world *world;
    struct et_trainer *trainer;
};

/* False, and the test has failed, when it cannot be; close it then, too. */
bool open_stage(struct stage *stage, const char *skill, const char *robot);
bool begin_stage(struct stage *stage, uint64_t seed); // an episode, controlled
void close_stage(struct stage *stage);

#endif

/* A skill for tests: everything that the language has, once, and right. */
#ifndef TESTS_WORLD_SKILL_MADE_H
#define TESTS_WORLD_SKILL_MADE_H

#include <stddef.h>

extern const char SKILL_TEXT[];
extern const size_t SKILL_BYTES;

/* Writes it with a scene.xml into a folder of its own in the temporary folder; its path. */
const char *made_skill(const char *name, const char *text, size_t n);

#endif

/* An operator who knows how: hands that go where the scripted trainer's hands of the same episode
 * went, as somebody at the robot's place would move their own. */
#ifndef TESTS_OPERATOR_MADE_H
#define TESTS_OPERATOR_MADE_H

#include "etude/pose.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct made_step {           // every 10 ms
    struct et_pose hands[2]; // left, right; the robot's axes, m
    double grip[2];          // 0 open … 1 closed
};

#define MADE_STEPS_MAX 6000

/* Fills steps[MADE_STEPS_MAX]; how many there are, 0 when the trainer failed. */
size_t operator_made(const char *skill, uint64_t seed, struct made_step *steps);

#endif

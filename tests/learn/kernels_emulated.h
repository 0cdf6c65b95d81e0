/* A device that is a processor: the kernels of a GPU, launch for launch, as loops. Each piece is
 * done by one thread, or by a team of `n_lanes` real ones; n_scratch is small, so that what is done
 * in parts is. Its own memory can be touched only while a kernel runs, and a kernel that is given a
 * pointer into anything else is told by `finish`. */
#ifndef TESTS_LEARN_KERNELS_EMULATED_H
#define TESTS_LEARN_KERNELS_EMULATED_H

#include "learn/learn__kernels.h"

extern const struct et__kernels kernels_emulated;

void *emulated_open(unsigned n_lanes, size_t n_scratch);
void emulated_close(void *device);

#endif

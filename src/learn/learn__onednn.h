/* oneDNN's products and convolutions (github.com/oneapi-src/oneDNN), loaded when they are first
 * needed.
 *
 * For training, where they save a twelfth of a large product's time and a fifth to a third of a
 * convolution's. Who acts does without: there one call makes up for nothing, and the same bits come
 * on each machine.
 *
 * Threads: any; each keeps what it prepared for a shape until it ends.
 * Memory:  a shape's first call takes it, later ones none. */
#ifndef LEARN__ONEDNN_H
#define LEARN__ONEDNN_H

#include "learn/learn__kernels.h"

/* The processor's kernels with these; NULL where oneDNN is not, or Étude was built without it.
 * Small products, and a shape that it does not take, go as et__kernels_cpu has them. */
const struct et__kernels *et__onednn_kernels(void);
size_t et__onednn_shapes(void); // of convolutions, that it has taken of the calling thread

#endif

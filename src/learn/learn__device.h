/* Device: a back end in a library of its own, loaded when it is asked for.
 *
 * The library (libetude_cuda.so) is not linked: who has no GPU starts and needs nothing of it, and
 * it can be built and replaced by itself. It has no name of Étude's in it but the three below, and
 * takes none from the program, so that it fits one that Étude was linked into as well.
 *
 * Threads: a device belongs to the thread that opened it. */
#ifndef LEARN__DEVICE_H
#define LEARN__DEVICE_H

#include "learn/learn__kernels.h"

/* What of a device its kernels look at. */
struct et__device {
    et__real *scratch; // of use until a kernel ends
    size_t n_scratch;  // numbers; at least a row of a convolution's window
    double *sums;      // that the program looks at, too
    size_t n_sums;
};

/* n products of the same shape, whose matrices lie c_step … b_step numbers apart. */
struct et__products {
    struct et__gemm g;
    size_t n, c_step, a_step, b_step;
};

/* What the library has, by these names. */
#define ET__DEVICE_FITS "etude_device_fits"
#define ET__DEVICE_OPEN "etude_device_open"
#define ET__DEVICE_CLOSE "etude_device_close"
/* Whether it was built along with the program: its version, and how large the tables are. */
typedef bool et__device_fits(const char *version, size_t n_kernels, size_t n_pictures);
/* Device `index` of those there are, counted round; `text`: what it is, in words. NULL: there is
 * none; `text` says why. */
typedef void *et__device_open(int index, const struct et__kernels **kernels, char *text,
                              size_t n_text);
typedef void et__device_close(void *device);

#endif

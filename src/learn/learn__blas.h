/* OpenBLAS, loaded when it is first needed.
 *
 * Not linked, for two reasons. It starts a thread a processor as it is loaded, unless the
 * environment says otherwise by then, and no other command of the program needs it. And of Debian's
 * three builds the serial one is not safe when several threads multiply at once (its buffers are
 * given out without a lock): with that one, one thread multiplies at a time.
 *
 * Threads: any. */
#ifndef LEARN__BLAS_H
#define LEARN__BLAS_H

#include "etude/status.h"
#include "learn/learn__kernels.h"

/* Loads it, once a process, with one thread a call. ET_EUNSUPPORTED: it is not there; names the
 * package. */
ET_MUST_USE enum et_status et__blas_open(struct et_err *err);

/* The product; it has been loaded, or is now, and the program ends where it cannot be. */
void et__blas_gemm(const struct et__gemm *gemm);

#endif

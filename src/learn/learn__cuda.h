/* CUDA: a GPU's back end, where its library and a GPU are (learn__device.h).
 *
 * The library is libetude_cuda.so: the file that ETUDE_CUDA names, else beside what this code is
 * in, one folder above that, or where the system keeps libraries. */
#ifndef LEARN__CUDA_H
#define LEARN__CUDA_H

#include "etude/status.h"
#include "learn/learn__device.h"

struct et__cuda {
    const struct et__kernels *kernels;
    void *device;
    char name[160]; // in words
    void *library;
    et__device_close *close;
};

/* Opens GPU `index`, counted round. ET_EUNSUPPORTED: the library or a GPU is missing; the text says
 * which, and what to do. */
ET_MUST_USE enum et_status et__cuda_open(struct et__cuda *cuda, int index, struct et_err *err);
void et__cuda_close(struct et__cuda *cuda); // zeroed is allowed

#endif

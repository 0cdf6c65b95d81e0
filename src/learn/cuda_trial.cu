/* Whether nvcc works here: what it takes to make the library of kernels_cuda.cu. */
#include <cublas_v2.h>

static __global__ void clear(float *x)
{
    x[threadIdx.x] = 0;
}

extern "C" int etude_trial(float *x, cublasHandle_t *blas)
{
    clear<<<1, 32>>>(x);
    return (int)cublasCreate(blas);
}

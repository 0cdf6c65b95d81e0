/* The kernels on a GPU: items as launches (learn__items.h), matrices by cuBLAS, in a library of its
 * own (learn__device.h).
 *
 * All is done in one stream, in its order. Numbers are floats throughout, no TensorFloat, so that
 * the reference judges by the same bounds as elsewhere. Bits are the same each time on GPUs of a
 * kind with the same cuBLAS, which promises it for one stream (its manual, "Results
 * reproducibility"); here no atomics are used.
 *
 * The first failure is kept, and told by `finish`; what comes behind it does nothing of use. */
#include "learn/learn__device.h"

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ET__ITEM static __device__ __forceinline__
#define LANES 32    // of a team: a warp
#define THREADS 256 // of a block
#define TEAMS (THREADS / LANES)
#define ALL_LANES 0xffffffffu
#define SCRATCH ((size_t)1 << 24) // numbers: 64 MB
#define SUMS ((size_t)4096)

/* ---- a team ---- */

struct et__team {
    size_t lane, n;
};

static __device__ __forceinline__ float et__team_sum(struct et__team, float x)
{
    for (int far = LANES / 2; far > 0; far /= 2)
        x += __shfl_xor_sync(ALL_LANES, x, far);
    return x;
}

static __device__ __forceinline__ double et__team_sum_double(struct et__team, double x)
{
    for (int far = LANES / 2; far > 0; far /= 2)
        x += __shfl_xor_sync(ALL_LANES, x, far);
    return x;
}

static __device__ __forceinline__ float et__team_most(struct et__team, float x)
{
    for (int far = LANES / 2; far > 0; far /= 2) {
        const float other = __shfl_xor_sync(ALL_LANES, x, far);
        x = other > x ? other : x;
    }
    return x;
}

/* ---- the device ---- */

struct gpu {
    struct et__device d; // first: the kernels see it
    cudaStream_t stream;
    cublasHandle_t blas;
    bool has_failed;
    char why[160]; // of the first failure
};

static struct gpu *gpu_of(void *device)
{
    return (struct gpu *)device;
}

static void note_text(struct gpu *g, const char *why)
{
    if (g->has_failed)
        return;
    g->has_failed = true;
    (void)snprintf(g->why, sizeof g->why, "%s", why);
}

static void note(struct gpu *g, const char *what, cudaError_t error)
{
    char why[sizeof g->why];
    if (error == cudaSuccess)
        return;
    (void)snprintf(why, sizeof why, "%s: %s", what, cudaGetErrorString(error));
    note_text(g, why);
}

static void note_blas(struct gpu *g, const char *what, cublasStatus_t status)
{
    char why[sizeof g->why];
    if (status == CUBLAS_STATUS_SUCCESS)
        return;
    (void)snprintf(why, sizeof why, "%s: %s", what, cublasGetStatusString(status));
    note_text(g, why);
}

/* ---- launches ---- */

static unsigned blocks_of(size_t n, size_t of_block)
{
    return (unsigned)((n + of_block - 1) / of_block);
}

// All of a team take the same way, so that its sums find all lanes.
#define ET__EACH(item, type)                                                         \
    static __global__ void run_##item(const type a, size_t n)                        \
    {                                                                                \
        const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;                 \
        if (i < n)                                                                   \
            item(&a, i);                                                             \
    }                                                                                \
    static void each_##item(struct et__device *d, const type *a, size_t n)           \
    {                                                                                \
        if (n == 0)                                                                  \
            return;                                                                  \
        run_##item<<<blocks_of(n, THREADS), THREADS, 0, gpu_of(d)->stream>>>(*a, n); \
        note(gpu_of(d), #item, cudaGetLastError());                                  \
    }
#define ET__EACH_TEAM(item, type)                                                  \
    static __global__ void run_##item(const type a, size_t n)                      \
    {                                                                              \
        const size_t i = (size_t)blockIdx.x * TEAMS + threadIdx.x / LANES;         \
        const struct et__team team = {threadIdx.x % LANES, LANES};                 \
        if (i < n)                                                                 \
            item(&a, i, team);                                                     \
    }                                                                              \
    static void each_##item(struct et__device *d, const type *a, size_t n)         \
    {                                                                              \
        if (n == 0)                                                                \
            return;                                                                \
        run_##item<<<blocks_of(n, TEAMS), THREADS, 0, gpu_of(d)->stream>>>(*a, n); \
        note(gpu_of(d), #item, cudaGetLastError());                                \
    }

/* cuBLAS has columns where we have rows: it is asked for cᵀ = bᵀ aᵀ. */
static void multiply(struct et__device *d, const struct et__products *p)
{
    const struct et__gemm *g = &p->g;
    const cublasOperation_t a = g->is_a_turned ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t b = g->is_b_turned ? CUBLAS_OP_T : CUBLAS_OP_N;
    if (g->m == 0 || g->n == 0 || p->n == 0)
        return;
    const cublasStatus_t status =
        p->n == 1 ? cublasSgemm(gpu_of(d)->blas, b, a, g->n, g->m, g->k, &g->alpha, g->b,
                                g->b_stride, g->a, g->a_stride, &g->beta, g->c, g->c_stride)
                  : cublasSgemmStridedBatched(gpu_of(d)->blas, b, a, g->n, g->m, g->k, &g->alpha,
                                              g->b, g->b_stride, (long long)p->b_step, g->a,
                                              g->a_stride, (long long)p->a_step, &g->beta, g->c,
                                              g->c_stride, (long long)p->c_step, (int)p->n);
    note_blas(gpu_of(d), "a product of matrices", status);
}

static const double *sums_of(struct et__device *d, size_t n)
{
    struct gpu *g = gpu_of(d);
    note(g, "waiting for a sum", cudaStreamSynchronize(g->stream));
    return g->has_failed || n > d->n_sums ? NULL : d->sums;
}

#include "learn/learn__device_kernels.h"

/* ---- memory ---- */

static void *take(void *device, size_t bytes)
{
    void *p = NULL;
    (void)device;
    if (cudaMalloc(&p, bytes) == cudaSuccess)
        return p;
    (void)cudaGetLastError(); // it is told by what is returned
    return NULL;
}

static void give_back(void *device, void *p)
{
    note(gpu_of(device), "giving memory back", cudaFree(p));
}

static void copy(struct gpu *g, void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    note(g, "copying", cudaMemcpyAsync(to, from, bytes, kind, g->stream));
    note(g, "copying", cudaStreamSynchronize(g->stream));
}

static void send(void *device, void *to, const void *from, size_t bytes)
{
    copy(gpu_of(device), to, from, bytes, cudaMemcpyHostToDevice);
}

static void fetch(void *device, void *to, const void *from, size_t bytes)
{
    copy(gpu_of(device), to, from, bytes, cudaMemcpyDeviceToHost);
}

static bool share(void *device, void *p, size_t bytes)
{
    void *there = NULL;
    (void)device;
    if (cudaHostRegister(p, bytes, cudaHostRegisterMapped) != cudaSuccess) {
        (void)cudaGetLastError();
        return false;
    }
    if (cudaHostGetDevicePointer(&there, p, 0) == cudaSuccess && there == p)
        return true;
    (void)cudaHostUnregister(p);
    (void)cudaGetLastError();
    return false;
}

static void unshare(void *device, void *p)
{
    struct gpu *g = gpu_of(device);
    note(g, "waiting", cudaStreamSynchronize(g->stream));
    note(g, "taking memory back", cudaHostUnregister(p));
}

static bool finish(void *device, char *why, size_t n_why)
{
    struct gpu *g = gpu_of(device);
    note(g, "waiting", cudaStreamSynchronize(g->stream));
    if (g->has_failed)
        (void)snprintf(why, n_why, "%s", g->why);
    return !g->has_failed;
}

static const struct et__device_memory MEMORY = {.take = take,
                                                .give_back = give_back,
                                                .send = send,
                                                .fetch = fetch,
                                                .share = share,
                                                .unshare = unshare,
                                                .finish = finish};
static const struct et__kernels KERNELS = ET__DEVICE_KERNELS("cuda", &MEMORY);

/* ---- the library ---- */

#define SHOWN extern "C" __attribute__((visibility("default")))

SHOWN et__device_fits etude_device_fits;
SHOWN et__device_open etude_device_open;
SHOWN et__device_close etude_device_close;

bool etude_device_fits(const char *version, size_t n_kernels, size_t n_pictures)
{
    return strcmp(version, ET_VERSION) == 0 && n_kernels == sizeof(struct et__kernels) &&
           n_pictures == sizeof(struct et__picture_kernels);
}

static void open_device(struct gpu *g, int index)
{
    note(g, "cudaSetDevice", cudaSetDevice(index));
    if (!g->has_failed)
        note(g, "a stream", cudaStreamCreateWithFlags(&g->stream, cudaStreamNonBlocking));
    if (!g->has_failed)
        note(g, "memory", cudaMalloc((void **)&g->d.scratch, SCRATCH * sizeof *g->d.scratch));
    if (!g->has_failed)
        note(g, "memory",
             cudaHostAlloc((void **)&g->d.sums, SUMS * sizeof *g->d.sums, cudaHostAllocMapped));
    if (!g->has_failed)
        note_blas(g, "cuBLAS", cublasCreate(&g->blas));
    if (!g->has_failed)
        note_blas(g, "cuBLAS", cublasSetStream(g->blas, g->stream));
    if (!g->has_failed)
        note_blas(g, "cuBLAS", cublasSetMathMode(g->blas, CUBLAS_DEFAULT_MATH));
    if (!g->has_failed)
        note_blas(g, "cuBLAS", cublasSetAtomicsMode(g->blas, CUBLAS_ATOMICS_NOT_ALLOWED));
}

void *etude_device_open(int index, const struct et__kernels **kernels, char *text, size_t n_text)
{
    struct cudaDeviceProp is;
    int n = 0;
    struct gpu *g = (struct gpu *)calloc(1, sizeof *g);
    if (!g) {
        (void)snprintf(text, n_text, "no memory");
        return NULL;
    }
    g->d.n_scratch = SCRATCH;
    g->d.n_sums = SUMS;
    const cudaError_t found = cudaGetDeviceCount(&n);
    if (found == cudaErrorInsufficientDriver)
        note_text(g, "NVIDIA's driver is not there, or too old for this CUDA");
    note(g, "the driver", found);
    if (!g->has_failed)
        note(g, "the driver", cudaGetDeviceProperties(&is, index % n));
    if (!g->has_failed)
        open_device(g, index % n);
    if (g->has_failed) {
        (void)snprintf(text, n_text, "%s", g->why);
        etude_device_close(g);
        return NULL;
    }
    *kernels = &KERNELS;
    (void)snprintf(text, n_text, "%.80s, %.0f GB", is.name, (double)is.totalGlobalMem * 1e-9);
    return g;
}

void etude_device_close(void *device)
{
    struct gpu *g = gpu_of(device);
    if (g->blas)
        (void)cublasDestroy(g->blas);
    (void)cudaFree(g->d.scratch);
    (void)cudaFreeHost(g->d.sums);
    if (g->stream)
        (void)cudaStreamDestroy(g->stream);
    free(g);
}

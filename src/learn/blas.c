#include "learn/learn__blas.h"

#include <assert.h>
#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define LIBRARY "libopenblas.so.0"
#define PACKAGE "install the Debian package libopenblas0-pthread"

#ifdef ET__REAL_IS_DOUBLE
#define PRODUCT "cblas_dgemm"
typedef __typeof__(&cblas_dgemm) product;
#else
#define PRODUCT "cblas_sgemm"
typedef __typeof__(&cblas_sgemm) product;
#endif

enum { SEQUENTIAL = 0 }; // of openblas_get_parallel

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static product multiply; // NULL: not there
static bool is_sequential;
static char why[200];

/* A function of the library; ISO C knows no way from void * to one, POSIX does. */
static void find(void *library, const char *name, void *function)
{
    *(void **)function = dlsym(library, name);
}

static void load(void)
{
    int (*parallel)(void) = NULL;
    void (*set_threads)(int) = NULL;
    (void)setenv("OPENBLAS_NUM_THREADS", "1", 0); // read as it is loaded
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        (void)snprintf(why, sizeof why, "%s", dlerror());
        return;
    }
    find(library, PRODUCT, &multiply);
    find(library, "openblas_get_parallel", &parallel);
    find(library, "openblas_set_num_threads", &set_threads);
    if (set_threads)
        set_threads(1);
    is_sequential = !parallel || parallel() == SEQUENTIAL;
    if (!multiply)
        (void)snprintf(why, sizeof why, LIBRARY " has no " PRODUCT);
}

enum et_status et__blas_open(struct et_err *err)
{
    (void)pthread_once(&once, load);
    return multiply
               ? ET_OK
               : et_fail(err, ET_EUNSUPPORTED, -1, "OpenBLAS cannot be loaded (%s): " PACKAGE, why);
}

void et__blas_gemm(const struct et__gemm *g)
{
    const CBLAS_TRANSPOSE a = g->is_a_turned ? CblasTrans : CblasNoTrans;
    const CBLAS_TRANSPOSE b = g->is_b_turned ? CblasTrans : CblasNoTrans;
    (void)pthread_once(&once, load);
    assert(multiply && "et__blas_open was asked before");
    if (is_sequential)
        (void)pthread_mutex_lock(&one_at_a_time);
    multiply(CblasRowMajor, a, b, g->m, g->n, g->k, g->alpha, g->a, g->a_stride, g->b, g->b_stride,
             g->beta, g->c, g->c_stride);
    if (is_sequential)
        (void)pthread_mutex_unlock(&one_at_a_time);
}

#include "learn/learn__cuda.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libetude_cuda.so"
#define PATH_BYTES 4096

static const char HERE; // in the file that this code is in

/* A function of the library; ISO C knows no way from void * to one, POSIX does. */
static void find(void *library, const char *name, void *function)
{
    *(void **)function = dlsym(library, name);
}

/* Where the library is: what ETUDE_CUDA names, or beside what this code is in, or where the system
 * keeps such. */
static void find_library(char path[PATH_BYTES])
{
    static const char *const BESIDE[] = {"", "../"};
    const char *named = getenv("ETUDE_CUDA");
    Dl_info self;
    const char *slash = NULL;
    if (!(named && *named) && dladdr(&HERE, &self) && self.dli_fname)
        slash = strrchr(self.dli_fname, '/');
    for (size_t i = 0; slash && i < sizeof BESIDE / sizeof *BESIDE; i++) {
        const int n = snprintf(path, PATH_BYTES, "%.*s%s" LIBRARY,
                               (int)(slash - self.dli_fname) + 1, self.dli_fname, BESIDE[i]);
        if (n < PATH_BYTES && access(path, R_OK) == 0)
            return;
    }
    (void)snprintf(path, PATH_BYTES, "%s", named && *named ? named : LIBRARY);
}

static enum et_status load(struct et__cuda *cuda, et__device_open **open, struct et_err *err)
{
    char path[PATH_BYTES];
    et__device_fits *fits = NULL;
    find_library(path);
    cuda->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *why = cuda->library ? "" : dlerror();
    if (strncmp(why, LIBRARY ":", sizeof LIBRARY) == 0) // else something that it needs
        return et_fail(err, ET_EUNSUPPORTED, -1,
                       "built without CUDA: " LIBRARY " is not there; build again where nvcc is "
                       "(NVIDIA's CUDA toolkit), or name the library by ETUDE_CUDA");
    if (!cuda->library)
        return et_fail(err, ET_EUNSUPPORTED, -1, "CUDA cannot be loaded: %.160s", why);
    find(cuda->library, ET__DEVICE_FITS, &fits);
    find(cuda->library, ET__DEVICE_OPEN, open);
    find(cuda->library, ET__DEVICE_CLOSE, &cuda->close);
    if (!fits || !*open || !cuda->close ||
        !fits(ET_VERSION, sizeof(struct et__kernels), sizeof(struct et__picture_kernels)))
        return et_fail(err, ET_EUNSUPPORTED, -1, "%.150s was built for another version", path);
    return ET_OK;
}

enum et_status et__cuda_open(struct et__cuda *cuda, int index, struct et_err *err)
{
    *cuda = (struct et__cuda){0};
    et__device_open *open = NULL;
    enum et_status st = load(cuda, &open, err);
    if (st == ET_OK) {
        cuda->device = open(index, &cuda->kernels, cuda->name, sizeof cuda->name);
        if (!cuda->device)
            st = et_fail(err, ET_EUNSUPPORTED, -1, "no GPU: %s", cuda->name);
    }
    if (st != ET_OK)
        et__cuda_close(cuda);
    return st;
}

void et__cuda_close(struct et__cuda *cuda)
{
    if (cuda->device)
        cuda->close(cuda->device);
    // The library stays: what it loaded itself has threads, and does not like to go.
    *cuda = (struct et__cuda){0};
}

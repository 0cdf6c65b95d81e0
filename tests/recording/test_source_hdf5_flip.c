/* A file with every byte changed and cut at every length. Each is read in a process of its own, as
 * it is libhdf5 that is put to the test too: nothing may crash, hang, or take much memory. */
#include "hdf5_made.h"
#include "source_use.h"
#include "support.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS_MAX 20
#define KILOBYTES_MAX (1 << 20)
#define STEP 17 // ETUDE_HDF5_ALL=1: every byte

static int n_runs, n_bad;

static void use_file(const char *path)
{
    struct used_source use;
    struct et_err err = {0};
    enum et_status st = source_open(&use, &et__source_hdf5, path, &err);
    if (st == ET_OK && source_query(&use, 0, 0, &err) == ET_OK)
        for (int n = 0; n < 5000 && source_next(&use); n++)
            continue;
    source_close(&use);
}

static void use_apart(const char *path, size_t at, void *ctx)
{
    struct rusage usage = {0};
    int status = 0;
    (void)ctx;
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        (void)alarm(SECONDS_MAX);
        use_file(path);
        _exit(0);
    }
    n_runs++;
    if (child > 0 && wait4(child, &status, 0, &usage) == child && WIFEXITED(status) &&
        WEXITSTATUS(status) == 0 && usage.ru_maxrss < KILOBYTES_MAX)
        return;
    n_bad++;
    printf("# byte %zu: signal %d, %ld KB\n", at, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
           usage.ru_maxrss);
}

static void try_file(const char *name)
{
    const size_t step = getenv("ETUDE_HDF5_ALL") ? 1 : STEP;
    const char *path = hdf5_made(name), *changed = temp_path("changed.h5");
    size_t n = 0;
    if (!path) {
        tap_skip("no h5py");
        return;
    }
    void *bytes = read_file(path, &n);
    n_runs = n_bad = 0;
    flip_every_byte(bytes, n, step, changed, use_apart, NULL);
    cut_at_every_byte(bytes, n, 4 * step, changed, use_apart, NULL);
    printf("# %d runs, %d bad\n", n_runs, n_bad);
    CHECK_EQ(n_bad, 0);
    free(bytes);
}

static void changed_bytes_of_an_aloha_file_neither_crash_nor_hang(void)
{
    try_file("aloha/small.hdf5");
}

static void changed_bytes_of_a_file_of_the_newest_form_neither_crash_nor_hang(void)
{
    try_file("aloha/latest.hdf5");
}

int main(void)
{
    RUN(changed_bytes_of_an_aloha_file_neither_crash_nor_hang);
    RUN(changed_bytes_of_a_file_of_the_newest_form_neither_crash_nor_hang);
    return tap_end();
}

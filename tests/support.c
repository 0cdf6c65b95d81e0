#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char temp_dir[256];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (flag == FTW_DP || flag == FTW_D)
        (void)rmdir(path);
    else
        (void)unlink(path);
    return 0;
}

static void remove_temp_dir(void)
{
    (void)nftw(temp_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

// Paths are few, small, and needed until the program ends.
struct kept {
    struct kept *next;
    char *path;
};
static struct kept *all_kept;

static const char *keep(const char *dir, const char *name)
{
    struct kept *kept = malloc(sizeof *kept);
    if (!kept || asprintf(&kept->path, "%s/%s", dir, name) < 0)
        abort();
    kept->next = all_kept;
    all_kept = kept;
    return kept->path;
}

const char *temp_path(const char *name)
{
    if (!temp_dir[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(temp_dir, sizeof temp_dir, "%s/etude-test-XXXXXX", base ? base : "/var/tmp");
        if (!mkdtemp(temp_dir)) {
            perror(temp_dir);
            exit(99);
        }
        (void)atexit(remove_temp_dir);
    }
    return keep(temp_dir, name);
}

const char *data_path(const char *name)
{
    const char *root = getenv("ETUDE_TEST_DATA");
    const char *path = keep(root ? root : "../shared/data", name);
    return file_exists(path) ? path : NULL;
}

const char *source_path(const char *name)
{
    const char *root = getenv("ETUDE_SOURCE");
    return keep(root ? root : ".", name);
}

void use_test_skills(void)
{
    static char folders[8192];
    const char *root = getenv("ETUDE_SOURCE");
    root = root ? root : ".";
    (void)snprintf(folders, sizeof folders, "%s/tests/world/share:%s/share", root, root);
    (void)setenv("ETUDE_SHARE", folders, 1);
}

#if defined(__has_feature) // clang's
#define HAS(feature) __has_feature(feature)
#else
#define HAS(feature) 0
#endif

bool has_sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS(address_sanitizer) || \
    HAS(thread_sanitizer)
    return true;
#else
    return false;
#endif
}

void write_file(const char *path, const void *data, size_t n)
{
    // Over what is there, and then cut: emptying a file first makes some file systems write it out
    // when it is closed, and thousands of small files a test then wait for the disk.
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    size_t done = 0;
    ssize_t got = 0;
    while (fd >= 0 && done < n && (got = write(fd, (const char *)data + done, n - done)) > 0)
        done += (size_t)got;
    if (fd < 0 || done != n || ftruncate(fd, (off_t)n) != 0 || close(fd) != 0) {
        perror(path);
        exit(99);
    }
}

void *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    size_t cap = 1 << 16, used = 0;
    char *data = malloc(cap + 1);
    for (;;) {
        if (!data)
            abort();
        const size_t got = fread(data + used, 1, cap - used, f);
        used += got;
        if (got == 0)
            break;
        if (used == cap) {
            cap *= 2;
            data = realloc(data, cap + 1);
        }
    }
    (void)fclose(f);
    data[used] = 0;
    if (n)
        *n = used;
    return data;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

uint64_t rng_next(struct rng *rng)
{
    uint64_t z = (rng->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double rng_uniform(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

double rng_gaussian(struct rng *rng)
{
    const double u = 1.0 - rng_uniform(rng), v = rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void cut_at_every_byte(const void *data, size_t n, size_t step, const char *path,
                       void (*check)(const char *path, size_t n_kept, void *ctx), void *ctx)
{
    for (size_t n_kept = 0; n_kept < n; n_kept += step) {
        (void)unlink(path); // some file systems write one out that is cut or overwritten
        write_file(path, data, n_kept);
        check(path, n_kept, ctx);
    }
}

size_t flip_every_byte(const void *data, size_t n, size_t step, const char *path,
                       void (*check)(const char *path, size_t at, void *ctx), void *ctx)
{
    unsigned char *copy = malloc(n + 1);
    if (!copy)
        abort();
    memcpy(copy, data, n);
    const bool is_each = !has_sanitizer() || getenv("ETUDE_FLIP_ALL");
    size_t n_bytes = 0, n_flips = 0;
    for (size_t at = 0; at < n; at += step, n_bytes++) {
        const unsigned char old = copy[at];
        const unsigned char news[] = {(unsigned char)~old, 0, old ^ 1};
        for (size_t i = 0; i < sizeof news; i++) {
            if (news[i] == old || (!is_each && i != n_bytes % sizeof news))
                continue;
            copy[at] = news[i];
            (void)unlink(path);
            write_file(path, copy, n);
            check(path, at, ctx);
            n_flips++;
        }
        copy[at] = old;
    }
    free(copy);
    return n_flips;
}

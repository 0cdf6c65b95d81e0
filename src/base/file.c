#include "etude/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct et_file {
    int fd;
    char path[];
};

/* Opens the descriptor as `mode` says. O_NONBLOCK keeps a FIFO from holding us for ever; it means
 * nothing to the regular file that is checked for afterwards. */
static int open_fd(const char *path, enum et_file_mode mode)
{
    const int always = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    switch (mode) {
    case ET_FILE_READ:
        return open(path, O_RDONLY | always);
    case ET_FILE_CREATE:
        return open(path, O_RDWR | O_CREAT | O_EXCL | always, 0666);
    case ET_FILE_UPDATE:
        return open(path, O_RDWR | always);
    }
    errno = EINVAL;
    return -1;
}

static enum et_status fail_open(int sys, const char *path, enum et_file_mode mode,
                                struct et_err *err)
{
    if (sys == EEXIST)
        return et_fail(err, ET_EEXISTS, -1, "%.200s exists already", path);
    if ((sys == ENOENT || sys == ENOTDIR) && mode != ET_FILE_CREATE)
        return et_fail(err, ET_ENOTFOUND, -1, "%.200s does not exist", path);
    return et_fail_sys(err, sys, "cannot %s %.200s", mode == ET_FILE_CREATE ? "create" : "open",
                       path);
}

enum et_status et_file_open(struct et_file **file, const char *path, enum et_file_mode mode,
                            struct et_err *err)
{
    assert(file && path);
    *file = NULL;
    enum et_status st = ET_OK;
    struct stat info;

    const int fd = open_fd(path, mode);
    if (fd < 0)
        return fail_open(errno, path, mode, err);

    const size_t n_path = strlen(path) + 1;
    struct et_file *opened = malloc(sizeof *opened + n_path);
    if (!opened) {
        st = et_fail(err, ET_ENOMEM, -1, "no memory to open %.200s", path);
        goto fail;
    }
    if (fstat(fd, &info) != 0) {
        st = et_fail_sys(err, errno, "cannot look at %.200s", path);
        goto fail;
    }
    if (!S_ISREG(info.st_mode)) {
        st = et_fail(err, ET_EIO, -1, "%.200s is %s, not a file", path,
                     S_ISDIR(info.st_mode) ? "a folder" : "a device or a pipe");
        goto fail;
    }
    opened->fd = fd;
    memcpy(opened->path, path, n_path);
    *file = opened;
    return ET_OK;
fail:
    free(opened);
    (void)close(fd);
    if (mode == ET_FILE_CREATE)
        (void)unlink(path);
    return st;
}

void et_file_close(struct et_file *file)
{
    if (!file)
        return;
    (void)close(file->fd);
    free(file);
}

const char *et_file_path(const struct et_file *file)
{
    return file->path;
}

enum et_status et_file_size(struct et_file *file, int64_t *n_bytes, struct et_err *err)
{
    struct stat info;
    if (fstat(file->fd, &info) != 0)
        return et_fail_sys(err, errno, "cannot take the size of %.200s", file->path);
    *n_bytes = info.st_size;
    return ET_OK;
}

// An offset may come from a file's own header, so it is checked and not asserted.
static bool is_in_range(int64_t offset, size_t n)
{
    return offset >= 0 && n <= (size_t)INT64_MAX && offset <= INT64_MAX - (int64_t)n;
}

enum et_status et_file_read_at(struct et_file *file, int64_t offset, void *to, size_t n,
                               size_t *got, struct et_err *err)
{
    *got = 0;
    if (!is_in_range(offset, n))
        return et_fail(err, ET_EARG, offset, "%.200s: no file has %zu bytes at offset %lld",
                       file->path, n, (long long)offset);
    while (*got < n) {
        const ssize_t now = pread(file->fd, (char *)to + *got, n - *got, offset + (int64_t)*got);
        if (now == 0)
            break;
        if (now < 0 && errno == EINTR)
            continue;
        if (now < 0) {
            const int sys = errno;
            const enum et_status st = et_fail_sys(err, sys, "cannot read %.200s", file->path);
            if (err)
                err->at = offset + (int64_t)*got;
            return st;
        }
        *got += (size_t)now;
    }
    return ET_OK;
}

enum et_status et_file_read_exact(struct et_file *file, int64_t offset, void *to, size_t n,
                                  struct et_err *err)
{
    size_t got;
    const enum et_status st = et_file_read_at(file, offset, to, n, &got, err);
    if (st != ET_OK || got == n)
        return st;

    int64_t end = offset + (int64_t)got;
    if (got == 0) { // the offset may lie behind the end
        const enum et_status size_st = et_file_size(file, &end, err);
        if (size_st != ET_OK)
            return size_st;
    }
    return et_fail(err, ET_ECORRUPT, end, "%.200s ends at byte %lld, %zu bytes at %lld are missing",
                   file->path, (long long)end, n - got, (long long)offset + (long long)got);
}

enum et_status et_file_write_at(struct et_file *file, int64_t offset, const void *from, size_t n,
                                struct et_err *err)
{
    if (!is_in_range(offset, n))
        return et_fail(err, ET_EARG, offset, "%.200s: no file has %zu bytes at offset %lld",
                       file->path, n, (long long)offset);
    for (size_t done = 0; done < n;) {
        const ssize_t now =
            pwrite(file->fd, (const char *)from + done, n - done, offset + (int64_t)done);
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0) {
            const int sys = now < 0 ? errno : EIO;
            const enum et_status st = et_fail_sys(err, sys, "cannot write %.200s", file->path);
            if (err)
                err->at = offset + (int64_t)done;
            return st;
        }
        done += (size_t)now;
    }
    return ET_OK;
}

enum et_status et_file_truncate(struct et_file *file, int64_t n_bytes, struct et_err *err)
{
    if (n_bytes < 0)
        return et_fail(err, ET_EARG, n_bytes, "%.200s: no file has %lld bytes", file->path,
                       (long long)n_bytes);
    int result;
    do
        result = ftruncate(file->fd, n_bytes);
    while (result != 0 && errno == EINTR);
    if (result != 0)
        return et_fail_sys(err, errno, "cannot cut %.200s to %lld bytes", file->path,
                           (long long)n_bytes);
    return ET_OK;
}

enum et_status et_file_sync(struct et_file *file, struct et_err *err)
{
    if (fsync(file->fd) != 0)
        return et_fail_sys(err, errno, "cannot sync %.200s", file->path);
    return ET_OK;
}

enum et_status et_file_read(const char *path, size_t limit_bytes, struct et_arena *arena,
                            struct et_str *content, struct et_err *err)
{
    struct et_file *file;
    const struct et_arena_mark mark = et_arena_mark(arena);
    int64_t size = 0;
    size_t got = 0;
    char *text;

    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st != ET_OK)
        return st;
    assert(file);
    st = et_file_size(file, &size, err);
    if (st != ET_OK)
        goto out;
    if ((uint64_t)size > limit_bytes) {
        st = et_fail(err, ET_ELIMIT, -1, "%.200s has %lld bytes, more than the limit of %zu", path,
                     (long long)size, limit_bytes);
        goto out;
    }
    text = et_arena_alloc(arena, (size_t)size + 1);
    if (!text) {
        st = et_arena_fail(arena, "a file's content", err);
        (void)et_err_context(err, "%.200s", path);
        goto out;
    }
    // A file that shrinks meanwhile gives what was left; one that grows, what was there.
    st = et_file_read_at(file, 0, text, (size_t)size, &got, err);
    if (st != ET_OK)
        goto out;
    text[got] = 0;
    *content = (struct et_str){text, got};
out:
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    et_file_close(file);
    return st;
}

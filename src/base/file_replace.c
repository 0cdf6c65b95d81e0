#include "etude/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

// Names that are tried for the new content; others may be left over from a power cut.
#define TRIES_MAX 16

static enum et_status write_all(int fd, const char *p, size_t n, const char *path,
                                struct et_err *err)
{
    while (n > 0) {
        const ssize_t now = write(fd, p, n);
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0)
            return et_fail_sys(err, now < 0 ? errno : EIO, "cannot write %.200s", path);
        p += now;
        n -= (size_t)now;
    }
    return ET_OK;
}

/* Opens a new file beside path and writes its name to tmp. */
static enum et_status open_beside(const char *path, char tmp[ET_PATH_BYTES_MAX], int *fd,
                                  struct et_err *err)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        const int n = snprintf(tmp, ET_PATH_BYTES_MAX, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        if (n < 0 || n >= ET_PATH_BYTES_MAX)
            return et_fail(err, ET_EIO, -1, "%.200s… is too long for a path", path);
        *fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd >= 0)
            return ET_OK;
        if (errno != EEXIST)
            break;
    }
    return et_fail_sys(err, errno, "cannot create %.200s", tmp);
}

// The folder that path stands in; path is shorter than ET_PATH_BYTES_MAX.
static void folder_of(const char *path, char folder[ET_PATH_BYTES_MAX])
{
    const char *slash = strrchr(path, '/');
    const size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    assert(n < ET_PATH_BYTES_MAX);
    if (n > 0)
        memcpy(folder, path, n);
    else
        folder[0] = '.';
    folder[n > 0 ? n : 1] = 0;
}

/* Makes a rename outlast a power cut. False with errno when it could not; a file system that knows
 * no sync of folders is taken as it is. */
static bool sync_folder(const char *folder)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES; // a folder may be written to and not be readable
    const bool is_synced = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
    const int sys = errno;
    (void)close(fd);
    errno = sys;
    return is_synced;
}

static bool sync_folder_of(const char *path)
{
    char folder[ET_PATH_BYTES_MAX];
    folder_of(path, folder);
    return sync_folder(folder);
}

enum et_status et_dir_sync(const char *path, struct et_err *err)
{
    return sync_folder(path) ? ET_OK : et_fail_sys(err, errno, "cannot sync %.200s", path);
}

enum et_status et_file_replace(const char *path, const void *data, size_t n, struct et_err *err)
{
    char tmp[ET_PATH_BYTES_MAX];
    struct stat old;
    int fd = -1;

    enum et_status st = open_beside(path, tmp, &fd, err);
    if (st != ET_OK)
        return st;

    // Whoever narrowed the permissions of the old file meant its successors too.
    if (stat(path, &old) == 0 && fchmod(fd, old.st_mode & 07777) != 0) {
        st = et_fail_sys(err, errno, "cannot set the permissions of %.200s", tmp);
        goto out;
    }
    st = write_all(fd, data, n, tmp, err);
    if (st != ET_OK)
        goto out;
    if (fsync(fd) != 0) { // data first: a rename may reach the disk before what it names
        st = et_fail_sys(err, errno, "cannot sync %.200s", tmp);
        goto out;
    }
    if (close(fd) != 0) {
        fd = -1;
        st = et_fail_sys(err, errno, "cannot close %.200s", tmp);
        goto out;
    }
    fd = -1;
    if (rename(tmp, path) != 0) {
        st = et_fail_sys(err, errno, "cannot replace %.200s", path);
        goto out;
    }
    // The new content is in place and cannot be taken back, so a failed sync of the folder is no
    // failure: after a power cut the old content may stand here again, whole.
    (void)sync_folder_of(path);
out:
    if (fd >= 0)
        (void)close(fd);
    if (st != ET_OK)
        (void)unlink(tmp);
    return st;
}

enum et_status et_file_rename(const char *from, const char *to, struct et_err *err)
{
    if (strlen(to) >= ET_PATH_BYTES_MAX)
        return et_fail(err, ET_EIO, -1, "%.200s… is too long for a path", to);
    if (rename(from, to) != 0) {
        const int sys = errno;
        const enum et_status st = sys == ENOENT ? ET_ENOTFOUND : ET_EIO;
        (void)et_fail_sys(err, sys, "cannot rename %.150s to %.150s", from, to);
        if (err)
            err->status = st;
        return st;
    }
    if (!sync_folder_of(to))
        return et_fail_sys(err, errno, "%.200s is renamed, but its folder cannot be synced", to);
    return ET_OK;
}

enum et_status et_file_remove(const char *path, struct et_err *err)
{
    if (unlink(path) == 0)
        return ET_OK;
    if (errno == ENOENT)
        return et_fail(err, ET_ENOTFOUND, -1, "%.200s does not exist", path);
    return et_fail_sys(err, errno, "cannot remove %.200s", path);
}

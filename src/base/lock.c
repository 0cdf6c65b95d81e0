/* Folders that one process has for itself. */
#include "etude/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

enum et_status et_dir_lock(const char *path, int *lock, struct et_err *err)
{
    *lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0)
        return errno == ENOENT ? et_fail(err, ET_ENOTFOUND, -1, "%.200s does not exist", path)
                               : et_fail_sys(err, errno, "cannot open the folder %.200s", path);
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return ET_OK;
    (void)close(*lock);
    *lock = -1;
    return et_fail(err, ET_EEXISTS, -1, "%.200s: another program is at work in it", path);
}

void et_dir_unlock(int lock)
{
    if (lock >= 0)
        (void)close(lock);
}

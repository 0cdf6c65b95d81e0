#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

atomic_int fault_at, fault_count;
atomic_bool fault_seen;
const char *_Atomic fault_only;
void (*fault_watch)(const char *call, int fd, const void *p, size_t n, int64_t at);
static atomic_bool is_armed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void fault_arm(int at)
{
    fault_at = at;
    fault_count = 0;
    fault_seen = false;
    atomic_store(&is_armed, true);
}

void fault_disarm(void)
{
    atomic_store(&is_armed, false);
}

// "pread64" is what the C library calls pread when offsets have 64 bits.
static bool is_listed(const char *call)
{
    const char *only = fault_only;
    if (!only)
        return true;
    size_t n = strlen(call);
    if (n > 2 && strcmp(call + n - 2, "64") == 0)
        n -= 2;
    for (const char *p = only; (p = memmem(p, strlen(p), call, n)); p += n)
        if ((p == only || p[-1] == ' ') && (p[n] == 0 || p[n] == ' '))
            return true;
    return false;
}

static bool fails(const char *call)
{
    if (!atomic_load(&is_armed) || !is_listed(call))
        return false;
    (void)pthread_mutex_lock(&lock);
    const bool is_now = ++fault_count == fault_at;
    if (is_now)
        fault_seen = true;
    (void)pthread_mutex_unlock(&lock);
    return is_now;
}

static void watch(const char *call, int fd, const void *p, size_t n, int64_t at)
{
    if (fault_watch)
        fault_watch(call, fd, p, n, at);
}

// clang-format off
#define WATCHED(type, name, params, args, failure, error, watch) \
    type __real_##name params;                                   \
    type __wrap_##name params;                                   \
    type __wrap_##name params                                    \
    {                                                            \
        if (fails(#name)) {                                      \
            errno = error;                                       \
            return failure;                                      \
        }                                                        \
        watch;                                                   \
        return __real_##name args;                               \
    }
#define WRAP(type, name, params, args, failure, error) \
    WATCHED(type, name, params, args, failure, error, (void)0)
WRAP(void *, malloc, (size_t n), (n), NULL, ENOMEM)
WRAP(void *, calloc, (size_t n, size_t m), (n, m), NULL, ENOMEM)
WRAP(void *, realloc, (void *p, size_t n), (p, n), NULL, ENOMEM)
WRAP(void *, aligned_alloc, (size_t alignment, size_t n), (alignment, n), NULL, ENOMEM)
WRAP(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), -1, EIO)
WRAP(ssize_t, pread64, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), -1, EIO)
WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), -1, ENOSPC)
WATCHED(ssize_t, pwrite64, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), -1, ENOSPC,
     watch("pwrite", fd, p, n, at))
WRAP(int, fsync, (int fd), (fd), -1, EIO)
WATCHED(int, fdatasync, (int fd), (fd), -1, EIO,
     watch("fdatasync", fd, NULL, 0, 0))
WRAP(int, rename, (const char *from, const char *to), (from, to), -1, EACCES)
WATCHED(int, ftruncate64, (int fd, off_t n), (fd, n), -1, ENOSPC,
     watch("ftruncate", fd, NULL, (size_t)n, 0))
WRAP(int, fallocate64, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n), -1, ENOSPC)
WRAP(int, fstat64, (int fd, struct stat *st), (fd, st), -1, EIO)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), -1, ENOSPC)
WRAP(int, unlink, (const char *path), (path), -1, EACCES)
WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol), -1, EMFILE)
WRAP(int, accept4, (int fd, void *sa, socklen_t *n, int flags), (fd, sa, n, flags), -1, EMFILE)
WRAP(int, bind, (int fd, const void *sa, socklen_t n), (fd, sa, n), -1, EADDRNOTAVAIL)
WRAP(int, listen, (int fd, int backlog), (fd, backlog), -1, EADDRINUSE)
WRAP(int, connect, (int fd, const void *sa, socklen_t n), (fd, sa, n), -1, ECONNREFUSED)
WRAP(int, getsockname, (int fd, void *sa, socklen_t *n), (fd, sa, n), -1, ENOBUFS)
WRAP(ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags), -1, ECONNRESET)
WRAP(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags), -1, ECONNRESET)
WRAP(ssize_t, sendfile64, (int out, int in, off_t *at, size_t n), (out, in, at, n), -1, EIO)
WRAP(int, epoll_create1, (int flags), (flags), -1, EMFILE)
WRAP(int, epoll_ctl, (int fd, int op, int of, void *event), (fd, op, of, event), -1, ENOSPC)
WRAP(int, epoll_wait, (int fd, void *events, int n, int ms), (fd, events, n, ms), -1, EINVAL)
WRAP(int, eventfd, (unsigned n, int flags), (n, flags), -1, EMFILE)
WRAP(ssize_t, getrandom, (void *p, size_t n, unsigned flags), (p, n, flags), -1, ENOSYS)
WRAP(int, pthread_create,
     (pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg),
     (thread, attr, start, arg), EAGAIN, EAGAIN)
#ifdef HAS_URING
WRAP(int, io_uring_submit, (void *ring), (ring), -EINVAL, EINVAL)
#endif
// clang-format on

// close: the descriptor is gone even when the call reports a failure.
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    const int result = __real_close(fd);
    if (fails("close")) {
        errno = EIO;
        return -1;
    }
    return result;
}

// An address of numbers that cannot be read so is looked up: only who names it wants it to fail.
int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **list)
{
    if (fault_only && fails("getaddrinfo"))
        return EAI_AGAIN;
    watch("getaddrinfo", -1, host, strlen(host), 0);
    return __real_getaddrinfo(host, port, hints, list);
}

// As a file system says it that has no locks.
int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);
int __wrap_flock(int fd, int how)
{
    if (fault_only && fails("flock")) {
        errno = ENOLCK;
        return -1;
    }
    return __real_flock(fd, how);
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    if (fails("open64")) {
        errno = EACCES;
        return -1;
    }
    return __real_open64(path, flags, mode);
}

/* Frames on disk, while the network is away. */
#include "record/record__link.h"

#include "etude/hash.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Each frame lies behind its length; places count on and never fall, in the file they are taken
 * modulo its size. What is put is not synced: it is there for a network that is away, not for a
 * power cut, which ends the session anyway. */
struct et__link_spool {
    int fd;
    uint64_t n_bytes, head, tail;
};

struct entry {
    uint64_t n, hash;
};

enum et_status et__link_spool_open(struct et__link_spool **spool, const char *path, int64_t n_bytes,
                                   struct et_err *err)
{
    assert(n_bytes > 0);
    *spool = NULL;
    struct et__link_spool *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a spool");
    s->n_bytes = (uint64_t)n_bytes;
    s->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->fd < 0 || unlink(path) != 0) { // without a name nothing of it outlives the agent
        const enum et_status st = et_fail_sys(err, errno, "%s: no spool can be kept here", path);
        et__link_spool_close(s);
        return st;
    }
    *spool = s;
    return ET_OK;
}

void et__link_spool_close(struct et__link_spool *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s);
}

// Writes or reads n bytes at a place, in two pieces where the ring's end lies between.
static enum et_status move(struct et__link_spool *s, uint64_t at, char *p, size_t n, bool is_write,
                           struct et_err *err)
{
    while (n > 0) {
        const uint64_t in_file = at % s->n_bytes;
        const size_t piece = n < s->n_bytes - in_file ? n : (size_t)(s->n_bytes - in_file);
        const ssize_t got = is_write ? pwrite(s->fd, p, piece, (off_t)in_file)
                                     : pread(s->fd, p, piece, (off_t)in_file);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return et_fail_sys(err, errno, "the spool cannot be %s", is_write ? "written" : "read");
        if (got == 0)
            return et_fail(err, ET_ECORRUPT, (int64_t)in_file, "the spool ends too early");
        p += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return ET_OK;
}

enum et_status et__link_spool_put(struct et__link_spool *s, struct et_str frame, struct et_err *err)
{
    struct entry entry = {frame.n, et_hash64(frame.p, frame.n)};
    const uint64_t n = sizeof entry + frame.n;
    if (n > s->n_bytes)
        return et_fail(err, ET_ELIMIT, -1, "a batch of %zu bytes is more than the spool", frame.n);
    if (s->head - s->tail + n > s->n_bytes)
        return ET_AGAIN;
    // Nothing is changed there: the cast is for the one function that moves both ways.
    enum et_status st = move(s, s->head, (char *)&entry, sizeof entry, true, err);
    if (st == ET_OK)
        st = move(s, s->head + sizeof entry, (char *)(uintptr_t)frame.p, frame.n, true, err);
    if (st == ET_OK)
        s->head += n;
    return st;
}

enum et_status et__link_spool_take(struct et__link_spool *s, struct et_buf *buf, struct et_err *err)
{
    struct entry entry;
    et_buf_clear(buf);
    if (s->head == s->tail)
        return ET_END;
    enum et_status st = move(s, s->tail, (char *)&entry, sizeof entry, false, err);
    if (st != ET_OK)
        return st;
    if (entry.n > s->head - s->tail - sizeof entry)
        return et_fail(err, ET_ECORRUPT, -1, "the spool holds what was never put there");
    char *to = et_buf_reserve(buf, (size_t)entry.n);
    if (!to)
        return et_buf_check(buf, "a batch of the spool", err);
    st = move(s, s->tail + sizeof entry, to, (size_t)entry.n, false, err);
    if (st != ET_OK)
        return st;
    if (et_hash64(to, (size_t)entry.n) != entry.hash)
        return et_fail(err, ET_ECORRUPT, -1, "the spool holds what was never put there");
    buf->n = (size_t)entry.n;
    s->tail += sizeof entry + entry.n;
    return ET_OK;
}

void et__link_spool_empty(struct et__link_spool *s)
{
    s->tail = s->head;
}

int64_t et__link_spool_bytes(const struct et__link_spool *s)
{
    return (int64_t)(s->head - s->tail);
}

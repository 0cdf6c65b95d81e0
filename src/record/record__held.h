/* Held: bytes on their way to a file, in memory that outlives the process.
 *
 * What a tape took in and the disk has not written yet lies in memory that has a name (tmpfs,
 * /dev/shm). A kill leaves it there, and whoever finishes the file puts it back first. A power cut
 * takes it. Where the system has no such memory, or no more of it, it is plain memory, which a kill
 * takes, too.
 *
 * In memory a byte lies as in the file: at a multiple of a block where its place there is one.
 *
 * Threads: held bytes belong to one thread.
 * Memory:  as much as was held at once, to the next power of two, and a page. */
#ifndef ETUDE_RECORD_HELD_H
#define ETUDE_RECORD_HELD_H

#include "etude/status.h"

#include <stdbool.h>
#include <stddef.h>

#define ET__HELD_BLOCK 4096
#define ET__HELD_MAX 2 // of a file

struct et__held {
    struct et__held_head *head; // what is in memory: the head in a block of its own, then the bytes
    size_t cap;                 // of the bytes
    char name[64];              // of the memory; "": it has none
    bool is_locked;             // of a file's first: by lock_fd, so that nobody takes it for left
    int lock_fd;
};

/* Of the file that fd is of and path names, its i-th, for bytes from its beginning on. What is
 * there by that name is of a file that is no more, and goes. plain: without a name. ET_ENOMEM. */
ET_MUST_USE enum et_status et__held_open(struct et__held *held, int fd, const char *path,
                                         unsigned i, bool plain, struct et_err *err);
/* What it holds is gone. One that was never opened is allowed, if it is zeroed. */
void et__held_close(struct et__held *held);

bool et__held_put(struct et__held *held, const void *bytes, size_t n); // false: no memory
void et__held_begin(struct et__held *held, int64_t at); // holds nothing; what comes belongs at `at`

const char *et__held_bytes(const struct et__held *held);
size_t et__held_n(const struct et__held *held);
int64_t et__held_at(const struct et__held *held); // where its first byte belongs
int64_t et__held_end(const struct et__held *held);
bool et__held_outlives(const struct et__held *held);

/* Writes what is held of a file into it, and syncs it: after a kill, when nobody writes it.
 * n_bytes: by how much the file grew. What is held by another user, or is damaged, or belongs
 * beyond the file's end is left out. ET_EIO: the disk; all is held still. */
ET_MUST_USE enum et_status et__held_put_back(const char *path, int64_t *n_bytes,
                                             struct et_err *err);

/* Whether what is held of a file is locked: somebody on this machine writes it. */
bool et__held_is_locked(const char *path);

/* Removes what is held of this user's files that are no more: their folder is there, the same one,
 * on the same disk, and they are not in it; and nobody writes them. Whatever cannot be told so is
 * left: the disk may be elsewhere. Of disks on a network all is left. Returns how many. */
size_t et__held_sweep(void);

#endif

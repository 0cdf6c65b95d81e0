/* Tapes: files that only grow, many at a time on one disk, each safe up to its last commit.
 *
 * What is put on a tape gathers in memory that a kill leaves (record__held.h). A commit writes what
 * all tapes of a deck have gathered and syncs each, side by side: by io_uring where the system has
 * it, else one after the other. Meanwhile the tapes take more. Bytes that lie in a file never
 * change, so it can be read at any moment. Whole blocks go past the page cache where the file
 * system can (O_DIRECT): put blocks of ET__TAPE_BLOCK bytes before a commit for that; any other
 * number is fine, and costs more.
 *
 * Threads: a deck and its tapes belong to one thread.
 * Memory:  two buffers a tape, as large as what gathers between two commits. */
#ifndef ETUDE_RECORD_TAPE_H
#define ETUDE_RECORD_TAPE_H

#include "etude/status.h"

#include <stdbool.h>
#include <stddef.h>

#define ET__TAPE_BLOCK 4096
#define ET__TAPE_WAITING_MAX ((size_t)256 << 20) // that may gather on one tape

struct et__deck; // a disk
struct et__tape;

struct et__deck_options {
    bool without_uring, without_direct;
    bool without_names;  // what waits for the disk is in memory that a kill takes
    int64_t ahead_bytes; // of disk that a tape takes before it needs it; 0: 16 MiB; < 0: none
};

/* options may be NULL. A system without io_uring is no failure. ET_ENOMEM. */
ET_MUST_USE enum et_status
et__deck_open(struct et__deck **deck, const struct et__deck_options *options, struct et_err *err);
/* Waits, and closes the tapes that are open as a kill would leave them. NULL is allowed. */
void et__deck_close(struct et__deck *deck);
bool et__deck_has_uring(const struct et__deck *deck);

/* Creates a file, locked (flock) until it is closed, so that others see that it is being written.
 * ET_EEXISTS: the path is taken. ET_EIO, ET_ENOMEM. */
ET_MUST_USE enum et_status et__tape_open(struct et__tape **tape, struct et__deck *deck,
                                         const char *path, struct et_err *err);

/* Puts n bytes behind those before. ET_ELIMIT: more wait than may. A tape whose disk failed says
 * that again, here and at closing. */
ET_MUST_USE enum et_status et__tape_put(struct et__tape *tape, const void *bytes, size_t n,
                                        struct et_err *err);

/* Begins to write and sync what was put on all tapes until now; waits for the commit before. */
void et__deck_commit(struct et__deck *deck);
/* Waits until the commit that was begun is on the disk, or has failed. */
void et__deck_wait(struct et__deck *deck);
/* The same without waiting: false while it is under way. */
bool et__deck_poll(struct et__deck *deck);
size_t et__deck_waiting(const struct et__deck *deck); // bytes that were put and are not on the disk

int64_t et__deck_ahead(const struct et__deck *deck); // of disk that was taken and is not filled

int64_t et__tape_bytes(const struct et__tape *tape);  // that were put
bool et__tape_is_locked(const struct et__tape *tape); // false: its file system has no locks
bool et__tape_outlives(const struct et__tape *tape);  // a kill leaves them, see record__held.h
int64_t et__tape_safe(const struct et__tape *tape);   // that a power cut leaves
bool et__tape_is_direct(const struct et__tape *tape);

/* ET_OK while nothing has failed. ET_EIO: a write, or a sync, or io_uring itself while bytes of
 * this tape were under way; what is safe stays so, and no byte more goes to the file: nobody can
 * say what is on the disk. */
ET_MUST_USE enum et_status et__tape_check(const struct et__tape *tape, struct et_err *err);

/* Commits what waits, gives back the disk that was taken ahead, and closes; the tape is gone
 * whatever the result. NULL is allowed. */
ET_MUST_USE enum et_status et__tape_close(struct et__tape *tape, struct et_err *err);
/* Leaves the first n bytes, which are safe, on the disk, and closes; of none no file is left.
 * ET_EIO: more may be there. The tape is gone whatever the result. */
ET_MUST_USE enum et_status et__tape_cut(struct et__tape *tape, int64_t n, struct et_err *err);

#endif

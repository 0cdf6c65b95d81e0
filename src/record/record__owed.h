/* What a feed brought and the disk does not have yet, of those who put and can wait: if the file
 * that it went into fails, it goes into the next one. So nothing that an agent was not told to be
 * taken has to be asked for again, and nothing is there twice.
 *
 * Memory: what comes between two commits, OWED_BYTES_MAX at most. */
#ifndef RECORD__OWED_H
#define RECORD__OWED_H

#include "etude/feed.h"

/* Zeroed: nothing is owed. */
struct et__owed {
    struct et_buf buf; // samples, the oldest first, each behind its head
    size_t n_covered;  // bytes of those that the commit under way has
};

/* Room for a sample of n bytes; false: there is none, or no memory. */
bool et__owed_reserve(struct et__owed *owed, size_t n);
/* Keeps a sample, for which room was reserved. */
void et__owed_put(struct et__owed *owed, const struct et_feed_sample *sample);
/* The next one; *at is 0 at first. It is valid until something is put. */
bool et__owed_next(const struct et__owed *owed, size_t *at, struct et_feed_sample *sample);

void et__owed_cover(struct et__owed *owed);  // a commit has all that is owed
void et__owed_settle(struct et__owed *owed); // that commit is on the disk
void et__owed_close(struct et__owed *owed);

#endif

/* Rings: samples from one thread to another, bounded, without locks and without waiting.
 *
 * One thread puts, one takes. A sample lies in one piece, so that it is used where it lies; where
 * it would go over the ring's end, the rest of the ring is left out.
 *
 * Memory: what it was opened with, and a page. */
#ifndef ETUDE_RECORD_RING_H
#define ETUDE_RECORD_RING_H

#include "etude/status.h"

#include <stdbool.h>
#include <stddef.h>

struct et__ring;

struct et__ring_sample {
    int64_t t_arrival_ns, t_device_ns;
    uint64_t session, number;
    uint32_t n_bytes;
    uint16_t stream;
    bool is_again;
};

/* n_bytes: a power of two, 4 KiB … 1 GiB (ET_EARG). ET_ENOMEM. */
ET_MUST_USE enum et_status et__ring_open(struct et__ring **ring, size_t n_bytes,
                                         struct et_err *err);
void et__ring_close(struct et__ring *ring); // NULL is allowed

/* The thread that puts. false: there is no room; samples of more than half a ring never have. */
bool et__ring_put(struct et__ring *ring, const struct et__ring_sample *sample, const void *bytes);

/* The thread that takes: the oldest sample and its bytes, which stay until et__ring_pop; NULL:
 * there is none. */
const struct et__ring_sample *et__ring_peek(struct et__ring *ring, const void **bytes);
void et__ring_pop(struct et__ring *ring);

/* Any thread, at about this moment. */
size_t et__ring_used(const struct et__ring *ring);
size_t et__ring_bytes(const struct et__ring *ring); // all of it

#endif

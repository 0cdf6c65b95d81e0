/* One hash of many leaves, of which each can be shown to be among them (RFC 6962, 2.1, with
 * BLAKE2b-256). */
#ifndef EXAM__MERKLE_H
#define EXAM__MERKLE_H

#include "etude/hash.h"

#define ET__MERKLE_DEPTH 48

/* Zeroed: no leaves yet. */
struct et__merkle {
    struct {
        struct et_digest digest;
        uint64_t n;            // leaves below it, a power of two
    } peaks[ET__MERKLE_DEPTH]; // each smaller than the one before
    size_t n_peaks;
};
void et__merkle_add(struct et__merkle *tree, const void *leaf, size_t n);
struct et_digest et__merkle_root(const struct et__merkle *tree); // of no leaves: of nothing

#endif

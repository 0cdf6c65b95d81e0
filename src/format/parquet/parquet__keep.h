/* Blocks of memory that a batch points into: pages of texts, and texts put together from parts.
 * They live until the batch is given back. Bounded by a limit on all of them together. */
#ifndef ETUDE_FORMAT_PARQUET_KEEP_H
#define ETUDE_FORMAT_PARQUET_KEEP_H

#include "etude/status.h"

#include <stddef.h>
#include <stdint.h>

struct et__block {
    struct et__block *next;
    size_t n_bytes; // without the padding
    _Alignas(16) uint8_t bytes[];
};

struct et__keep {
    struct et__block *first;
    size_t n_bytes; // of the blocks on the list
    size_t limit;
};

/* A block of n_bytes and ET__PARQUET_PAD_BYTES zeros behind them, not yet on a list. NULL: no
 * memory. Released by free. */
struct et__block *et__block_new(size_t n_bytes);

/* Puts a block on the list, which owns it then. ET_ELIMIT: the block was released. */
ET_MUST_USE enum et_status et__keep_add(struct et__keep *keep, struct et__block *block,
                                        struct et_err *err);

/* A new block on the list. ET_ELIMIT, ET_ENOMEM. */
ET_MUST_USE enum et_status et__keep_new(struct et__keep *keep, size_t n_bytes, uint8_t **bytes,
                                        struct et_err *err);
void et__keep_clear(struct et__keep *keep);

#endif

#include "format/parquet/parquet__hybrid.h"
#include "format/parquet/parquet__keep.h"

#include <stdlib.h>

struct et__block *et__block_new(size_t n_bytes)
{
    if (n_bytes > SIZE_MAX / 2)
        return NULL;
    struct et__block *block = malloc(sizeof *block + n_bytes + ET__PARQUET_PAD_BYTES);
    if (!block)
        return NULL;
    block->next = NULL;
    block->n_bytes = n_bytes;
    memset(block->bytes + n_bytes, 0, ET__PARQUET_PAD_BYTES);
    return block;
}

enum et_status et__keep_add(struct et__keep *keep, struct et__block *block, struct et_err *err)
{
    if (block->n_bytes > keep->limit - keep->n_bytes) {
        free(block);
        return et_fail(err, ET_ELIMIT, -1, "a batch would take more than the limit of %zu bytes",
                       keep->limit);
    }
    block->next = keep->first;
    keep->first = block;
    keep->n_bytes += block->n_bytes;
    return ET_OK;
}

enum et_status et__keep_new(struct et__keep *keep, size_t n_bytes, uint8_t **bytes,
                            struct et_err *err)
{
    if (n_bytes > keep->limit - keep->n_bytes)
        return et_fail(err, ET_ELIMIT, -1, "a batch would take more than the limit of %zu bytes",
                       keep->limit);
    struct et__block *block = et__block_new(n_bytes);
    if (!block)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a batch");
    *bytes = block->bytes;
    return et__keep_add(keep, block, err);
}

void et__keep_clear(struct et__keep *keep)
{
    while (keep->first) {
        struct et__block *next = keep->first->next;
        free(keep->first);
        keep->first = next;
    }
    keep->n_bytes = 0;
}

#include "record/record__owed.h"

#include <assert.h>
#include <string.h>

#define OWED_BYTES_MAX ((size_t)16 << 20) // several of the largest samples of a link

static size_t entry_bytes(size_t n)
{
    return sizeof(struct et_feed_sample) + n;
}

bool et__owed_reserve(struct et__owed *owed, size_t n)
{
    if (owed->buf.limit == 0)
        owed->buf = et_buf(OWED_BYTES_MAX);
    if (owed->buf.n + entry_bytes(n) > OWED_BYTES_MAX)
        return false;
    const bool has_room = et_buf_reserve(&owed->buf, entry_bytes(n)) != NULL;
    owed->buf.status = ET_OK; // memory may be there the next time
    return has_room;
}

void et__owed_put(struct et__owed *owed, const struct et_feed_sample *sample)
{
    et_buf_put(&owed->buf, sample, sizeof *sample);
    et_buf_put(&owed->buf, sample->bytes, sample->n_bytes);
    assert(owed->buf.status == ET_OK);
}

bool et__owed_next(const struct et__owed *owed, size_t *at, struct et_feed_sample *sample)
{
    if (*at == owed->buf.n)
        return false;
    memcpy(sample, owed->buf.p + *at, sizeof *sample);
    sample->bytes = owed->buf.p + *at + sizeof *sample;
    *at += entry_bytes(sample->n_bytes);
    return true;
}

void et__owed_cover(struct et__owed *owed)
{
    owed->n_covered = owed->buf.n;
}

void et__owed_settle(struct et__owed *owed)
{
    const size_t n = owed->n_covered;
    if (n == 0)
        return;
    owed->buf.n -= n;
    memmove(owed->buf.p, owed->buf.p + n, owed->buf.n);
    owed->n_covered = 0;
}

void et__owed_close(struct et__owed *owed)
{
    et_buf_free(&owed->buf);
    *owed = (struct et__owed){0};
}

#include "format/parquet/parquet__decode.h"

#include <assert.h>

// A block's size is a multiple of 128 and writers use 128 or 256; this is far above any of them.
#define BLOCK_VALUES_MAX (1 << 20)

static bool read_varint(struct et__delta *d, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (d->p == d->end)
            return false;
        const uint8_t byte = *d->p++;
        *value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool read_zigzag(struct et__delta *d, uint64_t *value)
{
    if (!read_varint(d, value))
        return false;
    *value = *value >> 1 ^ (~(*value & 1) + 1);
    return true;
}

bool et__delta_begin(struct et__delta *delta, const uint8_t *p, const uint8_t *end)
{
    uint64_t block;
    *delta = (struct et__delta){.p = p, .end = end, .is_first = true};
    if (!read_varint(delta, &block) || !read_varint(delta, &delta->minis) ||
        !read_varint(delta, &delta->n_left) || !read_zigzag(delta, &delta->value))
        return false;
    if (block == 0 || block > BLOCK_VALUES_MAX || delta->minis == 0 || delta->minis > block ||
        block % delta->minis != 0)
        return false;
    delta->per_mini = block / delta->minis;
    return delta->per_mini % 8 == 0;
}

static bool begin_block(struct et__delta *d)
{
    if (!read_zigzag(d, &d->min_delta) || (uint64_t)(d->end - d->p) < d->minis)
        return false;
    d->widths = d->p;
    d->p += d->minis;
    d->n_block = d->minis * d->per_mini;
    return true;
}

/* The next miniblock. It is there in full, filled up, even where the values end within it. */
static bool begin_mini(struct et__delta *d)
{
    if (d->n_block == 0 && !begin_block(d))
        return false;
    d->width = *d->widths++;
    const uint64_t n_bytes = d->per_mini / 8 * (uint64_t)d->width;
    if (d->width > 64 || n_bytes > (uint64_t)(d->end - d->p))
        return false;
    d->packed = d->p;
    d->i_packed = 0;
    d->p += n_bytes;
    d->n_mini = d->per_mini;
    d->n_block -= d->per_mini;
    return true;
}

static uint64_t unpack(const struct et__delta *d, uint64_t i)
{
    const uint64_t bit = i * (uint64_t)d->width, shift = bit % 8;
    const uint8_t *p = d->packed + bit / 8;
    uint64_t v = et__load64(p) >> shift;
    if (shift + (uint64_t)d->width > 64) // the ninth byte
        v |= (uint64_t)p[8] << (64 - shift);
    return d->width == 64 ? v : v & ((UINT64_C(1) << d->width) - 1);
}

bool et__delta_read(struct et__delta *delta, int64_t *to, size_t n)
{
    if (n > delta->n_left)
        return false;
    delta->n_left -= n;
    if (n > 0 && delta->is_first) {
        delta->is_first = false;
        *to++ = (int64_t)delta->value;
        n--;
    }
    while (n > 0) {
        if (delta->n_mini == 0 && !begin_mini(delta))
            return false;
        const size_t now = delta->n_mini < n ? (size_t)delta->n_mini : n;
        for (size_t i = 0; i < now; i++) {
            delta->value += delta->min_delta + unpack(delta, delta->i_packed + i);
            to[i] = (int64_t)delta->value;
        }
        delta->i_packed += now;
        delta->n_mini -= now;
        to += now;
        n -= now;
    }
    return true;
}

const uint8_t *et__delta_end(const struct et__delta *delta)
{
    struct et__delta d = *delta;
    uint64_t n = d.n_left - (d.n_left > 0 && d.is_first);
    n -= n < d.n_mini ? n : d.n_mini;
    while (n > 0) {
        if (!begin_mini(&d))
            return NULL;
        n -= n < d.per_mini ? n : d.per_mini;
    }
    return d.p;
}

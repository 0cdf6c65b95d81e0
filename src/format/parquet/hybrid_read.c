#include "format/parquet/parquet__hybrid.h"

#include <assert.h>

struct et__hybrid et__hybrid(const uint8_t *p, const uint8_t *end, int bit_width)
{
    assert(bit_width >= 0 && bit_width <= 32 && p <= end);
    return (struct et__hybrid){.p = p, .end = end, .bit_width = bit_width};
}

int et__bit_width(uint32_t max)
{
    return max == 0 ? 0 : 32 - __builtin_clz(max);
}

static bool read_header(struct et__hybrid *in, uint64_t *header)
{
    *header = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (in->p == in->end)
            return false;
        const uint8_t byte = *in->p++;
        *header |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool begin_packed(struct et__hybrid *in, uint64_t n_groups)
{
    const uint64_t n_left = (uint64_t)(in->end - in->p), width = (uint64_t)in->bit_width;
    if (n_groups == 0)
        return false;
    in->packed = in->p;
    in->i_packed = 0;
    if (n_groups <= n_left / width) {
        in->n_packed = n_groups * 8;
        in->p += n_groups * width;
    } else {
        // Some writers leave out the padding of the last group: what is there counts.
        in->n_packed = n_left * 8 / width;
        in->p = in->end;
    }
    return in->n_packed > 0;
}

static bool begin_run(struct et__hybrid *in, uint64_t n)
{
    const size_t n_bytes = ((size_t)in->bit_width + 7) / 8;
    if (n == 0 || (size_t)(in->end - in->p) < n_bytes)
        return false;
    in->value = 0;
    for (size_t i = 0; i < n_bytes; i++)
        in->value |= (uint32_t)in->p[i] << (8 * i);
    if ((uint64_t)in->value >> in->bit_width != 0)
        return false;
    in->p += n_bytes;
    in->n_run = n;
    return true;
}

static bool begin_next(struct et__hybrid *in)
{
    uint64_t header;
    if (!read_header(in, &header))
        return false;
    return header & 1 ? begin_packed(in, header >> 1) : begin_run(in, header >> 1);
}

/* Eight values of width 1: bit k of the byte becomes byte k. Each byte keeps its own bit of the
 * eight copies; adding 0x7f carries it to the top. */
static uint64_t spread_bits(uint8_t bits)
{
    const uint64_t own = bits * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
    return (own + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
}

static void unpack8(const struct et__hybrid *in, uint8_t *to, size_t n)
{
    const unsigned width = (unsigned)in->bit_width;
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    size_t i = 0;
    if (in->i_packed % 8 == 0) {
        const uint8_t *group = in->packed + in->i_packed / 8 * width;
        for (; i + 8 <= n; i += 8, group += width) {
            if (width == 1) {
                const uint64_t eight = spread_bits(*group);
                memcpy(to + i, &eight, 8);
                continue;
            }
            uint64_t bits = et__load64(group);
            for (size_t k = 0; k < 8; k++, bits >>= width)
                to[i + k] = (uint8_t)(bits & mask);
        }
    }
    for (; i < n; i++) {
        const uint64_t bit = (in->i_packed + i) * width;
        to[i] = (uint8_t)(et__load64(in->packed + bit / 8) >> (bit % 8) & mask);
    }
}

static void unpack32(const struct et__hybrid *in, uint32_t *to, size_t n)
{
    const unsigned width = (unsigned)in->bit_width;
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    uint64_t bit = in->i_packed * width;
    for (size_t i = 0; i < n; i++, bit += width)
        to[i] = (uint32_t)(et__load64(in->packed + bit / 8) >> (bit % 8) & mask);
}

// How many of the n values that are wanted the current run has; 0 when there is none left.
static size_t take(uint64_t n_left, size_t n)
{
    return n_left < n ? (size_t)n_left : n;
}

bool et__hybrid_read8(struct et__hybrid *in, uint8_t *to, size_t n)
{
    assert(in->bit_width <= 8);
    if (in->bit_width == 0) {
        memset(to, 0, n);
        return true;
    }
    while (n > 0) {
        if (in->n_run == 0 && in->n_packed == 0 && !begin_next(in))
            return false;
        size_t now = take(in->n_run, n);
        if (now > 0) {
            memset(to, (int)in->value, now);
            in->n_run -= now;
        } else {
            now = take(in->n_packed, n);
            unpack8(in, to, now);
            in->i_packed += now;
            in->n_packed -= now;
        }
        to += now;
        n -= now;
    }
    return true;
}

bool et__hybrid_read32(struct et__hybrid *in, uint32_t *to, size_t n)
{
    if (in->bit_width == 0) {
        memset(to, 0, n * sizeof *to);
        return true;
    }
    while (n > 0) {
        if (in->n_run == 0 && in->n_packed == 0 && !begin_next(in))
            return false;
        size_t now = take(in->n_run, n);
        if (now > 0) {
            for (size_t i = 0; i < now; i++)
                to[i] = in->value;
            in->n_run -= now;
        } else {
            now = take(in->n_packed, n);
            unpack32(in, to, now);
            in->i_packed += now;
            in->n_packed -= now;
        }
        to += now;
        n -= now;
    }
    return true;
}

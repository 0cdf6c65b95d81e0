#include "format/parquet/parquet__hybrid.h"
#include "format/parquet/parquet__thrift.h"

#include <assert.h>

// A run shorter than this costs more than packing it.
#define RUN_MIN 8

// The longest list whose levels are packed rather than written as runs (see et__hybrid_write_rows).
#define PACKED_WIDTH_MAX 48

// Packed groups behind one header, so that the values scanned before it is known stay near.
#define GROUPS_MAX 4096

/* Values of one or four bytes; always inlined with a constant size, so that there is one algorithm
 * and two tight loops. */
struct values {
    const void *p;
    size_t size;
};

static inline __attribute__((always_inline)) uint32_t value_at(struct values v, size_t i)
{
    return v.size == 1 ? ((const uint8_t *)v.p)[i] : ((const uint32_t *)v.p)[i];
}

static inline __attribute__((always_inline)) size_t run_length(struct values v, size_t i, size_t n)
{
    const uint32_t first = value_at(v, i);
    size_t end = i + 1;
    while (end < n && value_at(v, end) == first)
        end++;
    return end - i;
}

void et__hybrid_write_run(struct et_buf *buf, uint32_t value, uint64_t n, int bit_width)
{
    et__put_varint(buf, n << 1);
    for (int i = 0; i < (bit_width + 7) / 8; i++)
        et_buf_putc(buf, (char)(value >> (8 * i)));
}

/* n values as packed groups; the last group is filled up with zeros. */
static inline __attribute__((always_inline)) void write_packed(struct et_buf *buf, struct values v,
                                                               size_t i, size_t n, int bit_width)
{
    const size_t n_groups = (n + 7) / 8;
    et__put_varint(buf, (uint64_t)n_groups << 1 | 1);
    uint8_t *to = et_buf_reserve(buf, n_groups * (size_t)bit_width + 8);
    if (!to)
        return;
    uint64_t bits = 0;
    int n_bits = 0;
    for (size_t k = 0; k < n; k++) {
        bits |= (uint64_t)value_at(v, i + k) << n_bits;
        n_bits += bit_width;
        while (n_bits >= 8) {
            *to++ = (uint8_t)bits;
            bits >>= 8;
            n_bits -= 8;
        }
    }
    memcpy(to, &bits, 8); // what is left, and zeros
    buf->n += n_groups * (size_t)bit_width;
    if (n % 8 != 0) {
        // The zeros of the last group that the eight bytes above may not have reached.
        const size_t n_written = (n * (size_t)bit_width + 7) / 8;
        const size_t n_all = n_groups * (size_t)bit_width;
        memset(buf->p + buf->n - (n_all - n_written), 0, n_all - n_written);
    }
}

static inline __attribute__((always_inline)) void write_all(struct et_buf *buf, struct values v,
                                                            size_t n, int bit_width)
{
    size_t i = 0;
    while (i < n) {
        const size_t run = run_length(v, i, n);
        if (run >= RUN_MIN || i + run == n) {
            et__hybrid_write_run(buf, value_at(v, i), run, bit_width);
            i += run;
            continue;
        }
        // Groups of eight up to one that begins a run, or to the end.
        size_t end = i + 8;
        while (end < n && end - i < (size_t)8 * GROUPS_MAX) {
            const size_t stop = end + RUN_MIN < n ? end + RUN_MIN : n;
            if (run_length(v, end, stop) >= RUN_MIN)
                break;
            end += 8;
        }
        if (end > n)
            end = n;
        write_packed(buf, v, i, end - i, bit_width);
        i = end;
    }
}

void et__hybrid_write8(struct et_buf *buf, const uint8_t *values, size_t n, int bit_width)
{
    assert(bit_width >= 1 && bit_width <= 8);
    write_all(buf, (struct values){values, 1}, n, bit_width);
}

void et__hybrid_write32(struct et_buf *buf, const uint32_t *values, size_t n, int bit_width)
{
    assert(bit_width >= 1 && bit_width <= 32);
    write_all(buf, (struct values){values, 4}, n, bit_width);
}

/* A row takes 2 + 2 bytes as two runs, width / 8 bytes packed. Packed, the pattern repeats after
 * `width` groups of eight values, so one period is made bit by bit and copied. */
void et__hybrid_write_rows(struct et_buf *buf, uint64_t n_rows, size_t width)
{
    assert(width > 0);
    if (n_rows == 0)
        return;
    if (width == 1) {
        et__hybrid_write_run(buf, 0, n_rows, 1);
        return;
    }
    if (width > PACKED_WIDTH_MAX) {
        for (uint64_t i = 0; i < n_rows; i++) {
            et__hybrid_write_run(buf, 0, 1, 1);
            et__hybrid_write_run(buf, 1, width - 1, 1);
        }
        return;
    }
    uint8_t period[PACKED_WIDTH_MAX] = {0}; // 8 × width values
    for (size_t i = 0; i < 8 * width; i++)
        if (i % width != 0)
            period[i / 8] |= (uint8_t)(1 << (i % 8));

    const uint64_t n_values = n_rows * width, n_groups = (n_values + 7) / 8;
    et__put_varint(buf, n_groups << 1 | 1);
    uint8_t *to = et_buf_reserve(buf, n_groups);
    if (!to)
        return;
    const size_t n_first = n_groups < width ? (size_t)n_groups : width;
    memcpy(to, period, n_first);
    for (size_t n = n_first; n < n_groups; n *= 2)
        memcpy(to + n, to, n < n_groups - n ? n : (size_t)(n_groups - n));
    if (n_values % 8 != 0) // the last group's filling is zeros, as everywhere
        to[n_groups - 1] &= (uint8_t)((1 << (n_values % 8)) - 1);
    buf->n += n_groups;
}

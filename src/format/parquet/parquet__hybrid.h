/* The hybrid of runs and bit-packed groups that levels, dictionary indices and some booleans are
 * written in: a header says "n times this value" or "n groups of eight values, packed".
 *
 * Source: Parquet Encodings.md, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".
 *
 * A reader may look ET__PARQUET_PAD_BYTES behind the end of its bytes (never use what it sees), so
 * that packed values are taken with one load of eight bytes: every buffer is padded. */
#ifndef ETUDE_FORMAT_PARQUET_HYBRID_H
#define ETUDE_FORMAT_PARQUET_HYBRID_H

#include "etude/str.h"

#define ET__PARQUET_PAD_BYTES 16

static inline uint64_t et__load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v; // little-endian, as every machine we build for
}

static inline uint32_t et__load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

struct et__hybrid {
    const uint8_t *p, *end;
    int bit_width; // 0 … 32; with 0 every value is 0 and nothing is read
    uint32_t value;
    uint64_t n_run;        // values left of a run of `value`
    uint64_t n_packed;     // values left of packed groups
    const uint8_t *packed; // the groups
    uint64_t i_packed;     // the next value within them
};

struct et__hybrid et__hybrid(const uint8_t *p, const uint8_t *end, int bit_width);

/* The next n values. False when the bytes do not hold them. The 8-bit form is for widths ≤ 8. */
ET_MUST_USE bool et__hybrid_read8(struct et__hybrid *in, uint8_t *to, size_t n);
ET_MUST_USE bool et__hybrid_read32(struct et__hybrid *in, uint32_t *to, size_t n);

/* Bits that a value of at most `max` takes. */
int et__bit_width(uint32_t max);

/* Appends n values of the width. */
void et__hybrid_write8(struct et_buf *buf, const uint8_t *values, size_t n, int bit_width);
void et__hybrid_write32(struct et_buf *buf, const uint32_t *values, size_t n, int bit_width);

/* Appends one run. */
void et__hybrid_write_run(struct et_buf *buf, uint32_t value, uint64_t n, int bit_width);

/* Appends the repetition levels of n_rows lists of exactly `width` values (bit width 1), without a
 * level array: 0 1 1 … 1 again and again. */
void et__hybrid_write_rows(struct et_buf *buf, uint64_t n_rows, size_t width);

#endif

/* Decoders: the values section of a page, a piece at a time.
 *
 * Nothing is decoded ahead of what is asked for, so that a page that claims a billion values in ten
 * bytes costs nothing until somebody wants them, and then hits the batch's limit. */
#ifndef ETUDE_FORMAT_PARQUET_DECODE_H
#define ETUDE_FORMAT_PARQUET_DECODE_H

#include "format/parquet/parquet__hybrid.h"
#include "format/parquet/parquet__keep.h"
#include "format/parquet/parquet__meta.h"

/* A DELTA_BINARY_PACKED stream. */
struct et__delta {
    const uint8_t *p, *end;
    uint64_t n_left;       // values not yet given
    uint64_t n_block;      // values left of the current block
    uint64_t n_mini;       // values left of the current miniblock
    uint64_t per_mini;     // values of a miniblock
    uint64_t minis;        // miniblocks of a block
    const uint8_t *widths; // bit widths of the miniblocks that are still to come
    const uint8_t *packed; // the current miniblock
    uint64_t i_packed;     // the next value within it
    int width;             // of its values
    uint64_t min_delta, value;
    bool is_first;
};

/* A dictionary: values as they are in memory. */
struct et__dictionary {
    const void *values;
    uint32_t n;
    bool exists;
};

struct et__decoder {
    enum et_parquet_type type;
    int type_bytes;
    int encoding;
    int64_t at; // offset of the page, for messages
    const uint8_t *p, *end;
    uint64_t i_value;         // values given so far
    uint64_t stride;          // BYTE_STREAM_SPLIT: values of the page
    struct et__hybrid hybrid; // dictionary indices, RLE booleans
    const struct et__dictionary *dictionary;
    struct et__delta delta, prefixes;
    struct et_buf last;    // DELTA_BYTE_ARRAY: the last value
    struct et__keep *keep; // where texts that are put together live
};

/* Begins a page's values in [p, end), which is padded. The decoder's `last` and `keep` are the
 * caller's to set up and free. ET_ECORRUPT, ET_EUNSUPPORTED (by name). */
ET_MUST_USE enum et_status et__decoder_begin(struct et__decoder *decoder,
                                             const struct et_parquet_leaf *leaf, int encoding,
                                             const uint8_t *p, const uint8_t *end, int64_t at,
                                             struct et_err *err);

/* The next n values, as they are in memory. ET_ECORRUPT at the page's offset; ET_ELIMIT, ET_ENOMEM
 * for texts that are put together. */
ET_MUST_USE enum et_status et__decoder_read(struct et__decoder *decoder, void *to, size_t n,
                                            struct et_err *err);

/* Passes over n values. */
ET_MUST_USE enum et_status et__decoder_skip(struct et__decoder *decoder, uint64_t n,
                                            struct et_err *err);

/* n PLAIN values of [p, end) into `to`; returns where they end, NULL when the bytes do not hold
 * them. Booleans begin at bit i_first of p, and p itself is returned. */
const uint8_t *et__plain_read(enum et_parquet_type type, int type_bytes, const uint8_t *p,
                              const uint8_t *end, void *to, size_t n, uint64_t i_first);

/* DELTA_BINARY_PACKED: false when the stream is damaged. */
ET_MUST_USE bool et__delta_begin(struct et__delta *delta, const uint8_t *p, const uint8_t *end);
ET_MUST_USE bool et__delta_read(struct et__delta *delta, int64_t *to, size_t n);

/* Where the stream ends; NULL when it is damaged. *delta is not moved. */
const uint8_t *et__delta_end(const struct et__delta *delta);

#endif

/* Encoders: what a writer makes of values. */
#ifndef ETUDE_FORMAT_PARQUET_ENCODE_H
#define ETUDE_FORMAT_PARQUET_ENCODE_H

#include "format/parquet/parquet__meta.h"

/* Appends n values as PLAIN. */
void et__plain_write(struct et_buf *buf, enum et_parquet_type type, const void *values, size_t n);

/* The smallest and the largest value of a chunk, as its statistics give them: little-endian bytes,
 * texts compared byte by byte, NaN left out. A zeroed struct is empty. */
#define ET__EXTREME_BYTES_MAX 256
struct et__extremes {
    bool exist;
    bool are_too_long; // a text is longer than we state
    size_t n_min, n_max;
    uint8_t min[ET__EXTREME_BYTES_MAX], max[ET__EXTREME_BYTES_MAX];
};
void et__extremes_add(struct et__extremes *extremes, enum et_parquet_type type, const void *values,
                      size_t n);

/* Makes zeros what the format wants: −0.0 as a minimum, +0.0 as a maximum. */
void et__extremes_end(struct et__extremes *extremes, enum et_parquet_type type);

/* The distinct values of a chunk and each value's index among them. */
struct et__dictionary_out {
    struct et_buf table;   // struct entry, a power of two of them
    struct et_buf page;    // the distinct values, PLAIN
    struct et_buf texts;   // struct et_str of each, for BYTES
    struct et_buf indices; // uint32_t of each value
    uint32_t n;            // distinct values
    unsigned bits;         // log2 of the table's size
};

/* Bits of an index into n values, at least 1, as pyarrow has it. */
int et__dictionary_bits(uint32_t n);

struct et__dictionary_out et__dictionary_out(void);
void et__dictionary_free(struct et__dictionary_out *dictionary);

/* Adds the dictionary's distinct values instead of all of them. */
void et__extremes_add_dictionary(struct et__extremes *extremes, enum et_parquet_type type,
                                 const struct et__dictionary_out *dictionary);

/* Tries a dictionary. *is_worth: it is smaller than the values, and page and indices are filled. It
 * gives up early where a sample says that most values differ. ET_ENOMEM. */
ET_MUST_USE enum et_status et__dictionary_try(struct et__dictionary_out *dictionary,
                                              enum et_parquet_type type, const void *values,
                                              size_t n, bool *is_worth, struct et_err *err);

#endif

/* CDR: messages written as ROS 2 writes them (XCDR1, little-endian).
 *
 * Two ways: value by value, for a recorder that knows what it writes; and a whole document by the
 * definition, for tools and tests. Both put a 4-byte header first and align every value to its
 * size, counted from behind that header; padding is zero.
 *
 * Threads: a writer belongs to one thread.
 * Memory:  the caller's buffer. Its failures are sticky; et_buf_check at the end tells. */
#ifndef ETUDE_CDR_H
#define ETUDE_CDR_H

#include "etude/msgdef.h"

#define ET_CDR_HEADER_BYTES 4

/* A message under way. The buffer may hold other things before it. */
struct et_cdr {
    struct et_buf *buf;
    size_t origin; // where alignment counts from: behind the header
};

/* Begins a message: its header goes into the buffer. */
ET_API struct et_cdr et_cdr_begin(struct et_buf *buf);

/* One value, after the padding that it needs. */
ET_API void et_cdr_bool(struct et_cdr *w, bool value);
ET_API void et_cdr_u8(struct et_cdr *w, uint8_t value);
ET_API void et_cdr_i8(struct et_cdr *w, int8_t value);
ET_API void et_cdr_u16(struct et_cdr *w, uint16_t value);
ET_API void et_cdr_i16(struct et_cdr *w, int16_t value);
ET_API void et_cdr_u32(struct et_cdr *w, uint32_t value);
ET_API void et_cdr_i32(struct et_cdr *w, int32_t value);
ET_API void et_cdr_u64(struct et_cdr *w, uint64_t value);
ET_API void et_cdr_i64(struct et_cdr *w, int64_t value);
ET_API void et_cdr_f32(struct et_cdr *w, float value);
ET_API void et_cdr_f64(struct et_cdr *w, double value);

/* builtin_interfaces/Time or Duration: seconds rounded down, and the nanoseconds above them. Of
 * times beyond 32 bits of seconds the buffer fails with ET_ELIMIT. */
ET_API void et_cdr_time(struct et_cdr *w, int64_t t_ns);

/* A string: its length with a NUL, its bytes, a NUL. A NUL within it, or 4 GiB, makes the buffer
 * fail with ET_ELIMIT. */
ET_API void et_cdr_text(struct et_cdr *w, struct et_str text);

/* The number of elements that follow; the elements are put one by one. */
ET_API void et_cdr_count(struct et_cdr *w, size_t n);

/* A whole sequence: count and elements. Fixed arrays are their elements, without a count. */
ET_API void et_cdr_bytes(struct et_cdr *w, const void *bytes, size_t n); // uint8[]
ET_API void et_cdr_f64s(struct et_cdr *w, const double *values, size_t n);
ET_API void et_cdr_f32s(struct et_cdr *w, const float *values, size_t n);
ET_API void et_cdr_i32s(struct et_cdr *w, const int32_t *values, size_t n);
ET_API void et_cdr_texts(struct et_cdr *w, const struct et_str *texts, size_t n);

/* A message without fields has one byte, in nested places as well. */
ET_API void et_cdr_empty(struct et_cdr *w);

/* Writes a whole message, header and all, from a document as et_message_to_json gives it: a map by
 * field names. What is absent has its default, else zero, "" or nothing; null is NaN for a float,
 * else like absent. uint8[] may be base64 or a list. Statuses: ET_EARG: a key that the type does
 * not have, a value of another kind or out of range, a list too long or too short; the text has its
 * path. ET_ENOTFOUND: a type is missing. ET_EUNSUPPORTED: a wstring, or not a ROS definition.
 * ET_ELIMIT, ET_ENOMEM: the buffer's. After a failure the buffer has a part of the message. */
ET_MUST_USE ET_API enum et_status et_cdr_write(const struct et_msgdef *def,
                                               const struct et_value *value, struct et_buf *buf,
                                               struct et_err *err);

#endif

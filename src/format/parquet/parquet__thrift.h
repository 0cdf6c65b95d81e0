/* Thrift's compact protocol, as far as Parquet's metadata needs it: read and written field by
 * field, without a generated class in between.
 *
 * Source: Apache Thrift, doc/specs/thrift-compact-protocol.md.
 *
 * Reading is for bytes from anywhere: every count is held against what is left of the input,
 * nesting is bounded, nothing recurses. A failure is sticky, so that a reader checks once, at the
 * end. */
#ifndef ETUDE_FORMAT_PARQUET_THRIFT_H
#define ETUDE_FORMAT_PARQUET_THRIFT_H

#include "etude/str.h"

enum et__thrift_type {
    ET__THRIFT_STOP = 0,
    ET__THRIFT_TRUE = 1,
    ET__THRIFT_FALSE = 2,
    ET__THRIFT_I8 = 3,
    ET__THRIFT_I16 = 4,
    ET__THRIFT_I32 = 5,
    ET__THRIFT_I64 = 6,
    ET__THRIFT_DOUBLE = 7,
    ET__THRIFT_BINARY = 8,
    ET__THRIFT_LIST = 9,
    ET__THRIFT_SET = 10,
    ET__THRIFT_MAP = 11,
    ET__THRIFT_STRUCT = 12,
    ET__THRIFT_UUID = 13,
};

#define ET__THRIFT_DEPTH_MAX 16

/* ---- reading ---- */

struct et__thrift_in {
    const uint8_t *p, *end; // what is left
    const uint8_t *start;
    int64_t base;    // offset of start in the file, for messages
    const char *bad; // what is wrong, NULL while all is well
    bool is_short;   // wrong because the input ended: more bytes might help
};

struct et__thrift_in et__thrift_in(const void *p, size_t n, int64_t base);

/* The header of a struct's next field: its id (each is larger or smaller than the last one; *id
 * begins at 0) and type. False at the struct's end and after a failure. */
bool et__thrift_field(struct et__thrift_in *in, int *id, int *type);

/* Values of a field or an element whose type was given; another type than asked for is a failure.
 * An integer takes I16, I32 and I64; int32 fails when it is out of range. */
int64_t et__thrift_int64(struct et__thrift_in *in, int type);
int32_t et__thrift_int32(struct et__thrift_in *in, int type);
struct et_str et__thrift_binary(struct et__thrift_in *in, int type);

/* A boolean field has its value in its type. */
bool et__thrift_bool(struct et__thrift_in *in, int type);

/* The number of elements of a list, each of type `of` and at least min_bytes long. */
size_t et__thrift_list(struct et__thrift_in *in, int type, int of, size_t min_bytes);

/* True when a field is a struct, to be read by et__thrift_field with an id of its own. */
bool et__thrift_struct(struct et__thrift_in *in, int type);

void et__thrift_skip(struct et__thrift_in *in, int type);

/* Marks the input as wrong; `what` is a literal. The first mark counts. */
void et__thrift_bad(struct et__thrift_in *in, const char *what);

/* ET_OK, or ET_ECORRUPT at the offset where reading stopped, in the words of `what`. */
ET_MUST_USE enum et_status et__thrift_check(const struct et__thrift_in *in, const char *what,
                                            struct et_err *err);

/* ---- writing ---- */

struct et__thrift_out {
    struct et_buf *buf;
    int last[ET__THRIFT_DEPTH_MAX]; // id of the last field, a level of nesting
    int depth;
};

struct et__thrift_out et__thrift_out(struct et_buf *buf);

/* A field's header alone, for values that are put as raw bytes behind it. */
void et__thrift_put_field(struct et__thrift_out *out, int id, int type);
void et__thrift_put_int(struct et__thrift_out *out, int id, int type, int64_t value);
void et__thrift_put_bool(struct et__thrift_out *out, int id, bool value);
void et__thrift_put_binary(struct et__thrift_out *out, int id, const void *p, size_t n);

/* A list's header; its elements follow. */
void et__thrift_put_list(struct et__thrift_out *out, int id, int of, size_t n);
void et__thrift_put_int_element(struct et__thrift_out *out, int64_t value);
void et__thrift_put_binary_element(struct et__thrift_out *out, const void *p, size_t n);

/* Begins a struct: as a field, or, with id 0, as an element or at the top. End it with _end. */
void et__thrift_put_struct(struct et__thrift_out *out, int id);
void et__thrift_put_end(struct et__thrift_out *out);

/* An unsigned variable-length integer (LEB128), as Parquet's run headers are too. */
void et__put_varint(struct et_buf *buf, uint64_t value);

#endif

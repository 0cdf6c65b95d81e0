/* The code of a field program, as it is compiled and run.
 *
 * Offsets count from behind the message's header, where alignment counts from as well. */
#ifndef FORMAT_MESSAGE__CODE_H
#define FORMAT_MESSAGE__CODE_H

#include "message__program.h"

enum et__op_code {
    ET__OP_BLOCK,  // fields of fixed length, one behind the other
    ET__OP_TEXT,   // one text
    ET__OP_TEXTS,  // an array of texts
    ET__OP_ARRAY,  // a sequence of elements that are all alike in length
    ET__OP_LOOP,   // an array of elements that are not: the code up to its END for each
    ET__OP_END,    // of a loop
    ET__OP_CALL,   // passes over a message of variable length, by code that is there once
    ET__OP_RETURN, // from such code
    ET__OP_STOP,
};

/* What is taken on the way. Of a BLOCK: `n` pieces, `stride` apart, of `run` numbers each, the
 * first at `offset`. Of an ARRAY the same in each element, or only in element `index`; a run of 0
 * is the whole array as one view. */
struct et__take {
    uint32_t i_slot;
    enum et_msg_kind kind;
    bool is_signed_s, is_signed_ns; // of a time: its two fields
    uint32_t offset, n, stride, run;
    int64_t index;                // of an ARRAY or of TEXTS: ET__ALL, or one element
    uint32_t i_filter, n_filters; // it counts only in these turns of the loops around it
};

struct et__filter {
    uint32_t level; // of the loop, the outermost is 0
    int64_t index;
};

struct et__op {
    enum et__op_code code;
    uint32_t align;           // BLOCK, ARRAY: of its first byte
    uint32_t i_take, n_takes; // in the program's takes
    bool is_counted;          // TEXTS, LOOP: the message says how many; of an ARRAY it always does
    uint32_t n;               // TEXTS, LOOP: else so many
    size_t size;              // BLOCK: bytes; ARRAY: of one element; LOOP: least of one
    size_t stride;            // ARRAY: from one element to the next
    uint32_t target;          // LOOP: its END; END: its LOOP; CALL: where
};

struct et__code {
    bool is_cdr;
    bool must_fit;
    struct et__op *ops;
    size_t n_ops;
    struct et__take *takes;
    size_t n_takes;
    struct et__filter *filters;
    size_t n_filters;
};

#define ET__CODE_MAX ((size_t)1 << 20) // operations, and takes
#define ET__CODE_DEPTH (2 * ET_MSGDEF_DEPTH_MAX + 2)

/* ---- sizes ---- */

#define ET__VARIABLE SIZE_MAX

/* What compiling knows of a type in one encoding. */
struct et__shape {
    size_t size[8]; // by where it begins, modulo 8; ET__VARIABLE: the message says, or too long
    uint32_t align; // the greatest within it
    uint32_t first; // of its first field
    bool is_known;
};

/* Alignment of a kind: 1 in ROS 1. */
uint32_t et__align_of(const struct et_msgdef_field *field, bool is_cdr);

/* Fills one shape a type. False: the arena is full. */
struct et__shape *et__shapes(const struct et_msgdef *def, bool is_cdr, struct et_arena *arena);

/* The bytes of a field that begins at `at` (modulo 8), with the padding before it; ET__VARIABLE. */
size_t et__size_of_field(const struct et__shape *shapes, const struct et_msgdef_field *field,
                         size_t at, bool is_cdr);

#endif

/* Protobuf's wire format: a message is a run of (number, type, value). */
#ifndef FORMAT_MESSAGE__WIRE_H
#define FORMAT_MESSAGE__WIRE_H

#include "etude/str.h"

enum et__wire_type {
    ET__WIRE_VARINT = 0,
    ET__WIRE_64 = 1,
    ET__WIRE_BYTES = 2,
    ET__WIRE_GROUP = 3,
    ET__WIRE_GROUP_END = 4,
    ET__WIRE_32 = 5,
};

struct et__wire {
    const char *start; // of the whole message, for places in errors
    const char *p, *end;
};

struct et__wire_entry {
    uint32_t number;
    enum et__wire_type type;
    uint64_t value;      // VARINT, 64, 32
    struct et_str bytes; // BYTES
};

/* A message within another: places are still those of the whole. */
static inline struct et__wire et__wire(const char *start, struct et_str bytes)
{
    return (struct et__wire){start, bytes.p, bytes.p + bytes.n};
}

/* The next entry; groups are passed over. ET_END: no more. ET_ECORRUPT: err->at is the place. */
enum et_status et__wire_next(struct et__wire *w, struct et__wire_entry *entry, struct et_err *err);

/* A number as it stands in a list of numbers. */
enum et_status et__wire_number(struct et__wire *w, enum et__wire_type type, uint64_t *value,
                               struct et_err *err);

#endif

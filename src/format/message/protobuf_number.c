#include "message__protobuf.h"

bool et__number_is(const struct et_msgdef_field *f)
{
    return f->kind <= ET_MSG_FLOAT64;
}

enum et__wire_type et__number_type(const struct et_msgdef_field *f)
{
    if (f->wire != ET_MSG_FIXED_WIRE)
        return ET__WIRE_VARINT;
    return et_msg_kind_bytes(f->kind) == 8 ? ET__WIRE_64 : ET__WIRE_32;
}

int64_t et__number_integer(const struct et_msgdef_field *f, uint64_t bits)
{
    if (f->wire == ET_MSG_ZIGZAG)
        bits = bits >> 1 ^ (0 - (bits & 1));
    if (f->kind == ET_MSG_BOOL)
        return bits != 0;
    if (f->kind == ET_MSG_INT32)
        return (int32_t)(uint32_t)bits;
    return f->kind == ET_MSG_UINT32 ? (uint32_t)bits : (int64_t)bits;
}

double et__number_real(const struct et_msgdef_field *f, uint64_t bits)
{
    if (f->kind == ET_MSG_FLOAT64) {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    if (f->kind == ET_MSG_FLOAT32) {
        const uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        return (double)value;
    }
    return f->kind == ET_MSG_UINT64 ? (double)bits : (double)et__number_integer(f, bits);
}

enum et_status et__number_time(const char *start, struct et_str bytes, int64_t *ns,
                               struct et_err *err)
{
    struct et__wire wire = et__wire(start, bytes);
    struct et__wire_entry e;
    int64_t s = 0, below = 0;
    enum et_status st;
    while ((st = et__wire_next(&wire, &e, err)) == ET_OK) {
        if (e.number == 1 && e.type == ET__WIRE_VARINT)
            s = (int64_t)e.value;
        else if (e.number == 2 && e.type == ET__WIRE_VARINT)
            below = (int32_t)(uint32_t)e.value;
    }
    if (st != ET_END)
        return st;
    if (__builtin_mul_overflow(s, 1000000000, ns) || __builtin_add_overflow(*ns, below, ns))
        return et_fail(err, ET_ECORRUPT, bytes.p - start,
                       "at byte %td: a time beyond 64 bits of nanoseconds", bytes.p - start);
    return ET_OK;
}

#include "format/parquet/parquet__thrift.h"

#include <assert.h>

// An integer of 64 bits takes at most 10 bytes of 7.
#define VARINT_BYTES_MAX 10

struct et__thrift_in et__thrift_in(const void *p, size_t n, int64_t base)
{
    const uint8_t *start = p;
    return (struct et__thrift_in){.p = start, .end = start + n, .start = start, .base = base};
}

void et__thrift_bad(struct et__thrift_in *in, const char *what)
{
    if (!in->bad)
        in->bad = what;
}

static void end_too_soon(struct et__thrift_in *in)
{
    if (!in->bad)
        in->is_short = true;
    et__thrift_bad(in, "it ends too soon");
}

static size_t left(const struct et__thrift_in *in)
{
    return (size_t)(in->end - in->p);
}

static uint8_t get_byte(struct et__thrift_in *in)
{
    if (in->bad)
        return 0;
    if (in->p == in->end) {
        end_too_soon(in);
        return 0;
    }
    return *in->p++;
}

static void skip_bytes(struct et__thrift_in *in, uint64_t n)
{
    if (in->bad)
        return;
    if (n > left(in))
        end_too_soon(in);
    else
        in->p += n;
}

static uint64_t get_varint(struct et__thrift_in *in)
{
    uint64_t value = 0;
    for (int i = 0; i < VARINT_BYTES_MAX; i++) {
        const uint8_t byte = get_byte(in);
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80))
            return value;
    }
    et__thrift_bad(in, "an integer is longer than 64 bits");
    return 0;
}

static int64_t get_zigzag(struct et__thrift_in *in)
{
    const uint64_t value = get_varint(in);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

bool et__thrift_field(struct et__thrift_in *in, int *id, int *type)
{
    const uint8_t head = get_byte(in);
    if (in->bad || (head & 15) == ET__THRIFT_STOP)
        return false;
    const int delta = head >> 4;
    const int64_t next = delta ? *id + delta : get_zigzag(in);
    if (next < INT16_MIN || next > INT16_MAX) {
        et__thrift_bad(in, "a field's number is out of range");
        return false;
    }
    *id = (int)next;
    *type = head & 15;
    return !in->bad;
}

int64_t et__thrift_int64(struct et__thrift_in *in, int type)
{
    if (type != ET__THRIFT_I16 && type != ET__THRIFT_I32 && type != ET__THRIFT_I64) {
        et__thrift_bad(in, "a field that should be an integer is none");
        return 0;
    }
    return get_zigzag(in);
}

int32_t et__thrift_int32(struct et__thrift_in *in, int type)
{
    const int64_t value = et__thrift_int64(in, type);
    if (value < INT32_MIN || value > INT32_MAX) {
        et__thrift_bad(in, "an integer does not fit 32 bits");
        return 0;
    }
    return (int32_t)value;
}

struct et_str et__thrift_binary(struct et__thrift_in *in, int type)
{
    if (type != ET__THRIFT_BINARY)
        et__thrift_bad(in, "a field that should be bytes is none");
    const uint64_t n = get_varint(in);
    const char *p = (const char *)in->p;
    skip_bytes(in, n);
    return in->bad ? (struct et_str){NULL, 0} : (struct et_str){p, (size_t)n};
}

bool et__thrift_bool(struct et__thrift_in *in, int type)
{
    if (type != ET__THRIFT_TRUE && type != ET__THRIFT_FALSE)
        et__thrift_bad(in, "a field that should be a boolean is none");
    return type == ET__THRIFT_TRUE;
}

bool et__thrift_struct(struct et__thrift_in *in, int type)
{
    if (type != ET__THRIFT_STRUCT)
        et__thrift_bad(in, "a field that should be a struct is none");
    return !in->bad;
}

// A list's header: how many, and of what.
static uint64_t get_list(struct et__thrift_in *in, int *of)
{
    const uint8_t head = get_byte(in);
    *of = head & 15;
    return head >> 4 == 15 ? get_varint(in) : head >> 4;
}

size_t et__thrift_list(struct et__thrift_in *in, int type, int of, size_t min_bytes)
{
    assert(min_bytes > 0);
    if (type != ET__THRIFT_LIST) {
        et__thrift_bad(in, "a field that should be a list is none");
        return 0;
    }
    int got_of;
    const uint64_t n = get_list(in, &got_of);
    if (n > 0 && got_of != of)
        et__thrift_bad(in, "a list holds another type than it should");
    if (n > left(in) / min_bytes)
        et__thrift_bad(in, "a list claims more elements than there are bytes for");
    return in->bad ? 0 : (size_t)n;
}

/* What is left to skip of an opened container. A list's elements have one type, a map's alternate
 * between two, a struct's come with theirs. */
struct open_container {
    bool is_struct;
    int types[2];
    uint64_t n_left;
};

static void open_container(struct et__thrift_in *in, int type, struct open_container *c)
{
    *c = (struct open_container){.is_struct = type == ET__THRIFT_STRUCT};
    if (type == ET__THRIFT_LIST || type == ET__THRIFT_SET) {
        c->n_left = get_list(in, &c->types[0]);
        c->types[1] = c->types[0];
    } else if (type == ET__THRIFT_MAP) {
        const uint64_t n = get_varint(in);
        const uint8_t types = n > 0 ? get_byte(in) : 0;
        c->types[0] = types >> 4;
        c->types[1] = types & 15;
        c->n_left = n <= UINT64_MAX / 2 ? 2 * n : UINT64_MAX;
    }
    // Every element takes a byte at least.
    if (c->n_left > left(in))
        et__thrift_bad(in, "a list claims more elements than there are bytes for");
}

static void skip_scalar(struct et__thrift_in *in, int type)
{
    switch (type) {
    case ET__THRIFT_TRUE:
    case ET__THRIFT_FALSE:
    case ET__THRIFT_I8:
        skip_bytes(in, 1);
        break;
    case ET__THRIFT_I16:
    case ET__THRIFT_I32:
    case ET__THRIFT_I64:
        (void)get_varint(in);
        break;
    case ET__THRIFT_DOUBLE:
        skip_bytes(in, 8);
        break;
    case ET__THRIFT_BINARY:
        skip_bytes(in, get_varint(in));
        break;
    case ET__THRIFT_UUID:
        skip_bytes(in, 16);
        break;
    default:
        et__thrift_bad(in, "a field has an unknown type");
    }
}

static bool is_container(int type)
{
    return type == ET__THRIFT_LIST || type == ET__THRIFT_SET || type == ET__THRIFT_MAP ||
           type == ET__THRIFT_STRUCT;
}

/* The type of the next thing in a container, 0 when it is empty. A boolean that is a field carries
 * its value in the type, so there is nothing to skip: such fields are passed over here. */
static int next_type(struct et__thrift_in *in, struct open_container *c)
{
    int id = 0, type;
    if (!c->is_struct)
        return c->n_left > 0 ? c->types[c->n_left-- & 1] : 0;
    while (et__thrift_field(in, &id, &type))
        if (type != ET__THRIFT_TRUE && type != ET__THRIFT_FALSE)
            return type;
    return 0;
}

void et__thrift_skip(struct et__thrift_in *in, int type)
{
    struct open_container open[ET__THRIFT_DEPTH_MAX];
    int depth = 0;

    if (type == ET__THRIFT_TRUE || type == ET__THRIFT_FALSE)
        return;
    do {
        if (!is_container(type)) {
            skip_scalar(in, type);
        } else if (depth == ET__THRIFT_DEPTH_MAX) {
            et__thrift_bad(in, "it is nested too deeply");
        } else {
            open_container(in, type, &open[depth++]);
        }
        type = 0;
        while (depth > 0 && !in->bad && (type = next_type(in, &open[depth - 1])) == 0)
            depth--;
    } while (depth > 0 && !in->bad);
}

enum et_status et__thrift_check(const struct et__thrift_in *in, const char *what,
                                struct et_err *err)
{
    if (!in->bad)
        return ET_OK;
    const int64_t at = in->base + (in->p - in->start);
    return et_fail(err, ET_ECORRUPT, at, "%s is damaged at byte %lld: %s", what, (long long)at,
                   in->bad);
}

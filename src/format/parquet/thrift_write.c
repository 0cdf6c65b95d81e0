#include "format/parquet/parquet__thrift.h"

#include <assert.h>

void et__put_varint(struct et_buf *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    while (value >= 0x80) {
        bytes[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[n++] = (uint8_t)value;
    et_buf_put(buf, bytes, n);
}

static void put_zigzag(struct et_buf *buf, int64_t value)
{
    et__put_varint(buf, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

struct et__thrift_out et__thrift_out(struct et_buf *buf)
{
    return (struct et__thrift_out){.buf = buf};
}

void et__thrift_put_field(struct et__thrift_out *out, int id, int type)
{
    int *last = &out->last[out->depth];
    const int delta = id - *last;
    assert(id > 0 && delta != 0);
    if (delta > 0 && delta <= 15) {
        et_buf_putc(out->buf, (char)(delta << 4 | type));
    } else {
        et_buf_putc(out->buf, (char)type);
        put_zigzag(out->buf, id);
    }
    *last = id;
}

void et__thrift_put_int(struct et__thrift_out *out, int id, int type, int64_t value)
{
    assert(type == ET__THRIFT_I16 || type == ET__THRIFT_I32 || type == ET__THRIFT_I64);
    et__thrift_put_field(out, id, type);
    put_zigzag(out->buf, value);
}

void et__thrift_put_bool(struct et__thrift_out *out, int id, bool value)
{
    et__thrift_put_field(out, id, value ? ET__THRIFT_TRUE : ET__THRIFT_FALSE);
}

void et__thrift_put_binary(struct et__thrift_out *out, int id, const void *p, size_t n)
{
    et__thrift_put_field(out, id, ET__THRIFT_BINARY);
    et__thrift_put_binary_element(out, p, n);
}

void et__thrift_put_list(struct et__thrift_out *out, int id, int of, size_t n)
{
    et__thrift_put_field(out, id, ET__THRIFT_LIST);
    if (n < 15) {
        et_buf_putc(out->buf, (char)(n << 4 | (unsigned)of));
    } else {
        et_buf_putc(out->buf, (char)(0xf0 | of));
        et__put_varint(out->buf, n);
    }
}

void et__thrift_put_int_element(struct et__thrift_out *out, int64_t value)
{
    put_zigzag(out->buf, value);
}

void et__thrift_put_binary_element(struct et__thrift_out *out, const void *p, size_t n)
{
    et__put_varint(out->buf, n);
    et_buf_put(out->buf, p, n);
}

void et__thrift_put_struct(struct et__thrift_out *out, int id)
{
    if (id > 0)
        et__thrift_put_field(out, id, ET__THRIFT_STRUCT);
    assert(out->depth + 1 < ET__THRIFT_DEPTH_MAX);
    out->last[++out->depth] = 0;
}

void et__thrift_put_end(struct et__thrift_out *out)
{
    assert(out->depth > 0);
    out->depth--;
    et_buf_putc(out->buf, ET__THRIFT_STOP);
}

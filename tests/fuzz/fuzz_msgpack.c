/* Any bytes as MessagePack: what is read lies within them, ends, and is the same once it was
 * written by us and read again. */
#include "etude/msgpack.h"

#include <stdlib.h>

#define CAP ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void put(const struct et_msgpack_item *item, struct et_buf *buf)
{
    switch (item->kind) {
    case ET_MSGPACK_NIL:
        et_msgpack_put_nil(buf);
        break;
    case ET_MSGPACK_BOOL:
        et_msgpack_put_bool(buf, item->as.boolean);
        break;
    case ET_MSGPACK_INT:
        et_msgpack_put_int(buf, item->as.integer);
        break;
    case ET_MSGPACK_NATURAL:
        et_msgpack_put_natural(buf, item->as.natural);
        break;
    case ET_MSGPACK_REAL:
        et_msgpack_put_real(buf, item->as.real);
        break;
    case ET_MSGPACK_TEXT:
        et_msgpack_put_text(buf, item->as.bytes);
        break;
    case ET_MSGPACK_BYTES:
    case ET_MSGPACK_EXT: // which we do not write
        et_msgpack_put_bytes(buf, item->as.bytes);
        break;
    case ET_MSGPACK_LIST:
        et_msgpack_put_list(buf, item->as.n_items);
        break;
    case ET_MSGPACK_MAP:
        et_msgpack_put_map(buf, item->as.n_items);
        break;
    }
}

static enum et_status copy(struct et_str bytes, struct et_buf *buf)
{
    struct et_msgpack_reader r = et_msgpack_reader(bytes);
    struct et_msgpack_item item;
    struct et_err err = {0};
    enum et_status st;
    while ((st = et_msgpack_next(&r, &item, &err)) == ET_OK) {
        require(item.at >= 0 && (size_t)item.at < bytes.n && r.at <= bytes.n);
        if (item.kind == ET_MSGPACK_MAP) {
            struct et_msgpack_reader ahead = r;
            struct et_msgpack_numpy numpy;
            const enum et_status found = et_msgpack_read_numpy(&ahead, &item, &numpy, &err);
            require(found == ET_OK || ahead.at == r.at);
            if (found == ET_OK && !numpy.is_scalar)
                require((uint64_t)numpy.n_values * et_tensor_type_bytes(numpy.type) ==
                        numpy.bytes.n);
        }
        put(&item, buf);
    }
    require(st == ET_END || (err.text[0] && err.at >= 0 && err.at <= (int64_t)bytes.n));
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et_buf once = et_buf(16 * CAP), twice = et_buf(16 * CAP);
    if (n <= CAP && copy((struct et_str){(const char *)data, n}, &once) == ET_END) {
        require(copy(et_buf_str(&once), &twice) == ET_END);
        require(et_str_eq(et_buf_str(&once), et_buf_str(&twice)));
    }
    et_buf_free(&once);
    et_buf_free(&twice);
    return 0;
}

#include "etude/msgpack.h"

#include <assert.h>

// The bytes that begin an item, as the specification's table has them.
enum {
    NIL = 0xc0,
    FALSE = 0xc2,
    BIN8 = 0xc4,
    EXT8 = 0xc7,
    FLOAT32 = 0xca,
    FLOAT64 = 0xcb,
    UINT8 = 0xcc,
    INT8 = 0xd0,
    FIXEXT1 = 0xd4,
    STR8 = 0xd9,
    LIST16 = 0xdc,
    MAP16 = 0xde,
    FIX_MAP = 0x80,
    FIX_LIST = 0x90,
    FIX_STR = 0xa0,
    FIX_NEGATIVE = 0xe0,
};

static const char MARK_ARRAY[] = "__ndarray__", MARK_SCALAR[] = "__npgeneric__";

/* ---- reading ---- */

struct et_msgpack_reader et_msgpack_reader(struct et_str bytes)
{
    return (struct et_msgpack_reader){.bytes = bytes, .n_items_max = ET_MSGPACK_ITEMS_MAX};
}

// Where the reader's item is being read: the offset moves on only when all of it is there.
struct cursor {
    const unsigned char *p;
    size_t n, at;
};

static enum et_status cut(const struct cursor *c, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, (int64_t)c->n, "the bytes end at %zu, within a value", c->n);
}

// A number of n bytes, the highest first.
static bool take(struct cursor *c, size_t n, uint64_t *value)
{
    if (c->n - c->at < n)
        return false;
    *value = 0;
    for (size_t i = 0; i < n; i++)
        *value = *value << 8 | c->p[c->at++];
    return true;
}

static enum et_status take_bytes(struct cursor *c, uint64_t n, struct et_msgpack_item *item,
                                 enum et_msgpack_kind kind, struct et_err *err)
{
    if (c->n - c->at < n)
        return cut(c, err);
    item->kind = kind;
    item->as.bytes = (struct et_str){(const char *)c->p + c->at, (size_t)n};
    if (kind == ET_MSGPACK_TEXT && !et_str_is_utf8(item->as.bytes))
        return et_fail(err, ET_ECORRUPT, (int64_t)c->at, "the text at %zu is no UTF-8", c->at);
    c->at += (size_t)n;
    return ET_OK;
}

// Each of n items takes a byte at least, so a number beyond what lies there is a lie.
static enum et_status take_many(struct cursor *c, uint64_t n, struct et_msgpack_item *item,
                                enum et_msgpack_kind kind, struct et_err *err)
{
    if (n > (c->n - c->at) / (kind == ET_MSGPACK_MAP ? 2 : 1))
        return et_fail(err, ET_ECORRUPT, item->at, "a %s of %llu at %lld, where %zu bytes are left",
                       kind == ET_MSGPACK_MAP ? "map" : "list", (unsigned long long)n,
                       (long long)item->at, c->n - c->at);
    item->kind = kind;
    item->as.n_items = (size_t)n;
    return ET_OK;
}

static void set_natural(struct et_msgpack_item *item, uint64_t value)
{
    if (value <= INT64_MAX) {
        item->kind = ET_MSGPACK_INT;
        item->as.integer = (int64_t)value;
    } else {
        item->kind = ET_MSGPACK_NATURAL;
        item->as.natural = value;
    }
}

static enum et_status take_number(struct cursor *c, unsigned head, struct et_msgpack_item *item,
                                  struct et_err *err)
{
    uint64_t bits;
    const size_t n = head == FLOAT32   ? 4
                     : head == FLOAT64 ? 8
                                       : (size_t)1 << (head - (head >= INT8 ? INT8 : UINT8));
    if (!take(c, n, &bits))
        return cut(c, err);
    if (head == FLOAT32) {
        const uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        item->as.real = (double)value;
    } else if (head == FLOAT64) {
        memcpy(&item->as.real, &bits, sizeof bits);
    }
    if (head <= FLOAT64) {
        item->kind = ET_MSGPACK_REAL;
    } else if (head >= INT8) {
        item->kind = ET_MSGPACK_INT;
        const int n_above = 64 - 8 * (int)n; // the sign goes up to where the number ends
        item->as.integer = (int64_t)(bits << n_above) >> n_above;
    } else {
        set_natural(item, bits);
    }
    return ET_OK;
}

static enum et_status take_ext(struct cursor *c, unsigned head, struct et_msgpack_item *item,
                               struct et_err *err)
{
    uint64_t n, type;
    if (head >= FIXEXT1)
        n = (uint64_t)1 << (head - FIXEXT1);
    else if (!take(c, (size_t)1 << (head - EXT8), &n))
        return cut(c, err);
    if (!take(c, 1, &type))
        return cut(c, err);
    item->ext = (int8_t)type;
    return take_bytes(c, n, item, ET_MSGPACK_EXT, err);
}

// What a byte from 0xc0 to 0xdf begins.
static enum et_status take_headed(struct cursor *c, unsigned head, struct et_msgpack_item *item,
                                  struct et_err *err)
{
    uint64_t n;
    if (head == NIL) {
        item->kind = ET_MSGPACK_NIL;
        return ET_OK;
    }
    if (head < FALSE)
        return et_fail(err, ET_ECORRUPT, item->at, "the byte 0xc1 at %lld begins nothing",
                       (long long)item->at);
    if (head < BIN8) {
        item->kind = ET_MSGPACK_BOOL;
        item->as.boolean = head != FALSE;
        return ET_OK;
    }
    if (head >= FLOAT32 && head < FIXEXT1)
        return take_number(c, head, item, err);
    if (head >= EXT8 && head < STR8)
        return take_ext(c, head, item, err);
    const size_t n_length = head >= MAP16    ? (size_t)2 << (head - MAP16)
                            : head >= LIST16 ? (size_t)2 << (head - LIST16)
                            : head >= STR8   ? (size_t)1 << (head - STR8)
                                             : (size_t)1 << (head - BIN8);
    if (!take(c, n_length, &n))
        return cut(c, err);
    if (head >= LIST16)
        return take_many(c, n, item, head >= MAP16 ? ET_MSGPACK_MAP : ET_MSGPACK_LIST, err);
    return take_bytes(c, n, item, head >= STR8 ? ET_MSGPACK_TEXT : ET_MSGPACK_BYTES, err);
}

static enum et_status take_item(struct cursor *c, struct et_msgpack_item *item, struct et_err *err)
{
    if (c->at >= c->n)
        return cut(c, err);
    const unsigned head = c->p[c->at++];
    if (head >= FIX_NEGATIVE || head < FIX_MAP) {
        item->kind = ET_MSGPACK_INT;
        item->as.integer = head < FIX_MAP ? (int64_t)head : (int64_t)head - 256;
        return ET_OK;
    }
    if (head < FIX_LIST)
        return take_many(c, head & 15, item, ET_MSGPACK_MAP, err);
    if (head < FIX_STR)
        return take_many(c, head & 15, item, ET_MSGPACK_LIST, err);
    if (head < NIL)
        return take_bytes(c, head & 31, item, ET_MSGPACK_TEXT, err);
    return take_headed(c, head, item, err);
}

enum et_status et_msgpack_next(struct et_msgpack_reader *reader, struct et_msgpack_item *item,
                               struct et_err *err)
{
    struct et_msgpack_reader *r = reader;
    struct cursor c = {(const unsigned char *)r->bytes.p, r->bytes.n, r->at};
    if (r->has_begun && r->depth == 0 && r->at == r->bytes.n)
        return ET_END;
    if (r->has_begun && r->depth == 0)
        return et_fail(err, ET_ECORRUPT, (int64_t)r->at, "%zu bytes stand behind the value, at %zu",
                       r->bytes.n - r->at, r->at);
    *item = (struct et_msgpack_item){.at = (int64_t)r->at};
    const enum et_status st = take_item(&c, item, err);
    if (st != ET_OK)
        return st;
    if (r->n_items >= r->n_items_max)
        return et_fail(err, ET_ELIMIT, item->at, "more than %zu values, at %zu", r->n_items_max,
                       r->at);
    const bool is_many =
        (item->kind == ET_MSGPACK_LIST || item->kind == ET_MSGPACK_MAP) && item->as.n_items > 0;
    if (is_many && r->depth == ET_MSGPACK_DEPTH_MAX)
        return et_fail(err, ET_ELIMIT, item->at, "deeper than %d, at %zu", ET_MSGPACK_DEPTH_MAX,
                       r->at);
    r->at = c.at;
    r->n_items++;
    r->has_begun = true;
    if (r->depth)
        r->left[r->depth - 1]--;
    if (is_many)
        r->left[r->depth++] =
            item->kind == ET_MSGPACK_MAP ? 2 * item->as.n_items : item->as.n_items;
    while (r->depth && r->left[r->depth - 1] == 0)
        r->depth--;
    return ET_OK;
}

enum et_status et_msgpack_skip(struct et_msgpack_reader *reader, struct et_err *err)
{
    const struct et_msgpack_reader before = *reader;
    struct et_msgpack_item item;
    enum et_status st;
    do {
        st = et_msgpack_next(reader, &item, err);
    } while (st == ET_OK && reader->depth > before.depth);
    if (st < 0)
        *reader = before;
    return st;
}

/* ---- numpy ---- */

// clang-format off
static const struct {
    char text[3];
    enum et_tensor_type type;
} DTYPES[] = {
    {"b1", ET_TENSOR_BOOL}, {"u1", ET_TENSOR_U8},  {"i1", ET_TENSOR_I8},
    {"i2", ET_TENSOR_I16},  {"u2", ET_TENSOR_U16}, {"f2", ET_TENSOR_F16},
    {"i4", ET_TENSOR_I32},  {"u4", ET_TENSOR_U32}, {"f4", ET_TENSOR_F32},
    {"i8", ET_TENSOR_I64},  {"u8", ET_TENSOR_U64}, {"f8", ET_TENSOR_F64},
};
// clang-format on
#define N_DTYPES (sizeof DTYPES / sizeof *DTYPES)

static bool is_key(const struct et_msgpack_item *key, const char *name)
{
    return (key->kind == ET_MSGPACK_TEXT || key->kind == ET_MSGPACK_BYTES) &&
           et_str_is(key->as.bytes, name);
}

// Whether the map is marked as one of numpy's; other keys than these have are not looked at.
static bool is_numpy(struct et_msgpack_reader reader, size_t n_pairs, bool *is_scalar)
{
    struct et_msgpack_item key;
    bool is_marked = false;
    for (size_t i = 0; i < n_pairs; i++) {
        if (et_msgpack_next(&reader, &key, NULL) != ET_OK)
            break; // which is told as it is read
        if (is_key(&key, MARK_ARRAY) || is_key(&key, MARK_SCALAR)) {
            *is_scalar = is_key(&key, MARK_SCALAR);
            is_marked = true;
        }
        if (et_msgpack_skip(&reader, NULL) != ET_OK)
            break;
    }
    return is_marked;
}

static enum et_status read_dtype(const struct et_msgpack_item *item, enum et_tensor_type *type,
                                 struct et_err *err)
{
    if ((item->kind != ET_MSGPACK_TEXT && item->kind != ET_MSGPACK_BYTES) || !item->as.bytes.n)
        return et_fail(err, ET_ECORRUPT, item->at, "the dtype at %lld is no text",
                       (long long)item->at);
    const struct et_str text = item->as.bytes, rest = {text.p + 1, text.n - 1};
    for (size_t i = 0; i < N_DTYPES; i++)
        if (et_str_is(rest, DTYPES[i].text) &&
            (strchr("<=|", text.p[0]) || (text.p[0] == '>' && rest.p[1] == '1'))) {
            *type = DTYPES[i].type;
            return ET_OK;
        }
    const bool is_text = et_str_is_utf8(text);
    return et_fail(err, ET_EUNSUPPORTED, item->at, "the dtype %.*s at %lld is not read here",
                   is_text && text.n < 20 ? (int)text.n : 0, text.p, (long long)item->at);
}

static enum et_status read_shape(struct et_msgpack_reader *reader, struct et_msgpack_numpy *numpy,
                                 struct et_err *err)
{
    struct et_msgpack_item item;
    enum et_status st = et_msgpack_next(reader, &item, err);
    if (st != ET_OK)
        return st;
    if (item.kind != ET_MSGPACK_LIST)
        return et_fail(err, ET_ECORRUPT, item.at, "the shape at %lld is no list",
                       (long long)item.at);
    if (item.as.n_items > ET_MSGPACK_DIMS_MAX)
        return et_fail(err, ET_ELIMIT, item.at, "an array of %zu dimensions at %lld, %d at most",
                       item.as.n_items, (long long)item.at, ET_MSGPACK_DIMS_MAX);
    numpy->n_dims = item.as.n_items;
    for (size_t i = 0; i < numpy->n_dims; i++) {
        st = et_msgpack_next(reader, &item, err);
        if (st != ET_OK)
            return st;
        if (item.kind != ET_MSGPACK_INT || item.as.integer < 0)
            return et_fail(err, ET_ECORRUPT, item.at, "a size in the shape at %lld is none",
                           (long long)item.at);
        numpy->shape[i] = item.as.integer;
    }
    return ET_OK;
}

static enum et_status check_array(const struct et_msgpack_item *map,
                                  const struct et_msgpack_item *data,
                                  struct et_msgpack_numpy *numpy, struct et_err *err)
{
    if (data->kind != ET_MSGPACK_BYTES)
        return et_fail(err, ET_ECORRUPT, map->at, "the array at %lld has no bytes",
                       (long long)map->at);
    numpy->n_values = 1;
    int64_t n_bytes = (int64_t)et_tensor_type_bytes(numpy->type);
    bool is_too_many = false;
    for (size_t i = 0; i < numpy->n_dims; i++) {
        is_too_many |= __builtin_mul_overflow(numpy->n_values, numpy->shape[i], &numpy->n_values);
        is_too_many |= __builtin_mul_overflow(n_bytes, numpy->shape[i], &n_bytes);
    }
    if (is_too_many || (uint64_t)n_bytes != data->as.bytes.n)
        return et_fail(err, ET_ECORRUPT, map->at,
                       "the array at %lld has %zu bytes, which are not its shape's",
                       (long long)map->at, data->as.bytes.n);
    numpy->bytes = data->as.bytes;
    return ET_OK;
}

static enum et_status check_scalar(const struct et_msgpack_item *map,
                                   const struct et_msgpack_item *data,
                                   struct et_msgpack_numpy *numpy, struct et_err *err)
{
    numpy->scalar = *data;
    return data->kind >= ET_MSGPACK_BOOL && data->kind <= ET_MSGPACK_BYTES
               ? ET_OK
               : et_fail(err, ET_ECORRUPT, map->at, "the scalar at %lld has no value",
                         (long long)map->at);
}

enum et_status et_msgpack_read_numpy(struct et_msgpack_reader *reader,
                                     const struct et_msgpack_item *map,
                                     struct et_msgpack_numpy *numpy, struct et_err *err)
{
    struct et_msgpack_reader r = *reader;
    struct et_msgpack_item key, data = {0}, dtype = {0};
    size_t n_data = 0, n_dtype = 0, n_shape = 0;
    *numpy = (struct et_msgpack_numpy){0};
    assert(map->kind == ET_MSGPACK_MAP);
    if (!is_numpy(r, map->as.n_items, &numpy->is_scalar))
        return ET_ENOTFOUND;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < map->as.n_items && st == ET_OK; i++) {
        st = et_msgpack_next(&r, &key, err);
        if (st == ET_OK && is_key(&key, "shape")) {
            n_shape++;
            st = numpy->is_scalar ? et_msgpack_skip(&r, err) : read_shape(&r, numpy, err);
        } else if (st == ET_OK && (is_key(&key, "data") || is_key(&key, "dtype"))) {
            const struct et_msgpack_reader before = r;
            const bool is_data = is_key(&key, "data");
            *(is_data ? &n_data : &n_dtype) += 1;
            st = et_msgpack_next(&r, is_data ? &data : &dtype, err);
            r = before;
            st = st == ET_OK ? et_msgpack_skip(&r, err) : st;
        } else if (st == ET_OK) {
            st = et_msgpack_skip(&r, err);
        }
    }
    if (st != ET_OK)
        return st;
    if (n_data != 1 || n_dtype != 1 || (n_shape != 1 && !numpy->is_scalar))
        return et_fail(err, ET_ECORRUPT, map->at, "the %s at %lld lacks one of its parts",
                       numpy->is_scalar ? "scalar" : "array", (long long)map->at);
    // A scalar's value says itself what it is.
    if (!numpy->is_scalar)
        st = read_dtype(&dtype, &numpy->type, err);
    if (st == ET_OK)
        st = numpy->is_scalar ? check_scalar(map, &data, numpy, err)
                              : check_array(map, &data, numpy, err);
    if (st == ET_OK)
        *reader = r;
    return st;
}

/* ---- writing ---- */

static void put_headed(struct et_buf *buf, int head, uint64_t value, size_t n)
{
    char bytes[9] = {(char)head};
    for (size_t i = 0; i < n; i++)
        bytes[1 + i] = (char)(value >> 8 * (n - 1 - i));
    et_buf_put(buf, bytes, 1 + n);
}

void et_msgpack_put_nil(struct et_buf *buf)
{
    et_buf_putc(buf, (char)NIL);
}

void et_msgpack_put_bool(struct et_buf *buf, bool value)
{
    et_buf_putc(buf, (char)(FALSE + value));
}

void et_msgpack_put_natural(struct et_buf *buf, uint64_t value)
{
    if (value < FIX_MAP)
        et_buf_putc(buf, (char)value);
    else if (value <= UINT8_MAX)
        put_headed(buf, UINT8, value, 1);
    else if (value <= UINT16_MAX)
        put_headed(buf, UINT8 + 1, value, 2);
    else if (value <= UINT32_MAX)
        put_headed(buf, UINT8 + 2, value, 4);
    else
        put_headed(buf, UINT8 + 3, value, 8);
}

void et_msgpack_put_int(struct et_buf *buf, int64_t value)
{
    if (value >= 0)
        et_msgpack_put_natural(buf, (uint64_t)value);
    else if (value >= -32)
        et_buf_putc(buf, (char)value);
    else if (value >= INT8_MIN)
        put_headed(buf, INT8, (uint64_t)value, 1);
    else if (value >= INT16_MIN)
        put_headed(buf, INT8 + 1, (uint64_t)value, 2);
    else if (value >= INT32_MIN)
        put_headed(buf, INT8 + 2, (uint64_t)value, 4);
    else
        put_headed(buf, INT8 + 3, (uint64_t)value, 8);
}

void et_msgpack_put_real(struct et_buf *buf, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_headed(buf, FLOAT64, bits, 8);
}

// A length behind the one of the heads for one, two and four bytes that has room for it.
static void put_length(struct et_buf *buf, int head8, int head16, size_t n)
{
    assert(n <= UINT32_MAX);
    if (n <= UINT8_MAX && head8)
        put_headed(buf, head8, n, 1);
    else if (n <= UINT16_MAX)
        put_headed(buf, head16, n, 2);
    else
        put_headed(buf, head16 + 1, n, 4);
}

void et_msgpack_put_text(struct et_buf *buf, struct et_str text)
{
    if (text.n < 32)
        et_buf_putc(buf, (char)(FIX_STR + text.n));
    else
        put_length(buf, STR8, STR8 + 1, text.n);
    et_buf_putstr(buf, text);
}

void et_msgpack_put_bytes(struct et_buf *buf, struct et_str bytes)
{
    put_length(buf, BIN8, BIN8 + 1, bytes.n);
    et_buf_putstr(buf, bytes);
}

void et_msgpack_put_list(struct et_buf *buf, size_t n)
{
    if (n < 16)
        et_buf_putc(buf, (char)(FIX_LIST + n));
    else
        put_length(buf, 0, LIST16, n);
}

void et_msgpack_put_map(struct et_buf *buf, size_t n)
{
    if (n < 16)
        et_buf_putc(buf, (char)(FIX_MAP + n));
    else
        put_length(buf, 0, MAP16, n);
}

static const char *dtype_of(enum et_tensor_type type)
{
    for (size_t i = 0; i < N_DTYPES; i++)
        if (DTYPES[i].type == type)
            return DTYPES[i].text;
    return NULL;
}

enum et_status et_msgpack_put_array(struct et_buf *buf, const struct et_tensor *array,
                                    struct et_err *err)
{
    const char *dtype = dtype_of(array->type);
    char text[4];
    if (!dtype)
        return et_fail(err, ET_EUNSUPPORTED, -1, "numpy has no %s",
                       et_tensor_type_text(array->type));
    if (array->n_dims > ET_MSGPACK_DIMS_MAX)
        return et_fail(err, ET_EARG, -1, "%zu dimensions, %d at most", array->n_dims,
                       ET_MSGPACK_DIMS_MAX);
    int64_t n_bytes = (int64_t)et_tensor_type_bytes(array->type);
    for (size_t i = 0; i < array->n_dims; i++) {
        if (array->shape[i] < 0)
            return et_fail(err, ET_EARG, -1, "a negative size");
        if (__builtin_mul_overflow(n_bytes, array->shape[i], &n_bytes) || n_bytes > UINT32_MAX)
            return et_fail(err, ET_ELIMIT, -1, "an array of 4 GiB and more");
    }
    et_msgpack_put_map(buf, 4);
    et_msgpack_put_bytes(buf, et_str(MARK_ARRAY));
    et_msgpack_put_bool(buf, true);
    et_msgpack_put_bytes(buf, ET_STR("data"));
    et_msgpack_put_bytes(buf, (struct et_str){array->bytes, (size_t)n_bytes});
    et_msgpack_put_bytes(buf, ET_STR("dtype"));
    text[0] = dtype[1] == '1' ? '|' : '<';
    memcpy(text + 1, dtype, 3);
    et_msgpack_put_text(buf, et_str(text));
    et_msgpack_put_bytes(buf, ET_STR("shape"));
    et_msgpack_put_list(buf, array->n_dims);
    for (size_t i = 0; i < array->n_dims; i++)
        et_msgpack_put_int(buf, array->shape[i]);
    return et_buf_check(buf, "an array's message", err);
}

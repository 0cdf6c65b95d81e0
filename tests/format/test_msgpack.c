/* Values come back as they were, in the bytes that others write; what is cut, lies or nests without
 * end is refused with its place, and nothing is read outside the bytes. */
#include "etude/msgpack.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

// {"observation/state": float32[3] of 1.5 −2 0.25}, byte for byte as openpi-client packs it.
static const char STATE[] = "\x81\xb1observation/state\x84\xc4\x0b__ndarray__\xc3\xc4\x04"
                            "data\xc4\x0c\0\0\xc0\x3f\0\0\0\xc0\0\0\x80\x3e\xc4\x05"
                            "dtype\xa3<f4\xc4\x05shape\x91\x03";
#define STATE_BYTES (sizeof STATE - 1)

// Reads all that there is, arrays too. Returns how it ended: ET_END when it is whole.
static enum et_status read_all(struct et_str bytes, size_t *n_items)
{
    struct et_msgpack_reader r = et_msgpack_reader(bytes);
    struct et_msgpack_item item;
    enum et_status st;
    *n_items = 0;
    err = (struct et_err){0};
    while ((st = et_msgpack_next(&r, &item, &err)) == ET_OK) {
        struct et_msgpack_numpy numpy;
        ++*n_items;
        if (item.kind == ET_MSGPACK_MAP)
            st = et_msgpack_read_numpy(&r, &item, &numpy, &err);
        if (st < 0 && st != ET_ENOTFOUND)
            break;
    }
    return st;
}

static enum et_status read_text(const char *p, size_t n)
{
    size_t n_items;
    char *own = malloc(n ? n : 1); // of its own size, so that a byte read behind it is seen
    memcpy(own, p, n);
    const enum et_status st = read_all((struct et_str){own, n}, &n_items);
    free(own);
    return st;
}
#define READ(literal) read_text(literal, sizeof(literal) - 1)

static void reads_an_observation_as_openpi_packs_it(void)
{
    struct et_msgpack_reader r = et_msgpack_reader((struct et_str){STATE, STATE_BYTES});
    struct et_msgpack_item item;
    struct et_msgpack_numpy numpy;
    float values[3];
    CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK(item.kind == ET_MSGPACK_MAP && item.as.n_items == 1 && item.at == 0);
    CHECK_EQ(et_msgpack_read_numpy(&r, &item, &numpy, &err), ET_ENOTFOUND);
    CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK(item.kind == ET_MSGPACK_TEXT && et_str_is(item.as.bytes, "observation/state"));
    CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK(item.kind == ET_MSGPACK_MAP && item.as.n_items == 4);
    CHECK_OK(et_msgpack_read_numpy(&r, &item, &numpy, &err));
    CHECK(!numpy.is_scalar && numpy.type == ET_TENSOR_F32 && numpy.n_dims == 1);
    CHECK(numpy.shape[0] == 3 && numpy.n_values == 3 && numpy.bytes.n == 12);
    memcpy(values, numpy.bytes.p, sizeof values);
    CHECK(values[0] == 1.5f && values[1] == -2 && values[2] == 0.25f);
    CHECK_EQ(et_msgpack_next(&r, &item, &err), ET_END);
    CHECK_EQ(et_msgpack_next(&r, &item, &err), ET_END);
}

static void writes_the_same_bytes(void)
{
    static const float values[] = {1.5f, -2, 0.25f};
    static const int64_t shape[] = {3};
    const struct et_tensor state = {
        .type = ET_TENSOR_F32, .shape = shape, .n_dims = 1, .bytes = values};
    struct et_buf buf = et_buf(1000);
    et_msgpack_put_map(&buf, 1);
    et_msgpack_put_text(&buf, ET_STR("observation/state"));
    CHECK_OK(et_msgpack_put_array(&buf, &state, &err));
    CHECK_EQ(buf.n, STATE_BYTES);
    CHECK(buf.n == STATE_BYTES && memcmp(buf.p, STATE, STATE_BYTES) == 0);
    et_buf_free(&buf);
}

static void gives_back_every_whole_number_and_real(void)
{
    static const int64_t INTS[] = {
        0,  1,   127, 128,  255,  256,    65535,  65536,     4294967295,       1LL << 32, INT64_MAX,
        -1, -32, -33, -128, -129, -32768, -32769, INT32_MIN, -(1LL << 31) - 1, INT64_MIN};
    static const size_t LENGTHS[] = {1, 1, 1, 2, 2, 3, 3, 5, 5, 9, 9, 1, 1, 2, 2, 3, 3, 5, 5, 9, 9};
    for (size_t i = 0; i < sizeof INTS / sizeof *INTS; i++) {
        struct et_buf buf = et_buf(100);
        et_msgpack_put_int(&buf, INTS[i]);
        CHECK_EQ(buf.n, LENGTHS[i]);
        struct et_msgpack_reader r = et_msgpack_reader(et_buf_str(&buf));
        struct et_msgpack_item item;
        CHECK_OK(et_msgpack_next(&r, &item, &err));
        CHECK_EQ(item.kind, ET_MSGPACK_INT);
        CHECK_EQ(item.as.integer, INTS[i]);
        et_buf_free(&buf);
    }
    struct et_buf buf = et_buf(100);
    et_msgpack_put_list(&buf, 6);
    et_msgpack_put_natural(&buf, UINT64_MAX);
    et_msgpack_put_real(&buf, 0.1);
    et_buf_put(&buf, "\xca\x3f\x80\0\0", 5);
    et_msgpack_put_nil(&buf);
    et_msgpack_put_bool(&buf, true);
    et_msgpack_put_bool(&buf, false);
    struct et_msgpack_reader r = et_msgpack_reader(et_buf_str(&buf));
    struct et_msgpack_item i;
    CHECK(et_msgpack_next(&r, &i, &err) == ET_OK && i.kind == ET_MSGPACK_LIST);
    CHECK(et_msgpack_next(&r, &i, &err) == ET_OK && i.kind == ET_MSGPACK_NATURAL &&
          i.as.natural == UINT64_MAX);
    CHECK(et_msgpack_next(&r, &i, &err) == ET_OK && i.kind == ET_MSGPACK_REAL && i.as.real == 0.1);
    CHECK(et_msgpack_next(&r, &i, &err) == ET_OK && i.kind == ET_MSGPACK_REAL && i.as.real == 1);
    CHECK(et_msgpack_next(&r, &i, &err) == ET_OK && i.kind == ET_MSGPACK_NIL);
    CHECK(et_msgpack_next(&r, &i, &err) == ET_OK && i.kind == ET_MSGPACK_BOOL && i.as.boolean);
    CHECK(et_msgpack_next(&r, &i, &err) == ET_OK && i.kind == ET_MSGPACK_BOOL && !i.as.boolean);
    CHECK_EQ(et_msgpack_next(&r, &i, &err), ET_END);
    et_buf_free(&buf);
}

static void gives_back_texts_bytes_and_containers_of_every_length(void)
{
    static const size_t LENGTHS[] = {0, 15, 16, 31, 32, 255, 256, 65535, 65536};
    static char bytes[65536];
    memset(bytes, 'a', sizeof bytes);
    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
        const struct et_str text = {bytes, LENGTHS[i]};
        struct et_buf buf = et_buf(1 << 20);
        et_msgpack_put_map(&buf, LENGTHS[i]);
        for (size_t k = 0; k < 2 * LENGTHS[i]; k++)
            et_msgpack_put_nil(&buf);
        et_msgpack_put_list(&buf, LENGTHS[i]);
        for (size_t k = 0; k < LENGTHS[i]; k++)
            et_msgpack_put_nil(&buf);
        et_msgpack_put_text(&buf, text);
        et_msgpack_put_bytes(&buf, text);
        struct et_buf all = et_buf(1 << 20);
        et_msgpack_put_list(&all, 4);
        et_buf_put(&all, buf.p, buf.n);
        struct et_msgpack_reader r = et_msgpack_reader(et_buf_str(&all));
        struct et_msgpack_item item;
        CHECK_OK(et_msgpack_next(&r, &item, &err));
        struct et_msgpack_reader ahead = r;
        CHECK_OK(et_msgpack_next(&ahead, &item, &err));
        CHECK(item.kind == ET_MSGPACK_MAP && item.as.n_items == LENGTHS[i]);
        CHECK_OK(et_msgpack_skip(&r, &err));
        ahead = r;
        CHECK_OK(et_msgpack_next(&ahead, &item, &err));
        CHECK(item.kind == ET_MSGPACK_LIST && item.as.n_items == LENGTHS[i]);
        CHECK_OK(et_msgpack_skip(&r, &err));
        CHECK_OK(et_msgpack_next(&r, &item, &err));
        CHECK(item.kind == ET_MSGPACK_TEXT && et_str_eq(item.as.bytes, text));
        CHECK_OK(et_msgpack_next(&r, &item, &err));
        CHECK(item.kind == ET_MSGPACK_BYTES && et_str_eq(item.as.bytes, text));
        CHECK_EQ(et_msgpack_next(&r, &item, &err), ET_END);
        et_buf_free(&buf);
        et_buf_free(&all);
    }
}

static void reads_what_others_extend(void)
{
    struct et_msgpack_reader r = et_msgpack_reader(ET_STR("\x93\xd4\x05"
                                                          "a\xc7\x02\xff"
                                                          "bc\xd6\xff"
                                                          "abcd"));
    struct et_msgpack_item item;
    CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK(item.kind == ET_MSGPACK_EXT && item.ext == 5 && et_str_is(item.as.bytes, "a"));
    CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK(item.kind == ET_MSGPACK_EXT && item.ext == -1 && et_str_is(item.as.bytes, "bc"));
    CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK(item.kind == ET_MSGPACK_EXT && item.ext == -1 && et_str_is(item.as.bytes, "abcd"));
    CHECK_EQ(et_msgpack_next(&r, &item, &err), ET_END);
}

static void gives_back_every_type_that_numpy_has(void)
{
    static const char bytes[48];
    static const int64_t shape[] = {2, 3}, none[] = {4, 0};
    for (int type = 0; type <= ET_TENSOR_U64; type++) {
        const struct et_tensor tensor = {
            .type = (enum et_tensor_type)type, .shape = shape, .n_dims = 2, .bytes = bytes};
        struct et_buf buf = et_buf(1000);
        const enum et_status st = et_msgpack_put_array(&buf, &tensor, &err);
        if (type == ET_TENSOR_BF16 || type == ET_TENSOR_F8_E4M3 || type == ET_TENSOR_F8_E5M2) {
            CHECK_EQ(st, ET_EUNSUPPORTED);
            CHECK_EQ(buf.n, 0);
            continue;
        }
        CHECK_EQ(st, ET_OK);
        struct et_msgpack_reader r = et_msgpack_reader(et_buf_str(&buf));
        struct et_msgpack_item item;
        struct et_msgpack_numpy numpy;
        CHECK_OK(et_msgpack_next(&r, &item, &err));
        CHECK_OK(et_msgpack_read_numpy(&r, &item, &numpy, &err));
        CHECK_EQ(numpy.type, type);
        CHECK(numpy.n_dims == 2 && numpy.shape[0] == 2 && numpy.shape[1] == 3);
        CHECK_EQ(numpy.bytes.n, 6 * et_tensor_type_bytes(tensor.type));
        et_buf_free(&buf);
    }
    const struct et_tensor empty = {.type = ET_TENSOR_F64, .shape = none, .n_dims = 2};
    struct et_buf buf = et_buf(1000);
    CHECK_OK(et_msgpack_put_array(&buf, &empty, &err));
    CHECK_EQ(read_text(buf.p, buf.n), ET_END);
    et_buf_free(&buf);
}

static void refuses_to_write_what_cannot_be(void)
{
    static const int64_t negative[] = {-1}, many[] = {1 << 20, 1 << 20},
                         nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, one[] = {100};
    static const char bytes[100];
    struct et_buf buf = et_buf(50);
    struct et_tensor t = {.type = ET_TENSOR_U8, .shape = negative, .n_dims = 1, .bytes = bytes};
    CHECK_EQ(et_msgpack_put_array(&buf, &t, &err), ET_EARG);
    t.shape = nine;
    t.n_dims = 9;
    CHECK_EQ(et_msgpack_put_array(&buf, &t, &err), ET_EARG);
    t.shape = many;
    t.n_dims = 2;
    CHECK_EQ(et_msgpack_put_array(&buf, &t, &err), ET_ELIMIT);
    CHECK_EQ(buf.n, 0);
    t.shape = one;
    t.n_dims = 1;
    CHECK_EQ(et_msgpack_put_array(&buf, &t, &err), ET_ELIMIT); // the buffer's own
    et_buf_free(&buf);
}

#define NUMPY(parts) "\x84\xc4\x0b__ndarray__\xc3" parts
#define DATA_2     \
    "\xc4\x04"     \
    "data\xc4\x02" \
    "ab"
#define DTYPE_U1 \
    "\xc4\x05"   \
    "dtype\xa3|u1"
#define SHAPE_2 \
    "\xc4\x05"  \
    "shape\x91\x02"

static void takes_keys_as_texts_in_any_order_and_scalars(void)
{
    struct et_msgpack_reader r = et_msgpack_reader(ET_STR("\x84\xa5shape\x91\x02\xa5"
                                                          "dtype\xc4\x03=u1\xa4"
                                                          "data\xc4\x02"
                                                          "ab\xab__ndarray__"
                                                          "\xc2"));
    struct et_msgpack_item item;
    struct et_msgpack_numpy numpy;
    CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK_OK(et_msgpack_read_numpy(&r, &item, &numpy, &err));
    CHECK(numpy.type == ET_TENSOR_U8 && numpy.n_values == 2 && et_str_is(numpy.bytes, "ab"));
    r = et_msgpack_reader(ET_STR("\x83\xc4\x0d__npgeneric__\xc3\xc4\x04"
                                 "data\x07\xc4\x05"
                                 "dtype\xa3<i8"));
    CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK_OK(et_msgpack_read_numpy(&r, &item, &numpy, &err));
    CHECK(numpy.is_scalar && numpy.scalar.kind == ET_MSGPACK_INT && numpy.scalar.as.integer == 7);
    r = et_msgpack_reader(
        ET_STR("\x85\xc4\x0b__ndarray__\xc3" DATA_2 DTYPE_U1 "\xa4more\x80" SHAPE_2));
    CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK_OK(et_msgpack_read_numpy(&r, &item, &numpy, &err));
    CHECK(numpy.n_values == 2);
    CHECK_EQ(et_msgpack_next(&r, &item, &err), ET_END);
}

static void refuses_arrays_that_cannot_be(void)
{
    CHECK_EQ(READ(NUMPY(DATA_2 DTYPE_U1 SHAPE_2)), ET_END);
    CHECK_EQ(READ(NUMPY(DATA_2 DTYPE_U1 "\xc4\x05shape\x91\x03")), ET_ECORRUPT);
    CHECK_HAS(err.text, "not its shape's");
    CHECK_EQ(READ(NUMPY(DATA_2 DTYPE_U1 "\xc4\x05shape\x91\xff")), ET_ECORRUPT);
    CHECK_EQ(READ(NUMPY(DATA_2 DTYPE_U1 "\xc4\x05shape\x92\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"
                                        "\x02")),
             ET_ECORRUPT);
    CHECK_EQ(READ(NUMPY(DATA_2 DTYPE_U1 "\xc4\x05shape\x99\1\1\1\1\1\1\1\1\1")), ET_ELIMIT);
    CHECK_EQ(READ(NUMPY(DATA_2 DTYPE_U1 "\xc4\x05shape\x02")), ET_ECORRUPT);
    CHECK_EQ(READ(NUMPY(DATA_2 "\xc4\x05"
                               "dtype\xa3>f8" SHAPE_2)),
             ET_EUNSUPPORTED);
    CHECK_HAS(err.text, ">f8");
    CHECK_EQ(READ(NUMPY(DATA_2 "\xc4\x05"
                               "dtype\xa0" SHAPE_2)),
             ET_ECORRUPT);
    CHECK_EQ(READ(NUMPY(DATA_2 "\xc4\x05"
                               "dtype\x01" SHAPE_2)),
             ET_ECORRUPT);
    CHECK_EQ(READ(NUMPY("\xc4\x04"
                        "data\xa2"
                        "ab" DTYPE_U1 SHAPE_2)),
             ET_ECORRUPT);
    CHECK_EQ(READ(NUMPY(DATA_2 DATA_2 SHAPE_2)), ET_ECORRUPT);
    CHECK_HAS(err.text, "lacks");
    CHECK_EQ(READ("\x83\xad__npgeneric__\xc3\xa4"
                  "data\x90\xa5"
                  "dtype\xa3<i8"),
             ET_ECORRUPT);
    CHECK_EQ(READ("\x83\xad__npgeneric__\xc3\xa4"
                  "data\x01\xa4"
                  "data\x01"),
             ET_ECORRUPT);
}

static void says_where_bytes_are_wrong(void)
{
    CHECK_EQ(READ(""), ET_ECORRUPT);
    CHECK_EQ(READ("\x92\x01\xc1"), ET_ECORRUPT);
    CHECK_EQ(err.at, 2);
    CHECK_EQ(READ("\x01\x02"), ET_ECORRUPT);
    CHECK_EQ(err.at, 1);
    CHECK_HAS(err.text, "behind the value");
    CHECK_EQ(READ("\x91\xa2\xc3\x28"), ET_ECORRUPT);
    CHECK_HAS(err.text, "UTF-8");
    CHECK_EQ(READ("\xdd\xff\xff\xff\xff"), ET_ECORRUPT);
    CHECK_HAS(err.text, "list of 4294967295");
    CHECK_EQ(READ("\xdf\x7f\xff\xff\xff\x01\x01"), ET_ECORRUPT);
    CHECK_EQ(READ("\x83\x01\x01\x01\x01\x01"), ET_ECORRUPT);
    CHECK_EQ(READ("\xc6\xff\xff\xff\xff"
                  "a"),
             ET_ECORRUPT);
    CHECK_EQ(READ("\xdb\x00\x00\x00\x02"
                  "a"),
             ET_ECORRUPT);
    CHECK_EQ(READ("\xc9\x00\x00\x00\x02\x01"
                  "a"),
             ET_ECORRUPT);
}

static void bounds_depth_and_number(void)
{
    char deep[ET_MSGPACK_DEPTH_MAX + 2];
    size_t n_items;
    memset(deep, 0x91, sizeof deep);
    deep[ET_MSGPACK_DEPTH_MAX] = 1;
    CHECK_EQ(read_text(deep, ET_MSGPACK_DEPTH_MAX + 1), ET_END);
    deep[ET_MSGPACK_DEPTH_MAX] = (char)0x91;
    deep[ET_MSGPACK_DEPTH_MAX + 1] = 1;
    CHECK_EQ(read_text(deep, ET_MSGPACK_DEPTH_MAX + 2), ET_ELIMIT);
    CHECK_EQ(err.at, ET_MSGPACK_DEPTH_MAX);
    deep[ET_MSGPACK_DEPTH_MAX] = (char)0x90; // one that is empty opens nothing
    CHECK_EQ(read_all((struct et_str){deep, ET_MSGPACK_DEPTH_MAX + 1}, &n_items), ET_END);
    struct et_msgpack_reader r = et_msgpack_reader(ET_STR("\x93\x01\x02\x03"));
    struct et_msgpack_item item;
    r.n_items_max = 3;
    CHECK_EQ(et_msgpack_skip(&r, &err), ET_ELIMIT);
    CHECK_EQ(r.at, 0);
    for (int i = 0; i < 3; i++)
        CHECK_OK(et_msgpack_next(&r, &item, &err));
    CHECK_EQ(et_msgpack_next(&r, &item, &err), ET_ELIMIT);
    CHECK_EQ(et_msgpack_next(&r, &item, &err), ET_ELIMIT);
}

static void survives_a_cut_and_a_flip_at_every_byte(void)
{
    for (size_t n = 0; n < STATE_BYTES; n++)
        CHECK_EQ(read_text(STATE, n), ET_ECORRUPT);
    char bytes[STATE_BYTES];
    size_t n_refused = 0;
    for (size_t i = 0; i < STATE_BYTES; i++)
        for (int flip = 1; flip < 256; flip++) {
            memcpy(bytes, STATE, STATE_BYTES);
            bytes[i] = (char)(bytes[i] ^ flip);
            const enum et_status st = read_text(bytes, STATE_BYTES);
            CHECK(st == ET_END || (err.text[0] && st != ET_OK && st != ET_AGAIN));
            CHECK(st == ET_END || (err.at >= 0 && err.at <= (int64_t)STATE_BYTES));
            n_refused += st != ET_END;
        }
    CHECK(n_refused > 3000);
}

int main(void)
{
    RUN(reads_an_observation_as_openpi_packs_it);
    RUN(writes_the_same_bytes);
    RUN(gives_back_every_whole_number_and_real);
    RUN(gives_back_texts_bytes_and_containers_of_every_length);
    RUN(reads_what_others_extend);
    RUN(gives_back_every_type_that_numpy_has);
    RUN(refuses_to_write_what_cannot_be);
    RUN(takes_keys_as_texts_in_any_order_and_scalars);
    RUN(refuses_arrays_that_cannot_be);
    RUN(says_where_bytes_are_wrong);
    RUN(bounds_depth_and_number);
    RUN(survives_a_cut_and_a_flip_at_every_byte);
    return tap_end();
}

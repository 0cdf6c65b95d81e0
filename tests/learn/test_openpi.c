/* Messages come back as they were, with maps in maps as names with a '/'; what is cut, flipped,
 * named twice or too much is refused with its place. */
#include "etude/openpi.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;
static struct et_arena *arena;

static enum et_status read_it(const void *p, size_t n, struct et_openpi_message *message)
{
    err = (struct et_err){0};
    et_arena_rewind(arena, (struct et_arena_mark){0});
    return et_openpi_read((struct et_str){p, n}, arena, message, &err);
}
#define READ(literal) read_it(literal, sizeof(literal) - 1, &message)

static const int64_t SHAPE_14[] = {14}, SHAPE_PICTURE[] = {3, 2, 2};
static const double STATE[14] = {0.5, -1, 2};
static const unsigned char PICTURE[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
static const int64_t STEP = -3;
static const bool YES = true;

static const struct et_tensor ARRAYS[] = {
    {"state", ET_TENSOR_F64, SHAPE_14, 1, 14, STATE},
    {"images/cam_high", ET_TENSOR_U8, SHAPE_PICTURE, 3, 12, PICTURE},
    {"images/cam_low", ET_TENSOR_U8, SHAPE_PICTURE, 3, 12, PICTURE},
    {"observation/step", ET_TENSOR_I64, NULL, 0, 1, &STEP},
    {"images/deep/ok", ET_TENSOR_BOOL, NULL, 0, 1, &YES},
};
static const struct et_openpi_text TEXTS[] = {{"prompt", "take the cup"}};
static const char *const MAPS[] = {"images", "images/deep", "empty"};
static const struct et_openpi_message ALOHA = {
    .arrays = ARRAYS, .n_arrays = 5, .texts = TEXTS, .n_texts = 1, .maps = MAPS, .n_maps = 3};

static void gives_back_an_observation_with_maps_in_maps(void)
{
    struct et_buf buf = et_buf(10000), again = et_buf(10000);
    struct et_openpi_message m;
    float values[14];
    CHECK_OK(et_openpi_write(&ALOHA, &buf, &err));
    CHECK_OK(read_it(buf.p, buf.n, &m));
    CHECK(m.n_arrays == 5 && m.n_texts == 1 && m.n_maps == 3 && m.n_left_out == 0);
    CHECK_STR(et_openpi_text(&m, "prompt"), "take the cup");
    CHECK(!et_openpi_text(&m, "state") && !et_openpi_find(&m, "cam_high"));
    const struct et_tensor *state = et_openpi_find(&m, "state"),
                           *high = et_openpi_find(&m, "images/cam_high");
    CHECK(state && high);
    if (state && high) {
        CHECK(state->type == ET_TENSOR_F64 && state->n_dims == 1 && state->n_values == 14);
        CHECK_OK(et_tensor_floats(state, values, &err));
        CHECK(values[0] == 0.5f && values[1] == -1 && values[13] == 0);
        CHECK(high->n_dims == 3 && high->shape[0] == 3 && memcmp(high->bytes, PICTURE, 12) == 0);
    }
    CHECK(et_openpi_number(&m, "observation/step", 7) == -3);
    CHECK(et_openpi_number(&m, "images/deep/ok", 7) == 1);
    CHECK(et_openpi_number(&m, "state", 7) == 7);
    CHECK_OK(et_openpi_write(&m, &again, &err));
    CHECK(et_str_eq(et_buf_str(&buf), et_buf_str(&again)));
    et_buf_free(&buf);
    et_buf_free(&again);
}

// {"reset_pose": [0, 1.5], "n": [1, 2], "l": ["a"], "x": nil, "b": bytes, "f": 2.5,
//  "s": numpy scalar, "t": numpy text, "e": [], "nn": [[1]]}
static void reads_what_servers_say_of_themselves(void)
{
    struct et_openpi_message m, message;
    CHECK_OK(READ("\x8a\xaareset_pose\x92\x00\xcb\x3f\xf8\0\0\0\0\0\0\xa1n\x92\x01\x02"
                  "\xa1l\x91\xa1"
                  "a\xa1x\xc0\xa1"
                  "b\xc4\x02xy\xa1"
                  "f\xcb\x40\x04\0\0\0\0\0\0\xa1s\x83\xc4\x0d__npgeneric__\xc3\xc4\x04"
                  "data\x05\xc4\x05"
                  "dtype\xa3<i8\xa1t\x83\xc4\x0d__npgeneric__\xc3\xc4\x04"
                  "data\xa2go\xc4\x05"
                  "dtype\xa3<U2\xa1"
                  "e\x90\xa2nn\x91\x91\x01"));
    m = message;
    const struct et_tensor *pose = et_openpi_find(&m, "reset_pose"), *n = et_openpi_find(&m, "n"),
                           *b = et_openpi_find(&m, "b"), *e = et_openpi_find(&m, "e");
    float values[2];
    CHECK(pose && pose->type == ET_TENSOR_F64 && pose->n_values == 2);
    if (pose)
        CHECK_OK(et_tensor_floats(pose, values, &err));
    CHECK(values[0] == 0 && values[1] == 1.5f);
    CHECK(n && n->type == ET_TENSOR_I64 && n->shape[0] == 2);
    CHECK(b && b->type == ET_TENSOR_U8 && b->n_values == 2 && memcmp(b->bytes, "xy", 2) == 0);
    CHECK(e && e->n_values == 0);
    CHECK(et_openpi_number(&m, "f", 0) == 2.5 && et_openpi_number(&m, "s", 0) == 5);
    CHECK_STR(et_openpi_text(&m, "t"), "go");
    CHECK_EQ(m.n_left_out, 3);
}

static void refuses_what_is_none(void)
{
    struct et_openpi_message message;
    CHECK_EQ(READ(""), ET_ECORRUPT);
    CHECK_EQ(READ("\x90"), ET_ECORRUPT);
    CHECK_HAS(err.text, "no map");
    CHECK_EQ(READ("\x81\x01\x02"), ET_ECORRUPT);
    CHECK_HAS(err.text, "key at 1 is no text");
    CHECK_EQ(READ("\x82\xa1"
                  "a\x01\xa1"
                  "a\x02"),
             ET_ECORRUPT);
    CHECK_HAS(err.text, "twice");
    CHECK_EQ(READ("\x82\xa3"
                  "a/b\x01\xa1"
                  "a\x81\xa1"
                  "b\xa1x"),
             ET_ECORRUPT); // a name in two ways
    CHECK_EQ(READ("\x81\xa1\x01\x02"), ET_ECORRUPT);
    CHECK_EQ(READ("\x81\xa0\x02"), ET_ECORRUPT);
    CHECK_EQ(READ("\x81\xa1"
                  "a\xa3x\0y"),
             ET_ECORRUPT);
    CHECK_HAS(err.text, "NUL");
    CHECK_EQ(READ("\x80\x00"), ET_ECORRUPT);
    CHECK_HAS(err.text, "behind");
    CHECK_EQ(READ("\x81\xa1"
                  "a\x84\xab__ndarray__\xc3\xa4"
                  "data\xc4\x04"
                  "abcd\xa5"
                  "dtype\xa3<U1\xa5shape\x90"),
             ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "a: the dtype <U1");
    CHECK_EQ(READ("\x81\xaf"
                  "a/__ndarray__/b\x01"),
             ET_ECORRUPT);
    CHECK_HAS(err.text, "numpy's mark");
    CHECK_EQ(READ("\x81\xa1"
                  "a\x83\xab__ndarray__\xc3\xa4"
                  "slap\x91\x00\xa4"
                  "data\xc0"),
             ET_ECORRUPT);
    CHECK_HAS(err.text, "a: the array at 3 lacks one of its parts");
}

static void bounds_names_depth_and_memory(void)
{
    struct et_openpi_message message;
    struct et_buf buf = et_buf(100000);
    et_msgpack_put_map(&buf, ET_OPENPI_NAMES_MAX + 1);
    for (int i = 0; i <= ET_OPENPI_NAMES_MAX; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "%d", i);
        et_msgpack_put_text(&buf, et_str(name));
        et_msgpack_put_int(&buf, i);
    }
    CHECK_EQ(read_it(buf.p, buf.n, &message), ET_ELIMIT);
    et_buf_clear(&buf);
    for (int i = 0; i <= ET_OPENPI_DEPTH_MAX; i++) {
        et_msgpack_put_map(&buf, i < ET_OPENPI_DEPTH_MAX);
        if (i < ET_OPENPI_DEPTH_MAX)
            et_msgpack_put_text(&buf, ET_STR("a"));
    }
    CHECK_EQ(read_it(buf.p, buf.n, &message), ET_ELIMIT);
    buf.p[3 * (ET_OPENPI_DEPTH_MAX - 1)] = (char)0x80; // the last that may be, empty
    CHECK_OK(read_it(buf.p, 3 * (ET_OPENPI_DEPTH_MAX - 1) + 1, &message));
    CHECK_EQ(message.n_maps, ET_OPENPI_DEPTH_MAX - 1);
    et_buf_clear(&buf);
    char name[ET_NAME_BYTES_MAX + 2];
    memset(name, 'a', sizeof name);
    et_msgpack_put_map(&buf, 1);
    et_msgpack_put_text(&buf, (struct et_str){name, ET_NAME_BYTES_MAX + 1});
    et_msgpack_put_nil(&buf);
    CHECK_EQ(read_it(buf.p, buf.n, &message), ET_ELIMIT);
    struct et_arena *small;
    CHECK_OK(et_arena_open(&small, 100, &err));
    CHECK_EQ(et_openpi_read(ET_STR("\x80"), small, &message, &err), ET_ELIMIT);
    et_arena_close(small);
    et_buf_free(&buf);
}

static void refuses_to_write_what_cannot_be_read(void)
{
    struct et_buf buf = et_buf(10000), small = et_buf(50);
    struct et_openpi_message m = ALOHA;
    const char *twice[] = {"images", "state"},
               *deep[] = {"a",         "a/a",         "a/a/a",         "a/a/a/a",
                          "a/a/a/a/a", "a/a/a/a/a/a", "a/a/a/a/a/a/a", "a/a/a/a/a/a/a/a"};
    m.maps = twice;
    m.n_maps = 2;
    CHECK_EQ(et_openpi_write(&m, &buf, &err), ET_EARG);
    CHECK_HAS(err.text, "state stands twice");
    const struct et_openpi_message nested = {.maps = deep, .n_maps = 8};
    CHECK_EQ(et_openpi_write(&nested, &buf, &err), ET_ELIMIT);
    const struct et_openpi_text bad = {"a", "\xc3\x28"}, nameless = {"", "x"};
    const struct et_openpi_message no_text = {.texts = &bad, .n_texts = 1},
                                   no_name = {.texts = &nameless, .n_texts = 1};
    CHECK_EQ(et_openpi_write(&no_text, &buf, &err), ET_ECORRUPT);
    CHECK_EQ(et_openpi_write(&no_name, &buf, &err), ET_ECORRUPT);
    const struct et_tensor half = {"x", ET_TENSOR_BF16, SHAPE_14, 1, 14, STATE};
    const struct et_openpi_message odd = {.arrays = &half, .n_arrays = 1};
    CHECK_EQ(et_openpi_write(&odd, &buf, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "x: ");
    CHECK_EQ(et_openpi_write(&ALOHA, &small, &err), ET_ELIMIT);
    et_buf_free(&buf);
    et_buf_free(&small);
}

static void writes_plain_numbers_of_every_type(void)
{
    static const int8_t i8 = -5;
    static const int16_t i16 = -300;
    static const int32_t i32 = -70000;
    static const uint8_t u8 = 200;
    static const uint16_t u16 = 60000;
    static const uint32_t u32 = 4000000000;
    static const uint64_t u64 = UINT64_MAX;
    static const float f32 = 0.5f;
    const struct et_tensor arrays[] = {
        {"i8", ET_TENSOR_I8, NULL, 0, 1, &i8},    {"i16", ET_TENSOR_I16, NULL, 0, 1, &i16},
        {"i32", ET_TENSOR_I32, NULL, 0, 1, &i32}, {"u8", ET_TENSOR_U8, NULL, 0, 1, &u8},
        {"u16", ET_TENSOR_U16, NULL, 0, 1, &u16}, {"u32", ET_TENSOR_U32, NULL, 0, 1, &u32},
        {"u64", ET_TENSOR_U64, NULL, 0, 1, &u64}, {"f32", ET_TENSOR_F32, NULL, 0, 1, &f32},
    };
    static const double WANTED[] = {-5, -300, -70000, 200, 60000, 4e9, 18446744073709551615.0, 0.5};
    const struct et_openpi_message m = {.arrays = arrays, .n_arrays = 8};
    struct et_openpi_message got;
    struct et_buf buf = et_buf(10000);
    CHECK_OK(et_openpi_write(&m, &buf, &err));
    CHECK_OK(read_it(buf.p, buf.n, &got));
    for (size_t i = 0; i < 8; i++)
        CHECK(et_openpi_number(&got, arrays[i].name, 1) == WANTED[i]);
    et_buf_free(&buf);
}

static void survives_a_cut_and_a_flip_at_every_byte(void)
{
    struct et_buf buf = et_buf(10000), again = et_buf(10000);
    struct et_openpi_message m;
    size_t n_refused = 0;
    CHECK_OK(et_openpi_write(&ALOHA, &buf, &err));
    for (size_t n = 0; n < buf.n; n++) {
        char *own = malloc(n + 1);
        memcpy(own, buf.p, n);
        CHECK_EQ(read_it(own, n, &m), ET_ECORRUPT);
        free(own);
    }
    for (size_t i = 0; i < buf.n; i++)
        for (int flip = 1; flip < 256; flip = 2 * flip + 1) {
            char *own = malloc(buf.n);
            memcpy(own, buf.p, buf.n);
            own[i] = (char)(own[i] ^ flip);
            const enum et_status st = read_it(own, buf.n, &m);
            CHECK(st <= 0 && (st == ET_OK || err.text[0]));
            n_refused += st != ET_OK;
            et_buf_clear(&again);
            if (st == ET_OK)
                CHECK_OK(et_openpi_write(&m, &again, &err));
            free(own);
        }
    CHECK(n_refused > 500);
    et_buf_free(&buf);
    et_buf_free(&again);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    RUN(gives_back_an_observation_with_maps_in_maps);
    RUN(reads_what_servers_say_of_themselves);
    RUN(refuses_what_is_none);
    RUN(bounds_names_depth_and_memory);
    RUN(refuses_to_write_what_cannot_be_read);
    RUN(writes_plain_numbers_of_every_type);
    RUN(survives_a_cut_and_a_flip_at_every_byte);
    et_arena_close(arena);
    return tap_end();
}

/* Named arrays come back as they were, a file has the bytes that others write, and what hides,
 * overlaps, lies or ends too early is refused with its place. */
#include "etude/file.h"
#include "etude/safetensors.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

// As the description has it, written by hand: two tensors, one of them a scalar, and a note.
static const char HEADER[] = "{\"__metadata__\":{\"format\":\"pt\"},"
                             "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                             "\"a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]}}";

static size_t make(char *to, const char *header, const void *data, size_t n_data)
{
    const size_t n = strlen(header);
    for (int i = 0; i < 8; i++)
        to[i] = (char)(n >> 8 * i);
    memcpy(to + 8, header, n);
    if (n_data)
        memcpy(to + 8 + n, data, n_data);
    return 8 + n + n_data;
}

static enum et_status parse(const char *bytes, size_t n, struct et_safetensors **file)
{
    // Of its own size, so that a byte read behind it is seen.
    char *own = malloc(n ? n : 1);
    memcpy(own, bytes, n);
    err = (struct et_err){0};
    const enum et_status st = et_safetensors_parse(file, (struct et_str){own, n}, "m", &err);
    free(own);
    return st;
}

static enum et_status parse_header(const char *header, size_t n_data)
{
    char bytes[4096];
    static const char data[64];
    struct et_safetensors *file;
    const size_t n = make(bytes, header, data, n_data);
    const enum et_status st = parse(bytes, n, &file);
    et_safetensors_close(file);
    return st;
}

static void reads_what_was_written_by_hand(void)
{
    static const struct {
        float b[2];
        int64_t a;
    } data = {{1.5f, -2}, -7};
    char bytes[512];
    struct et_safetensors *file;
    float values[2] = {0};
    const size_t n = make(bytes, HEADER, &data, sizeof data);
    CHECK_OK(parse(bytes, n, &file));
    CHECK_EQ(et_safetensors_count(file), 2);
    CHECK_STR(et_safetensors_at(file, 0)->name, "b");
    CHECK_STR(et_safetensors_note(file, "format"), "pt");
    CHECK(!et_safetensors_note(file, "more"));
    CHECK(!et_safetensors_find(file, "c"));
    CHECK(!et_safetensors_find(file, "__metadata__"));
    const struct et_tensor *b = et_safetensors_find(file, "b"), *a = et_safetensors_find(file, "a");
    CHECK(b && a && b->type == ET_TENSOR_F32 && a->type == ET_TENSOR_I64);
    CHECK_EQ(b->n_dims, 1);
    CHECK_EQ(b->shape[0], 2);
    CHECK_EQ(a->n_dims, 0);
    CHECK_EQ(a->n_values, 1);
    CHECK_OK(et_tensor_floats(b, values, &err));
    CHECK(values[0] == 1.5f && values[1] == -2);
    CHECK_OK(et_tensor_floats(a, values, &err));
    CHECK(values[0] == -7);
    et_safetensors_close(file);
}

#define N_TYPES 15

static void gives_back_every_type_and_writes_the_same_bytes_again(void)
{
    static int64_t shape[] = {3, 5};
    static const int64_t none[] = {4, 0};
    struct et_tensor tensors[N_TYPES + 1];
    char names[N_TYPES][8], data[N_TYPES][120];
    const char *path = temp_path("all.safetensors");
    struct et_safetensors *file;
    struct rng rng = {5};
    for (int i = 0; i < N_TYPES; i++) {
        (void)snprintf(names[i], sizeof names[i], "t%d", N_TYPES - i);
        for (size_t k = 0; k < sizeof data[i]; k++)
            data[i][k] = (char)rng_next(&rng);
        tensors[i] = (struct et_tensor){.name = names[i],
                                        .type = (enum et_tensor_type)i,
                                        .shape = shape,
                                        .n_dims = 2,
                                        .bytes = data[i]};
    }
    tensors[N_TYPES] = (struct et_tensor){
        .name = "empty", .type = ET_TENSOR_F64, .shape = none, .n_dims = 2, .bytes = data[0]};
    const struct et_safetensors_note notes[] = {{"format", "pt"}, {"who", "é \"x\""}};
    CHECK_OK(et_safetensors_write(path, tensors, N_TYPES + 1, notes, 2, &err));
    CHECK_OK(et_safetensors_open(&file, path, &err));
    CHECK_EQ(et_safetensors_count(file), N_TYPES + 1);
    CHECK_STR(et_safetensors_note(file, "who"), "é \"x\"");
    for (int i = 0; i < N_TYPES; i++) {
        const struct et_tensor *t = et_safetensors_find(file, names[i]);
        CHECK(t && t->type == tensors[i].type && t->n_dims == 2 && t->shape[1] == 5);
        CHECK_EQ(t->n_values, 15);
        CHECK(memcmp(t->bytes, data[i], 15 * et_tensor_type_bytes(t->type)) == 0);
    }
    CHECK_EQ(et_safetensors_find(file, "empty")->n_values, 0);

    struct et_arena *arena;
    struct et_str first, again;
    const char *second = temp_path("again.safetensors");
    struct et_tensor read[N_TYPES + 1];
    for (size_t i = 0; i <= N_TYPES; i++)
        read[i] = *et_safetensors_at(file, i);
    CHECK_OK(et_safetensors_write(second, read, N_TYPES + 1, notes, 2, &err));
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_file_read(path, 1 << 16, arena, &first, &err));
    CHECK_OK(et_file_read(second, 1 << 16, arena, &again, &err));
    CHECK(et_str_eq(first, again));
    CHECK_EQ((uint8_t)first.p[0] % 8, 0);
    et_arena_close(arena);
    et_safetensors_close(file);
}

static void turns_halves_into_the_floats_they_are(void)
{
    static const struct {
        uint16_t bits;
        float value;
    } HALVES[] = {{0x3c00, 1},          {0xc000, -2},        {0x7bff, 65504},
                  {0x0400, 0x1p-14f},   {0x0001, 0x1p-24f},  {0x83ff, -1023 * 0x1p-24f},
                  {0x7c00, INFINITY},   {0xfc00, -INFINITY}, {0x8000, -0.0f},
                  {0x3555, 0x1.554p-2f}};
    const int64_t shape[] = {1};
    for (size_t i = 0; i < sizeof HALVES / sizeof *HALVES; i++) {
        const struct et_tensor t = {"h", ET_TENSOR_F16, shape, 1, 1, &HALVES[i].bits};
        float value;
        CHECK_OK(et_tensor_floats(&t, &value, &err));
        CHECK(memcmp(&value, &HALVES[i].value, sizeof value) == 0);
    }
    const uint16_t nan_bits = 0x7e01, brain[] = {0x3f80, 0xc040, 0x7f80};
    const int64_t three[] = {3};
    struct et_tensor t = {"h", ET_TENSOR_F16, shape, 1, 1, &nan_bits};
    float values[3];
    CHECK_OK(et_tensor_floats(&t, values, &err));
    CHECK(isnan(values[0]));
    t = (struct et_tensor){"b", ET_TENSOR_BF16, three, 1, 3, brain};
    CHECK_OK(et_tensor_floats(&t, values, &err));
    CHECK(values[0] == 1 && values[1] == -3 && isinf(values[2]));
    t.type = ET_TENSOR_F8_E4M3;
    CHECK_EQ(et_tensor_floats(&t, values, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "F8_E4M3");
}

static void refuses_what_is_not_as_the_format_says(void)
{
#define T(name, dtype, shape, begin, end)                                                   \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" #begin \
    "," #end "]}"
    static const struct {
        const char *header;
        size_t n_data;
        enum et_status st;
        const char *words;
    } CASES[] = {
        {"{" T("a", "F32", "2", 0, 8) "}", 8, ET_OK, ""},
        {"{" T("a", "F32", "2", 0, 8) "}  ", 8, ET_OK, ""},
        {"{}", 0, ET_OK, ""},
        {"{}", 3, ET_ECORRUPT, "belong to nobody"},
        {"[]", 0, ET_ECORRUPT, "no JSON map"},
        {" {}", 0, ET_ECORRUPT, "no JSON map"},
        {"{", 0, ET_ECORRUPT, "m: "},
        {"{" T("a", "F32", "2", 0, 8) "," T("a", "F32", "2", 0, 8) "}", 8, ET_ECORRUPT, "m: "},
        {"{" T("a", "F32", "2", 0, 8) "," T("b", "F32", "2", 4, 12) "}", 12, ET_ECORRUPT,
         "b: its bytes are another"},
        {"{" T("a", "F32", "2", 0, 8) "," T("b", "F32", "2", 12, 20) "}", 20, ET_ECORRUPT,
         "b: between"},
        {"{" T("a", "F32", "2", 4, 12) "}", 12, ET_ECORRUPT, "a: between"},
        {"{" T("a", "F32", "2", 0, 8) "}", 12, ET_ECORRUPT, "4 bytes behind"},
        {"{" T("a", "F32", "2", 0, 8) "}", 7, ET_ECORRUPT, "a: bytes 0 to 8"},
        {"{" T("a", "F32", "3", 0, 8) "}", 8, ET_ECORRUPT, "not the size of its shape"},
        {"{" T("a", "F99", "2", 0, 8) "}", 8, ET_EUNSUPPORTED, "F99"},
        {"{" T("a", "F32", "-2", 0, 8) "}", 8, ET_ECORRUPT, "negative"},
        {"{" T("a", "F32", "2.0", 0, 8) "}", 8, ET_ECORRUPT, "whole"},
        {"{" T("a", "F32", "9223372036854775807,3", 0, 8) "}", 8, ET_ECORRUPT, "counted"},
        {"{" T("a", "F64", "2305843009213693952", 0, 8) "}", 8, ET_ECORRUPT, "size of its shape"},
        {"{" T("a", "F32", "2", 8, 0) "}", 8, ET_ECORRUPT, "a: bytes 8 to 0"},
        {"{" T("a", "F32", "2", -8, 0) "}", 8, ET_ECORRUPT, "a: bytes -8"},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, ET_ECORRUPT, "dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, ET_ECORRUPT, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, ET_ECORRUPT, "data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, ET_ECORRUPT,
         "data_offsets"},
        {"{\"a\":7}", 0, ET_ECORRUPT, "no map"},
        {"{\"__metadata__\":7}", 0, ET_ECORRUPT, "no map"},
        {"{\"__metadata__\":{\"a\":7}}", 0, ET_ECORRUPT, "no text"},
        {"{" T("a", "U8", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", 0,
               1) "}",
         1, ET_ELIMIT, "33 dimensions"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CHECK_EQ(parse_header(CASES[i].header, CASES[i].n_data), CASES[i].st);
        CHECK_HAS(err.text, CASES[i].words);
    }
    struct et_safetensors *file;
    static const char huge[16] = {0, 0, 0, 0, 1, 0, 0, 0, '{'}, longer[16] = {9, 0, 0, 0, 0};
    CHECK_EQ(parse(huge, sizeof huge, &file), ET_ELIMIT);
    CHECK(!file);
    CHECK_EQ(parse(longer, sizeof longer, &file), ET_ECORRUPT);
    CHECK_HAS(err.text, "m: the file ends within its header");
    CHECK_EQ(et_safetensors_open(&file, temp_path("none"), &err), ET_ENOTFOUND);
}

static void a_cut_at_every_byte_is_refused_and_a_flip_never_read_beyond_the_file(void)
{
    static const float data[4] = {1, 2, 3, 4};
    char bytes[512];
    struct et_safetensors *file;
    const size_t n = make(bytes, HEADER, data, sizeof data);
    for (size_t k = 0; k < n; k++) {
        CHECK(parse(bytes, k, &file) != ET_OK && err.text[0] && !file);
    }
    for (size_t k = 0; k < n; k++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[k] ^= (char)(1 << bit);
            const enum et_status st = parse(bytes, n, &file);
            float values[4];
            for (size_t i = 0; st == ET_OK && i < et_safetensors_count(file); i++)
                if (et_safetensors_at(file, i)->n_values <= 4)
                    CHECK(et_tensor_floats(et_safetensors_at(file, i), values, &err) <= ET_OK);
            CHECK(st == ET_OK || (err.text[0] && !file));
            et_safetensors_close(file);
            bytes[k] ^= (char)(1 << bit);
        }
}

static void refuses_to_write_what_nobody_could_read(void)
{
    const int64_t two[] = {2}, less[] = {-1}, much[] = {INT64_MAX, 8};
    const float values[2] = {1, 2};
    const char *path = temp_path("none.safetensors");
    struct et_tensor t[2] = {{"a", ET_TENSOR_F32, two, 1, 2, values},
                             {"a", ET_TENSOR_F32, two, 1, 2, values}};
    enum et_path_kind kind;
    CHECK_EQ(et_safetensors_write(path, t, 2, NULL, 0, &err), ET_EARG);
    CHECK_HAS(err.text, "two tensors are called a");
    t[1].name = "__metadata__";
    CHECK_EQ(et_safetensors_write(path, t, 2, NULL, 0, &err), ET_EARG);
    t[1].name = "";
    CHECK_EQ(et_safetensors_write(path, t, 2, NULL, 0, &err), ET_ECORRUPT);
    t[1] = (struct et_tensor){"b", ET_TENSOR_F32, less, 1, 0, values};
    CHECK_EQ(et_safetensors_write(path, t, 2, NULL, 0, &err), ET_EARG);
    t[1] = (struct et_tensor){"b", ET_TENSOR_F32, much, 2, 0, values};
    CHECK_EQ(et_safetensors_write(path, t, 2, NULL, 0, &err), ET_ELIMIT);
    CHECK_OK(et_path_kind(path, &kind, &err));
    CHECK_EQ(kind, ET_PATH_NONE);
}

#ifdef FAULTS
static void every_call_that_fails_is_told_and_leaves_what_was_there(void)
{
    const int64_t two[] = {2};
    const float values[2] = {1, 2}, others[2] = {3, 4};
    const char *path = temp_path("faults.safetensors");
    const struct et_tensor t = {"a", ET_TENSOR_F32, two, 1, 2, values};
    const struct et_tensor u = {"a", ET_TENSOR_F32, two, 1, 2, others};
    CHECK_OK(et_safetensors_write(path, &t, 1, NULL, 0, &err));
    FOR_EACH_FAULT(at)
    {
        struct et_safetensors *file;
        fault_arm(at);
        const enum et_status st = et_safetensors_open(&file, path, &err);
        fault_disarm();
        CHECK(fault_seen ? st != ET_OK || file : st == ET_OK);
        CHECK(st == ET_OK ? memcmp(et_safetensors_find(file, "a")->bytes, values, 8) == 0 : !file);
        et_safetensors_close(file);
    }
    FOR_EACH_FAULT(at)
    {
        struct et_safetensors *file;
        fault_arm(at);
        const enum et_status st = et_safetensors_write(path, &u, 1, NULL, 0, &err);
        fault_disarm();
        CHECK_OK(et_safetensors_open(&file, path, &err));
        const float *is = et_safetensors_find(file, "a")->bytes;
        CHECK(is[0] == (st == ET_OK ? 3 : 1) || is[0] == 3);
        et_safetensors_close(file);
        CHECK_OK(et_safetensors_write(path, &t, 1, NULL, 0, &err));
    }
}
#endif

int main(void)
{
    RUN(reads_what_was_written_by_hand);
    RUN(gives_back_every_type_and_writes_the_same_bytes_again);
    RUN(turns_halves_into_the_floats_they_are);
    RUN(refuses_what_is_not_as_the_format_says);
    RUN(a_cut_at_every_byte_is_refused_and_a_flip_never_read_beyond_the_file);
    RUN(refuses_to_write_what_nobody_could_read);
#ifdef FAULTS
    RUN(every_call_that_fails_is_told_and_leaves_what_was_there);
#endif
    return tap_end();
}

/* A model has the bytes that onnx.proto describes; what no runtime could read is told, and the
 * first failure is kept. What graphs mean is judged by tests/learn/test_onnx.c. */
#include "etude/onnx.h"
#include "etude/str.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

static struct et_onnx *open_model(void)
{
    struct et_onnx *m = NULL;
    err = (struct et_err){0};
    CHECK_OK(et_onnx_open(&m, &(struct et_onnx_options){.name = "g"}, &err));
    return m;
}

static enum et_status checked(struct et_onnx *m)
{
    err = (struct et_err){0};
    const enum et_status st = et_onnx_check(m, &err);
    et_onnx_close(m);
    return st;
}

/* ---- protobuf, read back ---- */

struct field {
    uint64_t number, wire, value; // value: of a varint; of the others their bytes
    struct et_str bytes;
};

static uint64_t take_varint(struct et_str *rest)
{
    uint64_t value = 0;
    for (int shift = 0; CHECK(rest->n > 0 && shift < 70) && rest->n > 0; shift += 7) {
        const uint8_t byte = (uint8_t)*rest->p++;
        rest->n--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            CHECK(byte || shift == 0); // no longer than it has to be
            break;
        }
    }
    return value;
}

static bool take(struct et_str *rest, struct field *f)
{
    if (rest->n == 0)
        return false;
    const uint64_t tag = take_varint(rest);
    *f = (struct field){.number = tag >> 3, .wire = tag & 7};
    f->value = f->wire == 5 ? 4 : take_varint(rest);
    if (f->wire == 0)
        return true;
    CHECK((f->wire == 2 || f->wire == 5) && f->value <= rest->n);
    f->bytes = (struct et_str){rest->p, f->value <= rest->n ? f->value : rest->n};
    rest->p += f->bytes.n;
    rest->n -= f->bytes.n;
    return true;
}

// The i-th field of that number.
static struct field find(struct et_str message, uint64_t number, int i)
{
    struct field f;
    while (take(&message, &f))
        if (f.number == number && i-- == 0)
            return f;
    CHECK(false && "no such field");
    return (struct field){0};
}

static int count(struct et_str message, uint64_t number)
{
    struct field f;
    int n = 0;
    while (take(&message, &f))
        n += f.number == number;
    return n;
}

static char *written(struct et_onnx *m, struct et_str *bytes)
{
    const char *path = temp_path("model.onnx");
    CHECK_OK(et_onnx_write(m, path, &err));
    char *p = read_file(path, &bytes->n);
    bytes->p = p;
    return p;
}

/* ---- bytes ---- */

static const int64_t BATCH[] = {ET_ONNX_BATCH};

// y = x + 1
static struct et_onnx *small_model(void)
{
    struct et_onnx *m = open_model();
    const char *y = "y";
    const char *x = et_onnx_input(m, "x", BATCH, 1);
    const char *w = et_onnx_floats(m, "w", (int64_t[]){1}, 1, (float[]){1});
    CHECK_STR(et_onnx_node(m,
                           &(struct et_onnx_node){
                               .op = "Add", .inputs = {x, w}, .outputs = &y, .n_outputs = 1}),
              "y");
    et_onnx_output(m, "y", BATCH, 1);
    et_onnx_note(m, "k", "v");
    return m;
}

static void a_small_model_has_the_bytes_of_the_description(void)
{
    // clang-format off
    static const char HEAD[] = "\x08\x08" "\x12\x05" "etude" "\x1a"; // ir_version 8, producer
    static const char REST[] =
        "\x3a\x51" "\x12\x01" "g"                        // graph, its name
        "\x5a\x14" "\x0a\x01" "x"                        // input
            "\x12\x0f" "\x0a\x0d" "\x08\x01"             // type, tensor, float
            "\x12\x09" "\x0a\x07" "\x12\x05" "batch"     // shape, dimension
        "\x2a\x0d" "\x08\x01" "\x10\x01" "\x42\x01" "w"  // initialiser: 1 value, float
            "\x4a\x04" "\x00\x00\x80\x3f"
        "\x0a\x11" "\x0a\x01" "x" "\x0a\x01" "w"         // node
            "\x12\x01" "y" "\x1a\x01" "y" "\x22\x03" "Add"
        "\x62\x14" "\x0a\x01" "y"                        // output
            "\x12\x0f" "\x0a\x0d" "\x08\x01"
            "\x12\x09" "\x0a\x07" "\x12\x05" "batch"
        "\x42\x04" "\x0a\x00" "\x10\x11"                 // opset 17
        "\x72\x06" "\x0a\x01" "k" "\x12\x01" "v";        // note
    // clang-format on
    struct et_onnx *m = small_model();
    struct et_str bytes;
    char *p = written(m, &bytes);
    const size_t n_head = sizeof HEAD - 1, n_rest = sizeof REST - 1;
    CHECK_EQ(bytes.n, n_head + 1 + strlen(ET_VERSION) + n_rest);
    CHECK(memcmp(p, HEAD, n_head) == 0);
    CHECK(memcmp(p + bytes.n - n_rest, REST, n_rest) == 0);
    CHECK(et_str_eq(find(bytes, 3, 0).bytes, et_str(ET_VERSION)));
    // Again the same, and so by another.
    struct et_onnx *other = small_model();
    struct et_str again, others;
    char *q = written(m, &again), *r = written(other, &others);
    CHECK(et_str_eq(bytes, again));
    CHECK(et_str_eq(bytes, others));
    free(p);
    free(q);
    free(r);
    et_onnx_close(m);
    et_onnx_close(other);
}

static void numbers_of_any_size_come_back(void)
{
    static const int64_t SIZES[] = {0, 1, 127, 128, 16383, 16384, INT32_MAX, INT64_MAX};
    static const int64_t WHOLE[] = {0, -1, 1, 300, INT64_MIN, INT64_MAX};
    struct et_onnx *m = open_model();
    const char *x = et_onnx_input(m, "x", SIZES, 8);
    const struct et_onnx_node node = {
        .op = "Pad",
        .inputs = {x, "", et_onnx_integers(m, "n", WHOLE, 6)},
        .attributes = {{"a", ET_ONNX_INTEGER, .integer = -3},
                       {"b", ET_ONNX_FLOAT, .number = -1.5F},
                       {"c", ET_ONNX_TEXT, .text = "größer"},
                       {"d", ET_ONNX_INTEGERS, .integers = WHOLE, .n_integers = 6}}};
    et_onnx_output(m, et_onnx_node(m, &node), NULL, 0);
    struct et_str bytes;
    char *p = written(m, &bytes);
    const struct et_str graph = find(bytes, 7, 0).bytes, in = find(graph, 11, 0).bytes;
    const struct et_str shape = find(find(find(in, 2, 0).bytes, 1, 0).bytes, 2, 0).bytes;
    for (int i = 0; i < 8; i++)
        CHECK_EQ(find(find(shape, 1, i).bytes, 1, 0).value, SIZES[i]);
    const struct et_str made = find(graph, 1, 0).bytes, tensor = find(graph, 5, 0).bytes;
    CHECK_EQ(count(made, 1), 3);
    CHECK_EQ(find(made, 1, 1).bytes.n, 0); // an input that is left out
    CHECK_EQ((int64_t)find(find(made, 5, 0).bytes, 3, 0).value, -3);
    CHECK(memcmp(find(find(made, 5, 1).bytes, 2, 0).bytes.p, &(float){-1.5F}, 4) == 0);
    CHECK(et_str_is(find(find(made, 5, 2).bytes, 4, 0).bytes, "größer"));
    for (int i = 0; i < 6; i++)
        CHECK_EQ((int64_t)find(find(made, 5, 3).bytes, 8, i).value, WHOLE[i]);
    static const uint64_t TYPES[] = {2, 1, 3, 7};
    for (int i = 0; i < 4; i++)
        CHECK_EQ(find(find(made, 5, i).bytes, 20, 0).value, TYPES[i]);
    CHECK_EQ(find(tensor, 1, 0).value, 6);
    CHECK_EQ(find(tensor, 2, 0).value, 7);
    CHECK(memcmp(find(tensor, 9, 0).bytes.p, WHOLE, sizeof WHOLE) == 0);
    const struct et_str out = find(graph, 12, 0).bytes; // of no dimension, which is said
    CHECK_EQ(find(find(find(out, 2, 0).bytes, 1, 0).bytes, 2, 0).bytes.n, 0);
    free(p);
    et_onnx_close(m);
}

static void messages_of_any_length_come_back(void)
{
    static const size_t LENGTHS[] = {0, 1, 121, 122, 127, 128, 16375, 16383, 16384, 3000000};
    char *text = malloc(3000001);
    struct et_onnx *m = small_model();
    for (int i = 0; i < 10; i++) {
        char key[8];
        memset(text, 'a' + i, LENGTHS[i]);
        text[LENGTHS[i]] = 0;
        (void)snprintf(key, sizeof key, "key%d", i);
        et_onnx_note(m, key, text);
    }
    struct et_str bytes;
    char *p = written(m, &bytes);
    CHECK_EQ(count(bytes, 14), 11);
    for (int i = 0; i < 10; i++) {
        const struct et_str of = find(find(bytes, 14, i + 1).bytes, 2, 0).bytes;
        CHECK_EQ(of.n, LENGTHS[i]);
        CHECK(of.n == 0 || (of.p[0] == 'a' + i && of.p[of.n - 1] == 'a' + i));
    }
    free(text);
    free(p);
    et_onnx_close(m);
}

static void names_are_made_up_and_found(void)
{
    struct et_onnx *m = open_model();
    const char *x = et_onnx_input(m, "x", BATCH, 1);
    const char *parts[] = {NULL, "second", NULL};
    const char *first = et_onnx_node(
        m, &(struct et_onnx_node){.op = "Split", .inputs = {x}, .outputs = parts, .n_outputs = 3});
    CHECK_STR(first, "Split_1");
    CHECK(parts[0] == first);
    CHECK_STR(parts[1], "second");
    CHECK_STR(parts[2], "Split_3");
    CHECK(et_onnx_find(m, "second") == parts[1]);
    CHECK(!et_onnx_find(m, "third"));
    CHECK_STR(et_onnx_apply(m, "Relu", parts[2], NULL), "Relu_4");
    et_onnx_output(m, "Relu_4", BATCH, 1);
    CHECK_EQ(checked(m), ET_OK);
}

/* ---- what is told ---- */

static void what_is_no_graph_is_told(void)
{
    struct et_onnx *m = open_model();
    CHECK_EQ(checked(m), ET_EARG); // nothing
    m = open_model();
    et_onnx_output(m, et_onnx_input(m, "x", BATCH, 1), BATCH, 1);
    CHECK_EQ(checked(m), ET_EARG); // no node
    m = open_model();
    (void)et_onnx_apply(m, "Relu", et_onnx_input(m, "x", BATCH, 1), NULL);
    CHECK_EQ(checked(m), ET_EARG); // no output
    m = small_model();
    CHECK_STR(et_onnx_apply(m, "Add", "x", "z"), "");
    CHECK_EQ(checked(m), ET_EARG);
    CHECK_STR(err.text, "a node Add asks for z: nothing makes it");
    m = small_model();
    et_onnx_output(m, "z", BATCH, 1);
    CHECK_EQ(checked(m), ET_EARG);
    CHECK_STR(err.text, "the output z: nothing makes it");
    m = small_model();
    CHECK_STR(et_onnx_floats(m, "x", NULL, 0, (float[]){1}), "");
    CHECK_EQ(checked(m), ET_EARG);
    CHECK_STR(err.text, "two values are called x");
    m = small_model();
    CHECK_STR(et_onnx_input(m, "z", (int64_t[]){4, -2}, 2), "");
    CHECK_EQ(checked(m), ET_EARG);
    m = small_model();
    CHECK_STR(et_onnx_floats(m, "z", BATCH, 1, (float[]){1}), "");
    CHECK_EQ(checked(m), ET_EARG);
    CHECK_STR(err.text, "z: a size is negative");
    m = small_model();
    et_onnx_note(m, "k", "w");
    CHECK_EQ(checked(m), ET_EARG);
}

static void what_is_no_text_is_told(void)
{
    struct et_onnx *m;
    CHECK_EQ(et_onnx_open(&m, &(struct et_onnx_options){.name = ""}, &err), ET_ECORRUPT);
    CHECK(!m);
    m = small_model();
    CHECK_STR(et_onnx_input(m, "", BATCH, 1), "");
    CHECK_EQ(checked(m), ET_ECORRUPT);
    m = small_model();
    et_onnx_note(m, "a\tb", "w");
    CHECK_EQ(checked(m), ET_ECORRUPT);
    m = small_model();
    et_onnx_note(m, "w", "\xff");
    CHECK_EQ(checked(m), ET_ECORRUPT);
    CHECK_STR(err.text, "the note w is no UTF-8");
}

static void what_is_too_much_is_told(void)
{
    static const int64_t NINE[9], HUGE[] = {INT64_MAX / 2, 3};
    const char *many[17] = {NULL};
    struct et_onnx *m = small_model();
    CHECK_STR(et_onnx_input(m, "z", NINE, 9), "");
    CHECK_EQ(checked(m), ET_ELIMIT);
    m = small_model();
    CHECK_STR(et_onnx_floats(m, "z", NINE, 9, NULL), "");
    CHECK_EQ(checked(m), ET_ELIMIT);
    m = small_model();
    CHECK_STR(et_onnx_floats(m, "z", HUGE, 2, NULL), ""); // before a value is looked at
    CHECK_EQ(checked(m), ET_ELIMIT);
    m = small_model();
    CHECK_STR(et_onnx_node(m,
                           &(struct et_onnx_node){
                               .op = "Split", .inputs = {"x"}, .outputs = many, .n_outputs = 17}),
              "");
    CHECK_EQ(checked(m), ET_ELIMIT);
    m = small_model();
    for (int i = 1; i < ET_ONNX_NOTES_MAX + 1; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        CHECK_EQ(et_onnx_check(m, &err), ET_OK);
        et_onnx_note(m, key, "");
    }
    CHECK_EQ(checked(m), ET_ELIMIT);
    CHECK_STR(err.text, "more than 256 notes");
    CHECK_OK(et_onnx_open(&m, &(struct et_onnx_options){.name = "g", .limit_values = 3}, &err));
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(et_onnx_check(m, NULL), i < 2 ? ET_EARG : ET_OK);
        const char *y = i ? et_onnx_apply(m, "Relu", "x", NULL) : et_onnx_input(m, "x", BATCH, 1);
        if (i == 1)
            et_onnx_output(m, y, BATCH, 1);
    }
    CHECK_EQ(checked(m), ET_ELIMIT);
    CHECK_STR(err.text, "more than 3 values");
}

// As many values as there may be, each found again.
static void a_model_may_be_full(void)
{
    struct et_onnx *m = open_model();
    const char *x = et_onnx_input(m, "x", BATCH, 1);
    for (int i = 1; i < ET_ONNX_VALUES_MAX; i++)
        x = et_onnx_apply(m, "Relu", x, NULL);
    et_onnx_output(m, x, BATCH, 1);
    CHECK_STR(x, "Relu_65535");
    CHECK_STR(et_onnx_find(m, "Relu_1"), "Relu_1");
    CHECK_EQ(et_onnx_check(m, NULL), ET_OK);
    (void)et_onnx_apply(m, "Relu", x, NULL);
    CHECK_EQ(checked(m), ET_ELIMIT);
}

static void no_room_is_told_wherever_it_ends(void)
{
    static const float VALUES[100];
    const char *path = temp_path("small.onnx");
    bool was_written = false;
    for (size_t limit = 1; limit < 1500 && !was_written; limit++) {
        struct et_onnx *m;
        const struct et_onnx_options options = {.name = "g", .limit_bytes = limit};
        CHECK_OK(et_onnx_open(&m, &options, &err));
        const char *x = et_onnx_input(m, "x", BATCH, 1);
        const char *w = et_onnx_floats(m, "w", (int64_t[]){100}, 1, VALUES);
        et_onnx_output(m, et_onnx_apply(m, "Add", x, w), BATCH, 1);
        et_onnx_note(m, "k", "v");
        const enum et_status st = et_onnx_write(m, path, &err);
        CHECK(st == ET_ELIMIT || st == ET_OK);
        CHECK_EQ(et_onnx_write(m, path, &err), st); // and again
        was_written = st == ET_OK;
        CHECK_EQ(file_exists(path), was_written);
        et_onnx_close(m);
    }
    CHECK(was_written);
}

static void the_first_failure_is_kept(void)
{
    struct et_onnx *m = small_model();
    (void)et_onnx_apply(m, "Relu", "z", NULL);
    (void)et_onnx_input(m, "", BATCH, 1);
    (void)et_onnx_integers(m, "n", (int64_t[]){1}, 1);
    et_onnx_note(m, "k", "again");
    CHECK(!et_onnx_find(m, "n"));
    CHECK_EQ(et_onnx_write(m, temp_path("never.onnx"), &err), ET_EARG);
    CHECK_HAS(err.text, "a node Relu asks for z");
    CHECK(!file_exists(temp_path("never.onnx")));
    et_onnx_close(m);
    et_onnx_close(NULL);
}

static void a_place_that_cannot_be_written_is_told(void)
{
    struct et_onnx *m = small_model();
    CHECK_EQ(et_onnx_write(m, temp_path("no/folder.onnx"), &err), ET_EIO);
    CHECK_OK(et_onnx_write(m, temp_path("folder.onnx"), &err));
    et_onnx_close(m);
}

#ifdef FAULTS
static enum et_status open_and_write(const char *path)
{
    struct et_onnx *m;
    enum et_status st = et_onnx_open(&m, &(struct et_onnx_options){.name = "g"}, &err);
    if (st != ET_OK)
        return st;
    const char *x = et_onnx_input(m, "x", BATCH, 1);
    for (int i = 0; i < 100; i++)
        x = et_onnx_apply(m, "Relu", x, NULL);
    et_onnx_output(m, x, BATCH, 1);
    et_onnx_note(m, "k", "v");
    st = et_onnx_write(m, path, &err);
    et_onnx_close(m);
    return st;
}

static void every_call_that_fails_is_told_and_leaves_what_was_there(void)
{
    const char *path = temp_path("faults.onnx");
    size_t n_new = 0;
    CHECK_OK(open_and_write(path));
    char *whole = read_file(path, &n_new);
    FOR_EACH_FAULT(at)
    {
        size_t n = 0;
        write_file(path, "old", 3);
        fault_arm(at);
        const enum et_status st = open_and_write(path);
        fault_disarm();
        CHECK(st == ET_OK || (fault_seen && (st == ET_ENOMEM || st == ET_EIO)));
        char *is = read_file(path, &n);
        const bool is_new = n == n_new && memcmp(is, whole, n) == 0;
        CHECK(is_new || (st != ET_OK && n == 3 && memcmp(is, "old", 3) == 0));
        free(is);
    }
    free(whole);
}
#endif

int main(void)
{
    RUN(a_small_model_has_the_bytes_of_the_description);
    RUN(numbers_of_any_size_come_back);
    RUN(messages_of_any_length_come_back);
    RUN(names_are_made_up_and_found);
    RUN(what_is_no_graph_is_told);
    RUN(what_is_no_text_is_told);
    RUN(what_is_too_much_is_told);
    RUN(a_model_may_be_full);
    RUN(no_room_is_told_wherever_it_ends);
    RUN(the_first_failure_is_kept);
    RUN(a_place_that_cannot_be_written_is_told);
#ifdef FAULTS
    RUN(every_call_that_fails_is_told_and_leaves_what_was_there);
#endif
    return tap_end();
}

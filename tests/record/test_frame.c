// Messages that are laid out once are what a writer of whole messages would write.
#include "record/record__frame.h"
#include "support.h"
#include "tap.h"

#include "etude/cdr.h"
#include "etude/json.h"
#include "etude/message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;
static struct et_arena *arena;

static const struct et_msgdef *define(const char *type)
{
    const struct et_msgdef *def = NULL;
    CHECK_OK(et_msgdef_load(et_str(type), ET_MSGDEF_ROS2, arena, &def, &err));
    return def;
}

static void open_arena(void)
{
    err = (struct et_err){0};
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
}

static uint32_t bit_by_bit(const uint32_t *words, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++)
        for (uint32_t bit = UINT32_C(1) << 31; bit; bit >>= 1) {
            const uint32_t top = crc & UINT32_C(1) << 31;
            crc = crc << 1 ^ (top ? 0x04c11db7 : 0) ^ (words[i] & bit ? 0x04c11db7 : 0);
        }
    return crc;
}

static void the_checksum_is_the_makers(void)
{
    static const uint32_t ZERO = 0;
    uint32_t words[64];
    struct rng rng = {1};
    CHECK_EQ(et__unitree_crc(&ZERO, 1), 0xc704dd7b);
    CHECK_EQ(et__unitree_crc(&ZERO, 0), UINT32_MAX);
    for (size_t i = 0; i < 64; i++)
        words[i] = (uint32_t)rng_next(&rng);
    for (size_t n = 0; n <= 64; n++)
        CHECK_EQ(et__unitree_crc(words, n), bit_by_bit(words, n));
}

// Every number is put, and read back by the reader of messages.
static void check_numbers(struct et__frame *f, const struct et_message_def *def)
{
    for (size_t i = 0; i < f->n_places; i++) {
        const struct et__frame_place *place = &f->places[i];
        const struct et_message_want want = {place->path, ET_MESSAGE_NUMBERS};
        struct et_message_program *program = NULL;
        if (place->kind == ET_MSG_TIME || place->kind == ET_MSG_DURATION)
            continue;
        CHECK(et__frame_put(f, i, (double)(i % 100) + 1));
        CHECK_OK(et_message_program_open(&program, def, &want, 1, NULL, &err));
        if (!program)
            continue;
        CHECK_OK(
            et_message_run(program, (struct et_str){(const char *)f->bytes, f->n_bytes}, &err));
        const struct et_message_values *values = et_message_values(program, 0);
        CHECK(values->n == 1 && (values->numbers[0] == (double)(i % 100) + 1 ||
                                 (place->kind == ET_MSG_BOOL && values->numbers[0] == 1)));
        et_message_program_close(program);
    }
}

static void a_message_of_fixed_size_is_laid_out_as_it_is_written(void)
{
    static const struct {
        const char *type;
        size_t n_c_bytes;
    } TYPES[] = {{"unitree_hg/msg/LowCmd", 1004}, {"unitree_hg/msg/LowState", 2092}};
    open_arena();
    for (size_t k = 0; k < 2; k++) {
        const struct et_message_def def = {.encoding = ET_MESSAGE_CDR,
                                           .def = define(TYPES[k].type)};
        const struct et_value *nothing = NULL;
        struct et_buf written = et_buf((size_t)1 << 20);
        struct et__frame f;
        CHECK_OK(et_json_parse(ET_STR("{}"), NULL, arena, &nothing, &err));
        CHECK_OK(et_cdr_write(def.def, nothing, &written, &err));
        CHECK_OK(et__frame_open(&f, def.def, NULL, 0, arena, &err));
        CHECK_EQ(f.n_bytes, written.n);
        CHECK(memcmp(f.bytes, written.p, written.n) == 0);
        CHECK_EQ(f.n_c_bytes, TYPES[k].n_c_bytes); // sizeof what the maker's compiler makes
        CHECK_EQ(f.places[f.i_crc].at_c, TYPES[k].n_c_bytes - 4);
        check_numbers(&f, &def);
        et_buf_free(&written);
    }
    et_arena_close(arena);
}

static void sequences_are_as_long_as_they_are_used(void)
{
    static const struct et__frame_text PATHS[] = {{"joint_names[0]", "a"},
                                                  {"joint_names[1]", "elbow"},
                                                  {"points[0].positions[1]", NULL},
                                                  {"points[0].time_from_start", NULL},
                                                  {"header.stamp", NULL}};
    static const char WANTED[] =
        "{\"joint_names\": [\"a\", \"elbow\"], \"points\": [{\"positions\": [0.5, -2], "
        "\"time_from_start\": {\"sec\": -2, \"nanosec\": 750000000}}]}";
    open_arena();
    const struct et_msgdef *def = define("trajectory_msgs/msg/JointTrajectory");
    const struct et_value *value = NULL;
    struct et_buf written = et_buf((size_t)1 << 20);
    struct et__frame f;
    CHECK_OK(et_json_parse(et_str(WANTED), NULL, arena, &value, &err));
    CHECK_OK(et_cdr_write(def, value, &written, &err));
    CHECK_OK(et__frame_open(&f, def, PATHS, 5, arena, &err));
    CHECK_EQ(f.n_c_bytes, 0);
    CHECK(et__frame_put(&f, et__frame_find(&f, "points[0].positions[0]"), 0.5));
    CHECK(et__frame_put(&f, et__frame_find(&f, "points[0].positions[1]"), -2));
    CHECK(et__frame_put(&f, et__frame_find(&f, "points[0].time_from_start"), -1.25));
    CHECK_EQ(f.n_bytes, written.n);
    CHECK(f.n_bytes == written.n && memcmp(f.bytes, written.p, written.n) == 0);
    CHECK_EQ(et__frame_find(&f, "points[1].positions[0]"), SIZE_MAX);
    et_buf_free(&written);
    et_arena_close(arena);
}

static void numbers_keep_within_their_kind(void)
{
    static const char TEXT[] = "bool a\nint8 b\nuint8 c\nint16 d\nuint32 e\nint64 f\nuint64 g\n"
                               "float32 h\nfloat64 i\nbuiltin_interfaces/Duration j\n";
    const struct et_msgdef_source source = {
        .name = ET_STR("t/T"), .text = et_str(TEXT), .flavour = ET_MSGDEF_ROS2, .use_store = true};
    struct et__frame f;
    const struct et_msgdef *def = NULL;
    open_arena();
    CHECK_OK(et_msgdef_parse(&source, arena, &def, &err));
    CHECK_OK(et__frame_open(&f, def, NULL, 0, arena, &err));
    for (size_t i = 0; i < f.n_places; i++) {
        static const double FAR[] = {1e300, -1e300, 0.4, -0.4};
        CHECK(!et__frame_put(&f, i, (double)NAN));
        CHECK(!et__frame_put(&f, i, (double)INFINITY));
        for (size_t k = 0; k < 4; k++)
            CHECK(et__frame_put(&f, i, FAR[k]));
    }
    CHECK(et__frame_put(&f, et__frame_find(&f, "b"), -1000));
    CHECK_EQ((signed char)f.bytes[f.places[1].at], -128);
    CHECK(et__frame_put(&f, et__frame_find(&f, "c"), 255.4));
    CHECK_EQ(f.bytes[f.places[2].at], 255);
    et_arena_close(arena);
}

static void what_a_definition_has_not_is_told(void)
{
    static const struct {
        const char *text, *path;
        enum et_status st;
        const char *words;
    } WRONG[] = {{"float64 a\n", "b", ET_ECORRUPT, "no number \"b\""},
                 {"float64[2] a\n", "a[2]", ET_ECORRUPT, "no number \"a[2]\""},
                 {"string a\n", "a", ET_ECORRUPT, "no number \"a\""},
                 {"float64[<=2] a\n", "a[2]", ET_ELIMIT, "a has no place 2"},
                 {"float64[] a\n", "a[4000000000]", ET_ELIMIT, "a has no place"},
                 {"wstring a\n", "a", ET_EUNSUPPORTED, "wstring"},
                 {"nowhere/Type a\n", "a", ET_ENOTFOUND, "nowhere/Type"},
                 {"uint8[1000000] a\n", "a[0]", ET_ELIMIT, "numbers"}};
    open_arena();
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        const struct et__frame_text path = {WRONG[i].path, NULL};
        const struct et_msgdef_source source = {
            .name = ET_STR("t/T"), .text = et_str(WRONG[i].text), .flavour = ET_MSGDEF_ROS2};
        const struct et_msgdef *def = NULL;
        struct et__frame f;
        CHECK_OK(et_msgdef_parse(&source, arena, &def, &err));
        CHECK_EQ(et__frame_open(&f, def, &path, 1, arena, &err), WRONG[i].st);
        CHECK_HAS(err.text, WRONG[i].words);
    }
    et_arena_close(arena);
}

int main(void)
{
    RUN(the_checksum_is_the_makers);
    RUN(a_message_of_fixed_size_is_laid_out_as_it_is_written);
    RUN(sequences_are_as_long_as_they_are_used);
    RUN(numbers_keep_within_their_kind);
    RUN(what_a_definition_has_not_is_told);
    return tap_end();
}

// Writing CDR: value by value, and whole documents by the definition.
#include "msg_help.h"

#include <math.h>

static const char *hex_of(const struct et_buf *buf)
{
    static char text[4096];
    size_t n = 0;
    for (size_t i = 0; i < buf->n && n + 3 < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%02x", (unsigned char)buf->p[i]);
    text[n] = 0;
    return text;
}

// ---- value by value --------------------------------------------------------------------------

static void every_value_is_aligned_to_its_size(void)
{
    struct et_buf buf = et_buf(1 << 16);
    et_buf_puts(&buf, "odd"); // what stands before does not matter
    struct et_cdr w = et_cdr_begin(&buf);
    et_cdr_bool(&w, true);
    et_cdr_u16(&w, 0x0102);
    et_cdr_i8(&w, -1);
    et_cdr_i32(&w, -2);
    et_cdr_u8(&w, 7);
    et_cdr_f64(&w, 1.5);
    et_cdr_i16(&w, -3);
    et_cdr_f32(&w, 0.5F);
    et_cdr_u32(&w, 9);
    et_cdr_u64(&w, 10);
    et_cdr_i64(&w, -1);
    CHECK_STR(hex_of(&buf), "6f6464"
                            "00010000"
                            "0100"
                            "0201"
                            "ff000000"
                            "feffffff"
                            "07000000"
                            "000000000000f83f"
                            "fdff0000"
                            "0000003f"
                            "0900000000000000"
                            "0a00000000000000"
                            "ffffffffffffffff");
    et_buf_free(&buf);
}

static void texts_sequences_and_times(void)
{
    static const struct et_str NAMES[] = {{"ab", 2}, {"", 0}};
    static const double Q[] = {1.5, -1};
    static const float F[] = {0.5F};
    static const int32_t I[] = {-1, 2, 3};
    struct et_buf buf = et_buf(1 << 16);
    struct et_cdr w = et_cdr_begin(&buf);
    et_cdr_time(&w, -1);
    et_cdr_text(&w, ET_STR("base"));
    et_cdr_texts(&w, NAMES, 2);
    et_cdr_f64s(&w, Q, 2);
    et_cdr_f64s(&w, NULL, 0); // no padding behind the count of nothing
    et_cdr_f32s(&w, F, 1);
    et_cdr_i32s(&w, I, 3);
    et_cdr_bytes(&w, "xyz", 3);
    et_cdr_empty(&w);
    et_cdr_count(&w, 5);
    const struct et_message_def m =
        ros(ET_MESSAGE_CDR, "time t\nstring f\nstring[] n\nfloat64[] q\nfloat64[] none\n"
                            "float32[] g\nint32[] i\nuint8[] d\nN e\nuint32 c\n==\nMSG: pkg/N\n");
    CHECK_STR(json_of(&m, et_buf_str(&buf)),
              "{\"t\":{\"sec\":-1,\"nanosec\":999999999},\"f\":\"base\",\"n\":[\"ab\",\"\"],"
              "\"q\":[1.5,-1.0],\"none\":[],\"g\":[0.5],\"i\":[-1,2,3],\"d\":\"eHl6\",\"e\":{},"
              "\"c\":5}");
    CHECK_OK(et_buf_check(&buf, "x", &err));
    et_buf_free(&buf);
}

static void times_and_texts_that_do_not_fit_fail_for_good(void)
{
    static const int64_t TIMES[] = {INT64_MAX, INT64_MIN, 2147483648000000000};
    for (size_t i = 0; i < 3; i++) {
        struct et_buf buf = et_buf(100);
        struct et_cdr w = et_cdr_begin(&buf);
        et_cdr_time(&w, TIMES[i]);
        CHECK_EQ(et_buf_check(&buf, "a message", &err), ET_ELIMIT);
        et_buf_free(&buf);
    }
    struct et_buf buf = et_buf(100);
    struct et_cdr w = et_cdr_begin(&buf);
    et_cdr_time(&w, 2147483647999999999);
    et_cdr_time(&w, -2147483648000000000);
    CHECK_OK(et_buf_check(&buf, "a message", &err));
    et_cdr_text(&w, (struct et_str){"a\0b", 3});
    CHECK_EQ(et_buf_check(&buf, "a message", &err), ET_ELIMIT);
    et_buf_free(&buf);
}

static void a_robots_low_state_is_read_back(void)
{
    struct et_message_def m = {.encoding = ET_MESSAGE_CDR};
    CHECK_OK(
        et_msgdef_load(ET_STR("unitree_hg/msg/LowState"), ET_MSGDEF_ROS2, arena, &m.def, &err));
    const struct et_str bytes =
        cdr_of(&m, "{\"tick\":5,\"imu_state\":{\"quaternion\":[1,0,0,0],\"temperature\":40}}");
    CHECK_STR(pull(&m, "tick", bytes), "5");
    CHECK_STR(pull(&m, "imu_state.quaternion", bytes), "1 0 0 0");
    CHECK_STR(pull(&m, "motor_state[34].q", bytes), "0");
    CHECK_STR(pull(&m, "wireless_remote[39]", bytes), "0");
}

// ---- documents -------------------------------------------------------------------------------

static const char TEXT[] = "bool b\nint8 i 5\nuint64 u\nfloat32 f 0.5\nfloat64[2] p [1, 2]\n"
                           "string<=4 s \"ab\"\nstring[] t ['x']\nuint8[<=3] d\nuint8[2] k\n"
                           "time when\nN n\nN[<=2] l\n==\nMSG: pkg/N\nint16 x 7\n";

static void what_is_absent_has_its_default(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_CDR, TEXT);
    static const char WANT[] =
        "{\"b\":false,\"i\":5,\"u\":0,\"f\":0.5,\"p\":[1.0,2.0],\"s\":\"ab\",\"t\":[\"x\"],"
        "\"d\":\"\",\"k\":\"AAA=\",\"when\":{\"sec\":0,\"nanosec\":0},\"n\":{\"x\":7},\"l\":[]}";
    CHECK_STR(json_of(&m, cdr_of(&m, "{}")), WANT);
    // null is like absent, but for floats, where it is NaN.
    CHECK_STR(json_of(&m, cdr_of(&m, "{\"b\":null,\"i\":null,\"s\":null,\"t\":null,\"d\":null,"
                                     "\"when\":null,\"n\":null,\"l\":null,\"u\":null}")),
              WANT);
    CHECK_STR(pull(&m, "f", cdr_of(&m, "{\"f\":null}")), "nan");
}

static void a_value_has_many_spellings(void)
{
    const struct et_message_def m = ros(ET_MESSAGE_CDR, TEXT);
    const struct et_str bytes =
        cdr_of(&m, "{\"b\":1,\"i\":-3.0,\"u\":\"18446744073709551615\",\"f\":2,\"d\":[1,2],"
                   "\"k\":\"AQI=\",\"when\":{\"nanosec\":3},\"l\":[{},{\"x\":-1}]}");
    CHECK_STR(json_of(&m, bytes),
              "{\"b\":true,\"i\":-3,\"u\":\"18446744073709551615\",\"f\":2.0,\"p\":[1.0,2.0],"
              "\"s\":\"ab\",\"t\":[\"x\"],\"d\":\"AQI=\",\"k\":\"AQI=\",\"when\":{\"sec\":0,"
              "\"nanosec\":3},\"n\":{\"x\":7},\"l\":[{\"x\":7},{\"x\":-1}]}");
}

static void what_does_not_fit_is_told_with_its_path(void)
{
    static const struct {
        const char *json, *said;
    } CASES[] = {
        {"[]", "a list where a map is wanted"},
        {"{\"zz\":1}", "pkg/Root has no field zz"},
        {"{\"n\":{\"y\":1}}", "n: pkg/N has no field y"},
        {"{\"l\":[{},{\"x\":40000}]}", "l[1].x: 40000 is beyond int16"},
        {"{\"l\":[{},{},{}]}", "l: 3 elements, where at most 2 are allowed"},
        {"{\"p\":[1]}", "p: 1 elements, where there are 2"},
        {"{\"p\":5}", "p: a"},
        {"{\"p\":[\"x\",1]}", "p: a string where float64 is wanted"},
        {"{\"i\":1.5}", "i: a"},
        {"{\"i\":-129}", "i: -129 is beyond int8"},
        {"{\"u\":-1}", "u: -1 is beyond uint64"},
        {"{\"u\":\"18446744073709551616\"}", "u: a string where a uint64 is wanted"},
        {"{\"u\":\"\"}", "u: a string where a uint64 is wanted"},
        {"{\"s\":\"abcde\"}", "s: a text of 5 bytes, where 4 are allowed"},
        {"{\"s\":5}", "s: a"},
        {"{\"t\":[5]}", "t[0]: a"},
        {"{\"t\":\"x\"}", "t: a string where a list is wanted"},
        {"{\"d\":\"!\"}", "d: a string that is not base64"},
        {"{\"d\":\"AAAAAA==\"}", "d: 4 elements, where at most 3 are allowed"},
        {"{\"k\":\"AA==\"}", "k: 1 elements, where there are 2"},
        {"{\"when\":5}", "when: a"},
        {"{\"when\":{\"sec\":3000000000}}", "when: 3000000000 is beyond int32"},
        {"{\"when\":{\"day\":3}}", "when: a time has no field day"},
        {"{\"n\":5}", "n: a"},
        {"{\"b\":\"yes\"}", "b: a string where uint8 is wanted"},
    };
    const struct et_message_def m = ros(ET_MESSAGE_CDR, TEXT);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_buf buf = et_buf(1 << 16);
        const struct et_value *value;
        CHECK_OK(et_json_parse(et_str(CASES[i].json), NULL, arena, &value, &err));
        CHECK_EQ(et_cdr_write(m.def, value, &buf, &err), ET_EARG);
        CHECK_HAS(err.text, CASES[i].said);
        et_buf_free(&buf);
    }
}

static void other_ends(void)
{
    static const struct et_value EMPTY = {.kind = ET_VALUE_MAP};
    struct et_buf small = et_buf(6), buf = et_buf(1 << 16);
    const struct et_message_def m = ros(ET_MESSAGE_CDR, TEXT);
    CHECK_EQ(et_cdr_write(m.def, &EMPTY, &small, &err), ET_ELIMIT);
    const struct et_message_def w = ros(ET_MESSAGE_CDR, "wstring w\n");
    CHECK_EQ(et_cdr_write(w.def, &EMPTY, &buf, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "w: a wstring");
    const struct et_message_def n = ros(ET_MESSAGE_CDR, "far/Away w\n");
    CHECK_EQ(et_cdr_write(n.def, &EMPTY, &buf, &err), ET_ENOTFOUND);
    const struct et_message_def bad = ros(ET_MESSAGE_CDR, "int8 x 300\n");
    CHECK_EQ(et_cdr_write(bad.def, &EMPTY, &buf, &err), ET_ECORRUPT);
    const struct et_message_def huge = ros(ET_MESSAGE_CDR, "float64[4294967295] x\n");
    CHECK_EQ(et_cdr_write(huge.def, &EMPTY, &buf, &err), ET_ELIMIT);
    et_buf_free(&buf);
    et_buf_free(&small);
    const struct et_message_def empty = ros(ET_MESSAGE_CDR, "");
    CHECK_EQ(cdr_of(&empty, "{}").n, 5);
    // A definition of ROS 1 can be written as CDR, by its own fields.
    const struct et_message_def one = ros(ET_MESSAGE_ROS1, "time t\n");
    CHECK_EQ(cdr_of(&one, "{\"t\":{\"secs\":4000000000,\"nsecs\":1}}").n, 12);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)1 << 28, &err) != ET_OK)
        return 99;
    RUN(every_value_is_aligned_to_its_size);
    RUN(texts_sequences_and_times);
    RUN(times_and_texts_that_do_not_fit_fail_for_good);
    RUN(a_robots_low_state_is_read_back);
    RUN(what_is_absent_has_its_default);
    RUN(a_value_has_many_spellings);
    RUN(what_does_not_fit_is_told_with_its_path);
    RUN(other_ends);
    et_arena_close(arena);
    return tap_end();
}

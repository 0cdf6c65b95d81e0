/* Canonical JSON: RFC 8785's own examples, and one text for all that means the same. */
#include "etude/json.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;
static struct et_arena *arena;

static const char *canonical(const char *text)
{
    static struct et_buf buf;
    const struct et_value *value = NULL;
    et_buf_free(&buf);
    buf = et_buf(1 << 20);
    CHECK_OK(et_json_parse(et_str(text), NULL, arena, &value, &err));
    if (!value)
        return "";
    CHECK_OK(et_json_canonical(&buf, value, &err));
    return et_buf_text(&buf);
}

/* RFC 8785, 3.2.3 and 3.2.2. */
static void it_is_the_standards_own(void)
{
    CHECK_STR(
        canonical("{\n"
                  "  \"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, "
                  "0.000000000000000000000000001],\n"
                  "  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
                  "  \"literals\": [null, true, false]\n"
                  "}"),
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
        "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
    // Keys by their UTF-16 units: the emoji, of two units, before U+FB33.
    CHECK_STR(
        canonical("{\"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage Return\", "
                  "\"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\", \"1\": \"One\", "
                  "\"\\ud83d\\ude00\": \"Emoji: Grinning Face\", \"\\u0080\": \"Control\", "
                  "\"\\u00f6\": \"Latin Small Letter O With Diaeresis\"}"),
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
        "\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\","
        "\"😀\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

/* RFC 8785, appendix B. */
static void numbers_are_as_ecmascript_writes_them(void)
{
    static const struct {
        uint64_t bits;
        const char *text;
    } NUMBERS[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
    };
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        struct et_value value = {.kind = ET_VALUE_REAL};
        struct et_buf buf = et_buf(1 << 10);
        memcpy(&value.as.real, &NUMBERS[i].bits, 8);
        CHECK_OK(et_json_canonical(&buf, &value, &err));
        CHECK_STR(et_buf_text(&buf), NUMBERS[i].text);
        et_buf_free(&buf);
    }
}

static void blanks_and_order_make_no_difference(void)
{
    CHECK_STR(canonical("{\"b\":[1,{\"d\":[],\"c\":{}}],\"a\":1.0}"),
              "{\"a\":1,\"b\":[1,{\"c\":{},\"d\":[]}]}");
    CHECK_STR(canonical(" { \"a\" : 1 , \"b\" : [ 1 , { \"c\" : { } , \"d\" : [ ] } ] } "),
              "{\"a\":1,\"b\":[1,{\"c\":{},\"d\":[]}]}");
    CHECK_STR(canonical("9007199254740992"), "9007199254740992");
    CHECK_STR(canonical("[[],[[]],\"\"]"), "[[],[[]],\"\"]");
    CHECK_STR(canonical("{\"aa\":1,\"a\":2,\"\":3}"), "{\"\":3,\"a\":2,\"aa\":1}");
}

static void what_has_no_such_text_is_refused(void)
{
    struct et_buf buf = et_buf(1 << 10);
    struct et_value value = {.kind = ET_VALUE_INT, .as.integer = (INT64_C(1) << 53) + 1};
    CHECK_EQ(et_json_canonical(&buf, &value, &err), ET_EARG);
    CHECK_HAS(err.text, "9007199254740993 is beyond 2^53");
    value = (struct et_value){.kind = ET_VALUE_REAL, .as.real = (double)INFINITY};
    CHECK_EQ(et_json_canonical(&buf, &value, &err), ET_EARG);
    CHECK_HAS(err.text, "no canonical JSON");
    // A mistake deep within gives back what it took.
    struct et_value list = {.kind = ET_VALUE_LIST, .as.many = {&value, NULL, NULL, 1}};
    struct et_str key = ET_STR("k");
    struct et_value map = {.kind = ET_VALUE_MAP, .as.many = {&list, &key, NULL, 1}};
    CHECK_EQ(et_json_canonical(&buf, &map, &err), ET_EARG);
    struct et_value deep[ET_JSON_DEPTH_MAX + 2];
    for (size_t i = 0; i + 1 < sizeof deep / sizeof *deep; i++)
        deep[i] =
            (struct et_value){.kind = ET_VALUE_LIST, .as.many = {&deep[i + 1], NULL, NULL, 1}};
    deep[ET_JSON_DEPTH_MAX + 1] = (struct et_value){.kind = ET_VALUE_NULL};
    CHECK_EQ(et_json_canonical(&buf, deep, &err), ET_ELIMIT);
    CHECK_OK(et_json_canonical(&buf, deep + 1, &err));
    et_buf_free(&buf);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
    RUN(it_is_the_standards_own);
    RUN(numbers_are_as_ecmascript_writes_them);
    RUN(blanks_and_order_make_no_difference);
    RUN(what_has_no_such_text_is_refused);
    (void)canonical("0");
    et_arena_close(arena);
    return tap_end();
}

#include "etude/json.h"
#include "support.h"
#include "tap.h"

#include <float.h>
#include <locale.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)

static struct et_err err;
static struct et_arena *arena;

static enum et_status parse(const char *text, bool allow_nan, const struct et_value **value)
{
    const struct et_json_options options = {.allow_nan = allow_nan};
    memset(&err, 0, sizeof err);
    return et_json_parse(et_str(text), &options, arena, value, &err);
}

// The document written again, in one line.
static const char *again(const struct et_value *value, int indent)
{
    struct et_buf buf = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &buf, .indent = indent};
    et_json_value(&w, value);
    CHECK_EQ(buf.status, ET_OK);
    const char *copy = et_arena_copy(arena, buf.p, buf.n);
    et_buf_free(&buf);
    return copy;
}

static void check_again(const char *text, const char *want)
{
    const struct et_value *value = NULL;
    CHECK_OK(parse(text, false, &value));
    CHECK_STR(again(value, 0), want);
}

static void reads_every_kind(void)
{
    const struct et_value *v = NULL;
    CHECK_OK(
        parse(" {\"null\": null, \"yes\": true, \"no\": false, \"int\": -42, \"real\": 2.5,\r\n"
              "\t\"text\": \"a\\u00e9\\n\", \"list\": [1, [2]], \"map\": {\"k\": {}}} ",
              false, &v));
    CHECK_EQ(v->kind, ET_VALUE_MAP);
    CHECK_EQ(et_value_count(v), 8);
    CHECK_EQ(et_value_get(v, "null")->kind, ET_VALUE_NULL);
    CHECK(et_value_bool(et_value_get(v, "yes"), false));
    CHECK(!et_value_bool(et_value_get(v, "no"), true));
    CHECK_EQ(et_value_int(et_value_get(v, "int"), 0), -42);
    CHECK(et_value_real(et_value_get(v, "real"), 0.0) == 2.5);
    CHECK_STR(et_value_text(et_value_get(v, "text"), ""), "a\xc3\xa9\n");
    CHECK_EQ(et_value_int(et_value_at(et_value_get(v, "list"), 0), 0), 1);
    CHECK_EQ(et_value_count(et_value_at(et_value_get(v, "list"), 1)), 1);
    CHECK_EQ(et_value_count(et_value_get(et_value_get(v, "map"), "k")), 0);
    CHECK(et_str_is(v->as.many.keys[7], "map"));
    CHECK_EQ(v->line, 0);
}

static void gives_what_was_asked_or_otherwise(void)
{
    const struct et_value *v = NULL;
    CHECK_OK(parse("[3, 3.0, 3.5, 1e300, \"3\", null]", false, &v));
    CHECK_EQ(et_value_int(et_value_at(v, 1), -1), 3);
    CHECK_EQ(et_value_int(et_value_at(v, 2), -1), -1);
    CHECK_EQ(et_value_int(et_value_at(v, 3), -1), -1);
    CHECK_EQ(et_value_int(et_value_at(v, 4), -1), -1);
    CHECK(et_value_real(et_value_at(v, 0), -1.0) == 3.0);
    CHECK(et_value_real(et_value_at(v, 4), -1.0) == -1.0);
    CHECK_STR(et_value_text(et_value_at(v, 0), "other"), "other");
    CHECK(et_value_bool(et_value_at(v, 0), true));
    CHECK(et_value_is_number(et_value_at(v, 0)) && et_value_is_number(et_value_at(v, 1)));
    CHECK(!et_value_is_number(et_value_at(v, 4)) && !et_value_is_number(NULL));
    CHECK(et_value_at(v, 6) == NULL);
    CHECK(et_value_at(et_value_at(v, 0), 0) == NULL);
    CHECK(et_value_get(v, "x") == NULL && et_value_get(NULL, "x") == NULL);
    CHECK_EQ(et_value_count(NULL), 0);
    CHECK_EQ(et_value_int(NULL, 5), 5);
    CHECK_STR(et_value_text(NULL, "none"), "none");
}

static void reads_a_lone_scalar(void)
{
    check_again("42", "42");
    check_again(" \"x\" ", "\"x\"");
    check_again("null", "null");
    check_again("-0", "0");
    check_again("-0.0", "-0.0");
    check_again("9223372036854775807", "9223372036854775807");
    check_again("-9223372036854775808", "-9223372036854775808");
}

static void says_where_a_text_is_wrong(void)
{
    // clang-format off
    static const struct {
        const char *text;
        int64_t at;
        const char *line_column;
        const char *reason;
    } CASES[] = {
        {"",                          0, "line 1, column 1", "there is no value"},
        {" \n\t ",                    4, "line 2, column 3", "there is no value"},
        {"[1, x]",                    4, "line 1, column 5", "invalid token near 'x'"},
        {"[1, nul]",                  4, "line 1, column 5", "invalid token near 'nul'"},
        {"[1 2]",                     3, "line 1, column 4", "']' expected near '2'"},
        {"[1,]",                      3, "line 1, column 4", "unexpected token near ']'"},
        {"[,1]",                      1, "line 1, column 2", "unexpected token near ','"},
        {"[1",                        2, "line 1, column 3", "the text ends inside a value"},
        {"[\"abc",                    5, "line 1, column 6", "the text ends inside a value"},
        {"[\"abc\\",                  6, "line 1, column 7", "the text ends inside a value"},
        {"{\"a\"",                    4, "line 1, column 5", "the text ends inside a value"},
        {"{\"a\" 1}",                 5, "line 1, column 6", "':' expected near '1'"},
        {"{\"a\":1 \"b\":2}",         7, "line 1, column 8", "'}' expected near '\"b\"'"},
        {"{a:1}",                     1, "line 1, column 2", "string or '}' expected near 'a'"},
        {"{\"a\":1,\"a\":2}",         7, "line 1, column 8", "duplicate object key near '\"a\"'"},
        {"[1] x",                     4, "line 1, column 5", "end of file expected near 'x'"},
        {"[1]]",                      3, "line 1, column 4", "end of file expected near ']'"},
        {"]",                         0, "line 1, column 1", "unexpected token near ']'"},
        {"[\"a\tb\"]",                3, "line 1, column 4", "control character 0x9"},
        {"[\"a\\qb\"]",               4, "line 1, column 5", "invalid escape"},
        {"[\"\\ud800\"]",             1, "line 1, column 2", "invalid Unicode '\\uD800'"},
        {"[\"\\u0000\"]",             1, "line 1, column 2", "a string holds the character U+0000"},
        {"{\"\\u0000\":1}",           1, "line 1, column 2", "a string holds the character U+0000"},
        {"[\"a\xff\"]",               3, "line 1, column 4", "unable to decode byte 0xff"},
        {"[\xff]",                    1, "line 1, column 2", "unable to decode byte 0xff"},
        {"[99999999999999999999]",    1, "line 1, column 2", "too big integer"},
        {"[1e999]",                   1, "line 1, column 2", "real number overflow"},
        {"[01]",                      1, "line 1, column 2", ""},
        {"[1.]",                      1, "line 1, column 2", "invalid token"},
        {"[NaN]",                     1, "line 1, column 2", "invalid token near 'NaN'"},
        {"[-Infinity]",               1, "line 1, column 2", "invalid token"},
        {"\n\n [1,\n \"\xc3\xa9\" ?]", 13, "line 4, column 6", "']' expected near '?'"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_value *value = NULL;
        CHECK_EQ(parse(CASES[i].text, false, &value), ET_ECORRUPT);
        CHECK_EQ(err.at, CASES[i].at);
        CHECK_HAS(err.text, CASES[i].line_column);
        CHECK_HAS(err.text, CASES[i].reason);
        CHECK(value == NULL);
    }
}

static void refuses_texts_that_are_too_long(void)
{
    const struct et_value *value = NULL;
    const struct et_str text = {"1", (size_t)INT32_MAX + 1}; // told by its length alone
    CHECK_EQ(et_json_parse(text, NULL, arena, &value, &err), ET_ELIMIT);
}

static void tells_a_nul_byte_from_the_end(void)
{
    const struct et_value *value = NULL;
    CHECK_EQ(et_json_parse(ET_STR("[1,\0]"), NULL, arena, &value, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, 3);
    CHECK_EQ(et_json_parse(ET_STR("[\"a\0\"]"), NULL, arena, &value, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, 3);
}

static void reads_what_python_writes_for_nan(void)
{
    const struct et_value *v = NULL;
    CHECK_OK(
        parse("[NaN, \"nnn\", -Infinity, {\"n\": Infinity, \"NaN\": \"n\"}, \"NaN\"]", true, &v));
    CHECK(isnan(et_value_real(et_value_at(v, 0), 0.0)));
    CHECK_STR(et_value_text(et_value_at(v, 1), ""), "nnn");
    CHECK(et_value_real(et_value_at(v, 2), 0.0) == -(double)INFINITY);
    CHECK(et_value_real(et_value_get(et_value_at(v, 3), "n"), 0.0) == (double)INFINITY);
    CHECK_STR(et_value_text(et_value_get(et_value_at(v, 3), "NaN"), ""), "n");
    CHECK_STR(et_value_text(et_value_at(v, 4), ""), "NaN");
    CHECK_OK(parse("NaN", true, &v));
    CHECK(isnan(et_value_real(v, 0.0)));
    CHECK_OK(parse("[1]", true, &v));
}

static void keeps_positions_true_beside_nan(void)
{
    const struct et_value *v = NULL;
    CHECK_EQ(parse("[NaN, -Infinity, x]", true, &v), ET_ECORRUPT);
    CHECK_EQ(err.at, 17);
    CHECK_EQ(parse("{NaN: 1}", true, &v), ET_ECORRUPT);
    CHECK_EQ(err.at, 1);
    CHECK_HAS(err.text, "a key must be a string");
    CHECK_EQ(parse("{\"a\": NaN, Infinity: 1}", true, &v), ET_ECORRUPT);
    CHECK_EQ(err.at, 11);
    CHECK_EQ(parse("[NaN NaN]", true, &v), ET_ECORRUPT);
    CHECK_EQ(err.at, 5);
    CHECK_HAS(err.text, "a number may not stand here");
    CHECK_EQ(parse("[NaNx]", true, &v), ET_ECORRUPT);
    CHECK_EQ(parse("[1NaN]", true, &v), ET_ECORRUPT);
    CHECK_EQ(parse("[-NaN]", true, &v), ET_ECORRUPT);
    CHECK_EQ(parse("[Infinit]", true, &v), ET_ECORRUPT);
}

static char *nested(int depth, const char *inner)
{
    const size_t n = strlen(inner);
    char *text = et_arena_alloc(arena, 2 * (size_t)depth + n + 1);
    memset(text, '[', (size_t)depth);
    memcpy(text + depth, inner, n);
    memset(text + (size_t)depth + n, ']', (size_t)depth);
    return text;
}

static void refuses_what_is_nested_too_deeply(void)
{
    const struct et_value *v = NULL;
    CHECK_OK(parse(nested(ET_JSON_DEPTH_MAX, ""), false, &v));
    CHECK_EQ(parse(nested(ET_JSON_DEPTH_MAX + 1, ""), false, &v), ET_ELIMIT);
    CHECK_EQ(err.at, ET_JSON_DEPTH_MAX);
    CHECK_EQ(parse(nested(100000, "NaN"), true, &v), ET_ELIMIT);
    CHECK_OK(parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]",
                   false, &v));
}

static void gives_back_the_arena_when_it_fails(void)
{
    const char *text = "{\"a\": [1, 2, 3, \"text\"], \"b\": NaN}";
    bool is_done = false;
    for (size_t limit = 0; limit < 2000 && !is_done; limit += 8) {
        struct et_arena *small = NULL;
        const struct et_value *v = NULL;
        const struct et_json_options options = {.allow_nan = true};
        CHECK_OK(et_arena_open(&small, limit, &err));
        const enum et_status st = et_json_parse(et_str(text), &options, small, &v, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT);
        CHECK((st == ET_OK) == (v != NULL));
        CHECK(st == ET_OK || et_arena_used(small) == 0);
        is_done = st == ET_OK;
        et_arena_close(small);
    }
    CHECK(is_done);
}

static void reads_files_and_names_them(void)
{
    const char *path = temp_path("settings.json");
    const struct et_value *v = NULL;
    write_file(path, "{\"fps\": 30}", 11);
    CHECK_OK(et_json_read(path, 11, NULL, arena, &v, &err));
    CHECK_EQ(et_value_int(et_value_get(v, "fps"), 0), 30);
    CHECK_EQ(et_json_read(path, 10, NULL, arena, &v, &err), ET_ELIMIT);
    CHECK_HAS(err.text, path);
    write_file(path, "{\"fps\": }", 9);
    CHECK_EQ(et_json_read(path, 100, NULL, arena, &v, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, 8);
    CHECK_EQ(strncmp(err.text, path, strlen(path)), 0);
    CHECK_EQ(et_json_read(temp_path("absent"), 100, NULL, arena, &v, &err), ET_ENOTFOUND);
    CHECK_EQ(et_json_read(temp_path("."), 100, NULL, arena, &v, &err), ET_EIO);
}

static void writes_piece_by_piece(void)
{
    struct et_buf buf = et_buf(1000);
    struct et_json_writer w = {.buf = &buf};
    et_json_open_map(&w);
    et_json_put_text(&w, "name", "a\"b");
    et_json_put_text(&w, "none", NULL);
    et_json_put_int(&w, "n", -3);
    et_json_put_real(&w, "x", 3.0);
    et_json_put_bool(&w, "is", true);
    et_json_key(&w, "list");
    et_json_open_list(&w);
    et_json_null(&w);
    et_json_real(&w, (double)NAN);
    et_json_value(&w, NULL);
    et_json_real(&w, -(double)INFINITY);
    et_json_str(&w, ET_STR("x\0y"));
    et_json_bytes(&w, "any", 3);
    et_json_open_map(&w);
    et_json_close_map(&w);
    et_json_close_list(&w);
    et_json_close_map(&w);
    CHECK_STR(et_buf_text(&buf),
              "{\"name\":\"a\\\"b\",\"none\":null,\"n\":-3,\"x\":3.0,\"is\":true,"
              "\"list\":[null,null,null,null,\"x\\u0000y\",\"YW55\",{}]}");
    et_buf_free(&buf);
}

static void writes_indented(void)
{
    const struct et_value *v = NULL;
    CHECK_OK(parse("{\"a\":[1,{\"b\":2}],\"c\":[],\"d\":{}}", false, &v));
    CHECK_STR(again(v, 2), "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ],\n"
                           "  \"c\": [],\n  \"d\": {}\n}");
    const struct et_value *deep = NULL;
    CHECK_OK(parse(nested(40, "7"), false, &deep));
    const struct et_value *read = NULL;
    CHECK_OK(parse(again(deep, 8), false, &read));
    CHECK_STR(again(read, 0), nested(40, "7"));
}

static void escapes_what_json_cannot_hold(void)
{
    struct et_buf buf = et_buf(1000);
    struct et_json_writer w = {.buf = &buf};
    et_json_text(&w, "\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9\xff\xe2\x82");
    CHECK_STR(et_buf_text(&buf),
              "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd"
              "\xef\xbf\xbd\"");
    const struct et_value *v = NULL;
    CHECK_OK(et_json_parse(et_buf_str(&buf), NULL, arena, &v, &err));
    et_buf_free(&buf);
}

static void refuses_to_write_deeper_than_it_reads(void)
{
    struct et_buf buf = et_buf(1000);
    struct et_json_writer w = {.buf = &buf};
    for (int i = 0; i < ET_JSON_DEPTH_MAX; i++)
        et_json_open_list(&w);
    CHECK_EQ(buf.status, ET_OK);
    et_json_open_list(&w);
    CHECK_EQ(buf.status, ET_ELIMIT);
    for (int i = 0; i <= ET_JSON_DEPTH_MAX; i++)
        et_json_close_list(&w);
    CHECK_EQ(w.depth, 0);
    et_buf_free(&buf);

    // A tree that fits when it is read may not fit into what is written already.
    const struct et_value *v = NULL;
    CHECK_OK(parse(nested(ET_JSON_DEPTH_MAX, ""), false, &v));
    buf = et_buf(1000);
    w = (struct et_json_writer){.buf = &buf};
    et_json_open_map(&w);
    et_json_key(&w, "value");
    et_json_value(&w, v);
    CHECK_EQ(buf.status, ET_ELIMIT);
    et_buf_free(&buf);
}

static void check_double(double x)
{
    char text[32];
    double back = 0.0;
    const size_t n = et_double_text(x, text);
    CHECK(n == strlen(text) && n < 32);
    CHECK(strpbrk(text, ".e") != NULL);
    if (!CHECK(et_str_to_double(et_str(text), &back) && memcmp(&back, &x, sizeof x) == 0))
        printf("#   %s for %a\n", text, x);
}

static void writes_doubles_that_read_back(void)
{
    struct rng rng = {1};
    for (int i = 0; i < 100000; i++) {
        const uint64_t bits = rng_next(&rng);
        double x;
        memcpy(&x, &bits, sizeof x);
        if (isfinite(x))
            check_double(x);
        check_double(rng_gaussian(&rng));
        check_double((double)(float)x == (double)(float)x && isfinite((float)x) ? (double)(float)x
                                                                                : 0.5);
    }
}

static void writes_short_doubles(void)
{
    // clang-format off
    static const struct {
        double value;
        const char *text;
    } CASES[] = {
        {0.1, "0.1"}, {3.0, "3.0"}, {-0.0, "-0.0"}, {0.0, "0.0"}, {1e-7, "1e-07"},
        {1.0 / 3.0, "0.3333333333333333"}, {0.1 + 0.2, "0.30000000000000004"},
        {1e22, "1e+22"}, {123456789012345.0, "123456789012345.0"}, {5e-324, "5e-324"},
        {1e-310, "1e-310"}, {DBL_MIN, "2.2250738585072014e-308"},
        {0x1p-1017, "7.120236347223045e-307"}, {DBL_MAX, "1.7976931348623157e+308"},
        {100.0, "100.0"}, {-2.5, "-2.5"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[32];
        (void)et_double_text(CASES[i].value, text);
        CHECK_STR(text, CASES[i].text);
    }
}

static void reads_and_writes_alike_in_every_locale(void)
{
    static const char *const NAMES[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    int n = 0;
    for (size_t i = 0; i < 3; i++) {
        if (!setlocale(LC_ALL, NAMES[i]))
            continue;
        n++;
        writes_short_doubles();
        check_again("[1.5, -1e-7]", "[1.5,-1e-07]");
    }
    (void)setlocale(LC_ALL, "C");
    if (n == 0)
        tap_skip("no locale with another decimal point is installed");
}

static const char DOCUMENT[] =
    "{\"codebase_version\": \"v3.0\", \"fps\": 30, \"splits\": {\"train\": \"0:50\"},\n"
    " \"names\": [\"left_shoulder\", \"\\u00e9\\n\", null, true, false, -1.5e-3, NaN, -Infinity]}";

static void survive(const char *path, size_t at, void *ctx)
{
    (void)at;
    int *n_good = ctx;
    const struct et_json_options options = {.allow_nan = true};
    const struct et_arena_mark mark = et_arena_mark(arena);
    const struct et_value *v = NULL;
    memset(&err, 0, sizeof err);
    const enum et_status st = et_json_read(path, 1000, &options, arena, &v, &err);
    CHECK(st == ET_OK || (st == ET_ECORRUPT && err.at >= 0 && err.at <= (int64_t)sizeof DOCUMENT));
    CHECK((st == ET_OK) == (v != NULL));
    if (st == ET_OK) {
        (*n_good)++;
        const struct et_value *read = NULL;
        CHECK_OK(parse(again(v, 1), false, &read));
    }
    et_arena_rewind(arena, mark);
}

static void survives_every_cut(void)
{
    int n_good = 0;
    cut_at_every_byte(DOCUMENT, sizeof DOCUMENT - 1, 1, temp_path("cut.json"), survive, &n_good);
    CHECK_EQ(n_good, 0);
}

static void survives_every_flip(void)
{
    int n_good = 0;
    flip_every_byte(DOCUMENT, sizeof DOCUMENT - 1, 1, temp_path("flip.json"), survive, &n_good);
    CHECK(n_good > 0); // letters of names may change
}

static void too_many_values_are_refused_before_they_take_memory(void)
{
    const struct et_json_options three = {.n_values_max = 3};
    const struct et_value *value = NULL;
    CHECK_OK(et_json_parse(ET_STR("[1,2,\"a,b,[{:\"]"), &three, arena, &value, &err));
    CHECK_EQ(et_json_parse(ET_STR("[1,2,3,4]"), &three, arena, &value, &err), ET_ELIMIT);
    CHECK_HAS(err.text, "more than 3 values, at byte 6");
    CHECK_EQ(et_json_parse(ET_STR("[[[[[[[["), &three, arena, &value, &err), ET_ELIMIT);
}

int main(void)
{
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return 99;
    RUN(reads_every_kind);
    RUN(gives_what_was_asked_or_otherwise);
    RUN(reads_a_lone_scalar);
    RUN(says_where_a_text_is_wrong);
    RUN(refuses_texts_that_are_too_long);
    RUN(tells_a_nul_byte_from_the_end);
    RUN(reads_what_python_writes_for_nan);
    RUN(keeps_positions_true_beside_nan);
    RUN(refuses_what_is_nested_too_deeply);
    RUN(gives_back_the_arena_when_it_fails);
    RUN(reads_files_and_names_them);
    RUN(writes_piece_by_piece);
    RUN(writes_indented);
    RUN(escapes_what_json_cannot_hold);
    RUN(refuses_to_write_deeper_than_it_reads);
    RUN(writes_doubles_that_read_back);
    RUN(writes_short_doubles);
    RUN(reads_and_writes_alike_in_every_locale);
    RUN(survives_every_cut);
    RUN(survives_every_flip);
    RUN(too_many_values_are_refused_before_they_take_memory);
    et_arena_close(arena);
    return tap_end();
}

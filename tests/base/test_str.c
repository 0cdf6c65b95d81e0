#include "etude/str.h"
#include "support.h"
#include "tap.h"

#include <locale.h>
#include <stdlib.h>

static void compares_views(void)
{
    const struct et_str none = {NULL, 0};
    CHECK(et_str_eq(none, ET_STR("")));
    CHECK(et_str_eq(ET_STR("a\0b"), ET_STR("a\0b")));
    CHECK(!et_str_eq(ET_STR("a\0b"), ET_STR("a\0c")));
    CHECK(!et_str_eq(ET_STR("a"), ET_STR("ab")));
    CHECK(et_str_is(ET_STR("left"), "left"));
    CHECK(!et_str_is(ET_STR("left"), "lef"));
    CHECK(et_str_is(none, ""));
    CHECK(et_str_starts(ET_STR("left_arm"), "left"));
    CHECK(!et_str_starts(ET_STR("le"), "left"));
    CHECK(et_str_starts(none, ""));
    CHECK(et_str_ends(ET_STR("a.mp4"), ".mp4"));
    CHECK(!et_str_ends(ET_STR("mp4"), ".mp4"));
    CHECK(et_str_ends(none, ""));
    CHECK_EQ(et_str(NULL).n, 0);
}

static void orders_views_by_bytes(void)
{
    CHECK(et_str_cmp(ET_STR("a"), ET_STR("b")) < 0);
    CHECK(et_str_cmp(ET_STR("b"), ET_STR("a")) > 0);
    CHECK(et_str_cmp(ET_STR("a"), ET_STR("ab")) < 0);
    CHECK(et_str_cmp(ET_STR("ab"), ET_STR("a")) > 0);
    CHECK(et_str_cmp(ET_STR("\xff"), ET_STR("a")) > 0);
    CHECK_EQ(et_str_cmp((struct et_str){NULL, 0}, ET_STR("")), 0);
}

static void trims_white_space(void)
{
    CHECK(et_str_is(et_str_trim(ET_STR(" \t\r\na b\n ")), "a b"));
    CHECK(et_str_is(et_str_trim(ET_STR(" \n")), ""));
    CHECK(et_str_is(et_str_trim((struct et_str){NULL, 0}), ""));
}

static void cuts_into_parts(void)
{
    // clang-format off
    static const struct {
        const char *text;
        const char *parts[4];
    } CASES[] = {
        {"a,,b", {"a", "", "b"}},
        {"",     {NULL}},
        {"a",    {"a"}},
        {"a,",   {"a"}},
        {",a",   {"", "a"}},
        {",",    {""}},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_str rest = et_str(CASES[i].text), part;
        size_t n = 0;
        while (et_str_cut(&rest, ',', &part)) {
            CHECK(CASES[i].parts[n] && et_str_is(part, CASES[i].parts[n]));
            n++;
        }
        CHECK(CASES[i].parts[n] == NULL);
    }
}

static void reads_integers(void)
{
    // clang-format off
    static const struct {
        const char *text;
        bool is_good;
        int64_t value;
    } CASES[] = {
        {"0", true, 0}, {"-0", true, 0}, {"+7", true, 7}, {"007", true, 7}, {"-42", true, -42},
        {"9223372036854775807", true, INT64_MAX}, {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0}, {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0}, {"-", false, 0}, {"+", false, 0}, {" 1", false, 0}, {"1 ", false, 0},
        {"1.0", false, 0}, {"0x1", false, 0}, {"--1", false, 0}, {"1e3", false, 0},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        int64_t value = 99;
        CHECK_EQ(et_str_to_int64(et_str(CASES[i].text), &value), CASES[i].is_good);
        CHECK_EQ(value, CASES[i].is_good ? CASES[i].value : 99);
    }
}

static void reads_doubles_case(const char *text, bool is_good, double want)
{
    double value = 99.0;
    if (!CHECK(et_str_to_double(et_str(text), &value) == is_good))
        printf("#   %s\n", text);
    if (!is_good)
        want = 99.0;
    CHECK(isnan(want) ? isnan(value) : value == want && signbit(value) == signbit(want));
}

static void reads_doubles(void)
{
    reads_doubles_case("0", true, 0.0);
    reads_doubles_case("-0", true, -0.0);
    reads_doubles_case("0.1", true, 0.1);
    reads_doubles_case(".5", true, 0.5);
    reads_doubles_case("5.", true, 5.0);
    reads_doubles_case("+1e-07", true, 1e-7);
    reads_doubles_case("1E308", true, 1e308);
    reads_doubles_case("1e-320", true, 1e-320);
    reads_doubles_case("1e-999", true, 0.0);
    reads_doubles_case("inf", true, (double)INFINITY);
    reads_doubles_case("-Infinity", true, -(double)INFINITY);
    reads_doubles_case("NaN", true, (double)NAN);
    reads_doubles_case("1e309", false, 0);
    reads_doubles_case("", false, 0);
    reads_doubles_case(" 1", false, 0);
    reads_doubles_case("1 ", false, 0);
    reads_doubles_case("1,5", false, 0);
    reads_doubles_case("0x10", false, 0);
    reads_doubles_case("0x1p3", false, 0);
    reads_doubles_case("1.2.3", false, 0);
    reads_doubles_case("nan(0x1)", false, 0);
    reads_doubles_case("infinit", false, 0);
    reads_doubles_case("--1", false, 0);
    reads_doubles_case("e5", false, 0);
    reads_doubles_case(".", false, 0);
    reads_doubles_case("1e", false, 0);
}

static void reads_long_doubles_up_to_its_limit(void)
{
    char text[ET_DOUBLE_TEXT_MAX + 2];
    double value = 0.0;
    memset(text, '0', sizeof text);
    text[0] = '1';
    text[1] = '.';
    CHECK(et_str_to_double((struct et_str){text, ET_DOUBLE_TEXT_MAX}, &value) && value == 1.0);
    CHECK(!et_str_to_double((struct et_str){text, ET_DOUBLE_TEXT_MAX + 1}, &value));
}

static void reads_doubles_alike_in_every_locale(void)
{
    static const char *const NAMES[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    int n = 0;
    for (size_t i = 0; i < 3; i++) {
        if (!setlocale(LC_ALL, NAMES[i]))
            continue;
        n++;
        reads_doubles();
    }
    (void)setlocale(LC_ALL, "C");
    if (n == 0)
        tap_skip("no locale with another decimal point is installed");
}

static void knows_utf8(void)
{
    CHECK(et_str_is_utf8(ET_STR("")));
    CHECK(et_str_is_utf8(ET_STR("plain \x7f \xc2\x80 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbf")));
    CHECK(et_str_is_utf8(ET_STR("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf \xed\x9f\xbf \xee\x80\x80")));
    CHECK(!et_str_is_utf8(ET_STR("\x80")));
    CHECK(!et_str_is_utf8(ET_STR("\xc0\x80")));         // overlong
    CHECK(!et_str_is_utf8(ET_STR("\xc1\xbf")));         // overlong
    CHECK(!et_str_is_utf8(ET_STR("\xe0\x9f\xbf")));     // overlong
    CHECK(!et_str_is_utf8(ET_STR("\xf0\x8f\xbf\xbf"))); // overlong
    CHECK(!et_str_is_utf8(ET_STR("\xed\xa0\x80")));     // surrogate
    CHECK(!et_str_is_utf8(ET_STR("\xf4\x90\x80\x80"))); // beyond U+10FFFF
    CHECK(!et_str_is_utf8(ET_STR("\xf5\x80\x80\x80")));
    CHECK(!et_str_is_utf8(ET_STR("\xff")));
    CHECK(!et_str_is_utf8(ET_STR("\xe2\x82")));
    CHECK(!et_str_is_utf8(ET_STR("\xe2\x28\xa1")));
}

static void checks_names_from_outside(void)
{
    char many[ET_NAME_BYTES_MAX + 1];
    struct et_err err = {0};
    memset(many, 'n', sizeof many);
    CHECK_OK(et_name_check(ET_STR("left shoulder \xc3\xa9/1"), "a name", &err));
    CHECK_OK(et_name_check((struct et_str){many, ET_NAME_BYTES_MAX}, "a name", &err));
    CHECK_EQ(et_name_check((struct et_str){many, sizeof many}, "a name", &err), ET_ECORRUPT);
    CHECK_STR(err.text, "a name has 257 bytes, more than 256");
    CHECK_EQ(et_name_check(ET_STR(""), "a topic", &err), ET_ECORRUPT);
    CHECK_STR(err.text, "a topic is empty");
    CHECK_EQ(et_name_check(ET_STR("\xff"), "a topic", &err), ET_ECORRUPT);
    CHECK_STR(err.text, "a topic is not UTF-8");
    CHECK_EQ(et_name_check(ET_STR("a\nb"), "a topic", &err), ET_ECORRUPT);
    CHECK_STR(err.text, "a topic has a control character at byte 1");
    CHECK_EQ(et_name_check(ET_STR("a\0b"), "a topic", &err), ET_ECORRUPT);
    CHECK_EQ(et_name_check(ET_STR("a\x7f"), "a topic", &err), ET_ECORRUPT);
    CHECK_EQ(et_name_check(ET_STR("a\xc2\x9b"), "a topic", &err), ET_ECORRUPT);
}

static void knows_our_own_identifiers(void)
{
    char many[ET_NAME_BYTES_MAX + 1];
    memset(many, 'n', sizeof many);
    CHECK(et_name_is_own(ET_STR("left_arm.position-2")));
    CHECK(et_name_is_own((struct et_str){many, ET_NAME_BYTES_MAX}));
    CHECK(!et_name_is_own((struct et_str){many, ET_NAME_BYTES_MAX + 1}));
    CHECK(!et_name_is_own(ET_STR("")));
    CHECK(!et_name_is_own(ET_STR("Left")));
    CHECK(!et_name_is_own(ET_STR("a b")));
    CHECK(!et_name_is_own(ET_STR("a/b")));
}

static void guesses_what_was_meant(void)
{
    static const char *const WORDS[] = {"move", "grip", "hold", "follow", NULL};
    static const char *const NONE[] = {NULL};
    CHECK_EQ(et_str_distance(et_str("mvoe"), et_str("move")), 2);
    CHECK_EQ(et_str_distance(et_str(""), et_str("move")), 4);
    CHECK_EQ(et_str_distance(et_str("move"), et_str("move")), 0);
    CHECK_STR(et_str_nearest(et_str("mvoe"), WORDS), "move");
    CHECK_STR(et_str_nearest(et_str("holds"), WORDS), "hold");
    CHECK_STR(et_str_nearest(et_str(""), WORDS), "move");
    CHECK(et_str_nearest(et_str("move"), NONE) == NULL);

    // Words that differ behind their 48th byte are the same to it.
    char a[100], b[100];
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    b[60] = 'y';
    CHECK_EQ(et_str_distance((struct et_str){a, sizeof a}, (struct et_str){b, sizeof b}), 0);
}

static void builds_text(void)
{
    struct et_buf buf = et_buf(1000);
    CHECK_STR(et_buf_text(&buf), "");
    et_buf_putc(&buf, 'a');
    et_buf_puts(&buf, "bc");
    et_buf_put(&buf, "de", 2);
    et_buf_putstr(&buf, ET_STR("f"));
    et_buf_putstr(&buf, (struct et_str){NULL, 0});
    et_buf_printf(&buf, "-%03d", 7);
    CHECK_STR(et_buf_text(&buf), "abcdef-007");
    CHECK(et_str_is(et_buf_str(&buf), "abcdef-007"));
    CHECK_EQ(et_buf_check(&buf, "a text", NULL), ET_OK);
    et_buf_clear(&buf);
    CHECK_STR(et_buf_text(&buf), "");
    char *to = et_buf_reserve(&buf, 3);
    if (CHECK(to != NULL)) {
        memcpy(to, "xyz", 3);
        buf.n += 3;
    }
    CHECK_STR(et_buf_text(&buf), "xyz");
    et_buf_free(&buf);
    CHECK(buf.p == NULL && buf.n == 0 && buf.limit == 1000);
    et_buf_free(&buf);
    et_buf_free(NULL);
}

static void holds_its_limit_and_not_a_byte_more(void)
{
    for (size_t limit = 0; limit < 600; limit++) {
        struct et_buf buf = et_buf(limit);
        for (size_t i = 0; i < limit; i++)
            et_buf_putc(&buf, 'x');
        CHECK_EQ(buf.status, ET_OK);
        CHECK_EQ(strlen(et_buf_text(&buf)), limit);
        et_buf_putc(&buf, 'x');
        CHECK_EQ(buf.status, ET_ELIMIT);
        CHECK_EQ(buf.n, limit);
        et_buf_free(&buf);
    }
}

static void stays_failed_until_cleared(void)
{
    struct et_err err = {0};
    struct et_buf buf = et_buf(4);
    et_buf_puts(&buf, "ab");
    et_buf_printf(&buf, "%s", "cde");
    et_buf_putc(&buf, 'f');
    CHECK_EQ(buf.n, 2);
    CHECK_STR(et_buf_text(&buf), "");
    CHECK(et_buf_reserve(&buf, 1) == NULL);
    CHECK_EQ(et_buf_check(&buf, "a page", &err), ET_ELIMIT);
    CHECK_STR(err.text, "a page would take more than the limit of 4 bytes");
    et_buf_clear(&buf);
    et_buf_puts(&buf, "abcd");
    CHECK_STR(et_buf_text(&buf), "abcd");
    et_buf_free(&buf);

    buf = et_buf(SIZE_MAX);
    CHECK(et_buf_reserve(&buf, SIZE_MAX) == NULL);
    CHECK_EQ(buf.status, ET_ELIMIT);
    et_buf_free(&buf);
}

int main(void)
{
    RUN(compares_views);
    RUN(orders_views_by_bytes);
    RUN(trims_white_space);
    RUN(cuts_into_parts);
    RUN(reads_integers);
    RUN(reads_doubles);
    RUN(reads_long_doubles_up_to_its_limit);
    RUN(reads_doubles_alike_in_every_locale);
    RUN(knows_utf8);
    RUN(checks_names_from_outside);
    RUN(knows_our_own_identifiers);
    RUN(guesses_what_was_meant);
    RUN(builds_text);
    RUN(holds_its_limit_and_not_a_byte_more);
    RUN(stays_failed_until_cleared);
    return tap_end();
}

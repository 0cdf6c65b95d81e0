#include "etude/report.h"

#include "demo.h"
#include "html_check.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define LIMIT (8u << 20)
#define COARSE 40              // the demo with few points
#define NO_VALUE ((double)NAN) // the constant of C is a float

// Names, numbers and notes of a data set may hold any of this; none of it may act.
static const char HOSTILE[] =
    "</title></style><script>alert(1)</script>\"'><img src=x onerror=\"a()\">"
    "&amp;&\x01\x1b[31m\x7f\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80"
    "\xe2\x80\xae}-->]]>{{x}}\xe4\xb8\xad";

static bool should_update;

static void check_whole(struct et_buf *buf)
{
    char why[256] = "";
    CHECK_EQ(buf->status, ET_OK);
    if (!CHECK(html_is_whole(et_buf_text(buf), why, sizeof why)))
        printf("#   %s\n", why);
    CHECK(et_str_is_utf8(et_buf_str(buf)));
    CHECK(!memchr(buf->p, 0, buf->n));
}

static const char *escaped(struct et_str text)
{
    static char kept[256];
    struct et_buf buf = et_buf(LIMIT);
    et_html_escape(&buf, text);
    snprintf(kept, sizeof kept, "%s", et_buf_text(&buf));
    et_buf_free(&buf);
    return kept;
}

static void escapes_what_has_a_meaning_in_html(void)
{
    CHECK_STR(escaped(ET_STR("")), "");
    CHECK_STR(escaped((struct et_str){NULL, 0}), "");
    CHECK_STR(escaped(ET_STR("plain, 中 é 🤖")), "plain, 中 é 🤖");
    CHECK_STR(escaped(ET_STR("<a href=\"x\">'&'</a>")),
              "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

static void makes_spaces_of_control_characters(void)
{
    CHECK_STR(escaped(ET_STR("a\tb\nc\rd\x1b"
                             "e\x7f"
                             "f")),
              "a b c d e f");
    CHECK_STR(escaped((struct et_str){"a\0b", 3}), "a b");
    CHECK_STR(escaped(ET_STR("a\xc2\x85z")), "a z");                  // U+0085, of the second set
    CHECK_STR(escaped(ET_STR("a\xe2\x80\xaez\xe2\x81\xa6")), "a z "); // U+202E, U+2066
    CHECK_STR(escaped(ET_STR("a\xe2\x80\xafz")), "a\xe2\x80\xafz");   // U+202F is a space already
}

static void replaces_what_is_not_utf8(void)
{
    static const char *const WRONG[] = {"\x80",
                                        "\xff",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x80\x80",
                                        "\xed\xa0\x80",
                                        "\xf0\x80\x80\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xe4\xb8",
                                        "\xf0\x9f\xa4",
                                        "\xc3"};

    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        struct et_buf want = et_buf(64);
        for (size_t j = 0; j < strlen(WRONG[i]); j++)
            et_buf_puts(&want, "\xef\xbf\xbd");
        CHECK_STR(escaped(et_str(WRONG[i])), et_buf_text(&want));
        et_buf_free(&want);
    }
    CHECK_STR(escaped(ET_STR("\xe4<")), "\xef\xbf\xbd&lt;");
}

// The demo, but with a hostile text wherever one goes.
static void put_hostile_parts(struct et_page *page)
{
    const struct et_cell cells[] = {{HOSTILE, ET_MARK_WARN, HOSTILE},
                                    {HOSTILE, ET_MARK_NONE, NULL}};
    const double y[] = {1, 2};
    const struct et_line line = {HOSTILE, NULL, y, 2, 0, false, false};
    const struct et_band band = {0, 1, ET_MARK_CRIT, HOSTILE};
    const struct et_lane lane = {HOSTILE, &band, 1};
    char heads[sizeof HOSTILE * 2 + 8];

    snprintf(heads, sizeof heads, ">%s|%s", HOSTILE, HOSTILE);
    et_page_section(page, HOSTILE, HOSTILE);
    et_page_text(page, HOSTILE);
    et_page_marked(page, ET_MARK_CRIT, HOSTILE);
    et_page_cards_open(page);
    et_page_card(page, HOSTILE, HOSTILE, ET_MARK_IDLE);
    et_page_cards_close(page);
    et_page_table_open(page, heads);
    et_page_row(page, cells, 2);
    et_page_table_close(page);
    et_page_plot(page, &(struct et_plot){HOSTILE, HOSTILE, HOSTILE, &line, 1, &band, 1, 0});
    et_page_histogram(page, HOSTILE, HOSTILE, y, 2, 3);
    et_page_lanes(page, HOSTILE, 0, 1, HOSTILE, &lane, 1);
    et_page_picture(page, et_str(HOSTILE), HOSTILE);
    et_page_picture(page, ET_STR("\xff\xd8\xff"), HOSTILE);
    et_page_fold_open(page, "other", HOSTILE, ET_MARK_OK, true);
    et_page_text(page, HOSTILE);
}

static void no_text_can_leave_its_place(void)
{
    struct et_buf buf = et_buf(LIMIT);
    struct et_page page = {.buf = &buf};

    et_page_open(&page, HOSTILE, HOSTILE);
    put_hostile_parts(&page);
    et_page_close(&page);
    check_whole(&buf);
    CHECK(!strstr(et_buf_text(&buf), "<script"));
    CHECK(!strstr(et_buf_text(&buf), "<img src=x"));
    et_buf_free(&buf);
}

static void takes_null_for_every_text(void)
{
    struct et_buf buf = et_buf(LIMIT);
    struct et_page page = {.buf = &buf};
    const struct et_cell cell = {NULL, ET_MARK_NONE, NULL};
    const double y[] = {1, 2};
    const struct et_line lines[] = {{NULL, NULL, y, 2, 0, false, false},
                                    {NULL, NULL, NULL, 2, 0, true, false}};
    const struct et_band band = {0, 1, ET_MARK_CRIT, NULL};
    const struct et_lane lane = {NULL, &band, 1};

    et_page_open(&page, NULL, NULL);
    et_page_section(&page, NULL, NULL);
    et_page_text(&page, NULL);
    et_page_marked(&page, ET_MARK_NONE, NULL);
    et_page_card(&page, NULL, NULL, ET_MARK_NONE);
    et_page_table_open(&page, NULL);
    et_page_row(&page, &cell, 1);
    et_page_row(&page, NULL, 0);
    et_page_plot(&page,
                 &(struct et_plot){.lines = lines, .n_lines = 2, .bands = &band, .n_bands = 1});
    et_page_plot(&page, &(struct et_plot){.title = NULL});
    et_page_histogram(&page, NULL, NULL, NULL, 5, 0);
    et_page_lanes(&page, NULL, 0, 1, NULL, &lane, 1);
    et_page_lanes(&page, NULL, NO_VALUE, 1, NULL, NULL, 0);
    et_page_picture(&page, (struct et_str){NULL, 0}, NULL);
    et_page_fold_open(&page, NULL, NULL, ET_MARK_NONE, false);
    et_page_close(&page);
    check_whole(&buf);
    et_buf_free(&buf);
}

static void closes_what_was_left_open(void)
{
    struct et_buf buf = et_buf(LIMIT);
    struct et_page page = {.buf = &buf};
    const struct et_cell cell = {"x", ET_MARK_NONE, NULL};

    et_page_open(&page, "t", "");
    et_page_cards_open(&page);
    et_page_table_open(&page, "a");
    et_page_pictures_open(&page);
    et_page_fold_open(&page, NULL, "one", ET_MARK_OK, false);
    et_page_card(&page, "1", "without open", ET_MARK_OK);
    et_page_row(&page, &cell, 1);
    et_page_fold_open(&page, NULL, "two", ET_MARK_OK, false);
    et_page_picture(&page, (struct et_str){NULL, 0}, "without open");
    et_page_section(&page, "s", "Section");
    et_page_table_open(&page, "a|b");
    et_page_cards_close(&page); // closes nothing: a table is open
    et_page_pictures_close(&page);
    et_page_row(&page, &cell, 1);
    et_page_table_close(&page);
    et_page_table_close(&page);
    et_page_fold_close(&page);
    et_page_section(&page, "s2", "Section");
    et_page_table_open(&page, "a");
    et_page_close(&page);
    check_whole(&buf);
    et_buf_free(&buf);
}

static void links_its_sections_in_order(void)
{
    struct et_buf buf = et_buf(LIMIT);
    struct et_page page = {.buf = &buf};

    et_page_open(&page, "t", NULL);
    et_page_section(&page, "one", "First & foremost");
    et_page_text(&page, "a");
    et_page_section(&page, NULL, "Second");
    et_page_section(&page, "Three 3", "Third");
    et_page_close(&page);
    CHECK_HAS(et_buf_text(&buf),
              "<nav aria-label=\"Sections\"><a href=\"#one\">First &amp; foremost</a>"
              "<a href=\"#S2\">Second</a><a href=\"#three-3\">Third</a></nav>");
    check_whole(&buf);

    et_buf_clear(&buf);
    et_page_open(&page, "t", NULL);
    for (int i = 0; i < 3 * ET_PAGE_LINKS_MAX; i++)
        et_page_section(&page, NULL, "More");
    et_page_close(&page);
    check_whole(&buf);
    CHECK_HAS(et_buf_text(&buf), "<a href=\"#S64\">");
    CHECK(!strstr(et_buf_text(&buf), "<a href=\"#S65\">"));
    et_buf_free(&buf);
}

static size_t count(const char *text, const char *words)
{
    size_t n = 0;
    for (const char *p = strstr(text, words); p; p = strstr(p + 1, words))
        n++;
    return n;
}

static void rows_have_as_many_cells_as_heads(void)
{
    struct et_buf buf = et_buf(LIMIT);
    struct et_page page = {.buf = &buf};
    const struct et_cell cells[] = {{"a", ET_MARK_NONE, NULL},
                                    {"12", ET_MARK_WARN, "there"},
                                    {"", ET_MARK_OK, NULL},
                                    {"d", ET_MARK_NONE, NULL}};

    et_page_open(&page, "t", NULL);
    et_page_section(&page, "there", "There");
    const size_t from = buf.n;
    et_page_table_open(&page, "name|>number|state");
    et_page_row(&page, cells, 4);
    et_page_row(&page, cells, 1);
    et_page_table_close(&page);
    const char *table = et_buf_text(&buf) + from;
    CHECK_EQ(count(table, "<tr>"), 3);
    CHECK_EQ(count(table, "</td>"), 4);
    CHECK_EQ(count(table, "scope=\"row\""), 2);
    CHECK_EQ(count(table, "scope=\"col\""), 3);
    CHECK_HAS(table, "aria-label=\"Table: name, number, state\"");
    CHECK_EQ(count(table, "class=\"r\""), 3);
    CHECK_HAS(table, "<td class=\"r\"><a href=\"#there\"><span class=\"st warn\">");
    CHECK_HAS(table, "●</span>ok</span></td>"); // a mark without text shows its word
    et_page_close(&page);
    check_whole(&buf);
    et_buf_free(&buf);
}

static void says_every_mark_with_a_sign_and_a_word(void)
{
    static const char *const WORDS[] = {"ok: ", "note: ", "warning: ", "critical: ", "idle: "};
    static const char *const SIGNS[] = {"●", "◆", "▲", "■", "○"};

    for (int i = 0; i < 5; i++) {
        struct et_buf buf = et_buf(LIMIT);
        struct et_page page = {.buf = &buf};
        et_page_marked(&page, (enum et_mark)(i + 1), "text");
        CHECK_HAS(et_buf_text(&buf), WORDS[i]);
        CHECK_HAS(et_buf_text(&buf), SIGNS[i]);
        et_buf_free(&buf);
    }
    struct et_buf buf = et_buf(LIMIT);
    struct et_page page = {.buf = &buf};
    et_page_marked(&page, (enum et_mark)99, "text");
    CHECK_HAS(et_buf_text(&buf), "class=\"mk none\"");
    et_buf_free(&buf);
}

static size_t decode_base64(const char *from, unsigned char *to)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    unsigned bits = 0, n_bits = 0;

    for (; *from && *from != '"' && *from != '='; from++) {
        bits = bits << 6 | (unsigned)(strchr(DIGITS, *from) - DIGITS);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            to[n++] = (unsigned char)(bits >> n_bits);
        }
    }
    return n;
}

static void embeds_pictures_byte_for_byte(void)
{
    char bytes[64] = "\x89PNG\r\n\x1a\n";
    unsigned char back[80];

    for (size_t i = 8; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 37);
    for (size_t n = 8; n <= sizeof bytes; n++) {
        struct et_buf buf = et_buf(LIMIT);
        struct et_page page = {.buf = &buf};
        et_page_picture(&page, (struct et_str){bytes, n}, "a");
        const char *at = strstr(et_buf_text(&buf), "data:image/png;base64,");
        if (CHECK(at)) {
            CHECK_EQ(decode_base64(at + 22, back), n);
            CHECK(memcmp(back, bytes, n) == 0);
            CHECK_EQ(strcspn(at + 22, "\"") % 4, 0);
        }
        et_buf_free(&buf);
    }
}

static void embeds_only_what_is_a_picture(void)
{
    struct et_buf buf = et_buf(LIMIT);
    struct et_page page = {.buf = &buf};

    et_page_picture(&page, ET_STR("\xff\xd8\xff\xe0"), "jpeg");
    CHECK_HAS(et_buf_text(&buf), "src=\"data:image/jpeg;base64,/9j/4A==\"");
    et_buf_clear(&buf);
    et_page_picture(&page, ET_STR("<svg onload=\"alert(1)\">"), "svg");
    CHECK_HAS(et_buf_text(&buf), "neither JPEG nor PNG");
    CHECK(!strstr(et_buf_text(&buf), "src="));
    et_buf_clear(&buf);
    et_page_picture(&page, (struct et_str){NULL, 0}, "none");
    CHECK_HAS(et_buf_text(&buf), "no picture");
    et_buf_free(&buf);
}

static void a_film_is_an_mp4_with_its_poster(void)
{
    struct et_buf buf = et_buf(LIMIT);
    struct et_page page = {.buf = &buf};

    et_page_film(&page,
                 (struct et_str){"\0\0\0\x18"
                                 "ftypisom",
                                 12},
                 ET_STR("\xff\xd8\xff\xe0"), HOSTILE);
    CHECK_HAS(et_buf_text(&buf), "poster=\"data:image/jpeg;base64,/9j/4A==\"");
    CHECK_HAS(et_buf_text(&buf), "src=\"data:video/mp4;base64,AAAAGGZ0eXBpc29t\"");
    CHECK(!strstr(et_buf_text(&buf), HOSTILE));
    et_buf_clear(&buf);
    et_page_film(&page, ET_STR("<svg onload=\"alert(1)\">"), ET_STR(""), "no film");
    CHECK_HAS(et_buf_text(&buf), "not MP4");
    et_page_film(&page, ET_STR(""), ET_STR(""), "none");
    CHECK_HAS(et_buf_text(&buf), "no film");
    CHECK(!strstr(et_buf_text(&buf), "src="));
    et_buf_free(&buf);
}

static void a_limit_fails_for_good_and_never_grows(void)
{
    struct et_buf whole = et_buf(LIMIT);
    demo_page(&whole, COARSE);
    check_whole(&whole);
    for (size_t limit = 0; limit < whole.n; limit += 61) {
        struct et_buf buf = et_buf(limit);
        struct et_err err = {0};
        demo_page(&buf, COARSE);
        CHECK_EQ(buf.status, ET_ELIMIT);
        CHECK(buf.n <= limit);
        CHECK_EQ(et_buf_check(&buf, "the report", &err), ET_ELIMIT);
        et_buf_free(&buf);
    }
    et_buf_free(&whole);
}

static void the_same_calls_give_the_same_bytes(void)
{
    struct et_buf first = et_buf(LIMIT), second = et_buf(LIMIT);
    demo_page(&first, 1);
    demo_page(&second, 1);
    check_whole(&first);
    CHECK(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
    write_file(temp_path("report.html"), first.p, first.n);
    CHECK(file_exists(temp_path("report.html")));
    et_buf_free(&first);
    et_buf_free(&second);
}

static void is_the_page_it_was(void)
{
    const char *path = source_path("tests/golden/report/demo.html");
    struct et_buf buf = et_buf(LIMIT);
    size_t n = 0;

    demo_page(&buf, COARSE);
    if (should_update)
        write_file(path, buf.p, buf.n);
    char *golden = read_file(path, &n);
    if (CHECK(golden)) {
        size_t at = 0;
        while (at < n && at < buf.n && golden[at] == buf.p[at])
            at++;
        if (!CHECK(n == buf.n && at == n))
            printf("#   differs at byte %zu: \"%.60s\"; --update rewrites %s\n", at,
                   at < buf.n ? et_buf_text(&buf) + at : "", path);
    }
    free(golden);
    et_buf_free(&buf);
}

static void asks_nothing_of_a_network(void)
{
    struct et_buf buf = et_buf(LIMIT);
    demo_page(&buf, COARSE);
    const char *text = et_buf_text(&buf);
    CHECK_HAS(text, "default-src 'none'");
    CHECK(!strstr(text, "http:") && !strstr(text, "https:") && !strstr(text, "url(") &&
          !strstr(text, "@import"));
    et_buf_free(&buf);
}

// Relative luminance and contrast: WCAG 2.1, section 1.4.3.
static double luminance(const char *hex)
{
    static const double WEIGHTS[] = {0.2126, 0.7152, 0.0722};
    double sum = 0;

    for (int i = 0; i < 3; i++) {
        const char pair[3] = {hex[1 + 2 * i], hex[2 + 2 * i], 0};
        const double c = (double)strtol(pair, NULL, 16) / 255;
        sum += WEIGHTS[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
}

static double contrast(const char *palette, const char *a, const char *b)
{
    char name_a[32], name_b[32];

    snprintf(name_a, sizeof name_a, "--%s:#", a);
    snprintf(name_b, sizeof name_b, "--%s:#", b);
    const char *at_a = strstr(palette, name_a), *at_b = strstr(palette, name_b);
    if (!CHECK(at_a && at_b))
        return 0;
    const double l_a = luminance(at_a + strlen(name_a) - 1);
    const double l_b = luminance(at_b + strlen(name_b) - 1);
    return (fmax(l_a, l_b) + 0.05) / (fmin(l_a, l_b) + 0.05);
}

static void every_colour_can_be_told_from_its_ground(void)
{
    static const char *const TEXTS[] = {"text", "text-2", "text-3", "accent", "ok",
                                        "info", "warn",   "crit",   "idle"};
    static const char *const GROUNDS[] = {"bg-0", "bg-1", "bg-2", "bg-3"};
    static const char *const SIGNS[] = {"ok", "info", "warn", "crit", "idle"};
    static const char *const SCHEMES[] = {"color-scheme:dark;", "color-scheme:light;"};
    struct et_buf buf = et_buf(LIMIT);

    demo_page(&buf, COARSE);
    for (int scheme = 0; scheme < 2; scheme++) {
        const char *palette = strstr(et_buf_text(&buf), SCHEMES[scheme]);
        for (size_t i = 0; i < 9; i++)
            for (size_t j = 0; j < 4; j++)
                CHECK(contrast(palette, TEXTS[i], GROUNDS[j]) >= 4.5);
        for (size_t i = 0; i < 5; i++) {
            char ground[32];
            snprintf(ground, sizeof ground, "%s-bg", SIGNS[i]);
            CHECK(contrast(palette, SIGNS[i], ground) >= 4.5);
            CHECK(contrast(palette, "text", ground) >= 4.5);
        }
        for (int i = 0; i < 8; i++)
            CHECK(contrast(palette, (const char[]){'c', (char)('0' + i), 0}, "bg-1") >= 3.1);
    }
    et_buf_free(&buf);
}

static int write_demo(const char *path)
{
    struct et_buf buf = et_buf(LIMIT);
    demo_page(&buf, 1);
    write_file(path, buf.p, buf.n);
    et_buf_free(&buf);
    return 0;
}

int main(int n_args, char **args)
{
    if (n_args == 3 && strcmp(args[1], "--demo") == 0)
        return write_demo(args[2]);
    should_update = n_args == 2 && strcmp(args[1], "--update") == 0;
    RUN(escapes_what_has_a_meaning_in_html);
    RUN(makes_spaces_of_control_characters);
    RUN(replaces_what_is_not_utf8);
    RUN(no_text_can_leave_its_place);
    RUN(takes_null_for_every_text);
    RUN(closes_what_was_left_open);
    RUN(links_its_sections_in_order);
    RUN(rows_have_as_many_cells_as_heads);
    RUN(says_every_mark_with_a_sign_and_a_word);
    RUN(embeds_pictures_byte_for_byte);
    RUN(embeds_only_what_is_a_picture);
    RUN(a_film_is_an_mp4_with_its_poster);
    RUN(a_limit_fails_for_good_and_never_grows);
    RUN(the_same_calls_give_the_same_bytes);
    RUN(is_the_page_it_was);
    RUN(asks_nothing_of_a_network);
    RUN(every_colour_can_be_told_from_its_ground);
    return tap_end();
}

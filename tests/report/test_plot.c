#include "etude/report.h"

#include "html_check.h"
#include "report/report__svg.h"
#include "support.h"
#include "tap.h"

#include <limits.h>
#include <locale.h>
#include <stdlib.h>

#define LIMIT (8u << 20)
#define HUGE_VALUE 1.7e308
#define TINY_VALUE 5e-324
#define NO_VALUE ((double)NAN) // the constant of C is a float
#define INFINITE HUGE_VAL

static const char *decimal(int64_t mantissa, int power)
{
    static char kept[64];
    struct et_buf buf = et_buf(LIMIT);
    et__put_decimal(&buf, mantissa, power);
    snprintf(kept, sizeof kept, "%s", et_buf_text(&buf));
    et_buf_free(&buf);
    return kept;
}

static const char *number(double value, int n_digits)
{
    static char kept[64];
    struct et_buf buf = et_buf(LIMIT);
    et__put_number(&buf, value, n_digits);
    snprintf(kept, sizeof kept, "%s", et_buf_text(&buf));
    et_buf_free(&buf);
    return kept;
}

static void writes_decimals_as_a_person_would(void)
{
    CHECK_STR(decimal(0, 0), "0");
    CHECK_STR(decimal(5, 0), "5");
    CHECK_STR(decimal(-5, -1), "−0.5");
    CHECK_STR(decimal(10, -1), "1.0"); // a tick keeps the digits of its step
    CHECK_STR(decimal(25, -2), "0.25");
    CHECK_STR(decimal(1, -5), "0.00001");
    CHECK_STR(decimal(1, -6), "1e−6");
    CHECK_STR(decimal(12, 2), "1200");
    CHECK_STR(decimal(12, 3), "12\u202f000");
    CHECK_STR(decimal(123456789, 0), "123\u202f456\u202f789");
    CHECK_STR(decimal(-123456789, -3), "−123\u202f456.789");
    CHECK_STR(decimal(1, 11), "100\u202f000\u202f000\u202f000");
    CHECK_STR(decimal(15, 11), "1.5e12");
    CHECK_STR(decimal(1, 300), "1e300");
    CHECK_STR(decimal(INT64_MIN, 0), "−9.223372036854775808e18");
}

static void writes_numbers_with_their_significant_digits(void)
{
    CHECK_STR(number(0, 4), "0");
    CHECK_STR(number(-0.0, 4), "0");
    CHECK_STR(number(0.1 + 0.2, 4), "0.3");
    CHECK_STR(number(1234.56, 4), "1235");
    CHECK_STR(number(-98765.4, 4), "−98\u202f770");
    CHECK_STR(number(9.99996, 5), "10");
    CHECK_STR(number(1e-9, 3), "1e−9");
    CHECK_STR(number(HUGE_VALUE, 3), "1.7e308");
    CHECK_STR(number(TINY_VALUE, 3), "4.94e−324");
    CHECK_STR(number(NO_VALUE, 3), "not a number");
    CHECK_STR(number(INFINITE, 3), "infinity");
    CHECK_STR(number(-INFINITE, 3), "−infinity");
}

static void writes_the_same_in_a_locale_with_a_comma(void)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8")) {
        tap_skip("no locale with a comma");
        return;
    }
    CHECK_STR(number(1.25, 4), "1.25");
    CHECK_STR(decimal(25, -2), "0.25");
    (void)setlocale(LC_ALL, "C");
}

static void chooses_ticks_at_one_two_and_five(void)
{
    static const struct {
        double first, last, n_ticks;
        int mantissa, power;
        size_t n;
    } CASES[] = {
        {0, 10, 5, 2, 0, 6},         {0, 10, 10, 1, 0, 11},      {0, 1, 4, 5, -1, 3},
        {-1, 1, 8, 5, -1, 5},        {0, 29, 9, 5, 0, 6},        {0.1, 0.3, 4, 5, -2, 5},
        {1e9, 1e9 + 1, 2, 5, -1, 3}, {-3e-7, 4e-7, 7, 1, -7, 8}, {-1e300, 1e300, 4, 5, 299, 5},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et__axis axis =
            et__axis((struct et__range){CASES[i].first, CASES[i].last}, 0, CASES[i].n_ticks, -400);
        CHECK_EQ(axis.mantissa, CASES[i].mantissa);
        CHECK_EQ(axis.power, CASES[i].power);
        CHECK_EQ(axis.n_ticks, CASES[i].n);
    }
}

static void has_some_ticks_inside_every_range(void)
{
    struct rng rng = {1};

    for (int i = 0; i < 20000; i++) {
        const double size = pow(10, 600 * rng_uniform(&rng) - 300);
        const double at = rng_uniform(&rng) < 0.5 ? 0 : size * pow(10, 13 * rng_uniform(&rng));
        struct et__range range = ET__RANGE_EMPTY;
        et__range_add(&range, at);
        et__range_add(&range, at + size * (rng_uniform(&rng) - 0.5));
        const double n_ticks = 2 + 10 * rng_uniform(&rng);
        const struct et__axis axis = et__axis(range, 0.05, n_ticks, -400);
        CHECK(axis.first < axis.last && isfinite(axis.first) && isfinite(axis.last));
        CHECK(axis.first <= range.first && axis.last >= range.last);
        CHECK(axis.n_ticks >= 2 && (double)axis.n_ticks <= n_ticks + 5);
        CHECK(et__axis_share(&axis, range.first) >= 0 && et__axis_share(&axis, range.last) <= 1);
        for (size_t k = 0; k + 1 < axis.n_ticks; k++)
            CHECK(et__axis_tick(&axis, k) < et__axis_tick(&axis, k + 1));
    }
}

/* A path as absolute points; a move begins a run. */
struct walk {
    size_t n_points, n_runs;
    long min_x, max_x, min_y, max_y;
};

static struct walk walk(const char *d)
{
    struct walk walk = {0, 0, LONG_MAX, LONG_MIN, LONG_MAX, LONG_MIN};
    long x = 0, y = 0;
    bool is_move = false;

    while (*d && *d != '"') {
        if (*d == 'M' || *d == 'l') {
            is_move = *d++ == 'M';
            walk.n_runs += is_move;
        } else if (*d == 'h') {
            d += 2;
            continue;
        }
        char *end;
        const long dx = strtol(d, &end, 10);
        const long dy = strtol(end, &end, 10);
        if (!CHECK(end > d))
            break;
        x = is_move ? dx : x + dx;
        y = is_move ? dy : y + dy;
        d = end;
        walk.n_points++;
        walk.min_x = x < walk.min_x ? x : walk.min_x;
        walk.max_x = x > walk.max_x ? x : walk.max_x;
        walk.min_y = y < walk.min_y ? y : walk.min_y;
        walk.max_y = y > walk.max_y ? y : walk.max_y;
    }
    return walk;
}

/* A page with one plot, whole and well-formed; the caller frees buf. */
static void put_plot(struct et_buf *buf, const struct et_plot *plot)
{
    struct et_page page = {.buf = buf};
    char why[256] = "";

    et_buf_clear(buf);
    et_page_open(&page, "t", NULL);
    et_page_plot(&page, plot);
    et_page_close(&page);
    CHECK_EQ(buf->status, ET_OK);
    if (!CHECK(html_is_whole(et_buf_text(buf), why, sizeof why)))
        printf("#   %s\n", why);
}

// What follows the first "<path d=" of the lines, and of their dots.
static const char *path_in(struct et_buf *buf, const char *which)
{
    const char *lines = strstr(et_buf_text(buf), "<g class=\"sr\">");
    const char *path = lines ? strstr(lines, which) : NULL;
    return path ? path + strlen(which) : NULL;
}
#define LINE_PATH "<path d=\""
#define DOT_PATH "<path class=\"dot\" d=\""

static void check_line(const double *x, const double *y, size_t n, struct walk want)
{
    struct et_buf buf = et_buf(LIMIT);
    const struct et_line line = {"a", x, y, n, 0, false, false};

    put_plot(&buf, &(struct et_plot){.title = "t", .lines = &line, .n_lines = 1});
    const struct walk got = walk(path_in(&buf, LINE_PATH));
    CHECK_EQ(got.n_points, want.n_points);
    CHECK_EQ(got.n_runs, want.n_runs);
    CHECK(got.n_points == 0 || (got.min_x >= 0 && got.max_x <= ET__X_UNITS));
    CHECK(got.n_points == 0 || (got.min_y >= 0 && got.max_y <= 1800));
    et_buf_free(&buf);
}

static void draws_every_point_of_a_short_line(void)
{
    const double y[] = {0, 1, 0.5, 2};
    const double x[] = {0, 5, 7, 20};
    check_line(NULL, y, 4, (struct walk){.n_points = 4, .n_runs = 1});
    check_line(x, y, 4, (struct walk){.n_points = 4, .n_runs = 1});
}

static void breaks_at_what_is_not_finite(void)
{
    const double y[] = {NO_VALUE, 1, 2, NO_VALUE, NO_VALUE, 3, 4, INFINITE, 5, 6, -INFINITE};
    const double x[] = {0, 1, NO_VALUE, 3, 4, 5, 6, 7, 8, 9, 10};
    check_line(NULL, y, 11, (struct walk){.n_points = 6, .n_runs = 3});
    check_line(x, y, 11, (struct walk){.n_points = 5, .n_runs = 3});
}

static void shows_a_lone_point_as_a_dot(void)
{
    const double y[] = {1, NO_VALUE, 2, 3, NO_VALUE, 4, NO_VALUE};
    const struct et_line line = {"a", NULL, y, 7, 0, false, false};
    struct et_buf buf = et_buf(LIMIT);

    put_plot(&buf, &(struct et_plot){.title = "t", .lines = &line, .n_lines = 1});
    const char *dots = path_in(&buf, DOT_PATH);
    if (CHECK(dots))
        CHECK_EQ(walk(dots).n_points, 2);
    et_buf_free(&buf);
}

static void points_are_dots_each(void)
{
    const double y[] = {1, NO_VALUE, 2, 3, 1}, x[] = {4, 0, 1, 3, 4};
    const struct et_line line = {.name = "a", .x = x, .y = y, .n = 5, .is_points = true};
    struct et_buf buf = et_buf(LIMIT);

    put_plot(&buf, &(struct et_plot){.title = "t", .lines = &line, .n_lines = 1});
    const char *dots = path_in(&buf, DOT_PATH);
    if (CHECK(dots))
        CHECK_EQ(walk(dots).n_points, 4);
    et_buf_free(&buf);
}

static void stands_every_series(void)
{
    static const struct {
        size_t n;
        double y[5];
    } SERIES[] = {
        {0, {0}},
        {1, {7}},
        {1, {NO_VALUE}},
        {1, {-INFINITE}},
        {5, {3, 3, 3, 3, 3}},
        {5, {0, 0, 0, 0, 0}},
        {5, {-0.0, 0, -0.0, 0, 0}},
        {5, {NO_VALUE, NO_VALUE, NO_VALUE, INFINITE, -INFINITE}},
        {5, {HUGE_VALUE, -HUGE_VALUE, 0, 1, -1}},
        {5, {TINY_VALUE, -TINY_VALUE, 0, 0, TINY_VALUE}},
        {5, {1e15, 1e15 + 1, 1e15 + 2, 1e15, 1e15}},
        {5, {1e16, 1e16, 1e16 + 2, 1e16, 1e16}},
        {5, {1e300, 1e300, 1e300, NO_VALUE, 1e300}},
        {5, {-1e-300, 1e-300, 0, 0, 0}},
    };
    const size_t n_series = sizeof SERIES / sizeof *SERIES;
    struct et_buf buf = et_buf(LIMIT);

    for (size_t i = 0; i < n_series; i++) {
        for (size_t j = 0; j < n_series; j++) {
            const size_t n = SERIES[j].n < SERIES[i].n ? SERIES[j].n : SERIES[i].n;
            const struct et_line lines[] = {{"a", SERIES[j].y, SERIES[i].y, n, 0, false, false},
                                            {"b", NULL, SERIES[i].y, SERIES[i].n, 0, true, false}};
            const struct et_band band = {SERIES[j].y[0], SERIES[i].y[0], ET_MARK_WARN, "band"};
            put_plot(&buf, &(struct et_plot){"t", "x", "y", lines, 2, &band, 1, SERIES[j].y[0]});
            put_plot(&buf, &(struct et_plot){"t", "x", "y", NULL, 0, &band, 1, 0});
            const char *text = et_buf_text(&buf);
            CHECK(!strstr(text, "\"nan") && !strstr(text, "\"-nan") && !strstr(text, "\"inf"));
        }
    }
    et_buf_free(&buf);
}

static void takes_values_from_the_rows_of_a_matrix(void)
{
    const double q[] = {0, 9, 1, 8, 2, 7};
    const struct et_line line = {"a", NULL, q, 3, 2, false, false};
    struct et_buf buf = et_buf(LIMIT);

    put_plot(&buf, &(struct et_plot){.title = "t", .lines = &line, .n_lines = 1});
    CHECK_HAS(et_buf_text(&buf), "y from 0 to 2");
    et_buf_free(&buf);
}

/* A path's points in units, absolute; all of one run. */
static size_t points_of(const char *d, long *x, long *y, size_t cap)
{
    size_t n = 0;
    while (n < cap && *d && *d != '"') {
        char *end;
        d += *d == 'M' || *d == 'l';
        x[n] = strtol(d, &end, 10) + (n ? x[n - 1] : 0);
        y[n] = strtol(end, &end, 10) + (n ? y[n - 1] : 0);
        d = end;
        n++;
    }
    return n;
}

#define N_SMOOTH 1500

/* Points that a line passes anyway are left out; no other ones are, and no spike. */
static void leaves_out_only_what_cannot_be_seen(void)
{
    static double y[N_SMOOTH];
    static long px[N_SMOOTH], py[N_SMOOTH];
    struct et_buf buf = et_buf(LIMIT);

    for (size_t i = 0; i < N_SMOOTH; i++)
        y[i] = 2 * sin((double)i * 0.01) + 0.3 * cos((double)i * 0.05);
    y[500] = 5;
    y[900] = -5;
    for (size_t i = 1200; i < N_SMOOTH; i++)
        y[i] = y[1200]; // and then it rests
    const struct et_line line = {"a", NULL, y, N_SMOOTH, 0, false, false};
    put_plot(&buf, &(struct et_plot){.title = "t", .lines = &line, .n_lines = 1});
    const size_t n = points_of(path_in(&buf, LINE_PATH), px, py, N_SMOOTH);
    CHECK(n > 20 && n < N_SMOOTH / 8);
    CHECK_EQ(px[0], 0);
    CHECK_EQ(px[n - 1], ET__X_UNITS);
    bool has_top = false, has_bottom = false;
    for (size_t k = 0; k < n; k++) {
        has_top |= py[k] == 82; // 1800 / 22: the margin is 5 % at both ends
        has_bottom |= py[k] == 1800 - 82;
    }
    CHECK(has_top && has_bottom);
    double worst = 0;
    for (size_t i = 0, k = 0; i < N_SMOOTH; i++) {
        const double x = (double)i * ET__X_UNITS / (N_SMOOTH - 1);
        while (k + 2 < n && (double)px[k + 1] < x)
            k++;
        const double at = (x - (double)px[k]) / (double)(px[k + 1] - px[k]);
        const double drawn = (double)py[k] + at * (double)(py[k + 1] - py[k]);
        if (labs((long)i - 500) > 1 && labs((long)i - 900) > 1) // steep, and x is rounded
            worst = fmax(worst, fabs(drawn - (0.5 - y[i] / 11) * 1800));
    }
    CHECK(worst < 4); // 2 units, and what rounding makes of it
    printf("#   %zu points of %d, off by at most %.2f units of a tenth of a pixel\n", n, N_SMOOTH,
           worst);
    et_buf_free(&buf);
}

#define N_MANY 1000000

static void keeps_spikes_of_a_million_points_and_stays_small(void)
{
    double *x = malloc(N_MANY * sizeof *x), *y = malloc(N_MANY * sizeof *y);
    struct et_buf buf = et_buf(LIMIT);
    struct rng rng = {5};

    for (size_t i = 0; i < N_MANY; i++) {
        x[i] = (double)i * 0.001;
        y[i] = rng_gaussian(&rng);
    }
    y[333333] = 100;
    y[777777] = -100;
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 2)
            x[500000] = 0; // one stamp runs backwards
        const struct et_line line = {"a", kind ? x : NULL, y, N_MANY, 0, false, false};
        put_plot(&buf, &(struct et_plot){.title = "t", .lines = &line, .n_lines = 1});
        const struct walk got = walk(path_in(&buf, LINE_PATH));
        CHECK(got.n_points <= 2 * ET__N_COLS + 2);
        CHECK(got.n_points > ET__N_COLS);
        CHECK_EQ(got.n_runs, 1);
        CHECK_EQ(got.min_y, 82); // 1800 / 22: the margin is 5 % at both ends
        CHECK_EQ(got.max_y, 1800 - 82);
        CHECK_EQ(got.min_x, 0);
        CHECK(got.max_x > ET__X_UNITS - 10);
        CHECK(buf.n < 60000);
    }
    et_buf_free(&buf);
    free(x);
    free(y);
}

static void stays_small_when_every_other_value_is_missing(void)
{
    double *y = malloc(N_MANY * sizeof *y);
    struct et_buf buf = et_buf(LIMIT);

    for (size_t i = 0; i < N_MANY; i++)
        y[i] = i % 2 ? (double)(i % 977) : NO_VALUE;
    const struct et_line line = {"a", NULL, y, N_MANY, 0, false, false};
    put_plot(&buf, &(struct et_plot){.title = "t", .lines = &line, .n_lines = 1});
    CHECK(buf.n < 80000);
    CHECK_HAS(et_buf_text(&buf), "500000 values are not finite");
    et_buf_free(&buf);
    free(y);
}

static void gives_a_dashed_line_the_colour_of_the_solid_one_before(void)
{
    const double y[] = {1, 2};
    const struct et_line lines[] = {
        {"solid", NULL, y, 2, 0, false, false}, {"pair", NULL, y, 2, 0, true, false},
        {"next", NULL, y, 2, 0, false, false},  {"its pair", NULL, y, 2, 0, true, false},
        {"alone", NULL, y, 2, 0, true, false},
    };
    struct et_buf buf = et_buf(LIMIT);

    put_plot(&buf, &(struct et_plot){.title = "t", .lines = lines, .n_lines = 5});
    CHECK_HAS(et_buf_text(&buf), "<g class=\"c0\"><title>solid");
    CHECK_HAS(et_buf_text(&buf), "<g class=\"c0 da\"><title>pair");
    CHECK_HAS(et_buf_text(&buf), "<g class=\"c1\"><title>next");
    CHECK_HAS(et_buf_text(&buf), "<g class=\"c1 da\"><title>its pair");
    CHECK_HAS(et_buf_text(&buf), "<g class=\"c2 da\"><title>alone");
    et_buf_free(&buf);
}

static size_t count(const char *text, const char *words)
{
    size_t n = 0;
    for (const char *p = strstr(text, words); p; p = strstr(p + 1, words))
        n++;
    return n;
}

static void lists_companions_of_one_name_once(void)
{
    const double y[] = {1, 2};
    const struct et_line lines[] = {
        {"one", NULL, y, 2, 0, false, false}, {"command", NULL, y, 2, 0, true, false},
        {"two", NULL, y, 2, 0, false, false}, {"command", NULL, y, 2, 0, true, false},
        {"one", NULL, y, 2, 0, false, false},
    };
    struct et_buf buf = et_buf(LIMIT);

    put_plot(&buf, &(struct et_plot){.title = "t", .lines = lines, .n_lines = 5});
    const char *legend = strstr(et_buf_text(&buf), "<ul class=\"lg\">");
    CHECK(legend != NULL);
    CHECK_EQ(count(legend, "<li class=\"all\"><i class=\"da\"></i>command</li>"), 1);
    CHECK_EQ(count(legend, "<li class=\"no\"></li>"), 1);
    CHECK_EQ(count(legend, "command"), 1 + 2); // and of each line its tooltip
    CHECK_EQ(count(legend, "</i>one</li>"), 2);
    CHECK_EQ(count(legend, "<li"), 5); // each entry keeps its place
    et_buf_free(&buf);
}

static void draws_the_bands_that_lie_on_the_axis(void)
{
    const double y[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const struct et_line line = {"a", NULL, y, 11, 0, false, false};
    const struct et_band bands[] = {
        {2, 3, ET_MARK_WARN, "inside"},
        {9, 20, ET_MARK_CRIT, "over the end"},
        {5, 5, ET_MARK_INFO, "an instant"},
        {7, 6, ET_MARK_OK, "backwards"},
        {-INFINITE, INFINITE, ET_MARK_IDLE, "everywhere"},
        {11, 12, ET_MARK_WARN, "off"},
        {NO_VALUE, 3, ET_MARK_WARN, "nan"},
    };
    struct et_buf buf = et_buf(LIMIT);

    put_plot(&buf, &(struct et_plot){
                       .title = "t", .lines = &line, .n_lines = 1, .bands = bands, .n_bands = 7});
    const char *text = et_buf_text(&buf);
    CHECK_EQ(count(text, "<rect class=\"bd"), 5);
    CHECK_HAS(text, "<rect class=\"bd warn\" x=\"2000\" y=\"0\" width=\"1000\"");
    CHECK_HAS(text, "<rect class=\"bd crit\" x=\"9000\" y=\"0\" width=\"1000\"");
    CHECK_HAS(text, "<rect class=\"bd info\" x=\"5000\" y=\"0\" width=\"1\"");
    CHECK_HAS(text, "<rect class=\"bd ok\" x=\"6000\" y=\"0\" width=\"1000\"");
    CHECK_HAS(text, "<rect class=\"bd idle\" x=\"0\" y=\"0\" width=\"10000\"");
    CHECK_HAS(text, "<title>▲ warning: inside, 2 to 3</title>");
    CHECK_HAS(text, "<title>◆ note: an instant, 5</title>");
    CHECK_HAS(text, "<use href=\"#Swarn\"");
    et_buf_free(&buf);
}

static void merges_bands_that_are_too_many(void)
{
    static struct et_band bands[100000];
    struct et_buf buf = et_buf(LIMIT);
    const double y[] = {0, 1}, x[] = {0, 1000};
    const struct et_line line = {"a", x, y, 2, 0, false, false};

    for (size_t i = 0; i < 100000; i++) {
        const double first = (double)(i * 7919 % 100000) / 200;
        bands[i] = (struct et_band){first, first + 0.001, i % 2 ? ET_MARK_WARN : ET_MARK_CRIT, "x"};
    }
    put_plot(&buf,
             &(struct et_plot){
                 .title = "t", .lines = &line, .n_lines = 1, .bands = bands, .n_bands = 100000});
    // They touch each other all over the first half of the axis.
    CHECK_EQ(count(et_buf_text(&buf), "<rect class=\"bd"), 2);
    CHECK_EQ(count(et_buf_text(&buf), "width=\"5000\""), 2);
    CHECK(count(et_buf_text(&buf), "<use ") <= 20);
    CHECK(buf.n < 40000);

    const struct et_lane lane = {"lane", bands, 100000};
    struct et_page page = {.buf = &buf};
    et_buf_clear(&buf);
    et_page_lanes(&page, "t", 0, 1000, "s", &lane, 1);
    CHECK_HAS(et_buf_text(&buf), "aria-label=\"lane: critical 50000, warning 50000\"");
    CHECK(buf.n < 40000);
    et_buf_free(&buf);
}

static void tells_of_lanes_what_was_found(void)
{
    const struct et_band bands[] = {{1, 2, ET_MARK_WARN, "a"},
                                    {3, 3, ET_MARK_CRIT, "b"},
                                    {4, 5, ET_MARK_WARN, "c"},
                                    {6, 7, ET_MARK_NONE, NULL}};
    const struct et_lane lanes[] = {{"elbow", bands, 4}, {"wrist", NULL, 0}};
    struct et_buf buf = et_buf(LIMIT);
    struct et_page page = {.buf = &buf};
    char why[256] = "";

    et_page_open(&page, "t", NULL);
    et_page_lanes(&page, "Findings", 0, 10, "s", lanes, 2);
    et_page_lanes(&page, "Without an axis", 5, 5, "s", lanes, 2);
    et_page_lanes(&page, "Nor bands", NO_VALUE, INFINITE, NULL, lanes + 1, 1);
    et_page_close(&page);
    CHECK(html_is_whole(et_buf_text(&buf), why, sizeof why));
    CHECK_HAS(et_buf_text(&buf), "elbow: critical 1, warning 2, unmarked 1");
    CHECK_HAS(et_buf_text(&buf), "wrist: nothing");
    // Without an axis the bands make it: from 1 to 7, so the first begins at 0.
    CHECK_HAS(strstr(et_buf_text(&buf), "Without"), "<rect class=\"bd warn\" x=\"0\"");
    et_buf_free(&buf);
}

// The counts that the tooltips of the bars tell, summed.
static size_t sum_of_bars(const char *text)
{
    size_t sum = 0;
    for (const char *p = strstr(text, "<rect class=\"bar\""); p;
         p = strstr(p + 1, "<rect class=\"bar\"")) {
        const char *end = strstr(p, "</title>");
        while (end[-1] != ' ')
            end--;
        sum += (size_t)strtoul(end, NULL, 10);
    }
    return sum;
}

static void counts_each_finite_value_in_one_bar(void)
{
    static double values[5000];
    struct rng rng = {2};
    const size_t bins[] = {0, 1, 7, 400, 100000};

    for (size_t i = 0; i < 5000; i++)
        values[i] = rng_gaussian(&rng);
    for (size_t i = 7; i < 5000; i += 100) {
        values[i] = NO_VALUE;
        values[i + 1] = INFINITE;
    }
    for (size_t i = 0; i < 5; i++) {
        struct et_buf buf = et_buf(LIMIT);
        struct et_page page = {.buf = &buf};
        char why[256] = "";
        et_page_open(&page, "t", NULL);
        et_page_histogram(&page, "h", "s", values, 5000, bins[i]);
        et_page_close(&page);
        CHECK(html_is_whole(et_buf_text(&buf), why, sizeof why));
        CHECK_EQ(sum_of_bars(et_buf_text(&buf)), 4900);
        CHECK(count(et_buf_text(&buf), "<rect class=\"bar\"") <= 400);
        CHECK_HAS(et_buf_text(&buf), "100 values left out: not finite");
        et_buf_free(&buf);
    }
}

static void draws_a_histogram_of_odd_values(void)
{
    static const double CASES[][3] = {{5, 5, 5},
                                      {0, 0, 0},
                                      {NO_VALUE, NO_VALUE, NO_VALUE},
                                      {HUGE_VALUE, -HUGE_VALUE, 0},
                                      {1e-320, 0, 0},
                                      {NO_VALUE, 3, NO_VALUE},
                                      {-1e300, -1e300, -1e300}};

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_buf buf = et_buf(LIMIT);
        struct et_page page = {.buf = &buf};
        char why[256] = "";
        et_page_open(&page, "t", NULL);
        et_page_histogram(&page, "h", NULL, CASES[i], 3, 10);
        et_page_histogram(&page, "h", NULL, CASES[i], 0, 10);
        et_page_close(&page);
        CHECK(html_is_whole(et_buf_text(&buf), why, sizeof why));
        CHECK_EQ(sum_of_bars(et_buf_text(&buf)),
                 isfinite(CASES[i][0]) + isfinite(CASES[i][1]) + isfinite(CASES[i][2]));
        et_buf_free(&buf);
    }
}

int main(void)
{
    RUN(writes_decimals_as_a_person_would);
    RUN(writes_numbers_with_their_significant_digits);
    RUN(writes_the_same_in_a_locale_with_a_comma);
    RUN(chooses_ticks_at_one_two_and_five);
    RUN(has_some_ticks_inside_every_range);
    RUN(draws_every_point_of_a_short_line);
    RUN(breaks_at_what_is_not_finite);
    RUN(shows_a_lone_point_as_a_dot);
    RUN(points_are_dots_each);
    RUN(stands_every_series);
    RUN(takes_values_from_the_rows_of_a_matrix);
    RUN(leaves_out_only_what_cannot_be_seen);
    RUN(keeps_spikes_of_a_million_points_and_stays_small);
    RUN(stays_small_when_every_other_value_is_missing);
    RUN(gives_a_dashed_line_the_colour_of_the_solid_one_before);
    RUN(lists_companions_of_one_name_once);
    RUN(draws_the_bands_that_lie_on_the_axis);
    RUN(merges_bands_that_are_too_many);
    RUN(tells_of_lanes_what_was_found);
    RUN(counts_each_finite_value_in_one_bar);
    RUN(draws_a_histogram_of_odd_values);
    return tap_end();
}

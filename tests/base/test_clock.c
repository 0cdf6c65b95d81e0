#include "etude/clock.h"
#include "etude/progress.h"
#include "tap.h"

static void clocks_do_not_step_back(void)
{
    int64_t last[3] = {0, 0, 0};
    for (int i = 0; i < 10000; i++) {
        const int64_t now[3] = {et_clock_monotonic_ns(), et_clock_cpu_ns(),
                                et_clock_thread_cpu_ns()};
        for (int k = 0; k < 3; k++) {
            CHECK(now[k] >= last[k]);
            last[k] = now[k];
        }
    }
    CHECK(et_clock_real_ns() > INT64_C(1600000000) * ET_NS_PER_S);
}

static void writes_times(void)
{
    // clang-format off
    static const struct {
        int64_t t_ns;
        const char *text;
    } CASES[] = {
        {0,                    "1970-01-01T00:00:00Z"},
        {1,                    "1970-01-01T00:00:00.000000001Z"},
        {-1,                   "1969-12-31T23:59:59.999999999Z"},
        {-ET_NS_PER_S,         "1969-12-31T23:59:59Z"},
        {INT64_C(1795217460123456789), "2026-11-20T23:31:00.123456789Z"},
        {INT64_C(951782400) * ET_NS_PER_S, "2000-02-29T00:00:00Z"},
        {INT64_MAX,            "2262-04-11T23:47:16.854775807Z"},
        {INT64_MIN,            "1677-09-21T00:12:43.145224192Z"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[ET_TIME_TEXT_BYTES];
        et_time_text(CASES[i].t_ns, text);
        CHECK_STR(text, CASES[i].text);
    }
}

static void writes_durations_for_people(void)
{
    // clang-format off
    static const struct {
        double seconds;
        const char *text;
    } CASES[] = {
        {0, "0 ms"}, {-5, "0 ms"}, {0.0004, "0 ms"}, {0.0005, "1 ms"}, {0.95, "950 ms"},
        {0.9994, "999 ms"}, {0.9996, "1.0 s"}, {12.34, "12.3 s"}, {59.94, "59.9 s"},
        {59.96, "1 min 00 s"}, {245, "4 min 05 s"}, {3599.4, "59 min 59 s"},
        {3599.6, "1 h 00 min"}, {7380, "2 h 03 min"}, {360000, "100 h 00 min"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[ET_TIME_TEXT_BYTES];
        et_duration_text((int64_t)(CASES[i].seconds * 1e9), text);
        CHECK_STR(text, CASES[i].text);
    }
    char text[ET_TIME_TEXT_BYTES];
    et_duration_text(INT64_MAX, text);
    CHECK_STR(text, "2562047 h 47 min");
}

static const char *progress(int64_t n_total, int64_t n_done, int64_t n_bytes, double seconds,
                            size_t n_columns)
{
    static char text[200];
    const struct et_progress p = {
        .title = "inspect", .unit = "episodes", .n_total = n_total, .t_start_ns = 1000};
    et_progress_text(&p, n_done, n_bytes, 1000 + (int64_t)(seconds * 1e9), n_columns, text,
                     sizeof text);
    return text;
}

static void writes_a_progress_line(void)
{
    CHECK_STR(progress(100, 42, 50000000, 4, 80),
              "inspect  42 of 100 episodes \xc2\xb7 12.5 MB/s \xc2\xb7 6 s left");
    CHECK_STR(progress(100, 42, 0, 4, 80),
              "inspect  42 of 100 episodes \xc2\xb7 10.5 episodes/s \xc2\xb7 6 s left");
    CHECK_STR(progress(0, 42, 0, 4, 80), "inspect  42 episodes \xc2\xb7 10.5 episodes/s");
    CHECK_STR(progress(100, 0, 0, 4, 80), "inspect  0 of 100 episodes");
    CHECK_STR(progress(100, 1, 5, 0, 80), "inspect  1 of 100 episodes");
    CHECK_STR(progress(100, 100, 999, 1, 80), "inspect  100 of 100 episodes \xc2\xb7 999 B/s");
    CHECK_STR(progress(100, 100, 1000, 1, 80), "inspect  100 of 100 episodes \xc2\xb7 1.0 kB/s");
    CHECK_STR(progress(100, 1, 250000000000, 2, 80),
              "inspect  1 of 100 episodes \xc2\xb7 125 GB/s \xc2\xb7 3 min 18 s left");
    CHECK_STR(progress(INT64_MAX, 1, 0, 1000, 100),
              "inspect  1 of 9223372036854775807 episodes \xc2\xb7 0.0 episodes/s");
}

static void a_note_stands_last_and_goes_first(void)
{
    char text[200];
    const struct et_progress p = {
        .title = "train", .unit = "steps", .n_total = 9, .note = "loss 0.5 \xc2\xb7 unseen 0.6"};
    et_progress_text(&p, 3, 0, 1000000000, 80, text, sizeof text);
    CHECK_STR(text, "train  3 of 9 steps \xc2\xb7 3.0 steps/s \xc2\xb7 2 s left \xc2\xb7 loss 0.5 "
                    "\xc2\xb7 unseen 0.6");
    et_progress_text(&p, 3, 0, 1000000000, 60, text, sizeof text);
    CHECK_STR(text, "train  3 of 9 steps \xc2\xb7 3.0 steps/s \xc2\xb7 2 s left \xc2\xb7 loss 0.5");
}

static void leaves_out_parts_that_do_not_fit(void)
{
    CHECK_STR(progress(100, 42, 50000000, 4, 50),
              "inspect  42 of 100 episodes \xc2\xb7 12.5 MB/s \xc2\xb7 6 s left");
    CHECK_STR(progress(100, 42, 50000000, 4, 49), "inspect  42 of 100 episodes \xc2\xb7 12.5 MB/s");
    CHECK_STR(progress(100, 42, 50000000, 4, 30), "inspect  42 of 100 episodes");
    CHECK_STR(progress(100, 42, 50000000, 4, 10), "inspect  4");
    CHECK_STR(progress(100, 42, 50000000, 4, 0), "");

    char text[40];
    const struct et_progress p = {.title = "\xc3\xa9\xc3\xa9", .unit = "x"};
    et_progress_text(&p, 0, 0, 0, 80, text, 4); // 3 bytes: one character and a half
    CHECK_STR(text, "\xc3\xa9");
    et_progress_text(&p, 0, 0, 0, 80, text, 1);
    CHECK_STR(text, "");
    text[0] = 'k';
    et_progress_text(&p, 0, 0, 0, 80, text, 0);
    CHECK_EQ(text[0], 'k');
}

int main(void)
{
    RUN(clocks_do_not_step_back);
    RUN(writes_times);
    RUN(writes_durations_for_people);
    RUN(writes_a_progress_line);
    RUN(a_note_stands_last_and_goes_first);
    RUN(leaves_out_parts_that_do_not_fit);
    return tap_end();
}

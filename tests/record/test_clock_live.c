/* What is known of a device's clock while it is recorded: held against the truth of simulated
 * links, and against the hull of all points. */
#include "etude/clock_live.h"

#include "etude/clock.h"
#include "etude/stats.h"

#include "clock_links.h"
#include "source_help.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define MS INT64_C(1000000)
#define S ET_NS_PER_S

static struct et_clock_live *open_clock(void)
{
    struct et_clock_live *clock;
    CHECK_OK(et_clock_live_open(&clock, NULL, &err));
    return clock;
}

/* ---- the truth ---- */

// The errors of the model after 5 s of a link of 400 s, in µs.
static double p95_error_us(const struct link_case *of, uint64_t seed, double *largest_us)
{
    const size_t n = (size_t)(400 * of->rate_hz), n_first = (size_t)(5 * of->rate_hz);
    struct et_clock_live *clock = open_clock();
    struct link link = link_open(of, seed);
    double *errors = malloc(n * sizeof *errors);
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        const struct link_sample s = link_next(&link);
        et_clock_live_put(clock, s.t_device_ns, s.t_arrival_ns);
        if (i >= n_first)
            errors[k++] =
                fabs((double)(et_clock_live_ns(clock, s.t_device_ns) - s.t_true_ns)) / 1e3;
    }
    *largest_us = et_quantile_of(errors, k, 1);
    const double p95 = et_quantile_of(errors, k, 0.95);
    CHECK_EQ(et_clock_live_state(clock).n_resets, 0);
    CHECK_EQ(et_clock_live_state(clock).n, n);
    free(errors);
    et_clock_live_close(clock);
    return p95;
}

static void is_as_near_to_the_truth_as_is_promised(void)
{
    for (size_t i = 0; i < N_LINKS; i++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            double largest_us;
            const double p95_us = p95_error_us(&LINKS[i], seed, &largest_us);
            printf("# %-36s seed %d: 95 %% within %.1f us, all within %.1f\n", LINKS[i].name,
                   (int)seed, p95_us, largest_us);
            CHECK(p95_us <= LINKS[i].p95_us);
        }
}

/* ---- the slow reference ---- */

struct seen {
    double *x, *y;
    size_t n;
};

static double turn(const struct seen *s, size_t a, size_t b, size_t c)
{
    return (s->x[b] - s->x[a]) * (s->y[c] - s->y[a]) - (s->y[b] - s->y[a]) * (s->x[c] - s->x[a]);
}

/* The height at x of the lower hull's edge over `over`: the highest of all lines through two points
 * that no point lies below, found as gift wrapping does. */
static double wrapped(const struct seen *s, size_t first, double over, double x)
{
    size_t a = first;
    for (;;) {
        size_t b = a + 1;
        for (size_t i = b + 1; i < s->n; i++)
            if (turn(s, a, b, i) <= 0)
                b = i;
        if (s->x[b] > over || b == s->n - 1)
            return s->y[a] + (s->y[b] - s->y[a]) / (s->x[b] - s->x[a]) * (x - s->x[a]);
        a = b;
    }
}

static void agrees_with_the_hull_of_all_points(void)
{
    enum { N = 72 * 400 };
    struct seen seen = {malloc(N * sizeof(double)), malloc(N * sizeof(double)), 0};
    struct et_clock_live *clock = open_clock();
    struct link link = link_open(&LINKS[LINK_WIFI], 11);
    int64_t d0 = 0, h0 = 0, before = 0;
    size_t first = 0, n_compared = 0;
    double worst = 0;
    for (size_t i = 0; i < N; i++) {
        const struct link_sample s = link_next(&link);
        d0 = i ? d0 : s.t_device_ns;
        h0 = i ? h0 : s.t_arrival_ns;
        seen.x[i] = (double)(s.t_device_ns - d0);
        seen.y[i] = (double)(s.t_arrival_ns - h0) - seen.x[i];
        seen.n = i + 1;
        et_clock_live_put(clock, s.t_device_ns, s.t_arrival_ns);
        // The window begins with a whole second, as the clock's blocks do.
        while (floor(seen.x[first] / 1e9) < floor(seen.x[i] / 1e9) - 60)
            first++;
        const int64_t far = et_clock_live_ns(clock, d0 + 1000 * S);
        if (i > 72 * 12 && far != before) { // it was fitted anew
            const double over = seen.x[i] - (seen.x[i] - seen.x[first]) / 4;
            const double want = wrapped(&seen, first, over, seen.x[i]);
            const double got =
                (double)(et_clock_live_ns(clock, s.t_device_ns) - s.t_device_ns - (h0 - d0));
            worst = fmax(worst, fabs(got - want));
            n_compared++;
        }
        before = far;
    }
    CHECK(n_compared > 30);
    CHECK(worst <= 1);
    free(seen.x);
    free(seen.y);
    et_clock_live_close(clock);
}

/* ---- clocks that do not behave ---- */

static void begins_anew_when_the_clock_jumps(void)
{
    static const int64_t JUMPS[] = {10 * MS, 3 * S, 3600 * S, -60 * MS, -3 * S, -5000 * S};
    for (size_t k = 0; k < sizeof JUMPS / sizeof JUMPS[0]; k++) {
        struct et_clock_live *clock = open_clock();
        struct link link = link_open(&LINKS[LINK_WIRED], 3);
        for (int i = 0; i < 500 * 40; i++) {
            struct link_sample s = link_next(&link);
            s.t_device_ns += i < 500 * 20 ? 5000 * S : 5000 * S + JUMPS[k];
            et_clock_live_put(clock, s.t_device_ns, s.t_arrival_ns);
            // The first sample behind may be one that was overtaken.
            if (i > 500 * 20 + 20)
                CHECK_NEAR((double)(et_clock_live_ns(clock, s.t_device_ns) - s.t_true_ns), 0, 2e5);
        }
        const struct et_clock_live_state state = et_clock_live_state(clock);
        CHECK_EQ(state.n_resets, 1);
        CHECK_NEAR((double)state.step_ns, (double)JUMPS[k], 20e6);
        CHECK_EQ(state.source, ET_CLOCK_DEVICE);
        et_clock_live_close(clock);
    }
}

static void takes_no_congestion_and_no_disorder_for_a_jump(void)
{
    struct et_clock_live *clock = open_clock();
    struct rng rng = {5};
    for (int64_t i = 1; i <= 500 * 30; i++) {
        const bool is_congested = i > 5000 && i < 10000;
        const int64_t late = i % 100 == 0 ? 80 * MS : 0; // a stamp of an old one now and then
        const int64_t d = 2 * MS * i - late;
        const int64_t h =
            2 * MS * i + (int64_t)(rng_uniform(&rng) * 1e5) + (is_congested ? 900 * MS : 0);
        et_clock_live_put(clock, d, h);
    }
    const struct et_clock_live_state state = et_clock_live_state(clock);
    CHECK_EQ(state.n_resets, 0);
    CHECK_EQ(state.n_disordered, 150);
    CHECK_NEAR((double)state.offset_ns, 0, 2e3);
    et_clock_live_close(clock);
}

static void says_what_stamps_are_worth(void)
{
    struct et_clock_live *clock = open_clock();
    struct et_clock_live_state state = et_clock_live_state(clock);
    CHECK_EQ(state.source, ET_CLOCK_ARRIVAL);
    CHECK(!state.has_stamps);
    CHECK_EQ(et_clock_live_ns(clock, 77), 77);
    for (int64_t i = 0; i < 100; i++)
        et_clock_live_put(clock, i % 3 ? 0 : INT64_MAX, i * MS);
    state = et_clock_live_state(clock);
    CHECK_EQ(state.source, ET_CLOCK_ARRIVAL);
    CHECK_EQ(state.n_unstamped, 100);
    struct link link = link_open(&LINKS[LINK_TICK], 1);
    for (int i = 0; i < 500 * 60; i++) { // until a step is 3 ms
        const struct link_sample s = link_next(&link);
        et_clock_live_put(clock, s.t_device_ns, s.t_arrival_ns);
    }
    state = et_clock_live_state(clock);
    CHECK(state.has_stamps);
    CHECK_EQ(state.source, ET_CLOCK_COUNTER);
    CHECK_EQ(state.tick_ns, MS);
    et_clock_live_close(clock);
}

static void tells_delays_and_jitter(void)
{
    struct et_clock_live *clock = open_clock();
    struct rng rng = {9};
    double delays[20000];
    int64_t h = 0;
    for (int i = 0; i < 20000; i++) {
        delays[i] = link_wait(&rng, 400e3); // 99 % are within 4.6 times the mean
        const int64_t came = (i + 1) * 2 * MS + llround(delays[i]);
        h = came > h ? came : h;
        et_clock_live_put(clock, (i + 1) * 2 * MS, h);
    }
    const struct et_clock_live_state state = et_clock_live_state(clock);
    CHECK_NEAR((double)state.delay_p50_ns / et_quantile_of(delays, 20000, 0.5), 1, 0.15);
    CHECK_NEAR((double)state.delay_p99_ns / et_quantile_of(delays, 20000, 0.99), 1, 0.15);
    CHECK(state.jitter_ns > 100000 && state.jitter_ns < 1000000);
    CHECK_EQ(state.tick_ns, 2 * MS); // a sender that is exact
    et_clock_live_close(clock);
}

static void forgets_what_is_older_than_the_window(void)
{
    struct et_clock_live *clock = open_clock();
    for (int64_t i = 1; i <= 500 * 200; i++) // the way is 3 ms longer from 50 s on
        et_clock_live_put(clock, 2 * MS * i + i % 7, 2 * MS * i + (i > 25000 ? 3 * MS : 0));
    CHECK_NEAR((double)et_clock_live_state(clock).offset_ns, 3e6, 1e3);
    // A pause longer than the window is no jump, whatever the clock did meanwhile.
    et_clock_live_put(clock, 500 * S, 1000 * S);
    CHECK_EQ(et_clock_live_state(clock).n_resets, 0);
    CHECK_EQ(et_clock_live_state(clock).offset_ns, 500 * S);
    et_clock_live_close(clock);
}

static void survives_any_times(void)
{
    static const int64_t ODD[] = {
        0,         1, -1,    INT64_MAX, INT64_MIN, S, INT64_MAX / 4, -INT64_MAX / 4, INT64_MAX / 5,
        86400 * S, 3, -5 * S};
    const size_t n_odd = sizeof ODD / sizeof ODD[0];
    struct rng rng = {1};
    struct et_buf buf = et_buf(4096);
    for (int k = 0; k < 200; k++) {
        struct et_clock_live *clock = open_clock();
        for (int i = 0; i < 300; i++) {
            et_clock_live_put(clock,
                              ODD[rng_next(&rng) % n_odd] / (1 + (int64_t)(rng_next(&rng) % 3)),
                              ODD[rng_next(&rng) % n_odd]);
            (void)et_clock_live_ns(clock, ODD[rng_next(&rng) % n_odd]);
        }
        et_buf_clear(&buf);
        et_clock_live_message(clock, ET_STR("/a"), 0, &buf);
        CHECK_EQ(buf.status, ET_OK);
        et_clock_live_close(clock);
    }
    et_buf_free(&buf);
    et_clock_live_close(NULL);
}

// A curve without a straight stretch has every sample on its hull.
static void keeps_a_curve_within_its_memory(void)
{
    struct et_clock_live *clock = open_clock();
    for (int64_t i = 1; i <= 500 * 60; i++) {
        const double s = (double)i / 500;
        et_clock_live_put(clock, 2 * MS * i, 2 * MS * i + llround(s * s * 1e6));
    }
    // The tangent of a quarter of the window ago.
    CHECK_NEAR(et_clock_live_state(clock).skew_ppm, 90000, 2000);
    CHECK_NEAR((double)et_clock_live_state(clock).offset_ns, 3.375e9, 0.02e9);
    et_clock_live_close(clock);
}

/* ---- its message ---- */

static const struct et_value *message_of(const struct et_clock_live *clock, struct et_arena *arena,
                                         struct et_buf *buf)
{
    et_buf_clear(buf);
    et_clock_live_message(clock, ET_STR("/joint_states"), 5 * S, buf);
    CHECK_OK(et_buf_check(buf, "a message", &err));
    return message_value(arena, "etude_msgs/msg/ClockModel", et_buf_str(buf));
}

static void writes_its_message(void)
{
    struct et_buf buf = et_buf(4096);
    struct et_clock_live *clock = open_clock();
    struct et_arena *arena;
    CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
    const struct et_value *v = message_of(clock, arena, &buf);
    CHECK_STR(text_at(v, "source"), "arrival");
    CHECK_EQ(et_value_count(at(v, "offset_ns")), 0);
    et_clock_live_put(clock, 3 * S, 7 * S);
    v = message_of(clock, arena, &buf);
    CHECK_STR(text_at(v, "source"), "device");
    CHECK_EQ(et_value_count(at(v, "offset_ns")), 1);
    CHECK_EQ(et_value_int(at(v, "t_device_ns.0"), 0), 3 * S);
    CHECK_EQ(et_value_int(at(v, "offset_ns.0"), 0), 4 * S);
    for (int64_t i = 1; i <= 5000; i++) // 100 ppm fast
        et_clock_live_put(clock, 3 * S + 2 * MS * i, 7 * S + 2 * MS * i + 200 * i);
    v = message_of(clock, arena, &buf);
    CHECK_EQ(et_value_int(at(v, "header.stamp.sec"), 0), 5);
    CHECK_STR(text_at(v, "stream"), "/joint_states");
    CHECK_EQ(et_value_int(at(v, "tick_ns"), 0), 2 * MS);
    CHECK_EQ(et_value_int(at(v, "t_device_ns.1"), 0), 13 * S);
    CHECK_NEAR(number_at(v, "offset_ns.0"), 4e9, 10);
    CHECK_NEAR(number_at(v, "offset_ns.1"), 4.001e9, 10);
    CHECK_NEAR(number_at(v, "skew_ppm"), 100, 0.01);
    CHECK_EQ(et_value_int(at(v, "delay_p50_ns"), -1), 0);
    et_arena_close(arena);
    et_buf_free(&buf);
    et_clock_live_close(clock);
}

static void refuses_options_that_are_none(void)
{
    static const struct et_clock_live_options BAD[] = {{.window_ns = -1},
                                                       {.window_ns = 1000},
                                                       {.window_ns = 90000 * S},
                                                       {.step_ns = -1},
                                                       {.coarse_ns = -1}};
    struct et_clock_live *clock;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        CHECK_EQ(et_clock_live_open(&clock, &BAD[i], &err), ET_EARG);
        CHECK(!clock);
    }
}

int main(void)
{
    RUN(is_as_near_to_the_truth_as_is_promised);
    RUN(agrees_with_the_hull_of_all_points);
    RUN(begins_anew_when_the_clock_jumps);
    RUN(takes_no_congestion_and_no_disorder_for_a_jump);
    RUN(says_what_stamps_are_worth);
    RUN(tells_delays_and_jitter);
    RUN(forgets_what_is_older_than_the_window);
    RUN(survives_any_times);
    RUN(keeps_a_curve_within_its_memory);
    RUN(writes_its_message);
    RUN(refuses_options_that_are_none);
    return tap_end();
}

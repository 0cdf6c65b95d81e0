// How often samples come is learned from when they came; what it is not sure of it does not say.
#include "record/record__rate.h"
#include "support.h"
#include "tap.h"

#include <math.h>

#define S 1000000000.0

struct how {
    double hz, jitter; // of an interval, of arrivals
    double lost;       // share
    bool has_stamps;
    double step_ns; // of stamps
    unsigned bunch; // samples that arrive together
};

// Feeds so many seconds of samples; the clock goes on from call to call.
static double feed(struct et__rate *rate, const struct how *how, double seconds)
{
    static struct rng rng = {1};
    static double t_ns = 1e12, t_last_ns = 0;
    const double t_end_ns = t_ns + seconds * S;
    double hz = rate->learned_hz;
    for (unsigned k = 0; t_ns < t_end_ns; k++, t_ns += S / how->hz) {
        if (rng_uniform(&rng) < how->lost)
            continue;
        const double late = how->bunch ? (how->bunch - 1 - k % how->bunch) * S / how->hz
                                       : rng_uniform(&rng) * how->jitter * S / how->hz;
        const double stamp_ns = how->step_ns > 0 ? floor(t_ns / how->step_ns) * how->step_ns : t_ns;
        t_last_ns = t_ns + late > t_last_ns ? t_ns + late : t_last_ns;
        hz = et__rate_put(rate, (int64_t)t_last_ns, how->has_stamps ? (int64_t)stamp_ns : 0);
    }
    t_ns += S;
    return hz;
}

static void learns_a_rate_within_seconds(void)
{
    static const struct how CASES[] = {
        {.hz = 500, .jitter = 0.5},
        {.hz = 1000, .jitter = 3, .has_stamps = true},
        {.hz = 30, .jitter = 0.4, .lost = 0.1},
        {.hz = 60, .jitter = 0.2, .lost = 0.2, .has_stamps = true},
        {.hz = 240, .has_stamps = true, .step_ns = 1e6}, // milliseconds, as Xsens has them
        {.hz = 90, .bunch = 3},                          // as a wireless network brings them
        {.hz = 3},
        {.hz = 20000, .jitter = 0.3},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et__rate rate = {0};
        CHECK_EQ(feed(&rate, &CASES[i], 2.5), 0);
        const double hz = feed(&rate, &CASES[i], 14);
        if (!CHECK(fabs(hz / CASES[i].hz - 1) < 0.05))
            printf("# %zu: %g\n", i, hz);
    }
}

static void a_stream_that_slows_down_keeps_its_rate(void)
{
    struct et__rate rate = {0};
    CHECK(fabs(feed(&rate, &(struct how){.hz = 100}, 10) - 100) < 1);
    CHECK(fabs(feed(&rate, &(struct how){.hz = 40}, 60) - 100) < 1);
    CHECK(fabs(feed(&rate, &(struct how){.hz = 200}, 10) - 200) < 2);
    (void)feed(&rate, &(struct how){.hz = 0.1}, 100);
    CHECK(fabs(rate.learned_hz - 200) < 2);
}

static void says_nothing_of_what_comes_at_times(void)
{
    struct rng rng = {7};
    struct et__rate rate = {0};
    double t_ns = 1e12;
    unsigned n_said = 0;
    for (int k = 0; k < 2000; k++) { // a person presses buttons
        t_ns += (0.01 - log(1 - rng_uniform(&rng)) * (k % 20 ? 0.1 : 20)) * S;
        n_said += et__rate_put(&rate, (int64_t)t_ns, 0) > 0;
    }
    for (int k = 0; k < 100; k++)
        n_said += et__rate_put(&rate, (int64_t)(t_ns += 6 * S), 0) > 0;
    CHECK_EQ(n_said, 0);
}

static void stamps_that_are_nonsense_do_no_harm(void)
{
    static const int64_t STAMPS[] = {INT64_MIN, INT64_MAX, -1, 1, 0, 5, 5, INT64_MIN};
    struct et__rate rate = {0};
    double hz = 0;
    for (int k = 0; k < 1000; k++)
        hz = et__rate_put(&rate, (int64_t)(1e12 + k * S / 50), STAMPS[k % 8]);
    CHECK(fabs(hz - 50) < 1);
    // Nor a clock that goes at half the speed, or arrivals that go back.
    rate = (struct et__rate){0};
    for (int k = 0; k < 1000; k++)
        hz = et__rate_put(&rate, (int64_t)(1e12 + k * S / 50), (int64_t)(1e9 + k * S / 100));
    CHECK(fabs(hz - 50) < 1);
    for (int k = 1000; k > 0; k--)
        hz = et__rate_put(&rate, (int64_t)(1e12 + k * S / 50), 0);
    CHECK(fabs(hz - 50) < 1);
}

int main(void)
{
    RUN(learns_a_rate_within_seconds);
    RUN(a_stream_that_slows_down_keeps_its_rate);
    RUN(says_nothing_of_what_comes_at_times);
    RUN(stamps_that_are_nonsense_do_no_harm);
    return tap_end();
}

#include "etude/latency.h"

#include "clean.h"
#include "tap.h"

#include <stdlib.h>

static struct et_arena *arena;
static struct et_err err;

/* The latency of both arms of a clean episode. */
static struct et_latency estimate(struct clean *clean, const struct et_latency_options *options)
{
    const size_t n = clean->n, width = CLEAN_ARM_JOINTS;
    double *command = malloc(2 * n * width * sizeof *command);
    double *state = malloc(2 * n * width * sizeof *state);
    struct et_latency latency = {0};
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < 2 * width; i++) {
            const int arm = i < width ? CLEAN_LEFT_ARM : CLEAN_RIGHT_ARM;
            command[k * 2 * width + i] = *clean_at(clean, arm + CLEAN_COMMAND, k, i % width);
            state[k * 2 * width + i] = *clean_at(clean, arm, k, i % width);
        }
    const struct et_latency_signals signals = {command, state, n, 2 * width,
                                               clean->episode.rate_hz};
    CHECK_OK(et_latency_estimate(&signals, options, arena, &latency, &err));
    free(command);
    free(state);
    return latency;
}

static double rms_error(double noise_rad, double rate_hz, double *worst_sigma_ratio)
{
    double sum = 0;
    int n = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        for (double lag_s = 0.02; lag_s < 0.205; lag_s += 0.03) {
            struct clean clean;
            const struct clean_options o = {
                .seed = seed, .lag_s = lag_s, .noise_rad = noise_rad, .rate_hz = rate_hz};
            clean_open(&clean, &o);
            const struct et_latency latency = estimate(&clean, NULL);
            CHECK(latency.is_known);
            const double off = latency.lag_s - lag_s;
            sum += off * off;
            n++;
            *worst_sigma_ratio = fmax(*worst_sigma_ratio, fabs(off) / latency.sigma_s);
            clean_close(&clean);
        }
    }
    return sqrt(sum / n);
}

static void is_right_to_a_fraction_of_a_sample(void)
{
    double ratio = 0;
    const double quiet = rms_error(0.0002, 30, &ratio), noisy = rms_error(0.01, 30, &ratio);
    const double slow = rms_error(0.0002, 10, &ratio), fast = rms_error(0.002, 500, &ratio);
    printf("# rms error: %.3f ms at 30 Hz, %.3f ms with 10 mrad noise, %.3f ms at 10 Hz, "
           "%.3f ms at 500 Hz; worst error %.1f sigma\n",
           1e3 * quiet, 1e3 * noisy, 1e3 * slow, 1e3 * fast, ratio);
    CHECK(quiet < 0.0005);
    CHECK(noisy < 0.002);
    CHECK(slow < 0.005);
    CHECK(fast < 0.0005);
    CHECK(ratio < 6);
}

static void forgives_gain_offset_and_holes(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.seed = 3, .lag_s = 0.1});
    for (size_t k = 0; k < clean.n; k++)
        for (size_t i = 0; i < CLEAN_ARM_JOINTS; i++) {
            double *x = clean_at(&clean, CLEAN_LEFT_ARM, k, i);
            *x = k % 37 == 0 ? (double)NAN : 0.7 * *x + 0.2;
        }
    const struct et_latency latency = estimate(&clean, NULL);
    CHECK(latency.is_known);
    CHECK_NEAR(latency.lag_s, 0.1, 0.002);
    clean_close(&clean);
}

static void refuses_what_does_not_move(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.seed = 4});
    for (int t = 0; t < CLEAN_N_TRACKS; t++)
        for (size_t k = 0; k < clean.n; k++)
            for (size_t i = 0; i < clean.tracks[t].stream.n_values; i++)
                *clean_at(&clean, t, k, i) *= 0.01;
    const struct et_latency latency = estimate(&clean, NULL);
    CHECK(!latency.is_known);
    CHECK(isnan(latency.lag_s));
    CHECK_STR(latency.why, "the motion is too slow");
    CHECK_EQ(latency.n_values_used, 0);
    clean_close(&clean);
}

static void refuses_what_does_not_follow(void)
{
    struct clean clean, other;
    clean_open(&clean, &(struct clean_options){.seed = 5});
    clean_open(&other, &(struct clean_options){.seed = 6});
    for (size_t k = 0; k < clean.n; k++)
        for (size_t i = 0; i < CLEAN_ARM_JOINTS; i++) {
            *clean_at(&clean, CLEAN_LEFT_ARM, k, i) = *clean_at(&other, CLEAN_LEFT_ARM, k, i);
            *clean_at(&clean, CLEAN_RIGHT_ARM, k, i) = *clean_at(&other, CLEAN_RIGHT_ARM, k, i);
        }
    const struct et_latency latency = estimate(&clean, NULL);
    CHECK(!latency.is_known);
    CHECK(strlen(latency.why) > 0);
    clean_close(&clean);
    clean_close(&other);
}

static void refuses_a_state_that_comes_first(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.seed = 7, .lag_s = 1e-9});
    for (size_t k = clean.n - 1; k >= 6; k--) // the command is moved 6 samples back
        for (size_t i = 0; i < CLEAN_ARM_JOINTS; i++) {
            const int left = CLEAN_LEFT_ARM + CLEAN_COMMAND,
                      right = CLEAN_RIGHT_ARM + CLEAN_COMMAND;
            *clean_at(&clean, left, k, i) = *clean_at(&clean, left, k - 6, i);
            *clean_at(&clean, right, k, i) = *clean_at(&clean, right, k - 6, i);
        }
    struct et_latency latency = estimate(&clean, NULL);
    CHECK(!latency.is_known);
    CHECK_STR(latency.why, "the state moves before the command");

    latency = estimate(&clean, &(struct et_latency_options){.lag_min_s = -0.4});
    CHECK(latency.is_known);
    CHECK_NEAR(latency.lag_s, -0.2, 0.002);
    clean_close(&clean);
}

static void refuses_a_lag_beyond_the_range(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.seed = 8, .lag_s = 0.4});
    const struct et_latency latency =
        estimate(&clean, &(struct et_latency_options){.lag_max_s = 0.2});
    CHECK(!latency.is_known);
    CHECK_STR(latency.why, "the best lag lies beyond the range that was searched");
    clean_close(&clean);
}

static void refuses_an_episode_that_is_too_short(void)
{
    struct clean clean;
    for (size_t n = 0; n < 30; n++) {
        clean_open(&clean, &(struct clean_options){.seed = 9});
        clean.n = n;
        const struct et_latency latency = estimate(&clean, NULL);
        CHECK(!latency.is_known);
        CHECK_STR(latency.why, "the episode is too short");
        clean_close(&clean);
    }
}

static void says_what_it_cannot_do(void)
{
    struct et_latency latency;
    const double x[1] = {0};
    struct et_latency_signals signals = {x, x, 1, 1, 0};
    CHECK_EQ(et_latency_estimate(&signals, NULL, arena, &latency, &err), ET_EARG);
    signals.rate_hz = (double)NAN;
    CHECK_EQ(et_latency_estimate(&signals, NULL, arena, &latency, &err), ET_EARG);

    struct clean clean;
    struct et_arena *small = NULL;
    clean_open(&clean, NULL);
    signals =
        (struct et_latency_signals){clean.values[CLEAN_LEFT_ARM + CLEAN_COMMAND],
                                    clean.values[CLEAN_LEFT_ARM], clean.n, CLEAN_ARM_JOINTS, 30};
    CHECK_OK(et_arena_open(&small, 4096, &err));
    CHECK_EQ(et_latency_estimate(&signals, NULL, small, &latency, &err), ET_ELIMIT);
    CHECK_EQ(et_arena_used(small), 0);
    et_arena_close(small);
    clean_close(&clean);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)256 << 20, NULL) != ET_OK)
        return 99;
    RUN(is_right_to_a_fraction_of_a_sample);
    RUN(forgives_gain_offset_and_holes);
    RUN(refuses_what_does_not_move);
    RUN(refuses_what_does_not_follow);
    RUN(refuses_a_state_that_comes_first);
    RUN(refuses_a_lag_beyond_the_range);
    RUN(refuses_an_episode_that_is_too_short);
    RUN(says_what_it_cannot_do);
    et_arena_close(arena);
    return tap_end();
}

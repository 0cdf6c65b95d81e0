/* Clock models against links whose truth is known. */
#include "etude/clock.h"
#include "etude/clock_model.h"
#include "sim_clock.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define US 1000.0
#define MS 1e6

static struct et_err err;
static struct et_arena *arena;

struct fitted {
    struct sim_messages m;
    struct et_clock_model model;
    int64_t *t_ns;
    double p50, p95, max; // of the error, ns
};

static void fit(const struct sim_device *device, bool with_sequence, struct fitted *f)
{
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
    sim_run(device, &f->m);
    const struct et_clock_pairs pairs = {.t_device_ns = f->m.t_device_ns,
                                         .t_arrival_ns = f->m.t_arrival_ns,
                                         .sequence = with_sequence ? f->m.sequence : NULL,
                                         .n = f->m.n};
    f->t_ns = calloc(f->m.n, sizeof *f->t_ns);
    CHECK_OK(et_clock_fit(&pairs, NULL, arena, &f->model, f->t_ns, &err));
    f->p50 = sim_quantile(f->t_ns, f->m.t_true_ns, f->m.n, 0.5);
    f->p95 = sim_quantile(f->t_ns, f->m.t_true_ns, f->m.n, 0.95);
    f->max = sim_quantile(f->t_ns, f->m.t_true_ns, f->m.n, 1);
    printf("# p50 %.1f us, p95 %.1f us, max %.1f us; arrival p95 %.1f us; tick %g us; %zu runs\n",
           f->p50 / US, f->p95 / US, f->max / US,
           sim_quantile(f->m.t_arrival_ns, f->m.t_true_ns, f->m.n, 0.95) / US,
           (double)f->model.tick_ns / US, f->model.n_runs);
}

static void release(struct fitted *f)
{
    free(f->t_ns);
    sim_free(&f->m);
    et_arena_close(arena);
}

// clang-format off
static const struct sim_device WIRED = {SIM_WIRED, 500, 600, 25, 2e-9, 1234.5, 0, 0, 0, 0, 0, 1},
                               BUSY  = {SIM_BUSY,  500, 600, 25, 2e-9, 1234.5, 0, 0, 0, 0, 0, 2},
                               WIFI  = {SIM_WIFI,   72, 600, 15, 2e-9, 1234.5, 0, 0, 0, 0, 0, 3},
                               USB   = {SIM_USB,    30, 600, 40, 5e-9, 1234.5, 0, 0, 0, 0, 0, 4};
// clang-format on

static void check_link(const struct sim_device *device, double p95, double max)
{
    struct fitted f;
    fit(device, false, &f);
    CHECK_EQ(f.model.n_runs, 1);
    CHECK_EQ(f.model.runs[0].source, ET_CLOCK_DEVICE);
    CHECK(f.p95 <= p95);
    CHECK(f.max <= max);
    CHECK_NEAR(f.model.runs[0].skew_ppm, -device->skew_ppm, 1);
    release(&f);
}

static void wired_within_a_tenth_of_a_millisecond(void)
{
    check_link(&WIRED, 0.01 * MS, 0.1 * MS);
    check_link(&BUSY, 0.01 * MS, 0.1 * MS);
    check_link(&USB, 0.05 * MS, 0.1 * MS);
}

static void wifi_within_a_millisecond(void)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct sim_device device = WIFI;
        device.seed = seed;
        check_link(&device, 1 * MS, 2 * MS);
    }
}

static void short_recordings_too(void)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct sim_device device = WIRED;
        device.duration_s = 60;
        device.seed = seed;
        check_link(&device, 0.02 * MS, 0.2 * MS);
        struct fitted f;
        device.duration_s = 20;
        fit(&device, false, &f);
        CHECK(f.p95 <= 0.1 * MS);
        release(&f);
    }
}

static void coarse_ticks_are_counted(void)
{
    struct sim_device device = WIRED;
    device.tick_s = 1e-3;
    struct fitted f;
    fit(&device, false, &f);
    CHECK_EQ(f.model.tick_ns, 1000000);
    CHECK_EQ(f.model.runs[0].source, ET_CLOCK_COUNTER);
    CHECK(f.p95 <= 0.1 * MS);
    release(&f);

    device.drop = 0.02;
    fit(&device, false, &f);
    CHECK_EQ(f.model.runs[0].source, ET_CLOCK_COUNTER);
    CHECK_NEAR((double)f.model.runs[0].n_missing, 300000 - (double)f.m.n, 30);
    CHECK(f.p95 <= 0.1 * MS);
    release(&f);

    device.tick_s = 10e-3; // five samples a tick: only a sequence can count them
    fit(&device, true, &f);
    CHECK_EQ(f.model.runs[0].source, ET_CLOCK_COUNTER);
    CHECK_EQ(f.model.runs[0].n_missing,
             (int64_t)(f.m.sequence[f.m.n - 1] - f.m.sequence[0]) - (int64_t)(f.m.n - 1));
    CHECK(f.p95 <= 0.1 * MS);
    release(&f);
}

static void a_reset_begins_a_new_run(void)
{
    struct sim_device device = WIRED;
    struct fitted f;
    device.duration_s = 120;
    device.reset_at_s = 50;
    fit(&device, false, &f);
    CHECK_EQ(f.model.n_runs, 2);
    CHECK_EQ(f.model.runs[1].i_first, 25000);
    CHECK(f.model.runs[1].step_ns < -1000 * ET_NS_PER_S);
    CHECK(f.p95 <= 0.1 * MS);
    release(&f);

    device.reset_at_s = 0;
    device.step_at_s = 70;
    static const double STEPS[] = {0.02, 0.3, 5};
    for (size_t i = 0; i < 3; i++) {
        device.step_s = STEPS[i];
        fit(&device, false, &f);
        CHECK_EQ(f.model.n_runs, 2);
        CHECK_EQ(f.model.runs[1].i_first, 35000);
        CHECK_NEAR((double)f.model.runs[1].step_ns / 1e9, STEPS[i], 0.02);
        CHECK(f.p95 <= 0.1 * MS);
        release(&f);
    }
    device.step_s = -0.3;
    fit(&device, false, &f);
    CHECK_EQ(f.model.n_runs, 2);
    release(&f);
}

static void no_stamps_give_arrival(void)
{
    const int64_t arrival[] = {10, 20, 20, 40}, device[] = {0, 7, 0, 0};
    struct et_clock_model model;
    int64_t t_ns[4];
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    struct et_clock_pairs pairs = {.t_arrival_ns = arrival, .n = 4};
    for (int i = 0; i < 2; i++) {
        CHECK_OK(et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err));
        CHECK_EQ(model.n_runs, 1);
        CHECK_EQ(model.runs[0].source, ET_CLOCK_ARRIVAL);
        CHECK(memcmp(t_ns, arrival, sizeof arrival) == 0);
        pairs.t_device_ns = device;
    }
    pairs.n = 0;
    CHECK_OK(et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err));
    CHECK_EQ(model.n_runs, 0);
    et_arena_close(arena);
}

static void absurd_times_are_refused_or_survived(void)
{
    const int64_t falling[] = {5, 4}, far[] = {INT64_MIN, INT64_MAX};
    int64_t t_ns[100], d[100], h[100];
    struct et_clock_model model;
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 26, &err));
    CHECK_EQ(et_clock_fit(&(struct et_clock_pairs){.t_arrival_ns = falling, .n = 2}, NULL, arena,
                          &model, t_ns, &err),
             ET_EARG);
    CHECK_EQ(err.at, 1);
    CHECK_EQ(et_clock_fit(&(struct et_clock_pairs){.t_arrival_ns = far, .n = 2}, NULL, arena,
                          &model, t_ns, &err),
             ET_EARG);
    // Stamps of any pattern: an answer or a clear refusal, never more.
    uint64_t state = 3;
    for (int round = 0; round < 2000; round++) {
        const size_t n = (size_t)(round % 100);
        int64_t arrival = 1000;
        for (size_t i = 0; i < n; i++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            const int64_t step = (int64_t)(state >> 40);
            arrival += round % 3 ? step : step % 2;
            h[i] = arrival;
            d[i] = round % 4 == 0   ? (int64_t)(state >> 3) - INT64_MAX / 8
                   : round % 4 == 1 ? (int64_t)(state >> 62)
                   : round % 4 == 2 ? arrival / 1000 * 1000
                                    : 77;
        }
        const struct et_arena_mark mark = et_arena_mark(arena);
        const struct et_clock_pairs pairs = {.t_device_ns = d, .t_arrival_ns = h, .n = n};
        const enum et_status st = et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT || st == ET_EARG);
        et_arena_rewind(arena, mark);
    }
    et_arena_close(arena);
}

static void counters_unfold(void)
{
    const uint32_t counter[] = {0xfffffffe, 0xffffffff, 1, 0, 5};
    const int64_t wanted[] = {0xfffffffe, 0xffffffff, 0x100000001, 0x100000000, 0x100000005};
    int64_t got[5];
    et_clock_unwrap(counter, 5, 32, got);
    CHECK(memcmp(got, wanted, sizeof got) == 0);
    const uint32_t bytes[] = {250, 255, 4, 3};
    const int64_t unfolded[] = {250, 255, 260, 259};
    et_clock_unwrap(bytes, 4, 8, got);
    CHECK(memcmp(got, unfolded, sizeof unfolded) == 0);
}

static void models_become_json(void)
{
    struct sim_device device = WIRED;
    struct fitted f;
    device.duration_s = 120;
    fit(&device, false, &f);
    struct et_buf buf = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &buf};
    et_clock_model_json(&w, &f.model);
    const struct et_value *value;
    CHECK_OK(et_json_parse(et_buf_str(&buf), NULL, arena, &value, &err));
    const struct et_value *run = et_value_at(et_value_get(value, "runs"), 0);
    CHECK_STR(et_value_text(et_value_get(run, "source"), ""), "device");
    const size_t n = et_value_count(et_value_get(run, "knots"));
    CHECK(n >= 2 && n < 60); // a line within a microsecond needs few of 121
    et_buf_free(&buf);
    release(&f);
}

int main(void)
{
    RUN(wired_within_a_tenth_of_a_millisecond);
    RUN(wifi_within_a_millisecond);
    RUN(short_recordings_too);
    RUN(coarse_ticks_are_counted);
    RUN(a_reset_begins_a_new_run);
    RUN(no_stamps_give_arrival);
    RUN(absurd_times_are_refused_or_survived);
    RUN(counters_unfold);
    RUN(models_become_json);
    return tap_end();
}

/* Clock models against links whose truth is known. */
#include "etude/clock.h"
#include "etude/clock_model.h"
#include "sim_clock.h"
#include "support.h"
#include "tap.h"

#include <math.h>
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

/* A device of 500 Hz whose ticks are even milliseconds: no two samples share a tick. */
static void single_losses_between_even_ticks_are_counted(void)
{
    enum { N = 60 * 500 };
    struct et_clock_model model;
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
    int64_t *numbers = calloc(3 * N, sizeof *numbers);
    int64_t *d = numbers, *h = numbers + N, *t_ns = numbers + 2 * N;
    size_t n = 0, n_lost = 0;
    for (int64_t i = 0; i < N; i++) {
        const bool is_lost = i % 997 == 500 || i % 1501 == 77;
        n_lost += is_lost;
        if (is_lost)
            continue;
        d[n] = (i + 1) * 2000000;
        h[n++] = 1000000000000 + i * 2000000 + 100000 + i * 7919 % 50000;
    }
    const struct et_clock_pairs pairs = {.t_device_ns = d, .t_arrival_ns = h, .n = n};
    CHECK_OK(et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err));
    CHECK_EQ(model.tick_ns, 2000000);
    CHECK_EQ(model.runs[0].source, ET_CLOCK_COUNTER);
    CHECK_EQ(model.runs[0].n_missing, (int64_t)n_lost);
    et_arena_close(arena);
    free(numbers);
}

/* 500 Hz, ticks of a millisecond, and samples so near a tick's edge that they fall to either side:
 * steps of one, two and three ticks, none of them a loss. */
static void samples_at_a_ticks_edge_are_all_there(void)
{
    enum { N = 60 * 500 };
    struct et_clock_model model;
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
    int64_t *numbers = calloc(3 * N, sizeof *numbers);
    int64_t *d = numbers, *h = numbers + N, *t_ns = numbers + 2 * N;
    for (int64_t i = 0; i < N; i++) {
        const int64_t shown = i * 2000000 + i * 7919 % 60000 - 30000; // 30 us to either side
        d[i] = (shown + 1000000000) / 1000000 * 1000000;
        h[i] = 1000000000000 + i * 2000000 + 100000 + i * 104729 % 50000;
    }
    const struct et_clock_pairs pairs = {.t_device_ns = d, .t_arrival_ns = h, .n = N};
    CHECK_OK(et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err));
    CHECK_EQ(model.tick_ns, 1000000);
    CHECK_EQ(model.runs[0].source, ET_CLOCK_COUNTER);
    CHECK_EQ(model.runs[0].n_missing, 0);
    et_arena_close(arena);
    free(numbers);
}

static int64_t lost_of(const struct sim_messages *m)
{
    return (int64_t)(m->sequence[m->n - 1] - m->sequence[0]) - (int64_t)(m->n - 1);
}

/* The same over a link whose delays are longer than the period: stamps tell, arrivals do not. */
static void even_ticks_are_counted_over_a_slow_link(void)
{
    struct fitted f;
    struct sim_device device = {.link = SIM_WIFI,
                                .rate_hz = 500,
                                .skew_ppm = 1,
                                .duration_s = 60,
                                .tick_s = 2e-3,
                                .offset_s = 3.001,
                                .drop = 0.02,
                                .seed = 7};
    fit(&device, false, &f);
    CHECK_EQ(f.model.tick_ns, 2000000);
    CHECK_EQ(f.model.runs[0].source, ET_CLOCK_COUNTER);
    CHECK_NEAR((double)f.model.runs[0].n_missing, 30000 - (double)f.m.n, 2); // at the ends
    CHECK(f.p95 <= 1 * MS);
    release(&f);
}

/* Fits what a sender without stamps sent. */
static void fit_bare(const struct sim_device *device, bool with_sequence, struct fitted *f)
{
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
    sim_run(device, &f->m);
    const struct et_clock_pairs pairs = {.t_arrival_ns = f->m.t_arrival_ns,
                                         .sequence = with_sequence ? f->m.sequence : NULL,
                                         .n = f->m.n};
    f->t_ns = calloc(f->m.n, sizeof *f->t_ns);
    CHECK_OK(et_clock_fit(&pairs, NULL, arena, &f->model, f->t_ns, &err));
    f->p50 = sim_quantile(f->t_ns, f->m.t_true_ns, f->m.n, 0.5);
    f->p95 = sim_quantile(f->t_ns, f->m.t_true_ns, f->m.n, 0.95);
    f->max = sim_quantile(f->t_ns, f->m.t_true_ns, f->m.n, 1);
    printf("# %s, %lld of %lld missing; p50 %.1f us, p95 %.1f us; arrival p95 %.1f us\n",
           et_clock_source_text(f->model.runs[0].source), (long long)f->model.runs[0].n_missing,
           (long long)lost_of(&f->m), f->p50 / US, f->p95 / US,
           sim_quantile(f->m.t_arrival_ns, f->m.t_true_ns, f->m.n, 0.95) / US);
}

static void an_even_sender_without_stamps_is_counted(void)
{
    static const struct sim_device *const LINKS[] = {&WIRED, &BUSY, &USB};
    for (size_t i = 0; i < 3; i++) {
        struct sim_device device = *LINKS[i];
        device.duration_s = 120;
        struct fitted f;
        fit_bare(&device, false, &f);
        CHECK_EQ(f.model.n_runs, 1);
        CHECK_EQ(f.model.runs[0].source, ET_CLOCK_EVEN);
        CHECK_EQ(f.model.runs[0].n_missing, 0);
        CHECK_NEAR(f.model.runs[0].period_ns * 1e-9 * device.rate_hz, 1, 1e-5);
        CHECK(f.p95 <= 0.1 * MS);
        release(&f);
    }
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct sim_device device = WIFI;
        device.duration_s = 60;
        device.seed = seed;
        struct fitted f;
        fit_bare(&device, false, &f);
        CHECK_EQ(f.model.runs[0].source, ET_CLOCK_EVEN);
        CHECK_EQ(f.model.runs[0].n_missing, 0);
        CHECK(f.p95 <= 1 * MS);
        release(&f);
    }
}

/* Periods shorter than what delays differ by: no single sample tells where it belongs. */
static void a_quick_sender_is_counted_over_a_slow_link(void)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct sim_device device = WIFI;
        device.rate_hz = seed % 2 ? 250 : 500;
        device.duration_s = 60;
        device.seed = seed;
        struct fitted f;
        fit_bare(&device, false, &f);
        CHECK_EQ(f.model.runs[0].source, ET_CLOCK_EVEN);
        CHECK_EQ(f.model.runs[0].n_missing, 0);
        CHECK(f.p95 <= 1 * MS);
        release(&f);
    }
}

static void what_an_even_sender_lost_is_counted(void)
{
    static const double DROPS[] = {0.0005, 0.002, 0.02};
    for (size_t i = 0; i < 3; i++) {
        struct sim_device device = WIRED;
        device.rate_hz = 100;
        device.duration_s = 120;
        device.drop = DROPS[i];
        struct fitted f;
        fit_bare(&device, false, &f);
        CHECK_EQ(f.model.runs[0].source, ET_CLOCK_EVEN);
        // The last two seconds tell nothing.
        CHECK_NEAR((double)f.model.runs[0].n_missing, (double)lost_of(&f.m),
                   1 + 2 * device.drop * 200);
        CHECK(f.p95 <= 0.1 * MS);
        release(&f);
        fit_bare(&device, true, &f);
        CHECK_EQ(f.model.runs[0].source, ET_CLOCK_EVEN);
        CHECK_EQ(f.model.runs[0].n_missing, lost_of(&f.m));
        CHECK(f.p95 <= 0.1 * MS);
        release(&f);
    }
}

/* The sender's rate bends, as that of a device that warms up. */
static void an_even_sender_may_change_its_rate_slowly(void)
{
    static const double BENDS_PPM[] = {10, 100, 300};
    enum { N = 60 * 100 };
    for (size_t i = 0; i < 3; i++) {
        struct et_clock_model model;
        CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
        int64_t *numbers = calloc(3 * N, sizeof *numbers);
        int64_t *h = numbers, *sent = numbers + N, *t_ns = numbers + 2 * N;
        for (int64_t k = 0; k < N; k++) {
            const double t = (double)k * 0.01;
            sent[k] = 1000000000000 + llround((t + BENDS_PPM[i] * 1e-6 * t * t / 120) * 1e9);
            h[k] = sent[k] + k * k * 7919 % 997 * 1500; // up to 1.5 ms
        }
        const struct et_clock_pairs pairs = {.t_arrival_ns = h, .n = N};
        CHECK_OK(et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err));
        CHECK_EQ(model.runs[0].source, ET_CLOCK_EVEN);
        CHECK_EQ(model.runs[0].n_missing, 0);
        printf("# bends by %g ppm: p95 %.1f us\n", BENDS_PPM[i],
               sim_quantile(t_ns, sent, N, 0.95) / US);
        CHECK(sim_quantile(t_ns, sent, N, 0.95) <= (BENDS_PPM[i] > 30 ? 0.5 : 0.1) * MS);
        et_arena_close(arena);
        free(numbers);
    }
}

/* Times that swing by themselves are no delays: arrival is as near as one gets. */
static void an_uneven_sender_keeps_its_arrivals(void)
{
    enum { N = 60 * 100 };
    uint64_t state = 5;
    for (int round = 0; round < 12; round++) {
        const int kind = round % 3;
        struct et_clock_model model;
        CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
        int64_t *numbers = calloc(2 * N, sizeof *numbers);
        int64_t *h = numbers, *t_ns = numbers + N, at = 1000000000000;
        for (int64_t k = 0; k < N; k++) {
            h[k] = at;
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            const int64_t dice = (int64_t)(state >> 40) % 1000;
            at += kind == 0   ? 5000000 + dice * 10000               // each step as it likes
                  : kind == 1 ? (k / 1000 % 2 ? 10000000 : 13000000) // two rates by turns
                              : (dice < 50 ? 50000000 : 10000);      // bursts
        }
        const struct et_clock_pairs pairs = {.t_arrival_ns = h, .n = N};
        CHECK_OK(et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err));
        CHECK_EQ(model.runs[0].source, ET_CLOCK_ARRIVAL);
        CHECK_EQ(model.runs[0].n_knots, 0);
        CHECK_EQ(model.runs[0].n_missing, 0);
        CHECK(memcmp(t_ns, h, N * sizeof *h) == 0);
        et_arena_close(arena);
        free(numbers);
    }
}

/* Too few, too short, all at once, or a sequence that counts nothing: never more than arrival. */
static void what_is_too_little_for_a_count_keeps_its_arrivals(void)
{
    enum { N = 1000 };
    static int64_t h[N], t_ns[N];
    static uint32_t sequence[N];
    struct et_clock_model model;
    for (int kind = 0; kind < 5; kind++) {
        CHECK_OK(et_arena_open(&arena, (size_t)1 << 26, &err));
        for (int64_t k = 0; k < N; k++) {
            h[k] = 1000 + (kind == 0   ? 0
                           : kind == 1 ? k * 9000000 // 9 s
                           : kind == 2 ? (k == N - 1 ? INT64_MAX / 8 : 0)
                                       : k * 20000000);
            sequence[k] = (uint32_t)(k * 2654435761);
        }
        const struct et_clock_pairs pairs = {
            .t_arrival_ns = h, .sequence = kind == 3 ? sequence : NULL, .n = kind == 4 ? 199 : N};
        CHECK_OK(et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err));
        CHECK_EQ(model.runs[0].source, ET_CLOCK_ARRIVAL);
        CHECK(memcmp(t_ns, h, pairs.n * sizeof *h) == 0);
        et_arena_close(arena);
    }
}

/* Arrivals of any pattern that are many enough to be counted: an answer, never more. */
static void arrivals_of_any_pattern_are_survived(void)
{
    enum { N = 2000 };
    static int64_t h[N], t_ns[N];
    static uint32_t sequence[N];
    uint64_t state = 11;
    for (int round = 0; round < 200; round++) {
        const size_t n = 200 + (size_t)round * 9;
        int64_t at = round % 5 == 4 ? -INT64_MAX / 8 : 0;
        CHECK_OK(et_arena_open(&arena, (size_t)1 << 26, &err));
        for (size_t k = 0; k < n; k++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            const int64_t dice = (int64_t)(state >> 40);
            at += round % 4 == 0   ? dice * 100
                  : round % 4 == 1 ? (dice % 50 == 0 ? dice * 1000000 : 0)
                  : round % 4 == 2 ? (k < n / 2 ? 1 : dice * 100)
                                   : (k % 64 ? 20000000 : dice * 1000);
            h[k] = at;
            sequence[k] = round % 3 ? (uint32_t)(state >> 33) : (uint32_t)k;
        }
        struct et_clock_model model;
        const struct et_clock_pairs pairs = {
            .t_arrival_ns = h, .sequence = round % 2 ? sequence : NULL, .n = n};
        CHECK_OK(et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err));
        CHECK_EQ(model.n_runs, 1);
        CHECK(model.runs[0].n_missing >= 0);
        et_arena_close(arena);
    }
}

/* One message of another time, far behind or just behind, ends no run. */
static void one_stamp_out_of_order_is_no_reset(void)
{
    static const double FALLS_S[] = {0.01, 0.04, 0.3, 100};
    for (size_t i = 0; i < 4; i++) {
        struct sim_device device = WIRED;
        device.duration_s = 60;
        struct sim_messages m;
        struct et_clock_model model;
        CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
        sim_run(&device, &m);
        m.t_device_ns[9000] -= llround(FALLS_S[i] * 1e9);
        int64_t *t_ns = calloc(m.n, sizeof *t_ns);
        const struct et_clock_pairs pairs = {
            .t_device_ns = m.t_device_ns, .t_arrival_ns = m.t_arrival_ns, .n = m.n};
        CHECK_OK(et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err));
        CHECK_EQ(model.n_runs, 1);
        CHECK_EQ(model.n_disordered, 1);
        CHECK(sim_quantile(t_ns, m.t_true_ns, m.n, 0.95) <= 0.1 * MS);
        // As the last one it cannot be told from a reset.
        m.t_device_ns[9000] = m.t_device_ns[8999] + 2000000;
        m.t_device_ns[m.n - 1] -= llround(FALLS_S[i] * 1e9);
        CHECK_OK(et_clock_fit(&pairs, NULL, arena, &model, t_ns, &err));
        CHECK_EQ(model.n_runs, FALLS_S[i] > 0.05 ? 2 : 1);
        free(t_ns);
        sim_free(&m);
        et_arena_close(arena);
    }
}

/* Stamps that are multiples of the very period: a step of two is a message that did not come,
 * or two ticks of a slower device. When the next one came says which. */
static void ticks_of_a_whole_period_are_counted(void)
{
    struct fitted f;
    struct sim_device device = {.link = SIM_WIRED,
                                .rate_hz = 100,
                                .duration_s = 120,
                                .tick_s = 0.01,
                                .offset_s = 3.004,
                                .drop = 0.01,
                                .seed = 5};
    fit(&device, false, &f);
    CHECK_EQ(f.model.tick_ns, 10000000);
    CHECK_EQ(f.model.runs[0].source, ET_CLOCK_COUNTER);
    CHECK_NEAR((double)f.model.runs[0].n_missing, 12000 - (double)f.m.n, 2); // at the ends
    CHECK(f.p95 <= 0.2 * MS);
    release(&f);
    device.drop = 0;
    device.rate_hz = 99.7;
    fit(&device, false, &f);
    CHECK_EQ(f.model.runs[0].source, ET_CLOCK_COUNTER);
    CHECK_EQ(f.model.runs[0].n_missing, 0);
    CHECK(f.p95 <= 0.2 * MS);
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
    RUN(single_losses_between_even_ticks_are_counted);
    RUN(samples_at_a_ticks_edge_are_all_there);
    RUN(even_ticks_are_counted_over_a_slow_link);
    RUN(an_even_sender_without_stamps_is_counted);
    RUN(a_quick_sender_is_counted_over_a_slow_link);
    RUN(what_an_even_sender_lost_is_counted);
    RUN(an_even_sender_may_change_its_rate_slowly);
    RUN(an_uneven_sender_keeps_its_arrivals);
    RUN(what_is_too_little_for_a_count_keeps_its_arrivals);
    RUN(arrivals_of_any_pattern_are_survived);
    RUN(one_stamp_out_of_order_is_no_reset);

    RUN(ticks_of_a_whole_period_are_counted);
    RUN(a_reset_begins_a_new_run);
    RUN(no_stamps_give_arrival);
    RUN(absurd_times_are_refused_or_survived);
    RUN(counters_unfold);
    RUN(models_become_json);
    return tap_end();
}

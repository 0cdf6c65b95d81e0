/* Every back end does what the reference does, within what its sums' order changes. Shapes are odd
 * on purpose: vectors end in the middle of them. */
#include "back_ends.h"

#include "learn/learn__exp.h"
#include "learn/learn__kernels.h"
#include "tap.h"

#include "etude/random.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define POOL ((size_t)1 << 20)
#define PAGE 4096 // a device shares whole ones

// Numbers for inputs, the same each time; two places for outputs.
static float *input, *output[2];
static _Alignas(PAGE) uint8_t hidden[3 * 21];
static const struct back_end *now; // that is judged

static void begin(uint64_t seed)
{
    static float normal[POOL];
    static bool is_drawn;
    for (size_t i = 0; !is_drawn && i < POOL; i++) // which takes its time
        normal[i] = (float)et_random_normal(1, i);
    is_drawn = true;
    for (size_t i = 0; i < POOL; i++)
        input[i] = normal[(i + 65537 * seed) % POOL];
    for (size_t i = 0; i < POOL; i++)
        output[0][i] = output[1][i] = input[POOL - 1 - i];
}

static double worst(size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)output[0][i] - (double)output[1][i]) /
                              (1 + fabs((double)output[0][i])));
    return most;
}

// Each kernel twice: the reference into output[0], a back end into output[1].
#define EACH(k, to)                                                                          \
    for (int i_out = 0; i_out < 2; back_end_finish(i_out ? now : NULL), i_out++)             \
        for (const struct et__kernels *k = i_out ? now->kernels : &et__kernels_reference; k; \
             k = NULL)                                                                       \
            for (float *to = output[i_out]; to; to = NULL)
#define DEVICE (i_out ? now->device : NULL)

static void matrices_are_multiplied_turned_or_not(void)
{
    for (int turned = 0; turned < 4; turned++)
        for (int beta = 0; beta < 2; beta++) {
            begin(1);
            EACH(k, to)
            k->gemm(DEVICE, &(struct et__gemm){.c = to,
                                               .a = input,
                                               .b = input + 20000,
                                               .m = 37,
                                               .n = 29,
                                               .k = 41,
                                               .c_stride = 31,
                                               .a_stride = turned & 1 ? 37 : 43,
                                               .b_stride = turned & 2 ? 41 : 30,
                                               .is_a_turned = turned & 1,
                                               .is_b_turned = turned & 2,
                                               .alpha = 0.5F,
                                               .beta = (float)beta});
            CHECK(worst(POOL) < 2e-6);
        }
}

// As training has them: what a processor's library does of its own accord is only done of these.
static void large_matrices_are_multiplied_turned_or_not(void)
{
    enum { M = 260, N = 300, K = 257 };
    if (now->kernels->memory)
        return; // a GPU does all alike, and as a loop it would take its time
    for (int turned = 0; turned < 4; turned++)
        for (int beta = 0; beta < 2; beta++) {
            begin(1);
            EACH(k, to)
            {
                to[0] = beta ? 1 : NAN;
                k->gemm(DEVICE, &(struct et__gemm){.c = to,
                                                   .a = input,
                                                   .b = input + 200000,
                                                   .m = M,
                                                   .n = N,
                                                   .k = K,
                                                   .c_stride = N + 3,
                                                   .a_stride = turned & 1 ? M + 1 : K + 1,
                                                   .b_stride = turned & 2 ? K : N + 5,
                                                   .is_a_turned = turned & 1,
                                                   .is_b_turned = turned & 2,
                                                   .alpha = 0.5F,
                                                   .beta = (float)beta});
            }
            CHECK(worst(POOL) < 2e-5);
        }
}

static volatile sig_atomic_t n_signals, n_astray;
static const char *stack; // of the thread that multiplies

static void on_signal(int number)
{
    const char here = 0;
    const ptrdiff_t far = (const char *)&here - stack;
    (void)number;
    n_signals++;
    n_astray += far > 1 << 20 || far < -(1 << 20);
}

// Whatever a library keeps in the register of the stack while it multiplies.
static void who_handles_signals_has_a_stack(void)
{
    const char here = 0;
    const struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction before;
    if (now->kernels->memory)
        return; // a GPU's kernels are not on this processor
    stack = &here;
    n_signals = n_astray = 0;
    begin(1);
    CHECK_EQ(sigaction(SIGALRM, &action, &before), 0);
    CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; i < 20000 && n_signals < 300; i++)
        now->kernels->gemm(now->device, &(struct et__gemm){.c = output[1],
                                                           .a = input,
                                                           .b = input + 300000,
                                                           .m = 512,
                                                           .n = 512,
                                                           .k = 512,
                                                           .c_stride = 512,
                                                           .a_stride = 512,
                                                           .b_stride = 512,
                                                           .is_b_turned = i % 2,
                                                           .alpha = 1});
    CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
    CHECK_EQ(sigaction(SIGALRM, &before, NULL), 0);
    CHECK(n_signals > 0);
    CHECK_EQ(n_astray, 0);
}

static void what_beta_0_writes_over_is_not_read(void)
{
    EACH(k, to)
    {
        to[0] = NAN;
        k->gemm(DEVICE, &(struct et__gemm){.c = to,
                                           .a = input,
                                           .b = input,
                                           .m = 1,
                                           .n = 1,
                                           .k = 3,
                                           .c_stride = 1,
                                           .a_stride = 3,
                                           .b_stride = 1,
                                           .alpha = 1});
        CHECK(isfinite(to[0]));
    }
}

static void rows_are_copied_spread_added_and_summed(void)
{
    const struct {
        size_t to_stride, from_stride;
    } ways[] = {{33, 35}, {33, 0}, {0, 35}};
    for (size_t i = 0; i < 3; i++) {
        struct et__rows r = {.from = input,
                             .n_rows = 23,
                             .width = 33,
                             .to_stride = ways[i].to_stride,
                             .from_stride = ways[i].from_stride};
        begin(2);
        EACH(k, to)
        {
            r.to = to;
            k->add_rows(DEVICE, &r);
            r.to = to + 5000;
            if (r.to_stride > 0)
                k->copy_rows(DEVICE, &r);
            k->clear(DEVICE, to + 9000, 77);
        }
        CHECK(worst(POOL) < 2e-6);
        CHECK(output[1][9000] == 0 && output[1][9076] == 0 && output[1][9077] != 0);
    }
}

static void rows_are_normalised_and_back(void)
{
    for (int options = 0; options < 4; options++)
        for (size_t width = 1; width < 70; width += 17) {
            const bool weighed = options & 1;
            const size_t n_rows = options & 2 ? 41 : 19; // more than are added up at once
            begin(3);
            EACH(k, to)
            {
                float *mean = to + 3000, *scale = to + 3100;
                k->norm(DEVICE, &(struct et__norm){.y = to,
                                                   .mean = mean,
                                                   .scale = scale,
                                                   .x = input,
                                                   .weight = weighed ? input + 4000 : NULL,
                                                   .bias = weighed ? input + 20000 : NULL,
                                                   .n_rows = n_rows,
                                                   .width = width,
                                                   .epsilon = 1e-2F});
                k->norm_back(DEVICE,
                             &(struct et__norm_back){.dx = to + 6000,
                                                     .dweight = weighed ? to + 9000 : NULL,
                                                     .dbias = weighed ? to + 9500 : NULL,
                                                     .dy = input + 7000,
                                                     .x = input,
                                                     .weight = weighed ? input + 4000 : NULL,
                                                     .mean = mean,
                                                     .scale = scale,
                                                     .n_rows = n_rows,
                                                     .width = width});
            }
            CHECK(worst(POOL) < 1e-5);
        }
}

static void activations_and_their_slopes_are_those_of_the_formulas(void)
{
    for (int kind = ET__RELU; kind <= ET__SILU; kind++) {
        begin(4);
        for (size_t i = 0; i < 100; i++)
            input[i] *= 30; // far out, too
        EACH(k, to)
        {
            k->activate(DEVICE, (enum et__activation)kind, to, input, 1003);
            k->activate_back(DEVICE, (enum et__activation)kind, to + 2000, input + 20000, input,
                             1003);
            k->copy_rows(DEVICE,
                         &(struct et__rows){
                             .to = to + 4000, .from = input + 20000, .n_rows = 1, .width = 1003});
            k->activate_back(DEVICE, (enum et__activation)kind, to + 4000, to + 4000, input, 1003);
        }
        CHECK(worst(POOL) < 2e-6);
    }
}

static void attention_is_paid_by_head_but_not_to_what_is_hidden(void)
{
    hidden[0] = hidden[20] = hidden[21 + 7] = 1;
    for (int with = 0; with < 4; with++) {
        struct et__attention a = {.q = input,
                                  .k = input + 10000,
                                  .v = input + 20000,
                                  .hidden = with & 1 ? hidden : NULL,
                                  .chance = {.key = 3, .first = 77, .share = 20000},
                                  .n_batch = 3,
                                  .n_queries = 17,
                                  .n_keys = 21,
                                  .width = 24,
                                  .n_heads = 4};
        begin(5);
        EACH(k, to)
        {
            a.o = to;
            a.weights = to + 10000;
            a.kept = with & 2 ? to + 50000 : NULL;
            k->attend(DEVICE, &a);
            k->attend_back(DEVICE, &(struct et__attention_back){.dq = to + 20000,
                                                                .dk = to + 30000,
                                                                .dv = to + 40000,
                                                                .scratch = to + POOL - 1000,
                                                                .d_o = input + 30000,
                                                                .forward = &a});
            CHECK(!(with & 1) || to[10000] == 0);
        }
        CHECK(worst(POOL - 1000) < 5e-6);
    }
}

static void chance_leaves_out_the_same_ones_and_as_many_as_it_should(void)
{
    static const unsigned SHARES[] = {0, 6553, 32768, 65535};
    for (size_t i = 0; i < sizeof SHARES / sizeof *SHARES; i++)
        for (uint64_t first = 0; first < 5; first++) {
            const size_t n = 20000 + first;
            begin(9);
            EACH(k, to)
            {
                const struct et__drop d = {
                    .to = to,
                    .from = first == 4 ? to : input + first,
                    .n = n,
                    .chance = {.key = 5 + i, .first = first * 1001, .share = SHARES[i]}};
                k->drop(DEVICE, &d);
            }
            CHECK(worst(POOL) < 1e-6);
            double n_left_out = 0;
            for (size_t j = 0; j < n; j++)
                n_left_out += output[1][j] == 0;
            // Six deviations of a binomial distribution.
            const double share = (double)SHARES[i] / ET__CHANCE_ONE;
            CHECK(fabs(n_left_out / (double)n - share) <=
                  6 * sqrt(share * (1 - share) / (double)n));
        }
}

static void conditions_scale_shift_and_gate(void)
{
    const size_t n_batch = 3, n_steps = 7, width = 21, stride = 50;
    begin(8);
    EACH(k, to)
    {
        const struct et__modulate m = {.y = to,
                                       .x = input,
                                       .scale = input + 1000,
                                       .shift = input + 1025,
                                       .n_batch = n_batch,
                                       .n_steps = n_steps,
                                       .width = width,
                                       .stride = stride};
        const struct et__gate g = {.y = to + 1000,
                                   .x = input,
                                   .part = input + 2000,
                                   .gate = input + 3000,
                                   .n_batch = n_batch,
                                   .n_steps = n_steps,
                                   .width = width,
                                   .stride = stride};
        k->modulate(DEVICE, &m);
        k->modulate_back(DEVICE, &(struct et__modulate_back){.dx = to + 2000,
                                                             .dscale = to + 3000,
                                                             .dshift = to + 3025,
                                                             .dy = input + 4000,
                                                             .forward = &m});
        k->gate(DEVICE, &g);
        k->gate_back(
            DEVICE, &(struct et__gate_back){
                        .dpart = to + 4000, .dgate = to + 5000, .dy = input + 4000, .forward = &g});
    }
    CHECK(worst(POOL) < 2e-6);
}

static void losses_are_sums_over_the_rows_that_count(void)
{
    static const size_t SQUARED[] = {0, 21, 4};
    for (int options = 0; options < 12; options++) {
        const size_t n_rows = options & 2 ? 731 : 31;
        double sums[2] = {0};
        begin(6);
        for (size_t i = 40000; i < 40000 + n_rows * 21; i++)
            input[i] = input[i] > 0;     // the mask
        input[20000] = input[20003] = 0; // weights
        input[3 * 21] = NAN;             // of a row that does not count
        EACH(k, to)
        sums[i_out] = k->loss(DEVICE, &(struct et__loss){.dout = to,
                                                         .out = input,
                                                         .target = input + 100000,
                                                         .weights = input + 20000,
                                                         .mask = options & 1 ? input + 40000 : NULL,
                                                         .n_rows = n_rows,
                                                         .width = 21,
                                                         .n_squared = SQUARED[options / 4]});
        CHECK(isfinite(sums[0]));
        CHECK_NEAR(sums[1], sums[0], 4e-6 * (double)n_rows);
        CHECK(worst(POOL) < 1e-6);
    }
}

static void latents_are_drawn_and_go_back(void)
{
    for (size_t n_rows = 13; n_rows < 400; n_rows += 300) {
        double sums[2] = {0};
        begin(9);
        EACH(k, to)
        {
            const struct et__latent l = {
                .z = to, .params = input, .noise = input + 20000, .n_rows = n_rows, .n_latent = 11};
            sums[i_out] = k->draw_latent(DEVICE, &l);
            k->draw_latent_back(DEVICE, &(struct et__latent_back){.d_params = to + 10000,
                                                                  .dz = input + 30000,
                                                                  .forward = &l,
                                                                  .kl_weight = 0.3F});
        }
        CHECK(worst(POOL) < 2e-6);
        CHECK_NEAR(sums[1] / sums[0], 1, 1e-6);
    }
}

static void an_optimisers_step_is_adamws(void)
{
    double sums[2] = {0};
    begin(7);
    for (size_t i = 30000; i < 40000; i++)
        output[0][i] = output[1][i] = fabsf(output[0][i]); // second moments
    EACH(k, to)
    {
        k->adamw(DEVICE, &(struct et__adamw){.values = to,
                                             .first = to + 20000,
                                             .second = to + 30000,
                                             .grads = input,
                                             .decay = input + 10000,
                                             .n = 1001,
                                             .step = 3,
                                             .rate = 1e-2,
                                             .beta1 = 0.9,
                                             .beta2 = 0.999,
                                             .epsilon = 1e-8,
                                             .weight_decay = 0.1,
                                             .grad_scale = 0.5});
        k->blend(DEVICE, to + 50000, input, 0.25, 1001);
        sums[i_out] = k->sum_squares(DEVICE, input, 1001);
    }
    CHECK(worst(POOL) < 2e-6);
    CHECK_NEAR(sums[1] / sums[0], 1, 1e-12);
}

// In more pieces than a device has room for sums.
static void sums_of_many_numbers_are_exact(void)
{
    double sums[2] = {0};
    begin(7);
    EACH(k, to)
    sums[i_out] = k->sum_squares(DEVICE, input, 300001);
    CHECK_NEAR(sums[1] / sums[0], 1, 1e-12);
}

static void the_exponential_is_right_to_two_units_and_keeps_what_is_no_number(void)
{
    double most = 0;
    for (int i = 0; i <= 200000; i++) {
        const float x = -87.0F + 174.0F * (float)i / 200000.0F;
        const double right = exp((double)x);
        most = fmax(most, fabs((double)et__exp(x) - right) / right);
    }
    CHECK(most < 1.2e-7);
    CHECK(et__exp(-INFINITY) > 0 && et__exp(-INFINITY) < 2e-38F);
    CHECK(isfinite(et__exp(1000)) && isnan(et__exp(NAN)));
    CHECK(et__exp(0) == 1.0F);
}

/* ---- threads ---- */

enum { SIDE = 48, N_KINDS = 4, N_TIMES = 40000 };

static void multiply_kind(float *c, size_t kind)
{
    static const int ROWS[] = {5, 32, 48, 40}, DEPTHS[] = {8, 5, 48, 32};
    et__kernels_cpu.gemm(NULL, &(struct et__gemm){.c = c,
                                                  .a = input,
                                                  .b = input + SIDE * SIDE,
                                                  .m = ROWS[kind],
                                                  .n = 32,
                                                  .k = DEPTHS[kind],
                                                  .c_stride = SIDE,
                                                  .a_stride = SIDE,
                                                  .b_stride = SIDE,
                                                  .is_b_turned = kind % 2 == 1,
                                                  .alpha = 1});
}

static void *multiply_often(void *ctx)
{
    size_t *n_wrong = ctx;
    float c[SIDE * SIDE];
    for (size_t i = 0; i < N_TIMES; i++) {
        const size_t kind = i % N_KINDS;
        memset(c, 0, sizeof c);
        multiply_kind(c, kind);
        *n_wrong += memcmp(c, output[0] + kind * SIDE * SIDE, sizeof c) != 0;
    }
    return NULL;
}

static void matrices_are_the_same_from_any_number_of_threads(void)
{
    enum { N_THREADS = 4 };
    pthread_t threads[N_THREADS];
    size_t n_wrong[N_THREADS] = {0};
    begin(23);
    memset(output[0], 0, N_KINDS * SIDE * SIDE * sizeof **output);
    for (size_t kind = 0; kind < N_KINDS; kind++)
        multiply_kind(output[0] + kind * SIDE * SIDE, kind);
    for (size_t i = 0; i < N_THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, multiply_often, &n_wrong[i]) == 0);
    for (size_t i = 0; i < N_THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_EQ(n_wrong[i], 0);
    }
}

static void judge(const struct back_end *end)
{
    now = end;
    back_end_share(end, input, POOL * sizeof *input);
    back_end_share(end, output[0], POOL * sizeof *input);
    back_end_share(end, output[1], POOL * sizeof *input);
    back_end_share(end, hidden, sizeof hidden);
    RUN_BY(end, matrices_are_multiplied_turned_or_not);
    RUN_BY(end, large_matrices_are_multiplied_turned_or_not);
    RUN_BY(end, who_handles_signals_has_a_stack);
    RUN_BY(end, what_beta_0_writes_over_is_not_read);
    RUN_BY(end, rows_are_copied_spread_added_and_summed);
    RUN_BY(end, rows_are_normalised_and_back);
    RUN_BY(end, activations_and_their_slopes_are_those_of_the_formulas);
    RUN_BY(end, attention_is_paid_by_head_but_not_to_what_is_hidden);
    RUN_BY(end, chance_leaves_out_the_same_ones_and_as_many_as_it_should);
    RUN_BY(end, conditions_scale_shift_and_gate);
    RUN_BY(end, losses_are_sums_over_the_rows_that_count);
    RUN_BY(end, latents_are_drawn_and_go_back);
    RUN_BY(end, an_optimisers_step_is_adamws);
    RUN_BY(end, sums_of_many_numbers_are_exact);
    back_end_unshare(end, input);
    back_end_unshare(end, output[0]);
    back_end_unshare(end, output[1]);
    back_end_unshare(end, hidden);
}

int main(void)
{
    input = aligned_alloc(PAGE, POOL * sizeof *input);
    output[0] = aligned_alloc(PAGE, POOL * sizeof *input);
    output[1] = aligned_alloc(PAGE, POOL * sizeof *input);
    back_ends_each(judge);
    RUN(matrices_are_the_same_from_any_number_of_threads);
    RUN(the_exponential_is_right_to_two_units_and_keeps_what_is_no_number);
    free(input);
    free(output[0]);
    free(output[1]);
    return tap_end();
}

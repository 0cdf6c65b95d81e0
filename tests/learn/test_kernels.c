/* Every back end does what the reference does, within what its sums' order changes. Shapes are odd
 * on purpose: vectors end in the middle of them. */
#include "learn/learn__exp.h"
#include "learn/learn__kernels.h"
#include "tap.h"

#include "etude/random.h"

#include <math.h>
#include <stdlib.h>

#define POOL ((size_t)1 << 20)

static const struct et__kernels *const BACK_ENDS[] = {&et__kernels_cpu};
#define N_BACK_ENDS (sizeof BACK_ENDS / sizeof BACK_ENDS[0])

// Numbers for inputs, the same each time; two places for outputs.
static float *input, *output[2];

static void begin(uint64_t seed)
{
    for (size_t i = 0; i < POOL; i++)
        input[i] = (float)et_random_normal(seed, i);
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
#define EACH(k, to)                                                                               \
    for (size_t i_end = 0; i_end < N_BACK_ENDS; i_end++)                                          \
        for (int i_out = 0; i_out < 2; i_out++)                                                   \
            for (const struct et__kernels *k = i_out ? BACK_ENDS[i_end] : &et__kernels_reference; \
                 k; k = NULL)                                                                     \
                for (float *to = output[i_out]; to; to = NULL)

static void matrices_are_multiplied_turned_or_not(void)
{
    for (int turned = 0; turned < 4; turned++)
        for (int beta = 0; beta < 2; beta++) {
            begin(1);
            EACH(k, to)
            k->gemm(NULL, &(struct et__gemm){.c = to,
                                             .a = input,
                                             .b = input + 5000,
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

static void what_beta_0_writes_over_is_not_read(void)
{
    EACH(k, to)
    {
        to[0] = NAN;
        k->gemm(NULL, &(struct et__gemm){.c = to,
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
            k->add_rows(NULL, &r);
            r.to = to + 5000;
            if (r.to_stride > 0)
                k->copy_rows(NULL, &r);
            k->clear(NULL, to + 9000, 77);
        }
        CHECK(worst(POOL) < 2e-6);
        CHECK(output[1][9000] == 0 && output[1][9076] == 0 && output[1][9077] != 0);
    }
}

static void rows_are_normalised_and_back(void)
{
    for (int weighed = 0; weighed < 2; weighed++)
        for (size_t width = 1; width < 70; width += 17) {
            const size_t n_rows = 19;
            begin(3);
            EACH(k, to)
            {
                float *mean = to + 3000, *scale = to + 3100;
                k->norm(NULL, &(struct et__norm){.y = to,
                                                 .mean = mean,
                                                 .scale = scale,
                                                 .x = input,
                                                 .weight = weighed ? input + 4000 : NULL,
                                                 .bias = weighed ? input + 5000 : NULL,
                                                 .n_rows = n_rows,
                                                 .width = width,
                                                 .epsilon = 1e-2F});
                k->norm_back(NULL, &(struct et__norm_back){.dx = to + 6000,
                                                           .dweight = weighed ? to + 8000 : NULL,
                                                           .dbias = weighed ? to + 9000 : NULL,
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
            k->activate(NULL, (enum et__activation)kind, to, input, 1003);
            k->activate_back(NULL, (enum et__activation)kind, to + 2000, input + 5000, input, 1003);
        }
        CHECK(worst(POOL) < 2e-6);
    }
}

static void attention_is_paid_by_head_but_not_to_what_is_hidden(void)
{
    static uint8_t hidden[3 * 21];
    hidden[0] = hidden[20] = hidden[21 + 7] = 1;
    for (int with = 0; with < 2; with++) {
        struct et__attention a = {.q = input,
                                  .k = input + 10000,
                                  .v = input + 20000,
                                  .hidden = with ? hidden : NULL,
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
            k->attend(NULL, &a);
            k->attend_back(NULL, &(struct et__attention_back){.dq = to + 20000,
                                                              .dk = to + 30000,
                                                              .dv = to + 40000,
                                                              .scratch = to + POOL - 1000,
                                                              .d_o = input + 30000,
                                                              .forward = &a});
            CHECK(!with || to[10000] == 0);
        }
        CHECK(worst(POOL - 1000) < 5e-6);
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
        k->modulate(NULL, &m);
        k->modulate_back(NULL, &(struct et__modulate_back){.dx = to + 2000,
                                                           .dscale = to + 3000,
                                                           .dshift = to + 3025,
                                                           .dy = input + 4000,
                                                           .forward = &m});
        k->gate(NULL, &g);
        k->gate_back(
            NULL, &(struct et__gate_back){
                      .dpart = to + 4000, .dgate = to + 5000, .dy = input + 4000, .forward = &g});
    }
    CHECK(worst(POOL) < 2e-6);
}

static void losses_are_sums_over_the_rows_that_count(void)
{
    for (int squared = 0; squared < 2; squared++) {
        double sums[2] = {0};
        begin(6);
        input[20000] = input[20003] = 0; // weights
        input[3 * 21] = NAN;             // of a row that does not count
        EACH(k, to)
        sums[i_out] = k->loss(NULL, &(struct et__loss){.dout = to,
                                                       .out = input,
                                                       .target = input + 10000,
                                                       .weights = input + 20000,
                                                       .n_rows = 31,
                                                       .width = 21,
                                                       .is_squared = squared});
        CHECK(isfinite(sums[0]));
        CHECK_NEAR(sums[1], sums[0], 1e-4);
        CHECK(worst(POOL) < 1e-6);
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
        k->adamw(NULL, &(struct et__adamw){.values = to,
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
        k->blend(NULL, to + 50000, input, 0.25, 1001);
        sums[i_out] = k->sum_squares(NULL, input, 1001);
    }
    CHECK(worst(POOL) < 2e-6);
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

int main(void)
{
    input = malloc(POOL * sizeof *input);
    output[0] = malloc(POOL * sizeof *input);
    output[1] = malloc(POOL * sizeof *input);
    RUN(matrices_are_multiplied_turned_or_not);
    RUN(what_beta_0_writes_over_is_not_read);
    RUN(rows_are_copied_spread_added_and_summed);
    RUN(rows_are_normalised_and_back);
    RUN(activations_and_their_slopes_are_those_of_the_formulas);
    RUN(attention_is_paid_by_head_but_not_to_what_is_hidden);
    RUN(conditions_scale_shift_and_gate);
    RUN(losses_are_sums_over_the_rows_that_count);
    RUN(an_optimisers_step_is_adamws);
    RUN(the_exponential_is_right_to_two_units_and_keeps_what_is_no_number);
    free(input);
    free(output[0]);
    free(output[1]);
    return tap_end();
}

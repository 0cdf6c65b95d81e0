/* Every back end's kernels over maps do what the reference does, within what its sums' order
 * changes. Shapes are odd on purpose: windows hang over edges, channels end in a vector. */
#include "back_ends.h"

#include "tap.h"

#include "etude/random.h"
#include "learn/learn__onednn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POOL ((size_t)1 << 20)
#define PAGE 4096 // a device shares whole ones

// Numbers for inputs, the same each time; two places for outputs; what is of no use afterwards.
static float *drawn, *input, *output[2], *scratch;
static const struct back_end *now; // that is judged

static void begin(void)
{
    memcpy(input, drawn, POOL * sizeof *input);
    for (size_t i = 0; i < POOL; i++)
        output[0][i] = output[1][i] = input[POOL - 1 - i];
}

static double worst(void)
{
    double most = 0;
    for (size_t i = 0; i < POOL; i++)
        most = fmax(most, fabs((double)output[0][i] - (double)output[1][i]) /
                              (1 + fabs((double)output[0][i])));
    return most;
}

// Each kernel twice: the reference into output[0], a back end into output[1].
#define EACH(k, to)                                                                        \
    for (int i_out = 0; i_out < 2; back_end_finish(i_out ? now : NULL), i_out++)           \
        for (const struct et__picture_kernels *k = i_out ? now->kernels->pictures          \
                                                         : &et__picture_kernels_reference; \
             k; k = NULL)                                                                  \
            for (float *to = output[i_out]; to; to = NULL)
#define DEVICE (i_out ? now->device : NULL)

static void pictures_are_laid_out_by_place_and_channel(void)
{
    for (size_t n_channels = 1; n_channels < 5; n_channels++) {
        begin();
        EACH(k, to)
        k->lay_planes(DEVICE, &(struct et__planes){.y = to,
                                                   .x = input,
                                                   .n = 3,
                                                   .n_channels = n_channels,
                                                   .n_places = 35,
                                                   .y_stride = 35 * n_channels + 7});
        CHECK(worst() == 0);
        CHECK(output[1][n_channels] == input[1]); // the second place's first channel
    }
}

static const struct {
    struct et__window window;
    int n_in, n_out;
} CONVOLUTIONS[] = {
    {{3, 9, 11, 3, 1, 1}, 5, 7},   {{2, 12, 10, 5, 2, 2}, 3, 16}, {{2, 13, 9, 7, 2, 3}, 3, 17},
    {{3, 7, 8, 1, 1, 0}, 18, 5},   {{3, 7, 8, 1, 2, 0}, 18, 5},   {{2, 6, 5, 3, 2, 0}, 16, 33},
    {{1, 3, 3, 3, 1, 2}, 4, 1},    {{4, 24, 24, 3, 1, 1}, 16, 8}, {{1, 1, 1, 3, 1, 1}, 2, 2},
    {{9, 16, 16, 3, 2, 1}, 20, 6},
};
#define N_CONVOLUTIONS (sizeof CONVOLUTIONS / sizeof CONVOLUTIONS[0])

static struct et__convolution convolution(size_t i, int options)
{
    return (struct et__convolution){.scratch = scratch,
                                    .x = input,
                                    .weight = input + 200000,
                                    .scale = options & 1 ? input + 300000 : NULL,
                                    .shift = options & 2 ? input + 301000 : NULL,
                                    .more = options & 4 ? input + 310000 : NULL,
                                    .window = CONVOLUTIONS[i].window,
                                    .n_in = CONVOLUTIONS[i].n_in,
                                    .n_out = CONVOLUTIONS[i].n_out,
                                    .has_relu = options & 8};
}

static void convolutions_are_those_of_the_formula(void)
{
    for (size_t i = 0; i < N_CONVOLUTIONS; i++)
        for (int options = 0; options < 16; options++) {
            begin();
            EACH(k, to)
            {
                struct et__convolution c = convolution(i, options);
                CHECK(et__convolution_scratch(&c) < POOL);
                c.y = to;
                k->convolve(DEVICE, &c);
            }
            CHECK(worst() < 3e-5); // the reference rounds at each step of the window
        }
}

static void convolutions_go_back(void)
{
    for (size_t i = 0; i < N_CONVOLUTIONS; i++)
        for (int options = 0; options < 16; options++) {
            begin();
            EACH(k, to)
            {
                const struct et__convolution c = convolution(i, options & 1);
                k->convolve_back(DEVICE, &(struct et__convolution_back){
                                             .dx = options & 2 ? to : NULL,
                                             .is_added = options & 4,
                                             .dweight = to + 200000,
                                             .dshift = options & 8 ? to + 300000 : NULL,
                                             .scratch = scratch,
                                             .dy = input + 400000,
                                             .forward = &c});
            }
            // Sums of up to 2,304, rounded one by one: over the window by the reference, over
            // places by who adds them up in their order.
            CHECK(worst() < 1e-4);
        }
}

// Of more rows than are gathered at once.
static void a_convolution_of_many_rows_is_done_in_parts(void)
{
    begin();
    const struct et__window w = {4, 40, 40, 3, 1, 1};
    EACH(k, to)
    {
        const struct et__convolution c = {.y = to,
                                          .scratch = scratch,
                                          .x = input,
                                          .weight = input + 500000,
                                          .window = w,
                                          .n_in = 16,
                                          .n_out = 5};
        CHECK(et__convolution_scratch(&c) < et__window_places(&w) * 9 * 16);
        k->convolve(DEVICE, &c);
        k->convolve_back(DEVICE, &(struct et__convolution_back){.dx = to + 100000,
                                                                .dweight = to + 900000,
                                                                .scratch = scratch,
                                                                .dy = input + 600000,
                                                                .forward = &c});
    }
    CHECK(worst() < 2e-4);
}

static void the_greatest_of_a_window_is_taken_and_the_first_of_them_learns(void)
{
    for (int n_channels = 1; n_channels < 40; n_channels += 19) {
        begin();
        for (size_t i = 0; i < 5000; i++)
            input[i] = roundf(input[i]); // several are the greatest
        EACH(k, to)
        {
            const struct et__max_pool p = {
                .y = to, .x = input, .window = {3, 9, 12, 3, 2, 1}, .n_channels = n_channels};
            k->max_pool(DEVICE, &p);
            k->max_pool_back(DEVICE, &(struct et__max_pool_back){
                                         .dx = to + 20000, .dy = input + 20000, .forward = &p});
        }
        CHECK(worst() < 1e-6);
    }
}

static void groups_of_channels_are_normalised_and_back(void)
{
    static const size_t SHAPES[][3] = {
        {35, 16, 1}, {36, 32, 2}, {9, 48, 16}, {20, 6, 3}, {1, 20, 2}};
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++)
        for (int relu = 0; relu < 2; relu++) {
            begin();
            EACH(k, to)
            {
                const struct et__group_norm n = {.y = to,
                                                 .mean = to + 10000,
                                                 .scale = to + 10100,
                                                 .scratch = scratch,
                                                 .x = input,
                                                 .weight = input + 20000,
                                                 .bias = input + 21000,
                                                 .n = 3,
                                                 .n_places = SHAPES[i][0],
                                                 .n_channels = SHAPES[i][1],
                                                 .n_groups = SHAPES[i][2],
                                                 .epsilon = 1e-3F,
                                                 .has_relu = relu};
                k->group_norm(DEVICE, &n);
                k->group_norm_back(DEVICE, &(struct et__group_norm_back){.dx = to + 30000,
                                                                         .dweight = to + 40000,
                                                                         .dbias = to + 41000,
                                                                         .scratch = scratch,
                                                                         .dy = input + 30000,
                                                                         .forward = &n});
            }
            CHECK(worst() < 2e-5);
        }
}

static void a_frozen_norm_is_a_scale_and_a_shift(void)
{
    begin();
    for (size_t i = 300; i < 400; i++)
        input[i] = fabsf(input[i]);
    EACH(k, to)
    k->frozen_norm(DEVICE, &(struct et__frozen_norm){.scale = to,
                                                     .shift = to + 100,
                                                     .weight = input,
                                                     .bias = input + 100,
                                                     .mean = input + 200,
                                                     .variance = input + 300,
                                                     .n_channels = 77,
                                                     .epsilon = 1e-5F});
    CHECK(worst() < 1e-6);
}

static void keypoints_are_where_a_channel_looks(void)
{
    for (int n_channels = 1; n_channels < 40; n_channels += 19)
        for (int width = 1; width < 10; width += 8) {
            begin();
            for (size_t i = 0; i < 200; i++)
                input[i] *= 40; // far out, too
            EACH(k, to)
            {
                const struct et__keypoints p = {.y = to,
                                                .weights = to + 1000,
                                                .x = input,
                                                .n = 3,
                                                .height = 7,
                                                .width = width,
                                                .n_channels = n_channels};
                k->keypoints(DEVICE, &p);
                k->keypoints_back(DEVICE, &(struct et__keypoints_back){.dx = to + 20000,
                                                                       .dy = input + 20000,
                                                                       .forward = &p});
            }
            CHECK(worst() < 5e-6);
        }
}

// A channel that has one bright place looks there.
static void a_bright_place_is_found(void)
{
    float x[4 * 5] = {0}, y[2], weights[4 * 5];
    x[1 * 5 + 3] = 100;
    et__picture_kernels_cpu.keypoints(
        NULL,
        &(struct et__keypoints){
            .y = y, .weights = weights, .x = x, .n = 1, .height = 4, .width = 5, .n_channels = 1});
    CHECK_NEAR((double)y[0], 0.5, 1e-6);
    CHECK_NEAR((double)y[1], -1.0 / 3, 1e-6);
    CHECK_NEAR((double)weights[8], 1, 1e-6);
}

// What it does not take is done by our own, and is right as well.
static void onednn_takes_every_shape(void)
{
    if (et__onednn_kernels())
        CHECK_EQ(et__onednn_shapes(), N_CONVOLUTIONS + 1);
    else
        tap_skip("no oneDNN");
}

static void judge(const struct back_end *end)
{
    now = end;
    back_end_share(end, input, POOL * sizeof *input);
    back_end_share(end, output[0], POOL * sizeof *input);
    back_end_share(end, output[1], POOL * sizeof *input);
    back_end_share(end, scratch, POOL * sizeof *input);
    RUN_BY(end, pictures_are_laid_out_by_place_and_channel);
    RUN_BY(end, convolutions_are_those_of_the_formula);
    RUN_BY(end, convolutions_go_back);
    RUN_BY(end, a_convolution_of_many_rows_is_done_in_parts);
    RUN_BY(end, the_greatest_of_a_window_is_taken_and_the_first_of_them_learns);
    RUN_BY(end, groups_of_channels_are_normalised_and_back);
    RUN_BY(end, a_frozen_norm_is_a_scale_and_a_shift);
    RUN_BY(end, keypoints_are_where_a_channel_looks);
    back_end_unshare(end, input);
    back_end_unshare(end, output[0]);
    back_end_unshare(end, output[1]);
    back_end_unshare(end, scratch);
}

int main(void)
{
    drawn = malloc(POOL * sizeof *drawn);
    input = aligned_alloc(PAGE, POOL * sizeof *input);
    output[0] = aligned_alloc(PAGE, POOL * sizeof *input);
    output[1] = aligned_alloc(PAGE, POOL * sizeof *input);
    scratch = aligned_alloc(PAGE, POOL * sizeof *input);
    for (size_t i = 0; i < POOL; i++)
        drawn[i] = (float)et_random_normal(1, i);
    back_ends_each(judge);
    RUN(onednn_takes_every_shape);
    RUN(a_bright_place_is_found);
    free(drawn);
    free(input);
    free(output[0]);
    free(output[1]);
    free(scratch);
    return tap_end();
}

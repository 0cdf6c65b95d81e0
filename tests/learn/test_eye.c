/* Eyes see what was computed elsewhere, the same with any number of threads; what is frozen stays,
 * and an ACT with ResNet-18 has LeRobot's parameters. */
#include "eye_numbers.h"
#include "learn/learn__act.h"
#include "learn/learn__eye.h"
#include "learn/learn__trainer.h"
#include "learn/learn__weights.h"
#include "support.h"
#include "tap.h"

#include "etude/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_arena *arena;
static struct et_err err;

static struct et__params names(void)
{
    struct et__params params;
    CHECK_OK(et__params_open(&params, arena, 400, &err));
    return params;
}

static float *numbers(size_t n)
{
    float *p = aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64);
    memset(p, 0, n * sizeof *p);
    return p;
}

/* ---- the numbers of eye_numbers.py ---- */

static void draw(float *to, const char *name, size_t n, double scale, double middle)
{
    uint32_t x = 2166136261U;
    for (const char *c = name; *c; c++)
        x = (x ^ (uint8_t)*c) * 16777619U;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525U + 1013904223U;
        to[i] = (float)(middle + scale * (x / 4294967296.0 - 0.5));
    }
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), n_end = strlen(end);
    return n >= n_end && strcmp(name + n - n_end, end) == 0;
}

static void draw_parameters(const struct et__params *params, float *values)
{
    for (size_t i = 0; i < params->n_items; i++) {
        const struct et__param *p = &params->items[i];
        const size_t n_rest = p->n / (size_t)p->shape[0];
        const bool is_scale = ends_with(p->name, ".weight") || ends_with(p->name, "running_var");
        if (p->n_dims > 1)
            draw(values + p->at, p->name, p->n, 2 * sqrt(3.0 / (double)n_rest), 0);
        else
            draw(values + p->at, p->name, p->n, 0.4, is_scale ? 1 : 0);
    }
}

// Rows of both cameras, as the cpu's kernels make them; the caller's to free.
static float *rows_of(const struct et__eye_config *config, size_t n_rows)
{
    struct et__params params = names();
    struct et__eye eye;
    struct et__eye_seen seen;
    struct et__eye_pictures pictures = {.n = 1};
    et__eye_add(&eye, &params, config);
    CHECK_OK(et__params_check(&params, &err));
    CHECK_EQ((size_t)(eye.n_tokens * eye.n_channels), n_rows);
    float *values = numbers(params.n_values), *seeing[CAMERAS];
    draw_parameters(&params, values);
    for (int i = 0; i < CAMERAS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "camera %d", i);
        pictures.cameras[i] = seeing[i] = numbers((size_t)3 * HEIGHT * WIDTH);
        draw(seeing[i], name, (size_t)3 * HEIGHT * WIDTH, 4, 0);
    }
    struct et__engine e = et__engine_measure(false);
    (void)et__eye(&e, &eye, &pictures, &seen);
    const size_t cap = et__engine_measured(&e);
    e = (struct et__engine){
        .kernels = &et__kernels_cpu, .params = values, .base = numbers(cap), .cap = cap};
    float *rows = numbers(n_rows);
    memcpy(rows, et__eye(&e, &eye, &pictures, &seen), n_rows * sizeof *rows);
    CHECK_EQ(et__engine_measured(&e), cap);
    for (int i = 0; i < CAMERAS; i++)
        free(seeing[i]);
    free(values);
    free(e.base);
    return rows;
}

static void check_rows(const struct et__eye_config *config, size_t n_rows, const double *wanted,
                       size_t step)
{
    float *rows = rows_of(config, n_rows);
    double worst = 0;
    for (size_t i = 0; i < n_rows; i += step)
        worst =
            fmax(worst, fabs((double)rows[i] - wanted[i / step]) / (1 + fabs(wanted[i / step])));
    (void)printf("# %zu numbers, %.2g off at most\n", (n_rows + step - 1) / step, worst);
    CHECK(worst < 1e-5);
    free(rows);
}

static void resnet18_sees_what_was_computed_plainly(void)
{
    check_rows(
        &(struct et__eye_config){
            .kind = ET__EYE_RESNET18, .n_cameras = CAMERAS, .height = HEIGHT, .width = WIDTH},
        N_RESNET18, RESNET18, RESNET18_STEP);
}

static void a_small_eye_sees_what_was_computed_plainly(void)
{
    struct et__eye_config config = {
        .kind = ET__EYE_SMALL, .n_cameras = CAMERAS, .height = HEIGHT, .width = WIDTH};
    check_rows(&config, N_TOKENS, TOKENS, TOKENS_STEP);
    config.n_keypoints = KEYPOINTS;
    check_rows(&config, N_POINTS, POINTS, POINTS_STEP);
}

/* ---- LeRobot's ---- */

// LeRobot's default for 14 joints and one camera: 234 tensors, of which one is positions.
static void an_act_with_resnet18_has_lerobots_parameters(void)
{
    struct et__params params = names();
    struct et__eye eye;
    struct et__act act;
    size_t n = 0, n_learned = 0;
    et__eye_add(&eye, &params,
                &(struct et__eye_config){
                    .kind = ET__EYE_RESNET18, .n_cameras = 1, .height = 480, .width = 640});
    et__act_add(&act, &params,
                &(struct et__act_config){.size = {.width = 512, .n_heads = 8, .n_between = 3200},
                                         .n_encoder = 4,
                                         .n_decoder = 1,
                                         .n_vae = 4,
                                         .n_latent = 32,
                                         .n_state = 14,
                                         .n_action = 14,
                                         .n_steps = 100,
                                         .n_tokens = eye.n_tokens,
                                         .n_channels = eye.n_channels});
    CHECK_OK(et__params_check(&params, &err));
    CHECK_EQ(eye.n_tokens, 300);
    for (size_t i = 0; i < params.n_items; i++) {
        n += params.items[i].n;
        n_learned += et__param_is_frozen(&params.items[i]) ? 0 : params.items[i].n;
    }
    CHECK_EQ(params.n_items, 233);
    CHECK_EQ(n, 51685006 - 102 * 512); // without those
    CHECK_EQ(n_learned, 51613582);
    const struct et__param *p =
        et__param_find(&params, "model.backbone.layer4.0.downsample.1.running_var");
    CHECK(p && p->n_dims == 1 && p->n == 512 && et__param_is_frozen(p));
    p = et__param_find(&params, "model.backbone.layer3.0.downsample.0.weight");
    CHECK(p && p->n_dims == 4 && p->shape[0] == 256 && p->shape[1] == 128 && p->shape[3] == 1);
    p = et__param_find(&params, "model.backbone.conv1.weight");
    CHECK(p && p->shape[0] == 64 && p->shape[1] == 3 && p->shape[2] == 7 && p->shape[3] == 7);
}

/* ---- training ---- */

#define BATCH 7
#define SIDE 34

struct model {
    struct et__eye eye;
    const float *pictures[2];
};

// Each row is to become 1: a loss as plain as can be.
static double step(const void *model, struct et__engine *e, const void *batch, size_t first,
                   size_t n)
{
    const struct model *m = model;
    struct et__eye_seen seen;
    (void)batch;
    e->used = 0;
    const float *rows =
        et__eye(e, &m->eye,
                &(struct et__eye_pictures){
                    .cameras = {m->pictures[0], m->pictures[1]}, .first = first, .n = n},
                &seen);
    const size_t n_rows = n * (size_t)m->eye.n_tokens,
                 n_values = n_rows * (size_t)m->eye.n_channels;
    float *weights = et__take(e, n_rows), *ones = et__take(e, n_values);
    e->kernels->clear(e->device, weights, n_rows);
    e->kernels->clear(e->device, ones, n_values);
    for (size_t i = 0; i < n_values && e->kernels != &et__kernels_none; i++)
        ones[i] = 1;
    for (size_t i = 0; i < n_rows && e->kernels != &et__kernels_none; i++)
        weights[i] = 1e-3F;
    float *d = et__take(e, n_values);
    const double loss =
        e->kernels->loss(e->device, &(struct et__loss){.dout = d,
                                                       .out = rows,
                                                       .target = ones,
                                                       .weights = weights,
                                                       .n_rows = n_rows,
                                                       .width = (size_t)m->eye.n_channels,
                                                       .n_squared = (size_t)m->eye.n_channels});
    if (e->grads)
        et__eye_back(e, &m->eye, d, &seen);
    return loss;
}

// Three steps; the parameters afterwards, the caller's to free.
static float *trained(const struct et__eye_config *config, unsigned n_threads, double losses[3])
{
    struct et__params params = names();
    struct model m = {0};
    struct et_pool *pool = NULL;
    struct et__trainer *trainer;
    float *pictures = numbers((size_t)2 * BATCH * 3 * SIDE * SIDE);
    for (size_t i = 0; i < (size_t)2 * BATCH * 3 * SIDE * SIDE; i++)
        pictures[i] = (float)et_random_normal(3, i);
    m.pictures[0] = pictures;
    m.pictures[1] = pictures + (size_t)BATCH * 3 * SIDE * SIDE;
    et__eye_add(&m.eye, &params, config);
    const struct et__network network = {.model = &m, .step = step};
    const struct et__trainer_options options = {.batch = BATCH,
                                                .n_shards = 3,
                                                .n_steps = 100,
                                                .rate = config->kind == ET__EYE_SMALL ? 1e-3 : 1e-5,
                                                .weight_decay = 0.1,
                                                .clip = 1,
                                                .average = 0.9};
    if (n_threads > 1)
        CHECK_OK(et_pool_open(&pool, n_threads, &err));
    CHECK_OK(et__trainer_open(&trainer, &network, &params, &options, pool, NULL, &err));
    struct et__trainer_state *state = et__trainer_state(trainer);
    et__params_begin(&params, state->values, 1);
    float *before = numbers(params.n_values), *after = numbers(params.n_values);
    draw_parameters(&params, before);
    for (size_t i = 0; i < params.n_items; i++) // what a checkpoint brings
        if (et__param_is_frozen(&params.items[i]))
            memcpy(state->values + params.items[i].at, before + params.items[i].at,
                   params.items[i].n * sizeof *before);
    memcpy(before, state->values, params.n_values * sizeof *before);
    for (int i = 0; i < 3; i++) {
        struct et__trained now;
        CHECK_OK(et__trainer_step(trainer, NULL, BATCH, &now, &err));
        losses[i] = now.loss;
    }
    for (size_t i = 0; i < params.n_items; i++) {
        const struct et__param *p = &params.items[i];
        const size_t n_bytes = p->n * sizeof *before;
        const bool is_same = memcmp(before + p->at, state->values + p->at, n_bytes) == 0;
        CHECK(is_same == et__param_is_frozen(p));
        if (et__param_is_frozen(p))
            CHECK(memcmp(before + p->at, state->average + p->at, n_bytes) == 0);
    }
    memcpy(after, state->values, params.n_values * sizeof *after);
    CHECK(losses[2] < losses[0]);
    et__trainer_close(trainer);
    et_pool_close(pool);
    free(pictures);
    free(before);
    return after;
}

static void threads_change_no_bit(const struct et__eye_config *config, size_t n, unsigned n_most)
{
    double one[3], more[3];
    float *a = trained(config, 1, one);
    for (unsigned n_threads = 2; n_threads <= n_most; n_threads++) {
        float *b = trained(config, n_threads, more);
        CHECK(memcmp(a, b, n * sizeof *a) == 0 && memcmp(one, more, sizeof one) == 0);
        free(b);
    }
    free(a);
}

static size_t values_of(const struct et__eye_config *config)
{
    struct et__params params = names();
    struct et__eye eye;
    et__eye_add(&eye, &params, config);
    return params.n_values;
}

static void a_small_eye_learns_the_same_with_any_number_of_threads(void)
{
    struct et__eye_config config = {
        .kind = ET__EYE_SMALL, .n_cameras = 2, .height = SIDE, .width = SIDE, .n_channels = 40};
    threads_change_no_bit(&config, values_of(&config), 3);
    config.n_keypoints = 9;
    threads_change_no_bit(&config, values_of(&config), 3);
}

static void a_resnet_learns_and_its_frozen_norms_keep_their_bits(void)
{
    const struct et__eye_config config = {
        .kind = ET__EYE_RESNET18, .n_cameras = 2, .height = SIDE, .width = SIDE};
    threads_change_no_bit(&config, values_of(&config), 2);
}

static void a_checkpoint_without_a_frozen_number_is_told(void)
{
    const struct et__eye_config config = {
        .kind = ET__EYE_RESNET18, .n_cameras = 1, .height = SIDE, .width = SIDE};
    struct et__params params = names(), fewer;
    struct et__eye eye;
    et__eye_add(&eye, &params, &config);
    float *a = numbers(params.n_values), *b = numbers(params.n_values);
    draw_parameters(&params, a);
    const char *path = temp_path("resnet18.safetensors");
    CHECK_OK(et__weights_write(path, &params, &(struct et__weights){"", a}, 1, &err));
    CHECK_OK(et__weights_read(path, &params, &(struct et__weights){"", b}, 1, &err));
    CHECK(memcmp(a, b, params.n_values * sizeof *a) == 0);
    fewer = params;
    fewer.n_items = 4; // up to the first running mean
    CHECK_OK(et__weights_write(path, &fewer, &(struct et__weights){"", a}, 1, &err));
    CHECK(et__weights_read(path, &params, &(struct et__weights){"", b}, 1, &err) == ET_ECORRUPT);
    CHECK_HAS(err.text, "has no model.backbone.bn1.running_var");
    free(a);
    free(b);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)8 << 20, &err));
    RUN(resnet18_sees_what_was_computed_plainly);
    RUN(a_small_eye_sees_what_was_computed_plainly);
    RUN(an_act_with_resnet18_has_lerobots_parameters);
    RUN(a_small_eye_learns_the_same_with_any_number_of_threads);
    RUN(a_resnet_learns_and_its_frozen_norms_keep_their_bits);
    RUN(a_checkpoint_without_a_frozen_number_is_told);
    et_arena_close(arena);
    return tap_end();
}

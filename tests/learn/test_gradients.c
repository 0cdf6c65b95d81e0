// Each layer's and each network's way back is the slope of its way forward, to nine digits.
#include "gradients.h"
#include "learn/learn__act.h"
#include "learn/learn__eye.h"
#include "learn/learn__flow.h"
#include "learn/learn__mlp.h"
#include "tap.h"

#include "etude/random.h"

#include <stdlib.h>

#define GOOD 2e-8
#define N_INPUT ((size_t)4096)

static et__real input[N_INPUT]; // normal numbers
static struct et_arena *arena;
static struct et_err err;

static struct et__params names(void)
{
    struct et__params params;
    CHECK_OK(et__params_open(&params, arena, 300, &err));
    return params;
}

static const et__real *numbers(size_t i)
{
    return input + 500 * i;
}

// A loss whose slope is other for each value: squares of the distance to other numbers.
static double squares(struct et__engine *e, et__real *dy, const et__real *y, size_t n)
{
    return e->kernels->loss(e->device, &(struct et__loss){.dout = dy,
                                                          .out = y,
                                                          .target = input + 2000,
                                                          .weights = input + 3999, // 1
                                                          .n_rows = 1,
                                                          .width = n,
                                                          .n_squared = n});
}

/* ---- layers ---- */

struct layers {
    struct et__linear first;
    struct et__layer_norm norm;
    struct et__feedforward between;
    struct et__heads heads;
};

#define ROWS 6 // 2 × 3 steps
#define WIDTH 8

static double layers_loss(void *ctx, struct et__engine *e)
{
    static const uint8_t HIDDEN[ROWS] = {0, 1, 0, 0, 0, 0};
    const struct layers *l = ctx;
    struct et__layer_norm_seen norm;
    struct et__feedforward_seen between;
    struct et__heads_seen heads;
    e->used = 0;
    const et__real *x = et__linear(e, &l->first, numbers(0), ROWS);
    const et__real *y = et__layer_norm(e, &l->norm, x, ROWS, &norm);
    const et__real *z = et__feedforward(e, &l->between, y, ROWS, &between);
    const et__real *o = et__heads(e, &l->heads,
                                  &(struct et__heads_input){.queries = z,
                                                            .keys = y,
                                                            .values = z,
                                                            .hidden = HIDDEN,
                                                            .n_batch = 2,
                                                            .n_queries = 3,
                                                            .n_keys = 3},
                                  &heads);
    et__real *d_o = et__take(e, ROWS * WIDTH), *dx = et__take(e, ROWS * WIDTH);
    const double loss = squares(e, d_o, o, ROWS * WIDTH);
    if (!e->grads)
        return loss;
    et__real *dz = et__take_zeros(e, ROWS * WIDTH), *dy = et__take_zeros(e, ROWS * WIDTH);
    et__heads_back(e, &l->heads,
                   &(struct et__heads_back){.d_queries = dz, .d_keys = dy, .d_values = dz}, d_o,
                   &heads);
    et__feedforward_back(e, &l->between, dy, dz, &between);
    et__layer_norm_back(e, &l->norm, dx, dy, &norm);
    et__linear_back(e, &l->first, &(struct et__linear_back){.dy = dx, .x = numbers(0), .n = ROWS});
    return loss;
}

static void layers_go_back_as_they_came(void)
{
    for (int kind = ET__RELU; kind <= ET__SILU; kind++) {
        struct layers l;
        struct et__params params = names();
        l.first = et__linear_add(&params, 5, WIDTH, "first");
        l.norm = et__layer_norm_add(&params, WIDTH, "norm");
        l.between.kind = (enum et__activation)kind;
        l.between.first = et__linear_add(&params, WIDTH, 12, "between.1");
        l.between.second = et__linear_add(&params, 12, WIDTH, "between.2");
        l.heads = et__heads_add(&params, WIDTH, 2, "heads");
        CHECK_OK(et__params_check(&params, &err));
        CHECK(gradients_worst(&(struct gradients){layers_loss, &l, &params, 0}, 5) < GOOD);
    }
}

/* ---- ACT ---- */

#define BATCH 3

struct act_case {
    struct et__act act;
    struct et__act_batch batch;
    unsigned drop_share;
};

static double act_loss(void *ctx, struct et__engine *e)
{
    const struct act_case *c = ctx;
    e->drops.key = 11;
    e->drops.first = 5;
    e->drops.n_samples = BATCH;
    e->drops.share = c->drop_share;
    e->drops.n = 0; // the same ones each time
    const struct et__act_result r = et__act_step(&c->act, e, &c->batch);
    return r.loss + (double)c->batch.kl_weight * r.divergence;
}

static const struct et__act_config SMALL = {
    .size = {.width = 16, .n_heads = 4, .n_between = 24},
    .n_encoder = 2,
    .n_decoder = 2,
    .n_vae = 2,
    .n_latent = 5,
    .n_state = 6,
    .n_environment = 3,
    .n_action = 4,
    .n_steps = 7,
    .n_phases = 1,
    .n_tokens = 6,
    .n_channels = 8,
};

static double act_worst(const struct et__act_config *config, unsigned drop_share)
{
    static uint8_t hidden[BATCH * 9];
    static et__real weights[BATCH * 7];
    struct act_case c = {.drop_share = drop_share};
    struct et__params params = names();
    et__act_add(&c.act, &params, config);
    CHECK_OK(et__params_check(&params, &err));
    et__real *constants = calloc(et__act_constants(&c.act, NULL, 2, 3), sizeof *constants);
    (void)et__act_constants(&c.act, constants, 2, 3);
    const size_t front = (size_t)c.act.n_vae_front;
    for (size_t i = 0; i < BATCH * 7; i++) {
        const bool is_padding = i == 6 || i == 12 || i == 13;
        weights[i] = is_padding ? 0 : 1.0 / 72;
        hidden[i / 7 * (front + 7) + front + i % 7] = is_padding;
    }
    c.batch = (struct et__act_batch){.n = BATCH,
                                     .state = numbers(0),
                                     .environment = numbers(1),
                                     .tokens = numbers(2),
                                     .actions = numbers(3),
                                     .weights = weights,
                                     .noise = config->n_vae ? numbers(4) : NULL,
                                     .hidden = hidden,
                                     .kl_weight = 0.7 / BATCH};
    const double worst = gradients_worst(&(struct gradients){act_loss, &c, &params, 8}, 42);
    free(constants);
    return worst;
}

static void act_learns_what_it_should_with_everything(void)
{
    CHECK(act_worst(&SMALL, 0) < GOOD);
}

static void act_learns_what_it_should_without_pictures_or_environment(void)
{
    struct et__act_config config = SMALL;
    config.n_tokens = config.n_environment = 0;
    CHECK(act_worst(&config, 0) < GOOD);
}

static void act_learns_what_it_should_when_much_is_left_out(void)
{
    CHECK(act_worst(&SMALL, ET__CHANCE_ONE / 4) < GOOD);
}

/* ---- plain layers ---- */

struct mlp_case {
    struct et__mlp mlp;
    struct et__mlp_batch batch;
};

static double mlp_loss(void *ctx, struct et__engine *e)
{
    const struct mlp_case *c = ctx;
    return et__mlp_step(&c->mlp, e, &c->batch).loss;
}

static void plain_layers_learn_what_they_should(void)
{
    static const et__real WEIGHTS[BATCH * 5] = {0.3, 0, 0.2, 0.1, 0.3, 0.4, 0.1, 0.2,
                                                0.3, 0, 0,   0.1, 0.2, 0.3, 0.4};
    struct mlp_case c = {
        .batch = {.n = BATCH, .x = numbers(0), .actions = numbers(1), .weights = WEIGHTS}};
    struct et__params params = names();
    et__mlp_add(
        &c.mlp, &params,
        &(struct et__mlp_config){
            .n_in = 7, .width = 11, .n_layers = 3, .n_action = 4, .n_steps = 5, .n_phases = 2});
    CHECK(gradients_worst(&(struct gradients){mlp_loss, &c, &params, 0}, 3) < GOOD);
}

/* ---- flow ---- */

struct flow_case {
    struct et__flow flow;
    struct et__flow_batch batch;
};

static double flow_loss(void *ctx, struct et__engine *e)
{
    const struct flow_case *c = ctx;
    return et__flow_step(&c->flow, e, &c->batch).loss;
}

static void flow_learns_what_it_should(void)
{
    static et__real times[BATCH * 12], weights[BATCH * 5];
    struct flow_case c;
    struct et__params params = names();
    for (int i = 0; i < BATCH; i++)
        et__flow_time(times + 12 * i, et__flow_draw_time(0.3 * i), 12);
    for (int i = 0; i < BATCH * 5; i++)
        weights[i] = i % 4 ? 0.1 * i : 0;
    et__flow_add(&c.flow, &params,
                 &(struct et__flow_config){.width = 16,
                                           .n_heads = 2,
                                           .n_between = 24,
                                           .n_layers = 2,
                                           .n_condition = 6,
                                           .n_time = 12,
                                           .n_action = 3,
                                           .n_steps = 5});
    c.batch = (struct et__flow_batch){.n = BATCH,
                                      .x = numbers(0),
                                      .times = times,
                                      .condition = numbers(1),
                                      .change = numbers(2),
                                      .weights = weights};
    CHECK_OK(et__params_check(&params, &err));
    CHECK(gradients_worst(&(struct gradients){flow_loss, &c, &params, 30}, 4) < GOOD);
}

/* ---- eyes ---- */

#define CAMERAS 2

struct eye_case {
    struct et__eye eye;
    struct et__eye_pictures pictures;
    struct act_case act;
    struct mlp_case mlp;
    bool has_act;
};

// Pictures into rows, rows into a policy, and all the way back.
static double eye_loss(void *ctx, struct et__engine *e)
{
    const struct eye_case *c = ctx;
    struct et__eye_seen seen;
    double loss;
    e->used = 0;
    const et__real *rows = et__eye(e, &c->eye, &c->pictures, &seen);
    et__real *d_rows = et__take(e, BATCH * (size_t)(c->eye.n_tokens * c->eye.n_channels));
    struct et__engine rest = et__engine_rest(e);
    if (c->has_act) {
        struct et__act_batch batch = c->act.batch;
        batch.tokens = rows;
        batch.d_tokens = d_rows;
        loss = et__act_step(&c->act.act, &rest, &batch).loss;
    } else {
        struct et__mlp_batch batch = c->mlp.batch;
        batch.x = rows;
        batch.dx = d_rows;
        loss = et__mlp_step(&c->mlp.mlp, &rest, &batch).loss;
    }
    et__engine_took(e, &rest);
    if (e->grads)
        et__eye_back(e, &c->eye, d_rows, &seen);
    return loss;
}

static double eye_worst(const struct et__eye_config *config, size_t n_each)
{
    static et__real weights[BATCH * 5];
    static const uint8_t HIDDEN[BATCH * 7] = {0};
    struct eye_case c = {.has_act = config->n_keypoints == 0};
    struct et__params params = names();
    const size_t n_picture = 3 * (size_t)(config->height * config->width);
    et__real *pictures = calloc((BATCH + 1) * CAMERAS * n_picture, sizeof *pictures);
    et__real *constants = NULL;
    for (size_t i = 0; i < (BATCH + 1) * CAMERAS * n_picture; i++)
        pictures[i] = et_random_normal(6, i);
    for (size_t i = 0; i < BATCH * 5; i++)
        weights[i] = i % 4 ? 0.1 : 0;
    c.pictures = (struct et__eye_pictures){
        .cameras = {pictures, pictures + (BATCH + 1) * n_picture}, .first = 1, .n = BATCH};
    et__eye_add(&c.eye, &params, config);
    if (c.has_act) {
        struct et__act_config act = SMALL;
        act.n_tokens = c.eye.n_tokens;
        act.n_channels = c.eye.n_channels;
        act.n_steps = 5;
        act.n_environment = 0;
        et__act_add(&c.act.act, &params, &act);
        constants = calloc(et__act_constants(&c.act.act, NULL, c.eye.map_height, c.eye.map_width),
                           sizeof *constants);
        (void)et__act_constants(&c.act.act, constants, c.eye.map_height, c.eye.map_width);
        c.act.batch = (struct et__act_batch){.n = BATCH,
                                             .state = numbers(0),
                                             .actions = numbers(3),
                                             .weights = weights,
                                             .noise = numbers(4),
                                             .hidden = HIDDEN};
    } else {
        et__mlp_add(&c.mlp.mlp, &params,
                    &(struct et__mlp_config){.n_in = c.eye.n_tokens * c.eye.n_channels,
                                             .width = 9,
                                             .n_layers = 2,
                                             .n_action = 4,
                                             .n_steps = 5});
        c.mlp.batch = (struct et__mlp_batch){.n = BATCH, .actions = numbers(3), .weights = weights};
    }
    CHECK_OK(et__params_check(&params, &err));
    const double worst = gradients_worst(&(struct gradients){eye_loss, &c, &params, n_each}, 7);
    free(constants);
    free(pictures);
    return worst;
}

static void a_small_eye_learns_what_a_transformer_should_see(void)
{
    CHECK(eye_worst(&(struct et__eye_config){.kind = ET__EYE_SMALL,
                                             .n_cameras = CAMERAS,
                                             .height = 33,
                                             .width = 26,
                                             .n_first = 8,
                                             .n_channels = 20},
                    6) < GOOD);
}

static void a_small_eye_learns_where_plain_layers_should_look(void)
{
    CHECK(eye_worst(&(struct et__eye_config){.kind = ET__EYE_SMALL,
                                             .n_cameras = CAMERAS,
                                             .height = 34,
                                             .width = 27,
                                             .n_keypoints = 7},
                    8) < GOOD);
}

static void a_resnet_learns_and_its_frozen_norms_do_not(void)
{
    CHECK(eye_worst(
              &(struct et__eye_config){
                  .kind = ET__EYE_RESNET18, .n_cameras = CAMERAS, .height = 35, .width = 30},
              1) < GOOD);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)4 << 20, &err));
    for (size_t i = 0; i < N_INPUT; i++)
        input[i] = i == 3999 ? 1 : et_random_normal(9, i);
    RUN(layers_go_back_as_they_came);
    RUN(act_learns_what_it_should_with_everything);
    RUN(act_learns_what_it_should_without_pictures_or_environment);
    RUN(act_learns_what_it_should_when_much_is_left_out);
    RUN(plain_layers_learn_what_they_should);
    RUN(flow_learns_what_it_should);
    RUN(a_small_eye_learns_what_a_transformer_should_see);
    RUN(a_small_eye_learns_where_plain_layers_should_look);
    RUN(a_resnet_learns_and_its_frozen_norms_do_not);
    et_arena_close(arena);
    return tap_end();
}

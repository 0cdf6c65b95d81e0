/* ACT, forward and back. */
#include "learn/learn__act.h"

#include <stdio.h>

/* ---- parameters ---- */

static size_t width_of(const struct et__act *a)
{
    return (size_t)a->config.size.width;
}

static void add_layers(struct et__act *a, struct et__params *params)
{
    const struct et__act_config *c = &a->config;
    char name[ET__PARAM_NAME_MAX];
    for (int i = 0; i < c->n_vae; i++) {
        (void)snprintf(name, sizeof name, "model.vae_encoder.layers.%d", i);
        a->vae[i] = et__encoder_add(params, &c->size, name);
    }
    for (int i = 0; i < c->n_encoder; i++) {
        (void)snprintf(name, sizeof name, "model.encoder.layers.%d", i);
        a->encoder[i] = et__encoder_add(params, &c->size, name);
    }
    for (int i = 0; i < c->n_decoder; i++) {
        (void)snprintf(name, sizeof name, "model.decoder.layers.%d", i);
        a->decoder[i] = et__decoder_add(params, &c->size, name);
    }
    a->decoder_norm = et__layer_norm_add(params, c->size.width, "model.decoder.norm");
}

static void add_vae_inputs(struct et__act *a, struct et__params *params)
{
    const struct et__act_config *c = &a->config;
    const int width = c->size.width;
    a->n_vae_front = 1 + (c->n_state > 0);
    a->n_vae_all = a->n_vae_front + c->n_steps;
    if (c->n_vae == 0)
        return;
    a->vae_class =
        et__param_add(params, ET__PARAM_EMBEDDING, 1, width, "model.vae_encoder_cls_embed.weight");
    if (c->n_state)
        a->vae_state =
            et__linear_add(params, c->n_state, width, "model.vae_encoder_robot_state_input_proj");
    a->vae_action =
        et__linear_add(params, c->n_action, width, "model.vae_encoder_action_input_proj");
    a->vae_latent =
        et__linear_add(params, width, 2 * c->n_latent, "model.vae_encoder_latent_output_proj");
}

// LeRobot has a 1 × 1 convolution there: the same numbers with two dimensions of 1 behind.
static struct et__linear add_tokens(struct et__params *params, const struct et__act_config *c)
{
    struct et__linear l =
        et__linear_add(params, c->n_channels, c->size.width, "model.encoder_img_feat_input_proj");
    for (size_t i = 0; i < params->n_items; i++)
        if (params->items[i].at == l.weight && params->items[i].n_dims == 2) {
            params->items[i].shape[2] = params->items[i].shape[3] = 1;
            params->items[i].n_dims = 4;
        }
    return l;
}

void et__act_add(struct et__act *a, struct et__params *params, const struct et__act_config *config)
{
    *a = (struct et__act){.config = *config};
    const struct et__act_config *c = &a->config;
    const int width = c->size.width;
    a->n_front = 1 + (c->n_state > 0) + (c->n_environment > 0);
    a->n_all = a->n_front + c->n_tokens;
    add_vae_inputs(a, params);
    add_layers(a, params);
    if (c->n_state)
        a->state =
            et__linear_add(params, c->n_state, width, "model.encoder_robot_state_input_proj");
    if (c->n_environment)
        a->environment =
            et__linear_add(params, c->n_environment, width, "model.encoder_env_state_input_proj");
    a->latent = et__linear_add(params, c->n_latent, width, "model.encoder_latent_input_proj");
    if (c->n_tokens)
        a->tokens = add_tokens(params, c);
    a->positions_1d = et__param_add(params, ET__PARAM_EMBEDDING, a->n_front, width,
                                    "model.encoder_1d_feature_pos_embed.weight");
    a->queries = et__param_add(params, ET__PARAM_EMBEDDING, c->n_steps, width,
                               "model.decoder_pos_embed.weight");
    a->head = et__linear_add(params, width, c->n_action, "model.action_head");
}

size_t et__act_constants(struct et__act *a, et__real *to, int height, int width)
{
    const size_t n_vae = (size_t)a->n_vae_all * width_of(a);
    const size_t n_map = (size_t)height * (size_t)width * width_of(a);
    const size_t n_tokens = (size_t)a->config.n_tokens * width_of(a);
    if (to) {
        et__positions(to, a->n_vae_all, a->config.size.width);
        a->vae_positions = to;
        a->token_positions = to + n_vae;
        for (size_t at = 0; n_map > 0 && at + n_map <= n_tokens; at += n_map) // camera by camera
            et__positions_2d(to + n_vae + at, height, width, a->config.size.width);
    }
    return n_vae + n_tokens;
}

/* ---- tokens ---- */

// Rows of n_tokens tokens each, into sequences of n_all, from token `at` on.
static void put_tokens(const struct et__act *a, struct et__engine *e, et__real *sequences,
                       const et__real *rows, const size_t place[4])
{
    const size_t width = width_of(a), n_batch = place[0], n_all = place[1], at = place[2];
    e->kernels->copy_rows(e->device, &(struct et__rows){.to = sequences + at * width,
                                                        .from = rows,
                                                        .n_rows = n_batch,
                                                        .width = place[3] * width,
                                                        .to_stride = n_all * width,
                                                        .from_stride = place[3] * width});
}

// The same backwards: tokens of sequences as rows of their own, in the engine's space.
static et__real *get_tokens(const struct et__act *a, struct et__engine *e,
                            const et__real *sequences, const size_t place[4])
{
    const size_t width = width_of(a), n_batch = place[0], n_all = place[1], at = place[2];
    et__real *rows = et__take(e, n_batch * place[3] * width);
    e->kernels->copy_rows(e->device, &(struct et__rows){.to = rows,
                                                        .from = sequences + at * width,
                                                        .n_rows = n_batch,
                                                        .width = place[3] * width,
                                                        .to_stride = place[3] * width,
                                                        .from_stride = n_all * width});
    return rows;
}

static void learn_linear(struct et__engine *e, const struct et__linear *l, const et__real *dy,
                         const et__real *x, size_t n)
{
    et__linear_back(e, l, &(struct et__linear_back){.dy = dy, .x = x, .n = n});
}

/* ---- the latent ---- */

struct vae_seen {
    struct et__encoder_seen layers[ET__ACT_LAYERS_MAX];
    const et__real *first; // n × width: what becomes of the class token
    struct et__latent latent;
};

static double draw(const struct et__act *a, struct et__engine *e, const struct et__act_batch *b,
                   et__real *z, struct vae_seen *seen)
{
    const struct et__act_config *c = &a->config;
    const size_t n = (size_t)b->n, n_all = (size_t)a->n_vae_all, width = width_of(a);
    et__real *x = et__take(e, n * n_all * width);
    e->kernels->copy_rows(e->device, &(struct et__rows){.to = x,
                                                        .from = e->params + a->vae_class,
                                                        .n_rows = n,
                                                        .width = width,
                                                        .to_stride = n_all * width});
    if (c->n_state)
        put_tokens(a, e, x, et__linear(e, &a->vae_state, b->state, n), (size_t[4]){n, n_all, 1, 1});
    put_tokens(a, e, x, et__linear(e, &a->vae_action, b->actions, n * (size_t)c->n_steps),
               (size_t[4]){n, n_all, (size_t)a->n_vae_front, (size_t)c->n_steps});
    const struct et__sequence s = {.n_batch = b->n,
                                   .n_steps = a->n_vae_all,
                                   .positions = a->vae_positions,
                                   .hidden = b->hidden};
    for (int i = 0; i < c->n_vae; i++)
        x = et__encoder(e, &a->vae[i], x, &s, &seen->layers[i]);
    seen->first = get_tokens(a, e, x, (size_t[4]){n, n_all, 0, 1});
    seen->latent = (struct et__latent){.z = z,
                                       .params = et__linear(e, &a->vae_latent, seen->first, n),
                                       .noise = b->noise,
                                       .n_rows = n,
                                       .n_latent = (size_t)c->n_latent};
    return e->kernels->draw_latent(e->device, &seen->latent);
}

static void draw_back(const struct et__act *a, struct et__engine *e, const struct et__act_batch *b,
                      const et__real *dz, const struct vae_seen *seen)
{
    const struct et__act_config *c = &a->config;
    const size_t n = (size_t)b->n, n_all = (size_t)a->n_vae_all, width = width_of(a);
    et__real *d_params = et__take(e, n * 2 * (size_t)c->n_latent);
    e->kernels->draw_latent_back(e->device, &(struct et__latent_back){.d_params = d_params,
                                                                      .dz = dz,
                                                                      .forward = &seen->latent,
                                                                      .kl_weight = b->kl_weight});
    et__real *d_first = et__take(e, n * width);
    et__linear_back(
        e, &a->vae_latent,
        &(struct et__linear_back){.dy = d_params, .x = seen->first, .dx = d_first, .n = n});
    et__real *dy = et__take_zeros(e, n * n_all * width), *dx = et__take(e, n * n_all * width);
    put_tokens(a, e, dy, d_first, (size_t[4]){n, n_all, 0, 1});
    for (int i = c->n_vae - 1; i >= 0; i--) {
        et__encoder_back(e, &a->vae[i], dx, NULL, dy, &seen->layers[i]);
        et__real *swapped = dy;
        dy = dx;
        dx = swapped;
    }
    e->kernels->add_rows(e->device, &(struct et__rows){.to = e->grads + a->vae_class,
                                                       .from = dy,
                                                       .n_rows = n,
                                                       .width = width,
                                                       .from_stride = n_all * width});
    if (c->n_state)
        learn_linear(e, &a->vae_state, get_tokens(a, e, dy, (size_t[4]){n, n_all, 1, 1}), b->state,
                     n);
    learn_linear(
        e, &a->vae_action,
        get_tokens(a, e, dy, (size_t[4]){n, n_all, (size_t)a->n_vae_front, (size_t)c->n_steps}),
        b->actions, n * (size_t)c->n_steps);
}

/* ---- encoder and decoder ---- */

struct seen {
    struct vae_seen vae;
    struct et__encoder_seen encoder[ET__ACT_LAYERS_MAX];
    struct et__decoder_seen decoder[ET__ACT_LAYERS_MAX];
    struct et__layer_norm_seen decoder_norm;
    const et__real *z, *decoded;
};

// The numbers' tokens in their order: latent, state, environment. Those there are none of are left.
struct front {
    const struct et__linear *linear;
    const et__real *x;
};

static int fronts_of(const struct et__act *a, const struct et__act_batch *b, const et__real *z,
                     struct front fronts[3])
{
    int n = 0;
    fronts[n++] = (struct front){&a->latent, z};
    if (a->config.n_state)
        fronts[n++] = (struct front){&a->state, b->state};
    if (a->config.n_environment)
        fronts[n++] = (struct front){&a->environment, b->environment};
    return n;
}

static const et__real *encode(const struct et__act *a, struct et__engine *e,
                              const struct et__act_batch *b, const et__real *positions,
                              struct seen *seen)
{
    const struct et__act_config *c = &a->config;
    const size_t n = (size_t)b->n, n_all = (size_t)a->n_all;
    struct front fronts[3];
    const int n_fronts = fronts_of(a, b, seen->z, fronts);
    et__real *x = et__take(e, n * n_all * width_of(a));
    for (int i = 0; i < n_fronts; i++)
        put_tokens(a, e, x, et__linear(e, fronts[i].linear, fronts[i].x, n),
                   (size_t[4]){n, n_all, (size_t)i, 1});
    if (c->n_tokens)
        put_tokens(a, e, x, et__linear(e, &a->tokens, b->tokens, n * (size_t)c->n_tokens),
                   (size_t[4]){n, n_all, (size_t)a->n_front, (size_t)c->n_tokens});
    const struct et__sequence s = {.n_batch = b->n, .n_steps = a->n_all, .positions = positions};
    for (int i = 0; i < c->n_encoder; i++)
        x = et__encoder(e, &a->encoder[i], x, &s, &seen->encoder[i]);
    return x;
}

static void encode_back(const struct et__act *a, struct et__engine *e,
                        const struct et__act_batch *b, et__real *dy, et__real *d_positions,
                        const struct seen *seen)
{
    const struct et__act_config *c = &a->config;
    const size_t n = (size_t)b->n, n_all = (size_t)a->n_all, width = width_of(a);
    struct front fronts[3];
    const int n_fronts = fronts_of(a, b, seen->z, fronts);
    et__real *dx = et__take(e, n * n_all * width);
    for (int i = c->n_encoder - 1; i >= 0; i--) {
        et__encoder_back(e, &a->encoder[i], dx, d_positions, dy, &seen->encoder[i]);
        et__real *swapped = dy;
        dy = dx;
        dx = swapped;
    }
    et__add(e, e->grads + a->positions_1d, d_positions, (size_t)a->n_front * width);
    et__real *dz = et__take(e, n * (size_t)c->n_latent);
    for (int i = 0; i < n_fronts; i++)
        et__linear_back(e, fronts[i].linear,
                        &(struct et__linear_back){
                            .dy = get_tokens(a, e, dy, (size_t[4]){n, n_all, (size_t)i, 1}),
                            .x = fronts[i].x,
                            .dx = i == 0 ? dz : NULL,
                            .n = n});
    if (c->n_tokens)
        et__linear_back(
            e, &a->tokens,
            &(struct et__linear_back){
                .dy = get_tokens(a, e, dy,
                                 (size_t[4]){n, n_all, (size_t)a->n_front, (size_t)c->n_tokens}),
                .x = b->tokens,
                .dx = b->d_tokens,
                .n = n * (size_t)c->n_tokens});
    if (b->noise && c->n_vae)
        draw_back(a, e, b, dz, &seen->vae);
}

// The encoder's positions: those that are learned, then those of pictures.
static const et__real *positions_of(const struct et__act *a, struct et__engine *e)
{
    const size_t width = width_of(a), n_front = (size_t)a->n_front * width;
    const size_t n_tokens = (size_t)a->config.n_tokens * width;
    et__real *positions = et__take(e, (size_t)a->n_all * width);
    e->kernels->copy_rows(e->device, &(struct et__rows){.to = positions,
                                                        .from = e->params + a->positions_1d,
                                                        .n_rows = 1,
                                                        .width = n_front});
    if (n_tokens)
        e->kernels->copy_rows(e->device, &(struct et__rows){.to = positions + n_front,
                                                            .from = a->token_positions,
                                                            .n_rows = 1,
                                                            .width = n_tokens});
    return positions;
}

static void back(const struct et__act *a, struct et__engine *e, const struct et__act_batch *b,
                 const et__real *d_actions, struct seen *seen)
{
    const struct et__act_config *c = &a->config;
    const size_t n = (size_t)b->n, width = width_of(a);
    const size_t n_decoded = n * (size_t)c->n_steps, n_encoded = n * (size_t)a->n_all * width;
    et__real *dy = et__take(e, n_decoded * width), *dx = et__take(e, n_decoded * width);
    et__real *d_values = et__take_zeros(e, n_encoded), *d_keys = et__take_zeros(e, n_encoded);
    et__real *d_positions = et__take_zeros(e, (size_t)a->n_all * width);
    et__linear_back(
        e, &a->head,
        &(struct et__linear_back){.dy = d_actions, .x = seen->decoded, .dx = dx, .n = n_decoded});
    et__layer_norm_back(e, &a->decoder_norm, dy, dx, &seen->decoder_norm);
    for (int i = c->n_decoder - 1; i >= 0; i--) {
        et__decoder_back(e, &a->decoder[i],
                         &(struct et__decoder_back){.dx = dx,
                                                    .d_positions = e->grads + a->queries,
                                                    .d_keys = d_keys,
                                                    .d_values = d_values},
                         dy, &seen->decoder[i]);
        et__real *swapped = dy;
        dy = dx;
        dx = swapped;
    }
    et__add(e, d_values, d_keys, n_encoded);
    et__add_steps_back(e, d_positions, d_keys, n, (size_t)a->n_all * width);
    encode_back(a, e, b, d_values, d_positions, seen);
}

struct et__act_result et__act_step(const struct et__act *a, struct et__engine *e,
                                   const struct et__act_batch *b)
{
    const struct et__act_config *c = &a->config;
    const size_t n = (size_t)b->n, n_decoded = n * (size_t)c->n_steps, width = width_of(a);
    struct et__act_result result = {0};
    struct seen seen;
    e->used = 0;
    et__real *z = et__take_zeros(e, n * (size_t)c->n_latent);
    seen.z = z;
    if (b->actions && b->noise && c->n_vae)
        result.divergence = draw(a, e, b, z, &seen.vae);
    const et__real *positions = positions_of(a, e);
    const et__real *encoded = encode(a, e, b, positions, &seen);
    const struct et__memory memory = {
        .keys = et__add_steps(e, encoded, positions, n, (size_t)a->n_all * width),
        .values = encoded,
        .n_steps = a->n_all};
    const struct et__sequence s = {
        .n_batch = b->n, .n_steps = c->n_steps, .positions = e->params + a->queries};
    et__real *x = et__take_zeros(e, n_decoded * width);
    for (int i = 0; i < c->n_decoder; i++)
        x = et__decoder(e, &a->decoder[i], x, &s, &memory, &seen.decoder[i]);
    seen.decoded = et__layer_norm(e, &a->decoder_norm, x, n_decoded, &seen.decoder_norm);
    et__real *actions = et__linear(e, &a->head, seen.decoded, n_decoded);
    result.actions = actions;
    if (!b->actions)
        return result;
    et__real *d_actions = et__take(e, n_decoded * (size_t)c->n_action);
    result.loss = e->kernels->loss(e->device, &(struct et__loss){.dout = d_actions,
                                                                 .out = actions,
                                                                 .target = b->actions,
                                                                 .weights = b->weights,
                                                                 .mask = b->mask,
                                                                 .n_rows = n_decoded,
                                                                 .width = (size_t)c->n_action,
                                                                 .n_squared = (size_t)c->n_phases});
    if (e->grads)
        back(a, e, b, d_actions, &seen);
    return result;
}

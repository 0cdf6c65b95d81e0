/* act: LeRobot's ACT. What is its own is its state, what is around its environment. */
#include "learn/learn__act.h"
#include "learn/learn__net.h"

#define WIDTH 128
#define LAYERS 4

struct act {
    struct et__act net; // first: who knows of no eye sees it
    struct et__eye eye;
    int n_cameras;
};

static void set(struct et_train_settings *s)
{
    et__net_size(s, WIDTH, LAYERS);
    s->between = s->between ? s->between : 4 * s->width;
}

static size_t make(void *net, struct et__params *params, const struct et__net_shape *shape,
                   const struct et_train_settings *s, et__real *constants)
{
    struct act *a = net;
    a->n_cameras = shape->n_cameras;
    if (a->n_cameras > 0)
        et__eye_add(&a->eye, params,
                    &(struct et__eye_config){.kind = s->resnet ? ET__EYE_RESNET18 : ET__EYE_SMALL,
                                             .n_cameras = shape->n_cameras,
                                             .height = shape->height_px,
                                             .width = shape->width_px});
    et__act_add(&a->net, params,
                &(struct et__act_config){
                    .size = {.width = s->width, .n_heads = s->heads, .n_between = s->between},
                    .n_encoder = s->layers,
                    .n_decoder = s->decoder_layers,
                    .n_vae = s->vae_layers,
                    .n_latent = s->latent,
                    .n_state = (int)shape->n_own,
                    .n_environment = (int)shape->n_around,
                    .n_action = (int)shape->n_out,
                    .n_steps = (int)shape->n_steps,
                    .n_phases = (int)shape->n_phases,
                    .n_tokens = a->eye.n_tokens,
                    .n_channels = a->eye.n_channels});
    return et__act_constants(&a->net, constants, a->eye.map_height, a->eye.map_width);
}

static const struct et__eye *eye(const void *net)
{
    const struct act *a = net;
    return &a->eye;
}

static size_t n_noise(const struct et__net_shape *shape, const struct et_train_settings *s)
{
    (void)shape;
    return s->vae_layers ? (size_t)s->latent : 0;
}

static size_t n_hidden(const struct et__net_shape *shape, const struct et_train_settings *s)
{
    const size_t n_front = shape->n_own > 0 ? 2 : 1; // its class and its state
    return s->vae_layers ? n_front + shape->n_steps : 0;
}

/* Pictures into the batch's tokens, in the engine's space; an engine of what is left. */
static struct et__engine look(const struct act *a, struct et__engine *e,
                              const et__real *const *pictures, size_t first,
                              struct et__act_batch *batch, struct et__eye_seen *seen)
{
    const size_t n = (size_t)batch->n;
    e->used = 0;
    if (a->n_cameras > 0) {
        struct et__eye_pictures see = {.first = first, .n = n};
        for (int i = 0; i < a->n_cameras; i++)
            see.cameras[i] = pictures[i];
        batch->tokens = et__eye(e, &a->eye, &see, seen);
        if (e->grads)
            batch->d_tokens = et__take(e, n * (size_t)(a->eye.n_tokens * a->eye.n_channels));
    }
    return et__engine_rest(e);
}

static double step(const void *net, struct et__engine *e, const struct et__net_batch *b,
                   size_t first, size_t n)
{
    const struct act *a = net;
    const struct et__act_config *c = &a->net.config;
    const size_t n_steps = (size_t)c->n_steps;
    struct et__act_batch batch = {
        .n = (int)n,
        .state = b->own + first * (size_t)c->n_state,
        .environment = c->n_environment ? b->around + first * (size_t)c->n_environment : NULL,
        .actions = b->targets + first * n_steps * (size_t)c->n_action,
        .weights = b->weights + first * n_steps,
        .mask = b->mask ? b->mask + first * n_steps * (size_t)c->n_action : NULL,
        .hidden = b->hidden && c->n_vae ? b->hidden + first * (size_t)a->net.n_vae_all : NULL,
        .noise = c->n_vae ? b->noise + first * (size_t)c->n_latent : NULL,
        .kl_weight = (et__real)b->kl_weight};
    struct et__eye_seen seen;
    struct et__engine rest = look(a, e, b->pictures, first, &batch, &seen);
    const struct et__act_result result = et__act_step(&a->net, &rest, &batch);
    et__engine_took(e, &rest);
    if (batch.d_tokens)
        et__eye_back(e, &a->eye, batch.d_tokens, &seen);
    return result.loss + b->kl_weight * result.divergence;
}

static const et__real *act(const void *net, struct et__engine *e, const struct et__net_view *view)
{
    const struct act *a = net;
    struct et__act_batch batch = {.n = 1, .state = view->own, .environment = view->around};
    struct et__eye_seen seen;
    struct et__engine rest = look(a, e, view->pictures, 0, &batch, &seen);
    const et__real *actions = et__act_step(&a->net, &rest, &batch).actions;
    et__engine_took(e, &rest);
    return actions;
}

const struct et__net_kind et__net_act = {.name = "act",
                                         .lerobot = "act",
                                         .bytes = sizeof(struct act),
                                         .set = set,
                                         .make = make,
                                         .eye = eye,
                                         .n_noise = n_noise,
                                         .skips_padding = true,
                                         .n_hidden = n_hidden,
                                         .step = step,
                                         .act = act};

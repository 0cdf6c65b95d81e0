/* mlp: plain layers, all steps of the chunk at once. */
#include "learn/learn__mlp.h"
#include "learn/learn__net.h"

#define WIDTH 512
#define LAYERS 3

struct mlp {
    struct et__mlp net; // first: who knows of no eye sees it
    struct et__net_eye eye;
};

static void set(struct et_train_settings *s)
{
    et__net_size(s, WIDTH, LAYERS);
    s->dropout = 0;
}

static size_t make(void *net, struct et__params *params, const struct et__net_shape *shape,
                   const struct et_train_settings *s, et__real *constants)
{
    struct mlp *m = net;
    (void)constants;
    et__net_eye_add(&m->eye, params, shape, s);
    et__mlp_add(&m->net, params,
                &(struct et__mlp_config){.n_in = m->eye.n_all,
                                         .width = s->width,
                                         .n_layers = s->layers,
                                         .n_action = (int)shape->n_out,
                                         .n_steps = (int)shape->n_steps,
                                         .n_phases = (int)shape->n_phases});
    return 0;
}

static const struct et__eye *eye(const void *net)
{
    const struct mlp *m = net;
    return &m->eye.eye;
}

static size_t n_noise(const struct et__net_shape *shape, const struct et_train_settings *s)
{
    (void)shape, (void)s;
    return 0;
}

static double step(const void *net, struct et__engine *e, const struct et__net_batch *b,
                   size_t first, size_t n)
{
    const struct mlp *m = net;
    const size_t n_steps = (size_t)m->net.config.n_steps, n_out = (size_t)m->net.config.n_action;
    struct et__net_look look;
    et__net_look(e, &m->eye, b->pictures, b->seen, first, n, &look);
    const double loss = et__mlp_step(&m->net, &look.rest,
                                     &(struct et__mlp_batch){
                                         .n = n,
                                         .x = look.x,
                                         .dx = look.dx,
                                         .actions = b->targets + first * n_steps * n_out,
                                         .mask = b->mask ? b->mask + first * n_steps * n_out : NULL,
                                         .weights = b->weights + first * n_steps})
                            .loss;
    et__net_looked(e, &m->eye, &look);
    return loss;
}

static const et__real *act(const void *net, struct et__engine *e, const struct et__net_view *view)
{
    const struct mlp *m = net;
    struct et__net_look look;
    et__net_look(e, &m->eye, view->pictures, view->seen, 0, 1, &look);
    const et__real *actions =
        et__mlp_step(&m->net, &look.rest, &(struct et__mlp_batch){.n = 1, .x = look.x}).actions;
    et__net_looked(e, &m->eye, &look);
    return actions;
}

const struct et__net_kind et__net_mlp = {.name = "mlp",
                                         .lerobot = "etude_mlp",
                                         .wants_seen = true,
                                         .bytes = sizeof(struct mlp),
                                         .set = set,
                                         .make = make,
                                         .eye = eye,
                                         .n_noise = n_noise,
                                         .step = step,
                                         .act = act};

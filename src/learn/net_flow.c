/* flow: a transformer that turns noise into a chunk, in a few steps of Euler's. */
#include "learn/learn__flow.h"
#include "learn/learn__net.h"

#define WIDTH 128
#define LAYERS 3
#define TIME 64 // numbers of a time

struct flow {
    struct et__flow net; // first: who knows of no eye sees it
    struct et__net_eye eye;
    const et__real *times; // ET__FLOW_EULER_STEPS × TIME
};

static void set(struct et_train_settings *s)
{
    et__net_size(s, WIDTH, LAYERS);
    s->dropout = 0;
    s->between = s->between ? s->between : 4 * s->width;
}

static size_t make(void *net, struct et__params *params, const struct et__net_shape *shape,
                   const struct et_train_settings *s, et__real *constants)
{
    struct flow *f = net;
    et__net_eye_add(&f->eye, params, shape, s);
    et__flow_add(&f->net, params,
                 &(struct et__flow_config){.width = s->width,
                                           .n_heads = s->heads,
                                           .n_between = s->between,
                                           .n_layers = s->layers,
                                           .n_condition = f->eye.n_all,
                                           .n_time = TIME,
                                           .n_action = (int)shape->n_out,
                                           .n_steps = (int)shape->n_steps});
    f->times = constants;
    for (size_t i = 0; constants && i < ET__FLOW_EULER_STEPS; i++)
        et__flow_time(constants + i * TIME, 1 - (double)i / ET__FLOW_EULER_STEPS, TIME);
    return (size_t)ET__FLOW_EULER_STEPS * TIME;
}

static size_t n_chunk(const struct et__net_shape *shape)
{
    return shape->n_steps * shape->n_out;
}

static const struct et__eye *eye(const void *net)
{
    const struct flow *f = net;
    return &f->eye.eye;
}

static size_t n_noise(const struct et__net_shape *shape, const struct et_train_settings *s)
{
    (void)s;
    return n_chunk(shape);
}

/* The noise becomes what lies between it and the actions, and the time; the target becomes the
 * change. */
static void prepare(const struct et__net_shape *shape, double uniform, et__real *noise,
                    et__real *target, et__real *extra)
{
    const double t = et__flow_draw_time(uniform);
    for (size_t i = 0; i < n_chunk(shape); i++) {
        const et__real action = target[i];
        target[i] = noise[i] - action;
        noise[i] = (et__real)t * noise[i] + (et__real)(1 - t) * action;
    }
    et__flow_time(extra, t, TIME);
}

static double step(const void *net, struct et__engine *e, const struct et__net_batch *b,
                   size_t first, size_t n)
{
    const struct flow *f = net;
    const struct et__flow_config *c = &f->net.config;
    const size_t n_steps = (size_t)c->n_steps, chunk = n_steps * (size_t)c->n_action;
    struct et__net_look look;
    et__net_look(e, &f->eye, b->pictures, b->seen, first, n, &look);
    const double loss =
        et__flow_step(&f->net, &look.rest,
                      &(struct et__flow_batch){.n = n,
                                               .x = b->noise + first * chunk,
                                               .times = b->extra + first * TIME,
                                               .condition = look.x,
                                               .d_condition = look.dx,
                                               .change = b->targets + first * chunk,
                                               .mask = b->mask ? b->mask + first * chunk : NULL,
                                               .weights = b->weights + first * n_steps})
            .loss;
    et__net_looked(e, &f->eye, &look);
    return loss;
}

static const et__real *act(const void *net, struct et__engine *e, const struct et__net_view *view)
{
    const struct flow *f = net;
    const size_t chunk = (size_t)(f->net.config.n_steps * f->net.config.n_action);
    const bool is_measured = e->kernels == &et__kernels_none; // nobody looks into its memory
    struct et__net_look look;
    et__net_look(e, &f->eye, view->pictures, view->seen, 0, 1, &look);
    for (size_t i = 0; i < (is_measured ? 1 : ET__FLOW_EULER_STEPS); i++) {
        const et__real *change =
            et__flow_step(
                &f->net, &look.rest,
                &(struct et__flow_batch){
                    .n = 1, .x = view->noise, .times = f->times + i * TIME, .condition = look.x})
                .change;
        for (size_t k = 0; !is_measured && k < chunk; k++)
            view->noise[k] -= change[k] / ET__FLOW_EULER_STEPS;
    }
    et__net_looked(e, &f->eye, &look);
    return view->noise;
}

const struct et__net_kind et__net_flow = {.name = "flow",
                                          .lerobot = "etude_flow",
                                          .wants_seen = true,
                                          .bytes = sizeof(struct flow),
                                          .set = set,
                                          .make = make,
                                          .eye = eye,
                                          .n_noise = n_noise,
                                          .n_extra = TIME,
                                          .acts_by_chance = true,
                                          .prepare = prepare,
                                          .step = step,
                                          .act = act};

/* Plain layers, forward and back. */
#include "learn/learn__mlp.h"

#include <stdio.h>

void et__mlp_add(struct et__mlp *m, struct et__params *params, const struct et__mlp_config *config)
{
    *m = (struct et__mlp){.config = *config};
    char name[ET__PARAM_NAME_MAX];
    for (int i = 0; i < config->n_layers; i++) {
        (void)snprintf(name, sizeof name, "model.layers.%d", i);
        m->layers[i] =
            et__linear_add(params, i ? config->width : config->n_in, config->width, name);
    }
    m->head = et__linear_add(params, config->width, config->n_steps * config->n_action,
                             "model.action_head");
}

struct seen {
    const et__real *in[ET__MLP_LAYERS_MAX + 1]; // of layer i; behind the last: of the head
    const et__real *before[ET__MLP_LAYERS_MAX]; // the activation
};

static void back(const struct et__mlp *m, struct et__engine *e, const struct et__mlp_batch *b,
                 const et__real *d_out, const struct seen *seen)
{
    const size_t n = b->n;
    const size_t n_hidden = n * (size_t)m->config.width;
    et__real *d = et__take(e, n_hidden), *d_before = et__take(e, n_hidden);
    const int last = m->config.n_layers;
    et__linear_back(e, &m->head,
                    &(struct et__linear_back){.dy = d_out, .x = seen->in[last], .dx = d, .n = n});
    for (int i = last - 1; i >= 0; i--) {
        e->kernels->activate_back(e->device, ET__SILU, d_before, d, seen->before[i], n_hidden);
        et__linear_back(
            e, &m->layers[i],
            &(struct et__linear_back){
                .dy = d_before, .x = seen->in[i], .dx = i ? d : b->dx, .n = n, .is_added = i > 0});
    }
}

struct et__mlp_result et__mlp_step(const struct et__mlp *m, struct et__engine *e,
                                   const struct et__mlp_batch *b)
{
    const size_t n_hidden = b->n * (size_t)m->config.width;
    const size_t n_out = b->n * (size_t)m->head.n_out;
    struct seen seen;
    e->used = 0;
    seen.in[0] = b->x;
    for (int i = 0; i < m->config.n_layers; i++) {
        et__real *before = et__linear(e, &m->layers[i], seen.in[i], b->n);
        et__real *after = et__take(e, n_hidden);
        e->kernels->activate(e->device, ET__SILU, after, before, n_hidden);
        if (i > 0)
            et__add(e, after, seen.in[i], n_hidden);
        seen.before[i] = before;
        seen.in[i + 1] = after;
    }
    et__real *out = et__linear(e, &m->head, seen.in[m->config.n_layers], b->n);
    struct et__mlp_result result = {.actions = out};
    if (!b->actions)
        return result;
    et__real *d_out = et__take(e, n_out);
    result.loss =
        e->kernels->loss(e->device, &(struct et__loss){.dout = d_out,
                                                       .out = out,
                                                       .target = b->actions,
                                                       .weights = b->weights,
                                                       .mask = b->mask,
                                                       .n_rows = b->n * (size_t)m->config.n_steps,
                                                       .width = (size_t)m->config.n_action,
                                                       .n_squared = (size_t)m->config.n_phases});
    if (e->grads)
        back(m, e, b, d_out, &seen);
    return result;
}

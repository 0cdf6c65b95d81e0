/* Plain layers as a graph of ONNX. */
#include "learn/learn__onnx_graph.h"

enum et_status et__onnx_mlp(const struct et__mlp *m, const struct et__onnx_numbers *inputs,
                            size_t n_inputs, const struct et__onnx_sight *sight,
                            const struct et__onnx_file *file, struct et_err *err)
{
    const struct et__mlp_config *c = &m->config;
    struct et__graph g;
    enum et_status st = et__graph_check(inputs, n_inputs, c->n_in - et__graph_rows(sight), err);
    if (st == ET_OK)
        st = et__graph_check_sight(sight, err);
    if (st == ET_OK)
        st = et__graph_open(&g, file, "mlp", c->n_action, err);
    if (st != ET_OK)
        return st;
    const char *x = et__graph_seen(&g, inputs, n_inputs, sight);
    for (int i = 0; i < c->n_layers; i++) {
        const char *y = et__graph_activate(&g, ET__SILU, et__graph_linear(&g, &m->layers[i], x));
        x = i > 0 ? et__graph_apply(&g, "Add", y, x) : y;
    }
    const char *y = et__graph_linear(&g, &m->head, x);
    y = et__graph_reshape(&g, y, (int64_t[]){0, c->n_steps, c->n_action}, 3);
    et__graph_actions(&g, y, c->n_steps, c->n_action);
    return et__graph_write(&g, err);
}

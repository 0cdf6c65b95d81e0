/* ACT, as it acts (the latent is 0), as a graph of ONNX. */
#include "learn/learn__onnx_graph.h"

#include <assert.h>

/* ---- layers ---- */

static const char *add(struct et__graph *g, const char *a, const char *b)
{
    return et__graph_apply(g, "Add", a, b);
}

static const char *encoder(struct et__graph *g, const struct et__encoder *l, const char *x,
                           const char *positions, int n)
{
    const char *asks = add(g, x, positions);
    const struct et__graph_asked self = {asks, asks, x, n, n};
    x = et__graph_layer_norm(g, &l->norm1, add(g, et__graph_heads(g, &l->self, &self), x));
    return et__graph_layer_norm(g, &l->norm2, add(g, et__graph_feedforward(g, &l->between, x), x));
}

// What the encoder made, with its positions and without.
struct memory {
    const char *keys, *values;
    int n;
};

static const char *decoder(struct et__graph *g, const struct et__decoder *l, const char *x,
                           const char *queries, int n, const struct memory *memory)
{
    const char *asks = add(g, x, queries);
    const struct et__graph_asked self = {asks, asks, x, n, n};
    x = et__graph_layer_norm(g, &l->norm1, add(g, et__graph_heads(g, &l->self, &self), x));
    const struct et__graph_asked cross = {add(g, x, queries), memory->keys, memory->values, n,
                                          memory->n};
    x = et__graph_layer_norm(g, &l->norm2, add(g, et__graph_heads(g, &l->cross, &cross), x));
    return et__graph_layer_norm(g, &l->norm3, add(g, et__graph_feedforward(g, &l->between, x), x));
}

/* ---- tokens ---- */

// batch × n × width of what is n × width, or one number, for the first size of another value.
static const char *spread(struct et__graph *g, const char *x, const char *like, int n, int width)
{
    const char *batch = et_onnx_node(
        g->onnx, &(struct et_onnx_node){.op = "Shape",
                                        .inputs = {like},
                                        .attributes = {{"start", ET_ONNX_INTEGER, .integer = 0},
                                                       {"end", ET_ONNX_INTEGER, .integer = 1}}});
    const char *sizes[] = {batch, et__graph_integers(g, (int64_t[]){n, width}, 2)};
    return et__graph_apply(g, "Expand", x, et__graph_along(g, "Concat", sizes, 2, 0));
}

// What pictures become, batch × n_tokens × n_channels, or what another made of them.
static const char *tokens(struct et__graph *g, const struct et__act *a,
                          const struct et__onnx_act_inputs *in)
{
    const struct et__act_config *c = &a->config;
    return et__graph_rows(&in->sight) ? et__graph_eye(g, &in->sight, c->n_tokens, c->n_channels)
                                      : et__graph_input(g, &in->tokens, c->n_tokens);
}

// A vector's token.
static const char *front(struct et__graph *g, const struct et__linear *l,
                         const struct et__onnx_numbers *in)
{
    return et__graph_unsqueeze(g, et__graph_linear(g, l, et__graph_input(g, in, 0)), 1);
}

// All that the encoder sees, in act.c's order.
static const char *seen(struct et__graph *g, const struct et__act *a,
                        const struct et__onnx_act_inputs *in)
{
    const struct et__act_config *c = &a->config;
    const char *parts[4];
    size_t n = 1;
    if (c->n_state)
        parts[n++] = front(g, &a->state, &in->state);
    if (c->n_environment)
        parts[n++] = front(g, &a->environment, &in->environment);
    if (c->n_tokens)
        parts[n++] = et__graph_linear(g, &a->tokens, tokens(g, a, in));
    // A latent of 0: what its layer adds is left.
    parts[0] = spread(g, et__graph_param(g, a->latent.bias), parts[1], 1, c->size.width);
    return et__graph_along(g, "Concat", parts, n, 1);
}

static const char *positions(struct et__graph *g, const struct et__act *a)
{
    const struct et__act_config *c = &a->config;
    const char *parts[] = {et__graph_param(g, a->positions_1d), NULL};
    if (c->n_tokens == 0)
        return parts[0];
    assert(a->token_positions && "et__act_constants has to come before");
    parts[1] = et_onnx_floats(g->onnx, "etude.token_positions",
                              (int64_t[]){c->n_tokens, c->size.width}, 2, a->token_positions);
    return et__graph_along(g, "Concat", parts, 2, 0);
}

/* ---- all of it ---- */

static enum et_status check(const struct et__act_config *c, const struct et__onnx_act_inputs *in,
                            struct et_err *err)
{
    if (c->n_state + c->n_environment + c->n_tokens == 0)
        return et_fail(err, ET_EARG, -1, "a network that sees nothing");
    enum et_status st = ET_OK;
    if (c->n_state)
        st = et__graph_check(&in->state, 1, c->n_state, err);
    if (st == ET_OK && c->n_environment)
        st = et__graph_check(&in->environment, 1, c->n_environment, err);
    if (st == ET_OK && c->n_tokens && et__graph_rows(&in->sight) == 0)
        st = et__graph_check(&in->tokens, 1, c->n_channels, err);
    if (st == ET_OK && et__graph_rows(&in->sight) > 0 &&
        et__graph_rows(&in->sight) != c->n_tokens * c->n_channels)
        st = et_fail(err, ET_EARG, -1, "an eye of %d numbers, where the network sees %d",
                     et__graph_rows(&in->sight), c->n_tokens * c->n_channels);
    return st == ET_OK ? et__graph_check_sight(&in->sight, err) : st;
}

enum et_status et__onnx_act(const struct et__act *a, const struct et__onnx_act_inputs *inputs,
                            const struct et__onnx_file *file, struct et_err *err)
{
    const struct et__act_config *c = &a->config;
    struct et__graph g;
    enum et_status st = check(c, inputs, err);
    if (st == ET_OK)
        st = et__graph_open(&g, file, "act", c->n_action, err);
    if (st != ET_OK)
        return st;
    const char *x = seen(&g, a, inputs), *places = positions(&g, a);
    for (int i = 0; i < c->n_encoder; i++)
        x = encoder(&g, &a->encoder[i], x, places, a->n_all);
    const struct memory memory = {add(&g, x, places), x, a->n_all};
    const char *queries = et__graph_param(&g, a->queries);
    const char *y =
        spread(&g, et__graph_float(&g, "etude.nothing", 0), x, c->n_steps, c->size.width);
    for (int i = 0; i < c->n_decoder; i++)
        y = decoder(&g, &a->decoder[i], y, queries, c->n_steps, &memory);
    y = et__graph_linear(&g, &a->head, et__graph_layer_norm(&g, &a->decoder_norm, y));
    et__graph_actions(&g, y, c->n_steps, c->n_action);
    return et__graph_write(&g, err);
}

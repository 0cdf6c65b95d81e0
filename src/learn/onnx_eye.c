/* Eyes as a graph of ONNX, whose maps are batch × channels × height × width. All cameras go through
 * at once, one behind the other in the batch, sample by sample as eye.c has it. */
#include "learn/learn__onnx_graph.h"

#include "etude/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define COLOURS 3
#define NAME_BYTES (ET_NAME_BYTES_MAX + 40) // a longer one is told by et_onnx

static const float EPSILON = 1e-5F; // as map_layers.c

// A value of the graph, and its map's sizes beside the batch's.
struct map {
    const char *x;
    int n_channels, height, width;
};

/* ---- checking ---- */

enum et_status et__graph_check_sight(const struct et__onnx_sight *sight, struct et_err *err)
{
    const int n_cameras = et__graph_rows(sight) ? sight->eye->config.n_cameras : 0;
    for (int i = 0; i < n_cameras; i++) {
        const struct et__onnx_camera *camera = &sight->cameras[i];
        float scale[COLOURS];
        for (size_t c = 0; c < COLOURS; c++)
            scale[c] = 1 / camera->deviation[c];
        const struct et__onnx_numbers colours = {
            .name = camera->name, .n = COLOURS, .mean = camera->mean, .scale = scale};
        const enum et_status st = et__graph_check(&colours, 1, COLOURS, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

int et__graph_rows(const struct et__onnx_sight *sight)
{
    return sight && sight->eye ? sight->eye->n_tokens * sight->eye->n_channels : 0;
}

/* ---- layers ---- */

// x, and numbers of each channel: n × 1 × 1.
static const char *by_channel(struct et__graph *g, const char *op, const char *x, size_t param,
                              int n)
{
    const char *values = et__graph_reshape(g, et__graph_param(g, param), (int64_t[]){n, 1, 1}, 3);
    return et__graph_apply(g, op, x, values);
}

// Group norm, as PyTorch's exporter has it: each group's places are one channel's.
static const char *group_norm(struct et__graph *g, const struct et__conv *l, const struct map *m)
{
    const int n_groups = l->n_groups;
    char names[2][40];
    float *values = calloc((size_t)n_groups, 2 * sizeof *values);
    if (!values) {
        g->is_out_of_memory = true;
        return m->x;
    }
    for (int i = 0; i < n_groups; i++)
        values[i] = 1;
    (void)snprintf(names[0], sizeof names[0], "etude.groups.%d.ones", n_groups);
    (void)snprintf(names[1], sizeof names[1], "etude.groups.%d.zeros", n_groups);
    const char *ones = et__graph_floats(g, names[0], values, n_groups);
    const char *zeros = et__graph_floats(g, names[1], values + n_groups, n_groups);
    free(values);
    const char *x = et__graph_reshape(g, m->x, (int64_t[]){0, n_groups, -1}, 3);
    x = et_onnx_node(g->onnx, &(struct et_onnx_node){
                                  .op = "InstanceNormalization",
                                  .inputs = {x, ones, zeros},
                                  .attributes = {{"epsilon", ET_ONNX_FLOAT, .number = EPSILON}}});
    x = et__graph_reshape(g, x, (int64_t[]){0, m->n_channels, m->height, m->width}, 4);
    x = by_channel(g, "Mul", x, l->norm_weight, l->n_out);
    return by_channel(g, "Add", x, l->norm_bias, l->n_out);
}

static const char *frozen_norm(struct et__graph *g, const struct et__conv *l, const char *x)
{
    return et_onnx_node(
        g->onnx,
        &(struct et_onnx_node){
            .op = "BatchNormalization",
            .inputs = {x, et__graph_param(g, l->norm_weight), et__graph_param(g, l->norm_bias),
                       et__graph_param(g, l->mean), et__graph_param(g, l->variance)},
            .attributes = {{"epsilon", ET_ONNX_FLOAT, .number = EPSILON}}});
}

// What moves a window over a map: a convolution or a pool.
static struct map slide(struct et__graph *g, const struct map *m, const struct et__window *window,
                        struct et_onnx_node *node)
{
    const int64_t side[] = {window->side, window->side}, padding = window->padding;
    const int64_t strides[] = {window->stride, window->stride};
    const int64_t pads[] = {padding, padding, padding, padding};
    node->inputs[0] = m->x;
    node->attributes[0] = (struct et_onnx_attribute){"kernel_shape", ET_ONNX_INTEGERS,
                                                     .integers = side, .n_integers = 2};
    node->attributes[1] = (struct et_onnx_attribute){"strides", ET_ONNX_INTEGERS,
                                                     .integers = strides, .n_integers = 2};
    node->attributes[2] =
        (struct et_onnx_attribute){"pads", ET_ONNX_INTEGERS, .integers = pads, .n_integers = 4};
    return (struct map){.x = et_onnx_node(g->onnx, node),
                        .n_channels = m->n_channels,
                        .height = et__window_high(window),
                        .width = et__window_wide(window)};
}

static struct map conv(struct et__graph *g, const struct et__conv *l, const struct map *m,
                       const char *more)
{
    const struct et__window window = {1, m->height, m->width, l->side, l->stride, l->padding};
    struct et_onnx_node node = {.op = "Conv", .inputs = {NULL, et__graph_param(g, l->weight)}};
    if (l->kind == ET__CONV_BIAS)
        node.inputs[2] = et__graph_param(g, l->norm_bias);
    struct map y = slide(g, m, &window, &node);
    y.n_channels = l->n_out;
    if (l->kind == ET__CONV_FROZEN)
        y.x = frozen_norm(g, l, y.x);
    if (l->kind == ET__CONV_GROUPS)
        y.x = group_norm(g, l, &y);
    if (more)
        y.x = et__graph_apply(g, "Add", y.x, more);
    if (l->has_relu)
        y.x = et__graph_activate(g, ET__RELU, y.x);
    return y;
}

static struct map resnet(struct et__graph *g, const struct et__resnet *r, const struct map *m)
{
    struct map x = conv(g, &r->first, m, NULL);
    const struct et__window window = {1, x.height, x.width, 3, 2, 1};
    x = slide(g, &x, &window, &(struct et_onnx_node){.op = "MaxPool"});
    for (int i = 0; i < ET__RESNET_BLOCKS; i++) {
        const struct et__resnet_block *b = &r->blocks[i];
        const struct map between = conv(g, &b->first, &x, NULL);
        const char *more = b->shortcut.n_out ? conv(g, &b->shortcut, &x, NULL).x : x.x;
        x = conv(g, &b->second, &between, more);
    }
    return x;
}

/* ---- what an eye ends with ---- */

// −1 … 1 over n places.
static float coordinate(int i, int n)
{
    return n > 1 ? (float)(2.0 * i / (n - 1) - 1) : 0;
}

// Where each channel looks: softmax over its places, times where they are.
static const char *keypoints(struct et__graph *g, const struct map *m)
{
    const int n = m->height * m->width;
    float *places = calloc((size_t)n, 2 * sizeof *places);
    if (!places) {
        g->is_out_of_memory = true;
        return m->x;
    }
    for (int i = 0; i < n; i++) {
        places[2 * (size_t)i] = coordinate(i % m->width, m->width);
        places[2 * (size_t)i + 1] = coordinate(i / m->width, m->height);
    }
    const char *x = et__graph_reshape(g, m->x, (int64_t[]){0, m->n_channels, n}, 3);
    x = et__graph_along(g, "Softmax", &x, 1, -1);
    x = et__graph_apply(g, "MatMul", x,
                        et_onnx_floats(g->onnx, "etude.places", (int64_t[]){n, 2}, 2, places));
    free(places);
    return x;
}

// A row for each place.
static const char *rows(struct et__graph *g, const struct map *m)
{
    return et_onnx_node(g->onnx,
                        &(struct et_onnx_node){.op = "Transpose",
                                               .inputs = {m->x},
                                               .attributes = {{"perm", ET_ONNX_INTEGERS,
                                                               .integers = (int64_t[]){0, 2, 3, 1},
                                                               .n_integers = 4}}});
}

/* ---- what an eye begins with ---- */

static const char *of_colours(struct et__graph *g, const char *op, const char *x,
                              const struct et__onnx_camera *camera, const char *what,
                              const float *values)
{
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "%s.%s", camera->name, what);
    return et__graph_apply(g, op, x,
                           et_onnx_floats(g->onnx, name, (int64_t[]){COLOURS, 1, 1}, 3, values));
}

static const char *picture(struct et__graph *g, const struct et__onnx_camera *camera,
                           const struct et__eye_config *c)
{
    const int64_t sizes[] = {ET_ONNX_BATCH, COLOURS, c->height, c->width};
    float scale[COLOURS];
    for (size_t i = 0; i < COLOURS; i++)
        scale[i] = 1 / camera->deviation[i];
    const char *x = et_onnx_input(g->onnx, camera->name, sizes, 4);
    x = of_colours(g, "Sub", x, camera, "mean", camera->mean);
    return of_colours(g, "Mul", x, camera, "scale", scale);
}

const char *et__graph_eye(struct et__graph *g, const struct et__onnx_sight *sight, int n_rows,
                          int n_numbers)
{
    const struct et__eye *eye = sight->eye;
    const struct et__eye_config *c = &eye->config;
    struct map m = {.n_channels = COLOURS, .height = c->height, .width = c->width};
    const char *parts[ET__EYE_CAMERAS_MAX] = {NULL};
    for (int i = 0; i < c->n_cameras; i++)
        parts[i] = picture(g, &sight->cameras[i], c);
    m.x = parts[0];
    if (c->n_cameras > 1) {
        m.x = et__graph_along(g, "Concat", parts, (size_t)c->n_cameras, 1);
        m.x = et__graph_reshape(g, m.x, (int64_t[]){-1, COLOURS, c->height, c->width}, 4);
    }
    if (c->kind == ET__EYE_RESNET18)
        m = resnet(g, &eye->resnet, &m);
    for (int i = 0; i < eye->n_layers; i++)
        m = conv(g, &eye->layers[i], &m, NULL);
    assert(m.height == eye->map_height && m.width == eye->map_width);
    if (c->n_keypoints > 0) {
        m = conv(g, &eye->keypoints, &m, NULL);
        m.x = keypoints(g, &m);
    } else
        m.x = rows(g, &m);
    const int64_t batch = c->n_cameras > 1 ? -1 : 0; // what is left; as it is
    return n_rows > 0 ? et__graph_reshape(g, m.x, (int64_t[]){batch, n_rows, n_numbers}, 3)
                      : et__graph_reshape(g, m.x, (int64_t[]){batch, n_numbers}, 2);
}

const char *et__graph_seen(struct et__graph *g, const struct et__onnx_numbers *inputs,
                           size_t n_inputs, const struct et__onnx_sight *sight)
{
    const char *parts[2] = {NULL};
    size_t n = 0;
    if (n_inputs > 0)
        parts[n++] = et__graph_inputs(g, inputs, n_inputs);
    if (et__graph_rows(sight))
        parts[n++] = et__graph_eye(g, sight, 0, et__graph_rows(sight));
    return n > 1 ? et__graph_along(g, "Concat", parts, n, 1) : parts[0];
}

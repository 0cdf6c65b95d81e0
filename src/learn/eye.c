/* Eyes, forward and back. */
#include "learn/learn__eye.h"

#include <assert.h>
#include <stdio.h>

static const char PREFIX[] = "model.backbone"; // LeRobot's

#define COLOURS 3
#define FIRST 16 // channels of the small eye
#define LAST 128
#define GROUP 16 // channels of a group

static int half(int n)
{
    return (n + 1) / 2;
}

static void add_small(struct et__eye *eye, struct et__params *params)
{
    const struct et__eye_config *c = &eye->config;
    const int n_first = c->n_first ? c->n_first : FIRST,
              n_last = c->n_channels ? c->n_channels : LAST;
    const int n[ET__EYE_LAYERS + 1] = {COLOURS, n_first, 2 * n_first, 4 * n_first, n_last};
    // Keypoints are looked for on a finer map than tokens are made of.
    eye->n_layers = ET__EYE_LAYERS - (c->n_keypoints > 0);
    for (int i = 0; i < eye->n_layers; i++) {
        char prefix[ET__PARAM_NAME_MAX];
        const struct et__conv l = {.kind = ET__CONV_GROUPS,
                                   .n_in = n[i],
                                   .n_out = n[i + 1],
                                   .side = 3,
                                   .stride = 2,
                                   .padding = 1,
                                   .n_groups = n[i + 1] % GROUP ? 1 : n[i + 1] / GROUP,
                                   .has_relu = true};
        (void)snprintf(prefix, sizeof prefix, "%s.layers.%d", PREFIX, i);
        eye->layers[i] = et__conv_add(params, &l, prefix, "conv", "norm");
        eye->map_height = half(eye->map_height);
        eye->map_width = half(eye->map_width);
        eye->n_channels = n[i + 1];
    }
}

static void add_resnet(struct et__eye *eye, struct et__params *params)
{
    eye->resnet = et__resnet_add(params, PREFIX);
    for (int i = 0; i < 5; i++) { // the first layer, the pool, three of four stages
        eye->map_height = half(eye->map_height);
        eye->map_width = half(eye->map_width);
    }
    eye->n_channels = ET__RESNET_CHANNELS;
}

void et__eye_add(struct et__eye *eye, struct et__params *params,
                 const struct et__eye_config *config)
{
    assert(config->n_cameras > 0 && config->n_cameras <= ET__EYE_CAMERAS_MAX);
    *eye = (struct et__eye){
        .config = *config, .map_height = config->height, .map_width = config->width};
    if (config->kind == ET__EYE_SMALL)
        add_small(eye, params);
    else
        add_resnet(eye, params);
    eye->n_tokens = config->n_cameras * eye->map_height * eye->map_width;
    if (config->n_keypoints > 0) {
        const int side = config->kind == ET__EYE_SMALL ? 3 : 1;
        const struct et__conv l = {.kind = ET__CONV_BIAS,
                                   .n_in = eye->n_channels,
                                   .n_out = config->n_keypoints,
                                   .side = side,
                                   .stride = 1,
                                   .padding = side / 2};
        eye->keypoints = et__conv_add(params, &l, PREFIX, "keypoints", NULL);
        eye->n_tokens = config->n_cameras;
        eye->n_channels = 2 * config->n_keypoints;
    }
}

// One map of all: a sample's cameras one behind the other.
static struct et__map lay(struct et__engine *e, const struct et__eye_config *c,
                          const struct et__eye_pictures *p)
{
    const struct et__map map = {.n = (int)p->n * c->n_cameras,
                                .height = c->height,
                                .width = c->width,
                                .n_channels = COLOURS};
    const size_t n_places = (size_t)c->height * (size_t)c->width, n_picture = n_places * COLOURS;
    et__real *y = et__take(e, et__map_numbers(&map));
    for (int i = 0; i < c->n_cameras; i++)
        e->kernels->pictures->lay_planes(
            e->device,
            &(struct et__planes){.y = y + (size_t)i * n_picture,
                                 .x = p->cameras[i] ? p->cameras[i] + p->first * n_picture : NULL,
                                 .n = p->n,
                                 .n_channels = COLOURS,
                                 .n_places = n_places,
                                 .y_stride = (size_t)c->n_cameras * n_picture});
    return (struct et__map){y, map.n, map.height, map.width, map.n_channels};
}

const et__real *et__eye(struct et__engine *e, const struct et__eye *eye,
                        const struct et__eye_pictures *pictures, struct et__eye_seen *seen)
{
    struct et__map x = lay(e, &eye->config, pictures);
    if (eye->config.kind == ET__EYE_RESNET18)
        x = et__resnet(e, &eye->resnet, &x, &seen->resnet);
    for (int i = 0; i < eye->n_layers; i++)
        x = et__conv(e, &eye->layers[i], &x, NULL, &seen->layers[i]);
    assert(x.height == eye->map_height && x.width == eye->map_width);
    seen->map = x;
    if (eye->config.n_keypoints == 0)
        return x.x;
    x = et__conv(e, &eye->keypoints, &x, NULL, &seen->head);
    seen->keypoints =
        (struct et__keypoints){.y = et__take(e, (size_t)x.n * 2 * (size_t)x.n_channels),
                               .weights = et__take(e, et__map_numbers(&x)),
                               .x = x.x,
                               .n = x.n,
                               .height = x.height,
                               .width = x.width,
                               .n_channels = x.n_channels};
    e->kernels->pictures->keypoints(e->device, &seen->keypoints);
    return seen->keypoints.y;
}

void et__eye_back(struct et__engine *e, const struct et__eye *eye, const et__real *d_rows,
                  const struct et__eye_seen *seen)
{
    const size_t mark = e->used;
    const et__real *dy = d_rows;
    if (eye->config.n_keypoints > 0) {
        et__real *d = et__take(e, et__map_numbers(&seen->head.y));
        et__real *dx = et__take(e, et__map_numbers(&seen->map));
        e->kernels->pictures->keypoints_back(
            e->device,
            &(struct et__keypoints_back){.dx = d, .dy = d_rows, .forward = &seen->keypoints});
        et__conv_back(e, &eye->keypoints, &(struct et__conv_back){.dy = d, .dx = dx}, &seen->head);
        dy = dx;
    }
    for (int i = eye->n_layers - 1; i >= 0; i--) {
        et__real *dx = i > 0 ? et__take(e, et__map_numbers(&seen->layers[i - 1].y)) : NULL;
        et__conv_back(e, &eye->layers[i], &(struct et__conv_back){.dy = dy, .dx = dx},
                      &seen->layers[i]);
        dy = dx;
    }
    if (eye->config.kind == ET__EYE_RESNET18)
        et__resnet_back(e, &eye->resnet, dy, &seen->resnet);
    e->used = mark;
}

/* ResNet-18, forward and back. */
#include "learn/learn__resnet.h"

#include "learn/learn__layers.h"

#include <stdio.h>

#define BLOCKS_OF_STAGE 2
#define FIRST_CHANNELS 64

static struct et__resnet_block add_block(struct et__params *params, int n_in, int n_out,
                                         const char *prefix)
{
    const int stride = n_in == n_out ? 1 : 2;
    struct et__resnet_block b = {0};
    struct et__conv l = {.kind = ET__CONV_FROZEN,
                         .n_in = n_in,
                         .n_out = n_out,
                         .side = 3,
                         .stride = stride,
                         .padding = 1,
                         .has_relu = true};
    b.first = et__conv_add(params, &l, prefix, "conv1", "bn1");
    l.n_in = n_out;
    l.stride = 1;
    b.second = et__conv_add(params, &l, prefix, "conv2", "bn2");
    if (stride > 1) {
        l = (struct et__conv){
            .kind = ET__CONV_FROZEN, .n_in = n_in, .n_out = n_out, .side = 1, .stride = stride};
        b.shortcut = et__conv_add(params, &l, prefix, "downsample.0", "downsample.1");
    }
    return b;
}

struct et__resnet et__resnet_add(struct et__params *params, const char *prefix)
{
    struct et__resnet r = {0};
    const struct et__conv first = {.kind = ET__CONV_FROZEN,
                                   .n_in = 3,
                                   .n_out = FIRST_CHANNELS,
                                   .side = 7,
                                   .stride = 2,
                                   .padding = 3,
                                   .has_relu = true};
    r.first = et__conv_add(params, &first, prefix, "conv1", "bn1");
    int n_in = FIRST_CHANNELS;
    for (int i = 0; i < ET__RESNET_BLOCKS; i++) {
        const int stage = i / BLOCKS_OF_STAGE, n_out = FIRST_CHANNELS << stage;
        char name[ET__PARAM_NAME_MAX];
        (void)snprintf(name, sizeof name, "%s.layer%d.%d", prefix, stage + 1, i % BLOCKS_OF_STAGE);
        r.blocks[i] = add_block(params, n_in, n_out, name);
        n_in = n_out;
    }
    return r;
}

static struct et__map block(struct et__engine *e, const struct et__resnet_block *b,
                            const struct et__map *x, struct et__resnet_block_seen *seen)
{
    seen->x = *x;
    const struct et__map between = et__conv(e, &b->first, x, NULL, &seen->first);
    const et__real *more = x->x;
    if (b->shortcut.n_out)
        more = et__conv(e, &b->shortcut, x, NULL, &seen->shortcut).x;
    return et__conv(e, &b->second, &between, more, &seen->second);
}

static void block_back(struct et__engine *e, const struct et__resnet_block *b, et__real *dx,
                       const et__real *dy, const struct et__resnet_block_seen *seen)
{
    const size_t mark = e->used, n = et__map_numbers(&seen->second.y);
    et__real *d_more = et__take(e, n), *between = et__take(e, n);
    et__conv_back(e, &b->second, &(struct et__conv_back){.dy = dy, .dx = between, .d_more = d_more},
                  &seen->second);
    et__conv_back(e, &b->first, &(struct et__conv_back){.dy = between, .dx = dx}, &seen->first);
    if (b->shortcut.n_out)
        et__conv_back(e, &b->shortcut,
                      &(struct et__conv_back){.dy = d_more, .dx = dx, .is_added = true},
                      &seen->shortcut);
    else
        et__add(e, dx, d_more, n);
    e->used = mark;
}

struct et__map et__resnet(struct et__engine *e, const struct et__resnet *r,
                          const struct et__map *pictures, struct et__resnet_seen *seen)
{
    const struct et__map first = et__conv(e, &r->first, pictures, NULL, &seen->first);
    const struct et__window window = {first.n, first.height, first.width, 3, 2, 1};
    struct et__map x = {.n = first.n,
                        .height = et__window_high(&window),
                        .width = et__window_wide(&window),
                        .n_channels = first.n_channels};
    seen->pool = (struct et__max_pool){.y = et__take(e, et__map_numbers(&x)),
                                       .x = first.x,
                                       .window = window,
                                       .n_channels = first.n_channels};
    e->kernels->pictures->max_pool(e->device, &seen->pool);
    x.x = seen->pool.y;
    for (int i = 0; i < ET__RESNET_BLOCKS; i++)
        x = block(e, &r->blocks[i], &x, &seen->blocks[i]);
    return x;
}

void et__resnet_back(struct et__engine *e, const struct et__resnet *r, const et__real *dy,
                     const struct et__resnet_seen *seen)
{
    for (int i = ET__RESNET_BLOCKS - 1; i >= 0; i--) {
        et__real *dx = et__take(e, et__map_numbers(&seen->blocks[i].x));
        block_back(e, &r->blocks[i], dx, dy, &seen->blocks[i]);
        dy = dx;
    }
    et__real *d_first = et__take(e, et__map_numbers(&seen->first.y));
    e->kernels->pictures->max_pool_back(
        e->device, &(struct et__max_pool_back){.dx = d_first, .dy = dy, .forward = &seen->pool});
    et__conv_back(e, &r->first, &(struct et__conv_back){.dy = d_first}, &seen->first);
}

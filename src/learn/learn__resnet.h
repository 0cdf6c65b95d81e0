/* ResNet-18 without its head (He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition",
 * 2016), layer for layer and name for name as torchvision's with FrozenBatchNorm2d, which is what
 * LeRobot's ACT sees with. A map of 512 channels, a 32nd of the pictures' height and width. */
#ifndef LEARN__RESNET_H
#define LEARN__RESNET_H

#include "learn/learn__map_layers.h"

#define ET__RESNET_BLOCKS 8
#define ET__RESNET_CHANNELS 512

struct et__resnet_block {
    struct et__conv first, second;
    struct et__conv shortcut; // n_out 0: what comes in, as it is
};
struct et__resnet {
    struct et__conv first;
    struct et__resnet_block blocks[ET__RESNET_BLOCKS];
};

struct et__resnet_block_seen {
    struct et__map x;
    struct et__conv_seen first, second, shortcut;
};
struct et__resnet_seen {
    struct et__conv_seen first;
    struct et__max_pool pool;
    struct et__resnet_block_seen blocks[ET__RESNET_BLOCKS];
};

struct et__resnet et__resnet_add(struct et__params *params, const char *prefix);
struct et__map et__resnet(struct et__engine *e, const struct et__resnet *r,
                          const struct et__map *pictures, struct et__resnet_seen *seen);
/* Pictures learn nothing. */
void et__resnet_back(struct et__engine *e, const struct et__resnet *r, const et__real *dy,
                     const struct et__resnet_seen *seen);

#endif

/* An eye: pictures of several cameras into rows of features, there and back. One eye looks through
 * all cameras.
 *
 * The small one is for learning on a few cores: convolutions that halve the picture, each with
 * group norm and ReLU. ResNet-18 is what LeRobot's ACT has, name for name, so that its checkpoints
 * load; its norms are frozen. Either ends with a row for each place of its map, which a transformer
 * takes (ACT's `tokens`), or with a row for each camera: where each of some channels looks in the
 * picture, which plain layers take.
 *
 * Rows come as ACT wants them: sample by sample, camera by camera, each from left to right and from
 * top to bottom. */
#ifndef LEARN__EYE_H
#define LEARN__EYE_H

#include "learn/learn__resnet.h"

#define ET__EYE_CAMERAS_MAX 8
#define ET__EYE_LAYERS 4

enum et__eye_kind {
    ET__EYE_SMALL,
    ET__EYE_RESNET18,
};

struct et__eye_config {
    enum et__eye_kind kind;
    int n_cameras, height, width; // pictures are of one size
    int n_keypoints;              // 0: rows for places
    int n_first, n_channels;      // small: of its first layer, and of rows for places; 0: 16, 128
};

struct et__eye {
    struct et__eye_config config;
    int map_height, map_width;
    int n_tokens, n_channels; // rows of a sample, and numbers of a row
    struct et__conv layers[ET__EYE_LAYERS];
    int n_layers;
    struct et__resnet resnet;
    struct et__conv keypoints;
};

/* Samples first … first + n − 1 of what each camera saw, n × 3 × height × width each, normalised.
 */
struct et__eye_pictures {
    const et__real *cameras[ET__EYE_CAMERAS_MAX];
    size_t first, n;
};

/* What the way back needs: it points into the engine's space. */
struct et__eye_seen {
    struct et__conv_seen layers[ET__EYE_LAYERS];
    struct et__resnet_seen resnet;
    struct et__conv_seen head;
    struct et__keypoints keypoints;
    struct et__map map; // before keypoints
};

/* Names its parameters (model.backbone.*), and says how many rows there will be. */
void et__eye_add(struct et__eye *eye, struct et__params *params,
                 const struct et__eye_config *config);
/* n × n_tokens × n_channels, in the engine's space behind what is used. */
const et__real *et__eye(struct et__engine *e, const struct et__eye *eye,
                        const struct et__eye_pictures *pictures, struct et__eye_seen *seen);
/* Adds to the gradients; d_rows as et__eye returned rows. */
void et__eye_back(struct et__engine *e, const struct et__eye *eye, const et__real *d_rows,
                  const struct et__eye_seen *seen);

#endif

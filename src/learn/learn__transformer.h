/* Layers of a transformer as DETR has them (Carion et al. 2020) and ACT after it: normalised behind
 * each part, ReLU between, positions added to what asks and what is asked in every layer, and never
 * to the values. Names of parameters are those of torch.nn.TransformerEncoderLayer and
 * …DecoderLayer. What is left out while something is learned is left out where they do it: of
 * attention's weights, of a feed-forward layer's middle, and of what each part gives.
 *
 * Shapes: x of n_batch × n_steps × width; positions of n_steps × width, the same for all. */
#ifndef LEARN__TRANSFORMER_H
#define LEARN__TRANSFORMER_H

#include "learn/learn__layers.h"

struct et__transformer_size {
    int width, n_heads, n_between; // of the feed-forward layers
};

/* ---- encoder ---- */

struct et__encoder {
    struct et__heads self;
    struct et__feedforward between;
    struct et__layer_norm norm1, norm2;
};
struct et__sequence {
    int n_batch, n_steps;
    const et__real *positions;
    const uint8_t *hidden; // n_batch × n_steps steps that nobody looks at; NULL: none
};
struct et__encoder_seen {
    struct et__sequence sequence;
    struct et__heads_seen self;
    struct et__feedforward_seen between;
    struct et__layer_norm_seen norm1, norm2;
    struct et__chance dropped1, dropped2; // PyTorch's names of the places
};

struct et__encoder et__encoder_add(struct et__params *params,
                                   const struct et__transformer_size *size, const char *name);
et__real *et__encoder(struct et__engine *e, const struct et__encoder *l, const et__real *x,
                      const struct et__sequence *sequence, struct et__encoder_seen *seen);
/* dx is written. d_positions is added to; NULL: they are not learned. */
void et__encoder_back(struct et__engine *e, const struct et__encoder *l, et__real *dx,
                      et__real *d_positions, const et__real *dy,
                      const struct et__encoder_seen *seen);

/* ---- decoder ---- */

struct et__decoder {
    struct et__heads self, cross;
    struct et__feedforward between;
    struct et__layer_norm norm1, norm2, norm3;
};
/* What an encoder made, of n_batch × n_steps: with its positions added, and without. */
struct et__memory {
    const et__real *keys, *values;
    int n_steps;
};
struct et__decoder_seen {
    struct et__sequence sequence;
    struct et__memory memory;
    struct et__heads_seen self, cross;
    struct et__feedforward_seen between;
    struct et__layer_norm_seen norm1, norm2, norm3;
    struct et__chance dropped1, dropped2, dropped3;
};
/* Where its way back goes: dx is written, the others are added to. */
struct et__decoder_back {
    et__real *dx, *d_positions, *d_keys, *d_values;
};

struct et__decoder et__decoder_add(struct et__params *params,
                                   const struct et__transformer_size *size, const char *name);
et__real *et__decoder(struct et__engine *e, const struct et__decoder *l, const et__real *x,
                      const struct et__sequence *sequence, const struct et__memory *memory,
                      struct et__decoder_seen *seen);
void et__decoder_back(struct et__engine *e, const struct et__decoder *l,
                      const struct et__decoder_back *back, const et__real *dy,
                      const struct et__decoder_seen *seen);

/* ---- positions ---- */

/* Sines and cosines (Vaswani et al. 2017, 3.5): n × width, angle i / 10000^(2 ⌊j / 2⌋ / width). */
void et__positions(et__real *to, int n, int width);
/* Of a map of height × width places, half of `n` for each axis, over a whole turn (DETR; LeRobot's
 * ACTSinusoidalPositionEmbedding2d): height · width × n. */
void et__positions_2d(et__real *to, int height, int width, int n);

#endif

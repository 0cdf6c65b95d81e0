/* Image: JPEG, PNG and 16-bit PNG depth, between bytes and pixels.
 *
 * Units:   depth is what the file holds (usually millimetres); this module does not scale.
 * Threads: any; no shared state.
 * Memory:  pixels go to the caller's arena, encoded bytes to the caller's buffer. */
#ifndef ETUDE_IMAGE_H
#define ETUDE_IMAGE_H

#include "etude/arena.h"
#include "etude/str.h"

#define ET_IMAGE_SIDE_PX_MAX 16384

/* Rows without padding, height × width × n_channels, 8 or 16 bits each (16: host byte order). */
struct et_image {
    int width_px, height_px;
    int n_channels; // 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha
    int n_bits;     // 8 or 16
    void *pixels;
};

/* "jpeg", "png" or NULL, from the first bytes. */
ET_API const char *et_image_kind(struct et_str bytes);

/* Size and depth without decoding the pixels (image->pixels is NULL). */
ET_MUST_USE ET_API enum et_status et_image_probe(struct et_str bytes, struct et_image *image,
                                                 struct et_err *err);

/* Decodes a whole picture. Palettes become RGB (RGB + alpha when some of it is transparent), 1-, 2-
 * and 4-bit grey becomes 8-bit; CMYK and 12-bit JPEG are ET_EUNSUPPORTED. ET_ECORRUPT: neither JPEG
 * nor PNG, cut or damaged, in the codec's words; err->at is the byte it was found near. ET_ELIMIT:
 * a side over ET_IMAGE_SIDE_PX_MAX, or the arena is full. On failure the arena is as it was. */
ET_MUST_USE ET_API enum et_status et_image_decode(struct et_str bytes, struct et_arena *arena,
                                                  struct et_image *image, struct et_err *err);

/* Encodes 8-bit grey or RGB; quality 1 … 100. ET_EARG: anything else. ET_ELIMIT: the buffer's
 * limit; what it holds then is no picture. */
ET_MUST_USE ET_API enum et_status et_image_encode_jpeg(const struct et_image *image, int quality,
                                                       struct et_buf *to, struct et_err *err);

/* Encodes any et_image; level 0 … 9 (zlib's). 16 bits up to level 3 are for speed: one filter. */
ET_MUST_USE ET_API enum et_status et_image_encode_png(const struct et_image *image, int level,
                                                      struct et_buf *to, struct et_err *err);

#endif

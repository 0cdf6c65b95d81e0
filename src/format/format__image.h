/* The two codecs behind image.c. Each file sees its own library only. */
#ifndef FORMAT__IMAGE_H
#define FORMAT__IMAGE_H

#include "etude/image.h"

/* arena NULL: only the size. On failure the arena is as it was. */
ET_MUST_USE enum et_status et__jpeg_decode(struct et_str bytes, struct et_arena *arena,
                                           struct et_image *image, struct et_err *err);
ET_MUST_USE enum et_status et__png_decode(struct et_str bytes, struct et_arena *arena,
                                          struct et_image *image, struct et_err *err);

/* Checks a size from a file, and takes the memory for its pixels (arena NULL: checks only). */
ET_MUST_USE enum et_status et__image_alloc(struct et_image *image, struct et_arena *arena,
                                           struct et_err *err);

static inline size_t et__image_row_bytes(const struct et_image *image)
{
    return (size_t)image->width_px * (size_t)image->n_channels * (size_t)image->n_bits / 8;
}

#endif

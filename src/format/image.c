#include "format__image.h"

#include <assert.h>

const char *et_image_kind(struct et_str bytes)
{
    if (et_str_starts(bytes, "\xff\xd8\xff"))
        return "jpeg";
    if (et_str_starts(bytes, "\x89PNG\r\n\x1a\n"))
        return "png";
    return NULL;
}

enum et_status et__image_alloc(struct et_image *image, struct et_arena *arena, struct et_err *err)
{
    if (image->width_px < 1 || image->height_px < 1)
        return et_fail(err, ET_ECORRUPT, -1, "a picture of %d × %d pixels", image->width_px,
                       image->height_px);
    if (image->width_px > ET_IMAGE_SIDE_PX_MAX || image->height_px > ET_IMAGE_SIDE_PX_MAX)
        return et_fail(err, ET_ELIMIT, -1, "a picture of %d × %d pixels, where %d a side are read",
                       image->width_px, image->height_px, ET_IMAGE_SIDE_PX_MAX);
    if (!arena)
        return ET_OK;
    image->pixels = et_arena_array(arena, (size_t)image->height_px, et__image_row_bytes(image));
    return image->pixels ? ET_OK : et_arena_fail(arena, "a picture's pixels", err);
}

static enum et_status decode(struct et_str bytes, struct et_arena *arena, struct et_image *image,
                             struct et_err *err)
{
    const char *const kind = et_image_kind(bytes);

    *image = (struct et_image){0};
    if (bytes.n == 0)
        return et_fail(err, ET_ECORRUPT, 0, "the picture is empty");
    if (!kind)
        return et_fail(err, ET_ECORRUPT, 0, "neither JPEG nor PNG by its first bytes");

    const enum et_status st = kind[0] == 'j' ? et__jpeg_decode(bytes, arena, image, err)
                                             : et__png_decode(bytes, arena, image, err);
    if (st != ET_OK)
        *image = (struct et_image){0};
    return st;
}

enum et_status et_image_probe(struct et_str bytes, struct et_image *image, struct et_err *err)
{
    return decode(bytes, NULL, image, err);
}

enum et_status et_image_decode(struct et_str bytes, struct et_arena *arena, struct et_image *image,
                               struct et_err *err)
{
    assert(arena);
    const struct et_arena_mark mark = et_arena_mark(arena);
    const enum et_status st = decode(bytes, arena, image, err);
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    return st;
}

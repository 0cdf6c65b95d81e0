/* PNG by libpng. Its errors leave by a jump; everything that must survive one lies in the struct
 * that the jump belongs to. */
#include "format__image.h"

#include <png.h>

#include <setjmp.h>
#include <stdio.h>

#define CHUNK_BYTES_MAX (8 << 20) // of a text or colour profile, which nobody here reads

#define FAST_LEVEL_MAX 3

struct codec {
    png_structp png;
    png_infop info;
    struct et_str bytes; // read from
    size_t at;
    struct et_buf *to; // written to
    enum et_status st;
    char text[120];
};

static void leave(png_structp png, png_const_charp text)
{
    struct codec *c = png_get_error_ptr(png);
    (void)snprintf(c->text, sizeof c->text, "%s", text);
    png_longjmp(png, 1);
}

static void say_nothing(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static enum et_status fail_memory(struct et_err *err)
{
    return et_fail(err, ET_ENOMEM, -1, "no memory for a PNG");
}

static bool is_little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

// ---- decoding --------------------------------------------------------------------------------

static void take(png_structp png, png_bytep to, size_t n)
{
    struct codec *c = png_get_io_ptr(png);
    if (n > c->bytes.n - c->at) {
        c->at = c->bytes.n;
        png_error(png, "the file ends inside it");
    }
    memcpy(to, c->bytes.p + c->at, n);
    c->at += n;
}

/* Asks for what an et_image holds: 8 or 16 bits a channel, in host order, no palette. */
static void set_transforms(const struct codec *c)
{
    if (png_get_color_type(c->png, c->info) == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(c->png);
    if (png_get_bit_depth(c->png, c->info) < 8)
        png_set_expand_gray_1_2_4_to_8(c->png);
    if (png_get_valid(c->png, c->info, PNG_INFO_tRNS))
        png_set_tRNS_to_alpha(c->png);
    if (png_get_bit_depth(c->png, c->info) == 16 && is_little_endian())
        png_set_swap(c->png);
}

static enum et_status fail(const struct codec *c, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, (int64_t)c->at, "PNG damaged near byte %zu: %s", c->at,
                   c->text);
}

/* The size stands at a fixed place; it is checked before libpng acts on it. */
static enum et_status check_size(const struct codec *c, struct et_err *err)
{
    const uint8_t *const p = (const uint8_t *)c->bytes.p;
    if (c->bytes.n < 24)
        return ET_OK; // too short: libpng says so
    const png_uint_32 width = png_get_uint_32(p + 16), height = png_get_uint_32(p + 20);
    if (width > ET_IMAGE_SIDE_PX_MAX || height > ET_IMAGE_SIDE_PX_MAX)
        return et_fail(err, ET_ELIMIT, 16, "a PNG of %u × %u pixels, where %d a side are read",
                       width, height, ET_IMAGE_SIDE_PX_MAX);
    return ET_OK;
}

static void read_pixels(struct codec *c, const struct et_image *image, int n_passes)
{
    for (int pass = 0; pass < n_passes; pass++)
        for (int y = 0; y < image->height_px; y++)
            png_read_row(c->png, (png_bytep)image->pixels + (size_t)y * et__image_row_bytes(image),
                         NULL);
    png_read_end(c->png, NULL);
}

/* Runs under the jump: libpng may leave from any call. */
static enum et_status decode(struct codec *c, struct et_arena *arena, struct et_image *image,
                             struct et_err *err)
{
    if (setjmp(png_jmpbuf(c->png)))
        return fail(c, err);
    png_set_read_fn(c->png, c, take);
    png_set_user_limits(c->png, ET_IMAGE_SIDE_PX_MAX, ET_IMAGE_SIDE_PX_MAX);
    png_set_chunk_malloc_max(c->png, CHUNK_BYTES_MAX);
    png_read_info(c->png, c->info);
    set_transforms(c);
    const int n_passes = png_set_interlace_handling(c->png);
    png_read_update_info(c->png, c->info);

    *image = (struct et_image){
        .width_px = (int)png_get_image_width(c->png, c->info),
        .height_px = (int)png_get_image_height(c->png, c->info),
        .n_channels = png_get_channels(c->png, c->info),
        .n_bits = png_get_bit_depth(c->png, c->info),
    };
    c->st = et__image_alloc(image, arena, err);
    if (c->st == ET_OK && arena)
        read_pixels(c, image, n_passes);
    return c->st;
}

enum et_status et__png_decode(struct et_str bytes, struct et_arena *arena, struct et_image *image,
                              struct et_err *err)
{
    struct codec c = {.bytes = bytes};

    enum et_status st = check_size(&c, err);
    if (st != ET_OK)
        return st;
    c.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &c, leave, say_nothing);
    if (c.png)
        c.info = png_create_info_struct(c.png);
    st = c.info ? decode(&c, arena, image, err) : fail_memory(err);
    png_destroy_read_struct(&c.png, &c.info, NULL);
    return st;
}

// ---- encoding --------------------------------------------------------------------------------

static void put(png_structp png, png_bytep bytes, size_t n)
{
    struct codec *c = png_get_io_ptr(png);
    et_buf_put(c->to, bytes, n);
    if (c->to->status != ET_OK)
        png_error(png, "the buffer is full");
}

static void flush(png_structp png)
{
    (void)png;
}

static enum et_status encode(struct codec *c, const struct et_image *image, int level,
                             struct et_err *err)
{
    static const int COLOURS[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                  PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};

    if (setjmp(png_jmpbuf(c->png)))
        return c->to->status != ET_OK
                   ? et_buf_check(c->to, "a PNG", err)
                   : et_fail(err, ET_EARG, -1, "PNG cannot be written: %s", c->text);
    png_set_write_fn(c->png, c, put, flush);
    png_set_user_limits(c->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_compression_level(c->png, level);
    // Depth gains nothing by trying every filter on every row, and takes half as long again.
    if (image->n_bits == 16 && level <= FAST_LEVEL_MAX)
        png_set_filter(c->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_IHDR(c->png, c->info, (png_uint_32)image->width_px, (png_uint_32)image->height_px,
                 image->n_bits, COLOURS[image->n_channels], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(c->png, c->info);
    if (image->n_bits == 16 && is_little_endian())
        png_set_swap(c->png);
    for (int y = 0; y < image->height_px; y++)
        png_write_row(c->png,
                      (png_const_bytep)image->pixels + (size_t)y * et__image_row_bytes(image));
    png_write_end(c->png, NULL);
    return et_buf_check(c->to, "a PNG", err);
}

enum et_status et_image_encode_png(const struct et_image *image, int level, struct et_buf *to,
                                   struct et_err *err)
{
    struct codec c = {.to = to};

    if ((image->n_bits != 8 && image->n_bits != 16) || image->n_channels < 1 ||
        image->n_channels > 4)
        return et_fail(err, ET_EARG, -1, "PNG holds no %d channels of %d bits", image->n_channels,
                       image->n_bits);
    if (level < 0 || level > 9)
        return et_fail(err, ET_EARG, -1, "a level of %d is not between 0 and 9", level);
    if (image->width_px < 1 || image->height_px < 1 || !image->pixels)
        return et_fail(err, ET_EARG, -1, "no picture to encode");
    c.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &c, leave, say_nothing);
    if (c.png)
        c.info = png_create_info_struct(c.png);
    const enum et_status st = c.info ? encode(&c, image, level, err) : fail_memory(err);
    png_destroy_write_struct(&c.png, &c.info);
    return st;
}

/* Pictures: every kind of JPEG and PNG that cameras and tools make, whole, cut and made wrong. */
#include "etude/image.h"

#include "support.h"
#include "tap.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#define LIMIT (64 << 20)

static struct et_arena *arena;

static struct et_image decode(struct et_str bytes)
{
    struct et_image image;
    struct et_err err = {0};
    CHECK_OK(et_image_decode(bytes, arena, &image, &err));
    return image;
}

/* A picture whose every byte differs from its neighbours in a known way. */
static struct et_image make(int width, int height, int n_channels, int n_bits)
{
    struct et_image image = {width, height, n_channels, n_bits, NULL};
    const size_t n = (size_t)width * (size_t)height * (size_t)n_channels;
    struct rng rng = {(uint64_t)(width * 31 + n_channels)};

    image.pixels = et_arena_alloc(arena, n * (size_t)n_bits / 8);
    for (size_t i = 0; i < n; i++) {
        const uint64_t value = rng_next(&rng);
        if (n_bits == 16)
            ((uint16_t *)image.pixels)[i] = (uint16_t)value;
        else
            ((uint8_t *)image.pixels)[i] = (uint8_t)value;
    }
    return image;
}

static bool same(const struct et_image *a, const struct et_image *b)
{
    return a->width_px == b->width_px && a->height_px == b->height_px &&
           a->n_channels == b->n_channels && a->n_bits == b->n_bits &&
           memcmp(a->pixels, b->pixels,
                  (size_t)a->width_px * (size_t)a->height_px * (size_t)a->n_channels *
                      (size_t)a->n_bits / 8) == 0;
}

static void png_gives_back_every_bit(void)
{
    static const int SIDES[][2] = {{1, 1}, {7, 5}, {64, 48}, {333, 2}};
    for (size_t s = 0; s < 4; s++)
        for (int n_channels = 1; n_channels <= 4; n_channels++)
            for (int n_bits = 8; n_bits <= 16; n_bits += 8)
                for (int level = 0; level <= 9; level += 3) {
                    struct et_buf buf = et_buf(LIMIT);
                    struct et_err err = {0};
                    struct et_image probed;
                    const struct et_image image =
                        make(SIDES[s][0], SIDES[s][1], n_channels, n_bits);
                    CHECK_OK(et_image_encode_png(&image, level, &buf, &err));
                    CHECK_STR(et_image_kind(et_buf_str(&buf)), "png");
                    const struct et_image back = decode(et_buf_str(&buf));
                    CHECK(same(&image, &back));
                    CHECK_OK(et_image_probe(et_buf_str(&buf), &probed, &err));
                    CHECK(probed.pixels == NULL && probed.width_px == image.width_px &&
                          probed.n_channels == n_channels && probed.n_bits == n_bits);
                    et_buf_free(&buf);
                }
}

static void depth_of_sixteen_bits_is_in_host_order(void)
{
    const uint16_t depth[] = {0, 1, 255, 256, 1500, 65535};
    const struct et_image image = {3, 2, 1, 16, (void *)(uintptr_t)depth};
    struct et_buf buf = et_buf(LIMIT);
    struct et_err err = {0};

    CHECK_OK(et_image_encode_png(&image, 6, &buf, &err));
    const struct et_image back = decode(et_buf_str(&buf));
    for (int i = 0; i < 6; i++)
        CHECK_EQ(((const uint16_t *)back.pixels)[i], depth[i]);
    et_buf_free(&buf);
}

static void jpeg_comes_back_nearly(void)
{
    for (int n_channels = 1; n_channels <= 3; n_channels += 2) {
        struct et_image image = {61, 47, n_channels, 8, NULL}, probed;
        struct et_buf buf = et_buf(LIMIT);
        struct et_err err = {0};
        const int n = 61 * n_channels;
        uint8_t *const p = image.pixels = et_arena_alloc(arena, (size_t)n * 47);

        for (int y = 0; y < 47; y++)
            for (int i = 0; i < n; i++)
                p[y * n + i] = (uint8_t)(y * 4 + i / n_channels);
        CHECK_OK(et_image_encode_jpeg(&image, 95, &buf, &err));
        CHECK_STR(et_image_kind(et_buf_str(&buf)), "jpeg");
        const struct et_image back = decode(et_buf_str(&buf));
        CHECK_EQ(back.width_px, 61);
        CHECK_EQ(back.height_px, 47);
        CHECK_EQ(back.n_channels, n_channels);
        CHECK_EQ(back.n_bits, 8);
        int worst = 0;
        for (int i = 0; i < n * 47; i++) {
            const int difference = abs(((const uint8_t *)back.pixels)[i] - p[i]);
            worst = difference > worst ? difference : worst;
        }
        CHECK(worst <= 6);
        CHECK_OK(et_image_probe(et_buf_str(&buf), &probed, &err));
        CHECK(probed.pixels == NULL && probed.width_px == 61 && probed.n_channels == n_channels);
        et_buf_free(&buf);
    }
}

static void a_lower_quality_takes_fewer_bytes(void)
{
    const struct et_image image = make(64, 64, 3, 8);
    struct et_buf fine = et_buf(LIMIT), coarse = et_buf(LIMIT);
    struct et_err err = {0};
    CHECK_OK(et_image_encode_jpeg(&image, 95, &fine, &err));
    CHECK_OK(et_image_encode_jpeg(&image, 20, &coarse, &err));
    CHECK(coarse.n < fine.n);
    et_buf_free(&fine);
    et_buf_free(&coarse);
}

// ---- kinds of PNG that we do not write --------------------------------------------------------

struct png_kind {
    int colour, n_bits, interlace;
    bool has_transparency;
    int n_channels_out, n_bits_out;
};

static void append(png_structp png, png_bytep bytes, size_t n)
{
    et_buf_put(png_get_io_ptr(png), bytes, n);
}

static void no_flush(png_structp png)
{
    (void)png;
}

/* A picture of 13 × 11 pixels; a sample's value is its place, as far as its bits hold it. */
static void make_png(const struct png_kind *kind, struct et_buf *to)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    static const int CHANNELS[] = {1, 0, 3, 1, 2, 0, 4};
    const int n_samples = CHANNELS[kind->colour];
    uint8_t rows[11][13 * 8];
    png_bytep pointers[11];

    for (int y = 0; y < 11; y++) {
        pointers[y] = rows[y];
        for (int i = 0; i < 13 * 8; i++)
            rows[y][i] = 0;
        for (int i = 0; i < 13 * n_samples; i++) {
            const int value =
                (y * 13 * n_samples + i) % (kind->n_bits == 16 ? 65536 : 1 << kind->n_bits);
            if (kind->n_bits == 16) {
                rows[y][2 * i] = (uint8_t)(value >> 8);
                rows[y][2 * i + 1] = (uint8_t)value;
            } else {
                const int n_in_byte = 8 / kind->n_bits,
                          bit = 8 - kind->n_bits * (i % n_in_byte + 1);
                rows[y][i / n_in_byte] |= (uint8_t)(value << bit);
            }
        }
    }
    png_set_write_fn(png, to, append, no_flush);
    png_set_IHDR(png, info, 13, 11, kind->n_bits, kind->colour, kind->interlace, 0, 0);
    if (kind->colour == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[256];
        for (int i = 0; i < 256; i++)
            palette[i] = (png_color){(uint8_t)i, (uint8_t)(255 - i), (uint8_t)(i * 3)};
        png_set_PLTE(png, info, palette, 1 << kind->n_bits);
    }
    uint8_t alpha[2] = {0, 128};
    png_color_16 clear = {.gray = 1, .red = 1, .green = 2, .blue = 3};
    if (kind->has_transparency)
        png_set_tRNS(png, info, alpha, 2, &clear);
    png_write_info(png, info);
    png_write_image(png, pointers);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
}

static const struct png_kind KINDS[] = {
    {PNG_COLOR_TYPE_GRAY, 1, 0, false, 1, 8},       {PNG_COLOR_TYPE_GRAY, 2, 0, false, 1, 8},
    {PNG_COLOR_TYPE_GRAY, 4, 1, false, 1, 8},       {PNG_COLOR_TYPE_GRAY, 8, 1, false, 1, 8},
    {PNG_COLOR_TYPE_GRAY, 16, 1, false, 1, 16},     {PNG_COLOR_TYPE_GRAY, 8, 0, true, 2, 8},
    {PNG_COLOR_TYPE_PALETTE, 1, 0, false, 3, 8},    {PNG_COLOR_TYPE_PALETTE, 4, 1, false, 3, 8},
    {PNG_COLOR_TYPE_PALETTE, 8, 0, true, 4, 8},     {PNG_COLOR_TYPE_RGB, 8, 1, false, 3, 8},
    {PNG_COLOR_TYPE_RGB, 16, 0, false, 3, 16},      {PNG_COLOR_TYPE_RGB, 8, 0, true, 4, 8},
    {PNG_COLOR_TYPE_GRAY_ALPHA, 8, 1, false, 2, 8}, {PNG_COLOR_TYPE_RGB_ALPHA, 16, 1, false, 4, 16},
};
#define N_KINDS (sizeof KINDS / sizeof *KINDS)

static int sample(const struct et_image *image, int i)
{
    return image->n_bits == 16 ? ((const uint16_t *)image->pixels)[i]
                               : ((const uint8_t *)image->pixels)[i];
}

static void reads_every_kind_of_png(void)
{
    for (size_t k = 0; k < N_KINDS; k++) {
        const struct png_kind *const kind = &KINDS[k];
        struct et_buf buf = et_buf(LIMIT);
        make_png(kind, &buf);
        const struct et_image image = decode(et_buf_str(&buf));
        CHECK_EQ(image.width_px, 13);
        CHECK_EQ(image.height_px, 11);
        CHECK_EQ(image.n_channels, kind->n_channels_out);
        CHECK_EQ(image.n_bits, kind->n_bits_out);
        if (kind->colour == PNG_COLOR_TYPE_GRAY && !kind->has_transparency) {
            const int top = (1 << kind->n_bits) - 1, out_top = kind->n_bits_out == 16 ? 65535 : 255;
            for (int i = 0; i < 13 * 11; i++)
                CHECK_EQ(sample(&image, i), i % (top + 1) * (out_top / top));
        }
        if (kind->colour == PNG_COLOR_TYPE_PALETTE) {
            const int n = 1 << kind->n_bits;
            for (int i = 0; i < 13 * 11; i++) {
                CHECK_EQ(sample(&image, i * image.n_channels), i % n);
                CHECK_EQ(sample(&image, i * image.n_channels + 1), 255 - i % n);
            }
        }
        if (kind->has_transparency && image.n_channels == 4 &&
            kind->colour == PNG_COLOR_TYPE_PALETTE) {
            CHECK_EQ(sample(&image, 3), 0);
            CHECK_EQ(sample(&image, 7), 128);
            CHECK_EQ(sample(&image, 11), 255);
        }
        et_buf_free(&buf);
    }
}

// ---- progressive JPEG ---------------------------------------------------------------------------

/* A progressive JPEG of three colours in n_scans scans: what libjpeg proposes, or (190) one for
 * each frequency of each colour. Memory of malloc. */
static unsigned char *make_progressive(int n_scans, unsigned long *n)
{
    struct jpeg_compress_struct codec;
    struct jpeg_error_mgr errors;
    jpeg_scan_info scans[190] = {{3, {0, 1, 2, 0}, 0, 0, 0, 0}};
    unsigned char *bytes = NULL, row[48 * 3];
    JSAMPROW rows[] = {row};

    for (int i = 1; i < 190; i++)
        scans[i] =
            (jpeg_scan_info){1, {(i - 1) / 63, 0, 0, 0}, (i - 1) % 63 + 1, (i - 1) % 63 + 1, 0, 0};
    codec.err = jpeg_std_error(&errors);
    jpeg_create_compress(&codec);
    jpeg_mem_dest(&codec, &bytes, n);
    codec.image_width = 48;
    codec.image_height = 32;
    codec.input_components = 3;
    codec.in_color_space = JCS_RGB;
    jpeg_set_defaults(&codec);
    jpeg_simple_progression(&codec);
    if (n_scans == 190) {
        codec.scan_info = scans;
        codec.num_scans = n_scans;
    }
    jpeg_start_compress(&codec, TRUE);
    for (int y = 0; y < 32; y++) {
        for (int i = 0; i < 48 * 3; i++)
            row[i] = (unsigned char)(y * 5 + i);
        (void)jpeg_write_scanlines(&codec, rows, 1);
    }
    jpeg_finish_compress(&codec);
    jpeg_destroy_compress(&codec);
    return bytes;
}

static void reads_progressive_jpeg_of_a_sane_number_of_scans(void)
{
    struct et_image image;
    struct et_err err = {0};
    unsigned long n;
    unsigned char *bytes = make_progressive(0, &n);

    CHECK_OK(et_image_decode((struct et_str){(char *)bytes, n}, arena, &image, &err));
    CHECK_EQ(image.width_px, 48);
    CHECK_EQ(image.n_channels, 3);
    for (unsigned long cut = 0; cut < n; cut++)
        CHECK_EQ(et_image_decode((struct et_str){(char *)bytes, cut}, arena, &image, &err),
                 ET_ECORRUPT);
    free(bytes);

    bytes = make_progressive(190, &n);
    CHECK_EQ(et_image_decode((struct et_str){(char *)bytes, n}, arena, &image, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "JPEG damaged");
    free(bytes);
}

// ---- bad input --------------------------------------------------------------------------------

static void names_what_is_no_picture(void)
{
    struct et_image image;
    struct et_err err = {0};

    CHECK_EQ(et_image_decode(et_str(""), arena, &image, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "empty");
    CHECK_EQ(et_image_decode(et_str("GIF89a........."), arena, &image, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "neither JPEG nor PNG");
    CHECK(et_image_kind(et_str("GIF89a")) == NULL);
    CHECK(et_image_kind((struct et_str){NULL, 0}) == NULL);
    CHECK_EQ(et_image_probe(ET_STR("\xff\xd8\xff"), &image, &err), ET_ECORRUPT);
    CHECK_EQ(et_image_probe(ET_STR("\x89PNG\r\n\x1a\n"), &image, &err), ET_ECORRUPT);
}

static void every_cut_is_damage(void)
{
    struct et_buf files[4] = {et_buf(LIMIT), et_buf(LIMIT), et_buf(LIMIT), et_buf(LIMIT)};
    const struct et_image image = make(40, 24, 3, 8);
    struct et_err err = {0};

    CHECK_OK(et_image_encode_jpeg(&image, 50, &files[0], &err));
    CHECK_OK(et_image_encode_png(&image, 6, &files[1], &err));
    make_png(&KINDS[4], &files[2]);
    make_png(&KINDS[8], &files[3]);
    for (size_t f = 0; f < 4; f++) {
        const size_t used = et_arena_used(arena);
        for (size_t n = 0; n < files[f].n; n++) {
            // In memory of its own, so that a read past the end is found.
            char *const bytes = malloc(n + 1);
            struct et_image back;
            memcpy(bytes, files[f].p, n);
            char *const exact = realloc(bytes, n ? n : 1);
            const enum et_status st =
                et_image_decode((struct et_str){exact, n}, arena, &back, &err);
            CHECK_EQ(st, ET_ECORRUPT);
            CHECK(back.pixels == NULL && err.at <= (int64_t)n);
            free(exact);
        }
        CHECK_EQ(et_arena_used(arena), used);
        et_buf_free(&files[f]);
    }
}

static void every_flip_is_survived(void)
{
    struct et_buf files[3] = {et_buf(LIMIT), et_buf(LIMIT), et_buf(LIMIT)};
    const struct et_image image = make(24, 16, 3, 8);
    struct et_err err = {0};

    CHECK_OK(et_image_encode_jpeg(&image, 50, &files[0], &err));
    CHECK_OK(et_image_encode_png(&image, 6, &files[1], &err));
    make_png(&KINDS[7], &files[2]);
    for (size_t f = 0; f < 3; f++) {
        for (size_t at = 0; at < files[f].n; at++)
            for (int bit = 0; bit < 9; bit++) {
                const struct et_arena_mark mark = et_arena_mark(arena);
                struct et_image back;
                const char old = files[f].p[at];
                files[f].p[at] = (char)(bit == 8 ? 0 : old ^ 1 << bit);
                const enum et_status st =
                    et_image_decode(et_buf_str(&files[f]), arena, &back, &err);
                CHECK(st == ET_OK || st == ET_ECORRUPT || st == ET_ELIMIT || st == ET_EUNSUPPORTED);
                files[f].p[at] = old;
                et_arena_rewind(arena, mark);
            }
        et_buf_free(&files[f]);
    }
}

static uint32_t crc_of(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < 8 * n; i++)
        crc = crc >> 1 ^ ((crc ^ (uint32_t)(p[i / 8] >> i % 8)) & 1 ? 0xedb88320 : 0);
    return ~crc;
}

/* A PNG that claims a size and has no pixels to it. */
static void make_bomb(uint32_t width, uint32_t height, struct et_buf *to)
{
    uint8_t head[] = {'I', 'H', 'D', 'R', 0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0};
    for (int i = 0; i < 4; i++) {
        head[4 + i] = (uint8_t)(width >> (24 - 8 * i));
        head[8 + i] = (uint8_t)(height >> (24 - 8 * i));
    }
    const uint32_t crc = crc_of(head, sizeof head);
    et_buf_put(to, "\x89PNG\r\n\x1a\n\0\0\0\r", 12);
    et_buf_put(to, head, sizeof head);
    for (int i = 0; i < 4; i++)
        et_buf_putc(to, (char)(crc >> (24 - 8 * i)));
    et_buf_put(to, "\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82", 24);
}

static void sizes_from_a_file_take_no_memory_of_their_own(void)
{
    static const uint32_t SIDES[][2] = {{65535, 65535}, {16385, 1}, {1, 16385}, {0xffffffff, 2}};
    struct et_image image;
    struct et_err err = {0};

    for (size_t i = 0; i < 4; i++) {
        struct et_buf buf = et_buf(LIMIT);
        make_bomb(SIDES[i][0], SIDES[i][1], &buf);
        CHECK_EQ(et_image_probe(et_buf_str(&buf), &image, &err), ET_ELIMIT);
        CHECK_EQ(et_image_decode(et_buf_str(&buf), arena, &image, &err), ET_ELIMIT);
        CHECK_HAS(err.text, "16384 a side");
        et_buf_free(&buf);
    }
    struct et_buf buf = et_buf(LIMIT);
    make_bomb(16384, 16384, &buf); // allowed, and more than the arena has
    CHECK_OK(et_image_probe(et_buf_str(&buf), &image, &err));
    CHECK_EQ(et_image_decode(et_buf_str(&buf), arena, &image, &err), ET_ELIMIT);
    CHECK_HAS(err.text, "pixels");
    et_buf_free(&buf);

    // The same for JPEG: the size stands behind the marker FFC0.
    const struct et_image small = make(16, 16, 3, 8);
    buf = et_buf(LIMIT);
    CHECK_OK(et_image_encode_jpeg(&small, 50, &buf, &err));
    char *const sof = memmem(buf.p, buf.n, "\xff\xc0", 2);
    memcpy(sof + 5, "\xff\xff\xff\xff", 4);
    CHECK(et_image_decode(et_buf_str(&buf), arena, &image, &err) != ET_OK);
    memcpy(sof + 5, "\x40\x00\x40\x00", 4);
    CHECK_EQ(et_image_decode(et_buf_str(&buf), arena, &image, &err), ET_ELIMIT);
    et_buf_free(&buf);
}

static void refuses_cmyk_and_twelve_bits(void)
{
    const struct et_image small = make(16, 16, 1, 8);
    struct et_image image;
    struct et_err err = {0};
    struct et_buf buf = et_buf(LIMIT);

    CHECK_OK(et_image_encode_jpeg(&small, 50, &buf, &err));
    char *const sof = memmem(buf.p, buf.n, "\xff\xc0", 2);
    sof[4] = 12;
    CHECK_EQ(et_image_decode(et_buf_str(&buf), arena, &image, &err), ET_EUNSUPPORTED);
    et_buf_free(&buf);

    // A frame head of four components, and no more.
    static const char CMYK[] = "\xff\xd8\xff\xc0\0\x14\x08\0\x10\0\x10\x04\x01\x11\0\x02\x11\0\x03"
                               "\x11\0\x04\x11\0\xff\xda\0\x0e\x04\x01\0\x02\0\x03\0\x04\0\0\x3f\0";
    CHECK_EQ(et_image_decode(ET_STR(CMYK), arena, &image, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "CMYK");
}

static void refuses_to_encode_what_a_format_does_not_hold(void)
{
    struct et_image image = make(8, 8, 3, 16);
    struct et_buf buf = et_buf(LIMIT), little = et_buf(40);
    struct et_err err = {0};

    CHECK_EQ(et_image_encode_jpeg(&image, 90, &buf, &err), ET_EARG);
    CHECK_EQ(et_image_encode_png(&image, 10, &buf, &err), ET_EARG);
    CHECK_EQ(et_image_encode_png(&image, -1, &buf, &err), ET_EARG);
    image.n_bits = 12;
    CHECK_EQ(et_image_encode_png(&image, 5, &buf, &err), ET_EARG);
    image.n_bits = 8;
    CHECK_EQ(et_image_encode_jpeg(&image, 0, &buf, &err), ET_EARG);
    CHECK_EQ(et_image_encode_jpeg(&image, 101, &buf, &err), ET_EARG);
    CHECK_EQ(et_image_encode_jpeg(&image, 90, &little, &err), ET_ELIMIT);
    et_buf_clear(&little);
    CHECK_EQ(et_image_encode_png(&image, 5, &little, &err), ET_ELIMIT);
    image.width_px = 0;
    CHECK_EQ(et_image_encode_png(&image, 5, &buf, &err), ET_EARG);
    CHECK_EQ(et_image_encode_jpeg(&image, 90, &buf, &err), ET_EARG);
    CHECK_EQ(buf.n, 0);
    et_buf_free(&buf);
    et_buf_free(&little);
}

int main(void)
{
    struct et_err err = {0};
    if (et_arena_open(&arena, LIMIT, &err) != ET_OK)
        return 99;
    RUN(png_gives_back_every_bit);
    RUN(depth_of_sixteen_bits_is_in_host_order);
    RUN(jpeg_comes_back_nearly);
    RUN(a_lower_quality_takes_fewer_bytes);
    RUN(reads_every_kind_of_png);
    RUN(reads_progressive_jpeg_of_a_sane_number_of_scans);
    RUN(names_what_is_no_picture);
    RUN(every_cut_is_damage);
    RUN(every_flip_is_survived);
    RUN(sizes_from_a_file_take_no_memory_of_their_own);
    RUN(refuses_cmyk_and_twelve_bits);
    RUN(refuses_to_encode_what_a_format_does_not_hold);
    et_arena_close(arena);
    return tap_end();
}

/* JPEG by libjpeg-turbo. Its errors leave by a jump; everything that must survive one lies in the
 * struct that the jump belongs to. */
#include "format__image.h"

#include <setjmp.h>
#include <stdio.h> // before jpeglib.h, which needs FILE

#include <jerror.h>
#include <jpeglib.h>

// A picture has a dozen scans; a bomb has thousands, each over all the pixels.
#define SCANS_MAX 64
#define CHUNK_BYTES (1 << 14)

struct failure {
    struct jpeg_error_mgr manager; // first: libjpeg gives its address back
    jmp_buf leave;
    int code; // the first error, or warning that means damage; 0: none
    char text[JMSG_LENGTH_MAX];
};

static void note(j_common_ptr codec)
{
    struct failure *f = (struct failure *)(void *)codec->err;
    if (f->code != 0)
        return;
    f->code = codec->err->msg_code;
    codec->err->format_message(codec, f->text);
}

static void leave(j_common_ptr codec)
{
    struct failure *f = (struct failure *)(void *)codec->err;
    note(codec);
    longjmp(f->leave, 1);
}

/* Warnings: libjpeg goes on with grey where data is damaged. Odd but whole is no damage. */
static void warn(j_common_ptr codec, int level)
{
    const int code = codec->err->msg_code;
    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM &&
        code != JWRN_JFIF_MAJOR && code != JWRN_TOO_MUCH_DATA)
        note(codec);
}

static void say_nothing(j_common_ptr codec)
{
    (void)codec;
}

static struct jpeg_error_mgr *begin(struct failure *f)
{
    struct jpeg_error_mgr *manager = jpeg_std_error(&f->manager);
    manager->error_exit = leave;
    manager->emit_message = warn;
    manager->output_message = say_nothing;
    f->code = 0;
    f->text[0] = 0;
    return manager;
}

static enum et_status status_of(int code)
{
    switch (code) {
    case JERR_OUT_OF_MEMORY:
        return ET_ENOMEM;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_CONVERSION_NOTIMPL:
        return ET_EUNSUPPORTED;
    default:
        return ET_ECORRUPT;
    }
}

// ---- decoding --------------------------------------------------------------------------------

struct reader {
    struct failure failure;
    struct jpeg_decompress_struct codec;
    struct jpeg_progress_mgr progress;
    struct et_str bytes;
    enum et_status st;
};

static void count_scans(j_common_ptr codec)
{
    const struct jpeg_decompress_struct *d = (const struct jpeg_decompress_struct *)(void *)codec;
    if (d->input_scan_number > SCANS_MAX)
        ERREXIT(codec, JERR_BAD_PROGRESSION);
}

static void describe(const struct reader *r, struct et_image *image)
{
    *image = (struct et_image){
        .width_px = (int)r->codec.image_width,
        .height_px = (int)r->codec.image_height,
        .n_channels = r->codec.num_components == 1 ? 1 : 3,
        .n_bits = 8,
    };
}

static enum et_status fail(const struct reader *r, struct et_err *err)
{
    const struct jpeg_source_mgr *const source = r->codec.src;
    const int64_t at = source ? (int64_t)(r->bytes.n - source->bytes_in_buffer) : 0;
    return et_fail(err, status_of(r->failure.code), at, "JPEG damaged near byte %lld: %.120s",
                   (long long)at, r->failure.text);
}

static void read_rows(struct reader *r, const struct et_image *image)
{
    while (r->codec.output_scanline < r->codec.output_height) {
        JSAMPROW row =
            (JSAMPROW)image->pixels + (size_t)r->codec.output_scanline * et__image_row_bytes(image);
        (void)jpeg_read_scanlines(&r->codec, &row, 1);
    }
}

/* Runs under the jump: libjpeg may leave from any call. */
static enum et_status decode(struct reader *r, struct et_arena *arena, struct et_image *image,
                             struct et_err *err)
{
    r->codec.err = begin(&r->failure);
    if (setjmp(r->failure.leave))
        return fail(r, err);
    jpeg_create_decompress(&r->codec);
    r->progress.progress_monitor = count_scans;
    r->codec.progress = &r->progress;
    jpeg_mem_src(&r->codec, (const unsigned char *)r->bytes.p, (unsigned long)r->bytes.n);
    (void)jpeg_read_header(&r->codec, TRUE);
    if (r->codec.num_components != 1 && r->codec.num_components != 3)
        return et_fail(err, ET_EUNSUPPORTED, 0, "a JPEG of %d colours (CMYK)",
                       r->codec.num_components);

    describe(r, image);
    r->st = et__image_alloc(image, arena, err);
    if (r->st != ET_OK || !arena)
        return r->st;
    r->codec.out_color_space = image->n_channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    (void)jpeg_start_decompress(&r->codec);
    read_rows(r, image);
    (void)jpeg_finish_decompress(&r->codec);
    return r->failure.code ? fail(r, err) : ET_OK;
}

enum et_status et__jpeg_decode(struct et_str bytes, struct et_arena *arena, struct et_image *image,
                               struct et_err *err)
{
    struct reader r = {.bytes = bytes};
    const enum et_status st = decode(&r, arena, image, err);
    jpeg_destroy_decompress(&r.codec);
    return st;
}

// ---- encoding --------------------------------------------------------------------------------

struct writer {
    struct failure failure;
    struct jpeg_compress_struct codec;
    struct jpeg_destination_mgr to;
    struct et_buf *buf;
    JOCTET chunk[CHUNK_BYTES];
};

static void begin_chunk(j_compress_ptr codec)
{
    struct writer *w = codec->client_data;
    w->to.next_output_byte = w->chunk;
    w->to.free_in_buffer = sizeof w->chunk;
}

static boolean put_chunk(j_compress_ptr codec)
{
    struct writer *w = codec->client_data;
    et_buf_put(w->buf, w->chunk, sizeof w->chunk);
    begin_chunk(codec);
    return TRUE;
}

static void put_last(j_compress_ptr codec)
{
    struct writer *w = codec->client_data;
    et_buf_put(w->buf, w->chunk, sizeof w->chunk - w->to.free_in_buffer);
}

static enum et_status encode(struct writer *w, const struct et_image *image, int quality,
                             struct et_err *err)
{
    w->codec.err = begin(&w->failure);
    if (setjmp(w->failure.leave))
        return et_fail(err, status_of(w->failure.code) == ET_ENOMEM ? ET_ENOMEM : ET_EARG, -1,
                       "JPEG cannot be written: %.120s", w->failure.text);
    jpeg_create_compress(&w->codec);
    w->codec.client_data = w;
    w->to = (struct jpeg_destination_mgr){.init_destination = begin_chunk,
                                          .empty_output_buffer = put_chunk,
                                          .term_destination = put_last};
    w->codec.dest = &w->to;
    w->codec.image_width = (JDIMENSION)image->width_px;
    w->codec.image_height = (JDIMENSION)image->height_px;
    w->codec.input_components = image->n_channels;
    w->codec.in_color_space = image->n_channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&w->codec);
    jpeg_set_quality(&w->codec, quality, TRUE);
    jpeg_start_compress(&w->codec, TRUE);
    while (w->codec.next_scanline < w->codec.image_height) {
        JSAMPROW row =
            (JSAMPROW)image->pixels + (size_t)w->codec.next_scanline * et__image_row_bytes(image);
        (void)jpeg_write_scanlines(&w->codec, &row, 1);
    }
    jpeg_finish_compress(&w->codec);
    return et_buf_check(w->buf, "a JPEG", err);
}

enum et_status et_image_encode_jpeg(const struct et_image *image, int quality, struct et_buf *to,
                                    struct et_err *err)
{
    struct writer w = {.buf = to};

    if (image->n_bits != 8 || (image->n_channels != 1 && image->n_channels != 3))
        return et_fail(err, ET_EARG, -1, "JPEG holds 8-bit grey or RGB, not %d channels of %d bits",
                       image->n_channels, image->n_bits);
    if (quality < 1 || quality > 100)
        return et_fail(err, ET_EARG, -1, "a quality of %d is not between 1 and 100", quality);
    if (image->width_px < 1 || image->height_px < 1 || !image->pixels)
        return et_fail(err, ET_EARG, -1, "no picture to encode");
    const enum et_status st = encode(&w, image, quality, err);
    jpeg_destroy_compress(&w.codec);
    return st;
}

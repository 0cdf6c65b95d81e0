/* Pictures from one size and format to another. */
#include "format__video.h"

#include <libavutil/pixdesc.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* True for the formats that mean the full range by their name. */
static bool is_full_range(const AVFrame *frame)
{
    return frame->color_range == AVCOL_RANGE_JPEG || frame->format == AV_PIX_FMT_YUVJ420P ||
           frame->format == AV_PIX_FMT_YUVJ422P || frame->format == AV_PIX_FMT_YUVJ444P;
}

bool et__is_plain_yuv420(const AVFrame *frame)
{
    const bool is_601 = frame->colorspace == AVCOL_SPC_UNSPECIFIED ||
                        frame->colorspace == AVCOL_SPC_BT470BG ||
                        frame->colorspace == AVCOL_SPC_SMPTE170M;
    return frame->format == AV_PIX_FMT_YUV420P && is_601 && !is_full_range(frame);
}

// The names with a J are yuv with the full range, which swscale is told apart.
static enum AVPixelFormat without_j(int format)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        return AV_PIX_FMT_YUV444P;
    default:
        return (enum AVPixelFormat)format;
    }
}

static bool is_same(const struct et__conversion *a, const struct et__conversion *b)
{
    return a->from_width == b->from_width && a->from_height == b->from_height &&
           a->to_width == b->to_width && a->to_height == b->to_height &&
           a->from_format == b->from_format && a->to_format == b->to_format &&
           a->space == b->space && a->is_full == b->is_full;
}

/* A converter for `now`, made anew only when something in it differs: its tables are costly. */
static enum et_status prepare(struct et__converter *converter, const struct et__conversion *now,
                              struct et_err *err)
{
    // Exact arithmetic: the same bytes on every processor.
    const int flags = SWS_BILINEAR | SWS_ACCURATE_RND | SWS_BITEXACT;
    const AVPixFmtDescriptor *const desc = av_pix_fmt_desc_get(now->from_format);
    const bool to_rgb = now->to_format == AV_PIX_FMT_RGB24;
    const bool is_rgb = desc && (desc->flags & AV_PIX_FMT_FLAG_RGB);

    if (converter->context && is_same(&converter->now, now))
        return ET_OK;
    et__converter_free(converter);
    converter->context =
        sws_getContext(now->from_width, now->from_height, now->from_format, now->to_width,
                       now->to_height, now->to_format, flags, NULL, NULL, NULL);
    if (!converter->context)
        return et_fail(err, ET_EUNSUPPORTED, -1, "pictures in %s cannot be converted",
                       desc ? desc->name : "an unknown format");
    (void)sws_setColorspaceDetails(converter->context, sws_getCoefficients(now->space),
                                   is_rgb || now->is_full, sws_getCoefficients(SWS_CS_DEFAULT),
                                   to_rgb, 0, 1 << 16, 1 << 16);
    converter->now = *now;
    return ET_OK;
}

// Of 16 bits behind the point. Limited: black is 16, white 235, colours reach 112 to each side.
static struct et__yuv_matrix matrix_of(const struct et__conversion *c)
{
    const int *k = sws_getCoefficients(c->space); // v to red, u to blue, u and v from green
    const double of_colours = c->is_full ? 224.0 / 255 : 1;
    const int32_t luma = c->is_full ? 1 << 16 : (int32_t)lround(65536.0 * 255 / 219);
    return (struct et__yuv_matrix){.luma = luma,
                                   .offset = (1 << 15) - (c->is_full ? 0 : 16 * luma),
                                   .red_v = (int32_t)lround(k[0] * of_colours),
                                   .blue_u = (int32_t)lround(k[1] * of_colours),
                                   .green_u = -(int32_t)lround(k[2] * of_colours),
                                   .green_v = -(int32_t)lround(k[3] * of_colours)};
}

// What most cameras' pictures become, four times as fast as swscale with exact arithmetic.
static bool is_quick(const struct et__conversion *c)
{
    return c->from_format == AV_PIX_FMT_YUV420P && c->to_format == AV_PIX_FMT_RGB24 &&
           c->from_width == c->to_width && c->from_height == c->to_height;
}

static void convert_quickly(const struct et__conversion *c, const AVFrame *from, AVFrame *to)
{
    const struct et__yuv_matrix matrix = matrix_of(c);
    et__yuv420_to_rgb(&(struct et__yuv420){.luma = from->data[0],
                                           .u = from->data[1],
                                           .v = from->data[2],
                                           .luma_stride = from->linesize[0],
                                           .u_stride = from->linesize[1],
                                           .v_stride = from->linesize[2],
                                           .width = c->from_width,
                                           .height = c->from_height},
                      &matrix, to->data[0], to->linesize[0]);
}

enum et_status et__convert(struct et__converter *converter, const AVFrame *from, AVFrame *to,
                           struct et_err *err)
{
    const bool has_space =
        from->colorspace != AVCOL_SPC_UNSPECIFIED && from->colorspace != AVCOL_SPC_RGB;
    const struct et__conversion now = {
        .from_width = from->width,
        .from_height = from->height,
        .to_width = to->width,
        .to_height = to->height,
        .from_format = without_j(from->format),
        .to_format = (enum AVPixelFormat)to->format,
        .space = has_space ? (int)from->colorspace : SWS_CS_DEFAULT,
        .is_full = is_full_range(from),
    };

    if (is_quick(&now)) {
        convert_quickly(&now, from, to);
        return ET_OK;
    }
    const enum et_status st = prepare(converter, &now, err);
    if (st != ET_OK)
        return st;
    const int n = sws_scale(converter->context, (const uint8_t *const *)from->data, from->linesize,
                            0, from->height, to->data, to->linesize);
    if (n != to->height)
        return et_fail(err, ET_ECORRUPT, -1, "a picture cannot be converted");
    return ET_OK;
}

void et__converter_free(struct et__converter *converter)
{
    sws_freeContext(converter->context);
    *converter = (struct et__converter){0};
}

enum et_status et__frame_luma(const AVFrame *frame, uint8_t **deep, struct et_frame *to,
                              struct et_err *err)
{
    const AVFrame *const f = frame;
    const AVPixFmtDescriptor *const desc = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);

    if (!desc || desc->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BE) ||
        desc->comp[0].depth < 8 || desc->comp[0].step > 2)
        return et_fail(err, ET_EUNSUPPORTED, to->i_frame, "pictures in %s",
                       desc ? desc->name : "an unknown format");
    to->luma = f->data[0];
    to->luma_stride = f->linesize[0];
    if (desc->comp[0].depth == 8)
        return ET_OK;

    free(*deep);
    *deep = malloc((size_t)f->width * (size_t)f->height);
    if (!*deep)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a picture");
    const int shift = desc->comp[0].shift + desc->comp[0].depth - 8;
    for (int y = 0; y < f->height; y++) {
        const uint8_t *const row = f->data[0] + (ptrdiff_t)y * f->linesize[0];
        for (int x = 0; x < f->width; x++) // little-endian words
            (*deep)[(size_t)y * (size_t)f->width + (size_t)x] =
                (uint8_t)((row[2 * x] | row[2 * x + 1] << 8) >> shift);
    }
    to->luma = *deep;
    to->luma_stride = f->width;
    return ET_OK;
}

static bool is_side(int px)
{
    return px >= 1 && px <= ET_VIDEO_SIDE_PX_MAX;
}

enum et_status et__frame_rgb(struct et__converter *converter, const AVFrame *frame, int width_px,
                             int height_px, uint8_t *rgb, struct et_err *err)
{
    if (!is_side(width_px) || !is_side(height_px))
        return et_fail(err, ET_EARG, -1, "no picture has %d × %d pixels", width_px, height_px);

    AVFrame *to = av_frame_alloc();
    if (!to)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a picture");
    to->format = AV_PIX_FMT_RGB24;
    to->width = width_px;
    to->height = height_px;
    to->data[0] = rgb;
    to->linesize[0] = 3 * width_px;
    const enum et_status st = et__convert(converter, frame, to, err);
    av_frame_free(&to);
    return st;
}

void et__put_rgb(AVFrame *to, const uint8_t *rgb)
{
    const size_t n = 3 * (size_t)to->width;
    for (int y = 0; y < to->height; y++)
        memcpy(to->data[0] + (ptrdiff_t)y * to->linesize[0], rgb + (size_t)y * n, n);
}

enum et_status et_video_scale_rgb(const uint8_t *rgb, int width_px, int height_px, uint8_t *to,
                                  int to_width_px, int to_height_px, struct et_err *err)
{
    struct et__converter converter = {0};
    if (!is_side(width_px) || !is_side(height_px) || !is_side(to_width_px) ||
        !is_side(to_height_px))
        return et_fail(err, ET_EARG, -1, "pictures of %d × %d and %d × %d pixels", width_px,
                       height_px, to_width_px, to_height_px);
    AVFrame *source = av_frame_alloc(), *target = av_frame_alloc();
    enum et_status st = ET_OK;
    if (!source || !target) {
        st = et_fail(err, ET_ENOMEM, -1, "no memory for a picture");
    } else {
        source->format = target->format = AV_PIX_FMT_RGB24;
        source->width = width_px;
        source->height = height_px;
        target->width = to_width_px;
        target->height = to_height_px;
        target->data[0] = to;
        target->linesize[0] = 3 * to_width_px;
        st = av_frame_get_buffer(source, 0) < 0
                 ? et_fail(err, ET_ENOMEM, -1, "no memory for a picture")
                 : ET_OK;
    }
    if (st == ET_OK) {
        et__put_rgb(source, rgb);
        st = et__convert(&converter, source, target, err);
    }
    av_frame_free(&source);
    av_frame_free(&target);
    et__converter_free(&converter);
    return st;
}

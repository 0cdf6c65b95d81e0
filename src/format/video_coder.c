/* The encoder of a stream: no container, no picture kept back. */
#include "format__video.h"

#include "etude/video_stream.h"

#include <stdlib.h>
#include <string.h>

#define QP 23
#define FPS_MAX 1000
#define GOP_MAX 100000

struct et_video_coder {
    AVCodecContext *codec;
    AVFrame *frame, *given; // what is encoded, the caller's picture
    AVPacket *packet;
    struct et__converter converter;
    size_t row_bytes, step_bytes; // of the caller's
    bool is_start;                // the next one is
    int64_t n;
};

// Two pixels are 4 bytes of YUYV, and widths are even.
static const struct {
    enum AVPixelFormat format;
    size_t n_bytes;
} PIXELS[] = {
    [ET_PIXELS_RGB] = {AV_PIX_FMT_RGB24, 3},    [ET_PIXELS_BGR] = {AV_PIX_FMT_BGR24, 3},
    [ET_PIXELS_RGBA] = {AV_PIX_FMT_RGB0, 4},    [ET_PIXELS_BGRA] = {AV_PIX_FMT_BGR0, 4},
    [ET_PIXELS_GREY] = {AV_PIX_FMT_GRAY8, 1},   [ET_PIXELS_YUYV] = {AV_PIX_FMT_YUYV422, 2},
    [ET_PIXELS_UYVY] = {AV_PIX_FMT_UYVY422, 2},
};

size_t et_video_pixel_bytes(enum et_video_pixels pixels)
{
    return PIXELS[pixels].n_bytes;
}

static enum et_status check(const struct et_video_coder_options *o, struct et_err *err)
{
    if (o->width_px < 2 || o->height_px < 2 || o->width_px > ET_VIDEO_SIDE_PX_MAX ||
        o->height_px > ET_VIDEO_SIDE_PX_MAX)
        return et_fail(err, ET_EARG, -1, "no video has %d × %d pixels", o->width_px, o->height_px);
    if (o->width_px % 2 || o->height_px % 2)
        return et_fail(err, ET_EARG, -1, "%d × %d pixels: a side is odd, and colour has half",
                       o->width_px, o->height_px);
    if (o->fps < 1 || o->fps > FPS_MAX || o->gop < 0 || o->gop > GOP_MAX || o->qp < 0 || o->qp > 51)
        return et_fail(err, ET_EARG, -1, "%d frames a second, gop %d, qp %d: out of range", o->fps,
                       o->gop, o->qp);
    if ((size_t)o->pixels >= sizeof PIXELS / sizeof *PIXELS)
        return et_fail(err, ET_EARG, -1, "there are no such pixels (%d)", (int)o->pixels);
    const size_t n_row = (size_t)o->width_px * PIXELS[o->pixels].n_bytes;
    if (o->step_bytes != 0 && o->step_bytes < n_row)
        return et_fail(err, ET_EARG, -1, "rows of %zu bytes are %zu bytes apart", n_row,
                       o->step_bytes);
    return ET_OK;
}

static enum et_status no_memory(struct et_err *err)
{
    return et_fail(err, ET_ENOMEM, -1, "no memory to encode video");
}

static AVFrame *picture(enum AVPixelFormat format, const struct et_video_coder_options *options)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = format;
    frame->width = options->width_px;
    frame->height = options->height_px;
    if (av_frame_get_buffer(frame, 0) < 0)
        av_frame_free(&frame);
    return frame;
}

static enum et_status open_codec(struct et_video_coder *coder,
                                 const struct et_video_coder_options *options, struct et_err *err)
{
    const AVCodec *const found = avcodec_find_encoder_by_name("libx264");
    AVDictionary *settings = NULL;

    if (!found)
        return et_fail(err, ET_EUNSUPPORTED, -1, "this FFmpeg is built without x264");
    coder->codec = avcodec_alloc_context3(found);
    if (!coder->codec)
        return no_memory(err);
    coder->codec->width = options->width_px;
    coder->codec->height = options->height_px;
    coder->codec->pix_fmt = AV_PIX_FMT_YUV420P;
    coder->codec->time_base = (AVRational){1, options->fps};
    coder->codec->framerate = (AVRational){options->fps, 1};
    coder->codec->gop_size = options->gop ? options->gop : options->fps;
    coder->codec->max_b_frames = 0;
    coder->codec->thread_count = 1;
    coder->codec->flags |= AV_CODEC_FLAG_CLOSED_GOP;
    // Always the same: what stands still stays the same picture, where rate control would go on
    // polishing it.
    (void)av_dict_set_int(&settings, "qp", options->qp ? options->qp : QP, 0);
    (void)av_dict_set(&settings, "preset", "veryfast", 0);
    (void)av_dict_set(&settings, "tune", "zerolatency", 0); // a unit for every picture, at once
    (void)av_dict_set(&settings, "forced-idr", "1", 0);     // of et_video_coder_start
    // As in video_encode.c: the same bytes from one encoder to the next. Key frames only by count.
    (void)av_dict_set(&settings, "x264-params", "cpu-independent=1:scenecut=0:ipratio=1", 0);
    const int result = avcodec_open2(coder->codec, found, &settings);
    av_dict_free(&settings);
    return result >= 0
               ? ET_OK
               : et__av_fail(err, ET_EUNSUPPORTED, result,
                             "x264 does not take %d × %d pixels, gop %d, qp %d", options->width_px,
                             options->height_px, options->gop, options->qp);
}

enum et_status et_video_coder_open(struct et_video_coder **coder,
                                   const struct et_video_coder_options *options, struct et_err *err)
{
    *coder = NULL;
    et__av_begin();
    enum et_status st = check(options, err);
    if (st != ET_OK)
        return st;
    struct et_video_coder *made = calloc(1, sizeof *made);
    if (!made)
        return no_memory(err);
    made->frame = picture(AV_PIX_FMT_YUV420P, options);
    made->given = picture(PIXELS[options->pixels].format, options);
    made->packet = av_packet_alloc();
    made->row_bytes = (size_t)options->width_px * PIXELS[options->pixels].n_bytes;
    made->step_bytes = options->step_bytes ? options->step_bytes : made->row_bytes;
    st = made->frame && made->given && made->packet ? open_codec(made, options, err)
                                                    : no_memory(err);
    if (st == ET_OK && options->pixels == ET_PIXELS_GREY)
        made->given->color_range = AVCOL_RANGE_JPEG;
    if (st != ET_OK) {
        et_video_coder_close(made);
        return st;
    }
    *coder = made;
    return ET_OK;
}

void et_video_coder_close(struct et_video_coder *coder)
{
    if (!coder)
        return;
    avcodec_free_context(&coder->codec);
    av_frame_free(&coder->frame);
    av_frame_free(&coder->given);
    av_packet_free(&coder->packet);
    et__converter_free(&coder->converter);
    free(coder);
}

void et_video_coder_start(struct et_video_coder *coder)
{
    coder->is_start = true;
}

enum et_status et_video_coder_put(struct et_video_coder *coder, const uint8_t *pixels,
                                  struct et_str *unit, struct et_err *err)
{
    *unit = (struct et_str){0};
    // The encoder may still hold the memory of the last one.
    if (av_frame_make_writable(coder->frame) < 0)
        return no_memory(err);
    for (int y = 0; y < coder->given->height; y++)
        memcpy(coder->given->data[0] + (ptrdiff_t)y * coder->given->linesize[0],
               pixels + (size_t)y * coder->step_bytes, coder->row_bytes);
    enum et_status st = et__convert(&coder->converter, coder->given, coder->frame, err);
    if (st != ET_OK)
        return st;
    coder->frame->pts = coder->n++;
    coder->frame->pict_type = coder->is_start ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    coder->is_start = false;
    int result = avcodec_send_frame(coder->codec, coder->frame);
    if (result >= 0)
        result = avcodec_receive_packet(coder->codec, coder->packet);
    if (result < 0)
        return et__av_fail(err, ET_EIO, result, "x264 failed at picture %lld",
                           (long long)coder->n - 1);
    *unit = (struct et_str){(const char *)coder->packet->data, (size_t)coder->packet->size};
    return ET_OK;
}

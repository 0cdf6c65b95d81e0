/* The encoder of an episode. One encoder an episode: it is emptied at the commit, so that every
 * frame before it is in the file, and the next episode begins with a key frame. */
#include "format__video.h"

#include <libavutil/opt.h>

#include <stdio.h>

// LeRobot's defaults (lerobot/configs/video.py) and ours.
#define GOP 2
#define AV1_CRF 30
#define AV1_PRESET 12
#define X26_CRF 23

static const struct {
    const char *encoder;
    const char *package;
    enum AVCodecID id;
} ENCODERS[] = {
    [ET_VIDEO_AV1] = {"libsvtav1", "SVT-AV1", AV_CODEC_ID_AV1},
    [ET_VIDEO_H264] = {"libx264", "x264", AV_CODEC_ID_H264},
    [ET_VIDEO_HEVC] = {"libx265", "x265", AV_CODEC_ID_HEVC},
};

/* The settings that an encoder knows by its own names. */
static void fill_settings(AVDictionary **settings, const struct et_video_options *options)
{
    const int n_threads = options->n_threads > 0 ? options->n_threads : 1;
    const bool is_av1 = options->codec == ET_VIDEO_AV1;
    const int crf = options->crf ? options->crf : is_av1 ? AV1_CRF : X26_CRF;
    char text[160], pools[16] = "none";

    if (n_threads > 1)
        (void)snprintf(pools, sizeof pools, "%d", n_threads);
    (void)av_dict_set_int(settings, "crf", crf, 0);
    if (is_av1) {
        (void)av_dict_set_int(settings, "preset", options->preset ? options->preset : AV1_PRESET,
                              0);
        (void)snprintf(text, sizeof text, "fast-decode=0:lp=%d", n_threads);
        (void)av_dict_set(settings, "svtav1-params", text, 0);
        return;
    }
    (void)av_dict_set(settings, "preset", "veryfast", 0);
    if (options->codec == ET_VIDEO_H264) {
        // The macroblock tree in AVX-512 (x264 164) gives other bytes from one encoder to the next,
        // in AVX2 it does not: something past a row of blocks is taken in. Plain C is as fast here.
        (void)av_dict_set(settings, "x264-params", "cpu-independent=1", 0);
        return;
    }
    // x265's banner would go to stderr, and its note in the stream names the processor.
    (void)snprintf(text, sizeof text,
                   "log-level=none:info=0:open-gop=0:bframes=0:frame-threads=1:pools=%s", pools);
    (void)av_dict_set(settings, "x265-params", text, 0);
}

static void fill_context(AVCodecContext *codec, const struct et_video_options *options)
{
    codec->width = options->width_px;
    codec->height = options->height_px;
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->time_base = (AVRational){1, options->fps};
    codec->framerate = (AVRational){options->fps, 1};
    codec->gop_size = options->gop ? options->gop : GOP;
    codec->max_b_frames = 0;
    codec->thread_count = options->n_threads > 0 ? options->n_threads : 1;
    codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP;
}

static enum et_status no_memory(struct et_err *err)
{
    return et_fail(err, ET_ENOMEM, -1, "no memory to encode video");
}

/* The episode's picture and packet, kept from episode to episode. */
static enum et_status open_frames(struct et_video_writer *writer, struct et_err *err)
{
    struct et__encoder *const e = &writer->encoder;

    if (e->frame)
        return ET_OK;
    e->frame = av_frame_alloc();
    e->rgb = av_frame_alloc();
    e->packet = av_packet_alloc();
    if (!e->frame || !e->rgb || !e->packet)
        return no_memory(err);
    e->frame->format = AV_PIX_FMT_YUV420P;
    e->frame->width = writer->options.width_px;
    e->frame->height = writer->options.height_px;
    e->rgb->format = AV_PIX_FMT_RGB24;
    e->rgb->width = writer->options.width_px;
    e->rgb->height = writer->options.height_px;
    const bool is_made =
        av_frame_get_buffer(e->frame, 0) >= 0 && av_frame_get_buffer(e->rgb, 0) >= 0;
    return is_made ? ET_OK : no_memory(err);
}

static enum et_status open_codec(struct et_video_writer *writer, struct et_err *err)
{
    const struct et_video_options *const options = &writer->options;
    struct et__encoder *const e = &writer->encoder;
    const AVCodec *const found = avcodec_find_encoder_by_name(ENCODERS[options->codec].encoder);
    AVDictionary *settings = NULL;

    if (!found)
        return et_fail(err, ET_EUNSUPPORTED, -1, "this FFmpeg is built without %s",
                       ENCODERS[options->codec].package);
    e->codec = avcodec_alloc_context3(found);
    if (!e->codec)
        return no_memory(err);
    fill_context(e->codec, options);
    fill_settings(&settings, options);
    const int result = avcodec_open2(e->codec, found, &settings);
    av_dict_free(&settings);
    if (result < 0)
        return et__av_fail(err, ET_EUNSUPPORTED, result,
                           "%s does not take %d × %d pixels, gop %d, crf %d, preset %d",
                           ENCODERS[options->codec].package, options->width_px, options->height_px,
                           options->gop, options->crf, options->preset);
    e->n_in = e->n_out = 0;
    return ET_OK;
}

/* Opens the encoder of the next episode, and the file's head with the first. */
static enum et_status open_encoder(struct et_video_writer *writer, struct et_err *err)
{
    struct et__encoder *const e = &writer->encoder;
    AVCodecParameters *codec = NULL;

    if (e->codec)
        return ET_OK;
    if (writer->options.width_px == 0)
        return et_fail(err, ET_EARG, -1, "%.200s: was created without a size, for copies",
                       writer->path);
    enum et_status st = open_frames(writer, err);
    if (st == ET_OK)
        st = open_codec(writer, err);
    if (st != ET_OK)
        goto out;
    codec = avcodec_parameters_alloc();
    if (!codec || avcodec_parameters_from_context(codec, e->codec) < 0) {
        st = no_memory(err);
        goto out;
    }
    st = et__writer_accept(writer, codec, 0, err);
out:
    avcodec_parameters_free(&codec);
    if (st != ET_OK)
        avcodec_free_context(&e->codec);
    return st;
}

/* Moves what the encoder has ready to the muxer. */
static enum et_status take_packets(struct et_video_writer *writer, struct et_err *err)
{
    struct et__encoder *const e = &writer->encoder;

    for (;;) {
        const int result = avcodec_receive_packet(e->codec, e->packet);
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
            return ET_OK;
        if (result < 0)
            return et__av_fail(err, ET_EIO, result, "%.200s: the encoder failed", writer->path);
        const enum et_status st = et__mux_put(&writer->mux, e->packet, e->packet->pts, err);
        if (st != ET_OK)
            return st;
        e->n_out++;
    }
}

static enum et_status encode(struct et_video_writer *writer, AVFrame *frame, struct et_err *err)
{
    struct et__encoder *const e = &writer->encoder;

    frame->pts = writer->n_frames;
    frame->pict_type = AV_PICTURE_TYPE_NONE; // the encoder decides, not the source
    const int result = avcodec_send_frame(e->codec, frame);
    if (result < 0)
        return et__av_fail(err, ET_EIO, result, "%.200s: the encoder failed at frame %lld",
                           writer->path, (long long)writer->n_frames);
    e->n_in++;
    writer->n_frames++;
    return take_packets(writer, err);
}

enum et_status et__encoder_drain(struct et_video_writer *writer, struct et_err *err)
{
    struct et__encoder *const e = &writer->encoder;

    if (!e->codec)
        return ET_OK;
    const int result = avcodec_send_frame(e->codec, NULL);
    enum et_status st = ET_OK;
    if (result < 0)
        st = et__av_fail(err, ET_EIO, result, "%.200s: the encoder failed", writer->path);
    if (st == ET_OK)
        st = take_packets(writer, err);
    if (st == ET_OK && e->n_out != e->n_in)
        st = et_fail(err, ET_EIO, -1, "%.200s: the encoder made %lld pictures of %lld",
                     writer->path, (long long)e->n_out, (long long)e->n_in);
    avcodec_free_context(&e->codec);
    return st;
}

void et__encoder_close(struct et__encoder *encoder)
{
    avcodec_free_context(&encoder->codec);
    av_frame_free(&encoder->frame);
    av_frame_free(&encoder->rgb);
    av_packet_free(&encoder->packet);
    et__converter_free(&encoder->from_rgb);
    et__converter_free(&encoder->from_frame);
}

/* Fits a picture into the encoder's frame. */
static enum et_status fit(struct et_video_writer *writer, struct et__converter *converter,
                          const AVFrame *from, struct et_err *err)
{
    struct et__encoder *const e = &writer->encoder;

    // The encoder may still hold the memory of the last one.
    if (av_frame_make_writable(e->frame) < 0)
        return no_memory(err);
    return et__convert(converter, from, e->frame, err);
}

enum et_status et_video_write_rgb(struct et_video_writer *writer, const uint8_t *rgb,
                                  struct et_err *err)
{
    struct et__encoder *const e = &writer->encoder;

    enum et_status st = et__writer_ready(writer, err);
    if (st == ET_OK)
        st = open_encoder(writer, err);
    if (st != ET_OK)
        return st;
    et__put_rgb(e->rgb, rgb);
    st = fit(writer, &e->from_rgb, e->rgb, err);
    if (st == ET_OK)
        st = encode(writer, e->frame, err);
    return et__writer_note(writer, st, err);
}

/* Encodes the reader's picture where it lies. */
static enum et_status encode_as_is(struct et_video_writer *writer, const AVFrame *from,
                                   struct et_err *err)
{
    AVFrame *view = av_frame_clone(from);
    if (!view)
        return no_memory(err);
    while (view->nb_side_data > 0) // captions and the like would go into the new stream
        av_frame_remove_side_data(view, view->side_data[0]->type);
    const enum et_status st = encode(writer, view, err);
    av_frame_free(&view);
    return st;
}

enum et_status et_video_write_frame(struct et_video_writer *writer, struct et_video_reader *reader,
                                    struct et_err *err)
{
    const AVFrame *const from = et__reader_frame(reader);
    struct et__encoder *const e = &writer->encoder;

    if (!from)
        return et_fail(err, ET_EARG, -1, "%.200s: the reader has given no picture", writer->path);
    enum et_status st = et__writer_ready(writer, err);
    if (st == ET_OK)
        st = open_encoder(writer, err);
    if (st != ET_OK)
        return st;

    const bool fits = from->width == e->frame->width && from->height == e->frame->height;
    if (fits && et__is_plain_yuv420(from)) {
        st = encode_as_is(writer, from, err);
    } else {
        st = fit(writer, &e->from_frame, from, err);
        if (st == ET_OK)
            st = encode(writer, e->frame, err);
    }
    return et__writer_note(writer, st, err);
}

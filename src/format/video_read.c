/* The reader: decodes from the key frame before, and knows each picture by its frame number. */
#include "format__video.h"

#include <stdlib.h>

struct et_video_reader {
    struct et__mp4 mp4;
    struct et_video_info info;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;   // the picture given last
    AVFrame *decoded; // the picture that the decoder gave last
    struct et__converter to_rgb;
    uint8_t *luma;    // 8 bits of a deeper picture
    int32_t i_next;   // the frame that et_video_next gives
    int32_t i_sample; // the sample that is decoded next
    bool has_frame;   // frame holds a picture
    bool is_held;     // decoded holds a picture that lies behind i_next
    bool is_drained;  // the decoder was told that there is no more
};

// ---- opening ---------------------------------------------------------------------------------

static enum et_status no_memory(struct et_err *err)
{
    return et_fail(err, ET_ENOMEM, -1, "no memory to read a video");
}

/* Prefers the decoder that FFmpeg prefers: dav1d for AV1, its own for the others. */
static enum et_status open_codec(struct et_video_reader *r, int n_threads, struct et_err *err)
{
    const AVCodec *const found = avcodec_find_decoder(r->mp4.codec);
    AVCodecParameters *parameters = NULL;

    if (!found)
        return et__mp4_fail(&r->mp4, err, ET_EUNSUPPORTED, -1, "this FFmpeg has no decoder for %s",
                            r->info.codec);
    enum et_status st = et__mp4_codec(&r->mp4, &parameters, err);
    if (st != ET_OK)
        return st;
    r->codec = avcodec_alloc_context3(found);
    if (!r->codec || avcodec_parameters_to_context(r->codec, parameters) < 0) {
        st = no_memory(err);
        goto out;
    }
    r->codec->thread_count = n_threads > 1 ? n_threads : 1;
    // A stream may claim any size; what the container says is the bound, whole blocks counted.
    r->codec->max_pixels = (int64_t)FFALIGN(r->mp4.width_px, 128) * FFALIGN(r->mp4.height_px, 128);
    const int result = avcodec_open2(r->codec, found, NULL);
    if (result < 0)
        st = et__av_fail(err, ET_ECORRUPT, result, "%s: its codec's parameters are damaged",
                         r->mp4.path);
out:
    avcodec_parameters_free(&parameters);
    return st;
}

enum et_status et_video_open(struct et_video_reader **reader, const char *path, int n_threads,
                             struct et_err *err)
{
    *reader = NULL;
    et__av_begin();
    struct et_video_reader *r = calloc(1, sizeof *r);
    if (!r)
        return no_memory(err);

    enum et_status st = et__mp4_open(&r->mp4, path, err);
    if (st == ET_OK)
        st = et__probe(&r->mp4, &r->info, err);
    if (st == ET_OK && r->mp4.codec == AV_CODEC_ID_NONE)
        st = et__mp4_fail(&r->mp4, err, ET_EUNSUPPORTED, -1, "pictures in %s", r->info.codec);
    if (st == ET_OK && (int64_t)r->info.width_px * r->info.height_px > ET_VIDEO_PIXELS_MAX)
        st = et__mp4_fail(&r->mp4, err, ET_ELIMIT, -1, "pictures of %d × %d pixels",
                          r->info.width_px, r->info.height_px);
    if (st == ET_OK)
        st = open_codec(r, n_threads, err);
    r->packet = av_packet_alloc();
    r->frame = av_frame_alloc();
    r->decoded = av_frame_alloc();
    if (st == ET_OK && (!r->packet || !r->frame || !r->decoded))
        st = no_memory(err);
    if (st != ET_OK) {
        et_video_close(r);
        return st;
    }
    *reader = r;
    return ET_OK;
}

void et_video_close(struct et_video_reader *reader)
{
    if (!reader)
        return;
    avcodec_free_context(&reader->codec);
    av_packet_free(&reader->packet);
    av_frame_free(&reader->frame);
    av_frame_free(&reader->decoded);
    et__converter_free(&reader->to_rgb);
    free(reader->luma);
    et__mp4_close(&reader->mp4);
    free(reader);
}

const struct et_video_info *et_video_info(const struct et_video_reader *reader)
{
    return &reader->info;
}

const AVFrame *et__reader_frame(const struct et_video_reader *reader)
{
    return reader->has_frame ? reader->frame : NULL;
}

// ---- seeking ---------------------------------------------------------------------------------

/* The sample to begin at for frame k: the last key frame that is decoded no later and shown no
 * later. One that is shown later leads pictures that may need what lies before it. */
static int32_t find_start(const struct et__mp4 *mp4, int32_t k)
{
    for (int32_t i = mp4->order[k]; i > 0; i--)
        if (mp4->samples[i].is_key && mp4->samples[i].i_frame <= k)
            return i;
    return 0;
}

enum et_status et_video_seek(struct et_video_reader *r, int64_t i_frame, struct et_err *err)
{
    if (i_frame < 0 || i_frame >= r->mp4.n_frames)
        return et__mp4_fail(&r->mp4, err, ET_EARG, i_frame, "has frames 0 … %d, not %lld",
                            r->mp4.n_frames - 1, (long long)i_frame);

    // On the way to a frame ahead, what lies between is decoded anyhow.
    const int32_t k = (int32_t)i_frame, start = find_start(&r->mp4, k);
    const bool is_ahead = k >= r->i_next && start <= r->i_sample && !r->is_drained;
    if (k == r->i_next || is_ahead) {
        r->i_next = k;
        return ET_OK;
    }
    avcodec_flush_buffers(r->codec);
    av_frame_unref(r->decoded);
    r->is_held = r->is_drained = false;
    r->i_sample = start;
    r->i_next = k;
    return ET_OK;
}

// ---- decoding --------------------------------------------------------------------------------

/* Gives the decoder the next sample. A sample that cannot be read or taken is passed over: its
 * frame will be missed where it is due. */
static enum et_status feed(struct et_video_reader *r, struct et_err *err)
{
    if (r->i_sample == r->mp4.n_samples) {
        r->is_drained = true;
        (void)avcodec_send_packet(r->codec, NULL);
        return ET_OK;
    }
    const int32_t i = r->i_sample++;
    const enum et_status st = et__mp4_read(&r->mp4, i, r->packet, err);
    if (st == ET_ENOMEM || st == ET_EIO)
        return st;
    if (st != ET_OK)
        return ET_OK;

    // The decoder carries the number through its reordering.
    r->packet->pts = r->mp4.samples[i].i_frame;
    r->packet->dts = i;
    const int result = avcodec_send_packet(r->codec, r->packet);
    av_packet_unref(r->packet);
    return result == AVERROR(ENOMEM) ? no_memory(err) : ET_OK;
}

/* The decoder's next picture that is whole, shown, and not before i_next. ET_END: there is none. */
static enum et_status decode(struct et_video_reader *r, struct et_err *err)
{
    while (!r->is_held) {
        const int result = avcodec_receive_frame(r->codec, r->decoded);
        if (result == AVERROR(ENOMEM))
            return no_memory(err);
        if (result == 0) {
            const AVFrame *const f = r->decoded;
            const bool is_whole = !(f->flags & AV_FRAME_FLAG_CORRUPT) && !f->decode_error_flags;
            r->is_held = is_whole && f->pts >= r->i_next && f->pts < r->mp4.n_frames;
            continue;
        }
        if (r->is_drained)
            return ET_END;
        const enum et_status st = feed(r, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static enum et_status find_luma(struct et_video_reader *r, struct et_frame *to, struct et_err *err)
{
    struct et_err inner = {0};
    const enum et_status st = et__frame_luma(r->frame, &r->luma, to, &inner);
    return st == ET_OK ? st : et__mp4_fail(&r->mp4, err, st, to->i_frame, "%s", inner.text);
}

enum et_status et_video_next(struct et_video_reader *r, struct et_frame *frame, struct et_err *err)
{
    const int32_t k = r->i_next;

    r->has_frame = false;
    if (k == r->mp4.n_frames)
        return ET_END;
    const enum et_status st = decode(r, err);
    if (st != ET_OK && st != ET_END)
        return st;

    const int32_t found = st == ET_END ? r->mp4.n_frames : (int32_t)r->decoded->pts;
    if (found != k) {
        r->i_next = found;
        return et__mp4_fail(&r->mp4, err, ET_ECORRUPT, k,
                            "frames %d … %d cannot be decoded (picture at byte %lld)", k, found - 1,
                            (long long)r->mp4.samples[r->mp4.order[k]].offset);
    }
    av_frame_unref(r->frame);
    av_frame_move_ref(r->frame, r->decoded);
    r->is_held = false;
    r->i_next = k + 1;
    r->has_frame = true;
    *frame = (struct et_frame){
        .i_frame = k,
        .t_ns = av_rescale(r->mp4.samples[r->mp4.order[k]].pts, 1000000000, r->mp4.timescale),
        .width_px = r->frame->width,
        .height_px = r->frame->height,
    };
    return find_luma(r, frame, err);
}

enum et_status et_video_rgb(struct et_video_reader *r, int width_px, int height_px, uint8_t *rgb,
                            struct et_err *err)
{
    struct et_err inner = {0};
    if (!r->has_frame)
        return et__mp4_fail(&r->mp4, err, ET_EARG, -1, "no picture was given yet");
    const enum et_status st = et__frame_rgb(&r->to_rgb, r->frame, width_px, height_px, rgb, &inner);
    if (st == ET_EARG)
        return et__mp4_fail(&r->mp4, err, ET_EARG, -1, "%s", inner.text);
    if (st != ET_OK && err)
        *err = inner;
    return st;
}

/* What a video's index says about it. */
#include "format__video.h"

#include <libavutil/pixdesc.h>

#include <math.h>
#include <stdio.h>

static void copy_text(char *to, size_t cap, const char *from)
{
    (void)snprintf(to, cap, "%s", from ? from : "");
}

/* Names of codecs that are told but not read. */
static const char *foreign_codec(const char *fourcc)
{
    static const char *const NAMES[][2] = {
        {"vp09", "vp9"},   {"vp08", "vp8"},    {"mp4v", "mpeg4"},  {"mjpg", "mjpeg"},
        {"jpeg", "mjpeg"}, {"apch", "prores"}, {"apcn", "prores"}, {"png ", "png"},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(NAMES[i][0], fourcc) == 0)
            return NAMES[i][1];
    return fourcc;
}

static double frame_error(const struct et__mp4 *mp4)
{
    double worst = 0;
    if (mp4->fps_num == 0)
        return 0;
    const double period_s = (double)mp4->fps_den / mp4->fps_num;
    for (int32_t k = 0; k < mp4->n_frames; k++) {
        const double t_s = (double)mp4->samples[mp4->order[k]].pts / mp4->timescale;
        worst = fmax(worst, fabs(t_s - k * period_s));
    }
    return worst;
}

static void describe(const struct et__mp4 *mp4, struct et_video_info *info)
{
    const struct et__sample *const first = &mp4->samples[mp4->order[0]];
    const struct et__sample *const last = &mp4->samples[mp4->order[mp4->n_frames - 1]];
    const int64_t ticks = last->pts + mp4->last_ticks - first->pts;

    *info = (struct et_video_info){
        .width_px = mp4->width_px,
        .height_px = mp4->height_px,
        .fps_num = mp4->fps_num,
        .fps_den = mp4->fps_den,
        .n_frames = mp4->n_frames,
        .n_key_frames = mp4->n_keys,
        .duration_ns = av_rescale(ticks, 1000000000, mp4->timescale),
        .frame_error_s = frame_error(mp4),
        .has_audio = mp4->has_audio,
        .is_fragmented = mp4->is_fragmented,
    };
    copy_text(info->codec, sizeof info->codec,
              mp4->codec == AV_CODEC_ID_NONE ? foreign_codec(mp4->fourcc)
                                             : avcodec_get_name(mp4->codec));
}

/* The pixel format is in the bit stream: FFmpeg's parser tells it from the first picture's head. */
static enum et_status find_format(const struct et__mp4 *mp4, struct et_video_info *info,
                                  struct et_err *err)
{
    AVCodecParameters *codec = NULL;
    AVCodecParserContext *parser = NULL;
    AVCodecContext *context = NULL;
    AVPacket *packet = av_packet_alloc();
    uint8_t *out;
    int n_out;

    enum et_status st = et__mp4_codec(mp4, &codec, err);
    if (st != ET_OK)
        goto out;
    parser = av_parser_init((int)mp4->codec);
    context = avcodec_alloc_context3(NULL);
    if (!packet || !context || avcodec_parameters_to_context(context, codec) < 0) {
        st = et_fail(err, ET_ENOMEM, -1, "no memory to look at a video");
        goto out;
    }
    st = et__mp4_read(mp4, 0, packet, err);
    if (st != ET_OK || !parser)
        goto out;
    parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
    (void)av_parser_parse2(parser, context, &out, &n_out, packet->data, packet->size,
                           AV_NOPTS_VALUE, AV_NOPTS_VALUE, 0);
    copy_text(info->pixel_format, sizeof info->pixel_format,
              av_get_pix_fmt_name((enum AVPixelFormat)parser->format));
out:
    av_packet_free(&packet);
    avcodec_free_context(&context);
    av_parser_close(parser);
    avcodec_parameters_free(&codec);
    return st;
}

enum et_status et__probe(const struct et__mp4 *mp4, struct et_video_info *info, struct et_err *err)
{
    describe(mp4, info);
    return mp4->codec == AV_CODEC_ID_NONE ? ET_OK : find_format(mp4, info, err);
}

enum et_status et_video_probe(const char *path, struct et_video_info *info, struct et_err *err)
{
    struct et__mp4 mp4;

    et__av_begin();
    *info = (struct et_video_info){0};
    enum et_status st = et__mp4_open(&mp4, path, err);
    if (st != ET_OK)
        return st;
    st = et__probe(&mp4, info, err);
    et__mp4_close(&mp4);
    return st;
}

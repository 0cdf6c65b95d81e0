#include "video_fixture.h"

#include "support.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(bool is_good, const char *what)
{
    if (is_good)
        return;
    printf("Bail out! fixture: %s\n", what);
    exit(99);
}

// Sixteen blocks in rows of four: bit i is block i.
static int block_of(int x, int y, int width, int height)
{
    return y * 4 / height * 4 + x * 4 / width;
}

void bar_rgb(int number, uint8_t *rgb)
{
    for (int y = 0; y < BAR_H; y++)
        for (int x = 0; x < BAR_W; x++) {
            const bool is_light = number >> block_of(x, y, BAR_W, BAR_H) & 1;
            memset(rgb + 3 * (y * BAR_W + x), is_light ? 220 : 30, 3);
        }
}

int bar_number(const struct et_frame *frame)
{
    int number = 0;
    for (int i = 0; i < 16; i++) {
        const int x = (2 * (i % 4) + 1) * frame->width_px / 8;
        const int y = (2 * (i / 4) + 1) * frame->height_px / 8;
        number |= (frame->luma[y * frame->luma_stride + x] > 125) << i;
    }
    return number;
}

void make_own(const char *path, enum et_video_codec codec, int first, int n, int gop)
{
    static uint8_t rgb[3 * BAR_W * BAR_H];
    struct et_video_writer *writer;
    struct et_err err = {0};
    const struct et_video_options options = {
        .codec = codec, .width_px = BAR_W, .height_px = BAR_H, .fps = 30, .gop = gop};

    (void)unlink(path);
    must(et_video_create(&writer, path, &options, &err) == ET_OK, err.text);
    for (int i = 0; i < n; i++) {
        bar_rgb(first + i, rgb);
        must(et_video_write_rgb(writer, rgb, &err) == ET_OK, err.text);
    }
    must(et_video_finish(writer, &err) == ET_OK, err.text);
}

// ---- straight by FFmpeg ----------------------------------------------------------------------

struct maker {
    const struct foreign *what;
    AVCodecContext *codec;
    AVFormatContext *format;
    AVStream *stream;
    AVPacket *packet;
    AVFrame *frame;
    int n_packets;
};

static void paint(AVFrame *frame, int number)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
    const bool is_deep = desc->comp[0].depth > 8;
    const int shift = desc->comp[0].depth - 8;

    must(av_frame_make_writable(frame) == 0, "picture");
    for (int plane = 0; plane < desc->nb_components; plane++) {
        const int width = plane ? frame->width >> desc->log2_chroma_w : frame->width;
        const int height = plane ? frame->height >> desc->log2_chroma_h : frame->height;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                const bool is_light = number >> block_of(x, y, width, height) & 1;
                const int value = plane ? 128 : is_light ? 210 : 40;
                uint8_t *const row = frame->data[plane] + y * frame->linesize[plane];
                if (is_deep)
                    ((uint16_t *)(void *)row)[x] = (uint16_t)(value << shift);
                else
                    row[x] = (uint8_t)value;
            }
    }
}

static void open_encoder(struct maker *m, bool is_file)
{
    const struct foreign *const w = m->what;
    const AVCodec *const found = avcodec_find_encoder_by_name(w->encoder);
    must(found != NULL, w->encoder);
    m->codec = avcodec_alloc_context3(found);
    m->codec->width = w->width_px ? w->width_px : BAR_W;
    m->codec->height = w->height_px ? w->height_px : BAR_H;
    m->codec->pix_fmt = av_get_pix_fmt(w->pix_fmt ? w->pix_fmt : "yuv420p");
    m->codec->time_base = (AVRational){1, w->fps ? w->fps : 30};
    m->codec->framerate = (AVRational){w->fps ? w->fps : 30, 1};
    m->codec->gop_size = w->gop ? w->gop : 250;
    m->codec->max_b_frames = w->b_frames;
    m->codec->thread_count = 1;
    if (is_file)
        m->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;

    AVDictionary *settings = NULL;
    const char *const params = w->params ? w->params : "";
    char text[200];
    if (strcmp(w->encoder, "libsvtav1") == 0) {
        (void)av_dict_set(&settings, "preset", "12", 0);
        (void)av_dict_set(&settings, "svtav1-params", "lp=1", 0);
    } else if (strcmp(w->encoder, "libvpx-vp9") == 0) {
        (void)av_dict_set(&settings, "deadline", "realtime", 0);
        (void)av_dict_set(&settings, "lag-in-frames", "0", 0);
    } else {
        (void)av_dict_set(&settings, "preset", "ultrafast", 0);
        (void)snprintf(text, sizeof text, "%s%s%s", params, *params ? ":" : "",
                       strcmp(w->encoder, "libx265") == 0 ? "log-level=none:pools=none" : "ref=2");
        (void)av_dict_set(
            &settings, strcmp(w->encoder, "libx265") == 0 ? "x265-params" : "x264-params", text, 0);
    }
    must(avcodec_open2(m->codec, found, &settings) == 0, "encoder");
    av_dict_free(&settings);
}

static void open_file(struct maker *m, const char *path)
{
    const struct foreign *const w = m->what;
    AVDictionary *settings = NULL;

    must(avformat_alloc_output_context2(&m->format, NULL, w->format ? w->format : "mp4", path) >= 0,
         "format");
    m->stream = avformat_new_stream(m->format, NULL);
    must(avcodec_parameters_from_context(m->stream->codecpar, m->codec) >= 0, "parameters");
    m->stream->time_base = m->codec->time_base;
    if (w->movflags)
        (void)av_dict_set(&settings, "movflags", w->movflags, 0);
    if (w->timescale)
        (void)av_dict_set_int(&settings, "video_track_timescale", w->timescale, 0);
    m->format->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    must(avio_open(&m->format->pb, path, AVIO_FLAG_WRITE) >= 0, "open");
    must(avformat_write_header(m->format, &settings) >= 0, "header");
    av_dict_free(&settings);
}

static void put_packets(struct maker *m)
{
    const struct foreign *const w = m->what;

    while (avcodec_receive_packet(m->codec, m->packet) == 0) {
        AVPacket *const p = m->packet;
        const int i = m->n_packets++;
        if (i > 0 && i <= w->gap)
            continue;
        p->duration = 1;
        p->pts += w->shift;
        p->dts += w->shift;
        av_packet_rescale_ts(p, m->codec->time_base, m->stream->time_base);
        if (w->jitter && strcmp(w->jitter, "late") == 0 && i == 3)
            p->pts += p->duration / 3;
        must(av_write_frame(m->format, p) >= 0, "packet");
        av_packet_unref(p);
    }
}

void make_foreign(const char *path, const struct foreign *what)
{
    struct maker m = {.what = what, .packet = av_packet_alloc(), .frame = av_frame_alloc()};

    av_log_set_level(AV_LOG_QUIET);
    (void)setenv("SVT_LOG", "0", 0);
    open_encoder(&m, true);
    open_file(&m, path);
    m.frame->format = m.codec->pix_fmt;
    m.frame->width = m.codec->width;
    m.frame->height = m.codec->height;
    must(av_frame_get_buffer(m.frame, 0) == 0, "picture");
    for (int i = 0; i < what->n; i++) {
        paint(m.frame, what->first + i);
        m.frame->pts = i;
        must(avcodec_send_frame(m.codec, m.frame) == 0, "encode");
        put_packets(&m);
    }
    must(avcodec_send_frame(m.codec, NULL) == 0, "drain");
    put_packets(&m);
    must(av_write_trailer(m.format) >= 0, "trailer");
    (void)avio_closep(&m.format->pb);
    avformat_free_context(m.format);
    avcodec_free_context(&m.codec);
    av_packet_free(&m.packet);
    av_frame_free(&m.frame);
}

static void take_units(struct maker *m, struct units *units)
{
    while (avcodec_receive_packet(m->codec, m->packet) == 0) {
        char *copy = malloc((size_t)m->packet->size);
        must(copy != NULL && units->n < m->what->n, "unit");
        memcpy(copy, m->packet->data, (size_t)m->packet->size);
        units->bytes[units->n] = (struct et_str){copy, (size_t)m->packet->size};
        units->numbers[units->n++] = m->what->first + (int)m->packet->pts;
        av_packet_unref(m->packet);
    }
}

struct units make_units(const struct foreign *what)
{
    struct maker m = {.what = what, .packet = av_packet_alloc(), .frame = av_frame_alloc()};
    struct units units = {.bytes = calloc((size_t)what->n, sizeof *units.bytes),
                          .numbers = calloc((size_t)what->n, sizeof *units.numbers)};
    must(units.bytes && units.numbers, "units");
    av_log_set_level(AV_LOG_QUIET);
    (void)setenv("SVT_LOG", "0", 0);
    open_encoder(&m, false);
    m.frame->format = m.codec->pix_fmt;
    m.frame->width = m.codec->width;
    m.frame->height = m.codec->height;
    must(av_frame_get_buffer(m.frame, 0) == 0, "picture");
    for (int i = 0; i <= what->n; i++) {
        if (i < what->n)
            paint(m.frame, what->first + i);
        m.frame->pts = i;
        must(avcodec_send_frame(m.codec, i < what->n ? m.frame : NULL) == 0, "encode");
        take_units(&m, &units);
    }
    must(units.n == what->n, "a unit for each picture");
    avcodec_free_context(&m.codec);
    av_packet_free(&m.packet);
    av_frame_free(&m.frame);
    return units;
}

void free_units(struct units *units)
{
    for (int i = 0; i < units->n; i++)
        free((void *)(uintptr_t)units->bytes[i].p);
    free(units->bytes);
    free(units->numbers);
}

int count_wrong(const char *path, int first, int64_t n_expected)
{
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};
    int n_wrong = 0;
    int64_t n = 0;

    enum et_status st = et_video_open(&reader, path, 1, &err);
    if (st != ET_OK) {
        printf("# %s\n", err.text);
        return 9999;
    }
    while ((st = et_video_next(reader, &frame, &err)) == ET_OK) {
        n_wrong += frame.i_frame != n || bar_number(&frame) != first + n;
        n++;
    }
    if (st != ET_END)
        printf("# %s\n", err.text);
    n_wrong += (st != ET_END) + (n != n_expected);
    et_video_close(reader);
    return n_wrong;
}

// ---- times beside FFmpeg's own demuxer ---------------------------------------------------------

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Presentation times as FFmpeg's demuxer gives them, sorted; what it marks as cut left out. */
static int64_t *ffmpeg_times(const char *path, size_t *n, AVRational *unit)
{
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    int64_t *times = malloc(sizeof *times * 4096);

    *n = 0;
    if (avformat_open_input(&format, path, NULL, NULL) < 0 ||
        avformat_find_stream_info(format, NULL) < 0) {
        av_packet_free(&packet);
        return times;
    }
    *unit = format->streams[0]->time_base;
    while (*n < 4096 && av_read_frame(format, packet) == 0) {
        if (!(packet->flags & AV_PKT_FLAG_DISCARD))
            times[(*n)++] = packet->pts;
        av_packet_unref(packet);
    }
    qsort(times, *n, sizeof *times, by_value);
    avformat_close_input(&format);
    av_packet_free(&packet);
    return times;
}

int count_unlike_ffmpeg(const char *path)
{
    struct et_video_reader *reader;
    struct et_frame frame;
    struct et_err err = {0};
    AVRational unit = {1, 1};
    int n_wrong = 0;
    size_t n;
    int64_t *const times = ffmpeg_times(path, &n, &unit);

    if (et_video_open(&reader, path, 1, &err) != ET_OK) {
        printf("# %s\n", err.text);
        free(times);
        return 9999;
    }
    n_wrong += et_video_info(reader)->n_frames != (int64_t)n;
    for (size_t k = 0; k < n && et_video_next(reader, &frame, &err) == ET_OK; k++)
        n_wrong += frame.t_ns != av_rescale_q(times[k], unit, (AVRational){1, 1000000000});
    et_video_close(reader);
    free(times);
    return n_wrong;
}

/* Muxing: packets become an MP4, fragmented while it grows, plain when it is done. */
#include "format__video.h"

#include <stdio.h>
#include <stdlib.h>

// A fragment is held in memory until it is whole; long episodes are several.
#define FRAGMENT_BYTES (8 << 20)

/* The sink's own failure says more than FFmpeg's. */
static enum et_status mux_fail(const struct et__mux *mux, int av_error, struct et_err *err)
{
    if (mux->sink.err.status == ET_OK)
        return et__av_fail(err, ET_EIO, av_error, "%.200s: cannot write video",
                           et_file_path(mux->sink.file));
    if (err)
        *err = mux->sink.err;
    return mux->sink.err.status;
}

static enum et_status no_memory(struct et_err *err)
{
    return et_fail(err, ET_ENOMEM, -1, "no memory to write a video");
}

enum et_status et__mux_begin(struct et__mux *mux, const struct et__mux_options *options,
                             struct et_err *err)
{
    AVDictionary *settings = NULL;

    mux->fps = options->fps;
    mux->delay = options->delay;
    mux->is_fragmented = options->is_fragmented;
    if (avformat_alloc_output_context2(&mux->format, NULL, "mp4", NULL) < 0)
        return no_memory(err);
    AVFormatContext *const format = mux->format;
    AVStream *const stream = avformat_new_stream(format, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, options->codec) < 0)
        return no_memory(err);

    // Bit-exact: no version, no time of making. Negative times stay: an edit list covers them.
    format->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
    format->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    format->pb = mux->sink.io;
    format->opaque = &mux->sink;
    format->io_open = et__sink_reopen;
    format->io_close2 = et__sink_unopen;
    stream->time_base = (AVRational){1, mux->fps};
    stream->avg_frame_rate = (AVRational){mux->fps, 1};

    // The head of a growing file waits for the first fragment: its edit list needs the first time.
    (void)av_dict_set(&settings, "movflags",
                      mux->is_fragmented ? "frag_custom+delay_moov+default_base_moof+skip_trailer"
                                         : "faststart",
                      0);
    const int result = avformat_write_header(format, &settings);
    av_dict_free(&settings);
    return result < 0 ? mux_fail(mux, result, err) : ET_OK;
}

enum et_status et__mux_put(struct et__mux *mux, AVPacket *packet, int64_t i_frame,
                           struct et_err *err)
{
    const int n = packet->size;

    packet->stream_index = 0;
    packet->pts = i_frame;
    packet->dts = mux->n_packets - mux->delay;
    packet->duration = 1;
    packet->pos = -1;
    av_packet_rescale_ts(packet, (AVRational){1, mux->fps}, mux->format->streams[0]->time_base);
    const int result = av_write_frame(mux->format, packet);
    av_packet_unref(packet);
    if (result < 0)
        return mux_fail(mux, result, err);

    mux->n_packets++;
    mux->n_pending_bytes += n;
    if (mux->is_fragmented && mux->n_pending_bytes >= FRAGMENT_BYTES)
        return et__mux_cut(mux, err);
    return et__sink_check(&mux->sink, err);
}

enum et_status et__mux_cut(struct et__mux *mux, struct et_err *err)
{
    // The first flush writes the head only.
    for (int i = mux->has_head; i < 2 && mux->n_pending_bytes > 0; i++) {
        const int result = av_write_frame(mux->format, NULL);
        if (result < 0)
            return mux_fail(mux, result, err);
        mux->has_head = true;
    }
    mux->n_pending_bytes = 0;
    avio_flush(mux->sink.io);
    return et__sink_check(&mux->sink, err);
}

enum et_status et__mux_end(struct et__mux *mux, struct et_err *err)
{
    const int result = av_write_trailer(mux->format);
    if (result < 0)
        return mux_fail(mux, result, err);
    avio_flush(mux->sink.io);
    return et__sink_check(&mux->sink, err);
}

void et__mux_close(struct et__mux *mux)
{
    avformat_free_context(mux->format);
    et__sink_close(&mux->sink);
    *mux = (struct et__mux){0};
}

// ---- a plain file from a fragmented one ------------------------------------------------------

/* What the first n samples are: the frames 0 … n − 1, in some order; and how far out of order. */
static enum et_status check_prefix(const struct et__mp4 *from, int32_t n, int32_t *delay,
                                   struct et_err *err)
{
    *delay = 0;
    if (from->fps_den != 1 || from->fps_num < 1)
        return et__mp4_fail(from, err, ET_EUNSUPPORTED, -1, "its rate of %d/%d is not whole",
                            from->fps_num, from->fps_den);
    for (int32_t i = 0; i < n; i++) {
        const int32_t k = from->samples[i].i_frame;
        if (k < 0 || k >= n)
            return et__mp4_fail(from, err, ET_ECORRUPT, i,
                                "picture %d is not among the first %d frames", i, n);
        if (i - k > *delay)
            *delay = i - k;
    }
    return ET_OK;
}

static enum et_status copy_prefix(const struct et__mp4 *from, int32_t n, struct et__mux *mux,
                                  struct et_err *err)
{
    AVCodecParameters *codec = NULL;
    AVPacket *packet = av_packet_alloc();
    struct et__mux_options options = {.fps = from->fps_num};

    if (!packet)
        return no_memory(err);
    enum et_status st = check_prefix(from, n, &options.delay, err);
    if (st == ET_OK)
        st = et__mp4_codec(from, &codec, err);
    options.codec = codec;
    if (st == ET_OK)
        st = et__mux_begin(mux, &options, err);
    for (int32_t i = 0; st == ET_OK && i < n; i++) {
        st = et__mp4_read(from, i, packet, err);
        if (st == ET_OK)
            st = et__mux_put(mux, packet, from->samples[i].i_frame, err);
    }
    if (st == ET_OK)
        st = et__mux_end(mux, err);
    av_packet_free(&packet);
    avcodec_parameters_free(&codec);
    return st;
}

/* Opens the file beside `path` for writing; what an earlier kill left there goes. */
static enum et_status open_beside(struct et__sink *sink, const char *part, struct et_err *err)
{
    enum et_status st = et__sink_open(sink, part, err);
    if (st != ET_EEXISTS)
        return st;
    st = et_file_remove(part, err);
    return st == ET_OK ? et__sink_open(sink, part, err) : st;
}

enum et_status et__remux(const struct et__mp4 *from, int32_t n, const char *path,
                         struct et_err *err)
{
    char part[ET_PATH_BYTES_MAX];
    struct et__mux mux = {0};

    const int length = snprintf(part, sizeof part, "%s" ET_FILE_PART_SUFFIX, path);
    if (length < 0 || length >= (int)sizeof part)
        return et_fail(err, ET_EIO, -1, "%.200s… is too long for a path", path);

    enum et_status st = open_beside(&mux.sink, part, err);
    if (st != ET_OK)
        return st;
    st = copy_prefix(from, n, &mux, err);
    if (st == ET_OK) // data first: a rename may reach the disk before what it names
        st = et_file_sync(mux.sink.file, err);
    et__mux_close(&mux);
    if (st == ET_OK)
        st = et_file_rename(part, path, err);
    if (st != ET_OK && et_file_remove(part, NULL) != ET_OK)
        return st; // it stays behind, and the next repair takes it away
    return st;
}

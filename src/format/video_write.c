/* The writer: a file that grows by episodes, survives a kill, and is made plain at its end. */
#include "format__video.h"

#include <stdio.h>
#include <stdlib.h>

#define FPS_MAX 1000
#define GOP_MAX 100000

static enum et_status check_options(const struct et_video_options *o, struct et_err *err)
{
    if ((unsigned)o->codec > ET_VIDEO_HEVC)
        return et_fail(err, ET_EARG, -1, "no codec has the number %d", (int)o->codec);
    if (o->fps < 1 || o->fps > FPS_MAX)
        return et_fail(err, ET_EARG, -1, "%d frames a second are not between 1 and %d", o->fps,
                       FPS_MAX);
    if (o->width_px < 0 || o->height_px < 0 || o->width_px > ET_VIDEO_SIDE_PX_MAX ||
        o->height_px > ET_VIDEO_SIDE_PX_MAX || (o->width_px == 0) != (o->height_px == 0))
        return et_fail(err, ET_EARG, -1, "no video has %d × %d pixels", o->width_px, o->height_px);
    if (o->width_px % 2 || o->height_px % 2)
        return et_fail(err, ET_EARG, -1, "%d × %d pixels: a side is odd, and colour has half",
                       o->width_px, o->height_px);
    if (o->gop < 0 || o->gop > GOP_MAX || o->crf < 0 || o->crf > 63 || o->preset < 0 ||
        o->preset > 13 || o->n_threads < 0 || o->n_threads > 1024)
        return et_fail(err, ET_EARG, -1, "gop %d, crf %d, preset %d, %d threads: out of range",
                       o->gop, o->crf, o->preset, o->n_threads);
    return ET_OK;
}

enum et_status et_video_create(struct et_video_writer **writer, const char *path,
                               const struct et_video_options *options, struct et_err *err)
{
    *writer = NULL;
    et__av_begin();
    enum et_status st = check_options(options, err);
    if (st != ET_OK)
        return st;

    struct et_video_writer *made = calloc(1, sizeof *made);
    if (made)
        made->path = strdup(path);
    if (!made || !made->path) {
        free(made);
        return et_fail(err, ET_ENOMEM, -1, "no memory to write %.200s", path);
    }
    made->options = *options;
    made->config = et_buf(1 << 20);
    st = et__sink_open(&made->mux.sink, path, err);
    if (st != ET_OK) {
        et_video_writer_close(made);
        return st;
    }
    *writer = made;
    return ET_OK;
}

void et_video_writer_close(struct et_video_writer *writer)
{
    if (!writer)
        return;
    et__encoder_close(&writer->encoder);
    et__mux_close(&writer->mux);
    et_buf_free(&writer->config);
    free(writer->path);
    free(writer);
}

int64_t et_video_writer_n_frames(const struct et_video_writer *writer)
{
    return writer->n_frames;
}

int64_t et_video_writer_bytes(const struct et_video_writer *writer)
{
    return writer->n_committed_bytes;
}

enum et_status et__writer_note(struct et_video_writer *writer, enum et_status st,
                               const struct et_err *err)
{
    if (st == ET_OK)
        return ET_OK;
    writer->broken = err ? *err : (struct et_err){.status = st, .at = -1};
    writer->broken.status = st;
    return st;
}

enum et_status et__writer_ready(const struct et_video_writer *writer, struct et_err *err)
{
    if (writer->broken.status == ET_OK)
        return ET_OK;
    return et_fail(err, writer->broken.status, writer->broken.at, "%.120s: failed before: %.200s",
                   writer->path, writer->broken.text);
}

// ---- one set of parameters a file ------------------------------------------------------------

/* The part of a codec's parameters that has to be the same in a whole file. For AV1 it is the
 * sequence header, which av1C carries behind four bytes of its own. */
static struct et_str core(const AVCodecParameters *codec)
{
    struct et_str bytes = {(const char *)codec->extradata, (size_t)codec->extradata_size};
    if (codec->codec_id == AV_CODEC_ID_AV1 && bytes.n >= 4 && (bytes.p[0] & 0x80)) {
        bytes.p += 4;
        bytes.n -= 4;
    }
    return bytes;
}

static enum et_status refuse(const struct et_video_writer *writer, const char *what,
                             struct et_err *err)
{
    return et_fail(err, ET_EUNSUPPORTED, -1, "%.200s: %s", writer->path, what);
}

/* Compares with what the file holds already. */
static enum et_status compare(const struct et_video_writer *writer, const AVCodecParameters *codec,
                              int32_t delay, struct et_err *err)
{
    const AVCodecParameters *const held = writer->mux.format->streams[0]->codecpar;

    if (codec->codec_id != held->codec_id)
        return refuse(writer, "the file holds another codec", err);
    if (codec->width != held->width || codec->height != held->height)
        return et_fail(err, ET_EUNSUPPORTED, -1,
                       "%.200s: the file holds pictures of %d × %d pixels, not %d × %d",
                       writer->path, held->width, held->height, codec->width, codec->height);
    if (codec->codec_tag && codec->codec_tag != held->codec_tag)
        return refuse(writer, "the file holds the codec in another manner", err);
    // Only AV1 looks the same from an encoder and from a file.
    const bool is_from_file = codec->codec_tag != 0;
    if (codec->codec_id != AV_CODEC_ID_AV1 && is_from_file != (writer->fourcc != 0))
        return refuse(writer, "copied and encoded pictures do not go into one file", err);
    if (!et_str_eq(core(codec), et_buf_str(&writer->config)))
        return refuse(writer, "the codec's parameters differ from what the file holds", err);
    if (delay > writer->mux.delay)
        return refuse(writer, "its pictures are further out of order than the file's", err);
    return ET_OK;
}

enum et_status et__writer_accept(struct et_video_writer *writer, const AVCodecParameters *codec,
                                 int32_t delay, struct et_err *err)
{
    const struct et__mux_options options = {codec, writer->options.fps, delay, true};
    const struct et_str bytes = core(codec);

    if (writer->mux.format)
        return compare(writer, codec, delay, err);
    writer->fourcc = codec->codec_tag;
    et_buf_put(&writer->config, bytes.p, bytes.n);
    enum et_status st = et_buf_check(&writer->config, "a codec's parameters", err);
    if (st == ET_OK)
        st = et__mux_begin(&writer->mux, &options, err);
    return et__writer_note(writer, st, err);
}

// ---- the episode's end, the file's end -------------------------------------------------------

enum et_status et_video_commit(struct et_video_writer *writer, struct et_err *err)
{
    struct et_err own = {0};

    enum et_status st = et__writer_ready(writer, err);
    if (st != ET_OK)
        return st;
    st = et__encoder_drain(writer, &own);
    if (st == ET_OK && writer->mux.format)
        st = et__mux_cut(&writer->mux, &own);
    if (st == ET_OK)
        st = et_file_sync(writer->mux.sink.file, &own);
    if (st == ET_OK)
        writer->n_committed_bytes = writer->mux.sink.n_bytes;
    else if (err)
        *err = own;
    return et__writer_note(writer, st, &own);
}

enum et_status et_video_finish(struct et_video_writer *writer, struct et_err *err)
{
    const int64_t n = writer->n_frames;
    char *path = writer->path;

    enum et_status st = et_video_commit(writer, err);
    if (st == ET_OK && n == 0)
        st = et_fail(err, ET_EARG, -1, "%.200s: a video needs a frame", path);
    writer->path = NULL;
    et_video_writer_close(writer);
    if (st == ET_OK)
        st = et_video_repair(path, n, err);
    free(path);
    return st;
}

enum et_status et_video_repair(const char *path, int64_t n_frames, struct et_err *err)
{
    struct et__mp4 mp4;

    et__av_begin();
    if (n_frames < 1)
        return et_fail(err, ET_EARG, -1, "%.200s: a video needs a frame", path);
    enum et_status st = et__mp4_open(&mp4, path, err);
    if (st != ET_OK)
        return st;
    if (n_frames > mp4.n_frames || (!mp4.is_fragmented && n_frames < mp4.n_frames))
        st = et__mp4_fail(&mp4, err, ET_ECORRUPT, mp4.n_frames,
                          "holds %d whole frames, where %lld are expected", mp4.n_frames,
                          (long long)n_frames);
    else if (mp4.is_fragmented)
        st = et__remux(&mp4, (int32_t)n_frames, path, err);
    et__mp4_close(&mp4);
    return st;
}

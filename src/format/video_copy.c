/* Copying coded pictures from one MP4 into another, without decoding them. */
#include "format__video.h"

#include <stdlib.h>

/* The run of samples that is copied: n from i_first, and how far they are out of order. */
struct run {
    int32_t i_first, n;
    int32_t first_frame;
    int32_t delay;
};

static enum et_status refuse(const struct et__mp4 *mp4, int64_t frame, const char *what,
                             struct et_err *err)
{
    return et__mp4_fail(mp4, err, ET_EUNSUPPORTED, frame, "%s", what);
}

/* The frames must be a run of samples of their own: none of another time among them, and none of
 * theirs outside. Then no picture needs one that is not copied, given that the first is clean. */
static enum et_status find_run(const struct et__mp4 *mp4, struct run *run, struct et_err *err)
{
    run->i_first = mp4->order[run->first_frame];
    if (!mp4->samples[run->i_first].is_key)
        return refuse(mp4, run->first_frame, "the first frame is no key frame", err);
    if (run->n > mp4->n_samples - run->i_first)
        return refuse(mp4, run->first_frame, "a frame needs one from before the first", err);
    for (int32_t i = 0; i < run->n; i++) {
        const int32_t k = mp4->samples[run->i_first + i].i_frame - run->first_frame;
        if (k < 0 || k >= run->n)
            return refuse(mp4, mp4->samples[run->i_first + i].i_frame,
                          "a frame outside the range is needed to decode it", err);
        if (i - k > run->delay)
            run->delay = i - k;
    }
    return ET_OK;
}

/* The pictures are shown at a rate of fps, to a tick of the source. */
static enum et_status check_times(const struct et__mp4 *mp4, const struct run *run, int fps,
                                  struct et_err *err)
{
    const int64_t t_first = mp4->samples[mp4->order[run->first_frame]].pts;

    if (mp4->timescale < 2u * (unsigned)fps)
        return refuse(mp4, -1, "its unit of time is too coarse", err);
    for (int32_t k = 0; k < run->n; k++) {
        const int64_t t = mp4->samples[mp4->order[run->first_frame + k]].pts - t_first;
        if (llabs(t - av_rescale(k, mp4->timescale, fps)) > 1)
            return et__mp4_fail(mp4, err, ET_EUNSUPPORTED, run->first_frame + k,
                                "frame %d is not at its place of %d a second", run->first_frame + k,
                                fps);
    }
    return ET_OK;
}

static enum et_status put_run(struct et_video_writer *writer, const struct et__mp4 *mp4,
                              const struct run *run, AVPacket *packet, struct et_err *err)
{
    const int64_t shift = writer->n_frames - run->first_frame;
    enum et_status st = ET_OK;

    for (int32_t i = 0; st == ET_OK && i < run->n; i++) {
        const int32_t i_sample = run->i_first + i;
        if (i > 0) // the first one is there already
            st = et__mp4_read(mp4, i_sample, packet, err);
        if (st == ET_OK)
            st = et__mux_put(&writer->mux, packet, mp4->samples[i_sample].i_frame + shift, err);
    }
    if (st == ET_OK)
        writer->n_frames += run->n;
    return et__writer_note(writer, st, err);
}

/* Everything that can be refused is refused before the first packet is written. */
static enum et_status copy(struct et_video_writer *writer, const struct et__mp4 *mp4,
                           struct run *run, struct et_err *err)
{
    AVCodecParameters *codec = NULL;
    AVPacket *packet = av_packet_alloc();

    if (!packet)
        return et_fail(err, ET_ENOMEM, -1, "no memory to copy a video");
    enum et_status st = find_run(mp4, run, err);
    if (st == ET_OK)
        st = check_times(mp4, run, writer->options.fps, err);
    if (st == ET_OK)
        st = et__mp4_read(mp4, run->i_first, packet, err);
    if (st == ET_OK && !et__is_clean_start(mp4, packet->data, (size_t)packet->size))
        st = refuse(mp4, run->first_frame, "the first frame is no key frame", err);
    if (st == ET_OK)
        st = et__mp4_codec(mp4, &codec, err);
    if (st == ET_OK) // an episode in the encoder ends here
        st = et__writer_note(writer, et__encoder_drain(writer, err), err);
    // The first copy leaves room for all of its source; later ones have to fit.
    if (st == ET_OK)
        st = et__writer_accept(writer, codec, writer->mux.format ? run->delay : mp4->delay, err);
    if (st == ET_OK)
        st = put_run(writer, mp4, run, packet, err);
    avcodec_parameters_free(&codec);
    av_packet_free(&packet);
    return st;
}

enum et_status et_video_copy(struct et_video_writer *writer, const char *source, int64_t first,
                             int64_t n, struct et_err *err)
{
    struct et__mp4 mp4;

    enum et_status st = et__writer_ready(writer, err);
    if (st != ET_OK)
        return st;
    st = et__mp4_open(&mp4, source, err);
    if (st != ET_OK)
        return st;
    if (first < 0 || n < 1 || first > mp4.n_frames - n) {
        st = et__mp4_fail(&mp4, err, ET_EARG, first, "has frames 0 … %d, not %lld … %lld",
                          mp4.n_frames - 1, (long long)first, (long long)(first + n - 1));
    } else if (mp4.codec == AV_CODEC_ID_NONE) {
        st = et__mp4_fail(&mp4, err, ET_EUNSUPPORTED, -1, "pictures in %s", mp4.fourcc);
    } else {
        struct run run = {.first_frame = (int32_t)first, .n = (int32_t)n};
        st = copy(writer, &mp4, &run, err);
    }
    et__mp4_close(&mp4);
    return st;
}

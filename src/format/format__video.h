/* What the parts of the video module share; nothing else includes it.
 *
 * Files are read by an index of our own, and FFmpeg is used for what it is best at: decoding,
 * encoding, scaling, and muxing. FFmpeg's demuxer tells when a picture is shown only after the
 * picture's bytes were read, takes its memory from counts in the file, and does not say where a
 * file is wrong; a dataset has thousands of videos, from anywhere, and needs all three. */
#ifndef FORMAT__VIDEO_H
#define FORMAT__VIDEO_H

#include "format__picture.h"

#include "etude/file.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#define ET__INDEX_BYTES_MAX (64 << 20)  // of one moov or moof box
#define ET__SAMPLE_BYTES_MAX (64 << 20) // of one coded picture
#define ET__BOXES_MAX (1 << 20)         // top-level boxes of a file

/* ---- the index (video_boxes.c, video_index.c, video_track.c, video_fragment.c) ---- */

/* A box's content where it lies in memory; `at` is the offset in the file of p[0]. */
struct et__box {
    uint32_t type;
    const uint8_t *p;
    size_t n;
    int64_t at;
};

#define ET__TYPE(a, b, c, d) \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* A coded picture, in the order of decoding. */
struct et__sample {
    int64_t offset; // in the file
    int64_t pts;    // when it is shown, ticks of the track, edits applied
    uint32_t n_bytes;
    int32_t i_frame; // presentation order; −1: decoded but never shown
    bool is_key;
};

struct et__mp4 {
    struct et_file *file;
    int64_t n_file_bytes;
    char path[160]; // for messages, cut when longer

    char fourcc[5];       // of the sample description: "av01", "avc1" …
    enum AVCodecID codec; // AV_CODEC_ID_NONE: none that is read here
    int width_px, height_px;
    uint32_t timescale;   // ticks a second, at least 1
    struct et_buf config; // content of av1C, avcC or hvcC; FFmpeg's extradata

    struct et_buf store;        // the samples' memory
    struct et__sample *samples; // n_samples, in the order of decoding
    int32_t n_samples;
    int32_t *order; // n_frames: order[k] is the sample that is shown as frame k
    int32_t n_frames;
    int32_t n_keys;
    int32_t delay;      // the most places that a frame is decoded after the place it is shown at
    int64_t last_ticks; // how long the last sample lasts
    int fps_num, fps_den;
    bool has_audio;
    bool is_fragmented; // as a writer leaves it before it has finished
};

/* Opens the file and reads its index. On failure nothing stays open. */
ET_MUST_USE enum et_status et__mp4_open(struct et__mp4 *mp4, const char *path, struct et_err *err);
void et__mp4_close(struct et__mp4 *mp4); // a zeroed struct is allowed

/* et_fail with the file's path in front. */
enum et_status et__mp4_fail(const struct et__mp4 *mp4, struct et_err *err, enum et_status status,
                            int64_t at, const char *fmt, ...) ET_PRINTF(5, 6);

/* Reads sample i into a packet (unreferenced first). Times: pts and dts are left to the caller. */
ET_MUST_USE enum et_status et__mp4_read(const struct et__mp4 *mp4, int32_t i, AVPacket *packet,
                                        struct et_err *err);

/* True when decoding can begin at these bytes of a sample and needs no picture from before it, by
 * the word of the bit stream (AV1 key frame, H.264 and HEVC IDR) and not only of the container. */
bool et__is_clean_start(const struct et__mp4 *mp4, const uint8_t *p, size_t n);

/* What et_video_probe tells; reads the first picture for its pixel format. */
ET_MUST_USE enum et_status et__probe(const struct et__mp4 *mp4, struct et_video_info *info,
                                     struct et_err *err);

/* Takes the next box of *rest. ET_END: none is left. */
ET_MUST_USE enum et_status et__box_next(const struct et__mp4 *mp4, struct et__box *rest,
                                        struct et__box *box, struct et_err *err);

/* The first box of a type inside another. False: there is none (a malformed inside counts so; a
 * caller that needs the box says what is missing). */
bool et__box_find(const struct et__mp4 *mp4, const struct et__box *parent, uint32_t type,
                  struct et__box *box);

/* A full box's table of n_entries entries: what stands behind `head` bytes of the content, the last
 * four of which are the number of entries. */
struct et__table {
    const uint8_t *p;
    uint32_t n;
    int64_t at;
};
ET_MUST_USE enum et_status et__box_table(const struct et__mp4 *mp4, const struct et__box *box,
                                         size_t head, size_t entry_bytes, struct et__table *table,
                                         struct et_err *err);

static inline uint16_t et__be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t et__be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t et__be64(const uint8_t *p)
{
    return (uint64_t)et__be32(p) << 32 | et__be32(p + 4);
}

/* What the parts of the index reader pass on. */
struct et__index {
    struct et__mp4 *mp4;
    uint32_t track_id;
    uint32_t movie_timescale;
    int64_t next_dts; // where the next fragment begins unless it says so

    bool has_edit;
    int64_t edit_delay; // movie ticks of emptiness before the first frame
    int64_t edit_from;  // track ticks: what is shown begins here …
    int64_t edit_for;   // … and lasts so many movie ticks; 0: to the end

    uint32_t trex_duration, trex_bytes, trex_flags; // defaults of fragments' samples
};

/* Times beyond 17 years are corrupt, and so no sum or product of times overflows. */
static inline int64_t et__ticks_max(const struct et__mp4 *mp4)
{
    return (int64_t)mp4->timescale << 29;
}

/* Appends a sample; checks limits, not the file's end. pts holds dts + composition offset. */
ET_MUST_USE enum et_status et__index_add(struct et__index *index, const struct et__sample *sample,
                                         int64_t at, struct et_err *err);

/* Reads a moov box, and one moof box that began at offset `moof_at`. For a moof whose samples are
 * not all in the file: ET_END, nothing added. */
ET_MUST_USE enum et_status et__index_moov(struct et__index *index, const struct et__box *moov,
                                          struct et_err *err);
ET_MUST_USE enum et_status et__index_moof(struct et__index *index, const struct et__box *moof,
                                          int64_t moof_at, struct et_err *err);

/* ---- FFmpeg (video_av.c) ---- */

/* Makes FFmpeg and the encoders silent, once a process. Before any other call into them. */
void et__av_begin(void);

/* et_fail with FFmpeg's words for an AVERROR. ENOMEM becomes ET_ENOMEM. */
enum et_status et__av_fail(struct et_err *err, enum et_status status, int av_error, const char *fmt,
                           ...) ET_PRINTF(4, 5);

/* A file as FFmpeg's muxer wants it: bytes go to et_file_write_at, failures are kept for later. */
struct et__sink {
    struct et_file *file;
    int64_t at;
    int64_t n_bytes; // the largest offset written to
    AVIOContext *io;
    struct et_err err; // the first failed write; status ET_OK: none
};
ET_MUST_USE enum et_status et__sink_open(struct et__sink *sink, const char *path,
                                         struct et_err *err);
void et__sink_close(struct et__sink *sink); // a zeroed struct is allowed

/* The first failure of any write until now. */
ET_MUST_USE enum et_status et__sink_check(const struct et__sink *sink, struct et_err *err);

/* For FFmpeg's io_open and io_close2: reads the file of format->opaque, an et__sink. */
int et__sink_reopen(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                    AVDictionary **options);
int et__sink_unopen(AVFormatContext *format, AVIOContext *io);

/* ---- muxing (video_mux.c) ---- */

/* An MP4 that takes packets in the order of decoding. */
struct et__mux {
    struct et__sink sink;
    AVFormatContext *format;
    int fps;
    int32_t delay; // frames of reordering that fit
    int64_t n_packets;
    int64_t n_pending_bytes; // of the fragment that is not written yet
    bool is_fragmented, has_head;
};

struct et__mux_options {
    const AVCodecParameters *codec;
    int fps;
    int32_t delay;
    bool is_fragmented;
};

/* The sink is open already; begins the file. */
ET_MUST_USE enum et_status et__mux_begin(struct et__mux *mux, const struct et__mux_options *options,
                                         struct et_err *err);

/* Writes a packet that is shown as frame i_frame; its dts is its turn. The packet is left blank. */
ET_MUST_USE enum et_status et__mux_put(struct et__mux *mux, AVPacket *packet, int64_t i_frame,
                                       struct et_err *err);

/* Fragmented: ends the fragment and writes it. */
ET_MUST_USE enum et_status et__mux_cut(struct et__mux *mux, struct et_err *err);

/* Plain: writes the index. */
ET_MUST_USE enum et_status et__mux_end(struct et__mux *mux, struct et_err *err);
void et__mux_close(struct et__mux *mux); // closes the sink too; a zeroed struct is allowed

/* Writes the first n samples of `from` as a plain MP4 in place of the file at path: beside it,
 * synced, renamed. */
ET_MUST_USE enum et_status et__remux(const struct et__mp4 *from, int32_t n, const char *path,
                                     struct et_err *err);

/* The codec's parameters as the index has them; *codec is freed by the caller. */
ET_MUST_USE enum et_status et__mp4_codec(const struct et__mp4 *mp4, AVCodecParameters **codec,
                                         struct et_err *err);

/* ---- writer (video_write.c, video_encode.c, video_copy.c) ---- */

struct et__encoder {
    AVCodecContext *codec; // NULL between episodes
    AVFrame *frame;        // what is encoded
    AVFrame *rgb;          // the caller's picture
    AVPacket *packet;
    struct et__converter from_rgb, from_frame;
    int64_t n_in, n_out; // frames of this episode
};

struct et_video_writer {
    char *path;
    struct et_video_options options;
    struct et__mux mux;
    struct et__encoder encoder;
    int64_t n_frames;
    int64_t n_committed_bytes;
    uint32_t fourcc;      // codec_tag of the first copy; 0: the file began with an encoder
    struct et_buf config; // parameters that every episode has to have
    struct et_err broken; // a failure after which the file's end is not known; status ET_OK: none
};

/* Takes these parameters for the file, or compares them with what it took first. ET_EUNSUPPORTED:
 * they differ. codec->codec_tag is 0 for an encoder's. */
ET_MUST_USE enum et_status et__writer_accept(struct et_video_writer *writer,
                                             const AVCodecParameters *codec, int32_t delay,
                                             struct et_err *err);

/* Remembers a failure and returns it; after one the file's end is not known and the writer only
 * repeats it, in et__writer_ready. */
enum et_status et__writer_note(struct et_video_writer *writer, enum et_status st,
                               const struct et_err *err);
ET_MUST_USE enum et_status et__writer_ready(const struct et_video_writer *writer,
                                            struct et_err *err);

/* Ends the episode in the encoder: all its packets are in the muxer afterwards. */
ET_MUST_USE enum et_status et__encoder_drain(struct et_video_writer *writer, struct et_err *err);
void et__encoder_close(struct et__encoder *encoder);

/* The picture that et_video_next gave last; NULL: none. Belongs to the reader. */
const AVFrame *et__reader_frame(const struct et_video_reader *reader);

#endif

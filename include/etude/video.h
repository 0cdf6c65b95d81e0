/* Video: cameras' MP4 files, read by frame number, written by episode.
 *
 * AV1, H.264 and HEVC in MP4. A dataset addresses a frame by its time, so a reader here is exact to
 * the frame, and a writer places frame k at k / fps to the tick. The only module that sees FFmpeg,
 * which decodes, encodes, scales and muxes; the index of a file is read by code of our own, because
 * times, limits and the place of a mistake are needed without reading the pictures.
 *
 * A writer's file is a fragmented MP4 while it grows, one fragment run an episode, so that what was
 * committed can be played after a kill; finishing makes it a plain MP4 with its index in front, as
 * LeRobot writes them. The same frames and options give the same bytes.
 *
 * Once a process, before the first call, FFmpeg's log callback is replaced by a silent one (it is
 * global: a program that wants FFmpeg's log sets its own afterwards), and SVT_LOG is set to 0 in
 * the environment unless it is set already, which is the only way to silence SVT-AV1.
 *
 * Units:   frames are counted from 0; times are nanoseconds in the file's own time line.
 * Threads: a handle belongs to one thread. Decoding and encoding run on the calling thread unless
 *          n_threads asks for more; SVT-AV1 alone always has threads of its own, of which about
 *          n_threads work at a time.
 * Memory:  a handle holds what its codec holds, one frame, and 36 bytes for each frame of the file
 *          it reads (at most ET_VIDEO_FRAMES_MAX) or up to 8 MB of a fragment that it writes. */
#ifndef ETUDE_VIDEO_H
#define ETUDE_VIDEO_H

#include "etude/arena.h"
#include "etude/str.h"

#define ET_VIDEO_SIDE_PX_MAX 16384
#define ET_VIDEO_PIXELS_MAX (1 << 24) // of a picture that is decoded: 4096 × 4096
#define ET_VIDEO_FRAMES_MAX (1 << 21) // of one file: 19 hours at 30 a second

struct et_video_info {
    char codec[16];        // "av1", "h264", "hevc", or FFmpeg's name of another
    char pixel_format[24]; // "yuv420p"
    int width_px, height_px;
    int fps_num, fps_den; // average rate, lowest terms; 0/1 unknown
    int64_t n_frames;     // samples in the file's index
    int64_t n_key_frames;
    int64_t duration_ns;
    double frame_error_s; // largest |pts − k / fps| over all frames, k by presentation order
    bool has_audio;
    bool is_fragmented; // a writer has not finished it
};

/* Reads the index and the first picture's head, decodes nothing. The path is a local file's,
 * whatever it looks like. ET_ENOTFOUND, ET_EIO: as et_file_open. ET_ECORRUPT: not a video file, no
 * index (a recording that was cut), or a cut one. ET_EUNSUPPORTED: Matroska or AVI, no video stream
 * in it, an edit list that cuts it up. ET_ELIMIT: a limit above. err->at is the offset. A codec
 * that is not read here is told all the same. */
ET_MUST_USE ET_API enum et_status et_video_probe(const char *path, struct et_video_info *info,
                                                 struct et_err *err);

/* A decoded picture. Planes belong to the reader and are valid until the next call on it. */
struct et_frame {
    int64_t i_frame; // presentation order in the file, from 0
    int64_t t_ns;
    int width_px, height_px;
    const uint8_t *luma; // 8-bit Y plane, height_px rows of luma_stride bytes
    int luma_stride;
};

struct et_video_reader;

/* n_threads 0 or 1: the calling thread. Statuses as et_video_probe; ET_EUNSUPPORTED also for a
 * codec that is not read here. An unfinished file opens with the frames that are whole in it. */
ET_MUST_USE ET_API enum et_status et_video_open(struct et_video_reader **reader, const char *path,
                                                int n_threads, struct et_err *err);
ET_API void et_video_close(struct et_video_reader *reader); // NULL is allowed
ET_API const struct et_video_info *et_video_info(const struct et_video_reader *reader);

/* The next call to et_video_next gives frame i_frame, exactly. ET_EARG: no such frame. */
ET_MUST_USE ET_API enum et_status et_video_seek(struct et_video_reader *reader, int64_t i_frame,
                                                struct et_err *err);

/* The next frame in presentation order. ET_END: no more. ET_ECORRUPT: the stream cannot be decoded
 * there; err->at is the frame; calling again goes on with the next frame that can be. */
ET_MUST_USE ET_API enum et_status et_video_next(struct et_video_reader *reader,
                                                struct et_frame *frame, struct et_err *err);

/* The picture that et_video_next gave last as RGB, scaled to width_px × height_px: rgb holds
 * 3 × width_px × height_px bytes, rows without padding. */
ET_MUST_USE ET_API enum et_status et_video_rgb(struct et_video_reader *reader, int width_px,
                                               int height_px, uint8_t *rgb, struct et_err *err);

/* Scales 8-bit RGB, rows without padding: `to` holds 3 × to_width × to_height bytes. The same bytes
 * on every machine. ET_EARG: a side of no pixels, or too many. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_video_scale_rgb(const uint8_t *rgb, int width_px,
                                                     int height_px, uint8_t *to, int to_width_px,
                                                     int to_height_px, struct et_err *err);

/* ---- writing ---- */

enum et_video_codec { ET_VIDEO_AV1, ET_VIDEO_H264, ET_VIDEO_HEVC };

/* LeRobot's defaults (lerobot/configs/video.py) where a field is 0: AV1 by SVT-AV1, yuv420p, g 2,
 * crf 30, preset 12. H.264 and HEVC use x264's and x265's "veryfast" at crf 23 and g 2 where 0. */
struct et_video_options {
    enum et_video_codec codec;
    int width_px, height_px; // even
    int fps;                 // frames a second, whole
    int gop;                 // frames from key frame to key frame
    int crf;
    int preset;    // AV1 only
    int n_threads; // 0: 1
};

struct et_video_writer;

/* Creates an MP4 (fragmented until finished). ET_EEXISTS: the path is taken. ET_EARG: options out
 * of range; nothing was created. For a file that only takes copies, width, height and codec come
 * from the first copy and may be 0 here.
 *
 * After a failure of the disk or the encoder (ET_EIO, ET_ENOMEM) a writer is broken: every later
 * call returns the same, and what was committed stays in the file. */
ET_MUST_USE ET_API enum et_status et_video_create(struct et_video_writer **writer, const char *path,
                                                  const struct et_video_options *options,
                                                  struct et_err *err);

/* Adds one picture, encoded: rgb as from et_video_rgb, of the writer's size. ET_EARG: created
 * without a size. ET_EUNSUPPORTED, nothing written: the encoder does not take the options, or the
 * file holds copies with other parameters (H.264 and HEVC: any copies). */
ET_MUST_USE ET_API enum et_status et_video_write_rgb(struct et_video_writer *writer,
                                                     const uint8_t *rgb, struct et_err *err);

/* Adds the picture that `reader` gave last, encoded, without going through RGB (scaled if its size
 * is another, brought to BT.601 and limited range if it says that it is not). ET_EARG also: the
 * reader has given none. */
ET_MUST_USE ET_API enum et_status et_video_write_frame(struct et_video_writer *writer,
                                                       struct et_video_reader *reader,
                                                       struct et_err *err);

/* Adds frames first … first + n − 1 of another MP4 without decoding them.
 * ET_EUNSUPPORTED, nothing written: they cannot be copied into this file (other codec, size or
 * parameters than what it holds; the first frame is no key frame; a frame outside the range is
 * needed; times that are not k / fps). err->text says which; the caller encodes, or begins another
 * file. ET_EARG: no such frames. */
ET_MUST_USE ET_API enum et_status et_video_copy(struct et_video_writer *writer, const char *source,
                                                int64_t first, int64_t n, struct et_err *err);

/* Ends an episode: frames so far survive a kill. The next frame is a key frame. */
ET_MUST_USE ET_API enum et_status et_video_commit(struct et_video_writer *writer,
                                                  struct et_err *err);
ET_API int64_t et_video_writer_n_frames(const struct et_video_writer *writer);
ET_API int64_t et_video_writer_bytes(const struct et_video_writer *writer); // after a commit

/* Commits, makes the file a plain MP4 with the index in front (beside it as <path>.part, then
 * renamed), syncs and closes. The writer is gone whatever the result. On failure the fragmented
 * file stays. ET_EARG: it has no frame. */
ET_MUST_USE ET_API enum et_status et_video_finish(struct et_video_writer *writer,
                                                  struct et_err *err);

/* Closes and leaves the file as a kill would. NULL is allowed. */
ET_API void et_video_writer_close(struct et_video_writer *writer);

/* Makes an unfinished file plain, keeping its first n_frames frames (a commit ended there). A file
 * that is plain already and has that many frames stays as it is. On any failure the file stays as
 * it was. ET_ECORRUPT: fewer whole frames, or a plain file of another length. ET_EARG: n_frames
 * < 1. */
ET_MUST_USE ET_API enum et_status et_video_repair(const char *path, int64_t n_frames,
                                                  struct et_err *err);

/* FFmpeg's, SVT-AV1's, x264's … versions in one line, for provenance. */
ET_API void et_video_versions(char *text, size_t cap);

#endif

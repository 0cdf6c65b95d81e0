/* Video stream: access units in, pictures out, as cameras send them in messages.
 *
 * A camera's driver sends one access unit a message: in H.264 and H.265 as Annex B with start
 * codes, in VP9 a frame or superframe, in AV1 a temporal unit. There is no container that says
 * which of them is a key frame, so the bytes are asked. Every unit is put with a number of the
 * caller's, and every picture is found by the number of the unit that it came from: encoders
 * reorder, and so no picture is ever known by its turn.
 *
 * Decoders hide losses by guessing. Here, after a unit that is damaged or missing, no picture is
 * given until the next start. That a unit is missing is seen by H.264's frame numbers and H.265's
 * references; VP9 and AV1 do not say, there the caller must (et_video_stream_lost). What it rests
 * on for H.265 is FFmpeg's log: a program that sets its own callback (see video.h) loses it.
 *
 * Threads: a handle belongs to one thread; decoding runs on it.
 * Memory:  what the decoder holds (at most 16 pictures behind the last), and as many of the last
 *          pictures again as reordering needs, twice. */
#ifndef ETUDE_VIDEO_STREAM_H
#define ETUDE_VIDEO_STREAM_H

#include "etude/video.h"

enum et_unit_codec { ET_UNIT_H264, ET_UNIT_H265, ET_UNIT_VP9, ET_UNIT_AV1 };

#define ET_UNIT_BYTES_MAX ((size_t)64 << 20)

/* What the bytes of a unit say of it. */
struct et_video_unit {
    bool has_picture;    // false: only parameters, or nothing that is known
    bool is_start;       // decoding can begin here: IDR, H.265's IRAP, a key frame
    bool has_parameters; // SPS and PPS, or AV1's sequence header; of VP9 every key frame
    bool is_leading;     // H.265's RASL: needs what lies before the start that it follows
};

/* Any bytes are allowed; what is not understood is no picture. Reads up to the first slice. */
ET_API void et_video_unit_look(enum et_unit_codec codec, struct et_str bytes,
                               struct et_video_unit *unit);

struct et_video_stream;

/* ET_EUNSUPPORTED: this FFmpeg has no such decoder. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status
et_video_stream_open(struct et_video_stream **stream, enum et_unit_codec codec, struct et_err *err);
ET_API void et_video_stream_close(struct et_video_stream *stream); // NULL is allowed

/* Forgets all units and pictures; the next one must be a start. As after opening. */
ET_API void et_video_stream_begin(struct et_video_stream *stream);

/* Units between the last one and the next were lost: nothing until the next start. */
ET_API void et_video_stream_lost(struct et_video_stream *stream);

/* Decodes a unit. Numbers ascend. A unit that cannot be decoded is no failure here:
 * et_video_stream_find tells it. ET_EARG: the number does not ascend, or the stream was ended.
 * ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_video_stream_put(struct et_video_stream *stream,
                                                      struct et_str bytes, int64_t number,
                                                      struct et_err *err);

/* No more units will be put: the pictures that the decoder still holds come out. */
ET_MUST_USE ET_API enum et_status et_video_stream_end(struct et_video_stream *stream,
                                                      struct et_err *err);

/* The picture of a unit; its t_ns is 0, its i_frame the number. Valid until the next call but
 * et_video_stream_rgb. ET_END: it is not known yet, put more units or end the stream. ET_ENOTFOUND:
 * it was put too long ago, or not at all. ET_ECORRUPT: it has none, or needs what is lost or
 * damaged; err->at is the number, the text says which. ET_EUNSUPPORTED: a format without luma. */
ET_MUST_USE ET_API enum et_status et_video_stream_find(struct et_video_stream *stream,
                                                       int64_t number, struct et_frame *frame,
                                                       struct et_err *err);

/* The picture that was found last as RGB; as et_video_rgb. */
ET_MUST_USE ET_API enum et_status et_video_stream_rgb(struct et_video_stream *stream, int width_px,
                                                      int height_px, uint8_t *rgb,
                                                      struct et_err *err);

/* The size of the picture in a unit that is a start with parameters. ET_ECORRUPT: it is none. */
ET_MUST_USE ET_API enum et_status et_video_unit_size(enum et_unit_codec codec, struct et_str bytes,
                                                     int *width_px, int *height_px,
                                                     struct et_err *err);

/* ---- the other way round: pictures in, H.264 units out ---- */

/* As a camera does that sends what it sees at once: a unit a picture, in their order, each start
 * with its parameters. The same pictures and options give the same bytes. */
struct et_video_coder;

/* How a caller's pictures lie in memory. YUV is ITU-R BT.601 with limited range, as of
 * cameras. */
enum et_video_pixels {
    ET_PIXELS_RGB, // 3 bytes a pixel
    ET_PIXELS_BGR,
    ET_PIXELS_RGBA, // 4; what is transparent is stored as if it were not
    ET_PIXELS_BGRA,
    ET_PIXELS_GREY, // 1
    ET_PIXELS_YUYV, // 2; of two pixels Y U Y V
    ET_PIXELS_UYVY, // 2; U Y V Y
};
ET_API size_t et_video_pixel_bytes(enum et_video_pixels pixels);

struct et_video_coder_options {
    int width_px, height_px; // even
    int fps;                 // what the encoder is told; the units carry no times
    int gop;                 // pictures from start to start; 0: one second
    int qp;                  // quantizer of every picture, 1 … 51; 0: 23
    enum et_video_pixels pixels;
    size_t step_bytes; // from row to row; 0: rows without padding
};

/* ET_EARG: options out of range. ET_EUNSUPPORTED: FFmpeg without x264, or it does not take them.
 * ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_video_coder_open(struct et_video_coder **coder,
                                                      const struct et_video_coder_options *options,
                                                      struct et_err *err);
ET_API void et_video_coder_close(struct et_video_coder *coder); // NULL is allowed

/* Encodes a picture; what it reads ends with the last row's last pixel. *unit is valid until the
 * next call. ET_EIO: the encoder failed; only closing makes sense. */
ET_MUST_USE ET_API enum et_status et_video_coder_put(struct et_video_coder *coder,
                                                     const uint8_t *pixels, struct et_str *unit,
                                                     struct et_err *err);

/* The next picture is a start, and the gop counts from it: where pictures come too seldom for
 * starts by number alone. */
ET_API void et_video_coder_start(struct et_video_coder *coder);

#endif

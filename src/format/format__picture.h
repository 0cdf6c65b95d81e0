/* Decoded pictures: to other sizes and formats (video_convert.c). */
#ifndef FORMAT__PICTURE_H
#define FORMAT__PICTURE_H

#include "etude/video.h"

#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>

struct et__conversion {
    int from_width, from_height, to_width, to_height;
    enum AVPixelFormat from_format, to_format;
    int space;
    bool is_full;
};

/* Kept from call to call; a zeroed struct is empty. */
struct et__converter {
    struct SwsContext *context;
    struct et__conversion now;
};

/* Turns a picture into another size or format; `to` has its size, format and memory. The matrix is
 * BT.601 and the range limited where the picture does not say otherwise, as FFmpeg and LeRobot take
 * them; what is made is BT.601, limited. */
ET_MUST_USE enum et_status et__convert(struct et__converter *converter, const AVFrame *from,
                                       AVFrame *to, struct et_err *err);

/* Fills a frame that has memory of its own with the caller's pixels: swscale reads a few bytes past
 * the last one, which only FFmpeg's own memory allows. */
void et__put_rgb(AVFrame *to, const uint8_t *rgb);

void et__converter_free(struct et__converter *converter);

/* A picture as RGB; as et_video_rgb. */
ET_MUST_USE enum et_status et__frame_rgb(struct et__converter *converter, const AVFrame *frame,
                                         int width_px, int height_px, uint8_t *rgb,
                                         struct et_err *err);

/* Planes of 8 bits: brightness, and colours of half its width and height, rounded up. */
struct et__yuv420 {
    const uint8_t *luma, *u, *v;
    ptrdiff_t luma_stride, u_stride, v_stride;
    int width, height;
};
/* red = (luma · y + offset + red_v (v − 128)) / 2¹⁶, and so on; offset holds the black level and a
 * half for rounding. */
struct et__yuv_matrix {
    int32_t luma, offset, red_v, green_u, green_v, blue_u;
};

/* The whole picture, of the same size; each block of 2 × 2 pixels has its colours, as FFmpeg's own
 * quick way has it. Rows of rgb are `stride` bytes apart (yuv.c). */
void et__yuv420_to_rgb(const struct et__yuv420 *from, const struct et__yuv_matrix *matrix,
                       uint8_t *rgb, ptrdiff_t stride);

/* The luma plane as 8 bits; deeper ones are brought down into *deep, which the caller frees.
 * Formats without luma are refused (ET_EUNSUPPORTED). */
ET_MUST_USE enum et_status et__frame_luma(const AVFrame *frame, uint8_t **deep, struct et_frame *to,
                                          struct et_err *err);

/* True when the encoders take the picture as it is: yuv420p, BT.601 or unsaid, limited range. */
bool et__is_plain_yuv420(const AVFrame *frame);

#endif

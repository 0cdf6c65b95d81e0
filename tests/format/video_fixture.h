/* Small videos that carry each frame's number as sixteen light or dark blocks, which survive lossy
 * coding; made by our writer, or straight by FFmpeg as other tools make them. */
#ifndef TESTS_VIDEO_FIXTURE_H
#define TESTS_VIDEO_FIXTURE_H

#include "etude/video.h"

#include <stdint.h>

#define BAR_W 128
#define BAR_H 96

/* The picture of a number (3 × BAR_W × BAR_H bytes), and the number of a picture of any size. */
void bar_rgb(int number, uint8_t *rgb);
int bar_number(const struct et_frame *frame);

/* Writes pictures first … first + n − 1 with our writer, all one episode, and finishes. */
void make_own(const char *path, enum et_video_codec codec, int first, int n, int gop);

/* What other tools write. Zero is a default. */
struct foreign {
    const char *encoder; // "libx264", "libx265", "libvpx-vp9", "libsvtav1" …
    int first, n;        // numbers of the pictures
    int fps;             // 0: 30
    int gop;             // 0: 250
    int b_frames;
    int timescale;      // of the track; 0: FFmpeg's choice
    int shift;          // the first picture's time in frames; what is before 0 is cut by an edit
    const char *params; // "x264-params" or "x265-params"
    const char *movflags;
    const char *format;      // 0: "mp4"
    const char *pix_fmt;     // 0: "yuv420p"
    const char *jitter;      // "ms": times rounded to 1 ms; "late": one frame is late
    int gap;                 // packets lost behind the first key frame
    int width_px, height_px; // 0: BAR_W × BAR_H
};
void make_foreign(const char *path, const struct foreign *what);

/* The same as access units, as a camera's driver sends them: with parameters before each key frame.
 * numbers[i] is that of the picture in unit i. */
struct units {
    struct et_str *bytes; // n, each owned
    int *numbers;
    int n;
};
struct units make_units(const struct foreign *what);
void free_units(struct units *units);

/* Reads the whole file in order. Counts the frames whose number is not first + their place. */
int count_wrong(const char *path, int first, int64_t n_expected);

/* Reads the file here and by FFmpeg's demuxer; counts the frames whose times differ. */
int count_unlike_ffmpeg(const char *path);

#endif

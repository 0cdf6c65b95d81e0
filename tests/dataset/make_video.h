/* Small videos for tests: frame k is grey, and how grey it is says which frame it is. */
#ifndef TESTS_DATASET_MAKE_VIDEO_H
#define TESTS_DATASET_MAKE_VIDEO_H

#include "etude/video.h"
#include "tap.h"

#include <stdlib.h>

static inline int grey_of(int64_t frame)
{
    return 16 + (int)(frame % 50) * 4;
}

static inline void make_video(const char *path, const struct et_video_options *options, int n)
{
    struct et_err err = {0};
    struct et_video_writer *writer = NULL;
    const size_t n_bytes = (size_t)options->width_px * (size_t)options->height_px * 3;
    uint8_t *rgb = malloc(n_bytes);
    CHECK_OK(et_video_create(&writer, path, options, &err));
    for (int k = 0; rgb && k < n; k++) {
        memset(rgb, grey_of(k), n_bytes);
        CHECK_OK(et_video_write_rgb(writer, rgb, &err));
    }
    CHECK_OK(et_video_finish(writer, &err));
    free(rgb);
}

/* The frame whose grey the frame at `at` of a file has; −1 when it cannot be read. Rounded to the
 * nearest grey that stands for a frame. */
static inline int64_t frame_seen(const char *path, int64_t at)
{
    struct et_err err = {0};
    struct et_video_reader *reader = NULL;
    struct et_frame frame;
    int64_t seen = -1;
    if (et_video_open(&reader, path, 1, &err) == ET_OK &&
        et_video_seek(reader, at, &err) == ET_OK && et_video_next(reader, &frame, &err) == ET_OK) {
        uint8_t *rgb = malloc((size_t)frame.width_px * (size_t)frame.height_px * 3);
        if (rgb && et_video_rgb(reader, frame.width_px, frame.height_px, rgb, &err) == ET_OK)
            seen = (rgb[frame.width_px * frame.height_px * 3 / 2] - 16 + 2) / 4;
        free(rgb);
    }
    if (seen < 0)
        printf("# %s at %lld: %s\n", path, (long long)at, err.text);
    et_video_close(reader);
    return seen;
}

#endif

/* MP4 from outside: the index, some pictures in order, and one by a seek. */
#include "etude/video.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES_MAX 6
#define PIXELS_MAX (256 * 256) // more is only slower

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The input as a file; its path. */
static const char *as_file(const uint8_t *data, size_t n)
{
    static char path[64];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("video", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n)
        __builtin_trap();
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *const path = as_file(data, n);
    struct et_video_reader *reader;
    struct et_video_info info;
    struct et_frame frame;
    struct et_err err;
    uint8_t rgb[3 * 8 * 8];

    if (et_video_probe(path, &info, &err) != ET_OK ||
        (int64_t)info.width_px * info.height_px > PIXELS_MAX)
        return 0;
    if (et_video_open(&reader, path, 1, &err) != ET_OK)
        return 0;
    for (int i = 0; i < FRAMES_MAX; i++) {
        const enum et_status st = et_video_next(reader, &frame, &err);
        if (st == ET_END)
            break;
        if (st == ET_OK && et_video_rgb(reader, 8, 8, rgb, &err) == ET_EARG)
            __builtin_trap();
    }
    if (et_video_seek(reader, info.n_frames / 2, &err) != ET_OK)
        __builtin_trap(); // a frame of the index can be asked for
    const enum et_status st = et_video_next(reader, &frame, &err);
    if (st == ET_OK && frame.i_frame != info.n_frames / 2)
        __builtin_trap();
    et_video_close(reader);
    return 0;
}

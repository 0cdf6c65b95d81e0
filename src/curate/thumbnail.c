#include "curate/curate__report.h"

#include "etude/frames.h"
#include "etude/image.h"
#include "etude/video.h"

#include <stdlib.h>

#define HEIGHT_MAX_PX 600
#define JPEG_QUALITY 78

struct et__thumbnails {
    const struct et_video_ref *video;
    struct et_video_reader *reader; // of a file, or
    struct et_frames *frames;       // of a recording
};

enum et_status et__thumbnails_open(struct et__thumbnails **thumbnails,
                                   const struct et_video_ref *video, struct et_err *err)
{
    struct et__thumbnails *t = calloc(1, sizeof *t);
    enum et_status st = ET_OK;
    *thumbnails = NULL;
    if (!t)
        return et_fail(err, ET_ENOMEM, -1, "no memory for thumbnails");
    t->video = video;
    if (!video->is_recorded)
        st = et_video_open(&t->reader, video->path, 1, err);
    else if (!video->t_arrival_ns)
        st = et_fail(err, ET_EUNSUPPORTED, -1, "it is not known when its pictures arrived");
    else
        st = et_frames_open(&t->frames,
                            &(struct et_frames_range){.path = video->path,
                                                      .profile = video->profile,
                                                      .device = video->device,
                                                      .stream = video->stream.name,
                                                      .t_arrival_ns = video->t_arrival_ns,
                                                      .t_device_ns = video->t_device_ns,
                                                      .n_frames = video->n_frames},
                            err);
    if (st == ET_OK)
        *thumbnails = t;
    else
        et__thumbnails_close(t);
    return st;
}

void et__thumbnails_close(struct et__thumbnails *thumbnails)
{
    if (!thumbnails)
        return;
    et_video_close(thumbnails->reader);
    et_frames_close(thumbnails->frames);
    free(thumbnails);
}

/* Room for a picture of the page's width and the shape of one that is width_px × height_px. */
static enum et_status make_small(int width_px, int height_px, struct et_arena *arena,
                                 struct et_image *small, struct et_err *err)
{
    const int64_t height = (int64_t)ET__THUMBNAIL_WIDTH_PX * height_px / width_px;
    *small = (struct et_image){.width_px = ET__THUMBNAIL_WIDTH_PX,
                               .height_px = height < 1               ? 1
                                            : height > HEIGHT_MAX_PX ? HEIGHT_MAX_PX
                                                                     : (int)height,
                               .n_channels = 3,
                               .n_bits = 8};
    small->pixels =
        et_arena_array(arena, (size_t)3 * ET__THUMBNAIL_WIDTH_PX, (size_t)small->height_px);
    return small->pixels ? ET_OK : et_arena_fail(arena, "a thumbnail", err);
}

/* Depth as grey: what is near is bright, what was not measured is black. */
static enum et_status show_depth(struct et_image *image, struct et_arena *arena, struct et_err *err)
{
    const uint16_t *mm = image->pixels;
    const size_t n = (size_t)image->width_px * (size_t)image->height_px;
    uint8_t *rgb = et_arena_array(arena, n, 3);
    uint16_t least = UINT16_MAX, most = 0;
    if (!rgb)
        return et_arena_fail(arena, "a thumbnail", err);
    for (size_t i = 0; i < n; i++) {
        least = mm[i] && mm[i] < least ? mm[i] : least;
        most = mm[i] > most ? mm[i] : most;
    }
    const int span = most > least ? most - least : 1;
    for (size_t i = 0; i < n; i++) {
        const int grey = mm[i] ? 255 - 223 * (mm[i] - least) / span : 0;
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = (uint8_t)grey;
    }
    image->pixels = rgb;
    return ET_OK;
}

static enum et_status from_recording(struct et__thumbnails *t, int64_t k, struct et_arena *arena,
                                     struct et_image *small, struct et_err *err)
{
    struct et_image image;
    enum et_status st = et_frames_go_to(t->frames, k, err);
    if (st == ET_OK)
        st = et_frames_image(t->frames, &image, err);
    if (st == ET_OK && image.n_bits == 16)
        st = show_depth(&image, arena, err);
    if (st == ET_OK)
        st = make_small(image.width_px, image.height_px, arena, small, err);
    if (st == ET_OK)
        st = et_video_scale_rgb(image.pixels, image.width_px, image.height_px, small->pixels,
                                small->width_px, small->height_px, err);
    return st;
}

static enum et_status from_file(struct et__thumbnails *t, int64_t k, struct et_arena *arena,
                                struct et_image *small, struct et_err *err)
{
    struct et_frame frame;
    enum et_status st = et_video_seek(t->reader, t->video->first_frame + k, err);
    if (st == ET_OK)
        st = et_video_next(t->reader, &frame, err);
    if (st == ET_OK)
        st = make_small(frame.width_px, frame.height_px, arena, small, err);
    if (st == ET_OK)
        st = et_video_rgb(t->reader, small->width_px, small->height_px, small->pixels, err);
    return st;
}

enum et_status et__thumbnail(struct et__thumbnails *thumbnails, int64_t k, struct et_arena *arena,
                             struct et_buf *jpeg, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et_image small;
    enum et_status st = thumbnails->frames ? from_recording(thumbnails, k, arena, &small, err)
                                           : from_file(thumbnails, k, arena, &small, err);
    if (st == ET_OK)
        st = et_image_encode_jpeg(&small, JPEG_QUALITY, jpeg, err);
    et_arena_rewind(arena, mark);
    return st;
}

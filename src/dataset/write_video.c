/* A camera's frames: copied where they can be, encoded where not. A file takes only the one or only
 * the other, so that its info describes all of it. */
#include "dataset/dataset__write.h"

#include <assert.h>

#define MB (1024.0 * 1024.0)

static const char *key_of(const struct et_dataset_writer *w, const struct et__camera *camera)
{
    return w->spec->fields[camera->i_field].name;
}

static enum et_status place_file(struct et_dataset_writer *w, struct et__camera *camera,
                                 struct et_err *err)
{
    if (w->spec->layout == ET_LAYOUT_V21) {
        camera->file = w->totals.n_episodes;
        camera->chunk = camera->file / w->spec->chunk_files;
    } else if (camera->n_frames > 0) {
        et__next_file(&camera->chunk, &camera->file, w->spec->chunk_files);
    }
    camera->n_frames = camera->n_bytes = 0;
    const struct et__path_fields fields = {.chunk = camera->chunk,
                                           .file = camera->file,
                                           .episode = camera->file,
                                           .video_key = key_of(w, camera)};
    return et__writer_path(w, et__video_template(w->spec->layout), &fields, camera->path, err);
}

/* Begins a file; options with a size of 0 for one that takes copies. */
static enum et_status begin_file(struct et_dataset_writer *w, struct et__camera *camera,
                                 const struct et_video_options *options, struct et_err *err)
{
    assert(!camera->writer);
    enum et_status st = place_file(w, camera, err);
    if (st != ET_OK)
        return st;
    camera->is_encoding = options->width_px > 0;
    camera->width_px = options->width_px;
    camera->height_px = options->height_px;
    return et_video_create(&camera->writer, camera->path, options, err);
}

// Ends the growing file; the next episode begins another. One that holds nothing is taken away.
static enum et_status end_file(struct et__camera *camera, struct et_err *err)
{
    struct et_video_writer *writer = camera->writer;
    if (!writer)
        return ET_OK;
    camera->writer = NULL;
    if (et_video_writer_n_frames(writer) > 0)
        return et_video_finish(writer, err);
    et_video_writer_close(writer);
    return et_file_remove(camera->path, err);
}

/* LeRobot's rule, with the episode's size estimated from the file's frames so far, and a longest
 * file beside it, because float32 times lose the 1e-4 s that its loader tolerates. */
static bool is_full(const struct et__spec *spec, const struct et__camera *camera, int64_t n_rows)
{
    const double frames = (double)camera->n_frames, bytes = (double)camera->n_bytes;
    if (!camera->writer || camera->n_frames == 0)
        return false;
    return (bytes + bytes / frames * (double)n_rows) / MB >= spec->video_file_mb ||
           (frames + (double)n_rows) / spec->fps > spec->video_file_s;
}

static enum et_status copy_frames(struct et_dataset_writer *w, struct et__camera *camera,
                                  const struct et_new_video *video, int64_t n_rows,
                                  struct et_err *err)
{
    const struct et_video_options options = {.fps = w->spec->fps};
    enum et_status st = ET_OK;

    if (camera->writer && !camera->is_encoding) {
        st = et_video_copy(camera->writer, video->path, video->first_frame, n_rows, err);
        if (st != ET_EUNSUPPORTED)
            return st;
    }
    st = end_file(camera, err);
    if (st == ET_OK)
        st = begin_file(w, camera, &options, err);
    if (st == ET_OK)
        st = et_video_copy(camera->writer, video->path, video->first_frame, n_rows, err);
    return st;
}

/* ---- encoding ---- */

static enum et_status begin_encoding(struct et_dataset_writer *w, struct et__camera *camera,
                                     int width_px, int height_px, struct et_err *err)
{
    struct et_video_options options = w->spec->video;
    options.fps = w->spec->fps;
    options.width_px = width_px & ~1; // yuv420p halves both sides
    options.height_px = height_px & ~1;
    if (options.width_px < 2 || options.height_px < 2)
        return et_fail(err, ET_EUNSUPPORTED, -1, "frames of %d × %d pixels cannot be encoded",
                       width_px, height_px);
    if (camera->writer && camera->is_encoding && camera->width_px == options.width_px &&
        camera->height_px == options.height_px)
        return ET_OK;
    const enum et_status st = end_file(camera, err);
    return st == ET_OK ? begin_file(w, camera, &options, err) : st;
}

static enum et_status encode_video(struct et__camera *camera, struct et_video_reader *reader,
                                   const struct et_new_video *video, int64_t n_rows,
                                   struct et_err *err)
{
    int64_t at = -1;
    enum et_status st = ET_OK;
    for (int64_t row = 0; st == ET_OK && row < n_rows; row++) {
        const int64_t k = video->frame_of_row ? video->frame_of_row[row] : row;
        st = et__video_go_to(reader, video->first_frame + k, &at, err);
        if (st == ET_OK)
            st = et_video_write_frame(camera->writer, reader, err);
    }
    return st;
}

static enum et_status encode_black(struct et_dataset_writer *w, struct et__camera *camera,
                                   int64_t n_rows, struct et_err *err)
{
    const size_t n_bytes = (size_t)camera->width_px * (size_t)camera->height_px * 3;
    const struct et_arena_mark mark = et_arena_mark(w->arena);
    const uint8_t *black = et_arena_alloc(w->arena, n_bytes);
    enum et_status st = black ? ET_OK : et_arena_fail(w->arena, "a picture", err);
    for (int64_t row = 0; st == ET_OK && row < n_rows; row++)
        st = et_video_write_rgb(camera->writer, black, err);
    et_arena_rewind(w->arena, mark);
    return st;
}

static enum et_status encode_picture(struct et_dataset_writer *w, struct et__camera *camera,
                                     struct et_frames *frames, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(w->arena);
    struct et_image image;
    enum et_status st = et_frames_image(frames, &image, err);
    if (st != ET_OK)
        return st;
    if (image.n_bits != 8 || image.n_channels != 3)
        return et_fail(err, ET_EUNSUPPORTED, -1, "a colour picture of %d bits and %d channels",
                       image.n_bits, image.n_channels);
    const uint8_t *rgb = image.pixels;
    if (image.width_px != camera->width_px || image.height_px != camera->height_px) {
        uint8_t *scaled =
            et_arena_array(w->arena, (size_t)camera->width_px * (size_t)camera->height_px, 3);
        st = scaled ? et_video_scale_rgb(rgb, image.width_px, image.height_px, scaled,
                                         camera->width_px, camera->height_px, err)
                    : et_arena_fail(w->arena, "a picture", err);
        rgb = scaled;
    }
    if (st == ET_OK)
        st = et_video_write_rgb(camera->writer, rgb, err);
    et_arena_rewind(w->arena, mark);
    return st;
}

/* Pictures of a recording, each decoded when it is wanted. */
static enum et_status encode_recorded(struct et_dataset_writer *w, struct et__camera *camera,
                                      const struct et_new_video *video, int64_t n_rows,
                                      struct et_err *err)
{
    struct et_frames *frames = NULL;
    enum et_status st = et_frames_open(&frames, video->recorded, err);
    for (int64_t row = 0; st == ET_OK && row < n_rows; row++) {
        st = et_frames_go_to(frames, video->frame_of_row[row], err);
        if (st == ET_OK)
            st = encode_picture(w, camera, frames, err);
    }
    et_frames_close(frames);
    return st;
}

static enum et_status encode_frames(struct et_dataset_writer *w, struct et__camera *camera,
                                    const struct et_new_video *video, int64_t n_rows,
                                    struct et_err *err)
{
    const struct et__field *field = &w->spec->fields[camera->i_field];
    struct et_video_reader *reader = NULL;
    enum et_status st = ET_OK;
    if (field->is_depth)
        return et_fail(err, ET_EUNSUPPORTED, -1, "frames of depth can only be copied");
    int width_px, height_px; // as declared: what is encoded is scaled to it
    et__field_size(field, &width_px, &height_px);
    if (!video->path) {
        st = begin_encoding(w, camera, width_px, height_px, err);
        return st == ET_OK ? encode_black(w, camera, n_rows, err) : st;
    }
    if (video->recorded) {
        st = begin_encoding(w, camera, width_px, height_px, err);
        return st == ET_OK ? encode_recorded(w, camera, video, n_rows, err) : st;
    }
    st = et_video_open(&reader, video->path, w->spec->video.n_threads, err);
    if (st != ET_OK)
        return st;
    const struct et_video_info *info = et_video_info(reader);
    if (width_px < 2 || height_px < 2) {
        width_px = info->width_px;
        height_px = info->height_px;
    }
    st = begin_encoding(w, camera, width_px, height_px, err);
    if (st == ET_OK)
        st = encode_video(camera, reader, video, n_rows, err);
    et_video_close(reader);
    return st;
}

/* ---- an episode ---- */

enum et_status et__camera_add(struct et_dataset_writer *w, struct et__camera *camera,
                              const struct et_new_video *video, int64_t n_rows,
                              struct et__placed *placed, struct et_err *err)
{
    const bool may_copy = video->path && !video->must_encode && !video->frame_of_row;
    enum et_status st = ET_OK;
    if (is_full(w->spec, camera, n_rows))
        st = end_file(camera, err);
    if (st != ET_OK)
        return st;

    camera->is_touched = true;
    st = may_copy ? copy_frames(w, camera, video, n_rows, err) : ET_EUNSUPPORTED;
    const bool is_encoded = st == ET_EUNSUPPORTED;
    if (is_encoded)
        st = encode_frames(w, camera, video, n_rows, err);
    if (st == ET_OK)
        st = et_video_commit(camera->writer, err);
    if (st != ET_OK)
        return st;
    *placed = (struct et__placed){.chunk = camera->chunk,
                                  .file = camera->file,
                                  .first_frame = camera->n_frames,
                                  .n_frames = camera->n_frames + n_rows,
                                  .is_encoded = is_encoded};
    placed->n_bytes = et_video_writer_bytes(camera->writer);
    if (et_video_writer_n_frames(camera->writer) != placed->n_frames)
        return et_fail(err, ET_ECORRUPT, -1, "%.150s gave %lld frames for %lld rows",
                       video->path ? video->path : "black",
                       (long long)(et_video_writer_n_frames(camera->writer) - camera->n_frames),
                       (long long)n_rows);
    return w->spec->layout == ET_LAYOUT_V21 ? end_file(camera, err) : ET_OK;
}

void et__camera_keep(struct et__camera *camera, const struct et__placed *placed)
{
    camera->n_frames = placed->n_frames;
    camera->n_bytes = placed->n_bytes;
    camera->is_touched = false;
}

enum et_status et__camera_undo(struct et_dataset_writer *w, struct et__camera *camera,
                               struct et_err *err)
{
    if (!camera->is_touched)
        return ET_OK;
    camera->is_touched = false;
    et_video_writer_close(camera->writer);
    camera->writer = NULL;

    bool is_file = false;
    enum et_status st = et__is_file(camera->path, &is_file, err);
    if (st != ET_OK || !is_file)
        return st;
    if (w->spec->layout == ET_LAYOUT_V21 || camera->n_frames == 0)
        return et_file_remove(camera->path, err);
    return et_video_repair(camera->path, camera->n_frames, err);
}

enum et_status et__camera_finish(struct et__camera *camera, struct et_err *err)
{
    return end_file(camera, err);
}

#include "curate/curate__flow.h"
#include "curate/curate__inspect.h"

#include "etude/frames.h"
#include "etude/video.h"

#include <assert.h>
#include <math.h>

// Frames are looked at through boxes of whole pixels, about this many across: what can be told from
// a picture as a whole does not need more.
#define WIDTH_PX 320
#define TILE_PX 20
#define COARSE 4 // boxes across a coarse one, through which only large things are seen
// Video luma is 16 for black and 235 for white (ITU-R BT.601); levels are 0 … 255. What little full
// range video there is comes out somewhat dark and bright at its ends, which no threshold notices.
#define LUMA_BLACK 16.0
#define LUMA_SPAN 219.0

/* A picture of box means, and what it takes to make one. */
struct small {
    int width_px, height_px;
    int box_px;
    float *now, *before, *coarse;
};

static bool small_open(struct small *small, const struct et_frame *frame, struct et_arena *arena)
{
    small->box_px = frame->width_px > WIDTH_PX ? frame->width_px / WIDTH_PX : 1;
    small->width_px = frame->width_px / small->box_px;
    small->height_px = frame->height_px / small->box_px;
    const size_t n = (size_t)small->width_px * (size_t)small->height_px + ET__FLOW_PAD;
    small->now = et_arena_array(arena, n, sizeof *small->now);
    small->before = et_arena_array(arena, n, sizeof *small->before);
    small->coarse = et_arena_array(arena, n / (COARSE * COARSE) + 1, sizeof *small->coarse);
    return small->now && small->before && small->coarse;
}

/* Adds one row of pixels to the row of boxes it belongs to. */
static void add_row(const uint8_t *luma, int box_px, int width_px, float *row)
{
    if (box_px ==
        2) { // the common case, 640 pixels across, is worth a loop that needs no inner one
        for (int x = 0; x < width_px; x++)
            row[x] += (float)(luma[2 * x] + luma[2 * x + 1]);
        return;
    }
    for (int x = 0; x < width_px; x++) {
        int sum = 0;
        for (int i = 0; i < box_px; i++)
            sum += luma[x * box_px + i];
        row[x] += (float)sum;
    }
}

static void shrink(struct small *small, const struct et_frame *frame)
{
    const float scale =
        (float)(255.0 / LUMA_SPAN / ((double)small->box_px * (double)small->box_px));
    float *const swap = small->before;
    small->before = small->now;
    small->now = swap;
    for (int y = 0; y < small->height_px; y++) {
        float *row = &small->now[(size_t)y * (size_t)small->width_px];
        memset(row, 0, (size_t)small->width_px * sizeof *row);
        for (int i = 0; i < small->box_px; i++) {
            const ptrdiff_t at = (ptrdiff_t)(y * small->box_px + i) * frame->luma_stride;
            add_row(frame->luma + at, small->box_px, small->width_px, row);
        }
        for (int x = 0; x < small->width_px; x++)
            row[x] *= scale;
    }
}

/* Mean level of the picture, 0 … 255. */
static double mean_of(const struct small *small)
{
    double sum = 0;
    for (int y = 0; y < small->height_px; y++) {
        const float *row = &small->now[(size_t)y * (size_t)small->width_px];
        float of_row = 0;
        for (int x = 0; x < small->width_px; x++)
            of_row += row[x];
        sum += (double)of_row;
    }
    const double mean = sum / ((double)small->width_px * (double)small->height_px);
    return fmax(0, fmin(255, mean - LUMA_BLACK * 255.0 / LUMA_SPAN));
}

static double tile_change(const struct small *small, int left, int top)
{
    const int right = left + TILE_PX < small->width_px ? left + TILE_PX : small->width_px;
    const int bottom = top + TILE_PX < small->height_px ? top + TILE_PX : small->height_px;
    double sum = 0;
    for (int y = top; y < bottom; y++) {
        const size_t at = (size_t)y * (size_t)small->width_px;
        float of_row = 0;
        for (int x = left; x < right; x++)
            of_row += fabsf(small->now[at + (size_t)x] - small->before[at + (size_t)x]);
        sum += (double)of_row;
    }
    return sum / ((double)(right - left) * (double)(bottom - top));
}

/* A hand that moves in a corner changes little of the whole picture, but all of a tile. */
static double change_of(const struct small *small)
{
    double most = 0;
    for (int top = 0; top < small->height_px; top += TILE_PX)
        for (int left = 0; left < small->width_px; left += TILE_PX)
            most = fmax(most, tile_change(small, left, top));
    return most;
}

/* How far all that is seen went: edges change as many pixels as they cross. */
static double motion_of(const struct small *small)
{
    double sum = 0;
    for (int y = 0; y < small->height_px; y++) {
        const size_t at = (size_t)y * (size_t)small->width_px;
        float of_row = 0;
        for (int x = 0; x < small->width_px; x++)
            of_row += fabsf(small->now[at + (size_t)x] - small->before[at + (size_t)x]);
        sum += (double)of_row;
    }
    return sum / ((double)small->width_px * (double)small->height_px);
}

/* Variance of the Laplacian (Pech-Pacheco et al. 2000, ICPR 3, 314): edges make it large. */
static double sharpness_of(const float *picture, size_t width, size_t height)
{
    double sum = 0, sum2 = 0;
    if (width <= 2 || height <= 2)
        return 0;
    for (size_t y = 1; y + 1 < height; y++) {
        const float *row = &picture[y * width];
        float of_row = 0, of_row2 = 0;
        for (size_t x = 1; x + 1 < width; x++) {
            const float l =
                row[x - 1] + row[x + 1] + *(row + x - width) + row[x + width] - 4 * row[x];
            of_row += l;
            of_row2 += l * l;
        }
        sum += (double)of_row;
        sum2 += (double)of_row2;
    }
    const double n = (double)(width - 2) * (double)(height - 2);
    return sum2 / n - (sum / n) * (sum / n);
}

/* The sharpness of what is left when small things are gone. */
static double coarse_sharpness_of(struct small *small)
{
    const size_t width = (size_t)small->width_px / COARSE,
                 height = (size_t)small->height_px / COARSE;
    memset(small->coarse, 0, width * height * sizeof *small->coarse);
    for (size_t y = 0; y < height * COARSE; y++) {
        const float *row = &small->now[y * (size_t)small->width_px];
        float *to = &small->coarse[y / COARSE * width];
        for (size_t x = 0; x < width; x++, row += COARSE)
            to[x] += (row[0] + row[1] + row[2] + row[3]) / (COARSE * COARSE);
    }
    return sharpness_of(small->coarse, width, height);
}

/* The arrays that a camera's measures are written to. */
struct measures {
    int64_t *t_ns;
    double *mean, *change, *motion, *flows, *sharpness, *coarse_sharpness;
    int64_t *lost_ns; // of pictures that cannot be decoded
};

static bool measures_open(struct measures *m, size_t n, struct et_arena *arena)
{
    m->t_ns = et_arena_array(arena, n, sizeof *m->t_ns);
    m->lost_ns = et_arena_array(arena, n, sizeof *m->lost_ns);
    m->mean = et_arena_array(arena, n, sizeof *m->mean);
    m->change = et_arena_array(arena, n, sizeof *m->change);
    m->motion = et_arena_array(arena, n, sizeof *m->motion);
    m->flows = et_arena_array(arena, n * ET__N_FLOWS, sizeof *m->flows);
    m->sharpness = et_arena_array(arena, n, sizeof *m->sharpness);
    m->coarse_sharpness = et_arena_array(arena, n, sizeof *m->coarse_sharpness);
    return m->t_ns && m->lost_ns && m->mean && m->change && m->motion && m->flows && m->sharpness &&
           m->coarse_sharpness;
}

/* Where a camera's frames come from: an MP4, or a recording. */
struct source {
    struct et_video_reader *reader;
    struct et_frames *frames;
    uint8_t *luma; // of a recorded picture
    size_t n_luma;
    bool is_lost; // the recorded picture is there and cannot be decoded; the next may be
};

/* Video luma of RGB (ITU-R BT.601), in 8 bits of fraction. */
static void to_luma(const struct et_image *image, uint8_t *luma)
{
    const size_t n = (size_t)image->width_px * (size_t)image->height_px;
    const uint8_t *rgb = image->pixels;
    for (size_t i = 0; i < n; i++, rgb += 3)
        luma[i] = (uint8_t)(16 + ((66 * rgb[0] + 129 * rgb[1] + 25 * rgb[2] + 128) >> 8));
}

/* Depth as grey: 16 mm a level, so that what moves in four metres is seen. */
static void depth_to_luma(const struct et_image *image, uint8_t *luma)
{
    const size_t n = (size_t)image->width_px * (size_t)image->height_px;
    const uint16_t *mm = image->pixels;
    for (size_t i = 0; i < n; i++)
        luma[i] = (uint8_t)(mm[i] >= 219 * 16 ? 235 : 16 + mm[i] / 16);
}

static enum et_status next_recorded(struct source *source, size_t k, struct et_arena *arena,
                                    struct et_frame *frame, struct et_err *err)
{
    struct et_image image;
    source->is_lost = false;
    enum et_status st = et_frames_go_to(source->frames, (int64_t)k, err);
    if (st != ET_OK)
        return st;
    st = et_frames_image(source->frames, &image, err);
    source->is_lost = st != ET_OK && st != ET_ENOMEM && st != ET_EIO;
    if (st != ET_OK)
        return st;
    const size_t n = (size_t)image.width_px * (size_t)image.height_px;
    if (!source->luma || n > source->n_luma) {
        source->luma = et_arena_alloc(arena, n);
        source->n_luma = n;
    }
    if (!source->luma)
        return et_arena_fail(arena, "a picture", err);
    if (image.n_bits == 16)
        depth_to_luma(&image, source->luma);
    else
        to_luma(&image, source->luma);
    *frame = (struct et_frame){.i_frame = (int64_t)k,
                               .width_px = image.width_px,
                               .height_px = image.height_px,
                               .luma = source->luma,
                               .luma_stride = image.width_px};
    return ET_OK;
}

static enum et_status next_frame(struct source *source, size_t k, struct et_arena *arena,
                                 struct et_frame *frame, struct et_err *err)
{
    return source->frames ? next_recorded(source, k, arena, frame, err)
                          : et_video_next(source->reader, frame, err);
}

/* The pictures before the one at hand, as small as they are looked at. */
struct seen {
    struct small small;
    struct et__flow flow;
    int width_px, height_px; // of the first
};

static enum et_status begin_seen(struct seen *seen, const struct et_frame *frame,
                                 struct et_arena *arena, struct et_err *err)
{
    seen->width_px = frame->width_px;
    seen->height_px = frame->height_px;
    return small_open(&seen->small, frame, arena) &&
                   et__flow_open(&seen->flow, seen->small.width_px, seen->small.height_px, arena)
               ? ET_OK
               : et_arena_fail(arena, "a small picture", err);
}

/* The n-th picture that was decoded. */
static void measure(struct seen *seen, const struct et_frame *frame, bool is_timed, size_t n,
                    struct measures *m)
{
    struct small *small = &seen->small;
    shrink(small, frame);
    m->mean[n] = mean_of(small);
    m->change[n] = n > 0 ? change_of(small) : (double)NAN;
    m->motion[n] = n > 0 && is_timed ? motion_of(small) : (double)NAN;
    if (is_timed)
        et__flow_next(&seen->flow, small->now, n > 0 ? small->before : NULL,
                      &m->flows[n * ET__N_FLOWS]);
    m->sharpness[n] = sharpness_of(small->now, (size_t)small->width_px, (size_t)small->height_px);
    m->coarse_sharpness[n] = coarse_sharpness_of(small);
}

static enum et_status note_lost(struct et__look *look, struct et__camera *camera, int64_t t_ns,
                                const struct et_err *why, struct measures *m, struct et_err *err)
{
    m->lost_ns[camera->n_lost++] = t_ns;
    if (!camera->lost)
        camera->lost = et_arena_copy(look->arena, why->text, strlen(why->text));
    return camera->lost ? ET_OK : et_arena_fail(look->arena, "a video's trouble", err);
}

/* Reads up to n_frames frames. A frame of another size than the first ends the reading; so does
 * one that cannot be decoded, except in a recording. */
static enum et_status read_frames(struct et__look *look, struct source *source, size_t n_frames,
                                  struct et__camera *camera, struct measures *m, struct et_err *err)
{
    const struct et_video_ref *video = camera->video;
    struct seen seen = {0};
    struct et_frame frame;
    enum et_status st = ET_OK;

    for (size_t k = 0; k < n_frames && st == ET_OK; k++) {
        const int64_t t_ns = video->t_ns ? video->t_ns[k] : et__row_ns(look->episode, k);
        struct et_err why = {0};
        st = next_frame(source, k, look->arena, &frame, &why);
        if (st == ET_ENOTFOUND && source->is_lost) { // parameters of a video in a message of theirs
            st = ET_OK;
            continue;
        }
        if (st != ET_OK && source->is_lost) {
            st = note_lost(look, camera, t_ns, &why, m, err);
            continue;
        }
        if (st == ET_END)
            return et_fail(err, ET_ECORRUPT, (int64_t)camera->n, "the video ends early");
        if (st != ET_OK) {
            *err = why;
            return st;
        }
        if (camera->n == 0)
            st = begin_seen(&seen, &frame, look->arena, err);
        if (st != ET_OK)
            return st;
        if (frame.width_px != seen.width_px || frame.height_px != seen.height_px)
            return et_fail(err, ET_ECORRUPT, (int64_t)k, "the pictures change their size");
        m->t_ns[camera->n] = t_ns;
        measure(&seen, &frame, video->t_ns != NULL, camera->n, m);
        camera->n++;
    }
    return st;
}

static enum et_status open_source(const struct et_video_ref *video, struct source *source,
                                  struct et_err *err)
{
    if (!video->is_recorded) {
        const enum et_status st = et_video_open(&source->reader, video->path, 1, err);
        return st == ET_OK && video->first_frame > 0
                   ? et_video_seek(source->reader, video->first_frame, err)
                   : st;
    }
    if (!video->t_arrival_ns)
        return et_fail(err, ET_EUNSUPPORTED, -1, "it is not known when its pictures arrived");
    const struct et_frames_range range = {.path = video->path,
                                          .profile = video->profile,
                                          .device = video->device,
                                          .stream = video->stream.name,
                                          .t_arrival_ns = video->t_arrival_ns,
                                          .t_device_ns = video->t_device_ns,
                                          .n_frames = video->n_frames};
    return et_frames_open(&source->frames, &range, err);
}

enum et_status et__camera_measure(struct et__look *look, const struct et_video_ref *video,
                                  struct et__camera *camera, struct et_err *err)
{
    // What a file says of its length is not believed beyond the rows that the episode has.
    const int64_t n_rows = look->episode->n_rows;
    const bool has_more = n_rows > 0 && video->n_frames > n_rows && !video->t_ns;
    const int64_t n_wanted = has_more ? n_rows : video->n_frames;
    struct source source = {0};
    struct et_err trouble = {0};
    struct measures m;

    assert(video->is_present && video->path);
    *camera = (struct et__camera){.video = video};
    if (n_wanted <= 0)
        return ET_OK;
    if (!measures_open(&m, (size_t)n_wanted, look->arena))
        return et_arena_fail(look->arena, "a video's measures", err);

    enum et_status st = open_source(video, &source, &trouble);
    if (st == ET_OK)
        st = read_frames(look, &source, (size_t)n_wanted, camera, &m, &trouble);
    et_video_close(source.reader);
    et_frames_close(source.frames);
    if (st == ET_ENOMEM || st == ET_ELIMIT) {
        if (err)
            *err = trouble;
        return st;
    }
    if (st != ET_OK) {
        camera->trouble = et_arena_copy(look->arena, trouble.text, strlen(trouble.text));
        if (!camera->trouble)
            return et_arena_fail(look->arena, "a video's trouble", err);
    }
    if (camera->n == 0 && !camera->trouble)
        camera->trouble = camera->lost;
    camera->t_ns = m.t_ns;
    camera->lost_ns = m.lost_ns;
    camera->mean = m.mean;
    camera->change = m.change;
    camera->motion = m.motion;
    camera->flows = video->t_ns ? m.flows : NULL;
    camera->sharpness = m.sharpness;
    camera->coarse_sharpness = m.coarse_sharpness;
    return ET_OK;
}

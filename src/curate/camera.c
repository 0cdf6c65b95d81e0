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
// Video luma is 16 for black and 235 for white (ITU-R BT.601); levels are 0 … 255. What little full
// range video there is comes out somewhat dark and bright at its ends, which no threshold notices.
#define LUMA_BLACK 16.0
#define LUMA_SPAN 219.0

/* A picture of box means, and what it takes to make one. */
struct small {
    int width_px, height_px;
    int box_px;
    float *now, *before;
};

static bool small_open(struct small *small, const struct et_frame *frame, struct et_arena *arena)
{
    small->box_px = frame->width_px > WIDTH_PX ? frame->width_px / WIDTH_PX : 1;
    small->width_px = frame->width_px / small->box_px;
    small->height_px = frame->height_px / small->box_px;
    const size_t n = (size_t)small->width_px * (size_t)small->height_px + ET__FLOW_PAD;
    small->now = et_arena_array(arena, n, sizeof *small->now);
    small->before = et_arena_array(arena, n, sizeof *small->before);
    return small->now && small->before;
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
static double sharpness_of(const struct small *small)
{
    const size_t width = (size_t)small->width_px;
    double sum = 0, sum2 = 0;
    for (size_t y = 1; y + 1 < (size_t)small->height_px; y++) {
        const float *row = &small->now[y * width];
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
    const double n = (double)(small->width_px - 2) * (double)(small->height_px - 2);
    return small->width_px > 2 && small->height_px > 2 ? sum2 / n - (sum / n) * (sum / n) : 0;
}

/* The arrays that a camera's measures are written to. */
struct measures {
    int64_t *t_ns;
    double *mean, *change, *motion, *flows, *sharpness;
};

static bool measures_open(struct measures *m, size_t n, struct et_arena *arena)
{
    m->t_ns = et_arena_array(arena, n, sizeof *m->t_ns);
    m->mean = et_arena_array(arena, n, sizeof *m->mean);
    m->change = et_arena_array(arena, n, sizeof *m->change);
    m->motion = et_arena_array(arena, n, sizeof *m->motion);
    m->flows = et_arena_array(arena, n * ET__N_FLOWS, sizeof *m->flows);
    m->sharpness = et_arena_array(arena, n, sizeof *m->sharpness);
    return m->t_ns && m->mean && m->change && m->motion && m->flows && m->sharpness;
}

/* Where a camera's frames come from: an MP4, or a recording. */
struct source {
    struct et_video_reader *reader;
    struct et_frames *frames;
    uint8_t *luma; // of a recorded picture
    size_t n_luma;
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
    enum et_status st = et_frames_go_to(source->frames, (int64_t)k, err);
    if (st == ET_OK)
        st = et_frames_image(source->frames, &image, err);
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

/* Reads up to n_frames frames. A frame of another size than the first ends the reading. */
static enum et_status read_frames(struct et__look *look, const struct et_video_ref *video,
                                  struct source *source, size_t n_frames, struct measures *m,
                                  size_t *n_read, struct et_err *err)
{
    struct small small = {0};
    struct et__flow flow = {0};
    struct et_frame frame;
    enum et_status st = ET_OK;
    int width_px = 0, height_px = 0;

    for (size_t k = 0;
         k < n_frames && (st = next_frame(source, k, look->arena, &frame, err)) == ET_OK; k++) {
        if (k == 0) {
            width_px = frame.width_px;
            height_px = frame.height_px;
            if (!small_open(&small, &frame, look->arena) ||
                !et__flow_open(&flow, small.width_px, small.height_px, look->arena))
                return et_arena_fail(look->arena, "a small picture", err);
        }
        if (frame.width_px != width_px || frame.height_px != height_px)
            return et_fail(err, ET_ECORRUPT, (int64_t)k, "the pictures change their size");
        shrink(&small, &frame);
        m->t_ns[k] = video->t_ns ? video->t_ns[k] : et__row_ns(look->episode, k);
        m->mean[k] = mean_of(&small);
        m->change[k] = k > 0 ? change_of(&small) : (double)NAN;
        m->motion[k] = k > 0 && video->t_ns ? motion_of(&small) : (double)NAN;
        if (video->t_ns)
            et__flow_next(&flow, small.now, k > 0 ? small.before : NULL,
                          &m->flows[k * ET__N_FLOWS]);
        m->sharpness[k] = sharpness_of(&small);
        *n_read = k + 1;
    }
    if (st == ET_END)
        return et_fail(err, ET_ECORRUPT, (int64_t)*n_read, "the video ends early");
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
    size_t n_read = 0;

    assert(video->is_present && video->path);
    *camera = (struct et__camera){.video = video};
    if (n_wanted <= 0)
        return ET_OK;
    if (!measures_open(&m, (size_t)n_wanted, look->arena))
        return et_arena_fail(look->arena, "a video's measures", err);

    enum et_status st = open_source(video, &source, &trouble);
    if (st == ET_OK)
        st = read_frames(look, video, &source, (size_t)n_wanted, &m, &n_read, &trouble);
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
    camera->n = n_read;
    camera->t_ns = m.t_ns;
    camera->mean = m.mean;
    camera->change = m.change;
    camera->motion = m.motion;
    camera->flows = video->t_ns ? m.flows : NULL;
    camera->sharpness = m.sharpness;
    return ET_OK;
}

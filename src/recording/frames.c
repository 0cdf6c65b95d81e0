#include "recording/recording__film.h"

#include "etude/rvl.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define READER_BYTES ((size_t)64 << 20)
#define PICTURE_BYTES_MAX ((size_t)256 << 20)
#define DEPTH_HEADER_BYTES 12 // of compressedDepth: format, and two parameters of its quantisation

struct et_frames {
    struct et_recording *recording;
    size_t i_stream;
    struct et_frames_range range;
    struct et_arena *arena; // of one picture
    struct et_sample sample;
    struct et_str png; // of the picture that was decoded last, where that is all it is
    int64_t n_beyond;  // pixels of depth that 16 bits of mm cannot say
    int64_t at;        // number of the picture at hand; −1: none yet
    bool is_over;      // reading has ended or failed: what was at hand is gone
    bool is_film;      // a video was found; from then on pictures are messages of its list
    struct et__film film;
    size_t i_message;      // of the list: the picture at hand
    struct et_err no_film; // why there is none: its list is not made again for every picture
};

static enum et_status begin(struct et_frames *f, int64_t from_ns, struct et_err *err)
{
    const struct et_recording_query query = {
        .streams = &f->i_stream,
        .n_streams = 1,
        .from_ns = from_ns,
        .to_ns = f->range.t_last_ns < INT64_MAX ? f->range.t_last_ns + 1 : 0};
    f->at = -1;
    f->is_over = false;
    return et_recording_query(f->recording, &query, err);
}

static enum et_status find_stream(struct et_frames *f, struct et_err *err)
{
    const struct et_recording_binding *binding = et_recording_binding(f->recording);
    for (size_t i = 0; i < binding->n_streams; i++) {
        const struct et_stream *stream = &binding->streams[i].stream;
        const bool is_picture =
            stream->quantity == ET_QUANTITY_IMAGE || stream->quantity == ET_QUANTITY_DEPTH;
        if (is_picture && strcmp(stream->name, f->range.stream) == 0) {
            f->i_stream = i;
            return begin(f, f->range.t_first_ns, err);
        }
    }
    return et_fail(err, ET_EARG, -1, "%.120s has no pictures %.60s by profile %.40s", f->range.path,
                   f->range.stream, binding->profile->id);
}

/* From the first to the last of the caller's times, which may be in any order. */
static void find_range(struct et_frames_range *range)
{
    for (int64_t k = 0; range->t_arrival_ns && k < range->n_frames; k++) {
        const int64_t t_ns = range->t_arrival_ns[k];
        range->t_first_ns = k == 0 || t_ns < range->t_first_ns ? t_ns : range->t_first_ns;
        range->t_last_ns = k == 0 || t_ns > range->t_last_ns ? t_ns : range->t_last_ns;
    }
}

enum et_status et_frames_open(struct et_frames **frames, const struct et_frames_range *range,
                              struct et_err *err)
{
    assert(frames && range && range->path && range->stream);
    const struct et_recording_options how = {.memory_bytes = READER_BYTES, .device = range->device};
    struct et_frames *f = calloc(1, sizeof *f);
    *frames = NULL;
    if (!f)
        return et_fail(err, ET_ENOMEM, -1, "no memory for pictures");
    f->range = *range;
    find_range(&f->range);
    enum et_status st = et_arena_open(&f->arena, PICTURE_BYTES_MAX, err);
    if (st == ET_OK)
        st = et_recording_open(&f->recording, range->path, &how, err);
    if (st == ET_OK)
        st = et_recording_use_profile(f->recording, range->profile, err);
    if (st == ET_OK)
        st = find_stream(f, err);
    f->range.path = f->range.profile = NULL; // they are the caller's
    f->range.device = f->range.stream = NULL;
    if (st != ET_OK)
        et_frames_close(f);
    else
        *frames = f;
    return st;
}

void et_frames_close(struct et_frames *frames)
{
    if (!frames)
        return;
    et__film_close(&frames->film);
    et_recording_close(frames->recording);
    et_arena_close(frames->arena);
    free(frames);
}

/* ---- which picture ---- */

static enum et_status none_there(int64_t k, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, k, "the recording has no picture %lld there", (long long)k);
}

/* How many pictures of the caller's list right before k arrived at the same time as it. */
static size_t n_twins(const struct et_frames_range *range, int64_t k)
{
    size_t n = 0;
    while ((int64_t)n < k && range->t_arrival_ns[k - 1 - (int64_t)n] == range->t_arrival_ns[k])
        n++;
    return n;
}

/* Reads on to the picture that arrived when picture k of the caller's list did; of several, to the
 * one with its stamp, or to the one in its turn. */
static enum et_status read_to_one(struct et_frames *f, int64_t k, bool by_stamp, struct et_err *err)
{
    const int64_t t_ns = f->range.t_arrival_ns[k];
    const bool is_next = f->at >= 0 && !f->is_over && f->sample.t_arrival_ns < t_ns;
    size_t n_before = by_stamp ? 0 : n_twins(&f->range, k);
    enum et_status st = is_next ? ET_OK : begin(f, t_ns, err);
    while (st == ET_OK && (st = et_recording_next(f->recording, &f->sample, err)) == ET_OK) {
        if (f->sample.t_arrival_ns > t_ns)
            return ET_END;
        if (f->sample.t_arrival_ns < t_ns)
            continue;
        if (by_stamp ? f->sample.t_device_ns == f->range.t_device_ns[k] : n_before == 0)
            break;
        n_before -= n_before > 0;
    }
    return st;
}

/* Stamps that count may begin elsewhere than they did when the list was made: then turns decide. */
static enum et_status read_to_time(struct et_frames *f, int64_t k, struct et_err *err)
{
    enum et_status st = ET_END;
    if (f->range.t_device_ns && f->range.t_device_ns[k] != 0) {
        st = read_to_one(f, k, true, err);
        f->is_over = st != ET_OK;
    }
    if (st == ET_END)
        st = read_to_one(f, k, false, err);
    f->at = k;
    return st;
}

static enum et_status read_to(struct et_frames *f, int64_t k, struct et_err *err)
{
    enum et_status st = k < f->at || f->is_over ? begin(f, f->range.t_first_ns, err) : ET_OK;
    for (; st == ET_OK && f->at < k; f->at += st == ET_OK)
        st = et_recording_next(f->recording, &f->sample, err);
    return st;
}

/* The message of the film's list that is picture k. ET_END: there is none. */
static enum et_status find_message(struct et_frames *f, int64_t k)
{
    const struct et__film *film = &f->film;
    size_t i = film->n_before + (size_t)k;
    if (f->range.t_arrival_ns) {
        const int64_t t_ns = f->range.t_arrival_ns[k];
        const int64_t t_wanted_ns = f->range.t_device_ns ? f->range.t_device_ns[k] : 0;
        const size_t first = et__film_find(film, t_ns);
        size_t last = first;
        i = first + n_twins(&f->range, k);
        for (; last < film->n && et__film_at(film, last)->t_arrival_ns == t_ns; last++)
            if (t_wanted_ns != 0 && et__film_at(film, last)->t_device_ns == t_wanted_ns)
                i = last;
        if (i >= last)
            return ET_END;
    }
    f->i_message = i;
    return i < film->n ? ET_OK : ET_END;
}

enum et_status et_frames_go_to(struct et_frames *frames, int64_t k, struct et_err *err)
{
    assert(frames && k >= 0);
    enum et_status st = ET_END;
    const bool is_there = !frames->range.t_arrival_ns || k < frames->range.n_frames;
    if (is_there && frames->is_film) {
        st = find_message(frames, k);
        frames->at = k;
    } else if (is_there && frames->range.t_arrival_ns)
        st = k == frames->at && !frames->is_over ? ET_OK : read_to_time(frames, k, err);
    else if (is_there)
        st = read_to(frames, k, err);
    frames->is_over = st != ET_OK;
    return st == ET_END ? none_there(k, err) : st;
}

bool et_picture_size(const struct et_picture *picture, int *width_px, int *height_px)
{
    struct et_image image = {0};
    struct et_str bytes = picture->bytes;
    struct et_video_unit unit;
    enum et_unit_codec codec;
    *width_px = picture->width_px;
    *height_px = picture->height_px;
    if (picture->coding == ET_PICTURE_DEPTH && bytes.n > DEPTH_HEADER_BYTES)
        bytes = (struct et_str){bytes.p + DEPTH_HEADER_BYTES, bytes.n - DEPTH_HEADER_BYTES};
    if (et__film_codec(picture->coding, &codec)) {
        et_video_unit_look(codec, bytes, &unit);
        return unit.is_start && unit.has_parameters &&
               et_video_unit_size(codec, bytes, width_px, height_px, NULL) == ET_OK;
    }
    const bool is_depth = picture->coding == ET_PICTURE_DEPTH;
    const bool is_coded =
        picture->coding == ET_PICTURE_JPEG || picture->coding == ET_PICTURE_PNG || is_depth;
    if (is_coded && (et_image_probe(bytes, &image, NULL) == ET_OK ||
                     (is_depth && et_rvl_picture(bytes, NULL, &image, NULL) == ET_OK))) {
        *width_px = image.width_px;
        *height_px = image.height_px;
    }
    return *width_px > 0;
}

/* ---- pixels ---- */

// What sensor_msgs/image_encodings.h calls them; depth is millimetres in 16 bits, or metres (REP
// 118).
// clang-format off
static const struct pixels {
    const char *name;
    int n_bytes;          // a pixel
    int red, green, blue; // where they are in it; −1: grey
    bool is_16, is_metres;
} PIXELS[] = {
    {"rgb8",   3,  0, 1, 2, false, false},
    {"bgr8",   3,  2, 1, 0, false, false},
    {"rgba8",  4,  0, 1, 2, false, false},
    {"bgra8",  4,  2, 1, 0, false, false},
    {"8UC3",   3,  2, 1, 0, false, false},
    {"mono8",  1, -1, 0, 0, false, false},
    {"8UC1",   1, -1, 0, 0, false, false},
    {"16UC1",  2, -1, 0, 0, true,  false},
    {"mono16", 2, -1, 0, 0, true,  false},
    {"32FC1",  4, -1, 0, 0, true,  true},
};
// clang-format on

static enum et_status new_image(struct et_frames *f, int width_px, int height_px, bool is_16,
                                struct et_image *image, struct et_err *err)
{
    *image = (struct et_image){.width_px = width_px,
                               .height_px = height_px,
                               .n_channels = is_16 ? 1 : 3,
                               .n_bits = is_16 ? 16 : 8};
    image->pixels = et_arena_array(f->arena, (size_t)width_px * (size_t)height_px,
                                   is_16 ? sizeof(uint16_t) : 3);
    return image->pixels ? ET_OK : et_arena_fail(f->arena, "a picture", err);
}

/* Metres to millimetres. What was not measured is NaN, infinite or not ahead of the camera. */
static uint16_t to_mm(double metres, int64_t *n_beyond)
{
    if (!(metres > 0) || isinf(metres))
        return 0;
    const double mm = round(metres * 1000);
    if (mm > UINT16_MAX) {
        ++*n_beyond;
        return 0;
    }
    return (uint16_t)mm;
}

static void take_row(struct et_frames *f, const struct pixels *kind, const unsigned char *from,
                     int n, void *to)
{
    uint16_t *wide = to;
    uint8_t *rgb = to;
    for (int x = 0; x < n; x++, from += kind->n_bytes) {
        float metres;
        if (kind->is_metres) {
            memcpy(&metres, from, sizeof metres);
            wide[x] = to_mm((double)metres, &f->n_beyond);
        } else if (kind->is_16) {
            wide[x] = (uint16_t)(from[0] | (unsigned)from[1] << 8);
        } else {
            rgb[3 * x] = from[kind->red < 0 ? 0 : kind->red];
            rgb[3 * x + 1] = from[kind->red < 0 ? 0 : kind->green];
            rgb[3 * x + 2] = from[kind->red < 0 ? 0 : kind->blue];
        }
    }
}

static enum et_status from_raw(struct et_frames *f, struct et_image *image, struct et_err *err)
{
    const struct et_picture *p = &f->sample.picture;
    size_t i = 0;
    while (i < sizeof PIXELS / sizeof *PIXELS && !et_str_is(p->pixels, PIXELS[i].name))
        i++;
    if (i == sizeof PIXELS / sizeof *PIXELS)
        return et_fail(err, ET_EUNSUPPORTED, f->at, "pixels \"%.*s\" are not read",
                       (int)(p->pixels.n < 32 ? p->pixels.n : 32), p->pixels.p);
    if ((int64_t)p->width_px * PIXELS[i].n_bytes > p->step_bytes ||
        p->step_bytes > (int64_t)p->bytes.n / p->height_px)
        return et_fail(err, ET_ECORRUPT, f->at, "a picture of %d × %d pixels has %zu bytes",
                       p->width_px, p->height_px, p->bytes.n);
    const enum et_status st = new_image(f, p->width_px, p->height_px, PIXELS[i].is_16, image, err);
    const size_t row_bytes = (size_t)p->width_px * (PIXELS[i].is_16 ? sizeof(uint16_t) : 3);
    for (int y = 0; st == ET_OK && y < p->height_px; y++)
        take_row(f, &PIXELS[i],
                 (const unsigned char *)p->bytes.p + (size_t)y * (size_t)p->step_bytes, p->width_px,
                 (char *)image->pixels + (size_t)y * row_bytes);
    return st;
}

/* Grey and transparent pictures become RGB. */
static enum et_status to_rgb(struct et_frames *f, struct et_image *image, struct et_err *err)
{
    const struct et_image from = *image;
    if (from.n_bits != 8 && from.n_channels > 1)
        return et_fail(err, ET_EUNSUPPORTED, f->at, "a picture of %d channels of %d bits",
                       from.n_channels, from.n_bits);
    if (from.n_bits != 8 || from.n_channels == 3)
        return ET_OK;
    const enum et_status st = new_image(f, from.width_px, from.height_px, false, image, err);
    const size_t n = (size_t)from.width_px * (size_t)from.height_px, c = (size_t)from.n_channels;
    const uint8_t *a = from.pixels;
    uint8_t *b = image->pixels;
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        b[3 * i] = a[c * i];
        b[3 * i + 1] = a[c * i + (c > 2 ? 1 : 0)];
        b[3 * i + 2] = a[c * i + (c > 2 ? 2 : 0)];
    }
    return st;
}

/* compressedDepth: 16-bit PNG or RVL in mm, or inverse depth quantised by two floats in the header.
 * Of "16UC1" the header's floats are whatever its writer had in memory. */
static enum et_status from_depth(struct et_frames *f, struct et_image *image, struct et_err *err)
{
    const struct et_str bytes = f->sample.picture.bytes;
    float quantum[2];
    if (bytes.n <= DEPTH_HEADER_BYTES)
        return et_fail(err, ET_ECORRUPT, f->at, "a depth picture of %zu bytes", bytes.n);
    memcpy(quantum, bytes.p + 4, sizeof quantum);
    const struct et_str coded = {bytes.p + DEPTH_HEADER_BYTES, bytes.n - DEPTH_HEADER_BYTES};
    const bool is_png = et_image_kind(coded) != NULL; // else RVL, which has no mark of its own
    const enum et_status st = is_png ? et_image_decode(coded, f->arena, image, err)
                                     : et_rvl_picture(coded, f->arena, image, err);
    if (st != ET_OK)
        return st;
    if (image->n_bits != 16 || image->n_channels != 1)
        return et_fail(err, ET_EUNSUPPORTED, f->at, "a depth picture of %d bits and %d channels",
                       image->n_bits, image->n_channels);
    // image_transport: depth = a / (value − b), in metres; zeros mean that it is mm already.
    const bool is_mm = et_str_starts(f->sample.picture.pixels, "16");
    uint16_t *pixels = image->pixels;
    const size_t n = (size_t)image->width_px * (size_t)image->height_px;
    const bool is_plain = is_mm || !(quantum[0] > 0);
    if (is_plain && is_png)
        f->png = coded;
    for (size_t i = 0; !is_plain && i < n; i++) {
        const double metres =
            pixels[i] ? (double)quantum[0] / ((double)pixels[i] - (double)quantum[1]) : 0;
        pixels[i] = to_mm(metres, &f->n_beyond);
    }
    return ET_OK;
}

/* ---- videos ---- */

/* A video was found among the pictures. What is at hand is looked up in its list. */
static enum et_status begin_film(struct et_frames *f, struct et_err *err)
{
    const int64_t k = f->at;
    f->film = (struct et__film){
        .recording = f->recording, .i_stream = f->i_stream, .coding = f->sample.picture.coding};
    enum et_status st = et__film_open(&f->film, &f->range, err);
    if (st == ET_OK)
        st = find_message(f, k);
    f->is_film = st == ET_OK;
    if (st == ET_OK)
        return ET_OK;
    et__film_close(&f->film);
    f->is_over = true;
    if (st == ET_END)
        return none_there(k, err);
    if (err)
        f->no_film = *err;
    return st;
}

static enum et_status from_film(struct et_frames *f, struct et_image *image, struct et_err *err)
{
    struct et_frame frame;
    enum et_status st = et__film_decode(&f->film, f->i_message, &frame, err);
    if (st == ET_OK)
        st = new_image(f, frame.width_px, frame.height_px, false, image, err);
    if (st == ET_OK)
        st = et_video_stream_rgb(f->film.stream, frame.width_px, frame.height_px, image->pixels,
                                 err);
    return st;
}

/* The message at hand is none of the video's: it is read again. */
static enum et_status read_message(struct et_frames *f, struct et_err *err)
{
    enum et_status st = et__film_query(&f->film, f->i_message, err);
    if (st == ET_OK)
        st = et_recording_next(f->recording, &f->sample, err);
    return st == ET_END ? none_there(f->at, err) : st;
}

static enum et_status decode(struct et_frames *f, struct et_image *image, struct et_err *err)
{
    const struct et_picture *p = &f->sample.picture;
    enum et_status st;
    switch (p->coding) {
    case ET_PICTURE_JPEG:
    case ET_PICTURE_PNG:
        st = et_image_decode(p->bytes, f->arena, image, err);
        if (st == ET_OK && p->coding == ET_PICTURE_PNG && image->n_bits == 16)
            f->png = p->bytes;
        return st == ET_OK ? to_rgb(f, image, err) : st;
    case ET_PICTURE_RAW:
        return from_raw(f, image, err);
    case ET_PICTURE_DEPTH:
        return from_depth(f, image, err);
    case ET_PICTURE_H264: // of another codec than the stream's first
    case ET_PICTURE_H265:
    case ET_PICTURE_VP9:
    case ET_PICTURE_AV1:
    case ET_PICTURE_FRAME:
    case ET_PICTURE_NONE:
    case ET_N_PICTURE_CODINGS:
        break;
    }
    return et_fail(err, ET_EUNSUPPORTED, f->at, "pictures in %s are not decoded",
                   et_picture_coding_text(p->coding));
}

int64_t et_frames_n_beyond(const struct et_frames *frames)
{
    return frames->n_beyond;
}

struct et_str et_frames_png(const struct et_frames *frames)
{
    return frames->png;
}

enum et_status et_frames_image(struct et_frames *frames, struct et_image *image, struct et_err *err)
{
    struct et_frames *f = frames;
    const struct et_arena_mark empty = {0};
    enum et_unit_codec codec;
    assert(f && image);
    if (f->at < 0 || f->is_over)
        return et_fail(err, ET_EARG, -1, "no picture is at hand");
    et_arena_rewind(f->arena, empty);
    f->png = (struct et_str){0};
    enum et_status st = ET_OK;
    const bool is_unit = et__film_codec(f->sample.picture.coding, &codec);
    if (!f->is_film && is_unit && f->no_film.status != ET_OK)
        return et_fail(err, f->no_film.status, f->at, "%s", f->no_film.text);
    if (!f->is_film && is_unit)
        st = begin_film(f, err);
    if (st == ET_OK && f->is_film && et__film_at(&f->film, f->i_message)->is_of_video)
        return from_film(f, image, err);
    if (st == ET_OK && f->is_film)
        st = read_message(f, err);
    return st == ET_OK ? decode(f, image, err) : st;
}

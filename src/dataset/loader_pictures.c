/* Pictures of a loader: decoded to the very frame, scaled, and kept as far as memory is given. */
#include "dataset/dataset__loader.h"

#include <inttypes.h>
#include <stdlib.h>

#define PICTURE_BYTES_MAX ((size_t)3 * ET_VIDEO_PIXELS_MAX)

/* ---- desks ---- */

static void close_reader(struct et__desk_reader *reader)
{
    et_video_close(reader->video);
    et_pictures_close(reader->pictures);
    *reader = (struct et__desk_reader){0};
}

void et__desk_release(struct et__desk *desk)
{
    for (size_t i = 0; i < ET__READERS; i++)
        close_reader(&desk->readers[i]);
    et_buf_free(&desk->picture);
    et_buf_free(&desk->rgb);
}

// What is open of the film, or the place of what was used longest ago, emptied.
static struct et__desk_reader *find_reader(struct et__desk *desk, const struct et__film *film)
{
    struct et__desk_reader *oldest = &desk->readers[0];
    for (size_t i = 0; i < ET__READERS; i++) {
        struct et__desk_reader *reader = &desk->readers[i];
        const bool is_it = film->path ? reader->path == film->path : reader->film == film;
        if (is_it) {
            reader->used = ++desk->n_uses;
            return reader;
        }
        if (reader->used < oldest->used)
            oldest = reader;
    }
    close_reader(oldest);
    oldest->used = ++desk->n_uses;
    return oldest;
}

/* ---- decoding ---- */

static enum et_status decode_video(const struct et__album *album, struct et__desk *desk,
                                   const struct et__film *film, int64_t row, uint8_t *to,
                                   struct et_err *err)
{
    struct et__desk_reader *reader = find_reader(desk, film);
    struct et_frame frame;
    enum et_status st = ET_OK;
    if (!reader->video) {
        st = et_video_open(&reader->video, film->path, 1, err);
        if (st != ET_OK)
            return st;
        reader->path = film->path;
    }
    st = et_video_seek(reader->video, film->first + row, err);
    if (st == ET_OK)
        st = et_video_next(reader->video, &frame, err);
    if (st == ET_END || (st == ET_OK && frame.i_frame != film->first + row))
        st = et_fail(err, ET_ECORRUPT, film->first + row, "%.250s: frame %" PRId64 " is not there",
                     film->path, film->first + row);
    if (st == ET_OK)
        st = et_video_rgb(reader->video, album->width_px, album->height_px, to, err);
    return st;
}

// Eight bits of one, three or four channels as three.
static bool to_rgb(const struct et_image *image, uint8_t *rgb)
{
    const uint8_t *p = image->pixels;
    const size_t n = (size_t)image->width_px * (size_t)image->height_px;
    const int n_channels = image->n_channels;
    if (image->n_bits != 8)
        return false;
    const int green = n_channels < 3 ? 0 : 1, blue = n_channels < 3 ? 0 : 2;
    for (size_t i = 0; i < n; i++, p += n_channels) {
        *rgb++ = p[0];
        *rgb++ = p[green];
        *rgb++ = p[blue];
    }
    return true;
}

static enum et_status decode_stored(const struct et__album *album, struct et__desk *desk,
                                    const struct et__film *film, int64_t row, uint8_t *to,
                                    struct et_err *err)
{
    struct et__desk_reader *reader = find_reader(desk, film);
    struct et_image image;
    enum et_status st = ET_OK;
    if (!reader->pictures) {
        st = et_pictures_open(&reader->pictures, &film->range, err);
        if (st != ET_OK)
            return st;
        reader->film = film;
    }
    st = et_pictures_image(reader->pictures, row, &image, err);
    if (st != ET_OK)
        return st;
    et_buf_clear(&desk->rgb);
    uint8_t *rgb = et_buf_reserve(&desk->rgb, 3 * (size_t)image.width_px * (size_t)image.height_px);
    if (!rgb)
        return et_buf_check(&desk->rgb, "a picture", err);
    if (!to_rgb(&image, rgb))
        return et_fail(err, ET_EUNSUPPORTED, row, "%.200s: %.80s: pictures of %d bits",
                       film->range.path, film->range.column, image.n_bits);
    return et_video_scale_rgb(rgb, image.width_px, image.height_px, to, album->width_px,
                              album->height_px, err);
}

/* ---- what is kept ---- */

// True: it was kept, and is in `to`.
static bool recall(struct et__album *album, int64_t sample, uint8_t *to)
{
    if (!album->slot_of)
        return false;
    (void)pthread_mutex_lock(&album->lock);
    const int32_t slot = album->slot_of[sample];
    if (slot >= 0) {
        memcpy(to, album->kept + (size_t)slot * album->n_bytes, album->n_bytes);
        album->was_used[slot] = 1;
    }
    (void)pthread_mutex_unlock(&album->lock);
    return slot >= 0;
}

/* In place of one that was not used for long: a hand goes round, and takes the first that was not
 * used since it passed (Corbató 1968, the clock). */
static void keep(struct et__album *album, int64_t sample, const uint8_t *picture)
{
    if (!album->slot_of)
        return;
    (void)pthread_mutex_lock(&album->lock);
    if (album->slot_of[sample] < 0) { // else another thread was first
        while (album->was_used[album->hand]) {
            album->was_used[album->hand] = 0;
            album->hand = (album->hand + 1) % album->n_slots;
        }
        const size_t slot = album->hand;
        album->hand = (album->hand + 1) % album->n_slots;
        if (album->sample_in[slot] >= 0)
            album->slot_of[album->sample_in[slot]] = -1;
        album->sample_in[slot] = sample;
        album->slot_of[sample] = (int32_t)slot;
        memcpy(album->kept + slot * album->n_bytes, picture, album->n_bytes);
    }
    (void)pthread_mutex_unlock(&album->lock);
}

enum et_status et__album_get(struct et__album *album, struct et__desk *desk, int64_t sample,
                             const uint8_t **rgb, struct et_err *err)
{
    *rgb = NULL;
    desk->picture.limit = desk->rgb.limit = PICTURE_BYTES_MAX;
    et_buf_clear(&desk->picture);
    uint8_t *to = et_buf_reserve(&desk->picture, album->n_bytes);
    if (!to)
        return et_buf_check(&desk->picture, "a picture", err);
    *rgb = to;
    if (recall(album, sample, to))
        return ET_OK;
    const struct et__span *span = et__span_of(album->spans, sample);
    const struct et__film *film = &album->films[span - album->spans->items];
    const int64_t row = sample - span->first;
    const enum et_status st = film->path ? decode_video(album, desk, film, row, to, err)
                                         : decode_stored(album, desk, film, row, to, err);
    if (st == ET_OK)
        keep(album, sample, to);
    return st;
}

/* ---- opening ---- */

// One copy of each path, so that the same file is the same pointer.
static const char *path_once(struct et__album *album, size_t n_films, const char *path,
                             struct et_arena *arena)
{
    // Episodes of one file follow one another.
    if (n_films > 0 && album->films[n_films - 1].path &&
        strcmp(album->films[n_films - 1].path, path) == 0)
        return album->films[n_films - 1].path;
    return et__copy_text(arena, et_str(path));
}

static enum et_status find_video(struct et__album *album, const struct et_dataset *ds, size_t k,
                                 size_t i_video, struct et_arena *arena, int *width_px,
                                 int *height_px, struct et_err *err)
{
    const struct et__span *span = &album->spans->items[k];
    const int64_t index = ds->episodes[span->place].index;
    const char *feature = ds->features[album->i_feature].name;
    struct et_video_info info;
    const char *path;
    if (!et__video_path(ds, (size_t)span->place, i_video, arena, &path))
        return et_arena_fail(arena, "a loader", err);
    if (!path)
        return et_fail(err, ET_ENOTFOUND, index,
                       "%.150s: the metadata names no video of %.80s for episode %" PRId64,
                       ds->info.path, feature, index);
    enum et_status st = et__probe_once(ds, path, &info, err);
    if (st != ET_OK)
        return st;
    const struct et__frame_range range =
        et__video_frames(ds, (size_t)span->place, i_video, info.n_frames);
    if (range.first < 0 || range.n < span->n_rows)
        return et_fail(err, ET_ECORRUPT, index,
                       "%.200s: episode %" PRId64 " has %" PRId64 " rows and %" PRId64 " frames",
                       path, index, span->n_rows, range.n);
    *width_px = info.width_px;
    *height_px = info.height_px;
    album->films[k] =
        (struct et__film){.path = path_once(album, k, path, arena), .first = range.first};
    return album->films[k].path ? ET_OK : et_arena_fail(arena, "a loader", err);
}

static enum et_status find_stored(struct et__album *album, const struct et_dataset *ds, size_t k,
                                  struct et_arena *arena, int *width_px, int *height_px,
                                  struct et_err *err)
{
    const struct et__span *span = &album->spans->items[k];
    const struct et_feature *feature = &ds->features[album->i_feature];
    int64_t height, width, channels;
    enum et_status st =
        et_dataset_pictures(ds, span->place, feature->name, arena, &album->films[k].range, err);
    if (st != ET_OK)
        return st;
    if (album->films[k].range.n_rows >= 0 && album->films[k].range.n_rows < span->n_rows)
        return et_fail(err, ET_ECORRUPT, span->place, "%.200s: fewer rows than the metadata says",
                       album->films[k].range.path);
    if (!et__picture_size(feature, &height, &width, &channels)) {
        return ET_OK; // it does not say
    }
    *width_px = (int)width;
    *height_px = (int)height;
    return ET_OK;
}

static enum et_status find_films(struct et__album *album, const struct et_dataset *ds,
                                 struct et_arena *arena, struct et_err *err)
{
    const struct et_feature *feature = &ds->features[album->i_feature];
    const bool has_size = album->width_px > 0;
    size_t i_video = 0;
    while (feature->dtype == ET_DTYPE_VIDEO && ds->i_videos[i_video] != album->i_feature)
        i_video++;
    for (size_t k = 0; k < album->spans->n; k++) {
        int width_px = 0, height_px = 0;
        const enum et_status st =
            feature->dtype == ET_DTYPE_VIDEO
                ? find_video(album, ds, k, i_video, arena, &width_px, &height_px, err)
                : find_stored(album, ds, k, arena, &width_px, &height_px, err);
        if (st != ET_OK)
            return st;
        if (has_size)
            continue;
        if (k == 0) {
            album->width_px = width_px;
            album->height_px = height_px;
        }
        if (width_px < 1 || width_px != album->width_px || height_px != album->height_px)
            return et_fail(err, ET_EARG, -1,
                           "%.150s: %.80s has pictures of several sizes, or none that is told: "
                           "say which it shall have",
                           ds->info.path, feature->name);
    }
    return ET_OK;
}

static enum et_status open_kept(struct et__album *album, size_t bytes_max, struct et_err *err)
{
    size_t n = bytes_max / album->n_bytes;
    const size_t n_samples = (size_t)album->spans->n_samples;
    n = n < n_samples ? n : n_samples;
    n = n < INT32_MAX ? n : INT32_MAX;
    if (n == 0)
        return ET_OK;
    album->slot_of = malloc(n_samples * sizeof *album->slot_of);
    album->sample_in = malloc(n * sizeof *album->sample_in);
    album->was_used = calloc(n, 1);
    album->kept = malloc(n * album->n_bytes);
    if (!album->slot_of || !album->sample_in || !album->was_used || !album->kept)
        return et_fail(err, ET_ENOMEM, -1, "no memory to keep %zu pictures", n);
    memset(album->slot_of, 0xff, n_samples * sizeof *album->slot_of);
    memset(album->sample_in, 0xff, n * sizeof *album->sample_in);
    album->n_slots = n;
    return ET_OK;
}

enum et_status et__album_open(struct et__album *album, const struct et_dataset *ds,
                              const struct et__spans *spans, const struct et_loader_column *column,
                              size_t kept_bytes_max, struct et_arena *arena, struct et_err *err)
{
    *album = (struct et__album){.spans = spans,
                                .i_feature = (size_t)et_dataset_find(ds, column->feature),
                                .width_px = column->width_px,
                                .height_px = column->height_px};
    (void)pthread_mutex_init(&album->lock, NULL);
    album->films = et_arena_array(arena, spans->n, sizeof *album->films);
    enum et_status st =
        album->films ? find_films(album, ds, arena, err) : et_arena_fail(arena, "a loader", err);
    if (st != ET_OK)
        return st;
    album->n_bytes = 3 * (size_t)album->width_px * (size_t)album->height_px;
    if (album->n_bytes > PICTURE_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%.80s: pictures of %d × %d pixels", column->feature,
                       album->width_px, album->height_px);
    return open_kept(album, kept_bytes_max, err);
}

void et__album_release(struct et__album *album)
{
    if (!album->spans) // it was never opened
        return;
    (void)pthread_mutex_destroy(&album->lock);
    free(album->slot_of);
    free(album->sample_in);
    free(album->was_used);
    free(album->kept);
}

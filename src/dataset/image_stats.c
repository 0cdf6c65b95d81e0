/* Statistics of pictures, sampled as LeRobot samples them (lerobot/datasets/compute_stats.py): a
 * number of frames that grows with the 0.75th power of the length, evenly spaced, and of each frame
 * every so-manieth pixel. Colours are 0 … 1; depth is not scaled, its unit is the millimetre, and
 * pixels where nothing was measured count as the 0 that they hold, as LeRobot counts them. A
 * picture has 256 levels, depth 65,536, so counts of levels give every statistic exactly. */
#include "dataset/dataset__write.h"

#include "etude/image.h"

#include <assert.h>
#include <math.h>

#define SAMPLES_MIN 100
#define SAMPLES_MAX 10000
#define SIDE_TARGET_PX 150
#define SIDE_WHOLE_PX 300 // smaller pictures count whole

int64_t et__n_samples(int64_t n_rows)
{
    const int64_t least = n_rows < SAMPLES_MIN ? n_rows : SAMPLES_MIN;
    const double wanted = floor(pow((double)n_rows, 0.75));
    const int64_t n = wanted < SAMPLES_MAX ? (int64_t)wanted : SAMPLES_MAX;
    return n > least ? n : least;
}

/* numpy's round(linspace(0, n_rows − 1, n_samples))[k], halves to even. */
int64_t et__sample_row(int64_t n_rows, int64_t n_samples, int64_t k)
{
    if (n_samples < 2)
        return 0;
    if (k == n_samples - 1)
        return n_rows - 1;
    const double step = (double)(n_rows - 1) / (double)(n_samples - 1);
    return (int64_t)nearbyint((double)k * step);
}

int et__sample_stride(int width_px, int height_px)
{
    const int longest = width_px > height_px ? width_px : height_px;
    return longest < SIDE_WHOLE_PX ? 1 : longest / SIDE_TARGET_PX;
}

enum et_status et__levels_make(struct et__levels *levels, size_t n_channels, int n_bits,
                               struct et_arena *arena, struct et_err *err)
{
    *levels = (struct et__levels){
        .n_channels = n_channels, .n_bits = n_bits, .n_levels = n_bits == 16 ? 65536 : 256};
    levels->n = et_arena_array(arena, n_channels * levels->n_levels, sizeof *levels->n);
    return levels->n ? ET_OK : et_arena_fail(arena, "a picture's statistics", err);
}

bool et__levels_add(struct et__levels *levels, const struct et_image *image)
{
    const size_t n = levels->n_channels;
    if (image->n_bits != levels->n_bits || (size_t)image->n_channels != n)
        return false;
    const int stride = et__sample_stride(image->width_px, image->height_px);
    const bool is_wide = levels->n_bits == 16;
    const uint8_t *narrow = image->pixels;
    const uint16_t *wide = image->pixels;
    for (int y = 0; y < image->height_px; y += stride) {
        const size_t row = (size_t)y * (size_t)image->width_px;
        for (int x = 0; x < image->width_px; x += stride)
            for (size_t c = 0; c < n; c++) {
                const size_t at = (row + (size_t)x) * n + c;
                levels->n[c * levels->n_levels + (is_wide ? wide[at] : narrow[at])]++;
            }
    }
    return true;
}

static void add_rgb(struct et__levels *levels, const uint8_t *rgb, int width_px, int height_px)
{
    const struct et_image image = {.width_px = width_px,
                                   .height_px = height_px,
                                   .n_channels = 3,
                                   .n_bits = 8,
                                   .pixels = (void *)(uintptr_t)rgb};
    (void)et__levels_add(levels, &image);
}

// The level at rank k of all that were counted.
static size_t level_at(const int64_t *n, size_t n_levels, int64_t k)
{
    size_t level = 0;
    for (int64_t before = n[0]; before <= k && level < n_levels - 1; before += n[level])
        level++;
    return level;
}

static double quantile(const int64_t *n, size_t n_levels, int64_t n_all, double at)
{
    const double rank = (double)(n_all - 1) * at;
    const int64_t low = (int64_t)rank;
    const int64_t high = low + 1 < n_all ? low + 1 : low;
    const double a = (double)level_at(n, n_levels, low), b = (double)level_at(n, n_levels, high);
    return a + (b - a) * (rank - (double)low);
}

static void channel_stats(const struct et__levels *levels, size_t c, struct et__stats *stats)
{
    const size_t n_levels = levels->n_levels;
    const int64_t *n = levels->n + c * n_levels;
    const double unit = levels->n_bits == 16 ? 1 : 255;
    int64_t n_all = 0;
    double sum = 0, squares = 0;
    for (size_t v = 0; v < n_levels; v++) {
        n_all += n[v];
        sum += (double)n[v] * (double)v;
    }
    if (n_all == 0)
        return;
    const double mean = sum / (double)n_all;
    for (size_t v = 0; v < n_levels; v++)
        squares += (double)n[v] * ((double)v - mean) * ((double)v - mean);
    stats->min[c] = (double)level_at(n, n_levels, 0) / unit;
    stats->max[c] = (double)level_at(n, n_levels, n_all - 1) / unit;
    stats->mean[c] = mean / unit;
    stats->std[c] = sqrt(squares / (double)n_all) / unit;
    for (size_t q = 0; q < ET__N_QUANTILES; q++)
        stats->quantiles[q * stats->n + c] = quantile(n, n_levels, n_all, ET__LEVELS[q]) / unit;
}

enum et_status et__levels_stats(const struct et__levels *levels, int64_t count,
                                struct et_arena *arena, struct et__stats *stats, struct et_err *err)
{
    const size_t n = levels->n_channels;
    double *all = et_arena_array(arena, n * (4 + ET__N_QUANTILES), sizeof *all);
    if (!all)
        return et_arena_fail(arena, "a picture's statistics", err);
    *stats = (struct et__stats){.n = n,
                                .min = all,
                                .max = all + n,
                                .mean = all + 2 * n,
                                .std = all + 3 * n,
                                .quantiles = all + 4 * n,
                                .count = count};
    for (size_t c = 0; c < n; c++)
        channel_stats(levels, c, stats);
    return ET_OK;
}

/* ---- videos ---- */

static int64_t frame_of(const struct et_new_video *video, int64_t row)
{
    return video->first_frame + (video->frame_of_row ? video->frame_of_row[row] : row);
}

/* Makes `want` the frame that the reader gave last; *at is the one it gave before. Where the next
 * key frame is further than the frame, decoding on is cheaper than going back to the one before. */
enum et_status et__video_go_to(struct et_video_reader *reader, int64_t want, int64_t *at,
                               struct et_err *err)
{
    const struct et_video_info *info = et_video_info(reader);
    const int64_t n_keys = info->n_key_frames > 0 ? info->n_key_frames : 1;
    enum et_status st = ET_OK;
    struct et_frame frame;
    if (want < *at || want - *at > info->n_frames / n_keys) {
        st = et_video_seek(reader, want, err);
        *at = want - 1;
    }
    for (; st == ET_OK && *at < want; (*at)++)
        st = et_video_next(reader, &frame, err);
    if (st == ET_END)
        return et_fail(err, ET_ECORRUPT, want, "the video ends before frame %lld", (long long)want);
    return st;
}

static enum et_status sample_video(struct et_video_reader *reader, const struct et_new_video *video,
                                   int64_t n_rows, uint8_t *rgb, struct et__levels *levels,
                                   struct et_err *err)
{
    const struct et_video_info *info = et_video_info(reader);
    const int64_t n_samples = et__n_samples(n_rows);
    enum et_status st = ET_OK;
    int64_t at = -1;

    for (int64_t k = 0; k < n_samples && st == ET_OK; k++) {
        st = et__video_go_to(reader, frame_of(video, et__sample_row(n_rows, n_samples, k)), &at,
                             err);
        if (st == ET_OK)
            st = et_video_rgb(reader, info->width_px, info->height_px, rgb, err);
        if (st == ET_OK)
            add_rgb(levels, rgb, info->width_px, info->height_px);
    }
    return st;
}

static enum et_status sample_recorded(const struct et_new_video *video, int64_t n_rows,
                                      struct et__levels *levels, struct et_err *err)
{
    const int64_t n_samples = et__n_samples(n_rows);
    struct et_frames *frames = NULL;
    struct et_image image;
    enum et_status st = et_frames_open(&frames, video->recorded, err);
    for (int64_t k = 0; k < n_samples && st == ET_OK; k++) {
        st =
            et_frames_go_to(frames, video->frame_of_row[et__sample_row(n_rows, n_samples, k)], err);
        if (st == ET_OK)
            st = et_frames_image(frames, &image, err);
        if (st == ET_OK)
            (void)et__levels_add(levels, &image);
    }
    et_frames_close(frames);
    return st;
}

static enum et_status decoded_stats(const struct et_new_video *video, int64_t n_rows,
                                    struct et_arena *arena, struct et__levels *levels,
                                    struct et_err *err)
{
    struct et_video_reader *reader = NULL;
    enum et_status st = et_video_open(&reader, video->path, 1, err);
    if (st != ET_OK)
        return st;
    const struct et_video_info *info = et_video_info(reader);
    const size_t n_pixels = (size_t)info->width_px * (size_t)info->height_px;
    const struct et_arena_mark mark = et_arena_mark(arena);
    uint8_t *rgb = et_arena_array(arena, n_pixels, 3);
    st = rgb ? sample_video(reader, video, n_rows, rgb, levels, err)
             : et_arena_fail(arena, "a picture", err);
    et_arena_rewind(arena, mark);
    if (st != ET_OK)
        (void)et_err_context(err, "%.150s", video->path);
    et_video_close(reader);
    return st;
}

enum et_status et__video_stats(const struct et_new_video *video, int64_t n_rows,
                               struct et_arena *arena, struct et__stats *stats, struct et_err *err)
{
    struct et__levels levels;
    enum et_status st = et__levels_make(&levels, 3, 8, arena, err);
    if (st == ET_OK)
        st = video->recorded ? sample_recorded(video, n_rows, &levels, err)
                             : decoded_stats(video, n_rows, arena, &levels, err);
    return st == ET_OK ? et__levels_stats(&levels, et__n_samples(n_rows), arena, stats, err) : st;
}

enum et_status et__black_stats(size_t n_channels, int64_t n_rows, struct et_arena *arena,
                               struct et__stats *stats, struct et_err *err)
{
    struct et__levels levels;
    const enum et_status st = et__levels_make(&levels, n_channels, 8, arena, err);
    if (st != ET_OK)
        return st;
    for (size_t c = 0; c < n_channels; c++)
        levels.n[c * levels.n_levels] = 1;
    return et__levels_stats(&levels, et__n_samples(n_rows), arena, stats, err);
}

/* ---- pictures in the rows ---- */

// The leaf that holds the pictures' bytes; NULL when the column has none.
static const struct et_parquet_batch *bytes_of(const struct et_column *column)
{
    size_t i_leaf = 0;
    for (size_t i = 0; i < column->n_nodes && i_leaf < column->n_leaves; i++) {
        const struct et_parquet_node *node = &column->nodes[i];
        if (!node->is_leaf)
            continue;
        if (node->type == ET_PARQUET_BYTES && strcmp(node->name, "bytes") == 0)
            return &column->leaves[i_leaf];
        i_leaf++;
    }
    return NULL;
}

static enum et_status count_image(struct et_str bytes, struct et_arena *arena,
                                  struct et__levels *levels, struct et_err *err)
{
    struct et_image image;
    const struct et_arena_mark mark = et_arena_mark(arena);
    enum et_status st = et_image_decode(bytes, arena, &image, err);
    if (st == ET_OK && !et__levels_add(levels, &image))
        st = et_fail(err, ET_EUNSUPPORTED, -1, "a picture of %d channels of %d bits",
                     image.n_channels, image.n_bits);
    et_arena_rewind(arena, mark);
    return st;
}

/* A picture that cannot be decoded, or of another depth, is no reason to refuse an episode: its
 * bytes are kept, only the statistics are not made. */
static enum et_status forgive(enum et_status st)
{
    return st == ET_ENOMEM || st == ET_EIO ? st : ET_OK;
}

enum et_status et__image_stats(const struct et__field *field, const struct et_column *column,
                               int64_t n_rows, struct et_arena *arena, struct et__stats *stats,
                               struct et_err *err)
{
    const struct et_parquet_batch *bytes = bytes_of(column);
    const int64_t n_samples = et__n_samples(n_rows);
    struct et__levels levels;

    *stats = (struct et__stats){0};
    if (!bytes || bytes->n_values != n_rows)
        return ET_OK;
    enum et_status st =
        et__levels_make(&levels, field->n_stats, field->is_depth ? 16 : 8, arena, err);
    for (int64_t k = 0; st == ET_OK && k < n_samples; k++) {
        const struct et_str *all = bytes->values;
        st = count_image(all[et__sample_row(n_rows, n_samples, k)], arena, &levels, err);
    }
    return st == ET_OK ? et__levels_stats(&levels, n_samples, arena, stats, err) : forgive(st);
}

enum et_status et__stored_stats(const struct et__field *field,
                                const struct et_new_pictures *pictures, int64_t n_rows,
                                struct et_arena *arena, struct et__stats *stats, struct et_err *err)
{
    const int64_t n_samples = et__n_samples(n_rows);
    struct et_pictures *stored = NULL;
    struct et__levels levels;

    *stats = (struct et__stats){0};
    enum et_status st =
        et__levels_make(&levels, field->n_stats, field->is_depth ? 16 : 8, arena, err);
    if (st == ET_OK)
        st = et_pictures_open(&stored, pictures->stored, err);
    for (int64_t k = 0; st == ET_OK && k < n_samples; k++) {
        struct et_image image;
        const int64_t row = et__sample_row(n_rows, n_samples, k);
        st = et_pictures_image(stored, pictures->frame_of_row ? pictures->frame_of_row[row] : row,
                               &image, err);
        if (st == ET_OK && !et__levels_add(&levels, &image))
            st = ET_EUNSUPPORTED;
    }
    et_pictures_close(stored);
    return st == ET_OK ? et__levels_stats(&levels, n_samples, arena, stats, err) : forgive(st);
}

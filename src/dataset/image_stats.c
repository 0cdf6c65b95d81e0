/* Statistics of pictures, sampled as LeRobot samples them (lerobot/datasets/compute_stats.py): a
 * number of frames that grows with the 0.75th power of the length, evenly spaced, and of each frame
 * every so-manieth pixel. Values are 0 … 1. A picture has 256 levels, so counts of levels give
 * every statistic exactly. */
#include "dataset/dataset__write.h"

#include "etude/image.h"

#include <assert.h>
#include <math.h>

#define SAMPLES_MIN 100
#define SAMPLES_MAX 10000
#define SIDE_TARGET_PX 150
#define SIDE_WHOLE_PX 300 // smaller pictures count whole
#define CHANNELS_MAX 4

struct levels {
    int64_t n[CHANNELS_MAX][256];
};

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

static void count_pixels(struct levels *levels, const uint8_t *pixels, int width_px, int height_px,
                         size_t n_channels)
{
    const int stride = et__sample_stride(width_px, height_px);
    for (int y = 0; y < height_px; y += stride) {
        const uint8_t *row = pixels + (size_t)y * (size_t)width_px * n_channels;
        for (int x = 0; x < width_px; x += stride)
            for (size_t c = 0; c < n_channels; c++)
                levels->n[c][row[(size_t)x * n_channels + c]]++;
    }
}

// The level at rank k of all that were counted.
static int level_at(const int64_t *n, int64_t k)
{
    int level = 0;
    for (int64_t before = n[0]; before <= k && level < 255; before += n[level])
        level++;
    return level;
}

static double quantile(const int64_t *n, int64_t n_all, double at)
{
    const double rank = (double)(n_all - 1) * at;
    const int64_t low = (int64_t)rank;
    const int64_t high = low + 1 < n_all ? low + 1 : low;
    const double a = level_at(n, low), b = level_at(n, high);
    return (a + (b - a) * (rank - (double)low)) / 255.0;
}

static void channel_stats(const int64_t *n, size_t c, struct et__stats *stats)
{
    int64_t n_all = 0;
    double sum = 0, squares = 0;
    for (int v = 0; v < 256; v++) {
        n_all += n[v];
        sum += (double)n[v] * v;
    }
    if (n_all == 0)
        return;
    const double mean = sum / (double)n_all;
    for (int v = 0; v < 256; v++)
        squares += (double)n[v] * (v - mean) * (v - mean);
    stats->min[c] = level_at(n, 0) / 255.0;
    stats->max[c] = level_at(n, n_all - 1) / 255.0;
    stats->mean[c] = mean / 255.0;
    stats->std[c] = sqrt(squares / (double)n_all) / 255.0;
    for (size_t q = 0; q < ET__N_QUANTILES; q++)
        stats->quantiles[q * stats->n + c] = quantile(n, n_all, ET__LEVELS[q]);
}

static enum et_status make_stats(const struct levels *levels, size_t n_channels, int64_t count,
                                 struct et_arena *arena, struct et__stats *stats,
                                 struct et_err *err)
{
    double *all = et_arena_array(arena, n_channels * (4 + ET__N_QUANTILES), sizeof *all);
    if (!all)
        return et_arena_fail(arena, "a picture's statistics", err);
    *stats = (struct et__stats){.n = n_channels,
                                .min = all,
                                .max = all + n_channels,
                                .mean = all + 2 * n_channels,
                                .std = all + 3 * n_channels,
                                .quantiles = all + 4 * n_channels,
                                .count = count};
    for (size_t c = 0; c < n_channels; c++)
        channel_stats(levels->n[c], c, stats);
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
                                   int64_t n_rows, uint8_t *rgb, struct levels *levels,
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
            count_pixels(levels, rgb, info->width_px, info->height_px, 3);
    }
    return st;
}

static enum et_status sample_recorded(const struct et_new_video *video, int64_t n_rows,
                                      struct levels *levels, struct et_err *err)
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
        if (st == ET_OK && image.n_bits == 8 && image.n_channels == 3)
            count_pixels(levels, image.pixels, image.width_px, image.height_px, 3);
    }
    et_frames_close(frames);
    return st;
}

static enum et_status recorded_stats(const struct et_new_video *video, int64_t n_rows,
                                     struct et_arena *arena, struct et__stats *stats,
                                     struct et_err *err)
{
    struct levels *levels = et_arena_alloc(arena, sizeof *levels);
    enum et_status st = levels ? sample_recorded(video, n_rows, levels, err)
                               : et_arena_fail(arena, "a picture", err);
    if (st == ET_OK)
        st = make_stats(levels, 3, et__n_samples(n_rows), arena, stats, err);
    return st;
}

enum et_status et__video_stats(const struct et_new_video *video, int64_t n_rows,
                               struct et_arena *arena, struct et__stats *stats, struct et_err *err)
{
    if (video->recorded)
        return recorded_stats(video, n_rows, arena, stats, err);
    struct et_video_reader *reader = NULL;
    enum et_status st = et_video_open(&reader, video->path, 1, err);
    if (st != ET_OK)
        return st;

    const struct et_video_info *info = et_video_info(reader);
    const size_t n_pixels = (size_t)info->width_px * (size_t)info->height_px;
    const struct et_arena_mark mark = et_arena_mark(arena);
    uint8_t *rgb = et_arena_array(arena, n_pixels, 3);
    struct levels *levels = et_arena_alloc(arena, sizeof *levels);
    struct levels counted;
    if (!rgb || !levels) {
        st = et_arena_fail(arena, "a picture", err);
    } else {
        st = sample_video(reader, video, n_rows, rgb, levels, err);
        counted = *levels;
    }
    et_arena_rewind(arena, mark);
    if (st == ET_OK)
        st = make_stats(&counted, 3, et__n_samples(n_rows), arena, stats, err);
    else
        (void)et_err_context(err, "%.150s", video->path);
    et_video_close(reader);
    return st;
}

enum et_status et__black_stats(size_t n_channels, int64_t n_rows, struct et_arena *arena,
                               struct et__stats *stats, struct et_err *err)
{
    struct levels levels = {0};
    for (size_t c = 0; c < n_channels; c++)
        levels.n[c][0] = 1;
    return make_stats(&levels, n_channels, et__n_samples(n_rows), arena, stats, err);
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

static enum et_status count_image(struct et_str bytes, size_t n_channels, struct et_arena *arena,
                                  struct levels *levels, struct et_err *err)
{
    struct et_image image;
    const struct et_arena_mark mark = et_arena_mark(arena);
    enum et_status st = et_image_decode(bytes, arena, &image, err);
    if (st == ET_OK && (image.n_bits != 8 || (size_t)image.n_channels != n_channels))
        st = et_fail(err, ET_EUNSUPPORTED, -1, "a picture of %d channels of %d bits",
                     image.n_channels, image.n_bits);
    if (st == ET_OK)
        count_pixels(levels, image.pixels, image.width_px, image.height_px, n_channels);
    et_arena_rewind(arena, mark);
    return st;
}

/* A picture that cannot be decoded, or of another depth, is no reason to refuse an episode: its
 * bytes are kept, only the statistics are not made. */
enum et_status et__image_stats(const struct et_column *column, int64_t n_rows,
                               struct et_arena *arena, struct et__stats *stats, struct et_err *err)
{
    const struct et_parquet_batch *bytes = bytes_of(column);
    const int64_t n_samples = et__n_samples(n_rows);
    struct levels levels = {0};

    *stats = (struct et__stats){0};
    if (!bytes || bytes->n_values != n_rows)
        return ET_OK;
    for (int64_t k = 0; k < n_samples; k++) {
        const struct et_str *all = bytes->values;
        const enum et_status st =
            count_image(all[et__sample_row(n_rows, n_samples, k)], 3, arena, &levels, err);
        if (st == ET_ENOMEM)
            return st;
        if (st != ET_OK)
            return ET_OK;
    }
    return make_stats(&levels, 3, n_samples, arena, stats, err);
}

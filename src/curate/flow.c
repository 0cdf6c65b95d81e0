#include "curate/curate__flow.h"

#include <math.h>
#include <stddef.h>

#define TILE_LARGE_PX 20
#define TILE_SMALL_PX 10
// A tile with the pixels around it, and so many more that loops go by whole vectors.
#define PATCH_PX 24
#define PATCH_SMALL_PX 12
#define STEPS_MAX 4
#define STEP_MAX_PX 3.0f
// A step below this is the last one: the next would be some hundredths of it.
#define STEP_MIN_PX 0.06f
// Where more is left of a tile's difference than this part of its slopes' squares, its quarters are
// followed, each its own way. What noise leaves of a pixel does not count.
#define LEFT_MAX 0.03f
#define LEFT_NOISE 4.0f
// Of the squares of slopes: what a plain tile has by noise, so that it stays where it is.
#define SLOPE_NOISE 0.4f

bool et__flow_open(struct et__flow *flow, int width_px, int height_px, struct et_arena *arena)
{
    *flow = (struct et__flow){0};
    for (int i = 0; i < ET__FLOW_LEVELS; i++) {
        flow->width_px[i] = width_px >> i;
        flow->height_px[i] = height_px >> i;
        const size_t n = (size_t)flow->width_px[i] * (size_t)flow->height_px[i];
        if (i == 0)
            continue;
        flow->now[i] = et_arena_array(arena, n + ET__FLOW_PAD, sizeof *flow->now[i]);
        flow->before[i] = et_arena_array(arena, n + ET__FLOW_PAD, sizeof *flow->before[i]);
        if (!flow->now[i] || !flow->before[i])
            return false;
    }
    const size_t n_tiles =
        ((size_t)width_px / TILE_SMALL_PX + 1) * ((size_t)height_px / TILE_SMALL_PX + 1);
    for (int i = 0; i < 2; i++)
        if (!(flow->ways[i] = et_arena_array(arena, 2 * n_tiles, sizeof *flow->ways[i])))
            return false;
    return true;
}

static void halve(const float *from, int from_width_px, int width_px, int height_px, float *to)
{
    for (int y = 0; y < height_px; y++) {
        const float *top = from + (ptrdiff_t)(2 * y) * from_width_px, *low = top + from_width_px;
        for (int x = 0; x < width_px; x++)
            to[(ptrdiff_t)y * width_px + x] =
                0.25f * (top[2 * x] + top[2 * x + 1] + low[2 * x] + low[2 * x + 1]);
    }
}

/* A pass over the tiles of a level. */
struct pass {
    const float *now, *before;
    int width_px, height_px;
    int tile_px;
};

/* Rows of a patch between pixels. `n_across` is a constant where this is called, so that the inner
 * loop becomes vectors; behind the picture's last row it reads ET__FLOW_PAD more at most. */
static inline void blend(const float *from, int stride_px, const float weights[4], int n_rows,
                         int n_across, float *restrict to)
{
    for (int i = 0; i < n_rows; i++, from += stride_px, to += PATCH_PX)
        for (int k = 0; k < n_across; k++)
            to[k] = weights[0] * from[k] + weights[1] * from[k + 1] +
                    weights[2] * from[k + stride_px] + weights[3] * from[k + stride_px + 1];
}

/* The tile at x, y with the pixels around it, from (right, down) on, between pixels in parts; false
 * where that is beyond the picture. */
static bool cut(const struct pass *pass, const float *picture, int x, int y, const float by[2],
                float patch[PATCH_PX * PATCH_PX])
{
    const int n = pass->tile_px + 2;
    const float right = floorf(by[0]), down = floorf(by[1]), u = by[0] - right, v = by[1] - down;
    const float weights[4] = {(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v};
    if (!(fabsf(right) < (float)pass->width_px && fabsf(down) < (float)pass->height_px))
        return false;
    const int left = x - 1 + (int)right, top = y - 1 + (int)down;
    if (left < 0 || top < 0 || left + n + 1 > pass->width_px || top + n + 1 > pass->height_px)
        return false;
    const float *from = picture + (ptrdiff_t)top * pass->width_px + left;
    if (pass->tile_px == TILE_SMALL_PX)
        blend(from, pass->width_px, weights, n, PATCH_SMALL_PX, patch);
    else
        blend(from, pass->width_px, weights, n, PATCH_PX, patch);
    return true;
}

/* Sums over a tile: products of its slopes and of what changed; columns first, as vectors. */
struct sums {
    float xx, xy, yy, xt, yt, tt;
};

static inline struct sums add_columns(const float *before, const float *now, int tile_px,
                                      int n_columns)
{
    float xx[TILE_LARGE_PX] = {0}, xy[TILE_LARGE_PX] = {0}, yy[TILE_LARGE_PX] = {0};
    float xt[TILE_LARGE_PX] = {0}, yt[TILE_LARGE_PX] = {0}, tt[TILE_LARGE_PX] = {0};
    struct sums sums = {0};
    for (int y = 1; y <= tile_px; y++) {
        const float *a = before + (ptrdiff_t)y * PATCH_PX + 1;
        const float *b = now + (ptrdiff_t)y * PATCH_PX + 1;
        for (int x = 0; x < n_columns; x++) {
            const float dx = 0.25f * (a[x + 1] - a[x - 1] + b[x + 1] - b[x - 1]);
            const float dy =
                0.25f * (a[x + PATCH_PX] - a[x - PATCH_PX] + b[x + PATCH_PX] - b[x - PATCH_PX]);
            const float dt = b[x] - a[x];
            xx[x] += dx * dx;
            xy[x] += dx * dy;
            yy[x] += dy * dy;
            xt[x] += dx * dt;
            yt[x] += dy * dt;
            tt[x] += dt * dt;
        }
    }
    for (int x = 0; x < tile_px; x++) {
        sums.xx += xx[x];
        sums.xy += xy[x];
        sums.yy += yy[x];
        sums.xt += xt[x];
        sums.yt += yt[x];
        sums.tt += tt[x];
    }
    return sums;
}

static struct sums sum_up(const float *before, const float *now, int tile_px)
{
    return tile_px == TILE_SMALL_PX ? add_columns(before, now, TILE_SMALL_PX, PATCH_SMALL_PX)
                                    : add_columns(before, now, TILE_LARGE_PX, TILE_LARGE_PX);
}

/* Follows a tile from where `way` says that it went (Lucas and Kanade 1981, IJCAI, 674). What ends
 * with a larger difference than it began with is not followed. True: what is left says that all of
 * the tile went that way. */
static bool follow(const struct pass *pass, int x, int y, float way[2])
{
    float a[PATCH_PX * PATCH_PX], b[PATCH_PX * PATCH_PX];
    const float noise = SLOPE_NOISE * (float)(pass->tile_px * pass->tile_px);
    const float left_noise = LEFT_NOISE * (float)(pass->tile_px * pass->tile_px);
    float at[2] = {way[0], way[1]}, first = 0;
    bool is_one = false;
    for (int step = 0; step <= STEPS_MAX; step++) {
        const float back[2] = {-at[0] / 2, -at[1] / 2}, on[2] = {at[0] / 2, at[1] / 2};
        if (!cut(pass, pass->before, x, y, back, a) || !cut(pass, pass->now, x, y, on, b))
            return false;
        const struct sums s = sum_up(a, b, pass->tile_px);
        first = step == 0 ? s.tt : first;
        is_one = s.tt < LEFT_MAX * (s.xx + s.yy) + left_noise;
        if (step == STEPS_MAX) {
            if (s.tt > first)
                return false;
            break;
        }
        const float xx = s.xx + noise, yy = s.yy + noise, spread = xx * yy - s.xy * s.xy;
        const float right = (s.xy * s.yt - yy * s.xt) / spread;
        const float down = (s.xy * s.xt - xx * s.yt) / spread;
        if (!isfinite(right + down))
            return false;
        at[0] += fmaxf(-STEP_MAX_PX, fminf(STEP_MAX_PX, right));
        at[1] += fmaxf(-STEP_MAX_PX, fminf(STEP_MAX_PX, down));
        if (fabsf(right) + fabsf(down) < STEP_MIN_PX)
            break;
    }
    way[0] = at[0];
    way[1] = at[1];
    return is_one;
}

static int inside(int at, int tile_px, int size_px)
{
    at = at + tile_px + 2 > size_px ? size_px - tile_px - 2 : at;
    return at < 2 ? 2 : at;
}

static bool follow_tile(const struct pass *pass, int x, int y, float way[2])
{
    return follow(pass, inside(x * pass->tile_px, pass->tile_px, pass->width_px),
                  inside(y * pass->tile_px, pass->tile_px, pass->height_px), way);
}

/* The mean way of a tile's quarters, each from the way of the tile. */
static void add_quarters(const struct pass *pass, int x, int y, const float way[2], double sum[2])
{
    const struct pass quarters = {pass->now, pass->before, pass->width_px, pass->height_px,
                                  TILE_SMALL_PX};
    for (int i = 0; i < 4; i++) {
        float of_quarter[2] = {way[0], way[1]};
        (void)follow_tile(&quarters, 2 * x + i % 2, 2 * y + i / 2, of_quarter);
        sum[0] += (double)of_quarter[0] / 4;
        sum[1] += (double)of_quarter[1] / 4;
    }
}

/* How many tiles a pass had. */
struct tiles {
    int across, down;
};

/* Follows all tiles of a level, each from the way of the one before that held it. `sums`: of ways,
 * and of the ways of quarters, of the finest level; else NULL. */
static struct tiles follow_all(struct et__flow *flow, const struct pass *pass, struct tiles from,
                               double sums[ET__N_FLOWS])
{
    float *const last = flow->ways[1];
    const struct tiles tiles = {pass->width_px / pass->tile_px, pass->height_px / pass->tile_px};
    if (pass->width_px < pass->tile_px + 4 || pass->height_px < pass->tile_px + 4)
        return (struct tiles){0};
    flow->ways[1] = flow->ways[0];
    flow->ways[0] = last;
    for (int y = 0; y < tiles.down; y++)
        for (int x = 0; x < tiles.across; x++) {
            float *way = &flow->ways[0][2 * ((ptrdiff_t)y * tiles.across + x)];
            way[0] = way[1] = 0;
            if (from.across > 0) {
                const ptrdiff_t i = (ptrdiff_t)(y * from.down / tiles.down) * from.across +
                                    x * from.across / tiles.across;
                way[0] = 2 * flow->ways[1][2 * i];
                way[1] = 2 * flow->ways[1][2 * i + 1];
            }
            const bool is_one = follow_tile(pass, x, y, way);
            if (!sums)
                continue;
            const double of_tile[2] = {(double)way[0], (double)way[1]};
            for (int i = 0; i < 2; i++) {
                sums[i] += of_tile[i];
                sums[2 + i] += is_one ? of_tile[i] : 0;
            }
            if (!is_one)
                add_quarters(pass, x, y, way, sums + 2);
        }
    return tiles;
}

void et__flow_next(struct et__flow *flow, float *now, float *before, double way_px[ET__N_FLOWS])
{
    flow->now[0] = now;
    flow->before[0] = before;
    for (int i = 1; i < ET__FLOW_LEVELS; i++) {
        float *const swap = flow->before[i];
        flow->before[i] = flow->now[i];
        flow->now[i] = swap;
        halve(flow->now[i - 1], flow->width_px[i - 1], flow->width_px[i], flow->height_px[i],
              flow->now[i]);
    }
    for (int i = 0; i < ET__N_FLOWS; i++)
        way_px[i] = (double)NAN;
    if (!before)
        return;
    struct tiles tiles = {0};
    double sums[ET__N_FLOWS] = {0};
    for (int i = ET__FLOW_LEVELS - 1; i >= 0; i--) {
        const struct pass pass = {flow->now[i], flow->before[i], flow->width_px[i],
                                  flow->height_px[i], TILE_LARGE_PX};
        tiles = follow_all(flow, &pass, tiles, i == 0 ? sums : NULL);
    }
    const int n = tiles.across * tiles.down;
    for (int i = 0; i < ET__N_FLOWS; i++)
        way_px[i] = n > 0 ? sums[i] / n : (double)NAN;
}

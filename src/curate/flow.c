#include "curate/curate__flow.h"

#include <math.h>
#include <stddef.h>

#define TILE_LARGE_PX 20
#define TILE_SMALL_PX 10
#define PATCH_PX (TILE_LARGE_PX + 2) // a tile and the pixels around it
#define STEPS_MAX 4
#define STEP_MAX_PX 3.0f
// A step below this is none: what pictures are coded with is more.
#define STEP_MIN_PX 0.003f
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
        flow->now[i] = et_arena_array(arena, n + 1, sizeof *flow->now[i]);
        flow->before[i] = et_arena_array(arena, n + 1, sizeof *flow->before[i]);
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

/* The tile at x, y with the pixels around it, from (right, down) on, between pixels in parts; false
 * where that is beyond the picture. */
static bool cut(const struct pass *pass, const float *from, int x, int y, float right, float down,
                float patch[PATCH_PX * PATCH_PX])
{
    const int n = pass->tile_px + 2;
    const int left = x - 1 + (int)floorf(right), top = y - 1 + (int)floorf(down);
    const float u = right - floorf(right), v = down - floorf(down);
    const float w00 = (1 - u) * (1 - v), w01 = u * (1 - v), w10 = (1 - u) * v, w11 = u * v;
    if (left < 0 || top < 0 || left + n + 1 > pass->width_px || top + n + 1 > pass->height_px)
        return false;
    for (int i = 0; i < n; i++) {
        const float *a = from + (ptrdiff_t)(top + i) * pass->width_px + left;
        const float *b = a + pass->width_px;
        float *to = patch + (ptrdiff_t)i * PATCH_PX;
        for (int k = 0; k < n; k++)
            to[k] = w00 * a[k] + w01 * a[k + 1] + w10 * b[k] + w11 * b[k + 1];
    }
    return true;
}

/* Sums over a tile: products of its slopes and of what changed; columns first, which is quick. */
struct sums {
    float xx, xy, yy, xt, yt, tt;
};

static struct sums sum_up(const float *before, const float *now, int tile_px)
{
    float xx[TILE_LARGE_PX] = {0}, xy[TILE_LARGE_PX] = {0}, yy[TILE_LARGE_PX] = {0};
    float xt[TILE_LARGE_PX] = {0}, yt[TILE_LARGE_PX] = {0}, tt[TILE_LARGE_PX] = {0};
    struct sums sums = {0};
    for (int y = 1; y <= tile_px; y++) {
        const float *a = before + (ptrdiff_t)y * PATCH_PX + 1, *b = now + (a - before);
        for (int x = 0; x < tile_px; x++) {
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

/* Follows a tile from where `way` says that it went (Lucas and Kanade 1981, IJCAI, 674). What ends
 * with a larger difference than it began with is not followed. */
static void follow(const struct pass *pass, int x, int y, float way[2])
{
    float a[PATCH_PX * PATCH_PX], b[PATCH_PX * PATCH_PX];
    const float noise = SLOPE_NOISE * (float)(pass->tile_px * pass->tile_px);
    float at[2] = {way[0], way[1]}, first = 0;
    for (int step = 0; step <= STEPS_MAX; step++) {
        if (!cut(pass, pass->before, x, y, -at[0] / 2, -at[1] / 2, a) ||
            !cut(pass, pass->now, x, y, at[0] / 2, at[1] / 2, b))
            return;
        const struct sums s = sum_up(a, b, pass->tile_px);
        if (step == 0)
            first = s.tt;
        if (step == STEPS_MAX && s.tt > first)
            return;
        const float xx = s.xx + noise, yy = s.yy + noise, spread = xx * yy - s.xy * s.xy;
        const float right = (s.xy * s.yt - yy * s.xt) / spread;
        const float down = (s.xy * s.xt - xx * s.yt) / spread;
        if (step == STEPS_MAX || !isfinite(right + down))
            break;
        at[0] += fmaxf(-STEP_MAX_PX, fminf(STEP_MAX_PX, right));
        at[1] += fmaxf(-STEP_MAX_PX, fminf(STEP_MAX_PX, down));
        if (fabsf(right) + fabsf(down) < STEP_MIN_PX)
            break;
    }
    way[0] = at[0];
    way[1] = at[1];
}

/* The tiles of a pass; `scale` is of the pass before, whose ways the tiles begin with. */
struct tiles {
    int across, down;
};

static int inside(int at, int tile_px, int size_px)
{
    at = at + tile_px + 2 > size_px ? size_px - tile_px - 2 : at;
    return at < 2 ? 2 : at;
}

static struct tiles follow_all(struct et__flow *flow, const struct pass *pass, struct tiles from,
                               float scale)
{
    float *const last = flow->ways[1];
    const struct tiles tiles = {pass->width_px / pass->tile_px, pass->height_px / pass->tile_px};
    if (pass->width_px < pass->tile_px + 4 || pass->height_px < pass->tile_px + 4)
        return from;
    flow->ways[1] = flow->ways[0];
    flow->ways[0] = last;
    for (int y = 0; y < tiles.down; y++)
        for (int x = 0; x < tiles.across; x++) {
            float *way = &flow->ways[0][2 * ((ptrdiff_t)y * tiles.across + x)];
            way[0] = way[1] = 0;
            if (from.across > 0) {
                const ptrdiff_t i = (ptrdiff_t)(y * from.down / tiles.down) * from.across +
                                    x * from.across / tiles.across;
                way[0] = scale * flow->ways[1][2 * i];
                way[1] = scale * flow->ways[1][2 * i + 1];
            }
            follow(pass, inside(x * pass->tile_px, pass->tile_px, pass->width_px),
                   inside(y * pass->tile_px, pass->tile_px, pass->height_px), way);
        }
    return tiles;
}

static void put_mean(const struct et__flow *flow, struct tiles tiles, double way_px[2])
{
    const int n = tiles.across * tiles.down;
    double right = 0, down = 0;
    for (int i = 0; i < n; i++) {
        right += (double)flow->ways[0][2 * i];
        down += (double)flow->ways[0][2 * i + 1];
    }
    way_px[0] = n > 0 ? right / n : (double)NAN;
    way_px[1] = n > 0 ? down / n : (double)NAN;
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
    struct pass pass = {0};
    for (int i = ET__FLOW_LEVELS - 1; i >= 0; i--) {
        pass = (struct pass){flow->now[i], flow->before[i], flow->width_px[i], flow->height_px[i],
                             TILE_LARGE_PX};
        tiles = follow_all(flow, &pass, tiles, 2);
    }
    put_mean(flow, tiles, way_px);
    pass.tile_px = TILE_SMALL_PX;
    tiles = follow_all(flow, &pass, tiles, 1);
    put_mean(flow, tiles, way_px + 2);
}

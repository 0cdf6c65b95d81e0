#include "curate/curate__flow.h"

#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define WIDTH 320
#define HEIGHT 240

static struct et_arena *arena;
static struct et_err err;

/* A texture without an end: waves of many lengths and directions. */
static float level_at(double x, double y)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        const double angle = 2.4 * i, length = 12 + 9.0 * i;
        sum += sin(6.283 / length * (x * cos(angle) + y * sin(angle)) + i);
    }
    return (float)(128 + 15 * sum);
}

static float *paint(int width, int height, double right, double down)
{
    float *picture = calloc((size_t)width * (size_t)height + ET__FLOW_PAD, sizeof *picture);
    if (!picture)
        abort();
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            picture[(ptrdiff_t)y * width + x] = level_at(x - right, y - down);
    return picture;
}

static void follow(int width, int height, float *before, float *now, double way_px[ET__N_FLOWS])
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et__flow flow;
    CHECK(et__flow_open(&flow, width, height, arena));
    et__flow_next(&flow, before, NULL, way_px);
    for (int i = 0; i < ET__N_FLOWS; i++)
        CHECK(isnan(way_px[i]));
    et__flow_next(&flow, now, before, way_px);
    free(before);
    free(now);
    et_arena_rewind(arena, mark);
}

static void follows_a_picture_that_moves(void)
{
    static const double ways_px[][2] = {{0, 0},      {0.13, 0},   {0, -0.4}, {0.9, 1.3},
                                        {-2.7, 1.1}, {5.2, -3.3}, {9, 6},    {-14, 0}};
    for (size_t i = 0; i < sizeof ways_px / sizeof *ways_px; i++) {
        double way_px[ET__N_FLOWS];
        follow(WIDTH, HEIGHT, paint(WIDTH, HEIGHT, 0, 0),
               paint(WIDTH, HEIGHT, ways_px[i][0], ways_px[i][1]), way_px);
        // What leaves the picture cannot be followed: after a long way the borders stay behind.
        const double size_px = hypot(ways_px[i][0], ways_px[i][1]);
        const double limit = 0.005 + (size_px < 8 ? 0.03 : 0.35) * size_px;
        for (int k = 0; k < ET__N_FLOWS; k++)
            CHECK_NEAR(way_px[k], ways_px[i][k % 2], limit);
    }
}

static void goes_back_as_it_came(void)
{
    double on[ET__N_FLOWS], back[ET__N_FLOWS];
    follow(WIDTH, HEIGHT, paint(WIDTH, HEIGHT, 0, 0), paint(WIDTH, HEIGHT, 1.7, -0.6), on);
    follow(WIDTH, HEIGHT, paint(WIDTH, HEIGHT, 1.7, -0.6), paint(WIDTH, HEIGHT, 0, 0), back);
    for (int k = 0; k < ET__N_FLOWS; k++)
        CHECK_NEAR(on[k], -back[k], 1e-3);
}

/* A square with a texture of its own over a still one. */
static float *paint_square(double left, double top, double side)
{
    float *picture = paint(WIDTH, HEIGHT, 0, 0);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            if (x >= left && x < left + side && y >= top && y < top + side)
                picture[(ptrdiff_t)y * WIDTH + x] = level_at(3 * (x - left), 500 + 3 * (y - top));
    return picture;
}

static void an_object_moves_the_mean_by_its_area(void)
{
    const double side = 80, share = side * side / ((double)WIDTH * HEIGHT);
    for (int i = 0; i < 12; i++) {
        double way_px[ET__N_FLOWS];
        const double left = 40 + 7 * i, top = 50 + 3 * i; // at all places of the tiles
        follow(WIDTH, HEIGHT, paint_square(left, top, side), paint_square(left + 1, top - 1, side),
               way_px);
        CHECK_NEAR(way_px[2], share, 0.25 * share);
        CHECK_NEAR(way_px[3], -share, 0.25 * share);
    }
}

static void says_nothing_of_plain_and_tiny_pictures(void)
{
    double way_px[ET__N_FLOWS];
    follow(WIDTH, HEIGHT, calloc((size_t)WIDTH * HEIGHT + ET__FLOW_PAD, sizeof(float)),
           calloc((size_t)WIDTH * HEIGHT + ET__FLOW_PAD, sizeof(float)), way_px);
    for (int k = 0; k < ET__N_FLOWS; k++)
        CHECK(way_px[k] == 0);
    for (int size = 1; size < 60; size++) {
        follow(size, 61 - size, paint(size, 61 - size, 0, 0), paint(size, 61 - size, 1, 0), way_px);
        for (int k = 0; k < ET__N_FLOWS; k++)
            CHECK(isnan(way_px[k]) == (size < 24 || 61 - size < 24));
    }
}

static void is_finite_whatever_it_sees(void)
{
    struct rng rng = {4};
    for (int i = 0; i < 20; i++) {
        float *pictures[2];
        double way_px[ET__N_FLOWS];
        for (int p = 0; p < 2; p++) {
            pictures[p] = calloc((size_t)WIDTH * HEIGHT + ET__FLOW_PAD, sizeof(float));
            if (!pictures[p])
                abort();
            for (int k = 0; k < WIDTH * HEIGHT; k++)
                pictures[p][k] = (float)(i % 2 ? 255 * (rng_next(&rng) & 1)
                                               : (uint64_t)(255 * rng_uniform(&rng)));
        }
        follow(WIDTH, HEIGHT, pictures[0], pictures[1], way_px);
        for (int k = 0; k < ET__N_FLOWS; k++)
            CHECK(fabs(way_px[k]) < 40);
    }
}

static void needs_room(void)
{
    struct et_arena *small = NULL;
    struct et__flow flow;
    CHECK_OK(et_arena_open(&small, 4096, &err));
    CHECK(!et__flow_open(&flow, WIDTH, HEIGHT, small));
    et_arena_close(small);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)8 << 20, NULL) != ET_OK)
        return 99;
    RUN(follows_a_picture_that_moves);
    RUN(goes_back_as_it_came);
    RUN(an_object_moves_the_mean_by_its_area);
    RUN(says_nothing_of_plain_and_tiny_pictures);
    RUN(is_finite_whatever_it_sees);
    RUN(needs_room);
    et_arena_close(arena);
    return tap_end();
}

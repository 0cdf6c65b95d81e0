/* Pictures in, access units out, as a camera sends them. */
#include "etude/video_stream.h"

#include "support.h"
#include "tap.h"
#include "video_fixture.h"

#include <stdlib.h>

enum { N = 40, GOP = 12 };

static struct et_err err;
static const struct et_video_coder_options OPTIONS = {
    .width_px = BAR_W, .height_px = BAR_H, .fps = 30, .gop = GOP};

static struct et_str made[N];

static void make(struct et_str units[N])
{
    static uint8_t rgb[3 * BAR_W * BAR_H];
    struct et_video_coder *coder;
    struct et_str unit;
    CHECK_OK(et_video_coder_open(&coder, &OPTIONS, &err));
    for (int i = 0; i < N; i++) {
        bar_rgb(i, rgb);
        CHECK_OK(et_video_coder_put(coder, rgb, &unit, &err));
        char *copy = malloc(unit.n);
        memcpy(copy, unit.p, unit.n);
        units[i] = (struct et_str){copy, unit.n};
    }
    et_video_coder_close(coder);
}

static void drop(struct et_str units[N])
{
    for (int i = 0; i < N; i++)
        free((void *)(uintptr_t)units[i].p);
}

static void every_picture_is_a_unit_at_once(void)
{
    for (int i = 0; i < N; i++) {
        struct et_video_unit unit;
        et_video_unit_look(ET_UNIT_H264, made[i], &unit);
        CHECK(unit.has_picture && !unit.is_leading);
        CHECK_EQ(unit.is_start, i % GOP == 0);
        CHECK_EQ(unit.has_parameters, i % GOP == 0);
    }
}

static void what_comes_out_is_what_went_in(void)
{
    struct et_video_stream *stream;
    struct et_frame frame;
    int n_found = 0;
    CHECK_OK(et_video_stream_open(&stream, ET_UNIT_H264, &err));
    for (int i = 0; i <= N; i++) {
        if (i < N)
            CHECK_OK(et_video_stream_put(stream, made[i], i, &err));
        else
            CHECK_OK(et_video_stream_end(stream, &err));
        while (n_found < N && et_video_stream_find(stream, n_found, &frame, &err) == ET_OK)
            CHECK_EQ(bar_number(&frame), n_found++);
    }
    CHECK_EQ(n_found, N);
    et_video_stream_close(stream);
}

static void the_same_pictures_give_the_same_bytes(void)
{
    struct et_str again[N];
    make(again);
    for (int i = 0; i < N; i++)
        CHECK(et_str_eq(made[i], again[i]));
    drop(again);
}

/* As it is where a camera hangs: an inspector must be able to see it. */
static void what_stands_still_is_the_same_picture(void)
{
    static uint8_t rgb[3 * BAR_W * BAR_H], luma[2][BAR_W * BAR_H];
    struct et_video_coder *coder;
    struct et_video_stream *stream;
    struct et_str unit;
    struct et_frame frame;
    struct rng rng = {1};
    int n_found = 0, n_same = 0;
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i / 3 % BAR_W + rng_next(&rng) % 16);
    CHECK_OK(et_video_coder_open(&coder, &OPTIONS, &err));
    CHECK_OK(et_video_stream_open(&stream, ET_UNIT_H264, &err));
    for (int i = 0; i < N; i++) {
        CHECK_OK(et_video_coder_put(coder, rgb, &unit, &err));
        CHECK_OK(et_video_stream_put(stream, unit, i, &err));
        while (et_video_stream_find(stream, n_found, &frame, &err) == ET_OK) {
            for (size_t y = 0; y < BAR_H; y++)
                memcpy(luma[n_found % 2] + y * BAR_W, frame.luma + y * (size_t)frame.luma_stride,
                       BAR_W);
            n_same += n_found > 0 && memcmp(luma[0], luma[1], sizeof luma[0]) == 0;
            n_found++;
        }
    }
    CHECK(n_found > N / 2);
    CHECK_EQ(n_same, n_found - 1);
    et_video_coder_close(coder);
    et_video_stream_close(stream);
}

static void options_out_of_range_are_refused(void)
{
    static const struct et_video_coder_options WRONG[] = {
        {.width_px = 0, .height_px = 96, .fps = 30},
        {.width_px = 127, .height_px = 96, .fps = 30},
        {.width_px = 128, .height_px = 1 << 20, .fps = 30},
        {.width_px = 128, .height_px = 96},
        {.width_px = 128, .height_px = 96, .fps = 30, .qp = 52},
        {.width_px = 128, .height_px = 96, .fps = 30, .gop = -1},
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        struct et_video_coder *coder;
        CHECK_EQ(et_video_coder_open(&coder, &WRONG[i], &err), ET_EARG);
        CHECK(!coder && err.text[0]);
    }
    et_video_coder_close(NULL);
}

int main(void)
{
    make(made);
    RUN(every_picture_is_a_unit_at_once);
    RUN(what_comes_out_is_what_went_in);
    RUN(the_same_pictures_give_the_same_bytes);
    RUN(what_stands_still_is_the_same_picture);
    RUN(options_out_of_range_are_refused);
    drop(made);
    return tap_end();
}

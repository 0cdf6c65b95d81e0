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

static void starts_where_it_is_told_to(void)
{
    static uint8_t rgb[3 * BAR_W * BAR_H];
    struct et_video_coder *coder;
    CHECK_OK(et_video_coder_open(&coder, &OPTIONS, &err));
    for (int i = 0; i < 5 + GOP + 1; i++) {
        struct et_str bytes;
        struct et_video_unit unit;
        bar_rgb(i, rgb);
        if (i == 5)
            et_video_coder_start(coder);
        CHECK_OK(et_video_coder_put(coder, rgb, &bytes, &err));
        et_video_unit_look(ET_UNIT_H264, bytes, &unit);
        CHECK_EQ(unit.is_start, i == 0 || i == 5 || i == 5 + GOP);
        CHECK_EQ(unit.has_parameters, unit.is_start);
    }
    et_video_coder_close(coder);
}

/* Of all kinds of pixels, rows with something between them. */
static void takes_pictures_as_cameras_have_them(void)
{
    enum { W = 32, H = 16, PAD = 12 };
    static const struct {
        enum et_video_pixels pixels;
        unsigned char bytes[4]; // of a pixel; of two where two make a pair
        int rgb[3];
    } CASES[] = {
        {ET_PIXELS_RGB, {200, 40, 90}, {200, 40, 90}},
        {ET_PIXELS_BGR, {90, 40, 200}, {200, 40, 90}},
        {ET_PIXELS_RGBA, {200, 40, 90, 0}, {200, 40, 90}},
        {ET_PIXELS_BGRA, {90, 40, 200, 7}, {200, 40, 90}},
        {ET_PIXELS_GREY, {0}, {0, 0, 0}},
        {ET_PIXELS_GREY, {100}, {100, 100, 100}},
        {ET_PIXELS_GREY, {255}, {255, 255, 255}},
        {ET_PIXELS_YUYV, {82, 90, 82, 240}, {255, 0, 0}},
        {ET_PIXELS_UYVY, {54, 145, 34, 145}, {0, 255, 0}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const size_t n = et_video_pixel_bytes(CASES[i].pixels);
        const size_t n_step = W * n + PAD, n_bytes = (H - 1) * n_step + W * n;
        const size_t n_period = n == 2 ? 4 : n;
        uint8_t *pixels = malloc(n_bytes), *rgb = malloc((size_t)3 * W * H); // to the byte
        struct et_video_coder *coder;
        struct et_video_stream *stream;
        struct et_str unit;
        struct et_frame frame;
        for (size_t k = 0; k < n_bytes; k++)
            pixels[k] = k % n_step < W * n ? CASES[i].bytes[k % n_step % n_period] : 77;
        CHECK_OK(et_video_coder_open(&coder,
                                     &(struct et_video_coder_options){.width_px = W,
                                                                      .height_px = H,
                                                                      .fps = 30,
                                                                      .qp = 10,
                                                                      .pixels = CASES[i].pixels,
                                                                      .step_bytes = n_step},
                                     &err));
        CHECK_OK(et_video_coder_put(coder, pixels, &unit, &err));
        CHECK_OK(et_video_stream_open(&stream, ET_UNIT_H264, &err));
        CHECK_OK(et_video_stream_put(stream, unit, 0, &err));
        CHECK_OK(et_video_stream_end(stream, &err));
        CHECK_OK(et_video_stream_find(stream, 0, &frame, &err));
        CHECK_OK(et_video_stream_rgb(stream, W, H, rgb, &err));
        for (size_t k = 0; k < (size_t)3 * W * H; k++)
            if (abs(rgb[k] - CASES[i].rgb[k % 3]) > 5) {
                CHECK_EQ(rgb[k], CASES[i].rgb[k % 3]);
                break;
            }
        et_video_stream_close(stream);
        et_video_coder_close(coder);
        free(pixels);
        free(rgb);
    }
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
        {.width_px = 128, .height_px = 96, .fps = 30, .pixels = (enum et_video_pixels)7},
        {.width_px = 128, .height_px = 96, .fps = 30, .step_bytes = 383},
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
    RUN(starts_where_it_is_told_to);
    RUN(takes_pictures_as_cameras_have_them);
    RUN(options_out_of_range_are_refused);
    drop(made);
    return tap_end();
}

// Pictures of brightness and colours become those of the formula, to a level, whatever their size.
#include "format/format__picture.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define WIDTH_MAX 2100
#define HEIGHT 7

static uint8_t luma[WIDTH_MAX * HEIGHT], u[WIDTH_MAX * HEIGHT], v[WIDTH_MAX * HEIGHT];
static uint8_t rgb[3 * WIDTH_MAX * HEIGHT + 1];

static int level(double x)
{
    return (int)fmin(255, fmax(0, floor(x + 0.5)));
}

// BT.601: Kr 0.299, Kb 0.114 (ITU-R BT.601-7, 2.5.3), in doubles.
static int differs(const uint8_t *got, double y, double cb, double cr)
{
    const int want[3] = {level(y + 1.402 * cr), level(y - 0.344136 * cb - 0.714136 * cr),
                         level(y + 1.772 * cb)};
    int most = 0;
    for (int k = 0; k < 3; k++)
        most = abs(want[k] - got[k]) > most ? abs(want[k] - got[k]) : most;
    return most;
}

static void every_brightness_and_colour_is_the_formulas_to_a_level(void)
{
    const int widths[] = {1, 2, 33, 1023, 1024, 1025, WIDTH_MAX};
    for (size_t i = 0; i < sizeof luma; i++) {
        luma[i] = (uint8_t)(i * 37);
        u[i] = (uint8_t)(i * 101 + i / 256);
        v[i] = (uint8_t)(i * 57 + i / 512);
    }
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        AVFrame *from = av_frame_alloc();
        from->format = AV_PIX_FMT_YUV420P;
        from->width = widths[w];
        from->height = HEIGHT;
        uint8_t *const planes[3] = {luma, u, v};
        for (int k = 0; k < 3; k++) {
            from->data[k] = planes[k];
            from->linesize[k] = WIDTH_MAX;
        }
        for (int is_full = 0; is_full < 2; is_full++) {
            struct et__converter converter = {0};
            struct et_err err;
            int most = 0;
            rgb[3 * widths[w] * HEIGHT] = 77;
            from->color_range = is_full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
            CHECK_OK(et__frame_rgb(&converter, from, widths[w], HEIGHT, rgb, &err));
            for (int y = 0; y < HEIGHT; y++)
                for (int x = 0; x < widths[w]; x++) {
                    const int at = y / 2 * WIDTH_MAX + x / 2;
                    const double cb = u[at] - 128, cr = v[at] - 128;
                    const double k = is_full ? 1 : 255.0 / 224;
                    const double bright = luma[y * WIDTH_MAX + x];
                    const int off =
                        differs(rgb + 3 * (y * widths[w] + x),
                                is_full ? bright : (bright - 16) * 255 / 219, cb * k, cr * k);
                    most = off > most ? off : most;
                }
            CHECK(most <= 1);
            CHECK_EQ(rgb[3 * widths[w] * HEIGHT], 77);
            et__converter_free(&converter);
        }
        av_frame_free(&from);
    }
}

int main(void)
{
    RUN(every_brightness_and_colour_is_the_formulas_to_a_level);
    return tap_end();
}

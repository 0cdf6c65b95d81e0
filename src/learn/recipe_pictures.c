/* A camera's picture as a network sees it: scaled, its middle, one plane a colour. */
#include "etude/video.h"
#include "learn/learn__lessons.h"

#include <math.h>
#include <string.h>

// A deviation below the least makes noise of what is the same everywhere; LeRobot adds 1e-8.
#define DEVIATION_MIN 1e-9F
#define COLOUR_MAX 1e6F

void et__recipe_imagenet(struct et__recipe_pictures *p)
{
    static const float MEAN[3] = {0.485F, 0.456F, 0.406F}, DEVIATION[3] = {0.229F, 0.224F, 0.225F};
    for (size_t i = 0; i < ET__RECIPE_CAMERAS_MAX; i++) {
        memcpy(p->mean[i], MEAN, sizeof MEAN);
        memcpy(p->deviation[i], DEVIATION, sizeof DEVIATION);
    }
}

enum et_status et__recipe_check_colours(const struct et__recipe_pictures *p, struct et_err *err)
{
    for (size_t i = 0; i < p->n_cameras; i++)
        for (size_t c = 0; c < 3; c++)
            if (!(fabsf(p->mean[i][c]) <= COLOUR_MAX) || !(p->deviation[i][c] >= DEVIATION_MIN) ||
                !(p->deviation[i][c] <= COLOUR_MAX))
                return et_fail(err, ET_ECORRUPT, -1,
                               "%.100s: colour %zu has a mean of %g and a deviation of %g",
                               p->features[i], c, (double)p->mean[i][c],
                               (double)p->deviation[i][c]);
    return ET_OK;
}

enum et_status et__recipe_look(const struct et__recipe_pictures *p, size_t i_camera,
                               const uint8_t *rgb, uint8_t *scaled, float *seen, struct et_err *err)
{
    const int width = p->scaled_width_px, height = p->scaled_height_px;
    const size_t n = (size_t)p->seen_width_px * (size_t)p->seen_height_px;
    const int left = (width - p->seen_width_px) / 2, top = (height - p->seen_height_px) / 2;
    if (width != p->width_px || height != p->height_px) {
        const enum et_status st =
            et_video_scale_rgb(rgb, p->width_px, p->height_px, scaled, width, height, err);
        if (st != ET_OK)
            return st;
        rgb = scaled;
    }
    for (size_t c = 0; c < 3; c++) {
        const float scale = 1 / (255 * p->deviation[i_camera][c]);
        const float shift = p->mean[i_camera][c] / p->deviation[i_camera][c];
        for (int y = 0; y < p->seen_height_px; y++) {
            const uint8_t *row = rgb + 3 * ((size_t)(y + top) * (size_t)width + (size_t)left) + c;
            float *to = seen + c * n + (size_t)y * (size_t)p->seen_width_px;
            for (int x = 0; x < p->seen_width_px; x++)
                to[x] = (float)row[3 * x] * scale - shift;
        }
    }
    return ET_OK;
}

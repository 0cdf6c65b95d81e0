#include "truth.h"

#include "etude/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 256 // of the texture, which repeats
#define RADIUS 34.0
#define DISC_PX 45.0 // how far a disc goes to either side
#define PAN_PX 60.0
#define RANGE_MIN 0.3 // rad: a joint that moves less moves its picture no more

static uint8_t *make_texture(int which)
{
    static const float COLOURS[3][4] = {
        {125, 130, 128, 420}, {225, 120, 45, 300}, {50, 105, 215, 300}}; // and how strong
    const float *colour = COLOURS[which];
    struct rng rng = {1000 + (uint64_t)which};
    const size_t n = (size_t)SIDE * SIDE * 3;
    float *a = need(calloc(n, sizeof *a)), *b = need(calloc(n, sizeof *b));
    uint8_t *texture = need(calloc(n, 1));
    for (size_t i = 0; i < n; i++)
        a[i] = (float)rng_uniform(&rng);
    for (int pass = 0; pass < 2; pass++) {
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                for (int c = 0; c < 3; c++) {
                    float sum = 0;
                    for (int dy = -2; dy <= 2; dy++)
                        for (int dx = -2; dx <= 2; dx++)
                            sum +=
                                a[(((y + dy) & (SIDE - 1)) * SIDE + ((x + dx) & (SIDE - 1))) * 3 +
                                  c];
                    b[(y * SIDE + x) * 3 + c] = sum / 25;
                }
        memcpy(a, b, n * sizeof *a);
    }
    for (size_t i = 0; i < n; i++) {
        const float v = colour[i % 3] + (a[i] - 0.5f) * colour[3];
        texture[i] = (uint8_t)(v < 10 ? 10 : v > 245 ? 245 : v);
    }
    free(a);
    free(b);
    return texture;
}

/* Made once; the program is one thread. */
static const uint8_t *texture(int which)
{
    static uint8_t *made[3];
    if (!made[which])
        made[which] = make_texture(which);
    return made[which];
}

static double half_range(const struct motion *motion, size_t k)
{
    return fmax(motion->high[k] - motion->low[k], RANGE_MIN) / 2;
}

double picture_px_per_rad(const struct motion *motion, int side, int joint)
{
    const size_t k = Q_ARM + (size_t)side * N_ARM + (size_t)joint;
    return (joint == PAN_X ? PAN_PX : DISC_PX) / half_range(motion, k);
}

/* Pixels that a joint moves its picture by, from the middle of its range. */
static double moved(const struct motion *motion, const double *q, int side, int joint)
{
    const size_t k = Q_ARM + (size_t)side * N_ARM + (size_t)joint;
    const double middle = (motion->high[k] + motion->low[k]) / 2;
    return (q[k] - middle) * picture_px_per_rad(motion, side, joint);
}

struct scene {
    double disc[2][2];
    double pan[2];
    bool is_wrist;
};

static struct scene scene_at(const struct motion *motion, double t_s, int side, bool is_wrist)
{
    double q[N_Q];
    struct scene scene = {.is_wrist = is_wrist};
    motion_at(motion, t_s, q, NULL, NULL);
    for (int s = LEFT; s <= RIGHT; s++) {
        scene.disc[s][0] = 95 + 130 * s + moved(motion, q, s, DISC_X);
        scene.disc[s][1] = 120 + moved(motion, q, s, DISC_Y);
    }
    if (is_wrist) {
        scene.pan[0] = moved(motion, q, side, PAN_X);
        scene.pan[1] = moved(motion, q, side, PAN_Y);
    }
    return scene;
}

/* A repeating texture seen from (x, y) on, between its pixels in 256ths: n pixels of one row. */
static void paint_row(const uint8_t *from, double x, double y, int n, uint8_t *to)
{
    const int u = (int)floor(x * 256), v = (int)floor(y * 256);
    const int fu = u & 255, fv = v & 255;
    const int weights[4] = {(256 - fu) * (256 - fv), fu * (256 - fv), (256 - fu) * fv, fu * fv};
    const uint8_t *top = from + (size_t)((v >> 8) & (SIDE - 1)) * SIDE * 3;
    const uint8_t *low = from + (size_t)(((v >> 8) + 1) & (SIDE - 1)) * SIDE * 3;
    for (int i = 0; i < n; i++) {
        const int a = (((u >> 8) + i) & (SIDE - 1)) * 3, b = (((u >> 8) + i + 1) & (SIDE - 1)) * 3;
        for (int c = 0; c < 3; c++)
            *to++ = (uint8_t)((top[a + c] * weights[0] + top[b + c] * weights[1] +
                               low[a + c] * weights[2] + low[b + c] * weights[3]) >>
                              16);
    }
}

/* A disc with a texture of its own that moves with it; its edge covers pixels in part. */
static void paint_disc(const double centre[2], const uint8_t *from, uint8_t *rgb)
{
    uint8_t row[PICTURE_WIDTH * 3];
    const int y_first = (int)fmax(centre[1] - RADIUS - 1, 0);
    const int y_last = (int)fmin(centre[1] + RADIUS + 1, PICTURE_HEIGHT - 1);
    const int x_first = (int)fmax(centre[0] - RADIUS - 1, 0);
    const int x_last = (int)fmin(centre[0] + RADIUS + 1, PICTURE_WIDTH - 1);
    for (int y = y_first; y <= y_last; y++) {
        paint_row(from, x_first - centre[0], y - centre[1], x_last - x_first + 1, row);
        for (int x = x_first; x <= x_last; x++) {
            const double dx = x - centre[0], dy = y - centre[1];
            const double cover = fmin(fmax(RADIUS - sqrt(dx * dx + dy * dy) + 0.5, 0), 1);
            uint8_t *p = rgb + 3 * (y * PICTURE_WIDTH + x);
            for (int c = 0; cover > 0 && c < 3; c++)
                p[c] = (uint8_t)(p[c] + cover * (row[3 * (x - x_first) + c] - p[c]));
        }
    }
}

static void paint(const struct scene *scene, uint64_t noise_seed, uint8_t *rgb)
{
    uint64_t state = noise_seed * 2654435761u + 88172645463325252u;
    for (int y = 0; y < PICTURE_HEIGHT; y++)
        paint_row(texture(0), scene->pan[0], y + scene->pan[1], PICTURE_WIDTH,
                  rgb + (size_t)y * PICTURE_WIDTH * 3);
    for (int s = LEFT; !scene->is_wrist && s <= RIGHT; s++)
        paint_disc(scene->disc[s], texture(1 + s), rgb);
    for (size_t i = 0; i < (size_t)PICTURE_WIDTH * PICTURE_HEIGHT; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        for (size_t c = 0; c < 3; c++) // the sensor's noise
            rgb[3 * i + c] = (uint8_t)(rgb[3 * i + c] + (int)((state >> (20 + 8 * c)) & 3) - 1);
    }
}

/* When message i's picture was taken; a frozen camera repeats the one before. */
static double exposure(const struct channel *channel, size_t i, size_t *i_shown)
{
    for (size_t k = 0; k < channel->n_frozen; k++)
        while (i > 0 && channel->t_s[i] >= channel->frozen[k][0] &&
               channel->t_s[i] < channel->frozen[k][1])
            i--;
    *i_shown = i;
    return channel->t_s[i] - channel->latency_s;
}

void picture_jpeg(const struct recording *recording, const struct channel *channel, size_t i,
                  bool is_wrist, struct et_buf *to)
{
    static uint8_t rgb[PICTURE_WIDTH * PICTURE_HEIGHT * 3];
    size_t i_shown;
    const double t = exposure(channel, i, &i_shown);
    const struct scene scene = scene_at(recording->motion, t, channel->side, is_wrist);
    paint(&scene, recording->seed * 100003 + channel->number[i_shown] + 17, rgb);
    const struct et_image image = {PICTURE_WIDTH, PICTURE_HEIGHT, 3, 8, rgb};
    if (et_image_encode_jpeg(&image, 85, to, NULL) != ET_OK)
        to->status = ET_ELIMIT;
}

void picture_depth_png(const struct recording *recording, const struct channel *channel, size_t i,
                       struct et_buf *to)
{
    static uint16_t depth[PICTURE_WIDTH * PICTURE_HEIGHT];
    size_t i_shown;
    const double t = exposure(channel, i, &i_shown);
    const struct scene scene = scene_at(recording->motion, t, channel->side, false);
    for (int y = 0; y < PICTURE_HEIGHT; y++)
        for (int x = 0; x < PICTURE_WIDTH; x++) {
            double d = 1300 - 2.0 * y + 0.1 * x; // a table that rises to the camera
            for (int s = LEFT; s <= RIGHT; s++)
                if (hypot(x - scene.disc[s][0], y - scene.disc[s][1]) < RADIUS)
                    d = 560;
            depth[y * PICTURE_WIDTH + x] = (uint16_t)d;
        }
    const struct et_image image = {PICTURE_WIDTH, PICTURE_HEIGHT, 1, 16, depth};
    if (et_image_encode_png(&image, 3, to, NULL) != ET_OK)
        to->status = ET_ELIMIT;
}

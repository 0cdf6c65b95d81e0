/* Pictures as coders keep them, brightness and half as many colours, into red, green and blue.
 *
 * In steps that become vectors each: colours of a piece of a row to what they add, the sum with
 * brightness, and three planes into one. A loop that does all at once stays a loop, eight times as
 * slow. */
#include "format__picture.h"

#define PIECE 1024 // pixels at a time; even

struct piece {
    int32_t red[PIECE], green[PIECE], blue[PIECE]; // what colours add
    uint8_t planes[3][PIECE];
};

static inline uint8_t clamped(int32_t x)
{
    x >>= 16;
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

// Two pixels share their colours.
static ET_CLONES void add_colours(struct piece *restrict p, const struct et__yuv_matrix *m,
                                  const uint8_t *restrict u, const uint8_t *restrict v, size_t n)
{
    const int32_t red_v = m->red_v, blue_u = m->blue_u, green_u = m->green_u, green_v = m->green_v;
    for (size_t i = 0; i < n; i++) {
        const int32_t du = u[i] - 128, dv = v[i] - 128;
        p->red[2 * i] = p->red[2 * i + 1] = red_v * dv;
        p->green[2 * i] = p->green[2 * i + 1] = green_u * du + green_v * dv;
        p->blue[2 * i] = p->blue[2 * i + 1] = blue_u * du;
    }
}

static ET_CLONES void add_luma(struct piece *restrict p, const struct et__yuv_matrix *m,
                               const uint8_t *restrict luma, size_t n)
{
    const int32_t scale = m->luma, offset = m->offset;
    for (size_t i = 0; i < n; i++) {
        const int32_t y = scale * luma[i] + offset;
        p->planes[0][i] = clamped(y + p->red[i]);
        p->planes[1][i] = clamped(y + p->green[i]);
        p->planes[2][i] = clamped(y + p->blue[i]);
    }
}

static ET_CLONES void weave(uint8_t *restrict rgb, const struct piece *restrict p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rgb[3 * i] = p->planes[0][i];
        rgb[3 * i + 1] = p->planes[1][i];
        rgb[3 * i + 2] = p->planes[2][i];
    }
}

void et__yuv420_to_rgb(const struct et__yuv420 *from, const struct et__yuv_matrix *matrix,
                       uint8_t *rgb, ptrdiff_t stride)
{
    struct piece piece;
    for (int y = 0; y < from->height; y++)
        for (int x = 0; x < from->width; x += PIECE) {
            const size_t n = from->width - x < PIECE ? (size_t)(from->width - x) : PIECE;
            add_colours(&piece, matrix, from->u + y / 2 * from->u_stride + x / 2,
                        from->v + y / 2 * from->v_stride + x / 2, (n + 1) / 2);
            add_luma(&piece, matrix, from->luma + y * from->luma_stride + x, n);
            weave(rgb + y * stride + 3 * (ptrdiff_t)x, &piece, n);
        }
}

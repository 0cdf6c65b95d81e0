/* The kernels over maps on a processor: convolutions as matrix products over gathered rows, some at
 * a time, so that these stay in a core's cache; the rest along channels, LANES at once. Sums run
 * from place to place, whatever the processor's vectors hold. ET_CLONES: as in kernels_cpu.c, by
 * other names: clang shows the linker those of static functions, too. */
#include "learn/learn__picture_kernels.h"

#include "learn/learn__exp.h"
#include "learn/learn__kernels.h"

#include <math.h>
#include <string.h>

#define LANES 16
#define GATHERED ((size_t)96 << 10) // numbers of the rows that are gathered at once
#define ROWS_MIN ((size_t)256)      // else turning the weights over costs more than it multiplies
// The loops over lanes have to know their number to become vectors: LANES, or what is left.
#define INLINE static inline __attribute__((always_inline))

static ET_CLONES void lay_three(et__real *restrict y, const et__real *restrict x, size_t n)
{
    const et__real *restrict second = x + n, *restrict third = x + 2 * n;
    for (size_t j = 0; j < n; j++) {
        y[3 * j] = x[j];
        y[3 * j + 1] = second[j];
        y[3 * j + 2] = third[j];
    }
}

static void lay_planes(void *device, const struct et__planes *p)
{
    (void)device;
    for (size_t i = 0; i < p->n; i++) {
        const et__real *x = p->x + i * p->n_channels * p->n_places;
        et__real *y = p->y + i * p->y_stride;
        if (p->n_channels == 3)
            lay_three(y, x, p->n_places);
        else
            for (size_t c = 0; c < p->n_channels; c++)
                for (size_t j = 0; j < p->n_places; j++)
                    y[j * p->n_channels + c] = x[c * p->n_places + j];
    }
}

/* ---- convolutions ---- */

static size_t width_of(const struct et__convolution *c)
{
    return (size_t)c->window.side * (size_t)c->window.side * (size_t)c->n_in;
}

static size_t rows_of(const struct et__convolution *c)
{
    const size_t rows = GATHERED / width_of(c), n = et__window_places(&c->window);
    const size_t at_least = rows > ROWS_MIN ? rows : ROWS_MIN;
    return at_least < n ? at_least : n;
}

size_t et__convolution_scratch(const struct et__convolution *c)
{
    return (2 * (size_t)c->n_out + rows_of(c)) * width_of(c);
}

// A window of one place that moves by one: the map is what would be gathered.
static bool is_plain(const struct et__window *w)
{
    return w->side == 1 && w->stride == 1 && w->padding == 0;
}

// Where a window lies: its picture's first number, its corner, and what of its columns is on the
// map.
struct corner {
    size_t picture;
    int row, column;
    int first, end; // columns of the window
};

INLINE void clip(struct corner *at, const struct et__window *w)
{
    at->first = at->column < 0 ? -at->column : 0;
    at->end = w->width - at->column < w->side ? w->width - at->column : w->side;
}

INLINE struct corner corner_of(const struct et__window *w, size_t place, size_t n_channels)
{
    const size_t wide = (size_t)et__window_wide(w), n = (size_t)et__window_high(w) * wide;
    struct corner at = {.picture = place / n * (size_t)w->height * (size_t)w->width * n_channels,
                        .row = (int)(place % n / wide) * w->stride - w->padding,
                        .column = (int)(place % wide) * w->stride - w->padding};
    clip(&at, w);
    return at;
}

// The next place's, without dividing.
INLINE void step(struct corner *at, const struct et__window *w, size_t n_channels)
{
    at->column += w->stride;
    if (at->column + w->side > w->width + w->padding) {
        at->column = -w->padding;
        at->row += w->stride;
        if (at->row + w->side > w->height + w->padding) {
            at->row = -w->padding;
            at->picture += (size_t)w->height * (size_t)w->width * n_channels;
        }
    }
    clip(at, w);
}

INLINE const et__real *row_of(const struct et__convolution *c, const struct corner *at, int u)
{
    return c->x + at->picture +
           ((size_t)(at->row + u) * (size_t)c->window.width + (size_t)(at->column + at->first)) *
               (size_t)c->n_in;
}

// Few numbers, by vectors of which the last overlaps the one before: a call would take longer.
INLINE void copy(et__real *restrict to, const et__real *restrict from, size_t n)
{
    const size_t half = LANES / 2;
    if (n >= LANES) {
        for (size_t j = 0; j + LANES < n; j += LANES)
            memcpy(to + j, from + j, LANES * sizeof *to);
        memcpy(to + n - LANES, from + n - LANES, LANES * sizeof *to);
    } else if (n >= half) {
        memcpy(to, from, half * sizeof *to);
        memcpy(to + n - half, from + n - half, half * sizeof *to);
    } else {
        memcpy(to, from, n * sizeof *to);
    }
}

// Windows as rows of numbers, row by row of the window, with 0 beyond the map.
static ET_CLONES void gather(et__real *restrict to, const struct et__convolution *c, size_t first,
                             size_t n)
{
    const struct et__window *w = &c->window;
    const size_t n_in = (size_t)c->n_in, n_row = (size_t)w->side * n_in;
    struct corner at = corner_of(w, first, n_in);
    for (size_t i = 0; i < n; i++, step(&at, w, n_in)) {
        const size_t begin = (size_t)at.first * n_in, end = (size_t)at.end * n_in;
        for (int u = 0; u < w->side; u++, to += n_row) {
            const bool is_on = at.row + u >= 0 && at.row + u < w->height;
            if (is_on && end - begin == n_row) {
                copy(to, row_of(c, &at, u), n_row);
                continue;
            }
            memset(to, 0, n_row * sizeof *to);
            if (is_on)
                memcpy(to + begin, row_of(c, &at, u), (end - begin) * sizeof *to);
        }
    }
}

// The same backwards: numbers of windows are added to where they came from.
static ET_CLONES void scatter(et__real *restrict dx, const et__real *restrict from,
                              const struct et__convolution *c, size_t first, size_t n)
{
    const struct et__window *w = &c->window;
    const size_t n_in = (size_t)c->n_in, n_row = (size_t)w->side * n_in;
    struct corner at = corner_of(w, first, n_in);
    for (size_t i = 0; i < n; i++, step(&at, w, n_in)) {
        const size_t begin = (size_t)at.first * n_in, end = (size_t)at.end * n_in;
        for (int u = 0; u < w->side; u++, from += n_row) {
            if (at.row + u < 0 || at.row + u >= w->height)
                continue;
            et__real *restrict to = dx + (row_of(c, &at, u) - c->x);
            for (size_t j = begin; j < end; j++)
                to[j - begin] += from[j];
        }
    }
}

static const et__real *gathered(et__real *to, const struct et__convolution *c, size_t first,
                                size_t n)
{
    if (is_plain(&c->window))
        return c->x + first * (size_t)c->n_in;
    gather(to, c, first, n);
    return to;
}

static et__real scale_of(const struct et__convolution *c, int out)
{
    return c->scale ? c->scale[out] : 1;
}

// Weights as rows of what is gathered, scaled.
static ET_CLONES void turn(et__real *restrict to, const struct et__convolution *c)
{
    const size_t n_in = (size_t)c->n_in, n_window = width_of(c) / n_in;
    for (int out = 0; out < c->n_out; out++, to += n_in * n_window) {
        const et__real *restrict from = c->weight + (size_t)out * n_in * n_window;
        const et__real scale = scale_of(c, out);
        for (size_t j = 0; j < n_window; j++)
            for (size_t i = 0; i < n_in; i++)
                to[j * n_in + i] = scale * from[i * n_window + j];
    }
}

static ET_CLONES void turn_back(et__real *restrict to, const et__real *restrict from,
                                const struct et__convolution *c)
{
    const size_t n_in = (size_t)c->n_in, n_window = width_of(c) / n_in;
    for (int out = 0; out < c->n_out; out++, to += n_in * n_window, from += n_in * n_window) {
        const et__real scale = scale_of(c, out);
        for (size_t i = 0; i < n_in; i++)
            for (size_t j = 0; j < n_window; j++)
                to[i * n_window + j] += scale * from[j * n_in + i];
    }
}

static ET_CLONES void add_numbers(et__real *restrict to, const et__real *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

static ET_CLONES void rectify(et__real *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] > 0 ? y[i] : 0;
}

void et__convolution_finish(const struct et__convolution *c, size_t first, size_t n)
{
    const size_t n_out = (size_t)c->n_out;
    et__real *y = c->y + first * n_out;
    for (size_t i = 0; i < n && c->shift; i++)
        add_numbers(y + i * n_out, c->shift, n_out);
    if (c->more)
        add_numbers(y, c->more + first * n_out, n * n_out);
    if (c->has_relu)
        rectify(y, n * n_out);
}

static void convolve(void *device, const struct et__convolution *c)
{
    const size_t width = width_of(c), n_places = et__window_places(&c->window), n_rows = rows_of(c);
    et__real *turned = c->scratch, *rows = turned + 2 * (size_t)c->n_out * width;
    turn(turned, c);
    for (size_t at = 0; at < n_places; at += n_rows) {
        const size_t n = n_places - at < n_rows ? n_places - at : n_rows;
        et__kernels_cpu.gemm(device, &(struct et__gemm){.c = c->y + at * (size_t)c->n_out,
                                                        .a = gathered(rows, c, at, n),
                                                        .b = turned,
                                                        .m = (int)n,
                                                        .n = c->n_out,
                                                        .k = (int)width,
                                                        .c_stride = c->n_out,
                                                        .a_stride = (int)width,
                                                        .b_stride = (int)width,
                                                        .is_b_turned = true,
                                                        .alpha = 1});
        et__convolution_finish(c, at, n); // while they are in the cache
    }
}

// What n rows from `at` on say about the input.
static void learn_input(const struct et__convolution_back *back, const et__real *turned,
                        et__real *rows, size_t at, size_t n)
{
    const struct et__convolution *c = back->forward;
    const bool is_direct = is_plain(&c->window);
    const int width = (int)width_of(c);
    et__kernels_cpu.gemm(NULL,
                         &(struct et__gemm){.c = is_direct ? back->dx + at * (size_t)width : rows,
                                            .a = back->dy + at * (size_t)c->n_out,
                                            .b = turned,
                                            .m = (int)n,
                                            .n = width,
                                            .k = c->n_out,
                                            .c_stride = width,
                                            .a_stride = c->n_out,
                                            .b_stride = width,
                                            .alpha = 1,
                                            .beta = is_direct && back->is_added ? 1 : 0});
    if (!is_direct)
        scatter(back->dx, rows, c, at, n);
}

static void convolve_back(void *device, const struct et__convolution_back *back)
{
    const struct et__convolution *c = back->forward;
    const struct et__window *w = &c->window;
    const size_t width = width_of(c), n_places = et__window_places(w), n_rows = rows_of(c);
    const size_t n_weights = width * (size_t)c->n_out, n_out = (size_t)c->n_out;
    et__real *turned = back->scratch, *dweight = turned + n_weights, *rows = dweight + n_weights;
    if (back->dx)
        turn(turned, c);
    if (back->dx && !back->is_added && !is_plain(w))
        memset(back->dx, 0,
               (size_t)w->n * (size_t)w->height * (size_t)w->width * (size_t)c->n_in *
                   sizeof *back->dx);
    for (size_t at = 0; at < n_places; at += n_rows) {
        const size_t n = n_places - at < n_rows ? n_places - at : n_rows;
        et__kernels_cpu.gemm(device, &(struct et__gemm){.c = dweight,
                                                        .a = back->dy + at * n_out,
                                                        .b = gathered(rows, c, at, n),
                                                        .m = c->n_out,
                                                        .n = (int)width,
                                                        .k = (int)n,
                                                        .c_stride = (int)width,
                                                        .a_stride = c->n_out,
                                                        .b_stride = (int)width,
                                                        .is_a_turned = true,
                                                        .alpha = 1,
                                                        .beta = at > 0 ? 1 : 0});
        if (back->dx)
            learn_input(back, turned, rows, at, n);
    }
    turn_back(back->dweight, dweight, c);
    et__convolution_learn_shift(back);
}

void et__convolution_learn_shift(const struct et__convolution_back *back)
{
    const size_t n_out = (size_t)back->forward->n_out;
    for (size_t i = 0; i < et__window_places(&back->forward->window) && back->dshift; i++)
        add_numbers(back->dshift, back->dy + i * n_out, n_out);
}

/* ---- the greatest ---- */

// Of `n` channels from `from` on, the greatest that lie in the window.
INLINE void greatest(et__real *y, const struct et__max_pool *p, const struct corner *at,
                     size_t from, size_t n)
{
    et__real most[LANES];
    for (size_t l = 0; l < n; l++)
        most[l] = -(et__real)INFINITY;
    for (int u = 0; u < p->window.side; u++)
        for (int v = at->first; v < at->end && at->row + u >= 0 && at->row + u < p->window.height;
             v++) {
            const size_t place = (size_t)(at->row + u) * p->window.width + (at->column + v);
            const et__real *x = p->x + at->picture + place * p->n_channels + from;
            for (size_t l = 0; l < n; l++)
                most[l] = x[l] > most[l] ? x[l] : most[l];
        }
    for (size_t l = 0; l < n; l++)
        y[from + l] = most[l];
}

static ET_CLONES void max_pool(void *device, const struct et__max_pool *p)
{
    (void)device;
    const size_t n_channels = (size_t)p->n_channels;
    for (size_t i = 0; i < et__window_places(&p->window); i++) {
        const struct corner at = corner_of(&p->window, i, n_channels);
        et__real *y = p->y + i * n_channels;
        size_t c = 0;
        for (; c + LANES <= n_channels; c += LANES)
            greatest(y, p, &at, c, LANES);
        greatest(y, p, &at, c, n_channels - c);
    }
}

// What is left to give of a lane is 0 once it was given.
INLINE void give(const struct et__max_pool_back *back, size_t i, const struct corner *at,
                 size_t from, size_t n)
{
    const struct et__max_pool *p = back->forward;
    const size_t n_channels = (size_t)p->n_channels;
    const et__real *y = p->y + i * n_channels + from, *dy = back->dy + i * n_channels + from;
    et__real left[LANES];
    for (size_t l = 0; l < n; l++)
        left[l] = dy[l];
    for (int u = 0; u < p->window.side; u++)
        for (int v = at->first; v < at->end && at->row + u >= 0 && at->row + u < p->window.height;
             v++) {
            const size_t place = (size_t)(at->row + u) * p->window.width + (at->column + v);
            const size_t first = at->picture + place * n_channels + from;
            const et__real *restrict x = p->x + first;
            et__real *restrict dx = back->dx + first;
            for (size_t l = 0; l < n; l++) {
                const et__real given = x[l] == y[l] ? left[l] : 0;
                dx[l] += given;
                left[l] -= given;
            }
        }
}

static ET_CLONES void max_pool_back(void *device, const struct et__max_pool_back *back)
{
    (void)device;
    const struct et__max_pool *p = back->forward;
    const struct et__window *w = &p->window;
    const size_t n_channels = (size_t)p->n_channels;
    memset(back->dx, 0,
           (size_t)w->n * (size_t)w->height * (size_t)w->width * n_channels * sizeof *back->dx);
    for (size_t i = 0; i < et__window_places(w); i++) {
        const struct corner at = corner_of(w, i, n_channels);
        size_t c = 0;
        for (; c + LANES <= n_channels; c += LANES)
            give(back, i, &at, c, LANES);
        give(back, i, &at, c, n_channels - c);
    }
}

/* ---- norms ---- */

// A map's columns: n rows of `width`, of which each channel's sum is looked for.
struct columns {
    const et__real *x, *y, *dy; // what a sum takes of these
    const et__real *mean;       // of each channel
    size_t n, width;
};

INLINE void sum_lanes(et__real *to, const struct columns *s, size_t from, size_t n)
{
    et__real sum[LANES] = {0};
    for (size_t i = 0; i < s->n; i++)
        for (size_t l = 0; l < n; l++)
            sum[l] += s->x[i * s->width + from + l];
    for (size_t l = 0; l < n; l++)
        to[from + l] = sum[l];
}

static ET_CLONES void sums(et__real *to, const struct columns *s)
{
    size_t c = 0;
    for (; c + LANES <= s->width; c += LANES)
        sum_lanes(to, s, c, LANES);
    sum_lanes(to, s, c, s->width - c);
}

INLINE void square_lanes(et__real *to, const struct columns *s, size_t from, size_t n)
{
    et__real sum[LANES] = {0}, mean[LANES];
    for (size_t l = 0; l < n; l++)
        mean[l] = s->mean[from + l];
    for (size_t i = 0; i < s->n; i++)
        for (size_t l = 0; l < n; l++) {
            const et__real off = s->x[i * s->width + from + l] - mean[l];
            sum[l] += off * off;
        }
    for (size_t l = 0; l < n; l++)
        to[from + l] = sum[l];
}

static ET_CLONES void squares(et__real *to, const struct columns *s)
{
    size_t c = 0;
    for (; c + LANES <= s->width; c += LANES)
        square_lanes(to, s, c, LANES);
    square_lanes(to, s, c, s->width - c);
}

// y = x · scale + shift of each channel, n rows.
static ET_CLONES void scale_rows(et__real *restrict y, const struct columns *s,
                                 const et__real *restrict scale, const et__real *restrict shift,
                                 bool has_relu)
{
    for (size_t i = 0; i < s->n; i++) {
        const et__real *restrict x = s->x + i * s->width;
        et__real *restrict to = y + i * s->width;
        for (size_t c = 0; c < s->width; c++)
            to[c] = x[c] * scale[c] + shift[c];
        for (size_t c = 0; c < s->width && has_relu; c++)
            to[c] = to[c] > 0 ? to[c] : 0;
    }
}

static et__real sum_group(const et__real *x, size_t n)
{
    et__real sum = 0;
    for (size_t c = 0; c < n; c++)
        sum += x[c];
    return sum;
}

static void norm_picture(const struct et__group_norm *n, size_t i)
{
    const size_t width = n->n_channels / n->n_groups;
    const et__real n_group = (et__real)(n->n_places * width);
    et__real *a = n->scratch, *b = a + n->n_channels;
    const struct columns s = {.x = n->x + i * n->n_places * n->n_channels,
                              .mean = a,
                              .n = n->n_places,
                              .width = n->n_channels};
    sums(b, &s);
    for (size_t g = 0; g < n->n_groups; g++) {
        const et__real mean = sum_group(b + g * width, width) / n_group;
        for (size_t c = g * width; c < (g + 1) * width; c++)
            a[c] = mean;
        n->mean[i * n->n_groups + g] = mean;
    }
    squares(b, &s);
    for (size_t g = 0; g < n->n_groups; g++) {
        const et__real variance = sum_group(b + g * width, width) / n_group;
        const et__real scale = (et__real)(1 / sqrt((double)(variance + n->epsilon)));
        for (size_t c = g * width; c < (g + 1) * width; c++) {
            const et__real mean = a[c];
            a[c] = scale * n->weight[c];
            b[c] = n->bias[c] - mean * a[c];
        }
        n->scale[i * n->n_groups + g] = scale;
    }
    scale_rows(n->y + i * n->n_places * n->n_channels, &s, a, b, n->has_relu);
}

static void group_norm(void *device, const struct et__group_norm *n)
{
    (void)device;
    for (size_t i = 0; i < n->n; i++)
        norm_picture(n, i);
}

// Of each channel, the sums of dy and of dy · (x − mean). ReLU lets through where y is positive.
INLINE void slope_lanes(et__real *of_dy, et__real *of_both, const struct columns *s, size_t from,
                        size_t n, bool has_relu)
{
    et__real first[LANES] = {0}, second[LANES] = {0}, mean[LANES];
    for (size_t l = 0; l < n; l++)
        mean[l] = s->mean[from + l];
    for (size_t i = 0; i < s->n; i++) {
        const size_t at = i * s->width + from;
        for (size_t l = 0; l < n; l++) {
            const et__real given = s->dy[at + l]; // read first: then the choice is a mask
            const et__real dy = !has_relu || s->y[at + l] > 0 ? given : 0;
            first[l] += dy;
            second[l] += dy * (s->x[at + l] - mean[l]);
        }
    }
    for (size_t l = 0; l < n; l++) {
        of_dy[from + l] = first[l];
        of_both[from + l] = second[l];
    }
}

static ET_CLONES void slopes(et__real *of_dy, et__real *of_both, const struct columns *s,
                             bool has_relu)
{
    size_t c = 0;
    for (; c + LANES <= s->width; c += LANES)
        if (has_relu)
            slope_lanes(of_dy, of_both, s, c, LANES, true);
        else
            slope_lanes(of_dy, of_both, s, c, LANES, false);
    slope_lanes(of_dy, of_both, s, c, s->width - c, has_relu);
}

// dx = dy · a + x · b + rest, of each channel.
struct mix {
    const et__real *a, *b, *rest;
};

static ET_CLONES void mix_rows(et__real *restrict dx, const struct columns *s, const struct mix *m,
                               bool has_relu)
{
    const et__real *restrict a = m->a, *restrict b = m->b, *restrict rest = m->rest;
    for (size_t i = 0; i < s->n; i++) {
        const et__real *restrict x = s->x + i * s->width, *restrict y = s->y + i * s->width;
        const et__real *restrict dy = s->dy + i * s->width;
        et__real *restrict to = dx + i * s->width;
        if (has_relu)
            for (size_t c = 0; c < s->width; c++)
                to[c] = (y[c] > 0 ? dy[c] : 0) * a[c] + (x[c] * b[c] + rest[c]);
        else
            for (size_t c = 0; c < s->width; c++)
                to[c] = dy[c] * a[c] + (x[c] * b[c] + rest[c]);
    }
}

/* dx = (g − mean(g) − h · mean(g h)) · scale with g = dy · weight and h = (x − mean) · scale,
 * sorted by what it is multiplied with. */
static void norm_picture_back(const struct et__group_norm_back *back, size_t i)
{
    const struct et__group_norm *n = back->forward;
    const size_t width = n->n_channels / n->n_groups, first = i * n->n_places * n->n_channels;
    const et__real n_group = (et__real)(n->n_places * width);
    et__real *a = back->scratch, *b = a + n->n_channels, *rest = b + n->n_channels;
    const struct columns s = {.x = n->x + first,
                              .y = n->y + first,
                              .dy = back->dy + first,
                              .mean = rest,
                              .n = n->n_places,
                              .width = n->n_channels};
    for (size_t c = 0; c < n->n_channels; c++)
        rest[c] = n->mean[i * n->n_groups + c / width];
    slopes(a, b, &s, n->has_relu);
    for (size_t g = 0; g < n->n_groups; g++) {
        const et__real mean = n->mean[i * n->n_groups + g], scale = n->scale[i * n->n_groups + g];
        et__real of_g = 0, of_gh = 0;
        for (size_t c = g * width; c < (g + 1) * width; c++) {
            back->dbias[c] += a[c];
            back->dweight[c] += b[c] * scale;
            of_g += a[c] * n->weight[c];
            of_gh += b[c] * scale * n->weight[c];
        }
        for (size_t c = g * width; c < (g + 1) * width; c++) {
            a[c] = n->weight[c] * scale;
            b[c] = -scale * scale * (of_gh / n_group);
            rest[c] = -scale * (of_g / n_group) - mean * b[c];
        }
    }
    mix_rows(back->dx + first, &s, &(struct mix){a, b, rest}, n->has_relu);
}

static void group_norm_back(void *device, const struct et__group_norm_back *back)
{
    (void)device;
    for (size_t i = 0; i < back->forward->n; i++)
        norm_picture_back(back, i);
}

static void frozen_norm(void *device, const struct et__frozen_norm *n)
{
    (void)device;
    for (size_t c = 0; c < n->n_channels; c++) {
        n->scale[c] =
            (et__real)((double)n->weight[c] / sqrt((double)n->variance[c] + (double)n->epsilon));
        n->shift[c] = n->bias[c] - n->mean[c] * n->scale[c];
    }
}

/* ---- keypoints ---- */

INLINE et__real coordinate(int i, int n)
{
    return n > 1 ? (et__real)(2 * i) / (et__real)(n - 1) - 1 : 0;
}

INLINE void look(const struct et__keypoints *k, size_t i, size_t from, size_t n)
{
    const size_t width = (size_t)k->n_channels, n_places = (size_t)k->height * (size_t)k->width;
    const et__real *restrict x = k->x + i * n_places * width + from;
    et__real *restrict p = k->weights + i * n_places * width + from;
    et__real most[LANES], sum[LANES] = {0}, across[LANES] = {0}, down[LANES] = {0};
    for (size_t l = 0; l < n; l++)
        most[l] = -(et__real)INFINITY;
    for (size_t j = 0; j < n_places; j++)
        for (size_t l = 0; l < n; l++)
            most[l] = x[j * width + l] > most[l] ? x[j * width + l] : most[l];
    for (size_t j = 0; j < n_places; j++) {
        const et__real at_x = coordinate((int)j % k->width, k->width);
        const et__real at_y = coordinate((int)j / k->width, k->height);
        for (size_t l = 0; l < n; l++) {
            const et__real weight = et__exp(x[j * width + l] - most[l]);
            p[j * width + l] = weight;
            sum[l] += weight;
            across[l] += weight * at_x;
            down[l] += weight * at_y;
        }
    }
    for (size_t l = 0; l < n; l++) {
        sum[l] = 1 / sum[l];
        k->y[(i * width + from + l) * 2] = across[l] * sum[l];
        k->y[(i * width + from + l) * 2 + 1] = down[l] * sum[l];
    }
    for (size_t j = 0; j < n_places; j++)
        for (size_t l = 0; l < n; l++)
            p[j * width + l] *= sum[l];
}

static ET_CLONES void keypoints(void *device, const struct et__keypoints *k)
{
    (void)device;
    const size_t width = (size_t)k->n_channels;
    for (size_t i = 0; i < (size_t)k->n; i++) {
        size_t c = 0;
        for (; c + LANES <= width; c += LANES)
            look(k, i, c, LANES);
        look(k, i, c, width - c);
    }
}

INLINE void look_back(const struct et__keypoints_back *back, size_t i, size_t from, size_t n)
{
    const struct et__keypoints *k = back->forward;
    const size_t width = (size_t)k->n_channels, n_places = (size_t)k->height * (size_t)k->width;
    const size_t first = i * n_places * width + from;
    const et__real *restrict p = k->weights + first;
    et__real *restrict dx = back->dx + first;
    et__real d_across[LANES], d_down[LANES], rest[LANES];
    for (size_t l = 0; l < n; l++) {
        const size_t of = (i * width + from + l) * 2;
        d_across[l] = back->dy[of];
        d_down[l] = back->dy[of + 1];
        rest[l] = d_across[l] * k->y[of] + d_down[l] * k->y[of + 1];
    }
    for (size_t j = 0; j < n_places; j++) {
        const et__real at_x = coordinate((int)j % k->width, k->width);
        const et__real at_y = coordinate((int)j / k->width, k->height);
        for (size_t l = 0; l < n; l++)
            dx[j * width + l] =
                p[j * width + l] * (d_across[l] * at_x + d_down[l] * at_y - rest[l]);
    }
}

static ET_CLONES void keypoints_back(void *device, const struct et__keypoints_back *back)
{
    (void)device;
    const size_t width = (size_t)back->forward->n_channels;
    for (size_t i = 0; i < (size_t)back->forward->n; i++) {
        size_t c = 0;
        for (; c + LANES <= width; c += LANES)
            look_back(back, i, c, LANES);
        look_back(back, i, c, width - c);
    }
}

const struct et__picture_kernels et__picture_kernels_cpu = {
    .lay_planes = lay_planes,
    .convolve = convolve,
    .convolve_back = convolve_back,
    .max_pool = max_pool,
    .max_pool_back = max_pool_back,
    .group_norm = group_norm,
    .group_norm_back = group_norm_back,
    .frozen_norm = frozen_norm,
    .keypoints = keypoints,
    .keypoints_back = keypoints_back,
};

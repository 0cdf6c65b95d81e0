/* Items over maps; learn__items.h says what these are. Neighbouring pieces are neighbouring
 * channels, so that a team of threads reads neighbouring numbers. What several windows bring to a
 * place, the place collects. */
#ifndef LEARN__MAP_ITEMS_H
#define LEARN__MAP_ITEMS_H

#include "learn/learn__items.h"

ET__ITEM void lay_number(const struct et__planes *p, size_t i)
{
    const size_t c = i % p->n_channels, place = i / p->n_channels;
    const size_t picture = place / p->n_places, j = place % p->n_places;
    p->y[picture * p->y_stride + j * p->n_channels + c] =
        p->x[(picture * p->n_channels + c) * p->n_places + j];
}

/* ---- windows ---- */

/* How many places a window has, below each other and side by side (as et__window_high). */
ET__ITEM size_t places_along(int size, const struct et__window *w)
{
    return (size_t)((size + 2 * w->padding - w->side) / w->stride + 1);
}

// A number of a map: its channel, and its place.
struct et__place {
    size_t picture, channel;
    int row, column;
};
ET__ITEM struct et__place place_of(size_t i, size_t n_channels, size_t height, size_t width)
{
    const size_t place = i / n_channels;
    const struct et__place at = {place / (height * width), i % n_channels,
                                 (int)(place / width % height), (int)(place % width)};
    return at;
}
ET__ITEM bool is_on(const struct et__window *w, int row, int column)
{
    return row >= 0 && row < w->height && column >= 0 && column < w->width;
}
ET__ITEM size_t number_at(const struct et__window *w, const struct et__place *at, int row,
                          int column, size_t n_channels)
{
    return ((at->picture * (size_t)w->height + (size_t)row) * (size_t)w->width + (size_t)column) *
               n_channels +
           at->channel;
}

/* ---- convolutions ---- */

/* Weights as rows of what is gathered, scaled; and what they learn, the way back. */
struct et__turning {
    struct et__convolution c;
    et__real *to; // n_out × side × side × n_in; on the way back, dweight
    const et__real *from;
};
ET__ITEM size_t weight_of(const struct et__convolution *c, size_t i, size_t *out)
{
    const size_t n_in = (size_t)c->n_in, n_window = (size_t)(c->window.side * c->window.side);
    const size_t j = i / n_in % n_window;
    *out = i / (n_in * n_window);
    return (*out * n_in + i % n_in) * n_window + j;
}
ET__ITEM void turn_number(const struct et__turning *t, size_t i)
{
    size_t out;
    const size_t at = weight_of(&t->c, i, &out);
    t->to[i] = (t->c.scale ? t->c.scale[out] : 1) * t->c.weight[at];
}
ET__ITEM void turn_number_back(const struct et__turning *t, size_t i)
{
    size_t out;
    const size_t at = weight_of(&t->c, i, &out);
    t->to[at] += (t->c.scale ? t->c.scale[out] : 1) * t->from[i];
}

/* Windows `first` … `first + n − 1` as rows of side × side × n_in numbers, 0 beyond the map. */
struct et__gathering {
    struct et__convolution c;
    et__real *rows;
    et__real *dx; // on the way back: added to, from picture `picture` on
    size_t first, n, picture;
};
ET__ITEM void gather_number(const struct et__gathering *g, size_t i)
{
    const struct et__window *w = &g->c.window;
    const size_t n_in = (size_t)g->c.n_in, side = (size_t)w->side;
    const size_t step = i / n_in % (side * side);
    struct et__place at = place_of(i / (n_in * side * side) + g->first, 1,
                                   places_along(w->height, w), places_along(w->width, w));
    const int row = at.row * w->stride - w->padding + (int)(step / side);
    const int column = at.column * w->stride - w->padding + (int)(step % side);
    at.channel = i % n_in;
    g->rows[i] = is_on(w, row, column) ? g->c.x[number_at(w, &at, row, column, n_in)] : 0;
}
ET__ITEM void scatter_number(const struct et__gathering *g, size_t i)
{
    const struct et__window *w = &g->c.window;
    const size_t n_in = (size_t)g->c.n_in, side = (size_t)w->side;
    const size_t high = places_along(w->height, w), wide = places_along(w->width, w);
    struct et__place at = place_of(i, n_in, (size_t)w->height, (size_t)w->width);
    et__real sum = 0;
    at.picture += g->picture;
    for (int u = 0; u < w->side; u++)
        for (int v = 0; v < w->side; v++) {
            const int row = at.row + w->padding - u, column = at.column + w->padding - v;
            if (row < 0 || column < 0 || row % w->stride || column % w->stride)
                continue;
            const size_t y = (size_t)(row / w->stride), x = (size_t)(column / w->stride);
            const size_t place = (at.picture * high + y) * wide + x;
            if (y < high && x < wide && place >= g->first && place < g->first + g->n)
                sum += g->rows[((place - g->first) * side * side + (size_t)u * side + (size_t)v) *
                                   n_in +
                               at.channel];
        }
    g->dx[number_at(w, &at, at.row, at.column, n_in)] += sum;
}

// What comes behind the product.
ET__ITEM void finish_number(const struct et__convolution *c, size_t i)
{
    const et__real shift = c->shift ? c->shift[i % (size_t)c->n_out] : 0;
    const et__real y = c->y[i] + shift + (c->more ? c->more[i] : 0);
    c->y[i] = c->has_relu && y <= 0 ? 0 : y;
}

/* ---- the greatest ---- */

ET__ITEM void pool_number(const struct et__max_pool *p, size_t i)
{
    const struct et__window *w = &p->window;
    const size_t n = (size_t)p->n_channels;
    const struct et__place at =
        place_of(i, n, places_along(w->height, w), places_along(w->width, w));
    et__real most = -(et__real)INFINITY;
    for (int u = 0; u < w->side; u++)
        for (int v = 0; v < w->side; v++) {
            const int row = at.row * w->stride - w->padding + u;
            const int column = at.column * w->stride - w->padding + v;
            if (!is_on(w, row, column))
                continue;
            const et__real x = p->x[number_at(w, &at, row, column, n)];
            most = x > most ? x : most;
        }
    p->y[i] = most;
}

struct et__max_pool_both {
    struct et__max_pool_back back;
    struct et__max_pool p;
};
// Whether step u, v of the window whose corner is at row, column is the first that holds `most`.
ET__ITEM bool is_first(const struct et__max_pool *p, const struct et__place *at, int row,
                       int column, int step, et__real most)
{
    const struct et__window *w = &p->window;
    for (int i = 0; i < step; i++) {
        const int r = row + i / w->side, c = column + i % w->side;
        if (is_on(w, r, c) && p->x[number_at(w, at, r, c, (size_t)p->n_channels)] == most)
            return false;
    }
    return true;
}
ET__ITEM void pool_number_back(const struct et__max_pool_both *b, size_t i)
{
    const struct et__max_pool *p = &b->p;
    const struct et__window *w = &p->window;
    const size_t n = (size_t)p->n_channels;
    const size_t high = places_along(w->height, w), wide = places_along(w->width, w);
    const struct et__place at = place_of(i, n, (size_t)w->height, (size_t)w->width);
    et__real sum = 0;
    for (int u = w->side - 1; u >= 0; u--) // windows from top to bottom, from left to right
        for (int v = w->side - 1; v >= 0; v--) {
            const int row = at.row + w->padding - u, column = at.column + w->padding - v;
            if (row < 0 || column < 0 || row % w->stride || column % w->stride)
                continue;
            const size_t y = (size_t)(row / w->stride), x = (size_t)(column / w->stride);
            const size_t out = ((at.picture * high + y) * wide + x) * n + at.channel;
            if (y < high && x < wide && p->x[i] == p->y[out] &&
                is_first(p, &at, row - w->padding, column - w->padding, u * w->side + v, p->y[out]))
                sum += b->back.dy[out];
        }
    b->back.dx[i] = sum;
}

/* ---- norms ---- */

// Where number j of group i lies.
ET__ITEM size_t group_number(const struct et__group_norm *n, size_t i, size_t j)
{
    const size_t width = n->n_channels / n->n_groups;
    return (i / n->n_groups * n->n_places + j / width) * n->n_channels + i % n->n_groups * width +
           j % width;
}
ET__ITEM void norm_group(const struct et__group_norm *n, size_t i, struct et__team t)
{
    const size_t n_group = n->n_places * (n->n_channels / n->n_groups);
    et__real sum = 0;
    for (size_t j = t.lane; j < n_group; j += t.n)
        sum += n->x[group_number(n, i, j)];
    const et__real mean = et__team_sum(t, sum) / (et__real)n_group;
    sum = 0;
    for (size_t j = t.lane; j < n_group; j += t.n) {
        const et__real off = n->x[group_number(n, i, j)] - mean;
        sum += off * off;
    }
    const et__real scale = 1 / sqrtf(et__team_sum(t, sum) / (et__real)n_group + n->epsilon);
    for (size_t j = t.lane; j < n_group; j += t.n) {
        const size_t at = group_number(n, i, j), c = at % n->n_channels;
        const et__real y = (n->x[at] - mean) * scale * n->weight[c] + n->bias[c];
        n->y[at] = n->has_relu && y <= 0 ? 0 : y;
    }
    if (t.lane == 0) {
        n->mean[i] = mean;
        n->scale[i] = scale;
    }
}

/* The way back: of each channel of each picture the sums of dy and of dy · h, then of each group
 * the rest. */
struct et__group_both {
    struct et__group_norm_back back;
    struct et__group_norm n;
    et__real *of_dy, *of_both; // pictures × n_channels
    size_t picture;            // the first
};
ET__ITEM et__real slope_through(const struct et__group_both *b, size_t at)
{
    return b->n.has_relu && b->n.y[at] <= 0 ? 0 : b->back.dy[at];
}
ET__ITEM void sum_channel(const struct et__group_both *b, size_t i)
{
    const struct et__group_norm *n = &b->n;
    const size_t picture = b->picture + i / n->n_channels, c = i % n->n_channels;
    const size_t group = picture * n->n_groups + c / (n->n_channels / n->n_groups);
    et__real of_dy = 0, of_both = 0;
    for (size_t j = 0; j < n->n_places; j++) {
        const size_t at = (picture * n->n_places + j) * n->n_channels + c;
        const et__real dy = slope_through(b, at);
        of_dy += dy;
        of_both += dy * (n->x[at] - n->mean[group]);
    }
    b->of_dy[i] = of_dy;
    b->of_both[i] = of_both * n->scale[group];
}
ET__ITEM void norm_group_back(const struct et__group_both *b, size_t i, struct et__team t)
{
    const struct et__group_norm *n = &b->n;
    const size_t width = n->n_channels / n->n_groups, n_group = n->n_places * width;
    const size_t of = i / n->n_groups * n->n_channels + i % n->n_groups * width;
    const size_t group = b->picture * n->n_groups + i;
    et__real of_g = 0, of_gh = 0;
    for (size_t k = t.lane; k < width; k += t.n) {
        const et__real weight = n->weight[i % n->n_groups * width + k];
        of_g += b->of_dy[of + k] * weight;
        of_gh += b->of_both[of + k] * weight;
    }
    of_g = et__team_sum(t, of_g) / (et__real)n_group;
    of_gh = et__team_sum(t, of_gh) / (et__real)n_group;
    for (size_t j = t.lane; j < n_group; j += t.n) {
        const size_t at = group_number(n, group, j), c = at % n->n_channels;
        const et__real h = (n->x[at] - n->mean[group]) * n->scale[group];
        b->back.dx[at] = (slope_through(b, at) * n->weight[c] - of_g - h * of_gh) * n->scale[group];
    }
}

ET__ITEM void freeze_channel(const struct et__frozen_norm *n, size_t c)
{
    const et__real scale = n->weight[c] / sqrtf(n->variance[c] + n->epsilon);
    n->scale[c] = scale;
    n->shift[c] = n->bias[c] - n->mean[c] * scale;
}

/* ---- keypoints ---- */

// −1 … 1 over n places.
ET__ITEM et__real coordinate(size_t i, int n)
{
    return n > 1 ? (et__real)(2 * i) / (et__real)(n - 1) - 1 : 0;
}
ET__ITEM void look_channel(const struct et__keypoints *k, size_t i)
{
    const size_t n = (size_t)k->n_channels, wide = (size_t)k->width;
    const size_t n_places = (size_t)k->height * wide, first = i / n * n_places * n + i % n;
    et__real most = -(et__real)INFINITY, sum = 0, across = 0, down = 0;
    for (size_t j = 0; j < n_places; j++)
        most = k->x[first + j * n] > most ? k->x[first + j * n] : most;
    for (size_t j = 0; j < n_places; j++) {
        const et__real weight = expf(k->x[first + j * n] - most);
        k->weights[first + j * n] = weight;
        sum += weight;
        across += weight * coordinate(j % wide, k->width);
        down += weight * coordinate(j / wide, k->height);
    }
    for (size_t j = 0; j < n_places; j++)
        k->weights[first + j * n] /= sum;
    k->y[2 * i] = across / sum;
    k->y[2 * i + 1] = down / sum;
}

struct et__keypoints_both {
    struct et__keypoints_back back;
    struct et__keypoints k;
};
ET__ITEM void look_number_back(const struct et__keypoints_both *b, size_t i)
{
    const struct et__keypoints *k = &b->k;
    const size_t n = (size_t)k->n_channels, wide = (size_t)k->width;
    const size_t n_places = (size_t)k->height * wide, j = i / n % n_places;
    const size_t of = 2 * (i / (n * n_places) * n + i % n);
    const et__real x = coordinate(j % wide, k->width) - k->y[of];
    const et__real y = coordinate(j / wide, k->height) - k->y[of + 1];
    b->back.dx[i] = k->weights[i] * (b->back.dy[of] * x + b->back.dy[of + 1] * y);
}

#endif

/* The kernels over maps, written to be read: what every back end is held against. Sums are doubles.
 */
#include "learn/learn__picture_kernels.h"

#include <math.h>

static void lay_planes(void *device, const struct et__planes *p)
{
    (void)device;
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < p->n_places; j++)
            for (size_t c = 0; c < p->n_channels; c++)
                p->y[i * p->y_stride + j * p->n_channels + c] =
                    p->x[(i * p->n_channels + c) * p->n_places + j];
}

/* ---- windows ---- */

// A step of a window: which of its places lies on which of the map.
struct step {
    size_t out, in; // places of the two maps
    int u, v;       // row and column in the window
};

// All steps of all windows that lie on the map, each channel pair the same.
static void each_step(const struct et__window *w, void (*take)(void *ctx, const struct step *s),
                      void *ctx)
{
    const int high = et__window_high(w), wide = et__window_wide(w), n_steps = w->side * w->side;
    for (int place = 0; place < w->n * high * wide; place++)
        for (int step = 0; step < n_steps; step++) {
            const int i = place / (high * wide), at = place % (high * wide);
            const int u = step / w->side, v = step % w->side;
            const int row = at / wide * w->stride - w->padding + u;
            const int column = at % wide * w->stride - w->padding + v;
            if (row < 0 || row >= w->height || column < 0 || column >= w->width)
                continue;
            const size_t in = ((size_t)i * w->height + row) * w->width + column;
            take(ctx, &(struct step){.out = (size_t)place, .in = in, .u = u, .v = v});
        }
}

/* ---- convolutions ---- */

static size_t weight_at(const struct et__convolution *c, const struct step *s, int out, int in)
{
    const int side = c->window.side;
    return (((size_t)out * c->n_in + in) * side + s->u) * side + s->v;
}

static double scale_of(const struct et__convolution *c, int out)
{
    return c->scale ? (double)c->scale[out] : 1;
}

static void add_step(void *ctx, const struct step *s)
{
    const struct et__convolution *c = ctx;
    for (int out = 0; out < c->n_out; out++) {
        double sum = 0;
        for (int in = 0; in < c->n_in; in++)
            sum += (double)c->x[s->in * c->n_in + in] * (double)c->weight[weight_at(c, s, out, in)];
        et__real *y = &c->y[s->out * c->n_out + out];
        *y = (et__real)((double)*y + scale_of(c, out) * sum);
    }
}

static void convolve(void *device, const struct et__convolution *c)
{
    (void)device;
    const size_t n = et__window_places(&c->window) * (size_t)c->n_out;
    for (size_t i = 0; i < n; i++)
        c->y[i] = (c->shift ? c->shift[i % (size_t)c->n_out] : 0) + (c->more ? c->more[i] : 0);
    struct et__convolution copy = *c;
    each_step(&c->window, add_step, &copy);
    for (size_t i = 0; i < n && c->has_relu; i++)
        c->y[i] = c->y[i] > 0 ? c->y[i] : 0;
}

static void add_step_back(void *ctx, const struct step *s)
{
    const struct et__convolution_back *back = ctx;
    const struct et__convolution *c = back->forward;
    for (int out = 0; out < c->n_out; out++) {
        const double dy = scale_of(c, out) * (double)back->dy[s->out * c->n_out + out];
        for (int in = 0; in < c->n_in; in++) {
            const size_t at = weight_at(c, s, out, in), from = s->in * c->n_in + in;
            back->dweight[at] = (et__real)((double)back->dweight[at] + dy * (double)c->x[from]);
            if (back->dx)
                back->dx[from] = (et__real)((double)back->dx[from] + dy * (double)c->weight[at]);
        }
    }
}

static void convolve_back(void *device, const struct et__convolution_back *back)
{
    (void)device;
    const struct et__convolution *c = back->forward;
    const struct et__window *w = &c->window;
    const size_t n_in = (size_t)w->n * w->height * w->width * c->n_in;
    for (size_t i = 0; i < n_in && back->dx && !back->is_added; i++)
        back->dx[i] = 0;
    struct et__convolution_back copy = *back;
    each_step(w, add_step_back, &copy);
    for (int out = 0; out < c->n_out && back->dshift; out++) {
        double sum = 0;
        for (size_t i = 0; i < et__window_places(w); i++)
            sum += (double)back->dy[i * c->n_out + out];
        back->dshift[out] = (et__real)((double)back->dshift[out] + sum);
    }
}

/* ---- the greatest ---- */

static void keep_greatest(void *ctx, const struct step *s)
{
    const struct et__max_pool *p = ctx;
    for (int c = 0; c < p->n_channels; c++) {
        const et__real x = p->x[s->in * p->n_channels + c];
        et__real *y = &p->y[s->out * p->n_channels + c];
        *y = x > *y ? x : *y;
    }
}

static void max_pool(void *device, const struct et__max_pool *p)
{
    (void)device;
    for (size_t i = 0; i < et__window_places(&p->window) * p->n_channels; i++)
        p->y[i] = -(et__real)INFINITY;
    struct et__max_pool copy = *p;
    each_step(&p->window, keep_greatest, &copy);
}

struct first {
    const struct et__max_pool_back *back;
    size_t out; // whose greatest is looked for
    int channel;
    bool is_found;
};

static void give_to_first(void *ctx, const struct step *s)
{
    struct first *f = ctx;
    const struct et__max_pool *p = f->back->forward;
    const size_t n = (size_t)p->n_channels, c = (size_t)f->channel;
    f->is_found = f->is_found && f->out == s->out; // the steps of a place follow each other
    f->out = s->out;
    if (f->is_found || p->x[s->in * n + c] != p->y[s->out * n + c])
        return;
    f->is_found = true;
    f->back->dx[s->in * n + c] += f->back->dy[s->out * n + c];
}

static void max_pool_back(void *device, const struct et__max_pool_back *back)
{
    (void)device;
    const struct et__max_pool *p = back->forward;
    const struct et__window *w = &p->window;
    for (size_t i = 0; i < (size_t)w->n * w->height * w->width * p->n_channels; i++)
        back->dx[i] = 0;
    for (int c = 0; c < p->n_channels; c++)
        each_step(w, give_to_first, &(struct first){.back = back, .channel = c});
}

/* ---- norms ---- */

// The numbers of a group: `width` neighbours at each place.
struct group {
    size_t first, channel, width, n;
};

static struct group group_of(const struct et__group_norm *n, size_t i, size_t g)
{
    const size_t width = n->n_channels / n->n_groups;
    return (struct group){.first = i * n->n_places * n->n_channels + g * width,
                          .channel = g * width,
                          .width = width,
                          .n = n->n_places * width};
}

static size_t number_of(const struct et__group_norm *n, const struct group *g, size_t j)
{
    return g->first + j / g->width * n->n_channels + j % g->width;
}

static void group_norm(void *device, const struct et__group_norm *n)
{
    (void)device;
    for (size_t i = 0; i < n->n * n->n_groups; i++) {
        const struct group g = group_of(n, i / n->n_groups, i % n->n_groups);
        double mean = 0, variance = 0;
        for (size_t j = 0; j < g.n; j++)
            mean += (double)n->x[number_of(n, &g, j)] / (double)g.n;
        for (size_t j = 0; j < g.n; j++)
            variance += pow((double)n->x[number_of(n, &g, j)] - mean, 2) / (double)g.n;
        const double scale = 1 / sqrt(variance + (double)n->epsilon);
        for (size_t j = 0; j < g.n; j++) {
            const size_t at = number_of(n, &g, j), c = g.channel + j % g.width;
            const double y =
                ((double)n->x[at] - mean) * scale * (double)n->weight[c] + (double)n->bias[c];
            n->y[at] = (et__real)(n->has_relu && y < 0 ? 0 : y);
        }
        n->mean[i] = (et__real)mean;
        n->scale[i] = (et__real)scale;
    }
}

/* With h and g as for rows (norm_back of kernels_reference.c), over all of a group's numbers. */
static void group_norm_back_of(const struct et__group_norm_back *back, size_t i)
{
    const struct et__group_norm *n = back->forward;
    const struct group group = group_of(n, i / n->n_groups, i % n->n_groups);
    const double mean = (double)n->mean[i], scale = (double)n->scale[i];
    double of_g = 0, of_gh = 0;
    for (size_t j = 0; j < group.n; j++) {
        const size_t at = number_of(n, &group, j), c = group.channel + j % group.width;
        const double dy = n->has_relu && n->y[at] <= 0 ? 0 : (double)back->dy[at];
        const double h = ((double)n->x[at] - mean) * scale, g = dy * (double)n->weight[c];
        of_g += g / (double)group.n;
        of_gh += g * h / (double)group.n;
        back->dweight[c] = (et__real)((double)back->dweight[c] + dy * h);
        back->dbias[c] = (et__real)((double)back->dbias[c] + dy);
    }
    for (size_t j = 0; j < group.n; j++) {
        const size_t at = number_of(n, &group, j), c = group.channel + j % group.width;
        const double dy = n->has_relu && n->y[at] <= 0 ? 0 : (double)back->dy[at];
        const double h = ((double)n->x[at] - mean) * scale, g = dy * (double)n->weight[c];
        back->dx[at] = (et__real)((g - of_g - h * of_gh) * scale);
    }
}

static void group_norm_back(void *device, const struct et__group_norm_back *back)
{
    (void)device;
    for (size_t i = 0; i < back->forward->n * back->forward->n_groups; i++)
        group_norm_back_of(back, i);
}

static void frozen_norm(void *device, const struct et__frozen_norm *n)
{
    (void)device;
    for (size_t c = 0; c < n->n_channels; c++) {
        const double scale =
            (double)n->weight[c] / sqrt((double)n->variance[c] + (double)n->epsilon);
        n->scale[c] = (et__real)scale;
        n->shift[c] = (et__real)((double)n->bias[c] - (double)n->mean[c] * scale);
    }
}

/* ---- keypoints ---- */

// −1 … 1 over n places.
static double coordinate(int i, int n)
{
    return n > 1 ? 2.0 * i / (n - 1) - 1 : 0;
}

static void keypoints_of(const struct et__keypoints *k, int i, int c)
{
    const size_t n = (size_t)k->n_channels, n_places = (size_t)k->height * k->width;
    const size_t first = (size_t)i * n_places * n + c;
    double most = -(double)INFINITY, sum = 0, x = 0, y = 0;
    for (size_t j = 0; j < n_places; j++)
        most = fmax(most, (double)k->x[first + j * n]);
    for (size_t j = 0; j < n_places; j++)
        sum += exp((double)k->x[first + j * n] - most);
    for (size_t j = 0; j < n_places; j++) {
        const double weight = exp((double)k->x[first + j * n] - most) / sum;
        k->weights[first + j * n] = (et__real)weight;
        x += weight * coordinate((int)j % k->width, k->width);
        y += weight * coordinate((int)j / k->width, k->height);
    }
    k->y[((size_t)i * n + c) * 2] = (et__real)x;
    k->y[((size_t)i * n + c) * 2 + 1] = (et__real)y;
}

static void keypoints(void *device, const struct et__keypoints *k)
{
    (void)device;
    for (int i = 0; i < k->n; i++)
        for (int c = 0; c < k->n_channels; c++)
            keypoints_of(k, i, c);
}

/* d of a place: weight · (dx · (its x − the expected x) + dy · (its y − the expected y)). */
static void keypoints_back(void *device, const struct et__keypoints_back *back)
{
    (void)device;
    const struct et__keypoints *k = back->forward;
    const int n_places = k->height * k->width;
    for (int i = 0; i < k->n; i++)
        for (int j = 0; j < n_places; j++)
            for (int c = 0; c < k->n_channels; c++) {
                const size_t at = ((size_t)i * n_places + j) * k->n_channels + c;
                const size_t of = ((size_t)i * k->n_channels + c) * 2;
                const double x = coordinate(j % k->width, k->width) - (double)k->y[of];
                const double y = coordinate(j / k->width, k->height) - (double)k->y[of + 1];
                back->dx[at] = (et__real)((double)k->weights[at] * ((double)back->dy[of] * x +
                                                                    (double)back->dy[of + 1] * y));
            }
}

const struct et__picture_kernels et__picture_kernels_reference = {
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

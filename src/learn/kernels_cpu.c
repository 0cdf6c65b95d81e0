/* The kernels on a processor: matrices by OpenBLAS, the rest as loops that compilers make vectors
 * of. Sums run in LANES parts, whatever the processor's vectors hold, so that processors add in the
 * same order whatever their instructions are. ET_CLONES: compiled for several sets of them
 * (meson.build). */
#include "learn/learn__kernels.h"

#include "learn/learn__blas.h"
#include "learn/learn__drop.h"
#include "learn/learn__exp.h"

#include <math.h>
#include <string.h>

#define LANES 16

static void gemm(void *device, const struct et__gemm *g)
{
    (void)device;
    et__blas_gemm(g);
}

static void clear(void *device, et__real *to, size_t n)
{
    (void)device;
    memset(to, 0, n * sizeof *to);
}

static void copy_rows(void *device, const struct et__rows *r)
{
    (void)device;
    for (size_t i = 0; i < r->n_rows; i++)
        memcpy(r->to + i * r->to_stride, r->from + i * r->from_stride, r->width * sizeof *r->to);
}

static ET_CLONES void add(et__real *restrict to, const et__real *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

static void add_rows(void *device, const struct et__rows *r)
{
    (void)device;
    for (size_t i = 0; i < r->n_rows; i++)
        add(r->to + i * r->to_stride, r->from + i * r->from_stride, r->width);
}

/* ---- sums ---- */

static inline et__real total(const et__real lanes[LANES])
{
    et__real half[LANES / 2], quarter[LANES / 4];
    for (int i = 0; i < LANES / 2; i++)
        half[i] = lanes[i] + lanes[i + LANES / 2];
    for (int i = 0; i < LANES / 4; i++)
        quarter[i] = half[i] + half[i + LANES / 4];
    return quarter[0] + quarter[2] + (quarter[1] + quarter[3]);
}

static ET_CLONES et__real sum_of(const et__real *x, size_t n)
{
    et__real lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lanes[l] += x[i + l];
    for (int l = 0; i < n; i++, l++)
        lanes[l] += x[i];
    return total(lanes);
}

static ET_CLONES et__real variance_of(const et__real *x, et__real mean, size_t n)
{
    et__real lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lanes[l] += (x[i + l] - mean) * (x[i + l] - mean);
    for (int l = 0; i < n; i++, l++)
        lanes[l] += (x[i] - mean) * (x[i] - mean);
    return total(lanes) / (et__real)n;
}

static ET_CLONES et__real dot(const et__real *a, const et__real *b, size_t n)
{
    et__real lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lanes[l] += a[i + l] * b[i + l];
    for (int l = 0; i < n; i++, l++)
        lanes[l] += a[i] * b[i];
    return total(lanes);
}

/* ---- normalisation ---- */

static ET_CLONES void norm_row(et__real *restrict y, const et__real *restrict x, et__real mean,
                               et__real scale, size_t n)
{
    for (size_t j = 0; j < n; j++)
        y[j] = (x[j] - mean) * scale;
}

static ET_CLONES void weigh_row(et__real *restrict y, const et__real *restrict weight,
                                const et__real *restrict bias, size_t n)
{
    for (size_t j = 0; j < n; j++)
        y[j] = y[j] * weight[j] + bias[j];
}

static void norm(void *device, const struct et__norm *n)
{
    (void)device;
    for (size_t i = 0; i < n->n_rows; i++) {
        const et__real *x = n->x + i * n->width;
        et__real *y = n->y + i * n->width;
        const et__real mean = sum_of(x, n->width) / (et__real)n->width;
        const et__real scale =
            (et__real)(1 / sqrt((double)(variance_of(x, mean, n->width) + n->epsilon)));
        norm_row(y, x, mean, scale, n->width);
        if (n->weight)
            weigh_row(y, n->weight, n->bias, n->width);
        n->mean[i] = mean;
        n->scale[i] = scale;
    }
}

// What the weights of a row change by, and dx from what lies there: h.
static ET_CLONES void norm_back_end(et__real *restrict dx, et__real *restrict dweight,
                                    et__real *restrict dbias, const et__real *restrict dy,
                                    const et__real *restrict weight, et__real mean_g,
                                    et__real mean_gh, et__real scale, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        dweight[j] += dy[j] * dx[j];
        dbias[j] += dy[j];
        dx[j] = (dy[j] * weight[j] - mean_g - dx[j] * mean_gh) * scale;
    }
}

struct norm_row {
    et__real *dx, *dweight, *dbias;
    const et__real *dy, *x, *weight;
    et__real mean, scale;
    size_t n;
};

// The formula stands at the reference. h goes to dx on its way.
static ET_CLONES void norm_back_plain(const struct norm_row *r)
{
    et__real *restrict dx = r->dx;
    const et__real *restrict x = r->x, *restrict dy = r->dy;
    for (size_t j = 0; j < r->n; j++)
        dx[j] = (x[j] - r->mean) * r->scale;
    const et__real of_g = sum_of(dy, r->n) / (et__real)r->n;
    const et__real of_gh = dot(dy, dx, r->n) / (et__real)r->n;
    for (size_t j = 0; j < r->n; j++)
        dx[j] = (dy[j] - of_g - dx[j] * of_gh) * r->scale;
}

static ET_CLONES void norm_back_weighed(const struct norm_row *r)
{
    et__real *restrict dx = r->dx;
    const et__real *restrict x = r->x, *restrict dy = r->dy, *restrict weight = r->weight;
    et__real of_g[LANES] = {0}, of_gh[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= r->n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            const et__real h = (x[i + l] - r->mean) * r->scale, g = dy[i + l] * weight[i + l];
            dx[i + l] = h;
            of_g[l] += g;
            of_gh[l] += g * h;
        }
    for (int l = 0; i < r->n; i++, l++) {
        const et__real h = (x[i] - r->mean) * r->scale, g = dy[i] * weight[i];
        dx[i] = h;
        of_g[l] += g;
        of_gh[l] += g * h;
    }
    const et__real mean_g = total(of_g) / (et__real)r->n, mean_gh = total(of_gh) / (et__real)r->n;
    norm_back_end(dx, r->dweight, r->dbias, dy, weight, mean_g, mean_gh, r->scale, r->n);
}

static void norm_back(void *device, const struct et__norm_back *n)
{
    (void)device;
    for (size_t i = 0; i < n->n_rows; i++) {
        const struct norm_row row = {.dx = n->dx + i * n->width,
                                     .dweight = n->dweight,
                                     .dbias = n->dbias,
                                     .dy = n->dy + i * n->width,
                                     .x = n->x + i * n->width,
                                     .weight = n->weight,
                                     .mean = n->mean[i],
                                     .scale = n->scale[i],
                                     .n = n->width};
        if (n->weight)
            norm_back_weighed(&row);
        else
            norm_back_plain(&row);
    }
}

/* ---- activations ---- */

#define GELU_SLOPE ET__REAL(0.7978845608028654) // √(2 / π)
#define GELU_CUBIC ET__REAL(0.044715)

// By the exponential, which becomes vectors; the library's tanh does not.
static inline et__real tanh_of(et__real x)
{
    return 1 - 2 / (1 + et__exp(2 * x));
}

static ET_CLONES void relu(et__real *restrict y, const et__real *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : 0;
}

static ET_CLONES void gelu(et__real *restrict y, const et__real *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = ET__REAL(0.5) * x[i] *
               (1 + tanh_of(GELU_SLOPE * (x[i] + GELU_CUBIC * x[i] * x[i] * x[i])));
}

static ET_CLONES void silu(et__real *restrict y, const et__real *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] / (1 + et__exp(-x[i]));
}

static ET_CLONES void relu_back(et__real *restrict d, const et__real *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        d[i] = x[i] > 0 ? d[i] : 0;
}

static ET_CLONES void gelu_back(et__real *restrict d, const et__real *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const et__real v = x[i];
        const et__real t = tanh_of(GELU_SLOPE * (v + GELU_CUBIC * v * v * v));
        d[i] *= (ET__REAL(0.5) * (1 + t) +
                 ET__REAL(0.5) * v * (1 - t * t) * GELU_SLOPE * (1 + 3 * GELU_CUBIC * v * v));
    }
}

static ET_CLONES void silu_back(et__real *restrict d, const et__real *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const et__real s = 1 / (1 + et__exp(-x[i]));
        d[i] *= s + x[i] * s * (1 - s);
    }
}

static void activate(void *device, enum et__activation kind, et__real *y, const et__real *x,
                     size_t n)
{
    static void (*const ways[])(et__real *, const et__real *,
                                size_t) = {[ET__RELU] = relu, [ET__GELU] = gelu, [ET__SILU] = silu};
    (void)device;
    ways[kind](y, x, n);
}

static void activate_back(void *device, enum et__activation kind, et__real *dx, const et__real *dy,
                          const et__real *x, size_t n)
{
    static void (*const ways[])(et__real *, const et__real *, size_t) = {
        [ET__RELU] = relu_back, [ET__GELU] = gelu_back, [ET__SILU] = silu_back};
    (void)device;
    if (dx != dy)
        memcpy(dx, dy, n * sizeof *dx);
    ways[kind](dx, x, n);
}

/* ---- attention ---- */

static ET_CLONES et__real most_of(const et__real *x, size_t n)
{
    et__real lanes[LANES], most = x[0];
    size_t i = 0;
    for (int l = 0; l < LANES; l++)
        lanes[l] = x[0];
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    for (; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            lanes[l] = lanes[l + half] > lanes[l] ? lanes[l + half] : lanes[l];
    return lanes[0] > most ? lanes[0] : most;
}

static ET_CLONES void softmax(et__real *p, const uint8_t *hidden, size_t n)
{
    if (hidden)
        for (size_t j = 0; j < n; j++)
            p[j] = hidden[j] ? -(et__real)INFINITY : p[j];
    const et__real most = most_of(p, n);
    for (size_t j = 0; j < n; j++)
        p[j] = et__exp(p[j] - most);
    if (hidden)
        for (size_t j = 0; j < n; j++)
            p[j] = hidden[j] ? 0 : p[j];
    const et__real share = 1 / sum_of(p, n);
    for (size_t j = 0; j < n; j++)
        p[j] *= share;
}

#define DRAWN ((size_t)64) // words at a time

// From a multiple of ET__DROP_EACH on: word by word, DRAWN of them.
static ET_CLONES void drop_words(et__real *to, const et__real *from, const struct et__chance *c,
                                 uint64_t word)
{
    uint16_t drawn[DRAWN * ET__DROP_EACH];
    uint64_t words[DRAWN];
    const et__real scale = et__drop_scale(c);
    const unsigned share = c->share;
    for (size_t i = 0; i < DRAWN; i++)
        words[i] = et__drop_bits(c->key, word + i);
    memcpy(drawn, words, sizeof words); // the lowest first, as processors have it here
    for (size_t i = 0; i < DRAWN * ET__DROP_EACH; i++)
        to[i] = drawn[i] < share ? 0 : from[i] * scale;
}

static void drop(void *device, const struct et__drop *d)
{
    (void)device;
    const size_t front = (size_t)(-d->chance.first % ET__DROP_EACH);
    size_t i = 0;
    for (; i < d->n && i < front; i++)
        drop_number(d, i);
    for (; i + DRAWN * ET__DROP_EACH <= d->n; i += DRAWN * ET__DROP_EACH)
        drop_words(d->to + i, d->from + i, &d->chance, (d->chance.first + i) / ET__DROP_EACH);
    for (; i < d->n; i++)
        drop_number(d, i);
}

// What of a head of a batch's part lies where.
struct head {
    size_t queries, keys, weights;
    int n;
    et__real scale;
};

static struct head head_of(const struct et__attention *a, int b, int h)
{
    const int n = a->width / a->n_heads;
    return (struct head){
        .queries = (size_t)b * a->n_queries * a->width + (size_t)h * n,
        .keys = (size_t)b * a->n_keys * a->width + (size_t)h * n,
        .weights = ((size_t)b * a->n_heads + h) * a->n_queries * a->n_keys,
        .n = n,
        .scale = (et__real)(1 / sqrt((double)n)),
    };
}

// The head's weights that are kept.
static const et__real *keep(void *device, const struct et__attention *a, const struct head *at)
{
    if (!a->kept)
        return a->weights + at->weights;
    struct et__drop some = {.to = a->kept + at->weights,
                            .from = a->weights + at->weights,
                            .n = (size_t)a->n_queries * (size_t)a->n_keys,
                            .chance = a->chance};
    some.chance.first += at->weights;
    drop(device, &some);
    return some.to;
}

static void attend(void *device, const struct et__attention *a)
{
    for (int b = 0; b < a->n_batch; b++)
        for (int h = 0; h < a->n_heads; h++) {
            const struct head at = head_of(a, b, h);
            et__real *p = a->weights + at.weights;
            gemm(device, &(struct et__gemm){.c = p,
                                            .a = a->q + at.queries,
                                            .b = a->k + at.keys,
                                            .m = a->n_queries,
                                            .n = a->n_keys,
                                            .k = at.n,
                                            .c_stride = a->n_keys,
                                            .a_stride = a->width,
                                            .b_stride = a->width,
                                            .is_b_turned = true,
                                            .alpha = at.scale});
            for (int i = 0; i < a->n_queries; i++)
                softmax(p + (size_t)i * a->n_keys,
                        a->hidden ? a->hidden + (size_t)b * a->n_keys : NULL, (size_t)a->n_keys);
            gemm(device, &(struct et__gemm){.c = a->o + at.queries,
                                            .a = keep(device, a, &at),
                                            .b = a->v + at.keys,
                                            .m = a->n_queries,
                                            .n = at.n,
                                            .k = a->n_keys,
                                            .c_stride = a->width,
                                            .a_stride = a->n_keys,
                                            .b_stride = a->width,
                                            .alpha = 1});
        }
}

static ET_CLONES void softmax_back(et__real *restrict d, const et__real *restrict p,
                                   const et__real *restrict kept, et__real sum, size_t n)
{
    for (size_t j = 0; j < n; j++)
        d[j] = kept[j] * d[j] - p[j] * sum;
}

static void attend_back(void *device, const struct et__attention_back *back)
{
    const struct et__attention *a = back->forward;
    for (int b = 0; b < a->n_batch; b++)
        for (int h = 0; h < a->n_heads; h++) {
            const struct head at = head_of(a, b, h);
            const et__real *p = a->weights + at.weights, *kept = a->kept ? a->kept + at.weights : p;
            et__real *d = back->scratch;
            struct et__gemm g = {.c = d,
                                 .a = back->d_o + at.queries,
                                 .b = a->v + at.keys,
                                 .m = a->n_queries,
                                 .n = a->n_keys,
                                 .k = at.n,
                                 .c_stride = a->n_keys,
                                 .a_stride = a->width,
                                 .b_stride = a->width,
                                 .is_b_turned = true,
                                 .alpha = 1};
            gemm(device, &g); // dO Vᵀ
            for (int i = 0; i < a->n_queries; i++) {
                const size_t row = (size_t)i * a->n_keys;
                softmax_back(d + row, p + row, kept + row,
                             dot(d + row, kept + row, (size_t)a->n_keys), (size_t)a->n_keys);
            }
            g = (struct et__gemm){.c = back->dv + at.keys,
                                  .a = kept,
                                  .b = back->d_o + at.queries,
                                  .m = a->n_keys,
                                  .n = at.n,
                                  .k = a->n_queries,
                                  .c_stride = a->width,
                                  .a_stride = a->n_keys,
                                  .b_stride = a->width,
                                  .is_a_turned = true,
                                  .alpha = 1};
            gemm(device, &g); // Pᵀ dO
            g.c = back->dk + at.keys;
            g.a = d;
            g.b = a->q + at.queries;
            g.alpha = at.scale;
            gemm(device, &g); // dSᵀ Q
            g.c = back->dq + at.queries;
            g.b = a->k + at.keys;
            g.m = a->n_queries;
            g.k = a->n_keys;
            g.is_a_turned = false;
            gemm(device, &g); // dS K
        }
}

/* ---- conditions ---- */

static ET_CLONES void modulate_row(et__real *restrict y, const et__real *restrict x,
                                   const et__real *restrict scale, const et__real *restrict shift,
                                   size_t n)
{
    for (size_t j = 0; j < n; j++)
        y[j] = x[j] * (1 + scale[j]) + shift[j];
}

// to += a · b; a row of the condition gets what all its steps bring.
static ET_CLONES void add_products(et__real *restrict to, const et__real *restrict a,
                                   const et__real *restrict b, size_t n)
{
    for (size_t j = 0; j < n; j++)
        to[j] += a[j] * b[j];
}

static ET_CLONES void scale_row(et__real *restrict to, const et__real *restrict a,
                                const et__real *restrict b, et__real more, size_t n)
{
    for (size_t j = 0; j < n; j++)
        to[j] = a[j] * (more + b[j]);
}

static void modulate(void *device, const struct et__modulate *m)
{
    (void)device;
    for (size_t i = 0; i < m->n_batch * m->n_steps; i++) {
        const size_t at = i * m->width, of = i / m->n_steps * m->stride;
        modulate_row(m->y + at, m->x + at, m->scale + of, m->shift + of, m->width);
    }
}

static void modulate_back(void *device, const struct et__modulate_back *back)
{
    (void)device;
    const struct et__modulate *m = back->forward;
    for (size_t i = 0; i < m->n_batch * m->n_steps; i++) {
        const size_t at = i * m->width, of = i / m->n_steps * m->stride;
        scale_row(back->dx + at, back->dy + at, m->scale + of, 1, m->width);
        add_products(back->dscale + of, back->dy + at, m->x + at, m->width);
        add(back->dshift + of, back->dy + at, m->width);
    }
}

static void gate(void *device, const struct et__gate *g)
{
    (void)device;
    for (size_t i = 0; i < g->n_batch * g->n_steps; i++) {
        const size_t at = i * g->width, of = i / g->n_steps * g->stride;
        memcpy(g->y + at, g->x + at, g->width * sizeof *g->y);
        add_products(g->y + at, g->gate + of, g->part + at, g->width);
    }
}

static void gate_back(void *device, const struct et__gate_back *back)
{
    (void)device;
    const struct et__gate *g = back->forward;
    for (size_t i = 0; i < g->n_batch * g->n_steps; i++) {
        const size_t at = i * g->width, of = i / g->n_steps * g->stride;
        scale_row(back->dpart + at, back->dy + at, g->gate + of, 0, g->width);
        add_products(back->dgate + of, back->dy + at, g->part + at, g->width);
    }
}

/* ---- loss and optimiser ---- */

static ET_CLONES double loss_row(const struct et__loss *l, size_t i)
{
    et__real *restrict dout = l->dout + i * l->width;
    const et__real *restrict out = l->out + i * l->width, *restrict target =
                                                              l->target + i * l->width;
    const et__real weight = l->weights[i];
    if (weight == 0) {
        memset(dout, 0, l->width * sizeof *dout);
        return 0;
    }
    for (size_t j = 0; j < l->width; j++)
        dout[j] = out[j] - target[j];
    for (size_t j = 0; l->mask && j < l->width; j++)
        dout[j] *= l->mask[i * l->width + j];
    const size_t n_plain = l->width - l->n_squared;
    const et__real squares = dot(dout + n_plain, dout + n_plain, l->n_squared);
    for (size_t j = n_plain; j < l->width; j++)
        dout[j] *= 2 * weight;
    et__real lanes[LANES] = {0};
    size_t j = 0;
    for (; j + LANES <= n_plain; j += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += dout[j + k] < 0 ? -dout[j + k] : dout[j + k];
    for (int k = 0; j < n_plain; j++, k++)
        lanes[k] += dout[j] < 0 ? -dout[j] : dout[j];
    for (j = 0; j < n_plain; j++)
        dout[j] = dout[j] > 0 ? weight : dout[j] < 0 ? -weight : dout[j];
    return (double)weight * ((double)total(lanes) + (double)squares);
}

static double loss(void *device, const struct et__loss *l)
{
    (void)device;
    double sum = 0;
    for (size_t i = 0; i < l->n_rows; i++)
        sum += loss_row(l, i);
    return sum;
}

static ET_CLONES double sum_squares(void *device, const et__real *x, size_t n)
{
    (void)device;
    double lanes[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lanes[l] += (double)x[i + l] * (double)x[i + l];
    for (int l = 0; i < n; i++, l++)
        lanes[l] += (double)x[i] * (double)x[i];
    for (int l = 0; l < LANES; l++)
        sum += lanes[l];
    return sum;
}

static ET_CLONES void adamw(void *device, const struct et__adamw *a)
{
    (void)device;
    et__real *restrict values = a->values, *restrict first = a->first, *restrict second = a->second;
    const et__real *restrict grads = a->grads, *restrict decay = a->decay;
    const et__real beta1 = (et__real)a->beta1, beta2 = (et__real)a->beta2;
    const et__real unbias1 = (et__real)(1 / (1 - pow(a->beta1, (double)a->step)));
    const et__real unbias2 = (et__real)(1 / (1 - pow(a->beta2, (double)a->step)));
    const et__real rate = (et__real)a->rate, epsilon = (et__real)a->epsilon;
    const et__real fade = (et__real)(a->rate * a->weight_decay);
    const et__real grad_scale = (et__real)a->grad_scale;
    for (size_t i = 0; i < a->n; i++) {
        const et__real g = grads[i] * grad_scale;
        first[i] = beta1 * first[i] + (1 - beta1) * g;
        second[i] = beta2 * second[i] + (1 - beta2) * g * g;
        values[i] -= rate * (first[i] * unbias1 / (et__sqrt(second[i] * unbias2) + epsilon)) +
                     fade * decay[i] * values[i];
    }
}

static ET_CLONES void blend(void *device, et__real *restrict to, const et__real *restrict from,
                            double share, size_t n)
{
    (void)device;
    const et__real of = (et__real)share;
    for (size_t i = 0; i < n; i++)
        to[i] += of * (from[i] - to[i]);
}

const struct et__kernels et__kernels_cpu = {
    .name = "cpu",
    .gemm = gemm,
    .clear = clear,
    .copy_rows = copy_rows,
    .add_rows = add_rows,
    .norm = norm,
    .norm_back = norm_back,
    .activate = activate,
    .activate_back = activate_back,
    .drop = drop,
    .attend = attend,
    .attend_back = attend_back,
    .modulate = modulate,
    .modulate_back = modulate_back,
    .gate = gate,
    .gate_back = gate_back,
    .loss = loss,
    .draw_latent = et__draw_latent,
    .draw_latent_back = et__draw_latent_back,
    .sum_squares = sum_squares,
    .adamw = adamw,
    .blend = blend,
    .pictures = &et__picture_kernels_cpu,
};

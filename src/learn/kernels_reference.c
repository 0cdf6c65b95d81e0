/* The kernels, written to be read: what every back end is held against. Sums are doubles. */
#include "learn/learn__kernels.h"

#include "etude/random.h"

#include <math.h>

static const double GELU_SLOPE = 0.7978845608028654; // √(2 / π)
static const double GELU_CUBIC = 0.044715;

static void gemm(void *device, const struct et__gemm *g)
{
    (void)device;
    for (int i = 0; i < g->m; i++)
        for (int j = 0; j < g->n; j++) {
            double sum = 0;
            for (int l = 0; l < g->k; l++)
                sum += (double)(g->is_a_turned ? g->a[(size_t)l * g->a_stride + i]
                                               : g->a[(size_t)i * g->a_stride + l]) *
                       (double)(g->is_b_turned ? g->b[(size_t)j * g->b_stride + l]
                                               : g->b[(size_t)l * g->b_stride + j]);
            et__real *c = &g->c[(size_t)i * g->c_stride + j];
            *c = (et__real)((double)g->alpha * sum +
                            (g->beta == 0 ? 0 : (double)g->beta * (double)*c));
        }
}

static void clear(void *device, et__real *to, size_t n)
{
    (void)device;
    for (size_t i = 0; i < n; i++)
        to[i] = 0;
}

static void copy_rows(void *device, const struct et__rows *r)
{
    (void)device;
    for (size_t i = 0; i < r->n_rows; i++)
        for (size_t j = 0; j < r->width; j++)
            r->to[i * r->to_stride + j] = r->from[i * r->from_stride + j];
}

static void add_rows(void *device, const struct et__rows *r)
{
    (void)device;
    for (size_t j = 0; j < r->width; j++) {
        double sum = 0; // of a row that is added to again and again
        for (size_t i = 0; i < r->n_rows; i++) {
            const double x = (double)r->from[i * r->from_stride + j];
            if (r->to_stride > 0)
                r->to[i * r->to_stride + j] = (et__real)((double)r->to[i * r->to_stride + j] + x);
            else
                sum += x;
        }
        if (r->to_stride == 0)
            r->to[j] = (et__real)((double)r->to[j] + sum);
    }
}

static void norm(void *device, const struct et__norm *n)
{
    (void)device;
    for (size_t i = 0; i < n->n_rows; i++) {
        const et__real *x = n->x + i * n->width;
        et__real *y = n->y + i * n->width;
        double mean = 0, variance = 0;
        for (size_t j = 0; j < n->width; j++)
            mean += (double)x[j] / (double)n->width;
        for (size_t j = 0; j < n->width; j++)
            variance += ((double)x[j] - mean) * ((double)x[j] - mean) / (double)n->width;
        const double scale = 1 / sqrt(variance + (double)n->epsilon);
        for (size_t j = 0; j < n->width; j++)
            y[j] = (et__real)(((double)x[j] - mean) * scale *
                                  (n->weight ? (double)n->weight[j] : 1.0) +
                              (n->bias ? (double)n->bias[j] : 0.0));
        n->mean[i] = (et__real)mean;
        n->scale[i] = (et__real)scale;
    }
}

/* With h = (x − mean) · scale and g = dy · weight: dx = (g − mean(g) − h · mean(g h)) · scale. */
static void norm_back(void *device, const struct et__norm_back *n)
{
    (void)device;
    const double width = (double)n->width;
    for (size_t i = 0; i < n->n_rows; i++) {
        const et__real *x = n->x + i * n->width, *dy = n->dy + i * n->width;
        const double mean = (double)n->mean[i], scale = (double)n->scale[i];
        double of_g = 0, of_gh = 0;
        for (size_t j = 0; j < n->width; j++) {
            const double h = ((double)x[j] - mean) * scale;
            const double g = (double)dy[j] * (n->weight ? (double)n->weight[j] : 1.0);
            of_g += g / width;
            of_gh += g * h / width;
            if (n->weight) {
                n->dweight[j] = (et__real)((double)n->dweight[j] + (double)dy[j] * h);
                n->dbias[j] = (et__real)((double)n->dbias[j] + (double)dy[j]);
            }
        }
        for (size_t j = 0; j < n->width; j++) {
            const double h = ((double)x[j] - mean) * scale;
            const double g = (double)dy[j] * (n->weight ? (double)n->weight[j] : 1.0);
            n->dx[i * n->width + j] = (et__real)((g - of_g - h * of_gh) * scale);
        }
    }
}

static double value_of(enum et__activation kind, double x)
{
    switch (kind) {
    case ET__RELU:
        return x > 0 ? x : 0;
    case ET__GELU:
        return 0.5 * x * (1 + tanh(GELU_SLOPE * (x + GELU_CUBIC * x * x * x)));
    case ET__SILU:
        return x / (1 + exp(-x));
    }
    return 0;
}

static double slope_of(enum et__activation kind, double x)
{
    switch (kind) {
    case ET__RELU:
        return x > 0 ? 1 : 0;
    case ET__GELU: {
        const double t = tanh(GELU_SLOPE * (x + GELU_CUBIC * x * x * x));
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU_SLOPE * (1 + 3 * GELU_CUBIC * x * x);
    }
    case ET__SILU: {
        const double s = 1 / (1 + exp(-x));
        return s + x * s * (1 - s);
    }
    }
    return 0;
}

static void activate(void *device, enum et__activation kind, et__real *y, const et__real *x,
                     size_t n)
{
    (void)device;
    for (size_t i = 0; i < n; i++)
        y[i] = (et__real)value_of(kind, (double)x[i]);
}

static void activate_back(void *device, enum et__activation kind, et__real *dx, const et__real *dy,
                          const et__real *x, size_t n)
{
    (void)device;
    for (size_t i = 0; i < n; i++)
        dx[i] = (et__real)((double)dy[i] * slope_of(kind, (double)x[i]));
}

static void drop(void *device, const struct et__drop *d)
{
    (void)device;
    const double left = 1 - (double)d->chance.share / ET__CHANCE_ONE;
    for (size_t i = 0; i < d->n; i++) {
        const uint64_t at = d->chance.first + i;
        const uint64_t drawn = et_random_bits(d->chance.key, at / 4) >> 16 * (at % 4) & 0xffff;
        d->to[i] = drawn < d->chance.share ? 0 : (et__real)((double)d->from[i] / left);
    }
}

// Where head h of row i of a batch's part begins.
static size_t place(const struct et__attention *a, int n_rows, int b, int i, int h)
{
    return ((size_t)b * n_rows + i) * a->width + (size_t)h * (a->width / a->n_heads);
}

static double dot(const et__real *a, const et__real *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void softmax(et__real *p, const uint8_t *hidden, int n)
{
    double most = -(double)INFINITY, sum = 0;
    for (int j = 0; j < n; j++)
        if (!hidden || !hidden[j])
            most = fmax(most, (double)p[j]);
    for (int j = 0; j < n; j++)
        sum += hidden && hidden[j] ? 0 : exp((double)p[j] - most);
    for (int j = 0; j < n; j++)
        p[j] = (et__real)(hidden && hidden[j] ? 0 : exp((double)p[j] - most) / sum);
}

// The weights that o is made with, from number `at` on.
static const et__real *kept_of(const struct et__attention *a, size_t at)
{
    return (a->kept ? a->kept : a->weights) + at;
}

static void attend(void *device, const struct et__attention *a)
{
    const int n = a->width / a->n_heads;
    const double scale = 1 / sqrt((double)n);
    for (int b = 0; b < a->n_batch; b++)
        for (int h = 0; h < a->n_heads; h++)
            for (int i = 0; i < a->n_queries; i++) {
                const size_t at = (((size_t)b * a->n_heads + h) * a->n_queries + i) * a->n_keys;
                et__real *p = a->weights + at;
                et__real *o = a->o + place(a, a->n_queries, b, i, h);
                for (int j = 0; j < a->n_keys; j++)
                    p[j] = (et__real)(scale * dot(a->q + place(a, a->n_queries, b, i, h),
                                                  a->k + place(a, a->n_keys, b, j, h), n));
                softmax(p, a->hidden ? a->hidden + (size_t)b * a->n_keys : NULL, a->n_keys);
                struct et__drop some = {.from = p, .n = (size_t)a->n_keys, .chance = a->chance};
                some.to = a->kept ? a->kept + at : NULL;
                some.chance.first += at;
                if (some.to)
                    drop(device, &some);
                const et__real *kept = kept_of(a, at);
                for (int l = 0; l < n; l++) {
                    double sum = 0;
                    for (int j = 0; j < a->n_keys; j++)
                        sum += (double)kept[j] * (double)a->v[place(a, a->n_keys, b, j, h) + l];
                    o[l] = (et__real)sum;
                }
            }
}

/* Of one query, with weights p that are kept as p': d_kept j = do · v j; d_score = p' · d_kept −
 * p · Σ p' d_kept. */
static void attend_back_of(const struct et__attention_back *back, int b, int h, int i)
{
    const struct et__attention *a = back->forward;
    const int n = a->width / a->n_heads;
    const double scale = 1 / sqrt((double)n);
    const size_t row = (((size_t)b * a->n_heads + h) * a->n_queries + i) * a->n_keys;
    const et__real *p = a->weights + row, *kept = kept_of(a, row);
    const size_t at = place(a, a->n_queries, b, i, h);
    double sum = 0;
    for (int j = 0; j < a->n_keys; j++)
        sum += (double)kept[j] * dot(back->d_o + at, a->v + place(a, a->n_keys, b, j, h), n);
    for (int j = 0; j < a->n_keys; j++) {
        const size_t key = place(a, a->n_keys, b, j, h);
        const double d_kept = dot(back->d_o + at, a->v + key, n);
        const double d_score = scale * ((double)kept[j] * d_kept - (double)p[j] * sum);
        for (int l = 0; l < n; l++) {
            back->dv[key + l] += (et__real)((double)kept[j] * (double)back->d_o[at + l]);
            back->dk[key + l] += (et__real)(d_score * (double)a->q[at + l]);
            back->dq[at + l] += (et__real)(d_score * (double)a->k[key + l]);
        }
    }
}

static void attend_back(void *device, const struct et__attention_back *back)
{
    (void)device;
    const struct et__attention *a = back->forward;
    for (size_t i = 0; i < (size_t)a->n_batch * a->n_queries * a->width; i++)
        back->dq[i] = 0;
    for (size_t i = 0; i < (size_t)a->n_batch * a->n_keys * a->width; i++)
        back->dk[i] = back->dv[i] = 0;
    for (int b = 0; b < a->n_batch; b++)
        for (int h = 0; h < a->n_heads; h++)
            for (int i = 0; i < a->n_queries; i++)
                attend_back_of(back, b, h, i);
}

static void modulate(void *device, const struct et__modulate *m)
{
    (void)device;
    for (size_t i = 0; i < m->n_batch * m->n_steps; i++)
        for (size_t j = 0; j < m->width; j++) {
            const size_t at = i * m->width + j, of = i / m->n_steps * m->stride + j;
            m->y[at] =
                (et__real)((double)m->x[at] * (1 + (double)m->scale[of]) + (double)m->shift[of]);
        }
}

static void modulate_back(void *device, const struct et__modulate_back *back)
{
    (void)device;
    const struct et__modulate *m = back->forward;
    for (size_t i = 0; i < m->n_batch * m->n_steps; i++)
        for (size_t j = 0; j < m->width; j++) {
            const size_t at = i * m->width + j, of = i / m->n_steps * m->stride + j;
            const double dy = (double)back->dy[at];
            back->dx[at] = (et__real)(dy * (1 + (double)m->scale[of]));
            back->dscale[of] = (et__real)((double)back->dscale[of] + dy * (double)m->x[at]);
            back->dshift[of] = (et__real)((double)back->dshift[of] + dy);
        }
}

static void gate(void *device, const struct et__gate *g)
{
    (void)device;
    for (size_t i = 0; i < g->n_batch * g->n_steps; i++)
        for (size_t j = 0; j < g->width; j++) {
            const size_t at = i * g->width + j, of = i / g->n_steps * g->stride + j;
            g->y[at] = (et__real)((double)g->x[at] + (double)g->gate[of] * (double)g->part[at]);
        }
}

static void gate_back(void *device, const struct et__gate_back *back)
{
    (void)device;
    const struct et__gate *g = back->forward;
    for (size_t i = 0; i < g->n_batch * g->n_steps; i++)
        for (size_t j = 0; j < g->width; j++) {
            const size_t at = i * g->width + j, of = i / g->n_steps * g->stride + j;
            const double dy = (double)back->dy[at];
            back->dpart[at] = (et__real)(dy * (double)g->gate[of]);
            back->dgate[of] = (et__real)((double)back->dgate[of] + dy * (double)g->part[at]);
        }
}

static double loss(void *device, const struct et__loss *l)
{
    (void)device;
    double sum = 0;
    for (size_t i = 0; i < l->n_rows; i++)
        for (size_t j = 0; j < l->width; j++) {
            const size_t at = i * l->width + j;
            const double weight = (double)l->weights[i];
            l->dout[at] = 0;
            if (weight == 0)
                continue;
            const double there = l->mask ? (double)l->mask[at] : 1;
            const double off = there * ((double)l->out[at] - (double)l->target[at]);
            const bool is_squared = j >= l->width - l->n_squared;
            sum += weight * (is_squared ? off * off : fabs(off));
            l->dout[at] = (et__real)(weight * (is_squared ? 2 * off : (off > 0) - (off < 0)));
        }
    return sum;
}

double et__draw_latent(void *device, const struct et__latent *l)
{
    (void)device;
    double sum = 0;
    for (size_t i = 0; i < l->n_rows; i++)
        for (size_t j = 0; j < l->n_latent; j++) {
            const double mean = (double)l->params[2 * i * l->n_latent + j];
            const double log_variance = (double)l->params[(2 * i + 1) * l->n_latent + j];
            l->z[i * l->n_latent + j] =
                (et__real)(mean + exp(log_variance / 2) * (double)l->noise[i * l->n_latent + j]);
            sum -= 0.5 * (1 + log_variance - mean * mean - exp(log_variance));
        }
    return sum;
}

void et__draw_latent_back(void *device, const struct et__latent_back *back)
{
    (void)device;
    const struct et__latent *l = back->forward;
    const double weight = (double)back->kl_weight;
    for (size_t i = 0; i < l->n_rows; i++)
        for (size_t j = 0; j < l->n_latent; j++) {
            const size_t mean = 2 * i * l->n_latent + j, log_variance = mean + l->n_latent;
            const double dz = (double)back->dz[i * l->n_latent + j];
            const double deviation = exp((double)l->params[log_variance] / 2);
            back->d_params[mean] = (et__real)(dz + weight * (double)l->params[mean]);
            back->d_params[log_variance] =
                (et__real)(0.5 * dz * deviation * (double)l->noise[i * l->n_latent + j] -
                           0.5 * weight * (1 - deviation * deviation));
        }
}

static double sum_squares(void *device, const et__real *x, size_t n)
{
    (void)device;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

static void adamw(void *device, const struct et__adamw *a)
{
    (void)device;
    const double unbias1 = 1 / (1 - pow(a->beta1, (double)a->step));
    const double unbias2 = 1 / (1 - pow(a->beta2, (double)a->step));
    for (size_t i = 0; i < a->n; i++) {
        const double g = (double)a->grads[i] * a->grad_scale, value = (double)a->values[i];
        const double first = a->beta1 * (double)a->first[i] + (1 - a->beta1) * g;
        const double second = a->beta2 * (double)a->second[i] + (1 - a->beta2) * g * g;
        a->first[i] = (et__real)first;
        a->second[i] = (et__real)second;
        a->values[i] =
            (et__real)(value - a->rate * (first * unbias1 / (sqrt(second * unbias2) + a->epsilon) +
                                          a->weight_decay * (double)a->decay[i] * value));
    }
}

static void blend(void *device, et__real *to, const et__real *from, double share, size_t n)
{
    (void)device;
    for (size_t i = 0; i < n; i++)
        to[i] = (et__real)((double)to[i] + share * ((double)from[i] - (double)to[i]));
}

const struct et__kernels et__kernels_reference = {
    .name = "reference",
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
    .pictures = &et__picture_kernels_reference,
};

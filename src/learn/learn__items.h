/* Items: what kernels on a device are made of, as functions of which each call does one piece.
 *
 * A GPU's compiler makes a launch of each (kernels_cuda.cu), a thread or a team of threads a piece;
 * a processor's makes a loop (tests/learn/kernels_emulated.c), so that all that is not a launch is
 * held against the reference where there is no GPU. So this is written in what C and C++ have in
 * common. No piece writes what another reads or writes, and sums are taken in an order that depends
 * on shapes alone: no atomics.
 *
 * Who includes this has defined ET__ITEM (how a function is declared), struct et__team with `lane`
 * and `n`, and et__team_sum, et__team_sum_double, et__team_most: of what each of a team brings, the
 * same to each. All of a team call them, in the same order. */
#ifndef LEARN__ITEMS_H
#define LEARN__ITEMS_H

#include "learn/learn__drop.h"
#include "learn/learn__kernels.h"

#include <math.h>

/* ---- rows ---- */

struct et__clearing {
    et__real *to;
};
ET__ITEM void clear_number(const struct et__clearing *c, size_t i)
{
    c->to[i] = 0;
}

ET__ITEM void copy_number(const struct et__rows *r, size_t i)
{
    const size_t row = i / r->width, j = i % r->width;
    r->to[row * r->to_stride + j] = r->from[row * r->from_stride + j];
}

ET__ITEM void add_number(const struct et__rows *r, size_t i)
{
    const size_t row = i / r->width, j = i % r->width;
    r->to[row * r->to_stride + j] += r->from[row * r->from_stride + j];
}

/* Sums of columns. Rows are cut into pieces, whose sums lie in `parts` (n_pieces × width) until
 * they are added up; one piece is added to `to` at once. */
struct et__columns {
    et__real *to, *parts;
    const et__real *from;
    size_t n_rows, width, stride, n_pieces;
};
ET__ITEM void sum_piece(const struct et__columns *s, size_t i)
{
    const size_t piece = i / s->width, j = i % s->width;
    const size_t end = s->n_rows * (piece + 1) / s->n_pieces;
    et__real sum = 0;
    for (size_t row = s->n_rows * piece / s->n_pieces; row < end; row++)
        sum += s->from[row * s->stride + j];
    if (s->n_pieces == 1)
        s->to[j] += sum;
    else
        s->parts[i] = sum;
}
ET__ITEM void add_pieces(const struct et__columns *s, size_t j)
{
    et__real sum = 0;
    for (size_t piece = 0; piece < s->n_pieces; piece++)
        sum += s->parts[piece * s->width + j];
    s->to[j] += sum;
}

/* ---- normalisation ---- */

ET__ITEM void norm_row(const struct et__norm *n, size_t i, struct et__team t)
{
    const et__real *x = n->x + i * n->width, width = (et__real)n->width;
    et__real *y = n->y + i * n->width, sum = 0;
    for (size_t j = t.lane; j < n->width; j += t.n)
        sum += x[j];
    const et__real mean = et__team_sum(t, sum) / width;
    sum = 0;
    for (size_t j = t.lane; j < n->width; j += t.n)
        sum += (x[j] - mean) * (x[j] - mean);
    const et__real scale = 1 / sqrtf(et__team_sum(t, sum) / width + n->epsilon);
    for (size_t j = t.lane; j < n->width; j += t.n) {
        const et__real h = (x[j] - mean) * scale;
        y[j] = n->weight ? h * n->weight[j] + n->bias[j] : h;
    }
    if (t.lane == 0) {
        n->mean[i] = mean;
        n->scale[i] = scale;
    }
}

// The formula stands at the reference.
ET__ITEM void norm_back_row(const struct et__norm_back *n, size_t i, struct et__team t)
{
    const et__real *x = n->x + i * n->width, *dy = n->dy + i * n->width;
    const et__real mean = n->mean[i], scale = n->scale[i], width = (et__real)n->width;
    et__real of_g = 0, of_gh = 0;
    for (size_t j = t.lane; j < n->width; j += t.n) {
        const et__real g = n->weight ? dy[j] * n->weight[j] : dy[j];
        of_g += g;
        of_gh += g * (x[j] - mean) * scale;
    }
    of_g = et__team_sum(t, of_g) / width;
    of_gh = et__team_sum(t, of_gh) / width;
    for (size_t j = t.lane; j < n->width; j += t.n) {
        const et__real g = n->weight ? dy[j] * n->weight[j] : dy[j];
        n->dx[i * n->width + j] = (g - of_g - (x[j] - mean) * scale * of_gh) * scale;
    }
}

/* What weights and biases learn: sums of columns, two at a time. parts: 2 × n_pieces × width. */
struct et__norm_columns {
    struct et__norm_back norm;
    et__real *parts;
    size_t n_pieces;
};
ET__ITEM void sum_norm_piece(const struct et__norm_columns *s, size_t i)
{
    const struct et__norm_back *n = &s->norm;
    const size_t piece = i / n->width, j = i % n->width;
    const size_t end = n->n_rows * (piece + 1) / s->n_pieces;
    et__real of_dy = 0, of_both = 0;
    for (size_t row = n->n_rows * piece / s->n_pieces; row < end; row++) {
        const et__real dy = n->dy[row * n->width + j];
        of_dy += dy;
        of_both += dy * (n->x[row * n->width + j] - n->mean[row]) * n->scale[row];
    }
    if (s->n_pieces == 1) {
        n->dweight[j] += of_both;
        n->dbias[j] += of_dy;
    } else {
        s->parts[i] = of_both;
        s->parts[s->n_pieces * n->width + i] = of_dy;
    }
}

/* ---- activations ---- */

#define ET__GELU_SLOPE ET__REAL(0.7978845608028654) // √(2 / π)
#define ET__GELU_CUBIC ET__REAL(0.044715)

struct et__activating {
    et__real *to;
    const et__real *x, *dy; // dy: on the way back
    enum et__activation kind;
};
ET__ITEM void activate_number(const struct et__activating *a, size_t i)
{
    const et__real x = a->x[i];
    if (a->kind == ET__RELU)
        a->to[i] = x > 0 ? x : 0;
    else if (a->kind == ET__GELU)
        a->to[i] =
            ET__REAL(0.5) * x * (1 + tanhf(ET__GELU_SLOPE * (x + ET__GELU_CUBIC * x * x * x)));
    else
        a->to[i] = x / (1 + expf(-x));
}
ET__ITEM void activate_number_back(const struct et__activating *a, size_t i)
{
    const et__real x = a->x[i], dy = a->dy[i];
    if (a->kind == ET__RELU) {
        a->to[i] = x > 0 ? dy : 0;
    } else if (a->kind == ET__GELU) {
        const et__real th = tanhf(ET__GELU_SLOPE * (x + ET__GELU_CUBIC * x * x * x));
        a->to[i] =
            dy * (ET__REAL(0.5) * (1 + th) + ET__REAL(0.5) * x * (1 - th * th) * ET__GELU_SLOPE *
                                                 (1 + 3 * ET__GELU_CUBIC * x * x));
    } else {
        const et__real s = 1 / (1 + expf(-x));
        a->to[i] = dy * (s + x * s * (1 - s));
    }
}

/* ---- attention ---- */

/* Scores that become weights: a row a query. n_rows of a part of the batch share `hidden`. */
struct et__softmax {
    et__real *p;
    const uint8_t *hidden; // n_batch × n_keys; NULL: none
    size_t n_keys, n_rows;
};
ET__ITEM void softmax_row(const struct et__softmax *s, size_t i, struct et__team t)
{
    et__real *p = s->p + i * s->n_keys, most = -(et__real)INFINITY, sum = 0;
    const uint8_t *hidden = s->hidden ? s->hidden + i / s->n_rows * s->n_keys : NULL;
    for (size_t j = t.lane; j < s->n_keys; j += t.n)
        most = (!hidden || !hidden[j]) && p[j] > most ? p[j] : most;
    most = et__team_most(t, most);
    for (size_t j = t.lane; j < s->n_keys; j += t.n) {
        p[j] = hidden && hidden[j] ? 0 : expf(p[j] - most);
        sum += p[j];
    }
    const et__real share = 1 / et__team_sum(t, sum);
    for (size_t j = t.lane; j < s->n_keys; j += t.n)
        p[j] = p[j] > 0 ? p[j] * share : p[j]; // where all are hidden there is no share
}

/* d: what the weights that are kept change by, and then what scores do. Of each row, d = kept · d −
 * p · Σ kept d. */
struct et__softmax_back {
    et__real *d; // rows follow each other, n_rows of each part of the batch
    const et__real *p, *kept;
    size_t n_keys, n_rows, step; // step: from the weights of one part to those of the next
};
ET__ITEM void softmax_back_row(const struct et__softmax_back *s, size_t i, struct et__team t)
{
    et__real *d = s->d + i * s->n_keys, sum = 0;
    const size_t at = i / s->n_rows * s->step + i % s->n_rows * s->n_keys;
    const et__real *p = s->p + at, *kept = s->kept + at;
    for (size_t j = t.lane; j < s->n_keys; j += t.n)
        sum += kept[j] * d[j];
    sum = et__team_sum(t, sum);
    for (size_t j = t.lane; j < s->n_keys; j += t.n)
        d[j] = kept[j] * d[j] - p[j] * sum;
}

/* ---- conditions ---- */

ET__ITEM void modulate_number(const struct et__modulate *m, size_t i)
{
    const size_t of = i / (m->n_steps * m->width) * m->stride + i % m->width;
    m->y[i] = m->x[i] * (1 + m->scale[of]) + m->shift[of];
}
/* The ways back with their ways there, since a device does not follow the program's pointers. */
struct et__modulate_both {
    struct et__modulate_back back;
    struct et__modulate m;
};
ET__ITEM void modulate_number_back(const struct et__modulate_both *b, size_t i)
{
    const struct et__modulate *m = &b->m;
    const size_t of = i / (m->n_steps * m->width) * m->stride + i % m->width;
    b->back.dx[i] = b->back.dy[i] * (1 + m->scale[of]);
}
// Column j of a part of the batch, over its steps.
ET__ITEM void modulate_column_back(const struct et__modulate_both *b, size_t i)
{
    const struct et__modulate *m = &b->m;
    const size_t part = i / m->width, j = i % m->width;
    et__real of_both = 0, of_dy = 0;
    for (size_t k = 0; k < m->n_steps; k++) {
        const size_t at = (part * m->n_steps + k) * m->width + j;
        of_both += b->back.dy[at] * m->x[at];
        of_dy += b->back.dy[at];
    }
    b->back.dscale[part * m->stride + j] += of_both;
    b->back.dshift[part * m->stride + j] += of_dy;
}

ET__ITEM void gate_number(const struct et__gate *g, size_t i)
{
    const size_t of = i / (g->n_steps * g->width) * g->stride + i % g->width;
    g->y[i] = g->x[i] + g->gate[of] * g->part[i];
}
struct et__gate_both {
    struct et__gate_back back;
    struct et__gate g;
};
ET__ITEM void gate_number_back(const struct et__gate_both *b, size_t i)
{
    const struct et__gate *g = &b->g;
    const size_t of = i / (g->n_steps * g->width) * g->stride + i % g->width;
    b->back.dpart[i] = b->back.dy[i] * g->gate[of];
}
ET__ITEM void gate_column_back(const struct et__gate_both *b, size_t i)
{
    const struct et__gate *g = &b->g;
    const size_t part = i / g->width, j = i % g->width;
    et__real sum = 0;
    for (size_t k = 0; k < g->n_steps; k++) {
        const size_t at = (part * g->n_steps + k) * g->width + j;
        sum += b->back.dy[at] * g->part[at];
    }
    b->back.dgate[part * g->stride + j] += sum;
}

/* ---- loss and optimiser ---- */

/* Sums that the program gets: pieces of neighbouring numbers, a sum each. */
struct et__pieces {
    double *sums;
    size_t n, piece; // numbers; of a piece
};
ET__ITEM size_t piece_end(const struct et__pieces *p, size_t i)
{
    const size_t end = (i + 1) * p->piece;
    return end < p->n ? end : p->n;
}

struct et__loss_pieces {
    struct et__loss loss;
    struct et__pieces pieces;
};
ET__ITEM void loss_piece(const struct et__loss_pieces *s, size_t i, struct et__team t)
{
    const struct et__loss *l = &s->loss;
    const size_t end = piece_end(&s->pieces, i);
    double sum = 0;
    for (size_t at = i * s->pieces.piece + t.lane; at < end; at += t.n) {
        const et__real weight = l->weights[at / l->width];
        if (weight == 0) {
            l->dout[at] = 0;
            continue;
        }
        const et__real there = l->mask ? l->mask[at] : 1;
        const et__real off = there * (l->out[at] - l->target[at]);
        const bool is_squared = at % l->width >= l->width - l->n_squared;
        sum += (double)weight * (double)(is_squared ? off * off : fabsf(off));
        l->dout[at] = is_squared ? 2 * weight * off : off > 0 ? weight : off < 0 ? -weight : off;
    }
    sum = et__team_sum_double(t, sum);
    if (t.lane == 0)
        s->pieces.sums[i] = sum;
}

struct et__latent_pieces {
    struct et__latent latent;
    struct et__pieces pieces;
};
ET__ITEM void latent_piece(const struct et__latent_pieces *s, size_t i, struct et__team t)
{
    const struct et__latent *l = &s->latent;
    const size_t end = piece_end(&s->pieces, i);
    double sum = 0;
    for (size_t at = i * s->pieces.piece + t.lane; at < end; at += t.n) {
        const size_t first = at / l->n_latent * 2 * l->n_latent + at % l->n_latent;
        const et__real mean = l->params[first], log_variance = l->params[first + l->n_latent];
        const et__real deviation = expf(log_variance / 2);
        l->z[at] = mean + deviation * l->noise[at];
        sum -= 0.5 * (double)(1 + log_variance - mean * mean - deviation * deviation);
    }
    sum = et__team_sum_double(t, sum);
    if (t.lane == 0)
        s->pieces.sums[i] = sum;
}

struct et__latent_both {
    struct et__latent_back back;
    struct et__latent l;
};
ET__ITEM void latent_number_back(const struct et__latent_both *b, size_t i)
{
    const struct et__latent *l = &b->l;
    const size_t mean = i / l->n_latent * 2 * l->n_latent + i % l->n_latent;
    const size_t log_variance = mean + l->n_latent;
    const et__real dz = b->back.dz[i], weight = b->back.kl_weight;
    const et__real deviation = expf(l->params[log_variance] / 2);
    b->back.d_params[mean] = dz + weight * l->params[mean];
    b->back.d_params[log_variance] = ET__REAL(0.5) * dz * deviation * l->noise[i] -
                                     ET__REAL(0.5) * weight * (1 - deviation * deviation);
}

struct et__square_pieces {
    const et__real *x;
    struct et__pieces pieces;
};
ET__ITEM void square_piece(const struct et__square_pieces *s, size_t i, struct et__team t)
{
    const size_t end = piece_end(&s->pieces, i);
    double sum = 0;
    for (size_t at = i * s->pieces.piece + t.lane; at < end; at += t.n)
        sum += (double)s->x[at] * (double)s->x[at];
    sum = et__team_sum_double(t, sum);
    if (t.lane == 0)
        s->pieces.sums[i] = sum;
}

/* AdamW with all that is the same for each number worked out before. */
struct et__adamw_numbers {
    et__real *values, *first, *second;
    const et__real *grads, *decay;
    et__real beta1, beta2, unbias1, unbias2, rate, epsilon, fade, grad_scale;
};
ET__ITEM void adamw_number(const struct et__adamw_numbers *a, size_t i)
{
    const et__real g = a->grads[i] * a->grad_scale, value = a->values[i];
    const et__real first = a->beta1 * a->first[i] + (1 - a->beta1) * g;
    const et__real second = a->beta2 * a->second[i] + (1 - a->beta2) * g * g;
    a->first[i] = first;
    a->second[i] = second;
    a->values[i] =
        value - (a->rate * (first * a->unbias1 / (sqrtf(second * a->unbias2) + a->epsilon)) +
                 a->fade * a->decay[i] * value);
}

struct et__blending {
    et__real *to;
    const et__real *from;
    et__real share;
};
ET__ITEM void blend_number(const struct et__blending *b, size_t i)
{
    b->to[i] += b->share * (b->from[i] - b->to[i]);
}

#endif

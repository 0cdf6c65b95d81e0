/* The kernels of a device, out of items: which are launched, over how much, in what order. Included
 * once by each back end that launches (learn__items.h), which has defined beside what items need:
 *
 *   ET__EACH(item, type), ET__EACH_TEAM(item, type): functions each_<item>(device, type *, n), that
 *       let n pieces be done, by a thread each or by a team each;
 *   multiply(device, products);
 *   sums_of(device, n): waits, and gives the first n of device->sums; NULL: the device failed.
 *
 * No pointer into the program's own memory is among what pieces get: ways there are beside ways
 * back, not behind a pointer.
 *
 * Numbers that only a kernel looks at lie in the device's scratch, which is larger than what a step
 * gives them: a GPU is quick when it gets much at a time. */
#ifndef LEARN__DEVICE_KERNELS_H
#define LEARN__DEVICE_KERNELS_H

#include "learn/learn__device.h"
#include "learn/learn__map_items.h"

ET__EACH(clear_number, struct et__clearing)
ET__EACH(copy_number, struct et__rows)
ET__EACH(add_number, struct et__rows)
ET__EACH(sum_piece, struct et__columns)
ET__EACH(add_pieces, struct et__columns)
ET__EACH_TEAM(norm_row, struct et__norm)
ET__EACH_TEAM(norm_back_row, struct et__norm_back)
ET__EACH(sum_norm_piece, struct et__norm_columns)
ET__EACH(activate_number, struct et__activating)
ET__EACH(activate_number_back, struct et__activating)
ET__EACH(drop_number, struct et__drop)
ET__EACH_TEAM(softmax_row, struct et__softmax)
ET__EACH_TEAM(softmax_back_row, struct et__softmax_back)
ET__EACH(modulate_number, struct et__modulate)
ET__EACH(modulate_number_back, struct et__modulate_both)
ET__EACH(modulate_column_back, struct et__modulate_both)
ET__EACH(gate_number, struct et__gate)
ET__EACH(gate_number_back, struct et__gate_both)
ET__EACH(gate_column_back, struct et__gate_both)
ET__EACH_TEAM(loss_piece, struct et__loss_pieces)
ET__EACH_TEAM(latent_piece, struct et__latent_pieces)
ET__EACH(latent_number_back, struct et__latent_both)
ET__EACH_TEAM(square_piece, struct et__square_pieces)
ET__EACH(adamw_number, struct et__adamw_numbers)
ET__EACH(blend_number, struct et__blending)
ET__EACH(lay_number, struct et__planes)
ET__EACH(turn_number, struct et__turning)
ET__EACH(turn_number_back, struct et__turning)
ET__EACH(gather_number, struct et__gathering)
ET__EACH(scatter_number, struct et__gathering)
ET__EACH(finish_number, struct et__convolution)
ET__EACH(pool_number, struct et__max_pool)
ET__EACH(pool_number_back, struct et__max_pool_both)
ET__EACH_TEAM(norm_group, struct et__group_norm)
ET__EACH(sum_channel, struct et__group_both)
ET__EACH_TEAM(norm_group_back, struct et__group_both)
ET__EACH(freeze_channel, struct et__frozen_norm)
ET__EACH(look_channel, struct et__keypoints)
ET__EACH(look_number_back, struct et__keypoints_both)

static struct et__device *own(void *device)
{
    return (struct et__device *)device;
}

/* ---- rows ---- */

static void gemm(void *device, const struct et__gemm *g)
{
    const struct et__products one = {.g = *g, .n = 1};
    multiply(own(device), &one);
}

static void clear(void *device, et__real *to, size_t n)
{
    const struct et__clearing c = {.to = to};
    each_clear_number(own(device), &c, n);
}

static void copy_rows(void *device, const struct et__rows *r)
{
    each_copy_number(own(device), r, r->n_rows * r->width);
}

#define ET__PIECES 64     // that rows are cut into at most
#define ET__PIECE_ROWS 16 // at least

/* Into how many pieces rows are cut, of which each leaves `width` numbers in n_scratch. */
static size_t pieces_of(size_t n_rows, size_t width, size_t n_scratch)
{
    const size_t most = n_scratch / width < ET__PIECES ? n_scratch / width : ET__PIECES;
    const size_t n = n_rows / ET__PIECE_ROWS < most ? n_rows / ET__PIECE_ROWS : most;
    return n > 1 ? n : 1;
}

static void sum_columns(struct et__device *d, const struct et__rows *r, et__real *parts,
                        size_t n_parts)
{
    const struct et__columns s = {.to = r->to,
                                  .parts = parts,
                                  .from = r->from,
                                  .n_rows = r->n_rows,
                                  .width = r->width,
                                  .stride = r->from_stride,
                                  .n_pieces = pieces_of(r->n_rows, r->width, n_parts)};
    each_sum_piece(d, &s, s.n_pieces * s.width);
    if (s.n_pieces > 1)
        each_add_pieces(d, &s, s.width);
}

static void add_rows(void *device, const struct et__rows *r)
{
    struct et__device *d = own(device);
    if (r->to_stride == 0)
        sum_columns(d, r, d->scratch, d->n_scratch);
    else
        each_add_number(d, r, r->n_rows * r->width);
}

static void norm(void *device, const struct et__norm *n)
{
    each_norm_row(own(device), n, n->n_rows);
}

static void norm_back(void *device, const struct et__norm_back *n)
{
    struct et__device *d = own(device);
    each_norm_back_row(d, n, n->n_rows);
    if (!n->weight)
        return;
    const struct et__norm_columns s = {.norm = *n,
                                       .parts = d->scratch,
                                       .n_pieces =
                                           pieces_of(n->n_rows, n->width, d->n_scratch / 2)};
    const size_t n_parts = s.n_pieces * n->width;
    struct et__columns parts = {
        .to = n->dweight, .parts = d->scratch, .width = n->width, .n_pieces = s.n_pieces};
    each_sum_norm_piece(d, &s, n_parts);
    if (s.n_pieces == 1)
        return;
    each_add_pieces(d, &parts, n->width);
    parts.to = n->dbias;
    parts.parts += n_parts;
    each_add_pieces(d, &parts, n->width);
}

static void activate(void *device, enum et__activation kind, et__real *y, const et__real *x,
                     size_t n)
{
    const struct et__activating a = {.to = y, .x = x, .kind = kind};
    each_activate_number(own(device), &a, n);
}

static void activate_back(void *device, enum et__activation kind, et__real *dx, const et__real *dy,
                          const et__real *x, size_t n)
{
    const struct et__activating a = {.to = dx, .x = x, .dy = dy, .kind = kind};
    each_activate_number_back(own(device), &a, n);
}

static void drop(void *device, const struct et__drop *d)
{
    each_drop_number(own(device), d, d->n);
}

/* ---- attention ---- */

/* The products of one head over n parts of the batch, from part b on: a part's matrices lie as far
 * from the next one's as they are large. */
struct et__head {
    size_t queries, keys, weights; // where it begins, of part b
    size_t query_step, key_step, weight_step;
    int n; // numbers of a head
    et__real scale;
};

static struct et__head head_of(const struct et__attention *a, size_t b, int h)
{
    const size_t n_queries = (size_t)a->n_queries, n_keys = (size_t)a->n_keys;
    const size_t width = (size_t)a->width, n_heads = (size_t)a->n_heads;
    const int n = a->width / a->n_heads;
    struct et__head at = {.query_step = n_queries * width,
                          .key_step = n_keys * width,
                          .weight_step = n_heads * n_queries * n_keys,
                          .n = n,
                          .scale = 1 / sqrtf((et__real)n)};
    at.queries = b * at.query_step + (size_t)h * (size_t)n;
    at.keys = b * at.key_step + (size_t)h * (size_t)n;
    at.weights = b * at.weight_step + (size_t)h * n_queries * n_keys;
    return at;
}

/* Of rows of queries with rows of keys: n_queries × n_keys, `c` n_keys apart. */
static struct et__gemm scores_of(const struct et__attention *a, const struct et__head *at,
                                 et__real *c)
{
    const struct et__gemm g = {.c = c,
                               .m = a->n_queries,
                               .n = a->n_keys,
                               .k = at->n,
                               .c_stride = a->n_keys,
                               .a_stride = a->width,
                               .b_stride = a->width,
                               .is_b_turned = true,
                               .alpha = 1};
    return g;
}

/* The weights that o is made with. */
static const et__real *kept_of(const struct et__attention *a)
{
    return a->kept ? a->kept : a->weights;
}

static void attend(void *device, const struct et__attention *a)
{
    struct et__device *d = own(device);
    const size_t n_batch = (size_t)a->n_batch, n_rows = (size_t)(a->n_heads * a->n_queries);
    for (int h = 0; h < a->n_heads; h++) {
        const struct et__head at = head_of(a, 0, h);
        struct et__products p = {.g = scores_of(a, &at, a->weights + at.weights),
                                 .n = n_batch,
                                 .c_step = at.weight_step,
                                 .a_step = at.query_step,
                                 .b_step = at.key_step};
        p.g.a = a->q + at.queries;
        p.g.b = a->k + at.keys;
        p.g.alpha = at.scale;
        multiply(d, &p);
    }
    const struct et__softmax s = {
        .p = a->weights, .hidden = a->hidden, .n_keys = (size_t)a->n_keys, .n_rows = n_rows};
    each_softmax_row(d, &s, n_batch * n_rows);
    const struct et__drop some = {.to = a->kept,
                                  .from = a->weights,
                                  .n = n_batch * n_rows * (size_t)a->n_keys,
                                  .chance = a->chance};
    if (a->kept)
        drop(device, &some);
    for (int h = 0; h < a->n_heads; h++) {
        const struct et__head at = head_of(a, 0, h);
        const struct et__products p = {.g = {.c = a->o + at.queries,
                                             .a = kept_of(a) + at.weights,
                                             .b = a->v + at.keys,
                                             .m = a->n_queries,
                                             .n = at.n,
                                             .k = a->n_keys,
                                             .c_stride = a->width,
                                             .a_stride = a->n_keys,
                                             .b_stride = a->width,
                                             .alpha = 1},
                                       .n = n_batch,
                                       .c_step = at.query_step,
                                       .a_step = at.weight_step,
                                       .b_step = at.key_step};
        multiply(d, &p);
    }
}

/* A head of n parts of the batch, from b on. d: n × n_queries × n_keys. */
static void attend_back_part(struct et__device *device, const struct et__attention_back *back,
                             const struct et__head *at, et__real *d, size_t n)
{
    const struct et__attention *a = back->forward;
    const size_t n_queries = (size_t)a->n_queries, n_keys = (size_t)a->n_keys;
    struct et__products p = {.g = scores_of(a, at, d), // dO Vᵀ
                             .n = n,
                             .c_step = n_queries * n_keys,
                             .a_step = at->query_step,
                             .b_step = at->key_step};
    p.g.a = back->d_o + at->queries;
    p.g.b = a->v + at->keys;
    multiply(device, &p);
    const struct et__softmax_back s = {.d = d,
                                       .p = a->weights + at->weights,
                                       .kept = kept_of(a) + at->weights,
                                       .n_keys = n_keys,
                                       .n_rows = n_queries,
                                       .step = at->weight_step};
    each_softmax_back_row(device, &s, n * n_queries);
    const struct et__gemm dv = {.c = back->dv + at->keys,
                                .a = kept_of(a) + at->weights,
                                .b = back->d_o + at->queries,
                                .m = a->n_keys,
                                .n = at->n,
                                .k = a->n_queries,
                                .c_stride = a->width,
                                .a_stride = a->n_keys,
                                .b_stride = a->width,
                                .is_a_turned = true,
                                .alpha = 1};
    p.g = dv; // Pᵀ dO
    p.c_step = at->key_step;
    p.a_step = at->weight_step;
    p.b_step = at->query_step;
    multiply(device, &p);
    p.g.c = back->dk + at->keys; // dSᵀ Q
    p.g.a = d;
    p.g.b = a->q + at->queries;
    p.g.alpha = at->scale;
    p.a_step = n_queries * n_keys;
    multiply(device, &p);
    p.g.c = back->dq + at->queries; // dS K
    p.g.b = a->k + at->keys;
    p.g.m = a->n_queries;
    p.g.k = a->n_keys;
    p.g.is_a_turned = false;
    p.c_step = at->query_step;
    p.b_step = at->key_step;
    multiply(device, &p);
}

static void attend_back(void *device, const struct et__attention_back *back)
{
    struct et__device *d = own(device);
    const struct et__attention *a = back->forward;
    const size_t n_weights = (size_t)a->n_queries * (size_t)a->n_keys, n_batch = (size_t)a->n_batch;
    const bool fits = d->n_scratch >= n_weights; // else the step's own is enough for one part
    const size_t n_part = fits ? d->n_scratch / n_weights : 1;
    for (size_t b = 0; b < n_batch; b += n_part)
        for (int h = 0; h < a->n_heads; h++) {
            const struct et__head at = head_of(a, b, h);
            attend_back_part(d, back, &at, fits ? d->scratch : back->scratch,
                             n_batch - b < n_part ? n_batch - b : n_part);
        }
}

/* ---- conditions ---- */

static void modulate(void *device, const struct et__modulate *m)
{
    each_modulate_number(own(device), m, m->n_batch * m->n_steps * m->width);
}

static void modulate_back(void *device, const struct et__modulate_back *back)
{
    const struct et__modulate *m = back->forward;
    struct et__modulate_both b = {.back = *back, .m = *m};
    b.back.forward = NULL;
    each_modulate_number_back(own(device), &b, m->n_batch * m->n_steps * m->width);
    each_modulate_column_back(own(device), &b, m->n_batch * m->width);
}

static void gate(void *device, const struct et__gate *g)
{
    each_gate_number(own(device), g, g->n_batch * g->n_steps * g->width);
}

static void gate_back(void *device, const struct et__gate_back *back)
{
    const struct et__gate *g = back->forward;
    struct et__gate_both b = {.back = *back, .g = *g};
    b.back.forward = NULL;
    each_gate_number_back(own(device), &b, g->n_batch * g->n_steps * g->width);
    each_gate_column_back(own(device), &b, g->n_batch * g->width);
}

/* ---- loss and optimiser ---- */

#define ET__PIECE 2048 // numbers of a sum, at least

static struct et__pieces cut(const struct et__device *d, size_t n)
{
    const size_t piece = (n + d->n_sums - 1) / d->n_sums;
    const struct et__pieces p = {
        .sums = d->sums, .n = n, .piece = piece > ET__PIECE ? piece : ET__PIECE};
    return p;
}

static size_t n_pieces(const struct et__pieces *p)
{
    return (p->n + p->piece - 1) / p->piece;
}

static double sum_of(struct et__device *d, const struct et__pieces *p)
{
    const size_t n = n_pieces(p);
    const double *sums = sums_of(d, n);
    double sum = sums ? 0 : (double)NAN;
    for (size_t i = 0; sums && i < n; i++)
        sum += sums[i];
    return sum;
}

static double loss(void *device, const struct et__loss *l)
{
    const struct et__loss_pieces s = {.loss = *l, .pieces = cut(own(device), l->n_rows * l->width)};
    each_loss_piece(own(device), &s, n_pieces(&s.pieces));
    return sum_of(own(device), &s.pieces);
}

static double draw_latent(void *device, const struct et__latent *l)
{
    const struct et__latent_pieces s = {.latent = *l,
                                        .pieces = cut(own(device), l->n_rows * l->n_latent)};
    each_latent_piece(own(device), &s, n_pieces(&s.pieces));
    return sum_of(own(device), &s.pieces);
}

static void draw_latent_back(void *device, const struct et__latent_back *back)
{
    const struct et__latent *l = back->forward;
    struct et__latent_both b = {.back = *back, .l = *l};
    b.back.forward = NULL;
    each_latent_number_back(own(device), &b, l->n_rows * l->n_latent);
}

static double sum_squares(void *device, const et__real *x, size_t n)
{
    const struct et__square_pieces s = {.x = x, .pieces = cut(own(device), n)};
    each_square_piece(own(device), &s, n_pieces(&s.pieces));
    return sum_of(own(device), &s.pieces);
}

static void adamw(void *device, const struct et__adamw *a)
{
    const struct et__adamw_numbers s = {
        .values = a->values,
        .first = a->first,
        .second = a->second,
        .grads = a->grads,
        .decay = a->decay,
        .beta1 = (et__real)a->beta1,
        .beta2 = (et__real)a->beta2,
        .unbias1 = (et__real)(1 / (1 - pow(a->beta1, (double)a->step))),
        .unbias2 = (et__real)(1 / (1 - pow(a->beta2, (double)a->step))),
        .rate = (et__real)a->rate,
        .epsilon = (et__real)a->epsilon,
        .fade = (et__real)(a->rate * a->weight_decay),
        .grad_scale = (et__real)a->grad_scale};
    each_adamw_number(own(device), &s, a->n);
}

static void blend(void *device, et__real *to, const et__real *from, double share, size_t n)
{
    const struct et__blending b = {.to = to, .from = from, .share = (et__real)share};
    each_blend_number(own(device), &b, n);
}

/* ---- maps ---- */

static void lay_planes(void *device, const struct et__planes *p)
{
    each_lay_number(own(device), p, p->n * p->n_places * p->n_channels);
}

static size_t row_of(const struct et__convolution *c)
{
    return (size_t)c->window.side * (size_t)c->window.side * (size_t)c->n_in;
}

// A window of one place that moves by one: the map is what would be gathered.
static bool is_plain(const struct et__window *w)
{
    return w->side == 1 && w->stride == 1 && w->padding == 0;
}

/* Rows from `first` on, as many as there is room for. */
static struct et__gathering rows_from(struct et__device *d, const struct et__convolution *c,
                                      size_t first)
{
    const size_t left = et__window_places(&c->window) - first;
    const size_t most = is_plain(&c->window) ? left : d->n_scratch / row_of(c);
    struct et__gathering g = {
        .c = *c, .rows = d->scratch, .first = first, .n = left < most ? left : most};
    return g;
}

static const et__real *gathered(struct et__device *d, const struct et__gathering *g)
{
    if (is_plain(&g->c.window))
        return g->c.x + g->first * (size_t)g->c.n_in;
    each_gather_number(d, g, g->n * row_of(&g->c));
    return g->rows;
}

static void turn(struct et__device *d, const struct et__convolution *c, et__real *to)
{
    const struct et__turning t = {.c = *c, .to = to};
    each_turn_number(d, &t, (size_t)c->n_out * row_of(c));
}

static void convolve(void *device, const struct et__convolution *c)
{
    struct et__device *d = own(device);
    const size_t n_out = (size_t)c->n_out, n_places = et__window_places(&c->window);
    turn(d, c, c->scratch);
    for (size_t at = 0; at < n_places;) {
        const struct et__gathering rows = rows_from(d, c, at);
        const struct et__gemm g = {.c = c->y + at * n_out,
                                   .a = gathered(d, &rows),
                                   .b = c->scratch,
                                   .m = (int)rows.n,
                                   .n = c->n_out,
                                   .k = (int)row_of(c),
                                   .c_stride = c->n_out,
                                   .a_stride = (int)row_of(c),
                                   .b_stride = (int)row_of(c),
                                   .is_b_turned = true,
                                   .alpha = 1};
        gemm(d, &g);
        at += rows.n;
    }
    if (c->shift || c->more || c->has_relu)
        each_finish_number(d, c, n_places * n_out);
}

/* What rows say about the input. */
static void learn_input(struct et__device *d, const struct et__convolution_back *back,
                        const et__real *turned, struct et__gathering *rows)
{
    const struct et__convolution *c = back->forward;
    const struct et__window *w = &c->window;
    const bool is_direct = is_plain(w);
    const size_t row = row_of(c), n_y = et__window_places(w) / (size_t)w->n;
    const struct et__gemm g = {.c = is_direct ? back->dx + rows->first * row : rows->rows,
                               .a = back->dy + rows->first * (size_t)c->n_out,
                               .b = turned,
                               .m = (int)rows->n,
                               .n = (int)row,
                               .k = c->n_out,
                               .c_stride = (int)row,
                               .a_stride = c->n_out,
                               .b_stride = (int)row,
                               .alpha = 1,
                               .beta = is_direct && back->is_added ? ET__REAL(1.0) : 0};
    gemm(d, &g);
    if (is_direct)
        return;
    const size_t last = (rows->first + rows->n - 1) / n_y;
    rows->dx = back->dx;
    rows->picture = rows->first / n_y;
    each_scatter_number(d, rows,
                        (last - rows->picture + 1) * (size_t)w->height * (size_t)w->width *
                            (size_t)c->n_in);
}

static void convolve_back(void *device, const struct et__convolution_back *back)
{
    struct et__device *d = own(device);
    const struct et__convolution *c = back->forward;
    const struct et__window *w = &c->window;
    const size_t row = row_of(c), n_places = et__window_places(w), n_out = (size_t)c->n_out;
    et__real *turned = back->scratch, *dweight = turned + n_out * row;
    if (back->dx)
        turn(d, c, turned);
    if (back->dx && !back->is_added && !is_plain(w))
        clear(d, back->dx, (size_t)w->n * (size_t)w->height * (size_t)w->width * (size_t)c->n_in);
    for (size_t at = 0; at < n_places;) {
        struct et__gathering rows = rows_from(d, c, at);
        const struct et__gemm g = {.c = dweight,
                                   .a = back->dy + at * n_out,
                                   .b = gathered(d, &rows),
                                   .m = c->n_out,
                                   .n = (int)row,
                                   .k = (int)rows.n,
                                   .c_stride = (int)row,
                                   .a_stride = c->n_out,
                                   .b_stride = (int)row,
                                   .is_a_turned = true,
                                   .alpha = 1,
                                   .beta = at > 0 ? ET__REAL(1.0) : 0};
        gemm(d, &g);
        if (back->dx)
            learn_input(d, back, turned, &rows);
        at += rows.n;
    }
    const struct et__turning t = {.c = *c, .to = back->dweight, .from = dweight};
    each_turn_number_back(d, &t, n_out * row);
    const struct et__rows shift = {.to = back->dshift,
                                   .from = back->dy,
                                   .n_rows = n_places,
                                   .width = n_out,
                                   .from_stride = n_out};
    if (back->dshift)
        sum_columns(d, &shift, d->scratch, d->n_scratch);
}

static void max_pool(void *device, const struct et__max_pool *p)
{
    each_pool_number(own(device), p, et__window_places(&p->window) * (size_t)p->n_channels);
}

static void max_pool_back(void *device, const struct et__max_pool_back *back)
{
    const struct et__max_pool *p = back->forward;
    const struct et__window *w = &p->window;
    struct et__max_pool_both b = {.back = *back, .p = *p};
    b.back.forward = NULL;
    each_pool_number_back(own(device), &b,
                          (size_t)w->n * (size_t)w->height * (size_t)w->width *
                              (size_t)p->n_channels);
}

static void group_norm(void *device, const struct et__group_norm *n)
{
    each_norm_group(own(device), n, n->n * n->n_groups);
}

/* Some pictures at a time: of each channel two sums in the scratch, and behind them room to add
 * these up. */
static void group_norm_back(void *device, const struct et__group_norm_back *back)
{
    struct et__device *d = own(device);
    const struct et__group_norm *n = back->forward;
    const size_t most = d->n_scratch / (3 * n->n_channels);
    for (size_t i = 0; i < n->n; i += most) {
        const size_t n_part = n->n - i < most ? n->n - i : most, n_sums = n_part * n->n_channels;
        struct et__group_both b = {.back = *back,
                                   .n = *n,
                                   .of_dy = d->scratch,
                                   .of_both = d->scratch + n_sums,
                                   .picture = i};
        struct et__rows sums = {.to = back->dbias,
                                .from = b.of_dy,
                                .n_rows = n_part,
                                .width = n->n_channels,
                                .from_stride = n->n_channels};
        b.back.forward = NULL;
        each_sum_channel(d, &b, n_sums);
        each_norm_group_back(d, &b, n_part * n->n_groups);
        sum_columns(d, &sums, d->scratch + 2 * n_sums, d->n_scratch - 2 * n_sums);
        sums.to = back->dweight;
        sums.from = b.of_both;
        sum_columns(d, &sums, d->scratch + 2 * n_sums, d->n_scratch - 2 * n_sums);
    }
}

static void frozen_norm(void *device, const struct et__frozen_norm *n)
{
    each_freeze_channel(own(device), n, n->n_channels);
}

static void keypoints(void *device, const struct et__keypoints *k)
{
    each_look_channel(own(device), k, (size_t)k->n * (size_t)k->n_channels);
}

static void keypoints_back(void *device, const struct et__keypoints_back *back)
{
    const struct et__keypoints *k = back->forward;
    struct et__keypoints_both b = {.back = *back, .k = *k};
    b.back.forward = NULL;
    each_look_number_back(own(device), &b,
                          (size_t)k->n * (size_t)k->height * (size_t)k->width *
                              (size_t)k->n_channels);
}

static const struct et__picture_kernels PICTURES = {
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

#define ET__DEVICE_KERNELS(called, own_memory)                                                \
    {                                                                                         \
        .name = called, .memory = own_memory, .gemm = gemm, .clear = clear,                   \
        .copy_rows = copy_rows, .add_rows = add_rows, .norm = norm, .norm_back = norm_back,   \
        .activate = activate, .activate_back = activate_back, .drop = drop, .attend = attend, \
        .attend_back = attend_back, .modulate = modulate, .modulate_back = modulate_back,     \
        .gate = gate, .gate_back = gate_back, .loss = loss, .draw_latent = draw_latent,       \
        .draw_latent_back = draw_latent_back, .sum_squares = sum_squares, .adamw = adamw,     \
        .blend = blend, .pictures = &PICTURES,                                                \
    }

#endif

/* Layers of a transformer, normalised behind each part. */
#include "learn/learn__transformer.h"

#include <math.h>
#include <stdio.h>

#define NAME_MAX (ET__PARAM_NAME_MAX + 32) // a longer one is told by et__params_check

static const double TURN = 6.283185307179586;

// What of a layer is called "<name>.<part>".
struct part {
    char name[NAME_MAX];
};

static struct part part(const char *name, const char *of)
{
    struct part p;
    (void)snprintf(p.name, sizeof p.name, "%s.%s", name, of);
    return p;
}

static struct et__feedforward between_add(struct et__params *params,
                                          const struct et__transformer_size *size, const char *name)
{
    struct et__feedforward f = {.kind = ET__RELU};
    f.first = et__linear_add(params, size->width, size->n_between, part(name, "linear1").name);
    f.second = et__linear_add(params, size->n_between, size->width, part(name, "linear2").name);
    return f;
}

static size_t n_values(const struct et__sequence *s, int width)
{
    return (size_t)s->n_batch * (size_t)s->n_steps * (size_t)width;
}

static size_t n_rows(const struct et__sequence *s)
{
    return (size_t)s->n_batch * (size_t)s->n_steps;
}

// x with positions: what asks, or is asked.
static et__real *placed(struct et__engine *e, const et__real *x, const struct et__sequence *s,
                        int width)
{
    return et__add_steps(e, x, s->positions, (size_t)s->n_batch,
                         (size_t)s->n_steps * (size_t)width);
}

// What of dy is left where some of it was left out; dy itself where none was.
static const et__real *left_of(struct et__engine *e, const et__real *dy, size_t n,
                               const struct et__chance *chance)
{
    if (chance->share == 0)
        return dy;
    et__real *left = et__take(e, n);
    e->kernels->drop(e->device,
                     &(struct et__drop){.to = left, .from = dy, .n = n, .chance = *chance});
    return left;
}

/* ---- encoder ---- */

struct et__encoder et__encoder_add(struct et__params *params,
                                   const struct et__transformer_size *size, const char *name)
{
    struct et__encoder l;
    l.self = et__heads_add(params, size->width, size->n_heads, part(name, "self_attn").name);
    l.between = between_add(params, size, name);
    l.norm1 = et__layer_norm_add(params, size->width, part(name, "norm1").name);
    l.norm2 = et__layer_norm_add(params, size->width, part(name, "norm2").name);
    return l;
}

et__real *et__encoder(struct et__engine *e, const struct et__encoder *l, const et__real *x,
                      const struct et__sequence *s, struct et__encoder_seen *seen)
{
    const size_t n = n_values(s, l->self.width);
    seen->sequence = *s;
    const et__real *asks = placed(e, x, s, l->self.width);
    et__real *y = et__heads(e, &l->self,
                            &(struct et__heads_input){.queries = asks,
                                                      .keys = asks,
                                                      .values = x,
                                                      .hidden = s->hidden,
                                                      .n_batch = s->n_batch,
                                                      .n_queries = s->n_steps,
                                                      .n_keys = s->n_steps},
                            &seen->self);
    et__drop(e, y, n, &seen->dropped1);
    et__add(e, y, x, n);
    const et__real *y1 = et__layer_norm(e, &l->norm1, y, n_rows(s), &seen->norm1);
    y = et__feedforward(e, &l->between, y1, n_rows(s), &seen->between);
    et__drop(e, y, n, &seen->dropped2);
    et__add(e, y, y1, n);
    return et__layer_norm(e, &l->norm2, y, n_rows(s), &seen->norm2);
}

void et__encoder_back(struct et__engine *e, const struct et__encoder *l, et__real *dx,
                      et__real *d_positions, const et__real *dy,
                      const struct et__encoder_seen *seen)
{
    const size_t mark = e->used, n = n_values(&seen->sequence, l->self.width);
    et__real *d1 = et__take(e, n), *d_asks = et__take(e, n);
    et__layer_norm_back(e, &l->norm2, d1, dy, &seen->norm2);
    et__feedforward_back(e, &l->between, d1, left_of(e, d1, n, &seen->dropped2), &seen->between);
    et__layer_norm_back(e, &l->norm1, dx, d1, &seen->norm1);
    et__heads_back(e, &l->self,
                   &(struct et__heads_back){.d_queries = d_asks, .d_keys = d_asks, .d_values = dx},
                   left_of(e, dx, n, &seen->dropped1), &seen->self);
    et__add(e, dx, d_asks, n);
    if (d_positions)
        et__add_steps_back(e, d_positions, d_asks, (size_t)seen->sequence.n_batch,
                           n / (size_t)seen->sequence.n_batch);
    e->used = mark;
}

/* ---- decoder ---- */

struct et__decoder et__decoder_add(struct et__params *params,
                                   const struct et__transformer_size *size, const char *name)
{
    struct et__decoder l;
    l.self = et__heads_add(params, size->width, size->n_heads, part(name, "self_attn").name);
    l.cross = et__heads_add(params, size->width, size->n_heads, part(name, "multihead_attn").name);
    l.between = between_add(params, size, name);
    l.norm1 = et__layer_norm_add(params, size->width, part(name, "norm1").name);
    l.norm2 = et__layer_norm_add(params, size->width, part(name, "norm2").name);
    l.norm3 = et__layer_norm_add(params, size->width, part(name, "norm3").name);
    return l;
}

et__real *et__decoder(struct et__engine *e, const struct et__decoder *l, const et__real *x,
                      const struct et__sequence *s, const struct et__memory *memory,
                      struct et__decoder_seen *seen)
{
    const size_t n = n_values(s, l->self.width);
    seen->sequence = *s;
    seen->memory = *memory;
    struct et__heads_input input = {.queries = placed(e, x, s, l->self.width),
                                    .values = x,
                                    .n_batch = s->n_batch,
                                    .n_queries = s->n_steps,
                                    .n_keys = s->n_steps};
    input.keys = input.queries;
    et__real *y = et__heads(e, &l->self, &input, &seen->self);
    et__drop(e, y, n, &seen->dropped1);
    et__add(e, y, x, n);
    const et__real *y1 = et__layer_norm(e, &l->norm1, y, n_rows(s), &seen->norm1);
    input.queries = placed(e, y1, s, l->self.width);
    input.keys = memory->keys;
    input.values = memory->values;
    input.n_keys = memory->n_steps;
    y = et__heads(e, &l->cross, &input, &seen->cross);
    et__drop(e, y, n, &seen->dropped2);
    et__add(e, y, y1, n);
    const et__real *y2 = et__layer_norm(e, &l->norm2, y, n_rows(s), &seen->norm2);
    y = et__feedforward(e, &l->between, y2, n_rows(s), &seen->between);
    et__drop(e, y, n, &seen->dropped3);
    et__add(e, y, y2, n);
    return et__layer_norm(e, &l->norm3, y, n_rows(s), &seen->norm3);
}

void et__decoder_back(struct et__engine *e, const struct et__decoder *l,
                      const struct et__decoder_back *back, const et__real *dy,
                      const struct et__decoder_seen *seen)
{
    const size_t mark = e->used, n = n_values(&seen->sequence, l->self.width);
    const size_t n_batch = (size_t)seen->sequence.n_batch;
    et__real *d2 = et__take(e, n), *d1 = et__take(e, n), *d_asks = et__take(e, n);
    et__layer_norm_back(e, &l->norm3, d2, dy, &seen->norm3);
    et__feedforward_back(e, &l->between, d2, left_of(e, d2, n, &seen->dropped3), &seen->between);
    et__layer_norm_back(e, &l->norm2, d1, d2, &seen->norm2);
    et__heads_back(e, &l->cross,
                   &(struct et__heads_back){
                       .d_queries = d_asks, .d_keys = back->d_keys, .d_values = back->d_values},
                   left_of(e, d1, n, &seen->dropped2), &seen->cross);
    et__add(e, d1, d_asks, n);
    et__add_steps_back(e, back->d_positions, d_asks, n_batch, n / n_batch);
    et__layer_norm_back(e, &l->norm1, back->dx, d1, &seen->norm1);
    et__heads_back(
        e, &l->self,
        &(struct et__heads_back){.d_queries = d_asks, .d_keys = d_asks, .d_values = back->dx},
        left_of(e, back->dx, n, &seen->dropped1), &seen->self);
    et__add(e, back->dx, d_asks, n);
    et__add_steps_back(e, back->d_positions, d_asks, n_batch, n / n_batch);
    e->used = mark;
}

/* ---- positions ---- */

static double frequency(int j, int width)
{
    return 1 / pow(10000.0, 2.0 * (j / 2) / (double)width);
}

void et__positions(et__real *to, int n, int width)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < width; j++) {
            const double angle = i * frequency(j, width);
            to[(size_t)i * (size_t)width + (size_t)j] = (et__real)(j % 2 ? cos(angle) : sin(angle));
        }
}

void et__positions_2d(et__real *to, int height, int width, int n)
{
    const int half = n / 2;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int j = 0; j < 2 * half; j++) {
                const double share =
                    j < half ? (y + 1) / (height + 1e-6) : (x + 1) / (width + 1e-6);
                const double angle = TURN * share * frequency(j % half, half);
                to[((size_t)y * (size_t)width + (size_t)x) * (size_t)n + (size_t)j] =
                    (et__real)(j % half % 2 ? cos(angle) : sin(angle));
            }
}

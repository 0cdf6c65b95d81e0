/* Batches of lessons: which rows, what was seen, and the chunk behind each. */
#include "learn/learn__lessons_rows.h"

#include "etude/random.h"

#include <math.h>
#include <string.h>

#define FILL_TASKS ((size_t)8)

void et__lessons_goal(const struct et__lessons *l, size_t row, size_t k, float *goal)
{
    const size_t n_out = l->recipe.n_out;
    const size_t then = row + (k + 1) * l->stride, last = l->last[row];
    memcpy(goal, l->given + (then < last ? then : last) * n_out, n_out * sizeof *goal);
    if (l->here)
        et__recipe_change(&l->recipe, l->here + row * n_out, goal);
}

enum et_status et__lessons_batch(const struct et__lessons *l, const struct et__net *net, size_t n,
                                 struct et_arena *arena, struct et__net_batch *batch,
                                 struct et_err *err)
{
    const struct et__recipe *r = &l->recipe;
    const size_t n_steps = net->shape.n_steps;
    const size_t n_noise = net->kind->n_noise(&net->shape, &net->settings);
    float *seen = et_arena_array(arena, n * r->n_in, sizeof *seen);
    float *targets = et_arena_array(arena, n * n_steps * r->n_out, sizeof *targets);
    float *weights = et_arena_array(arena, n * n_steps, sizeof *weights);
    float *noise = et_arena_array(arena, n * n_noise, sizeof *noise);
    float *extra = et_arena_array(arena, n * net->kind->n_extra, sizeof *extra);
    float *mask = et_arena_array(arena, l->has_gaps ? n * n_steps * r->n_out : 0, sizeof *mask);
    uint8_t *hidden = et_arena_array(arena, n * et__net_n_hidden(net), 1);
    if (!seen || !targets || !weights || !noise || !extra || !mask || !hidden)
        return et_arena_fail(arena, "a batch", err);
    *batch = (struct et__net_batch){.targets = targets,
                                    .weights = weights,
                                    .mask = l->has_gaps ? mask : NULL,
                                    .hidden = hidden,
                                    .noise = noise,
                                    .extra = extra};
    if (net->kind->wants_seen)
        batch->seen = seen;
    batch->own = seen; // two parts of one block
    batch->around = seen + n * r->n_own;
    batch->n = n;
    return ET_OK;
}

struct filling {
    const struct et__lessons *l;
    const struct et__net *net;
    const struct et__net_batch *batch;
    uint64_t key;
    size_t n, first, last; // of the batch; of them, those that are filled
    bool is_look;
};

/* What is written of a batch: its makers' own. */
static float *own(const float *p)
{
    return (float *)(uintptr_t)p;
}

static void fill_seen(const struct filling *f, size_t b, size_t row, uint64_t key)
{
    const struct et__lessons *l = f->l;
    const struct et__recipe *r = &l->recipe;
    const float *from = l->seen + row * r->n_in;
    float *to =
        f->batch->seen ? own(f->batch->seen) + b * r->n_in : own(f->batch->own) + b * r->n_own;
    memcpy(to, from, r->n_own * sizeof *to);
    if (r->knows_phase && !f->is_look)
        to[r->time_at] += (float)(l->settings.time_noise_s * et_random_normal(key, 1)) *
                          l->normal[l->robot_of[row]].in_scale[r->time_at];
    to = f->batch->seen ? to + r->n_own : own(f->batch->around) + b * r->n_around;
    memcpy(to, from + r->n_own, r->n_around * sizeof *to);
}

/* The used row that sample b begins at. */
static size_t row_of(const struct filling *f, size_t b)
{
    const struct et__lessons *l = f->l;
    const uint64_t key = et_random_key(f->key, b);
    return f->is_look ? l->look[et_random_below(key, 0, l->n_look)]
                      : l->train[et_random_below(key, 0, l->n_train)];
}

/* Which steps of sample b are padding: the n_padding last. */
static void hide(const struct filling *f, size_t b, size_t n_padding)
{
    const size_t n = et__net_n_hidden(f->net);
    uint8_t *hidden = (uint8_t *)(uintptr_t)f->batch->hidden + b * n;
    memset(hidden, 0, n - n_padding);
    memset(hidden + n - n_padding, 1, n_padding);
}

/* The chunk that shall be given, and how much each of its steps counts. */
static void fill_target(const struct filling *f, size_t b, size_t row)
{
    const struct et__lessons *l = f->l;
    const size_t n_out = l->recipe.n_out, n_steps = f->net->shape.n_steps;
    const struct et__normal *normal = &l->normal[l->robot_of[row]];
    const float *mean = normal->out_mean, *deviation = normal->out_deviation;
    const size_t n_left = (f->l->last[row] - row) / f->l->stride; // in the episode
    const size_t n_real = f->net->kind->skips_padding && n_left < n_steps ? n_left : n_steps;
    const float weight = f->l->weights ? f->l->weights[row] : 1;
    if (et__net_n_hidden(f->net) > 0)
        hide(f, b, n_steps - n_real);
    for (size_t k = 0; k < n_steps; k++) {
        const size_t at = b * n_steps + k;
        float *target = own(f->batch->targets) + at * n_out;
        et__lessons_goal(l, row, k, target);
        for (size_t i = 0; f->batch->mask && i < n_out; i++)
            own(f->batch->mask)[at * n_out + i] = isnan(target[i]) ? 0.0F : 1.0F;
        for (size_t i = 0; i < n_out; i++)
            target[i] = isnan(target[i]) ? 0 : (target[i] - mean[i]) / deviation[i];
        own(f->batch->weights)[at] =
            k < n_real ? (float)((double)weight / ((double)f->n * (double)(n_steps * n_out))) : 0;
    }
}

static void fill_sample(const struct filling *f, size_t b)
{
    const struct et__net *net = f->net;
    const size_t n_out = f->l->recipe.n_out, n_steps = net->shape.n_steps, row = row_of(f, b);
    const uint64_t key = et_random_key(f->key, b);
    fill_seen(f, b, row, key);
    fill_target(f, b, row);
    const size_t n_noise = net->kind->n_noise(&net->shape, &net->settings);
    float *noise = own(f->batch->noise) + b * n_noise;
    for (size_t i = 0; i < n_noise; i++)
        noise[i] = (float)et_random_normal(key, 16 + i);
    if (net->kind->prepare)
        net->kind->prepare(&net->shape, et_random_uniform(key, 2), noise,
                           own(f->batch->targets) + b * n_steps * n_out,
                           own(f->batch->extra) + b * net->kind->n_extra);
}

static enum et_status fill_part(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    const struct filling *f = ctx;
    (void)worker, (void)err;
    const size_t n = f->last - f->first;
    for (size_t b = n * i / FILL_TASKS; b < n * (i + 1) / FILL_TASKS; b++)
        fill_sample(f, f->first + b);
    return ET_OK;
}

static enum et_status fill_pictures(struct et__lessons *l, const struct filling *f, int64_t step,
                                    struct et__net_batch *batch, struct et_err *err)
{
    const struct et__recipe_pictures *p = &l->recipe.pictures;
    const size_t n = f->last - f->first;
    const size_t n_values = 3 * (size_t)p->seen_width_px * (size_t)p->seen_height_px;
    struct et_batch loaded;
    for (size_t b = 0; b < n; b++)
        l->samples[b] = l->rows[row_of(f, f->first + b)];
    const enum et_status st = et_loader_get(l->pictures, l->samples, n, step, &loaded, err);
    for (size_t i = 0; st == ET_OK && i < p->n_cameras; i++) // sample `first` is the first there is
        batch->pictures[i] = (const float *)loaded.columns[i] - f->first * n_values;
    return st;
}

enum et_status et__lessons_fill(struct et__lessons *l, const struct et__net *net,
                                const struct et__lessons_part *part, struct et_pool *pool,
                                struct et__net_batch *batch, size_t *n, struct et_err *err)
{
    const uint64_t seed = (uint64_t)l->settings.seed;
    struct filling f = {.l = l,
                        .net = net,
                        .batch = batch,
                        .key = part->is_look ? et_random_key(seed, ET__FOR_LOOK)
                                             : et_random_key(et_random_key(seed, ET__FOR_ORDER),
                                                             (uint64_t)part->step),
                        .n = batch->n,
                        .first = part->first,
                        .last = part->last,
                        .is_look = part->is_look};
    *n = 0;
    if (part->is_look && l->n_look == 0)
        return ET_OK;
    const struct et_pool_job job = {.n_tasks = FILL_TASKS, .work = fill_part, .ctx = &f};
    enum et_status st = et_pool_run(pool, &job, err);
    if (st == ET_OK && l->pictures && f.last > f.first)
        st = fill_pictures(l, &f, part->is_look ? ET_LOADER_MIDDLE : part->step, batch, err);
    batch->kl_weight = l->settings.kl_weight / (double)f.n;
    *n = f.n;
    return st;
}

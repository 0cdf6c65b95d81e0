/* Shards of batches into gradients, gradients into parameters. */
#include "learn/learn__trainer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS ((size_t)4)
#define PIECE ((size_t)65536) // values that the optimiser takes at a time
#define ALIGN_BYTES ((size_t)64)

static const double PI = 3.14159265358979323846;
static const double RAMP = 10; // an average of few steps looks back at fewer

struct et__trainer {
    struct et__trainer_options options;
    struct et__network network;
    struct et_pool *pool;
    size_t n_values, n_pieces, window; // window: shards that may be under way
    struct et__trainer_state state;
    et__real *decay, *grads;    // grads: of the whole batch
    struct et__engine *engines; // of a place in the window
    double *losses, *squares;   // of a shard; of a piece

    // Of what is under way:
    const void *batch;
    size_t n_batch;
    bool is_look;
    double grad_scale, rate, share;
};

static et__real *numbers(size_t n)
{
    et__real *p =
        aligned_alloc(ALIGN_BYTES, (n * sizeof *p + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES);
    if (p)
        memset(p, 0, n * sizeof *p);
    return p;
}

static bool open_engines(struct et__trainer *t, const void *batch)
{
    struct et__engine measure = et__engine_measure(true);
    const size_t n_shards = t->options.n_shards;
    (void)t->network.step(t->network.model, &measure, batch, 0,
                          (t->options.batch + n_shards - 1) / n_shards);
    const size_t n_space = et__engine_measured(&measure);
    for (size_t i = 0; i < t->window; i++) {
        t->engines[i] = (struct et__engine){.kernels = &et__kernels_cpu,
                                            .params = t->state.values,
                                            .grads = numbers(t->n_values),
                                            .base = numbers(n_space),
                                            .cap = n_space};
        if (!t->engines[i].grads || !t->engines[i].base)
            return false;
    }
    return true;
}

static bool open_buffers(struct et__trainer *t, const void *batch)
{
    struct et__trainer_state *s = &t->state;
    s->values = numbers(t->n_values);
    s->first = numbers(t->n_values);
    s->second = numbers(t->n_values);
    s->average = t->options.average > 0 ? numbers(t->n_values) : NULL;
    t->decay = numbers(t->n_values);
    t->grads = numbers(t->n_values);
    t->engines = calloc(t->window, sizeof *t->engines);
    t->losses = calloc(t->options.n_shards, sizeof *t->losses);
    t->squares = calloc(t->n_pieces, sizeof *t->squares);
    return s->values && s->first && s->second && (s->average || t->options.average <= 0) &&
           t->decay && t->grads && t->engines && t->losses && t->squares && open_engines(t, batch);
}

enum et_status et__trainer_open(struct et__trainer **trainer, const struct et__network *network,
                                const struct et__params *params,
                                const struct et__trainer_options *options, struct et_pool *pool,
                                const void *batch, struct et_err *err)
{
    *trainer = NULL;
    struct et__trainer *t = calloc(1, sizeof *t);
    if (!t)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a trainer");
    t->options = *options;
    t->options.n_shards = options->n_shards ? options->n_shards : SHARDS;
    t->options.beta1 = options->beta1 > 0 ? options->beta1 : 0.9;
    t->options.beta2 = options->beta2 > 0 ? options->beta2 : 0.999;
    t->options.epsilon = options->epsilon > 0 ? options->epsilon : 1e-8;
    t->network = *network;
    t->pool = pool;
    t->n_values = params->n_values;
    t->n_pieces = (params->n_values + PIECE - 1) / PIECE;
    t->window = (pool ? et_pool_threads(pool) : 0) + 1;
    t->window = t->window < t->options.n_shards ? t->window : t->options.n_shards;
    if (!open_buffers(t, batch)) {
        et__trainer_close(t);
        return et_fail(err, ET_ENOMEM, -1, "no memory to train %zu parameters", params->n_values);
    }
    et__params_decay(params, t->decay);
    *trainer = t;
    return ET_OK;
}

void et__trainer_close(struct et__trainer *t)
{
    if (!t)
        return;
    for (size_t i = 0; t->engines && i < t->window; i++) {
        free(t->engines[i].grads);
        free(t->engines[i].base);
    }
    free(t->engines);
    free(t->state.values);
    free(t->state.first);
    free(t->state.second);
    free(t->state.average);
    free(t->decay);
    free(t->grads);
    free(t->losses);
    free(t->squares);
    free(t);
}

struct et__trainer_state *et__trainer_state(struct et__trainer *t)
{
    return &t->state;
}

const et__real *et__trainer_best(const struct et__trainer *t)
{
    return t->state.average && t->state.step > 0 ? t->state.average : t->state.values;
}

double et__trainer_rate(const struct et__trainer_options *o, int64_t step)
{
    if (step < o->n_warmup)
        return o->rate * (double)(step + 1) / (double)o->n_warmup;
    const int64_t n = o->n_steps - o->n_warmup;
    const double share = n > 0 ? fmin(1, (double)(step - o->n_warmup) / (double)n) : 1;
    return o->rate * (o->final_share + (1 - o->final_share) * 0.5 * (1 + cos(PI * share)));
}

/* ---- gradients ---- */

static enum et_status work_shard(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    (void)worker, (void)err;
    struct et__trainer *t = ctx;
    struct et__engine *e = &t->engines[i % t->window];
    const size_t first = t->n_batch * i / t->options.n_shards;
    const size_t end = t->n_batch * (i + 1) / t->options.n_shards;
    struct et__engine looking = *e;
    looking.grads = NULL;
    looking.params = et__trainer_best(t);
    if (!t->is_look)
        memset(e->grads, 0, t->n_values * sizeof *e->grads);
    t->losses[i] = end > first ? t->network.step(t->network.model, t->is_look ? &looking : e,
                                                 t->batch, first, end - first)
                               : 0;
    return ET_OK;
}

// The shards' gradients are added in their order, as they come in.
static enum et_status take_shard(void *ctx, size_t i, struct et_err *err)
{
    (void)err;
    struct et__trainer *t = ctx;
    const struct et__engine *e = &t->engines[i % t->window];
    if (t->is_look)
        return ET_OK;
    if (i == 0)
        memcpy(t->grads, e->grads, t->n_values * sizeof *t->grads);
    else
        e->kernels->add_rows(
            e->device, &(struct et__rows){
                           .to = t->grads, .from = e->grads, .n_rows = 1, .width = t->n_values});
    return ET_OK;
}

static double losses_of(struct et__trainer *t, const void *batch, size_t n, struct et_err *err,
                        enum et_status *st)
{
    assert(n > 0 && n <= t->options.batch);
    t->batch = batch;
    t->n_batch = n;
    const struct et_pool_job job = {.n_tasks = t->options.n_shards,
                                    .window = t->window,
                                    .work = work_shard,
                                    .take = take_shard,
                                    .ctx = t};
    *st = et_pool_run(t->pool, &job, err);
    double loss = 0;
    for (size_t i = 0; i < t->options.n_shards; i++)
        loss += t->losses[i];
    return loss;
}

/* ---- parameters ---- */

static size_t piece_of(const struct et__trainer *t, size_t i)
{
    const size_t left = t->n_values - i * PIECE;
    return left < PIECE ? left : PIECE;
}

static enum et_status work_squares(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    (void)worker, (void)err;
    struct et__trainer *t = ctx;
    t->squares[i] = et__kernels_cpu.sum_squares(NULL, t->grads + i * PIECE, piece_of(t, i));
    return ET_OK;
}

static enum et_status work_values(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    (void)worker, (void)err;
    struct et__trainer *t = ctx;
    struct et__trainer_state *s = &t->state;
    const size_t at = i * PIECE, n = piece_of(t, i);
    et__kernels_cpu.adamw(NULL, &(struct et__adamw){.values = s->values + at,
                                                    .first = s->first + at,
                                                    .second = s->second + at,
                                                    .grads = t->grads + at,
                                                    .decay = t->decay + at,
                                                    .n = n,
                                                    .step = s->step + 1,
                                                    .rate = t->rate,
                                                    .beta1 = t->options.beta1,
                                                    .beta2 = t->options.beta2,
                                                    .epsilon = t->options.epsilon,
                                                    .weight_decay = t->options.weight_decay,
                                                    .grad_scale = t->grad_scale});
    if (s->average)
        et__kernels_cpu.blend(NULL, s->average + at, s->values + at, t->share, n);
    return ET_OK;
}

static enum et_status each_piece(struct et__trainer *t,
                                 enum et_status (*work)(void *, size_t, unsigned, struct et_err *),
                                 struct et_err *err)
{
    return et_pool_run(t->pool,
                       &(struct et_pool_job){.n_tasks = t->n_pieces, .work = work, .ctx = t}, err);
}

enum et_status et__trainer_step(struct et__trainer *t, const void *batch, size_t n,
                                struct et__trained *trained, struct et_err *err)
{
    enum et_status st;
    t->is_look = false;
    *trained = (struct et__trained){.rate = et__trainer_rate(&t->options, t->state.step)};
    trained->loss = losses_of(t, batch, n, err, &st);
    if (st == ET_OK)
        st = each_piece(t, work_squares, err);
    if (st != ET_OK)
        return st;
    double squares = 0;
    for (size_t i = 0; i < t->n_pieces; i++)
        squares += t->squares[i];
    trained->grad_norm = sqrt(squares);
    if (!isfinite(trained->loss) || !isfinite(trained->grad_norm))
        return et_fail(err, ET_ECORRUPT, -1, "step %lld: the %s is no number; a lower rate helps",
                       (long long)t->state.step + 1, isfinite(trained->loss) ? "gradient" : "loss");
    const double clip = t->options.clip, k = (double)t->state.step;
    t->grad_scale = clip > 0 && trained->grad_norm > clip ? clip / trained->grad_norm : 1;
    t->rate = trained->rate;
    t->share = 1 - fmin(t->options.average, (1 + k) / (RAMP + k));
    if (t->state.average && t->state.step == 0)
        memcpy(t->state.average, t->state.values, t->n_values * sizeof *t->state.average);
    st = each_piece(t, work_values, err);
    t->state.step += st == ET_OK;
    return st;
}

enum et_status et__trainer_look(struct et__trainer *t, const void *batch, size_t n, double *loss,
                                struct et_err *err)
{
    enum et_status st;
    t->is_look = true;
    *loss = losses_of(t, batch, n, err, &st);
    return st;
}

/* Shards of batches into gradients, gradients into parameters. */
#include "learn/learn__trainer.h"

#include "etude/random.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS ((size_t)4)
#define PIECE ((size_t)65536) // values that the optimiser takes at a time
#define ALIGN_BYTES ((size_t)64)

static const double PI = 3.14159265358979323846;
static const uint64_t DROPS = 0x64726f7073; // a purpose: et_random_key
static const double RAMP = 10;              // an average of few steps looks back at fewer

struct et__trainer {
    struct et__trainer_options options;
    struct et__network network;
    struct et_pool *pool;
    const struct et__kernels *kernels;
    void *device;
    size_t n_values, piece, n_pieces, window; // window: shards that may be under way
    size_t first_shard, last_shard;           // of this process
    struct et__trainer_state state;
    struct et__trainer_state own; // where the device has it; without one, the state's
    et__real *decay, *grads;      // grads: of the whole batch
    et__real *grads_here;         // the device's, when others' are added
    struct et__engine *engines;   // of a place in the window
    double *losses, *squares;     // of a shard; of a piece

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

/* The same, where the kernels work. */
static et__real *own_numbers(const struct et__trainer *t, size_t n)
{
    if (!t->kernels->memory)
        return numbers(n);
    et__real *p = t->kernels->memory->take(t->device, n * sizeof *p);
    if (p)
        t->kernels->clear(t->device, p, n);
    return p;
}

static void free_own(const struct et__trainer *t, et__real *p)
{
    if (t->kernels->memory)
        t->kernels->memory->give_back(t->device, p);
    else
        free(p);
}

static unsigned drop_share(const struct et__trainer *t)
{
    return (unsigned)(t->options.dropout * ET__CHANCE_ONE);
}

static bool open_engines(struct et__trainer *t, const void *batch)
{
    struct et__engine measure = et__engine_measure(true);
    const size_t n_shards = t->options.n_shards;
    measure.drops.share = drop_share(t);
    measure.drops.n_samples = (t->options.batch + n_shards - 1) / n_shards;
    (void)t->network.step(t->network.model, &measure, batch, 0,
                          (t->options.batch + n_shards - 1) / n_shards);
    const size_t n_space = et__engine_measured(&measure);
    for (size_t i = 0; i < t->window; i++) {
        t->engines[i] = (struct et__engine){.kernels = t->kernels,
                                            .device = t->device,
                                            .params = t->own.values,
                                            .grads = own_numbers(t, t->n_values),
                                            .base = own_numbers(t, n_space),
                                            .cap = n_space};
        if (!t->engines[i].grads || !t->engines[i].base)
            return false;
    }
    return true;
}

static bool open_state(struct et__trainer *t, struct et__trainer_state *s,
                       et__real *(*make)(const struct et__trainer *t, size_t n))
{
    const bool has_average = t->options.average > 0;
    s->values = make(t, t->n_values);
    s->first = make(t, t->n_values);
    s->second = make(t, t->n_values);
    s->average = has_average ? make(t, t->n_values) : NULL;
    return s->values && s->first && s->second && (s->average || !has_average);
}

static et__real *numbers_here(const struct et__trainer *t, size_t n)
{
    (void)t;
    return numbers(n);
}

static bool open_buffers(struct et__trainer *t, const void *batch)
{
    bool is_open = open_state(t, &t->state, numbers_here);
    if (t->kernels->memory) {
        is_open = is_open && open_state(t, &t->own, own_numbers);
        t->grads_here = t->options.comm ? numbers(t->n_values) : NULL;
        is_open = is_open && (t->grads_here || !t->options.comm);
    } else {
        t->own = t->state;
    }
    t->decay = own_numbers(t, t->n_values);
    t->grads = own_numbers(t, t->n_values);
    t->engines = calloc(t->window, sizeof *t->engines);
    t->losses = calloc(t->options.n_shards, sizeof *t->losses);
    t->squares = calloc(t->n_pieces, sizeof *t->squares);
    return is_open && t->decay && t->grads && t->engines && t->losses && t->squares &&
           open_engines(t, batch);
}

/* Which values decay, to where the kernels work. */
static bool put_decay(struct et__trainer *t, const struct et__params *params)
{
    et__real *decay = t->kernels->memory ? numbers(t->n_values) : t->decay;
    if (!decay)
        return false;
    et__params_decay(params, decay);
    if (t->kernels->memory) {
        t->kernels->memory->send(t->device, t->decay, decay, t->n_values * sizeof *decay);
        free(decay);
    }
    return true;
}

/* What is said of a training, with what nobody said. */
static void take_options(struct et__trainer *t, const struct et__trainer_options *options)
{
    const size_t n_processes = (size_t)et_comm_size(options->comm);
    const size_t rank = (size_t)et_comm_rank(options->comm);
    struct et__trainer_options *o = &t->options;
    *o = *options;
    t->kernels = options->kernels ? options->kernels : &et__kernels_cpu;
    t->device = options->device;
    o->n_shards = options->n_shards ? options->n_shards : t->kernels->memory ? 1 : SHARDS;
    o->n_shards = o->n_shards < n_processes ? n_processes : o->n_shards;
    o->beta1 = options->beta1 > 0 ? options->beta1 : 0.9;
    o->beta2 = options->beta2 > 0 ? options->beta2 : 0.999;
    o->epsilon = options->epsilon > 0 ? options->epsilon : 1e-8;
    t->first_shard = o->n_shards * rank / n_processes;
    t->last_shard = o->n_shards * (rank + 1) / n_processes;
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
    take_options(t, options);
    t->network = *network;
    t->pool = t->kernels->memory ? NULL : pool; // a device belongs to one thread
    t->n_values = params->n_values;
    t->piece = t->kernels->memory ? params->n_values : PIECE;
    t->n_pieces = (params->n_values + t->piece - 1) / t->piece;
    t->window = (t->pool ? et_pool_threads(t->pool) : 0) + 1;
    t->window = t->window < t->options.n_shards ? t->window : t->options.n_shards;
    t->window = t->kernels->memory ? 1 : t->window;
    if (!open_buffers(t, batch) || !put_decay(t, params)) {
        const bool has_device = t->kernels->memory;
        et__trainer_close(t);
        return et_fail(err, ET_ENOMEM, -1, "no memory%s to train %zu parameters%s",
                       has_device ? " on the GPU" : "", params->n_values,
                       has_device ? "; a smaller batch takes less" : "");
    }
    *trainer = t;
    return ET_OK;
}

static void free_here(const struct et__trainer *t, et__real *p)
{
    (void)t;
    free(p);
}

static void free_state(const struct et__trainer *t, const struct et__trainer_state *s,
                       void (*give)(const struct et__trainer *t, et__real *p))
{
    give(t, s->values);
    give(t, s->first);
    give(t, s->second);
    give(t, s->average);
}

void et__trainer_close(struct et__trainer *t)
{
    if (!t)
        return;
    for (size_t i = 0; t->engines && i < t->window; i++) {
        free_own(t, t->engines[i].grads);
        free_own(t, t->engines[i].base);
    }
    free(t->engines);
    if (t->kernels->memory)
        free_state(t, &t->own, free_own);
    free_state(t, &t->state, free_here);
    free_own(t, t->decay);
    free_own(t, t->grads);
    free(t->grads_here);
    free(t->losses);
    free(t->squares);
    free(t);
}

size_t et__trainer_bytes(const struct et__trainer *t)
{
    const size_t n_buffers = 5 + (t->state.average != NULL) + t->window;
    return (n_buffers * t->n_values + t->window * t->engines[0].cap) * sizeof(et__real);
}

void et__trainer_part(const struct et__trainer *t, size_t n, size_t *first, size_t *last)
{
    *first = n * t->first_shard / t->options.n_shards;
    *last = n * t->last_shard / t->options.n_shards;
}

struct et__trainer_state *et__trainer_state(struct et__trainer *t)
{
    return &t->state;
}

static const et__real *best_of(const struct et__trainer *t, const struct et__trainer_state *s)
{
    return s->average && t->state.step > 0 ? s->average : s->values;
}

const et__real *et__trainer_best(const struct et__trainer *t)
{
    return best_of(t, &t->state);
}

/* ---- a device with a memory of its own ---- */

static enum et_status finish(const struct et__trainer *t, struct et_err *err)
{
    char why[160] = "";
    if (!t->kernels->memory || t->kernels->memory->finish(t->device, why, sizeof why))
        return ET_OK;
    return et_fail(err, ET_EIO, -1, "the GPU failed: %s", why);
}

/* Of all that is kept, `copy` takes it from one side to the other. */
static enum et_status each_kept(struct et__trainer *t,
                                void (*copy)(const struct et__trainer *t, et__real *here,
                                             et__real *there),
                                struct et_err *err)
{
    if (!t->kernels->memory)
        return ET_OK;
    copy(t, t->state.values, t->own.values);
    copy(t, t->state.first, t->own.first);
    copy(t, t->state.second, t->own.second);
    if (t->state.average)
        copy(t, t->state.average, t->own.average);
    return finish(t, err);
}

static void send(const struct et__trainer *t, et__real *here, et__real *there)
{
    t->kernels->memory->send(t->device, there, here, t->n_values * sizeof *here);
}

static void fetch(const struct et__trainer *t, et__real *here, et__real *there)
{
    t->kernels->memory->fetch(t->device, here, there, t->n_values * sizeof *here);
}

enum et_status et__trainer_send(struct et__trainer *t, struct et_err *err)
{
    return each_kept(t, send, err);
}

enum et_status et__trainer_fetch(struct et__trainer *t, struct et_err *err)
{
    return each_kept(t, fetch, err);
}

/* ---- the rate ---- */

double et__trainer_rate(const struct et__trainer_options *o, int64_t step)
{
    if (step < o->n_warmup)
        return o->rate * (double)(step + 1) / (double)o->n_warmup;
    const int64_t n = o->n_steps - o->n_warmup;
    const double share = n > 0 ? fmin(1, (double)(step - o->n_warmup) / (double)n) : 1;
    return o->rate * (o->final_share + (1 - o->final_share) * 0.5 * (1 + cos(PI * share)));
}

/* ---- gradients ---- */

static enum et_status work_shard(void *ctx, size_t i_own, unsigned worker, struct et_err *err)
{
    (void)worker, (void)err;
    struct et__trainer *t = ctx;
    struct et__engine *e = &t->engines[i_own % t->window];
    const size_t i = t->first_shard + i_own;
    const size_t first = t->n_batch * i / t->options.n_shards;
    const size_t end = t->n_batch * (i + 1) / t->options.n_shards;
    e->drops.key = et_random_key(et_random_key(t->options.seed, DROPS), (uint64_t)t->state.step);
    e->drops.first = first;
    e->drops.n_samples = end - first;
    e->drops.share = drop_share(t);
    e->drops.n = 0;
    struct et__engine looking = *e;
    looking.grads = NULL;
    looking.params = best_of(t, &t->own);
    looking.drops.share = 0;
    if (!t->is_look)
        t->kernels->clear(t->device, e->grads, t->n_values);
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
    const struct et__rows all = {
        .to = t->grads, .from = e->grads, .n_rows = 1, .width = t->n_values};
    if (i == 0)
        t->kernels->copy_rows(t->device, &all);
    else
        t->kernels->add_rows(t->device, &all);
    return ET_OK;
}

/* What all processes found. */
static enum et_status sum_grads(struct et__trainer *t, struct et_err *err)
{
    et__real *here = t->grads_here ? t->grads_here : t->grads;
    if (t->grads_here)
        fetch(t, here, t->grads);
    const enum et_status st = et_comm_sum(t->options.comm, here, t->n_values, err);
    if (t->grads_here)
        send(t, here, t->grads);
    return st;
}

static double losses_of(struct et__trainer *t, const void *batch, size_t n, struct et_err *err,
                        enum et_status *st)
{
    assert(n > 0 && n <= t->options.batch);
    t->batch = batch;
    t->n_batch = n;
    const struct et_pool_job job = {.n_tasks = t->last_shard - t->first_shard,
                                    .window = t->window,
                                    .work = work_shard,
                                    .take = take_shard,
                                    .ctx = t};
    *st = et_pool_run(t->pool, &job, err);
    double loss = 0;
    for (size_t i = t->first_shard; i < t->last_shard; i++)
        loss += t->losses[i];
    if (*st == ET_OK && t->kernels->memory) {
        *st = finish(t, err);
        if (et_comm_any(t->options.comm, *st != ET_OK) && *st == ET_OK)
            *st = et_fail(err, ET_EIO, -1, "another process of the training has failed");
    }
    if (*st == ET_OK)
        *st = et_comm_sum_real(t->options.comm, &loss, 1, err);
    if (*st == ET_OK && !t->is_look)
        *st = sum_grads(t, err);
    return loss;
}

/* ---- parameters ---- */

static size_t piece_of(const struct et__trainer *t, size_t i)
{
    const size_t left = t->n_values - i * t->piece;
    return left < t->piece ? left : t->piece;
}

static enum et_status work_squares(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    (void)worker, (void)err;
    struct et__trainer *t = ctx;
    t->squares[i] = t->kernels->sum_squares(t->device, t->grads + i * t->piece, piece_of(t, i));
    return ET_OK;
}

static enum et_status work_values(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    (void)worker, (void)err;
    struct et__trainer *t = ctx;
    const struct et__trainer_state *s = &t->own;
    const size_t at = i * t->piece, n = piece_of(t, i);
    t->kernels->adamw(t->device, &(struct et__adamw){.values = s->values + at,
                                                     .first = s->first + at,
                                                     .second = s->second + at,
                                                     .grads = t->grads + at,
                                                     .decay = t->decay + at,
                                                     .n = n,
                                                     .step = t->state.step + 1,
                                                     .rate = t->rate,
                                                     .beta1 = t->options.beta1,
                                                     .beta2 = t->options.beta2,
                                                     .epsilon = t->options.epsilon,
                                                     .weight_decay = t->options.weight_decay,
                                                     .grad_scale = t->grad_scale});
    if (s->average)
        t->kernels->blend(t->device, s->average + at, s->values + at, t->share, n);
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
    if (st == ET_OK)
        st = finish(t, err); // a device that failed has no number, either
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
        t->kernels->copy_rows(t->device, &(struct et__rows){.to = t->own.average,
                                                            .from = t->own.values,
                                                            .n_rows = 1,
                                                            .width = t->n_values});
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

/* A training: lessons, a network and its trainer, kept together. */
#include "etude/train.h"

#include "learn/learn__batch.h"
#include "learn/learn__blas.h"
#include "learn/learn__checkpoint.h"
#include "learn/learn__cuda.h"
#include "learn/learn__onednn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)16 << 30)
#define RATE_HZ 25.0 // of actions

struct et_train {
    struct et_arena *arena;
    struct et__lessons *lessons;
    struct et__net net;
    struct et__trainer *trainer;
    struct et__net_batch batch;
    struct et__cuda cuda;       // zeroed where a processor trains, and so are those below
    struct et__sent_batch sent; // the batch, for a GPU
    bool has_shared;            // the network's constants
    struct et__saved saved;
    struct et_pool *pool;
    struct et_comm *comm;
    struct et_train_facts facts;
    const char *robots[ET__RECIPE_ROBOTS_MAX];
    struct et_train_state state;
};

static double step(const void *model, struct et__engine *e, const void *batch, size_t first,
                   size_t n)
{
    const struct et__net *net = model;
    return net->kind->step(net->model, e, batch, first, n);
}

static enum et_status make_net(struct et_train *t, const struct et_train_settings *settings,
                               struct et_err *err)
{
    const struct et__recipe *r = et__lessons_facts(t->lessons)->recipe;
    const struct et__net_shape shape = {.n_own = r->n_own,
                                        .n_around = r->n_around,
                                        .n_out = r->n_out,
                                        .n_steps = (size_t)settings->chunk,
                                        .n_phases = r->knows_phase ? r->n_phases : 0,
                                        .n_cameras = (int)r->pictures.n_cameras,
                                        .height_px = r->pictures.seen_height_px,
                                        .width_px = r->pictures.seen_width_px};
    return et__net_make(&t->net, &shape, settings, t->arena, err);
}

/* Where it is trained. */
static enum et_status open_device(struct et_train *t, const char *device, struct et_err *err)
{
    if (!device || strcmp(device, "cpu") == 0)
        return et__blas_open(err);
    if (strcmp(device, "cuda") == 0)
        return et__cuda_open(&t->cuda, et_comm_rank(t->comm), err);
    return et_fail(err, ET_EARG, -1, "nothing is trained on \"%.40s\", only on cpu and cuda",
                   device);
}

/* What a GPU sees of the program's: the batch as a copy, the network's constants as they are. */
static enum et_status show(struct et_train *t, struct et_err *err)
{
    const struct et__device_memory *memory = t->cuda.kernels ? t->cuda.kernels->memory : NULL;
    if (!memory)
        return ET_OK;
    void *constants = (void *)(uintptr_t)t->net.constants;
    t->has_shared = t->net.n_constants > 0 &&
                    memory->share(t->cuda.device, constants, t->net.n_constants * sizeof(et__real));
    if (t->net.n_constants > 0 && !t->has_shared)
        return et_fail(err, ET_EUNSUPPORTED, -1, "the GPU does not see the program's memory");
    return et__sent_batch_open(&t->sent, &t->net, t->cuda.kernels, t->cuda.device, &t->batch, err);
}

/* The batch as the network takes it. */
static const struct et__net_batch *batch_of(const struct et_train *t)
{
    return t->cuda.device ? &t->sent.batch : &t->batch;
}

static enum et_status make_trainer(struct et_train *t, struct et_err *err)
{
    const struct et_train_settings *s = &t->net.settings;
    const struct et__trainer_options options = {.batch = (size_t)s->batch,
                                                .n_steps = s->steps,
                                                .rate = s->rate,
                                                .final_share = s->final_share,
                                                .n_warmup = s->warmup,
                                                .weight_decay = s->weight_decay,
                                                .clip = s->clip,
                                                .average = s->average,
                                                .dropout = s->dropout,
                                                .seed = (uint64_t)s->seed,
                                                .comm = t->comm,
                                                .kernels = t->cuda.kernels ? t->cuda.kernels
                                                                           : et__onednn_kernels(),
                                                .device = t->cuda.device};
    enum et_status st =
        et__lessons_batch(t->lessons, &t->net, (size_t)s->batch, t->arena, &t->batch, err);
    if (st == ET_OK)
        st = show(t, err);
    if (st == ET_OK)
        st = et__trainer_open(&t->trainer, &(struct et__network){.model = &t->net, .step = step},
                              &t->net.params, &options, t->pool, batch_of(t), err);
    if (st != ET_OK)
        return st;
    et__params_begin(&t->net.params, et__trainer_state(t->trainer)->values, (uint64_t)s->seed);
    return et__trainer_send(t->trainer, err);
}

static void describe(struct et_train *t)
{
    const struct et__lessons_facts *l = et__lessons_facts(t->lessons);
    t->facts = (struct et_train_facts){.n_episodes = l->n_episodes,
                                       .n_rows = l->n_rows,
                                       .n_used = l->n_used,
                                       .n_validation = l->n_validation,
                                       .settings = &t->net.settings,
                                       .dataset = l->dataset,
                                       .robots = t->robots,
                                       .n_robots = l->recipe->n_robots,
                                       .n_cameras = l->recipe->pictures.n_cameras,
                                       .n_in = l->recipe->n_in,
                                       .n_out = l->recipe->n_out,
                                       .memory_bytes = l->memory_bytes + et_arena_used(t->arena) +
                                                       et__trainer_bytes(t->trainer),
                                       .device = t->cuda.device ? t->cuda.name : NULL,
                                       .remarks = l->remarks,
                                       .n_remarks = l->n_remarks};
    for (size_t i = 0; i < l->recipe->n_robots; i++)
        t->robots[i] = l->recipe->robots[i].id;
    for (size_t i = 0; i < t->net.params.n_items; i++)
        t->facts.n_parameters += (int64_t)t->net.params.items[i].n;
    t->saved = (struct et__saved){.recipe = *l->recipe,
                                  .settings = t->net.settings,
                                  .dataset = l->dataset,
                                  .tasks = l->tasks,
                                  .n_tasks = l->n_tasks};
    for (size_t i = 0; i == 0 || i < l->recipe->n_robots; i++)
        t->saved.normal[i] = l->normal[i];
}

/* What divides the dataset's rate and is next to RATE_HZ, as a ratio. */
static double choose_rate(double fps)
{
    double best = fps;
    for (int n = 2; n < 1000 && fps / (n - 1) > RATE_HZ; n++)
        if (fabs(log(fps / n / RATE_HZ)) < fabs(log(best / RATE_HZ)))
            best = fps / n;
    return best;
}

enum et_status et_train_open(struct et_train **train, const struct et_dataset *dataset,
                             const struct et_train_options *options, struct et_err *err)
{
    *train = NULL;
    struct et_train *t = calloc(1, sizeof *t);
    if (!t)
        return et_fail(err, ET_ENOMEM, -1, "no memory to train");
    struct et_train_options with = *options;
    if (!(with.settings.rate_hz > 0))
        with.settings.rate_hz = choose_rate(et_dataset_info(dataset)->fps);
    t->pool = options->pool;
    t->comm = options->comm;
    enum et_status st = open_device(t, options->device, err);
    if (st == ET_OK)
        st = et_arena_open(&t->arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et__lessons_open(&t->lessons, dataset, &with, t->arena, err);
    if (st == ET_OK)
        st = make_net(t, &with.settings, err);
    if (st == ET_OK)
        st = make_trainer(t, err);
    if (st != ET_OK) {
        et_train_close(t);
        return st;
    }
    describe(t);
    *train = t;
    return ET_OK;
}

void et_train_close(struct et_train *t)
{
    if (!t)
        return;
    et__trainer_close(t->trainer);
    et__sent_batch_close(&t->sent);
    if (t->has_shared)
        t->cuda.kernels->memory->unshare(t->cuda.device, (void *)(uintptr_t)t->net.constants);
    et__cuda_close(&t->cuda);
    et__lessons_close(t->lessons);
    et_arena_close(t->arena);
    free(t);
}

const struct et_train_facts *et_train_facts(const struct et_train *t)
{
    return &t->facts;
}

struct et_train_state et_train_state(const struct et_train *t)
{
    return t->state;
}

/* This process's part of a batch; a failure of any is one of all. */
static enum et_status fill(struct et_train *t, int64_t step, bool is_look, size_t *n,
                           struct et_err *err)
{
    struct et__lessons_part part = {.step = step, .is_look = is_look};
    et__trainer_part(t->trainer, t->batch.n, &part.first, &part.last);
    const enum et_status st =
        et__lessons_fill(t->lessons, &t->net, &part, t->pool, &t->batch, n, err);
    if (st == ET_OK && t->cuda.device && *n > 0)
        et__batch_send(&t->sent, &t->batch, part.first, part.last);
    if (et_comm_any(t->comm, st != ET_OK) && st == ET_OK)
        return et_fail(err, ET_EIO, -1, "another process of the training has failed");
    return st;
}

enum et_status et_train_step(struct et_train *t, struct et_err *err)
{
    struct et__trained trained;
    const int64_t now = et__trainer_state(t->trainer)->step;
    size_t n;
    enum et_status st = fill(t, now, false, &n, err);
    if (st == ET_OK)
        st = et__trainer_step(t->trainer, batch_of(t), n, &trained, err);
    if (st != ET_OK)
        return st;
    t->state = (struct et_train_state){.step = now + 1,
                                       .loss = trained.loss,
                                       .grad_norm = trained.grad_norm,
                                       .rate = trained.rate,
                                       .is_finished = now + 1 >= t->net.settings.steps};
    return ET_OK;
}

enum et_status et_train_look(struct et_train *t, double *loss, struct et_err *err)
{
    *loss = (double)NAN;
    size_t n;
    const enum et_status st = fill(t, 0, true, &n, err);
    return st == ET_OK && n > 0 ? et__trainer_look(t->trainer, batch_of(t), n, loss, err) : st;
}

static struct et__checkpoint checkpoint_of(struct et_train *t)
{
    t->saved.step = et__trainer_state(t->trainer)->step;
    return (struct et__checkpoint){.saved = &t->saved,
                                   .net = &t->net,
                                   .trainer = t->trainer,
                                   .data_hash = et__lessons_facts(t->lessons)->hash};
}

enum et_status et_train_save(struct et_train *t, const char *folder, struct et_err *err)
{
    const struct et__checkpoint checkpoint = checkpoint_of(t);
    return et__checkpoint_write(folder, &checkpoint, t->arena, err);
}

enum et_status et_train_resume(struct et_train *t, const char *folder, struct et_err *err)
{
    const struct et__checkpoint checkpoint = checkpoint_of(t);
    const enum et_status st = et__checkpoint_read(folder, &checkpoint, t->arena, err);
    const int64_t now = et__trainer_state(t->trainer)->step;
    if (st == ET_OK)
        t->state =
            (struct et_train_state){.step = now, .is_finished = now >= t->net.settings.steps};
    return st;
}

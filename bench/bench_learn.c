/* How fast networks learn and act, against the rate at which the same machine multiplies matrices.
 *
 * The transformer has 4 + 4 layers of 256 wide and 1,024 between, 8 heads, 64 tokens and a chunk of
 * 64, 64 samples a step. Its operations are counted as matrix products alone, three times those of
 * a forward pass. Eyes see two cameras of 96 × 96, in parts of 16 samples as a trainer's shards
 * are; their operations are those of their convolutions. */
#include "bench.h"

#include "learn/learn__act.h"
#include "learn/learn__eye.h"
#include "learn/learn__mlp.h"
#include "learn/learn__net.h"
#include "learn/learn__onednn.h"
#include "learn/learn__trainer.h"

#include "etude/random.h"

#include <time.h>

#define BATCH 64
#define SQUARE 2048
#define ACTS 200
#define PART ((size_t)16)

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double wall_s(void)
{
    return (double)et_clock_monotonic_ns() / 1e9;
}

static float *numbers(size_t n)
{
    float *p = aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)et_random_normal(1, i);
    return p;
}

// Operations a second of one core, in 10⁹.
static double multiply_rate(const struct et__kernels *kernels)
{
    const size_t n = (size_t)SQUARE * SQUARE;
    float *a = numbers(n), *b = numbers(n), *c = numbers(n);
    double rates[BENCH_RUNS];
    for (size_t i = 0; i < BENCH_RUNS; i++) {
        const double begin = cpu_s();
        kernels->gemm(NULL, &(struct et__gemm){.c = c,
                                               .a = a,
                                               .b = b,
                                               .m = SQUARE,
                                               .n = SQUARE,
                                               .k = SQUARE,
                                               .c_stride = SQUARE,
                                               .a_stride = SQUARE,
                                               .b_stride = SQUARE,
                                               .alpha = 1});
        rates[i] = 2.0 * SQUARE * SQUARE * SQUARE / (cpu_s() - begin) / 1e9;
    }
    free(a);
    free(b);
    free(c);
    return bench_median(rates, BENCH_RUNS);
}

/* ---- ACT ---- */

struct act {
    struct et__act act;
    struct et__act_batch batch;
    struct et__params params;
    struct et_arena *arena;
};

static void open_act(struct act *a, const struct et__act_config *c)
{
    struct et_err err;
    const size_t n = BATCH;
    if (et_arena_open(&a->arena, (size_t)16 << 20, &err) != ET_OK ||
        et__params_open(&a->params, a->arena, 1000, &err) != ET_OK)
        exit(3);
    et__act_add(&a->act, &a->params, c);
    const size_t n_constants = et__act_constants(&a->act, NULL, 1, c->n_tokens);
    (void)et__act_constants(&a->act, numbers(n_constants), 1, c->n_tokens);
    float *weights = numbers(n * (size_t)c->n_steps);
    for (size_t i = 0; i < n * (size_t)c->n_steps; i++)
        weights[i] = 1.0F / (float)(BATCH * c->n_steps * c->n_action);
    a->batch = (struct et__act_batch){
        .state = numbers(n * (size_t)c->n_state),
        .tokens = c->n_tokens ? numbers(n * (size_t)c->n_tokens * (size_t)c->n_channels) : NULL,
        .actions = numbers(n * (size_t)(c->n_steps * c->n_action)),
        .weights = weights};
}

static double act_step(const void *model, struct et__engine *e, const void *batch, size_t first,
                       size_t n)
{
    const struct act *a = model;
    const struct et__act_config *c = &a->act.config;
    (void)batch;
    struct et__act_batch part = a->batch;
    part.n = (int)n;
    part.state += first * (size_t)c->n_state;
    part.tokens += first * (size_t)(c->n_tokens * c->n_channels);
    part.actions += first * (size_t)(c->n_steps * c->n_action);
    part.weights += first * (size_t)c->n_steps;
    return et__act_step(&a->act, e, &part).loss;
}

static double operations(const struct et__act *a)
{
    const struct et__act_config *c = &a->config;
    const double n = BATCH, k = c->n_steps, t = a->n_all, d = c->size.width, f = c->size.n_between;
    const double encoder = n * t * (8 * d * d + 4 * d * f) + 4 * n * t * t * d;
    const double decoder = n * k * (8 * d * d + 4 * d * d + 4 * d * f) + n * t * 4 * d * d +
                           4 * n * k * k * d + 4 * n * k * t * d;
    return 3 * (c->n_encoder * encoder + c->n_decoder * decoder);
}

struct cost {
    double wall_s, cpu_s;
};

// Of a step: the least that several took, since others use the machine, too.
static struct cost step_cost(const struct et__network *network, const struct et__params *params,
                             unsigned n_threads, const void *batch, size_t n_batch)
{
    struct et_err err;
    struct et_pool *pool = NULL;
    struct et__trainer *trainer;
    struct et__trained trained;
    const struct et__trainer_options o = {.batch = n_batch,
                                          .n_shards = 4,
                                          .n_steps = 1000,
                                          .rate = 1e-4,
                                          .weight_decay = 1e-4,
                                          .clip = 10,
                                          .kernels = et__onednn_kernels()};
    if ((n_threads > 1 && et_pool_open(&pool, n_threads, &err) != ET_OK) ||
        et__trainer_open(&trainer, network, params, &o, pool, batch, &err) != ET_OK)
        exit(3);
    et__params_begin(params, et__trainer_state(trainer)->values, 1);
    struct cost least = {1e9, 1e9};
    for (int i = 0; i < 2 * BENCH_RUNS; i++) {
        const double begin = wall_s(), begin_cpu = cpu_s();
        if (et__trainer_step(trainer, batch, n_batch, &trained, &err) != ET_OK)
            exit(3);
        const struct cost cost = {wall_s() - begin, cpu_s() - begin_cpu};
        least.wall_s = cost.wall_s < least.wall_s ? cost.wall_s : least.wall_s;
        least.cpu_s = cost.cpu_s < least.cpu_s ? cost.cpu_s : least.cpu_s;
    }
    et__trainer_close(trainer);
    et_pool_close(pool);
    return least;
}

/* PyTorch's step of the same network, as bench/learn_torch.py has just found it. */
static void bench_torch(struct bench *b, const struct cost *one, const struct cost *two)
{
    const char *path = getenv("ETUDE_BENCH_TORCH");
    FILE *peer = path ? fopen(path, "r") : NULL;
    unsigned n_threads;
    struct cost theirs;
    while (peer && fscanf(peer, "%u %lf %lf", &n_threads, &theirs.cpu_s, &theirs.wall_s) == 3) {
        const bool is_alone = n_threads == 1;
        const double ours = is_alone ? one->cpu_s : two->wall_s;
        const double others = is_alone ? theirs.cpu_s : theirs.wall_s;
        bench_row_of(b, is_alone ? "PyTorch: a step, one thread" : "PyTorch: a step, two threads",
                     others, is_alone ? "CPU s" : "s", "Étude", ours, others / ours, ">= 1.3");
    }
    if (peer)
        (void)fclose(peer);
}

static void bench_transformer(struct bench *b, double rate)
{
    struct act a = {0};
    open_act(&a, &(struct et__act_config){.size = {.width = 256, .n_heads = 8, .n_between = 1024},
                                          .n_encoder = 4,
                                          .n_decoder = 4,
                                          .n_latent = 32,
                                          .n_state = 32,
                                          .n_action = 14,
                                          .n_steps = 64,
                                          .n_tokens = 62,
                                          .n_channels = 32});
    const struct et__network network = {.model = &a, .step = act_step};
    const struct cost one = step_cost(&network, &a.params, 1, &a, BATCH);
    const struct cost two = step_cost(&network, &a.params, 2, &a, BATCH);
    const double n = operations(&a.act) / 1e9;
    bench_row(b, "transformer: a step, one thread", one.cpu_s, "CPU s", NULL, 0, NULL);
    bench_row(b, "transformer: operations a second, one thread", n / one.cpu_s, "1e9/s", "sgemm",
              rate, ">= 0.8");
    bench_row(b, "transformer: a step, two threads", two.wall_s, "s", NULL, 0, NULL);
    bench_row_of(b, "transformer: two threads against one", one.wall_s / two.wall_s, "", "one", 1,
                 one.wall_s / two.wall_s, ">= 1.9");
    bench_torch(b, &one, &two);
    et_arena_close(a.arena);
}

/* ---- plain layers ---- */

#define MLP_BATCH ((size_t)256)

struct plain {
    struct et__mlp mlp;
    float *x, *actions, *weights;
};

static double plain_step(const void *model, struct et__engine *e, const void *batch, size_t first,
                         size_t n)
{
    const struct plain *p = model;
    const size_t n_steps = (size_t)p->mlp.config.n_steps;
    (void)batch;
    return et__mlp_step(
               &p->mlp, e,
               &(struct et__mlp_batch){.n = n,
                                       .x = p->x + first * (size_t)p->mlp.config.n_in,
                                       .actions = p->actions +
                                                  first * n_steps * (size_t)p->mlp.config.n_action,
                                       .weights = p->weights + first * n_steps})
        .loss;
}

static double act_once_s(struct et__engine *e, const struct et__mlp *mlp, const float *x)
{
    const double begin = cpu_s();
    for (int i = 0; i < ACTS; i++)
        (void)et__mlp_step(mlp, e, &(struct et__mlp_batch){.n = 1, .x = x});
    return (cpu_s() - begin) / ACTS;
}

static void bench_plain(struct bench *b, double rate)
{
    struct et_err err;
    struct et_arena *arena;
    struct et__params params;
    struct plain p;
    if (et_arena_open(&arena, (size_t)4 << 20, &err) != ET_OK ||
        et__params_open(&params, arena, 100, &err) != ET_OK)
        exit(3);
    const struct et__mlp_config c = {
        .n_in = 120, .width = 512, .n_layers = 3, .n_action = 45, .n_steps = 25};
    et__mlp_add(&p.mlp, &params, &c);
    const size_t n_rows = MLP_BATCH * 25;
    p.x = numbers(MLP_BATCH * 120);
    p.actions = numbers(n_rows * 45);
    p.weights = numbers(n_rows);
    for (size_t i = 0; i < n_rows; i++)
        p.weights[i] = 1.0F / (float)(n_rows * 45);
    const struct et__network network = {.model = &p, .step = plain_step};
    const struct cost one = step_cost(&network, &params, 1, &p, MLP_BATCH);
    const double n = 3 * 2.0 * MLP_BATCH * (120 * 512 + 2 * 512 * 512 + 512 * 1125) / 1e9;
    bench_row(b, "plain layers, 256 samples: a step", one.cpu_s * 1e3, "CPU ms", NULL, 0, NULL);
    bench_row(b, "plain layers: operations a second", n / one.cpu_s, "1e9/s", "sgemm", rate, NULL);
    struct et__engine e = et__engine_measure(false);
    (void)et__mlp_step(&p.mlp, &e, &(struct et__mlp_batch){.n = 1, .x = p.x});
    const size_t n_space = et__engine_measured(&e);
    e = (struct et__engine){.kernels = &et__kernels_cpu,
                            .params = numbers(params.n_values),
                            .base = numbers(n_space),
                            .cap = n_space};
    double times[BENCH_RUNS];
    for (size_t i = 0; i < BENCH_RUNS; i++)
        times[i] = 1e3 * act_once_s(&e, &p.mlp, p.x);
    bench_row(b, "plain layers: to act once", bench_median(times, BENCH_RUNS), "CPU ms", "limit", 1,
              "<= 1");
    et_arena_close(arena);
}

/* To act once, as et_policy_act does it: from what is seen to a chunk. */
static void bench_to_act(struct bench *b, const char *what,
                         const struct et_train_settings *settings, int n_cameras, double limit_ms)
{
    struct et_err err;
    struct et_arena *arena;
    struct et__net net;
    const struct et__net_shape shape = {.n_own = 60,
                                        .n_around = n_cameras ? 0 : 27,
                                        .n_out = 42,
                                        .n_steps = (size_t)settings->chunk,
                                        .n_cameras = n_cameras,
                                        .height_px = 96,
                                        .width_px = 96};
    if (et_arena_open(&arena, (size_t)256 << 20, &err) != ET_OK ||
        et__net_make(&net, &shape, settings, arena, &err) != ET_OK)
        exit(3);
    struct et__net_view view = {.own = numbers(60),
                                .around = numbers(27),
                                .seen = numbers(87),
                                .noise = numbers(shape.n_steps * shape.n_out)};
    for (int i = 0; i < n_cameras; i++)
        view.pictures[i] = numbers((size_t)3 * 96 * 96);
    struct et__engine e = et__engine_measure(false);
    (void)net.kind->act(net.model, &e, &view);
    const size_t n_space = et__engine_measured(&e), n = net.params.n_values;
    e = (struct et__engine){.kernels = &et__kernels_cpu,
                            .params = numbers(n),
                            .turned = numbers(n),
                            .is_turning = true,
                            .base = numbers(n_space),
                            .cap = n_space};
    (void)net.kind->act(net.model, &e, &view);
    e.is_turning = false;
    double times[BENCH_RUNS];
    for (size_t i = 0; i <= BENCH_RUNS;
         i++) { // the first run is not counted: a robot goes on acting
        const double begin = cpu_s();
        for (int j = 0; j < 20; j++)
            (void)net.kind->act(net.model, &e, &view);
        times[i ? i - 1 : 0] = 1e3 * (cpu_s() - begin) / 20;
    }
    const double ms = bench_median(times, BENCH_RUNS);
    char name[80];
    (void)snprintf(name, sizeof name, "%s: parameters", what);
    bench_row(b, name, (double)n / 1e6, "1e6", NULL, 0, NULL);
    (void)snprintf(name, sizeof name, "%s: to act once", what);
    bench_row(b, name, ms, "CPU ms", limit_ms > 0 ? "limit" : NULL, limit_ms,
              limit_ms > 0 ? "<= 1" : NULL);
    et_arena_close(arena);
}

static void bench_policies(struct bench *b)
{
    static const char *const KINDS[] = {"mlp", "act", "flow"};
    struct et_err err;
    struct et_train_settings s;
    if (et_train_settings("act", &s, &err) != ET_OK)
        exit(3);
    s.width = 256;
    s.heads = 8;
    s.between = 1024;
    s.chunk = 50;
    s.vae_layers = 0; // what only training needs
    bench_to_act(b, "small ACT, two cameras", &s, 2, 10);
    for (size_t i = 0; i < 3; i++) {
        char what[40];
        (void)snprintf(what, sizeof what, "%s as it is by default, state", KINDS[i]);
        if (et_train_settings(KINDS[i], &s, &err) != ET_OK)
            exit(3);
        bench_to_act(b, what, &s, 0, i < 2 ? 1 : 0); // flow: ten passes
    }
}

/* ---- eyes ---- */

// Operations of a convolution, forward; three times that with its way back, but for the first
// layer's, which learns nothing about pictures.
static double conv_operations(const struct et__conv_seen *s)
{
    const struct et__convolution *c = &s->convolution;
    return 2.0 * (double)et__window_places(&c->window) * c->window.side * c->window.side * c->n_in *
           c->n_out;
}

static double eye_operations(const struct et__eye *eye, const struct et__eye_seen *s, bool has_back)
{
    const struct et__conv_seen *first =
        eye->n_layers ? &s->layers[0] : &s->resnet.first; // its input learns nothing
    double n = 0;
    for (int i = 0; i < eye->n_layers; i++)
        n += conv_operations(&s->layers[i]);
    if (eye->config.n_keypoints)
        n += conv_operations(&s->head);
    for (int i = 0; i < ET__RESNET_BLOCKS && !eye->n_layers; i++) {
        const struct et__resnet_block_seen *b = &s->resnet.blocks[i];
        n += conv_operations(&b->first) + conv_operations(&b->second);
        n += eye->resnet.blocks[i].shortcut.n_out ? conv_operations(&b->shortcut) : 0;
    }
    n += eye->n_layers ? 0 : conv_operations(first);
    return has_back ? 3 * n - conv_operations(first) : n;
}

// CPU seconds to look at a batch, and to learn from it where there are gradients: in parts, as a
// trainer's shards are.
static double look_s(struct et__engine *e, const struct et__eye *eye,
                     const struct et__eye_pictures *p, struct et__eye_seen *seen)
{
    const double begin = cpu_s();
    struct et__eye_pictures part = {.n = p->n < PART ? p->n : PART};
    memcpy(part.cameras, p->cameras, sizeof part.cameras);
    for (; part.first < p->n; part.first += part.n) {
        e->used = 0;
        const et__real *rows = et__eye(e, eye, &part, seen);
        if (e->grads)
            et__eye_back(e, eye, rows, seen);
    }
    return cpu_s() - begin;
}

static double median_look_s(struct et__engine *e, const struct et__eye *eye,
                            const struct et__eye_pictures *p, struct et__eye_seen *seen)
{
    double times[BENCH_RUNS];
    (void)look_s(e, eye, p, seen);
    for (size_t i = 0; i < BENCH_RUNS; i++)
        times[i] = look_s(e, eye, p, seen);
    return bench_median(times, BENCH_RUNS);
}

// One eye, on one thread: n samples of 2 pictures. Rows: what it takes, and its operations a
// second; of a step what oneDNN saves.
static void bench_eye(struct bench *b, double rate, const char *name,
                      const struct et__eye_config *config, size_t n)
{
    struct et_err err;
    struct et_arena *arena;
    struct et__params params;
    struct et__eye eye;
    struct et__eye_seen seen;
    if (et_arena_open(&arena, (size_t)1 << 20, &err) != ET_OK ||
        et__params_open(&params, arena, 200, &err) != ET_OK)
        exit(3);
    et__eye_add(&eye, &params, config);
    float *values = numbers(params.n_values), *grads = n > 1 ? numbers(params.n_values) : NULL;
    et__params_begin(&params, values, 1);
    struct et__eye_pictures p = {.n = n};
    for (int i = 0; i < config->n_cameras; i++)
        p.cameras[i] = numbers(n * 3 * (size_t)(config->height * config->width));
    struct et__engine e = et__engine_measure(grads != NULL);
    (void)look_s(&e, &eye, &p, &seen);
    const size_t n_space = et__engine_measured(&e);
    e = (struct et__engine){.kernels = &et__kernels_cpu,
                            .params = values,
                            .grads = grads,
                            .base = numbers(n_space),
                            .cap = n_space};
    const double s = median_look_s(&e, &eye, &p, &seen);
    const double n_operations = eye_operations(&eye, &seen, grads != NULL) * (double)n /
                                (double)(n < PART ? n : PART) / 1e9;
    char row[80];
    (void)snprintf(row, sizeof row, "%s: %s", name, grads ? "a step" : "to look once");
    if (n == 1 && config->kind == ET__EYE_SMALL)
        bench_row(b, row, s * 1e3, "CPU ms", "limit", 3, "<= 1");
    else
        bench_row(b, row, s * 1e3, "CPU ms", NULL, 0, NULL);
    (void)snprintf(row, sizeof row, "%s: operations a second", name);
    bench_row(b, row, n_operations / s, "1e9/s", "sgemm", rate, NULL);
    if (grads && et__onednn_kernels()) {
        e.kernels = et__onednn_kernels();
        (void)snprintf(row, sizeof row, "%s: a step with oneDNN", name);
        bench_row(b, row, median_look_s(&e, &eye, &p, &seen) * 1e3, "CPU ms", "without", s * 1e3,
                  NULL);
    }
    et_arena_close(arena);
}

static void bench_eyes(struct bench *b, double rate)
{
    const struct et__eye_config small = {
        .kind = ET__EYE_SMALL, .n_cameras = 2, .height = 96, .width = 96};
    struct et__eye_config keypoints = small, resnet = small;
    keypoints.n_keypoints = 32;
    resnet.kind = ET__EYE_RESNET18;
    bench_eye(b, rate, "small eye, 64 x 2", &small, 64);
    bench_eye(b, rate, "small eye, 1 x 2", &small, 1);
    bench_eye(b, rate, "keypoints, 64 x 2", &keypoints, 64);
    bench_eye(b, rate, "keypoints, 1 x 2", &keypoints, 1);
    bench_eye(b, rate, "ResNet-18, 4 x 2", &resnet, 4);
    bench_eye(b, rate, "ResNet-18, 1 x 2", &resnet, 1);
}

int main(int argc, char **argv)
{
    struct bench b = bench_open(argc > 1 ? argv[1] : NULL);
    double rate = multiply_rate(&et__kernels_cpu);
    bench_row(&b, "sgemm, 2048 x 2048 x 2048, one thread", rate, "1e9/s", NULL, 0, NULL);
    if (et__onednn_kernels()) { // the faster of both is what training is measured by
        const double other = multiply_rate(et__onednn_kernels());
        bench_row(&b, "sgemm by oneDNN, the same", other, "1e9/s", NULL, 0, NULL);
        rate = other > rate ? other : rate;
    }
    bench_transformer(&b, rate);
    bench_plain(&b, rate);
    bench_policies(&b);
    bench_eyes(&b, rate);
    bench_close(&b);
    return 0;
}

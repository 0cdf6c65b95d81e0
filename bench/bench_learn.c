/* How fast networks learn and act, against the rate at which the same machine multiplies matrices.
 *
 * The transformer has 4 + 4 layers of 256 wide and 1,024 between, 8 heads, 64 tokens and a chunk of
 * 64, 64 samples a step. Its operations are counted as matrix products alone, three times those of
 * a forward pass. */
#include "bench.h"

#include "learn/learn__act.h"
#include "learn/learn__mlp.h"
#include "learn/learn__trainer.h"

#include "etude/random.h"

#include <time.h>

#define BATCH 64
#define SQUARE 2048
#define ACTS 200

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
static double multiply_rate(void)
{
    const size_t n = (size_t)SQUARE * SQUARE;
    float *a = numbers(n), *b = numbers(n), *c = numbers(n);
    double rates[BENCH_RUNS];
    for (size_t i = 0; i < BENCH_RUNS; i++) {
        const double begin = cpu_s();
        et__kernels_cpu.gemm(NULL, &(struct et__gemm){.c = c,
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
                                          .clip = 10};
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

static void bench_small_act(struct bench *b)
{
    struct act a = {0};
    open_act(&a, &(struct et__act_config){.size = {.width = 256, .n_heads = 8, .n_between = 1024},
                                          .n_encoder = 4,
                                          .n_decoder = 1,
                                          .n_latent = 32,
                                          .n_state = 32,
                                          .n_action = 14,
                                          .n_steps = 50,
                                          .n_tokens = 72,
                                          .n_channels = 128});
    struct et__act_batch batch = {.n = 1, .state = a.batch.state, .tokens = a.batch.tokens};
    struct et__engine e = et__engine_measure(false);
    (void)et__act_step(&a.act, &e, &batch);
    const size_t n_space = et__engine_measured(&e);
    e = (struct et__engine){.kernels = &et__kernels_cpu,
                            .params = numbers(a.params.n_values),
                            .base = numbers(n_space),
                            .cap = n_space};
    double times[BENCH_RUNS];
    for (size_t i = 0; i < BENCH_RUNS; i++) {
        const double begin = cpu_s();
        for (int j = 0; j < 20; j++)
            (void)et__act_step(&a.act, &e, &batch);
        times[i] = 1e3 * (cpu_s() - begin) / 20;
    }
    bench_row(b, "small ACT: parameters", (double)a.params.n_values / 1e6, "1e6", NULL, 0, NULL);
    bench_row(b, "small ACT: to act once, without its pictures", bench_median(times, BENCH_RUNS),
              "CPU ms", "limit", 10, "<= 1");
    et_arena_close(a.arena);
}

int main(int argc, char **argv)
{
    struct bench b = bench_open(argc > 1 ? argv[1] : NULL);
    const double rate = multiply_rate();
    bench_row(&b, "sgemm, 2048 x 2048 x 2048, one thread", rate, "1e9/s", NULL, 0, NULL);
    bench_transformer(&b, rate);
    bench_plain(&b, rate);
    bench_small_act(&b);
    bench_close(&b);
    return 0;
}

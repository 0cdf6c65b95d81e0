/* Networks by their table: what each is shown counts, pictures too, and what it learns from them.
 */
#include "learn/learn__net.h"
#include "tap.h"

#include "etude/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    OWN = 5,
    AROUND = 4,
    OUT = 3,
    STEPS = 9,
    SIDE = 40,
    CAMERAS = 2,
    N_PICTURE = 3 * SIDE * SIDE
};

static struct et_err err;
static struct et_arena *arena;
static float own[OWN + AROUND], pictures[CAMERAS][N_PICTURE], noise[STEPS * OUT];

static float *numbers(size_t n, double much, uint64_t seed)
{
    float *p = aligned_alloc(64, (n * sizeof *p + 127) / 64 * 64);
    CHECK(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(much * et_random_normal(seed, i));
    return p;
}

static void make(const char *kind, struct et__net *net)
{
    struct et_train_settings settings;
    const struct et__net_shape shape = {.n_own = OWN,
                                        .n_around = AROUND,
                                        .n_out = OUT,
                                        .n_steps = STEPS,
                                        .n_cameras = CAMERAS,
                                        .height_px = SIDE,
                                        .width_px = SIDE};
    CHECK_OK(et_train_settings(kind, &settings, &err));
    settings.width = 32;
    settings.layers = 2;
    settings.between = 48;
    settings.vae_layers = 1;
    settings.keypoints = 8;
    CHECK_OK(et__net_make(net, &shape, &settings, arena, &err));
}

static struct et__net_view view(void)
{
    struct et__net_view view = {.own = own, .around = own + OWN, .seen = own, .noise = noise};
    for (int i = 0; i < CAMERAS; i++)
        view.pictures[i] = pictures[i];
    return view;
}

/* What the network gives for what stands in own and pictures. */
static void act(const struct et__net *net, struct et__engine *e, float actions[STEPS * OUT])
{
    for (int i = 0; i < STEPS * OUT; i++)
        noise[i] = (float)et_random_normal(5, (uint64_t)i);
    const struct et__net_view now = view();
    memcpy(actions, net->kind->act(net->model, e, &now), STEPS * OUT * sizeof *actions);
}

static double change(const float *a, const float *b)
{
    double most = 0;
    for (int i = 0; i < STEPS * OUT; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

static void begin(void)
{
    for (int i = 0; i < OWN + AROUND; i++)
        own[i] = (float)et_random_normal(1, (uint64_t)i);
    for (int c = 0; c < CAMERAS; c++)
        for (int i = 0; i < N_PICTURE; i++)
            pictures[c][i] = (float)et_random_normal(2, (uint64_t)(c * N_PICTURE + i));
}

static void all_that_is_shown_counts(void)
{
    for (size_t k = 0; et__net_at(k); k++) {
        struct et__net net;
        float before[STEPS * OUT], after[STEPS * OUT];
        make(et__net_at(k)->name, &net);
        begin();
        struct et__engine e = et__engine_measure(false);
        const struct et__net_view now = view();
        (void)net.kind->act(net.model, &e, &now);
        const size_t n_space = et__engine_measured(&e);
        float *params = numbers(net.params.n_values, 0.2, 3), *space = numbers(n_space, 0, 0);
        e = (struct et__engine){
            .kernels = &et__kernels_cpu, .params = params, .base = space, .cap = n_space};
        act(&net, &e, before);
        act(&net, &e, after);
        CHECK(change(before, after) == 0); // the same is the same
        for (int i = 0; i < 2; i++) {
            begin();
            own[i ? OWN + 1 : 1] += 1;
            act(&net, &e, after);
            CHECK(change(before, after) > 1e-5);
        }
        for (int c = 0; c < CAMERAS; c++) {
            begin();
            for (int i = 0; i < N_PICTURE / 3; i++)
                pictures[c][i] += i % SIDE < SIDE / 2 ? 2 : 0;
            act(&net, &e, after);
            CHECK(change(before, after) > 1e-5);
        }
        // Weights that were turned before are the same weights.
        begin();
        e.turned = numbers(net.params.n_values, 0, 0);
        e.is_turning = true;
        act(&net, &e, after);
        size_t n_turned = 0;
        for (size_t i = 0; i < net.params.n_values; i++)
            n_turned += e.turned[i] != 0;
        CHECK(strcmp(net.kind->name, "mlp") == 0 || n_turned > 1000);
        e.is_turning = false;
        act(&net, &e, after);
        CHECK(change(before, after) < 1e-5);
        free(e.turned);
        free(params);
        free(space);
    }
}

enum { N = 3 };

static void make_batch(struct et__net_batch *batch)
{
    float *seen = numbers(N * (OWN + AROUND), 1, 4);
    float *weights = numbers(N * STEPS, 0, 7);
    for (int i = 0; i < N * STEPS; i++)
        weights[i] = 0.05F;
    *batch = (struct et__net_batch){.n = N,
                                    .seen = seen,
                                    .own = seen,
                                    .around = seen + N * OWN,
                                    .targets = numbers(N * STEPS * OUT, 1, 6),
                                    .weights = weights,
                                    .noise = numbers(N * 64, 1, 8),
                                    .extra = numbers(N * 64, 1, 9)};
    for (int c = 0; c < CAMERAS; c++)
        batch->pictures[c] = numbers(N * N_PICTURE, 1, 10 + (uint64_t)c);
}

static void free_batch(struct et__net_batch *batch)
{
    free((float *)(uintptr_t)batch->seen);
    free((float *)(uintptr_t)batch->targets);
    free((float *)(uintptr_t)batch->weights);
    free((float *)(uintptr_t)batch->noise);
    free((float *)(uintptr_t)batch->extra);
    for (int c = 0; c < CAMERAS; c++)
        free((float *)(uintptr_t)batch->pictures[c]);
}

static struct et__engine learner(const struct et__net *net, const struct et__net_batch *batch)
{
    struct et__engine e = et__engine_measure(true);
    (void)net->kind->step(net->model, &e, batch, 0, N);
    const size_t n_space = et__engine_measured(&e);
    return (struct et__engine){.kernels = &et__kernels_cpu,
                               .params = numbers(net->params.n_values, 0.2, 3),
                               .grads = numbers(net->params.n_values, 0, 0),
                               .base = numbers(n_space, 0, 0),
                               .cap = n_space};
}

static void free_learner(struct et__engine *e)
{
    free((float *)(uintptr_t)e->params);
    free(e->grads);
    free(e->base);
}

static void the_eye_learns_with_the_rest(void)
{
    for (size_t k = 0; et__net_at(k); k++) {
        struct et__net net;
        struct et__net_batch batch;
        make(et__net_at(k)->name, &net);
        make_batch(&batch);
        struct et__engine e = learner(&net, &batch);
        CHECK(net.kind->step(net.model, &e, &batch, 0, N) > 0);
        size_t n_eyes = 0;
        for (size_t i = 0; i < net.params.n_items; i++) {
            const struct et__param *p = &net.params.items[i];
            double most = 0;
            for (size_t j = 0; j < p->n; j++)
                most = fmax(most, fabs((double)e.grads[p->at + j]));
            const bool is_eye = strncmp(p->name, "model.backbone", 14) == 0;
            n_eyes += is_eye;
            if (is_eye)
                CHECK(most > 0);
        }
        CHECK(n_eyes > 5);
        free_learner(&e);
        free_batch(&batch);
    }
}

/* Whatever stands in the places of padding: loss and gradients are the same, to the bit. */
static void padding_teaches_nothing(void)
{
    enum { REAL = 4 };
    struct et__net net;
    struct et__net_batch batch;
    make("act", &net);
    make_batch(&batch);
    const size_t n_hidden = et__net_n_hidden(&net), n_values = net.params.n_values;
    CHECK_EQ((long)n_hidden, 2 + STEPS);
    uint8_t *hidden = calloc(N, n_hidden);
    CHECK(hidden);
    struct et__engine e = learner(&net, &batch);
    float *before = numbers(n_values, 0, 0);
    double loss[2];
    for (int is_hidden = 0; is_hidden < 2; is_hidden++) {
        batch.hidden = is_hidden ? hidden : NULL;
        for (int i = 0; i < 2; i++) {
            for (int b = 1; b < N; b++) // the first has none
                for (int s = REAL; s < STEPS; s++) {
                    hidden[(size_t)b * n_hidden + 2 + (size_t)s] = 1;
                    ((float *)(uintptr_t)batch.weights)[b * STEPS + s] = 0;
                    for (int o = 0; o < OUT; o++)
                        ((float *)(uintptr_t)batch.targets)[(b * STEPS + s) * OUT + o] = (float)i;
                }
            memcpy(before, e.grads, n_values * sizeof *before);
            memset(e.grads, 0, n_values * sizeof *e.grads);
            e.used = 0;
            loss[i] = net.kind->step(net.model, &e, &batch, 0, N);
        }
        CHECK((loss[0] == loss[1]) == is_hidden); // who is not told looks at it
        CHECK((memcmp(before, e.grads, n_values * sizeof *before) == 0) == is_hidden);
    }
    free(hidden);
    free(before);
    free_learner(&e);
    free_batch(&batch);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 28, &err));
    RUN(all_that_is_shown_counts);
    RUN(the_eye_learns_with_the_rest);
    RUN(padding_teaches_nothing);
    et_arena_close(arena);
    return tap_end();
}

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

static void the_eye_learns_with_the_rest(void)
{
    enum { N = 3 };
    for (size_t k = 0; et__net_at(k); k++) {
        struct et__net net;
        make(et__net_at(k)->name, &net);
        struct et__net_batch batch = {.n = N};
        float *seen = numbers(N * (OWN + AROUND), 1, 4);
        batch.seen = batch.own = seen;
        batch.around = seen + N * OWN;
        batch.targets = numbers(N * STEPS * OUT, 1, 6);
        batch.weights = numbers(N * STEPS, 0, 7);
        batch.noise = numbers(N * 64, 1, 8);
        batch.extra = numbers(N * 64, 1, 9);
        for (int i = 0; i < N * STEPS; i++)
            ((float *)(uintptr_t)batch.weights)[i] = 0.05F;
        for (int c = 0; c < CAMERAS; c++)
            batch.pictures[c] = numbers(N * N_PICTURE, 1, 10 + (uint64_t)c);
        struct et__engine e = et__engine_measure(true);
        (void)net.kind->step(net.model, &e, &batch, 0, N);
        const size_t n_space = et__engine_measured(&e);
        e = (struct et__engine){.kernels = &et__kernels_cpu,
                                .params = numbers(net.params.n_values, 0.2, 3),
                                .grads = numbers(net.params.n_values, 0, 0),
                                .base = numbers(n_space, 0, 0),
                                .cap = n_space};
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
        free((float *)(uintptr_t)e.params);
        free(e.grads);
        free(e.base);
        free(seen);
        free((float *)(uintptr_t)batch.targets);
        free((float *)(uintptr_t)batch.weights);
        free((float *)(uintptr_t)batch.noise);
        free((float *)(uintptr_t)batch.extra);
        for (int c = 0; c < CAMERAS; c++)
            free((float *)(uintptr_t)batch.pictures[c]);
    }
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 28, &err));
    RUN(all_that_is_shown_counts);
    RUN(the_eye_learns_with_the_rest);
    et_arena_close(arena);
    return tap_end();
}

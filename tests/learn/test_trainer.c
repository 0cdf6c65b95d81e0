/* Training is the same to the bit with one thread, with two, and after a stop; it learns what can
 * be learned, and a loss that is no number changes nothing. */
#include "learn/learn__mlp.h"
#include "learn/learn__trainer.h"
#include "tap.h"

#include "etude/hash.h"
#include "etude/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH ((size_t)33) // not a multiple of the shards
#define N_IN 3
#define N_ACTION 2
#define N_STEPS 4
#define STEPS 60

struct lesson {
    float x[BATCH * N_IN], actions[BATCH * N_STEPS * N_ACTION], weights[BATCH * N_STEPS];
};

static struct et_arena *arena;
static struct et_err err;

// Curves that follow from what is seen; which, the step says.
static void make(struct lesson *lesson, int64_t step)
{
    const uint64_t key = et_random_key(77, (uint64_t)step);
    for (size_t i = 0; i < BATCH; i++) {
        float *x = lesson->x + i * N_IN;
        for (size_t j = 0; j < N_IN; j++)
            x[j] = (float)et_random_normal(key, i * N_IN + j);
        for (size_t k = 0; k < N_STEPS; k++) {
            float *a = lesson->actions + (i * N_STEPS + k) * N_ACTION;
            a[0] = sinf(x[0] + 0.3F * (float)k);
            a[1] = 0.5F * x[1] * x[2];
            lesson->weights[i * N_STEPS + k] = 1.0F / (BATCH * N_STEPS * N_ACTION);
        }
    }
}

static double step(const void *model, struct et__engine *e, const void *batch, size_t first,
                   size_t n)
{
    const struct lesson *l = batch;
    return et__mlp_step(model, e,
                        &(struct et__mlp_batch){.n = n,
                                                .x = l->x + first * N_IN,
                                                .actions = l->actions + first * N_STEPS * N_ACTION,
                                                .weights = l->weights + first * N_STEPS})
        .loss;
}

// The same, of what chance leaves of x.
static double dropping_step(const void *model, struct et__engine *e, const void *batch,
                            size_t first, size_t n)
{
    const struct lesson *l = batch;
    struct et__chance chance;
    e->used = 0;
    et__real *x = et__take(e, n * N_IN);
    e->kernels->copy_rows(
        e->device,
        &(struct et__rows){.to = x, .from = l->x + first * N_IN, .n_rows = 1, .width = n * N_IN});
    et__drop(e, x, n * N_IN, &chance);
    struct et__engine rest = et__engine_rest(e);
    const double loss =
        et__mlp_step(model, &rest,
                     &(struct et__mlp_batch){.n = n,
                                             .x = x,
                                             .actions = l->actions + first * N_STEPS * N_ACTION,
                                             .weights = l->weights + first * N_STEPS})
            .loss;
    et__engine_took(e, &rest);
    return loss;
}

struct school {
    struct et__mlp mlp;
    struct et__params params;
    struct et_pool *pool;
    struct et__trainer *trainer;
    struct et__trained trained;
    struct lesson lesson;
};

static struct school *open_school(unsigned n_threads, double rate)
{
    struct school *s = calloc(1, sizeof *s);
    CHECK_OK(et__params_open(&s->params, arena, 20, &err));
    et__mlp_add(
        &s->mlp, &s->params,
        &(struct et__mlp_config){
            .n_in = N_IN, .width = 64, .n_layers = 3, .n_action = N_ACTION, .n_steps = N_STEPS});
    if (n_threads > 0)
        CHECK_OK(et_pool_open(&s->pool, n_threads, &err));
    CHECK_OK(et__trainer_open(&s->trainer, &(struct et__network){.model = &s->mlp, .step = step},
                              &s->params,
                              &(struct et__trainer_options){.batch = BATCH,
                                                            .n_steps = STEPS,
                                                            .rate = rate,
                                                            .n_warmup = 5,
                                                            .weight_decay = 1e-4,
                                                            .clip = 1,
                                                            .average = 0.9},
                              s->pool, &s->lesson, &err));
    et__params_begin(&s->params, et__trainer_state(s->trainer)->values, 1);
    return s;
}

static void close_school(struct school *s)
{
    et__trainer_close(s->trainer);
    et_pool_close(s->pool);
    free(s);
}

static void train(struct school *s, int64_t until)
{
    while (et__trainer_state(s->trainer)->step < until) {
        make(&s->lesson, et__trainer_state(s->trainer)->step);
        CHECK_OK(et__trainer_step(s->trainer, &s->lesson, BATCH, &s->trained, &err));
    }
}

static uint64_t hash_of(struct school *s)
{
    const struct et__trainer_state *state = et__trainer_state(s->trainer);
    const size_t n = s->params.n_values * sizeof(float);
    return et_hash64(state->values, n) ^ et_hash64(state->average, n) * 3;
}

static void any_number_of_threads_gives_the_same_bits(void)
{
    uint64_t want = 0;
    for (unsigned n_threads = 0; n_threads <= 5; n_threads++) {
        struct school *s = open_school(n_threads, 3e-3);
        train(s, STEPS);
        want = n_threads == 0 ? hash_of(s) : want;
        CHECK(hash_of(s) == want);
        close_school(s);
    }
}

static void a_training_that_stopped_goes_on_to_the_same_bits(void)
{
    struct school *whole = open_school(2, 3e-3), *before = open_school(1, 3e-3);
    struct school *after = open_school(2, 3e-3);
    train(whole, STEPS);
    train(before, 17);
    const struct et__trainer_state *from = et__trainer_state(before->trainer);
    struct et__trainer_state *to = et__trainer_state(after->trainer);
    const size_t n = before->params.n_values * sizeof(float);
    memcpy(to->values, from->values, n);
    memcpy(to->first, from->first, n);
    memcpy(to->second, from->second, n);
    memcpy(to->average, from->average, n);
    to->step = from->step;
    train(after, STEPS);
    CHECK(hash_of(after) == hash_of(whole));
    close_school(whole);
    close_school(before);
    close_school(after);
}

static void what_follows_from_what_is_seen_is_learned(void)
{
    struct school *s = open_school(2, 3e-3);
    double before, after;
    make(&s->lesson, -1);
    CHECK_OK(et__trainer_look(s->trainer, &s->lesson, BATCH, &before, &err));
    train(s, STEPS);
    make(&s->lesson, -1);
    CHECK_OK(et__trainer_look(s->trainer, &s->lesson, BATCH, &after, &err));
    CHECK(after < 0.35 * before);
    close_school(s);
}

static void a_loss_that_is_no_number_changes_nothing_and_says_at_which_step(void)
{
    struct school *s = open_school(2, 3e-3);
    train(s, 3);
    const uint64_t before = hash_of(s);
    s->lesson.x[7] = NAN;
    CHECK(et__trainer_step(s->trainer, &s->lesson, BATCH, &s->trained, &err) == ET_ECORRUPT);
    CHECK_HAS(err.text, "step 4: the loss is no number");
    CHECK(hash_of(s) == before);
    CHECK_EQ(et__trainer_state(s->trainer)->step, 3);
    close_school(s);
}

// Losses of two steps, and of a look between them, with so many shards and another's seed.
static void losses_of(size_t n_shards, uint64_t seed, double losses[3])
{
    struct school *s = open_school(2, 3e-3);
    struct et__trainer *plain = s->trainer;
    CHECK_OK(et__trainer_open(
        &s->trainer, &(struct et__network){.model = &s->mlp, .step = dropping_step}, &s->params,
        &(struct et__trainer_options){
            .batch = BATCH, .n_shards = n_shards, .n_steps = STEPS, .dropout = 0.3, .seed = seed},
        s->pool, &s->lesson, &err));
    et__params_begin(&s->params, et__trainer_state(s->trainer)->values, 1);
    make(&s->lesson, 0);
    for (int i = 0; i < 2; i++) { // with a rate of 0: the same parameters
        CHECK_OK(et__trainer_step(s->trainer, &s->lesson, BATCH, &s->trained, &err));
        losses[i] = s->trained.loss;
    }
    CHECK_OK(et__trainer_look(s->trainer, &s->lesson, BATCH, &losses[2], &err));
    et__trainer_close(s->trainer);
    s->trainer = plain;
    close_school(s);
}

static void what_is_left_out_hangs_on_seed_and_step_and_not_on_shards(void)
{
    double one[3], seven[3], other[3];
    losses_of(1, 1, one);
    losses_of(7, 1, seven);
    losses_of(1, 2, other);
    for (int i = 0; i < 3; i++)
        CHECK_NEAR(one[i], seven[i], 1e-6);
    CHECK(fabs(one[0] - one[1]) > 1e-3); // another step leaves out others
    CHECK(fabs(one[0] - other[0]) > 1e-3);
    CHECK_NEAR(one[2], other[2], 1e-6); // who looks sees all
}

static void the_rate_rises_in_a_line_and_falls_with_a_cosine(void)
{
    const struct et__trainer_options o = {
        .n_steps = 110, .n_warmup = 10, .rate = 1, .final_share = 0.1};
    CHECK_NEAR(et__trainer_rate(&o, 0), 0.1, 1e-12);
    CHECK_NEAR(et__trainer_rate(&o, 9), 1, 1e-12);
    CHECK_NEAR(et__trainer_rate(&o, 60), 0.55, 1e-12);
    CHECK_NEAR(et__trainer_rate(&o, 110), 0.1, 1e-12);
    CHECK_NEAR(et__trainer_rate(&o, 500), 0.1, 1e-12);
}

static void small_batches_leave_shards_empty(void)
{
    struct school *s = open_school(2, 3e-3);
    make(&s->lesson, 0);
    CHECK_OK(et__trainer_step(s->trainer, &s->lesson, 2, &s->trained, &err));
    CHECK(s->trained.loss > 0);
    close_school(s);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)4 << 20, &err));
    RUN(any_number_of_threads_gives_the_same_bits);
    RUN(a_training_that_stopped_goes_on_to_the_same_bits);
    RUN(what_follows_from_what_is_seen_is_learned);
    RUN(a_loss_that_is_no_number_changes_nothing_and_says_at_which_step);
    RUN(what_is_left_out_hangs_on_seed_and_step_and_not_on_shards);
    RUN(the_rate_rises_in_a_line_and_falls_with_a_cosine);
    RUN(small_batches_leave_shards_empty);
    et_arena_close(arena);
    return tap_end();
}

/* Lessons: what lies behind an episode's end, and how much a row counts. */
#include "lesson_set.h"

#include "learn/learn__lessons.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 40, FPS = 50, RATE_HZ = 25, SAMPLES = 2000 };

static struct et_err err;

struct drawn {
    struct et_arena *arena;
    struct et__lessons *lessons;
    struct et__net net;
    struct et__net_batch batch;
};

static void draw(struct drawn *d, const struct et_dataset *dataset,
                 const struct et_train_settings *settings, const char *weight)
{
    struct et_train_options options = {.settings = *settings, .weight = weight};
    options.settings.rate_hz = RATE_HZ;
    *d = (struct drawn){0};
    CHECK_OK(et_arena_open(&d->arena, (size_t)1 << 28, &err));
    CHECK_OK(et__lessons_open(&d->lessons, dataset, &options, d->arena, &err));
    const struct et__recipe *r = et__lessons_facts(d->lessons)->recipe;
    const struct et__net_shape shape = {.n_own = r->n_own,
                                        .n_around = r->n_around,
                                        .n_out = r->n_out,
                                        .n_steps = (size_t)settings->chunk};
    const struct et__lessons_part all = {.last = SAMPLES};
    struct et_pool *pool = NULL;
    size_t n = 0;
    CHECK_OK(et_pool_open(&pool, 1, &err));
    CHECK_OK(et__net_make(&d->net, &shape, settings, d->arena, &err));
    CHECK_OK(et__lessons_batch(d->lessons, &d->net, SAMPLES, d->arena, &d->batch, &err));
    CHECK_OK(et__lessons_fill(d->lessons, &d->net, &all, pool, &d->batch, &n, &err));
    CHECK_EQ((long)n, SAMPLES);
    et_pool_close(pool);
}

static void end(struct drawn *d)
{
    et__lessons_close(d->lessons);
    et_arena_close(d->arena);
}

/* How many steps of a sample count; behind them none does, and the last row stays. */
static size_t real_steps(const struct drawn *d, size_t b)
{
    const size_t n_steps = d->net.shape.n_steps, n_out = d->net.shape.n_out;
    const float *weights = d->batch.weights + b * n_steps;
    const float *targets = d->batch.targets + b * n_steps * n_out;
    size_t n = 0;
    while (n < n_steps && weights[n] > 0)
        n++;
    for (size_t k = n; k < n_steps; k++) {
        CHECK(weights[k] == 0);
        for (size_t i = 0; k > n && i < n_out; i++)
            CHECK(targets[k * n_out + i] == targets[n * n_out + i]);
    }
    return n;
}

static void act_does_not_learn_what_lies_behind_the_end(void)
{
    struct et_dataset *dataset =
        lesson_open("padding", &(struct lesson_set){.n_rows = ROWS, .fps = FPS});
    struct et_train_settings s = lesson_settings("act");
    s.vae_layers = 1;
    struct drawn d;
    draw(&d, dataset, &s, NULL);
    const size_t n_steps = (size_t)s.chunk, n_hidden = et__net_n_hidden(&d.net);
    double n_padding = 0, expected = 0;
    CHECK_EQ((long)n_hidden, (long)(2 + n_steps));
    for (size_t b = 0; b < SAMPLES; b++) {
        const size_t n_real = real_steps(&d, b);
        const uint8_t *hidden = d.batch.hidden + b * n_hidden;
        n_padding += (double)(n_steps - n_real) / SAMPLES;
        for (size_t i = 0; i < n_hidden; i++)
            CHECK_EQ(hidden[i], i >= 2 + n_real);
    }
    for (size_t left = 0; left < n_steps; left++) // of the last rows, one step's, 0 are left
        expected += (double)(n_steps - left) * FPS / RATE_HZ / ROWS;
    printf("# %.2f of %zu steps are padding, %.2f of all rows'\n", n_padding, n_steps, expected);
    CHECK_NEAR(n_padding, expected, 0.1 * expected);
    end(&d);
    s.vae_layers = 0; // nobody looks at steps
    draw(&d, dataset, &s, NULL);
    CHECK_EQ((long)et__net_n_hidden(&d.net), 0);
    end(&d);
    et_dataset_close(dataset);
}

static void the_others_learn_to_stay_there(void)
{
    struct et_dataset *dataset =
        lesson_open("staying", &(struct lesson_set){.n_rows = ROWS, .fps = FPS});
    static const char *const KINDS[] = {"mlp", "flow"};
    for (size_t i = 0; i < 2; i++) {
        const struct et_train_settings s = lesson_settings(KINDS[i]);
        struct drawn d;
        draw(&d, dataset, &s, NULL);
        for (size_t b = 0; b < SAMPLES; b++)
            CHECK_EQ((long)real_steps(&d, b), (long)s.chunk);
        CHECK_EQ((long)et__net_n_hidden(&d.net), 0);
        end(&d);
    }
    et_dataset_close(dataset);
}

/* Rows of every other episode count as much as those of the others, a third of it, nothing. */
static void rows_count_by_their_weight(void)
{
    static const float ODD[] = {1, 1.0F / 3, 0};
    struct et_train_settings s = lesson_settings("mlp");
    s.validation = 0;
    for (size_t i = 0; i < 3; i++) {
        struct et_dataset *dataset =
            lesson_open("weighted", &(struct lesson_set){.has_weight = true, .odd_weight = ODD[i]});
        struct drawn d;
        draw(&d, dataset, &s, "weight");
        const double even = 2 / (1 + (double)ODD[i]), odd = even * (double)ODD[i];
        double sum = 0;
        size_t n_even = 0;
        for (size_t b = 0; b < SAMPLES; b++) {
            const size_t n_values = d.net.shape.n_steps * d.net.shape.n_out;
            const double share =
                (double)d.batch.weights[b * d.net.shape.n_steps] * SAMPLES * (double)n_values;
            const bool is_even = fabs(share - even) < 1e-4;
            n_even += is_even;
            sum += share;
            CHECK(is_even || fabs(share - odd) < 1e-4);
        }
        CHECK_NEAR(sum / SAMPLES, 1, 0.1);
        CHECK(i == 0 || (n_even > SAMPLES * 45 / 100 && n_even < SAMPLES * 55 / 100));
        end(&d);
        et_dataset_close(dataset);
    }
}

static void refuse(float odd_weight, const char *weight, enum et_status wanted, const char *words)
{
    const struct lesson_set set = {.has_weight = true, .odd_weight = odd_weight};
    struct et_dataset *dataset = lesson_open("refused", &set);
    struct et_train *train = NULL;
    const struct et_train_options options = {.settings = lesson_settings("mlp"), .weight = weight};
    CHECK_EQ(et_train_open(&train, dataset, &options, &err), wanted);
    CHECK(!train);
    CHECK_HAS(err.text, words);
    et_dataset_close(dataset);
}

static void what_is_no_weight_is_named(void)
{
    refuse(-0.5F, "weight", ET_EUNSUPPORTED, "weight of row 40 is -0.5: a weight is at least 0");
    refuse(1, "action", ET_EARG, "action has 3 values: a weight is one number");
    refuse(1, "mood", ET_ENOTFOUND, "mood");
    refuse(INFINITY, "weight", ET_ECORRUPT, "no number");
}

int main(void)
{
    RUN(act_does_not_learn_what_lies_behind_the_end);
    RUN(the_others_learn_to_stay_there);
    RUN(rows_count_by_their_weight);
    RUN(what_is_no_weight_is_named);
    return tap_end();
}

// Exact statistics of a dataset.
#include "tiny_set.h"

#include "support.h"
#include "tap.h"

#include "etude/dataset_ops.h"
#include "etude/stats.h"

#include <stdlib.h>

#define BUDGET ((size_t)1 << 20)

struct computed {
    struct et_arena *arena;
    struct et_dataset *ds;
    const struct et_feature_stats *stats;
    size_t n;
    enum et_status status;
    struct et_err err;
};

static struct computed compute(const char *set, struct et_pool *pool, size_t budget)
{
    struct computed c = {0};

    if (et_arena_open(&c.arena, (size_t)64 << 20, &c.err) != ET_OK ||
        et_dataset_open(&c.ds, set, &c.err) != ET_OK) {
        printf("# %s\n", c.err.text);
        exit(1);
    }
    c.status = et_dataset_stats(c.ds, pool, budget, c.arena, &c.stats, &c.n, &c.err);
    return c;
}

static void release(struct computed *c)
{
    et_dataset_close(c->ds);
    et_arena_close(c->arena);
}

static const struct et_feature_stats *find(const struct computed *c, const char *feature)
{
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->stats[i].feature, feature) == 0)
            return &c->stats[i];
    }
    return NULL;
}

// One that the test cannot go on without.
static const struct et_feature_stats *need(const struct computed *c, const char *feature)
{
    const struct et_feature_stats *stats = find(c, feature);

    if (stats)
        return stats;
    printf("Bail out! there are no statistics of %s: %s\n", feature, c->err.text);
    exit(1);
}

static void is_exact_in_every_layout(void)
{
    static const enum et_layout LAYOUTS[] = {ET_LAYOUT_V20, ET_LAYOUT_V21, ET_LAYOUT_V30};

    for (size_t i = 0; i < 3; i++) {
        const struct tiny tiny = {.layout = LAYOUTS[i], .has_video = true};
        struct computed c = compute(tiny_build("exact", &tiny), NULL, BUDGET);
        double values[TINY_ROWS], sum = 0, squares = 0;
        CHECK_EQ(c.status, ET_OK);
        CHECK_EQ(c.n, 7);
        const struct et_feature_stats *state = need(&c, "observation.state");
        for (int k = 0; k < TINY_ROWS; k++) {
            values[k] = (double)(float)sin((double)k * 0.4);
            sum += values[k];
        }
        for (int k = 0; k < TINY_ROWS; k++)
            squares += pow(values[k] - sum / TINY_ROWS, 2);
        et_sort_doubles(values, TINY_ROWS);
        CHECK_EQ(state->n_values, 2);
        CHECK_EQ(state->count, TINY_ROWS);
        CHECK_NEAR(state->min[0], values[0], 0);
        CHECK_NEAR(state->max[0], values[TINY_ROWS - 1], 0);
        CHECK_NEAR(state->mean[0], sum / TINY_ROWS, 1e-15);
        CHECK_NEAR(state->std[0], sqrt(squares / TINY_ROWS), 1e-15);
        CHECK_NEAR(state->q01[0], et_quantile_sorted(values, TINY_ROWS, 0.01), 0);
        CHECK_NEAR(state->q10[0], et_quantile_sorted(values, TINY_ROWS, 0.10), 0);
        CHECK_NEAR(state->q50[0], et_quantile_sorted(values, TINY_ROWS, 0.50), 0);
        CHECK_NEAR(state->q90[0], et_quantile_sorted(values, TINY_ROWS, 0.90), 0);
        CHECK_NEAR(state->q99[0], et_quantile_sorted(values, TINY_ROWS, 0.99), 0);
        CHECK_NEAR(need(&c, "index")->q50[0], 11.5, 0);
        // Rows 0 … 8, 9 … 16, 17 … 23: the least of the medians, the largest of the ninetieths.
        CHECK_NEAR(need(&c, "index")->joined[2][0], 4, 0);
        CHECK_NEAR(need(&c, "index")->joined[0][0], 0.08, 1e-12);
        CHECK_NEAR(need(&c, "index")->joined[3][0], 17 + 0.9 * 6, 1e-12);
        CHECK(find(&c, TINY_CAMERA) == NULL);
        CHECK((state->stored[6] != NULL) == (LAYOUTS[i] != ET_LAYOUT_V21));
        if (state->stored[6])
            CHECK_NEAR(state->stored[6][0], state->q50[0], 1e-12);
        release(&c);
    }
}

static void is_the_same_for_any_budget_and_threads(void)
{
    const struct tiny tiny = {.layout = ET_LAYOUT_V30};
    const char *set = tiny_build("budgets", &tiny);
    struct computed whole = compute(set, NULL, BUDGET);
    struct et_err err = {0};
    struct et_pool *pool;

    CHECK_OK(et_pool_open(&pool, 3, &err));
    for (size_t budget = 0; budget < 4; budget++) {
        struct computed c = compute(set, budget % 2 ? pool : NULL, 512 * (budget / 2));
        CHECK_EQ(c.status, ET_OK);
        CHECK_EQ(c.n, whole.n);
        for (size_t i = 0; i < c.n; i++) {
            const size_t n_bytes = c.stats[i].n_values * sizeof(double);
            CHECK(memcmp(c.stats[i].mean, whole.stats[i].mean, n_bytes) == 0);
            CHECK(memcmp(c.stats[i].std, whole.stats[i].std, n_bytes) == 0);
            CHECK(memcmp(c.stats[i].q10, whole.stats[i].q10, n_bytes) == 0);
            CHECK(memcmp(c.stats[i].max, whole.stats[i].max, n_bytes) == 0);
        }
        release(&c);
    }
    et_pool_close(pool);
    release(&whole);
}

static void some_are_no_numbers(struct tiny_rows *rows)
{
    rows->state[0] = rows->state[6] = NAN;
}

static void leaves_out_what_is_no_number(void)
{
    const struct tiny tiny = {.layout = ET_LAYOUT_V21, .rows = some_are_no_numbers};
    struct computed c = compute(tiny_build("nan", &tiny), NULL, BUDGET);
    const struct et_feature_stats *state = need(&c, "observation.state");

    CHECK_EQ(state->count, TINY_ROWS);
    CHECK(isfinite(state->mean[0]));
    CHECK(isfinite(state->q01[0]));
    release(&c);
}

static void counts_the_episodes_that_are_there(void)
{
    const struct tiny tiny = {.layout = ET_LAYOUT_V21};
    const char *set = tiny_build("absent", &tiny);

    tiny_remove(set, "data/chunk-000/episode_000001.parquet");
    struct computed c = compute(set, NULL, BUDGET);
    CHECK_EQ(c.status, ET_OK);
    CHECK_EQ(need(&c, "action")->count, TINY_ROWS - 8);
    release(&c);
    tiny_remove(set, "data");
    c = compute(set, NULL, BUDGET);
    CHECK_EQ(c.status, ET_OK);
    CHECK_EQ(need(&c, "action")->count, 0);
    CHECK(isnan(need(&c, "action")->min[0]));
    CHECK(isnan(need(&c, "action")->q50[0]));
    release(&c);
}

static void names_the_file_it_cannot_read(void)
{
    const struct tiny tiny = {.layout = ET_LAYOUT_V21};
    const char *set = tiny_build("damaged", &tiny);

    tiny_write(set, "data/chunk-000/episode_000001.parquet", "nothing");
    struct computed c = compute(set, NULL, BUDGET);
    CHECK_EQ(c.status, ET_ECORRUPT);
    CHECK_HAS(c.err.text, "episode_000001.parquet");
    CHECK_EQ(c.n, 0);
    release(&c);
}

static void refuses_a_width_that_is_not_declared(void)
{
    const struct tiny tiny = {.layout = ET_LAYOUT_V21, .state_values = 1};
    struct computed c = compute(tiny_build("narrow", &tiny), NULL, BUDGET);

    CHECK_EQ(c.status, ET_ECORRUPT);
    CHECK_HAS(c.err.text, "episode 0");
    release(&c);
}

static void agrees_with_what_gr1_stores(void)
{
    const char *path = data_path("gr1_pick_and_place/demo_data/robot_sim.PickNPlace");

    if (!path) {
        tap_skip("no data");
        return;
    }
    struct computed c = compute(path, NULL, (size_t)64 << 20);
    CHECK_EQ(c.status, ET_OK);
    CHECK_EQ(c.n, 10);
    for (size_t i = 0; i < c.n; i++) {
        const struct et_feature_stats *s = &c.stats[i];
        const double *const exact[] = {s->min, s->max, s->mean, s->std, s->q01,
                                       NULL,   NULL,   NULL,    s->q99};
        for (size_t k = 0; k < 9; k++) {
            // It was computed in float32.
            for (size_t v = 0; exact[k] && s->stored[k] && v < s->n_values; v++)
                CHECK_NEAR(exact[k][v], s->stored[k][v], 1e-5 * (1 + fabs(exact[k][v])));
        }
        CHECK(s->stored[0] != NULL && s->stored[4] != NULL);
    }
    release(&c);
}

static void counts_every_row_of_the_real_unitree_set(void)
{
    if (!data_path("unitree_g1/meta/info.json")) {
        tap_skip("no data");
        return;
    }
    struct computed c = compute(data_path("unitree_g1"), NULL, (size_t)64 << 20);
    CHECK_EQ(c.status, ET_OK);
    CHECK_EQ(need(&c, "action")->count, 35965);
    CHECK_NEAR(need(&c, "index")->q01[0], 359.64, 1e-9);
    CHECK_NEAR(need(&c, "index")->mean[0], 17982, 1e-9);
    CHECK(need(&c, "action")->stored[0] == NULL);
    release(&c);
}

int main(void)
{
    RUN(is_exact_in_every_layout);
    RUN(is_the_same_for_any_budget_and_threads);
    RUN(leaves_out_what_is_no_number);
    RUN(counts_the_episodes_that_are_there);
    RUN(names_the_file_it_cannot_read);
    RUN(refuses_a_width_that_is_not_declared);
    RUN(agrees_with_what_gr1_stores);
    RUN(counts_every_row_of_the_real_unitree_set);
    return tap_end();
}

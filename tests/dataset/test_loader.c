/* Batches of a dataset: every sample once an epoch in an order that nothing but seed and epoch
 * decides, steps as asked for with their padding, frames to the very one, and what does not fit is
 * named. */
#include "tiny_set.h"

#include "support.h"
#include "tap.h"

#include "etude/loader.h"
#include "etude/video.h"

#include <stdlib.h>

static struct et_err err;
static const int64_t LENGTHS[] = {9, 8, 7};
static const int NOW[] = {0}, CHUNK[] = {0, 1, 2, 3}, HISTORY[] = {-3, -1, 0};

static struct et_dataset *open_set(const char *name, const struct tiny *tiny)
{
    struct et_dataset *ds = NULL;
    CHECK_OK(et_dataset_open(&ds, tiny_build(name, tiny), &err));
    if (!ds)
        exit(1);
    return ds;
}

static struct et_loader *open_loader(const struct et_dataset *ds,
                                     const struct et_loader_options *options)
{
    struct et_loader *l = NULL;
    CHECK_OK(et_loader_open(&l, ds, options, &err));
    if (!l)
        exit(1);
    return l;
}

// The state that the tiny set has at a row of an episode, straight from its rows.
static float state_at(const struct et_dataset *ds, int64_t episode, int64_t row, size_t k)
{
    struct et_arena *arena;
    struct et_rows rows;
    CHECK_OK(et_arena_open(&arena, (size_t)16 << 20, &err));
    CHECK_OK(et_dataset_rows(ds, episode, arena, &rows, &err));
    const float value = (float)et_column_get(et_rows_find(&rows, "observation.state"), row, k);
    et_arena_close(arena);
    return value;
}

static const struct et_loader_column NUMBERS[] = {
    {.feature = "observation.state", .steps = HISTORY, .n_steps = 3},
    {.feature = "observation.state", .steps = CHUNK, .n_steps = 4},
    {.feature = "timestamp"},
};

static void gives_each_sample_once_an_epoch_with_its_steps_and_padding(void)
{
    static const enum et_layout LAYOUTS[] = {ET_LAYOUT_V20, ET_LAYOUT_V21, ET_LAYOUT_V30};
    for (size_t v = 0; v < 3; v++) {
        struct et_dataset *ds = open_set("each", &(struct tiny){.layout = LAYOUTS[v]});
        const struct et_loader_options how = {
            .columns = NUMBERS, .n_columns = 3, .batch = 5, .seed = 3};
        struct et_loader *l = open_loader(ds, &how);
        struct et_batch b;
        int seen[24] = {0};
        CHECK_EQ(et_loader_n_samples(l), 24);
        CHECK_EQ(et_loader_n_batches(l), 5);
        CHECK_EQ(et_loader_shape(l, 1).n_steps, 4);
        CHECK_EQ(et_loader_shape(l, 1).n_values, TINY_VALUES);
        size_t n = 0;
        while (et_loader_next(l, &b, &err) == ET_OK) {
            CHECK_EQ(b.n, n < 20 ? 5 : 4);
            for (size_t i = 0; i < b.n; i++, n++) {
                const int64_t e = b.episodes[i], row = b.rows[i], last = LENGTHS[e] - 1;
                seen[b.samples[i]]++;
                CHECK(b.weights[i] == 1);
                CHECK_NEAR((double)((const float *)b.columns[2])[i], (double)row / TINY_FPS, 1e-6);
                for (size_t s = 0; s < 3; s++) {
                    const int64_t at = row + HISTORY[s];
                    CHECK_EQ(b.padded[0][3 * i + s], at < 0);
                    for (size_t k = 0; k < TINY_VALUES; k++)
                        CHECK(((const float *)b.columns[0])[(3 * i + s) * TINY_VALUES + k] ==
                              state_at(ds, e, at < 0 ? 0 : at, k));
                }
                for (size_t s = 0; s < 4; s++) {
                    const int64_t at = row + CHUNK[s];
                    CHECK_EQ(b.padded[1][4 * i + s], at > last);
                    CHECK(((const float *)b.columns[1])[(4 * i + s) * TINY_VALUES] ==
                          state_at(ds, e, at > last ? last : at, 0));
                }
            }
        }
        CHECK_EQ(n, 24);
        for (int i = 0; i < 24; i++)
            CHECK_EQ(seen[i], 1);
        et_loader_close(l);
        et_dataset_close(ds);
    }
}

// The samples of some epochs as they come.
static size_t order_of(struct et_loader *l, int n_epochs, int64_t *samples)
{
    struct et_batch b;
    size_t n = 0;
    for (int e = 0; e < n_epochs; e++)
        while (et_loader_next(l, &b, &err) == ET_OK)
            for (size_t i = 0; i < b.n; i++)
                samples[n++] = b.samples[i];
    return n;
}

static void the_order_is_a_matter_of_seed_and_epoch_alone(void)
{
    struct et_dataset *ds = open_set("order", &(struct tiny){.layout = ET_LAYOUT_V30});
    int64_t first[96], other[96];
    struct et_loader_options how = {.columns = NUMBERS, .n_columns = 3, .batch = 5, .seed = 3};
    struct et_loader *l = open_loader(ds, &how);
    CHECK_EQ(order_of(l, 3, first), 72);
    CHECK(memcmp(first, first + 24, 24 * sizeof *first) != 0);
    et_loader_close(l);
    for (unsigned n_threads = 0; n_threads <= 3; n_threads++) {
        how.n_threads = n_threads;
        how.n_ahead = n_threads == 2 ? 1 : 0;
        l = open_loader(ds, &how);
        CHECK_EQ(order_of(l, 3, other), 72);
        CHECK(memcmp(first, other, 72 * sizeof *first) == 0);
        // And from the middle on.
        CHECK_OK(et_loader_seek(l, 1, 2, &err));
        CHECK_EQ(order_of(l, 2, other), 38);
        CHECK(memcmp(first + 34, other, 38 * sizeof *first) == 0);
        et_loader_close(l);
    }
    how.seed = 4;
    l = open_loader(ds, &how);
    CHECK_EQ(order_of(l, 3, other), 72);
    CHECK(memcmp(first, other, 72 * sizeof *first) != 0);
    CHECK_EQ(et_loader_seek(l, -1, 0, &err), ET_EARG);
    CHECK_EQ(et_loader_seek(l, 0, 6, &err), ET_EARG);
    et_loader_close(l);
    how.is_in_order = how.drops_rest = true;
    l = open_loader(ds, &how);
    CHECK_EQ(et_loader_n_batches(l), 4);
    CHECK_EQ(order_of(l, 1, other), 20);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(other[i], i);
    et_loader_close(l);
    et_dataset_close(ds);
}

static void some_episodes_in_an_order_of_the_callers_and_weights(void)
{
    struct et_dataset *ds = open_set("some", &(struct tiny){.layout = ET_LAYOUT_V21});
    const int64_t episodes[] = {2, 0};
    const struct et_loader_options how = {.columns = NUMBERS,
                                          .n_columns = 3,
                                          .episodes = episodes,
                                          .n_episodes = 2,
                                          .batch = 16,
                                          .weight = "timestamp",
                                          .is_in_order = true};
    struct et_loader *l = open_loader(ds, &how);
    struct et_batch b;
    CHECK_EQ(et_loader_n_samples(l), 16);
    CHECK_OK(et_loader_next(l, &b, &err));
    CHECK_EQ(b.episodes[0], 2);
    CHECK_EQ(b.episodes[7], 0);
    CHECK_EQ(b.rows[15], 8);
    CHECK_NEAR((double)b.weights[15], 0.8, 1e-6);
    CHECK(b.tasks[0] >= 0);
    CHECK_EQ(et_loader_next(l, &b, &err), ET_END);

    // Asked for by number, whatever comes next.
    const int64_t samples[] = {15, 0, 15};
    CHECK_OK(et_loader_next(l, &b, &err));
    CHECK_EQ(b.epoch, 1);
    CHECK_OK(et_loader_get(l, samples, 3, 0, &b, &err));
    CHECK_EQ(b.n, 3);
    CHECK_EQ(b.rows[2], 8);
    CHECK_EQ(b.i_batch, -1);
    CHECK_EQ(et_loader_get(l, (const int64_t[]){16}, 1, 0, &b, &err), ET_EARG);
    et_loader_close(l);
    et_dataset_close(ds);
}

static void knows_mean_deviation_and_range(void)
{
    struct et_dataset *ds = open_set("stats", &(struct tiny){.layout = ET_LAYOUT_V30});
    const struct et_loader_options how = {.columns = NUMBERS, .n_columns = 3, .batch = 24};
    struct et_loader *l = open_loader(ds, &how);
    struct et_batch b;
    double mean = 0, squares = 0, least = 1e9;
    CHECK_OK(et_loader_next(l, &b, &err));
    for (size_t i = 0; i < 24; i++)
        mean += (double)((const float *)b.columns[2])[i] / 24;
    for (size_t i = 0; i < 24; i++) {
        const double d = (double)((const float *)b.columns[2])[i];
        squares += (d - mean) * (d - mean) / 24;
        least = d < least ? d : least;
    }
    const struct et_loader_stats s = et_loader_stats(l, 2, 0);
    CHECK_NEAR(s.mean, mean, 1e-9);
    CHECK_NEAR(s.deviation, sqrt(squares), 1e-9);
    CHECK_NEAR(s.min, least, 0);
    CHECK_NEAR(s.max, 0.8, 1e-6);
    et_loader_close(l);
    et_dataset_close(ds);
}

/* ---- pictures ---- */

/* How grey each frame of an episode is, decoded one after the other from the file's beginning. Each
 * is greyer than the one before, so that no two can be taken for one another. */
static void greys_of(const struct et_dataset *ds, int64_t episode, int greys[9])
{
    static uint8_t rgb[3 * TINY_WIDTH * TINY_HEIGHT];
    struct et_arena *arena;
    struct et_episode_meta meta;
    struct et_video_reader *reader = NULL;
    struct et_frame frame;
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    CHECK_OK(et_dataset_episode_meta(ds, episode, arena, &meta, &err));
    CHECK_OK(et_video_open(&reader, meta.videos[0].path, 1, &err));
    const int64_t first = llround(meta.videos[0].from_s * TINY_FPS);
    while (et_video_next(reader, &frame, &err) == ET_OK) {
        const int64_t row = frame.i_frame - first;
        if (row < 0 || row >= meta.n_rows)
            continue;
        CHECK_OK(et_video_rgb(reader, TINY_WIDTH, TINY_HEIGHT, rgb, &err));
        greys[row] = rgb[1000];
        CHECK(row == 0 || greys[row] > greys[row - 1]);
    }
    et_video_close(reader);
    et_arena_close(arena);
}

static void pictures_are_of_the_very_frame(void)
{
    static const struct et_loader_column COLUMNS[] = {
        {.feature = TINY_CAMERA, .steps = HISTORY, .n_steps = 3},
        {.feature = TINY_CAMERA,
         .width_px = 16,
         .height_px = 12,
         .layout = ET_PICTURE_FLOATS,
         .mean = {0.5f, 0.25f, 0},
         .deviation = {0.5f, 0.25f, 0}},
    };
    static const enum et_layout LAYOUTS[] = {ET_LAYOUT_V21, ET_LAYOUT_V30};
    static const size_t KEPT[] = {0, (size_t)30 * 3 * TINY_WIDTH * TINY_HEIGHT, (size_t)16 << 20};
    for (size_t v = 0; v < 6; v++) {
        struct et_dataset *ds =
            open_set("pictures", &(struct tiny){.layout = LAYOUTS[v % 2], .has_video = true});
        const struct et_loader_options how = {.columns = COLUMNS,
                                              .n_columns = 2,
                                              .batch = 5,
                                              .n_threads = (unsigned)v / 2 + 1,
                                              .pictures_bytes_max = KEPT[v / 2]};
        struct et_loader *l = open_loader(ds, &how);
        struct et_batch b;
        size_t n = 0;
        int greys[TINY_EPISODES][9];
        for (int64_t e = 0; e < TINY_EPISODES; e++)
            greys_of(ds, e, greys[e]);
        CHECK_EQ(et_loader_shape(l, 0).width_px, TINY_WIDTH);
        CHECK_EQ(et_loader_shape(l, 1).n_values, 3 * 16 * 12);
        for (int epoch = 0; epoch < 2; epoch++)
            while (et_loader_next(l, &b, &err) == ET_OK)
                for (size_t i = 0; i < b.n; i++, n++) {
                    const uint8_t *bytes = b.columns[0];
                    const float *floats = (const float *)b.columns[1] + i * 3 * 16 * 12;
                    const size_t size = (size_t)3 * TINY_WIDTH * TINY_HEIGHT;
                    const int *grey = greys[b.episodes[i]], want = grey[b.rows[i]];
                    for (size_t s = 0; s < 3; s++) {
                        const int64_t row = b.rows[i] + HISTORY[s];
                        CHECK_EQ(bytes[(3 * i + s) * size + 1000], grey[row < 0 ? 0 : row]);
                        CHECK_EQ(b.padded[0][3 * i + s], row < 0);
                    }
                    // What is scaled is up to 2 levels darker: swscale's arithmetic.
                    const double level = 2.01 / 255;
                    CHECK_NEAR((double)floats[5], want / 127.5 - 1, 2 * level);
                    CHECK_NEAR((double)floats[16 * 12 + 5], 4 * want / 255.0 - 1, 4 * level);
                    CHECK_NEAR((double)floats[2 * 16 * 12 + 5], want / 255.0, level);
                }
        CHECK_EQ(n, 48);
        et_loader_close(l);
        et_dataset_close(ds);
    }
}

static void crops_are_of_the_middle_or_drawn_by_sample_and_epoch(void)
{
    struct et_dataset *ds = open_set(
        "crops", &(struct tiny){.layout = ET_LAYOUT_V30, .has_video = true, .is_sloped = true});
    struct et_loader_column column = {.feature = TINY_CAMERA,
                                      .steps = NOW,
                                      .n_steps = 1,
                                      .crop_width_px = 20,
                                      .crop_height_px = 10};
    struct et_loader_options how = {.columns = &column, .n_columns = 1, .batch = 24};
    struct et_loader *l = open_loader(ds, &how);
    struct et_batch b;
    CHECK_EQ(et_loader_shape(l, 0).n_values, 600);
    CHECK_OK(et_loader_next(l, &b, &err));
    uint8_t middle[24 * 600];
    memcpy(middle, b.columns[0], sizeof middle);
    et_loader_close(l);
    column.is_crop_random = true;
    how.n_threads = 2;
    l = open_loader(ds, &how);
    CHECK_OK(et_loader_next(l, &b, &err));
    uint8_t *first = malloc(24 * 600);
    memcpy(first, b.columns[0], 24 * 600);
    CHECK_OK(et_loader_seek(l, 0, 0, &err));
    CHECK_OK(et_loader_next(l, &b, &err));
    CHECK(memcmp(first, b.columns[0], 24 * 600) == 0);
    int64_t all[24];
    memcpy(all, b.samples, sizeof all);
    CHECK_OK(et_loader_get(l, all, 24, 0, &b, &err));
    CHECK(memcmp(first, b.columns[0], 24 * 600) == 0);
    CHECK(memcmp(first, middle, 24 * 600) != 0);
    CHECK_OK(et_loader_get(l, all, 24, ET_LOADER_MIDDLE, &b, &err));
    CHECK(memcmp(middle, b.columns[0], 24 * 600) == 0);
    CHECK_EQ(et_loader_get(l, all, 24, ET_LOADER_MIDDLE - 1, &b, &err), ET_EARG);
    free(first);
    et_loader_close(l);
    column.crop_width_px = TINY_WIDTH + 1;
    CHECK_EQ(et_loader_open(&l, ds, &how, &err), ET_EARG);
    CHECK_HAS(err.text, "cannot be cropped");
    column.crop_width_px = 0;
    CHECK_EQ(et_loader_open(&l, ds, &how, &err), ET_EARG);
    et_dataset_close(ds);
}

/* ---- what does not fit ---- */

static void refuse(const char *name, const struct tiny *tiny, const struct et_loader_options *how,
                   enum et_status want, const char *words)
{
    struct et_dataset *ds = open_set(name, tiny);
    struct et_loader *l = NULL;
    const enum et_status st = et_loader_open(&l, ds, how, &err);
    CHECK_EQ(st, want);
    CHECK(!l);
    CHECK_HAS(err.text, words);
    et_loader_close(l);
    et_dataset_close(ds);
}

static void no_number(struct tiny_rows *rows)
{
    rows->state[9 * TINY_VALUES + 1] = NAN; // episode 1, row 0
}

static void names_what_does_not_fit(void)
{
    const struct tiny right = {.layout = ET_LAYOUT_V30},
                      with_nan = {.layout = ET_LAYOUT_V30, .rows = no_number};
    const struct tiny fewer = {.layout = ET_LAYOUT_V21, .has_video = true, .frames_missing = 2};
    const struct tiny wide = {.layout = ET_LAYOUT_V30, .state_values = 3};
    const struct et_loader_column unknown = {.feature = "observation.stat"},
                                  camera = {.feature = TINY_CAMERA};
    struct et_loader_options how = {.columns = NUMBERS, .n_columns = 3, .batch = 5};
    refuse("nan", &with_nan, &how, ET_ECORRUPT, "observation.state of episode 1, row 0");
    refuse("wide", &wide, &how, ET_ECORRUPT, "observation.state");
    how.columns = &unknown;
    how.n_columns = 1;
    refuse("unknown", &right, &how, ET_ENOTFOUND, "is it observation.state?");
    how.columns = &camera;
    refuse("fewer", &fewer, &how, ET_ECORRUPT, "frames");
    how.columns = NUMBERS;
    how.batch = 0;
    refuse("none", &right, &how, ET_EARG, "batch");
    how.batch = 30;
    how.drops_rest = true;
    refuse("small", &right, &how, ET_EARG, "do not fill a batch");
    how.episodes = (const int64_t[]){3};
    how.n_episodes = 1;
    refuse("place", &right, &how, ET_EARG, "place 3 of 3");
    how.n_episodes = 0;
    refuse("empty", &right, &how, ET_EARG, "no rows");
}

static void numbers_that_are_many_lie_in_a_file_without_a_name(void)
{
    struct et_dataset *ds = open_set("many", &(struct tiny){.layout = ET_LAYOUT_V30});
    int64_t first[24], other[24];
    struct et_loader_options how = {
        .columns = NUMBERS, .n_columns = 3, .batch = 24, .rows_bytes_max = 1};
    struct et_loader *l = open_loader(ds, &how);
    struct et_batch b;
    CHECK_EQ(order_of(l, 1, first), 24);
    CHECK_OK(et_loader_next(l, &b, &err));
    CHECK(((const float *)b.columns[1])[0] == state_at(ds, b.episodes[0], b.rows[0], 0));
    et_loader_close(l);
    how.rows_bytes_max = 0;
    l = open_loader(ds, &how);
    CHECK_EQ(order_of(l, 1, other), 24);
    CHECK(memcmp(first, other, sizeof first) == 0);
    et_loader_close(l);
    (void)setenv("TMPDIR", "/nowhere", 1);
    how.rows_bytes_max = 1;
    CHECK_EQ(et_loader_open(&l, ds, &how, &err), ET_EIO);
    CHECK_HAS(err.text, "/nowhere");
    (void)unsetenv("TMPDIR");
    et_dataset_close(ds);
}

int main(void)
{
    RUN(gives_each_sample_once_an_epoch_with_its_steps_and_padding);
    RUN(the_order_is_a_matter_of_seed_and_epoch_alone);
    RUN(some_episodes_in_an_order_of_the_callers_and_weights);
    RUN(knows_mean_deviation_and_range);
    RUN(pictures_are_of_the_very_frame);
    RUN(crops_are_of_the_middle_or_drawn_by_sample_and_epoch);
    RUN(names_what_does_not_fit);
    RUN(numbers_that_are_many_lie_in_a_file_without_a_name);
    return tap_end();
}

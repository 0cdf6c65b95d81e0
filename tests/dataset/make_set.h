/* Small datasets for tests: the numbers of every cell follow from the episode and the row, so that
 * what is read back can be told right from wrong without a second copy. */
#ifndef TESTS_DATASET_MAKE_SET_H
#define TESTS_DATASET_MAKE_SET_H

#include "etude/dataset_ops.h"
#include "etude/file.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define N_JOINTS 3
#define FPS 10

static inline float joint_at(int64_t episode, int64_t row, size_t joint)
{
    return (float)((double)episode +
                   0.001 * (double)((row * 7919 + (int64_t)joint * 104729) % 977));
}

static inline int64_t rows_of(int64_t episode)
{
    return 5 + (episode * 13) % 11;
}

static inline const struct et_feature *small_features(size_t *n)
{
    static const int64_t SHAPE[] = {N_JOINTS};
    static const char *const NAMES[] = {"shoulder", "elbow", "wrist"};
    static const struct et_feature FEATURES[] = {
        {.name = "observation.state",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = SHAPE,
         .n_dims = 1,
         .n_values = N_JOINTS,
         .names = NAMES},
        {.name = "action",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = SHAPE,
         .n_dims = 1,
         .n_values = N_JOINTS,
         .names = NAMES},
    };
    *n = sizeof FEATURES / sizeof *FEATURES;
    return FEATURES;
}

static inline struct et_dataset_spec small_spec(enum et_layout layout)
{
    struct et_dataset_spec spec = {.layout = layout, .robot_type = "test_arm", .fps = FPS};
    spec.features = small_features(&spec.n_features);
    return spec;
}

/* The cells of an episode, to be freed. */
static inline float *small_cells(int64_t episode, float shift)
{
    const int64_t n = rows_of(episode);
    float *cells = malloc((size_t)n * N_JOINTS * sizeof *cells);
    for (int64_t row = 0; cells && row < n; row++)
        for (size_t j = 0; j < N_JOINTS; j++)
            cells[(size_t)row * N_JOINTS + j] = joint_at(episode, row, j) + shift;
    return cells;
}

static inline enum et_status add_small(struct et_dataset_writer *writer, int64_t episode,
                                       const char *task, struct et_err *err)
{
    float *state = small_cells(episode, 0), *action = small_cells(episode, 0.5f);
    const struct et_column columns[] = {
        {.name = "observation.state",
         .is_rectangular = true,
         .type = ET_PARQUET_FLOAT,
         .n_values = N_JOINTS,
         .values = state},
        {.name = "action",
         .is_rectangular = true,
         .type = ET_PARQUET_FLOAT,
         .n_values = N_JOINTS,
         .values = action},
    };
    const struct et_new_episode added = {.n_rows = rows_of(episode),
                                         .columns = columns,
                                         .n_columns = 2,
                                         .tasks = &task,
                                         .n_tasks = 1};
    const enum et_status st = et_dataset_add(writer, &added, err);
    free(state);
    free(action);
    return st;
}

/* Writes n episodes; every third has another task. */
static inline enum et_status write_small(const char *path, const struct et_dataset_spec *spec,
                                         int64_t n, struct et_err *err)
{
    struct et_dataset_writer *writer = NULL;
    enum et_status st = et_dataset_create(&writer, path, spec, err);
    for (int64_t i = 0; st == ET_OK && i < n; i++)
        st = add_small(writer, i, i % 3 == 2 ? "put it down" : "pick it up", err);
    if (st == ET_OK)
        return et_dataset_finish(writer, NULL, NULL, err);
    et_dataset_writer_close(writer);
    return st;
}

/* True when row and joint of every episode are what joint_at says, `first` episodes later. */
static inline bool is_small(const char *path, int64_t n_episodes, int64_t first)
{
    struct et_dataset *set = NULL;
    struct et_arena *arena = NULL;
    struct et_err err = {0};
    bool is_good = et_arena_open(&arena, (size_t)1 << 26, &err) == ET_OK &&
                   et_dataset_open(&set, path, &err) == ET_OK &&
                   et_dataset_info(set)->n_episodes == n_episodes;
    for (int64_t i = 0; is_good && i < n_episodes; i++) {
        struct et_rows rows;
        is_good = et_dataset_rows(set, i, arena, &rows, &err) == ET_OK &&
                  rows.n_rows == rows_of(i + first);
        const struct et_column *state = is_good ? et_rows_find(&rows, "observation.state") : NULL;
        const struct et_column *action = is_good ? et_rows_find(&rows, "action") : NULL;
        is_good = is_good && state && action && state->n_values == N_JOINTS;
        for (int64_t row = 0; is_good && row < rows.n_rows; row++)
            for (size_t j = 0; j < N_JOINTS; j++)
                is_good =
                    is_good &&
                    et_column_get(state, row, j) == (double)joint_at(i + first, row, j) &&
                    et_column_get(action, row, j) == (double)(joint_at(i + first, row, j) + 0.5f);
    }
    if (!is_good)
        printf("# %s: %s\n", path, err.text);
    et_dataset_close(set);
    et_arena_close(arena);
    return is_good;
}

#endif

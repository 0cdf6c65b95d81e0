#include "make_set.h"
#include "same_folder.h"

#include "dataset/dataset__write.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

static bool should_update;

/* ---- what is written can be read ---- */

static void writes_what_it_can_read(void)
{
    struct et_err err = {0};
    const struct et_dataset_spec v30 = small_spec(ET_LAYOUT_V30), v21 = small_spec(ET_LAYOUT_V21);
    CHECK_OK(write_small(temp_path("v30"), &v30, 7, &err));
    CHECK(is_small(temp_path("v30"), 7, 0));
    CHECK_OK(write_small(temp_path("v21"), &v21, 7, &err));
    CHECK(is_small(temp_path("v21"), 7, 0));
}

static void writes_the_same_bytes_twice(void)
{
    struct et_err err = {0};
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
    CHECK_OK(write_small(temp_path("once"), &spec, 7, &err));
    CHECK_OK(write_small(temp_path("twice"), &spec, 7, &err));
    CHECK(is_same_folder(temp_path("once"), temp_path("twice"), NULL));
}

static void check_findings(const char *path)
{
    struct et_err err = {0};
    struct et_findings findings = {0};
    const struct et_verify_options options = {.should_decode = true, .should_check_stats = true};
    CHECK_OK(et_arena_open(&findings.arena, (size_t)1 << 26, &err));
    CHECK_OK(et_dataset_verify(path, &options, &findings, &err));
    for (size_t i = 0; i < findings.n; i++)
        printf("# %s: %s\n", findings.items[i].kind, findings.items[i].text);
    CHECK_EQ(findings.n, 0);
    et_arena_close(findings.arena);
}

static void finds_nothing_wrong_with_what_it_wrote(void)
{
    check_findings(temp_path("v30"));
    check_findings(temp_path("v21"));
}

/* ---- a dataset of every kind of column ---- */

#define N_GRID 6

static const struct et_feature *mixed_features(size_t *n)
{
    static const int64_t ONE[] = {1}, GRID[] = {2, 3}, STATE[] = {2};
    static const char *const NAMES[] = {"a", "b"};
    static const struct et_feature FEATURES[] = {
        {.name = "observation.state",
         .dtype = ET_DTYPE_FLOAT64,
         .shape = STATE,
         .n_dims = 1,
         .n_values = 2,
         .names = NAMES},
        {.name = "observation.grid",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = GRID,
         .n_dims = 2,
         .n_values = N_GRID},
        {.name = "next.done", .dtype = ET_DTYPE_BOOL, .shape = ONE, .n_dims = 1, .n_values = 1},
        {.name = "count", .dtype = ET_DTYPE_INT32, .shape = ONE, .n_dims = 1, .n_values = 1},
        {.name = "note", .dtype = ET_DTYPE_STRING, .shape = ONE, .n_dims = 1},
    };
    *n = sizeof FEATURES / sizeof *FEATURES;
    return FEATURES;
}

static enum et_status add_mixed(struct et_dataset_writer *writer, struct et_err *err)
{
    static const double STATE[] = {0.5, -1, 1.5, -2, 2.5, (double)NAN, 3.5, -4};
    static const float GRID[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};
    static const uint8_t DONE[] = {0, 0, 0, 1}, NOTE_DEF[] = {1, 0, 1, 1};
    static const int32_t COUNT[] = {7, -7, 7, 0};
    static const struct et_str NOTES[] = {{"so", 2}, {"", 0}, {"größer", 8}};
    static const struct et_parquet_node NOTE = {.name = "note",
                                                .parent = -1,
                                                .repetition = ET_PARQUET_OPTIONAL,
                                                .is_leaf = true,
                                                .type = ET_PARQUET_BYTES,
                                                .logical = ET_PARQUET_STRING};
    static const struct et_parquet_batch NOTE_LEAF = {
        .n_rows = 4, .n_levels = 4, .n_values = 3, .def = NOTE_DEF, .values = NOTES};
    static const struct et_column COLUMNS[] = {
        {"observation.state", 0, true, ET_PARQUET_DOUBLE, 2, STATE, NULL, 0, NULL, 0},
        {"observation.grid", 1, true, ET_PARQUET_FLOAT, N_GRID, GRID, NULL, 0, NULL, 0},
        {"next.done", 2, true, ET_PARQUET_BOOL, 1, DONE, NULL, 0, NULL, 0},
        {"count", 3, true, ET_PARQUET_INT32, 1, COUNT, NULL, 0, NULL, 0},
        {"note", 4, false, ET_PARQUET_BYTES, 0, NULL, &NOTE, 1, &NOTE_LEAF, 1},
    };
    static const char *const TASKS[] = {"erste Aufgabe", "second task"};
    static const int64_t TASK_OF_ROW[] = {0, 1, 1, 0};
    static const struct et_finding FINDING = {.kind = "jump",
                                              .severity = ET_SEVERITY_WARN,
                                              .stream = "left_arm.position",
                                              .t_first_ns = 100000000,
                                              .t_last_ns = 200000000,
                                              .value = 3.5,
                                              .threshold = 3,
                                              .unit = "rad/s",
                                              .text = "it jumps"};
    static const size_t DECIDED[] = {0};
    static const struct et_grade GRADE = {ET_VERDICT_WARN, "default", DECIDED, 1, "it jumps"};
    const struct et_new_episode episode = {.n_rows = 4,
                                           .columns = COLUMNS,
                                           .n_columns = 5,
                                           .tasks = TASKS,
                                           .n_tasks = 2,
                                           .task_of_row = TASK_OF_ROW,
                                           .source_id = "set/3",
                                           .findings = &FINDING,
                                           .n_findings = 1,
                                           .grade = &GRADE,
                                           .latency_json = ET_STR("{\"lag_s\":0.14}")};
    return et_dataset_add(writer, &episode, err);
}

static const char *write_mixed(enum et_layout layout)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    const char *path = temp_path(layout == ET_LAYOUT_V30 ? "mixed30" : "mixed21");
    static const char *const TASKS[] = {"second task"};
    struct et_dataset_spec spec = {
        .layout = layout, .robot_type = "Größe \"7\"", .fps = 5, .tasks = TASKS, .n_tasks = 1};
    const struct et_provenance provenance = {.action = "test", .settings = "{\"a\":1}"};
    const struct et_grade grade = {
        .verdict = ET_VERDICT_REJECT, .grading = "default", .reason = "empty"};
    const struct et_rejected_episode rejected = {.source_id = "set/4", .grade = &grade};
    spec.features = mixed_features(&spec.n_features);
    if (layout == ET_LAYOUT_V21)
        spec.modality_json = "{\"state\": {\"arm\": {\"start\": 0, \"end\": 2}}}";
    if (file_exists(path))
        return path;
    CHECK_OK(et_dataset_create(&writer, path, &spec, &err));
    CHECK_OK(add_mixed(writer, &err));
    CHECK_OK(et_dataset_reject(writer, &rejected, &err));
    CHECK_OK(add_mixed(writer, &err));
    CHECK_OK(et_dataset_finish(writer, &provenance, NULL, &err));
    return path;
}

static void check_golden(const char *set, const char *file, const char *golden)
{
    char path[4096], name[256];
    size_t n = 0, n_golden = 0;
    snprintf(path, sizeof path, "%s/%s", set, file);
    snprintf(name, sizeof name, "tests/golden/dataset/%s", golden);
    char *text = read_file(path, &n);
    if (!CHECK(text))
        return;
    if (should_update)
        write_file(source_path(name), text, n);
    char *wanted = read_file(source_path(name), &n_golden);
    if (!CHECK(wanted && n == n_golden && memcmp(text, wanted, n) == 0))
        printf("# %s is not %s; --update rewrites it\n", path, name);
    free(wanted);
    free(text);
}

static void says_in_json_what_it_was_told(void)
{
    const char *v30 = write_mixed(ET_LAYOUT_V30), *v21 = write_mixed(ET_LAYOUT_V21);
    check_golden(v30, "meta/info.json", "info_v30.json");
    check_golden(v30, "meta/stats.json", "stats_v30.json");
    check_golden(v30, "meta/etude/episodes.jsonl", "etude_episodes.jsonl");
    check_golden(v30, "meta/etude/rejected.jsonl", "etude_rejected.jsonl");
    check_golden(v21, "meta/info.json", "info_v21.json");
    check_golden(v21, "meta/episodes.jsonl", "episodes_v21.jsonl");
    check_golden(v21, "meta/episodes_stats.jsonl", "episodes_stats_v21.jsonl");
    check_golden(v21, "meta/tasks.jsonl", "tasks_v21.jsonl");
    check_golden(v21, "meta/modality.json", "modality_v21.json");
}

static const struct et_column *column_of(const struct et_rows *rows, const char *name)
{
    const struct et_column *column = et_rows_find(rows, name);
    CHECK(column);
    return column;
}

static void check_mixed(const char *path, int64_t place)
{
    struct et_err err = {0};
    struct et_dataset *set = NULL;
    struct et_arena *arena = NULL;
    struct et_rows rows;
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 26, &err));
    CHECK_OK(et_dataset_open(&set, path, &err));
    CHECK_OK(et_dataset_rows(set, place, arena, &rows, &err));
    CHECK_EQ(rows.n_remarks, 0);
    const struct et_column *grid = column_of(&rows, "observation.grid");
    CHECK_EQ(grid->n_values, N_GRID);
    CHECK_EQ(grid->n_nodes, 5); // a list of lists
    for (int i = 0; i < 24; i++)
        CHECK_EQ(et_column_get(grid, i / N_GRID, (size_t)(i % N_GRID)), i + 1);
    CHECK(isnan(et_column_get(column_of(&rows, "observation.state"), 2, 1)));
    CHECK_EQ(et_column_get(column_of(&rows, "next.done"), 3, 0), 1);
    CHECK_EQ(et_column_get(column_of(&rows, "count"), 1, 0), -7);
    CHECK_EQ(et_column_get(column_of(&rows, "index"), 3, 0), 4 * place + 3);
    CHECK_EQ(et_column_get(column_of(&rows, "episode_index"), 3, 0), place);
    CHECK_EQ(et_column_get(column_of(&rows, "frame_index"), 3, 0), 3);
    CHECK_NEAR(et_column_get(column_of(&rows, "timestamp"), 3, 0), (double)0.6f, 0);
    // The spec's task has the first number, the episode's own the next.
    CHECK_EQ(et_column_get(column_of(&rows, "task_index"), 0, 0), 1);
    CHECK_EQ(et_column_get(column_of(&rows, "task_index"), 1, 0), 0);
    const struct et_column *note = column_of(&rows, "note");
    CHECK_EQ(note->n_leaves, 1);
    CHECK_EQ(note->leaves[0].n_values, 3);
    CHECK(et_str_is(((const struct et_str *)note->leaves[0].values)[2], "größer"));
    et_dataset_close(set);
    et_arena_close(arena);
}

static void keeps_nested_lists_texts_and_nulls(void)
{
    for (int64_t place = 0; place < 2; place++) {
        check_mixed(write_mixed(ET_LAYOUT_V30), place);
        check_mixed(write_mixed(ET_LAYOUT_V21), place);
    }
}

/* ---- what LeRobot reads ---- */

static void has_every_column_that_lerobot_looks_up(void)
{
    static const char *const WANTED[] = {"episode_index",
                                         "tasks",
                                         "length",
                                         "data/chunk_index",
                                         "data/file_index",
                                         "dataset_from_index",
                                         "dataset_to_index",
                                         "stats/observation.state/min",
                                         "stats/observation.state/q99",
                                         "stats/action/count",
                                         "stats/timestamp/mean",
                                         "stats/task_index/std",
                                         "meta/episodes/chunk_index",
                                         "meta/episodes/file_index"};
    struct et_err err = {0};
    struct et_parquet_reader *reader = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s/meta/episodes/chunk-000/file-000.parquet", temp_path("v30"));
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    for (size_t i = 0; i < sizeof WANTED / sizeof *WANTED; i++)
        if (!CHECK(et_parquet_find(reader, WANTED[i]) >= 0))
            printf("# no column %s\n", WANTED[i]);
    CHECK_EQ(et_parquet_n_rows(reader), 7);
    et_parquet_close(reader);
}

static void tells_pandas_which_column_is_the_index(void)
{
    struct et_err err = {0};
    struct et_parquet_reader *reader = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s/meta/tasks.parquet", temp_path("v30"));
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    const struct et_str pandas = et_parquet_metadata(reader, "pandas");
    CHECK(
        et_str_starts(pandas, "{\"index_columns\":[\"task\"],\"column_indexes\":[{\"name\":null"));
    CHECK_EQ(et_parquet_n_rows(reader), 2);
    et_parquet_close(reader);
}

static void has_one_row_group_an_episode(void)
{
    struct et_err err = {0};
    struct et_parquet_reader *reader = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s/data/chunk-000/file-000.parquet", temp_path("v30"));
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    CHECK_EQ(et_parquet_n_groups(reader), 7);
    for (size_t i = 0; i < 7; i++) {
        CHECK_EQ(et_parquet_group_rows(reader, i), rows_of((int64_t)i));
        CHECK_EQ(et_parquet_chunk_codec(reader, i, 0), ET_PARQUET_SNAPPY);
    }
    const struct et_str features = et_parquet_metadata(reader, "huggingface");
    CHECK(et_str_starts(features, "{\"info\":{\"features\":{\"observation.state\":{\"feature\":"
                                  "{\"dtype\":\"float32\",\"_type\":\"Value\"},\"length\":3,"
                                  "\"_type\":\"List\"}"));
    et_parquet_close(reader);
}

/* ---- files that are full ---- */

#define N_LARGE 40
#define LARGE_ROWS 3000

static void add_large(struct et_dataset_writer *writer, struct rng *rng)
{
    struct et_err err = {0};
    float *cells = malloc(sizeof(float) * LARGE_ROWS * N_JOINTS);
    for (size_t i = 0; cells && i < (size_t)LARGE_ROWS * N_JOINTS; i++)
        cells[i] = (float)rng_gaussian(rng);
    const char *task = "shake";
    const struct et_column columns[] = {
        {"observation.state", 0, true, ET_PARQUET_FLOAT, N_JOINTS, cells, NULL, 0, NULL, 0},
        {"action", 1, true, ET_PARQUET_FLOAT, N_JOINTS, cells, NULL, 0, NULL, 0},
    };
    const struct et_new_episode episode = {
        .n_rows = LARGE_ROWS, .columns = columns, .n_columns = 2, .tasks = &task, .n_tasks = 1};
    CHECK_OK(et_dataset_add(writer, &episode, &err));
    free(cells);
}

/* Chunk and file of every episode follow LeRobot's rule from the sizes of the files that came of
 * it. */
static void begins_a_new_file_where_lerobot_does(void)
{
    struct et_err err = {0};
    struct rng rng = {7};
    struct et_dataset_writer *writer = NULL;
    struct et_dataset *set = NULL;
    struct et_arena *arena = NULL;
    struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
    const char *path = temp_path("large");
    spec.data_file_mb = 1;
    spec.chunk_files = 2;
    CHECK_OK(et_dataset_create(&writer, path, &spec, &err));
    for (int i = 0; i < N_LARGE; i++)
        add_large(writer, &rng);
    CHECK_OK(et_dataset_finish(writer, NULL, NULL, &err));

    CHECK_OK(et_arena_open(&arena, (size_t)1 << 28, &err));
    CHECK_OK(et_dataset_open(&set, path, &err));
    int n_in_file = 0, n_files = 1;
    const char *last = NULL;
    for (int64_t i = 0; i < N_LARGE; i++) {
        struct et_episode_meta meta;
        CHECK_OK(et_dataset_episode_meta(set, i, arena, &meta, &err));
        CHECK_EQ(meta.first_row, n_in_file == 0 || (last && strcmp(last, meta.data_path) != 0)
                                     ? 0
                                     : n_in_file * LARGE_ROWS);
        if (last && strcmp(last, meta.data_path) != 0) {
            n_files++;
            n_in_file = 0;
        }
        n_in_file++;
        last = meta.data_path;
    }
    CHECK(n_files >= 4);
    for (int f = 0; f + 1 < n_files; f++) { // full files are just below the limit
        char name[4096];
        size_t n = 0;
        snprintf(name, sizeof name, "%s/data/chunk-%03d/file-%03d.parquet", path, f / 2, f % 2);
        void *bytes = read_file(name, &n);
        CHECK(bytes && n < 1024 * 1024 && n > 1024 * 1024 * 3 / 4);
        free(bytes);
    }
    et_dataset_close(set);
    et_arena_close(arena);
    check_findings(path);
}

/* ---- statistics ---- */

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* stats.json against sorting all values of every joint. */
static void check_stats(const char *path, int64_t n_episodes)
{
    struct et_err err = {0};
    struct et_dataset *set = NULL;
    static double all[N_JOINTS][20000];
    size_t n = 0;
    CHECK_OK(et_dataset_open(&set, path, &err));
    for (int64_t e = 0; e < n_episodes; e++)
        for (int64_t row = 0; row < rows_of(e); row++, n++)
            for (size_t j = 0; j < N_JOINTS; j++)
                all[j][n] = (double)joint_at(e, row, j);
    const struct et_value *stats = et_value_get(et_dataset_info(set)->stats, "observation.state");
    for (size_t j = 0; j < N_JOINTS; j++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += all[j][i];
        qsort(all[j], n, sizeof(double), compare_doubles);
        CHECK_EQ(et_value_real(et_value_at(et_value_get(stats, "min"), j), -1) == all[j][0], true);
        CHECK_NEAR(et_value_real(et_value_at(et_value_get(stats, "mean"), j), -1), sum / (double)n,
                   1e-12);
        for (size_t q = 0; q < ET__N_QUANTILES; q++)
            CHECK_NEAR(et_value_real(et_value_at(et_value_get(stats, ET__LEVEL_NAMES[q]), j), -1),
                       et_quantile_sorted(all[j], n, ET__LEVELS[q]), 0);
    }
    CHECK_EQ(et_value_int(et_value_at(et_value_get(stats, "count"), 0), -1), (int64_t)n);
    et_dataset_close(set);
}

static void computes_exact_quantiles_whatever_the_budget(void)
{
    static const size_t BUDGETS[] = {0, 1 << 10, 1 << 14, 1 << 17};
    for (size_t i = 0; i < sizeof BUDGETS / sizeof *BUDGETS; i++) {
        struct et_err err = {0};
        char name[32];
        struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
        spec.quantile_budget_bytes = BUDGETS[i];
        snprintf(name, sizeof name, "budget%zu", i);
        CHECK_OK(write_small(temp_path(name), &spec, 300, &err));
        check_stats(temp_path(name), 300);
        CHECK(i == 0 || is_same_folder(temp_path(name), temp_path("budget0"), NULL));
    }
}

static void samples_pictures_as_lerobot_does(void)
{
    // compute_stats.py:204, by its own table
    static const int64_t LENGTHS[][2] = {
        {1, 1},      {50, 50},    {100, 100},    {500, 105},    {1000, 177},
        {2000, 299}, {5000, 594}, {10000, 1000}, {20000, 1681}, {10000000, 10000}};
    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++)
        CHECK_EQ(et__n_samples(LENGTHS[i][0]), LENGTHS[i][1]);
    CHECK_EQ(et__sample_row(373, 100, 0), 0);
    CHECK_EQ(et__sample_row(373, 100, 1), 4);    // 3.7576
    CHECK_EQ(et__sample_row(373, 100, 50), 188); // 187.88
    CHECK_EQ(et__sample_row(373, 100, 99), 372);
    CHECK_EQ(et__sample_row(6, 3, 1), 2); // 2.5, to even
    CHECK_EQ(et__sample_stride(299, 200), 1);
    CHECK_EQ(et__sample_stride(640, 480), 4);
    CHECK_EQ(et__sample_stride(480, 640), 4);
}

/* ---- what is refused ---- */

static void refuses_a_spec_that_contradicts_itself(void)
{
    static const int64_t TWO[] = {2}, NONE[] = {0};
    static const struct et_feature F = {
        .name = "x", .dtype = ET_DTYPE_FLOAT32, .shape = TWO, .n_dims = 1, .n_values = 2};
    struct et_feature bad[2] = {F, F};
    static const char *const TASKS[] = {"a", "a"}, *const BROKEN[] = {"\xff"};
    struct et_dataset_spec spec = {
        .layout = ET_LAYOUT_V30, .fps = 10, .features = bad, .n_features = 1};
    const struct {
        const char *has;
        struct et_dataset_spec spec;
        struct et_feature feature[2];
    } cases[] = {
        {"v2.0", {.layout = ET_LAYOUT_V20, .fps = 10}, {F, F}},
        {"0 frames", {.layout = ET_LAYOUT_V30, .fps = 0}, {F, F}},
        {"-5 frames", {.layout = ET_LAYOUT_V30, .fps = -5}, {F, F}},
        {"-1", {.layout = ET_LAYOUT_V30, .fps = 10, .data_file_mb = -1}, {F, F}},
        {"video files", {.layout = ET_LAYOUT_V30, .fps = 10, .video_file_s = (double)NAN}, {F, F}},
        {"belongs to", {.layout = ET_LAYOUT_V30, .fps = 10, .modality_json = "{}"}, {F, F}},
        {"modality_json", {.layout = ET_LAYOUT_V21, .fps = 10, .modality_json = "{"}, {F, F}},
        {"the same as", {.layout = ET_LAYOUT_V30, .fps = 10, .tasks = TASKS, .n_tasks = 2}, {F, F}},
        {"no text", {.layout = ET_LAYOUT_V30, .fps = 10, .tasks = BROKEN, .n_tasks = 1}, {F, F}},
        {"twice", {.layout = ET_LAYOUT_V30, .fps = 10, .n_features = 2}, {F, F}},
        {"name", {.layout = ET_LAYOUT_V30, .fps = 10, .n_features = 1}, {{.name = ""}}},
        {"name", {.layout = ET_LAYOUT_V30, .fps = 10, .n_features = 1}, {{.name = "a\nb"}}},
        {"path", {.layout = ET_LAYOUT_V30, .fps = 10, .n_features = 1}, {{.name = "../x"}}},
        {"path", {.layout = ET_LAYOUT_V30, .fps = 10, .n_features = 1}, {{.name = ".."}}},
        {"dimension",
         {.layout = ET_LAYOUT_V30, .fps = 10, .n_features = 1},
         {{.name = "x", .dtype = ET_DTYPE_FLOAT32, .shape = NONE, .n_dims = 1}}},
        {"shape",
         {.layout = ET_LAYOUT_V30, .fps = 10, .n_features = 1},
         {{.name = "x", .dtype = ET_DTYPE_FLOAT32, .shape = TWO, .n_dims = 1, .n_values = 3}}},
        {"timestamp",
         {.layout = ET_LAYOUT_V30, .fps = 10, .n_features = 1},
         {{.name = "timestamp",
           .dtype = ET_DTYPE_FLOAT64,
           .shape = TWO,
           .n_dims = 1,
           .n_values = 2}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct et_err err = {0};
        struct et_dataset_writer *writer = NULL;
        memcpy(bad, cases[i].feature, sizeof bad);
        spec = cases[i].spec;
        spec.features = bad;
        CHECK_EQ(et_dataset_create(&writer, temp_path("refused"), &spec, &err), ET_EARG);
        CHECK_HAS(err.text, cases[i].has);
        CHECK(!writer && !file_exists(temp_path("refused")));
    }
}

static void keeps_what_stands_at_the_path(void)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
    CHECK_OK(et_dir_make(temp_path("taken"), &err));
    write_file(temp_path("taken/precious"), "gold", 4);
    CHECK_EQ(et_dataset_create(&writer, temp_path("taken"), &spec, &err), ET_EEXISTS);
    CHECK_HAS(err.text, "not empty");
    CHECK_EQ(et_dataset_create(&writer, temp_path("taken/precious"), &spec, &err), ET_EEXISTS);
    size_t n = 0;
    char *content = read_file(temp_path("taken/precious"), &n);
    CHECK_STR(content, "gold");
    free(content);
    CHECK_OK(et_dir_make(temp_path("empty"), &err));
    CHECK_OK(write_small(temp_path("empty"), &spec, 2, &err));
    CHECK(is_small(temp_path("empty"), 2, 0));
}

struct wrong {
    const char *has;
    void (*spoil)(struct et_new_episode *episode, struct et_column *columns);
};

static void no_rows(struct et_new_episode *episode, struct et_column *columns)
{
    (void)columns;
    episode->n_rows = 0;
}
static void no_task(struct et_new_episode *episode, struct et_column *columns)
{
    (void)columns;
    episode->n_tasks = 0;
}
static void no_column(struct et_new_episode *episode, struct et_column *columns)
{
    (void)columns;
    episode->n_columns = 1;
}
static void other_column(struct et_new_episode *episode, struct et_column *columns)
{
    episode->n_columns = 3;
    columns[2].name = "surprise";
}
static void other_width(struct et_new_episode *episode, struct et_column *columns)
{
    (void)episode;
    columns[1].n_values = 2;
}
static void other_type(struct et_new_episode *episode, struct et_column *columns)
{
    (void)episode;
    columns[1].type = ET_PARQUET_INT32;
}
static void ragged(struct et_new_episode *episode, struct et_column *columns)
{
    (void)episode;
    columns[1].is_rectangular = false;
}
static void task_out_of_range(struct et_new_episode *episode, struct et_column *columns)
{
    static const int64_t TASKS[64] = {0, 0, 0, 1};
    (void)columns;
    episode->task_of_row = TASKS;
}
static void video_of_no_feature(struct et_new_episode *episode, struct et_column *columns)
{
    static const struct et_new_video VIDEO = {.i_feature = 0, .path = "x"};
    (void)columns;
    episode->videos = &VIDEO;
    episode->n_videos = 1;
}

static void refuses_an_episode_that_does_not_fit_and_goes_on(void)
{
    static const struct wrong WRONGS[] = {{"without rows", no_rows},
                                          {"without an instruction", no_task},
                                          {"no column action", no_column},
                                          {"surprise", other_column},
                                          {"action", other_width},
                                          {"another type", other_type},
                                          {"action", ragged},
                                          {"task 1 of 1", task_out_of_range},
                                          {"videos", video_of_no_feature}};
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
    CHECK_OK(et_dataset_create(&writer, temp_path("goes-on"), &spec, &err));
    for (size_t i = 0; i < sizeof WRONGS / sizeof *WRONGS; i++) {
        float *cells = small_cells(0, 0);
        const char *task = "pick it up";
        struct et_column columns[] = {
            {"observation.state", 0, true, ET_PARQUET_FLOAT, N_JOINTS, cells, NULL, 0, NULL, 0},
            {"action", 1, true, ET_PARQUET_FLOAT, N_JOINTS, cells, NULL, 0, NULL, 0},
            {"action", 1, true, ET_PARQUET_FLOAT, N_JOINTS, cells, NULL, 0, NULL, 0}};
        struct et_new_episode episode = {
            .n_rows = rows_of(0), .columns = columns, .n_columns = 2, .tasks = &task, .n_tasks = 1};
        WRONGS[i].spoil(&episode, columns);
        CHECK_EQ(et_dataset_add(writer, &episode, &err), ET_EARG);
        CHECK_HAS(err.text, WRONGS[i].has);
        free(cells);
        if (i == 3)
            CHECK_OK(add_small(writer, 0, "pick it up", &err));
    }
    CHECK_OK(add_small(writer, 1, "pick it up", &err));
    CHECK_EQ(et_dataset_writer_totals(writer).n_episodes, 2);
    CHECK_OK(et_dataset_finish(writer, NULL, NULL, &err));
    CHECK(is_small(temp_path("goes-on"), 2, 0));
}

/* ---- ends of all kinds ---- */

static void opens_unfinished_with_every_episode(void)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    struct et_dataset *set = NULL;
    int64_t n = 0;
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
    CHECK_OK(et_dataset_create(&writer, temp_path("closed"), &spec, &err));
    for (int64_t i = 0; i < 3; i++)
        CHECK_OK(add_small(writer, i, "pick it up", &err));
    et_dataset_writer_close(writer);
    CHECK_OK(et_dataset_open(&set, temp_path("closed"), &err));
    CHECK(et_dataset_info(set)->is_unfinished);
    et_dataset_close(set);
    CHECK(is_small(temp_path("closed"), 3, 0));
    CHECK_OK(et_dataset_repair(temp_path("closed"), &n, &err));
    CHECK_EQ(n, 3);
    check_findings(temp_path("closed"));
}

static void finishes_without_an_episode(void)
{
    struct et_err err = {0};
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
    CHECK_OK(write_small(temp_path("none"), &spec, 0, &err));
    CHECK(file_exists(temp_path("none/meta/info.json")));
    CHECK(!file_exists(temp_path("none/meta/etude/journal.jsonl")));
}

/* The disk is full at every size from nothing on. What was committed is whole when there is room
 * again. */
static void keeps_what_was_committed_when_the_disk_is_full(void)
{
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V30);
    struct rlimit old, now;
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    int n_full = 0;
    for (rlim_t limit = 100; limit < 30000; limit += 700) {
        struct et_err err = {0};
        struct et_dataset_writer *writer = NULL;
        int64_t n_added = 0, n_kept = -1;
        const char *path = temp_path("full");
        CHECK_OK(et_path_remove(path, &err));
        now = (struct rlimit){limit, old.rlim_max};
        CHECK_EQ(setrlimit(RLIMIT_FSIZE, &now), 0);
        enum et_status st = et_dataset_create(&writer, path, &spec, &err);
        const bool is_created = st == ET_OK;
        while (st == ET_OK && n_added < 7) {
            st = add_small(writer, n_added, "pick it up", &err);
            n_added += st == ET_OK;
        }
        if (is_created && st != ET_OK) {
            CHECK_EQ(add_small(writer, n_added, "pick it up", NULL), ET_EIO);
            et_dataset_writer_close(writer);
        } else if (is_created) {
            st = et_dataset_finish(writer, NULL, NULL, &err);
        }
        CHECK_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
        n_full += st != ET_OK;
        CHECK(st == ET_OK || st == ET_EIO);
        if (!is_created)
            continue;
        CHECK_OK(et_dataset_repair(path, &n_kept, &err));
        CHECK(n_kept == n_added);
        CHECK(n_kept == 0 || is_small(path, n_kept, 0));
    }
    printf("# the disk was full in %d of 43 runs\n", n_full);
    CHECK(n_full > 10);
}

int main(int argc, char **argv)
{
    should_update = argc > 1 && strcmp(argv[1], "--update") == 0;
    RUN(writes_what_it_can_read);
    RUN(writes_the_same_bytes_twice);
    RUN(finds_nothing_wrong_with_what_it_wrote);
    RUN(says_in_json_what_it_was_told);
    RUN(keeps_nested_lists_texts_and_nulls);
    RUN(has_every_column_that_lerobot_looks_up);
    RUN(tells_pandas_which_column_is_the_index);
    RUN(has_one_row_group_an_episode);
    RUN(begins_a_new_file_where_lerobot_does);
    RUN(computes_exact_quantiles_whatever_the_budget);
    RUN(samples_pictures_as_lerobot_does);
    RUN(refuses_a_spec_that_contradicts_itself);
    RUN(keeps_what_stands_at_the_path);
    RUN(refuses_an_episode_that_does_not_fit_and_goes_on);
    RUN(opens_unfinished_with_every_episode);
    RUN(finishes_without_an_episode);
    RUN(keeps_what_was_committed_when_the_disk_is_full);
    return tap_end();
}

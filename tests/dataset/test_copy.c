#include "make_set.h"
#include "make_video.h"
#include "same_folder.h"

#include "dataset/dataset__write.h"

#define G1 "unitree_g1"
#define GR1 "gr1_pick_and_place/demo_data/robot_sim.PickNPlace"
#define N_G1 100

static struct et_arena *arena; // remarks and rows
static const char *g1, *gr1;   // NULL: no data

/* ---- helpers ---- */

static struct et_dataset *open_set(const char *path)
{
    struct et_err err = {0};
    struct et_dataset *set = NULL;
    if (!CHECK(et_dataset_open(&set, path, &err) == ET_OK))
        printf("# %s\n", err.text);
    return set;
}

static enum et_status copy_picks(const struct et_pick *picks, size_t n, const char *path,
                                 const struct et_copy_options *options,
                                 struct et_ops_result *result, struct et_err *err)
{
    struct et_ops_result own;
    const enum et_status st =
        et_dataset_copy(picks, n, path, options, arena, result ? result : &own, err);
    return st;
}

static enum et_status copy_one(const char *from, const char *to,
                               const struct et_copy_options *options, struct et_ops_result *result,
                               struct et_err *err)
{
    struct et_dataset *set = open_set(from);
    const struct et_pick pick = {.dataset = set};
    struct et_ops_result own = {0};
    const enum et_status st = copy_picks(&pick, 1, to, options, &own, err);
    et_dataset_close(set);
    if (result)
        *result = own;
    return st;
}

static bool has_remark(const struct et_ops_result *result, const char *where, const char *text)
{
    for (size_t i = 0; i < result->n_remarks; i++)
        if (strstr(result->remarks[i].where, where) && strstr(result->remarks[i].text, text))
            return true;
    for (size_t i = 0; i < result->n_remarks; i++)
        printf("# remark %s: %s\n", result->remarks[i].where, result->remarks[i].text);
    return false;
}

static size_t type_bytes(enum et_parquet_type type)
{
    return type == ET_PARQUET_BOOL                                 ? 1
           : type == ET_PARQUET_INT64 || type == ET_PARQUET_DOUBLE ? 8
                                                                   : 4;
}

/* Every column that both have is the same to the bit; `but` (may be NULL) does not count. */
static bool is_same_episode(const struct et_dataset *a, int64_t i_a, const struct et_dataset *b,
                            int64_t i_b, const char *but)
{
    struct et_err err = {0};
    struct et_rows x, y;
    const struct et_arena_mark mark = et_arena_mark(arena);
    bool is_same = et_dataset_rows(a, i_a, arena, &x, &err) == ET_OK &&
                   et_dataset_rows(b, i_b, arena, &y, &err) == ET_OK && x.n_rows == y.n_rows;
    size_t n_compared = 0;
    for (size_t c = 0; is_same && c < x.n_columns; c++) {
        const struct et_column *one = &x.columns[c], *other = et_rows_find(&y, one->name);
        if (!other || (but && strstr(but, one->name)) || !one->is_rectangular)
            continue;
        n_compared++;
        is_same = one->type == other->type && one->n_values == other->n_values &&
                  memcmp(one->values, other->values,
                         (size_t)x.n_rows * one->n_values * type_bytes(one->type)) == 0;
        if (!is_same)
            printf("# %s differs in episode %lld\n", one->name, (long long)i_a);
    }
    et_arena_rewind(arena, mark);
    return is_same && n_compared >= 2;
}

static bool is_same_set(const char *a, const char *b, int64_t n, const char *but)
{
    struct et_dataset *x = open_set(a), *y = open_set(b);
    bool is_same = x && y && et_dataset_info(y)->n_episodes == n;
    for (int64_t i = 0; is_same && i < n; i++)
        is_same = is_same_episode(x, i, y, i, but);
    et_dataset_close(x);
    et_dataset_close(y);
    return is_same;
}

static void check_findings(const char *path, size_t n_allowed)
{
    struct et_err err = {0};
    struct et_findings findings = {.arena = arena};
    const struct et_verify_options options = {.should_check_stats = true};
    CHECK_OK(et_dataset_verify(path, &options, &findings, &err));
    for (size_t i = 0; i < findings.n && findings.n > n_allowed; i++)
        printf("# %s: %s\n", findings.items[i].kind, findings.items[i].text);
    CHECK(findings.n <= n_allowed);
}

static const char *small_source(void)
{
    struct et_err err = {0};
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V21);
    const char *path = temp_path("small");
    if (!file_exists(path))
        CHECK_OK(write_small(path, &spec, 9, &err));
    return path;
}

/* ---- there and back ---- */

static void keeps_every_bit_there_and_back(void)
{
    struct et_err err = {0};
    const struct et_copy_options v30 = {.layout = ET_LAYOUT_V30}, v21 = {.layout = ET_LAYOUT_V21};
    CHECK_OK(copy_one(small_source(), temp_path("there"), &v30, NULL, &err));
    CHECK_OK(copy_one(temp_path("there"), temp_path("back"), &v21, NULL, &err));
    CHECK(is_same_set(small_source(), temp_path("there"), 9, NULL));
    CHECK(is_same_folder(small_source(), temp_path("back"), "etude"));
    check_findings(temp_path("there"), 0);
}

static void keeps_every_bit_of_a_real_humanoid(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_copy_options v30 = {.layout = ET_LAYOUT_V30, .videos = ET_VIDEO_DROP};
    const struct et_copy_options v21 = {.layout = ET_LAYOUT_V21, .videos = ET_VIDEO_DROP};
    if (!g1) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(copy_one(g1, temp_path("g1"), &v30, &result, &err));
    CHECK_EQ(result.totals.n_episodes, N_G1);
    CHECK_EQ(result.totals.n_rows, 35965);
    CHECK_EQ(result.n_remarks, 0);
    CHECK(is_same_set(g1, temp_path("g1"), N_G1, NULL));
    CHECK_OK(copy_one(temp_path("g1"), temp_path("g1-back"), &v21, NULL, &err));
    CHECK(is_same_set(g1, temp_path("g1-back"), N_G1, NULL));
    check_findings(temp_path("g1"), 0);
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Sorting all 35,965 values of every joint. */
static void has_the_quantiles_that_sorting_gives(void)
{
    struct et_err err = {0};
    if (!g1) {
        tap_skip("no data");
        return;
    }
    struct et_dataset *set = open_set(temp_path("g1"));
    const struct et_value *stats = et_value_get(et_dataset_info(set)->stats, "observation.state");
    double *all = malloc(sizeof(double) * 26 * 35965);
    size_t n = 0;
    for (int64_t e = 0; all && e < N_G1; e++) {
        struct et_rows rows;
        const struct et_arena_mark mark = et_arena_mark(arena);
        CHECK_OK(et_dataset_rows(set, e, arena, &rows, &err));
        const struct et_column *state = et_rows_find(&rows, "observation.state");
        for (int64_t row = 0; row < rows.n_rows; row++, n++)
            for (size_t j = 0; j < 26; j++)
                all[j * 35965 + n] = et_column_get(state, row, j);
        et_arena_rewind(arena, mark);
    }
    CHECK_EQ(n, 35965);
    for (size_t j = 0; all && j < 26; j++) {
        qsort(all + j * 35965, n, sizeof *all, compare_doubles);
        for (size_t q = 0; q < ET__N_QUANTILES; q++)
            CHECK_NEAR(et_value_real(et_value_at(et_value_get(stats, ET__LEVEL_NAMES[q]), j), -9),
                       et_quantile_sorted(all + j * 35965, n, ET__LEVELS[q]), 0);
    }
    free(all);
    et_dataset_close(set);
}

/* ---- threads ---- */

static bool is_going(void *ctx, int64_t n_done, int64_t n_total, int64_t n_bytes)
{
    int64_t *calls = ctx;
    (*calls)++;
    CHECK(n_done == *calls && n_done <= n_total && n_bytes >= 0);
    return true;
}

static void writes_the_same_bytes_whatever_the_threads(void)
{
    struct et_err err = {0};
    for (unsigned n = 1; n <= 4; n++) {
        char name[32];
        int64_t n_calls = 0;
        struct et_pool *pool = NULL;
        CHECK_OK(et_pool_open(&pool, n, &err));
        const struct et_copy_options options = {.layout = ET_LAYOUT_V30,
                                                .videos = ET_VIDEO_WITH,
                                                .pool = n == 1 ? NULL : pool,
                                                .progress = is_going,
                                                .progress_ctx = &n_calls};
        snprintf(name, sizeof name, "threads%u", n);
        CHECK_OK(copy_one(g1 ? g1 : small_source(), temp_path(name), &options, NULL, &err));
        CHECK_EQ(n_calls, g1 ? N_G1 : 9);
        CHECK(is_same_folder(temp_path("threads1"), temp_path(name), NULL));
        et_pool_close(pool);
    }
}

static bool stops_at_three(void *ctx, int64_t n_done, int64_t n_total, int64_t n_bytes)
{
    (void)ctx;
    (void)n_total;
    (void)n_bytes;
    return n_done < 3;
}

static void stops_when_it_is_told_to(void)
{
    struct et_err err = {0};
    int64_t n = 0;
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30, .progress = stops_at_three};
    CHECK_EQ(copy_one(small_source(), temp_path("stopped"), &options, NULL, &err), ET_ECANCELLED);
    CHECK_OK(et_dataset_repair(temp_path("stopped"), &n, &err));
    CHECK_EQ(n, 3);
    CHECK(is_small(temp_path("stopped"), 3, 0));
}

/* ---- picking ---- */

static void drops_and_renumbers(void)
{
    static const int64_t KEPT[] = {7, 2, 5};
    struct et_err err = {0};
    struct et_dataset *set = open_set(small_source());
    const struct et_pick pick = {set, KEPT, 3};
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    CHECK_OK(copy_picks(&pick, 1, temp_path("dropped"), &options, NULL, &err));
    struct et_dataset *dropped = open_set(temp_path("dropped"));
    CHECK_EQ(et_dataset_info(dropped)->n_episodes, 3);
    for (int64_t i = 0; i < 3; i++)
        CHECK(is_same_episode(set, KEPT[i], dropped, i, "episode_index index"));
    et_dataset_close(dropped);
    et_dataset_close(set);
    check_findings(temp_path("dropped"), 0);
}

static void refuses_an_episode_that_is_not_there(void)
{
    static const int64_t KEPT[] = {9};
    struct et_err err = {0};
    struct et_dataset *set = open_set(small_source());
    const struct et_pick pick = {set, KEPT, 1};
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    CHECK_EQ(copy_picks(&pick, 1, temp_path("no-such"), &options, NULL, &err), ET_EARG);
    CHECK_HAS(err.text, "place 9 of 9");
    CHECK(!file_exists(temp_path("no-such")));
    et_dataset_close(set);
}

/* A set whose annotation column holds numbers of tasks. */
static const char *annotated(const char *name, const char *const *tasks, size_t n_tasks)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    static const int64_t ONE[] = {1};
    const struct et_feature features[] = {
        {.name = "observation.state",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = ONE,
         .n_dims = 1,
         .n_values = 1},
        {.name = "annotation.human.validity",
         .dtype = ET_DTYPE_INT64,
         .shape = ONE,
         .n_dims = 1,
         .n_values = 1},
    };
    const struct et_dataset_spec spec = {.layout = ET_LAYOUT_V21,
                                         .fps = FPS,
                                         .features = features,
                                         .n_features = 2,
                                         .tasks = tasks,
                                         .n_tasks = n_tasks};
    const float state[] = {1, 2, 3};
    const int64_t validity[] = {1, 1, 0};
    const struct et_column columns[] = {
        {"observation.state", 0, true, ET_PARQUET_FLOAT, 1, state, NULL, 0, NULL, 0},
        {"annotation.human.validity", 1, true, ET_PARQUET_INT64, 1, validity, NULL, 0, NULL, 0},
    };
    const struct et_new_episode episode = {
        .n_rows = 3, .columns = columns, .n_columns = 2, .tasks = tasks, .n_tasks = 1};
    CHECK_OK(et_dataset_create(&writer, temp_path(name), &spec, &err));
    CHECK_OK(et_dataset_add(writer, &episode, &err));
    CHECK_OK(et_dataset_finish(writer, NULL, NULL, &err));
    return temp_path(name);
}

static void merges_and_renumbers_tasks(void)
{
    static const char *const A[] = {"wipe", "valid"}, *const B[] = {"fold", "wipe", "valid"};
    struct et_err err = {0};
    struct et_ops_result result;
    struct et_dataset *a = open_set(annotated("a", A, 2)), *b = open_set(annotated("b", B, 3));
    const struct et_pick picks[] = {{.dataset = a}, {.dataset = b}};
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    CHECK_OK(copy_picks(picks, 2, temp_path("merged"), &options, &result, &err));
    CHECK(has_remark(&result, temp_path("b"), "other numbers"));
    struct et_dataset *merged = open_set(temp_path("merged"));
    const struct et_dataset_info *info = et_dataset_info(merged);
    CHECK_EQ(info->n_tasks, 3);
    CHECK_STR(info->tasks[0], "wipe");
    CHECK_STR(info->tasks[1], "valid");
    CHECK_STR(info->tasks[2], "fold");
    struct et_rows rows;
    CHECK_OK(et_dataset_rows(merged, 1, arena, &rows, &err));
    CHECK_EQ(et_column_get(et_rows_find(&rows, "task_index"), 0, 0), 2);
    // In b, 1 is "wipe", which is 0 now, and 0 is "fold", which is 2.
    CHECK_EQ(et_column_get(et_rows_find(&rows, "annotation.human.validity"), 0, 0), 0);
    CHECK_EQ(et_column_get(et_rows_find(&rows, "annotation.human.validity"), 2, 0), 2);
    CHECK_EQ(et_column_get(et_rows_find(&rows, "index"), 0, 0), 3);
    et_dataset_close(merged);
    et_dataset_close(a);
    et_dataset_close(b);
    check_findings(temp_path("merged"), 0);
}

static void refuses_to_merge_what_differs(void)
{
    struct et_err err = {0};
    static const char *const A[] = {"wipe", "valid"};
    struct et_dataset *a = open_set(annotated("alone", A, 2)), *b = open_set(small_source());
    const struct et_pick picks[] = {{.dataset = a}, {.dataset = b}};
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    CHECK_EQ(copy_picks(picks, 2, temp_path("mixed"), &options, NULL, &err), ET_EARG);
    CHECK_HAS(err.text, "observation.state is of another shape");
    CHECK_HAS(err.text, "build merges");
    CHECK(!file_exists(temp_path("mixed")));
    CHECK_EQ(copy_picks(picks, 0, temp_path("mixed"), &options, NULL, &err), ET_EARG);
    et_dataset_close(a);
    et_dataset_close(b);
}

static void keeps_what_stands_at_the_path(void)
{
    struct et_err err = {0};
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    CHECK_OK(et_dir_make(temp_path("taken"), &err));
    write_file(temp_path("taken/precious"), "gold", 4);
    CHECK_EQ(copy_one(small_source(), temp_path("taken"), &options, NULL, &err), ET_EEXISTS);
    CHECK(file_exists(temp_path("taken/precious")));
    CHECK_EQ(copy_one(small_source(), small_source(), &options, NULL, &err), ET_EEXISTS);
}

static void keeps_what_was_said_of_its_episodes(void)
{
    static const int64_t KEPT[] = {2, 0};
    struct et_err err = {0};
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V21);
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    CHECK_OK(write_small(temp_path("said"), &spec, 3, &err));
    static const char LINES[] =
        "{\"episode_index\":0,\"grade\":{\"verdict\":\"warn\"},\"latency\":{\"lag_s\":0.1},"
        "\"findings\":[{\"kind\":\"jump\"}]}\n"
        "not a line\n"
        "{\"episode_index\":2,\"grade\":{\"verdict\":\"keep\"},\"findings\":[]}\n";
    write_file(temp_path("said/meta/etude/episodes.jsonl"), LINES, strlen(LINES));
    write_file(temp_path("said/meta/etude/canonical.yaml"), "profile: 1\n", 11);
    struct et_dataset *set = open_set(temp_path("said"));
    const struct et_pick pick = {set, KEPT, 2};
    CHECK_OK(copy_picks(&pick, 1, temp_path("said-out"), &options, NULL, &err));
    et_dataset_close(set);
    char *lines = read_file(temp_path("said-out/meta/etude/episodes.jsonl"), NULL);
    CHECK_HAS(lines, "{\"episode_index\":0,\"length\":9,\"tasks\":[\"put it down\"],"
                     "\"source_id\":\"said/2\",\"grade\":{\"verdict\":\"keep\"}");
    CHECK_HAS(lines, "\"source_id\":\"said/0\",\"grade\":{\"verdict\":\"warn\"},"
                     "\"latency\":{\"lag_s\":0.1},\"findings\":[{\"kind\":\"jump\"}]");
    free(lines);
    char *profile = read_file(temp_path("said-out/meta/etude/canonical.yaml"), NULL);
    CHECK_STR(profile, "profile: 1\n");
    free(profile);
}

/* ---- what cannot be taken over ---- */

static void replace_in(const char *path, const char *old, const char *new)
{
    size_t n = 0;
    char *text = read_file(path, &n);
    char *at = text ? strstr(text, old) : NULL;
    if (CHECK(at)) {
        const size_t n_old = strlen(old), n_new = strlen(new);
        char *changed = malloc(n + n_new + 1);
        memcpy(changed, text, (size_t)(at - text));
        memcpy(changed + (at - text), new, n_new);
        memcpy(changed + (at - text) + n_new, at + n_old, n - (size_t)(at - text) - n_old);
        write_file(path, changed, n - n_old + n_new);
        free(changed);
    }
    free(text);
}

static void wants_a_whole_rate(void)
{
    struct et_err err = {0};
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V21);
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    CHECK_OK(write_small(temp_path("odd"), &spec, 2, &err));
    replace_in(temp_path("odd/meta/info.json"), "\"fps\": 10", "\"fps\": 29.97");
    CHECK_EQ(copy_one(temp_path("odd"), temp_path("odd-out"), &options, NULL, &err),
             ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "29.97");
    CHECK_HAS(err.text, "build");
}

static void leaves_out_and_lists_what_cannot_be_read(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V21);
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    size_t n = 0;
    CHECK_OK(write_small(temp_path("holes"), &spec, 5, &err));
    CHECK_OK(et_file_remove(temp_path("holes/data/chunk-000/episode_000001.parquet"), &err));
    const char *cut = temp_path("holes/data/chunk-000/episode_000003.parquet");
    char *bytes = read_file(cut, &n);
    write_file(cut, bytes, n / 2);
    free(bytes);
    CHECK_OK(copy_one(temp_path("holes"), temp_path("holes-out"), &options, &result, &err));
    CHECK_EQ(result.totals.n_episodes, 3);
    CHECK_EQ(result.totals.n_rejected, 2);
    CHECK_EQ(result.n_episodes_in, 5);
    CHECK(has_remark(&result, "holes/1", "left out"));
    CHECK(has_remark(&result, "holes/3", "left out"));
    char *rejected = read_file(temp_path("holes-out/meta/etude/rejected.jsonl"), NULL);
    CHECK_HAS(rejected, "\"source_id\":\"holes/1\"");
    CHECK_HAS(rejected, "\"verdict\":\"reject\"");
    free(rejected);
    check_findings(temp_path("holes-out"), 0);
}

static void drops_what_is_declared_and_not_there(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V21);
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    CHECK_OK(write_small(temp_path("ghost"), &spec, 2, &err));
    replace_in(temp_path("ghost/meta/info.json"), "\"features\": {",
               "\"features\": {\"observation.ghost\": {\"dtype\": \"float32\", \"shape\": [2]}, "
               "\"observation.images.ghost\": {\"dtype\": \"video\", \"shape\": [4, 4, 3]}, ");
    replace_in(temp_path("ghost/meta/info.json"), "\"fps\": 10", "\"fps\": 10.0, \"colour\": 1");
    CHECK_OK(copy_one(temp_path("ghost"), temp_path("ghost-out"), &options, &result, &err));
    CHECK(has_remark(&result, "observation.ghost", "no such column; dropped"));
    CHECK(has_remark(&result, "observation.images.ghost", "no episode has the video; dropped"));
    CHECK(has_remark(&result, "info.json", "\"colour\" is not taken over"));
    CHECK(is_small(temp_path("ghost-out"), 2, 0));
    check_findings(temp_path("ghost-out"), 0);
}

static void declares_what_is_stored(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_dataset_spec spec = small_spec(ET_LAYOUT_V21);
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    CHECK_OK(write_small(temp_path("liar"), &spec, 2, &err));
    replace_in(temp_path("liar/meta/info.json"), "\"float32\"", "\"float64\"");
    CHECK_OK(copy_one(temp_path("liar"), temp_path("liar-out"), &options, &result, &err));
    CHECK(has_remark(&result, "observation.state", "declared as stored"));
    CHECK(is_small(temp_path("liar-out"), 2, 0));
    check_findings(temp_path("liar-out"), 0);
}

/* ---- videos ---- */

static void copies_the_videos_that_are_there(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_copy_options with = {.layout = ET_LAYOUT_V30, .videos = ET_VIDEO_WITH};
    const struct et_copy_options keep = {.layout = ET_LAYOUT_V30};
    if (!g1) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(copy_one(g1, temp_path("g1-with"), &with, &result, &err));
    CHECK_EQ(result.totals.n_episodes, 8);
    CHECK_EQ(result.totals.n_rejected, 92);
    CHECK_EQ(result.totals.n_frames_copied, result.totals.n_rows);
    CHECK_EQ(result.totals.n_frames_encoded, 0);
    CHECK(has_remark(&result, "unitree_g1/0", "video is not there"));
    check_findings(temp_path("g1-with"), 0);
    // Statistics of its pictures were known, so nothing was decoded.
    struct et_dataset *set = open_set(temp_path("g1-with"));
    const struct et_value *camera =
        et_value_get(et_dataset_info(set)->stats, "observation.images.cam_high");
    CHECK(et_value_get(camera, "mean") && !et_value_get(camera, "q50"));
    et_dataset_close(set);

    CHECK_EQ(copy_one(g1, temp_path("g1-keep"), &keep, NULL, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "episode 0 has no observation.images.cam_high");
    CHECK(!file_exists(temp_path("g1-keep")));
}

static void keeps_statistics_of_pictures_from_v30_to_v30(void)
{
    struct et_err err = {0};
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30};
    if (!g1) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(copy_one(temp_path("g1-with"), temp_path("g1-again"), &options, NULL, &err));
    CHECK(is_same_folder(temp_path("g1-with"), temp_path("g1-again"), "etude"));
}

static void converts_a_simulated_humanoid_with_its_frames(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_copy_options v30 = {.layout = ET_LAYOUT_V30};
    const struct et_copy_options groot = {.layout = ET_LAYOUT_V21, .groot = true};
    if (!gr1) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(copy_one(gr1, temp_path("gr1"), &v30, &result, &err));
    CHECK_EQ(result.totals.n_frames_copied, 2096);
    CHECK(has_remark(&result, "observation.images.egoview", "dropped"));
    CHECK(has_remark(&result, "timestamp", "float32"));
    CHECK(is_same_set(gr1, temp_path("gr1"), 5, "timestamp"));
    check_findings(temp_path("gr1"), 5); // "valid" is an annotation's task, as in the source

    CHECK_OK(copy_one(temp_path("gr1"), temp_path("gr1-groot"), &groot, NULL, &err));
    CHECK(is_same_set(gr1, temp_path("gr1-groot"), 5, "timestamp"));
    CHECK(file_exists(temp_path("gr1-groot/meta/modality.json")));
    CHECK(file_exists(temp_path("gr1-groot/meta/stats.json")));
    CHECK_OK(copy_one(gr1, temp_path("gr1-modality"), &groot, NULL, &err));
    struct et_dataset *set = open_set(temp_path("gr1-modality"));
    const struct et_value *modality = et_dataset_info(set)->modality;
    const struct et_value *waist = et_value_get(et_value_get(modality, "state"), "waist");
    CHECK_EQ(et_value_int(et_value_get(waist, "start"), -1), 41);
    CHECK_EQ(et_value_count(et_value_get(modality, "video")), 1);
    et_dataset_close(set);
}

static void makes_modality_json_from_the_profile(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_copy_options groot = {
        .layout = ET_LAYOUT_V21, .groot = true, .videos = ET_VIDEO_DROP};
    if (!g1) {
        tap_skip("no data");
        return;
    }
    struct et_dataset *set = open_set(g1);
    CHECK_OK(et_dataset_use_profile(set, NULL, &err));
    const struct et_pick pick = {.dataset = set};
    CHECK_OK(copy_picks(&pick, 1, temp_path("g1-groot"), &groot, &result, &err));
    et_dataset_close(set);
    set = open_set(temp_path("g1-groot"));
    const struct et_value *state = et_value_get(et_dataset_info(set)->modality, "state");
    const struct et_value *hand = et_value_get(state, "right_hand");
    CHECK_EQ(et_value_int(et_value_get(hand, "start"), -1), 20);
    CHECK_EQ(et_value_int(et_value_get(hand, "end"), -1), 26);
    et_dataset_close(set);
}

static void wants_v21_for_groot(void)
{
    struct et_err err = {0};
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30, .groot = true};
    CHECK_EQ(copy_one(small_source(), temp_path("groot30"), &options, NULL, &err), ET_EARG);
    CHECK_HAS(err.text, "v2.1");
}

int main(void)
{
    struct et_err err = {0};
    if (et_arena_open(&arena, (size_t)1 << 30, &err) != ET_OK)
        return 99;
    g1 = data_path(G1);
    gr1 = data_path(GR1);
    RUN(keeps_every_bit_there_and_back);
    RUN(keeps_every_bit_of_a_real_humanoid);
    RUN(has_the_quantiles_that_sorting_gives);
    RUN(writes_the_same_bytes_whatever_the_threads);
    RUN(stops_when_it_is_told_to);
    RUN(drops_and_renumbers);
    RUN(refuses_an_episode_that_is_not_there);
    RUN(merges_and_renumbers_tasks);
    RUN(refuses_to_merge_what_differs);
    RUN(keeps_what_stands_at_the_path);
    RUN(keeps_what_was_said_of_its_episodes);
    RUN(wants_a_whole_rate);
    RUN(leaves_out_and_lists_what_cannot_be_read);
    RUN(drops_what_is_declared_and_not_there);
    RUN(declares_what_is_stored);
    RUN(copies_the_videos_that_are_there);
    RUN(keeps_statistics_of_pictures_from_v30_to_v30);
    RUN(converts_a_simulated_humanoid_with_its_frames);
    RUN(makes_modality_json_from_the_profile);
    RUN(wants_v21_for_groot);
    et_arena_close(arena);
    return tap_end();
}

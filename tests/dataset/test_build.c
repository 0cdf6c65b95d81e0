#include "make_set.h"
#include "make_video.h"
#include "same_folder.h"

#include "dataset/dataset__resample.h"

#include <math.h>

#define G1 "unitree_g1"
#define GR1 "gr1_pick_and_place/demo_data/robot_sim.PickNPlace"

static struct et_arena *arena;
static const char *g1, *gr1;

static struct et_dataset *open_set(const char *path)
{
    struct et_err err = {0};
    struct et_dataset *set = NULL;
    if (!CHECK(et_dataset_open(&set, path, &err) == ET_OK &&
               et_dataset_use_profile(set, NULL, &err) == ET_OK))
        printf("# %s\n", err.text);
    return set;
}

static enum et_status build_one(const char *from, const char *to,
                                const struct et_build_options *options,
                                struct et_ops_result *result, struct et_err *err)
{
    struct et_dataset *set = open_set(from);
    const struct et_pick pick = {.dataset = set};
    struct et_ops_result own = {0};
    const enum et_status st = et_dataset_build(&pick, 1, to, options, arena, &own, err);
    if (result)
        *result = own;
    et_dataset_close(set);
    return st;
}

static bool has_remark(const struct et_ops_result *result, const char *where, const char *text)
{
    for (size_t i = 0; i < result->n_remarks; i++)
        if (strstr(result->remarks[i].where, where) && strstr(result->remarks[i].text, text))
            return true;
    return false;
}

static const struct et_feature *feature_of(const struct et_dataset *set, const char *name)
{
    const int i = et_dataset_find(set, name);
    return CHECK(i >= 0) ? &et_dataset_info(set)->features[i] : NULL;
}

static double cell(const struct et_dataset *set, int64_t episode, const char *name, int64_t row,
                   size_t value)
{
    struct et_err err = {0};
    struct et_rows rows;
    const struct et_arena_mark mark = et_arena_mark(arena);
    double x = (double)NAN;
    if (et_dataset_rows(set, episode, arena, &rows, &err) == ET_OK) {
        const struct et_column *column = et_rows_find(&rows, name);
        if (CHECK(column && row < rows.n_rows && value < column->n_values))
            x = et_column_get(column, row, value);
    }
    et_arena_rewind(arena, mark);
    return x;
}

static int64_t length_of(const struct et_dataset *set, int64_t episode)
{
    struct et_err err = {0};
    struct et_episode_meta meta = {0};
    CHECK_OK(et_dataset_episode_meta(set, episode, arena, &meta, &err));
    return meta.n_rows;
}

static void check_findings(const char *path)
{
    struct et_err err = {0};
    struct et_findings findings = {.arena = arena};
    const struct et_verify_options options = {.should_check_stats = true};
    CHECK_OK(et_dataset_verify(path, &options, &findings, &err));
    for (size_t i = 0; i < findings.n; i++)
        printf("# %s: %s\n", findings.items[i].kind, findings.items[i].text);
    CHECK_EQ(findings.n, 0);
}

/* ---- other time lines ---- */

static struct et_track track_of(const char *name, enum et_quantity quantity, const int64_t *t_ns,
                                const double *values, size_t n)
{
    return (struct et_track){.stream = {.name = name,
                                        .quantity = quantity,
                                        .is_command = strncmp(name, "command.", 8) == 0,
                                        .unit = "rad",
                                        .n_values = quantity == ET_QUANTITY_POSE ? 7 : 1},
                             .n_samples = n,
                             .t_ns = t_ns,
                             .values = values};
}

static void goes_straight_between_measured_values(void)
{
    static const int64_t T[] = {0, 10, 30}, WANTED[] = {0, 5, 10, 20, 29, 30};
    static const double X[] = {1, 2, 6}, Y[] = {1, 1.5, 2, 4, 5.8, 6};
    static const int64_t AGES[] = {0, 5, 0, 10, 19, 0};
    const struct et_track track = track_of("left_arm.position", ET_QUANTITY_POSITION, T, X, 3);
    double values[6];
    int64_t ages[6];
    et__resample(&track, WANTED, 6, values, ages);
    for (int i = 0; i < 6; i++) {
        CHECK_NEAR(values[i], Y[i], 1e-12);
        CHECK_EQ(ages[i], AGES[i]);
    }
}

static void holds_a_command_until_the_next(void)
{
    static const int64_t T[] = {0, 10, 30}, WANTED[] = {0, 9, 10, 29, 30, 31};
    static const double X[] = {1, 2, 6}, Y[] = {1, 1, 2, 2, 6, 6};
    const struct et_track track =
        track_of("command.left_arm.position", ET_QUANTITY_POSITION, T, X, 3);
    double values[6];
    et__resample(&track, WANTED, 6, values, NULL);
    for (int i = 0; i < 6; i++)
        CHECK_NEAR(values[i], Y[i], 0);
}

static void turns_poses_along_the_shorter_arc(void)
{
    static const int64_t T[] = {0, 100}, WANTED[] = {25, 50};
    // From no turn to 90° about z, the latter with the other sign.
    static const double X[] = {
        0, 0, 0, 0, 0, 0, 1, 4, 8, 0, 0, 0, -0.7071067811865476, -0.7071067811865476};
    const struct et_track track = track_of("left_wrist.pose", ET_QUANTITY_POSE, T, X, 2);
    double values[14];
    et__resample(&track, WANTED, 2, values, NULL);
    CHECK_NEAR(values[0], 1, 1e-12);
    CHECK_NEAR(values[1], 2, 1e-12);
    CHECK_NEAR(fabs(values[7 + 5]), sin(M_PI / 8), 1e-12); // 45° at the middle
    CHECK_NEAR(fabs(values[7 + 6]), cos(M_PI / 8), 1e-12);
}

static void finds_the_nearest_time(void)
{
    static const int64_t T[] = {0, 10, 20, 40};
    CHECK_EQ(et__nearest(T, 4, -5), 0);
    CHECK_EQ(et__nearest(T, 4, 5), 0); // as near: the earlier
    CHECK_EQ(et__nearest(T, 4, 6), 1);
    CHECK_EQ(et__nearest(T, 4, 31), 3);
    CHECK_EQ(et__nearest(T, 4, 99), 3);
    CHECK_EQ(et__newest(T, 4, 39), 2);
    CHECK_EQ(et__newest(T, 1, 39), 0);
}

/* ---- a real humanoid ---- */

static void has_canonical_order_and_names(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_build_options options = {.videos = ET_VIDEO_DROP};
    if (!g1) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(build_one(g1, temp_path("g1"), &options, &result, &err));
    CHECK_EQ(result.totals.n_episodes, 100);
    struct et_dataset *set = open_set(temp_path("g1")), *from = open_set(g1);
    const struct et_feature *state = feature_of(set, "observation.state");
    CHECK_STR(state->names[0], "left_shoulder_pitch");
    CHECK_STR(state->names[7], "left_hand_pinky");
    CHECK_STR(state->names[13], "right_shoulder_pitch");
    CHECK_STR(state->names[25], "right_hand_thumb_rotation");
    CHECK_STR(feature_of(set, "action")->names[13], "right_shoulder_pitch");
    // The maker's order is left arm, right arm, left hand, right hand.
    for (int64_t row = 0; row < 300; row += 37) {
        CHECK_NEAR(cell(set, 3, "observation.state", row, 13),
                   cell(from, 3, "observation.state", row, 7), 0);
        CHECK_NEAR(cell(set, 3, "action", row, 7), cell(from, 3, "action", row, 14), 0);
    }
    et_dataset_close(from);
    et_dataset_close(set);
    CHECK(file_exists(temp_path("g1/meta/etude/profiles/unitree-g1-inspire.yaml")));
    CHECK(file_exists(temp_path("g1/meta/etude/provenance.json")));
    check_findings(temp_path("g1"));
}

static void keeps_the_frames_of_episodes_that_have_them(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_build_options options = {.videos = ET_VIDEO_WITH};
    if (!g1) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(build_one(g1, temp_path("g1-with"), &options, &result, &err));
    CHECK_EQ(result.totals.n_episodes, 8);
    CHECK_EQ(result.totals.n_frames_copied, result.totals.n_rows);
    struct et_dataset *set = open_set(temp_path("g1-with"));
    CHECK_EQ(feature_of(set, "observation.images.head")->dtype, ET_DTYPE_VIDEO);
    et_dataset_close(set);
    check_findings(temp_path("g1-with"));
}

static void lists_what_is_rejected_with_its_reason(void)
{
    static struct et_judged judged[100];
    static const struct et_finding FINDING = {.kind = "idle",
                                              .severity = ET_SEVERITY_ERROR,
                                              .t_first_ns = ET_FINDING_WHOLE,
                                              .value = 0.9,
                                              .threshold = 0.5,
                                              .unit = "fraction",
                                              .text = "nothing happens"};
    static const size_t DECIDED[] = {0};
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_judged *const all[] = {judged};
    const struct et_build_options options = {.videos = ET_VIDEO_DROP, .judged = all};
    if (!g1) {
        tap_skip("no data");
        return;
    }
    for (int i = 0; i < 100; i++) {
        judged[i].grade = (struct et_grade){.verdict = ET_VERDICT_KEEP, .grading = "test"};
        judged[i].latency_json = ET_STR("{\"lag_s\":0.15}");
    }
    judged[4] = (struct et_judged){.grade = {ET_VERDICT_REJECT, "test", DECIDED, 1, "it idles"},
                                   .findings = &FINDING,
                                   .n_findings = 1};
    CHECK_OK(build_one(g1, temp_path("judged"), &options, &result, &err));
    CHECK_EQ(result.totals.n_episodes, 99);
    CHECK_EQ(result.totals.n_rejected, 1);
    char *rejected = read_file(temp_path("judged/meta/etude/rejected.jsonl"), NULL);
    CHECK_HAS(rejected, "\"source_id\":\"unitree_g1/4\"");
    CHECK_HAS(rejected, "\"reason\":\"it idles\"");
    CHECK_HAS(rejected, "\"text\":\"nothing happens\"");
    free(rejected);
    char *kept = read_file(temp_path("judged/meta/etude/episodes.jsonl"), NULL);
    CHECK_HAS(kept, "\"source_id\":\"unitree_g1/5\"");
    CHECK_HAS(kept, "\"latency\":{\"lag_s\":0.15}");
    free(kept);
    check_findings(temp_path("judged"));
}

static void resamples_to_another_rate(void)
{
    struct et_err err = {0};
    const struct et_build_options options = {.videos = ET_VIDEO_DROP, .fps = 10};
    const struct et_build_options faster = {.videos = ET_VIDEO_DROP, .fps = 60};
    if (!g1) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(build_one(g1, temp_path("g1-10"), &options, NULL, &err));
    CHECK_OK(build_one(g1, temp_path("g1-60"), &faster, NULL, &err));
    struct et_dataset *at_30 = open_set(temp_path("g1")), *at_10 = open_set(temp_path("g1-10")),
                      *at_60 = open_set(temp_path("g1-60"));
    CHECK_EQ(et_dataset_info(at_10)->fps, 10);
    CHECK_EQ(length_of(at_10, 0), (length_of(at_30, 0) - 1) / 3 + 1);
    CHECK_EQ(length_of(at_60, 0), 2 * length_of(at_30, 0) - 1);
    for (int64_t row = 0; row < 100; row += 13) {
        CHECK_NEAR(cell(at_10, 0, "observation.state", row, 5),
                   cell(at_30, 0, "observation.state", 3 * row, 5), 1e-7);
        CHECK_NEAR(cell(at_60, 0, "observation.state", 2 * row + 1, 5),
                   (cell(at_30, 0, "observation.state", row, 5) +
                    cell(at_30, 0, "observation.state", row + 1, 5)) /
                       2,
                   1e-6);
        CHECK_NEAR(cell(at_60, 0, "action", 2 * row + 1, 5), cell(at_30, 0, "action", row, 5), 0);
    }
    et_dataset_close(at_30);
    et_dataset_close(at_10);
    et_dataset_close(at_60);
    check_findings(temp_path("g1-10"));
}

static void moves_the_action_on_demand_and_never_invents(void)
{
    struct et_err err = {0};
    const struct et_build_options later = {.videos = ET_VIDEO_DROP, .action_shift_s = 0.1};
    const struct et_build_options earlier = {.videos = ET_VIDEO_DROP, .action_shift_s = -0.1};
    if (!g1) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(build_one(g1, temp_path("later"), &later, NULL, &err));
    CHECK_OK(build_one(g1, temp_path("earlier"), &earlier, NULL, &err));
    struct et_dataset *plain = open_set(temp_path("g1")), *a = open_set(temp_path("later")),
                      *b = open_set(temp_path("earlier"));
    CHECK_EQ(length_of(a, 0), length_of(plain, 0) - 3);
    CHECK_EQ(length_of(b, 0), length_of(plain, 0) - 3);
    for (int64_t row = 0; row < 200; row += 31) {
        CHECK_NEAR(cell(a, 0, "observation.state", row, 2),
                   cell(plain, 0, "observation.state", row, 2), 1e-7);
        CHECK_NEAR(cell(a, 0, "action", row, 2), cell(plain, 0, "action", row + 3, 2), 0);
        CHECK_NEAR(cell(b, 0, "observation.state", row, 2),
                   cell(plain, 0, "observation.state", row + 3, 2), 1e-7);
        CHECK_NEAR(cell(b, 0, "action", row, 2), cell(plain, 0, "action", row, 2), 0);
    }
    et_dataset_close(plain);
    et_dataset_close(a);
    et_dataset_close(b);
}

/* ---- two robots ---- */

static void build_two(const char *to, enum et_parts_mode parts, struct et_ops_result *result)
{
    struct et_err err = {0};
    struct et_dataset *a = open_set(gr1), *b = open_set(g1);
    const struct et_pick picks[] = {{.dataset = a}, {.dataset = b}};
    const struct et_build_options options = {.videos = ET_VIDEO_DROP, .parts = parts, .fps = 10};
    CHECK_OK(et_dataset_build(picks, 2, to, &options, arena, result, &err));
    et_dataset_close(a);
    et_dataset_close(b);
}

static void merges_what_two_robots_have_in_common(void)
{
    struct et_ops_result result;
    if (!g1 || !gr1) {
        tap_skip("no data");
        return;
    }
    build_two(temp_path("common"), ET_PARTS_COMMON, &result);
    CHECK_EQ(result.totals.n_episodes, 105);
    struct et_dataset *set = open_set(temp_path("common"));
    const struct et_feature *state = feature_of(set, "observation.state");
    for (size_t i = 0; i < state->n_values; i++) // a hand in radians is not one in fractions
        CHECK(strstr(state->names[i], "shoulder") || strstr(state->names[i], "wrist"));
    CHECK(has_remark(&result, "left_hand.position", "left_hand_pinky.fraction"));
    CHECK(et_dataset_find(set, "etude.valid.observation.state") < 0);
    et_dataset_close(set);
    check_findings(temp_path("common"));
}

static void says_what_a_robot_does_not_have(void)
{
    struct et_ops_result result;
    if (!g1 || !gr1) {
        tap_skip("no data");
        return;
    }
    build_two(temp_path("union"), ET_PARTS_UNION, &result);
    struct et_dataset *set = open_set(temp_path("union"));
    const struct et_feature *state = feature_of(set, "observation.state");
    CHECK_STR(state->names[0], "head_yaw");
    CHECK_EQ(feature_of(set, "etude.valid.observation.state")->n_values, state->n_values);
    CHECK_EQ(cell(set, 0, "etude.valid.observation.state", 0, 0), 1);  // GR1 has a neck
    CHECK_EQ(cell(set, 10, "etude.valid.observation.state", 0, 0), 0); // G1 has none here
    CHECK_EQ(cell(set, 10, "observation.state", 0, 0), 0);
    const struct et_feature *robot = feature_of(set, "etude.robot");
    CHECK_EQ(robot->n_values, 2);
    CHECK(strstr(robot->names[0], "gr1") && strstr(robot->names[1], "g1"));
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(cell(set, 0, "etude.robot", 0, i), i == 0);
        CHECK_EQ(cell(set, 10, "etude.robot", 0, i), i == 1);
    }
    /* What is the robot's own is as it is alone, though the other has other values of the same
     * streams (a hand in fractions, where this one has radians). */
    struct et_err err = {0};
    const struct et_build_options options = {.videos = ET_VIDEO_DROP, .fps = 10};
    CHECK_OK(build_one(g1, temp_path("alone"), &options, NULL, &err));
    struct et_dataset *alone = open_set(temp_path("alone"));
    const struct et_feature *own = feature_of(alone, "observation.state");
    const int64_t n_before = et_dataset_info(set)->n_episodes - et_dataset_info(alone)->n_episodes;
    size_t n_same = 0;
    for (size_t i = 0; i < state->n_values; i++)
        for (size_t k = 0; k < own->n_values; k++) {
            const size_t n = strlen(own->names[k]);
            if (strncmp(state->names[i], own->names[k], n) != 0 ||
                (state->names[i][n] && state->names[i][n] != '.') ||
                !(cell(set, 10, "etude.valid.observation.state", 0, i) > 0))
                continue;
            n_same++;
            for (int64_t row = 0; row < 60; row += 20)
                CHECK_NEAR(cell(set, 10, "observation.state", row, i),
                           cell(alone, 10 - n_before, "observation.state", row, k), 0);
        }
    CHECK_EQ(n_same, own->n_values);
    et_dataset_close(alone);
    et_dataset_close(set);
    check_findings(temp_path("union"));
}

static void wants_one_rate_for_two_robots(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    const struct et_build_options options = {.videos = ET_VIDEO_DROP};
    if (!g1 || !gr1) {
        tap_skip("no data");
        return;
    }
    struct et_dataset *a = open_set(gr1), *b = open_set(g1);
    const struct et_pick picks[] = {{.dataset = a}, {.dataset = b}};
    CHECK_EQ(et_dataset_build(picks, 2, temp_path("rates"), &options, arena, &result, &err),
             ET_EARG);
    CHECK_HAS(err.text, "20 frames a second");
    CHECK(!file_exists(temp_path("rates")));
    et_dataset_close(a);
    et_dataset_close(b);
}

/* ---- measured times ---- */

/* Six rows a tenth of a second apart, and some milliseconds off; a frame for each. */
static const char *measured_set(void)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    if (file_exists(temp_path("measured")))
        return temp_path("measured");
    static const int64_t ONE[] = {1}, SHAPE[] = {48, 64, 3};
    static const struct et_feature FEATURES[] = {
        {.name = "observation.state",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = ONE,
         .n_dims = 1,
         .n_values = 1},
        {.name = "action", .dtype = ET_DTYPE_FLOAT32, .shape = ONE, .n_dims = 1, .n_values = 1},
        {.name = "observation.images.head", .dtype = ET_DTYPE_VIDEO, .shape = SHAPE, .n_dims = 3},
    };
    static const float STATE[] = {0, 1, 2, 3, 4, 5};
    static const float TIMES[] = {0, 0.11f, 0.19f, 0.32f, 0.41f, 0.5f};
    static const struct et_column COLUMNS[] = {
        {"observation.state", 0, true, ET_PARQUET_FLOAT, 1, STATE, NULL, 0, NULL, 0},
        {"action", 1, true, ET_PARQUET_FLOAT, 1, STATE, NULL, 0, NULL, 0},
        {"timestamp", 3, true, ET_PARQUET_FLOAT, 1, TIMES, NULL, 0, NULL, 0},
    };
    static const struct et_video_options VIDEO = {
        .codec = ET_VIDEO_H264, .width_px = 64, .height_px = 48, .fps = FPS};
    static const char *const TASK = "pick it up";
    const struct et_dataset_spec spec = {
        .layout = ET_LAYOUT_V21, .fps = FPS, .features = FEATURES, .n_features = 3};
    const char *source = temp_path("six.mp4");
    make_video(source, &VIDEO, 6);
    const struct et_new_video video = {.i_feature = 2, .path = source, .n_frames = 6};
    const struct et_new_episode episode = {.n_rows = 6,
                                           .columns = COLUMNS,
                                           .n_columns = 3,
                                           .tasks = &TASK,
                                           .n_tasks = 1,
                                           .videos = &video,
                                           .n_videos = 1};
    CHECK_OK(et_dataset_create(&writer, temp_path("measured"), &spec, &err));
    CHECK_OK(et_dataset_add(writer, &episode, &err));
    CHECK_OK(et_dataset_finish(writer, NULL, NULL, &err));
    return temp_path("measured");
}

static void says_how_old_measured_values_are(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    struct et_episode_meta meta;
    struct et_build_options options = {.videos = ET_VIDEO_KEEP};
    options.video.codec = ET_VIDEO_H264;
    CHECK_OK(build_one(measured_set(), temp_path("even"), &options, &result, &err));
    struct et_dataset *set = open_set(temp_path("even"));
    CHECK_EQ(length_of(set, 0), 6);
    // At 0.1 s the newest sample is the first, 0.1 s old; between it and the second lies 1 / 1.1.
    CHECK_NEAR(cell(set, 0, "observation.state", 1, 0), 0.1 / 0.11, 1e-6);
    CHECK_NEAR(cell(set, 0, "action", 1, 0), 0, 0);
    CHECK_NEAR(cell(set, 0, "etude.age.body.position", 1, 0), 0.1, 1e-6);
    CHECK_NEAR(cell(set, 0, "etude.age.body.position", 2, 0), 0.01, 1e-6);
    CHECK_NEAR(cell(set, 0, "timestamp", 3, 0), (double)0.3f, 0);
    CHECK_OK(et_dataset_episode_meta(set, 0, arena, &meta, &err));
    static const int64_t NEAREST[] = {0, 1, 2, 3, 4, 5};
    for (int64_t row = 0; row < 6; row++)
        CHECK_EQ(frame_seen(meta.videos[0].path, row), NEAREST[row]);
    et_dataset_close(set);
    check_findings(temp_path("even"));
}

static void encodes_the_nearest_frames_at_another_rate(void)
{
    struct et_err err = {0};
    struct et_ops_result result;
    struct et_episode_meta meta;
    struct et_build_options options = {.videos = ET_VIDEO_KEEP, .fps = 5};
    options.video.codec = ET_VIDEO_H264;
    CHECK_OK(build_one(measured_set(), temp_path("slow"), &options, &result, &err));
    CHECK_EQ(result.totals.n_frames_encoded, 3);
    struct et_dataset *set = open_set(temp_path("slow"));
    CHECK_OK(et_dataset_episode_meta(set, 0, arena, &meta, &err));
    static const int64_t NEAREST[] = {0, 2, 4}; // 0, 0.2 and 0.4 s
    for (int64_t row = 0; row < 3; row++)
        CHECK_EQ(frame_seen(meta.videos[0].path, row), NEAREST[row]);
    et_dataset_close(set);
    check_findings(temp_path("slow"));
}

/* ---- threads ---- */

static void writes_the_same_bytes_whatever_the_threads(void)
{
    struct et_err err = {0};
    for (unsigned n = 1; n <= 3; n++) {
        char name[32];
        struct et_pool *pool = NULL;
        CHECK_OK(et_pool_open(&pool, n, &err));
        struct et_build_options options = {.videos = ET_VIDEO_WITH, .fps = 10, .pool = pool};
        options.video.codec = ET_VIDEO_H264;
        snprintf(name, sizeof name, "threads%u", n);
        CHECK_OK(build_one(measured_set(), temp_path(name), &options, NULL, &err));
        CHECK(is_same_folder(temp_path("threads1"), temp_path(name), NULL));
        options.videos = ET_VIDEO_DROP;
        snprintf(name, sizeof name, "g1-threads%u", n);
        if (g1) {
            CHECK_OK(build_one(g1, temp_path(name), &options, NULL, &err));
            CHECK(is_same_folder(temp_path("g1-threads1"), temp_path(name), NULL));
        }
        et_pool_close(pool);
    }
}

static void wants_a_profile(void)
{
    struct et_err err = {0};
    struct et_dataset *set = NULL;
    struct et_ops_result result;
    const struct et_build_options options = {0};
    CHECK_OK(et_dataset_open(&set, measured_set(), &err));
    const struct et_pick pick = {.dataset = set};
    CHECK_EQ(et_dataset_build(&pick, 1, temp_path("bare"), &options, arena, &result, &err),
             ET_EARG);
    CHECK_HAS(err.text, "no profile");
    et_dataset_close(set);
}

int main(void)
{
    struct et_err err = {0};
    if (et_arena_open(&arena, (size_t)1 << 30, &err) != ET_OK)
        return 99;
    g1 = data_path(G1);
    gr1 = data_path(GR1);
    RUN(goes_straight_between_measured_values);
    RUN(holds_a_command_until_the_next);
    RUN(turns_poses_along_the_shorter_arc);
    RUN(finds_the_nearest_time);
    RUN(has_canonical_order_and_names);
    RUN(keeps_the_frames_of_episodes_that_have_them);
    RUN(lists_what_is_rejected_with_its_reason);
    RUN(resamples_to_another_rate);
    RUN(moves_the_action_on_demand_and_never_invents);
    RUN(merges_what_two_robots_have_in_common);
    RUN(says_what_a_robot_does_not_have);
    RUN(wants_one_rate_for_two_robots);
    RUN(says_how_old_measured_values_are);
    RUN(encodes_the_nearest_frames_at_another_rate);
    RUN(writes_the_same_bytes_whatever_the_threads);
    RUN(wants_a_profile);
    et_arena_close(arena);
    return tap_end();
}

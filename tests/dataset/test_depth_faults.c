/* Depth into rows under a system that fails: what a repair leaves is whole, picture by picture. */
#include "etude/dataset_ops.h"
#include "etude/file.h"

#include "../recording/made.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

#include <ftw.h>
#include <stdlib.h>

#define FEATURE "observation.depth.head"

enum { N_ROWS = 12 };

static struct et_err err;
static struct et_arena *arena;
static const char *profile, *recording;

static const char *const PROFILE = "profile: 1\nmaker: M\nmodel: T\nparts:\n"
                                   "  left_arm:\n    unit: rad\n    joints:\n"
                                   "      - {name: a, lower: null, upper: null}\n"
                                   "cameras:\n  head: in the head\nrules:\n"
                                   "  - {stream: left_arm.position, topic: /j, names: [a]}\n"
                                   "  - {stream: head.depth, topic: /d, stamp: none}\n";

/* The picture i_bad is damaged. */
static void record(const char *path, int i_bad)
{
    struct made m;
    made_open(&m, path);
    const uint16_t j = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t d = made_channel(&m, "/d", "sensor_msgs/msg/CompressedImage");
    for (int k = 0; k < N_ROWS; k++) {
        const double q = k;
        // Every other picture is quantised, so that it has to be encoded here.
        struct et_buf png = made_depth((uint16_t)(100 * (k + 1)), k % 2 ? 7 : 0, k % 2 ? 3 : 0);
        if (k == i_bad)
            png.p[12 + 50] ^= 1;
        made_joints(&m, j, SEC + k * 100 * MS, SEC, "a", &q, 1);
        made_compressed(&m, d, SEC + k * 100 * MS,
                        k % 2 ? "32FC1; compressedDepth" : "16UC1; compressedDepth png",
                        (struct et_str){png.p, png.n});
        et_buf_free(&png);
    }
    made_finish(&m);
}

/* ---- a set of two episodes, the second backwards ---- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static const struct et_feature *features(void)
{
    static const int64_t ONE[] = {1}, SIZE[] = {MADE_HEIGHT, MADE_WIDTH, 1};
    static struct et_feature all[] = {
        {.name = "action", .dtype = ET_DTYPE_FLOAT32, .shape = ONE, .n_dims = 1, .n_values = 1},
        {.name = FEATURE, .dtype = ET_DTYPE_IMAGE, .shape = SIZE, .n_dims = 3}};
    if (!all[1].declared)
        CHECK_OK(et_json_parse(et_str("{\"names\":[\"height\",\"width\",\"channel\"],"
                                      "\"info\":{\"is_depth_map\":true}}"),
                               NULL, arena, &all[1].declared, &err));
    return all;
}

static const struct et_dataset_spec *spec(enum et_layout layout)
{
    static struct et_dataset_spec made;
    made = (struct et_dataset_spec){.layout = layout,
                                    .fps = 10,
                                    .features = features(),
                                    .n_features = 2,
                                    .row_group_bytes = 400};
    return &made;
}

static enum et_status add(struct et_dataset_writer *writer, const char *path, bool is_back,
                          struct et_err *bad)
{
    static float values[N_ROWS];
    static int64_t order[N_ROWS];
    const struct et_frames_range range = {
        .path = path, .profile = profile, .stream = "head.depth", .t_last_ns = INT64_MAX};
    const struct et_new_pictures pictures = {
        .i_feature = 1, .recorded = &range, .frame_of_row = order};
    const struct et_column action = {.name = "action",
                                     .is_rectangular = true,
                                     .type = ET_PARQUET_FLOAT,
                                     .n_values = 1,
                                     .values = values};
    static const char *const TASK = "look";
    const struct et_new_episode episode = {.n_rows = N_ROWS,
                                           .columns = &action,
                                           .n_columns = 1,
                                           .tasks = &TASK,
                                           .n_tasks = 1,
                                           .pictures = &pictures,
                                           .n_pictures = 1};
    for (int k = 0; k < N_ROWS; k++) {
        order[k] = is_back ? N_ROWS - 1 - k : k;
        values[k] = (float)order[k];
    }
    return et_dataset_add(writer, &episode, bad);
}

static enum et_status make(const char *to, struct et_err *bad)
{
    struct et_dataset_writer *writer = NULL;
    enum et_status st = et_dataset_create(&writer, to, spec(ET_LAYOUT_V30), bad);
    if (st == ET_OK)
        st = add(writer, recording, false, bad);
    if (st == ET_OK)
        st = add(writer, recording, true, bad);
    if (st == ET_OK)
        return et_dataset_finish(writer, NULL, NULL, bad);
    et_dataset_writer_close(writer);
    return st;
}

/* Every picture is the one that its row's action says. */
static int64_t n_good(const char *path)
{
    struct et_dataset *set = NULL;
    int64_t n = 0;
    if (et_dataset_open(&set, path, &err) != ET_OK)
        return 0;
    const struct et_arena_mark mark = et_arena_mark(arena);
    for (int64_t i = 0; i < et_dataset_info(set)->n_episodes; i++) {
        struct et_pictures_range range;
        struct et_pictures *pictures = NULL;
        struct et_image image;
        struct et_rows rows;
        CHECK_OK(et_dataset_rows(set, i, arena, &rows, &err));
        const struct et_column *action = et_rows_find(&rows, "action");
        CHECK_OK(et_dataset_pictures(set, i, FEATURE, arena, &range, &err));
        CHECK_OK(et_pictures_open(&pictures, &range, &err));
        for (int64_t row = 0; pictures && action && row < rows.n_rows; row++) {
            const int k = (int)et_column_get(action, row, 0);
            CHECK_OK(et_pictures_image(pictures, row, &image, &err));
            const uint16_t *mm = image.pixels;
            const double stored = 100 * (k + 1) + 5;
            n += mm[5] == (k % 2 ? lround(7 / (stored - 3) * 1000) : 100 * (k + 1) + 5);
        }
        et_pictures_close(pictures);
    }
    et_arena_rewind(arena, mark);
    et_dataset_close(set);
    return n;
}

static void check_findings(const char *path)
{
    const struct et_verify_options options = {.should_decode = true};
    struct et_findings findings = {.arena = arena};
    CHECK_OK(et_dataset_verify(path, &options, &findings, &err));
    for (size_t i = 0; i < findings.n; i++)
        if (!CHECK(findings.items[i].severity < ET_SEVERITY_WARN))
            printf("#   %s: %s\n", findings.items[i].kind, findings.items[i].text);
}

static void committed_episodes_survive_every_failure(void)
{
    const char *to = temp_path("set");
    int n_failed = 0, n_kept[3] = {0};
    bool is_over = false;
    for (int at = 1; !is_over && at < FAULTS_MAX; at += at < 300 ? 1 : 1 + at / 100) {
        struct et_err bad = {0};
        int64_t n = -1;
        (void)nftw(to, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        fault_arm(at);
        const enum et_status st = make(to, &bad);
        fault_disarm();
        is_over = !fault_seen;
        n_failed += st != ET_OK;
        if (!CHECK(st == ET_OK || (bad.status == st && bad.text[0])))
            printf("#   call %d: %d\n", at, st);
        if (st != ET_OK && et_dataset_repair(to, &n, &err) != ET_OK)
            continue; // nothing had been made yet
        n = n < 0 ? 2 : n;
        n_kept[n]++;
        if (!CHECK(n_good(to) == n * N_ROWS))
            printf("#   call %d: %lld episodes\n", at, (long long)n);
    }
    CHECK(is_over && n_failed > 100 && n_kept[0] && n_kept[1] && n_kept[2]);
    check_findings(to);
}

/* ---- one episode fails in the middle of its row groups ---- */

static void an_episode_that_fails_leaves_the_others_whole(void)
{
    static const enum et_layout LAYOUTS[] = {ET_LAYOUT_V30, ET_LAYOUT_V21};
    const char *bad_recording = temp_path("damaged.mcap");
    record(bad_recording, 8);
    for (size_t i = 0; i < 2; i++) {
        const char *to = temp_path(i ? "mixed21" : "mixed30");
        struct et_dataset_writer *writer = NULL;
        struct et_dataset_totals totals;
        CHECK_OK(et_dataset_create(&writer, to, spec(LAYOUTS[i]), &err));
        CHECK_EQ(add(writer, bad_recording, false, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, FEATURE);
        CHECK_OK(add(writer, recording, false, &err));
        CHECK_EQ(add(writer, bad_recording, false, &err), ET_ECORRUPT);
        CHECK_OK(add(writer, recording, true, &err));
        CHECK_EQ(add(writer, bad_recording, true, &err), ET_ECORRUPT);
        CHECK_OK(et_dataset_finish(writer, NULL, &totals, &err));
        CHECK(totals.n_episodes == 2 && totals.n_pictures == 2 * N_ROWS);
        CHECK_EQ(n_good(to), 2 * N_ROWS);
        check_findings(to);
    }
}

static void a_killed_writer_is_repaired(void)
{
    static const enum et_layout LAYOUTS[] = {ET_LAYOUT_V30, ET_LAYOUT_V21};
    for (size_t i = 0; i < 2; i++) {
        const char *to = temp_path(i ? "killed21" : "killed30");
        struct et_dataset_writer *writer = NULL;
        int64_t n = 0;
        CHECK_OK(et_dataset_create(&writer, to, spec(LAYOUTS[i]), &err));
        CHECK_OK(add(writer, recording, false, &err));
        CHECK_OK(add(writer, recording, true, &err));
        et_dataset_writer_close(writer);
        CHECK_OK(et_dataset_repair(to, &n, &err));
        CHECK_EQ(n, 2);
        CHECK_EQ(n_good(to), 2 * N_ROWS);
        check_findings(to);
    }
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)256 << 20, &err));
    profile = made_file("robot.yaml", PROFILE);
    recording = temp_path("run.mcap");
    record(recording, -1);
    RUN(an_episode_that_fails_leaves_the_others_whole);
    RUN(a_killed_writer_is_repaired);
    RUN(committed_episodes_survive_every_failure);
    et_arena_close(arena);
    return tap_end();
}

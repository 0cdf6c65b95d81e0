/* Building from what was recorded: the same bytes each time, whatever size the pictures have; and a
 * picture that is damaged costs that picture. */
#include "etude/curate.h"
#include "etude/dataset_ops.h"
#include "etude/episode_file.h"
#include "etude/file.h"

#include "../recording/made.h"
#include "same_folder.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

#define T0 (INT64_C(1700000000) * SEC)

enum { N_SECONDS = 2, HZ = 20 };

static struct et_err err;
static struct et_arena *arena;

static const char *const PROFILE =
    "profile: 1\nmaker: M\nmodel: T\nparts:\n"
    "  left_arm:\n    unit: rad\n    joints:\n"
    "      - {name: a, lower: null, upper: null}\n      - {name: b, lower: null, upper: null}\n"
    "cameras:\n  head: in the head\n  scene: beside\n  torso: in the chest\nrules:\n"
    "  - {stream: left_arm.position, topic: /j, names: [a, b]}\n"
    "  - {stream: head.image, topic: /c, stamp: none, optional: true}\n"
    "  - {stream: scene.image, topic: /s, stamp: none, optional: true}\n"
    "  - {stream: torso.depth, topic: /d, stamp: none, optional: true}\n";

/* Episodes name their profile by its id: it must lie where ids are looked up. */
static void make_profile(void)
{
    char to[4300];
    CHECK_OK(et_dir_make(temp_path("share"), &err));
    CHECK_OK(et_dir_make(temp_path("share/profiles"), &err));
    (void)snprintf(to, sizeof to, "%s/msg", temp_path("share"));
    CHECK(symlink(source_path("share/msg"), to) == 0);
    CHECK(setenv("ETUDE_SHARE", temp_path("share"), 1) == 0);
    (void)made_file("share/profiles/p.yaml", PROFILE);
}

/* Picture k: a slope that moves, and some noise. */
static struct et_buf jpeg_of(int width_px, int height_px, int k)
{
    const size_t n = (size_t)width_px * (size_t)height_px * 3;
    uint8_t *pixels = malloc(n);
    const struct et_image image = {width_px, height_px, 3, 8, pixels};
    struct et_buf to = et_buf(1 << 22);
    struct rng rng = {(uint64_t)k + 1};
    for (size_t i = 0; pixels && i < n; i++)
        pixels[i] = (uint8_t)((i / 3 % (size_t)width_px) * 200 / (size_t)width_px + (size_t)k +
                              rng_next(&rng) % 16);
    CHECK_OK(et_image_encode_jpeg(&image, 90, &to, &err));
    free(pixels);
    return to;
}

/* An arm at 100 Hz and two cameras at 20 Hz, one of which shows the same all the time. */
static void record(const char *path, int width_px, int height_px)
{
    struct made m;
    made_open(&m, path);
    const uint16_t j = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t c = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    const uint16_t s = made_channel(&m, "/s", "sensor_msgs/msg/CompressedImage");
    for (int i = 0; i < 100 * N_SECONDS; i++) {
        const int64_t t = T0 + i * 10 * MS;
        const double x = sin(0.02 * (double)i), q[2] = {x, 0.5 * x};
        made_joints(&m, j, t, t, "a b", q, 2);
        if (i % (100 / HZ) != 0)
            continue;
        struct et_buf moving = jpeg_of(width_px, height_px, i / 5);
        struct et_buf still = jpeg_of(width_px, height_px, 50);
        made_compressed(&m, c, t + MS, "jpeg", (struct et_str){moving.p, moving.n});
        made_compressed(&m, s, t + 2 * MS, "jpeg", (struct et_str){still.p, still.n});
        et_buf_free(&moving);
        et_buf_free(&still);
    }
    made_finish(&m);
}

static struct et_dataset *curate(const char *path, const char *to)
{
    const struct et_curate_options how = {
        .profile = "p", .task = "lift it", .cut = {.by = ET_CUT_WHOLE}};
    const struct et_episode_place *places = NULL;
    struct et_dataset *set = NULL;
    struct et_curated curated;
    size_t n = 0;
    CHECK_OK(et_curate(path, to, false, &how, arena, &curated, &err));
    CHECK_OK(et_episode_list(to, arena, &places, &n, &err));
    if (!CHECK(n == 1))
        return NULL;
    CHECK_OK(et_dataset_open_episodes(&set, to, places, n, &err));
    CHECK_OK(et_dataset_use_profile(set, NULL, &err));
    return set;
}

/* ---- the same bytes ---- */

static void build_twice(struct et_dataset *set, const char *name, enum et_video_codec codec,
                        int fps)
{
    static const int64_t THREE[] = {0, 0, 0};
    const struct et_pick pick = {.dataset = set, .episodes = THREE, .n_episodes = 3};
    struct et_ops_result result;
    char path[3][64];
    for (unsigned i = 0; i < 3; i++) {
        struct et_pool *pool = NULL;
        if (i == 2)
            CHECK_OK(et_pool_open(&pool, 3, &err));
        const struct et_build_options how = {.fps = fps, .video = {.codec = codec}, .pool = pool};
        (void)snprintf(path[i], sizeof path[i], "%s-%d-%u", name, (int)codec, i);
        CHECK_OK(et_dataset_build(&pick, 1, temp_path(path[i]), &how, arena, &result, &err));
        CHECK_EQ(result.totals.n_episodes, 3);
        et_pool_close(pool);
    }
    CHECK(is_same_folder(temp_path(path[0]), temp_path(path[1]), NULL));
    CHECK(is_same_folder(temp_path(path[0]), temp_path(path[2]), NULL));
}

static void building_twice_gives_the_same_bytes(void)
{
    static const struct {
        int width_px, height_px;
        int fps;
        bool with_av1; // which takes no picture below 64 pixels
    } SIZES[] = {{8, 6, 50, false},
                 {30, 22, 50, false},
                 {33, 25, 50, false},
                 {66, 70, 50, true},
                 {640, 480, 5, true}};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        char name[32], path[48], to[48];
        (void)snprintf(name, sizeof name, "size%zu", i);
        (void)snprintf(path, sizeof path, "%s.mcap", name);
        (void)snprintf(to, sizeof to, "%s.episodes", name);
        record(temp_path(path), SIZES[i].width_px, SIZES[i].height_px);
        struct et_dataset *set = curate(temp_path(path), temp_path(to));
        if (!set)
            continue;
        build_twice(set, name, ET_VIDEO_H264, SIZES[i].fps);
        if (SIZES[i].with_av1)
            build_twice(set, name, ET_VIDEO_AV1, SIZES[i].fps);
        et_dataset_close(set);
    }
}

/* ---- pictures that are damaged ---- */

/* Which pictures of the colour camera and of depth are damaged, from the first to the last. */
struct damage {
    int first[2], last[2]; // of colour, in two places; −1: none
    int first_mm, last_mm; // of depth
};

enum { N_PICTURES = 100, STEP = 5 }; // 5 s at 20 Hz, beside 100 Hz

static bool is_damaged(const struct damage *d, int k)
{
    return (k >= d->first[0] && k <= d->last[0]) || (k >= d->first[1] && k <= d->last[1]);
}

/* Picture k of colour has the grey value 2 k, depth 1000 k millimetres in its second pixel. */
static void record_damaged(const char *path, const struct damage *d)
{
    struct made m;
    made_open(&m, path);
    const uint16_t j = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t c = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    const uint16_t z = made_channel(&m, "/d", "sensor_msgs/msg/CompressedImage");
    for (int i = 0; i < N_PICTURES * STEP; i++) {
        const int64_t t = T0 + i * 10 * MS;
        const double x = sin(0.02 * (double)i), q[2] = {x, 0.5 * x};
        const int k = i / STEP;
        made_joints(&m, j, t, t, "a b", q, 2);
        if (i % STEP != 0)
            continue;
        struct et_buf colour = made_jpeg(2 * k), depth = made_depth((uint16_t)(500 * k), 0, 0);
        const bool is_bad = is_damaged(d, k), is_bad_mm = k >= d->first_mm && k <= d->last_mm;
        made_compressed(&m, c, t + MS, "jpeg", (struct et_str){colour.p, is_bad ? 20 : colour.n});
        made_compressed(&m, z, t + MS, "16UC1; compressedDepth png",
                        (struct et_str){depth.p, is_bad_mm ? depth.n / 2 : depth.n});
        et_buf_free(&colour);
        et_buf_free(&depth);
    }
    made_finish(&m);
}

static struct et_dataset *curate_damaged(const char *name, const struct damage *d)
{
    char path[48], to[48];
    (void)snprintf(path, sizeof path, "%s.mcap", name);
    (void)snprintf(to, sizeof to, "%s.episodes", name);
    record_damaged(temp_path(path), d);
    return curate(temp_path(path), temp_path(to));
}

/* The finding on a stream's pictures; NULL: there is none. */
static const struct et_finding *decode_finding(struct et_dataset *set,
                                               struct et_episode_facts *facts)
{
    struct et_episode_meta meta;
    struct et_episode episode;
    CHECK_OK(et_dataset_episode_meta(set, 0, arena, &meta, &err));
    CHECK_OK(et_episode_read(meta.data_path, arena, &episode, facts, &err));
    for (size_t i = 0; i < facts->n_findings; i++)
        if (strcmp(facts->findings[i].kind, "decode") == 0)
            return &facts->findings[i];
    return NULL;
}

static void build(struct et_dataset *set, const char *to, const struct et_judged *judged,
                  size_t n_episodes, struct et_ops_result *result)
{
    static const int64_t FIRST[] = {0, 0};
    const struct et_pick pick = {.dataset = set, .episodes = FIRST, .n_episodes = n_episodes};
    const struct et_build_options how = {
        .fps = 20, .video = {.codec = ET_VIDEO_H264}, .judged = judged ? &judged : NULL};
    CHECK_OK(et_dataset_build(&pick, 1, to, &how, arena, result, &err));
}

static const struct et_remark *find_remark(const struct et_ops_result *result, const char *text)
{
    for (size_t i = 0; i < result->n_remarks; i++)
        if (strstr(result->remarks[i].text, text))
            return &result->remarks[i];
    return NULL;
}

/* A row's picture is k, of the time that its age says; of a damaged one a neighbour. */
static void check_rows(const char *path, const struct damage *d)
{
    struct et_dataset *set = NULL;
    struct et_rows rows = {0};
    struct et_video_reader *reader = NULL;
    struct et_frame frame;
    char video[4400];
    CHECK_OK(et_dataset_open(&set, path, &err));
    CHECK_OK(et_dataset_rows(set, 0, arena, &rows, &err));
    const struct et_column *age = et_rows_find(&rows, "etude.age.head.image");
    (void)snprintf(video, sizeof video, "%s/videos/observation.images.head/chunk-000/file-000.mp4",
                   path);
    CHECK_OK(et_video_open(&reader, video, 1, &err));
    int64_t row = 0, n_wrong = 0;
    for (; age && et_video_next(reader, &frame, &err) == ET_OK; row++) {
        // Video luma of the grey value 2 k.
        const double shown = ((double)frame.luma[0] - 16) * 255 / 219 / 2;
        const double wanted = (double)row - 20 * et_column_get(age, row, 0);
        n_wrong += fabs(shown - wanted) > 1.2 || is_damaged(d, (int)lround(wanted));
    }
    CHECK(row >= N_PICTURES - 2);
    CHECK_EQ(n_wrong, 0);
    et_video_close(reader);
    et_dataset_close(set);
}

static void damaged_pictures_cost_no_episode(void)
{
    static const struct damage FEW = {{10, 40}, {10, 46}, 60, 61};
    struct et_episode_facts facts;
    struct et_ops_result result;
    struct et_dataset *set = curate_damaged("few", &FEW);
    if (!set)
        return;
    const struct et_finding *told = decode_finding(set, &facts);
    if (CHECK(told != NULL)) {
        CHECK_STR(told->stream, "head.image");
        CHECK_EQ(told->severity, ET_SEVERITY_WARN);
        CHECK_HAS(told->text, "8 of 100 pictures cannot be decoded (8 %), at most 0.2 s");
        CHECK_NEAR(told->value, 0.08, 1e-9);
    }
    build(set, temp_path("few-twice"), NULL, 2, &result);
    CHECK_EQ(result.totals.n_episodes, 2);
    const struct et_remark *filled = find_remark(&result, "head.image: 8 of 100 rows");
    if (CHECK(filled != NULL))
        CHECK_HAS(filled->text, "torso.depth: 2 of 100 rows");
    build(set, temp_path("few-once"), NULL, 1, &result);
    check_rows(temp_path("few-once"), &FEW);
    // That it is known already changes nothing but the way.
    const struct et_judged judged = {
        .grade = facts.grade, .findings = facts.findings, .n_findings = facts.n_findings};
    build(set, temp_path("few-known"), &judged, 1, &result);
    check_rows(temp_path("few-known"), &FEW);
    CHECK(find_remark(&result, "head.image: 8 of 100 rows") != NULL);
    et_dataset_close(set);
    CHECK(is_same_folder(temp_path("few-once"), temp_path("few-known"), "meta"));
}

/* Depth is first looked at when it is written: what was written before of that episode goes. */
static void damaged_depth_is_noticed_late_and_mended(void)
{
    static const struct damage DEEP = {{-1, -1}, {-1, -1}, 70, 72};
    const struct et_verify_options whole = {.should_decode = true, .should_check_stats = true};
    struct et_findings findings = {.arena = arena};
    struct et_ops_result result;
    struct et_dataset *set = curate_damaged("deep", &DEEP);
    if (!set)
        return;
    build(set, temp_path("deep-set"), NULL, 2, &result);
    build(set, temp_path("deep-again"), NULL, 2, &result);
    et_dataset_close(set);
    CHECK_EQ(result.totals.n_episodes, 2);
    CHECK(find_remark(&result, "torso.depth: 3 of 100 rows") != NULL);
    CHECK(!find_remark(&result, "head.image"));
    check_rows(temp_path("deep-set"), &DEEP);
    CHECK(is_same_folder(temp_path("deep-set"), temp_path("deep-again"), NULL));
    CHECK_OK(et_dataset_verify(temp_path("deep-set"), &whole, &findings, &err));
    for (size_t i = 0; i < findings.n; i++)
        if (!CHECK(findings.items[i].severity <= ET_SEVERITY_INFO))
            printf("# %s: %s\n", findings.items[i].kind, findings.items[i].text);
}

static void a_long_stretch_without_pictures_does(void)
{
    static const struct damage LONG = {{30, -1}, {54, -1}, -1, -1},
                               BLIND = {{-1, -1}, {-1, -1}, 30, 54};
    struct et_episode_facts facts;
    struct et_ops_result result;
    struct et_dataset *set = curate_damaged("long", &LONG);
    if (!set)
        return;
    const struct et_finding *told = decode_finding(set, &facts);
    CHECK(told && told->severity == ET_SEVERITY_ERROR);
    build(set, temp_path("long-set"), NULL, 1, &result);
    CHECK_EQ(result.totals.n_episodes, 0);
    CHECK(find_remark(&result, "head.image: no picture within 0.5 s of row 40 can") != NULL);
    et_dataset_close(set);
    set = curate_damaged("blind", &BLIND);
    build(set, temp_path("blind-set"), NULL, 1, &result);
    CHECK_EQ(result.totals.n_episodes, 0);
    CHECK(find_remark(&result, "torso.depth: no picture within 0.5 s of row 40 can") != NULL);
    et_dataset_close(set);
}

static void the_first_picture_need_not_say_the_size(void)
{
    static const struct damage HEAD = {{0, -1}, {3, -1}, 0, 2};
    struct et_ops_result result;
    struct et_dataset *set = curate_damaged("head", &HEAD);
    if (!set)
        return;
    build(set, temp_path("head-set"), NULL, 1, &result);
    et_dataset_close(set);
    CHECK_EQ(result.totals.n_episodes, 1);
    CHECK(find_remark(&result, "torso.depth: 3 of 100 rows") != NULL);
    check_rows(temp_path("head-set"), &HEAD);
    CHECK_OK(et_dataset_open(&set, temp_path("head-set"), &err));
    CHECK(et_dataset_find(set, "observation.images.head") >= 0);
    CHECK(et_dataset_find(set, "observation.depth.torso") >= 0);
    et_dataset_close(set);
}

static void a_camera_without_any_picture_is_left_out_and_said(void)
{
    static const struct damage ALL = {{0, -1}, {N_PICTURES, -1}, 0, N_PICTURES};
    struct et_ops_result result;
    struct et_dataset *set = curate_damaged("all", &ALL);
    if (!set)
        return;
    build(set, temp_path("all-set"), NULL, 1, &result);
    et_dataset_close(set);
    CHECK_EQ(result.totals.n_episodes, 1);
    CHECK(result.n_remarks >= 2 && result.remarks[0].severity == ET_SEVERITY_WARN);
    CHECK_OK(et_dataset_open(&set, temp_path("all-set"), &err));
    CHECK(et_dataset_find(set, "observation.images.head") < 0);
    CHECK(et_dataset_find(set, "observation.depth.torso") < 0);
    et_dataset_close(set);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)512 << 20, &err));
    make_profile();
    RUN(building_twice_gives_the_same_bytes);
    RUN(damaged_pictures_cost_no_episode);
    RUN(damaged_depth_is_noticed_late_and_mended);
    RUN(a_long_stretch_without_pictures_does);
    RUN(the_first_picture_need_not_say_the_size);
    RUN(a_camera_without_any_picture_is_left_out_and_said);
    et_arena_close(arena);
    return tap_end();
}

/* Depth: from a camera's distances in a recording to the same distances in a dataset's rows. */
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
#define FEATURE "observation.depth.head"

enum { WIDTH = 32, HEIGHT = 24, N_PIXELS = WIDTH * HEIGHT, N_SECONDS = 6 };

static struct et_err err;
static struct et_arena *arena;
static const char *episodes; // curated

static const char *const PROFILE =
    "profile: 1\nmaker: M\nmodel: T\nparts:\n"
    "  left_arm:\n    unit: rad\n    joints:\n"
    "      - {name: a, lower: null, upper: null}\n      - {name: b, lower: null, upper: null}\n"
    "cameras:\n  head: in the head\n  torso: in the chest\nrules:\n"
    "  - {stream: left_arm.position, topic: /j, names: [a, b]}\n"
    "  - {stream: head.image, topic: /c, stamp: none, optional: true}\n"
    "  - {stream: head.depth, topic: /d, stamp: none, optional: true}\n"
    "  - {stream: torso.depth, topic: /m, stamp: none, optional: true}\n";

/* Picture k: its number in the first pixel, then all 16 bits of noise, with holes. */
static void picture(int64_t k, uint16_t pixels[N_PIXELS])
{
    struct rng rng = {(uint64_t)k + 1};
    for (size_t i = 0; i < N_PIXELS; i++)
        pixels[i] = i % 7 == 3 ? 0 : (uint16_t)rng_next(&rng);
    pixels[0] = (uint16_t)k;
    pixels[1] = 65535;
    pixels[2] = 1;
}

/* Metres, and what they are in millimetres. */
static const struct {
    float metres;
    uint16_t mm;
} METRES[MADE_WIDTH * MADE_HEIGHT] = {
    {0, 0},           {1, 1000},     {0.0004f, 0}, {0.0006f, 1},      {2.5006f, 2501}, {-1, 0},
    {65.535f, 65535}, {65.5361f, 0}, {1000, 0},    {10.0004f, 10000}, {(float)3, 3000}};

static void put_depth(struct made *m, uint16_t channel, int64_t t, int64_t k)
{
    static uint16_t pixels[N_PIXELS];
    static const char HEAD[12] = {0};
    const struct et_image image = {WIDTH, HEIGHT, 1, 16, pixels};
    struct et_buf png = et_buf(1 << 20);
    picture(k, pixels);
    et_buf_put(&png, HEAD, sizeof HEAD);
    CHECK_OK(et_image_encode_png(&image, 6, &png, &err));
    made_compressed(m, channel, t, "16UC1; compressedDepth png", (struct et_str){png.p, png.n});
    et_buf_free(&png);
}

static void put_metres(struct made *m, uint16_t channel, int64_t t)
{
    static float metres[MADE_WIDTH * MADE_HEIGHT];
    const struct et_image image = {MADE_WIDTH, MADE_HEIGHT, 1, 32, metres};
    for (size_t i = 0; i < sizeof metres / sizeof *metres; i++)
        metres[i] = METRES[i].metres;
    metres[20] = (float)NAN;
    metres[21] = (float)INFINITY;
    made_raw(m, channel, t, &image, "32FC1", MADE_WIDTH * sizeof(float));
}

/* An arm at 100 Hz, a colour camera at 10 Hz, depth at 20 Hz, depth in metres at 5 Hz. */
static void record(const char *path)
{
    struct made m;
    struct et_buf jpeg = made_jpeg(100);
    made_open(&m, path);
    const uint16_t j = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t c = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    const uint16_t d = made_channel(&m, "/d", "sensor_msgs/msg/CompressedImage");
    const uint16_t f = made_channel(&m, "/m", "sensor_msgs/msg/Image");
    for (int64_t i = 0; i < 100 * N_SECONDS; i++) {
        const int64_t t = T0 + i * 10 * MS;
        const double x = sin(0.02 * (double)i), q[2] = {x, 0.5 * x};
        made_joints(&m, j, t, t, "a b", q, 2);
        if (i % 5 == 0)
            put_depth(&m, d, t + MS, i / 5);
        if (i % 10 == 0)
            made_compressed(&m, c, t + 2 * MS, "jpeg", (struct et_str){jpeg.p, jpeg.n});
        if (i % 20 == 0)
            put_metres(&m, f, t + 3 * MS);
    }
    et_buf_free(&jpeg);
    made_finish(&m);
}

/* Episodes name their profile by its id: it must lie where ids are looked up. */
static const char *own_profile(void)
{
    char to[4300];
    CHECK_OK(et_dir_make(temp_path("share"), &err));
    CHECK_OK(et_dir_make(temp_path("share/profiles"), &err));
    (void)snprintf(to, sizeof to, "%s/msg", temp_path("share"));
    CHECK(symlink(source_path("share/msg"), to) == 0);
    CHECK(setenv("ETUDE_SHARE", temp_path("share"), 1) == 0);
    return made_file("share/profiles/p.yaml", PROFILE);
}

static void a_recording_is_curated(void)
{
    const char *path = temp_path("run.mcap");
    struct et_curated curated;
    const struct et_curate_options how = {
        .profile = own_profile(), .task = "lift it", .cut = {.by = ET_CUT_WHOLE}};
    episodes = temp_path("episodes");
    record(path);
    CHECK_OK(et_curate(path, episodes, false, &how, arena, &curated, &err));
    CHECK_EQ(curated.n_episodes, 1);
    CHECK_EQ(curated.n_kept, 1);
    CHECK_STR(curated.why, "");
}

static struct et_dataset *open_episodes(void)
{
    const struct et_episode_place *places = NULL;
    struct et_dataset *set = NULL;
    size_t n = 0;
    CHECK_OK(et_episode_list(episodes, arena, &places, &n, &err));
    if (!CHECK(n == 1))
        return NULL;
    CHECK_OK(et_dataset_open_episodes(&set, episodes, places, n, &err));
    CHECK_OK(et_dataset_use_profile(set, NULL, &err));
    return set;
}

static enum et_status build(struct et_dataset *set, const char *to,
                            const struct et_build_options *options, struct et_ops_result *result)
{
    const struct et_pick pick = {.dataset = set};
    struct et_build_options how = *options;
    how.video.codec = ET_VIDEO_H264;
    return et_dataset_build(&pick, 1, to, &how, arena, result, &err);
}

static const struct et_remark *remark(const struct et_ops_result *result, const char *where)
{
    for (size_t i = 0; i < result->n_remarks; i++)
        if (strcmp(result->remarks[i].where, where) == 0)
            return &result->remarks[i];
    return NULL;
}

static struct et_dataset *open_set(const char *path)
{
    struct et_dataset *set = NULL;
    CHECK_OK(et_dataset_open(&set, path, &err));
    CHECK_OK(et_dataset_use_profile(set, NULL, &err));
    return set;
}

static struct et_pictures *open_pictures(struct et_dataset *set, int64_t i, const char *feature,
                                         int64_t *n_rows)
{
    struct et_pictures_range range;
    struct et_pictures *pictures = NULL;
    CHECK_OK(et_dataset_pictures(set, i, feature, arena, &range, &err));
    CHECK_OK(et_pictures_open(&pictures, &range, &err));
    *n_rows = range.n_rows;
    return pictures;
}

static void check_findings(const char *path, int n_wanted)
{
    const struct et_verify_options options = {.should_decode = true, .should_check_stats = true};
    struct et_findings findings = {.arena = arena};
    CHECK_OK(et_dataset_verify(path, &options, &findings, &err));
    int n = 0;
    for (size_t i = 0; i < findings.n; i++) {
        n += findings.items[i].severity > ET_SEVERITY_INFO;
        if (n_wanted == 0 && findings.items[i].severity > ET_SEVERITY_INFO)
            printf("# %s: %s\n", findings.items[i].kind, findings.items[i].text);
    }
    CHECK_EQ(n, n_wanted);
}

/* ---- values ---- */

static void every_distance_is_what_was_recorded(void)
{
    struct et_ops_result result;
    struct et_dataset *raw = open_episodes();
    static uint16_t wanted[N_PIXELS];
    struct et_image image;
    int64_t n_rows;
    CHECK_OK(build(raw, temp_path("set"),
                   &(struct et_build_options){.fps = 30, .spec = {.row_group_bytes = 20000}},
                   &result));
    et_dataset_close(raw);
    CHECK_EQ(result.totals.n_episodes, 1);
    struct et_dataset *set = open_set(temp_path("set"));
    struct et_pictures *pictures = open_pictures(set, 0, FEATURE, &n_rows);
    CHECK(n_rows > 29 * (N_SECONDS - 1));
    int64_t n_bad = 0, n_wrong = 0;
    for (int64_t row = 0; pictures && row < n_rows; row++) {
        CHECK_OK(et_pictures_image(pictures, row, &image, &err));
        if (!CHECK(image.n_bits == 16 && image.n_channels == 1 && image.width_px == WIDTH &&
                   image.height_px == HEIGHT))
            break;
        const int64_t k = *(const uint16_t *)image.pixels;
        picture(k, wanted);
        n_wrong += memcmp(wanted, image.pixels, sizeof wanted) != 0;
        // The rows begin with the last stream's first sample, 3 ms late; a picture every 50 ms.
        const double t = 0.003 + (double)row / 30, other = 0.001 + 0.05 * (double)k;
        n_bad += fabs(t - other) > 0.0251;
    }
    CHECK_EQ(n_wrong, 0);
    CHECK_EQ(n_bad, 0);
    et_pictures_close(pictures);
    et_dataset_close(set);
    check_findings(temp_path("set"), 0);
}

static void metres_become_millimetres(void)
{
    struct et_dataset *set = open_set(temp_path("set"));
    int64_t n_rows;
    struct et_image image;
    struct et_pictures *pictures = open_pictures(set, 0, "observation.depth.torso", &n_rows);
    CHECK_OK(et_pictures_image(pictures, n_rows - 1, &image, &err));
    CHECK(image.width_px == MADE_WIDTH && image.height_px == MADE_HEIGHT);
    for (size_t i = 0; i < sizeof METRES / sizeof *METRES && image.pixels; i++)
        CHECK_EQ(((const uint16_t *)image.pixels)[i], METRES[i].mm);
    et_pictures_close(pictures);
    et_dataset_close(set);
}

/* ---- another way through ---- */

/* Rows of two sets hold the same files to the bit; row k of `b` is row k × step of `a`. */
static void same_pictures(const char *a, const char *b, int64_t i_b, int64_t step)
{
    struct et_dataset *x = open_set(a), *y = open_set(b);
    int64_t n_x = 0, n_y = 0, n_other = 0;
    struct et_pictures *p = open_pictures(x, 0, FEATURE, &n_x);
    struct et_pictures *q = open_pictures(y, i_b, FEATURE, &n_y);
    struct et_stored_picture one, two;
    CHECK(n_y > 0 && (n_y - 1) * step < n_x);
    for (int64_t row = 0; p && q && row < n_y; row++) {
        CHECK_OK(et_pictures_get(p, row * step, &one, &err));
        CHECK_OK(et_pictures_get(q, row, &two, &err));
        n_other += one.bytes.n != two.bytes.n || one.bytes.n == 0 ||
                   memcmp(one.bytes.p, two.bytes.p, one.bytes.n) != 0 ||
                   one.path_level != two.path_level;
    }
    CHECK_EQ(n_other, 0);
    et_pictures_close(p);
    et_pictures_close(q);
    et_dataset_close(x);
    et_dataset_close(y);
}

static void goes_to_other_layouts_and_back_to_the_bit(void)
{
    struct et_ops_result result;
    const char *set = temp_path("set"), *old = temp_path("old"), *again = temp_path("again");
    struct et_dataset *from = open_set(set);
    const int64_t twice[] = {0, 0};
    struct et_pick pick = {.dataset = from, .episodes = twice, .n_episodes = 2};
    struct et_copy_options how = {.layout = ET_LAYOUT_V21, .spec = {.row_group_bytes = 20000}};
    CHECK_OK(et_dataset_copy(&pick, 1, old, &how, arena, &result, &err));
    et_dataset_close(from);
    same_pictures(set, old, 1, 1);
    check_findings(old, 0);
    pick = (struct et_pick){.dataset = open_set(old)};
    how.layout = ET_LAYOUT_V30;
    CHECK_OK(et_dataset_copy(&pick, 1, again, &how, arena, &result, &err));
    et_dataset_close((struct et_dataset *)(uintptr_t)pick.dataset);
    same_pictures(set, again, 0, 1);
    same_pictures(set, again, 1, 1);
    check_findings(again, 0);
}

static const struct et_feature *feature_of(const struct et_dataset *set, const char *name)
{
    const int i = et_dataset_find(set, name);
    return i < 0 ? NULL : &et_dataset_info(set)->features[i];
}

static void a_built_set_is_built_again_with_its_depth(void)
{
    struct et_ops_result result;
    struct et_dataset *from = open_set(temp_path("set"));
    CHECK_OK(build(from, temp_path("half"), &(struct et_build_options){.fps = 15}, &result));
    CHECK_OK(build(from, temp_path("same"), &(struct et_build_options){.fps = 0}, &result));
    et_dataset_close(from);
    same_pictures(temp_path("set"), temp_path("half"), 0, 2);
    same_pictures(temp_path("set"), temp_path("same"), 0, 1);
    check_findings(temp_path("half"), 0);
    check_findings(temp_path("same"), 0);
}

static void says_what_it_is(void)
{
    struct et_dataset *set = open_set(temp_path("set"));
    const struct et_feature *depth = feature_of(set, FEATURE);
    if (!CHECK(depth != NULL))
        return;
    CHECK(depth->dtype == ET_DTYPE_IMAGE && depth->n_dims == 3 && depth->shape[0] == HEIGHT &&
          depth->shape[1] == WIDTH && depth->shape[2] == 1);
    const struct et_value *names = et_value_get(depth->declared, "names");
    CHECK_STR(et_value_text(et_value_at(names, 2), NULL), "channel");
    const struct et_value *info = et_value_get(depth->declared, "info");
    CHECK(et_value_bool(et_value_get(info, "is_depth_map"), false));
    CHECK_STR(et_value_text(et_value_get(info, "depth_unit"), NULL), "mm");
    CHECK(feature_of(set, "etude.age.head.depth") != NULL);
    // Statistics are millimetres, shaped [[[x]]].
    const struct et_value *max =
        et_value_get(et_value_get(et_dataset_info(set)->stats, FEATURE), "max");
    CHECK_EQ(et_value_count(max), 1);
    const struct et_value *one = et_value_at(et_value_at(et_value_at(max, 0), 0), 0);
    CHECK_NEAR(et_value_real(one, 0), 65535, 0);
    et_dataset_close(set);
}

static void says_how_much_was_beyond(void)
{
    struct et_ops_result result;
    struct et_dataset *raw = open_episodes();
    CHECK_OK(build(raw, temp_path("beyond"), &(struct et_build_options){.fps = 5}, &result));
    const struct et_remark *beyond = remark(&result, "depth");
    CHECK(beyond && beyond->severity == ET_SEVERITY_WARN);
    // Two of each picture's pixels.
    CHECK(beyond && atoll(beyond->text) == result.totals.n_pixels_beyond);
    CHECK(result.totals.n_pixels_beyond >= 2 * (5 * N_SECONDS - 2));
    CHECK_EQ(result.totals.n_pixels_beyond % 2, 0);
    et_dataset_close(raw);
}

static void is_left_out_where_it_is_not_wanted(void)
{
    static const struct {
        enum et_video_mode videos;
        enum et_depth_mode depth;
        bool has_video, has_depth;
    } CASES[] = {{ET_VIDEO_DROP, ET_DEPTH_AUTO, false, false},
                 {ET_VIDEO_DROP, ET_DEPTH_PNG, false, true},
                 {ET_VIDEO_WITH, ET_DEPTH_DROP, true, false},
                 {ET_VIDEO_WITH, ET_DEPTH_AUTO, true, true}};
    struct et_dataset *raw = open_episodes();
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_ops_result result;
        char name[16];
        (void)snprintf(name, sizeof name, "some%zu", i);
        CHECK_OK(build(raw, temp_path(name),
                       &(struct et_build_options){
                           .fps = 5, .videos = CASES[i].videos, .depth = CASES[i].depth},
                       &result));
        struct et_dataset *set = open_set(temp_path(name));
        CHECK(!feature_of(set, "observation.images.head") == !CASES[i].has_video);
        CHECK(!feature_of(set, FEATURE) == !CASES[i].has_depth);
        CHECK(!feature_of(set, "etude.age.head.depth") == !CASES[i].has_depth);
        et_dataset_close(set);
    }
    et_dataset_close(raw);
}

/* ---- several inputs ---- */

/* A recording of its own: what its head's depth is. */
enum kind { NO_DEPTH, SMALL_DEPTH, COLOUR_DEPTH };

static struct et_dataset *other_set(const char *name, enum kind kind)
{
    const struct et_episode_place *places = NULL;
    struct et_curated curated;
    struct et_dataset *set = NULL;
    struct made m;
    char path[64];
    size_t n = 0;
    const struct et_curate_options how = {
        .profile = "p", .task = "lift it", .cut = {.by = ET_CUT_WHOLE}};
    (void)snprintf(path, sizeof path, "%s.mcap", name);
    made_open(&m, temp_path(path));
    const uint16_t j = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t d = made_channel(&m, "/d", "sensor_msgs/msg/CompressedImage");
    for (int64_t i = 0; i < 400; i++) {
        const int64_t t = T0 + i * 10 * MS;
        const double x = sin(0.02 * (double)i), q[2] = {x, 0.5 * x};
        struct et_buf picture = kind == COLOUR_DEPTH ? made_jpeg(9) : made_depth(500, 0, 0);
        made_joints(&m, j, t, t, "a b", q, 2);
        if (kind != NO_DEPTH && i % 10 == 0)
            made_compressed(&m, d, t + MS,
                            kind == COLOUR_DEPTH ? "jpeg" : "16UC1; compressedDepth png",
                            (struct et_str){picture.p, picture.n});
        et_buf_free(&picture);
    }
    made_finish(&m);
    CHECK_OK(et_curate(temp_path(path), temp_path(name), false, &how, arena, &curated, &err));
    CHECK_OK(et_episode_list(temp_path(name), arena, &places, &n, &err));
    CHECK_OK(et_dataset_open_episodes(&set, temp_path(name), places, n, &err));
    CHECK_OK(et_dataset_use_profile(set, NULL, &err));
    return set;
}

static enum et_status build_two(struct et_dataset *a, struct et_dataset *b, const char *to,
                                enum et_parts_mode parts, struct et_ops_result *result)
{
    const struct et_pick picks[] = {{.dataset = a}, {.dataset = b}};
    const struct et_build_options how = {
        .fps = 10, .videos = ET_VIDEO_DROP, .depth = ET_DEPTH_PNG, .parts = parts};
    return et_dataset_build(picks, 2, to, &how, arena, result, &err);
}

static void a_robot_without_the_camera_has_measured_nothing(void)
{
    struct et_ops_result result;
    struct et_dataset *raw = open_episodes(), *none = other_set("none", NO_DEPTH);
    struct et_image image;
    int64_t n;
    CHECK_OK(build_two(raw, none, temp_path("union"), ET_PARTS_UNION, &result));
    struct et_dataset *set = open_set(temp_path("union"));
    CHECK_EQ(et_dataset_info(set)->n_episodes, 2);
    struct et_pictures *pictures = open_pictures(set, 1, FEATURE, &n);
    CHECK_OK(et_pictures_image(pictures, n - 1, &image, &err));
    int64_t sum = 0;
    for (size_t i = 0; i < N_PIXELS; i++)
        sum += ((const uint16_t *)image.pixels)[i];
    CHECK(sum == 0 && image.n_bits == 16 && image.width_px == WIDTH);
    et_pictures_close(pictures);
    et_dataset_close(set);
    check_findings(temp_path("union"), 0);
    CHECK_OK(build_two(raw, none, temp_path("common"), ET_PARTS_COMMON, &result));
    set = open_set(temp_path("common"));
    CHECK(!feature_of(set, FEATURE));
    CHECK(remark(&result, "head.depth") != NULL);
    et_dataset_close(set);
    et_dataset_close(none);
    et_dataset_close(raw);
}

static void what_is_no_distance_is_left_out_and_said(void)
{
    struct et_ops_result result;
    struct et_dataset *colour = other_set("colour", COLOUR_DEPTH);
    CHECK_OK(build(colour, temp_path("flat"), &(struct et_build_options){.fps = 10}, &result));
    CHECK_EQ(result.totals.n_episodes, 1);
    const struct et_remark *why = remark(&result, "head.depth");
    CHECK(why && why->severity == ET_SEVERITY_WARN);
    CHECK_HAS(why ? why->text : "", "no distances");
    struct et_dataset *set = open_set(temp_path("flat"));
    CHECK(!feature_of(set, FEATURE));
    et_dataset_close(set);
    et_dataset_close(colour);
}

static void two_sizes_are_two_cameras(void)
{
    struct et_ops_result result;
    struct et_dataset *raw = open_episodes(), *small = other_set("small", SMALL_DEPTH);
    CHECK_OK(build_two(raw, small, temp_path("sizes"), ET_PARTS_COMMON, &result));
    CHECK_EQ(result.totals.n_episodes, 2);
    const struct et_remark *why = remark(&result, "head.depth");
    CHECK_HAS(why ? why->text : "", "32 × 24 and of 8 × 6 pixels");
    et_dataset_close(raw);
    et_dataset_close(small);
}

/* ---- row groups ---- */

static void row_groups_are_small(void)
{
    struct et_dataset *set = open_set(temp_path("set"));
    struct et_pictures_range range;
    struct et_parquet_reader *reader = NULL;
    CHECK_OK(et_dataset_pictures(set, 0, FEATURE, arena, &range, &err));
    CHECK_OK(et_parquet_open(&reader, range.path, NULL, &err));
    const size_t n = et_parquet_n_groups(reader);
    CHECK(n > 10);
    for (size_t g = 0; g < n; g++)
        CHECK(et_parquet_group_bytes(reader, g) < 40000);
    et_parquet_close(reader);
    et_dataset_close(set);
}

static void threads_change_no_byte(void)
{
    struct et_ops_result result;
    struct et_pool *pool = NULL;
    struct et_dataset *raw = open_episodes();
    static const int64_t FOUR[] = {0, 0, 0, 0};
    const struct et_pick pick = {.dataset = raw, .episodes = FOUR, .n_episodes = 4};
    struct et_build_options how = {.fps = 10,
                                   .videos = ET_VIDEO_DROP,
                                   .depth = ET_DEPTH_PNG,
                                   .spec = {.row_group_bytes = 20000}};
    CHECK_OK(et_dataset_build(&pick, 1, temp_path("one"), &how, arena, &result, &err));
    CHECK_OK(et_pool_open(&pool, 3, &err));
    how.pool = pool;
    CHECK_OK(et_dataset_build(&pick, 1, temp_path("three"), &how, arena, &result, &err));
    et_pool_close(pool);
    et_dataset_close(raw);
    CHECK(is_same_folder(temp_path("one"), temp_path("three"), NULL));
    same_pictures(temp_path("one"), temp_path("three"), 3, 1);
    check_findings(temp_path("three"), 0);
}

/* ---- pictures that are wrong ---- */

static struct et_str text_of(struct et_buf *buf)
{
    return (struct et_str){buf->p, buf->n};
}

static struct et_buf encoded(int width, int height, int n_bits)
{
    static uint16_t pixels[64 * 64 * 3];
    struct et_buf png = et_buf(1 << 20);
    const struct et_image image = {width, height, n_bits == 16 ? 1 : 3, n_bits, pixels};
    for (size_t i = 0; i < sizeof pixels / sizeof *pixels; i++)
        pixels[i] = (uint16_t)(i * 257);
    CHECK_OK(et_image_encode_png(&image, 1, &png, &err));
    return png;
}

#define N_WRONG 8

/* A column of {bytes, path}; an empty text is null. */
static struct et_column column_of(const char *name, const struct et_str cells[N_WRONG])
{
    struct et_parquet_node *nodes = et_arena_array(arena, 3, sizeof *nodes);
    struct et_parquet_batch *leaves = et_arena_array(arena, 2, sizeof *leaves);
    struct et_str *values = et_arena_array(arena, N_WRONG, sizeof *values);
    uint8_t *def = et_arena_alloc(arena, N_WRONG), *none = et_arena_alloc(arena, N_WRONG);
    size_t n = 0;
    nodes[0] =
        (struct et_parquet_node){.name = name, .parent = -1, .repetition = ET_PARQUET_OPTIONAL};
    nodes[1] = (struct et_parquet_node){.name = "bytes",
                                        .repetition = ET_PARQUET_OPTIONAL,
                                        .is_leaf = true,
                                        .type = ET_PARQUET_BYTES};
    nodes[2] = nodes[1];
    nodes[2].name = "path";
    for (size_t i = 0; i < N_WRONG; i++) {
        def[i] = cells[i].n ? 2 : 1;
        none[i] = 1;
        if (cells[i].n)
            values[n++] = cells[i];
    }
    leaves[0] = (struct et_parquet_batch){.n_rows = N_WRONG,
                                          .n_levels = N_WRONG,
                                          .n_values = (int64_t)n,
                                          .def = def,
                                          .values = values};
    leaves[1] = (struct et_parquet_batch){.n_rows = N_WRONG, .n_levels = N_WRONG, .def = none};
    return (struct et_column){
        .name = name, .nodes = nodes, .n_nodes = 3, .leaves = leaves, .n_leaves = 2};
}

/* Lists of 0, 1, 2 … texts; the list of row 3 is null. */
static struct et_column words_column(void)
{
    static uint8_t def[3 * N_WRONG], rep[3 * N_WRONG];
    static struct et_str values[3 * N_WRONG];
    static struct et_parquet_node nodes[3];
    static struct et_parquet_batch leaf;
    size_t n_nodes = 0, n = 0, n_values = 0;
    CHECK_EQ(
        et_parquet_add_column(nodes, 3, &n_nodes, "words", ET_PARQUET_BYTES, ET_PARQUET_STRING, 1),
        0);
    for (int row = 0; row < N_WRONG; row++) {
        const int n_here = row == 3 ? 0 : row % 3;
        for (int k = 0; k < (n_here ? n_here : 1); k++, n++) {
            rep[n] = k > 0;
            def[n] = (uint8_t)(n_here ? 3 : row == 3 ? 0 : 1);
            if (n_here)
                values[n_values++] = et_str(k ? "and" : "this");
        }
    }
    leaf = (struct et_parquet_batch){.n_rows = N_WRONG,
                                     .n_levels = (int64_t)n,
                                     .n_values = (int64_t)n_values,
                                     .def = def,
                                     .rep = rep,
                                     .values = values};
    return (struct et_column){
        .name = "words", .nodes = nodes, .n_nodes = n_nodes, .leaves = &leaf, .n_leaves = 1};
}

/* A set with wrong pictures in rows 1 … 5 of depth and of an 8-bit camera. */
static void make_wrong(const char *path)
{
    struct et_buf good16 = encoded(8, 6, 16), good8 = encoded(8, 6, 8), large = encoded(9, 6, 16);
    struct et_buf flipped = encoded(8, 6, 16);
    flipped.p[flipped.n - 20] ^= 1; // in the IDAT chunk: its checksum does not hold
    const struct et_str cut = {good16.p, good16.n - 14};
    const struct et_str depth[N_WRONG] = {
        text_of(&good16), cut, text_of(&flipped), text_of(&good8),
        text_of(&large),  {0}, text_of(&good16),  text_of(&good16)};
    const struct et_str colour[N_WRONG] = {text_of(&good8), text_of(&good8),  {good8.p, 40},
                                           text_of(&good8), text_of(&good16), text_of(&good8),
                                           text_of(&good8), text_of(&good8)};
    static const int64_t ONE[] = {1}, SIZE[] = {6, 8, 1}, COLOUR[] = {6, 8, 3}, GRID[] = {2, 3};
    static const float ZERO[N_WRONG];
    static float grid[N_WRONG * 6];
    for (size_t i = 0; i < sizeof grid / sizeof *grid; i++)
        grid[i] = (float)i;
    const struct et_value *declared = NULL;
    CHECK_OK(et_json_parse(et_str("{\"names\":[\"height\",\"width\",\"channel\"],"
                                  "\"info\":{\"is_depth_map\":true}}"),
                           NULL, arena, &declared, &err));
    const struct et_feature features[] = {
        {.name = "action", .dtype = ET_DTYPE_FLOAT32, .shape = ONE, .n_dims = 1, .n_values = 1},
        {.name = FEATURE,
         .dtype = ET_DTYPE_IMAGE,
         .shape = SIZE,
         .n_dims = 3,
         .declared = declared},
        {.name = "observation.images.head", .dtype = ET_DTYPE_IMAGE, .shape = COLOUR, .n_dims = 3},
        {.name = "words", .dtype = ET_DTYPE_LANGUAGE, .shape = ONE, .n_dims = 1},
        {.name = "grid", .dtype = ET_DTYPE_FLOAT32, .shape = GRID, .n_dims = 2, .n_values = 6}};
    const struct et_column columns[] = {{.name = "action",
                                         .is_rectangular = true,
                                         .type = ET_PARQUET_FLOAT,
                                         .n_values = 1,
                                         .values = ZERO},
                                        column_of(FEATURE, depth),
                                        column_of("observation.images.head", colour),
                                        words_column(),
                                        {.name = "grid",
                                         .is_rectangular = true,
                                         .type = ET_PARQUET_FLOAT,
                                         .n_values = 6,
                                         .values = grid}};
    static const char *const TASK = "look";
    const struct et_dataset_spec spec = {
        .layout = ET_LAYOUT_V30, .fps = 10, .features = features, .n_features = 5};
    const struct et_new_episode episode = {
        .n_rows = N_WRONG, .columns = columns, .n_columns = 5, .tasks = &TASK, .n_tasks = 1};
    struct et_dataset_writer *writer = NULL;
    CHECK_OK(et_dataset_create(&writer, path, &spec, &err));
    CHECK_OK(et_dataset_add(writer, &episode, &err));
    CHECK_OK(et_dataset_finish(writer, NULL, NULL, &err));
    et_buf_free(&good16);
    et_buf_free(&good8);
    et_buf_free(&large);
    et_buf_free(&flipped);
}

static const char *finding(const struct et_findings *findings, const char *kind, const char *stream,
                           const char *words)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct et_finding *f = &findings->items[i];
        if (strcmp(f->kind, kind) == 0 && f->stream && strcmp(f->stream, stream) == 0 &&
            strstr(f->text, words))
            return f->text;
    }
    return NULL;
}

static void verify_names_every_wrong_picture(void)
{
    struct et_verify_options how = {.should_decode = true};
    struct et_findings findings = {.arena = arena};
    static const char *const COLOUR = "observation.images.head";
    make_wrong(temp_path("wrong"));
    CHECK_OK(et_dataset_verify(temp_path("wrong"), &how, &findings, &err));
    CHECK(finding(&findings, "picture_decode", FEATURE, "row 1 does not decode"));
    CHECK(finding(&findings, "picture_decode", FEATURE, "data/chunk-000/file-000.parquet"));
    CHECK(finding(&findings, "picture_decode", FEATURE, "row 2 does not decode"));
    CHECK(finding(&findings, "picture_format", FEATURE, "row 3 has 8 bits"));
    CHECK(finding(&findings, "picture_format", FEATURE, "row 4 is 6 × 9 × 1, and 6 × 8 × 1"));
    CHECK(finding(&findings, "picture_decode", FEATURE, "row 5 has no picture"));
    CHECK(!finding(&findings, "picture_decode", FEATURE, "row 6"));
    CHECK(finding(&findings, "picture_decode", COLOUR, "row 2 does not decode"));
    CHECK(finding(&findings, "picture_format", COLOUR, "row 4 has 16 bits"));
    findings = (struct et_findings){.arena = arena};
    how.should_decode = false;
    CHECK_OK(et_dataset_verify(temp_path("wrong"), &how, &findings, &err));
    CHECK(!finding(&findings, "picture_decode", FEATURE, ""));
}

static void a_wrong_picture_is_an_error_with_its_place(void)
{
    struct et_dataset *set = NULL;
    struct et_pictures_range range;
    struct et_image image;
    CHECK_OK(et_dataset_open(&set, temp_path("wrong"), &err));
    int64_t n;
    struct et_pictures *pictures = open_pictures(set, 0, FEATURE, &n);
    CHECK_EQ(n, N_WRONG);
    for (int64_t row = 0; row < n; row++) {
        const enum et_status st = et_pictures_image(pictures, row, &image, &err);
        CHECK_EQ(st, row == 1 || row == 2 || row == 5 ? ET_ECORRUPT : ET_OK);
    }
    CHECK_EQ(et_pictures_image(pictures, 2, &image, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "row 2");
    CHECK_HAS(err.text, FEATURE);
    CHECK_HAS(err.text, "file-000.parquet");
    CHECK_OK(et_pictures_image(pictures, 0, &image, &err));
    struct et_stored_picture stored;
    CHECK_EQ(et_pictures_get(pictures, n, &stored, &err), ET_EARG);
    CHECK_EQ(et_pictures_get(pictures, -1, &stored, &err), ET_EARG);
    et_pictures_close(pictures);
    et_pictures_close(NULL);
    CHECK_EQ(et_dataset_pictures(set, 0, "action", arena, &range, &err), ET_EARG);
    CHECK_EQ(et_dataset_pictures(set, 0, "none", arena, &range, &err), ET_EARG);
    CHECK_EQ(et_dataset_pictures(set, 1, FEATURE, arena, &range, &err), ET_EARG);
    CHECK_OK(et_dataset_pictures(set, 0, FEATURE, arena, &range, &err));
    struct et_pictures_range other = range;
    other.column = "action";
    CHECK_EQ(et_pictures_open(&pictures, &other, &err), ET_ECORRUPT);
    other = range;
    other.n_rows = N_WRONG + 1;
    CHECK_EQ(et_pictures_open(&pictures, &other, &err), ET_ECORRUPT);
    other.path = temp_path("nothing.parquet");
    CHECK_EQ(et_pictures_open(&pictures, &other, &err), ET_ENOTFOUND);
    et_dataset_close(set);
}

/* What stands beside pictures is cut into the same row groups, and is the same when it is read. */
static void same_columns(struct et_dataset *a, struct et_dataset *b)
{
    struct et_rows x, y;
    CHECK_OK(et_dataset_rows(a, 0, arena, &x, &err));
    CHECK_OK(et_dataset_rows(b, 0, arena, &y, &err));
    CHECK_EQ(x.n_columns, y.n_columns);
    const struct et_column *p = et_rows_find(&x, "words"), *q = et_rows_find(&y, "words");
    if (!CHECK(p && q && p->n_leaves == 1 && q->n_leaves == 1))
        return;
    const struct et_parquet_batch *u = p->leaves, *v = q->leaves;
    if (!CHECK(u->n_levels == v->n_levels && u->n_values == v->n_values && u->n_values == 7))
        return;
    CHECK(memcmp(u->def, v->def, (size_t)u->n_levels) == 0);
    CHECK(memcmp(u->rep, v->rep, (size_t)u->n_levels) == 0);
    for (int64_t i = 0; i < u->n_values; i++)
        CHECK(et_str_eq(((const struct et_str *)u->values)[i],
                        ((const struct et_str *)v->values)[i]));
    p = et_rows_find(&x, "grid");
    q = et_rows_find(&y, "grid");
    CHECK(p && q && memcmp(p->values, q->values, N_WRONG * 6 * sizeof(float)) == 0);
}

/* Wrong pictures go over as they are: their bytes are whoever's they are. */
static void copying_keeps_what_it_cannot_decode(void)
{
    struct et_ops_result result;
    struct et_dataset *set = NULL, *copy = NULL;
    CHECK_OK(et_dataset_open(&set, temp_path("wrong"), &err));
    const struct et_pick pick = {.dataset = set};
    const struct et_copy_options how = {.layout = ET_LAYOUT_V30, .spec = {.row_group_bytes = 100}};
    CHECK_OK(et_dataset_copy(&pick, 1, temp_path("wrong2"), &how, arena, &result, &err));
    CHECK_EQ(result.totals.n_episodes, 1);
    CHECK_OK(et_dataset_open(&copy, temp_path("wrong2"), &err));
    int64_t n;
    struct et_pictures *a = open_pictures(set, 0, FEATURE, &n);
    struct et_pictures *b = open_pictures(copy, 0, FEATURE, &n);
    for (int64_t row = 0; row < n; row++) {
        struct et_stored_picture x, y;
        CHECK_OK(et_pictures_get(a, row, &x, &err));
        CHECK_OK(et_pictures_get(b, row, &y, &err));
        CHECK(x.bytes_level == y.bytes_level && et_str_eq(x.bytes, y.bytes));
    }
    et_pictures_close(a);
    et_pictures_close(b);
    same_columns(set, copy);
    et_dataset_close(set);
    et_dataset_close(copy);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
    RUN(a_recording_is_curated);
    RUN(every_distance_is_what_was_recorded);
    RUN(metres_become_millimetres);
    RUN(says_what_it_is);
    RUN(says_how_much_was_beyond);
    RUN(goes_to_other_layouts_and_back_to_the_bit);
    RUN(a_built_set_is_built_again_with_its_depth);
    RUN(is_left_out_where_it_is_not_wanted);
    RUN(a_robot_without_the_camera_has_measured_nothing);
    RUN(what_is_no_distance_is_left_out_and_said);
    RUN(two_sizes_are_two_cameras);
    RUN(row_groups_are_small);
    RUN(threads_change_no_byte);
    RUN(verify_names_every_wrong_picture);
    RUN(a_wrong_picture_is_an_error_with_its_place);
    RUN(copying_keeps_what_it_cannot_decode);
    et_arena_close(arena);
    return tap_end();
}

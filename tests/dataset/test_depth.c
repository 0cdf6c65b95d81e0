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

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 30, &err));
    RUN(a_recording_is_curated);
    RUN(every_distance_is_what_was_recorded);
    RUN(metres_become_millimetres);
    et_arena_close(arena);
    return tap_end();
}

/* Building from what was recorded: the same bytes each time, whatever size the pictures have. */
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
    "cameras:\n  head: in the head\n  scene: beside\nrules:\n"
    "  - {stream: left_arm.position, topic: /j, names: [a, b]}\n"
    "  - {stream: head.image, topic: /c, stamp: none, optional: true}\n"
    "  - {stream: scene.image, topic: /s, stamp: none, optional: true}\n";

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

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)512 << 20, &err));
    make_profile();
    RUN(building_twice_gives_the_same_bytes);
    et_arena_close(arena);
    return tap_end();
}

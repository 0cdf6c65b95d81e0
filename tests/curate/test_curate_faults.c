/* Curating under a system that fails: what is left is the old state or the new one. */
#include "etude/curate.h"

#include "../recording/made.h"
#include "etude/episode_file.h"
#include "etude/file.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

static const char *const PROFILE =
    "profile: 1\nmaker: M\nmodel: T\nparts:\n"
    "  left_arm:\n    unit: rad\n    joints:\n"
    "      - {name: a, lower: null, upper: null}\n      - {name: b, lower: null, upper: null}\n"
    "cameras:\n  head: in the head\nrules:\n"
    "  - {stream: left_arm.position, topic: /j, names: [a, b]}\n"
    "  - {stream: head.image, topic: /c}\n"
    "  - {stream: scene.event, topic: /e}\n";

static struct et_err err;
static const char *profile, *recording, *out;

static void make(const char *path)
{
    struct made m;
    struct et_buf jpeg = made_jpeg(60);
    made_open(&m, path);
    const uint16_t j = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t c = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    const uint16_t e = made_channel(&m, "/e", "std_msgs/msg/String");
    for (int i = 0; i < 150; i++) {
        const int64_t t = SEC + i * 20 * MS;
        const double q[] = {sin(i * 0.1), cos(i * 0.1)};
        made_joints(&m, j, t, t - 5 * MS, "a b", q, 2);
        if (i % 5 == 0)
            made_compressed(&m, c, t + MS, "jpeg", (struct et_str){jpeg.p, jpeg.n});
        if (i == 10 || i == 70 || i == 80 || i == 140)
            made_string(&m, e, t, i == 10 || i == 80 ? "start" : "stop");
    }
    et_buf_free(&jpeg);
    made_finish(&m);
}

static enum et_status curate(bool has_pictures, size_t *n_episodes)
{
    struct et_arena *arena = NULL;
    struct et_curated curated = {0};
    const struct et_curate_options options = {
        .profile = profile, .skip_pictures = !has_pictures, .memory_bytes = 1 << 20};
    err = (struct et_err){0};
    enum et_status st = et_arena_open(&arena, (size_t)16 << 20, &err);
    if (st == ET_OK)
        st = et_curate(recording, out, true, &options, arena, &curated, &err);
    *n_episodes = curated.n_episodes;
    et_arena_close(arena);
    return st;
}

/* Every episode that the output has is whole. */
static size_t n_whole(void)
{
    struct et_arena *arena = NULL;
    const struct et_episode_place *places;
    struct et_episode episode;
    struct et_episode_facts facts;
    size_t n = 0;
    CHECK_OK(et_arena_open(&arena, (size_t)16 << 20, &err));
    if (et_episode_list(out, arena, &places, &n, NULL) != ET_OK)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        CHECK_OK(et_episode_read(places[i].folder, arena, &episode, &facts, &err));
        CHECK(episode.n_tracks == 1 && episode.n_videos == 1 && episode.n_remarks == 0);
    }
    et_arena_close(arena);
    return n;
}

/* Every call of the first hundreds; then they repeat. */
static void fail_at_each(bool has_pictures, int one_by_one, int growth)
{
    size_t n;
    int n_failed = 0;
    CHECK_OK(curate(has_pictures, &n));
    CHECK(n == 2 && n_whole() == 2);
    bool is_over = false;
    for (int at = 1; !is_over && at < FAULTS_MAX; at += at < one_by_one ? 1 : 1 + at / growth) {
        fault_arm(at);
        const enum et_status st = curate(has_pictures, &n);
        fault_disarm();
        is_over = !fault_seen;
        CHECK(st == ET_OK || (err.status == st && err.text[0]));
        n_failed += st != ET_OK;
        if (st == ET_OK && !CHECK(n == 2))
            printf("#   call %d: %zu episodes\n", at, n);
        const size_t n_left = n_whole();
        if (!CHECK(n_left == 2))
            printf("#   call %d: %zu left, %s\n", at, n_left, err.text);
    }
    CHECK(is_over && n_failed > one_by_one / 4);
    CHECK_OK(curate(has_pictures, &n));
    CHECK(n == 2 && n_whole() == 2);
}

static void it_is_whole_or_says_why_not(void)
{
    fail_at_each(false, 400, 100);
}

static void it_is_whole_with_pictures_too(void)
{
    fail_at_each(true, 20, 20);
}

int main(void)
{
    profile = made_file("robot.yaml", PROFILE);
    recording = temp_path("run.mcap");
    out = temp_path("out");
    make(recording);
    RUN(it_is_whole_or_says_why_not);
    RUN(it_is_whole_with_pictures_too);
    return tap_end();
}

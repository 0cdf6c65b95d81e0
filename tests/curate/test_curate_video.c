/* A camera that sends a video, from the recording to a dataset: every picture stays at its time. */
#include "etude/curate.h"

#include "../recording/video_made.h"
#include "etude/dataset_ops.h"
#include "etude/episode_file.h"
#include "etude/frames.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>

static struct et_err err;
static struct et_arena *arena;
static struct et_curated curated;
static const char *profile;

#define T0 (INT64_C(1700000000) * SEC)
#define PERIOD (SEC / 30)
enum { N = 240, GOP = 40 };

static const char *const PROFILE =
    "profile: 1\nmaker: M\nmodel: T\nparts:\n"
    "  left_arm:\n    unit: rad\n    joints:\n      - {name: a, lower: null, upper: null}\n"
    "cameras:\n  head: in the head\n  scene: beside\nrules:\n"
    "  - {stream: left_arm.position, topic: /j, names: [a]}\n"
    "  - {stream: head.image, topic: /h}\n"
    "  - {stream: scene.image, topic: /s}\n"
    "  - {stream: scene.event, topic: /e}\n";

static struct units units[2];

static int64_t taken_at(int number)
{
    return T0 + number * PERIOD;
}

/* Where a unit's first slice of a key frame begins; 0: it is none. */
static size_t head_bytes(struct et_str unit)
{
    for (size_t i = 0; i + 4 < unit.n; i++)
        if (unit.p[i] == 0 && unit.p[i + 1] == 0 && unit.p[i + 2] == 1 && (unit.p[i + 3] & 31) == 5)
            return i;
    return 0;
}

/* How a recording is made: without messages lost … lost + 1 of the first camera (−1: none), and
 * with its parameters in messages of their own. */
struct making {
    int lost;
    bool is_apart;
};

static void make_head(struct made *m, uint16_t head, int i, const struct making *how)
{
    const int64_t t = taken_at(i) + 4 * PERIOD, t_taken = taken_at(units[0].numbers[i]);
    struct et_str unit = units[0].bytes[i];
    const size_t n = how->is_apart ? head_bytes(unit) : 0;
    if (how->lost >= 0 && i >= how->lost && i <= how->lost + 1)
        return;
    if (n > 0) {
        made_video(m, head, FORM_PACKET, t - MS, t_taken, "h264_nvenc", (struct et_str){unit.p, n});
        unit = (struct et_str){unit.p + n, unit.n - n};
    }
    made_video(m, head, FORM_PACKET, t, t_taken, "h264_nvenc", unit);
}

/* Two cameras of 30 Hz: H.264 with B frames, H.265; an arm at 100 Hz; marks in the middle of a
 * group of pictures. */
static void make(const char *path, struct making how)
{
    struct made m;
    made_open(&m, path);
    const uint16_t arm = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t marks = made_channel(&m, "/e", "std_msgs/msg/String");
    const uint16_t head = made_video_channel(&m, "/h", FORM_PACKET);
    const uint16_t scene = made_video_channel(&m, "/s", FORM_PROTOBUF);
    for (int i = 0; i < N; i++) {
        const int64_t t = taken_at(i) + 4 * PERIOD; // decoding is later than showing
        for (int k = 0; k < 3; k++) {
            const int64_t t_arm = taken_at(i) + k * PERIOD / 3;
            const double q = sin(3 * (double)(t_arm - T0) * 1e-9);
            made_joints(&m, arm, t_arm, t_arm, "a", &q, 1);
        }
        if (i == 55 || i == 185)
            made_string(&m, marks, taken_at(i), i == 55 ? "start" : "stop");
        make_head(&m, head, i, &how);
        made_video(&m, scene, FORM_PROTOBUF, t + MS, taken_at(units[1].numbers[i]), "h265",
                   units[1].bytes[i]);
    }
    made_finish(&m);
}

static const char *episode_path(const char *out)
{
    static char path[4400];
    (void)snprintf(path, sizeof path, "%s/%s/000", out, curated.id);
    return path;
}

static bool curate(const char *path, const char *out, struct et_episode *e,
                   struct et_episode_facts *facts)
{
    const struct et_curate_options how = {.profile = profile};
    et_arena_close(arena);
    CHECK_OK(et_arena_open(&arena, (size_t)256 << 20, &err));
    CHECK_OK(et_curate(path, out, true, &how, arena, &curated, &err));
    return CHECK(curated.n_episodes == 1) &&
           CHECK(et_episode_read(episode_path(out), arena, e, facts, &err) == ET_OK) &&
           CHECK(e->n_videos == 2);
}

static void an_episode_in_the_middle_has_all_its_pictures(void)
{
    const char *path = temp_path("video.mcap"), *out = temp_path("episodes");
    struct et_episode e;
    struct et_episode_facts facts;
    struct et_image image;
    make(path, (struct making){-1, false});
    if (!curate(path, out, &e, &facts))
        return;
    for (size_t i = 0; i < e.n_videos; i++) {
        const struct et_video_ref *v = &e.videos[i];
        struct et_frames *frames = NULL;
        const struct et_frames_range range = {.path = v->path,
                                              .profile = profile,
                                              .stream = v->stream.name,
                                              .t_arrival_ns = v->t_arrival_ns,
                                              .t_device_ns = v->t_device_ns,
                                              .n_frames = v->n_frames};
        CHECK(v->n_frames > 125 && v->width_px == BAR_W && v->height_px == BAR_H);
        CHECK_OK(et_frames_open(&frames, &range, &err));
        for (int64_t k = 0; frames && k < v->n_frames; k++) {
            CHECK_OK(et_frames_go_to(frames, k, &err));
            if (CHECK(et_frames_image(frames, &image, &err) == ET_OK))
                CHECK_EQ(taken_at(image_number(&image)), v->t_device_ns[k]);
        }
        et_frames_close(frames);
    }
    for (size_t i = 0; i < facts.n_findings; i++)
        CHECK(strcmp(facts.findings[i].kind, "decode") != 0);
}

/* The video of a built dataset: a picture a row. The centre cannot know that the cameras are four
 * periods late: nothing that it gets ever comes sooner. */
static void check_video(const char *path, int64_t n_rows)
{
    struct et_video_reader *reader = NULL;
    struct et_frame frame;
    int first = 0, last = 0, n = 0;
    CHECK_OK(et_video_open(&reader, path, 1, &err));
    for (; reader && et_video_next(reader, &frame, &err) == ET_OK; n++) {
        const int number = bar_number(&frame);
        CHECK(n == 0 || (number >= last && number <= last + 2));
        first = n == 0 ? number : first;
        last = number;
    }
    CHECK(n == n_rows && first >= 55 - 5 && first <= 55 - 3);
    CHECK(abs(last - first - (n - 1)) <= 1);
    et_video_close(reader);
}

static bool build(const char *out, const char *to, struct et_ops_result *result)
{
    struct et_dataset *dataset = NULL;
    const struct et_episode_place *places = NULL;
    size_t n_places = 0;
    CHECK_OK(et_episode_list(out, arena, &places, &n_places, &err));
    if (!CHECK(et_dataset_open_episodes(&dataset, out, places, n_places, &err) == ET_OK &&
               et_dataset_use_profile(dataset, profile, &err) == ET_OK)) {
        printf("# %s\n", err.text);
        return false;
    }
    const struct et_pick pick = {.dataset = dataset};
    const struct et_build_options options = {.fps = 30};
    CHECK_OK(et_dataset_build(&pick, 1, to, &options, arena, result, &err));
    et_dataset_close(dataset);
    for (size_t i = 0; i < result->n_remarks; i++)
        printf("# %s\n", result->remarks[i].text);
    return CHECK(result->totals.n_episodes == 1 && result->totals.n_rows > 125);
}

static const char *video_of(const char *to, const char *camera)
{
    static char path[4400];
    (void)snprintf(path, sizeof path, "%s/videos/observation.images.%s/chunk-000/file-000.mp4", to,
                   camera);
    return path;
}

static void a_dataset_has_them_in_its_videos(void)
{
    struct et_ops_result result;
    const char *to = temp_path("built");
    if (!build(temp_path("episodes"), to, &result))
        return;
    check_video(video_of(to, "head"), result.totals.n_rows);
    check_video(video_of(to, "scene"), result.totals.n_rows);
}

/* Two of a group of 40 are lost, so none of its pictures from the first of them on are given. */
static void a_lost_message_costs_the_rest_of_its_group(void)
{
    const char *path = temp_path("lost.mcap"), *out = temp_path("lost"), *to = temp_path("set");
    struct et_episode e;
    struct et_episode_facts facts;
    struct et_ops_result result;
    bool is_told = false;
    make(path, (struct making){.lost = 100});
    if (!curate(path, out, &e, &facts))
        return;
    for (size_t i = 0; i < facts.n_findings; i++)
        is_told = is_told || (strstr(facts.findings[i].text, "next key frame") &&
                              strstr(facts.findings[i].text, "pictures cannot be decoded"));
    CHECK(is_told);
    if (!build(out, to, &result) || !CHECK(result.n_remarks > 0))
        return;
    CHECK_HAS(result.remarks[0].text, "head.image: ");
    CHECK_HAS(result.remarks[0].text, "rows have the nearest picture");
    check_video(video_of(to, "scene"), result.totals.n_rows);
}

static void parameters_in_messages_of_their_own_are_no_damage(void)
{
    const char *path = temp_path("apart.mcap"), *out = temp_path("apart"), *to = temp_path("whole");
    struct et_episode e;
    struct et_episode_facts facts;
    struct et_ops_result result;
    make(path, (struct making){.lost = -1, .is_apart = true});
    if (!curate(path, out, &e, &facts))
        return;
    for (size_t i = 0; i < facts.n_findings; i++)
        if (!CHECK(strcmp(facts.findings[i].kind, "decode") != 0))
            printf("# %s\n", facts.findings[i].text);
    if (!build(out, to, &result))
        return;
    CHECK_EQ(result.n_remarks, 0);
    check_video(video_of(to, "head"), result.totals.n_rows);
}

int main(void)
{
    const struct foreign whats[] = {
        {.encoder = "libx264", .n = N, .gop = GOP, .b_frames = 2, .params = "b-adapt=0"},
        {.encoder = "libx265", .n = N, .gop = GOP}};
    // Episodes name their profile by its id, so it lies where profiles are looked for.
    static char share[8192];
    const char *own = temp_path("share"), *old = getenv("ETUDE_SHARE");
    (void)snprintf(share, sizeof share, "%s%s%s", own, old ? ":" : "", old ? old : "");
    CHECK_EQ(setenv("ETUDE_SHARE", share, 1), 0);
    CHECK_EQ(mkdir(own, 0777), 0);
    CHECK_EQ(mkdir(temp_path("share/profiles"), 0777), 0);
    profile = made_file("share/profiles/robot.yaml", PROFILE);
    for (int i = 0; i < 2; i++)
        units[i] = make_units(&whats[i]);
    RUN(an_episode_in_the_middle_has_all_its_pictures);
    RUN(a_dataset_has_them_in_its_videos);
    RUN(a_lost_message_costs_the_rest_of_its_group);
    RUN(parameters_in_messages_of_their_own_are_no_damage);
    for (int i = 0; i < 2; i++)
        free_units(&units[i]);
    et_arena_close(arena);
    return tap_end();
}

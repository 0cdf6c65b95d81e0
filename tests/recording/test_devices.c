/* Several robots in one recording, made by the recorder: a stream is one device's, and the profile
 * that of the robot that the recording names. */
#include "etude/cdr.h"
#include "etude/clock.h"
#include "etude/curate.h"
#include "etude/episode_file.h"
#include "etude/file.h"
#include "etude/json.h"
#include "etude/recorder.h"
#include "etude/source.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define N 400
#define PERIOD_NS (5 * INT64_C(1000000))

static struct et_err err;

/* A robot's joints in the file: values tell whose they are. */
struct sender {
    const char *topic, *device;
    const char *names; // with blanks between
    double value;
    int n; // of samples; 0: N
};

#define ARMS "left_elbow left_wrist right_elbow right_wrist"
#define LEFT "left_elbow left_wrist"
#define RIGHT "right_elbow right_wrist"

static void put_joints(struct et_feed *feed, uint16_t stream, int64_t t_ns, const char *names,
                       double value)
{
    struct et_str rest = et_str(names), parts[8];
    double values[8];
    size_t n = 0;
    while (et_str_cut(&rest, ' ', &parts[n]))
        n++;
    for (size_t i = 0; i < n; i++)
        values[i] = value;
    struct et_buf buf = et_buf(4096);
    struct et_cdr w = et_cdr_begin(&buf);
    et_cdr_time(&w, t_ns);
    et_cdr_text(&w, ET_STR(""));
    et_cdr_texts(&w, parts, n);
    et_cdr_f64s(&w, values, n);
    et_cdr_f64s(&w, values, 0);
    et_cdr_f64s(&w, values, 0);
    CHECK(et_feed_put(feed, &(struct et_feed_sample){.t_arrival_ns = t_ns,
                                                     .t_device_ns = t_ns,
                                                     .stream = stream,
                                                     .n_bytes = (uint32_t)buf.n,
                                                     .bytes = buf.p}));
    et_buf_free(&buf);
}

/* Records what they send; the path of the file. run may be NULL. */
static const char *record(const struct sender *senders, size_t n, const struct et_run *run)
{
    static char path[ET_RECORDING_PATH_MAX];
    static int n_made;
    char name[32];
    (void)snprintf(name, sizeof name, "made%d", n_made++);
    const struct et_recorder_options how = {
        .folder = temp_path(name), .keep_free_bytes = -1, .before_ns = 10 * ET_NS_PER_S};
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_feed *feed;
    uint16_t streams[8];
    CHECK_OK(et_recorder_open(&recorder, &how, &err));
    CHECK_OK(et_station_open(&station, recorder, "one", &err));
    CHECK_OK(et_station_feed(station, NULL, &feed, &err));
    for (size_t i = 0; i < n; i++)
        CHECK_OK(et_feed_add_type(feed, senders[i].topic, "sensor_msgs/msg/JointState",
                                  senders[i].device, 200, &streams[i], &err));
    const int64_t t_ns = et_clock_monotonic_ns() - N * PERIOD_NS;
    for (int k = 0; k < N; k++)
        for (size_t i = 0; i < n; i++)
            if (k < (senders[i].n ? senders[i].n : N))
                put_joints(feed, streams[i], t_ns + k * PERIOD_NS, senders[i].names,
                           senders[i].value);
    CHECK_OK(et_station_begin(station, run ? run : &(struct et_run){0}, &err));
    CHECK(et_feed_event(feed, "note", "somebody", "as it is", NULL));
    CHECK_OK(et_station_end(station, NULL, &err));
    (void)snprintf(path, sizeof path, "%s", et_station_status(station).path);
    CHECK_OK(et_recorder_close(recorder, &err));
    return path;
}

static struct et_recording *recording;
static const struct et_recording_binding *binding;
static struct et_curated curated;

static enum et_status see(const char *path, const char *profile, const char *device)
{
    et_recording_close(recording);
    CHECK_OK(et_recording_open(&recording, path, &(struct et_recording_options){.device = device},
                               &err));
    binding = et_recording_binding(recording);
    return et_recording_use_profile(recording, profile, &err);
}

/* The values of a stream: NaN where there are none or they differ. */
static double value_of(const char *stream, int *n)
{
    struct et_sample sample;
    double value = (double)NAN;
    *n = 0;
    for (size_t i = 0; i < binding->n_streams; i++) {
        if (strcmp(binding->streams[i].stream.name, stream) != 0)
            continue;
        CHECK_OK(et_recording_query(
            recording, &(struct et_recording_query){.streams = &i, .n_streams = 1}, &err));
        while (et_recording_next(recording, &sample, &err) == ET_OK) {
            for (size_t k = 0; k < binding->streams[i].stream.n_values; k++)
                value = (*n == 0 && k == 0) || value == sample.values[k] ? sample.values[k]
                                                                         : (double)NAN;
            (*n)++;
        }
    }
    return value;
}

static bool is_of(const char *stream, double value, int n)
{
    int n_seen;
    const double seen = value_of(stream, &n_seen);
    if (seen != value || n_seen != n)
        printf("# %s: %d samples of %g, wanted %d of %g\n", stream, n_seen, seen, n, value);
    return seen == value && n_seen == n;
}

static bool is_warned(const char *text)
{
    for (size_t i = 0; i < binding->n_warnings; i++)
        if (strstr(binding->warnings[i], text))
            return true;
    return false;
}

static const struct sender TWO[] = {{"/state", "right", ARMS, 2, 0},
                                    {"/state", "left", ARMS, 1, 0}};

static void a_stream_is_of_one_device(void)
{
    const char *path = record(TWO, 2, NULL);
    CHECK_OK(see(path, NULL, NULL));
    CHECK_STR(binding->profile->id, "acme-walker");
    CHECK_STR(binding->device, "left");
    CHECK(is_of("left_arm.position", 1, N) && is_of("right_arm.position", 1, N));
    CHECK(is_warned("left is taken, left out: right") && is_warned("--device"));
    CHECK_EQ(binding->n_streams, 3); // its own events are there, too
    CHECK_OK(see(path, NULL, "right"));
    CHECK_STR(binding->device, "right");
    CHECK(is_of("left_arm.position", 2, N) && binding->n_warnings == 0);
    CHECK_OK(see(path, "acme-walker", NULL));
    CHECK(is_of("left_arm.position", 1, N) && is_warned("right"));
    CHECK_EQ(see(path, NULL, "middle"), ET_ENOTFOUND);
    CHECK_HAS(err.text, "no device \"middle\"");
    CHECK_HAS(err.text, "left, right");
}

static void the_device_is_told_of_what_is_curated(void)
{
    const char *path = record(TWO, 2, NULL);
    struct et_arena *arena;
    struct et_episode episode;
    struct et_episode_facts facts;
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    const struct et_curate_options how = {.device = "right", .cut.by = ET_CUT_WHOLE};
    CHECK_OK(et_curate(path, temp_path("curated"), false, &how, arena, &curated, &err));
    CHECK_STR(curated.device, "right");
    CHECK_EQ(curated.n_episodes, 1);
    const char *folder =
        et_path_join(arena, et_path_join(arena, temp_path("curated"), curated.folder), "000");
    CHECK_OK(et_episode_read(folder, arena, &episode, &facts, &err));
    CHECK_STR(facts.device, "right");
    CHECK(episode.n_tracks >= 2 && episode.tracks[0].values[0] == 2);
    et_arena_close(arena);
}

static enum et_status curate(const char *path, const char *out, bool replace, const char *device,
                             struct et_arena *arena)
{
    const struct et_curate_options how = {.device = device, .cut.by = ET_CUT_WHOLE};
    return et_curate(path, out, replace, &how, arena, &curated, &err);
}

static bool is_folder(const char *behind)
{
    const size_t n = strlen(curated.id);
    return curated.folder && strncmp(curated.folder, curated.id, n) == 0 &&
           tap_is(curated.folder + n, behind);
}

// Whatever comes first, a choice of devices has one name, and the usual one is the recording's id.
static void episodes_of_another_device_lie_beside(void)
{
    const char *path = record(TWO, 2, NULL), *out = temp_path("beside");
    const struct et_episode_place *places;
    struct et_episode episodes[2];
    struct et_episode_facts facts;
    struct et_arena *arena;
    size_t n;
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    CHECK_OK(curate(path, out, false, "right", arena));
    CHECK(is_folder(".right"));
    CHECK_OK(curate(path, out, false, NULL, arena));
    CHECK(is_folder(""));
    CHECK_EQ(curate(path, out, false, "left", arena), ET_EEXISTS);
    CHECK(is_folder(""));
    CHECK_EQ(curate(path, out, false, "right", arena), ET_EEXISTS);
    CHECK(is_folder(".right"));
    CHECK_STR(curated.device, "right");
    CHECK_OK(curate(path, out, true, "right", arena));
    CHECK_OK(et_episode_list(out, arena, &places, &n, &err));
    if (CHECK(n == 2)) {
        for (size_t i = 0; i < 2; i++) {
            CHECK_OK(et_episode_read(places[i].folder, arena, &episodes[i], &facts, &err));
            CHECK_STR(facts.device, i == 0 ? "left" : "right");
            CHECK_STR(facts.recording_id, curated.id);
            CHECK(episodes[i].tracks[0].values[0] == (i == 0 ? 1 : 2));
        }
        CHECK(strcmp(episodes[0].id, episodes[1].id) != 0);
    }
    et_arena_close(arena);
}

static void what_was_curated_before_keeps_its_folder(void)
{
    const char *path = record(TWO, 2, NULL), *out = temp_path("before");
    struct et_arena *arena;
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    CHECK_OK(curate(path, out, false, "right", arena));
    CHECK_OK(et_file_rename(et_path_join(arena, out, curated.folder),
                            et_path_join(arena, out, curated.id), &err));
    CHECK_EQ(curate(path, out, false, "right", arena), ET_EEXISTS);
    CHECK(is_folder(""));
    CHECK_OK(curate(path, out, false, NULL, arena));
    CHECK(is_folder(".left"));
    CHECK_EQ(curate(path, out, false, NULL, arena), ET_EEXISTS);
    et_arena_close(arena);
}

static void any_name_of_a_device_makes_a_folder(void)
{
#define LONG "a_name_that_is_much_longer_than_any_folder_s_name_need_be"
    static const struct {
        const char *device, *folder;
    } CASES[] = {{"b@10.0.0.7", ".b@10.0.0.7"}, // their hashes tell those apart that are not whole
                 {"b/c d", ".b-c-d-"},
                 {"../b", "...-b-"},
                 {"b.part", ".b.part-"},
                 {LONG, ".a_name_that_is_much_longer_than_any_folder_s_nam-"}};
    struct et_arena *arena;
    CHECK_OK(et_arena_open(&arena, (size_t)128 << 20, &err));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct sender senders[] = {{"/state", "!", ARMS, 1, 0},
                                         {"/state", CASES[i].device, ARMS, 2, 0}};
        const struct et_episode_place *places;
        size_t n;
        char out[32];
        (void)snprintf(out, sizeof out, "names%zu", i);
        const char *path = record(senders, 2, NULL);
        CHECK_OK(curate(path, temp_path(out), false, CASES[i].device, arena));
        const char *behind = curated.folder ? curated.folder + strlen(curated.id) : "";
        const size_t n_whole = strlen(CASES[i].folder);
        CHECK(strncmp(behind, CASES[i].folder, n_whole) == 0);
        CHECK_EQ(strlen(behind), n_whole + (i == 0 ? 0 : 8));
        CHECK_OK(et_episode_list(temp_path(out), arena, &places, &n, &err));
        CHECK_EQ(n, 1);
    }
    et_arena_close(arena);
}

static void one_that_was_asked_for_is_not_dropped_silently(void)
{
    static const struct sender SPLIT[] = {{"/state@10.0.0.7", "g1", ARMS, 1, 0},
                                          {"/state@10.0.0.8", "g1", ARMS, 2, 0},
                                          {"/state", "third", ARMS, 3, 0}};
    const char *path = record(TWO, 2, NULL);
    CHECK_OK(see(path, NULL, "left,right"));
    CHECK(is_warned("several make the same streams") && is_warned("left is taken"));
    CHECK(is_warned("left out: right"));
    CHECK_OK(see(path, NULL, "left"));
    CHECK_EQ(binding->n_warnings, 0);
    path = record(SPLIT, 3, NULL); // nor are those that one name is for
    CHECK_OK(see(path, NULL, "g1"));
    CHECK(is_warned("g1@10.0.0.7 is taken, left out: g1@10.0.0.8 ("));
    // It stands beside the episodes, too, and is told of those that are there.
    struct et_arena *arena;
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    for (int i = 0; i < 2; i++) {
        const enum et_status st = curate(path, temp_path("dropped"), false, "g1,third", arena);
        CHECK_EQ(st, i == 0 ? ET_OK : ET_EEXISTS);
        if (CHECK(curated.n_remarks > 0)) {
            CHECK_STR(curated.remarks[0].where, "robot");
            CHECK_HAS(curated.remarks[0].text,
                      "g1@10.0.0.7 is taken, left out: g1@10.0.0.8, third");
        }
    }
    et_arena_close(arena);
}

static bool is_device(size_t i, const char *name, size_t n_joints, bool is_taken)
{
    const struct et_recorded_device *device = &binding->devices[i];
    return i < binding->n_devices && tap_is(device->name, name) && device->n_joints == n_joints &&
           device->is_taken == is_taken && device->has_joints;
}

static void another_robot_is_named(void)
{
    static const struct sender ROBOTS[] = {{"/joint_states", "so101", "one two three", 5, 0},
                                           {"/state", "walker", ARMS, 1, 0},
                                           {"/unknown", "new", "four", 3, 0}};
    static const struct et_run RUNS[] = {{0}, {.robot = "acme-walker"}};
    struct et_arena *arena;
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    for (size_t k = 0; k < 2; k++) { // also where the recording names its robot
        const char *path = record(ROBOTS, 3, &RUNS[k]);
        const char *out = temp_path(k == 0 ? "robots" : "robots-named");
        CHECK_OK(see(path, NULL, NULL));
        CHECK_STR(binding->profile->id, "acme-walker");
        CHECK(!binding->device && !binding->apart && binding->n_warnings == 0);
        CHECK_EQ(binding->n_devices, 3);      // those of the recorder's own channels are nobody's
        CHECK(is_device(0, "new", 0, false)); // no profile takes it
        CHECK(is_device(1, "so101", 3, false) && is_device(2, "walker", 4, true));
        CHECK_OK(curate(path, out, false, NULL, arena));
        CHECK(is_folder("") && curated.n_devices == 3 && !curated.devices[1].is_taken);
        CHECK_STR(curated.devices[1].name, "so101");
        CHECK_OK(curate(path, out, false, "so101", arena));
        CHECK(is_folder(".so101"));
        CHECK_STR(curated.profile, "generic");
        CHECK_STR(curated.device, "so101");
        CHECK_EQ(curated.n_episodes, 1);
        CHECK_OK(see(path, NULL, "so101"));
        CHECK(is_of("body.position", 5, N) && is_device(2, "walker", 4, false));
        CHECK_STR(binding->apart, "so101");
        CHECK_OK(see(path, NULL, "so101,walker"));
        CHECK(is_warned("profile acme-walker takes nothing of so101 ("));
        CHECK(!binding->apart);
    }
    et_arena_close(arena);
}

static void a_bad_name_is_told_with_those_there_are(void)
{
    static const struct sender MANY[] = {{"/a", "a_long_name_of_a_device_1", ARMS, 1, 1},
                                         {"/b", "a_long_name_of_a_device_2", ARMS, 1, 1},
                                         {"/c", "a_long_name_of_a_device_3", ARMS, 1, 1},
                                         {"/d", "a_long_name_of_a_device_4", ARMS, 1, 1},
                                         {"/e", "a_long_name_of_a_device_5", ARMS, 1, 1}};
    const char *path = record(MANY, 5, NULL);
    CHECK_EQ(see(path, NULL, "b"), ET_ENOTFOUND);
    CHECK_HAS(err.text, et_path_base(path));
    CHECK_HAS(err.text, "no device \"b\"");
    CHECK_HAS(err.text, "a_long_name_of_a_device_1, a_long_name_of_a_device_2, "
                        "a_long_name_of_a_device_3 and 2 more");
    path = record(TWO, 2, NULL);
    static const char *const BAD[] = {"", ",", "left,,right", "left,middle", "lef", "left.arm"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CHECK_EQ(see(path, NULL, BAD[i]), ET_ENOTFOUND);
        CHECK_HAS(err.text, "there are left, right");
    }
    CHECK_OK(see(path, NULL, " left , right"));
    CHECK_EQ(see(record(TWO, 1, NULL), NULL, "left"), ET_ENOTFOUND);
    CHECK_HAS(err.text, "there is right");
}

static void devices_that_make_one_robot_are_taken_together(void)
{
    static const struct sender PARTS[] = {{"/state", "red_l", LEFT, 1, 0},
                                          {"/state", "red_r", RIGHT, 2, 100}};
    static const struct sender FOUR[] = {{"/state", "red_r", RIGHT, 2, 0},
                                         {"/state", "blue_r", RIGHT, 4, 0},
                                         {"/state", "red_l", LEFT, 1, 0},
                                         {"/state", "blue_l", LEFT, 3, 0}};
    CHECK_OK(see(record(PARTS, 2, NULL), NULL, NULL));
    CHECK(is_of("left_arm.position", 1, N) && is_of("right_arm.position", 2, 100));
    CHECK(!binding->device && binding->n_warnings == 0);
    // Those that are called alike stay together, whoever is taken.
    const char *path = record(FOUR, 4, NULL);
    CHECK_OK(see(path, NULL, NULL));
    CHECK_STR(binding->device, "blue_l,blue_r");
    CHECK(is_of("left_arm.position", 3, N) && is_of("right_arm.position", 4, N));
    CHECK_OK(see(path, NULL, "red_r"));
    CHECK(is_of("left_arm.position", 1, N) && is_of("right_arm.position", 2, N));
    CHECK_OK(see(path, NULL, "red_l,blue_r"));
    CHECK(is_of("left_arm.position", 1, N) && is_of("right_arm.position", 4, N));
}

static void split_and_prefixed_topics_are_their_robots(void)
{
    static const struct sender SPLIT[] = {{"/state@10.0.0.7", "g1", ARMS, 1, 0},
                                          {"/state@10.0.0.8", "g1", ARMS, 2, 0}};
    static const struct sender LINK[] = {{"/w1/state", "w1.arm", ARMS, 1, 0},
                                         {"/w2/state", "w2.arm", ARMS, 2, 0}};
    static const struct sender AGAIN[] = {{"/w1/state@h", "a.w1.g1@h", ARMS, 1, 0}};
    const char *path = record(SPLIT, 2, NULL);
    CHECK_OK(see(path, NULL, NULL));
    CHECK_STR(binding->device, "g1@10.0.0.7");
    CHECK(is_of("left_arm.position", 1, N));
    CHECK_OK(see(path, NULL, "g1@10.0.0.8"));
    CHECK(is_of("left_arm.position", 2, N));
    path = record(LINK, 2, NULL);
    CHECK_OK(see(path, NULL, NULL));
    CHECK_STR(binding->device, "w1.arm");
    CHECK_OK(see(path, NULL, "w2"));
    CHECK_STR(binding->device, "w2.arm");
    CHECK(is_of("left_arm.position", 2, N));
    CHECK_OK(see(record(AGAIN, 1, NULL), NULL, NULL));
    CHECK(is_of("left_arm.position", 1, N));
    const struct et_channel *channels = et_recording_info(recording)->channels;
    const struct et_recorded_stream *stream = &binding->streams[0];
    CHECK_STR(channels[stream->i_channel].device, "a.w1.g1@h");
    CHECK_STR(channels[stream->i_channel].plain, "/state");
}

static void topics_that_no_profile_takes_are_named(void)
{
    static const struct sender OTHER[] = {{"/elsewhere", "g1", ARMS, 1, 0}};
    CHECK_OK(see(record(OTHER, 1, NULL), NULL, NULL));
    CHECK_HAS(binding->unfit, "no profile takes any of its topics (/");
    CHECK_HAS(binding->unfit, "/elsewhere of sensor_msgs/msg/JointState");
    CHECK_HAS(binding->unfit, "etude profile guess");
    CHECK_OK(see(record(TWO, 1, NULL), NULL, NULL));
    CHECK(!binding->unfit);
}

static void the_robot_that_the_recording_names_counts(void)
{
    const char *path = record(TWO, 1, &(struct et_run){.robot = "acme-runner"});
    CHECK_OK(see(path, NULL, NULL)); // though the walker makes more streams
    CHECK_STR(binding->profile->id, "acme-runner");
    CHECK_EQ(binding->by, ET_PROFILE_BY_RECORDING);
    CHECK(is_of("left_arm.position", 2, N) && binding->n_warnings == 0);
    CHECK_OK(see(path, "acme-walker", NULL));
    CHECK_STR(binding->profile->id, "acme-walker");
    CHECK_EQ(binding->by, ET_PROFILE_BY_USER);
    CHECK_OK(see(record(TWO, 1, &(struct et_run){.robot = "nobody-knows"}), NULL, NULL));
    CHECK_STR(binding->profile->id, "acme-walker");
    CHECK_EQ(binding->by, ET_PROFILE_BY_TOPICS);
    CHECK(is_warned("names the robot nobody-knows, which has no profile"));
    CHECK_OK(see(record(TWO, 1, &(struct et_run){.robot = "franka"}), NULL, NULL));
    CHECK_STR(binding->profile->id, "acme-walker");
    CHECK(is_warned("names the robot franka, whose profile makes no stream"));
}

// Another maker's robot beside it is not rival: its topics are others.
static void the_named_robot_tells_devices_apart(void)
{
    static const struct sender MIXED[] = {{"/state", "a", RIGHT, 1, 0},
                                          {"/state", "b", LEFT, 2, 0}};
    CHECK_OK(see(record(MIXED, 2, &(struct et_run){.robot = "acme-runner"}), NULL, NULL));
    CHECK_STR(binding->profile->id, "acme-runner");
    CHECK(is_of("left_arm.position", 2, N));
}

static int64_t now_ns(void *ctx)
{
    (void)ctx;
    return et_clock_monotonic_ns();
}

// What is played keeps its devices, under the name of who plays it, and nothing is melted.
static void a_replay_keeps_devices_apart(void)
{
    const char *path = record(TWO, 2, NULL);
    char text[ET_RECORDING_PATH_MAX + 64];
    struct et_arena *arena;
    const struct et_value *settings;
    struct et_feed *feed;
    struct et_source *source;
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_feed_open(&feed, NULL, &err));
    (void)snprintf(text, sizeof text, "{\"path\": \"%s\"}", path);
    CHECK_OK(et_json_parse(et_str(text), NULL, arena, &settings, &err));
    const struct et_source_options how = {
        .device = "again", .settings = settings, .only_look = true, .now_ns = now_ns};
    CHECK_OK(et_source_open(&source, et_source_kind("replay"), &how, feed, &err));
    int n_right = 0, n_left = 0;
    for (size_t i = 0; i < et_feed_n_streams(feed); i++) {
        const struct et_feed_stream *stream = et_feed_stream(feed, i);
        if (strcmp(stream->topic, "/state") == 0) {
            n_right += strcmp(stream->device, "again.right") == 0;
            n_left += strcmp(stream->device, "again.left") == 0;
        }
    }
    CHECK_EQ(n_right, 1);
    CHECK_EQ(n_left, 1);
    et_source_close(source);
    et_feed_close(feed);
    et_arena_close(arena);
}

#define PART(name, a, b) "  " name ":\n    unit: rad\n    joints: [{name: " a "}, {name: " b "}]\n"
#define RULE(part) "  - {stream: " part ".position, topic: /state, names: maker}\n"
#define HEAD(model) "profile: 1\nmaker: Acme\nmodel: " model "\nparts:\n"
#define LEFT_PART PART("left_arm", "left_elbow", "left_wrist")
#define RIGHT_PART PART("right_arm", "right_elbow", "right_wrist")
#define RUNNER HEAD("Runner") LEFT_PART "rules:\n" RULE("left_arm")

static void a_profile_that_only_the_recording_has_is_taken(void)
{
    const struct et_mcap_attachment own = {.name = ET_STR("profile.yaml"),
                                           .media_type = ET_STR("application/yaml"),
                                           .data = ET_STR(RUNNER)};
    const struct et_run run = {
        .robot = "robots/acme-flyer.yaml", .attachments = &own, .n_attachments = 1};
    const char *path = record(TWO, 1, &run);
    struct et_arena *arena;
    CHECK_OK(see(path, NULL, NULL));
    CHECK_STR(binding->profile->id, "acme-flyer");
    CHECK_EQ(binding->by, ET_PROFILE_BY_RECORDING);
    CHECK(is_of("left_arm.position", 2, N));
    CHECK_OK(see(path, "acme-flyer", NULL));
    CHECK(is_of("left_arm.position", 2, N));
    CHECK_EQ(see(path, "acme-swimmer", NULL), ET_ENOTFOUND);
    // It lies beside the episodes.
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    const struct et_curate_options how = {.cut.by = ET_CUT_WHOLE};
    CHECK_OK(et_curate(path, temp_path("flyer"), false, &how, arena, &curated, &err));
    struct et_str text;
    const char *folder = et_path_join(arena, temp_path("flyer"), curated.id);
    CHECK_OK(
        et_file_read(et_path_join(arena, folder, "acme-flyer.yaml"), 4096, arena, &text, &err));
    CHECK(et_str_is(text, RUNNER));
    et_arena_close(arena);
    // One that is none is as if there were none.
    const struct et_mcap_attachment bad = {.name = ET_STR("profile.yaml"),
                                           .media_type = ET_STR("application/yaml"),
                                           .data = ET_STR("profile: [")};
    const struct et_run spoilt = {.robot = "acme-flyer", .attachments = &bad, .n_attachments = 1};
    CHECK_OK(see(record(TWO, 1, &spoilt), NULL, NULL));
    CHECK_STR(binding->profile->id, "acme-walker");
    CHECK(is_warned("acme-flyer, which has no profile"));
}

static void put_profile(const char *folder, const char *name, const char *text)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    write_file(path, text, strlen(text));
}

int main(void)
{
    char share[4096], folder[1024];
    const char *old = getenv("ETUDE_SHARE");
    (void)snprintf(folder, sizeof folder, "%s/profiles", temp_path("share"));
    (void)snprintf(share, sizeof share, "%s:%s", temp_path("share"), old ? old : "");
    if (et_dir_make(folder, &err) != ET_OK || setenv("ETUDE_SHARE", share, 1) != 0)
        return 1;
    put_profile(folder, "acme-walker.yaml",
                HEAD("Walker") LEFT_PART RIGHT_PART "rules:\n" RULE("left_arm") RULE("right_arm"));
    put_profile(folder, "acme-runner.yaml", RUNNER);
    RUN(a_stream_is_of_one_device);
    RUN(the_device_is_told_of_what_is_curated);
    RUN(episodes_of_another_device_lie_beside);
    RUN(what_was_curated_before_keeps_its_folder);
    RUN(any_name_of_a_device_makes_a_folder);
    RUN(one_that_was_asked_for_is_not_dropped_silently);
    RUN(another_robot_is_named);
    RUN(a_bad_name_is_told_with_those_there_are);
    RUN(devices_that_make_one_robot_are_taken_together);
    RUN(split_and_prefixed_topics_are_their_robots);
    RUN(topics_that_no_profile_takes_are_named);
    RUN(the_robot_that_the_recording_names_counts);
    RUN(the_named_robot_tells_devices_apart);
    RUN(a_replay_keeps_devices_apart);
    RUN(a_profile_that_only_the_recording_has_is_taken);
    et_recording_close(recording);
    return tap_end();
}

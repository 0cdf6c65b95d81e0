// A draft for any recording loads as it is, and every stream that it drafts is bound.
#include "hdf5_made.h"
#include "made.h"

#include "etude/file.h"
#include "etude/recording.h"
#include "support.h"
#include "tap.h"

#define ARENA_BYTES ((size_t)64 << 20)

static struct et_err err;

struct draft {
    struct et_arena *arena;
    struct et_buf yaml;
    const struct et_profile *profile;
    struct et_recording *recording;
    const struct et_recording_binding *binding;
};

/* Guesses, loads the draft, and binds the recording with it. */
static void draft_open(struct draft *d, const char *path)
{
    const char *file = temp_path("draft.yaml");
    *d = (struct draft){.yaml = et_buf((size_t)4 << 20)};
    CHECK_OK(et_arena_open(&d->arena, ARENA_BYTES, &err));
    CHECK_OK(et_recording_open(&d->recording, path, NULL, &err));
    if (!d->recording)
        return;
    CHECK_OK(et_recording_guess(d->recording, &d->yaml, &err));
    write_file(file, d->yaml.p, d->yaml.n);
    CHECK_OK(et_profile_load(file, d->arena, &d->profile, &err));
    CHECK_OK(et_recording_use_profile(d->recording, file, &err));
    d->binding = et_recording_binding(d->recording);
}

static void draft_close(struct draft *d)
{
    et_recording_close(d->recording);
    et_arena_close(d->arena);
    et_buf_free(&d->yaml);
}

static const struct et_recorded_stream *stream_of(const struct draft *d, const char *name)
{
    for (size_t i = 0; d->binding && i < d->binding->n_streams; i++)
        if (strcmp(d->binding->streams[i].stream.name, name) == 0)
            return &d->binding->streams[i];
    printf("#   no stream %s\n", name);
    return NULL;
}

/* Every rule of the draft is a stream of its own, and all of them are bound. */
static void is_bound(const struct draft *d)
{
    if (!d->profile || !d->binding)
        return;
    CHECK_EQ(d->binding->n_streams, d->profile->n_rules);
    for (size_t i = 0; i < d->profile->n_rules; i++)
        CHECK(stream_of(d, d->profile->rules[i].stream) != NULL);
}

#define BOTH_ARMS "left_joint1 left_joint2 left_gripper right_joint1 right_joint2 right_gripper"

static void make_bimanual(const char *path)
{
    struct made m;
    struct et_buf jpeg = made_jpeg(1), depth = made_depth(1000, 0, 0);
    const double state[6] = {0.1, -0.2, 0.5, 0.3, 1.4, 0.9},
                 degrees[6] = {10, -120, 50, 30, 100, 9};
    const double imu[10] = {0, 0, 0, 0, 0, 9.81, 0, 0, 0, 1};
    made_open(&m, path);
    const uint16_t joints = made_channel(&m, "/joint_states", "sensor_msgs/msg/JointState");
    const uint16_t other = made_channel(&m, "/joint_states_slow", "sensor_msgs/msg/JointState");
    const uint16_t command = made_channel(&m, "/arm_cmd", "sensor_msgs/msg/JointState");
    const uint16_t head =
        made_channel(&m, "/cam_head/color/image_raw/compressed", "sensor_msgs/msg/CompressedImage");
    const uint16_t wrist = made_channel(&m, "/left_wrist/image", "sensor_msgs/msg/CompressedImage");
    const uint16_t far = made_channel(&m, "/cam_head/depth/image_raw/compressedDepth",
                                      "sensor_msgs/msg/CompressedImage");
    const uint16_t body = made_channel(&m, "/pelvis/imu", "sensor_msgs/msg/Imu");
    const uint16_t marks = made_channel(&m, "/episode", "std_msgs/msg/String");
    const uint16_t words = made_channel(&m, "/robot_description", "std_msgs/msg/String");
    (void)made_channel(&m, "/never", "sensor_msgs/msg/JointState");
    for (int k = 0; k < 3; k++) {
        const int64_t t = SEC + k * 10 * MS;
        made_joints(&m, joints, t, t, BOTH_ARMS, state, 6);
        made_joints(&m, other, t, t, BOTH_ARMS, state, 6);
        made_joints(&m, command, t, t, BOTH_ARMS, degrees, 6);
        made_compressed(&m, head, t, "jpeg", (struct et_str){jpeg.p, jpeg.n});
        made_compressed(&m, wrist, t, "jpeg", (struct et_str){jpeg.p, jpeg.n});
        made_compressed(&m, far, t, "16UC1; compressedDepth", (struct et_str){depth.p, depth.n});
        made_imu(&m, body, t, t, imu);
        made_string(&m, marks, t, "start");
        made_string(&m, words, t, "<robot/>");
    }
    made_finish(&m);
    et_buf_free(&jpeg);
    et_buf_free(&depth);
}

static void drafts_joints_cameras_and_marks_by_their_names(void)
{
    const char *path = temp_path("bimanual.mcap");
    struct draft d;
    make_bimanual(path);
    draft_open(&d, path);
    is_bound(&d);
    const struct et_recorded_stream *arm = stream_of(&d, "left_arm.position");
    CHECK(arm && arm->stream.n_values == 2);
    CHECK(arm && tap_is(arm->stream.names[1], "left_joint_2"));
    CHECK(stream_of(&d, "right_hand.position") && stream_of(&d, "right_arm.effort"));
    CHECK(stream_of(&d, "command.left_arm.position"));
    CHECK(stream_of(&d, "head.image") && stream_of(&d, "head.depth"));
    CHECK(stream_of(&d, "left_wrist.image") && stream_of(&d, "base.imu"));
    const struct et_recorded_stream *marks = stream_of(&d, "scene.event");
    CHECK(marks && !marks->stamp);
    const char *text = et_buf_text(&d.yaml);
    CHECK(!strstr(text, "robot_description") && !strstr(text, "/never"));
    CHECK_HAS(text, "an earlier rule makes it");
    draft_close(&d);
}

static void takes_units_from_ranges(void)
{
    struct draft d;
    struct et_sample sample;
    bool was_seen = false;
    draft_open(&d, temp_path("bimanual.mcap"));
    CHECK_HAS(et_buf_text(&d.yaml), "unit: deg}");
    if (d.binding)
        CHECK_OK(et_recording_query(d.recording, NULL, &err));
    while (d.binding && et_recording_next(d.recording, &sample, &err) == ET_OK) {
        const struct et_recorded_stream *stream = &d.binding->streams[sample.i_stream];
        if (strcmp(stream->stream.name, "command.left_arm.position") != 0)
            continue;
        CHECK_NEAR(sample.values[1], -120 * 3.14159265358979 / 180, 1e-9);
        was_seen = true;
    }
    CHECK(was_seen);
    draft_close(&d);
}

static void takes_the_part_from_the_topic_where_names_say_none(void)
{
    struct made m;
    struct draft d;
    const double values[7] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7};
    const char *path = temp_path("topics.mcap");
    made_open(&m, path);
    const uint16_t left = made_channel(&m, "/left_arm/joint_states", "sensor_msgs/msg/JointState");
    const uint16_t right =
        made_channel(&m, "/right_arm/joint_states", "sensor_msgs/msg/JointState");
    const uint16_t rest = made_channel(&m, "/joint_states", "sensor_msgs/msg/JointState");
    made_joints(&m, left, SEC, SEC, "joint1 joint2 joint3", values, 3);
    made_joints(&m, right, SEC, SEC, "joint1 joint2 joint3", values, 3);
    made_joints(&m, rest, SEC, SEC, "", values, 7);
    made_finish(&m);
    draft_open(&d, path);
    is_bound(&d);
    const struct et_recorded_stream *arm = stream_of(&d, "right_arm.position");
    CHECK(arm && arm->stream.n_values == 3);
    CHECK(arm && tap_is(arm->stream.names[0], "right_arm_joint_1"));
    const struct et_recorded_stream *body = stream_of(&d, "body.position");
    CHECK(body && body->stream.n_values == 7);
    CHECK_HAS(et_buf_text(&d.yaml), "the topic has the word arm");
    draft_close(&d);
}

static void drafts_nothing_where_nothing_is_known(void)
{
    struct made m;
    struct draft d;
    const char *path = temp_path("unknown.mcap");
    made_open(&m, path);
    const uint16_t words = made_channel(&m, "/words", "std_msgs/msg/String");
    made_string(&m, words, SEC, "hello");
    made_finish(&m);
    draft_open(&d, path);
    is_bound(&d);
    CHECK_HAS(et_buf_text(&d.yaml), "rules: []");
    draft_close(&d);
}

static void survives_topics_that_cannot_be_named_or_decoded(void)
{
    struct made m;
    struct draft d;
    const double value = 1;
    const char *path = temp_path("odd.mcap");
    made_open(&m, path);
    const uint16_t star = made_channel(&m, "/a*b", "sensor_msgs/msg/JointState");
    const uint16_t quote = made_channel(&m, "/\"x\": #y", "sensor_msgs/msg/JointState");
    const uint16_t line = made_channel(&m, "/a\nb", "sensor_msgs/msg/JointState");
    const uint16_t hurt = made_channel(&m, "/hurt", "sensor_msgs/msg/JointState");
    const uint16_t none = made_channel(&m, "/none", "nobody/msg/Knows");
    const uint16_t cyclic = made_channel_as(&m, "/cy\ncle", "p/msg/A", "ros2msg", "A a\n", "cdr");
    made_joints(&m, star, SEC, SEC, "", &value, 1);
    made_joints(&m, quote, SEC, SEC, "a:#b", &value, 1);
    made_joints(&m, line, SEC, SEC, "", &value, 1);
    made_bytes(&m, hurt, SEC, "\0\1\0\0\377\377\377\377", 8);
    made_bytes(&m, none, SEC, "\0\1\0\0", 4);
    made_bytes(&m, cyclic, SEC, "\0\1\0\0", 4);
    made_finish(&m);
    draft_open(&d, path);
    is_bound(&d);
    CHECK(d.profile && d.profile->n_rules == 3); // of the quoted topic alone
    const char *text = et_buf_text(&d.yaml);
    CHECK(strstr(text, "# /hurt: left out, its first message cannot be read: "));
    CHECK(strstr(text, "# /cy?cle: left out, its definition cannot be read: "));
    draft_close(&d);
}

/* Words that YAML, rules and streams give a meaning to, and bytes of all kinds. */
static const char *odd_text(struct rng *rng, char text[32])
{
    static const char *const PIECES[] = {"left",  "arm",      "_",  "/",    ".",       "\"",   "\\",
                                         "#",     ": ",       "- ", "null", "command", "head", "12",
                                         "joint", "\xc3\xa9", "\n", "*",    "",        "{",    "q"};
    size_t n = 0;
    text[0] = 0;
    for (uint64_t k = rng_next(rng) % 5; k > 0; k--) {
        const char *piece = PIECES[rng_next(rng) % (sizeof PIECES / sizeof *PIECES)];
        n += (size_t)snprintf(text + n, 32 - n, "%s", piece);
    }
    return text;
}

static void loads_whatever_topics_and_values_are_called(void)
{
    enum { N_FIELDS = 6, N_VALUES = 5 };
    static char texts[N_FIELDS][2 + N_VALUES][32];
    static const char *names[N_FIELDS][N_VALUES];
    struct rng rng = {11};
    const char *file = temp_path("odd.yaml");
    for (int round = 0; round < 5000; round++) {
        struct et_guess_field fields[N_FIELDS] = {0};
        struct et_buf yaml = et_buf(1 << 20);
        struct et_arena *arena;
        const struct et_profile *profile;
        const double range[N_VALUES] = {rng_gaussian(&rng) * 100, (double)NAN, 0, 1, 2};
        for (size_t i = 0; i < N_FIELDS; i++) {
            struct et_guess_field *f = &fields[i];
            f->topic = odd_text(&rng, texts[i][0]);
            f->field = rng_next(&rng) % 2 ? odd_text(&rng, texts[i][1]) : NULL;
            f->quantity = (enum et_quantity)(rng_next(&rng) % ET_N_QUANTITIES);
            f->n_values = rng_next(&rng) % (N_VALUES + 1);
            f->is_w_first = f->quantity == ET_QUANTITY_IMU && rng_next(&rng) % 2;
            f->min = f->max = rng_next(&rng) % 2 ? range : NULL;
            for (size_t k = 0; k < N_VALUES; k++)
                names[i][k] = odd_text(&rng, texts[i][2 + k]);
            f->names = rng_next(&rng) % 2 ? names[i] : NULL;
        }
        CHECK_OK(et_profile_guess_topics(fields, N_FIELDS, &yaml, &err));
        write_file(file, yaml.p, yaml.n);
        CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
        CHECK_OK(et_profile_load(file, arena, &profile, &err));
        et_arena_close(arena);
        et_buf_free(&yaml);
    }
}

static void drafts_rows_of_hdf5(void)
{
    static const char *const NAMES[] = {"aloha/small.hdf5", "robomimic.hdf5",
                                        "agibot/proprio_stats/327/648649"};
    const char *path = hdf5_made(NAMES[0]);
    if (!path) {
        tap_skip("no h5py");
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        struct draft d;
        draft_open(&d, hdf5_made(NAMES[i]));
        is_bound(&d);
        CHECK(d.profile && d.profile->n_rules >= 2);
        draft_close(&d);
    }
}

static void binds_all_that_it_drafts_of_real_recordings(void)
{
    const char *folder = data_path("robots");
    const char *const *names = NULL;
    struct et_arena *arena = NULL;
    size_t n = 0, n_read = 0;
    if (!folder) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    CHECK_OK(et_dir_list(folder, arena, &names, &n, &err));
    for (size_t i = 0; i < n; i++) {
        const char *path = et_path_join(arena, folder, names[i]);
        struct draft d;
        if (!path || !et_recording_knows(path))
            continue;
        draft_open(&d, path);
        is_bound(&d);
        CHECK(d.profile && d.profile->n_rules > 0);
        draft_close(&d);
        n_read++;
    }
    CHECK(n_read >= 13);
    et_arena_close(arena);
}

int main(void)
{
    RUN(drafts_joints_cameras_and_marks_by_their_names);
    RUN(takes_units_from_ranges);
    RUN(takes_the_part_from_the_topic_where_names_say_none);
    RUN(drafts_nothing_where_nothing_is_known);
    RUN(survives_topics_that_cannot_be_named_or_decoded);
    RUN(loads_whatever_topics_and_values_are_called);
    RUN(drafts_rows_of_hdf5);
    RUN(binds_all_that_it_drafts_of_real_recordings);
    return tap_end();
}

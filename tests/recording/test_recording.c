/* Recordings through a profile: what a rule says is what comes out, message by message. */
#include "etude/recording.h"

#include "../format/rosbag1_made.h"
#include "../format/rosbag2_made.h"
#include "etude/cdr.h"
#include "etude/file.h"
#include "made.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

#define HEAD                                           \
    "profile: 1\nmaker: M\nmodel: T\nparts:\n"         \
    "  left_arm:\n    unit: rad\n    joints:\n"        \
    "      - {name: a, lower: null, upper: null}\n"    \
    "      - {name: b, lower: null, upper: null}\n"    \
    "  left_hand:\n    unit: fraction\n    joints:\n"  \
    "      - {name: grip, lower: null, upper: null}\n" \
    "cameras:\n  head: in the head\nrules:\n"

/* A recording, opened through a profile made of those rules; NULL and err when it cannot be. */
static struct et_recording *open_by(const char *path, const char *rules)
{
    static char yaml[16384];
    struct et_recording *r = NULL;
    (void)snprintf(yaml, sizeof yaml, HEAD "%s", rules);
    const char *profile = made_file("robot.yaml", yaml);
    err = (struct et_err){0};
    if (et_recording_open(&r, path, NULL, &err) != ET_OK)
        return NULL;
    if (et_recording_use_profile(r, profile, &err) == ET_OK)
        return r;
    et_recording_close(r);
    return NULL;
}

static bool next(struct et_recording *r, struct et_sample *sample)
{
    return et_recording_next(r, sample, &err) == ET_OK;
}

static const char *stream_of(const struct et_recording *r, const struct et_sample *sample)
{
    return et_recording_binding(r)->streams[sample->i_stream].stream.name;
}

/* How often the recording remarks something with those words; 0: never. */
static int64_t remarked(struct et_recording *r, const char *words)
{
    const struct et_recording_info *info = et_recording_info(r);
    for (size_t i = 0; i < info->n_remarks; i++)
        if (strstr(info->remarks[i].text, words))
            return info->remarks[i].n;
    return 0;
}

static bool binding_remarks(const struct et_recording *r, const char *words)
{
    const struct et_recording_binding *binding = et_recording_binding(r);
    for (size_t i = 0; i < binding->n_remarks; i++)
        if (strstr(binding->remarks[i], words))
            return true;
    return false;
}

/* ---- opening ---- */

static void opens_what_it_knows_by_name_and_bytes(void)
{
    struct made m;
    const char *mcap = temp_path("any.name"), *bag = temp_path("x.bag"), *db = temp_path("x.db3");
    made_open(&m, mcap);
    made_string(&m, made_channel(&m, "/a", "std_msgs/msg/String"), SEC, "x");
    made_finish(&m);
    struct et_buf b = make_bag(&(struct made_bag){.n_chunks = 2, .n_messages = 4});
    write_file(bag, b.p, b.n);
    et_buf_free(&b);
    make_db(db, &(struct made_db){.n_messages = 9});
    static const char *const FORMATS[] = {"MCAP", "ROS 1 bag 2.0", "rosbag2 (SQLite)"};
    static const int64_t N[] = {1, 8, 9};
    const char *const paths[] = {mcap, bag, db};
    for (int i = 0; i < 3; i++) {
        struct et_recording *r = NULL;
        CHECK(et_recording_knows(paths[i]));
        CHECK_OK(et_recording_open(&r, paths[i], NULL, &err));
        if (!r)
            continue;
        const struct et_recording_info *info = et_recording_info(r);
        CHECK_STR(info->format, FORMATS[i]);
        CHECK_STR(info->path, paths[i]);
        CHECK_EQ(info->n_messages, N[i]);
        CHECK(info->has_clock && info->n_bytes > 0 && info->start_ns > 0);
        CHECK(info->end_ns >= info->start_ns && info->n_spans == 0 && !info->task);
        CHECK_EQ(et_recording_binding(r)->n_streams, 0);
        CHECK(et_recording_binding(r)->profile == NULL);
        et_recording_close(r);
    }
    et_recording_close(NULL);
}

static void says_why_it_does_not_open(void)
{
    struct et_recording *r = NULL;
    CHECK_EQ(et_recording_open(&r, temp_path("nothing.mcap"), NULL, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "nothing.mcap");
    CHECK(!r && !et_recording_knows(temp_path("nothing.mcap")));
    CHECK_EQ(et_recording_open(&r, made_file("a.txt", "hello"), NULL, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "MCAP, ROS 1 bag");
    CHECK(!et_recording_knows(temp_path("a.txt")));
    CHECK_EQ(et_recording_open(&r, made_file("empty", ""), NULL, &err), ET_EUNSUPPORTED);
    const char *folder = temp_path("folder");
    CHECK_OK(et_dir_make(folder, &err));
    CHECK_EQ(et_recording_open(&r, folder, NULL, &err), ET_EUNSUPPORTED);
    CHECK_EQ(et_recording_open(&r, made_file("old.bag", "#ROSBAG V1.2\n"), NULL, &err),
             ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "1.2");
    CHECK_EQ(et_recording_open(&r, made_file("cut.mcap", "\x89MCAP"), NULL, &err), ET_ECORRUPT);
    CHECK(!r);
}

static void shows_channels_metadata_and_remarks(void)
{
    const char *path = temp_path("info.mcap");
    struct made m;
    struct et_recording *r = NULL;
    size_t n = 0;
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/b", "std_msgs/msg/String");
    (void)made_channel(&m, "/a", "std_msgs/msg/Bool");
    made_string(&m, a, SEC, "one");
    made_string(&m, a, 3 * SEC, "two");
    static const struct et_mcap_pair PAIRS[] = {{{"maker", 5}, {"M", 1}}, {{"note", 4}, {"", 0}}};
    CHECK_OK(et_mcap_write_metadata(
        m.writer, &(struct et_mcap_metadata){.name = {"robot", 5}, .pairs = PAIRS, .n_pairs = 2},
        &err));
    made_finish(&m);
    CHECK_OK(et_recording_open(&r, path, NULL, &err));
    const struct et_recording_info *info = et_recording_info(r);
    CHECK_EQ(info->n_channels, 2);
    CHECK_STR(info->channels[0].topic, "/b");
    CHECK(et_str_is(info->channels[0].schema.name, "std_msgs/msg/String"));
    CHECK(et_str_is(info->channels[0].schema.message_encoding, "cdr"));
    CHECK_EQ(info->channels[0].n_messages, 2);
    CHECK_EQ(info->channels[1].n_messages, 0);
    CHECK(!info->channels[0].is_row && !info->channels[0].is_picture);
    CHECK_EQ(info->n_metadata, 2);
    CHECK_STR(info->metadata[0].key, "robot.maker");
    CHECK_STR(info->metadata[0].value, "M");
    CHECK_STR(info->metadata[1].value, "");
    CHECK(info->start_ns == SEC && info->end_ns == 3 * SEC && info->n_remarks == 0);
    et_recording_close(r);

    char *bytes = read_file(path, &n);
    const char *cut = temp_path("cut.mcap");
    write_file(cut, bytes, n - 40);
    free(bytes);
    CHECK_OK(et_recording_open(&r, cut, NULL, &err));
    info = et_recording_info(r);
    CHECK(info->n_remarks > 0 && info->remarks[0].text[0] && info->remarks[0].n > 0);
    CHECK_HAS(info->remarks[0].where, "offset ");
    CHECK_EQ(info->n_channels, 2);
    et_recording_close(r);
}

static const char *id_of(const char *path)
{
    static char ids[4][ET_RECORDING_ID_CHARS + 1];
    static int k;
    char *id = ids[k++ % 4];
    struct et_recording *r = NULL;
    CHECK_OK(et_recording_open(&r, path, NULL, &err));
    CHECK_OK(et_recording_id(r, id, &err));
    CHECK_EQ(strlen(id), ET_RECORDING_ID_CHARS);
    et_recording_close(r);
    return id;
}

static void has_an_id_of_its_bytes(void)
{
    const char *one = temp_path("one.mcap"), *two = temp_path("two.mcap");
    struct made m;
    for (int i = 0; i < 2; i++) {
        made_open(&m, i ? two : one);
        made_string(&m, made_channel(&m, "/a", "std_msgs/msg/String"), SEC, "same");
        made_finish(&m);
    }
    CHECK_STR(id_of(one), id_of(two));
    made_open(&m, two);
    made_string(&m, made_channel(&m, "/a", "std_msgs/msg/String"), SEC, "other");
    made_finish(&m);
    CHECK(strcmp(id_of(one), id_of(two)) != 0);

    const char *folder = temp_path("bag2");
    char path[4300];
    CHECK_OK(et_dir_make(folder, &err));
    (void)snprintf(path, sizeof path, "%s/x_0.db3", folder);
    make_db(path, &(struct made_db){.n_messages = 3});
    (void)snprintf(path, sizeof path, "%s/metadata.yaml", folder);
    static const char YAML[] = "rosbag2_bagfile_information:\n  storage_identifier: sqlite3\n"
                               "  relative_file_paths: [x_0.db3]\n";
    write_file(path, YAML, sizeof YAML - 1);
    const char *first = id_of(folder);
    CHECK_STR(id_of(folder), first);
    write_file(path, YAML, sizeof YAML - 2);
    CHECK(strcmp(id_of(folder), first) != 0);
}

/* ---- which profile ---- */

static void chooses_the_profile_by_topics_and_leaves_no_words_behind(void)
{
    const char *path = temp_path("choose.mcap");
    struct made m;
    struct et_recording *r = NULL;
    struct et_sample s;
    static const double Q[] = {1, 2};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/joint_states", "sensor_msgs/msg/JointState");
    made_joints(&m, a, SEC, SEC, "x y", Q, 2);
    made_finish(&m);
    CHECK_OK(et_recording_open(&r, path, NULL, &err));
    struct et_err mine = {0};
    CHECK_EQ(et_recording_use_profile(r, NULL, &mine), ET_OK);
    CHECK_STR(mine.text, "");
    const struct et_recording_binding *binding = et_recording_binding(r);
    CHECK_STR(binding->profile->id, "generic");
    CHECK_EQ(binding->n_streams, 3);
    CHECK_OK(et_recording_query(r, NULL, &err));
    CHECK(next(r, &s) && s.values[1] == 2);
    CHECK_STR(stream_of(r, &s), "body.position");
    CHECK_STR(binding->streams[0].stream.names[1], "y");
    et_recording_close(r);

    CHECK_OK(et_recording_open(&r, path, NULL, &err));
    CHECK_EQ(et_recording_use_profile(r, "no-such-robot", &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "generic");
    et_recording_close(r);
    CHECK_OK(et_recording_open(&r, path, NULL, &err));
    CHECK_OK(et_recording_use_profile(r, "generic", &err));
    et_recording_close(r);
    CHECK_OK(et_recording_open(&r, path, NULL, &err));
    CHECK_OK(et_recording_use_profile(r, "leju-kuavo", &err)); // none of its topics is there
    CHECK_EQ(et_recording_binding(r)->n_streams, 0);
    CHECK(binding_remarks(r, "/joint_states (sensor_msgs/msg/JointState) is taken by no rule"));
    CHECK(binding_remarks(r, "left_arm.position is not there"));
    et_recording_close(r);
}

static void finds_the_kuavo_by_its_bag(void)
{
    const char *path = data_path("robots/kuavo.bag");
    struct et_recording *r = NULL;
    struct et_sample s;
    int n = 0, n_pictures = 0;
    if (!path) {
        tap_skip("no data");
        return;
    }
    CHECK_OK(et_recording_open(&r, path, NULL, &err));
    CHECK_OK(et_recording_use_profile(r, NULL, &err));
    const struct et_recording_binding *binding = et_recording_binding(r);
    CHECK_STR(binding->profile->id, "leju-kuavo");
    CHECK_OK(et_recording_query(r, NULL, &err));
    while (next(r, &s)) {
        n++;
        n_pictures += s.picture.coding != ET_PICTURE_NONE;
        CHECK(s.t_arrival_ns > SEC);
    }
    CHECK(n > 10 && n_pictures >= 1);
    CHECK(!binding_remarks(r, "taken or no name"));
    et_recording_close(r);
}

static void a_contradiction_names_file_and_line(void)
{
    const char *path = temp_path("contra.mcap");
    struct made m;
    static const double Q[] = {1, 2, 3};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    made_joints(&m, a, SEC, SEC, "", Q, 3);
    made_finish(&m);
    static const struct {
        const char *rule, *words;
    } CASES[] = {
        {"  - {stream: left_arm.position, topic: /j, field: position}\n", "has 3"},
        {"  - {stream: left_arm.position, topic: /j, field: position, range: [2, 4]}\n", "value 3"},
        {"  - {stream: left_arm.position, topic: /j, field: positron}\n", "positron"},
        {"  - {stream: left_arm.position, topic: /j, field: header.frame_id}\n", "frame_id"},
        {"  - {stream: left_arm.position, topic: /j, field: position, range: [0, 2], "
         "stamp: header.time}\n",
         "header.time"},
        {"  - {stream: left_arm.position, topic: /j, field: position, range: [0, 2], "
         "stamp: header.stamp, stamp_unit: ms}\n",
         "is a time"},
        {"  - {stream: left_arm.position, topic: /j, field: position, names: [a, b]}\n",
         "does not name"},
        {"  - {stream: head.image, topic: /j}\n", "data"},
        {"  - {stream: scene.event, topic: /j}\n", "must say which field"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_recording *r = open_by(path, CASES[i].rule);
        CHECK(r == NULL);
        CHECK_EQ(err.status, ET_ECORRUPT);
        CHECK_HAS(err.text, "robot.yaml:17");
        CHECK_HAS(err.text, CASES[i].words);
        et_recording_close(r);
    }
    // Two rules of one topic that disagree where its stamp is.
    struct et_recording *r =
        open_by(path, "  - {stream: left_arm.position, topic: /j, field: position, range: [0, 2], "
                      "stamp: none}\n"
                      "  - {stream: left_arm.velocity, topic: /j, field: velocity, range: [0, 2], "
                      "stamp: header.stamp}\n");
    CHECK(r == NULL);
    CHECK_HAS(err.text, "robot.yaml:18");
    et_recording_close(r);
}

static void an_encoding_that_is_not_read_is_said(void)
{
    const char *path = temp_path("encoding.mcap");
    struct made m;
    made_open(&m, path);
    const uint16_t a = made_channel_as(&m, "/j", "J", "flatbuffer", "x", "flatbuffer");
    made_bytes(&m, a, SEC, "abcd", 4);
    made_finish(&m);
    CHECK(open_by(path, "  - {stream: left_arm.position, topic: /j, field: q}\n") == NULL);
    CHECK_EQ(err.status, ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "flatbuffer");
    CHECK_HAS(err.text, "robot.yaml:17");
}

/* ---- numbers ---- */

static void names_may_come_in_any_order_and_from_several_publishers(void)
{
    const char *path = temp_path("names.mcap");
    struct made m;
    struct et_sample s;
    static const double AB[] = {1, 2}, BA[] = {20, 10}, GRIP[] = {0.25}, SHORT[] = {5};
    made_open(&m, path);
    const uint16_t one = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t two = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    for (int i = 0; i < 40; i++) {
        const int64_t t = SEC + i * 4 * MS;
        if (i == 0) // a publisher that begins with nothing
            made_joints(&m, one, t, t, "", AB, 0);
        else if (i % 2)
            made_joints(&m, one, t, t, "a b", AB, 2);
        else
            made_joints(&m, one, t, t, "b a", BA, 2);
        made_joints(&m, two, t + MS, t + MS, "grip", GRIP, 1);
        if (i == 20)
            made_joints(&m, one, t + 2 * MS, t, "a b", SHORT, 1);
    }
    made_finish(&m);
    struct et_recording *r = open_by(
        path, "  - {stream: left_arm.position, topic: /j, names: [a, b]}\n"
              "  - {stream: left_arm.velocity, topic: /j, names: [a, b]}\n"
              "  - {stream: left_hand.position, topic: /j, names: [grip], unit: fraction}\n");
    if (!CHECK(r != NULL)) {
        printf("# %s\n", err.text);
        return;
    }
    CHECK_EQ(et_recording_binding(r)->n_streams, 3);
    CHECK_OK(et_recording_query(r, NULL, &err));
    int n_arm = 0, n_hand = 0;
    while (next(r, &s)) {
        if (strcmp(stream_of(r, &s), "left_hand.position") == 0) {
            CHECK(s.values[0] == 0.25);
            n_hand++;
            continue;
        }
        const double scale = strcmp(stream_of(r, &s), "left_arm.velocity") == 0 ? 10 : 1;
        const bool is_odd = (s.t_arrival_ns - SEC) / (4 * MS) % 2 != 0;
        CHECK(s.values[0] == (is_odd ? 1 : 10) * scale);
        CHECK(s.values[1] == (is_odd ? 2 : 20) * scale);
        n_arm++;
    }
    CHECK_EQ(n_arm, 2 * 39);
    CHECK_EQ(n_hand, 40);
    CHECK_EQ(remarked(r, "not all values"), 1); // the short one, once; others' names are no fault
    et_recording_close(r);
}

static void publishers_in_one_channel_take_turns(void)
{
    const char *path = temp_path("turns.mcap");
    struct made m;
    struct et_sample s;
    static const double AB[] = {1, 2}, GRIP[] = {0.25};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    for (int i = 0; i < 120; i++)
        made_joints(&m, a, SEC + i * MS, SEC, i % 2 ? "a b" : "grip", i % 2 ? AB : GRIP,
                    i % 2 ? 2 : 1);
    made_finish(&m);
    struct et_recording *r = open_by(
        path, "  - {stream: left_arm.position, topic: /j, names: [a, b]}\n"
              "  - {stream: left_hand.position, topic: /j, names: [grip], unit: fraction}\n");
    CHECK(r && et_recording_binding(r)->n_streams == 2);
    int n[2] = {0, 0};
    if (r && et_recording_query(r, NULL, &err) == ET_OK)
        while (next(r, &s))
            n[s.i_stream]++;
    CHECK(n[0] == 60 && n[1] == 60);
    CHECK(r && remarked(r, "left out") == 0);
    et_recording_close(r);
}

static void messages_too_short_are_left_out_and_counted(void)
{
    const char *path = temp_path("short.mcap");
    struct made m;
    struct et_sample s;
    static const double Q[] = {1, 2, 3};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    made_joints(&m, a, SEC, SEC, "", Q, 3);
    made_joints(&m, a, 2 * SEC, SEC, "", Q, 2);
    made_bytes(&m, a, 3 * SEC, "\0\1\0\0\5", 5);
    made_bytes(&m, a, 4 * SEC, "", 0);
    made_joints(&m, a, 5 * SEC, SEC, "", Q, 3);
    made_finish(&m);
    struct et_recording *r = open_by(
        path, "  - {stream: left_arm.position, topic: /j, field: position, indices: [2, 0]}\n"
              "  - {stream: left_arm.velocity, topic: /j, field: velocity, indices: [2, 0]}\n");
    CHECK(r != NULL);
    for (int k = 0; r && k < 2; k++) { // counts are of the query
        int n = 0;
        CHECK_OK(et_recording_query(r, NULL, &err));
        while (next(r, &s)) {
            CHECK(s.values[0] == (s.i_stream ? 30 : 3) && s.values[1] == (s.i_stream ? 10 : 1));
            n++;
        }
        CHECK_EQ(n, 4);
        CHECK_EQ(remarked(r, "messages left out"), 3);
    }
    const struct et_recording_info *info = r ? et_recording_info(r) : NULL;
    CHECK(info && info->n_remarks == 1 && info->remarks[0].is_loss);
    CHECK_STR(info ? info->remarks[0].where : NULL, "/j");
    et_recording_close(r);
}

static void units_signs_and_inverted_fractions(void)
{
    const char *path = temp_path("units.mcap");
    struct made m;
    struct et_sample s;
    static const double Q[] = {90, -180, 25};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    made_joints(&m, a, SEC, SEC, "", Q, 3);
    made_finish(&m);
    struct et_recording *r =
        open_by(path, "  - {stream: left_arm.position, topic: /j, field: position, range: [0, 2], "
                      "unit: deg, signs: [1, -1]}\n"
                      "  - {stream: left_hand.position, topic: /j, field: position, range: [2, 3], "
                      "unit: percent, invert: true}\n");
    CHECK(r != NULL);
    if (r) {
        CHECK_OK(et_recording_query(r, NULL, &err));
        CHECK(next(r, &s));
        CHECK_NEAR(s.values[0], 1.5707963267948966, 1e-12);
        CHECK_NEAR(s.values[1], 3.141592653589793, 1e-12);
        CHECK(next(r, &s));
        CHECK_NEAR(s.values[0], 0.75, 1e-12);
        CHECK(!next(r, &s));
        CHECK_STR(et_recording_binding(r)->streams[0].stream.unit, "rad");
        CHECK_STR(et_recording_binding(r)->streams[0].field, "position");
        CHECK_EQ(et_recording_binding(r)->streams[0].line, 17);
    }
    et_recording_close(r);
}

static void several_fields_make_one_stream(void)
{
    const char *path = temp_path("imu.mcap");
    struct made m;
    struct et_sample s;
    static const double IMU[] = {1, 2, 3, 4, 5, 6, 0.5, -0.5, 0.5, 0.5};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/imu", "sensor_msgs/msg/Imu");
    made_imu(&m, a, SEC, 7 * SEC, IMU);
    made_finish(&m);
    static const char *const RULES[] = {
        "  - {stream: base.imu, topic: /imu}\n",
        "  - {stream: base.imu, topic: /imu, field: \"angular_velocity, linear_acceleration, "
        "orientation\"}\n",
        "  - {stream: base.imu, topic: /imu, field: \"angular_velocity.x,angular_velocity.y , "
        "angular_velocity.z, linear_acceleration, orientation\"}\n"};
    for (int i = 0; i < 3; i++) {
        struct et_recording *r = open_by(path, RULES[i]);
        CHECK(r != NULL);
        if (!r)
            continue;
        CHECK_OK(et_recording_query(r, NULL, &err));
        CHECK(next(r, &s) && s.t_device_ns == 7 * SEC);
        CHECK(memcmp(s.values, IMU, sizeof IMU) == 0);
        et_recording_close(r);
    }
}

/* ---- stamps ---- */

static void the_stamp_is_where_the_rule_says(void)
{
    const char *path = temp_path("stamp.mcap");
    struct made m;
    struct et_sample s;
    static const double Q[] = {1, 2};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    m.t_publish_ns = 5 * SEC;
    m.sequence = 41;
    made_joints(&m, a, 9 * SEC, 3 * SEC, "a b", Q, 2);
    m.t_publish_ns = 0;
    made_joints(&m, a, 10 * SEC, 4 * SEC, "a b", Q, 2);
    made_finish(&m);
    static const struct {
        const char *rules, *stamp;
        int64_t first, second;
    } CASES[] = {
        {"  - {stream: left_arm.position, topic: /j}\n", "header.stamp", 3 * SEC, 4 * SEC},
        {"  - {stream: left_arm.position, topic: /j, stamp: none}\n", NULL, 5 * SEC, 0},
        {"  - {stream: left_arm.position, topic: /j, stamp: header.stamp.nanosec, "
         "stamp_unit: ns}\n",
         "header.stamp.nanosec", 0, 0},
        // What one rule says is said for the topic, whichever comes first.
        {"  - {stream: left_arm.position, topic: /j, stamp: none}\n"
         "  - {stream: left_arm.velocity, topic: /j}\n",
         NULL, 5 * SEC, 0},
        {"  - {stream: left_arm.position, topic: /j}\n"
         "  - {stream: left_arm.velocity, topic: /j, stamp: none}\n",
         NULL, 5 * SEC, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_recording *r = open_by(path, CASES[i].rules);
        if (!CHECK(r != NULL)) {
            printf("# %zu: %s\n", i, err.text);
            continue;
        }
        const struct et_recording_binding *binding = et_recording_binding(r);
        CHECK_OK(et_recording_query(r, NULL, &err));
        CHECK(next(r, &s) && s.t_device_ns == CASES[i].first && s.t_arrival_ns == 9 * SEC);
        CHECK(s.has_sequence && s.sequence == 41);
        for (size_t k = 1; k < binding->n_streams; k++)
            CHECK(next(r, &s) && s.t_device_ns == CASES[i].first);
        CHECK(next(r, &s) && s.t_device_ns == CASES[i].second);
        CHECK(CASES[i].stamp ? tap_is(binding->streams[0].stamp, CASES[i].stamp)
                             : !binding->streams[0].stamp);
        et_recording_close(r);
    }
}

static void put_tick(struct made *m, uint16_t channel, int64_t t_ns, uint32_t tick)
{
    et_buf_clear(&m->buf);
    struct et_cdr w = et_cdr_begin(&m->buf);
    et_cdr_u32(&w, tick);
    et_cdr_f64(&w, 1);
    et_cdr_f64(&w, 2);
    made_bytes(m, channel, t_ns, m->buf.p, m->buf.n);
}

static void a_counter_wraps_and_goes_on(void)
{
    const char *path = temp_path("tick.mcap");
    const int64_t turn = (INT64_C(1) << 32) * MS;
    struct made m;
    struct et_sample s;
    made_open(&m, path);
    const uint16_t a =
        made_channel_as(&m, "rt/low", "p/msg/Low", "ros2msg", "uint32 tick\nfloat64[2] q\n", "cdr");
    put_tick(&m, a, SEC, UINT32_MAX - 1);
    put_tick(&m, a, SEC + 3 * MS, 1);          // over the edge
    put_tick(&m, a, SEC + 4 * MS, UINT32_MAX); // late
    put_tick(&m, a, SEC + 5 * MS, 3);
    put_tick(&m, a, SEC + 5 * MS + turn, 3); // a whole turn without a message
    put_tick(&m, a, SEC + 6 * MS + turn, 1000000);
    made_finish(&m);
    struct et_recording *r =
        open_by(path, "  - {stream: left_arm.position, topic: /low, field: q, stamp: tick, "
                      "stamp_unit: ms}\n");
    CHECK(r != NULL);
    const int64_t wanted[] = {turn - 2 * MS, turn + MS,         turn - MS,
                              turn + 3 * MS, 2 * turn + 3 * MS, 2 * turn + 1000 * SEC};
    for (int k = 0; r && k < 2; k++) { // again from the start
        CHECK_OK(et_recording_query(r, NULL, &err));
        for (int i = 0; i < 6; i++) {
            CHECK(next(r, &s));
            CHECK_EQ(s.t_device_ns, wanted[i]);
        }
        CHECK(!next(r, &s));
    }
    CHECK_STR(r ? et_recording_binding(r)->streams[0].stamp : NULL, "tick");
    et_recording_close(r);
}

static void ros1_headers_count_their_messages(void)
{
    const char *path = temp_path("ros1.mcap");
    struct made m;
    struct et_sample s;
    made_open(&m, path);
    const uint16_t a = made_channel_as(
        &m, "/p", "p/P", "ros1msg",
        "Header header\nfloat64[2] q\n"
        "================================================================================\n"
        "MSG: std_msgs/Header\nuint32 seq\ntime stamp\nstring frame_id\n",
        "ros1");
    for (uint32_t i = 0; i < 3; i++) {
        const uint32_t head[] = {70 + i, 12, 500, 0}; // seq, seconds, nanoseconds, no frame
        const double q[] = {i, -1.0 * i};
        et_buf_clear(&m.buf);
        et_buf_put(&m.buf, head, sizeof head);
        et_buf_put(&m.buf, q, sizeof q);
        made_bytes(&m, a, SEC + i, m.buf.p, m.buf.n);
    }
    made_finish(&m);
    struct et_recording *r =
        open_by(path, "  - {stream: left_arm.position, topic: /p, field: q}\n");
    CHECK(r != NULL);
    if (r)
        CHECK_OK(et_recording_query(r, NULL, &err));
    for (uint32_t i = 0; r && i < 3; i++)
        CHECK(next(r, &s) && s.has_sequence && s.sequence == 70 + i &&
              s.t_device_ns == 12 * SEC + 500 && s.values[0] == i);
    et_recording_close(r);
}

/* ---- events, topics, cameras ---- */

static void events_are_words_and_states(void)
{
    const char *path = temp_path("events.mcap");
    struct made m;
    struct et_sample s;
    made_open(&m, path);
    const uint16_t text = made_channel(&m, "/text", "std_msgs/msg/String");
    const uint16_t flag = made_channel(&m, "/flag", "std_msgs/msg/Bool");
    const uint16_t event = made_channel(&m, "/event", "etude_msgs/msg/Event");
    const uint16_t phase = made_channel(&m, "/phase", "etude_msgs/msg/Event");
    const uint16_t wordy = made_channel(&m, "/wordy", "etude_msgs/msg/Event");
    char too_long[1100] = "";
    made_string(&m, text, SEC, "start lift");
    made_bytes(&m, flag, 2 * SEC, "\0\1\0\0\1", 5);
    et_buf_clear(&m.buf);
    struct et_cdr w = et_cdr_begin(&m.buf);
    et_cdr_time(&w, 9 * SEC);
    et_cdr_text(&w, et_str(""));
    et_cdr_text(&w, et_str("episode.begin"));
    et_cdr_text(&w, et_str("glove"));
    et_cdr_text(&w, et_str(""));
    et_cdr_text(&w, et_str(""));
    made_bytes(&m, event, 3 * SEC, m.buf.p, m.buf.n);
    made_event(&m, phase, 4 * SEC, "phase", "reach");
    memset(too_long, 'x', sizeof too_long - 1);
    made_event(&m, wordy, 5 * SEC, "phase", too_long);
    made_finish(&m);
    static const struct {
        const char *rule, *text;
        int64_t t_ns;
    } CASES[] = {
        {"  - {stream: scene.event, topic: /text}\n", "start lift", SEC},
        {"  - {stream: scene.text, topic: /text, field: data}\n", "start lift", SEC},
        {"  - {stream: scene.event, topic: /flag}\n", "1", 2 * SEC},
        {"  - {stream: scene.event, topic: /event}\n", "episode.begin", 3 * SEC},
        {"  - {stream: scene.event, topic: /event, field: source}\n", "glove", 3 * SEC},
        {"  - {stream: scene.event, topic: /phase}\n", "phase: reach", 4 * SEC},
        {"  - {stream: scene.event, topic: /phase, field: kind}\n", "phase: reach", 4 * SEC},
        {"  - {stream: scene.event, topic: /phase, field: text}\n", "reach", 4 * SEC},
        {"  - {stream: scene.text, topic: /phase, field: kind}\n", "phase", 4 * SEC},
        {"  - {stream: scene.event, topic: /wordy}\n", "phase", 5 * SEC},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_recording *r = open_by(path, CASES[i].rule);
        if (!CHECK(r != NULL)) {
            printf("# %zu: %s\n", i, err.text);
            continue;
        }
        CHECK_OK(et_recording_query(r, NULL, &err));
        CHECK(next(r, &s) && et_str_is(s.text, CASES[i].text) && s.t_arrival_ns == CASES[i].t_ns);
        CHECK(!s.values && s.picture.coding == ET_PICTURE_NONE);
        CHECK(!next(r, &s));
        et_recording_close(r);
    }
}

static void topics_are_the_same_with_and_without_a_prefix(void)
{
    static const char *const TOPICS[] = {"rt/j", "/j", "j"};
    static const double Q[] = {1, 2};
    for (int i = 0; i < 9; i++) {
        const char *path = temp_path("topic.mcap");
        char rule[128];
        struct made m;
        struct et_sample s;
        made_open(&m, path);
        made_joints(&m, made_channel(&m, TOPICS[i % 3], "sensor_msgs/msg/JointState"), SEC, SEC, "",
                    Q, 2);
        made_finish(&m);
        (void)snprintf(rule, sizeof rule, "  - {stream: left_arm.position, topic: %s}\n",
                       TOPICS[i / 3]);
        struct et_recording *r = open_by(path, rule);
        CHECK(r && et_recording_query(r, NULL, &err) == ET_OK && next(r, &s));
        et_recording_close(r);
    }
}

static void stars_name_cameras_once(void)
{
    const char *path = temp_path("stars.mcap");
    struct made m;
    struct et_sample s;
    struct et_buf jpeg = made_jpeg(90);
    made_open(&m, path);
    static const char *const TOPICS[] = {"/cam_h/color/image_raw/compressed",
                                         "/Cam L/color/image_raw/compressed",
                                         "/front/image_raw/compressed"};
    for (int i = 0; i < 3; i++)
        made_compressed(&m, made_channel(&m, TOPICS[i], "sensor_msgs/msg/CompressedImage"),
                        (i + 1) * SEC, "jpeg", (struct et_str){jpeg.p, jpeg.n});
    made_finish(&m);
    et_buf_free(&jpeg);
    struct et_recording *r = open_by(
        path, "  - {stream: head.image, topic: /cam_h/color/image_raw/compressed}\n"
              "  - {stream: \"*.image\", topic: /*/color/image_raw/compressed, optional: true}\n"
              "  - {stream: \"*.image\", topic: /*/image_raw/compressed, optional: true}\n");
    CHECK(r != NULL);
    if (!r)
        return;
    const struct et_recording_binding *binding = et_recording_binding(r);
    CHECK_EQ(binding->n_streams, 3);
    CHECK_EQ(binding->n_remarks, 0);
    for (size_t i = 0; i < binding->n_remarks; i++)
        printf("# %s\n", binding->remarks[i]);
    static const char *const NAMES[] = {"head.image", "cam_l.image", "front.image"};
    CHECK_OK(et_recording_query(r, NULL, &err));
    for (int i = 0; i < 3; i++) {
        CHECK(next(r, &s) && s.t_arrival_ns == (i + 1) * SEC);
        CHECK_STR(stream_of(r, &s), NAMES[i]);
        CHECK_EQ(s.picture.coding, ET_PICTURE_JPEG);
    }
    CHECK(!next(r, &s));
    et_recording_close(r);
}

// As a live recorder names what it makes of raw pictures.
static void a_rule_for_raw_pictures_takes_coded_ones(void)
{
    const char *path = temp_path("coded.mcap");
    struct made m;
    struct et_sample s;
    struct et_buf depth = made_depth(1000, 0, 0);
    made_open(&m, path);
    const uint16_t film =
        made_channel(&m, "/cam/image_raw/video", "sensor_msgs/msg/CompressedImage");
    const uint16_t far =
        made_channel(&m, "/cam/depth/compressedDepth", "sensor_msgs/msg/CompressedImage");
    made_compressed(&m, film, SEC, "h264", (struct et_str){"\0\0\0\1abc", 7});
    made_compressed(&m, far, 2 * SEC, "16UC1; compressedDepth png",
                    (struct et_str){depth.p, depth.n});
    made_finish(&m);
    et_buf_free(&depth);
    struct et_recording *r = open_by(path, "  - {stream: head.image, topic: /cam/image_raw}\n"
                                           "  - {stream: head.depth, topic: /cam/depth}\n");
    if (!CHECK(r != NULL))
        return;
    CHECK_EQ(et_recording_binding(r)->n_remarks, 0);
    CHECK_OK(et_recording_query(r, NULL, &err));
    CHECK(next(r, &s) && tap_is(stream_of(r, &s), "head.image"));
    CHECK_EQ(s.picture.coding, ET_PICTURE_H264);
    CHECK(next(r, &s) && tap_is(stream_of(r, &s), "head.depth"));
    CHECK_EQ(s.picture.coding, ET_PICTURE_DEPTH);
    CHECK(!next(r, &s));
    et_recording_close(r);
}

static void one_place_may_be_taken_as_words_and_as_numbers(void)
{
    const char *path = temp_path("both.mcap");
    struct made m;
    struct et_sample s;
    static const double Q[] = {1, 2};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    made_joints(&m, a, SEC, SEC, "", Q, 2);
    made_finish(&m);
    struct et_recording *r =
        open_by(path, "  - {stream: left_arm.position, topic: /j}\n"
                      "  - {stream: command.left_arm.position, topic: /j, field: position}\n");
    CHECK(r && et_recording_query(r, NULL, &err) == ET_OK);
    CHECK(r && next(r, &s) && tap_is(stream_of(r, &s), "left_arm.position"));
    CHECK(r && next(r, &s) && tap_is(stream_of(r, &s), "command.left_arm.position"));
    CHECK(r && et_recording_binding(r)->n_remarks == 0);
    et_recording_close(r);
}

/* ---- pictures ---- */

static void pictures_say_how_they_are_coded(void)
{
    const char *path = temp_path("pictures.mcap");
    struct made m;
    struct et_sample s;
    struct et_buf jpeg = made_jpeg(90), png = made_png(5), depth = made_depth(1000, 0, 0);
    uint8_t pixels[8 * 3] = {1, 2, 3};
    const struct et_image image = {2, 3, 3, 8, pixels};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    const uint16_t b = made_channel(&m, "/raw", "sensor_msgs/msg/Image");
    const uint16_t c = made_channel(&m, "/d", "sensor_msgs/msg/CompressedImage");
    made_compressed(&m, a, SEC, "png", (struct et_str){jpeg.p, jpeg.n}); // its bytes say jpeg
    made_compressed(&m, a, 2 * SEC, "jpeg", (struct et_str){png.p, png.n});
    made_compressed(&m, a, 3 * SEC, "h264", (struct et_str){"\0\0\0\1abc", 7});
    made_compressed(&m, a, 4 * SEC, "hevc", (struct et_str){"\0\0\0\1abc", 7});
    made_compressed(&m, a, 5 * SEC, "webp", (struct et_str){"RIFF", 4}); // left out
    made_compressed(&m, a, 6 * SEC, "jpeg", (struct et_str){"", 0});     // left out
    made_raw(&m, b, 7 * SEC, &image, "rgb8", 8);
    made_raw(&m, b, 8 * SEC, &(struct et_image){2, 0, 3, 8, pixels}, "rgb8", 8); // left out
    made_compressed(&m, c, 9 * SEC, "16UC1; compressedDepth png",
                    (struct et_str){depth.p, depth.n});
    made_finish(&m);
    static const enum et_picture_coding CODINGS[] = {ET_PICTURE_JPEG, ET_PICTURE_PNG,
                                                     ET_PICTURE_H264, ET_PICTURE_H265,
                                                     ET_PICTURE_RAW,  ET_PICTURE_DEPTH};
    struct et_recording *r = open_by(path, "  - {stream: head.image, topic: /c}\n"
                                           "  - {stream: \"*.image\", topic: /r*}\n"
                                           "  - {stream: head.depth, topic: /d}\n");
    CHECK(r && et_recording_query(r, NULL, &err) == ET_OK);
    for (int i = 0; r && i < 6; i++) {
        CHECK(next(r, &s));
        CHECK_EQ(s.picture.coding, CODINGS[i]);
        CHECK(!s.values && s.t_device_ns > 0);
        if (s.picture.coding == ET_PICTURE_JPEG)
            CHECK(s.picture.bytes.n == jpeg.n && !memcmp(s.picture.bytes.p, jpeg.p, jpeg.n));
        if (s.picture.coding == ET_PICTURE_RAW)
            CHECK(s.picture.width_px == 2 && s.picture.height_px == 3 &&
                  s.picture.step_bytes == 8 && et_str_is(s.picture.pixels, "rgb8"));
        if (s.picture.coding == ET_PICTURE_DEPTH)
            CHECK(et_str_is(s.picture.pixels, "16UC1"));
    }
    CHECK(r && !next(r, &s));
    CHECK(r && remarked(r, "no picture that is known") == 2);
    et_recording_close(r);
    et_buf_free(&jpeg);
    et_buf_free(&png);
    et_buf_free(&depth);
    CHECK_STR(et_picture_coding_text(ET_PICTURE_DEPTH), "depth");
}

/* ---- queries ---- */

static void a_query_is_of_streams_and_times(void)
{
    const char *path = temp_path("query.mcap");
    struct made m;
    struct et_sample s;
    static const double Q[] = {1, 2};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/a", "sensor_msgs/msg/JointState");
    const uint16_t b = made_channel(&m, "/b", "sensor_msgs/msg/JointState");
    for (int i = 9; i >= 0; i--) { // not in the order of time
        made_joints(&m, a, SEC + i * MS, SEC, "", Q, 2);
        made_joints(&m, b, SEC + i * MS, SEC, "", Q, 2);
    }
    made_finish(&m);
    struct et_recording *r = open_by(path, "  - {stream: left_arm.position, topic: /a}\n"
                                           "  - {stream: left_arm.velocity, topic: /a}\n"
                                           "  - {stream: command.left_arm.position, topic: /b}\n");
    CHECK(r != NULL);
    if (!r)
        return;
    CHECK_EQ(et_recording_next(r, &s, &err), ET_EARG); // no query was begun
    for (int k = 0; k < 8; k++) {
        const size_t wanted[] = {k % 3, 2};
        const struct et_recording_query query = {.streams = wanted,
                                                 .n_streams = k % 3 == 2 ? 1 : 1 + k % 2,
                                                 .from_ns = SEC + k * MS,
                                                 .to_ns = k == 7 ? 0 : SEC + 8 * MS,
                                                 .in_file_order = k == 4};
        int n = 0;
        int64_t last = 0;
        CHECK_OK(et_recording_query(r, &query, &err));
        while (next(r, &s)) {
            CHECK(s.t_arrival_ns >= query.from_ns);
            CHECK(!query.to_ns || s.t_arrival_ns < query.to_ns);
            CHECK(s.i_stream == wanted[0] || (query.n_streams == 2 && s.i_stream == 2));
            CHECK(query.in_file_order || s.t_arrival_ns >= last);
            last = s.t_arrival_ns;
            n++;
        }
        CHECK_EQ(n, (k == 7 ? 3 : 8 - k) * (int)query.n_streams);
    }
    const size_t none = 9;
    CHECK_EQ(
        et_recording_query(r, &(struct et_recording_query){.streams = &none, .n_streams = 1}, &err),
        ET_EARG);
    CHECK_EQ(et_recording_next(r, &s, &err), ET_EARG);
    CHECK_OK(et_recording_query(r, &(struct et_recording_query){.streams = &none, .n_streams = 0},
                                &err));
    CHECK_EQ(et_recording_next(r, &s, &err), ET_END);
    et_recording_close(r);
}

static void bags_that_were_never_closed_are_read_too(void)
{
    const char *path = temp_path("open.bag");
    struct et_sample s;
    int n = 0;
    struct et_buf b = make_bag(&(struct made_bag){.n_chunks = 3, .n_messages = 6, .is_open = true});
    write_file(path, b.p, b.n);
    et_buf_free(&b);
    struct et_recording *r = open_by(path, "  - {stream: left_hand.position, topic: /odd, "
                                           "field: data, unit: fraction}\n");
    CHECK(r && et_recording_query(r, NULL, &err) == ET_OK);
    while (r && next(r, &s)) {
        CHECK(s.t_device_ns == 0 && !s.has_sequence);
        n++;
    }
    CHECK_EQ(n, 9);
    CHECK(r && et_recording_info(r)->n_remarks > 0);
    for (size_t i = 0; r && i < et_recording_info(r)->n_remarks; i++)
        CHECK(!et_recording_info(r)->remarks[i].is_loss); // every message was there
    et_recording_close(r);
}

static void a_recording_is_cut_anywhere_and_says_so(void)
{
    const char *path = temp_path("whole.mcap");
    struct made m;
    static const double Q[] = {1, 2};
    size_t n;
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    for (int i = 0; i < 4; i++)
        made_joints(&m, a, SEC + i * MS, SEC, "a b", Q, 2);
    made_finish(&m);
    char *bytes = read_file(path, &n);
    const char *cut = temp_path("cut2.mcap");
    for (size_t k = 0; k < n; k += 7) {
        struct et_sample s;
        write_file(cut, bytes, k);
        struct et_recording *r = open_by(cut, "  - {stream: left_arm.position, topic: /j}\n");
        CHECK(r || err.text[0]);
        if (r && et_recording_query(r, NULL, &err) == ET_OK)
            while (next(r, &s))
                CHECK(s.values[1] == 2);
        et_recording_close(r);
    }
    free(bytes);
}

int main(void)
{
    RUN(opens_what_it_knows_by_name_and_bytes);
    RUN(says_why_it_does_not_open);
    RUN(shows_channels_metadata_and_remarks);
    RUN(has_an_id_of_its_bytes);
    RUN(chooses_the_profile_by_topics_and_leaves_no_words_behind);
    RUN(finds_the_kuavo_by_its_bag);
    RUN(a_contradiction_names_file_and_line);
    RUN(an_encoding_that_is_not_read_is_said);
    RUN(names_may_come_in_any_order_and_from_several_publishers);
    RUN(publishers_in_one_channel_take_turns);
    RUN(messages_too_short_are_left_out_and_counted);
    RUN(units_signs_and_inverted_fractions);
    RUN(several_fields_make_one_stream);
    RUN(the_stamp_is_where_the_rule_says);
    RUN(a_counter_wraps_and_goes_on);
    RUN(ros1_headers_count_their_messages);
    RUN(events_are_words_and_states);
    RUN(topics_are_the_same_with_and_without_a_prefix);
    RUN(stars_name_cameras_once);
    RUN(a_rule_for_raw_pictures_takes_coded_ones);
    RUN(one_place_may_be_taken_as_words_and_as_numbers);
    RUN(pictures_say_how_they_are_coded);
    RUN(a_query_is_of_streams_and_times);
    RUN(bags_that_were_never_closed_are_read_too);
    RUN(a_recording_is_cut_anywhere_and_says_so);
    return tap_end();
}

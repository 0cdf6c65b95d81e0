// Robots in another process are recorded as they speak, whatever their types and qualities are.
#include "dds_robots.h"
#include "dds_values.h"
#include "record/record__dds.h"
#include "support.h"
#include "tap.h"

#include "etude/cdr.h"
#include "etude/clock.h"
#include "etude/file.h"
#include "etude/message.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLES_MAX 4096
#define RING_BYTES ((size_t)64 << 20)

static struct et_err err;

struct sample {
    uint16_t stream;
    int64_t t_arrival_ns, t_device_ns;
    struct et_str bytes; // owned
};

/* Robots, a source that hears them, and what came of it. */
static struct {
    struct robots robots;
    struct et_feed *feed;
    struct et_source *source;
    struct sample samples[SAMPLES_MAX];
    size_t n;
} t;

static const char *topic(const char *name)
{
    static char text[4][128];
    static size_t i;
    i = (i + 1) % 4;
    (void)snprintf(text[i], sizeof text[i], "%.31s/%.63s", t.robots.prefix + 2, name);
    return text[i];
}

static void begin(void)
{
    if (!CHECK(robots_open(&t.robots)) ||
        !CHECK(et_feed_open(&t.feed, &(struct et_feed_options){.n_bytes = RING_BYTES}, &err) ==
               ET_OK))
        exit(tap_end());
    CHECK(robots_do(&t.robots, "robot 0"));
}

static void hear(const char *more)
{
    CHECK_OK(robots_hear(&t.robots, more, false, t.feed, &t.source, &err));
    if (!t.source)
        exit(1);
}

static void end(void)
{
    et_source_close(t.source);
    t.source = NULL;
    et_feed_close(t.feed);
    robots_close(&t.robots);
    for (size_t i = 0; i < t.n; i++)
        free((void *)(uintptr_t)t.samples[i].bytes.p);
    t.n = 0;
}

/* ---- waiting ---- */

static void step(void)
{
    int64_t t_next_ns;
    struct et_feed_sample sample;
    CHECK_OK(et_source_poll(t.source, &t_next_ns, &err));
    while (et_feed_next(t.feed, &sample)) {
        if (t.n < SAMPLES_MAX) {
            char *bytes = malloc(sample.n_bytes + 1);
            memcpy(bytes, sample.bytes, sample.n_bytes);
            bytes[sample.n_bytes] = 0;
            t.samples[t.n++] = (struct sample){
                sample.stream, sample.t_arrival_ns, sample.t_device_ns, {bytes, sample.n_bytes}};
        }
        et_feed_done(t.feed);
    }
    // Samples make no fd readable: it is looked after them every now and then.
    struct pollfd fd = {.fd = et_source_fd(t.source), .events = POLLIN};
    (void)poll(&fd, 1, 2);
}

#define UNTIL(condition)                                                       \
    do {                                                                       \
        const int64_t end_ns_ = et_clock_monotonic_ns() + DDS_WAIT_NS;         \
        while (!(condition) && et_clock_monotonic_ns() < end_ns_)              \
            step();                                                            \
        tap_check((condition), __FILE__, __LINE__, "in the end: " #condition); \
    } while (0)

static int stream_of(const char *name, const char *type)
{
    for (size_t i = 0; i < et_feed_n_streams(t.feed); i++) {
        const struct et_feed_stream *s = et_feed_stream(t.feed, i);
        if (strcmp(s->topic, name) == 0 && (!type || strcmp(s->type, type) == 0))
            return (int)i;
    }
    return -1;
}

static size_t n_of(const char *name)
{
    const int i = stream_of(name, NULL);
    size_t n = 0;
    for (size_t k = 0; k < t.n; k++)
        n += t.samples[k].stream == i;
    return n;
}

static const struct sample *sample_of(const char *name, size_t i)
{
    const int stream = stream_of(name, NULL);
    for (size_t k = 0; k < t.n; k++)
        if (t.samples[k].stream == stream && i-- == 0)
            return &t.samples[k];
    return NULL;
}

// Events are CDR; their texts lie in them as they are.
static bool was_told(const char *words)
{
    for (size_t k = 0; k < t.n; k++)
        if (t.samples[k].stream == ET_FEED_EVENTS &&
            memmem(t.samples[k].bytes.p, t.samples[k].bytes.n, words, strlen(words)))
            return true;
    return false;
}

/* ---- what a robot says ---- */

static void put_joints(struct et_buf *buf, uint32_t k)
{
    struct et_cdr w = et_cdr_begin(buf);
    double values[DDS_N_JOINTS];
    et_cdr_i32(&w, (int32_t)(DDS_STAMP_S + k));
    et_cdr_u32(&w, k);
    et_cdr_text(&w, ET_STR("pelvis"));
    et_cdr_count(&w, DDS_N_JOINTS);
    for (int i = 0; i < DDS_N_JOINTS; i++) {
        char name[DDS_NAME_BYTES];
        (void)snprintf(name, sizeof name, DDS_NAME, i);
        et_cdr_text(&w, et_str(name));
    }
    for (int part = 1; part <= 3; part++) {
        for (int i = 0; i < DDS_N_JOINTS; i++)
            values[i] = dds_position(k, i) * part;
        et_cdr_f64s(&w, values, DDS_N_JOINTS);
    }
}

// Bytes behind the last value are the writer's padding.
static bool is_joints(const struct sample *sample, uint32_t k)
{
    struct et_buf want = et_buf(65536);
    put_joints(&want, k);
    const bool is = sample && sample->bytes.n == want.n &&
                    memcmp(sample->bytes.p + 4, want.p + 4, want.n - 4) == 0 &&
                    sample->bytes.p[0] == 0 && sample->bytes.p[1] == 1;
    et_buf_free(&want);
    return is;
}

// One number of a sample, decoded by the definition that its stream carries.
static double field(const char *name, size_t i, const char *path)
{
    const struct et_feed_stream *stream = et_feed_stream(t.feed, (size_t)stream_of(name, NULL));
    const struct sample *sample = sample_of(name, i);
    struct et_arena *arena;
    struct et_message_def def;
    struct et_message_program *program = NULL;
    double value = (double)NAN;

    if (!CHECK(sample != NULL))
        return value;
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    const struct et_message_schema schema = {.name = et_str(stream->type),
                                             .encoding = et_str(stream->schema_encoding),
                                             .data = stream->schema,
                                             .message_encoding = et_str(stream->message_encoding)};
    CHECK_OK(et_message_define(&schema, sample->bytes, arena, &def, &err));
    CHECK(!def.remark);
    CHECK_OK(et_message_program_open(&program, &def,
                                     &(struct et_message_want){path, ET_MESSAGE_NUMBERS}, 1,
                                     &(struct et_message_options){.must_fit = true}, &err));
    if (program) {
        CHECK_OK(et_message_run(program, sample->bytes, &err));
        if (CHECK(et_message_values(program, 0)->n == 1))
            value = et_message_values(program, 0)->numbers[0];
    }
    et_message_program_close(program);
    et_arena_close(arena);
    return value;
}

/* ---- tests ---- */

static void records_ros_by_the_definition_of_the_store(void)
{
    begin();
    const char *name = topic("joint_states");
    CHECK(
        robots_do(&t.robots, "writer 0 0 joints %s/joint_states reliable silent", t.robots.prefix));
    hear("");
    UNTIL(stream_of(name, NULL) > 0);
    CHECK(robots_do(&t.robots, "wait 0 1"));
    const int64_t t_before_ns = et_clock_monotonic_ns(), t_real_ns = et_clock_real_ns();
    CHECK(robots_do(&t.robots, "write 0 1 100"));
    UNTIL(n_of(name) == 100);
    for (uint32_t k = 0; k < 100; k++)
        CHECK(is_joints(sample_of(name, k), k + 1));
    CHECK_NEAR(field(name, 99, "position[28]"), dds_position(100, 28), 0);
    const struct et_feed_stream *s = et_feed_stream(t.feed, (size_t)stream_of(name, NULL));
    CHECK_STR(s->type, "sensor_msgs/msg/JointState");
    CHECK_STR(s->message_encoding, "cdr");
    CHECK_STR(s->schema_encoding, "ros2msg");
    CHECK_STR(s->device, "robot");
    CHECK_HAS(s->qos, "  reliability: 1\n  durability: 2\n");
    const struct sample *first = sample_of(name, 0);
    CHECK(first->t_arrival_ns >= t_before_ns && first->t_arrival_ns <= et_clock_monotonic_ns());
    CHECK(first->t_device_ns >= t_real_ns && first->t_device_ns <= et_clock_real_ns());
    CHECK_EQ(et_feed_counts(t.feed, first->stream).n_lost, 0);
    end();
}

static void records_unitree_by_the_definition_of_the_store(void)
{
    begin();
    const char *name = topic("lowstate");
    CHECK(robots_do(&t.robots, "writer 0 0 low_state %s/lowstate", t.robots.prefix));
    hear("");
    CHECK(robots_do(&t.robots, "robot 1")); // that it can be found does not hang on who was first
    UNTIL(stream_of(name, NULL) > 0);
    CHECK(robots_do(&t.robots, "wait 0 1"));
    UNTIL(et_source_state(t.source) == ET_SOURCE_LIVE);
    CHECK(robots_do(&t.robots, "write 0 7 1"));
    UNTIL(n_of(name) == 1);
    CHECK_STR(et_feed_stream(t.feed, (size_t)stream_of(name, NULL))->type,
              "unitree_hg/msg/LowState");
    CHECK_HAS(et_feed_stream(t.feed, (size_t)stream_of(name, NULL))->qos, "  reliability: 2\n");
    CHECK_EQ(sample_of(name, 0)->bytes.n, 2092);
    CHECK_NEAR(field(name, 0, "tick"), 7, 0);
    CHECK_NEAR(field(name, 0, "motor_state[34].q"), (double)(float)dds_position(7, 34), 0);
    CHECK_NEAR(field(name, 0, "motor_state[34].tau_est"), 34, 0);
    CHECK_NEAR(field(name, 0, "crc"), (double)~7u, 0);
    end();
}

static void asks_the_network_for_a_definition_that_nobody_else_has(void)
{
    begin();
    const char *name = topic("legs"), *plain = topic("plain");
    CHECK(robots_do(&t.robots, "writer 0 0 legs %s/legs reliable", t.robots.prefix));
    CHECK(robots_do(&t.robots, "writer 1 0 plain %s/plain reliable", t.robots.prefix));
    hear("");
    UNTIL(stream_of(name, NULL) > 0 && stream_of(plain, NULL) > 0);
    CHECK(robots_do(&t.robots, "wait 0 1"));
    CHECK(robots_do(&t.robots, "write 0 5 1"));
    CHECK(robots_do(&t.robots, "wait 1 1"));
    CHECK(robots_do(&t.robots, "write 1 6 1"));
    UNTIL(n_of(name) == 1 && n_of(plain) == 1);
    const struct et_feed_stream *s = et_feed_stream(t.feed, (size_t)stream_of(name, NULL));
    CHECK_STR(s->type, "acme/msg/Legs");
    CHECK_STR(s->schema_encoding, "ros2msg");
    static const char WANT[] = "uint32 mode\nstring<=16 name\nfloat32[] angle\nacme/Foot[<=4] "
                               "feet\nint64 t\nuint8 letter\n"
                               "============================================================"
                               "====================\nMSG: acme/Foot\nfloat32[6] force\nbool "
                               "is_down\n";
    CHECK(et_str_is(s->schema, WANT));
    CHECK_NEAR(field(name, 0, "feet[1].force[5]"), 5, 0);
    CHECK_NEAR(field(name, 0, "mode"), 1, 0);
    CHECK_NEAR(field(name, 0, "t"), -5, 0);
    CHECK_NEAR(field(name, 0, "letter"), 'A', 0);
    CHECK_STR(et_feed_stream(t.feed, (size_t)stream_of(plain, NULL))->type, "acme::Plain");
    CHECK_NEAR(field(plain, 0, "number"), 6, 0);
    end();
}

static void writer_is_believed_where_the_store_says_otherwise(void)
{
    begin();
    const char *name = topic("joints"), *other = topic("other");
    CHECK(robots_do(&t.robots, "writer 0 0 joints %s/joints reliable", t.robots.prefix));
    CHECK(robots_do(&t.robots, "writer 1 0 plain %s/other reliable other", t.robots.prefix));
    hear("");
    UNTIL(stream_of(name, NULL) > 0 && stream_of(other, NULL) > 0);
    const struct et_feed_stream *s = et_feed_stream(t.feed, (size_t)stream_of(name, NULL));
    struct et_buf store = et_buf(65536);
    CHECK_OK(et_msgdef_store_text(et_str(s->type), ET_MSGDEF_ROS2, &store, &err));
    CHECK(et_str_eq(s->schema, et_buf_str(&store)));
    et_buf_free(&store);
    s = et_feed_stream(t.feed, (size_t)stream_of(other, NULL));
    CHECK_STR(s->type, "sensor_msgs/msg/JointState");
    CHECK(et_str_is(s->schema, "int32 number\n"));
    UNTIL(was_told("other: its writer says that sensor_msgs/msg/JointState is made of"));
    CHECK(!was_told("joints: its writer says"));
    end();
}

// Folders as a workspace of ROS has them; what they lack is in the store.
static void takes_a_definition_of_the_users_folder_first(void)
{
    static const char LEGS[] = "std_msgs/ColorRGBA colour\n";
    char more[512];
    begin();
    const char *name = topic("legs"), *folder = temp_path("messages");
    CHECK_OK(et_dir_make(temp_path("messages/acme/msg"), &err));
    write_file(temp_path("messages/acme/msg/Legs.msg"), LEGS, sizeof LEGS - 1);
    CHECK(robots_do(&t.robots, "writer 0 0 legs %s/legs silent", t.robots.prefix));
    (void)snprintf(more, sizeof more, "messages: %s\n", folder);
    hear(more);
    UNTIL(stream_of(name, NULL) > 0);
    const struct et_str schema = et_feed_stream(t.feed, (size_t)stream_of(name, NULL))->schema;
    CHECK(et_str_starts(schema, "std_msgs/ColorRGBA colour\n===="));
    CHECK(memmem(schema.p, schema.n, "MSG: std_msgs/ColorRGBA\n", 24) != NULL);
    end();
}

static void records_what_nobody_defines_and_says_so(void)
{
    begin();
    const char *secret = topic("secret"), *odd = topic("odd");
    CHECK(robots_do(&t.robots, "writer 0 0 legs %s/secret reliable silent", t.robots.prefix));
    CHECK(robots_do(&t.robots, "writer 1 0 odd %s/odd reliable", t.robots.prefix));
    hear("");
    UNTIL(stream_of(secret, NULL) > 0 && stream_of(odd, NULL) > 0);
    for (int w = 0; w < 2; w++) {
        CHECK(robots_do(&t.robots, "wait %d 1", w));
        CHECK(robots_do(&t.robots, "write %d 1 3", w));
    }
    UNTIL(n_of(secret) == 3 && n_of(odd) == 3);
    const struct et_feed_stream *s = et_feed_stream(t.feed, (size_t)stream_of(secret, NULL));
    CHECK_EQ(s->schema.n, 0);
    CHECK_STR(s->schema_encoding, "");
    CHECK(was_told("secret is recorded without a definition of acme/msg/Legs: neither share/msg"));
    CHECK(was_told("odd is recorded without a definition of acme/msg/Odd: ROS cannot say what "
                   "either is: a union"));
    end();
}

static void hears_every_quality_of_service(void)
{
    begin();
    const char *mixed = topic("mixed"), *late = topic("late");
    CHECK(robots_do(&t.robots, "writer 0 0 joints %s/late latched silent", t.robots.prefix));
    CHECK(robots_do(&t.robots, "writer 1 0 joints %s/mixed reliable silent", t.robots.prefix));
    CHECK(robots_do(&t.robots, "write 0 1 3")); // nobody hears it yet, and one is kept
    hear("");
    UNTIL(n_of(late) == 1);
    CHECK(is_joints(sample_of(late, 0), 3));
    UNTIL(stream_of(mixed, NULL) > 0);
    CHECK(robots_do(&t.robots, "wait 1 1"));
    CHECK(robots_do(&t.robots, "write 1 1 1"));
    UNTIL(n_of(mixed) == 1);
    // A writer that offers less: the reader is exchanged, and hears both.
    CHECK(robots_do(&t.robots, "writer 2 0 joints %s/mixed silent", t.robots.prefix));
    for (int k = 0; k < 2; k++) {
        const int64_t end_ns = et_clock_monotonic_ns() + DDS_WAIT_NS;
        const size_t n = n_of(mixed);
        while (n_of(mixed) == n && et_clock_monotonic_ns() < end_ns) {
            CHECK(robots_do(&t.robots, "write %d 2 1", 1 + k));
            for (int i = 0; i < 20 && n_of(mixed) == n; i++)
                step();
        }
        CHECK(n_of(mixed) > n);
    }
    CHECK_EQ(n_of(late), 1);
    CHECK_EQ(et_feed_counts(t.feed, ET_FEED_EVENTS).n_dropped, 0);
    end();
}

static void what_fits_no_reader_is_told(void)
{
    begin();
    CHECK(robots_do(&t.robots, "writer 0 0 joints %s/own exclusive", t.robots.prefix));
    hear("");
    UNTIL(was_told("own cannot be heard: its ownership"));
    end();
}

static void another_type_under_one_name_is_another_stream(void)
{
    begin();
    const char *name = topic("state");
    CHECK(robots_do(&t.robots, "writer 0 0 joints %s/state reliable silent", t.robots.prefix));
    hear("");
    UNTIL(stream_of(name, "sensor_msgs/msg/JointState") > 0);
    CHECK(robots_do(&t.robots, "wait 0 1"));
    CHECK(robots_do(&t.robots, "write 0 1 1"));
    UNTIL(t.n > 0 && n_of(name) == 1);
    CHECK(robots_do(&t.robots, "delete writer 0"));
    CHECK(robots_do(&t.robots, "writer 1 0 low_state %s/state reliable", t.robots.prefix));
    UNTIL(stream_of(name, "unitree_hg/msg/LowState") > 0);
    CHECK(robots_do(&t.robots, "wait 1 1"));
    CHECK(robots_do(&t.robots, "write 1 1 1"));
    const uint16_t i = (uint16_t)stream_of(name, "unitree_hg/msg/LowState");
    UNTIL(et_feed_counts(t.feed, i).n_put == 1);
    CHECK_EQ(n_of(name), 1);
    CHECK(was_told("stream.lost"));
    end();
}

// A maker brings out new software: the type is called as before, and is made of something else.
static void another_definition_under_one_type_is_another_stream(void)
{
    begin();
    const char *name = topic("state");
    CHECK(robots_do(&t.robots, "writer 0 0 plain %s/state reliable other", t.robots.prefix));
    hear("");
    UNTIL(stream_of(name, NULL) > 0);
    CHECK(robots_do(&t.robots, "wait 0 1"));
    CHECK(robots_do(&t.robots, "write 0 1 1"));
    UNTIL(et_feed_counts(t.feed, 1).n_put == 1);
    CHECK(robots_do(&t.robots, "delete writer 0"));
    CHECK(robots_do(&t.robots, "writer 1 0 joints %s/state reliable", t.robots.prefix));
    UNTIL(et_feed_n_streams(t.feed) == 3);
    CHECK(robots_do(&t.robots, "wait 1 1"));
    CHECK(robots_do(&t.robots, "write 1 1 1"));
    UNTIL(et_feed_counts(t.feed, 2).n_put == 1);
    CHECK_EQ(et_feed_counts(t.feed, 1).n_put, 1);
    CHECK_STR(et_feed_stream(t.feed, 2)->topic, name);
    CHECK(et_str_is(et_feed_stream(t.feed, 1)->schema, "int32 number\n"));
    CHECK(et_str_starts(et_feed_stream(t.feed, 2)->schema, "std_msgs/Header header\n"));
    end();
}

static void writer_that_comes_back_keeps_its_stream(void)
{
    begin();
    const char *name = topic("arm");
    hear("");
    UNTIL(true);
    CHECK_EQ(et_source_state(t.source), ET_SOURCE_WAITING);
    for (int round = 0; round < 2; round++) {
        CHECK(robots_do(&t.robots, "robot %d", round + 1));
        CHECK(robots_do(&t.robots, "writer 0 %d joints %s/arm reliable silent", round + 1,
                        t.robots.prefix));
        UNTIL(et_source_state(t.source) == ET_SOURCE_LIVE);
        const int64_t end_ns = et_clock_monotonic_ns() + DDS_WAIT_NS;
        while (stream_of(name, NULL) < 0 && et_clock_monotonic_ns() < end_ns)
            step();
        CHECK(robots_do(&t.robots, "wait 0 1"));
        CHECK(robots_do(&t.robots, "write 0 1 2"));
        UNTIL(n_of(name) == (size_t)2 * (round + 1));
        CHECK(robots_do(&t.robots, "delete robot %d", round + 1));
        UNTIL(et_source_state(t.source) == ET_SOURCE_WAITING);
    }
    CHECK_EQ(et_feed_n_streams(t.feed), 2);
    CHECK(was_told("stream.back"));
    end();
}

// Two robots that call their topics alike: one stream and a word about it, or two.
static void two_robots_of_one_name(const char *more, size_t n_streams)
{
    begin();
    CHECK(robots_do(&t.robots, "robot 1"));
    for (int w = 0; w < 2; w++)
        CHECK(robots_do(&t.robots, "writer %d %d joints %s/low reliable silent", w, w,
                        t.robots.prefix));
    hear(more);
    for (int w = 0; w < 2; w++) {
        const int64_t end_ns = et_clock_monotonic_ns() + DDS_WAIT_NS;
        while (et_feed_n_streams(t.feed) < 1 + n_streams && et_clock_monotonic_ns() < end_ns)
            step();
        CHECK(robots_do(&t.robots, "wait %d 1", w));
        CHECK(robots_do(&t.robots, "write %d %d 10", w, 100 * w));
    }
    UNTIL(t.n - n_of("/events") == 20);
    CHECK_EQ(et_feed_n_streams(t.feed), 1 + n_streams);
}

static void robots_of_one_name_are_told_and_can_be_kept_apart(void)
{
    two_robots_of_one_name("", 1);
    CHECK(was_told("is written at 127.0.0.1"));
    CHECK_EQ(n_of(topic("low")), 20);
    end();

    two_robots_of_one_name("split: writer\n", 2);
    CHECK(!was_told("is written at"));
    for (uint16_t i = 1; i <= 2; i++) {
        const struct et_feed_counts counts = et_feed_counts(t.feed, i);
        CHECK_EQ(counts.n_put, 10);
        CHECK_EQ(counts.n_lost, 0);
        CHECK_HAS(et_feed_stream(t.feed, i)->topic, "/low@127.0.0.1-");
    }
    end();

    two_robots_of_one_name("split: host\n", 1);
    CHECK_HAS(et_feed_stream(t.feed, 1)->topic, "/low@127.0.0.1");
    end();
}

static void large_samples_come_whole(void)
{
    static const uint32_t SIZES[] = {0, 1, 1000, 65000, 70001, 1 << 20, 3000003};
    begin();
    const char *name = topic("bytes");
    CHECK(robots_do(&t.robots, "writer 0 0 bytes %s/bytes reliable", t.robots.prefix));
    hear("");
    UNTIL(stream_of(name, NULL) > 0);
    CHECK(robots_do(&t.robots, "wait 0 1"));
    for (uint32_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        CHECK(robots_do(&t.robots, "write 0 %u 1 %u", i, SIZES[i]));
        UNTIL(n_of(name) == i + 1);
        const struct sample *s = sample_of(name, i);
        if (!CHECK(s && s->bytes.n >= 12 + (size_t)SIZES[i]))
            break;
        CHECK(s->bytes.n < 12 + (size_t)SIZES[i] + 4);
        uint32_t n_wrong = 0;
        for (uint32_t k = 0; k < SIZES[i]; k++)
            n_wrong += (unsigned char)s->bytes.p[12 + k] != dds_byte(i, k);
        CHECK_EQ(n_wrong, 0);
    }
    end();
}

static void types_with_keys_are_recorded_too(void)
{
    begin();
    const char *name = topic("keyed");
    CHECK(robots_do(&t.robots, "writer 0 0 keyed %s/keyed reliable", t.robots.prefix));
    hear("");
    UNTIL(stream_of(name, NULL) > 0);
    CHECK(robots_do(&t.robots, "wait 0 1"));
    CHECK(robots_do(&t.robots, "write 0 1 9"));
    UNTIL(n_of(name) == 9);
    CHECK_NEAR(field(name, 8, "id"), 0, 0);
    CHECK_NEAR(field(name, 8, "value"), 9, 0);
    CHECK_EQ(et_feed_counts(t.feed, (size_t)stream_of(name, NULL)).n_lost, 0);
    end();
}

// Packets that are none, that end too soon, and that say they are longer than they are.
static void send_garbage(void)
{
    struct rng rng = {7};
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (unsigned k = 0; k < 4000; k++) {
        unsigned char packet[256];
        const size_t n = 1 + rng_next(&rng) % sizeof packet;
        for (size_t i = 0; i < sizeof packet; i++)
            packet[i] = (unsigned char)rng_next(&rng);
        if (k % 2)
            memcpy(packet, "RTPS\2\1\1\x10", 8);
        if (k % 4 == 3)
            memcpy(packet + 20, "\x15\x05\xff\xff\0\0\x10\0", 8); // DATA, of all bytes and more
        const unsigned port = 7400 + 250 * t.robots.domain + (k / 4 % 2 ? 0 : 10) + k % 12;
        const struct sockaddr_in to = {.sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        (void)sendto(fd, packet, n, 0, (const struct sockaddr *)&to, sizeof to);
    }
    (void)close(fd);
}

static void garbage_in_packets_does_no_harm(void)
{
    begin();
    const char *name = topic("joint_states");
    CHECK(
        robots_do(&t.robots, "writer 0 0 joints %s/joint_states reliable silent", t.robots.prefix));
    hear("");
    send_garbage();
    UNTIL(stream_of(name, NULL) > 0);
    CHECK(robots_do(&t.robots, "wait 0 1"));
    send_garbage();
    CHECK(robots_do(&t.robots, "write 0 1 50"));
    UNTIL(n_of(name) == 50);
    for (uint32_t k = 0; k < 50; k++)
        CHECK(is_joints(sample_of(name, k), k + 1));
    end();
}

static void looking_announces_and_puts_nothing(void)
{
    begin();
    const char *name = topic("legs");
    CHECK(robots_do(&t.robots, "writer 0 0 legs %s/legs latched", t.robots.prefix));
    CHECK(robots_do(&t.robots, "write 0 1 1"));
    CHECK_OK(robots_hear(&t.robots, "receive_buffer: 1073741824\n", true, t.feed, &t.source, &err));
    UNTIL(stream_of(name, NULL) > 0);
    CHECK(et_feed_stream(t.feed, (size_t)stream_of(name, NULL))->schema.n > 0);
    CHECK_EQ(t.n, 0);
    CHECK_EQ(et_source_state(t.source), ET_SOURCE_LIVE);
    end();
}

static void only_topics_that_are_wanted_are_heard(void)
{
    begin();
    const char *yes = topic("arm/yes");
    char more[256];
    CHECK(robots_do(&t.robots, "writer 0 0 joints %s/arm/no reliable silent", t.robots.prefix));
    CHECK(robots_do(&t.robots, "writer 1 0 joints %s/arm/yes reliable silent", t.robots.prefix));
    (void)snprintf(more, sizeof more, "exclude: [\"%s\", rt/nothing*]\n", topic("*no"));
    hear(more);
    UNTIL(stream_of(yes, NULL) > 0);
    CHECK_EQ(et_feed_n_streams(t.feed), 2);
    end();
}

static void two_sources_share_a_domain(void)
{
    begin();
    const char *name = topic("arm");
    struct et_source *other;
    struct et_feed *feed;
    CHECK_OK(et_feed_open(&feed, NULL, &err));
    CHECK(robots_do(&t.robots, "writer 0 0 joints %s/arm reliable silent", t.robots.prefix));
    CHECK_OK(robots_hear(&t.robots, "", false, feed, &other, &err));
    hear("");
    UNTIL(stream_of(name, NULL) > 0);
    et_source_close(other); // it made the domain; ours stays in it
    et_feed_close(feed);
    CHECK(robots_do(&t.robots, "wait 0 1"));
    CHECK(robots_do(&t.robots, "write 0 1 5"));
    UNTIL(n_of(name) == 5);
    end();
}

static void buffer_that_the_system_does_not_give_is_told(void)
{
    begin();
    hear("receive_buffer: 1073741824\n");
    if (et__dds_buffer_max() < 1073741824)
        UNTIL(was_told("sudo sysctl -w net.core.rmem_max=1073741824"));
    end();
}

static void settings_that_cannot_be_are_refused(void)
{
    static const struct {
        const char *more, *text;
    } CASES[] = {
        {"peers: [\"<a>\"]\n", "names no place on a network"},
        {"peers: [\"\"]\n", "a place on a network has a name"},
        {"messages: /no/such/folder\n", "there is no folder /no/such/folder"},
        {"split: robot\n", "split"},
        {"receive_buffer: 1\n", "receive_buffer"},
        {"no_such_setting: 1\n", "no_such_setting"},
    };
    begin();
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CHECK_EQ(robots_hear(&t.robots, CASES[i].more, false, t.feed, &t.source, &err),
                 ET_ECORRUPT);
        CHECK_HAS(err.text, CASES[i].text);
        CHECK(!t.source);
    }
    end();
}

static void names_of_ros_are_found_in_those_of_dds(void)
{
    static const char *const TYPES[][2] = {
        {"sensor_msgs::msg::dds_::JointState_", "sensor_msgs/msg/JointState"},
        {"a::srv::dds_::B_Request_", "a/srv/B_Request"},
        {"a::msg::dds_::B", "a::msg::dds_::B"},
        {"a::B", "a::B"},
        {"::msg::dds_::B_", "::msg::dds_::B_"},
        {"a::msg::dds_::b::C_", "a::msg::dds_::b::C_"},
    };
    static const struct {
        const char *pattern, *text;
        bool fits;
    } FITS[] = {{"*", "", true},          {"", "", true},          {"", "a", false},
                {"a*c", "abc", true},     {"a*c", "abcd", false},  {"*b*", "abc", true},
                {"rt/*", "rt/a/b", true}, {"a*a*b", "aaab", true}, {"a*a*b", "ab", false}};
    char name[ET__DDS_NAME_BYTES];
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        et__dds_type_name(TYPES[i][0], name);
        CHECK_STR(name, TYPES[i][1]);
    }
    et__dds_topic_name("rt/a/b", name);
    CHECK_STR(name, "/a/b");
    et__dds_topic_name("rq/aRequest", name);
    CHECK_STR(name, "rq/aRequest");
    for (size_t i = 0; i < sizeof FITS / sizeof *FITS; i++)
        CHECK_EQ(et__dds_fits(FITS[i].pattern, FITS[i].text), FITS[i].fits);
    CHECK_STR(et__dds_policy_name(DDS_OWNERSHIP_QOS_POLICY_ID), "ownership");
    CHECK_STR(et__dds_policy_name(4711), "a quality of service");
}

static void qualities_are_written_as_rosbag2_does(void)
{
    char text[ET__DDS_QOS_BYTES];
    dds_qos_t *qos = dds_create_qos();
    dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, 0);
    dds_qset_durability(qos, DDS_DURABILITY_TRANSIENT_LOCAL);
    dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, 7);
    dds_qset_deadline(qos, DDS_MSECS(1500));
    et__dds_qos_text(qos, text);
    dds_delete_qos(qos);
    CHECK_STR(text, "- history: 1\n  depth: 7\n  reliability: 1\n  durability: 1\n"
                    "  deadline:\n    sec: 1\n    nsec: 500000000\n"
                    "  lifespan:\n    sec: 9223372036\n    nsec: 854775807\n"
                    "  liveliness: 1\n"
                    "  liveliness_lease_duration:\n    sec: 9223372036\n    nsec: 854775807\n"
                    "  avoid_ros_namespace_conventions: false\n");
}

int main(void)
{
    RUN(names_of_ros_are_found_in_those_of_dds);
    RUN(qualities_are_written_as_rosbag2_does);
    RUN(records_ros_by_the_definition_of_the_store);
    RUN(records_unitree_by_the_definition_of_the_store);
    RUN(asks_the_network_for_a_definition_that_nobody_else_has);
    RUN(writer_is_believed_where_the_store_says_otherwise);
    RUN(takes_a_definition_of_the_users_folder_first);
    RUN(records_what_nobody_defines_and_says_so);
    RUN(hears_every_quality_of_service);
    RUN(what_fits_no_reader_is_told);
    RUN(another_type_under_one_name_is_another_stream);
    RUN(another_definition_under_one_type_is_another_stream);
    RUN(writer_that_comes_back_keeps_its_stream);
    RUN(robots_of_one_name_are_told_and_can_be_kept_apart);
    RUN(large_samples_come_whole);
    RUN(types_with_keys_are_recorded_too);
    RUN(garbage_in_packets_does_no_harm);
    RUN(looking_announces_and_puts_nothing);
    RUN(only_topics_that_are_wanted_are_heard);
    RUN(two_sources_share_a_domain);
    RUN(buffer_that_the_system_does_not_give_is_told);
    RUN(settings_that_cannot_be_are_refused);
    return tap_end();
}

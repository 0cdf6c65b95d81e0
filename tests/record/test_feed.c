// What is put is taken, what is dropped is counted, and streams keep what they are.
#include "etude/feed.h"
#include "support.h"
#include "tap.h"

static struct et_err err;

static const struct et_feed_stream JOINTS = {.topic = "/joint_states",
                                             .type = "sensor_msgs/msg/JointState",
                                             .schema = {"float64 a", 9},
                                             .schema_encoding = "ros2msg",
                                             .message_encoding = "cdr",
                                             .device = "robot",
                                             .rate_hz = 500};

static struct et_feed *feed_of(size_t n_bytes)
{
    struct et_feed *feed;
    CHECK_OK(et_feed_open(&feed, &(struct et_feed_options){.n_bytes = n_bytes}, &err));
    return feed;
}

static void gives_what_was_put_and_counts_it(void)
{
    struct et_feed *feed = feed_of(0);
    uint16_t i;
    struct et_feed_sample got;
    CHECK_OK(et_feed_add(feed, &JOINTS, &i, &err));
    CHECK_EQ(i, 1);
    CHECK(!et_feed_next(feed, &got));
    for (int64_t k = 1; k <= 3; k++)
        CHECK(et_feed_put(feed, &(struct et_feed_sample){.t_arrival_ns = 100 * k,
                                                         .t_device_ns = k,
                                                         .stream = i,
                                                         .n_bytes = 8,
                                                         .bytes = &k}));
    for (int64_t k = 1; k <= 3; k++) {
        int64_t value;
        CHECK(et_feed_next(feed, &got));
        CHECK_EQ(got.n_bytes, 8);
        memcpy(&value, got.bytes, 8);
        CHECK_EQ(value, k);
        CHECK_EQ(got.t_arrival_ns, 100 * k);
        CHECK_EQ(got.t_device_ns, k);
        CHECK_EQ(got.stream, i);
        et_feed_done(feed);
    }
    CHECK(!et_feed_next(feed, &got));
    CHECK_EQ(et_feed_used(feed), 0);
    et_feed_lost(feed, i, 7);
    const struct et_feed_counts counts = et_feed_counts(feed, i);
    CHECK_EQ(counts.n_put, 3);
    CHECK_EQ(counts.n_bytes, 24);
    CHECK_EQ(counts.n_dropped, 0);
    CHECK_EQ(counts.n_lost, 7);
    CHECK_EQ(counts.t_last_ns, 300);
    CHECK_EQ(counts.t_last_device_ns, 3);
    et_feed_close(feed);
}

static void counts_what_finds_no_room(void)
{
    struct et_feed *feed = feed_of(4096);
    uint16_t i;
    static char bytes[4096];
    uint64_t n_in = 0;
    CHECK_EQ(et_feed_size(feed), 4096);
    CHECK_OK(et_feed_add(feed, &JOINTS, &i, &err));
    for (int k = 0; k < 100; k++)
        n_in += et_feed_put(feed,
                            &(struct et_feed_sample){.stream = i, .n_bytes = 100, .bytes = bytes});
    CHECK(n_in > 20 && n_in < 41);
    CHECK_EQ(et_feed_counts(feed, i).n_put, n_in);
    CHECK_EQ(et_feed_counts(feed, i).n_dropped, 100 - n_in);
    CHECK(et_feed_counts(feed, i).t_last_ns > 0); // the time of now
    CHECK(!et_feed_event(feed, "mark", "me", "there is no room", NULL));
    CHECK_EQ(et_feed_counts(feed, ET_FEED_EVENTS).n_dropped, 1);
    et_feed_close(feed);
    feed = feed_of(4096);
    CHECK(!et_feed_put(
        feed, &(struct et_feed_sample){.stream = 0, .n_bytes = sizeof bytes, .bytes = bytes}));
    et_feed_close(feed);
}

static void knows_a_stream_again_and_a_changed_one_is_new(void)
{
    struct et_feed *feed = feed_of(4096);
    uint16_t a, b;
    CHECK_EQ(et_feed_n_streams(feed), 1);
    CHECK_STR(et_feed_stream(feed, ET_FEED_EVENTS)->topic, "/events");
    CHECK_OK(et_feed_add(feed, &JOINTS, &a, &err));
    CHECK_OK(et_feed_add(feed, &JOINTS, &b, &err));
    CHECK_EQ(a, b);
    struct et_feed_stream changed = JOINTS;
    changed.schema = ET_STR("float32 a");
    CHECK_OK(et_feed_add(feed, &changed, &b, &err));
    CHECK(a != b);
    CHECK_EQ(et_feed_n_streams(feed), 3);
    CHECK_STR(et_feed_stream(feed, b)->topic, "/joint_states");
    CHECK(et_str_is(et_feed_stream(feed, b)->schema, "float32 a"));
    CHECK_STR(et_feed_stream(feed, b)->device, "robot");
    CHECK(!et_feed_stream(feed, b)->qos);
    et_feed_close(feed);
}

static void what_is_larger_than_half_of_it_is_told_once(void)
{
    static const char BYTES[6000] = "";
    struct et_feed *feed = feed_of(8192);
    uint16_t i;
    struct et_feed_sample got;
    CHECK_OK(et_feed_add(feed, &JOINTS, &i, &err));
    for (int k = 0; k < 3; k++)
        CHECK(!et_feed_put(
            feed, &(struct et_feed_sample){.stream = i, .n_bytes = sizeof BYTES, .bytes = BYTES}));
    CHECK_EQ(et_feed_counts(feed, i).n_dropped, 3);
    CHECK_EQ(et_feed_counts(feed, ET_FEED_EVENTS).n_put, 1);
    CHECK(et_feed_next(feed, &got));
    CHECK_EQ(got.stream, ET_FEED_EVENTS);
    CHECK(memmem(got.bytes, got.n_bytes, "source.warning", 14) &&
          memmem(got.bytes, got.n_bytes, "too large", 9));
    et_feed_close(feed);
}

static void learns_how_often_samples_come(void)
{
    struct et_feed *feed = feed_of(0);
    const struct et_feed_stream stream = {
        .topic = "/a", .type = "t/T", .schema_encoding = "", .message_encoding = "cdr"};
    uint16_t i;
    struct et_feed_sample got;
    CHECK_OK(et_feed_add(feed, &stream, &i, &err));
    for (int64_t k = 0; k < 1000; k++) {
        CHECK(et_feed_put(feed,
                          &(struct et_feed_sample){.t_arrival_ns = 1 + k * 10000000, .stream = i}));
        if (k == 290)
            CHECK_EQ(et_feed_counts(feed, i).rate_hz, 0);
        CHECK(et_feed_next(feed, &got));
        et_feed_done(feed);
    }
    CHECK_NEAR(et_feed_counts(feed, i).rate_hz, 100, 1);
    CHECK_EQ(et_feed_stream(feed, i)->rate_hz, 0);
    CHECK_EQ(et_feed_counts(feed, ET_FEED_EVENTS).rate_hz, 0);
    et_feed_close(feed);
}

static void refuses_what_is_no_stream(void)
{
    struct et_feed *feed;
    uint16_t i;
    CHECK_EQ(et_feed_open(&feed, &(struct et_feed_options){.n_bytes = 5000}, &err), ET_EARG);
    CHECK(!feed);
    feed = feed_of(4096);
    struct et_feed_stream bad = JOINTS;
    bad.topic = "/a\nb";
    CHECK_EQ(et_feed_add(feed, &bad, &i, &err), ET_ECORRUPT);
    bad = JOINTS;
    bad.type = "";
    CHECK_EQ(et_feed_add(feed, &bad, &i, &err), ET_ECORRUPT);
    bad = JOINTS;
    bad.schema.n = (size_t)5 << 20;
    CHECK_EQ(et_feed_add(feed, &bad, &i, &err), ET_ELIMIT);
    CHECK_EQ(et_feed_add_type(feed, "/x", "no_msgs/msg/Such", NULL, 0, &i, &err), ET_ENOTFOUND);
    CHECK_EQ(et_feed_n_streams(feed), 1);
    char topic[32];
    struct et_feed_stream many = JOINTS;
    many.topic = topic;
    for (int k = 1; k < ET_FEED_STREAMS_MAX; k++) {
        (void)snprintf(topic, sizeof topic, "/topic_%d", k);
        CHECK_OK(et_feed_add(feed, &many, &i, &err));
    }
    many.topic = "/one_more";
    CHECK_EQ(et_feed_add(feed, &many, &i, &err), ET_ELIMIT);
    et_feed_close(feed);
}

static int n_heard;
static void hear(void *ctx, const struct et_feed_sample *sample)
{
    CHECK_EQ(sample->stream, ET_FEED_EVENTS);
    CHECK(sample->t_arrival_ns > 0);
    n_heard += *(int *)ctx;
}

static void tells_all_who_listen_of_each_put(void)
{
    struct et_feed *feed = feed_of(4096);
    int step[ET_FEED_LISTENERS_MAX + 1] = {1, 10, 100, 1000, 10000};
    for (size_t i = 0; i < ET_FEED_LISTENERS_MAX; i++)
        CHECK_OK(et_feed_listen(feed, &(struct et_feed_listener){hear, &step[i]}, &err));
    CHECK_EQ(
        et_feed_listen(feed, &(struct et_feed_listener){hear, step + ET_FEED_LISTENERS_MAX}, &err),
        ET_ELIMIT);
    CHECK(et_feed_event(feed, "mark", "me", "it works", "{\"a\": 1}"));
    CHECK_EQ(n_heard, 1111);
    et_feed_close(feed);
    et_feed_close(NULL);
}

int main(void)
{
    RUN(gives_what_was_put_and_counts_it);
    RUN(counts_what_finds_no_room);
    RUN(knows_a_stream_again_and_a_changed_one_is_new);
    RUN(what_is_larger_than_half_of_it_is_told_once);
    RUN(learns_how_often_samples_come);
    RUN(refuses_what_is_no_stream);
    RUN(tells_all_who_listen_of_each_put);
    return tap_end();
}

// Cameras of robots in another process: what they send raw is recorded coded, with its times.
#include "dds_robots.h"
#include "dds_values.h"
#include "feed_seen.h"
#include "support.h"

#include "etude/clock.h"
#include "etude/image.h"
#include "etude/rvl.h"
#include "etude/video_stream.h"

#include <poll.h>

#define RING_BYTES ((size_t)64 << 20)

static struct {
    struct robots robots;
    struct et_feed *feed;
    struct et_source *source;
    struct et_arena *arena;
    char prefix[40]; // of ROS names
} t;

static void begin(const char *more)
{
    if (!CHECK(robots_open(&t.robots)))
        exit(tap_end());
    CHECK_OK(et_arena_open(&t.arena, (size_t)512 << 20, &err));
    CHECK_OK(et_feed_open(&t.feed, &(struct et_feed_options){.n_bytes = RING_BYTES}, &err));
    (void)snprintf(t.prefix, sizeof t.prefix, "%.30s", t.robots.prefix + 2);
    CHECK(robots_do(&t.robots, "robot 0"));
    CHECK(
        robots_do(&t.robots, "writer 0 0 image %s/cam/image_raw reliable silent", t.robots.prefix));
    CHECK_OK(robots_hear(&t.robots, more, false, t.feed, &t.source, &err));
    if (!t.source)
        exit(1);
}

static void end(void)
{
    et_source_close(t.source);
    et_feed_close(t.feed);
    et_arena_close(t.arena);
    robots_close(&t.robots);
}

static void step(void)
{
    int64_t t_next_ns;
    struct pollfd fd = {.fd = et_source_fd(t.source), .events = POLLIN};
    (void)poll(&fd, 1, 2);
    CHECK_OK(et_source_poll(t.source, &t_next_ns, &err));
}

#define UNTIL(condition)                                                       \
    do {                                                                       \
        const int64_t end_ns_ = et_clock_monotonic_ns() + DDS_WAIT_NS;         \
        while (!(condition) && et_clock_monotonic_ns() < end_ns_)              \
            step();                                                            \
        tap_check((condition), __FILE__, __LINE__, "in the end: " #condition); \
    } while (0)

// The reader is there when its writer knows it.
static void wait_for_reader(int writer)
{
    robots_order(&t.robots, "wait %d 1", writer);
    struct pollfd fd = {.fd = fileno(t.robots.answers), .events = POLLIN};
    while (poll(&fd, 1, 0) == 0)
        step();
    CHECK(robots_answer(&t.robots));
}

// Of a ROS name, without the robot's own prefix.
static const char *topic_of(const char *name)
{
    static char topic[128];
    (void)snprintf(topic, sizeof topic, "%s%s", t.prefix, name);
    return topic;
}

static int stream_of(const char *name)
{
    return feed_find(t.feed, topic_of(name));
}

static uint64_t n_put(const char *name)
{
    const int i = stream_of(name);
    return i < 0 ? 0 : et_feed_counts(t.feed, (size_t)i).n_put;
}

static uint64_t n_lost(const char *name)
{
    const int i = stream_of(name);
    return i < 0 ? 0 : et_feed_counts(t.feed, (size_t)i).n_lost;
}

static struct et_feed_sample next(const char *name)
{
    return feed_take(t.feed, topic_of(name), t.arena);
}

static const struct et_value *value_of(const struct et_feed_sample *sample)
{
    return feed_value(t.feed, sample, t.arena);
}

static struct et_str data_of(const struct et_value *value)
{
    return value_data(value, t.arena);
}

static void check_frame(struct et_video_stream *film, uint32_t k, int width, int height)
{
    struct et_frame frame;
    CHECK_OK(et_video_stream_find(film, k, &frame, &err));
    uint8_t *rgb = et_arena_alloc(t.arena, (size_t)3 * (size_t)width * (size_t)height);
    CHECK_OK(et_video_stream_rgb(film, width, height, rgb, &err));
    double sum = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            sum += abs(rgb[3 * (y * width + x)] - dds_grey(k, (uint32_t)x, (uint32_t)y));
    CHECK_NEAR(sum / (width * height), 0, 3);
}

static void colour_is_recorded_as_h264_with_its_stamps(void)
{
    enum { N = 24, W = 64, H = 48 };
    struct et_video_stream *film;
    begin("");
    wait_for_reader(0);
    for (uint32_t k = 0; k < N; k += 8) { // no more than there is room for at a time
        CHECK(robots_do(&t.robots, "picture 0 %u 8 rgb8 %d %d", k, W, H));
        UNTIL(n_put("/cam/image_raw/video") == k + 8);
    }
    CHECK_EQ(stream_of("/cam/image_raw"), -1);
    CHECK_EQ(n_lost("/cam/image_raw/video"), 0);
    CHECK_OK(et_video_stream_open(&film, ET_UNIT_H264, &err));
    int64_t t_last_ns = 0;
    for (uint32_t k = 0; k < N; k++) {
        const struct et_feed_sample sample = next("/cam/image_raw/video");
        const struct et_value *v = value_of(&sample);
        CHECK_NEAR(number_at(v, "timestamp.sec"), DDS_STAMP_S + k, 0);
        CHECK_NEAR(number_at(v, "timestamp.nanosec"), k, 0);
        CHECK_STR(text_at(v, "frame_id"), "head_camera");
        CHECK(sample.t_arrival_ns > t_last_ns); // they came one by one
        CHECK(sample.t_device_ns > 0);
        t_last_ns = sample.t_arrival_ns;
        CHECK_OK(et_video_stream_put(film, data_of(v), k, &err));
        if (k > 0)
            check_frame(film, k - 1, W, H);
    }
    CHECK_OK(et_video_stream_end(film, &err));
    check_frame(film, N - 1, W, H);
    et_video_stream_close(film);
    end();
}

static void depth_is_recorded_without_loss(void)
{
    enum { N = 8, W = 61, H = 33 };
    begin("");
    wait_for_reader(0);
    CHECK(robots_do(&t.robots, "picture 0 0 %d 16UC1 %d %d", N, W, H));
    UNTIL(n_put("/cam/image_raw/compressedDepth") == N);
    for (uint32_t k = 0; k < N; k++) {
        struct et_image image = {0};
        const struct et_feed_sample sample = next("/cam/image_raw/compressedDepth");
        const struct et_value *v = value_of(&sample);
        const struct et_str data = data_of(v);
        CHECK_NEAR(number_at(v, "header.stamp.sec"), DDS_STAMP_S + k, 0);
        CHECK_OK(et_rvl_picture((struct et_str){data.p + 12, data.n - 12}, t.arena, &image, &err));
        int n_wrong = 0;
        for (uint32_t i = 0; i < W * H; i++)
            n_wrong += ((const uint16_t *)image.pixels)[i] != dds_depth(k, i % W, i / W);
        CHECK_EQ(n_wrong, 0);
    }
    end();
}

static bool starts(const struct et_feed_sample *sample, int want_width)
{
    struct et_video_unit unit;
    int width = 0, height = 0;
    const struct et_str bytes = data_of(value_of(sample));
    et_video_unit_look(ET_UNIT_H264, bytes, &unit);
    return unit.is_start &&
           et_video_unit_size(ET_UNIT_H264, bytes, &width, &height, &err) == ET_OK &&
           width == want_width;
}

// What comes after a change is coded anew, or another stream; nothing is lost on the way.
static void pictures_that_change_are_coded_anew(void)
{
    begin("");
    wait_for_reader(0);
    CHECK(robots_do(&t.robots, "picture 0 1 2 rgb8 64 48"));
    CHECK(robots_do(&t.robots, "picture 0 3 1 rgb8 32 32"));
    CHECK(robots_do(&t.robots, "picture 0 4 1 mono8 32 32"));
    CHECK(robots_do(&t.robots, "picture 0 5 1 16UC1 32 32"));
    CHECK(robots_do(&t.robots, "picture 0 6 1 32FC1 32 32"));
    CHECK(robots_do(&t.robots, "picture 0 7 1 rgb8 31 32"));
    UNTIL(n_put("/cam/image_raw/video") == 4 && n_put("/cam/image_raw/compressedDepth") == 1 &&
          n_put("/cam/image_raw") == 2);
    struct et_feed_sample sample = next("/cam/image_raw");
    const struct et_value *v = value_of(&sample);
    CHECK_STR(text_at(v, "encoding"), "32FC1");
    CHECK_EQ(data_of(v).n, 4 * 32 * 32);
    sample = next("/cam/image_raw");
    CHECK_STR(text_at(value_of(&sample), "encoding"), "rgb8");
    for (size_t i = 1; i < et_feed_n_streams(t.feed); i++)
        CHECK_EQ(et_feed_counts(t.feed, i).n_lost, 0);
    end();

    begin("");
    wait_for_reader(0);
    CHECK(robots_do(&t.robots, "picture 0 1 2 rgb8 64 48"));
    CHECK(robots_do(&t.robots, "picture 0 3 1 rgb8 32 32"));
    UNTIL(n_put("/cam/image_raw/video") == 3);
    sample = next("/cam/image_raw/video");
    CHECK(starts(&sample, 64));
    sample = next("/cam/image_raw/video");
    CHECK(!starts(&sample, 64));
    sample = next("/cam/image_raw/video");
    CHECK(starts(&sample, 32));
    end();
}

static void pictures_that_lie_about_themselves_are_kept_as_they_came(void)
{
    begin("");
    wait_for_reader(0);
    CHECK(robots_do(&t.robots, "picture 0 1 3 rgb8 64 48 100"));
    CHECK(robots_do(&t.robots, "picture 0 4 1 bayer_rggb8 64 48"));
    CHECK(robots_do(&t.robots, "picture 0 5 1 rgb8 64 48"));
    UNTIL(n_put("/cam/image_raw") == 4 && n_put("/cam/image_raw/video") == 1);
    struct et_feed_sample sample;
    int n_events = 0;
    for (; et_feed_next(t.feed, &sample); et_feed_done(t.feed))
        n_events += sample.stream == ET_FEED_EVENTS &&
                    (memmem(sample.bytes, sample.n_bytes, "are said to be in 100 bytes", 27) ||
                     memmem(sample.bytes, sample.n_bytes, "\"bayer_rggb8\" are not coded", 27));
    CHECK_EQ(n_events, 2);
    end();
}

// All of them are accounted for, whatever the worker could do.
static void a_burst_is_coded_or_counted(void)
{
    enum { N = 40 };
    begin("");
    wait_for_reader(0);
    CHECK(robots_do(&t.robots, "picture 0 1 %d rgb8 640 480", N));
    UNTIL(n_put("/cam/image_raw/video") + n_lost("/cam/image_raw/video") == N);
    CHECK(n_put("/cam/image_raw/video") >= 8);
    CHECK_EQ(stream_of("/cam/image_raw"), -1);
    end();
}

static void robots_and_users_may_want_them_as_they_are(void)
{
    begin("pictures: raw\n");
    wait_for_reader(0);
    CHECK(robots_do(&t.robots, "picture 0 1 5 rgb8 64 48"));
    UNTIL(n_put("/cam/image_raw") == 5);
    CHECK_EQ(et_feed_n_streams(t.feed), 2);
    end();
    // A picture that is latched is one by itself.
    begin("");
    CHECK(robots_do(&t.robots, "writer 1 0 image %s/map latched silent", t.robots.prefix));
    wait_for_reader(1);
    CHECK(robots_do(&t.robots, "picture 1 1 1 rgb8 64 48"));
    UNTIL(n_put("/map") == 1);
    end();
}

static void robots_of_one_name_have_a_film_each(void)
{
    char name[80];
    begin("split: writer\nqp: 40\n");
    CHECK(robots_do(&t.robots, "robot 1"));
    CHECK(
        robots_do(&t.robots, "writer 1 1 image %s/cam/image_raw reliable silent", t.robots.prefix));
    for (int w = 0; w < 2; w++) {
        wait_for_reader(w);
        CHECK(robots_do(&t.robots, "picture %d 1 4 rgb8 64 48", w));
    }
    UNTIL(et_feed_n_streams(t.feed) == 3 && et_feed_counts(t.feed, 1).n_put == 4 &&
          et_feed_counts(t.feed, 2).n_put == 4);
    (void)snprintf(name, sizeof name, "%s/cam/image_raw/video@127.0.0.1-", t.prefix);
    for (size_t i = 1; i < 3; i++)
        CHECK_HAS(et_feed_stream(t.feed, i)->topic, name);
    end();
}

// What is on the air, not what would become of it: that is not known before the first picture.
static void looking_announces_the_topic(void)
{
    begin("");
    et_source_close(t.source);
    CHECK_OK(robots_hear(&t.robots, "", true, t.feed, &t.source, &err));
    UNTIL(stream_of("/cam/image_raw") > 0);
    CHECK_EQ(et_feed_n_streams(t.feed), 2);
    end();
}

static void settings_that_cannot_be_are_refused(void)
{
    CHECK(robots_open(&t.robots));
    CHECK_OK(et_feed_open(&t.feed, NULL, &err));
    CHECK_EQ(robots_hear(&t.robots, "pictures: small\n", false, t.feed, &t.source, &err),
             ET_ECORRUPT);
    CHECK_HAS(err.text, "pictures");
    CHECK_EQ(robots_hear(&t.robots, "qp: 52\n", false, t.feed, &t.source, &err), ET_ECORRUPT);
    et_feed_close(t.feed);
    robots_close(&t.robots);
}

int main(void)
{
    RUN(colour_is_recorded_as_h264_with_its_stamps);
    RUN(depth_is_recorded_without_loss);
    RUN(pictures_that_change_are_coded_anew);
    RUN(pictures_that_lie_about_themselves_are_kept_as_they_came);
    RUN(a_burst_is_coded_or_counted);
    RUN(robots_and_users_may_want_them_as_they_are);
    RUN(robots_of_one_name_have_a_film_each);
    RUN(looking_announces_the_topic);
    RUN(settings_that_cannot_be_are_refused);
    return tap_end();
}

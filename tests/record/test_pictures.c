// Raw pictures are coded beside, in order, and what cannot be coded is put as it came.
#include "etude/image.h"
#include "etude/rvl.h"

#include "feed_seen.h"
#include "picture_made.h"
#include "record/record__pictures.h"
#include "support.h"

#include <poll.h>

#define S INT64_C(1000000000)
#define WIDTH 32
#define HEIGHT 16

/* ---- messages ---- */

static struct et_str message_of(const struct raw *raw)
{
    static struct et_buf buf;
    buf.limit = (size_t)256 << 20;
    et_buf_clear(&buf);
    put_raw_picture(&buf, raw);
    CHECK_OK(et_buf_check(&buf, "a picture", &err));
    return et_buf_str(&buf);
}

static struct raw colour(void)
{
    return (struct raw){"rgb8", WIDTH, HEIGHT, 3 * WIDTH, 3 * WIDTH * HEIGHT, false, NULL, NULL};
}

/* ---- a camera under test ---- */

static struct {
    struct et_feed *feed;
    struct et__pictures *pictures;
    struct et_arena *arena;
    size_t camera;
    int64_t t_ns;
} t;

static const struct et_feed_stream RAW = {.topic = "/cam/image_raw",
                                          .type = "sensor_msgs/msg/Image",
                                          .schema = {"std_msgs/Header header\n", 23},
                                          .schema_encoding = "ros2msg",
                                          .message_encoding = "cdr",
                                          .device = "robot",
                                          .qos = "- history: 1\n"};

static void begin_with(size_t bytes_max, int qp)
{
    const struct et__pictures_camera camera = {.raw = RAW};
    t.t_ns = 1000 * S;
    CHECK_OK(et_arena_open(&t.arena, (size_t)256 << 20, &err));
    CHECK_OK(et_feed_open(&t.feed, &(struct et_feed_options){.n_bytes = 1 << 22}, &err));
    CHECK_OK(
        et__pictures_open(&t.pictures,
                          &(struct et__pictures_options){
                              .feed = t.feed, .device = "robot", .qp = qp, .bytes_max = bytes_max},
                          &err));
    CHECK_OK(et__pictures_add(t.pictures, &camera, &t.camera, &err));
}

static void end(void)
{
    et__pictures_close(t.pictures);
    et_feed_close(t.feed);
    et_arena_close(t.arena);
}

static void put(const struct raw *raw)
{
    t.t_ns += S / 10;
    et__pictures_put(t.pictures, t.camera, message_of(raw), t.t_ns, t.t_ns - S);
}

// Waits for all that is under way.
static void settle(void)
{
    CHECK_OK(et__pictures_take(t.pictures, &err));
    while (et__pictures_n_under_way(t.pictures) > 0) {
        struct pollfd fd = {.fd = et__pictures_fd(t.pictures), .events = POLLIN};
        if (!CHECK(poll(&fd, 1, 20000) == 1))
            return;
        CHECK_OK(et__pictures_take(t.pictures, &err));
    }
    struct pollfd fd = {.fd = et__pictures_fd(t.pictures), .events = POLLIN};
    CHECK_EQ(poll(&fd, 1, 0), 0);
}

static int stream_of(const char *topic)
{
    return feed_find(t.feed, topic);
}

static struct et_feed_counts counts_of(const char *topic)
{
    const int i = stream_of(topic);
    return CHECK(i > 0) ? et_feed_counts(t.feed, (size_t)i) : (struct et_feed_counts){0};
}

static struct et_feed_sample next(const char *topic)
{
    return feed_take(t.feed, topic, t.arena);
}

static const struct et_value *value_of(const struct et_feed_sample *sample)
{
    return feed_value(t.feed, sample, t.arena);
}

static struct et_str data_of(const struct et_value *value)
{
    return value_data(value, t.arena);
}

static int n_told(const char *words)
{
    struct et_feed_sample sample;
    int n = 0;
    for (; et_feed_next(t.feed, &sample); et_feed_done(t.feed))
        n += sample.stream == ET_FEED_EVENTS &&
             memmem(sample.bytes, sample.n_bytes, words, strlen(words));
    return n;
}

/* ---- coding ---- */

static void check_grey(struct et_video_stream *film, int k)
{
    static uint8_t rgb[3 * WIDTH * HEIGHT];
    struct et_frame frame;
    CHECK_OK(et_video_stream_find(film, k, &frame, &err));
    CHECK_OK(et_video_stream_rgb(film, WIDTH, HEIGHT, rgb, &err));
    CHECK_NEAR(rgb[77], 40 * k, 3);
}

static void colour_becomes_a_film_with_its_times(void)
{
    struct raw raw = colour();
    struct et_video_stream *film;
    static uint8_t pixels[3 * WIDTH * HEIGHT];
    begin_with(0, 10);
    CHECK_OK(et_video_stream_open(&film, ET_UNIT_H264, &err));
    raw.data = pixels;
    for (int k = 0; k < 5; k++) {
        memset(pixels, 40 * k, sizeof pixels);
        put(&raw);
    }
    settle();
    CHECK_EQ(stream_of(RAW.topic), -1); // nothing is there of what never came
    const int i = stream_of("/cam/image_raw/video");
    CHECK(i > 0);
    CHECK_STR(et_feed_stream(t.feed, (size_t)i)->type, "foxglove_msgs/msg/CompressedVideo");
    CHECK_STR(et_feed_stream(t.feed, (size_t)i)->device, "robot");
    for (int k = 0; k < 5; k++) {
        const struct et_feed_sample sample = next("/cam/image_raw/video");
        const struct et_value *v = value_of(&sample);
        CHECK_EQ(sample.t_arrival_ns, 1000 * S + (k + 1) * S / 10);
        CHECK_EQ(sample.t_device_ns, 999 * S + (k + 1) * S / 10);
        CHECK_NEAR(number_at(v, "timestamp.sec"), -5, 0);
        CHECK_NEAR(number_at(v, "timestamp.nanosec"), 4000000000.0, 0);
        CHECK_STR(text_at(v, "frame_id"), "head");
        CHECK_STR(text_at(v, "format"), "h264");
        CHECK_OK(et_video_stream_put(film, data_of(v), k, &err));
        if (k > 0)
            check_grey(film, k - 1);
    }
    CHECK_OK(et_video_stream_end(film, &err));
    check_grey(film, 4);
    et_video_stream_close(film);
    end();
}

static void check_depth(const struct et_feed_sample *sample, const char *format,
                        const uint16_t *values)
{
    struct et_image image = {0};
    const struct et_value *v = value_of(sample);
    const struct et_str data = data_of(v);
    CHECK_STR(text_at(v, "format"), format);
    CHECK_STR(text_at(v, "header.frame_id"), "head");
    CHECK_OK(et_rvl_picture((struct et_str){data.p + 12, data.n - 12}, t.arena, &image, &err));
    CHECK(image.width_px == 33 && image.height_px == 7);
    CHECK(image.pixels && memcmp(image.pixels, values, sizeof(uint16_t) * 33 * 7) == 0);
}

// Odd sides are fine; of both orders of bytes, with something between the rows.
static void depth_comes_back_to_the_bit(void)
{
    static uint16_t values[33 * 7];
    static unsigned char rows[2][7 * 70];
    struct rng rng = {5};
    memset(rows, 0xee, sizeof rows);
    for (size_t i = 0; i < 33 * 7; i++) {
        values[i] = (uint16_t)(i % 5 ? rng_next(&rng) : 0);
        unsigned char *little = &rows[0][i / 33 * 70 + i % 33 * 2];
        unsigned char *big = &rows[1][i / 33 * 70 + i % 33 * 2];
        little[0] = big[1] = (unsigned char)values[i];
        little[1] = big[0] = (unsigned char)(values[i] >> 8);
    }
    begin_with(0, 0);
    struct raw raw = {"16UC1", 33, 7, 70, 7 * 70, false, rows[0], NULL};
    put(&raw);
    raw.encoding = "mono16";
    raw.n_bytes -= 4; // behind the last pixel there need be nothing
    raw.is_big_endian = true;
    raw.data = rows[1];
    put(&raw);
    settle();
    struct et_feed_sample sample = next("/cam/image_raw/compressedDepth");
    check_depth(&sample, "16UC1; compressedDepth rvl", values);
    sample = next("/cam/image_raw/compressedDepth");
    check_depth(&sample, "mono16; compressedDepth rvl", values);
    end();
}

static struct et_video_unit next_unit(int *width_px)
{
    int height_px = 0;
    struct et_video_unit unit = {0};
    const struct et_feed_sample sample = next("/cam/image_raw/video");
    const struct et_str bytes = data_of(value_of(&sample));
    et_video_unit_look(ET_UNIT_H264, bytes, &unit);
    if (unit.is_start)
        CHECK_OK(et_video_unit_size(ET_UNIT_H264, bytes, width_px, &height_px, &err));
    return unit;
}

static void another_size_begins_with_a_key_frame(void)
{
    struct raw small = colour(), large = {"bgra8", 64, 48, 256, 48 * 256, false, NULL, NULL};
    int width_px = 0;
    begin_with(0, 0);
    for (int k = 0; k < 2; k++)
        put(&small);
    for (int k = 0; k < 2; k++)
        put(&large);
    put(&small);
    settle();
    CHECK(next_unit(&width_px).is_start && width_px == WIDTH);
    CHECK(!next_unit(&width_px).is_start);
    CHECK(next_unit(&width_px).is_start && width_px == 64);
    CHECK(!next_unit(&width_px).is_start);
    CHECK(next_unit(&width_px).is_start && width_px == WIDTH);
    end();
}

// Also where pictures come seldom: every 0.1 s of the test's.
static void a_film_starts_every_two_seconds(void)
{
    struct raw raw = colour();
    begin_with(0, 0);
    for (int k = 0; k < 45; k++) {
        int width_px;
        put(&raw);
        settle();
        CHECK_EQ(next_unit(&width_px).is_start, k % 20 == 0);
    }
    end();
}

/* ---- what is not coded ---- */

static void what_is_not_coded_is_put_as_it_came_and_told_once(void)
{
    static const struct {
        struct raw raw;
        const char *told;
    } CASES[] = {
        {{"bayer_rggb8", 32, 16, 32, 512, false, NULL, NULL}, "\"bayer_rggb8\" are not coded"},
        {{"32FC1", 32, 16, 128, 2048, false, NULL, NULL}, "\"32FC1\" are not coded"},
        {{"a\nb", 32, 16, 32, 512, false, NULL, NULL}, "pixels of no name are not coded"},
        {{"\xff", 32, 16, 32, 512, false, NULL, NULL}, "pixels of no name are not coded"},
        {{"", 32, 16, 32, 512, false, NULL, NULL}, "pixels of no name are not coded"},
        {{"rgb8", 31, 16, 93, 93 * 16, false, NULL, NULL}, "31 × 16 pixels: a side is odd"},
        {{"rgb8", 0, 0, 0, 0, false, NULL, NULL}, "0 × 0 pixels"},
        {{"rgb8", 0, 65535, 0, 0, false, NULL, NULL}, "0 × 65535 pixels"},
        {{"mono8", 20000, 2, 20000, 40000, false, NULL, NULL}, "20000 × 2 pixels"},
        {{"rgb8", 32, 16, 96, 97 * 16, false, NULL, NULL}, "more bytes than 16 rows of 96"},
        {{"rgb8", 65535, 65535, 196605, 1536, false, NULL, NULL}, "are said to be in 1536 bytes"},
        {{"rgb8", UINT32_MAX, UINT32_MAX, UINT32_MAX, 9, false, NULL, NULL}, "are said to be in 9"},
        {{"rgb8", 32, 16, 95, 1536, false, NULL, NULL}, "are said to be in 1536 bytes"},
        {{"rgb8", 32, 16, UINT32_MAX, 1536, false, NULL, NULL}, "are said to be in 1536 bytes"},
        {{"rgb8", 32, 16, 96, 1535, false, NULL, NULL}, "are said to be in 1535 bytes"},
        {{"16UC1", 32, 16, 64, 1023, false, NULL, NULL}, "are said to be in 1023 bytes"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct raw good = colour();
        begin_with(0, 0);
        put(&CASES[i].raw);
        put(&good);
        put(&CASES[i].raw);
        settle();
        CHECK_EQ(counts_of(RAW.topic).n_put, 2);
        CHECK_EQ(counts_of("/cam/image_raw/video").n_put, 1);
        const struct et_feed_stream *s = et_feed_stream(t.feed, (size_t)stream_of(RAW.topic));
        CHECK_STR(s->qos, RAW.qos);
        CHECK(et_str_eq(s->schema, RAW.schema));
        const struct et_feed_sample sample = next(RAW.topic);
        const struct et_str want = message_of(&CASES[i].raw);
        CHECK(et_str_eq((struct et_str){sample.bytes, sample.n_bytes}, want));
        CHECK_EQ(sample.t_arrival_ns, 1000 * S + S / 10);
        end();
        begin_with(0, 0);
        put(&CASES[i].raw);
        put(&CASES[i].raw);
        if (!CHECK(n_told(CASES[i].told) == 1))
            printf("#   case %zu\n", i);
        end();
    }
}

static void what_is_no_picture_is_put_as_it_came(void)
{
    static const char GARBAGE[] = "\0\1\0\0 and so on, and so on";
    begin_with(0, 0);
    et__pictures_put(t.pictures, t.camera, (struct et_str){GARBAGE, sizeof GARBAGE}, S, 0);
    et__pictures_put(t.pictures, t.camera, (struct et_str){NULL, 0}, S, 0);
    CHECK_EQ(counts_of(RAW.topic).n_put, 2);
    CHECK_EQ(n_told("it is no sensor_msgs/msg/Image"), 1);
    end();
}

static void what_cannot_be_coded_here_is_put_as_it_came(void)
{
    struct raw raw = colour(), depth = {"16UC1", 8, 8, 16, 128, false, NULL, NULL};
    begin_with(0, 52); // no encoder takes that
    put(&raw);
    struct pollfd fd = {.fd = et__pictures_fd(t.pictures), .events = POLLIN};
    put(&raw);
    CHECK(poll(&fd, 1, 20000) == 1);
    CHECK_OK(et__pictures_take(t.pictures, &err)); // one or both
    put(&raw);
    settle();
    put(&raw);
    CHECK_EQ(et__pictures_n_under_way(t.pictures), 0);
    put(&depth);
    settle();
    CHECK_EQ(counts_of(RAW.topic).n_put, 4);
    CHECK_EQ(counts_of("/cam/image_raw/video").n_put, 0);
    CHECK_EQ(counts_of("/cam/image_raw/compressedDepth").n_put, 1);
    for (int k = 0; k < 4; k++) {
        const struct et_feed_sample sample = next(RAW.topic);
        CHECK(et_str_eq((struct et_str){sample.bytes, sample.n_bytes}, message_of(&raw)));
        CHECK_EQ(sample.t_arrival_ns, 1000 * S + (k + 1) * S / 10);
    }
    end();
}

// Large ones, that come faster than anybody codes them; nobody takes what is coded meanwhile.
static void what_finds_no_slot_is_counted(void)
{
    enum { N = 40 };
    const struct raw raw = {"rgb8", 1280, 960, 3840, 3840 * 960, false, NULL, NULL};
    begin_with(0, 0);
    const struct et_str message = message_of(&raw);
    et__pictures_lost(t.pictures, t.camera, 4); // before it was known of what
    for (int k = 0; k < N; k++)
        et__pictures_put(t.pictures, t.camera, message, t.t_ns + k, 0);
    settle();
    const struct et_feed_counts counts = counts_of("/cam/image_raw/video");
    CHECK_EQ(counts.n_put + counts.n_lost, N + 4);
    CHECK(counts.n_put >= ET__PICTURES_SLOTS && counts.n_lost > 4);
    CHECK_EQ(n_told("faster than they are coded"), 1);
    et__pictures_put(t.pictures, t.camera, message, t.t_ns + N, 0);
    settle();
    CHECK_EQ(counts_of("/cam/image_raw/video").n_put, counts.n_put + 1);
    et__pictures_lost(t.pictures, t.camera, 1);
    CHECK_EQ(counts_of("/cam/image_raw/video").n_lost, counts.n_lost + 1);
    CHECK_EQ(stream_of(RAW.topic), -1);
    end();
}

/* Who polls is away; those who give take what is done, so that little is lost for it. */
static void who_gives_takes_where_nobody_polls(void)
{
    enum { N = 40 };
    struct raw raw = colour();
    int64_t t_last_ns = 0;
    begin_with(0, 0);
    for (int k = 0; k < N; k++) {
        struct pollfd fd = {.fd = et__pictures_fd(t.pictures), .events = POLLIN};
        put(&raw);
        CHECK(poll(&fd, 1, 20000) == 1); // something is done, and lies there
    }
    settle();
    CHECK_EQ(counts_of("/cam/image_raw/video").n_put, N);
    CHECK_EQ(counts_of("/cam/image_raw/video").n_lost, 0);
    for (int k = 0; k < N; k++) {
        const struct et_feed_sample sample = next("/cam/image_raw/video");
        CHECK(sample.t_arrival_ns > t_last_ns);
        t_last_ns = sample.t_arrival_ns;
    }
    end();
}

static void pictures_under_way_have_so_many_bytes(void)
{
    struct raw raw = colour(); // 1,536 bytes, and its header
    begin_with(4000, 0);
    for (int k = 0; k < 4; k++)
        put(&raw);
    CHECK_EQ(et__pictures_n_under_way(t.pictures), 2);
    CHECK_EQ(counts_of(RAW.topic).n_put, 2);
    settle();
    CHECK_EQ(counts_of("/cam/image_raw/video").n_put, 2);
    CHECK_EQ(n_told("pictures under way have"), 1);
    end();
    // What depth becomes counts before it is there: it may need twice as much.
    const struct raw depth = {"16UC1", 64, 64, 128, 8192, false, NULL, NULL};
    begin_with(60000, 0);
    for (int k = 0; k < 4; k++)
        put(&depth);
    CHECK_EQ(et__pictures_n_under_way(t.pictures), 2);
    settle();
    CHECK_EQ(counts_of(RAW.topic).n_put, 2);
    end();
}

static void what_is_under_way_in_the_end_is_put(void)
{
    struct raw raw = colour();
    begin_with(0, 0);
    for (int k = 0; k < 5; k++)
        put(&raw);
    et__pictures_close(t.pictures);
    t.pictures = NULL;
    CHECK_EQ(counts_of("/cam/image_raw/video").n_put, 5);
    end();
}

/* ---- cameras ---- */

static void equal_cameras_are_one(void)
{
    struct et__pictures_camera camera = {.raw = RAW};
    char topic[32];
    size_t i;
    begin_with(0, 0);
    CHECK_OK(et__pictures_add(t.pictures, &camera, &i, &err));
    CHECK_EQ(i, t.camera);
    camera.raw.schema = ET_STR("another");
    CHECK_OK(et__pictures_add(t.pictures, &camera, &i, &err));
    CHECK(i != t.camera);
    camera.raw.topic = topic;
    for (int k = 2; k < ET__PICTURES_CAMERAS_MAX; k++) {
        (void)snprintf(topic, sizeof topic, "/cam%d", k);
        CHECK_OK(et__pictures_add(t.pictures, &camera, &i, &err));
    }
    camera.raw.topic = "/one_more";
    CHECK_EQ(et__pictures_add(t.pictures, &camera, &i, &err), ET_ELIMIT);
    end();
}

static void only_images_in_cdr_that_come_again_are_coded(void)
{
    struct et_feed_stream s = RAW;
    CHECK(et__picture_is_raw(&s));
    s.qos = "- durability: 1\n";
    CHECK(!et__picture_is_raw(&s));
    s = RAW;
    s.message_encoding = "json";
    CHECK(!et__picture_is_raw(&s));
    s = RAW;
    s.type = "sensor_msgs/msg/CompressedImage";
    CHECK(!et__picture_is_raw(&s));
}

/* ---- damage ---- */

// Data lie within the message, and rows within data, whatever was changed.
static void check_read(struct et_str message)
{
    struct et__picture p;
    const enum et_status st = et__picture_read(message, &p, &err);
    CHECK(st == ET_OK || st == ET_ECORRUPT || st == ET_EUNSUPPORTED);
    if (st != ET_OK)
        return;
    const size_t n_row = (size_t)p.width_px * (p.is_depth ? 2 : et_video_pixel_bytes(p.pixels));
    CHECK(p.data.p >= message.p && p.data.p + p.data.n <= message.p + message.n);
    CHECK(p.width_px >= 2 && p.height_px >= 2);
    CHECK((size_t)(p.height_px - 1) * p.step_bytes + n_row <= p.data.n);
}

static void every_cut_and_every_flip_is_told_or_a_picture(void)
{
    const struct raw raw = {"yuv422", 4, 2, 8, 16, false, NULL, NULL};
    const struct et_str whole = message_of(&raw);
    for (size_t n = 0; n < whole.n; n++) {
        struct et__picture p;
        char *cut = malloc(n + 1); // to the byte, for the sanitizer
        memcpy(cut, whole.p, n);
        CHECK_EQ(et__picture_read((struct et_str){cut, n}, &p, &err), ET_ECORRUPT);
        free(cut);
    }
    char *own = malloc(whole.n);
    for (size_t i = 0; i < whole.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(own, whole.p, whole.n);
            own[i] = (char)(own[i] ^ 1 << bit);
            check_read((struct et_str){own, whole.n});
        }
    free(own);
}

int main(void)
{
    RUN(colour_becomes_a_film_with_its_times);
    RUN(depth_comes_back_to_the_bit);
    RUN(another_size_begins_with_a_key_frame);
    RUN(a_film_starts_every_two_seconds);
    RUN(what_is_not_coded_is_put_as_it_came_and_told_once);
    RUN(what_is_no_picture_is_put_as_it_came);
    RUN(what_cannot_be_coded_here_is_put_as_it_came);
    RUN(what_finds_no_slot_is_counted);
    RUN(who_gives_takes_where_nobody_polls);
    RUN(pictures_under_way_have_so_many_bytes);
    RUN(what_is_under_way_in_the_end_is_put);
    RUN(equal_cameras_are_one);
    RUN(only_images_in_cdr_that_come_again_are_coded);
    RUN(every_cut_and_every_flip_is_told_or_a_picture);
    return tap_end();
}

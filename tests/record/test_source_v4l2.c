// Shots of cameras are stored as they come or coded; what is missing, damaged or gone is told.
#include "etude/base64.h"
#include "etude/image.h"
#include "etude/rvl.h"
#include "etude/video_stream.h"

#include "record/record__shots.h"
#include "source_help.h"
#include "support.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <sys/stat.h>

#define S INT64_C(1000000000)
#define WIDTH 32
#define HEIGHT 16

/* ---- folders ---- */

static const char *folder_of(const char *name)
{
    const char *path = temp_path(name);
    CHECK(mkdir(path, 0700) == 0);
    return path;
}

static void put_file(const char *folder, int i, const void *bytes, size_t n)
{
    char path[1000];
    (void)snprintf(path, sizeof path, "%s/%04d", folder, i);
    write_file(path, bytes, n);
}

static struct live *open_folder(const char *folder, const char *format)
{
    char settings[1200];
    (void)snprintf(settings, sizeof settings,
                   "{device: %s, format: %s, width: %d, height: %d, fps: 10}", folder, format,
                   WIDTH, HEIGHT);
    struct live *live = live_open("v4l2", settings, false);
    CHECK_EQ(live->st, ET_OK);
    return live;
}

/* Plays a folder to its end, waiting for what is coded beside. */
static void play(struct live *live)
{
    live_run_to(live, live->t_ns + 100 * S);
    while (live->st == ET_OK) {
        struct pollfd fd = {.fd = et_source_fd(live->source), .events = POLLIN};
        if (!CHECK(poll(&fd, 1, 20000) == 1))
            break;
        live_run_to(live, live->t_ns);
    }
    CHECK_EQ(live->st, ET_END);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_OVER);
}

/* The next sample's message, and the bytes of its `data`, in the arena. */
static struct et_str next_data(struct live *live)
{
    struct et_str data = {0};
    const struct et_value *v = live_next_of(live, 1);
    const struct et_value *text = at(v, "data");
    if (!CHECK(text != NULL))
        return data;
    char *bytes = et_arena_alloc(live->arena, text->as.string.n);
    CHECK(et_base64_get(text->as.string, bytes, &data.n));
    data.p = bytes;
    return data;
}

static void stores_jpeg_as_it_comes_at_the_rate(void)
{
    static uint8_t pixels[3 * WIDTH * HEIGHT];
    const struct et_image image = {WIDTH, HEIGHT, 3, 8, pixels};
    const char *folder = folder_of("mjpeg");
    struct et_buf jpeg = et_buf(1 << 20);
    CHECK_OK(et_image_encode_jpeg(&image, 90, &jpeg, &err));
    for (int i = 0; i < 4; i++) // of which one is none
        put_file(folder, i, i == 2 ? "garbage" : jpeg.p, i == 2 ? 7 : jpeg.n);
    struct live *live = open_folder(folder, "mjpeg");
    CHECK_STR(et_feed_stream(live->feed, 1)->topic, "/dev/image_raw/compressed");
    const int64_t began_ns = live->t_ns;
    live_poll(live);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_LIVE);
    CHECK_EQ(live->t_next_ns, began_ns + S / 10);
    CHECK_STR(text_at(live_next(live), "kind"), "device.found");
    const struct et_str data = next_data(live);
    CHECK(data.n == jpeg.n && memcmp(data.p, jpeg.p, jpeg.n) == 0);
    CHECK_STR(text_at(live->value, "format"), "jpeg");
    CHECK_STR(text_at(live->value, "header.frame_id"), "dev");
    CHECK_EQ(live->sample.t_arrival_ns, began_ns);
    live_run_to(live, began_ns + S);
    CHECK_EQ(live->st, ET_END);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_OVER);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_put, 3);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_lost, 1);
    live_close(live);
    et_buf_free(&jpeg);
}

static void stores_depth_without_loss(void)
{
    static uint16_t values[2][WIDTH * HEIGHT];
    const char *folder = folder_of("z16");
    struct rng rng = {2};
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < WIDTH * HEIGHT; i++)
            values[k][i] = (uint16_t)(i % 9 ? 700 + rng_next(&rng) % 40 : 0);
        put_file(folder, k, values[k], sizeof values[k]);
    }
    put_file(folder, 2, values[0], sizeof values[0] - 2); // too short
    struct live *live = open_folder(folder, "z16");
    CHECK_STR(et_feed_stream(live->feed, 1)->topic, "/dev/depth/image_raw/compressedDepth");
    play(live);
    for (int k = 0; k < 2; k++) {
        struct et_image image;
        const struct et_str data = next_data(live);
        CHECK_STR(text_at(live->value, "format"), "16UC1; compressedDepth rvl");
        CHECK_OK(
            et_rvl_picture((struct et_str){data.p + 12, data.n - 12}, live->arena, &image, &err));
        CHECK(image.width_px == WIDTH && image.height_px == HEIGHT);
        CHECK(memcmp(image.pixels, values[k], sizeof values[k]) == 0);
    }
    CHECK_EQ(et_feed_counts(live->feed, 1).n_lost, 1);
    live_close(live);
}

// ITU-R BT.601: two pixels, and what they are in RGB.
static const struct {
    unsigned char yuyv[4];
    int rgb[3];
} COLOURS[] = {{{82, 90, 82, 240}, {255, 0, 0}},
               {{145, 54, 145, 34}, {0, 255, 0}},
               {{235, 128, 235, 128}, {255, 255, 255}},
               {{16, 128, 16, 128}, {0, 0, 0}}};

static void check_colour(struct et_video_stream *stream, int k)
{
    static uint8_t rgb[3 * WIDTH * HEIGHT];
    struct et_frame frame;
    CHECK_OK(et_video_stream_find(stream, k, &frame, &err));
    CHECK_OK(et_video_stream_rgb(stream, WIDTH, HEIGHT, rgb, &err));
    for (int c = 0; c < 3; c++)
        CHECK_NEAR(rgb[3 * (WIDTH * HEIGHT / 2) + c], COLOURS[k].rgb[c], 12);
}

static void codes_plain_pictures(void)
{
    const char *folder = folder_of("yuyv");
    for (int k = 0; k < 4; k++) {
        unsigned char frame[2 * WIDTH * HEIGHT];
        for (size_t i = 0; i < sizeof frame; i++)
            frame[i] = COLOURS[k].yuyv[i % 4];
        put_file(folder, k, frame, sizeof frame);
    }
    struct live *live = open_folder(folder, "yuyv");
    struct et_video_stream *stream;
    CHECK_STR(et_feed_stream(live->feed, 1)->type, "foxglove_msgs/msg/CompressedVideo");
    play(live);
    CHECK_OK(et_video_stream_open(&stream, ET_UNIT_H264, &err));
    for (int k = 0; k < 4; k++) {
        CHECK_OK(et_video_stream_put(stream, next_data(live), k, &err));
        CHECK_STR(text_at(live->value, "format"), "h264");
        if (k > 0)
            check_colour(stream, k - 1);
    }
    CHECK_OK(et_video_stream_end(stream, &err));
    check_colour(stream, 3);
    et_video_stream_close(stream);
    live_close(live);
}

// More files than there is room for at a time, all due at once: they wait, and none is lost.
static void files_wait_until_there_is_room(void)
{
    enum { N = 40 };
    static unsigned char frame[2 * WIDTH * HEIGHT];
    const char *folder = folder_of("many");
    for (int k = 0; k < N; k++) {
        memset(frame, 16 + 5 * k, sizeof frame);
        put_file(folder, k, frame, sizeof frame);
    }
    struct live *live = open_folder(folder, "yuyv");
    live_poll(live);
    live->t_ns += 100 * S;
    play(live);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_put, N);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_lost, 0);
    live_close(live);
}

// A station that ends has what its camera gave.
static void what_is_under_way_in_the_end_is_put(void)
{
    static const unsigned char FRAME[2 * WIDTH * HEIGHT];
    const char *folder = folder_of("ends");
    for (int k = 0; k < 6; k++)
        put_file(folder, k, FRAME, sizeof FRAME);
    struct live *live = open_folder(folder, "z16");
    live_poll(live);
    live->t_ns += S;
    live_poll(live);
    et_source_close(live->source);
    live->source = NULL;
    CHECK_EQ(et_feed_counts(live->feed, 1).n_put, 6);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_lost, 0);
    live_close(live);
}

static void stores_h264_as_it_comes(void)
{
    static const char UNIT[] = {0, 0, 0, 1, 0x65, 1, 2, 3}, SHORT[] = {0, 0, 1, 0x65, 4};
    const char *folder = folder_of("h264");
    put_file(folder, 0, UNIT, sizeof UNIT);
    put_file(folder, 1, SHORT, sizeof SHORT);
    put_file(folder, 2, "not a unit", 10);
    struct live *live = open_folder(folder, "h264");
    live_run_to(live, live->t_ns + S);
    struct et_str data = next_data(live);
    CHECK(data.n == sizeof UNIT && memcmp(data.p, UNIT, sizeof UNIT) == 0);
    data = next_data(live);
    CHECK(data.n == sizeof SHORT && memcmp(data.p, SHORT, sizeof SHORT) == 0);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_lost, 1);
    live_close(live);
}

static void waits_for_a_camera(void)
{
    static const char *const TEXTS[] = {"it is not there", "it is no camera"};
    const char *path = temp_path("video0");
    for (int k = 0; k < 2; k++) {
        char settings[1000];
        (void)snprintf(settings, sizeof settings, "{device: %s}", path);
        struct live *live = live_open("v4l2", settings, false);
        live_poll(live);
        CHECK_EQ(live->st, ET_OK);
        CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
        CHECK_HAS(text_at(live_next(live), "text"), TEXTS[k]);
        CHECK_EQ(live->t_next_ns, live->t_ns + S);
        CHECK_EQ(et_source_fd(live->source), -1);
        live_close(live);
        write_file(path, "x", 1);
    }
    struct live *live = live_open("v4l2", "{device: x, format: yuyv, width: 33}", false);
    CHECK_EQ(live->st, ET_ECORRUPT);
    CHECK_HAS(err.text, "must be even");
    live_close(live);
    live = live_open("v4l2", "{device: x, format: bayer}", false);
    CHECK_EQ(live->st, ET_ECORRUPT);
    live_close(live);
}

/* ---- a camera of the kernel's, simulated by its calls ---- */

static struct {
    int n_calls, fails_at, fails_with; // the n-th call fails, 0: none
    uint32_t format;                   // that it has
    int n_open, n_mapped, n_queued;
    bool is_on, is_gone;
    struct v4l2_buffer shot; // that is ready, if bytesused is set
} fake;

static char fake_memory[ET__V4L2_BUFFERS][4096];

static bool fails(void)
{
    errno = fake.fails_with;
    return ++fake.n_calls == fake.fails_at;
}

static int fake_open(const char *path, int flags)
{
    (void)path, (void)flags;
    if (fails())
        return -1;
    fake.n_open++;
    return 1000;
}

static int fake_close(int fd)
{
    CHECK_EQ(fd, 1000);
    fake.n_open--;
    return 0;
}

static void *fake_mmap(size_t n, int fd, off_t offset)
{
    CHECK(n == sizeof fake_memory[0] && fd == 1000);
    if (fails())
        return NULL;
    fake.n_mapped++;
    return fake_memory[offset / (off_t)n];
}

static int fake_munmap(void *p, size_t n)
{
    CHECK(p && n == sizeof fake_memory[0]);
    fake.n_mapped--;
    return 0;
}

static int fake_dequeue(struct v4l2_buffer *buffer)
{
    errno = fake.is_gone ? ENODEV : EAGAIN;
    if (fake.is_gone || !fake.shot.bytesused)
        return -1;
    *buffer = fake.shot;
    fake.shot.bytesused = 0;
    fake.n_queued--;
    return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
    CHECK_EQ(fd, 1000);
    if (request == VIDIOC_STREAMOFF) {
        fake.is_on = false;
        return 0;
    }
    if (fails())
        return -1;
    switch (request) {
    case VIDIOC_QUERYCAP:
        ((struct v4l2_capability *)arg)->capabilities = V4L2_CAP_DEVICE_CAPS;
        ((struct v4l2_capability *)arg)->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    case VIDIOC_S_FMT: {
        struct v4l2_pix_format *pix = &((struct v4l2_format *)arg)->fmt.pix;
        pix->pixelformat = fake.format;
        pix->width = 30; // the nearest that it has
        pix->bytesperline = 0;
        return 0;
    }
    case VIDIOC_S_PARM:
        ((struct v4l2_streamparm *)arg)->parm.capture.timeperframe = (struct v4l2_fract){1, 25};
        return 0;
    case VIDIOC_REQBUFS:
        ((struct v4l2_requestbuffers *)arg)->count = 3;
        return 0;
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *buffer = arg;
        buffer->length = sizeof fake_memory[0];
        buffer->m.offset = buffer->index * (uint32_t)sizeof fake_memory[0];
        return 0;
    }
    case VIDIOC_QBUF:
        fake.n_queued++;
        return 0;
    case VIDIOC_STREAMON:
        fake.is_on = true;
        return 0;
    case VIDIOC_DQBUF:
        return fake_dequeue(arg);
    default:
        CHECK(false);
        return -1;
    }
}

static const struct et__v4l2_calls FAKE = {fake_open, fake_close, fake_ioctl, fake_mmap,
                                           fake_munmap};

static enum et_status open_fake(struct et__v4l2 *camera, struct et__shooting *shooting)
{
    *shooting = (struct et__shooting){ET__SHOT_MJPEG, WIDTH, HEIGHT, 30, 0};
    return et__v4l2_open(camera, "/dev/video0", shooting, &FAKE, &err);
}

static void takes_shots_of_the_kernel(void)
{
    struct et__v4l2 camera;
    struct et__shooting shooting;
    struct et__shot shot;
    memset(&fake, 0, sizeof fake);
    fake.format = V4L2_PIX_FMT_MJPEG;
    CHECK_OK(open_fake(&camera, &shooting));
    CHECK(shooting.width_px == 30 && shooting.height_px == HEIGHT && shooting.step_bytes == 60);
    CHECK_NEAR(shooting.fps, 25, 0);
    CHECK(fake.is_on && fake.n_mapped == 3 && fake.n_queued == 3);
    CHECK_EQ(et__v4l2_take(&camera, &shot, &err), ET_AGAIN);
    memcpy(fake_memory[2], "\xff\xd8\xff", 3);
    fake.shot = (struct v4l2_buffer){.index = 2,
                                     .bytesused = 100000, // more than there is
                                     .flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC,
                                     .timestamp = {5, 250000},
                                     .sequence = 7};
    CHECK_OK(et__v4l2_take(&camera, &shot, &err));
    CHECK(shot.bytes.n == sizeof fake_memory[0] && et_str_starts(shot.bytes, "\xff\xd8"));
    CHECK_EQ(shot.t_device_ns, 5250000000);
    CHECK(shot.sequence == 7 && !shot.is_damaged);
    et__v4l2_give_back(&camera);
    et__v4l2_give_back(&camera); // once is enough
    CHECK_EQ(fake.n_queued, 3);
    fake.shot = (struct v4l2_buffer){.bytesused = 1, .flags = V4L2_BUF_FLAG_ERROR};
    CHECK_OK(et__v4l2_take(&camera, &shot, &err));
    CHECK(shot.is_damaged && shot.t_device_ns == 0);
    et__v4l2_give_back(&camera);
    fake.shot = (struct v4l2_buffer){.bytesused = 1, .index = 3};
    CHECK_EQ(et__v4l2_take(&camera, &shot, &err), ET_EIO);
    fake.is_gone = true;
    CHECK_EQ(et__v4l2_take(&camera, &shot, &err), ET_EIO);
    et__v4l2_close(&camera);
    et__v4l2_close(&camera);
    CHECK(!fake.is_on && fake.n_open == 0 && fake.n_mapped == 0);
    memset(&fake, 0, sizeof fake);
    fake.format = V4L2_PIX_FMT_YUYV; // another one than is wanted
    CHECK_EQ(open_fake(&camera, &shooting), ET_EUNSUPPORTED);
    CHECK_EQ(fake.n_open, 0);
}

static void closes_a_camera_whatever_fails(void)
{
    static const int ERRORS[] = {EIO, EINTR, ENOENT};
    for (size_t e = 0; e < sizeof ERRORS / sizeof ERRORS[0]; e++)
        for (int at = 1; at < 16; at++) {
            struct et__v4l2 camera;
            struct et__shooting shooting;
            memset(&fake, 0, sizeof fake);
            fake.format = V4L2_PIX_FMT_MJPEG;
            fake.fails_at = at;
            fake.fails_with = ERRORS[e];
            const enum et_status st = open_fake(&camera, &shooting);
            if (st == ET_OK)
                et__v4l2_close(&camera);
            else
                CHECK(fake.n_calls >= at && err.text[0]);
            CHECK(fake.n_open == 0 && fake.n_mapped == 0 && !fake.is_on);
        }
}

int main(void)
{
    RUN(stores_jpeg_as_it_comes_at_the_rate);
    RUN(stores_depth_without_loss);
    RUN(codes_plain_pictures);
    RUN(files_wait_until_there_is_room);
    RUN(what_is_under_way_in_the_end_is_put);
    RUN(stores_h264_as_it_comes);
    RUN(waits_for_a_camera);
    RUN(takes_shots_of_the_kernel);
    RUN(closes_a_camera_whatever_fails);
    return tap_end();
}

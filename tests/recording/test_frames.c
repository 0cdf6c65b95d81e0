/* Pictures of a recording by number, decoded. */
#include "etude/frames.h"
#include "etude/rvl.h"

#include "made.h"
#include "support.h"
#include "tap.h"

static struct et_err err;
static const char *profile;

static const char *const RULES =
    "profile: 1\nmaker: M\nmodel: T\nparts:\n  left_arm:\n    unit: rad\n    joints:\n"
    "      - {name: a, lower: null, upper: null}\n"
    "cameras:\n  head: in the head\nrules:\n"
    "  - {stream: head.image, topic: /c, stamp: none}\n"
    "  - {stream: head.depth, topic: /d, stamp: none}\n"
    "  - {stream: left_arm.position, topic: /j, field: position, range: [0, 1]}\n";

static struct et_frames *open_range(const char *path, const char *stream, int64_t first,
                                    int64_t last)
{
    struct et_frames *frames = NULL;
    const struct et_frames_range range = {
        .path = path, .profile = profile, .stream = stream, .t_first_ns = first, .t_last_ns = last};
    err = (struct et_err){0};
    const enum et_status st = et_frames_open(&frames, &range, &err);
    CHECK((st == ET_OK) == (frames != NULL));
    return frames;
}

static void pictures_go_by_number_forward_and_back(void)
{
    const char *path = temp_path("png.mcap");
    static const int64_t ORDER[] = {0, 0, 3, 1, 5, 5, 0, 2};
    struct made m;
    struct et_image image;
    made_open(&m, path);
    const uint16_t c = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    for (int i = 0; i < 10; i++) {
        struct et_buf png = made_png(i);
        made_compressed(&m, c, SEC + i * MS, "png", (struct et_str){png.p, png.n});
        et_buf_free(&png);
    }
    made_finish(&m);
    struct et_frames *frames = open_range(path, "head.image", SEC + 2 * MS, SEC + 7 * MS);
    if (!CHECK(frames != NULL)) {
        printf("# %s\n", err.text);
        return;
    }
    CHECK_EQ(et_frames_image(frames, &image, &err), ET_EARG); // none is at hand yet
    for (size_t i = 0; i < sizeof ORDER / sizeof *ORDER; i++) {
        CHECK_OK(et_frames_go_to(frames, ORDER[i], &err));
        CHECK_OK(et_frames_image(frames, &image, &err));
        const uint8_t *p = image.pixels;
        CHECK(image.width_px == MADE_WIDTH && image.height_px == MADE_HEIGHT);
        CHECK(image.n_channels == 3 && image.n_bits == 8);
        CHECK(p[0] == 2 + ORDER[i] && p[3 + 1] == 10 && p[3 * MADE_WIDTH + 2] == 10);
    }
    // Behind the last: none is at hand, and those before are still there.
    CHECK_EQ(et_frames_go_to(frames, 6, &err), ET_ECORRUPT);
    CHECK_EQ(et_frames_image(frames, &image, &err), ET_EARG);
    CHECK_OK(et_frames_go_to(frames, 5, &err));
    CHECK_OK(et_frames_image(frames, &image, &err));
    CHECK_EQ(((const uint8_t *)image.pixels)[0], 7);
    et_frames_close(frames);
    et_frames_close(NULL);
}

/* Pictures of an episode, by the times of their arrival: in any order, two at once, others of the
 * recording between them. */
static void pictures_may_be_chosen_by_their_times(void)
{
    const char *path = temp_path("times.mcap");
    static const int64_t ARRIVAL[] = {SEC + 3 * MS, SEC + MS,     SEC + 5 * MS, SEC + 5 * MS,
                                      SEC + 4 * MS, SEC + 8 * MS, SEC + 9 * MS};
    static const int WANTED[] = {3, 1, 5, 6, 4, 9, -1};
    struct made m;
    struct et_image image;
    struct et_frames *frames = NULL;
    made_open(&m, path);
    const uint16_t c = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    for (int i = 0; i < 10; i++) {
        struct et_buf png = made_png(i);
        made_compressed(&m, c, SEC + (i > 5 ? i - 1 : i) * MS, "png", et_buf_str(&png));
        et_buf_free(&png);
    }
    made_finish(&m);
    const struct et_frames_range range = {.path = path,
                                          .profile = profile,
                                          .stream = "head.image",
                                          .t_arrival_ns = ARRIVAL,
                                          .t_device_ns = ARRIVAL, // which the messages have not
                                          .n_frames = 7};
    CHECK_OK(et_frames_open(&frames, &range, &err));
    for (int turn = 0; frames && turn < 2; turn++)
        for (int i = turn ? 6 : 0; i >= 0 && i < 7; i += turn ? -1 : 1) {
            if (WANTED[i] < 0) {
                CHECK_EQ(et_frames_go_to(frames, i, &err), ET_ECORRUPT);
                continue;
            }
            CHECK_OK(et_frames_go_to(frames, i, &err));
            CHECK_OK(et_frames_go_to(frames, i, &err));
            CHECK_OK(et_frames_image(frames, &image, &err));
            CHECK_EQ(((const uint8_t *)image.pixels)[0], WANTED[i]);
        }
    CHECK(frames && et_frames_go_to(frames, 7, &err) == ET_ECORRUPT);
    et_frames_close(frames);
}

static void says_what_there_is_not(void)
{
    const char *path = temp_path("png.mcap");
    CHECK(open_range(path, "head.depth", 0, INT64_MAX) == NULL);
    CHECK_EQ(err.status, ET_EARG);
    CHECK_HAS(err.text, "head.depth");
    CHECK(open_range(path, "left_arm.position", 0, INT64_MAX) == NULL);
    CHECK_EQ(err.status, ET_EARG);
    CHECK(open_range(temp_path("none.mcap"), "head.image", 0, INT64_MAX) == NULL);
    CHECK_EQ(err.status, ET_ENOTFOUND);
    struct et_frames *frames = open_range(path, "head.image", 50 * SEC, INT64_MAX);
    CHECK(frames && et_frames_go_to(frames, 0, &err) == ET_ECORRUPT);
    et_frames_close(frames);
}

static void every_kind_of_pixels_becomes_rgb(void)
{
    static const struct {
        const char *pixels;
        int n_bytes; // a pixel; 0: not read
        uint8_t rgb[3];
    } CASES[] = {{"rgb8", 3, {1, 2, 3}},  {"bgr8", 3, {3, 2, 1}},  {"8UC3", 3, {3, 2, 1}},
                 {"rgba8", 4, {1, 2, 3}}, {"bgra8", 4, {3, 2, 1}}, {"mono8", 1, {1, 1, 1}},
                 {"8UC1", 1, {1, 1, 1}},  {"yuv422", 2, {0}},      {"32SC1", 4, {0}}};
    const char *path = temp_path("raw.mcap");
    struct made m;
    struct et_image image;
    uint8_t pixels[2][16] = {{0}};
    made_open(&m, path);
    const uint16_t c = made_channel(&m, "/c", "sensor_msgs/msg/Image");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        uint8_t *pixel = &pixels[1][CASES[i].n_bytes * 2]; // (2, 1)
        for (int k = 0; k < 4 && k < CASES[i].n_bytes; k++)
            pixel[k] = (uint8_t)(k + 1);
        made_raw(&m, c, SEC + (int64_t)i * MS, &(struct et_image){3, 2, 3, 8, pixels},
                 CASES[i].pixels, 16);
        memset(pixels, 0, sizeof pixels);
    }
    made_raw(&m, c, 2 * SEC, &(struct et_image){3, 2, 3, 8, pixels}, "rgb8", 8); // rows too short
    pixels[1][4] = 0x34;
    pixels[1][5] = 0x12;
    made_raw(&m, c, 3 * SEC, &(struct et_image){3, 2, 1, 16, pixels}, "16UC1", 16);
    made_finish(&m);
    struct et_frames *frames = open_range(path, "head.image", 0, INT64_MAX);
    if (!CHECK(frames != NULL))
        return;
    const int64_t n = sizeof CASES / sizeof *CASES;
    for (int64_t i = 0; i < n; i++) {
        CHECK_OK(et_frames_go_to(frames, i, &err));
        const enum et_status st = et_frames_image(frames, &image, &err);
        if (i >= n - 2) {
            CHECK_EQ(st, ET_EUNSUPPORTED);
            CHECK_HAS(err.text, CASES[i].pixels);
            continue;
        }
        CHECK_EQ(st, ET_OK);
        CHECK(image.width_px == 3 && image.height_px == 2 && image.n_channels == 3);
        CHECK(memcmp((const uint8_t *)image.pixels + 3 * 5, CASES[i].rgb, 3) == 0);
        CHECK(((const uint8_t *)image.pixels)[0] == 0);
    }
    CHECK_OK(et_frames_go_to(frames, n, &err));
    CHECK_EQ(et_frames_image(frames, &image, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, n);
    CHECK_OK(et_frames_go_to(frames, n + 1, &err));
    CHECK_OK(et_frames_image(frames, &image, &err));
    CHECK(image.n_bits == 16 && image.n_channels == 1);
    CHECK_EQ(((const uint16_t *)image.pixels)[5], 0x1234);
    et_frames_close(frames);
}

static struct et_buf depth_in_rvl(void)
{
    static const unsigned char HEADERS[20] = {[12] = MADE_WIDTH, [16] = MADE_HEIGHT};
    uint16_t values[MADE_WIDTH * MADE_HEIGHT] = {0};
    struct et_buf buf = et_buf(4096);
    for (uint16_t i = 1; i < MADE_WIDTH * MADE_HEIGHT; i++)
        values[i] = (uint16_t)(1000 + i);
    et_buf_put(&buf, HEADERS, sizeof HEADERS);
    et_rvl_put(&buf, values, MADE_WIDTH * MADE_HEIGHT);
    return buf;
}

static void depth_is_in_millimetres(void)
{
    const char *path = temp_path("depth.mcap");
    struct made m;
    struct et_image image;
    // Plain; a header full of anything before 16UC1; inverse depth: 2 / (value − 1) metres.
    struct et_buf plain = made_depth(1000, 0, 0), dirty = made_depth(1000, 7, 3);
    struct et_buf inverse = made_depth(0, 2, 1);
    made_open(&m, path);
    const uint16_t d = made_channel(&m, "/d", "sensor_msgs/msg/CompressedImage");
    made_compressed(&m, d, SEC, "16UC1; compressedDepth png", (struct et_str){plain.p, plain.n});
    made_compressed(&m, d, 2 * SEC, "16UC1; compressedDepth", (struct et_str){dirty.p, dirty.n});
    made_compressed(&m, d, 3 * SEC, "32FC1; compressedDepth",
                    (struct et_str){inverse.p, inverse.n});
    made_compressed(&m, d, 4 * SEC, "compressedDepth", (struct et_str){plain.p, 12});
    made_compressed(&m, d, 5 * SEC, "compressedDepth", (struct et_str){plain.p, plain.n - 30});
    made_compressed(&m, d, 6 * SEC, "png", (struct et_str){plain.p + 12, plain.n - 12});
    struct et_buf rvl = depth_in_rvl();
    made_compressed(&m, d, 7 * SEC, "16UC1; compressedDepth rvl", et_buf_str(&rvl));
    made_compressed(&m, d, 8 * SEC, "16UC1; compressedDepth rvl", (struct et_str){rvl.p, 24});
    et_buf_free(&rvl);
    made_finish(&m);
    et_buf_free(&plain);
    et_buf_free(&dirty);
    et_buf_free(&inverse);
    struct et_frames *frames = open_range(path, "head.depth", 0, INT64_MAX);
    if (!CHECK(frames != NULL))
        return;
    for (int64_t k = 0; k < 8; k++) {
        CHECK_OK(et_frames_go_to(frames, k, &err));
        const enum et_status st = et_frames_image(frames, &image, &err);
        const uint16_t *p = image.pixels;
        if (k == 3 || k == 4 || k == 7) {
            CHECK_EQ(st, ET_ECORRUPT);
            continue;
        }
        CHECK_EQ(st, ET_OK);
        CHECK(image.n_bits == 16 && image.n_channels == 1 && p[0] == 0);
        const struct et_str png = et_frames_png(frames);
        CHECK(k == 2 || k == 6 ? png.n == 0 : et_str_starts(png, "\x89PNG"));
        if (k == 2)
            CHECK(p[1] == 0 && p[2] == 2000 && p[3] == 1000 && p[11] == 200);
        else
            CHECK(p[1] == 1001 && p[47] == 1047);
    }
    et_frames_close(frames);
}

static void metres_are_rounded_and_what_is_beyond_is_counted(void)
{
    const char *path = temp_path("metres.mcap");
    float metres[2][3] = {{(float)NAN, (float)INFINITY, -2}, {65.5354f, 65.536f, 1.2346f}};
    struct made m;
    struct et_image image;
    made_open(&m, path);
    const uint16_t d = made_channel(&m, "/d", "sensor_msgs/msg/Image");
    made_raw(&m, d, SEC, &(struct et_image){3, 2, 1, 32, metres}, "32FC1", 12);
    made_finish(&m);
    struct et_frames *frames = open_range(path, "head.depth", 0, INT64_MAX);
    if (!CHECK(frames != NULL))
        return;
    CHECK_OK(et_frames_go_to(frames, 0, &err));
    CHECK_OK(et_frames_image(frames, &image, &err));
    CHECK(image.n_bits == 16 && image.n_channels == 1 && image.width_px == 3);
    static const uint16_t WANTED[] = {0, 0, 0, 65535, 0, 1235};
    CHECK(memcmp(image.pixels, WANTED, sizeof WANTED) == 0);
    CHECK_EQ(et_frames_n_beyond(frames), 1);
    et_frames_close(frames);
}

static void a_damaged_picture_is_an_error_and_the_next_is_not(void)
{
    const char *path = temp_path("damaged.mcap");
    struct made m;
    struct et_image image;
    struct et_buf jpeg = made_jpeg(120), png = made_png(9), grey = et_buf(1 << 16);
    static uint8_t flat[4] = {7, 8, 9, 10};
    static uint16_t deep[12] = {1, 2, 3};
    struct et_buf colour16 = et_buf(1 << 16);
    CHECK_OK(et_image_encode_png(&(struct et_image){2, 2, 1, 8, flat}, 1, &grey, &err));
    CHECK_OK(et_image_encode_png(&(struct et_image){2, 2, 3, 16, deep}, 1, &colour16, &err));
    made_open(&m, path);
    const uint16_t c = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    made_compressed(&m, c, SEC, "jpeg", (struct et_str){jpeg.p, jpeg.n / 2});
    made_compressed(&m, c, 2 * SEC, "jpeg", (struct et_str){jpeg.p, jpeg.n});
    made_compressed(&m, c, 3 * SEC, "png", (struct et_str){png.p, png.n / 2});
    made_compressed(&m, c, 4 * SEC, "png", (struct et_str){grey.p, grey.n});
    made_compressed(&m, c, 5 * SEC, "h264", (struct et_str){"\0\0\0\1x", 5});
    made_compressed(&m, c, 6 * SEC, "png", (struct et_str){colour16.p, colour16.n});
    made_finish(&m);
    et_buf_free(&jpeg);
    et_buf_free(&png);
    et_buf_free(&grey);
    et_buf_free(&colour16);
    static const enum et_status WANTED[] = {ET_ECORRUPT, ET_OK,       ET_ECORRUPT,
                                            ET_OK,       ET_ECORRUPT, ET_EUNSUPPORTED};
    struct et_frames *frames = open_range(path, "head.image", 0, INT64_MAX);
    for (int64_t k = 0; frames && k < 6; k++) {
        CHECK_OK(et_frames_go_to(frames, k, &err));
        CHECK_EQ(et_frames_image(frames, &image, &err), WANTED[k]);
        const uint8_t *p = image.pixels;
        if (k == 1)
            CHECK(p[0] > 115 && p[0] < 125 && p[100] > 115);
        if (k == 3)
            CHECK(image.n_channels == 3 && p[3] == 8 && p[4] == 8 && p[5] == 8);
    }
    CHECK(frames != NULL);
    et_frames_close(frames);
}

int main(void)
{
    profile = made_file("robot.yaml", RULES);
    RUN(pictures_go_by_number_forward_and_back);
    RUN(pictures_may_be_chosen_by_their_times);
    RUN(says_what_there_is_not);
    RUN(every_kind_of_pixels_becomes_rgb);
    RUN(depth_is_in_millimetres);
    RUN(metres_are_rounded_and_what_is_beyond_is_counted);
    RUN(a_damaged_picture_is_an_error_and_the_next_is_not);
    return tap_end();
}

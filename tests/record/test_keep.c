// What every file begins with again: latched samples, films from their last key frame on.
#include "etude/cdr.h"
#include "record/record__keep.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;
static size_t n_all;

static const struct et_feed_stream LATCHED = {.topic = "/map",
                                              .type = "nav_msgs/msg/OccupancyGrid",
                                              .message_encoding = "cdr",
                                              .qos = "- history: 1\n  durability: 1\n  depth: 1\n"};
static const struct et_feed_stream FILM = {
    .topic = "/video", .type = "foxglove_msgs/msg/CompressedVideo", .message_encoding = "cdr"};

static void put(struct et__keep *keep, const struct et_feed_stream *stream, struct et_str bytes,
                int64_t t_ns)
{
    et__keep_put(keep, stream,
                 &(struct et_feed_sample){
                     .t_arrival_ns = t_ns, .n_bytes = (uint32_t)bytes.n, .bytes = bytes.p},
                 &n_all);
}

static void latched_is_what_says_so_and_what_everybody_knows(void)
{
    static const struct {
        const char *topic, *qos;
        bool is_latched;
    } CASES[] = {{"/map", "- durability: 1\n  depth: 3", true},
                 {"/map", "- durability: 1", true},
                 {"/map", "- durability: transient_local\n", true},
                 {"/map", "- durability: 2\n- durability: 1\n", true}, // two writers
                 {"/map", "- durability: 2\n  depth: 1\n", false},
                 {"/map", "- durability: 12\n", false},
                 {"/map", NULL, false},
                 {"/tf_static", NULL, true},
                 {"/left/tf_static", NULL, true},
                 {"/robot_description", "", true},
                 {"/tf", NULL, false}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_feed_stream s = {.topic = CASES[i].topic, .qos = CASES[i].qos};
        CHECK_EQ(et__is_latched(&s), CASES[i].is_latched);
    }
}

static void of_a_latched_stream_the_last_that_differ_are_kept(void)
{
    struct et__keep keep = {0};
    char text[32];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof text, "state %d", i);
        put(&keep, &LATCHED, et_str(text), i);
    }
    CHECK_EQ(keep.n, ET__LATCHED_MAX);
    CHECK_EQ(keep.oldest->t_arrival_ns, 100 - ET__LATCHED_MAX);
    put(&keep, &LATCHED, ET_STR("state 80"), 200); // again: it is now the last
    CHECK_EQ(keep.n, ET__LATCHED_MAX);
    CHECK_EQ(keep.newest->t_arrival_ns, 200);
    put(&keep, &LATCHED, ET_STR("state 80"), 201);
    put(&keep, &LATCHED, ET_STR("state 99"), 202);
    CHECK_EQ(keep.newest->t_arrival_ns, 202);
    CHECK_EQ(keep.n, ET__LATCHED_MAX);
    et__keep_close(&keep, &n_all);
    CHECK_EQ(n_all, 0);
}

static void latched_samples_are_bounded_by_bytes(void)
{
    struct et__keep keep = {0};
    const size_t n = ET__LATCHED_BYTES_MAX / 2;
    char *bytes = calloc(1, ET__LATCHED_BYTES_MAX + 1);
    for (int i = 0; i < 4; i++) {
        bytes[0] = (char)i;
        put(&keep, &LATCHED, (struct et_str){bytes, n}, i);
    }
    CHECK_EQ(keep.n, 2);
    put(&keep, &LATCHED, (struct et_str){bytes, ET__LATCHED_BYTES_MAX + 1}, 9);
    CHECK_EQ(keep.n, 2);
    size_t full = ET__KEEP_BYTES_MAX - 1;
    struct et__keep other = {0};
    et__keep_put(&other, &LATCHED, &(struct et_feed_sample){.n_bytes = 2, .bytes = bytes}, &full);
    CHECK_EQ(other.n, 0);
    et__keep_close(&keep, &n_all);
    CHECK_EQ(n_all, 0);
    free(bytes);
}

/* ---- films ---- */

#define W 64
#define H 48
#define GOP 10
#define N_FRAMES 35

static struct et_str units[N_FRAMES];

static void make_units(void)
{
    struct et_video_coder *coder;
    static uint8_t rgb[W * H * 3];
    const struct et_video_coder_options how = {
        .width_px = W, .height_px = H, .fps = 30, .gop = GOP};
    CHECK_OK(et_video_coder_open(&coder, &how, &err));
    for (int i = 0; i < N_FRAMES; i++) {
        struct et_str unit;
        for (size_t k = 0; k < sizeof rgb; k++)
            rgb[k] = (uint8_t)(k * 3 + (size_t)i * 7);
        CHECK_OK(et_video_coder_put(coder, rgb, &unit, &err));
        char *copy = malloc(unit.n);
        memcpy(copy, unit.p, unit.n);
        units[i] = (struct et_str){copy, unit.n};
    }
    et_video_coder_close(coder);
}

static struct et_str video_of(struct et_buf *buf, struct et_str unit)
{
    et_buf_clear(buf);
    struct et_cdr w = et_cdr_begin(buf);
    et_cdr_time(&w, 0);
    et_cdr_text(&w, ET_STR("head"));
    et_cdr_bytes(&w, unit.p, unit.n);
    et_cdr_text(&w, ET_STR("h264"));
    return et_buf_str(buf);
}

static void a_film_is_kept_from_its_last_key_frame_on(void)
{
    struct et__keep keep = {0};
    struct et_buf buf = et_buf(1 << 20);
    for (int i = 3; i < N_FRAMES; i++) { // it is joined in the middle
        put(&keep, &FILM, video_of(&buf, units[i]), i);
        CHECK_EQ(keep.n, i < GOP ? 0 : i % GOP + 1);
        CHECK(i < GOP || keep.oldest->t_arrival_ns == i / GOP * GOP);
    }
    CHECK_EQ(keep.how, ET__KEEP_FILM);
    // A key frame that is too far back is of no use.
    put(&keep, &FILM, video_of(&buf, units[N_FRAMES - 1]), 31 + ET__FILM_NS_MAX);
    CHECK_EQ(keep.n, 0);
    put(&keep, &FILM, ET_STR("no message"), 1);
    CHECK_EQ(keep.n, 0);
    et__keep_close(&keep, &n_all);
    CHECK_EQ(n_all, 0);
    et_buf_free(&buf);
}

// Where parameters end in an access unit: its first slice is the next NAL unit of types 1 and 5.
static size_t slice_at(struct et_str unit)
{
    for (size_t i = 0; i + 3 < unit.n; i++)
        if (memcmp(unit.p + i, "\0\0\1", 3) == 0 && (unit.p[i + 3] & 0x1f) == 5)
            return i;
    return 0;
}

static void parameters_that_come_alone_stay_with_their_film(void)
{
    struct et__keep keep = {0};
    struct et_buf buf = et_buf(1 << 20);
    const size_t at = slice_at(units[0]);
    CHECK(at > 0);
    put(&keep, &FILM, video_of(&buf, (struct et_str){units[0].p, at}), 0);
    CHECK_EQ(keep.n, 1);
    for (int i = 0; i < N_FRAMES; i++) {
        const bool is_key = i % GOP == 0;
        const struct et_str unit = is_key ? (struct et_str){units[i].p + slice_at(units[i]),
                                                            units[i].n - slice_at(units[i])}
                                          : units[i];
        put(&keep, &FILM, video_of(&buf, unit), i + 1);
        CHECK_EQ(keep.n, i % GOP + 2);
        CHECK(keep.oldest->is_parameters && keep.oldest->t_arrival_ns == 0);
    }
    et__keep_close(&keep, &n_all);
    et_buf_free(&buf);
}

static void put_proto(struct et_buf *buf, unsigned field, struct et_str bytes)
{
    et_buf_putc(buf, (char)(field << 3 | 2));
    for (size_t n = bytes.n;; n >>= 7) {
        et_buf_putc(buf, (char)((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
        if (n <= 0x7f)
            break;
    }
    et_buf_putstr(buf, bytes);
}

static struct et_str message_of(struct et_buf *buf, int kind, struct et_str unit)
{
    if (kind == 0)
        return video_of(buf, unit);
    et_buf_clear(buf);
    if (kind == 1) {
        put_proto(buf, 1, ET_STR("\x08\x01"));
        et_buf_puts(buf, "\x28\x05\x31"
                         "12345678"
                         "\x3d"
                         "1234"); // fields that nobody knows
        put_proto(buf, 4, ET_STR("h265"));
        put_proto(buf, 3, unit);
        return et_buf_str(buf);
    }
    struct et_cdr w = et_cdr_begin(buf);
    et_cdr_time(&w, 0);
    et_cdr_text(&w, ET_STR("left eye"));
    if (kind == 3) {
        et_cdr_i32(&w, W);
        et_cdr_i32(&w, H);
    }
    et_cdr_text(&w, kind == 2 ? ET_STR("vp9") : ET_STR("libsvtav1"));
    if (kind == 3) {
        et_cdr_u64(&w, 7);
        et_cdr_u8(&w, 1);
        et_cdr_u8(&w, 0);
    }
    et_cdr_bytes(&w, unit.p, unit.n);
    return et_buf_str(buf);
}

static void units_are_found_in_messages_of_four_kinds(void)
{
    static const struct {
        const char *type, *encoding;
        enum et_unit_codec codec;
    } KINDS[] = {{"foxglove_msgs/msg/CompressedVideo", "cdr", ET_UNIT_H264},
                 {"foxglove.CompressedVideo", "protobuf", ET_UNIT_H265},
                 {"sensor_msgs/msg/CompressedImage", "cdr", ET_UNIT_VP9},
                 {"ffmpeg_image_transport_msgs/msg/FFMPEGPacket", "cdr", ET_UNIT_AV1}};
    struct et_buf buf = et_buf(1 << 20);
    for (int i = 0; i < 4; i++) {
        const struct et_feed_stream s = {
            .topic = "/v", .type = KINDS[i].type, .message_encoding = KINDS[i].encoding};
        const struct et_str want = ET_STR("a unit, longer than a varint of one byte can say: "
                                          "0123456789 0123456789 0123456789 0123456789 0123456789 "
                                          "0123456789 0123456789"),
                            message = message_of(&buf, i, want);
        struct et_str unit;
        enum et_unit_codec codec = ET_UNIT_H264;
        CHECK(et__film_unit(&s, message, &codec, &unit));
        CHECK(et_str_eq(unit, want));
        CHECK_EQ(codec, KINDS[i].codec);
        for (size_t n = 0; n < message.n; n++) { // cut anywhere, and in memory of its own
            char *cut = malloc(n ? n : 1);
            memcpy(cut, message.p, n);
            if (et__film_unit(&s, (struct et_str){cut, n}, &codec, &unit))
                CHECK(unit.p >= cut && unit.p + unit.n <= cut + n);
            free(cut);
        }
    }
    const struct et_feed_stream jpeg = {
        .topic = "/v", .type = "sensor_msgs/msg/CompressedImage", .message_encoding = "json"};
    struct et_str unit;
    enum et_unit_codec codec;
    CHECK(!et__film_unit(&jpeg, ET_STR("{}"), &codec, &unit));
    et_buf_free(&buf);
}

int main(void)
{
    make_units();
    RUN(latched_is_what_says_so_and_what_everybody_knows);
    RUN(of_a_latched_stream_the_last_that_differ_are_kept);
    RUN(latched_samples_are_bounded_by_bytes);
    RUN(a_film_is_kept_from_its_last_key_frame_on);
    RUN(parameters_that_come_alone_stay_with_their_film);
    RUN(units_are_found_in_messages_of_four_kinds);
    for (int i = 0; i < N_FRAMES; i++)
        free((char *)(uintptr_t)units[i].p);
    return tap_end();
}

/* Cameras that send videos: each message's picture is its own, whatever is asked for first and
 * whatever is lost. */
#include "etude/frames.h"

#include "support.h"
#include "tap.h"
#include "video_made.h"

static struct et_err err;
static const char *profile;

static const char *const RULES =
    "profile: 1\nmaker: M\nmodel: T\nparts:\n  left_arm:\n    unit: rad\n    joints:\n"
    "      - {name: a, lower: null, upper: null}\n"
    "cameras:\n  head: in the head\nrules:\n"
    "  - {stream: head.image, topic: /c}\n";

enum { N = 60, GOP = 12 };
#define PERIOD (SEC / 30)

// clang-format off
static const struct kind {
    const char *name;
    const char *format, *encoder; // as messages say
    struct foreign what;
} KINDS[] = {
    {"H.264",      "h264", "h264_nvenc", {.encoder = "libx264", .n = N, .gop = GOP}},
    {"H.264, B",   "h264", "libx264;yuv", {.encoder = "libx264", .n = N, .gop = GOP, .b_frames = 3,
                                      .params = "b-pyramid=normal:b-adapt=0"}},
    {"H.265, CRA", "h265", "hevc", {.encoder = "libx265", .n = N, .gop = GOP, .b_frames = 3,
                                    .params = "open-gop=1:b-adapt=0:bframes=3"}},
    {"VP9",        "vp9",  "libvpx-vp9", {.encoder = "libvpx-vp9", .n = N, .gop = GOP}},
    {"AV1",        "av1",  "libsvtav1", {.encoder = "libsvtav1", .n = N, .gop = GOP}},
};
// clang-format on
enum { N_KINDS = sizeof KINDS / sizeof *KINDS };

static struct units units[N_KINDS];

/* Arrives in the order of decoding; the stamp is of the time that the picture was taken. */
static int64_t arrival_of(int i)
{
    return 10 * SEC + i * PERIOD;
}

static int64_t stamp_of(int k, int i)
{
    return 5 * SEC + units[k].numbers[i] * PERIOD;
}

/* A recording without messages first_lost … first_lost + n_lost − 1. */
static const char *make(int k, enum video_form form, int first_lost, int n_lost)
{
    const char *path = temp_path("video.mcap");
    const char *format = form == FORM_PACKET ? KINDS[k].encoder : KINDS[k].format;
    struct made m;
    made_open(&m, path);
    const uint16_t c = made_video_channel(&m, "/c", form);
    m.sequence = 1;
    for (int i = 0; i < units[k].n; i++) {
        const bool is_lost = i >= first_lost && i < first_lost + n_lost;
        m.sequence += is_lost;
        if (!is_lost)
            made_video(&m, c, form, arrival_of(i), stamp_of(k, i), format, units[k].bytes[i]);
    }
    made_finish(&m);
    return path;
}

static struct et_frames *open_range(const char *path, int64_t first_ns, int64_t last_ns)
{
    struct et_frames *frames = NULL;
    const struct et_frames_range range = {.path = path,
                                          .profile = profile,
                                          .stream = "head.image",
                                          .t_first_ns = first_ns,
                                          .t_last_ns = last_ns};
    err = (struct et_err){0};
    CHECK_OK(et_frames_open(&frames, &range, &err));
    return frames;
}

/* The number of picture i; −1: it has none. */
static int number_at(struct et_frames *frames, int64_t i)
{
    struct et_image image;
    err = (struct et_err){0};
    if (et_frames_go_to(frames, i, &err) != ET_OK || et_frames_image(frames, &image, &err) != ET_OK)
        return -1;
    return image.width_px == BAR_W && image.height_px == BAR_H && image.n_channels == 3
               ? image_number(&image)
               : -2;
}

static void every_form_of_message_is_read(void)
{
    for (int k = 0; k < N_KINDS; k++)
        for (int form = 0; form < N_FORMS; form++) {
            struct et_frames *frames =
                open_range(make(k, (enum video_form)form, 0, 0), 0, INT64_MAX);
            int n_wrong = 0;
            for (int i = 0; frames && i < N; i++)
                n_wrong += number_at(frames, i) != units[k].numbers[i];
            if (!CHECK(frames && n_wrong == 0))
                printf("# %s in form %d: %d, %s\n", KINDS[k].name, form, n_wrong, err.text);
            CHECK(frames && number_at(frames, N) == -1);
            et_frames_close(frames);
        }
}

static void pictures_are_found_in_any_order(void)
{
    static const int ORDER[] = {59, 0, 0, 30, 29, 31, 12, 11, 13, 14, 59, 58, 57, 3, 25, 47, 1, 2};
    for (int k = 0; k < N_KINDS; k++) {
        struct et_frames *frames = open_range(make(k, FORM_ROS2, 0, 0), 0, INT64_MAX);
        for (size_t i = 0; frames && i < sizeof ORDER / sizeof *ORDER; i++)
            if (!CHECK(number_at(frames, ORDER[i]) == units[k].numbers[ORDER[i]]))
                printf("# %s, picture %d: %s\n", KINDS[k].name, ORDER[i], err.text);
        et_frames_close(frames);
    }
}

static void a_range_may_begin_between_key_frames(void)
{
    for (int k = 0; k < N_KINDS; k++)
        for (int first = 1; first < N; first += 5) {
            struct et_frames *frames =
                open_range(make(k, FORM_PROTOBUF, 0, 0), arrival_of(first), arrival_of(first + 20));
            int n_wrong = 0;
            const int n = first + 20 < N ? 21 : N - first;
            for (int i = 0; frames && i < n; i++)
                n_wrong += number_at(frames, i) != units[k].numbers[first + i];
            if (!CHECK(frames && n_wrong == 0))
                printf("# %s from %d: %d wrong, %s\n", KINDS[k].name, first, n_wrong, err.text);
            CHECK(frames && number_at(frames, n) == -1);
            et_frames_close(frames);
        }
}

/* An episode lists pictures by the time they were taken, which is not that of their arrival. */
static void pictures_are_told_by_their_times(void)
{
    for (int k = 0; k < N_KINDS; k++) {
        int64_t arrival[30], stamp[30];
        struct et_frames *frames = NULL;
        const char *path = make(k, FORM_ROS2, 0, 0);
        for (int shown = 15; shown < 45; shown++)
            for (int i = 0; i < N; i++)
                if (units[k].numbers[i] == shown) {
                    arrival[shown - 15] = arrival_of(i);
                    stamp[shown - 15] = stamp_of(k, i);
                }
        const struct et_frames_range range = {.path = path,
                                              .profile = profile,
                                              .stream = "head.image",
                                              .t_arrival_ns = arrival,
                                              .t_device_ns = stamp,
                                              .n_frames = 30};
        CHECK_OK(et_frames_open(&frames, &range, &err));
        int n_wrong = 0;
        for (int i = 0; frames && i < 30; i++)
            n_wrong += number_at(frames, i) != 15 + i;
        for (int i = 29; frames && i >= 0; i -= 7)
            n_wrong += number_at(frames, i) != 15 + i;
        if (!CHECK(frames && n_wrong == 0))
            printf("# %s: %d wrong, %s\n", KINDS[k].name, n_wrong, err.text);
        CHECK(frames && number_at(frames, 30) == -1);
        et_frames_close(frames);
    }
}

static void after_a_loss_pictures_begin_again_at_a_key_frame(void)
{
    for (int k = 0; k < N_KINDS; k++)
        for (int lost = 1; lost < 30; lost += 3) {
            struct et_frames *frames = open_range(make(k, FORM_ROS2, lost, 2), 0, INT64_MAX);
            int n_wrong = 0, n_given = 0, n_silent = 0;
            for (int i = 0; frames && i < N - 2; i++) {
                const int number = number_at(frames, i);
                n_given += number >= 0;
                n_wrong += number >= 0 && number != units[k].numbers[i < lost ? i : i + 2];
                n_silent += number < 0 && !strstr(err.text, "key frame");
            }
            if (!CHECK(frames && n_wrong == 0 && n_silent == 0 && n_given >= N - 2 * GOP - 2))
                printf("# %s without %d: %d wrong, %d given, %d silent\n", KINDS[k].name, lost,
                       n_wrong, n_given, n_silent);
            et_frames_close(frames);
        }
}

static void what_is_before_the_first_key_frame_is_told(void)
{
    for (int k = 0; k < N_KINDS; k++) {
        struct et_frames *frames = open_range(make(k, FORM_ROS2, 0, 5), 0, INT64_MAX);
        CHECK(frames && number_at(frames, 0) == -1);
        CHECK_HAS(err.text, "no key frame before it");
        CHECK(frames && number_at(frames, 3) == -1);
        int n_wrong = 0;
        for (int i = 2 * GOP; frames && i < N - 5; i++)
            n_wrong += number_at(frames, i) != units[k].numbers[i + 5];
        CHECK_EQ(n_wrong, 0);
        et_frames_close(frames);
    }
}

/* Bytes of one message are flipped: no wrong picture at another's place, and all of the other
 * groups. */
static void damage_stays_within_its_group(void)
{
    for (int k = 0; k < N_KINDS; k++) {
        const char *path = temp_path("damaged.mcap");
        struct made m;
        const int at = GOP + 3;
        static char bytes[1 << 16];
        const struct et_str unit = units[k].bytes[at];
        memcpy(bytes, unit.p, unit.n);
        for (size_t i = unit.n / 3; i < unit.n; i += 3)
            bytes[i] = (char)(bytes[i] ^ 0x5A);
        made_open(&m, path);
        const uint16_t c = made_video_channel(&m, "/c", FORM_ROS2);
        for (int i = 0; i < N; i++)
            made_video(&m, c, FORM_ROS2, arrival_of(i), stamp_of(k, i), KINDS[k].format,
                       i == at ? (struct et_str){bytes, unit.n} : units[k].bytes[i]);
        made_finish(&m);
        struct et_frames *frames = open_range(path, 0, INT64_MAX);
        int n_missing = 0;
        for (int i = 0; frames && i < N; i++) {
            const int number = number_at(frames, i);
            const bool is_near = i >= at && i < 3 * GOP;
            n_missing += !is_near && number != units[k].numbers[i];
        }
        if (!CHECK(frames && n_missing == 0))
            printf("# %s: %d missing\n", KINDS[k].name, n_missing);
        et_frames_close(frames);
    }
}

/* Where a unit's first slice begins. */
static size_t head_bytes(struct et_str unit)
{
    size_t at = 0;
    for (size_t i = 0; i + 4 < unit.n; i++)
        if (unit.p[i] == 0 && unit.p[i + 1] == 0 && unit.p[i + 2] == 1 &&
            (unit.p[i + 3] & 31) == 5) {
            at = i;
            break;
        }
    return at;
}

static void parameters_may_come_in_a_message_of_their_own(void)
{
    const char *path = temp_path("apart.mcap");
    static int numbers[2 * N];
    struct made m;
    int n = 0, n_wrong = 0;
    made_open(&m, path);
    const uint16_t c = made_video_channel(&m, "/c", FORM_IMAGE);
    for (int i = 0; i < N; i++) {
        struct et_str unit = units[0].bytes[i];
        const size_t n_head = head_bytes(unit);
        if (n_head > 0) {
            made_video(&m, c, FORM_IMAGE, arrival_of(n), 0, "h264",
                       (struct et_str){unit.p, n_head});
            numbers[n++] = -1;
            unit = (struct et_str){unit.p + n_head, unit.n - n_head};
        }
        made_video(&m, c, FORM_IMAGE, arrival_of(n), 0, "h264", unit);
        numbers[n++] = units[0].numbers[i];
    }
    made_finish(&m);
    CHECK(n == N + N / GOP);
    for (int first = 0; first < 30; first += 14) {
        struct et_frames *frames = open_range(path, arrival_of(first), INT64_MAX);
        for (int i = 0; frames && i < n - first; i++)
            n_wrong += number_at(frames, i) != numbers[first + i];
        CHECK(frames && number_at(frames, 20) == numbers[first + 20]);
        et_frames_close(frames);
    }
    CHECK_EQ(n_wrong, 0);
}

/* A camera that was set to another coding while it was recorded. */
static void other_pictures_may_stand_between(void)
{
    const char *path = temp_path("mixed.mcap");
    struct made m;
    struct et_image image;
    made_open(&m, path);
    const uint16_t c = made_video_channel(&m, "/c", FORM_IMAGE);
    for (int i = 0; i < N; i++) {
        struct et_buf png = made_png(i);
        made_compressed(&m, c, arrival_of(2 * i), "png", et_buf_str(&png));
        made_video(&m, c, FORM_IMAGE, arrival_of(2 * i + 1), 0, "h264", units[1].bytes[i]);
        et_buf_free(&png);
    }
    made_finish(&m);
    struct et_frames *frames = open_range(path, 0, INT64_MAX);
    for (int i = 0; frames && i < N; i++) {
        CHECK_OK(et_frames_go_to(frames, 2 * i, &err));
        CHECK_OK(et_frames_image(frames, &image, &err));
        CHECK(image.width_px == MADE_WIDTH && ((const uint8_t *)image.pixels)[0] == i);
        CHECK_EQ(number_at(frames, 2 * i + 1), units[1].numbers[i]);
    }
    et_frames_close(frames);
}

/* ---- beside the pictures ---- */

static void the_draft_of_a_profile_has_such_cameras(void)
{
    for (int form = 0; form < N_FORMS; form++) {
        struct et_recording *r = NULL;
        struct et_buf yaml = et_buf(1 << 20);
        CHECK_OK(et_recording_open(&r, make(0, (enum video_form)form, 0, 0), NULL, &err));
        CHECK_OK(et_recording_guess(r, &yaml, &err));
        CHECK_HAS(et_buf_text(&yaml), ".image, topic: \"/c\"}");
        if (form != FORM_JSON)
            CHECK(!strstr(et_buf_text(&yaml), "no header.stamp"));
        et_buf_free(&yaml);
        et_recording_close(r);
    }
}

static void samples_have_codec_stamp_and_size(void)
{
    static const enum et_picture_coding CODINGS[] = {
        ET_PICTURE_H264, ET_PICTURE_H264, ET_PICTURE_H265, ET_PICTURE_VP9, ET_PICTURE_AV1};
    for (int k = 0; k < N_KINDS; k++)
        for (int form = 0; form < N_FORMS; form++) {
            struct et_recording *r = NULL;
            struct et_sample s;
            int width_px, height_px, n_sized = 0, n = 0;
            CHECK_OK(et_recording_open(&r, make(k, (enum video_form)form, 0, 0), NULL, &err));
            CHECK_OK(et_recording_use_profile(r, profile, &err));
            CHECK_OK(et_recording_query(r, NULL, &err));
            for (; et_recording_next(r, &s, &err) == ET_OK; n++) {
                CHECK_EQ(s.picture.coding, CODINGS[k]);
                CHECK(s.t_device_ns == (form == FORM_JSON ? 0 : stamp_of(k, n)));
                if (!et_picture_size(&s.picture, &width_px, &height_px))
                    continue;
                CHECK(width_px == BAR_W && height_px == BAR_H);
                n_sized++;
            }
            CHECK(n == N && n_sized == N / GOP);
            et_recording_close(r);
        }
    CHECK_STR(et_picture_coding_text(ET_PICTURE_VP9), "vp9");
    CHECK_STR(et_picture_coding_text(ET_PICTURE_AV1), "av1");
    CHECK_STR(et_picture_coding_text(ET_PICTURE_FRAME), "frame");
}

int main(void)
{
    profile = made_file("robot.yaml", RULES);
    for (int k = 0; k < N_KINDS; k++)
        units[k] = make_units(&KINDS[k].what);
    RUN(every_form_of_message_is_read);
    RUN(pictures_are_found_in_any_order);
    RUN(a_range_may_begin_between_key_frames);
    RUN(pictures_are_told_by_their_times);
    RUN(after_a_loss_pictures_begin_again_at_a_key_frame);
    RUN(what_is_before_the_first_key_frame_is_told);
    RUN(damage_stays_within_its_group);
    RUN(parameters_may_come_in_a_message_of_their_own);
    RUN(other_pictures_may_stand_between);
    RUN(the_draft_of_a_profile_has_such_cameras);
    RUN(samples_have_codec_stamp_and_size);
    for (int k = 0; k < N_KINDS; k++)
        free_units(&units[k]);
    return tap_end();
}

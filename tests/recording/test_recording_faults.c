/* Recordings under a system that fails: every call, one after the other. */
#include "etude/frames.h"

#include "fault.h"
#include "support.h"
#include "tap.h"
#include "video_made.h"

static const char *const PROFILE =
    "profile: 1\nmaker: M\nmodel: T\nparts:\n  left_arm:\n    unit: rad\n    joints:\n"
    "      - {name: a, lower: null, upper: null}\n      - {name: b, lower: null, upper: null}\n"
    "cameras:\n  head: in the head\nrules:\n"
    "  - {stream: left_arm.position, topic: /j, names: [a, b]}\n"
    "  - {stream: base.imu, topic: /imu, field: \"angular_velocity, linear_acceleration, "
    "orientation\"}\n"
    "  - {stream: head.image, topic: /c}\n"
    "  - {stream: scene.event, topic: /e}\n";

enum { N = 30 };

static void make(const char *path)
{
    static const double Q[] = {1, 2};
    static const double IMU[10] = {1, 2, 3, 4, 5, 6, 0, 0, 0, 1};
    struct made m;
    made_open(&m, path);
    const uint16_t j = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t imu = made_channel(&m, "/imu", "sensor_msgs/msg/Imu");
    const uint16_t c = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    const uint16_t e = made_channel(&m, "/e", "std_msgs/msg/String");
    for (int i = 0; i < N; i++) {
        const int64_t t = SEC + i * 4 * MS;
        struct et_buf png = made_png(i);
        made_joints(&m, j, t, t, i % 2 ? "a b" : "b a", Q, 2);
        made_imu(&m, imu, t + MS, t, IMU);
        made_compressed(&m, c, t + 2 * MS, "png", (struct et_str){png.p, png.n});
        made_string(&m, e, t + 3 * MS, "mark");
        et_buf_free(&png);
    }
    made_finish(&m);
}

static enum et_status read_it(const char *path, const char *profile, int *n, struct et_err *err)
{
    struct et_recording *r = NULL;
    struct et_sample s;
    *n = 0;
    *err = (struct et_err){0};
    enum et_status st = et_recording_open(&r, path, NULL, err);
    if (st == ET_OK)
        st = et_recording_use_profile(r, profile, err);
    if (st == ET_OK)
        st = et_recording_query(r, NULL, err);
    while (st == ET_OK && (st = et_recording_next(r, &s, err)) == ET_OK)
        *n += 1;
    if (r)
        (void)et_recording_info(r);
    et_recording_close(r);
    return st == ET_END ? ET_OK : st;
}

static void fail_everywhere(const char *path, const char *profile, int n_samples)
{
    struct et_err err = {0};
    int n = 0, n_failed = 0;
    CHECK_OK(read_it(path, profile, &n, &err));
    CHECK_EQ(n, n_samples);
    FOR_EACH_FAULT(at)
    {
        fault_arm(at);
        const enum et_status st = read_it(path, profile, &n, &err);
        fault_disarm();
        // A close that fails has nothing to tell, the rest has.
        if (!CHECK(st != ET_OK || n == n_samples))
            printf("#   call %d, %d samples\n", at, n);
        CHECK(st == ET_OK || (err.status == st && err.text[0]));
        n_failed += st != ET_OK;
    }
    CHECK(n_failed > 10);
}

static void reading_fails_loudly_at_every_call(void)
{
    const char *path = temp_path("fault.mcap");
    make(path);
    fail_everywhere(path, made_file("robot.yaml", PROFILE), 4 * N);
}

static void choosing_a_profile_fails_loudly_at_every_call(void)
{
    const char *path = temp_path("fault2.mcap");
    struct made m;
    static const double Q[] = {1, 2};
    made_open(&m, path);
    made_joints(&m, made_channel(&m, "/joint_states", "sensor_msgs/msg/JointState"), SEC, SEC,
                "a b", Q, 2);
    made_finish(&m);
    fail_everywhere(path, NULL, 3);
}

static enum et_status id_of(const char *path, char id[ET_RECORDING_ID_CHARS + 1],
                            struct et_err *err)
{
    struct et_recording *r = NULL;
    enum et_status st = et_recording_open(&r, path, NULL, err);
    if (st == ET_OK)
        st = et_recording_id(r, id, err);
    et_recording_close(r);
    return st;
}

static void an_id_is_right_or_there_is_none(void)
{
    const char *path = temp_path("fault.mcap");
    struct et_err err = {0};
    char right[ET_RECORDING_ID_CHARS + 1], id[ET_RECORDING_ID_CHARS + 1];
    CHECK_OK(id_of(path, right, &err));
    FOR_EACH_FAULT(at)
    {
        fault_arm(at);
        const enum et_status st = id_of(path, id, &err);
        fault_disarm();
        CHECK(st == ET_OK ? strcmp(id, right) == 0 : err.text[0] != 0);
    }
}

static enum et_status look(const char *path, const char *profile, struct et_err *err)
{
    struct et_frames *frames = NULL;
    struct et_image image;
    const struct et_frames_range range = {
        .path = path, .profile = profile, .stream = "head.image", .t_last_ns = INT64_MAX};
    enum et_status st = et_frames_open(&frames, &range, err);
    for (int k = 3; st == ET_OK && k >= 0; k -= 3) {
        st = et_frames_go_to(frames, k, err);
        if (st == ET_OK)
            st = et_frames_image(frames, &image, err);
        if (st == ET_OK)
            CHECK_EQ(((const uint8_t *)image.pixels)[0], k);
    }
    et_frames_close(frames);
    return st;
}

static void pictures_are_right_or_there_are_none(void)
{
    const char *path = temp_path("fault.mcap"), *profile = temp_path("robot.yaml");
    struct et_err err = {0};
    FOR_EACH_FAULT(at)
    {
        fault_arm(at);
        const enum et_status st = look(path, profile, &err);
        fault_disarm();
        CHECK(st == ET_OK || err.text[0]);
    }
}

/* Numbers of a video's pictures, forward and back; −1 where one has none. */
static enum et_status look_at_video(const char *path, const char *profile, struct et_err *err)
{
    static const int ORDER[] = {7, 8, 2, 16};
    struct et_frames *frames = NULL;
    struct et_image image;
    const struct et_frames_range range = {
        .path = path, .profile = profile, .stream = "head.image", .t_last_ns = INT64_MAX};
    enum et_status st = et_frames_open(&frames, &range, err);
    for (size_t i = 0; st == ET_OK && i < sizeof ORDER / sizeof *ORDER; i++) {
        st = et_frames_go_to(frames, ORDER[i], err);
        if (st == ET_OK)
            st = et_frames_image(frames, &image, err);
        if (st == ET_OK)
            CHECK_EQ(image_number(&image), ORDER[i]);
    }
    et_frames_close(frames);
    return st;
}

static void a_videos_pictures_are_right_or_there_are_none(void)
{
    const char *path = temp_path("video.mcap"), *profile = temp_path("robot.yaml");
    struct et_err err = {0};
    struct units units = make_units(&(struct foreign){.encoder = "libx264", .n = 20, .gop = 5});
    struct made m;
    int n_failed = 0;
    made_open(&m, path);
    const uint16_t c = made_video_channel(&m, "/c", FORM_ROS2);
    for (int i = 0; i < units.n; i++)
        made_video(&m, c, FORM_ROS2, SEC + i * MS, SEC + i * MS, "h264", units.bytes[i]);
    made_finish(&m);
    free_units(&units);
    CHECK_OK(look_at_video(path, profile, &err));
    fault_only = "malloc calloc realloc open read pread fstat";
    FOR_EACH_FAULT(at)
    {
        err = (struct et_err){0};
        fault_arm(at);
        const enum et_status st = look_at_video(path, profile, &err);
        fault_disarm();
        CHECK(st == ET_OK || err.text[0]);
        n_failed += st != ET_OK;
    }
    fault_only = NULL;
    CHECK(n_failed > 20);
}

int main(void)
{
    RUN(reading_fails_loudly_at_every_call);
    RUN(choosing_a_profile_fails_loudly_at_every_call);
    RUN(an_id_is_right_or_there_is_none);
    RUN(pictures_are_right_or_there_are_none);
    RUN(a_videos_pictures_are_right_or_there_are_none);
    return tap_end();
}

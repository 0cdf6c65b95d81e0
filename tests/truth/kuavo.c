#include "truth.h"

#include "etude/file.h"
#include "etude/json.h"
#include "etude/msgdef.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "ROS 1 messages are little-endian, and so is this writer"
#endif

#define N_JOINTS 28
#define FIRST_ARM 12 // joints: legs 0 to 11, left arm, right arm, head 26 and 27
#define PI 3.14159265358979323846

// Standing, as in the bag of a real one.
static const double STANCE[FIRST_ARM] = {0.013,  0.014, -0.49, 0.97, -0.51, -0.01,
                                         -0.007, 0.004, -0.49, 0.97, -0.52, 0.003};

/* ---- ROS 1 serialization: values one behind the other ---- */

static void put_u32(struct et_buf *to, uint32_t value)
{
    et_buf_put(to, &value, sizeof value);
}

static void put_f64(struct et_buf *to, double value)
{
    et_buf_put(to, &value, sizeof value);
}

static void put_f64s(struct et_buf *to, const double *values, size_t n)
{
    put_u32(to, (uint32_t)n);
    et_buf_put(to, values, n * sizeof *values);
}

static void put_text(struct et_buf *to, const char *text)
{
    put_u32(to, (uint32_t)strlen(text));
    et_buf_puts(to, text);
}

static void put_time(struct et_buf *to, int64_t t_ns)
{
    put_u32(to, (uint32_t)(t_ns / 1000000000));
    put_u32(to, (uint32_t)(t_ns % 1000000000));
}

static void put_header(struct et_buf *to, const struct channel *channel, size_t i,
                       const char *frame)
{
    put_u32(to, channel->number[i]); // lost samples are counted
    put_time(to, channel->t_device_ns[i]);
    put_text(to, frame);
}

/* ---- messages ---- */

static void fill(const double *arms, double legs_scale, double other, double to[N_JOINTS])
{
    for (size_t k = 0; k < N_JOINTS; k++)
        to[k] = k < FIRST_ARM               ? legs_scale * STANCE[k]
                : k < FIRST_ARM + 2 * N_ARM ? arms[k - FIRST_ARM]
                                            : other;
}

static void sensors(const struct recording *recording, const struct channel *channel, size_t i,
                    struct et_buf *to)
{
    double q[N_Q], dq[N_Q], ddq[N_Q], tau[2 * N_ARM], v[N_JOINTS];
    const double t = channel->t_s[i];
    motion_at(recording->motion, t, q, dq, ddq);
    arm_torque(recording->motion, LEFT, t, tau);
    arm_torque(recording->motion, RIGHT, t, tau + N_ARM);
    put_header(to, channel, i, "");
    put_time(to, channel->t_device_ns[i] + 2174504); // so in the bag of a real one
    fill(q, 1, 0.2, v);
    for (size_t k = 0; k < N_JOINTS; k++)
        v[k] += ENCODER_NOISE_RAD * motion_noise(recording->seed, k, t);
    put_f64s(to, v, N_JOINTS);
    fill(dq, 0, 0, v);
    for (size_t k = 0; k < N_JOINTS; k++)
        v[k] += 2e-3 * message_noise(recording, channel, i, k);
    put_f64s(to, v, N_JOINTS);
    fill(ddq, 0, 0, v);
    put_f64s(to, v, N_JOINTS);
    fill(tau, 20, 0.05, v);
    for (size_t k = 0; k < N_JOINTS; k++)
        v[k] += 0.03 * message_noise(recording, channel, i, N_JOINTS + k);
    put_f64s(to, v, N_JOINTS);
    for (size_t k = 0; k < 9; k++) // gyro, acc, free_acc
        put_f64(to, (k == 5 ? 9.81 : 0) +
                        (k < 3 ? 2e-3 : 2e-2) * message_noise(recording, channel, i, 100 + k));
    for (size_t k = 0; k < 4; k++)
        put_f64(to, k == 3);
    for (size_t k = 0; k < 4; k++) // end effectors: none
        put_u32(to, 0);
}

static void joint_cmd(const struct recording *recording, const struct channel *channel, size_t i,
                      struct et_buf *to)
{
    double q[N_Q], dq[N_Q], tau[2 * N_ARM], v[N_JOINTS];
    const double zero[2 * N_ARM] = {0};
    struct motion calm = *recording->motion; // the controller knows of no pushes
    calm.n_pushes = 0;
    const double t = channel->t_s[i] + recording->arm_latency_s;
    motion_at(recording->motion, t, q, dq, NULL);
    arm_torque(&calm, LEFT, t, tau);
    arm_torque(&calm, RIGHT, t, tau + N_ARM);
    put_header(to, channel, i, "");
    fill(q, 1, 0.2, v);
    put_f64s(to, v, N_JOINTS);
    fill(dq, 0, 0, v);
    put_f64s(to, v, N_JOINTS);
    fill(tau, 20, 0.05, v);
    put_f64s(to, v, N_JOINTS);
    for (size_t which = 0; which < 4; which++) { // tau_max, tau_ratio, kp, kd
        static const double VALUES[] = {80, 1, 60, 3};
        fill(zero, 0, 0, v);
        for (size_t k = 0; k < N_JOINTS; k++)
            v[k] = VALUES[which];
        put_f64s(to, v, N_JOINTS);
    }
    put_u32(to, N_JOINTS);
    for (size_t k = 0; k < N_JOINTS; k++)
        put_u32(to, 2);
}

/* What the teleoperation wants of the arms, in degrees. */
static void arm_traj(const struct recording *recording, const struct channel *channel, size_t i,
                     struct et_buf *to)
{
    double q[N_Q];
    motion_at(recording->motion, channel->t_s[i] + recording->arm_latency_s, q, NULL, NULL);
    put_header(to, channel, i, "");
    put_u32(to, 2 * N_ARM);
    for (int k = 0; k < 2 * N_ARM; k++) {
        char name[24];
        (void)snprintf(name, sizeof name, "arm_joint_%d", k + 1);
        put_text(to, name);
    }
    for (size_t k = 0; k < 2 * N_ARM; k++)
        q[k] *= 180 / PI;
    put_f64s(to, q, 2 * N_ARM);
    put_f64s(to, NULL, 0);
    put_f64s(to, NULL, 0);
}

/* Two claws, 0 open to 100 closed, at a time. */
static void put_claws(const struct recording *recording, double t_s, double step, struct et_buf *to)
{
    double q[N_Q], closed[2], zero[2] = {0};
    motion_at(recording->motion, t_s, q, NULL, NULL);
    for (size_t s = 0; s < 2; s++) {
        double open = 0;
        for (size_t k = 0; k < 4; k++) // the fingers without the thumb
            open += q[Q_HAND + s * N_HAND + k] / 4;
        closed[s] = 100 * (1 - fmin(fmax(open, 0), 1));
        closed[s] = step > 0 ? round(closed[s] / step) * step : closed[s];
    }
    put_u32(to, 2);
    put_text(to, "left_claw");
    put_text(to, "right_claw");
    put_f64s(to, closed, 2);
    put_f64s(to, zero, 2);
    put_f64s(to, zero, 2);
}

static void claw_state(const struct recording *recording, const struct channel *channel, size_t i,
                       struct et_buf *to)
{
    put_header(to, channel, i, "leju_claw");
    put_u32(to, 2);
    et_buf_putc(to, 2);
    et_buf_putc(to, 2);
    put_claws(recording, channel->t_s[i], 0.01, to);
}

static void claw_command(const struct recording *recording, const struct channel *channel, size_t i,
                         struct et_buf *to)
{
    put_header(to, channel, i, "");
    put_claws(recording, channel->t_s[i] + recording->hand_latency_s, 0, to);
}

static void camera(const struct recording *recording, const struct channel *channel, size_t i,
                   struct et_buf *to)
{
    static const char *const FRAMES[] = {"cam_l_color_optical_frame", "cam_r_color_optical_frame"};
    struct et_buf jpeg = et_buf((size_t)4 << 20);
    const bool is_wrist = !et_str_starts(et_str(channel->streams[0].stream), "head");
    picture_jpeg(recording, channel, i, is_wrist, &jpeg);
    put_header(to, channel, i, is_wrist ? FRAMES[channel->side] : "cam_h_color_optical_frame");
    put_text(to, "rgb8; jpeg compressed bgr8");
    put_u32(to, (uint32_t)jpeg.n);
    et_buf_put(to, jpeg.p, jpeg.n);
    et_buf_free(&jpeg);
}

static void depth(const struct recording *recording, const struct channel *channel, size_t i,
                  struct et_buf *to)
{
    static const char NOTHING[12] = {0}; // where compressedDepth has its settings; so in real ones
    struct et_buf png = et_buf((size_t)4 << 20);
    picture_depth_png(recording, channel, i, &png);
    put_header(to, channel, i, "cam_h_color_optical_frame");
    put_text(to, "16UC1; compressedDepth png");
    put_u32(to, (uint32_t)(png.n + sizeof NOTHING));
    et_buf_put(to, NOTHING, sizeof NOTHING);
    et_buf_put(to, png.p, png.n);
    et_buf_free(&png);
}

/* ---- the recording ---- */

static void add_robot(struct recording *r, const struct device *body)
{
    static const struct {
        const char *stream, *field;
    } STREAMS[] = {{"left_arm.position", "joint_data.joint_q"},
                   {"left_arm.velocity", "joint_data.joint_v"},
                   {"left_arm.effort", "joint_data.joint_torque"},
                   {"right_arm.position", "joint_data.joint_q"},
                   {"right_arm.velocity", "joint_data.joint_v"},
                   {"right_arm.effort", "joint_data.joint_torque"},
                   {"head.position", "joint_data.joint_q"},
                   {"head.velocity", "joint_data.joint_v"},
                   {"head.effort", "joint_data.joint_torque"},
                   {"legs.position", "joint_data.joint_q"},
                   {"legs.velocity", "joint_data.joint_v"},
                   {"legs.effort", "joint_data.joint_torque"},
                   {"base.imu", "imu_data"}};
    const double seconds = r->motion->seconds;
    struct channel *c = add_channel(r, "/sensors_data_raw", "kuavo_msgs/sensorsData", body, 500);
    for (size_t i = 0; i < sizeof STREAMS / sizeof *STREAMS; i++)
        add_stream(c, STREAMS[i].stream, STREAMS[i].field);
    c->encode = sensors;
    c->drop = by_magnitude(r, 0, 0.002, 0.02);
    if (r->magnitude == 3)
        add_gap(c, 0.42 * seconds, 0.42 * seconds + 0.3);
    channel_schedule(r, c, NULL, 0);

    c = add_channel(r, "/joint_cmd", "kuavo_msgs/jointCmd", body, 500);
    add_stream(c, "command.head.position", "joint_q");
    add_stream(c, "command.legs.position", "joint_q");
    add_stream(c, "command.left_arm.effort", "tau");
    add_stream(c, "command.right_arm.effort", "tau");
    c->encode = joint_cmd;
    channel_schedule(r, c, NULL, 0);
    c = add_channel(r, "/leju_claw_state", "kuavo_msgs/lejuClawState", body, 100);
    add_stream(c, "left_hand.position", "data.position");
    add_stream(c, "right_hand.position", "data.position");
    c->encode = claw_state;
    channel_schedule(r, c, NULL, 0);
}

static void add_teleoperation(struct recording *r, const struct device *operator)
{
    struct channel *c = add_channel(r, "/kuavo_arm_traj", "sensor_msgs/JointState", operator, 100);
    add_stream(c, "command.left_arm.position", "position");
    add_stream(c, "command.right_arm.position", "position");
    c->encode = arm_traj;
    c->disordered_at_s = r->magnitude == 3 ? 0.8 * r->motion->seconds : 0;
    channel_schedule(r, c, NULL, 0);
    c = add_channel(r, "/leju_claw_command", "kuavo_msgs/lejuClawCommand", operator, 100);
    add_stream(c, "command.left_hand.position", "data.position");
    add_stream(c, "command.right_hand.position", "data.position");
    c->encode = claw_command;
    channel_schedule(r, c, NULL, 0);
}

static void add_camera(struct recording *r, const char *topic, const struct device *device,
                       const char *stream, double rate_hz)
{
    struct channel *c = add_channel(r, topic, "sensor_msgs/CompressedImage", device, rate_hz);
    add_stream(c, stream, "");
    c->encode = rate_hz < 30 ? depth : camera;
    c->link = LINK_USB;
    c->min_delay_s = 5e-3;
    c->jitter_s = 100e-6;
    c->side = et_str_starts(et_str(stream), "right") ? RIGHT : LEFT;
    c->latency_s = by_magnitude(r, 0.010, 0.030, 0.080);
    if (r->magnitude >= 2 && et_str_is(et_str(stream), "head.image")) {
        const double at = moving_at(r->motion, 1, 0.4);
        add_frozen(c, at, at + by_magnitude(r, 0, 0.8, 2));
    }
    channel_schedule(r, c, NULL, 0);
}

/* ---- through Debian's rosbag ---- */

static bool put(void *to, const struct recording *recording, size_t i_channel, size_t i,
                struct et_str bytes)
{
    const uint16_t number = (uint16_t)i_channel;
    const uint32_t n = (uint32_t)bytes.n;
    const int64_t t = recording->channels[i_channel].t_arrival_ns[i];
    return fwrite(&number, sizeof number, 1, to) == 1 && fwrite(&t, sizeof t, 1, to) == 1 &&
           fwrite(&n, sizeof n, 1, to) == 1 && fwrite(bytes.p, 1, bytes.n, to) == bytes.n;
}

/* Topic, type and definition of each channel, for the script. */
static bool write_topics(const struct recording *recording, const char *path)
{
    struct et_err err = {0};
    struct et_buf json = et_buf((size_t)16 << 20);
    struct et_json_writer w = {.buf = &json};
    enum et_status st = ET_OK;
    et_json_open_list(&w);
    for (size_t c = 0; st == ET_OK && c < recording->n_channels; c++) {
        struct et_buf text = et_buf((size_t)1 << 20);
        const char *type = recording->channels[c].type;
        st = et_msgdef_store_text(et_str(type), ET_MSGDEF_ROS1, &text, &err);
        et_json_open_map(&w);
        et_json_put_text(&w, "topic", recording->channels[c].topic);
        et_json_put_text(&w, "type", type);
        et_json_put_text(&w, "definition", et_buf_text(&text));
        et_json_close_map(&w);
        et_buf_free(&text);
    }
    if (st == ET_OK) {
        et_json_close_list(&w);
        st = et_buf_check(&json, path, &err);
    }
    if (st == ET_OK)
        st = et_file_replace(path, json.p, json.n, &err);
    et_buf_free(&json);
    if (st != ET_OK)
        fprintf(stderr, "truth_recordings: %s\n", err.text);
    return st == ET_OK;
}

static bool run_script(const char *bag, const char *topics, const char *messages, const char *data)
{
    extern char **environ;
    char real[4096], script[] = TRUTH_FOLDER "/kuavo_bag.py", python[] = "/usr/bin/python3";
    char *out = need(strdup(bag)), *names = need(strdup(topics)), *raw = need(strdup(messages));
    (void)snprintf(real, sizeof real, "%s/robots/kuavo.bag", data ? data : "");
    char *const args[] = {python, script, names, raw, real, out, NULL};
    pid_t pid;
    int status = -1;
    const int failed = posix_spawn(&pid, python, NULL, NULL, args, environ);
    if (failed)
        fprintf(stderr, "truth_recordings: %s: %s\n", python, strerror(failed));
    else
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    free(out);
    free(names);
    free(raw);
    return !failed && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool write_bag(const struct recording *recording, const char *folder, const char *data)
{
    char bag[4096], topics[4096], messages[4096];
    (void)snprintf(bag, sizeof bag, "%s/kuavo.bag", folder);
    (void)snprintf(topics, sizeof topics, "%s/kuavo.topics.json", folder);
    (void)snprintf(messages, sizeof messages, "%s/kuavo.messages", folder);
    FILE *file = fopen(messages, "wb");
    bool is_fine = file && recording_write(recording, put, file);
    if (file && fclose(file) != 0)
        is_fine = false;
    if (!is_fine)
        fprintf(stderr, "truth_recordings: %s: %s\n", messages, strerror(errno));
    is_fine = is_fine && write_topics(recording, topics) && run_script(bag, topics, messages, data);
    (void)remove(topics);
    (void)remove(messages);
    return is_fine;
}

bool make_kuavo(const struct motion *motion, int magnitude, uint64_t seed, const char *folder,
                const char *data)
{
    struct recording *r = need(calloc(1, sizeof *r));
    recording_begin(r, motion, magnitude, seed);
    r->name = "kuavo";
    r->file = "kuavo.bag";
    r->torque = "inverse dynamics of a G1's arms (g1_29dof_rev_1_0.urdf, masses times mass_scale), "
                "friction, pushes by a force at the hand";
    r->pushed[LEFT] = r->commanded[0] = "left_arm";
    r->pushed[RIGHT] = r->commanded[1] = "right_arm";
    r->commanded[2] = "left_hand";
    r->commanded[3] = "right_hand";
    struct device *body = add_device(r, "robot", 1, 1);
    struct device *operator= add_device(r, "operator", -0.7, -0.5);
    struct device *head = add_device(r, "head camera", 0.5, 0.8);
    struct device *left = add_device(r, "left wrist camera", 0.9, -0.9);
    struct device *right = add_device(r, "right wrist camera", 0.3, 0.4);
    if (magnitude >= 2)
        add_reset(left, (magnitude == 2 ? 0.5 : 0.3) * motion->seconds, 9.5);
    if (magnitude == 3)
        add_reset(body, 0.55 * motion->seconds, 14);
    add_robot(r, body);
    add_teleoperation(r, operator);
    add_camera(r, "/cam_h/color/image_raw/compressed", head, "head.image", 30);
    add_camera(r, "/cam_l/color/image_raw/compressed", left, "left_wrist.image", 30);
    add_camera(r, "/cam_r/color/image_raw/compressed", right, "right_wrist.image", 30);
    add_camera(r, "/cam_h/depth/image_raw/compressedDepth", head, "head.depth", 10);
    const bool is_written = write_bag(r, folder, data) && truth_write(r, folder);
    recording_free(r);
    free(r);
    return is_written;
}

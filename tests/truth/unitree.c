#include "truth.h"

#include "etude/cdr.h"
#include "etude/mcap_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define N_MOTORS 35
#define FIRST_ARM 15 // motors: legs 0 to 11, waist 12 to 14, left arm, right arm

// Standing: hips bent a little, knees too.
static const double STANCE[FIRST_ARM] = {-0.1, 0, 0, 0.3, -0.2, 0, -0.1, 0, 0, 0.3, -0.2, 0};

static void put_motor_state(struct et_cdr *w, double q, double dq, double tau)
{
    et_cdr_u8(w, 1);
    et_cdr_f32(w, (float)q);
    et_cdr_f32(w, (float)dq);
    et_cdr_f32(w, 0);
    et_cdr_f32(w, (float)tau);
    et_cdr_i16(w, 41);
    et_cdr_i16(w, 44);
    et_cdr_f32(w, 48.5f);
    for (int k = 0; k < 7; k++) // sensor, motorstate, reserve
        et_cdr_u32(w, 0);
}

static void put_motors(const struct recording *recording, const struct channel *channel, size_t i,
                       struct et_cdr *w)
{
    double q[N_Q], dq[N_Q], tau[2 * N_ARM];
    const double t = channel->t_s[i];
    motion_at(recording->motion, t, q, dq, NULL);
    arm_torque(recording->motion, LEFT, t, tau);
    arm_torque(recording->motion, RIGHT, t, tau + N_ARM);
    for (size_t m = 0; m < N_MOTORS; m++) {
        const double e = ENCODER_NOISE_RAD * motion_noise(recording->seed, m, t);
        const size_t k = m - FIRST_ARM;
        if (m < FIRST_ARM)
            put_motor_state(w, STANCE[m] + e, 1e-3 * message_noise(recording, channel, i, m),
                            m % 6 == 3 && m < 12 ? 12 : 1);
        else if (k < 2 * N_ARM)
            put_motor_state(w, q[k] + e, dq[k] + 2e-3 * message_noise(recording, channel, i, m),
                            tau[k] + 0.03 * message_noise(recording, channel, i, m + N_MOTORS));
        else
            put_motor_state(w, 0, 0, 0);
    }
}

static void low_state(const struct recording *recording, const struct channel *channel, size_t i,
                      struct et_buf *to)
{
    struct et_cdr w = et_cdr_begin(to);
    et_cdr_u32(&w, 1);
    et_cdr_u32(&w, 0);
    et_cdr_u8(&w, 0);
    et_cdr_u8(&w, 5);
    et_cdr_u32(&w, (uint32_t)(channel->t_device_ns[i] / 1000000)); // wraps
    et_cdr_f32(&w, 1);
    for (size_t k = 1; k < 4; k++)
        et_cdr_f32(&w, 0);
    for (size_t k = 0; k < 6; k++) // gyroscope, accelerometer
        et_cdr_f32(&w,
                   (float)((k == 5 ? 9.81 : 0) +
                           (k < 3 ? 2e-3 : 2e-2) * message_noise(recording, channel, i, 100 + k)));
    for (size_t k = 0; k < 3; k++)
        et_cdr_f32(&w, 0);
    et_cdr_i16(&w, 38);
    put_motors(recording, channel, i, &w);
    for (size_t k = 0; k < 40; k++)
        et_cdr_u8(&w, 0);
    for (size_t k = 0; k < 5; k++) // reserve, and a crc that is not computed
        et_cdr_u32(&w, 0);
}

static void low_cmd(const struct recording *recording, const struct channel *channel, size_t i,
                    struct et_buf *to)
{
    struct et_cdr w = et_cdr_begin(to);
    double q[N_Q], dq[N_Q];
    motion_at(recording->motion, channel->t_s[i] + recording->arm_latency_s, q, dq, NULL);
    et_cdr_u8(&w, 0);
    et_cdr_u8(&w, 5);
    for (size_t m = 0; m < N_MOTORS; m++) {
        const size_t k = m - FIRST_ARM;
        const bool is_arm = m >= FIRST_ARM && k < 2 * N_ARM;
        et_cdr_u8(&w, m < FIRST_ARM || is_arm);
        et_cdr_f32(&w, (float)(m < FIRST_ARM ? STANCE[m] : is_arm ? q[k] : 0));
        et_cdr_f32(&w, (float)(is_arm ? dq[k] : 0));
        et_cdr_f32(&w, 0);
        et_cdr_f32(&w, is_arm ? 60.0f : m < FIRST_ARM ? 150.0f : 0);
        et_cdr_f32(&w, is_arm ? 1.5f : m < FIRST_ARM ? 2.0f : 0);
        et_cdr_u32(&w, 0);
    }
    for (size_t k = 0; k < 5; k++)
        et_cdr_u32(&w, 0);
}

/* Value j of twelve: the right hand comes first. */
static double finger(const double *q, size_t j)
{
    return fmin(fmax(q[Q_HAND + (j < N_HAND ? N_HAND + j : j - N_HAND)], 0), 1);
}

static void hand_state(const struct recording *recording, const struct channel *channel, size_t i,
                       struct et_buf *to)
{
    struct et_cdr w = et_cdr_begin(to);
    double q[N_Q];
    motion_at(recording->motion, channel->t_s[i], q, NULL, NULL);
    et_cdr_count(&w, 2 * N_HAND);
    for (size_t j = 0; j < 2 * N_HAND; j++) {
        et_cdr_u8(&w, 1);
        et_cdr_f32(&w, (float)(round(finger(q, j) * 1000) / 1000)); // as the hand counts
        for (int k = 0; k < 6; k++)
            et_cdr_f32(&w, 0);
        et_cdr_i8(&w, 36);
        for (int k = 0; k < 3; k++)
            et_cdr_u32(&w, 0);
    }
}

static void hand_cmd(const struct recording *recording, const struct channel *channel, size_t i,
                     struct et_buf *to)
{
    struct et_cdr w = et_cdr_begin(to);
    double q[N_Q];
    motion_at(recording->motion, channel->t_s[i] + recording->hand_latency_s, q, NULL, NULL);
    et_cdr_count(&w, 2 * N_HAND);
    for (size_t j = 0; j < 2 * N_HAND; j++) {
        et_cdr_u8(&w, 1);
        et_cdr_f32(&w, (float)finger(q, j));
        for (int k = 0; k < 4; k++)
            et_cdr_f32(&w, 0);
        for (int k = 0; k < 3; k++)
            et_cdr_u32(&w, 0);
    }
}

static void camera(const struct recording *recording, const struct channel *channel, size_t i,
                   struct et_buf *to)
{
    struct et_buf jpeg = et_buf((size_t)4 << 20);
    struct et_cdr w = et_cdr_begin(to);
    const bool is_wrist = et_str_starts(et_str(channel->streams[0].stream), "left_wrist");
    picture_jpeg(recording, channel, i, is_wrist, &jpeg);
    et_cdr_time(&w, channel->t_device_ns[i]);
    et_cdr_text(&w, et_str(is_wrist ? "left_wrist_camera" : "head_camera"));
    et_cdr_text(&w, et_str("jpeg"));
    et_cdr_bytes(&w, jpeg.p, jpeg.n);
    et_buf_free(&jpeg);
}

static void event(const struct recording *recording, const struct channel *channel, size_t i,
                  struct et_buf *to)
{
    struct et_cdr w = et_cdr_begin(to);
    et_cdr_time(&w, channel->t_device_ns[i]);
    et_cdr_text(&w, et_str(""));
    et_cdr_text(&w, et_str(channel->texts[i]));
    et_cdr_text(&w, et_str("operator"));
    et_cdr_text(&w, et_str(recording->motion->episodes[i / 2].label));
    et_cdr_text(&w, et_str(""));
}

/* ---- the recording ---- */

static void add_joint_channels(struct recording *r)
{
    struct device *body = add_device(r, "body", 1, 1);
    const double seconds = r->motion->seconds;
    // A count of milliseconds since the robot was switched on; at magnitude 3 it wraps after 15 s.
    const double shows = by_magnitude(r, 3, 100, 4294967.296 - 15);
    body->offset_ns = llround(shows * 1e9) - r->t0_ns;
    body->tick_ns = 1000000;
    if (r->magnitude >= 2)
        add_reset(body, (r->magnitude == 2 ? 0.5 : 0.6) * seconds, 7.25);

    static const struct {
        const char *stream, *field;
    } STREAMS[] = {{"left_arm.position", "motor_state[].q"},
                   {"left_arm.velocity", "motor_state[].dq"},
                   {"left_arm.effort", "motor_state[].tau_est"},
                   {"right_arm.position", "motor_state[].q"},
                   {"right_arm.velocity", "motor_state[].dq"},
                   {"right_arm.effort", "motor_state[].tau_est"},
                   {"legs.position", "motor_state[].q"},
                   {"legs.velocity", "motor_state[].dq"},
                   {"legs.effort", "motor_state[].tau_est"},
                   {"waist.position", "motor_state[].q"},
                   {"waist.velocity", "motor_state[].dq"},
                   {"waist.effort", "motor_state[].tau_est"},
                   {"base.imu", "imu_state"}};
    struct channel *c = add_channel(r, "rt/lowstate", "unitree_hg/msg/LowState", body, 500);
    for (size_t i = 0; i < sizeof STREAMS / sizeof *STREAMS; i++)
        add_stream(c, STREAMS[i].stream, STREAMS[i].field);
    c->encode = low_state;
    c->drop = by_magnitude(r, 0, 0.002, 0.02);
    if (r->magnitude == 3)
        add_gap(c, 0.37 * seconds, 0.37 * seconds + 0.3);
    channel_schedule(r, c, NULL, 0);

    c = add_channel(r, "rt/lowcmd", "unitree_hg/msg/LowCmd", NULL, 500);
    add_stream(c, "command.left_arm.position", "motor_cmd[].q");
    add_stream(c, "command.right_arm.position", "motor_cmd[].q");
    add_stream(c, "command.legs.position", "motor_cmd[].q");
    add_stream(c, "command.waist.position", "motor_cmd[].q");
    c->encode = low_cmd;
    channel_schedule(r, c, NULL, 0);
}

static void add_hand_channels(struct recording *r)
{
    struct channel *c = add_channel(r, "rt/inspire/state", "unitree_go/msg/MotorStates", NULL, 100);
    add_stream(c, "left_hand.position", "states[].q");
    add_stream(c, "right_hand.position", "states[].q");
    c->encode = hand_state;
    channel_schedule(r, c, NULL, 0);
    c = add_channel(r, "rt/inspire/cmd", "unitree_go/msg/MotorCmds", NULL, 100);
    add_stream(c, "command.left_hand.position", "cmds[].q");
    add_stream(c, "command.right_hand.position", "cmds[].q");
    c->encode = hand_cmd;
    channel_schedule(r, c, NULL, 0);
}

static void add_camera(struct recording *r, const struct device *device, const char *topic,
                       const char *stream)
{
    struct channel *c = add_channel(r, topic, "sensor_msgs/msg/CompressedImage", device, 30);
    add_stream(c, stream, "");
    c->encode = camera;
    c->link = LINK_USB;
    c->min_delay_s = 5e-3;
    c->jitter_s = 100e-6;
    c->latency_s = by_magnitude(r, 0.010, 0.030, 0.080);
    const bool is_head = et_str_starts(et_str(stream), "head");
    if (!is_head && r->magnitude >= 2) {
        const double at = moving_at(r->motion, 1, 0.4);
        add_frozen(c, at, at + by_magnitude(r, 0, 0.8, 2));
    }
    if (is_head && r->magnitude == 3)
        c->disordered_at_s = 0.25 * r->motion->seconds;
    channel_schedule(r, c, NULL, 0);
}

static void add_events(struct recording *r, const struct device *device)
{
    static const char *texts[2 * EPISODES_MAX];
    double times[2 * EPISODES_MAX];
    const size_t n = r->motion->n_episodes;
    for (size_t i = 0; i < n; i++) {
        times[2 * i] = r->motion->episodes[i].begin_s - MARK_S;
        times[2 * i + 1] = r->motion->episodes[i].end_s + MARK_S;
        texts[2 * i] = "episode.begin";
        texts[2 * i + 1] = "episode.end";
    }
    struct channel *c = add_channel(r, "/etude/event", "etude_msgs/msg/Event", device, 0);
    add_stream(c, "scene.event", "kind");
    c->encode = event;
    c->texts = texts;
    c->link = LINK_WIRED;
    c->min_delay_s = 150e-6;
    channel_schedule(r, c, times, 2 * n);
}

static bool put(void *to, const struct recording *recording, size_t i_channel, size_t i,
                struct et_str bytes)
{
    struct et_err err = {0};
    const struct et_mcap_message message = {
        .channel_id = (uint16_t)(i_channel + 1),
        .sequence = (uint32_t)i,
        .log_time_ns = recording->channels[i_channel].t_arrival_ns[i],
        .publish_time_ns = recording->channels[i_channel].t_arrival_ns[i],
        .data = bytes,
    };
    if (et_mcap_write(to, &message, &err) == ET_OK)
        return true;
    fprintf(stderr, "truth_recordings: %s\n", err.text);
    return false;
}

static enum et_status declare(struct et_mcap_writer *writer, const struct recording *recording,
                              struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t c = 0; st == ET_OK && c < recording->n_channels; c++) {
        const struct channel *channel = &recording->channels[c];
        struct et_buf text = et_buf((size_t)1 << 20);
        st = et_msgdef_store_text(et_str(channel->type), ET_MSGDEF_ROS2, &text, err);
        // One schema a type: the channels of one type share that of the first.
        size_t first = 0;
        while (!et_str_is(et_str(recording->channels[first].type), channel->type))
            first++;
        const struct et_mcap_schema schema = {.id = (uint16_t)(first + 1),
                                              .name = et_str(channel->type),
                                              .encoding = et_str("ros2msg"),
                                              .data = et_buf_str(&text)};
        const struct et_mcap_channel made = {.id = (uint16_t)(c + 1),
                                             .schema_id = schema.id,
                                             .topic = et_str(channel->topic),
                                             .encoding = et_str("cdr")};
        if (st == ET_OK)
            st = et_mcap_add_schema(writer, &schema, err);
        if (st == ET_OK)
            st = et_mcap_add_channel(writer, &made, err);
        et_buf_free(&text);
    }
    return st;
}

static bool write_mcap(const struct recording *recording, const char *path)
{
    struct et_err err = {0};
    struct et_mcap_writer *writer;
    const struct et_mcap_write_options options = {.profile = et_str("")};
    (void)remove(path);
    enum et_status st = et_mcap_create(&writer, path, &options, &err);
    if (st == ET_OK) {
        st = declare(writer, recording, &err);
        if (st == ET_OK && recording_write(recording, put, writer))
            st = et_mcap_finish(writer, &err);
        else
            et_mcap_writer_close(writer);
    }
    if (st != ET_OK)
        fprintf(stderr, "truth_recordings: %s\n", err.text);
    return st == ET_OK;
}

bool make_unitree(const struct motion *motion, int magnitude, uint64_t seed, const char *folder)
{
    struct recording *r = need(calloc(1, sizeof *r));
    recording_begin(r, motion, magnitude, seed);
    r->name = "unitree";
    r->file = "unitree.mcap";
    r->is_marked = true;
    r->torque = "inverse dynamics of g1_29dof_rev_1_0.urdf, masses times mass_scale, friction, "
                "pushes by a force at the hand";
    r->pushed[LEFT] = r->commanded[0] = "left_arm";
    r->pushed[RIGHT] = r->commanded[1] = "right_arm";
    r->commanded[2] = "left_hand";
    r->commanded[3] = "right_hand";
    add_joint_channels(r);
    add_hand_channels(r);
    struct device *head = add_device(r, "head camera", -0.4, -0.7);
    if (magnitude == 3)
        add_reset(head, 0.7 * motion->seconds, 12.5);
    struct device *wrist = add_device(r, "left wrist camera", 0.8, 0.9);
    add_camera(r, head, "/camera/head/color/compressed", "head.image");
    add_camera(r, wrist, "/camera/left_wrist/color/compressed", "left_wrist.image");
    struct device *centre = add_device(r, "centre", 0, 0);
    add_events(r, centre);

    char path[4096];
    (void)snprintf(path, sizeof path, "%s/unitree.mcap", folder);
    const bool is_written = write_mcap(r, path) && truth_write(r, folder);
    recording_free(r);
    free(r);
    return is_written;
}

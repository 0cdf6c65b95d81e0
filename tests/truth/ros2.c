#include "truth.h"

#include "etude/cdr.h"
#include "etude/file.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_NAMES 9
#define FINGER_M 0.04 // a finger's way

/* One arm of a Franka Research 3, shown by one arm of the true motion: its joints move about the
 * ready pose as the G1's do about the middle of theirs, less where its limits are nearer. */
static const double READY[N_ARM] = {0, -0.785, 0, -2.2, 0, 1.8, 0.785};
static const double LOWER[N_ARM] = {-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159};
static const double UPPER[N_ARM] = {2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159};
// Of the made torque: gravity's share, and what a newton at the hand does.
static const double GRAVITY_NM[N_ARM] = {0.0, -28, 3, 18, 1, 2.5, 0.1};
static const double LEVER_M[N_ARM] = {0.35, 0.45, 0.25, 0.40, 0.10, 0.15, 0.05};

// The orders of publishers are nobody's; these were drawn by lot once. 7 and 8 are the fingers.
static const size_t STATE_ORDER[N_NAMES] = {3, 8, 0, 6, 1, 7, 5, 2, 4};
static const size_t COMMAND_ORDER[N_NAMES] = {6, 2, 4, 7, 0, 5, 1, 3, 8};

static struct et_str joint_name(size_t k)
{
    static const char *const NAMES[N_NAMES] = {
        "fr3_joint1", "fr3_joint2", "fr3_joint3",        "fr3_joint4",       "fr3_joint5",
        "fr3_joint6", "fr3_joint7", "fr3_finger_joint1", "fr3_finger_joint2"};
    return et_str(NAMES[k]);
}

static double openness(const double *q, int side)
{
    double sum = 0;
    for (size_t k = 0; k < 4; k++) // the fingers without the thumb
        sum += q[Q_HAND + (size_t)side * N_HAND + k] / 4;
    return fmin(fmax(sum, 0), 1);
}

/* Positions and velocities of its nine joints. */
static void franka_at(const struct recording *recording, double arm_t_s, double hand_t_s,
                      double q[N_NAMES], double dq[N_NAMES])
{
    const struct motion *motion = recording->motion;
    double g[N_Q], dg[N_Q];
    motion_at(motion, arm_t_s, g, dg, NULL);
    for (size_t j = 0; j < N_ARM; j++) {
        const size_t k = Q_ARM + (size_t)recording->arm * N_ARM + j;
        const double half = (motion->high[k] - motion->low[k]) / 2;
        const double room = 0.8 * fmin(READY[j] - LOWER[j], UPPER[j] - READY[j]);
        const double gain = half > room ? room / half : 1;
        q[j] = READY[j] + gain * (g[k] - (motion->high[k] + motion->low[k]) / 2);
        dq[j] = gain * dg[k];
    }
    motion_at(motion, hand_t_s, g, dg, NULL);
    q[N_ARM] = q[N_ARM + 1] = FINGER_M * openness(g, recording->arm);
    dq[N_ARM] = dq[N_ARM + 1] = 0;
}

static double pushed_n(const struct recording *recording, double t_s)
{
    double force[3];
    push_force(recording->motion, recording->arm, t_s, force);
    return sqrt(force[0] * force[0] + force[1] * force[1] + force[2] * force[2]);
}

static double torque(size_t j, const double *q, const double *dq, double push_n)
{
    return GRAVITY_NM[j] * (j == 1 ? sin(q[1]) : cos(q[j] - READY[j])) + ARM_VISCOUS[j] * dq[j] +
           ARM_COULOMB[j] * tanh(dq[j] / COULOMB_SPEED) + LEVER_M[j] * push_n;
}

static void put_header(struct et_cdr *w, const struct channel *channel, size_t i, const char *frame)
{
    et_cdr_time(w, channel->t_device_ns[i]);
    et_cdr_text(w, et_str(frame));
}

static void put_names(struct et_cdr *w, const size_t *order)
{
    struct et_str names[N_NAMES];
    for (size_t k = 0; k < N_NAMES; k++)
        names[k] = joint_name(order[k]);
    et_cdr_texts(w, names, N_NAMES);
}

static void joint_states(const struct recording *recording, const struct channel *channel, size_t i,
                         struct et_buf *to)
{
    struct et_cdr w = et_cdr_begin(to);
    double q[N_NAMES], dq[N_NAMES], p[N_NAMES], v[N_NAMES], e[N_NAMES];
    const double t = channel->t_s[i], push_n = pushed_n(recording, t);
    franka_at(recording, t, t, q, dq);
    for (size_t k = 0; k < N_NAMES; k++) {
        const size_t j = STATE_ORDER[k];
        const bool is_arm = j < N_ARM;
        p[k] = q[j] + (is_arm ? ENCODER_NOISE_RAD * motion_noise(recording->seed, j, t) : 0);
        v[k] = dq[j] + (is_arm ? 2e-3 * message_noise(recording, channel, i, j) : 0);
        e[k] = is_arm
                   ? torque(j, q, dq, push_n) + 0.03 * message_noise(recording, channel, i, 9 + j)
                   : 0;
    }
    put_header(&w, channel, i, "base");
    put_names(&w, STATE_ORDER);
    et_cdr_f64s(&w, p, N_NAMES);
    et_cdr_f64s(&w, v, N_NAMES);
    et_cdr_f64s(&w, e, N_NAMES);
}

static void joint_commands(const struct recording *recording, const struct channel *channel,
                           size_t i, struct et_buf *to)
{
    struct et_cdr w = et_cdr_begin(to);
    double q[N_NAMES], dq[N_NAMES], p[N_NAMES];
    const double t = channel->t_s[i];
    franka_at(recording, t + recording->arm_latency_s, t + recording->hand_latency_s, q, dq);
    for (size_t k = 0; k < N_NAMES; k++)
        p[k] = q[COMMAND_ORDER[k]];
    put_header(&w, channel, i, "");
    put_names(&w, COMMAND_ORDER);
    et_cdr_f64s(&w, p, N_NAMES);
    et_cdr_f64s(&w, NULL, 0);
    et_cdr_f64s(&w, NULL, 0);
}

static void wrist_wrench(const struct recording *recording, const struct channel *channel, size_t i,
                         struct et_buf *to)
{
    struct et_cdr w = et_cdr_begin(to);
    double q[N_NAMES], dq[N_NAMES], force[3];
    const double t = channel->t_s[i], weight_n = 0.73 * 9.81, arm_m = 0.06;
    franka_at(recording, t, t, q, dq);
    push_force(recording->motion, recording->arm, t, force);
    // The hand's weight turns with the wrist.
    force[0] += weight_n * sin(q[5] - READY[5]) * cos(q[6] - READY[6]);
    force[1] += weight_n * sin(q[6] - READY[6]);
    force[2] -= weight_n * cos(q[5] - READY[5]) * cos(q[6] - READY[6]);
    put_header(&w, channel, i, "fr3_link8");
    for (size_t k = 0; k < 3; k++)
        et_cdr_f64(&w, force[k] + 0.08 * message_noise(recording, channel, i, k));
    et_cdr_f64(&w, -arm_m * force[1] + 0.003 * message_noise(recording, channel, i, 3));
    et_cdr_f64(&w, arm_m * force[0] + 0.003 * message_noise(recording, channel, i, 4));
    et_cdr_f64(&w, 0.003 * message_noise(recording, channel, i, 5));
}

static void camera(const struct recording *recording, const struct channel *channel, size_t i,
                   struct et_buf *to)
{
    struct et_buf jpeg = et_buf((size_t)4 << 20);
    struct et_cdr w = et_cdr_begin(to);
    picture_jpeg(recording, channel, i, false, &jpeg);
    put_header(&w, channel, i, "camera_color_optical_frame");
    et_cdr_text(&w, et_str("rgb8; jpeg compressed bgr8"));
    et_cdr_bytes(&w, jpeg.p, jpeg.n);
    et_buf_free(&jpeg);
}

/* A frame that shakes: a topic that nobody asks for. */
static void frames(const struct recording *recording, const struct channel *channel, size_t i,
                   struct et_buf *to)
{
    struct et_cdr w = et_cdr_begin(to);
    et_cdr_count(&w, 1);
    put_header(&w, channel, i, "world");
    et_cdr_text(&w, et_str("base"));
    for (size_t k = 0; k < 6; k++)
        et_cdr_f64(&w, 1e-3 * message_noise(recording, channel, i, k));
    et_cdr_f64(&w, 1);
}

static void episode(const struct recording *recording, const struct channel *channel, size_t i,
                    struct et_buf *to)
{
    struct et_cdr w = et_cdr_begin(to);
    et_cdr_text(&w, et_str(channel->texts[i]));
    (void)recording;
}

/* ---- the recording ---- */

static void add_joints(struct recording *r)
{
    const double seconds = r->motion->seconds;
    struct device *body = add_device(r, "arm", 1, -1);
    if (r->magnitude == 2)
        add_reset(body, 0.5 * seconds, 5);
    if (r->magnitude == 3)
        add_reset(body, 0.45 * seconds, 5);
    struct channel *c = add_channel(r, "/joint_states", "sensor_msgs/msg/JointState", body, 100);
    add_stream(c, "right_arm.position", "position");
    add_stream(c, "right_arm.velocity", "velocity");
    add_stream(c, "right_arm.effort", "effort");
    add_stream(c, "right_hand.position", "position");
    c->encode = joint_states;
    if (r->magnitude == 3) {
        add_gap(c, 0.30 * seconds, 0.30 * seconds + 0.3);
        c->disordered_at_s = 0.70 * seconds;
    }
    channel_schedule(r, c, NULL, 0);
    c = add_channel(r, "/joint_commands", "sensor_msgs/msg/JointState", body, 50);
    add_stream(c, "command.right_arm.position", "position");
    add_stream(c, "command.right_hand.position", "position");
    c->encode = joint_commands;
    channel_schedule(r, c, NULL, 0);
    c = add_channel(r, "/tf", "tf2_msgs/msg/TFMessage", body, 100);
    c->encode = frames;
    channel_schedule(r, c, NULL, 0);
}

static void add_sensors(struct recording *r)
{
    const double seconds = r->motion->seconds;
    struct device *wrist = add_device(r, "wrist sensor", 0.3, 0.6);
    if (r->magnitude == 3)
        add_reset(wrist, 0.65 * seconds, 31);
    struct channel *c =
        add_channel(r, "/wrist_wrench", "geometry_msgs/msg/WrenchStamped", wrist, 500);
    add_stream(c, "right_wrist.wrench", "wrench");
    c->encode = wrist_wrench;
    c->drop = by_magnitude(r, 0, 0.002, 0.02);
    channel_schedule(r, c, NULL, 0);

    struct device *eye = add_device(r, "camera", -0.5, 0.8);
    c = add_channel(r, "/camera/color/image_raw/compressed", "sensor_msgs/msg/CompressedImage", eye,
                    30);
    add_stream(c, "scene.image", "");
    c->encode = camera;
    c->link = LINK_USB;
    c->min_delay_s = 5e-3;
    c->jitter_s = 100e-6;
    c->latency_s = by_magnitude(r, 0.010, 0.030, 0.080);
    if (r->magnitude >= 2) {
        const double at = moving_at(r->motion, 2, 0.6);
        add_frozen(c, at, at + by_magnitude(r, 0, 0.8, 2));
    }
    channel_schedule(r, c, NULL, 0);
}

static void add_marks(struct recording *r)
{
    static const char *texts[2 * EPISODES_MAX];
    double times[2 * EPISODES_MAX];
    const size_t n = r->motion->n_episodes;
    for (size_t i = 0; i < n; i++) {
        times[2 * i] = r->motion->episodes[i].begin_s - MARK_S;
        times[2 * i + 1] = r->motion->episodes[i].end_s + MARK_S;
        texts[2 * i] = "start";
        texts[2 * i + 1] = "stop";
    }
    struct channel *c = add_channel(r, "/episode", "std_msgs/msg/String", NULL, 0);
    add_stream(c, "scene.event", "data");
    c->encode = episode;
    c->texts = texts;
    c->link = LINK_WIRED;
    c->min_delay_s = 150e-6;
    channel_schedule(r, c, times, 2 * n);
}

/* ---- rosbag2 with SQLite, schema 4 ---- */

static const char SCHEMA[] =
    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN;"
    "CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);"
    "CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, "
    "metadata TEXT NOT NULL);"
    "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, "
    "serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL, "
    "type_description_hash TEXT NOT NULL);"
    "CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, "
    "encoding TEXT NOT NULL, encoded_message_definition TEXT NOT NULL, "
    "type_description_hash TEXT NOT NULL);"
    "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, "
    "timestamp INTEGER NOT NULL, data BLOB NOT NULL);"
    "INSERT INTO schema VALUES(4, 'jazzy');";

struct bag {
    sqlite3 *db;
    sqlite3_stmt *message;
    int64_t first_ns, last_ns, n;
};

static bool put(void *to, const struct recording *recording, size_t i_channel, size_t i,
                struct et_str bytes)
{
    struct bag *bag = to;
    const int64_t t = recording->channels[i_channel].t_arrival_ns[i];
    bag->first_ns = bag->n == 0 ? t : bag->first_ns;
    bag->last_ns = t;
    bag->n++;
    (void)sqlite3_bind_int64(bag->message, 1, (int64_t)i_channel + 1);
    (void)sqlite3_bind_int64(bag->message, 2, t);
    (void)sqlite3_bind_blob64(bag->message, 3, bytes.p, bytes.n, SQLITE_STATIC);
    const bool is_done = sqlite3_step(bag->message) == SQLITE_DONE;
    (void)sqlite3_reset(bag->message);
    return is_done;
}

static bool run(sqlite3 *db, const char *sql, const char *const *texts, size_t n)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return false;
    for (size_t k = 0; k < n; k++)
        (void)sqlite3_bind_text(statement, (int)k + 1, texts[k], -1, SQLITE_STATIC);
    const bool is_done = sqlite3_step(statement) == SQLITE_DONE;
    (void)sqlite3_finalize(statement);
    return is_done;
}

static bool put_topics(sqlite3 *db, const struct recording *recording)
{
    for (size_t c = 0; c < recording->n_channels; c++) {
        const struct channel *channel = &recording->channels[c];
        const char *const topic[] = {channel->topic, channel->type};
        size_t first = 0;
        while (strcmp(recording->channels[first].type, channel->type) != 0)
            first++;
        struct et_buf text = et_buf((size_t)1 << 20);
        struct et_err err = {0};
        bool is_fine =
            et_msgdef_store_text(et_str(channel->type), ET_MSGDEF_ROS2, &text, &err) == ET_OK;
        if (!is_fine)
            fprintf(stderr, "truth_recordings: %s\n", err.text);
        const char *const definition[] = {channel->type, et_buf_text(&text)};
        is_fine = is_fine &&
                  run(db,
                      "INSERT INTO topics(name, type, serialization_format, "
                      "offered_qos_profiles, type_description_hash) "
                      "VALUES(?1, ?2, 'cdr', '', '')",
                      topic, 2) &&
                  (first < c || run(db,
                                    "INSERT INTO message_definitions(topic_type, encoding, "
                                    "encoded_message_definition, type_description_hash) "
                                    "VALUES(?1, 'ros2msg', ?2, '')",
                                    definition, 2));
        et_buf_free(&text);
        if (!is_fine)
            return false;
    }
    return true;
}

static void put_metadata(const struct recording *r, const struct bag *bag, struct et_buf *to)
{
    et_buf_printf(to,
                  "rosbag2_bagfile_information:\n  version: 9\n  storage_identifier: sqlite3\n"
                  "  duration:\n    nanoseconds: %lld\n"
                  "  starting_time:\n    nanoseconds_since_epoch: %lld\n"
                  "  message_count: %lld\n  topics_with_message_count:\n",
                  (long long)(bag->last_ns - bag->first_ns), (long long)bag->first_ns,
                  (long long)bag->n);
    for (size_t c = 0; c < r->n_channels; c++)
        et_buf_printf(to,
                      "    - topic_metadata:\n        name: %s\n        type: %s\n"
                      "        serialization_format: cdr\n        offered_qos_profiles: []\n"
                      "        type_description_hash: \"\"\n      message_count: %zu\n",
                      r->channels[c].topic, r->channels[c].type, r->channels[c].n);
    et_buf_printf(to,
                  "  compression_format: \"\"\n  compression_mode: \"\"\n"
                  "  relative_file_paths:\n    - ros2_0.db3\n  files:\n    - path: ros2_0.db3\n"
                  "      starting_time:\n        nanoseconds_since_epoch: %lld\n"
                  "      duration:\n        nanoseconds: %lld\n      message_count: %lld\n"
                  "  custom_data: ~\n  ros_distro: jazzy\n",
                  (long long)bag->first_ns, (long long)(bag->last_ns - bag->first_ns),
                  (long long)bag->n);
}

static bool write_db(const struct recording *recording, const char *path, struct et_buf *metadata)
{
    struct bag bag = {0};
    (void)remove(path);
    bool is_fine = sqlite3_open(path, &bag.db) == SQLITE_OK &&
                   sqlite3_exec(bag.db, SCHEMA, NULL, NULL, NULL) == SQLITE_OK &&
                   put_topics(bag.db, recording) &&
                   sqlite3_prepare_v2(
                       bag.db, "INSERT INTO messages(topic_id, timestamp, data) VALUES(?1, ?2, ?3)",
                       -1, &bag.message, NULL) == SQLITE_OK &&
                   recording_write(recording, put, &bag);
    (void)sqlite3_finalize(bag.message);
    if (is_fine) {
        put_metadata(recording, &bag, metadata);
        const char *const text[] = {et_buf_text(metadata)};
        is_fine = run(bag.db, "INSERT INTO metadata(metadata_version, metadata) VALUES(9, ?1)",
                      text, 1) &&
                  sqlite3_exec(bag.db,
                               "CREATE INDEX timestamp_idx ON messages(timestamp ASC);"
                               "COMMIT;",
                               NULL, NULL, NULL) == SQLITE_OK;
    }
    if (!is_fine)
        fprintf(stderr, "truth_recordings: %s: %s\n", path, sqlite3_errmsg(bag.db));
    (void)sqlite3_close(bag.db);
    return is_fine;
}

static bool write_bag(const struct recording *recording, const char *folder)
{
    char path[4096];
    struct et_err err = {0};
    (void)snprintf(path, sizeof path, "%s/ros2", folder);
    if (et_dir_make(path, &err) != ET_OK)
        return fprintf(stderr, "truth_recordings: %s\n", err.text) < 0;
    struct et_buf metadata = et_buf((size_t)1 << 20);
    (void)snprintf(path, sizeof path, "%s/ros2/ros2_0.db3", folder);
    bool is_fine = write_db(recording, path, &metadata);
    (void)snprintf(path, sizeof path, "%s/ros2/metadata.yaml", folder);
    if (is_fine && et_file_replace(path, metadata.p, metadata.n, &err) != ET_OK)
        is_fine = fprintf(stderr, "truth_recordings: %s\n", err.text) < 0;
    et_buf_free(&metadata);
    return is_fine;
}

/* The arm that moves more. */
static int busier_arm(const struct motion *motion)
{
    double way[2] = {0};
    for (size_t k = 0; k < 2 * N_ARM; k++)
        way[k / N_ARM] += motion->high[Q_ARM + k] - motion->low[Q_ARM + k];
    return way[LEFT] > way[RIGHT] ? LEFT : RIGHT;
}

bool make_ros2(const struct motion *motion, int magnitude, uint64_t seed, const char *folder)
{
    struct recording *r = need(calloc(1, sizeof *r));
    struct motion pushed = *motion;
    for (size_t i = 0; i < pushed.n_pushes; i++) // all on the one arm, by its own levers
        pushed.pushes[i].torque_nm = LEVER_M[1] * pushed.pushes[i].force_n;
    recording_begin(r, &pushed, magnitude, seed);
    r->name = "ros2";
    r->file = "ros2";
    r->is_marked = true;
    r->arm = busier_arm(motion);
    for (size_t i = 0; i < pushed.n_pushes; i++)
        pushed.pushes[i].side = r->arm;
    r->torque = "made: a cosine of the position for gravity, friction, levers for pushes";
    r->pushed[r->arm] = r->commanded[0] = "right_arm";
    r->commanded[2] = "right_hand";
    add_joints(r);
    add_sensors(r);
    add_marks(r);
    const bool is_written = write_bag(r, folder) && truth_write(r, folder);
    recording_free(r);
    free(r);
    return is_written;
}

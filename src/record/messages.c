/* Topics and what is sent on them: the robot's own names, order, units and signs. */
#include "record__record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ARRIVAL_STEP_NS 1000     // messages of one topic come one behind the other
#define REPEATED_AFTER_NS 300000 // what is sent twice comes again so much later
#define DEFINITION_BYTES_MAX (1 << 20)
#define PADS 2
#define FIELDS (ET_WORLD_PRESSURE_VALUES / ET_WORLD_TOUCH_VALUES) // of a pad

// ---- topics ----

static enum et_status add_schema(struct et_world_record *record, const char *type, uint16_t *id,
                                 struct et_err *err)
{
    struct et_buf text = et_buf(DEFINITION_BYTES_MAX);
    for (uint16_t i = 0; i < record->n_schemas; i++)
        if (strcmp(record->schemas[i], type) == 0) {
            *id = (uint16_t)(i + 1);
            return ET_OK;
        }
    if (record->n_schemas == ET__SCHEMAS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d types of messages", ET__SCHEMAS_MAX);
    record->schemas[record->n_schemas++] = type;
    *id = record->n_schemas;
    if (record->options.feed) // which finds definitions by itself
        return ET_OK;
    enum et_status st = et_msgdef_store_text(et_str(type), ET_MSGDEF_ROS2, &text, err);
    if (st == ET_OK)
        st = et_buf_check(&text, "a message definition", err);
    if (st == ET_OK)
        st = et_mcap_add_schema(record->writer,
                                &(struct et_mcap_schema){.id = *id,
                                                         .name = et_str(type),
                                                         .encoding = et_str("ros2msg"),
                                                         .data = et_buf_str(&text)},
                                err);
    et_buf_free(&text);
    return st;
}

enum et_status et__topic_open(struct et_world_record *record, struct et__topic *topic,
                              enum et__device_name device, const char *name, const char *type,
                              double rate_hz, struct et_err *err)
{
    uint16_t schema = 0;
    enum et_status st = add_schema(record, type, &schema, err);
    if (st != ET_OK)
        return st;
    if (record->n_channels == UINT16_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d topics", UINT16_MAX);
    *topic = (struct et__topic){
        .channel = ++record->n_channels, .device = device, .name = name, .frame = "robot"};
    // Events go where all of a feed's go.
    if (record->options.feed)
        return et_feed_add_type(record->options.feed, name, type,
                                strcmp(name, "/events") == 0 ? NULL : record->path, rate_hz,
                                &topic->channel, err);
    return et_mcap_add_channel(record->writer,
                               &(struct et_mcap_channel){.id = topic->channel,
                                                         .schema_id = schema,
                                                         .topic = et_str(name),
                                                         .encoding = et_str("cdr")},
                               err);
}

enum et_status et__topics_open(struct et_world_record *r, struct et_err *err)
{
    static const char TOUCH[] = "etude_msgs/msg/Touch",
                      WRENCH[] = "geometry_msgs/msg/WrenchStamped";
    static const char JOINTS[] = "sensor_msgs/msg/JointState";
    const struct {
        struct et__topic *topic;
        enum et__device_name device;
        const char *name, *type, *frame;
        double rate_hz;
    } TOPICS[] = {
        {&r->joint_states, ET__DEVICE_BODY, "/joint_states", JOINTS, "robot", 500},
        {&r->joint_commands, ET__DEVICE_BODY, "/joint_commands", JOINTS, "robot", 500},
        {&r->wrenches[0], ET__DEVICE_WRISTS, "/left_wrist/wrench", WRENCH, "left_wrist", 500},
        {&r->wrenches[1], ET__DEVICE_WRISTS, "/right_wrist/wrench", WRENCH, "right_wrist", 500},
        {&r->touches[0], ET__DEVICE_HANDS, "/left_hand/touch", TOUCH, "left_hand", 100},
        {&r->touches[1], ET__DEVICE_HANDS, "/right_hand/touch", TOUCH, "right_hand", 100},
        {&r->pressures[0], ET__DEVICE_HANDS, "/left_hand/pressure", TOUCH, "left_hand", 100},
        {&r->pressures[1], ET__DEVICE_HANDS, "/right_hand/pressure", TOUCH, "right_hand", 100},
        {&r->imu, ET__DEVICE_IMU, "/imu", "sensor_msgs/msg/Imu", "trunk", 200},
        {&r->events, ET__DEVICE_CENTRE, "/events", "etude_msgs/msg/Event", "", 0},
        {&r->task, ET__DEVICE_CENTRE, "/truth/task", JOINTS, "base", 100},
    };
    for (size_t i = 0; i < sizeof TOPICS / sizeof *TOPICS; i++) {
        const enum et_status st =
            et__topic_open(r, TOPICS[i].topic, TOPICS[i].device, TOPICS[i].name, TOPICS[i].type,
                           TOPICS[i].rate_hz, err);
        if (st != ET_OK)
            return st;
        TOPICS[i].topic->frame = TOPICS[i].frame;
    }
    return ET_OK;
}

// ---- on the way ----

enum et_status et__send_begin(struct et_world_record *record, struct et__topic *topic, int64_t t_ns,
                              struct et__message **message, struct et_err *err)
{
    *message = NULL;
    const uint32_t sequence = topic->n_sent++;
    if (et__spoil_loses(record, topic))
        return ET_OK;
    const enum et_status st = et__queue_new(&record->queue, message, err);
    if (st != ET_OK)
        return st;
    (*message)->channel = topic->channel;
    (*message)->sequence = sequence;
    (*message)->t_device_ns = et__device_stamp(&record->devices[topic->device], t_ns);
    return ET_OK;
}

struct et_cdr et__send_header(const struct et__topic *topic, struct et__message *message)
{
    struct et_cdr w = et_cdr_begin(&message->bytes);
    et_cdr_time(&w, message->t_device_ns);
    et_cdr_text(&w, et_str(topic->frame));
    return w;
}

enum et_status et__send(struct et_world_record *record, struct et__topic *topic, int64_t t_ns,
                        struct et__message *message, struct et_err *err)
{
    int64_t t_arrival = et__device_arrival(&record->devices[topic->device], t_ns);
    if (topic->device < ET__DEVICE_CAMERA) // the robot's sensors may be late
        t_arrival += record->t_world_ns - record->t_ns;
    if (t_arrival < topic->t_last_ns + ARRIVAL_STEP_NS)
        t_arrival = topic->t_last_ns + ARRIVAL_STEP_NS;
    enum et_status st = et_buf_check(&message->bytes, topic->name, err);
    topic->t_last_ns = message->t_arrival_ns = t_arrival;
    et__queue_put(&record->queue, message);
    if (st != ET_OK || !et__spoil_repeats(record, topic))
        return st;
    struct et__message *again;
    st = et__queue_new(&record->queue, &again, err);
    if (st != ET_OK)
        return st;
    again->channel = message->channel;
    again->sequence = message->sequence;
    again->t_device_ns = message->t_device_ns;
    again->t_arrival_ns = topic->t_last_ns = t_arrival + REPEATED_AFTER_NS;
    et_buf_put(&again->bytes, message->bytes.p, message->bytes.n);
    et__queue_put(&record->queue, again);
    return et_buf_check(&again->bytes, topic->name, err);
}

static enum et_status write_message(struct et_world_record *record, const struct et__message *m,
                                    struct et_err *err)
{
    const int64_t t_arrival_ns = record->options.t0_ns + m->t_arrival_ns;
    if (record->options.feed) {
        // What finds no room is counted there.
        (void)et_feed_put(record->options.feed,
                          &(struct et_feed_sample){.t_arrival_ns = t_arrival_ns,
                                                   .t_device_ns = m->t_device_ns,
                                                   .stream = m->channel,
                                                   .n_bytes = (uint32_t)m->bytes.n,
                                                   .bytes = m->bytes.p});
        return ET_OK;
    }
    const struct et_mcap_message message = {
        .channel_id = m->channel,
        .sequence = m->sequence,
        .log_time_ns = t_arrival_ns,
        .publish_time_ns = m->t_device_ns > 0 ? m->t_device_ns : 0,
        .data = et_buf_str(&m->bytes),
    };
    return et_mcap_write(record->writer, &message, err);
}

enum et_status et__write_arrived(struct et_world_record *record, int64_t t_ns, struct et_err *err)
{
    struct et__message *m;
    while ((m = et__queue_take(&record->queue, t_ns))) {
        const enum et_status st = write_message(record, m, err);
        et__queue_done(&record->queue, m);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

// ---- every tick ----

/* Values in the robot's own order and units; an effort only has the sign. */
static void put_own(struct et_world_record *record, struct et_cdr *w, const double *values,
                    bool is_effort)
{
    double *own = record->values + 4 * record->n_joints;
    for (size_t k = 0; k < record->n_joints; k++) {
        const double scale = record->joints[record->order[k]].maker_scale;
        own[k] = values[record->order[k]] * (is_effort ? copysign(1, scale) : scale);
    }
    et_cdr_f64s(w, own, record->n_joints);
}

static void put_names(struct et_world_record *record, struct et_cdr *w)
{
    et_cdr_count(w, record->n_joints);
    for (size_t k = 0; k < record->n_joints; k++)
        et_cdr_text(w, et_str(record->joints[record->order[k]].maker));
}

static enum et_status send_states(struct et_world_record *record, const struct et__joints *joints,
                                  int64_t t_ns, struct et_err *err)
{
    struct et__message *message;
    const enum et_status st = et__send_begin(record, &record->joint_states, t_ns, &message, err);
    if (st != ET_OK || !message)
        return st;
    struct et_cdr w = et__send_header(&record->joint_states, message);
    put_names(record, &w);
    put_own(record, &w, joints->position, false);
    put_own(record, &w, joints->velocity, false);
    put_own(record, &w, joints->effort, true);
    return et__send(record, &record->joint_states, t_ns, message, err);
}

static enum et_status send_commands(struct et_world_record *record, const struct et__joints *joints,
                                    int64_t t_ns, struct et_err *err)
{
    struct et__message *message;
    const enum et_status st = et__send_begin(record, &record->joint_commands, t_ns, &message, err);
    if (st != ET_OK || !message)
        return st;
    struct et_cdr w = et__send_header(&record->joint_commands, message);
    put_names(record, &w);
    put_own(record, &w, joints->command, false);
    et_cdr_f64s(&w, NULL, 0);
    et_cdr_f64s(&w, NULL, 0);
    return et__send(record, &record->joint_commands, t_ns, message, err);
}

static enum et_status send_wrench(struct et_world_record *record, size_t side, const double *values,
                                  int64_t t_ns, struct et_err *err)
{
    struct et__topic *topic = &record->wrenches[side];
    struct et__message *message;
    const enum et_status st = et__send_begin(record, topic, t_ns, &message, err);
    if (st != ET_OK || !message)
        return st;
    struct et_cdr w = et__send_header(topic, message);
    for (size_t k = 0; k < ET_WORLD_WRENCH_VALUES / 2; k++)
        et_cdr_f64(&w, values[k]);
    return et__send(record, topic, t_ns, message, err);
}

static void put_no_covariance(struct et_cdr *w)
{
    for (size_t k = 0; k < 9; k++)
        et_cdr_f64(w, 0);
}

static enum et_status send_imu(struct et_world_record *record, const double *values, int64_t t_ns,
                               struct et_err *err)
{
    struct et__message *message;
    const enum et_status st = et__send_begin(record, &record->imu, t_ns, &message, err);
    if (st != ET_OK || !message)
        return st;
    struct et_cdr w = et__send_header(&record->imu, message);
    for (size_t k = 0; k < ET_WORLD_IMU_VALUES; k++) {
        et_cdr_f64(&w, values[k]);
        if (k == 3 || k == 6 || k == 9)
            put_no_covariance(&w);
    }
    return et__send(record, &record->imu, t_ns, message, err);
}

/* Two ticks of five: 200 of 500 a second. */
static bool is_imu_due(int64_t i_tick)
{
    return i_tick == 0 || 2 * i_tick / 5 != 2 * (i_tick - 1) / 5;
}

enum et_status et__send_tick(struct et_world_record *record, size_t i_tick, int64_t t_ns,
                             struct et_err *err)
{
    const struct et_world_state *s = et_world_observe(record->world);
    const size_t n = record->n_joints, at = i_tick * n;
    const struct et__joints joints = {record->values, record->values + n, record->values + 2 * n,
                                      record->values + 3 * n};
    memcpy(joints.position, s->position + at, n * sizeof(double));
    memcpy(joints.velocity, s->velocity + at, n * sizeof(double));
    memcpy(joints.effort, s->effort + at, n * sizeof(double));
    memcpy(joints.command, s->command + at, n * sizeof(double));
    et__spoil_joints(record, t_ns, &joints);
    enum et_status st = send_commands(record, &joints, t_ns, err);
    if (st == ET_OK)
        st = send_states(record, &joints, t_ns, err);
    const double *wrench = s->wrench + i_tick * ET_WORLD_WRENCH_VALUES;
    for (size_t side = 0; side < 2 && st == ET_OK; side++)
        st = send_wrench(record, side, wrench + side * ET_WORLD_WRENCH_VALUES / 2, t_ns, err);
    if (st == ET_OK && is_imu_due(record->n_ticks++))
        st = send_imu(record, s->imu + i_tick * ET_WORLD_IMU_VALUES, t_ns, err);
    return st;
}

// ---- every step ----

static enum et_status send_touch(struct et_world_record *record, struct et__topic *topic,
                                 const char *unit, const double *values, uint32_t n_cells,
                                 struct et_err *err)
{
    static const char *const NAMES[PADS] = {"pad_1", "pad_2"};
    struct et__message *message;
    const enum et_status st = et__send_begin(record, topic, record->t_ns, &message, err);
    if (st != ET_OK || !message)
        return st;
    struct et_cdr w = et__send_header(topic, message);
    et_cdr_text(&w, et_str(unit));
    et_cdr_count(&w, PADS);
    for (size_t k = 0; k < PADS; k++)
        et_cdr_text(&w, et_str(NAMES[k]));
    et_cdr_count(&w, PADS);
    for (size_t k = 0; k < PADS; k++)
        et_cdr_u32(&w, n_cells);
    et_cdr_count(&w, (size_t)PADS * n_cells);
    for (size_t k = 0; k < (size_t)PADS * n_cells; k++)
        et_cdr_f32(&w, (float)values[k]);
    return et__send(record, topic, record->t_ns, message, err);
}

static enum et_status send_truth(struct et_world_record *record, size_t i, struct et_err *err)
{
    struct et__topic *topic = &record->truths[i];
    const struct et_pose pose = et_world_object(record->world, i).pose;
    struct et__message *message;
    const enum et_status st = et__send_begin(record, topic, record->t_world_ns, &message, err);
    if (st != ET_OK || !message)
        return st;
    struct et_cdr w = et__send_header(topic, message);
    const double values[] = {pose.position.x, pose.position.y, pose.position.z, pose.rotation.x,
                             pose.rotation.y, pose.rotation.z, pose.rotation.w};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++)
        et_cdr_f64(&w, values[k]);
    return et__send(record, topic, record->t_world_ns, message, err);
}

/* What the skill is about, by names. */
static enum et_status send_task(struct et_world_record *record, struct et_err *err)
{
    struct et__topic *topic = &record->task;
    struct et__message *message;
    size_t n;
    const char *const *names = et_world_task_names(record->world, &n);
    const enum et_status st = et__send_begin(record, topic, record->t_world_ns, &message, err);
    if (st != ET_OK || !message)
        return st;
    et_world_task(record->world, record->task_values);
    struct et_cdr w = et__send_header(topic, message);
    et_cdr_count(&w, n);
    for (size_t i = 0; i < n; i++)
        et_cdr_text(&w, et_str(names[i]));
    et_cdr_f64s(&w, record->task_values, n);
    et_cdr_f64s(&w, NULL, 0);
    et_cdr_f64s(&w, NULL, 0);
    return et__send(record, topic, record->t_world_ns, message, err);
}

enum et_status et__send_step(struct et_world_record *record, struct et_err *err)
{
    const struct et_world_state *s = et_world_observe(record->world);
    const size_t last = ET_WORLD_TICKS - 1;
    const double *touch = s->touch + last * ET_WORLD_TOUCH_VALUES;
    const double *pressure = s->pressure + last * ET_WORLD_PRESSURE_VALUES;
    enum et_status st = ET_OK;
    for (size_t side = 0; side < 2 && st == ET_OK; side++) {
        st = send_touch(record, &record->touches[side], "N", touch + side * PADS, 1, err);
        if (st == ET_OK)
            st = send_touch(record, &record->pressures[side], "Pa", pressure + side * PADS * FIELDS,
                            FIELDS, err);
    }
    for (size_t i = 0; i < et_world_n_objects(record->world) && st == ET_OK; i++)
        st = send_truth(record, i, err);
    return st == ET_OK ? send_task(record, err) : st;
}

enum et_status et__send_event(struct et_world_record *record, const char *kind, const char *text,
                              const char *value, struct et_err *err)
{
    struct et__topic *topic = &record->events;
    struct et__message *message;
    const enum et_status st = et__send_begin(record, topic, record->t_world_ns, &message, err);
    if (st != ET_OK || !message)
        return st;
    struct et_cdr w = et__send_header(topic, message);
    et_cdr_text(&w, et_str(kind));
    et_cdr_text(&w, et_str(record->trainer ? record->trainer : ""));
    et_cdr_text(&w, et_str(text ? text : ""));
    et_cdr_text(&w, et_str(value ? value : ""));
    return et__send(record, topic, record->t_world_ns, message, err);
}

/* Arms of servos that a person wears or leads by hand: Dynamixel protocol 2.0 on a serial port.
 *
 * It only ever reads: present current, velocity and position of all servos in one request, as often
 * as the settings say. Servos are asked whether they are there first, since one that is absent
 * keeps those behind it in the list from answering; one that falls silent is left out, told, and
 * asked for again. Nothing waits: a request is sent, and what has come is looked at, until all have
 * answered or the time is over. */
#include "record/record__dxl.h"
#include "record/record__listener.h"
#include "record/record__serial.h"
#include "record/record__sources.h"

#include "etude/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SERVOS_MAX 32
#define MESSAGE_BYTES_MAX ((size_t)32 << 10)
#define READS_MAX 16 // of a poll
#define TRY_NS ET_NS_PER_S
#define MISSES_MAX 3 // in a row, and a servo is left out
#define FAST_MISSES_MAX 10

// Of all X and P servos (their control tables): current, velocity and position behind each other.
#define ADDRESS 126
#define DATA_BYTES 10
#define RAD_PER_STEP (2 * M_PI / 4096)
#define STEP_MIDDLE 2048
#define RAD_S_PER_UNIT (0.229 * 2 * M_PI / 60)
#define A_PER_UNIT 0.00269

struct servo {
    uint8_t id;
    char name[ET_NAME_BYTES_MAX + 1];
    double sign, offset_rad, nm_per_a;
    bool is_there, was_asked;
    bool has_answered; // to the request under way
    uint8_t error;     // that was told
    int n_misses;
    int64_t t_ask_ns; // that it is asked for again
    double position_rad, velocity_rad_s, effort;
};

enum request { IDLE, PINGING, READING };

struct dynamixel {
    struct et__listener listener;
    char *port;
    int baud;
    bool is_fast; // as long as it works
    int n_fast_misses;
    int64_t period_ns, limit_ns;
    uint16_t stream;
    struct servo servos[SERVOS_MAX];
    size_t n_servos;

    int fd;
    struct et__dxl_stream bytes;
    enum request request;
    size_t i_pinged;
    int64_t t_try_ns, t_cycle_ns, t_limit_ns;
};

/* ---- settings ---- */

static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema BOOL = {.type = ET_SCHEMA_BOOL};
static const struct et_schema REAL = {.type = ET_SCHEMA_REAL};
static const struct et_schema BAUD = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 9600, .max = 12000000};
static const struct et_schema RATE = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 1, .max = 2000};
static const struct et_schema LIMIT = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.1, .max = 1000};
static const struct et_schema ID = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = ET__DXL_ID_MAX};
static const struct et_schema SIGN = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = -1, .max = 1};
static const struct et_schema_field JOINT_FIELDS[] = {
    {"id", &ID, true},        {"name", &TEXT, true},      {"sign", &SIGN, false},
    {"offset", &REAL, false}, {"nm_per_a", &REAL, false}, {NULL, NULL, false}};
static const struct et_schema JOINT = {.type = ET_SCHEMA_MAP, .fields = JOINT_FIELDS};
static const struct et_schema JOINTS = {
    .type = ET_SCHEMA_LIST, .items = &JOINT, .n_min = 1, .n_max = SERVOS_MAX};
static const struct et_schema_field FIELDS[] = {
    {"port", &TEXT, true},  {"baud", &BAUD, false},        {"rate", &RATE, false},
    {"fast", &BOOL, false}, {"timeout_ms", &LIMIT, false}, {"joints", &JOINTS, true},
    {NULL, NULL, false}};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};

static enum et_status read_joint(struct dynamixel *d, const struct et_value *joint,
                                 const char *path, struct et_err *err)
{
    struct servo *servo = &d->servos[d->n_servos];
    const struct et_value *name = et_value_get(joint, "name"), *id = et_value_get(joint, "id");
    const int64_t sign = et_value_int(et_value_get(joint, "sign"), 1);
    if (et_name_check(name->as.string, "a joint's name", NULL) != ET_OK)
        return et_yaml_fail(err, path, et_value_place(name), "this is no name for a joint");
    if (sign == 0)
        return et_yaml_fail(err, path, et_value_place(et_value_get(joint, "sign")),
                            "a sign is 1 or -1");
    servo->id = (uint8_t)et_value_int(id, 0);
    (void)snprintf(servo->name, sizeof servo->name, "%.*s", ET_STR_ARG(name->as.string));
    servo->sign = (double)sign;
    servo->offset_rad = et_value_real(et_value_get(joint, "offset"), 0);
    servo->nm_per_a = et_value_real(et_value_get(joint, "nm_per_a"), 1);
    for (size_t i = 0; i < d->n_servos; i++)
        if (d->servos[i].id == servo->id || strcmp(d->servos[i].name, servo->name) == 0)
            return et_yaml_fail(err, path, et_value_place(id), "id %d or name %.60s stands twice",
                                servo->id, servo->name);
    d->n_servos++;
    return ET_OK;
}

static enum et_status read_settings(struct dynamixel *d, const struct et_source_options *options,
                                    struct et_err *err)
{
    const struct et_value *settings = options->settings;
    const struct et_value *joints = et_value_get(settings, "joints");
    const char *port = et_value_text(et_value_get(settings, "port"), NULL);
    if (!port || !joints)
        return et_fail(err, ET_ECORRUPT, -1, "%s: port and joints must be given",
                       d->listener.device);
    d->port = strdup(port);
    if (!d->port)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", d->listener.device);
    d->baud = (int)et_value_int(et_value_get(settings, "baud"), 1000000);
    d->is_fast = et_value_bool(et_value_get(settings, "fast"), false);
    d->period_ns = llround(1e9 / et_value_real(et_value_get(settings, "rate"), 200));
    d->limit_ns = llround(1e6 * et_value_real(et_value_get(settings, "timeout_ms"), 10));
    enum et_status st = ET_OK;
    for (size_t i = 0; i < et_value_count(joints) && st == ET_OK; i++)
        st = read_joint(d, et_value_at(joints, i), options->path, err);
    return st;
}

/* ---- what is told ---- */

static size_t n_there(const struct dynamixel *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_servos; i++)
        n += d->servos[i].is_there;
    return n;
}

static void tell_servo(struct dynamixel *d, const struct servo *servo, const char *kind,
                       const char *what)
{
    char text[ET_NAME_BYTES_MAX + 100], value[32];
    (void)snprintf(text, sizeof text, "servo %d (%s): %s", servo->id, servo->name, what);
    (void)snprintf(value, sizeof value, "{\"id\": %d}", servo->id);
    et__listener_event(&d->listener, kind, text, value);
}

static void set_there(struct dynamixel *d, struct servo *servo, bool is_there, int64_t now_ns)
{
    if (!servo->was_asked || servo->is_there != is_there)
        tell_servo(d, servo, is_there ? "servo.found" : "servo.lost",
                   is_there ? "it answers" : "it does not answer");
    servo->was_asked = true;
    servo->is_there = is_there;
    servo->n_misses = 0;
    servo->t_ask_ns = now_ns + TRY_NS;
    if (n_there(d) > 0)
        et__listener_tell(&d->listener, true, "%s", d->port);
}

static void put_joints(struct dynamixel *d)
{
    struct et_cdr w = et__listener_begin(&d->listener);
    size_t n = 0;
    for (size_t i = 0; i < d->n_servos; i++)
        n += d->servos[i].has_answered;
    et_cdr_time(&w, 0);
    et_cdr_text(&w, ET_STR(""));
    et_cdr_count(&w, n);
    for (size_t i = 0; i < d->n_servos; i++)
        if (d->servos[i].has_answered)
            et_cdr_text(&w, et_str(d->servos[i].name));
#define PUT(member)                          \
    et_cdr_count(&w, n);                     \
    for (size_t i = 0; i < d->n_servos; i++) \
        if (d->servos[i].has_answered)       \
            et_cdr_f64(&w, d->servos[i].member);
    PUT(position_rad)
    PUT(velocity_rad_s)
    PUT(effort)
#undef PUT
    if (n > 0)
        et__listener_put(&d->listener, d->stream, 0, 0);
    else
        et_feed_lost(d->listener.feed, d->stream, 1);
}

/* ---- coming and going ---- */

static void open_port(struct dynamixel *d, int64_t now_ns)
{
    d->t_try_ns = now_ns + TRY_NS;
    d->fd = et__serial_open(d->port, d->baud);
    if (d->fd < 0) {
        et__listener_tell(&d->listener, false, "%s%s", d->port,
                          errno == EACCES ? ": no permission; join the group dialout"
                                          : " is not there");
        return;
    }
    d->bytes = (struct et__dxl_stream){0};
    d->request = IDLE;
    d->t_cycle_ns = now_ns;
    for (size_t i = 0; i < d->n_servos; i++) {
        d->servos[i].was_asked = d->servos[i].is_there = false;
        d->servos[i].t_ask_ns = now_ns;
    }
}

static void lose_port(struct dynamixel *d)
{
    (void)close(d->fd);
    d->fd = -1;
    d->t_try_ns = et__listener_now(&d->listener) + TRY_NS / 10;
    et__listener_tell(&d->listener, false, "%s is not there any more", d->port);
}

/* ---- requests ---- */

// The next servo to be asked whether it is there; all of them first.
static struct servo *to_ping(struct dynamixel *d, int64_t now_ns)
{
    for (size_t i = 0; i < d->n_servos; i++)
        if (!d->servos[i].is_there && now_ns >= d->servos[i].t_ask_ns)
            return &d->servos[i];
    return NULL;
}

static void send(struct dynamixel *d, uint8_t id, uint8_t instruction, const void *params, size_t n)
{
    unsigned char packet[ET__DXL_PACKET_BYTES_MAX];
    const size_t n_packet = et__dxl_write(packet, id, instruction, params, n);
    const ssize_t n_sent = write(d->fd, packet, n_packet);
    if (n_sent < 0 && errno != EAGAIN && errno != EINTR)
        lose_port(d); // a part of a packet is as good as none: nobody answers
}

static void begin_reading(struct dynamixel *d)
{
    unsigned char params[4 + SERVOS_MAX] = {ADDRESS, 0, DATA_BYTES, 0};
    size_t n = 4;
    for (size_t i = 0; i < d->n_servos; i++)
        if (d->servos[i].is_there)
            params[n++] = d->servos[i].id;
    d->request = READING;
    if (n > 4)
        send(d, ET__DXL_ALL, d->is_fast ? ET__DXL_FAST_SYNC_READ : ET__DXL_SYNC_READ, params, n);
}

static void begin_request(struct dynamixel *d, int64_t now_ns)
{
    struct servo *asked = to_ping(d, now_ns);
    // What came too late belongs to no request.
    d->bytes.n = 0;
    for (size_t i = 0; i < d->n_servos; i++)
        d->servos[i].has_answered = false;
    d->t_limit_ns = now_ns + d->limit_ns;
    d->t_cycle_ns += d->period_ns;
    if (d->t_cycle_ns < now_ns)
        d->t_cycle_ns = now_ns;
    if (asked) {
        d->request = PINGING;
        d->i_pinged = (size_t)(asked - d->servos);
        send(d, asked->id, ET__DXL_PING, NULL, 0);
    } else if (n_there(d) > 0) {
        begin_reading(d);
    } else {
        d->request = IDLE;
    }
}

static bool is_answered(const struct dynamixel *d)
{
    if (d->request == PINGING)
        return d->servos[d->i_pinged].has_answered;
    for (size_t i = 0; i < d->n_servos; i++)
        if (d->servos[i].is_there && !d->servos[i].has_answered)
            return false;
    return true;
}

/* The first that did not answer is the one that failed: those behind it wait for it. */
static void count_misses(struct dynamixel *d, int64_t now_ns)
{
    bool is_first = true;
    for (size_t i = 0; i < d->n_servos; i++) {
        struct servo *servo = &d->servos[i];
        if (servo->has_answered)
            servo->n_misses = 0;
        else if (servo->is_there && is_first && ++servo->n_misses >= MISSES_MAX)
            set_there(d, servo, false, now_ns);
        is_first &= servo->has_answered || !servo->is_there;
    }
    if (n_there(d) == 0)
        et__listener_tell(&d->listener, false, "no servo answers");
}

/* In a fast read one that is missing spoils the packet of all, and older servos do not know it. */
static void count_fast_misses(struct dynamixel *d, bool is_answered_now)
{
    d->n_fast_misses = is_answered_now ? 0 : d->n_fast_misses + 1;
    if (d->n_fast_misses >= FAST_MISSES_MAX) {
        d->is_fast = false;
        et__listener_event(&d->listener, "device.slow",
                           "fast reads are not answered; read one by one", NULL);
    }
}

static void end_request(struct dynamixel *d, int64_t now_ns)
{
    const bool is_whole = is_answered(d);
    if (d->request == PINGING) {
        set_there(d, &d->servos[d->i_pinged], is_whole, now_ns);
        d->t_cycle_ns = now_ns; // a read follows at once
    } else {
        put_joints(d);
        if (d->is_fast)
            count_fast_misses(d, is_whole);
        else
            count_misses(d, now_ns);
    }
    d->request = IDLE;
}

/* ---- answers ---- */

static int32_t get_i32(const unsigned char *p)
{
    return (int32_t)(p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

static struct servo *servo_of(struct dynamixel *d, uint8_t id)
{
    for (size_t i = 0; i < d->n_servos; i++)
        if (d->servos[i].id == id &&
            (d->request == PINGING ? i == d->i_pinged : d->servos[i].is_there))
            return &d->servos[i];
    return NULL;
}

static void take_error(struct dynamixel *d, struct servo *servo, uint8_t error)
{
    const char *text = et__dxl_error_text(error);
    if (error != servo->error && text)
        tell_servo(d, servo, "servo.error", text);
    servo->error = error;
}

// An answer of one servo: its error byte, its data.
static void take_answer(struct dynamixel *d, uint8_t id, const unsigned char *p, size_t n)
{
    struct servo *servo = servo_of(d, id);
    const size_t n_wanted = d->request == PINGING ? 4 : 1 + DATA_BYTES;
    if (!servo || n == 0) {
        et__listener_garbage(&d->listener, 1);
        return;
    }
    take_error(d, servo, p[0]);
    if (n != n_wanted) // one that refused has no data
        return;
    servo->has_answered = true;
    if (d->request == PINGING)
        return;
    const int16_t current = (int16_t)(p[1] | p[2] << 8);
    servo->effort = servo->sign * current * A_PER_UNIT * servo->nm_per_a;
    servo->velocity_rad_s = servo->sign * get_i32(p + 3) * RAD_S_PER_UNIT;
    servo->position_rad =
        servo->sign * ((double)get_i32(p + 7) - STEP_MIDDLE) * RAD_PER_STEP + servo->offset_rad;
}

static void take_packet(struct dynamixel *d, const struct et__dxl_packet *packet)
{
    if (packet->instruction != ET__DXL_STATUS || d->request == IDLE)
        return; // our own request, which some adapters give back
    if (packet->id != ET__DXL_ALL) {
        take_answer(d, packet->id, packet->params, packet->n);
        return;
    }
    // All in one: error, id, data; then a CRC, but behind the last, whose CRC was the packet's.
    unsigned char answer[1 + DATA_BYTES];
    for (size_t at = 0; at + 2 + DATA_BYTES <= packet->n; at += 2 + DATA_BYTES + 2) {
        answer[0] = packet->params[at];
        memcpy(answer + 1, packet->params + at + 2, DATA_BYTES);
        take_answer(d, packet->params[at + 1], answer, sizeof answer);
    }
}

static void read_port(struct dynamixel *d)
{
    for (int i = 0; i < READS_MAX && d->fd >= 0; i++) {
        struct et__dxl_packet packet;
        size_t room;
        unsigned char *to = et__dxl_room(&d->bytes, &room);
        const ssize_t n = read(d->fd, to, room);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            lose_port(d);
            break;
        }
        et__dxl_came(&d->bytes, (size_t)n);
        while (et__dxl_next(&d->bytes, &packet))
            take_packet(d, &packet);
    }
    et__listener_garbage(&d->listener, d->bytes.n_skipped);
    d->bytes.n_skipped = 0;
}

/* ---- the interface ---- */

static void close_dynamixel(void *self)
{
    struct dynamixel *d = self;
    if (d->fd >= 0)
        (void)close(d->fd);
    et__listener_close(&d->listener);
    free(d->port);
    free(d);
}

static enum et_status open_dynamixel(void **self, const struct et_source_options *options,
                                     struct et_feed *feed, struct et_err *err)
{
    struct dynamixel *d = calloc(1, sizeof *d);
    if (!d)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", options->device);
    d->fd = -1;
    enum et_status st = et__listener_open(&d->listener, options, feed, MESSAGE_BYTES_MAX, err);
    if (st == ET_OK)
        st = read_settings(d, options, err);
    if (st == ET_OK)
        st = et__listener_add(&d->listener, "/joint_states", "sensor_msgs/msg/JointState",
                              1e9 / (double)d->period_ns, &d->stream, err);
    if (st != ET_OK) {
        close_dynamixel(d);
        return st;
    }
    *self = d;
    return ET_OK;
}

static int fd_of(void *self)
{
    return ((const struct dynamixel *)self)->fd;
}

static enum et_status poll_dynamixel(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct dynamixel *d = self;
    const int64_t now_ns = et__listener_now(&d->listener);
    (void)err;
    if (d->fd < 0 && now_ns >= d->t_try_ns)
        open_port(d, now_ns);
    if (d->fd >= 0)
        read_port(d);
    if (d->fd >= 0 && d->request != IDLE && (is_answered(d) || now_ns >= d->t_limit_ns))
        end_request(d, now_ns);
    if (d->fd >= 0 && d->request == IDLE && now_ns >= d->t_cycle_ns)
        begin_request(d, now_ns);
    *t_next_ns = d->fd < 0 ? d->t_try_ns : d->request == IDLE ? d->t_cycle_ns : d->t_limit_ns;
    et__listener_tell_garbage(&d->listener, now_ns, t_next_ns);
    return ET_OK;
}

static enum et_source_state state_of(void *self)
{
    return ((const struct dynamixel *)self)->listener.is_there ? ET_SOURCE_LIVE : ET_SOURCE_WAITING;
}

const struct et_source_kind et__source_dynamixel = {
    .name = "dynamixel",
    .text = "arms of Dynamixel servos: position, velocity, current",
    .settings = &SETTINGS,
    .open = open_dynamixel,
    .fd = fd_of,
    .poll = poll_dynamixel,
    .state = state_of,
    .close = close_dynamixel,
};

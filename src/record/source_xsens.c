/* Motion capture by Xsens MVN: its network stream, over UDP.
 *
 * Poses of segments and angles of joints are recorded sample by sample, each when all its datagrams
 * are there; what the sender says of the character is kept as an event when it changes. Samples
 * that never came whole are counted as lost, by the sender's own counter. */
#include "record/record__mxtp.h"
#include "record/record__sources.h"
#include "record/record__transforms.h"
#include "record/record__udp.h"

#include "etude/hash.h"
#include "etude/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PORT 9763
#define MESSAGE_BYTES_MAX ((size_t)64 << 10)
#define DATAGRAMS_MAX 256 // of a poll
#define NS_PER_MS INT64_C(1000000)
#define RAD_PER_DEG (M_PI / 180)
#define META_BYTES_MAX 4096
#define EVENT_BYTES_MAX ((size_t)32 << 10)
#define METAS 2 // text, measures
#define META_PARTS 16
#define LOST_MAX 100000 // a counter that leaps farther counted something else

/* One of the two streams of samples. */
struct samples {
    uint16_t stream;
    struct et__mxtp_sample sample;
    bool has_last;
    uint32_t last, step; // counter of the last whole one; least step between two
};

struct xsens {
    struct et__listener listener;
    struct et__udp udp;
    struct samples poses, joints;
    int64_t character;                 // −1: whoever is heard first
    double unit_m;                     // 0: not known yet
    uint64_t metas[METAS][META_PARTS]; // hashes of what was told
};

/* ---- messages ---- */

static int64_t stamp_of(const struct et__mxtp_sample *s)
{
    return (int64_t)s->t_ms * NS_PER_MS;
}

static void put_poses(struct xsens *x, int64_t t_arrival_ns)
{
    const struct et__mxtp_sample *s = &x->poses.sample;
    struct et_pose poses[ET__MXTP_ITEMS_MAX];
    size_t n_good = 0;
    if (x->unit_m == 0)
        x->unit_m = et__mxtp_unit_m(s);
    bool is_good[ET__MXTP_ITEMS_MAX];
    for (size_t i = 0; i < s->n_items; i++) {
        const float *v = s->items[i].values;
        const double u = x->unit_m > 0 ? x->unit_m : 1;
        poses[i] = (struct et_pose){{(double)v[0] * u, (double)v[1] * u, (double)v[2] * u},
                                    {(double)v[4], (double)v[5], (double)v[6], (double)v[3]}};
        is_good[i] = et__transforms_check(&poses[i]);
        n_good += is_good[i];
    }
    et__listener_garbage(&x->listener, s->n_items - n_good);
    struct et_cdr w = et__transforms_begin(&x->listener, n_good);
    for (size_t i = 0; i < s->n_items; i++) {
        char name[ET__SEGMENT_NAME_BYTES];
        et__segment_name(s->items[i].a, s->n_props, name);
        if (is_good[i])
            et__transforms_put(&w, &x->listener, stamp_of(s), NULL, name, &poses[i]);
    }
    et__listener_put(&x->listener, x->poses.stream, stamp_of(s), t_arrival_ns);
}

static void put_joints(struct xsens *x, int64_t t_arrival_ns)
{
    const struct et__mxtp_sample *s = &x->joints.sample;
    struct et_cdr w = et__listener_begin(&x->listener);
    et_cdr_time(&w, stamp_of(s));
    et_cdr_text(&w, ET_STR(""));
    et_cdr_count(&w, 3 * s->n_items);
    for (size_t i = 0; i < 3 * s->n_items; i++) {
        char parent[ET__SEGMENT_NAME_BYTES], child[ET__SEGMENT_NAME_BYTES], name[64];
        et__segment_name(s->items[i / 3].a / 256, s->n_props, parent);
        et__segment_name(s->items[i / 3].b / 256, s->n_props, child);
        (void)snprintf(name, sizeof name, "%s_%s_%c", parent, child, "xyz"[i % 3]);
        et_cdr_text(&w, et_str(name));
    }
    et_cdr_count(&w, 3 * s->n_items);
    for (size_t i = 0; i < 3 * s->n_items; i++)
        et_cdr_f64(&w, (double)s->items[i / 3].values[i % 3] * RAD_PER_DEG);
    et_cdr_count(&w, 0); // velocity
    et_cdr_count(&w, 0); // effort
    et__listener_put(&x->listener, x->joints.stream, stamp_of(s), t_arrival_ns);
}

/* ---- datagrams ---- */

// Counts what is missing between two whole samples. A sender may send every n-th only.
static void count_lost(struct xsens *x, struct samples *of)
{
    const uint32_t counter = of->sample.counter, step = counter - of->last;
    if (!of->has_last || step == 0 || step > LOST_MAX) {
        of->step = UINT32_MAX;
    } else {
        of->step = step < of->step ? step : of->step;
        if (step / of->step > 1)
            et_feed_lost(x->listener.feed, of->stream, step / of->step - 1);
    }
    of->has_last = true;
    of->last = counter;
}

static void take_sample(struct xsens *x, const struct et__mxtp_datagram *d, int64_t t_arrival_ns)
{
    struct samples *of = d->type == ET__MXTP_POSES ? &x->poses : &x->joints;
    const enum et__mxtp_news news = et__mxtp_join(&of->sample, d);
    if (news == ET__MXTP_BAD) {
        et__listener_garbage(&x->listener, 1);
    } else if (news == ET__MXTP_WHOLE) {
        count_lost(x, of);
        et__listener_hear(&x->listener);
        if (of == &x->poses)
            put_poses(x, t_arrival_ns);
        else
            put_joints(x, t_arrival_ns);
    }
}

/* What is said of the character: told when it changes. The measures are binary, and are kept as
 * they are. */
static void take_meta(struct xsens *x, const struct et__mxtp_datagram *d)
{
    const bool is_text = d->type == ET__MXTP_META;
    const uint64_t hash = et_hash64(d->payload, d->n_payload);
    if (d->part >= META_PARTS || x->metas[is_text][d->part] == hash)
        return;
    x->metas[is_text][d->part] = hash;
    struct et_buf value = et_buf(EVENT_BYTES_MAX);
    struct et_json_writer w = {.buf = &value};
    char text[META_BYTES_MAX] = "the measures of the body";
    et_json_open_map(&w);
    et_json_put_int(&w, "type", d->type);
    et_json_put_int(&w, "part", d->part);
    et_json_put_int(&w, "character", d->character);
    if (is_text) {
        (void)snprintf(text, sizeof text, "%.*s", (int)d->n_payload, (const char *)d->payload);
    } else {
        et_json_key(&w, "payload");
        et_json_bytes(&w, d->payload, d->n_payload);
    }
    et_json_close_map(&w);
    if (value.status == ET_OK)
        et__listener_event(&x->listener, "device.meta", text, et_buf_text(&value));
    else
        et__listener_garbage(&x->listener, 1);
    et_buf_free(&value);
}

static void take_datagram(struct xsens *x, const struct et__datagram *datagram)
{
    struct et__mxtp_datagram d;
    if (!et__mxtp_read(datagram->bytes, datagram->n, &d)) {
        et__listener_garbage(&x->listener, 1);
        return;
    }
    if (x->character < 0)
        x->character = d.character;
    if (d.character != x->character)
        return;
    if (d.type == ET__MXTP_POSES || d.type == ET__MXTP_JOINTS)
        take_sample(x, &d, datagram->t_arrival_ns);
    else if (d.type == ET__MXTP_META || d.type == ET__MXTP_SCALE)
        take_meta(x, &d);
}

/* ---- the interface ---- */

static const char *const UNITS[] = {"m", "cm", NULL};
static const struct et_schema UNIT = {.type = ET_SCHEMA_STRING, .choices = UNITS};
static const struct et_schema CHARACTER = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = 255};
static const struct et_schema_field FIELDS[] = {{"port", &et__udp_port, false},
                                                {"listen", &et__udp_address, false},
                                                {"from", &et__udp_address, false},
                                                {"unit", &UNIT, false},
                                                {"character", &CHARACTER, false},
                                                {"rate_hz", &et__udp_rate, false},
                                                {NULL, NULL, false}};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};

static void close_xsens(void *self)
{
    struct xsens *x = self;
    et__udp_close(&x->udp);
    et__listener_close(&x->listener);
    free(x);
}

static enum et_status open_xsens(void **self, const struct et_source_options *options,
                                 struct et_feed *feed, struct et_err *err)
{
    struct xsens *x = calloc(1, sizeof *x);
    if (!x)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", options->device);
    const char *unit = et_value_text(et_value_get(options->settings, "unit"), NULL);
    x->udp.fd = -1;
    x->unit_m = !unit ? 0 : strcmp(unit, "m") == 0 ? 1 : 0.01;
    const double rate_hz = et_value_real(et_value_get(options->settings, "rate_hz"), 0);
    x->character = et_value_int(et_value_get(options->settings, "character"), -1);
    enum et_status st = et__listener_open(&x->listener, options, feed, MESSAGE_BYTES_MAX, err);
    if (st == ET_OK)
        st = et__listener_add(&x->listener, "/pose", "tf2_msgs/msg/TFMessage", rate_hz,
                              &x->poses.stream, err);
    if (st == ET_OK)
        st = et__listener_add(&x->listener, "/joint_states", "sensor_msgs/msg/JointState", rate_hz,
                              &x->joints.stream, err);
    x->listener.language = "MXTP02 of Xsens";
    if (st == ET_OK)
        st = et__udp_open(&x->udp, options, PORT, err);
    if (st != ET_OK) {
        close_xsens(x);
        return st;
    }
    *self = x;
    return ET_OK;
}

static int fd_of(void *self)
{
    return ((const struct xsens *)self)->udp.fd;
}

static enum et_status poll_xsens(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct xsens *x = self;
    struct et__datagram datagram;
    (void)err;
    for (int i = 0; i < DATAGRAMS_MAX && et__udp_next(&x->udp, &x->listener, &datagram); i++)
        take_datagram(x, &datagram);
    et__listener_watch(&x->listener, et__listener_now(&x->listener), t_next_ns);
    return ET_OK;
}

static enum et_source_state state_of(void *self)
{
    return ((const struct xsens *)self)->listener.is_there ? ET_SOURCE_LIVE : ET_SOURCE_WAITING;
}

const struct et_source_kind et__source_xsens = {
    .name = "xsens",
    .text = "motion capture by Xsens MVN (UDP): segments, joints",
    .settings = &SETTINGS,
    .open = open_xsens,
    .fd = fd_of,
    .poll = poll_xsens,
    .state = state_of,
    .close = close_xsens,
};

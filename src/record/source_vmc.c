/* Motion capture by VMC: OSC over UDP, from programs that animate Unity's humanoid.
 *
 * A message is written of what belongs together: of a bundle; of messages that came one by one, up
 * to /VMC/Ext/T, which senders put behind a frame, or to a bone that was there already, or until
 * nothing came for 10 ms. The stamp is the T of the bundle, or the T that ended the frame; without
 * it there is none, since T may be older or newer than what stands beside it. */
#include "record/record__osc.h"
#include "record/record__skeleton.h"
#include "record/record__sources.h"
#include "record/record__transforms.h"
#include "record/record__udp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PORT 39539
#define MESSAGE_BYTES_MAX ((size_t)64 << 10)
#define DATAGRAMS_MAX 256 // of a poll
#define QUIET_NS INT64_C(10000000)
#define TRACKERS_MAX 16
#define SERIAL_BYTES 64
#define T_S_MAX 1e9
#define ROOT ET__N_BONES // behind the bones

struct placed {
    bool is_there; // in this frame
    bool is_known; // in any
    struct et_pose pose;
};

struct tracker {
    char serial[SERIAL_BYTES];
    struct et_pose pose;
};

struct vmc {
    struct et__listener listener;
    struct et__udp udp;
    uint16_t stream;
    struct placed bodies[ET__N_BONES + 1];
    struct tracker trackers[TRACKERS_MAX];
    size_t n_bodies, n_trackers; // of the frame under way
    int64_t t_arrival_ns;
};

/* ---- frames ---- */

// The nearest bone above it that this sender has; the root where there is none.
static const char *parent_of(const struct vmc *v, int bone)
{
    for (int i = 0; i < ET__N_BONES && bone >= 0; i++) {
        const int parent = et__bones[bone].parent;
        bone = parent == -2 ? bone - 1 : parent;
        if (bone >= 0 && v->bodies[bone].is_known)
            return et__bones[bone].name;
    }
    return "root";
}

static void put_frame(struct vmc *v, int64_t t_device_ns)
{
    if (v->n_bodies + v->n_trackers == 0)
        return;
    struct et_cdr w = et__transforms_begin(&v->listener, v->n_bodies + v->n_trackers);
    if (v->bodies[ROOT].is_there)
        et__transforms_put(&w, &v->listener, t_device_ns, NULL, "root", &v->bodies[ROOT].pose);
    for (int i = 0; i < ET__N_BONES; i++)
        if (v->bodies[i].is_there)
            et__transforms_put(&w, &v->listener, t_device_ns, parent_of(v, i), et__bones[i].name,
                               &v->bodies[i].pose);
    for (size_t i = 0; i < v->n_trackers; i++)
        et__transforms_put(&w, &v->listener, t_device_ns, NULL, v->trackers[i].serial,
                           &v->trackers[i].pose);
    et__listener_put(&v->listener, v->stream, t_device_ns, v->t_arrival_ns);
    for (int i = 0; i <= ROOT; i++)
        v->bodies[i].is_there = false;
    v->n_bodies = v->n_trackers = 0;
}

static void place(struct vmc *v, int body, const struct et_pose *pose)
{
    if (v->bodies[body].is_there)
        put_frame(v, 0);
    v->bodies[body] = (struct placed){true, true, *pose};
    v->n_bodies++;
}

// False: it is no name, or there are too many.
static bool place_tracker(struct vmc *v, struct et_str serial, const struct et_pose *pose)
{
    if (serial.n >= SERIAL_BYTES || et_name_check(serial, "a serial number", NULL) != ET_OK)
        return false;
    for (size_t i = 0; i < v->n_trackers; i++)
        if (et_str_is(serial, v->trackers[i].serial))
            put_frame(v, 0); // which leaves none
    if (v->n_trackers == TRACKERS_MAX)
        return false;
    struct tracker *tracker = &v->trackers[v->n_trackers++];
    (void)snprintf(tracker->serial, sizeof tracker->serial, "%.*s", ET_STR_ARG(serial));
    tracker->pose = *pose;
    return true;
}

/* ---- messages ---- */

static bool read_pose(const struct et__osc_message *m, struct et_pose *pose)
{
    if (!et__osc_has(m, "sfffffff"))
        return false;
    const struct et__osc_arg *a = m->args + 1;
    *pose = et__from_unity((struct et_pose){{a[0].number, a[1].number, a[2].number},
                                            {a[3].number, a[4].number, a[5].number, a[6].number}});
    return et__transforms_check(pose);
}

/* False: it is an address of VMC with other arguments than it must have. */
static bool take_pose(struct vmc *v, const struct et__osc_message *m)
{
    static const char *const TRACKERS[] = {"/VMC/Ext/Hmd/Pos", "/VMC/Ext/Con/Pos",
                                           "/VMC/Ext/Tra/Pos"};
    struct et_pose pose;
    const bool is_bone = et_str_is(m->address, "/VMC/Ext/Bone/Pos");
    const bool is_root = et_str_is(m->address, "/VMC/Ext/Root/Pos");
    bool is_tracker = false;
    for (size_t i = 0; i < sizeof TRACKERS / sizeof TRACKERS[0]; i++)
        is_tracker |= et_str_is(m->address, TRACKERS[i]);
    if (!is_bone && !is_root && !is_tracker)
        return true; // blend shapes, keys, lights … are not recorded
    if (!read_pose(m, &pose))
        return false;
    if (is_tracker)
        return place_tracker(v, m->args[0].text, &pose);
    const int body = is_root ? ROOT : et__bone_find(m->args[0].text);
    if (body >= 0)
        place(v, body, &pose);
    return body >= 0;
}

// The stamp of a /VMC/Ext/T, 0 where it is none.
static int64_t read_t(const struct et__osc_message *m)
{
    const double t_s = et__osc_has(m, "f") ? m->args[0].number : 0;
    return fabs(t_s) < T_S_MAX ? llround(t_s * 1e9) : 0;
}

static void take_datagram(struct vmc *v, const struct et__datagram *d)
{
    struct et__osc osc;
    struct et__osc_message m;
    int64_t t_bundle_ns = 0;
    size_t n_good = 0, n_bad = 0;
    if (d->n_lost)
        et_feed_lost(v->listener.feed, v->stream, d->n_lost);
    et__osc_begin(&osc, d->bytes, d->n);
    if (osc.is_bundle)
        put_frame(v, 0); // what came before it alone
    while (et__osc_next(&osc, &m)) {
        n_good += et_str_starts(m.address, "/VMC/");
        if (!et_str_is(m.address, "/VMC/Ext/T")) {
            const bool is_good = take_pose(v, &m);
            v->t_arrival_ns = d->t_arrival_ns;
            n_bad += !is_good;
            n_good -= !is_good;
        } else if (osc.is_bundle) {
            t_bundle_ns = read_t(&m);
        } else {
            put_frame(v, read_t(&m));
        }
    }
    if (osc.is_bundle)
        put_frame(v, t_bundle_ns);
    et__listener_garbage(&v->listener, n_bad + osc.n_bad);
    if (n_good > 0)
        et__listener_hear(&v->listener);
}

/* ---- the interface ---- */

static const struct et_schema_field FIELDS[] = {{"port", &et__udp_port, false},
                                                {"listen", &et__udp_address, false},
                                                {"from", &et__udp_address, false},
                                                {"rate_hz", &et__udp_rate, false},
                                                {NULL, NULL, false}};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};

static void close_vmc(void *self)
{
    struct vmc *v = self;
    et__udp_close(&v->udp);
    et__listener_close(&v->listener);
    free(v);
}

static enum et_status open_vmc(void **self, const struct et_source_options *options,
                               struct et_feed *feed, struct et_err *err)
{
    struct vmc *v = calloc(1, sizeof *v);
    if (!v)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", options->device);
    v->udp.fd = -1;
    enum et_status st = et__listener_open(&v->listener, options, feed, MESSAGE_BYTES_MAX, err);
    if (st == ET_OK)
        st = et__listener_add(&v->listener, "/pose", "tf2_msgs/msg/TFMessage",
                              et_value_real(et_value_get(options->settings, "rate_hz"), 0),
                              &v->stream, err);
    v->listener.language = "VMC";
    if (st == ET_OK)
        st = et__udp_open(&v->udp, options, PORT, err);
    if (st != ET_OK) {
        close_vmc(v);
        return st;
    }
    *self = v;
    return ET_OK;
}

static int fd_of(void *self)
{
    return ((const struct vmc *)self)->udp.fd;
}

static enum et_status poll_vmc(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct vmc *v = self;
    struct et__datagram datagram;
    (void)err;
    for (int i = 0; i < DATAGRAMS_MAX && et__udp_next(&v->udp, &v->listener, &datagram); i++)
        take_datagram(v, &datagram);
    const int64_t now_ns = et__listener_now(&v->listener);
    if (now_ns >= v->t_arrival_ns + QUIET_NS)
        put_frame(v, 0);
    else if (v->n_bodies + v->n_trackers)
        *t_next_ns = v->t_arrival_ns + QUIET_NS;
    et__listener_watch(&v->listener, now_ns, t_next_ns);
    return ET_OK;
}

static enum et_source_state state_of(void *self)
{
    return ((const struct vmc *)self)->listener.is_there ? ET_SOURCE_LIVE : ET_SOURCE_WAITING;
}

const struct et_source_kind et__source_vmc = {
    .name = "vmc",
    .text = "motion capture by VMC (OSC over UDP): bones, trackers",
    .settings = &SETTINGS,
    .open = open_vmc,
    .fd = fd_of,
    .poll = poll_vmc,
    .state = state_of,
    .close = close_vmc,
};

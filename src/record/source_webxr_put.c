/* A headset's frames as messages. */
#include "record/record__webxr.h"

#include "etude/cdr.h"

#include <math.h>
#include <stdio.h>

#define MESSAGE_BYTES_MAX ((size_t)16 << 10)
#define TOPIC_BYTES 320

// The order of the WebXR Gamepads Module's "xr-standard"; a and b follow it by custom.
static const char *const BUTTONS[2][ET__WEBXR_BUTTONS_MAX] = {
    {"trigger", "squeeze", "touchpad", "stick", "x", "y", "button_6", "button_7", "button_8",
     "button_9", "button_10", "button_11", "button_12", "button_13", "button_14", "button_15"},
    {"trigger", "squeeze", "touchpad", "stick", "a", "b", "button_6", "button_7", "button_8",
     "button_9", "button_10", "button_11", "button_12", "button_13", "button_14", "button_15"},
};
static const char *const AXES[ET__WEBXR_AXES_MAX] = {
    "touchpad_x", "touchpad_y", "stick_x", "stick_y", "axis_4", "axis_5", "axis_6", "axis_7"};

const char *et__webxr_button_name(int side, size_t i)
{
    return i < ET__WEBXR_BUTTONS_MAX ? BUTTONS[side][i] : NULL;
}

/* ---- streams ---- */

static enum et_status add(struct et__webxr_streams *s, const char *device, const char *name,
                          const char *type, double rate_hz, uint16_t *i, struct et_err *err)
{
    char topic[TOPIC_BYTES];
    (void)snprintf(topic, sizeof topic, "/%.255s/%s", device, name);
    return et_feed_add_type(s->feed, topic, type, device, rate_hz, i, err);
}

enum et_status et__webxr_streams_open(struct et__webxr_streams *s, struct et_feed *feed,
                                      const char *device, const char *frame, double rate_hz,
                                      struct et_err *err)
{
    static const char DEVICE[] = "etude_msgs/msg/Device", POSES[] = "geometry_msgs/msg/PoseArray";
    static const char RADII[] = "std_msgs/msg/Float32MultiArray";
    const struct {
        const char *name, *type;
        double rate_hz;
        uint16_t *i;
    } STREAMS[] = {
        {"head", DEVICE, rate_hz, &s->head},
        {"left_hand", DEVICE, rate_hz, &s->hands[0]},
        {"right_hand", DEVICE, rate_hz, &s->hands[1]},
        {"left_hand/joints", POSES, 0, &s->joints[0]}, // only while hands are bare
        {"right_hand/joints", POSES, 0, &s->joints[1]},
        {"left_hand/radii", RADII, 0, &s->radii[0]},
        {"right_hand/radii", RADII, 0, &s->radii[1]},
        {"frame", "etude_msgs/msg/DeviceFrame", rate_hz, &s->moment},
        {"clock", "etude_msgs/msg/ClockModel", 1, &s->clock},
    };
    static const struct et_pose NOWHERE = {.rotation = {0, 0, 0, 1}};
    *s = (struct et__webxr_streams){.feed = feed,
                                    .frame = frame,
                                    .last_head = NOWHERE,
                                    .last_hands = {NOWHERE, NOWHERE},
                                    .buf = et_buf(MESSAGE_BYTES_MAX)};
    enum et_status st = ET_OK;
    for (size_t i = 0; i < sizeof STREAMS / sizeof *STREAMS && st == ET_OK; i++)
        st =
            add(s, device, STREAMS[i].name, STREAMS[i].type, STREAMS[i].rate_hz, STREAMS[i].i, err);
    return st;
}

void et__webxr_streams_close(struct et__webxr_streams *s)
{
    et_buf_free(&s->buf);
}

/* ---- messages ---- */

static struct et_cdr begin(struct et__webxr_streams *s, int64_t t_device_ns)
{
    et_buf_clear(&s->buf);
    struct et_cdr w = et_cdr_begin(&s->buf);
    et_cdr_time(&w, t_device_ns);
    et_cdr_text(&w, et_str(s->frame));
    return w;
}

static void put(struct et__webxr_streams *s, uint16_t stream, int64_t t_device_ns,
                int64_t t_arrival_ns)
{
    if (s->buf.status != ET_OK) { // no memory for it
        et_feed_lost(s->feed, stream, 1);
        return;
    }
    (void)et_feed_put(s->feed, &(struct et_feed_sample){.t_arrival_ns = t_arrival_ns,
                                                        .t_device_ns = t_device_ns,
                                                        .stream = stream,
                                                        .n_bytes = (uint32_t)s->buf.n,
                                                        .bytes = s->buf.p});
}

static void put_pose(struct et_cdr *w, const struct et_pose *p)
{
    const double values[] = {p->position.x, p->position.y, p->position.z, p->rotation.x,
                             p->rotation.y, p->rotation.z, p->rotation.w};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        et_cdr_f64(w, values[i]);
}

static void put_axes(struct et_cdr *w, const struct et__webxr_hand *hand)
{
    const size_t n_analog = hand->n_buttons < 2 ? hand->n_buttons : 2; // trigger, squeeze
    et_cdr_count(w, n_analog + hand->n_axes);
    for (size_t i = 0; i < n_analog; i++)
        et_cdr_text(w, et_str(BUTTONS[0][i]));
    for (size_t i = 0; i < hand->n_axes; i++)
        et_cdr_text(w, et_str(AXES[i]));
    et_cdr_count(w, n_analog + hand->n_axes);
    for (size_t i = 0; i < n_analog; i++)
        et_cdr_f64(w, hand->values[i]);
    for (size_t i = 0; i < hand->n_axes; i++)
        et_cdr_f64(w, hand->axes[i]);
}

static void put_head(struct et__webxr_streams *s, const struct et__webxr_frame *f, int64_t t_ns)
{
    if (f->head_is_tracked)
        s->last_head = f->head;
    struct et_cdr w = begin(s, f->t_frame_ns);
    et_cdr_text(&w, ET_STR("operator.head"));
    et_cdr_bool(&w, f->head_is_tracked);
    put_pose(&w, &s->last_head);
    for (int i = 0; i < 4; i++) // no axes, no buttons
        et_cdr_count(&w, 0);
    put(s, s->head, f->t_frame_ns, t_ns);
}

static void put_hand(struct et__webxr_streams *s, const struct et__webxr_frame *f, int side,
                     int64_t t_ns)
{
    const struct et__webxr_hand *hand = &f->hands[side];
    if (hand->is_tracked)
        s->last_hands[side] = hand->pose;
    struct et_cdr w = begin(s, f->t_frame_ns);
    et_cdr_text(&w, side ? ET_STR("operator.right_hand") : ET_STR("operator.left_hand"));
    et_cdr_bool(&w, hand->is_tracked);
    put_pose(&w, &s->last_hands[side]);
    put_axes(&w, hand);
    et_cdr_count(&w, hand->n_buttons);
    for (size_t i = 0; i < hand->n_buttons; i++)
        et_cdr_text(&w, et_str(BUTTONS[side][i]));
    et_cdr_count(&w, hand->n_buttons);
    for (size_t i = 0; i < hand->n_buttons; i++)
        et_cdr_bool(&w, hand->pressed >> i & 1);
    put(s, s->hands[side], f->t_frame_ns, t_ns);
    if (!hand->has_joints)
        return;
    w = begin(s, f->t_frame_ns);
    et_cdr_count(&w, ET_OPERATOR_JOINTS);
    for (size_t i = 0; i < ET_OPERATOR_JOINTS; i++)
        put_pose(&w, &hand->joints[i]);
    put(s, s->joints[side], f->t_frame_ns, t_ns);
}

void et__webxr_put_frame(struct et__webxr_streams *s, const struct et__webxr_frame *f,
                         const struct et__webxr_offset *offset, int64_t t_arrival_ns)
{
    put_head(s, f, t_arrival_ns);
    put_hand(s, f, 0, t_arrival_ns);
    put_hand(s, f, 1, t_arrival_ns);
    struct et_cdr w = begin(s, f->t_frame_ns);
    et_cdr_u32(&w, f->seq);
    et_cdr_i64(&w, f->t_predicted_ns);
    et_cdr_i64(&w, f->t_sent_ns);
    et_cdr_i64(&w, offset ? offset->offset_ns : 0);
    et_cdr_i64(&w, offset ? offset->uncertainty_ns : 0);
    et_cdr_bool(&w, f->head_is_emulated);
    et_cdr_bool(&w, f->is_reset);
    put(s, s->moment, f->t_frame_ns, t_arrival_ns); // last: it says that the frame is whole
}

void et__webxr_put_radii(struct et__webxr_streams *s, const struct et__webxr_frame *f,
                         int64_t t_arrival_ns)
{
    for (int side = 0; side < 2; side++) {
        if (!f->hands[side].has_joints)
            continue;
        et_buf_clear(&s->buf);
        struct et_cdr w = et_cdr_begin(&s->buf);
        et_cdr_count(&w, 0); // no dimensions are named
        et_cdr_u32(&w, 0);
        et_cdr_f32s(&w, f->hands[side].radii_m, ET_OPERATOR_JOINTS);
        put(s, s->radii[side], f->t_frame_ns, t_arrival_ns);
    }
}

void et__webxr_put_clock(struct et__webxr_streams *s, const struct et__webxr_offset *offset,
                         int64_t t_now_ns)
{
    et_buf_clear(&s->buf);
    struct et_cdr w = et_cdr_begin(&s->buf);
    et_cdr_time(&w, t_now_ns);
    et_cdr_text(&w, ET_STR(""));
    et_cdr_text(&w, et_str(et_feed_stream(s->feed, s->moment)->device));
    et_cdr_text(&w, ET_STR("device"));
    et_cdr_i64(&w, 1); // of the tick; that of the page's clock is in the uncertainty
    et_cdr_count(&w, 1);
    et_cdr_i64(&w, t_now_ns - offset->offset_ns);
    et_cdr_count(&w, 1);
    et_cdr_i64(&w, offset->offset_ns);
    et_cdr_f64(&w, (double)NAN); // the rate is not fitted here
    et_cdr_i64(&w, offset->delay_p50_ns);
    et_cdr_i64(&w, offset->delay_p99_ns);
    put(s, s->clock, t_now_ns - offset->offset_ns, t_now_ns);
}

/* The messages of an operator's devices, read back from their bytes. */
#include "etude/operator.h"

#include "record/record__reader.h"

#define NAMES_MAX 64 // axes or buttons of a device

/* ---- a hand or the head ---- */

static void take_axes(struct et__reader *r, struct et_operator_hand *hand)
{
    struct et_str names[NAMES_MAX];
    const struct {
        const char *name;
        double *to;
    } AXES[] = {{"trigger", &hand->trigger},
                {"squeeze", &hand->squeeze},
                {"stick_x", &hand->stick_x},
                {"stick_y", &hand->stick_y}};
    const uint32_t n = et__read_count(r, NAMES_MAX);
    for (uint32_t i = 0; i < n; i++)
        names[i] = et__read_text(r);
    r->is_bad = r->is_bad || et__read_u32(r) != n;
    for (size_t k = 0; k < 4; k++)
        *AXES[k].to = 0;
    for (uint32_t i = 0; i < n && !r->is_bad; i++) {
        const double value = et__read_f64(r);
        for (size_t k = 0; k < 4; k++)
            if (et_str_is(names[i], AXES[k].name))
                *AXES[k].to = value;
    }
}

static void take_buttons(struct et__reader *r, struct et_operator_hand *hand)
{
    static const char *const NAMES[][2] = {{"trigger", "trigger"},
                                           {"squeeze", "squeeze"},
                                           {"touchpad", "touchpad"},
                                           {"stick", "stick"},
                                           {"a", "x"},
                                           {"b", "y"}};
    struct et_str names[NAMES_MAX];
    const uint32_t n = et__read_count(r, NAMES_MAX);
    for (uint32_t i = 0; i < n; i++)
        names[i] = et__read_text(r);
    r->is_bad = r->is_bad || et__read_u32(r) != n;
    hand->buttons = 0;
    for (uint32_t i = 0; i < n && !r->is_bad; i++) {
        const bool is_pressed = et__read_bool(r);
        for (unsigned k = 0; k < sizeof NAMES / sizeof *NAMES; k++)
            if (et_str_is(names[i], NAMES[k][0]) || et_str_is(names[i], NAMES[k][1]))
                hand->buttons |= (unsigned)is_pressed << k;
    }
}

static void take_device(struct et_operator_state *state, const struct et_feed_sample *sample)
{
    struct et__reader r = et__reader_begin(sample);
    et__read_header(&r);
    const struct et_str name = et__read_text(&r);
    const bool is_tracked = et__read_bool(&r);
    const struct et_pose pose = et__read_pose(&r);
    const int side = et_str_is(name, "operator.right_hand") ? ET_OPERATOR_RIGHT : ET_OPERATOR_LEFT;
    if (et_str_is(name, "operator.head") && !r.is_bad) {
        state->head = pose;
        state->head_is_tracked = is_tracked;
    }
    if (!et_str_is(name, "operator.left_hand") && !et_str_is(name, "operator.right_hand"))
        return;
    struct et_operator_hand hand = state->hands[side];
    hand.pose = pose;
    hand.is_tracked = is_tracked;
    hand.has_joints = false; // they come behind it
    take_axes(&r, &hand);
    take_buttons(&r, &hand);
    if (!r.is_bad)
        state->hands[side] = hand;
}

static void take_joints(struct et_operator_hand *hand, const struct et_feed_sample *sample)
{
    struct et_operator_hand found = *hand;
    struct et__reader r = et__reader_begin(sample);
    et__read_header(&r);
    if (et__read_u32(&r) != ET_OPERATOR_JOINTS)
        return;
    for (size_t i = 0; i < ET_OPERATOR_JOINTS; i++)
        found.joints[i] = et__read_pose(&r);
    found.has_joints = true;
    found.pinch_m = et_vec3_norm(et_vec3_sub(found.joints[ET_OPERATOR_THUMB_TIP].position,
                                             found.joints[ET_OPERATOR_INDEX_TIP].position));
    if (!r.is_bad)
        *hand = found;
}

static bool take_frame(struct et_operator_state *state, const struct et_feed_sample *sample)
{
    struct et__reader r = et__reader_begin(sample);
    et__read_header(&r);
    struct et_operator_state found = *state;
    found.seq = et__read_u32(&r);
    found.t_predicted_ns = et__read_i64(&r);
    (void)et__read_i64(&r); // when it was sent
    found.offset_ns = et__read_i64(&r);
    found.uncertainty_ns = et__read_i64(&r);
    (void)et__read_bool(&r);
    found.is_reset = et__read_bool(&r);
    found.t_arrival_ns = sample->t_arrival_ns;
    found.t_device_ns = sample->t_device_ns;
    if (!r.is_bad)
        *state = found;
    return !r.is_bad;
}

bool et_operator_take(struct et_operator_state *state, const struct et_feed_stream *stream,
                      const struct et_feed_sample *sample)
{
    const struct et_str topic = et_str(stream->topic), type = et_str(stream->type);
    if (et_str_is(type, "etude_msgs/msg/DeviceFrame"))
        return take_frame(state, sample);
    if (et_str_is(type, "etude_msgs/msg/Device"))
        take_device(state, sample);
    else if (!et_str_is(type, "geometry_msgs/msg/PoseArray"))
        return false;
    else if (et_str_ends(topic, "/left_hand/joints"))
        take_joints(&state->hands[ET_OPERATOR_LEFT], sample);
    else if (et_str_ends(topic, "/right_hand/joints"))
        take_joints(&state->hands[ET_OPERATOR_RIGHT], sample);
    return false;
}

int64_t et_operator_time(const struct et_operator_state *state, int64_t t_device_ns)
{
    return state->uncertainty_ns > 0 ? t_device_ns + state->offset_ns : 0;
}

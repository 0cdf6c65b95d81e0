/* The messages of an operator's devices, read back from their bytes. */
#include "etude/operator.h"

#include "etude/cdr.h"

#define NAMES_MAX 64 // axes or buttons of a device

/* ---- values of a message, in their order ---- */

struct reader {
    struct et_str bytes; // behind the header
    size_t at;
    bool is_bad; // sticky; what is read then is zero
};

static const char *take(struct reader *r, size_t n_align, size_t n)
{
    const size_t at = (r->at + n_align - 1) / n_align * n_align;
    if (r->is_bad || at > r->bytes.n || n > r->bytes.n - at) {
        r->is_bad = true;
        return NULL;
    }
    r->at = at + n;
    return r->bytes.p + at;
}

// A value of n bytes at a multiple of n; 0 where there is none.
static void take_value(struct reader *r, void *value, size_t n)
{
    const char *p = take(r, n, n);
    memset(value, 0, n);
    if (p)
        memcpy(value, p, n);
}

static uint32_t take_u32(struct reader *r)
{
    uint32_t value;
    take_value(r, &value, sizeof value);
    return value;
}

static int64_t take_i64(struct reader *r)
{
    int64_t value;
    take_value(r, &value, sizeof value);
    return value;
}

static double take_f64(struct reader *r)
{
    double value;
    take_value(r, &value, sizeof value);
    return value;
}

static bool take_bool(struct reader *r)
{
    const char *p = take(r, 1, 1);
    return p && *p;
}

static struct et_str take_text(struct reader *r)
{
    const uint32_t n = take_u32(r);
    const char *p = take(r, 1, n);
    return (struct et_str){p, p && n > 0 ? n - 1 : 0};
}

static struct et_pose take_pose(struct reader *r)
{
    struct et_pose pose;
    double *const to[] = {&pose.position.x, &pose.position.y, &pose.position.z, &pose.rotation.x,
                          &pose.rotation.y, &pose.rotation.z, &pose.rotation.w};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        *to[i] = take_f64(r);
    return pose;
}

static uint32_t take_count(struct reader *r)
{
    const uint32_t n = take_u32(r);
    r->is_bad = r->is_bad || n > NAMES_MAX;
    return r->is_bad ? 0 : n;
}

static struct reader begin(const struct et_feed_sample *sample)
{
    const char *p = sample->bytes;
    struct reader r = {.is_bad = sample->n_bytes < ET_CDR_HEADER_BYTES || p[0] != 0 || p[1] != 1};
    if (!r.is_bad)
        r.bytes = (struct et_str){p + ET_CDR_HEADER_BYTES, sample->n_bytes - ET_CDR_HEADER_BYTES};
    (void)take(&r, 4, 8); // the stamp, which is the sample's
    (void)take_text(&r);  // the frame
    return r;
}

/* ---- a hand or the head ---- */

static void take_axes(struct reader *r, struct et_operator_hand *hand)
{
    struct et_str names[NAMES_MAX];
    const struct {
        const char *name;
        double *to;
    } AXES[] = {{"trigger", &hand->trigger},
                {"squeeze", &hand->squeeze},
                {"stick_x", &hand->stick_x},
                {"stick_y", &hand->stick_y}};
    const uint32_t n = take_count(r);
    for (uint32_t i = 0; i < n; i++)
        names[i] = take_text(r);
    r->is_bad = r->is_bad || take_u32(r) != n;
    for (size_t k = 0; k < 4; k++)
        *AXES[k].to = 0;
    for (uint32_t i = 0; i < n && !r->is_bad; i++) {
        const double value = take_f64(r);
        for (size_t k = 0; k < 4; k++)
            if (et_str_is(names[i], AXES[k].name))
                *AXES[k].to = value;
    }
}

static void take_buttons(struct reader *r, struct et_operator_hand *hand)
{
    static const char *const NAMES[][2] = {{"trigger", "trigger"},
                                           {"squeeze", "squeeze"},
                                           {"touchpad", "touchpad"},
                                           {"stick", "stick"},
                                           {"a", "x"},
                                           {"b", "y"}};
    struct et_str names[NAMES_MAX];
    const uint32_t n = take_count(r);
    for (uint32_t i = 0; i < n; i++)
        names[i] = take_text(r);
    r->is_bad = r->is_bad || take_u32(r) != n;
    hand->buttons = 0;
    for (uint32_t i = 0; i < n && !r->is_bad; i++) {
        const bool is_pressed = take_bool(r);
        for (unsigned k = 0; k < sizeof NAMES / sizeof *NAMES; k++)
            if (et_str_is(names[i], NAMES[k][0]) || et_str_is(names[i], NAMES[k][1]))
                hand->buttons |= (unsigned)is_pressed << k;
    }
}

static void take_device(struct et_operator_state *state, const struct et_feed_sample *sample)
{
    struct reader r = begin(sample);
    const struct et_str name = take_text(&r);
    const bool is_tracked = take_bool(&r);
    const struct et_pose pose = take_pose(&r);
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
    struct reader r = begin(sample);
    if (take_u32(&r) != ET_OPERATOR_JOINTS)
        return;
    for (size_t i = 0; i < ET_OPERATOR_JOINTS; i++)
        found.joints[i] = take_pose(&r);
    found.has_joints = true;
    found.pinch_m = et_vec3_norm(et_vec3_sub(found.joints[ET_OPERATOR_THUMB_TIP].position,
                                             found.joints[ET_OPERATOR_INDEX_TIP].position));
    if (!r.is_bad)
        *hand = found;
}

static bool take_frame(struct et_operator_state *state, const struct et_feed_sample *sample)
{
    struct reader r = begin(sample);
    struct et_operator_state found = *state;
    found.seq = take_u32(&r);
    found.t_predicted_ns = take_i64(&r);
    (void)take_i64(&r); // when it was sent
    found.offset_ns = take_i64(&r);
    found.uncertainty_ns = take_i64(&r);
    (void)take_bool(&r);
    found.is_reset = take_bool(&r);
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

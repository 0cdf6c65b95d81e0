/* Frames of a headset's page: bytes from outside, taken apart. */
#include "record/record__webxr.h"

#include <math.h>

#define MS_MAX 1e13         // 300 years
#define DISTANCE_M_MAX 1e4  // no hall is larger
#define RADIUS_UNIT_M 1e-5F // of 16 bits: up to 65 cm

enum { HEAD_TRACKED = 1, HEAD_EMULATED = 2, RESET = 4 };
enum { HAND_TRACKED = 1, HAND_EMULATED = 2, HAND_JOINTS = 4 };

struct reader {
    struct et_str bytes;
    size_t at;
    bool is_bad;
};

static void take(struct reader *r, void *to, size_t n)
{
    memset(to, 0, n);
    if (r->is_bad || n > r->bytes.n - r->at) {
        r->is_bad = true;
        return;
    }
    memcpy(to, r->bytes.p + r->at, n);
    r->at += n;
}

static uint8_t take_u8(struct reader *r)
{
    uint8_t value;
    take(r, &value, sizeof value);
    return value;
}

static uint16_t take_u16(struct reader *r)
{
    uint16_t value;
    take(r, &value, sizeof value);
    return value;
}

static uint32_t take_u32(struct reader *r)
{
    uint32_t value;
    take(r, &value, sizeof value);
    return value;
}

static double take_f32(struct reader *r)
{
    float value;
    take(r, &value, sizeof value);
    return (double)value;
}

static int64_t take_time(struct reader *r)
{
    double t_ms;
    take(r, &t_ms, sizeof t_ms);
    return et__webxr_time(t_ms);
}

int64_t et__webxr_time(double t_ms)
{
    return t_ms > 0 && t_ms < MS_MAX ? (int64_t)llround(t_ms * 1e6) : 0;
}

struct et_pose et__webxr_to_robot(struct et_pose p)
{
    return (struct et_pose){.position = {-p.position.z, -p.position.x, p.position.y},
                            .rotation = {-p.rotation.z, -p.rotation.x, p.rotation.y, p.rotation.w}};
}

static bool is_place(double x)
{
    return isfinite(x) && fabs(x) <= DISTANCE_M_MAX;
}

// false: the numbers are no pose; it is then the identity.
static bool take_pose(struct reader *r, struct et_pose *pose)
{
    struct et_pose p;
    double *const to[] = {&p.position.x, &p.position.y, &p.position.z, &p.rotation.x,
                          &p.rotation.y, &p.rotation.z, &p.rotation.w};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        *to[i] = take_f32(r);
    const double norm = sqrt(p.rotation.x * p.rotation.x + p.rotation.y * p.rotation.y +
                             p.rotation.z * p.rotation.z + p.rotation.w * p.rotation.w);
    const bool is_pose = is_place(p.position.x) && is_place(p.position.y) &&
                         is_place(p.position.z) && norm > 0.9 && norm < 1.1;
    *pose = (struct et_pose){.rotation = {0, 0, 0, 1}};
    if (is_pose) {
        p.rotation = et_quat_normal(p.rotation);
        *pose = et__webxr_to_robot(p);
    }
    return is_pose;
}

static double within(double x, double low, double high)
{
    return x >= low ? (x <= high ? x : high) : x < low ? low : 0; // NaN is 0
}

static void take_joints(struct reader *r, struct et__webxr_hand *hand)
{
    hand->has_joints = true;
    for (size_t i = 0; i < ET_OPERATOR_JOINTS; i++)
        if (!take_pose(r, &hand->joints[i]))
            hand->has_joints = false;
    for (size_t i = 0; i < ET_OPERATOR_JOINTS; i++)
        hand->radii_m[i] = (float)take_u16(r) * RADIUS_UNIT_M;
}

static void take_hand(struct reader *r, struct et__webxr_hand *hand)
{
    *hand = (struct et__webxr_hand){.input = take_u8(r), .pose.rotation.w = 1};
    const uint8_t flags = take_u8(r), n_buttons = take_u8(r), n_axes = take_u8(r);
    r->is_bad = r->is_bad || hand->input > ET__WEBXR_HAND || n_buttons > ET__WEBXR_BUTTONS_MAX ||
                n_axes > ET__WEBXR_AXES_MAX;
    if (r->is_bad || hand->input == ET__WEBXR_ABSENT)
        return;
    hand->n_buttons = n_buttons;
    hand->n_axes = n_axes;
    hand->is_tracked = take_pose(r, &hand->pose) && flags & HAND_TRACKED;
    hand->is_emulated = flags & HAND_EMULATED;
    hand->pressed = take_u32(r);
    for (size_t i = 0; i < n_buttons; i++)
        hand->values[i] = within(take_f32(r), 0, 1);
    for (size_t i = 0; i < n_axes; i++)
        hand->axes[i] = within(take_f32(r), -1, 1);
    if (flags & HAND_JOINTS)
        take_joints(r, hand);
}

static enum et_status no_frame(const struct reader *r, const char *why, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, (int64_t)r->at, "%s (at byte %zu of %zu)", why, r->at,
                   r->bytes.n);
}

static enum et_status take_head(struct reader *r, int type, const char *what, struct et_err *err)
{
    if (take_u8(r) != type)
        return no_frame(r, what, err);
    return take_u8(r) == ET__WEBXR_VERSION ? ET_OK : no_frame(r, "another version", err);
}

enum et_status et__webxr_frame_read(struct et_str bytes, struct et__webxr_frame *f,
                                    struct et_err *err)
{
    struct reader r = {.bytes = bytes};
    *f = (struct et__webxr_frame){0};
    const enum et_status st = take_head(&r, ET__WEBXR_FRAME, "no frame", err);
    if (st != ET_OK)
        return st;
    const uint16_t flags = take_u16(&r);
    f->seq = take_u32(&r);
    f->t_frame_ns = take_time(&r);
    f->t_predicted_ns = take_time(&r);
    f->t_sent_ns = take_time(&r);
    f->head_is_tracked = take_pose(&r, &f->head) && flags & HEAD_TRACKED;
    f->head_is_emulated = flags & HEAD_EMULATED;
    f->is_reset = flags & RESET;
    take_hand(&r, &f->hands[0]);
    take_hand(&r, &f->hands[1]);
    if (r.is_bad)
        return no_frame(&r, "a frame that is cut or has too many parts", err);
    if (r.at != bytes.n)
        return no_frame(&r, "bytes behind a frame", err);
    return f->t_frame_ns > 0 ? ET_OK : no_frame(&r, "a frame without its time", err);
}

enum et_status et__webxr_pong_read(struct et_str bytes, struct et__webxr_pong *pong,
                                   struct et_err *err)
{
    struct reader r = {.bytes = bytes};
    *pong = (struct et__webxr_pong){0};
    const enum et_status st = take_head(&r, ET__WEBXR_PING, "no answer to a ping", err);
    if (st != ET_OK)
        return st;
    (void)take_u16(&r);
    pong->id = take_u32(&r);
    pong->t_came_ns = take_time(&r);
    pong->t_sent_ns = take_time(&r);
    if (r.is_bad || r.at != bytes.n)
        return no_frame(&r, "an answer to a ping of another length", err);
    return pong->t_came_ns > 0 && pong->t_sent_ns >= pong->t_came_ns
               ? ET_OK
               : no_frame(&r, "an answer to a ping without its times", err);
}

void et__webxr_ping_put(uint32_t id, char bytes[ET__WEBXR_PING_BYTES])
{
    memset(bytes, 0, ET__WEBXR_PING_BYTES);
    bytes[0] = ET__WEBXR_PING;
    bytes[1] = ET__WEBXR_VERSION;
    memcpy(bytes + 4, &id, sizeof id);
}

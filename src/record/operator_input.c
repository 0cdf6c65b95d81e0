#include "record/record__operator_input.h"

#include "etude/clock.h"
#include "record/record__reader.h"

#include <math.h>
#include <stdio.h>

#define NAMES_MAX 128
#define SQUEEZED 0.5
#define CURLED_M 0.10  // from a finger's tip to the wrist
#define PINCHED_M 0.02 // from thumb to index finger: closed
#define OPEN_M 0.08
#define RING_TIP 19
#define LITTLE_TIP 24
#define FRESH_NS (ET_NS_PER_S / 5) // what was not heard for longer is not tracked
#define DEPTH_MAX 32               // of bodies on bodies
#define STRAIGHT_RAD 0.35          // a finger's first two joints together: open
#define BENT_RAD 2.4               // closed

/* ---- a headset ---- */

static double length_to_wrist(const struct et_operator_hand *hand, int joint)
{
    return et_vec3_norm(
        et_vec3_sub(hand->joints[joint].position, hand->joints[ET_OPERATOR_WRIST].position));
}

static struct et_teleop_hand read_hand(const struct et_operator_hand *hand, bool is_reset)
{
    // A jump of the origin is no movement: tracking was lost, for the hands.
    struct et_teleop_hand to = {.is_tracked = hand->is_tracked && !is_reset, .pose = hand->pose};
    if (hand->has_joints) {
        to.is_clutched = length_to_wrist(hand, RING_TIP) < CURLED_M &&
                         length_to_wrist(hand, LITTLE_TIP) < CURLED_M;
        to.grip = (OPEN_M - hand->pinch_m) / (OPEN_M - PINCHED_M);
    } else {
        to.is_clutched = hand->squeeze > SQUEEZED || (hand->buttons & ET_OPERATOR_SQUEEZE);
        to.grip = hand->trigger;
    }
    return to;
}

// Where the person looks, about z.
static double heading(const struct et_operator_state *headset)
{
    const struct et_vec3 ahead = et_quat_rotate(headset->head.rotation, (struct et_vec3){1, 0, 0});
    return headset->head_is_tracked ? atan2(ahead.y, ahead.x) : 0;
}

static void say_headset(const struct et__operator_input *in, struct et_teleop_input *to)
{
    to->heading_rad = heading(&in->headset);
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        to->hands[i] = read_hand(&in->headset.hands[i], in->headset.is_reset);
}

static bool hear_headset(struct et__operator_input *in, const struct et_feed_stream *stream,
                         const struct et_feed_sample *sample)
{
    if (!et_operator_take(&in->headset, stream, sample))
        return false;
    in->t_ns = in->headset.t_arrival_ns;
    return true;
}

/* ---- a motion capture ---- */

// "suit/LeftHand" without the device; empty: the room.
static struct et_str body_name(struct et_str frame)
{
    struct et_str device;
    if (!et_str_cut(&frame, '/', &device) || !frame.p)
        return (struct et_str){"", 0};
    return frame;
}

static size_t find_body(const struct et__operator_input *in, struct et_str name)
{
    for (size_t i = 0; i < in->n_bodies; i++)
        if (et_str_is(name, in->bodies[i].name))
            return i;
    return SIZE_MAX;
}

// SIZE_MAX: the room, or one body too many.
static size_t add_body(struct et__operator_input *in, struct et_str name)
{
    const size_t found = find_body(in, name);
    if (found != SIZE_MAX || name.n == 0 || name.n >= ET__OPERATOR_BODY_BYTES ||
        in->n_bodies == ET__OPERATOR_BODIES_MAX)
        return found;
    struct et__operator_body *body = &in->bodies[in->n_bodies];
    *body = (struct et__operator_body){.parent = SIZE_MAX, .pose.rotation.w = 1};
    memcpy(body->name, name.p, name.n);
    return in->n_bodies++;
}

static bool is_good_pose(const struct et_pose *p)
{
    const struct et_quat q = p->rotation;
    const double square = q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w;
    return isfinite(p->position.x) && isfinite(p->position.y) && isfinite(p->position.z) &&
           square > 0.25 && square < 4;
}

static bool hear_motion(struct et__operator_input *in, const struct et_feed_stream *stream,
                        const struct et_feed_sample *sample)
{
    struct et__reader r = et__reader_begin(sample);
    if (strcmp(stream->type, "tf2_msgs/msg/TFMessage") != 0)
        return false;
    const uint32_t n = et__read_count(&r, NAMES_MAX);
    for (uint32_t i = 0; i < n && !r.is_bad; i++) {
        (void)et__read_u32(&r); // the stamp
        (void)et__read_u32(&r);
        const struct et_str parent = body_name(et__read_text(&r));
        const struct et_str name = body_name(et__read_text(&r));
        const struct et_pose pose = et__read_pose(&r);
        const size_t body = r.is_bad || !is_good_pose(&pose) ? SIZE_MAX : add_body(in, name);
        if (body == SIZE_MAX)
            continue;
        in->bodies[body].parent = add_body(in, parent);
        in->bodies[body].pose = (struct et_pose){pose.position, et_quat_normal(pose.rotation)};
        in->bodies[body].t_ns = sample->t_arrival_ns;
    }
    if (n == 0 || r.is_bad)
        return false;
    in->t_ns = sample->t_arrival_ns;
    return true;
}

/* Where a body is in the room. False: it, or what it is on, was not heard of lately. */
static bool place_body(const struct et__operator_input *in, const char *name, struct et_pose *pose)
{
    size_t i = find_body(in, et_str(name));
    if (i == SIZE_MAX || in->bodies[i].t_ns == 0)
        return false;
    *pose = (struct et_pose){.rotation.w = 1};
    for (int depth = 0; i != SIZE_MAX; depth++) {
        const struct et__operator_body *body = &in->bodies[i];
        if (depth == DEPTH_MAX || (body->t_ns && in->t_ns - body->t_ns > FRESH_NS))
            return false;
        *pose = et_pose_mul(body->pose, *pose);
        i = body->parent;
    }
    return true;
}

// The names of what is needed, as VMC and as MVN have them: left, right.
// clang-format off
static const struct skeleton {
    const char *pelvis, *hands[2], *fingers[2][4];
} SKELETONS[] = {
    {"Hips", {"LeftHand", "RightHand"},
     {{"LeftIndexIntermediate", "LeftMiddleIntermediate",
       "LeftRingIntermediate", "LeftLittleIntermediate"},
      {"RightIndexIntermediate", "RightMiddleIntermediate",
       "RightRingIntermediate", "RightLittleIntermediate"}}},
    {"Pelvis", {"LeftHand", "RightHand"},
     {{"LeftSecondMP", "LeftThirdMP", "LeftFourthMP", "LeftFifthMP"},
      {"RightSecondMP", "RightThirdMP", "RightFourthMP", "RightFifthMP"}}},
};
// clang-format on

/* The person's place, upright: its heading is that of the pelvis' left side, which stays level when
 * the person bends forward. */
static struct et_pose upright(const struct et_pose *pelvis)
{
    const struct et_vec3 left = et_quat_rotate(pelvis->rotation, (struct et_vec3){0, 1, 0});
    return (struct et_pose){pelvis->position, et_quat_from_axis_angle((struct et_vec3){0, 0, 1},
                                                                      atan2(-left.x, left.y))};
}

// How far the fingers are bent, of those that are known.
static void read_fingers(const struct et__operator_input *in, const char *const names[4],
                         const struct et_pose *wrist, struct et_teleop_hand *hand)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < 4; i++) {
        struct et_pose finger;
        if (!place_body(in, names[i], &finger))
            continue;
        sum += et_quat_angle_rad(wrist->rotation, finger.rotation);
        n++;
    }
    hand->has_no_grip = n == 0;
    hand->grip = n ? (sum / n - STRAIGHT_RAD) / (BENT_RAD - STRAIGHT_RAD) : 0;
}

static void say_motion(const struct et__operator_input *in, struct et_teleop_input *to)
{
    const struct skeleton *s = &SKELETONS[find_body(in, et_str("Hips")) == SIZE_MAX];
    struct et_pose pelvis;
    const bool is_there = place_body(in, s->pelvis, &pelvis);
    const struct et_pose to_person =
        is_there ? et_pose_inverse(upright(&pelvis)) : (struct et_pose){.rotation.w = 1};
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        struct et_teleop_hand *hand = &to->hands[i];
        struct et_pose wrist = {.rotation.w = 1};
        hand->is_tracked = place_body(in, s->hands[i], &wrist) && is_there;
        hand->pose = et_pose_mul(to_person, wrist);
        hand->has_no_grip = true;
        if (hand->is_tracked)
            read_fingers(in, s->fingers[i], &wrist, hand);
    }
}

/* ---- an exoskeleton, leader arms ---- */

static bool hear_joints(struct et__operator_input *in, const struct et_feed_stream *stream,
                        const struct et_feed_sample *sample)
{
    struct et_str names[NAMES_MAX];
    struct et__reader r = et__reader_begin(sample);
    bool is_any = false;
    if (strcmp(stream->type, "sensor_msgs/msg/JointState") != 0)
        return false;
    et__read_header(&r);
    const uint32_t n = et__read_count(&r, NAMES_MAX);
    for (uint32_t i = 0; i < n; i++)
        names[i] = et__read_text(&r);
    if (et__read_count(&r, NAMES_MAX) != n || r.is_bad)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const double position = et__read_f64(&r);
        for (size_t k = 0; k < in->how.n_joints && !r.is_bad && isfinite(position); k++) {
            if (!et_str_is(names[i], in->how.joints[k].from))
                continue;
            in->positions[k] = position;
            in->t_positions_ns[k] = sample->t_arrival_ns;
            is_any = true;
        }
    }
    if (is_any)
        in->t_ns = sample->t_arrival_ns;
    return is_any;
}

static void say_joints(const struct et__operator_input *in, struct et_teleop_input *to)
{
    bool has_any[ET_TELEOP_HANDS] = {false, false};
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        to->hands[i] = (struct et_teleop_hand){
            .mode = ET_TELEOP_BY_JOINTS, .has_no_grip = true, .is_tracked = true};
    for (size_t k = 0; k < in->how.n_joints; k++) {
        const struct et__operator_joint *joint = &in->how.joints[k];
        struct et_teleop_hand *hand = &to->hands[joint->side];
        const bool is_fresh =
            in->t_positions_ns[k] > 0 && in->t_ns - in->t_positions_ns[k] <= FRESH_NS;
        if (joint->is_grip) {
            hand->has_no_grip = !is_fresh;
            hand->grip = (in->positions[k] - joint->open) / (joint->closed - joint->open);
        } else {
            has_any[joint->side] = true;
            hand->is_tracked = hand->is_tracked && is_fresh;
            hand->joints[joint->i] = joint->scale * in->positions[k];
        }
    }
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        to->hands[i].is_tracked = to->hands[i].is_tracked && has_any[i];
}

/* ---- a gamepad, keys ---- */

static void take_axis(struct et__operator_pad *pad, const struct et__operator_how *how,
                      struct et_str name, double value)
{
    static const char *const TRIGGERS[] = {"left_trigger", "right_trigger"};
    const struct {
        const char *name;
        double *to;
    } STICKS[] = {{"left_x", &pad->left_x},
                  {"left_y", &pad->left_y},
                  {"right_x", &pad->right_x},
                  {"right_y", &pad->right_y}};
    if (!isfinite(value))
        return;
    for (size_t k = 0; k < 4; k++)
        if (et_str_is(name, STICKS[k].name))
            *STICKS[k].to = value;
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        if (et_str_is(name, TRIGGERS[i])) {
            pad->trigger[i] = value;
            pad->has_trigger[i] = true;
        }
        if (how->buttons[i] && et_str_is(name, how->buttons[i]))
            pad->is_held[i] = pad->is_held[i] || value > SQUEEZED; // a shoulder may be an axis
    }
}

static void take_button(struct et__operator_pad *pad, const struct et__operator_how *how,
                        struct et_str name, bool is_down)
{
    static const char *const TRIGGERS[] = {"left_trigger", "right_trigger"};
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        if (how->buttons[i] && et_str_is(name, how->buttons[i]))
            pad->is_held[i] = pad->is_held[i] || is_down;
        if (!pad->has_trigger[i] && et_str_is(name, TRIGGERS[i])) { // behind the axes
            pad->trigger[i] = is_down;
            pad->has_trigger[i] = true;
        }
    }
    if (how->turn && et_str_is(name, how->turn))
        pad->is_turn_down = is_down;
}

static bool hear_pad(struct et__operator_input *in, const struct et_feed_stream *stream,
                     const struct et_feed_sample *sample)
{
    struct et_str names[NAMES_MAX];
    struct et__reader r = et__reader_begin(sample);
    struct et__operator_pad pad = {.t_ns = sample->t_arrival_ns};
    if (strcmp(stream->type, "etude_msgs/msg/Device") != 0)
        return false;
    et__read_header(&r);
    (void)et__read_text(&r);
    (void)et__read_bool(&r);
    (void)et__read_pose(&r);
    uint32_t n = et__read_count(&r, NAMES_MAX);
    for (uint32_t i = 0; i < n; i++)
        names[i] = et__read_text(&r);
    if (et__read_count(&r, NAMES_MAX) != n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        take_axis(&pad, &in->how, names[i], et__read_f64(&r));
    n = et__read_count(&r, NAMES_MAX);
    for (uint32_t i = 0; i < n; i++)
        names[i] = et__read_text(&r);
    if (et__read_count(&r, NAMES_MAX) != n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        take_button(&pad, &in->how, names[i], et__read_bool(&r));
    if (r.is_bad)
        return false;
    // Turning is over with the last clutch that is let go, so that no mode lasts unseen.
    const bool is_new = pad.is_turn_down && !in->pad.is_turn_down;
    pad.is_turning = (in->pad.is_turning != is_new) && (pad.is_held[0] || pad.is_held[1]);
    in->pad = pad;
    return true;
}

/* Left and up are negative, as the kernel has them; the robot's x is forward, y left, z up. */
static void say_pad(const struct et__operator_input *in, struct et_teleop_input *to)
{
    const struct et__operator_pad *pad = &in->pad;
    const double m_s = in->how.m_s, rad_s = in->how.rad_s;
    struct et_teleop_hand hand = {
        .is_tracked = true, .mode = ET_TELEOP_BY_SPEED, .has_no_grip = true};
    if (pad->is_turning)
        hand.turn_rad_s =
            (struct et_vec3){pad->left_x * rad_s, -pad->left_y * rad_s, -pad->right_x * rad_s};
    else
        hand.speed_m_s =
            (struct et_vec3){-pad->left_y * m_s, -pad->left_x * m_s, -pad->right_y * m_s};
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++)
        to->hands[i] = hand;
}

/* ---- all of them ---- */

static void add_clutch(const struct et__operator_input *in, struct et_teleop_input *to)
{
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        struct et_teleop_hand *hand = &to->hands[i];
        if (in->how.buttons[i])
            hand->is_clutched = in->pad.is_held[i];
        if (in->pad.has_trigger[i] && (hand->has_no_grip || in->how.grips_by_trigger)) {
            hand->grip = in->pad.trigger[i];
            hand->has_no_grip = false;
        }
    }
    to->t_clutch_ns = in->how.clutch ? in->pad.t_ns : 0;
}

static bool is_from(const struct et_feed_stream *stream, const char *device)
{
    return !device || (stream->device && strcmp(stream->device, device) == 0);
}

static bool hear_operator(struct et__operator_input *in, const struct et_feed_stream *stream,
                          const struct et_feed_sample *sample)
{
    switch (in->how.kind) {
    case ET__OPERATOR_MOTION:
        return hear_motion(in, stream, sample);
    case ET__OPERATOR_JOINTS:
        return hear_joints(in, stream, sample);
    case ET__OPERATOR_PAD:
        if (!hear_pad(in, stream, sample))
            return false;
        in->t_ns = sample->t_arrival_ns;
        return true;
    case ET__OPERATOR_HEADSET:
    default:
        return hear_headset(in, stream, sample);
    }
}

bool et__operator_hear(struct et__operator_input *in, const struct et_feed_stream *stream,
                       const struct et_feed_sample *sample, struct et_teleop_input *to)
{
    bool is_new = false;
    if (is_from(stream, in->how.device))
        is_new = hear_operator(in, stream, sample);
    if (in->how.clutch && is_from(stream, in->how.clutch))
        is_new = hear_pad(in, stream, sample) || is_new;
    if (!is_new || in->t_ns == 0)
        return false;
    *to = (struct et_teleop_input){.t_arrival_ns = in->t_ns};
    switch (in->how.kind) {
    case ET__OPERATOR_MOTION:
        say_motion(in, to);
        break;
    case ET__OPERATOR_JOINTS:
        say_joints(in, to);
        break;
    case ET__OPERATOR_PAD:
        say_pad(in, to);
        break;
    case ET__OPERATOR_HEADSET:
    default:
        say_headset(in, to);
    }
    add_clutch(in, to);
    return true;
}

/* Operator's input: what somebody's devices put into their feeds → what teleoperation takes in.
 *
 * Four ways in which a person leads a robot, one struct et_teleop_input out of each:
 *
 *     headset   the operator's messages (etude/operator.h): hands by pose, each with its clutch
 *     motion    bodies of a motion capture: wrists as the pelvis sees them, by pose
 *     joints    joints of an exoskeleton or of leader arms, by joints
 *     pad       a gamepad's sticks, by speed
 *
 * What has no clutch of its own is led by that of another device, whose buttons are the dead man's
 * switch. Only samples of feeds come in, so that a recording holds all that moved the robot.
 *
 * Threads: the one that hears. Memory: plain structs. */
#ifndef ETUDE_RECORD_OPERATOR_INPUT_H
#define ETUDE_RECORD_OPERATOR_INPUT_H

#include "etude/operator.h"
#include "etude/source.h"
#include "etude/teleop.h"

/* ---- who leads, and how ---- */

enum et__operator_kind {
    ET__OPERATOR_HEADSET, // and whatever puts its messages
    ET__OPERATOR_MOTION,
    ET__OPERATOR_JOINTS,
    ET__OPERATOR_PAD,
};

#define ET__OPERATOR_MAP_MAX (2 * (ET_TELEOP_ARM_JOINTS_MAX + 1))

/* A joint of the person's device, and what it leads. */
struct et__operator_joint {
    const char *from;
    size_t side;  // ET_OPERATOR_LEFT, ET_OPERATOR_RIGHT
    bool is_grip; // else the arm's joint i
    size_t i;
    double scale;        // with its sign
    double open, closed; // of a grip, rad
};

/* Zeroed, a headset leads, whatever it is called. Texts are the settings', which outlive it. */
struct et__operator_how {
    enum et__operator_kind kind;
    const char *device;                   // NULL: whoever is heard
    const char *clutch;                   // the device that has the clutch; NULL: `device` itself
    const char *buttons[ET_TELEOP_HANDS]; // that are it; MOTION, JOINTS, PAD and where `clutch` is
    bool grips_by_trigger;                // whatever else could say it
    const char *turn;                     // PAD: the button that changes from moving to turning
    double m_s, rad_s;                    // PAD: of a stick at its end
    struct et__operator_joint joints[ET__OPERATOR_MAP_MAX];
    size_t n_joints;
};

/* The robot's arms, by the names of their joints in their order. */
struct et__operator_robot {
    const char *names[ET_TELEOP_HANDS][ET_TELEOP_ARM_JOINTS_MAX];
    size_t n[ET_TELEOP_HANDS];
};

/* Settings of every kind of source whose robot follows an operator. */
extern const struct et_schema et__operator_name, et__operator_clutch, et__operator_joints,
    et__operator_pad, et__operator_grip;
// clang-format off
#define ET__OPERATOR_FIELDS                                                    \
    {"operator", &et__operator_name,   false},                                 \
    {"clutch",   &et__operator_clutch, false},                                 \
    {"joints",   &et__operator_joints, false},                                 \
    {"pad",      &et__operator_pad,    false},                                 \
    {"grip",     &et__operator_grip,   false}
// clang-format on

/* Reads them, and looks whether the station has what they name. ET_ECORRUPT: "path:line:column: …",
 * what is wrong, or what is to be written. Without `operator` *how is zeroed. */
ET_MUST_USE enum et_status et__operator_read(struct et__operator_how *how,
                                             const struct et_source_options *options,
                                             const struct et__operator_robot *robot,
                                             struct et_err *err);

/* Whether a robot of its station is led by this source: as the operator, or by its clutch. */
bool et__operator_leads(const struct et_source_options *options);

/* ---- hearing ---- */

#define ET__OPERATOR_BODIES_MAX 96
#define ET__OPERATOR_BODY_BYTES 24

struct et__operator_body {
    char name[ET__OPERATOR_BODY_BYTES];
    size_t parent;       // SIZE_MAX: the room
    struct et_pose pose; // in its parent
    int64_t t_ns;        // when it was heard of; 0: never, it is only others' parent
};

/* A gamepad or keys, as heard last. */
struct et__operator_pad {
    int64_t t_ns; // 0: nothing was heard
    bool is_held[ET_TELEOP_HANDS];
    bool has_trigger[ET_TELEOP_HANDS];
    double trigger[ET_TELEOP_HANDS];
    double left_x, left_y, right_x, right_y;
    bool is_turn_down, is_turning;
};

/* Zeroed but for `how`, nothing was heard. */
struct et__operator_input {
    struct et__operator_how how;
    struct et_operator_state headset;
    struct et__operator_pad pad; // of the operator, or of the clutch
    struct et__operator_body bodies[ET__OPERATOR_BODIES_MAX];
    size_t n_bodies;
    double positions[ET__OPERATOR_MAP_MAX]; // of how.joints
    int64_t t_positions_ns[ET__OPERATOR_MAP_MAX];
    int64_t t_ns; // when the operator was heard; 0: never
};

/* Takes a sample of any feed. true: something of the operator's or of the clutch's was new, and *to
 * is what teleoperation takes in. false: it is nobody's, or damaged, or the operator has not been
 * heard yet. */
bool et__operator_hear(struct et__operator_input *in, const struct et_feed_stream *stream,
                       const struct et_feed_sample *sample, struct et_teleop_input *to);

#endif

/* Stream: one sensor or command channel, by its canonical name.
 *
 * "<part>.<quantity>", commands with "command." in front: left_arm.position,
 * command.left_arm.position, head.image, left_wrist.wrench. Every maker's data is mapped to these
 * names, so that whatever comes after knows no maker.
 *
 * Units:   SI and radians: rad, rad/s, N m, m, m/s, N, fraction (hands that are 0 … 1), 1.
 * Threads: plain values only. */
#ifndef ETUDE_STREAM_H
#define ETUDE_STREAM_H

#include "etude/str.h"

// clang-format off
//    name, text, what it holds, unit, values a sample (0: as the robot has)
#define ET_QUANTITY_MAP(X)                                                                  \
    X(POSITION, "position", "joint positions",                        "rad",        0)      \
    X(VELOCITY, "velocity", "joint velocities",                       "rad/s",      0)      \
    X(EFFORT,   "effort",   "joint torques",                          "N m",        0)      \
    X(POSE,     "pose",     "position x y z and quaternion x y z w",  "m",          7)      \
    X(TWIST,    "twist",    "linear and angular velocity",            "m/s",        6)      \
    X(WRENCH,   "wrench",   "force and torque",                       "N",          6)      \
    X(TOUCH,    "touch",    "contact forces, one a finger or pad",    "N",          0)      \
    X(PRESSURE, "pressure", "pressure pads",                          "Pa",         0)      \
    X(IMU,      "imu",      "angular velocity, acceleration, quaternion", "rad/s",  10)     \
    X(IMAGE,    "image",    "colour pictures",                        "1",          0)      \
    X(DEPTH,    "depth",    "distance pictures",                      "m",          0)      \
    X(AUDIO,    "audio",    "sound pressure",                         "1",          0)      \
    X(EVENT,    "event",    "what happened",                          "1",          0)      \
    X(TEXT,     "text",     "what was said",                          "1",          0)      \
    X(STATE,    "state",    "what no sensor gives: where things are", "m",          0)

// In canonical order: the order of a dataset's state and action. `body` is for robots whose parts
// are not known (the generic profile).
#define ET_PART_MAP(X)                                                                      \
    X(HEAD, "head") X(WAIST, "waist") X(LEFT_ARM, "left_arm") X(LEFT_HAND, "left_hand")     \
    X(RIGHT_ARM, "right_arm") X(RIGHT_HAND, "right_hand") X(LEGS, "legs") X(BASE, "base")   \
    X(LEFT_WRIST, "left_wrist") X(RIGHT_WRIST, "right_wrist")                               \
    X(LEFT_FINGERS, "left_fingers") X(RIGHT_FINGERS, "right_fingers")                       \
    X(SCENE, "scene") X(BODY, "body")
// clang-format on

enum et_quantity {
#define X(name, text, meaning, unit, n) ET_QUANTITY_##name,
    ET_QUANTITY_MAP(X)
#undef X
        ET_N_QUANTITIES
};

enum et_part {
#define X(name, text) ET_PART_##name,
    ET_PART_MAP(X)
#undef X
        ET_N_PARTS
};

/* One stream. Texts belong to whoever made it (a profile, an episode's arena). */
struct et_stream {
    const char *name; // canonical, see above
    enum et_part part;
    enum et_quantity quantity;
    bool is_command;
    const char *unit;         // SI text, e.g. "rad"; one unit for all values
    size_t n_values;          // numbers in a sample; 0 for pictures, events and text
    const char *const *names; // n_values names ("left_shoulder_pitch"), NULL when there are none
    const double *lower;      // n_values limits, NaN where unknown; NULL when none is known
    const double *upper;
    const double *speed; // n_values largest |rate of change| a second, NaN where unknown; or NULL
    double rate_hz;      // nominal, 0 unknown
};

ET_API const char *et_quantity_text(enum et_quantity quantity);
ET_API const char *et_quantity_unit(enum et_quantity quantity);
ET_API const char *et_part_text(enum et_part part);

/* Values in a sample of that quantity; 0 where the robot decides, and for pictures and text. */
ET_API size_t et_quantity_values(enum et_quantity quantity);

/* The part of that name; false (nothing touched) when there is none. */
ET_API bool et_part_parse(struct et_str text, enum et_part *part);

/* True for parts that have joints (head … base, body), false for places of sensors. */
ET_API bool et_part_has_joints(enum et_part part);

/* True for quantities that a robot has one of a joint: position, velocity, effort. */
ET_API bool et_quantity_is_of_joints(enum et_quantity quantity);

/* Splits a canonical name; false (nothing touched) when it is none. Cameras may be named by a place
 * of their own ("head.image", "overhead.image"): an unknown place of an image, a depth or an audio
 * stream counts as ET_PART_SCENE. */
ET_API bool et_stream_parse(const char *name, enum et_part *part, enum et_quantity *quantity,
                            bool *is_command);

/* Canonical order: measured before commands, then by part, quantity and name. For qsort over
 * struct et_stream. */
ET_API int et_stream_compare(const void *a, const void *b);

#endif

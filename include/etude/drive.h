/* Drive: how a robot is told where its joints shall go, as the section `drive` of its profile has
 * it (doc/profile.md).
 *
 * A profile's rules say where in the maker's messages a joint's position and its command are; they
 * are for reading recordings, and here they lead the other way. What is added is what only somebody
 * who sends has to know: which topics, how often, and what else a command must hold.
 *
 * Units:   rad, m, s, Hz; behind scale and offset everything is SI.
 * Memory:  part of its profile. */
#ifndef ETUDE_DRIVE_H
#define ETUDE_DRIVE_H

#include "etude/stream.h"

#include <stdint.h>

#define ET_DRIVE_JOINTS_MAX 64
#define ET_DRIVE_ARMS 2 // left, right

/* A joint, and where its values are. In the maker's unit a value is (SI − offset) / scale. */
struct et_drive_joint {
    const char *name, *maker; // maker NULL: the same
    enum et_part part;
    double lower, upper; // of the part's unit
    double speed_max;    // a second; NaN: not published
    bool follows;        // the operator; else it stays where it was
    const char *command; // path of its value: "motor_cmd[15].q"
    size_t i_command;    // its place in the array
    double command_scale, command_offset;
    const char *state;      // path of the array: "motor_state[].q"
    size_t i_state;         // its place there
    const char *state_name; // or its name in the array of names; NULL: by place
    double state_scale, state_offset;
};

/* A field that a command must hold besides. */
struct et_drive_value {
    const char *field;    // "mode_pr"; with "[]" of every joint that is commanded
    double value;         // s where the field is a time
    double released;      // what it comes from and goes back to; NaN: always the value
    const char *from;     // a field of the state that it repeats; NULL: none
    const size_t *joints; // in et_drive.joints, n_joints of them; NULL: all
    size_t n_joints;
    int32_t line; // in the profile
};

struct et_drive_arm {
    size_t first_joint, n_joints; // in et_drive.joints; 0: it does not follow
    size_t i_hand;                // SIZE_MAX: no opening of a hand
    double open, closed;
    const char *body; // of the robot's model, which carries the point; NULL: the arm's last
    double point[3];  // on it, m
};

enum et_drive_checksum {
    ET_DRIVE_NO_CHECKSUM,
    ET_DRIVE_UNITREE, // of all words before the field "crc"
};

struct et_drive_topic {
    const char *topic, *type; // "rt/lowstate", "unitree_hg/msg/LowState"
    const char *names;        // field that names the values: "name"; NULL: none
    enum et_drive_checksum checksum;
};

struct et_drive {
    const char *name;   // "arm_sdk"
    const char *source; // where its facts are from
    double rate_hz;     // of commands
    double stale_s;     // a state that is older is none
    double take_s, release_s;
    bool may_share; // somebody else may write the topic of commands, too
    struct et_drive_topic state, command;
    const struct et_drive_joint *joints; // those commanded first, canonical order
    size_t n_joints, n_commanded;
    struct et_drive_arm arms[ET_DRIVE_ARMS];
    const struct et_drive_value *values;
    size_t n_values;
    const char *base; // body of the model whose frame the operator's movements are in; NULL: the
                      // one that carries the arms
    int32_t line, column; // in the profile
};

#endif

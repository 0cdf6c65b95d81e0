/* A robot of the virtual centre: its MJCF, and robot.yaml, which says what in it is what. */
#ifndef WORLD__ROBOT_H
#define WORLD__ROBOT_H

#include "etude/arena.h"
#include "etude/share.h"
#include "etude/stream.h"

#define ET__JOINTS_MAX 64
#define ET__ARM_JOINTS_MAX 8

/* A joint that the world's actions move. */
struct et__robot_joint {
    const char *name;     // canonical
    const char *maker;    // the robot's own
    const char *joint;    // in the MJCF
    const char *actuator; // in the MJCF; of type position
    enum et_part part;
    double home;
    double maker_scale; // −57.29…: degrees, reversed
    size_t maker_index;
};

struct et__robot_hand {
    const char *tcp; // site between the pads: z where fingers point, y along which they close
    const char *fingers[2];     // bodies
    const char *body;           // of the palm
    const char *force, *torque; // sensors
    const char *touch[2];       // sensors
    const char *pressure[8];    // sensors: four fields a pad, N
    double field_m2;            // area of such a field
    double open_m;              // widest opening between the pads
    double close_m;             // what is asked for to squeeze: below 0
    double actuator_scale;      // of the actuator's value for a metre of opening
    size_t first_joint;         // of the arm, in `joints`
    size_t n_joints;
    size_t i_hand; // the hand's joint
};

struct et__robot_posture { // a word of skills for one of the joints
    const char *name;      // "lift", "waist_yaw", "waist_pitch", "head_pan", "head_tilt"
    size_t i_joint;
    double scale; // of the skill's value
};

struct et__robot_camera {
    const char *place; // "head"
    const char *camera;
};

struct et__robot {
    const char *id, *path, *mjcf;                   // mjcf: path of robot.xml
    const char *text;                               // a line for lists
    const char *profile;                            // id of the profile that reads its recordings
    const char *base;                               // body that carries all
    const char *trunk;                              // site with the IMU
    const char *gyro, *accelerometer, *orientation; // sensors
    const struct et__robot_joint *joints;           // canonical order
    size_t n_joints;
    struct et__robot_hand hands[2]; // left, right
    const struct et__robot_posture *postures;
    size_t n_postures;
    const struct et__robot_camera *cameras;
    size_t n_cameras;
};

/* By id (share/world/robots/<id>/robot.yaml), path, or the id of the profile that reads its
 * recordings. Errors as et_skill_load. */
ET_MUST_USE enum et_status et__robot_load(const char *wanted, struct et_arena *arena,
                                          const struct et__robot **robot, struct et_err *err);

/* All of that that concerns the file's bytes: everything but id, path and mjcf. `path` is for
 * messages; `robot` is zeroed. */
ET_MUST_USE enum et_status et__robot_parse(const char *path, struct et_str text,
                                           struct et_arena *arena, struct et__robot *robot,
                                           struct et_err *err);

#endif

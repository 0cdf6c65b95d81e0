/* Teleoperation: where a person's hands are → where a robot's joints shall go, safely.
 *
 * A hand moves its arm only while its clutch is held (a dead man's switch): from where both were
 * when it was pressed, the robot's hand follows the person's, scaled, smoothed, and never faster
 * than its joints may. Whatever comes from the person, what goes to the robot is within limits:
 *
 *     clutch let go, tracking lost   the arm stays where it was told to be
 *     no word for watchdog_ns        all stays (HELD), until both clutches were let go
 *     a force at the wrist           that arm stays, until its clutch is let go
 *     a contact is near              the arm that would come nearer stays; it may go away from it
 *     out of reach                   as near as it can
 *     stop                           all stays, whatever else is said, until it is reset with both
 *                                    clutches let go
 *
 * It knows no device and no robot: poses come in the robot's frame (x forward, y left, z up, m;
 * quaternions x y z w), joints go through a solver that the caller gives. Nothing is allocated
 * after opening, and nothing waits: it may be stepped on a thread of real time.
 *
 * Units:   m, rad, s, N; times are ns of CLOCK_MONOTONIC.
 * Threads: one steps; et_teleop_stop may be called from any, and from a signal handler. */
#ifndef ETUDE_TELEOP_H
#define ETUDE_TELEOP_H

#include "etude/pose.h"
#include "etude/status.h"

#include <stddef.h>

#define ET_TELEOP_JOINTS_MAX 64
#define ET_TELEOP_HANDS 2 // left, right

/* ---- what comes in ---- */

/* How a hand says where its arm shall go. It does not change while the clutch is held. */
enum et_teleop_mode {
    ET_TELEOP_BY_POSE,   // as the person's hand has moved since the clutch was pressed
    ET_TELEOP_BY_JOINTS, // joint by joint, as those of the person's device have since then
    ET_TELEOP_BY_SPEED,  // on and on, as fast as is said, while that is heard
};

#define ET_TELEOP_ARM_JOINTS_MAX 16 // that can be led joint by joint

struct et_teleop_hand {
    bool is_tracked;
    bool is_clutched; // the person wants this arm to follow
    bool has_no_grip; // the device does not say it: the robot's hand stays as it is
    enum et_teleop_mode mode;
    double grip;         // 0 open … 1 closed
    struct et_pose pose; // BY_POSE: of the person's hand
    /* BY_JOINTS: of the arm's joints in their order, on the robot's signs; only changes count. */
    double joints[ET_TELEOP_ARM_JOINTS_MAX];
    struct et_vec3 speed_m_s, turn_rad_s; // BY_SPEED: of the robot's hand, on the robot's axes
};

struct et_teleop_input {
    int64_t t_arrival_ns; // when it was heard
    int64_t t_clutch_ns;  // and its clutch, where that is a device of its own; 0: with the hands
    struct et_teleop_hand hands[ET_TELEOP_HANDS];
    double heading_rad; // of the person about z: forward for the robot is forward for the person
};

/* ---- the robot ---- */

struct et_teleop_arm {
    size_t first_joint, n_joints; // of the robot's
    size_t i_hand;                // the joint that is its hand's opening; SIZE_MAX: none
    double open, closed;          // of that joint
};

struct et_teleop_robot {
    size_t n_joints;
    const double *lower, *upper; // n_joints
    const double *speed_max;     // n_joints, rad/s (m/s); NAN: not known, options.speed_rad_s
    struct et_teleop_arm arms[ET_TELEOP_HANDS];
    /* Where a hand is for these joints, in the robot's frame. */
    struct et_pose (*pose)(void *ctx, const double *joints, size_t i_hand);
    /* Moves that arm's values in `joints` towards the goal; how far it still is, in m. */
    double (*solve)(void *ctx, double *joints, size_t i_hand, const struct et_pose *goal);
    /* How far the arms are from the nearest contact with each other or the rest of the robot, m;
     * below 0: how deep. What is not finite but +INFINITY counts as contact. NULL: not known, and
     * nothing is kept apart. */
    double (*clearance)(void *ctx, const double *joints);
    void *ctx;
};

struct et_teleop_options {
    double scale;          // of movements; 0: 1
    double smoothing_s;    // time constant of the goal; 0: 0.03; < 0: none
    double speed_share;    // of each joint's greatest speed; 0: 0.5
    double speed_rad_s;    // where that is not known; 0: 1
    double hand_m_s_max;   // of the goal; 0: 1
    double hand_rad_s_max; // 0: 3
    double force_n_max;    // at a wrist, beyond what it was when the clutch was pressed; 0: 40
    double jump_m;         // of the person's hand between two inputs, which no hand does; 0: 0.3
    double jump_rad;       // of a joint of the person's device, the same; 0: 0.5
    double clearance_m;    // no step goes nearer to a contact; 0: 0.01
    int64_t watchdog_ns;   // 0: 150 ms
};

/* ---- driving ---- */

struct et_teleop;

/* The robot is copied, what it points to stays the caller's. options may be NULL. ET_EARG: no such
 * robot or options. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_teleop_open(struct et_teleop **teleop,
                                                 const struct et_teleop_robot *robot,
                                                 const struct et_teleop_options *options,
                                                 struct et_err *err);
ET_API void et_teleop_close(struct et_teleop *teleop); // NULL is allowed

/* Begins, or begins anew, from where the robot is: n_joints measured. */
ET_API void et_teleop_begin(struct et_teleop *teleop, const double *joints);

/* The person's hands, as soon as they are heard of. Not finite, or older than the last: passed
 * over, and counted. */
ET_API void et_teleop_input(struct et_teleop *teleop, const struct et_teleop_input *input);

/* What the wrists feel, N, or NAN; as often as it is measured. */
ET_API void et_teleop_force(struct et_teleop *teleop, const double force_n[ET_TELEOP_HANDS]);

/* Where all joints shall go now: n_joints, always finite and within limits. dt from the last step
 * counts for speeds, 50 ms at most. */
ET_API void et_teleop_step(struct et_teleop *teleop, int64_t t_now_ns, double *joints);

/* The emergency stop. */
ET_API void et_teleop_stop(struct et_teleop *teleop);
/* Takes it back; done by the first step at which both clutches are let go. */
ET_API void et_teleop_reset(struct et_teleop *teleop);

// clang-format off
#define ET_TELEOP_STATE_MAP(X)                                                  \
    X(IDLE,    "idle",    "no clutch is held")                                  \
    X(MOVING,  "moving",  "an arm follows")                                     \
    X(HELD,    "held",    "no word from the operator: let go of the clutches")  \
    X(FORCE,   "force",   "a wrist met a force: let go of its clutch")          \
    X(CLOSE,   "close",   "an arm would touch the robot: move it away")         \
    X(STOPPED, "stopped", "emergency stop")
// clang-format on

enum et_teleop_state {
#define X(name, text, meaning) ET_TELEOP_##name,
    ET_TELEOP_STATE_MAP(X)
#undef X
        ET_N_TELEOP_STATES
};
/* "idle", "moving" … */
ET_API const char *et_teleop_state_text(enum et_teleop_state state);

struct et_teleop_status {
    enum et_teleop_state state;
    bool is_following[ET_TELEOP_HANDS];
    double rest_m[ET_TELEOP_HANDS]; // from the robot's hand to where it shall be
    uint64_t n_inputs, n_passed_over;
    uint64_t n_watchdog, n_force, n_jumps, n_close; // how often each has held it
    // From an input's arrival to the step that first used it: of the last 1024.
    int64_t latency_p50_ns, latency_p99_ns, latency_max_ns;
};
ET_API struct et_teleop_status et_teleop_status(const struct et_teleop *teleop);
/* Whether an arm follows: of the status, what costs nothing to ask for. */
ET_API bool et_teleop_is_following(const struct et_teleop *teleop);

#endif

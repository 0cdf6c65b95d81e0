/* A robot of drive_sim.c, the source that drives it, and an operator with a headset: in real time.
 */
#ifndef TESTS_DRIVE_RIG_H
#define TESTS_DRIVE_RIG_H

#include "etude/source.h"
#include "etude/world_arm.h"
#include "record/record__webxr.h"

#include <stdio.h>
#include <sys/types.h>

#define RIG_JOINTS_MAX 14

/* What the robot says it was told (drive_sim.c, answer). */
struct drive_seen {
    unsigned n_commands, n_wrong_crc, n_wrong;
    double first_jump, most_step, most_weight_step, weight, kp;
    int mode_machine;
    double since_last_s, t_first_s, most_speed;
    int n_legs; // motors below the arms that are told something
    double legs_moved;
    double q[RIG_JOINTS_MAX], told[RIG_JOINTS_MAX];
};

struct rig {
    // The robot.
    pid_t pid;
    FILE *orders, *answers;
    unsigned domain;
    const char *interface; // NULL: lo
    bool is_g1;
    size_t n_joints;
    struct et_world_arms *arms; // the test's own, to know where a hand is
    // The source.
    struct et_feed *feed;
    struct et_source *source;
    struct et_arena *settings;
    int64_t t_next_ns;
    enum et_status st;
    char words[4096]; // of all events: "drive ready; teleop idle; "
    size_t n_commands;
    size_t n_command_bytes;
    // The operator.
    struct et_feed *operator;
    struct et__webxr_streams streams;
    uint32_t seq;
    struct et_pose hands[2];
    bool is_clutched, is_away; // away: says nothing
    double grip;
};

/* Starts a robot of that kind ("other": a unitree where JointStates are expected), and writes model
 * and profile into the test's folder: "g1.xml", "g1.yaml" (the shipped one, with short ramps),
 * "fr3.xml", "fr3.yaml". false: the program is not there. */
bool rig_open(struct rig *rig, const char *kind);
void rig_close(struct rig *rig);

/* Opens the source: `more` is YAML behind profile, model, domain, interface and operator. */
enum et_status rig_drive(struct rig *rig, const char *more, struct et_err *err);
void rig_stop_driving(struct rig *rig);

/* Gives the robot an order; what it was told. */
void rig_order(struct rig *rig, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct drive_seen rig_see(struct rig *rig);

/* Lets time pass: the source is polled, the operator's headset speaks 90 times a second, its hands
 * moving by `by` (m, of both) in that time. */
void rig_run(struct rig *rig, double seconds, struct et_vec3 by);
static inline void rig_wait(struct rig *rig, double seconds)
{
    rig_run(rig, seconds, (struct et_vec3){0, 0, 0});
}
/* Until the words hold `word`, 10 s at most; false: they did not. */
bool rig_until(struct rig *rig, const char *word);
void rig_forget(struct rig *rig); // the words

/* From nothing to driving: clutch, wait, let go, clutch again. false: it did not come to that. */
bool rig_take_over(struct rig *rig);

/* Where the robot's hand is. */
struct et_vec3 rig_hand(struct rig *rig, enum et_side side);

#endif

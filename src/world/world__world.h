/* The inside of a world. MuJoCo is seen only by the files that include this. */
#ifndef WORLD__WORLD_H
#define WORLD__WORLD_H

#include "etude/world.h"
#include "world/world__robot.h"
#include "world/world__skill.h"

#include <mujoco/mujoco.h>

/* ---- chance: xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64 ---- */

struct et__random {
    uint64_t s[4];
};
void et__random_seed(struct et__random *random, uint64_t seed);
double et__random_even(struct et__random *random, double least, double most);
double et__random_normal(struct et__random *random); // mean 0, deviation 1

/* ---- places of names in the model ---- */

struct et__hand_ids {
    int tcp, palm, fingers[2];                // site, bodies
    int force, torque, touch[2], pressure[8]; // addresses in sensordata; −1: none
    int qpos[ET__ARM_JOINTS_MAX];             // of the arm
    int dof[ET__ARM_JOINTS_MAX];
    size_t n_joints;
};

struct et__joint_ids {
    int qpos, dof, actuator;
    double kp, kd; // for the feed-forward of speed
};

/* What a term of a condition speaks of. */
struct et__term_ids {
    int ids[ET__TERM_NAMES_MAX];
};

struct et__draw_ids {
    int id;
};

struct et__action_ids {
    int target, holding; // −1: none
    int posture;         // of the robot's postures; −1: this robot has none such
};

struct et__pristine; // the model as it was loaded

struct et_world {
    struct et_arena *arena;
    const struct et_skill *skill;
    const struct et__robot *robot;
    struct et_world_options options;
    mjModel *model;
    mjData *data;
    struct et__pristine *pristine;
    struct et_world_joint *joints;
    struct et__joint_ids *joint_ids; // robot->n_joints
    struct et__hand_ids hands[2];
    int base;                             // body
    int gyro, accelerometer, orientation; // addresses in sensordata; −1: none
    int n_objects, *objects;              // bodies
    struct et__term_ids *success;
    struct et__draw_ids *draws;
    struct et__random random; // of this episode
    enum et_tier tier;
    double *action, *speed; // n_joints: in force, and its smoothed speed
    double *joint_max;      // of all joints of the model, since the reset: what was pressed
    unsigned char *wiped;   // of all sites
    struct et_world_state state;
    double *rows; // what state points into
};

/* Evaluates. `world`'s data is as after mj_forward. */
bool et__term_holds(const struct et_world *world, const struct et__term *term,
                    const struct et__term_ids *ids);
bool et__condition_holds(const struct et_world *world, const struct et__condition *condition,
                         const struct et__term_ids *ids);

/* Finds the names of a condition's terms in the model. ET_ECORRUPT: "path:line:column: no body
 * 'x' in the scene; nearest: y". ids: n_terms, from the world's arena. */
ET_MUST_USE enum et_status et__bind_condition(struct et_world *world,
                                              const struct et__condition *condition,
                                              struct et__term_ids **ids, struct et_err *err);

/* Touch between trees of bodies: a body counts with all that hangs on it. */
bool et__is_touching(const struct et_world *world, int body_a, int body_b);

#endif

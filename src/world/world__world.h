/* The inside of a world. MuJoCo is seen only by the files that include this. */
#ifndef WORLD__WORLD_H
#define WORLD__WORLD_H

#include "etude/pose.h"
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
    int tcp, palm, fingers[2];                // site (−1: none), bodies
    int force, torque, touch[2], pressure[8]; // addresses in sensordata; −1: none
    int qpos[ET__ARM_JOINTS_MAX];             // of the arm
    int dof[ET__ARM_JOINTS_MAX];
    size_t n_joints;
    struct et_vec3 point; // where there is no site (tcp −1): on the palm's body
};

struct et__joint_ids {
    int joint, qpos, dof, actuator;
    double scale;        // of the model's value for one of ours: fingers move half of the opening
    double feed_forward; // s: kd / kp, of joints that are followed at speed; 0: of others
};

/* What a term of a condition speaks of. */
struct et__term_ids {
    int ids[ET__TERM_NAMES_MAX];
};

struct et__push {
    int body; // −1: none now
    double begin_s, force[3];
};

/* What MuJoCo makes a contact of. */
struct et__surface {
    int condim, priority;
};

/* What a part of the robot presses against. */
struct et__contact {
    double force_n; // of all such contacts together
    int body;       // that takes most of it; −1: none
};

struct et__rows {
    double *position, *velocity, *effort, *command, *wrench, *touch, *pressure, *imu;
};

#define ET__N_LITTER 3 // of share/world/litter.xml

/* What the skill is about (task.c). */
#define ET__TASK_PARTS_MAX 32

struct et__task_part {
    int type, id;   // an mjtObj: a site, a body or a joint
    bool is_turned; // which way round it stands counts, not only how upright
};
struct et__task {
    struct et__task_part parts[ET__TASK_PARTS_MAX];
    size_t n_parts, n_values;
    const char **names; // n_values
};

struct et_world {
    struct et_arena *arena;
    const struct et_skill *skill;
    const struct et__robot *robot;
    struct et_world_options options;
    mjModel *model;
    mjModel *pristine; // as it was loaded: what one episode changes, the next must not see
    mjData *data;
    struct et_world_joint *joints;
    struct et__joint_ids *joint_ids; // robot->n_joints
    struct et__hand_ids hands[2];
    int base;                             // body
    int gyro, accelerometer, orientation; // addresses in sensordata; −1: none
    int wipe_tool;                        // site; −1: none
    int *objects;                         // bodies, skill->n_objects of them
    int *clutter;                         // bodies
    int litter[ET__N_LITTER];             // bodies; −1: the room has none
    int *draws;                           // ids of what the script's draws draw
    struct et__term_ids *success;
    struct et__task task;
    struct et__random random, sensor_random, litter_random, astray_random; // of this episode
    enum et_tier tier;
    int64_t n_ticks; // since the reset
    struct et__push push;
    double walk_side, walk_m; // of the person who walks by: −1 or 1; where on the way it began
    double walk_from_m, walk_to_m; // and turns round
    double *action, *speed;        // n_joints: in force, and its smoothed speed
    double *lagged;                // n_joints: what reaches the actuators
    double *astray;                // n_joints: what disturbs what is carried out, rad
    double astray_rad;             // its standard deviation in this episode
    double *joint_max;             // of all joints of the model, since the reset: what was pressed
    unsigned char *wiped;          // of all sites
    bool is_slippery[2];           // hands without friction
    struct et__surface *own;       // of all geoms: what slippery ones get back
    int watched; // body of the robot whose contacts are measured, with all on it; −1: none
    struct et__contact hit; // the hardest of the last step's ticks
    struct et_world_contact contact; // of the whole robot, the same
    struct et_world_state state;
    struct et__rows rows; // of the last step
    struct et__rows late; // of the one before, which the state points to in the tier disturbed
};

/* ---- the model (model.c) ---- */

/* Loads world->pristine. ET_ECORRUPT: MuJoCo's words, with the file that they are about. */
ET_MUST_USE enum et_status et__load_model(struct et_world *world, struct et_err *err);
/* The robot alone: of a world that has no skill. */
ET_MUST_USE enum et_status et__load_robot_model(struct et_world *world, struct et_err *err);

/* ---- names (bind.c) ---- */

/* The id of a name of the skill's file; the bodies "left_hand", "right_hand" and "robot" are the
 * robot's. ET_ECORRUPT: "path:line:column: no body 'x' in the scene". `type` is an mjtObj. */
ET_MUST_USE enum et_status et__bind(const struct et_world *world, int type,
                                    const struct et__name *name, int *id, struct et_err *err);

/* The names of a condition's terms; *ids: n_terms, in the arena. */
ET_MUST_USE enum et_status et__bind_condition(const struct et_world *world,
                                              const struct et__condition *condition,
                                              struct et_arena *arena, struct et__term_ids **ids,
                                              struct et_err *err);

/* All that the robot names, and all that the robot and the skill name. */
ET_MUST_USE enum et_status et__bind_robot(struct et_world *world, struct et_err *err);
ET_MUST_USE enum et_status et__bind_world(struct et_world *world, struct et_err *err);

/* ---- chance (draw.c) ---- */

/* Puts the model's and the data's variables to what this episode's chance says; `data` is fresh. */
ET_MUST_USE enum et_status et__draw(struct et_world *world, struct et_err *err);

/* ---- what a skill is about (task.c); after the world is bound ---- */

ET_MUST_USE enum et_status et__bind_task(struct et_world *world, struct et_err *err);

/* ---- what lies about (litter.c) ---- */

void et__bind_litter(struct et_world *world);
/* From the tier cluttered on, each where there is room. The data is as after mj_forward, before and
 * after. */
void et__lay_litter(struct et_world *world);

/* ---- what disturbs (disturb.c): nothing before the tier of that name ---- */

void et__disturb_begin(struct et_world *world); // after et__draw
void et__disturb(struct et_world *world);       // before a step

/* What is carried out strays from what was asked for, by options.disturbance_rad. */
void et__astray_begin(struct et_world *world, uint64_t seed);
void et__astray_step(struct et_world *world);

/* Whether a body moves freely: what can be carried. */
bool et__is_loose(const mjModel *model, int body);

/* ---- hands that hold nothing (slippery.c) ---- */

/* Takes the friction from all surfaces of a hand, or gives back what was there. A reset does so,
 * too. */
void et__hand_slippery(struct et_world *world, enum et__side side, bool is_slippery);

/* ---- poses in the room (reach.c); data is as after mj_kinematics ---- */

struct et_pose et__site_pose(const mjData *data, int site);
struct et_pose et__body_pose(const mjData *data, int body);

/* ---- sizes, rooms, forces (probe.c); data is as after mj_forward ---- */

/* How far a body, with all that hangs on it and can be touched, reaches in a direction: the largest
 * of its points' products with the unit vector. */
double et__probe_extent(const struct et_world *world, int body, const double direction[3]);

/* The way from a point until something that is not the robot's and not `body`'s (−1: nobody's);
 * *geom is what it meets. −1: nothing. */
double et__probe_ray(const struct et_world *world, const double from[3], const double direction[3],
                     int body, int *geom);

/* Between a body and what is below it. */
double et__probe_height(const struct et_world *world, int body);

/* Whether something is below a body and touches it: not the robot, nor what it carries. */
bool et__probe_stands(const struct et_world *world, int body);

/* An arm's first body, on which all of it hangs. */
int et__arm_body(const struct et_world *world, enum et__side side);

/* The contacts, in this tick, of a body of the robot and all that hangs on it, with what is not the
 * robot. */
struct et__contact et__probe_contact(const struct et_world *world, int body);

/* The contacts, in this tick, of the whole robot with what is not the robot. */
struct et_world_contact et__probe_robot(const struct et_world *world);

/* ---- sensors (sense.c) ---- */

/* Writes row `i_tick` of the state from the data. */
void et__sense(struct et_world *world, size_t i_tick);

/* ---- conditions (predicate.c); data is as after mj_forward ---- */

bool et__term_holds(const struct et_world *world, const struct et__term *term,
                    const struct et__term_ids *ids);
bool et__condition_holds(const struct et_world *world, const struct et__condition *condition,
                         const struct et__term_ids *ids);

/* Touch between bodies, each with all that hangs on it. */
bool et__is_touching(const struct et_world *world, int body_a, int body_b);
bool et__is_of(const struct et_world *world, int geom, int body);
bool et__hangs_on(const mjModel *model, int body, int on); // or is it

/* Whether both fingers of a hand touch it. */
bool et__is_held(const struct et_world *world, int body, enum et__side side);

#endif

/* World: the virtual training centre, as a gym.
 *
 * A world is one robot in one skill's scene. It is reset by a seed and a tier, stepped by actions,
 * and tells what the robot's sensors see and whether the skill is done. The same seed gives the
 * same bytes. What moves the robot is somebody else's: a policy, a person, or the scripted trainer
 * of etude/trainer.h.
 *
 * Units:   SI; joints in radians (a lift and fingers: metres), in the canonical order of parts;
 *          quaternions x y z w. Time begins at 0 with each reset.
 * Threads: a world belongs to one thread at a time; any number side by side.
 * Memory:  a world holds its model and allocates nothing while it steps. */
#ifndef ETUDE_WORLD_H
#define ETUDE_WORLD_H

#include "etude/hash.h"
#include "etude/pose.h"
#include "etude/skill.h"
#include "etude/stream.h"

#define ET_WORLD_TICKS 5                   // of physics in a step
#define ET_WORLD_TICK_NS INT64_C(2000000)  // 500 Hz
#define ET_WORLD_STEP_NS INT64_C(10000000) // 100 Hz
#define ET_WORLD_WRENCH_VALUES 12          // left wrist, right wrist: force, torque
#define ET_WORLD_TOUCH_VALUES 4            // left hand's two pads, right hand's, N
#define ET_WORLD_PRESSURE_VALUES 16        // four fields of each of those pads, Pa
#define ET_WORLD_IMU_VALUES 10             // quaternion, rad/s, m/s²; of the robot's trunk

struct et_world;

struct et_world_options {
    const char *skill;      // id or folder
    const char *robot;      // id or path; NULL: "etude-one"
    bool has_backlash;      // of joints: 0.2 degrees of play
    bool has_lag;           // of actuators: 20 ms, first order
    bool without_friction;  // of joints
    double disturbance_rad; // 0 … ET_WORLD_DISTURBANCE_MAX_RAD, see below
    bool has_litter; // things lie about from the tier cluttered on, where the skill names none
    bool measures_contact; // for et_world_contact
};

/* disturbance_rad: arms carry out a little else than they are asked for, by noise that lasts some
 * tenths of a second; its standard deviation is drawn for each episode between 0 and this, every
 * fourth has none. What was asked for stays what the state tells as command, so that who learns
 * from it learns to come back (DART: Laskey et al. 2017). */
#define ET_WORLD_DISTURBANCE_MAX_RAD 0.1

struct et_world_joint {
    const char *name;    // canonical: "left_shoulder_pitch"
    const char *maker;   // the robot's own name
    enum et_part part;   // hands have one joint, their opening in metres
    double lower, upper; // of actions
    double home;
    double maker_scale; // what the robot's own interface calls it: value × scale (degrees, signs)
    size_t maker_index; // and where it has it
};

/* ET_EARG: a disturbance out of range. ET_ENOTFOUND: no such skill or robot. ET_ECORRUPT: file,
 * line, column and reason; MuJoCo's words with our file; a name of the skill that is not in the
 * scene. ET_EUNSUPPORTED: built without MuJoCo. */
ET_MUST_USE ET_API enum et_status
et_world_open(struct et_world **world, const struct et_world_options *options, struct et_err *err);
ET_API void et_world_close(struct et_world *world); // NULL is allowed

/* The hash of all files that such a world is made of, wherever they lie: the skill's, its
 * scenario's, the robot's, and what all rooms share. Works without MuJoCo, too. ET_ENOTFOUND,
 * ET_ECORRUPT, ET_EIO: as et_world_open. */
ET_MUST_USE ET_API enum et_status et_world_digest(const struct et_world_options *options,
                                                  struct et_digest *digest, struct et_err *err);

/* What was opened; the world's. The joints are those of actions, in canonical order. */
ET_API struct et_world_options
et_world_options(const struct et_world *world); // as it was opened; ids
ET_API const struct et_skill *et_world_skill(const struct et_world *world);
ET_API const char *et_world_robot(const struct et_world *world); // id
ET_API const struct et_world_joint *et_world_joints(const struct et_world *world, size_t *n_joints);

/* Begins an episode. The robot is home, things have settled, the first state can be observed.
 * ET_ECORRUPT: the physics came to no number, MuJoCo gave up (its words), or things stand in each
 * other whatever is drawn. */
ET_MUST_USE ET_API enum et_status et_world_reset(struct et_world *world, uint64_t seed,
                                                 enum et_tier tier, struct et_err *err);

/* One step of 10 ms towards `action`: the wanted position of every joint (a value outside of its
 * limits is clipped; NaN keeps the last). ET_ECORRUPT: the physics came to no number; the episode
 * is lost, and et_world_reset begins another. */
ET_MUST_USE ET_API enum et_status et_world_step(struct et_world *world, const double *action,
                                                struct et_err *err);

/* What the sensors saw at each tick of the last step (after a reset: the last tick, five times).
 * Valid until the next call; rows are ticks. */
struct et_world_state {
    int64_t t_ns; // of the last tick; in the tier disturbed sensors are a step late
    size_t n_joints;
    const double *position; // ET_WORLD_TICKS × n_joints
    const double *velocity; // the same
    const double *effort;   // the same; N m, N
    const double *command;  // the same; what was asked for, clipped
    const double *wrench;   // ET_WORLD_TICKS × ET_WORLD_WRENCH_VALUES
    const double *touch;    // ET_WORLD_TICKS × ET_WORLD_TOUCH_VALUES
    const double *pressure; // ET_WORLD_TICKS × ET_WORLD_PRESSURE_VALUES
    const double *imu;      // ET_WORLD_TICKS × ET_WORLD_IMU_VALUES
};
ET_API const struct et_world_state *et_world_observe(const struct et_world *world);

/* The world's own time, since the reset: that of its true state and of pictures. */
ET_API int64_t et_world_time_ns(const struct et_world *world);

/* Whether all terms of the skill's success hold now, and which do not (the term as it stands in the
 * file; NULL when all do). Ask after the robot has let go and things have come to rest. */
ET_API bool et_world_success(const struct et_world *world, const char **missing);

/* The true state: poses in the room, which no sensor gives. */
struct et_world_object {
    const char *name;
    struct et_pose pose;
};
ET_API size_t et_world_n_objects(const struct et_world *world);
ET_API struct et_world_object et_world_object(const struct et_world *world, size_t i);

/* Where the hands grasp, left and right, in the room. */
ET_API void et_world_hands(const struct et_world *world, struct et_pose hands[2]);

/* How hard the robot touched something in the last step: the largest force of its ticks, all
 * contacts of a kind together, N. 0 after a reset, and of a world that does not measure it. */
struct et_world_contact {
    double hand_n; // a hand and what is not the robot; of the hand that has more
    double body_n; // what of the robot is no hand, and what is not the robot
};
ET_API struct et_world_contact et_world_contact(const struct et_world *world);

/* What the skill is about, as numbers: of each site, body and joint that its script names the
 * position in the frame of the robot's base (x forward, y left, z up, m), its z axis there, and
 * where it counts which way round it stands its x axis; of joints the position. True, too: a policy
 * that takes them is privileged. Names are "<name>.x", ".y", ".z", ".zx" … ".xz", ".position";
 * they are the world's. */
ET_API const char *const *et_world_task_names(const struct et_world *world, size_t *n_values);
ET_API void et_world_task(const struct et_world *world, double *values);

/* Everything that decides how it goes on, to go back to: as many bytes as et_world_snapshot_bytes.
 * What was restored continues bit by bit as it did. A snapshot is of one episode: of this world, or
 * of one that was opened with the same options and reset with the same seed and tier. For another
 * it is not looked at. */
ET_API size_t et_world_snapshot_bytes(struct et_world *world);
ET_API void et_world_save(struct et_world *world, void *snapshot);
ET_API void et_world_restore(struct et_world *world, const void *snapshot);

#endif

/* World record: an episode of the virtual centre, written as a robot's recorder would write it.
 *
 * A world knows nothing of recording. This joins it to a MCAP file: ROS 2 messages with their
 * definitions, every value as the robot's own interface calls it (names, order, units, signs), at
 * the rates that robots have. What no robot knows, the true poses, has topics of its own. On
 * demand it spoils what it writes as devices, links and people do, and says beside the recording
 * what it did: <recording>.truth.json (doc/json.md).
 *
 *     /joint_states, /joint_commands      sensor_msgs/JointState          500 Hz
 *     /left_wrist/wrench, /right_wrist/…  geometry_msgs/WrenchStamped     500 Hz
 *     /left_hand/touch, /right_hand/…     etude_msgs/Touch, N             100 Hz
 *     /left_hand/pressure, /right_hand/…  etude_msgs/Touch, Pa            100 Hz
 *     /imu                                sensor_msgs/Imu                 200 Hz
 *     /camera/<place>                     foxglove_msgs/CompressedVideo   fps, H.264
 *     /events                             etude_msgs/Event
 *     /truth/<object>                     geometry_msgs/PoseStamped       100 Hz
 *     /truth/task                         sensor_msgs/JointState, names and positions:
 * et_world_task
 *
 * Pictures are of the world's last step, so their stamps are multiples of 10 ms; samples of the
 * IMU are 4 and 6 ms apart. Messages lie in the order of their arrival.
 *
 * Units:   t_ns of the world's own time; t0_ns is the real time of its 0.
 * Threads: a record belongs to its world's thread; its pool does nothing else meanwhile.
 * Memory:  a handle: buffers of its messages under way, at most ET_WORLD_RECORD_MESSAGES_MAX. */
#ifndef ETUDE_WORLD_RECORD_H
#define ETUDE_WORLD_RECORD_H

#include "etude/feed.h"
#include "etude/json.h"
#include "etude/pool.h"
#include "etude/trainer.h"
#include "etude/world_camera.h"

#define ET_WORLD_RECORD_MESSAGES_MAX 65536 // under way at a time
#define ET_WORLD_FAULTS_MAX 16             // of an episode

/* ---- faults ---- */

enum et_world_fault_name {
    ET_FAULT_CLOCK_OFFSET,
    ET_FAULT_CLOCK_DRIFT,
    ET_FAULT_CLOCK_JUMP,
    ET_FAULT_CLOCK_RESET,
    ET_FAULT_COARSE_TICKS,
    ET_FAULT_WIFI_DELAY,
    ET_FAULT_DROPPED,
    ET_FAULT_REPEATED,
    ET_FAULT_FROZEN_CAMERA,
    ET_FAULT_BLACK_CAMERA,
    ET_FAULT_BLURRED_CAMERA,
    ET_FAULT_FROZEN_ENCODER,
    ET_FAULT_WRONG_SIGN,
    ET_FAULT_SATURATION,
    ET_FAULT_TRUNCATED,
    ET_FAULT_WRONG_LABEL,
    ET_FAULT_IDLE,
    // What bodies do: the trainer's mishaps.
    ET_FAULT_MISSED_GRASP,
    ET_FAULT_SLIP,
    ET_FAULT_DROP,
    ET_FAULT_EARLY_RELEASE,
    ET_FAULT_COLLISION,
    ET_N_FAULTS,
};

struct et_world_fault_kind {
    const char *name, *unit;
    double magnitudes[3], most; // small, middle, large; and no more than that
    bool is_whole;              // magnitudes are whole numbers
    const char *finding;        // that it must raise; NULL: none, see `text`
    const char *text;           // what is done to what; of one without a finding, why it has none
    bool is_trainers;           // done by who moves the robot: et_world_fault_plan
    bool needs_cameras;
};

/* By enum et_world_fault_name. */
ET_API const struct et_world_fault_kind *et_world_fault_kind(enum et_world_fault_name name);

struct et_world_fault {
    enum et_world_fault_name name;
    double magnitude; // in the unit of its kind
};

/* "dropped" (the middle magnitude), "dropped=0.1", "dropped=small|middle|large". ET_EARG: no such
 * fault (the text has the nearest), no number above 0 and up to the most. */
ET_MUST_USE ET_API enum et_status
et_world_fault_parse(struct et_str text, struct et_world_fault *fault, struct et_err *err);

/* Tells the trainer those that are the trainer's, before et_trainer_begin; the others are left to
 * the record. Errors as et_trainer_plan, with the fault's name. */
ET_MUST_USE ET_API enum et_status et_world_fault_plan(struct et_trainer *trainer,
                                                      const struct et_world_fault *faults,
                                                      size_t n_faults, struct et_err *err);

/* ---- recordings ---- */

struct et_world_record;

struct et_world_record_options {
    const char *run; // name of the run; NULL: the path's base
    uint64_t seed;   // as the world was reset with
    enum et_tier tier;
    int64_t t0_ns;                      // 0: by the seed, from 2026-01-01 on
    const char *trainer;                // who does it: an id, a pseudonym; NULL: nobody is named
    struct et_world_renderer *renderer; // of an even width and height; NULL: no cameras
    int fps;                            // 0: 30
    const struct et_world_fault *faults;
    size_t n_faults;
    const struct et_trainer *doer; // whom et_world_fault_plan told them; stays the caller's. NULL:
                                   // nobody does the trainer's faults
    struct et_pool *pool;          // compresses; NULL: the calling thread does
    struct et_feed *feed;          // live: messages go there, there is no file, and no episode is
                                   // told of; t0_ns is CLOCK_MONOTONIC, `path` the device
};

/* Creates the file, after et_world_reset: `path` with ET_FILE_PART_SUFFIX behind until it is
 * whole. World and renderer stay the caller's and must outlive the record. ET_EEXISTS: the path is
 * taken, or its part is there. ET_ENOTFOUND: a message definition is not in the share folder.
 * ET_EARG: options out of range; a fault of cameras without any, or of a trainer. */
ET_MUST_USE ET_API enum et_status
et_world_record_open(struct et_world_record **record, const char *path, struct et_world *world,
                     const struct et_world_record_options *options, struct et_err *err);

/* Takes what the sensors show: once after the reset, and once after every et_world_step. After a
 * failure only et_world_record_abandon makes sense. Once a truncated recording has ended
 * (et_world_record_has_ended) nothing is written any more. */
ET_MUST_USE ET_API enum et_status et_world_record_step(struct et_world_record *record,
                                                       struct et_err *err);
ET_API bool et_world_record_has_ended(const struct et_world_record *record);

/* The phase of the skill that begins now; the same again does nothing. */
ET_MUST_USE ET_API enum et_status et_world_record_phase(struct et_world_record *record,
                                                        size_t i_phase, struct et_err *err);

/* Steps to stand still from now on, for the fault `idle`: 0 but once. Whoever moves the robot asks
 * before every action, and repeats the last one. */
ET_API int64_t et_world_record_idle(struct et_world_record *record);

/* An event that happens now: "episode.begin", "phase", "mark" …, with a text. begin and finish
 * write their own. */
ET_MUST_USE ET_API enum et_status et_world_record_event(struct et_world_record *record,
                                                        const char *kind, const char *text,
                                                        struct et_err *err);

struct et_world_outcome {
    bool is_success;
    const char *missing; // the term that does not hold; NULL
};

/* Writes what is under way, the events of the end, metadata and indexes, and the truth beside it.
 * The record is gone whatever the result; after a failure neither file is there. */
ET_MUST_USE ET_API enum et_status et_world_record_finish(struct et_world_record *record,
                                                         const struct et_world_outcome *outcome,
                                                         struct et_err *err);

/* Closes and removes the file: an episode that was interrupted, or lost. NULL is allowed. */
ET_API void et_world_record_abandon(struct et_world_record *record);

/* What et_world_record_finish writes beside the recording. */
#define ET_WORLD_TRUTH_SUFFIX ".truth.json"

#endif

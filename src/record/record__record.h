/* The inside of a record: devices with clocks, links with delays, and what spoils them. */
#ifndef RECORD__RECORD_H
#define RECORD__RECORD_H

#include "etude/cdr.h"
#include "etude/mcap_write.h"
#include "etude/video_stream.h"
#include "etude/world_record.h"

/* ---- chance of its own: a recording draws nothing of its world's ---- */

struct et__chance {
    uint64_t state; // splitmix64 (Steele, Lea, Flood 2014)
};
double et__chance_next(struct et__chance *chance); // 0 ≤ x < 1

/* ---- messages under way (queue.c) ---- */

struct et__message {
    int64_t t_arrival_ns, t_device_ns;
    uint64_t order; // of messages that arrive at the same time
    uint32_t sequence;
    uint16_t channel; // id of the MCAP channel
    struct et_buf bytes;
};

/* A heap by arrival; messages that were taken are used again. A zeroed one is closed. */
struct et__queue {
    struct et__message **heap, **spare; // ET_WORLD_RECORD_MESSAGES_MAX each
    size_t n, n_spare;
    uint64_t n_ever;
};
ET_MUST_USE enum et_status et__queue_open(struct et__queue *queue, struct et_err *err);
void et__queue_close(struct et__queue *queue);
/* An empty message of the queue's, to fill and put; *message is NULL after a failure. */
ET_MUST_USE enum et_status et__queue_new(struct et__queue *queue, struct et__message **message,
                                         struct et_err *err);
void et__queue_put(struct et__queue *queue, struct et__message *message);
/* The first one that has arrived by then, or NULL; et__queue_done gives it back. */
struct et__message *et__queue_take(struct et__queue *queue, int64_t t_ns);
void et__queue_done(struct et__queue *queue, struct et__message *message);

/* ---- devices (device.c) ---- */

#define ET__CAMERAS_MAX 8
#define ET__PHASES_MAX 1024
#define ET__SCHEMAS_MAX 16

enum et__device_name {
    ET__DEVICE_BODY,   // joints and commands
    ET__DEVICE_WRISTS, // forces
    ET__DEVICE_HANDS,  // touch and pressure
    ET__DEVICE_IMU,
    ET__DEVICE_CAMERA,                                       // and ET__CAMERAS_MAX − 1 more
    ET__DEVICE_CENTRE = ET__DEVICE_CAMERA + ET__CAMERAS_MAX, // events, truth: never spoilt
    ET__N_DEVICES,
};

/* What a device's clock shows: base + (t − since) (1 + drift), in ticks. */
struct et__device {
    int64_t base_ns, since_ns;
    double drift_ppm;
    int64_t tick_ns;                    // 0: 1
    int64_t delay_ns;                   // the least way to the recorder
    int64_t jitter_ns;                  // at most, from the sample to its stamp
    double stall_s;                     // of a link that stalls; 0: it does not
    int64_t stall_from_ns, stall_to_ns; // the last one that was drawn
    struct et__chance chance;
};
/* As it is at its best: its clock agrees with the others', it hangs on a wire. */
struct et__device et__device_at_best(enum et__device_name device, int64_t t0_ns, uint64_t seed);
int64_t et__device_time(const struct et__device *device, int64_t t_ns);
/* The stamp of what is sampled at t_ns. */
int64_t et__device_stamp(struct et__device *device, int64_t t_ns);
/* Sets the clock: at t_ns it shows base_ns. */
void et__device_set(struct et__device *device, int64_t t_ns, int64_t base_ns);
/* When what is sent at t_ns comes, both of the world's time. Calls go by time. */
int64_t et__device_arrival(struct et__device *device, int64_t t_ns);

struct et__topic {
    uint16_t channel; // 0: not there
    enum et__device_name device;
    const char *name, *frame;
    uint32_t n_sent;
    int64_t t_last_ns; // of the last arrival: a link keeps the order
};

/* ---- what is done to a recording (spoil.c) ---- */

struct et__spoiled {
    struct et_world_fault fault;
    const struct et_world_fault_kind *kind;
    bool is_begun, is_done;
    int64_t t_begin_ns; // drawn: not before
    int64_t t_first_ns, t_last_ns;
    int64_t n; // samples, pictures, joints, resets
    int n_run; // samples of a loss still to come
    size_t i_joint;
    double held;
    const char *topic;
    struct et__chance chance;
    struct et_trainer_mishap_state mishap; // of a fault of the trainer's
};

/* What goes into messages, of one tick: n_joints each, canonical, SI. */
struct et__joints {
    double *position, *velocity, *effort, *command;
};

/* ---- the record ---- */

struct et__camera {
    struct et__topic topic;
    struct et_video_coder *coder;
    char *name;    // of the topic; owned
    uint8_t *held; // the picture that it froze at
    size_t i;      // of the world's cameras
};

struct et__phase_start {
    size_t i_phase;
    int64_t t_ns;
};

struct et_world_record {
    char *path, *part; // where it will be, and where it is until it is whole
    char *run, *trainer;
    struct et_world *world;
    const struct et_skill *skill;
    const struct et_world_joint *joints;
    size_t n_joints, *order; // of the robot's own interface
    struct et_world_record_options options;
    struct et_mcap_writer *writer;
    struct et__queue queue;
    struct et__device devices[ET__N_DEVICES];
    struct et__topic joint_states, joint_commands, wrenches[2], touches[2], pressures[2], imu;
    struct et__topic events, task, *truths; // truths: one an object
    char **truth_names;
    struct et__camera cameras[ET__CAMERAS_MAX];
    size_t n_cameras;
    const char *schemas[ET__SCHEMAS_MAX]; // types, by id − 1
    uint16_t n_schemas, n_channels;
    uint8_t *rgb, *scratch;   // a picture, and room to blur it
    double *task_values;      // of what the skill is about
    double *values;           // 5 × n_joints: the tick that is written, and one list of a message
    int width_px, height_px;  // of pictures
    int64_t t_ns, t_world_ns; // of the last step: of what sensors saw, and the world's own
    int64_t t_frame_ns;       // when the next pictures are due
    int64_t n_ticks;
    struct et__phase_start phases[ET__PHASES_MAX]; // the first ones
    size_t n_phases, i_phase;                      // kept, and the one of now
    struct et__spoiled spoiled[ET_WORLD_FAULTS_MAX];
    size_t n_spoiled;
    double speed, speed_max; // of the arms' joints, RMS, rad/s: now and at most so far
    bool is_created, is_placed, has_begun, has_ended;
    const char *instruction; // as it is told, which may be wrong
};

/* A topic on a device: its channel, and the schema of its type; rate_hz as of feeds. The name must
 * live on. */
ET_MUST_USE enum et_status et__topic_open(struct et_world_record *record, struct et__topic *topic,
                                          enum et__device_name device, const char *name,
                                          const char *type, double rate_hz, struct et_err *err);

/* Begins a message, with a header (stamp, frame) where `has_header`. *message is NULL when it is
 * lost on its way. */
ET_MUST_USE enum et_status et__send_begin(struct et_world_record *record, struct et__topic *topic,
                                          int64_t t_ns, struct et__message **message,
                                          struct et_err *err);
struct et_cdr et__send_header(const struct et__topic *topic, struct et__message *message);
ET_MUST_USE enum et_status et__send(struct et_world_record *record, struct et__topic *topic,
                                    int64_t t_ns, struct et__message *message, struct et_err *err);
/* Writes what has arrived by then. */
ET_MUST_USE enum et_status et__write_arrived(struct et_world_record *record, int64_t t_ns,
                                             struct et_err *err);

/* One tick, one step (messages.c), and the pictures that are due (cameras.c). */
ET_MUST_USE enum et_status et__topics_open(struct et_world_record *record, struct et_err *err);
ET_MUST_USE enum et_status et__send_tick(struct et_world_record *record, size_t i_tick,
                                         int64_t t_ns, struct et_err *err);
ET_MUST_USE enum et_status et__send_step(struct et_world_record *record, struct et_err *err);
ET_MUST_USE enum et_status et__send_event(struct et_world_record *record, const char *kind,
                                          const char *text, const char *value, struct et_err *err);
ET_MUST_USE enum et_status et__cameras_open(struct et_world_record *record, struct et_err *err);
/* Of cameras that are in no record, too: whether it is the robot's own (what the room sees belongs
 * to no robot); its topic (malloc'ed; NULL: no memory); its coder; what of its message stands
 * behind the header. */
#define ET__CAMERA_TYPE "foxglove_msgs/msg/CompressedVideo"
bool et__camera_is_own(const char *place);
char *et__camera_topic(const char *place);
ET_MUST_USE enum et_status et__camera_coder(struct et_video_coder **coder, int width_px,
                                            int height_px, int fps, struct et_err *err);
void et__camera_unit(struct et_cdr *w, struct et_str unit);
struct et__camera *et__head_camera(struct et_world_record *record); // NULL: there is none
void et__cameras_close(struct et_world_record *record);
ET_MUST_USE enum et_status et__cameras_send(struct et_world_record *record, struct et_err *err);

/* ET_EARG: no such fault, or no magnitude of it. */
ET_MUST_USE enum et_status et__fault_check(const struct et_world_fault *fault, struct et_err *err);

/* The trainer's word for a fault; false: it is none of the trainer's (fault.c). */
bool et__fault_mishap(enum et_world_fault_name name, enum et_mishap *what);

/* Draws when faults begin, and does what holds from the first moment on. */
void et__spoil_open(struct et_world_record *record);
/* Before the messages of a step: clocks, and what begins or ends now. */
void et__spoil_step(struct et_world_record *record);
void et__spoil_joints(struct et_world_record *record, int64_t t_ns,
                      const struct et__joints *joints);
bool et__spoil_loses(struct et_world_record *record, const struct et__topic *topic);
bool et__spoil_repeats(struct et_world_record *record, const struct et__topic *topic);
void et__spoil_picture(struct et_world_record *record, struct et__camera *camera);
void et__spoil_phase(struct et_world_record *record, size_t i_phase);
/* At the end: what came of the trainer's. */
void et__spoil_close(struct et_world_record *record);
/* The one of that name, or NULL. */
struct et__spoiled *et__spoiled(struct et_world_record *record, enum et_world_fault_name name);

/* Metadata in the file, truth beside it (truth.c). */
ET_MUST_USE enum et_status et__write_metadata(struct et_world_record *record,
                                              const struct et_world_outcome *outcome,
                                              struct et_err *err);
ET_MUST_USE enum et_status et__write_truth(struct et_world_record *record,
                                           const struct et_world_outcome *outcome,
                                           struct et_err *err);
void et__truth_remove(const struct et_world_record *record);

#endif

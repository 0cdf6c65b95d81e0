/* Recording: everything that was captured in one go, whatever file or folder holds it.
 *
 * One table of openers stands behind it (MCAP, ROS 1 bags, rosbag2, HDF5, Unitree's JSON), and a
 * profile in front: topics and fields become canonical streams, and samples come out in the order
 * of their arrival, in SI units, with the device's own stamp beside the time of arrival. A
 * recording is never changed.
 *
 * Formats of rows (HDF5, JSON) have topics too: the paths of their datasets ("observations/qpos",
 * "states.left_arm.qpos"). Where such a format has no clock, `has_clock` is false and times are the
 * row's number by its nominal rate.
 *
 * Units:   t_arrival_ns is the recorder's clock, t_device_ns the device's own; nanoseconds.
 * Threads: a recording belongs to one thread.
 * Memory:  what its format's reader states, and one message a stream. */
#ifndef ETUDE_RECORDING_H
#define ETUDE_RECORDING_H

#include "etude/message.h"
#include "etude/profile.h"

/* ---- what is in it ---- */

struct et_channel {
    const char *topic;  // "/joint_states", "observations/qpos"
    const char *plain;  // without what tells robots apart: "/lowstate" of "/lowstate@10.0.0.7"
    const char *device; // who sent it, as our own recorder says; NULL: nobody does
    struct et_message_schema schema; // empty for rows
    int64_t n_messages;              // −1: not known
    bool is_row;                     // numbers or a picture, without an encoding
    bool is_picture;                 // rows only
    const char *qos;                 // offered_qos_profiles, as rosbag2 writes them; NULL: none
    size_t n_values;                 // rows only
    const char *const *names;        // rows only: n_values, or NULL
};

/* A stretch that the recording itself marks: a demonstration of several in one file, a labelled
 * part of one. */
struct et_span {
    bool is_episode; // false: a segment
    const char *name;
    int64_t t_first_ns, t_last_ns; // of arrival
};

/* Something that was wrong and got over. */
struct et_recording_remark {
    bool is_loss;      // messages were lost by it
    const char *where; // "offset 81920", "metadata.yaml"
    const char *text;
    int64_t n; // how often
};

struct et_pair {
    const char *key, *value;
};

#define ET_RECORDING_ID_CHARS 26
struct et_recording_info {
    const char *path;
    const char *format;                // "MCAP", "ROS 1 bag 2.0", "rosbag2 (SQLite)"
    const struct et_channel *channels; // by topic; grows while some formats are read
    size_t n_channels;
    int64_t n_messages;          // −1: not known
    int64_t start_ns, end_ns;    // arrival of the first and last message
    int64_t n_bytes;             // of its files
    bool has_clock;              // false: its times are made from row numbers
    double rate_hz;              // of rows; 0 for messages
    const char *task;            // the instruction, where the source has one; NULL
    const struct et_span *spans; // ascending
    size_t n_spans;
    const struct et_pair *metadata; // what the source says beside: maker, robot, date …
    size_t n_metadata;
    const struct et_recording_remark *remarks; // grows while it is read
    size_t n_remarks;
};

struct et_recording;

struct et_recording_options {
    size_t memory_bytes;     // for the format's reader; 0: 256 MiB
    const char *temp_folder; // for what must be unpacked; NULL: the system's
    const char *device;      // as a profile is to see it, of several that are alike; names with
                             // commas between; "w1" is "w1.arm", too. NULL: it is chosen. Valid
                             // until et_recording_use_profile
};

/* Opens a file or folder by the first opener that knows it. options may be NULL. ET_ENOTFOUND: no
 * such path. ET_EUNSUPPORTED: no opener knows it; the text lists the formats. Otherwise as the
 * format's own open. */
ET_MUST_USE ET_API enum et_status et_recording_open(struct et_recording **recording,
                                                    const char *path,
                                                    const struct et_recording_options *options,
                                                    struct et_err *err);
ET_API void et_recording_close(struct et_recording *recording); // NULL is allowed

/* Valid until the next call on the recording. */
ET_API const struct et_recording_info *et_recording_info(struct et_recording *recording);

/* True when some opener would take that path, by its name and first bytes. */
ET_API bool et_recording_knows(const char *path);

/* The id of a recording: the first 16 bytes of the BLAKE2b of its file (of a folder: of its files
 * in the order of their names) in Crockford's base 32. Reads all of it. */
ET_MUST_USE ET_API enum et_status et_recording_id(const struct et_recording *recording,
                                                  char id[ET_RECORDING_ID_CHARS + 1],
                                                  struct et_err *err);

/* ---- pictures ---- */

enum et_picture_coding {
    ET_PICTURE_NONE,
    ET_PICTURE_JPEG,
    ET_PICTURE_PNG,
    ET_PICTURE_RAW,   // pixels: see `pixels`
    ET_PICTURE_H264,  // an access unit in Annex B; needs those before it back to a key frame
    ET_PICTURE_H265,  // the same
    ET_PICTURE_VP9,   // a frame or superframe
    ET_PICTURE_AV1,   // a temporal unit
    ET_PICTURE_DEPTH, // 16-bit PNG, or RVL, behind a header of 12 bytes (ROS compressedDepth)
    ET_PICTURE_FRAME, // frame i_frame of the video file `path`
    ET_N_PICTURE_CODINGS
};
ET_API const char *et_picture_coding_text(enum et_picture_coding coding); // "jpeg"

struct et_picture {
    enum et_picture_coding coding;
    struct et_str bytes;     // valid as the sample is
    struct et_str pixels;    // RAW: "rgb8", "bgr8", "mono8", "16UC1", as sensor_msgs says; DEPTH:
                             // what they were, "16UC1" is mm, "32FC1" inverse depth
    int width_px, height_px; // RAW; else 0
    int64_t step_bytes;      // RAW: from row to row
    const char *path;        // FRAME
    int64_t i_frame;         // FRAME
};

/* ---- through a profile ---- */

/* A stream of the recording, made of one field of one topic. */
struct et_recorded_stream {
    struct et_stream stream;
    size_t i_channel;  // in the info's channels
    const char *field; // "joint_data.joint_q"; "" for rows and events
    const char *stamp; // field that the device's time is from; NULL: there is none
    int32_t line;      // of the rule, in the profile
};

/* Who sent channels of the recording. */
struct et_recorded_device {
    const char *name; // "": channels that name nobody
    size_t n_joints;  // whose positions it makes: through the profile that is bound, where it is
                      // taken; else through the one that makes the most of it alone; 0: none known
    bool is_taken;    // some of the streams are its
    bool has_joints;  // it sends joints, whether or not a profile takes them
};

/* Chooses the profile and binds it: the wanted one (as et_profile_find); else the one of the robot
 * that the recording names, where it takes some of its topics; else the one that makes the most
 * streams of them, else generic. A stream is made of one device's topics: of several devices that
 * make the same streams one is taken, which is told. Reads ahead to the first message of each topic
 * that a rule names. Call once.
 * ET_ECORRUPT: a rule and the messages contradict each other; the text names the rule's line.
 * ET_EUNSUPPORTED: an encoding that is not read. ET_ENOTFOUND: no such profile, or device. */
ET_MUST_USE ET_API enum et_status et_recording_use_profile(struct et_recording *recording,
                                                           const char *wanted, struct et_err *err);

/* How a profile was chosen. */
enum et_profile_by {
    ET_PROFILE_BY_TOPICS,    // it makes the most streams
    ET_PROFILE_BY_USER,      // it was wanted
    ET_PROFILE_BY_RECORDING, // it is of the robot that the recording names
};

ET_API const char *et_profile_by_text(enum et_profile_by by); // "topics", "user", "recording"

/* What it was bound to; NULL and 0 before. */
struct et_recording_binding {
    const struct et_profile *profile;
    enum et_profile_by by;
    struct et_str attached; // the profile's text, where the recording alone has it; else empty
    const char *device;     // those taken where others make the same streams, or where other ones
                            // than usual were asked for; NULL: neither
    const char *apart; // names, commas between: what tells the devices that were asked for from
                       // those that would have been chosen; NULL: they are the same
    const struct et_recorded_device *devices; // by name; our recorder's own events are nobody's
    size_t n_devices;
    const char *unfit; // a sentence: the profile makes nothing but events; NULL: it does more
    const char *const *warnings; // of choosing: who was left out, a robot without a profile
    size_t n_warnings;
    const struct et_recorded_stream *streams; // canonical order
    size_t n_streams;
    const char *const *remarks; // topics that are absent or empty, topics that no rule takes
    size_t n_remarks;
};
ET_API const struct et_recording_binding *
et_recording_binding(const struct et_recording *recording);

/* A map {"name": …, "joints": …, "is_taken": …}: doc/json.md. */
ET_API void et_recorded_device_json(struct et_json_writer *w,
                                    const struct et_recorded_device *device);

struct et_sample {
    size_t i_stream;
    int64_t t_arrival_ns;
    int64_t t_device_ns; // 0: the message has none
    uint32_t sequence;   // the sender's own count
    bool has_sequence;
    const double *values; // stream.n_values, SI; NULL for pictures, events and text
    struct et_picture picture;
    struct et_str text; // events and text; of an etude_msgs/Event its kind and text: "phase: reach"
};

struct et_recording_query {
    const size_t *streams; // NULL: all
    size_t n_streams;
    int64_t from_ns, to_ns; // from ≤ arrival < to; to_ns 0: no end
    bool in_file_order;     // faster, where the caller sorts by itself
};

/* Begins (again); a profile must be in use. query may be NULL: everything. */
ET_MUST_USE ET_API enum et_status et_recording_query(struct et_recording *recording,
                                                     const struct et_recording_query *query,
                                                     struct et_err *err);

/* The next sample; several of one message come in canonical order. Pointers are valid until the
 * next call. A message that cannot be decoded, or has fewer values than the profile's rule takes,
 * is left out and counted in a remark. ET_END: no more. */
ET_MUST_USE ET_API enum et_status et_recording_next(struct et_recording *recording,
                                                    struct et_sample *sample, struct et_err *err);

/* ---- as it lies ---- */

struct et_recorded_message {
    size_t i_channel; // in the info's channels
    int64_t t_arrival_ns;
    int64_t t_publish_ns; // 0: the source has none
    uint32_t sequence;
    struct et_str bytes; // by the channel's schema; valid until the next call
};

/* Begins (again) with messages as they were sent, from that arrival on; no profile is needed. Ends
 * an et_recording_query. ET_EUNSUPPORTED: a format of rows, which has no messages. */
ET_MUST_USE ET_API enum et_status et_recording_messages(struct et_recording *recording,
                                                        int64_t from_ns, struct et_err *err);
/* The next one, by arrival. ET_END: no more. */
ET_MUST_USE ET_API enum et_status et_recording_next_message(struct et_recording *recording,
                                                            struct et_recorded_message *message,
                                                            struct et_err *err);

/* ---- a first profile ---- */

/* Drafts a profile for what the recording holds, as YAML with a comment behind every guess. It
 * loads with et_profile_load as it is. */
ET_MUST_USE ET_API enum et_status et_recording_guess(struct et_recording *recording,
                                                     struct et_buf *yaml, struct et_err *err);

#endif

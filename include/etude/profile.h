/* Profile: what a robot is, in one file that people write.
 *
 * A new robot needs no code: share/profiles/<maker>-<model>.yaml names its joints by part, their
 * limits with where each number is from, its cameras, and rules that lead from a maker's dataset
 * paths or topics to canonical streams, with units, signs and order. doc/profile.md is the guide.
 *
 * Units:   in the file, a rule says its unit; behind it everything is SI and radians.
 * Threads: a loaded profile is read-only and may be shared.
 * Memory:  a profile and a binding live in the caller's arena. */
#ifndef ETUDE_PROFILE_H
#define ETUDE_PROFILE_H

#include "etude/arena.h"
#include "etude/drive.h"
#include "etude/share.h"
#include "etude/stream.h"

struct et_joint {
    const char *name;    // canonical: "left_shoulder_pitch"
    const char *maker;   // the maker's own name, NULL when it is the same
    double lower, upper; // rad (or the part's unit); NaN: not published
    double speed_max;    // rad/s; NaN: not published
    double effort_max;   // N m; NaN: not published
    const char *source;  // where the numbers are from; NULL when there is none
};

struct et_profile_part {
    enum et_part part;
    const char *unit; // "rad", "m", "fraction" for hands that are 0 … 1, "1" where not known
    bool is_open;     // its joints are what the data has (`joints: any`)
    const struct et_joint *joints;
    size_t n_joints;
};

struct et_camera {
    const char *name; // place: "head", "left_wrist"
    const char *text; // what it is
};

/* One rule: from the maker's place to a stream. Values are chosen by names, by indices, by a range,
 * or all of them. Of several rules to one stream, the first whose feature is there counts. */
struct et_rule {
    const char *stream;       // canonical name; cameras may use "*.image" with a '*' in the path
    const char *dataset;      // path of a dataset's feature, may hold one '*'; NULL when a topic's
    const char *topic;        // topic of a recording, NULL when a dataset's
    const char *field;        // field path in the topic's message, or several with commas between;
                              // NULL: what the message's type is known for, or a row itself
    const char *stamp;        // field path of the device's time; "none"; NULL: header.stamp
    double stamp_ns;          // one of a stamp that is a number, in ns; 0: the stamp is a time
    const char *const *names; // the maker's value names in our order; NULL: by index
    size_t n_names;
    const size_t *indices; // values of the feature in our order; NULL: by range
    size_t n_indices;
    int64_t first, last; // values first … last − 1 of the feature, in our order; −1: all
    const char *unit;    // "rad", "deg", "percent", "fraction", "m", "mm" …; NULL for pictures
    const double *signs; // one a value (+1, −1), NULL: all +1
    size_t n_signs;
    bool is_inverted; // a fraction counts from the other end: 1 − value
    bool is_optional; // that its feature is absent is nothing to speak of
    int32_t line;     // in the profile, for messages
};

struct et_profile {
    const char *path; // where it was read from
    const char *maker, *model, *variant;
    const char *id;   // "unitree-g1-inspire": the file's name without ".yaml"
    const char *urdf; // where its masses are: beside this file unless absolute; NULL: not known
    const char *const *robot_types; // a dataset's robot_type that this profile is for
    size_t n_robot_types;
    const struct et_profile_part *parts; // canonical order
    size_t n_parts;
    const struct et_camera *cameras;
    size_t n_cameras;
    const struct et_rule *rules;
    size_t n_rules;
    const struct et_drive *drives; // ways to drive it, the first is the usual one
    size_t n_drives;               // 0: nobody says how
    uint8_t digest[32];            // BLAKE2b of the file's bytes
};

/* Reads and checks a profile. ET_ECORRUPT: "path:line:column: …", the first mistake: schema, joint
 * named twice, limits upside down, a rule to a stream whose part it lacks, a number of names, signs
 * or indices that does not fit. */
ET_MUST_USE ET_API enum et_status et_profile_load(const char *path, struct et_arena *arena,
                                                  const struct et_profile **profile,
                                                  struct et_err *err);

/* The same of a text, which must outlive the profile: the path is for messages, and its last name
 * says the id. */
ET_MUST_USE ET_API enum et_status et_profile_parse(struct et_str text, const char *path,
                                                   struct et_arena *arena,
                                                   const struct et_profile **profile,
                                                   struct et_err *err);

/* One feature of a dataset, or one field of a recording's topic, as rules see it. */
struct et_feature_view {
    const char *path;         // "observation.state"; the topic
    bool is_video;            // or image
    size_t n_values;          // numbers a row (vectors are flattened); 0 for video and text
    const char *const *names; // n_values, or NULL
    const char *field;        // as the rule has it, "" where it has none; NULL: a dataset's feature
    bool is_text;             // events and words: no numbers
};

/* Finds the profile for a dataset: `wanted` when it is not NULL (a path, or an id in a folder of
 * profiles), else the one whose robot_types has robot_type, else the generic one. The folders, and
 * their order, are those of etude/share.h.
 * ET_ENOTFOUND: `wanted` is nowhere; the text lists the ids there are. */
ET_MUST_USE ET_API enum et_status et_profile_find(const char *wanted, const char *robot_type,
                                                  struct et_arena *arena,
                                                  const struct et_profile **profile,
                                                  struct et_err *err);

/* All profiles there are, as et_share_list. */
ET_MUST_USE ET_API enum et_status et_profile_list(struct et_arena *arena,
                                                  const struct et_share_file **files,
                                                  size_t *n_files, struct et_err *err);

/* How a canonical stream is made from a feature: value i is
 * raw[columns[i]] × scale[i] + offset[i]. */
struct et_bound_stream {
    struct et_stream stream;
    const struct et_rule *rule;
    size_t i_feature;      // in the features given to et_profile_bind
    const size_t *columns; // stream.n_values of them; NULL for video and text
    const double *scale;
    const double *offset;
};

struct et_binding {
    const struct et_profile *profile;
    const struct et_bound_stream *streams; // canonical order
    size_t n_streams;
    const char *const *remarks; // what does not fit: a rule without its feature, unmapped values …
    size_t n_remarks;
};

/* Applies a profile's rules to the features at hand. A rule whose feature is absent is a remark,
 * not a failure. ET_ECORRUPT: a rule and a feature contradict each other (err->at is the rule's
 * line). */
ET_MUST_USE ET_API enum et_status et_profile_bind(const struct et_profile *profile,
                                                  const struct et_feature_view *features,
                                                  size_t n_features, struct et_arena *arena,
                                                  struct et_binding *binding, struct et_err *err);

/* The same for a recording: rules that lead from topics, features that are fields of messages. */
ET_MUST_USE ET_API enum et_status et_profile_bind_topics(const struct et_profile *profile,
                                                         const struct et_feature_view *fields,
                                                         size_t n_fields, struct et_arena *arena,
                                                         struct et_binding *binding,
                                                         struct et_err *err);

/* What et_profile_guess looks at: a feature and, where known, the range of each value. */
struct et_guess_feature {
    struct et_feature_view view;
    const double *min, *max; // n_values each, or NULL
};

/* Named slices of a feature, as GR00T's modality.json has them; may be empty. */
struct et_guess_slice {
    const char *feature; // "observation.state"
    const char *name;    // "left_arm"
    size_t first, last;  // values first … last − 1
};

/* Drafts a profile as YAML text, with a comment behind every guess and what it rests on. It loads
 * with et_profile_load as it is. */
ET_MUST_USE ET_API enum et_status
et_profile_guess(const char *robot_type, const struct et_guess_feature *features, size_t n_features,
                 const struct et_guess_slice *slices, size_t n_slices, struct et_buf *yaml,
                 struct et_err *err);

/* What a recording's draft is made from: one field of one topic that seems to be of a stream. */
struct et_guess_field {
    const char *topic;
    const char *field; // as a rule has it; NULL: a row, or what the type is known for
    enum et_quantity quantity;
    size_t n_values;          // of the first message; 0 for pictures and events
    const char *const *names; // n_values, or NULL
    const double *min, *max;  // n_values, or NULL
    bool is_w_first;          // of an IMU: its quaternion is w x y z
    bool has_stamp;           // the message has header.stamp, or needs none
    const char *why;          // what the quantity rests on: "of type sensor_msgs/JointState"
};

/* The same for a recording: parts by the values' names, else by the topic's; of several fields for
 * one stream the first is drafted, the others are told. */
ET_MUST_USE ET_API enum et_status et_profile_guess_topics(const struct et_guess_field *fields,
                                                          size_t n_fields, struct et_buf *yaml,
                                                          struct et_err *err);

#endif

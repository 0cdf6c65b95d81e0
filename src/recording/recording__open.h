/* An opened recording: its source, and what a profile made of it. */
#ifndef RECORDING_RECORDING__OPEN_H
#define RECORDING_RECORDING__OPEN_H

#include "recording/recording__source.h"

/* How the device's time is read from a message. */
struct et__stamp {
    size_t i_path;                 // of the program; SIZE_MAX: there is none
    double scale_ns;               // of a number; 0: a time in ns
    int n_bits;                    // of a counter that wraps (32, 16 or 8); 0: it does not
    int64_t last_ns, t_arrival_ns; // while reading: the last message's
    bool has_last;
};

/* A picture's fields in the program; SIZE_MAX: the type has none such. */
struct et__picture_paths {
    size_t data, format, pixels, width, height, step;
    bool is_base64; // data, of JSON
};

/* What is taken of one channel: a program over all fields that some rule names. */
struct et__tap {
    size_t i_channel;
    struct et_message_program *program; // NULL for rows
    struct et__stamp stamp;
    size_t i_sequence; // path; SIZE_MAX: none
    size_t *streams;   // those made of this channel, canonical order
    size_t n_streams;
    int64_t n_bad; // messages that could not be decoded
    char trouble[160];
    int64_t bad_ns; // arrival of the first of them
};

/* What a rule takes of a topic: where in the program its values are. */
struct et__field {
    size_t i_tap;
    size_t i_channel;
    const char *text;    // as the rule has it, "" none
    const size_t *paths; // of numbers, one after the other
    size_t n_paths;
    size_t i_names; // path of the values' names; SIZE_MAX: none
    struct et__picture_paths picture;
    size_t i_text;   // events and words: path; SIZE_MAX: none
    size_t i_detail; // what follows it behind a colon: path; SIZE_MAX: nothing
};

/* A stream while it is read. */
struct et__lane {
    const struct et__field *field;
    const struct et_bound_stream *bound;
    size_t *columns;     // as the last message has them
    uint64_t names_hash; // of that message's names
    double *values;      // stream.n_values
    double *raw;         // values of several paths, one after the other; NULL: one path
    size_t raw_cap;
    bool is_left_out; // of the message at hand
};

struct et_recording {
    struct et_arena *arena;
    struct et__source *source;
    struct et_recording_options options;
    struct et_recording_info info;
    struct et_recording_remark *remarks; // the source's, then those of taps
    size_t cap_remarks;

    struct et_recording_binding binding;
    const struct et_binding *bound;
    struct et__tap *taps;
    size_t n_taps;
    size_t *tap_of; // channel → tap + 1; 0 none; n_tap_of channels
    size_t n_tap_of;
    struct et__lane *lanes; // one a stream
    bool *is_asked;         // one a stream: the query wants it
    bool *is_wanted;        // one a channel

    bool has_query;
    struct et__tap *tap; // of the message at hand; NULL: the next is to be read
    size_t i_in_tap;
    bool is_noted; // the message at hand has been told of
    struct et__raw raw;
    int64_t t_device_ns;
    uint32_t sequence;
    bool has_sequence;
    char text[1024];        // an event that is a number, or is made of two texts
    struct et_buf unpacked; // a picture that was in base64
};

/* Fields that a message's type is known for; what a rule leaves out. NULL: none. */
const char *et__known_field(struct et_str type, enum et_quantity quantity);

/* Topics are the same with and without what DDS and ROS put in front: "rt/lowstate", "/lowstate".
 */
bool et__same_topic(const char *a, const char *b);

/* Compiles a rule's field for a channel: adds its paths to the tap's wants. */
struct et__wants {
    struct et_message_want *items;
    size_t n, cap;
    struct et_arena *arena;
};

/* The path's place among the wants; it is added when it is new. SIZE_MAX: the arena is full. */
size_t et__want(struct et__wants *wants, const char *path, enum et_message_form form);

/* Finds what `text` (a rule's field, "" for the type's own) leads to in messages of that
 * definition, for a stream of that quantity. ET_ENOTFOUND: the type has no such field, and the rule
 * must say one. */
ET_MUST_USE enum et_status et__field_compile(const struct et_message_def *def,
                                             const struct et_channel *channel, const char *text,
                                             enum et_quantity quantity, struct et__wants *wants,
                                             struct et__field *field, struct et_err *err);

/* The field that is the device's time where no rule says one: header.stamp, or Foxglove's
 * timestamp. NULL: there is none. */
const char *et__known_stamp(const struct et_message_path *paths, size_t n);

/* Where the device's time is: by the rule's word, or the known one. */
ET_MUST_USE enum et_status et__stamp_compile(const struct et_message_def *def,
                                             const struct et_rule *rule, struct et__wants *wants,
                                             struct et__stamp *stamp, struct et_err *err);

/* Whether the definition has such a leaf; NULL def: false. */
bool et__has_path(const struct et_message_path *paths, size_t n, const char *path);

#endif

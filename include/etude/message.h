/* Messages: fields pulled out of the bytes of robots' messages.
 *
 * A recording holds millions of messages of a few types, and of each only some fields are wanted.
 * So what is wanted is compiled once, from the definition, into a field program; running it on a
 * message goes straight to those fields: what lies before the first field of variable length is at
 * offsets that were worked out beforehand, sequences are passed over by arithmetic, numbers are
 * copied in one piece, texts and byte arrays are looked at where they lie.
 *
 * Encodings: CDR as ROS 2 and DDS write it (XCDR1, and XCDR2 plain or delimited, either byte order;
 *            the message says which), ROS 1 serialization, protobuf, JSON.
 * Units:     as the message has them; times are nanoseconds.
 * Threads:   a program belongs to one thread; the definition that it was made of may be shared.
 * Memory:    a program holds the values of its last message, each path at most `bytes_max`; after
 *            the first messages nothing is allocated. Counts in a message are held against the
 *            bytes that are left before memory is taken. */
#ifndef ETUDE_MESSAGE_H
#define ETUDE_MESSAGE_H

#include "etude/json.h"
#include "etude/msgdef.h"

enum et_message_encoding {
    ET_MESSAGE_CDR,
    ET_MESSAGE_ROS1,
    ET_MESSAGE_PROTOBUF,
    ET_MESSAGE_JSON,
    ET_MESSAGE_N_ENCODINGS
};

/* "cdr", "ros1", "protobuf", "json", and back; false: none of them. */
ET_API const char *et_message_encoding_name(enum et_message_encoding encoding);
ET_API bool et_message_encoding_find(struct et_str name, enum et_message_encoding *encoding);

/* ---- what a recording says about its messages ---- */

struct et_message_schema {
    struct et_str name;             // of the type
    struct et_str encoding;         // of the definition: "ros2msg", "ros1msg", "protobuf", "" …
    struct et_str data;             // the definition; empty: none
    struct et_str message_encoding; // "cdr", "ros1", "protobuf", "json"
};

struct et_message_def {
    enum et_message_encoding encoding;
    const struct et_msgdef *def; // NULL for JSON, which says itself what it holds
    bool is_from_store;
    const char *remark; // NULL, or one sentence: the file's own definition was not used, or does
                        // not fit; in the arena
};

/* Finds the definition of a recording's messages: the recording's own; the store's where there is
 * none, where it cannot be parsed, and where it leaves bytes of `sample` over (a stub) and the
 * store's does not. `sample` is one message, or empty. A definition that fits nothing is still
 * given, with a remark. ET_EUNSUPPORTED: an encoding that is not read; the text names it. The
 * statuses of et_msgdef_parse when neither definition can be had. */
ET_MUST_USE ET_API enum et_status et_message_define(const struct et_message_schema *schema,
                                                    struct et_str sample, struct et_arena *arena,
                                                    struct et_message_def *found,
                                                    struct et_err *err);

/* ---- paths ---- */

/* A path names fields from the root on: "position", "header.stamp", "pose.position.x". Of a list of
 * messages it says which: "motor_state[].q" is q of all of them, "motor_state[3].q" of one. At the
 * end, "position" and "position[]" are all elements and "position[2]" one. One that the message
 * does not have (a sequence that is shorter) has no value. */
#define ET_MESSAGE_PATH_BYTES_MAX 512

enum et_message_form {
    ET_MESSAGE_NATURAL,  // what the field is: see the others
    ET_MESSAGE_NUMBERS,  // double: floats; integers and bools too, when asked (beyond 2^53 rounded)
    ET_MESSAGE_INTEGERS, // int64: integers, bools, times and durations (ns); a uint64 as its bits
    ET_MESSAGE_VIEWS,    // bytes where they lie: strings; byte arrays, each as one view
};

struct et_message_want {
    const char *path;
    enum et_message_form form;
};

/* A path that a definition offers. */
struct et_message_path {
    const char *path; // "motor_state[].q"
    enum et_msg_kind kind;
    enum et_message_form form; // its natural one
    int64_t n_values;          // in every message the same number (none where a delimited one of
                               // an earlier version ends before it); -1: each has its own
};

/* All paths that end in a value, in the order of the definition, into the arena. Types that contain
 * themselves are followed once. ET_ELIMIT: more than ET_MESSAGE_PATHS_MAX, or the arena.
 * ET_EARG: no definition (JSON). */
#define ET_MESSAGE_PATHS_MAX 65536
ET_MUST_USE ET_API enum et_status et_message_paths(const struct et_message_def *message,
                                                   struct et_arena *arena,
                                                   const struct et_message_path **paths,
                                                   size_t *n_paths, struct et_err *err);

/* ---- field programs ---- */

struct et_message_options {
    size_t bytes_max; // of the values of one path; 0: 64 MiB
    bool must_fit;    // go through the whole message: damage behind the last wanted field is told
};

struct et_message_program;

/* Compiles. `message.def` must outlive the program; paths are copied. options may be NULL.
 * ET_EARG: a path that the definition does not have, or in a form that its kind does not take; the
 * text names the path and what the definition has there. ET_ENOTFOUND: a type that has to be gone
 * through is missing. ET_EUNSUPPORTED: a wstring has to be gone through. ET_ELIMIT: the program.
 * For JSON nothing is known beforehand: paths are checked in form only. */
ET_MUST_USE ET_API enum et_status
et_message_program_open(struct et_message_program **program, const struct et_message_def *message,
                        const struct et_message_want *wants, size_t n_wants,
                        const struct et_message_options *options, struct et_err *err);
ET_API void et_message_program_close(struct et_message_program *program); // NULL is allowed

/* What path i leads to: its kind, its form (never NATURAL, but for JSON), its number of values. */
ET_API const struct et_message_path *
et_message_program_path(const struct et_message_program *program, size_t i);

/* The values of one path in the message that ran last. Of the three arrays one is set, by form;
 * all elements of all lists on the path, in the order of the message. Valid until the next run;
 * views as long as the message's bytes. */
struct et_message_values {
    size_t n;
    const double *numbers;
    const int64_t *integers;
    const struct et_str *views;
};

/* Runs on a message. ET_OK: every path's values are there. ET_ECORRUPT: err->at is the offset in
 * the message, the text names the field and the reason. ET_EUNSUPPORTED: a CDR kind that is not
 * read. ET_ELIMIT: a path has values beyond bytes_max. ET_ENOMEM. After a failure there are no
 * values, and the next message may be run. */
ET_MUST_USE ET_API enum et_status et_message_run(struct et_message_program *program,
                                                 struct et_str bytes, struct et_err *err);
ET_API const struct et_message_values *et_message_values(const struct et_message_program *program,
                                                         size_t i);

/* ---- whole messages ---- */

/* How many bytes of a message its definition leaves over; any hint at a wrong definition. What may
 * stand at the end of CDR does not count: up to 3 bytes of padding, and the padding of sequences
 * that are empty, which some writers reserve and do not use. Statuses as et_message_run. Protobuf
 * and JSON have none over. */
ET_MUST_USE ET_API enum et_status et_message_left_over(const struct et_message_def *message,
                                                       struct et_str bytes, size_t *n_left,
                                                       struct et_err *err);

/* Writes a message as one JSON value, by its definition: a message is a map in the definition's
 * order, a list a list; uint8[] and bytes are base64; integers are exact, those beyond INT64_MAX a
 * string of digits (JSON's readers hold no more); NaN and the infinities are null; a time is a map
 * of its two fields. Bytes that are not UTF-8 become U+FFFD; a NUL within a text is \u0000, which
 * et_json_parse refuses. Protobuf's absent fields have their defaults, absent messages are null.
 * Statuses as et_message_run, ET_ENOTFOUND of a type that is defined nowhere, or the buffer's;
 * after a failure the writer holds a part and is of no more use. JSON is written anew. */
ET_MUST_USE ET_API enum et_status et_message_to_json(const struct et_message_def *message,
                                                     struct et_str bytes, struct et_json_writer *w,
                                                     struct et_err *err);

/* ---- the slow reference ---- */

/* The same values as a program's, by walking the whole message field by field and comparing paths
 * as text: slow, short, and there to hold programs against (tests, benchmarks). CDR and ROS 1 only
 * (ET_EARG). Values live in the arena, views in the message. */
ET_MUST_USE ET_API enum et_status et_message_walk(const struct et_message_def *message,
                                                  const struct et_message_want *want,
                                                  struct et_str bytes, struct et_arena *arena,
                                                  struct et_message_values *values,
                                                  struct et_err *err);

#endif

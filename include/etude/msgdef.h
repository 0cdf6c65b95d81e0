/* Message definitions: what the bytes of a robot's messages mean.
 *
 * A definition is text of the robot's middleware ("ros1msg", "ros2msg") or a protobuf
 * FileDescriptorSet, taken from a recording or from our own store. Parsed, each becomes the same
 * tree of types and fields, so that what reads messages (etude/message.h) and what writes them
 * (etude/cdr.h) is written once.
 *
 * The store is a folder of .msg files, share/msg/<package>/msg/<Name>.msg ($ETUDE_SHARE/msg first,
 * then the installed one), for recordings that carry no definitions; where ROS 1 differs, its form
 * is in share/msg/ros1/. Users may add their own.
 *
 * Names:   a type is called "package/Name"; the middle of "package/msg/Name" is dropped wherever
 *          it occurs, as both forms are found in the same files.
 * Threads: a definition is never changed once parsed and may be shared.
 * Memory:  a definition, and a copy of the text that it was made of, live in the caller's arena. */
#ifndef ETUDE_MSGDEF_H
#define ETUDE_MSGDEF_H

#include "etude/arena.h"
#include "etude/value.h"

#define ET_MSGDEF_TEXT_BYTES_MAX ((size_t)8 << 20)
#define ET_MSGDEF_TYPES_MAX 8192
#define ET_MSGDEF_DEPTH_MAX 30 // types within types; JSON of a message needs two levels for each

enum et_msgdef_flavour {
    ET_MSGDEF_ROS1,     // char and time are primitive, byte is signed, a Header has a seq
    ET_MSGDEF_ROS2,     // time is builtin_interfaces/Time; bounds, defaults, wstring
    ET_MSGDEF_PROTOBUF, // fields have numbers; a type may contain itself
};

// clang-format off
#define ET_MSG_KIND_MAP(X)                                                  \
    X(ET_MSG_BOOL,     "bool",     1)                                       \
    X(ET_MSG_INT8,     "int8",     1)                                       \
    X(ET_MSG_UINT8,    "uint8",    1)                                       \
    X(ET_MSG_INT16,    "int16",    2)                                       \
    X(ET_MSG_UINT16,   "uint16",   2)                                       \
    X(ET_MSG_INT32,    "int32",    4)                                       \
    X(ET_MSG_UINT32,   "uint32",   4)                                       \
    X(ET_MSG_INT64,    "int64",    8)                                       \
    X(ET_MSG_UINT64,   "uint64",   8)                                       \
    X(ET_MSG_FLOAT32,  "float32",  4)                                       \
    X(ET_MSG_FLOAT64,  "float64",  8)                                       \
    X(ET_MSG_STRING,   "string",   0)                                       \
    X(ET_MSG_WSTRING,  "wstring",  0) /* its bytes depend on the writer */  \
    X(ET_MSG_BYTES,    "bytes",    0) /* of protobuf; ROS has uint8[] */    \
    X(ET_MSG_TIME,     "time",     8) /* has a type: seconds, nanoseconds */\
    X(ET_MSG_DURATION, "duration", 8) /* the same, signed */                \
    X(ET_MSG_NESTED,   "message",  0)
// clang-format on

enum et_msg_kind {
#define X(name, text, n_bytes) name,
    ET_MSG_KIND_MAP(X)
#undef X
};

/* "float64"; and the bytes that one takes in ROS messages, 0 when that is not fixed by the kind. */
ET_API const char *et_msg_kind_text(enum et_msg_kind kind);
ET_API size_t et_msg_kind_bytes(enum et_msg_kind kind);

enum et_msg_array {
    ET_MSG_ONE,
    ET_MSG_FIXED,    // n_array elements, always
    ET_MSG_SEQUENCE, // as many as the message says, at most n_array unless that is 0
};

/* How protobuf writes an integer. */
enum et_msg_wire { ET_MSG_VARINT, ET_MSG_ZIGZAG, ET_MSG_FIXED_WIRE };

struct et_msgdef_type;

struct et_msgdef_field {
    struct et_str name;
    enum et_msg_kind kind;
    enum et_msg_array array;
    uint32_t n_array;
    uint32_t text_bytes_max;           // of a bounded string; 0: not bounded
    const struct et_msgdef_type *type; // NESTED, TIME, DURATION; else NULL
    struct et_str spelled;             // the type as written, without the array ("char", "Header")
    struct et_str default_text;        // as written; p is NULL when there is none
    uint32_t number;                   // protobuf: its number in messages; else 0
    enum et_msg_wire wire;             // protobuf
    int32_t line;                      // in the whole text, 1-based; 0: made here, or protobuf
};

struct et_msgdef_constant {
    struct et_str name;
    enum et_msg_kind kind;
    struct et_str spelled;
    struct et_str text; // the value as written, without blanks around it
    int32_t line;
};

struct et_msgdef_type {
    struct et_str name; // "sensor_msgs/JointState"; of protobuf "foxglove.CompressedImage"
    const struct et_msgdef_field *fields; // in the order of the bytes
    size_t n_fields;
    const struct et_msgdef_constant *constants;
    size_t n_constants;
    size_t index;       // its place in et_msgdef.types
    size_t least_bytes; // no message of it has fewer in ROS; 0 for protobuf
    bool is_missing;    // named, but defined nowhere: what needs it fails, what does not goes on
};

struct et_msgdef {
    enum et_msgdef_flavour flavour;
    const struct et_msgdef_type *root;
    const struct et_msgdef_type *const *types; // root among them
    size_t n_types;
};

/* What a definition is made from. */
struct et_msgdef_source {
    struct et_str name; // of the root: "sensor_msgs/msg/JointState"
    struct et_str text;
    enum et_msgdef_flavour flavour;
    bool use_store; // types that the text names and does not define are looked for in the store
};

/* Parses ros1msg or ros2msg text: the root's definition, then those it depends on, each after a
 * line of '=' and a line "MSG: package/Name", in any order, the first of a name counting. Text with
 * `---` lines is a service's or an action's: its name says which message is meant (X_Request,
 * X_Response, X_Event, X_FeedbackMessage …), and those that the middleware adds are made here.
 * ET_ECORRUPT: err->at is the line, the text has line, column and reason; a type that contains
 * itself is one. ET_EUNSUPPORTED: PROTOBUF, or the text is IDL. ET_ELIMIT: text, types, depth or
 * arena. ET_ENOTFOUND: the name is no message of that service. After a failure the arena is as
 * before. */
ET_MUST_USE ET_API enum et_status et_msgdef_parse(const struct et_msgdef_source *source,
                                                  struct et_arena *arena,
                                                  const struct et_msgdef **def, struct et_err *err);

/* Parses a FileDescriptorSet; `name` is the full name of the root ("foxglove.CompressedImage").
 * Names of messages that do not begin with a dot are looked for from the inside outwards.
 * ET_ECORRUPT: err->at is the offset of what is wrong. ET_ENOTFOUND: it does not define the root.
 * ET_ELIMIT as above. */
ET_MUST_USE ET_API enum et_status et_msgdef_parse_protobuf(struct et_str bytes, struct et_str name,
                                                           struct et_arena *arena,
                                                           const struct et_msgdef **def,
                                                           struct et_err *err);

/* The definition of a type in the store, with all that it depends on. ET_ENOTFOUND: the store has
 * no such type; err->text says where it looked. ET_ECORRUPT: a file of the store is wrong; the text
 * names type, line and column. ET_EIO, ET_ELIMIT. */
ET_MUST_USE ET_API enum et_status et_msgdef_load(struct et_str name, enum et_msgdef_flavour flavour,
                                                 struct et_arena *arena,
                                                 const struct et_msgdef **def, struct et_err *err);

/* Appends the text of a type of the store and of all that it depends on, in the form that
 * recordings carry (and et_msgdef_parse reads). Statuses as et_msgdef_load, or the buffer's. */
ET_MUST_USE ET_API enum et_status et_msgdef_store_text(struct et_str name,
                                                       enum et_msgdef_flavour flavour,
                                                       struct et_buf *text, struct et_err *err);

/* The same where <folder>/<package>/msg/<Name>.msg hides the file of the store: a workspace of ROS
 * 2, or share/ of its installation. NULL: only the store. */
ET_MUST_USE ET_API enum et_status et_msgdef_folder_text(const char *folder, struct et_str name,
                                                        enum et_msgdef_flavour flavour,
                                                        struct et_buf *text, struct et_err *err);

/* The type of a name ("sensor_msgs/JointState" or "sensor_msgs/msg/JointState"), and the field of
 * a type; NULL: none. */
ET_API const struct et_msgdef_type *et_msgdef_type(const struct et_msgdef *def, struct et_str name);
ET_API const struct et_msgdef_field *et_msgdef_field(const struct et_msgdef_type *type,
                                                     struct et_str name);

/* True when two names are the same but for a middle "msg", "srv" or "action". */
ET_API bool et_msgdef_same_name(struct et_str a, struct et_str b);

/* The MD5 by which ROS 1 tells types apart, as 32 hexadecimal digits and a NUL. ET_EARG: not a ROS
 * 1 definition. ET_ENOTFOUND: a type in it is missing. ET_ELIMIT, ET_ENOMEM: its text. */
#define ET_MSGDEF_MD5_CHARS 32
ET_MUST_USE ET_API enum et_status et_msgdef_md5(const struct et_msgdef *def,
                                                const struct et_msgdef_type *type,
                                                char hex[ET_MSGDEF_MD5_CHARS + 1],
                                                struct et_err *err);

/* What the text of a constant or a default says, for a kind: a bool, an integer, a real, a string,
 * or, where `array` is not ONE, a list of them. An unsigned number beyond INT64_MAX is given as the
 * string of its digits. ET_ECORRUPT: the text is no value of that kind, or out of its range.
 * ET_ELIMIT: the arena. */
ET_MUST_USE ET_API enum et_status et_msgdef_literal(enum et_msg_kind kind, enum et_msg_array array,
                                                    struct et_str text, struct et_arena *arena,
                                                    const struct et_value **value,
                                                    struct et_err *err);

#endif

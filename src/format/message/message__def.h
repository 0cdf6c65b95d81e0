/* Definitions under construction: what the parts of the parser share. */
#ifndef FORMAT_MESSAGE__DEF_H
#define FORMAT_MESSAGE__DEF_H

#include "etude/msgdef.h"

/* Names to numbers, in an arena. A zeroed struct is empty. */
struct et__names {
    struct et__name *slots; // a power of two of them
    size_t n, cap;
};
struct et__name {
    struct et_str name; // p is NULL in an empty slot
    size_t value;
};
#define ET__NO_NAME SIZE_MAX

/* Adds a name, or changes its value. False: the arena is full. */
bool et__names_put(struct et__names *names, struct et_arena *arena, struct et_str name,
                   size_t value);
size_t et__names_get(const struct et__names *names, struct et_str name); // ET__NO_NAME: none

/* Few messages of ROS 2 have ever changed. Of those that have, the store keeps what they were up to
 * a release, in a folder that is called by it; everything else is as it is now. */
enum et__edition { ET__NEWEST, ET__HUMBLE, ET__FOXY, ET__N_EDITIONS };

/* A type whose fields may still change. */
struct et__made_type {
    struct et_msgdef_type type;
    struct et_msgdef_field *fields;
    int32_t line; // of its first line
};

struct et__maker {
    struct et_arena *arena;
    struct et_err *err;
    enum et_msgdef_flavour flavour;
    enum et__edition edition; // of the store
    bool use_store;
    struct et_str folder; // <package>/msg/<Name>.msg in it hides those of the store; empty: none
    struct et__made_type **types;
    size_t n_types, cap_types;
    struct et__names by_name; // "package/Name" → index
    struct et__names by_last; // "Name" → index; AMBIGUOUS when there are several
};
#define ET__AMBIGUOUS (SIZE_MAX - 1)

/* A copy of what the arena holds for a name: "pkg/Name" for "pkg/msg/Name". p NULL: arena full. */
struct et_str et__name_short(struct et_str name, struct et_arena *arena);
struct et_str et__name_last(struct et_str name);    // "Name"
struct et_str et__name_package(struct et_str name); // "pkg"; empty when there is none

/* Adds an empty type. ET_OK and NULL: there is one of that name already, which counts. */
enum et_status et__maker_add(struct et__maker *m, struct et_str name, struct et__made_type **made);

/* ET_ECORRUPT when two fields have one name: a path could not say which it means. */
enum et_status et__maker_check_names(struct et__maker *m, const struct et__made_type *made);

/* Parses the lines of one type, the first of which has number `line`. */
enum et_status et__maker_parse(struct et__maker *m, struct et_str name, struct et_str text,
                               int32_t line);

/* Splits the text of a service or an action into its messages; *is_service: it was one. */
enum et_status et__maker_parse_service(struct et__maker *m, struct et_str name, struct et_str text,
                                       int32_t line, bool *is_service);

/* Parses a whole text: the root, then its dependencies. */
enum et_status et__maker_parse_all(struct et__maker *m, struct et_str name, struct et_str text,
                                   bool *is_service);

/* Gives every field of a message type its type, looks up what is not there, and makes sure that no
 * type contains itself. */
enum et_status et__maker_resolve(struct et__maker *m);

/* The definition, with `name` as its root; ET_ENOTFOUND when there is none. */
enum et_status et__maker_finish(struct et__maker *m, struct et_str name,
                                const struct et_msgdef **def);

/* The text of one type in the store; ET_ENOTFOUND without a message. */
enum et_status et__store_read(const struct et__maker *m, struct et_str name, struct et_str *text);

/* As et_msgdef_load, of an edition. */
enum et_status et__store_load(struct et_str name, enum et_msgdef_flavour flavour,
                              enum et__edition edition, struct et_arena *arena,
                              const struct et_msgdef **def, struct et_err *err);

/* ---- one line ---- */

struct et__line {
    enum { ET__LINE_NOTHING, ET__LINE_FIELD, ET__LINE_CONSTANT } what;
    struct et_str spelled, name, value; // value: of a constant; default of a field, or p NULL
    enum et_msg_kind kind;              // NESTED for all that is not primitive, time included
    enum et_msg_array array;
    uint32_t n_array, text_bytes_max;
};

/* Takes one line of a definition apart. ET_ECORRUPT with line and column. */
enum et_status et__line_parse(struct et_str text, int32_t number, enum et_msgdef_flavour flavour,
                              struct et__line *line, struct et_err *err);

/* The primitive of a name in a flavour; NESTED: none. */
enum et_msg_kind et__kind_find(struct et_str name, enum et_msgdef_flavour flavour);

/* ---- MD5 (RFC 1321), for ROS 1's names of types; not for adversaries ---- */

void et__md5(const void *data, size_t n, uint8_t digest[16]);

#endif

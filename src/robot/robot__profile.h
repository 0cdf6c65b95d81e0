/* What the files of a profile share: a mistake's message, and what a stream's values are. */
#ifndef ROBOT_ROBOT__PROFILE_H
#define ROBOT_ROBOT__PROFILE_H

#include "etude/profile.h"
#include "etude/yaml.h"

/* A profile that is being read. */
struct et__profile_reader {
    const char *path;
    struct et_arena *arena;
    struct et_profile *profile;
    struct et_err *err;
};

/* Fails with ET_ECORRUPT and "path:line:column: …". */
/* Checks a value against a schema; the message begins with the path. */
ET_MUST_USE enum et_status et__profile_schema(const struct et__profile_reader *r,
                                              const struct et_value *value,
                                              const struct et_schema *schema);

/* The list of rules; parts and cameras are read already. */
ET_MUST_USE enum et_status et__profile_rules(const struct et__profile_reader *r,
                                             const struct et_value *rules);

/* The ways in which the robot is driven; the rules are read already. NULL: none. */
ET_MUST_USE enum et_status et__profile_drives(const struct et__profile_reader *r,
                                              const struct et_value *drives);

/* The profile's description of a part; NULL when the robot has none such. */
const struct et_profile_part *et__profile_part(const struct et_profile *profile, enum et_part part);

/* A canonical name, taken apart. */
struct et__stream_name {
    enum et_part part;
    enum et_quantity quantity;
    bool is_command;
};

/* What a stream's values are in: SI text; "1" for pictures. */
const char *et__profile_unit(const struct et_profile *profile, struct et__stream_name name);

/* How many values the stream must have; 0 when the data decides. */
size_t et__profile_values(const struct et_profile *profile, struct et__stream_name name);

static inline bool et__is_picture(enum et_quantity quantity)
{
    return quantity == ET_QUANTITY_IMAGE || quantity == ET_QUANTITY_DEPTH;
}

#endif

/* What tests of live sources share: a source on a feed with a clock of the test's own, and samples
 * taken out of it as documents. */
#ifndef TESTS_RECORD_SOURCE_HELP_H
#define TESTS_RECORD_SOURCE_HELP_H

#include "etude/message.h"
#include "etude/source.h"
#include "etude/yaml.h"

#include "tap.h"

#include <stdlib.h>

static struct et_err err;

/* A CDR message of a type of share/msg as a document, which says of bytes that are left over. */
static inline const struct et_value *message_value(struct et_arena *arena, const char *type,
                                                   struct et_str bytes)
{
    struct et_message_def message = {.encoding = ET_MESSAGE_CDR};
    struct et_buf json = et_buf((size_t)64 << 20);
    struct et_json_writer w = {.buf = &json};
    const struct et_value *value = NULL;
    size_t n_left = 0;
    CHECK_OK(et_msgdef_load(et_str(type), ET_MSGDEF_ROS2, arena, &message.def, &err));
    CHECK_OK(et_message_left_over(&message, bytes, &n_left, &err));
    CHECK_EQ(n_left, 0);
    CHECK_OK(et_message_to_json(&message, bytes, &w, &err));
    CHECK_OK(et_json_parse(et_buf_str(&json), NULL, arena, &value, &err));
    et_buf_free(&json);
    return value;
}

/* What stands at a path of keys and places: "axis.3", "header.stamp.sec". */
static inline const struct et_value *at(const struct et_value *value, const char *path)
{
    struct et_str rest = et_str(path), part;
    while (et_str_cut(&rest, '.', &part)) {
        int64_t i;
        char key[64] = "";
        memcpy(key, part.p, part.n < sizeof key ? part.n : sizeof key - 1);
        value =
            et_str_to_int64(part, &i) ? et_value_at(value, (size_t)i) : et_value_get(value, key);
    }
    return value;
}

static inline double number_at(const struct et_value *value, const char *path)
{
    return et_value_real(at(value, path), (double)NAN);
}

static inline const char *text_at(const struct et_value *value, const char *path)
{
    return et_value_text(at(value, path), "(none)");
}

#endif

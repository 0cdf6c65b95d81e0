/* Value: a document in memory, whether it was JSON or YAML.
 *
 * One tree type for both, so that readers and the schema checker are written once. A node keeps the
 * line and column that it came from (1-based; 0 where the format's library does not tell).
 *
 * Threads: a tree is read-only after parsing and may be shared.
 * Memory:  nodes and texts live in the arena that the parser was given. */
#ifndef ETUDE_VALUE_H
#define ETUDE_VALUE_H

#include "etude/str.h"

enum et_value_kind {
    ET_VALUE_NULL,
    ET_VALUE_BOOL,
    ET_VALUE_INT,
    ET_VALUE_REAL,
    ET_VALUE_STRING,
    ET_VALUE_LIST,
    ET_VALUE_MAP,
};

/* Where something stands in its text. */
struct et_place {
    int32_t line;   // 1-based, 0 unknown
    int32_t column; // 1-based, 0 unknown
};

struct et_value {
    enum et_value_kind kind;
    int32_t line;   // 1-based, 0 unknown
    int32_t column; // 1-based, 0 unknown
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct et_str string; // UTF-8, NUL-terminated behind its n bytes
        struct {
            struct et_value *items;        // LIST: n_items values; MAP: n_items values
            struct et_str *keys;           // MAP: n_items keys, in the document's order; LIST: NULL
            const struct et_place *places; // MAP from YAML: n_items places of the keys; else NULL
            size_t n_items;
        } many;
    } as;
};

/* The member of a map; NULL when value is NULL, not a map, or has no such key. */
ET_API const struct et_value *et_value_get(const struct et_value *value, const char *key);

/* The i-th item of a list or map; NULL when there is none. */
ET_API const struct et_value *et_value_at(const struct et_value *value, size_t i);

/* Items of a list or map; 0 for anything else and for NULL. */
ET_API size_t et_value_count(const struct et_value *value);

/* The content, or `otherwise` when value is NULL or of another kind. A number is given as either
 * (an integral real within ±2^53 as an integer). et_value_text gives a NUL-terminated string. */
ET_API bool et_value_bool(const struct et_value *value, bool otherwise);
ET_API int64_t et_value_int(const struct et_value *value, int64_t otherwise);
ET_API double et_value_real(const struct et_value *value, double otherwise);
ET_API const char *et_value_text(const struct et_value *value, const char *otherwise);

/* Where a value began in its file. */
static inline struct et_place et_value_place(const struct et_value *value)
{
    return (struct et_place){value->line, value->column};
}
ET_API bool et_value_is_number(const struct et_value *value);

/* "a string", "a list" …, for messages. */
ET_API const char *et_value_kind_text(enum et_value_kind kind);

#endif

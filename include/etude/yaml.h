/* YAML: what people write, checked against a schema, with the line and column of a mistake.
 *
 * The subset is what a settings file needs: maps with text keys, lists, scalars of the YAML 1.2
 * core schema (null, true, false, integers, reals; anything quoted is a string). Anchors, aliases,
 * tags, a key that stands twice and several documents in a file are refused, so that a small file
 * stays small and says one thing.
 *
 * Threads: no shared state.
 * Memory:  trees live in the caller's arena. */
#ifndef ETUDE_YAML_H
#define ETUDE_YAML_H

#include "etude/arena.h"
#include "etude/value.h"

#define ET_YAML_DEPTH_MAX 32

/* Parses one document. `path` is for messages only, which begin "path:line:column: "; without one
 * (NULL), "line:column: ". ET_ECORRUPT: err->at is the line. ET_ELIMIT: too deep, or the arena is
 * full. ET_ENOMEM: no memory. After a failure the arena is as before. An empty document is a null
 * value. Keys are texts as they stand ("1", "true"). */
ET_MUST_USE ET_API enum et_status et_yaml_parse(struct et_str text, const char *path,
                                                struct et_arena *arena,
                                                const struct et_value **value, struct et_err *err);

/* Reads and parses a file of at most limit_bytes. */
ET_MUST_USE ET_API enum et_status et_yaml_read(const char *path, size_t limit_bytes,
                                               struct et_arena *arena,
                                               const struct et_value **value, struct et_err *err);

/* Fails with ET_ECORRUPT about what stands at `place` of a file: "path:line:column: …". */
ET_API enum et_status et_yaml_fail(struct et_err *err, const char *path, struct et_place place,
                                   const char *fmt, ...) ET_PRINTF(4, 5);

/* A schema: what a value must look like. Written as static tables beside the code that reads it. */
enum et_schema_type {
    ET_SCHEMA_ANY,
    ET_SCHEMA_BOOL,
    ET_SCHEMA_INT,    // within [min, max] when has_range
    ET_SCHEMA_REAL,   // an integer will do; within [min, max] when has_range
    ET_SCHEMA_STRING, // one of choices when given
    ET_SCHEMA_LIST,   // of `items`, n_min to n_max of them (n_max 0: any number)
    ET_SCHEMA_MAP,    // of `fields`; unknown keys are refused with the nearest known one
    ET_SCHEMA_DICT,   // any keys, values of `items`
};

struct et_schema {
    enum et_schema_type type;
    bool may_be_null;
    bool has_range;
    double min, max;
    const char *const *choices;           // NULL-ended; STRING only
    const struct et_schema *items;        // LIST, DICT
    size_t n_min, n_max;                  // LIST
    const struct et_schema_field *fields; // MAP; ends with a field whose key is NULL
};

struct et_schema_field {
    const char *key;
    const struct et_schema *schema;
    bool is_required;
};

/* ET_OK, or ET_ECORRUPT with err->at = the line and "line:column: joints[3].lower: must be a
 * number, is a string" (no line, and err->at −1, where the value came from JSON). The first mistake
 * in the document's order is reported; a missing key counts as standing at the end of its map.
 * `path`, which may be NULL, is put in front. */
ET_MUST_USE ET_API enum et_status et_schema_check(const struct et_value *value,
                                                  const struct et_schema *schema, const char *path,
                                                  struct et_err *err);

#endif

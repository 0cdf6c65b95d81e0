/* JSON: read into a value tree, written piece by piece.
 *
 * Reading accepts RFC 8259 and, where asked, the NaN and Infinity that Python's json module writes.
 * Refused beyond that: integers that do not fit into 64 bits, and U+0000 in a string, behind which
 * a NUL-terminated text would hide its rest.
 * Writing is a stream into a buffer: same calls, same bytes, on every machine and in every locale.
 *
 * Threads: no shared state.
 * Memory:  a tree lives in the caller's arena; a writer in the caller's buffer. */
#ifndef ETUDE_JSON_H
#define ETUDE_JSON_H

#include "etude/arena.h"
#include "etude/value.h"

#define ET_JSON_DEPTH_MAX 64

struct et_json_options {
    bool allow_nan; // also accept NaN, Infinity and -Infinity
    size_t
        n_values_max; // what holds more values and keys is refused before it takes memory; 0: any
};

/* Parses one document; white space may surround it. Duplicate keys are refused.
 * ET_ECORRUPT: err->at is the byte offset; the text names line, column and reason.
 * ET_ELIMIT: deeper than ET_JSON_DEPTH_MAX, more than n_values_max, or the arena is full.
 * ET_ENOMEM: no memory. After a failure the arena is as before. options may be NULL. */
ET_MUST_USE ET_API enum et_status et_json_parse(struct et_str text,
                                                const struct et_json_options *options,
                                                struct et_arena *arena,
                                                const struct et_value **value, struct et_err *err);

/* Reads and parses a file of at most limit_bytes; the message names the path. */
ET_MUST_USE ET_API enum et_status et_json_read(const char *path, size_t limit_bytes,
                                               const struct et_json_options *options,
                                               struct et_arena *arena,
                                               const struct et_value **value, struct et_err *err);

/* A writer into buf. A zeroed struct with buf set is ready. indent 0 writes one line, otherwise
 * that many spaces a level. Commas, quotes and escapes are the writer's; misuse is asserted. Bytes
 * that are not UTF-8 become U+FFFD; what is nested deeper than ET_JSON_DEPTH_MAX makes the buffer
 * fail with ET_ELIMIT. */
struct et_json_writer {
    struct et_buf *buf;
    int indent;
    int depth;
    bool has_items[ET_JSON_DEPTH_MAX];
    bool is_after_key;
};

ET_API void et_json_open_map(struct et_json_writer *w);
ET_API void et_json_close_map(struct et_json_writer *w);
ET_API void et_json_open_list(struct et_json_writer *w);
ET_API void et_json_close_list(struct et_json_writer *w);
ET_API void et_json_key(struct et_json_writer *w, const char *key);
ET_API void et_json_key_str(struct et_json_writer *w, struct et_str key);
ET_API void et_json_null(struct et_json_writer *w);
ET_API void et_json_bool(struct et_json_writer *w, bool value);
ET_API void et_json_int(struct et_json_writer *w, int64_t value);

/* The shortest digits that read back as the same double ("0.1", "1e-07", "3.0"); a value that is
 * not finite becomes null. */
ET_API void et_json_real(struct et_json_writer *w, double value);
ET_API void et_json_text(struct et_json_writer *w, const char *value); // NULL becomes null
ET_API void et_json_str(struct et_json_writer *w, struct et_str value);
ET_API void et_json_bytes(struct et_json_writer *w, const void *bytes, size_t n); // as base64

/* A whole tree, keys in the tree's order; NULL becomes null. */
ET_API void et_json_value(struct et_json_writer *w, const struct et_value *value);

/* key and value in one call. */
ET_API void et_json_put_text(struct et_json_writer *w, const char *key, const char *value);
ET_API void et_json_put_int(struct et_json_writer *w, const char *key, int64_t value);
ET_API void et_json_put_real(struct et_json_writer *w, const char *key, double value);
ET_API void et_json_put_bool(struct et_json_writer *w, const char *key, bool value);

/* A tree as RFC 8785 has it (canonical JSON: no blanks, keys in the order of their UTF-16 units,
 * numbers as ECMAScript writes them): the same bytes for what means the same. Appends to buf, whose
 * failure is the caller's to check. ET_EARG: a whole number beyond ±2⁵³, which not every reader
 * keeps, or a number that is none. */
ET_MUST_USE ET_API enum et_status
et_json_canonical(struct et_buf *buf, const struct et_value *value, struct et_err *err);

/* Writes the shortest round-trip text of a finite double; returns its length (< 32). */
ET_API size_t et_double_text(double value, char text[32]);

#endif

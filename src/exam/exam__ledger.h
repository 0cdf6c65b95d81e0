/* A ledger: a file of lines that are bound to each other, each on the disk before the next.
 *
 * A line is a JSON object, {"chain":"<64 digits>",<member>}\n: BLAKE2b of the chain before (32
 * noughts at first) and of all that stands behind its comma, without the newline. What a crash cut
 * off, a last line without an end, is left away; anything else that does not fit is told. */
#ifndef EXAM__LEDGER_H
#define EXAM__LEDGER_H

#include "etude/exam_run.h"

#define ET__LEDGER_FILE "ledger.jsonl"
#define ET__LEDGER_LINE_MAX ((size_t)256 << 10)
#define ET__LEDGER_BYTES_MAX ((size_t)1 << 30)

struct et_file;

struct et__ledger {
    struct et_file *file; // to write to
    const char *path;     // the caller's
    int64_t n_bytes, n_lines;
    struct et_digest chain;
};

/* A new file. ET_EEXISTS. */
ET_MUST_USE enum et_status et__ledger_create(struct et__ledger *ledger, const char *path,
                                             struct et_err *err);

/* Reads a file line by line: `take` gets each line's member, in order, and says what is wrong with
 * it. Afterwards the ledger stands at the end of what holds, not open for writing. ET_ECORRUPT:
 * "path:line: what". */
typedef enum et_status et__ledger_take(void *ctx, const struct et_value *line,
                                       struct et_arena *arena, struct et_err *err);
ET_MUST_USE enum et_status et__ledger_read(struct et__ledger *ledger, const char *path,
                                           et__ledger_take *take, void *ctx, struct et_err *err);

/* Opens what was read for writing; what a crash cut off is gone then. */
ET_MUST_USE enum et_status et__ledger_append(struct et__ledger *ledger, struct et_err *err);
void et__ledger_close(struct et__ledger *ledger);

/* Writes a line of one member, key and value as JSON, and syncs it. */
ET_MUST_USE enum et_status et__ledger_put(struct et__ledger *ledger, const char *key,
                                          struct et_str json, struct et_err *err);

/* A trial as a map, with or without its scene, and back. ET_ECORRUPT names what does not fit. */
void et__trial_put(struct et_json_writer *w, const struct et_exam_trial *trial, const char *skill,
                   bool with_scene);
ET_MUST_USE enum et_status et__trial_take(const struct et_value *map, const struct et_exam *exam,
                                          struct et_exam_trial *trial, struct et_err *err);

#endif

/* Finding: something an inspector saw; and the grade that findings lead to.
 *
 * Units:   times are int64_t nanoseconds on the episode's own time line; values are in the
 *          finding's unit.
 * Memory:  texts live in the arena of whoever made the finding. */
#ifndef ETUDE_FINDING_H
#define ETUDE_FINDING_H

#include "etude/json.h"

enum et_severity { ET_SEVERITY_INFO, ET_SEVERITY_WARN, ET_SEVERITY_ERROR, ET_N_SEVERITIES };

/* "info", "warn", "error"; and back (false when it is none). */
ET_API const char *et_severity_text(enum et_severity severity);
ET_API bool et_severity_parse(const char *text, enum et_severity *severity);

#define ET_FINDING_WHOLE INT64_MIN // t_first_ns of a finding that has no place in time

struct et_finding {
    const char *kind; // the inspector's name: "jump", "frozen_camera"
    enum et_severity severity;
    const char *stream; // canonical name, a feature's path, or NULL: the episode or set as a whole
    int64_t t_first_ns; // ET_FINDING_WHOLE when it has no place in time
    int64_t t_last_ns;
    double value;     // what was measured; NaN when there is no number
    double threshold; // what it was held against; NaN when there is none
    const char *unit; // of value and threshold: "rad", "s", "fraction"; "" when there is none
    const char *text; // one sentence for a person
};

/* A growing list in an arena. A zeroed struct with its arena set is empty. */
struct et_findings {
    struct et_arena *arena;
    struct et_finding *items;
    size_t n, cap;
    size_t n_dropped; // beyond ET_FINDINGS_MAX; counted, never silent
};
#define ET_FINDINGS_MAX 4096

/* Appends a copy of *finding (kind, stream and unit are kept as pointers and must outlive the list;
 * text is formatted into the arena). ET_ELIMIT, ET_ENOMEM: the arena is full. */
ET_MUST_USE ET_API enum et_status et_findings_add(struct et_findings *list,
                                                  const struct et_finding *finding,
                                                  struct et_err *err, const char *fmt, ...)
    ET_PRINTF(4, 5);

/* Counts by severity; worst is −1 when the list is empty. */
struct et_findings_count {
    size_t n[ET_N_SEVERITIES];
    int worst;
};
ET_API struct et_findings_count et_findings_count(const struct et_finding *findings, size_t n);

/* {"kind": …, "severity": …, "stream": …, "from_s": …, "to_s": …, "value": …, "threshold": …,
 * "unit": …, "text": …}; members that are not there are null. doc/json.md has the schema. */
ET_API void et_finding_json(struct et_json_writer *w, const struct et_finding *finding);

/* Reads one back; texts go to the arena. ET_ECORRUPT: a member is missing or of another type. */
ET_MUST_USE ET_API enum et_status et_finding_from_json(const struct et_value *value,
                                                       struct et_arena *arena,
                                                       struct et_finding *finding,
                                                       struct et_err *err);

/* The verdict on an episode, with the findings that decided it. */
enum et_verdict { ET_VERDICT_KEEP, ET_VERDICT_WARN, ET_VERDICT_REJECT };
ET_API const char *et_verdict_text(enum et_verdict verdict); // "keep", "warn", "reject"

struct et_grade {
    enum et_verdict verdict;
    const char *grading;      // name of the grading that was applied
    const size_t *i_findings; // indices of the findings that decided
    size_t n_findings;
    const char *reason; // one sentence: why rejected or warned; "" when kept
};

/* {"verdict": …, "grading": …, "reason": …, "findings": [indices]} */
ET_API void et_grade_json(struct et_json_writer *w, const struct et_grade *grade);

#endif

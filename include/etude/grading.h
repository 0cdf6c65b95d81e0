/* Grading: which findings reject an episode and which only warn.
 *
 * People write it (YAML, a file in share/grading); the default is share/grading/default.yaml. A
 * grading may also change the inspectors' parameters, so that one file says how a centre judges.
 * Nothing is deleted by a grade: a rejected episode is listed with its reasons. doc/grading.md is
 * the guide.
 *
 * Threads: a loaded grading is read-only and may be shared.
 * Memory:  a grading lives in the caller's arena. */
#ifndef ETUDE_GRADING_H
#define ETUDE_GRADING_H

#include "etude/inspect.h"

/* A rule: findings of `kind` ("*": any) of at least `severity`, whose value is at least `above`
 * (NaN: any), lead to `verdict`. `count` findings are needed (at least 1). */
struct et_grading_rule {
    const char *kind;
    enum et_severity severity;
    double above;
    size_t count;
    enum et_verdict verdict;
    int32_t line;
};

struct et_grading {
    const char *path;
    const char *name;
    struct et_inspect_settings settings;
    const struct et_grading_rule
        *rules; // the first that matches a finding decides for that finding
    size_t n_rules;
    uint8_t digest[32]; // BLAKE2b of the file's bytes
};

/* Loads `wanted` (a path, or a name in the gradings' folders; NULL: "default"). ET_ENOTFOUND: the
 * text lists the names there are. ET_ECORRUPT: "path:line:column: …", also for a kind or a
 * parameter that no inspector has. */
ET_MUST_USE ET_API enum et_status et_grading_load(const char *wanted, struct et_arena *arena,
                                                  const struct et_grading **grading,
                                                  struct et_err *err);

/* The grade of an episode by its findings; texts and indices go to the arena. The worst verdict of
 * all findings counts. */
ET_MUST_USE ET_API enum et_status et_grading_apply(const struct et_grading *grading,
                                                   const struct et_finding *findings,
                                                   size_t n_findings, struct et_arena *arena,
                                                   struct et_grade *grade, struct et_err *err);

#endif

/* Inspection report: one HTML file that shows what was found in a set of episodes, and why each was
 * kept or rejected: overview, a row an episode, and for each its joints, latency, findings on a
 * time line and camera thumbnails.
 *
 * Threads: belongs to one thread; episodes are added in order.
 * Memory:  grows with the episodes shown, up to the limits below; then rows only, and it says so.
 */
#ifndef ETUDE_INSPECT_REPORT_H
#define ETUDE_INSPECT_REPORT_H

#include "etude/grading.h"

#define ET_INSPECT_REPORT_BYTES_MAX (200u << 20)

struct et_inspect_report;

struct et_inspect_report_options {
    size_t n_details_max; // episodes shown in full, those with findings first; 0: 200
    bool skip_thumbnails;
};

ET_MUST_USE ET_API enum et_status
et_inspect_report_open(struct et_inspect_report **report, const char *title,
                       const struct et_inspect_report_options *options, struct et_err *err);
ET_API void et_inspect_report_close(struct et_inspect_report *report); // NULL is allowed

/* Renders one episode's part; nothing of the arguments is kept. May run on a worker thread: it
 * touches no shared state. *part is allocated in the arena. */
ET_MUST_USE ET_API enum et_status
et_inspect_report_render(const struct et_inspect_report_options *options,
                         const struct et_episode *episode, const struct et_inspection *inspection,
                         const struct et_grade *grade, struct et_arena *arena, struct et_str *part,
                         struct et_err *err);

/* Adds an episode: its row in the overview, and the part (may be empty). */
ET_MUST_USE ET_API enum et_status et_inspect_report_add(struct et_inspect_report *report,
                                                        const struct et_episode *episode,
                                                        const struct et_inspection *inspection,
                                                        const struct et_grade *grade,
                                                        struct et_str part, struct et_err *err);

/* Writes the page: what the set claims, what was found in the set as a whole, all episodes.
 * ET_EEXISTS unless `replace`. */
ET_MUST_USE ET_API enum et_status et_inspect_report_write(struct et_inspect_report *report,
                                                          const struct et_set_claims *claims,
                                                          const struct et_finding *set_findings,
                                                          size_t n_set_findings, const char *path,
                                                          bool replace, struct et_err *err);

#endif

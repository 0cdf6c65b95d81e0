/* Verify: what its parts share. Each part looks at one thing and adds findings; whatever it finds,
 * it goes on. A part fails only when memory ends or when it was cancelled. */
#ifndef DATASET_DATASET__VERIFY_H
#define DATASET_DATASET__VERIFY_H

#include "dataset/dataset__internal.h"

#include "etude/dataset_ops.h"

#define ET__SAME_MAX 20      // findings of one check and stream that are told one by one
#define ET__TOLERANCE_S 1e-4 // how far from a frame LeRobot may look for it
#define ET__SCRATCH_BYTES ((size_t)1 << 30)

struct et__tally;

/* One run of verify. */
struct et__verify {
    const struct et_dataset *ds;
    const struct et_verify_options *options;
    struct et_findings *findings;
    struct et_arena *scratch; // dies with the run
    struct et__tally *tallies;
    size_t n_tallies, cap_tallies;
    int64_t n_done, n_total; // files and episodes, for progress
    int64_t n_rows_found;    // rows of all data files that could be opened
    bool has_all_rows;       // every data file could be opened
};

/* What a finding says beside its sentence. A zeroed struct: about the set as a whole, no number. */
struct et__found {
    const char *stream;      // a feature's name; copied
    double value, threshold; // counts only when unit is not NULL
    const char *unit;
};

/* Adds a finding. Of many alike only the first are told one by one, the rest are counted. `found`
 * may be NULL. */
ET_MUST_USE enum et_status et__find(struct et__verify *v, enum et__check check,
                                    enum et_severity severity, const struct et__found *found,
                                    struct et_err *err, const char *fmt, ...) ET_PRINTF(6, 7);

/* Counts one file or episode as done. ET_ECANCELLED: the caller wants no more. */
ET_MUST_USE enum et_status et__verify_step(struct et__verify *v, int64_t n_bytes,
                                           struct et_err *err);

/* Findings of a task on a worker thread: kept apart, and added in order by et__notes_take. */
struct et__note {
    enum et__check check;
    enum et_severity severity;
    struct et__found found; // stream: not copied
    const char *text;
};
struct et__notes {
    struct et_arena *arena;
    struct et__note *items;
    size_t n, cap;
};
ET_MUST_USE enum et_status et__notes_add(struct et__notes *notes, const struct et__note *note,
                                         struct et_err *err, const char *fmt, ...) ET_PRINTF(4, 5);
ET_MUST_USE enum et_status et__notes_take(struct et__verify *v, const struct et__notes *notes,
                                          struct et_err *err);

/* The parts, in the order they run. */
ET_MUST_USE enum et_status et__verify_meta(struct et__verify *v, struct et_err *err);
ET_MUST_USE enum et_status et__verify_rows(struct et__verify *v, struct et_err *err);
ET_MUST_USE enum et_status et__verify_totals(struct et__verify *v, struct et_err *err);
ET_MUST_USE enum et_status et__verify_videos(struct et__verify *v, struct et_err *err);
ET_MUST_USE enum et_status et__verify_pictures(struct et__verify *v, struct et_err *err);
ET_MUST_USE enum et_status et__verify_stats(struct et__verify *v, struct et_err *err);

/* Episodes by the file that holds them: order[first … first + n − 1] are places of episodes. */
struct et__file_group {
    int64_t chunk, file;
    const char *path;
    size_t first, n;
};

struct et__groups {
    struct et__file_group *items;
    size_t n;
    size_t *order;
};

/* Groups of all data files that the metadata names, sorted by path; episodes of a file by their
 * first row. */
ET_MUST_USE enum et_status et__group_data(const struct et_dataset *ds, struct et_arena *arena,
                                          struct et__groups *groups, struct et_err *err);

/* The same for the files of one camera; episodes of a file by their first time. Episodes whose
 * place the metadata does not name are in no group. */
ET_MUST_USE enum et_status et__group_videos(const struct et_dataset *ds, size_t i_video,
                                            struct et_arena *arena, struct et__groups *groups,
                                            struct et_err *err);

/* The rows of one data file against the features and the episodes that it should hold. */
struct et__file_scan {
    const char *path;
    const struct et__file_group *group; // NULL: no episode uses the file
    const size_t *order;
    struct et__notes notes;
    int64_t n_rows;
    int64_t first_index; // the file's first `index`; ET__INT_NULL when there is none
    bool is_readable;
};
ET_MUST_USE enum et_status et__scan_file(const struct et_dataset *ds, struct et__file_scan *scan,
                                         struct et_err *err);

/* Columns against features: called by et__scan_file. */
ET_MUST_USE enum et_status et__scan_schema(const struct et_dataset *ds,
                                           struct et_parquet_reader *reader,
                                           struct et__file_scan *scan, struct et_err *err);

#endif

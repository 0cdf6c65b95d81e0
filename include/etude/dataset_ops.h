/* Operations on datasets: convert, merge, split, drop, build, verify, statistics.
 *
 * Two engines do all of it. Copying keeps every column to the bit and every frame as it is, and
 * only changes the layout and the numbering. Building goes through profiles to canonical streams,
 * so that different makers' robots fit into one dataset.
 *
 * Threads: calls run on the calling thread and on the pool that they are given (NULL: none).
 * Memory:  one episode a thread, plus what the writer holds. */
#ifndef ETUDE_DATASET_OPS_H
#define ETUDE_DATASET_OPS_H

#include "etude/dataset_write.h"
#include "etude/pool.h"

/* Told after every episode, on the calling thread; returning false cancels (ET_ECANCELLED, the
 * output is left unfinished but whole). */
typedef bool (*et_dataset_progress)(void *ctx, int64_t n_done, int64_t n_total, int64_t n_bytes);

/* Which episodes of which dataset go in, in this order. */
struct et_pick {
    const struct et_dataset *dataset;
    const int64_t *episodes; // places in the dataset; NULL: all
    size_t n_episodes;
};

enum et_video_mode {
    ET_VIDEO_KEEP,   // copied where possible, encoded where not; episodes must have every video
    ET_VIDEO_ENCODE, // all encoded anew
    ET_VIDEO_DROP,   // state only
    ET_VIDEO_WITH,   // as KEEP, and episodes that lack a video are left out (and listed)
};

struct et_copy_options {
    enum et_layout layout; // of the output
    enum et_video_mode videos;
    bool groot; // v2.1: write meta/modality.json (from the source, or by its profile)
    const char *modality_json; // overrides; NULL: as above
    struct et_video_options video;
    struct et_dataset_spec spec; // only file sizes, budget and sync count; zeroed: defaults
    struct et_pool *pool;
    et_dataset_progress progress;
    void *progress_ctx;
    const struct et_provenance *provenance; // action, settings and inputs; NULL: made here
};

/* What an operation did, and what it could not take over: one remark each, nothing silent. */
struct et_ops_result {
    struct et_dataset_totals totals;
    int64_t n_episodes_in;
    int64_t n_bytes_in; // read
    const struct et_remark *remarks;
    size_t n_remarks;
};

/* Copies picked episodes into one new dataset at `path`. Every pick must have the same features
 * (name, type, shape, names) and fps: ET_EARG names the first difference, and says that build
 * merges different robots by profile. What meta/etude/ says of an episode goes over with it; an
 * episode that cannot be read is left out and listed. ET_ENOTFOUND: an episode lacks a video that
 * KEEP wants. ET_EUNSUPPORTED: the rate is no whole number. Remarks live in the arena. */
ET_MUST_USE ET_API enum et_status et_dataset_copy(const struct et_pick *picks, size_t n_picks,
                                                  const char *path,
                                                  const struct et_copy_options *options,
                                                  struct et_arena *arena,
                                                  struct et_ops_result *result, struct et_err *err);

/* What became of one episode of a pick before building: plain data from inspection and grading. */
struct et_judged {
    struct et_grade grade;
    const struct et_finding *findings;
    size_t n_findings;
    struct et_str latency_json; // one JSON object, or empty
};

/* Depth of recordings, and of datasets that have it in their rows. */
enum et_depth_mode {
    ET_DEPTH_AUTO, // PNG, and with ET_VIDEO_DROP, state only, none
    ET_DEPTH_PNG,  // 16 bits of millimetres in the rows
    ET_DEPTH_DROP,
};

enum et_parts_mode {
    ET_PARTS_COMMON, // joints and cameras that every pick has
    ET_PARTS_UNION,  // all; absent ones are 0, and etude.valid.* says so
};

struct et_build_options {
    int fps; // 0: the picks' own, which must agree; else tracks are resampled to it
    enum et_video_mode videos;
    enum et_depth_mode depth;
    enum et_parts_mode parts;
    bool with_velocity, with_effort, with_other; // more than positions, where there is more
    bool is_privileged;    // with what no sensor gives: observation.environment_state
    double action_shift_s; // 0: the command in force at the row; else moved by that much
    const struct et_judged *const
        *judged; // per pick: n_episodes each, or NULL (nothing is rejected)
    struct et_video_options video;
    struct et_dataset_spec spec;
    struct et_pool *pool;
    et_dataset_progress progress;
    void *progress_ctx;
    const struct et_provenance *provenance;
};

/* Builds a canonical dataset: observation.state and action in canonical order, SI units, float32;
 * rejected episodes are listed with reasons and left out. Every dataset must have a profile
 * (et_dataset_use_profile). Where times were measured, etude.age.<stream> says how old values are;
 * where episodes have named parts, etude.segment says which one each row is in: one number a name,
 * 1 or 0, all 0 between them. */
ET_MUST_USE ET_API enum et_status
et_dataset_build(const struct et_pick *picks, size_t n_picks, const char *path,
                 const struct et_build_options *options, struct et_arena *arena,
                 struct et_ops_result *result, struct et_err *err);

/* Exact statistics of a numeric feature over all episodes that have a data file. Values that are
 * not numbers count as rows and as nothing else; without any value all but count is NaN. */
struct et_feature_stats {
    const char *feature;
    size_t n_values;
    int64_t count;
    const double *min, *max, *mean, *std; // n_values each
    const double *q01, *q10, *q50, *q90, *q99;
    const double *stored[9]; // what meta/stats.json says, same order; NULL where it says nothing
    /* What LeRobot makes of the episodes' quantiles q01 … q99 when it joins them: the least of
     * those up to q50, the largest of those above (compute_stats.py:615). Bounds, not quantiles. */
    const double *joined[5];
};
ET_MUST_USE ET_API enum et_status
et_dataset_stats(const struct et_dataset *dataset, struct et_pool *pool,
                 size_t quantile_budget_bytes, struct et_arena *arena,
                 const struct et_feature_stats **stats, size_t *n_stats, struct et_err *err);

struct et_verify_options {
    bool should_decode;      // decode every video frame, not only the index, and every picture
    bool should_check_stats; // recompute statistics and compare
    struct et_pool *pool;
    et_dataset_progress progress;
    void *progress_ctx;
};

/* Holds a dataset's metadata, rows and videos against each other, as LeRobot's loader will use
 * them. Findings are of severity error (a loader fails or gives wrong data), warn (a loader copes),
 * info. doc/verify.md lists every check. ET_OK: it could be looked at, whatever was found (a folder
 * whose info.json cannot be understood is one finding). ET_ENOTFOUND, ET_EUNSUPPORTED, ET_EIO: as
 * et_dataset_open. ET_ECANCELLED: progress wanted no more; what was found so far is in the list. */
ET_MUST_USE ET_API enum et_status et_dataset_verify(const char *path,
                                                    const struct et_verify_options *options,
                                                    struct et_findings *findings,
                                                    struct et_err *err);

#endif

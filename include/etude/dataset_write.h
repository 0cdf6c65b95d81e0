/* Writing a dataset: one episode at a time, each one whole on disk before the next begins.
 *
 * LeRobot v3.0, or v2.1 (with GR00T's modality.json where asked for). Every episode is committed:
 * its rows as one row group (several, where large pictures stand in them), its frames as finished
 * fragments, and one line of meta/etude/journal.jsonl. A kill at any moment leaves every committed
 * episode; et_dataset_repair makes the folder whole for other readers. Finishing writes the
 * metadata that LeRobot reads: info.json, tasks.parquet, episodes, and stats.json with exact
 * quantiles over all rows.
 *
 * Same inputs, same bytes: nothing depends on clocks, threads or the folder's name.
 *
 * Threads: a writer belongs to one thread.
 * Memory:  a writer holds one episode without its pictures, one row group of these, one encoder,
 * and the quantiles' budget. */
#ifndef ETUDE_DATASET_WRITE_H
#define ETUDE_DATASET_WRITE_H

#include "etude/dataset.h"
#include "etude/frames.h"
#include "etude/pictures.h"
#include "etude/video.h"

/* What the new dataset is. Arrays are copied. */
struct et_dataset_spec {
    enum et_layout layout;  // V30 or V21
    const char *robot_type; // NULL allowed
    int fps;
    const struct et_feature *features; // the five default features are added where absent
    size_t n_features;
    const char *const *tasks; // numbers that are taken from the start; may be empty
    size_t n_tasks;
    int data_file_mb;    // 0: 100
    int video_file_mb;   // 0: 200
    double video_file_s; // longest video file; 0: 900 (float32 times stay exact to 1e-4 s)
    int chunk_files;     // files a chunk (v3.0), episodes a chunk (v2.1); 0: 1000
    struct et_video_options video; // for frames that must be encoded; size comes from the frames
    size_t quantile_budget_bytes;  // 0: 64 MiB
    size_t row_group_bytes;        // of rows with large pictures, about; 0: 32 MiB
    bool should_sync;              // survive a power cut, not only a kill
    const char *modality_json;     // v2.1: content of meta/modality.json; NULL: none
};

/* Frames of one camera for one episode. */
struct et_new_video {
    size_t i_feature; // in the spec's features
    const char *path; // source MP4; NULL: black pictures of the feature's shape
    int64_t first_frame;
    int64_t n_frames;            // must equal the episode's rows, unless frame_of_row is given
    const int64_t *frame_of_row; // NULL: frame k for row k (copied where possible); else encoded
    const struct et_frames_range *recorded; // pictures of a recording instead of path's frames:
                                            // frame k is the k-th of the range; frame_of_row is
                                            // given; NULL: path is an MP4
    bool must_encode;                       // never copy
    const struct et_value *stats; // image statistics that are known already; NULL: sampled here
};

/* Pictures of one image feature for one episode, written into the rows as files of their own. They
 * are taken one at a time: an episode's depth does not fit into memory. */
struct et_new_pictures {
    size_t i_feature;                       // in the spec's features
    const struct et_frames_range *recorded; // depth of a recording: PNG of 16 bits, millimetres
    const struct et_pictures_range *stored; // of another dataset: they go over as they are
                                            // both NULL: all pixels 0, nothing was measured
    const int64_t *frame_of_row;            // NULL: picture k for row k
};

/* An episode to add. Columns are matched to features by name; the default features are made here
 * (timestamp from the row number, unless `columns` has one). */
struct et_new_episode {
    int64_t n_rows;
    const struct et_column *columns;
    size_t n_columns;
    const char *const *tasks; // its instructions; at least one
    size_t n_tasks;
    const int64_t *task_of_row;        // index into tasks for every row; NULL: the first
    const struct et_new_video *videos; // one for every video feature
    size_t n_videos;
    const struct et_new_pictures *pictures; // of image features that are not in `columns`
    size_t n_pictures;
    const char *source_id;             // "<set>/<index>" it was made from; NULL unknown
    const struct et_finding *findings; // go to meta/etude/
    size_t n_findings;
    const struct et_grade *grade; // NULL: not graded
    struct et_str latency_json;   // one JSON object for meta/etude/; empty: none
};

/* An episode that was left out, for meta/etude/rejected.jsonl. */
struct et_rejected_episode {
    const char *source_id;
    const struct et_grade *grade;
    const struct et_finding *findings;
    size_t n_findings;
};

struct et_dataset_writer;

/* Makes the folder. ET_EEXISTS: the path is taken by anything but an empty folder. ET_EARG: the
 * spec contradicts itself (text says how). */
ET_MUST_USE ET_API enum et_status et_dataset_create(struct et_dataset_writer **writer,
                                                    const char *path,
                                                    const struct et_dataset_spec *spec,
                                                    struct et_err *err);

/* Adds and commits. ET_EARG: columns or videos do not fit the spec; nothing was written, go on.
 * ET_ENOTFOUND, ET_ECORRUPT, ET_EUNSUPPORTED: a source video cannot be read; nothing was committed,
 * go on.
 * ET_EIO: the disk failed; what was committed before is whole; only close may be called. */
ET_MUST_USE ET_API enum et_status et_dataset_add(struct et_dataset_writer *writer,
                                                 const struct et_new_episode *episode,
                                                 struct et_err *err);
ET_MUST_USE ET_API enum et_status et_dataset_reject(struct et_dataset_writer *writer,
                                                    const struct et_rejected_episode *episode,
                                                    struct et_err *err);

struct et_dataset_totals {
    int64_t n_episodes, n_rows, n_tasks, n_rejected;
    int64_t n_data_bytes, n_video_bytes;
    int64_t n_frames_copied, n_frames_encoded;
    int64_t n_pictures;      // in the rows, of those that were taken one at a time
    int64_t n_pixels_beyond; // of recorded depth: beyond 65.535 m, which 16 bits of mm cannot say
};
/* What was committed so far. */
ET_API struct et_dataset_totals et_dataset_writer_totals(const struct et_dataset_writer *writer);

/* Finishes all files and writes the metadata; provenance may be NULL. The writer is gone whatever
 * the result; on failure the folder is as a kill would leave it (et_dataset_repair finishes it). */
ET_MUST_USE ET_API enum et_status et_dataset_finish(struct et_dataset_writer *writer,
                                                    const struct et_provenance *provenance,
                                                    struct et_dataset_totals *totals,
                                                    struct et_err *err);

/* Closes and leaves the folder as a kill would. NULL is allowed. */
ET_API void et_dataset_writer_close(struct et_dataset_writer *writer);

/* Finishes a folder whose writer was killed: cuts files back to the last committed episode and
 * writes the metadata. A finished folder stays as it is. *n_episodes (may be NULL): kept.
 * ET_ENOTFOUND: not a dataset of ours and not finished either. ET_ECORRUPT: the journal is damaged
 * before its end; nothing was changed. */
ET_MUST_USE ET_API enum et_status et_dataset_repair(const char *path, int64_t *n_episodes,
                                                    struct et_err *err);

#endif

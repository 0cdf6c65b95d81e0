/* The inside of a dataset writer, and what writing, repairing, copying and building share.
 *
 * The journal is the only memory of a dataset in the making: creating writes its first line, adding
 * appends to it, and finishing makes all metadata from it alone. Repairing is finishing without the
 * adding, so a repaired dataset is, to the byte, what a finish after its last episode would have
 * written. */
#ifndef DATASET_DATASET__WRITE_H
#define DATASET_DATASET__WRITE_H

#include "dataset/dataset__internal.h"
#include "dataset/dataset__journal.h"

#include "etude/dataset_ops.h"
#include "etude/stats.h"

#define ET__WRITER_ARENA_BYTES ((size_t)1 << 30)
#define ET__JSON_BYTES_MAX ((size_t)256 << 20)
#define ET__N_DEFAULTS 5

/* ---- the spec (write_spec.c) ---- */

/* Columns that LeRobot wants in every dataset, made from the numbering. */
enum et__default {
    ET__DEFAULT_NONE,
    ET__DEFAULT_TIMESTAMP,
    ET__DEFAULT_FRAME,
    ET__DEFAULT_EPISODE,
    ET__DEFAULT_INDEX,
    ET__DEFAULT_TASK,
};

/* A feature as the writer sees it. */
struct et__field {
    const char *name;
    enum et_dtype dtype;
    enum et__default made; // a column that is made here
    const struct et_value *json;
    int64_t shape[ET__SHAPE_MAX];
    size_t n_dims;
    size_t n_values; // numbers in a row; 0 for what is not numbers
    size_t
        n_stats; // numbers that have statistics: the last dimension, as LeRobot counts; or channels
    bool is_video, is_image, is_depth;
};

struct et__spec {
    enum et_layout layout;
    int fps;
    const char *robot_type;
    int data_file_mb, video_file_mb, chunk_files;
    double video_file_s;
    size_t quantile_budget_bytes;
    size_t row_group_bytes;
    bool should_sync;
    struct et_video_options video;
    const struct et__field *fields;
    size_t n_fields;
    const char *const *tasks;
    size_t n_tasks;
    const char *modality; // text of modality.json; NULL: none
};

/* Writes the journal's first line (without its seal), all defaults filled in. ET_EARG: the spec
 * contradicts itself. */
ET_MUST_USE enum et_status et__spec_put(struct et_buf *line, const struct et_dataset_spec *spec,
                                        struct et_err *err);

/* Reads it back. ET_ECORRUPT: not what et__spec_put writes. */
ET_MUST_USE enum et_status et__spec_read(const struct et_value *line, struct et_arena *arena,
                                         const struct et__spec **spec, struct et_err *err);

/* Height and width of a picture field: by its axes' names, else as height × width × channels. */
void et__field_size(const struct et__field *field, int *width_px, int *height_px);

/* Number of a field; −1 when there is none. */
int et__spec_find(const struct et__spec *spec, const char *name);

/* ---- the journal's writing side (journal_write.c) ---- */

/* Writes the journal's first line, whole or not at all, and opens it for appending. */
ET_MUST_USE enum et_status et__journal_create(struct et_file **file, int64_t *end, const char *root,
                                              struct et_str spec, struct et_err *err);

/* Appends a line; *end moves behind it. ET_EIO: the line may be cut, what stood before it is whole.
 */
ET_MUST_USE enum et_status et__journal_append(struct et_file *file, int64_t *end,
                                              struct et_str object, bool should_sync,
                                              struct et_err *err);

/* ---- statistics (write_stats.c, image_stats.c) ---- */

#define ET__N_QUANTILES 5
extern const double ET__LEVELS[ET__N_QUANTILES];
extern const char *const ET__LEVEL_NAMES[ET__N_QUANTILES]; // "q01" …

/* Statistics of one field over one episode, or over all. Only finite numbers count; where there is
 * none everything is 0. */
struct et__stats {
    size_t n; // values each; 0: no statistics
    double *min, *max, *mean, *std;
    double *quantiles; // ET__N_QUANTILES × n; NULL: not known
    int64_t count;     // rows, or pictures that were sampled
};

/* Every n_stats-th number of a column, from i_stat on: n_each of them. */
struct et__stride {
    size_t i_stat, n_stats, n_each;
};

/* Copies those that are finite; how many. `to` has room for one more than n_each. */
size_t et__run_floats(const float *values, struct et__stride run, float *to);
size_t et__run_doubles(enum et_parquet_type type, const void *values, struct et__stride run,
                       double *to);

/* The numbers of a column, value by value: n_stats runs with room for n_each, of which n_numbers
 * are finite and there. FLOAT columns stay floats, all others become doubles. */
struct et__series {
    size_t n_stats;
    size_t n_each;
    size_t *n_numbers;
    float *floats; // one of the two
    double *doubles;
};
ET_MUST_USE enum et_status et__series_make(const struct et__field *field, enum et_parquet_type type,
                                           const void *values, int64_t n_rows,
                                           struct et_arena *arena, struct et__series *series,
                                           struct et_err *err);

/* Statistics of a series; its runs are sorted. */
ET_MUST_USE enum et_status et__series_stats(struct et__series *series, int64_t n_rows,
                                            struct et_arena *arena, struct et__stats *stats,
                                            struct et_err *err);

/* Statistics that a source's metadata has, {"min": …, "max": …, "mean": …, "std": …, "count": …}
 * with or without quantiles. False when they are not whole. */
bool et__stats_from_value(const struct et_value *value, size_t n, struct et_arena *arena,
                          struct et__stats *stats);

/* Puts them as LeRobot shapes them: lists of n, or [[[r]], [[g]], [[b]]] for pictures. */
void et__stats_put(struct et_json_writer *w, const struct et__field *field,
                   const struct et__stats *stats, bool with_quantiles);

/* The journal's form of them: appends a record of a field to bytes, each number as it lies in
 * memory (little-endian): uint32 i_field; uint32 0, or 1 with quantiles; int64 count; n doubles
 * each of min, max, mean, std, and where they are known the quantiles. */
void et__stats_pack(struct et_buf *bytes, size_t i_field, const struct et__stats *stats);

/* All records of an episode, to one stats a field; n 0 for a field that has none. ET_ECORRUPT: not
 * what was packed for these fields. */
ET_MUST_USE enum et_status et__stats_unpack(struct et_str base64, const struct et__spec *spec,
                                            struct et_arena *arena, struct et__stats **stats,
                                            struct et_err *err);

/* Samples n_rows pictures as LeRobot does: how many, and which row the k-th is. */
int64_t et__n_samples(int64_t n_rows);
int64_t et__sample_row(int64_t n_rows, int64_t n_samples, int64_t k);

/* Every how-manieth pixel counts. */
int et__sample_stride(int width_px, int height_px);

/* Makes `want` the frame that the reader gave last; *at is the one it gave before, −1: none. */
ET_MUST_USE enum et_status et__video_go_to(struct et_video_reader *reader, int64_t want,
                                           int64_t *at, struct et_err *err);

/* Statistics of a video's frames for an episode. As et_video_open, et_video_seek, et_video_next. */
ET_MUST_USE enum et_status et__video_stats(const struct et_new_video *video, int64_t n_rows,
                                           struct et_arena *arena, struct et__stats *stats,
                                           struct et_err *err);

/* Statistics of black pictures. */
ET_MUST_USE enum et_status et__black_stats(size_t n_channels, int64_t n_rows,
                                           struct et_arena *arena, struct et__stats *stats,
                                           struct et_err *err);

/* Statistics of pictures that stand in a column as {bytes, path}; n 0 when they cannot be read. */
ET_MUST_USE enum et_status et__image_stats(const struct et__field *field,
                                           const struct et_column *column, int64_t n_rows,
                                           struct et_arena *arena, struct et__stats *stats,
                                           struct et_err *err);

/* The same of pictures that are read one at a time from another dataset. */
ET_MUST_USE enum et_status et__stored_stats(const struct et__field *field,
                                            const struct et_new_pictures *pictures, int64_t n_rows,
                                            struct et_arena *arena, struct et__stats *stats,
                                            struct et_err *err);

/* How often each level was seen, by channel. Statistics of 8 bits are of 255, of 16 bits as they
 * are: depth in millimetres. */
struct et__levels {
    size_t n_channels, n_levels;
    int n_bits;
    int64_t *n; // n_channels × n_levels
};
ET_MUST_USE enum et_status et__levels_make(struct et__levels *levels, size_t n_channels, int n_bits,
                                           struct et_arena *arena, struct et_err *err);

/* False: a picture of other bits or channels. */
bool et__levels_add(struct et__levels *levels, const struct et_image *image);
ET_MUST_USE enum et_status et__levels_stats(const struct et__levels *levels, int64_t count,
                                            struct et_arena *arena, struct et__stats *stats,
                                            struct et_err *err);

/* ---- exact quantiles over all episodes (write_quantiles.c) ---- */

struct et__quantiles;

/* For all fields of numbers. More numbers than the memory allows at once are taken in parts: adding
 * gathers the first part, finishing reads the others from the files. */
ET_MUST_USE enum et_status et__quantiles_open(struct et__quantiles **q, const struct et__spec *spec,
                                              struct et_err *err);
void et__quantiles_close(struct et__quantiles *q); // NULL is allowed
ET_MUST_USE enum et_status et__quantiles_add(struct et__quantiles *q, size_t i_field,
                                             const struct et__series *series, struct et_err *err);

/* Makes the quantiles ready, reading the written files as often as it takes. `has_pass`: all values
 * were added once. */
ET_MUST_USE enum et_status et__quantiles_finish(struct et__quantiles *q, const char *root,
                                                bool has_pass, struct et_err *err);

/* n_stats quantiles of a level of a field, after finishing; NULL for a field without numbers. */
const double *et__quantiles_get(const struct et__quantiles *q, size_t i_field, size_t i_level);

/* ---- rows (write_rows.c) ---- */

/* How a field's column lies in the file. */
struct et__shape {
    size_t i_field;
    size_t first_leaf, n_leaves;
    enum et_parquet_type type; // of rectangular ones
    int depth;                 // of rectangular ones: 0 scalar, 1 list …
    bool is_rectangular;
    const struct et_parquet_node *nodes; // of others
    size_t n_nodes;
};

/* The table: made from the first episode, the same for all. */
struct et__table {
    struct et_parquet_node *nodes;
    size_t n_nodes;
    size_t n_leaves;
    struct et__shape *shapes; // one a field that has a column
    size_t n_shapes;
};

/* What is ready before an episode's turn comes: made on any thread. */
struct et__prepared {
    const struct et_value *line; // what meta/etude/ has said of it before; NULL: nothing
    struct et__series *series;   // one a field
    struct et__stats *stats;     // one a field; n 0 for those that are made from the numbering
};

ET_MUST_USE enum et_status et__table_make(const struct et__spec *spec,
                                          const struct et_new_episode *episode,
                                          struct et_arena *arena, const struct et__table **table,
                                          struct et_err *err);

/* ET_OK when the episode's columns are what the table holds; ET_EARG says which is not. */
ET_MUST_USE enum et_status et__table_check(const struct et__table *table,
                                           const struct et__spec *spec,
                                           const struct et_new_episode *episode,
                                           struct et_err *err);

/* Pictures of one field that were gathered for a row group: what is there stands densely. */
struct et__picture_cells {
    size_t i_field;
    struct et_str *bytes, *paths;
    uint8_t *bytes_def, *path_def; // one a row
    int64_t n_bytes, n_paths;
};

/* An episode's cells: its columns, and those that are made here, n_rows each (by enum et__default;
 * NULL: the episode's own). A row group is rows first … first + n_rows − 1 of them. */
struct et__content {
    const struct et_new_episode *episode;
    const void *made[ET__N_DEFAULTS + 1];
    struct et_arena *arena;
    int64_t first, n_rows;
    const struct et__picture_cells *pictures; // of these rows
    size_t n_pictures;
};

/* One column of them. */
struct et__cells {
    int64_t n_rows;
    const void *values;
    struct et_arena *arena;
};

const struct et_column *et__episode_column(const struct et_new_episode *episode, const char *name);

/* Pictures that are taken one at a time, of a field; NULL: it has none. */
const struct et_new_pictures *et__episode_pictures(const struct et_new_episode *episode,
                                                   size_t i_field);

/* Writes a row group (without the commit). */
ET_MUST_USE enum et_status et__rows_write(struct et_parquet_writer *file,
                                          const struct et__table *table,
                                          const struct et__spec *spec,
                                          const struct et__content *content, struct et_err *err);

/* Writes and commits all of the episode's row groups: one, or with pictures that are taken one at a
 * time as many as keep each of them small. Where those pictures are of a recording it makes their
 * statistics, into stats (one a field). */
struct et__rows_written {
    int64_t n_groups, n_pictures, n_beyond;
};
ET_MUST_USE enum et_status et__rows_add(struct et_parquet_writer *file,
                                        const struct et__table *table, const struct et__spec *spec,
                                        struct et__content *content, struct et__stats *stats,
                                        struct et__rows_written *written, struct et_err *err);

/* The metadata key "huggingface": what the datasets library calls these features. */
void et__huggingface_put(struct et_json_writer *w, const struct et__spec *spec);

/* ---- cameras (write_video.c) ---- */

/* One camera's files: the one that grows, and where it is. */
struct et__camera {
    size_t i_field;
    struct et_video_writer *writer; // NULL: the next episode begins a file
    char path[ET_PATH_BYTES_MAX];   // of the file that grows, or grew last
    int64_t chunk, file;
    int64_t n_frames; // committed in this file
    int64_t n_bytes;
    int width_px, height_px; // of a file that takes encoded frames
    bool is_encoding;        // it takes encoded frames, else copies
    bool is_touched;         // by an episode that is not committed
};

/* What became of an episode's frames. */
struct et__placed {
    int64_t chunk, file;
    int64_t first_frame; // in the file
    int64_t n_frames;    // in the file, with this episode
    int64_t n_bytes;
    bool is_encoded;
};

/* Adds an episode's frames and commits them to their file. Whatever the result, either
 * et__camera_keep or et__camera_undo follows. */
ET_MUST_USE enum et_status et__camera_add(struct et_dataset_writer *w, struct et__camera *camera,
                                          const struct et_new_video *video, int64_t n_rows,
                                          struct et__placed *placed, struct et_err *err);
void et__camera_keep(struct et__camera *camera, const struct et__placed *placed);

/* Takes back what an episode that failed has added. */
ET_MUST_USE enum et_status et__camera_undo(struct et_dataset_writer *w, struct et__camera *camera,
                                           struct et_err *err);
ET_MUST_USE enum et_status et__camera_finish(struct et__camera *camera, struct et_err *err);

/* ---- the writer (write.c) ---- */

/* Texts and their numbers. */
struct et__tasks {
    const char **texts;
    size_t n, cap;
    size_t *slots; // open addressing, number + 1; 0 is empty
    size_t n_slots;
};

struct et_dataset_writer {
    struct et_arena *arena;
    const char *root;
    const struct et__spec *spec;
    struct et_file *journal;
    int64_t journal_end;
    struct et__tasks tasks;

    const struct et__table *table; // NULL before the first episode
    struct et_parquet_writer *data;
    char data_path[ET_PATH_BYTES_MAX]; // of the file that grows
    int64_t data_chunk, data_file;
    int64_t file_rows, file_groups; // committed in it

    struct et__camera *cameras; // one a video field, in the fields' order
    size_t n_cameras;
    struct et__quantiles *quantiles;

    struct et_buf line, stats;
    struct et_dataset_totals totals;
    bool is_broken; // the disk failed: only closing is allowed
};

/* root/template with its fields, its folder made. */
ET_MUST_USE enum et_status et__writer_path(struct et_dataset_writer *w, const char *template,
                                           const struct et__path_fields *fields,
                                           char path[ET_PATH_BYTES_MAX], struct et_err *err);

/* ET_EEXISTS: something stands at the path that is no empty folder. */
ET_MUST_USE enum et_status et__check_free(const char *path, struct et_arena *arena,
                                          struct et_err *err);

/* Removes a data file and its journal, whatever of them is there. */
ET_MUST_USE enum et_status et__data_remove(const char *path, struct et_err *err);

/* The number of a task; −1 when it is unknown. */
int64_t et__tasks_find(const struct et__tasks *tasks, const char *text);
ET_MUST_USE enum et_status et__tasks_add(struct et__tasks *tasks, const char *text,
                                         struct et_arena *arena, int64_t *number,
                                         struct et_err *err);

/* Checks an episode against the spec and makes what does not depend on its number. Any thread. */
ET_MUST_USE enum et_status et__prepare(const struct et__spec *spec,
                                       const struct et_new_episode *episode, struct et_arena *arena,
                                       struct et__prepared *prepared, struct et_err *err);
ET_MUST_USE enum et_status et__add_prepared(struct et_dataset_writer *w,
                                            const struct et_new_episode *episode,
                                            struct et__prepared *prepared, struct et_arena *arena,
                                            struct et_err *err);
const struct et__spec *et__writer_spec(const struct et_dataset_writer *w);
ET_MUST_USE enum et_status et__tasks_from_spec(struct et__tasks *tasks, const struct et__spec *spec,
                                               struct et_arena *arena, struct et_err *err);

/* ET_EIO when the disk has failed before. */
ET_MUST_USE enum et_status et__writer_check(const struct et_dataset_writer *w, struct et_err *err);

/* What the journal keeps of an episode for meta/etude/, kept or rejected. */
struct et__verdict {
    const char *source_id;
    const struct et_grade *grade;
    const struct et_finding *findings;
    size_t n_findings;
    struct et_str latency_json;
};

/* Members "source_id", "grade", "findings" and, where it is known, "latency". */
void et__verdict_put(struct et_json_writer *w, const struct et__verdict *verdict);

/* Chunk and file after these; LeRobot's rule. */
void et__next_file(int64_t *chunk, int64_t *file, int64_t chunk_files);

/* ---- metadata from the journal (write_meta.c, write_v30.c, write_v21.c, write_etude.c) ---- */

/* What all episodes come to. */
struct et__summary {
    int64_t n_episodes, n_rows, n_rejected;
    struct et__tasks tasks;
    struct et__field_summary {
        struct et__stats stats;                 // over everything; n 0: there are none
        struct et_moments *moments;             // one a number
        int64_t n_with_stats, n_with_quantiles; // episodes
        bool has_copied, has_encoded;           // frames
        int64_t first_chunk, first_file;        // of a video; −1: no episode
    } * fields;                                 // one a field
};

/* Reads the journal of root from its beginning; `each` is called for every line in order, with an
 * arena that is emptied after it. */
typedef enum et_status (*et__each_line)(void *ctx, const struct et__journal_line *line,
                                        struct et_arena *arena, struct et_err *err);
ET_MUST_USE enum et_status et__journal_each(const char *root, et__each_line each, void *ctx,
                                            struct et_err *err);

/* Writes all metadata, info.json last, and removes the journal. The files that it speaks of are
 * finished. `ready` may be NULL: quantiles are then made from the files. */
ET_MUST_USE enum et_status et__metadata_write(const char *root, const struct et__spec *spec,
                                              struct et__quantiles *ready, struct et_err *err);

/* A metadata file of v3.0 each. */
ET_MUST_USE enum et_status
et__tasks_parquet_write(const char *root, const struct et__summary *summary, struct et_err *err);
ET_MUST_USE enum et_status et__episodes_parquet_write(const char *root, const struct et__spec *spec,
                                                      const struct et__summary *summary,
                                                      struct et_err *err);

/* episodes.jsonl, episodes_stats.jsonl, tasks.jsonl and modality.json of v2.1. */
ET_MUST_USE enum et_status et__v21_write(const char *root, const struct et__spec *spec,
                                         const struct et__summary *summary, struct et_err *err);
ET_MUST_USE enum et_status et__stats_json_write(const char *root, const struct et__spec *spec,
                                                const struct et__summary *summary,
                                                struct et_err *err);
ET_MUST_USE enum et_status et__info_write(const char *root, const struct et__spec *spec,
                                          const struct et__summary *summary, struct et_err *err);

/* meta/etude/provenance.json. */
ET_MUST_USE enum et_status
et__provenance_write(const char *root, const struct et_provenance *provenance, struct et_err *err);

/* root/name, with its folders made. */
ET_MUST_USE enum et_status et__meta_path(const char *root, const char *name,
                                         char path[ET_PATH_BYTES_MAX], struct et_err *err);

/* A JSON document to root/name, by replacement. */
ET_MUST_USE enum et_status et__meta_replace(const char *root, const char *name, struct et_buf *buf,
                                            struct et_err *err);

/* A file that is written beside its place and moved there when it is whole. */
struct et__part {
    char path[ET_PATH_BYTES_MAX], part[ET_PATH_BYTES_MAX];
};

/* Makes the folders and removes what an earlier try has left. */
ET_MUST_USE enum et_status et__part_begin(struct et__part *part, const char *root, const char *name,
                                          struct et_err *err);
ET_MUST_USE enum et_status et__part_end(const struct et__part *part, struct et_err *err);

/* A file of lines that is written in pieces and appears at root/name when it is whole. Put lines
 * into `buf` and call et__stream_flush now and then. */
struct et__stream {
    struct et__part part;
    struct et_file *file;
    int64_t at;
    struct et_buf buf;
};
ET_MUST_USE enum et_status et__stream_open(struct et__stream *stream, const char *root,
                                           const char *name, struct et_err *err);
ET_MUST_USE enum et_status et__stream_flush(struct et__stream *stream, struct et_err *err);

/* Ends a line and, where enough has gathered, writes it out. */
ET_MUST_USE enum et_status et__stream_line(struct et__stream *stream, struct et_err *err);

/* st is the status so far: the file appears when it and everything here is ET_OK. */
ET_MUST_USE enum et_status et__stream_close(struct et__stream *stream, enum et_status st,
                                            struct et_err *err);

/* meta/etude/episodes.jsonl and rejected.jsonl, line by line. */
struct et__etude {
    struct et__stream episodes, rejected;
};
ET_MUST_USE enum et_status et__etude_open(struct et__etude *lists, const char *root,
                                          struct et_err *err);
ET_MUST_USE enum et_status et__etude_put(struct et__etude *lists,
                                         const struct et__journal_line *line, struct et_err *err);

/* As et__stream_close, of both. */
ET_MUST_USE enum et_status et__etude_close(struct et__etude *lists, enum et_status st,
                                           struct et_err *err);

#endif

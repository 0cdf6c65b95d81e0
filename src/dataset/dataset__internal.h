/* The inside of an opened dataset: metadata in one arena, and what several files here share. */
#ifndef DATASET_DATASET__INTERNAL_H
#define DATASET_DATASET__INTERNAL_H

#include "dataset/dataset__checks.h"

#include "etude/dataset.h"
#include "etude/file.h"
#include "etude/video.h"

#define ET__META_ARENA_BYTES_MAX ((size_t)1 << 30)
#define ET__META_FILE_BYTES_MAX ((size_t)64 << 20) // info.json, stats.json, modality.json
#define ET__META_LINE_BYTES_MAX ((size_t)16 << 20) // a line of a .jsonl file
#define ET__REMARKS_MAX 1000
#define ET__EPISODES_MAX 10000000
#define ET__TASKS_MAX 1000000
#define ET__SHAPE_MAX 8                   // dimensions of a feature
#define ET__VALUES_MAX ((int64_t)1 << 24) // numbers in a row of one feature

#define ET__INFO_PATH "meta/info.json"

/* What opening found wrong, each with the check that verify reports it under. A zeroed list with
 * its arena set is empty. Beyond ET__REMARKS_MAX, or with the arena full, remarks are only counted.
 */
struct et__remarks {
    struct et_arena *arena;
    struct et_remark *items;
    enum et__check *checks;
    size_t n, cap;
    size_t n_dropped;
};

/* Appends a remark. `where` is kept as a pointer: a literal, or from the list's arena. */
void et__remark(struct et__remarks *list, enum et__check check, enum et_severity severity,
                const char *where, const char *fmt, ...) ET_PRINTF(5, 6);

/* One episode as the metadata has it. */
struct et__episode {
    int64_t index;
    int64_t n_rows;
    int64_t data_chunk, data_file; // v2: index / chunks_size and index
    int64_t first_row;             // in the data file
    int64_t from_index, to_index;  // global rows; v2: counted here
    const char *const *tasks;
    size_t n_tasks;
    int64_t stats_at; // where the line with its stats begins in its file; −1: it has none
    size_t stats_bytes;
};

/* Where the metadata says an episode's frames of one video feature are. */
struct et__video_slot {
    int64_t chunk, file; // −1 when it does not say
    double from_s, to_s; // to_s NaN: to the end of the file (v2)
};

struct et__cache;

struct et_dataset {
    struct et_dataset_info info;
    struct et_arena *arena; // all metadata
    struct et__remarks remarks;

    const char *data_template, *video_template;
    int64_t chunks_size;

    struct et_feature *features; // info.features, while it is being filled
    size_t *i_videos;            // which features are videos
    size_t n_videos;

    struct et__episode *episodes; // info.n_episodes
    struct et__video_slot *slots; // n_episodes × n_videos
    const char *stats_path;       // the file of lines that holds per-episode stats; NULL: none

    const struct et_episode_place *places; // EPISODES: one an episode

    struct et_binding binding;
    bool is_bound;

    struct et__cache *cache;
};

/* ---- small tools ---- */

/* The array, with room for one more element after its n: itself, or a larger copy in the arena.
 * NULL when the arena is full. */
void *et__grow(struct et_arena *arena, void *items, size_t n, size_t *cap, size_t size);

/* A NUL-terminated copy in the arena; NULL when it is full. */
char *et__copy_text(struct et_arena *arena, struct et_str text);

/* ET_OK, ET_EIO; *is_file false when there is no regular file at path. */
ET_MUST_USE enum et_status et__is_file(const char *path, bool *is_file, struct et_err *err);

/* Files below a folder, at most `depth` folders down, as paths that begin with the folder's, sorted
 * by bytes. A folder that does not exist has none. `suffix` NULL: all files. */
ET_MUST_USE enum et_status et__files_below(const char *folder, int depth, const char *suffix,
                                           struct et_arena *arena, const char *const **paths,
                                           size_t *n_paths, struct et_err *err);

/* ---- paths (paths.c) ---- */

/* What a template's fields stand for. */
struct et__path_fields {
    int64_t chunk, file, episode;
    const char *video_key;
};

const char *et__data_template(enum et_layout layout);
const char *et__video_template(enum et_layout layout);

/* NULL when the template can be used; else why not. A template that leads out of the folder, or
 * that holds a field we do not know, cannot. */
const char *et__template_trouble(struct et_str template);

/* root/template with its fields filled in, in the arena; NULL when the arena is full. */
const char *et__path_expand(struct et_arena *arena, const char *root, const char *template,
                            const struct et__path_fields *fields);

/* True for a relative path without "..": it stays inside the folder it is joined to. */
bool et__path_is_inside(struct et_str path);

/* The part of a path that is below the dataset's folder, for messages. */
const char *et__below(const struct et_dataset *ds, const char *path);

const char *et__data_path(const struct et_dataset *ds, const struct et__episode *episode,
                          struct et_arena *arena);

/* The file of an episode's video feature; *path NULL when the metadata names none. False when the
 * arena is full. */
bool et__video_path(const struct et_dataset *ds, size_t i_episode, size_t i_video,
                    struct et_arena *arena, const char **path);

/* ---- lines of a .jsonl file (lines.c) ---- */

struct et__lines {
    struct et_file *file;
    struct et_buf buf;
    size_t first;    // where the next line begins in buf
    int64_t at;      // offset of buf's first byte in the file
    int64_t line;    // number of the line given last, from 1
    size_t line_max; // bytes
    bool is_end;     // buf holds the file's last byte
};

/* One line, without its line feed; text is valid until the next call. */
struct et__line {
    struct et_str text;
    int64_t at;    // offset of its first byte
    int64_t end;   // offset behind it and its line feed
    bool is_whole; // it ends with a line feed
};

ET_MUST_USE enum et_status et__lines_open(struct et__lines *lines, const char *path,
                                          size_t line_bytes_max, struct et_err *err);
void et__lines_close(struct et__lines *lines);

/* ET_END: no more. ET_ELIMIT: a line is too long; err->at is its number. */
ET_MUST_USE enum et_status et__lines_next(struct et__lines *lines, struct et__line *line,
                                          struct et_err *err);

/* ---- columns of a Parquet file (columns.c) ---- */

#define ET__INT_NULL INT64_MIN

/* Rows first … first + n − 1 of a scalar column, whatever its number type; a null becomes
 * ET__INT_NULL or NaN. A list column of one value a row counts as scalar. ET_ENOTFOUND: no such
 * column; ET_EUNSUPPORTED: it is no column of numbers, or has lists of other lengths. */
ET_MUST_USE enum et_status et__read_ints(struct et_parquet_reader *reader, const char *column,
                                         int64_t first, int64_t n, int64_t *to, struct et_err *err);
ET_MUST_USE enum et_status et__read_reals(struct et_parquet_reader *reader, const char *column,
                                          int64_t first, int64_t n, double *to, struct et_err *err);

/* Rows of a column of texts or of lists of texts: texts[k] with n_texts[k] of them for row k. */
struct et__text_rows {
    const char *const **texts;
    size_t *n_texts;
};
ET_MUST_USE enum et_status et__read_texts(struct et_parquet_reader *reader, const char *column,
                                          int64_t first, int64_t n, struct et_arena *arena,
                                          struct et__text_rows *rows, struct et_err *err);

/* Rows of a column of lists of numbers, however deep: row k is values[starts[k]] … starts[k + 1]
 * − 1. */
struct et__list_rows {
    const double *values;
    const size_t *starts;
};
ET_MUST_USE enum et_status et__read_lists(struct et_parquet_reader *reader, const char *column,
                                          int64_t first, int64_t n, struct et_arena *arena,
                                          struct et__list_rows *rows, struct et_err *err);

/* The numbers of row k; NULL when there are none. */
const double *et__list_row(const struct et__list_rows *rows, int64_t k, size_t *n);

/* Value i of a typed array of numbers. */
double et__number_at(enum et_parquet_type type, const void *values, size_t i);

/* True for the types that et__number_at reads. */
bool et__is_number(enum et_parquet_type type);

/* ---- folders of episodes (folders.c) ---- */

ET_MUST_USE enum et_status et__folder_meta(const struct et_dataset *ds, size_t i,
                                           struct et_arena *arena, struct et_episode_meta *meta,
                                           struct et_err *err);
ET_MUST_USE enum et_status et__folder_episode(const struct et_dataset *ds, size_t i,
                                              struct et_arena *arena, struct et_episode *episode,
                                              struct et_err *err);
ET_MUST_USE enum et_status et__folders_check_profile(const struct et_dataset *ds,
                                                     const char *wanted, struct et_err *err);
ET_MUST_USE enum et_status et__folders_bytes(const struct et_dataset *ds, int64_t *n_bytes,
                                             struct et_err *err);

/* Adds the size of a file (open.c). */
ET_MUST_USE enum et_status et__add_file_bytes(const char *path, int64_t *n_bytes,
                                              struct et_err *err);

/* ---- metadata (info.c, features.c, meta_v2.c, meta_v3.c, journal_read.c, modality.c) ---- */

/* Reads meta/info.json: layout, fps, features, templates, claims. */
ET_MUST_USE enum et_status et__info_read(struct et_dataset *ds, struct et_err *err);

/* Fills ds->features from the map of features. */
ET_MUST_USE enum et_status et__features_read(struct et_dataset *ds, const struct et_value *map,
                                             struct et_err *err);

/* The declared object of a video feature's format: `info` or `video_info`; NULL when absent. */
const struct et_value *et__video_declared(const struct et_feature *feature);

/* Height, width and channels of a picture feature, by its names, else by its shape. False when it
 * does not say. */
bool et__picture_size(const struct et_feature *feature, int64_t *height, int64_t *width,
                      int64_t *channels);

/* Tasks and episodes of the two layouts, and of an unfinished folder. */
ET_MUST_USE enum et_status et__meta_v2_read(struct et_dataset *ds, struct et_err *err);
ET_MUST_USE enum et_status et__meta_v3_read(struct et_dataset *ds, struct et_err *err);
ET_MUST_USE enum et_status et__meta_journal_read(struct et_dataset *ds, struct et_err *err);

/* v3.0 without a list of episodes: makes one of the runs of episode_index in the data files. Where
 * their videos are cannot be known. */
ET_MUST_USE enum et_status et__episodes_by_rows(struct et_dataset *ds, struct et_arena *scratch,
                                                struct et_err *err);

/* Remarks on meta/modality.json (ds->info.modality is set). */
void et__modality_check(struct et_dataset *ds);

/* Sets the text of a task number; remarks on numbers that are taken or out of range. `cap` belongs
 * to ds->info.tasks. */
ET_MUST_USE enum et_status et__task_set(struct et_dataset *ds, size_t *cap, int64_t number,
                                        const char *text, const char *where, struct et_err *err);

/* Makes ds->slots for n episodes, all "does not say". */
ET_MUST_USE enum et_status et__slots_make(struct et_dataset *ds, size_t n_episodes,
                                          struct et_err *err);

/* True when a column of the type holds what the dtype says. */
bool et__dtype_fits(enum et_dtype dtype, enum et_parquet_type type);

/* ---- opened files (cache.c) ---- */

ET_MUST_USE enum et_status et__cache_open(struct et__cache **cache, struct et_err *err);
void et__cache_close(struct et__cache *cache);

/* The reader of an episode's data file; give it back with et__reader_give. ET_ENOTFOUND: absent. */
ET_MUST_USE enum et_status et__reader_take(const struct et_dataset *ds,
                                           const struct et__episode *episode,
                                           struct et_parquet_reader **reader, struct et_err *err);
void et__reader_give(const struct et_dataset *ds, struct et_parquet_reader *reader);

/* The data file that holds a global row when all files are joined in the order of their paths, as
 * LeRobot joins them, and the file's own first global row. Files that cannot be opened hold none.
 * The path lives as long as the dataset. ET_ENOTFOUND: there is no such row. */
ET_MUST_USE enum et_status et__file_of_row(const struct et_dataset *ds, int64_t row,
                                           const char **path, int64_t *first_row,
                                           struct et_err *err);

/* et_video_probe, remembered for the files that were asked for last. */
ET_MUST_USE enum et_status et__probe_once(const struct et_dataset *ds, const char *path,
                                          struct et_video_info *info, struct et_err *err);

/* ---- one episode ---- */

/* An episode's rows, opened. */
struct et__place {
    struct et_parquet_reader *reader; // given back by et__rows_close
    const char *path;                 // the file, in the arena
    int64_t first, n_rows;
    const char *trouble; // why it is not where the metadata says; NULL: it is
};

/* Finds an episode's rows: where the metadata says, when episode_index agrees; else where in the
 * named file episode_index says; else, in v3.0, at the global row where LeRobot would read them,
 * whatever file that is in. ET_ENOTFOUND: no file holds them. err->text names the file. */
ET_MUST_USE enum et_status et__rows_open(const struct et_dataset *ds,
                                         const struct et__episode *episode, struct et_arena *arena,
                                         struct et__place *place, struct et_err *err);
void et__rows_close(const struct et_dataset *ds, struct et__place *place);

/* As et_dataset_rows, but columns of pictures have no leaves: pictures are large, and are read one
 * at a time (etude/pictures.h). */
ET_MUST_USE enum et_status et__rows_without_pictures(const struct et_dataset *dataset, int64_t i,
                                                     struct et_arena *arena, struct et_rows *rows,
                                                     struct et_err *err);

/* Bytes of a value as it is read and written; of texts, of the view. */
size_t et__type_bytes(enum et_parquet_type type);

/* Whether a column of an image feature is {bytes, path}, each OPTIONAL, as all writers make it. */
bool et__is_picture_column(const struct et_dataset *ds, const struct et_column *column);

/* The tree of an episode's own statistics; NULL when it has none or its line cannot be read. */
const struct et_value *et__episode_stats(const struct et_dataset *ds,
                                         const struct et__episode *episode, struct et_arena *arena);

/* The frames of an episode in a file of n_frames: the first one and how many. */
struct et__frame_range {
    int64_t first, n;
};
struct et__frame_range et__video_frames(const struct et_dataset *ds, size_t i_episode,
                                        size_t i_video, int64_t n_frames);

/* The numbers of a statistic ("min") of a feature in a tree of stats, flattened; NULL when absent
 * or when a number of them is no number (null counts as NaN). */
const double *et__stat_values(const struct et_value *stats, const char *feature, const char *stat,
                              struct et_arena *arena, size_t *n);

#endif

/* Dataset: a LeRobot folder (v2.0, v2.1, v3.0) opened for reading.
 *
 * A dataset opens even when its metadata is wrong: what disagrees becomes a remark with its file
 * and place, and reading goes on with what the data says. A file that is absent is a fact about an
 * episode, not the end of the dataset. A folder that Étude was writing when it was killed opens
 * with every finished episode.
 *
 * Two ways to read an episode: as rows (the columns as they are stored, to the bit: for conversion)
 * and as an episode (canonical streams through a profile: for inspection and building).
 *
 * Source: LeRobot's own loader; doc/format-lerobot.md has the layout, field by field.
 *
 * Threads: an opened dataset may be read by any number of threads.
 * Memory:  the handle holds the metadata (about 1 KB an episode); rows go to the caller's arena. */
#ifndef ETUDE_DATASET_H
#define ETUDE_DATASET_H

#include "etude/episode_file.h"
#include "etude/parquet.h"
#include "etude/profile.h"

/* EPISODES: folders of episodes that curation wrote, read as if they were one dataset. */
enum et_layout { ET_LAYOUT_V20, ET_LAYOUT_V21, ET_LAYOUT_V30, ET_LAYOUT_EPISODES };
ET_API const char *et_layout_text(enum et_layout layout); // "v2.0" …, "episodes"

// clang-format off
#define ET_DTYPE_MAP(X)          \
    X(FLOAT32,  "float32",  4)   \
    X(FLOAT64,  "float64",  8)   \
    X(INT64,    "int64",    8)   \
    X(INT32,    "int32",    4)   \
    X(INT16,    "int16",    4)   \
    X(UINT8,    "uint8",    4)   \
    X(BOOL,     "bool",     1)   \
    X(STRING,   "string",   0)   \
    X(IMAGE,    "image",    0)   \
    X(VIDEO,    "video",    0)   \
    X(LANGUAGE, "language", 0)   \
    X(OTHER,    "",         0)
// clang-format on

enum et_dtype {
#define X(name, text, bytes) ET_DTYPE_##name,
    ET_DTYPE_MAP(X)
#undef X
};
/* As info.json writes it: "float32", "video"; "" for one that we do not know. */
ET_API const char *et_dtype_text(enum et_dtype dtype);

/* A feature as meta/info.json declares it. */
struct et_feature {
    const char *name; // "observation.state"
    enum et_dtype dtype;
    const int64_t *shape;
    size_t n_dims;
    size_t n_values;          // product of the shape; 0 for video, image, string and language
    const char *const *names; // n_values names, flattened from any of the forms in use; NULL: none
    const struct et_value *declared; // the JSON object as it stands, for what else it says
};

#define ET_FEATURES_MAX 1024

struct et_dataset_info {
    const char *path;
    enum et_layout layout;
    const char *robot_type; // NULL when null or absent
    double fps;
    const struct et_feature *features; // in info.json's order
    size_t n_features;
    const char *const *tasks; // by task_index; NULL where a number is not taken
    size_t n_tasks;
    const char *const *segments; // names of parts of episodes, as they come; of curated ones
    size_t n_segments;
    int64_t n_episodes; // episodes that can be addressed
    int64_t n_rows;     // rows of those episodes, by the metadata
    bool is_unfinished; // its writer was killed; it was opened by its journal
    struct et_set_claims claims;
    const struct et_value *info;     // meta/info.json
    const struct et_value *modality; // meta/modality.json, NULL when absent
    const struct et_value *stats;    // meta/stats.json, NULL when absent
};

struct et_dataset;

/* Opens the folder. ET_ENOTFOUND: no folder, or no meta/info.json in it. ET_ECORRUPT: info.json
 * cannot be understood (file and offset in err); lesser faults are remarks. ET_EUNSUPPORTED: a
 * codebase_version that we do not know. */
ET_MUST_USE ET_API enum et_status et_dataset_open(struct et_dataset **dataset, const char *path,
                                                  struct et_err *err);
ET_API void et_dataset_close(struct et_dataset *dataset); // NULL is allowed

/* Episodes that curation wrote, n of them in that order, as one dataset: their streams are its
 * features (canonical names), its rate is 0, and it is bound to the profile that they were curated
 * by. Only et_dataset_episode, _episode_meta, _stored and what builds on them read it; there are no
 * rows as stored. ET_EUNSUPPORTED: of more than one profile (named). Otherwise as
 * et_episode_read_facts, et_profile_find. */
ET_MUST_USE ET_API enum et_status et_dataset_open_episodes(struct et_dataset **dataset,
                                                           const char *path,
                                                           const struct et_episode_place *places,
                                                           size_t n_places, struct et_err *err);

/* What curation found in episode i of such a dataset. ET_EUNSUPPORTED: it is of another layout. */
ET_MUST_USE ET_API enum et_status et_dataset_stored(const struct et_dataset *dataset, int64_t i,
                                                    struct et_arena *arena,
                                                    struct et_episode_facts *facts,
                                                    struct et_err *err);

/* What it says of itself; valid until the dataset is closed. */
ET_API const struct et_dataset_info *et_dataset_info(const struct et_dataset *dataset);

/* Number of a feature; −1 when there is none of that name. */
ET_API int et_dataset_find(const struct et_dataset *dataset, const char *feature);

/* Where a video feature's frames of one episode are. */
struct et_video_place {
    size_t i_feature;
    const char *path; // begins as the dataset's path; NULL: the metadata names no file
    bool is_present;
    double from_s, to_s;     // time range in the file
    int width_px, height_px; // where the metadata says it, else 0
};

/* What the metadata says of one episode. Texts are valid until the dataset is closed. */
struct et_episode_meta {
    int64_t index; // episode_index; the place in the dataset is `i` in the calls below
    int64_t n_rows;
    const char *const *tasks;
    size_t n_tasks;
    const char *data_path;
    bool has_data;                       // the data file is there
    int64_t first_row;                   // row in that file
    int64_t from_index;                  // global index of its first row
    const struct et_video_place *videos; // one a video feature, in the features' order
    size_t n_videos;
};
ET_MUST_USE ET_API enum et_status et_dataset_episode_meta(const struct et_dataset *dataset,
                                                          int64_t i, struct et_arena *arena,
                                                          struct et_episode_meta *meta,
                                                          struct et_err *err);

/* One column of an episode, as stored. Numeric columns whose rows all have n_values values are
 * rectangular: `values` is typed as the file's leaf (see et_parquet_type), n_rows × n_values.
 * Anything else (strings, ragged lists, structs, nulls) is given leaf by leaf. */
struct et_column {
    const char *name;
    int i_feature; // −1: the data has a column that info.json does not declare
    bool is_rectangular;
    enum et_parquet_type type;
    size_t n_values;
    const void *values;
    const struct et_parquet_node *nodes; // the column's own schema, first node is the column
    size_t n_nodes;
    const struct et_parquet_batch *leaves; // one a leaf, only when not rectangular
    size_t n_leaves;
};

struct et_rows {
    int64_t n_rows;
    const struct et_column *columns; // in the file's order
    size_t n_columns;
    const struct et_remark *remarks; // features that are declared but absent, wrong widths …
    size_t n_remarks;
};

/* Reads every column of episode i, where the metadata says, or where the rows say they are the
 * episode's (with a remark). ET_ENOTFOUND: its data file is absent. ET_ECORRUPT: the file cannot be
 * read (path and offset in err). ET_EARG: no such episode. ET_ELIMIT: the arena is full. */
ET_MUST_USE ET_API enum et_status et_dataset_rows(const struct et_dataset *dataset, int64_t i,
                                                  struct et_arena *arena, struct et_rows *rows,
                                                  struct et_err *err);

/* The column of that name; NULL when there is none. */
ET_API const struct et_column *et_rows_find(const struct et_rows *rows, const char *name);

/* The number at (row, value) of a rectangular numeric column. */
ET_API double et_column_get(const struct et_column *column, int64_t row, size_t value);

/* Chooses the profile for reading episodes (wanted as in et_profile_find; NULL takes the one that
 * a built dataset carries, where there is one) and binds it. Call once,
 * before the first et_dataset_episode. */
ET_MUST_USE ET_API enum et_status et_dataset_use_profile(struct et_dataset *dataset,
                                                         const char *wanted, struct et_err *err);
ET_API const struct et_binding *et_dataset_binding(const struct et_dataset *dataset);

/* Reads episode i through the profile. A data file that is absent or damaged gives an episode
 * without tracks and a remark of severity error: the set can be inspected to its end. ET_EARG: no
 * profile was chosen, or no such episode. ET_ELIMIT: the arena is full. */
ET_MUST_USE ET_API enum et_status et_dataset_episode(const struct et_dataset *dataset, int64_t i,
                                                     struct et_arena *arena,
                                                     struct et_episode *episode,
                                                     struct et_err *err);

/* Bytes of all files under data/ and meta/ (and videos/ when asked): what reading has to move. */
ET_MUST_USE ET_API enum et_status et_dataset_bytes(const struct et_dataset *dataset,
                                                   bool with_videos, int64_t *n_bytes,
                                                   struct et_err *err);

#endif

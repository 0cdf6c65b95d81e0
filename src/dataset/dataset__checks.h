/* What verify checks: one line a check. The name is the `kind` of its findings; doc/verify.md says
 * what each one means and which reports from users it stems from (a test holds the page against
 * this table). */
#ifndef DATASET_DATASET__CHECKS_H
#define DATASET_DATASET__CHECKS_H

// clang-format off
#define ET__CHECK_MAP(X)                                                                           \
    X(INFO,             "info",             "meta/info.json says something a loader cannot use")   \
    X(UNFINISHED,       "unfinished",       "a writer was killed before it finished")              \
    X(METADATA,         "metadata",         "a metadata file is absent, cut or malformed")         \
    X(FEATURES,         "features",         "a feature's declaration is wrong or missing")         \
    X(NAMES,            "names",            "a feature has more or fewer names than values")       \
    X(TOTALS,           "totals",           "a total in info.json is not what is there")           \
    X(SPLITS,           "splits",           "a split names episodes that are not there")           \
    X(TASKS,            "tasks",            "the table of tasks has gaps, doubles or no texts")    \
    X(TASKS_INDEX,      "tasks_index",      "tasks.parquet has no pandas index of texts")          \
    X(TASK_RANGE,       "task_range",       "a row's task number is not in the table")             \
    X(EPISODE_ORDER,    "episode_order",    "episode numbers are not 0, 1, 2 … in order")          \
    X(EPISODE_TASKS,    "episode_tasks",    "an episode's tasks are not what its rows say")        \
    X(LENGTH,           "length",           "an episode's length is not its number of rows")       \
    X(GLOBAL_RANGE,     "global_range",     "dataset_from_index and dataset_to_index do not join") \
    X(NUMBERING,        "numbering",        "chunk or file numbers are not where loaders look")    \
    X(FOOTER,           "footer",           "a Parquet file cannot be read")                       \
    X(DATA_ABSENT,      "data_absent",      "an episode's data file is not there")                 \
    X(SCHEMA,           "schema",           "the columns are not the features")                    \
    X(ORPHAN_ROWS,      "orphan_rows",      "rows that belong to no episode")                      \
    X(ORPHAN_FILE,      "orphan_file",      "a file that no episode uses")                         \
    X(INTERLEAVED,      "interleaved",      "an episode's rows do not stand together")             \
    X(FRAME_INDEX,      "frame_index",      "frame_index is not 0, 1, 2 … in each episode")        \
    X(INDEX,            "index",            "index is not 0, 1, 2 … over the dataset")             \
    X(TIMESTAMP,        "timestamp",        "timestamp is not frame_index / fps")                  \
    X(VIDEO_ABSENT,     "video_absent",     "a video file is not there")                           \
    X(VIDEO_READ,       "video_read",       "a video file cannot be opened")                       \
    X(VIDEO_FRAMES,     "video_frames",     "a video has more or fewer frames than rows")          \
    X(VIDEO_FORMAT,     "video_format",     "rate, size or codec are not what info.json says")     \
    X(VIDEO_RANGE,      "video_range",      "an episode's time range in a video file is wrong")    \
    X(VIDEO_GRID,       "video_grid",       "frames are not where their timestamps look for them") \
    X(VIDEO_DECODE,     "video_decode",     "frames in the index that do not decode")              \
    X(PICTURE_READ,     "picture_read",     "pictures in the rows cannot be read")                 \
    X(PICTURE_DECODE,   "picture_decode",   "pictures in the rows that do not decode")             \
    X(PICTURE_FORMAT,   "picture_format",   "size, bits or channels are not what info.json says")  \
    X(STATS_ABSENT,     "stats_absent",     "statistics that normalisation needs are not there")   \
    X(STATS_VALUE,      "stats_value",      "a statistic is not a number or of the wrong shape")   \
    X(STATS_ORDER,      "stats_order",      "min, quantiles, max are not in ascending order")      \
    X(STATS_COUNT,      "stats_count",      "a statistic counts other rows than there are")        \
    X(STATS_EXACT,      "stats_exact",      "a stored statistic is not the exact one")             \
    X(MODALITY,         "modality",         "meta/modality.json contradicts the features")
// clang-format on

enum et__check {
#define X(name, kind, text) ET__CHECK_##name,
    ET__CHECK_MAP(X)
#undef X
        ET__N_CHECKS
};

/* The kind, "frame_index"; never NULL. */
const char *et__check_kind(enum et__check check);

/* What is wrong when it finds something, in a clause; never NULL. */
const char *et__check_text(enum et__check check);

#endif

/* Metadata of v3.0: meta/tasks.parquet and meta/episodes/<chunk>/<file>.parquet. Episodes are
 * addressed by position, as LeRobot does; what a row says of itself is held against that. */
#include "dataset/dataset__internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define TASKS_PATH "meta/tasks.parquet"
#define EPISODES_FOLDER "meta/episodes"
#define BATCH_EPISODES 4096

/* ---- tasks ---- */

// The column that pandas takes as the index; NULL, with a remark, when the file does not say.
static const char *index_column(struct et_dataset *ds, struct et_parquet_reader *reader)
{
    const struct et_json_options options = {.allow_nan = true};
    const struct et_value *pandas = NULL;
    struct et_err bad = {0};

    const struct et_str text = et_parquet_metadata(reader, "pandas");
    if (text.n == 0) {
        et__remark(&ds->remarks, ET__CHECK_TASKS_INDEX, ET_SEVERITY_ERROR, TASKS_PATH,
                   "the metadata has no key \"pandas\": LeRobot then takes row numbers for tasks");
        return NULL;
    }
    if (et_json_parse(text, &options, ds->arena, &pandas, &bad) != ET_OK) {
        et__remark(&ds->remarks, ET__CHECK_TASKS_INDEX, ET_SEVERITY_ERROR, TASKS_PATH,
                   "the metadata \"pandas\" is not JSON: %s", bad.text);
        return NULL;
    }
    const char *column = et_value_text(et_value_at(et_value_get(pandas, "index_columns"), 0), NULL);
    if (!column || et_parquet_find(reader, column) < 0) {
        et__remark(&ds->remarks, ET__CHECK_TASKS_INDEX, ET_SEVERITY_ERROR, TASKS_PATH,
                   "the metadata \"pandas\" names no column of the file as the index");
        return NULL;
    }
    return column;
}

// Where pandas is not told, the first column of texts holds the tasks.
static const char *text_column(const struct et_parquet_reader *reader)
{
    for (size_t i = 0; i < et_parquet_n_leaves(reader); i++) {
        if (et_parquet_leaf(reader, i)->type == ET_PARQUET_BYTES)
            return et_parquet_leaf(reader, i)->column;
    }
    return NULL;
}

static enum et_status take_tasks(struct et_dataset *ds, const struct et__text_rows *rows,
                                 const int64_t *numbers, int64_t n, struct et_err *err)
{
    enum et_status st = ET_OK;
    size_t cap = 0;

    assert(n == 0 || (rows->texts && rows->n_texts));
    for (int64_t i = 0; st == ET_OK && i < n; i++) {
        const char *text = rows->n_texts[i] ? rows->texts[i][0] : "";
        if (numbers[i] != i)
            et__remark(&ds->remarks, ET__CHECK_TASKS, ET_SEVERITY_ERROR, TASKS_PATH,
                       "row %lld has task_index %lld: LeRobot takes tasks by row", (long long)i,
                       (long long)numbers[i]);
        st = et__task_set(ds, &cap, numbers[i], text, TASKS_PATH, err);
    }
    return st;
}

static enum et_status read_task_rows(struct et_dataset *ds, struct et_parquet_reader *reader,
                                     struct et_err *err)
{
    struct et__text_rows rows = {0};
    struct et_err bad = {0};
    enum et_status st;

    const char *column = index_column(ds, reader);
    if (!column)
        column = text_column(reader);
    const int64_t n = et_parquet_n_rows(reader);
    if (n < 0 || n > ET__TASKS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%lld tasks are too many", (long long)n);
    int64_t *numbers = et_arena_array(ds->arena, (size_t)n, sizeof *numbers);
    if (!numbers)
        return et_arena_fail(ds->arena, "the tasks", err);
    st = column ? et__read_texts(reader, column, 0, n, ds->arena, &rows, &bad)
                : et_fail(&bad, ET_ENOTFOUND, -1, "there is no column of texts");
    if (st == ET_OK)
        st = et__read_ints(reader, "task_index", 0, n, numbers, &bad);
    if (st != ET_OK) {
        et__remark(&ds->remarks, ET__CHECK_TASKS, ET_SEVERITY_ERROR, TASKS_PATH,
                   "tasks cannot be read: %s", bad.text);
        return ET_OK;
    }
    return take_tasks(ds, &rows, numbers, n, err);
}

static enum et_status read_tasks(struct et_dataset *ds, struct et_err *err)
{
    struct et_parquet_reader *reader = NULL;
    struct et_err bad = {0};

    const char *path = et_path_join(ds->arena, ds->info.path, TASKS_PATH);
    if (!path)
        return et_arena_fail(ds->arena, "the tasks", err);
    enum et_status st = et_parquet_open(&reader, path, NULL, &bad);
    if (st == ET_OK)
        st = read_task_rows(ds, reader, err);
    else if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    else {
        et__remark(&ds->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR, TASKS_PATH, "%s",
                   st == ET_ENOTFOUND ? "the file is absent" : bad.text);
        st = ET_OK;
    }
    et_parquet_close(reader);
    return st;
}

/* ---- episodes ---- */

struct reading {
    struct et_dataset *ds;
    struct et_parquet_reader *reader;
    const char *where; // the file, below the dataset's folder
    size_t cap_episodes;
    struct et__video_slot *slots; // cap_slots / n_videos episodes
    size_t cap_slots;
    struct et_arena *scratch;
    size_t n_bad; // columns of the batch that could not be read
};

/* Whole numbers of a column for n rows; −1 where there are none. A column that is absent is one
 * remark a file. */
static enum et_status read_column(struct reading *reading, const char *column, int64_t first,
                                  int64_t n, int64_t *to, struct et_err *err)
{
    struct et_err bad = {0};

    enum et_status st = et__read_ints(reading->reader, column, first, n, to, &bad);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    if (st != ET_OK && first == 0)
        et__remark(&reading->ds->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR, reading->where,
                   "%s", bad.text);
    reading->n_bad += st != ET_OK;
    for (int64_t i = 0; i < n; i++) {
        if (st != ET_OK || to[i] < 0)
            to[i] = -1;
    }
    return ET_OK;
}

static enum et_status read_seconds(struct reading *reading, const char *column, int64_t first,
                                   int64_t n, double *to, struct et_err *err)
{
    struct et_err bad = {0};

    enum et_status st = et__read_reals(reading->reader, column, first, n, to, &bad);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    if (st != ET_OK && first == 0)
        et__remark(&reading->ds->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR, reading->where,
                   "%s", bad.text);
    for (int64_t i = 0; st != ET_OK && i < n; i++)
        to[i] = (double)NAN;
    return ET_OK;
}

// clang-format off
enum { COLUMN_INDEX, COLUMN_LENGTH, COLUMN_CHUNK, COLUMN_FILE, COLUMN_FROM, COLUMN_TO, N_COLUMNS };
static const char *const COLUMNS[N_COLUMNS] = {
    "episode_index", "length", "data/chunk_index", "data/file_index",
    "dataset_from_index", "dataset_to_index",
};
// clang-format on

// A place of an episode that the metadata leaves open is the place after the one before it.
static void fill_gaps(struct et_dataset *ds, int64_t i, struct et__episode *episode,
                      const char *where)
{
    const struct et__episode *last = i > 0 ? &ds->episodes[i - 1] : NULL;

    if (episode->index < 0) {
        et__remark(&ds->remarks, ET__CHECK_EPISODE_ORDER, ET_SEVERITY_ERROR, where,
                   "row %lld has no episode_index; its place counts", (long long)i);
        episode->index = i;
    }
    const bool has_range = episode->from_index >= 0 && episode->to_index >= episode->from_index;
    if (episode->n_rows < 0) {
        et__remark(&ds->remarks, ET__CHECK_LENGTH, ET_SEVERITY_ERROR, where,
                   "episode %lld has no length", (long long)episode->index);
        episode->n_rows = has_range ? episode->to_index - episode->from_index : 0;
    }
    if (episode->n_rows > INT64_MAX / 4)
        episode->n_rows = 0;
    if (episode->from_index < 0 || episode->from_index > INT64_MAX / 4)
        episode->from_index = last ? last->from_index + last->n_rows : 0;
    if (episode->to_index < 0)
        episode->to_index = episode->from_index + episode->n_rows;
    if (episode->data_chunk < 0)
        episode->data_chunk = last ? last->data_chunk : 0;
    if (episode->data_file < 0)
        episode->data_file = last ? last->data_file : 0;
}

static enum et_status put_episode(struct reading *reading, const int64_t *const columns[N_COLUMNS],
                                  int64_t k, const struct et__text_rows *tasks, struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    const size_t n = (size_t)ds->info.n_episodes;

    struct et__episode *episodes =
        et__grow(ds->arena, ds->episodes, n, &reading->cap_episodes, sizeof *episodes);
    if (!episodes)
        return et_arena_fail(ds->arena, "the episodes", err);
    ds->episodes = episodes;
    episodes[n] = (struct et__episode){.index = columns[COLUMN_INDEX][k],
                                       .n_rows = columns[COLUMN_LENGTH][k],
                                       .data_chunk = columns[COLUMN_CHUNK][k],
                                       .data_file = columns[COLUMN_FILE][k],
                                       .from_index = columns[COLUMN_FROM][k],
                                       .to_index = columns[COLUMN_TO][k],
                                       .tasks = tasks->texts ? tasks->texts[k] : NULL,
                                       .n_tasks = tasks->texts ? tasks->n_texts[k] : 0,
                                       .stats_at = -1};
    fill_gaps(ds, (int64_t)n, &episodes[n], reading->where);
    ds->info.n_episodes++;
    return ET_OK;
}

static enum et_status put_slot(struct reading *reading, struct et__video_slot slot, size_t at,
                               struct et_err *err)
{
    if (at >= reading->cap_slots) {
        const size_t more = reading->cap_slots ? 2 * reading->cap_slots : 64;
        struct et__video_slot *slots =
            et_arena_array(reading->ds->arena, more > at ? more : at + 1, sizeof *slots);
        if (!slots)
            return et_arena_fail(reading->ds->arena, "the videos' places", err);
        if (reading->cap_slots)
            memcpy(slots, reading->slots, reading->cap_slots * sizeof *slots);
        reading->slots = slots;
        reading->cap_slots = more > at ? more : at + 1;
    }
    reading->slots[at] = slot;
    return ET_OK;
}

// The columns of one camera for rows first … first + n − 1.
static enum et_status read_camera(struct reading *reading, size_t i_video, int64_t first, int64_t n,
                                  struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    struct et_arena *scratch = reading->scratch;
    const char *key = ds->features[ds->i_videos[i_video]].name;
    const size_t i_first = (size_t)(ds->info.n_episodes - n);

    int64_t *chunks = et_arena_array(scratch, 2 * (size_t)n, sizeof *chunks);
    double *times = et_arena_array(scratch, 2 * (size_t)n, sizeof *times);
    const char *names[4];
    static const char *const ENDS[4] = {"chunk_index", "file_index", "from_timestamp",
                                        "to_timestamp"};
    for (size_t i = 0; i < 4; i++)
        names[i] = et_arena_printf(scratch, "videos/%s/%s", key, ENDS[i]);
    if (!chunks || !times || !names[0] || !names[1] || !names[2] || !names[3])
        return et_arena_fail(scratch, "the videos' places", err);
    enum et_status st = read_column(reading, names[0], first, n, chunks, err);
    if (st == ET_OK)
        st = read_column(reading, names[1], first, n, chunks + n, err);
    if (st == ET_OK)
        st = read_seconds(reading, names[2], first, n, times, err);
    if (st == ET_OK)
        st = read_seconds(reading, names[3], first, n, times + n, err);
    for (int64_t k = 0; st == ET_OK && k < n; k++) {
        const struct et__video_slot slot = {chunks[k], chunks[n + k], times[k], times[n + k]};
        st = put_slot(reading, slot, (i_first + (size_t)k) * ds->n_videos + i_video, err);
    }
    return st;
}

// Reads n episodes. ET_END: not one of their columns could be read, and the file says nothing.
static enum et_status read_batch(struct reading *reading, int64_t first, int64_t n,
                                 struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    struct et__text_rows tasks = {0};
    const int64_t *columns[N_COLUMNS];
    struct et_err bad = {0};

    enum et_status st = ET_OK;
    reading->n_bad = 0;
    for (size_t i = 0; st == ET_OK && i < N_COLUMNS; i++) {
        int64_t *column = et_arena_array(reading->scratch, (size_t)n, sizeof *column);
        if (!column)
            return et_arena_fail(reading->scratch, "the episodes", err);
        st = read_column(reading, COLUMNS[i], first, n, column, err);
        columns[i] = column;
    }
    if (st == ET_OK && reading->n_bad == N_COLUMNS)
        st = ET_END;
    if (st != ET_OK)
        return st;
    st = et__read_texts(reading->reader, "tasks", first, n, ds->arena, &tasks, &bad);
    if (st == ET_ENOMEM || st == ET_ELIMIT)
        return et_fail(err, st, -1, "%s", bad.text);
    if (st != ET_OK) {
        tasks = (struct et__text_rows){0};
        if (first == 0)
            et__remark(&ds->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR, reading->where, "%s",
                       bad.text);
    }
    st = ET_OK;
    for (int64_t k = 0; st == ET_OK && k < n; k++)
        st = put_episode(reading, columns, k, &tasks, err);
    for (size_t i = 0; st == ET_OK && i < ds->n_videos; i++)
        st = read_camera(reading, i, first, n, err);
    return st;
}

static enum et_status read_rows(struct reading *reading, struct et_err *err)
{
    const int64_t n = et_parquet_n_rows(reading->reader);
    enum et_status st = ET_OK;

    if (n > ET__EPISODES_MAX - reading->ds->info.n_episodes)
        return et_fail(err, ET_ELIMIT, -1, "%s: %lld episodes are too many", reading->where,
                       (long long)n);
    for (int64_t first = 0; st == ET_OK && first < n; first += BATCH_EPISODES) {
        const struct et_arena_mark mark = et_arena_mark(reading->scratch);
        const int64_t n_batch = n - first < BATCH_EPISODES ? n - first : BATCH_EPISODES;
        st = read_batch(reading, first, n_batch, err);
        et_arena_rewind(reading->scratch, mark);
    }
    return st == ET_END ? ET_OK : st;
}

static enum et_status read_file(struct reading *reading, const char *path, struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    struct et_err bad = {0};

    reading->where = et__below(ds, path);
    enum et_status st = et_parquet_open(&reading->reader, path, NULL, &bad);
    if (st == ET_OK)
        st = read_rows(reading, err);
    else if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    else {
        et__remark(&ds->remarks, ET__CHECK_FOOTER, ET_SEVERITY_ERROR, reading->where,
                   "its episodes are left out: %s", bad.text);
        st = ET_OK;
    }
    et_parquet_close(reading->reader);
    reading->reader = NULL;
    return st;
}

static enum et_status read_episodes(struct et_dataset *ds, struct reading *reading,
                                    struct et_err *err)
{
    const char *const *paths;
    size_t n_paths;

    const char *folder = et_path_join(ds->arena, ds->info.path, EPISODES_FOLDER);
    if (!folder)
        return et_arena_fail(ds->arena, "the episodes", err);
    enum et_status st = et__files_below(folder, 1, ".parquet", ds->arena, &paths, &n_paths, err);
    if (st == ET_OK && n_paths == 0)
        et__remark(&ds->remarks, ET__CHECK_METADATA,
                   ds->info.claims.n_episodes == 0 ? ET_SEVERITY_INFO : ET_SEVERITY_ERROR,
                   EPISODES_FOLDER, "there is no file: no episode can be addressed");
    for (size_t i = 0; st == ET_OK && i < n_paths; i++)
        st = read_file(reading, paths[i], err);
    if (st == ET_OK && ds->info.n_episodes == 0)
        st = et__episodes_by_rows(ds, reading->scratch, err);
    return st;
}

struct file_start {
    int64_t chunk, file;
    int64_t from_index; // the least dataset_from_index of its episodes
};

static int compare_starts(const void *a, const void *b)
{
    const struct file_start *x = a, *y = b;
    if (x->chunk != y->chunk)
        return (x->chunk > y->chunk) - (x->chunk < y->chunk);
    if (x->file != y->file)
        return (x->file > y->file) - (x->file < y->file);
    return (x->from_index > y->from_index) - (x->from_index < y->from_index);
}

static bool is_same_file(const struct file_start *a, const struct file_start *b)
{
    return a->chunk == b->chunk && a->file == b->file;
}

/* The row of a data file where an episode begins is its global row less the file's first one; that
 * is the least of its episodes. Rows are held against episode_index when they are read. */
static enum et_status place_rows(struct et_dataset *ds, struct et_arena *scratch,
                                 struct et_err *err)
{
    const size_t n = (size_t)ds->info.n_episodes;

    struct file_start *starts = et_arena_array(scratch, n, sizeof *starts);
    if (!starts)
        return et_arena_fail(scratch, "the episodes", err);
    for (size_t i = 0; i < n; i++)
        starts[i] = (struct file_start){ds->episodes[i].data_chunk, ds->episodes[i].data_file,
                                        ds->episodes[i].from_index};
    if (n)
        qsort(starts, n, sizeof *starts, compare_starts);
    size_t n_files = 0; // the first of each file is the least
    for (size_t i = 0; i < n; i++) {
        if (n_files == 0 || !is_same_file(&starts[i], &starts[n_files - 1]))
            starts[n_files++] = starts[i];
    }
    for (size_t i = 0; i < n; i++) {
        struct et__episode *episode = &ds->episodes[i];
        size_t low = 0, high = n_files;
        const struct file_start key = {episode->data_chunk, episode->data_file, INT64_MAX};
        while (high - low > 1) {
            const size_t middle = low + (high - low) / 2;
            if (compare_starts(&starts[middle], &key) <= 0)
                low = middle;
            else
                high = middle;
        }
        episode->first_row = episode->from_index - starts[low].from_index;
    }
    return ET_OK;
}

enum et_status et__slots_make(struct et_dataset *ds, size_t n_episodes, struct et_err *err)
{
    ds->slots = et_arena_array(ds->arena, n_episodes * ds->n_videos, sizeof *ds->slots);
    if (!ds->slots)
        return et_arena_fail(ds->arena, "the videos' places", err);
    for (size_t i = 0; i < n_episodes * ds->n_videos; i++)
        ds->slots[i] = (struct et__video_slot){-1, -1, (double)NAN, (double)NAN};
    return ET_OK;
}

enum et_status et__meta_v3_read(struct et_dataset *ds, struct et_err *err)
{
    struct reading reading = {.ds = ds};

    enum et_status st = et_arena_open(&reading.scratch, ET__META_ARENA_BYTES_MAX, err);
    if (st == ET_OK)
        st = read_tasks(ds, err);
    if (st == ET_OK)
        st = read_episodes(ds, &reading, err);
    if (st == ET_OK)
        st = place_rows(ds, reading.scratch, err);
    if (st == ET_OK)
        st = et__slots_make(ds, (size_t)ds->info.n_episodes, err);
    const size_t n_slots = (size_t)ds->info.n_episodes * ds->n_videos;
    if (st == ET_OK && n_slots && reading.slots)
        memcpy(ds->slots, reading.slots, n_slots * sizeof *ds->slots);
    et_arena_close(reading.scratch);
    return st;
}

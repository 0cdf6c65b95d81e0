/* Metadata of v2.0 and v2.1: tasks.jsonl, episodes.jsonl, episodes_stats.jsonl. A line that cannot
 * be read is a remark with its number; the others count. */
#include "dataset/dataset__internal.h"

#include <math.h>
#include <stdlib.h>

#define TASKS_PATH "meta/tasks.jsonl"
#define EPISODES_PATH "meta/episodes.jsonl"
#define STATS_PATH "meta/episodes_stats.jsonl"
#define SCRATCH_BYTES ((size_t)256 << 20)

/* What goes through the lines of one file. */
struct reading {
    struct et_dataset *ds;
    struct et_arena *scratch; // the line's tree
    const char *name;         // "meta/tasks.jsonl"
    int64_t line;             // the number of the line that is being read
    size_t cap;               // of the array that is being filled
    bool is_sorted;
};

typedef enum et_status (*line_taker)(struct reading *reading, const struct et__line *line,
                                     const struct et_value *value, struct et_err *err);

// "meta/tasks.jsonl:12", for a remark on the line that is being read.
static const char *line_place(const struct reading *reading)
{
    const char *place =
        et_arena_printf(reading->ds->arena, "%s:%lld", reading->name, (long long)reading->line);
    return place ? place : reading->name;
}

static enum et_status take_line(struct reading *reading, const struct et__line *line,
                                line_taker take, struct et_err *err)
{
    const struct et_json_options options = {.allow_nan = true};
    const struct et_value *value = NULL;
    struct et_err bad = {0};

    if (et_str_trim(line->text).n == 0)
        return ET_OK;
    const struct et_arena_mark mark = et_arena_mark(reading->scratch);
    enum et_status st = et_json_parse(line->text, &options, reading->scratch, &value, &bad);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    if (st != ET_OK || value->kind != ET_VALUE_MAP) {
        et__remark(&reading->ds->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR,
                   line_place(reading), "the line is left out: %s",
                   st == ET_OK ? "not a JSON object" : bad.text);
        st = ET_OK;
    } else {
        st = take(reading, line, value, err);
    }
    et_arena_rewind(reading->scratch, mark);
    return st;
}

// A file that is not there is no failure of the caller's: *err stays as it is.
static enum et_status open_lines(struct et__lines *lines, const char *path, struct et_err *err)
{
    struct et_err bad = {0};

    const enum et_status st = et__lines_open(lines, path, ET__META_LINE_BYTES_MAX, &bad);
    if (st != ET_OK && st != ET_ENOTFOUND && err)
        *err = bad;
    return st;
}

/* Gives every line of <root>/<name> to `take`. ET_ENOTFOUND: there is no such file. */
static enum et_status read_lines(struct reading *reading, line_taker take, struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    struct et__lines lines = {0};
    struct et__line line;

    const char *path = et_path_join(ds->arena, ds->info.path, reading->name);
    if (!path)
        return et_arena_fail(ds->arena, "the metadata", err);
    enum et_status st = open_lines(&lines, path, err);
    if (st == ET_OK)
        st = et_arena_open(&reading->scratch, SCRATCH_BYTES, err);
    while (st == ET_OK && (st = et__lines_next(&lines, &line, err)) == ET_OK) {
        reading->line = lines.line;
        st = take_line(reading, &line, take, err);
    }
    if (st == ET_ELIMIT && lines.file) {
        // A line without an end: what stands before it counts.
        et__remark(&ds->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR, reading->name,
                   "reading stopped after line %lld: a line is too long", (long long)lines.line);
        st = ET_END;
    }
    et__lines_close(&lines);
    et_arena_close(reading->scratch);
    reading->scratch = NULL;
    return st == ET_END ? ET_OK : st;
}

enum et_status et__task_set(struct et_dataset *ds, size_t *cap, int64_t number, const char *text,
                            const char *where, struct et_err *err)
{
    const char **tasks = NULL;

    if (number < 0 || number >= ET__TASKS_MAX) {
        et__remark(&ds->remarks, ET__CHECK_TASKS, ET_SEVERITY_ERROR, where,
                   "task_index %lld is not a number from 0", (long long)number);
        return ET_OK;
    }
    if ((size_t)number >= *cap) {
        size_t more = *cap ? *cap : 16;
        while (more <= (size_t)number)
            more *= 2;
        tasks = et_arena_array(ds->arena, more, sizeof *tasks);
        if (!tasks)
            return et_arena_fail(ds->arena, "the tasks", err);
        if (ds->info.n_tasks)
            memcpy(tasks, ds->info.tasks, ds->info.n_tasks * sizeof *tasks);
        ds->info.tasks = tasks;
        *cap = more;
    }
    // The array is ours: only callers see it as read-only.
    memcpy(&tasks, &ds->info.tasks, sizeof tasks);
    if ((size_t)number < ds->info.n_tasks && tasks[number]) {
        et__remark(&ds->remarks, ET__CHECK_TASKS, ET_SEVERITY_ERROR, where,
                   "task_index %lld is taken twice; the later text counts", (long long)number);
        ds->info.claims.n_tasks_found--;
    }
    tasks[number] = text;
    ds->info.claims.n_tasks_found++;
    if ((size_t)number >= ds->info.n_tasks)
        ds->info.n_tasks = (size_t)number + 1;
    return ET_OK;
}

static enum et_status take_task(struct reading *reading, const struct et__line *line,
                                const struct et_value *value, struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    const char *text = et_value_text(et_value_get(value, "task"), NULL);

    (void)line;
    if (!text) {
        et__remark(&ds->remarks, ET__CHECK_TASKS, ET_SEVERITY_ERROR, line_place(reading),
                   "the line has no text \"task\"");
        text = "";
    }
    const char *copy = et__copy_text(ds->arena, et_str(text));
    if (!copy)
        return et_arena_fail(ds->arena, "the tasks", err);
    return et__task_set(ds, &reading->cap, et_value_int(et_value_get(value, "task_index"), -1),
                        copy, line_place(reading), err);
}

// The text of a task that the table has already, so that an episode need not keep a copy.
static const char *known_task(const struct et_dataset *ds, const char *text)
{
    for (size_t i = 0; i < ds->info.n_tasks && i < 64; i++) {
        if (ds->info.tasks[i] && strcmp(ds->info.tasks[i], text) == 0)
            return ds->info.tasks[i];
    }
    return NULL;
}

// "tasks" is a list of texts; one text alone is seen too.
static enum et_status copy_tasks(struct et_dataset *ds, struct et__episode *episode,
                                 const struct et_value *value, struct et_err *err)
{
    const bool is_one = value && value->kind == ET_VALUE_STRING;
    const size_t n = is_one ? 1 : et_value_count(value);

    const char **tasks = et_arena_array(ds->arena, n, sizeof *tasks);
    for (size_t i = 0; tasks && i < n; i++) {
        const char *text = et_value_text(is_one ? value : et_value_at(value, i), NULL);
        if (!text)
            continue;
        const char *task = known_task(ds, text);
        if (!task)
            task = et__copy_text(ds->arena, et_str(text));
        if (!task)
            return et_arena_fail(ds->arena, "the episodes", err);
        tasks[episode->n_tasks++] = task;
    }
    episode->tasks = tasks;
    return tasks ? ET_OK : et_arena_fail(ds->arena, "the episodes", err);
}

static struct et__episode *add_episode(struct reading *reading, int64_t index)
{
    struct et_dataset *ds = reading->ds;
    const size_t n = (size_t)ds->info.n_episodes;

    struct et__episode *episodes =
        et__grow(ds->arena, ds->episodes, n, &reading->cap, sizeof *episodes);
    if (!episodes)
        return NULL;
    ds->episodes = episodes;
    if (n > 0 && episodes[n - 1].index >= index)
        reading->is_sorted = false;
    ds->info.n_episodes++;
    episodes[n] = (struct et__episode){.index = index,
                                       .data_chunk = index / ds->chunks_size,
                                       .data_file = index,
                                       .n_rows = -1,
                                       .stats_at = -1};
    return &episodes[n];
}

static enum et_status take_episode(struct reading *reading, const struct et__line *line,
                                   const struct et_value *value, struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    const int64_t index = et_value_int(et_value_get(value, "episode_index"), -1);

    (void)line;
    if (index < 0 || index > INT32_MAX || ds->info.n_episodes >= ET__EPISODES_MAX) {
        et__remark(&ds->remarks, ET__CHECK_EPISODE_ORDER, ET_SEVERITY_ERROR, line_place(reading),
                   "the line is left out: episode_index is not a number from 0");
        return ET_OK;
    }
    struct et__episode *episode = add_episode(reading, index);
    if (!episode)
        return et_arena_fail(ds->arena, "the episodes", err);
    episode->n_rows = et_value_int(et_value_get(value, "length"), -1);
    if (episode->n_rows < 0)
        et__remark(&ds->remarks, ET__CHECK_LENGTH, ET_SEVERITY_ERROR, line_place(reading),
                   "the length of episode %lld is not a number of rows", (long long)index);
    const struct et_value *tasks = et_value_get(value, "tasks");
    if (et_value_count(tasks) == 0 && et_value_text(tasks, NULL) == NULL)
        et__remark(&ds->remarks, ET__CHECK_EPISODE_TASKS, ET_SEVERITY_WARN, line_place(reading),
                   "episode %lld has no task", (long long)index);
    return copy_tasks(ds, episode, tasks, err);
}

static int compare_episodes(const void *a, const void *b)
{
    const struct et__episode *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

// LeRobot keeps episodes by number: sorts, and of two with one number keeps one.
static void sort_episodes(struct et_dataset *ds)
{
    size_t n_kept = 0;

    et__remark(&ds->remarks, ET__CHECK_EPISODE_ORDER, ET_SEVERITY_WARN, EPISODES_PATH,
               "episodes are not in the order of their numbers");
    qsort(ds->episodes, (size_t)ds->info.n_episodes, sizeof *ds->episodes, compare_episodes);
    for (size_t i = 0; i < (size_t)ds->info.n_episodes; i++) {
        if (n_kept > 0 && ds->episodes[n_kept - 1].index == ds->episodes[i].index) {
            et__remark(&ds->remarks, ET__CHECK_EPISODE_ORDER, ET_SEVERITY_ERROR, EPISODES_PATH,
                       "episode %lld is listed twice", (long long)ds->episodes[i].index);
            continue;
        }
        ds->episodes[n_kept++] = ds->episodes[i];
    }
    ds->info.n_episodes = (int64_t)n_kept;
}

static struct et__episode *find_episode(const struct et_dataset *ds, int64_t index)
{
    const struct et__episode key = {.index = index};

    if (ds->info.n_episodes == 0)
        return NULL;
    // Nearly always episode k is in place k.
    if (index < ds->info.n_episodes && ds->episodes[index].index == index)
        return &ds->episodes[index];
    return bsearch(&key, ds->episodes, (size_t)ds->info.n_episodes, sizeof *ds->episodes,
                   compare_episodes);
}

/* The episode number of a line of statistics. Lines are long and begin with it, so that the rest
 * need not be parsed to know whose they are: {"episode_index": 12, "stats": … */
static int64_t leading_index(struct et_str text)
{
    static const char KEY[] = "\"episode_index\":";
    struct et_str digits, rest;
    int64_t index;

    rest = et_str_trim(text);
    if (!et_str_starts(rest, "{"))
        return -1;
    rest = et_str_trim((struct et_str){rest.p + 1, rest.n - 1});
    if (!et_str_starts(rest, KEY))
        return -1;
    rest = (struct et_str){rest.p + sizeof KEY - 1, rest.n - (sizeof KEY - 1)};
    if (!et_str_cut(&rest, ',', &digits) || !et_str_to_int64(et_str_trim(digits), &index))
        return -1;
    return index >= 0 && index <= INT32_MAX ? index : -1;
}

static void place_stats(struct et_dataset *ds, const struct et__line *line, int64_t number)
{
    const struct et_json_options options = {.allow_nan = true};
    const struct et_value *value = NULL;
    struct et_arena *scratch = NULL;

    int64_t index = leading_index(line->text);
    if (index < 0 && et_arena_open(&scratch, SCRATCH_BYTES, NULL) == ET_OK &&
        et_json_parse(line->text, &options, scratch, &value, NULL) == ET_OK)
        index = et_value_int(et_value_get(value, "episode_index"), -1);
    et_arena_close(scratch);
    struct et__episode *episode = index >= 0 ? find_episode(ds, index) : NULL;
    if (episode) {
        episode->stats_at = line->at;
        episode->stats_bytes = line->text.n;
        return;
    }
    const char *where = et_arena_printf(ds->arena, "%s:%lld", STATS_PATH, (long long)number);
    et__remark(&ds->remarks, ET__CHECK_METADATA, index >= 0 ? ET_SEVERITY_WARN : ET_SEVERITY_ERROR,
               where ? where : STATS_PATH,
               index >= 0 ? "statistics of an episode that is not listed"
                          : "the line is left out: it is not JSON, or names no episode");
}

static enum et_status index_stats(struct et_dataset *ds, struct et_err *err)
{
    struct et__lines lines = {0};
    struct et__line line;

    const char *path = et_path_join(ds->arena, ds->info.path, STATS_PATH);
    if (!path)
        return et_arena_fail(ds->arena, "the metadata", err);
    enum et_status st = open_lines(&lines, path, err);
    while (st == ET_OK && (st = et__lines_next(&lines, &line, err)) == ET_OK) {
        if (et_str_trim(line.text).n)
            place_stats(ds, &line, lines.line);
    }
    if (st == ET_ENOTFOUND) {
        if (ds->info.layout == ET_LAYOUT_V21)
            et__remark(&ds->remarks, ET__CHECK_STATS_ABSENT, ET_SEVERITY_ERROR, STATS_PATH,
                       "the file is absent, and v2.1 normalises by it");
        st = ET_END;
    } else if (st == ET_ELIMIT && lines.file) {
        et__remark(&ds->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR, STATS_PATH,
                   "reading stopped after line %lld: a line is too long", (long long)lines.line);
        st = ET_END;
    }
    ds->stats_path = path;
    et__lines_close(&lines);
    return st == ET_END ? ET_OK : st;
}

// The number in ".../episode_000012.parquet"; −1 when there is none.
static int64_t file_number(const char *path)
{
    struct et_str name = et_str(et_path_base(path));
    int64_t number;

    if (!et_str_starts(name, "episode_") || !et_str_ends(name, ".parquet"))
        return -1;
    const struct et_str digits = {name.p + 8, name.n - 8 - 8};
    return et_str_to_int64(digits, &number) && number >= 0 && number <= INT32_MAX ? number : -1;
}

// Without episodes.jsonl the data files say which episodes there are.
static enum et_status list_data_files(struct reading *reading, struct et_err *err)
{
    struct et_dataset *ds = reading->ds;
    const char *const *paths;
    size_t n_paths;

    et__remark(&ds->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR, EPISODES_PATH,
               "the file is absent; episodes are those that have a data file");
    const char *folder = et_path_join(ds->arena, ds->info.path, "data");
    if (!folder)
        return et_arena_fail(ds->arena, "the metadata", err);
    enum et_status st = et__files_below(folder, 1, ".parquet", ds->arena, &paths, &n_paths, err);
    for (size_t i = 0; st == ET_OK && i < n_paths; i++) {
        const int64_t index = file_number(paths[i]);
        if (index >= 0 && !add_episode(reading, index))
            st = et_arena_fail(ds->arena, "the episodes", err);
    }
    return st;
}

// A length that the metadata does not say is the file's number of rows.
static void find_length(struct et_dataset *ds, struct et__episode *episode)
{
    struct et_parquet_reader *reader = NULL;

    if (episode->n_rows >= 0)
        return;
    episode->n_rows = 0;
    if (et__reader_take(ds, episode, &reader, NULL) == ET_OK)
        episode->n_rows = et_parquet_n_rows(reader);
    et__reader_give(ds, reader);
}

static void place_rows(struct et_dataset *ds)
{
    int64_t from = 0;

    for (int64_t i = 0; i < ds->info.n_episodes; i++) {
        struct et__episode *episode = &ds->episodes[i];
        find_length(ds, episode);
        if (episode->n_rows > INT64_MAX / 2 - from) {
            et__remark(&ds->remarks, ET__CHECK_LENGTH, ET_SEVERITY_ERROR, EPISODES_PATH,
                       "the length of episode %lld is beyond all numbers",
                       (long long)episode->index);
            episode->n_rows = 0;
        }
        episode->from_index = from;
        from += episode->n_rows;
        episode->to_index = from;
    }
}

static enum et_status make_slots(struct et_dataset *ds, struct et_err *err)
{
    const enum et_status st = et__slots_make(ds, (size_t)ds->info.n_episodes, err);

    for (size_t i = 0; st == ET_OK && i < (size_t)ds->info.n_episodes * ds->n_videos; i++) {
        const struct et__episode *episode = &ds->episodes[i / ds->n_videos];
        ds->slots[i] =
            (struct et__video_slot){episode->data_chunk, episode->data_file, 0, (double)NAN};
    }
    return st;
}

enum et_status et__meta_v2_read(struct et_dataset *ds, struct et_err *err)
{
    struct reading tasks = {.ds = ds, .name = TASKS_PATH};
    struct reading episodes = {.ds = ds, .name = EPISODES_PATH, .is_sorted = true};

    enum et_status st = read_lines(&tasks, take_task, err);
    if (st == ET_ENOTFOUND) {
        et__remark(&ds->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR, TASKS_PATH,
                   "the file is absent");
        st = ET_OK;
    }
    if (st == ET_OK)
        st = read_lines(&episodes, take_episode, err);
    if (st == ET_ENOTFOUND)
        st = list_data_files(&episodes, err);
    if (st != ET_OK)
        return st;
    if (!episodes.is_sorted)
        sort_episodes(ds);
    place_rows(ds);
    st = index_stats(ds, err);
    return st == ET_OK ? make_slots(ds, err) : st;
}

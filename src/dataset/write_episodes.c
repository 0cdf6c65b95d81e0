/* meta/episodes/…parquet: one row an episode, with its place, its time range in every video file,
 * and its statistics, each a column of its own. Rows are gathered from the journal and written in
 * groups, so memory does not grow with the number of episodes. */
#include "dataset/dataset__write.h"

#include <assert.h>
#include <stdio.h>

#define GROUP_EPISODES 256
#define GROUP_BYTES ((size_t)32 << 20)
#define MB (1024.0 * 1024.0)

enum kind {
    EPISODE_INDEX,
    TASKS,
    LENGTH,
    DATA_CHUNK,
    DATA_FILE,
    FROM_INDEX,
    TO_INDEX,
    VIDEO_CHUNK,
    VIDEO_FILE,
    VIDEO_FROM,
    VIDEO_TO,
    STAT, // i_stat: 0 min, 1 max, 2 mean, 3 std, 4 … quantiles
    COUNT,
    META_CHUNK,
    META_FILE,
};

#define N_MOMENTS 4
static const char *const MOMENTS[N_MOMENTS] = {"min", "max", "mean", "std"};

/* A column and the rows that wait in it. */
struct column {
    enum kind kind;
    size_t i_field;
    size_t i_stat;
    size_t width; // numbers a row
    int depth;    // 0 scalar, 1 list, 3 a picture's channels
    int64_t *ints;
    double *reals;
    bool *is_there; // STAT and COUNT: the episode has it
};

struct episodes {
    const char *root;
    const struct et__spec *spec;
    const struct et__summary *summary;
    struct et_arena *arena; // columns
    struct et_arena *texts; // of the rows that wait; emptied with them
    struct et_arena_mark texts_mark;

    struct et_parquet_node *nodes;
    size_t n_nodes;
    struct column *columns;
    size_t n_columns, cap_columns;

    const char *const **tasks; // of the rows that wait
    size_t *n_tasks;
    size_t n_rows, n_rows_max;

    struct et_parquet_writer *file;
    struct et__part part;
    int64_t chunk, number;
};

/* ---- columns ---- */

static bool is_real(const struct column *column)
{
    return column->kind == STAT || column->kind == VIDEO_FROM || column->kind == VIDEO_TO;
}

static enum et_status add_column(struct episodes *e, struct column column, const char *name,
                                 struct et_err *err)
{
    const bool is_text = column.kind == TASKS;
    const enum et_parquet_type type = is_text            ? ET_PARQUET_BYTES
                                      : is_real(&column) ? ET_PARQUET_DOUBLE
                                                         : ET_PARQUET_INT64;
    const char *copy = et__copy_text(e->arena, et_str(name));
    struct column *columns =
        et__grow(e->arena, e->columns, e->n_columns, &e->cap_columns, sizeof *columns);
    if (!copy || !columns)
        return et_arena_fail(e->arena, "the table of episodes", err);
    e->columns = columns;
    column.width = column.width ? column.width : 1;
    columns[e->n_columns++] = column;
    if (et_parquet_add_column(e->nodes, ET_PARQUET_NODES_MAX, &e->n_nodes, copy, type,
                              is_text ? ET_PARQUET_STRING : ET_PARQUET_PLAIN, column.depth) < 0)
        return et_fail(err, ET_ELIMIT, -1, "the table of episodes has too many columns");
    return ET_OK;
}

static enum et_status add_plain(struct episodes *e, enum kind kind, const char *name,
                                struct et_err *err)
{
    const struct column column = {.kind = kind, .depth = kind == TASKS ? 1 : 0};
    return add_column(e, column, name, err);
}

static enum et_status add_video(struct episodes *e, size_t i_field, struct et_err *err)
{
    static const struct {
        enum kind kind;
        const char *name;
    } PARTS[] = {{VIDEO_CHUNK, "chunk_index"},
                 {VIDEO_FILE, "file_index"},
                 {VIDEO_FROM, "from_timestamp"},
                 {VIDEO_TO, "to_timestamp"}};
    char name[ET_NAME_BYTES_MAX + 64];
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < sizeof PARTS / sizeof *PARTS; i++) {
        const struct column column = {.kind = PARTS[i].kind, .i_field = i_field};
        (void)snprintf(name, sizeof name, "videos/%s/%s", e->spec->fields[i_field].name,
                       PARTS[i].name);
        st = add_column(e, column, name, err);
    }
    return st;
}

static enum et_status add_stats(struct episodes *e, size_t i_field, struct et_err *err)
{
    const struct et__field *field = &e->spec->fields[i_field];
    const bool is_picture = field->is_video || field->is_image;
    const bool has_quantiles = e->summary->fields[i_field].n_with_quantiles > 0;
    char name[ET_NAME_BYTES_MAX + 64];
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < N_MOMENTS + 1 + ET__N_QUANTILES; i++) {
        struct column column = {.kind = STAT,
                                .i_field = i_field,
                                .i_stat = i < N_MOMENTS ? i : i - 1,
                                .width = field->n_stats,
                                .depth = is_picture ? 3 : 1};
        const char *stat = i < N_MOMENTS    ? MOMENTS[i]
                           : i == N_MOMENTS ? "count"
                                            : ET__LEVEL_NAMES[i - N_MOMENTS - 1];
        if (i > N_MOMENTS && !has_quantiles)
            break;
        if (i == N_MOMENTS)
            column = (struct column){.kind = COUNT, .i_field = i_field, .depth = 1};
        (void)snprintf(name, sizeof name, "stats/%s/%s", field->name, stat);
        st = add_column(e, column, name, err);
    }
    return st;
}

static enum et_status lay_out(struct episodes *e, struct et_err *err)
{
    static const struct {
        enum kind kind;
        const char *name;
    } FIRST[] = {{EPISODE_INDEX, "episode_index"},
                 {TASKS, "tasks"},
                 {LENGTH, "length"},
                 {DATA_CHUNK, "data/chunk_index"},
                 {DATA_FILE, "data/file_index"},
                 {FROM_INDEX, "dataset_from_index"},
                 {TO_INDEX, "dataset_to_index"}};
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < sizeof FIRST / sizeof *FIRST; i++)
        st = add_plain(e, FIRST[i].kind, FIRST[i].name, err);
    for (size_t i = 0; st == ET_OK && i < e->spec->n_fields; i++)
        if (e->spec->fields[i].is_video)
            st = add_video(e, i, err);
    for (size_t i = 0; st == ET_OK && i < e->spec->n_fields; i++)
        if (e->summary->fields[i].n_with_stats > 0)
            st = add_stats(e, i, err);
    if (st == ET_OK)
        st = add_plain(e, META_CHUNK, "meta/episodes/chunk_index", err);
    if (st == ET_OK)
        st = add_plain(e, META_FILE, "meta/episodes/file_index", err);
    return st;
}

// Room for as many rows as fit, at most GROUP_EPISODES.
static enum et_status make_room(struct episodes *e, struct et_err *err)
{
    size_t row_bytes = 0;
    for (size_t i = 0; i < e->n_columns; i++)
        row_bytes += e->columns[i].width * sizeof(double) + sizeof(bool);
    const size_t fit = GROUP_BYTES / row_bytes;
    const size_t n = e->n_rows_max = fit < 1 ? 1 : fit < GROUP_EPISODES ? fit : GROUP_EPISODES;

    e->tasks = et_arena_array(e->arena, n, sizeof *e->tasks);
    e->n_tasks = et_arena_array(e->arena, n, sizeof *e->n_tasks);
    bool is_full = !e->tasks || !e->n_tasks;
    for (size_t i = 0; i < e->n_columns; i++) {
        struct column *column = &e->columns[i];
        if (is_real(column))
            column->reals = et_arena_array(e->arena, n * column->width, sizeof(double));
        else
            column->ints = et_arena_array(e->arena, n, sizeof(int64_t));
        column->is_there = et_arena_array(e->arena, n, sizeof(bool));
        is_full = is_full || !column->is_there || (!column->reals && !column->ints);
    }
    return is_full ? et_arena_fail(e->arena, "the table of episodes", err) : ET_OK;
}

/* ---- writing what waits ---- */

/* Lists: `depth` levels, where only the outermost has more than one element. Rows without the list
 * are null. */
static enum et_status write_lists(struct episodes *e, size_t leaf, const struct column *column,
                                  struct et_err *err)
{
    const size_t n = e->n_rows, width = column->width;
    const struct et_arena_mark mark = et_arena_mark(e->arena);
    uint8_t *def = et_arena_alloc(e->arena, n * width);
    uint8_t *rep = et_arena_alloc(e->arena, n * width);
    double *reals = et_arena_array(e->arena, n * width, sizeof *reals);
    int64_t *ints = et_arena_array(e->arena, n * width, sizeof *ints);
    size_t n_levels = 0, n_values = 0;

    if (!def || !rep || !reals || !ints)
        return et_arena_fail(e->arena, "the table of episodes", err);
    for (size_t row = 0; row < n; row++) {
        for (size_t i = 0; i < (column->is_there[row] ? width : 1); i++) {
            def[n_levels] = column->is_there[row] ? (uint8_t)(2 * column->depth + 1) : 0;
            rep[n_levels++] = i > 0;
            if (!column->is_there[row])
                continue;
            if (column->reals)
                reals[n_values] = column->reals[row * width + i];
            else
                ints[n_values] = column->ints[row];
            n_values++;
        }
    }
    const struct et_parquet_batch batch = {.n_rows = (int64_t)n,
                                           .n_levels = (int64_t)n_levels,
                                           .n_values = (int64_t)n_values,
                                           .def = def,
                                           .rep = rep,
                                           .values = column->reals ? (const void *)reals : ints};
    const enum et_status st = et_parquet_write_leaf(e->file, leaf, &batch, err);
    et_arena_rewind(e->arena, mark);
    return st;
}

static enum et_status write_tasks(struct episodes *e, size_t leaf, struct et_err *err)
{
    size_t n_levels = 0, n_values = 0;
    for (size_t row = 0; row < e->n_rows; row++)
        n_levels += e->n_tasks[row] > 0 ? e->n_tasks[row] : 1;
    const struct et_arena_mark mark = et_arena_mark(e->arena);
    uint8_t *def = et_arena_alloc(e->arena, n_levels);
    uint8_t *rep = et_arena_alloc(e->arena, n_levels);
    struct et_str *texts = et_arena_array(e->arena, n_levels, sizeof *texts);
    if (!def || !rep || !texts)
        return et_arena_fail(e->arena, "the table of episodes", err);

    n_levels = 0;
    for (size_t row = 0; row < e->n_rows; row++) {
        for (size_t i = 0; i < e->n_tasks[row]; i++) {
            def[n_levels] = 3;
            rep[n_levels++] = i > 0;
            texts[n_values++] = et_str(e->tasks[row][i]);
        }
        if (e->n_tasks[row] == 0)
            def[n_levels++] = 1; // an empty list
    }
    const struct et_parquet_batch batch = {.n_rows = (int64_t)e->n_rows,
                                           .n_levels = (int64_t)n_levels,
                                           .n_values = (int64_t)n_values,
                                           .def = def,
                                           .rep = rep,
                                           .values = texts};
    const enum et_status st = et_parquet_write_leaf(e->file, leaf, &batch, err);
    et_arena_rewind(e->arena, mark);
    return st;
}

static enum et_status begin_file(struct episodes *e, struct et_err *err)
{
    const struct et_parquet_writer_options options = {.codec = ET_PARQUET_SNAPPY,
                                                      .use_dictionary = true};
    char name[80];
    (void)snprintf(name, sizeof name, "meta/episodes/chunk-%03lld/file-%03lld.parquet",
                   (long long)e->chunk, (long long)e->number);
    const enum et_status st = et__part_begin(&e->part, e->root, name, err);
    return st == ET_OK
               ? et_parquet_create(&e->file, e->part.part, e->nodes, e->n_nodes, &options, err)
               : st;
}

static enum et_status end_file(struct episodes *e, struct et_err *err)
{
    struct et_parquet_writer *file = e->file;
    if (!file)
        return ET_OK;
    e->file = NULL;
    et__next_file(&e->chunk, &e->number, e->spec->chunk_files);
    const enum et_status st = et_parquet_writer_finish(file, err);
    return st == ET_OK ? et__part_end(&e->part, err) : st;
}

static enum et_status write_group(struct episodes *e, struct et_err *err)
{
    enum et_status st = e->n_rows > 0 && !e->file ? begin_file(e, err) : ET_OK;
    if (st != ET_OK || e->n_rows == 0)
        return st;
    for (size_t i = 0; st == ET_OK && i < e->n_columns; i++) {
        struct column *column = &e->columns[i];
        for (size_t row = 0; row < e->n_rows && column->kind >= META_CHUNK; row++)
            column->ints[row] = column->kind == META_CHUNK ? e->chunk : e->number;
        if (column->kind == TASKS)
            st = write_tasks(e, i, err);
        else if (column->depth > 0)
            st = write_lists(e, i, column, err);
        else
            st = et_parquet_write_rows(e->file, i,
                                       column->reals ? (const void *)column->reals : column->ints,
                                       (int64_t)e->n_rows, 1, err);
    }
    if (st == ET_OK)
        st = et_parquet_writer_commit(e->file, err);
    e->n_rows = 0;
    et_arena_rewind(e->texts, e->texts_mark);
    const double bytes = st == ET_OK ? (double)et_parquet_writer_bytes(e->file) : 0;
    if (st == ET_OK && bytes / MB >= e->spec->data_file_mb)
        st = end_file(e, err);
    return st;
}

/* ---- taking rows from the journal ---- */

static enum et_status keep_tasks(struct episodes *e, const struct et__journal_line *line,
                                 struct et_err *err)
{
    const char **tasks = et_arena_array(e->texts, line->n_tasks, sizeof *tasks);
    if (!tasks)
        return et_arena_fail(e->texts, "the table of episodes", err);
    for (size_t i = 0; i < line->n_tasks; i++) {
        tasks[i] = et__copy_text(e->texts, et_str(line->tasks[i]));
        if (!tasks[i])
            return et_arena_fail(e->texts, "the table of episodes", err);
    }
    e->tasks[e->n_rows] = tasks;
    e->n_tasks[e->n_rows] = line->n_tasks;
    return ET_OK;
}

static void keep_video(const struct episodes *e, struct column *column,
                       const struct et__journal_line *line)
{
    const char *key = e->spec->fields[column->i_field].name;
    for (size_t i = 0; i < line->n_videos; i++) {
        const struct et__journal_video *video = &line->videos[i];
        if (strcmp(video->key, key) != 0)
            continue;
        if (column->kind == VIDEO_CHUNK)
            column->ints[e->n_rows] = video->chunk;
        else if (column->kind == VIDEO_FILE)
            column->ints[e->n_rows] = video->file;
        else
            column->reals[e->n_rows] = column->kind == VIDEO_FROM ? video->from_s : video->to_s;
    }
}

static void keep_stat(const struct episodes *e, struct column *column,
                      const struct et__stats *stats)
{
    const double *values = column->i_stat == 0   ? stats->min
                           : column->i_stat == 1 ? stats->max
                           : column->i_stat == 2 ? stats->mean
                                                 : stats->std;
    if (column->i_stat >= N_MOMENTS)
        values = stats->quantiles ? stats->quantiles + (column->i_stat - N_MOMENTS) * column->width
                                  : NULL;
    column->is_there[e->n_rows] = stats->n > 0 && (column->kind == COUNT || values);
    if (column->kind == COUNT)
        column->ints[e->n_rows] = stats->count;
    else if (column->is_there[e->n_rows])
        memcpy(column->reals + e->n_rows * column->width, values, column->width * sizeof *values);
}

static void keep_number(const struct episodes *e, struct column *column,
                        const struct et__journal_line *line)
{
    int64_t x = 0;
    if (column->kind == EPISODE_INDEX)
        x = line->index;
    else if (column->kind == LENGTH)
        x = line->n_rows;
    else if (column->kind == DATA_CHUNK)
        x = line->data_chunk;
    else if (column->kind == DATA_FILE)
        x = line->data_file;
    else if (column->kind == FROM_INDEX)
        x = line->from_index;
    else if (column->kind == TO_INDEX)
        x = line->from_index + line->n_rows;
    column->ints[e->n_rows] = x;
}

static enum et_status take_line(void *ctx, const struct et__journal_line *line,
                                struct et_arena *arena, struct et_err *err)
{
    struct episodes *e = ctx;
    struct et__stats *stats = NULL;
    if (line->kind != ET__JOURNAL_EPISODE)
        return ET_OK;

    enum et_status st = keep_tasks(e, line, err);
    if (st == ET_OK)
        st = et__stats_unpack(line->stats, e->spec, arena, &stats, err);
    for (size_t i = 0; st == ET_OK && i < e->n_columns; i++) {
        struct column *column = &e->columns[i];
        if (column->kind >= VIDEO_CHUNK && column->kind <= VIDEO_TO) {
            keep_video(e, column, line);
        } else if (column->kind == STAT || column->kind == COUNT) {
            keep_stat(e, column, &stats[column->i_field]);
        } else if (column->kind != TASKS) {
            keep_number(e, column, line);
        }
    }
    e->n_rows++;
    return st == ET_OK && e->n_rows == e->n_rows_max ? write_group(e, err) : st;
}

enum et_status et__episodes_parquet_write(const char *root, const struct et__spec *spec,
                                          const struct et__summary *summary, struct et_err *err)
{
    struct episodes e = {.root = root, .spec = spec, .summary = summary};
    enum et_status st = et_arena_open(&e.arena, ET__WRITER_ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_arena_open(&e.texts, ET__WRITER_ARENA_BYTES, err);
    if (st == ET_OK) {
        e.texts_mark = et_arena_mark(e.texts);
        e.nodes = et_arena_array(e.arena, ET_PARQUET_NODES_MAX, sizeof *e.nodes);
        if (!e.nodes)
            st = et_arena_fail(e.arena, "the table of episodes", err);
    }
    if (st == ET_OK)
        st = lay_out(&e, err);
    if (st == ET_OK)
        st = make_room(&e, err);
    if (st == ET_OK)
        st = et__journal_each(root, take_line, &e, err);
    if (st == ET_OK)
        st = write_group(&e, err);
    if (st == ET_OK)
        st = end_file(&e, err);
    et_parquet_writer_close(e.file);
    et_arena_close(e.texts);
    et_arena_close(e.arena);
    return st;
}

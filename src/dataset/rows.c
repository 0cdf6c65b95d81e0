/* Rows of an episode: every column as it is stored. */
#include "dataset/dataset__internal.h"

#include <assert.h>

static size_t type_bytes(enum et_parquet_type type)
{
    switch (type) {
    case ET_PARQUET_BOOL:
        return 1;
    case ET_PARQUET_INT32:
    case ET_PARQUET_FLOAT:
        return 4;
    case ET_PARQUET_INT64:
    case ET_PARQUET_DOUBLE:
        return 8;
    case ET_PARQUET_INT96:
    case ET_PARQUET_BYTES:
    case ET_PARQUET_FIXED:
        return sizeof(struct et_str);
    }
    return 0;
}

/* ---- where an episode's rows are ---- */

// The longest run of rows that say they are the episode's.
static void longest_run(const int64_t *indices, int64_t n, int64_t index, int64_t *first,
                        int64_t *n_rows)
{
    *first = *n_rows = 0;
    for (int64_t i = 0; i < n;) {
        int64_t end = i;
        while (end < n && indices[end] == index)
            end++;
        if (end - i > *n_rows) {
            *first = i;
            *n_rows = end - i;
        }
        i = end > i ? end : i + 1;
    }
}

// All of the rows that the metadata names say that they are the episode's.
static bool agrees(const struct et__episode *episode, const int64_t *indices, int64_t n)
{
    if (episode->first_row > n || episode->n_rows > n - episode->first_row)
        return false;
    for (int64_t i = 0; i < episode->n_rows; i++) {
        if (indices[episode->first_row + i] != episode->index)
            return false;
    }
    return true;
}

/* Reads episode_index of the rows that the metadata names, and only when they are not the episode's
 * that of the whole file. ET_ENOTFOUND, ET_EUNSUPPORTED: the file has no such column of numbers. */
static enum et_status locate_by_index(const struct et__episode *episode,
                                      struct et_parquet_reader *reader, struct et_arena *arena,
                                      int64_t *first, int64_t *n_rows, const char **trouble,
                                      struct et_err *err)
{
    const int64_t n_file = et_parquet_n_rows(reader);
    enum et_status st;

    if (episode->first_row <= n_file && episode->n_rows <= n_file - episode->first_row) {
        struct et__episode here = *episode;
        here.first_row = 0;
        int64_t *indices = et_arena_array(arena, (size_t)episode->n_rows, sizeof *indices);
        if (!indices)
            return et_arena_fail(arena, "a column", err);
        st = et__read_ints(reader, "episode_index", episode->first_row, episode->n_rows, indices,
                           err);
        if (st != ET_OK || agrees(&here, indices, episode->n_rows))
            return st;
    }
    int64_t *indices = et_arena_array(arena, (size_t)n_file, sizeof *indices);
    if (!indices)
        return et_arena_fail(arena, "a column", err);
    st = et__read_ints(reader, "episode_index", 0, n_file, indices, err);
    if (st != ET_OK)
        return st;
    longest_run(indices, n_file, episode->index, first, n_rows);
    *trouble = *n_rows ? "the metadata names other rows than those that say they are the "
                         "episode's; the latter were read"
                       : "no row of the data file says that it is the episode's";
    return ET_OK;
}

enum et_status et__rows_locate(const struct et_dataset *ds, const struct et__episode *episode,
                               struct et_parquet_reader *reader, struct et_arena *arena,
                               int64_t *first, int64_t *n_rows, const char **trouble,
                               struct et_err *err)
{
    const int64_t n_file = et_parquet_n_rows(reader);

    *trouble = NULL;
    *first = 0;
    *n_rows = n_file;
    if (ds->info.layout != ET_LAYOUT_V30) // the whole file, whatever it says
        return ET_OK;
    *first = episode->first_row < n_file ? episode->first_row : n_file;
    *n_rows = episode->n_rows < n_file - *first ? episode->n_rows : n_file - *first;
    struct et_err bad = {0};
    const struct et_arena_mark mark = et_arena_mark(arena);
    enum et_status st = locate_by_index(episode, reader, arena, first, n_rows, trouble, &bad);
    et_arena_rewind(arena, mark);
    if (st == ET_ENOTFOUND || st == ET_EUNSUPPORTED) // no such column: the metadata counts
        return ET_OK;
    return st == ET_OK ? ET_OK : et_fail(err, st, bad.at, "%s", bad.text);
}

/* ---- columns ---- */

/* What reads one episode. */
struct reading {
    const struct et_dataset *ds;
    const struct et__episode *episode;
    struct et_parquet_reader *reader;
    struct et_arena *arena;
    const char *path;
    const char *where; // the path below the dataset's folder
    int64_t first, n_rows;
    struct et__remarks remarks;
    struct et_rows *rows;
};

// How many values the first row has, when every row has as many and none is null; 0 otherwise.
static size_t row_width(const struct et_parquet_leaf *leaf, const struct et_parquet_batch *batch)
{
    if (batch->n_rows == 0 || batch->n_values == 0 || batch->n_values % batch->n_rows != 0 ||
        batch->n_values != batch->n_levels)
        return 0;
    const int64_t width = batch->n_values / batch->n_rows;
    for (int64_t i = 0; i < batch->n_levels; i++) {
        if (batch->def && batch->def[i] != leaf->max_def)
            return 0;
        if (batch->rep && (batch->rep[i] == 0) != (i % width == 0))
            return 0;
    }
    return (size_t)width;
}

static bool is_text(enum et_parquet_type type)
{
    return type == ET_PARQUET_BYTES || type == ET_PARQUET_FIXED || type == ET_PARQUET_INT96;
}

// Texts are copied one by one; their array was copied before.
static bool copy_texts(struct et_arena *arena, struct et_str *texts, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        texts[i].p = et__copy_text(arena, texts[i]);
        if (!texts[i].p)
            return false;
    }
    return true;
}

/* A batch that stays: the cursor's own goes with its next call. */
static bool copy_batch(struct et_arena *arena, enum et_parquet_type type,
                       const struct et_parquet_batch *batch, struct et_parquet_batch *copy)
{
    *copy = *batch;
    void *values = et_arena_array(arena, (size_t)batch->n_values, type_bytes(type));
    if (!values)
        return false;
    if (batch->n_values)
        memcpy(values, batch->values, (size_t)batch->n_values * type_bytes(type));
    copy->values = values;
    if (batch->def && !(copy->def = et_arena_copy(arena, batch->def, (size_t)batch->n_levels)))
        return false;
    if (batch->rep && !(copy->rep = et_arena_copy(arena, batch->rep, (size_t)batch->n_levels)))
        return false;
    return !is_text(type) || copy_texts(arena, values, batch->n_values);
}

/* Reads one leaf. With `column` not NULL and a rectangle of numbers it becomes the column's values;
 * otherwise *kept is filled. */
static enum et_status read_leaf(struct reading *reading, size_t i_leaf, struct et_column *column,
                                struct et_parquet_batch *kept, struct et_err *err)
{
    struct et_parquet_cursor *cursor = NULL;
    struct et_parquet_batch batch = {0};

    const struct et_parquet_leaf *leaf = et_parquet_leaf(reading->reader, i_leaf);
    enum et_status st = et_parquet_cursor_open(&cursor, reading->reader, i_leaf, err);
    if (st == ET_OK)
        st = et_parquet_cursor_seek(cursor, reading->first, err);
    if (st == ET_OK && reading->n_rows)
        st = et_parquet_cursor_next(cursor, reading->n_rows, &batch, err);
    if (st == ET_END || (st == ET_OK && batch.n_rows != reading->n_rows))
        st = et_fail(err, ET_ECORRUPT, reading->first, "column %s ends before row %lld",
                     leaf->column, (long long)(reading->first + reading->n_rows));
    if (st == ET_OK) {
        const size_t width = column && et__is_number(leaf->type) ? row_width(leaf, &batch) : 0;
        if (width) // a rectangle needs no levels
            batch.def = batch.rep = NULL;
        const bool is_copied = copy_batch(reading->arena, leaf->type, &batch, kept);
        if (!is_copied)
            st = et_arena_fail(reading->arena, "an episode's rows", err);
        else if (width) {
            column->is_rectangular = true;
            column->type = leaf->type;
            column->n_values = width;
            column->values = kept->values;
        }
    }
    et_parquet_cursor_close(cursor);
    return st;
}

// The column's part of the schema, with the column itself as its first node and the only parent of
// −1.
static bool copy_nodes(struct reading *reading, size_t first, size_t last, struct et_column *column)
{
    const struct et_parquet_node *all = et_parquet_nodes(reading->reader);

    struct et_parquet_node *nodes = et_arena_array(reading->arena, last - first, sizeof *nodes);
    for (size_t i = first; nodes && i < last; i++) {
        nodes[i - first] = all[i];
        nodes[i - first].parent = i == first ? -1 : all[i].parent - (int)first;
        // The reader goes when the rows were read: names must not go with it.
        nodes[i - first].name = et__copy_text(reading->arena, et_str(all[i].name));
        if (!nodes[i - first].name)
            return false;
    }
    column->nodes = nodes;
    column->n_nodes = last - first;
    column->name = nodes ? nodes[0].name : NULL;
    return nodes != NULL;
}

// Reads the column of nodes first … last − 1, whose leaves begin with *i_leaf.
static enum et_status read_column(struct reading *reading, size_t first, size_t last,
                                  size_t *i_leaf, struct et_column *column, struct et_err *err)
{
    size_t n_leaves = 0;

    *column = (struct et_column){0};
    if (!copy_nodes(reading, first, last, column))
        return et_arena_fail(reading->arena, "an episode's rows", err);
    column->i_feature = et_dataset_find(reading->ds, column->name);
    for (size_t i = first; i < last; i++)
        n_leaves += et_parquet_nodes(reading->reader)[i].is_leaf;
    struct et_parquet_batch *leaves = et_arena_array(reading->arena, n_leaves, sizeof *leaves);
    if (!leaves)
        return et_arena_fail(reading->arena, "an episode's rows", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < n_leaves; i++)
        st = read_leaf(reading, *i_leaf + i, n_leaves == 1 ? column : NULL, &leaves[i], err);
    *i_leaf += n_leaves;
    if (!column->is_rectangular) {
        column->leaves = leaves;
        column->n_leaves = n_leaves;
    }
    return st;
}

static enum et_status read_columns(struct reading *reading, struct et_err *err)
{
    const struct et_parquet_node *nodes = et_parquet_nodes(reading->reader);
    const size_t n_nodes = et_parquet_n_nodes(reading->reader);
    size_t n_columns = 0, i_leaf = 0;

    for (size_t i = 0; i < n_nodes; i++)
        n_columns += nodes[i].parent < 0;
    struct et_column *columns = et_arena_array(reading->arena, n_columns, sizeof *columns);
    if (!columns)
        return et_arena_fail(reading->arena, "an episode's rows", err);
    enum et_status st = ET_OK;
    size_t k = 0;
    for (size_t first = 0; st == ET_OK && first < n_nodes;) {
        size_t last = first + 1;
        while (last < n_nodes && nodes[last].parent >= 0)
            last++;
        st = read_column(reading, first, last, &i_leaf, &columns[k++], err);
        first = last;
    }
    reading->rows->columns = columns;
    reading->rows->n_columns = n_columns;
    return st;
}

/* ---- columns against features ---- */

bool et__dtype_fits(enum et_dtype dtype, enum et_parquet_type type)
{
    switch (dtype) {
    case ET_DTYPE_FLOAT32:
        return type == ET_PARQUET_FLOAT;
    case ET_DTYPE_FLOAT64:
        return type == ET_PARQUET_DOUBLE;
    case ET_DTYPE_INT64:
        return type == ET_PARQUET_INT64;
    case ET_DTYPE_INT32:
    case ET_DTYPE_INT16:
    case ET_DTYPE_UINT8:
        return type == ET_PARQUET_INT32;
    case ET_DTYPE_BOOL:
        return type == ET_PARQUET_BOOL;
    case ET_DTYPE_STRING:
        return type == ET_PARQUET_BYTES;
    case ET_DTYPE_IMAGE:
    case ET_DTYPE_VIDEO:
    case ET_DTYPE_LANGUAGE:
    case ET_DTYPE_OTHER:
        break;
    }
    return true;
}

static void check_column(struct reading *reading, const struct et_column *column)
{
    struct et__remarks *remarks = &reading->remarks;

    if (column->i_feature < 0) {
        et__remark(remarks, ET__CHECK_SCHEMA, ET_SEVERITY_INFO, reading->where,
                   "column %s is not declared in %s", column->name, ET__INFO_PATH);
        return;
    }
    const struct et_feature *feature = &reading->ds->features[column->i_feature];
    if (feature->n_values == 0)
        return;
    if (!column->is_rectangular && reading->n_rows)
        et__remark(remarks, ET__CHECK_SCHEMA, ET_SEVERITY_ERROR, reading->where,
                   "the rows of %s do not all have %zu values", column->name, feature->n_values);
    if (column->is_rectangular && column->n_values != feature->n_values)
        et__remark(remarks, ET__CHECK_SCHEMA, ET_SEVERITY_ERROR, reading->where,
                   "%s has %zu values a row, and %zu are declared", column->name, column->n_values,
                   feature->n_values);
    if (column->is_rectangular && !et__dtype_fits(feature->dtype, column->type))
        et__remark(remarks, ET__CHECK_SCHEMA, ET_SEVERITY_WARN, reading->where,
                   "%s is not stored as %s", column->name, et_dtype_text(feature->dtype));
}

static void check_columns(struct reading *reading)
{
    const struct et_dataset *ds = reading->ds;

    for (size_t i = 0; i < reading->rows->n_columns; i++)
        check_column(reading, &reading->rows->columns[i]);
    for (size_t i = 0; i < ds->info.n_features; i++) {
        if (ds->features[i].dtype != ET_DTYPE_VIDEO &&
            !et_rows_find(reading->rows, ds->features[i].name))
            et__remark(&reading->remarks, ET__CHECK_SCHEMA, ET_SEVERITY_ERROR, reading->where,
                       "there is no column %s, which is declared", ds->features[i].name);
    }
}

static enum et_status read_rows(struct reading *reading, struct et_err *err)
{
    const char *trouble = NULL;

    enum et_status st =
        et__rows_locate(reading->ds, reading->episode, reading->reader, reading->arena,
                        &reading->first, &reading->n_rows, &trouble, err);
    if (st != ET_OK)
        return st;
    if (trouble)
        et__remark(&reading->remarks, ET__CHECK_GLOBAL_RANGE, ET_SEVERITY_ERROR, reading->where,
                   "%s", trouble);
    reading->rows->n_rows = reading->n_rows;
    st = read_columns(reading, err);
    if (st == ET_OK)
        check_columns(reading);
    return st;
}

enum et_status et_dataset_rows(const struct et_dataset *dataset, int64_t i, struct et_arena *arena,
                               struct et_rows *rows, struct et_err *err)
{
    *rows = (struct et_rows){0};
    if (i < 0 || i >= dataset->info.n_episodes)
        return et_fail(err, ET_EARG, i, "%s: there is no episode in place %lld of %lld",
                       dataset->info.path, (long long)i, (long long)dataset->info.n_episodes);
    struct reading reading = {.ds = dataset,
                              .episode = &dataset->episodes[i],
                              .arena = arena,
                              .remarks = {.arena = arena},
                              .rows = rows};
    reading.path = et__data_path(dataset, reading.episode, arena);
    if (!reading.path)
        return et_arena_fail(arena, "a path", err);
    reading.where = et__below(dataset, reading.path);
    enum et_status st = et__reader_take(dataset, reading.episode, &reading.reader, err);
    if (st == ET_OK) {
        st = read_rows(&reading, err);
        if (st != ET_OK)
            (void)et_err_context(err, "%s", reading.path);
    }
    et__reader_give(dataset, reading.reader);
    rows->remarks = reading.remarks.items;
    rows->n_remarks = reading.remarks.n;
    return st;
}

const struct et_column *et_rows_find(const struct et_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->n_columns; i++) {
        if (strcmp(rows->columns[i].name, name) == 0)
            return &rows->columns[i];
    }
    return NULL;
}

double et_column_get(const struct et_column *column, int64_t row, size_t value)
{
    assert(column->is_rectangular && row >= 0 && value < column->n_values);
    return et__number_at(column->type, column->values, (size_t)row * column->n_values + value);
}

/* Rows of an episode: every column as it is stored. */
#include "dataset/dataset__internal.h"

#include <assert.h>
#include <inttypes.h>

size_t et__type_bytes(enum et_parquet_type type)
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

/* ---- columns ---- */

/* What reads one episode. */
struct reading {
    const struct et_dataset *ds;
    struct et_parquet_reader *reader;
    struct et_arena *arena;
    const char *path;
    const char *where; // the path below the dataset's folder
    int64_t first, n_rows;
    bool skips_pictures; // their columns come without leaves
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
    void *values = et_arena_array(arena, (size_t)batch->n_values, et__type_bytes(type));
    if (!values)
        return false;
    if (batch->n_values)
        memcpy(values, batch->values, (size_t)batch->n_values * et__type_bytes(type));
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
        st = et_fail(err, ET_ECORRUPT, reading->first, "column %s ends before row %" PRId64,
                     leaf->column, reading->first + reading->n_rows);
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
    if (reading->skips_pictures && et__is_picture_column(reading->ds, column)) {
        *i_leaf += n_leaves;
        return ET_OK;
    }
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

bool et__is_picture_column(const struct et_dataset *ds, const struct et_column *column)
{
    if (column->i_feature < 0 || ds->features[column->i_feature].dtype != ET_DTYPE_IMAGE ||
        column->n_nodes != 3)
        return false;
    const struct et_parquet_node *cell = column->nodes;
    for (size_t i = 1; i < 3; i++)
        if (!cell[i].is_leaf || cell[i].parent != 0 || cell[i].type != ET_PARQUET_BYTES ||
            cell[i].repetition != ET_PARQUET_OPTIONAL)
            return false;
    return !cell[0].is_leaf && cell[0].repetition == ET_PARQUET_OPTIONAL &&
           strcmp(cell[1].name, "bytes") == 0 && strcmp(cell[2].name, "path") == 0;
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

static enum et_status read_rows(struct reading *reading, const struct et__place *place,
                                struct et_err *err)
{
    reading->reader = place->reader;
    reading->path = place->path;
    reading->where = et__below(reading->ds, place->path);
    reading->first = place->first;
    reading->n_rows = reading->rows->n_rows = place->n_rows;
    if (place->trouble)
        et__remark(&reading->remarks, ET__CHECK_GLOBAL_RANGE, ET_SEVERITY_ERROR, reading->where,
                   "%s", place->trouble);
    const enum et_status st = read_columns(reading, err);
    if (st == ET_OK)
        check_columns(reading);
    else
        (void)et_err_context(err, "%s", reading->path);
    return st;
}

static enum et_status rows_of(const struct et_dataset *dataset, int64_t i, bool skips_pictures,
                              struct et_arena *arena, struct et_rows *rows, struct et_err *err)
{
    struct et__place place;

    *rows = (struct et_rows){0};
    if (i < 0 || i >= dataset->info.n_episodes)
        return et_fail(err, ET_EARG, i, "%s: there is no episode in place %lld of %lld",
                       dataset->info.path, (long long)i, (long long)dataset->info.n_episodes);
    if (dataset->info.layout == ET_LAYOUT_EPISODES)
        return et_fail(err, ET_EUNSUPPORTED, i, "%.150s holds episodes of many rates: no rows",
                       dataset->info.path);
    struct reading reading = {.ds = dataset,
                              .arena = arena,
                              .skips_pictures = skips_pictures,
                              .remarks = {.arena = arena},
                              .rows = rows};
    enum et_status st = et__rows_open(dataset, &dataset->episodes[i], arena, &place, err);
    if (st == ET_OK)
        st = read_rows(&reading, &place, err);
    et__rows_close(dataset, &place);
    rows->remarks = reading.remarks.items;
    rows->n_remarks = reading.remarks.n;
    return st;
}

enum et_status et_dataset_rows(const struct et_dataset *dataset, int64_t i, struct et_arena *arena,
                               struct et_rows *rows, struct et_err *err)
{
    return rows_of(dataset, i, false, arena, rows, err);
}

enum et_status et__rows_without_pictures(const struct et_dataset *dataset, int64_t i,
                                         struct et_arena *arena, struct et_rows *rows,
                                         struct et_err *err)
{
    return rows_of(dataset, i, true, arena, rows, err);
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

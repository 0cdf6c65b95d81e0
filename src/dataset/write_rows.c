#include "dataset/dataset__write.h"

#include <assert.h>

static enum et_parquet_type type_of(enum et_dtype dtype, enum et_parquet_type otherwise)
{
    switch (dtype) {
    case ET_DTYPE_FLOAT32:
        return ET_PARQUET_FLOAT;
    case ET_DTYPE_FLOAT64:
        return ET_PARQUET_DOUBLE;
    case ET_DTYPE_INT64:
        return ET_PARQUET_INT64;
    case ET_DTYPE_INT32:
    case ET_DTYPE_INT16:
    case ET_DTYPE_UINT8:
        return ET_PARQUET_INT32;
    case ET_DTYPE_BOOL:
        return ET_PARQUET_BOOL;
    case ET_DTYPE_STRING:
    case ET_DTYPE_IMAGE:
    case ET_DTYPE_VIDEO:
    case ET_DTYPE_LANGUAGE:
    case ET_DTYPE_OTHER:
        break;
    }
    return otherwise;
}

const struct et_column *et__episode_column(const struct et_new_episode *episode, const char *name)
{
    for (size_t i = 0; i < episode->n_columns; i++)
        if (strcmp(episode->columns[i].name, name) == 0)
            return &episode->columns[i];
    return NULL;
}

/* ---- the table ---- */

// LeRobot stores a feature of shape (1,) as a plain number (feature_utils.py:68).
static int depth_of(const struct et__field *field)
{
    const bool is_scalar = field->n_dims == 0 || (field->n_dims == 1 && field->shape[0] == 1);
    return is_scalar ? 0 : (int)field->n_dims;
}

// A column's own nodes behind those that are there already.
static bool add_nodes(struct et__table *table, const struct et_column *column,
                      struct et__shape *shape)
{
    const size_t first = table->n_nodes;
    if (column->n_nodes > ET_PARQUET_NODES_MAX - first)
        return false;
    for (size_t i = 0; i < column->n_nodes; i++) {
        struct et_parquet_node node = column->nodes[i];
        if (node.parent >= 0)
            node.parent += (int)first;
        table->nodes[table->n_nodes++] = node;
        shape->n_leaves += node.is_leaf;
    }
    shape->nodes = &table->nodes[first];
    shape->n_nodes = column->n_nodes;
    return true;
}

/* The column of an image feature: {bytes, path}, as the datasets library has it. */
static const struct et_column *picture_column(const char *name, struct et_parquet_node nodes[3],
                                              struct et_column *column)
{
    nodes[0] =
        (struct et_parquet_node){.name = name, .parent = -1, .repetition = ET_PARQUET_OPTIONAL};
    nodes[1] = (struct et_parquet_node){.name = "bytes",
                                        .repetition = ET_PARQUET_OPTIONAL,
                                        .is_leaf = true,
                                        .type = ET_PARQUET_BYTES};
    nodes[2] = nodes[1];
    nodes[2].name = "path";
    nodes[2].logical = ET_PARQUET_STRING;
    *column = (struct et_column){.name = name, .nodes = nodes, .n_nodes = 3, .n_leaves = 2};
    return column;
}

static enum et_status add_numbers(struct et__table *table, const struct et__field *field,
                                  enum et_parquet_type type, struct et__shape *shape,
                                  struct et_err *err)
{
    shape->is_rectangular = true;
    shape->type = type;
    shape->depth = depth_of(field);
    shape->n_leaves = 1;
    if (et_parquet_add_column(table->nodes, ET_PARQUET_NODES_MAX, &table->n_nodes, field->name,
                              type, ET_PARQUET_PLAIN, shape->depth) < 0)
        return et_fail(err, ET_ELIMIT, -1, "the table has too many columns");
    return ET_OK;
}

static enum et_status add_shape(struct et__table *table, const struct et__spec *spec,
                                size_t i_field, const struct et_new_episode *episode,
                                struct et_err *err)
{
    const struct et__field *field = &spec->fields[i_field];
    struct et_parquet_node nodes[3];
    struct et_column made;
    const struct et_column *column = et__episode_pictures(episode, i_field)
                                         ? picture_column(field->name, nodes, &made)
                                         : et__episode_column(episode, field->name);
    struct et__shape *shape = &table->shapes[table->n_shapes++];
    *shape = (struct et__shape){.i_field = i_field, .first_leaf = table->n_leaves};

    enum et_status st = ET_OK;
    if (field->n_values > 0) {
        const enum et_parquet_type own = column ? column->type : ET_PARQUET_FLOAT;
        st = add_numbers(table, field, type_of(field->dtype, own), shape, err);
    } else if (!column) {
        return et_fail(err, ET_EARG, -1, "the episode has no column %.100s", field->name);
    } else if (column->nodes) {
        if (!add_nodes(table, column, shape))
            return et_fail(err, ET_ELIMIT, -1, "the table has too many columns");
    } else {
        return et_fail(err, ET_EARG, -1, "the column %.100s does not say how it is made",
                       field->name);
    }
    table->n_leaves += shape->n_leaves;
    return st;
}

enum et_status et__table_make(const struct et__spec *spec, const struct et_new_episode *episode,
                              struct et_arena *arena, const struct et__table **table,
                              struct et_err *err)
{
    // Nodes keep pointers to names; those of columns belong to the episode and are copied.
    struct et__table *made = et_arena_alloc(arena, sizeof *made);
    if (!made)
        return et_arena_fail(arena, "the table", err);
    made->nodes = et_arena_array(arena, ET_PARQUET_NODES_MAX, sizeof *made->nodes);
    made->shapes = et_arena_array(arena, spec->n_fields, sizeof *made->shapes);
    if (!made->nodes || !made->shapes)
        return et_arena_fail(arena, "the table", err);

    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < spec->n_fields; i++)
        if (!spec->fields[i].is_video)
            st = add_shape(made, spec, i, episode, err);
    for (size_t i = 0; st == ET_OK && i < made->n_nodes; i++) {
        made->nodes[i].name = et__copy_text(arena, et_str(made->nodes[i].name));
        if (!made->nodes[i].name)
            st = et_arena_fail(arena, "the table", err);
    }
    *table = made;
    return st;
}

/* ---- does an episode fit? ---- */

static enum et_status check_numbers(const struct et__field *field, enum et_parquet_type type,
                                    const struct et_column *column, struct et_err *err)
{
    if (!column->is_rectangular || !column->values)
        return et_fail(err, ET_EARG, -1, "the column %.100s is not %zu numbers in every row",
                       field->name, field->n_values);
    if (column->n_values != field->n_values)
        return et_fail(err, ET_EARG, -1, "the column %.100s has %zu numbers a row, the feature %zu",
                       field->name, column->n_values, field->n_values);
    if (column->type != type)
        return et_fail(err, ET_EARG, -1, "the column %.100s is of another type than the feature",
                       field->name);
    return ET_OK;
}

static bool is_same_nodes(const struct et__shape *shape, const struct et_column *column)
{
    if (shape->n_nodes != column->n_nodes || !column->nodes ||
        (!column->is_rectangular && shape->n_leaves != column->n_leaves))
        return false;
    for (size_t i = 0; i < shape->n_nodes; i++) {
        const struct et_parquet_node *a = &shape->nodes[i], *b = &column->nodes[i];
        if (a->is_leaf != b->is_leaf || a->repetition != b->repetition ||
            (a->is_leaf && a->type != b->type))
            return false;
    }
    return true;
}

static enum et_status check_shape(const struct et__shape *shape, const struct et__spec *spec,
                                  const struct et_new_episode *episode, struct et_err *err)
{
    const struct et__field *field = &spec->fields[shape->i_field];
    const struct et_column *column = et__episode_column(episode, field->name);

    struct et_parquet_node nodes[3];
    struct et_column made;
    if (field->made != ET__DEFAULT_NONE && (field->made != ET__DEFAULT_TIMESTAMP || !column))
        return ET_OK;
    if (et__episode_pictures(episode, shape->i_field))
        column = picture_column(field->name, nodes, &made);
    if (!column)
        return et_fail(err, ET_EARG, -1, "the episode has no column %.100s", field->name);
    if (shape->is_rectangular)
        return check_numbers(field, shape->type, column, err);
    if (!is_same_nodes(shape, column))
        return et_fail(err, ET_EARG, -1, "the column %.100s is made in another way than before",
                       field->name);
    return ET_OK;
}

enum et_status et__table_check(const struct et__table *table, const struct et__spec *spec,
                               const struct et_new_episode *episode, struct et_err *err)
{
    for (size_t i = 0; i < episode->n_columns; i++) {
        const int i_field = et__spec_find(spec, episode->columns[i].name);
        if (i_field < 0 || spec->fields[i_field].is_video)
            return et_fail(err, ET_EARG, -1, "no feature is called %.100s",
                           episode->columns[i].name);
    }
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < table->n_shapes; i++)
        st = check_shape(&table->shapes[i], spec, episode, err);
    return st;
}

/* ---- writing ---- */

/* Levels of a full rectangle of lists in lists: every value is there (def at its largest), and a
 * value begins anew at the outermost list whose index moved. */
static enum et_status write_nested(struct et_parquet_writer *file, const struct et__shape *shape,
                                   const struct et__field *field, const struct et__cells *cells,
                                   struct et_err *err)
{
    const size_t n_levels = (size_t)cells->n_rows * field->n_values;
    const struct et_arena_mark mark = et_arena_mark(cells->arena);
    uint8_t *def = et_arena_alloc(cells->arena, n_levels);
    uint8_t *rep = et_arena_alloc(cells->arena, n_levels);
    enum et_status st = ET_OK;

    if (!def || !rep) {
        st = et_arena_fail(cells->arena, "an episode's table", err);
    } else {
        memset(def, 2 * shape->depth + 1, n_levels);
        for (size_t i = 0; i < field->n_values; i++) {
            size_t run = 1;
            int level = shape->depth;
            for (size_t d = field->n_dims; d-- > 0 && i % (run *= (size_t)field->shape[d]) == 0;)
                level--;
            rep[i] = (uint8_t)(i == 0 ? 0 : level);
        }
        for (size_t row = 1; row < (size_t)cells->n_rows; row++)
            memcpy(rep + row * field->n_values, rep, field->n_values);
        const struct et_parquet_batch batch = {.n_rows = cells->n_rows,
                                               .n_levels = (int64_t)n_levels,
                                               .n_values = (int64_t)n_levels,
                                               .def = def,
                                               .rep = rep,
                                               .values = cells->values};
        st = et_parquet_write_leaf(file, shape->first_leaf, &batch, err);
    }
    et_arena_rewind(cells->arena, mark);
    return st;
}

// The definition level of a leaf's values: how many of its nodes may be absent or repeated.
static int max_def(const struct et__table *table, const struct et_parquet_node *leaf)
{
    int def = leaf->repetition != ET_PARQUET_REQUIRED;
    for (int at = leaf->parent; at >= 0; at = table->nodes[at].parent)
        def += table->nodes[at].repetition != ET_PARQUET_REQUIRED;
    return def;
}

/* Rows first … first + n_rows − 1 of a leaf. */
static struct et_parquet_batch slice(const struct et_parquet_batch *leaf, enum et_parquet_type type,
                                     int def, int64_t first, int64_t n_rows)
{
    int64_t row = -1, level = 0, value = 0;
    struct et_parquet_batch part = *leaf;
    if (first == 0 && n_rows == leaf->n_rows)
        return part;
    int64_t first_level = leaf->n_levels, first_value = leaf->n_values;
    for (; level < leaf->n_levels; level++) {
        row += !leaf->rep || leaf->rep[level] == 0;
        if (row == first && (!leaf->rep || leaf->rep[level] == 0)) {
            first_level = level;
            first_value = value;
        }
        if (row == first + n_rows)
            break;
        value += !leaf->def || leaf->def[level] == def;
    }
    part.n_rows = n_rows;
    part.n_levels = level - first_level;
    part.n_values = value - first_value;
    part.def = leaf->def ? leaf->def + first_level : NULL;
    part.rep = leaf->rep ? leaf->rep + first_level : NULL;
    part.values = (const char *)leaf->values + (size_t)first_value * et__type_bytes(type);
    return part;
}

static enum et_status write_leaves(struct et_parquet_writer *file, const struct et__table *table,
                                   const struct et__shape *shape, const struct et_column *column,
                                   const struct et__content *content, struct et_err *err)
{
    enum et_status st = ET_OK;
    size_t k = 0;
    for (size_t i = 0; st == ET_OK && i < shape->n_nodes; i++) {
        if (!shape->nodes[i].is_leaf)
            continue;
        const struct et_parquet_batch part =
            slice(&column->leaves[k], shape->nodes[i].type, max_def(table, &shape->nodes[i]),
                  content->first, content->n_rows);
        st = et_parquet_write_leaf(file, shape->first_leaf + k++, &part, err);
    }
    return st;
}

static enum et_status write_pictures(struct et_parquet_writer *file, const struct et__shape *shape,
                                     const struct et__picture_cells *cells, int64_t n_rows,
                                     struct et_err *err)
{
    const struct et_parquet_batch bytes = {.n_rows = n_rows,
                                           .n_levels = n_rows,
                                           .n_values = cells->n_bytes,
                                           .def = cells->bytes_def,
                                           .values = cells->bytes};
    const struct et_parquet_batch paths = {.n_rows = n_rows,
                                           .n_levels = n_rows,
                                           .n_values = cells->n_paths,
                                           .def = cells->path_def,
                                           .values = cells->paths};
    const enum et_status st = et_parquet_write_leaf(file, shape->first_leaf, &bytes, err);
    return st == ET_OK ? et_parquet_write_leaf(file, shape->first_leaf + 1, &paths, err) : st;
}

static const struct et__picture_cells *find_cells(const struct et__content *content, size_t i_field)
{
    for (size_t i = 0; i < content->n_pictures; i++)
        if (content->pictures[i].i_field == i_field)
            return &content->pictures[i];
    return NULL;
}

enum et_status et__rows_write(struct et_parquet_writer *file, const struct et__table *table,
                              const struct et__spec *spec, const struct et__content *content,
                              struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < table->n_shapes; i++) {
        const struct et__shape *shape = &table->shapes[i];
        const struct et__field *field = &spec->fields[shape->i_field];
        const struct et__picture_cells *pictures = find_cells(content, shape->i_field);
        const struct et_column *column = et__episode_column(content->episode, field->name);
        const void *made = content->made[field->made];
        if (pictures) {
            st = write_pictures(file, shape, pictures, content->n_rows, err);
            continue;
        }
        if (!shape->is_rectangular) {
            st = write_leaves(file, table, shape, column, content, err);
            continue;
        }
        const size_t row_bytes = field->n_values * et__type_bytes(shape->type);
        const char *values = made ? made : column->values;
        const struct et__cells cells = {
            content->n_rows, values + (size_t)content->first * row_bytes, content->arena};
        if (shape->depth < 2)
            st = et_parquet_write_rows(file, shape->first_leaf, cells.values, cells.n_rows,
                                       field->n_values, err);
        else
            st = write_nested(file, shape, field, &cells, err);
    }
    return st;
}

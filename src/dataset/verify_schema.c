/* Verify: the columns of a data file against the features that info.json declares. */
#include "dataset/dataset__verify.h"

#include <inttypes.h>

#define BATCH_ROWS 8192

struct checking {
    const struct et_dataset *ds;
    struct et_parquet_reader *reader;
    struct et__file_scan *scan;
};

static const char *type_text(enum et_parquet_type type)
{
    static const char *const TEXTS[] = {"bool",    "int32",   "int64", "a time of 96 bits",
                                        "float32", "float64", "text",  "bytes"};
    return TEXTS[type];
}

static const char *place(const struct checking *c)
{
    return et__below(c->ds, c->scan->path);
}

// Rows of a leaf that do not hold `width` values without nulls; the first of them in *first.
static enum et_status count_bad_rows(struct checking *c, size_t leaf, size_t width, int64_t *n_bad,
                                     int64_t *first, struct et_err *err)
{
    const struct et_parquet_leaf *column = et_parquet_leaf(c->reader, leaf);
    struct et_parquet_cursor *cursor = NULL;
    struct et_parquet_batch batch;
    int64_t row = -1; // of the value that is looked at
    size_t n_here = width;

    *n_bad = 0;
    enum et_status st = et_parquet_cursor_open(&cursor, c->reader, leaf, err);
    while (st == ET_OK && (st = et_parquet_cursor_next(cursor, BATCH_ROWS, &batch, err)) == ET_OK) {
        for (int64_t i = 0; i < batch.n_levels; i++) {
            if (!batch.rep || batch.rep[i] == 0) { // a row begins: the one before is whole
                if (n_here != width && (*n_bad)++ == 0)
                    *first = row;
                row++;
                n_here = 0;
            }
            n_here += !batch.def || batch.def[i] == column->max_def;
        }
    }
    if (n_here != width && (*n_bad)++ == 0)
        *first = row;
    et_parquet_cursor_close(cursor);
    return st == ET_END ? ET_OK : st;
}

static enum et_status check_width(struct checking *c, const struct et_feature *feature, size_t leaf,
                                  struct et_err *err)
{
    struct et__note item = {.check = ET__CHECK_SCHEMA,
                            .severity = ET_SEVERITY_ERROR,
                            .found = {.stream = feature->name}};
    struct et_err bad = {0};
    int64_t n_bad = 0, first = 0;

    const enum et_status st = count_bad_rows(c, leaf, feature->n_values, &n_bad, &first, &bad);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    if (st != ET_OK) {
        item.check = ET__CHECK_FOOTER;
        return et__notes_add(&c->scan->notes, &item, err, "%s: %s cannot be read: %s", place(c),
                             feature->name, bad.text);
    }
    if (n_bad == 0)
        return ET_OK;
    item.found = (struct et__found){feature->name, (double)n_bad, 0, "rows"};
    return et__notes_add(&c->scan->notes, &item, err,
                         "%s: %" PRId64 " of %" PRId64
                         " rows of %s do not hold the %zu values that are declared, the first is "
                         "row %" PRId64,
                         place(c), n_bad, c->scan->n_rows, feature->name, feature->n_values, first);
}

// Lists as deep as the shape says; one value a row is a plain column.
static enum et_status check_depth(struct checking *c, const struct et_feature *feature,
                                  const struct et_parquet_leaf *leaf, struct et_err *err)
{
    const bool is_scalar = feature->n_dims == 0 || (feature->n_dims == 1 && feature->n_values == 1);
    const int want = is_scalar ? 0 : (int)feature->n_dims;
    const struct et__note item = {.check = ET__CHECK_SCHEMA,
                                  .severity = ET_SEVERITY_ERROR,
                                  .found = {.stream = feature->name}};

    if (leaf->max_rep == want)
        return ET_OK;
    return et__notes_add(&c->scan->notes, &item, err,
                         "%s: %s is stored as lists %d deep, and its shape has %d", place(c),
                         feature->name, leaf->max_rep, want);
}

static enum et_status check_feature(struct checking *c, const struct et_feature *feature,
                                    struct et_err *err)
{
    struct et__note item = {.check = ET__CHECK_SCHEMA,
                            .severity = ET_SEVERITY_ERROR,
                            .found = {.stream = feature->name}};
    enum et_status st = ET_OK;

    if (feature->dtype == ET_DTYPE_VIDEO)
        return ET_OK;
    const int i_leaf = et_parquet_find(c->reader, feature->name);
    if (i_leaf < 0)
        return et__notes_add(&c->scan->notes, &item, err,
                             "%s: there is no column %s, which is declared", place(c),
                             feature->name);
    const struct et_parquet_leaf *leaf = et_parquet_leaf(c->reader, (size_t)i_leaf);
    if (!et__dtype_fits(feature->dtype, leaf->type)) {
        // Loaders cast one number to another, and fail on the rest.
        const bool is_cast = et__is_number(leaf->type) && feature->dtype != ET_DTYPE_STRING;
        item.severity = is_cast ? ET_SEVERITY_WARN : ET_SEVERITY_ERROR;
        st = et__notes_add(&c->scan->notes, &item, err, "%s: %s is stored as %s and declared as %s",
                           place(c), feature->name, type_text(leaf->type),
                           et_dtype_text(feature->dtype));
    }
    if (feature->n_values == 0 || !et__is_number(leaf->type))
        return st;
    if (st == ET_OK)
        st = check_depth(c, feature, leaf, err);
    return st == ET_OK ? check_width(c, feature, (size_t)i_leaf, err) : st;
}

static enum et_status check_extra(struct checking *c, struct et_err *err)
{
    const struct et_parquet_node *nodes = et_parquet_nodes(c->reader);
    const struct et__note item = {.check = ET__CHECK_SCHEMA, .severity = ET_SEVERITY_ERROR};
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < et_parquet_n_nodes(c->reader); i++) {
        if (nodes[i].parent >= 0 || et_dataset_find(c->ds, nodes[i].name) >= 0)
            continue;
        st = et__notes_add(&c->scan->notes, &item, err,
                           "%s: column %.80s is not declared, and loaders refuse a table that has "
                           "more columns than features",
                           place(c), nodes[i].name);
    }
    return st;
}

enum et_status et__scan_schema(const struct et_dataset *ds, struct et_parquet_reader *reader,
                               struct et__file_scan *scan, struct et_err *err)
{
    struct checking c = {ds, reader, scan};
    enum et_status st = ET_OK;

    for (size_t i = 0; st == ET_OK && i < ds->info.n_features; i++)
        st = check_feature(&c, &ds->features[i], err);
    return st == ET_OK ? check_extra(&c, err) : st;
}

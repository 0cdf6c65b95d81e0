#include "curate/curate__inspect.h"

#include <math.h>

/* An array of rows with the name it goes by. */
struct table {
    const char *name;
    const double *values;
    size_t n_rows, n_values;
    const struct et_track *track; // NULL for a column as stored
};

// One multiplication a value instead of a test: 0 × x is NaN exactly where x is not finite.
static bool is_row_finite(const double *row, size_t n)
{
    double zero = 0;
    for (size_t i = 0; i < n; i++)
        zero += row[i] * 0.0;
    return zero == 0;
}

static size_t count_bad(const double *row, size_t n, size_t *i_first)
{
    size_t n_bad = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(row[i]))
            continue;
        if (n_bad++ == 0)
            *i_first = i;
    }
    return n_bad;
}

static int64_t time_of(const struct et__look *look, const struct table *table, size_t row)
{
    return table->track ? table->track->t_ns[row] : et__row_ns(look->episode, row);
}

/* One finding a table: where the first and the last bad value stand, and how many there are. */
static enum et_status inspect_table(struct et__look *look, const struct table *table,
                                    struct et_err *err)
{
    size_t n_bad = 0, n_rows_bad = 0, first = 0, last = 0, i_first = 0;
    for (size_t row = 0; row < table->n_rows; row++) {
        const double *values = &table->values[row * table->n_values];
        if (is_row_finite(values, table->n_values))
            continue;
        size_t i_bad = 0;
        n_bad += count_bad(values, table->n_values, &i_bad);
        if (n_rows_bad++ == 0) {
            first = row;
            i_first = i_bad;
        }
        last = row;
    }
    if (n_bad == 0)
        return ET_OK;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_ERROR, table->name);
    finding.t_first_ns = time_of(look, table, first);
    finding.t_last_ns = time_of(look, table, last);
    finding.value = (double)n_bad;
    finding.threshold = 0;
    finding.unit = "values";
    const double example = table->values[first * table->n_values + i_first];
    return et_findings_add(
        look->findings, &finding, err,
        "%s: %zu value%s in %zu row%s: not a number; the first is %s in row %zu, "
        "value %zu",
        table->name, n_bad, et__plural(n_bad), n_rows_bad, et__plural(n_rows_bad),
        isnan(example) ? "NaN" : "infinite", first, i_first);
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;

    for (size_t i = 0; i < episode->n_columns && st == ET_OK; i++) {
        const struct et_raw_column *c = &episode->columns[i];
        const struct table table = {c->path, c->values, (size_t)episode->n_rows, c->n_values, NULL};
        if (c->values)
            st = inspect_table(look, &table, err);
    }
    // Tracks are made from the columns where there are any.
    for (size_t i = 0; i < episode->n_tracks && episode->n_columns == 0 && st == ET_OK; i++) {
        const struct et_track *t = &episode->tracks[i];
        const struct table table = {t->stream.name, t->values, t->n_samples, t->stream.n_values, t};
        st = inspect_table(look, &table, err);
    }
    return st;
}

static const struct et_inspect_param PARAMS[] = {{0}};

const struct et__inspector et__inspect_nonfinite = {
    .about = {"nonfinite", "NaN or infinity among the values", ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};

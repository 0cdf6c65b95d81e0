/* Numbers of a loader: every feature that is asked for, as floats, sample after sample. */
#include "dataset/dataset__loader.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define TASK_FEATURE "task_index"
#define EPISODE_BYTES_MAX ((size_t)4 << 30) // rows of one, while they are read

/* ---- memory ---- */

// A file that goes with the process, on the disk where there is room for such.
static enum et_status map_nameless(size_t n, void **memory, struct et_err *err)
{
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = "/var/tmp";
    const int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return et_fail_sys(err, errno, "cannot create a file in %.200s (TMPDIR)", folder);
    // All of it now: a page that finds no room later would end the process.
    const int sys = posix_fallocate(fd, 0, (off_t)n);
    enum et_status st =
        sys == 0 ? ET_OK
                 : et_fail_sys(err, sys, "cannot take %zu MB in %.200s (TMPDIR)", n >> 20, folder);
    if (st == ET_OK) {
        *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (*memory == MAP_FAILED)
            st = et_fail_sys(err, errno, "cannot map %zu MB", n >> 20);
    }
    (void)close(fd);
    if (st != ET_OK)
        *memory = NULL;
    return st;
}

static enum et_status take_memory(struct et__rows_table *table, size_t bytes_max,
                                  struct et_err *err)
{
    table->is_mapped = table->n_bytes > bytes_max;
    if (table->is_mapped)
        return map_nameless(table->n_bytes, &table->memory, err);
    table->memory = malloc(table->n_bytes + 1);
    return table->memory ? ET_OK
                         : et_fail(err, ET_ENOMEM, -1, "no memory for %zu MB of numbers",
                                   table->n_bytes >> 20);
}

void et__rows_release(struct et__rows_table *table)
{
    if (table->is_mapped && table->memory)
        (void)munmap(table->memory, table->n_bytes);
    else
        free(table->memory);
    *table = (struct et__rows_table){0};
}

/* ---- reading ---- */

// Sums of a value over all samples, in double, one pass (Welford 1962).
struct sums {
    double mean, squares, min, max;
};

struct loading {
    struct et__rows_table *table;
    const struct et_dataset *ds;
    const struct et__span *span; // that is read
    const struct et_rows *rows;  // of it
    struct sums **sums;          // by feature, then value
};

static enum et_status wrong(const struct loading *l, const char *feature, int64_t row,
                            const char *what, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, row,
                   "%.120s: %.80s of episode %" PRId64 ", row %" PRId64 ": %s", l->ds->info.path,
                   feature, l->ds->episodes[l->span->place].index, row, what);
}

static const struct et_column *column_of(const struct loading *l, const struct et_feature *feature,
                                         struct et_err *err)
{
    char what[96];
    const struct et_column *column = et_rows_find(l->rows, feature->name);
    enum et_status st = ET_OK;
    if (!column)
        st = wrong(l, feature->name, 0, "the data has no such column", err);
    else if (!column->is_rectangular)
        st = wrong(l, feature->name, 0, "not all rows have as many values", err);
    else if (column->n_values != feature->n_values) {
        (void)snprintf(what, sizeof what, "%zu values, where %zu are declared", column->n_values,
                       feature->n_values);
        st = wrong(l, feature->name, 0, what, err);
    }
    return st == ET_OK ? column : NULL;
}

static void add(struct sums *s, double value, int64_t n_before)
{
    const double d = value - s->mean;
    if (n_before == 0)
        s->min = s->max = value;
    s->mean += d / (double)(n_before + 1);
    s->squares += d * (value - s->mean);
    s->min = value < s->min ? value : s->min;
    s->max = value > s->max ? value : s->max;
}

static enum et_status load_feature(const struct loading *l, size_t i, struct et_err *err)
{
    const struct et__numbers *numbers = &l->table->items[i];
    const struct et_feature *feature = &l->ds->features[numbers->i_feature];
    const struct et_column *column = column_of(l, feature, err);
    if (!column)
        return err ? err->status : ET_ECORRUPT;
    float *to = numbers->values + (size_t)l->span->first * numbers->n_values;
    for (int64_t row = 0; row < l->span->n_rows; row++)
        for (size_t k = 0; k < numbers->n_values; k++) {
            const float value = (float)et_column_get(column, row, k);
            if (!isfinite(value))
                return wrong(l, feature->name, row, "a value that is no number", err);
            *to++ = value;
            add(&l->sums[i][k], (double)value, l->span->first + row);
        }
    return ET_OK;
}

static enum et_status load_tasks(const struct loading *l, struct et_err *err)
{
    const int i_feature = et_dataset_find(l->ds, TASK_FEATURE);
    if (!l->table->tasks)
        return ET_OK;
    const struct et_column *column = column_of(l, &l->ds->features[i_feature], err);
    if (!column)
        return err ? err->status : ET_ECORRUPT;
    for (int64_t row = 0; row < l->span->n_rows; row++)
        l->table->tasks[l->span->first + row] = (int64_t)et_column_get(column, row, 0);
    return ET_OK;
}

static enum et_status load_span(struct loading *l, struct et_err *err)
{
    struct et_arena *scratch;
    struct et_rows rows;
    enum et_status st = et_arena_open(&scratch, EPISODE_BYTES_MAX, err);
    if (st != ET_OK)
        return st;
    st = et__rows_without_pictures(l->ds, l->span->place, scratch, &rows, err);
    l->rows = &rows;
    if (st == ET_OK && rows.n_rows != l->span->n_rows)
        st = et_fail(
            err, ET_ECORRUPT, -1,
            "%.150s: episode %" PRId64 " has %" PRId64 " rows, and %" PRId64 " by the metadata",
            l->ds->info.path, l->ds->episodes[l->span->place].index, rows.n_rows, l->span->n_rows);
    for (size_t i = 0; i < l->table->n && st == ET_OK; i++)
        st = load_feature(l, i, err);
    if (st == ET_OK)
        st = load_tasks(l, err);
    et_arena_close(scratch);
    return st;
}

static enum et_status prepare(struct loading *l, const struct et__spans *spans, size_t bytes_max,
                              struct et_arena *arena, struct et_err *err)
{
    struct et__rows_table *table = l->table;
    const int i_task = et_dataset_find(l->ds, TASK_FEATURE);
    const bool has_tasks = i_task >= 0 && l->ds->features[i_task].n_values == 1;
    size_t n_values = 0;
    for (size_t i = 0; i < table->n; i++)
        n_values += table->items[i].n_values;
    if (__builtin_mul_overflow((size_t)spans->n_samples,
                               n_values * sizeof(float) + (has_tasks ? sizeof *table->tasks : 0),
                               &table->n_bytes))
        return et_fail(err, ET_ELIMIT, -1, "more numbers than can be counted");
    l->sums = et_arena_array(arena, table->n + 1, sizeof *l->sums);
    enum et_status st =
        l->sums ? take_memory(table, bytes_max, err) : et_arena_fail(arena, "a loader", err);
    if (st != ET_OK)
        return st;
    // Whole numbers first: they are the larger ones.
    table->tasks = has_tasks ? table->memory : NULL;
    float *at = (float *)((char *)table->memory +
                          (has_tasks ? (size_t)spans->n_samples * sizeof *table->tasks : 0));
    for (size_t i = 0; i < table->n; i++) {
        struct et__numbers *numbers = &table->items[i];
        numbers->values = at;
        at += (size_t)spans->n_samples * numbers->n_values;
        l->sums[i] = et_arena_array(arena, numbers->n_values, sizeof **l->sums);
        numbers->stats = et_arena_array(arena, numbers->n_values, sizeof *numbers->stats);
        if (!l->sums[i] || !numbers->stats)
            return et_arena_fail(arena, "a loader", err);
    }
    return ET_OK;
}

enum et_status et__rows_load(struct et__rows_table *table, const struct et_dataset *ds,
                             const struct et__spans *spans, size_t bytes_max,
                             struct et_arena *arena, struct et_err *err)
{
    struct loading l = {.table = table, .ds = ds};
    enum et_status st = prepare(&l, spans, bytes_max, arena, err);
    for (size_t i = 0; i < spans->n && st == ET_OK; i++) {
        l.span = &spans->items[i];
        st = load_span(&l, err);
    }
    for (size_t i = 0; i < table->n && st == ET_OK; i++)
        for (size_t k = 0; k < table->items[i].n_values; k++) {
            const struct sums *s = &l.sums[i][k];
            table->items[i].stats[k] = (struct et_loader_stats){
                s->mean, sqrt(s->squares / (double)spans->n_samples), s->min, s->max};
        }
    return st;
}

#include "parquet_sample.h"
#include "support.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Where a row goes: into leaves, as JSON, or both. */
struct sink {
    struct sample *sample;
    FILE *json;
};

static size_t value_bytes(enum et_parquet_type type)
{
    static const size_t BYTES[] = {1, 4, 8, sizeof(struct et_str), 4, 8, sizeof(struct et_str)};
    return BYTES[type];
}

/* ---- leaves ---- */

static void *grown(void *p, size_t *cap, size_t n, size_t size)
{
    if (n < *cap)
        return p;
    *cap = *cap ? 2 * *cap : 64;
    p = realloc(p, *cap * size);
    if (!p)
        abort();
    return p;
}

static void push_level(struct sink *sink, int leaf, int rep, int def)
{
    if (!sink->sample)
        return;
    struct sample_leaf *l = &sink->sample->leaves[leaf];
    const size_t n = (size_t)l->n_levels;
    size_t cap = l->cap_levels;
    l->def = grown(l->def, &cap, n, 1);
    l->rep = grown(l->rep, &l->cap_levels, n, 1);
    l->def[n] = (uint8_t)def;
    l->rep[n] = (uint8_t)rep;
    l->n_levels++;
}

static void push_value(struct sink *sink, int leaf, enum et_parquet_type type, const void *value)
{
    if (!sink->sample)
        return;
    struct sample_leaf *l = &sink->sample->leaves[leaf];
    const size_t size = value_bytes(type), n = (size_t)l->n_values;
    l->values = grown(l->values, &l->cap_values, n, size);
    memcpy(l->values + n * size, value, size);
    l->n_values++;
}

/* ---- values, each from a stream of numbers ---- */

// Texts that repeat, so that dictionaries are worth it, and some that do not.
static struct et_str text_of(struct rng *rng)
{
    static const char *const TEXTS[] = {"", "pick up the bottle", "place it on the table",
                                        "Größe: \"süß\" 日本語 \\ /", "a"};
    const uint64_t r = rng_next(rng);
    if (r % 4 != 0)
        return et_str(TEXTS[r / 4 % 5]);
    static char numbers[1000][16];
    char *text = numbers[r / 4 % 1000];
    snprintf(text, sizeof numbers[0], "text %d", (int)(r / 4 % 1000));
    return et_str(text);
}

static void print_text(FILE *to, struct et_str text)
{
    fputc('"', to);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            fputc('\\', to);
        fputc(text.p[i], to);
    }
    fputc('"', to);
}

static void print_real(FILE *to, double v)
{
    if (isnan(v))
        fputs("\"NaN\"", to);
    else if (isinf(v))
        fputs(v < 0 ? "\"-Infinity\"" : "\"Infinity\"", to);
    else if (v == 0)
        fputs("0", to);
    else
        fprintf(to, "%.17g", v);
}

static double real_of(struct rng *rng)
{
    const uint64_t r = rng_next(rng);
    switch (r % 32) {
    case 0:
        return (double)NAN;
    case 1:
        return -0.0;
    case 2:
        return (double)INFINITY;
    case 3:
        return -(double)INFINITY;
    default:
        return rng_gaussian(rng);
    }
}

static void put_value(struct sink *sink, int leaf, enum et_parquet_type type, struct rng *rng)
{
    const uint64_t r = rng_next(rng);
    const uint8_t flag = r & 1;
    const int32_t small = (int32_t)(r % 1000) - 500;
    const int64_t large = (int64_t)(r >> (r % 64));
    const double real = real_of(rng);
    const float single = (float)real;
    const struct et_str text = text_of(rng);
    FILE *const json = sink->json;
    switch ((int)type) {
    case ET_PARQUET_BOOL:
        push_value(sink, leaf, type, &flag);
        if (json)
            fputs(flag ? "true" : "false", json);
        break;
    case ET_PARQUET_INT32:
        push_value(sink, leaf, type, &small);
        if (json)
            fprintf(json, "%" PRId32, small);
        break;
    case ET_PARQUET_INT64: // as text: JSON's numbers are doubles
        push_value(sink, leaf, type, &large);
        if (json)
            fprintf(json, "\"%" PRId64 "\"", large);
        break;
    case ET_PARQUET_FLOAT:
        push_value(sink, leaf, type, &single);
        if (json)
            print_real(json, (double)single);
        break;
    case ET_PARQUET_DOUBLE:
        push_value(sink, leaf, type, &real);
        if (json)
            print_real(json, real);
        break;
    default:
        push_value(sink, leaf, type, &text);
        if (json)
            print_text(json, text);
    }
}

static void print(const struct sink *sink, const char *text)
{
    if (sink->json)
        fputs(text, sink->json);
}

/* ---- nestings ---- */

// An optional value: null one time in eight, when it may be.
static void put_optional(struct sink *sink, int leaf, enum et_parquet_type type, int rep, int def,
                         struct rng *rng)
{
    if (rng_next(rng) % 8 == 0) {
        push_level(sink, leaf, rep, def);
        print(sink, "null");
        return;
    }
    push_level(sink, leaf, rep, def + 1);
    put_value(sink, leaf, type, rng);
}

/* Lists of lists …, `depth` of them: null, empty, or some elements. */
static void put_list(struct sink *sink, int leaf, enum et_parquet_type type, int depth, int level,
                     int rep, int def, struct rng *rng)
{
    const uint64_t r = rng_next(rng) % 10;
    if (level == depth) {
        put_optional(sink, leaf, type, rep, def, rng);
        return;
    }
    if (r < 2) {
        push_level(sink, leaf, rep, def + (int)r);
        print(sink, r == 0 ? "null" : "[]");
        return;
    }
    print(sink, "[");
    for (uint64_t i = 0; i < r / 2; i++) {
        print(sink, i ? "," : "");
        put_list(sink, leaf, type, depth, level + 1, i ? level + 1 : rep, def + 2, rng);
    }
    print(sink, "]");
}

// A list of structs {role, n}: two leaves of one shape.
static void put_messages(struct sink *sink, int leaf, struct rng *rng)
{
    const uint64_t r = rng_next(rng) % 6;
    if (r < 2) {
        push_level(sink, leaf, 0, (int)r);
        push_level(sink, leaf + 1, 0, (int)r);
        print(sink, r == 0 ? "null" : "[]");
        return;
    }
    print(sink, "[");
    for (uint64_t i = 0; i + 1 < r; i++) {
        const int rep = i ? 1 : 0;
        print(sink, i ? "," : "");
        if (rng_next(rng) % 8 == 0) {
            push_level(sink, leaf, rep, 2);
            push_level(sink, leaf + 1, rep, 2);
            print(sink, "null");
            continue;
        }
        print(sink, "{\"role\":");
        put_optional(sink, leaf, ET_PARQUET_BYTES, rep, 3, rng);
        print(sink, ",\"n\":");
        put_optional(sink, leaf + 1, ET_PARQUET_INT64, rep, 3, rng);
        print(sink, "}");
    }
    print(sink, "]");
}

/* The columns, in order; a leaf's number is its place. */
static const struct column {
    const char *name;
    enum et_parquet_type type;
    enum et_parquet_logical logical;
    int depth;
} COLUMNS[] = {
    {"next.done", ET_PARQUET_BOOL, ET_PARQUET_PLAIN, 0},
    {"small", ET_PARQUET_INT32, ET_PARQUET_PLAIN, 0},
    {"large", ET_PARQUET_INT64, ET_PARQUET_PLAIN, 0},
    {"timestamp", ET_PARQUET_FLOAT, ET_PARQUET_PLAIN, 0},
    {"next.reward", ET_PARQUET_DOUBLE, ET_PARQUET_PLAIN, 0},
    {"task", ET_PARQUET_BYTES, ET_PARQUET_STRING, 0},
    {"action", ET_PARQUET_FLOAT, ET_PARQUET_PLAIN, 1},
    {"flags", ET_PARQUET_BOOL, ET_PARQUET_PLAIN, 2},
    {"stats/image/mean", ET_PARQUET_DOUBLE, ET_PARQUET_PLAIN, 3},
    {"tasks", ET_PARQUET_BYTES, ET_PARQUET_STRING, 1},
};
#define N_COLUMNS ((int)(sizeof COLUMNS / sizeof *COLUMNS))

static void put_row(struct sink *sink, int64_t row)
{
    struct rng rng = {(uint64_t)row * 7919 + 1};
    print(sink, "{");
    for (int i = 0; i < N_COLUMNS; i++) {
        if (sink->json)
            fprintf(sink->json, "%s\"%s\":", i ? "," : "", COLUMNS[i].name);
        put_list(sink, i, COLUMNS[i].type, COLUMNS[i].depth, 0, 0, 0, &rng);
    }
    print(sink, ",\"messages\":");
    put_messages(sink, N_COLUMNS, &rng);

    // Two required columns: the row's number, and a state that is a rectangle.
    push_level(sink, N_COLUMNS + 2, 0, 0);
    push_value(sink, N_COLUMNS + 2, ET_PARQUET_INT64, &row);
    if (sink->json)
        fprintf(sink->json, ",\"index\":\"%" PRId64 "\",\"observation.state\":[", row);
    for (int k = 0; k < 5; k++) {
        const float v = (float)(row % 50) * 0.25F + (float)k;
        push_level(sink, N_COLUMNS + 3, k ? 1 : 0, 3);
        push_value(sink, N_COLUMNS + 3, ET_PARQUET_FLOAT, &v);
        if (sink->json)
            fprintf(sink->json, "%s%.17g", k ? "," : "", (double)v);
    }
    print(sink, "]}");
}

size_t sample_schema(struct et_parquet_node nodes[SAMPLE_NODES])
{
    size_t n = 0;
    for (int i = 0; i < N_COLUMNS; i++)
        (void)et_parquet_add_column(nodes, SAMPLE_NODES, &n, COLUMNS[i].name, COLUMNS[i].type,
                                    COLUMNS[i].logical, COLUMNS[i].depth);
    const int messages = (int)n;
    nodes[n++] = (struct et_parquet_node){.name = "messages",
                                          .parent = -1,
                                          .repetition = ET_PARQUET_OPTIONAL,
                                          .logical = ET_PARQUET_LIST};
    nodes[n++] = (struct et_parquet_node){
        .name = "list", .parent = messages, .repetition = ET_PARQUET_REPEATED};
    nodes[n++] = (struct et_parquet_node){
        .name = "element", .parent = messages + 1, .repetition = ET_PARQUET_OPTIONAL};
    nodes[n++] = (struct et_parquet_node){.name = "role",
                                          .parent = messages + 2,
                                          .repetition = ET_PARQUET_OPTIONAL,
                                          .is_leaf = true,
                                          .type = ET_PARQUET_BYTES,
                                          .logical = ET_PARQUET_STRING};
    nodes[n++] = (struct et_parquet_node){.name = "n",
                                          .parent = messages + 2,
                                          .repetition = ET_PARQUET_OPTIONAL,
                                          .is_leaf = true,
                                          .type = ET_PARQUET_INT64};
    nodes[n++] = (struct et_parquet_node){.name = "index",
                                          .parent = -1,
                                          .repetition = ET_PARQUET_REQUIRED,
                                          .is_leaf = true,
                                          .type = ET_PARQUET_INT64};
    (void)et_parquet_add_column(nodes, SAMPLE_NODES, &n, "observation.state", ET_PARQUET_FLOAT,
                                ET_PARQUET_PLAIN, 1);
    return n;
}

void sample_make(struct sample *sample, int64_t first_row, int64_t n_rows)
{
    *sample = (struct sample){.n_rows = n_rows};
    struct sink sink = {.sample = sample};
    for (int i = 0; i < N_COLUMNS; i++)
        sample->leaves[i].type = COLUMNS[i].type;
    sample->leaves[N_COLUMNS].type = ET_PARQUET_BYTES;
    sample->leaves[N_COLUMNS + 1].type = ET_PARQUET_INT64;
    sample->leaves[N_COLUMNS + 2].type = ET_PARQUET_INT64;
    sample->leaves[N_COLUMNS + 3].type = ET_PARQUET_FLOAT;
    for (int64_t i = 0; i < n_rows; i++)
        put_row(&sink, first_row + i);
}

void sample_free(struct sample *sample)
{
    for (size_t i = 0; i < SAMPLE_LEAVES; i++) {
        free(sample->leaves[i].def);
        free(sample->leaves[i].rep);
        free(sample->leaves[i].values);
    }
    *sample = (struct sample){0};
}

void sample_print(FILE *to, int64_t row)
{
    struct sink sink = {.json = to};
    put_row(&sink, row);
}

/* ---- files ---- */

enum et_status sample_write(struct et_parquet_writer *writer, const struct sample *sample,
                            struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < SAMPLE_LEAVES && st == ET_OK; i++) {
        const struct sample_leaf *l = &sample->leaves[i];
        const struct et_parquet_batch batch = {.n_rows = sample->n_rows,
                                               .n_levels = l->n_levels,
                                               .n_values = l->n_values,
                                               .def = l->def,
                                               .rep = l->rep,
                                               .values = l->values};
        // The last column is the rectangle, by the fast path.
        st = i == SAMPLE_LEAVES - 1
                 ? et_parquet_write_rows(writer, i, l->values, sample->n_rows, 5, err)
                 : et_parquet_write_leaf(writer, i, &batch, err);
    }
    return st == ET_OK ? et_parquet_writer_commit(writer, err) : st;
}

enum et_status sample_file(const char *path, int64_t n_groups, int64_t rows_per_group,
                           const struct et_parquet_writer_options *options, struct et_err *err)
{
    struct et_parquet_node nodes[SAMPLE_NODES];
    struct et_parquet_writer *writer;
    const size_t n_nodes = sample_schema(nodes);
    enum et_status st = et_parquet_create(&writer, path, nodes, n_nodes, options, err);
    for (int64_t i = 0; i < n_groups && st == ET_OK; i++) {
        struct sample sample;
        sample_make(&sample, i * rows_per_group, rows_per_group);
        st = sample_write(writer, &sample, err);
        sample_free(&sample);
        if (st != ET_OK)
            et_parquet_writer_close(writer);
    }
    return st == ET_OK ? et_parquet_writer_finish(writer, err) : st;
}

static bool same_values(const struct sample_leaf *leaf, const struct et_parquet_batch *batch,
                        int64_t i_value)
{
    const size_t size = value_bytes(leaf->type);
    if (batch->n_values == 0)
        return true;
    const uint8_t *want = leaf->values + (size_t)i_value * size;
    if (leaf->type != ET_PARQUET_BYTES)
        return memcmp(want, batch->values, (size_t)batch->n_values * size) == 0;
    const struct et_str *a = (const struct et_str *)(const void *)want, *b = batch->values;
    for (int64_t i = 0; i < batch->n_values; i++)
        if (!et_str_eq(a[i], b[i]))
            return false;
    return true;
}

bool sample_has(const struct sample_leaf *leaf, const struct et_parquet_batch *batch, int max_def,
                int max_rep, int64_t *i_level, int64_t *i_value)
{
    const size_t n = (size_t)batch->n_levels;
    if (*i_level + batch->n_levels > leaf->n_levels || *i_value + batch->n_values > leaf->n_values)
        return false;
    const bool is_same =
        (max_def == 0 ? !batch->def : memcmp(batch->def, leaf->def + *i_level, n) == 0) &&
        (max_rep == 0 ? !batch->rep : memcmp(batch->rep, leaf->rep + *i_level, n) == 0) &&
        same_values(leaf, batch, *i_value);
    *i_level += batch->n_levels;
    *i_value += batch->n_values;
    return is_same;
}

static bool leaf_is_same(struct et_parquet_reader *reader, size_t i, const struct sample *sample,
                         int64_t batch_rows, struct et_err *err)
{
    const struct et_parquet_leaf *leaf = et_parquet_leaf(reader, i);
    struct et_parquet_cursor *cursor;
    struct et_parquet_batch batch;
    int64_t i_level = 0, i_value = 0, n_rows = 0;
    bool is_same = true;
    enum et_status st = et_parquet_cursor_open(&cursor, reader, i, err);
    while (st == ET_OK && (st = et_parquet_cursor_next(cursor, batch_rows, &batch, err)) == ET_OK) {
        is_same = is_same && sample_has(&sample->leaves[i], &batch, leaf->max_def, leaf->max_rep,
                                        &i_level, &i_value);
        n_rows += batch.n_rows;
        if (batch.n_rows < batch_rows && n_rows < sample->n_rows)
            is_same = false; // fewer only at the end
    }
    et_parquet_cursor_close(cursor);
    is_same = is_same && st == ET_END && n_rows == sample->n_rows &&
              i_level == sample->leaves[i].n_levels;
    if (!is_same)
        printf("# column %s differs: %s, row %" PRId64 " of %" PRId64 "%s%s\n", leaf->path,
               et_status_name(st), n_rows, sample->n_rows, st < 0 && err ? ": " : "",
               st < 0 && err ? err->text : "");
    return is_same;
}

bool sample_is_in(const char *path, int64_t n_rows, int64_t batch_rows,
                  const struct et_parquet_options *options, struct et_err *err)
{
    struct et_parquet_reader *reader;
    struct sample sample;
    if (et_parquet_open(&reader, path, options, err) != ET_OK) {
        printf("# %s\n", err ? err->text : path);
        return false;
    }
    bool is_same =
        et_parquet_n_rows(reader) == n_rows && et_parquet_n_leaves(reader) == SAMPLE_LEAVES;
    if (!is_same)
        printf("# %" PRId64 " rows, wanted %" PRId64 "\n", et_parquet_n_rows(reader), n_rows);
    sample_make(&sample, 0, n_rows);
    for (size_t i = 0; is_same && i < SAMPLE_LEAVES; i++)
        is_same = leaf_is_same(reader, i, &sample, batch_rows, err);
    sample_free(&sample);
    et_parquet_close(reader);
    return is_same;
}

// Reading: files of other writers, real ones, from any row, and no more of a file than is needed.
#include "parquet_sample.h"
#include "support.h"
#include "tap.h"

#include "etude/json.h"
#include "format/parquet/parquet__reader.h"

#include <pthread.h>
#include <stdlib.h>

static struct et_err err;

static struct et_parquet_reader *open_file(const char *path)
{
    struct et_parquet_reader *reader = NULL;
    const struct et_parquet_options options = {.check_crc = true};
    CHECK_OK(et_parquet_open(&reader, path, &options, &err));
    return reader;
}

/* ---- small files of DuckDB and hyparquet-writer (tests/interop/parquet_seeds.mjs) ---- */

enum { SEED_ROWS = 60 };

static const char *seed_path(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "tests/fuzz/seeds/parquet/%s.parquet", name);
    return source_path(path);
}

static bool is_null(const char *column, int i)
{
    static const struct {
        const char *column;
        int every, at;
    } NULLS[] = {{"i64", 7, 3}, {"i32", 5, 1}, {"f", 9, 2},
                 {"d", 11, 4},  {"b", 13, 5},  {"s", 4, 0}};
    for (size_t k = 0; k < sizeof NULLS / sizeof *NULLS; k++)
        if (strcmp(column, NULLS[k].column) == 0)
            return i % NULLS[k].every == NULLS[k].at;
    return false;
}

static bool is_value(const char *column, int i, const void *values, int64_t k)
{
    char text[32];
    if (strcmp(column, "i64") == 0)
        return ((const int64_t *)values)[k] == (int64_t)i * i * 1000003 - 17;
    if (strcmp(column, "i32") == 0)
        return ((const int32_t *)values)[k] == i * 37 % 100 - 50;
    if (strcmp(column, "f") == 0)
        return ((const float *)values)[k] == (float)i * 0.25F - 3;
    if (strcmp(column, "d") == 0)
        return ((const double *)values)[k] == i * 0.125;
    if (strcmp(column, "b") == 0)
        return ((const uint8_t *)values)[k] == (i % 3 == 0);
    if (strcmp(column, "s") == 0)
        snprintf(text, sizeof text, "item %d", i % 6);
    else
        snprintf(text, sizeof text, "row number %d", i);
    return et_str_is(((const struct et_str *)values)[k], text);
}

// Rows first … of a flat column, as the cursor gives them.
static bool has_rows_from(struct et_parquet_cursor *cursor, const char *column, int first, int n)
{
    struct et_parquet_batch batch;
    if (et_parquet_cursor_next(cursor, n, &batch, &err) != ET_OK) {
        printf("# %s: %s\n", column, err.text);
        return false;
    }
    int64_t k = 0;
    for (int i = 0; i < (int)batch.n_rows; i++) {
        const bool has_value = !batch.def || batch.def[i] > 0;
        if (has_value == is_null(column, first + i) ||
            (has_value && !is_value(column, first + i, batch.values, k)))
            return false;
        k += has_value;
    }
    return k == batch.n_values && batch.n_rows == (first + n < SEED_ROWS ? n : SEED_ROWS - first);
}

static bool lists_are_right(struct et_parquet_cursor *cursor)
{
    struct et_parquet_batch batch;
    CHECK_OK(et_parquet_cursor_next(cursor, 100, &batch, &err));
    const float *values = batch.values;
    int64_t level = 0, value = 0;
    for (int i = 0; i < SEED_ROWS; i++) {
        const int n = i % 8 == 6 ? 0 : i % 5;
        if (n == 0) {
            if (batch.rep[level] != 0 || batch.def[level] != (i % 8 == 6 ? 0 : 1))
                return false;
            level++;
        }
        for (int k = 0; k < n; k++, level++)
            if (batch.rep[level] != (k ? 1 : 0) || batch.def[level] != 3 ||
                values[value++] != (float)i + (float)k * 0.5F)
                return false;
    }
    return level == batch.n_levels && value == batch.n_values && batch.n_rows == SEED_ROWS;
}

static void reads_every_encoding_and_codec_of_other_writers(void)
{
    static const char *const NAMES[] = {
        "duckdb-uncompressed-V2", "duckdb-snappy-V1", "duckdb-snappy-V2",
        "duckdb-gzip-V2",         "duckdb-zstd-V2",   "duckdb-lz4_raw-V2",
        "hyparquet-plain",        "hyparquet-delta",  "hyparquet-split"};
    static const char *const COLUMNS[] = {"i64", "i32", "f", "d", "b", "s", "u"};
    for (size_t f = 0; f < sizeof NAMES / sizeof *NAMES; f++) {
        struct et_parquet_reader *reader = open_file(seed_path(NAMES[f]));
        if (!reader)
            continue;
        CHECK_EQ(et_parquet_n_rows(reader), SEED_ROWS);
        for (size_t c = 0; c < sizeof COLUMNS / sizeof *COLUMNS; c++) {
            struct et_parquet_cursor *cursor;
            const int leaf = et_parquet_find(reader, COLUMNS[c]);
            CHECK_OK(et_parquet_cursor_open(&cursor, reader, (size_t)leaf, &err));
            bool is_good = has_rows_from(cursor, COLUMNS[c], 0, 100);
            for (int first = 0; first < SEED_ROWS; first++) { // and from every row
                CHECK_OK(et_parquet_cursor_seek(cursor, (first * 23) % SEED_ROWS, &err));
                is_good = is_good && has_rows_from(cursor, COLUMNS[c], (first * 23) % SEED_ROWS, 7);
            }
            if (!CHECK(is_good))
                printf("# %s of %s\n", COLUMNS[c], NAMES[f]);
            et_parquet_cursor_close(cursor);
        }
        if (et_parquet_find(reader, "l") >= 0) {
            struct et_parquet_cursor *cursor;
            CHECK_OK(et_parquet_cursor_open(&cursor, reader, (size_t)et_parquet_find(reader, "l"),
                                            &err));
            CHECK(lists_are_right(cursor));
            et_parquet_cursor_close(cursor);
        }
        et_parquet_close(reader);
    }
}

static void names_a_codec_that_it_does_not_read(void)
{
    struct et_parquet_reader *reader = open_file(seed_path("duckdb-brotli-V1"));
    struct et_parquet_cursor *cursor;
    struct et_parquet_batch batch;
    CHECK_EQ(et_parquet_chunk_codec(reader, 0, 0), 4);
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, 0, &err));
    CHECK_EQ(et_parquet_cursor_next(cursor, 1, &batch, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "brotli");
    CHECK_HAS(err.text, "duckdb-brotli");
    CHECK_EQ(et_parquet_cursor_next(cursor, 1, &batch, &err), ET_EARG); // must be moved first
    CHECK_OK(et_parquet_cursor_seek(cursor, 0, &err));
    et_parquet_cursor_close(cursor);
    et_parquet_close(reader);
}

/* ---- any row ---- */

static void gives_the_same_rows_wherever_it_begins(void)
{
    static const size_t PAGES[] = {0, 60, 400};
    enum { N = 90 };
    for (size_t p = 0; p < 3; p++) {
        const char *path = temp_path("seek.parquet");
        const struct et_parquet_writer_options options = {
            .codec = ET_PARQUET_SNAPPY, .use_dictionary = p == 1, .page_bytes = PAGES[p]};
        CHECK_OK(sample_file(path, 3, N / 3, &options, &err));
        struct et_parquet_reader *reader = open_file(path);
        struct rng rng = {p + 1};
        for (size_t leaf = 0; leaf < SAMPLE_LEAVES; leaf++) {
            const struct et_parquet_leaf *own = et_parquet_leaf(reader, leaf);
            struct et_parquet_cursor *cursor;
            CHECK_OK(et_parquet_cursor_open(&cursor, reader, leaf, &err));
            for (int i = 0; i < 300; i++) {
                // Forward and back, far and near, sometimes two batches after a seek.
                const int64_t row = (int64_t)(rng_next(&rng) % N);
                const int64_t n = 1 + (int64_t)(rng_next(&rng) % 40);
                int64_t i_level = 0, i_value = 0;
                struct sample sample;
                struct et_parquet_batch batch;
                sample_make(&sample, row, N - row);
                CHECK_OK(et_parquet_cursor_seek(cursor, row, &err));
                for (int k = 0; k < 2 && row + k * n < N; k++) {
                    CHECK_OK(et_parquet_cursor_next(cursor, n, &batch, &err));
                    CHECK_EQ(batch.n_rows, n < N - row - k * n ? n : N - row - k * n);
                    CHECK(sample_has(&sample.leaves[leaf], &batch, own->max_def, own->max_rep,
                                     &i_level, &i_value));
                }
                sample_free(&sample);
            }
            et_parquet_cursor_close(cursor);
        }
        et_parquet_close(reader);
        remove(path);
    }
}

static void knows_where_a_file_ends(void)
{
    const char *path = temp_path("end.parquet");
    CHECK_OK(sample_file(path, 2, 5, NULL, &err));
    struct et_parquet_reader *reader = open_file(path);
    struct et_parquet_cursor *cursor;
    struct et_parquet_batch batch;
    CHECK_EQ(et_parquet_cursor_open(&cursor, reader, SAMPLE_LEAVES, &err), ET_EARG);
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, 6, &err));
    CHECK_EQ(et_parquet_cursor_seek(cursor, -1, &err), ET_EARG);
    CHECK_EQ(et_parquet_cursor_seek(cursor, 11, &err), ET_EARG);
    CHECK_OK(et_parquet_cursor_seek(cursor, 10, &err));
    CHECK_EQ(et_parquet_cursor_next(cursor, 1, &batch, &err), ET_END);
    CHECK_EQ(et_parquet_cursor_next(cursor, 1, &batch, &err), ET_END);
    CHECK_EQ(batch.n_rows, 0);
    CHECK_EQ(et_parquet_cursor_next(cursor, 0, &batch, &err), ET_EARG);
    CHECK_OK(et_parquet_cursor_seek(cursor, 9, &err));
    CHECK_OK(et_parquet_cursor_next(cursor, INT64_MAX, &batch, &err));
    CHECK_EQ(batch.n_rows, 1);
    CHECK_EQ(et_parquet_group_rows(reader, 1), 5);
    CHECK_EQ(et_parquet_group_first_row(reader, 1), 5);
    CHECK(et_parquet_group_bytes(reader, 1) > 0);
    float out[4];
    CHECK_EQ(et_parquet_cursor_rows(cursor, 0, 5, 4, out, &err), ET_ECORRUPT); // ragged
    et_parquet_cursor_close(cursor);
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, 5, &err));
    CHECK_EQ(et_parquet_cursor_rows(cursor, 0, 5, 1, out, &err), ET_EARG); // texts
    et_parquet_cursor_close(cursor);
    et_parquet_close(reader);
    remove(path);
}

static void reads_rectangles_across_row_groups_and_types(void)
{
    enum { N = 60 };
    const char *path = temp_path("rectangle.parquet");
    CHECK_OK(sample_file(path, 6, N / 6, NULL, &err));
    struct et_parquet_reader *reader = open_file(path);
    struct et_parquet_cursor *state, *index;
    CHECK_OK(et_parquet_cursor_open(&state, reader, SAMPLE_LEAVES - 1, &err));
    CHECK_OK(et_parquet_cursor_open(&index, reader, SAMPLE_LEAVES - 2, &err));
    for (int64_t first = 0; first < N; first += 7) {
        for (int64_t n = 0; first + n <= N; n += 11) {
            float values[N * 5];
            int64_t rows[N];
            CHECK_OK(et_parquet_cursor_rows(state, first, n, 5, values, &err));
            CHECK_OK(et_parquet_cursor_rows(index, first, n, 1, rows, &err));
            for (int64_t i = 0; i < n; i++) {
                CHECK_EQ(rows[i], first + i);
                for (int k = 0; k < 5; k++)
                    CHECK(values[i * 5 + k] == (float)((first + i) % 50) * 0.25F + (float)k);
            }
        }
    }
    // A column with a null is no rectangle; the row is named.
    struct et_parquet_cursor *small;
    struct sample sample;
    int32_t numbers[N];
    sample_make(&sample, 0, N);
    int64_t first_null = 0;
    while (sample.leaves[1].def[first_null] == 1)
        first_null++;
    CHECK_OK(et_parquet_cursor_open(&small, reader, 1, &err));
    CHECK_OK(et_parquet_cursor_rows(small, 0, first_null, 1, numbers, &err));
    CHECK_EQ(et_parquet_cursor_rows(small, 0, first_null + 1, 1, numbers, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, first_null);
    CHECK_HAS(err.text, "does not hold exactly 1 values");
    sample_free(&sample);
    et_parquet_cursor_close(small);
    et_parquet_cursor_close(state);
    et_parquet_cursor_close(index);
    et_parquet_close(reader);
    remove(path);
}

/* ---- many threads, one reader ---- */

struct work {
    struct et_parquet_reader *reader;
    const struct sample *sample;
    size_t leaf;
    bool is_good;
};

static void *read_leaf_often(void *arg)
{
    struct work *w = arg;
    const struct et_parquet_leaf *own = et_parquet_leaf(w->reader, w->leaf);
    struct et_err own_err;
    struct et_parquet_cursor *cursor;
    struct et_parquet_batch batch;
    if (et_parquet_cursor_open(&cursor, w->reader, w->leaf, &own_err) != ET_OK)
        return NULL;
    w->is_good = true;
    for (int i = 0; i < 20; i++) {
        int64_t i_level = 0, i_value = 0;
        w->is_good = w->is_good && et_parquet_cursor_seek(cursor, 0, &own_err) == ET_OK;
        while (w->is_good && et_parquet_cursor_next(cursor, 31, &batch, &own_err) == ET_OK)
            w->is_good = sample_has(&w->sample->leaves[w->leaf], &batch, own->max_def, own->max_rep,
                                    &i_level, &i_value);
        w->is_good = w->is_good && i_level == w->sample->leaves[w->leaf].n_levels;
    }
    et_parquet_cursor_close(cursor);
    return NULL;
}

static void is_read_by_many_threads_at_once(void)
{
    const char *path = temp_path("threads.parquet");
    const struct et_parquet_writer_options options = {.codec = ET_PARQUET_ZSTD,
                                                      .use_dictionary = true};
    pthread_t threads[SAMPLE_LEAVES];
    struct work work[SAMPLE_LEAVES];
    struct sample sample;
    CHECK_OK(sample_file(path, 4, 50, &options, &err));
    sample_make(&sample, 0, 200);
    struct et_parquet_reader *reader = open_file(path);
    for (size_t i = 0; i < SAMPLE_LEAVES; i++) {
        work[i] = (struct work){.reader = reader, .sample = &sample, .leaf = i};
        CHECK_EQ(pthread_create(&threads[i], NULL, read_leaf_often, &work[i]), 0);
    }
    for (size_t i = 0; i < SAMPLE_LEAVES; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
        CHECK(work[i].is_good);
    }
    et_parquet_close(reader);
    sample_free(&sample);
    remove(path);
}

/* ---- no more than is needed ---- */

static int64_t bytes_read(struct et_parquet_reader *reader)
{
    return atomic_load(&reader->n_bytes_read);
}

static void reads_only_the_pages_it_needs(void)
{
    enum { GROUPS = 40, ROWS = 500, WIDTH = 28 };
    const char *path = temp_path("random.parquet");
    struct et_parquet_node nodes[4];
    struct et_parquet_writer *writer;
    size_t n = 0;
    static float values[ROWS * WIDTH], got[ROWS * WIDTH];
    static int64_t index[ROWS];
    struct rng rng = {5};
    (void)et_parquet_add_column(nodes, 4, &n, "x", ET_PARQUET_INT64, ET_PARQUET_PLAIN, 0);
    (void)et_parquet_add_column(nodes, 4, &n, "v", ET_PARQUET_FLOAT, ET_PARQUET_PLAIN, 1);
    CHECK_OK(et_parquet_create(&writer, path, nodes, n, NULL, &err));
    for (int g = 0; g < GROUPS; g++) {
        for (int i = 0; i < ROWS; i++)
            index[i] = g * ROWS + i;
        for (int i = 0; i < ROWS * WIDTH; i++)
            values[i] = (float)rng_uniform(&rng);
        CHECK_OK(et_parquet_write_rows(writer, 0, index, ROWS, 1, &err));
        CHECK_OK(et_parquet_write_rows(writer, 1, values, ROWS, WIDTH, &err));
        CHECK_OK(et_parquet_writer_commit(writer, &err));
    }
    CHECK_OK(et_parquet_writer_finish(writer, &err));

    struct et_parquet_reader *reader = open_file(path);
    struct et_parquet_cursor *cursor;
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, 1, &err));
    const int64_t chunk_bytes = ROWS * WIDTH * 4;
    int64_t before = bytes_read(reader);
    for (int g = GROUPS - 1; g >= 0; g -= 7) {
        CHECK_OK(et_parquet_cursor_seek(cursor, g * ROWS, &err));
        CHECK_EQ(bytes_read(reader), before); // a group's first row costs nothing
        CHECK_OK(et_parquet_cursor_rows(cursor, g * ROWS, ROWS, WIDTH, got, &err));
        const int64_t cost = bytes_read(reader) - before;
        CHECK(cost >= chunk_bytes && cost < chunk_bytes + chunk_bytes / 10);
        before = bytes_read(reader);
    }
    // One row within a group: its column's chunk, no other column.
    CHECK_OK(et_parquet_cursor_rows(cursor, 3 * ROWS + 77, 1, WIDTH, got, &err));
    CHECK(bytes_read(reader) - before < chunk_bytes + chunk_bytes / 10);
    et_parquet_cursor_close(cursor);
    et_parquet_close(reader);
    remove(path);
}

static void skips_pages_of_a_long_chunk_by_their_headers(void)
{
    enum { N = 2000000 };
    const char *path = temp_path("long.parquet");
    struct et_parquet_node nodes[1];
    struct et_parquet_writer *writer;
    size_t n = 0;
    double *values = malloc(N * sizeof *values), got;
    for (int i = 0; i < N; i++)
        values[i] = i;
    (void)et_parquet_add_column(nodes, 1, &n, "x", ET_PARQUET_DOUBLE, ET_PARQUET_PLAIN, 0);
    CHECK_OK(et_parquet_create(&writer, path, nodes, n, NULL, &err));
    CHECK_OK(et_parquet_write_rows(writer, 0, values, N, 1, &err));
    CHECK_OK(et_parquet_writer_commit(writer, &err));
    CHECK_OK(et_parquet_writer_finish(writer, &err));
    free(values);
    struct et_parquet_reader *reader = open_file(path);
    struct et_parquet_cursor *cursor;
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, 0, &err));
    const int64_t before = bytes_read(reader);
    CHECK_OK(et_parquet_cursor_rows(cursor, N / 2 + 3, 1, 1, &got, &err));
    CHECK(got == N / 2 + 3);
    CHECK(bytes_read(reader) - before < 3 << 20); // of 16 MB
    et_parquet_cursor_close(cursor);
    et_parquet_close(reader);
    remove(path);
}

/* ---- limits ---- */

static void keeps_to_the_limits_of_its_options(void)
{
    const char *path = temp_path("limits.parquet");
    const struct et_parquet_writer_options packed = {.codec = ET_PARQUET_ZSTD,
                                                     .use_dictionary = true};
    CHECK_OK(sample_file(path, 1, 3000, &packed, &err));
    const struct et_parquet_options pages = {.page_bytes_max = 2000};
    const struct et_parquet_options batches = {.batch_bytes_max = 2000};
    for (int i = 0; i < 2; i++) {
        struct et_parquet_reader *reader;
        CHECK_OK(et_parquet_open(&reader, path, i ? &batches : &pages, &err));
        size_t n_refused = 0;
        for (size_t leaf = 0; leaf < SAMPLE_LEAVES; leaf++) {
            struct et_parquet_cursor *cursor;
            struct et_parquet_batch batch;
            CHECK_OK(et_parquet_cursor_open(&cursor, reader, leaf, &err));
            const enum et_status st = et_parquet_cursor_next(cursor, 3000, &batch, &err);
            CHECK(st == ET_ELIMIT || st == ET_OK);
            n_refused += st == ET_ELIMIT;
            if (st == ET_ELIMIT)
                CHECK_HAS(err.text, "the limit of 2000");
            if (i == 1 && leaf != 5 && leaf != 9 && leaf != 10) { // a smaller batch is allowed
                CHECK_OK(et_parquet_cursor_seek(cursor, 0, &err));
                CHECK_OK(et_parquet_cursor_next(cursor, 3, &batch, &err));
            }
            et_parquet_cursor_close(cursor);
        }
        CHECK(n_refused >= 10);
        et_parquet_close(reader);
    }
    remove(path);
}

static void finds_a_changed_page_by_its_checksum(void)
{
    const char *path = temp_path("crc.parquet");
    size_t n;
    CHECK_OK(sample_file(path, 1, 50, NULL, &err));
    unsigned char *bytes = read_file(path, &n);
    struct et_parquet_reader *reader = open_file(path);
    const int64_t at = reader->meta.groups[0].chunks[4].start + 60; // in the doubles
    et_parquet_close(reader);
    bytes[at] ^= 1;
    write_file(path, bytes, n);
    for (int check = 0; check < 2; check++) {
        const struct et_parquet_options options = {.check_crc = check};
        struct et_parquet_cursor *cursor;
        struct et_parquet_batch batch;
        CHECK_OK(et_parquet_open(&reader, path, &options, &err));
        CHECK_OK(et_parquet_cursor_open(&cursor, reader, 4, &err));
        CHECK_EQ(et_parquet_cursor_next(cursor, 50, &batch, &err), check ? ET_ECORRUPT : ET_OK);
        if (check)
            CHECK_HAS(err.text, "checksum");
        et_parquet_cursor_close(cursor);
        et_parquet_close(reader);
    }
    free(bytes);
    remove(path);
}

/* ---- real files ---- */

struct extremes {
    double min, max;
};

static bool numbers_of(struct et_parquet_reader *reader, const char *column, int64_t *n_values,
                       struct extremes *per_place, size_t width)
{
    struct et_parquet_cursor *cursor;
    struct et_parquet_batch batch;
    const int leaf = et_parquet_find(reader, column);
    if (leaf < 0 || et_parquet_cursor_open(&cursor, reader, (size_t)leaf, &err) != ET_OK)
        return false;
    const enum et_parquet_type type = et_parquet_leaf(reader, (size_t)leaf)->type;
    enum et_status st;
    *n_values = 0;
    while ((st = et_parquet_cursor_next(cursor, 100, &batch, &err)) == ET_OK) {
        for (int64_t i = 0; i < batch.n_values; i++, ++*n_values) {
            const double v = type == ET_PARQUET_FLOAT    ? (double)((const float *)batch.values)[i]
                             : type == ET_PARQUET_DOUBLE ? ((const double *)batch.values)[i]
                             : type == ET_PARQUET_BOOL   ? ((const uint8_t *)batch.values)[i]
                                                       : (double)((const int64_t *)batch.values)[i];
            struct extremes *e = &per_place[(size_t)*n_values % width];
            if (*n_values < (int64_t)width)
                *e = (struct extremes){v, v};
            e->min = v < e->min ? v : e->min;
            e->max = v > e->max ? v : e->max;
        }
    }
    et_parquet_cursor_close(cursor);
    return st == ET_END;
}

static void check_stats(const struct et_value *stats, const struct extremes *got, size_t width)
{
    const struct et_value *min = et_value_get(stats, "min"), *max = et_value_get(stats, "max");
    CHECK_EQ(et_value_count(min), width);
    CHECK_EQ(et_value_count(max), width);
    for (size_t i = 0; i < width; i++) {
        CHECK_NEAR(got[i].min, et_value_real(et_value_at(min, i), (double)NAN), 1e-6);
        CHECK_NEAR(got[i].max, et_value_real(et_value_at(max, i), (double)NAN), 1e-6);
    }
}

// A line of a .jsonl file, as a tree.
static const struct et_value *next_line(struct et_str *rest, struct et_arena *arena)
{
    struct et_str line;
    const struct et_value *value = NULL;
    if (!et_str_cut(rest, '\n', &line) || line.n == 0)
        return NULL;
    CHECK_OK(et_json_parse(line, NULL, arena, &value, &err));
    return value;
}

static void agrees_with_the_g1s_own_lengths_and_statistics(void)
{
    const char *root = data_path("unitree_g1/meta/episodes.jsonl");
    if (!root) {
        tap_skip("no data");
        return;
    }
    static const char *const COLUMNS[] = {"observation.state", "action", "timestamp", "frame_index",
                                          "episode_index",     "index",  "task_index"};
    size_t n_lengths, n_stats;
    char *lengths = read_file(root, &n_lengths);
    char *stats = read_file(data_path("unitree_g1/meta/episodes_stats.jsonl"), &n_stats);
    struct et_str rest = {lengths, n_lengths}, stats_rest = {stats, n_stats};
    struct et_arena *arena;
    CHECK_OK(et_arena_open(&arena, 64 << 20, &err));
    const struct et_value *line;
    int64_t n_episodes = 0, n_frames = 0;
    while ((line = next_line(&rest, arena))) {
        const struct et_value *own = et_value_get(next_line(&stats_rest, arena), "stats");
        const int64_t length = et_value_int(et_value_get(line, "length"), -1);
        char path[128];
        snprintf(path, sizeof path, "unitree_g1/data/chunk-000/episode_%06d.parquet",
                 (int)n_episodes);
        struct et_parquet_reader *reader = open_file(data_path(path));
        CHECK_EQ(et_parquet_n_rows(reader), length);
        for (size_t c = 0; c < sizeof COLUMNS / sizeof *COLUMNS; c++) {
            const size_t width = c < 2 ? 26 : 1;
            struct extremes got[26];
            int64_t n_values;
            CHECK(numbers_of(reader, COLUMNS[c], &n_values, got, width));
            CHECK_EQ(n_values, length * (int64_t)width);
            check_stats(et_value_get(own, COLUMNS[c]), got, width);
        }
        et_parquet_close(reader);
        n_episodes++;
        n_frames += length;
    }
    CHECK_EQ(n_episodes, 100);
    CHECK_EQ(n_frames, 35965);
    et_arena_close(arena);
    free(lengths);
    free(stats);
}

static void reads_the_gr1s_doubles_and_booleans(void)
{
    static const char ROOT[] = "gr1_pick_and_place/demo_data/robot_sim.PickNPlace";
    char name[256];
    snprintf(name, sizeof name, "%s/meta/episodes.jsonl", ROOT);
    const char *episodes = data_path(name);
    if (!episodes) {
        tap_skip("no data");
        return;
    }
    size_t n;
    char *text = read_file(episodes, &n);
    struct et_str rest = {text, n};
    struct et_arena *arena;
    CHECK_OK(et_arena_open(&arena, 16 << 20, &err));
    const struct et_value *line;
    while ((line = next_line(&rest, arena))) {
        const int64_t length = et_value_int(et_value_get(line, "length"), -1);
        snprintf(name, sizeof name, "%s/data/chunk-000/episode_%06d.parquet", ROOT,
                 (int)et_value_int(et_value_get(line, "episode_index"), -1));
        struct et_parquet_reader *reader = open_file(data_path(name));
        struct extremes got[44];
        int64_t n_values;
        CHECK_EQ(et_parquet_n_rows(reader), length);
        CHECK(numbers_of(reader, "observation.state", &n_values, got, 44));
        CHECK_EQ(n_values, length * 44);
        CHECK(numbers_of(reader, "next.done", &n_values, got, 1));
        CHECK_EQ(n_values, length);
        CHECK(got[0].min == 0 && got[0].max == 1);
        // The last frame, and only it, is done; read as a rectangle.
        uint8_t *done = malloc((size_t)length);
        struct et_parquet_cursor *cursor;
        CHECK_OK(et_parquet_cursor_open(&cursor, reader,
                                        (size_t)et_parquet_find(reader, "next.done"), &err));
        CHECK_OK(et_parquet_cursor_rows(cursor, 0, length, 1, done, &err));
        CHECK(memchr(done, 1, (size_t)length) == done + length - 1);
        et_parquet_cursor_close(cursor);
        free(done);
        et_parquet_close(reader);
    }
    et_arena_close(arena);
    free(text);
}

int main(void)
{
    RUN(reads_every_encoding_and_codec_of_other_writers);
    RUN(names_a_codec_that_it_does_not_read);
    RUN(gives_the_same_rows_wherever_it_begins);
    RUN(knows_where_a_file_ends);
    RUN(reads_rectangles_across_row_groups_and_types);
    RUN(is_read_by_many_threads_at_once);
    RUN(reads_only_the_pages_it_needs);
    RUN(skips_pages_of_a_long_chunk_by_their_headers);
    RUN(keeps_to_the_limits_of_its_options);
    RUN(finds_a_changed_page_by_its_checksum);
    RUN(agrees_with_the_g1s_own_lengths_and_statistics);
    RUN(reads_the_gr1s_doubles_and_booleans);
    return tap_end();
}

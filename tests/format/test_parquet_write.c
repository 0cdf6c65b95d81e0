// What is written comes back: every type, nesting, codec, encoding and page size.
#include "parquet_sample.h"
#include "support.h"
#include "tap.h"

#include "format/parquet/parquet__encode.h"
#include "format/parquet/parquet__reader.h"

#include <stdlib.h>

static struct et_err err;

static const enum et_parquet_codec CODECS[] = {ET_PARQUET_NONE, ET_PARQUET_SNAPPY, ET_PARQUET_GZIP,
                                               ET_PARQUET_ZSTD};

static void reads_back_every_type_nesting_and_codec(void)
{
    for (size_t c = 0; c < 4; c++) {
        for (int dictionary = 0; dictionary < 2; dictionary++) {
            const char *path = temp_path("round.parquet");
            const struct et_parquet_writer_options options = {
                .codec = CODECS[c], .use_dictionary = dictionary, .has_journal = c % 2};
            const struct et_parquet_options check = {.check_crc = true};
            CHECK_OK(sample_file(path, 3, 700, &options, &err));
            CHECK(sample_is_in(path, 2100, 1000000, &check, &err));
            CHECK(sample_is_in(path, 2100, 1, &check, &err));
            CHECK(sample_is_in(path, 2100, 333, &check, &err));
            CHECK(!file_exists(temp_path("round.parquet.journal")));
            remove(path);
        }
    }
}

static void reads_back_pages_of_every_size(void)
{
    static const size_t SIZES[] = {1, 40, 300, 5000, 100000};
    for (size_t i = 0; i < 5; i++) {
        for (int dictionary = 0; dictionary < 2; dictionary++) {
            const char *path = temp_path("pages.parquet");
            const struct et_parquet_writer_options options = {
                .codec = ET_PARQUET_SNAPPY, .use_dictionary = dictionary, .page_bytes = SIZES[i]};
            CHECK_OK(sample_file(path, 2, 500, &options, &err));
            CHECK(sample_is_in(path, 1000, 1000000, NULL, &err));
            CHECK(sample_is_in(path, 1000, 7, NULL, &err));
            remove(path);
        }
    }
}

static void reads_back_an_empty_file_and_empty_row_groups(void)
{
    const char *path = temp_path("empty.parquet");
    CHECK_OK(sample_file(path, 0, 0, NULL, &err));
    CHECK(sample_is_in(path, 0, 10, NULL, &err));
    remove(path);

    CHECK_OK(sample_file(path, 3, 0, NULL, &err));
    CHECK(sample_is_in(path, 0, 10, NULL, &err));
    struct et_parquet_reader *reader;
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    CHECK_EQ(et_parquet_n_groups(reader), 3);
    et_parquet_close(reader);
    remove(path);
}

static void passes_over_empty_row_groups_between_others(void)
{
    struct et_parquet_node nodes[1];
    struct et_parquet_writer *writer;
    struct et_parquet_reader *reader;
    struct et_parquet_cursor *cursor;
    struct et_parquet_batch batch;
    size_t n = 0;
    const char *path = temp_path("gaps.parquet");
    const int64_t values[] = {1, 2, 3};
    CHECK_EQ(et_parquet_add_column(nodes, 1, &n, "x", ET_PARQUET_INT64, ET_PARQUET_PLAIN, 0), 0);
    CHECK_OK(et_parquet_create(&writer, path, nodes, n, NULL, &err));
    static const int64_t ROWS[] = {0, 2, 0, 0, 3, 0};
    for (size_t i = 0; i < 6; i++) {
        CHECK_OK(et_parquet_write_rows(writer, 0, values, ROWS[i], 1, &err));
        CHECK_OK(et_parquet_writer_commit(writer, &err));
    }
    CHECK_OK(et_parquet_writer_finish(writer, &err));
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, 0, &err));
    CHECK_OK(et_parquet_cursor_next(cursor, 10, &batch, &err));
    CHECK_EQ(batch.n_rows, 5);
    CHECK_EQ(((const int64_t *)batch.values)[2], 1);
    CHECK_EQ(et_parquet_cursor_next(cursor, 10, &batch, &err), ET_END);
    CHECK_OK(et_parquet_cursor_seek(cursor, 2, &err));
    CHECK_OK(et_parquet_cursor_next(cursor, 1, &batch, &err));
    CHECK_EQ(((const int64_t *)batch.values)[0], 1);
    et_parquet_cursor_close(cursor);
    et_parquet_close(reader);
    remove(path);
}

static void writes_the_same_bytes_twice(void)
{
    for (size_t c = 0; c < 4; c++) {
        const char *paths[] = {temp_path("one.parquet"), temp_path("two.parquet")};
        const struct et_parquet_writer_options options = {.codec = CODECS[c],
                                                          .use_dictionary = true};
        size_t n[2];
        void *bytes[2];
        for (size_t i = 0; i < 2; i++) {
            CHECK_OK(sample_file(paths[i], 2, 300, &options, &err));
            bytes[i] = read_file(paths[i], &n[i]);
            remove(paths[i]);
        }
        CHECK(n[0] == n[1] && memcmp(bytes[0], bytes[1], n[0]) == 0);
        free(bytes[0]);
        free(bytes[1]);
    }
}

static void keeps_its_metadata(void)
{
    const char *path = temp_path("keys.parquet");
    const struct et_parquet_metadata keys[] = {{"huggingface", "{\"info\": {}}"}, {"empty", ""}};
    const struct et_parquet_writer_options options = {.metadata = keys, .n_metadata = 2};
    struct et_parquet_reader *reader;
    struct et_str key, value;
    CHECK_OK(sample_file(path, 1, 3, &options, &err));
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    CHECK(et_str_is(et_parquet_metadata(reader, "huggingface"), "{\"info\": {}}"));
    CHECK_EQ(et_parquet_metadata(reader, "absent").n, 0);
    CHECK(!et_parquet_metadata(reader, "absent").p);
    CHECK_EQ(et_parquet_n_metadata(reader), 2);
    et_parquet_metadata_at(reader, 1, &key, &value);
    CHECK(et_str_is(key, "empty") && value.n == 0);
    CHECK(et_str_starts(et_parquet_created_by(reader), "etude version "));
    et_parquet_close(reader);
    remove(path);
}

static void describes_its_schema(void)
{
    const char *path = temp_path("schema.parquet");
    struct et_parquet_reader *reader;
    struct et_parquet_node nodes[SAMPLE_NODES];
    const size_t n = sample_schema(nodes);
    CHECK_OK(sample_file(path, 1, 1, NULL, &err));
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    CHECK_EQ(et_parquet_n_nodes(reader), n);
    for (size_t i = 0; i < n; i++) {
        const struct et_parquet_node *got = &et_parquet_nodes(reader)[i];
        CHECK_STR(got->name, nodes[i].name);
        CHECK_EQ(got->parent, nodes[i].parent);
        CHECK_EQ(got->repetition, nodes[i].repetition);
        CHECK_EQ(got->is_leaf, nodes[i].is_leaf);
        CHECK_EQ(got->logical, nodes[i].logical);
        CHECK(!got->is_leaf || got->type == nodes[i].type);
    }
    const int stats = et_parquet_find(reader, "stats/image/mean");
    CHECK_EQ(stats, 8);
    const struct et_parquet_leaf *leaf = et_parquet_leaf(reader, (size_t)stats);
    CHECK_EQ(leaf->max_def, 7);
    CHECK_EQ(leaf->max_rep, 3);
    CHECK_STR(leaf->path, "stats/image/mean/list/element/list/element/list/element");
    CHECK_STR(et_parquet_leaf(reader, 11)->column, "messages");
    CHECK_STR(et_parquet_leaf(reader, 11)->path, "messages/list/element/n");
    CHECK_EQ(et_parquet_leaf(reader, 5)->logical, ET_PARQUET_STRING);
    CHECK_EQ(et_parquet_find(reader, "absent"), -1);
    et_parquet_close(reader);
    remove(path);
}

static void refuses_a_path_that_is_taken(void)
{
    const char *path = temp_path("taken.parquet");
    write_file(path, "mine", 4);
    write_file(temp_path("taken.parquet.journal"), "mine too", 8);
    const struct et_parquet_writer_options options = {.has_journal = true};
    CHECK_EQ(sample_file(path, 1, 1, &options, &err), ET_EEXISTS);
    CHECK_HAS(err.text, "taken.parquet");
    size_t n;
    char *bytes = read_file(path, &n);
    CHECK_STR(bytes, "mine");
    free(bytes);
    CHECK(file_exists(temp_path("taken.parquet.journal")));
    remove(path);
    remove(temp_path("taken.parquet.journal"));
}

static struct et_parquet_node leaf_node(const char *name, int parent)
{
    return (struct et_parquet_node){
        .name = name, .parent = parent, .is_leaf = true, .type = ET_PARQUET_INT64};
}

static enum et_status create_with(const struct et_parquet_node *nodes, size_t n)
{
    struct et_parquet_writer *writer;
    return et_parquet_create(&writer, temp_path("bad.parquet"), nodes, n, NULL, &err);
}

static void refuses_schemas_that_are_none(void)
{
    struct et_parquet_node nodes[64] = {0};
    CHECK_EQ(create_with(nodes, 0), ET_EARG);
    CHECK_EQ(create_with(nodes, ET_PARQUET_NODES_MAX + 1), ET_EARG);

    nodes[0] = leaf_node("a", 0); // its own parent
    CHECK_EQ(create_with(nodes, 1), ET_EARG);
    nodes[0] = leaf_node("a", -1);
    nodes[1] = leaf_node("b", 0); // below a leaf
    CHECK_EQ(create_with(nodes, 2), ET_EARG);
    nodes[0] = (struct et_parquet_node){.name = "group", .parent = -1}; // without children
    CHECK_EQ(create_with(nodes, 1), ET_EARG);
    nodes[0] = leaf_node("", -1);
    CHECK_EQ(create_with(nodes, 1), ET_EARG);
    nodes[0] = leaf_node(NULL, -1);
    CHECK_EQ(create_with(nodes, 1), ET_EARG);
    nodes[0] = leaf_node("a", -1);
    nodes[0].type = ET_PARQUET_INT96;
    CHECK_EQ(create_with(nodes, 1), ET_EARG);
    nodes[0].type = ET_PARQUET_FIXED;
    CHECK_EQ(create_with(nodes, 1), ET_EARG);
    nodes[0] = leaf_node("a", -1);
    nodes[0].logical = ET_PARQUET_OTHER;
    CHECK_EQ(create_with(nodes, 1), ET_EARG);

    // Not depth-first: the second child of the first group comes after the second group.
    nodes[0] = (struct et_parquet_node){.name = "one", .parent = -1};
    nodes[1] = leaf_node("a", 0);
    nodes[2] = (struct et_parquet_node){.name = "two", .parent = -1};
    nodes[3] = leaf_node("b", 0);
    nodes[4] = leaf_node("c", 2);
    CHECK_EQ(create_with(nodes, 5), ET_EARG);
    for (int i = 0; i < 40; i++)
        nodes[i] = (struct et_parquet_node){.name = "deep", .parent = i - 1};
    nodes[40] = leaf_node("leaf", 39);
    CHECK_EQ(create_with(nodes, 41), ET_EARG);
    CHECK_HAS(err.text, "deep");
    CHECK(!file_exists(temp_path("bad.parquet")));
}

static void refuses_options_that_it_cannot_follow(void)
{
    struct et_parquet_node node = leaf_node("a", -1);
    struct et_parquet_writer *writer;
    struct et_parquet_writer_options options = {.codec = ET_PARQUET_LZ4_RAW};
    const char *path = temp_path("options.parquet");
    CHECK_EQ(et_parquet_create(&writer, path, &node, 1, &options, &err), ET_EARG);
    CHECK_HAS(err.text, "lz4_raw");
    const struct et_parquet_metadata key = {"key", NULL};
    options = (struct et_parquet_writer_options){.metadata = &key, .n_metadata = 1};
    CHECK_EQ(et_parquet_create(&writer, path, &node, 1, &options, &err), ET_EARG);
    CHECK(!file_exists(path));
}

static void says_when_the_nodes_are_full(void)
{
    struct et_parquet_node nodes[4];
    size_t n = 0;
    CHECK_EQ(et_parquet_add_column(nodes, 4, &n, "l", ET_PARQUET_FLOAT, ET_PARQUET_PLAIN, 1), 0);
    CHECK_EQ(n, 3);
    CHECK_EQ(et_parquet_add_column(nodes, 4, &n, "m", ET_PARQUET_FLOAT, ET_PARQUET_PLAIN, 1), -1);
    CHECK_EQ(et_parquet_add_column(nodes, 4, &n, "x", ET_PARQUET_FLOAT, ET_PARQUET_PLAIN, -1), -1);
    CHECK_EQ(n, 3);
    CHECK_EQ(et_parquet_add_column(nodes, 4, &n, "x", ET_PARQUET_FLOAT, ET_PARQUET_PLAIN, 0), 1);
    CHECK_EQ(et_parquet_add_column(nodes, 4, &n, "y", ET_PARQUET_FLOAT, ET_PARQUET_PLAIN, 0), -1);
}

/* ---- the order of calls, and levels ---- */

static struct et_parquet_writer *two_columns(const char *path)
{
    struct et_parquet_node nodes[8];
    struct et_parquet_writer *writer;
    size_t n = 0;
    (void)et_parquet_add_column(nodes, 8, &n, "x", ET_PARQUET_INT64, ET_PARQUET_PLAIN, 0);
    (void)et_parquet_add_column(nodes, 8, &n, "v", ET_PARQUET_INT64, ET_PARQUET_PLAIN, 2);
    remove(path);
    CHECK_OK(et_parquet_create(&writer, path, nodes, n, NULL, &err));
    return writer;
}

static void refuses_leaves_out_of_turn(void)
{
    const char *path = temp_path("turn.parquet");
    struct et_parquet_writer *writer = two_columns(path);
    const int64_t x[] = {1, 2, 3};
    const uint8_t rep[] = {0, 0, 0}, def[] = {0, 0, 0};
    const struct et_parquet_batch nulls = {
        .n_rows = 3, .n_levels = 3, .n_values = 0, .def = def, .rep = rep};
    CHECK_EQ(et_parquet_writer_n_leaves(writer), 2);
    CHECK_EQ(et_parquet_write_leaf(writer, 1, &nulls, &err), ET_EARG);
    CHECK_EQ(et_parquet_writer_commit(writer, &err), ET_EARG);
    CHECK_EQ(et_parquet_write_rows(writer, 0, x, 3, 2, &err), ET_EARG);
    CHECK_EQ(et_parquet_write_rows(writer, 0, x, 3, 0, &err), ET_EARG);
    CHECK_EQ(et_parquet_write_rows(writer, 0, x, -1, 1, &err), ET_EARG);
    CHECK_OK(et_parquet_write_rows(writer, 0, x, 2, 1, &err));
    CHECK_EQ(et_parquet_write_rows(writer, 0, x, 2, 1, &err), ET_EARG);
    CHECK_EQ(et_parquet_write_rows(writer, 1, x, 2, 1, &err), ET_EARG); // depth 2
    CHECK_EQ(et_parquet_write_leaf(writer, 1, &nulls, &err), ET_EARG);  // 3 rows, not 2
    CHECK_EQ(et_parquet_write_rows(writer, 7, x, 2, 1, &err), ET_EARG);
    const struct et_parquet_batch two = {
        .n_rows = 2, .n_levels = 2, .n_values = 0, .def = def, .rep = rep};
    CHECK_OK(et_parquet_write_leaf(writer, 1, &two, &err));
    CHECK_OK(et_parquet_writer_commit(writer, &err));
    CHECK_EQ(et_parquet_writer_n_rows(writer), 2);
    CHECK_EQ(et_parquet_writer_n_groups(writer), 1);
    CHECK(et_parquet_writer_bytes(writer) > 4);
    CHECK_OK(et_parquet_write_rows(writer, 0, x, 2, 1, &err));
    CHECK_EQ(et_parquet_writer_finish(writer, &err), ET_EARG); // begun and not committed
    remove(path);
}

static void refuses_levels_that_no_rows_have(void)
{
    const char *path = temp_path("levels.parquet");
    struct et_parquet_writer *writer = two_columns(path);
    const int64_t x[] = {1, 2, 3};
    CHECK_OK(et_parquet_write_rows(writer, 0, x, 2, 1, &err));
    static const struct {
        const char *why;
        uint8_t rep[4], def[4];
        int64_t n_levels, n_values;
    } WRONG[] = {
        {"a first level that goes on", {1, 0, 0}, {5, 5, 5}, 3, 3},
        {"a repetition above the highest", {0, 3, 0}, {5, 5, 5}, 3, 3},
        {"a definition above the highest", {0, 1, 0}, {5, 6, 5}, 3, 3},
        {"a second element of an empty list", {0, 1, 0}, {1, 5, 5}, 3, 2},
        {"an element that is a null list", {0, 1, 0}, {5, 1, 5}, 3, 2},
        {"a second inner element after an empty inner list", {0, 2, 0}, {3, 5, 5}, 3, 2},
        {"three rows", {0, 0, 0}, {5, 5, 5}, 3, 3},
        {"one row", {0, 1, 1}, {5, 5, 5}, 3, 3},
        {"fewer values", {0, 1, 0}, {5, 2, 5}, 3, 3},
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        const struct et_parquet_batch batch = {.n_rows = 2,
                                               .n_levels = WRONG[i].n_levels,
                                               .n_values = WRONG[i].n_values,
                                               .def = WRONG[i].def,
                                               .rep = WRONG[i].rep,
                                               .values = x};
        if (et_parquet_write_leaf(writer, 1, &batch, &err) != ET_EARG)
            tap_check(false, __FILE__, __LINE__, WRONG[i].why);
    }
    const uint8_t rep[] = {0, 2, 0}, def[] = {5, 5, 5};
    struct et_parquet_batch batch = {.n_rows = 2, .n_levels = 3, .n_values = 3, .values = x};
    CHECK_EQ(et_parquet_write_leaf(writer, 1, &batch, &err), ET_EARG); // no levels at all
    batch.def = def;
    batch.rep = rep;
    CHECK_OK(et_parquet_write_leaf(writer, 1, &batch, &err));
    CHECK_OK(et_parquet_writer_commit(writer, &err));
    CHECK_OK(et_parquet_writer_finish(writer, &err));
    remove(path);
}

static void refuses_a_text_that_fits_no_page(void)
{
    struct et_parquet_node nodes[1];
    struct et_parquet_writer *writer;
    size_t n = 0;
    const char *path = temp_path("long.parquet");
    const struct et_str text = {"", (size_t)1 << 40}; // never looked at
    (void)et_parquet_add_column(nodes, 1, &n, "s", ET_PARQUET_BYTES, ET_PARQUET_STRING, 0);
    CHECK_OK(et_parquet_create(&writer, path, nodes, n, NULL, &err));
    CHECK_EQ(et_parquet_write_rows(writer, 0, &text, 1, 1, &err), ET_ELIMIT);
    const struct et_str good = ET_STR("good");
    CHECK_OK(et_parquet_write_rows(writer, 0, &good, 1, 1, &err)); // nothing was done
    CHECK_OK(et_parquet_writer_commit(writer, &err));
    CHECK_OK(et_parquet_writer_finish(writer, &err));
    remove(path);
}

/* ---- rectangles ---- */

static void writes_and_reads_rectangles_of_every_width(void)
{
    static const size_t WIDTHS[] = {1, 2, 3, 7, 8, 9, 28, 47, 48, 49, 64, 1000};
    for (size_t i = 0; i < sizeof WIDTHS / sizeof *WIDTHS; i++) {
        const size_t width = WIDTHS[i], n_rows = 3000 / width + 5;
        struct et_parquet_node nodes[3];
        struct et_parquet_writer *writer;
        struct et_parquet_reader *reader;
        struct et_parquet_cursor *cursor;
        size_t n = 0;
        const char *path = temp_path("wide.parquet");
        float *values = malloc(n_rows * width * sizeof *values);
        float *got = malloc(n_rows * width * sizeof *values);
        struct rng rng = {width};
        for (size_t k = 0; k < n_rows * width; k++)
            values[k] = (float)rng_gaussian(&rng);
        (void)et_parquet_add_column(nodes, 3, &n, "v", ET_PARQUET_FLOAT, ET_PARQUET_PLAIN, 1);
        const struct et_parquet_writer_options options = {.codec = ET_PARQUET_ZSTD,
                                                          .page_bytes = 700};
        CHECK_OK(et_parquet_create(&writer, path, nodes, n, &options, &err));
        CHECK_OK(et_parquet_write_rows(writer, 0, values, (int64_t)n_rows, width, &err));
        CHECK_OK(et_parquet_writer_commit(writer, &err));
        CHECK_OK(et_parquet_writer_finish(writer, &err));

        CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
        CHECK_OK(et_parquet_cursor_open(&cursor, reader, 0, &err));
        CHECK_OK(et_parquet_cursor_rows(cursor, 0, (int64_t)n_rows, width, got, &err));
        CHECK(memcmp(values, got, n_rows * width * sizeof *values) == 0);
        CHECK_OK(et_parquet_cursor_rows(cursor, 2, 2, width, got, &err));
        CHECK(memcmp(values + 2 * width, got, 2 * width * sizeof *values) == 0);
        CHECK_EQ(et_parquet_cursor_rows(cursor, 1, 2, width + 1, got, &err), ET_ECORRUPT);
        CHECK_EQ(err.at, 1);
        if (width > 1) {
            CHECK_EQ(et_parquet_cursor_rows(cursor, 1, 2, width - 1, got, &err), ET_ECORRUPT);
            CHECK_EQ(err.at, 1);
        }
        CHECK_EQ(et_parquet_cursor_rows(cursor, 1, (int64_t)n_rows, width, got, &err), ET_EARG);
        CHECK_EQ(et_parquet_cursor_rows(cursor, 0, 1, 0, got, &err), ET_EARG);
        CHECK_OK(et_parquet_cursor_rows(cursor, (int64_t)n_rows, 0, width, got, &err));
        et_parquet_cursor_close(cursor);
        et_parquet_close(reader);
        remove(path);
        free(values);
        free(got);
    }
}

/* ---- statistics ---- */

#define NONE ((double)NAN)
#define ENDLESS ((double)INFINITY)

struct stats_case {
    enum et_parquet_type type;
    double values[4]; // as the type; NaN allowed
    double min, max;  // NaN: none are stated
};

// The statistics stand in the footer; DuckDB and hyparquet see them so.
static void put_case(const struct stats_case *c, const char *path)
{
    struct et_parquet_node node = {
        .name = "x", .parent = -1, .repetition = ET_PARQUET_OPTIONAL, .is_leaf = true};
    struct et_parquet_writer *writer;
    float floats[4];
    int64_t ints[4];
    int32_t smalls[4];
    uint8_t flags[4];
    const void *values = c->values;
    for (size_t i = 0; i < 4; i++) {
        floats[i] = (float)c->values[i];
        ints[i] = fabs(c->values[i]) < 0x1p63 ? (int64_t)c->values[i] : 0; // NaN is not
        smalls[i] = (int32_t)ints[i];
        flags[i] = (uint8_t)ints[i];
    }
    if (c->type == ET_PARQUET_FLOAT)
        values = floats;
    else if (c->type == ET_PARQUET_INT64)
        values = ints;
    else if (c->type == ET_PARQUET_INT32)
        values = smalls;
    else if (c->type == ET_PARQUET_BOOL)
        values = flags;
    node.type = c->type;
    remove(path);
    CHECK_OK(et_parquet_create(&writer, path, &node, 1, NULL, &err));
    CHECK_OK(et_parquet_write_rows(writer, 0, values, 4, 1, &err));
    CHECK_OK(et_parquet_writer_commit(writer, &err));
    CHECK_OK(et_parquet_writer_finish(writer, &err));
}

/* Finds the statistics of the only column: field 12 of its ColumnMetaData. */
static void read_statistics(const char *path, struct et_str *min, struct et_str *max,
                            int64_t *n_nulls, void **bytes)
{
    struct et_parquet_reader *reader;
    *min = *max = (struct et_str){NULL, 0};
    *n_nulls = -1;
    *bytes = NULL;
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    const struct et_str raw = reader->meta.groups[0].raw;
    *bytes = malloc(raw.n);
    memcpy(*bytes, raw.p, raw.n);
    struct et__thrift_in in = et__thrift_in(*bytes, raw.n, 0);
    int id = 0, type, column_id = 0, meta_id = 0, stats_id = 0;
    CHECK(et__thrift_field(&in, &id, &type) && id == 1);
    CHECK_EQ(et__thrift_list(&in, type, ET__THRIFT_STRUCT, 1), 1);
    while (et__thrift_field(&in, &column_id, &type) && column_id != 3)
        et__thrift_skip(&in, type);
    while (et__thrift_field(&in, &meta_id, &type) && meta_id != 12)
        et__thrift_skip(&in, type);
    CHECK_EQ(meta_id, 12);
    while (et__thrift_field(&in, &stats_id, &type)) {
        if (stats_id == 3)
            *n_nulls = et__thrift_int64(&in, type);
        else if (stats_id == 5)
            *max = et__thrift_binary(&in, type);
        else if (stats_id == 6)
            *min = et__thrift_binary(&in, type);
        else
            et__thrift_skip(&in, type);
    }
    CHECK(!in.bad);
    et_parquet_close(reader);
}

static double number_of(struct et_str bytes, enum et_parquet_type type)
{
    double real = 0;
    float single = 0;
    int64_t large = 0;
    int32_t small = 0;
    if (bytes.n != et__parquet_value_bytes(type))
        return NONE;
    switch ((int)type) {
    case ET_PARQUET_DOUBLE:
        memcpy(&real, bytes.p, 8);
        return real;
    case ET_PARQUET_FLOAT:
        memcpy(&single, bytes.p, 4);
        return (double)single;
    case ET_PARQUET_INT64:
        memcpy(&large, bytes.p, 8);
        return (double)large;
    case ET_PARQUET_INT32:
        memcpy(&small, bytes.p, 4);
        return small;
    default:
        return bytes.p[0];
    }
}

static void states_the_smallest_and_the_largest_value(void)
{
    static const struct stats_case CASES[] = {
        {ET_PARQUET_DOUBLE, {3, -2, 7, 1}, -2, 7},
        {ET_PARQUET_FLOAT, {NONE, 4, NONE, 2}, 2, 4},
        {ET_PARQUET_DOUBLE, {NONE, NONE, NONE, NONE}, NONE, NONE},
        {ET_PARQUET_DOUBLE, {0.0, 1, 2, 3}, -0.0, 3},
        {ET_PARQUET_FLOAT, {-0.0, -1, -2, -3}, -3, 0.0},
        {ET_PARQUET_FLOAT, {0.0, 0.0, 0.0, 0.0}, -0.0, 0.0},
        {ET_PARQUET_DOUBLE, {-0.0, -0.0, -0.0, -0.0}, -0.0, 0.0},
        {ET_PARQUET_DOUBLE, {ENDLESS, ENDLESS, ENDLESS, ENDLESS}, ENDLESS, ENDLESS},
        {ET_PARQUET_FLOAT, {-ENDLESS, NONE, 1, ENDLESS}, -ENDLESS, ENDLESS},
        {ET_PARQUET_INT64, {-5, 9007199254740992.0, 0, 1}, -5, 9007199254740992.0},
        {ET_PARQUET_INT32, {-2147483648.0, 2147483647, 0, 0}, -2147483648.0, 2147483647},
        {ET_PARQUET_BOOL, {1, 1, 1, 1}, 1, 1},
        {ET_PARQUET_BOOL, {1, 0, 1, 1}, 0, 1},
    };
    const char *path = temp_path("stats.parquet");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_str min, max;
        int64_t n_nulls;
        void *bytes;
        put_case(&CASES[i], path);
        read_statistics(path, &min, &max, &n_nulls, &bytes);
        const double lo = number_of(min, CASES[i].type), hi = number_of(max, CASES[i].type);
        CHECK(isnan(CASES[i].min) ? isnan(lo) : lo == CASES[i].min);
        CHECK(isnan(CASES[i].max) ? isnan(hi) : hi == CASES[i].max);
        CHECK(isnan(lo) || lo != 0 || CASES[i].type > 5 || CASES[i].type < 4 || signbit(lo));
        CHECK(isnan(hi) || hi != 0 || !signbit(hi));
        CHECK_EQ(n_nulls, 0);
        free(bytes);
    }
    remove(path);
}

static void finds_extremes_as_a_plain_loop_does(void)
{
    struct rng rng = {11};
    for (size_t n = 1; n < 70; n++) {
        float values[70];
        struct et__extremes e = {0};
        float lo = INFINITY, hi = -INFINITY, got[2];
        for (size_t i = 0; i < n; i++) {
            values[i] = rng_next(&rng) % 5 ? (float)rng_gaussian(&rng) : NAN;
            lo = values[i] < lo ? values[i] : lo;
            hi = values[i] > hi ? values[i] : hi;
        }
        et__extremes_add(&e, ET_PARQUET_FLOAT, values, n / 2);
        et__extremes_add(&e, ET_PARQUET_FLOAT, values + n / 2, n - n / 2);
        et__extremes_end(&e, ET_PARQUET_FLOAT);
        CHECK_EQ(e.exist, lo <= hi);
        if (!e.exist)
            continue;
        memcpy(&got[0], e.min, 4);
        memcpy(&got[1], e.max, 4);
        CHECK(got[0] == lo && got[1] == hi);
    }
}

static void states_texts_by_their_bytes_and_counts_nulls(void)
{
    struct et_parquet_node nodes[1];
    struct et_parquet_writer *writer;
    size_t n = 0;
    const char *path = temp_path("texts.parquet");
    char long_text[300];
    memset(long_text, 'x', sizeof long_text);
    struct et_str texts[] = {ET_STR("b"), ET_STR("\xc3\xbc"), ET_STR(""), ET_STR("bb")};
    const uint8_t def[] = {1, 0, 1, 1, 0, 1};
    (void)et_parquet_add_column(nodes, 1, &n, "s", ET_PARQUET_BYTES, ET_PARQUET_STRING, 0);
    for (int i = 0; i < 2; i++) {
        struct et_str min, max;
        int64_t n_nulls;
        void *bytes;
        const struct et_parquet_batch batch = {
            .n_rows = 6, .n_levels = 6, .n_values = 4, .def = def, .values = texts};
        CHECK_OK(et_parquet_create(&writer, path, nodes, n, NULL, &err));
        CHECK_OK(et_parquet_write_leaf(writer, 0, &batch, &err));
        CHECK_OK(et_parquet_writer_commit(writer, &err));
        CHECK_OK(et_parquet_writer_finish(writer, &err));
        read_statistics(path, &min, &max, &n_nulls, &bytes);
        CHECK_EQ(n_nulls, 2);
        if (i == 0)
            CHECK(min.p && min.n == 0 && et_str_is(max, "\xc3\xbc"));
        else
            CHECK(!min.p && !max.p); // too long to state
        texts[0] = (struct et_str){long_text, sizeof long_text};
        free(bytes);
        remove(path);
    }
}

/* ---- dictionaries ---- */

static int64_t size_of_column(const int64_t *values, int64_t n, bool use_dictionary)
{
    struct et_parquet_node nodes[1];
    struct et_parquet_writer *writer;
    struct et_parquet_reader *reader;
    struct et_parquet_cursor *cursor;
    size_t n_nodes = 0;
    const char *path = temp_path("dictionary.parquet");
    int64_t *got = malloc((size_t)n * sizeof *got);
    const struct et_parquet_writer_options options = {.use_dictionary = use_dictionary};
    (void)et_parquet_add_column(nodes, 1, &n_nodes, "x", ET_PARQUET_INT64, ET_PARQUET_PLAIN, 0);
    CHECK_OK(et_parquet_create(&writer, path, nodes, n_nodes, &options, &err));
    CHECK_OK(et_parquet_write_rows(writer, 0, values, n, 1, &err));
    CHECK_OK(et_parquet_writer_commit(writer, &err));
    const int64_t size = et_parquet_writer_bytes(writer);
    CHECK_OK(et_parquet_writer_finish(writer, &err));
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, 0, &err));
    CHECK_OK(et_parquet_cursor_rows(cursor, 0, n, 1, got, &err));
    CHECK(memcmp(values, got, (size_t)n * sizeof *got) == 0);
    et_parquet_cursor_close(cursor);
    et_parquet_close(reader);
    remove(path);
    free(got);
    return size;
}

static void uses_a_dictionary_only_where_it_pays(void)
{
    enum { N = 200000 };
    int64_t *values = malloc(N * sizeof *values);
    struct rng rng = {3};
    for (int64_t i = 0; i < N; i++)
        values[i] = i % 500; // repeats, never twice in a row
    CHECK(size_of_column(values, N, true) < size_of_column(values, N, false) / 5);
    for (int64_t i = 0; i < N; i++)
        values[i] = 7;
    CHECK(size_of_column(values, N, true) < 200);
    for (int64_t i = 0; i < N; i++)
        values[i] = i; // all differ
    CHECK_EQ(size_of_column(values, N, true), size_of_column(values, N, false));
    for (int64_t i = 0; i < N; i++)
        values[i] = (int64_t)(rng_next(&rng) % 20000); // many, and often
    CHECK(size_of_column(values, N, true) < size_of_column(values, N, false));
    for (int64_t i = 0; i < N; i++)
        values[i] = (int64_t)(rng_next(&rng) % 65536) | (i & 1) << 40; // more than it may have
    CHECK_EQ(size_of_column(values, N, true), size_of_column(values, N, false));
    free(values);
}

int main(void)
{
    RUN(reads_back_every_type_nesting_and_codec);
    RUN(reads_back_pages_of_every_size);
    RUN(reads_back_an_empty_file_and_empty_row_groups);
    RUN(passes_over_empty_row_groups_between_others);
    RUN(writes_the_same_bytes_twice);
    RUN(keeps_its_metadata);
    RUN(describes_its_schema);
    RUN(refuses_a_path_that_is_taken);
    RUN(refuses_schemas_that_are_none);
    RUN(refuses_options_that_it_cannot_follow);
    RUN(says_when_the_nodes_are_full);
    RUN(refuses_leaves_out_of_turn);
    RUN(refuses_levels_that_no_rows_have);
    RUN(refuses_a_text_that_fits_no_page);
    RUN(writes_and_reads_rectangles_of_every_width);
    RUN(states_the_smallest_and_the_largest_value);
    RUN(finds_extremes_as_a_plain_loop_does);
    RUN(states_texts_by_their_bytes_and_counts_nulls);
    RUN(uses_a_dictionary_only_where_it_pays);
    return tap_end();
}

// Files that are cut, changed or made to harm: an error that says what and where, bounded memory,
// and no crash.
#include "parquet_sample.h"
#include "support.h"
#include "tap.h"

#include "format/parquet/parquet__reader.h"

#include <stdlib.h>

static struct et_err err;

static const struct et_parquet_options SMALL = {.page_bytes_max = 1 << 20,
                                                .batch_bytes_max = 4 << 20};

/* Reads every column, at most `n_batches` batches of each, and its rows as a rectangle; returns the
 * first failure. */
static enum et_status read_everything(const char *path, int n_batches)
{
    struct et_parquet_reader *reader;
    enum et_status first = et_parquet_open(&reader, path, &SMALL, &err);
    if (first != ET_OK) {
        CHECK(first == ET_ECORRUPT || first == ET_EUNSUPPORTED || first == ET_ELIMIT);
        CHECK_HAS(err.text, path);
        return first;
    }
    for (size_t i = 0; i < et_parquet_n_leaves(reader); i++) {
        struct et_parquet_cursor *cursor;
        struct et_parquet_batch batch;
        int64_t numbers[32];
        const int64_t n_rows = et_parquet_n_rows(reader);
        enum et_status st = et_parquet_cursor_open(&cursor, reader, i, &err);
        for (int k = 0; k < n_batches && st == ET_OK; k++)
            st = et_parquet_cursor_next(cursor, 7, &batch, &err);
        if (st < 0) {
            CHECK(st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ELIMIT);
            CHECK(err.text[0]);
        }
        first = first == ET_OK && st < 0 ? st : first;
        if (n_rows > 3 && !et__parquet_is_view(et_parquet_leaf(reader, i)->type))
            (void)!et_parquet_cursor_rows(cursor, n_rows / 2, 2, 3, numbers, &err);
        (void)!et_parquet_cursor_seek(cursor, n_rows / 3, &err);
        et_parquet_cursor_close(cursor);
    }
    et_parquet_close(reader);
    return first;
}

/* ---- every cut and every flip ---- */

static void survive_cut(const char *path, size_t n_kept, void *ctx)
{
    (void)n_kept;
    (void)ctx;
    CHECK_EQ(read_everything(path, 100), ET_ECORRUPT);
    remove(path); // a file system may sync one that is overwritten, and this is done often
}

static void survive_flip(const char *path, size_t at, void *ctx)
{
    (void)at;
    size_t *n_refused = ctx;
    *n_refused += read_everything(path, 30) != ET_OK;
    remove(path);
}

static void cut_and_flip(const char *path)
{
    size_t n, n_refused = 0;
    const char *copy = temp_path("changed.parquet");
    void *bytes = read_file(path, &n);
    if (!CHECK(bytes))
        return;
    cut_at_every_byte(bytes, n, 1, copy, survive_cut, NULL);
    const size_t n_flips = flip_every_byte(bytes, n, 1, copy, survive_flip, &n_refused);
    CHECK(n_refused > n_flips / 12); // the rest is names, statistics and numbers
    remove(copy);
    free(bytes);
}

static void survives_any_cut_and_flip_of_what_it_writes(void)
{
    static const enum et_parquet_codec CODECS[] = {ET_PARQUET_NONE, ET_PARQUET_SNAPPY,
                                                   ET_PARQUET_GZIP, ET_PARQUET_ZSTD};
    for (size_t i = 0; i < 4; i++) {
        const char *path = temp_path("ours.parquet");
        const struct et_parquet_writer_options options = {
            .codec = CODECS[i], .use_dictionary = i % 2, .page_bytes = i ? 0 : 50};
        CHECK_OK(sample_file(path, 1, 12, &options, &err));
        cut_and_flip(path);
        remove(path);
    }
}

static void survives_any_cut_and_flip_of_what_others_write(void)
{
    static const char *const NAMES[] = {
        "duckdb-uncompressed-V2", "duckdb-gzip-V2",  "duckdb-zstd-V2", "duckdb-lz4_raw-V2",
        "duckdb-snappy-V1",       "hyparquet-delta", "hyparquet-split"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char name[128];
        snprintf(name, sizeof name, "tests/fuzz/seeds/parquet/%s.parquet", NAMES[i]);
        cut_and_flip(source_path(name));
    }
}

/* ---- files made by hand ---- */

/* One column of INT32 in one row group with one page; a test changes what it wants wrong. */
struct made {
    // The schema.
    int root_children, n_elements; // elements the list says
    int repetition, type, type_bytes;
    int depth;          // groups between the root and the column
    int group_children; // that each of them claims
    // The row group and its column.
    int64_t n_rows, file_rows, n_groups; // n_groups: what the list says
    int64_t chunk_levels, chunk_bytes, chunk_at;
    int64_t n_columns;
    int codec, chunk_type;
    bool has_no_meta, is_elsewhere;
    // The pages: a dictionary (NULL: none), and the data.
    struct et_str dictionary;
    int n_dictionary;
    int page_type, encoding, level_encoding, n_levels;
    int64_t n_unpacked, n_packed; // −1: as it is
    int n_rep_bytes, n_def_bytes, n_page_rows;
    struct et_str body;
    int64_t footer_bytes; // −1: as it is
    const char *magic;
};

static const int32_t FOUR[4] = {1, 2, 3, 4};

static struct made made(void)
{
    return (struct made){.root_children = 1,
                         .n_elements = -1,
                         .type = ET_PARQUET_INT32,
                         .group_children = 1,
                         .n_rows = 4,
                         .file_rows = 4,
                         .n_groups = 1,
                         .chunk_levels = 4,
                         .chunk_bytes = -1,
                         .chunk_at = 4,
                         .n_columns = 1,
                         .chunk_type = -1,
                         .level_encoding = ET__PARQUET_RLE,
                         .n_levels = 4,
                         .n_unpacked = -1,
                         .n_packed = -1,
                         .body = {(const char *)FOUR, sizeof FOUR},
                         .footer_bytes = -1,
                         .magic = "PAR1"};
}

static void put_page(struct et_buf *buf, const struct made *m, bool is_dictionary)
{
    struct et__thrift_out out = et__thrift_out(buf);
    const struct et_str body = is_dictionary ? m->dictionary : m->body;
    const int type = is_dictionary ? ET__PAGE_DICTIONARY : m->page_type;
    et__thrift_put_struct(&out, 0);
    et__thrift_put_int(&out, 1, ET__THRIFT_I32, type);
    et__thrift_put_int(&out, 2, ET__THRIFT_I64,
                       is_dictionary || m->n_unpacked == -1 ? (int64_t)body.n : m->n_unpacked);
    et__thrift_put_int(&out, 3, ET__THRIFT_I64,
                       is_dictionary || m->n_packed == -1 ? (int64_t)body.n : m->n_packed);
    if (type == ET__PAGE_DATA_V2) {
        et__thrift_put_struct(&out, 8);
        et__thrift_put_int(&out, 1, ET__THRIFT_I32, m->n_levels);
        et__thrift_put_int(&out, 3, ET__THRIFT_I32, m->n_page_rows);
        et__thrift_put_int(&out, 4, ET__THRIFT_I32, m->encoding);
        et__thrift_put_int(&out, 5, ET__THRIFT_I32, m->n_def_bytes);
        et__thrift_put_int(&out, 6, ET__THRIFT_I32, m->n_rep_bytes);
    } else {
        et__thrift_put_struct(&out, is_dictionary ? 7 : 5);
        et__thrift_put_int(&out, 1, ET__THRIFT_I32, is_dictionary ? m->n_dictionary : m->n_levels);
        et__thrift_put_int(&out, 2, ET__THRIFT_I32, is_dictionary ? 0 : m->encoding);
        et__thrift_put_int(&out, 3, ET__THRIFT_I32, m->level_encoding);
        et__thrift_put_int(&out, 4, ET__THRIFT_I32, m->level_encoding);
    }
    et__thrift_put_end(&out);
    et__thrift_put_end(&out);
    et_buf_putstr(buf, body);
}

static void put_schema(struct et__thrift_out *out, const struct made *m)
{
    const int n = m->n_elements >= 0 ? m->n_elements : m->depth + 2;
    et__thrift_put_list(out, 2, ET__THRIFT_STRUCT, (size_t)n);
    et__thrift_put_struct(out, 0);
    et__thrift_put_binary(out, 4, "schema", 6);
    et__thrift_put_int(out, 5, ET__THRIFT_I32, m->root_children);
    et__thrift_put_end(out);
    for (int i = 0; i <= m->depth; i++) {
        et__thrift_put_struct(out, 0);
        if (i == m->depth)
            et__thrift_put_int(out, 1, ET__THRIFT_I32, m->type);
        if (m->type_bytes != 0)
            et__thrift_put_int(out, 2, ET__THRIFT_I32, m->type_bytes);
        et__thrift_put_int(out, 3, ET__THRIFT_I32, m->repetition);
        et__thrift_put_binary(out, 4, "x", 1);
        if (i < m->depth)
            et__thrift_put_int(out, 5, ET__THRIFT_I32, m->group_children);
        et__thrift_put_end(out);
    }
}

static void put_group(struct et__thrift_out *out, const struct made *m, int64_t pages_end)
{
    et__thrift_put_struct(out, 0);
    et__thrift_put_list(out, 1, ET__THRIFT_STRUCT, (size_t)m->n_columns);
    et__thrift_put_struct(out, 0);
    if (m->is_elsewhere)
        et__thrift_put_binary(out, 1, "other.parquet", 13);
    et__thrift_put_int(out, 2, ET__THRIFT_I64, 0);
    if (!m->has_no_meta) {
        et__thrift_put_struct(out, 3);
        et__thrift_put_int(out, 1, ET__THRIFT_I32, m->chunk_type >= 0 ? m->chunk_type : m->type);
        et__thrift_put_int(out, 4, ET__THRIFT_I32, m->codec);
        et__thrift_put_int(out, 5, ET__THRIFT_I64, m->chunk_levels);
        et__thrift_put_int(out, 7, ET__THRIFT_I64,
                           m->chunk_bytes != -1 ? m->chunk_bytes : pages_end - 4);
        et__thrift_put_int(out, 9, ET__THRIFT_I64, m->chunk_at);
        et__thrift_put_end(out);
    }
    et__thrift_put_end(out);
    et__thrift_put_int(out, 3, ET__THRIFT_I64, m->n_rows);
    et__thrift_put_end(out);
}

static const char *write_made(const struct made *m)
{
    const char *path = temp_path("made.parquet");
    struct et_buf buf = et_buf(1 << 24);
    struct et__thrift_out out = et__thrift_out(&buf);
    et_buf_puts(&buf, m->magic);
    if (m->dictionary.p)
        put_page(&buf, m, true);
    put_page(&buf, m, false);
    const size_t pages_end = buf.n;
    et__thrift_put_struct(&out, 0);
    et__thrift_put_int(&out, 1, ET__THRIFT_I32, 2);
    put_schema(&out, m);
    et__thrift_put_int(&out, 3, ET__THRIFT_I64, m->file_rows);
    et__thrift_put_list(&out, 4, ET__THRIFT_STRUCT, (size_t)m->n_groups);
    put_group(&out, m, (int64_t)pages_end);
    et__thrift_put_end(&out);
    const uint32_t n =
        m->footer_bytes >= 0 ? (uint32_t)m->footer_bytes : (uint32_t)(buf.n - pages_end);
    et_buf_put(&buf, &n, 4);
    et_buf_puts(&buf, m->magic);
    CHECK_EQ(buf.status, ET_OK);
    write_file(path, buf.p, buf.n);
    et_buf_free(&buf);
    return path;
}

// The file is refused when it is opened, with these words.
static void refused(const struct made *m, enum et_status status, const char *words)
{
    struct et_parquet_reader *reader;
    const enum et_status st = et_parquet_open(&reader, write_made(m), &SMALL, &err);
    CHECK_EQ(st, status);
    CHECK_HAS(err.text, words);
    CHECK_HAS(err.text, "made.parquet");
    if (st == ET_OK)
        et_parquet_close(reader);
}

// It opens, and reading its column fails with these words, at a place in the file.
static void unreadable(const struct made *m, enum et_status status, const char *words)
{
    struct et_parquet_reader *reader;
    struct et_parquet_cursor *cursor;
    struct et_parquet_batch batch;
    enum et_status st = et_parquet_open(&reader, write_made(m), &SMALL, &err);
    if (!tap_check(st == ET_OK, __FILE__, __LINE__, "it opens")) {
        printf("#   %s\n", err.text);
        return;
    }
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, 0, &err));
    st = et_parquet_cursor_next(cursor, INT64_MAX, &batch, &err);
    CHECK_EQ(st, status);
    CHECK_HAS(err.text, words);
    CHECK_HAS(err.text, "column x");
    CHECK_EQ(et_parquet_cursor_next(cursor, 1, &batch, &err), ET_EARG);
    et_parquet_cursor_close(cursor);
    et_parquet_close(reader);
}

static void reads_a_file_that_was_made_by_hand(void)
{
    struct et_parquet_reader *reader;
    struct et_parquet_cursor *cursor;
    const struct made m = made();
    int32_t got[4];
    CHECK_OK(et_parquet_open(&reader, write_made(&m), &SMALL, &err));
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, 0, &err));
    CHECK_OK(et_parquet_cursor_rows(cursor, 0, 4, 1, got, &err));
    CHECK(memcmp(got, FOUR, sizeof FOUR) == 0);
    et_parquet_cursor_close(cursor);
    et_parquet_close(reader);
}

#define WITH(...)           \
    struct made m = made(); \
    __VA_ARGS__

static void refuses_what_is_no_parquet_file(void)
{
    struct et_parquet_reader *reader;
    const char *path = temp_path("none.parquet");
    CHECK_EQ(et_parquet_open(&reader, path, NULL, &err), ET_ENOTFOUND);
    write_file(path, "", 0);
    CHECK_EQ(et_parquet_open(&reader, path, NULL, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "0 bytes");
    char zeros[1000] = {0};
    write_file(path, zeros, sizeof zeros);
    CHECK_EQ(et_parquet_open(&reader, path, NULL, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "does not begin with PAR1");
    memcpy(zeros, "PAR1", 4);
    write_file(path, zeros, sizeof zeros);
    CHECK_EQ(et_parquet_open(&reader, path, NULL, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "does not end with PAR1");
    CHECK_EQ(err.at, 996);
    memcpy(zeros + 996, "PAR1", 4);
    write_file(path, zeros, sizeof zeros);
    CHECK_EQ(et_parquet_open(&reader, path, NULL, &err), ET_ECORRUPT); // a footer of 0 bytes
    CHECK_EQ(et_parquet_open(&reader, "/", NULL, &err), ET_EIO);
    {
        WITH(m.magic = "PARE");
        refused(&m, ET_EUNSUPPORTED, "encrypted");
    }
    {
        WITH(m.footer_bytes = UINT32_MAX);
        refused(&m, ET_ECORRUPT, "cannot be");
    }
    remove(path);
}

static void refuses_schemas_that_do_not_hold_together(void)
{
    {
        WITH(m.root_children = 2);
        refused(&m, ET_ECORRUPT, "fewer elements");
    }
    {
        WITH(m.root_children = 1000000000);
        refused(&m, ET_ECORRUPT, "fewer elements");
    }
    {
        WITH(m.root_children = -1);
        refused(&m, ET_ECORRUPT, "root");
    }
    {
        WITH(m.root_children = 0);
        refused(&m, ET_ECORRUPT, "root");
    }
    {
        WITH(m.depth = 2, m.group_children = 0);
        refused(&m, ET_ECORRUPT, "group without children");
    }
    {
        WITH(m.depth = 2, m.group_children = -5);
        refused(&m, ET_ECORRUPT, "negative number of children");
    }
    {
        WITH(m.depth = 2, m.group_children = 2147483647);
        refused(&m, ET_ECORRUPT, "fewer elements");
    }
    {
        WITH(m.depth = 25);
        refused(&m, ET_ELIMIT, "nested deeper than 24");
    }
    {
        WITH(m.depth = 3000);
        refused(&m, ET_ELIMIT, "nested deeper than 24");
    }
    {
        WITH(m.depth = ET_PARQUET_NODES_MAX);
        refused(&m, ET_ELIMIT, "elements, more than 4096");
    }
    {
        WITH(m.n_elements = 2000000000);
        refused(&m, ET_ECORRUPT, "more elements than there are bytes");
    }
    {
        WITH(m.repetition = 3);
        refused(&m, ET_ECORRUPT, "unknown repetition");
    }
    {
        WITH(m.type = 8);
        refused(&m, ET_ECORRUPT, "unknown type");
    }
    {
        WITH(m.type = ET_PARQUET_FIXED, m.type_bytes = 0);
        refused(&m, ET_ECORRUPT, "fixed length");
    }
    {
        WITH(m.type = ET_PARQUET_FIXED, m.type_bytes = -4);
        refused(&m, ET_ECORRUPT, "fixed length");
    }
}

static void refuses_row_groups_that_do_not_hold_together(void)
{
    {
        WITH(m.n_groups = 100000000);
        refused(&m, ET_ECORRUPT, "more elements than there are bytes");
    }
    {
        WITH(m.n_columns = 2);
        refused(&m, ET_ECORRUPT, "number of columns");
    }
    {
        WITH(m.n_rows = -1);
        refused(&m, ET_ECORRUPT, "number of rows");
    }
    {
        WITH(m.file_rows = 5);
        refused(&m, ET_ECORRUPT, "number of rows");
    }
    {
        WITH(m.chunk_levels = 5);
        refused(&m, ET_ECORRUPT, "number of values");
    }
    {
        WITH(m.chunk_levels = -1);
        refused(&m, ET_ECORRUPT, "negative number of values");
    }
    {
        WITH(m.repetition = ET_PARQUET_REPEATED, m.chunk_levels = 3);
        refused(&m, ET_ECORRUPT, "fewer values");
    }
    {
        WITH(m.chunk_bytes = -2);
        refused(&m, ET_ECORRUPT, "outside the file's data");
    }
    {
        WITH(m.chunk_bytes = INT64_MAX);
        refused(&m, ET_ECORRUPT, "outside the file's data");
    }
    {
        WITH(m.chunk_at = 0);
        refused(&m, ET_ECORRUPT, "outside the file's data");
    }
    {
        WITH(m.chunk_at = INT64_MIN);
        refused(&m, ET_ECORRUPT, "outside the file's data");
    }
    {
        WITH(m.chunk_at = 1 << 20);
        refused(&m, ET_ECORRUPT, "outside the file's data");
    }
    {
        WITH(m.chunk_type = ET_PARQUET_DOUBLE);
        refused(&m, ET_ECORRUPT, "type is not the schema's");
    }
    {
        WITH(m.has_no_meta = true);
        refused(&m, ET_ECORRUPT, "footer is damaged");
    }
    {
        WITH(m.is_elsewhere = true);
        unreadable(&m, ET_EUNSUPPORTED, "in another file");
    }
}

static void refuses_pages_that_do_not_hold_together(void)
{
    {
        WITH(m.n_packed = -2);
        unreadable(&m, ET_ECORRUPT, "size is negative");
    }
    {
        WITH(m.n_unpacked = -7);
        unreadable(&m, ET_ECORRUPT, "size is negative");
    }
    {
        WITH(m.n_packed = 1 << 30);
        unreadable(&m, ET_ECORRUPT, "behind the end");
    }
    {
        WITH(m.n_unpacked = (int64_t)1 << 40);
        unreadable(&m, ET_ECORRUPT, "does not fit 32 bits");
    }
    {
        WITH(m.n_unpacked = 2147483647, m.codec = ET_PARQUET_ZSTD);
        unreadable(&m, ET_ELIMIT, "more than the limit of 1048576");
    }
    {
        WITH(m.n_unpacked = 1000000, m.codec = ET_PARQUET_SNAPPY);
        unreadable(&m, ET_ECORRUPT, "cannot be that many");
    }
    {
        WITH(m.n_unpacked = 15);
        unreadable(&m, ET_ECORRUPT, "two sizes differ");
    }
    {
        WITH(m.page_type = 9);
        unreadable(&m, ET_EUNSUPPORTED, "type 9");
    }
    {
        WITH(m.page_type = ET__PAGE_INDEX);
        unreadable(&m, ET_ECORRUPT, "page"); // and nothing behind it
    }
}

static void refuses_page_contents_that_do_not_hold_together(void)
{
    {
        WITH(m.encoding = 77);
        unreadable(&m, ET_EUNSUPPORTED, "encoding 77 (unknown)");
    }
    {
        WITH(m.encoding = ET__PARQUET_BIT_PACKED);
        unreadable(&m, ET_EUNSUPPORTED, "BIT_PACKED");
    }
    {
        WITH(m.repetition = ET_PARQUET_OPTIONAL, m.level_encoding = ET__PARQUET_BIT_PACKED);
        unreadable(&m, ET_EUNSUPPORTED, "levels of encoding BIT_PACKED");
    }
    {
        WITH(m.n_levels = 5);
        unreadable(&m, ET_ECORRUPT, "more values than its column has left");
    }
    {
        WITH(m.n_levels = -1);
        unreadable(&m, ET_ECORRUPT, "number of values is negative");
    }
    {
        WITH(m.n_levels = 3); // and no page behind it
        unreadable(&m, ET_ECORRUPT, "page");
    }
    {
        WITH(m.body.n = 12);
        unreadable(&m, ET_ECORRUPT, "ends before its last value");
    }
    {
        WITH(m.page_type = ET__PAGE_DATA_V2, m.n_def_bytes = 17);
        unreadable(&m, ET_ECORRUPT, "levels are longer");
    }
    {
        WITH(m.page_type = ET__PAGE_DATA_V2, m.n_rep_bytes = -1);
        unreadable(&m, ET_ECORRUPT, "levels are longer");
    }
    {
        WITH(m.page_type = ET__PAGE_DATA_V2, m.n_page_rows = 5);
        unreadable(&m, ET_ECORRUPT, "more rows than values");
    }
    {
        WITH(m.repetition = ET_PARQUET_OPTIONAL); // the first value taken for a length: 1
        unreadable(&m, ET_ECORRUPT, "levels end too soon");
    }
}

static struct et_str bytes(const char *p, size_t n)
{
    return (struct et_str){p, n};
}
#define BYTES(literal) bytes("" literal, sizeof(literal) - 1)

static void refuses_levels_and_indices_out_of_range(void)
{
    { // definition level 3 of a column that has 1: a width of 1 cannot say so, a run can
        WITH(m.repetition = ET_PARQUET_OPTIONAL, m.body = BYTES("\2\0\0\0\10\3"
                                                                "aaaabbbbccccdddd"));
        unreadable(&m, ET_ECORRUPT, "too high");
    }
    {
        WITH(m.repetition = ET_PARQUET_OPTIONAL, m.body = BYTES("\xff\xff\xff\xff\10\1"));
        unreadable(&m, ET_ECORRUPT, "levels are longer");
    }
    { // repetition 1 first
        WITH(m.repetition = ET_PARQUET_REPEATED,
             m.body = BYTES("\2\0\0\0\10\1\2\0\0\0\10\1aaaabbbbccccdddd"));
        unreadable(&m, ET_ECORRUPT, "continues a row");
    }
    { // four rows promised, one there
        WITH(m.repetition = ET_PARQUET_REPEATED,
             m.body = BYTES("\4\0\0\0\2\0\6\1\2\0\0\0\10\1aaaabbbbccccdddd"));
        unreadable(&m, ET_ECORRUPT, "fewer rows");
    }
    { // one row promised, four there
        WITH(m.repetition = ET_PARQUET_REPEATED, m.n_rows = m.file_rows = 1,
             m.body = BYTES("\2\0\0\0\10\0\2\0\0\0\10\1aaaabbbbccccdddd"));
        unreadable(&m, ET_ECORRUPT, "more rows");
    }
    {
        WITH(m.encoding = ET__PARQUET_RLE_DICTIONARY, m.body = BYTES("\2\10\0"));
        unreadable(&m, ET_ECORRUPT, "there was none");
    }
    {
        WITH(m.encoding = ET__PARQUET_RLE_DICTIONARY, m.dictionary = BYTES("aaaabbbb"),
             m.n_dictionary = 2, m.body = BYTES("\2\10\2"));
        unreadable(&m, ET_ECORRUPT, "outside the dictionary");
    }
    {
        WITH(m.encoding = ET__PARQUET_RLE_DICTIONARY, m.dictionary = BYTES("aaaabbbb"),
             m.n_dictionary = 2, m.body = BYTES("\41\10\0\0\0\0\0"));
        unreadable(&m, ET_ECORRUPT, "wider than 32 bits");
    }
    {
        WITH(m.encoding = ET__PARQUET_RLE_DICTIONARY, m.dictionary = BYTES("aaaabbbb"),
             m.n_dictionary = 2, m.body = BYTES("\2\4\0"));
        unreadable(&m, ET_ECORRUPT, "indices are damaged");
    }
    {
        WITH(m.encoding = ET__PARQUET_RLE_DICTIONARY, m.dictionary = BYTES("aaaabbbb"),
             m.n_dictionary = 3, m.body = BYTES("\2\10\0"));
        unreadable(&m, ET_ECORRUPT, "ends before its last value");
    }
    {
        WITH(m.encoding = ET__PARQUET_RLE_DICTIONARY, m.dictionary = BYTES("aaaabbbb"),
             m.n_dictionary = 2147483647, m.body = BYTES("\2\10\0"));
        unreadable(&m, ET_ECORRUPT, "fewer bytes than values");
    }
    {
        WITH(m.encoding = ET__PARQUET_RLE_DICTIONARY, m.dictionary = BYTES("aaaabbbb"),
             m.n_dictionary = -2, m.body = BYTES("\2\10\0"));
        unreadable(&m, ET_ECORRUPT, "negative");
    }
    { // a group of packed values that is not there, and one of none
        WITH(m.encoding = ET__PARQUET_RLE_DICTIONARY, m.dictionary = BYTES("aaaabbbb"),
             m.n_dictionary = 2, m.body = BYTES("\2\3"));
        unreadable(&m, ET_ECORRUPT, "indices are damaged");
        m.body = BYTES("\2\1\0\0\0");
        unreadable(&m, ET_ECORRUPT, "indices are damaged");
        m.body = BYTES("\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
        unreadable(&m, ET_ECORRUPT, "indices are damaged");
    }
}

static void refuses_encodings_that_do_not_hold_together(void)
{
    {
        WITH(m.encoding = ET__PARQUET_DELTA_BINARY_PACKED, m.body = BYTES("\0\0\0\0"));
        unreadable(&m, ET_ECORRUPT, "deltas are damaged"); // blocks of 0 values
    }
    {
        WITH(m.encoding = ET__PARQUET_DELTA_BINARY_PACKED,
             m.body = BYTES("\200\1\4\3\2\0\0\0\0\0"));
        unreadable(&m, ET_ECORRUPT, "deltas end too soon"); // 3 values where 4 are wanted
    }
    {
        WITH(m.encoding = ET__PARQUET_DELTA_BINARY_PACKED,
             m.body = BYTES("\200\1\4\4\2\0\x41\0\0\0"));
        unreadable(&m, ET_ECORRUPT, "deltas end too soon"); // a width of 65 bits
    }
    {
        WITH(m.encoding = ET__PARQUET_DELTA_BINARY_PACKED,
             m.body = BYTES("\200\1\4\4\2\0\x20\0\0\0"));
        unreadable(&m, ET_ECORRUPT, "deltas end too soon"); // a miniblock that is not there
    }
    {
        WITH(m.encoding = ET__PARQUET_DELTA_BINARY_PACKED, m.type = ET_PARQUET_FLOAT);
        unreadable(&m, ET_EUNSUPPORTED, "DELTA_BINARY_PACKED");
    }
    {
        WITH(m.encoding = ET__PARQUET_DELTA_BYTE_ARRAY);
        unreadable(&m, ET_EUNSUPPORTED, "DELTA_BYTE_ARRAY");
    }
    {
        WITH(m.encoding = ET__PARQUET_RLE);
        unreadable(&m, ET_EUNSUPPORTED, "RLE");
    }
    {
        WITH(m.encoding = ET__PARQUET_RLE, m.type = ET_PARQUET_BOOL,
             m.body = BYTES("\11\0\0\0\10\1"));
        unreadable(&m, ET_ECORRUPT, "booleans are longer");
    }
    {
        WITH(m.encoding = ET__PARQUET_RLE, m.type = ET_PARQUET_BOOL,
             m.body = BYTES("\2\0\0\0\6\1"));
        unreadable(&m, ET_ECORRUPT, "booleans end too soon");
    }
    {
        WITH(m.encoding = ET__PARQUET_BYTE_STREAM_SPLIT, m.body = BYTES("aaaabbbbcccc"));
        unreadable(&m, ET_ECORRUPT, "ends before its last value");
    }
    {
        WITH(m.encoding = ET__PARQUET_BYTE_STREAM_SPLIT, m.type = ET_PARQUET_BYTES);
        unreadable(&m, ET_EUNSUPPORTED, "BYTE_STREAM_SPLIT");
    }
    { // lengths 1 1 1 −5
        WITH(m.encoding = ET__PARQUET_DELTA_LENGTH_BYTE_ARRAY, m.type = ET_PARQUET_BYTES,
             m.body = BYTES("\10\1\4\2\13\3\6\6\0\0\0\0\0\0abcd"));
        unreadable(&m, ET_ECORRUPT, "longer than the page");
    }
    { // prefixes 1 1 1 1 before any text
        WITH(m.encoding = ET__PARQUET_DELTA_BYTE_ARRAY, m.type = ET_PARQUET_BYTES,
             m.body = BYTES("\10\1\4\2\0\0\10\1\4\2\0\0abcd"));
        unreadable(&m, ET_ECORRUPT, "prefix is longer");
    }
    { // a text of 4 GB
        WITH(m.type = ET_PARQUET_BYTES, m.body = BYTES("\xff\xff\xff\xffxxxx"));
        unreadable(&m, ET_ECORRUPT, "ends before its last value");
    }
}

// A few bytes that stand for two thousand million nulls, values or texts.
static void stops_bombs_at_the_batchs_limit(void)
{
    enum { N = 2147483647 };
    {
        WITH(m.n_rows = m.file_rows = m.chunk_levels = N, m.n_levels = N,
             m.repetition = ET_PARQUET_OPTIONAL, m.body = BYTES("\6\0\0\0\xfe\xff\xff\xff\x0f\0"));
        unreadable(&m, ET_ELIMIT, "limit of 4194304");
    }
    {
        WITH(m.n_rows = m.file_rows = m.chunk_levels = N, m.n_levels = N,
             m.encoding = ET__PARQUET_RLE_DICTIONARY, m.dictionary = BYTES("aaaa"),
             m.n_dictionary = 1, m.body = BYTES("\0"));
        unreadable(&m, ET_ELIMIT, "limit of 4194304");
    }
    { // one row of that many elements
        WITH(m.n_rows = m.file_rows = 1, m.chunk_levels = N, m.n_levels = N,
             m.repetition = ET_PARQUET_REPEATED,
             m.body = BYTES("\10\0\0\0\2\0\xfc\xff\xff\xff\x0f\1\6\0\0\0\xfe\xff\xff\xff\x0f\1"));
        unreadable(&m, ET_ECORRUPT, "ends before its last value");
    }
    { // texts that each repeat the one before and a byte more
        char body[4096] = "\200\1\1\200\10\0"; // blocks of 128 in one, 1024 prefixes, the first 0
        size_t n = 6;
        for (int i = 0; i < 8; i++) {
            memcpy(body + n, "\2\0", 2); // each one more than the last
            n += 2;
        }
        memcpy(body + n, "\200\1\1\200\10\2", 6); // 1024 suffixes of length 1
        n += 6;
        for (int i = 0; i < 8; i++) {
            memcpy(body + n, "\0\0", 2);
            n += 2;
        }
        memset(body + n, 'x', 1024);
        n += 1024;
        WITH(m.n_rows = m.file_rows = m.chunk_levels = 1024, m.n_levels = 1024,
             m.encoding = ET__PARQUET_DELTA_BYTE_ARRAY, m.type = ET_PARQUET_BYTES,
             m.body = bytes(body, n));
        struct et_parquet_reader *reader;
        struct et_parquet_cursor *cursor;
        struct et_parquet_batch batch;
        const struct et_parquet_options few = {.batch_bytes_max = 300000};
        CHECK_OK(et_parquet_open(&reader, write_made(&m), &few, &err));
        CHECK_OK(et_parquet_cursor_open(&cursor, reader, 0, &err));
        CHECK_EQ(et_parquet_cursor_next(cursor, 1024, &batch, &err), ET_ELIMIT);
        CHECK_OK(et_parquet_cursor_seek(cursor, 0, &err));
        CHECK_OK(et_parquet_cursor_next(cursor, 300, &batch, &err));
        CHECK_EQ(((const struct et_str *)batch.values)[299].n, 300);
        et_parquet_cursor_close(cursor);
        et_parquet_close(reader);
    }
}

static void skips_what_it_does_not_know_but_not_for_ever(void)
{
    // An unknown field of nested lists, 3 deep and 40 deep.
    for (int depth = 3; depth <= 40; depth += 37) {
        struct et_buf buf = et_buf(4096);
        et_buf_putc(&buf, (char)(15 << 4 | ET__THRIFT_LIST)); // field 15
        for (int i = 0; i + 1 < depth; i++)
            et_buf_putc(&buf, (char)(1 << 4 | ET__THRIFT_LIST));
        et_buf_putc(&buf, (char)(0 << 4 | ET__THRIFT_I32));
        et_buf_putc(&buf, 0);
        struct et__thrift_in in = et__thrift_in(buf.p, buf.n, 0);
        int id = 0, type;
        CHECK(et__thrift_field(&in, &id, &type));
        CHECK_EQ(id, 15);
        et__thrift_skip(&in, type);
        CHECK_EQ(!in.bad, depth == 3);
        if (depth == 3)
            CHECK(!et__thrift_field(&in, &id, &type) && !in.bad);
        else
            CHECK_HAS(in.bad, "nested too deeply");
        et_buf_free(&buf);
    }
    static const struct {
        const char *bytes;
        size_t n;
        const char *words;
    } CASES[] = {
        {"\x19\xfc\xff\xff\xff\xff\x0f", 7, "more elements"}, // a list of 4 G structs
        {"\x1b\xff\xff\xff\xff\x0f\x88", 7, "more elements"}, // a map
        {"\x18\x7f", 2, "ends too soon"},                     // 127 bytes of text
        {"\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "longer than 64 bits"},
        {"\x1e", 1, "unknown type"},
        {"\x17\0\0", 3, "ends too soon"}, // a double
        {"\x1d\0\0", 3, "ends too soon"}, // a UUID
        {"\x1c\x1c\x1c", 3, "ends too soon"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et__thrift_in in = et__thrift_in(CASES[i].bytes, CASES[i].n, 100);
        int id = 0, type;
        CHECK(et__thrift_field(&in, &id, &type));
        et__thrift_skip(&in, type);
        CHECK_HAS(in.bad ? in.bad : "nothing", CASES[i].words);
        CHECK_EQ(et__thrift_check(&in, "it", &err), ET_ECORRUPT);
        CHECK(err.at >= 100 && err.at <= 100 + (int64_t)CASES[i].n);
    }
    struct et__thrift_in in = et__thrift_in("\x05\xfe\xff\xff\xff\x1f", 6, 0); // a field's number
    int id = 0, type;
    CHECK(!et__thrift_field(&in, &id, &type));
    CHECK_HAS(in.bad, "out of range");
}

int main(void)
{
    RUN(reads_a_file_that_was_made_by_hand);
    RUN(refuses_what_is_no_parquet_file);
    RUN(refuses_schemas_that_do_not_hold_together);
    RUN(refuses_row_groups_that_do_not_hold_together);
    RUN(refuses_pages_that_do_not_hold_together);
    RUN(refuses_page_contents_that_do_not_hold_together);
    RUN(refuses_levels_and_indices_out_of_range);
    RUN(refuses_encodings_that_do_not_hold_together);
    RUN(stops_bombs_at_the_batchs_limit);
    RUN(skips_what_it_does_not_know_but_not_for_ever);
    RUN(survives_any_cut_and_flip_of_what_it_writes);
    RUN(survives_any_cut_and_flip_of_what_others_write);
    return tap_end();
}

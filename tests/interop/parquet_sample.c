/* The Parquet side of the interop test, which is written in JavaScript:
 *
 *   parquet_sample write FOLDER    writes sample files (their names say how), and prints their rows
 *   parquet_sample read FILE       prints what it reads, a line of JSON a column: levels and values
 */
#include "format/parquet_sample.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 100, GROUPS = 3, BATCH_ROWS = 77 };

static struct et_err err;

static int fail(const char *what)
{
    fprintf(stderr, "parquet_sample: %s: %s\n", what, err.text);
    return 1;
}

static int write_files(const char *folder)
{
    static const struct {
        const char *name;
        enum et_parquet_codec codec;
    } CODECS[] = {{"none", ET_PARQUET_NONE},
                  {"snappy", ET_PARQUET_SNAPPY},
                  {"gzip", ET_PARQUET_GZIP},
                  {"zstd", ET_PARQUET_ZSTD}};
    char path[4096];
    for (size_t i = 0; i < 4 * 2 * 2; i++) {
        const bool has_dictionary = i / 4 % 2, has_small_pages = i / 8 % 2;
        const struct et_parquet_writer_options options = {
            .codec = CODECS[i % 4].codec,
            .use_dictionary = has_dictionary,
            .page_bytes = has_small_pages ? 300 : 0,
        };
        (void)snprintf(path, sizeof path, "%s/%s%s%s.parquet", folder, CODECS[i % 4].name,
                       has_dictionary ? "-dictionary" : "", has_small_pages ? "-pages" : "");
        if (sample_file(path, GROUPS, ROWS, &options, &err) != ET_OK)
            return fail(path);
    }
    (void)snprintf(path, sizeof path, "%s/no-rows.parquet", folder);
    if (sample_file(path, 2, 0, NULL, &err) != ET_OK)
        return fail(path);
    (void)snprintf(path, sizeof path, "%s/no-groups.parquet", folder);
    if (sample_file(path, 0, 0, NULL, &err) != ET_OK)
        return fail(path);

    // A file that was killed after its second row group, repaired, and written on.
    struct et_parquet_writer *writer;
    struct sample sample;
    (void)snprintf(path, sizeof path, "%s/continued.parquet", folder);
    enum et_status st = sample_file(path, GROUPS - 1, ROWS, NULL, &err);
    if (st == ET_OK)
        st = et_parquet_append(&writer, path, NULL, &err);
    if (st != ET_OK)
        return fail(path);
    et_parquet_writer_close(writer);
    st = et_parquet_repair(path, -1, NULL, &err);
    if (st == ET_OK)
        st = et_parquet_append(&writer, path, NULL, &err);
    if (st != ET_OK)
        return fail(path);
    sample_make(&sample, (GROUPS - 1) * ROWS, ROWS);
    st = sample_write(writer, &sample, &err);
    sample_free(&sample);
    if (st == ET_OK)
        st = et_parquet_writer_finish(writer, &err);
    if (st != ET_OK)
        return fail(path);

    for (int64_t i = 0; i < GROUPS * ROWS; i++) {
        sample_print(stdout, i);
        putchar('\n');
    }
    return 0;
}

static void print_real(double v)
{
    if (isnan(v))
        printf("\"NaN\"");
    else if (isinf(v))
        printf(v < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    else
        printf("%.17g", v);
}

// Texts may be any bytes: as hexadecimal.
static void print_bytes(struct et_str text)
{
    putchar('"');
    for (size_t i = 0; i < text.n; i++)
        printf("%02x", (unsigned)(unsigned char)text.p[i]);
    putchar('"');
}

static void print_value(const struct et_parquet_leaf *leaf, const void *values, int64_t i)
{
    switch ((int)leaf->type) {
    case ET_PARQUET_BOOL:
        printf(((const uint8_t *)values)[i] ? "true" : "false");
        break;
    case ET_PARQUET_INT32:
        printf("%" PRId32, ((const int32_t *)values)[i]);
        break;
    case ET_PARQUET_INT64:
        printf("\"%" PRId64 "\"", ((const int64_t *)values)[i]);
        break;
    case ET_PARQUET_FLOAT:
        print_real((double)((const float *)values)[i]);
        break;
    case ET_PARQUET_DOUBLE:
        print_real(((const double *)values)[i]);
        break;
    default:
        print_bytes(((const struct et_str *)values)[i]);
    }
}

struct whole {
    uint8_t def[1 << 20], rep[1 << 20];
    size_t n_levels;
};

static void print_levels(const char *name, const uint8_t *levels, size_t n)
{
    printf(",\"%s\":\"", name);
    for (size_t i = 0; i < n; i++)
        printf("%d", levels[i]);
    printf("\"");
}

static int print_leaf(struct et_parquet_reader *reader, size_t i_leaf)
{
    static struct whole whole;
    const struct et_parquet_leaf *leaf = et_parquet_leaf(reader, i_leaf);
    struct et_parquet_cursor *cursor;
    struct et_parquet_batch batch;
    int64_t n_rows = 0;
    bool is_first = true;

    whole.n_levels = 0;
    if (et_parquet_cursor_open(&cursor, reader, i_leaf, &err) != ET_OK)
        return fail(leaf->path);
    printf("{\"path\":\"%s\",\"type\":%d,\"values\":[", leaf->path, (int)leaf->type);
    enum et_status st;
    while ((st = et_parquet_cursor_next(cursor, BATCH_ROWS, &batch, &err)) == ET_OK) {
        const size_t n = (size_t)batch.n_levels;
        if (whole.n_levels + n > sizeof whole.def)
            break;
        if (batch.def)
            memcpy(whole.def + whole.n_levels, batch.def, n);
        if (batch.rep)
            memcpy(whole.rep + whole.n_levels, batch.rep, n);
        whole.n_levels += n;
        n_rows += batch.n_rows;
        for (int64_t i = 0; i < batch.n_values; i++, is_first = false) {
            printf(is_first ? "" : ",");
            print_value(leaf, batch.values, i);
        }
    }
    printf("],\"rows\":%" PRId64, n_rows);
    print_levels("def", whole.def, leaf->max_def > 0 ? whole.n_levels : 0);
    print_levels("rep", whole.rep, leaf->max_rep > 0 ? whole.n_levels : 0);
    printf("}\n");
    et_parquet_cursor_close(cursor);
    return st == ET_END ? 0 : fail(leaf->path);
}

static int read_file_whole(const char *path)
{
    const struct et_parquet_options options = {.check_crc = true};
    struct et_parquet_reader *reader;
    if (et_parquet_open(&reader, path, &options, &err) != ET_OK)
        return fail("open");
    int result = 0;
    for (size_t i = 0; i < et_parquet_n_leaves(reader) && result == 0; i++)
        result = print_leaf(reader, i);
    et_parquet_close(reader);
    return result;
}

static int keep_groups(const char *path, int64_t n_groups)
{
    struct et_parquet_writer *writer;
    int64_t n_kept = -1;
    if (et_parquet_append(&writer, path, NULL, &err) != ET_OK)
        return fail("append");
    et_parquet_writer_close(writer);
    if (et_parquet_repair(path, n_groups, &n_kept, &err) != ET_OK)
        return fail("repair");
    printf("%" PRId64 "\n", n_kept);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        return write_files(argv[2]);
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        return read_file_whole(argv[2]);
    if (argc == 4 && strcmp(argv[1], "keep") == 0)
        return keep_groups(argv[2], strtoll(argv[3], NULL, 10));
    fprintf(stderr, "usage: parquet_sample write FOLDER | read FILE | keep FILE N\n");
    return 2;
}

#include "format/parquet/parquet__journal.h"
#include "format/parquet/parquet__reader.h"

#include <assert.h>
#include <stdlib.h>

#define BATCH_BYTES_MAX ((size_t)1 << 30)

/* ---- opening ---- */

enum et_status et__reader_read(struct et_parquet_reader *reader, int64_t offset, void *to, size_t n,
                               struct et_err *err)
{
    (void)atomic_fetch_add_explicit(&reader->n_bytes_read, (int64_t)n, memory_order_relaxed);
    return et_file_read_exact(reader->file, offset, to, n, err);
}

/* Reads the footer of a file of n_bytes; ET_ECORRUPT when there is none that holds together. */
static enum et_status read_footer(struct et_parquet_reader *reader, int64_t n_bytes,
                                  struct et_err *err)
{
    static const char WORDS[] = "not a Parquet file, or one that was cut";
    uint8_t head[ET__PARQUET_MAGIC_BYTES] = {0}, tail[ET__PARQUET_TAIL_BYTES] = {0};
    uint32_t n_footer;

    if (n_bytes < ET__PARQUET_MAGIC_BYTES + ET__PARQUET_TAIL_BYTES)
        return et_fail(err, ET_ECORRUPT, n_bytes, "%s: it has only %lld bytes", WORDS,
                       (long long)n_bytes);
    enum et_status st = et__reader_read(reader, 0, head, sizeof head, err);
    if (st == ET_OK)
        st = et__reader_read(reader, n_bytes - ET__PARQUET_TAIL_BYTES, tail, sizeof tail, err);
    if (st != ET_OK)
        return st;
    if (memcmp(tail + 4, "PARE", 4) == 0 && memcmp(head, "PARE", 4) == 0)
        return et_fail(err, ET_EUNSUPPORTED, n_bytes - 4, "the file is encrypted");
    if (memcmp(head, ET__PARQUET_MAGIC, 4) != 0)
        return et_fail(err, ET_ECORRUPT, 0, "%s: it does not begin with PAR1", WORDS);
    if (memcmp(tail + 4, ET__PARQUET_MAGIC, 4) != 0)
        return et_fail(err, ET_ECORRUPT, n_bytes - 4, "%s: it does not end with PAR1", WORDS);
    memcpy(&n_footer, tail, sizeof n_footer);
    const int64_t room = n_bytes - ET__PARQUET_MAGIC_BYTES - ET__PARQUET_TAIL_BYTES;
    if (n_footer == 0 || n_footer > room)
        return et_fail(err, ET_ECORRUPT, n_bytes - ET__PARQUET_TAIL_BYTES,
                       "the footer's length of %u bytes at byte %lld cannot be", n_footer,
                       (long long)(n_bytes - ET__PARQUET_TAIL_BYTES));
    if (n_footer > ET__PARQUET_FOOTER_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, n_bytes - ET__PARQUET_TAIL_BYTES,
                       "a footer of %u bytes is longer than the limit of %zu", n_footer,
                       ET__PARQUET_FOOTER_BYTES_MAX);

    const int64_t footer_at = n_bytes - ET__PARQUET_TAIL_BYTES - n_footer;
    st = et_arena_open(&reader->arena, et__parquet_arena_bytes(n_footer), err);
    if (st != ET_OK)
        return st;
    char *footer = et_arena_alloc(reader->arena, n_footer);
    if (!footer)
        return et_arena_fail(reader->arena, "the footer", err);
    st = et__reader_read(reader, footer_at, footer, n_footer, err);
    if (st != ET_OK)
        return st;
    reader->data_end = footer_at;
    return et__parquet_meta_read(&reader->meta, (struct et_str){footer, n_footer}, footer_at,
                                 footer_at, reader->arena, err);
}

/* Reads the journal instead. What the footer's failure said stays in *err when there is none. */
static enum et_status read_journal(struct et_parquet_reader *reader, const char *path,
                                   int64_t n_bytes, struct et_err *err)
{
    struct et__parquet_meta meta;
    struct et_arena *arena;
    struct et_err why = {0};
    uint8_t head[ET__PARQUET_MAGIC_BYTES];
    int64_t n_whole;
    size_t got;

    // A file that begins with anything else is not the one that the journal speaks of.
    enum et_status st = et_file_read_at(reader->file, 0, head, sizeof head, &got, err);
    if (st != ET_OK)
        return st;
    if (memcmp(head, ET__PARQUET_MAGIC, got) != 0)
        return ET_ECORRUPT;
    st = et__journal_read(path, n_bytes, &meta, &arena, &n_whole, &why);
    if (st != ET_OK) {
        et_arena_close(arena);
        if (st == ET_ENOTFOUND || st == ET_ECORRUPT)
            return ET_ECORRUPT;
        if (err)
            *err = why;
        return st;
    }
    et_arena_close(reader->arena);
    reader->arena = arena;
    reader->meta = meta;
    reader->data_end = ET__PARQUET_MAGIC_BYTES;
    for (size_t i = 0; i < meta.n_groups; i++)
        if (meta.groups[i].end > reader->data_end)
            reader->data_end = meta.groups[i].end;
    reader->is_unfinished = true;
    if (err)
        *err = (struct et_err){0};
    return ET_OK;
}

enum et_status et_parquet_open(struct et_parquet_reader **reader, const char *path,
                               const struct et_parquet_options *options, struct et_err *err)
{
    assert(reader && path);
    int64_t n_bytes = 0;
    *reader = NULL;
    struct et_parquet_reader *r = calloc(1, sizeof *r);
    if (!r)
        return et_fail(err, ET_ENOMEM, -1, "no memory to open %.200s", path);
    if (options)
        r->options = *options;
    if (r->options.page_bytes_max == 0)
        r->options.page_bytes_max = ET__PARQUET_PAGE_BYTES_MAX;
    if (r->options.batch_bytes_max == 0)
        r->options.batch_bytes_max = BATCH_BYTES_MAX;

    enum et_status st = et_file_open(&r->file, path, ET_FILE_READ, err);
    if (st != ET_OK)
        goto fail;
    st = et_file_size(r->file, &n_bytes, err);
    if (st == ET_OK)
        st = read_footer(r, n_bytes, err);
    if (st == ET_ECORRUPT)
        st = read_journal(r, path, n_bytes, err);
    if (st != ET_OK) {
        (void)et_err_context(err, "%.200s", path);
        goto fail;
    }
    *reader = r;
    return ET_OK;
fail:
    et_parquet_close(r);
    return st;
}

void et_parquet_close(struct et_parquet_reader *reader)
{
    if (!reader)
        return;
    et_file_close(reader->file);
    et_arena_close(reader->arena);
    free(reader);
}

/* ---- looking ---- */

bool et_parquet_is_unfinished(const struct et_parquet_reader *reader)
{
    return reader->is_unfinished;
}

int64_t et_parquet_n_rows(const struct et_parquet_reader *reader)
{
    return reader->meta.n_rows;
}

size_t et_parquet_n_groups(const struct et_parquet_reader *reader)
{
    return reader->meta.n_groups;
}

static const struct et__parquet_group *group_at(const struct et_parquet_reader *reader,
                                                size_t group)
{
    assert(group < reader->meta.n_groups);
    return &reader->meta.groups[group];
}

int64_t et_parquet_group_rows(const struct et_parquet_reader *reader, size_t group)
{
    return group_at(reader, group)->n_rows;
}

int64_t et_parquet_group_first_row(const struct et_parquet_reader *reader, size_t group)
{
    return group_at(reader, group)->first_row;
}

int64_t et_parquet_group_bytes(const struct et_parquet_reader *reader, size_t group)
{
    return group_at(reader, group)->n_bytes;
}

int et_parquet_chunk_codec(const struct et_parquet_reader *reader, size_t group, size_t leaf)
{
    assert(leaf < reader->meta.n_leaves);
    return group_at(reader, group)->chunks[leaf].codec;
}

size_t et_parquet_n_leaves(const struct et_parquet_reader *reader)
{
    return reader->meta.n_leaves;
}

const struct et_parquet_leaf *et_parquet_leaf(const struct et_parquet_reader *reader, size_t leaf)
{
    assert(leaf < reader->meta.n_leaves);
    return &reader->meta.leaves[leaf];
}

size_t et_parquet_n_nodes(const struct et_parquet_reader *reader)
{
    return reader->meta.n_nodes;
}

const struct et_parquet_node *et_parquet_nodes(const struct et_parquet_reader *reader)
{
    return reader->meta.nodes;
}

int et_parquet_find(const struct et_parquet_reader *reader, const char *column)
{
    for (size_t i = 0; i < reader->meta.n_leaves; i++)
        if (strcmp(reader->meta.leaves[i].column, column) == 0)
            return (int)i;
    return -1;
}

struct et_str et_parquet_metadata(const struct et_parquet_reader *reader, const char *key)
{
    for (size_t i = 0; i < reader->meta.n_pairs; i++)
        if (et_str_is(reader->meta.pairs[i].key, key))
            return reader->meta.pairs[i].value;
    return (struct et_str){NULL, 0};
}

size_t et_parquet_n_metadata(const struct et_parquet_reader *reader)
{
    return reader->meta.n_pairs;
}

void et_parquet_metadata_at(const struct et_parquet_reader *reader, size_t i, struct et_str *key,
                            struct et_str *value)
{
    assert(i < reader->meta.n_pairs);
    *key = reader->meta.pairs[i].key;
    *value = reader->meta.pairs[i].value;
}

struct et_str et_parquet_created_by(const struct et_parquet_reader *reader)
{
    return reader->meta.created_by;
}

size_t et__reader_group_of(const struct et_parquet_reader *reader, int64_t row)
{
    // The last group whose first row is not behind `row`; of groups without rows, the last one.
    size_t first = 0, end = reader->meta.n_groups;
    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        const struct et__parquet_group *group = &reader->meta.groups[middle];
        if (group->first_row + group->n_rows <= row)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

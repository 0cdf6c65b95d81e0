#include "format/parquet/parquet__journal.h"

#include "etude/hash.h"

#define RECORD_HEAD_BYTES 12 // u32 length, u64 hash

const char *et__journal_path(struct et_arena *arena, const char *path)
{
    return et_arena_printf(arena, "%s" ET__JOURNAL_SUFFIX, path);
}

void et__journal_put(struct et_buf *buf, struct et_str record)
{
    const uint32_t length = (uint32_t)record.n;
    const uint64_t hash = et_hash64(record.p, record.n);
    et_buf_put(buf, &length, sizeof length);
    et_buf_put(buf, &hash, sizeof hash);
    et_buf_putstr(buf, record);
}

/* Cuts the next record off *rest. False when there is none that is whole. */
static bool next_record(struct et_str *rest, struct et_str *record)
{
    uint32_t length;
    uint64_t hash;
    if (rest->n < RECORD_HEAD_BYTES)
        return false;
    memcpy(&length, rest->p, sizeof length);
    memcpy(&hash, rest->p + sizeof length, sizeof hash);
    if (length > rest->n - RECORD_HEAD_BYTES)
        return false;
    *record = (struct et_str){rest->p + RECORD_HEAD_BYTES, length};
    if (et_hash64(record->p, record->n) != hash)
        return false;
    *rest = (struct et_str){record->p + length, rest->n - RECORD_HEAD_BYTES - length};
    return true;
}

/* The row groups that count, in order, up to the first that does not. */
static enum et_status read_groups(struct et__parquet_meta *meta, struct et_str content,
                                  struct et_str rest, int64_t file_bytes, struct et_arena *arena,
                                  int64_t *n_whole, struct et_err *err)
{
    struct et_str record, count = rest;
    size_t n = 0;
    while (next_record(&count, &record))
        n++;
    meta->groups = et_arena_array(arena, n, sizeof *meta->groups);
    if (!meta->groups)
        return et_arena_fail(arena, "a journal", err);
    while (meta->n_groups < n && next_record(&rest, &record)) {
        struct et__parquet_group *group = &meta->groups[meta->n_groups];
        const enum et_status st = et__parquet_group_read(meta, record, record.p - content.p,
                                                         file_bytes, group, arena, err);
        if (st == ET_ECORRUPT)
            break; // the file ends before this row group does
        if (st != ET_OK)
            return st;
        group->first_row = meta->n_rows;
        if (group->n_rows > INT64_MAX - meta->n_rows || group->raw.n != record.n)
            break;
        meta->n_rows += group->n_rows;
        meta->n_groups++;
        *n_whole = (int64_t)(rest.p - content.p);
    }
    return ET_OK;
}

static enum et_status read_all(const char *path, int64_t file_bytes, struct et__parquet_meta *meta,
                               struct et_arena *arena, int64_t *n_whole, struct et_err *err)
{
    struct et_str content, record;
    enum et_status st = et_file_read(path, ET__PARQUET_FOOTER_BYTES_MAX, arena, &content, err);
    if (st != ET_OK)
        return st;
    struct et_str rest = content;
    if (!next_record(&rest, &record))
        return et_fail(err, ET_ECORRUPT, 0, "%.200s: its first record is not whole", path);
    st = et__parquet_meta_read(meta, record, RECORD_HEAD_BYTES, file_bytes, arena, err);
    if (st == ET_OK && meta->n_groups > 0)
        st = et_fail(err, ET_ECORRUPT, RECORD_HEAD_BYTES, "the first record has row groups");
    if (st != ET_OK) {
        (void)et_err_context(err, "%.200s", path);
        return st;
    }
    *n_whole = (int64_t)(rest.p - content.p);
    return read_groups(meta, content, rest, file_bytes, arena, n_whole, err);
}

enum et_status et__journal_read(const char *path, int64_t file_bytes, struct et__parquet_meta *meta,
                                struct et_arena **arena, int64_t *n_whole, struct et_err *err)
{
    struct et_arena *names = NULL;
    *arena = NULL;
    *n_whole = 0;
    *meta = (struct et__parquet_meta){0};
    enum et_status st = et_arena_open(&names, 2 * ET_PATH_BYTES_MAX, err);
    if (st != ET_OK)
        return st;
    const char *journal = et__journal_path(names, path);
    int64_t n_bytes = 0;
    struct et_file *file = NULL;
    if (!journal) {
        st = et_arena_fail(names, "a journal's path", err);
        goto out;
    }
    st = et_file_open(&file, journal, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(file, &n_bytes, err);
    et_file_close(file);
    if (st == ET_OK && n_bytes > (int64_t)ET__PARQUET_FOOTER_BYTES_MAX)
        st = et_fail(err, ET_ELIMIT, -1, "%.200s has %lld bytes, more than the limit of %zu",
                     journal, (long long)n_bytes, ET__PARQUET_FOOTER_BYTES_MAX);
    if (st == ET_OK)
        st = et_arena_open(arena, et__parquet_arena_bytes((size_t)n_bytes), err);
    if (st == ET_OK)
        st = read_all(journal, file_bytes, meta, *arena, n_whole, err);
out:
    et_arena_close(names);
    return st;
}

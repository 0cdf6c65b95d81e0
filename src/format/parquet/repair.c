#include "format/parquet/parquet__journal.h"
#include "format/parquet/parquet__writer.h"

#include <assert.h>

/* Where the first n_keep row groups end: behind their pages and indexes, or, where one has
 * something of unknown length, behind all that can be theirs. */
static int64_t end_of_groups(const struct et_parquet_reader *reader, size_t n_keep, int64_t all_end)
{
    int64_t end = ET__PARQUET_MAGIC_BYTES;
    for (size_t i = 0; i < n_keep; i++) {
        const struct et__parquet_group *group = &reader->meta.groups[i];
        if (group->has_open_end)
            return all_end;
        end = group->end > end ? group->end : end;
    }
    return end;
}

/* Takes over an opened file with its first n_keep row groups. The journal comes first and whole, so
 * that from then on a kill leaves what it says; only then the file is cut. Closes the reader. */
static enum et_status
continue_file(struct et_parquet_writer **writer, struct et_parquet_reader *reader, size_t n_keep,
              const char *path, const struct et_parquet_writer_options *options, struct et_err *err)
{
    struct et_parquet_writer *w = NULL;
    int64_t file_bytes = 0;
    *writer = NULL;
    enum et_status st = et_file_size(reader->file, &file_bytes, err);
    if (st != ET_OK) {
        et_parquet_close(reader);
        return st;
    }
    const bool is_whole = !reader->is_unfinished && n_keep == reader->meta.n_groups;
    const int64_t all_end = reader->is_unfinished ? file_bytes : reader->data_end;
    const int64_t end = is_whole ? all_end : end_of_groups(reader, n_keep, all_end);
    const struct et__parquet_meta meta = reader->meta;
    struct et_arena *arena = reader->arena; // holds what meta points to; the writer's from here on
    reader->arena = NULL;
    et_parquet_close(reader);
    st = et__writer_open(&w, arena, &meta, options, err);
    if (st != ET_OK)
        return st;

    w->n_groups = n_keep;
    for (size_t i = 0; i < n_keep; i++) {
        w->n_rows += meta.groups[i].n_rows;
        et_buf_putstr(&w->groups, meta.groups[i].raw);
    }
    w->committed_end = w->flushed_end = end;
    st = et_buf_check(&w->groups, "the footer", err);
    if (st == ET_OK)
        st = et_file_open(&w->file, path, ET_FILE_UPDATE, err);
    if (st == ET_OK)
        st = et__writer_begin_journal(w, path, err);
    if (st == ET_OK)
        st = et_file_truncate(w->file, end, err);
    // A file cut within its magic has no row group, and is begun anew.
    if (st == ET_OK)
        st = et_file_write_at(w->file, 0, ET__PARQUET_MAGIC, ET__PARQUET_MAGIC_BYTES, err);
    if (st == ET_OK)
        st = et_file_sync(w->file, err);
    if (st != ET_OK) {
        et_parquet_writer_close(w);
        return st;
    }
    *writer = w;
    return ET_OK;
}

enum et_status et_parquet_append(struct et_parquet_writer **writer, const char *path,
                                 const struct et_parquet_writer_options *options,
                                 struct et_err *err)
{
    assert(writer && path);
    static const struct et_parquet_writer_options NONE = {0};
    struct et_parquet_reader *reader;
    struct et_parquet_writer_options own = options ? *options : NONE;
    own.metadata = NULL;
    own.n_metadata = 0;
    own.has_journal = true;
    *writer = NULL;
    enum et_status st = et__writer_check_options(&own, err);
    if (st == ET_OK)
        st = et_parquet_open(&reader, path, NULL, err);
    if (st != ET_OK)
        return st;
    return continue_file(writer, reader, reader->meta.n_groups, path, &own, err);
}

static enum et_status journal_kind(const char *path, enum et_path_kind *kind, bool should_remove,
                                   struct et_err *err)
{
    struct et_arena *arena;
    enum et_status st = et_arena_open(&arena, 2 * ET_PATH_BYTES_MAX, err);
    if (st != ET_OK)
        return st;
    const char *journal = et__journal_path(arena, path);
    st = journal ? et_path_kind(journal, kind, err) : et_arena_fail(arena, "a journal's path", err);
    if (st == ET_OK && should_remove && *kind != ET_PATH_NONE)
        st = et_file_remove(journal, err);
    et_arena_close(arena);
    return st;
}

enum et_status et_parquet_repair(const char *path, int64_t n_groups, int64_t *n_kept,
                                 struct et_err *err)
{
    assert(path);
    static const struct et_parquet_writer_options OPTIONS = {.has_journal = true};
    struct et_parquet_reader *reader;
    struct et_parquet_writer *writer;
    enum et_path_kind kind = ET_PATH_NONE;

    if (n_groups < -1)
        return et_fail(err, ET_EARG, n_groups, "%lld row groups cannot be kept",
                       (long long)n_groups);
    enum et_status st = et_parquet_open(&reader, path, NULL, err);
    if (st == ET_ECORRUPT) {
        struct et_err why = {0};
        const enum et_status kind_st = journal_kind(path, &kind, false, &why);
        if (kind_st == ET_OK && kind == ET_PATH_NONE)
            return et_fail(err, ET_ENOTFOUND, -1, "%.200s has neither a footer nor a journal",
                           path);
    }
    if (st != ET_OK)
        return st;

    const size_t n_all = reader->meta.n_groups;
    const size_t n_keep = n_groups >= 0 && (uint64_t)n_groups < n_all ? (size_t)n_groups : n_all;
    if (n_kept)
        *n_kept = (int64_t)n_keep;
    if (!reader->is_unfinished && n_keep == n_all) {
        et_parquet_close(reader);
        return journal_kind(path, &kind, true, err); // one that was forgotten
    }
    st = continue_file(&writer, reader, n_keep, path, &OPTIONS, err);
    return st == ET_OK ? et_parquet_writer_finish(writer, err) : st;
}

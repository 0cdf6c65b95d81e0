/* A writer's inside. writer.c begins, commits and finishes; chunk.c makes pages of a leaf's values;
 * repair.c continues files. */
#ifndef ETUDE_FORMAT_PARQUET_WRITER_H
#define ETUDE_FORMAT_PARQUET_WRITER_H

#include "etude/file.h"
#include "format/parquet/parquet__codec.h"
#include "format/parquet/parquet__encode.h"
#include "format/parquet/parquet__reader.h"

struct et_parquet_writer {
    struct et_file *file, *journal; // journal NULL: none is kept
    const char *journal_path;
    struct et_arena *arena; // of meta
    struct et__parquet_meta meta;
    struct et_parquet_writer_options options;

    // What is committed: the file up to here, and its row groups as a footer has them.
    int64_t committed_end;
    int64_t journal_end;
    struct et_buf groups;
    size_t n_groups;
    int64_t n_rows;

    // The row group that is being written.
    struct et_buf group;       // its RowGroup, as far as it is
    struct et__thrift_out out; // into `group`
    size_t n_leaves;           // leaves of it that are written
    int64_t group_rows;
    int64_t unpacked_bytes, packed_bytes;
    int64_t flushed_end; // the file up to here is written
    struct et_buf tail;  // what comes behind it

    // Reused by every page.
    struct et_buf page, packed, head;
    struct et__dictionary_out dictionary;
    struct et__codec *codec;

    bool is_failed; // a write failed: nothing but closing is left
};

/* Everything but the file and its journal. Owns arena, whatever the result. */
ET_MUST_USE enum et_status et__writer_open(struct et_parquet_writer **writer,
                                           struct et_arena *arena,
                                           const struct et__parquet_meta *meta,
                                           const struct et_parquet_writer_options *options,
                                           struct et_err *err);

/* Writes a journal anew, whole: the schema and the row groups of writer->meta that are kept; and
 * opens it. */
ET_MUST_USE enum et_status et__writer_begin_journal(struct et_parquet_writer *writer,
                                                    const char *path, struct et_err *err);

/* ET_EARG when the options are none that a writer can follow. */
ET_MUST_USE enum et_status et__writer_check_options(const struct et_parquet_writer_options *options,
                                                    struct et_err *err);

/* Where the next byte goes. */
int64_t et__writer_end(const struct et_parquet_writer *writer);

/* Writes n bytes behind what is there, now or, when they are few, with those that follow. */
ET_MUST_USE enum et_status et__writer_put(struct et_parquet_writer *writer, const void *p, size_t n,
                                          struct et_err *err);
ET_MUST_USE enum et_status et__writer_flush(struct et_parquet_writer *writer, struct et_err *err);

/* One leaf's values of one row group: with levels, or a rectangle without nulls. */
struct et__leaf_values {
    size_t leaf;
    const void *values;
    int64_t n_rows, n_levels, n_values;
    const uint8_t *def, *rep; // NULL where there are none, and both for a rectangle
    size_t width;             // of a rectangle; 0: levels
};

/* Writes a checked leaf's pages and appends its ColumnChunk to writer->group. */
ET_MUST_USE enum et_status et__chunk_write(struct et_parquet_writer *writer,
                                           const struct et__leaf_values *v, struct et_err *err);

#endif

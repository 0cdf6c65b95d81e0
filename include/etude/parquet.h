/* Parquet: read and write the column files that datasets are made of.
 *
 * Why our own: no C library for it is packaged, and a recorder needs two things that others do not
 * offer: a row group of exactly one episode, and a file that keeps every finished row group when
 * the program is killed. A writer keeps a journal beside the file ("<path>.journal", one checked
 * record a row group) until the footer is written; with it a cut file can be read, repaired and
 * continued. doc/format-parquet.md says which part of the format is read and written.
 *
 * Source: Apache Parquet format 2.x (parquet.thrift, Encodings.md); levels as in Dremel (Melnik et
 * al. 2010).
 *
 * Units:   sizes are bytes, offsets are bytes from the start of the file.
 * Threads: a reader may be shared by any number of threads, a cursor and a writer belong to one.
 * Memory:  a reader holds the footer; a cursor holds one page and one batch; a writer holds one
 *          column chunk. Limits are in the options. */
#ifndef ETUDE_PARQUET_H
#define ETUDE_PARQUET_H

#include "etude/arena.h"
#include "etude/str.h"

/* Physical types, with the format's own numbers, and what a value is in memory. */
enum et_parquet_type {
    ET_PARQUET_BOOL = 0,   // uint8_t, 0 or 1
    ET_PARQUET_INT32 = 1,  // int32_t
    ET_PARQUET_INT64 = 2,  // int64_t
    ET_PARQUET_INT96 = 3,  // struct et_str of 12 bytes; reading only
    ET_PARQUET_FLOAT = 4,  // float
    ET_PARQUET_DOUBLE = 5, // double
    ET_PARQUET_BYTES = 6,  // struct et_str
    ET_PARQUET_FIXED = 7,  // struct et_str of type_bytes bytes; reading only
};

enum et_parquet_codec {
    ET_PARQUET_NONE = 0,
    ET_PARQUET_SNAPPY = 1,
    ET_PARQUET_GZIP = 2,
    ET_PARQUET_ZSTD = 6,
    ET_PARQUET_LZ4_RAW = 7, // reading only
};

/* What the bytes mean, as far as Étude needs to know. */
enum et_parquet_logical {
    ET_PARQUET_PLAIN,
    ET_PARQUET_STRING, // UTF-8
    ET_PARQUET_LIST,
    ET_PARQUET_JSON,
    ET_PARQUET_OTHER, // a decimal, a date …: the physical value is given as it is
};

enum et_parquet_repetition {
    ET_PARQUET_REQUIRED = 0,
    ET_PARQUET_OPTIONAL = 1,
    ET_PARQUET_REPEATED = 2,
};

/* One node of a schema. Nodes stand in depth-first order; the root is not among them. */
struct et_parquet_node {
    const char *name;
    int parent; // index of the node above, -1 for a top-level column
    enum et_parquet_repetition repetition;
    bool is_leaf;
    enum et_parquet_type type; // leaves only
    int type_bytes;            // FIXED only
    enum et_parquet_logical logical;
};

#define ET_PARQUET_NODES_MAX 4096
#define ET_PARQUET_DEPTH_MAX 24

/* A leaf column of an opened file: the unit of reading. */
struct et_parquet_leaf {
    const char *column; // name of the top-level column it belongs to
    const char *path;   // names from the top joined by '/', e.g. "action/list/element"
    int node;           // index into the schema's nodes
    enum et_parquet_type type;
    int type_bytes;
    enum et_parquet_logical logical;
    int max_def, max_rep;
};

/* Values of one leaf over a number of rows. `values` is dense: only what is not null, typed as the
 * enum above says. def and rep have n_levels entries each (def NULL when max_def is 0, rep NULL
 * when max_rep is 0; n_levels then equals n_values, or n_rows). */
struct et_parquet_batch {
    int64_t n_rows;
    int64_t n_levels;
    int64_t n_values;
    const uint8_t *def;
    const uint8_t *rep;
    const void *values;
};

/* ---- reading ---- */

struct et_parquet_options {
    size_t page_bytes_max;  // uncompressed page that is accepted; 0: 256 MiB, the most we write
    size_t batch_bytes_max; // values of one batch; 0: 1 GiB
    bool check_crc;         // verify page checksums where the file has them
};

struct et_parquet_reader;

/* Opens a file and reads its footer, or, when it has none because its writer was killed, its
 * journal (et_parquet_is_unfinished then says so). options may be NULL.
 * ET_ENOTFOUND, ET_EIO: as et_file_open. ET_ECORRUPT: not a Parquet file, or a footer that does not
 * hold together; err->at is the offset. ET_EUNSUPPORTED: encrypted. */
ET_MUST_USE ET_API enum et_status et_parquet_open(struct et_parquet_reader **reader,
                                                  const char *path,
                                                  const struct et_parquet_options *options,
                                                  struct et_err *err);
ET_API void et_parquet_close(struct et_parquet_reader *reader); // NULL is allowed

/* True when it was opened by its journal; then the counts of rows and of row groups. */
ET_API bool et_parquet_is_unfinished(const struct et_parquet_reader *reader);
ET_API int64_t et_parquet_n_rows(const struct et_parquet_reader *reader);
ET_API size_t et_parquet_n_groups(const struct et_parquet_reader *reader);
ET_API int64_t et_parquet_group_rows(const struct et_parquet_reader *reader, size_t group);
ET_API int64_t et_parquet_group_first_row(const struct et_parquet_reader *reader, size_t group);

/* Compressed bytes of a row group's columns on disk. */
ET_API int64_t et_parquet_group_bytes(const struct et_parquet_reader *reader, size_t group);

/* Codec of a leaf in a row group, as the file names it (may be one we cannot read). */
ET_API int et_parquet_chunk_codec(const struct et_parquet_reader *reader, size_t group,
                                  size_t leaf);
ET_API size_t et_parquet_n_leaves(const struct et_parquet_reader *reader);
ET_API const struct et_parquet_leaf *et_parquet_leaf(const struct et_parquet_reader *reader,
                                                     size_t leaf);
ET_API size_t et_parquet_n_nodes(const struct et_parquet_reader *reader);
ET_API const struct et_parquet_node *et_parquet_nodes(const struct et_parquet_reader *reader);

/* The first leaf of a top-level column; -1 when there is no such column. */
ET_API int et_parquet_find(const struct et_parquet_reader *reader, const char *column);

/* A key of the file's metadata ("pandas", "huggingface"); an empty view when absent. */
ET_API struct et_str et_parquet_metadata(const struct et_parquet_reader *reader, const char *key);
ET_API size_t et_parquet_n_metadata(const struct et_parquet_reader *reader);
ET_API void et_parquet_metadata_at(const struct et_parquet_reader *reader, size_t i,
                                   struct et_str *key, struct et_str *value);
ET_API struct et_str et_parquet_created_by(const struct et_parquet_reader *reader);

/* A cursor walks one leaf's rows over all row groups, reading only the pages it needs. It begins at
 * row 0. The reader must outlive it. */
struct et_parquet_cursor;
ET_MUST_USE ET_API enum et_status et_parquet_cursor_open(struct et_parquet_cursor **cursor,
                                                         struct et_parquet_reader *reader,
                                                         size_t leaf, struct et_err *err);
ET_API void et_parquet_cursor_close(struct et_parquet_cursor *cursor); // NULL is allowed

/* Moves to a row (0 … n_rows; n_rows is the end). Going to the first row of a row group touches
 * nothing else of the file; inside a group, pages before the row are skipped. ET_EARG: no such row.
 */
ET_MUST_USE ET_API enum et_status et_parquet_cursor_seek(struct et_parquet_cursor *cursor,
                                                         int64_t row, struct et_err *err);

/* The next n_rows_max rows, fewer only at the end of the file; *batch is valid until the next call
 * on the cursor. ET_END: no row is left. ET_ECORRUPT: err->at is the offset of the bad page.
 * ET_EUNSUPPORTED: a codec or encoding that we do not read, by name. ET_ELIMIT: a page or the batch
 * is larger than the options allow. After a failure only seek and close may be called. */
ET_MUST_USE ET_API enum et_status et_parquet_cursor_next(struct et_parquet_cursor *cursor,
                                                         int64_t n_rows_max,
                                                         struct et_parquet_batch *batch,
                                                         struct et_err *err);

/* Reads rows first_row … first_row + n_rows − 1 of a leaf into `to`: n_rows × width values of the
 * leaf's own type, row-major. Every row must hold exactly width values and no null (a scalar column
 * has width 1; a list of lists counts its innermost values). ET_ECORRUPT otherwise: err->at is the
 * row. Not for BYTES. */
ET_MUST_USE ET_API enum et_status et_parquet_cursor_rows(struct et_parquet_cursor *cursor,
                                                         int64_t first_row, int64_t n_rows,
                                                         size_t width, void *to,
                                                         struct et_err *err);

/* ---- writing ---- */

/* A key and a value of the file's metadata, NUL-terminated. */
struct et_parquet_metadata {
    const char *key;
    const char *value;
};

struct et_parquet_writer_options {
    enum et_parquet_codec codec; // NONE, SNAPPY, GZIP or ZSTD
    int level;                   // ZSTD and GZIP; 0: the codec's default
    bool use_dictionary;         // try a dictionary first, as pyarrow does
    bool has_journal;            // keep a journal until the file is finished
    bool should_sync;            // et_parquet_writer_commit syncs to the disk
    size_t page_bytes;           // uncompressed bytes a data page aims at; 0: 1 MiB
    const struct et_parquet_metadata *metadata;
    size_t n_metadata;
};

struct et_parquet_writer;

/* Creates a file with the schema given by nodes (see et_parquet_add_*). ET_EEXISTS: the path is
 * taken. options may be NULL (uncompressed, no dictionary, no journal). */
ET_MUST_USE ET_API enum et_status
et_parquet_create(struct et_parquet_writer **writer, const char *path,
                  const struct et_parquet_node *nodes, size_t n_nodes,
                  const struct et_parquet_writer_options *options, struct et_err *err);

/* Continues a file: one that is finished (its footer goes to the journal and is written anew in the
 * end) or one that was cut (cut back to its last whole row group). Only codec, level,
 * use_dictionary, should_sync and page_bytes of options count; the schema and the metadata are the
 * file's. */
ET_MUST_USE ET_API enum et_status et_parquet_append(struct et_parquet_writer **writer,
                                                    const char *path,
                                                    const struct et_parquet_writer_options *options,
                                                    struct et_err *err);

/* Helpers that build schemas as pyarrow writes them (every level OPTIONAL). Each appends to nodes
 * (capacity cap) and counts *n_nodes up; they return the new leaf's number, -1 when nodes are full.
 * depth 0 is a scalar, 1 a list, 3 a list of lists of lists. */
ET_API int et_parquet_add_column(struct et_parquet_node *nodes, size_t cap, size_t *n_nodes,
                                 const char *name, enum et_parquet_type type,
                                 enum et_parquet_logical logical, int depth);

/* Leaves of the schema; rows and row groups that were committed. */
ET_API size_t et_parquet_writer_n_leaves(const struct et_parquet_writer *writer);
ET_API int64_t et_parquet_writer_n_rows(const struct et_parquet_writer *writer);
ET_API size_t et_parquet_writer_n_groups(const struct et_parquet_writer *writer);

/* Bytes in the file so far (without a footer). */
ET_API int64_t et_parquet_writer_bytes(const struct et_parquet_writer *writer);

/* Writes one leaf's chunk of the row group that is being written. Leaves come in the schema's
 * order, each once a group, all with the same number of rows. Levels as in et_parquet_batch; they
 * are checked. ET_EARG: out of turn, or levels that no rows have; nothing was done. ET_ELIMIT: a
 * value or a row of more than 128 MiB, which fits no page. ET_EIO, and ET_ELIMIT for a row: the
 * file is as after the last commit; the writer can only be closed. */
ET_MUST_USE ET_API enum et_status et_parquet_write_leaf(struct et_parquet_writer *writer,
                                                        size_t leaf,
                                                        const struct et_parquet_batch *batch,
                                                        struct et_err *err);

/* The same for a full rectangle without nulls: n_rows × width values, row-major. The leaf is a
 * scalar column (width 1) or a list of depth 1 with width ≥ 1. */
ET_MUST_USE ET_API enum et_status et_parquet_write_rows(struct et_parquet_writer *writer,
                                                        size_t leaf, const void *values,
                                                        int64_t n_rows, size_t width,
                                                        struct et_err *err);

/* Ends the row group (every leaf was written) and commits it: after ET_OK it survives a kill, and,
 * with should_sync, a power cut. */
ET_MUST_USE ET_API enum et_status et_parquet_writer_commit(struct et_parquet_writer *writer,
                                                           struct et_err *err);

/* Writes the footer, syncs, removes the journal and closes. The writer is gone whatever the result;
 * on a failure the file and its journal are as after the last commit. */
ET_MUST_USE ET_API enum et_status et_parquet_writer_finish(struct et_parquet_writer *writer,
                                                           struct et_err *err);

/* Closes without a footer: the file is left as a kill would leave it. NULL is allowed. */
ET_API void et_parquet_writer_close(struct et_parquet_writer *writer);

/* Makes a cut file whole: keeps its first n_groups row groups (−1: every whole one), writes the
 * footer and removes the journal. A finished file with no more than n_groups groups stays as it is.
 * *n_kept (may be NULL) is the number of row groups in the file. ET_ENOTFOUND: neither a footer nor
 * a journal. */
ET_MUST_USE ET_API enum et_status et_parquet_repair(const char *path, int64_t n_groups,
                                                    int64_t *n_kept, struct et_err *err);

#endif

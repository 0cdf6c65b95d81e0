/* A Parquet file's metadata in memory: its schema, its row groups, its keys.
 *
 * What we do not use is not parsed but kept as the bytes it came in (raw_*): a footer is written
 * anew from them, so that a file of another writer loses nothing when it is continued. A struct of
 * Thrift's compact protocol means the same wherever it stands, which makes that sound.
 *
 * Memory: everything lives in the arena it was read into, and so must the bytes it was read from.
 */
#ifndef ETUDE_FORMAT_PARQUET_META_H
#define ETUDE_FORMAT_PARQUET_META_H

#include "etude/parquet.h"
#include "format/parquet/parquet__thrift.h"

/* The magic at both ends of a file, and what stands behind a footer: its length and the magic. */
#define ET__PARQUET_MAGIC "PAR1"
#define ET__PARQUET_MAGIC_BYTES 4
#define ET__PARQUET_TAIL_BYTES 8

/* A footer, or the journal that stands for it. The format allows 4 GiB; a row group of 30 columns
 * takes some 4 KB, so this is a quarter of a million row groups. */
#define ET__PARQUET_FOOTER_BYTES_MAX ((size_t)1 << 30)

/* A page, uncompressed: what a reader accepts by default, and the most that a writer makes. */
#define ET__PARQUET_PAGE_BYTES_MAX ((size_t)256 << 20)

/* Encodings, with the format's own numbers. */
enum et__parquet_encoding {
    ET__PARQUET_PLAIN = 0,
    ET__PARQUET_PLAIN_DICTIONARY = 2,
    ET__PARQUET_RLE = 3,
    ET__PARQUET_BIT_PACKED = 4,
    ET__PARQUET_DELTA_BINARY_PACKED = 5,
    ET__PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
    ET__PARQUET_DELTA_BYTE_ARRAY = 7,
    ET__PARQUET_RLE_DICTIONARY = 8,
    ET__PARQUET_BYTE_STREAM_SPLIT = 9,
};

/* Where one leaf's pages of one row group lie. */
struct et__parquet_chunk {
    int64_t n_levels; // values, nulls counted
    int64_t start;    // the first page, the dictionary's if there is one
    int64_t n_bytes;  // of all its pages on disk
    int32_t codec;
    bool is_foreign; // in another file, or encrypted
};

struct et__parquet_group {
    int64_t n_rows, first_row;
    int64_t n_bytes;                  // of all its chunks on disk
    int64_t end;                      // first byte behind its chunks and their indexes
    bool has_open_end;                // something belongs to it whose length nobody wrote
    struct et__parquet_chunk *chunks; // n_leaves
    struct et_str raw;
};

struct et__parquet_meta {
    struct et_parquet_node *nodes;
    size_t n_nodes;
    struct et_parquet_leaf *leaves;
    size_t n_leaves;
    struct et__parquet_group *groups;
    size_t n_groups;
    int64_t n_rows;
    struct et_parquet_pair {
        struct et_str key, value;
    } * pairs;
    size_t n_pairs;
    struct et_str created_by;
    int32_t version;
    struct et_str raw_schema, raw_pairs, raw_orders; // list values, with their headers
};

/* Bytes an arena needs to hold n_bytes of Thrift and the metadata that they can describe. */
size_t et__parquet_arena_bytes(size_t n_bytes);

/* Reads a FileMetaData of n bytes that stands at `base`; data_end is where the file's data end.
 * ET_ECORRUPT with the offset, ET_EUNSUPPORTED, ET_ELIMIT, ET_ENOMEM. */
ET_MUST_USE enum et_status et__parquet_meta_read(struct et__parquet_meta *meta, struct et_str bytes,
                                                 int64_t base, int64_t data_end,
                                                 struct et_arena *arena, struct et_err *err);

/* Reads one RowGroup, whose schema is meta's, into *group. first_row is left to the caller. */
ET_MUST_USE enum et_status et__parquet_group_read(const struct et__parquet_meta *meta,
                                                  struct et_str bytes, int64_t base,
                                                  int64_t data_end, struct et__parquet_group *group,
                                                  struct et_arena *arena, struct et_err *err);

/* The schema part of it (raw_schema → nodes and leaves). */
ET_MUST_USE enum et_status et__parquet_schema_read(struct et__parquet_meta *meta,
                                                   struct et__thrift_in *in, int type,
                                                   struct et_arena *arena, struct et_err *err);

/* Appends the SchemaElements of nodes, the root first; they were checked. */
void et__parquet_schema_write(struct et__thrift_out *out, int id,
                              const struct et_parquet_node *nodes, size_t n_nodes);

/* ET_EARG with a reason when a writer cannot make a file of these nodes. */
ET_MUST_USE enum et_status et__parquet_schema_check(const struct et_parquet_node *nodes,
                                                    size_t n_nodes, struct et_err *err);

/* Appends a FileMetaData with meta's schema and keys and the row groups whose raw bytes stand one
 * after another in `groups`. */
void et__parquet_meta_write(struct et_buf *buf, const struct et__parquet_meta *meta, int64_t n_rows,
                            size_t n_groups, struct et_str groups);

/* The same for a new file: from nodes and keys, without row groups. */
void et__parquet_meta_write_new(struct et_buf *buf, const struct et_parquet_node *nodes,
                                size_t n_nodes, const struct et_parquet_metadata *metadata,
                                size_t n_metadata);

/* In-memory bytes of a value, and bytes of a PLAIN one on disk (0: it has its length before it, or,
 * for booleans, less than a byte). */
size_t et__parquet_value_bytes(enum et_parquet_type type);
size_t et__parquet_disk_bytes(enum et_parquet_type type, int type_bytes);

/* True for types whose value in memory is a view. */
bool et__parquet_is_view(enum et_parquet_type type);

#endif

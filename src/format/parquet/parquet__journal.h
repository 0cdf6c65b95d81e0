/* The journal beside a file that is being written: what a footer would say of the row groups that
 * are whole so far.
 *
 * Layout: records of u32 length, u64 XXH3 of the bytes, the bytes (little-endian). The first record
 * is a FileMetaData without row groups, each further one a RowGroup. A record counts when all
 * records before it do, its hash is right, and the file is long enough for what it describes. */
#ifndef ETUDE_FORMAT_PARQUET_JOURNAL_H
#define ETUDE_FORMAT_PARQUET_JOURNAL_H

#include "etude/file.h"
#include "format/parquet/parquet__meta.h"

#define ET__JOURNAL_SUFFIX ".journal"

/* The journal's path, in the arena; NULL when that is full. */
const char *et__journal_path(struct et_arena *arena, const char *path);

/* Reads the journal of the file at `path`, which has file_bytes bytes, into *meta; *n_whole is the
 * length of its records that count. The arena is opened here and given to the caller, who closes it
 * whatever the result. ET_ENOTFOUND: there is none. ET_ECORRUPT: not even its first record counts.
 */
ET_MUST_USE enum et_status et__journal_read(const char *path, int64_t file_bytes,
                                            struct et__parquet_meta *meta, struct et_arena **arena,
                                            int64_t *n_whole, struct et_err *err);

/* Appends a record to buf. */
void et__journal_put(struct et_buf *buf, struct et_str record);

#endif

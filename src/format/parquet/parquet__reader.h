/* An opened file, and its pages one after another. */
#ifndef ETUDE_FORMAT_PARQUET_READER_H
#define ETUDE_FORMAT_PARQUET_READER_H

#include "etude/file.h"
#include "format/parquet/parquet__codec.h"
#include "format/parquet/parquet__keep.h"
#include "format/parquet/parquet__meta.h"

#include <stdatomic.h>

/* Immutable once it is open, but for the counter; so any number of threads may read. */
struct et_parquet_reader {
    struct et_file *file;
    struct et_arena *arena;
    struct et__parquet_meta meta;
    struct et_parquet_options options; // without zeros
    int64_t data_end;                  // where the pages end at the latest
    bool is_unfinished;
    _Atomic int64_t n_bytes_read; // by et__reader_read; for tests
};

/* Reads exactly n bytes. ET_ECORRUPT when the file is shorter. */
ET_MUST_USE enum et_status et__reader_read(struct et_parquet_reader *reader, int64_t offset,
                                           void *to, size_t n, struct et_err *err);

/* The row group that holds a row; n_groups for the row behind the last one. */
size_t et__reader_group_of(const struct et_parquet_reader *reader, int64_t row);

enum et__page_type {
    ET__PAGE_DATA = 0,
    ET__PAGE_INDEX = 1,
    ET__PAGE_DICTIONARY = 2,
    ET__PAGE_DATA_V2 = 3,
};

/* A page's header. */
struct et__page {
    int64_t at;      // of the header
    int64_t body_at; // of what follows it
    int32_t type;
    int32_t n_unpacked, n_packed; // bytes of the body
    bool has_crc;
    uint32_t crc;
    int32_t n_values; // levels of a data page, values of a dictionary
    int32_t encoding, rep_encoding, def_encoding;
    int32_t n_rows, n_rep_bytes, n_def_bytes; // version 2
    bool is_packed;
};

/* A page's body: for version 2 its three parts, for the others all of it in `values`. */
struct et__page_body {
    struct et_str rep, def, values; // each may be looked ET__PARQUET_PAD_BYTES behind
};

/* The pages of a chunk. */
struct et__pages {
    struct et_parquet_reader *reader;
    struct et__codec *codec;
    int32_t codec_kind;
    int64_t at;        // of the next page
    int64_t chunk_end; // as the footer says: how far to read ahead
    struct et_buf ahead;
    int64_t ahead_at;        // offset of the bytes in `ahead`
    struct et__block *block; // the last unpacked body; whoever takes it puts NULL here
};

ET_MUST_USE enum et_status et__pages_open(struct et__pages *pages, struct et_parquet_reader *reader,
                                          struct et_err *err);
void et__pages_close(struct et__pages *pages);
void et__pages_begin(struct et__pages *pages, const struct et__parquet_chunk *chunk);

/* The header of the page at pages->at, and moves behind that page. What it says is checked against
 * the file and the options. ET_ECORRUPT, ET_ELIMIT, ET_EUNSUPPORTED. */
ET_MUST_USE enum et_status et__pages_next(struct et__pages *pages, struct et__page *page,
                                          struct et_err *err);

/* The body of a page. It is valid until the next call; with must_own its values lie in
 * pages->block, so that they can be kept longer. */
ET_MUST_USE enum et_status et__pages_body(struct et__pages *pages, const struct et__page *page,
                                          bool must_own, struct et__page_body *body,
                                          struct et_err *err);

/* Reads a page's header from n bytes at p that stand at `page->at` in the file; sets *n_head to its
 * length. False with *is_short when the bytes end before it does. */
bool et__page_read(struct et__page *page, const uint8_t *p, size_t n, size_t *n_head,
                   bool *is_short, struct et_err *err);

/* Appends a page's header. */
void et__page_write(struct et_buf *buf, const struct et__page *page);

#endif

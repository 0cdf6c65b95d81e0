/* A cursor's inside: a chunk's levels, decoded a window at a time, and its values behind them.
 *
 * level.c moves over pages and levels; cursor.c makes rows and batches of them. */
#ifndef ETUDE_FORMAT_PARQUET_CURSOR_H
#define ETUDE_FORMAT_PARQUET_CURSOR_H

#include "format/parquet/parquet__decode.h"
#include "format/parquet/parquet__reader.h"

#define ET__WINDOW 4096

struct et_parquet_cursor {
    struct et_parquet_reader *reader;
    const struct et_parquet_leaf *leaf;
    size_t i_leaf;

    // Where the next batch begins.
    int64_t row;
    bool is_broken; // after a failure, until the next seek

    // The open chunk.
    bool is_open;
    size_t i_group;
    int64_t rows_begun;   // rows of it whose first level was passed
    uint64_t levels_left; // levels that are in no opened page yet
    struct et__pages pages;
    struct et__dictionary dictionary;
    struct et_buf dictionary_values;
    struct et__block *dictionary_block; // what a dictionary of views points into

    // The open page.
    uint64_t page_levels; // levels of it that are not in the window yet
    struct et__hybrid rep, def;
    struct et__decoder values;
    uint64_t n_skip; // values that were passed over and still stand before the decoder

    // Levels decoded ahead: those from i_window on are next. Without levels of a kind its array is
    // not used.
    size_t i_window, n_window;
    uint8_t rep_window[ET__WINDOW], def_window[ET__WINDOW];

    // The batch that was given last.
    struct et_buf batch_rep, batch_def, batch_values;
    struct et__keep keep;
    bool has_views; // it may point into the open page or dictionary
};

/* Opens the chunk of a row group and stands before its first level. */
ET_MUST_USE enum et_status et__chunk_open(struct et_parquet_cursor *c, size_t i_group,
                                          struct et_err *err);

/* Makes sure that a level is in the window. ET_END: the chunk has no more. */
ET_MUST_USE enum et_status et__window_fill(struct et_parquet_cursor *c, struct et_err *err);

/* Moves to the first level of row `target` of the open chunk (or its end), from where it stands or
 * forward, without decoding values and, where a page's header says enough, without reading pages.
 */
ET_MUST_USE enum et_status et__chunk_skip(struct et_parquet_cursor *c, int64_t target,
                                          struct et_err *err);

/* How many levels of the window belong to at most n_rows more rows, up to and not including the
 * first level of a row beyond; *n_begun is how many of those rows begin among them. */
size_t et__window_rows(const struct et_parquet_cursor *c, int64_t n_rows, int64_t *n_begun);

/* Of the next n levels of the window, how many have a value. */
size_t et__window_values(const struct et_parquet_cursor *c, size_t n);

/* The next n values of the page. */
ET_MUST_USE enum et_status et__values_read(struct et_parquet_cursor *c, void *to, size_t n,
                                           struct et_err *err);

/* ET_ECORRUPT for the open chunk, in words. */
enum et_status et__chunk_fail(const struct et_parquet_cursor *c, const char *what,
                              struct et_err *err);

#endif

/* A table of every type and nesting that we write, made row by row from the row's number alone: so
 * the same rows come out however they are cut into row groups, and each can be printed as JSON for
 * another reader to compare. */
#ifndef TESTS_PARQUET_SAMPLE_H
#define TESTS_PARQUET_SAMPLE_H

#include "etude/parquet.h"

#include <stdio.h>

#define SAMPLE_LEAVES 14
#define SAMPLE_NODES 48

struct sample_leaf {
    enum et_parquet_type type;
    int64_t n_levels, n_values;
    uint8_t *def, *rep;
    uint8_t *values; // as in memory
    size_t cap_levels, cap_values;
};

struct sample {
    int64_t n_rows;
    struct sample_leaf leaves[SAMPLE_LEAVES];
};

size_t sample_schema(struct et_parquet_node nodes[SAMPLE_NODES]);

/* Rows first_row … first_row + n_rows − 1; n_rows may be 0. */
void sample_make(struct sample *sample, int64_t first_row, int64_t n_rows);
void sample_free(struct sample *sample);

/* The row as one line of JSON: an array of objects' worth of columns. NaN is the string "NaN". */
void sample_print(FILE *to, int64_t row);

/* Writes the rows as one row group and commits it. */
enum et_status sample_write(struct et_parquet_writer *writer, const struct sample *sample,
                            struct et_err *err);

/* Writes a file of n_groups row groups of rows_per_group rows. */
enum et_status sample_file(const char *path, int64_t n_groups, int64_t rows_per_group,
                           const struct et_parquet_writer_options *options, struct et_err *err);

/* True when the file's rows are rows 0 … n_rows − 1, read by batches of at most batch_rows; fills
 * *err when reading fails. Says where they differ on standard output, as a comment of TAP. */
bool sample_is_in(const char *path, int64_t n_rows, int64_t batch_rows,
                  const struct et_parquet_options *options, struct et_err *err);

/* True when levels and values of a batch are those of the leaf from *i_level and *i_value on, which
 * are moved. */
bool sample_has(const struct sample_leaf *leaf, const struct et_parquet_batch *batch, int max_def,
                int max_rep, int64_t *i_level, int64_t *i_value);

#endif

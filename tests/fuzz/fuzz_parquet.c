/* Parquet files and journals from outside: opened, read from everywhere, repaired; within limits,
 * and what was read once reads the same twice. Input that begins with "PAR1" is the file; anything
 * else is the journal beside a file of zeros. */
#include "etude/parquet.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define DATA_BYTES 4096

static void put(const char *path, const char *head, size_t n_head, const uint8_t *data, size_t n)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, head, n_head) != (ssize_t)n_head || write(fd, data, n) != (ssize_t)n)
        abort();
    (void)close(fd);
}

static uint64_t read_leaf(struct et_parquet_reader *reader, size_t leaf, int64_t first_row)
{
    struct et_parquet_cursor *cursor;
    struct et_parquet_batch batch;
    struct et_err err;
    uint64_t sum = 0;
    if (et_parquet_cursor_open(&cursor, reader, leaf, &err) != ET_OK)
        return 0;
    enum et_status st = et_parquet_cursor_seek(cursor, first_row, &err);
    for (int i = 0; i < 20 && st == ET_OK; i++) {
        st = et_parquet_cursor_next(cursor, 1 + 13 * i, &batch, &err);
        if (st != ET_OK)
            break;
        sum = sum * 31 + (uint64_t)batch.n_rows + (uint64_t)batch.n_values * 7;
        if (et_parquet_leaf(reader, leaf)->type == ET_PARQUET_BYTES)
            for (int64_t k = 0; k < batch.n_values; k++) {
                const struct et_str text = ((const struct et_str *)batch.values)[k];
                for (size_t c = 0; c < text.n; c++)
                    sum = sum * 31 + (uint64_t)(unsigned char)text.p[c];
            }
    }
    double numbers[64];
    if (et_parquet_leaf(reader, leaf)->type != ET_PARQUET_BYTES)
        sum += et_parquet_cursor_rows(cursor, first_row, 4, 8, numbers, &err) == ET_OK;
    et_parquet_cursor_close(cursor);
    return sum * 31 + (uint64_t)st;
}

static void read_all(const char *path)
{
    static const struct et_parquet_options OPTIONS = {.page_bytes_max = 1 << 18,
                                                      .batch_bytes_max = 1 << 19};
    struct et_parquet_reader *reader;
    struct et_err err;
    if (et_parquet_open(&reader, path, &OPTIONS, &err) != ET_OK)
        return;
    const int64_t n_rows = et_parquet_n_rows(reader);
    for (size_t i = 0; i < et_parquet_n_leaves(reader) && i < 16; i++) {
        if (read_leaf(reader, i, 0) != read_leaf(reader, i, 0))
            __builtin_trap();
        (void)read_leaf(reader, i, n_rows - n_rows / 3);
    }
    et_parquet_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char path[64], journal[80];
    static const char ZEROS[DATA_BYTES] = "PAR1";
    struct et_err err;
    if (!path[0]) {
        (void)snprintf(path, sizeof path, "/dev/shm/etude-fuzz-%ld.parquet", (long)getpid());
        (void)snprintf(journal, sizeof journal, "%s.journal", path);
    }
    if (n >= 4 && memcmp(data, "PAR1", 4) == 0) {
        put(path, "", 0, data, n);
    } else {
        put(path, ZEROS, sizeof ZEROS, data, 0);
        put(journal, "", 0, data, n);
    }
    read_all(path);
    if (et_parquet_repair(path, -1, NULL, &err) == ET_OK) {
        struct et_parquet_reader *reader;
        if (et_parquet_open(&reader, path, NULL, &err) != ET_OK || et_parquet_is_unfinished(reader))
            __builtin_trap(); // what was repaired is whole
        et_parquet_close(reader);
    }
    (void)unlink(path);
    (void)unlink(journal);
    return 0;
}

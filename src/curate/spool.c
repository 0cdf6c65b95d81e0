#include "curate/curate__spool.h"

#include "etude/file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// A block of a stream: times of all its samples, then values of all of them.
#define BLOCK_BYTES ((size_t)256 << 10)
#define BLOCK_SAMPLES_MAX 8192

struct lane {
    size_t width;
    size_t cap;  // samples a block
    size_t n;    // samples in all
    size_t n_in; // of the block that is being filled
    struct et__spool_time *times;
    double *values;
    int64_t *blocks; // where each lies in the file
    size_t n_blocks, cap_blocks;
};

struct et__spool {
    struct et_file *file;
    int64_t n_bytes;
    struct lane *lanes;
    size_t n_lanes;
    double *scratch; // a block's values
};

static size_t times_bytes(const struct lane *lane)
{
    return lane->cap * sizeof *lane->times;
}

static enum et_status no_memory(struct et_err *err)
{
    return et_fail(err, ET_ENOMEM, -1, "no memory for the samples of a recording");
}

static enum et_status make_file(struct et__spool *spool, const char *folder, struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX];
    static _Atomic unsigned serial;
    const int n =
        snprintf(path, sizeof path, "%s/.etude-spool-%ld-%u", folder, (long)getpid(), serial++);
    if (n < 0 || (size_t)n >= sizeof path)
        return et_fail(err, ET_EARG, -1, "the path of the output is too long");
    const enum et_status st = et_file_open(&spool->file, path, ET_FILE_CREATE, err);
    // Without a name it goes with the process, whatever ends it.
    return st == ET_OK ? et_file_remove(path, err) : st;
}

enum et_status et__spool_open(struct et__spool **spool, const char *folder, const size_t *width,
                              size_t n_streams, struct et_err *err)
{
    struct et__spool *s = calloc(1, sizeof *s);
    *spool = NULL;
    if (!s)
        return no_memory(err);
    s->lanes = calloc(n_streams + 1, sizeof *s->lanes);
    enum et_status st = s->lanes ? make_file(s, folder, err) : no_memory(err);
    size_t most = 1;
    s->n_lanes = st == ET_OK ? n_streams : 0;
    for (size_t i = 0; i < n_streams && st == ET_OK; i++) {
        struct lane *lane = &s->lanes[i];
        const size_t each = sizeof *lane->times + width[i] * sizeof *lane->values;
        lane->width = width[i];
        lane->cap = BLOCK_BYTES / each;
        lane->cap = lane->cap < 16 ? 16 : lane->cap;
        lane->cap = lane->cap > BLOCK_SAMPLES_MAX ? BLOCK_SAMPLES_MAX : lane->cap;
        lane->times = malloc(times_bytes(lane));
        lane->values = malloc((lane->cap * width[i] + 1) * sizeof *lane->values);
        if (!lane->times || !lane->values)
            st = no_memory(err);
        most = lane->cap * width[i] > most ? lane->cap * width[i] : most;
    }
    if (st == ET_OK && !(s->scratch = malloc(most * sizeof *s->scratch)))
        st = no_memory(err);
    if (st != ET_OK)
        et__spool_close(s);
    else
        *spool = s;
    return st;
}

void et__spool_close(struct et__spool *spool)
{
    if (!spool)
        return;
    for (size_t i = 0; i < spool->n_lanes; i++) {
        free(spool->lanes[i].times);
        free(spool->lanes[i].values);
        free(spool->lanes[i].blocks);
    }
    free(spool->lanes);
    free(spool->scratch);
    et_file_close(spool->file);
    free(spool);
}

static enum et_status flush(struct et__spool *spool, struct lane *lane, struct et_err *err)
{
    if (lane->n_in == 0)
        return ET_OK;
    if (lane->n_blocks == lane->cap_blocks) {
        const size_t cap = lane->cap_blocks ? 2 * lane->cap_blocks : 64;
        int64_t *blocks = malloc(cap * sizeof *blocks);
        if (!blocks)
            return no_memory(err);
        if (lane->n_blocks > 0)
            memcpy(blocks, lane->blocks, lane->n_blocks * sizeof *blocks);
        free(lane->blocks);
        lane->blocks = blocks;
        lane->cap_blocks = cap;
    }
    const int64_t at = spool->n_bytes;
    const size_t n_times = times_bytes(lane);
    const size_t n_values = lane->n_in * lane->width * sizeof *lane->values;
    enum et_status st =
        et_file_write_at(spool->file, at, lane->times, lane->n_in * sizeof *lane->times, err);
    if (st == ET_OK && n_values > 0)
        st = et_file_write_at(spool->file, at + (int64_t)n_times, lane->values, n_values, err);
    if (st != ET_OK)
        return st;
    lane->blocks[lane->n_blocks++] = at;
    spool->n_bytes = at + (int64_t)(n_times + n_values);
    lane->n_in = 0;
    return ET_OK;
}

enum et_status et__spool_add(struct et__spool *spool, size_t i_stream,
                             const struct et__spool_time *time, const double *values,
                             struct et_err *err)
{
    assert(i_stream < spool->n_lanes);
    struct lane *lane = &spool->lanes[i_stream];
    lane->times[lane->n_in] = *time;
    if (lane->width > 0)
        memcpy(&lane->values[lane->n_in * lane->width], values, lane->width * sizeof *values);
    lane->n_in++;
    lane->n++;
    return lane->n_in == lane->cap ? flush(spool, lane, err) : ET_OK;
}

enum et_status et__spool_seal(struct et__spool *spool, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < spool->n_lanes && st == ET_OK; i++)
        st = flush(spool, &spool->lanes[i], err);
    return st;
}

size_t et__spool_n(const struct et__spool *spool, size_t i_stream)
{
    return spool->lanes[i_stream].n;
}

int64_t et__spool_bytes(const struct et__spool *spool)
{
    return spool->n_bytes;
}

enum et_status et__spool_times(struct et__spool *spool, size_t i_stream, size_t first, size_t n,
                               struct et__spool_time *times, struct et_err *err)
{
    const struct lane *lane = &spool->lanes[i_stream];
    enum et_status st = ET_OK;
    assert(first + n <= lane->n && lane->n_in == 0);
    for (size_t done = 0; done < n && st == ET_OK;) {
        const size_t at = first + done, in = at % lane->cap;
        const size_t m = n - done < lane->cap - in ? n - done : lane->cap - in;
        st = et_file_read_exact(spool->file,
                                lane->blocks[at / lane->cap] + (int64_t)(in * sizeof *times),
                                times + done, m * sizeof *times, err);
        done += m;
    }
    return st;
}

enum et_status et__spool_values(struct et__spool *spool, size_t i_stream, size_t first, size_t n,
                                double *values, struct et_err *err)
{
    const struct lane *lane = &spool->lanes[i_stream];
    const size_t each = lane->width * sizeof *values;
    enum et_status st = ET_OK;
    assert(first + n <= lane->n && lane->n_in == 0);
    for (size_t done = 0; done < n && each > 0 && st == ET_OK;) {
        const size_t at = first + done, in = at % lane->cap;
        const size_t m = n - done < lane->cap - in ? n - done : lane->cap - in;
        st = et_file_read_exact(
            spool->file, lane->blocks[at / lane->cap] + (int64_t)(times_bytes(lane) + in * each),
            values + done * lane->width, m * each, err);
        done += m;
    }
    return st;
}

enum et_status et__spool_every(struct et__spool *spool, size_t i_stream, size_t step, size_t n,
                               double *values, struct et_err *err)
{
    const struct lane *lane = &spool->lanes[i_stream];
    assert(step > 0 && (n == 0 || (n - 1) * step < lane->n));
    enum et_status st = ET_OK;
    for (size_t k = 0; k < n && st == ET_OK;) {
        const size_t first = k * step / lane->cap * lane->cap;
        const size_t m = lane->n - first < lane->cap ? lane->n - first : lane->cap;
        st = et__spool_values(spool, i_stream, first, m, spool->scratch, err);
        for (; k < n && k * step < first + m; k++)
            memcpy(&values[k * lane->width], &spool->scratch[(k * step - first) * lane->width],
                   lane->width * sizeof *values);
    }
    return st;
}

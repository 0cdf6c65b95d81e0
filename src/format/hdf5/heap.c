/* Rows of variable length, from the file's global heap. Not through libhdf5, which copies as many
 * bytes as the heap says to where the reference said how many there are. */
#include "hdf5__file.h"

#include <assert.h>

static uint64_t number(const unsigned char *p, size_t n_bytes)
{
    uint64_t x = 0;
    for (size_t i = n_bytes; i-- > 0;)
        x = x << 8 | p[i];
    return x;
}

static size_t to_8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static enum et_status damaged(const struct et_hdf5 *file, const char *path, int64_t at,
                              const char *what, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, at, "%s: %s: %s", file->path, path, what);
}

static enum et_status load_heap(struct et_hdf5 *file, const char *path, int64_t at,
                                struct et_err *err)
{
    unsigned char head[16] = {0};
    const size_t n_head = 8 + file->n_size_bytes;
    if (file->heap_at == at)
        return ET_OK;
    file->heap_at = -1;
    file->heap.n = 0;
    if (n_head > sizeof head || at < 0 || at > file->n_bytes - (int64_t)sizeof head)
        return damaged(file, path, at, "its heap lies beyond the file's end", err);
    enum et_status st = et_file_read_exact(file->raw, at, head, n_head, err);
    if (st != ET_OK)
        return st;
    const uint64_t n = number(head + 8, file->n_size_bytes);
    if (memcmp(head, "GCOL\1", 5) != 0 || n < n_head || n > (uint64_t)(file->n_bytes - at))
        return damaged(file, path, at, "no heap where its rows should be", err);
    if (n > ET_HDF5_HEAP_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, at, "%s: %s: a heap of %llu bytes, where %zu are read",
                       file->path, path, (unsigned long long)n, ET_HDF5_HEAP_BYTES_MAX);
    void *to = et_buf_reserve(&file->heap, n);
    if (!to)
        return et_buf_check(&file->heap, "a heap", err);
    st = et_file_read_exact(file->raw, at, to, n, err);
    if (st != ET_OK)
        return st;
    file->heap.n = n;
    file->heap_at = at;
    return ET_OK;
}

static enum et_status find_in_heap(const struct et_hdf5 *file, const char *path, uint64_t index,
                                   struct et_str *bytes, struct et_err *err)
{
    const unsigned char *const heap = (const unsigned char *)file->heap.p;
    const size_t n = file->heap.n, n_head = to_8(8 + file->n_size_bytes);
    size_t at = to_8(8 + file->n_size_bytes);
    while (at + n_head <= n) {
        const uint64_t id = number(heap + at, 2);
        const uint64_t size = number(heap + at + 8, file->n_size_bytes);
        if (id == 0) // what is free stands last
            break;
        if (size > n - at - n_head)
            return damaged(file, path, file->heap_at + (int64_t)at, "a row reaches beyond its heap",
                           err);
        if (id == index) {
            *bytes = (struct et_str){(const char *)heap + at + n_head, size};
            return ET_OK;
        }
        at += n_head + to_8(size);
    }
    return damaged(file, path, file->heap_at, "a row that is not in its heap", err);
}

enum et_status et__hdf5_variable(struct et_hdf5 *file, const char *path,
                                 const unsigned char *reference, struct et_str *bytes,
                                 struct et_err *err)
{
    const uint64_t n = number(reference, 4);
    const uint64_t at = number(reference + 4, file->n_addr_bytes);
    const uint64_t index = number(reference + 4 + file->n_addr_bytes, 4);
    *bytes = (struct et_str){"", 0};
    if (n == 0 || at == 0)
        return ET_OK;
    if (at > (uint64_t)file->n_bytes)
        return damaged(file, path, -1, "its heap lies beyond the file's end", err);
    enum et_status st = load_heap(file, path, file->base + (int64_t)at, err);
    if (st == ET_OK)
        st = find_in_heap(file, path, index, bytes, err);
    if (st == ET_OK && bytes->n != n)
        st = damaged(file, path, file->heap_at, "a row of another length in its heap", err);
    return st;
}

static enum et_status check_blob(const struct et_hdf5 *file, const struct et__hdf5_set *set,
                                 int64_t row, struct et_err *err)
{
    if (set->about.kind != ET_HDF5_BLOBS)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%s: %s: no rows of variable length", file->path,
                       set->path);
    if (row < 0 || row >= set->about.n_rows)
        return et_fail(err, ET_EARG, row, "%s: %s: row %lld of %lld", file->path, set->path,
                       (long long)row, (long long)set->about.n_rows);
    return ET_OK;
}

enum et_status et_hdf5_read_blob(struct et_hdf5 *file, const char *path, int64_t row,
                                 struct et_buf *to, struct et_err *err)
{
    struct et__hdf5_set set;
    struct et__hdf5_lock lock;
    unsigned char reference[16] = {0};
    struct et_str bytes = {"", 0};
    assert(file && path && to);
    et__hdf5_enter(&lock);
    enum et_status st = et__hdf5_set_open(file, path, &set, err);
    if (st == ET_OK)
        st = check_blob(file, &set, row, err);
    if (st == ET_OK)
        st = et__hdf5_read_raw(file, &set, row, 1, reference, err);
    if (st == ET_OK)
        st = et__hdf5_variable(file, path, reference, &bytes, err);
    et__hdf5_set_close(&set);
    et__hdf5_leave(&lock);
    if (st != ET_OK)
        return st;
    et_buf_clear(to);
    et_buf_put(to, bytes.p, bytes.n);
    return et_buf_check(to, path, err);
}

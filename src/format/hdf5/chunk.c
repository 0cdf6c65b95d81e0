/* Chunks: libhdf5 finds them, the filters are undone here. Its own deflate doubles a buffer for as
 * long as the data goes on, and its own pipeline trusts the sizes that the file gives. */
#include "hdf5__file.h"

#include <libdeflate.h>

static enum et_status damaged(const struct et_hdf5 *file, const struct et__hdf5_set *set,
                              const char *what, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, (int64_t)file->chunk_at[0],
                   "%s: %s: the chunk that begins at row %lld %s", file->path, set->path,
                   (long long)file->chunk_at[0], what);
}

static bool inflate_it(struct et_hdf5 *file, size_t n_out)
{
    size_t n = 0;
    if (!file->inflater)
        file->inflater = libdeflate_alloc_decompressor();
    file->chunk.n = 0;
    void *to = et_buf_reserve(&file->chunk, n_out);
    if (!file->inflater || !to)
        return false;
    if (libdeflate_zlib_decompress(file->inflater, file->packed.p, file->packed.n, to, n_out, &n) !=
        LIBDEFLATE_SUCCESS)
        return false;
    file->chunk.n = n;
    return true;
}

void et__hdf5_unpack_close(struct et_hdf5 *file)
{
    libdeflate_free_decompressor(file->inflater);
    file->inflater = NULL;
}

// Byte i of every value stood together; what is left over stands behind.
static bool unshuffle(struct et_hdf5 *file, size_t size)
{
    const size_t n = file->packed.n / size, n_left = file->packed.n % size;
    const char *from = file->packed.p;
    file->chunk.n = 0;
    char *to = et_buf_reserve(&file->chunk, file->packed.n);
    if (!to)
        return false;
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < n; k++)
            to[k * size + i] = *from++;
    memcpy(to + n * size, from, n_left);
    file->chunk.n = file->packed.n;
    return true;
}

// Fletcher's sum over words of two bytes, the first byte high; an odd byte counts as high.
static uint32_t fletcher32(const unsigned char *p, size_t n)
{
    uint32_t a = 0, b = 0;
    for (size_t i = 0; i < n; i += 2) {
        a += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
        a = (a & 0xffff) + (a >> 16);
        b += a;
        b = (b & 0xffff) + (b >> 16);
    }
    return b << 16 | a;
}

// 0xffff and 0 are the same in this sum.
static bool is_same_sum(uint32_t a, uint32_t b)
{
    return (a >> 16) % 0xffff == (b >> 16) % 0xffff &&
           (a & 0xffff) % 0xffff == (b & 0xffff) % 0xffff;
}

static const char *check_sum(struct et_hdf5 *file)
{
    if (file->packed.n < 4)
        return "is too short for its checksum";
    const unsigned char *p = (const unsigned char *)file->packed.p;
    const size_t n = file->packed.n - 4;
    const uint32_t told = (uint32_t)p[n] | (uint32_t)p[n + 1] << 8 | (uint32_t)p[n + 2] << 16 |
                          (uint32_t)p[n + 3] << 24;
    const uint32_t is = fletcher32(p, n);
    // Files of before 1.6.3 have the two bytes of each half the other way round.
    const uint32_t turned = (is & 0x00ff00ff) << 8 | (is & 0xff00ff00) >> 8;
    if (!is_same_sum(told, is) && !is_same_sum(told, turned))
        return "does not fit its checksum";
    file->packed.n = n;
    return NULL;
}

static void swap_buffers(struct et_hdf5 *file)
{
    const struct et_buf packed = file->packed;
    file->packed = file->chunk;
    file->chunk = packed;
}

enum et_status et__hdf5_unpack(struct et_hdf5 *file, const struct et__hdf5_set *set,
                               uint32_t skipped, struct et_err *err)
{
    // A checksum in front of deflate makes the packed data 4 bytes longer, once a checksum.
    const size_t n_out = set->chunk_bytes + 4 * ET__HDF5_FILTERS_MAX;
    for (int i = set->n_filters; i-- > 0;) {
        const char *wrong = NULL;
        if (skipped & 1U << i)
            continue;
        if (set->filters[i] == H5Z_FILTER_FLETCHER32) {
            wrong = check_sum(file);
        } else {
            const bool is_good = set->filters[i] == H5Z_FILTER_DEFLATE
                                     ? inflate_it(file, n_out)
                                     : unshuffle(file, set->item_bytes);
            wrong = is_good ? NULL : "cannot be unpacked";
            swap_buffers(file);
        }
        if (wrong)
            return damaged(file, set, wrong, err);
    }
    swap_buffers(file);
    if (file->chunk.n != set->chunk_bytes)
        return damaged(file, set, "has another size than it must", err);
    return ET_OK;
}

void et__hdf5_fill(const struct et__hdf5_set *set, unsigned char *to, size_t n_bytes)
{
    unsigned char value[8] = {0};
    H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
    memset(to, 0, n_bytes);
    if (set->about.kind != ET_HDF5_NUMBERS || set->item_bytes > sizeof value ||
        H5Pfill_value_defined(set->dcpl, &defined) < 0 || defined == H5D_FILL_VALUE_UNDEFINED ||
        H5Pget_fill_value(set->dcpl, set->type, value) < 0)
        return;
    for (size_t i = 0; i < n_bytes; i += set->item_bytes)
        memcpy(to + i, value, set->item_bytes);
}

static enum et_status fill(struct et_hdf5 *file, struct et__hdf5_set *set, struct et_err *err)
{
    file->chunk.n = 0;
    unsigned char *to = et_buf_reserve(&file->chunk, set->chunk_bytes);
    if (!to)
        return et_buf_check(&file->chunk, "a chunk", err);
    et__hdf5_fill(set, to, set->chunk_bytes);
    file->chunk.n = set->chunk_bytes;
    return ET_OK;
}

static enum et_status load(struct et_hdf5 *file, struct et__hdf5_set *set, const hsize_t *at,
                           struct et_err *err)
{
    hsize_t n = 0;
    uint32_t skipped = 0;
    unsigned mask = 0;
    haddr_t address = HADDR_UNDEF;
    memcpy(file->chunk_at, at, (size_t)set->about.n_dims * sizeof *at);
    if (H5Dget_chunk_info_by_coord(set->id, at, &mask, &address, &n) < 0)
        return et__hdf5_fail(file, ET_ECORRUPT, set->path, "a chunk that cannot be found", err);
    if (address == HADDR_UNDEF)
        n = 0;
    if (n == 0)
        return fill(file, set, err);
    if (n > set->chunk_bytes + set->chunk_bytes / 8 + ET__HDF5_PACKED_SLACK ||
        n > (hsize_t)file->n_bytes)
        return damaged(file, set, "is longer than it can be", err);
    file->packed.n = 0;
    void *to = et_buf_reserve(&file->packed, n);
    if (!to)
        return et_buf_check(&file->packed, "a chunk", err);
    if (H5Dread_chunk(set->id, H5P_DEFAULT, at, &skipped, to) < 0)
        return et__hdf5_fail(file, ET_ECORRUPT, set->path, "a chunk that cannot be read", err);
    file->packed.n = n;
    return et__hdf5_unpack(file, set, skipped, err);
}

// Values of the chunk at `at` that lie in the rows, to their places.
static void take(const struct et_hdf5 *file, const struct et__hdf5_set *set, const hsize_t *at,
                 int64_t first, int64_t n, unsigned char *to)
{
    const int n_dims = set->about.n_dims;
    hsize_t begin[ET_HDF5_DIMS_MAX], end[ET_HDF5_DIMS_MAX], i[ET_HDF5_DIMS_MAX];
    for (int d = 0; d < n_dims; d++) {
        const hsize_t size = d == 0 ? (hsize_t)(first + n) : (hsize_t)set->about.dims[d];
        begin[d] = d == 0 && at[0] < (hsize_t)first ? (hsize_t)first : at[d];
        end[d] = at[d] + set->chunk[d] < size ? at[d] + set->chunk[d] : size;
        i[d] = begin[d];
    }
    // Dimensions that the chunk has whole are copied with the one in front of them.
    int last = n_dims - 1;
    size_t run = set->item_bytes;
    for (; last > 0 && set->chunk[last] == (hsize_t)set->about.dims[last]; last--)
        run *= set->chunk[last];
    run *= (size_t)(end[last] - begin[last]);
    for (;;) {
        size_t from_at = 0, to_at = 0;
        for (int d = 0; d < n_dims; d++) {
            from_at = from_at * set->chunk[d] + (size_t)(i[d] - at[d]);
            to_at = d == 0 ? (size_t)(i[0] - (hsize_t)first)
                           : to_at * (size_t)set->about.dims[d] + (size_t)i[d];
        }
        memcpy(to + to_at * set->item_bytes, file->chunk.p + from_at * set->item_bytes, run);
        int d = last - 1;
        while (d >= 0 && ++i[d] == end[d]) {
            i[d] = begin[d];
            d--;
        }
        if (d < 0)
            return;
    }
}

enum et_status et__hdf5_read_chunks(struct et_hdf5 *file, struct et__hdf5_set *set, int64_t first,
                                    int64_t n, unsigned char *to, struct et_err *err)
{
    const int n_dims = set->about.n_dims;
    hsize_t at[ET_HDF5_DIMS_MAX] = {0};
    at[0] = (hsize_t)first - (hsize_t)first % set->chunk[0];
    for (;;) {
        const enum et_status st = load(file, set, at, err);
        if (st != ET_OK)
            return st;
        take(file, set, at, first, n, to);
        int d = n_dims - 1;
        for (; d >= 0; d--) {
            const hsize_t size = d == 0 ? (hsize_t)(first + n) : (hsize_t)set->about.dims[d];
            at[d] += set->chunk[d];
            if (at[d] < size)
                break;
            at[d] = 0;
        }
        if (d < 0)
            return ET_OK;
    }
}

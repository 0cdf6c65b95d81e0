// Rows of numbers: as they lie in the file, then as doubles or integers.
#include "hdf5__file.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)1 << 20) // that is converted at once

// Rows in one piece of the file, read as they lie there.
static enum et_status read_piece(struct et_hdf5 *file, struct et__hdf5_set *set, int64_t first,
                                 int64_t n, unsigned char *to, struct et_err *err)
{
    const size_t row_bytes = (size_t)set->about.n_row_values * set->item_bytes;
    const haddr_t at = H5Dget_offset(set->id);
    if (at == HADDR_UNDEF || at > (haddr_t)file->n_bytes)
        return et_fail(err, ET_ECORRUPT, -1, "%s: %s: it lies beyond the file's end", file->path,
                       set->path);
    const enum et_status st = et_file_read_exact(
        file->raw, (int64_t)at + first * (int64_t)row_bytes, to, (size_t)n * row_bytes, err);
    if (st != ET_OK)
        (void)et_err_context(err, "%s", set->path);
    return st;
}

// In the dataset's own header: small, and read whole by libhdf5 as the file's own type.
static enum et_status read_compact(struct et_hdf5 *file, struct et__hdf5_set *set, int64_t first,
                                   int64_t n, unsigned char *to, struct et_err *err)
{
    const size_t row_bytes = (size_t)set->about.n_row_values * set->item_bytes;
    const size_t n_bytes = (size_t)set->about.n_rows * row_bytes;
    if (set->is_variable)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%s: %s: rows in the dataset's own header",
                       file->path, set->path);
    unsigned char *all = malloc(n_bytes);
    if (!all)
        return et_fail(err, ET_ENOMEM, -1, "%s: %s: no memory for its rows", file->path, set->path);
    const bool is_good = H5Dread(set->id, set->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0;
    if (is_good)
        memcpy(to, all + (size_t)first * row_bytes, (size_t)n * row_bytes);
    free(all);
    return is_good ? ET_OK
                   : et__hdf5_fail(file, ET_ECORRUPT, set->path, "rows that cannot be read", err);
}

static enum et_status read_plain(struct et_hdf5 *file, struct et__hdf5_set *set, int64_t first,
                                 int64_t n, unsigned char *to, struct et_err *err)
{
    const size_t row_bytes = (size_t)set->about.n_row_values * set->item_bytes;
    const hsize_t n_stored = H5Dget_storage_size(set->id);
    if (n_stored == 0 && set->layout == ET__HDF5_PIECE) { // never written
        et__hdf5_fill(set, to, (size_t)n * row_bytes);
        return ET_OK;
    }
    if (n_stored != (hsize_t)set->about.n_rows * row_bytes)
        return et_fail(err, ET_ECORRUPT, -1,
                       "%s: %s: %llu bytes are stored, where its shape has %llu", file->path,
                       set->path, (unsigned long long)n_stored,
                       (unsigned long long)set->about.n_rows * row_bytes);
    return set->layout == ET__HDF5_PIECE ? read_piece(file, set, first, n, to, err)
                                         : read_compact(file, set, first, n, to, err);
}

enum et_status et__hdf5_read_raw(struct et_hdf5 *file, struct et__hdf5_set *set, int64_t first,
                                 int64_t n, unsigned char *to, struct et_err *err)
{
    if (n == 0 || set->about.n_row_values == 0)
        return ET_OK;
    if (set->layout == ET__HDF5_CHUNKS)
        return et__hdf5_read_chunks(file, set, first, n, to, err);
    return read_plain(file, set, first, n, to, err);
}

static uint64_t bits_of(const unsigned char *p, size_t n_bytes, bool is_big_endian)
{
    uint64_t x = 0;
    if (is_big_endian)
        for (size_t i = 0; i < n_bytes; i++)
            x = x << 8 | p[i];
    else
        for (size_t i = n_bytes; i-- > 0;)
            x = x << 8 | p[i];
    return x;
}

static double double_of(uint64_t bits, enum et_hdf5_number number)
{
    const uint32_t low = (uint32_t)bits;
    float real32;
    double real64;
    switch (number) {
    case ET_HDF5_INT8:
        return (int8_t)bits;
    case ET_HDF5_INT16:
        return (int16_t)bits;
    case ET_HDF5_INT32:
        return (int32_t)bits;
    case ET_HDF5_INT64:
        return (double)(int64_t)bits;
    case ET_HDF5_FLOAT32:
        memcpy(&real32, &low, sizeof real32);
        return (double)real32;
    case ET_HDF5_FLOAT64:
        memcpy(&real64, &bits, sizeof real64);
        return real64;
    case ET_HDF5_UINT8:
    case ET_HDF5_UINT16:
    case ET_HDF5_UINT32:
    case ET_HDF5_UINT64:
    case ET_HDF5_NO_NUMBER:
        break;
    }
    return (double)bits;
}

double et__hdf5_double(const unsigned char *p, size_t size, enum et_hdf5_number number,
                       bool is_big_endian)
{
    return double_of(bits_of(p, size, is_big_endian), number);
}

static void to_doubles(const struct et__hdf5_set *set, const unsigned char *from, size_t n,
                       double *to)
{
    const size_t size = set->item_bytes;
    for (size_t i = 0; i < n; i++)
        to[i] = double_of(bits_of(from + i * size, size, set->is_big_endian), set->about.number);
}

// False: beyond int64.
static bool to_integers(const struct et__hdf5_set *set, const unsigned char *from, size_t n,
                        int64_t *to)
{
    const size_t size = set->item_bytes;
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = bits_of(from + i * size, size, set->is_big_endian);
        if (set->about.number >= ET_HDF5_UINT8) {
            if (bits > INT64_MAX)
                return false;
            to[i] = (int64_t)bits;
        } else {
            const int shift = 64 - 8 * (int)size; // the sign of a short one
            to[i] = (int64_t)(bits << shift) >> shift;
        }
    }
    return true;
}

enum wanted { AS_DOUBLES, AS_INT64, AS_PIXELS };

static enum et_status check(const struct et_hdf5 *file, const struct et__hdf5_set *set,
                            enum wanted wanted, int64_t first, int64_t n, struct et_err *err)
{
    const struct et_hdf5_object *about = &set->about;
    const enum et_hdf5_number number = about->number;
    if (about->kind != ET_HDF5_NUMBERS)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%s: %s: no numbers", file->path, set->path);
    if (wanted == AS_INT64 && number >= ET_HDF5_FLOAT32)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%s: %s: reals, where integers are needed",
                       file->path, set->path);
    if (wanted == AS_PIXELS && number != ET_HDF5_UINT8 && number != ET_HDF5_UINT16)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%s: %s: no pixels of 8 or 16 bits", file->path,
                       set->path);
    if (first < 0 || n < 0 || first > about->n_rows || n > about->n_rows - first)
        return et_fail(err, ET_EARG, first, "%s: %s: rows %lld to %lld, of %lld", file->path,
                       set->path, (long long)first, (long long)(first + n - 1),
                       (long long)about->n_rows);
    return ET_OK;
}

static enum et_status read_pixels(struct et_hdf5 *file, struct et__hdf5_set *set, int64_t first,
                                  int64_t n, void *to, struct et_err *err)
{
    const size_t n_values = (size_t)n * (size_t)set->about.n_row_values;
    const enum et_status st = et__hdf5_read_raw(file, set, first, n, to, err);
    const bool is_host_big = BYTE_ORDER == BIG_ENDIAN;
    if (st == ET_OK && set->item_bytes == 2 && set->is_big_endian != is_host_big)
        for (size_t i = 0; i < n_values; i++) {
            unsigned char *p = (unsigned char *)to + 2 * i;
            const unsigned char low = p[0];
            p[0] = p[1];
            p[1] = low;
        }
    return st;
}

// Block by block, each of whole rows, at least one.
static enum et_status read_converted(struct et_hdf5 *file, struct et__hdf5_set *set,
                                     enum wanted wanted, int64_t first, int64_t n, void *to,
                                     struct et_err *err)
{
    const size_t row_values = (size_t)set->about.n_row_values;
    const size_t row_bytes = row_values * set->item_bytes;
    if (n == 0 || row_bytes == 0)
        return ET_OK;
    int64_t block = row_bytes < BLOCK_BYTES ? (int64_t)(BLOCK_BYTES / row_bytes) : 1;
    block = block < n ? block : n;
    unsigned char *raw = malloc((size_t)block * row_bytes);
    if (!raw)
        return et_fail(err, ET_ENOMEM, -1, "%s: %s: no memory for its rows", file->path, set->path);
    enum et_status st = ET_OK;
    for (int64_t done = 0; st == ET_OK && done < n; done += block) {
        const int64_t now = n - done < block ? n - done : block;
        const size_t at = (size_t)done * row_values;
        st = et__hdf5_read_raw(file, set, first + done, now, raw, err);
        if (st != ET_OK)
            break;
        if (wanted == AS_DOUBLES)
            to_doubles(set, raw, (size_t)now * row_values, (double *)to + at);
        else if (!to_integers(set, raw, (size_t)now * row_values, (int64_t *)to + at))
            st = et_fail(err, ET_EUNSUPPORTED, first + done, "%s: %s: an integer beyond 2^63",
                         file->path, set->path);
    }
    free(raw);
    return st;
}

static enum et_status read_rows(struct et_hdf5 *file, const char *path, enum wanted wanted,
                                int64_t first, int64_t n, void *to, struct et_err *err)
{
    struct et__hdf5_set set;
    struct et__hdf5_lock lock;
    assert(file && path && (to || n == 0));
    et__hdf5_enter(&lock);
    enum et_status st = et__hdf5_set_open(file, path, &set, err);
    if (st == ET_OK)
        st = check(file, &set, wanted, first, n, err);
    if (st == ET_OK)
        st = wanted == AS_PIXELS ? read_pixels(file, &set, first, n, to, err)
                                 : read_converted(file, &set, wanted, first, n, to, err);
    et__hdf5_set_close(&set);
    et__hdf5_leave(&lock);
    return st;
}

enum et_status et_hdf5_read_doubles(struct et_hdf5 *file, const char *path, int64_t first,
                                    int64_t n, double *values, struct et_err *err)
{
    return read_rows(file, path, AS_DOUBLES, first, n, values, err);
}

enum et_status et_hdf5_read_int64(struct et_hdf5 *file, const char *path, int64_t first, int64_t n,
                                  int64_t *values, struct et_err *err)
{
    return read_rows(file, path, AS_INT64, first, n, values, err);
}

enum et_status et_hdf5_read_pixels(struct et_hdf5 *file, const char *path, int64_t first, int64_t n,
                                   void *to, struct et_err *err)
{
    return read_rows(file, path, AS_PIXELS, first, n, to, err);
}

/* The inside of an HDF5 handle. Everything here is called with libhdf5's lock held. */
#ifndef ETUDE_FORMAT_HDF5_FILE_H
#define ETUDE_FORMAT_HDF5_FILE_H

#include "etude/file.h"
#include "etude/hdf5.h"

#define H5_USE_110_API // the same calls under libhdf5 1.12 and 1.14
#include <hdf5.h>

#define ET__HDF5_WAY_BYTES_MAX 4608 // ET_HDF5_DEPTH_MAX names

struct et_hdf5 {
    char *path;
    hid_t id;
    hid_t lapl;          // refuses external links
    struct et_file *raw; // the same file, for rows of variable length
    int64_t n_bytes;     // of it
    int64_t base;        // where HDF5's addresses begin
    size_t n_addr_bytes; // of an address in the file
    size_t n_size_bytes; // of a length in the file
    int64_t n_listed;
    char way[ET__HDF5_WAY_BYTES_MAX]; // the last group whose way was guarded
    bool has_way;
    struct et_buf chunk, packed;        // unpacked, and as it lies in the file
    hsize_t chunk_at[ET_HDF5_DIMS_MAX]; // where the chunk begins
    struct et_buf header;               // a block of an object's header
    struct et_buf heap;                 // a collection of rows of variable length
    int64_t heap_at;                    // its address; −1 none
    void *inflater;                     // libdeflate's
};

/* The lock, and libhdf5's printing of errors switched off meanwhile. */
struct et__hdf5_lock {
    H5E_auto2_t print;
    void *ctx;
};
void et__hdf5_enter(struct et__hdf5_lock *lock);
void et__hdf5_leave(const struct et__hdf5_lock *lock);

/* Fails in the words of libhdf5's innermost error: "<path>: <object>: <what>: <words>". */
enum et_status et__hdf5_fail(const struct et_hdf5 *file, enum et_status status, const char *object,
                             const char *what, struct et_err *err);

/* A dataset's storage. */
enum et__hdf5_layout { ET__HDF5_PIECE, ET__HDF5_COMPACT, ET__HDF5_CHUNKS };

#define ET__HDF5_FILTERS_MAX 8
#define ET__HDF5_PACKED_SLACK ((size_t)1024) // a chunk that does not compress grows by less

/* An opened dataset. Zeroed ids are none. */
struct et__hdf5_set {
    const char *path;
    hid_t id, type, space, dcpl;
    struct et_hdf5_object about;
    enum et__hdf5_layout layout;
    bool is_big_endian;
    bool is_variable;  // items are references into a heap
    size_t item_bytes; // of one value, in the file
    hsize_t chunk[ET_HDF5_DIMS_MAX];
    size_t chunk_bytes;
    H5Z_filter_t filters[ET__HDF5_FILTERS_MAX];
    int n_filters;
};

/* Describes an opened dataset; what cannot be read becomes ET_HDF5_OTHER. */
void et__hdf5_describe(const struct et_hdf5 *file, struct et__hdf5_set *set);

/* Opens whatever stands at the path. *id is negative where it is no dataset. */
ET_MUST_USE enum et_status et__hdf5_set_open(struct et_hdf5 *file, const char *path,
                                             struct et__hdf5_set *set, struct et_err *err);
void et__hdf5_set_close(struct et__hdf5_set *set);

/* Rows in the file's own type, n × n_row_values × item_bytes. */
ET_MUST_USE enum et_status et__hdf5_read_raw(struct et_hdf5 *file, struct et__hdf5_set *set,
                                             int64_t first, int64_t n, unsigned char *to,
                                             struct et_err *err);

/* Chunks, at least one of whose values is in those rows, into `to`. */
ET_MUST_USE enum et_status et__hdf5_read_chunks(struct et_hdf5 *file, struct et__hdf5_set *set,
                                                int64_t first, int64_t n, unsigned char *to,
                                                struct et_err *err);

/* The dataset's fill value, as often as it fits. */
void et__hdf5_fill(const struct et__hdf5_set *set, unsigned char *to, size_t n_bytes);

/* Undoes the filters of a chunk: file->packed (n bytes) becomes file->chunk. */
ET_MUST_USE enum et_status et__hdf5_unpack(struct et_hdf5 *file, const struct et__hdf5_set *set,
                                           uint32_t skipped, struct et_err *err);
void et__hdf5_unpack_close(struct et_hdf5 *file);

/* One number as it lies in the file. */
double et__hdf5_double(const unsigned char *p, size_t size, enum et_hdf5_number number,
                       bool is_big_endian);

/* What a reference to a row of variable length leads to: n bytes of a heap, in file->heap. */
ET_MUST_USE enum et_status et__hdf5_variable(struct et_hdf5 *file, const char *path,
                                             const unsigned char *reference, struct et_str *bytes,
                                             struct et_err *err);

/* The text without what follows a NUL and without what is not UTF-8, in the arena. */
const char *et__hdf5_text(struct et_arena *arena, struct et_str bytes);

/* A path of at most ET_HDF5_DEPTH_MAX parts; "" becomes "/". */
ET_MUST_USE enum et_status et__hdf5_path(struct et_hdf5 *file, const char *path, const char **to,
                                         struct et_err *err);

#endif

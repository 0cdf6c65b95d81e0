/* HDF5: groups, datasets and attributes of a file, read only, row by row.
 *
 * libhdf5 finds things; what it would do with lengths that a file gives is done here instead:
 * chunks are decompressed and rows of variable length are fetched with limits. A row is one index
 * of a dataset's first dimension; its values are those of all other dimensions, row-major. A
 * dataset without dimensions is one row. Paths are from the root, without a slash in front
 * ("observations/qpos"); "" is the root.
 *
 * Not followed, and told: external links, external storage, virtual datasets. Soft links are
 * followed within the file.
 *
 * Threads: libhdf5 is one for a process, so every call here takes one lock (a static mutex); a
 *          handle belongs to one thread at a time.
 * Memory:  a handle takes up to 2 × ET_HDF5_CHUNK_BYTES_MAX for the chunk that it reads and
 *          ET_HDF5_HEAP_BYTES_MAX for rows of variable length; libhdf5 its own for metadata. */
#ifndef ETUDE_HDF5_H
#define ETUDE_HDF5_H

#include "etude/arena.h"
#include "etude/str.h"

#define ET_HDF5_DIMS_MAX 8
#define ET_HDF5_DEPTH_MAX 16                       // of a path
#define ET_HDF5_OBJECTS_MAX 500000                 // that a handle lists in all
#define ET_HDF5_ROWS_MAX ((int64_t)1 << 24)        // of a dataset
#define ET_HDF5_ROW_BYTES_MAX ((size_t)64 << 20)   // of a row
#define ET_HDF5_ROW_CHUNKS_MAX 4096                // that one row touches
#define ET_HDF5_CHUNK_BYTES_MAX ((size_t)64 << 20) // unpacked
#define ET_HDF5_HEAP_BYTES_MAX ((size_t)64 << 20)  // of a collection of rows of variable length
#define ET_HDF5_TEXT_BYTES_MAX ((size_t)16 << 20)  // of one text
#define ET_HDF5_ATTRIBUTES_MAX 4096                // of one object

enum et_hdf5_kind {
    ET_HDF5_GROUP,
    ET_HDF5_NUMBERS, // integers of 8 to 64 bits, reals of 32 and 64, and enumerations (bool)
    ET_HDF5_TEXTS,   // of fixed or variable length
    ET_HDF5_BLOBS,   // rows of uint8 of variable length
    ET_HDF5_OTHER,   // cannot be read; `trouble` says why
};

enum et_hdf5_number {
    ET_HDF5_NO_NUMBER,
    ET_HDF5_INT8,
    ET_HDF5_INT16,
    ET_HDF5_INT32,
    ET_HDF5_INT64,
    ET_HDF5_UINT8,
    ET_HDF5_UINT16,
    ET_HDF5_UINT32,
    ET_HDF5_UINT64,
    ET_HDF5_FLOAT32,
    ET_HDF5_FLOAT64,
};

struct et_hdf5_object {
    const char *name; // within its group; et_hdf5_stat leaves it NULL
    enum et_hdf5_kind kind;
    enum et_hdf5_number number; // NUMBERS
    bool is_soft;               // reached by a soft link
    int n_dims;
    int64_t dims[ET_HDF5_DIMS_MAX];
    int64_t n_rows;       // dims[0]; 1 without dimensions
    int64_t n_row_values; // product of the other dimensions
    int64_t n_chunk_rows; // rows that are best read together; 1 where there are no chunks
    const char *trouble;  // OTHER: why; a static text
};

struct et_hdf5;

/* Opens a file; it is never changed. ET_ENOTFOUND: no such file. ET_ECORRUPT: libhdf5 does not take
 * it, in its words. ET_EIO: it is open for writing elsewhere, or cannot be read. */
ET_MUST_USE ET_API enum et_status et_hdf5_open(struct et_hdf5 **file, const char *path,
                                               struct et_err *err);
ET_API void et_hdf5_close(struct et_hdf5 *file); // NULL is allowed

/* What is in a group, by name, into the arena. ET_ENOTFOUND: no such group. ET_ECORRUPT: it cannot
 * be listed, or a name is none. ET_ELIMIT: deeper than ET_HDF5_DEPTH_MAX, more objects than
 * ET_HDF5_OBJECTS_MAX, or the arena is full. One object that cannot be read is OTHER. */
ET_MUST_USE ET_API enum et_status et_hdf5_list(struct et_hdf5 *file, const char *path,
                                               struct et_arena *arena,
                                               const struct et_hdf5_object **objects, size_t *n,
                                               struct et_err *err);

/* One object. ET_ENOTFOUND: nothing is there. */
ET_MUST_USE ET_API enum et_status et_hdf5_stat(struct et_hdf5 *file, const char *path,
                                               struct et_hdf5_object *object, struct et_err *err);

/* Rows first … first + n − 1 of a dataset of numbers, to n × n_row_values places. Integers beyond
 * 2^53 lose their last bits as doubles; reals are refused as int64 (ET_EUNSUPPORTED), as is a
 * uint64 beyond int64. ET_EARG: no such rows. ET_ENOTFOUND: no such dataset. ET_EUNSUPPORTED: not
 * numbers, or a filter that is not read. ET_ECORRUPT: the data is damaged (the text names the
 * object and the row). ET_ELIMIT: a chunk over the limits. ET_EIO. */
ET_MUST_USE ET_API enum et_status et_hdf5_read_doubles(struct et_hdf5 *file, const char *path,
                                                       int64_t first, int64_t n, double *values,
                                                       struct et_err *err);
ET_MUST_USE ET_API enum et_status et_hdf5_read_int64(struct et_hdf5 *file, const char *path,
                                                     int64_t first, int64_t n, int64_t *values,
                                                     struct et_err *err);

/* As above for uint8 and uint16 alone, in the host's byte order (pictures): `to` takes
 * n × n_row_values × 1 or 2 bytes. */
ET_MUST_USE ET_API enum et_status et_hdf5_read_pixels(struct et_hdf5 *file, const char *path,
                                                      int64_t first, int64_t n, void *to,
                                                      struct et_err *err);

/* One row of a dataset of BLOBS (one dimension), in place of what the buffer held. ET_ELIMIT: the
 * buffer's limit. Otherwise as above. */
ET_MUST_USE ET_API enum et_status et_hdf5_read_blob(struct et_hdf5 *file, const char *path,
                                                    int64_t row, struct et_buf *to,
                                                    struct et_err *err);

/* All texts of a dataset of TEXTS, row-major, into the arena; bytes that are not UTF-8 and what
 * follows a NUL are left out. As above. */
ET_MUST_USE ET_API enum et_status et_hdf5_read_texts(struct et_hdf5 *file, const char *path,
                                                     struct et_arena *arena,
                                                     const char *const **texts, size_t *n,
                                                     struct et_err *err);

/* An attribute of a group or dataset: a text, or numbers as text ("true" and "false" for what h5py
 * writes for bool; several with blanks between). NULL: a type that is not shown. */
struct et_hdf5_attribute {
    const char *name;
    const char *text;
};

/* Attributes by name, into the arena. ET_ENOTFOUND, ET_ECORRUPT, ET_ELIMIT. */
ET_MUST_USE ET_API enum et_status
et_hdf5_list_attributes(struct et_hdf5 *file, const char *path, struct et_arena *arena,
                        const struct et_hdf5_attribute **attributes, size_t *n, struct et_err *err);

#endif

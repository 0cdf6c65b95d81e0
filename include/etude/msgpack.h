/* MessagePack: values in bytes, with numpy's arrays as openpi's policies send them.
 *
 * What comes from a peer is read where it lies, one item after the other: nothing is copied or
 * allocated, so that a picture costs nothing, and a few hostile bytes cannot ask for memory. A
 * list or map is told with its number of items, and these follow.
 *
 *     et_msgpack_reader(bytes) → et_msgpack_next: MAP of 1, TEXT "state", MAP of 4, …, ET_END
 *
 * An array of numpy is a map of four entries: `__ndarray__`: true, `data`: its bytes in row-major
 * order, `dtype`: "<f4", `shape`: a list. A scalar is one of three: `__npgeneric__`: true, `data`:
 * the value, `dtype`. openpi has these keys as bytes; texts are taken too. What is written here has
 * them as openpi has.
 *
 * Source: github.com/msgpack/msgpack, spec.md; openpi-client, msgpack_numpy.py (its data model).
 *
 * Threads: a reader belongs to one thread.
 * Memory:  views into the bytes that were given. */
#ifndef ETUDE_MSGPACK_H
#define ETUDE_MSGPACK_H

#include "etude/safetensors.h"

#define ET_MSGPACK_DEPTH_MAX 32
#define ET_MSGPACK_DIMS_MAX 8
#define ET_MSGPACK_ITEMS_MAX ((size_t)1 << 20) // that a reader gives, unless it is told otherwise

enum et_msgpack_kind {
    ET_MSGPACK_NIL,
    ET_MSGPACK_BOOL,
    ET_MSGPACK_INT,
    ET_MSGPACK_NATURAL, // a whole number above INT64_MAX
    ET_MSGPACK_REAL,
    ET_MSGPACK_TEXT, // UTF-8
    ET_MSGPACK_BYTES,
    ET_MSGPACK_LIST,
    ET_MSGPACK_MAP,
    ET_MSGPACK_EXT, // of a type that only its writer knows
};

struct et_msgpack_item {
    enum et_msgpack_kind kind;
    int8_t ext; // EXT: its type
    int64_t at; // offset of its first byte
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double real;
        struct et_str bytes; // TEXT, BYTES, EXT
        size_t n_items;      // LIST: values that follow; MAP: pairs of a key and a value
    } as;
};

/* A place in some bytes. It may be copied, to come back to where it was. */
struct et_msgpack_reader {
    struct et_str bytes;
    size_t at; // of what comes next
    size_t n_items, n_items_max;
    bool has_begun;
    size_t depth;                      // of lists and maps that are open
    size_t left[ET_MSGPACK_DEPTH_MAX]; // items that each still has
};
ET_API struct et_msgpack_reader et_msgpack_reader(struct et_str bytes);

/* The next item. ET_END: the value is whole, and nothing stands behind it. ET_ECORRUPT: the bytes
 * end within it, something stands behind it, a text is no UTF-8, a byte begins nothing; err->at is
 * the offset. ET_ELIMIT: too deep, or too many. After a failure the reader stays where it is. */
ET_MUST_USE ET_API enum et_status et_msgpack_next(struct et_msgpack_reader *reader,
                                                  struct et_msgpack_item *item, struct et_err *err);

/* Passes over the next item and all that is in it. Statuses as et_msgpack_next. */
ET_MUST_USE ET_API enum et_status et_msgpack_skip(struct et_msgpack_reader *reader,
                                                  struct et_err *err);

/* An array or scalar of numpy. */
struct et_msgpack_numpy {
    bool is_scalar;
    struct et_msgpack_item scalar;      // a BOOL, number, TEXT or BYTES
    enum et_tensor_type type;           // what follows is an array's
    int64_t shape[ET_MSGPACK_DIMS_MAX]; // n_dims sizes
    size_t n_dims;
    int64_t n_values;
    struct et_str bytes; // little-endian, row-major, at any offset
};

/* What stands behind a map that was just given, when it is one of numpy's: it has one of the marks,
 * whatever keys it has beside the four, as openpi takes it. ET_OK: it was read, what comes next is
 * what follows it. ET_ENOTFOUND: it is a map like any other, the reader is where it was.
 * ET_ECORRUPT: it is none that can be, its shape is not that of its bytes. ET_EUNSUPPORTED: a dtype
 * that is not one of |b1 and i, u of 1 to 8 bytes, f of 2 to 8, little-endian. ET_ELIMIT: more than
 * ET_MSGPACK_DIMS_MAX dimensions. */
ET_MUST_USE ET_API enum et_status et_msgpack_read_numpy(struct et_msgpack_reader *reader,
                                                        const struct et_msgpack_item *map,
                                                        struct et_msgpack_numpy *numpy,
                                                        struct et_err *err);

/* ---- writing: each in its shortest form, at the end of a buffer, whose failure says the rest ----
 */

ET_API void et_msgpack_put_nil(struct et_buf *buf);
ET_API void et_msgpack_put_bool(struct et_buf *buf, bool value);
ET_API void et_msgpack_put_int(struct et_buf *buf, int64_t value);
ET_API void et_msgpack_put_natural(struct et_buf *buf, uint64_t value);
ET_API void et_msgpack_put_real(struct et_buf *buf, double value);
ET_API void et_msgpack_put_text(struct et_buf *buf, struct et_str text);   // UTF-8, under 4 GiB
ET_API void et_msgpack_put_bytes(struct et_buf *buf, struct et_str bytes); // under 4 GiB

/* The head of a list of n values, or a map of n pairs, which the caller puts behind it; below
 * 2³². */
ET_API void et_msgpack_put_list(struct et_buf *buf, size_t n);
ET_API void et_msgpack_put_map(struct et_buf *buf, size_t n);

/* An array of numpy; its n_values and name are not looked at. ET_EUNSUPPORTED: numpy has no such
 * type. ET_EARG: more than ET_MSGPACK_DIMS_MAX dimensions, a negative size. ET_ELIMIT: 4 GiB and
 * more, or the buffer's limit; ET_ENOMEM. Nothing is put but where the buffer failed. */
ET_MUST_USE ET_API enum et_status
et_msgpack_put_array(struct et_buf *buf, const struct et_tensor *array, struct et_err *err);

#endif

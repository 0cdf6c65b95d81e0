/* An object's header: the messages that say what it is. Read here for two reasons: to check those
 * that libhdf5 1.10 decodes without a limit before it does, and to read attributes without it.
 * Attributes that stand elsewhere (more than eight of an object, in files of the newest form) are
 * not listed. */
#ifndef ETUDE_FORMAT_HDF5_HEADER_H
#define ETUDE_FORMAT_HDF5_HEADER_H

#include "hdf5__file.h"

#define ET__HDF5_HEADER_BYTES_MAX ((size_t)16 << 20) // of one block of it
#define ET__HDF5_HEADER_BLOCKS_MAX 1024
#define ET__HDF5_MESSAGES_MAX 65536

enum et__hdf5_message_type {
    ET__HDF5_SPACE = 1,
    ET__HDF5_TYPE = 3,
    ET__HDF5_OLD_FILL = 4,
    ET__HDF5_FILL = 5,
    ET__HDF5_LINK = 6,
    ET__HDF5_EXTERNAL = 7,
    ET__HDF5_LAYOUT = 8,
    ET__HDF5_FILTERS = 11,
    ET__HDF5_ATTRIBUTE = 12,
    ET__HDF5_CONTINUATION = 16,
    ET__HDF5_NAMES = 17, // of an old group
};

struct et__hdf5_message {
    unsigned type, flags;
    const unsigned char *p; // valid during the call
    size_t n;
};

/* Calls `on` for each message until it returns false. False: the header is damaged, or `on` said
 * so. `address` is as libhdf5 tells it. */
bool et__hdf5_header(struct et_hdf5 *file, uint64_t address,
                     bool (*on)(const struct et__hdf5_message *message, void *ctx), void *ctx);

/* NULL when libhdf5 may open what stands there, else what is wrong with it. */
const char *et__hdf5_guard(struct et_hdf5 *file, const char *at);

enum et__hdf5_class {
    ET__HDF5_CLASS_INTEGER = 0,
    ET__HDF5_CLASS_REAL = 1,
    ET__HDF5_CLASS_TEXT = 3,
    ET__HDF5_CLASS_OPAQUE = 5,
    ET__HDF5_CLASS_COMPOUND = 6,
    ET__HDF5_CLASS_ENUM = 8,
    ET__HDF5_CLASS_VARIABLE = 9,
    ET__HDF5_CLASS_ARRAY = 10,
};

struct et__hdf5_type {
    unsigned class, bits, size;
};

/* Whether n bytes at p hold a whole datatype. */
bool et__hdf5_type_check(const unsigned char *p, size_t n, struct et__hdf5_type *type);

/* A dataspace's number of values. False: it is damaged, or has more than 2^40. */
bool et__hdf5_space_check(const struct et_hdf5 *file, const unsigned char *p, size_t n,
                          uint64_t *n_values);

/* An attribute's parts. False: it is damaged. */
struct et__hdf5_attribute {
    struct et_str name;
    bool is_shared; // its type stands elsewhere: `type` is nothing
    struct et__hdf5_type type;
    const unsigned char *type_p;
    uint64_t n_values;
    const unsigned char *data;
    size_t n_data;
};
bool et__hdf5_attribute_check(const struct et_hdf5 *file, const struct et__hdf5_message *message,
                              struct et__hdf5_attribute *attribute);

static inline uint64_t et__hdf5_number(const unsigned char *p, size_t n_bytes)
{
    uint64_t x = 0;
    for (size_t i = n_bytes; i-- > 0;)
        x = x << 8 | p[i];
    return x;
}

#endif

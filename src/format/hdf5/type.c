/* A datatype as it lies in the file, checked to its last byte. libhdf5 1.10 decodes some of them
 * (members of enumerations, compounds) without looking where the message ends. */
#include "hdf5__header.h"

#define NESTED_MAX 8 // types within types

struct walk {
    const unsigned char *p;
    size_t n, at;
};

/* A type that has others in it. */
struct frame {
    unsigned class, version, size;
    size_t n_members, n_left;
    unsigned n_offset; // bytes of a member's offset
};

static bool skip(struct walk *w, size_t n)
{
    if (n > w->n - w->at)
        return false;
    w->at += n;
    return true;
}

// A name with its NUL, padded to 8 where the version says so.
static bool skip_name(struct walk *w, bool is_padded)
{
    const unsigned char *end = memchr(w->p + w->at, 0, w->n - w->at);
    if (!end)
        return false;
    const size_t n = (size_t)(end - (w->p + w->at)) + 1;
    return skip(w, is_padded ? (n + 7) / 8 * 8 : n);
}

static bool begin_member(struct walk *w, const struct frame *f)
{
    if (!skip_name(w, f->version < 3) || !skip(w, f->n_offset))
        return false;
    return f->version > 1 || skip(w, 28); // dimensions, as they were before 1.4
}

static bool skip_dims(struct walk *w, unsigned version)
{
    if (w->at >= w->n)
        return false;
    const size_t rank = w->p[w->at];
    return rank <= 32 && skip(w, version < 3 ? 4 + 8 * rank : 1 + 4 * rank);
}

// What follows the head of a type that has no others in it.
static bool skip_leaf(struct walk *w, unsigned class, unsigned bits)
{
    static const unsigned char BYTES[] = {4, 12, 2, 0, 4, 0, 0, 0};
    return class == ET__HDF5_CLASS_OPAQUE ? skip(w, ((bits & 0xff) + 7) / 8 * 8)
                                          : skip(w, BYTES[class]);
}

// The types that end with the one of `size` bytes that just did.
static bool end_types(struct walk *w, struct frame *frames, int *depth, unsigned size)
{
    while (*depth > 0) {
        struct frame *f = &frames[*depth - 1];
        if (f->class == ET__HDF5_CLASS_COMPOUND && --f->n_left > 0)
            return begin_member(w, f);
        if (f->class == ET__HDF5_CLASS_ENUM)
            for (; f->n_left > 0; f->n_left--)
                if (!skip_name(w, f->version < 3))
                    return false;
        if (f->class == ET__HDF5_CLASS_ENUM && !skip(w, f->n_members * (size_t)size))
            return false;
        size = f->size;
        --*depth;
    }
    return true;
}

bool et__hdf5_type_check(const unsigned char *p, size_t n, struct et__hdf5_type *type)
{
    struct frame frames[NESTED_MAX];
    struct walk w = {p, n, 0};
    int depth = 0;
    *type = (struct et__hdf5_type){0};
    do {
        const unsigned char *head = p + w.at;
        if (!skip(&w, 8))
            return false;
        const unsigned class = head[0] & 15, version = head[0] >> 4;
        const unsigned bits = head[1] | (unsigned)head[2] << 8 | (unsigned)head[3] << 16;
        const unsigned size = (unsigned)et__hdf5_number(head + 4, 4);
        if (head == p)
            *type = (struct et__hdf5_type){.class = class, .bits = bits, .size = size};
        if (class > ET__HDF5_CLASS_ARRAY || version < 1 || version > 3 || size == 0)
            return false;
        if (class == ET__HDF5_CLASS_COMPOUND || class == ET__HDF5_CLASS_ENUM ||
            class == ET__HDF5_CLASS_VARIABLE || class == ET__HDF5_CLASS_ARRAY) {
            if (depth == NESTED_MAX || (class == ET__HDF5_CLASS_ARRAY && !skip_dims(&w, version)))
                return false;
            struct frame *f = &frames[depth++];
            *f = (struct frame){.class = class, .version = version, .size = size};
            f->n_left = f->n_members =
                class == ET__HDF5_CLASS_VARIABLE || class == ET__HDF5_CLASS_ARRAY ? 1
                                                                                  : bits & 0xffff;
            f->n_offset = version < 3        ? 4
                          : size < 0x100     ? 1
                          : size < 0x10000   ? 2
                          : size < 0x1000000 ? 3
                                             : 4;
            if (class == ET__HDF5_CLASS_COMPOUND && (f->n_left == 0 || !begin_member(&w, f)))
                return false;
            if (class == ET__HDF5_CLASS_ENUM && f->n_left == 0)
                return false;
            continue;
        }
        if (!skip_leaf(&w, class, bits) || !end_types(&w, frames, &depth, size))
            return false;
    } while (depth > 0);
    return true;
}

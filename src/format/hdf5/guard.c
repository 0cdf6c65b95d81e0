#include "hdf5__header.h"

#define VALUES_MAX ((uint64_t)1 << 40)
#define TREE_LEVELS_MAX 16
#define TREE_NODES_MAX ((size_t)1 << 20)

/* ---- messages ---- */

bool et__hdf5_space_check(const struct et_hdf5 *file, const unsigned char *p, size_t n,
                          uint64_t *n_values)
{
    if (n < 4)
        return false;
    const unsigned version = p[0], rank = p[1], flags = p[2];
    const size_t n_head = version == 1 ? 8 : 4;
    const size_t n_lists = 1 + (flags & 1) + (version == 1 && flags & 2);
    if (version < 1 || version > 2 || rank > 32 || n < n_head ||
        (rank > 0 && n - n_head < n_lists * rank * file->n_size_bytes))
        return false;
    *n_values = version == 2 && p[3] == 2 ? 0 : 1; // an empty one
    for (size_t i = 0; i < rank; i++) {
        const uint64_t dim =
            et__hdf5_number(p + n_head + i * file->n_size_bytes, file->n_size_bytes);
        if (dim > VALUES_MAX || (dim > 0 && *n_values > VALUES_MAX / dim))
            return false;
        *n_values *= dim;
    }
    return true;
}

bool et__hdf5_attribute_check(const struct et_hdf5 *file, const struct et__hdf5_message *message,
                              struct et__hdf5_attribute *attribute)
{
    const unsigned char *p = message->p;
    const size_t n = message->n;
    if (n < 9)
        return false;
    const unsigned version = p[0];
    const size_t pad = version == 1 ? 7 : 0, n_head = version == 3 ? 9 : 8;
    const size_t n_name = et__hdf5_number(p + 2, 2), n_type = et__hdf5_number(p + 4, 2),
                 n_space = et__hdf5_number(p + 6, 2);
    const size_t at_type = n_head + ((n_name + pad) & ~pad);
    const size_t at_space = at_type + ((n_type + pad) & ~pad);
    const size_t at_data = at_space + ((n_space + pad) & ~pad);
    if (version < 1 || version > 3 || n_name == 0 || at_data > n || p[n_head + n_name - 1] != 0)
        return false;
    const bool is_type_shared = version > 1 && p[1] & 1, is_space_shared = version > 1 && p[1] & 2;
    *attribute = (struct et__hdf5_attribute){.name = et_str((const char *)p + n_head),
                                             .is_shared = is_type_shared || is_space_shared,
                                             .type_p = p + at_type,
                                             .data = p + at_data,
                                             .n_data = n - at_data};
    if (!is_type_shared && !et__hdf5_type_check(p + at_type, n_type, &attribute->type))
        return false;
    if (!is_space_shared &&
        !et__hdf5_space_check(file, p + at_space, n_space, &attribute->n_values))
        return false;
    return attribute->is_shared || attribute->n_values == 0 ||
           attribute->n_data / attribute->n_values >= attribute->type.size;
}

// Filters: each with a name and values.
static bool check_filters(const unsigned char *p, size_t n)
{
    if (n < 2 || p[0] < 1 || p[0] > 2 || p[1] > 32)
        return false;
    const bool is_old = p[0] == 1;
    size_t at = is_old ? 8 : 2;
    for (unsigned i = 0; i < p[1]; i++) {
        if (at + 8 > n && (is_old || at + 6 > n))
            return false;
        const unsigned id = (unsigned)et__hdf5_number(p + at, 2);
        const bool has_name = is_old || id >= 256;
        size_t n_name = has_name ? et__hdf5_number(p + at + 2, 2) : 0;
        at += has_name ? 4 : 2;
        if (at + 4 > n)
            return false;
        const size_t n_values = et__hdf5_number(p + at + 2, 2);
        at += 4;
        n_name = is_old ? (n_name + 7) / 8 * 8 : n_name;
        if (n_name > n - at || n_values * 4 > n - at - n_name)
            return false;
        at += n_name + n_values * 4 + (is_old && n_values % 2 ? 4 : 0);
        if (at > n)
            return false;
    }
    return true;
}

static bool check_fill(const unsigned char *p, size_t n)
{
    if (n < 2 || p[0] < 1 || p[0] > 3)
        return false;
    const bool has_value = p[0] == 3 ? p[1] & 0x20 : p[0] == 1 || (n > 3 && p[3]);
    const size_t n_head = p[0] == 3 ? 2 : 4;
    return !has_value || (n >= n_head + 4 && et__hdf5_number(p + n_head, 4) <= n - n_head - 4) ||
           (n >= n_head + 4 && et__hdf5_number(p + n_head, 4) == UINT32_MAX);
}

static bool check_link(const struct et_hdf5 *file, const unsigned char *p, size_t n)
{
    if (n < 3 || p[0] != 1)
        return false;
    const unsigned flags = p[1];
    const unsigned kind = flags & 8 ? p[2] : 0;
    size_t at = 2 + (flags & 8 ? 1 : 0) + (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
    const size_t n_length = (size_t)1 << (flags & 3);
    if (at + n_length > n)
        return false;
    const uint64_t n_name = et__hdf5_number(p + at, n_length);
    at += n_length;
    if (n_name == 0 || n_name > n - at)
        return false;
    at += n_name;
    if (kind == 0)
        return n - at >= file->n_addr_bytes;
    return n - at >= 2 && et__hdf5_number(p + at, 2) <= n - at - 2;
}

static bool read_at(struct et_hdf5 *file, uint64_t at, void *to, size_t n)
{
    return et_file_read_exact(file->raw, file->base + (int64_t)at, to, n, NULL) == ET_OK;
}

/* The tree of an old group: nodes lie within the file, each a level below the one above.
 * `*n_left` bounds how many are looked at. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the levels, TREE_LEVELS_MAX at most
static bool check_tree(struct et_hdf5 *file, uint64_t at, unsigned level_max, size_t *n_left)
{
    unsigned char head[24], entries[64 * 16]; // a key and a child each
    const size_t n_addr = file->n_addr_bytes, n_size = file->n_size_bytes, n_each = n_size + n_addr;
    const size_t n_head = 8 + 2 * n_addr;
    const uint64_t size = (uint64_t)file->n_bytes - (uint64_t)file->base;
    if (at > size || n_head > size - at || !read_at(file, at, head, n_head) ||
        memcmp(head, "TREE", 4) != 0 || head[4] != 0 || head[5] >= level_max)
        return false;
    const size_t n = et__hdf5_number(head + 6, 2);
    if (n > *n_left || n_head + n * n_each > size - at)
        return false;
    *n_left -= n;
    for (size_t i = 0; i < n; i++) {
        const size_t more = n - i < 64 ? n - i : 64;
        if (i % 64 == 0 && !read_at(file, at + n_head + i * n_each, entries, more * n_each))
            return false;
        const uint64_t node_at = et__hdf5_number(entries + i % 64 * n_each + n_size, n_addr);
        if (node_at >= size || (head[5] > 0 && !check_tree(file, node_at, head[5], n_left)))
            return false;
    }
    return true;
}

// The names of an old group: their tree and their heap lie within the file.
static bool check_names(struct et_hdf5 *file, const unsigned char *p, size_t n)
{
    unsigned char head[32];
    const size_t n_addr = file->n_addr_bytes, n_size = file->n_size_bytes;
    const uint64_t size = (uint64_t)file->n_bytes - (uint64_t)file->base;
    if (n < 2 * n_addr || n_addr > 8 || n_size > 8)
        return false;
    size_t n_left = TREE_NODES_MAX;
    if (!check_tree(file, et__hdf5_number(p, n_addr), TREE_LEVELS_MAX, &n_left))
        return false;
    const uint64_t at = et__hdf5_number(p + n_addr, n_addr);
    if (at > size || !read_at(file, at, head, 8 + 2 * n_size + n_addr))
        return false;
    const uint64_t n_names = et__hdf5_number(head + 8, n_size),
                   free_at = et__hdf5_number(head + 8 + n_size, n_size),
                   names_at = et__hdf5_number(head + 8 + 2 * n_size, n_addr);
    const bool has_free = free_at != 1 && free_at != (UINT64_MAX >> (64 - 8 * n_size));
    return memcmp(head, "HEAP", 4) == 0 && n_names > 0 && names_at <= size &&
           n_names <= size - names_at && (!has_free || free_at < n_names);
}

struct guard {
    struct et_hdf5 *file;
    uint64_t shared; // a type that stands elsewhere; 0 none
    bool is_nested;
};

static bool check_type(const struct et__hdf5_message *m, struct guard *g)
{
    struct et__hdf5_type type;
    if (!(m->flags & 2))
        return et__hdf5_type_check(m->p, m->n, &type);
    const size_t at = m->n > 0 && m->p[0] == 1 ? 8 : 2; // of its address
    if (m->n < at + g->file->n_addr_bytes)
        return false;
    g->shared =
        m->p[0] == 3 && m->p[1] == 1 ? 0 : et__hdf5_number(m->p + at, g->file->n_addr_bytes);
    return !g->is_nested;
}

// What may stand elsewhere; of other messages libhdf5 passes over that flag, and reads them.
static bool can_be_shared(unsigned type)
{
    return type != ET__HDF5_LINK && type != ET__HDF5_NAMES;
}

static bool check_message(const struct et__hdf5_message *m, void *ctx)
{
    struct guard *g = ctx;
    struct et__hdf5_attribute attribute;
    uint64_t n_values;
    if (m->flags & 2 && m->type != ET__HDF5_TYPE && can_be_shared(m->type)) // its place, not itself
        return m->n >= 2 + g->file->n_addr_bytes;
    switch (m->type) {
    case ET__HDF5_SPACE:
        return et__hdf5_space_check(g->file, m->p, m->n, &n_values);
    case ET__HDF5_TYPE:
        return check_type(m, g);
    case ET__HDF5_OLD_FILL:
        return m->n >= 4 && et__hdf5_number(m->p, 4) <= m->n - 4;
    case ET__HDF5_FILL:
        return check_fill(m->p, m->n);
    case ET__HDF5_LINK:
        return check_link(g->file, m->p, m->n);
    case ET__HDF5_FILTERS:
        return check_filters(m->p, m->n);
    case ET__HDF5_NAMES:
        return check_names(g->file, m->p, m->n);
    case ET__HDF5_ATTRIBUTE:
        return et__hdf5_attribute_check(g->file, m, &attribute);
    default:
        return true;
    }
}

const char *et__hdf5_guard(struct et_hdf5 *file, const char *at)
{
    static const char DAMAGED[] = "its header is damaged";
    H5O_info_t info;
    struct guard g = {.file = file};
    if (H5Oget_info_by_name2(file->id, at, &info, H5O_INFO_BASIC, file->lapl) < 0)
        return NULL; // it does not open: libhdf5 says why
    if (!et__hdf5_header(file, info.addr, check_message, &g))
        return DAMAGED;
    if (g.shared == 0)
        return NULL;
    const uint64_t address = g.shared;
    g = (struct guard){.file = file, .is_nested = true};
    return et__hdf5_header(file, address, check_message, &g) ? NULL : DAMAGED;
}

/* ---- the header ---- */

struct block {
    uint64_t at, n;
};

struct header {
    struct et_hdf5 *file;
    struct block blocks[ET__HDF5_HEADER_BLOCKS_MAX];
    size_t n_blocks, n_messages;
    bool is_new; // "OHDR"
    size_t n_message_head;
    bool (*on)(const struct et__hdf5_message *message, void *ctx);
    void *ctx;
};

static bool add_block(struct header *h, uint64_t at, uint64_t n)
{
    const uint64_t size = (uint64_t)h->file->n_bytes - (uint64_t)h->file->base;
    if (h->n_blocks == ET__HDF5_HEADER_BLOCKS_MAX || at > size || n > size - at ||
        n > ET__HDF5_HEADER_BYTES_MAX)
        return false;
    h->blocks[h->n_blocks++] = (struct block){at, n};
    return true;
}

// The first block: what stands in front of its messages.
static bool begin(struct header *h, uint64_t at)
{
    unsigned char p[32] = {0};
    const uint64_t size = (uint64_t)h->file->n_bytes - (uint64_t)h->file->base;
    size_t got = 0;
    if (at > size || et_file_read_at(h->file->raw, h->file->base + (int64_t)at, p, sizeof p, &got,
                                     NULL) != ET_OK)
        return false;
    if (memcmp(p, "OHDR", 4) != 0) {
        h->n_message_head = 8;
        return p[0] == 1 && add_block(h, at + 16, et__hdf5_number(p + 8, 4));
    }
    const unsigned flags = p[5];
    const size_t n_size = (size_t)1 << (flags & 3);
    const size_t n_head = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    h->is_new = true;
    h->n_message_head = flags & 4 ? 6 : 4;
    return p[4] == 2 && n_head + n_size <= sizeof p &&
           add_block(h, at + n_head + n_size, et__hdf5_number(p + n_head, n_size));
}

static bool take(struct header *h, const struct et__hdf5_message *m)
{
    const size_t n_addr = h->file->n_addr_bytes, n_size = h->file->n_size_bytes;
    if (++h->n_messages > ET__HDF5_MESSAGES_MAX)
        return false;
    if (m->type != ET__HDF5_CONTINUATION)
        return h->on(m, h->ctx);
    if (m->n < n_addr + n_size)
        return false;
    uint64_t at = et__hdf5_number(m->p, n_addr), n = et__hdf5_number(m->p + n_addr, n_size);
    if (h->is_new) { // "OCHK" in front, a checksum behind
        if (n < 8)
            return false;
        at += 4;
        n -= 8;
    }
    return add_block(h, at, n);
}

static bool take_block(struct header *h, const unsigned char *p, size_t n)
{
    size_t at = 0;
    while (n - at >= h->n_message_head) {
        const unsigned char *head = p + at;
        const size_t n_data = et__hdf5_number(head + (h->is_new ? 1 : 2), 2);
        const struct et__hdf5_message m = {.type = h->is_new ? head[0]
                                                             : (unsigned)et__hdf5_number(head, 2),
                                           .flags = head[h->is_new ? 3 : 4],
                                           .p = head + h->n_message_head,
                                           .n = n_data};
        at += h->n_message_head;
        if (n_data > n - at || !take(h, &m))
            return false;
        at += n_data;
    }
    return true;
}

bool et__hdf5_header(struct et_hdf5 *file, uint64_t address,
                     bool (*on)(const struct et__hdf5_message *message, void *ctx), void *ctx)
{
    struct header h = {.file = file, .on = on, .ctx = ctx};
    struct et_buf *buf = &file->header;
    bool is_good = begin(&h, address);
    for (size_t i = 0; is_good && i < h.n_blocks; i++) {
        et_buf_clear(buf);
        unsigned char *p = et_buf_reserve(buf, h.blocks[i].n + 1);
        is_good = p && read_at(file, h.blocks[i].at, p, h.blocks[i].n) &&
                  take_block(&h, p, h.blocks[i].n);
    }
    return is_good;
}

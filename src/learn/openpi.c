/* Messages: names with a '/' on this side, maps in maps on the other. */
#include "etude/openpi.h"

#include <stdio.h>

#define ROOT SIZE_MAX

/* ---- by name ---- */

const struct et_tensor *et_openpi_find(const struct et_openpi_message *message, const char *name)
{
    for (size_t i = 0; i < message->n_arrays; i++)
        if (strcmp(message->arrays[i].name, name) == 0)
            return &message->arrays[i];
    return NULL;
}

const char *et_openpi_text(const struct et_openpi_message *message, const char *name)
{
    for (size_t i = 0; i < message->n_texts; i++)
        if (strcmp(message->texts[i].name, name) == 0)
            return message->texts[i].text;
    return NULL;
}

double et_openpi_number(const struct et_openpi_message *message, const char *name, double otherwise)
{
    const struct et_tensor *array = et_openpi_find(message, name);
    if (!array || array->n_values != 1)
        return otherwise;
    double value;
    int64_t whole;
    float rough;
    if (array->type == ET_TENSOR_F64) {
        memcpy(&value, array->bytes, sizeof value);
        return value;
    }
    if (array->type == ET_TENSOR_I64) {
        memcpy(&whole, array->bytes, sizeof whole);
        return (double)whole;
    }
    return et_tensor_floats(array, &rough, NULL) == ET_OK ? (double)rough : otherwise;
}

static bool is_taken(const struct et_openpi_message *message, const char *name)
{
    if (et_openpi_find(message, name) || et_openpi_text(message, name))
        return true;
    for (size_t i = 0; i < message->n_maps; i++)
        if (strcmp(message->maps[i], name) == 0)
            return true;
    return false;
}

/* ---- reading ---- */

struct reading {
    struct et_msgpack_reader reader;
    struct et_arena *arena;
    struct et_openpi_message *message;
    struct et_tensor *arrays;
    struct et_openpi_text *texts;
    const char **maps;
    char name[ET_NAME_BYTES_MAX + 1]; // of the value that is read
    size_t depth;
    struct {
        size_t n_left;   // pairs that still come
        size_t n_prefix; // of the name, with its '/'
    } levels[ET_OPENPI_DEPTH_MAX];
};

static enum et_status no_room(const struct reading *r, struct et_err *err)
{
    return et_arena_fail(r->arena, "a message", err);
}

// The name that is read, kept. NULL: no memory.
static const char *keep_name(const struct reading *r)
{
    return et_arena_copy(r->arena, r->name, strlen(r->name));
}

static enum et_status check_room(const struct reading *r, size_t n, int64_t at, struct et_err *err)
{
    if (n == ET_OPENPI_NAMES_MAX)
        return et_fail(err, ET_ELIMIT, at, "more than %d values of a kind, at %lld",
                       ET_OPENPI_NAMES_MAX, (long long)at);
    if (is_taken(r->message, r->name))
        return et_fail(err, ET_ECORRUPT, at, "%.200s stands twice, again at %lld", r->name,
                       (long long)at);
    return ET_OK;
}

static enum et_status add_array(struct reading *r, int64_t at, enum et_tensor_type type,
                                const struct et_msgpack_numpy *form, struct et_err *err)
{
    enum et_status st = check_room(r, r->message->n_arrays, at, err);
    if (st != ET_OK)
        return st;
    int64_t *shape = et_arena_array(r->arena, form->n_dims + 1, sizeof *shape);
    const char *name = keep_name(r);
    if (!shape || !name)
        return no_room(r, err);
    memcpy(shape, form->shape, form->n_dims * sizeof *shape);
    r->arrays[r->message->n_arrays++] = (struct et_tensor){.name = name,
                                                           .type = type,
                                                           .shape = shape,
                                                           .n_dims = form->n_dims,
                                                           .n_values = form->n_values,
                                                           .bytes = form->bytes.p};
    return ET_OK;
}

static enum et_status add_text(struct reading *r, const struct et_msgpack_item *item,
                               struct et_err *err)
{
    enum et_status st = check_room(r, r->message->n_texts, item->at, err);
    if (st != ET_OK)
        return st;
    if (item->as.bytes.n && memchr(item->as.bytes.p, 0, item->as.bytes.n))
        return et_fail(err, ET_ECORRUPT, item->at, "%.200s: a NUL within the text at %lld", r->name,
                       (long long)item->at);
    const char *name = keep_name(r),
               *text = et_arena_copy(r->arena, item->as.bytes.p, item->as.bytes.n);
    if (!name || !text)
        return no_room(r, err);
    r->texts[r->message->n_texts++] = (struct et_openpi_text){name, text};
    return ET_OK;
}

static enum et_status add_number(struct reading *r, const struct et_msgpack_item *item,
                                 struct et_err *err)
{
    unsigned char *value = et_arena_alloc(r->arena, sizeof item->as.integer);
    if (!value)
        return no_room(r, err);
    const struct et_msgpack_numpy form = {.n_values = 1, .bytes = {(const char *)value, 8}};
    if (item->kind == ET_MSGPACK_BOOL)
        *value = item->as.boolean;
    else // the three lie in the same place, of the same size
        memcpy(value, &item->as.integer, sizeof item->as.integer);
    return add_array(r, item->at,
                     item->kind == ET_MSGPACK_BOOL      ? ET_TENSOR_BOOL
                     : item->kind == ET_MSGPACK_INT     ? ET_TENSOR_I64
                     : item->kind == ET_MSGPACK_NATURAL ? ET_TENSOR_U64
                                                        : ET_TENSOR_F64,
                     &form, err);
}

static enum et_status add_bytes(struct reading *r, const struct et_msgpack_item *item,
                                struct et_err *err)
{
    const struct et_msgpack_numpy form = {.n_dims = 1,
                                          .shape = {(int64_t)item->as.bytes.n},
                                          .n_values = (int64_t)item->as.bytes.n,
                                          .bytes = item->as.bytes};
    return add_array(r, item->at, ET_TENSOR_U8, &form, err);
}

// A list of numbers alone becomes an array, of whole ones where all are.
static enum et_status read_list(struct reading *r, const struct et_msgpack_item *list,
                                struct et_err *err)
{
    struct et_msgpack_reader ahead = r->reader;
    struct et_msgpack_item item;
    const size_t n = list->as.n_items;
    bool are_numbers = true, are_whole = n > 0;
    for (size_t i = 0; i < n; i++) {
        const struct et_msgpack_reader before = ahead;
        enum et_status st = et_msgpack_next(&ahead, &item, err);
        if (st == ET_OK && ahead.depth > before.depth) {
            ahead = before;
            st = et_msgpack_skip(&ahead, err);
        }
        if (st != ET_OK)
            return st;
        are_numbers &= item.kind == ET_MSGPACK_INT || item.kind == ET_MSGPACK_REAL;
        are_whole &= item.kind == ET_MSGPACK_INT;
    }
    if (!are_numbers) {
        r->message->n_left_out++;
        r->reader = ahead;
        return ET_OK;
    }
    char *values = et_arena_array(r->arena, n, sizeof(double));
    if (!values)
        return no_room(r, err);
    for (size_t i = 0; i < n; i++) {
        const enum et_status st = et_msgpack_next(&r->reader, &item, err);
        if (st != ET_OK)
            return st;
        if (!are_whole && item.kind == ET_MSGPACK_INT)
            item.as.real = (double)item.as.integer;
        memcpy(values + i * sizeof(double), &item.as, sizeof(double));
    }
    const struct et_msgpack_numpy form = {.n_dims = 1,
                                          .shape = {(int64_t)n},
                                          .n_values = (int64_t)n,
                                          .bytes = {values, n * sizeof(double)}};
    return add_array(r, list->at, are_whole ? ET_TENSOR_I64 : ET_TENSOR_F64, &form, err);
}

static enum et_status open_map(struct reading *r, const struct et_msgpack_item *map,
                               struct et_err *err)
{
    const size_t n_prefix = strlen(r->name);
    if (r->depth == ET_OPENPI_DEPTH_MAX)
        return et_fail(err, ET_ELIMIT, map->at, "maps in maps deeper than %d, at %lld",
                       ET_OPENPI_DEPTH_MAX, (long long)map->at);
    if (r->depth) {
        const enum et_status st = check_room(r, r->message->n_maps, map->at, err);
        if (st != ET_OK)
            return st;
        const char *name = keep_name(r);
        if (!name)
            return no_room(r, err);
        r->maps[r->message->n_maps++] = name;
    }
    r->levels[r->depth].n_left = map->as.n_items;
    r->levels[r->depth++].n_prefix = n_prefix ? n_prefix + 1 : 0;
    return ET_OK;
}

static enum et_status read_scalar(struct reading *r, const struct et_msgpack_item *item,
                                  struct et_err *err)
{
    switch (item->kind) {
    case ET_MSGPACK_BOOL:
    case ET_MSGPACK_INT:
    case ET_MSGPACK_NATURAL:
    case ET_MSGPACK_REAL:
        return add_number(r, item, err);
    case ET_MSGPACK_TEXT:
        return add_text(r, item, err);
    case ET_MSGPACK_BYTES:
        return add_bytes(r, item, err);
    case ET_MSGPACK_NIL:
    case ET_MSGPACK_EXT:
    case ET_MSGPACK_LIST:
    case ET_MSGPACK_MAP:
        break;
    }
    r->message->n_left_out++;
    return ET_OK;
}

static enum et_status read_value(struct reading *r, struct et_err *err)
{
    struct et_msgpack_item item;
    struct et_msgpack_numpy numpy;
    enum et_status st = et_msgpack_next(&r->reader, &item, err);
    if (st != ET_OK)
        return st;
    if (item.kind == ET_MSGPACK_LIST)
        return read_list(r, &item, err);
    if (item.kind != ET_MSGPACK_MAP)
        return read_scalar(r, &item, err);
    st = et_msgpack_read_numpy(&r->reader, &item, &numpy, err);
    if (st == ET_ENOTFOUND)
        return open_map(r, &item, err);
    if (st != ET_OK)
        return err ? et_err_context(err, "%.200s", r->name) : st;
    return numpy.is_scalar ? read_scalar(r, &numpy.scalar, err)
                           : add_array(r, item.at, numpy.type, &numpy, err);
}

// Written as part of a name it would make an array of a map.
static bool has_mark(struct et_str key)
{
    static const char *const MARKS[] = {"__ndarray__", "__npgeneric__"};
    for (size_t i = 0; i < sizeof MARKS / sizeof *MARKS; i++)
        if (memmem(key.p, key.n, MARKS[i], strlen(MARKS[i])))
            return true;
    return false;
}

static enum et_status read_name(struct reading *r, struct et_err *err)
{
    struct et_msgpack_item key;
    const size_t n_prefix = r->levels[r->depth - 1].n_prefix;
    enum et_status st = et_msgpack_next(&r->reader, &key, err);
    if (st != ET_OK)
        return st;
    if (key.kind != ET_MSGPACK_TEXT && key.kind != ET_MSGPACK_BYTES)
        return et_fail(err, ET_ECORRUPT, key.at, "the key at %lld is no text", (long long)key.at);
    if (key.as.bytes.n > ET_NAME_BYTES_MAX - n_prefix)
        return et_fail(err, ET_ELIMIT, key.at, "the name at %lld is longer than %d bytes",
                       (long long)key.at, ET_NAME_BYTES_MAX);
    st = et_name_check(key.as.bytes, "a key", err);
    if (st == ET_OK && has_mark(key.as.bytes))
        st = et_fail(err, ET_ECORRUPT, key.at, "the key at %lld has numpy's mark of an array in it",
                     (long long)key.at);
    if (st != ET_OK) {
        if (err)
            err->at = key.at;
        return st;
    }
    if (n_prefix)
        r->name[n_prefix - 1] = '/';
    memcpy(r->name + n_prefix, key.as.bytes.p, key.as.bytes.n);
    r->name[n_prefix + key.as.bytes.n] = 0;
    return ET_OK;
}

enum et_status et_openpi_read(struct et_str bytes, struct et_arena *arena,
                              struct et_openpi_message *message, struct et_err *err)
{
    struct reading r = {.reader = et_msgpack_reader(bytes), .arena = arena, .message = message};
    struct et_msgpack_item item;
    r.arrays = et_arena_array(arena, ET_OPENPI_NAMES_MAX, sizeof *r.arrays);
    r.texts = et_arena_array(arena, ET_OPENPI_NAMES_MAX, sizeof *r.texts);
    r.maps = et_arena_array(arena, ET_OPENPI_NAMES_MAX, sizeof *r.maps);
    *message = (struct et_openpi_message){.arrays = r.arrays, .texts = r.texts, .maps = r.maps};
    if (!r.arrays || !r.texts || !r.maps)
        return no_room(&r, err);
    enum et_status st = et_msgpack_next(&r.reader, &item, err);
    if (st == ET_OK && item.kind != ET_MSGPACK_MAP)
        st = et_fail(err, ET_ECORRUPT, 0, "the message is no map");
    if (st == ET_OK)
        st = open_map(&r, &item, err);
    while (st == ET_OK && r.depth) {
        if (r.levels[r.depth - 1].n_left == 0) {
            r.depth--;
            continue;
        }
        r.levels[r.depth - 1].n_left--;
        st = read_name(&r, err);
        if (st == ET_OK)
            st = read_value(&r, err);
    }
    if (st == ET_OK)
        st = et_msgpack_next(&r.reader, &item, err);
    return st == ET_END ? ET_OK : st;
}

/* ---- writing ---- */

static bool lies_in(const char *name, const char *map)
{
    const size_t n = strlen(map);
    return strncmp(name, map, n) == 0 && name[n] == '/' && name[n + 1];
}

// The innermost map that a name lies in; ROOT: none.
static size_t owner_of(const struct et_openpi_message *m, const char *name)
{
    size_t owner = ROOT;
    for (size_t i = 0; i < m->n_maps; i++)
        if (lies_in(name, m->maps[i]) &&
            (owner == ROOT || strlen(m->maps[i]) > strlen(m->maps[owner])))
            owner = i;
    return owner;
}

static enum et_status check_name(const struct et_openpi_message *seen, const char *name,
                                 struct et_err *err)
{
    const enum et_status st = et_name_check(et_str(name), "a name in a message", err);
    if (st != ET_OK)
        return st;
    return is_taken(seen, name) ? et_fail(err, ET_EARG, -1, "%.200s stands twice", name) : ET_OK;
}

static enum et_status check(const struct et_openpi_message *m, struct et_err *err)
{
    struct et_openpi_message seen = *m;
    enum et_status st = ET_OK;
    seen.n_arrays = seen.n_texts = seen.n_maps = 0;
    if (m->n_arrays > ET_OPENPI_NAMES_MAX || m->n_texts > ET_OPENPI_NAMES_MAX ||
        m->n_maps > ET_OPENPI_NAMES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "a message of more than %d values of a kind",
                       ET_OPENPI_NAMES_MAX);
    for (; st == ET_OK && seen.n_arrays < m->n_arrays; seen.n_arrays++)
        st = check_name(&seen, m->arrays[seen.n_arrays].name, err);
    for (; st == ET_OK && seen.n_maps < m->n_maps; seen.n_maps++)
        st = check_name(&seen, m->maps[seen.n_maps], err);
    for (; st == ET_OK && seen.n_texts < m->n_texts; seen.n_texts++) {
        const struct et_openpi_text *text = &m->texts[seen.n_texts];
        st = check_name(&seen, text->name, err);
        if (st == ET_OK && !et_str_is_utf8(et_str(text->text)))
            st = et_fail(err, ET_ECORRUPT, -1, "%.200s is no UTF-8", text->name);
    }
    return st;
}

static enum et_status put_number(const struct et_tensor *number, struct et_buf *buf,
                                 struct et_err *err)
{
    float rough;
    double value;
    int64_t whole = 0;
    enum et_status st = ET_OK;
    const size_t n = et_tensor_type_bytes(number->type);
    switch (number->type) {
    case ET_TENSOR_F64:
        memcpy(&value, number->bytes, sizeof value);
        et_msgpack_put_real(buf, value);
        break;
    case ET_TENSOR_I8:
    case ET_TENSOR_I16:
    case ET_TENSOR_I32:
    case ET_TENSOR_I64:
        memcpy(&whole, number->bytes, n);
        whole = (int64_t)((uint64_t)whole << (64 - 8 * n)) >> (64 - 8 * n); // with its sign
        et_msgpack_put_int(buf, whole);
        break;
    case ET_TENSOR_U8:
    case ET_TENSOR_U16:
    case ET_TENSOR_U32:
    case ET_TENSOR_U64:
        memcpy(&whole, number->bytes, n);
        et_msgpack_put_natural(buf, (uint64_t)whole);
        break;
    case ET_TENSOR_BOOL:
        et_msgpack_put_bool(buf, *(const unsigned char *)number->bytes != 0);
        break;
    case ET_TENSOR_F8_E5M2:
    case ET_TENSOR_F8_E4M3:
    case ET_TENSOR_F16:
    case ET_TENSOR_BF16:
    case ET_TENSOR_F32:
        st = et_tensor_floats(number, &rough, err);
        et_msgpack_put_real(buf, st == ET_OK ? (double)rough : 0);
    }
    return st;
}

static void put_key(const struct et_openpi_message *m, const char *name, struct et_buf *buf)
{
    const size_t owner = owner_of(m, name);
    et_msgpack_put_text(buf, et_str(owner == ROOT ? name : name + strlen(m->maps[owner]) + 1));
}

// A map's head, and what is in it but maps.
static enum et_status put_level(const struct et_openpi_message *m, size_t owner, struct et_buf *buf,
                                struct et_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_arrays; i++)
        n += owner_of(m, m->arrays[i].name) == owner;
    for (size_t i = 0; i < m->n_texts; i++)
        n += owner_of(m, m->texts[i].name) == owner;
    for (size_t i = 0; i < m->n_maps; i++)
        n += owner_of(m, m->maps[i]) == owner;
    et_msgpack_put_map(buf, n);
    for (size_t i = 0; i < m->n_texts; i++)
        if (owner_of(m, m->texts[i].name) == owner) {
            put_key(m, m->texts[i].name, buf);
            et_msgpack_put_text(buf, et_str(m->texts[i].text));
        }
    for (size_t i = 0; i < m->n_arrays; i++)
        if (owner_of(m, m->arrays[i].name) == owner) {
            const struct et_tensor *array = &m->arrays[i];
            put_key(m, array->name, buf);
            const enum et_status st =
                array->n_dims ? et_msgpack_put_array(buf, array, err) : put_number(array, buf, err);
            if (st != ET_OK)
                return err ? et_err_context(err, "%.200s", array->name) : st;
        }
    return ET_OK;
}

enum et_status et_openpi_write(const struct et_openpi_message *message, struct et_buf *buf,
                               struct et_err *err)
{
    const struct et_openpi_message *m = message;
    size_t owners[ET_OPENPI_DEPTH_MAX] = {ROOT}, next[ET_OPENPI_DEPTH_MAX] = {0}, depth = 1;
    enum et_status st = check(m, err);
    if (st == ET_OK)
        st = put_level(m, ROOT, buf, err);
    while (st == ET_OK && depth) {
        const size_t i = next[depth - 1]++;
        if (i == m->n_maps) {
            depth--;
        } else if (owner_of(m, m->maps[i]) == owners[depth - 1]) {
            if (depth == ET_OPENPI_DEPTH_MAX)
                return et_fail(err, ET_ELIMIT, -1, "maps in maps deeper than %d",
                               ET_OPENPI_DEPTH_MAX);
            put_key(m, m->maps[i], buf);
            st = put_level(m, i, buf, err);
            owners[depth] = i;
            next[depth++] = 0;
        }
    }
    return st == ET_OK ? et_buf_check(buf, "a message", err) : st;
}

// Texts, and attributes as texts.
#include "hdf5__header.h"

#include <assert.h>
#include <stdlib.h>

#define VALUES_MAX 64 // of an attribute that is shown

const char *et__hdf5_text(struct et_arena *arena, struct et_str bytes)
{
    const char *end = bytes.n ? memchr(bytes.p, 0, bytes.n) : NULL;
    if (end)
        bytes.n = (size_t)(end - bytes.p);
    char *text = et_arena_copy(arena, bytes.p ? bytes.p : "", bytes.n);
    if (!text || et_str_is_utf8(bytes))
        return text;
    size_t n = 0;
    for (size_t i = 0; i < bytes.n; i++)
        if ((unsigned char)text[i] < 0x80)
            text[n++] = text[i];
    text[n] = 0;
    return text;
}

// The text of item i: fixed ones are padded with NUL or blanks.
static enum et_status text_of(struct et_hdf5 *file, const struct et__hdf5_set *set,
                              const unsigned char *item, struct et_arena *arena, const char **text,
                              struct et_err *err)
{
    struct et_str bytes = {(const char *)item, set->item_bytes};
    enum et_status st = ET_OK;
    if (set->is_variable)
        st = et__hdf5_variable(file, set->path, item, &bytes, err);
    else if (H5Tget_strpad(set->type) == H5T_STR_SPACEPAD)
        while (bytes.n > 0 && bytes.p[bytes.n - 1] == ' ')
            bytes.n--;
    if (st == ET_OK && bytes.n > ET_HDF5_TEXT_BYTES_MAX)
        st = et_fail(err, ET_ELIMIT, -1, "%s: %s: a text of %zu bytes", file->path, set->path,
                     bytes.n);
    if (st != ET_OK)
        return st;
    *text = et__hdf5_text(arena, bytes);
    return *text ? ET_OK : et_arena_fail(arena, "the texts of a dataset", err);
}

static enum et_status read_texts(struct et_hdf5 *file, struct et__hdf5_set *set,
                                 struct et_arena *arena, const char *const **texts, size_t *n,
                                 struct et_err *err)
{
    const struct et_hdf5_object *about = &set->about;
    if (about->kind != ET_HDF5_TEXTS)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%s: %s: no texts", file->path, set->path);
    const size_t per_row = (size_t)about->n_row_values, n_rows = (size_t)about->n_rows;
    const char **all = et_arena_array(arena, n_rows * per_row, sizeof *all);
    unsigned char *row = malloc(per_row * set->item_bytes + 1);
    enum et_status st = ET_OK;
    if (!all || !row)
        st = et_arena_fail(arena, "the texts of a dataset", err);
    for (size_t i = 0; st == ET_OK && i < n_rows; i++) {
        st = et__hdf5_read_raw(file, set, (int64_t)i, 1, row, err);
        for (size_t k = 0; st == ET_OK && k < per_row; k++)
            st = text_of(file, set, row + k * set->item_bytes, arena, &all[i * per_row + k], err);
    }
    free(row);
    *texts = all;
    *n = n_rows * per_row;
    return st;
}

enum et_status et_hdf5_read_texts(struct et_hdf5 *file, const char *path, struct et_arena *arena,
                                  const char *const **texts, size_t *n, struct et_err *err)
{
    struct et__hdf5_set set;
    struct et__hdf5_lock lock;
    assert(file && path && arena && texts && n);
    const struct et_arena_mark mark = et_arena_mark(arena);
    et__hdf5_enter(&lock);
    enum et_status st = et__hdf5_set_open(file, path, &set, err);
    if (st == ET_OK)
        st = read_texts(file, &set, arena, texts, n, err);
    et__hdf5_set_close(&set);
    et__hdf5_leave(&lock);
    if (st != ET_OK) {
        et_arena_rewind(arena, mark);
        *texts = NULL;
        *n = 0;
    }
    return st;
}

/* ---- attributes ---- */

struct attributes {
    struct et_hdf5 *file;
    const char *path;
    struct et_arena *arena;
    struct et_hdf5_attribute *items;
    size_t n, cap;
    struct et_err err;
};

// Texts of one value; fixed ones are padded with NUL or blanks.
static const char *text_value(const struct attributes *a, const struct et__hdf5_attribute *from)
{
    struct et_str bytes = {(const char *)from->data, from->type.size};
    if (from->n_values != 1)
        return NULL;
    if (from->type.class == ET__HDF5_CLASS_VARIABLE) {
        if ((from->type.bits & 15) != 1 || from->n_data < 4 + a->file->n_addr_bytes + 4 ||
            et__hdf5_variable(a->file, a->path, from->data, &bytes, NULL) != ET_OK)
            return NULL;
    } else {
        while (bytes.n > 0 && (bytes.p[bytes.n - 1] == 0 || bytes.p[bytes.n - 1] == ' '))
            bytes.n--;
    }
    return bytes.n <= ET_HDF5_TEXT_BYTES_MAX ? et__hdf5_text(a->arena, bytes) : NULL;
}

static enum et_hdf5_number number_of(const struct et__hdf5_type *type)
{
    const bool is_signed = type->bits & 8;
    if (type->class == ET__HDF5_CLASS_REAL)
        return type->size == 4   ? ET_HDF5_FLOAT32
               : type->size == 8 ? ET_HDF5_FLOAT64
                                 : ET_HDF5_NO_NUMBER;
    if (type->class != ET__HDF5_CLASS_INTEGER)
        return ET_HDF5_NO_NUMBER;
    switch (type->size) {
    case 1:
        return is_signed ? ET_HDF5_INT8 : ET_HDF5_UINT8;
    case 2:
        return is_signed ? ET_HDF5_INT16 : ET_HDF5_UINT16;
    case 4:
        return is_signed ? ET_HDF5_INT32 : ET_HDF5_UINT32;
    case 8:
        return is_signed ? ET_HDF5_INT64 : ET_HDF5_UINT64;
    default:
        return ET_HDF5_NO_NUMBER;
    }
}

// Numbers with blanks between; a bool is an enumeration of FALSE and TRUE.
static const char *number_value(const struct attributes *a, const struct et__hdf5_attribute *from)
{
    const bool is_flag = from->type.class == ET__HDF5_CLASS_ENUM && from->type.size == 1;
    const enum et_hdf5_number number = number_of(&from->type);
    char text[VALUES_MAX * 33], *to = text;
    if (from->n_values < 1 || from->n_values > VALUES_MAX ||
        (number == ET_HDF5_NO_NUMBER && !is_flag))
        return NULL;
    for (size_t i = 0; i < from->n_values; i++) {
        const unsigned char *p = from->data + i * from->type.size;
        const size_t n_left = (size_t)(text + sizeof text - to);
        if (is_flag)
            to += snprintf(to, n_left, "%s%s", i ? " " : "", *p ? "true" : "false");
        else
            to += snprintf(to, n_left, "%s%.17g", i ? " " : "",
                           et__hdf5_double(p, from->type.size, number, from->type.bits & 1));
    }
    return et_arena_copy(a->arena, text, (size_t)(to - text));
}

static const char *value_of(const struct attributes *a, const struct et__hdf5_attribute *from)
{
    if (from->is_shared)
        return NULL;
    if (from->type.class == ET__HDF5_CLASS_TEXT || from->type.class == ET__HDF5_CLASS_VARIABLE)
        return text_value(a, from);
    return number_value(a, from);
}

static enum et_status add_attribute(struct attributes *a, const struct et__hdf5_attribute *from)
{
    if (et_name_check(from->name, "the name of an attribute", &a->err) != ET_OK)
        return a->err.status;
    if (a->n == ET_HDF5_ATTRIBUTES_MAX)
        return et_fail(&a->err, ET_ELIMIT, -1, "more than %d attributes", ET_HDF5_ATTRIBUTES_MAX);
    if (a->n == a->cap) {
        const size_t cap = a->cap ? a->cap * 2 : 8;
        struct et_hdf5_attribute *more = et_arena_array(a->arena, cap, sizeof *more);
        if (!more)
            return et_arena_fail(a->arena, "the attributes of an object", &a->err);
        if (a->n)
            memcpy(more, a->items, a->n * sizeof *more);
        a->items = more;
        a->cap = cap;
    }
    struct et_hdf5_attribute *to = &a->items[a->n++];
    to->name = et_arena_copy(a->arena, from->name.p, from->name.n);
    to->text = value_of(a, from);
    return to->name ? ET_OK : et_arena_fail(a->arena, "the attributes of an object", &a->err);
}

static bool on_message(const struct et__hdf5_message *message, void *ctx)
{
    struct attributes *a = ctx;
    struct et__hdf5_attribute attribute;
    if (message->type != ET__HDF5_ATTRIBUTE || message->flags & 2)
        return true;
    return et__hdf5_attribute_check(a->file, message, &attribute) &&
           add_attribute(a, &attribute) == ET_OK;
}

static int by_name(const void *x, const void *y)
{
    const struct et_hdf5_attribute *a = x, *b = y;
    return strcmp(a->name, b->name);
}

static enum et_status list_attributes(struct attributes *a, struct et_err *err)
{
    struct et_hdf5 *file = a->file;
    H5O_info_t info;
    const char *at;
    const enum et_status st = et__hdf5_path(file, a->path, &at, err);
    if (st != ET_OK)
        return st;
    if (H5Oget_info_by_name2(file->id, at, &info, H5O_INFO_BASIC, file->lapl) < 0)
        return et__hdf5_fail(file, ET_ENOTFOUND, a->path, "no such object", err);
    if (et__hdf5_header(file, info.addr, on_message, a))
        return ET_OK;
    if (a->err.status != ET_OK)
        return et_fail(err, a->err.status, -1, "%s: %s: %s", file->path, at, a->err.text);
    return et_fail(err, ET_ECORRUPT, -1, "%s: %s: its header is damaged", file->path, at);
}

enum et_status et_hdf5_list_attributes(struct et_hdf5 *file, const char *path,
                                       struct et_arena *arena,
                                       const struct et_hdf5_attribute **attributes, size_t *n,
                                       struct et_err *err)
{
    assert(file && path && arena && attributes && n);
    struct attributes a = {.file = file, .path = path, .arena = arena};
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et__hdf5_lock lock;
    *attributes = NULL;
    *n = 0;
    et__hdf5_enter(&lock);
    const enum et_status st = list_attributes(&a, err);
    et__hdf5_leave(&lock);
    if (st != ET_OK) {
        et_arena_rewind(arena, mark);
        return st;
    }
    if (a.n > 0)
        qsort(a.items, a.n, sizeof *a.items, by_name);
    *attributes = a.items;
    *n = a.n;
    return ET_OK;
}

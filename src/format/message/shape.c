/* Sizes and alignments of types, before any message is seen. */
#include "message__code.h"

#define BYTES_MAX ((size_t)1 << 31) // of what is laid out beforehand

uint32_t et__align_of(const struct et_msgdef_field *field, bool is_cdr)
{
    if (!is_cdr)
        return 1;
    if (field->kind == ET_MSG_TIME || field->kind == ET_MSG_DURATION)
        return 4;
    const size_t n_bytes = et_msg_kind_bytes(field->kind);
    return n_bytes ? (uint32_t)n_bytes : 4; // a text begins with its length
}

static size_t padding(size_t at, size_t align)
{
    return (align - at % align) % align;
}

/* Where `n` of a type end that begin at `end`; ET__VARIABLE. */
static size_t end_of_run(const struct et__shape *shape, size_t n, size_t end)
{
    for (size_t i = 0; i < n; i++) {
        const size_t one = shape->size[end % 8];
        if (one == ET__VARIABLE || one > BYTES_MAX - end)
            return ET__VARIABLE;
        end += one;
    }
    return end;
}

/* Elements `first` and `last` begin alike, so what lies between them repeats. */
static size_t size_of_repeats(const struct et__shape *shape, const size_t *ends, size_t first,
                              size_t last, size_t n)
{
    const size_t period = last - first, length = ends[last] - ends[first];
    const size_t n_periods = (n - last) / period, n_rest = (n - last) % period;
    if (length > 0 && n_periods > (BYTES_MAX - ends[last]) / length)
        return ET__VARIABLE;
    const size_t end = end_of_run(shape, n_rest, ends[last] + n_periods * length);
    return end == ET__VARIABLE ? end : end - ends[0];
}

/* An element's length depends on where it begins, modulo 8: of nine, two begin alike. */
static size_t messages_size(const struct et__shape *shape, size_t n, size_t at)
{
    size_t ends[9] = {at};
    for (size_t last = 1; last <= n; last++) {
        ends[last] = end_of_run(shape, 1, ends[last - 1]);
        if (ends[last] == ET__VARIABLE)
            return ET__VARIABLE;
        for (size_t first = 0; first < last; first++)
            if (ends[first] % 8 == ends[last] % 8)
                return size_of_repeats(shape, ends, first, last, n);
    }
    return ends[n] - at; // fewer than eight
}

size_t et__size_of_field(const struct et__shape *shapes, const struct et_msgdef_field *field,
                         size_t at, bool is_cdr)
{
    const size_t n = field->array == ET_MSG_ONE ? 1 : field->n_array;
    if (field->array == ET_MSG_SEQUENCE)
        return ET__VARIABLE;
    if (n == 0)
        return 0;
    if (field->kind == ET_MSG_NESTED)
        return messages_size(&shapes[field->type->index], n, at);
    const size_t one = et_msg_kind_bytes(field->kind);
    if (one == 0 || n > BYTES_MAX / one)
        return ET__VARIABLE;
    return padding(at, et__align_of(field, is_cdr)) + n * one;
}

static size_t type_size(const struct et__shape *shapes, const struct et_msgdef_type *type,
                        size_t from, bool is_cdr)
{
    size_t at = from;
    if (type->is_missing)
        return ET__VARIABLE;
    if (type->n_fields == 0)
        return is_cdr; // a byte, so that it has one
    for (size_t i = 0; i < type->n_fields; i++) {
        const size_t one = et__size_of_field(shapes, &type->fields[i], at, is_cdr);
        if (one == ET__VARIABLE || one > BYTES_MAX - at)
            return ET__VARIABLE;
        at += one;
    }
    return at - from;
}

static bool is_ready(const struct et__shape *shapes, const struct et_msgdef_type *type)
{
    for (size_t i = 0; i < type->n_fields; i++)
        if (type->fields[i].type && !shapes[type->fields[i].type->index].is_known)
            return false;
    return true;
}

static void fill(struct et__shape *shapes, const struct et_msgdef_type *type, bool is_cdr)
{
    struct et__shape *shape = &shapes[type->index];
    bool is_first = true;
    shape->align = shape->first = 1;
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct et_msgdef_field *f = &type->fields[i];
        if (f->array == ET_MSG_FIXED && f->n_array == 0)
            continue; // nothing, not even padding
        const struct et__shape *inner = f->kind == ET_MSG_NESTED ? &shapes[f->type->index] : NULL;
        const bool is_list = f->array == ET_MSG_SEQUENCE;
        uint32_t align = inner ? inner->align : et__align_of(f, is_cdr);
        if (is_list && is_cdr && align < 4)
            align = 4;
        if (is_first)
            shape->first = is_list ? (is_cdr ? 4 : 1) : inner ? inner->first : align;
        if (align > shape->align)
            shape->align = align;
        is_first = false;
    }
    for (size_t from = 0; from < 8; from++)
        shape->size[from] = type_size(shapes, type, from, is_cdr);
    shape->is_known = true;
}

struct et__shape *et__shapes(const struct et_msgdef *def, bool is_cdr, struct et_arena *arena)
{
    struct et__shape *shapes = et_arena_array(arena, def->n_types, sizeof *shapes);
    bool is_done = shapes == NULL;
    // Inner types first: a round for each depth at most, as no type contains itself.
    while (!is_done) {
        is_done = true;
        for (size_t i = 0; i < def->n_types; i++) {
            if (shapes[i].is_known)
                continue;
            if (is_ready(shapes, def->types[i]))
                fill(shapes, def->types[i], is_cdr);
            else
                is_done = false;
        }
    }
    return shapes;
}

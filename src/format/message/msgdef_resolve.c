/* From names to types: every field of a message type gets its type. */
#include "message__def.h"

#include <assert.h>

#define LEAST_BYTES_MAX ((size_t)1 << 31) // no message is as long; its product with 2^32 is a size

/* What ROS 2 takes for granted, and files therefore leave out. */
static const struct {
    const char *name, *text;
} BUILT_IN[] = {
    {"builtin_interfaces/Time", "int32 sec\nuint32 nanosec\n"},
    {"builtin_interfaces/Duration", "int32 sec\nuint32 nanosec\n"},
    {"service_msgs/ServiceEventInfo", "uint8 event_type\nbuiltin_interfaces/Time stamp\n"
                                      "char[16] client_gid\nint64 sequence_number\n"},
    {"unique_identifier_msgs/UUID", "uint8[16] uuid\n"},
};

/* The fields of ROS 1's own two kinds of time, as if they were messages. */
static const struct {
    const char *name, *text;
} TIMES_1[] = {
    {"time", "uint32 secs\nuint32 nsecs\n"},
    {"duration", "int32 secs\nint32 nsecs\n"},
};

static enum et_status fail_memory(struct et__maker *m)
{
    return et_arena_fail(m->arena, "a message definition", m->err);
}

/* Types of the text that have a name's last part: one of them, or none. */
static size_t known_by_last(const struct et__maker *m, struct et_str last)
{
    const size_t i = et__names_get(&m->by_last, last);
    return i == ET__AMBIGUOUS ? ET__NO_NAME : i;
}

/* A name that has to be looked for beyond the text: built in, in the store, or missing. */
static enum et_status add_unknown(struct et__maker *m, struct et_str name, size_t *i)
{
    struct et_str text = {NULL, 0};
    struct et__made_type *made;
    for (size_t k = 0; k < sizeof BUILT_IN / sizeof *BUILT_IN && m->flavour == ET_MSGDEF_ROS2; k++)
        if (et_str_is(name, BUILT_IN[k].name))
            text = et_str(BUILT_IN[k].text);
    if (!text.p && m->use_store) {
        const enum et_status st = et__store_read(m, name, &text);
        if (st != ET_OK && st != ET_ENOTFOUND)
            return st;
    }
    *i = m->n_types;
    if (text.p) {
        const enum et_status st = et__maker_parse(m, name, text, 1);
        if (st != ET_OK)
            (void)et_err_context(m->err, "%.*s", ET_STR_ARG(name));
        return st;
    }
    const enum et_status st = et__maker_add(m, name, &made);
    if (st == ET_OK)
        made->type.is_missing = true;
    return st;
}

static enum et_status find_or_add(struct et__maker *m, struct et_str name, size_t *i)
{
    *i = et__names_get(&m->by_name, name);
    return *i == ET__NO_NAME ? add_unknown(m, name, i) : ET_OK;
}

/* The time of ROS 1, which is a type of its own here and primitive there. */
static enum et_status find_time_1(struct et__maker *m, const char *name, const char *text,
                                  size_t *i)
{
    *i = et__names_get(&m->by_name, et_str(name));
    if (*i != ET__NO_NAME)
        return ET_OK;
    *i = m->n_types;
    return et__maker_parse(m, et_str(name), et_str(text), 0);
}

/* A name without a package: a Header, a time, a type of the same package, or the only one that is
 * called so. */
static enum et_status find_bare(struct et__maker *m, struct et_str owner, struct et_str name,
                                size_t *i)
{
    const struct et_str package = et__name_package(owner);
    const char *sibling = et_arena_printf(m->arena, "%.*s%s%.*s", ET_STR_ARG(package),
                                          package.n ? "/" : "", ET_STR_ARG(name));
    if (!sibling)
        return fail_memory(m);
    for (size_t k = 0; k < 2 && m->flavour == ET_MSGDEF_ROS1; k++)
        if (et_str_is(name, TIMES_1[k].name))
            return find_time_1(m, TIMES_1[k].name, TIMES_1[k].text, i);
    if (m->flavour == ET_MSGDEF_ROS2 && (et_str_is(name, "time") || et_str_is(name, "duration")))
        return find_or_add(
            m, et_str(name.p[0] == 't' ? "builtin_interfaces/Time" : "builtin_interfaces/Duration"),
            i);
    *i = et__names_get(&m->by_name, et_str(sibling));
    if (*i != ET__NO_NAME)
        return ET_OK;
    if (et_str_is(name, "Header"))
        return find_or_add(m, ET_STR("std_msgs/Header"), i);
    *i = known_by_last(m, name);
    return *i == ET__NO_NAME ? add_unknown(m, et_str(sibling), i) : ET_OK;
}

static enum et_status find(struct et__maker *m, struct et_str owner, struct et_str name, size_t *i)
{
    if (!memchr(name.p, '/', name.n))
        return find_bare(m, owner, name, i);
    const struct et_str short_name = et__name_short(name, m->arena);
    if (!short_name.p)
        return fail_memory(m);
    return find_or_add(m, short_name, i);
}

static bool has_fields(const struct et_msgdef_type *type, enum et_msg_kind first,
                       enum et_msg_kind second)
{
    return type->n_fields == 2 && type->fields[0].kind == first && type->fields[1].kind == second &&
           type->fields[0].array == ET_MSG_ONE && type->fields[1].array == ET_MSG_ONE;
}

/* A type that is called as a time and is what one should be is read as a time. */
static enum et_msg_kind kind_of(const struct et__maker *m, const struct et_msgdef_type *type)
{
    const bool is_1 = m->flavour == ET_MSGDEF_ROS1;
    if (et_str_is(type->name, is_1 ? "time" : "builtin_interfaces/Time") &&
        has_fields(type, is_1 ? ET_MSG_UINT32 : ET_MSG_INT32, ET_MSG_UINT32))
        return ET_MSG_TIME;
    if (et_str_is(type->name, is_1 ? "duration" : "builtin_interfaces/Duration") &&
        has_fields(type, ET_MSG_INT32, is_1 ? ET_MSG_INT32 : ET_MSG_UINT32))
        return ET_MSG_DURATION;
    return ET_MSG_NESTED;
}

static enum et_status resolve_type(struct et__maker *m, size_t i_type)
{
    const struct et_str owner = m->types[i_type]->type.name;
    for (size_t k = 0; k < m->types[i_type]->type.n_fields; k++) {
        struct et_msgdef_field *field = &m->types[i_type]->fields[k];
        size_t i = 0;
        if (field->kind != ET_MSG_NESTED)
            continue;
        const enum et_status st = find(m, owner, field->spelled, &i);
        if (st != ET_OK)
            return st;
        assert(i < m->n_types);
        field->type = &m->types[i]->type;
        field->kind = kind_of(m, field->type);
    }
    return ET_OK;
}

/* ---- no type contains itself ---- */

struct step {
    size_t i_type, i_field;
};

struct depths {
    struct step stack[ET_MSGDEF_DEPTH_MAX + 1];
    size_t n;
    uint8_t *heights; // of types gone through: 1 and that of the highest inside; 0: not yet
};

static bool is_on_stack(const struct depths *d, size_t i_type)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->stack[i].i_type == i_type)
            return true;
    return false;
}

static enum et_status fail_too_deep(struct et__maker *m)
{
    return et_fail(m->err, ET_ELIMIT, -1, "a definition of types more than %d deep in each other",
                   ET_MSGDEF_DEPTH_MAX);
}

static size_t least_of(const struct et_msgdef_field *f)
{
    if (f->array == ET_MSG_SEQUENCE || f->kind == ET_MSG_STRING || f->kind == ET_MSG_WSTRING)
        return f->array == ET_MSG_FIXED ? (size_t)4 * f->n_array : 4;
    const size_t one = f->type ? f->type->least_bytes : et_msg_kind_bytes(f->kind);
    return f->array == ET_MSG_FIXED ? one * f->n_array : one;
}

/* All types within it have been gone through. */
static void finish_type(struct et__maker *m, struct depths *d, size_t i_type)
{
    struct et_msgdef_type *type = &m->types[i_type]->type;
    uint8_t height = 1;
    size_t least = 0;
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct et_msgdef_field *f = &type->fields[i];
        const size_t one = least_of(f);
        least = one < LEAST_BYTES_MAX - least ? least + one : LEAST_BYTES_MAX;
        if (f->type && d->heights[f->type->index] >= height)
            height = (uint8_t)(d->heights[f->type->index] + 1);
    }
    type->least_bytes = least;
    d->heights[i_type] = height;
}

/* Goes on with the type on top of the stack: down into the next of its fields, or up. */
static enum et_status step_on(struct et__maker *m, struct depths *d)
{
    struct step *top = &d->stack[d->n - 1];
    const struct et_msgdef_type *type = &m->types[top->i_type]->type;
    while (top->i_field < type->n_fields) {
        const struct et_msgdef_field *field = &type->fields[top->i_field++];
        if (!field->type)
            continue;
        const size_t inner = field->type->index;
        if (is_on_stack(d, inner))
            return et_fail(m->err, ET_ECORRUPT, field->line,
                           "line %d, column 1: %.*s contains itself by its field %.*s", field->line,
                           ET_STR_ARG(field->type->name), ET_STR_ARG(field->name));
        if (d->n + (d->heights[inner] ? d->heights[inner] : 1u) > ET_MSGDEF_DEPTH_MAX)
            return fail_too_deep(m);
        if (d->heights[inner])
            continue;
        d->stack[d->n++] = (struct step){.i_type = inner};
        return ET_OK;
    }
    finish_type(m, d, top->i_type);
    d->n--;
    return ET_OK;
}

static enum et_status check_depths(struct et__maker *m)
{
    struct depths d = {.heights = et_arena_array(m->arena, m->n_types, 1)};
    enum et_status st = d.heights ? ET_OK : fail_memory(m);
    for (size_t i = 0; i < m->n_types && st == ET_OK; i++) {
        if (d.heights[i])
            continue;
        d.stack[d.n++] = (struct step){.i_type = i};
        while (d.n > 0 && st == ET_OK)
            st = step_on(m, &d);
    }
    return st;
}

enum et_status et__maker_resolve(struct et__maker *m)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < m->n_types && st == ET_OK; i++) // grows as types are found
        st = resolve_type(m, i);
    return st == ET_OK ? check_depths(m) : st;
}

enum et_status et__maker_finish(struct et__maker *m, struct et_str name,
                                const struct et_msgdef **def)
{
    const struct et_str short_name = et__name_short(name, m->arena);
    if (!short_name.p)
        return fail_memory(m);
    const size_t root = et__names_get(&m->by_name, short_name);
    if (root == ET__NO_NAME || m->types[root]->type.is_missing)
        return et_fail(m->err, ET_ENOTFOUND, -1, "no definition of %.*s", ET_STR_ARG(name));
    struct et_msgdef *made = et_arena_alloc(m->arena, sizeof *made);
    const struct et_msgdef_type **types =
        et_arena_array(m->arena, m->n_types, sizeof(struct et_msgdef_type *));
    if (!made || !types)
        return fail_memory(m);
    for (size_t i = 0; i < m->n_types; i++)
        types[i] = &m->types[i]->type;
    *made = (struct et_msgdef){m->flavour, types[root], types, m->n_types};
    *def = made;
    return ET_OK;
}

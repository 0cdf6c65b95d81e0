/* Definitions of protobuf: a FileDescriptorSet, which is itself a protobuf message.
 *
 * google/protobuf/descriptor.proto numbers its fields; those that matter here:
 *   FileDescriptorSet    1 file
 *   FileDescriptorProto  2 package  4 message_type
 *   DescriptorProto      1 name  2 field  3 nested_type
 *   FieldDescriptorProto 1 name  3 number  4 label  5 type  6 type_name  7 default_value */
#include "message__def.h"
#include "message__wire.h"

#include <stdlib.h>

#define NESTING_MAX 32
#define FULL_NAME_BYTES_MAX 1024 // of a message, with its package
#define MESSAGE_SET_NUMBER_MAX 0x1fffffff

struct source {
    struct et__maker m;
    const char *start;
};

/* A message that is gone through, with the name that those within it begin with. */
struct level {
    struct et__wire wire;
    struct et_str name;
};

static enum et_status fail_memory(struct source *s)
{
    return et_arena_fail(s->m.arena, "a protobuf definition", s->m.err);
}

static enum et_status fail_at(struct source *s, const char *at, const char *why)
{
    return et_fail(s->m.err, ET_ECORRUPT, at - s->start, "at byte %td: %s", at - s->start, why);
}

/* "a.b" from "a" and "b". */
static struct et_str join(struct source *s, struct et_str outer, struct et_str inner)
{
    return et_str(et_arena_printf(s->m.arena, "%.*s%s%.*s", ET_STR_ARG(outer), outer.n ? "." : "",
                                  ET_STR_ARG(inner)));
}

/* The number of entries of that number, and the last one's bytes. */
static enum et_status count(struct source *s, struct et__wire wire, uint32_t number, size_t *n,
                            struct et_str *last)
{
    struct et__wire_entry e;
    enum et_status st;
    *n = 0;
    while ((st = et__wire_next(&wire, &e, s->m.err)) == ET_OK) {
        if (e.number != number || e.type != ET__WIRE_BYTES)
            continue;
        *last = e.bytes;
        (*n)++;
    }
    return st == ET_END ? ET_OK : st;
}

/* ---- fields ---- */

struct scalar {
    enum et_msg_kind kind;
    enum et_msg_wire wire;
};

// By FieldDescriptorProto.Type.
static const struct scalar SCALARS[] = {
    [1] = {ET_MSG_FLOAT64, ET_MSG_FIXED_WIRE}, [2] = {ET_MSG_FLOAT32, ET_MSG_FIXED_WIRE},
    [3] = {ET_MSG_INT64, ET_MSG_VARINT},       [4] = {ET_MSG_UINT64, ET_MSG_VARINT},
    [5] = {ET_MSG_INT32, ET_MSG_VARINT},       [6] = {ET_MSG_UINT64, ET_MSG_FIXED_WIRE},
    [7] = {ET_MSG_UINT32, ET_MSG_FIXED_WIRE},  [8] = {ET_MSG_BOOL, ET_MSG_VARINT},
    [9] = {ET_MSG_STRING, ET_MSG_VARINT},      [10] = {ET_MSG_NESTED, ET_MSG_VARINT},
    [11] = {ET_MSG_NESTED, ET_MSG_VARINT},     [12] = {ET_MSG_BYTES, ET_MSG_VARINT},
    [13] = {ET_MSG_UINT32, ET_MSG_VARINT},     [14] = {ET_MSG_INT32, ET_MSG_VARINT},
    [15] = {ET_MSG_INT32, ET_MSG_FIXED_WIRE},  [16] = {ET_MSG_INT64, ET_MSG_FIXED_WIRE},
    [17] = {ET_MSG_INT32, ET_MSG_ZIGZAG},      [18] = {ET_MSG_INT64, ET_MSG_ZIGZAG},
};
enum { LABEL_REPEATED = 3, TYPE_GROUP = 10, N_SCALARS = sizeof SCALARS / sizeof *SCALARS };

static struct et_str without_dot(struct et_str name)
{
    return name.n > 0 && name.p[0] == '.' ? (struct et_str){name.p + 1, name.n - 1} : name;
}

/* *is_group: a form that nobody writes any more; such a field is left out. */
static enum et_status take_field(struct source *s, struct et_str bytes,
                                 struct et_msgdef_field *field, bool *is_group)
{
    struct et__wire wire = et__wire(s->start, bytes);
    struct et__wire_entry e;
    uint64_t label = 0, type = 0;
    enum et_status st;

    *field = (struct et_msgdef_field){0};
    while ((st = et__wire_next(&wire, &e, s->m.err)) == ET_OK) {
        const bool is_bytes = e.type == ET__WIRE_BYTES, is_number = e.type == ET__WIRE_VARINT;
        if (e.number == 1 && is_bytes)
            field->name = e.bytes;
        else if (e.number == 3 && is_number && e.value <= MESSAGE_SET_NUMBER_MAX)
            field->number = (uint32_t)e.value;
        else if (e.number == 4 && is_number)
            label = e.value;
        else if (e.number == 5 && is_number)
            type = e.value;
        else if (e.number == 6 && is_bytes)
            field->spelled = e.bytes;
        else if (e.number == 7 && is_bytes)
            field->default_text = e.bytes;
    }
    if (st != ET_END)
        return st;
    if (et_name_check(field->name, "a field's name", NULL) != ET_OK || field->number == 0 ||
        type == 0 || type >= N_SCALARS)
        return fail_at(s, bytes.p, "a field without a name, a number or a known type");
    for (size_t i = 0; i < field->name.n; i++)
        if (memchr(".[]", field->name.p[i], 3))
            return fail_at(s, bytes.p, "a field's name with a dot or a bracket"); // as in a path
    *is_group = type == TYPE_GROUP;
    field->kind = SCALARS[type].kind;
    field->wire = SCALARS[type].wire;
    field->array = label == LABEL_REPEATED ? ET_MSG_SEQUENCE : ET_MSG_ONE;
    if (field->kind != ET_MSG_NESTED) {
        field->spelled = et_str(et_msg_kind_text(field->kind));
        return ET_OK;
    }
    if (without_dot(field->spelled).n > 0 && field->spelled.n <= FULL_NAME_BYTES_MAX)
        return ET_OK;
    return fail_at(s, bytes.p, "a field whose message has no name, or too long a one");
}

/* ---- messages ---- */

static int by_number(const void *a, const void *b)
{
    const struct et_msgdef_field *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* By number, in which they are looked for, and usually written. */
static enum et_status sort_fields(struct source *s, const char *at, struct et__made_type *made)
{
    const size_t n = made->type.n_fields;
    qsort(made->fields, n, sizeof *made->fields, by_number);
    for (size_t i = 1; i < n; i++)
        if (made->fields[i].number == made->fields[i - 1].number)
            return fail_at(s, at, "a message of two fields with one number");
    return et__maker_check_names(&s->m, made);
}

static enum et_status take_fields(struct source *s, struct et__wire wire,
                                  struct et__made_type *made)
{
    struct et__wire_entry e;
    struct et_str last;
    size_t n;
    enum et_status st = count(s, wire, 2, &n, &last);
    if (st != ET_OK)
        return st;
    made->fields = et_arena_array(s->m.arena, n, sizeof *made->fields);
    if (!made->fields)
        return fail_memory(s);
    n = 0;
    while ((st = et__wire_next(&wire, &e, s->m.err)) == ET_OK) {
        bool is_group = false;
        if (e.number != 2 || e.type != ET__WIRE_BYTES)
            continue;
        if ((st = take_field(s, e.bytes, &made->fields[n], &is_group)) != ET_OK)
            return st;
        n += !is_group;
    }
    made->type.fields = made->fields;
    made->type.n_fields = n;
    return st == ET_END ? sort_fields(s, wire.end, made) : st;
}

/* Adds a message, and gives the level to go through for those within it. */
static enum et_status take_message(struct source *s, struct et_str bytes, struct et_str outer,
                                   struct level *level)
{
    const struct et__wire wire = et__wire(s->start, bytes);
    struct et__made_type *made;
    struct et_str name = {NULL, 0};
    size_t n;

    enum et_status st = count(s, wire, 1, &n, &name);
    if (st != ET_OK)
        return st;
    if (et_name_check(name, "a message's name", NULL) != ET_OK)
        return fail_at(s, bytes.p, "a message without a name");
    *level = (struct level){wire, join(s, outer, name)};
    if (!level->name.p)
        return fail_memory(s);
    if (level->name.n > FULL_NAME_BYTES_MAX)
        return fail_at(s, bytes.p, "a message whose name is too long");
    st = et__maker_add(&s->m, level->name, &made);
    return st == ET_OK && made ? take_fields(s, wire, made) : st;
}

/* A file's messages, and those within them. */
static enum et_status take_messages(struct source *s, struct et__wire file, struct et_str package)
{
    struct level stack[NESTING_MAX] = {{file, package}};
    struct et__wire_entry e;
    size_t depth = 1;
    while (depth > 0) {
        struct level *top = &stack[depth - 1];
        enum et_status st = et__wire_next(&top->wire, &e, s->m.err);
        if (st == ET_END) {
            depth--;
            continue;
        }
        if (st != ET_OK)
            return st;
        if (e.number != (depth == 1 ? 4 : 3) || e.type != ET__WIRE_BYTES)
            continue;
        if (depth == NESTING_MAX)
            return et_fail(s->m.err, ET_ELIMIT, e.bytes.p - s->start,
                           "protobuf messages more than %d deep in each other", NESTING_MAX);
        st = take_message(s, e.bytes, top->name, &stack[depth++]);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static enum et_status take_file(struct source *s, struct et_str bytes)
{
    const struct et__wire wire = et__wire(s->start, bytes);
    struct et_str package = {NULL, 0};
    size_t n;
    const enum et_status st = count(s, wire, 2, &n, &package);
    return st == ET_OK ? take_messages(s, wire, package) : st;
}

/* ---- the whole ---- */

static enum et_msg_kind kind_of(const struct et_msgdef_type *type)
{
    const struct et_msgdef_field *f = type->fields;
    if (type->n_fields != 2 || f[0].number != 1 || f[0].kind != ET_MSG_INT64 || f[1].number != 2 ||
        f[1].kind != ET_MSG_INT32)
        return ET_MSG_NESTED;
    return et_str_is(type->name, "google.protobuf.Timestamp")  ? ET_MSG_TIME
           : et_str_is(type->name, "google.protobuf.Duration") ? ET_MSG_DURATION
                                                               : ET_MSG_NESTED;
}

/* The message that a name means within another. ".a.B" is the whole name; "B", as some writers have
 * it, is looked for in the message that names it, then in what is around that, outwards. */
static struct et_str find_name(const struct et__maker *m, struct et_str scope, struct et_str name)
{
    char full[2 * FULL_NAME_BYTES_MAX + 1];
    if (name.p[0] == '.')
        return without_dot(name);
    for (;;) {
        memcpy(full, scope.p, scope.n);
        full[scope.n] = '.';
        memcpy(full + scope.n + 1, name.p, name.n);
        const size_t i = et__names_get(&m->by_name, (struct et_str){full, scope.n + 1 + name.n});
        if (i != ET__NO_NAME)
            return m->types[i]->type.name;
        const char *dot = memrchr(scope.p, '.', scope.n);
        if (!dot)
            return name;
        scope.n = (size_t)(dot - scope.p);
    }
}

static enum et_status resolve_field(struct source *s, struct et_str owner,
                                    struct et_msgdef_field *field)
{
    struct et__maker *m = &s->m;
    struct et__made_type *made;
    field->spelled = find_name(m, owner, field->spelled);
    const enum et_status st = et__maker_add(m, field->spelled, &made);
    if (st != ET_OK)
        return st;
    if (made)
        made->type.is_missing = true;
    const size_t i = et__names_get(&m->by_name, field->spelled);
    if (i == ET__NO_NAME) // "a/msg/b", which is no name of protobuf
        return et_fail(m->err, ET_ECORRUPT, -1, "the name of a message with a '/'");
    field->type = &m->types[i]->type;
    field->kind = kind_of(field->type);
    return ET_OK;
}

static enum et_status resolve(struct source *s)
{
    const struct et__maker *m = &s->m;
    for (size_t i = 0; i < m->n_types; i++) // grows by those that are missing
        for (size_t k = 0; k < m->types[i]->type.n_fields; k++) {
            struct et_msgdef_field *field = &m->types[i]->fields[k];
            const enum et_status st = field->kind == ET_MSG_NESTED
                                          ? resolve_field(s, m->types[i]->type.name, field)
                                          : ET_OK;
            if (st != ET_OK)
                return st;
        }
    return ET_OK;
}

static enum et_status parse(struct source *s, struct et_str bytes)
{
    struct et__wire wire = et__wire(s->start, bytes);
    struct et__wire_entry e;
    enum et_status st;
    while ((st = et__wire_next(&wire, &e, s->m.err)) == ET_OK)
        if (e.number == 1 && e.type == ET__WIRE_BYTES && (st = take_file(s, e.bytes)) != ET_OK)
            return st;
    return st == ET_END ? resolve(s) : st;
}

enum et_status et_msgdef_parse_protobuf(struct et_str bytes, struct et_str name,
                                        struct et_arena *arena, const struct et_msgdef **def,
                                        struct et_err *err)
{
    struct source s = {
        .m = {.arena = arena, .err = err, .flavour = ET_MSGDEF_PROTOBUF},
    };
    const struct et_arena_mark mark = et_arena_mark(arena);

    *def = NULL;
    if (bytes.n > ET_MSGDEF_TEXT_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "a definition of %zu bytes, where %zu are read", bytes.n,
                       ET_MSGDEF_TEXT_BYTES_MAX);
    s.start = et_arena_copy(arena, bytes.p, bytes.n);
    enum et_status st = s.start ? parse(&s, (struct et_str){s.start, bytes.n}) : fail_memory(&s);
    if (st == ET_OK)
        st = et__maker_finish(&s.m, without_dot(name), def);
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    return st;
}

/* Types from lines: two passes over the same text, the first of which counts. */
#include "message__def.h"

#include <stdlib.h>

static enum et_status fail_memory(struct et__maker *m)
{
    return et_arena_fail(m->arena, "a message definition", m->err);
}

static bool grow(struct et__maker *m)
{
    const size_t cap = m->cap_types ? 2 * m->cap_types : 32;
    struct et__made_type **types = et_arena_array(m->arena, cap, sizeof(struct et__made_type *));
    if (!types)
        return false;
    if (m->n_types > 0)
        memcpy(types, m->types, m->n_types * sizeof *types);
    m->types = types;
    m->cap_types = cap;
    return true;
}

enum et_status et__maker_add(struct et__maker *m, struct et_str name, struct et__made_type **made)
{
    const struct et_str short_name = et__name_short(name, m->arena);
    *made = NULL;
    if (!short_name.p)
        return fail_memory(m);
    if (et__names_get(&m->by_name, short_name) != ET__NO_NAME)
        return ET_OK;
    if (m->n_types == ET_MSGDEF_TYPES_MAX)
        return et_fail(m->err, ET_ELIMIT, -1, "a definition of more than %d types",
                       ET_MSGDEF_TYPES_MAX);
    if (m->n_types == m->cap_types && !grow(m))
        return fail_memory(m);

    struct et__made_type *type = et_arena_alloc(m->arena, sizeof *type);
    const struct et_str last = et__name_last(short_name);
    const bool is_known = et__names_get(&m->by_last, last) != ET__NO_NAME;
    if (!type || !et__names_put(&m->by_name, m->arena, short_name, m->n_types) ||
        !et__names_put(&m->by_last, m->arena, last, is_known ? ET__AMBIGUOUS : m->n_types))
        return fail_memory(m);
    type->type.name = short_name;
    type->type.index = m->n_types;
    m->types[m->n_types++] = type;
    *made = type;
    return ET_OK;
}

/* Goes through the lines; where `made` has its arrays, fills them. */
static enum et_status go_through(struct et__maker *m, struct et_str text, int32_t number,
                                 struct et__made_type *made, struct et_msgdef_constant *constants,
                                 size_t *n_fields, size_t *n_constants)
{
    struct et_str part;
    *n_fields = *n_constants = 0;
    for (; et_str_cut(&text, '\n', &part); number++) {
        struct et__line line;
        const enum et_status st = et__line_parse(part, number, m->flavour, &line, m->err);
        if (st != ET_OK)
            return st;
        if (line.what == ET__LINE_FIELD && made->fields)
            made->fields[*n_fields] = (struct et_msgdef_field){
                .name = line.name,
                .kind = line.kind,
                .array = line.array,
                .n_array = line.n_array,
                .text_bytes_max = line.text_bytes_max,
                .spelled = line.spelled,
                .default_text = line.value,
                .line = number,
            };
        if (line.what == ET__LINE_CONSTANT && constants)
            constants[*n_constants] = (struct et_msgdef_constant){
                .name = line.name,
                .kind = line.kind,
                .spelled = line.spelled,
                .text = line.value,
                .line = number,
            };
        *n_fields += line.what == ET__LINE_FIELD;
        *n_constants += line.what == ET__LINE_CONSTANT;
    }
    return ET_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct et_msgdef_field *const *x = a, *const *y = b;
    return et_str_cmp((*x)->name, (*y)->name);
}

enum et_status et__maker_check_names(struct et__maker *m, const struct et__made_type *made)
{
    const size_t n = made->type.n_fields;
    const struct et_arena_mark mark = et_arena_mark(m->arena);
    enum et_status st = ET_OK;
    const struct et_msgdef_field **sorted =
        et_arena_array(m->arena, n, sizeof(struct et_msgdef_field *));
    if (!sorted)
        return fail_memory(m);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &made->fields[i];
    qsort(sorted, n, sizeof *sorted, by_name);
    for (size_t i = 1; i < n && st == ET_OK; i++) {
        const struct et_msgdef_field *a = sorted[i - 1], *b = sorted[i];
        const int32_t line = a->line > b->line ? a->line : b->line;
        if (et_str_eq(a->name, b->name))
            st = et_fail(m->err, ET_ECORRUPT, line, "line %d, column 1: %.*s has two fields %.*s",
                         line, ET_STR_ARG(made->type.name), ET_STR_ARG(a->name));
    }
    et_arena_rewind(m->arena, mark);
    return st;
}

enum et_status et__maker_parse(struct et__maker *m, struct et_str name, struct et_str text,
                               int32_t line)
{
    struct et__made_type *made;
    size_t n_fields, n_constants;

    enum et_status st = et__maker_add(m, name, &made);
    if (st != ET_OK || !made)
        return st;
    made->line = line;
    st = go_through(m, text, line, made, NULL, &n_fields, &n_constants);
    if (st != ET_OK)
        return st;

    made->fields = et_arena_array(m->arena, n_fields, sizeof *made->fields);
    struct et_msgdef_constant *constants = et_arena_array(m->arena, n_constants, sizeof *constants);
    if (!made->fields || !constants)
        return fail_memory(m);
    st = go_through(m, text, line, made, constants, &n_fields, &n_constants);
    if (st != ET_OK)
        return st;
    made->type.fields = made->fields;
    made->type.n_fields = n_fields;
    made->type.constants = constants;
    made->type.n_constants = n_constants;
    return et__maker_check_names(m, made);
}

#include "etude/yaml.h"

#include <assert.h>
#include <stdio.h>

// A value nested deeper than any parser allows is refused.
#define DEPTH_MAX 64

struct frame {
    const struct et_value *value;
    const struct et_schema *schema; // LIST, MAP or DICT
    size_t i;                       // the member that is being checked
};

struct check {
    const char *path; // for messages; NULL when there is none
    struct et_err *err;
    size_t depth;
    struct frame frames[DEPTH_MAX];
};

/* "joints[3].lower: ", nothing for the document itself. The members that the frames stand on name
 * the way. */
static void put_path(const struct check *c, size_t depth, struct et_buf *text)
{
    for (size_t i = 0; i < depth; i++) {
        const struct frame *f = &c->frames[i];
        if (f->value->kind == ET_VALUE_LIST) {
            et_buf_printf(text, "[%zu]", f->i);
            continue;
        }
        const struct et_str key = f->value->as.many.keys[f->i];
        et_buf_printf(text, "%s%.*s", i > 0 ? "." : "", key.n > 64 ? 64 : (int)key.n, key.p);
    }
    if (depth > 0)
        et_buf_puts(text, ": ");
}

/* Fails about what the frames below `depth` lead to. */
static enum et_status fail_at(const struct check *c, struct et_place place, size_t depth,
                              const char *fmt, ...) ET_PRINTF(4, 5);
static enum et_status fail_at(const struct check *c, struct et_place place, size_t depth,
                              const char *fmt, ...)
{
    struct et_buf text = et_buf(ET_ERR_TEXT_BYTES * 4);
    va_list args;

    if (c->path)
        et_buf_printf(&text, "%.200s:%s", c->path, place.line > 0 ? "" : " ");
    if (place.line > 0)
        et_buf_printf(&text, "%d:%d: ", place.line, place.column);
    put_path(c, depth, &text);
    va_start(args, fmt);
    et_buf_vprintf(&text, fmt, args);
    va_end(args);

    text.status = ET_OK; // a way that is too long is cut: the place stands in front
    (void)et_fail(c->err, ET_ECORRUPT, place.line > 0 ? place.line : -1, "%s", et_buf_text(&text));
    et_buf_free(&text);
    return ET_ECORRUPT;
}

static struct et_place key_place(const struct et_value *map, size_t i)
{
    if (map->as.many.places)
        return map->as.many.places[i];
    return et_value_place(&map->as.many.items[i]);
}

static enum et_status fail_unknown(const struct check *c, const struct frame *map, size_t i)
{
    const struct et_str key = map->value->as.many.keys[i];
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (const struct et_schema_field *f = map->schema->fields; f->key; f++) {
        const size_t distance = et_str_distance(key, et_str(f->key));
        if (distance < least) {
            least = distance;
            nearest = f->key;
        }
    }
    const struct et_place place = key_place(map->value, i);
    if (!nearest)
        return fail_at(c, place, c->depth, "is not a known key, there are none here");
    return fail_at(c, place, c->depth, "is not a known key, the nearest is \"%s\"", nearest);
}

// "one of a, b, c" for a message.
static enum et_status fail_choice(const struct check *c, const struct et_value *value,
                                  const struct et_schema *schema)
{
    struct et_buf list = et_buf(ET_ERR_TEXT_BYTES);
    for (size_t i = 0; schema->choices[i]; i++)
        et_buf_printf(&list, "%s%s", i > 0 ? ", " : "", schema->choices[i]);
    list.status = ET_OK;
    const struct et_str s = value->as.string;
    (void)fail_at(c, et_value_place(value), c->depth, "must be one of %s, is \"%.*s\"",
                  et_buf_text(&list), s.n > 64 ? 64 : (int)s.n, s.p);
    et_buf_free(&list);
    return ET_ECORRUPT;
}

static enum et_status check_string(const struct check *c, const struct et_value *value,
                                   const struct et_schema *schema)
{
    if (!schema->choices)
        return ET_OK;
    for (size_t i = 0; schema->choices[i]; i++)
        if (et_str_is(value->as.string, schema->choices[i]))
            return ET_OK;
    return fail_choice(c, value, schema);
}

static enum et_status check_number(const struct check *c, const struct et_value *value,
                                   const struct et_schema *schema)
{
    const double x = et_value_real(value, 0.0);
    // No real stands for INT64_MIN: integral ones count up to 2^53.
    if (schema->type == ET_SCHEMA_INT && value->kind == ET_VALUE_REAL &&
        et_value_int(value, INT64_MIN) == INT64_MIN)
        return fail_at(c, et_value_place(value), c->depth, "must be a whole number, is %g", x);
    if (schema->has_range && !(x >= schema->min && x <= schema->max))
        return fail_at(c, et_value_place(value), c->depth, "must be between %g and %g, is %g",
                       schema->min, schema->max, x);
    return ET_OK;
}

static enum et_status check_list(const struct check *c, const struct et_value *value,
                                 const struct et_schema *schema)
{
    const size_t n = value->as.many.n_items;
    if (n >= schema->n_min && (schema->n_max == 0 || n <= schema->n_max))
        return ET_OK;
    if (schema->n_min == schema->n_max)
        return fail_at(c, et_value_place(value), c->depth, "must have %zu items, has %zu",
                       schema->n_min, n);
    if (n < schema->n_min)
        return fail_at(c, et_value_place(value), c->depth, "must have at least %zu items, has %zu",
                       schema->n_min, n);
    return fail_at(c, et_value_place(value), c->depth, "must have at most %zu items, has %zu",
                   schema->n_max, n);
}

static bool is_of_type(const struct et_value *value, enum et_schema_type type)
{
    switch (type) {
    case ET_SCHEMA_ANY:
        return true;
    case ET_SCHEMA_BOOL:
        return value->kind == ET_VALUE_BOOL;
    case ET_SCHEMA_INT:
    case ET_SCHEMA_REAL:
        return et_value_is_number(value);
    case ET_SCHEMA_STRING:
        return value->kind == ET_VALUE_STRING;
    case ET_SCHEMA_LIST:
        return value->kind == ET_VALUE_LIST;
    case ET_SCHEMA_MAP:
    case ET_SCHEMA_DICT:
        return value->kind == ET_VALUE_MAP;
    }
    return false;
}

static const char *type_text(enum et_schema_type type)
{
    switch (type) {
    case ET_SCHEMA_ANY:
        return "anything";
    case ET_SCHEMA_BOOL:
        return et_value_kind_text(ET_VALUE_BOOL);
    case ET_SCHEMA_INT:
        return et_value_kind_text(ET_VALUE_INT);
    case ET_SCHEMA_REAL:
        return et_value_kind_text(ET_VALUE_REAL);
    case ET_SCHEMA_STRING:
        return et_value_kind_text(ET_VALUE_STRING);
    case ET_SCHEMA_LIST:
        return et_value_kind_text(ET_VALUE_LIST);
    case ET_SCHEMA_MAP:
    case ET_SCHEMA_DICT:
        return et_value_kind_text(ET_VALUE_MAP);
    }
    return "nothing known";
}

/* Checks one value; a container whose members are to be checked goes onto the stack. */
static enum et_status check_one(struct check *c, const struct et_value *value,
                                const struct et_schema *schema)
{
    if (value->kind == ET_VALUE_NULL && schema->may_be_null)
        return ET_OK;
    if (!is_of_type(value, schema->type))
        return fail_at(c, et_value_place(value), c->depth, "must be %s, is %s",
                       type_text(schema->type), et_value_kind_text(value->kind));

    enum et_status st = ET_OK;
    switch (schema->type) {
    case ET_SCHEMA_ANY:
    case ET_SCHEMA_BOOL:
        return ET_OK;
    case ET_SCHEMA_INT:
    case ET_SCHEMA_REAL:
        return check_number(c, value, schema);
    case ET_SCHEMA_STRING:
        return check_string(c, value, schema);
    case ET_SCHEMA_LIST:
        st = check_list(c, value, schema);
        break;
    case ET_SCHEMA_MAP:
    case ET_SCHEMA_DICT:
        break;
    }
    if (st != ET_OK || (schema->type != ET_SCHEMA_MAP && !schema->items))
        return st;
    if (c->depth == DEPTH_MAX)
        return fail_at(c, et_value_place(value), c->depth, "is nested deeper than %d levels",
                       DEPTH_MAX);
    c->frames[c->depth++] = (struct frame){value, schema, 0};
    return ET_OK;
}

// The schema of the i-th member; NULL when its key is not known.
static const struct et_schema *member_schema(const struct frame *f)
{
    if (f->schema->type != ET_SCHEMA_MAP)
        return f->schema->items;
    for (const struct et_schema_field *field = f->schema->fields; field->key; field++)
        if (et_str_is(f->value->as.many.keys[f->i], field->key))
            return field->schema;
    return NULL;
}

/* After a map's members: a mistyped key is better told by its own name than by the one it misses.
 */
static enum et_status check_missing(struct check *c)
{
    const struct frame *f = &c->frames[c->depth - 1];
    if (f->schema->type != ET_SCHEMA_MAP)
        return ET_OK;
    for (const struct et_schema_field *field = f->schema->fields; field->key; field++)
        if (field->is_required && !et_value_get(f->value, field->key))
            return fail_at(c, et_value_place(f->value), c->depth - 1, "the key \"%s\" is missing",
                           field->key);
    return ET_OK;
}

static enum et_status next_member(struct check *c)
{
    struct frame *f = &c->frames[c->depth - 1];
    if (f->i == f->value->as.many.n_items) {
        const enum et_status st = check_missing(c);
        c->depth--;
        if (c->depth > 0)
            c->frames[c->depth - 1].i++;
        return st;
    }
    const struct et_schema *schema = member_schema(f);
    if (!schema)
        return fail_unknown(c, f, f->i);

    const size_t depth = c->depth;
    const enum et_status st = check_one(c, &f->value->as.many.items[f->i], schema);
    if (c->depth == depth)
        f->i++;
    return st;
}

enum et_status et_schema_check(const struct et_value *value, const struct et_schema *schema,
                               const char *path, struct et_err *err)
{
    assert(value && schema);
    struct check c = {.path = path, .err = err};
    enum et_status st = check_one(&c, value, schema);
    while (st == ET_OK && c.depth > 0)
        st = next_member(&c);
    return st;
}

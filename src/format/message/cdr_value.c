/* A document written as CDR, by a definition. */
#include "etude/base64.h"
#include "etude/cdr.h"
#include "message__path.h"

#include <assert.h>
#include <math.h>

#define DEPTH_MAX (2 * ET_MSGDEF_DEPTH_MAX + 2)
#define ARENA_BYTES ((size_t)1 << 30) // of bytes in base64, one field at a time

/* A message, or a list of messages or texts, that is being written. */
struct level {
    const struct et_msgdef_type *type;        // of a message
    const struct et_msgdef_field *list_field; // of a list, else NULL
    const struct et_value *value;             // NULL: absent
    size_t i, n;
};

struct writing {
    struct et_cdr cdr;
    struct et_arena *arena;
    struct et_err *err;
    struct level stack[DEPTH_MAX];
    size_t depth;
};

// ---- failures --------------------------------------------------------------------------------

static void put_path(const struct writing *w, struct et_buf *path)
{
    for (size_t i = 0; i < w->depth; i++) {
        const struct level *level = &w->stack[i];
        if (level->i > 0 && level->list_field)
            et_buf_printf(path, "[%zu]", level->i - 1);
        else if (level->i > 0)
            et_buf_printf(path, "%s%.*s", path->n ? "." : "",
                          ET_STR_ARG(level->type->fields[level->i - 1].name));
    }
}

static enum et_status fail(const struct writing *w, enum et_status st, const char *fmt, ...)
    ET_PRINTF(3, 4);
static enum et_status fail(const struct writing *w, enum et_status st, const char *fmt, ...)
{
    struct et_buf path = et_buf(200), why = et_buf(200);
    va_list args;
    put_path(w, &path);
    va_start(args, fmt);
    et_buf_vprintf(&why, fmt, args);
    va_end(args);
    path.status = why.status = ET_OK; // what is too long is left out
    (void)et_fail(w->err, st, -1, "%s%s%s", et_buf_text(&path), path.n ? ": " : "",
                  et_buf_text(&why));
    et_buf_free(&path);
    et_buf_free(&why);
    return st;
}

static enum et_status fail_kind(const struct writing *w, const struct et_value *value,
                                const char *wanted)
{
    return fail(w, ET_EARG, "%s where %s is wanted", et_value_kind_text(value->kind), wanted);
}

// ---- numbers ---------------------------------------------------------------------------------

/* Range of an integer kind, as signed numbers; of uint64 the part that they hold. */
static void range_of(enum et_msg_kind kind, int64_t *least, int64_t *greatest)
{
    const bool is_signed =
        kind == ET_MSG_INT8 || kind == ET_MSG_INT16 || kind == ET_MSG_INT32 || kind == ET_MSG_INT64;
    const size_t n_bits = 8 * et_msg_kind_bytes(kind);
    *greatest = n_bits == 64 ? INT64_MAX : (INT64_C(1) << (n_bits - is_signed)) - 1;
    *least = is_signed ? -*greatest - 1 : 0;
}

/* An unsigned number beyond INT64_MAX is a string of digits. */
static enum et_status to_integer(struct writing *w, enum et_msg_kind kind,
                                 const struct et_value *value, int64_t *integer)
{
    int64_t least, greatest;
    range_of(kind, &least, &greatest);
    if (kind == ET_MSG_UINT64 && value->kind == ET_VALUE_STRING) {
        const struct et_str text = value->as.string;
        uint64_t sum = 0;
        bool is_number = text.n > 0 && text.n <= 20;
        for (size_t i = 0; i < text.n && is_number; i++) {
            const uint64_t digit = (uint64_t)(uint8_t)text.p[i] - '0';
            is_number = digit <= 9 && sum <= (UINT64_MAX - digit) / 10;
            sum = 10 * sum + digit;
        }
        *integer = (int64_t)sum;
        return is_number ? ET_OK : fail_kind(w, value, "a uint64");
    }
    const bool is_whole = value->kind == ET_VALUE_REAL && value->as.real == trunc(value->as.real) &&
                          fabs(value->as.real) <= 0x1p53;
    if (value->kind != ET_VALUE_INT && !is_whole)
        return fail_kind(w, value, et_msg_kind_text(kind));
    *integer = is_whole ? (int64_t)value->as.real : value->as.integer;
    if (*integer < least || *integer > greatest)
        return fail(w, ET_EARG, "%lld is beyond %s", (long long)*integer, et_msg_kind_text(kind));
    return ET_OK;
}

static void put_integer(struct et_cdr *cdr, enum et_msg_kind kind, int64_t integer)
{
    switch (et_msg_kind_bytes(kind)) {
    case 1:
        et_cdr_u8(cdr, (uint8_t)integer);
        return;
    case 2:
        et_cdr_u16(cdr, (uint16_t)integer);
        return;
    case 4:
        et_cdr_u32(cdr, (uint32_t)integer);
        return;
    default:
        et_cdr_u64(cdr, (uint64_t)integer);
        return;
    }
}

static enum et_status put_real(struct writing *w, enum et_msg_kind kind,
                               const struct et_value *value)
{
    if (value && value->kind != ET_VALUE_NULL && !et_value_is_number(value))
        return fail_kind(w, value, et_msg_kind_text(kind));
    const double real = !value                         ? 0
                        : value->kind == ET_VALUE_NULL ? (double)NAN
                                                       : et_value_real(value, 0);
    if (kind == ET_MSG_FLOAT32)
        et_cdr_f32(&w->cdr, (float)real);
    else
        et_cdr_f64(&w->cdr, real);
    return ET_OK;
}

/* A time is a map of its two fields, which are numbers. */
static enum et_status put_time(struct writing *w, const struct et_msgdef_type *type,
                               const struct et_value *value)
{
    int64_t parts[2] = {0, 0};
    if (value && value->kind != ET_VALUE_MAP)
        return fail_kind(w, value, "a map of a time's two fields");
    for (size_t i = 0; i < et_value_count(value); i++) {
        const struct et_str key = value->as.many.keys[i];
        const size_t k = et_str_eq(key, type->fields[0].name) ? 0 : 1;
        if (!et_str_eq(key, type->fields[k].name))
            return fail(w, ET_EARG, "a time has no field %.*s", ET_STR_ARG(key));
        const enum et_status st =
            to_integer(w, type->fields[k].kind, &value->as.many.items[i], &parts[k]);
        if (st != ET_OK)
            return st;
    }
    put_integer(&w->cdr, type->fields[0].kind, parts[0]);
    put_integer(&w->cdr, type->fields[1].kind, parts[1]);
    return ET_OK;
}

static enum et_status put_number(struct writing *w, const struct et_msgdef_field *f,
                                 const struct et_value *value)
{
    int64_t integer = 0;
    if (f->kind == ET_MSG_FLOAT32 || f->kind == ET_MSG_FLOAT64)
        return put_real(w, f->kind, value);
    if (value && value->kind == ET_VALUE_NULL)
        value = NULL;
    if (f->kind == ET_MSG_TIME || f->kind == ET_MSG_DURATION)
        return put_time(w, f->type, value);
    if (value && value->kind == ET_VALUE_BOOL && f->kind == ET_MSG_BOOL) {
        et_cdr_bool(&w->cdr, value->as.boolean);
        return ET_OK;
    }
    const enum et_status st =
        value ? to_integer(w, f->kind == ET_MSG_BOOL ? ET_MSG_UINT8 : f->kind, value, &integer)
              : ET_OK;
    if (st == ET_OK)
        put_integer(&w->cdr, f->kind, f->kind == ET_MSG_BOOL ? integer != 0 : integer);
    return st;
}

static enum et_status put_text(struct writing *w, const struct et_msgdef_field *f,
                               const struct et_value *value)
{
    struct et_str text = {NULL, 0};
    if (value && value->kind == ET_VALUE_STRING)
        text = value->as.string;
    else if (value && value->kind != ET_VALUE_NULL)
        return fail_kind(w, value, "a string");
    if (f->text_bytes_max > 0 && text.n > f->text_bytes_max)
        return fail(w, ET_EARG, "a text of %zu bytes, where %u are allowed", text.n,
                    f->text_bytes_max);
    if (text.n > 0 && memchr(text.p, '\0', text.n))
        return fail(w, ET_EARG, "a text with a NUL in it");
    et_cdr_text(&w->cdr, text);
    return ET_OK;
}

// ---- lists -----------------------------------------------------------------------------------

/* The number of elements to write; that of the value must fit the definition. */
static enum et_status count_of(const struct writing *w, const struct et_msgdef_field *f,
                               const struct et_value *value, size_t n_given, size_t *n)
{
    *n = value ? n_given : f->array == ET_MSG_FIXED ? f->n_array : 0;
    if (f->array == ET_MSG_FIXED && *n != f->n_array)
        return fail(w, ET_EARG, "%zu elements, where there are %u", *n, f->n_array);
    if (f->array == ET_MSG_SEQUENCE && f->n_array > 0 && *n > f->n_array)
        return fail(w, ET_EARG, "%zu elements, where at most %u are allowed", *n, f->n_array);
    return ET_OK;
}

static enum et_status put_base64(struct writing *w, const struct et_msgdef_field *f,
                                 const struct et_value *value)
{
    const struct et_arena_mark mark = et_arena_mark(w->arena);
    const struct et_str text = value->as.string;
    char *bytes = et_arena_alloc(w->arena, ET_BASE64_BYTES(text.n) + 1);
    size_t n_given, n;
    if (!bytes)
        return et_arena_fail(w->arena, "the bytes of a field", w->err);
    enum et_status st = ET_OK;
    if (!et_base64_get(text, bytes, &n_given))
        st = fail(w, ET_EARG, "a string that is not base64");
    if (st == ET_OK)
        st = count_of(w, f, value, n_given, &n);
    if (st == ET_OK && f->array == ET_MSG_SEQUENCE)
        et_cdr_bytes(&w->cdr, bytes, n);
    else if (st == ET_OK)
        et_buf_put(w->cdr.buf, bytes, n);
    et_arena_rewind(w->arena, mark);
    return st;
}

static enum et_status put_numbers(struct writing *w, const struct et_msgdef_field *f,
                                  const struct et_value *value)
{
    size_t n;
    if (value && value->kind == ET_VALUE_NULL)
        value = NULL;
    if (value && value->kind == ET_VALUE_STRING && et_msg_kind_bytes(f->kind) == 1)
        return put_base64(w, f, value);
    if (value && value->kind != ET_VALUE_LIST)
        return fail_kind(w, value, "a list");
    enum et_status st = count_of(w, f, value, et_value_count(value), &n);
    if (st == ET_OK && f->array == ET_MSG_SEQUENCE)
        et_cdr_count(&w->cdr, n);
    for (size_t i = 0; i < n && st == ET_OK && w->cdr.buf->status == ET_OK; i++)
        st = put_number(w, f, et_value_at(value, i));
    return st;
}

static enum et_status push(struct writing *w, struct level level)
{
    assert(w->depth < DEPTH_MAX);
    w->stack[w->depth++] = level;
    return ET_OK;
}

static enum et_status push_list(struct writing *w, const struct et_msgdef_field *f,
                                const struct et_value *value)
{
    size_t n;
    if (value && value->kind == ET_VALUE_NULL)
        value = NULL;
    if (value && value->kind != ET_VALUE_LIST)
        return fail_kind(w, value, "a list");
    const enum et_status st = count_of(w, f, value, et_value_count(value), &n);
    if (st != ET_OK)
        return st;
    if (f->array == ET_MSG_SEQUENCE)
        et_cdr_count(&w->cdr, n);
    return push(w, (struct level){.list_field = f, .value = value, .n = n});
}

static enum et_status push_message(struct writing *w, const struct et_msgdef_type *type,
                                   const struct et_value *value)
{
    if (value && value->kind == ET_VALUE_NULL)
        value = NULL;
    if (value && value->kind != ET_VALUE_MAP)
        return fail_kind(w, value, "a map");
    if (type->is_missing)
        return fail(w, ET_ENOTFOUND, "%.*s is defined nowhere", ET_STR_ARG(type->name));
    for (size_t i = 0; i < et_value_count(value); i++)
        if (!et_msgdef_field(type, value->as.many.keys[i]))
            return fail(w, ET_EARG, "%.*s has no field %.*s", ET_STR_ARG(type->name),
                        ET_STR_ARG(value->as.many.keys[i]));
    if (type->n_fields == 0)
        et_cdr_empty(&w->cdr);
    return push(w, (struct level){.type = type, .value = value, .n = type->n_fields});
}

// ---- the whole -------------------------------------------------------------------------------

static enum et_status put_one(struct writing *w, const struct et_msgdef_field *f,
                              const struct et_value *value)
{
    if (f->kind == ET_MSG_STRING)
        return put_text(w, f, value);
    if (f->kind == ET_MSG_NESTED)
        return push_message(w, f->type, value);
    return put_number(w, f, value);
}

static enum et_status put_field(struct writing *w, const struct et_msgdef_field *f,
                                const struct et_value *value)
{
    const bool is_null = !value || value->kind == ET_VALUE_NULL;
    const bool is_float = f->kind == ET_MSG_FLOAT32 || f->kind == ET_MSG_FLOAT64;
    if (f->kind == ET_MSG_WSTRING)
        return fail(w, ET_EUNSUPPORTED, "a wstring, whose bytes depend on the reader");
    if (is_null && f->default_text.p && !(value && is_float) && !f->type) {
        const enum et_status st =
            et_msgdef_literal(f->kind, f->array, f->default_text, w->arena, &value, w->err);
        if (st != ET_OK)
            return st;
    }
    if (f->array == ET_MSG_ONE)
        return put_one(w, f, value);
    return et_msg_kind_bytes(f->kind) > 0 ? put_numbers(w, f, value) : push_list(w, f, value);
}

static const struct et_value *member(const struct et_value *value, struct et_str name)
{
    for (size_t i = 0; i < et_value_count(value); i++)
        if (et_str_eq(value->as.many.keys[i], name))
            return &value->as.many.items[i];
    return NULL;
}

static enum et_status step_on(struct writing *w)
{
    struct level *level = &w->stack[w->depth - 1];
    if (level->i == level->n) {
        w->depth--;
        return ET_OK;
    }
    const size_t i = level->i++;
    if (level->list_field)
        return put_one(w, level->list_field, et_value_at(level->value, i));
    const struct et_msgdef_field *f = &level->type->fields[i];
    return put_field(w, f, level->value ? member(level->value, f->name) : NULL);
}

enum et_status et_cdr_write(const struct et_msgdef *def, const struct et_value *value,
                            struct et_buf *buf, struct et_err *err)
{
    struct writing w = {.err = err};

    if (def->flavour == ET_MSGDEF_PROTOBUF)
        return et_fail(err, ET_EUNSUPPORTED, -1, "messages of protobuf are not written as CDR");
    enum et_status st = et_arena_open(&w.arena, ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    w.cdr = et_cdr_begin(buf);
    st = push_message(&w, def->root, value);
    while (st == ET_OK && w.depth > 0 && buf->status == ET_OK)
        st = step_on(&w);
    if (st == ET_OK)
        st = et_buf_check(buf, "a message", err);
    et_arena_close(w.arena);
    return st;
}

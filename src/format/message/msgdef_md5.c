/* ROS 1's names of types: the MD5 of their text in a plain form, where inner messages are replaced
 * by their own MD5. */
#include "message__def.h"

#include <stdio.h>

#define HEX_BYTES (ET_MSGDEF_MD5_CHARS + 1)

struct sums {
    const struct et_msgdef *def;
    char (*hex)[HEX_BYTES]; // one a type, "" before it is known
    size_t stack[ET_MSGDEF_DEPTH_MAX + 1];
    size_t n;
    struct et_err *err;
};

static void put_field(struct et_buf *text, const struct et_msgdef_field *f, const char *inner)
{
    // A message has no array here, whatever it is in the definition.
    if (inner)
        et_buf_puts(text, inner);
    else
        et_buf_putstr(text, f->spelled);
    if (!inner && f->array == ET_MSG_SEQUENCE)
        et_buf_puts(text, "[]");
    if (!inner && f->array == ET_MSG_FIXED)
        et_buf_printf(text, "[%u]", f->n_array);
    et_buf_printf(text, " %.*s\n", ET_STR_ARG(f->name));
}

static enum et_status sum_type(struct sums *s, const struct et_msgdef_type *type)
{
    struct et_buf text = et_buf(ET_MSGDEF_TEXT_BYTES_MAX);
    uint8_t digest[16];
    for (size_t i = 0; i < type->n_constants; i++)
        et_buf_printf(&text, "%.*s %.*s=%.*s\n", ET_STR_ARG(type->constants[i].spelled),
                      ET_STR_ARG(type->constants[i].name), ET_STR_ARG(type->constants[i].text));
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct et_msgdef_field *f = &type->fields[i];
        put_field(&text, f, f->kind == ET_MSG_NESTED ? s->hex[f->type->index] : NULL);
    }
    const enum et_status st = et_buf_check(&text, "the text of a message definition", s->err);
    et__md5(text.p, text.n ? text.n - 1 : 0, digest); // without the last line's end
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(s->hex[type->index] + 2 * i, 3, "%02x", digest[i]);
    et_buf_free(&text);
    return st;
}

/* Sums the type on top of the stack, or puts one that it needs first on top of it. */
static enum et_status step_on(struct sums *s)
{
    const struct et_msgdef_type *type = s->def->types[s->stack[s->n - 1]];
    if (type->is_missing)
        return et_fail(s->err, ET_ENOTFOUND, -1, "no definition of %.*s", ET_STR_ARG(type->name));
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct et_msgdef_field *f = &type->fields[i];
        if (f->kind != ET_MSG_NESTED || s->hex[f->type->index][0])
            continue;
        s->stack[s->n++] = f->type->index; // as deep as a definition may be, at most
        return ET_OK;
    }
    s->n--;
    return sum_type(s, type);
}

enum et_status et_msgdef_md5(const struct et_msgdef *def, const struct et_msgdef_type *type,
                             char hex[ET_MSGDEF_MD5_CHARS + 1], struct et_err *err)
{
    struct et_arena *arena = NULL;
    struct sums s = {.def = def, .err = err};

    hex[0] = '\0';
    if (def->flavour != ET_MSGDEF_ROS1)
        return et_fail(err, ET_EARG, -1, "only types of ROS 1 have an MD5");
    enum et_status st = et_arena_open(&arena, (def->n_types + 1) * HEX_BYTES, err);
    if (st != ET_OK)
        return st;
    s.hex = et_arena_array(arena, def->n_types, HEX_BYTES);
    if (!s.hex)
        st = et_arena_fail(arena, "the sums of a definition", err);
    else
        s.stack[s.n++] = type->index;
    while (st == ET_OK && s.n > 0)
        st = step_on(&s);
    if (st == ET_OK)
        memcpy(hex, s.hex[type->index], HEX_BYTES);
    et_arena_close(arena);
    return st;
}

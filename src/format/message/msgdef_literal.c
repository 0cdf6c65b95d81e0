/* Values written in definitions: constants and defaults. */
#include "message__def.h"

#include <math.h>
#include <stdlib.h>

struct literal {
    struct et_arena *arena;
    struct et_err *err;
};

static enum et_status fail(const struct literal *l, enum et_msg_kind kind, struct et_str text)
{
    return et_fail(l->err, ET_ECORRUPT, -1, "\"%.*s\" is not a value of the kind %s",
                   ET_STR_ARG(text), et_msg_kind_text(kind));
}

static enum et_status fail_memory(const struct literal *l)
{
    return et_arena_fail(l->arena, "a value of a definition", l->err);
}

static bool to_bool(struct et_str text, bool *value)
{
    *value = et_str_is(text, "true") || et_str_is(text, "True") || et_str_is(text, "1");
    return *value || et_str_is(text, "false") || et_str_is(text, "False") || et_str_is(text, "0");
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 99;
}

/* Sign and amount of an integer: decimal, 0x…, or octal behind a 0. */
static bool to_integer(struct et_str text, bool *is_negative, uint64_t *amount)
{
    size_t i = text.n > 0 && (text.p[0] == '-' || text.p[0] == '+');
    unsigned base = 10;
    *is_negative = i > 0 && text.p[0] == '-';
    *amount = 0;
    if (text.n - i > 2 && text.p[i] == '0' && (text.p[i + 1] == 'x' || text.p[i + 1] == 'X')) {
        base = 16;
        i += 2;
    } else if (text.n - i > 1 && text.p[i] == '0') {
        base = 8;
        i += 1;
    }
    if (i == text.n)
        return false;
    for (; i < text.n; i++) {
        const unsigned digit = (unsigned)digit_of(text.p[i]);
        if (digit >= base || *amount > (UINT64_MAX - digit) / base)
            return false;
        *amount = *amount * base + digit;
    }
    return true;
}

/* The greatest amounts below and above zero that a kind holds. */
static void range_of(enum et_msg_kind kind, uint64_t *below, uint64_t *above)
{
    const size_t n_bits = 8 * et_msg_kind_bytes(kind);
    const bool is_signed =
        kind == ET_MSG_INT8 || kind == ET_MSG_INT16 || kind == ET_MSG_INT32 || kind == ET_MSG_INT64;
    *above = is_signed ? (UINT64_C(1) << (n_bits - 1)) - 1 : UINT64_MAX >> (64 - n_bits);
    *below = is_signed ? UINT64_C(1) << (n_bits - 1) : 0;
}

static enum et_status integer(const struct literal *l, enum et_msg_kind kind, struct et_str text,
                              struct et_value *value)
{
    uint64_t amount, below, above;
    bool is_negative;
    range_of(kind, &below, &above);
    if (!to_integer(text, &is_negative, &amount) || amount > (is_negative ? below : above))
        return fail(l, kind, text);
    value->kind = ET_VALUE_INT;
    value->as.integer = (int64_t)(is_negative ? 0 - amount : amount);
    if (is_negative || amount <= INT64_MAX)
        return ET_OK;
    value->kind = ET_VALUE_STRING;
    value->as.string = et_str(et_arena_printf(l->arena, "%llu", (unsigned long long)amount));
    return value->as.string.p ? ET_OK : fail_memory(l);
}

/* The character that a backslash and c stand for. */
static char escaped(char c)
{
    static const char FROM[] = "nrtabfv0", TO[] = "\n\r\t\a\b\f\v";
    const char *at = c ? strchr(FROM, c) : NULL;
    return at ? TO[at - FROM] : c;
}

/* Without its quotes, if it has them. */
static enum et_status string(const struct literal *l, struct et_str text, struct et_value *value)
{
    const bool is_quoted =
        text.n >= 2 && (text.p[0] == '"' || text.p[0] == '\'') && text.p[text.n - 1] == text.p[0];
    char *copy = et_arena_copy(l->arena, text.p, text.n);
    if (!copy)
        return fail_memory(l);
    value->kind = ET_VALUE_STRING;
    value->as.string = (struct et_str){copy, text.n};
    if (!is_quoted)
        return ET_OK;
    size_t n = 0;
    for (size_t i = 1; i + 1 < text.n; i++) {
        const bool is_escape = text.p[i] == '\\' && i + 2 < text.n;
        i += is_escape;
        copy[n++] = is_escape ? escaped(text.p[i]) : text.p[i];
    }
    copy[n] = '\0';
    value->as.string.n = n;
    return ET_OK;
}

static enum et_status one(const struct literal *l, enum et_msg_kind kind, struct et_str text,
                          struct et_value *value)
{
    switch (kind) {
    case ET_MSG_BOOL:
        value->kind = ET_VALUE_BOOL;
        return to_bool(text, &value->as.boolean) ? ET_OK : fail(l, kind, text);
    case ET_MSG_FLOAT32:
    case ET_MSG_FLOAT64:
        value->kind = ET_VALUE_REAL;
        return et_str_to_double(text, &value->as.real) ? ET_OK : fail(l, kind, text);
    case ET_MSG_STRING:
    case ET_MSG_WSTRING:
        return string(l, text, value);
    case ET_MSG_INT8:
    case ET_MSG_UINT8:
    case ET_MSG_INT16:
    case ET_MSG_UINT16:
    case ET_MSG_INT32:
    case ET_MSG_UINT32:
    case ET_MSG_INT64:
    case ET_MSG_UINT64:
        return integer(l, kind, text, value);
    case ET_MSG_BYTES:
    case ET_MSG_TIME:
    case ET_MSG_DURATION:
    case ET_MSG_NESTED:
        break;
    }
    return fail(l, kind, text);
}

/* Cuts the next element off at a comma that is not within quotes. */
static bool take_element(struct et_str *rest, struct et_str *element)
{
    char quote = '\0';
    size_t i = 0;
    if (rest->n == 0)
        return false;
    for (; i < rest->n; i++) {
        const char c = rest->p[i];
        if (quote && c == '\\')
            i++;
        else if (quote && c == quote)
            quote = '\0';
        else if (!quote && (c == '"' || c == '\''))
            quote = c;
        else if (!quote && c == ',')
            break;
    }
    if (i > rest->n)
        i = rest->n;
    const size_t n = i + (i < rest->n);
    *element = et_str_trim((struct et_str){rest->p, i});
    *rest = (struct et_str){rest->p + n, rest->n - n};
    return true;
}

static enum et_status list(const struct literal *l, enum et_msg_kind kind, struct et_str text,
                           struct et_value *value)
{
    struct et_str rest, element;
    size_t n = 0;

    if (text.n < 2 || text.p[0] != '[' || text.p[text.n - 1] != ']')
        return et_fail(l->err, ET_ECORRUPT, -1, "\"%.*s\" is not a list in brackets",
                       ET_STR_ARG(text));
    const struct et_str inner = et_str_trim((struct et_str){text.p + 1, text.n - 2});
    for (rest = inner; take_element(&rest, &element);)
        n++;
    value->kind = ET_VALUE_LIST;
    value->as.many.n_items = n;
    value->as.many.items = et_arena_array(l->arena, n, sizeof *value->as.many.items);
    if (!value->as.many.items)
        return fail_memory(l);
    rest = inner;
    for (size_t i = 0; i < n && take_element(&rest, &element); i++) {
        const enum et_status st = one(l, kind, element, &value->as.many.items[i]);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

enum et_status et_msgdef_literal(enum et_msg_kind kind, enum et_msg_array array, struct et_str text,
                                 struct et_arena *arena, const struct et_value **value,
                                 struct et_err *err)
{
    const struct literal l = {arena, err};
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et_value *made = et_arena_alloc(arena, sizeof *made);

    *value = NULL;
    if (!made)
        return fail_memory(&l);
    const enum et_status st =
        array == ET_MSG_ONE ? one(&l, kind, text, made) : list(&l, kind, text, made);
    if (st == ET_OK)
        *value = made;
    else
        et_arena_rewind(arena, mark);
    return st;
}

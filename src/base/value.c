#include "etude/value.h"

#include <math.h>

// Integers up to here are exact in a double, so a real there may stand for an integer.
#define EXACT_MAX 0x1p53

const struct et_value *et_value_get(const struct et_value *value, const char *key)
{
    if (!value || value->kind != ET_VALUE_MAP)
        return NULL;
    for (size_t i = 0; i < value->as.many.n_items; i++)
        if (et_str_is(value->as.many.keys[i], key))
            return &value->as.many.items[i];
    return NULL;
}

const struct et_value *et_value_at(const struct et_value *value, size_t i)
{
    return i < et_value_count(value) ? &value->as.many.items[i] : NULL;
}

size_t et_value_count(const struct et_value *value)
{
    if (!value || (value->kind != ET_VALUE_LIST && value->kind != ET_VALUE_MAP))
        return 0;
    return value->as.many.n_items;
}

bool et_value_bool(const struct et_value *value, bool otherwise)
{
    return value && value->kind == ET_VALUE_BOOL ? value->as.boolean : otherwise;
}

int64_t et_value_int(const struct et_value *value, int64_t otherwise)
{
    if (value && value->kind == ET_VALUE_INT)
        return value->as.integer;
    if (value && value->kind == ET_VALUE_REAL && fabs(value->as.real) <= EXACT_MAX &&
        value->as.real == trunc(value->as.real))
        return (int64_t)value->as.real;
    return otherwise;
}

double et_value_real(const struct et_value *value, double otherwise)
{
    if (value && value->kind == ET_VALUE_REAL)
        return value->as.real;
    if (value && value->kind == ET_VALUE_INT)
        return (double)value->as.integer;
    return otherwise;
}

const char *et_value_text(const struct et_value *value, const char *otherwise)
{
    return value && value->kind == ET_VALUE_STRING ? value->as.string.p : otherwise;
}

bool et_value_is_number(const struct et_value *value)
{
    return value && (value->kind == ET_VALUE_INT || value->kind == ET_VALUE_REAL);
}

const char *et_value_kind_text(enum et_value_kind kind)
{
    switch (kind) {
    case ET_VALUE_NULL:
        return "null";
    case ET_VALUE_BOOL:
        return "true or false";
    case ET_VALUE_INT:
        return "a whole number";
    case ET_VALUE_REAL:
        return "a number";
    case ET_VALUE_STRING:
        return "a string";
    case ET_VALUE_LIST:
        return "a list";
    case ET_VALUE_MAP:
        return "a map";
    }
    return "nothing known";
}

/* Canonical JSON (RFC 8785). */
#include "etude/json.h"

#include <math.h>
#include <stdlib.h>

#define WHOLE_MAX (INT64_C(1) << 53)
#define DIGITS_MAX 32
#define PLAIN_MAX 21   // places before the point that ECMAScript writes out (Number::toString)
#define PLAIN_MIN (-6) // and noughts behind it

/* The digits of a shortest text, and where the point stands among them: 0.digits × 10^point. */
static int take_digits(const char *text, char digits[DIGITS_MAX], int *point)
{
    int n = 0, exponent = 0;
    bool has_point = false;
    *point = 0;
    for (const char *p = text; *p; p++) {
        if (*p == 'e') {
            exponent = (int)strtol(p + 1, NULL, 10);
            break;
        }
        if (*p == '.') {
            has_point = true;
        } else if (*p != '-' && (n > 0 || *p != '0')) {
            digits[n++] = *p;
            *point += !has_point;
        } else if (*p == '0' && has_point) {
            *point -= 1; // a nought behind the point, before the first digit
        }
    }
    *point += exponent;
    while (n > 0 && digits[n - 1] == '0')
        n--;
    return n;
}

/* ECMAScript 2019, 7.1.12.1. */
static void put_real(struct et_buf *buf, double value)
{
    char text[32], digits[DIGITS_MAX];
    int point;
    if (value == 0) { // also −0
        et_buf_putc(buf, '0');
        return;
    }
    (void)et_double_text(value, text);
    const int n = take_digits(text, digits, &point);
    if (value < 0)
        et_buf_putc(buf, '-');
    if (n <= point && point <= PLAIN_MAX) {
        et_buf_printf(buf, "%.*s%.*s", n, digits, point - n, "000000000000000000000");
    } else if (0 < point && point <= PLAIN_MAX) {
        et_buf_printf(buf, "%.*s.%.*s", point, digits, n - point, digits + point);
    } else if (PLAIN_MIN < point && point <= 0) {
        et_buf_printf(buf, "0.%.*s%.*s", -point, "000000", n, digits);
    } else {
        et_buf_printf(buf, "%c%s%.*se%+d", digits[0], n > 1 ? "." : "", n - 1, digits + 1,
                      point - 1);
    }
}

/* A character's place in the order of UTF-16: what needs two units, which begin with 0xD800 …
 * 0xDBFF, stands before U+E000 … U+FFFF. Of UTF-8's first bytes: 0xF0 … 0xF4 and 0xEE, 0xEF. */
static int rank(unsigned char first)
{
    return first >= 0xf0 ? first - 0x02 : first >= 0xee ? first + 0x10 : first;
}

static int by_units(struct et_str a, struct et_str b)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i < n; i++)
        if (a.p[i] != b.p[i])
            return rank((unsigned char)a.p[i]) - rank((unsigned char)b.p[i]);
    return (a.n > b.n) - (a.n < b.n);
}

struct key {
    struct et_str text;
    size_t i; // of its member
};

static int by_key(const void *a, const void *b)
{
    return by_units(((const struct key *)a)->text, ((const struct key *)b)->text);
}

/* A list or map that is being written. */
struct level {
    const struct et_value *value;
    struct key *keys; // of a map, in their order; owned
    size_t i, n;
};

static bool is_container(const struct et_value *value)
{
    return value->kind == ET_VALUE_LIST || value->kind == ET_VALUE_MAP;
}

static enum et_status open_level(struct level *level, const struct et_value *value,
                                 struct et_buf *buf, struct et_err *err)
{
    const size_t n = et_value_count(value);
    *level = (struct level){.value = value, .n = n};
    et_buf_putc(buf, value->kind == ET_VALUE_MAP ? '{' : '[');
    if (value->kind != ET_VALUE_MAP || n == 0)
        return ET_OK;
    level->keys = calloc(n, sizeof *level->keys);
    if (!level->keys)
        return et_fail(err, ET_ENOMEM, -1, "out of memory for %zu keys", n);
    for (size_t i = 0; i < n; i++)
        level->keys[i] = (struct key){value->as.many.keys[i], i};
    qsort(level->keys, n, sizeof *level->keys, by_key);
    return ET_OK;
}

static void close_level(struct level *level, struct et_buf *buf)
{
    et_buf_putc(buf, level->value->kind == ET_VALUE_MAP ? '}' : ']');
    free(level->keys);
    level->keys = NULL;
}

static void put_text(struct et_buf *buf, struct et_str text)
{
    struct et_json_writer w = {.buf = buf};
    et_json_str(&w, text);
}

/* The next of a level, with what stands before it. */
static const struct et_value *next(struct level *level, struct et_buf *buf)
{
    const size_t i = level->i++;
    if (i > 0)
        et_buf_putc(buf, ',');
    if (!level->keys)
        return &level->value->as.many.items[i];
    put_text(buf, level->keys[i].text);
    et_buf_putc(buf, ':');
    return &level->value->as.many.items[level->keys[i].i];
}

static enum et_status put_scalar(struct et_buf *buf, const struct et_value *value,
                                 struct et_err *err)
{
    if (value->kind == ET_VALUE_INT &&
        (value->as.integer > WHOLE_MAX || value->as.integer < -WHOLE_MAX))
        return et_fail(err, ET_EARG, -1, "%lld is beyond 2^53: canonical JSON has no such number",
                       (long long)value->as.integer);
    if (value->kind == ET_VALUE_REAL && !isfinite(value->as.real))
        return et_fail(err, ET_EARG, -1, "a number that is none has no canonical JSON");
    if (value->kind == ET_VALUE_REAL) {
        put_real(buf, value->as.real);
    } else if (value->kind == ET_VALUE_STRING) {
        put_text(buf, value->as.string);
    } else {
        struct et_json_writer w = {.buf = buf};
        et_json_value(&w, value); // null, a bool, a whole number
    }
    return ET_OK;
}

enum et_status et_json_canonical(struct et_buf *buf, const struct et_value *value,
                                 struct et_err *err)
{
    struct level levels[ET_JSON_DEPTH_MAX];
    size_t depth = 0;
    enum et_status st = ET_OK;
    for (const struct et_value *now = value; st == ET_OK;) {
        if (!is_container(now))
            st = put_scalar(buf, now, err);
        else if (depth == ET_JSON_DEPTH_MAX)
            st = et_fail(err, ET_ELIMIT, -1, "nested deeper than %d", ET_JSON_DEPTH_MAX);
        else
            st = open_level(&levels[depth++], now, buf, err);
        while (st == ET_OK && depth > 0 && levels[depth - 1].i == levels[depth - 1].n)
            close_level(&levels[--depth], buf);
        if (st != ET_OK || depth == 0)
            break;
        now = next(&levels[depth - 1], buf);
    }
    while (depth > 0)
        free(levels[--depth].keys);
    return st;
}

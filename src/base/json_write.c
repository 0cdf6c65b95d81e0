#include "etude/json.h"

#include "base/base__text.h"

#include "etude/base64.h"

#include <assert.h>
#include <float.h>
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void new_line(struct et_json_writer *w)
{
    static const char SPACES[] = "                                ";
    if (w->indent <= 0)
        return;
    et_buf_putc(w->buf, '\n');
    for (size_t n = (size_t)w->indent * (size_t)w->depth; n > 0;) {
        const size_t now = n < sizeof SPACES - 1 ? n : sizeof SPACES - 1;
        et_buf_put(w->buf, SPACES, now);
        n -= now;
    }
}

// What stands before a key, and before a value that has no key.
static void begin_item(struct et_json_writer *w)
{
    if (w->is_after_key) {
        w->is_after_key = false;
        return;
    }
    if (w->depth == 0 || w->depth > ET_JSON_DEPTH_MAX)
        return;
    if (w->has_items[w->depth - 1])
        et_buf_putc(w->buf, ',');
    w->has_items[w->depth - 1] = true;
    new_line(w);
}

/* The depth may come from outside data, so one that is too deep makes the buffer fail. */
static void open_container(struct et_json_writer *w, char bracket)
{
    begin_item(w);
    et_buf_putc(w->buf, bracket);
    if (w->depth < ET_JSON_DEPTH_MAX)
        w->has_items[w->depth] = false;
    else if (w->buf->status == ET_OK)
        w->buf->status = ET_ELIMIT;
    w->depth++;
}

static void close_container(struct et_json_writer *w, char bracket)
{
    assert(w->depth > 0 && !w->is_after_key);
    w->depth--;
    if (w->depth < ET_JSON_DEPTH_MAX && w->has_items[w->depth])
        new_line(w);
    et_buf_putc(w->buf, bracket);
}

void et_json_open_map(struct et_json_writer *w)
{
    open_container(w, '{');
}

void et_json_close_map(struct et_json_writer *w)
{
    close_container(w, '}');
}

void et_json_open_list(struct et_json_writer *w)
{
    open_container(w, '[');
}

void et_json_close_list(struct et_json_writer *w)
{
    close_container(w, ']');
}

/* Two-character escapes where JSON has them, \u00xx for other control characters, U+FFFD for bytes
 * that are not UTF-8, so that what is written can always be read. */
static void put_escaped(struct et_buf *buf, unsigned char c)
{
    static const char SHORT[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i < sizeof SHORT - 1; i += 2) {
        if (c == (unsigned char)SHORT[i]) {
            et_buf_putc(buf, '\\');
            et_buf_putc(buf, SHORT[i + 1]);
            return;
        }
    }
    if (c < 0x20)
        et_buf_printf(buf, "\\u%04x", c);
    else
        et_buf_puts(buf, "\xef\xbf\xbd");
}

static void put_string(struct et_buf *buf, struct et_str s)
{
    et_buf_putc(buf, '"');
    size_t start = 0; // of the bytes that need no escape and are not yet written
    for (size_t i = 0; i < s.n;) {
        const unsigned char c = (unsigned char)s.p[i];
        const size_t length = et__utf8_length(s.p + i, s.n - i);
        if (length > 0 && c >= 0x20 && c != '"' && c != '\\') {
            i += length;
            continue;
        }
        et_buf_put(buf, s.p + start, i - start);
        put_escaped(buf, c);
        start = ++i;
    }
    if (s.n > start)
        et_buf_put(buf, s.p + start, s.n - start);
    et_buf_putc(buf, '"');
}

void et_json_key_str(struct et_json_writer *w, struct et_str key)
{
    assert(w->depth > 0 && !w->is_after_key);
    begin_item(w);
    put_string(w->buf, key);
    et_buf_puts(w->buf, w->indent > 0 ? ": " : ":");
    w->is_after_key = true;
}

void et_json_key(struct et_json_writer *w, const char *key)
{
    et_json_key_str(w, et_str(key));
}

void et_json_null(struct et_json_writer *w)
{
    begin_item(w);
    et_buf_puts(w->buf, "null");
}

void et_json_bool(struct et_json_writer *w, bool value)
{
    begin_item(w);
    et_buf_puts(w->buf, value ? "true" : "false");
}

void et_json_int(struct et_json_writer *w, int64_t value)
{
    begin_item(w);
    et_buf_printf(w->buf, "%lld", (long long)value);
}

void et_json_real(struct et_json_writer *w, double value)
{
    if (!isfinite(value)) {
        et_json_null(w);
        return;
    }
    char text[32];
    begin_item(w);
    et_buf_put(w->buf, text, et_double_text(value, text));
}

void et_json_str(struct et_json_writer *w, struct et_str value)
{
    begin_item(w);
    put_string(w->buf, value);
}

void et_json_bytes(struct et_json_writer *w, const void *bytes, size_t n)
{
    begin_item(w);
    et_buf_putc(w->buf, '"');
    et_base64_put(w->buf, bytes, n);
    et_buf_putc(w->buf, '"');
}

void et_json_text(struct et_json_writer *w, const char *value)
{
    if (value)
        et_json_str(w, et_str(value));
    else
        et_json_null(w);
}

static void put_scalar(struct et_json_writer *w, const struct et_value *value)
{
    switch (value->kind) {
    case ET_VALUE_BOOL:
        et_json_bool(w, value->as.boolean);
        return;
    case ET_VALUE_INT:
        et_json_int(w, value->as.integer);
        return;
    case ET_VALUE_REAL:
        et_json_real(w, value->as.real);
        return;
    case ET_VALUE_STRING:
        et_json_str(w, value->as.string);
        return;
    case ET_VALUE_NULL:
    case ET_VALUE_LIST:
    case ET_VALUE_MAP:
        et_json_null(w);
        return;
    }
}

static bool is_container(const struct et_value *value)
{
    return value->kind == ET_VALUE_LIST || value->kind == ET_VALUE_MAP;
}

void et_json_value(struct et_json_writer *w, const struct et_value *value)
{
    struct {
        const struct et_value *value;
        size_t i;
    } stack[ET_JSON_DEPTH_MAX];
    size_t depth = 0;

    const struct et_value *now = value;
    for (;;) {
        if (now && is_container(now)) {
            open_container(w, now->kind == ET_VALUE_MAP ? '{' : '[');
            if (w->buf->status != ET_OK) // full, or too deep: nothing that follows would count
                return;
            assert(depth < ET_JSON_DEPTH_MAX);
            stack[depth].value = now;
            stack[depth++].i = 0;
        } else if (now) {
            put_scalar(w, now);
        } else {
            et_json_null(w);
        }
        // Back to the innermost container that has something left.
        while (depth > 0 && stack[depth - 1].i == et_value_count(stack[depth - 1].value))
            close_container(w, stack[--depth].value->kind == ET_VALUE_MAP ? '}' : ']');
        if (depth == 0)
            return;
        const struct et_value *parent = stack[depth - 1].value;
        const size_t i = stack[depth - 1].i++;
        if (parent->kind == ET_VALUE_MAP)
            et_json_key_str(w, parent->as.many.keys[i]);
        now = &parent->as.many.items[i];
    }
}

void et_json_put_text(struct et_json_writer *w, const char *key, const char *value)
{
    et_json_key(w, key);
    et_json_text(w, value);
}

void et_json_put_int(struct et_json_writer *w, const char *key, int64_t value)
{
    et_json_key(w, key);
    et_json_int(w, value);
}

void et_json_put_real(struct et_json_writer *w, const char *key, double value)
{
    et_json_key(w, key);
    et_json_real(w, value);
}

void et_json_put_bool(struct et_json_writer *w, const char *key, bool value)
{
    et_json_key(w, key);
    et_json_bool(w, value);
}

/* Any decimal of up to 15 digits survives a normal double, so the shortest text has fewer only when
 * %.15g drops zeros; subnormals have fewer bits and are tried from one digit on. */
static void shortest(double value, char *text, size_t cap)
{
    int exponent;
    for (int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG; digits < DBL_DECIMAL_DIG; digits++) {
        (void)snprintf(text, cap, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return;
    }
    // Below a power of two doubles are twice as dense as above it. There the nearest 16 digits may
    // miss on the lower side while those on the upper side, up to half a step away, do not: they
    // are the nearest ones to the value and a quarter of a step.
    if (fabs(frexp(value, &exponent)) == 0.5) {
        (void)snprintf(text, cap, "%.*Lg", DBL_DECIMAL_DIG - 1,
                       (long double)value * (1 + 0x1p-54L));
        if (strtod(text, NULL) == value)
            return;
    }
    (void)snprintf(text, cap, "%.*g", DBL_DECIMAL_DIG, value);
}

size_t et_double_text(double value, char text[32])
{
    // With the decimal point of the locale, which may take several bytes; replaced below.
    char local[48];
    const char *point = nl_langinfo(RADIXCHAR);
    const size_t n_point = strlen(point);
    size_t n = 0;
    bool looks_real = false;

    assert(isfinite(value));
    shortest(value, local, sizeof local);
    for (const char *p = local; *p;) {
        const bool is_point = n_point > 0 && strncmp(p, point, n_point) == 0;
        looks_real |= is_point || *p == 'e';
        text[n++] = is_point ? '.' : *p;
        p += is_point ? n_point : 1;
        assert(n < 30);
    }
    if (!looks_real) {
        text[n++] = '.';
        text[n++] = '0';
    }
    text[n] = 0;
    return n;
}

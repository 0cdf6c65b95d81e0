#include "etude/str.h"

#include "base/base__text.h"

#include <assert.h>
#include <errno.h>
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// Longer words are compared by their first bytes, which is enough to guess what was meant.
#define GUESS_BYTES 48

bool et_str_eq(struct et_str a, struct et_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool et_str_is(struct et_str a, const char *z)
{
    return et_str_eq(a, et_str(z));
}

bool et_str_starts(struct et_str a, const char *prefix)
{
    const size_t n = strlen(prefix);
    return a.n >= n && (n == 0 || memcmp(a.p, prefix, n) == 0);
}

bool et_str_ends(struct et_str a, const char *suffix)
{
    const size_t n = strlen(suffix);
    return a.n >= n && (n == 0 || memcmp(a.p + a.n - n, suffix, n) == 0);
}

int et_str_cmp(struct et_str a, struct et_str b)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct et_str et_str_trim(struct et_str a)
{
    while (a.n > 0 && is_space(a.p[0])) {
        a.p++;
        a.n--;
    }
    while (a.n > 0 && is_space(a.p[a.n - 1]))
        a.n--;
    return a;
}

bool et_str_cut(struct et_str *rest, char separator, struct et_str *part)
{
    if (rest->n == 0)
        return false;
    const char *end = memchr(rest->p, separator, rest->n);
    if (!end) {
        *part = *rest;
        *rest = (struct et_str){NULL, 0};
        return true;
    }
    const size_t n = (size_t)(end - rest->p);
    *part = (struct et_str){rest->p, n};
    *rest = (struct et_str){end + 1, rest->n - n - 1};
    return true;
}

bool et_str_to_int64(struct et_str a, int64_t *value)
{
    const bool is_negative = a.n > 0 && a.p[0] == '-';
    size_t i = is_negative || (a.n > 0 && a.p[0] == '+');
    if (i == a.n)
        return false;

    // Counted downwards, because INT64_MIN has no positive counterpart.
    int64_t sum = 0;
    for (; i < a.n; i++) {
        if (a.p[i] < '0' || a.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, a.p[i] - '0', &sum))
            return false;
    }
    if (!is_negative && sum == INT64_MIN)
        return false;
    *value = is_negative ? sum : -sum;
    return true;
}

static bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-' || c == 'e' || c == 'E';
}

static bool is_number_word(struct et_str a)
{
    char word[8];
    if (a.n > 0 && (a.p[0] == '-' || a.p[0] == '+')) {
        a.p++;
        a.n--;
    }
    if (a.n > sizeof word)
        return false;
    for (size_t i = 0; i < a.n; i++)
        word[i] = (char)(a.p[i] >= 'A' && a.p[i] <= 'Z' ? a.p[i] - 'A' + 'a' : a.p[i]);
    const struct et_str lower = {word, a.n};
    return et_str_is(lower, "inf") || et_str_is(lower, "nan") || et_str_is(lower, "infinity");
}

bool et_str_to_double(struct et_str a, double *value)
{
    // The copy is what strtod needs: it wants an end, and the point of the locale that is set.
    char text[ET_DOUBLE_TEXT_MAX + 16];
    const char *point = nl_langinfo(RADIXCHAR);
    const size_t n_point = strlen(point);
    const bool is_word = is_number_word(a);
    size_t n = 0, n_points = 0;

    if (a.n == 0 || a.n > ET_DOUBLE_TEXT_MAX || n_point > 8)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (!is_word && !is_number_byte(a.p[i]))
            return false;
        if (a.p[i] != '.') {
            text[n++] = a.p[i];
            continue;
        }
        if (++n_points > 1)
            return false;
        memcpy(text + n, point, n_point);
        n += n_point;
    }
    assert(n < sizeof text);
    text[n] = 0;

    const int saved = errno;
    char *end;
    errno = 0;
    const double x = strtod(text, &end);
    const bool is_good = end == text + n && !(errno == ERANGE && isinf(x));
    errno = saved;
    if (is_good)
        *value = x;
    return is_good;
}

bool et_str_is_utf8(struct et_str a)
{
    for (size_t i = 0; i < a.n;) {
        const size_t length = et__utf8_length(a.p + i, a.n - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

enum et_status et_name_check(struct et_str name, const char *what, struct et_err *err)
{
    if (name.n == 0)
        return et_fail(err, ET_ECORRUPT, -1, "%s is empty", what);
    if (name.n > ET_NAME_BYTES_MAX)
        return et_fail(err, ET_ECORRUPT, -1, "%s has %zu bytes, more than %d", what, name.n,
                       ET_NAME_BYTES_MAX);
    if (!et_str_is_utf8(name))
        return et_fail(err, ET_ECORRUPT, -1, "%s is not UTF-8", what);
    for (size_t i = 0; i < name.n; i++) {
        const unsigned char c = (unsigned char)name.p[i];
        // U+0080 to U+009F are control characters too; in UTF-8 they begin with c2.
        const bool is_c1 = c == 0xc2 && (unsigned char)name.p[i + 1] < 0xa0;
        if (c < 0x20 || c == 0x7f || is_c1)
            return et_fail(err, ET_ECORRUPT, -1, "%s has a control character at byte %zu", what, i);
    }
    return ET_OK;
}

bool et_name_is_own(struct et_str name)
{
    if (name.n == 0 || name.n > ET_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        const char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'))
            return false;
    }
    return true;
}

size_t et_str_distance(struct et_str a, struct et_str b)
{
    size_t row[GUESS_BYTES + 1];
    const size_t n_a = a.n < GUESS_BYTES ? a.n : GUESS_BYTES;
    const size_t n_b = b.n < GUESS_BYTES ? b.n : GUESS_BYTES;

    for (size_t j = 0; j <= n_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            const size_t replaced = diagonal + (a.p[i - 1] != b.p[j - 1]);
            const size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[n_b];
}

const char *et_str_nearest(struct et_str word, const char *const *words)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    for (; *words; words++) {
        const size_t distance = et_str_distance(word, et_str(*words));
        if (distance < least) {
            least = distance;
            nearest = *words;
        }
    }
    return nearest;
}

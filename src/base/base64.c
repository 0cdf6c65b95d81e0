#include "etude/base64.h"

#include <assert.h>
#include <stdint.h>

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void et_base64_put(struct et_buf *buf, const void *bytes, size_t n)
{
    const unsigned char *from = bytes;

    if (n > SIZE_MAX / 2) {
        buf->status = ET_ELIMIT;
        return;
    }
    const size_t n_chars = (n + 2) / 3 * 4;
    char *to = et_buf_reserve(buf, n_chars);
    if (!to)
        return;
    for (size_t i = 0; i < n; i += 3) {
        const size_t left = n - i;
        const uint32_t bits = (uint32_t)from[i] << 16 |
                              (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
                              (left > 2 ? (uint32_t)from[i + 2] : 0);
        *to++ = DIGITS[bits >> 18];
        *to++ = DIGITS[bits >> 12 & 63];
        *to++ = left > 1 ? DIGITS[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? DIGITS[bits & 63] : '=';
    }
    buf->n += n_chars;
    assert(to == buf->p + buf->n);
}

// The value of a digit; 64 and more for what is none.
static uint32_t digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool et_base64_get(struct et_str text, void *bytes, size_t *n)
{
    unsigned char *to = bytes;
    size_t n_pads = 0;

    *n = 0;
    if (text.n % 4 != 0)
        return false;
    while (n_pads < 2 && n_pads < text.n && text.p[text.n - 1 - n_pads] == '=')
        n_pads++;
    for (size_t i = 0; i < text.n; i += 4) {
        const size_t n_bytes = i + 4 == text.n ? 3 - n_pads : 3;
        uint32_t bits = 0, bad = 0;
        for (size_t k = 0; k < 4; k++) {
            const uint32_t value = k <= n_bytes ? digit(text.p[i + k]) : 0;
            bad |= value & 64;
            bits = bits << 6 | (value & 63);
        }
        if (bad || (n_bytes < 3 && bits << (8 + 8 * n_bytes)))
            return false;
        for (size_t k = 0; k < n_bytes; k++)
            *to++ = (unsigned char)(bits >> (16 - 8 * k));
        *n += n_bytes;
    }
    return true;
}

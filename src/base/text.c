#include "base/base__text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void et__text_format(char *text, size_t cap, const char *fmt, va_list args)
{
    const int n = vsnprintf(text, cap, fmt, args);
    if (n < 0) {
        text[0] = 0;
        return;
    }
    size_t used = (size_t)n;
    if (used >= cap) {
        used = cap - 1;
        size_t start = used;
        while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
            start--;
        if (start > 0 && et__utf8_length(text + start - 1, used - start + 1) == 0)
            used = start - 1;
        text[used] = 0;
    }
    for (size_t i = 0; i < used; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
}

// The smallest code point that needs so many bytes: a shorter form of it is overlong.
static const uint32_t LEAST[5] = {0, 0, 0x80, 0x800, 0x10000};

size_t et__utf8_length(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x80)
        return 1;

    const size_t length = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    if (u[0] < 0xc0 || u[0] > 0xf4 || length > n)
        return 0;
    uint32_t code = u[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (u[i] & 0x3fu);
    }
    const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < LEAST[length] || code > 0x10ffff || is_surrogate ? 0 : length;
}

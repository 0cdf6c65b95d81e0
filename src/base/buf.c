#include "etude/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP_BYTES 256

void et_buf_free(struct et_buf *buf)
{
    if (!buf)
        return;
    free(buf->p);
    *buf = et_buf(buf->limit);
}

void et_buf_clear(struct et_buf *buf)
{
    buf->n = 0;
    buf->status = ET_OK;
}

/* Makes room for n bytes and one more, which et_buf_text needs for its NUL. The limit is about the
 * content and does not count that one. */
void *et_buf_reserve(struct et_buf *buf, size_t n)
{
    assert(buf->n <= buf->cap || buf->cap == 0);
    if (buf->status != ET_OK)
        return NULL;
    if (n > buf->limit || buf->n > buf->limit - n || buf->n + n == SIZE_MAX) {
        buf->status = ET_ELIMIT;
        return NULL;
    }
    const size_t needed = buf->n + n + 1;
    if (needed > buf->cap) {
        size_t cap = buf->cap < FIRST_CAP_BYTES ? FIRST_CAP_BYTES : buf->cap;
        while (cap < needed)
            cap = cap > SIZE_MAX / 2 ? needed : 2 * cap;
        if (cap - 1 > buf->limit)
            cap = buf->limit + 1;
        assert(cap >= needed);
        char *p = realloc(buf->p, cap);
        if (!p) {
            buf->status = ET_ENOMEM;
            return NULL;
        }
        buf->p = p;
        buf->cap = cap;
    }
    return buf->p + buf->n;
}

void et_buf_put(struct et_buf *buf, const void *p, size_t n)
{
    if (n == 0)
        return;
    void *to = et_buf_reserve(buf, n);
    if (!to)
        return;
    memcpy(to, p, n);
    buf->n += n;
}

void et_buf_putc(struct et_buf *buf, char c)
{
    et_buf_put(buf, &c, 1);
}

void et_buf_puts(struct et_buf *buf, const char *z)
{
    et_buf_put(buf, z, strlen(z));
}

void et_buf_putstr(struct et_buf *buf, struct et_str s)
{
    et_buf_put(buf, s.p, s.n);
}

void et_buf_vprintf(struct et_buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, args);
    if (n < 0) {
        if (buf->status == ET_OK)
            buf->status = ET_ELIMIT;
    } else {
        // The byte behind the content, which reserve always leaves, takes the NUL.
        char *to = et_buf_reserve(buf, (size_t)n);
        if (to) {
            (void)vsnprintf(to, (size_t)n + 1, fmt, again);
            buf->n += (size_t)n;
        }
    }
    va_end(again);
}

void et_buf_printf(struct et_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    et_buf_vprintf(buf, fmt, args);
    va_end(args);
}

const char *et_buf_text(struct et_buf *buf)
{
    if (buf->status != ET_OK || buf->n == 0)
        return "";
    assert(buf->n < buf->cap);
    buf->p[buf->n] = 0;
    return buf->p;
}

enum et_status et_buf_check(const struct et_buf *buf, const char *what, struct et_err *err)
{
    if (buf->status == ET_OK)
        return ET_OK;
    if (buf->status == ET_ENOMEM)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", what);
    return et_fail(err, buf->status, -1, "%s would take more than the limit of %zu bytes", what,
                   buf->limit);
}

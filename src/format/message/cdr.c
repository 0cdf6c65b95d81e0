#include "etude/cdr.h"

static const uint8_t HEADER[ET_CDR_HEADER_BYTES] = {0x00, 0x01, 0x00, 0x00}; // XCDR1, little-endian

struct et_cdr et_cdr_begin(struct et_buf *buf)
{
    et_buf_put(buf, HEADER, sizeof HEADER);
    return (struct et_cdr){buf, buf->n};
}

/* Padding, so that the next n bytes are aligned to n. */
static void align(struct et_cdr *w, size_t n)
{
    static const uint8_t ZEROS[8];
    const size_t past = (w->buf->n - w->origin) & (n - 1);
    if (past)
        et_buf_put(w->buf, ZEROS, n - past);
}

#define PUT(name, type)                              \
    void et_cdr_##name(struct et_cdr *w, type value) \
    {                                                \
        align(w, sizeof value);                      \
        et_buf_put(w->buf, &value, sizeof value);    \
    }
PUT(u8, uint8_t)
PUT(i8, int8_t)
PUT(u16, uint16_t)
PUT(i16, int16_t)
PUT(u32, uint32_t)
PUT(i32, int32_t)
PUT(u64, uint64_t)
PUT(i64, int64_t)
PUT(f32, float)
PUT(f64, double)

void et_cdr_bool(struct et_cdr *w, bool value)
{
    et_cdr_u8(w, value);
}

static void fail(struct et_cdr *w, enum et_status st)
{
    if (w->buf->status == ET_OK)
        w->buf->status = st;
}

void et_cdr_time(struct et_cdr *w, int64_t t_ns)
{
    int64_t s = t_ns / 1000000000, ns = t_ns % 1000000000;
    if (ns < 0) {
        s--;
        ns += 1000000000;
    }
    if (s < INT32_MIN || s > INT32_MAX) {
        fail(w, ET_ELIMIT);
        return;
    }
    et_cdr_i32(w, (int32_t)s);
    et_cdr_u32(w, (uint32_t)ns);
}

void et_cdr_text(struct et_cdr *w, struct et_str text)
{
    if (text.n >= UINT32_MAX || (text.n > 0 && memchr(text.p, '\0', text.n))) {
        fail(w, ET_ELIMIT);
        return;
    }
    et_cdr_u32(w, (uint32_t)text.n + 1);
    et_buf_putstr(w->buf, text);
    et_buf_putc(w->buf, '\0');
}

void et_cdr_count(struct et_cdr *w, size_t n)
{
    if (n > UINT32_MAX)
        fail(w, ET_ELIMIT);
    et_cdr_u32(w, (uint32_t)n);
}

/* Elements are aligned only where there are any. */
static void put_all(struct et_cdr *w, const void *values, size_t n, size_t size)
{
    et_cdr_count(w, n);
    if (n == 0)
        return;
    align(w, size);
    et_buf_put(w->buf, values, n * size);
}

void et_cdr_bytes(struct et_cdr *w, const void *bytes, size_t n)
{
    put_all(w, bytes, n, 1);
}

void et_cdr_f64s(struct et_cdr *w, const double *values, size_t n)
{
    put_all(w, values, n, sizeof *values);
}

void et_cdr_f32s(struct et_cdr *w, const float *values, size_t n)
{
    put_all(w, values, n, sizeof *values);
}

void et_cdr_i32s(struct et_cdr *w, const int32_t *values, size_t n)
{
    put_all(w, values, n, sizeof *values);
}

void et_cdr_texts(struct et_cdr *w, const struct et_str *texts, size_t n)
{
    et_cdr_count(w, n);
    for (size_t i = 0; i < n; i++)
        et_cdr_text(w, texts[i]);
}

void et_cdr_empty(struct et_cdr *w)
{
    et_cdr_u8(w, 0);
}

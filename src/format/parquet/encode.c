#include "format/parquet/parquet__encode.h"

#include <assert.h>
#include <math.h>

/* ---- PLAIN ---- */

static void write_texts(struct et_buf *buf, const struct et_str *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t n_bytes = (uint32_t)texts[i].n;
        et_buf_put(buf, &n_bytes, sizeof n_bytes);
        et_buf_putstr(buf, texts[i]);
    }
}

static void write_bits(struct et_buf *buf, const uint8_t *values, size_t n)
{
    const size_t n_bytes = (n + 7) / 8;
    uint8_t *to = et_buf_reserve(buf, n_bytes);
    if (!to)
        return;
    memset(to, 0, n_bytes);
    for (size_t i = 0; i < n; i++)
        to[i / 8] |= (uint8_t)((values[i] != 0) << (i % 8));
    buf->n += n_bytes;
}

void et__plain_write(struct et_buf *buf, enum et_parquet_type type, const void *values, size_t n)
{
    if (type == ET_PARQUET_BYTES)
        write_texts(buf, values, n);
    else if (type == ET_PARQUET_BOOL)
        write_bits(buf, values, n);
    else
        et_buf_put(buf, values, n * et__parquet_value_bytes(type));
}

/* ---- smallest and largest ---- */

/* Eight running extremes at once, which a compiler keeps in vector registers; a comparison with NaN
 * is false and leaves them as they are. */
#define LANES 8
#define DEFINE_EXTREMES(name, T, LOWEST, HIGHEST)            \
    static bool name(const T v[], size_t n, T both[2])       \
    {                                                        \
        T lo[LANES], hi[LANES];                              \
        for (size_t k = 0; k < LANES; k++) {                 \
            lo[k] = (HIGHEST);                               \
            hi[k] = (LOWEST);                                \
        }                                                    \
        size_t i = 0;                                        \
        for (; i + LANES <= n; i += LANES) {                 \
            for (size_t k = 0; k < LANES; k++) {             \
                lo[k] = v[i + k] < lo[k] ? v[i + k] : lo[k]; \
                hi[k] = v[i + k] > hi[k] ? v[i + k] : hi[k]; \
            }                                                \
        }                                                    \
        for (size_t k = 0; i < n; i++, k++) {                \
            lo[k] = v[i] < lo[k] ? v[i] : lo[k];             \
            hi[k] = v[i] > hi[k] ? v[i] : hi[k];             \
        }                                                    \
        for (size_t k = 1; k < LANES; k++) {                 \
            lo[0] = lo[k] < lo[0] ? lo[k] : lo[0];           \
            hi[0] = hi[k] > hi[0] ? hi[k] : hi[0];           \
        }                                                    \
        both[0] = lo[0];                                     \
        both[1] = hi[0];                                     \
        return lo[0] <= hi[0];                               \
    }
DEFINE_EXTREMES(extremes_bool, uint8_t, 0, UINT8_MAX)
DEFINE_EXTREMES(extremes_int32, int32_t, INT32_MIN, INT32_MAX)
DEFINE_EXTREMES(extremes_int64, int64_t, INT64_MIN, INT64_MAX)
DEFINE_EXTREMES(extremes_float, float, -INFINITY, INFINITY)
DEFINE_EXTREMES(extremes_double, double, -(double)INFINITY, (double)INFINITY)

static bool is_text_less(const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b)
{
    const int order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order < 0 || (order == 0 && n_a < n_b);
}

static void add_texts(struct et__extremes *e, const struct et_str *texts, size_t n)
{
    for (size_t i = 0; i < n && !e->are_too_long; i++) {
        const uint8_t *p = (const uint8_t *)(texts[i].n > 0 ? texts[i].p : "");
        const size_t n_bytes = texts[i].n;
        if (n_bytes > ET__EXTREME_BYTES_MAX) {
            e->are_too_long = true;
            break;
        }
        if (!e->exist || is_text_less(p, n_bytes, e->min, e->n_min)) {
            memcpy(e->min, p, n_bytes);
            e->n_min = n_bytes;
        }
        if (!e->exist || is_text_less(e->max, e->n_max, p, n_bytes)) {
            memcpy(e->max, p, n_bytes);
            e->n_max = n_bytes;
        }
        e->exist = true;
    }
}

#define ADD_EXTREMES(T, extremes_of)             \
    do {                                         \
        T both[2], old[2];                       \
        if (!extremes_of(values, n, both))       \
            break;                               \
        memcpy(&old[0], e->min, sizeof(T));      \
        memcpy(&old[1], e->max, sizeof(T));      \
        if (!e->exist || both[0] < old[0])       \
            memcpy(e->min, &both[0], sizeof(T)); \
        if (!e->exist || both[1] > old[1])       \
            memcpy(e->max, &both[1], sizeof(T)); \
        e->exist = true;                         \
        e->n_min = e->n_max = sizeof(T);         \
    } while (0)

void et__extremes_add(struct et__extremes *extremes, enum et_parquet_type type, const void *values,
                      size_t n)
{
    struct et__extremes *e = extremes;
    if (n == 0)
        return;
    switch (type) {
    case ET_PARQUET_BOOL:
        ADD_EXTREMES(uint8_t, extremes_bool);
        break;
    case ET_PARQUET_INT32:
        ADD_EXTREMES(int32_t, extremes_int32);
        break;
    case ET_PARQUET_INT64:
        ADD_EXTREMES(int64_t, extremes_int64);
        break;
    case ET_PARQUET_FLOAT:
        ADD_EXTREMES(float, extremes_float);
        break;
    case ET_PARQUET_DOUBLE:
        ADD_EXTREMES(double, extremes_double);
        break;
    case ET_PARQUET_BYTES:
        add_texts(e, values, n);
        break;
    case ET_PARQUET_INT96: // has no order
    case ET_PARQUET_FIXED: // is not written
        break;
    }
}

void et__extremes_end(struct et__extremes *extremes, enum et_parquet_type type)
{
    struct et__extremes *e = extremes;
    if (e->are_too_long)
        e->exist = false;
    if (!e->exist)
        return;
    if (type == ET_PARQUET_BOOL) {
        e->min[0] = e->min[0] != 0;
        e->max[0] = e->max[0] != 0;
    }
    // The sign is the last bit of a little-endian number; a zero has no other.
    const size_t n = e->n_min;
    static const uint8_t ZERO[8] = {0};
    if (type != ET_PARQUET_FLOAT && type != ET_PARQUET_DOUBLE)
        return;
    if (memcmp(e->min, ZERO, n - 1) == 0 && (e->min[n - 1] & 0x7f) == 0)
        e->min[n - 1] = 0x80;
    if (memcmp(e->max, ZERO, n - 1) == 0 && (e->max[n - 1] & 0x7f) == 0)
        e->max[n - 1] = 0;
}

#include "etude/rvl.h"

#include <string.h>

#define NIBBLES 8 // of a word
#define SIZE_BYTES 8
#define NUMBER_NIBBLES_MAX 11 // of 32 bits

/* ---- writing ---- */

struct writer {
    unsigned char *at;
    uint32_t word;
    int n_nibbles;
};

static void put_word(struct writer *w)
{
    for (int shift = 0; shift < 32; shift += 8)
        *w->at++ = (unsigned char)(w->word >> shift);
    w->word = 0;
    w->n_nibbles = 0;
}

static void put_number(struct writer *w, uint32_t value)
{
    do {
        const uint32_t rest = value >> 3;
        w->word = w->word << 4 | (value & 7) | (rest ? 8 : 0);
        if (++w->n_nibbles == NIBBLES)
            put_word(w);
        value = rest;
    } while (value);
}

void et_rvl_put(struct et_buf *buf, const uint16_t *values, size_t n)
{
    // A value takes 6 nibbles at most, and a pair of runs 2 more for each of its values.
    struct writer w = {.at = et_buf_reserve(buf, 4 * n + 4 * NUMBER_NIBBLES_MAX)};
    if (!w.at)
        return;
    const unsigned char *const begin = w.at;
    int32_t last = 0;
    for (size_t i = 0; i < n;) {
        const size_t first_zero = i;
        while (i < n && values[i] == 0)
            i++;
        const size_t first = i;
        while (i < n && values[i] != 0)
            i++;
        put_number(&w, (uint32_t)(first - first_zero));
        put_number(&w, (uint32_t)(i - first));
        for (size_t k = first; k < i; k++) {
            const int32_t step = values[k] - last;
            put_number(&w, (uint32_t)step << 1 ^ (uint32_t)(step >> 31));
            last = values[k];
        }
    }
    if (w.n_nibbles) {
        w.word <<= 4 * (NIBBLES - w.n_nibbles);
        put_word(&w);
    }
    buf->n += (size_t)(w.at - begin);
}

/* ---- reading ---- */

struct reader {
    const unsigned char *begin, *at, *end;
    uint32_t word;
    int n_nibbles; // left in it
};

static uint32_t get_u32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

// False: the bytes end, or the number has more than 32 bits.
static bool get_number(struct reader *r, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < NUMBER_NIBBLES_MAX; i++) {
        if (r->n_nibbles == 0) {
            if (r->end - r->at < 4)
                return false;
            r->word = get_u32(r->at);
            r->at += 4;
            r->n_nibbles = NIBBLES;
        }
        const uint32_t nibble = r->word >> 28;
        r->word <<= 4;
        r->n_nibbles--;
        *value |= (nibble & 7) << 3 * i;
        if (nibble < 8)
            return i < NUMBER_NIBBLES_MAX - 1 || nibble < 4;
    }
    return false;
}

static enum et_status damaged(const struct reader *r, const char *what, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, r->at - r->begin, "depth in RVL: %s", what);
}

enum et_status et_rvl_get(struct et_str bytes, uint16_t *values, size_t n, struct et_err *err)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    struct reader r = {.begin = p, .at = p, .end = p + bytes.n};
    int32_t last = 0;
    for (size_t i = 0; i < n;) {
        uint32_t n_zeros, n_others, step;
        if (!get_number(&r, &n_zeros) || !get_number(&r, &n_others))
            return damaged(&r, "the bytes end within it", err);
        if (n_zeros > n - i || n_others > n - i - n_zeros || n_zeros + n_others == 0)
            return damaged(&r, "a run that does not fit", err);
        memset(values + i, 0, n_zeros * sizeof *values);
        i += n_zeros;
        for (const size_t end = i + n_others; i < end; i++) {
            if (!get_number(&r, &step))
                return damaged(&r, "the bytes end within it", err);
            last += (int32_t)(step >> 1 ^ -(step & 1));
            if (step > 2 * UINT16_MAX + 1 || last < 0 || last > UINT16_MAX)
                return damaged(&r, "a value of more than 16 bits", err);
            values[i] = (uint16_t)last;
        }
    }
    return ET_OK;
}

static enum et_status read_size(struct et_str bytes, struct et_image *image, struct et_err *err)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    if (bytes.n < SIZE_BYTES)
        return et_fail(err, ET_ECORRUPT, (int64_t)bytes.n, "depth in RVL: %zu bytes", bytes.n);
    const uint32_t width = get_u32(p), height = get_u32(p + 4);
    if (width == 0 || height == 0)
        return et_fail(err, ET_ECORRUPT, 0, "depth in RVL: %u × %u pixels", width, height);
    if (width > ET_IMAGE_SIDE_PX_MAX || height > ET_IMAGE_SIDE_PX_MAX)
        return et_fail(err, ET_ELIMIT, 0, "depth in RVL: %u × %u pixels, where %d a side are read",
                       width, height, ET_IMAGE_SIDE_PX_MAX);
    *image = (struct et_image){
        .width_px = (int)width, .height_px = (int)height, .n_channels = 1, .n_bits = 16};
    return ET_OK;
}

enum et_status et_rvl_picture(struct et_str bytes, struct et_arena *arena, struct et_image *image,
                              struct et_err *err)
{
    *image = (struct et_image){0};
    enum et_status st = read_size(bytes, image, err);
    if (st != ET_OK || !arena)
        return st;
    const struct et_arena_mark mark = et_arena_mark(arena);
    const size_t n = (size_t)image->width_px * (size_t)image->height_px;
    image->pixels = et_arena_array(arena, n, sizeof(uint16_t));
    st = image->pixels ? et_rvl_get((struct et_str){bytes.p + SIZE_BYTES, bytes.n - SIZE_BYTES},
                                    image->pixels, n, err)
                       : et_arena_fail(arena, "a depth picture", err);
    if (st == ET_OK)
        return ET_OK;
    et_arena_rewind(arena, mark);
    *image = (struct et_image){0};
    return st;
}

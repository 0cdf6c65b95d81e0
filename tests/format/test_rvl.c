// Depth in RVL comes back as it was, is what others write, and damage is told.
#include "etude/clock.h"
#include "etude/rvl.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

#define WIDTH 64
#define HEIGHT 48
#define N (WIDTH * HEIGHT)

/* The slow reference: a text of nibbles, one number after the other, cut into words. */
static size_t reference(const uint16_t *values, size_t n, unsigned char *to)
{
    char *nibbles = malloc(16 * n + 64);
    size_t n_nibbles = 0, n_bytes = 0;
#define NUMBER(number)                                                                       \
    for (uint64_t rest = (uint64_t)(number), is_first = 1; is_first || rest; is_first = 0) { \
        nibbles[n_nibbles++] = "0123456789abcdef"[rest % 8 + (rest / 8 ? 8 : 0)];            \
        rest /= 8;                                                                           \
    }
    int last = 0;
    for (size_t i = 0; i < n;) {
        size_t zeros = 0, others = 0;
        while (i + zeros < n && values[i + zeros] == 0)
            zeros++;
        while (i + zeros + others < n && values[i + zeros + others] != 0)
            others++;
        NUMBER(zeros)
        NUMBER(others)
        for (size_t k = i + zeros; k < i + zeros + others; k++) {
            const int step = values[k] - last;
            NUMBER(step >= 0 ? 2 * step : -2 * step - 1)
            last = values[k];
        }
        i += zeros + others;
    }
#undef NUMBER
    while (n_nibbles % 8)
        nibbles[n_nibbles++] = '0';
    for (size_t i = 0; i < n_nibbles; i += 8) {
        char word[9] = "";
        memcpy(word, nibbles + i, 8);
        const unsigned long bits = strtoul(word, NULL, 16);
        for (int shift = 0; shift < 32; shift += 8)
            to[n_bytes++] = (unsigned char)(bits >> shift);
    }
    free(nibbles);
    return n_bytes;
}

// Pictures of several kinds: what a camera sees, noise, nothing, extremes.
static void make(int kind, uint16_t *values)
{
    struct rng rng = {(uint64_t)kind + 1};
    for (int i = 0; i < N; i++) {
        const uint16_t slope = (uint16_t)(800 + i % WIDTH * 7 + (int)(rng_next(&rng) % 5));
        const bool is_hole = (i / 37) % 4 == 0;
        values[i] = kind == 0   ? (is_hole ? 0 : slope)
                    : kind == 1 ? (uint16_t)rng_next(&rng)
                    : kind == 2 ? 0
                    : kind == 3 ? (uint16_t)(i % 2 ? UINT16_MAX : 1)
                    : kind == 4 ? (uint16_t)(i % 2 ? UINT16_MAX : 0)
                                : 1000;
    }
}

static void gives_back_what_was_put_as_the_reference_writes_it(void)
{
    static uint16_t values[N], back[N];
    static unsigned char want[16 * N];
    for (int kind = 0; kind < 6; kind++)
        for (size_t n = 0; n <= N; n += n < 40 ? 1 : 503) {
            struct et_buf buf = et_buf(1 << 20);
            make(kind, values);
            et_buf_puts(&buf, "abc"); // behind other things
            et_rvl_put(&buf, values, n);
            CHECK_OK(et_buf_check(&buf, "depth", &err));
            const size_t n_want = reference(values, n, want);
            CHECK(buf.n - 3 == n_want && memcmp(buf.p + 3, want, n_want) == 0);
            CHECK_OK(et_rvl_get((struct et_str){buf.p + 3, buf.n - 3}, back, n, &err));
            CHECK(memcmp(values, back, n * sizeof *values) == 0);
            et_buf_free(&buf);
        }
}

static void writes_known_bytes(void)
{
    // 2 zeros, 3 others: 5, then −1, then 0 → nibbles 2 3 (10 = 2|8 1) 1 0.
    static const uint16_t VALUES[] = {0, 0, 5, 4, 4};
    struct et_buf buf = et_buf(1024);
    et_rvl_put(&buf, VALUES, 5);
    CHECK_EQ(buf.n, 4);
    CHECK(memcmp(buf.p, "\x00\x10\xa1\x23", 4) == 0);
    et_buf_free(&buf);
    buf = et_buf(8);
    et_rvl_put(&buf, VALUES, 5);
    CHECK_EQ(buf.status, ET_ELIMIT);
    et_buf_free(&buf);
}

static struct et_buf picture_of(const uint16_t *values)
{
    static const unsigned char SIZE[8] = {WIDTH, 0, 0, 0, HEIGHT, 0, 0, 0};
    struct et_buf buf = et_buf(1 << 20);
    et_buf_put(&buf, SIZE, sizeof SIZE);
    et_rvl_put(&buf, values, N);
    return buf;
}

static void reads_pictures_and_tells_damage(void)
{
    static uint16_t values[N];
    struct et_arena *arena;
    struct et_image image;
    make(0, values);
    struct et_buf buf = picture_of(values);
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_rvl_picture(et_buf_str(&buf), NULL, &image, &err));
    CHECK(image.width_px == WIDTH && image.height_px == HEIGHT && !image.pixels);
    CHECK_OK(et_rvl_picture(et_buf_str(&buf), arena, &image, &err));
    CHECK(image.n_bits == 16 && image.n_channels == 1);
    CHECK(memcmp(image.pixels, values, sizeof values) == 0);
    for (size_t n = 0; n < buf.n; n++) { // cut anywhere
        char *own = malloc(n ? n : 1);
        const size_t used = et_arena_used(arena);
        memcpy(own, buf.p, n);
        CHECK_EQ(et_rvl_picture((struct et_str){own, n}, arena, &image, &err), ET_ECORRUPT);
        CHECK(err.at <= (int64_t)n && !image.pixels && et_arena_used(arena) == used);
        free(own);
    }
    for (size_t i = 0; i < buf.n; i++) // damaged anywhere it is another picture, or none
        for (int bit = 0; bit < 8; bit++) {
            const struct et_arena_mark mark = et_arena_mark(arena);
            buf.p[i] ^= (char)(1 << bit);
            const enum et_status st = et_rvl_picture(et_buf_str(&buf), arena, &image, &err);
            CHECK(st == ET_OK || st == ET_ECORRUPT || st == ET_ELIMIT);
            buf.p[i] ^= (char)(1 << bit);
            et_arena_rewind(arena, mark);
        }
    et_arena_close(arena);
    et_buf_free(&buf);
}

static void refuses_what_is_too_large(void)
{
    static const struct {
        unsigned char bytes[16];
        size_t n;
        enum et_status st;
    } CASES[] = {{{0, 0, 0, 0, 1, 0, 0, 0}, 8, ET_ECORRUPT},
                 {{1, 0, 0, 0, 0, 0, 0, 1}, 8, ET_ELIMIT},
                 {{0, 64, 0, 0, 0, 64, 0, 0}, 8, ET_ELIMIT}, // more than the arena has
                 {{1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x00}, 12, ET_ECORRUPT},    // runs of nothing
                 {{1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x20}, 12, ET_ECORRUPT},    // two zeros
                 {{1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0x01}, 12, ET_ECORRUPT}, // −1
                 {{1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, 12, ET_ECORRUPT},
                 {{1, 0, 0, 0, 1, 0, 0, 0, 0x84, 0x88, 0x88, 0x01}, 12, ET_ECORRUPT}}; // 65,536
    struct et_arena *arena;
    struct et_image image;
    CHECK_OK(et_arena_open(&arena, 1 << 16, &err));
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        CHECK_EQ(et_rvl_picture((struct et_str){(const char *)CASES[i].bytes, CASES[i].n}, arena,
                                &image, &err),
                 CASES[i].st);
    et_arena_close(arena);
}

int main(void)
{
    RUN(gives_back_what_was_put_as_the_reference_writes_it);
    RUN(writes_known_bytes);
    RUN(reads_pictures_and_tells_damage);
    RUN(refuses_what_is_too_large);
    return tap_end();
}

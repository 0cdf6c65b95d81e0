// Encodings by themselves, against slow versions that are plainly right.
#include "support.h"
#include "tap.h"

#include "format/parquet/parquet__decode.h"
#include "format/parquet/parquet__encode.h"
#include "format/parquet/parquet__thrift.h"

#include <stdlib.h>

enum { N_MAX = 5000 };

static struct et_err err;

/* ---- runs and packed groups ---- */

// Values as levels and indices are: long runs, short runs, and none.
static void fill(struct rng *rng, uint32_t *values, size_t n, int bit_width)
{
    const uint64_t mask = (UINT64_C(1) << bit_width) - 1;
    const uint64_t mode = rng_next(rng) % 4;
    for (size_t i = 0; i < n;) {
        const uint32_t v = (uint32_t)(rng_next(rng) & mask);
        size_t run = mode == 0 ? 1 : mode == 1 ? 1 + rng_next(rng) % 20 : 1 + rng_next(rng) % 500;
        if (mode == 3 && rng_next(rng) % 2)
            run = 1;
        while (run-- > 0 && i < n)
            values[i++] = v;
    }
}

// Copied to its own allocation, so that looking too far is found.
static uint8_t *padded(const struct et_buf *buf)
{
    uint8_t *p = calloc(1, buf->n + ET__PARQUET_PAD_BYTES);
    if (buf->n > 0)
        memcpy(p, buf->p, buf->n);
    return p;
}

static void reads_back_runs_and_groups_of_every_width(void)
{
    static uint32_t values[N_MAX], got[N_MAX];
    static uint8_t small[N_MAX], small_got[N_MAX];
    struct rng rng = {1};
    for (int round = 0; round < 600; round++) {
        const int width = round % 32 + 1;
        const size_t n = 1 + rng_next(&rng) % (round % 5 == 0 ? N_MAX : 40);
        struct et_buf buf = et_buf(1 << 20);
        fill(&rng, values, n, width);
        et__hybrid_write32(&buf, values, n, width);
        uint8_t *p = padded(&buf);
        struct et__hybrid in = et__hybrid(p, p + buf.n, width);
        for (size_t i = 0; i < n;) { // in pieces
            const size_t now = 1 + rng_next(&rng) % 100;
            const size_t piece = now < n - i ? now : n - i;
            CHECK(et__hybrid_read32(&in, got + i, piece));
            i += piece;
        }
        CHECK(memcmp(values, got, n * sizeof *values) == 0);
        CHECK(in.p == p + buf.n || in.n_packed > 0); // nothing stands behind
        if (width <= 8) {
            struct et_buf same = et_buf(1 << 20);
            for (size_t i = 0; i < n; i++)
                small[i] = (uint8_t)values[i];
            et__hybrid_write8(&same, small, n, width);
            CHECK(same.n == buf.n && memcmp(same.p, buf.p, buf.n) == 0);
            in = et__hybrid(p, p + buf.n, width);
            for (size_t i = 0; i < n;) {
                const size_t now = 1 + rng_next(&rng) % 100;
                const size_t piece = now < n - i ? now : n - i;
                CHECK(et__hybrid_read8(&in, small_got + i, piece));
                i += piece;
            }
            CHECK(memcmp(small, small_got, n) == 0);
            et_buf_free(&same);
        }
        free(p);
        et_buf_free(&buf);
    }
}

static void writes_rows_as_their_levels_would_be(void)
{
    static uint8_t got[N_MAX];
    for (size_t width = 1; width <= 70; width++) {
        for (size_t n_rows = 0; n_rows * width < 600; n_rows += 1 + n_rows / 3) {
            struct et_buf buf = et_buf(1 << 20);
            et__hybrid_write_rows(&buf, n_rows, width);
            uint8_t *p = padded(&buf);
            struct et__hybrid in = et__hybrid(p, p + buf.n, 1);
            CHECK(et__hybrid_read8(&in, got, n_rows * width));
            for (size_t i = 0; i < n_rows * width; i++)
                CHECK_EQ(got[i], i % width != 0);
            free(p);
            et_buf_free(&buf);
        }
    }
}

static void takes_a_last_group_without_its_padding(void)
{
    // 10 values of 3 bits as two groups, of which only 4 bytes are there.
    const uint8_t bytes[5 + ET__PARQUET_PAD_BYTES] = {5, 0x88, 0xc6, 0xfa, 0x08};
    struct et__hybrid in = et__hybrid(bytes, bytes + 5, 3);
    uint8_t got[16];
    CHECK(et__hybrid_read8(&in, got, 10));
    for (int i = 0; i < 8; i++)
        CHECK_EQ(got[i], i);
    CHECK_EQ(got[8], 0);
    CHECK_EQ(got[9], 1);
    CHECK(!et__hybrid_read8(&in, got, 1));
}

static void needs_no_bytes_for_a_width_of_none(void)
{
    struct et__hybrid in = et__hybrid(NULL, NULL, 0);
    uint32_t got[3] = {1, 1, 1};
    uint8_t small[3] = {1, 1, 1};
    CHECK(et__hybrid_read32(&in, got, 3) && got[2] == 0);
    CHECK(et__hybrid_read8(&in, small, 3) && small[2] == 0);
    CHECK_EQ(et__bit_width(0), 0);
    CHECK_EQ(et__bit_width(1), 1);
    CHECK_EQ(et__bit_width(7), 3);
    CHECK_EQ(et__bit_width(8), 4);
    CHECK_EQ(et__bit_width(UINT32_MAX), 32);
}

/* ---- deltas ---- */

static void put_zigzag(struct et_buf *buf, uint64_t v)
{
    et__put_varint(buf, (v << 1) ^ (uint64_t)((int64_t)v >> 63));
}

/* A slow writer of DELTA_BINARY_PACKED: blocks of `block` values in `minis` miniblocks. */
static void write_delta(struct et_buf *buf, const int64_t *v, size_t n, size_t block, size_t minis)
{
    et__put_varint(buf, block);
    et__put_varint(buf, minis);
    et__put_varint(buf, n);
    put_zigzag(buf, n ? (uint64_t)v[0] : 0);
    for (size_t i = 1; i < n; i += block) {
        uint64_t deltas[512] = {0};
        const size_t n_block = n - i < block ? n - i : block, per = block / minis;
        int64_t min = INT64_MAX;
        for (size_t k = 0; k < n_block; k++) {
            deltas[k] = (uint64_t)v[i + k] - (uint64_t)v[i + k - 1];
            min = (int64_t)deltas[k] < min ? (int64_t)deltas[k] : min;
        }
        put_zigzag(buf, (uint64_t)min);
        uint8_t widths[64] = {0};
        for (size_t k = 0; k < n_block; k++) {
            deltas[k] -= (uint64_t)min;
            while (widths[k / per] < 64 && deltas[k] >> widths[k / per] != 0)
                widths[k / per]++;
        }
        et_buf_put(buf, widths, minis);
        for (size_t m = 0; m * per < n_block; m++) {
            uint8_t packed[8 * 512 + 8] = {0};
            for (size_t k = 0; k < per * widths[m]; k++)
                if (deltas[m * per + k / widths[m]] >> (k % widths[m]) & 1)
                    packed[k / 8] |= (uint8_t)(1 << (k % 8));
            et_buf_put(buf, packed, per * widths[m] / 8);
        }
    }
}

static void reads_deltas_of_every_width(void)
{
    static const size_t SHAPES[][2] = {{128, 4}, {256, 4}, {256, 8}, {8, 1}, {512, 1}};
    static int64_t values[1000], got[1000];
    struct rng rng = {2};
    for (int round = 0; round < 400; round++) {
        const size_t *shape = SHAPES[round % 5];
        const size_t n = rng_next(&rng) % 1000;
        const int bits = round % 64 + 1;
        for (size_t i = 0; i < n; i++)
            values[i] = (int64_t)(rng_next(&rng) >> (64 - bits)) * (rng_next(&rng) % 2 ? 1 : -1);
        struct et_buf buf = et_buf(1 << 20);
        struct et__delta delta;
        write_delta(&buf, values, n, shape[0], shape[1]);
        const size_t n_bytes = buf.n;
        et_buf_puts(&buf, "behind it");
        uint8_t *p = padded(&buf);
        CHECK(et__delta_begin(&delta, p, p + buf.n));
        CHECK(et__delta_end(&delta) == p + n_bytes);
        for (size_t i = 0; i < n;) {
            const size_t now = 1 + rng_next(&rng) % 200;
            const size_t piece = now < n - i ? now : n - i;
            CHECK(et__delta_read(&delta, got + i, piece));
            CHECK(et__delta_end(&delta) == p + n_bytes); // from anywhere
            i += piece;
        }
        CHECK(memcmp(values, got, n * sizeof *values) == 0);
        CHECK(!et__delta_read(&delta, got, 1));
        free(p);
        et_buf_free(&buf);
    }
}

static void refuses_deltas_of_impossible_shapes(void)
{
    static const struct {
        const char *bytes;
        size_t n;
    } CASES[] = {
        {"", 0},                     // nothing
        {"\200", 1},                 // half a number
        {"\0\4\0\0", 4},             // no block
        {"\200\1\0\0\0", 5},         // no miniblocks
        {"\200\1\3\0\0", 5},         // that do not divide it
        {"\10\4\0\0", 4},            // of two values each
        {"\200\200\200\1\1\0\0", 7}, // a block of two million
        {"\10\x10\0\0", 4},          // more miniblocks than values
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et__delta delta;
        const struct et_buf view = {.p = (char *)(uintptr_t)CASES[i].bytes, .n = CASES[i].n};
        uint8_t *p = padded(&view);
        CHECK(!et__delta_begin(&delta, p, p + CASES[i].n));
        free(p);
    }
}

/* ---- thrift ---- */

static void reads_back_thrift(void)
{
    struct et_buf buf = et_buf(4096);
    struct et__thrift_out out = et__thrift_out(&buf);
    et__thrift_put_struct(&out, 0);
    et__thrift_put_int(&out, 1, ET__THRIFT_I32, -5);
    et__thrift_put_bool(&out, 2, true);
    et__thrift_put_bool(&out, 3, false);
    et__thrift_put_int(&out, 40, ET__THRIFT_I64, INT64_MIN); // a jump of more than 15
    et__thrift_put_int(&out, 39, ET__THRIFT_I64, INT64_MAX); // and back
    et__thrift_put_binary(&out, 41, "text", 4);
    et__thrift_put_list(&out, 42, ET__THRIFT_I32, 20);
    for (int i = 0; i < 20; i++)
        et__thrift_put_int_element(&out, i * -1000);
    et__thrift_put_struct(&out, 43);
    et__thrift_put_end(&out);
    et__thrift_put_end(&out);
    CHECK_EQ(buf.status, ET_OK);

    struct et__thrift_in in = et__thrift_in(buf.p, buf.n, 0);
    int id = 0, type;
    CHECK(et__thrift_field(&in, &id, &type) && id == 1);
    CHECK_EQ(et__thrift_int32(&in, type), -5);
    CHECK(et__thrift_field(&in, &id, &type) && id == 2 && et__thrift_bool(&in, type));
    CHECK(et__thrift_field(&in, &id, &type) && id == 3 && !et__thrift_bool(&in, type));
    CHECK(et__thrift_field(&in, &id, &type) && id == 40);
    CHECK_EQ(et__thrift_int64(&in, type), INT64_MIN);
    CHECK(et__thrift_field(&in, &id, &type) && id == 39);
    CHECK_EQ(et__thrift_int64(&in, type), INT64_MAX);
    CHECK(et__thrift_field(&in, &id, &type) && id == 41);
    CHECK(et_str_is(et__thrift_binary(&in, type), "text"));
    CHECK(et__thrift_field(&in, &id, &type) && id == 42);
    const struct et__thrift_in at_list = in;
    CHECK_EQ(et__thrift_list(&in, type, ET__THRIFT_I32, 1), 20);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(et__thrift_int64(&in, ET__THRIFT_I32), i * -1000);
    CHECK(et__thrift_field(&in, &id, &type) && id == 43 && et__thrift_struct(&in, type));
    int inner = 0;
    CHECK(!et__thrift_field(&in, &inner, &type));
    CHECK(!et__thrift_field(&in, &id, &type));
    CHECK(!in.bad && in.p == in.end);

    in = at_list; // the same by skipping
    et__thrift_skip(&in, ET__THRIFT_LIST);
    CHECK(et__thrift_field(&in, &id, &type) && type == ET__THRIFT_STRUCT);

    // Asked for what is not there.
    in = at_list;
    CHECK_EQ(et__thrift_list(&in, ET__THRIFT_LIST, ET__THRIFT_STRUCT, 1), 0);
    CHECK_HAS(in.bad, "another type");
    in = at_list;
    CHECK_EQ(et__thrift_int64(&in, ET__THRIFT_LIST), 0);
    CHECK_HAS(in.bad, "integer is none");
    in = at_list;
    CHECK_EQ(et__thrift_binary(&in, ET__THRIFT_LIST).n, 0);
    CHECK_HAS(in.bad, "bytes is none");
    in = at_list;
    CHECK(!et__thrift_struct(&in, ET__THRIFT_LIST));
    in = at_list;
    (void)et__thrift_bool(&in, ET__THRIFT_LIST);
    CHECK(in.bad);
    et_buf_free(&buf);
}

static void ends_thrift_that_is_cut_anywhere(void)
{
    struct et_buf buf = et_buf(4096);
    struct et_parquet_node nodes[16];
    size_t n_nodes = 0;
    for (int depth = 0; depth < 4; depth++)
        (void)et_parquet_add_column(nodes, 16, &n_nodes, "column", ET_PARQUET_FLOAT,
                                    ET_PARQUET_PLAIN, depth);
    const struct et_parquet_metadata key = {"key", "value"};
    et__parquet_meta_write_new(&buf, nodes, n_nodes, &key, 1);
    for (size_t n = 0; n <= buf.n; n++) {
        struct et__parquet_meta meta;
        struct et_arena *arena;
        char *copy = malloc(n + 1); // its own, so that a step too far is found
        memcpy(copy, buf.p, n);
        CHECK_OK(et_arena_open(&arena, et__parquet_arena_bytes(n), &err));
        const enum et_status st =
            et__parquet_meta_read(&meta, (struct et_str){copy, n}, 1000, 4, arena, &err);
        CHECK_EQ(st, n < buf.n ? ET_ECORRUPT : ET_OK);
        if (st != ET_OK)
            CHECK(err.at >= 1000 && err.at <= 1000 + (int64_t)n);
        et_arena_close(arena);
        free(copy);
    }
    et_buf_free(&buf);
}

int main(void)
{
    RUN(reads_back_runs_and_groups_of_every_width);
    RUN(writes_rows_as_their_levels_would_be);
    RUN(takes_a_last_group_without_its_padding);
    RUN(needs_no_bytes_for_a_width_of_none);
    RUN(reads_deltas_of_every_width);
    RUN(refuses_deltas_of_impossible_shapes);
    RUN(reads_back_thrift);
    RUN(ends_thrift_that_is_cut_anywhere);
    return tap_end();
}

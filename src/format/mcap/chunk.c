/* Chunks, decompressed and checked. The only file of the reading side that sees the codecs. */
#include "format/mcap/mcap__record.h"

#include <libdeflate.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <zstd.h>

/* What a byte can become: in LZ4 a match grows by 255 a byte; in zstd a block of 4 bytes repeats
 * one 128 Ki times. */
#define LZ4_RATIO_MAX UINT64_C(255)
#define ZSTD_RATIO_MAX UINT64_C(32768)
#define RATIO_SLACK UINT64_C(65536)

struct et__mcap_codec {
    ZSTD_DCtx *zstd;
    LZ4F_dctx *lz4;
};

void et__mcap_codec_close(struct et__mcap_codec *codec)
{
    if (!codec)
        return;
    ZSTD_freeDCtx(codec->zstd);
    LZ4F_freeDecompressionContext(codec->lz4);
    free(codec);
}

uint32_t et__mcap_crc(uint32_t crc, const void *p, size_t n)
{
    return n ? libdeflate_crc32(crc, p, n) : crc;
}

/* The product of two polynomials over GF(2), modulo the one of CRC-32; the highest bit is x^0. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = UINT32_C(1) << 31; bit; bit >>= 1) {
        product ^= a & bit ? b : 0;
        b = (b >> 1) ^ (b & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return product;
}

// n bytes behind the first piece multiply its CRC by x^(8 n).
uint32_t et__mcap_crc_join(uint32_t first, uint32_t second, size_t n)
{
    uint32_t shift = UINT32_C(1) << 31, power = UINT32_C(1) << 23; // x^0 and x^8
    for (; n; n >>= 1) {
        shift = n & 1 ? multiply(shift, power) : shift;
        power = multiply(power, power);
    }
    return multiply(shift, first) ^ second;
}

enum et_status et__mcap_chunk_read(struct et_str content, uint64_t n_claimed, int64_t at,
                                   struct et__mcap_chunk *chunk, struct et_err *err)
{
    struct et__mcap_fields f = {content.p, content.p + content.n, NULL};
    *chunk = (struct et__mcap_chunk){0};
    chunk->start_ns = et__mcap_field_time(&f, "its start");
    chunk->end_ns = et__mcap_field_time(&f, "its end");
    chunk->n_bytes = et__mcap_field_uint(&f, 8, "its size");
    chunk->crc = (uint32_t)et__mcap_field_uint(&f, 4, "its CRC");
    chunk->compression = et__mcap_field_text(&f, "its compression");
    const uint64_t n_stored = et__mcap_field_uint(&f, 8, "its length");
    const uint64_t n_here = (uint64_t)(f.end - f.p);
    if (f.what)
        return et_fail(err, ET_ECORRUPT, at, "Chunk at %lld: %s does not fit it", (long long)at,
                       f.what);
    // How much the record would hold if the file went on.
    const uint64_t n_whole = n_claimed - (content.n - n_here);
    if (n_stored > n_whole)
        return et_fail(err, ET_ECORRUPT, at, "Chunk at %lld: %llu bytes in a record of %llu",
                       (long long)at, (unsigned long long)n_stored, (unsigned long long)n_claimed);
    if (chunk->n_bytes > ET_MCAP_CHUNK_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, at, "Chunk at %lld: %llu bytes are more than %zu",
                       (long long)at, (unsigned long long)chunk->n_bytes, ET_MCAP_CHUNK_BYTES_MAX);
    chunk->is_cut = n_stored > n_here;
    chunk->stored = (struct et_str){f.p, (size_t)(chunk->is_cut ? n_here : n_stored)};
    return ET_OK;
}

static bool make_room(char **buf, size_t *cap, size_t n)
{
    if (n <= *cap)
        return true;
    char *grown = et__mcap_regrow(*buf, 0, n);
    if (!grown)
        return false;
    *buf = grown;
    *cap = n;
    return true;
}

// All in one call; false when the bytes do not give n exactly.
static bool zstd_whole(ZSTD_DCtx *ctx, struct et_str in, char *to, size_t n)
{
    return ZSTD_decompressDCtx(ctx, to, n, in.p, in.n) == n;
}

// As far as it goes; how many bytes came out.
static size_t zstd_part(ZSTD_DCtx *ctx, struct et_str in, char *to, size_t n)
{
    ZSTD_inBuffer from = {in.p, in.n, 0};
    ZSTD_outBuffer out = {to, n, 0};
    (void)ZSTD_DCtx_reset(ctx, ZSTD_reset_session_only);
    for (size_t before = SIZE_MAX; out.pos < n && out.pos + from.pos != before;) {
        before = out.pos + from.pos;
        const size_t left = ZSTD_decompressStream(ctx, &out, &from);
        if (ZSTD_isError(left) || left == 0)
            break;
    }
    return out.pos;
}

static size_t lz4_part(LZ4F_dctx *ctx, struct et_str in, char *to, size_t n, bool *is_whole)
{
    const LZ4F_decompressOptions_t how = {.stableDst = 1}; // it may look back into `to`
    size_t n_in = 0, n_out = 0;
    LZ4F_resetDecompressionContext(ctx);
    *is_whole = false;
    while (n_in < in.n) {
        size_t took = in.n - n_in, gave = n - n_out;
        const size_t left = LZ4F_decompress(ctx, to + n_out, &gave, in.p + n_in, &took, &how);
        if (LZ4F_isError(left))
            break;
        n_in += took;
        n_out += gave;
        if (left == 0) {
            *is_whole = n_out == n;
            break;
        }
        if (took == 0 && gave == 0)
            break; // more comes out than the chunk says
    }
    return n_out;
}

static enum et_status decompress(struct et__mcap_codec *codec, const struct et__mcap_chunk *chunk,
                                 char *to, size_t *n_out, struct et_err *err)
{
    const bool is_zstd = et_str_is(chunk->compression, "zstd");
    const size_t n = (size_t)chunk->n_bytes;
    bool is_whole = false;
    if (is_zstd) {
        if (!codec->zstd && !(codec->zstd = ZSTD_createDCtx()))
            return et_fail(err, ET_ENOMEM, -1, "no memory for zstd");
        is_whole = !chunk->is_cut && zstd_whole(codec->zstd, chunk->stored, to, n);
        *n_out = is_whole ? n : chunk->is_cut ? zstd_part(codec->zstd, chunk->stored, to, n) : 0;
    } else {
        if (!codec->lz4 && LZ4F_isError(LZ4F_createDecompressionContext(&codec->lz4, LZ4F_VERSION)))
            return et_fail(err, ET_ENOMEM, -1, "no memory for LZ4");
        *n_out = lz4_part(codec->lz4, chunk->stored, to, n, &is_whole);
    }
    return is_whole || chunk->is_cut ? ET_OK : ET_ECORRUPT;
}

/* Decompresses into *buf. Memory is taken for no more than the stored bytes can give; of a chunk
 * that is cut they are fewer than it says. */
static enum et_status unpack(struct et__mcap_codec **codec, const struct et__mcap_chunk *chunk,
                             int64_t at, char **buf, size_t *cap, struct et_str *records,
                             struct et_err *err)
{
    struct et__mcap_chunk part = *chunk;
    const uint64_t ratio = et_str_is(chunk->compression, "lz4") ? LZ4_RATIO_MAX : ZSTD_RATIO_MAX;
    const uint64_t n_most = chunk->stored.n * ratio + RATIO_SLACK;
    size_t n = 0;
    if (part.n_bytes > n_most && !chunk->is_cut)
        return et_fail(err, ET_ECORRUPT, at, "Chunk at %lld: %zu bytes cannot give %llu",
                       (long long)at, chunk->stored.n, (unsigned long long)chunk->n_bytes);
    part.n_bytes = part.n_bytes > n_most ? n_most : part.n_bytes;
    if (!*codec && !(*codec = calloc(1, sizeof **codec)))
        return et_fail(err, ET_ENOMEM, -1, "no memory for a chunk");
    if (!make_room(buf, cap, (size_t)part.n_bytes + 1))
        return et_fail(err, ET_ENOMEM, -1, "no memory for a chunk of %llu bytes",
                       (unsigned long long)part.n_bytes);
    const enum et_status st = decompress(*codec, &part, *buf, &n, err);
    if (st == ET_ECORRUPT)
        return et_fail(err, st, at, "Chunk at %lld: its %.4s bytes do not give what it says",
                       (long long)at, chunk->compression.p);
    *records = (struct et_str){*buf, n};
    return st;
}

enum et_status et__mcap_chunk_open(struct et__mcap_codec **codec,
                                   const struct et__mcap_chunk *chunk, int64_t at, char **buf,
                                   size_t *cap, struct et_str *records, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (chunk->compression.n == 0) {
        *records = chunk->stored;
        if (!chunk->is_cut && records->n != chunk->n_bytes)
            st = et_fail(err, ET_ECORRUPT, at, "Chunk at %lld: %zu bytes, its size says %llu",
                         (long long)at, records->n, (unsigned long long)chunk->n_bytes);
    } else if (et_str_is(chunk->compression, "zstd") || et_str_is(chunk->compression, "lz4")) {
        st = unpack(codec, chunk, at, buf, cap, records, err);
    } else {
        st = et_fail(err, ET_EUNSUPPORTED, at, "Chunk at %lld: compression \"%.*s\" is not known",
                     (long long)at, (int)(chunk->compression.n < 40 ? chunk->compression.n : 40),
                     chunk->compression.p);
    }
    if (st == ET_OK && !chunk->is_cut && chunk->crc &&
        chunk->crc != et__mcap_crc(0, records->p, records->n))
        st = et_fail(err, ET_ECORRUPT, at, "Chunk at %lld: its CRC does not hold", (long long)at);
    return st;
}

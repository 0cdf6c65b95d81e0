#include "format/parquet/parquet__codec.h"

#include <assert.h>
#include <libdeflate.h>
#include <lz4.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <zstd.h>

#define GZIP_LEVEL_DEFAULT 6
#define GZIP_LEVEL_MAX 12

struct et__codec {
    ZSTD_DCtx *zstd_in;
    ZSTD_CCtx *zstd_out;
    struct libdeflate_decompressor *gzip_in;
    struct libdeflate_compressor *gzip_out;
    int gzip_level; // of gzip_out
};

enum et_status et__codec_open(struct et__codec **codec, struct et_err *err)
{
    *codec = calloc(1, sizeof **codec);
    return *codec ? ET_OK : et_fail(err, ET_ENOMEM, -1, "no memory for a codec");
}

void et__codec_close(struct et__codec *codec)
{
    if (!codec)
        return;
    (void)ZSTD_freeDCtx(codec->zstd_in);
    (void)ZSTD_freeCCtx(codec->zstd_out);
    libdeflate_free_decompressor(codec->gzip_in);
    libdeflate_free_compressor(codec->gzip_out);
    free(codec);
}

const char *et__codec_name(int32_t kind)
{
    static const char *const NAMES[] = {"uncompressed", "snappy", "gzip", "lzo",
                                        "brotli",       "lz4",    "zstd", "lz4_raw"};
    return kind >= 0 && (size_t)kind < sizeof NAMES / sizeof *NAMES ? NAMES[kind] : "unknown";
}

/* The most that a byte can become. Snappy: a copy of 64 bytes in 3. Deflate: 258 bytes in 2 bits,
 * 1032 : 1. LZ4: 255 : 1. Zstandard: a block of 128 KiB in 4 bytes. */
bool et__codec_can_give(int32_t kind, size_t n_in, size_t n_out)
{
    static const size_t RATIOS[] = {1, 22, 1032, 0, 0, 0, 32768, 255};
    if (kind < 0 || (size_t)kind >= sizeof RATIOS / sizeof *RATIOS || RATIOS[kind] == 0)
        return true; // said to be unsupported later, by name
    return n_out / RATIOS[kind] <= n_in;
}

static enum et_status fail(int32_t kind, const char *what, int64_t at, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, at, "the page at byte %lld is no valid %s data: %s",
                   (long long)at, et__codec_name(kind), what);
}

static enum et_status unpack_snappy(struct et_str in, uint8_t *to, size_t n_out, int64_t at,
                                    struct et_err *err)
{
    size_t n = 0;
    if (snappy_uncompressed_length(in.p, in.n, &n) != SNAPPY_OK || n != n_out)
        return fail(ET_PARQUET_SNAPPY, "its length is not the page's", at, err);
    if (snappy_uncompress(in.p, in.n, (char *)to, &n) != SNAPPY_OK || n != n_out)
        return fail(ET_PARQUET_SNAPPY, "the stream is damaged", at, err);
    return ET_OK;
}

static enum et_status unpack_zstd(struct et__codec *codec, struct et_str in, uint8_t *to,
                                  size_t n_out, int64_t at, struct et_err *err)
{
    if (!codec->zstd_in)
        codec->zstd_in = ZSTD_createDCtx();
    if (!codec->zstd_in)
        return et_fail(err, ET_ENOMEM, -1, "no memory for zstd");
    const size_t n = ZSTD_decompressDCtx(codec->zstd_in, to, n_out, in.p, in.n);
    if (ZSTD_isError(n))
        return fail(ET_PARQUET_ZSTD, ZSTD_getErrorName(n), at, err);
    if (n != n_out)
        return fail(ET_PARQUET_ZSTD, "its length is not the page's", at, err);
    return ET_OK;
}

// Members of a gzip stream follow one another; together they are the page.
static enum et_status unpack_gzip(struct et__codec *codec, struct et_str in, uint8_t *to,
                                  size_t n_out, int64_t at, struct et_err *err)
{
    if (!codec->gzip_in)
        codec->gzip_in = libdeflate_alloc_decompressor();
    if (!codec->gzip_in)
        return et_fail(err, ET_ENOMEM, -1, "no memory for gzip");
    size_t n = 0;
    while (in.n > 0) {
        size_t n_read = 0, n_made = 0;
        const enum libdeflate_result result = libdeflate_gzip_decompress_ex(
            codec->gzip_in, in.p, in.n, to + n, n_out - n, &n_read, &n_made);
        if (result != LIBDEFLATE_SUCCESS || n_read == 0)
            return fail(ET_PARQUET_GZIP,
                        result == LIBDEFLATE_INSUFFICIENT_SPACE ? "it is longer than the page"
                                                                : "the stream is damaged",
                        at, err);
        in = (struct et_str){in.p + n_read, in.n - n_read};
        n += n_made;
    }
    return n == n_out ? ET_OK : fail(ET_PARQUET_GZIP, "its length is not the page's", at, err);
}

static enum et_status unpack_lz4(struct et_str in, uint8_t *to, size_t n_out, int64_t at,
                                 struct et_err *err)
{
    assert(n_out <= INT32_MAX && in.n <= INT32_MAX);
    const int n = LZ4_decompress_safe(in.p, (char *)to, (int)in.n, (int)n_out);
    if (n < 0 || (size_t)n != n_out)
        return fail(ET_PARQUET_LZ4_RAW, "the stream is damaged", at, err);
    return ET_OK;
}

enum et_status et__codec_decompress(struct et__codec *codec, int32_t kind, struct et_str in,
                                    uint8_t *to, size_t n_out, int64_t at, struct et_err *err)
{
    switch (kind) {
    case ET_PARQUET_SNAPPY:
        return unpack_snappy(in, to, n_out, at, err);
    case ET_PARQUET_GZIP:
        return unpack_gzip(codec, in, to, n_out, at, err);
    case ET_PARQUET_ZSTD:
        return unpack_zstd(codec, in, to, n_out, at, err);
    case ET_PARQUET_LZ4_RAW:
        return unpack_lz4(in, to, n_out, at, err);
    default:
        return et_fail(err, ET_EUNSUPPORTED, at,
                       "the page at byte %lld is compressed with codec %d (%s), which is not read",
                       (long long)at, (int)kind, et__codec_name(kind));
    }
}

static enum et_status pack_gzip(struct et__codec *codec, int level, struct et_str in,
                                struct et_buf *to, struct et_err *err)
{
    if (level <= 0)
        level = GZIP_LEVEL_DEFAULT;
    if (level > GZIP_LEVEL_MAX)
        level = GZIP_LEVEL_MAX;
    if (codec->gzip_out && codec->gzip_level != level) {
        libdeflate_free_compressor(codec->gzip_out);
        codec->gzip_out = NULL;
    }
    if (!codec->gzip_out)
        codec->gzip_out = libdeflate_alloc_compressor(level);
    codec->gzip_level = level;
    if (!codec->gzip_out)
        return et_fail(err, ET_ENOMEM, -1, "no memory for gzip");
    const size_t bound = libdeflate_gzip_compress_bound(codec->gzip_out, in.n);
    void *p = et_buf_reserve(to, bound);
    if (!p)
        return et_buf_check(to, "a compressed page", err);
    const size_t n = libdeflate_gzip_compress(codec->gzip_out, in.p, in.n, p, bound);
    assert(n > 0); // the bound is libdeflate's own
    to->n += n;
    return ET_OK;
}

static enum et_status pack_zstd(struct et__codec *codec, int level, struct et_str in,
                                struct et_buf *to, struct et_err *err)
{
    if (!codec->zstd_out)
        codec->zstd_out = ZSTD_createCCtx();
    const size_t bound = ZSTD_compressBound(in.n);
    void *p = codec->zstd_out ? et_buf_reserve(to, bound) : NULL;
    if (!codec->zstd_out)
        return et_fail(err, ET_ENOMEM, -1, "no memory for zstd");
    if (!p)
        return et_buf_check(to, "a compressed page", err);
    const size_t n = ZSTD_compressCCtx(codec->zstd_out, p, bound, in.p, in.n,
                                       level == 0 ? ZSTD_CLEVEL_DEFAULT : level);
    if (ZSTD_isError(n)) // within the bound only memory can fail
        return et_fail(err, ET_ENOMEM, -1, "zstd: %s", ZSTD_getErrorName(n));
    to->n += n;
    return ET_OK;
}

static enum et_status pack_snappy(struct et_str in, struct et_buf *to, struct et_err *err)
{
    size_t n = snappy_max_compressed_length(in.n);
    char *p = et_buf_reserve(to, n);
    if (!p)
        return et_buf_check(to, "a compressed page", err);
    const snappy_status st = snappy_compress(in.p, in.n, p, &n);
    assert(st == SNAPPY_OK); // the bound is snappy's own
    (void)st;
    to->n += n;
    return ET_OK;
}

enum et_status et__codec_compress(struct et__codec *codec, int32_t kind, int level,
                                  struct et_str in, struct et_buf *to, struct et_err *err)
{
    switch (kind) {
    case ET_PARQUET_NONE:
        et_buf_putstr(to, in);
        return et_buf_check(to, "a page", err);
    case ET_PARQUET_SNAPPY:
        return pack_snappy(in, to, err);
    case ET_PARQUET_GZIP:
        return pack_gzip(codec, level, in, to, err);
    case ET_PARQUET_ZSTD:
        return pack_zstd(codec, level, in, to, err);
    default:
        return et_fail(err, ET_EARG, -1, "codec %d (%s) is not written", (int)kind,
                       et__codec_name(kind));
    }
}

uint32_t et__codec_crc(const void *p, size_t n)
{
    return libdeflate_crc32(0, p, n);
}

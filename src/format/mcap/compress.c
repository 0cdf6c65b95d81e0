/* Compression of chunks. The only file of the writing side that sees the codecs. */
#include "format/mcap/mcap__writer.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <zstd.h>

struct et__mcap_encoder {
    ZSTD_CCtx *zstd;
};

void et__mcap_encoder_close(struct et__mcap_encoder *encoder)
{
    if (!encoder)
        return;
    ZSTD_freeCCtx(encoder->zstd);
    free(encoder);
}

static enum et_status no_memory(struct et_err *err)
{
    return et_fail(err, ET_ENOMEM, -1, "no memory to compress a chunk");
}

static enum et_status by_zstd(struct et__mcap_encoder *encoder, int level, struct et_str records,
                              struct et_buf *out, struct et_err *err)
{
    if (!encoder->zstd && !(encoder->zstd = ZSTD_createCCtx()))
        return no_memory(err);
    const size_t room = ZSTD_compressBound(records.n);
    void *to = et_buf_reserve(out, room);
    if (!to)
        return no_memory(err);
    const size_t n =
        ZSTD_compressCCtx(encoder->zstd, to, room, records.p, records.n, level ? level : 1);
    if (ZSTD_isError(n))
        return et_fail(err, ET_ENOMEM, -1, "zstd: %s", ZSTD_getErrorName(n));
    out->n += n;
    return ET_OK;
}

static enum et_status by_lz4(struct et_str records, struct et_buf *out, struct et_err *err)
{
    // Independent blocks, and the frame's size: what every reader of LZ4 frames takes.
    const LZ4F_preferences_t how = {.frameInfo = {.blockSizeID = LZ4F_max256KB,
                                                  .blockMode = LZ4F_blockIndependent,
                                                  .contentSize = records.n}};
    const size_t room = LZ4F_compressFrameBound(records.n, &how);
    void *to = et_buf_reserve(out, room);
    if (!to)
        return no_memory(err);
    const size_t n = LZ4F_compressFrame(to, room, records.p, records.n, &how);
    if (LZ4F_isError(n))
        return et_fail(err, ET_ENOMEM, -1, "LZ4: %s", LZ4F_getErrorName(n));
    out->n += n;
    return ET_OK;
}

enum et_status et__mcap_compress(struct et__mcap_encoder **encoder,
                                 enum et_mcap_compression compression, int level,
                                 struct et_str records, struct et_buf *out, struct et_err *err)
{
    et_buf_clear(out);
    if (!*encoder && !(*encoder = calloc(1, sizeof **encoder)))
        return no_memory(err);
    return compression == ET_MCAP_ZSTD ? by_zstd(*encoder, level, records, out, err)
                                       : by_lz4(records, out, err);
}

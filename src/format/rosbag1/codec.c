/* Chunks, decompressed. The only file that sees the codecs. */
#include "format/rosbag1/rosbag1__reader.h"

#include "etude/hash.h"

#include <bzlib.h>
#include <lz4frame.h>
#include <stdlib.h>

struct et__bag_codec {
    LZ4F_dctx *lz4;
};

void et__bag_codec_close(struct et__bag_codec *codec)
{
    if (!codec)
        return;
    LZ4F_freeDecompressionContext(codec->lz4);
    free(codec);
}

/* Frames as roslz4 writes them have one checksum, of the content. The library takes more than half
 * of its time for it, so it is left to et_hash32; any other frame is the library's alone. */
static bool has_just_content_checksum(struct et_str in)
{
    const unsigned block_checksums = 0x10, content_checksum = 0x04;
    return in.n > 8 && et__bag_u32(in.p) == UINT32_C(0x184d2204) &&
           ((unsigned)in.p[4] & (block_checksums | content_checksum)) == content_checksum;
}

static enum et__unpacked by_lz4(LZ4F_dctx *ctx, struct et_str in, char *to, size_t room,
                                size_t *n_out)
{
    // What came out stays where it is, so that the library need keep no copy to look back into.
    const bool is_ours = has_just_content_checksum(in);
    const LZ4F_decompressOptions_t how = {.stableDst = 1, .skipChecksums = is_ours};
    size_t n_in = 0;
    LZ4F_resetDecompressionContext(ctx);
    while (n_in < in.n) {
        size_t took = in.n - n_in, gave = room - *n_out;
        const size_t left = LZ4F_decompress(ctx, to + *n_out, &gave, in.p + n_in, &took, &how);
        if (LZ4F_isError(left))
            return ET__UNPACKED_WRONG; // also its content checksum
        n_in += took;
        *n_out += gave;
        if (left == 0 && is_ours && et__bag_u32(in.p + n_in - 4) != et_hash32(to, *n_out))
            return ET__UNPACKED_WRONG;
        if (left == 0)
            return ET__UNPACKED_WHOLE;
        if (took == 0 && gave == 0)
            return ET__UNPACKED_WRONG; // more comes out than there is room
    }
    return ET__UNPACKED_CUT;
}

static enum et_status by_bz2(struct et_str in, char *to, size_t room, size_t *n_out,
                             enum et__unpacked *how, struct et_err *err)
{
    bz_stream s = {0};
    if (BZ2_bzDecompressInit(&s, 0, 0) != BZ_OK)
        return et_fail(err, ET_ENOMEM, -1, "no memory for bzip2");
    // Lengths are below 4 GiB (uint32 in the file), and the library does not write to its input.
    s.next_in = (char *)(uintptr_t)in.p;
    s.avail_in = (unsigned)in.n;
    s.next_out = to;
    s.avail_out = (unsigned)room;
    int result = BZ_OK;
    for (;;) {
        const unsigned before_in = s.avail_in, before_out = s.avail_out;
        result = BZ2_bzDecompress(&s);
        if (result != BZ_OK || (s.avail_in == before_in && s.avail_out == before_out))
            break;
    }
    *n_out = room - s.avail_out;
    const bool is_out_of_input = result == BZ_OK && s.avail_in == 0;
    *how = result == BZ_STREAM_END ? ET__UNPACKED_WHOLE
           : is_out_of_input       ? ET__UNPACKED_CUT
                                   : ET__UNPACKED_WRONG;
    (void)BZ2_bzDecompressEnd(&s);
    return result == BZ_MEM_ERROR ? et_fail(err, ET_ENOMEM, -1, "no memory for bzip2") : ET_OK;
}

enum et_status et__bag_unpack(struct et__bag_codec **codec, struct et_str compression,
                              struct et_str stored, char *to, size_t room, size_t *n_out,
                              enum et__unpacked *how, struct et_err *err)
{
    *n_out = 0;
    *how = ET__UNPACKED_WRONG;
    if (et_str_is(compression, "bz2"))
        return by_bz2(stored, to, room, n_out, how, err);
    if (!et_str_is(compression, "lz4"))
        return et_fail(err, ET_EUNSUPPORTED, -1, "compression \"%.*s\"",
                       (int)(compression.n < 40 ? compression.n : 40), compression.p);
    if (!*codec && !(*codec = calloc(1, sizeof **codec)))
        return et_fail(err, ET_ENOMEM, -1, "no memory for LZ4");
    if (!(*codec)->lz4 &&
        LZ4F_isError(LZ4F_createDecompressionContext(&(*codec)->lz4, LZ4F_VERSION)))
        return et_fail(err, ET_ENOMEM, -1, "no memory for LZ4");
    *how = by_lz4((*codec)->lz4, stored, to, room + ET__BAG_SPARE_BYTES, n_out);
    return ET_OK;
}

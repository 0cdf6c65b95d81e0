/* Codecs: a page's bytes, compressed and back. The only file of the room that sees the libraries.
 *
 * Threads: a codec belongs to one thread.
 * Memory:  a codec keeps the state of zstd and gzip once one was needed. */
#ifndef ETUDE_FORMAT_PARQUET_CODEC_H
#define ETUDE_FORMAT_PARQUET_CODEC_H

#include "etude/parquet.h"

struct et__codec;
ET_MUST_USE enum et_status et__codec_open(struct et__codec **codec, struct et_err *err);
void et__codec_close(struct et__codec *codec); // NULL is allowed

/* The codec's name; never NULL. */
const char *et__codec_name(int32_t kind);

/* True when n_in bytes of this codec can possibly stand for n_out: a claim that needs no memory. */
bool et__codec_can_give(int32_t kind, size_t n_in, size_t n_out);

/* Decompresses exactly n_out bytes; `to` has room for 16 more. ET_ECORRUPT at `at`, the page's
 * offset; ET_EUNSUPPORTED by name; ET_ENOMEM. */
ET_MUST_USE enum et_status et__codec_decompress(struct et__codec *codec, int32_t kind,
                                                struct et_str in, uint8_t *to, size_t n_out,
                                                int64_t at, struct et_err *err);

/* Appends the compressed bytes to `to`. level 0 is the codec's default. */
ET_MUST_USE enum et_status et__codec_compress(struct et__codec *codec, int32_t kind, int level,
                                              struct et_str in, struct et_buf *to,
                                              struct et_err *err);

/* CRC-32 as pages have it. */
uint32_t et__codec_crc(const void *p, size_t n);

#endif

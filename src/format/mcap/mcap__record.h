/* MCAP records: from bytes and to bytes. */
#ifndef ETUDE_FORMAT_MCAP_RECORD_H
#define ETUDE_FORMAT_MCAP_RECORD_H

#include "etude/mcap_scan.h"

#define ET__MCAP_MAGIC "\x89MCAP0\r\n"
#define ET__MCAP_MAGIC_BYTES 8
#define ET__MCAP_HEAD_BYTES 9    // opcode and length of a record
#define ET__MCAP_FOOTER_BYTES 29 // with its head
#define ET__MCAP_END_BYTES (ET__MCAP_FOOTER_BYTES + ET__MCAP_MAGIC_BYTES)
#define ET__MCAP_MESSAGE_BYTES 22 // of a message, before its data
#define ET__MCAP_PAIRS_MAX ((size_t)1 << 16)

/* ---- numbers, as they lie ---- */

static inline uint16_t et__u16(const void *p)
{
    uint16_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline uint32_t et__u32(const void *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline uint64_t et__u64(const void *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* Memory for n bytes that begins as the n_used bytes of `old`, which is freed; NULL, and `old` as
 * it was, when there is none. */
void *et__mcap_regrow(void *old, size_t n_used, size_t n);

/* ---- reading ---- */

/* A record's content, cut field by field. After the first field that is not there, `what` names it
 * and everything read is 0. */
struct et__mcap_fields {
    const char *p, *end;
    const char *what;
};
uint64_t et__mcap_field_uint(struct et__mcap_fields *f, size_t n_bytes,
                             const char *what); // 1, 2, 4, 8 bytes
int64_t et__mcap_field_time(struct et__mcap_fields *f, const char *what);
struct et_str et__mcap_field_text(struct et__mcap_fields *f, const char *what); // u32 length, UTF-8
struct et_str et__mcap_field_bytes(struct et__mcap_fields *f, size_t n_length, const char *what);

/* The fields of a record by its opcode, into record->as; lists go to the arena. Bytes behind the
 * last field are ignored. record->op, at and content are set. ET_ECORRUPT: a field that is not
 * there (err->at = record->at). */
ET_MUST_USE enum et_status et__mcap_parse(struct et_mcap_record *record, struct et_arena *arena,
                                          struct et_err *err);

/* What the spec allows in a chunk; others than its own opcodes are allowed anywhere. */
static inline bool et__mcap_is_of_chunk(int op)
{
    return op == ET_MCAP_SCHEMA || op == ET_MCAP_CHANNEL || op == ET_MCAP_MESSAGE;
}

/* An attachment's CRC, over all before it; 0 where the field says that there is none. */
bool et__mcap_attachment_holds(struct et_str content);

/* ---- chunks ---- */

struct et__mcap_codec; // decompressors, made when first needed
void et__mcap_codec_close(struct et__mcap_codec *codec);

/* What a chunk's head says, and its bytes. */
struct et__mcap_chunk {
    int64_t start_ns, end_ns;
    uint64_t n_bytes;
    uint32_t crc;
    struct et_str compression;
    struct et_str stored;
    bool is_cut; // the file ends within `stored`
};

/* Reads the head of a chunk's content, of which only n bytes may be there (is_cut then). */
ET_MUST_USE enum et_status et__mcap_chunk_read(struct et_str content, uint64_t n_claimed,
                                               int64_t at, struct et__mcap_chunk *chunk,
                                               struct et_err *err);

/* Its records: the stored bytes themselves, or decompressed into *buf (grown when it is too small;
 * *cap its size). A chunk that is not cut gives n_bytes that its CRC fits, or fails with
 * ET_ECORRUPT. Of one that is cut, what could be had. ET_EUNSUPPORTED: a compression of another
 * name. ET_ELIMIT. */
ET_MUST_USE enum et_status et__mcap_chunk_open(struct et__mcap_codec **codec,
                                               const struct et__mcap_chunk *chunk, int64_t at,
                                               char **buf, size_t *cap, struct et_str *records,
                                               struct et_err *err);

uint32_t et__mcap_crc(uint32_t crc, const void *p, size_t n); // CRC-32, from 0 on

/* The CRC of two pieces one behind the other, from theirs; n bytes are in the second. */
uint32_t et__mcap_crc_join(uint32_t first, uint32_t second, size_t n);

#endif

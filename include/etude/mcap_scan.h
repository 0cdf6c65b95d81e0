/* MCAP, every record as it lies in the file: for tools that show, check and mend files.
 *
 * Threads: a handle belongs to one thread.
 * Memory:  one chunk, or one record outside of chunks. */
#ifndef ETUDE_MCAP_SCAN_H
#define ETUDE_MCAP_SCAN_H

#include "etude/mcap.h"

/* The spec's opcodes. */
enum et_mcap_op {
    ET_MCAP_HEADER = 1,
    ET_MCAP_FOOTER,
    ET_MCAP_SCHEMA,
    ET_MCAP_CHANNEL,
    ET_MCAP_MESSAGE,
    ET_MCAP_CHUNK_OP,
    ET_MCAP_MESSAGE_INDEX,
    ET_MCAP_CHUNK_INDEX,
    ET_MCAP_ATTACHMENT,
    ET_MCAP_ATTACHMENT_INDEX,
    ET_MCAP_STATISTICS,
    ET_MCAP_METADATA,
    ET_MCAP_METADATA_INDEX,
    ET_MCAP_SUMMARY_OFFSET,
    ET_MCAP_DATA_END,
};

/* "Chunk", "Message" …; "a record" for what the spec does not name. */
ET_API const char *et_mcap_op_name(int op);

struct et_mcap_record {
    int op;     // enum et_mcap_op, or an opcode that the spec does not name
    int64_t at; // offset of its opcode in the file; of a record in a chunk, the chunk's
    bool is_in_chunk;
    struct et_str content;
    union { // by op; what is not here is in `content`
        struct {
            struct et_str profile, library;
        } header;
        struct et_mcap_schema schema;
        struct et_mcap_channel channel;
        struct et_mcap_message message;
        struct et_mcap_attachment attachment;
        struct et_mcap_metadata metadata;
        struct {
            int64_t start_ns, end_ns;
            uint64_t n_bytes; // uncompressed
            uint32_t crc;
            struct et_str compression;
            uint64_t n_stored;
        } chunk; // given before its records
        struct {
            int64_t start_ns, end_ns;
            uint64_t chunk_at, chunk_bytes;
            const uint16_t *index_channels; // n_indexes, with index_ats
            const uint64_t *index_ats;
            size_t n_indexes;
            uint64_t index_bytes, n_stored, n_bytes;
            struct et_str compression;
        } chunk_index;
        struct {
            uint64_t at, n_bytes, data_bytes;
            int64_t log_time_ns, create_time_ns;
            struct et_str name, media_type;
        } attachment_index;
        struct {
            uint64_t at, n_bytes;
            struct et_str name;
        } metadata_index;
        struct {
            uint64_t n_messages;
            uint16_t n_schemas;
            uint32_t n_channels, n_attachments, n_metadata, n_chunks;
            int64_t start_ns, end_ns;
            const uint16_t *channels; // n_counts, with counts
            const uint64_t *counts;
            size_t n_counts;
        } statistics;
        struct {
            uint8_t op;
            uint64_t at, n_bytes;
        } summary_offset;
        struct {
            uint32_t crc;
        } data_end;
        struct {
            uint64_t summary_at, offsets_at;
            uint32_t crc;
        } footer;
    } as;
};

struct et_mcap_scan;

/* Opens a file to be gone through from its beginning. Statuses as et_mcap_open. */
ET_MUST_USE ET_API enum et_status et_mcap_scan_open(struct et_mcap_scan **scan, const char *path,
                                                    struct et_err *err);
ET_API void et_mcap_scan_close(struct et_mcap_scan *scan); // NULL is allowed

/* The next record; its views are valid until the next call. Chunks are opened in place: the chunk,
 * then the records in it. ET_END: the closing magic was reached. Strict: err->at is the offset of
 * the first thing that is wrong; ET_ECORRUPT (a CRC that does not hold, a record beyond the file's
 * end, a string beyond its record, no Header, DataEnd or Footer), ET_EUNSUPPORTED (a compression of
 * another name), ET_ELIMIT (a chunk or record beyond 1 GiB); after any of them et_mcap_scan_resync
 * goes on. ET_EIO, ET_ENOMEM end it. */
ET_MUST_USE ET_API enum et_status
et_mcap_scan_next(struct et_mcap_scan *scan, struct et_mcap_record *record, struct et_err *err);

/* Goes on behind damage: in the same chunk, when one record in it is wrong in itself alone; else
 * behind that chunk or record; else at the next place where a record begins that holds (its length
 * leads to another, or to the end). *n_skipped bytes were left out, of a chunk that gave some of
 * its records those that it did not give. ET_END: no more. ET_EIO, ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_mcap_scan_resync(struct et_mcap_scan *scan, int64_t *n_skipped,
                                                      struct et_err *err);

#endif

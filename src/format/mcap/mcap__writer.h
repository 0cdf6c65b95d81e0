/* The inside of a writer. */
#ifndef ETUDE_FORMAT_MCAP_WRITER_H
#define ETUDE_FORMAT_MCAP_WRITER_H

#include "etude/file.h"
#include "etude/mcap_write.h"
#include "format/mcap/mcap__record.h"

/* ---- records to bytes ---- */

/* Begins a record at the buffer's end; its length is filled in by et__mcap_record_end, which pads
 * it where `is_padded`. Returns where it begins. */
size_t et__mcap_record_begin(struct et_buf *buf, int op);
void et__mcap_record_end(struct et_buf *buf, size_t begin, bool is_padded);

void et__mcap_put_uint(struct et_buf *buf, uint64_t x, size_t n_bytes);
void et__mcap_put_text(struct et_buf *buf, struct et_str text);
void et__mcap_put_pairs(struct et_buf *buf, const struct et_mcap_pair *pairs, size_t n);

void et__mcap_put_schema(struct et_buf *buf, const struct et_mcap_schema *schema, bool is_padded);
void et__mcap_put_channel(struct et_buf *buf, const struct et_mcap_channel *channel,
                          bool is_padded);

/* ---- compression (compress.c) ---- */

struct et__mcap_encoder; // of one thread
void et__mcap_encoder_close(struct et__mcap_encoder *encoder);

/* The bytes of a chunk in *out, which is emptied first. */
ET_MUST_USE enum et_status et__mcap_compress(struct et__mcap_encoder **encoder,
                                             enum et_mcap_compression compression, int level,
                                             struct et_str records, struct et_buf *out,
                                             struct et_err *err);

/* ---- the writer ---- */

/* A message's place in its chunk. */
struct et__mark {
    int64_t t_ns;
    uint32_t offset;
    uint16_t channel_id;
};

/* A chunk that is filled, or waits to be compressed and written. */
struct et__slot {
    struct et_buf records;
    struct et__mark *marks;
    size_t n_marks, cap_marks;
    int64_t start_ns, end_ns;
    size_t n_ids; // the largest channel id + 1 when it was full
    // made by compressing
    struct et_buf stored;  // empty where nothing is compressed
    struct et_buf indexes; // MessageIndex records
    uint16_t *channels; // that have messages, ascending; with where their index begins in `indexes`
    uint64_t *index_ats;
    size_t n_channels, cap_channels;
    uint32_t crc, stored_crc, indexes_crc;
};

struct et__group {
    int64_t at, n_bytes;
    int op;
};

struct et_mcap_writer {
    struct et_file *file; // NULL: a sink
    const char *path;
    struct et_arena *arena;
    struct et_mcap_write_options options;
    struct et_buf out;         // what was not written yet
    _Atomic int64_t n_written; // in the file
    uint32_t crc;              // of the data section so far
    struct et_err trouble;
    bool is_broken;

    struct et_mcap_schema *schemas;
    size_t n_schemas, cap_schemas;
    struct et_mcap_channel *channels;
    size_t n_channels, cap_channels;
    int32_t *of_channel, *of_schema; // places by id; −1: none
    uint64_t *counts;                // of messages, by channel id
    size_t n_ids;                    // the largest channel id + 1

    /* A ring: one slot is open and filled, those before it are compressed and written. While the
     * job runs, `out`, `crc`, `n_chunks` and `chunk_indexes` belong to whichever thread writes. */
    struct et__slot *slots, *open;
    struct et__mcap_encoder **encoders; // one a thread
    size_t n_slots, n_threads;
    size_t n_fed; // to the job
    struct et_pool_job job;
    bool is_running;

    struct et_buf chunk_indexes, attachment_indexes, metadata_indexes;
    uint64_t n_messages;
    uint32_t n_attachments, n_metadata, n_chunks;
    int64_t start_ns, end_ns;
};

/* A writer that has written nothing and has no file. */
ET_MUST_USE enum et_status et__mcap_writer_make(struct et_mcap_writer **writer, const char *path,
                                                const struct et_mcap_write_options *options,
                                                struct et_err *err);

/* Takes a schema or channel into the writer's tables, and puts nothing. ET_END: it is there. */
ET_MUST_USE enum et_status et__keep_schema(struct et_mcap_writer *w,
                                           const struct et_mcap_schema *schema, struct et_err *err);
ET_MUST_USE enum et_status et__keep_channel(struct et_mcap_writer *w,
                                            const struct et_mcap_channel *channel,
                                            struct et_err *err);

/* A chunk as its index tells of it. */
struct et__chunk_entry {
    int64_t start_ns, end_ns;
    int64_t at, n_bytes; // of the record, with its head
    const uint16_t *channels;
    const uint64_t *index_ats; // where each one's MessageIndex begins, behind the chunk
    size_t n_channels;
    uint64_t index_bytes;
    struct et_str compression;
    uint64_t n_stored, n_records;
};

/* Put what the summary will say, and count it. A record's bytes are with its head. */
void et__index_chunk(struct et_mcap_writer *w, const struct et__chunk_entry *chunk);
void et__index_attachment(struct et_mcap_writer *w, const struct et_mcap_attachment *a, uint64_t at,
                          uint64_t n_bytes);
void et__index_metadata(struct et_mcap_writer *w, struct et_str name, uint64_t at,
                        uint64_t n_bytes);
/* Adds a mark; false: no memory. */
bool et__mark_message(struct et__slot *slot, int64_t t_ns, uint32_t offset, uint16_t channel_id);

/* MessageIndex records of a slot's marks: one a channel that has messages, ascending, each with the
 * messages in the order in which they were written. */
ET_MUST_USE enum et_status et__make_indexes(const struct et_mcap_writer *w, struct et__slot *slot,
                                            struct et_err *err);
void et__count_message(struct et_mcap_writer *w, uint16_t channel_id, int64_t t_ns);

/* Lets the open slot be compressed and written; another one is open. */
ET_MUST_USE enum et_status et__feed_slot(struct et_mcap_writer *w, struct et_err *err);

/* Waits until all that was fed is written. */
ET_MUST_USE enum et_status et__end_slots(struct et_mcap_writer *w, struct et_err *err);

/* To the file or the sink, behind what was written before. */
ET_MUST_USE enum et_status et__write_bytes(struct et_mcap_writer *w, const void *p, size_t n,
                                           struct et_err *err);

/* Writes what waits in `out`. */
ET_MUST_USE enum et_status et__write_out(struct et_mcap_writer *w, struct et_err *err);

#endif

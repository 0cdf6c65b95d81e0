/* MCAP: the container of robot recordings, read and written.
 *
 * https://mcap.dev/spec (version 0). Chunks plain, LZ4 frame or zstd; every CRC that is there is
 * checked on reading and every one is written. A file that was cut, or never finished, gives all
 * its whole messages; damage in one chunk costs that chunk and is told (et_mcap_remark), never
 * hidden.
 *
 * Three ways in. `et_mcap_reader` gives messages in the order of their log times, of all topics or
 * some, of all time or a range, by the index where there is one and by a scan that makes one where
 * there is none. `et_mcap_scan` gives every record as it lies in the file. `et_mcap_writer` writes.
 *
 * Times:   nanoseconds; MCAP holds uint64, and a time beyond INT64_MAX is corrupt here.
 * Threads: a handle belongs to one thread. A writer given a pool compresses on it.
 * Memory:  a reader holds its index (40 bytes a chunk; 16 bytes a message of the chunks that
 * overlap in time), and the chunks that overlap, at most `memory_bytes`; a writer one open chunk,
 *          and two a thread of the pool. Views are valid as each call says. */
#ifndef ETUDE_MCAP_H
#define ETUDE_MCAP_H

#include "etude/arena.h"
#include "etude/str.h"

#define ET_MCAP_CHUNK_BYTES_MAX ((size_t)1 << 30) // uncompressed, and of a record outside of chunks
#define ET_MCAP_CHANNELS_MAX 65536

/* ---- records ---- */

struct et_mcap_pair {
    struct et_str key, value;
};

struct et_mcap_schema {
    uint16_t id;            // never 0
    struct et_str name;     // "sensor_msgs/msg/JointState"
    struct et_str encoding; // "ros2msg", "ros1msg", "protobuf", "jsonschema" …
    struct et_str data;     // bytes
};

struct et_mcap_channel {
    uint16_t id;
    uint16_t schema_id; // 0: none
    struct et_str topic;
    struct et_str encoding; // of its messages: "cdr", "ros1", "protobuf", "json" …
    const struct et_mcap_pair *metadata;
    size_t n_metadata;
};

struct et_mcap_message {
    uint16_t channel_id;
    uint32_t sequence;
    int64_t log_time_ns;     // when it was recorded
    int64_t publish_time_ns; // when it was sent
    struct et_str data;
    int64_t at; // offset in the file of the record, or of the chunk that holds it
};

struct et_mcap_attachment {
    int64_t log_time_ns, create_time_ns;
    struct et_str name, media_type, data;
};

struct et_mcap_metadata {
    struct et_str name;
    const struct et_mcap_pair *pairs;
    size_t n_pairs;
};

/* Something that was wrong and got over: damage left out, an index that lies, no end. */
enum et_mcap_fault {
    ET_MCAP_CUT,    // the file ends within a record, or before its footer
    ET_MCAP_CRC,    // a checksum does not hold; what it covers was left out (an index: not used)
    ET_MCAP_DAMAGE, // bytes that are no record; skipped to the next that is
    ET_MCAP_CHUNK,  // a chunk that cannot be decompressed or is not what its header says
    ET_MCAP_INDEX,  // an index that does not fit the data; not used
    ET_MCAP_TWICE,  // an id given twice with other content; the first counts
    ET_MCAP_ORPHAN, // messages of a channel, or a channel of a schema, that is not there; left out
    ET_MCAP_N_FAULTS
};
struct et_mcap_remark {
    enum et_mcap_fault fault;
    int64_t at;      // offset of the first
    int64_t n;       // how many
    int64_t n_bytes; // left out, of the file
    char text[160];  // of the first, one sentence
};
ET_API const char *et_mcap_fault_name(enum et_mcap_fault fault); // "crc"

/* ---- reading in the order of time ---- */

struct et_mcap_info {
    struct et_str profile, library;       // of the header
    const struct et_mcap_schema *schemas; // ascending id
    size_t n_schemas;
    const struct et_mcap_channel *channels; // ascending id
    size_t n_channels;
    const int64_t *n_messages_of; // one a channel; NULL before a full pass where nothing says so
    int64_t n_messages;           // −1: not known yet
    int64_t start_ns, end_ns; // log times of the first and last message; 0, 0 when there is none
    int64_t n_chunks, n_attachments, n_metadata;
    int64_t n_bytes;                      // of the file
    bool is_finished;                     // it has a footer that holds
    bool has_index;                       // read by the index of the file, not by a scan
    const char *compression;              // of the first chunk: "", "lz4", "zstd"; NULL: no chunks
    const struct et_mcap_remark *remarks; // one a fault that occurred so far
    size_t n_remarks;
};

struct et_mcap_reader;

struct et_mcap_open_options {
    size_t memory_bytes; // for chunks that overlap; 0: 256 MiB
    bool must_scan;      // do not trust the index
};

/* Opens a file: the summary where there is one that holds, else a scan of the whole file. options
 * may be NULL. ET_ENOTFOUND, ET_EIO as et_file_open. ET_ECORRUPT: no MCAP file at all (the magic).
 * ET_EUNSUPPORTED: another major version. ET_ELIMIT: channels, or index beyond the memory. */
ET_MUST_USE ET_API enum et_status et_mcap_open(struct et_mcap_reader **reader, const char *path,
                                               const struct et_mcap_open_options *options,
                                               struct et_err *err);
ET_API void et_mcap_close(struct et_mcap_reader *reader); // NULL is allowed

/* Valid until the reader is closed; remarks and counts grow while messages are read. */
ET_API const struct et_mcap_info *et_mcap_info(const struct et_mcap_reader *reader);
ET_API const struct et_mcap_channel *et_mcap_channel(const struct et_mcap_reader *reader,
                                                     uint16_t id); // NULL: none
ET_API const struct et_mcap_schema *et_mcap_schema(const struct et_mcap_reader *reader,
                                                   uint16_t id); // NULL: none

struct et_mcap_query {
    const uint16_t *channels; // NULL: all
    size_t n_channels;
    int64_t from_ns, to_ns; // from ≤ log time < to; to_ns 0: no end
    bool in_file_order;     // as they lie, one chunk in memory at a time
};

/* Begins (again). query may be NULL: everything. ET_EARG: a channel that is not there. */
ET_MUST_USE ET_API enum et_status
et_mcap_query(struct et_mcap_reader *reader, const struct et_mcap_query *query, struct et_err *err);

/* The next message: by log time, equal times as they lie in the file. Its data is valid until the
 * next call. ET_END: no more. Damage is gone over and remarked; ET_EIO, ET_ENOMEM, ET_ELIMIT (more
 * chunks overlap than the memory holds) end the query. Each chunk is read once. */
ET_MUST_USE ET_API enum et_status et_mcap_next(struct et_mcap_reader *reader,
                                               struct et_mcap_message *message, struct et_err *err);

/* Attachment and metadata i in the order of the file; texts in the arena. ET_EARG: no such. */
ET_MUST_USE ET_API enum et_status et_mcap_attachment(struct et_mcap_reader *reader, size_t i,
                                                     struct et_arena *arena,
                                                     struct et_mcap_attachment *attachment,
                                                     struct et_err *err);
ET_MUST_USE ET_API enum et_status et_mcap_metadata(struct et_mcap_reader *reader, size_t i,
                                                   struct et_arena *arena,
                                                   struct et_mcap_metadata *metadata,
                                                   struct et_err *err);

#endif

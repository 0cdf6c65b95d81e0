/* The inside of a reader: what it knows of a file, and the messages that are on their way. */
#ifndef ETUDE_FORMAT_MCAP_READER_H
#define ETUDE_FORMAT_MCAP_READER_H

#include "etude/file.h"
#include "format/mcap/mcap__record.h"

/* A stretch of the file that holds messages: a chunk with its head, or records outside of chunks
 * (is_raw), or what is there of a chunk that the file ends within. */
struct et__block {
    int64_t at, n_bytes;
    int64_t start_ns, end_ns;
    const uint16_t *channels; // that have messages in it; NULL: not known
    size_t n_channels;
    bool is_raw;
    bool is_told; // what is wrong in it was remarked
};

/* A record that is read when somebody asks for it. */
struct et__place {
    int64_t at, n_bytes;
};

/* One message of an open block: its time, and where its record begins in the block's bytes. */
struct et__entry {
    int64_t t_ns;
    uint32_t offset;
};

/* A block whose messages are given out. */
struct et__open_block {
    size_t i_block;
    char *file_bytes; // as they lie in the file; owned
    size_t file_cap;
    char *chunk_bytes; // decompressed; owned
    size_t chunk_cap;
    struct et_str records;               // in one of the two
    struct et__entry *entries, *scratch; // owned
    size_t cap_entries, n_entries, next;
    bool is_sorted;
};

struct et__ids {
    struct et_mcap_schema *schemas; // in the order of their ids when finished
    size_t n_schemas, cap_schemas;
    struct et_mcap_channel *channels;
    size_t n_channels, cap_channels;
    int32_t *of_channel, *of_schema; // places by id, −1: none; 65,536 of each
};

enum et__asked { ET__NOT_ASKED, ET__ASKED, ET__NO_CHANNEL };

struct et_mcap_reader {
    struct et_file *file;
    struct et_arena *arena;
    struct et_mcap_info info;
    struct et_mcap_remark remarks[ET_MCAP_N_FAULTS]; // by fault; n 0: none
    struct et_mcap_remark listed[ET_MCAP_N_FAULTS];
    size_t memory_bytes;

    struct et__ids ids;
    int64_t *counts; // by channel id, 65,536; when all is read, in the order of ids.channels
    bool has_counts;
    struct et__block *blocks; // in the order of the file
    size_t n_blocks, cap_blocks;
    struct et__place *attachments, *metadata;
    size_t n_attachments, cap_attachments, n_metadata, cap_metadata;

    // the query
    struct et__mcap_codec *codec;
    uint8_t asked[ET_MCAP_CHANNELS_MAX]; // enum et__asked, by channel id
    bool wants_all;
    int64_t from_ns, to_ns;
    bool in_file_order, is_running;
    size_t *order; // of blocks, by time or place
    size_t n_order, next_order;
    struct et__open_block *open; // a heap by the next message; those behind n_open are spare
    size_t n_open, cap_open;
    size_t open_bytes;
    int64_t last_ns; // of the message given last
    bool has_given;  // it is the next one of the first open block
};

/* Notes a fault; the first of its kind keeps its text. */
void et__mcap_remark(struct et_mcap_reader *r, enum et_mcap_fault fault, int64_t at,
                     int64_t n_bytes, const char *text);

/* Adds what is new; a remark for an id with another content. ET_ELIMIT, ET_ENOMEM. */
ET_MUST_USE enum et_status et__ids_add_schema(struct et_mcap_reader *r,
                                              const struct et_mcap_schema *schema, int64_t at,
                                              struct et_err *err);
ET_MUST_USE enum et_status et__ids_add_channel(struct et_mcap_reader *r,
                                               const struct et_mcap_channel *channel, int64_t at,
                                               struct et_err *err);

/* Room for one more item behind n; NULL when the arena is full. */
void *et__mcap_grow(struct et_arena *arena, void *items, size_t n, size_t *cap, size_t size);

/* Fills blocks, ids and places from the summary. ET_AGAIN: there is none that can be used. */
ET_MUST_USE enum et_status et__mcap_read_summary(struct et_mcap_reader *r, struct et_err *err);

/* The same from the whole file. */
ET_MUST_USE enum et_status et__mcap_read_all(struct et_mcap_reader *r, struct et_err *err);

#endif

/* The inside of a reader: what it knows of a bag, and the messages that are on their way. */
#ifndef ETUDE_FORMAT_ROSBAG1_READER_H
#define ETUDE_FORMAT_ROSBAG1_READER_H

#include "etude/file.h"
#include "etude/pool.h"
#include "etude/rosbag1.h"

#define ET__BAG_MAGIC "#ROSBAG V2.0\n"
#define ET__BAG_MAGIC_BYTES 13
#define ET__BAG_HEADER_BYTES_MAX ((size_t)1 << 20) // of a record
#define ET__BAG_FOUND_BYTES ((size_t)4096)         // a header that is searched for, at most
#define ET__BAG_TEXT_BYTES_MAX ((size_t)1 << 24)   // of a connection's texts
#define ET__BAG_RAW_BYTES ((size_t)8 << 20)        // of a stretch without a chunk

enum et__bag_op {
    ET__BAG_MESSAGE = 2,
    ET__BAG_FILE = 3,
    ET__BAG_INDEX = 4,
    ET__BAG_CHUNK = 5,
    ET__BAG_CHUNK_INFO = 6,
    ET__BAG_CONNECTION = 7,
};

/* The fields of a record's header, whatever their order; those that are not there are 0. */
struct et__bag_header {
    enum et__bag_op op;
    uint32_t has; // bits of enum et__bag_field
    uint32_t connection, size, count, n_connections, n_chunks;
    uint64_t index_pos, chunk_pos;
    int64_t time_ns, start_ns, end_ns;
    struct et_str topic, compression, encryptor;
};
enum et__bag_field {
    ET__BAG_HAS_OP = 1 << 0,
    ET__BAG_HAS_CONN = 1 << 1,
    ET__BAG_HAS_TIME = 1 << 2,
    ET__BAG_HAS_SIZE = 1 << 3,
    ET__BAG_HAS_COMPRESSION = 1 << 4,
    ET__BAG_HAS_TOPIC = 1 << 5,
    ET__BAG_HAS_COUNT = 1 << 6,
    ET__BAG_HAS_CHUNK_POS = 1 << 7,
    ET__BAG_HAS_INDEX_POS = 1 << 8,
};

static inline uint32_t et__bag_u32(const void *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* Reads n bytes of fields; false: they are no header of a record that the format knows, or one
 * that lacks what its kind must have. */
bool et__bag_header_read(const char *p, size_t n, struct et__bag_header *header);

/* A record in memory: its header, and where its data lies. */
struct et__bag_record {
    struct et__bag_header header;
    size_t n_head; // length fields and header: where the data begins
    uint32_t n_data;
};

/* The record that begins at p, of which n bytes are there. Its data may reach beyond. False: no
 * record, or its header reaches beyond. */
bool et__bag_record_read(const char *p, size_t n, struct et__bag_record *record);

/* The same for a message with just the fields it must have, in any order: nearly every record.
 * False: read it in the other way. Sets op, connection and time_ns of the header. */
#define ET__BAG_MESSAGE_HEAD_BYTES ((size_t)46)
bool et__bag_message_read(const char *p, size_t n, struct et__bag_record *record);

/* A stretch of the file that holds messages: a chunk, or records outside of chunks (is_raw). */
struct et__bag_block {
    int64_t at;               // of the chunk's record, or of the first record
    int64_t limit;            // where the next thing begins, as far as it is known
    int64_t start_ns, end_ns; // start > end: no messages
    bool is_raw;
    bool is_told;  // what is wrong in it was remarked
    bool is_known; // its times were seen, not only told by an index
};

/* One message of an open block. */
struct et__bag_entry {
    int64_t t_ns;
    uint32_t i_connection, offset, n_bytes; // data
    uint32_t unused;
};

struct et__bag_open {
    size_t i_block;
    char *stored, *unpacked; // owned
    size_t stored_cap, unpacked_cap;
    struct et_str records;         // in one of the two
    struct et__bag_entry *entries; // owned
    size_t cap_entries, n_entries, next;
};

#define ET__BAG_SPARE_BYTES ((size_t)1 << 20) // of roslz4's blocks
struct et__bag_codec;
void et__bag_codec_close(struct et__bag_codec *codec);

enum et__unpacked {
    ET__UNPACKED_WHOLE,
    ET__UNPACKED_CUT,  // the stored bytes end before their stream does
    ET__UNPACKED_WRONG // not such a stream, its checksum does not hold, or it is longer than room
};

/* Decompresses by "lz4" or "bz2" into `to`, which has room and ET__BAG_SPARE_BYTES more, so that
 * LZ4's last block need not go through a buffer of the library's own; *n_out bytes came out, also
 * of a stream that is cut. ET_EUNSUPPORTED: another name. ET_ENOMEM. */
ET_MUST_USE enum et_status et__bag_unpack(struct et__bag_codec **codec, struct et_str compression,
                                          struct et_str stored, char *to, size_t room,
                                          size_t *n_out, enum et__unpacked *how,
                                          struct et_err *err);

struct et_rosbag1_reader {
    struct et_file *file;
    struct et_arena *arena;
    struct et_rosbag1_info info;
    struct et_rosbag1_remark remarks[ET_ROSBAG1_N_FAULTS]; // by fault; n 0: none
    struct et_rosbag1_remark listed[ET_ROSBAG1_N_FAULTS];
    size_t memory_bytes;
    struct et__bag_header head; // of the file

    struct et_rosbag1_connection *connections;
    size_t n_connections, cap_connections;
    uint32_t *slots;              // places in connections plus 1 by a hash of the id; 0: free
    struct et__bag_block *blocks; // in the order of the file
    size_t n_blocks, cap_blocks;

    // the query
    struct et__bag_codec *codec;
    struct et_pool *pool;
    struct et__bag_ahead *ahead; // NULL: never began
    uint8_t *asked;              // by connection; NULL: all
    size_t n_asked;
    int64_t from_ns, to_ns;
    bool in_file_order, is_running, has_given;
    size_t *order; // of blocks
    size_t cap_order, n_order, next_order;
    struct et__bag_open *open; // a heap by the next message; those behind n_open are spare
    size_t n_open, cap_open;
    size_t open_bytes;
    int64_t last_ns;
};

/* Notes a fault; the first of its kind keeps its text. */
void et__bag_remark(struct et_rosbag1_reader *r, enum et_rosbag1_fault fault, int64_t at,
                    int64_t n_bytes, const char *text);
void et__bag_list_remarks(struct et_rosbag1_reader *r); // into info

/* Room for one more item behind n; NULL when there is none. Owned by the reader's arena. */
void *et__bag_grow(struct et_arena *arena, void *items, size_t n, size_t *cap, size_t size);

/* Adds a connection record's content, unless it is there. ET_ELIMIT, ET_ENOMEM. Texts that are cut
 * or no fields give a remark. */
ET_MUST_USE enum et_status et__bag_connection_add(struct et_rosbag1_reader *r,
                                                  const struct et__bag_header *header,
                                                  struct et_str data, int64_t at,
                                                  struct et_err *err);
size_t et__bag_connection_find(const struct et_rosbag1_reader *r, uint32_t id); // SIZE_MAX: none

/* Fills connections and blocks from the index. ET_AGAIN: there is none that can be used. */
ET_MUST_USE enum et_status et__bag_read_index(struct et_rosbag1_reader *r, struct et_err *err);

/* The same from the whole file. */
ET_MUST_USE enum et_status et__bag_read_all(struct et_rosbag1_reader *r, struct et_err *err);

/* Reads a block into *open: its bytes, its connections into the reader, its messages in the order
 * of time (equal times as they lie), or as they lie. room: bytes it may take. A damaged block gives
 * what could be had, and remarks once. */
ET_MUST_USE enum et_status et__bag_block_load(struct et_rosbag1_reader *r, size_t i_block,
                                              bool must_sort, size_t room,
                                              struct et__bag_open *open, struct et_err *err);

/* The same in two steps. The first reads and decompresses, and runs on any thread: it looks at
 * nothing that reading changes. False: no memory, no room, or the block is not whole and as it
 * should be; et__bag_block_load then finds out what it is. The second takes what it left in open.
 */
bool et__bag_block_fetch(struct et_rosbag1_reader *r, size_t i_block, size_t room,
                         struct et__bag_codec **codec, struct et__bag_open *open);
ET_MUST_USE enum et_status et__bag_block_parse(struct et_rosbag1_reader *r, size_t i_block,
                                               bool must_sort, size_t room,
                                               struct et__bag_open *open, struct et_err *err);

/* Reading ahead on a pool (ahead.c): it begins with a query's first block, and is only ever a way
 * to have a block sooner. */
struct et__bag_ahead;
void et__bag_ahead_begin(struct et_rosbag1_reader *r); // nothing without a pool of threads
void et__bag_ahead_stop(struct et_rosbag1_reader *r);
void et__bag_ahead_close(struct et_rosbag1_reader *r);

/* Puts the block at r->order[i] into *open, with et__bag_block_parse still to be called; in turn,
 * each i once. False: it was not fetched, or does not fit into room. */
bool et__bag_ahead_take(struct et_rosbag1_reader *r, size_t i, size_t room,
                        struct et__bag_open *open);

static inline size_t et__bag_open_bytes(const struct et__bag_open *open)
{
    return open->stored_cap + open->unpacked_cap + open->cap_entries * sizeof *open->entries;
}
void et__bag_open_free(struct et__bag_open *open);

#endif

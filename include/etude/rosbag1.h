/* ROS 1 bags, format 2.0, read in the order of time.
 *
 * http://wiki.ros.org/Bags/Format/2.0. Chunks plain, LZ4 frame or bzip2. A bag that was never
 * closed (`.active`), has no index, or was cut anywhere gives every whole message that is on the
 * disk, also those of the chunk that was being written. Damage costs the records it lies in (in a
 * compressed chunk: the chunk) and is told (et_rosbag1_remark), never hidden. Plain chunks have no
 * checksum: a wrong byte in a message of one cannot be seen.
 *
 * Encrypted bags and versions before 2.0 are refused by name.
 *
 * Times:   nanoseconds on the recorder's clock; the format holds uint32 seconds and nanoseconds.
 * Threads: a reader belongs to one thread. Given a pool, it reads and decompresses the next chunks
 *          there while the caller looks at messages; what it gives is the same.
 * Memory:  64 bytes a chunk, the connections, and the chunks that overlap in time with 24 bytes for
 *          each of their messages, at most `memory_bytes`. One chunk where chunks are in order.
 *          With a pool, beside it one chunk a thread and one more, at most a quarter of it in all.
 */
#ifndef ETUDE_ROSBAG1_H
#define ETUDE_ROSBAG1_H

#include "etude/arena.h"
#include "etude/pool.h"
#include "etude/str.h"

#define ET_ROSBAG1_CHUNK_BYTES_MAX ((size_t)1 << 30) // uncompressed
#define ET_ROSBAG1_CONNECTIONS_MAX 65536

/* One publisher of a topic; a topic may have several. Texts are as they lie in the file. */
struct et_rosbag1_connection {
    uint32_t id;
    struct et_str topic;      // in the bag
    struct et_str type;       // "sensor_msgs/JointState"
    struct et_str md5;        // of the type, 32 hexadecimal digits
    struct et_str definition; // ros1msg text
    struct et_str caller;     // name of the node; empty: not given
    bool is_latching;
    int64_t n_messages; // as the index or the scan says
};

struct et_rosbag1_message {
    size_t i_connection; // in info->connections
    int64_t time_ns;     // when it was recorded
    struct et_str data;
    int64_t at; // offset in the file of the chunk that holds it, or of a stretch without a chunk
};

/* Something that was wrong and got over. */
enum et_rosbag1_fault {
    ET_ROSBAG1_CUT,    // the bag was not closed, or the file ends within it
    ET_ROSBAG1_DAMAGE, // bytes that are no record; skipped to the next that is
    ET_ROSBAG1_CHUNK,  // a chunk that cannot be decompressed, or whose checksum does not hold
    ET_ROSBAG1_INDEX,  // an index that does not fit the data
    ET_ROSBAG1_TWICE,  // a connection given twice with other content; the first counts
    ET_ROSBAG1_ORPHAN, // messages of a connection that is not there; left out
    ET_ROSBAG1_N_FAULTS
};
struct et_rosbag1_remark {
    enum et_rosbag1_fault fault;
    int64_t at;      // offset of the first; of the first that left bytes out, where one did
    int64_t n;       // how many
    int64_t n_bytes; // left out, of the file
    char text[160];  // of the same, one sentence
};
ET_API const char *et_rosbag1_fault_name(enum et_rosbag1_fault fault); // "chunk"

struct et_rosbag1_info {
    const struct et_rosbag1_connection *connections; // as they first lie; grows while reading
    size_t n_connections;
    int64_t n_messages;
    int64_t start_ns, end_ns; // of the first and last message; 0, 0 when there is none
    int64_t n_chunks;
    int64_t n_bytes;         // of the file
    bool is_finished;        // it was closed
    bool has_index;          // read by the index of the file, not by a scan
    const char *compression; // of the first chunk: "none", "lz4", "bz2"; NULL: not known yet
    const struct et_rosbag1_remark *remarks; // one a fault that occurred so far
    size_t n_remarks;
};

struct et_rosbag1_reader;

struct et_rosbag1_open_options {
    size_t memory_bytes; // for chunks that overlap; 0: 256 MiB
    bool must_scan;      // do not trust the index
    /* Reads ahead on it; NULL: nothing is read before it is asked for. From a query's first message
     * until it gives its last chunk, fails, or ends by another query or the close, the pool is the
     * reader's alone; it outlives the reader. Where chunks differ in size, ET_ELIMIT may come a
     * chunk sooner or later than without. */
    struct et_pool *pool;
};

/* Opens a bag: its index where there is one that holds, else every chunk is looked through once.
 * options may be NULL. ET_ENOTFOUND, ET_EIO as et_file_open. ET_ECORRUPT: no bag at all (its first
 * line). ET_EUNSUPPORTED: another version; encrypted. ET_ELIMIT: a chunk or the connections need
 * more than the memory. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_rosbag1_open(struct et_rosbag1_reader **reader,
                                                  const char *path,
                                                  const struct et_rosbag1_open_options *options,
                                                  struct et_err *err);
ET_API void et_rosbag1_close(struct et_rosbag1_reader *reader); // NULL is allowed

/* Valid until the reader is closed; remarks and connections grow while messages are read. */
ET_API const struct et_rosbag1_info *et_rosbag1_info(const struct et_rosbag1_reader *reader);

struct et_rosbag1_query {
    const size_t *connections; // places in info->connections; NULL: all
    size_t n_connections;
    int64_t from_ns, to_ns; // from ≤ time < to; to_ns 0: no end
    bool in_file_order;     // as they lie, one chunk in memory at a time
};

/* Begins (again). query may be NULL: everything. ET_EARG: a connection that is not there. ET_ENOMEM
 * leaves the reader without a query. */
ET_MUST_USE ET_API enum et_status et_rosbag1_query(struct et_rosbag1_reader *reader,
                                                   const struct et_rosbag1_query *query,
                                                   struct et_err *err);

/* The next message: by time, equal times as they lie in the file. Its data is valid until the next
 * call. Where an index lies about the times of a chunk, its early messages come late, with a
 * remark. ET_END: no more. Damage is gone over and remarked; ET_EIO, ET_ENOMEM, ET_ELIMIT (more
 * chunks overlap than the memory holds) end the query. */
ET_MUST_USE ET_API enum et_status et_rosbag1_next(struct et_rosbag1_reader *reader,
                                                  struct et_rosbag1_message *message,
                                                  struct et_err *err);

#endif

/* rosbag2 recordings, read in the order of time over all their files.
 *
 * A recording is a folder with metadata.yaml and one file or several (split), each a SQLite
 * database (.db3, schemas 1 to 4) or MCAP, plain or as a whole in zstd; or one such file alone.
 * The files rule: metadata.yaml may be missing, stale or wrong, then a remark says so. A database
 * that is cut or damaged gives all that SQLite still finds in it, a -wal that a crash left beside
 * one is read with it. What was wrong and got over is told (et_rosbag2_remark), never hidden.
 * SQLite has no checksums: a wrong byte in a message of a database cannot be seen.
 *
 * Nothing is ever written into the recording's folder, not even for a moment: databases are read
 * by our own file layer, which has no writing in it. Files in zstd are decompressed into a
 * temporary file that has no name any more when it is read.
 *
 * Times:   nanoseconds on the recorder's clock; times below 0 are damage here.
 * Threads: a reader belongs to one thread.
 * Memory:  topics with their texts; 40 bytes for each 4096 messages of a database; while reading,
 *          24 bytes for each message of such blocks as overlap in time, and one message, each at
 *          most `memory_bytes`; 2 MiB for SQLite in each of at most 16 files that stay open; of a
 *          -wal 8 bytes a page; files in MCAP as mcap.h says, each.
 *          On disk the files in zstd that overlap in time, at most `temp_bytes`. */
#ifndef ETUDE_ROSBAG2_H
#define ETUDE_ROSBAG2_H

#include "etude/arena.h"
#include "etude/str.h"

#define ET_ROSBAG2_TOPICS_MAX 65536
#define ET_ROSBAG2_FILES_MAX 65536
#define ET_ROSBAG2_MESSAGE_BYTES_MAX ((size_t)1 << 30)

/* A topic of one type; the same in several files is one. Texts are as they lie in the files, and
 * empty where no file has them. */
struct et_rosbag2_topic {
    struct et_str name;          // "/joint_states"
    struct et_str type;          // "sensor_msgs/msg/JointState"; old: "sensor_msgs/JointState"
    struct et_str serialization; // "cdr"
    struct et_str definition;    // for et_message_define; empty: only a store may know it
    struct et_str definition_encoding; // "ros2msg", "ros2idl"
    struct et_str type_hash;           // "RIHS01_…"
    struct et_str qos;                 // YAML
    int64_t n_messages;                // that can be listed; −1: not known (MCAP without a count)
};

struct et_rosbag2_message {
    size_t i_topic;          // in info->topics
    size_t i_file;           // in info->files
    int64_t time_ns;         // when it was recorded
    int64_t publish_time_ns; // when it was sent; −1: not kept (SQLite)
    struct et_str data;      // decompressed
    int64_t at;              // row in a database; in MCAP as et_mcap_message
};

/* Something that was wrong and got over. */
enum et_rosbag2_fault {
    ET_ROSBAG2_METADATA,    // metadata.yaml is missing, unreadable, or says other than the files
    ET_ROSBAG2_FILE,        // a file that is not there, is none of a recording, or is not listed
    ET_ROSBAG2_CUT,         // a file that was not closed, or ends too early
    ET_ROSBAG2_DAMAGE,      // parts of a file that cannot be read; left out
    ET_ROSBAG2_LOG,         // a -wal (read) or a -journal (not used) that a crash left behind
    ET_ROSBAG2_ROW,         // rows that are no message: no time, no data, too long; left out
    ET_ROSBAG2_COMPRESSION, // messages that cannot be decompressed; left out. Or that are given and
                            // were compressed otherwise than the metadata say
    ET_ROSBAG2_INDEX,       // an index of a file that does not fit the data: rows are missing, or
                            // messages come late
    ET_ROSBAG2_TWICE,       // a topic given twice with other content; the first counts
    ET_ROSBAG2_ORPHAN,      // messages of a topic that is not there; left out
    ET_ROSBAG2_N_FAULTS
};
struct et_rosbag2_remark {
    enum et_rosbag2_fault fault;
    size_t i_file;   // of the first, in info->files; SIZE_MAX: of metadata.yaml or the folder
    int64_t at;      // of the first: row, offset or line; −1: of the file as a whole
    int64_t n;       // how many
    int64_t n_bytes; // left out, as far as it is known
    char text[160];  // of the first, one sentence
};
ET_API const char *et_rosbag2_fault_name(enum et_rosbag2_fault fault); // "log"

struct et_rosbag2_file {
    const char *path;         // as it is opened
    const char *storage;      // "sqlite3", "mcap"; NULL: it could not be opened
    int schema_version;       // of a database, 1 to 4 (or higher, then read as 4); MCAP: 0
    bool is_compressed;       // as a whole, in zstd
    int64_t n_bytes;          // on disk
    int64_t n_messages;       // −1: not known
    int64_t start_ns, end_ns; // of the first and last message; 0, 0 when there is none
};

struct et_rosbag2_pair {
    struct et_str key, value;
};

struct et_rosbag2_info {
    const struct et_rosbag2_topic *topics; // as they are first found
    size_t n_topics;
    const struct et_rosbag2_file *files; // in their order
    size_t n_files;
    int64_t n_messages;       // −1: not known
    int64_t start_ns, end_ns; // of the first and last message; 0, 0 when there is none
    int64_t n_bytes;          // of all files
    const char *storage;      // of the first file that opened
    const char *compression;  // "none", "message", "file"
    struct et_str ros_distro; // "jazzy"; empty: not given
    int metadata_version;     // of metadata.yaml or of the copy in a file; 0: there is none
    bool has_metadata;        // metadata.yaml is there and was read
    const struct et_rosbag2_pair *custom; // custom_data of it
    size_t n_custom;
    const struct et_rosbag2_remark *remarks; // one a fault that occurred so far
    size_t n_remarks;
};

struct et_rosbag2_reader;

struct et_rosbag2_open_options {
    size_t memory_bytes;     // see Memory; 0: 256 MiB
    int64_t temp_bytes;      // of temporary files at one time; 0: 64 GiB
    const char *temp_folder; // NULL: $TMPDIR, or /tmp
};

/* True for what looks like a recording: a folder with metadata.yaml of rosbag2, or whose storage
 * files are numbered parts of one name (x_0.mcap, x_1.mcap); a file that begins as SQLite or MCAP,
 * or as zstd and is called .db3.zstd or .mcap.zstd. False also where the system refuses. */
ET_API bool et_rosbag2_is_recording(const char *path);

/* Opens a folder, or one storage file without regard to what lies beside it (but its -wal). Every
 * file is looked through once: its topics, and time and topic of each message; those in zstd are
 * decompressed for it, and again when they are read. options may be NULL.
 * ET_ENOTFOUND: no such path, or a folder in which no storage file is. ET_EIO: the system refused.
 * ET_ECORRUPT: no recording at all, or none of its files can be opened (err has the first reason).
 * ET_EUNSUPPORTED: another compression or storage than those above, by name. ET_ELIMIT: topics,
 * files, temp_bytes. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_rosbag2_open(struct et_rosbag2_reader **reader,
                                                  const char *path,
                                                  const struct et_rosbag2_open_options *options,
                                                  struct et_err *err);
ET_API void et_rosbag2_close(struct et_rosbag2_reader *reader); // NULL is allowed

/* Valid until the reader is closed; remarks grow while messages are read. */
ET_API const struct et_rosbag2_info *et_rosbag2_info(const struct et_rosbag2_reader *reader);

struct et_rosbag2_query {
    const size_t *topics; // places in info->topics; NULL: all
    size_t n_topics;
    int64_t from_ns, to_ns; // from ≤ time < to; to_ns 0: no end
    bool in_file_order;     // as they lie, file after file
};

/* Begins (again). query may be NULL: everything; a reader that was just opened stands there
 * already. ET_EARG: a topic that is not there. ET_ENOMEM leaves the reader without a query. */
ET_MUST_USE ET_API enum et_status et_rosbag2_query(struct et_rosbag2_reader *reader,
                                                   const struct et_rosbag2_query *query,
                                                   struct et_err *err);

/* The next message: by time, equal times in the order of the files, then as they lie. Its data is
 * valid until the next call. Where a file in MCAP lies about its times, its early messages come
 * late, with a remark. ET_END: no more. Damage is gone over and remarked; ET_EIO, ET_ENOMEM,
 * ET_ELIMIT (memory_bytes, temp_bytes) end the query. */
ET_MUST_USE ET_API enum et_status et_rosbag2_next(struct et_rosbag2_reader *reader,
                                                  struct et_rosbag2_message *message,
                                                  struct et_err *err);

#endif

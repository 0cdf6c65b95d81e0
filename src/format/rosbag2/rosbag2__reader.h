/* The inside of a reader: its files, where their messages lie, and those that are on their way. */
#ifndef ETUDE_FORMAT_ROSBAG2_READER_H
#define ETUDE_FORMAT_ROSBAG2_READER_H

#include "etude/mcap.h"
#include "etude/rosbag2.h"
#include "format/rosbag2/rosbag2__db.h"

#define ET__R2_BLOCK_ROWS 4096

enum et__r2_kind { ET__R2_NONE, ET__R2_SQLITE, ET__R2_MCAP };
enum et__r2_mode { ET__R2_MODE_UNKNOWN, ET__R2_MODE_NONE, ET__R2_MODE_MESSAGE, ET__R2_MODE_FILE };

/* ---- metadata.yaml ---- */

struct et__r2_count {
    struct et_str name, type, serialization, qos;
    int64_t n;
};

struct et__r2_metadata {
    bool is_there;
    int version;
    enum et__r2_mode mode;
    struct et_str compression, storage, distro;
    int64_t n_messages, start_ns, duration_ns; // −1: not given
    const char **paths;
    size_t n_paths;
    struct et__r2_count *topics;
    size_t n_topics;
    struct et_rosbag2_pair *custom;
    size_t n_custom;
};

/* Takes what it can from a document, with or without its root key; what is missing stays empty.
 * ET_ECORRUPT: no such document. ET_ELIMIT, ET_ENOMEM. */
ET_MUST_USE enum et_status et__r2_metadata_read(struct et_str yaml, struct et_arena *arena,
                                                struct et__r2_metadata *metadata,
                                                struct et_err *err);

/* ---- files ---- */

struct et__r2_id {
    int64_t id; // of a topic in a database, of a channel in MCAP
    size_t i_topic;
};

/* Rows of a database that follow each other. */
struct et__r2_block {
    int64_t first_id;
    int64_t start_ns, end_ns; // start > end: no messages
    int64_t n_rows;           // with those that are no messages
};

/* What stays known of a file when it is closed. */
struct et__r2_file {
    enum et__r2_kind kind; // NONE: it could not be opened
    bool is_zstd;
    bool is_kept;          // open until the reader is closed
    struct et__r2_id *ids; // ascending
    size_t n_ids, cap_ids;
    struct et__r2_block *blocks;
    size_t n_blocks, cap_blocks;
    int64_t n_seen[ET_ROSBAG2_N_FAULTS]; // in the pass that runs, and the most of any pass:
    int64_t n_told[ET_ROSBAG2_N_FAULTS]; // only what goes beyond is told
    int64_t mcap_told[ET_MCAP_N_FAULTS]; // of the remarks of MCAP's reader
};

/* ---- sources: files that are open ---- */

struct et__r2_entry {
    int64_t t_ns, id;
    uint32_t i_topic;
};

struct et__r2_open_block {
    struct et__r2_entry *entries; // owned
    size_t n, cap, next;
};

struct et__r2_source {
    size_t i_file;
    int64_t temp_bytes;
    bool has_head, is_running;
    struct et_rosbag2_message head; // of a database without data

    struct et_mcap_reader *mcap;

    struct et__db *db;
    struct et__db_query *list, *fetch; // of rows from an id on, without and with their data
    int64_t fetched_id;                // of the row on which `fetch` stands; INT64_MIN: none
    size_t *order;                     // of blocks, owned
    size_t n_order, next_order;
    struct et__r2_open_block *open; // a heap by the next message; those behind n_open are spare
    size_t n_open, cap_open;
};

struct et_rosbag2_reader {
    struct et_arena *arena;
    struct et_rosbag2_info info;
    struct et_rosbag2_remark remarks[ET_ROSBAG2_N_FAULTS]; // by fault; n 0: none
    struct et_rosbag2_remark listed[ET_ROSBAG2_N_FAULTS];
    size_t memory_bytes;
    int64_t temp_bytes, temp_used;
    const char *temp_folder;
    struct et__r2_metadata metadata;

    struct et_rosbag2_topic *topics;
    size_t cap_topics;
    uint32_t *slots;              // places in topics plus 1 by a hash of name and type; 0: free
    struct et_rosbag2_file *told; // what info shows of the files
    size_t cap_told;
    struct et__r2_file *files;      // as many
    struct et__r2_source **sources; // of files that are open, by file; NULL: closed
    size_t n_kept;                  // of them that stay open

    // the query
    uint8_t *asked; // by topic; NULL: all
    int64_t from_ns, to_ns, last_ns;
    bool in_file_order, is_running;
    size_t *order; // of files
    size_t n_order, next_order;
    size_t *active; // files with a head
    size_t n_active;
    struct et__r2_source *given; // whose head was given last
    struct et_buf unpacked;      // a message in zstd
    void *zstd;
};

/* Notes a fault; the first of its kind keeps its text. */
void et__r2_remark(struct et_rosbag2_reader *r, enum et_rosbag2_fault fault, size_t i_file,
                   int64_t at, int64_t n_bytes, const char *fmt, ...) ET_PRINTF(6, 7);

/* The same while messages are read: once, however often they are read. */
void et__r2_remark_row(struct et_rosbag2_reader *r, enum et_rosbag2_fault fault, size_t i_file,
                       int64_t at, int64_t n_bytes, const char *text);

/* Shows remarks in info, after their numbers were changed by hand. */
void et__r2_list_remarks(struct et_rosbag2_reader *r);

/* Room for one more item behind n; NULL when there is none. Owned by the reader's arena. */
void *et__r2_grow(struct et_arena *arena, void *items, size_t n, size_t *cap, size_t size);

/* The topic's place; added when it is new, completed when it is not. Texts are copied. */
ET_MUST_USE enum et_status et__r2_topic_add(struct et_rosbag2_reader *r, size_t i_file, int64_t id,
                                            const struct et_rosbag2_topic *topic,
                                            struct et_err *err);
/* The topic of that name, type and serialization; SIZE_MAX: none. */
size_t et__r2_topic_find(const struct et_rosbag2_reader *r, const struct et_rosbag2_topic *topic);
size_t et__r2_topic_of(const struct et__r2_file *file, int64_t id); // SIZE_MAX: none

/* Counts of a file are in; adds them to the topic's. */
void et__r2_count_add(struct et_rosbag2_reader *r, size_t i_topic, int64_t n);

static inline bool et__r2_is_asked(const struct et_rosbag2_reader *r, size_t i_topic, int64_t t_ns)
{
    return (!r->asked || r->asked[i_topic]) && t_ns >= r->from_ns &&
           (r->to_ns == 0 || t_ns < r->to_ns);
}

/* ---- the folder (folder.c) ---- */

/* Fills info.files from a folder and its metadata.yaml. */
ET_MUST_USE enum et_status et__r2_folder_read(struct et_rosbag2_reader *r, const char *path,
                                              struct et_err *err);
ET_MUST_USE enum et_status et__r2_file_add(struct et_rosbag2_reader *r, const char *path,
                                           struct et_err *err);

/* What the first bytes say. Empty files that are called .db3 count as databases. */
ET_MUST_USE enum et_status et__r2_kind_of(const char *path, enum et__r2_kind *kind, bool *is_zstd,
                                          struct et_err *err);

/* ---- compression (codec.c) ---- */

bool et__r2_is_zstd(struct et_str data);

/* Decompresses a message into *out, at most out->limit. ET_ECORRUPT, ET_ELIMIT, ET_ENOMEM. */
ET_MUST_USE enum et_status et__r2_unpack(void **zstd, struct et_str data, struct et_buf *out,
                                         struct et_err *err);
void et__r2_unpack_free(void *zstd);

/* Decompresses a file of the recording into a new temporary one, whose name (at least
 * ET_PATH_BYTES_MAX) the caller removes. What came out before a fault is kept and the fault
 * remarked. ET_ECORRUPT: nothing came out. ET_ELIMIT: beyond temp_bytes. ET_EIO, ET_ENOMEM. */
ET_MUST_USE enum et_status et__r2_unpack_file(struct et_rosbag2_reader *r, size_t i_file,
                                              char *name, int64_t *n_bytes, struct et_err *err);

void et__r2_temp_remove(struct et_rosbag2_reader *r, size_t i_file, const char *name);

/* ---- storages: sqlite.c, sqlite_query.c, mcap.c ---- */

/* Opens what lies at path (the file, or its decompressed copy). */
ET_MUST_USE enum et_status et__r2_sqlite_open(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                              const char *path, struct et_err *err);
/* Looks through it once: topics, counts, times, blocks. */
ET_MUST_USE enum et_status et__r2_sqlite_look(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                              struct et_err *err);
/* Begins the reader's query on it; then heads, one after the other. ET_END: no more. */
ET_MUST_USE enum et_status et__r2_sqlite_begin(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                               struct et_err *err);
ET_MUST_USE enum et_status et__r2_sqlite_next(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                              struct et_err *err);
/* What the row is on which s->list stands: the place of its topic; SIZE_MAX: it is no message. */
size_t et__r2_sqlite_row(const struct et__r2_file *file, struct et__db_query *list, int64_t *t_ns,
                         enum et_rosbag2_fault *fault);
/* The head's data. ET_AGAIN: it cannot be had, and that was remarked. */
ET_MUST_USE enum et_status et__r2_sqlite_data(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                              struct et_err *err);
void et__r2_sqlite_close(struct et__r2_source *s);

ET_MUST_USE enum et_status et__r2_mcap_open(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                            const char *path, struct et_err *err);
ET_MUST_USE enum et_status et__r2_mcap_look(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                            struct et_err *err);
ET_MUST_USE enum et_status et__r2_mcap_begin(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                             struct et_err *err);
ET_MUST_USE enum et_status et__r2_mcap_next(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                            struct et_err *err);

/* ---- opening (reader.c) ---- */

/* Opens a file of the recording, decompressing it when it has to. */
ET_MUST_USE enum et_status et__r2_source_open(struct et_rosbag2_reader *r, size_t i_file,
                                              struct et__r2_source **source, struct et_err *err);
void et__r2_source_close(struct et_rosbag2_reader *r, struct et__r2_source *s);

/* Notes whether the copy of the metadata within a file says how messages are compressed. */
void et__r2_inner_metadata(struct et_rosbag2_reader *r, struct et_str yaml);

#endif

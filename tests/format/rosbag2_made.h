/* Small rosbag2 recordings, made by SQLite itself. */
#ifndef TESTS_ROSBAG2_MADE_H
#define TESTS_ROSBAG2_MADE_H

#include "etude/str.h"

#include <sqlite3.h>

struct made_db {
    int schema;            // 1 to 4; 0: 4
    int first, n_messages; // numbers first … first + n − 1
    int page_bytes;        // 0: 4096
    int pad_bytes;         // behind each message
    bool is_backward;      // rows in falling order of time
    bool is_shuffled;      // rows in no order of time
    bool is_zstd;          // each message compressed
    bool is_open;          // left as a crash leaves it: most of it in a -wal
    const char *before;    // SQL that is run at first; NULL: none
    const char *more;      // SQL that is run in the end; NULL: none
    const char *inner;     // metadata in table metadata (schema 3 and 4); NULL: none
};

/* Writes a database to `path`. Message k has topic k mod 3, time made_ns(k), and the data
 * 00 01 00 00, k, k (and the padding, bytes k). Topics "/a" (std_msgs/msg/String), "/b", "/c". */
void make_db(const char *path, const struct made_db *how);

static inline int64_t made_ns(int64_t k)
{
    return INT64_C(100000000000) + k * 1000000;
}

struct et_str made_data(int k, int pad_bytes); // valid until the next call

void run_sql(sqlite3 *db, const char *sql); // a failure ends the program

/* The file in zstd, one frame, beside it or elsewhere. */
void make_zstd(const char *from, const char *to);

#endif

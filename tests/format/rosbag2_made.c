#include "rosbag2_made.h"

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

static void require(bool is_true, const char *what)
{
    if (!is_true) {
        printf("# rosbag2_made: %s\n", what);
        abort();
    }
}

void run_sql(sqlite3 *db, const char *sql)
{
    require(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
}

struct et_str made_data(int k, int pad_bytes)
{
    static char data[1 << 20];
    require(pad_bytes <= (1 << 20) - 12, "too long");
    memcpy(data, "\0\1\0\0", 4);
    memcpy(data + 4, &k, 4);
    memcpy(data + 8, &k, 4);
    memset(data + 12, k, (size_t)pad_bytes);
    return (struct et_str){data, 12 + (size_t)pad_bytes};
}

static const char *const SCHEMAS[] = {
    NULL,
    "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, "
    "serialization_format TEXT NOT NULL);"
    "INSERT INTO topics VALUES(1,'/a','std_msgs/String','cdr'),(2,'/b','x_msgs/B','cdr'),"
    "(3,'/c','x_msgs/C','cdr');",
    "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, "
    "serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL);"
    "INSERT INTO topics VALUES(1,'/a','std_msgs/msg/String','cdr','- depth: 1'),"
    "(2,'/b','x_msgs/msg/B','cdr',''),(3,'/c','x_msgs/msg/C','cdr','');",
    "CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);"
    "CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, "
    "metadata TEXT NOT NULL);"
    "INSERT INTO schema VALUES(3,'humble');"
    "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, "
    "serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL);"
    "INSERT INTO topics VALUES(1,'/a','std_msgs/msg/String','cdr','- depth: 1'),"
    "(2,'/b','x_msgs/msg/B','cdr',''),(3,'/c','x_msgs/msg/C','cdr','');",
    "CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);"
    "CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, "
    "metadata TEXT NOT NULL);"
    "INSERT INTO schema VALUES(4,'jazzy');"
    "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, "
    "serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL, "
    "type_description_hash TEXT NOT NULL);"
    "CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, "
    "encoding TEXT NOT NULL, encoded_message_definition TEXT NOT NULL, "
    "type_description_hash TEXT NOT NULL);"
    "INSERT INTO topics VALUES(1,'/a','std_msgs/msg/String','cdr','- depth: 1','RIHS01_a'),"
    "(2,'/b','x_msgs/msg/B','cdr','','RIHS01_b'),(3,'/c','x_msgs/msg/C','cdr','','');"
    "INSERT INTO message_definitions VALUES(1,'x_msgs/msg/B','ros2msg','uint32 b','RIHS01_b'),"
    "(2,'std_msgs/msg/String','ros2msg','string data','RIHS01_a');",
};

static void insert(sqlite3 *db, const struct made_db *how, int i)
{
    char packed[1 << 12];
    sqlite3_stmt *row = NULL;
    int k = how->first + i;
    if (how->is_backward)
        k = how->first + how->n_messages - 1 - i;
    if (how->is_shuffled)
        k = how->first + (int)((int64_t)i * 7919 % how->n_messages);
    struct et_str data = made_data(k, how->pad_bytes);
    if (how->is_zstd) {
        data.n = ZSTD_compress(packed, sizeof packed, data.p, data.n, 1);
        data.p = packed;
        require(!ZSTD_isError(data.n), "zstd");
    }
    require(sqlite3_prepare_v2(db,
                               "INSERT INTO messages(topic_id, timestamp, data) "
                               "VALUES(?1, ?2, ?3)",
                               -1, &row, NULL) == SQLITE_OK,
            "prepare");
    (void)sqlite3_bind_int(row, 1, k % 3 + 1);
    (void)sqlite3_bind_int64(row, 2, made_ns(k));
    (void)sqlite3_bind_blob(row, 3, data.p, (int)data.n, SQLITE_STATIC);
    require(sqlite3_step(row) == SQLITE_DONE, "insert");
    (void)sqlite3_finalize(row);
}

static void copy_file(const char *from, const char *to)
{
    size_t n = 0;
    void *p = read_file(from, &n);
    require(p, "copy");
    write_file(to, p, n);
    free(p);
}

static void fill(sqlite3 *db, const struct made_db *how)
{
    const int schema = how->schema ? how->schema : 4;
    run_sql(db, SCHEMAS[schema]);
    run_sql(db, "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, "
                "timestamp INTEGER NOT NULL, data BLOB NOT NULL)");
    if (schema > 1)
        run_sql(db, "CREATE INDEX timestamp_idx ON messages (timestamp ASC)");
    if (how->is_open)
        run_sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    run_sql(db, "BEGIN");
    for (int i = 0; i < how->n_messages; i++)
        insert(db, how, i);
    run_sql(db, "COMMIT");
    if (how->inner) {
        sqlite3_stmt *row = NULL;
        (void)sqlite3_prepare_v2(db, "INSERT INTO metadata VALUES(1, 8, ?1)", -1, &row, NULL);
        (void)sqlite3_bind_text(row, 1, how->inner, -1, SQLITE_STATIC);
        require(sqlite3_step(row) == SQLITE_DONE, "metadata");
        (void)sqlite3_finalize(row);
    }
    if (how->more)
        run_sql(db, how->more);
}

void make_db(const char *path, const struct made_db *how)
{
    char text[4200], log[4200], wanted[4200];
    sqlite3 *db = NULL;
    (void)snprintf(text, sizeof text, "%s.making", path);
    (void)snprintf(log, sizeof log, "%s.making-wal", path);
    (void)snprintf(wanted, sizeof wanted, "%s-wal", path);
    (void)remove(text);
    (void)remove(wanted);
    require(sqlite3_open(text, &db) == SQLITE_OK, "open");
    char size[40];
    (void)snprintf(size, sizeof size, "PRAGMA page_size=%d",
                   how->page_bytes ? how->page_bytes : 4096);
    run_sql(db, size);
    if (how->before)
        run_sql(db, how->before);
    run_sql(db, how->is_open ? "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0"
                             : "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF");
    fill(db, how);
    if (how->is_open)
        copy_file(log, wanted);
    if (how->is_open)
        copy_file(text, path);
    (void)sqlite3_close(db);
    if (!how->is_open)
        copy_file(text, path);
    (void)remove(text);
}

void make_zstd(const char *from, const char *to)
{
    size_t n = 0;
    void *p = read_file(from, &n);
    require(p, "zstd");
    const size_t room = ZSTD_compressBound(n);
    void *packed = malloc(room);
    require(packed, "memory");
    const size_t n_packed = ZSTD_compress(packed, room, p, n, 1);
    require(!ZSTD_isError(n_packed), "zstd");
    write_file(to, packed, n_packed);
    free(packed);
    free(p);
}

/* SQLite, read only, of files that nobody vouches for: the one place that includes sqlite3.h.
 *
 * A database is read through a source of our own (a VFS without any writing in it): the pages of
 * the file, those of a write-ahead log over them, and a head that does not claim more pages than
 * there are, because SQLite refuses a cut file as a whole otherwise. Schema code of the file is not
 * trusted, views and triggers are off, sizes are limited, and no single step runs for long.
 *
 * Threads: a handle belongs to one thread. */
#ifndef ETUDE_FORMAT_ROSBAG2_DB_H
#define ETUDE_FORMAT_ROSBAG2_DB_H

#include "etude/str.h"

/* ---- pages ---- */

struct et__db_facts {
    uint32_t page_bytes;
    int64_t n_pages;      // that are given
    int64_t n_pages_said; // by the head of the file, where it is more than there are; else 0
    int64_t n_log_pages;  // that come from the -wal
    bool has_log;         // there is a -wal that is not empty
    bool has_journal;     // there is a rollback journal that was not played back
};

struct et__db_source;

/* Opens the file and, with_log, `path`-wal beside it. ET_ENOTFOUND, ET_EIO. ET_ECORRUPT: neither
 * the file nor its log begins as a database. ET_ENOMEM. */
ET_MUST_USE enum et_status et__db_source_open(struct et__db_source **source, const char *path,
                                              bool with_log, struct et_err *err);
void et__db_source_close(struct et__db_source *source); // NULL is allowed
const struct et__db_facts *et__db_source_facts(const struct et__db_source *source);

/* n bytes at offset; what lies beyond the pages that are there is 0. ET_EIO. */
ET_MUST_USE enum et_status et__db_source_read(struct et__db_source *source, int64_t offset,
                                              void *to, size_t n, struct et_err *err);

/* ---- the database ---- */

struct et__db;
struct et__db_query;

struct et__db_options {
    bool with_log;         // the -wal beside it counts
    size_t cell_bytes_max; // of a text or blob; 0: 1 GiB
};

/* As et__db_source_open; ET_ECORRUPT also where the schema cannot be read. */
ET_MUST_USE enum et_status et__db_open(struct et__db **db, const char *path,
                                       const struct et__db_options *options, struct et_err *err);
void et__db_close(struct et__db *db); // after its queries; NULL is allowed
const struct et__db_facts *et__db_facts(const struct et__db *db);

/* Statuses of the two: ET_OK (a row), ET_END. ET_ECORRUPT: pages that are no such tree, or SQL that
 * the file's schema does not allow. ET_ELIMIT: a cell that is too long, a step that takes too long.
 * ET_EIO, ET_ENOMEM. */
ET_MUST_USE enum et_status et__db_prepare(struct et__db *db, struct et__db_query **query,
                                          const char *sql, struct et_err *err);
ET_MUST_USE enum et_status et__db_step(struct et__db_query *query, struct et_err *err);
void et__db_finish(struct et__db_query *query); // NULL is allowed

/* Back to the start, with ?i (from 1) bound. */
void et__db_restart(struct et__db_query *query);
ET_MUST_USE enum et_status et__db_bind_int(struct et__db_query *query, int i, int64_t value,
                                           struct et_err *err);
ET_MUST_USE enum et_status et__db_bind_text(struct et__db_query *query, int i, struct et_str text,
                                            struct et_err *err);

/* Column i (from 0) of the row; views are valid until the next step or restart. */
bool et__db_int(struct et__db_query *query, int i, int64_t *value);           // false: no integer
bool et__db_bytes(struct et__db_query *query, int i, struct et_str *content); // text or blob

#endif

/* SQLite over a source that can only be read. */
#include "format/rosbag2/rosbag2__db.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define CELL_BYTES_MAX ((size_t)1 << 30)
#define TICK_OPS 10000 // of SQLite's machine
#define TICKS_MAX 100000

struct et__db {
    sqlite3 *handle;
    sqlite3_vfs vfs; // its own, so that there is no state of the whole program
    struct et__db_source *source;
    struct et_err io; // of the last read that failed
    int64_t n_ticks;  // in this step
    char name[40];
};

struct et__db_query {
    struct et__db *db;
    sqlite3_stmt *statement;
};

/* ---- what SQLite sees of a file ---- */

struct vfs_file {
    sqlite3_file base;
    struct et__db *db;
};

static int file_close(sqlite3_file *file)
{
    (void)file;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *to, int n, sqlite3_int64 offset)
{
    struct et__db *db = ((struct vfs_file *)file)->db;
    return et__db_source_read(db->source, offset, to, (size_t)n, &db->io) == ET_OK
               ? SQLITE_OK
               : SQLITE_IOERR_READ;
}

static int file_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 offset)
{
    (void)file, (void)from, (void)n, (void)offset;
    return SQLITE_READONLY;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 n)
{
    (void)file, (void)n;
    return SQLITE_READONLY;
}

static int file_sync(sqlite3_file *file, int flags)
{
    (void)file, (void)flags;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *n)
{
    const struct et__db_facts *facts = et__db_source_facts(((struct vfs_file *)file)->db->source);
    *n = facts->n_pages * facts->page_bytes;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
    (void)file, (void)level;
    return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *file, int *is_reserved)
{
    (void)file;
    *is_reserved = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    (void)file, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file)
{
    (void)file;
    return 4096;
}

// Immutable: no locks, no journal, no log, no file of shared memory.
static int file_character(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods FILE_METHODS = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_character,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct vfs_file *own = (struct vfs_file *)file;
    (void)name;
    own->base.pMethods = NULL;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return SQLITE_CANTOPEN; // temporary files: nothing here needs one
    own->base.pMethods = &FILE_METHODS;
    own->db = vfs->pAppData;
    if (out)
        *out = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int must_sync)
{
    (void)vfs, (void)name, (void)must_sync;
    return SQLITE_READONLY;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *is_there)
{
    (void)vfs, (void)name, (void)flags;
    *is_there = 0;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int n, char *to)
{
    (void)vfs;
    (void)snprintf(to, (size_t)n, "%s", name);
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *to)
{
    (void)vfs;
    memset(to, 0, (size_t)n);
    return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *days)
{
    (void)vfs;
    *days = 0;
    return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int n, char *to)
{
    (void)vfs, (void)n, (void)to;
    return 0;
}

static int open_handle(struct et__db *db)
{
    (void)snprintf(db->name, sizeof db->name, "etude-%p", (void *)db);
    db->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct vfs_file),
        .mxPathname = 512,
        .zName = db->name,
        .pAppData = db,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
    };
    int rc = sqlite3_vfs_register(&db->vfs, 0);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_open_v2("recording", &db->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
                         db->name);
    (void)sqlite3_vfs_unregister(&db->vfs); // the handle keeps its address; others need no name
    return rc;
}

/* ---- handles ---- */

static int on_tick(void *of)
{
    return ++((struct et__db *)of)->n_ticks > TICKS_MAX;
}

static enum et_status fail_as(struct et__db *db, int rc, struct et_err *err)
{
    const char *text = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return et_fail(err, ET_ENOMEM, -1, "no memory for SQLite");
    case SQLITE_IOERR:
        if (db->io.status != ET_OK) {
            if (err)
                *err = db->io;
            return db->io.status;
        }
        return et_fail(err, ET_EIO, -1, "SQLite: %s", text);
    case SQLITE_TOOBIG:
        return et_fail(err, ET_ELIMIT, -1, "SQLite: %s", text);
    case SQLITE_INTERRUPT:
        return et_fail(err, ET_ELIMIT, -1, "SQLite was stopped: one step took too long");
    default:
        return et_fail(err, ET_ECORRUPT, -1, "SQLite: %s", text);
    }
}

static void harden(struct et__db *db, size_t cell_bytes)
{
    static const int SWITCHES[][2] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                      {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                      {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                                      {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0}};
    static const int LIMITS[][2] = {
        {SQLITE_LIMIT_SQL_LENGTH, 100000}, {SQLITE_LIMIT_COLUMN, 200},
        {SQLITE_LIMIT_EXPR_DEPTH, 100},    {SQLITE_LIMIT_COMPOUND_SELECT, 10},
        {SQLITE_LIMIT_VDBE_OP, 25000},     {SQLITE_LIMIT_FUNCTION_ARG, 8},
        {SQLITE_LIMIT_ATTACHED, 0},        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 8}, {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0}};
    for (size_t i = 0; i < sizeof SWITCHES / sizeof *SWITCHES; i++)
        (void)sqlite3_db_config(db->handle, SWITCHES[i][0], SWITCHES[i][1], NULL);
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++)
        (void)sqlite3_limit(db->handle, LIMITS[i][0], LIMITS[i][1]);
    (void)sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, (int)cell_bytes);
    sqlite3_progress_handler(db->handle, TICK_OPS, on_tick, db);
}

// Reads the schema, because a database that has none that can be read is of no use.
static enum et_status try_schema(struct et__db *db, struct et_err *err)
{
    struct et__db_query *query = NULL;
    enum et_status st = et__db_prepare(db, &query, "SELECT count(*) FROM sqlite_master", err);
    if (st == ET_OK && query)
        st = et__db_step(query, err);
    et__db_finish(query);
    return st;
}

enum et_status et__db_open(struct et__db **out, const char *path,
                           const struct et__db_options *options, struct et_err *err)
{
    size_t cell_bytes = options && options->cell_bytes_max ? options->cell_bytes_max : 0;
    struct et__db *db = calloc(1, sizeof *db);
    *out = NULL;
    if (!db)
        return et_fail(err, ET_ENOMEM, -1, "%s: no memory to open it", path);
    if (cell_bytes == 0 || cell_bytes > CELL_BYTES_MAX)
        cell_bytes = CELL_BYTES_MAX;
    enum et_status st = et__db_source_open(&db->source, path, options && options->with_log, err);
    if (st == ET_OK) {
        const int rc = open_handle(db);
        st = rc == SQLITE_OK ? ET_OK : fail_as(db, rc, err);
        if (st == ET_OK) {
            harden(db, cell_bytes);
            st = try_schema(db, err);
        }
        if (st != ET_OK)
            (void)et_err_context(err, "%s", path);
    }
    if (st != ET_OK) {
        et__db_close(db);
        return st;
    }
    *out = db;
    return ET_OK;
}

void et__db_close(struct et__db *db)
{
    if (!db)
        return;
    (void)sqlite3_close(db->handle);
    et__db_source_close(db->source);
    free(db);
}

const struct et__db_facts *et__db_facts(const struct et__db *db)
{
    return et__db_source_facts(db->source);
}

/* ---- queries ---- */

enum et_status et__db_prepare(struct et__db *db, struct et__db_query **query, const char *sql,
                              struct et_err *err)
{
    struct et__db_query *q = calloc(1, sizeof *q);
    *query = NULL;
    if (!q)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a query");
    q->db = db;
    db->n_ticks = 0;
    db->io.status = ET_OK;
    const int rc = sqlite3_prepare_v2(db->handle, sql, -1, &q->statement, NULL);
    if (rc != SQLITE_OK) {
        et__db_finish(q);
        return fail_as(db, rc, err);
    }
    *query = q;
    return ET_OK;
}

enum et_status et__db_step(struct et__db_query *query, struct et_err *err)
{
    query->db->n_ticks = 0;
    query->db->io.status = ET_OK;
    const int rc = sqlite3_step(query->statement);
    if (rc == SQLITE_ROW)
        return ET_OK;
    return rc == SQLITE_DONE ? ET_END : fail_as(query->db, rc, err);
}

void et__db_finish(struct et__db_query *query)
{
    if (!query)
        return;
    (void)sqlite3_finalize(query->statement);
    free(query);
}

void et__db_restart(struct et__db_query *query)
{
    (void)sqlite3_reset(query->statement);
}

enum et_status et__db_bind_int(struct et__db_query *query, int i, int64_t value, struct et_err *err)
{
    const int rc = sqlite3_bind_int64(query->statement, i, value);
    return rc == SQLITE_OK ? ET_OK : fail_as(query->db, rc, err);
}

enum et_status et__db_bind_text(struct et__db_query *query, int i, struct et_str text,
                                struct et_err *err)
{
    const int rc = sqlite3_bind_text64(query->statement, i, text.p ? text.p : "", text.n,
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
    return rc == SQLITE_OK ? ET_OK : fail_as(query->db, rc, err);
}

bool et__db_int(struct et__db_query *query, int i, int64_t *value)
{
    if (sqlite3_column_type(query->statement, i) != SQLITE_INTEGER)
        return false;
    *value = sqlite3_column_int64(query->statement, i);
    return true;
}

bool et__db_bytes(struct et__db_query *query, int i, struct et_str *content)
{
    const int type = sqlite3_column_type(query->statement, i);
    if (type != SQLITE_BLOB && type != SQLITE_TEXT)
        return false;
    const void *p = type == SQLITE_TEXT ? (const void *)sqlite3_column_text(query->statement, i)
                                        : sqlite3_column_blob(query->statement, i);
    const int n = sqlite3_column_bytes(query->statement, i);
    if (!p && (n || sqlite3_errcode(query->db->handle) == SQLITE_NOMEM))
        return false;
    *content = (struct et_str){p ? p : "", (size_t)(n < 0 ? 0 : n)};
    return true;
}

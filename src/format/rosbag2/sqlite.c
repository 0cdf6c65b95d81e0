/* A database of a recording: schemas 1 to 4 of rosbag2_storage_sqlite3.
 *
 * Rows are read in the order of their ids, never by the index of times: it may be missing, or lie.
 * One pass notes the times of blocks of rows; a query then reads the blocks that overlap in time,
 * and fetches the data of each message when its turn comes. */
#include "etude/file.h"
#include "format/rosbag2/rosbag2__reader.h"

#include <stdio.h>
#include <stdlib.h>

#define GAPS_MAX 1000                    // of damage in one table that are gone around
#define CELL_BYTES_MIN ((size_t)1 << 20) // definitions, and the schema itself, are cells too
#define SCRATCH_BYTES ((size_t)256 << 20)

/* ---- the schema ---- */

enum columns {
    HAS_ID = 1 << 0, // and it is the table's key
    HAS_NAME = 1 << 1,
    HAS_TYPE = 1 << 2,
    HAS_FORMAT = 1 << 3,
    HAS_QOS = 1 << 4,
    HAS_HASH = 1 << 5,
    HAS_TOPIC_ID = 1 << 6,
    HAS_TIMESTAMP = 1 << 7,
    HAS_DATA = 1 << 8,
    HAS_TOPIC_TYPE = 1 << 9,
    HAS_ENCODING = 1 << 10,
    HAS_DEFINITION = 1 << 11,
    HAS_VERSION = 1 << 12,
    HAS_DISTRO = 1 << 13,
    HAS_METADATA = 1 << 14,
};
#define TOPICS_NEED (HAS_ID | HAS_NAME | HAS_TYPE | HAS_FORMAT)
#define MESSAGES_NEED (HAS_ID | HAS_TOPIC_ID | HAS_TIMESTAMP | HAS_DATA)
#define DEFINITIONS_NEED (HAS_TOPIC_TYPE | HAS_ENCODING | HAS_DEFINITION)

static unsigned column_bit(struct et_str name, int64_t key)
{
    static const struct {
        const char *name;
        unsigned bit;
    } KNOWN[] = {{"name", HAS_NAME},
                 {"type", HAS_TYPE},
                 {"serialization_format", HAS_FORMAT},
                 {"offered_qos_profiles", HAS_QOS},
                 {"type_description_hash", HAS_HASH},
                 {"topic_id", HAS_TOPIC_ID},
                 {"timestamp", HAS_TIMESTAMP},
                 {"data", HAS_DATA},
                 {"topic_type", HAS_TOPIC_TYPE},
                 {"encoding", HAS_ENCODING},
                 {"encoded_message_definition", HAS_DEFINITION},
                 {"schema_version", HAS_VERSION},
                 {"ros_distro", HAS_DISTRO},
                 {"metadata", HAS_METADATA}};
    if (et_str_is(name, "id"))
        return key == 1 ? HAS_ID : 0;
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (et_str_is(name, KNOWN[i].name))
            return KNOWN[i].bit;
    return 0;
}

// A view or a virtual table could be anything, and endless.
static enum et_status is_table(struct et__db *db, const char *table, bool *is_it,
                               struct et_err *err)
{
    struct et__db_query *q = NULL;
    int64_t root = 0;
    enum et_status st = et__db_prepare(
        db, &q, "SELECT rootpage FROM sqlite_master WHERE type='table' AND name=?1 COLLATE NOCASE",
        err);
    if (st == ET_OK)
        st = et__db_bind_text(q, 1, et_str(table), err);
    if (st == ET_OK)
        st = et__db_step(q, err);
    *is_it = st == ET_OK && et__db_int(q, 0, &root) && root > 0;
    et__db_finish(q);
    return st == ET_END ? ET_OK : st;
}

// The columns of a table as bits; 0: no such table.
static enum et_status columns_of(struct et__db *db, const char *table, unsigned *columns,
                                 struct et_err *err)
{
    char sql[80];
    struct et__db_query *q = NULL;
    struct et_str name;
    bool is_it = false;
    *columns = 0;
    enum et_status st = is_table(db, table, &is_it, err);
    if (st != ET_OK || !is_it)
        return st;
    (void)snprintf(sql, sizeof sql, "PRAGMA table_info(%s)", table);
    st = et__db_prepare(db, &q, sql, err);
    while (st == ET_OK && (st = et__db_step(q, err)) == ET_OK) {
        int64_t key = 0;
        if (et__db_bytes(q, 1, &name)) {
            (void)et__db_int(q, 5, &key);
            *columns |= column_bit(name, key);
        }
    }
    et__db_finish(q);
    return st == ET_END ? ET_OK : st;
}

/* ---- statuses: what ends a reading, and what is gone over ---- */

static bool is_damage(enum et_status st)
{
    return st == ET_ECORRUPT || st == ET_ELIMIT;
}

static void remark_table(struct et_rosbag2_reader *r, size_t i_file, const char *table,
                         const struct et_err *why)
{
    et__r2_remark(r, ET_ROSBAG2_DAMAGE, i_file, -1, 0, "table %s: %.120s", table, why->text);
}

static enum et_status pass(const struct et_err *why, struct et_err *err)
{
    if (err)
        *err = *why;
    return why->status;
}

/* ---- definitions ---- */

struct definition {
    struct et_str type, encoding, text;
    size_t i; // in the order of the table
};

struct definitions {
    struct et_arena *arena;
    struct definition *items;
    size_t n, cap;
};

static int by_type(const void *a, const void *b)
{
    const struct definition *x = a, *y = b;
    const int types = et_str_cmp(x->type, y->type);
    return types ? types : x->i < y->i ? -1 : x->i > y->i;
}

static bool keep_definition(struct definitions *d, struct et__db_query *q)
{
    struct definition one = {.i = d->n};
    struct et_str *const texts[] = {&one.type, &one.encoding, &one.text};
    struct definition *grown = et__r2_grow(d->arena, d->items, d->n, &d->cap, sizeof *d->items);
    if (!grown)
        return false;
    d->items = grown;
    for (int i = 0; i < 3; i++) {
        struct et_str text = {"", 0};
        (void)et__db_bytes(q, i, &text);
        texts[i]->p = et_arena_copy(d->arena, text.p, text.n);
        texts[i]->n = text.n;
        if (!texts[i]->p)
            return false;
    }
    d->items[d->n++] = one;
    return true;
}

static enum et_status read_definitions(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                       struct definitions *d, struct et_err *err)
{
    struct et__db_query *q = NULL;
    struct et_err why = {0};
    unsigned columns = 0;
    enum et_status st = columns_of(s->db, "message_definitions", &columns, &why);
    if (st == ET_OK && (columns & DEFINITIONS_NEED) == DEFINITIONS_NEED)
        st = et__db_prepare(s->db, &q,
                            "SELECT topic_type, encoding, encoded_message_definition "
                            "FROM message_definitions NOT INDEXED",
                            &why);
    while (q && st == ET_OK && d->n < ET_ROSBAG2_TOPICS_MAX && (st = et__db_step(q, &why)) == ET_OK)
        if (!keep_definition(d, q))
            st = et_arena_fail(d->arena, "the definitions", &why);
    et__db_finish(q);
    if (is_damage(st))
        remark_table(r, s->i_file, "message_definitions", &why);
    else if (st != ET_OK && st != ET_END)
        return pass(&why, err);
    if (d->n)
        qsort(d->items, d->n, sizeof *d->items, by_type);
    return ET_OK;
}

static const struct definition *find_definition(const struct definitions *d, struct et_str type)
{
    size_t low = 0, high = d->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (et_str_cmp(d->items[middle].type, type) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < d->n && et_str_eq(d->items[low].type, type) ? &d->items[low] : NULL;
}

/* ---- topics ---- */

static enum et_status take_topic(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                 struct et__db_query *q, const struct definitions *d,
                                 struct et_err *err)
{
    struct et_rosbag2_topic t = {.n_messages = 0};
    int64_t id = 0;
    const bool has_id = et__db_int(q, 0, &id);
    if (!has_id || !et__db_bytes(q, 1, &t.name) || !et__db_bytes(q, 2, &t.type)) {
        et__r2_remark(r, ET_ROSBAG2_ROW, s->i_file, id, 0, "a row of table topics is no topic");
        return ET_OK;
    }
    (void)et__db_bytes(q, 3, &t.serialization);
    (void)et__db_bytes(q, 4, &t.qos);
    (void)et__db_bytes(q, 5, &t.type_hash);
    const struct definition *found = find_definition(d, t.type);
    if (found) {
        t.definition = found->text;
        t.definition_encoding = found->encoding;
    }
    return et__r2_topic_add(r, s->i_file, id, &t, err);
}

static enum et_status read_topics(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                  unsigned columns, const struct definitions *d, struct et_err *err)
{
    char sql[200];
    struct et__db_query *q = NULL;
    struct et_err why = {0};
    size_t n = 0;
    (void)snprintf(sql, sizeof sql,
                   "SELECT id, name, type, serialization_format, %s, %s FROM topics NOT INDEXED "
                   "ORDER BY id",
                   columns & HAS_QOS ? "offered_qos_profiles" : "''",
                   columns & HAS_HASH ? "type_description_hash" : "''");
    enum et_status st = et__db_prepare(s->db, &q, sql, &why);
    while (st == ET_OK && (st = et__db_step(q, &why)) == ET_OK) {
        if (n++ == ET_ROSBAG2_TOPICS_MAX)
            st = et_fail(&why, ET_ELIMIT, -1, "more than %d topics", ET_ROSBAG2_TOPICS_MAX);
        else if ((st = take_topic(r, s, q, d, err)) != ET_OK) {
            et__db_finish(q);
            return st;
        }
    }
    et__db_finish(q);
    if (is_damage(st))
        remark_table(r, s->i_file, "topics", &why);
    return is_damage(st) || st == ET_END ? ET_OK : pass(&why, err);
}

/* ---- version and metadata ---- */

// The last row of a table that says something of the file as a whole.
static enum et_status read_fact(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                const char *sql, int64_t *number, struct et_str *text,
                                struct et_err *err)
{
    struct et__db_query *q = NULL;
    struct et_err why = {0};
    struct et_str found;
    enum et_status st = et__db_prepare(s->db, &q, sql, &why);
    if (st == ET_OK)
        st = et__db_step(q, &why);
    if (st == ET_OK) {
        (void)et__db_int(q, 0, number);
        if (et__db_bytes(q, 1, &found)) {
            const char *p = et_arena_copy(r->arena, found.p, found.n);
            st = p ? ET_OK : et_arena_fail(r->arena, "the metadata of a file", &why);
            *text = (struct et_str){p, p ? found.n : 0};
        }
    }
    et__db_finish(q);
    if (is_damage(st))
        remark_table(r, s->i_file, "schema or metadata", &why);
    return is_damage(st) || st == ET_OK || st == ET_END ? ET_OK : pass(&why, err);
}

static enum et_status read_version(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                   unsigned topic_columns, struct et_err *err)
{
    unsigned schema = 0, metadata = 0;
    int64_t version = topic_columns & HAS_QOS ? 2 : 1, unused = 0;
    struct et_str distro = {NULL, 0}, yaml = {NULL, 0};
    enum et_status st = columns_of(s->db, "schema", &schema, err);
    if (st == ET_OK)
        st = columns_of(s->db, "metadata", &metadata, err);
    if (st == ET_OK && (schema & HAS_VERSION))
        st = read_fact(r, s,
                       schema & HAS_DISTRO
                           ? "SELECT schema_version, ros_distro FROM schema ORDER BY 1 DESC LIMIT 1"
                           : "SELECT schema_version, NULL FROM schema ORDER BY 1 DESC LIMIT 1",
                       &version, &distro, err);
    if (st == ET_OK && (metadata & HAS_METADATA) && (metadata & HAS_ID))
        st = read_fact(r, s,
                       "SELECT id, metadata FROM metadata NOT INDEXED ORDER BY id DESC LIMIT 1",
                       &unused, &yaml, err);
    if (st != ET_OK)
        return st;
    r->told[s->i_file].schema_version = version > 0 && version < 1000 ? (int)version : 0;
    if (distro.n && !r->info.ros_distro.n)
        r->info.ros_distro = distro;
    if (yaml.n)
        et__r2_inner_metadata(r, yaml);
    return ET_OK;
}

/* ---- rows ---- */

// Stands on the first row from `from` on. ET_ECORRUPT also where the tree gives another.
static enum et_status seek(struct et__db_query *q, int64_t from, int64_t *id, struct et_err *err)
{
    et__db_restart(q);
    enum et_status st = et__db_bind_int(q, 1, from, err);
    if (st == ET_OK)
        st = et__db_step(q, err);
    if (st == ET_OK && (!et__db_int(q, 0, id) || *id < from))
        return et_fail(err, ET_ECORRUPT, from, "its rows are not in the order of their ids");
    return st;
}

static int64_t add(int64_t a, uint64_t b) // at most INT64_MAX
{
    const uint64_t room = (uint64_t)INT64_MAX - (uint64_t)a;
    return b > room ? INT64_MAX : (int64_t)((uint64_t)a + b);
}

/* The first id behind `last` from which on rows can be read again, and the row there (ET_OK) or the
 * end (ET_END). Steps out by quarters, then halves the last step. */
static enum et_status go_around(struct et__db_query *q, int64_t last, int64_t *from, int64_t *id,
                                struct et_err *err)
{
    int64_t bad = last, good = INT64_MAX;
    enum et_status st = ET_ECORRUPT;
    for (uint64_t step = 1; bad < INT64_MAX; step += step / 4 + 1) {
        good = add(last, step);
        st = seek(q, good, id, err);
        if (!is_damage(st))
            break;
        bad = good;
        if (step > (uint64_t)1 << 62 || good == INT64_MAX)
            return ET_END;
    }
    if (is_damage(st) || (st != ET_OK && st != ET_END))
        return is_damage(st) ? ET_END : st;
    while (good - 1 > bad) {
        const int64_t middle = bad + (int64_t)(((uint64_t)good - (uint64_t)bad) / 2);
        st = seek(q, middle, id, err);
        if (is_damage(st))
            bad = middle;
        else if (st == ET_OK || st == ET_END)
            good = middle;
        else
            return st;
    }
    *from = good;
    return seek(q, good, id, err);
}

struct pass_over {
    struct et_rosbag2_reader *r;
    struct et__r2_source *s;
    struct et__r2_file *file;
    struct et_rosbag2_file *told;
    int64_t *counts; // by topic
    int64_t n_rows;
    int n_gaps;
    bool must_begin; // a block
};

// The block that a row belongs to; NULL: no room.
static struct et__r2_block *row_block(struct pass_over *p, int64_t id)
{
    struct et__r2_file *file = p->file;
    if (file->n_blocks && !p->must_begin &&
        file->blocks[file->n_blocks - 1].n_rows < ET__R2_BLOCK_ROWS)
        return &file->blocks[file->n_blocks - 1];
    struct et__r2_block *grown = et__r2_grow(p->r->arena, file->blocks, file->n_blocks,
                                             &file->cap_blocks, sizeof *file->blocks);
    if (!grown)
        return NULL;
    file->blocks = grown;
    p->must_begin = false;
    grown += file->n_blocks++;
    *grown = (struct et__r2_block){id, INT64_MAX, INT64_MIN, 0};
    return grown;
}

size_t et__r2_sqlite_row(const struct et__r2_file *file, struct et__db_query *q, int64_t *t_ns,
                         enum et_rosbag2_fault *fault)
{
    int64_t topic = 0;
    struct et_str type;
    *fault = ET_ROSBAG2_ROW;
    if (!et__db_int(q, 1, &topic) || !et__db_int(q, 2, t_ns) || *t_ns < 0 ||
        !et__db_bytes(q, 3, &type) || (!et_str_is(type, "blob") && !et_str_is(type, "text")))
        return SIZE_MAX;
    *fault = ET_ROSBAG2_ORPHAN;
    return et__r2_topic_of(file, topic);
}

static enum et_status take_row(struct pass_over *p, int64_t id, struct et_err *err)
{
    struct et__r2_block *block = row_block(p, id);
    enum et_rosbag2_fault fault;
    int64_t t_ns = 0;
    if (!block)
        return et_arena_fail(p->r->arena, "the list of rows", err);
    block->n_rows++;
    p->n_rows++;
    const size_t i_topic = et__r2_sqlite_row(p->file, p->s->list, &t_ns, &fault);
    if (i_topic == SIZE_MAX) {
        et__r2_remark(p->r, fault, p->s->i_file, id, 0,
                      fault == ET_ROSBAG2_ROW ? "row %lld is no message"
                                              : "row %lld is of a topic that is not there",
                      (long long)id);
        return ET_OK;
    }
    block->start_ns = t_ns < block->start_ns ? t_ns : block->start_ns;
    block->end_ns = t_ns > block->end_ns ? t_ns : block->end_ns;
    if (p->told->n_messages == 0 || t_ns < p->told->start_ns)
        p->told->start_ns = t_ns;
    if (p->told->n_messages == 0 || t_ns > p->told->end_ns)
        p->told->end_ns = t_ns;
    p->told->n_messages++;
    p->counts[i_topic]++;
    return ET_OK;
}

static enum et_status pass_over_rows(struct pass_over *p, struct et_err *err)
{
    struct et__db_query *q = p->s->list;
    struct et_err why = {0};
    int64_t id = 0, from = INT64_MIN, last = INT64_MIN;
    enum et_status st = seek(q, from, &id, &why);
    while (st != ET_END) {
        if (st == ET_OK) {
            if ((st = take_row(p, id, err)) != ET_OK)
                return st;
            last = id;
            st = et__db_step(q, &why);
            if (st == ET_OK && (!et__db_int(q, 0, &id) || id <= last))
                st = et_fail(&why, ET_ECORRUPT, last, "its rows are not in the order of their ids");
        }
        if (st == ET_OK || st == ET_END)
            continue;
        if (!is_damage(st))
            return pass(&why, err);
        et__r2_remark(p->r, ET_ROSBAG2_DAMAGE, p->s->i_file, last == INT64_MIN ? -1 : last, 0,
                      "behind row %lld: %.110s", (long long)(last == INT64_MIN ? 0 : last),
                      why.text);
        if (last == INT64_MAX || p->n_gaps++ == GAPS_MAX)
            return ET_OK;
        p->must_begin = true;
        st = go_around(q, last == INT64_MIN ? 0 : last, &from, &id, &why); // ids begin at 1
    }
    return ET_OK;
}

/* Damage in the table's tree may hide rows without an error; the index of times, where there is
 * one, knows of them. It is walked up to one more row than were found. */
static enum et_status compare_index(struct pass_over *p, struct et_err *err)
{
    struct et__db_query *q = NULL;
    struct et_err why = {0};
    int64_t n = p->n_rows;
    enum et_status st = et__db_prepare(p->s->db, &q,
                                       "SELECT count(*) FROM (SELECT 1 FROM messages INDEXED BY "
                                       "timestamp_idx LIMIT ?1)",
                                       &why);
    if (st == ET_ECORRUPT)
        return ET_OK; // there is none
    if (st == ET_OK)
        st = et__db_bind_int(q, 1, p->n_rows + 1, &why);
    if (st == ET_OK)
        st = et__db_step(q, &why);
    if (st == ET_OK)
        (void)et__db_int(q, 0, &n);
    et__db_finish(q);
    if (is_damage(st))
        et__r2_remark(p->r, ET_ROSBAG2_INDEX, p->s->i_file, -1, 0, "the index of times: %.120s",
                      why.text);
    else if (st != ET_OK)
        return pass(&why, err);
    else if (n != p->n_rows)
        et__r2_remark(p->r, ET_ROSBAG2_INDEX, p->s->i_file, -1, 0,
                      "the index of times has %s than the %lld rows that are found",
                      n > p->n_rows ? "more" : "less", (long long)p->n_rows);
    return ET_OK;
}

static enum et_status look_at_rows(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                   struct et_arena *scratch, struct et_err *err)
{
    struct pass_over p = {
        .r = r, .s = s, .file = &r->files[s->i_file], .told = &r->told[s->i_file]};
    p.counts = et_arena_array(scratch, r->info.n_topics, sizeof *p.counts);
    if (!p.counts)
        return et_arena_fail(scratch, "the counts of messages", err);
    p.told->n_messages = 0;
    enum et_status st = pass_over_rows(&p, err);
    if (st == ET_OK && p.n_gaps == 0)
        st = compare_index(&p, err);
    for (size_t i = 0; st == ET_OK && i < r->info.n_topics; i++)
        et__r2_count_add(r, i, p.counts[i]);
    et__db_restart(s->list);
    return st;
}

/* ---- opening ---- */

enum et_status et__r2_sqlite_open(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                  const char *path, struct et_err *err)
{
    const struct et__db_options options = {
        .with_log = !r->files[s->i_file].is_zstd,
        .cell_bytes_max = r->unpacked.limit > CELL_BYTES_MIN ? r->unpacked.limit : CELL_BYTES_MIN};
    unsigned columns = 0;
    s->fetched_id = INT64_MIN;
    enum et_status st = et__db_open(&s->db, path, &options, err);
    if (st == ET_OK)
        st = columns_of(s->db, "messages", &columns, err);
    if (st == ET_OK && (columns & MESSAGES_NEED) != MESSAGES_NEED)
        st = et_fail(err, ET_ECORRUPT, -1, "%s: it has no table of messages as rosbag2 makes it",
                     path);
    if (st == ET_OK)
        st = et__db_prepare(s->db, &s->list,
                            "SELECT id, topic_id, timestamp, typeof(data) FROM messages "
                            "NOT INDEXED WHERE id >= ?1 ORDER BY id",
                            err);
    if (st == ET_OK)
        st = et__db_prepare(s->db, &s->fetch,
                            "SELECT id, data FROM messages NOT INDEXED WHERE id >= ?1 ORDER BY id",
                            err);
    return st;
}

static void remark_facts(struct et_rosbag2_reader *r, struct et__r2_source *s)
{
    const struct et__db_facts *facts = et__db_facts(s->db);
    if (facts->n_pages_said)
        et__r2_remark(r, ET_ROSBAG2_CUT, s->i_file, facts->n_pages * facts->page_bytes, 0,
                      "the database has %lld of %lld pages", (long long)facts->n_pages,
                      (long long)facts->n_pages_said);
    if (facts->n_log_pages)
        et__r2_remark(r, ET_ROSBAG2_LOG, s->i_file, -1, 0,
                      "a -wal lies beside the database; %lld pages of it are read",
                      (long long)facts->n_log_pages);
    else if (facts->has_log)
        et__r2_remark(r, ET_ROSBAG2_LOG, s->i_file, -1, 0,
                      "a -wal lies beside the database; nothing in it holds");
    if (facts->has_journal)
        et__r2_remark(r, ET_ROSBAG2_LOG, s->i_file, -1, 0,
                      "a -journal of an unfinished change lies beside the database; not used");
}

enum et_status et__r2_sqlite_look(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                  struct et_err *err)
{
    struct definitions d = {0};
    unsigned columns = 0;
    remark_facts(r, s);
    enum et_status st = et_arena_open(&d.arena, SCRATCH_BYTES, err);
    if (st == ET_OK)
        st = columns_of(s->db, "topics", &columns, err);
    if (st == ET_OK && (columns & TOPICS_NEED) != TOPICS_NEED)
        st = et_fail(err, ET_ECORRUPT, -1, "it has no table of topics as rosbag2 makes it");
    if (st == ET_OK)
        st = read_definitions(r, s, &d, err);
    if (st == ET_OK)
        st = read_topics(r, s, columns, &d, err);
    if (st == ET_OK)
        st = read_version(r, s, columns, err);
    if (st == ET_OK)
        st = look_at_rows(r, s, d.arena, err);
    et_arena_close(d.arena);
    return st;
}

void et__r2_sqlite_close(struct et__r2_source *s)
{
    for (size_t i = 0; i < s->cap_open; i++)
        free(s->open[i].entries);
    free(s->open);
    free(s->order);
    et__db_finish(s->list);
    et__db_finish(s->fetch);
    et__db_close(s->db);
}

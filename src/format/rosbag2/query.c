/* Messages of all files in the order of time. Files are opened when their time comes. */
#include "format/rosbag2/rosbag2__reader.h"

#include <stdio.h>
#include <stdlib.h>

static int by_start(const void *a, const void *b, void *of)
{
    const struct et_rosbag2_file *files = of;
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    if (files[x].start_ns != files[y].start_ns)
        return files[x].start_ns < files[y].start_ns ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void order_files(struct et_rosbag2_reader *r)
{
    r->n_order = r->next_order = r->n_active = 0;
    for (size_t i = 0; i < r->info.n_files; i++) {
        const struct et_rosbag2_file *f = &r->told[i];
        memset(r->files[i].n_seen, 0, sizeof r->files[i].n_seen);
        if (!r->files[i].is_kept)
            et__r2_source_close(r, r->sources[i]); // of a query that was left
        if (f->storage && f->n_messages != 0 && (r->to_ns == 0 || f->start_ns < r->to_ns) &&
            f->end_ns >= r->from_ns)
            r->order[r->n_order++] = i;
    }
    if (r->n_order && !r->in_file_order)
        qsort_r(r->order, r->n_order, sizeof *r->order, by_start, r->told);
}

enum et_status et_rosbag2_query(struct et_rosbag2_reader *r, const struct et_rosbag2_query *query,
                                struct et_err *err)
{
    static const struct et_rosbag2_query ALL = {0};
    const struct et_rosbag2_query *q = query ? query : &ALL;
    r->is_running = false;
    r->given = NULL;
    free(r->asked);
    r->asked = NULL;
    for (size_t i = 0; q->topics && i < q->n_topics; i++)
        if (q->topics[i] >= r->info.n_topics)
            return et_fail(err, ET_EARG, (int64_t)i, "there is no topic %zu", q->topics[i]);
    if (q->topics) {
        r->asked = calloc(r->info.n_topics + 1, 1);
        if (!r->asked)
            return et_fail(err, ET_ENOMEM, -1, "no memory for a query");
    }
    for (size_t i = 0; q->topics && i < q->n_topics; i++)
        r->asked[q->topics[i]] = 1;
    r->from_ns = q->from_ns;
    r->to_ns = q->to_ns;
    r->in_file_order = q->in_file_order;
    r->last_ns = 0;
    order_files(r);
    r->is_running = true;
    return ET_OK;
}

// Files that need not stay open are closed with their last message.
static void leave(struct et_rosbag2_reader *r, size_t i_active)
{
    const size_t i_file = r->active[i_active];
    r->active[i_active] = r->active[--r->n_active];
    if (!r->files[i_file].is_kept)
        et__r2_source_close(r, r->sources[i_file]);
}

static enum et_status step(struct et_rosbag2_reader *r, size_t i_active, struct et_err *err)
{
    const size_t i_file = r->active[i_active];
    struct et__r2_source *s = r->sources[i_file];
    const enum et_status st = r->files[i_file].kind == ET__R2_MCAP ? et__r2_mcap_next(r, s, err)
                                                                   : et__r2_sqlite_next(r, s, err);
    if (st != ET_END)
        return st;
    leave(r, i_active);
    return ET_OK;
}

static enum et_status enter(struct et_rosbag2_reader *r, struct et_err *err)
{
    const size_t i_file = r->order[r->next_order++];
    struct et__r2_source *s = r->sources[i_file];
    enum et_status st = s ? ET_OK : et__r2_source_open(r, i_file, &s, err);
    if (st == ET_OK)
        st = r->files[i_file].kind == ET__R2_MCAP ? et__r2_mcap_begin(r, s, err)
                                                  : et__r2_sqlite_begin(r, s, err);
    if (st != ET_OK)
        return st;
    r->active[r->n_active++] = i_file;
    return step(r, r->n_active - 1, err);
}

// The place in `active` of the earliest message; SIZE_MAX: none is open.
static size_t earliest(const struct et_rosbag2_reader *r)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < r->n_active; i++) {
        if (best == SIZE_MAX) {
            best = i;
            continue;
        }
        const int64_t a = r->sources[r->active[i]]->head.time_ns;
        const int64_t b = r->sources[r->active[best]]->head.time_ns;
        if (a < b || (a == b && r->active[i] < r->active[best]))
            best = i;
    }
    return best;
}

static bool must_enter(const struct et_rosbag2_reader *r, size_t i_active)
{
    if (r->next_order == r->n_order)
        return false;
    if (i_active == SIZE_MAX)
        return true;
    return !r->in_file_order && r->told[r->order[r->next_order]].start_ns <=
                                    r->sources[r->active[i_active]]->head.time_ns;
}

// Chooses the next message; *i_active SIZE_MAX: there is none.
static enum et_status choose(struct et_rosbag2_reader *r, size_t *i_active, struct et_err *err)
{
    for (size_t i = 0; r->given && i < r->n_active; i++) {
        if (r->sources[r->active[i]] != r->given)
            continue;
        r->given = NULL;
        const enum et_status st = step(r, i, err);
        if (st != ET_OK)
            return st;
        break;
    }
    *i_active = earliest(r);
    while (must_enter(r, *i_active)) {
        const enum et_status st = enter(r, err);
        if (st != ET_OK)
            return st;
        *i_active = earliest(r);
    }
    return ET_OK;
}

/* ---- data ---- */

// No message in CDR begins like zstd: its first byte is 0. What a message is rules.
static bool must_unpack(struct et_rosbag2_reader *r, const struct et_rosbag2_message *m)
{
    const bool is_said = r->metadata.mode == ET__R2_MODE_MESSAGE;
    const bool is_cdr = et_str_is(r->topics[m->i_topic].serialization, "cdr");
    if (is_said && is_cdr && m->data.n >= 4 && m->data.p[0] == 0) {
        et__r2_remark_row(r, ET_ROSBAG2_COMPRESSION, m->i_file, m->at, 0,
                          "messages are not compressed although the metadata say so");
        return false;
    }
    if (is_said)
        return true;
    if (!is_cdr || !et__r2_is_zstd(m->data))
        return false;
    et__r2_remark_row(r, ET_ROSBAG2_COMPRESSION, m->i_file, m->at, 0,
                      "messages are in zstd although no metadata say so; they are decompressed");
    return true;
}

// ET_AGAIN: the message is left out, and that was remarked.
static enum et_status unpack(struct et_rosbag2_reader *r, struct et_rosbag2_message *m,
                             struct et_err *err)
{
    char text[160];
    struct et_err why = {0};
    const enum et_status st = et__r2_unpack(&r->zstd, m->data, &r->unpacked, &why);
    if (st == ET_ENOMEM) {
        if (err)
            *err = why;
        return st;
    }
    if (st == ET_OK) {
        m->data = et_buf_str(&r->unpacked);
        return ET_OK;
    }
    (void)snprintf(text, sizeof text, "a message at %lld: %.110s", (long long)m->at, why.text);
    et__r2_remark_row(r, ET_ROSBAG2_COMPRESSION, m->i_file, m->at, (int64_t)m->data.n, text);
    return ET_AGAIN;
}

static enum et_status take(struct et_rosbag2_reader *r, struct et__r2_source *s,
                           struct et_rosbag2_message *message, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (r->files[s->i_file].kind == ET__R2_SQLITE)
        st = et__r2_sqlite_data(r, s, err);
    if (st != ET_OK)
        return st;
    *message = s->head;
    if (!r->in_file_order && message->time_ns < r->last_ns)
        et__r2_remark_row(r, ET_ROSBAG2_INDEX, s->i_file, message->at, 0,
                          "messages come late: they are before the times that the file tells");
    r->last_ns = message->time_ns > r->last_ns ? message->time_ns : r->last_ns;
    return must_unpack(r, message) ? unpack(r, message, err) : ET_OK;
}

enum et_status et_rosbag2_next(struct et_rosbag2_reader *r, struct et_rosbag2_message *message,
                               struct et_err *err)
{
    if (!r->is_running)
        return et_fail(err, ET_EARG, -1, "no query is running");
    for (;;) {
        size_t i_active = SIZE_MAX;
        enum et_status st = choose(r, &i_active, err);
        if (st == ET_OK && i_active == SIZE_MAX)
            return ET_END;
        if (st == ET_OK) {
            r->given = r->sources[r->active[i_active]];
            st = take(r, r->given, message, err);
        }
        if (st == ET_AGAIN)
            continue;
        if (st != ET_OK)
            r->is_running = false;
        return st;
    }
}

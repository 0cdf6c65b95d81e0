/* The merge of a bag's chunks by the times of their messages. */
#include "format/rosbag1/rosbag1__reader.h"

#include <stdlib.h>

/* ---- which blocks, in which order ---- */

static bool comes_before(const struct et__bag_block *a, const struct et__bag_block *b)
{
    return a->start_ns != b->start_ns ? a->start_ns < b->start_ns : a->at < b->at;
}

static int by_start(const void *a, const void *b, void *ctx)
{
    const struct et__bag_block *blocks = ctx;
    const size_t i = *(const size_t *)a, k = *(const size_t *)b;
    return comes_before(&blocks[i], &blocks[k]) ? -1 : i != k;
}

static enum et_status set_asked(struct et_rosbag1_reader *r, const struct et_rosbag1_query *q,
                                struct et_err *err)
{
    free(r->asked);
    r->asked = NULL;
    r->n_asked = r->n_connections;
    if (!q->connections)
        return ET_OK;
    r->asked = calloc(r->n_connections + 1, 1);
    if (!r->asked)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a query");
    for (size_t i = 0; i < q->n_connections; i++) {
        if (q->connections[i] >= r->n_connections)
            return et_fail(err, ET_EARG, -1, "no connection %zu; there are %zu", q->connections[i],
                           r->n_connections);
        r->asked[q->connections[i]] = 1;
    }
    return ET_OK;
}

static enum et_status order_blocks(struct et_rosbag1_reader *r, struct et_err *err)
{
    if (r->cap_order < r->n_blocks) {
        free(r->order);
        r->cap_order = 0;
        r->order = calloc(r->n_blocks, sizeof *r->order);
        if (!r->order)
            return et_fail(err, ET_ENOMEM, -1, "no memory for a query");
        r->cap_order = r->n_blocks;
    }
    r->n_order = r->next_order = 0;
    for (size_t i = 0; i < r->n_blocks; i++) {
        const struct et__bag_block *b = &r->blocks[i];
        if (b->start_ns <= b->end_ns && b->start_ns < r->to_ns && b->end_ns >= r->from_ns)
            r->order[r->n_order++] = i;
    }
    if (!r->in_file_order && r->n_order)
        qsort_r(r->order, r->n_order, sizeof *r->order, by_start, r->blocks);
    return ET_OK;
}

enum et_status et_rosbag1_query(struct et_rosbag1_reader *r, const struct et_rosbag1_query *query,
                                struct et_err *err)
{
    const struct et_rosbag1_query q = query ? *query : (struct et_rosbag1_query){0};
    et__bag_ahead_stop(r);
    r->is_running = false;
    r->has_given = false;
    r->n_open = 0;
    r->last_ns = INT64_MIN;
    r->from_ns = q.from_ns;
    r->to_ns = q.to_ns ? q.to_ns : INT64_MAX;
    r->in_file_order = q.in_file_order;
    enum et_status st = set_asked(r, &q, err);
    if (st == ET_OK)
        st = order_blocks(r, err);
    r->is_running = st == ET_OK;
    return st;
}

/* ---- the heap of open blocks ---- */

static const struct et__bag_entry *entry_of(const struct et__bag_open *open)
{
    return &open->entries[open->next];
}

static bool is_earlier(const struct et__bag_open *a, const struct et__bag_open *b)
{
    const int64_t x = entry_of(a)->t_ns, y = entry_of(b)->t_ns;
    return x != y ? x < y : a->i_block < b->i_block;
}

static void swap(struct et__bag_open *a, struct et__bag_open *b)
{
    const struct et__bag_open kept = *a;
    *a = *b;
    *b = kept;
}

static void sink(struct et_rosbag1_reader *r)
{
    for (size_t i = 0, k; (k = 2 * i + 1) < r->n_open; i = k) {
        if (k + 1 < r->n_open && is_earlier(&r->open[k + 1], &r->open[k]))
            k++;
        if (!is_earlier(&r->open[k], &r->open[i]))
            return;
        swap(&r->open[i], &r->open[k]);
    }
}

static void rise(struct et_rosbag1_reader *r)
{
    for (size_t i = r->n_open - 1; i > 0; i = (i - 1) / 2) {
        if (!is_earlier(&r->open[i], &r->open[(i - 1) / 2]))
            return;
        swap(&r->open[i], &r->open[(i - 1) / 2]);
    }
}

static enum et_status grow_heap(struct et_rosbag1_reader *r, struct et_err *err)
{
    const size_t cap = r->cap_open ? r->cap_open * 2 : 4;
    struct et__bag_open *grown = calloc(cap, sizeof *grown);
    if (!grown)
        return et_fail(err, ET_ENOMEM, -1, "no memory for open chunks");
    if (r->cap_open)
        memcpy(grown, r->open, r->cap_open * sizeof *grown);
    free(r->open);
    r->open = grown;
    r->cap_open = cap;
    return ET_OK;
}

// Memory of chunks that were given out is only kept while there is room for it.
static size_t room_left(struct et_rosbag1_reader *r, bool must_free)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < r->cap_open; i++) {
        if (must_free && i >= r->n_open)
            et__bag_open_free(&r->open[i]);
        n_bytes += i == r->n_open ? 0 : et__bag_open_bytes(&r->open[i]);
    }
    return n_bytes < r->memory_bytes ? r->memory_bytes - n_bytes : 0;
}

static enum et_status load_next(struct et_rosbag1_reader *r, size_t i, struct et__bag_open *open,
                                struct et_err *err)
{
    const bool must_sort = !r->in_file_order;
    const size_t room = room_left(r, false);
    if (i == 0)
        et__bag_ahead_begin(r);
    const enum et_status st = et__bag_ahead_take(r, i, room, open)
                                  ? et__bag_block_parse(r, r->order[i], must_sort, room, open, err)
                                  : et__bag_block_load(r, r->order[i], must_sort, room, open, err);
    if (st != ET_ELIMIT)
        return st;
    return et__bag_block_load(r, r->order[i], must_sort, room_left(r, true), open, err);
}

static enum et_status open_next(struct et_rosbag1_reader *r, struct et_err *err)
{
    enum et_status st = r->n_open == r->cap_open ? grow_heap(r, err) : ET_OK;
    if (st != ET_OK)
        return st;
    struct et__bag_open *open = &r->open[r->n_open];
    st = load_next(r, r->next_order++, open, err);
    if (st != ET_OK || open->n_entries == 0)
        return st;
    r->n_open++;
    rise(r);
    return ET_OK;
}

// The message given last is behind us.
static void step(struct et_rosbag1_reader *r)
{
    r->has_given = false;
    if (++r->open[0].next == r->open[0].n_entries)
        swap(&r->open[0], &r->open[--r->n_open]);
    sink(r);
}

static bool must_open(const struct et_rosbag1_reader *r)
{
    if (r->next_order == r->n_order)
        return false;
    if (r->n_open == 0)
        return true;
    return !r->in_file_order &&
           r->blocks[r->order[r->next_order]].start_ns <= entry_of(&r->open[0])->t_ns;
}

enum et_status et_rosbag1_next(struct et_rosbag1_reader *r, struct et_rosbag1_message *message,
                               struct et_err *err)
{
    if (!r->is_running)
        return et_fail(err, ET_EARG, -1, "no query is running");
    if (r->has_given)
        step(r);
    while (must_open(r)) {
        const enum et_status st = open_next(r, err);
        if (st != ET_OK) {
            et__bag_ahead_stop(r);
            r->is_running = false;
            return st;
        }
    }
    if (r->n_open == 0)
        return ET_END;
    const struct et__bag_open *open = &r->open[0];
    const struct et__bag_entry *e = entry_of(open);
    *message = (struct et_rosbag1_message){.i_connection = e->i_connection,
                                           .time_ns = e->t_ns,
                                           .data = {open->records.p + e->offset, e->n_bytes},
                                           .at = r->blocks[open->i_block].at};
    r->has_given = true;
    return ET_OK;
}

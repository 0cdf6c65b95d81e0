/* Messages of a database in the order of time: blocks of rows that overlap are merged. */
#include "format/rosbag2/rosbag2__reader.h"

#include <stdio.h>
#include <stdlib.h>

static int by_time(const void *a, const void *b)
{
    const struct et__r2_entry *x = a, *y = b;
    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_start(const void *a, const void *b, void *of)
{
    const struct et__r2_block *blocks = of;
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    if (blocks[x].start_ns != blocks[y].start_ns)
        return blocks[x].start_ns < blocks[y].start_ns ? -1 : 1;
    return x < y ? -1 : x > y;
}

enum et_status et__r2_sqlite_begin(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                   struct et_err *err)
{
    struct et__r2_file *file = &r->files[s->i_file];
    if (!s->order && file->n_blocks) {
        s->order = malloc(file->n_blocks * sizeof *s->order);
        if (!s->order)
            return et_fail(err, ET_ENOMEM, -1, "no memory for the order of rows");
    }
    s->n_order = s->next_order = s->n_open = 0;
    s->has_head = false;
    for (size_t i = 0; i < file->n_blocks; i++) {
        const struct et__r2_block *b = &file->blocks[i];
        if (b->start_ns <= b->end_ns && b->end_ns >= r->from_ns &&
            (r->to_ns == 0 || b->start_ns < r->to_ns))
            s->order[s->n_order++] = i;
    }
    if (s->n_order && !r->in_file_order)
        qsort_r(s->order, s->n_order, sizeof *s->order, by_start, file->blocks);
    return ET_OK;
}

/* ---- blocks ---- */

static const struct et__r2_entry *entry_of(const struct et__r2_open_block *open)
{
    return &open->entries[open->next];
}

static void swap(struct et__r2_open_block *a, struct et__r2_open_block *b)
{
    const struct et__r2_open_block c = *a;
    *a = *b;
    *b = c;
}

static void rise(struct et__r2_source *s)
{
    for (size_t i = s->n_open - 1; i > 0;) {
        const size_t up = (i - 1) / 2;
        if (by_time(entry_of(&s->open[up]), entry_of(&s->open[i])) <= 0)
            return;
        swap(&s->open[up], &s->open[i]);
        i = up;
    }
}

static void sink(struct et__r2_source *s)
{
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < s->n_open; k++)
            if (by_time(entry_of(&s->open[k]), entry_of(&s->open[least])) < 0)
                least = k;
        if (least == i)
            return;
        swap(&s->open[least], &s->open[i]);
        i = least;
    }
}

static enum et_status make_room(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                struct et_err *err)
{
    const size_t n_block = ET__R2_BLOCK_ROWS * sizeof(struct et__r2_entry);
    if (s->n_open == s->cap_open) {
        const size_t cap = s->cap_open ? s->cap_open * 2 : 4;
        struct et__r2_open_block *grown = calloc(cap, sizeof *grown);
        if (!grown)
            return et_fail(err, ET_ENOMEM, -1, "no memory for rows that overlap in time");
        if (s->cap_open)
            memcpy(grown, s->open, s->cap_open * sizeof *grown);
        free(s->open);
        s->open = grown;
        s->cap_open = cap;
    }
    if (s->open[s->n_open].entries)
        return ET_OK;
    if (s->n_open && (s->n_open + 1) * n_block > r->memory_bytes)
        return et_fail(err, ET_ELIMIT, -1, "%s: more rows overlap in time than %zu bytes hold",
                       r->told[s->i_file].path, r->memory_bytes);
    s->open[s->n_open].entries = malloc(n_block);
    return s->open[s->n_open].entries
               ? ET_OK
               : et_fail(err, ET_ENOMEM, -1, "no memory for rows that overlap in time");
}

static void keep_row(struct et_rosbag2_reader *r, struct et__r2_source *s, int64_t id,
                     struct et__r2_open_block *open)
{
    enum et_rosbag2_fault fault;
    int64_t t_ns = 0;
    const size_t i_topic = et__r2_sqlite_row(&r->files[s->i_file], s->list, &t_ns, &fault);
    if (i_topic != SIZE_MAX && et__r2_is_asked(r, i_topic, t_ns))
        open->entries[open->n++] = (struct et__r2_entry){t_ns, id, (uint32_t)i_topic};
}

static bool is_sorted(const struct et__r2_open_block *open)
{
    for (size_t i = 1; i < open->n; i++)
        if (open->entries[i].t_ns < open->entries[i - 1].t_ns)
            return false;
    return true;
}

static enum et_status load(struct et_rosbag2_reader *r, struct et__r2_source *s,
                           const struct et__r2_block *block, struct et__r2_open_block *open,
                           struct et_err *err)
{
    struct et_err why = {0};
    int64_t id = 0;
    open->n = open->next = 0;
    et__db_restart(s->list);
    enum et_status st = et__db_bind_int(s->list, 1, block->first_id, &why);
    for (int64_t i = 0; st == ET_OK && i < block->n_rows; i++) {
        st = et__db_step(s->list, &why);
        if (st == ET_OK && et__db_int(s->list, 0, &id))
            keep_row(r, s, id, open);
    }
    et__db_restart(s->list);
    if (st == ET_ECORRUPT || st == ET_ELIMIT || st == ET_END) // it was read before: it changed
        et__r2_remark_row(r, ET_ROSBAG2_DAMAGE, s->i_file, block->first_id, 0,
                          "rows that were there when the file was opened are not there any more");
    else if (st != ET_OK) {
        if (err)
            *err = why;
        return st;
    }
    if (!r->in_file_order && !is_sorted(open))
        qsort(open->entries, open->n, sizeof *open->entries, by_time);
    return ET_OK;
}

static enum et_status open_next(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                struct et_err *err)
{
    enum et_status st = make_room(r, s, err);
    if (st == ET_OK)
        st = load(r, s, &r->files[s->i_file].blocks[s->order[s->next_order++]], &s->open[s->n_open],
                  err);
    if (st != ET_OK || s->open[s->n_open].n == 0)
        return st;
    s->n_open++;
    rise(s);
    return ET_OK;
}

static bool must_open(const struct et_rosbag2_reader *r, const struct et__r2_source *s)
{
    if (s->next_order == s->n_order)
        return false;
    if (s->n_open == 0)
        return true;
    return !r->in_file_order && r->files[s->i_file].blocks[s->order[s->next_order]].start_ns <=
                                    entry_of(&s->open[0])->t_ns;
}

enum et_status et__r2_sqlite_next(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                  struct et_err *err)
{
    if (s->has_head) {
        s->has_head = false;
        if (++s->open[0].next == s->open[0].n)
            swap(&s->open[0], &s->open[--s->n_open]);
        if (s->n_open)
            sink(s);
    }
    while (must_open(r, s)) {
        const enum et_status st = open_next(r, s, err);
        if (st != ET_OK)
            return st;
    }
    if (s->n_open == 0)
        return ET_END;
    const struct et__r2_entry *e = entry_of(&s->open[0]);
    s->head = (struct et_rosbag2_message){.i_topic = e->i_topic,
                                          .i_file = s->i_file,
                                          .time_ns = e->t_ns,
                                          .publish_time_ns = -1,
                                          .at = e->id};
    s->has_head = true;
    return ET_OK;
}

/* ---- data ---- */

// Rows follow each other mostly: one step is tried before the way through the tree.
static enum et_status stand_on(struct et__r2_source *s, int64_t id, struct et_err *err)
{
    int64_t found = 0;
    if (s->fetched_id != INT64_MIN && s->fetched_id < id && et__db_step(s->fetch, err) == ET_OK &&
        et__db_int(s->fetch, 0, &found) && found == id)
        return ET_OK;
    et__db_restart(s->fetch);
    enum et_status st = et__db_bind_int(s->fetch, 1, id, err);
    if (st == ET_OK)
        st = et__db_step(s->fetch, err);
    if (st == ET_END || (st == ET_OK && (!et__db_int(s->fetch, 0, &found) || found != id)))
        return et_fail(err, ET_ECORRUPT, id, "it is not there any more");
    return st;
}

enum et_status et__r2_sqlite_data(struct et_rosbag2_reader *r, struct et__r2_source *s,
                                  struct et_err *err)
{
    char text[160];
    struct et_err why = {0};
    const int64_t id = s->head.at;
    const enum et_status st = stand_on(s, id, &why);
    s->fetched_id = st == ET_OK ? id : INT64_MIN;
    if (st == ET_OK && et__db_bytes(s->fetch, 1, &s->head.data))
        return ET_OK;
    if (st == ET_EIO || st == ET_ENOMEM) {
        if (err)
            *err = why;
        return st;
    }
    (void)snprintf(text, sizeof text, "row %lld: %.120s", (long long)id,
                   st == ET_OK ? "it has no data" : why.text);
    et__r2_remark_row(r, st == ET_ELIMIT ? ET_ROSBAG2_ROW : ET_ROSBAG2_DAMAGE, s->i_file, id, 0,
                      text);
    return ET_AGAIN;
}

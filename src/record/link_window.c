/* What an agent keeps until it is taken: batches in memory, and behind them on disk. */
#include "record/record__link.h"

#include <assert.h>
#include <stdlib.h>

/* ---- what a frame holds ---- */

static struct et__link_batch batch_of(struct et_str frame)
{
    struct et__link_batch batch = {0};
    const struct et_str body = {frame.p + ET__LINK_HEAD_BYTES, frame.n - ET__LINK_HEAD_BYTES};
    const enum et_status st = et__link_read_batch(body, &batch, NULL);
    assert(st == ET_OK); // it is our own
    (void)st;
    return batch;
}

// How many samples a record stands for.
static uint64_t samples(const struct et__link_record *record)
{
    return record->is_loss ? record->n_lost : 1;
}

/* Adds what a frame has of each stream to counts (sign 1), or takes it away (−1). Returns how many
 * samples it has. */
static uint64_t count(struct et_str frame, uint64_t *counts, uint64_t sign)
{
    const struct et__link_batch batch = batch_of(frame);
    struct et__link_record record;
    uint64_t n_all = 0;
    size_t at = 0;
    while (et__link_next_record(&batch, &at, &record, NULL) == ET_OK) {
        counts[record.stream] += sign * samples(&record);
        n_all += !record.is_loss; // what it tells of was counted when it was lost
    }
    return n_all;
}

/* ---- memory ---- */

static void lose(struct et__link_window *w, struct et_str frame)
{
    w->n_lost_all += count(frame, w->n_lost, 1);
}

static void keep(struct et__link_window *w, struct et_str frame)
{
    struct et__link_kept *kept = malloc(sizeof *kept + frame.n);
    if (!kept) {
        lose(w, frame);
        return;
    }
    const struct et__link_batch batch = batch_of(frame);
    *kept = (struct et__link_kept){
        .first = batch.first, .end = batch.first + batch.n_records, .n = frame.n};
    memcpy(kept->bytes, frame.p, frame.n);
    if (w->newest)
        w->newest->next = kept;
    else
        w->oldest = kept;
    w->newest = kept;
    if (!w->unsent)
        w->unsent = kept;
    w->n_bytes += frame.n;
}

// One batch may go over the limit, so that a large one finds a place at all.
static bool has_memory(const struct et__link_window *w)
{
    return w->n_bytes < w->n_bytes_max;
}

/* ---- disk ---- */

// All that is on the disk is lost: it cannot be read any more.
static void lose_spool(struct et__link_window *w)
{
    for (size_t i = 0; i < ET_FEED_STREAMS_MAX; i++) {
        w->n_lost[i] += w->n_spooled[i];
        w->n_lost_all += w->n_spooled[i];
        w->n_spooled[i] = 0;
    }
    et__link_spool_empty(w->spool);
}

static bool take_spooled(struct et__link_window *w)
{
    const enum et_status st = et__link_spool_take(w->spool, &w->scratch, NULL);
    if (st == ET_OK)
        (void)count(et_buf_str(&w->scratch), w->n_spooled, (uint64_t)-1);
    else if (st != ET_END)
        lose_spool(w);
    return st == ET_OK;
}

static void spool(struct et__link_window *w, struct et_str frame)
{
    enum et_status st;
    while ((st = et__link_spool_put(w->spool, frame, NULL)) == ET_AGAIN) {
        if (!take_spooled(w)) // it was emptied: now there is room
            continue;
        lose(w, et_buf_str(&w->scratch));
    }
    if (st == ET_OK)
        (void)count(frame, w->n_spooled, 1);
    else
        lose(w, frame);
}

static bool is_spooling(const struct et__link_window *w)
{
    return w->spool && et__link_spool_bytes(w->spool) > 0;
}

// Brings back into memory what it has room for.
static void refill(struct et__link_window *w)
{
    while (is_spooling(w) && has_memory(w) && take_spooled(w))
        keep(w, et_buf_str(&w->scratch));
}

/* ---- its user ---- */

bool et__link_window_has_room(const struct et__link_window *w)
{
    return w->spool || has_memory(w);
}

void et__link_window_put(struct et__link_window *w, struct et_str frame)
{
    // Behind what is on the disk nothing may go straight to memory, or the order would be lost.
    if (w->spool && (is_spooling(w) || !has_memory(w)))
        spool(w, frame);
    else
        keep(w, frame);
}

void et__link_window_lose(struct et__link_window *w, const struct et__link_record *record)
{
    w->n_lost[record->stream] += samples(record);
    w->n_lost_all += !record->is_loss;
}

const struct et__link_kept *et__link_window_next(struct et__link_window *w)
{
    return w->unsent;
}

void et__link_window_sent(struct et__link_window *w)
{
    assert(w->unsent);
    w->unsent = w->unsent->next;
}

void et__link_window_rewind(struct et__link_window *w)
{
    w->unsent = w->oldest;
}

void et__link_window_taken(struct et__link_window *w, uint64_t n_taken)
{
    while (w->oldest && w->oldest->end <= n_taken) {
        struct et__link_kept *kept = w->oldest;
        if (w->unsent == kept)
            w->unsent = kept->next;
        w->oldest = kept->next;
        w->n_bytes -= kept->n;
        free(kept);
    }
    if (!w->oldest)
        w->newest = NULL;
    refill(w);
}

bool et__link_window_is_empty(const struct et__link_window *w)
{
    return !w->oldest && !is_spooling(w);
}

void et__link_window_close(struct et__link_window *w)
{
    while (w->oldest) {
        struct et__link_kept *kept = w->oldest;
        w->oldest = kept->next;
        free(kept);
    }
    et__link_spool_close(w->spool);
    et_buf_free(&w->scratch);
    *w = (struct et__link_window){0};
}

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

/* Whether a frame that was read back is one of ours: only then is it looked into. Who spooled it
 * may have known fewer streams. */
static bool is_ours(struct et_str frame, size_t n_streams)
{
    struct et__link_frame whole;
    struct et__link_batch batch;
    struct et__link_record record;
    uint32_t n = 0;
    size_t n_used, at = 0;
    enum et_status st =
        et__link_next(frame.p, frame.n, ET__LINK_FRAME_BYTES_MAX, &whole, &n_used, NULL);
    if (st != ET_OK || whole.type != ET__LINK_BATCH || n_used != frame.n ||
        et__link_read_batch(whole.body, &batch, NULL) != ET_OK)
        return false;
    while ((st = et__link_next_record(&batch, &at, &record, NULL)) == ET_OK) {
        if (record.stream >= n_streams)
            return false;
        n++;
    }
    return st == ET_END && n == batch.n_records && n > 0;
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

// One batch may go over the limit, so that a large one finds a place at all.
static bool has_memory(const struct et__link_window *w)
{
    return w->n_bytes < w->n_bytes_max;
}

// NULL: there is no memory.
static struct et__link_kept *keep(struct et__link_window *w, struct et_str frame)
{
    struct et__link_kept *kept = malloc(sizeof *kept + frame.n);
    if (!kept)
        return NULL;
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
    return kept;
}

static void forget_oldest(struct et__link_window *w)
{
    struct et__link_kept *kept = w->oldest;
    if (w->unsent == kept)
        w->unsent = kept->next;
    if (w->unsaved == kept)
        w->unsaved = kept->next;
    w->oldest = kept->next;
    if (!w->oldest)
        w->newest = NULL;
    w->n_bytes -= kept->n;
    free(kept);
}

/* ---- disk ---- */

static bool is_left(const struct et__link_window *w) // in the spool, and not in memory
{
    return w->spool && et__link_spool_left(w->spool) > 0;
}

// What lies before the oldest batch that is kept in the spool may go.
static void settle(struct et__link_window *w, uint64_t n_records)
{
    const struct et__link_kept *kept = w->oldest;
    while (kept && !kept->to)
        kept = kept->next;
    et__link_spool_drop(w->spool, kept ? kept->at : et__link_spool_place(w->spool), n_records);
}

/* What is left on the disk cannot be read any more: of an agent before this one it is told as a
 * number only, for its samples' streams are not known. */
static void lose_left(struct et__link_window *w)
{
    if (et__link_spool_is_before(w->spool)) {
        w->n_before_lost += w->n_before;
        w->n_lost_all += w->n_before;
        w->n_before = 0;
    } else
        for (size_t i = 0; i < ET_FEED_STREAMS_MAX; i++) {
            w->n_lost[i] += w->n_spooled[i];
            w->n_lost_all += w->n_spooled[i];
            w->n_spooled[i] = 0;
        }
    et__link_spool_pass(w->spool);
    settle(w, 0);
}

// The next frame of the spool, into scratch; *at is where it lay. false: there is none.
static bool take_spooled(struct et__link_window *w, uint64_t *at)
{
    *at = et__link_spool_place(w->spool);
    const bool is_before = et__link_spool_is_before(w->spool);
    enum et_status st = et__link_spool_next(w->spool, &w->scratch, NULL);
    const struct et_str frame = et_buf_str(&w->scratch);
    if (st == ET_OK && !is_ours(frame, is_before ? w->n_streams_before : ET_FEED_STREAMS_MAX)) {
        et__link_spool_go_to(w->spool, *at);
        st = ET_ECORRUPT;
    }
    if (st == ET_OK && is_before) {
        const uint64_t n = batch_of(frame).n_records;
        w->n_before -= n < w->n_before ? n : w->n_before;
    } else if (st == ET_OK)
        (void)count(frame, w->n_spooled, (uint64_t)-1);
    else if (st != ET_END && st != ET_ENOMEM)
        lose_left(w);
    return st == ET_OK;
}

/* The oldest batch of a full spool goes; memory may have it still. */
static void make_room(struct et__link_window *w)
{
    uint64_t at;
    for (struct et__link_kept *kept = w->oldest; kept; kept = kept->next)
        if (kept->to) {
            et__link_spool_drop(w->spool, kept->to, kept->end - kept->first);
            kept->at = kept->to = 0;
            return;
        }
    if (take_spooled(w, &at)) {
        lose(w, et_buf_str(&w->scratch));
        settle(w, batch_of(et_buf_str(&w->scratch)).n_records);
        return;
    }
    if (is_left(w)) // no memory to read it
        lose_left(w);
    settle(w, 0);
}

static bool put_spooled(struct et__link_window *w, struct et_str frame)
{
    const struct et__link_batch batch = batch_of(frame);
    enum et_status st;
    while ((st = et__link_spool_put(w->spool, frame, batch.first + batch.n_records, batch.n_records,
                                    NULL)) == ET_AGAIN)
        make_room(w);
    return st == ET_OK;
}

// What is only in memory goes to the disk, too; what cannot stays where it is.
static void save(struct et__link_window *w)
{
    for (; w->unsaved; w->unsaved = w->unsaved->next) {
        struct et__link_kept *kept = w->unsaved;
        const uint64_t at = et__link_spool_place(w->spool);
        if (kept->to || is_left(w) || !put_spooled(w, (struct et_str){kept->bytes, kept->n}))
            continue;
        et__link_spool_pass(w->spool);
        kept->at = at;
        kept->to = et__link_spool_place(w->spool);
    }
}

static void spool(struct et__link_window *w, struct et_str frame)
{
    save(w);
    const bool is_next = !is_left(w); // of those that go to memory
    const uint64_t at = et__link_spool_place(w->spool);
    const bool is_spooled = put_spooled(w, frame);
    struct et__link_kept *kept = NULL;
    if (is_next && has_memory(w))
        kept = keep(w, frame);
    if (kept && is_spooled) {
        et__link_spool_pass(w->spool);
        kept->at = at;
        kept->to = et__link_spool_place(w->spool);
    } else if (is_spooled)
        (void)count(frame, w->n_spooled, 1);
    else if (!kept)
        lose(w, frame);
}

// Brings back into memory what it has room for; what was taken meanwhile goes.
static void refill(struct et__link_window *w)
{
    uint64_t at;
    while (is_left(w) && has_memory(w) && take_spooled(w, &at)) {
        const struct et_str frame = et_buf_str(&w->scratch);
        const struct et__link_batch batch = batch_of(frame);
        if (batch.first + batch.n_records <= w->n_taken) {
            w->n_gone += batch.n_records;
            settle(w, batch.n_records);
            continue;
        }
        struct et__link_kept *kept = keep(w, frame);
        if (!kept) { // it is tried again
            et__link_spool_go_to(w->spool, at);
            if (et__link_spool_is_before(w->spool))
                w->n_before += batch.n_records;
            else
                (void)count(frame, w->n_spooled, 1);
            return;
        }
        kept->at = at;
        kept->to = et__link_spool_place(w->spool);
    }
}

/* ---- its user ---- */

bool et__link_window_has_room(const struct et__link_window *w)
{
    return w->spool || has_memory(w);
}

void et__link_window_put(struct et__link_window *w, struct et_str frame)
{
    struct et__link_kept *kept;
    // Behind what is on the disk nothing may go straight to memory, or the order would be lost.
    if (w->spool && (is_left(w) || !w->is_up || !has_memory(w)))
        spool(w, frame);
    else if ((kept = keep(w, frame)))
        w->unsaved = w->unsaved ? w->unsaved : kept;
    else
        lose(w, frame);
}

void et__link_window_lose(struct et__link_window *w, const struct et__link_record *record)
{
    w->n_lost[record->stream] += samples(record);
    w->n_lost_all += !record->is_loss;
}

const struct et__link_kept *et__link_window_next(struct et__link_window *w)
{
    if (!w->unsent)
        refill(w);
    return w->unsent;
}

void et__link_window_sent(struct et__link_window *w)
{
    assert(w->unsent);
    w->unsent = w->unsent->next;
}

void et__link_window_rewind(struct et__link_window *w)
{
    w->is_up = true;
    w->unsent = w->oldest;
}

void et__link_window_away(struct et__link_window *w)
{
    w->is_up = false;
    if (w->spool)
        save(w);
}

void et__link_window_taken(struct et__link_window *w, uint64_t n_taken)
{
    uint64_t n_records = 0;
    bool is_spooled = false;
    if (n_taken > w->n_taken)
        w->n_taken = n_taken;
    while (w->oldest && w->oldest->end <= n_taken) {
        w->n_gone += w->oldest->end - w->oldest->first;
        if (w->oldest->to) {
            is_spooled = true;
            n_records += w->oldest->end - w->oldest->first;
        }
        forget_oldest(w);
    }
    if (is_spooled)
        settle(w, n_records);
    refill(w);
}

bool et__link_window_is_empty(const struct et__link_window *w)
{
    return !w->oldest && !is_left(w);
}

void et__link_window_close(struct et__link_window *w)
{
    const bool is_kept = !et__link_window_is_empty(w);
    if (w->spool)
        save(w);
    while (w->oldest)
        forget_oldest(w);
    et__link_spool_close(w->spool, is_kept);
    et_buf_free(&w->scratch);
    *w = (struct et__link_window){0};
}

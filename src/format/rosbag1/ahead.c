/* The next blocks of a query, read and decompressed on a pool before they are asked for.
 *
 * What a thread cannot do in the plain way (a read that fails, a damaged chunk, one that is too
 * large) it leaves: the block is then loaded when its turn comes, as without a pool. So remarks and
 * failures come from one place and in one order. */
#include "format/rosbag1/rosbag1__reader.h"

#include <stdlib.h>

#define MEMORY_PART 4 // of memory_bytes, beside it

struct slot {
    struct et__bag_open open; // without entries
    struct et__bag_codec *codec;
    bool is_fetched;
};

struct et__bag_ahead {
    struct et_pool_job job;
    bool is_running;
    size_t slot_bytes;
    // Where the next result goes.
    struct et__bag_open *to;
    size_t room;
    bool is_taken;

    size_t n_slots;
    struct slot slots[];
};

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct et_rosbag1_reader *r = ctx;
    struct et__bag_ahead *a = r->ahead;
    struct slot *slot = &a->slots[i % a->n_slots];
    (void)worker;
    (void)err;
    slot->is_fetched =
        et__bag_block_fetch(r, r->order[i], a->slot_bytes, &slot->codec, &slot->open);
    if (!slot->is_fetched)
        et__bag_open_free(&slot->open); // what it holds may leave no room for the next
    return ET_OK;
}

/* The buffers change places, so nothing is copied. */
static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    const struct et_rosbag1_reader *r = ctx;
    struct et__bag_ahead *a = r->ahead;
    struct et__bag_open *from = &a->slots[i % a->n_slots].open, *to = a->to;
    (void)err;
    a->is_taken = a->slots[i % a->n_slots].is_fetched && et__bag_open_bytes(from) <= a->room;
    if (!a->is_taken)
        return ET_OK;
    const struct et__bag_open old = *to;
    *to = *from;
    to->entries = old.entries;
    to->cap_entries = old.cap_entries;
    *from = old;
    from->entries = NULL;
    from->cap_entries = 0;
    if (et__bag_open_bytes(from) > a->slot_bytes)
        et__bag_open_free(from);
    return ET_OK;
}

static bool make_slots(struct et_rosbag1_reader *r)
{
    if (r->ahead)
        return true;
    const size_t n = et_pool_threads(r->pool) + 1;
    r->ahead = calloc(1, sizeof *r->ahead + n * sizeof *r->ahead->slots);
    if (!r->ahead)
        return false;
    r->ahead->n_slots = n;
    r->ahead->slot_bytes = r->memory_bytes / MEMORY_PART / n;
    return true;
}

void et__bag_ahead_begin(struct et_rosbag1_reader *r)
{
    if (!r->pool || et_pool_threads(r->pool) < 2 || r->n_order < 2 || !make_slots(r))
        return;
    struct et__bag_ahead *a = r->ahead;
    a->job = (struct et_pool_job){
        .n_tasks = r->n_order, .window = a->n_slots, .work = work, .take = take, .ctx = r};
    a->is_running = et_pool_begin(r->pool, &a->job, NULL) == ET_OK;
}

void et__bag_ahead_stop(struct et_rosbag1_reader *r)
{
    if (!r->ahead || !r->ahead->is_running)
        return;
    et_pool_stop(r->pool, &r->ahead->job);
    r->ahead->is_running = false;
}

void et__bag_ahead_close(struct et_rosbag1_reader *r)
{
    et__bag_ahead_stop(r);
    for (size_t i = 0; r->ahead && i < r->ahead->n_slots; i++) {
        et__bag_open_free(&r->ahead->slots[i].open);
        et__bag_codec_close(r->ahead->slots[i].codec);
    }
    free(r->ahead);
}

bool et__bag_ahead_take(struct et_rosbag1_reader *r, size_t i, size_t room,
                        struct et__bag_open *open)
{
    struct et__bag_ahead *a = r->ahead;
    if (!a || !a->is_running)
        return false;
    a->to = open;
    a->room = room;
    const bool is_done = et_pool_take(r->pool, &a->job, i, NULL) == ET_OK;
    if (i + 1 == r->n_order || !is_done)
        et__bag_ahead_stop(r); // the pool is the caller's again
    return is_done && a->is_taken;
}

#include "record/record__ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 64 // of a processor's cache: what one thread writes lies apart from the other's
#define BYTES_MIN ((size_t)4 << 10)
#define BYTES_MAX ((size_t)1 << 30)
#define SKIP UINT16_MAX // the stream of an entry that leaves the rest of the ring out
#define NEAR_BYTES ((size_t)64 << 10)

/* An entry: its sample, its bytes, up to a multiple of 8. Places count on and never fall; in memory
 * they are taken modulo the size.
 *
 * A ring that was emptied goes on at its beginning. So it lives in as much memory as it ever held
 * at once: a hundred robots' rings of 8 MiB, which are nearly empty, stay in the processor's cache,
 * and most of their pages are never touched. */
struct et__ring {
    unsigned char *p;
    size_t n;
    _Alignas(LINE_BYTES) _Atomic uint64_t head; // where the next is put
    uint64_t tail_seen;                         // of the thread that puts
    _Atomic uint64_t base; // where it last went back to its beginning: before, all was taken
    _Alignas(LINE_BYTES) _Atomic uint64_t tail; // the oldest
};

static size_t entry_bytes(size_t n_bytes)
{
    return sizeof(struct et__ring_sample) + (n_bytes + 7) / 8 * 8;
}

enum et_status et__ring_open(struct et__ring **ring, size_t n_bytes, struct et_err *err)
{
    *ring = NULL;
    if (n_bytes < BYTES_MIN || n_bytes > BYTES_MAX || (n_bytes & (n_bytes - 1)) != 0)
        return et_fail(err, ET_EARG, -1, "a ring of %zu bytes", n_bytes);
    struct et__ring *r = aligned_alloc(LINE_BYTES, sizeof *r);
    unsigned char *p = aligned_alloc(LINE_BYTES, n_bytes);
    if (!r || !p) {
        free(r);
        free(p);
        return et_fail(err, ET_ENOMEM, -1, "no memory for a ring of %zu bytes", n_bytes);
    }
    *r = (struct et__ring){.p = p, .n = n_bytes};
    *ring = r;
    return ET_OK;
}

void et__ring_close(struct et__ring *r)
{
    if (!r)
        return;
    free(r->p);
    free(r);
}

// Where the oldest is, when so much was taken.
static uint64_t oldest(const struct et__ring *r, uint64_t tail)
{
    const uint64_t base = atomic_load_explicit(&r->base, memory_order_relaxed);
    return tail > base ? tail : base;
}

// Far from its beginning, and everything was taken.
static bool may_go_back(struct et__ring *r, uint64_t head, size_t at)
{
    if (at < NEAR_BYTES)
        return false;
    r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
    return r->tail_seen == head;
}

bool et__ring_put(struct et__ring *r, const struct et__ring_sample *sample, const void *bytes)
{
    const uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    const size_t n = entry_bytes(sample->n_bytes), at = (size_t)head & (r->n - 1);
    if (n > r->n / 2)
        return false;
    const bool goes_back = may_go_back(r, head, at);
    const size_t skip = goes_back || at + n > r->n ? r->n - at : 0;
    if (goes_back) // read after the head, so before it
        atomic_store_explicit(&r->base, head + skip, memory_order_relaxed);
    else if (head + skip + n - oldest(r, r->tail_seen) > r->n) {
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (head + skip + n - oldest(r, r->tail_seen) > r->n)
            return false;
    }
    // What is left out has room for a head at least when it is one: places are multiples of 8.
    if (!goes_back && skip >= sizeof *sample)
        memcpy(r->p + at, &(struct et__ring_sample){.stream = SKIP}, sizeof *sample);
    unsigned char *to = r->p + (skip ? 0 : at);
    memcpy(to, sample, sizeof *sample);
    if (sample->n_bytes)
        memcpy(to + sizeof *sample, bytes, sample->n_bytes);
    atomic_store_explicit(&r->head, head + skip + n, memory_order_release);
    return true;
}

static const struct et__ring_sample *at_tail(const struct et__ring *r, uint64_t tail)
{
    return (const void *)(r->p + ((size_t)tail & (r->n - 1)));
}

const struct et__ring_sample *et__ring_peek(struct et__ring *r, const void **bytes)
{
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
        return NULL;
    const uint64_t first = oldest(r, tail);
    if (first != tail) {
        tail = first;
        atomic_store_explicit(&r->tail, tail, memory_order_release);
    }
    const size_t left = r->n - ((size_t)tail & (r->n - 1));
    if (left < sizeof(struct et__ring_sample) || at_tail(r, tail)->stream == SKIP) {
        tail += left;
        atomic_store_explicit(&r->tail, tail, memory_order_release);
    }
    const struct et__ring_sample *sample = at_tail(r, tail);
    *bytes = sample + 1;
    return sample;
}

void et__ring_pop(struct et__ring *r)
{
    const uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    atomic_store_explicit(&r->tail, tail + entry_bytes(at_tail(r, tail)->n_bytes),
                          memory_order_release);
}

size_t et__ring_used(const struct et__ring *r)
{
    const uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    const uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    const uint64_t first = oldest(r, tail);
    return head > first ? (size_t)(head - first) : 0;
}

size_t et__ring_bytes(const struct et__ring *r)
{
    return r->n;
}

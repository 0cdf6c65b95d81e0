/* Taps: what is put into a feed, for a server on another thread. Who puts looks at one flag; where
 * somebody watches it copies into a ring of the tap's own, and what finds no room there is counted.
 */
#include "record/record__foxglove_server.h"

#include <stdlib.h>

#define RING_BYTES ((size_t)8 << 20)

// On the thread that puts into the feed.
static void on_put(void *ctx, const struct et_feed_sample *sample)
{
    struct et__tap *tap = ctx;
    const int wish = atomic_load_explicit(&tap->wishes[sample->stream], memory_order_relaxed);
    if (wish == ET__UNWANTED)
        return;
    const struct et__ring_sample head = {.t_arrival_ns = sample->t_arrival_ns,
                                         .t_device_ns = sample->t_device_ns,
                                         .n_bytes = sample->n_bytes,
                                         .stream = sample->stream};
    if (!et__ring_put(tap->ring, &head, sample->bytes) && wish == ET__WANTED)
        (void)atomic_fetch_add_explicit(&tap->n_dropped, 1, memory_order_relaxed);
}

enum et_status et__tap_open(struct et__tap **tap, struct et_feed *feed, size_t n_bytes,
                            struct et_err *err)
{
    *tap = NULL;
    struct et__tap *t = calloc(1, sizeof *t);
    if (!t)
        return et_fail(err, ET_ENOMEM, -1, "no memory to serve a feed");
    t->feed = feed;
    enum et_status st = et__ring_open(&t->ring, n_bytes ? n_bytes : RING_BYTES, err);
    if (st == ET_OK)
        st = et_feed_listen(feed, &(struct et_feed_listener){.on_put = on_put, .ctx = t}, err);
    if (st == ET_OK)
        *tap = t;
    else
        et__tap_close(t);
    return st;
}

void et__tap_close(struct et__tap *tap)
{
    if (!tap)
        return;
    et__ring_close(tap->ring);
    free(tap);
}

/* The page's clock against ours, from pings that say when they came and went (as NTP has it, RFC
 * 5905, 8). The truth lies within half the round trip, whatever the two ways took. So of the last
 * pings that one counts whose round trip, with what the clocks may have drifted apart since, leaves
 * the least doubt. */
#include "record/record__webxr.h"

#include <stdlib.h>

#define ROUND_TRIP_NS_MAX (10 * INT64_C(1000000000))

void et__webxr_sync_put(struct et__webxr_sync *sync, int64_t t_sent_ns,
                        const struct et__webxr_pong *pong, int64_t t_back_ns)
{
    const int64_t there_ns = pong->t_sent_ns - pong->t_came_ns;
    int64_t delay_ns = t_back_ns - t_sent_ns - there_ns;
    // A coarse clock may say that it took longer there than there and back.
    if (there_ns < 0 || delay_ns < -2 * sync->resolution_ns || delay_ns > ROUND_TRIP_NS_MAX)
        return;
    delay_ns = delay_ns > 0 ? delay_ns : 0;
    const size_t i = sync->i_next;
    sync->samples[i].t_ns = t_back_ns;
    // Middles, so that no sum is too large.
    sync->samples[i].offset_ns =
        t_sent_ns + (t_back_ns - t_sent_ns) / 2 - (pong->t_came_ns + there_ns / 2);
    sync->samples[i].delay_ns = delay_ns;
    sync->i_next = (i + 1) % ET__WEBXR_SYNC_SAMPLES;
    sync->n += sync->n < ET__WEBXR_SYNC_SAMPLES;
}

static int by_size(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool et__webxr_sync_offset(const struct et__webxr_sync *sync, int64_t t_ns,
                           struct et__webxr_offset *offset)
{
    int64_t delays_ns[ET__WEBXR_SYNC_SAMPLES];
    *offset = (struct et__webxr_offset){.uncertainty_ns = INT64_MAX};
    for (size_t i = 0; i < sync->n; i++) {
        const int64_t age_ns = t_ns - sync->samples[i].t_ns;
        const int64_t doubt_ns = sync->samples[i].delay_ns / 2 + sync->resolution_ns + 1 +
                                 (int64_t)((double)age_ns * ET__WEBXR_DRIFT);
        delays_ns[i] = sync->samples[i].delay_ns;
        if (doubt_ns >= offset->uncertainty_ns)
            continue;
        offset->uncertainty_ns = doubt_ns;
        offset->offset_ns = sync->samples[i].offset_ns;
        offset->round_trip_ns = sync->samples[i].delay_ns;
    }
    if (sync->n == 0)
        return false;
    qsort(delays_ns, sync->n, sizeof *delays_ns, by_size);
    offset->delay_p50_ns = (delays_ns[sync->n / 2] - delays_ns[0]) / 2;
    offset->delay_p99_ns = (delays_ns[sync->n * 99 / 100] - delays_ns[0]) / 2;
    return true;
}

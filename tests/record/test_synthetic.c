// Synthetic streams come at their rates with their numbers, and what is missing is counted.
#include "etude/clock.h"
#include "etude/recorder.h"
#include "etude/synthetic.h"
#include "support.h"
#include "tap.h"

#include <string.h>

static struct et_err err;

static void come_at_their_rates(void)
{
    static const int RATES[ET_SYNTHETIC_STREAMS] = {500, 500, 1000, 1000, 100,
                                                    100, 200, 30,   30,   30};
    struct et_synthetic_pool *pool;
    struct et_synthetic *s;
    struct et_feed *feed;
    CHECK_OK(et_synthetic_pool_open(&pool, 1, &err));
    CHECK_OK(et_feed_open(&feed, &(struct et_feed_options){.n_bytes = 1 << 23}, &err));
    CHECK_OK(et_synthetic_open(&s, pool, feed, ET_NS_PER_S, &err));
    int64_t t_next_ns = et_synthetic_put(s, ET_NS_PER_S - 1);
    CHECK_EQ(t_next_ns, ET_NS_PER_S);
    while (t_next_ns < 2 * ET_NS_PER_S + 1000000)
        t_next_ns = et_synthetic_put(s, t_next_ns);
    CHECK_EQ(et_feed_n_streams(feed), ET_SYNTHETIC_STREAMS + 1);
    for (size_t i = 0; i < ET_SYNTHETIC_STREAMS; i++) {
        CHECK_STR(et_feed_stream(feed, i + 1)->topic, et_synthetic_topic(i));
        CHECK_NEAR((double)et_feed_counts(feed, i + 1).n_put, RATES[i], 2);
        CHECK_EQ(et_feed_counts(feed, i + 1).n_dropped, 0);
    }
    et_synthetic_close(s);
    et_feed_close(feed);
    et_synthetic_pool_close(pool);
    et_synthetic_pool_close(NULL);
}

static void what_is_missing_is_counted(void)
{
    struct et_synthetic_pool *pool;
    struct et_synthetic *s;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_feed *feed;
    struct et_synthetic_stream found[ET_SYNTHETIC_STREAMS] = {{0}};
    const struct et_recorder_options how = {.folder = temp_path("synthetic"),
                                            .keep_free_bytes = -1};
    CHECK_OK(et_synthetic_pool_open(&pool, 1, &err));
    CHECK_OK(et_recorder_open(&recorder, &how, &err));
    CHECK_OK(et_station_open(&station, recorder, "one", &err));
    CHECK_OK(et_station_feed(station, &(struct et_feed_options){.n_bytes = 65536}, &feed, &err));
    CHECK_OK(et_synthetic_open(&s, pool, feed, 0, &err));
    CHECK_OK(et_station_begin(station, &(struct et_run){.robot = "synthetic"}, &err));
    // More at a time than the feed takes.
    (void)et_synthetic_put(s, ET_NS_PER_S / 2);
    while (et_feed_used(feed) > 0)
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    (void)et_synthetic_put(s, ET_NS_PER_S / 2 + 1000000);
    CHECK_OK(et_station_end(station, NULL, &err));
    const struct et_station_status status = et_station_status(station);
    CHECK_OK(et_synthetic_check(pool, status.path, found, &err));
    uint64_t n_missing = 0, n = 0;
    for (size_t i = 0; i < ET_SYNTHETIC_STREAMS; i++) {
        const struct et_feed_counts counts = et_feed_counts(feed, i + 1);
        CHECK_EQ(found[i].n, counts.n_put);
        CHECK_EQ(found[i].n_wrong, 0);
        CHECK(found[i].n_missing + found[i].first <= counts.n_dropped);
        n += found[i].n;
        n_missing += counts.n_dropped;
    }
    CHECK(n_missing > 0 && n > 0);
    CHECK_EQ(status.n_dropped, n_missing);
    CHECK_EQ(et_synthetic_check(pool, temp_path("no.mcap"), found, &err), ET_ENOTFOUND);
    et_synthetic_close(s);
    CHECK_OK(et_recorder_close(recorder, &err));
    et_synthetic_pool_close(pool);
}

int main(void)
{
    RUN(come_at_their_rates);
    RUN(what_is_missing_is_counted);
    return tap_end();
}

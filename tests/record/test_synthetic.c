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

/* ---- over a restart ---- */

struct robot {
    struct et_synthetic_pool *pool;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_feed *feed;
    const char *folder;
};

static void open_robot(struct robot *r, const char *name)
{
    const struct et_recorder_options how = {.folder = r->folder, .keep_free_bytes = -1};
    CHECK_OK(et_recorder_open(&r->recorder, &how, &err));
    CHECK_OK(et_station_open(&r->station, r->recorder, name, &err));
    CHECK_OK(
        et_station_feed(r->station, &(struct et_feed_options){.n_bytes = 1 << 24}, &r->feed, &err));
    CHECK_OK(et_station_begin(r->station, &(struct et_run){.robot = "synthetic"}, &err));
}

static void close_robot(struct robot *r)
{
    CHECK_OK(et_station_end(r->station, NULL, &err));
    CHECK_OK(et_recorder_close(r->recorder, &err));
}

/* A robot whose streams go on from one recorder to the next: their samples until each of the
 * moments are in a recording of its own, but for those of `skipped`. */
static void record_parts(struct robot *r, const char *name, int n_parts, int skipped)
{
    struct et_synthetic *s;
    struct et_feed *source;
    struct et_feed_sample sample;
    CHECK_OK(et_feed_open(&source, &(struct et_feed_options){.n_bytes = 1 << 24}, &err));
    CHECK_OK(et_synthetic_open(&s, r->pool, source, 0, &err));
    for (int i = 0; i < n_parts; i++) {
        (void)et_synthetic_put(s, (i + 1) * (ET_NS_PER_S / 2));
        open_robot(r, name);
        uint16_t stream;
        for (size_t k = 1; k < et_feed_n_streams(source); k++)
            CHECK_OK(et_feed_add(r->feed, et_feed_stream(source, k), &stream, &err));
        while (et_feed_next(source, &sample)) {
            const struct et_feed_sample copy = {.stream = sample.stream,
                                                .t_device_ns = sample.t_device_ns,
                                                .bytes = sample.bytes,
                                                .n_bytes = sample.n_bytes};
            CHECK(i == skipped || et_feed_put(r->feed, &copy));
            et_feed_done(source);
        }
        close_robot(r);
    }
    et_synthetic_close(s);
    et_feed_close(source);
}

static struct et_synthetic_found check(struct robot *r, const char *name)
{
    struct et_synthetic_found found;
    CHECK_OK(et_synthetic_check_folder(r->pool, r->folder, name, &found, &err));
    return found;
}

static void parts_of_several_recorders_are_counted_together(void)
{
    struct robot r = {.folder = temp_path("parts")};
    CHECK_OK(et_synthetic_pool_open(&r.pool, 1, &err));
    record_parts(&r, "one", 1, -1); // an earlier run
    record_parts(&r, "one", 3, -1);
    record_parts(&r, "two", 3, 1);
    record_parts(&r, "three", 3, 0);
    struct et_synthetic_found found = check(&r, "one");
    CHECK(found.n_recordings == 3 && found.n_left_out == 1);
    for (size_t i = 0; i < ET_SYNTHETIC_STREAMS; i++) {
        CHECK(found.streams[i].first == 0 && found.streams[i].n_missing == 0);
        CHECK_EQ(found.streams[i].n_wrong, 0);
    }
    CHECK_NEAR((double)found.streams[0].n, 750, 2); // 500 a second
    found = check(&r, "two");
    CHECK(found.n_recordings == 3 && found.n_left_out == 0);
    CHECK_NEAR((double)found.streams[0].n, 500, 2);
    CHECK_NEAR((double)found.streams[0].n_missing, 250, 2);
    CHECK_EQ(found.streams[0].n_wrong, 0);
    found = check(&r, "three");
    CHECK_NEAR((double)found.streams[0].first, 250, 2);
    found = check(&r, "four");
    CHECK(found.n_recordings == 0 && found.streams[0].n == 0);
    CHECK_EQ(et_synthetic_check_folder(r.pool, temp_path("nowhere"), "one", &found, &err),
             ET_ENOTFOUND);
    et_synthetic_pool_close(r.pool);
}

// One run after the other of one recorder: the second film begins with its last key frame.
static void pictures_that_are_repeated_are_counted_once(void)
{
    struct robot r = {.folder = temp_path("films")};
    struct et_synthetic *s;
    CHECK_OK(et_synthetic_pool_open(&r.pool, 1, &err));
    open_robot(&r, "one");
    CHECK_OK(et_synthetic_open(&s, r.pool, r.feed, 0, &err));
    (void)et_synthetic_put(s, ET_NS_PER_S / 2);
    CHECK_OK(et_station_end(r.station, NULL, &err));
    CHECK_OK(et_station_begin(r.station, &(struct et_run){.robot = "synthetic"}, &err));
    (void)et_synthetic_put(s, ET_NS_PER_S);
    close_robot(&r);
    const struct et_synthetic_found found = check(&r, "one");
    CHECK_EQ(found.n_recordings, 2);
    for (size_t i = 0; i < ET_SYNTHETIC_STREAMS; i++)
        CHECK(found.streams[i].first + found.streams[i].n_missing + found.streams[i].n_wrong == 0);
    CHECK_NEAR((double)found.streams[7].n, 30, 1);
    et_synthetic_close(s);
    et_synthetic_pool_close(r.pool);
}

int main(void)
{
    RUN(come_at_their_rates);
    RUN(what_is_missing_is_counted);
    RUN(parts_of_several_recorders_are_counted_together);
    RUN(pictures_that_are_repeated_are_counted_once);
    return tap_end();
}

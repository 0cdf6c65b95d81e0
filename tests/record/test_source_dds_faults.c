// Want of memory: a source that cannot be opened leaves nothing, a sample that is lost is counted.
#include "dds_robots.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

#include "etude/clock.h"

#include <poll.h>

static struct et_err err;

static void opening_fails_whole(void)
{
    struct robots robots;
    struct et_feed *feed;
    struct et_source *source;
    CHECK(robots_open(&robots));
    CHECK_OK(et_feed_open(&feed, NULL, &err));
    FOR_EACH_FAULT(at)
    {
        fault_arm(at);
        const enum et_status st = robots_hear(&robots, "exclude: [a, b]\npeers: [127.0.0.1]\n",
                                              true, feed, &source, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_OK || st == ET_ENOMEM || st == ET_EIO : st == ET_OK);
        CHECK((st == ET_OK) == (source != NULL));
        et_source_close(source);
    }
    et_feed_close(feed);
    robots_close(&robots);
}

// Polls until the stream has n samples, or for ever so long.
static bool polls_until(struct et_source *source, struct et_feed *feed, size_t n_streams,
                        uint64_t n)
{
    const int64_t end_ns = et_clock_monotonic_ns() + DDS_WAIT_NS;
    struct et_feed_sample sample;
    int64_t t_next_ns;
    bool is_there = false;
    while (!is_there && et_clock_monotonic_ns() < end_ns) {
        struct pollfd fd = {.fd = et_source_fd(source), .events = POLLIN};
        (void)poll(&fd, 1, 2);
        CHECK_OK(et_source_poll(source, &t_next_ns, &err));
        while (et_feed_next(feed, &sample))
            et_feed_done(feed);
        is_there = et_feed_n_streams(feed) > n_streams - 1 &&
                   et_feed_counts(feed, n_streams - 1).n_put >= n;
    }
    return is_there;
}

static void sample_without_memory_is_counted_as_lost(void)
{
    struct robots robots;
    struct et_feed *feed;
    struct et_source *source;
    CHECK(robots_open(&robots));
    CHECK_OK(et_feed_open(&feed, NULL, &err));
    CHECK(robots_do(&robots, "robot 0"));
    CHECK(robots_do(&robots, "writer 0 0 joints %s/joints silent reliable", robots.prefix));
    CHECK_OK(robots_hear(&robots, "", false, feed, &source, &err));
    CHECK(polls_until(source, feed, 2, 0));
    CHECK(robots_do(&robots, "wait 0 1"));
    CHECK(robots_do(&robots, "write 0 1 1"));
    CHECK(polls_until(source, feed, 2, 1));
    // Of our calls only the receiving thread's is left; the answer to the order needs none.
    fault_only = "malloc";
    fault_arm(1);
    CHECK(robots_do(&robots, "write 0 2 1"));
    for (int i = 0; i < 20000 && !fault_seen; i++)
        (void)poll(NULL, 0, 1);
    fault_disarm();
    CHECK(fault_seen);
    CHECK(robots_do(&robots, "write 0 3 1"));
    CHECK(polls_until(source, feed, 2, 2));
    CHECK_EQ(et_feed_counts(feed, 1).n_put, 2);
    CHECK_EQ(et_feed_counts(feed, 1).n_lost, 1);
    et_source_close(source);
    et_feed_close(feed);
    robots_close(&robots);
}

int main(void)
{
    RUN(sample_without_memory_is_counted_as_lost);
    RUN(opening_fails_whole);
    return tap_end();
}

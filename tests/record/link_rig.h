/* Agents and a recorder on one loop, whose clock the test moves. */
#ifndef TESTS_LINK_RIG_H
#define TESTS_LINK_RIG_H

#include "etude/link.h"
#include "net/net_peer.h"

#define MS INT64_C(1000000)
#define AGENT_AHEAD_NS (3 * S + 12345) // of its clock

/* The recorder's side: one feed, and what came of the numbers in it. */
struct recorder_side {
    struct et_loop *loop;
    struct et_link_server *server;
    struct et_feed *feed;
    uint64_t n_taken; // that a server before this one took
    int64_t t_safe_ns;
    unsigned n_hellos, n_gone;
    char address[ET_ADDRESS_BYTES];
};

/* The robot's side: one feed of numbers. */
struct agent_side {
    struct et_link_agent *agent;
    struct et_feed *feed;
    uint16_t stream;
    uint64_t n_put;
};

/* What lies in a feed: numbers from `next` on, in order. */
struct heard {
    uint64_t next, n, n_wrong, n_events;
    int64_t t_last_ns, t_device_ns;
};

/* Options that are not given are as usual; feed_bytes 0: 1 MiB. */
void open_recorder(struct recorder_side *r, struct et_loop *loop,
                   const struct et_link_server_options *options, size_t feed_bytes);
void open_server(struct recorder_side *r, const struct et_link_server_options *options);
void close_recorder(struct recorder_side *r);

void open_agent(struct agent_side *a, struct et_loop *loop,
                const struct et_link_agent_options *options, size_t feed_bytes);
void close_agent(struct agent_side *a);

/* The next n numbers, of that many bytes each (≥ 8). How many found room. */
uint64_t put_numbers(struct agent_side *a, uint64_t n, size_t n_bytes);

/* Takes all that is in the feed. */
void hear_numbers(struct et_feed *feed, struct heard *heard);

/* Time goes by in steps of a millisecond. */
void go_on(struct et_loop *loop, int64_t by_ns);
bool is_up(const struct agent_side *a);

#endif

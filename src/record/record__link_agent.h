/* An agent's inside, for the two files that have its connection and its sources. */
#ifndef ETUDE_RECORD_LINK_AGENT_H
#define ETUDE_RECORD_LINK_AGENT_H

#include "etude/arena.h"
#include "etude/source.h"
#include "record/record__link.h"

#define ET__NO_STREAM UINT16_MAX

struct et__agent_lane {
    struct et_feed *feed;
    size_t n_known;
    uint16_t numbers[ET_FEED_STREAMS_MAX]; // of its streams on the link; ET__NO_STREAM: not sent
};

struct et__agent_stream { // by its number on the link
    struct et__agent_lane *lane;
    uint16_t i;      // in its feed
    uint64_t n_told; // that were lost
};

struct et__agent_source {
    struct et_link_agent *agent;
    const char *device;
    struct et_feed *feed; // owned
    struct et_source *source;
    struct et_watch watch;
    struct et_timer timer;
    bool is_over;
};

struct et_link_agent {
    struct et_loop *loop;
    struct et_link_agent_options options;
    struct et_arena *arena; // of the options' texts
    struct et_link_agent_status status;
    struct et_conn *conn; // NULL: none
    struct et_timer tick, retry;
    int64_t t_tick_ns, t_heard_ns, retry_ns, t_losses_ns;
    bool is_finishing;

    struct et__agent_lane lanes[ET_LINK_FEEDS_MAX];
    size_t n_lanes;
    struct et__agent_stream streams[ET_FEED_STREAMS_MAX];
    size_t n_streams, n_announced; // that there are; that the recorder knows of
    struct et__agent_source *sources[ET_LINK_FEEDS_MAX];
    size_t n_sources;

    struct et_buf words; // of all but batches
    struct et_buf batch; // that is made
    uint32_t n_in_batch;
    int64_t t_base_ns;
    struct et__link_window window;
};

int64_t et__agent_now(const struct et_link_agent *agent);

/* ---- sources (link_sources.c) ---- */

bool et__agent_is_dry(const struct et_link_agent *agent);
void et__agent_stop_sources(struct et_link_agent *agent); // they are polled no more
void et__agent_close_sources(struct et_link_agent *agent);

#endif

/* An agent's inside, for the two files that have its connection and its sources. */
#ifndef ETUDE_RECORD_LINK_AGENT_H
#define ETUDE_RECORD_LINK_AGENT_H

#include "etude/arena.h"
#include "etude/source.h"
#include "record/record__keep.h"
#include "record/record__link.h"

#define ET__NO_STREAM UINT16_MAX

struct et__agent_lane {
    struct et_feed *feed;
    size_t n_known;
    uint16_t numbers[ET_FEED_STREAMS_MAX]; // of its streams on the link; ET__NO_STREAM: not sent
    uint64_t n_told[ET_FEED_STREAMS_MAX];  // that were lost
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
    /* Its streams are those of the link, by number: those that the spool was begun with, those of
     * its own feeds. Nothing is ever put there. */
    struct et_feed *streams;
    size_t n_announced;                         // that the recorder knows of
    size_t n_saved;                             // that the spool knows of
    uint64_t n_told[ET_FEED_STREAMS_MAX];       // that went from the spool
    struct et__keep keeps[ET_FEED_STREAMS_MAX]; // what is latched, for recorders that come later
    size_t n_keep_bytes;
    size_t i_again,
        n_again;        // streams of which it was sent on this connection; of the next, so many
    uint64_t n_welcome; // what is not sent again anyhow: records before this one
    struct et__agent_source *sources[ET_LINK_FEEDS_MAX];
    size_t n_sources;

    struct et_buf words; // of all but batches
    struct et_buf batch; // that is made
    uint32_t n_in_batch;
    uint64_t next, first; // number of the next record, and of this run's first one
    uint64_t n_before;    // records of an agent before this one, that were to be sent
    int64_t t_base_ns;
    struct et__link_window window;
};

int64_t et__agent_now(const struct et_link_agent *agent);

/* ---- the spool (link_before.c) ---- */

/* Opens it, and goes on in the session of an agent before this one where that left something.
 * *n_lost: records that were lost with it, at most. */
ET_MUST_USE enum et_status et__agent_open_spool(struct et_link_agent *agent, uint64_t *n_lost,
                                                struct et_err *err);
/* Streams go to the spool before the first batch that has them. What it fails with, it fails with
 * once: of streams that the spool does not know nothing can be taken up. */
ET_MUST_USE enum et_status et__agent_save_streams(struct et_link_agent *agent, struct et_err *err);

/* ---- sources (link_sources.c) ---- */

bool et__agent_is_dry(const struct et_link_agent *agent);
void et__agent_stop_sources(struct et_link_agent *agent); // they are polled no more
void et__agent_close_sources(struct et_link_agent *agent);

#endif
